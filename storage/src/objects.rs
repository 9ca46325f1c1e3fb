//! Calendar objects as records: body, record, indexes, change log and counters always move together, here and nowhere else.
//! Decides nothing: what is stored was decided before.

mod content;
mod parsed;
mod private_uid;

pub(crate) use content::check_content;
pub(crate) use parsed::Parsed;
pub(crate) use private_uid::{known_uid_privacy, remember_privacy};

use crate::error::{Error, Limit, Result};
use crate::history::{self, Place, Stamp, What, kept};
use crate::keys::{self, PropertyHolder, UidHash};
use crate::limits::Limits;
use crate::links::{self, LinkRecord, LinkTarget};
use crate::read::{Read, Transaction, keys as keys_of, record, records};
use crate::record::{CalendarRecord, ChangeEntry, ChangeKind, ObjectRecord, StoredCalendar, WrittenBy};
use crate::{calendars, usage};
use acl::per_user::Overlay;
use acl::privacy::PrivacyRecord;
use acl::write::PutPlan;
use acl::{CalendarId, ForeignAttendees, ObjectId, PrincipalId};
use ical::{CalendarObject, ParseLimits};
use std::ops::ControlFlow;

/// The tables whose keys begin with a calendar and belong to its objects.
pub(crate) const TABLES: [u8; 9] = [
    keys::OBJECTS,
    keys::BODIES,
    keys::FOREIGN_ATTENDEES,
    keys::OBJECT_NAMES,
    keys::OBJECT_UIDS,
    keys::OVERLAYS,
    keys::TOUCHES,
    keys::CHANGES,
    keys::REMOVALS,
];

/// One object's record.
pub(crate) fn by_id(read: &dyn Read, calendar: CalendarId, id: ObjectId) -> Result<Option<ObjectRecord>> {
    record(read, &keys::object(calendar, id))
}

/// All objects of a calendar by id, without bodies.
pub(crate) fn all(read: &dyn Read, calendar: CalendarId) -> Result<Vec<(ObjectId, ObjectRecord)>> {
    records::<ObjectRecord>(read, &keys::table_of(keys::OBJECTS, &calendar.0))?
        .into_iter()
        .map(|(key, record)| Ok((id_of(&key)?, record)))
        .collect()
}

/// The objects stored under a name.
pub(crate) fn named(read: &dyn Read, calendar: CalendarId, name: &str) -> Result<Vec<ObjectId>> {
    keys_of(read, &keys::objects_named(calendar, name))?.iter().map(|key| id_of(key)).collect()
}

/// The objects with a UID.
pub(crate) fn with_uid(read: &dyn Read, calendar: CalendarId, uid: UidHash) -> Result<Vec<ObjectId>> {
    keys_of(read, &keys::objects_with_uid(calendar, uid))?.iter().map(|key| id_of(key)).collect()
}

fn id_of(key: &[u8]) -> Result<ObjectId> {
    keys::last_id(key).map(ObjectId).ok_or(Error::Corrupted("an object's key"))
}

/// The body without anyone's personal items.
pub(crate) fn body(read: &dyn Read, calendar: CalendarId, id: ObjectId) -> Result<String> {
    let bytes = read.get(&keys::body(calendar, id))?.ok_or(Error::Corrupted("an object without its body"))?;
    String::from_utf8(bytes).map_err(|_| Error::Corrupted("a body that is not UTF-8"))
}

/// A viewer's personal part.
pub(crate) fn overlay(read: &dyn Read, calendar: CalendarId, id: ObjectId, viewer: PrincipalId) -> Result<Option<Overlay>> {
    record(read, &keys::overlay(calendar, id, viewer))
}

/// The attendees whom the owner did not put there; nothing recorded: none.
pub(crate) fn foreign_attendees(read: &dyn Read, calendar: CalendarId, id: ObjectId) -> Result<ForeignAttendees> {
    Ok(record(read, &keys::foreign_attendees(calendar, id))?.unwrap_or_else(ForeignAttendees::none))
}

/// Stages them; none leave nothing behind.
pub(crate) fn put_foreign_attendees(
    transaction: &mut Transaction<'_>,
    calendar: CalendarId,
    id: ObjectId,
    foreign_attendees: &ForeignAttendees,
) -> Result<()> {
    let key = keys::foreign_attendees(calendar, id);
    if *foreign_attendees == ForeignAttendees::none() {
        transaction.delete(key);
        return Ok(());
    }
    transaction.put_record(key, foreign_attendees)
}

