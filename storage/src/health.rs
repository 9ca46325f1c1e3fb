//! Whether the store takes writes, and bringing it back when its engine or its disk failed.
//!
//! What the disk holds after a failed write is not known. From then on nothing is acknowledged until the engine was dropped,
//! its files were written again and it was opened anew. Readers go on meanwhile with what the engine shows, and nothing of
//! what they look at is kept. Must not decide when to try: whoever serves does ([`Store::heal`]).

use crate::engine::{Batch, Engine, EngineKind, KeyRange, Ticket, Visit, io_error};
use crate::error::{Error, Result};
use crate::keys;
use crate::read::present;
use crate::store::Store;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// What is written to see whether the disk takes anything: more than an engine asks for at once.
const PROBE_BYTES: usize = 1 << 20;
/// Bytes that are written again at a time.
const REWRITE_BYTES: usize = 1 << 20;
/// Where so much more than twice the reserve is free, so many bytes are committed before it is looked again.
const PLENTY_BYTES: u64 = 1 << 30;
const UNLOOKED_BYTES: u64 = if cfg!(test) { 64 << 10 } else { 4 << 20 };
/// How often it is looked whether the last caller has let go of the engine, and the pause between two looks.
const HANDLE_LOOKS: usize = 200;
const HANDLE_PAUSE: Duration = Duration::from_millis(10);

/// Whether the store takes writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It does.
    Well,
    /// Less is free on the disk than the reserve. When there is room, it ends by [`Store::heal`].
    Reserve {
        /// What is free.
        free_bytes: u64,
        /// What has to be.
        reserve_bytes: u64,
    },
    /// The disk was full, or the reserve was reached. Ends by [`Store::heal`].
    DiskFull,
    /// The engine or the disk failed, for this reason. Ends by [`Store::heal`].
    Failed(String),
    /// The store was closed.
    Closed,
}

/// Where a store's engine comes from, each time.
pub(crate) struct Source {
    /// Opens it.
    pub(crate) open: Box<dyn Fn() -> Result<Arc<dyn Engine>> + Send + Sync>,
    /// Its files.
    pub(crate) files: Option<Files>,
}

impl Source {
    /// Opens the engine; what it fails at is noted.
    pub(crate) fn open(&self, failure: &Arc<Failure>) -> Result<Arc<dyn Engine>> {
        let (engine, watching) = ((self.open)()?, failure.clone());
        engine.watch(Box::new(move |error| watching.note(error)));
        Ok(Arc::new(Watched { engine, failure: failure.clone() }))
    }
}

/// An engine whose failures are noted, whoever meets them.
struct Watched {
    engine: Arc<dyn Engine>,
    failure: Arc<Failure>,
}

impl Engine for Watched {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.engine.get(key).map_err(|error| self.failure.note_unread(error))
    }
    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<()> {
        self.engine.scan(range, visit).map_err(|error| self.failure.note_unread(error))
    }
    fn commit(&self, batch: Batch) -> Result<Ticket> {
        self.engine.commit(batch).inspect_err(|error| self.failure.note(error))
    }
    fn wait(&self, ticket: Ticket) -> Result<()> {
        self.engine.wait(ticket).inspect_err(|error| self.failure.note(error))
    }
    fn verify(&self) -> Result<Vec<String>> {
        self.engine.verify().map_err(|error| self.failure.note_unread(error))
    }
    fn close(&self) -> Result<()> {
        self.engine.close().inspect_err(|error| self.failure.note(error))
    }
}

/// Finds out how much is free on the disk of a directory.
pub(crate) type FreeBytes = dyn Fn(&Path) -> Option<u64> + Send + Sync;

/// An engine's files and the disk that they are on.
pub(crate) struct Files {
    /// Of the engine alone.
    pub(crate) directory: PathBuf,
    /// Bytes that anybody but root may still use there; `None`: that cannot be found out.
    pub(crate) free_bytes: Box<FreeBytes>,
}

impl Files {
    /// Those in `directory`.
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory, free_bytes: Box::new(free_bytes) }
    }
}

