//! Entries of an `apply` file: a contract. The same keys stand in JSON.

pub use crate::synchronization::SynchronizationEntry;
use crate::usage::Quota;
use acl::level::GrantPrivateEvents;
use acl::{EventPrivacy, Level, PolicyKey, PrivateEvents};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApplyFile {
    /// `[[user]]`
    #[serde(default, rename = "user", skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<UserEntry>,
    /// `[[group]]`
    #[serde(default, rename = "group", skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupEntry>,
    /// `[[calendar]]`
    #[serde(default, rename = "calendar", skip_serializing_if = "Vec::is_empty")]
    pub calendars: Vec<CalendarEntry>,
    /// `[[subscription]]`
    #[serde(default, rename = "subscription", skip_serializing_if = "Vec::is_empty")]
    pub subscriptions: Vec<SubscriptionEntry>,
    /// `[[grant]]`
    #[serde(default, rename = "grant", skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<GrantEntry>,
    /// `[policy]`
    #[serde(default, skip_serializing_if = "PolicyEntry::is_empty")]
    pub policy: PolicyEntry,
    /// `[[role]]`
    #[serde(default, rename = "role", skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleEntry>,
    /// `[[role_exception]]`
    #[serde(default, rename = "role_exception", skip_serializing_if = "Vec::is_empty")]
    pub role_exceptions: Vec<RoleExceptionEntry>,
    /// `[[module]]`
    #[serde(default, rename = "module", skip_serializing_if = "Vec::is_empty")]
    pub modules: Vec<ModuleEntry>,
}

/// The tables of a file that are about the organisation, each of which may be absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganisationEntry {
    /// `[policy]`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyEntry>,
    /// `[[role]]`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Vec<RoleEntry>>,
    /// `[[role_exception]]`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_exception: Option<Vec<RoleExceptionEntry>>,
    /// `[[module]]`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<Vec<ModuleEntry>>,
}

/// Keys of the policy with their values, `preset` among them. What is not named stays as it was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PolicyEntry(pub BTreeMap<String, PolicyValue>);

impl PolicyEntry {
    /// Whether nothing is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A value of a key: a word or a truth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PolicyValue {
    /// `true` or `false`
    Truth(bool),
    /// A word, or a text of one's own.
    Word(String),
}

impl PolicyValue {
    /// The value of a key out of its word.
    pub fn of(key: PolicyKey, word: &str) -> Self {
        match (key.is_truth(), word) {
            (true, "true") => Self::Truth(true),
            (true, "false") => Self::Truth(false),
            _ => Self::Word(word.to_owned()),
        }
    }
    /// The word that the policy's keys read.
    pub fn word(&self) -> &str {
        match self {
            Self::Truth(true) => "true",
            Self::Truth(false) => "false",
            Self::Word(word) => word,
        }
    }
}

/// A key of the policy as `policy show` has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyKeyValue {
    /// `preset`, or a key.
    pub key: String,
    /// What holds.
    pub value: PolicyValue,
    /// Why.
    pub from: ValueFrom,
    /// What it takes; empty: any line of text.
    pub values: Vec<String>,
}

/// Where the value of a key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValueFrom {
    /// Nobody chose anything.
    Default,
    /// The preset has it so.
    Preset,
    /// An administrator chose it.
    Set,
}

/// A role, its holders listed whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleEntry {
    /// `[a-z0-9._-]`
    pub name: String,
    /// The role above; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reports_to: Option<String>,
    /// Users: each has at most one role.
    #[serde(default)]
    pub members: Vec<String>,
}

/// An exception between roles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleExceptionEntry {
    /// Whose calendars.
    pub owner_role: String,
    /// For whom.
    pub viewer_role: String,
    /// `read | read-write`, or `none` to take the exception away.
    pub permission: String,
}

/// A place in the calendar module: for exactly one of `user`, `group`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModuleEntry {
    /// User name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Group name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// `admin | employee | denied`, or `inherit` to take the entry away.
    pub role: String,
}

