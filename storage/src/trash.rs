//! Deleted objects and calendars until they are gone for good: the owner's alone.
//!
//! What is deleted is taken off every index that anybody's view is made from, in the commit of the deletion, and stays where
//! it stands otherwise: the body and personal parts of an object, all that hangs on a calendar's id, its grants included. So
//! deleting costs no more than before, and what comes back comes back whole, under the same ids. Nothing here decides who may
//! do it.

use crate::error::{Error, Limit, Result};
use crate::history::kept::{self, Kept, Kind, Whose};
use crate::history::{self, Former, Place, Stamp};
use crate::keys::{self, PropertyHolder, UidHash};
use crate::limits::Limits;
use crate::read::{Read, Transaction, keys as keys_of, record, records};
use crate::record::{CalendarRecord, ObjectRecord, StoredCalendar};
use crate::store::Snapshot;
use crate::{break_glass, calendars, grants, links, objects, principals, roles, usage, view};
use acl::{CalendarId, ForeignAttendees, Grant, Grantee, ObjectId, PrincipalId, PrivacyRecord};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// A deleted object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TrashedObject {
    pub(crate) record: ObjectRecord,
    pub(crate) deleted: Stamp,
}

/// A deleted calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TrashedCalendar {
    pub(crate) record: CalendarRecord,
    /// As she was called, since she may be removed herself.
    pub(crate) owner_name: String,
    pub(crate) deleted: Stamp,
    /// Bytes of its objects.
    pub(crate) content_bytes: u64,
    pub(crate) state: TrashState,
}

/// Whether a deleted calendar can come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TrashState {
    Whole,
    /// Some of it is gone for good already.
    Going,
}

/// Puts an object into the trash.
pub(crate) fn put_object(
    transaction: &mut Transaction<'_>,
    calendar: &mut StoredCalendar,
    id: ObjectId,
    stamp: &Stamp,
    limits: &Limits,
) -> Result<()> {
    let record = objects::take_out(transaction, calendar, id, stamp, limits)?;
    let (owner, content_bytes) = (calendar.record.owner, record.content_bytes);
    let whose = Whose::of(&history::present(transaction, id, &record)?.stamp.by, owner);
    kept::add(transaction, &kept_object(owner, id, stamp), whose, content_bytes, Some(calendar.id))?;
    transaction.put_record(keys::trashed(calendar.id, id), &TrashedObject { record, deleted: stamp.clone() })?;
    kept::make_room(transaction, owner, stamp, if whose == Whose::Owner { content_bytes } else { 0 }, limits)
}

fn kept_object(owner: PrincipalId, id: ObjectId, deleted: &Stamp) -> Kept {
    Kept { owner, kind: Kind::Object, since: deleted.at, id: id.0, number: 0 }
}

fn kept_calendar(owner: PrincipalId, id: CalendarId, deleted: &Stamp) -> Kept {
    Kept { owner, kind: Kind::Calendar, since: deleted.at, id: id.0, number: 0 }
}

/// A deleted object.
pub(crate) fn object(read: &dyn Read, calendar: CalendarId, id: ObjectId) -> Result<Option<TrashedObject>> {
    record(read, &keys::trashed(calendar, id))
}

/// The deleted objects of a calendar by id.
pub(crate) fn objects(read: &dyn Read, calendar: CalendarId) -> Result<Vec<(ObjectId, TrashedObject)>> {
    let with_id = |(key, object): (Vec<u8>, TrashedObject)| {
        Ok((keys::last_id(&key).map(ObjectId).ok_or(Error::Corrupted("a deleted object's key"))?, object))
    };
    records(read, &keys::table_of(keys::TRASH, &calendar.0))?.into_iter().map(with_id).collect()
}

/// Brings an object back under a name that is free, as it was, its personal parts included. Whether there is room for it, and
/// whether its UID is free, was seen to before.
pub(crate) fn revive_object(
    transaction: &mut Transaction<'_>,
    calendar: &mut StoredCalendar,
    (id, name): (ObjectId, &str),
    trashed: TrashedObject,
    stamp: &Stamp,
    limits: &Limits,
) -> Result<()> {
    let TrashedObject { mut record, deleted } = trashed;
    let owner = calendar.record.owner;
    let place = Place { owner, calendar: calendar.id, object: id };
    kept::remove(transaction, &kept_object(owner, id, &deleted))?;
    transaction.delete(keys::trashed(calendar.id, id));
    history::came_back(transaction, place, &record, (&deleted, stamp), limits)?;
    name.clone_into(&mut record.name);
    record.modified = stamp.at;
    objects::put_back(transaction, calendar, id, record)
}

