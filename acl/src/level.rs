//! Visibility, rights, levels and grants: what an owner can say, without deciding what follows from it.

use crate::policy::PrivateEvents;
use crate::principal::Grantee;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// How much of one component a viewer sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Visibility {
    /// As if it did not exist.
    #[default]
    Hidden,
    /// That the time is busy.
    FreeBusy,
    /// The title too.
    Title,
    /// Everything but others' personal items.
    Full,
}

/// Rights, independent of each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rights {
    /// `DAV:bind`
    pub create: bool,
    /// `DAV:write-content`
    pub edit: bool,
    /// `DAV:unbind`
    pub delete: bool,
}

/// The named combinations of visibility and rights. `custom` ones have no level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Paused.
    None,
    /// Only free/busy.
    FreeBusy,
    /// Free/busy and titles.
    Titles,
    /// All details.
    Details,
    /// Create and edit, not delete.
    Edit,
    /// Create, edit and delete.
    EditDelete,
}

impl Level {
    /// All, in order.
    pub const ALL: [Self; 6] = [Self::None, Self::FreeBusy, Self::Titles, Self::Details, Self::Edit, Self::EditDelete];
    /// The word in API, command line and files.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::FreeBusy => "free-busy",
            Self::Titles => "titles",
            Self::Details => "details",
            Self::Edit => "edit",
            Self::EditDelete => "edit-delete",
        }
    }
    /// The level named by `word`.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|l| l.word() == word)
    }
    /// What it gives.
    pub fn parts(self) -> (Visibility, Rights) {
        let rights = |create, edit, delete| Rights { create, edit, delete };
        match self {
            Self::None => (Visibility::Hidden, Rights::default()),
            Self::FreeBusy => (Visibility::FreeBusy, Rights::default()),
            Self::Titles => (Visibility::Title, Rights::default()),
            Self::Details => (Visibility::Full, Rights::default()),
            Self::Edit => (Visibility::Full, rights(true, true, false)),
            Self::EditDelete => (Visibility::Full, rights(true, true, true)),
        }
    }
    /// The level with exactly these parts; `None` for a custom combination.
    pub fn from_parts(visibility: Visibility, rights: Rights) -> Option<Self> {
        Self::ALL.into_iter().find(|l| l.parts() == (visibility, rights))
    }
}

/// A share: stored as visibility and rights, so that ACL (RFC 3744) can make combinations that have no level.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Grant {
    /// For whom.
    pub grantee: Grantee,
    /// Of Standard components.
    pub visibility: Visibility,
    /// As given by level or ACL, before `create_always`.
    pub rights: Rights,
    /// `None`: as policy.
    pub private_events: Option<GrantPrivateEvents>,
    /// `create = "yes"`: may put events into the calendar whatever the level ("assign").
    pub create_always: bool,
    /// LOCATION is shown at Title.
    pub with_places: bool,
    /// Exclusive; from then on the grant counts as `none`.
    pub until: Option<DateTime<Utc>>,
}

impl Grant {
    /// A grant of a level without modifiers.
    pub fn of_level(grantee: Grantee, level: Level) -> Self {
        let (visibility, rights) = level.parts();
        Self { grantee, visibility, rights, private_events: None, create_always: false, with_places: false, until: None }
    }
    /// The level with exactly these parts; `None` for a custom combination, which only ACL makes.
    pub fn level(&self) -> Option<Level> {
        Level::from_parts(self.visibility, self.rights)
    }
    /// Whether its end has come: from then on it counts as `none`.
    pub fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
    /// Whether it is at `none`: it gives nothing whatever its modifiers, which wait for its return.
    pub fn is_paused(&self) -> bool {
        self.level() == Some(Level::None)
    }
}

/// What one grant says of private and confidential events. It is the owner's most specific word: where it is given it
/// stands instead of the calendar's and the organisation's policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GrantPrivateEvents {
    /// Busy time.
    Busy,
    /// Not at all.
    Hidden,
    /// As Standard ones of that level, rights included: the delegate's right.
    Show,
}

impl GrantPrivateEvents {
    /// All that narrow or widen; the absent modifier is `as-policy`.
    pub const ALL: [Self; 3] = [Self::Busy, Self::Hidden, Self::Show];
    /// The word for an absent modifier.
    pub const AS_POLICY: &'static str = "as-policy";
    /// The word in API, command line and files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::Hidden => "hidden",
            Self::Show => "show",
        }
    }
    /// The modifier named by `word`; `Some(None)` is `as-policy`.
    pub fn from_word(word: &str) -> Option<Option<Self>> {
        if word == Self::AS_POLICY {
            return Some(None);
        }
        Self::ALL.into_iter().find(|p| p.word() == word).map(Some)
    }
    /// The policy this narrows to, if it is not `Show`.
    pub fn policy(self) -> Option<PrivateEvents> {
        match self {
            Self::Busy => Some(PrivateEvents::Busy),
            Self::Hidden => Some(PrivateEvents::Hidden),
            Self::Show => None,
        }
    }
}
