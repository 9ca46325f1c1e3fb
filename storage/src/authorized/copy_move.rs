//! COPY and MOVE of objects (RFC 4918 §9.8, §9.9). What travels is what the viewer sees, with the record of privacy; anyone's
//! personal parts travel only when an object moves between calendars of one owner.

use super::calendar::Found;
use super::put::given;
use super::{AuthorizedWriter, Calendar, denied, plain_tree};
use crate::error::{Error, Result};
use crate::history::{self, What};
use crate::journal::Attempt;
use crate::keys::{self, PropertyHolder};
use crate::objects::{self, NewObject, Past};
use crate::read::{Transaction, records};
use crate::record::{StoredCalendar, WrittenBy};
use crate::trash;
use crate::usage::Given;
use crate::view::RealIdentity;
use acl::per_user::{self, Overlay};
use acl::write::{check_copy_out, check_delete, record_on_arrival};
use acl::{ForeignAttendees, ObjectId, PrincipalId, PrivacyRecord, Privilege, project};
use ical::CalendarObject;

/// What arrives at a destination.
struct Arrival {
    id: ObjectId,
    base: CalendarObject,
    privacy: PrivacyRecord,
    creator: PrincipalId,
    written_by: WrittenBy,
    foreign_attendees: ForeignAttendees,
    past: Past,
}

