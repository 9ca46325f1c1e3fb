//! Policy of the organisation and of one calendar, as far as access, projection and writing depend on it.
//!
//! It only states what was chosen; what follows from it is decided in `access`, `privacy` and `write`.

use crate::privacy::EventPrivacy;
use serde::{Deserialize, Serialize};

/// How confidential and private events appear to people with a grant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrivateEvents {
    /// As busy time.
    #[default]
    Busy,
    /// Not at all.
    Hidden,
    /// Full with rights to people with `edit` or above, not at all to others.
    Editors,
}

impl PrivateEvents {
    /// All, from the most to the least that a reader meets.
    pub const ALL: [Self; 3] = [Self::Busy, Self::Hidden, Self::Editors];
    /// The word in API, command line and files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Hidden => "hidden",
            Self::Editors => "editors",
        }
    }
    /// The policy named by `word`.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.word() == word)
    }
}

/// Constant texts of projections: one choice per organisation, never per request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// SUMMARY at FreeBusy.
    pub busy: String,
    /// SUMMARY at FreeBusy where the viewer sees Standard events at Title or more.
    pub private: String,
}

impl Default for Words {
    fn default() -> Self {
        Self { busy: "Busy".into(), private: "Private event".into() }
    }
}

/// Whether an owner's `CLASS:PUBLIC` lowers a recorded privacy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassPublicLowers {
    /// Only in a PUT that changes nothing else.
    #[default]
    Alone,
    /// In any PUT of the owner.
    Any,
}

/// The organisation's policy. Organisation modes, roles, caps and administrators join here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Default of every calendar.
    pub private_events: PrivateEvents,
    /// Whether `CLASS:PUBLIC` means Public (else Standard), unless the calendar says.
    pub widen_public: bool,
    /// See [`ClassPublicLowers`].
    pub class_public_lowers: ClassPublicLowers,
    /// Texts of projections.
    pub words: Words,
}

/// One calendar's policy, set by its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarPolicy {
    /// Privacy of components that come without CLASS.
    pub default_privacy: EventPrivacy,
    /// `None`: as the organisation.
    pub private_events: Option<PrivateEvents>,
    /// `None`: as the organisation.
    pub widen_public: Option<bool>,
}

impl Default for CalendarPolicy {
    fn default() -> Self {
        Self { default_privacy: EventPrivacy::Standard, private_events: None, widen_public: None }
    }
}

impl CalendarPolicy {
    /// How private events appear here unless a grant says: the calendar's own word, else the organisation's.
    pub fn private_events_under(&self, policy: &Policy) -> PrivateEvents {
        self.private_events.unwrap_or(policy.private_events)
    }
    /// What an explicit `CLASS:PUBLIC` is recorded as. Many clients write it on every event, so that it widens nothing
    /// unless calendar or organisation ask for it.
    pub fn public_means(&self, policy: &Policy) -> EventPrivacy {
        match self.widen_public.unwrap_or(policy.widen_public) {
            true => EventPrivacy::Public,
            false => EventPrivacy::Standard,
        }
    }
}
