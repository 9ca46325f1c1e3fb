//! Earlier versions of objects: who wrote what, when, with which client. For the owner of the calendar alone; nothing that a
//! viewer is shown looks here.
//!
//! A version is the body without anyone's personal items, with the records of privacy and invitations that held then: alarms are each person's
//! own, change nothing for others, and stay when an earlier version comes back. A write that leaves body and privacy as they
//! are makes no version. The present version's body stands where objects stand; it is put aside by the write that supersedes
//! it, in the same commit. Versions are numbered from 1 for each object; numbers are never used again.
//!
//! History hangs on the object's id: it goes along when the object moves between calendars of one owner, and ends with the
//! object. What goes after how long: [`kept`].

pub(crate) mod kept;
pub(crate) mod listing;

pub use listing::{HistoryEntry, ObjectVersions, TrashEntry, VersionEntry, VersionText};

use crate::client::ClientName;
use crate::error::{Error, Result};
use crate::keys;
use crate::limits::Limits;
use crate::objects;
use crate::read::{Read, Transaction, record, records};
use crate::record::ObjectRecord;
use acl::{CalendarId, ForeignAttendees, ObjectId, PrincipalId, PrivacyRecord};
use chrono::{DateTime, Utc};
use kept::{Kept, Kind, Whose};
use serde::{Deserialize, Serialize};

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Writer {
    /// A user, under the name he then had: who has it today may be somebody else.
    User { id: PrincipalId, name: String },
    /// The administrator on the machine.
    Machine,
    /// Written before authors were kept.
    Unknown,
}

/// Who did something, when, with which program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    pub(crate) at: DateTime<Utc>,
    pub(crate) by: Writer,
    pub(crate) client: ClientName,
}

/// What a write did to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// It is new.
    Created,
    /// It was written.
    Changed,
    /// It came from another calendar of the same owner.
    Moved,
    /// It went to the trash.
    Deleted,
    /// An earlier version was brought back, or the object out of the trash.
    Restored,
}

impl What {
    /// The word in API, command line and files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Moved => "moved",
            Self::Deleted => "deleted",
            Self::Restored => "restored",
        }
    }
}

/// The present version of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HistoryRecord {
    pub(crate) number: u64,
    /// How many earlier ones are kept.
    pub(crate) earlier: u64,
    pub(crate) what: What,
    pub(crate) stamp: Stamp,
}

/// An earlier version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VersionRecord {
    /// For whom it is kept.
    pub(crate) owner: PrincipalId,
    pub(crate) what: What,
    pub(crate) stamp: Stamp,
    pub(crate) privacy: PrivacyRecord,
    /// Whom somebody else than the owner had put there.
    pub(crate) foreign_attendees: ForeignAttendees,
    /// Bytes of its body; `None`: it has none, it says that the object was deleted.
    pub(crate) content_bytes: Option<u64>,
    /// When it was written over: its age counts from here.
    pub(crate) since: DateTime<Utc>,
}

impl VersionRecord {
    fn kept(&self, object: ObjectId, number: u64) -> Kept {
        Kept { owner: self.owner, kind: Kind::Version, since: self.since, id: object.0, number }
    }
    fn whose(&self) -> Whose {
        Whose::of(&self.stamp.by, self.owner)
    }
}

/// The present version of an object that is there or in the trash; of one that is older than its history, what is known.
pub(crate) fn present(read: &dyn Read, id: ObjectId, object: &ObjectRecord) -> Result<HistoryRecord> {
    let unknown = || HistoryRecord {
        number: 1,
        earlier: 0,
        what: What::Created,
        stamp: Stamp { at: object.modified, by: Writer::Unknown, client: ClientName::default() },
    };
    Ok(record(read, &keys::history(id))?.unwrap_or_else(unknown))
}

/// The earlier versions of an object by number, the first first.
pub(crate) fn versions(read: &dyn Read, id: ObjectId) -> Result<Vec<(u64, VersionRecord)>> {
    let numbered = |(key, version): (Vec<u8>, VersionRecord)| Ok((number_of(&key)?, version));
    records(read, &keys::table_of(keys::VERSIONS, &id.0))?.into_iter().map(numbered).collect()
}

fn number_of(key: &[u8]) -> Result<u64> {
    keys::last_sequence(key).ok_or(Error::Corrupted("a version's key"))
}

/// Begins the history of a new object.
pub(crate) fn begin(transaction: &mut Transaction<'_>, id: ObjectId, stamp: &Stamp) -> Result<()> {
    let first = HistoryRecord { number: 1, earlier: 0, what: What::Created, stamp: stamp.clone() };
    transaction.put_record(keys::history(id), &first)
}

