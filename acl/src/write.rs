//! What a write does to the stored object, and which writes are refused.
//!
//! Nothing is stored here: a plan is what the store is to commit. What a viewer may do with an object comes with its
//! projection and is not worked out again.

mod class_lines;
pub(crate) mod former;
mod guard;

use crate::access::Relation;
use crate::level::Visibility;
use crate::participation::ForeignAttendees;
use crate::per_user::{self, Overlay, PersonalItem};
use crate::policy::{CalendarPolicy, Policy};
use crate::privacy::{Class, EventPrivacy, PrivacyRecord};
use crate::privilege::Privilege;
use crate::project::{Identity, ObjectRights, StoredObject, ViewProfile, VisibleObject};
use crate::text_edit::{TextEdit, apply};
use class_lines::ClassChange;
use former::Formers;
use ical::{CalendarObject, ExpansionLimits};

/// Why a write is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The viewer lacks this privilege on what he sees. Use with: 403 `DAV:need-privileges`.
    #[error("not allowed")]
    Denied(Privilege),
    /// The UID of a stored object can't be changed, by anybody. Use with: 403 `CALDAV:no-uid-conflict`.
    #[error("the UID of an object cannot be changed")]
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
    /// The new base; `None`: the stored one stays as it is, and every other view with it unless `privacy` changes.
    pub base: Option<String>,
    /// The new record.
    pub privacy: PrivacyRecord,
    /// Whose names on it are no invitations of the owner's.
    pub foreign_attendees: ForeignAttendees,
    /// The writer's new personal part (its `base_version` is filled in by the store); `None`: he has none.
    pub overlay: Option<Overlay>,
    /// The client's CLASS asked for less privacy than stays recorded, and was put back: for the journal.
    pub privacy_kept: bool,
}

/// Decides a PUT: rights, guards of `edit` without `delete`, CLASS rules, personal items, mapping pseudonyms back.
///
/// CLASS over a stored object. The owner raises privacy always. Any less strict CLASS, `CONFIDENTIAL` on a private event as
/// much as `PUBLIC`, lowers it only in a PUT that changes nothing else but DTSTAMP, LAST-MODIFIED, SEQUENCE and personal
/// items (or in any, if policy says so), and only if it differs from the CLASS that is stored; else the record stays and the
/// line is put back. Without CLASS the record stays. A new override of hers counts as an instance of the master so far.
/// Others change no record: what they store keeps the CLASS lines it has, a new override takes its master's privacy. A
/// synchronization target speaks for the owner, except that it lowers nothing, and that it stores nothing private of which it
/// is not shown what is there.
pub fn plan_put(put: &Put<'_>) -> Result<PutPlan, Refusal> {
    match put.existing {
        None => plan_new(put),
        Some((stored, visible)) => plan_change(put, stored, visible.rights(), visible.identity()),
    }
}

/// Decides a DELETE, or MOVE away (for which [`check_copy_out`] has to agree as well), or being overwritten.
pub fn check_delete(visible: &VisibleObject) -> Result<(), Refusal> {
    match visible.rights().delete {
        true => Ok(()),
        false => Err(Refusal::Denied(Privilege::Unbind)),
    }
}

/// Decides a COPY out: Full on every component shown. What is copied is the projection, so that a component hidden from the
/// viewer neither travels nor makes a difference.
pub fn check_copy_out(visible: &VisibleObject) -> Result<(), Refusal> {
    match visible.least_visibility() == Visibility::Full {
        true => Ok(()),
        false => Err(Refusal::Denied(Privilege::Read)),
    }
}

/// The privacy record of a new object: from CLASS, the calendar's default and, for the owner, what is known of its UID.
/// `known` is the strictest that an object of this UID has or had in her calendars; a component without CLASS is not below it.
pub fn record_for_new(
    new: &CalendarObject,
    policy: &Policy,
    calendar_policy: &CalendarPolicy,
    known: Option<EventPrivacy>,
) -> PrivacyRecord {
    let public = calendar_policy.public_means(policy);
    let default = calendar_policy.default_privacy;
    let unsaid = known.map_or(default, |known| known.stricter(default));
    let master = new.master().and_then(|master| Class::of(master).privacy(public)).unwrap_or(unsaid);
    PrivacyRecord::new(new.components().map(|component| {
        let privacy = Class::of(component).privacy(public).unwrap_or(master);
        (new.recurrence_id(component), privacy)
    }))
}

/// The privacy record with which an object that is copied or moved arrives in a calendar: it is carried, but Public is only
/// where the destination widens it.
pub fn record_on_arrival(record: &PrivacyRecord, policy: &Policy, destination: &CalendarPolicy) -> PrivacyRecord {
    let public = destination.public_means(policy);
    let carried = |privacy| if privacy == EventPrivacy::Public { public } else { privacy };
    PrivacyRecord { components: record.components.iter().map(|(id, privacy)| (id.clone(), carried(*privacy))).collect() }
}

