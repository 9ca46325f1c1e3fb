//! One calendar: objects against bodies, indexes, change log, personal parts, counters; grants against both their indexes.

use super::{Report, hex};
use crate::error::{Error, Result};
use crate::journal;
use crate::keys::{self, PropertyHolder, UidHash};
use crate::read::{Read, keys as keys_of, present, records};
use crate::record::{CalendarRecord, ObjectRecord, StoredKind};
use crate::store::Snapshot;
use crate::trash::{TrashState, TrashedCalendar};
use crate::{calendars, objects, principals};
use acl::per_user::Overlay;
use acl::{CalendarId, EventPrivacy, Grant, Grantee, ObjectId, PrincipalId, PrivacyRecord};
use ical::{CalendarObject, TimeRange};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// Whether a calendar is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    There,
    /// In the trash of this owner, who may be removed.
    Trashed(PrincipalId),
}

/// A calendar's record; none of one that was removed meanwhile, or that is going for good.
pub(super) fn record(snapshot: &Snapshot<'_>, id: CalendarId, standing: Standing, report: &mut Report) -> Result<Option<CalendarRecord>> {
    match standing {
        Standing::There => report.read(snapshot, &keys::calendar(id), "calendar"),
        Standing::Trashed(owner) => {
            let trashed: Option<TrashedCalendar> = report.read(snapshot, &keys::trashed_calendar(owner, id), "deleted calendar")?;
            Ok(trashed.filter(|trashed| trashed.state == TrashState::Whole).map(|trashed| trashed.record))
        }
    }
}

/// Checks a calendar. `step` is called for each object.
pub(super) fn check(
    snapshot: &Snapshot<'_>,
    (id, standing): (CalendarId, Standing),
    report: &mut Report,
    step: &mut dyn FnMut(),
) -> Result<()> {
    let Some(record) = record(snapshot, id, standing, report)? else {
        return Ok(());
    };
    let trashed = keys_of(snapshot, &keys::table_of(keys::TRASH, &id.0))?;
    let trashed = trashed.iter().filter_map(|key| keys::last_id(key)).map(ObjectId).collect();
    let mut check = CalendarCheck { snapshot, id, standing, name: hex(&id.0), objects: BTreeMap::new(), trashed, report };
    if standing == Standing::There {
        check.home(&record)?;
        check.grants()?;
    }
    check.load_objects()?;
    let ids: Vec<ObjectId> = check.objects.keys().copied().collect();
    for object in ids {
        check.object(object, &record)?;
        step();
    }
    check.indexes()?;
    check.log(&record)?;
    check.journal()?;
    check.personal_parts()
}

struct CalendarCheck<'a> {
    snapshot: &'a Snapshot<'a>,
    id: CalendarId,
    standing: Standing,
    name: String,
    objects: BTreeMap<ObjectId, ObjectRecord>,
    /// Deleted objects: their bodies and personal parts are where they were.
    trashed: BTreeSet<ObjectId>,
    report: &'a mut Report,
}