/// Stores of a format before 4 did not say who put an attendee there: where anybody but the owner wrote, none counts.
pub(crate) fn doubt_attendees(transaction: &mut Transaction<'_>) -> Result<()> {
    for (key, calendar) in records::<CalendarRecord>(transaction, &keys::table(keys::CALENDARS))? {
        let id = keys::last_id(&key).map(CalendarId).ok_or(Error::Corrupted("a calendar's key"))?;
        for (object, record) in all(transaction, id)? {
            if record.creator != calendar.owner || record.written_by == WrittenBy::Others {
                put_foreign_attendees(transaction, id, object, &ForeignAttendees::All)?;
            }
        }
    }
    Ok(())
}

/// How often writes of this viewer were refused on the object.
pub(crate) fn touches(read: &dyn Read, calendar: CalendarId, id: ObjectId, viewer: PrincipalId) -> Result<u64> {
    Ok(record(read, &keys::touch(calendar, id, viewer))?.unwrap_or(0))
}

/// What changed after `sequence`, in the order of the changes, each object once, or twice if it was moved away and came
/// back; `None`: too long ago to be known.
pub(crate) fn changes_since(read: &dyn Read, calendar: &StoredCalendar, sequence: u64) -> Result<Option<Vec<ChangeEntry>>> {
    if sequence < calendar.record.floor || sequence > calendar.record.head {
        return Ok(None);
    }
    if sequence == calendar.record.head {
        return Ok(Some(Vec::new()));
    }
    // The last one alone, which whoever follows every change asks for, needs no scan.
    if sequence.checked_add(1) == Some(calendar.record.head)
        && let Some(object) = record::<ObjectId>(read, &keys::change(calendar.id, calendar.record.head))?
    {
        return Ok(Some(vec![ChangeEntry { sequence: calendar.record.head, object, change: ChangeKind::Written }]));
    }
    let mut entries = Vec::new();
    for (table, change) in [(keys::CHANGES, ChangeKind::Written), (keys::REMOVALS, ChangeKind::Removed)] {
        for (key, object) in records::<ObjectId>(read, &keys::later_than(table, calendar.id, sequence))? {
            let sequence = keys::last_sequence(&key).ok_or(Error::Corrupted("a change log's key"))?;
            entries.push(ChangeEntry { sequence, object, change });
        }
    }
    entries.sort_by_key(|entry| entry.sequence);
    Ok(Some(entries))
}

/// A new object.
pub(crate) struct NewObject<'a> {
    pub(crate) id: ObjectId,
    pub(crate) name: &'a str,
    /// Without anyone's personal items.
    pub(crate) base: &'a CalendarObject,
    pub(crate) privacy: PrivacyRecord,
    pub(crate) creator: PrincipalId,
    pub(crate) written_by: WrittenBy,
    pub(crate) foreign_attendees: ForeignAttendees,
    /// The creator's personal part.
    pub(crate) overlay: Option<Overlay>,
    pub(crate) past: Past,
}

/// Whether an object that is new in a calendar has a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Past {
    None,
    /// It came with it, and with its id, from another calendar of the same owner.
    Carried,
}

/// Stores a new object. Names and UIDs already there are no obstacle here, nor how many objects there are: whoever asks
/// decides what is full to whom.
pub(crate) fn create(
    transaction: &mut Transaction<'_>,
    calendar: &mut StoredCalendar,
    new: NewObject<'_>,
    stamp: &Stamp,
    limits: &Limits,
) -> Result<()> {
    if new.name.len() > limits.name_bytes_max {
        return Err(Error::LimitExceeded(Limit::Space));
    }
    refuse_large(new.base, limits)?;
    let uid = UidHash::of(new.base.uid());
    // The last that may refuse: nothing is staged or counted before, so that a refusal leaves nothing in a larger commit.
    remember_privacy(transaction, calendar.record.owner, uid, &new.privacy, new.creator, limits)?;
    usage::in_home(transaction, calendar.record.owner, 0, new.base.bytes().len() as u64)?;
    let sequence = next_sequence(calendar);
    calendar.record.objects += 1;
    let record = ObjectRecord {
        name: new.name.to_owned(),
        uid,
        kind: new.base.kind().into(),
        base_version: 1,
        privacy: new.privacy,
        creator: new.creator,
        written_by: new.written_by,
        created: stamp.at,
        modified: stamp.at,
        order: sequence,
        change: sequence,
        content_bytes: new.base.bytes().len() as u64,
        span: new.base.span().into(),
    };
    transaction.put(keys::object_name(calendar.id, &record.name, new.id), Vec::new());
    transaction.put(keys::object_uid(calendar.id, record.uid, new.id), Vec::new());
    transaction.put(keys::body(calendar.id, new.id), new.base.bytes().to_vec());
    put_overlay(transaction, calendar.id, new.id, new.creator, new.overlay, record.base_version)?;
    put_foreign_attendees(transaction, calendar.id, new.id, &new.foreign_attendees)?;
    if new.past == Past::None {
        history::begin(transaction, new.id, stamp)?;
        kept::owes(transaction, calendar.record.owner, stamp, record.content_bytes, limits)?;
    }
    transaction.put_record(keys::change(calendar.id, sequence), &new.id)?;
    transaction.put_record(keys::object(calendar.id, new.id), &record)?;
    calendars::save(transaction, calendar)
}

