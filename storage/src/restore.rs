//! Bringing back an earlier version of an object, or an object out of the trash, as a write of the owner's: by the same rules
//! of privacy, into the same limits. Only the owner, or the administrator on the machine in her place, gets here.

use crate::error::{Error, Limit, Result};
use crate::history::{self, HistoryRecord, Stamp, VersionRecord, What};
use crate::keys;
use crate::objects::{self, Replacement};
use crate::read::{Read, Transaction, record};
use crate::record::StoredCalendar;
use crate::store::Snapshot;
use crate::trash;
use crate::view::{LoadedObject, RealIdentity};
use acl::per_user::Overlay;
use acl::pseudonym::base32;
use acl::write::{Put, Refusal, plan_put, record_on_arrival};
use acl::{EventPrivacy, ObjectId, Policy, PrivacyRecord, ViewProfile, project};
use ical::{CalendarObject, ExpansionLimits};

/// The owner's side of a calendar, and on whose record it goes.
pub(crate) struct Side<'a> {
    pub(crate) snapshot: &'a Snapshot<'a>,
    /// The owner's.
    pub(crate) profile: &'a ViewProfile,
    pub(crate) policy: &'a Policy,
    pub(crate) stamp: &'a Stamp,
}

/// Where an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    There(ObjectId),
    Trashed(ObjectId),
}

/// An object by its name or id: the one that bears the name; else, of those that are in the trash under it, the one that was
/// deleted last.
pub(crate) fn find(read: &dyn Read, calendar: &StoredCalendar, name_or_id: &str) -> Result<Whereabouts> {
    let mut first: Option<(u64, ObjectId)> = None;
    for id in objects::named(read, calendar.id, name_or_id)? {
        let order = objects::by_id(read, calendar.id, id)?.map_or(u64::MAX, |object| object.order);
        if first.is_none_or(|(before, _)| order < before) {
            first = Some((order, id));
        }
    }
    if let Some((_, id)) = first {
        return Ok(Whereabouts::There(id));
    }
    if let Some(id) = find_trashed(read, calendar, name_or_id)? {
        return Ok(Whereabouts::Trashed(id));
    }
    let id = history::listing::id_from(name_or_id).map(ObjectId).ok_or(Error::NotFound)?;
    match objects::by_id(read, calendar.id, id)? {
        Some(_) => Ok(Whereabouts::There(id)),
        None => Err(Error::NotFound),
    }
}

/// An object in the trash by its name or id; of several, the one that was deleted last.
pub(crate) fn find_trashed(read: &dyn Read, calendar: &StoredCalendar, name_or_id: &str) -> Result<Option<ObjectId>> {
    let asked = history::listing::id_from(name_or_id).map(ObjectId);
    let found = trash::objects(read, calendar.id)?;
    let found = found.into_iter().filter(|(id, object)| object.record.name == name_or_id || Some(*id) == asked);
    Ok(found.max_by_key(|(_, object)| object.deleted.at).map(|(id, _)| id))
}

