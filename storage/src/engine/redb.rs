//! The redb engine: one table of bytes in one file. The only file that names redb.
//!
//! redb has one writer at a time, and its durable commit holds that place until the disk has answered. So that commits never
//! wait for the disk, and all who wait for it share one flush, a commit goes into a layer in memory first, and reads look
//! there before they look into the file. Whoever waits first writes the whole layer as one durable transaction of redb's,
//! while the next layer fills.
//!
//! redb's one-phase commit writes pages beside those in use, checksums them up to the root, and asks for one `fdatasync`. An
//! interrupted one is told by its checksums at the next opening, and the one before it holds. When it reads, redb does not look
//! at checksums: each value has one of ours before it, so that what the disk changed is told as damage and never handed out.

use super::files::{guarded, io_error, lock_file, make_directory, private, sync_names};
use super::group::{Group, locked};
use super::{Batch, Engine, KEYS_END, KeyRange, Ticket, Visit, scan_over};
use crate::error::{Error, Result};
use ::redb::{
    Database, DatabaseError, ReadOnlyTable, ReadableDatabase, ReadableTable, ReadableTableMetadata, StorageBackend, StorageError,
    TableDefinition,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::ops::{Bound, ControlFlow};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// The database's file.
const FILE: &str = "shoji.redb";
/// The same while it is made: redb refuses a file whose making was interrupted.
const UNFINISHED: &str = "shoji.redb.new";
/// Locked by whoever has the database open, or makes it.
const LOCK: &str = "lock";
const TABLE: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("shoji");
/// Bytes of values in memory that nobody waited for, above which a commit waits itself.
const PENDING_BYTES: usize = 64 << 20;

/// An open redb database.
pub(crate) struct RedbEngine {
    /// `None` while it is let go.
    database: Option<Database>,
    view: Mutex<View>,
    group: Group,
    disk: Arc<Disk>,
    /// Locked until dropped.
    _lock: File,
}

/// Writes that stand over the file, by key; `None` deletes.
type Layer = BTreeMap<Vec<u8>, Option<Arc<Vec<u8>>>>;

/// One state: the later layer over the earlier over the file.
#[derive(Clone)]
struct View {
    /// `None` while the database is let go.
    table: Option<Arc<ReadOnlyTable<&'static [u8], &'static [u8]>>>,
    /// What is being written, or what could not be.
    flushing: Arc<Layer>,
    /// What nobody has begun to write.
    pending: Arc<Layer>,
    pending_bytes: usize,
    /// Number of the last commit.
    committed: u64,
}

impl RedbEngine {
    /// Whether `directory` holds such a database.
    pub(crate) fn exists(directory: &Path) -> bool {
        directory.join(FILE).is_file()
    }
    /// Opens or creates the database in `directory`.
    pub(crate) fn open(directory: &Path, cache_bytes: u64) -> Result<Self> {
        make_directory(directory)?;
        let lock = lock_file(&directory.join(LOCK))?;
        if !Self::exists(directory) {
            create(directory)?;
        }
        let file = private().open(directory.join(FILE)).map_err(|error| io_error(&error))?;
        // Out of an empty file redb would make a new database, and what was lost would not be missed.
        if file.metadata().map_err(|error| io_error(&error))?.len() == 0 {
            return Err(Error::Corrupted("the engine's files"));
        }
        let disk = Arc::new(Disk { file, trouble: Mutex::default() });
        let (database, table) = guarded(|| {
            let database = builder(cache_bytes).create_with_backend(Backend(disk.clone())).map_err(database_error)?;
            let table = table_of(&database)?;
            Ok((database, table))
        })?;
        let layer = Arc::<Layer>::default();
        let view = View { table: Some(table), flushing: layer.clone(), pending: layer, pending_bytes: 0, committed: 0 };
        Ok(Self { database: Some(database), view: Mutex::new(view), group: Group::default(), disk, _lock: lock })
    }

    /// Lets every flush of the disk fail, or not.
    #[cfg(test)]
    pub(super) fn sabotage(&self, on: bool) {
        locked(&self.disk.trouble).sabotaged = on;
    }

    /// Writes what is pending in one durable transaction.
    fn flush(&self) -> Result<Ticket> {
        let (layer, committed) = {
            let mut view = locked(&self.view);
            view.flushing = std::mem::take(&mut view.pending);
            view.pending_bytes = 0;
            (view.flushing.clone(), view.committed)
        };
        let database = self.database.as_ref().ok_or_else(let_go)?;
        let table = guarded(|| {
            write(database, &layer)?;
            self.disk.refuse_if_failed()?;
            table_of(database)
        })?;
        let mut view = locked(&self.view);
        view.table = Some(table);
        view.flushing = Arc::default();
        Ok(Ticket(committed))
    }

    fn last_commit(&self) -> Ticket {
        Ticket(locked(&self.view).committed)
    }

    /// Runs `work` on one state.
    fn with_view<T>(&self, work: impl FnOnce(&View, &ReadOnlyTable<&'static [u8], &'static [u8]>) -> Result<T>) -> Result<T> {
        let view = locked(&self.view).clone();
        let table = view.table.clone().ok_or_else(let_go)?;
        work(&view, &table)
    }
}

impl Engine for RedbEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.with_view(|view, table| match view.pending.get(key).or_else(|| view.flushing.get(key)) {
            Some(written) => Ok(written.as_ref().map(|value| value.to_vec())),
            None => get_in_table(table, key),
        })
    }

    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<()> {
        if range.end.as_ref().is_some_and(|end| *end <= range.start) {
            return Ok(());
        }
        self.with_view(|view, table| {
            let file = |visit: &mut Visit<'_>| scan_table(table, range, visit);
            let below = |visit: &mut Visit<'_>| scan_over(written(&view.flushing, range), file, visit);
            scan_over(written(&view.pending, range), below, visit)
        })
    }

    fn commit(&self, batch: Batch) -> Result<Ticket> {
        if batch.writes.iter().any(|(key, _)| key.first().is_none_or(|first| *first == KEYS_END)) {
            return Err(Error::Engine("a key outside of the engine's range".into()));
        }
        let mut view = locked(&self.view);
        if view.pending_bytes > PENDING_BYTES {
            let before = Ticket(view.committed);
            drop(view);
            self.wait(before)?;
            view = locked(&self.view);
        }
        self.group.refuse_if_failed()?;
        view.pending_bytes += batch.writes.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum::<usize>();
        let pending = Arc::make_mut(&mut view.pending);
        for (key, value) in batch.writes {
            pending.insert(key, value.map(Arc::new));
        }
        view.committed += 1;
        Ok(Ticket(view.committed))
    }

    fn wait(&self, ticket: Ticket) -> Result<()> {
        self.group.wait(ticket, || self.flush())
    }

    /// Every value against its checksum, every key in its order and found where it is looked for, and as many as redb counted.
    /// redb's own look at the file would hold everybody up, writes to it, and lets nobody write who was told of damage.
    fn verify(&self) -> Result<Vec<String>> {
        self.wait(self.last_commit())?;
        self.with_view(|_, table| match faults_of(table) {
            Err(Error::Corrupted(what)) => Ok(vec![what.to_owned()]),
            found => found,
        })
    }

    fn close(&self) -> Result<()> {
        self.wait(self.last_commit())
    }
}

