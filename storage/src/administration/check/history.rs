//! Histories and trash: each record against what it is of, and what stands in line to go against what is kept.

use super::{Report, hex};
use crate::error::Result;
use crate::history::kept::{Balance, Kept, KeptRecord, Kind, Whose};
use crate::history::{self, HistoryRecord, VersionRecord, kept};
use crate::keys::{self, UidHash};
use crate::objects;
use crate::read::{Read, keys as keys_of, present, record};
use crate::store::Snapshot;
use crate::trash::{TrashedCalendar, TrashedObject};
use acl::{CalendarId, ObjectId, PrincipalId};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// Calendars that are there or in the trash, each with its owner.
pub(super) fn owners(read: &dyn Read, report: &mut Report) -> Result<BTreeMap<CalendarId, PrincipalId>> {
    let mut owners = BTreeMap::new();
    read.scan(&keys::table(keys::CALENDARS), &mut |key, value| {
        let calendar: Option<crate::record::CalendarRecord> = report.decode(value, key, "calendar");
        if let (Some(id), Some(calendar)) = (keys::last_id(key), calendar) {
            owners.insert(CalendarId(id), calendar.owner);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    for key in keys_of(read, &keys::table(keys::TRASHED_CALENDARS))? {
        if let (Some(owner), Some(id)) = (keys::id_at(&key, 0), keys::last_id(&key)) {
            owners.insert(CalendarId(id), PrincipalId(owner));
        }
    }
    Ok(owners)
}

/// Histories, versions, trash, and the line they stand in.
pub(super) fn check(read: &Snapshot<'_>, report: &mut Report) -> Result<()> {
    let owners = owners(read, report)?;
    let mut objects: BTreeSet<ObjectId> = BTreeSet::new();
    for table in [keys::OBJECTS, keys::TRASH] {
        objects.extend(keys_of(read, &keys::table(table))?.iter().filter_map(|key| keys::last_id(key)).map(ObjectId));
    }
    let mut line = Line::load(read, report)?;
    check_versions(read, &objects, &mut line, report)?;
    check_trash(read, &owners, &mut line, report)?;
    line.check(read, report)
}

/// What stands in line, until it is found to be kept.
struct Line {
    /// By key, with the bytes it counts for.
    waiting: BTreeMap<Vec<u8>, u64>,
    sums: BTreeMap<PrincipalId, Balance>,
}

impl Line {
    fn load(read: &dyn Read, report: &mut Report) -> Result<Self> {
        let mut line = Self { waiting: BTreeMap::new(), sums: BTreeMap::new() };
        read.scan(&keys::table(keys::KEPT), &mut |key, value| {
            let entry: Option<KeptRecord> = report.decode(value, key, "kept thing");
            if let (Some(owner), Some(entry)) = (keys::id_at(key, 0).map(PrincipalId), entry) {
                line.sums.entry(owner).or_default().count(kept::whose_line(key), entry.bytes);
                line.waiting.insert(key.to_vec(), entry.bytes);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(line)
    }

    /// One kept thing: it stands in line for at least its content, and what is the owner's not among what others can make go.
    fn expect(&mut self, kept: &Kept, whose: Whose, content_bytes: u64, report: &mut Report) {
        match self.waiting.remove(&kept.key(whose)) {
            Some(bytes) if bytes >= content_bytes => {}
            _ => report.fault(format_args!("a version or deleted thing will not go when its time comes: {}", hex(&kept.id))),
        }
    }

    fn check(mut self, read: &dyn Read, report: &mut Report) -> Result<()> {
        if !self.waiting.is_empty() {
            report.fault(format_args!("{} entries of versions or deleted things that are not there", self.waiting.len()));
        }
        let mut counted = Vec::new();
        read.scan(&keys::table(keys::KEPT_BYTES), &mut |key, value| {
            if let (Some(owner), Some(balance)) = (keys::last_id(key), report.decode::<Balance>(value, key, "count of kept bytes")) {
                counted.push((PrincipalId(owner), balance));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        for (owner, balance) in counted {
            let there = self.sums.remove(&owner).unwrap_or_default();
            let (counted, there) = ([balance.owner_bytes, balance.others_bytes], [there.owner_bytes, there.others_bytes]);
            if counted != there {
                report.fault(format_args!("user {}: {counted:?} kept bytes counted, {there:?} there", hex(&owner.0)));
            }
        }
        for owner in self.sums.into_keys() {
            report.fault(format_args!("user {}: kept bytes that are not counted", hex(&owner.0)));
        }
        Ok(())
    }
}

fn check_versions(read: &dyn Read, objects: &BTreeSet<ObjectId>, line: &mut Line, report: &mut Report) -> Result<()> {
    let mut found: BTreeMap<ObjectId, (u64, u64)> = BTreeMap::new();
    let mut with_body = BTreeMap::new();
    read.scan(&keys::table(keys::VERSIONS), &mut |key, value| {
        let version: Option<VersionRecord> = report.decode(value, key, "version");
        let (Some(object), Some(number), Some(version)) = (keys::id_at(key, 0).map(ObjectId), keys::last_sequence(key), version) else {
            return Ok(ControlFlow::Continue(()));
        };
        let (count, highest) = found.entry(object).or_default();
        *count += 1;
        *highest = number.max(*highest);
        let kept = Kept { owner: version.owner, kind: Kind::Version, since: version.since, id: object.0, number };
        line.expect(&kept, Whose::of(&version.stamp.by, version.owner), version.content_bytes.unwrap_or_default(), report);
        if let Some(bytes) = version.content_bytes {
            with_body.insert((object, number), bytes);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    read.scan(&keys::table(keys::VERSION_BODIES), &mut |key, value| {
        let place = keys::id_at(key, 0).map(ObjectId).zip(keys::last_sequence(key));
        if place.and_then(|place| with_body.remove(&place)) != Some(value.len() as u64) {
            report.fault(format_args!("the body of an earlier version is not what its record says"));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    if !with_body.is_empty() {
        report.fault(format_args!("{} earlier versions without their bodies", with_body.len()));
    }
    read.scan(&keys::table(keys::HISTORIES), &mut |key, value| {
        let history: Option<HistoryRecord> = report.decode(value, key, "history");
        let (Some(object), Some(history)) = (keys::last_id(key).map(ObjectId), history) else {
            return Ok(ControlFlow::Continue(()));
        };
        let (count, highest) = found.remove(&object).unwrap_or_default();
        if history.earlier != count || history.number <= highest {
            report.fault(format_args!("object {}: its history has other versions than there are", hex(&object.0)));
        }
        if !objects.contains(&object) {
            report.fault(format_args!("object {}: a history of an object that is not there", hex(&object.0)));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    for object in found.into_keys() {
        report.fault(format_args!("object {}: earlier versions without a history", hex(&object.0)));
    }
    Ok(())
}

fn check_trash(read: &Snapshot<'_>, owners: &BTreeMap<CalendarId, PrincipalId>, line: &mut Line, report: &mut Report) -> Result<()> {
    let mut deleted = Vec::new();
    read.scan(&keys::table(keys::TRASH), &mut |key, value| {
        let object: Option<TrashedObject> = report.decode(value, key, "deleted object");
        let place = keys::id_at(key, 0).map(CalendarId).zip(keys::id_at(key, 1).map(ObjectId));
        deleted.extend(place.zip(object));
        Ok(ControlFlow::Continue(()))
    })?;
    for ((calendar, id), object) in deleted {
        let Some(owner) = owners.get(&calendar).copied() else {
            report.fault(format_args!("object {}: deleted from a calendar that is not there", hex(&id.0)));
            continue;
        };
        let kept = Kept { owner, kind: Kind::Object, since: object.deleted.at, id: id.0, number: 0 };
        let whose = Whose::of(&history::present(read, id, &object.record)?.stamp.by, owner);
        line.expect(&kept, whose, object.record.content_bytes, report);
        let body = read.get(&keys::body(calendar, id))?;
        let agrees = body.is_some_and(|body| {
            let parsed = objects::parse_stored(&body, read.limits());
            body.len() as u64 == object.record.content_bytes && parsed.is_ok_and(|parsed| UidHash::of(parsed.uid()) == object.record.uid)
        });
        if !agrees {
            report.fault(format_args!("object {}: deleted, and its body is not what its record says", hex(&id.0)));
        }
        if present(read, &keys::object(calendar, id))? {
            report.fault(format_args!("object {}: deleted and there", hex(&id.0)));
        }
    }
    let mut calendars = Vec::new();
    read.scan(&keys::table(keys::TRASHED_CALENDARS), &mut |key, value| {
        let calendar: Option<TrashedCalendar> = report.decode(value, key, "deleted calendar");
        let place = keys::id_at(key, 0).map(PrincipalId).zip(keys::id_at(key, 1).map(CalendarId));
        calendars.extend(place.zip(calendar));
        Ok(ControlFlow::Continue(()))
    })?;
    for ((owner, id), calendar) in calendars {
        let kept = Kept { owner, kind: Kind::Calendar, since: calendar.deleted.at, id: id.0, number: 0 };
        line.expect(&kept, Whose::Owner, calendar.content_bytes, report);
        if calendar.record.owner != owner {
            report.fault(format_args!("calendar {}: deleted, and its record has another owner", hex(&id.0)));
        }
        if record::<crate::record::CalendarRecord>(read, &keys::calendar(id))?.is_some() {
            report.fault(format_args!("calendar {}: deleted and there", hex(&id.0)));
        }
    }
    Ok(())
}