/// Where an object stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) owner: PrincipalId,
    pub(crate) calendar: CalendarId,
    pub(crate) object: ObjectId,
}

/// Puts the present version aside, body and all, for one that is about to be written, with a body of `new_bytes` or, at 0, the
/// same.
pub(crate) fn supersede(
    transaction: &mut Transaction<'_>,
    place: Place,
    (object, new_bytes): (&ObjectRecord, u64),
    (what, stamp): (What, &Stamp),
    limits: &Limits,
) -> Result<()> {
    let mut history = present(transaction, place.object, object)?;
    let put_aside_bytes = match Whose::of(&history.stamp.by, place.owner) {
        Whose::Owner => object.content_bytes,
        Whose::Others => 0,
    };
    set_aside(transaction, place, object, &mut history, stamp.at)?;
    history.what = what;
    history.stamp = stamp.clone();
    thin(transaction, place, &mut history, limits)?;
    transaction.put_record(keys::history(place.object), &history)?;
    kept::make_room(transaction, place.owner, stamp, put_aside_bytes.max(new_bytes), limits)
}

/// Notes that an object was deleted and is back: the version that was deleted, that it was, and its being restored.
pub(crate) fn came_back(
    transaction: &mut Transaction<'_>,
    place: Place,
    object: &ObjectRecord,
    (deleted, restored): (&Stamp, &Stamp),
    limits: &Limits,
) -> Result<()> {
    let mut history = present(transaction, place.object, object)?;
    set_aside(transaction, place, object, &mut history, deleted.at)?;
    let gone = VersionRecord {
        owner: place.owner,
        what: What::Deleted,
        stamp: deleted.clone(),
        privacy: PrivacyRecord::default(),
        foreign_attendees: ForeignAttendees::none(),
        content_bytes: None,
        since: restored.at,
    };
    keep(transaction, place.object, &mut history, &gone, None)?;
    history.what = What::Restored;
    history.stamp = restored.clone();
    thin(transaction, place, &mut history, limits)?;
    transaction.put_record(keys::history(place.object), &history)
}

fn set_aside(
    transaction: &mut Transaction<'_>,
    place: Place,
    object: &ObjectRecord,
    history: &mut HistoryRecord,
    since: DateTime<Utc>,
) -> Result<()> {
    let body = transaction.get(&keys::body(place.calendar, place.object))?.ok_or(Error::Corrupted("an object without its body"))?;
    let version = VersionRecord {
        owner: place.owner,
        what: history.what,
        stamp: history.stamp.clone(),
        privacy: object.privacy.clone(),
        foreign_attendees: objects::foreign_attendees(transaction, place.calendar, place.object)?,
        content_bytes: Some(body.len() as u64),
        since,
    };
    keep(transaction, place.object, history, &version, Some(body))
}

/// Keeps what was the present version under its number; the next number is the present one's.
fn keep(
    transaction: &mut Transaction<'_>,
    object: ObjectId,
    history: &mut HistoryRecord,
    version: &VersionRecord,
    body: Option<Vec<u8>>,
) -> Result<()> {
    let kept = version.kept(object, history.number);
    kept::add(transaction, &kept, version.whose(), version.content_bytes.unwrap_or_default(), None)?;
    transaction.put_record(keys::version(object, history.number), version)?;
    if let Some(body) = body {
        transaction.put(keys::version_body(object, history.number), body);
    }
    history.number = history.number.saturating_add(1);
    history.earlier = history.earlier.saturating_add(1);
    Ok(())
}

