//! Looking facts up: what is kept, else what is stored, which is kept then. A snapshot's own view of them.

use super::{HomeNames, Memberships, MountStates, Organisation};
use crate::authorized::PrincipalKind;
use crate::error::{Error, Result};
use crate::keys;
use crate::read::records;
use crate::recent::Recent;
use crate::record::{MountState, PrincipalRef, StoredCalendar, UserRecord};
use crate::store::Snapshot;
use crate::{calendars, grants, principals, roles};
use acl::policy::ModuleRole;
use acl::{CalendarId, Grant, Grantee, PrincipalId, ViewProfile};
use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::Arc;

/// A calendar as it stands.
pub(crate) struct Known {
    /// Which load this is of: what was decided of another is not to be used.
    pub(crate) load: u64,
    pub(crate) stored: StoredCalendar,
}

/// A user's place in the organisation.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) role: Option<PrincipalId>,
    pub(crate) module: ModuleRole,
}

/// What may be mounted in a viewer's home, and of which lists that was made.
pub(crate) struct Candidates {
    lists: Vec<Arc<Vec<CalendarId>>>,
    decided: MountStates,
    pub(crate) ids: BTreeSet<CalendarId>,
    /// By their names as mounts.
    pub(crate) by_name: HashMap<String, CalendarId>,
}

/// What was decided of a viewer and a calendar, and when it may end by itself.
pub(crate) struct Decided {
    /// Of [`Known::load`].
    pub(crate) load: u64,
    pub(crate) from: DateTime<Utc>,
    /// Exclusive.
    pub(crate) until: Option<DateTime<Utc>>,
    /// Whether a grant to the viewer or a group of his is among its reasons.
    pub(crate) personal: bool,
    /// Where the calendar exists for the viewer.
    pub(crate) profile: Option<Arc<ViewProfile>>,
}

impl Decided {
    /// Whether it holds of this load of the calendar at this moment. A clock that was set back is before it.
    pub(crate) fn holds(&self, load: u64, now: DateTime<Utc>) -> bool {
        self.load == load && self.from <= now && self.until.is_none_or(|until| now < until)
    }
}

/// What a table has under a key, else what is loaded, of so many bytes, which it has from then on. No lock is held meanwhile: whoever
/// loads beside loads the same.
fn kept<K: Eq + Hash, V: Clone>(
    table: &Mutex<Recent<K, V>>,
    key: K,
    load: impl FnOnce() -> Result<V>,
    bytes: impl FnOnce(&V) -> usize,
) -> Result<V> {
    let found = table.lock().get(&key);
    if let Some(found) = found {
        return Ok(found);
    }
    let loaded = load()?;
    table.lock().insert(key, loaded.clone(), bytes(&loaded));
    Ok(loaded)
}

