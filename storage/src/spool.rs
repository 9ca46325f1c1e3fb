//! Answers that wait to be sent: in memory as far as all of them together may lie there, and behind that in a file each.
//!
//! Whoever reads an answer slowly, or never, takes no memory by it. A file has no name, so that nobody else opens it and nothing is
//! left of it when the program ends. What is written here was made for one viewer; it is never looked into, and never served to
//! anybody but the request it was made for.

use crate::limits::Limits;
use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of each answer that lie in memory in any case: most answers are no larger.
const OWN_BYTES: u64 = 64 << 10;

/// Where answers wait.
#[derive(Debug)]
pub struct Spool {
    /// `None`: all of them lie in memory, whatever there is.
    directory: Option<PathBuf>,
    memory: Arc<Room>,
    files: Arc<Room>,
    /// Counts files, not bytes.
    places: Arc<Room>,
    begun: AtomicU64,
    /// Bytes that stay free on the disk.
    reserve_bytes: u64,
}

/// Bytes that may be held at a time.
#[derive(Debug)]
struct Room {
    held: AtomicU64,
    max: u64,
}

/// Some bytes of a room, given back when dropped.
#[derive(Debug)]
struct Held {
    room: Arc<Room>,
    bytes: u64,
}

impl Room {
    fn new(max: u64) -> Arc<Self> {
        Arc::new(Self { held: AtomicU64::new(0), max })
    }
    fn take(self: &Arc<Self>, bytes: u64) -> Option<Held> {
        let within = |held: u64| held.checked_add(bytes).filter(|sum| *sum <= self.max);
        self.held.fetch_update(Ordering::AcqRel, Ordering::Acquire, within).ok()?;
        Some(Held { room: self.clone(), bytes })
    }
    fn nothing(self: &Arc<Self>) -> Held {
        Held { room: self.clone(), bytes: 0 }
    }
}

