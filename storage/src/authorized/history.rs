//! Histories and trash at the door: the owner's alone. To everyone else, whatever he may see and do, they do not exist.

use super::{AuthorizedStore, AuthorizedWriter, Calendar};
use crate::calendars;
use crate::error::{Error, Result};
use crate::history::listing;
use crate::history::{HistoryEntry, ObjectVersions, TrashEntry, VersionText};
use crate::record::StoredCalendar;
use crate::restore::{self, Side, Whereabouts};
use crate::trash::{self, Return, TrashState, TrashedCalendar};
use crate::usage::Given;
use acl::{CalendarId, ObjectId, PrincipalId};

/// Entries of one listing.
const ENTRIES_MAX: usize = 1_000;
/// Objects of a calendar removed for good in one commit.
const PURGED_AT_ONCE: usize = 500;

impl AuthorizedStore<'_> {
    /// What happened last to each object of a calendar, deleted ones included: the latest 1,000, the latest first. NotFound to
    /// all but the owner.
    pub fn history(&self, calendar: &Calendar) -> Result<Vec<HistoryEntry>> {
        listing::of_calendar(self.snapshot, &self.owned(calendar)?, ENTRIES_MAX)
    }

    /// The versions of one object, there or in the trash, by name or id. NotFound to all but the owner.
    pub fn object_history(&self, calendar: &Calendar, object: &str) -> Result<ObjectVersions> {
        let stored = self.owned(calendar)?;
        listing::of_object(self.snapshot, &stored, restore::find(self.snapshot, &stored, object)?, self.limits())
    }

    /// The body of one version of an object, without anyone's alarms. NotFound to all but the owner.
    pub fn version_text(&self, calendar: &Calendar, object: &str, number: u64) -> Result<VersionText> {
        let stored = self.owned(calendar)?;
        listing::text(self.snapshot, &stored, restore::find(self.snapshot, &stored, object)?, number)
    }

    /// What is in the viewer's own trash, the latest first; nothing to whom the module is denied, as in his home.
    pub fn trash(&self) -> Result<Vec<TrashEntry>> {
        if self.is_denied()? {
            return Ok(Vec::new());
        }
        let name = self.viewer_record()?.name.clone();
        let own = calendars::of_owner(self.snapshot, self.viewer)?.into_iter().map(|calendar| (name.clone(), calendar));
        listing::of_trash(self.snapshot, Some(self.viewer), &own.collect::<Vec<_>>(), self.limits())
    }

    fn deleted_calendar(&self, name_or_id: &str) -> Result<(PrincipalId, CalendarId, TrashedCalendar)> {
        if self.is_denied()? {
            return Err(Error::NotFound);
        }
        let id = listing::id_from(name_or_id).map(CalendarId);
        let found = trash::calendars(self.snapshot, Some(self.viewer))?.into_iter();
        let found = found.filter(|(_, of, calendar)| calendar.record.name == name_or_id || Some(*of) == id);
        let found = found.filter(|(_, _, calendar)| calendar.state == TrashState::Whole);
        found.max_by_key(|(_, _, calendar)| calendar.deleted.at).ok_or(Error::NotFound)
    }

    fn owned(&self, calendar: &Calendar) -> Result<StoredCalendar> {
        match calendar.own() {
            true => calendars::by_id(self.snapshot, calendar.id())?.ok_or(Error::NotFound),
            false => Err(Error::NotFound),
        }
    }
}

impl AuthorizedWriter<'_> {
    /// Makes an earlier version of an object the present one, as a write of the owner's; one in the trash is brought back
    /// first. Without a number, brings an object back out of the trash. The name it has now. NotFound to all but the owner.
    ///
    /// # Errors
    /// `NotFound`: no such version, or it is kept no more; `Invalid`: an object that is there, and no number; `UidConflict`:
    /// another object has its UID; and what refuses a PUT.
    pub fn restore_object(&mut self, calendar: &Calendar, object: &str, number: Option<u64>) -> Result<String> {
        let mut stored = self.owned(calendar)?;
        let before = self.view_state(calendar)?;
        let side = Side { snapshot: self.snapshot, profile: calendar.profile(), policy: self.policy()?, stamp: &self.stamp()? };
        let mut transaction = self.snapshot.begin();
        let name = restore::by_name(&mut transaction, &mut stored, object, number, &side)?;
        self.commit_charged(transaction, Given::default())?;
        self.wrote(calendar, before)?;
        Ok(name)
    }

    /// Brings a calendar of the viewer's own back out of the trash, by its name or id, with its grants;
    /// of several of one name, the one that was deleted last. `name`: under another name.
    ///
    /// # Errors
    /// `NotFound`; `Exists`: the name is taken; `LimitExceeded`.
    pub fn restore_calendar(&mut self, name_or_id: &str, name: Option<&str>) -> Result<String> {
        let (from, id, trashed) = self.deleted_calendar(name_or_id)?;
        let name = name.unwrap_or(&trashed.record.name).to_owned();
        self.check_member_name(&name)?;
        let mut transaction = self.snapshot.begin();
        trash::revive_calendar(self.snapshot, &mut transaction, &Return { from, id, to: self.viewer, name: &name }, trashed)?;
        self.commit_charged(transaction, Given::default())?;
        Ok(name)
    }

    /// Removes a calendar in the viewer's own trash for good, by name or id; of several of one name, the one that was deleted
    /// last. Of a large one only a part at once: from then on it is in no listing and cannot come back, and sweeps remove the
    /// rest.
    pub fn purge_calendar(&mut self, name_or_id: &str) -> Result<()> {
        let (owner, id, _) = self.deleted_calendar(name_or_id)?;
        let mut transaction = self.snapshot.begin();
        trash::purge_some(&mut transaction, owner, id, PURGED_AT_ONCE)?;
        self.snapshot.commit(transaction)
    }

    /// Removes an object in the trash for good, with its history, by name or id; or, of one that is there, all earlier
    /// versions. NotFound to all but the owner.
    pub fn purge_object(&mut self, calendar: &Calendar, object: &str) -> Result<()> {
        let stored = self.owned(calendar)?;
        let mut transaction = self.snapshot.begin();
        match restore::find(&transaction, &stored, object)? {
            Whereabouts::Trashed(id) => trash::purge_object(&mut transaction, self.viewer, stored.id, id)?,
            Whereabouts::There(id) => purge_versions(&mut transaction, id)?,
        }
        self.snapshot.commit(transaction)
    }
}

fn purge_versions(transaction: &mut crate::read::Transaction<'_>, id: ObjectId) -> Result<()> {
    crate::history::purge_versions(transaction, id).map(drop)
}
