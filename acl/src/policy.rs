//! Policy of the organisation and of one calendar, as far as access and projection depend on it.

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
