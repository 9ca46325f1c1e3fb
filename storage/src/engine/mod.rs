//! The narrow waist: ordered keys and values, one atomic batch a commit, durability asked for apart from it.
//!
//! Nothing above knows which engine it is. Nothing here knows what keys and values mean. Values may be of any size: an
//! engine that wants them small divides them itself.

mod disk;
mod files;
mod group;
mod layers;
mod log;
mod logged;
mod nudge;
mod redb;
mod sled;

#[cfg(test)]
pub(crate) mod faulty;
#[cfg(test)]
mod full_tests;
#[cfg(test)]
mod kill_tests;
#[cfg(test)]
pub(crate) mod memory;
#[cfg(test)]
mod tests;

pub(crate) use crate::engine::files::{io_error, lock_file, make_directory, remove_directory, rename};
use crate::engine::logged::LoggedEngine;
use crate::engine::sled::SledEngine;
use crate::error::{Error, Result};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// Which engine a store stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EngineKind {
    /// A copy-on-write tree in one file, with a log ahead of it.
    Redb,
    /// A log of pages, rewritten in the background.
    Sled,
}

impl EngineKind {
    /// All there are.
    pub const ALL: [Self; 2] = [Self::Redb, Self::Sled];
    /// What a new store stands on where nothing else is asked for.
    pub const DEFAULT: Self = Self::Redb;

    /// As it is written in a configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sled => "sled",
            Self::Redb => "redb",
        }
    }
    /// The engine of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
    /// Whose files `directory` holds; `None`: no engine's.
    pub(crate) fn of_files(directory: &Path) -> Result<Option<Self>> {
        match (SledEngine::exists(directory), LoggedEngine::exists(directory)) {
            (false, false) => Ok(None),
            (true, false) => Ok(Some(Self::Sled)),
            (false, true) => Ok(Some(Self::Redb)),
            (true, true) => Err(Error::Invalid(format!("{} holds the files of two engines: move one's away", directory.display()))),
        }
    }
    /// What tests stand on that can stand on any, from `SHOJI_TEST_ENGINE`.
    #[cfg(test)]
    pub(crate) fn of_tests() -> Option<Self> {
        let name = std::env::var("SHOJI_TEST_ENGINE").ok()?;
        Self::by_name(&name)
    }
    /// Opens its files in `directory`, making them if there are none; `cache_bytes` of them are kept in memory.
    pub(crate) fn open(self, directory: &Path, cache_bytes: u64) -> Result<Arc<dyn Engine>> {
        Ok(match self {
            Self::Sled => Arc::new(SledEngine::open(directory, cache_bytes)?),
            Self::Redb => Arc::new(LoggedEngine::open(directory, cache_bytes)?),
        })
    }
}

impl std::fmt::Display for EngineKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Opens a store's engine on its files in `directory`: the one they were made with, and that must be the one `asked` for. A
/// new store is made with the one asked for, or [`EngineKind::DEFAULT`].
pub(crate) fn open(directory: &Path, asked: Option<EngineKind>, cache_bytes: u64) -> Result<Arc<dyn Engine>> {
    let found = EngineKind::of_files(directory)?;
    if let (Some(found), Some(asked)) = (found, asked)
        && found != asked
    {
        return Err(Error::OtherEngine { found, asked });
    }
    found.or(asked).unwrap_or(EngineKind::DEFAULT).open(directory, cache_bytes)
}

/// Keys stand below it: their first byte is less. What is from there on an engine may use for itself.
pub(crate) const KEYS_END: u8 = 0xff;

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

/// Visits what `below` visits, with `writes` over it: in the order of their keys, `None` for what is no longer there.
pub(crate) fn scan_over<'w>(
    writes: impl Iterator<Item = (&'w [u8], Option<&'w [u8]>)>,
    below: impl FnOnce(&mut Visit<'_>) -> Result<()>,
    visit: &mut Visit<'_>,
) -> Result<()> {
    let mut writes = writes.peekable();
    let mut flow = ControlFlow::Continue(());
    below(&mut |key, value| {
        while let Some((written_key, written)) = writes.next_if(|(written_key, _)| *written_key < key) {
            if let Some(written) = written {
                flow = visit(written_key, written)?;
                if flow.is_break() {
                    return Ok(flow);
                }
            }
        }
        flow = match writes.next_if(|(written_key, _)| *written_key == key) {
            Some((_, None)) => ControlFlow::Continue(()),
            Some((_, Some(written))) => visit(key, written)?,
            None => visit(key, value)?,
        };
        Ok(flow)
    })?;
    for (key, value) in writes {
        if flow.is_break() {
            break;
        }
        if let Some(value) = value {
            flow = visit(key, value)?;
        }
    }
    Ok(())
}

/// Puts (`Some`) and deletes (`None`) that hold all or not at all. The later of two on one key holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    pub(crate) writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// Which commits a wait is for: this one and all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(pub(crate) u64);

/// Called with a failure that nobody was there to be told of. Must not wait for anything.
pub(crate) type Watcher = Box<dyn Fn(&Error) + Send + Sync>;

/// An engine. Reads see every commit that returned before they began.
pub(crate) trait Engine: Send + Sync {
    /// One value.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;
    /// Visits a range in the order of the keys.
    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<()>;
    /// Makes a batch visible, whole. Not yet durable: see [`Engine::wait`]. Of one that fails nothing is visible before the
    /// engine is opened anew; then it may be there, whole.
    fn commit(&self, batch: Batch) -> Result<Ticket>;
    /// Returns when the commit and all before it are durable. Shared: one caller makes the disk work, the others wait for it.
    /// After one failure nothing is acknowledged any more until the engine is opened anew, because what the disk then holds
    /// is not known.
    fn wait(&self, ticket: Ticket) -> Result<()>;
    /// Has `watcher` told of what fails while nobody waits, as soon as it does. The first that is given stays. An engine that
    /// does nothing of its own accord has nothing to tell.
    fn watch(&self, watcher: Watcher) {
        drop(watcher);
    }
    /// The engine's own view of its soundness: faults in words.
    fn verify(&self) -> Result<Vec<String>>;
    /// Makes everything durable, in the files that the engine had in every format of the store. It can go on after that; the
    /// files are let go when it is dropped.
    fn close(&self) -> Result<()>;
}
