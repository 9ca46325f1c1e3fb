//! Moving a store from one engine to another, and where its files stand meanwhile.
//!
//! The new files are made in a directory beside the old ones, compared with them record by record in both directions, and
//! take their place by two renames. Killed at any moment, the next opening finds the old store or the new one, whole. Must not
//! look into records: what one engine kept, the other keeps, byte by byte.

#[cfg(test)]
mod tests;

use crate::engine::{Batch, Engine, EngineKind, KeyRange, lock_file, make_directory, remove_directory, rename};
use crate::error::{Error, Result};
use crate::keys;
use crate::record::FORMAT_VERSION;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Bytes of one batch that is copied, about.
const BATCH_BYTES: usize = 1 << 20;
/// Records of one batch that is copied.
const BATCH_RECORDS: usize = 2_000;
/// Records between two calls of progress.
const PROGRESS_RECORDS: u64 = 256;

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Records are written to the new engine.
    Copying,
    /// Each of the old engine's records is looked for in the new one, then the other way round.
    Comparing,
    /// The new files take the place of the old ones.
    Swapping,
}

/// What was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// From where.
    pub from: EngineKind,
    /// To where; the same: it stood there already.
    pub to: EngineKind,
    /// Records, each compared.
    pub records: u64,
}

/// Called with the stage, how many steps of it are done, and how many there are.
pub type Progress<'a> = dyn FnMut(Stage, u64, u64) + 'a;

/// Where a store's files stand in its data directory.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    data: PathBuf,
}

impl Place {
    pub(crate) fn new(data: &Path) -> Self {
        Self { data: data.to_owned() }
    }
    /// The engine's files, apart from what else stands in the data directory.
    pub(crate) fn store(&self) -> PathBuf {
        self.data.join("store")
    }
    /// Files that are being made.
    fn next(&self) -> PathBuf {
        self.data.join("store.new")
    }
    /// Files that were replaced.
    fn last(&self) -> PathBuf {
        self.data.join("store.old")
    }
    /// Keeps everybody else from opening or moving the store while it is kept. [`Error::InUse`] if somebody does.
    pub(crate) fn lock(&self) -> Result<File> {
        make_directory(&self.data)?;
        lock_file(&self.data.join("store.lock"))
    }
    /// Between the two renames: the new files are whole and compared, the old ones are out of the way.
    fn is_between_renames(&self) -> bool {
        !self.store().exists() && self.next().is_dir() && self.last().is_dir()
    }
    /// Whether there is a store.
    pub(crate) fn is_taken(&self) -> bool {
        self.is_between_renames() || !matches!(EngineKind::of_files(&self.store()), Ok(None))
    }
    /// Ends what was interrupted between the renames. Under the lock.
    pub(crate) fn finish_swap(&self) -> Result<()> {
        if self.is_between_renames() { rename(&self.next(), &self.store()) } else { Ok(()) }
    }
    /// Removes what an interrupted or finished move left. Under the lock, with the store in its place.
    fn remove_leftovers(&self) -> Result<()> {
        // In this order: files that were replaced never stand beside some that are only being made.
        remove_directory(&self.last())?;
        remove_directory(&self.next())
    }
    /// The same after a store that was there was opened. What cannot be removed does no harm but take up space: it is for
    /// [`leftovers`] to tell.
    pub(crate) fn tidy(&self) {
        drop(self.remove_leftovers());
    }
}

/// Directories that an interrupted move left in a data directory, and that could not be removed when the store was opened.
pub fn leftovers(data: &Path) -> Vec<PathBuf> {
    let place = Place::new(data);
    [place.last(), place.next()].into_iter().filter(|path| path.exists()).collect()
}