/// What a write leaves.
pub(crate) struct Replacement<'a> {
    /// The new body; `None`: it stays, only the writer's personal part and the record of privacy are set.
    pub(crate) base: Option<&'a CalendarObject>,
    pub(crate) privacy: PrivacyRecord,
    pub(crate) foreign_attendees: ForeignAttendees,
    pub(crate) writer: PrincipalId,
    /// The writer's personal part; `None`: he has none.
    pub(crate) overlay: Option<Overlay>,
    /// What it is to the object's history.
    pub(crate) what: What,
}

/// Writes an object that is there.
pub(crate) fn replace(
    transaction: &mut Transaction<'_>,
    calendar: &mut StoredCalendar,
    id: ObjectId,
    new: Replacement<'_>,
    stamp: &Stamp,
    limits: &Limits,
) -> Result<()> {
    let mut record = by_id(transaction, calendar.id, id)?.ok_or(Error::NotFound)?;
    new.base.map_or(Ok(()), |base| refuse_large(base, limits))?;
    let uid = new.base.map_or(record.uid, |base| UidHash::of(base.uid()));
    // As in `create`: after this nothing refuses.
    remember_privacy(transaction, calendar.record.owner, uid, &new.privacy, new.writer, limits)?;
    if new.base.is_some() || new.privacy != record.privacy {
        let place = Place { owner: calendar.record.owner, calendar: calendar.id, object: id };
        let new_bytes = new.base.map_or(0, |base| base.bytes().len() as u64);
        history::supersede(transaction, place, (&record, new_bytes), (new.what, stamp), limits)?;
    }
    if let Some(base) = new.base {
        if uid != record.uid {
            transaction.delete(keys::object_uid(calendar.id, record.uid, id));
            transaction.put(keys::object_uid(calendar.id, uid, id), Vec::new());
            record.uid = uid;
        }
        record.kind = base.kind().into();
        record.base_version = record.base_version.saturating_add(1);
        let content_bytes = base.bytes().len() as u64;
        usage::in_home(transaction, calendar.record.owner, record.content_bytes, content_bytes)?;
        record.content_bytes = content_bytes;
        record.span = base.span().into();
        if new.writer != record.creator {
            record.written_by = WrittenBy::Others;
        }
        transaction.put(keys::body(calendar.id, id), base.bytes().to_vec());
    }
    if new.base.is_some() || new.writer == calendar.record.owner {
        record.modified = stamp.at;
    }
    record.privacy = new.privacy;
    put_foreign_attendees(transaction, calendar.id, id, &new.foreign_attendees)?;
    put_overlay(transaction, calendar.id, id, new.writer, new.overlay, record.base_version)?;
    log_again(transaction, calendar, id, &mut record)
}

/// Where a decided PUT goes.
#[derive(Clone, Copy)]
pub(crate) enum Target<'a> {
    /// A new object under this name.
    New(ObjectId, &'a str),
    /// The one that is there.
    Existing(ObjectId),
}

