//! `access`: the only place that answers who may see and do what, with its reasons.
//!
//! Each source of access (ownership and grants today) gives a matrix; [`AccessMatrix::max`] combines them. Nothing else may
//! decide access: what is derived from a matrix (projection, privileges, writing) never looks at grants or policy again.

use crate::level::{Grant, GrantPrivateEvents, Visibility};
use crate::policy::{CalendarPolicy, Policy, PrivateEvents};
use crate::principal::{Grantee, PrincipalId};
use crate::privacy::EventPrivacy;
use chrono::{DateTime, Utc};
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

/// Whether the viewer owns the calendar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Relation {
    /// She does.
    Owner,
    /// He does not.
    #[default]
    Other,
}

/// What one viewer may see and do in one calendar. Sources combine by the point-wise maximum.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AccessMatrix {
    /// Owner or not.
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
    /// The point-wise maximum: how sources combine.
    #[must_use]
    pub fn max(&self, other: &Self) -> Self {
        let mut both = self.clone();
        for (cell, other) in both.cells.iter_mut().zip(other.cells) {
            cell.visibility = cell.visibility.max(other.visibility);
            cell.edit |= other.edit;
            cell.delete |= other.delete;
        }
        if other.relation == Relation::Owner {
            both.relation = Relation::Owner;
        }
        both.create |= other.create;
        both.with_places |= other.with_places;
        both
    }
}

/// Who asks: ids only.
#[derive(Clone, Debug)]
pub struct ViewerFacts<'a> {
    /// The user.
    pub id: PrincipalId,
    /// All groups he belongs to, nested ones included.
    pub groups: &'a BTreeSet<PrincipalId>,
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct CalendarFacts<'a> {
    /// The owner.
    pub owner: PrincipalId,
    /// The calendar's policy.
    pub policy: &'a CalendarPolicy,
    /// All its grants.
    pub grants: &'a [Grant],
}

/// A decision with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// What holds.
    pub matrix: AccessMatrix,
    /// Until when it surely holds if nothing is changed: the earliest `until` looked at.
    pub valid_until: Option<DateTime<Utc>>,
    /// Why, in the order looked at.
    pub reasons: Vec<Reason>,
}

/// One step of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The viewer is the owner.
    Owner,
    /// This grant was of the most specific kind and counted.
    Granted(Grantee),
    /// This grant was of the most specific kind and is at `none`.
    Paused(Grantee),
    /// This grant was of the most specific kind, is past its end and counts as `none`.
    Expired(Grantee),
    /// This grant was passed over: a more specific kind has one.
    LessSpecific(Grantee),
    /// Nothing applies.
    NoSource,
}

/// Decides. The most specific kind of grantee (user, group, everyone) that has a grant decides, by the maximum of its grants;
/// an expired or paused grant counts as `none` and still decides for its kind.
pub fn access(viewer: &ViewerFacts<'_>, calendar: &CalendarFacts<'_>, policy: &Policy, now: DateTime<Utc>) -> Access {
    if viewer.id == calendar.owner {
        return Access { matrix: AccessMatrix::owner(), valid_until: None, reasons: vec![Reason::Owner] };
    }
    // Organisation modes, role hierarchy and administrators are further sources: each gives an `Access` like this one, and
    // the maximum of their matrices and the earliest of their ends hold.
    let mut access = from_grants(viewer, calendar, policy, now);
    if access.reasons.is_empty() {
        access.reasons.push(Reason::NoSource);
    }
    access
}

/// How specific a kind of grantee is; the highest that has a grant decides. `None`: the grant is not for this viewer.
fn specificity(grantee: Grantee, viewer: &ViewerFacts<'_>) -> Option<u8> {
    match grantee {
        Grantee::User(id) => (id == viewer.id).then_some(2),
        Grantee::Group(id) => viewer.groups.contains(&id).then_some(1),
        Grantee::Everyone => Some(0),
    }
}

/// The source `grant`. Cap levels of a kind of grantee apply to the maximum formed here.
fn from_grants(viewer: &ViewerFacts<'_>, calendar: &CalendarFacts<'_>, policy: &Policy, now: DateTime<Utc>) -> Access {
    let private_events = calendar.policy.private_events_under(policy);
    let public = calendar.policy.public_means(policy);
    let decisive = calendar.grants.iter().filter_map(|grant| specificity(grant.grantee, viewer)).max();
    let mut access = Access { matrix: AccessMatrix::default(), valid_until: None, reasons: Vec::new() };
    for grant in calendar.grants {
        let Some(kind) = specificity(grant.grantee, viewer) else { continue };
        if Some(kind) != decisive {
            access.reasons.push(Reason::LessSpecific(grant.grantee));
            continue;
        }
        if grant.is_expired(now) {
            access.reasons.push(Reason::Expired(grant.grantee));
            continue;
        }
        access.valid_until = access.valid_until.into_iter().chain(grant.until).min();
        if grant.is_paused() {
            access.reasons.push(Reason::Paused(grant.grantee));
            continue;
        }
        access.matrix = access.matrix.max(&matrix_of_grant(grant, private_events, public));
        access.reasons.push(Reason::Granted(grant.grantee));
    }
    // Where nothing is shown at Title the choice changes no byte, and equal views shall have equal profiles.
    access.matrix.with_places &= access.matrix.cells.iter().any(|cell| cell.visibility == Visibility::Title);
    access
}

/// The matrix of one grant that is neither expired nor paused, under the policy that holds for the calendar.
/// `public`: what `CLASS:PUBLIC` means there.
fn matrix_of_grant(grant: &Grant, private_events: PrivateEvents, public: EventPrivacy) -> AccessMatrix {
    let full = grant.visibility == Visibility::Full;
    let standard = Cell { visibility: grant.visibility, edit: full && grant.rights.edit, delete: full && grant.rights.delete };
    let public = match grant.visibility {
        // Recorded while widening was on, and it no longer is: it ends with the policy, at once.
        _ if public != EventPrivacy::Public => standard,
        // A grant to put events in and see nothing makes no event visible, public ones neither.
        Visibility::Hidden => Cell::default(),
        Visibility::FreeBusy | Visibility::Title | Visibility::Full => Cell { visibility: Visibility::Full, ..standard },
    };
    let private = private_cell(grant, standard, private_events);
    AccessMatrix {
        relation: Relation::Other,
        // Confidential follows the policy of private events; a policy of its own would be read here.
        cells: [standard, public, private, private],
        create: grant.rights.create || grant.create_always,
        // A modifier of what this grant shows at Title, not of what another one does.
        with_places: grant.with_places && grant.visibility == Visibility::Title,
    }
}

/// The cell of confidential and private events: the grant's own word, else the policy.
fn private_cell(grant: &Grant, standard: Cell, policy: PrivateEvents) -> Cell {
    let policy = match grant.private_events {
        Some(GrantPrivateEvents::Show) => return standard,
        Some(GrantPrivateEvents::Busy) => PrivateEvents::Busy,
        Some(GrantPrivateEvents::Hidden) => PrivateEvents::Hidden,
        None => policy,
    };
    match policy {
        PrivateEvents::Busy => Cell { visibility: standard.visibility.min(Visibility::FreeBusy), edit: false, delete: false },
        PrivateEvents::Hidden => Cell::default(),
        PrivateEvents::Editors if standard.edit => standard,
        PrivateEvents::Editors => Cell::default(),
    }
}

#[cfg(test)]
mod tests;
