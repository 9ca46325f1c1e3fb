//! The file of the redb engine: one table of bytes, written a layer at a time, and what of the log it holds. The only file that
//! names redb.
//!
//! redb's two-phase commit writes pages beside those in use, checksums them up to the root, asks for one `fdatasync`, names the
//! new root and asks for another. It keeps with each commit which pages are in use, so that opening after a crash reads
//! nothing but that, however large the file is. When it reads, redb does not look at checksums: each value has one of ours before
//! it, so that what the disk changed is told as damage and never handed out.

use super::Visit;
use super::disk::Disk;
use super::files::{guarded, io_error, private, sync_names};
use super::layers::Layer;
use super::log::Secret;
use crate::error::{Error, Result};
use ::redb::{
    Database, DatabaseError, ReadOnlyTable, ReadableDatabase, ReadableTable, ReadableTableMetadata, StorageBackend, StorageError,
    TableDefinition, TableError,
};
use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::ops::{Bound, ControlFlow};
use std::path::Path;
use std::sync::Arc;

/// The database's file.
const FILE: &str = "shoji.redb";
/// The same while it is made: redb refuses a file whose making was interrupted.
const UNFINISHED: &str = "shoji.redb.new";
const TABLE: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("shoji");
/// What the file says of the log.
const LOG: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("shoji-log");
/// What its records begin with.
const SECRET: &str = "secret";
/// The number of the last one that is in the table.
const APPLIED: &str = "applied";

/// An open database.
pub(super) struct RedbFile {
    /// `None` while it is let go.
    database: Option<Database>,
    disk: Arc<Disk>,
}

/// The table as it is after one write, and stays.
#[derive(Clone)]
pub(super) struct Table(Arc<ReadOnlyTable<&'static [u8], &'static [u8]>>);

/// What a file holds of the log.
#[derive(Clone, Copy)]
pub(super) struct Applied {
    pub(super) secret: Secret,
    pub(super) number: u64,
}

impl RedbFile {
    /// Whether `directory` holds such a database.
    pub(super) fn exists(directory: &Path) -> bool {
        directory.join(FILE).is_file()
    }
    /// Opens or creates the database in `directory`, which nobody else has open.
    pub(super) fn open(directory: &Path, cache_bytes: u64) -> Result<(Self, Applied)> {
        if !Self::exists(directory) {
            create(directory)?;
        }
        let file = private().open(directory.join(FILE)).map_err(|error| io_error(&error))?;
        // Out of an empty file redb would make a new database, and what was lost would not be missed.
        if file.metadata().map_err(|error| io_error(&error))?.len() == 0 {
            return Err(Error::Corrupted("the engine's files"));
        }
        let disk = Arc::new(Disk::new(file));
        let (database, applied) = guarded(|| {
            let database = builder(cache_bytes).create_with_backend(Backend(disk.clone())).map_err(database_error)?;
            table_of(&database)?;
            let applied = match applied(&database)? {
                Some(applied) => applied,
                // Made before there was a log.
                None => {
                    let applied = Applied { secret: secret(), number: 0 };
                    write(&database, &Layer::new(), applied)?;
                    disk.refuse_if_failed()?;
                    applied
                }
            };
            Ok((database, applied))
        })?;
        Ok((Self { database: Some(database), disk }, applied))
    }
    /// Writes a layer in one durable transaction that also says up to where the log is in the table.
    pub(super) fn write(&self, layer: &Layer, applied: Applied) -> Result<()> {
        let database = self.database.as_ref().ok_or_else(let_go)?;
        guarded(|| write(database, layer, applied))?;
        self.disk.refuse_if_failed()
    }
    /// The table as it is now.
    pub(super) fn table(&self) -> Result<Table> {
        let database = self.database.as_ref().ok_or_else(let_go)?;
        guarded(|| table_of(database))
    }
    /// Lets every flush of the disk fail, or not.
    #[cfg(test)]
    pub(super) fn sabotage(&self, on: bool) {
        self.disk.sabotage(on);
    }
}

impl Drop for RedbFile {
    fn drop(&mut self) {
        let database = self.database.take();
        // What redb writes now makes the next opening quick. Everything else is durable already.
        drop(guarded(|| database.map_or(Ok(()), |database| database.close().map_err(database_error))));
    }
}

impl Table {
    /// One value.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        guarded(|| {
            let stored = self.0.get(key).map_err(storage_error)?;
            stored.map(|stored| unsealed(key, stored.value()).map(<[u8]>::to_vec)).transpose()
        })
    }
    /// Visits what is between two bounds.
    pub(super) fn scan(&self, bounds: (Bound<&[u8]>, Bound<&[u8]>), visit: &mut Visit<'_>) -> Result<()> {
        let mut items = guarded(|| ReadableTable::range::<&[u8]>(self.0.as_ref(), bounds).map_err(storage_error))?;
        while let Some(item) = guarded(|| items.next().transpose().map_err(storage_error))? {
            let (key, value) = item;
            if visit(key.value(), unsealed(key.value(), value.value())?)? == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    }
    /// Every value against its checksum, every key in its order and found where it is looked for, and as many as redb counted.
    /// redb's own look at the file would hold everybody up, writes to it, and lets nobody write who was told of damage.
    pub(super) fn faults(&self) -> Result<Vec<String>> {
        match self.found_faults() {
            Err(Error::Corrupted(what)) => Ok(vec![what.to_owned()]),
            found => found,
        }
    }
    fn found_faults(&self) -> Result<Vec<String>> {
        let (mut count, mut last, mut faults) = (0u64, None::<Vec<u8>>, BTreeSet::new());
        self.scan((Bound::Unbounded, Bound::Unbounded), &mut |key, value| {
            if last.as_deref().is_some_and(|last| last >= key) {
                faults.insert("keys are out of order".to_owned());
            }
            if self.get(key)?.as_deref() != Some(value) {
                faults.insert("a key is not where it is looked for".to_owned());
            }
            last = Some(key.to_vec());
            count += 1;
            Ok(ControlFlow::Continue(()))
        })?;
        if guarded(|| self.0.len().map_err(storage_error))? != count {
            faults.insert("there are not as many keys as were counted".to_owned());
        }
        Ok(faults.into_iter().collect())
    }
}

