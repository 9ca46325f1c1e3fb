//! Policy of the organisation and of one calendar, as far as access, projection and writing depend on it.
//!
//! It only states what was chosen; what follows from it is decided in `access`, `privacy` and `write`.

mod settings;
mod words;

pub use settings::{BadSetting, PolicyKey, PolicySettings, Preset};
pub use words::{Language, WORDS_BYTES_MAX, Words};

use crate::level::Level;
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

/// Declares an enumeration whose variants have words of their own in API, command line and files.
macro_rules! worded {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }
        impl $name {
            /// All, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
            /// The word in API, command line and files.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
            /// What `word` names.
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.word() == word)
            }
        }
    };
}

worded! {
    /// Whether an owner's `CLASS:PUBLIC` lowers a recorded privacy.
    ClassPublicLowers {
        /// Only in a PUT that changes nothing else.
        #[default]
        Alone = "alone",
        /// In any PUT of the owner.
        Any = "any",
    }
}

worded! {
    /// What users see of each other's calendars without a share, by the organisation's choice.
    Mode {
        /// Nothing; superiors neither.
        #[default]
        Off = "off",
        /// Nothing, except what superiors see.
        Private = "private",
        /// Events in full.
        PublicRead = "public-read",
        /// The same, and everybody creates and edits.
        PublicEdit = "public-edit",
        /// The same, and everybody deletes.
        PublicEditDelete = "public-edit-delete",
    }
}

worded! {
    /// How confidential events appear where the policy of private events does not speak for them.
    Confidential {
        /// As private ones.
        #[default]
        AsPrivate = "as-private",
        /// As busy time.
        Busy = "busy",
        /// With their titles, to people who see titles.
        Title = "title",
        /// Not at all.
        Hidden = "hidden",
    }
}

worded! {
    /// Which events a share is about.
    GrantsCover {
        /// Standard and public ones.
        #[default]
        All = "all",
        /// Public ones: standard ones stay the owner's.
        Public = "public",
    }
}

worded! {
    /// Which shares let people put events into a calendar.
    GrantsCreate {
        /// Those whose level or own word says so.
        #[default]
        Level = "level",
        /// Every share that is not paused.
        Any = "any",
    }
}

worded! {
    /// Whether an owner can make somebody a delegate for private events.
    GrantsShow {
        /// `private_events = show` on a share counts.
        #[default]
        Allowed = "allowed",
        /// It counts as absent.
        Refused = "refused",
    }
}

worded! {
    /// What administrators see in calendars that nobody shared with them.
    AdminContent {
        /// Nothing.
        None = "none",
        /// Everything, in one calendar for 60 minutes, after a reason that its owner can read.
        #[default]
        BreakGlass = "break-glass",
        /// Everything.
        Full = "full",
    }
}

worded! {
    /// A user's place in the calendar module.
    ModuleRole {
        /// The module does not exist for him.
        Denied = "denied",
        /// Has calendars and sees what is shared with him.
        #[default]
        Employee = "employee",
        /// Configures the module, and sees what [`AdminContent`] says.
        Admin = "admin",
    }
}

impl ModuleRole {
    /// The role of a user: his own entry, else the highest of his groups', else employee.
    pub fn of(own: Option<Self>, of_groups: impl IntoIterator<Item = Self>) -> Self {
        own.or_else(|| of_groups.into_iter().max_by_key(|role| *role as u8)).unwrap_or_default()
    }
}

worded! {
    /// What a role exception gives one role in the calendars of another.
    RolePermission {
        /// As [`Mode::PublicRead`].
        #[default]
        Read = "read",
        /// As [`Mode::PublicEdit`].
        ReadWrite = "read-write",
    }
}

/// Most that any share gives, by whom it is for; `None`: no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caps {
    /// Shares with everyone, and links.
    pub everyone: Option<Level>,
    /// Shares with groups and roles.
    pub group: Option<Level>,
    /// Any share with somebody who is in no group with the owner.
    pub outside_group: Option<Level>,
}

/// The organisation's policy: what holds, whether chosen or given by a preset ([`PolicySettings`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// See [`Mode`].
    pub mode: Mode,
    /// The level of a share that is made without one.
    pub default_level: Level,
    /// Default of every calendar.
    pub private_events: PrivateEvents,
    /// See [`Confidential`].
    pub confidential: Confidential,
    /// Whether `CLASS:PUBLIC` means Public (else Standard), unless the calendar says.
    pub widen_public: bool,
    /// See [`GrantsCover`].
    pub grants_cover: GrantsCover,
    /// See [`GrantsCreate`].
    pub grants_create: GrantsCreate,
    /// See [`GrantsShow`].
    pub grants_show: GrantsShow,
    /// See [`ClassPublicLowers`].
    pub class_public_lowers: ClassPublicLowers,
    /// Whether people see in full what they are invited to.
    pub participants_see_full: bool,
    /// See [`AdminContent`].
    pub admin_content: AdminContent,
    /// Whether people who may edit may make links to events.
    pub editors_make_links: bool,
    /// See [`Caps`].
    pub caps: Caps,
    /// Texts of projections.
    pub words: Words,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            default_level: Level::FreeBusy,
            private_events: PrivateEvents::default(),
            confidential: Confidential::default(),
            widen_public: false,
            grants_cover: GrantsCover::default(),
            grants_create: GrantsCreate::default(),
            grants_show: GrantsShow::default(),
            class_public_lowers: ClassPublicLowers::default(),
            participants_see_full: true,
            admin_content: AdminContent::default(),
            editors_make_links: false,
            caps: Caps::default(),
            words: Words::default(),
        }
    }
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
