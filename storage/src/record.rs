//! The records of the store. Written with postcard; what they look like is part of the store's format, so a change here is a
//! new [`FORMAT_VERSION`].

use crate::keys::{PlainId, UidHash};
use acl::privacy::PrivacyRecord;
use acl::{CalendarId, CalendarPolicy, ObjectId, PrincipalId};
use chrono::{DateTime, Utc};
use ical::{ComponentKind, TimeRange};
use serde::{Deserialize, Serialize};

/// The format this program writes. A store with a higher one is refused.
///
/// 2: subscriptions. 3: what each user takes up ([`crate::usage`]). 4: journals of calendars, hidden
/// mounts, links, roles, places in the calendar module, the policy as words, earlier versions, trash. 5: what is kept of the
/// owner's own and of what others wrote stands apart ([`crate::history::kept`]). 6: what redb's file lacks stands in a log beside it.
pub(crate) const FORMAT_VERSION: u32 = 6;

/// A user.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UserRecord {
    pub(crate) name: String,
    pub(crate) display_name: Option<String>,
    /// Verified, lower case, without `mailto:`, the first preferred.
    pub(crate) addresses: Vec<String>,
    /// PHC string.
    pub(crate) password_hash: Option<String>,
    pub(crate) created: DateTime<Utc>,
    /// Entries of [`crate::keys::PRIVATE_UIDS`].
    pub(crate) private_uids: u64,
}

impl std::fmt::Debug for UserRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UserRecord(…)")
    }
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupRecord {
    pub(crate) name: String,
    pub(crate) created: DateTime<Utc>,
}

/// A role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RoleRecord {
    pub(crate) name: String,
    pub(crate) reports_to: Option<PrincipalId>,
    pub(crate) created: DateTime<Utc>,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PrincipalRef {
    User(PrincipalId),
    Group(PrincipalId),
}

impl PrincipalRef {
    pub(crate) fn id(self) -> PrincipalId {
        match self {
            Self::User(id) | Self::Group(id) => id,
        }
    }
}

/// A calendar. Its display name, colour and the like are its owner's properties.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CalendarRecord {
    pub(crate) owner: PrincipalId,
    pub(crate) name: String,
    /// Empty: all kinds.
    pub(crate) components: Vec<StoredKind>,
    pub(crate) policy: CalendarPolicy,
    pub(crate) created: DateTime<Utc>,
    /// Sequence of the last change.
    pub(crate) head: u64,
    /// Removals up to this sequence are forgotten.
    pub(crate) floor: u64,
    /// Objects in it.
    pub(crate) objects: u64,
    /// Removals remembered.
    pub(crate) removals: u64,
}

impl CalendarRecord {
    /// The kinds of component it takes.
    pub(crate) fn kinds(&self) -> Vec<ComponentKind> {
        if self.components.is_empty() {
            StoredKind::ALL.into_iter().map(StoredKind::kind).collect()
        } else {
            self.components.iter().map(|stored| stored.kind()).collect()
        }
    }
}

/// A kind of component as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum StoredKind {
    Event,
    ToDo,
    Journal,
    FreeBusy,
    Availability,
}

impl StoredKind {
    pub(crate) const ALL: [Self; 5] = [Self::Event, Self::ToDo, Self::Journal, Self::FreeBusy, Self::Availability];
    pub(crate) fn kind(self) -> ComponentKind {
        match self {
            Self::Event => ComponentKind::Event,
            Self::ToDo => ComponentKind::ToDo,
            Self::Journal => ComponentKind::Journal,
            Self::FreeBusy => ComponentKind::FreeBusy,
            Self::Availability => ComponentKind::Availability,
        }
    }
}

impl From<ComponentKind> for StoredKind {
    fn from(kind: ComponentKind) -> Self {
        match kind {
            ComponentKind::Event => Self::Event,
            ComponentKind::ToDo => Self::ToDo,
            ComponentKind::Journal => Self::Journal,
            ComponentKind::FreeBusy => Self::FreeBusy,
            ComponentKind::Availability => Self::Availability,
        }
    }
}

/// A time range as it is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredRange {
    pub(crate) start: Option<DateTime<Utc>>,
    pub(crate) end: Option<DateTime<Utc>>,
}

impl StoredRange {
    pub(crate) fn range(self) -> TimeRange {
        TimeRange { start: self.start, end: self.end }
    }
}

impl From<TimeRange> for StoredRange {
    fn from(range: TimeRange) -> Self {
        Self { start: range.start, end: range.end }
    }
}

/// All that is known of an object without its body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectRecord {
    /// As its creator named it. Several objects of one calendar may bear one name.
    pub(crate) name: String,
    /// Several objects of one calendar may bear one UID.
    pub(crate) uid: UidHash,
    pub(crate) kind: StoredKind,
    /// Raised whenever the body changes.
    pub(crate) base_version: u64,
    pub(crate) privacy: PrivacyRecord,
    pub(crate) creator: PrincipalId,
    pub(crate) written_by: WrittenBy,
    pub(crate) created: DateTime<Utc>,
    /// When the body, or the owner's personal part of it, last changed: what the owner gets, and nobody else.
    pub(crate) modified: DateTime<Utc>,
    /// The calendar's sequence when it was created, or came to a name that stood already: of two objects that share a name or
    /// UID, the later has the higher.
    pub(crate) order: u64,
    /// The calendar's sequence of its last change: where it stands in the change log.
    pub(crate) change: u64,
    /// Bytes of the body.
    pub(crate) content_bytes: u64,
    /// Outside of it there is no instance.
    pub(crate) span: StoredRange,
}

/// Who has written an object's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum WrittenBy {
    /// Nobody but its creator.
    CreatorAlone,
    /// Somebody else too.
    Others,
}

/// What a viewer decided about a calendar's mount in his home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum MountState {
    /// He left it: it is not listed.
    Left,
    /// He added it, although no user or group grant mounts it.
    Added,
    // Stored by number: what is new stands last.
    /// He hid it: it is not listed, and answers at its path.
    Hidden,
}

/// A plain collection or file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlainRecord {
    pub(crate) id: PlainId,
    pub(crate) content: PlainContent,
    pub(crate) created: DateTime<Utc>,
    pub(crate) modified: DateTime<Utc>,
}

/// What a plain resource is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PlainContent {
    Collection,
    File {
        content_type: String,
        content_bytes: u64,
        hash: [u8; 32],
    },
    /// A subscription to a calendar elsewhere, directly in the home. Where, and what else is said of it, are its properties.
    Subscription,
}

/// An entry of a calendar's change log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChangeEntry {
    pub(crate) sequence: u64,
    pub(crate) object: ObjectId,
    pub(crate) change: ChangeKind,
}

/// What happened to an object last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    /// It was made, written, or something in one viewer's view of it moved.
    Written,
    /// It is gone.
    Removed,
}

/// A calendar with its id.
#[derive(Clone, Debug)]
pub(crate) struct StoredCalendar {
    pub(crate) id: CalendarId,
    pub(crate) record: CalendarRecord,
}
