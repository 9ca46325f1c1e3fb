//! A table of what was used of late, bounded in bytes. Of two halves the older goes when the younger is full, so that what is
//! used stays and nothing is ever sorted. Knows nothing of what it holds.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::mem;

/// What a place in a table costs besides what stands in it.
const PLACE_BYTES: usize = 64;

/// The table.
pub(crate) struct Recent<K, V> {
    young: HashMap<K, (V, usize)>,
    old: HashMap<K, (V, usize)>,
    young_bytes: usize,
    old_bytes: usize,
    bytes_max: usize,
}

impl<K: Eq + Hash, V: Clone> Recent<K, V> {
    /// An empty one that never holds more than so many bytes; with 0 it holds nothing.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), young_bytes: 0, old_bytes: 0, bytes_max }
    }

    /// What stands there.
    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        if let Some((value, _)) = self.young.get(key) {
            return Some(value.clone());
        }
        let (key, (value, bytes)) = self.old.remove_entry(key)?;
        self.old_bytes = self.old_bytes.saturating_sub(bytes);
        self.insert_weighed(key, value.clone(), bytes);
        Some(value)
    }

    /// Puts a value of so many bytes there.
    pub(crate) fn insert(&mut self, key: K, value: V, bytes: usize) {
        self.remove(&key);
        self.insert_weighed(key, value, bytes.saturating_add(PLACE_BYTES));
    }

    fn insert_weighed(&mut self, key: K, value: V, bytes: usize) {
        let half = self.bytes_max / 2;
        if bytes > half {
            return;
        }
        if self.young_bytes.saturating_add(bytes) > half {
            self.old = mem::take(&mut self.young);
            self.old_bytes = mem::take(&mut self.young_bytes);
        }
        self.young_bytes = self.young_bytes.saturating_add(bytes);
        self.young.insert(key, (value, bytes));
    }

    /// Takes away what stands there.
    pub(crate) fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q)
    where
        K: Borrow<Q>,
    {
        if let Some((_, bytes)) = self.young.remove(key) {
            self.young_bytes = self.young_bytes.saturating_sub(bytes);
        }
        if let Some((_, bytes)) = self.old.remove(key) {
            self.old_bytes = self.old_bytes.saturating_sub(bytes);
        }
    }

    /// Takes away all.
    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.bytes_max);
    }

    /// The same as [`Recent::bytes`], counted one by one.
    #[cfg(test)]
    pub(crate) fn counted_bytes(&self) -> usize {
        self.young.values().chain(self.old.values()).map(|(_, bytes)| bytes).sum()
    }

    /// What it holds.
    pub(crate) fn bytes(&self) -> usize {
        self.young_bytes.saturating_add(self.old_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_a_hundred_thousand_others_do_not_grow_over_the_bound() {
        let mut table = Recent::new(10_000);
        table.insert(u32::MAX, 7, 20);
        for number in 0..100_000 {
            table.insert(number, number, usize::try_from(number % 40).unwrap_or_default());
            assert!(table.bytes() <= 10_000);
            assert_eq!(table.bytes(), table.counted_bytes());
            assert_eq!(table.get(&number), Some(number));
            assert_eq!(table.get(&u32::MAX), Some(7), "it is asked for all the time");
        }
        assert_eq!(table.get(&5), None);
        table.remove(&u32::MAX);
        assert_eq!(table.get(&u32::MAX), None);
        table.clear();
        assert_eq!((table.bytes(), table.get(&99_999)), (0, None));
    }

    #[test]
    fn nothing_is_held_by_an_empty_table_nor_more_than_half_of_it_by_one_value() {
        let (mut none, mut small) = (Recent::new(0), Recent::new(1_000));
        none.insert(1, 1, 0);
        small.insert(1, 1, 500);
        small.insert(2, 2, 400);
        small.insert(2, 3, 400);
        assert_eq!((none.get(&1), small.get(&1), small.get(&2)), (None, None, Some(3)));
        assert_eq!(small.bytes(), 400 + PLACE_BYTES);
    }
}
