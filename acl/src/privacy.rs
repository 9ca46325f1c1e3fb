//! Event privacy: the server's own record per component, and how CLASS (RFC 5545 §3.8.1.3) is read into it.
//!
//! A record is made when a component is first stored; which later CLASS may change it is decided in `write`, and what a
//! viewer sees of it in `access`. Nothing here looks at a viewer.

use ical::{Component, RecurrenceId};
use serde::{Deserialize, Serialize};

/// Privacy of one component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventPrivacy {
    /// By level.
    #[default]
    Standard,
    /// Full to everyone with any level (only where widening is on).
    Public,
    /// CLASS:CONFIDENTIAL
    Confidential,
    /// CLASS:PRIVATE, and every value that cannot be read.
    Private,
}

/// What the CLASS lines of one component say. The value is case-insensitive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// No CLASS line.
    Absent,
    /// `PUBLIC`
    Public,
    /// `CONFIDENTIAL`
    Confidential,
    /// `PRIVATE`, and whatever is unknown, malformed or said more than once.
    Private,
}

impl Class {
    /// Reads a component's own CLASS lines.
    pub fn of(component: &Component) -> Self {
        let mut lines = component.lines_named("CLASS");
        let value = match (lines.next(), lines.next()) {
            (None, _) => return Self::Absent,
            (Some(line), None) => line.value.as_str(),
            // Said twice, it may be read either way by the next program: the strictest reading holds.
            (Some(_), Some(_)) => return Self::Private,
        };
        if value.eq_ignore_ascii_case("PUBLIC") {
            Self::Public
        } else if value.eq_ignore_ascii_case("CONFIDENTIAL") {
            Self::Confidential
        } else {
            Self::Private
        }
    }
    /// The privacy it asks for, `PUBLIC` meaning `public`; `None`: it asks for nothing.
    pub fn privacy(self, public: EventPrivacy) -> Option<EventPrivacy> {
        match self {
            Self::Absent => None,
            Self::Public => Some(public),
            Self::Confidential => Some(EventPrivacy::Confidential),
            Self::Private => Some(EventPrivacy::Private),
        }
    }
}

impl EventPrivacy {
    /// All, in the order of the matrix's cells.
    pub const ALL: [Self; 4] = [Self::Standard, Self::Public, Self::Confidential, Self::Private];
    /// The word in API, command line and files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Public => "public",
            Self::Confidential => "confidential",
            Self::Private => "private",
        }
    }
    /// The privacy named by `word`.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.word() == word)
    }
    /// The stricter of two.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        match self.strictness() >= other.strictness() {
            true => self,
            false => other,
        }
    }
    /// The value of CLASS that says it.
    pub fn class_value(self) -> &'static str {
        match self {
            Self::Standard | Self::Public => "PUBLIC",
            Self::Confidential => "CONFIDENTIAL",
            Self::Private => "PRIVATE",
        }
    }
    /// For combining: Public is the most open, Private the strictest.
    pub fn strictness(self) -> u8 {
        match self {
            Self::Public => 0,
            Self::Standard => 1,
            Self::Confidential => 2,
            Self::Private => 3,
        }
    }
}

/// The recorded privacy of every component of one object: the master under `None`, overrides by RECURRENCE-ID.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivacyRecord {
    /// Sorted by key; `None` (the master) first.
    pub components: Vec<(Option<String>, EventPrivacy)>,
}

impl PrivacyRecord {
    /// A record of these components, the master under `None`; what is said twice takes the stricter.
    pub fn new(components: impl IntoIterator<Item = (Option<RecurrenceId>, EventPrivacy)>) -> Self {
        let mut sorted = std::collections::BTreeMap::new();
        for (recurrence_id, privacy) in components {
            sorted
                .entry(recurrence_id.map(|id| id.0))
                .and_modify(|known: &mut EventPrivacy| *known = known.stricter(privacy))
                .or_insert(privacy);
        }
        Self { components: sorted.into_iter().collect() }
    }
    /// The recorded privacy, if the component is in the record.
    pub fn get(&self, recurrence_id: Option<&RecurrenceId>) -> Option<EventPrivacy> {
        let key = recurrence_id.map(|id| id.0.as_str());
        let index = self.components.binary_search_by(|(known, _)| known.as_deref().cmp(&key)).ok()?;
        self.components.get(index).map(|(_, privacy)| *privacy)
    }
    /// The recorded privacy; a component without a record is Private (fail closed).
    pub fn of(&self, recurrence_id: Option<&RecurrenceId>) -> EventPrivacy {
        self.get(recurrence_id).unwrap_or(EventPrivacy::Private)
    }
    /// The record with no component more open than `known`, the strictest privacy that an object with this UID has or had.
    /// Where a component is as strict already, that says no more than the record itself, and the others stay.
    #[must_use]
    pub fn at_least(self, known: Option<EventPrivacy>) -> Self {
        let strictest = self.strictest().map_or(0, EventPrivacy::strictness);
        let Some(known) = known.filter(|known| known.strictness() > strictest) else { return self };
        Self { components: self.components.into_iter().map(|(id, privacy)| (id, privacy.stricter(known))).collect() }
    }
    /// The strictest of all components.
    pub fn strictest(&self) -> Option<EventPrivacy> {
        self.components.iter().map(|(_, privacy)| *privacy).max_by_key(|p| p.strictness())
    }
}

#[cfg(test)]
mod tests;