impl Drop for RedbEngine {
    fn drop(&mut self) {
        locked(&self.view).table = None;
        let database = self.database.take();
        // What redb writes now makes the next opening quick. Everything else is durable already.
        drop(guarded(|| database.map_or(Ok(()), |database| database.close().map_err(database_error))));
    }
}

fn builder(cache_bytes: u64) -> ::redb::Builder {
    let mut builder = ::redb::Builder::new();
    builder.set_cache_size(usize::try_from(cache_bytes).unwrap_or(usize::MAX));
    builder
}

/// Makes an empty database under another name, and names it when it is whole.
fn create(directory: &Path) -> Result<()> {
    let unfinished = directory.join(UNFINISHED);
    let file = private().create(true).truncate(true).open(&unfinished).map_err(|error| io_error(&error))?;
    let disk = Arc::new(Disk { file, trouble: Mutex::default() });
    guarded(|| {
        let database = builder(0).create_with_backend(Backend(disk.clone())).map_err(database_error)?;
        write(&database, &Layer::new())?;
        database.close().map_err(database_error)
    })?;
    disk.refuse_if_failed()?;
    disk.file.sync_all().map_err(|error| io_error(&error))?;
    std::fs::rename(&unfinished, directory.join(FILE)).map_err(|error| io_error(&error))?;
    sync_names(directory)
}

