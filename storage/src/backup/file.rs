//! The file of a backup: the same for every engine.
//!
//! A line that names it, then blocks: a byte for the kind, the length in four bytes (big-endian), the content, and 32 bytes of
//! BLAKE3 over the hash of the block before and all that. The first block holds the store's format, the last one the number
//! of records; between them are records: lengths of key and value in four bytes each, key, value, each key once, in no
//! order. So nothing can be cut off, left out, moved or changed without being noticed.

use crate::engine::io_error;
use crate::error::{Error, Result};
use std::io::{Read, Write};

/// The first line, which is the first hash's content too.
const LINE: &[u8; 16] = b"shoji backup 1\r\n";
const HEAD: u8 = b'H';
const RECORDS: u8 = b'R';
const END: u8 = b'E';
/// A block is closed when it holds this much.
const BLOCK_BYTES: usize = 1 << 20;
/// None is larger; the largest value with its key fits.
const BLOCK_BYTES_MAX: u32 = 256 << 20;

/// Writes one.
pub(super) struct Writer<'w> {
    out: &'w mut dyn Write,
    hash: [u8; 32],
    block: Vec<u8>,
    records: u64,
    bytes: u64,
}

impl<'w> Writer<'w> {
    /// Begins one of a store of this format.
    pub(super) fn begin(out: &'w mut dyn Write, format: u32) -> Result<Self> {
        out.write_all(LINE).map_err(|error| io_error(&error))?;
        let mut writer =
            Self { out, hash: *blake3::hash(LINE).as_bytes(), block: format.to_be_bytes().to_vec(), records: 0, bytes: LINE.len() as u64 };
        writer.close_block(HEAD)?;
        Ok(writer)
    }
    /// One record.
    pub(super) fn record(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        for part in [key, value] {
            let length = u32::try_from(part.len()).ok().filter(|length| *length < BLOCK_BYTES_MAX / 4);
            let length = length.ok_or(Error::Corrupted("a record is larger than any"))?;
            self.block.extend_from_slice(&length.to_be_bytes());
        }
        self.block.extend_from_slice(key);
        self.block.extend_from_slice(value);
        self.records += 1;
        if self.block.len() >= BLOCK_BYTES { self.close_block(RECORDS) } else { Ok(()) }
    }
    /// Ends it.
    pub(super) fn end(mut self) -> Result<Size> {
        self.close_block(RECORDS)?;
        self.block = self.records.to_be_bytes().to_vec();
        self.close_block(END)?;
        self.out.flush().map_err(|error| io_error(&error))?;
        Ok(Size { records: self.records, bytes: self.bytes })
    }
    /// What was written so far.
    pub(super) fn size(&self) -> Size {
        Size { records: self.records, bytes: self.bytes }
    }
    fn close_block(&mut self, kind: u8) -> Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let head = block_head(kind, u32::try_from(self.block.len()).unwrap_or(u32::MAX));
        self.hash = chained(&self.hash, &head, &self.block);
        let mut whole = head.to_vec();
        whole.append(&mut self.block);
        whole.extend_from_slice(&self.hash);
        self.bytes += whole.len() as u64;
        self.out.write_all(&whole).map_err(|error| io_error(&error))
    }
}

/// How much is in a backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Keys with their values.
    pub records: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

fn block_head(kind: u8, length: u32) -> [u8; 5] {
    let [a, b, c, d] = length.to_be_bytes();
    [kind, a, b, c, d]
}

fn chained(before: &[u8; 32], head: &[u8], content: &[u8]) -> [u8; 32] {
    *blake3::Hasher::new().update(before).update(head).update(content).finalize().as_bytes()
}

/// What a backup says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    /// The store's format.
    pub format: u32,
    /// How much is in it.
    pub size: Size,
}

/// What a reader calls for each record.
pub(super) type VisitRecord<'a> = dyn FnMut(&[u8], &[u8]) -> Result<()> + 'a;

/// Reads a whole backup and calls `visit` for each record. An error as soon as something is amiss; nothing is to be relied on
/// before it returns.
pub(super) fn read(file: &mut dyn Read, visit: &mut VisitRecord<'_>) -> Result<Contents> {
    let mut line = [0; LINE.len()];
    exactly(file, &mut line)?;
    if line != *LINE {
        return Err(Error::Invalid("this is no backup of shoji's, or one of a newer program".into()));
    }
    let mut reader = Reader { file, hash: *blake3::hash(LINE).as_bytes(), block: Vec::new(), bytes: LINE.len() as u64 };
    if reader.block()? != HEAD {
        return Err(damaged());
    }
    let format = reader.block.first_chunk::<4>().filter(|_| reader.block.len() == 4).ok_or_else(damaged)?;
    let format = u32::from_be_bytes(*format);
    let mut records = 0u64;
    loop {
        match reader.block()? {
            RECORDS => {
                let mut rest = reader.block.as_slice();
                while !rest.is_empty() {
                    let (key_length, value_length) = (length(&mut rest)?, length(&mut rest)?);
                    let (key, value) = (part(&mut rest, key_length)?, part(&mut rest, value_length)?);
                    visit(key, value)?;
                    records += 1;
                }
            }
            END => break,
            _ => return Err(damaged()),
        }
    }
    let said = reader.block.as_slice().try_into().map(u64::from_be_bytes);
    let size = Size { records, bytes: reader.bytes };
    if said.ok() != Some(records) || reader.file.read(&mut [0]).map_err(|error| io_error(&error))? != 0 {
        return Err(damaged());
    }
    Ok(Contents { format, size })
}

struct Reader<'r> {
    file: &'r mut dyn Read,
    hash: [u8; 32],
    block: Vec<u8>,
    bytes: u64,
}

impl Reader<'_> {
    /// The next block's kind; its content stands in `block`.
    fn block(&mut self) -> Result<u8> {
        let mut head = [0; 5];
        exactly(self.file, &mut head)?;
        let [kind, a, b, c, d] = head;
        let length = u32::from_be_bytes([a, b, c, d]);
        if length > BLOCK_BYTES_MAX {
            return Err(damaged());
        }
        self.block.clear();
        // Room is made as bytes come, not as a damaged length asks.
        let read = self.file.take(u64::from(length)).read_to_end(&mut self.block).map_err(|error| io_error(&error))?;
        if read as u64 != u64::from(length) {
            return Err(cut_off());
        }
        let mut hash = [0; 32];
        exactly(self.file, &mut hash)?;
        self.hash = chained(&self.hash, &head, &self.block);
        self.bytes += u64::from(length) + 37;
        if hash == self.hash { Ok(kind) } else { Err(damaged()) }
    }
}

fn exactly(file: &mut dyn Read, bytes: &mut [u8]) -> Result<()> {
    file.read_exact(bytes).map_err(|error| if error.kind() == std::io::ErrorKind::UnexpectedEof { cut_off() } else { io_error(&error) })
}

fn length(rest: &mut &[u8]) -> Result<usize> {
    let (length, after) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
    *rest = after;
    usize::try_from(u32::from_be_bytes(*length)).map_err(|_| damaged())
}

fn part<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8]> {
    let (part, after) = rest.split_at_checked(length).ok_or_else(damaged)?;
    *rest = after;
    Ok(part)
}

fn damaged() -> Error {
    Error::Invalid("the backup is damaged: it is not what was written".into())
}

fn cut_off() -> Error {
    Error::Invalid("the backup is cut off: its end is missing".into())
}
