//! The redb engine whole: commits go into a log and into memory, and from there into redb's file.
//!
//! A commit changes memory alone, and reads look there before they look into the file. Whoever waits first appends all that was
//! committed to the log, with one `fdatasync` for everybody who waits. When the log's file is full, or nothing was written for a
//! while, a thread brings what it holds into redb's file, in one transaction, while the next commits go into the log's other
//! file. So what redb has to write for a commit is written for thousands of them at once, and nobody waits for it; after a
//! crash the log has what redb's file lacks.

use super::files::{lock_file, make_directory};
use super::group::{Group, locked};
use super::layers::{self, Layer, Layers};
use super::log::{Log, encode};
use super::redb::{Applied, RedbFile};
use super::{Batch, Engine, KEYS_END, KeyRange, Ticket, Visit, Watcher};
use crate::error::{Error, Result};
use parking_lot::RwLock;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Locked by whoever has the database open, or makes it.
const LOCK: &str = "lock";
/// Bytes of a file of the log from which its commits leave for redb's file. In tests of this crate few, so that it happens.
const LOG_BYTES: u64 = if cfg!(test) { 64 << 10 } else { 8 << 20 };
/// Bytes in memory that nobody waited for, above which a commit waits for the disk itself.
const UNLOGGED_BYTES: usize = 64 << 20;
/// Bytes in memory that have not left for redb's file, above which a commit waits until those before them are there.
const LATEST_BYTES: usize = 32 << 20;
/// After so long without a commit, what is in memory leaves for redb's file.
const QUIET: Duration = Duration::from_secs(2);

/// An open redb database with its log.
pub(crate) struct LoggedEngine {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// Locked until dropped.
    _lock: File,
}

struct Shared {
    state: RwLock<State>,
    file: RedbFile,
    applied: Applied,
    log: Mutex<Log>,
    group: Group,
    moving: Moving,
    watcher: OnceLock<Watcher>,
}

struct State {
    layers: Layers,
    /// Commits that are not in the log yet, encoded, each for itself: nobody copies them while others wait for the lock.
    unlogged: Vec<Vec<u8>>,
    unlogged_bytes: usize,
    /// Number of the last commit.
    committed: u64,
}

/// When the log's file is left for the other one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leave {
    WhenFull,
    Now,
}

impl LoggedEngine {
    /// Whether `directory` holds such a database.
    pub(crate) fn exists(directory: &Path) -> bool {
        RedbFile::exists(directory)
    }
    /// Opens or creates the database in `directory`.
    pub(crate) fn open(directory: &Path, cache_bytes: u64) -> Result<Self> {
        make_directory(directory)?;
        let lock = lock_file(&directory.join(LOCK))?;
        let (file, applied) = RedbFile::open(directory, cache_bytes)?;
        let (log, replayed) = Log::open(directory, applied.secret, applied.number)?;
        let (due, layers) = (replayed.number, Layers::new(file.table()?, replayed.writes.into_iter().collect::<Layer>()));
        let due = layers.leaving().map(|_| due);
        let shared = Arc::new(Shared {
            state: RwLock::new(State { layers, unlogged: Vec::new(), unlogged_bytes: 0, committed: 0 }),
            file,
            applied,
            log: Mutex::new(log),
            group: Group::default(),
            moving: Moving { state: Mutex::new(MovingState { due, busy: false, ended: false }), changed: Condvar::new() },
            watcher: OnceLock::new(),
        });
        let moves = shared.clone();
        let thread = std::thread::Builder::new().name("redb".into()).spawn(move || moves.run());
        let thread = thread.map_err(|error| super::io_error(&error))?;
        Ok(Self { shared, thread: Some(thread), _lock: lock })
    }

    /// Lets every flush of the disk fail, or not.
    #[cfg(test)]
    pub(super) fn sabotage(&self, on: bool) {
        locked(&self.shared.log).sabotaged = on;
        self.shared.file.sabotage(on);
    }
}

