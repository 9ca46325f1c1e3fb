//! The narrow waist: ordered keys and values, one atomic batch a commit, durability asked for apart from it.
//!
//! Nothing above knows which engine it is. Nothing here knows what keys and values mean. Values may be of any size: an
//! engine that wants them small divides them itself.

mod sled;

#[cfg(test)]
mod kill_tests;
#[cfg(test)]
pub(crate) mod memory;
#[cfg(test)]
mod tests;

use crate::engine::sled::SledEngine;
use crate::error::Result;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// Opens the store's engine on its files in `directory`; `cache_bytes` of them are kept in memory.
pub(crate) fn open(directory: &Path, cache_bytes: u64) -> Result<Arc<dyn Engine>> {
    Ok(Arc::new(SledEngine::open(directory, cache_bytes)?))
}

/// A range of keys: from `start`, which is in it, to `end`, which is not (`None`: to the last key).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyRange {
    pub(crate) start: Vec<u8>,
    pub(crate) end: Option<Vec<u8>>,
}

impl KeyRange {
    /// All keys that begin with `prefix`.
    pub(crate) fn prefix(prefix: &[u8]) -> Self {
        Self { start: prefix.to_vec(), end: after_prefix(prefix) }
    }
    /// All keys that begin with `prefix` and are `start` or stand after it.
    pub(crate) fn prefix_from(prefix: &[u8], start: Vec<u8>) -> Self {
        Self { start, end: after_prefix(prefix) }
    }
}

/// The first key after all that begin with `prefix`.
fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

/// What a visitor of a scan is called with; `Break` ends the scan.
pub(crate) type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> Result<ControlFlow<()>> + 'a;

/// Puts (`Some`) and deletes (`None`) that hold all or not at all. The later of two on one key holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    pub(crate) writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// Which commits a wait is for: this one and all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(pub(crate) u64);

/// An engine. Reads see every commit that returned before they began.
pub(crate) trait Engine: Send + Sync {
    /// One value.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;
    /// Visits a range in the order of the keys.
    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<()>;
    /// Makes a batch visible, whole. Not yet durable: see [`Engine::wait`].
    fn commit(&self, batch: Batch) -> Result<Ticket>;
    /// Returns when the commit and all before it are durable. Shared: one caller makes the disk work, the others wait for it.
    /// After one failure nothing is acknowledged any more until the engine is opened anew, because what the disk then holds
    /// is not known.
    fn wait(&self, ticket: Ticket) -> Result<()>;
    /// The engine's own view of its soundness: faults in words.
    fn verify(&self) -> Result<Vec<String>>;
    /// Makes everything durable; the files are let go when the engine is dropped.
    fn close(&self) -> Result<()>;
}
