//! Writes in memory over an engine's file: those that are being brought into it, and over them those that are not yet.
//!
//! Nobody holds the lock on them for longer than it takes to look up a key or to copy a few: a scan goes a part at a time, each
//! part of one state. What is written in a range while it is scanned may be seen or not, key by key.

use super::redb::Table;
use super::{KeyRange, Visit, scan_over};
use crate::error::Result;
use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

/// Writes by key; `None` deletes.
pub(super) type Layer = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Writes that the first part of a scan takes along; each part after it takes so many times more, to the most.
const PART_FIRST: usize = 8;
const PART_GROWTH: usize = 8;
const PART_MOST: usize = 4_096;

/// See the module.
pub(super) struct Layers {
    /// The file.
    table: Table,
    /// What is being brought into the file, or could not be.
    leaving: Option<Arc<Layer>>,
    /// What was written since.
    latest: Layer,
    latest_bytes: usize,
}

/// What a scan shows next: the file up to a key, with writes over it.
struct Part {
    table: Table,
    writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// The last key of the part; `None`: it goes to the end.
    last: Option<Vec<u8>>,
}

impl Layers {
    /// A file with what it lacks.
    pub(super) fn new(table: Table, leaving: Layer) -> Self {
        let leaving = (!leaving.is_empty()).then(|| Arc::new(leaving));
        Self { table, leaving, latest: Layer::new(), latest_bytes: 0 }
    }
    /// What is written under a key, or the file to look it up in.
    pub(super) fn get(&self, key: &[u8]) -> std::result::Result<Option<Vec<u8>>, Table> {
        let written = self.latest.get(key).or_else(|| self.leaving.as_ref()?.get(key));
        written.cloned().ok_or_else(|| self.table.clone())
    }
    /// Puts a write over all.
    pub(super) fn write(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.latest_bytes += key.len() + value.as_ref().map_or(0, Vec::len);
        self.latest.insert(key, value);
    }
    /// Bytes written since the last time that something left, each write of a key counted.
    pub(super) fn latest_bytes(&self) -> usize {
        self.latest_bytes
    }
    /// Whether nothing was written since.
    pub(super) fn is_settled(&self) -> bool {
        self.latest.is_empty()
    }
    /// What is being brought into the file.
    pub(super) fn leaving(&self) -> Option<Arc<Layer>> {
        self.leaving.clone()
    }
    /// Lets what was written leave, if nothing else does; whether it does.
    pub(super) fn leave(&mut self) -> bool {
        if self.leaving.is_some() || self.latest.is_empty() {
            return false;
        }
        self.leaving = Some(Arc::new(std::mem::take(&mut self.latest)));
        self.latest_bytes = 0;
        true
    }
    /// What was leaving is in the file, which now is this; it is given back to be dropped where nobody waits.
    pub(super) fn left(&mut self, table: Table) -> Option<Arc<Layer>> {
        self.table = table;
        self.leaving.take()
    }
    /// The file as it is.
    pub(super) fn table(&self) -> Table {
        self.table.clone()
    }

    fn part(&self, start: Bound<&[u8]>, end: Bound<&[u8]>, most: usize) -> Part {
        let mut writes = BTreeMap::new();
        let mut last: Option<&Vec<u8>> = None;
        // The later over the earlier.
        for layer in self.leaving.as_deref().into_iter().chain([&self.latest]) {
            for (count, (key, value)) in layer.range::<[u8], _>((start, end)).enumerate() {
                writes.insert(key, value);
                if count + 1 >= most {
                    last = Some(last.map_or(key, |last| last.min(key)));
                    break;
                }
            }
        }
        let writes = writes.into_iter().take_while(|(key, _)| last.is_none_or(|last| *key <= last));
        Part { table: self.table.clone(), writes: writes.map(|(key, value)| (key.clone(), value.clone())).collect(), last: last.cloned() }
    }
}

/// Visits a range of what `layers` hands out, which is called for each part.
pub(super) fn scan(layers: impl Fn(&mut dyn FnMut(&Layers)), range: &KeyRange, visit: &mut Visit<'_>) -> Result<()> {
    if range.end.as_ref().is_some_and(|end| *end <= range.start) {
        return Ok(());
    }
    let end = range.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    let (mut start, mut most) = (Bound::Included(range.start.clone()), PART_FIRST);
    loop {
        let from = start.as_ref().map(Vec::as_slice);
        let mut part = None;
        layers(&mut |layers| part = Some(layers.part(from, end, most)));
        let Some(part) = part else { return Ok(()) };
        let to = part.last.as_deref().map_or(end, Bound::Included);
        let mut flow = ControlFlow::Continue(());
        let writes = part.writes.iter().map(|(key, value)| (key.as_slice(), value.as_deref()));
        scan_over(writes, |visit| part.table.scan((from, to), visit), &mut |key, value| {
            flow = visit(key, value)?;
            Ok(flow)
        })?;
        match part.last {
            Some(last) if flow.is_continue() => start = Bound::Excluded(last),
            _ => return Ok(()),
        }
        most = most.saturating_mul(PART_GROWTH).min(PART_MOST);
    }
}