impl Engine for LoggedEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        // Of one state, the file too.
        let found = self.shared.state.read().layers.get(key);
        found.or_else(|table| table.get(key))
    }

    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<()> {
        layers::scan(|with| with(&self.shared.state.read().layers), range, visit)
    }

    fn commit(&self, batch: Batch) -> Result<Ticket> {
        if batch.writes.iter().any(|(key, _)| key.first().is_none_or(|first| *first == KEYS_END)) {
            return Err(Error::Engine("a key outside of the engine's range".into()));
        }
        let encoded = encode(&batch)?;
        self.shared.make_room()?;
        let mut state = self.shared.state.write();
        self.shared.group.refuse_if_failed()?;
        let was_settled = state.layers.is_settled();
        state.unlogged_bytes += encoded.len();
        state.unlogged.push(encoded);
        for (key, value) in batch.writes {
            state.layers.write(key, value);
        }
        state.committed += 1;
        let ticket = Ticket(state.committed);
        drop(state);
        if was_settled {
            self.shared.moving.changed();
        }
        Ok(ticket)
    }

    fn wait(&self, ticket: Ticket) -> Result<()> {
        self.shared.wait(ticket)
    }

    fn watch(&self, watcher: Watcher) {
        drop(self.shared.watcher.set(watcher));
    }

    fn verify(&self) -> Result<Vec<String>> {
        if let Err(error) = self.close() {
            // Met by what was to be brought into the file.
            return self.shared.group.damage().map_or(Err(error), |what| Ok(vec![what.to_owned()]));
        }
        let table = self.shared.state.read().layers.table();
        table.faults()
    }

    fn close(&self) -> Result<()> {
        let last = Ticket(self.shared.state.read().committed);
        self.shared.wait(last)?;
        self.shared.move_all()
    }
}

impl Drop for LoggedEngine {
    fn drop(&mut self) {
        self.shared.moving.end();
        if let Some(thread) = self.thread.take() {
            // What it did not move is in the log.
            drop(thread.join());
        }
    }
}

impl Shared {
    fn wait(&self, ticket: Ticket) -> Result<()> {
        self.group.wait(ticket, || self.flush(Leave::WhenFull))
    }

    /// Appends all that was committed to the log. When the log's file is to be left and nothing is on its way into redb's file,
    /// what is in memory sets out.
    fn flush(&self, leave: Leave) -> Result<Ticket> {
        let mut log = locked(&self.log);
        // What somebody took and could not append is in no record: he said so before he let go of the log.
        self.group.refuse_if_failed()?;
        let (commits, committed, leaves) = {
            let mut state = self.state.write();
            let commits = std::mem::take(&mut state.unlogged);
            let bytes = std::mem::take(&mut state.unlogged_bytes);
            let is_full = log.bytes().saturating_add(bytes as u64) >= LOG_BYTES;
            let leaves = (is_full || leave == Leave::Now) && state.layers.leave();
            (commits, state.committed, leaves)
        };
        if !commits.is_empty() {
            log.append(&commits.concat()).inspect_err(|error| self.group.fail(error))?;
        }
        if leaves {
            let last = log.last();
            log.turn();
            self.moving.begin(last);
        }
        Ok(Ticket(committed))
    }

    /// Waits where memory holds too much for one more commit.
    fn make_room(&self) -> Result<()> {
        let (unlogged, latest, committed) = {
            let state = self.state.read();
            (state.unlogged_bytes, state.layers.latest_bytes(), state.committed)
        };
        if unlogged > UNLOGGED_BYTES {
            self.wait(Ticket(committed))?;
        }
        if latest > LATEST_BYTES {
            self.moving.wait();
            self.leave_now()?;
        }
        Ok(())
    }

    fn leave_now(&self) -> Result<()> {
        self.group.refuse_if_failed()?;
        self.flush(Leave::Now).map(drop).inspect_err(|error| self.group.fail(error))
    }

    /// Brings all that was committed before into redb's file.
    fn move_all(&self) -> Result<()> {
        self.moving.wait();
        self.leave_now()?;
        self.moving.wait();
        self.group.refuse_if_failed()
    }

    /// Brings what is leaving into redb's file: the log up to that number.
    fn move_to_file(&self, number: u64) -> Result<()> {
        let leaving = self.state.read().layers.leaving();
        let Some(leaving) = leaving else { return Ok(()) };
        self.file.write(&leaving, Applied { number, ..self.applied })?;
        let table = self.file.table()?;
        let left = self.state.write().layers.left(table);
        drop((left, leaving));
        Ok(())
    }

