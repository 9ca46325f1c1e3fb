//! What a write does to the stored object, and which writes are refused.

use crate::per_user::Overlay;
use crate::policy::{CalendarPolicy, Policy};
use crate::privacy::{EventPrivacy, PrivacyRecord};
use crate::privilege::Privilege;
use crate::project::{StoredObject, ViewProfile, VisibleObject};
use ical::{CalendarObject, ExpansionLimits};

/// Why a write is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The viewer lacks this privilege on what he sees. Use with: 403 `DAV:need-privileges`.
    Denied(Privilege),
    /// The UID of a stored object can't be changed. Use with: 403 `CALDAV:no-uid-conflict`.
    UidChanged,
}

/// A PUT to decide. `existing` and `visible` are the object the shown name resolves to, or both absent.
#[derive(Clone, Copy, Debug)]
pub struct Put<'a> {
    /// What was sent.
    pub new: &'a CalendarObject,
    /// The stored object and its projection for the writer.
    pub existing: Option<(&'a StoredObject<'a>, &'a VisibleObject)>,
    /// The writer's profile.
    pub profile: &'a ViewProfile,
    /// The organisation's policy.
    pub policy: &'a Policy,
    /// The calendar's.
    pub calendar_policy: &'a CalendarPolicy,
    /// For a new object of the owner: the strictest privacy that an object with this UID has or had in her calendars.
    pub known_uid_privacy: Option<EventPrivacy>,
    /// Bounds of counting instances.
    pub limits: &'a ExpansionLimits,
}

/// What to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutPlan {
    /// The new base; `None`: it stays as it is and so does every other view.
    pub base: Option<String>,
    /// The new record.
    pub privacy: PrivacyRecord,
    /// The writer's new personal part (its `base_version` is filled in by the store); `None`: he has none.
    pub overlay: Option<Overlay>,
    /// A private mark was kept against the client's CLASS.
    pub privacy_kept: bool,
}

/// Decides a PUT: rights, guards of `edit` without `delete`, CLASS rules, personal items, mapping pseudonyms back.
pub fn plan_put(put: &Put<'_>) -> Result<PutPlan, Refusal> {
    let _ = put;
    todo!()
}

/// Decides a DELETE, or MOVE away.
pub fn check_delete(visible: &VisibleObject) -> Result<(), Refusal> {
    let _ = visible;
    todo!()
}

/// Decides a COPY out: Full on every component.
pub fn check_copy_out(visible: &VisibleObject) -> Result<(), Refusal> {
    let _ = visible;
    todo!()
}

/// The privacy record of a new object: from CLASS, the calendar's default and, for the owner, what is known of its UID.
pub fn record_for_new(
    new: &CalendarObject,
    policy: &Policy,
    calendar_policy: &CalendarPolicy,
    known: Option<EventPrivacy>,
) -> PrivacyRecord {
    let _ = (new, policy, calendar_policy, known);
    todo!()
}
