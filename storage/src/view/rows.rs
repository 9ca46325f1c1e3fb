//! Rows by name, in leaves that are shared: whoever was handed them keeps them as they were, at the price of the leaves' number,
//! and a change copies no more than the leaf it falls into.

use super::ledger::Shown;
use std::fmt;
use std::sync::Arc;

/// Rows of one leaf; it is split in two beyond that.
const LEAF_ROWS_MAX: usize = 256;
/// Rows that are fetched from memory together.
const FETCHED_TOGETHER: usize = 32;

/// One name that is shown.
#[derive(Debug)]
pub(crate) struct Entry<R> {
    /// The state in which it last changed.
    pub(crate) since: u64,
    /// What is shown.
    pub(crate) row: Arc<R>,
}

impl<R> Clone for Entry<R> {
    fn clone(&self) -> Self {
        Self { since: self.since, row: self.row.clone() }
    }
}

/// Entries in the order of their names, never none.
#[derive(Debug)]
struct Leaf<R> {
    entries: Vec<Entry<R>>,
    /// A short hash of each name: rows lie apart in memory, and a search by their names alone waits for many of them.
    marks: Vec<u32>,
}

impl<R> Clone for Leaf<R> {
    fn clone(&self) -> Self {
        Self { entries: self.entries.clone(), marks: self.marks.clone() }
    }
}

fn mark(name: &str) -> u32 {
    crc32fast::hash(name.as_bytes())
}

impl<R: Shown> Leaf<R> {
    fn of(entries: Vec<Entry<R>>) -> Self {
        let marks = entries.iter().map(|entry| mark(entry.row.name())).collect();
        Self { entries, marks }
    }
    fn find(&self, name: &str) -> Option<usize> {
        let mark = mark(name);
        let mut marked = self.marks.iter().zip(&self.entries).enumerate().filter(|(_, (other, _))| **other == mark);
        marked.find(|(_, (_, entry))| entry.row.name() == name).map(|(at, _)| at)
    }
    /// Puts an entry in; what bore its name goes out. Else: where it stands now.
    fn insert(&mut self, entry: Entry<R>) -> Result<Entry<R>, usize> {
        let mark = mark(entry.row.name());
        match self.entries.binary_search_by(|other| other.row.name().cmp(entry.row.name())) {
            Ok(at) => self.entries.get_mut(at).map(|place| std::mem::replace(place, entry)).ok_or(at),
            Err(at) => {
                let at = at.min(self.entries.len()).min(self.marks.len());
                self.entries.insert(at, entry);
                self.marks.insert(at, mark);
                Err(at)
            }
        }
    }
    fn remove(&mut self, at: usize) -> Option<Entry<R>> {
        let is_there = at < self.entries.len() && at < self.marks.len();
        is_there.then(|| {
            self.marks.remove(at);
            self.entries.remove(at)
        })
    }
    /// What stands at a place and behind it, taken out.
    fn split_off(&mut self, at: usize) -> Self {
        let behind = Self { entries: self.entries.split_off(at), marks: self.marks.split_off(at) };
        self.entries.shrink_to_fit();
        self.marks.shrink_to_fit();
        behind
    }
}

/// Rows in the order of their names. A clone is a snapshot that shares what neither changes.
pub struct Rows<R = crate::authorized::Row> {
    /// None of them is empty.
    leaves: Arc<Vec<Arc<Leaf<R>>>>,
    len: usize,
}

impl<R> Clone for Rows<R> {
    fn clone(&self) -> Self {
        Self { leaves: self.leaves.clone(), len: self.len }
    }
}

impl<R> Default for Rows<R> {
    fn default() -> Self {
        Self { leaves: Arc::default(), len: 0 }
    }
}

impl<R: fmt::Debug> fmt::Debug for Rows<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.each()).finish()
    }
}

impl<R: PartialEq> PartialEq for Rows<R> {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.each().eq(other.each())
    }
}

impl<R> Rows<R> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
    fn each(&self) -> impl Iterator<Item = &Arc<R>> {
        self.leaves.iter().flat_map(|leaf| &leaf.entries).map(|entry| &entry.row)
    }
}