    /// Tells of a failure while nobody waited: as one of the engine's, whatever it is, since no write is taken after it.
    fn tell(&self, error: Error) {
        let error = match error {
            Error::DiskFull | Error::Engine(_) => error,
            other => Error::Engine(other.to_string()),
        };
        if let Some(watcher) = self.watcher.get() {
            watcher(&error);
        }
    }

    /// What the thread does.
    fn run(&self) {
        let mut moving = self.moving.state();
        let mut seen = None;
        while !moving.ended {
            if let Some(number) = moving.due.take() {
                moving.busy = true;
                drop(moving);
                if let Err(error) = self.move_to_file(number) {
                    self.group.fail(&error);
                    self.tell(error);
                }
                moving = self.moving.state();
                moving.busy = false;
                self.moving.changed.notify_all();
                continue;
            }
            let (is_settled, committed) = {
                let state = self.state.read();
                (state.layers.is_settled(), state.committed)
            };
            if is_settled || self.group.refuse_if_failed().is_err() {
                moving = self.moving.changed.wait(moving).unwrap_or_else(PoisonError::into_inner);
            } else if seen.replace(committed) == Some(committed) {
                drop(moving);
                if let Err(error) = self.leave_now() {
                    self.tell(error);
                }
                moving = self.moving.state();
            } else {
                moving = self.moving.changed.wait_timeout(moving, QUIET).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}

/// The way into redb's file, one layer at a time.
struct Moving {
    state: Mutex<MovingState>,
    changed: Condvar,
}

struct MovingState {
    /// What is leaving is the log up to this number.
    due: Option<u64>,
    busy: bool,
    ended: bool,
}

impl Moving {
    fn state(&self) -> MutexGuard<'_, MovingState> {
        locked(&self.state)
    }
    /// Something was committed after a while.
    fn changed(&self) {
        drop(self.state());
        self.changed.notify_all();
    }
    fn begin(&self, number: u64) {
        self.state().due = Some(number);
        self.changed.notify_all();
    }
    /// Waits until nothing is on its way, having arrived or not.
    fn wait(&self) {
        let on_its_way = |state: &mut MovingState| !state.ended && (state.busy || state.due.is_some());
        drop(self.changed.wait_while(self.state(), on_its_way).unwrap_or_else(PoisonError::into_inner));
    }
    fn end(&self) {
        self.state().ended = true;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    /// The disk failed under what nobody waited for: whoever asked whether the server takes writes was told that it does, until
    /// somebody's write failed.
    #[test]
    fn what_fails_on_its_way_into_the_file_is_told_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let engine = LoggedEngine::open(directory.path(), 1 << 20).unwrap();
        let (told, tells) = std::sync::mpsc::channel();
        engine.watch(Box::new(move |error| told.send(error.to_string()).unwrap()));
        let batch = |value: u8| Batch { writes: vec![(b"k".to_vec(), Some(vec![value]))] };
        engine.wait(engine.commit(batch(1)).unwrap()).unwrap();
        // The log takes it; the file does not.
        engine.shared.file.sabotage(true);
        engine.shared.leave_now().unwrap();
        tells.recv().unwrap();
        assert!(engine.commit(batch(2)).is_err());
        // And so when the log does not take what nobody waited for.
        let directory = tempfile::tempdir().unwrap();
        let engine = LoggedEngine::open(directory.path(), 1 << 20).unwrap();
        let (told, tells) = std::sync::mpsc::channel();
        engine.watch(Box::new(move |error| told.send(error.to_string()).unwrap()));
        engine.sabotage(true);
        engine.commit(batch(1)).unwrap();
        tells.recv().unwrap();
    }

    /// Who had his commit taken by somebody else's flush that failed found nothing left to write, and was told that all was well.
    #[test]
    fn what_another_took_and_could_not_append_is_acknowledged_to_nobody() {
        let directory = tempfile::tempdir().unwrap();
        let engine = LoggedEngine::open(directory.path(), 1 << 20).unwrap();
        let batch = |value: u8| Batch { writes: vec![(b"k".to_vec(), Some(vec![value]))] };
        engine.wait(engine.commit(batch(1)).unwrap()).unwrap();
        let ticket = engine.commit(batch(2)).unwrap();
        engine.sabotage(true);
        assert!(engine.shared.flush(Leave::Now).is_err());
        engine.sabotage(false);
        assert!(engine.wait(ticket).is_err());
        assert!(engine.commit(batch(3)).is_err());
    }
}