/// Makes an earlier version the present one. Its record of privacy comes back with it, but nothing becomes more open than it
/// is now: who marked an event private since is not undone. Everyone's alarms stay as they are.
pub(crate) fn version(
    transaction: &mut Transaction<'_>,
    calendar: &mut StoredCalendar,
    id: ObjectId,
    number: u64,
    side: &Side<'_>,
) -> Result<()> {
    let limits = side.snapshot.limits();
    let (version, text) = earlier(transaction, id, number)?;
    let new = objects::parse_stored(text.as_bytes(), limits)?;
    objects::check_content(&new, &calendar.record.kinds(), limits)?;
    let owner = calendar.record.owner;
    let object = LoadedObject::load(transaction, calendar.id, id, owner, limits)?.ok_or(Error::NotFound)?;
    let stored = object.stored(RealIdentity::Free);
    let visible = project(&stored, side.profile).ok_or(Error::Corrupted("an object that its owner does not see"))?;
    let plan = plan_put(&Put {
        new: &new,
        existing: Some((&stored, &visible)),
        profile: side.profile,
        policy: side.policy,
        calendar_policy: &calendar.record.policy,
        known_uid_privacy: None,
        limits: &ExpansionLimits { instances_max: limits.instances_max, ..ExpansionLimits::default() },
    });
    let plan = plan.map_err(|refusal| match refusal {
        Refusal::Denied(privilege) => Error::Denied { privilege },
        Refusal::UidChanged => Error::UidConflict { name: object.record.name.clone() },
    })?;
    let carried = record_on_arrival(&version.privacy, side.policy, &calendar.record.policy);
    // What a version between had private may be in neither.
    let known = objects::known_uid_privacy(transaction, owner, object.record.uid)?;
    let privacy = marked_since(transaction, id, number, known)?.closes(&new, &stricter(&new, &plan.privacy, &carried)).at_least(known);
    let base = plan.base.as_deref().map(|text| objects::parse_stored(text.as_bytes(), limits)).transpose()?;
    // Her bytes as she sent them are those of a base that goes; if it stays, so do they.
    let keeps_bytes = |overlay: &Overlay| base.is_none() && overlay.base_version == object.record.base_version;
    let overlay = object.overlay.clone().map(|overlay| match keeps_bytes(&overlay) {
        true => overlay,
        false => Overlay { verbatim: None, ..overlay },
    });
    // Whom somebody else had put there then is no guest of hers now.
    let foreign_attendees = plan.foreign_attendees.or(version.foreign_attendees);
    let replacement = Replacement { base: base.as_ref(), privacy, foreign_attendees, writer: owner, overlay, what: What::Restored };
    objects::replace(transaction, calendar, id, replacement, side.stamp, limits)
}

/// An earlier version with its body.
pub(crate) fn earlier(read: &dyn Read, id: ObjectId, number: u64) -> Result<(VersionRecord, String)> {
    let version: VersionRecord = record(read, &keys::version(id, number))?.ok_or(Error::NotFound)?;
    if version.content_bytes.is_none() {
        return Err(Error::NotFound);
    }
    let body = read.get(&keys::version_body(id, number))?.ok_or(Error::Corrupted("a version without its body"))?;
    Ok((version, String::from_utf8(body).map_err(|_| Error::Corrupted("a body that is not UTF-8"))?))
}

fn stricter(object: &CalendarObject, planned: &PrivacyRecord, carried: &PrivacyRecord) -> PrivacyRecord {
    PrivacyRecord::new(object.components().map(|component| {
        let id = object.recurrence_id(component);
        let planned = planned.of(id.as_ref());
        let privacy = carried.get(id.as_ref()).map_or(planned, |carried| planned.stricter(carried));
        (id, privacy)
    }))
}

/// What the components of an object were marked after one of its versions.
struct Marks {
    versions: Vec<PrivacyRecord>,
    /// Some of the versions are gone: the strictest that any component had or has.
    at_least: Option<EventPrivacy>,
}

fn marked_since(read: &dyn Read, id: ObjectId, number: u64, known: Option<EventPrivacy>) -> Result<Marks> {
    let later: Vec<(u64, VersionRecord)> = history::versions(read, id)?.into_iter().filter(|(later, _)| *later > number).collect();
    let present = record::<HistoryRecord>(read, &keys::history(id))?.map_or(number, |history| history.number);
    let all_there = later.len() as u64 == present.saturating_sub(number).saturating_sub(1);
    let versions = later.into_iter().map(|(_, version)| version.privacy).collect();
    Ok(Marks { versions, at_least: known.filter(|_| !all_there) })
}