impl AuthorizedWriter<'_> {
    /// Copies an object; what stands at the destination is replaced. Needs Full on every component and `bind` there.
    /// `Ok(true)`: nothing stood there.
    pub fn copy_object(&mut self, from: (&Calendar, &str), to: (&Calendar, &str)) -> Result<bool> {
        let source = self.find(from.0, from.1)?.ok_or(Error::NotFound)?;
        if check_copy_out(&source.visible).is_err() {
            return self.refuse_copy(from.0, &source);
        }
        let before = self.view_state(to.0)?;
        let replaced = self.find(to.0, to.1)?;
        if is_same(from.0, &source, to.0, replaced.as_ref()) {
            return Ok(false);
        }
        self.check_destination(to, replaced.as_ref())?;
        let mut arrival = self.arrival(from.0, &source, ObjectId(self.snapshot.random_id()))?;
        if from.0.own() && to.0.own() {
            arrival.foreign_attendees = source.object.foreign_attendees.clone();
        }
        self.check_object(to.0, &arrival.base)?;
        self.check_uid(to.0, &arrival.base, replaced.as_ref().map(|found| found.visible.name()))?;
        self.check_room(to.0, replaced.as_ref())?;
        let mut calendar = self.stored_calendar(to.0)?;
        let mut transaction = self.snapshot.begin();
        self.remove_replaced(&mut transaction, &mut calendar, replaced.as_ref())?;
        self.arrive(&mut transaction, &mut calendar, to.1, arrival)?;
        self.commit_charged(transaction, given(to.0, source.visible.bytes().len(), replaced.as_ref()))?;
        self.wrote(to.0, before)?;
        Ok(replaced.is_none())
    }

    fn refuse_copy<T>(&self, from: &Calendar, source: &Found) -> Result<T> {
        self.notes.refused(from.id(), Attempt::CopyOut, Privilege::Read.into(), Some(source.object.record.name.clone()));
        denied(Privilege::Read)
    }

    /// The same and removes the source, for which `unbind` is needed too.
    pub fn move_object(&mut self, from: (&Calendar, &str), to: (&Calendar, &str)) -> Result<bool> {
        let source = self.find(from.0, from.1)?.ok_or(Error::NotFound)?;
        if let Err(refusal) = check_copy_out(&source.visible).and_then(|()| check_delete(&source.visible)) {
            return self.refuse(from.0, &source, Attempt::MoveAway, refusal);
        }
        let before = (self.view_state(from.0)?, self.view_state(to.0)?);
        let replaced = self.find(to.0, to.1)?;
        if is_same(from.0, &source, to.0, replaced.as_ref()) {
            return Ok(false);
        }
        self.check_destination(to, replaced.as_ref())?;
        if from.0.id() == to.0.id() {
            self.rename_object(from.0, &source, to.1, replaced.as_ref())?;
        } else {
            self.move_across(from.0, &source, to, replaced.as_ref())?;
            self.wrote(from.0, before.0)?;
        }
        self.wrote(to.0, before.1)?;
        Ok(replaced.is_none())
    }

    fn rename_object(&mut self, calendar: &Calendar, source: &Found, name: &str, replaced: Option<&Found>) -> Result<()> {
        let mut stored = self.stored_calendar(calendar)?;
        let mut transaction = self.snapshot.begin();
        self.remove_replaced(&mut transaction, &mut stored, replaced)?;
        objects::rename(&mut transaction, &mut stored, source.object.id, name, self.limits())?;
        self.commit_charged(transaction, given(calendar, 0, replaced))
    }

    fn move_across(&mut self, from: &Calendar, source: &Found, to: (&Calendar, &str), replaced: Option<&Found>) -> Result<()> {
        let mut source_calendar = self.stored_calendar(from)?;
        let mut calendar = self.stored_calendar(to.0)?;
        let same_owner = source_calendar.record.owner == calendar.record.owner;
        let id = if same_owner { source.object.id } else { ObjectId(self.snapshot.random_id()) };
        let mut arrival = self.arrival(from, source, id)?;
        if same_owner {
            let record = &source.object.record;
            arrival.foreign_attendees = source.object.foreign_attendees.clone();
            arrival.creator = record.creator;
            arrival.past = Past::Carried;
            // Carrying an object elsewhere makes nobody its creator, and its creator's hold on it ends with that.
            arrival.written_by = if record.creator == self.viewer { record.written_by } else { WrittenBy::Others };
        }
        self.check_object(to.0, &arrival.base)?;
        self.check_uid(to.0, &arrival.base, replaced.map(|found| found.visible.name()))?;
        self.check_room(to.0, replaced)?;
        let mut transaction = self.snapshot.begin();
        self.remove_replaced(&mut transaction, &mut calendar, replaced)?;
        let unchanged = source.object.text() == arrival.base.text();
        if same_owner {
            let place = history::Place { owner: source_calendar.record.owner, calendar: source_calendar.id, object: id };
            history::supersede(&mut transaction, place, (&source.object.record, 0), (What::Moved, &self.stamp()?), self.limits())?;
        }
        self.arrive(&mut transaction, &mut calendar, to.1, arrival)?;
        if same_owner {
            let version = unchanged.then_some(source.object.record.base_version);
            carry_personal_parts(&mut transaction, &source_calendar, &calendar, id, version)?;
        }
        match same_owner {
            true => objects::remove(&mut transaction, &mut source_calendar, source.object.id, &self.stamp()?, self.limits())?,
            // To its owner it is deleted, whoever has it now.
            false => trash::put_object(&mut transaction, &mut source_calendar, source.object.id, &self.stamp()?, self.limits())?,
        }
        let arrived = given(to.0, source.visible.bytes().len(), replaced);
        let taken = given(from, 0, Some(source));
        self.commit_charged(transaction, Given { shown_bytes: arrived.shown_bytes + taken.shown_bytes, ..arrived })
    }

    /// Arriving needs `bind`, and `unbind` of what is replaced: who may only edit cannot make something else of it.
    fn check_destination(&mut self, (calendar, name): (&Calendar, &str), replaced: Option<&Found>) -> Result<()> {
        if !calendar.profile().matrix.create {
            return self.refuse_new(calendar);
        }
        plain_tree::check_object_name(name, self.limits())?;
        match replaced.map(|found| (found, check_delete(&found.visible))) {
            Some((found, Err(refusal))) => self.refuse(calendar, found, Attempt::Replace, refusal),
            _ => Ok(()),
        }
    }

    /// The projection without personal items, so that a component hidden from the viewer neither travels nor makes a
    /// difference. All he is shown is Full, so that it travels under its own UID, even where another of that UID stands first
    /// in his view.
    fn arrival(&self, from: &Calendar, source: &Found, id: ObjectId) -> Result<Arrival> {
        let visible = project(&source.object.stored(RealIdentity::Free), from.profile());
        let shown = visible.as_ref().and_then(|visible| visible.calendar()).ok_or(Error::Corrupted("an object that cannot be read"))?;
        let base = objects::parse_stored(per_user::split(shown).base.as_bytes(), self.limits())?;
        let recorded = &source.object.record.privacy;
        let privacy = PrivacyRecord::new(base.components().map(|component| {
            let recurrence_id = base.recurrence_id(component);
            let privacy = recorded.of(recurrence_id.as_ref());
            (recurrence_id, privacy)
        }));
        // What comes from another's calendar invites nobody in this one.
        let foreign_attendees = ForeignAttendees::All;
        let (creator, written_by) = (self.viewer, WrittenBy::CreatorAlone);
        Ok(Arrival { id, base, privacy, creator, written_by, foreign_attendees, past: Past::None })
    }

    fn arrive(&self, transaction: &mut Transaction<'_>, calendar: &mut StoredCalendar, name: &str, arrival: Arrival) -> Result<()> {
        let Arrival { id, base, privacy, creator, written_by, foreign_attendees, past } = arrival;
        let privacy = record_on_arrival(&privacy, self.policy()?, &calendar.record.policy);
        let new = NewObject { id, name, base: &base, privacy, creator, written_by, foreign_attendees, overlay: None, past };
        objects::create(transaction, calendar, new, &self.stamp()?, self.limits())
    }

    fn remove_replaced(&self, transaction: &mut Transaction<'_>, calendar: &mut StoredCalendar, replaced: Option<&Found>) -> Result<()> {
        match replaced {
            Some(found) => trash::put_object(transaction, calendar, found.object.id, &self.stamp()?, self.limits()),
            None => Ok(()),
        }
    }
}