impl CalendarCheck<'_> {
    fn fault(&mut self, words: &str) {
        self.report.fault(format_args!("calendar {}: {words}", self.name));
    }
    fn object_fault(&mut self, object: ObjectId, words: &str) {
        self.report.fault(format_args!("calendar {}: object {}: {words}", self.name, hex(&object.0)));
    }

    fn home(&mut self, record: &CalendarRecord) -> Result<()> {
        if principals::user(self.snapshot, record.owner)?.is_none() {
            self.fault("its owner is not there");
        }
        match calendars::named(self.snapshot, record.owner, &record.name) {
            Ok(Some(found)) if found.id == self.id => Ok(()),
            Ok(_) | Err(Error::Corrupted(_)) => {
                self.fault("its owner's home does not have it");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn grants(&mut self) -> Result<()> {
        for (key, grant) in records::<Grant>(self.snapshot, &keys::table_of(keys::GRANTS, &self.id.0))? {
            if keys::grantee_of(&key) != Some(grant.grantee) {
                self.fault("a grant stands under another grantee");
            }
            if !present(self.snapshot, &keys::granted(grant.grantee, self.id))? {
                self.fault("a grant is not in the index of grantees");
            }
            let there = match grant.grantee {
                Grantee::User(id) => principals::user(self.snapshot, id)?.is_some(),
                Grantee::Group(id) => principals::group(self.snapshot, id)?.is_some(),
                Grantee::Role(id) => crate::roles::role(self.snapshot, id)?.is_some(),
                Grantee::Everyone => true,
            };
            if !there {
                self.fault("a grant to somebody who is not there");
            }
        }
        Ok(())
    }

    fn load_objects(&mut self) -> Result<()> {
        let range = keys::table_of(keys::OBJECTS, &self.id.0);
        let (objects, report) = (&mut self.objects, &mut *self.report);
        self.snapshot.scan(&range, &mut |key, value| {
            if let Some((id, record)) = keys::last_id(key).zip(report.decode(value, key, "object")) {
                objects.insert(ObjectId(id), record);
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    fn object(&mut self, id: ObjectId, calendar: &CalendarRecord) -> Result<()> {
        let Some(record) = self.objects.get(&id).cloned() else {
            return Ok(());
        };
        let wanted = [
            (keys::object_name(self.id, &record.name, id), "its name is not in the index of names"),
            (keys::object_uid(self.id, record.uid, id), "its UID is not in the index of UIDs"),
        ];
        for (key, words) in wanted {
            if !present(self.snapshot, &key)? {
                self.object_fault(id, words);
            }
        }
        if record.change > calendar.head || record.order > record.change {
            self.object_fault(id, "its change is later than the calendar's last");
        }
        // Of a removed owner nothing is remembered.
        if self.standing == Standing::There && record.privacy.strictest().is_some_and(is_remembered) {
            let known = objects::known_uid_privacy(self.snapshot, calendar.owner, record.uid)?;
            if known.map(EventPrivacy::strictness) < record.privacy.strictest().map(EventPrivacy::strictness) {
                self.object_fault(id, "the privacy of its UID is not remembered");
            }
        }
        match self.snapshot.get(&keys::body(self.id, id)) {
            Ok(Some(body)) => self.body(id, &record, &body),
            Ok(None) => self.object_fault(id, "it has no body"),
            Err(Error::Corrupted(why)) => self.object_fault(id, why),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn body(&mut self, id: ObjectId, record: &ObjectRecord, body: &[u8]) {
        let Ok(object) = objects::parse_stored(body, self.snapshot.limits()) else {
            return self.object_fault(id, "its body is no calendar object");
        };
        let agreements = [
            (body.len() as u64 == record.content_bytes, "its record has another length"),
            (UidHash::of(object.uid()) == record.uid, "its record has another UID"),
            (StoredKind::from(object.kind()) == record.kind, "its record has another kind"),
            (contains(&record.span.range(), &object.span()), "its record's span is too short"),
            (covers(&record.privacy, &object), "its record lacks the privacy of a component, or has too many"),
        ];
        for (agrees, words) in agreements {
            if !agrees {
                self.object_fault(id, words);
            }
        }
    }

    /// What the indexes and bodies name is there.
    fn indexes(&mut self) -> Result<()> {
        let tables = [(keys::BODIES, "a body"), (keys::OBJECT_NAMES, "an entry of names"), (keys::OBJECT_UIDS, "an entry of UIDs")];
        for (table, what) in tables {
            let found = keys_of(self.snapshot, &keys::table_of(table, &self.id.0))?;
            let is_kept = |id: &ObjectId| table == keys::BODIES && self.trashed.contains(id);
            let mut strays = 0;
            for key in &found {
                let id = keys::last_id(key).map(ObjectId);
                strays += usize::from(id.is_none_or(|id| !self.objects.contains_key(&id) && !is_kept(&id)));
            }
            if strays > 0 {
                self.fault(&format!("{what} of an object that is not there"));
            }
            // Each object's own entry was looked up: as many entries as objects means no others.
            let expected = self.objects.len() + if table == keys::BODIES { self.trashed.len() } else { 0 };
            if found.len() != expected {
                self.fault(&format!("{expected} objects, but {what} {} times", found.len()));
            }
        }
        Ok(())
    }

    fn log(&mut self, calendar: &CalendarRecord) -> Result<()> {
        let written = records::<ObjectId>(self.snapshot, &keys::table_of(keys::CHANGES, &self.id.0))?;
        let removed = records::<ObjectId>(self.snapshot, &keys::table_of(keys::REMOVALS, &self.id.0))?;
        for (key, object) in &written {
            let sequence = keys::last_sequence(key);
            if self.objects.get(object).map(|record| record.change) != sequence {
                self.fault("the change log has an object at another place than its record");
            }
        }
        for (key, object) in &removed {
            let sequence = keys::last_sequence(key);
            // One that was moved away and came back is logged again, later.
            if self.objects.get(object).is_some_and(|record| sequence.is_none_or(|sequence| sequence > record.change)) {
                self.fault("the change log says of an object that it is gone");
            }
            if sequence.is_none_or(|sequence| sequence <= calendar.floor || sequence > calendar.head) {
                self.fault("a removal stands outside of the change log's range");
            }
        }
        let counts = [
            (calendar.objects, self.objects.len(), "objects"),
            (calendar.objects, written.len(), "entries of the change log"),
            (calendar.removals, removed.len(), "removals"),
        ];
        for (counted, there, what) in counts {
            if counted != there as u64 {
                self.fault(&format!("{counted} {what} counted, {there} there"));
            }
        }
        Ok(())
    }

    /// Its rows can be read and are counted. They may tell of people and objects that are gone.
    fn journal(&mut self) -> Result<()> {
        let report = &mut *self.report;
        self.snapshot.scan(&keys::journal_rows(self.id), &mut |key, value| {
            report.decode::<journal::Row>(value, key, "journal");
            Ok(ControlFlow::Continue(()))
        })?;
        let (counted, there) = journal::counted(self.snapshot, self.id)?;
        if counted != there {
            self.fault(&format!("{counted} rows of its journal counted, {there} there"));
        }
        Ok(())
    }

    /// Overlays, touch marks and properties belong to objects that are there.
    fn personal_parts(&mut self) -> Result<()> {
        let mut found = Vec::new();
        let report = &mut *self.report;
        self.snapshot.scan(&keys::table_of(keys::OVERLAYS, &self.id.0), &mut |key, value| {
            let overlay: Option<Overlay> = report.decode(value, key, "overlay");
            found.push((keys::id_at(key, 1).map(ObjectId), overlay.map_or(0, |overlay| overlay.base_version)));
            Ok(ControlFlow::Continue(()))
        })?;
        for key in keys_of(self.snapshot, &keys::table_of(keys::TOUCHES, &self.id.0))? {
            found.push((keys::id_at(&key, 1).map(ObjectId), 0));
        }
        for (object, base_version) in found {
            match object.and_then(|object| self.objects.get(&object)) {
                None if object.is_some_and(|object| self.trashed.contains(&object)) => {}
                None => self.fault("a personal part of an object that is not there"),
                Some(record) if base_version > record.base_version => self.fault("a personal part newer than its object"),
                Some(_) => {}
            }
        }
        for key in keys_of(self.snapshot, &keys::properties_of(PropertyHolder::Calendar(self.id)))? {
            // After the table, `c` and the calendar's id: `v` and a viewer, or `o`, an object and a viewer.
            let object = match key.get(18) {
                Some(b'o') => key.get(19..).and_then(|rest| rest.first_chunk::<16>()).copied().map(ObjectId),
                _ => None,
            };
            if object.is_some_and(|object| !self.objects.contains_key(&object) && !self.trashed.contains(&object)) {
                self.fault("properties of an object that is not there");
            }
        }
        Ok(())
    }
}

/// Wider than the object's own is sound: it is only a first sieve.
fn contains(outer: &TimeRange, inner: &TimeRange) -> bool {
    let starts = outer.start.is_none_or(|outer| inner.start.is_some_and(|inner| outer <= inner));
    let ends = outer.end.is_none_or(|outer| inner.end.is_some_and(|inner| inner <= outer));
    starts && ends
}

fn is_remembered(privacy: EventPrivacy) -> bool {
    privacy.strictness() >= EventPrivacy::Confidential.strictness()
}

/// A record of exactly the object's components.
fn covers(privacy: &PrivacyRecord, object: &CalendarObject) -> bool {
    let components: BTreeSet<_> = object.components().map(|component| object.recurrence_id(component)).collect();
    components.iter().all(|id| privacy.get(id.as_ref()).is_some()) && privacy.components.len() == components.len()
}
