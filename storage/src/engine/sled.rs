//! The sled engine: one tree, one batch a commit. The only file that names sled.
//!
//! Values longer than [`PART_BYTES`] are divided into parts under keys of their own, so that sled's pages stay far below the
//! size from which it puts them into files of their own. sled's flush writes to the operating system and asks for no cache
//! flush of the disk, so a commit is durable only after `fdatasync` on our own handles of the files it writes.

use super::files::{guarded, io_error, make_directory, patiently, sync_directory, sync_names};
use super::group::{Group, locked};
use super::nudge::Nudge;
use super::{Batch, Engine, KEYS_END, KeyRange, Ticket, Visit, scan_over};
use crate::error::{Error, Result};
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::ops::{Bound, ControlFlow};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

/// Bytes of a value that is kept whole. A leaf of sled's tree holds up to 17 of them and is one page; pages above 128 KiB
/// would become files of their own.
const PART_BYTES: usize = 6 << 10;
/// First byte of the keys of parts; keys from above never begin with it.
const PART_TAG: u8 = KEYS_END;
/// The file that is there when a database is.
const FILE: &str = "db";
/// First byte of a stored value that stands whole.
const WHOLE: u8 = 0;
/// First byte of a stored value that is divided.
const DIVIDED: u8 = 1;
/// How often a read looks again when a concurrent commit replaced a divided value under it.
const READ_ATTEMPTS: usize = 64;

/// An open sled database.
pub(crate) struct SledEngine {
    database: ::sled::Db,
    /// Held during a commit: divided values are replaced by reading the old head first.
    committing: Mutex<()>,
    /// Number of the last commit.
    committed: AtomicU64,
    /// Names the parts of the next divided value.
    generation: AtomicU64,
    group: Group,
    /// What stood where a commit wrote that failed: sled may show a part of it.
    undone: OnceLock<Staged>,
    /// sled wakes nobody who waits for a flush, where it fails to write for a reader or the writer before him.
    nudge: Nudge,
    files: SyncFiles,
}

/// Values by key; `None`: nothing stands there.
type Staged = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Our own handles on what sled writes.
struct SyncFiles {
    log: File,
    blobs: PathBuf,
    blobs_synced: Mutex<HashSet<std::ffi::OsString>>,
}

impl SledEngine {
    /// Whether `directory` holds such a database.
    pub(crate) fn exists(directory: &Path) -> bool {
        directory.join(FILE).is_file()
    }
    /// Opens or creates the database in `directory`.
    pub(crate) fn open(directory: &Path, cache_bytes: u64) -> Result<Self> {
        make_directory(directory)?;
        let database = patiently(|| guarded(|| open_files(directory, cache_bytes)))?;
        let files = SyncFiles {
            log: File::open(directory.join(FILE)).map_err(|error| io_error(&error))?,
            blobs: directory.join("blobs"),
            blobs_synced: Mutex::new(HashSet::new()),
        };
        sync_names(directory)?;
        let last_part = database.scan_prefix([PART_TAG]).next_back().transpose().map_err(engine_error)?;
        let generation = last_part.and_then(|(key, _)| part_generation(&key)).map_or(0, |generation| generation.saturating_add(1));
        let asleep = database.clone();
        let nudge = Nudge::start(move || wake(asleep.clone())).map_err(|error| io_error(&error))?;
        Ok(Self {
            database,
            committing: Mutex::new(()),
            committed: AtomicU64::new(0),
            generation: AtomicU64::new(generation),
            group: Group::default(),
            undone: OnceLock::new(),
            nudge,
            files,
        })
    }

    /// The value a stored one stands for; `None` if its parts were replaced meanwhile.
    fn whole_value(&self, stored: &[u8]) -> Result<Option<Vec<u8>>> {
        match stored.split_first() {
            Some((&WHOLE, value)) => Ok(Some(value.to_vec())),
            Some((&DIVIDED, head)) => {
                let (generation, parts) = read_head(head)?;
                let mut value = Vec::with_capacity((parts as usize).saturating_mul(PART_BYTES).min(64 << 20));
                for part in 0..parts {
                    match self.database.get(part_key(generation, part)).map_err(engine_error)? {
                        Some(bytes) => value.extend_from_slice(&bytes),
                        None => return Ok(None),
                    }
                }
                Ok(Some(value))
            }
            _ => Err(Error::Corrupted("a value without its mark")),
        }
    }

