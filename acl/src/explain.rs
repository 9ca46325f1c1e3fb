//! `explain`: why somebody sees and may do what he does, for the owner and for administrators. Taken from the decision itself
//! ([`access`], the projection's own listing), never worked out beside it; decides nothing and puts nothing into words.

use crate::access::{Access, AccessMatrix, CalendarFacts, Reason, Source, ViewerFacts, access};
use crate::level::{Grant, Visibility};
use crate::policy::{Policy, PrivateEvents};
use crate::principal::Grantee;
use crate::privacy::EventPrivacy;
use crate::project::{ObjectRights, StoredObject, ViewProfile, placed, project};
use chrono::{DateTime, Utc};
use ical::RecurrenceId;

/// Changes to come that are looked ahead to.
const LATER_MAX: usize = 8;

/// Who chose something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chooser {
    /// The calendar's owner, for this calendar.
    Calendar,
    /// The organisation, for all of them.
    Organisation,
}

/// One source, with what is known of it besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedSource {
    /// What it is, what it gives, and what it would.
    pub source: Source,
    /// The grant, where it is one.
    pub grant: Option<Grant>,
    /// The privacies for which no other source shows more than this one, which shows something.
    pub decides: Vec<EventPrivacy>,
}

/// A change that comes by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Later {
    /// From this moment on.
    pub at: DateTime<Utc>,
    /// What holds then.
    pub matrix: AccessMatrix,
}

/// Why one viewer sees and may do what he does in one calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What holds.
    pub matrix: AccessMatrix,
    /// Every source that was looked at, in that order.
    pub sources: Vec<ExplainedSource>,
    /// How private events appear to people with a grant that has no word of its own, and who chose it.
    pub private_events: (PrivateEvents, Chooser),
    /// What `CLASS:PUBLIC` means here, and who chose it.
    pub public_means: (EventPrivacy, Chooser),
    /// What will change if nobody changes anything, in order; at most eight.
    pub later: Vec<Later>,
}

/// Explains the decision that [`access`] makes of the same facts.
pub fn explain(viewer: &ViewerFacts<'_>, calendar: &CalendarFacts<'_>, policy: &Policy, now: DateTime<Utc>) -> Explanation {
    let decided = access(viewer, calendar, policy, now);
    let public_means = calendar.policy.public_means(policy);
    let sources = decided.sources.iter().map(|source| ExplainedSource {
        source: source.clone(),
        grant: grantee_of(source.reason).and_then(|grantee| calendar.grants.iter().find(|grant| grant.grantee == grantee)).cloned(),
        decides: decides(&decided, source),
    });
    let chooser = |own: bool| if own { Chooser::Calendar } else { Chooser::Organisation };
    Explanation {
        sources: sources.collect(),
        private_events: (calendar.policy.private_events_under(policy), chooser(calendar.policy.private_events.is_some())),
        public_means: (public_means, chooser(calendar.policy.widen_public.is_some())),
        later: later(&decided, |at| access(viewer, calendar, policy, at)),
        matrix: decided.matrix,
    }
}

fn grantee_of(reason: Reason) -> Option<Grantee> {
    match reason {
        Reason::Granted(grantee)
        | Reason::Capped(grantee, _)
        | Reason::Paused(grantee)
        | Reason::Expired(grantee)
        | Reason::LessSpecific(grantee) => Some(grantee),
        Reason::Owner
        | Reason::ModuleDenied
        | Reason::Mode(_)
        | Reason::Superior
        | Reason::RoleException(_)
        | Reason::Administrator
        | Reason::Opened
        | Reason::Synchronized(_)
        | Reason::NoSource => None,
    }
}

fn decides(access: &Access, source: &Source) -> Vec<EventPrivacy> {
    EventPrivacy::ALL.into_iter().filter(|privacy| access.deciding(*privacy).any(|deciding| deciding == source)).collect()
}

/// Each end that is looked at may let another one come up, as when a person's own share ends and his group's remains.
fn later(decided: &Access, access_at: impl Fn(DateTime<Utc>) -> Access) -> Vec<Later> {
    let mut changes = Vec::new();
    let (mut next, mut before) = (decided.valid_until, decided.matrix.clone());
    while let Some(at) = next.filter(|_| changes.len() < LATER_MAX) {
        let then = access_at(at);
        next = then.valid_until.filter(|end| *end > at);
        if then.matrix != before {
            before = then.matrix.clone();
            changes.push(Later { at, matrix: then.matrix });
        }
    }
    changes
}

/// Why one component is shown as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// That is what his access shows of events of its privacy.
    Access,
    /// It is his more than other events are: he put it there himself, and nobody else has written it since, or he was invited.
    Personal,
    /// Cancelled, declined by the owner, without taking time, or of a kind that this visibility does not list.
    NotListed,
    /// He may change another component of the object, and so is told that this one is there.
    BesideEditable,
    /// The object cannot be put into what this visibility may show, so none of it is.
    CannotBeShown,
}

/// One component of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedComponent {
    /// The instance that it describes; `None`: the object's master.
    pub recurrence_id: Option<RecurrenceId>,
    /// Its recorded privacy.
    pub privacy: EventPrivacy,
    /// What his access shows of it.
    pub allowed: Visibility,
    /// What he is shown of it.
    pub shown: Visibility,
    /// Why.
    pub because: Because,
}

/// Why one viewer sees of one object what he does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedObject {
    /// The name it has for him; `None`: it does not exist for him.
    pub name: Option<String>,
    /// What he may do with it.
    pub rights: ObjectRights,
    /// Its components in stored order; none if it cannot be read.
    pub components: Vec<ExplainedComponent>,
}

/// Explains what [`project`] makes of the object.
pub fn explain_object(object: &StoredObject<'_>, profile: &ViewProfile) -> ExplainedObject {
    let shown = project(object, profile);
    let by_matrix = |privacy| object.base.map_or_else(|| profile.matrix.cell(privacy), |base| profile.matrix.cell_of(privacy, base.kind()));
    let components = placed(object, profile).into_iter().map(|placed| {
        let by_matrix = by_matrix(placed.privacy).visibility;
        let (visible, because) = match placed.shown {
            // What fails closed fails for all of it.
            Some(_) if shown.is_none() && placed.shown != Some(Visibility::Hidden) => (Visibility::Hidden, Because::CannotBeShown),
            None => (Visibility::Hidden, Because::CannotBeShown),
            Some(visible) if visible == by_matrix => (visible, Because::Access),
            Some(visible) if visible == placed.allowed => (visible, Because::Personal),
            Some(Visibility::Hidden) => (Visibility::Hidden, Because::NotListed),
            Some(visible) => (visible, Because::BesideEditable),
        };
        ExplainedComponent {
            recurrence_id: placed.recurrence_id,
            privacy: placed.privacy,
            allowed: placed.allowed,
            shown: visible,
            because,
        }
    });
    ExplainedObject {
        components: components.collect(),
        rights: shown.as_ref().map(|shown| shown.rights()).unwrap_or_default(),
        name: shown.map(|shown| shown.name().to_owned()),
    }
}

#[cfg(test)]
mod tests;