/// Stores what [`acl::write::plan_put`] decided about what was sent.
pub(crate) fn store_plan(
    transaction: &mut Transaction<'_>,
    calendar: &mut StoredCalendar,
    target: Target<'_>,
    (plan, sent, parsed): (PutPlan, &CalendarObject, &Parsed),
    (writer, stamp): (PrincipalId, &Stamp),
    limits: &Limits,
) -> Result<()> {
    let personal = plan.overlay.iter().flat_map(|overlay| &overlay.items).map(|item| item.text.len()).sum::<usize>();
    if personal > limits.property_bytes_max {
        return Err(Error::LimitExceeded(Limit::Space));
    }
    // Mostly it is what was sent, which was parsed before the store was held for writing.
    parsed.note(sent);
    let base = plan.base.as_deref().map(|text| parsed.stored(text, limits)).transpose()?;
    base.iter().for_each(|base| parsed.note(base));
    match (target, base) {
        (Target::New(id, name), Some(base)) => {
            let new = NewObject {
                id,
                name,
                base: &base,
                privacy: plan.privacy,
                creator: writer,
                written_by: WrittenBy::CreatorAlone,
                foreign_attendees: plan.foreign_attendees,
                overlay: plan.overlay,
                past: Past::None,
            };
            create(transaction, calendar, new, stamp, limits)
        }
        (Target::New(..), None) => Err(Error::Corrupted("a plan for a new object without a body")),
        (Target::Existing(id), base) => {
            let replacement = Replacement {
                base: base.as_ref(),
                privacy: plan.privacy,
                foreign_attendees: plan.foreign_attendees,
                writer,
                overlay: plan.overlay,
                what: What::Changed,
            };
            replace(transaction, calendar, id, replacement, stamp, limits)
        }
    }
}

/// A stored body, parsed. It was within the bounds when it came, whatever they are today, or everything in it would vanish
/// for all but its owner when an operator lowers them; lines put back since may make it a little longer.
pub(crate) fn parse_stored(bytes: &[u8], limits: &Limits) -> Result<CalendarObject> {
    let usual = ParseLimits::default();
    let bytes_max = usual.bytes_max.max(limits.object_bytes_max.saturating_mul(2));
    CalendarObject::parse(bytes, &ParseLimits { bytes_max, ..usual }).map_err(|_| Error::Corrupted("a body that is no calendar object"))
}

/// Gives an object another name in the same calendar.
pub(crate) fn rename(
    transaction: &mut Transaction<'_>,
    calendar: &mut StoredCalendar,
    id: ObjectId,
    name: &str,
    limits: &Limits,
) -> Result<()> {
    if name.len() > limits.name_bytes_max {
        return Err(Error::LimitExceeded(Limit::Space));
    }
    let mut record = by_id(transaction, calendar.id, id)?.ok_or(Error::NotFound)?;
    transaction.delete(keys::object_name(calendar.id, &record.name, id));
    let is_taken = !named(transaction, calendar.id, name)?.is_empty();
    transaction.put(keys::object_name(calendar.id, name, id), Vec::new());
    name.clone_into(&mut record.name);
    if is_taken {
        // Who bore the name before keeps it, however old the one that comes is.
        record.order = calendar.record.head.saturating_add(1);
    }
    log_again(transaction, calendar, id, &mut record)
}

/// Counts a refused write of a viewer, so that his view of the object changes and clients fetch it again.
pub(crate) fn touch(transaction: &mut Transaction<'_>, calendar: &mut StoredCalendar, id: ObjectId, viewer: PrincipalId) -> Result<()> {
    let mut record = by_id(transaction, calendar.id, id)?.ok_or(Error::NotFound)?;
    let count = touches(transaction, calendar.id, id, viewer)?.saturating_add(1);
    transaction.put_record(keys::touch(calendar.id, id, viewer), &count)?;
    log_again(transaction, calendar, id, &mut record)
}

/// Removes an object that went elsewhere, with everyone's personal parts, touch marks and properties, and the links to it. The
/// privacy of its UID stays remembered.
pub(crate) fn remove(
    transaction: &mut Transaction<'_>,
    calendar: &mut StoredCalendar,
    id: ObjectId,
    stamp: &Stamp,
    limits: &Limits,
) -> Result<()> {
    take_out(transaction, calendar, id, stamp, limits)?;
    remove_rest(transaction, calendar.id, id)
}

/// Takes an object out of its calendar: record, indexes, log and counters. What hangs on its id stays: see [`remove_rest`].
pub(crate) fn take_out(
    transaction: &mut Transaction<'_>,
    calendar: &mut StoredCalendar,
    id: ObjectId,
    stamp: &Stamp,
    limits: &Limits,
) -> Result<ObjectRecord> {
    let record = by_id(transaction, calendar.id, id)?.ok_or(Error::NotFound)?;
    usage::in_home(transaction, calendar.record.owner, record.content_bytes, 0)?;
    let shows_it = |link: &LinkRecord| link.target == LinkTarget::Object(id);
    links::end_of_calendar(transaction, calendar.id, shows_it, &stamp.into(), limits)?;
    unlist(transaction, calendar.id, id, &record);
    let sequence = next_sequence(calendar);
    transaction.put_record(keys::removal(calendar.id, sequence), &id)?;
    calendar.record.objects = calendar.record.objects.saturating_sub(1);
    calendar.record.removals += 1;
    forget_removals(transaction, calendar, limits)?;
    calendars::save(transaction, calendar)?;
    Ok(record)
}