    /// Stages the removal of the parts of what stands under `key`, and gives that.
    fn remove_parts(&self, key: &[u8], batch: &mut ::sled::Batch) -> Result<Option<Vec<u8>>> {
        let Some(stored) = self.database.get(key).map_err(engine_error)? else { return Ok(None) };
        if let Some((&DIVIDED, head)) = stored.split_first() {
            let (generation, parts) = read_head(head)?;
            for part in 0..parts {
                batch.remove(part_key(generation, part).as_slice());
            }
        }
        self.whole_value(&stored)
    }

    /// Stages one write, and gives what it replaces.
    fn stage(&self, key: &[u8], value: Option<&[u8]>, batch: &mut ::sled::Batch) -> Result<Option<Vec<u8>>> {
        let before = self.remove_parts(key, batch)?;
        match value {
            None => batch.remove(key),
            Some(value) if value.len() <= PART_BYTES => {
                let mut stored = Vec::with_capacity(value.len() + 1);
                stored.push(WHOLE);
                stored.extend_from_slice(value);
                batch.insert(key, stored);
            }
            Some(value) => {
                let generation = self.generation.fetch_add(1, Ordering::Relaxed);
                let mut parts = 0u32;
                for chunk in value.chunks(PART_BYTES) {
                    batch.insert(part_key(generation, parts).as_slice(), chunk);
                    parts = parts.checked_add(1).ok_or_else(|| Error::Engine("value too large".into()))?;
                }
                let mut stored = vec![DIVIDED];
                stored.extend_from_slice(&generation.to_be_bytes());
                stored.extend_from_slice(&parts.to_be_bytes());
                batch.insert(key, stored);
            }
        }
        Ok(before)
    }

    fn get_stored(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        for _ in 0..READ_ATTEMPTS {
            match self.database.get(key).map_err(engine_error)? {
                None => return Ok(None),
                Some(stored) => {
                    if let Some(value) = self.whole_value(&stored)? {
                        return Ok(Some(value));
                    }
                }
            }
        }
        Err(Error::Corrupted("a divided value lacks a part"))
    }

    /// Visits a range without the keys that are `hidden`.
    fn scan_stored(&self, range: &KeyRange, hidden: Option<&Staged>, visit: &mut Visit<'_>) -> Result<()> {
        let end = range.end.clone().unwrap_or_else(|| vec![PART_TAG]);
        if range.start >= end {
            return Ok(());
        }
        for item in self.database.range(range.start.clone()..end) {
            let (key, stored) = item.map_err(engine_error)?;
            if hidden.is_some_and(|hidden| hidden.contains_key(key.as_ref())) {
                continue;
            }
            let value = match self.whole_value(&stored)? {
                Some(value) => Some(value),
                None => self.get_stored(&key)?,
            };
            if let Some(value) = value
                && visit(&key, &value)? == ControlFlow::Break(())
            {
                break;
            }
        }
        Ok(())
    }

    /// Writes everything committed so far to the disk.
    fn flush(&self) -> Result<Ticket> {
        let committed = Ticket(self.committed.load(Ordering::Acquire));
        self.nudge.turn(|| self.database.flush()).map_err(engine_error)?;
        self.files.sync()?;
        Ok(committed)
    }
}

impl Engine for SledEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        match self.undone.get().and_then(|undone| undone.get(key)) {
            Some(before) => Ok(before.clone()),
            None => self.get_stored(key),
        }
    }

    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<()> {
        let Some(undone) = self.undone.get() else { return self.scan_stored(range, None, visit) };
        if range.end.as_ref().is_some_and(|end| *end <= range.start) {
            return Ok(());
        }
        let end = range.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let before = undone.range::<[u8], _>((Bound::Included(range.start.as_slice()), end));
        let before = before.map(|(key, value)| (key.as_slice(), value.as_deref()));
        // Of divided values parts may be gone: what stands there is not even looked at.
        scan_over(before, |visit| self.scan_stored(range, Some(undone), visit), visit)
    }

    fn commit(&self, batch: Batch) -> Result<Ticket> {
        let _committing = locked(&self.committing);
        self.group.refuse_if_failed()?;
        let mut staged = ::sled::Batch::default();
        // The last write of a key holds; staging each once keeps parts of replaced values from being left behind.
        let last: Staged = batch.writes.into_iter().collect();
        let mut before = Staged::new();
        for (key, value) in &last {
            if key.first().is_none_or(|tag| *tag == PART_TAG) {
                return Err(Error::Engine("a key outside of the engine's range".into()));
            }
            before.insert(key.clone(), self.stage(key, value.as_deref(), &mut staged)?);
        }
        if let Err(error) = self.database.apply_batch(staged) {
            // Part of the batch may be visible now. Nothing was committed after it, nor will be.
            self.undone.get_or_init(|| before);
            let error = engine_error(error);
            self.group.fail(&error);
            wake(self.database.clone());
            return Err(error);
        }
        Ok(Ticket(self.committed.fetch_add(1, Ordering::AcqRel) + 1))
    }

    fn wait(&self, ticket: Ticket) -> Result<()> {
        self.group.wait(ticket, || self.flush())
    }

    fn verify(&self) -> Result<Vec<String>> {
        let faults = self.part_faults()?;
        if faults.is_empty() {
            return Ok(faults);
        }
        // What looks like a fault may be a value replaced while it was looked at: once more, with writers waiting.
        let _committing = locked(&self.committing);
        self.part_faults()
    }

    fn close(&self) -> Result<()> {
        self.wait(Ticket(self.committed.load(Ordering::Acquire)))
    }
}

