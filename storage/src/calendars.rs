//! Calendars as records: finding, making and renaming them. Removing: [`crate::trash`].

use crate::error::{Error, Limit, Result};
use crate::keys::{self, PlainId};
use crate::limits::Limits;
use crate::read::{Read, Transaction, keys as keys_of, present, record};
use crate::record::{CalendarRecord, StoredCalendar, StoredKind};
use acl::{CalendarId, CalendarPolicy, PrincipalId};
use chrono::{DateTime, Utc};
use ical::ComponentKind;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// A calendar by id.
pub(crate) fn by_id(read: &dyn Read, id: CalendarId) -> Result<Option<StoredCalendar>> {
    Ok(record(read, &keys::calendar(id))?.map(|record| StoredCalendar { id, record }))
}

/// A calendar by its owner's name for it.
pub(crate) fn named(read: &dyn Read, owner: PrincipalId, name: &str) -> Result<Option<StoredCalendar>> {
    let Some(id) = record::<CalendarId>(read, &keys::home_calendar(owner, name))? else {
        return Ok(None);
    };
    by_id(read, id)?.map_or(Err(Error::Corrupted("a home names a calendar that is not there")), |calendar| Ok(Some(calendar)))
}

/// All calendars.
pub(crate) fn ids(read: &dyn Read) -> Result<Vec<CalendarId>> {
    let keys = keys_of(read, &keys::table(keys::CALENDARS))?;
    keys.iter().map(|key| keys::last_id(key).map(CalendarId).ok_or(Error::Corrupted("a calendar's key"))).collect()
}

/// Everybody who has a calendar.
pub(crate) fn owners(read: &dyn Read) -> Result<BTreeSet<PrincipalId>> {
    let mut owners = BTreeSet::new();
    read.scan(&keys::table(keys::HOME_CALENDARS), &mut |key, _| {
        owners.insert(PrincipalId(keys::id_at(key, 0).ok_or(Error::Corrupted("the key of a home's calendar"))?));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(owners)
}

/// One owner's calendars in the order of their names.
pub(crate) fn of_owner(read: &dyn Read, owner: PrincipalId) -> Result<Vec<StoredCalendar>> {
    let mut calendars = Vec::new();
    for (_, id) in crate::read::records::<CalendarId>(read, &keys::table_of(keys::HOME_CALENDARS, &owner.0))? {
        calendars.push(by_id(read, id)?.ok_or(Error::Corrupted("a home names a calendar that is not there"))?);
    }
    Ok(calendars)
}

/// A calendar to be made.
pub(crate) struct NewCalendar<'a> {
    pub(crate) id: CalendarId,
    pub(crate) owner: PrincipalId,
    pub(crate) name: &'a str,
    /// Empty: all kinds.
    pub(crate) components: &'a [ComponentKind],
    pub(crate) policy: CalendarPolicy,
}

/// Kinds as they are stored: in order, each once.
pub(crate) fn stored_kinds(components: &[ComponentKind]) -> Vec<StoredKind> {
    let mut kinds: Vec<StoredKind> = components.iter().map(|kind| StoredKind::from(*kind)).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// Whether a name in a home is that of a calendar or a plain resource.
pub(crate) fn name_taken(read: &dyn Read, owner: PrincipalId, name: &str) -> Result<bool> {
    Ok(present(read, &keys::home_calendar(owner, name))? || present(read, &keys::plain(owner, PlainId::ROOT, name))?)
}

/// Makes a calendar. `Exists` if the name is taken.
pub(crate) fn create(
    transaction: &mut Transaction<'_>,
    new: NewCalendar<'_>,
    now: DateTime<Utc>,
    limits: &Limits,
) -> Result<StoredCalendar> {
    if name_taken(transaction, new.owner, new.name)? {
        return Err(Error::Exists);
    }
    if keys_of(transaction, &keys::table_of(keys::HOME_CALENDARS, &new.owner.0))?.len() >= limits.calendars_per_user_max {
        return Err(Error::LimitExceeded(Limit::Space));
    }
    let record = CalendarRecord {
        owner: new.owner,
        name: new.name.to_owned(),
        components: stored_kinds(new.components),
        policy: new.policy,
        created: now,
        head: 0,
        floor: 0,
        objects: 0,
        removals: 0,
    };
    transaction.put_record(keys::home_calendar(new.owner, new.name), &new.id)?;
    let calendar = StoredCalendar { id: new.id, record };
    save(transaction, &calendar)?;
    Ok(calendar)
}

/// Stages the record as it now is.
pub(crate) fn save(transaction: &mut Transaction<'_>, calendar: &StoredCalendar) -> Result<()> {
    transaction.put_record(keys::calendar(calendar.id), &calendar.record)
}

/// Renames a calendar within its home; everything that hangs on its id stays. `Exists` if the name is taken.
pub(crate) fn rename(transaction: &mut Transaction<'_>, calendar: &mut StoredCalendar, name: &str) -> Result<()> {
    if calendar.record.name == name {
        return Ok(());
    }
    if name_taken(transaction, calendar.record.owner, name)? {
        return Err(Error::Exists);
    }
    transaction.delete(keys::home_calendar(calendar.record.owner, &calendar.record.name));
    transaction.put_record(keys::home_calendar(calendar.record.owner, name), &calendar.id)?;
    name.clone_into(&mut calendar.record.name);
    save(transaction, calendar)
}
