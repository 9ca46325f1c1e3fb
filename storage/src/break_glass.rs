//! An administrator's entry into one calendar for a time, after a reason that its owner reads in the journal.
//! What it opens is decided by `acl::access`; here stands only until when.

use crate::error::{Error, Result};
use crate::journal::{self, Author, What};
use crate::keys;
use crate::limits::Limits;
use crate::principals;
use crate::read::{Read, Transaction, keys as keys_of, record};
use crate::record::StoredCalendar;
use crate::roles;
use acl::policy::{AdminContent, ModuleRole};
use acl::{CalendarId, PrincipalId};
use chrono::{DateTime, TimeDelta, Utc};
use std::ops::ControlFlow;

/// How long a calendar stays open.
const OPEN: TimeDelta = TimeDelta::minutes(60);
/// Bytes of a reason: the owner reads it in a table.
const REASON_BYTES_MAX: usize = 500;

/// Until when a calendar is open to an administrator, if he opened it; the moment may be past.
pub(crate) fn opened_until(read: &dyn Read, calendar: CalendarId, administrator: PrincipalId) -> Result<Option<DateTime<Utc>>> {
    record(read, &keys::opened(calendar, administrator))
}

/// Opens a calendar, and writes that and why into its journal in the same commit. `Invalid` says what has to be so first.
pub(crate) fn open(
    transaction: &mut Transaction<'_>,
    calendar: &StoredCalendar,
    administrator: PrincipalId,
    reason: &str,
    author: &Author,
    limits: &Limits,
) -> Result<DateTime<Utc>> {
    let refused = |message: &str| Err(Error::Invalid(message.to_owned()));
    let reason = reason.trim();
    if reason.is_empty() || reason.len() > REASON_BYTES_MAX || reason.chars().any(char::is_control) {
        return Err(Error::Invalid(format!("the reason is a line of 1 to {REASON_BYTES_MAX} bytes that the owner can read")));
    }
    match roles::policy(transaction)?.admin_content {
        AdminContent::BreakGlass => {}
        AdminContent::Full => return refused("administrators see every calendar: admin_content is full, and no reason is asked for"),
        AdminContent::None => return refused("administrators see no calendar of others: admin_content is none"),
    }
    let groups = principals::groups(transaction, administrator)?;
    if roles::module_role(transaction, administrator, &groups)? != ModuleRole::Admin {
        return refused("only an administrator of the calendar module can open a calendar: `shoji module set --user NAME admin`");
    }
    if calendar.record.owner == administrator {
        return refused("it is his own calendar");
    }
    let until = author.at + OPEN;
    transaction.put_record(keys::opened(calendar.id, administrator), &until)?;
    journal::record_now(transaction, calendar.id, author, What::BreakGlass { reason: reason.to_owned(), until }, limits)?;
    Ok(until)
}

/// Calendars that are or were open to an administrator.
pub(crate) fn opened_by(read: &dyn Read, administrator: PrincipalId) -> Result<Vec<CalendarId>> {
    let mut calendars = Vec::new();
    read.scan(&keys::table(keys::OPENED), &mut |key, _| {
        let is_his = keys::last_id(key) == Some(administrator.0);
        calendars.extend(keys::id_at(key, 0).filter(|_| is_his).map(CalendarId));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(calendars)
}

/// Forgets what is open in a calendar that goes.
pub(crate) fn remove_of_calendar(transaction: &mut Transaction<'_>, calendar: CalendarId) -> Result<()> {
    for key in keys_of(transaction, &keys::table_of(keys::OPENED, &calendar.0))? {
        transaction.delete(key);
    }
    Ok(())
}