impl Held {
    fn join(&mut self, mut other: Self) {
        self.bytes = self.bytes.saturating_add(std::mem::take(&mut other.bytes));
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.room.held.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

/// Bytes of an answer that lie in memory.
#[derive(Debug)]
pub struct Chunk {
    bytes: Vec<u8>,
    _held: Option<Held>,
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The part of an answer that lies in a file.
#[derive(Debug)]
pub struct Remainder {
    file: File,
    bytes: u64,
    held: Held,
    _place: Held,
}

impl Remainder {
    /// Bytes of it.
    pub fn len(&self) -> u64 {
        self.bytes
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }
    /// Those from `offset` on, at most so many. None of them: the end.
    pub fn read(&self, offset: u64, bytes_max: usize) -> io::Result<Vec<u8>> {
        let left = usize::try_from(self.bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = left.min(bytes_max);
        // Not zeroed first: for that the allocator would give its pages back to the system, and take others.
        let mut bytes = Vec::with_capacity(wanted);
        while bytes.len() < wanted {
            let from = offset.saturating_add(bytes.len() as u64);
            match rustix::io::pread(&self.file, spare_capacity(&mut bytes), from) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        bytes.truncate(wanted);
        Ok(bytes)
    }
}

/// An answer that waits, in two parts: the first in memory, the second in a file.
#[derive(Debug, Default)]
pub struct Waiting {
    /// The first part.
    pub chunks: Vec<Chunk>,
    /// The second.
    pub remainder: Option<Remainder>,
}

/// An answer being written.
#[derive(Debug)]
pub struct Pending {
    spool: Arc<Spool>,
    waiting: Waiting,
    own_bytes: u64,
}

impl Spool {
    /// One with files in this directory.
    pub(crate) fn new(directory: Option<&Path>, limits: &Limits) -> Arc<Self> {
        let (memory, files) = (Room::new(limits.answers_memory_bytes_max), Room::new(limits.answers_file_bytes_max));
        Arc::new(Self {
            directory: directory.map(Path::to_path_buf),
            memory,
            files,
            places: Room::new(limits.answers_files_max),
            begun: AtomicU64::new(0),
            reserve_bytes: limits.reserve_bytes,
        })
    }

    /// One without files: everything lies in memory.
    pub fn in_memory() -> Arc<Self> {
        Self::new(None, &Limits::default())
    }

    /// Begins an answer.
    pub fn begin(self: &Arc<Self>) -> Pending {
        Pending { spool: self.clone(), waiting: Waiting::default(), own_bytes: 0 }
    }

    fn file(&self, directory: &Path) -> io::Result<File> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!(".answer-{}-{number}", std::process::id()));
        // What an earlier program with this number left, in the moment between making a file and taking its name away.
        if let Err(error) = std::fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
        std::fs::remove_file(&path)?;
        Ok(file)
    }

    fn refuse_below_reserve(&self, directory: &Path) -> io::Result<()> {
        let is_below = self.reserve_bytes > 0
            && rustix::fs::statvfs(directory).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < self.reserve_bytes);
        if is_below { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }
}

impl Pending {
    /// Puts bytes behind those that are there. An error: there is no room for them now.
    pub fn push(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        let count = bytes.len() as u64;
        if count == 0 {
            return Ok(());
        }
        if self.waiting.remainder.is_none() {
            let is_own = self.own_bytes.saturating_add(count) <= OWN_BYTES;
            let held = if is_own { None } else { self.spool.memory.take(count) };
            if is_own || held.is_some() || self.spool.directory.is_none() {
                self.own_bytes = self.own_bytes.saturating_add(if held.is_none() { count } else { 0 });
                self.waiting.chunks.push(Chunk { bytes, _held: held });
                return Ok(());
            }
        }
        let Some(directory) = &self.spool.directory else { return Ok(()) };
        let held = self.spool.files.take(count).ok_or(io::ErrorKind::QuotaExceeded)?;
        self.spool.refuse_below_reserve(directory)?;
        let remainder = match &mut self.waiting.remainder {
            Some(remainder) => remainder,
            none => {
                let place = self.spool.places.take(1).ok_or(io::ErrorKind::QuotaExceeded)?;
                none.insert(Remainder { file: self.spool.file(directory)?, bytes: 0, held: self.spool.files.nothing(), _place: place })
            }
        };
        remainder.file.write_all(&bytes)?;
        remainder.bytes = remainder.bytes.saturating_add(count);
        remainder.held.join(held);
        Ok(())
    }

    /// Nothing comes behind it.
    pub fn finish(self) -> Waiting {
        self.waiting
    }
}

impl Waiting {
    /// Bytes of both parts.
    pub fn len(&self) -> u64 {
        let in_memory: u64 = self.chunks.iter().map(|chunk| chunk.bytes.len() as u64).sum();
        in_memory.saturating_add(self.remainder.as_ref().map_or(0, Remainder::len))
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    const CHUNK: usize = 40 << 10;

    fn spool_in(directory: Option<&Path>, memory_chunks: u64, file_chunks: u64, reserve_bytes: u64) -> Arc<Spool> {
        let bytes = |chunks: u64| chunks * CHUNK as u64;
        let (answers_memory_bytes_max, answers_file_bytes_max) = (bytes(memory_chunks), bytes(file_chunks));
        Spool::new(directory, &Limits { answers_memory_bytes_max, answers_file_bytes_max, reserve_bytes, ..Limits::default() })
    }

    fn pushed(spool: &Arc<Spool>, chunks: u8) -> (Waiting, Vec<u8>) {
        let (mut pending, mut all) = (spool.begin(), Vec::new());
        for number in 0..chunks {
            pending.push(vec![number; CHUNK]).unwrap();
            all.extend_from_slice(&[number; CHUNK]);
        }
        (pending.finish(), all)
    }

    fn read(waiting: &Waiting) -> Vec<u8> {
        let mut all: Vec<u8> = waiting.chunks.iter().flat_map(|chunk| chunk.as_ref().to_vec()).collect();
        while let Some(remainder) = &waiting.remainder {
            let offset = all.len() as u64 - (waiting.len() - remainder.len());
            match remainder.read(offset, 7_777).unwrap() {
                more if more.is_empty() => break,
                more => all.extend(more),
            }
        }
        all
    }

    #[test]
    fn answers_come_out_as_they_went_in_and_what_memory_has_no_room_for_lies_in_files_without_names() {
        let directory = tempfile::tempdir().unwrap();
        let spool = spool_in(Some(directory.path()), 3, 100, 0);
        let mut waiting = Vec::new();
        for chunks in [1, 2, 5, 9, 1, 3] {
            let (one, all) = pushed(&spool, chunks);
            assert_eq!((one.len(), read(&one)), (all.len() as u64, all));
            waiting.push(one);
        }
        let in_memory = |waiting: &[Waiting]| waiting.iter().map(|one| one.chunks.len()).collect::<Vec<_>>();
        assert_eq!(in_memory(&waiting), [1, 2, 3, 1, 1, 1], "one is each answer's own, three more are everybody's");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        let held = |room: &Room| room.held.load(Ordering::Acquire) / CHUNK as u64;
        assert_eq!((held(&spool.memory), held(&spool.files)), (3, 12));
        drop(waiting);
        assert_eq!((held(&spool.memory), held(&spool.files)), (0, 0));
    }

    #[test]
    fn an_answer_for_which_there_is_no_room_is_refused_and_gives_back_what_it_took() {
        let directory = tempfile::tempdir().unwrap();
        let spool = spool_in(Some(directory.path()), 0, 2, 0);
        let mut pending = spool.begin();
        for _ in 0..3 {
            pending.push(vec![0; CHUNK]).unwrap();
        }
        assert_eq!(pending.push(vec![0; CHUNK]).unwrap_err().kind(), io::ErrorKind::QuotaExceeded);
        drop(pending);
        assert_eq!(pushed(&spool, 3).0.len(), 3 * CHUNK as u64);
        let limits = Limits { answers_memory_bytes_max: 0, answers_files_max: 2, ..Limits::default() };
        let few = Spool::new(Some(directory.path()), &limits);
        let waiting = [pushed(&few, 3), pushed(&few, 3)];
        let mut pending = few.begin();
        pending.push(vec![0; CHUNK]).unwrap();
        assert_eq!(pending.push(vec![0; CHUNK]).unwrap_err().kind(), io::ErrorKind::QuotaExceeded, "each file is open");
        drop(waiting);
        pending.push(vec![0; CHUNK]).unwrap();
        let full = spool_in(Some(directory.path()), 0, 100, u64::MAX);
        let mut pending = full.begin();
        pending.push(vec![0; CHUNK]).unwrap();
        assert_eq!(pending.push(vec![0; CHUNK]).unwrap_err().kind(), io::ErrorKind::StorageFull, "the reserve is others'");
        let gone = spool_in(Some(&directory.path().join("gone")), 0, 100, 0);
        let mut pending = gone.begin();
        pending.push(vec![0; CHUNK]).unwrap();
        assert!(pending.push(vec![0; CHUNK]).is_err());
    }

    #[test]
    fn without_a_directory_everything_lies_in_memory() {
        let spool = spool_in(None, 0, 0, 0);
        let (waiting, all) = pushed(&spool, 9);
        assert!(waiting.remainder.is_none() && read(&waiting) == all);
    }
}