/// Moves the store in `data` to another engine; `cache_bytes` of each are kept in memory. The old files are removed at the
/// end.
///
/// # Errors
/// [`Error::NotFound`] without a store, [`Error::InUse`] while anybody has it open, [`Error::NewerFormat`], and whatever the
/// engines say: the store stays where it was, and what was made of the copy is removed, so that a disk it filled is free again.
pub fn change_engine(data: &Path, to: EngineKind, cache_bytes: u64, progress: &mut Progress<'_>) -> Result<Moved> {
    let place = Place::new(data);
    if !place.is_taken() {
        return Err(Error::NotFound);
    }
    let _lock = place.lock()?;
    place.finish_swap()?;
    let from = EngineKind::of_files(&place.store())?.ok_or(Error::NotFound)?;
    let source = from.open(&place.store(), cache_bytes)?;
    check_format(source.as_ref())?;
    place.remove_leftovers()?;
    if from == to {
        source.close()?;
        return Ok(Moved { from, to, records: 0 });
    }
    let all = count(source.as_ref())?;
    let copied = copy_to(&place.next(), to, cache_bytes, source.as_ref(), all, progress);
    copied.map_err(|error| match remove_directory(&place.next()) {
        Ok(()) => error,
        Err(why) => Error::Engine(format!("{error}; and {} could not be removed ({why}): remove it", place.next().display())),
    })?;
    source.close()?;
    drop(source);
    progress(Stage::Swapping, 0, 3);
    rename(&place.store(), &place.last())?;
    progress(Stage::Swapping, 1, 3);
    rename(&place.next(), &place.store())?;
    progress(Stage::Swapping, 2, 3);
    remove_directory(&place.last())?;
    progress(Stage::Swapping, 3, 3);
    Ok(Moved { from, to, records: all })
}

/// Makes the new files, and opens them anew: what is compared is what is on the disk.
fn copy_to(next: &Path, to: EngineKind, cache_bytes: u64, source: &dyn Engine, all: u64, progress: &mut Progress<'_>) -> Result<()> {
    let target = to.open(next, cache_bytes)?;
    copy(source, target.as_ref(), all, progress)?;
    target.close()?;
    drop(target);
    let target = to.open(next, cache_bytes)?;
    compare(source, target.as_ref(), all, progress)?;
    target.close()
}

fn check_format(engine: &dyn Engine) -> Result<()> {
    let found = engine.get(keys::FORMAT)?.and_then(|found| found.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes)));
    match found {
        None => Err(Error::Corrupted("the format version")),
        // It may keep something beside the engine that this program does not know of.
        Some(found) if found > FORMAT_VERSION => Err(Error::NewerFormat { found, known: FORMAT_VERSION }),
        Some(_) => Ok(()),
    }
}

fn everything() -> KeyRange {
    KeyRange { start: Vec::new(), end: None }
}

fn count(engine: &dyn Engine) -> Result<u64> {
    let mut all = 0;
    engine.scan(&everything(), &mut |_, _| {
        all += 1;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(all)
}

fn copy(source: &dyn Engine, target: &dyn Engine, all: u64, progress: &mut Progress<'_>) -> Result<()> {
    let (mut batch, mut bytes, mut done) = (Batch::default(), 0, 0);
    progress(Stage::Copying, 0, all);
    // Moved, damage would look sound.
    if !source.verify()?.is_empty() {
        return Err(Error::Corrupted("what is to be moved"));
    }
    source.scan(&everything(), &mut |key, value| {
        bytes += key.len() + value.len();
        batch.writes.push((key.to_vec(), Some(value.to_vec())));
        done += 1;
        if bytes >= BATCH_BYTES || batch.writes.len() >= BATCH_RECORDS {
            bytes = 0;
            target.wait(target.commit(std::mem::take(&mut batch))?)?;
        }
        if done % PROGRESS_RECORDS == 0 {
            progress(Stage::Copying, done, all);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    target.wait(target.commit(batch)?)
}

/// Whether each has what the other has, and nothing else; and whether the new engine finds itself sound.
fn compare(source: &dyn Engine, target: &dyn Engine, all: u64, progress: &mut Progress<'_>) -> Result<()> {
    progress(Stage::Comparing, 0, all.saturating_mul(2));
    if let Some(fault) = target.verify()?.into_iter().next() {
        return Err(Error::Engine(format!("the copy: {fault}")));
    }
    let mut done = 0;
    for (some, other) in [(source, target), (target, source)] {
        some.scan(&everything(), &mut |key, value| {
            if other.get(key)?.as_deref() != Some(value) {
                return Err(Error::Engine("the copy differs from the store: nothing was changed".into()));
            }
            done += 1;
            if done % PROGRESS_RECORDS == 0 {
                progress(Stage::Comparing, done, all.saturating_mul(2));
            }
            Ok(ControlFlow::Continue(()))
        })?;
    }
    Ok(())
}