/// A user. Absent keys leave what is stored as it is.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserEntry {
    /// `[a-z0-9._-]`, the path segment.
    pub name: String,
    /// In clear, only on the way in; the server hashes it before the store sees it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// PHC string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Verified calendar user addresses, the first preferred.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emails: Option<Vec<String>>,
    /// `false`: no calendar `default` is made for a new user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendars: Option<bool>,
    /// Bytes his events and files may take up, or `default` or `unlimited`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_bytes: Option<QuotaEntry>,
    /// Whether private items of his may be synchronized at all: an administrator's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidential_activities: Option<bool>,
    /// Whether his private appointments are synchronized then: his own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synchronize_private_events: Option<bool>,
    /// Whether his private tasks are: his own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synchronize_private_tasks: Option<bool>,
}

impl UserEntry {
    /// An entry that says of an existing user what is to be said of his private items, and nothing else.
    pub fn synchronizing(name: &str, change: SynchronizationEntry) -> Self {
        Self {
            name: name.to_owned(),
            confidential_activities: change.confidential_activities,
            synchronize_private_events: change.private_events,
            synchronize_private_tasks: change.private_tasks,
            ..Self::default()
        }
    }
}

/// A quota as files and commands write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number of bytes, `unlimited` or `default`")]
pub enum QuotaEntry {
    /// So many.
    Bytes(u64),
    /// A word.
    Word(QuotaWord),
}

/// Quotas that are no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuotaWord {
    /// As the configuration says for all.
    Default,
    /// None at all.
    Unlimited,
}

impl From<QuotaEntry> for Quota {
    fn from(entry: QuotaEntry) -> Self {
        match entry {
            QuotaEntry::Bytes(bytes) => Self::Bytes(bytes),
            QuotaEntry::Word(QuotaWord::Default) => Self::Default,
            QuotaEntry::Word(QuotaWord::Unlimited) => Self::Unlimited,
        }
    }
}

impl From<Quota> for QuotaEntry {
    fn from(quota: Quota) -> Self {
        match quota {
            Quota::Bytes(bytes) => Self::Bytes(bytes),
            Quota::Default => Self::Word(QuotaWord::Default),
            Quota::Unlimited => Self::Word(QuotaWord::Unlimited),
        }
    }
}

impl std::fmt::Display for QuotaEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "{bytes} bytes"),
            Self::Word(QuotaWord::Default) => f.write_str("default"),
            Self::Word(QuotaWord::Unlimited) => f.write_str("unlimited"),
        }
    }
}

/// What a user takes up, for an administrator to see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageEntry {
    /// User name.
    pub name: String,
    /// As set for him.
    pub quota_bytes: QuotaEntry,
    /// Bytes he may take up; absent: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_bytes: Option<u64>,
    /// Bytes that stand in his home: events, whoever wrote them, and files.
    pub home_bytes: u64,
    /// Bytes he put into other people's calendars, less those he took out of them.
    pub given_bytes: u64,
}

impl std::fmt::Debug for UserEntry {
    /// Without password and hash.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserEntry")
            .field("name", &self.name)
            .field("display_name", &self.display_name)
            .field("emails", &self.emails)
            .field("calendars", &self.calendars)
            .field("quota_bytes", &self.quota_bytes)
            .finish_non_exhaustive()
    }
}

/// A group, its members listed whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupEntry {
    /// `[a-z0-9._-]`
    pub name: String,
    /// Users or groups.
    #[serde(default)]
    pub members: Vec<String>,
}

/// A calendar. Absent keys leave what is stored as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarEntry {
    /// User name.
    pub owner: String,
    /// Path segment.
    pub name: String,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Component names; default all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub components: Option<Vec<String>>,
    /// `standard | private | confidential`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_privacy: Option<EventPrivacy>,
    /// `busy | hidden | editors`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_events: Option<PrivateEvents>,
    /// Whether `CLASS:PUBLIC` widens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub widen_public: Option<bool>,
}

