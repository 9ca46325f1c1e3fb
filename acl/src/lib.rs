//! Who may see and do what: the vocabulary of sharing, the one place that decides access, and the one function that projects.
//!
//! Pure: no I/O, no clock (time is an argument), no async, no storage formats. Non-interference rests on this crate:
//! everything a viewer can get is a function of what [`project::project`] returned for him.
//!
//! `principal`, `level`, `privacy` and `policy` are the vocabulary · `access` decides, and gives its reasons, which `explain` follows · `project` and
//! `pseudonym` show · `write` plans what a write stores and refuses the rest · `per_user` parts what is personal from what is
//! the event's · `link` says what a link shows · `target` whose private items are synchronized elsewhere · `participation` says whose invitations count · `privilege` and `ace` say it in
//! the terms of RFC 3744 · `leaks` lists what all of it is proved against.

pub mod access;
pub mod ace;
pub mod explain;
#[cfg(feature = "testing")]
pub mod fuzz;
pub mod leaks;
pub mod level;
pub mod link;
pub mod participation;
pub mod per_user;
pub mod policy;
pub mod principal;
pub mod privacy;
pub mod privilege;
pub mod project;
pub mod pseudonym;
pub mod target;
#[cfg(feature = "testing")]
pub mod testing;
mod text_edit;
pub mod write;

pub use access::{Access, AccessMatrix, CalendarFacts, Cell, OwnerFacts, Reason, Relation, RoleException, Source, ViewerFacts, access};
pub use level::{Grant, Level, Rights, Visibility};
pub use participation::ForeignAttendees;
pub use policy::{CalendarPolicy, ModuleRole, Policy, PolicyKey, PolicySettings, PrivateEvents, Words};
pub use principal::{CalendarId, Grantee, LinkId, ObjectId, PrincipalId};
pub use privacy::{Class, EventPrivacy, PrivacyRecord};
pub use privilege::{Privilege, PrivilegeSet};
pub use project::{ObjectRights, StoredObject, ViewProfile, VisibleObject, busy_of_once, project, project_availability, project_free_busy};
pub use pseudonym::DatabaseKey;
