//! PUT and DELETE of objects: the shown name is looked up in the writer's own view, `acl` decides, one commit stores.

use super::calendar::Found;
use super::home::out_of_space;
use super::{AuthorizedWriter, Calendar, Put, denied, plain_tree};
use crate::calendars;
use crate::error::{Error, Result};
use crate::journal::{self, Attempt, What};
use crate::keys::UidHash;
use crate::objects::{self, Target};
use crate::read::Transaction;
use crate::record::StoredCalendar;
use crate::trash;
use crate::usage::Given;
use crate::view;
use acl::project::Identity;
use acl::pseudonym::base32;
use acl::write::{self, PutPlan, Refusal, check_delete, plan_put};
use acl::{ObjectId, Privilege};
use ical::CalendarObject;

impl AuthorizedWriter<'_> {
    /// Stores an object under a shown name, new or in place. A refused write leaves a touch mark.
    pub fn put_object(&mut self, calendar: &Calendar, name: &str, object: &CalendarObject) -> Result<Put> {
        let before = self.view_state(calendar)?;
        let found = self.find(calendar, name)?;
        match &found {
            Some(found) => self.put_over(calendar, found, object)?,
            None => self.put_new(calendar, name, object)?,
        }
        self.wrote(calendar, before)?;
        Ok(Put { created: found.is_none(), etag: self.tag_as_sent(calendar, name, object)? })
    }

    /// The tag of what is shown under a name, if that is what was sent, to the byte and under its own UID.
    fn tag_as_sent(&self, calendar: &Calendar, name: &str, sent: &CalendarObject) -> Result<Option<String>> {
        let shown = self.with_view(calendar, |view| Ok(view.row(name).cloned()))?;
        let Some(row) = shown.filter(|row| row.identity() == Identity::Real) else { return Ok(None) };
        let touch = objects::touches(self.snapshot, calendar.id(), row.object(), self.viewer)?;
        let tag = calendar.profile().etag_of(sent.bytes(), touch);
        Ok((tag == row.etag()).then_some(tag))
    }

    /// Stores a new object under a name of the server's choice (RFC 5995), as [`Self::put_object`] would under a name of the
    /// client's. `Ok((name, put))`.
    pub fn add_object(&mut self, calendar: &Calendar, object: &CalendarObject) -> Result<(String, Put)> {
        let name = format!("{}.ics", self.new_name());
        let put = self.put_object(calendar, &name, object)?;
        Ok((name, put))
    }

    /// A name that nothing bears: 128 random bits.
    pub(super) fn new_name(&self) -> String {
        let mut bytes = [0; 32];
        bytes.iter_mut().zip(self.snapshot.random_id()).for_each(|(byte, random)| *byte = random);
        base32(&bytes)
    }

    /// Refuses what a viewer without the right puts under a name, as [`Self::put_object`] would, the touch mark included:
    /// for him it makes no difference what the body is.
    pub fn refuse_put<T>(&mut self, calendar: &Calendar, name: &str) -> Result<T> {
        match self.find(calendar, name)? {
            Some(found) => self.refuse(calendar, &found, Attempt::Change, Refusal::Denied(Privilege::WriteContent)),
            None => self.refuse_new(calendar),
        }
    }

    /// Refuses a new object to a viewer who may put none into the calendar.
    pub fn refuse_new<T>(&self, calendar: &Calendar) -> Result<T> {
        self.note_refusal(calendar, Attempt::Create, Privilege::Bind);
        denied(Privilege::Bind)
    }

    fn put_new(&mut self, calendar: &Calendar, name: &str, object: &CalendarObject) -> Result<()> {
        if !calendar.profile().matrix.create {
            return self.refuse_new(calendar);
        }
        plain_tree::check_object_name(name, self.limits())?;
        self.check_object(calendar, object)?;
        self.check_uid(calendar, object, None)?;
        self.check_room(calendar, None)?;
        let mut stored = self.stored_calendar(calendar)?;
        let plan = self.plan(calendar, &stored, object, None)?.map_err(|refusal| refused(refusal, name))?;
        let target = Target::New(ObjectId(self.snapshot.random_id()), name);
        let mut transaction = self.snapshot.begin();
        self.stage(&mut transaction, &mut stored, target, (plan, object))?;
        self.commit_charged(transaction, given(calendar, object.bytes().len(), None))
    }

    /// Stages what was planned of what was sent.
    fn stage(
        &self,
        transaction: &mut Transaction<'_>,
        stored: &mut StoredCalendar,
        target: Target<'_>,
        (plan, sent): (PutPlan, &CalendarObject),
    ) -> Result<()> {
        let (sent, by) = ((plan, sent, self.snapshot.parsed()), (self.viewer, &self.stamp()?));
        objects::store_plan(transaction, stored, target, sent, by, self.limits())
    }

    fn put_over(&mut self, calendar: &Calendar, found: &Found, object: &CalendarObject) -> Result<()> {
        if !found.visible.rights().edit {
            return self.refuse(calendar, found, Attempt::Change, Refusal::Denied(Privilege::WriteContent));
        }
        self.check_object(calendar, object)?;
        let mut stored = self.stored_calendar(calendar)?;
        let plan = match self.plan(calendar, &stored, object, Some(found))? {
            Ok(plan) => plan,
            Err(refusal) => return self.refuse(calendar, found, Attempt::Change, refusal),
        };
        let target = Target::Existing(found.object.id);
        let mut transaction = self.snapshot.begin();
        if plan.privacy_kept {
            let what = What::PrivacyKept { object: Some(found.object.record.name.clone()) };
            journal::record_now(&mut transaction, stored.id, &self.author(), what, self.limits())?;
        }
        self.stage(&mut transaction, &mut stored, target, (plan, object))?;
        self.commit_charged(transaction, given(calendar, object.bytes().len(), Some(found)))
    }

    fn plan(
        &self,
        calendar: &Calendar,
        stored: &StoredCalendar,
        object: &CalendarObject,
        found: Option<&Found>,
    ) -> Result<Result<PutPlan, Refusal>> {
        let owner = stored.record.owner;
        let known = match calendar.own() {
            true => objects::known_uid_privacy(self.snapshot, owner, UidHash::of(object.uid()))?,
            false => None,
        };
        let existing = found.map(|found| found.object.stored(found.identity));
        Ok(plan_put(&write::Put {
            new: object,
            existing: existing.as_ref().zip(found.map(|found| &found.visible)),
            profile: calendar.profile(),
            policy: self.policy()?,
            calendar_policy: &stored.record.policy,
            known_uid_privacy: known,
            limits: &self.expansion_limits(),
        }))
    }

    /// Deletes an object by shown name. A refused delete leaves a touch mark.
    pub fn delete_object(&mut self, calendar: &Calendar, name: &str) -> Result<()> {
        let before = self.view_state(calendar)?;
        let found = self.find(calendar, name)?.ok_or(Error::NotFound)?;
        if let Err(refusal) = check_delete(&found.visible) {
            return self.refuse(calendar, &found, Attempt::Delete, refusal);
        }
        let mut stored = self.stored_calendar(calendar)?;
        let mut transaction = self.snapshot.begin();
        trash::put_object(&mut transaction, &mut stored, found.object.id, &self.stamp()?, self.limits())?;
        self.commit_charged(transaction, given(calendar, 0, Some(&found)))?;
        self.wrote(calendar, before)
    }

    /// The state of the viewer's view before he writes.
    pub(super) fn view_state(&self, calendar: &Calendar) -> Result<u64> {
        self.with_view(calendar, |view| Ok(view.state()))
    }

    /// Lets the viewer's view see what he just wrote, and that it was he.
    pub(super) fn wrote(&self, calendar: &Calendar, before: u64) -> Result<()> {
        view::with_calendar(self.snapshot, calendar.profile(), |view, transaction| view.note_own_write(transaction, before))
    }

    pub(super) fn stored_calendar(&self, calendar: &Calendar) -> Result<StoredCalendar> {
        calendars::by_id(self.snapshot, calendar.id())?.ok_or(Error::NotFound)
    }

    /// Refuses a write on something visible, and marks it as changed for this viewer alone: clients that dropped or kept
    /// their own change (DAVx5 does either) fetch it again.
    pub(super) fn refuse<T>(&mut self, calendar: &Calendar, found: &Found, attempt: Attempt, refusal: Refusal) -> Result<T> {
        let mut stored = self.stored_calendar(calendar)?;
        let mut transaction = self.snapshot.begin();
        if !calendar.own() {
            let what = What::Refused { attempt, lacked: refusal.into(), object: Some(found.object.record.name.clone()) };
            journal::record_now(&mut transaction, stored.id, &self.author(), what, self.limits())?;
        }
        objects::touch(&mut transaction, &mut stored, found.object.id, self.viewer)?;
        self.snapshot.commit(transaction)?;
        Err(refused(refusal, found.visible.name()))
    }

    /// An object with this UID that the writer is shown, other than `replaced`, is a conflict; one he is not shown is none.
    pub(super) fn check_uid(&self, calendar: &Calendar, object: &CalendarObject, replaced: Option<&str>) -> Result<()> {
        let uid = UidHash::of(object.uid());
        let conflict = self.with_view(calendar, |view| Ok(view.name_of_uid(uid).map(str::to_owned)))?;
        match conflict.filter(|name| Some(name.as_str()) != replaced) {
            Some(name) => Err(Error::UidConflict { name }),
            None => Ok(()),
        }
    }

    /// Whether one more object has room. A calendar is full for someone when it shows him so many: how many are kept from
    /// him makes no difference to him. Its owner is shown all of them.
    pub(super) fn check_room(&self, calendar: &Calendar, replaced: Option<&Found>) -> Result<()> {
        let shown = self.with_view(calendar, |view| Ok(view.rows().len()))?;
        match shown.saturating_sub(usize::from(replaced.is_some())) >= self.limits().calendar_objects_max {
            true => out_of_space(),
            false => Ok(()),
        }
    }

    /// What a calendar refuses to hold, whoever writes it.
    pub(super) fn check_object(&self, calendar: &Calendar, object: &CalendarObject) -> Result<()> {
        objects::check_content(object, calendar.components(), self.limits())
    }
}

/// What a write into a calendar is to the writer's account: bytes he sent, and bytes he was shown of what he wrote over.
pub(super) fn given(calendar: &Calendar, sent: usize, replaced: Option<&Found>) -> Given {
    match calendar.own() {
        true => Given::default(),
        false => Given { sent_bytes: sent as u64, shown_bytes: replaced.map_or(0, |found| found.visible.bytes().len() as u64) },
    }
}

fn refused(refusal: Refusal, name: &str) -> Error {
    match refusal {
        Refusal::Denied(privilege) => Error::Denied { privilege },
        Refusal::UidChanged => Error::UidConflict { name: name.to_owned() },
    }
}
