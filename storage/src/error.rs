//! The store's errors. None quotes content.

use crate::engine::EngineKind;
use acl::Privilege;
use acl::ace::AceError;

/// Why the store refuses.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Absent or not visible: nobody can tell.
    #[error("not found")]
    NotFound,
    /// Visible, but this privilege is missing.
    #[error("privilege missing")]
    Denied {
        /// Which.
        privilege: Privilege,
    },
    /// A collection stands where one was to be made, or something of another kind.
    #[error("something stands there already")]
    Exists,
    /// The parent collection is absent.
    #[error("no parent collection")]
    NoParent,
    /// The UID is that of another object the viewer sees in this calendar. Use with: 409 or 403 `CALDAV:no-uid-conflict`.
    #[error("the UID is in use")]
    UidConflict {
        /// The name under which the viewer sees it.
        name: String,
    },
    /// The calendar does not take this kind of component.
    #[error("component not supported by this calendar")]
    ComponentNotSupported,
    /// A limit of [`crate::Limits`].
    #[error("limit exceeded: {0}")]
    LimitExceeded(Limit),
    /// Unknown, another viewer's, another collection's, or too old.
    #[error("invalid sync token")]
    InvalidSyncToken,
    /// Expanding recurrence exceeded its bounds.
    #[error("too many instances")]
    TooManyInstances,
    /// An ACL request that cannot be stored as grants.
    #[error("access control element refused")]
    Ace(AceError),
    /// An argument of an administrator's command; the text is meant for him.
    #[error("{0}")]
    Invalid(String),
    /// Another process has the store open.
    #[error("the store is in use by another process")]
    InUse,
    /// The store stands on another engine than the configuration says.
    #[error(
        "the store was made with {found} and storage.engine asks for {asked}: set it to \"{found}\", or stop the server and run `shoji migrate --engine {asked}`"
    )]
    OtherEngine {
        /// Whose files are there.
        found: EngineKind,
        /// What the configuration says.
        asked: EngineKind,
    },
    /// The store was written by a newer version of this program.
    #[error("the store has format {found}; this program knows formats up to {known}: use the newer program")]
    NewerFormat {
        /// The store's.
        found: u32,
        /// The highest this program knows.
        known: u32,
    },
    /// The store's own data is damaged.
    #[error("the store is damaged: {0}")]
    Corrupted(&'static str),
    /// Not to be had without waiting or much work, where neither may be ([`crate::Door::at_hand`]).
    #[error("not at hand")]
    NotAtHand,
    /// The disk is full.
    #[error("the disk is full")]
    DiskFull,
    /// The engine or the disk failed.
    #[error("the storage engine failed: {0}")]
    Engine(String),
}

/// Which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Bytes of an object: `CALDAV:max-resource-size`.
    ObjectBytes,
    /// Instances: `CALDAV:max-instances`.
    Instances,
    /// Attendees: `CALDAV:max-attendees-per-instance`.
    Attendees,
    /// A date too early: `CALDAV:min-date-time`.
    Earliest,
    /// A date too late: `CALDAV:max-date-time`.
    Latest,
    /// A number or size for which the answer is 507.
    Space,
    /// What the writer may take up in all: `DAV:quota-not-exceeded`.
    Quota,
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ObjectBytes => "bytes of one object",
            Self::Instances => "instances",
            Self::Attendees => "attendees",
            Self::Earliest => "the earliest date",
            Self::Latest => "the latest date",
            Self::Space => "space",
            Self::Quota => "the user's quota",
        })
    }
}

/// The store's results.
pub type Result<T, E = Error> = std::result::Result<T, E>;
