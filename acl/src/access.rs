//! `access`: the only place that answers who may see and do what, with its reasons.
//!
//! Each source of access (`grants`, `organisation`) gives a matrix; [`AccessMatrix::max`] combines them. Nothing else may
//! decide access: what is derived from a matrix (projection, privileges, writing) never looks at grants or policy again.

mod grants;
mod organisation;

use crate::level::{Grant, Level, Visibility};
use crate::policy::{CalendarPolicy, Mode, ModuleRole, Policy, RolePermission};
use crate::principal::{Grantee, PrincipalId};
use crate::privacy::EventPrivacy;
use crate::target::{PrivateItems, Target};
use chrono::{DateTime, Utc};
use ical::ComponentKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What is decided for one event privacy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cell {
    /// What is seen.
    pub visibility: Visibility,
    /// `DAV:write-content`
    pub edit: bool,
    /// `DAV:unbind`
    pub delete: bool,
}

/// What the viewer is to the calendar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Relation {
    /// Its owner.
    Owner,
    /// Somebody else.
    #[default]
    Other,
    /// What it is synchronized with. The cells of confidential and private components are about these alone; others are
    /// hidden.
    Target(PrivateItems),
}

/// What one viewer may see and do in one calendar. Sources combine by the point-wise maximum.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AccessMatrix {
    /// What the viewer is to the calendar.
    pub relation: Relation,
    /// In the order of [`EventPrivacy::ALL`].
    pub cells: [Cell; 4],
    /// May put new objects into the calendar.
    pub create: bool,
    /// LOCATION is shown at Title.
    pub with_places: bool,
}

impl AccessMatrix {
    /// Everything: the owner's.
    pub fn owner() -> Self {
        let cell = Cell { visibility: Visibility::Full, edit: true, delete: true };
        Self { relation: Relation::Owner, cells: [cell; 4], create: true, with_places: true }
    }
    /// The cell of one privacy.
    pub fn cell(&self, privacy: EventPrivacy) -> Cell {
        let [standard, public, confidential, private] = self.cells;
        match privacy {
            EventPrivacy::Standard => standard,
            EventPrivacy::Public => public,
            EventPrivacy::Confidential => confidential,
            EventPrivacy::Private => private,
        }
    }
    /// The cell of one privacy, of components of one kind.
    pub fn cell_of(&self, privacy: EventPrivacy, kind: ComponentKind) -> Cell {
        let is_private = matches!(privacy, EventPrivacy::Confidential | EventPrivacy::Private);
        match self.relation {
            Relation::Target(items) if is_private && !items.include(kind) => Cell::default(),
            Relation::Owner | Relation::Other | Relation::Target(_) => self.cell(privacy),
        }
    }
    /// Whether the calendar exists for the viewer at all.
    pub fn reaches(&self) -> bool {
        self.relation == Relation::Owner || self.create || self.cells.iter().any(|c| c.visibility > Visibility::Hidden)
    }
    /// What the viewer has on an object he created himself in another's calendar, while nobody else has written it since:
    /// every component Full and editable as long as he has any access at all; deleting stays as his level gives it, which
    /// is what it gives for Standard components.
    pub fn for_creator(&self) -> Self {
        let mut own = self.clone();
        if self.reaches() {
            let delete = self.cell(EventPrivacy::Standard).delete;
            for cell in &mut own.cells {
                *cell = Cell { visibility: Visibility::Full, edit: true, delete: cell.delete || delete };
            }
        }
        own
    }
    /// What the viewer has on a component that its owner invited him to: he sees it in full, without a right more, in a
    /// calendar that he reaches by another source.
    pub fn for_participant(&self) -> Self {
        let mut invited = self.clone();
        if self.reaches() {
            for cell in invited.cells.iter_mut().filter(|cell| cell.visibility < Visibility::Full) {
                *cell = Cell { visibility: Visibility::Full, edit: false, delete: false };
            }
        }
        invited
    }
    /// The point-wise maximum: how sources combine.
    #[must_use]
    pub fn max(&self, other: &Self) -> Self {
        let mut both = self.clone();
        for (cell, other) in both.cells.iter_mut().zip(other.cells) {
            cell.visibility = cell.visibility.max(other.visibility);
            cell.edit |= other.edit;
            cell.delete |= other.delete;
        }
        both.relation = match (self.relation, other.relation) {
            (Relation::Owner, _) | (_, Relation::Owner) => Relation::Owner,
            (Relation::Target(items), Relation::Target(others)) => Relation::Target(items.and(others)),
            (Relation::Target(items), Relation::Other) | (Relation::Other, Relation::Target(items)) => Relation::Target(items),
            (Relation::Other, Relation::Other) => Relation::Other,
        };
        both.create |= other.create;
        both.with_places |= other.with_places;
        both
    }
}