fn free_bytes(directory: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(directory).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// The first failure since the engine was opened.
#[derive(Default)]
pub(crate) struct Failure {
    failed: AtomicBool,
    /// Whether it is not sure what the disk holds.
    doubtful: AtomicBool,
    /// Whether something could not even be read.
    unreadable: AtomicBool,
    closed: AtomicBool,
    /// Bytes that may still be committed before the room on the disk is looked at again.
    unlooked_bytes: AtomicU64,
    first: Mutex<Option<First>>,
    /// How many there were; whoever changes the others holds it.
    noted: parking_lot::Mutex<u64>,
    /// Told of each first failure.
    watcher: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

#[derive(Clone, Debug)]
enum First {
    DiskFull,
    Failed(String),
}

impl Failure {
    /// Notes an error of the engine's; others pass.
    pub(crate) fn note(&self, error: &Error) {
        let cause = match error {
            Error::DiskFull => First::DiskFull,
            Error::Engine(cause) => First::Failed(cause.clone()),
            _ => return,
        };
        {
            let mut count = self.noted.lock();
            *count = count.saturating_add(1);
            self.doubtful.store(true, Ordering::Release);
        }
        self.begin(cause);
    }
    fn begin(&self, cause: First) {
        let mut count = self.noted.lock();
        *count = count.saturating_add(1);
        self.first().get_or_insert(cause);
        let is_news = !self.failed.swap(true, Ordering::AcqRel);
        drop(count);
        if let Some(watcher) = self.watcher.get().filter(|_| is_news) {
            watcher();
        }
    }
    /// The same of a reader's error, as he is told it: it is not for want of room that he is shown nothing.
    pub(crate) fn note_unread(&self, error: Error) -> Error {
        self.note(&error);
        match error {
            Error::DiskFull | Error::Engine(_) => {
                self.unreadable.store(true, Ordering::Release);
                Error::Engine(error.to_string())
            }
            error => error,
        }
    }
    /// Refuses what nobody may be told is done.
    pub(crate) fn refuse(&self) -> Result<()> {
        if !self.is_noted() {
            return Ok(());
        }
        match self.first().clone() {
            Some(First::DiskFull) => Err(Error::DiskFull),
            Some(First::Failed(_)) => Err(Error::Engine("an earlier write failed, and the store was not opened anew yet".into())),
            None => Ok(()),
        }
    }
    /// Whether there was one.
    pub(crate) fn is_noted(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }
    /// The store is closed for good.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }
    /// Forgets it if no more was noted than that: a new engine may tell of a failure of its own from its first moment on.
    fn forget(&self, noted: u64) {
        let count = self.noted.lock();
        if *count != noted {
            return;
        }
        *self.first() = None;
        self.doubtful.store(false, Ordering::Release);
        self.unreadable.store(false, Ordering::Release);
        self.failed.store(false, Ordering::Release);
    }
    fn first(&self) -> MutexGuard<'_, Option<First>> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Has `watcher` called whenever writes begin to be refused, so that nobody has to look all the time: by whoever meets the
    /// failure, so it must not wait for anything. The first that is given stays.
    pub fn watch(&self, watcher: impl Fn() + Send + Sync + 'static) {
        drop(self.failure.watcher.set(Box::new(watcher)));
    }

    /// Whether it takes writes.
    pub fn health(&self) -> Health {
        if self.failure.closed.load(Ordering::Acquire) {
            return Health::Closed;
        }
        if let Some(reserve) = self.below_reserve() {
            return reserve;
        }
        match self.failure.first().clone() {
            Some(First::DiskFull) => Health::DiskFull,
            Some(First::Failed(cause)) => Health::Failed(cause),
            None => Health::Well,
        }
    }

    /// After a failure of the engine: opens it anew. While the disk takes nothing that is done for the sake of readers alone, if
    /// something cannot be read, and is an error all the same. Where the engine could not be opened, nothing can be read until
    /// this is called again.
    pub fn heal(&self) -> Result<()> {
        if !self.failure.is_noted() {
            return Ok(());
        }
        let probed = match &self.source.files {
            Some(_) if self.below_reserve().is_some() => Err(Error::DiskFull),
            Some(files) => probe(&files.directory),
            None => Ok(()),
        };
        // An engine that still shows something is better than one that perhaps cannot be opened.
        if probed.is_err() && (!self.failure.unreadable.load(Ordering::Acquire) || self.shows_something()) {
            return probed;
        }
        let noted = self.reopen()?;
        self.failure.unreadable.store(false, Ordering::Release);
        if probed.is_ok() {
            self.failure.forget(noted);
        }
        probed
    }

    fn shows_something(&self) -> bool {
        self.read(|snapshot| present(snapshot, keys::SECRET)).is_ok_and(|present| present)
    }

    /// Gives how many failures were noted before there was a new engine.
    fn reopen(&self) -> Result<u64> {
        let mut gate = self.gate.write();
        if self.failure.closed.load(Ordering::Acquire) {
            return Err(Error::Engine("the store is closed".into()));
        }
        self.copying.end();
        if let Some(engine) = gate.take() {
            // Nobody is inside the gate; whoever still waits for the disk is told now that it failed.
            for _ in 0..HANDLE_LOOKS {
                if Arc::strong_count(&engine) == 1 {
                    break;
                }
                std::thread::sleep(HANDLE_PAUSE);
            }
            if Arc::strong_count(&engine) > 1 {
                *gate = Some(engine);
                return Err(Error::Engine("somebody still waits for the disk".into()));
            }
            drop(engine);
        }
        // What was made of a state that is not sure to be there goes with it.
        self.views.clear();
        self.facts.clear();
        // A disk that is no longer there leaves an empty directory behind, in which a new store would be begun.
        if let Some(files) = &self.source.files
            && EngineKind::of_files(&files.directory)?.is_none()
        {
            return Err(Error::Engine("the files of the store are gone".into()));
        }
        if let Some(files) = self.source.files.as_ref().filter(|_| self.failure.doubtful.load(Ordering::Acquire)) {
            write_again(&files.directory)?;
        }
        let noted = *self.failure.noted.lock();
        let engine = self.source.open(&self.failure)?;
        self.verify_header(engine.as_ref())?;
        self.journal.settle(engine.get(keys::JOURNAL_WRITTEN)?.as_deref());
        *gate = Some(engine);
        Ok(noted)
    }

    /// Below the reserve nothing more is written, so that the engine does not meet a full disk. It may all the same, by what it
    /// does of its own accord when others take what was left; so it is opened anew when there is room.
    pub(crate) fn refuse_below_reserve(&self, batch: &Batch) -> Result<()> {
        let bytes: usize = batch.writes.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum();
        // Where there is plenty, this does not use it up.
        let unlooked = &self.failure.unlooked_bytes;
        if unlooked.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(bytes.max(1) as u64)).is_ok() {
            return Ok(());
        }
        if self.below_reserve().is_some() { Err(Error::DiskFull) } else { Ok(()) }
    }

    fn below_reserve(&self) -> Option<Health> {
        let reserve_bytes = self.limits().reserve_bytes;
        let files = self.source.files.as_ref().filter(|_| reserve_bytes > 0)?;
        let free_bytes = (files.free_bytes)(&files.directory)?;
        let is_plenty = free_bytes >= reserve_bytes.saturating_mul(2).saturating_add(PLENTY_BYTES);
        self.failure.unlooked_bytes.store(if is_plenty { UNLOOKED_BYTES } else { 0 }, Ordering::Release);
        if free_bytes >= reserve_bytes {
            return None;
        }
        self.failure.begin(First::DiskFull);
        Some(Health::Reserve { free_bytes, reserve_bytes })
    }
}

/// Whether the disk of a directory takes a write and keeps it.
fn probe(directory: &Path) -> Result<()> {
    let path = directory.with_file_name(".probe");
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        file.write_all(&vec![0xa5; PROBE_BYTES])?;
        file.sync_all()
    })();
    // It may never have come to be.
    let removed = match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    written.and(removed).map_err(|error| io_error(&error))
}

/// Writes every file of the engine again, as it reads now, and waits for the disk: after a failed fsync the system may take for
/// written what it did not write, and would never try again. The bytes are the same, so that a crash meanwhile harms nothing.
fn write_again(directory: &Path) -> Result<()> {
    let rewritten = (|| {
        let mut directories = vec![directory.to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in std::fs::read_dir(&directory)? {
                let entry = entry?;
                match entry.file_type()? {
                    kind if kind.is_dir() => directories.push(entry.path()),
                    kind if kind.is_file() => write_file_again(&entry.path())?,
                    _ => {}
                }
            }
            File::open(&directory)?.sync_all()?;
        }
        Ok::<(), std::io::Error>(())
    })();
    rewritten.map_err(|error| io_error(&error))
}

fn write_file_again(path: &Path) -> std::io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut buffer = vec![0; REWRITE_BYTES];
    let mut offset = 0;
    loop {
        let read = file.read_at(&mut buffer, offset)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        file.write_all_at(bytes, offset)?;
        offset = offset.saturating_add(read as u64);
    }
    file.sync_all()
}

#[cfg(test)]
mod tests;
