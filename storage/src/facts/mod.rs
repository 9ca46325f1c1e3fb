//! What access depends on, kept decoded: people, groups, roles, the policy, calendars and their grants, mounts; and what was
//! decided of each viewer and calendar. Must not decide anything: `acl::access` does, and what it said is kept here.
//!
//! Exact at every moment: what a commit writes is dropped before anybody reads the state after it, since commits that touch
//! any of this happen where a writer has the store alone ([`change`] says which do). Of a grant or a calendar only what hangs on
//! that calendar goes; of people, groups, roles and the policy all does.

mod change;
mod known;

pub(crate) use change::Change;
pub(crate) use known::{Candidates, Decided, Known, Place, decided_bytes};

use crate::authorized::PrincipalKind;
use crate::limits::Limits;
use crate::recent::Recent;
use crate::record::{CalendarRecord, MountState, PrincipalRef, StoredCalendar, UserRecord};
use acl::{CalendarId, Grant, Grantee, Policy, PrincipalId, RoleException};
use known::{known_bytes, user_bytes};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the organisation says as a whole.
pub(crate) struct Organisation {
    pub(crate) policy: Policy,
    /// Between roles.
    pub(crate) exceptions: Vec<RoleException>,
}

/// Calendars of a home by name.
pub(crate) type HomeNames = Arc<BTreeMap<String, CalendarId>>;
/// What one viewer decided about mounts.
pub(crate) type MountStates = Arc<BTreeMap<CalendarId, MountState>>;

/// Names of the groups somebody is himself in, and of his role.
pub(crate) type Memberships = Arc<[(PrincipalKind, String)]>;

/// All that is kept.
pub(crate) struct Facts {
    /// Moves whenever all was dropped, and never back.
    generation: AtomicU64,
    /// Of [`Known`] calendars as they are loaded.
    loads: AtomicU64,
    /// Nothing is kept where nothing may be.
    keeps: bool,
    pub(crate) organisation: Mutex<Option<Arc<Organisation>>>,
    pub(crate) names: Mutex<Recent<String, Option<PrincipalRef>>>,
    pub(crate) users: Mutex<Recent<PrincipalId, Option<Arc<UserRecord>>>>,
    pub(crate) groups: Mutex<Recent<PrincipalId, Arc<BTreeSet<PrincipalId>>>>,
    pub(crate) places: Mutex<Recent<PrincipalId, Place>>,
    pub(crate) chains: Mutex<Recent<PrincipalId, Arc<Vec<PrincipalId>>>>,
    pub(crate) memberships: Mutex<Recent<PrincipalId, Memberships>>,
    pub(crate) calendars: Mutex<Recent<CalendarId, Arc<Known>>>,
    pub(crate) grants: Mutex<Recent<CalendarId, Arc<Vec<Grant>>>>,
    pub(crate) homes: Mutex<Recent<PrincipalId, HomeNames>>,
    pub(crate) granted: Mutex<Recent<Grantee, Arc<Vec<CalendarId>>>>,
    pub(crate) mounts: Mutex<Recent<PrincipalId, MountStates>>,
    pub(crate) candidates: Mutex<Recent<PrincipalId, Arc<Candidates>>>,
    pub(crate) decided: Mutex<Recent<(PrincipalId, CalendarId), Arc<Decided>>>,
}

impl Facts {
    /// None yet.
    pub(crate) fn new(limits: &Limits) -> Self {
        let all = limits.facts_bytes_max;
        // Decisions are of pairs, and calendars have their grants with them.
        // Together they are a little less than all.
        let (most, some, few) = (all / 3, all / 6, all / 32);
        Self {
            generation: AtomicU64::new(1),
            loads: AtomicU64::new(0),
            keeps: all > 0,
            organisation: Mutex::default(),
            names: Mutex::new(Recent::new(few)),
            users: Mutex::new(Recent::new(few)),
            groups: Mutex::new(Recent::new(few)),
            places: Mutex::new(Recent::new(few)),
            chains: Mutex::new(Recent::new(few)),
            memberships: Mutex::new(Recent::new(few)),
            calendars: Mutex::new(Recent::new(some)),
            grants: Mutex::new(Recent::new(some)),
            homes: Mutex::new(Recent::new(few)),
            granted: Mutex::new(Recent::new(few)),
            mounts: Mutex::new(Recent::new(few)),
            candidates: Mutex::new(Recent::new(few)),
            decided: Mutex::new(Recent::new(most)),
        }
    }

    /// Which people, groups, roles and policy it is about: another after any of them changed.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Whether anything is kept.
    pub(crate) fn keeps(&self) -> bool {
        self.keeps
    }

    /// A number for a calendar as it is loaded; no two loads have the same.
    fn next_load(&self) -> u64 {
        self.loads.fetch_add(1, Ordering::Relaxed)
    }

    /// Follows a commit. Only where nobody reads.
    pub(crate) fn follow(&self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Everything => return self.clear(),
                Change::User(id, user) => self.users.lock().insert(id, Some(user.clone()), user_bytes(&user)),
                Change::Calendar(id) => {
                    self.calendars.lock().remove(&id);
                    self.grants.lock().remove(&id);
                }
                Change::CalendarMoved(id, record) => self.move_calendar(id, record),
                Change::Home(owner) => self.homes.lock().remove(&owner),
                Change::Granted(grantee) => self.granted.lock().remove(&grantee),
                Change::Mounts(viewer) => self.mounts.lock().remove(&viewer),
            }
        }
    }

    /// A calendar that is only further on than before: what was decided of it stands.
    fn move_calendar(&self, id: CalendarId, record: CalendarRecord) {
        let mut calendars = self.calendars.lock();
        if let Some(known) = calendars.get(&id) {
            let moved = Arc::new(Known { load: known.load, stored: StoredCalendar { id, record } });
            let bytes = known_bytes(&moved);
            calendars.insert(id, moved, bytes);
        }
    }

    /// Drops all. Only where nobody reads.
    pub(crate) fn clear(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        *self.organisation.lock() = None;
        self.tables(|table| table.clear());
    }

    /// Bytes of all that is kept.
    pub(crate) fn bytes(&self) -> usize {
        let mut bytes = 0;
        self.tables(|table| bytes += table.bytes());
        bytes
    }

    fn tables(&self, mut visit: impl FnMut(&mut dyn Table)) {
        visit(&mut *self.names.lock());
        visit(&mut *self.users.lock());
        visit(&mut *self.groups.lock());
        visit(&mut *self.places.lock());
        visit(&mut *self.chains.lock());
        visit(&mut *self.memberships.lock());
        visit(&mut *self.calendars.lock());
        visit(&mut *self.grants.lock());
        visit(&mut *self.homes.lock());
        visit(&mut *self.granted.lock());
        visit(&mut *self.mounts.lock());
        visit(&mut *self.candidates.lock());
        visit(&mut *self.decided.lock());
    }
}

/// Whatever a table holds.
trait Table {
    fn clear(&mut self);
    fn bytes(&self) -> usize;
}

impl<K: Eq + Hash, V: Clone> Table for Recent<K, V> {
    fn clear(&mut self) {
        self.clear();
    }
    fn bytes(&self) -> usize {
        self.bytes()
    }
}