fn write(database: &Database, layer: &Layer) -> Result<()> {
    let transaction = database.begin_write().map_err(|error| engine_error(error.into()))?;
    {
        let mut table = transaction.open_table(TABLE).map_err(|error| engine_error(error.into()))?;
        for (key, value) in layer {
            match value {
                Some(value) => table.insert(key.as_slice(), sealed(key, value).as_slice()).map(drop),
                None => table.remove(key.as_slice()).map(drop),
            }
            .map_err(storage_error)?;
        }
    }
    transaction.commit().map_err(|error| engine_error(error.into()))
}

fn table_of(database: &Database) -> Result<Arc<ReadOnlyTable<&'static [u8], &'static [u8]>>> {
    let transaction = database.begin_read().map_err(|error| engine_error(error.into()))?;
    transaction.open_table(TABLE).map(Arc::new).map_err(|error| engine_error(error.into()))
}

fn written<'a>(layer: &'a Layer, range: &'a KeyRange) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> {
    let end = range.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    let found = layer.range::<[u8], _>((Bound::Included(range.start.as_slice()), end));
    found.map(|(key, value)| (key.as_slice(), value.as_ref().map(|value| value.as_slice())))
}

fn scan_table(table: &ReadOnlyTable<&'static [u8], &'static [u8]>, range: &KeyRange, visit: &mut Visit<'_>) -> Result<()> {
    let end = range.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    let bounds = (Bound::Included(range.start.as_slice()), end);
    let mut items = guarded(|| ReadableTable::range::<&[u8]>(table, bounds).map_err(storage_error))?;
    while let Some(item) = guarded(|| items.next().transpose().map_err(storage_error))? {
        let (key, value) = item;
        if visit(key.value(), unsealed(key.value(), value.value())?)? == ControlFlow::Break(()) {
            break;
        }
    }
    Ok(())
}

fn get_in_table(table: &ReadOnlyTable<&'static [u8], &'static [u8]>, key: &[u8]) -> Result<Option<Vec<u8>>> {
    guarded(|| {
        let stored = table.get(key).map_err(storage_error)?;
        stored.map(|stored| unsealed(key, stored.value()).map(<[u8]>::to_vec)).transpose()
    })
}

fn faults_of(table: &ReadOnlyTable<&'static [u8], &'static [u8]>) -> Result<Vec<String>> {
    let (mut count, mut last, mut faults) = (0u64, None::<Vec<u8>>, BTreeSet::new());
    scan_table(table, &KeyRange { start: Vec::new(), end: None }, &mut |key, value| {
        if last.as_deref().is_some_and(|last| last >= key) {
            faults.insert("keys are out of order".to_owned());
        }
        if get_in_table(table, key)?.as_deref() != Some(value) {
            faults.insert("a key is not where it is looked for".to_owned());
        }
        last = Some(key.to_vec());
        count += 1;
        Ok(ControlFlow::Continue(()))
    })?;
    if guarded(|| table.len().map_err(storage_error))? != count {
        faults.insert("there are not as many keys as were counted".to_owned());
    }
    Ok(faults.into_iter().collect())
}

/// Bytes of the checksum before a value.
const CHECKSUM_BYTES: usize = 4;

fn checksum(key: &[u8], value: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(value);
    hasher.finalize().to_be_bytes()
}

/// A value as it is stored.
fn sealed(key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(CHECKSUM_BYTES + value.len());
    stored.extend_from_slice(&checksum(key, value));
    stored.extend_from_slice(value);
    stored
}

/// The value in what is stored, if it is the one that was put under this key.
fn unsealed<'a>(key: &[u8], stored: &'a [u8]) -> Result<&'a [u8]> {
    match stored.split_first_chunk::<CHECKSUM_BYTES>() {
        Some((sum, value)) if *sum == checksum(key, value) => Ok(value),
        _ => Err(Error::Corrupted("a value that does not match its checksum")),
    }
}

