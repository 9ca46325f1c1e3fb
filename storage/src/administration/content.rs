//! Objects in and out of a calendar in bulk, as its owner would put and get them: by the same rules of writing and the same
//! projection as at her door.

use super::Imported;
use super::edit::Edit;
use crate::calendars;
use crate::error::{Error, Limit, Result};
use crate::journal::{self, What};
use crate::keys::UidHash;
use crate::limits::Limits;
use crate::objects::{self, Target};
use crate::principals;
use crate::read::Read;
use crate::record::StoredCalendar;
use crate::store::Snapshot;
use crate::view::{LoadedObject, RealIdentity};
use acl::pseudonym::base32;
use acl::write::{Put, PutPlan, Refusal, plan_put, record_for_new};
use acl::{AccessMatrix, CalendarPolicy, ObjectId, Policy, PrivacyRecord, ViewProfile, project};
use ical::content_line::Component;
use ical::{CalendarObject, ExpansionLimits, RecurrenceId};
use std::collections::BTreeSet;

/// Bytes of a UID that becomes the name of its object.
const NAME_UID_BYTES_MAX: usize = 128;

/// What the owner's reads and writes of one calendar depend on.
pub(super) struct OwnerSide {
    pub(super) profile: ViewProfile,
    pub(super) policy: Policy,
}

impl OwnerSide {
    pub(super) fn of(snapshot: &Snapshot<'_>, read: &dyn Read, calendar: &StoredCalendar) -> Result<Self> {
        let policy = snapshot.policy()?;
        let owner = principals::user(read, calendar.record.owner)?.ok_or(Error::Corrupted("a calendar without its owner"))?;
        let profile = ViewProfile {
            viewer: calendar.record.owner,
            calendar: calendar.id,
            matrix: AccessMatrix::owner(),
            words: policy.words.clone(),
            owner_addresses: owner.addresses,
            participant_addresses: Vec::new(),
            key: snapshot.key().clone(),
        };
        Ok(Self { profile, policy })
    }
}

/// Imports objects by UID, all in one commit; what one object is refused for stops no other.
pub(super) fn import(edit: &mut Edit<'_>, owner: &str, name: &str, objects: &[CalendarObject]) -> Result<Vec<Result<Imported>>> {
    let mut calendar = edit.calendar_named(owner, name)?;
    let side = OwnerSide::of(edit.snapshot, &edit.transaction, &calendar)?;
    let mut outcomes = Vec::with_capacity(objects.len());
    for object in objects {
        outcomes.push(match import_one(edit, &side, &mut calendar, object) {
            Err(error @ (Error::Corrupted(_) | Error::DiskFull | Error::Engine(_))) => return Err(error),
            outcome => outcome,
        });
    }
    Ok(outcomes)
}

fn import_one(edit: &mut Edit<'_>, side: &OwnerSide, calendar: &mut StoredCalendar, new: &CalendarObject) -> Result<Imported> {
    let limits = edit.snapshot.limits();
    objects::check_content(new, &calendar.record.kinds(), limits)?;
    let existing = first_with_uid(&edit.transaction, calendar, UidHash::of(new.uid()), limits)?;
    let stored = existing.as_ref().map(|existing| existing.stored(RealIdentity::Free));
    let visible = stored.as_ref().and_then(|stored| project(stored, &side.profile));
    let known = match existing {
        None => objects::known_uid_privacy(&edit.transaction, calendar.record.owner, UidHash::of(new.uid()))?,
        Some(_) => None,
    };
    let plan = plan_put(&Put {
        new,
        existing: stored.as_ref().zip(visible.as_ref()),
        profile: &side.profile,
        policy: &side.policy,
        calendar_policy: &calendar.record.policy,
        known_uid_privacy: known,
        limits: &ExpansionLimits { instances_max: limits.instances_max, ..ExpansionLimits::default() },
    });
    let plan = plan.map_err(|refusal| match refusal {
        Refusal::Denied(privilege) => Error::Denied { privilege },
        Refusal::UidChanged => Error::Corrupted("an index names an object of another UID"),
    })?;
    let target_name;
    let (target, outcome) = match &existing {
        Some(existing) if is_as_planned(existing, &plan) => return Ok(Imported::Unchanged),
        Some(existing) => (Target::Existing(existing.id), Imported::Replaced),
        None => {
            if usize::try_from(calendar.record.objects).map_or(true, |objects| objects >= limits.calendar_objects_max) {
                return Err(Error::LimitExceeded(Limit::Space));
            }
            let id = ObjectId(edit.snapshot.random_id());
            target_name = free_name(&edit.transaction, calendar, new.uid(), id)?;
            (Target::New(id, &target_name), Imported::Created)
        }
    };
    let writer = calendar.record.owner;
    if plan.privacy_kept {
        let object = existing.as_ref().map(|existing| existing.record.name.clone());
        journal::record_now(&mut edit.transaction, calendar.id, &edit.author, What::PrivacyKept { object }, limits)?;
    }
    let stamp = edit.stamp()?;
    objects::store_plan(&mut edit.transaction, calendar, target, (plan, new, edit.snapshot.parsed()), (writer, &stamp), limits)?;
    Ok(outcome)
}

/// Of several objects with one UID, the one the owner sees under it: the earliest.
fn first_with_uid(read: &dyn Read, calendar: &StoredCalendar, uid: UidHash, limits: &Limits) -> Result<Option<LoadedObject>> {
    let mut first: Option<(u64, ObjectId)> = None;
    for id in objects::with_uid(read, calendar.id, uid)? {
        let record = objects::by_id(read, calendar.id, id)?.ok_or(Error::Corrupted("an index names an object that is not there"))?;
        if first.is_none_or(|(order, _)| record.order < order) {
            first = Some((record.order, id));
        }
    }
    first.map_or(Ok(None), |(_, id)| LoadedObject::load(read, calendar.id, id, calendar.record.owner, limits))
}