/// Who asks: ids only.
#[derive(Clone, Copy, Debug)]
pub struct ViewerFacts<'a> {
    /// The user.
    pub id: PrincipalId,
    /// All groups he belongs to, nested ones included.
    pub groups: &'a BTreeSet<PrincipalId>,
    /// His role.
    pub role: Option<PrincipalId>,
    /// His place in the calendar module; a target's is its user's.
    pub module: ModuleRole,
    /// It is no user but what somebody's calendars are synchronized with. That one has no groups and no role.
    pub target: Option<Target>,
}

impl<'a> ViewerFacts<'a> {
    /// Somebody of whom the organisation says nothing.
    pub fn employee(id: PrincipalId, groups: &'a BTreeSet<PrincipalId>) -> Self {
        Self { id, groups, role: None, module: ModuleRole::Employee, target: None }
    }
}

/// Whose calendar it is.
#[derive(Clone, Copy, Debug)]
pub struct OwnerFacts<'a> {
    /// The user.
    pub id: PrincipalId,
    /// Her groups, nested ones included; looked at where a cap depends on them.
    pub groups: &'a BTreeSet<PrincipalId>,
    /// Her role and, from it upwards, those it reports to.
    pub roles: &'a [PrincipalId],
}

/// What the organisation gives one role in the calendars of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleException {
    /// Whose calendars.
    pub owner_role: PrincipalId,
    /// For whom.
    pub viewer_role: PrincipalId,
    /// What.
    pub permission: RolePermission,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct CalendarFacts<'a> {
    /// The owner.
    pub owner: OwnerFacts<'a>,
    /// The calendar's policy.
    pub policy: &'a CalendarPolicy,
    /// All its grants.
    pub grants: &'a [Grant],
    /// Exceptions between roles, of the whole organisation.
    pub exceptions: &'a [RoleException],
    /// Until when the viewer, an administrator, opened this calendar with a reason. Exclusive.
    pub opened_until: Option<DateTime<Utc>>,
}

/// A decision with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// What holds.
    pub matrix: AccessMatrix,
    /// Until when it surely holds if nothing is changed: the earliest `until` looked at.
    pub valid_until: Option<DateTime<Utc>>,
    /// Why: every source that was looked at, in that order; at least one.
    pub sources: Vec<Source>,
}

impl Access {
    /// The sources by their kinds.
    pub fn reasons(&self) -> impl Iterator<Item = Reason> + '_ {
        self.sources.iter().map(|source| source.reason)
    }
    /// The sources without which less would be seen of events of one privacy; none where nothing is seen.
    pub fn deciding(&self, privacy: EventPrivacy) -> impl Iterator<Item = &Source> {
        let seen = self.matrix.cell(privacy).visibility;
        self.sources.iter().filter(move |source| seen > Visibility::Hidden && source.matrix.cell(privacy).visibility == seen)
    }
}

/// One source of a decision: what it gives, and what it would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Which, and whether it counted.
    pub reason: Reason,
    /// What it gives.
    pub matrix: AccessMatrix,
    /// What it would give but for what its reason says was taken from it: a cap, a pause, its end, a more specific grant.
    pub otherwise: AccessMatrix,
    /// Its exclusive end, whether to come or past.
    pub until: Option<DateTime<Utc>>,
}

