//! What an owner can learn of others' view of her calendar, and of what they did in it. Behind her own door, of her own
//! calendars, of people who exist for her.

use super::{AuthorizedStore, AuthorizedWriter, Calendar, PrincipalKind, denied};
use crate::administration::SynchronizationEntry;
use crate::calendars;
use crate::error::{Error, Result};
use crate::explain::{self, Audience, Explained};
use crate::journal::{self, JournalEntry};
use crate::keys::UidHash;
use crate::preview::{self, Eyes, Preview};
use crate::record::StoredCalendar;
use crate::synchronization;
use crate::view::{LoadedObject, RealIdentity};
use acl::explain::{ExplainedObject, Explanation, explain_object};
use acl::target::Synchronization;
use acl::{Grantee, ObjectId, PrincipalId, Privilege};
use chrono::NaiveDate;
use ical::TimeRange;

impl AuthorizedWriter<'_> {
    /// Switches the synchronization of one's own private appointments and tasks on or off; whether an administrator enabled it
    /// stays as it is, whatever the entry says. NotFound for whom the calendar module does not exist.
    pub fn set_synchronization(&mut self, entry: SynchronizationEntry) -> Result<Synchronization> {
        let own = SynchronizationEntry { confidential_activities: None, ..entry };
        let said = own.over(self.synchronization()?);
        let mut transaction = self.snapshot.begin();
        synchronization::set(&mut transaction, self.viewer, said)?;
        self.snapshot.commit(transaction)?;
        Ok(said)
    }
}

impl AuthorizedStore<'_> {
    /// What somebody is shown of one's own calendar in a range of time, without what he added for himself alone; nothing is kept
    /// of having looked. Denied `read-acl` to
    /// all but the owner; NotFound for a user who does not exist for her.
    pub fn view_as(&self, calendar: &Calendar, viewer: &str, range: &TimeRange) -> Result<Preview> {
        let stored = self.own_stored(calendar)?;
        preview::view_as(self.snapshot, &stored, Eyes::User(self.known_user(viewer)?), range, Audience::Owner)
    }

    /// What a synchronization of one's own calendar would carry out of it, and take back. Denied `read-acl` to all but the owner.
    pub fn view_synchronized(&self, calendar: &Calendar, range: &TimeRange) -> Result<Preview> {
        let stored = self.own_stored(calendar)?;
        preview::view_as(self.snapshot, &stored, Eyes::TargetOf(self.viewer), range, Audience::Owner)
    }

    /// What is synchronized of one's own private items. NotFound for whom the calendar module does not exist.
    pub fn synchronization(&self) -> Result<Synchronization> {
        if self.is_denied()? {
            return Err(Error::NotFound);
        }
        synchronization::of(self.snapshot, self.viewer)
    }

    /// Why somebody sees and may do what he does in one's own calendar, and what he is shown of one object of it, by its name or
    /// UID. Of what the organisation gives him it says no more than that. Denied `read-acl` to all but the owner; NotFound for a
    /// user who does not exist for her, and for an object that is not there.
    pub fn explain(&self, calendar: &Calendar, viewer: &str, object: Option<&str>) -> Result<Explained> {
        let stored = self.own_stored(calendar)?;
        explain::explain(self.snapshot, &stored, Eyes::User(self.known_user(viewer)?), object, Audience::Owner)
    }

    /// The decision about this viewer.
    pub(crate) fn explain_access(&self, calendar: &StoredCalendar) -> Result<Explanation> {
        self.with_facts(calendar, |viewer, facts, policy| acl::explain::explain(viewer, facts, policy, self.now()))
    }

    /// An object as this viewer, the calendar's owner, names it, or of this UID; with her name of it.
    pub(crate) fn object_named(&self, calendar: &StoredCalendar, name: &str) -> Result<Option<(ObjectId, String)>> {
        let Some(calendar) = self.at_owners_path(calendar.id)? else { return Ok(None) };
        self.with_view(&calendar, |view| {
            let shown = [Some(name), view.name_of_uid(UidHash::of(name))].into_iter().flatten();
            let mut found = shown.filter_map(|name| Some((view.row(name)?.object(), name.to_owned())));
            Ok(found.next())
        })
    }

    /// What this viewer is shown of an object, and why.
    pub(crate) fn explain_object(&self, calendar: &StoredCalendar, object: ObjectId) -> Result<ExplainedObject> {
        let loaded = LoadedObject::load(self.snapshot, calendar.id, object, self.viewer, self.limits())?.ok_or(Error::NotFound)?;
        let identity = match self.at_owners_path(calendar.id)? {
            Some(reached) => self.with_view(&reached, |view| Ok(view.row_of(object).map(|row| row.real_identity())))?,
            None => None,
        };
        let profile = self.profile(calendar, self.access(calendar)?.matrix)?;
        Ok(explain_object(&loaded.stored(identity.unwrap_or(RealIdentity::Free)), &profile))
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