impl SledEngine {
    /// Divided values that lack parts, parts without a value.
    fn part_faults(&self) -> Result<Vec<String>> {
        let mut faults = Vec::new();
        let mut referenced = HashSet::new();
        for item in self.database.range(..vec![PART_TAG]) {
            let (_, stored) = item.map_err(engine_error)?;
            match stored.split_first() {
                Some((&WHOLE, _)) => {}
                Some((&DIVIDED, head)) => {
                    let (generation, parts) = read_head(head)?;
                    for part in 0..parts {
                        if self.database.get(part_key(generation, part)).map_err(engine_error)?.is_none() {
                            faults.push("a divided value lacks a part".to_owned());
                        }
                        referenced.insert((generation, part));
                    }
                }
                _ => faults.push("a value without its mark".to_owned()),
            }
        }
        let parts = self.database.scan_prefix([PART_TAG]).keys();
        for key in parts {
            let key = key.map_err(engine_error)?;
            let named = part_generation(&key).zip(key.last_chunk::<4>().map(|part| u32::from_be_bytes(*part)));
            if named.is_none_or(|name| !referenced.contains(&name)) {
                faults.push("a part belongs to no value".to_owned());
            }
        }
        Ok(faults)
    }
}

impl SyncFiles {
    fn sync(&self) -> Result<()> {
        let mut made = false;
        let mut synced = locked(&self.blobs_synced);
        let mut present = HashSet::new();
        for entry in std::fs::read_dir(&self.blobs).map_err(|error| io_error(&error))? {
            let name = entry.map_err(|error| io_error(&error))?.file_name();
            if !synced.contains(&name) {
                match File::open(self.blobs.join(&name)) {
                    Ok(file) => file.sync_data().map_err(|error| io_error(&error))?,
                    // Removed by sled since it was listed.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(io_error(&error)),
                }
                made = true;
            }
            present.insert(name);
        }
        if made {
            sync_directory(&self.blobs)?;
        }
        *synced = present;
        drop(synced);
        self.log.sync_data().map_err(|error| io_error(&error))
    }
}

/// After an error sled's flush tells everybody who waits for one. In a thread, since it may wait itself; where there is none to
/// be had, the next time will do.
fn wake(database: ::sled::Db) {
    drop(std::thread::Builder::new().name("wake".into()).spawn(move || drop(database.flush())));
}

fn open_files(directory: &Path, cache_bytes: u64) -> Result<::sled::Db> {
    let config = ::sled::Config::new()
        .path(directory)
        .cache_capacity(cache_bytes)
        .mode(::sled::Mode::LowSpace)
        // sled reclaims space only in this thread; durability does not hang on it.
        .flush_every_ms(Some(1_000));
    config.open().map_err(|error| if is_locked(&error) { Error::InUse } else { engine_error(error) })
}

/// sled has no error of its own for this; the words are those of the pinned version.
fn is_locked(error: &::sled::Error) -> bool {
    matches!(error, ::sled::Error::Io(error) if error.to_string().starts_with("could not acquire lock"))
}

fn part_key(generation: u64, part: u32) -> Vec<u8> {
    let mut key = vec![PART_TAG];
    key.extend_from_slice(&generation.to_be_bytes());
    key.extend_from_slice(&part.to_be_bytes());
    key
}

fn part_generation(key: &[u8]) -> Option<u64> {
    key.get(1..)?.first_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}

fn read_head(head: &[u8]) -> Result<(u64, u32)> {
    let generation = head.first_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes));
    let parts = head.get(8..).and_then(|rest| rest.first_chunk::<4>()).map(|bytes| u32::from_be_bytes(*bytes));
    generation.zip(parts).ok_or(Error::Corrupted("the head of a divided value"))
}

fn engine_error(error: ::sled::Error) -> Error {
    match error {
        ::sled::Error::Corruption { .. } => Error::Corrupted("the engine's files"),
        ::sled::Error::Io(error) => io_error(&error),
        other => Error::Engine(other.to_string()),
    }
}