/// Keeps to the number of versions, an eighth over it at most, so that not every write looks at all of them. The oldest go
/// first, but of one author's writes in a row the last stays as long as there are others to go: somebody who may edit cannot
/// push out what was there before him by writing often. Nor can several who take turns: what the owner wrote goes by her own
/// writes alone, and by these no sooner than what others wrote beyond a quarter of the number. Between them there may be more
/// versions than the number: one more for each writing of hers.
fn thin(transaction: &mut Transaction<'_>, place: Place, history: &mut HistoryRecord, limits: &Limits) -> Result<()> {
    if history.earlier <= limits.versions_max.saturating_add(limits.versions_max / 8) {
        return Ok(());
    }
    let mut versions = versions(transaction, place.object)?;
    let writer = Whose::of(&history.stamp.by, place.owner);
    while versions.len() as u64 > limits.versions_max {
        let next: Vec<&Writer> = versions.iter().skip(1).map(|(_, version)| &version.stamp.by).chain([&history.stamp.by]).collect();
        let of = |whose| move |(_, version): &(u64, VersionRecord)| version.whose() == whose;
        let in_a_row = |whose| {
            let mut pairs = versions.iter().zip(&next);
            pairs.position(move |(version, next)| of(whose)(version) && version.1.stamp.by == **next)
        };
        let others = versions.iter().filter(|version| of(Whose::Others)(version)).count() as u64;
        let oldest_of_others = || versions.iter().position(of(Whose::Others)).filter(|_| others > limits.versions_max / 4);
        let hers = || in_a_row(Whose::Owner).or_else(|| versions.iter().position(of(Whose::Owner)));
        let index = match writer {
            Whose::Others => in_a_row(Whose::Others).or_else(|| versions.iter().position(of(Whose::Others))),
            Whose::Owner => in_a_row(Whose::Others).or_else(oldest_of_others).or_else(hers),
        };
        let Some(index) = index else { break };
        let (number, version) = versions.remove(index);
        drop_version(transaction, place.object, number, &version)?;
    }
    history.earlier = versions.len() as u64;
    Ok(())
}

fn drop_version(transaction: &mut Transaction<'_>, object: ObjectId, number: u64, version: &VersionRecord) -> Result<()> {
    transaction.delete(keys::version(object, number));
    transaction.delete(keys::version_body(object, number));
    kept::remove(transaction, &version.kept(object, number))
}

/// Removes one earlier version for good.
fn purge_version(transaction: &mut Transaction<'_>, object: ObjectId, number: u64) -> Result<()> {
    let Some(version) = record::<VersionRecord>(transaction, &keys::version(object, number))? else {
        return Err(Error::Corrupted("a version that is to go is not there"));
    };
    drop_version(transaction, object, number, &version)?;
    if let Some(mut history) = record::<HistoryRecord>(transaction, &keys::history(object))? {
        history.earlier = history.earlier.saturating_sub(1);
        transaction.put_record(keys::history(object), &history)?;
    }
    Ok(())
}

/// Removes all earlier versions of an object for good; how many these were.
pub(crate) fn purge_versions(transaction: &mut Transaction<'_>, object: ObjectId) -> Result<u64> {
    let versions = versions(transaction, object)?;
    for (number, version) in &versions {
        drop_version(transaction, object, *number, version)?;
    }
    if let Some(mut history) = record::<HistoryRecord>(transaction, &keys::history(object))? {
        history.earlier = 0;
        transaction.put_record(keys::history(object), &history)?;
    }
    Ok(versions.len() as u64)
}

/// What stands in a deleted object's place when its present version goes.
pub(crate) struct Former {
    pub(crate) version: VersionRecord,
    pub(crate) body: Vec<u8>,
}

/// Makes the last version that the owner wrote the present one of an object, under a new number, and drops all after it; `None`:
/// she wrote the present one, or none that is kept.
pub(crate) fn fall_back(transaction: &mut Transaction<'_>, place: Place, object: &ObjectRecord) -> Result<Option<Former>> {
    let mut history = present(transaction, place.object, object)?;
    let versions = versions(transaction, place.object)?;
    let hers = |(_, version): &(u64, VersionRecord)| version.whose() == Whose::Owner && version.content_bytes.is_some();
    if Whose::of(&history.stamp.by, place.owner) == Whose::Owner {
        return Ok(None);
    }
    let Some(last) = versions.iter().rposition(hers) else { return Ok(None) };
    let mut former = None;
    for (number, version) in versions.into_iter().skip(last) {
        if former.is_none() {
            let body = transaction.get(&keys::version_body(place.object, number))?.ok_or(Error::Corrupted("a version without its body"))?;
            former = Some(Former { version: version.clone(), body });
        }
        drop_version(transaction, place.object, number, &version)?;
        history.earlier = history.earlier.saturating_sub(1);
    }
    if let Some(Former { version, .. }) = &former {
        history.number = history.number.saturating_add(1);
        history.what = version.what;
        history.stamp = version.stamp.clone();
        transaction.put_record(keys::history(place.object), &history)?;
    }
    Ok(former)
}

/// Ends the history of an object that is gone for good.
pub(crate) fn end(transaction: &mut Transaction<'_>, object: ObjectId) -> Result<()> {
    purge_versions(transaction, object)?;
    transaction.delete(keys::history(object));
    Ok(())
}