impl Source {
    /// One from which nothing was taken.
    fn whole(reason: Reason, matrix: AccessMatrix, until: Option<DateTime<Utc>>) -> Self {
        Self { reason, otherwise: matrix.clone(), matrix, until }
    }
    /// One that gives nothing, for the reason told.
    fn nothing(reason: Reason, otherwise: AccessMatrix, until: Option<DateTime<Utc>>) -> Self {
        Self { reason, matrix: AccessMatrix::default(), otherwise, until }
    }
}

/// What a source is, and whether it counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The viewer is the owner.
    Owner,
    /// The calendar module does not exist for the viewer.
    ModuleDenied,
    /// This grant was of the most specific kind and counted.
    Granted(Grantee),
    /// The same, but for what a cap took from it.
    Capped(Grantee, Level),
    /// This grant was of the most specific kind and is at `none`.
    Paused(Grantee),
    /// This grant was of the most specific kind, is past its end and counts as `none`.
    Expired(Grantee),
    /// This grant was passed over: a more specific kind has one.
    LessSpecific(Grantee),
    /// The organisation's mode.
    Mode(Mode),
    /// The viewer's role stands above the owner's.
    Superior,
    /// The viewer's role has an exception in calendars of the owner's.
    RoleException(RolePermission),
    /// Administrators see everything.
    Administrator,
    /// The viewer, an administrator, opened this calendar with a reason.
    Opened,
    /// It is what the owner's calendars are synchronized with.
    Synchronized(PrivateItems),
    /// Nothing applies.
    NoSource,
}

/// Decides: what the most specific kind of grant gives, what the organisation gives and what administration gives, at their
/// point-wise maximum.
pub fn access(viewer: &ViewerFacts<'_>, calendar: &CalendarFacts<'_>, policy: &Policy, now: DateTime<Utc>) -> Access {
    let alone = |reason, matrix: AccessMatrix| Access {
        matrix: matrix.clone(),
        valid_until: None,
        sources: vec![Source::whole(reason, matrix, None)],
    };
    if viewer.module == ModuleRole::Denied {
        return alone(Reason::ModuleDenied, AccessMatrix::default());
    }
    if viewer.id == calendar.owner.id {
        return alone(Reason::Owner, AccessMatrix::owner());
    }
    if let Some(target) = viewer.target {
        return match target.user == calendar.owner.id {
            true => alone(Reason::Synchronized(target.private_items), grants::of_target(viewer.id, target, calendar, policy)),
            false => alone(Reason::NoSource, AccessMatrix::default()),
        };
    }
    let mut sources = grants::sources(viewer, calendar, policy, now);
    sources.extend(organisation::sources(viewer, calendar, policy, now));
    let mut access = Access { matrix: AccessMatrix::default(), valid_until: None, sources };
    for source in &access.sources {
        access.matrix = access.matrix.max(&source.matrix);
        // The end of a grant that a more specific one passes over changes nothing.
        let counts = !matches!(source.reason, Reason::LessSpecific(_));
        let end = source.until.filter(|until| counts && *until > now);
        access.valid_until = access.valid_until.into_iter().chain(end).min();
    }
    if access.sources.is_empty() {
        return alone(Reason::NoSource, AccessMatrix::default());
    }
    // Where nothing is shown at Title the choice changes no byte, and equal views shall have equal profiles.
    access.matrix.with_places &= access.matrix.cells.iter().any(|cell| cell.visibility == Visibility::Title);
    access
}

/// Whether the organisation opens every calendar of others to the viewer, whoever owns it and whatever she says of it: then none
/// has to be looked at to know which exist for him.
pub fn reaches_all(viewer: &ViewerFacts<'_>, policy: &Policy) -> bool {
    // Of nobody's calendar nothing is known that would open it, and whatever is known of another opens only more.
    let (nobody, groups) = (PrincipalId([0; 16]), BTreeSet::new());
    let owner = OwnerFacts { id: nobody, groups: &groups, roles: &[] };
    let calendar = CalendarFacts { owner, policy: &CalendarPolicy::default(), grants: &[], exceptions: &[], opened_until: None };
    access(viewer, &calendar, policy, DateTime::UNIX_EPOCH).matrix.reaches()
}

#[cfg(test)]
mod tests;
