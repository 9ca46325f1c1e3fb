//! THE ONE DOOR: what a viewer can get and do. Reads leave projected; each write is decided by `acl` and is one commit.
//!
//! Names given and taken here are names as this viewer sees them.

pub mod acl_method;
pub mod available;
mod basis;
pub mod calendar;
mod copy_move;
mod free_busy;
mod history;
pub mod home;
pub mod identity;
pub mod linked;
pub mod links;
mod look;
mod mount;
mod organisation;
pub mod plain;
mod plain_tree;
pub mod principal;
pub mod property;
mod put;
mod row;
mod sharing;
mod shown;
mod space;
pub mod sync;
#[cfg(test)]
mod tests;

pub use crate::view::Rows;
pub use acl_method::{AceSubject, ShownAce};
pub use available::{Available, AvailablePage, Decision, Sees, Standing};
pub(crate) use basis::Basis;
pub use calendar::{Calendar, Put};
pub use home::{Home, Resource};
pub use identity::Identified;
pub use linked::{LinkDoor, Linked, LinkedStore};
pub use links::{LinkEntry, MadeLink, NewLink};
pub(crate) use mount::is_mount_name;
use mount::is_personal;
pub use plain::{Plain, PlainKind};
pub use principal::{PrincipalKind, VisiblePrincipal};
pub use property::{ObjectTimes, PropertyKey, PropertyUpdate};
pub use row::Row;
pub(crate) use row::StoredRow;
pub use space::Space;
pub use sync::Changes;

use crate::break_glass;
use crate::client::ClientName;
use crate::error::{Error, Result};
use crate::facts::{Decided, Known, Organisation, Place, decided_bytes};
use crate::history::{Stamp, Writer};
use crate::journal::{Actor, Attempt, Author, Notes, Seen};
use crate::pace::Pace;
use crate::read::Transaction;
use crate::record::{StoredCalendar, UserRecord};
use crate::roles;
use crate::store::Snapshot;
use crate::synchronization;
use crate::usage::{self, Given};
use acl::access::{Relation, access};
use acl::policy::{AdminContent, Mode, ModuleRole};
use acl::target::Target;
use acl::{Access, AccessMatrix, CalendarFacts, OwnerFacts, Policy, PrincipalId, Privilege, ViewProfile, ViewerFacts};
use chrono::{DateTime, Utc};
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The name under which every collection takes new members whose names are the server's to choose (RFC 5995): nothing that is
/// stored can bear it.
pub const ADD_MEMBER: &str = ";add-member";

/// One viewer's view of one snapshot.
pub struct AuthorizedStore<'a> {
    snapshot: &'a Snapshot<'a>,
    viewer: PrincipalId,
    /// For history and journal only.
    client: &'a ClientName,
    /// Nested ones included; found once.
    groups: OnceCell<Arc<BTreeSet<PrincipalId>>>,
    organisation: OnceCell<Arc<Organisation>>,
    /// What the owners of calendars can read about this call.
    notes: Notes,
    /// His role and his place in the calendar module; found once.
    position: OnceCell<Place>,
    personal: Personal,
    /// Of the facts when it was made: what it has looked up is of that one.
    generation: u64,
    /// The user with whose calendars the viewer, who then is none, is synchronized.
    target_of: Option<PrincipalId>,
    /// By owner, what calendars are told apart by that are shown without their names: found once for all of them.
    plain: RefCell<BTreeMap<PrincipalId, Arc<Vec<String>>>>,
    /// From object to object.
    pace: Pace,
}

/// Whether objects come with what the viewer himself added to them: his alarms, his snoozes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Personal {
    /// They do, as he gets them.
    Shown,
    /// They come without, for somebody else to look at.
    Withheld,
}

