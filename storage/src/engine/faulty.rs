//! An engine over any other, for tests: its disk fails on demand, and what was not durable then is there or gone when it is
//! opened again, as the test says. It goes on taking commits after a failure, as engines may that hope for the best.

use super::{Batch, Engine, KeyRange, Ticket, Visit, Watcher};
use crate::error::{Error, Result};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The commit of this number, from 1 on.
    Commit(u64),
    /// The wait of this number, from 1 on: a failing fsync.
    Wait(u64),
    /// Every commit once so many bytes were committed.
    FullFrom(u64),
    /// Every read.
    Reads,
}

/// What is there of commits that did not become durable, after the next opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Lost,
    Kept,
}

#[derive(Default)]
struct Disk {
    fault: Option<Fault>,
    /// Whether opening fails too.
    is_gone: bool,
    commits: u64,
    waits: u64,
    bytes: u64,
    /// What stood where commits wrote since the last successful wait, the latest last.
    undo: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// How often a fault was met.
    faults: u64,
}

/// The disk of a faulty engine, which outlives its openings.
#[derive(Clone)]
pub(crate) struct FaultyDisk {
    inner: Arc<dyn Engine>,
    disk: Arc<Mutex<Disk>>,
    opened: Arc<AtomicU64>,
    /// Of the engine that is open.
    watcher: Arc<Mutex<Option<Watcher>>>,
}

impl FaultyDisk {
    /// A sound one with what `inner` holds.
    pub(crate) fn new(inner: Arc<dyn Engine>) -> Self {
        Self { inner, disk: Arc::default(), opened: Arc::default(), watcher: Arc::default() }
    }
    /// From now on this fails; counts begin anew.
    pub(crate) fn fail(&self, fault: Fault) {
        let mut disk = self.disk();
        *disk = Disk { fault: Some(fault), undo: std::mem::take(&mut disk.undo), ..Disk::default() };
    }
    /// It cannot be opened from now on.
    pub(crate) fn go_away(&self) {
        self.disk().is_gone = true;
    }
    /// Something fails that the engine does of its own accord.
    pub(crate) fn fail_unasked(&self) {
        let watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        watcher.iter().for_each(|watcher| watcher(&Error::Engine("input/output error".into())));
    }
    /// Nothing fails any more. What did not become durable is there, or not, at the next opening.
    pub(crate) fn mend(&self, fate: Fate) {
        let mut disk = self.disk();
        let undo = std::mem::take(&mut disk.undo);
        *disk = Disk::default();
        if fate == Fate::Lost {
            let writes = undo.into_iter().rev().collect();
            self.inner.commit(Batch { writes }).and_then(|ticket| self.inner.wait(ticket)).unwrap_or_default();
        }
    }
    /// How often a fault was met since the last call of [`Self::fail`].
    pub(crate) fn faults(&self) -> u64 {
        self.disk().faults
    }
    /// Commits and waits that were asked for since the last call of [`Self::fail`].
    pub(crate) fn asked(&self) -> (u64, u64) {
        let disk = self.disk();
        (disk.commits, disk.waits)
    }
    /// How often it was opened.
    pub(crate) fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }
    /// Opens an engine on it.
    pub(crate) fn open(&self) -> Result<Arc<dyn Engine>> {
        if self.disk().is_gone {
            return Err(Error::Engine("no such device".into()));
        }
        self.opened.fetch_add(1, Ordering::Relaxed);
        Ok(Arc::new(FaultyEngine { disk: self.clone() }))
    }
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct FaultyEngine {
    disk: FaultyDisk,
}

impl FaultyEngine {
    fn read_fault(&self) -> Result<()> {
        let mut disk = self.disk.disk();
        match disk.fault {
            Some(Fault::Reads) => {
                disk.faults += 1;
                Err(Error::Engine("input/output error".into()))
            }
            _ => Ok(()),
        }
    }
}

impl Engine for FaultyEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.read_fault()?;
        self.disk.inner.get(key)
    }
    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<()> {
        self.read_fault()?;
        self.disk.inner.scan(range, visit)
    }
    fn commit(&self, batch: Batch) -> Result<Ticket> {
        let mut disk = self.disk.disk();
        disk.commits += 1;
        let size = |(key, value): &(Vec<u8>, Option<Vec<u8>>)| (key.len() + value.as_ref().map_or(0, Vec::len)) as u64;
        let bytes = batch.writes.iter().map(size).sum::<u64>();
        let fault = match disk.fault {
            Some(Fault::Commit(number)) if disk.commits == number => Some(Error::Engine("input/output error".into())),
            Some(Fault::FullFrom(full)) if disk.bytes + bytes > full => Some(Error::DiskFull),
            _ => None,
        };
        if let Some(fault) = fault {
            disk.faults += 1;
            return Err(fault);
        }
        disk.bytes += bytes;
        for (key, _) in &batch.writes {
            let before = self.disk.inner.get(key)?;
            disk.undo.push((key.clone(), before));
        }
        self.disk.inner.commit(batch)
    }
    fn wait(&self, ticket: Ticket) -> Result<()> {
        let mut disk = self.disk.disk();
        disk.waits += 1;
        if matches!(disk.fault, Some(Fault::Wait(number)) if disk.waits == number) {
            disk.faults += 1;
            return Err(Error::Engine("input/output error".into()));
        }
        self.disk.inner.wait(ticket)?;
        // After a failure nothing is sure any more, whatever the disk says.
        if disk.faults == 0 {
            disk.undo.clear();
        }
        Ok(())
    }
    fn watch(&self, watcher: Watcher) {
        *self.disk.watcher.lock().unwrap_or_else(PoisonError::into_inner) = Some(watcher);
    }
    fn verify(&self) -> Result<Vec<String>> {
        self.disk.inner.verify()
    }
    fn close(&self) -> Result<()> {
        self.wait(Ticket(u64::MAX))
    }
}