fn let_go() -> Error {
    Error::Engine("the engine is closed".into())
}

fn database_error(error: DatabaseError) -> Error {
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => Error::InUse,
        other => engine_error(other.into()),
    }
}

fn storage_error(error: StorageError) -> Error {
    engine_error(error.into())
}

fn engine_error(error: ::redb::Error) -> Error {
    match error {
        // The table is made with the file.
        ::redb::Error::Corrupted(_) | ::redb::Error::TableDoesNotExist(_) => Error::Corrupted("the engine's files"),
        ::redb::Error::Io(error) => io_error(&error),
        other => Error::Engine(other.to_string()),
    }
}

/// The file as redb sees it. redb refuses even reads once it was told of an error, but what was read before can be read
/// after. So it is not told: from the first failure on nothing reaches the disk any more, what redb still writes to the end
/// of its commit and at closing is kept in memory, and whoever waits for that commit asks here whether it failed.
#[derive(Debug)]
struct Disk {
    file: File,
    trouble: Mutex<Trouble>,
}

#[derive(Debug, Default)]
struct Trouble {
    failure: Option<io::Error>,
    /// Length of the file as redb knows it, since the failure.
    length: u64,
    /// What redb wrote since, in its order.
    writes: Vec<(u64, Vec<u8>)>,
    /// Every flush of the disk fails.
    #[cfg(test)]
    sabotaged: bool,
}

impl Disk {
    fn refuse_if_failed(&self) -> Result<()> {
        locked(&self.trouble).failure.as_ref().map_or(Ok(()), |error| Err(io_error(error)))
    }
    /// Runs `work` on the file, or `instead` where something failed or fails now.
    fn attempt(&self, work: impl FnOnce(&File) -> io::Result<()>, instead: impl FnOnce(&mut Trouble)) -> io::Result<()> {
        let mut trouble = locked(&self.trouble);
        if trouble.failure.is_none() {
            // Without the lock: a flush of the disk takes its time.
            drop(trouble);
            let outcome = work(&self.file);
            trouble = locked(&self.trouble);
            match outcome {
                Ok(()) => return Ok(()),
                Err(error) => {
                    trouble.length = self.file.metadata()?.len();
                    trouble.failure = Some(error);
                }
            }
        }
        instead(&mut trouble);
        Ok(())
    }
    fn flush(&self) -> io::Result<()> {
        #[cfg(test)]
        if locked(&self.trouble).sabotaged {
            return Err(io::Error::other("sabotaged"));
        }
        self.file.sync_data()
    }
}

#[derive(Debug)]
struct Backend(Arc<Disk>);

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        let trouble = locked(&self.0.trouble);
        if trouble.failure.is_some() { Ok(trouble.length) } else { Ok(self.0.file.metadata()?.len()) }
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let trouble = locked(&self.0.trouble);
        if trouble.failure.is_none() {
            drop(trouble);
            return self.0.file.read_exact_at(out, offset);
        }
        trouble.read(&self.0.file, offset, out)
    }
    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.attempt(|file| file.set_len(length), |trouble| trouble.length = length)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.0.attempt(|_| self.0.flush(), |_| ())
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.attempt(|file| file.write_all_at(data, offset), |trouble| trouble.writes.push((offset, data.to_vec())))
    }
}

impl Trouble {
    /// The file with what was written since over it.
    fn read(&self, file: &File, offset: u64, out: &mut [u8]) -> io::Result<()> {
        out.fill(0);
        let mut read = 0;
        while let Some(rest) = out.get_mut(read..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, offset + read as u64)? {
                0 => break,
                bytes => read += bytes,
            }
        }
        for (start, data) in &self.writes {
            let end = start + data.len() as u64;
            let (from, to) = (offset.max(*start), (offset + out.len() as u64).min(end));
            if from < to
                && let Some(target) = out.get_mut((from - offset) as usize..(to - offset) as usize)
                && let Some(source) = data.get((from - start) as usize..(to - start) as usize)
            {
                target.copy_from_slice(source);
            }
        }
        Ok(())
    }
}