/// Whether storing the plan would change nothing.
fn is_as_planned(existing: &LoadedObject, plan: &PutPlan) -> bool {
    let overlay = match (&existing.overlay, &plan.overlay) {
        (None, None) => true,
        (Some(old), Some(new)) => old.items == new.items && old.verbatim == new.verbatim,
        _ => false,
    };
    overlay && plan.privacy == existing.record.privacy && plan.base.as_ref().is_none_or(|base| base == existing.text())
}

/// The UID if it makes a plain file name that is free, else a hash of it, else the object's own id.
fn free_name(read: &dyn Read, calendar: &StoredCalendar, uid: &str, id: ObjectId) -> Result<String> {
    let plain = (1..=NAME_UID_BYTES_MAX).contains(&uid.len())
        && !uid.starts_with('.')
        && uid.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'@'));
    let hashed = || format!("{}.ics", base32(blake3::hash(uid.as_bytes()).as_bytes()));
    let first = if plain { format!("{uid}.ics") } else { hashed() };
    for name in [first, hashed()] {
        if objects::named(read, calendar.id, &name)?.is_empty() {
            return Ok(name);
        }
    }
    Ok(format!("{}.ics", base32(blake3::hash(&id.0).as_bytes())))
}

/// All objects as the owner gets them, by name, and an empty text for one that is damaged; where importing them would not give the recorded privacy again, CLASS says it.
pub(super) fn export(snapshot: &Snapshot<'_>, owner: &str, name: &str) -> Result<Vec<(String, Vec<u8>)>> {
    let calendar = match principals::user_named(snapshot, owner)? {
        Some((id, _)) => calendars::named(snapshot, id, name)?,
        None => None,
    };
    let Some(calendar) = calendar else {
        return Err(Error::Invalid(format!("there is no calendar {owner}/{name}")));
    };
    let side = OwnerSide::of(snapshot, snapshot, &calendar)?;
    let mut files = Vec::new();
    let mut all = objects::all(snapshot, calendar.id)?;
    all.sort_by_key(|(_, record)| record.order);
    // Of two objects with one name or UID the later goes under its pseudonyms, as it is shown to the owner: an import takes
    // objects by UID, and would make one of what somebody put beside hers.
    let (mut names, mut uids) = (BTreeSet::new(), BTreeSet::new());
    for (id, record) in all {
        let is_first = names.insert(record.name.clone()) & uids.insert(record.uid);
        let identity = if is_first { RealIdentity::Free } else { RealIdentity::Taken };
        let loaded = match LoadedObject::load(snapshot, calendar.id, id, calendar.record.owner, snapshot.limits()) {
            // One damaged object does not keep the others in.
            Err(Error::Corrupted(_)) => {
                files.push((record.name, record.order, Vec::new()));
                continue;
            }
            loaded => loaded?,
        };
        let Some(owned) = loaded else {
            continue;
        };
        let Some(visible) = project(&owned.stored(identity), &side.profile) else {
            continue;
        };
        let bytes = match visible.calendar() {
            Some(object) => with_class(object, &owned.record.privacy, &side.policy, &calendar.record.policy, snapshot.limits()),
            None => visible.bytes().to_vec(),
        };
        files.push((visible.name().to_owned(), owned.record.order, bytes));
    }
    files.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    Ok(files.into_iter().map(|(name, _, bytes)| (name, bytes)).collect())
}

/// The object with CLASS lines such that importing it gives the recorded privacy again. What CLASS cannot say comes out
/// stricter, never wider.
fn with_class(object: &CalendarObject, privacy: &PrivacyRecord, policy: &Policy, calendar: &CalendarPolicy, limits: &Limits) -> Vec<u8> {
    let mut object = object.clone();
    let mut ids: Vec<Option<RecurrenceId>> = object.components().map(|component| object.recurrence_id(component)).collect();
    // The master first: a CLASS that an override lacks is its master's.
    ids.sort();
    for id in ids {
        let wanted = privacy.of(id.as_ref());
        let derived = |object: &CalendarObject| record_for_new(object, policy, calendar, None).of(id.as_ref());
        if derived(&object) == wanted {
            continue;
        }
        let mut best: Option<(u8, CalendarObject)> = None;
        for class in [Some(wanted.class_value()), None, Some("CONFIDENTIAL"), Some("PRIVATE")] {
            let Some(component) = object.components().find(|component| object.recurrence_id(component) == id) else {
                break;
            };
            let Ok(mended) = objects::parse_stored(set_class(object.text(), component, class).as_bytes(), limits) else {
                continue;
            };
            let strictness = derived(&mended).strictness();
            if strictness >= wanted.strictness() && best.as_ref().is_none_or(|(best, _)| strictness < *best) {
                best = Some((strictness, mended));
            }
        }
        if let Some((_, mended)) = best {
            object = mended;
        }
    }
    object.bytes().to_vec()
}

/// The text with exactly this CLASS in the component, or none.
fn set_class(text: &str, component: &Component, class: Option<&str>) -> String {
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let at = component.lines.first().map_or(component.end_span.start, |line| line.span.start);
    let mut out = String::with_capacity(text.len() + 24);
    let mut from = 0;
    let mut keep = |out: &mut String, to: usize, resume: usize| {
        out.push_str(text.get(from..to).unwrap_or_default());
        from = resume;
    };
    keep(&mut out, at, at);
    if let Some(class) = class {
        out.push_str("CLASS:");
        out.push_str(class);
        out.push_str(end);
    }
    for line in component.lines_named("CLASS") {
        keep(&mut out, line.span.start, line.span.end);
    }
    keep(&mut out, text.len(), text.len());
    out
}
