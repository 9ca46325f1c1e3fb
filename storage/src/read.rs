//! Reading typed records out of anything that has keys and values, and collecting writes until they are committed at once.

use crate::engine::{Batch, Engine, KeyRange, Visit, scan_over};
use crate::error::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

/// Keys and values of one state: the engine's, or the engine's with a transaction's writes over it.
pub(crate) trait Read {
    /// One value.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;
    /// Visits a range in the order of the keys.
    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<()>;
}

/// A record under `key`.
pub(crate) fn record<T: DeserializeOwned>(read: &dyn Read, key: &[u8]) -> Result<Option<T>> {
    read.get(key)?.map(|bytes| decode(&bytes)).transpose()
}

/// Whether something stands under `key`.
pub(crate) fn present(read: &dyn Read, key: &[u8]) -> Result<bool> {
    Ok(read.get(key)?.is_some())
}

/// All keys of a range, without their values.
pub(crate) fn keys(read: &dyn Read, range: &KeyRange) -> Result<Vec<Vec<u8>>> {
    let mut keys = Vec::new();
    read.scan(range, &mut |key, _| {
        keys.push(key.to_vec());
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(keys)
}

/// All records of a range with their keys.
pub(crate) fn records<T: DeserializeOwned>(read: &dyn Read, range: &KeyRange) -> Result<Vec<(Vec<u8>, T)>> {
    let mut records = Vec::new();
    read.scan(range, &mut |key, value| {
        records.push((key.to_vec(), decode(value)?));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(records)
}

/// A record as it is stored.
pub(crate) fn encode<T: Serialize + ?Sized>(record: &T) -> Result<Vec<u8>> {
    postcard::to_stdvec(record).map_err(|_| Error::Corrupted("a record cannot be written"))
}

/// A record from what is stored.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    postcard::from_bytes(bytes).map_err(|_| Error::Corrupted("a record cannot be read"))
}

/// Writes over a state, seen by reads through it, that become one batch. Dropped without committing, nothing happened.
pub(crate) struct Transaction<'a> {
    engine: &'a dyn Engine,
    pending: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl<'a> Transaction<'a> {
    /// An empty one over the engine.
    pub(crate) fn new(engine: &'a dyn Engine) -> Self {
        Self { engine, pending: BTreeMap::new() }
    }
    /// Stages a value.
    pub(crate) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.pending.insert(key, Some(value));
    }
    /// Stages a record.
    pub(crate) fn put_record<T: Serialize + ?Sized>(&mut self, key: Vec<u8>, record: &T) -> Result<()> {
        self.put(key, encode(record)?);
        Ok(())
    }
    /// Stages a removal.
    pub(crate) fn delete(&mut self, key: Vec<u8>) {
        self.pending.insert(key, None);
    }
    /// Stages the removal of a whole range.
    pub(crate) fn delete_range(&mut self, range: &KeyRange) -> Result<()> {
        for key in keys(self, range)? {
            self.delete(key);
        }
        Ok(())
    }
    /// Whether nothing is staged.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }
    /// What is staged, as one batch.
    pub(crate) fn into_batch(self) -> Batch {
        Batch { writes: self.pending.into_iter().collect() }
    }
}

impl Read for Transaction<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        match self.pending.get(key) {
            Some(staged) => Ok(staged.clone()),
            None => self.engine.get(key),
        }
    }

    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<()> {
        let end = range.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        if range.end.as_ref().is_some_and(|end| *end <= range.start) {
            return Ok(());
        }
        let staged = self.pending.range::<[u8], _>((Bound::Included(range.start.as_slice()), end));
        let staged = staged.map(|(key, value)| (key.as_slice(), value.as_deref()));
        scan_over(staged, |visit| self.engine.scan(range, visit), visit)
    }
}