impl<'a> AuthorizedStore<'a> {
    /// Of one viewer.
    pub(crate) fn new(snapshot: &'a Snapshot<'a>, viewer: PrincipalId, client: &'a ClientName) -> Self {
        Self {
            snapshot,
            viewer,
            client,
            groups: OnceCell::new(),
            organisation: OnceCell::new(),
            position: OnceCell::new(),
            notes: Notes::default(),
            personal: Personal::Shown,
            generation: snapshot.facts().generation(),
            target_of: None,
            plain: RefCell::default(),
            pace: Pace::default(),
        }
    }
    /// Of what a user's calendars are synchronized with.
    pub(crate) fn of_target(snapshot: &'a Snapshot<'a>, user: PrincipalId, client: &'a ClientName) -> Self {
        Self { target_of: Some(user), ..Self::new(snapshot, acl::target::viewer_of(snapshot.key(), user), client) }
    }
    /// The same, with or without what is the viewer's own.
    pub(crate) fn showing(self, personal: Personal) -> Self {
        Self { personal, ..self }
    }
    /// What the journal is to count of this call.
    pub(crate) fn into_notes(self) -> Notes {
        self.notes
    }
    /// Who changes something through this door.
    fn author(&self) -> Author {
        Author { actor: Actor::User(self.viewer), client: self.client.clone(), at: self.now() }
    }
    /// Notes that something of a calendar leaves, unless to its owner.
    fn note_read(&self, calendar: &Calendar, seen: Seen) {
        if !calendar.own() {
            self.notes.read(calendar.id(), seen);
        }
    }
    /// Notes a refusal that leaves no trace elsewhere.
    fn note_refusal(&self, calendar: &Calendar, attempt: Attempt, privilege: Privilege) {
        self.notes.refused(calendar.id(), attempt, privilege.into(), None);
    }
    /// The moment of the snapshot.
    pub fn now(&self) -> DateTime<Utc> {
        self.snapshot.now()
    }
    /// The program before the door, as it calls itself.
    pub fn client(&self) -> &ClientName {
        self.client
    }
    /// The store's bounds.
    pub fn limits(&self) -> &crate::Limits {
        self.snapshot.limits()
    }
    /// Who writes, when, with which program: for the histories of what is written.
    fn stamp(&self) -> Result<Stamp> {
        let by = Writer::User { id: self.viewer, name: self.viewer_record()?.name.clone() };
        Ok(Stamp { at: self.now(), by, client: self.client.clone() })
    }

    fn groups(&self) -> Result<&BTreeSet<PrincipalId>> {
        match self.groups.get() {
            Some(groups) => Ok(groups),
            None => {
                let groups = self.snapshot.groups(self.viewer)?;
                Ok(self.groups.get_or_init(|| groups))
            }
        }
    }

    fn organisation_rules(&self) -> Result<&Organisation> {
        match self.organisation.get() {
            Some(organisation) => Ok(organisation),
            None => {
                let organisation = self.snapshot.organisation()?;
                Ok(self.organisation.get_or_init(|| organisation))
            }
        }
    }

    fn policy(&self) -> Result<&Policy> {
        Ok(&self.organisation_rules()?.policy)
    }

    /// The viewer's record.
    fn viewer_record(&self) -> Result<Arc<UserRecord>> {
        self.snapshot.user(self.viewer)?.ok_or(Error::NotFound)
    }

    fn owner_record(&self, calendar: &StoredCalendar) -> Result<Arc<UserRecord>> {
        self.snapshot.user(calendar.record.owner)?.ok_or(Error::Corrupted("a calendar without its owner"))
    }

    fn position(&self) -> Result<Place> {
        if let Some(position) = self.position.get() {
            return Ok(*position);
        }
        let position = match self.target_of {
            // Whom the module is denied has nothing synchronized.
            Some(user) => Place { role: roles::role_of(self.snapshot, self.viewer)?, module: self.snapshot.place(user)?.module },
            None => self.snapshot.place(self.viewer)?,
        };
        Ok(*self.position.get_or_init(|| position))
    }

    /// Whether the calendar module does not exist for the viewer.
    fn is_denied(&self) -> Result<bool> {
        Ok(self.position()?.module == ModuleRole::Denied)
    }

    /// What the viewer may see and do in a calendar, by the only function that says.
    fn access(&self, calendar: &StoredCalendar) -> Result<Access> {
        self.with_facts(calendar, |viewer, facts, policy| access(viewer, facts, policy, self.now()))
    }

    /// Whether nothing was written since this view was made. Whoever has written goes by what he looked up before: that is for
    /// nobody else, and for nothing later.
    fn is_unwritten(&self) -> bool {
        self.generation == self.snapshot.facts().generation()
    }