fn builder(cache_bytes: u64) -> ::redb::Builder {
    let mut builder = ::redb::Builder::new();
    builder.set_cache_size(usize::try_from(cache_bytes).unwrap_or(usize::MAX));
    builder
}

/// Bytes that nobody can foresee: the standard library seeds its hashers with them.
fn secret() -> Secret {
    let mut secret = Secret::default();
    for (part, chunk) in secret.chunks_exact_mut(8).enumerate() {
        chunk.copy_from_slice(&RandomState::new().hash_one(part).to_be_bytes());
    }
    secret
}

/// Makes an empty database under another name, and names it when it is whole.
fn create(directory: &Path) -> Result<()> {
    let unfinished = directory.join(UNFINISHED);
    let file = private().create(true).truncate(true).open(&unfinished).map_err(|error| io_error(&error))?;
    let disk = Arc::new(Disk::new(file));
    guarded(|| {
        let database = builder(0).create_with_backend(Backend(disk.clone())).map_err(database_error)?;
        write(&database, &Layer::new(), Applied { secret: secret(), number: 0 })?;
        database.close().map_err(database_error)
    })?;
    disk.refuse_if_failed()?;
    disk.sync_all().map_err(|error| io_error(&error))?;
    std::fs::rename(&unfinished, directory.join(FILE)).map_err(|error| io_error(&error))?;
    sync_names(directory)
}

fn write(database: &Database, layer: &Layer, applied: Applied) -> Result<()> {
    let mut transaction = database.begin_write().map_err(|error| engine_error(error.into()))?;
    transaction.set_quick_repair(true);
    {
        let mut table = transaction.open_table(TABLE).map_err(|error| engine_error(error.into()))?;
        for (key, value) in layer {
            match value {
                Some(value) => table.insert(key.as_slice(), sealed(key, value).as_slice()).map(drop),
                None => table.remove(key.as_slice()).map(drop),
            }
            .map_err(storage_error)?;
        }
        let mut log = transaction.open_table(LOG).map_err(|error| engine_error(error.into()))?;
        log.insert(SECRET, applied.secret.as_slice()).map_err(storage_error)?;
        log.insert(APPLIED, applied.number.to_be_bytes().as_slice()).map_err(storage_error)?;
    }
    transaction.commit().map_err(|error| engine_error(error.into()))
}

/// `None`: it says nothing of a log.
fn applied(database: &Database) -> Result<Option<Applied>> {
    let transaction = database.begin_read().map_err(|error| engine_error(error.into()))?;
    let log = match transaction.open_table(LOG) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        log => log.map_err(|error| engine_error(error.into()))?,
    };
    let secret = log.get(SECRET).map_err(storage_error)?.and_then(|secret| Secret::try_from(secret.value()).ok());
    let number = log.get(APPLIED).map_err(storage_error)?.and_then(|number| <[u8; 8]>::try_from(number.value()).ok());
    let (secret, number) = secret.zip(number).ok_or(Error::Corrupted("the engine's files"))?;
    Ok(Some(Applied { secret, number: u64::from_be_bytes(number) }))
}

fn table_of(database: &Database) -> Result<Table> {
    let transaction = database.begin_read().map_err(|error| engine_error(error.into()))?;
    transaction.open_table(TABLE).map(|table| Table(Arc::new(table))).map_err(|error| engine_error(error.into()))
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

/// The file as redb reaches it.
#[derive(Debug)]
struct Backend(Arc<Disk>);

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.0.length()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }
    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.set_length(length)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.0.sync()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_file_made_before_there_was_a_log_begins_one_and_keeps_to_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = private().create(true).truncate(true).open(directory.path().join(FILE)).unwrap();
        let database = builder(0).create_with_backend(Backend(Arc::new(Disk::new(file)))).unwrap();
        let transaction = database.begin_write().unwrap();
        let key = b"key".as_slice();
        transaction.open_table(TABLE).unwrap().insert(key, sealed(key, b"value").as_slice()).map(drop).unwrap();
        transaction.commit().unwrap();
        database.close().unwrap();
        let open = || RedbFile::open(directory.path(), 0).unwrap();
        let (file, begun) = open();
        assert_eq!((file.table().unwrap().get(key).unwrap(), begun.number), (Some(b"value".to_vec()), 0));
        file.write(&Layer::from([(b"other".to_vec(), Some(Vec::new()))]), Applied { number: 7, ..begun }).unwrap();
        drop(file);
        let (file, kept) = open();
        assert_eq!((kept.secret, kept.number), (begun.secret, 7));
        assert_eq!(file.table().unwrap().faults().unwrap(), Vec::<String>::new());
    }
}