/// Removes a deleted object for good, with its history and everyone's personal parts.
pub(crate) fn purge_object(transaction: &mut Transaction<'_>, owner: PrincipalId, calendar: CalendarId, id: ObjectId) -> Result<()> {
    let trashed = object(transaction, calendar, id)?.ok_or(Error::Corrupted("a deleted object that is to go is not there"))?;
    kept::remove(transaction, &kept_object(owner, id, &trashed.deleted))?;
    transaction.delete(keys::trashed(calendar, id));
    objects::remove_rest(transaction, calendar, id)?;
    history::end(transaction, id)
}

/// Removes what somebody else than the owner made of a deleted object, to make room. What she had made of it before comes into
/// its place; if that was nothing, the object is gone for good.
pub(crate) fn purge_content(
    transaction: &mut Transaction<'_>,
    owner: PrincipalId,
    (calendar, id): (CalendarId, ObjectId),
    limits: &Limits,
) -> Result<()> {
    let mut trashed = object(transaction, calendar, id)?.ok_or(Error::Corrupted("a deleted object that is to go is not there"))?;
    let place = Place { owner, calendar, object: id };
    let Some(Former { version, body }) = history::fall_back(transaction, place, &trashed.record)? else {
        return purge_object(transaction, owner, calendar, id);
    };
    let base = objects::parse_stored(&body, limits)?;
    let kept = kept_object(owner, id, &trashed.deleted);
    kept::remove(transaction, &kept)?;
    kept::add(transaction, &kept, Whose::Owner, body.len() as u64, Some(calendar))?;
    let record = &mut trashed.record;
    record.uid = UidHash::of(base.uid());
    record.kind = base.kind().into();
    record.base_version = record.base_version.saturating_add(1);
    // She may have closed it since without writing it.
    record.privacy = PrivacyRecord::new(base.components().map(|component| {
        let id = base.recurrence_id(component);
        let (then, now) = (version.privacy.of(id.as_ref()), record.privacy.get(id.as_ref()));
        let privacy = now.map_or(then, |now| now.stricter(then));
        (id, privacy)
    }));
    record.content_bytes = body.len() as u64;
    record.span = base.span().into();
    objects::put_foreign_attendees(transaction, calendar, id, &version.foreign_attendees)?;
    transaction.put(keys::body(calendar, id), body);
    transaction.put_record(keys::trashed(calendar, id), &trashed)
}

/// Puts a calendar into the trash. Its grants end for as long as it is there, and all sync tokens for good.
pub(crate) fn put_calendar(
    transaction: &mut Transaction<'_>,
    calendar: &StoredCalendar,
    owner_name: &str,
    stamp: &Stamp,
    limits: &Limits,
) -> Result<()> {
    let owner = calendar.record.owner;
    for grant in grants::of_calendar(transaction, calendar.id)? {
        transaction.delete(keys::granted(grant.grantee, calendar.id));
    }
    let (mut content_bytes, mut number) = (0u64, 0u64);
    transaction.scan(&keys::table_of(keys::OBJECTS, &calendar.id.0), &mut |_, value| {
        content_bytes = content_bytes.saturating_add(crate::read::decode::<ObjectRecord>(value)?.content_bytes);
        number += 1;
        Ok(ControlFlow::Continue(()))
    })?;
    usage::in_home(transaction, owner, content_bytes, 0)?;
    view::end_tokens(transaction, calendar.id)?;
    // Links end for good: a calendar that comes back does not publish itself.
    links::end_of_calendar(transaction, calendar.id, |_| true, &stamp.into(), limits)?;
    break_glass::remove_of_calendar(transaction, calendar.id)?;
    transaction.delete(keys::home_calendar(owner, &calendar.record.name));
    transaction.delete(keys::calendar(calendar.id));
    let trashed = TrashedCalendar {
        record: calendar.record.clone(),
        owner_name: owner_name.to_owned(),
        deleted: stamp.clone(),
        content_bytes,
        state: TrashState::Whole,
    };
    transaction.put_record(keys::trashed_calendar(owner, calendar.id), &trashed)?;
    let with_records = content_bytes.saturating_add(number.saturating_mul(kept::RECORD_BYTES));
    kept::add(transaction, &kept_calendar(owner, calendar.id, stamp), Whose::Owner, with_records, None)?;
    kept::make_room(transaction, owner, stamp, with_records, limits)
}