impl Snapshot<'_> {
    /// What the organisation says.
    pub(crate) fn organisation(&self) -> Result<Arc<Organisation>> {
        if let Some(organisation) = self.facts().organisation.lock().as_ref() {
            return Ok(organisation.clone());
        }
        let organisation = Arc::new(Organisation { policy: roles::policy(self)?, exceptions: roles::exceptions(self)? });
        *self.facts().organisation.lock() = Some(organisation.clone()).filter(|_| self.facts().keeps());
        Ok(organisation)
    }

    /// What a name stands for.
    pub(crate) fn named(&self, name: &str) -> Result<Option<PrincipalRef>> {
        if let Some(found) = self.facts().names.lock().get(name) {
            return Ok(found);
        }
        let found = principals::named(self, name)?;
        self.facts().names.lock().insert(name.to_owned(), found, name.len() + size_of::<Option<PrincipalRef>>());
        Ok(found)
    }

    /// A user by id.
    pub(crate) fn user(&self, id: PrincipalId) -> Result<Option<Arc<UserRecord>>> {
        let load = || Ok(principals::user(self, id)?.map(Arc::new));
        kept(&self.facts().users, id, load, |found| found.as_deref().map_or(0, user_bytes))
    }

    /// A user by name.
    pub(crate) fn user_named(&self, name: &str) -> Result<Option<(PrincipalId, Arc<UserRecord>)>> {
        match self.named(name)? {
            Some(PrincipalRef::User(id)) => Ok(Some((id, self.user(id)?.ok_or(Error::Corrupted("a name without its user"))?))),
            _ => Ok(None),
        }
    }

    /// All groups a principal is in, nested ones included.
    pub(crate) fn groups(&self, id: PrincipalId) -> Result<Arc<BTreeSet<PrincipalId>>> {
        kept(&self.facts().groups, id, || principals::groups(self, id).map(Arc::new), |groups| groups.len() * IN_SET_BYTES)
    }

    /// A user's place in the organisation.
    pub(crate) fn place(&self, id: PrincipalId) -> Result<Place> {
        let load = || Ok(Place { role: roles::role_of(self, id)?, module: roles::module_role(self, id, &*self.groups(id)?)? });
        kept(&self.facts().places, id, load, |_| size_of::<Place>())
    }

    /// A user's role and, from it upwards, those it reports to.
    pub(crate) fn chain(&self, id: PrincipalId) -> Result<Arc<Vec<PrincipalId>>> {
        kept(&self.facts().chains, id, || roles::chain_of(self, id).map(Arc::new), |chain| size_of_val(chain.as_slice()))
    }

    /// What somebody is a member of, as it is loaded.
    pub(crate) fn memberships(&self, id: PrincipalId, load: impl FnOnce() -> Result<Memberships>) -> Result<Memberships> {
        let bytes = |all: &Memberships| all.iter().map(|(_, name)| name.capacity() + size_of::<(PrincipalKind, String)>()).sum();
        kept(&self.facts().memberships, id, load, bytes)
    }

    /// A calendar by id.
    pub(crate) fn calendar(&self, id: CalendarId) -> Result<Option<Arc<Known>>> {
        if let Some(known) = self.facts().calendars.lock().get(&id) {
            return Ok(Some(known));
        }
        let Some(stored) = calendars::by_id(self, id)? else { return Ok(None) };
        let known = Arc::new(Known { load: self.facts().next_load(), stored });
        // Whoever loaded it meanwhile loaded the same, and what he decided may be kept already.
        let mut calendars = self.facts().calendars.lock();
        if let Some(known) = calendars.get(&id) {
            return Ok(Some(known));
        }
        calendars.insert(id, known.clone(), known_bytes(&known));
        Ok(Some(known))
    }

    /// All grants of a calendar, each grantee once.
    pub(crate) fn grants(&self, id: CalendarId) -> Result<Arc<Vec<Grant>>> {
        kept(&self.facts().grants, id, || grants::of_calendar(self, id).map(Arc::new), |grants| size_of_val(grants.as_slice()))
    }

    /// One owner's calendars by name.
    pub(crate) fn home_names(&self, owner: PrincipalId) -> Result<HomeNames> {
        let load = || {
            let mut names = BTreeMap::new();
            for (key, id) in records::<CalendarId>(self, &keys::table_of(keys::HOME_CALENDARS, &owner.0))? {
                names.insert(keys::name_after(&key, 1).ok_or(Error::Corrupted("the key of a home's calendar"))?.to_owned(), id);
            }
            Ok(Arc::new(names))
        };
        kept(&self.facts().homes, owner, load, |names| names.keys().map(|name| name.len() + IN_MAP_BYTES).sum())
    }

    /// A calendar by its owner's name for it.
    pub(crate) fn calendar_named(&self, owner: PrincipalId, name: &str) -> Result<Option<Arc<Known>>> {
        let Some(id) = self.home_names(owner)?.get(name).copied() else { return Ok(None) };
        self.calendar(id)?.map_or(Err(MISSING), |known| Ok(Some(known)))
    }

    /// One owner's calendars in the order of their names.
    pub(crate) fn calendars_of(&self, owner: PrincipalId) -> Result<Vec<Arc<Known>>> {
        self.home_names(owner)?.values().map(|id| self.calendar(*id)?.ok_or(MISSING)).collect()
    }

    /// The calendars that have a grant to exactly this grantee.
    pub(crate) fn granted_to(&self, grantee: Grantee) -> Result<Arc<Vec<CalendarId>>> {
        let load = || grants::calendars_granted_to(self, grantee).map(Arc::new);
        kept(&self.facts().granted, grantee, load, |granted| size_of_val(granted.as_slice()))
    }

    /// What a viewer decided about mounts.
    pub(crate) fn mounts_of(&self, viewer: PrincipalId) -> Result<MountStates> {
        let load = || {
            let mut mounts = BTreeMap::new();
            for (key, state) in records::<MountState>(self, &keys::table_of(keys::MOUNTS, &viewer.0))? {
                mounts.insert(CalendarId(keys::last_id(&key).ok_or(Error::Corrupted("a mount's key"))?), state);
            }
            Ok(Arc::new(mounts))
        };
        kept(&self.facts().mounts, viewer, load, |mounts| mounts.len() * IN_SET_BYTES)
    }

    /// Calendars that may be mounted in a viewer's home, who is in these groups.
    pub(crate) fn candidates(&self, viewer: PrincipalId, groups: &BTreeSet<PrincipalId>) -> Result<Arc<Candidates>> {
        let decided = self.mounts_of(viewer)?;
        let grantees = [Grantee::User(viewer)].into_iter().chain(groups.iter().map(|group| Grantee::Group(*group)));
        let lists = grantees.map(|grantee| self.granted_to(grantee)).collect::<Result<Vec<_>>>()?;
        if let Some(kept) = self.facts().candidates.lock().get(&viewer)
            && kept.is_made_of(&lists, &decided)
        {
            return Ok(kept);
        }
        self.not_at_hand()?;
        let ids: BTreeSet<CalendarId> = lists.iter().flat_map(|list| list.iter().copied()).chain(decided.keys().copied()).collect();
        let by_name = ids.iter().map(|id| (self.key().mount_name(viewer, *id), *id)).collect();
        let candidates = Arc::new(Candidates { lists, decided, ids, by_name });
        let bytes = candidates.ids.len() * (IN_SET_BYTES + IN_MAP_BYTES)
            + candidates.lists.iter().map(|list| size_of_val(list.as_slice())).sum::<usize>();
        self.facts().candidates.lock().insert(viewer, candidates.clone(), bytes);
        Ok(candidates)
    }
}