/// A subscription to a calendar elsewhere, which its owner's clients fetch. Absent keys leave what is stored as it is.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionEntry {
    /// User name.
    pub owner: String,
    /// Path segment.
    pub name: String,
    /// Where it is; needed for a new one. It may hold a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// `#RRGGBB` or `#RRGGBBAA`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    /// How often clients ask for it: a duration as in iCalendar, such as `P1D`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_rate: Option<String>,
    /// Whether clients leave alarms out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strip_alarms: Option<bool>,
    /// And attachments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strip_attachments: Option<bool>,
    /// And to-dos.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strip_todos: Option<bool>,
}

impl std::fmt::Debug for SubscriptionEntry {
    /// Without where it is.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SubscriptionEntry").field("owner", &self.owner).field("name", &self.name).finish_non_exhaustive()
    }
}

/// A grant, whole: exactly one of `user`, `group`, `role`, `everyone`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantEntry {
    /// `owner/name`. Where the calendar stands elsewhere, as in a path, it may be left out.
    #[serde(default)]
    pub calendar: String,
    /// User name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Group name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Role name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Every signed-in user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub everyone: Option<bool>,
    /// The level; absent: the policy's `default_level`. A combination made by ACL that has none is told by `custom`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// A custom combination as stored, only on the way out and back, and instead of `level`: the visibility (`hidden`,
    /// `free-busy`, `title`, `full`), then any of `create`, `edit`, `delete`: e.g. `full,edit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom: Option<String>,
    /// `as-policy | busy | hidden | show`
    #[serde(default, with = "private_events_word", skip_serializing_if = "Option::is_none")]
    pub private_events: Option<GrantPrivateEvents>,
    /// `as-level | yes`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create: Option<CreateWord>,
    /// LOCATION at Title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_places: Option<bool>,
    /// Exclusive end. Read from a string (RFC 3339) or the date-time of a format that has one.
    #[serde(default, deserialize_with = "moment::deserialize", skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}

/// `create` of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CreateWord {
    /// By level.
    AsLevel,
    /// May put events into the calendar whatever the level.
    Yes,
}

mod private_events_word {
    use acl::level::GrantPrivateEvents;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Option<GrantPrivateEvents>, serializer: S) -> Result<S::Ok, S::Error> {
        value.map_or(GrantPrivateEvents::AS_POLICY, GrantPrivateEvents::word).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<GrantPrivateEvents>, D::Error> {
        let unknown = || serde::de::Error::custom("private_events is one of as-policy, busy, hidden, show");
        GrantPrivateEvents::from_word(&String::deserialize(deserializer)?).ok_or_else(unknown)
    }
}

/// A moment as text, or as formats with a date-time of their own give it: a map of one entry whose value is that text.
mod moment {
    use crate::grants::is_end;
    use chrono::{DateTime, Utc};
    use serde::de::{Deserializer, Error, MapAccess, Visitor};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
        deserializer.deserialize_any(Moment)
    }

    struct Moment;

    impl<'de> Visitor<'de> for Moment {
        type Value = Option<DateTime<Utc>>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a date-time with a zone, such as 2027-01-01T00:00:00Z")
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            let moment = DateTime::parse_from_rfc3339(text).map_err(|_| E::custom("until needs a zone: 2027-01-01T00:00:00Z"))?;
            let moment = moment.with_timezone(&Utc);
            // An offset can carry it out of the years that can be written, and it would never be read again.
            if is_end(moment) { Ok(Some(moment)) } else { Err(E::custom("until is a moment of the years 1970 to 9999 in UTC")) }
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let Some((_, text)) = map.next_entry::<String, String>()? else {
                return Err(A::Error::custom("an empty date-time"));
            };
            self.visit_str(&text)
        }
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
    }
}