#[expect(private_bounds, reason = "what has a name is told inside of the crate; outside rows are looked at")]
impl<R: Shown> Rows<R> {
    /// Of entries in the order of their names, each once.
    pub(crate) fn of_sorted(entries: &[Entry<R>]) -> Self {
        let leaves = entries.chunks(LEAF_ROWS_MAX).map(|leaf| Arc::new(Leaf::of(leaf.to_vec())));
        Self { leaves: Arc::new(leaves.collect()), len: entries.len() }
    }
    /// All of them in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<R>> {
        self.entries().map(|entry| &entry.row)
    }
    /// The same with what they bear.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry<R>> {
        self.leaves.iter().flat_map(|leaf| leaf.entries.chunks(FETCHED_TOGETHER)).inspect(|together| fetch(together)).flatten()
    }

    /// The row of a name.
    pub fn get(&self, name: &str) -> Option<&Arc<R>> {
        self.entry(name).map(|entry| &entry.row)
    }

    /// The entry of a name.
    pub(crate) fn entry(&self, name: &str) -> Option<&Entry<R>> {
        let leaf = self.leaves.get(self.leaf_of(name))?;
        leaf.entries.get(leaf.find(name)?)
    }

    /// Puts an entry in; what bore its name goes out.
    pub(crate) fn insert(&mut self, entry: Entry<R>) -> Option<Entry<R>> {
        let index = self.leaf_of(entry.row.name());
        let leaves = Arc::make_mut(&mut self.leaves);
        let Some(leaf) = leaves.get_mut(index) else {
            leaves.push(Arc::new(Leaf::of(vec![entry])));
            self.len = self.len.saturating_add(1);
            return None;
        };
        let leaf = Arc::make_mut(leaf);
        let at = match leaf.insert(entry) {
            Ok(before) => return Some(before),
            Err(at) => at,
        };
        self.len = self.len.saturating_add(1);
        let rows = leaf.entries.len();
        if rows > LEAF_ROWS_MAX {
            // Names that come in order fill leaves; elsewhere two halves leave room on both sides.
            let is_last = at.saturating_add(1) == rows;
            let behind = leaf.split_off(if is_last { at } else { rows / 2 });
            leaves.insert(index.saturating_add(1), Arc::new(behind));
        }
        None
    }

    /// Takes a name out.
    pub(crate) fn remove(&mut self, name: &str) -> Option<Entry<R>> {
        let index = self.leaf_of(name);
        let at = self.leaves.get(index)?.find(name)?;
        let leaves = Arc::make_mut(&mut self.leaves);
        let leaf = Arc::make_mut(leaves.get_mut(index)?);
        let removed = leaf.remove(at);
        if leaf.entries.is_empty() {
            leaves.remove(index);
        }
        self.len = self.len.saturating_sub(usize::from(removed.is_some()));
        removed
    }

    /// Where the leaf is in which a name stands, or would: the last that begins at or before it, else the first.
    fn leaf_of(&self, name: &str) -> usize {
        let behind = self.leaves.partition_point(|leaf| leaf.entries.first().is_some_and(|first| first.row.name() <= name));
        behind.saturating_sub(1)
    }
}

/// Touches rows so that the processor waits for all of them at once: they lie apart, and whoever looks at one after the other
/// waits for memory at each, which was a quarter of what listing 10,000 of them cost.
fn fetch<R: Shown>(entries: &[Entry<R>]) {
    let touched = entries.iter().filter_map(|entry| entry.row.name().as_bytes().first());
    std::hint::black_box(touched.fold(0, |sum, byte| sum ^ byte));
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::view::{Member, Named};
    use std::collections::BTreeMap;

    fn entry(name: u64, since: u64) -> Entry<Member> {
        Entry { since, row: Arc::new(Member::new(format!("{name:05}"), since.to_string())) }
    }

    fn told(rows: &Rows<Member>) -> Vec<(String, u64)> {
        rows.entries().map(|entry| (entry.row.name().to_owned(), entry.since)).collect()
    }

    /// The rows against a map, with names in order, against it and by chance, and a snapshot taken at times that must stay as it was.
    #[test]
    fn rows_are_a_map_and_whoever_was_handed_them_keeps_them() {
        let (mut rows, mut model) = (Rows::<Member>::default(), BTreeMap::new());
        let mut kept = Vec::new();
        let mut chance = 7_u64;
        for step in 0..6_000_u64 {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let name = match step {
                0..1_000 => step,
                1_000..2_000 => 20_000 - step,
                _ => (chance >> 33) % 3_000,
            };
            if step > 2_000 && chance >> 62 == 0 || step > 5_000 {
                let gone = rows.remove(&format!("{name:05}")).map(|entry| entry.since);
                assert_eq!(gone, model.remove(&format!("{name:05}")));
            } else {
                let before = rows.insert(entry(name, step)).map(|entry| entry.since);
                assert_eq!(before, model.insert(format!("{name:05}"), step));
            }
            let found = rows.entry(&format!("{name:05}")).map(|entry| entry.since);
            assert_eq!((found, rows.len()), (model.get(&format!("{name:05}")).copied(), model.len()));
            if step % 500 == 0 {
                kept.push((rows.clone(), told(&rows)));
                let again = Rows::of_sorted(&rows.entries().cloned().collect::<Vec<_>>());
                assert!(told(&again) == told(&rows) && again.leaves.iter().all(|leaf| leaf.entries.len() <= LEAF_ROWS_MAX));
                assert_eq!(told(&rows), model.clone().into_iter().collect::<Vec<_>>());
            }
        }
        assert!(rows.leaves.iter().all(|leaf| !leaf.entries.is_empty() && leaf.entries.len() <= LEAF_ROWS_MAX));
        for (snapshot, as_it_was) in kept {
            assert_eq!(told(&snapshot), as_it_was);
        }
    }

    #[test]
    fn names_that_come_in_order_fill_their_leaves_and_a_change_copies_one() {
        let mut rows = Rows::<Member>::default();
        for name in 0..10_000 {
            rows.insert(entry(name, 1));
        }
        assert!(rows.leaves.len() <= 10_000 / LEAF_ROWS_MAX + 1);
        let snapshot = rows.clone();
        rows.insert(entry(5_000, 2));
        let shared = rows.leaves.iter().zip(snapshot.leaves.iter()).filter(|(now, then)| Arc::ptr_eq(now, then)).count();
        assert_eq!(shared, rows.leaves.len() - 1);
        assert_eq!((snapshot.entry("05000").unwrap().since, rows.entry("05000").unwrap().since), (1, 2));
    }
}
