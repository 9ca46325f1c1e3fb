//! Taking a copy of the whole store while it is in use, as it was at one moment: between two commits.
//!
//! Keys are copied in their order, a piece at a time; commits go on between two pieces. What a commit is about to change and
//! was not copied yet is set aside first, as it was at the beginning, and goes into the file with the next piece. So memory
//! holds one piece, what was set aside since, and the names of the keys ahead that changed.

mod file;
mod restore;
#[cfg(test)]
mod tests;

pub use file::{Contents, Size};
pub use restore::{Restored, restore, verify};

use crate::engine::{Batch, Engine, KEYS_END, KeyRange};
use crate::error::{Error, Result};
use crate::record::FORMAT_VERSION;
use crate::store::Store;
use file::Writer;
use std::collections::BTreeSet;
use std::io::Write;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Bytes that one piece has: for as long as it takes to read them, writers wait.
const PIECE_BYTES: usize = 1 << 20;
/// Bytes that may be set aside, names of changed keys among them.
const ASIDE_BYTES_MAX: usize = 256 << 20;

/// Keys with their values.
type Records = Vec<(Vec<u8>, Vec<u8>)>;

/// The copy that is being taken, if one is.
#[derive(Default)]
pub(crate) struct Copying {
    /// Shared by commits, alone for whoever copies a piece.
    copy: RwLock<Option<Copy>>,
}

/// How far a copy has come.
struct Copy {
    engine: Arc<dyn Engine>,
    /// Keys below it are copied.
    next: Vec<u8>,
    aside: Mutex<Aside>,
}

#[derive(Default)]
struct Aside {
    /// Keys from `next` on of which the beginning's value is set aside or was copied.
    done: BTreeSet<Vec<u8>>,
    /// What stood there, not written to the file yet.
    values: Records,
    bytes: usize,
    /// Why the copy cannot be gone on with.
    broken: Option<Error>,
}

impl Copying {
    /// Ends the copy that is being taken: its engine goes.
    pub(crate) fn end(&self) {
        *self.copy.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
    /// Commits, and sets aside before what has to be.
    pub(crate) fn around<T>(&self, batch: Batch, commit: impl FnOnce(Batch) -> T) -> T {
        let copy = self.copy.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(copy) = copy.as_ref() {
            copy.set_aside(&batch);
        }
        commit(batch)
    }
}

impl Copy {
    fn aside(&self) -> MutexGuard<'_, Aside> {
        self.aside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_aside(&self, batch: &Batch) {
        let mut aside = self.aside();
        for (key, _) in batch.writes.iter().filter(|(key, _)| *key >= self.next) {
            if aside.broken.is_some() || !aside.done.insert(key.clone()) {
                continue;
            }
            aside.bytes += key.len();
            match self.engine.get(key) {
                Ok(Some(value)) => {
                    aside.bytes += key.len() + value.len();
                    aside.values.push((key.clone(), value));
                }
                Ok(None) => {}
                Err(error) => aside.broken = Some(error),
            }
            if aside.bytes > ASIDE_BYTES_MAX {
                *aside =
                    Aside { broken: Some(Error::Invalid("too much was changed while the backup was taken".into())), ..Aside::default() };
            }
        }
    }

    /// The next piece, and whether it is the last.
    fn piece(&mut self) -> Result<(Records, bool)> {
        let mut aside = std::mem::take(&mut *self.aside());
        if let Some(error) = aside.broken {
            return Err(error);
        }
        let mut records = std::mem::take(&mut aside.values);
        let (mut bytes, mut last) = (0usize, None);
        let range = KeyRange { start: self.next.clone(), end: Some(vec![KEYS_END]) };
        self.engine.scan(&range, &mut |key, value| {
            if !aside.done.contains(key) {
                records.push((key.to_vec(), value.to_vec()));
            }
            bytes = bytes.saturating_add(key.len()).saturating_add(value.len());
            last = Some(key.to_vec());
            Ok(if bytes >= PIECE_BYTES { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        let is_last = bytes < PIECE_BYTES;
        self.next = match last {
            // The first key after it.
            Some(mut last) if !is_last => {
                last.push(0);
                last
            }
            _ => vec![KEYS_END],
        };
        aside.done = aside.done.split_off(&self.next);
        aside.bytes = aside.done.iter().map(Vec::len).sum();
        *self.aside() = aside;
        Ok((records, is_last))
    }
}

/// Ends a copy, however it went.
struct Taking<'s> {
    store: &'s Store,
}

impl Drop for Taking<'_> {
    fn drop(&mut self) {
        self.store.copying.end();
    }
}

impl Store {
    /// Writes a backup of the store as it is at one moment from the beginning of this call on. Everybody goes on reading and
    /// writing. `progress` is called now and then with what was written so far. One at a time.
    pub fn backup(&self, out: &mut dyn Write, progress: &mut dyn FnMut(Size)) -> Result<Size> {
        // What is only counted so far belongs to it; on a full disk it is taken without.
        drop(self.flush_journal());
        let _taking = self.begin_copy()?;
        let mut writer = Writer::begin(out, FORMAT_VERSION)?;
        loop {
            let (records, is_last) = self.copy_piece()?;
            for (key, value) in &records {
                writer.record(key, value)?;
            }
            progress(writer.size());
            if is_last {
                return writer.end();
            }
        }
    }

    fn begin_copy(&self) -> Result<Taking<'_>> {
        let gate = self.gate.read();
        let engine = gate.as_ref().ok_or_else(|| Error::Engine("the store is not open".into()))?.clone();
        let mut copy = self.copying.copy.write().unwrap_or_else(PoisonError::into_inner);
        if copy.is_some() {
            return Err(Error::Invalid("a backup is being taken already".into()));
        }
        // Of a failed engine it is not known what it holds.
        self.failure.refuse()?;
        *copy = Some(Copy { engine, next: vec![0], aside: Mutex::default() });
        Ok(Taking { store: self })
    }

    fn copy_piece(&self) -> Result<(Records, bool)> {
        // An engine that failed meanwhile may have lost what was copied.
        self.failure.refuse()?;
        let gate = self.gate.read();
        let mut copy = self.copying.copy.write().unwrap_or_else(PoisonError::into_inner);
        let same = |copy: &&mut Copy| gate.as_ref().is_some_and(|engine| Arc::ptr_eq(engine, &copy.engine));
        let copy = copy.as_mut().filter(same).ok_or_else(|| Error::Engine("the store was opened anew".into()))?;
        copy.piece()
    }
}