/// A deleted calendar.
pub(crate) fn calendar(read: &dyn Read, owner: PrincipalId, id: CalendarId) -> Result<Option<TrashedCalendar>> {
    record(read, &keys::trashed_calendar(owner, id))
}

/// The deleted calendars of one owner, or of all, removed ones too, each with its owner.
pub(crate) fn calendars(read: &dyn Read, owner: Option<PrincipalId>) -> Result<Vec<(PrincipalId, CalendarId, TrashedCalendar)>> {
    let range = owner.map_or_else(|| keys::table(keys::TRASHED_CALENDARS), |owner| keys::table_of(keys::TRASHED_CALENDARS, &owner.0));
    let with_ids = |(key, calendar): (Vec<u8>, TrashedCalendar)| {
        let ids = keys::id_at(&key, 0).zip(keys::id_at(&key, 1)).ok_or(Error::Corrupted("a deleted calendar's key"))?;
        Ok((PrincipalId(ids.0), CalendarId(ids.1), calendar))
    };
    records(read, &range)?.into_iter().map(with_ids).collect()
}

/// A deleted calendar that is to come back.
pub(crate) struct Return<'a> {
    /// Whose it was.
    pub(crate) from: PrincipalId,
    pub(crate) id: CalendarId,
    /// Whose it will be.
    pub(crate) to: PrincipalId,
    /// Its name there.
    pub(crate) name: &'a str,
}

/// Brings a calendar back under a name that is free. To its owner with all that was hers: history, trash, and its grants to
/// whoever is still there. To another owner with its objects alone: whom it is shown is his to say, and
/// what stood in it once was hers.
pub(crate) fn revive_calendar(
    snapshot: &Snapshot<'_>,
    transaction: &mut Transaction<'_>,
    back: &Return<'_>,
    trashed: TrashedCalendar,
) -> Result<StoredCalendar> {
    let limits = snapshot.limits();
    if calendars::name_taken(transaction, back.to, back.name)? {
        return Err(Error::Exists);
    }
    if keys_of(transaction, &keys::table_of(keys::HOME_CALENDARS, &back.to.0))?.len() >= limits.calendars_per_user_max {
        return Err(Error::LimitExceeded(Limit::Space));
    }
    kept::remove(transaction, &kept_calendar(back.from, back.id, &trashed.deleted))?;
    transaction.delete(keys::trashed_calendar(back.from, back.id));
    let record = CalendarRecord { owner: back.to, name: back.name.to_owned(), ..trashed.record };
    let calendar = StoredCalendar { id: back.id, record };
    transaction.put_record(keys::home_calendar(back.to, back.name), &back.id)?;
    calendars::save(transaction, &calendar)?;
    usage::in_home(transaction, back.to, 0, trashed.content_bytes)?;
    for grant in grants::of_calendar(transaction, back.id)? {
        match back.from == back.to && grantee_is_there(transaction, &grant)? {
            true => transaction.put(keys::granted(grant.grantee, back.id), Vec::new()),
            false => grants::remove_with_calendar(transaction, back.id, grant.grantee),
        }
    }
    close_what_is_known(transaction, back)?;
    if back.from != back.to {
        give(transaction, back, limits)?;
        snapshot.journal().forget(back.id);
    }
    // What is in memory still takes the old tokens.
    snapshot.views().forget(back.id);
    Ok(calendar)
}