fn is_same(from: &Calendar, source: &Found, to: &Calendar, replaced: Option<&Found>) -> bool {
    from.id() == to.id() && replaced.is_some_and(|found| found.object.id == source.object.id)
}

/// Takes everyone's alarms, touch marks and dead properties along; `version` is that of the base they were written against, if the
/// arrived one is the same.
fn carry_personal_parts(
    transaction: &mut Transaction<'_>,
    from: &StoredCalendar,
    to: &StoredCalendar,
    object: ObjectId,
    version: Option<u64>,
) -> Result<()> {
    let arrived = objects::by_id(transaction, to.id, object)?.ok_or(Error::Corrupted("an object just stored"))?;
    for (key, mut overlay) in records::<Overlay>(transaction, &keys::table_of_object(keys::OVERLAYS, from.id, object))? {
        let viewer = keys::last_id(&key).map(PrincipalId).ok_or(Error::Corrupted("a personal part's key"))?;
        overlay.base_version = if version == Some(overlay.base_version) { arrived.base_version } else { 0 };
        transaction.put_record(keys::overlay(to.id, object, viewer), &overlay)?;
    }
    // Whoever had a write refused was told of a change by it; that the object went elsewhere takes nothing of this back.
    for (key, count) in records::<u64>(transaction, &keys::table_of_object(keys::TOUCHES, from.id, object))? {
        let viewer = keys::last_id(&key).map(PrincipalId).ok_or(Error::Corrupted("a touch mark's key"))?;
        transaction.put_record(keys::touch(to.id, object, viewer), &count)?;
    }
    let properties: Vec<(Vec<u8>, super::property::PropertyMap)> =
        records(transaction, &keys::properties_of(PropertyHolder::Object(from.id, object)))?;
    for (key, properties) in properties {
        let viewer = keys::last_id(&key).map(PrincipalId).ok_or(Error::Corrupted("a property's key"))?;
        transaction.put_record(keys::properties(PropertyHolder::Object(to.id, object), viewer), &properties)?;
    }
    Ok(())
}