/// A new object: whoever may create says what its privacy is.
fn plan_new(put: &Put<'_>) -> Result<PutPlan, Refusal> {
    let matrix = &put.profile.matrix;
    if !matrix.create {
        return Err(Refusal::Denied(Privilege::Bind));
    }
    // Who is not told of private ones here makes his own as he says.
    let known = put.known_uid_privacy.filter(|known| match matrix.relation {
        Relation::Owner => true,
        Relation::Target(_) => matrix.cell_of(*known, put.new.kind()).edit,
        Relation::Other => false,
    });
    let privacy = record_for_new(put.new, put.policy, put.calendar_policy, known);
    check_synchronized(put, &privacy, Privilege::Bind)?;
    let split = per_user::split(put.new);
    let verbatim = (!per_user::is_normal(put.new)).then(|| put.new.text().to_owned());
    let foreign_attendees = ForeignAttendees::of_new(matrix.relation);
    Ok(PutPlan { base: Some(split.base), privacy, foreign_attendees, overlay: overlay(split.items, verbatim), privacy_kept: false })
}

/// A stored object written over.
fn plan_change(put: &Put<'_>, stored: &StoredObject<'_>, rights: ObjectRights, identity: Identity) -> Result<PutPlan, Refusal> {
    let (new, old) = (put.new, stored.base);
    if !rights.edit {
        return Err(Refusal::Denied(Privilege::WriteContent));
    }
    check_uid(put, stored, identity)?;
    let formers = Formers::new(old, new);
    if let (Some(old), false) = (old, rights.delete) {
        guard::check_keeps(old, new, &formers, put.limits)?;
    }
    let class = class_lines::decide(&ClassChange {
        new,
        old,
        formers: &formers,
        record: stored.privacy,
        writer: put.profile.matrix.relation,
        public: put.calendar_policy.public_means(put.policy),
        lowers: put.policy.class_public_lowers,
    });
    check_synchronized(put, &class.record, Privilege::WriteContent)?;
    let mut edits = class.edits;
    if let (Some(old), Identity::Pseudonym) = (old, identity) {
        edits.extend(real_uid(old, new));
    }
    let mapped = !edits.is_empty();
    let items = per_user::items(new);
    // The same content under other stamps: the base stays, and with it every other view.
    let unchanged = old.filter(|old| class.as_stored && per_user::same_content(old, new));
    let (base, is_normal) = match unchanged {
        Some(old) => (None, per_user::merge(old, &items) == new.text()),
        None => {
            let personal = new.components().flat_map(per_user::personal_ranges).map(TextEdit::remove);
            (Some(apply(new.text(), edits.into_iter().chain(personal).collect())), per_user::is_normal(new))
        }
    };
    let verbatim = (!mapped && !is_normal).then(|| new.text().to_owned());
    let foreign_attendees = match base {
        Some(_) => stored.foreign_attendees.after(old, new, &formers, put.profile.matrix.relation),
        None => stored.foreign_attendees.clone(),
    };
    Ok(PutPlan { base, privacy: class.record, foreign_attendees, overlay: overlay(items, verbatim), privacy_kept: class.kept })
}

/// What a synchronization target does not carry it does not bring either: it writes no component that it would not be shown.
fn check_synchronized(put: &Put<'_>, record: &PrivacyRecord, lacking: Privilege) -> Result<(), Refusal> {
    let matrix = &put.profile.matrix;
    let brings = |privacy| matrix.cell_of(privacy, put.new.kind()).edit;
    let is_target = matches!(matrix.relation, Relation::Target(_));
    match is_target && !record.components.iter().all(|(_, privacy)| brings(*privacy)) {
        true => Err(Refusal::Denied(lacking)),
        false => Ok(()),
    }
}

/// A stored object keeps its UID: the one the writer is shown.
fn check_uid(put: &Put<'_>, stored: &StoredObject<'_>, identity: Identity) -> Result<(), Refusal> {
    let Some(old) = stored.base else { return Ok(()) };
    let profile = put.profile;
    let same = match identity {
        Identity::Real => put.new.uid() == old.uid(),
        Identity::Pseudonym => put.new.uid() == profile.key.object_uid(profile.calendar, stored.id),
    };
    if same { Ok(()) } else { Err(Refusal::UidChanged) }
}

/// Puts the stored UID, as it is written there, in the place of the pseudonym.
fn real_uid(old: &CalendarObject, new: &CalendarObject) -> Vec<TextEdit> {
    let line = old.components().find_map(|component| component.line("UID"));
    let text = line.and_then(|line| old.text().get(line.span.clone())).unwrap_or_default();
    let lines = new.components().flat_map(|component| component.lines_named("UID"));
    lines.map(|line| TextEdit { range: line.span.clone(), text: text.to_owned() }).collect()
}

/// The writer's personal part, if there is anything in it. The store fills in the version of the base.
fn overlay(items: Vec<PersonalItem>, verbatim: Option<String>) -> Option<Overlay> {
    (verbatim.is_some() || !items.is_empty()).then_some(Overlay { base_version: 0, verbatim, items })
}

#[cfg(test)]
mod tests;