/// A grant that has expired comes back too: while it stands it decides, as none, before the more general ones.
fn grantee_is_there(read: &dyn Read, grant: &Grant) -> Result<bool> {
    Ok(match grant.grantee {
        Grantee::User(id) => principals::user(read, id)?.is_some(),
        Grantee::Group(id) => principals::group(read, id)?.is_some(),
        Grantee::Role(id) => roles::role(read, id)?.is_some(),
        Grantee::Everyone => true,
    })
}

/// What was marked private elsewhere since does not come back open.
fn close_what_is_known(transaction: &mut Transaction<'_>, back: &Return<'_>) -> Result<()> {
    for (id, mut object) in objects::all(transaction, back.id)? {
        let known = [back.from, back.to].map(|owner| objects::known_uid_privacy(transaction, owner, object.uid));
        let mut privacy = object.privacy.clone();
        for known in known {
            privacy = privacy.at_least(known?);
        }
        if privacy != object.privacy {
            object.privacy = privacy;
            transaction.put_record(keys::object(back.id, id), &object)?;
        }
    }
    Ok(())
}

/// Leaves behind what was the former owner's, and remembers what is private for the new one.
fn give(transaction: &mut Transaction<'_>, back: &Return<'_>, limits: &Limits) -> Result<()> {
    for (id, _) in objects(transaction, back.id)? {
        purge_object(transaction, back.from, back.id, id)?;
    }
    for (id, object) in objects::all(transaction, back.id)? {
        history::end(transaction, id)?;
        objects::remember_privacy(transaction, back.to, object.uid, &object.privacy, back.to, limits)?;
        // Nobody on it is a guest of the new owner's.
        objects::put_foreign_attendees(transaction, back.id, id, &ForeignAttendees::All)?;
    }
    transaction.delete_range(&keys::table_of(keys::JOURNAL, &back.id.0))?;
    remove_mounts(transaction, back.id)
}

fn remove_mounts(transaction: &mut Transaction<'_>, calendar: CalendarId) -> Result<()> {
    for key in keys_of(transaction, &keys::table(keys::MOUNTS))? {
        if keys::last_id(&key) == Some(calendar.0) {
            transaction.delete(key);
        }
    }
    Ok(())
}

/// Removes at most so many objects of a deleted calendar for good, and the calendar itself with the last; how many these were,
/// and at least 1. It cannot come back from the first on.
pub(crate) fn purge_some(transaction: &mut Transaction<'_>, owner: PrincipalId, id: CalendarId, objects_max: usize) -> Result<usize> {
    let mut trashed = calendar(transaction, owner, id)?.ok_or(Error::Corrupted("a deleted calendar that is to go is not there"))?;
    let mut gone = 0;
    for object in first_ids(transaction, keys::TRASH, id, objects_max)? {
        purge_object(transaction, owner, id, object)?;
        gone += 1;
    }
    for object in first_ids(transaction, keys::OBJECTS, id, objects_max.saturating_sub(gone))? {
        objects::purge(transaction, id, object)?;
        history::end(transaction, object)?;
        gone += 1;
    }
    if gone >= objects_max {
        trashed.state = TrashState::Going;
        transaction.put_record(keys::trashed_calendar(owner, id), &trashed)?;
        return Ok(gone.max(1));
    }
    for grant in grants::of_calendar(transaction, id)? {
        grants::remove_with_calendar(transaction, id, grant.grantee);
    }
    for table in objects::TABLES.into_iter().chain([keys::VIEWS, keys::JOURNAL]) {
        transaction.delete_range(&keys::table_of(table, &id.0))?;
    }
    transaction.delete_range(&keys::properties_of(PropertyHolder::Calendar(id)))?;
    remove_mounts(transaction, id)?;
    kept::remove(transaction, &kept_calendar(owner, id, &trashed.deleted))?;
    transaction.delete(keys::trashed_calendar(owner, id));
    Ok(gone.saturating_add(1))
}

fn first_ids(read: &dyn Read, table: u8, calendar: CalendarId, max: usize) -> Result<Vec<ObjectId>> {
    let mut ids = Vec::new();
    if max == 0 {
        return Ok(ids);
    }
    read.scan(&keys::table_of(table, &calendar.0), &mut |key, _| {
        ids.push(ObjectId(keys::last_id(key).ok_or(Error::Corrupted("an object's key"))?));
        Ok(if ids.len() >= max { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(ids)
}
