//! `access`: the only place that answers who may see and do what, with its reasons.

use crate::level::{Grant, Visibility};
use crate::policy::{CalendarPolicy, Policy};
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
    /// The same with every visibility at most `cap` and no rights: e.g. for free/busy.
    pub fn capped(&self, cap: Visibility) -> Self {
        let mut capped = self.clone();
        capped.relation = Relation::Other;
        capped.create = false;
        capped.with_places = false;
        for cell in &mut capped.cells {
            *cell = Cell { visibility: cell.visibility.min(cap), edit: false, delete: false };
        }
        capped
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The viewer is the owner.
    Owner,
    /// This grant was of the most specific kind and counted.
    Granted(Grantee),
    /// This grant was passed over: a more specific kind has one.
    LessSpecific(Grantee),
    /// This grant is past its end and counts as `none`.
    Expired(Grantee),
    /// Nothing applies.
    NoSource,
}

/// Decides. The most specific kind of grantee (user, group, everyone) that has a grant decides, by the maximum of its grants;
/// an expired grant counts as `none` and still decides for its kind.
pub fn access(viewer: &ViewerFacts<'_>, calendar: &CalendarFacts<'_>, policy: &Policy, now: DateTime<Utc>) -> Access {
    let _ = (viewer, calendar, policy, now);
    todo!()
}
