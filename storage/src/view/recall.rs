//! What was worked out of objects as they were shown: how each looked, and when it is. Bounded by bytes; what was not asked for
//! lately goes first.
//!
//! Everything is kept under the stamp that a view in memory gave an object when it last projected it. No stamp is given twice,
//! so that a change, another access or another policy, all of which make the view project again, leave what was kept behind
//! without anybody looking for it; and what is kept for one viewer is found by no other. Must not be asked for anything that is not
//! to look as it does in a view.

use crate::authorized::ObjectTimes;
use crate::recent::Recent;
use acl::ObjectId;
use acl::project::Recalled;
use ical::recurrence::KnownInstances;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that an entry takes beside its place and what it points to, about: the key, and the table's free places.
const ENTRY_BYTES: usize = 128;
/// Objects that are given stamps of their own, beyond which all get a common new one.
const OWN_STAMPS_MAX: usize = 1_024;

/// The next stamp of this process.
static NEXT_STAMP: AtomicU64 = AtomicU64::new(1);

fn next_stamp() -> u64 {
    NEXT_STAMP.fetch_add(1, Ordering::Relaxed)
}

/// One object as one view projected it last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Projection {
    object: ObjectId,
    stamp: u64,
}

/// The stamps of one view's objects.
#[derive(Debug)]
pub(crate) struct Stamps {
    common: u64,
    own: HashMap<ObjectId, u64>,
}

impl Default for Stamps {
    fn default() -> Self {
        Self { common: next_stamp(), own: HashMap::new() }
    }
}

impl Stamps {
    /// As an object is shown now.
    pub(crate) fn of(&self, object: ObjectId) -> Projection {
        Projection { object, stamp: self.own.get(&object).copied().unwrap_or(self.common) }
    }
    /// Notes that these were projected again.
    pub(crate) fn renew(&mut self, objects: impl ExactSizeIterator<Item = ObjectId>) {
        if self.own.len().saturating_add(objects.len()) > OWN_STAMPS_MAX {
            *self = Self::default();
            return;
        }
        for object in objects {
            self.own.insert(object, next_stamp());
        }
    }
}

/// What is known of one projection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// When what is shown is.
    pub(crate) times: Option<Arc<KnownInstances>>,
    /// When its viewer is told that it makes busy.
    pub(crate) busy: Option<Arc<KnownInstances>>,
    /// When it came and was written last: whatever changes these is a change by which the view projects it again.
    pub(crate) dates: Option<ObjectTimes>,
}

impl Known {
    fn bytes(&self) -> usize {
        let times = [&self.times, &self.busy].into_iter().flatten();
        times.fold(ENTRY_BYTES, |sum, known| sum + size_of::<KnownInstances>() + known.heap_bytes())
    }
}

/// See the module.
pub(crate) struct Recall {
    table: Mutex<Recent<Projection, Known>>,
    /// How some are shown. They are so much larger than when they are that they would push out that of all others.
    texts: Mutex<Recent<Projection, Arc<Recalled>>>,
    /// More than that is not kept of one: a few such would push out what is known of all others.
    each_bytes_max: usize,
}

impl Recall {
    /// That keeps at most about so many bytes; 0: nothing.
    pub(crate) fn new(bytes_max: usize) -> Self {
        // When most events are their rows say, so that the table is of series; it takes less than texts do.
        let times = bytes_max / 5 * 2;
        Self { table: Mutex::new(Recent::new(times)), texts: Mutex::new(Recent::new(bytes_max - times)), each_bytes_max: bytes_max / 8 }
    }

    /// How a projection is shown.
    pub(crate) fn shown(&self, projection: Projection) -> Option<Arc<Recalled>> {
        self.texts.lock().get(&projection)
    }

    /// Keeps how it is shown.
    pub(crate) fn keep_shown(&self, projection: Projection, shown: Recalled) {
        let bytes = ENTRY_BYTES + size_of::<Recalled>() + shown.heap_bytes();
        if bytes <= self.each_bytes_max {
            self.texts.lock().insert(projection, Arc::new(shown), bytes);
        }
    }

    /// What is known of a projection.
    pub(crate) fn known(&self, projection: Projection) -> Known {
        self.table.lock().get(&projection).unwrap_or_default()
    }

    /// Keeps what was worked out of it.
    pub(crate) fn keep(&self, projection: Projection, learn: impl FnOnce(&mut Known)) {
        let mut table = self.table.lock();
        let mut known = table.get(&projection).unwrap_or_default();
        learn(&mut known);
        let bytes = known.bytes();
        if bytes <= self.each_bytes_max {
            table.insert(projection, known, bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(number: u64) -> ObjectId {
        let mut id = [0; 16];
        id.iter_mut().zip(number.to_le_bytes()).for_each(|(to, from)| *to = from);
        ObjectId(id)
    }

    fn bytes(recall: &Recall) -> usize {
        let table = recall.table.lock();
        assert_eq!(table.bytes(), table.counted_bytes());
        table.bytes()
    }

    #[test]
    fn what_is_kept_stays_under_its_bound_and_what_is_used_stays() {
        let recall = Recall::new(100_000);
        let stamps = Stamps::default();
        let none = Arc::new(KnownInstances::none());
        for number in 0..10_000 {
            recall.keep(stamps.of(object(number)), |known| known.times = Some(none.clone()));
            assert!(number == 0 || recall.known(stamps.of(object(0))).times.is_some(), "used all the time");
            assert!(bytes(&recall) <= 100_000);
        }
        assert!(recall.known(stamps.of(object(9_999))).times.is_some());
        assert!(recall.known(stamps.of(object(5_000))).times.is_none());
    }

    #[test]
    fn nothing_is_found_under_another_stamp() {
        let recall = Recall::new(100_000);
        let (mut stamps, others) = (Stamps::default(), Stamps::default());
        let keep = |stamps: &Stamps| recall.keep(stamps.of(object(1)), |known| known.busy = Some(Arc::new(KnownInstances::none())));
        let is_known = |stamps: &Stamps| recall.known(stamps.of(object(1))).busy.is_some();
        keep(&stamps);
        assert!(is_known(&stamps) && !is_known(&others));
        stamps.renew([object(2)].into_iter());
        assert!(is_known(&stamps));
        stamps.renew([object(1)].into_iter());
        assert!(!is_known(&stamps));
        keep(&stamps);
        let all: Vec<ObjectId> = (2..2 + OWN_STAMPS_MAX as u64).map(object).collect();
        stamps.renew(all.into_iter());
        assert!(!is_known(&stamps) && stamps.own.is_empty(), "all were renewed together");
    }

    #[test]
    fn with_no_room_nothing_is_kept() {
        let recall = Recall::new(0);
        let stamps = Stamps::default();
        recall.keep(stamps.of(object(1)), |known| known.busy = Some(Arc::new(KnownInstances::none())));
        assert!(recall.known(stamps.of(object(1))).busy.is_none());
        assert_eq!(bytes(&recall), 0);
    }
}
