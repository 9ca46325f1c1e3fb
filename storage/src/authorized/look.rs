//! What an owner can learn of others' view of her calendar, and of what they did in it. Behind her own door, of her own
//! calendars, of people who exist for her.

use super::{AuthorizedStore, Calendar, PrincipalKind, denied};
use crate::calendars;
use crate::error::{Error, Result};
use crate::journal::{self, JournalEntry};
use crate::preview::{self, Preview};
use crate::record::StoredCalendar;
use acl::{Grantee, PrincipalId, Privilege};
use chrono::NaiveDate;
use ical::TimeRange;

impl AuthorizedStore<'_> {
    /// What somebody is shown of one's own calendar in a range of time; nothing is kept of having looked. Denied `read-acl` to
    /// all but the owner; NotFound for a user who does not exist for her.
    pub fn view_as(&self, calendar: &Calendar, viewer: &str, range: &TimeRange) -> Result<Preview> {
        let stored = self.own_stored(calendar)?;
        preview::view_as(self.snapshot, &stored, self.known_user(viewer)?, range)
    }

    /// The journal of one's own calendar from a day on (in UTC), what was only counted so far included. Denied `read-acl` to all
    /// but the owner.
    pub fn journal(&self, calendar: &Calendar, since: Option<NaiveDate>) -> Result<Vec<JournalEntry>> {
        let stored = self.own_stored(calendar)?;
        journal::entries(self.snapshot, stored.id, since)
    }

    fn own_stored(&self, calendar: &Calendar) -> Result<StoredCalendar> {
        if !calendar.own() {
            return denied(Privilege::ReadAcl);
        }
        calendars::by_id(self.snapshot, calendar.id())?.ok_or(Error::NotFound)
    }

    fn known_user(&self, name: &str) -> Result<PrincipalId> {
        match self.visible_id(PrincipalKind::User, name)? {
            Some((id, Grantee::User(_))) => Ok(id),
            _ => Err(Error::NotFound),
        }
    }
}