impl Marks {
    /// Nothing becomes more open than it was marked since.
    fn closes(&self, object: &CalendarObject, planned: &PrivacyRecord) -> PrivacyRecord {
        PrivacyRecord::new(object.components().map(|component| {
            let id = object.recurrence_id(component);
            let since = self.versions.iter().filter_map(|version| version.get(id.as_ref())).chain(self.at_least);
            let privacy = since.fold(planned.of(id.as_ref()), EventPrivacy::stricter);
            (id, privacy)
        }))
    }
}

/// Brings an object back out of the trash, under its name or, if that is taken, another; the name. Refused while another
/// object of the calendar has its UID.
pub(crate) fn object(transaction: &mut Transaction<'_>, calendar: &mut StoredCalendar, id: ObjectId, side: &Side<'_>) -> Result<String> {
    let limits = side.snapshot.limits();
    let mut trashed = trash::object(transaction, calendar.id, id)?.ok_or(Error::NotFound)?;
    if !calendar.record.kinds().contains(&trashed.record.kind.kind()) {
        return Err(Error::ComponentNotSupported);
    }
    if usize::try_from(calendar.record.objects).map_or(true, |objects| objects >= limits.calendar_objects_max) {
        return Err(Error::LimitExceeded(Limit::Space));
    }
    if let Some(other) = objects::with_uid(transaction, calendar.id, trashed.record.uid)?.first() {
        let name = objects::by_id(transaction, calendar.id, *other)?.map_or_else(String::new, |other| other.name);
        return Err(Error::UidConflict { name });
    }
    let known = objects::known_uid_privacy(transaction, calendar.record.owner, trashed.record.uid)?;
    let carried = record_on_arrival(&trashed.record.privacy, side.policy, &calendar.record.policy);
    // Another of its UID may have been marked private while it was gone.
    trashed.record.privacy = carried.at_least(known);
    let name = match objects::named(transaction, calendar.id, &trashed.record.name)?.is_empty() {
        true => trashed.record.name.clone(),
        false => format!("{}.ics", base32(blake3::hash(&side.snapshot.random_id()).as_bytes())),
    };
    trash::revive_object(transaction, calendar, (id, &name), trashed, side.stamp, limits)?;
    Ok(name)
}

/// Brings back an object or a version of it by name or id: see [`crate::AuthorizedWriter::restore_object`]. The name it then
/// has.
pub(crate) fn by_name(
    transaction: &mut Transaction<'_>,
    calendar: &mut StoredCalendar,
    name_or_id: &str,
    number: Option<u64>,
    side: &Side<'_>,
) -> Result<String> {
    let found = match number {
        // Who names no version means the one in the trash, even if something bears its name by now.
        None => match find_trashed(transaction, calendar, name_or_id)? {
            Some(id) => Whereabouts::Trashed(id),
            None => find(transaction, calendar, name_or_id)?,
        },
        Some(_) => find(transaction, calendar, name_or_id)?,
    };
    let id = match found {
        Whereabouts::There(id) | Whereabouts::Trashed(id) => id,
    };
    let record = match found {
        Whereabouts::There(_) => objects::by_id(transaction, calendar.id, id)?,
        Whereabouts::Trashed(_) => trash::object(transaction, calendar.id, id)?.map(|trashed| trashed.record),
    };
    let record = record.ok_or(Error::NotFound)?;
    let present = history::present(transaction, id, &record)?.number;
    match (found, number) {
        (Whereabouts::There(_), None) => Err(Error::Invalid("it is not in the trash: say which version".into())),
        (Whereabouts::There(_), Some(number)) if number == present => Err(Error::Invalid("that is the present version".into())),
        (Whereabouts::There(_), Some(number)) => version(transaction, calendar, id, number, side).map(|()| record.name),
        (Whereabouts::Trashed(_), None) => object(transaction, calendar, id, side),
        (Whereabouts::Trashed(_), Some(number)) => {
            let name = object(transaction, calendar, id, side)?;
            if number != present {
                version(transaction, calendar, id, number, side)?;
            }
            Ok(name)
        }
    }
}