impl Candidates {
    /// Whether they are of these lists, which are others as soon as anything in them changed.
    fn is_made_of(&self, lists: &[Arc<Vec<CalendarId>>], decided: &MountStates) -> bool {
        Arc::ptr_eq(&self.decided, decided)
            && self.lists.len() == lists.len()
            && self.lists.iter().zip(lists).all(|(of, list)| Arc::ptr_eq(of, list))
    }
}

const MISSING: Error = Error::Corrupted("a home names a calendar that is not there");

/// About what an id takes up in a set, with what stands beside it.
const IN_SET_BYTES: usize = 40;
/// About what a short name takes up as a key, with its place.
const IN_MAP_BYTES: usize = 96;

/// About what a user's record takes up.
pub(super) fn user_bytes(user: &UserRecord) -> usize {
    let texts = [Some(&user.name), user.display_name.as_ref(), user.password_hash.as_ref()];
    size_of::<UserRecord>()
        + texts.into_iter().flatten().chain(&user.addresses).map(|text| text.capacity() + size_of::<String>()).sum::<usize>()
}

/// About what a calendar takes up.
pub(super) fn known_bytes(known: &Known) -> usize {
    size_of::<Known>() + known.stored.record.name.capacity() + known.stored.record.components.capacity()
}

/// About what a decision takes up.
pub(crate) fn decided_bytes(decided: &Decided) -> usize {
    let of_profile = |profile: &ViewProfile| {
        let addresses = profile.owner_addresses.iter().chain(&profile.participant_addresses);
        let words = profile.words.busy.capacity() + profile.words.private.capacity();
        size_of::<ViewProfile>() + words + addresses.map(|address| address.capacity() + size_of::<String>()).sum::<usize>()
    };
    size_of::<Decided>() + decided.profile.as_deref().map_or(0, of_profile)
}
