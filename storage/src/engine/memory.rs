//! An engine in memory, for tests that make many stores.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::{Batch, Engine, EngineKind, KeyRange, Ticket, Visit};
use crate::error::Result;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};

/// One in memory, or the engine of `SHOJI_TEST_ENGINE` with the directory of its files.
pub(crate) fn engine_of_tests() -> (Arc<dyn Engine>, Option<tempfile::TempDir>) {
    let Some(kind) = EngineKind::of_tests() else { return (Arc::new(MemoryEngine::default()), None) };
    let directory = tempfile::tempdir().unwrap();
    (kind.open(directory.path(), 8 << 20).unwrap(), Some(directory))
}

/// Nothing in it outlives it.
#[derive(Default)]
pub(crate) struct MemoryEngine {
    values: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl Engine for MemoryEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.values.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }
    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<()> {
        let end = range.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        if range.end.as_ref().is_some_and(|end| *end <= range.start) {
            return Ok(());
        }
        let values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let found = values.range::<[u8], _>((Bound::Included(range.start.as_slice()), end));
        let found: Vec<_> = found.map(|(key, value)| (key.clone(), value.clone())).collect();
        drop(values);
        for (key, value) in found {
            if visit(&key, &value)?.is_break() {
                break;
            }
        }
        Ok(())
    }
    fn commit(&self, batch: Batch) -> Result<Ticket> {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in batch.writes {
            match value {
                Some(value) => values.insert(key, value),
                None => values.remove(&key),
            };
        }
        Ok(Ticket(1))
    }
    fn wait(&self, _: Ticket) -> Result<()> {
        Ok(())
    }
    fn verify(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
    fn close(&self) -> Result<()> {
        Ok(())
    }
}
