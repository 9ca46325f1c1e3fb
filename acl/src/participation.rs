//! Who takes part in an event sees it: which ATTENDEE lines count for that, and which do not.
//!
//! An invitation is a grant, so only the owner's own hand makes it count: an address that somebody else put on a component is
//! recorded as foreign, and stays so until she takes it off and puts it there again. Nobody gains anything by adding himself.

use crate::access::Relation;
use crate::project::{StoredObject, ViewProfile};
use crate::write::former::{Former, Formers};
use ical::recurrence::holds_for_later;
use ical::{CalendarObject, Component, RecurrenceId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The attendees of an object whom somebody else than the calendar's owner put there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ForeignAttendees {
    /// Every one of them, or nobody knows.
    All,
    /// These, by component: the master under `None`, overrides by RECURRENCE-ID; addresses in lower case without `mailto:`.
    Listed(BTreeMap<Option<String>, BTreeSet<String>>),
}

impl ForeignAttendees {
    /// None of them: the owner wrote it all.
    pub fn none() -> Self {
        Self::Listed(BTreeMap::new())
    }
    /// Of an object that `writer` created.
    pub fn of_new(writer: Relation) -> Self {
        match writer {
            Relation::Owner => Self::none(),
            // Who stands on what comes from elsewhere was put there by whoever writes there.
            Relation::Other | Relation::Target(_) => Self::All,
        }
    }
    /// Foreign by either record: where what was written before comes back, neither writing makes an address hers again.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Listed(mut listed), Self::Listed(other)) => {
                for (component, addresses) in other {
                    listed.entry(component).or_default().extend(addresses);
                }
                Self::Listed(listed)
            }
            _ => Self::All,
        }
    }
    /// Whether an address on a component is foreign.
    fn contains(&self, recurrence_id: Option<&str>, address: &str) -> bool {
        match self {
            Self::All => true,
            // The map's key owns its text, and maps of invitations are short.
            Self::Listed(listed) => listed.iter().any(|(key, foreign)| key.as_deref() == recurrence_id && foreign.contains(address)),
        }
    }
    /// Whether an address is foreign on any component.
    fn anywhere(&self, address: &str) -> bool {
        match self {
            Self::All => true,
            Self::Listed(listed) => listed.values().any(|foreign| foreign.contains(address)),
        }
    }
    /// Of a stored object written over. The owner's new addresses are hers; those that stay are what they were. Of somebody
    /// else's writing nothing is hers but what she had put there before, and not even that where he changed whose event it
    /// is, or made of one instance all that follow.
    pub(crate) fn after(&self, old: Option<&CalendarObject>, new: &CalendarObject, formers: &Formers<'_>, writer: Relation) -> Self {
        if old.is_none() {
            return Self::All;
        }
        let mut listed = BTreeMap::new();
        for component in new.components() {
            let recurrence_id = new.recurrence_id(component);
            let former = match formers.of(recurrence_id.as_ref()) {
                Former::Same(stored, key) | Former::OfSeries(stored, key) => Some((stored, key)),
                Former::New => None,
            };
            let is_foreign = |address: &String| match (&former, writer) {
                (Some((stored, key)), Relation::Owner) => {
                    addresses(stored).any(|known| known == *address) && self.contains(key.as_ref().map(|id| id.0.as_str()), address)
                }
                (None, Relation::Owner) => self.anywhere(address),
                (Some((stored, key)), Relation::Other | Relation::Target(_)) => {
                    self.contains(key.as_ref().map(|id| id.0.as_str()), address)
                        || !addresses(stored).any(|known| known == *address)
                        || !same_organizer(stored, component)
                        || is_wider(stored, component)
                }
                (None, Relation::Other | Relation::Target(_)) => true,
            };
            let sent: BTreeSet<String> = addresses(component).collect();
            let foreign: BTreeSet<String> = sent.into_iter().filter(is_foreign).collect();
            if !foreign.is_empty() {
                listed.insert(recurrence_id.map(|id| id.0), foreign);
            }
        }
        Self::Listed(listed)
    }
}

/// Whether the viewer takes part in a component by the owner's invitation: it is the organizer's own copy, and one of his
/// verified addresses is on it by her hand.
pub(crate) fn takes_part(
    component: &Component,
    recurrence_id: Option<&RecurrenceId>,
    object: &StoredObject<'_>,
    profile: &ViewProfile,
) -> bool {
    if profile.participant_addresses.is_empty() || !profile.matrix.reaches() {
        return false;
    }
    let mut organizers = component.lines_named("ORGANIZER");
    let is_own = organizers.all(|line| mail_address(&line.value).is_some_and(|address| profile.owner_addresses.contains(&address)));
    let key = recurrence_id.map(|id| id.0.as_str());
    is_own
        && addresses(component)
            .any(|address| profile.participant_addresses.contains(&address) && !object.foreign_attendees.contains(key, &address))
}

fn addresses(component: &Component) -> impl Iterator<Item = String> {
    component.lines_named("ATTENDEE").filter_map(|line| mail_address(&line.value))
}

/// Whether an override of one instance has become one for all that follow.
fn is_wider(stored: &Component, sent: &Component) -> bool {
    stored.line("RECURRENCE-ID").is_some() && !holds_for_later(stored) && holds_for_later(sent)
}

fn same_organizer(one: &Component, other: &Component) -> bool {
    let of = |component: &Component| component.lines_named("ORGANIZER").map(|line| line.value.trim().to_lowercase()).collect::<Vec<_>>();
    of(one) == of(other)
}

/// The address of a `mailto:` URI in lower case.
pub(crate) fn mail_address(uri: &str) -> Option<String> {
    let (scheme, address) = uri.trim().split_once(':')?;
    scheme.eq_ignore_ascii_case("mailto").then(|| address.to_lowercase())
}
