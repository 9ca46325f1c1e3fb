//! Event privacy: the server's own record per component, and how CLASS (RFC 5545 §3.8.1.3) is read into it.

use ical::RecurrenceId;
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

impl EventPrivacy {
    /// All, in the order of the matrix's cells.
    pub const ALL: [Self; 4] = [Self::Standard, Self::Public, Self::Confidential, Self::Private];
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
    /// The recorded privacy; a component without a record is Private (fail closed).
    pub fn of(&self, recurrence_id: Option<&RecurrenceId>) -> EventPrivacy {
        self.components
            .iter()
            .find(|(key, _)| key.as_deref() == recurrence_id.map(|id| id.0.as_str()))
            .map_or(EventPrivacy::Private, |(_, privacy)| *privacy)
    }
    /// The strictest of all components.
    pub fn strictest(&self) -> Option<EventPrivacy> {
        self.components.iter().map(|(_, privacy)| *privacy).max_by_key(|p| p.strictness())
    }
}
