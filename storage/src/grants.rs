//! Grants as records, findable by calendar and by grantee. Decides nothing: that is `acl`'s. No grant changes without its
//! calendar's journal saying who changed it.

use crate::error::{Error, Result};
use crate::journal::{self, Author, What};
use crate::keys;
use crate::limits::Limits;
use crate::read::{Read, Transaction, keys as keys_of, record, records};
use acl::{CalendarId, Grant, Grantee};
use chrono::{DateTime, Datelike, Utc};

/// Whether a grant or a link can end then: what lies outside these years in UTC cannot be written in RFC 3339, so no export of it
/// would ever be read again.
pub(crate) fn is_end(until: DateTime<Utc>) -> bool {
    (1970..=9999).contains(&until.year())
}

/// An end as it can be written. Stores may hold others, of before they were refused: what they mean stays, for a grant that ended
/// before these years has ended, and one that ends after them has not.
pub(crate) fn written_end(until: DateTime<Utc>) -> DateTime<Utc> {
    let (first, last) = (DateTime::UNIX_EPOCH, DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(DateTime::<Utc>::MAX_UTC));
    until.clamp(first, last)
}

/// All grants of a calendar: users, groups, everyone, each by id.
pub(crate) fn of_calendar(read: &dyn Read, calendar: CalendarId) -> Result<Vec<Grant>> {
    let mut grants: Vec<Grant> = records(read, &keys::table_of(keys::GRANTS, &calendar.0))?.into_iter().map(|(_, grant)| grant).collect();
    grants.sort_by_key(|grant| grant.grantee);
    Ok(grants)
}

/// One grant.
pub(crate) fn of_grantee(read: &dyn Read, calendar: CalendarId, grantee: Grantee) -> Result<Option<Grant>> {
    record(read, &keys::grant(calendar, grantee))
}

/// The calendars that have a grant to exactly this grantee.
pub(crate) fn calendars_granted_to(read: &dyn Read, grantee: Grantee) -> Result<Vec<CalendarId>> {
    keys_of(read, &keys::granted_to(grantee))?
        .iter()
        .map(|key| keys::last_id(key).map(CalendarId).ok_or(Error::Corrupted("a grant's key")))
        .collect()
}

/// Sets a grant whole.
pub(crate) fn set(transaction: &mut Transaction<'_>, calendar: CalendarId, grant: &Grant, author: &Author, limits: &Limits) -> Result<()> {
    let before = of_grantee(transaction, calendar, grant.grantee)?;
    if before.as_ref() != Some(grant) {
        let what = What::Grant { grantee: grant.grantee, before, now: Some(grant.clone()) };
        journal::record_now(transaction, calendar, author, what, limits)?;
    }
    transaction.put(keys::granted(grant.grantee, calendar), Vec::new());
    transaction.put_record(keys::grant(calendar, grant.grantee), grant)
}

/// Removes a grant.
pub(crate) fn remove(
    transaction: &mut Transaction<'_>,
    calendar: CalendarId,
    grantee: Grantee,
    author: &Author,
    limits: &Limits,
) -> Result<()> {
    if let Some(before) = of_grantee(transaction, calendar, grantee)? {
        let what = What::Grant { grantee, before: Some(before), now: None };
        journal::record_now(transaction, calendar, author, what, limits)?;
    }
    remove_with_calendar(transaction, calendar, grantee);
    Ok(())
}

/// Removes a grant with its calendar, whose journal goes too. What its user decided about his mount of the calendar ends with
/// it: a new grant shows it again.
pub(crate) fn remove_with_calendar(transaction: &mut Transaction<'_>, calendar: CalendarId, grantee: Grantee) {
    if let Grantee::User(user) = grantee {
        transaction.delete(keys::mount(user, calendar));
    }
    transaction.delete(keys::granted(grantee, calendar));
    transaction.delete(keys::grant(calendar, grantee));
}

/// Removes every grant to a grantee.
pub(crate) fn remove_all_to(transaction: &mut Transaction<'_>, grantee: Grantee, author: &Author, limits: &Limits) -> Result<()> {
    for calendar in calendars_granted_to(transaction, grantee)? {
        remove(transaction, calendar, grantee, author, limits)?;
    }
    Ok(())
}