fn unlist(transaction: &mut Transaction<'_>, calendar: CalendarId, id: ObjectId, record: &ObjectRecord) {
    transaction.delete(keys::object(calendar, id));
    transaction.delete(keys::object_name(calendar, &record.name, id));
    transaction.delete(keys::object_uid(calendar, record.uid, id));
    transaction.delete(keys::change(calendar, record.change));
}

/// Removes what hangs on the id of an object that was taken out.
pub(crate) fn remove_rest(transaction: &mut Transaction<'_>, calendar: CalendarId, id: ObjectId) -> Result<()> {
    transaction.delete(keys::body(calendar, id));
    transaction.delete(keys::foreign_attendees(calendar, id));
    for table in [keys::OVERLAYS, keys::TOUCHES] {
        transaction.delete_range(&keys::table_of_object(table, calendar, id))?;
    }
    transaction.delete_range(&keys::properties_of(PropertyHolder::Object(calendar, id)))
}

/// Puts an object back that was taken out, as the latest of its calendar.
pub(crate) fn put_back(
    transaction: &mut Transaction<'_>,
    calendar: &mut StoredCalendar,
    id: ObjectId,
    mut record: ObjectRecord,
) -> Result<()> {
    usage::in_home(transaction, calendar.record.owner, 0, record.content_bytes)?;
    let sequence = next_sequence(calendar);
    calendar.record.objects += 1;
    record.order = sequence;
    record.change = sequence;
    transaction.put(keys::object_name(calendar.id, &record.name, id), Vec::new());
    transaction.put(keys::object_uid(calendar.id, record.uid, id), Vec::new());
    transaction.put_record(keys::change(calendar.id, sequence), &id)?;
    transaction.put_record(keys::object(calendar.id, id), &record)?;
    calendars::save(transaction, calendar)
}

/// Removes an object of a calendar that nobody reaches any more.
pub(crate) fn purge(transaction: &mut Transaction<'_>, calendar: CalendarId, id: ObjectId) -> Result<()> {
    let record = by_id(transaction, calendar, id)?.ok_or(Error::NotFound)?;
    unlist(transaction, calendar, id, &record);
    remove_rest(transaction, calendar, id)
}

fn refuse_large(base: &CalendarObject, limits: &Limits) -> Result<()> {
    if base.bytes().len() > limits.object_bytes_max { Err(Error::LimitExceeded(Limit::ObjectBytes)) } else { Ok(()) }
}

fn next_sequence(calendar: &mut StoredCalendar) -> u64 {
    calendar.record.head += 1;
    calendar.record.head
}

/// Moves an object's entry to the end of the change log and stages both records.
fn log_again(transaction: &mut Transaction<'_>, calendar: &mut StoredCalendar, id: ObjectId, record: &mut ObjectRecord) -> Result<()> {
    transaction.delete(keys::change(calendar.id, record.change));
    record.change = next_sequence(calendar);
    transaction.put_record(keys::change(calendar.id, record.change), &id)?;
    transaction.put_record(keys::object(calendar.id, id), record)?;
    calendars::save(transaction, calendar)
}

fn put_overlay(
    transaction: &mut Transaction<'_>,
    calendar: CalendarId,
    id: ObjectId,
    viewer: PrincipalId,
    overlay: Option<Overlay>,
    base_version: u64,
) -> Result<()> {
    let key = keys::overlay(calendar, id, viewer);
    match overlay {
        None => transaction.delete(key),
        Some(mut overlay) => {
            overlay.base_version = base_version;
            transaction.put_record(key, &overlay)?;
        }
    }
    Ok(())
}

/// Keeps the oldest removals within the limit; old states from before them can no longer be told the difference.
fn forget_removals(transaction: &mut Transaction<'_>, calendar: &mut StoredCalendar, limits: &Limits) -> Result<()> {
    let surplus = calendar.record.removals.saturating_sub(limits.removed_names_max as u64);
    let mut oldest = Vec::new();
    if surplus == 0 {
        return Ok(());
    }
    transaction.scan(&keys::table_of(keys::REMOVALS, &calendar.id.0), &mut |key, _| {
        oldest.push(key.to_vec());
        Ok(if oldest.len() as u64 >= surplus { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    for key in oldest {
        calendar.record.floor = keys::last_sequence(&key).ok_or(Error::Corrupted("a change log's key"))?;
        calendar.record.removals = calendar.record.removals.saturating_sub(1);
        transaction.delete(key);
    }
    Ok(())
}
