//! The body of an answer: bytes at hand, then what waits in the store's spool. Must not know what they are.

use bytes::Bytes;
use std::io;
use storage::spool::{Remainder, Waiting};

/// Bytes of a file that are looked at together.
const READ_BYTES: usize = 64 << 10;

/// The body of an answer, to be sent in this order: what lies in memory, what lies in a file.
#[derive(Debug, Default)]
pub struct Body {
    chunks: Vec<Bytes>,
    remainder: Option<Remainder>,
}

impl Body {
    /// Bytes of it.
    pub fn len(&self) -> u64 {
        let in_memory: u64 = self.chunks.iter().map(|chunk| chunk.len() as u64).sum();
        in_memory.saturating_add(self.remainder.as_ref().map_or(0, Remainder::len))
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.remainder.is_none() && self.chunks.iter().all(Bytes::is_empty)
    }
    /// Takes its parts.
    pub fn into_parts(self) -> (Vec<Bytes>, Option<Remainder>) {
        (self.chunks, self.remainder)
    }
    /// All of it in one piece: for whoever answers in process.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let mut all = self.chunks.concat();
        let Some(remainder) = &self.remainder else { return Ok(all) };
        let mut offset = 0;
        loop {
            let more = remainder.read(offset, READ_BYTES)?;
            if more.is_empty() {
                return Ok(all);
            }
            offset = offset.saturating_add(more.len() as u64);
            all.extend(more);
        }
    }
}

impl From<Vec<Bytes>> for Body {
    fn from(chunks: Vec<Bytes>) -> Self {
        Self { chunks, remainder: None }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        vec![bytes].into()
    }
}

impl From<Waiting> for Body {
    fn from(waiting: Waiting) -> Self {
        Self { chunks: waiting.chunks.into_iter().map(Bytes::from_owner).collect(), remainder: waiting.remainder }
    }
}