    /// The same of a calendar as it stands, with the profile it is shown with.
    fn decided(&self, calendar: &Known) -> Result<Arc<Decided>> {
        let (pair, table) = ((self.viewer, calendar.stored.id), &self.snapshot.facts().decided);
        let is_kept = self.target_of.is_none() && self.is_unwritten();
        if is_kept
            && let Some(decided) = table.lock().get(&pair)
            && decided.holds(calendar.load, self.now())
        {
            return Ok(decided);
        }
        let access = self.access(&calendar.stored)?;
        let personal = access.reasons().any(is_personal);
        let profile = match access.matrix.reaches() {
            true => Some(Arc::new(self.profile(&calendar.stored, access.matrix)?)),
            false => None,
        };
        let decided = Arc::new(Decided { load: calendar.load, from: self.now(), until: access.valid_until, personal, profile });
        if is_kept {
            table.lock().insert(pair, decided.clone(), decided_bytes(&decided));
        }
        Ok(decided)
    }

    /// Runs `decide` on all that a decision depends on.
    fn with_facts<T>(
        &self,
        calendar: &StoredCalendar,
        decide: impl FnOnce(&ViewerFacts<'_>, &CalendarFacts<'_>, &Policy) -> T,
    ) -> Result<T> {
        let Organisation { policy, exceptions } = self.organisation_rules()?;
        let position = self.position()?;
        let owner = calendar.record.owner;
        let target = match self.target_of {
            Some(user) => Some(Target { user, private_items: synchronization::of(self.snapshot, user)?.private_items() }),
            None => None,
        };
        let viewer = ViewerFacts { id: self.viewer, groups: self.groups()?, role: position.role, module: position.module, target };
        let grants = self.snapshot.grants(calendar.id)?;
        // Only what the policy looks at is read.
        let owner_groups = if policy.caps.outside_group.is_some() { self.snapshot.groups(owner)? } else { Arc::default() };
        let (owner_roles, exceptions) = match policy.mode {
            Mode::Off => (Arc::default(), [].as_slice()),
            _ => (self.snapshot.chain(owner)?, exceptions.as_slice()),
        };
        let opened_until = match (position.module, policy.admin_content) {
            (ModuleRole::Admin, AdminContent::BreakGlass) => break_glass::opened_until(self.snapshot, calendar.id, self.viewer)?,
            _ => None,
        };
        let facts = CalendarFacts {
            owner: OwnerFacts { id: owner, groups: &owner_groups, roles: &owner_roles },
            policy: &calendar.record.policy,
            grants: &grants,
            exceptions,
            opened_until,
        };
        Ok(decide(&viewer, &facts, policy))
    }

    /// The addresses by which the viewer takes part in events of others; none where taking part opens nothing.
    fn participant_addresses(&self, matrix: &AccessMatrix) -> Result<Vec<String>> {
        if matrix.relation != Relation::Other || !self.policy()?.participants_see_full {
            return Ok(Vec::new());
        }
        Ok(self.viewer_record()?.addresses.clone())
    }

    fn profile(&self, calendar: &StoredCalendar, matrix: AccessMatrix) -> Result<ViewProfile> {
        Ok(ViewProfile {
            viewer: self.viewer,
            calendar: calendar.id,
            words: self.policy()?.words.clone(),
            owner_addresses: self.owner_record(calendar)?.addresses.clone(),
            participant_addresses: self.participant_addresses(&matrix)?,
            matrix,
            key: self.snapshot.key().clone(),
        })
    }
}

/// The same with writing.
pub struct AuthorizedWriter<'a> {
    store: AuthorizedStore<'a>,
}

impl<'a> AuthorizedWriter<'a> {
    /// Over a view of a snapshot nobody else writes to.
    pub(crate) fn new(store: AuthorizedStore<'a>) -> Self {
        Self { store }
    }
    /// As [`AuthorizedStore::into_notes`].
    pub(crate) fn into_notes(self) -> Notes {
        self.store.into_notes()
    }
}

impl AuthorizedWriter<'_> {
    /// Commits a write that may take the viewer more space, if he has it.
    fn commit_charged(&self, mut transaction: Transaction<'_>, given: Given) -> Result<()> {
        usage::charge(self.snapshot, &mut transaction, self.viewer, given, self.limits())?;
        self.snapshot.commit(transaction)
    }
}

impl<'a> std::ops::Deref for AuthorizedWriter<'a> {
    type Target = AuthorizedStore<'a>;
    fn deref(&self) -> &Self::Target {
        &self.store
    }
}

fn denied<T>(privilege: Privilege) -> Result<T> {
    Err(Error::Denied { privilege })
}
