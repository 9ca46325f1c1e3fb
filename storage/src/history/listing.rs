//! Histories and trash as their owner reads them. What events are about is in none of it but [`VersionText`].

use super::kept::{Kept, Kind};
use super::{HistoryRecord, Stamp, VersionRecord, What, Writer, present, versions};
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::read::Read;
use crate::record::{ObjectRecord, StoredCalendar};
use crate::restore::{Whereabouts, earlier};
use crate::{objects, principals, trash};
use acl::{ObjectId, PrincipalId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Who did something, as it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorEntry {
    /// A user, under the name he had then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// `user`, `removed-user` (whoever is called like him today is somebody else), `machine` (the administrator on the machine)
    /// or `unknown` (written before histories were kept).
    pub kind: String,
}

impl AuthorEntry {
    fn of(read: &dyn Read, author: &Writer) -> Result<Self> {
        let entry = |user: Option<&String>, kind: &str| Self { user: user.cloned(), kind: kind.to_owned() };
        Ok(match author {
            Writer::User { id, name } if principals::user(read, *id)?.is_some() => entry(Some(name), "user"),
            Writer::User { name, .. } => entry(Some(name), "removed-user"),
            Writer::Machine => entry(None, "machine"),
            Writer::Unknown => entry(None, "unknown"),
        })
    }
}

/// One version of an object, or that it was deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionEntry {
    /// From 1; never used again for the same object.
    pub number: u64,
    /// What the write did.
    pub what: What,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: AuthorEntry,
    /// The program, as it called itself; empty if it said nothing.
    pub client: String,
    /// Bytes of the body, without anyone's alarms; absent: there is none to restore.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// When it is forgotten; absent: it is the present one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}

/// The versions of one object, the latest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectVersions {
    /// Its name in its calendar.
    pub name: String,
    /// What it is called where names are not enough: several deleted objects may bear one name.
    pub id: String,
    /// Whether it is in the trash.
    pub deleted: bool,
    /// The latest first.
    pub versions: Vec<VersionEntry>,
}

/// What happened last to one object of a calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Its name in its calendar.
    pub name: String,
    /// See [`ObjectVersions::id`].
    pub id: String,
    /// Whether it is in the trash.
    pub deleted: bool,
    /// Earlier versions that are kept.
    pub earlier: u64,
    /// What happened to it last.
    pub last: VersionEntry,
}

/// One version's body, without anyone's alarms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionText {
    /// Which.
    pub number: u64,
    /// iCalendar.
    pub text: String,
}

/// Something in the trash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrashEntry {
    /// Whose; under the name she had.
    pub owner: String,
    /// Whether she is no user any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub owner_removed: bool,
    /// The calendar that was deleted, or that the object was deleted from.
    pub calendar: String,
    /// The object; absent: it is the calendar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// See [`ObjectVersions::id`].
    pub id: String,
    /// When.
    pub deleted: DateTime<Utc>,
    /// Who did it.
    pub by: AuthorEntry,
    /// With which program.
    pub client: String,
    /// Bytes of the content.
    pub bytes: u64,
    /// When it is gone for good, if the owner's trash does not grow too large before.
    pub until: DateTime<Utc>,
}

/// An id as it is written.
pub(crate) fn id_text(id: &[u8; 16]) -> String {
    id.iter().fold(String::with_capacity(32), |mut text, byte| {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
        text
    })
}

/// An id out of its text.
pub(crate) fn id_from(text: &str) -> Option<[u8; 16]> {
    let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| u128::from_str_radix(text, 16).ok().map(u128::to_be_bytes)).flatten()
}

fn entry(read: &dyn Read, number: u64, what: What, stamp: &Stamp) -> Result<VersionEntry> {
    Ok(VersionEntry {
        number,
        what,
        at: stamp.at,
        by: AuthorEntry::of(read, &stamp.by)?,
        client: stamp.client.as_str().to_owned(),
        bytes: None,
        until: None,
    })
}

fn present_entry(read: &dyn Read, history: &HistoryRecord, object: &ObjectRecord) -> Result<VersionEntry> {
    Ok(VersionEntry { bytes: Some(object.content_bytes), ..entry(read, history.number, history.what, &history.stamp)? })
}

fn deleted_entry(read: &dyn Read, history: &HistoryRecord, deleted: &Stamp) -> Result<VersionEntry> {
    entry(read, history.number.saturating_add(1), What::Deleted, deleted)
}

fn earlier_entry(read: &dyn Read, number: u64, version: &VersionRecord, limits: &Limits) -> Result<VersionEntry> {
    let until = Some(super::kept::until(Kind::Version, version.since, limits));
    Ok(VersionEntry { bytes: version.content_bytes, until, ..entry(read, number, version.what, &version.stamp)? })
}

/// An object's record, and who deleted it if it is in the trash.
fn load(read: &dyn Read, calendar: &StoredCalendar, whereabouts: Whereabouts) -> Result<(ObjectId, ObjectRecord, Option<Stamp>)> {
    let gone = || Error::Corrupted("an index names an object that is not there");
    Ok(match whereabouts {
        Whereabouts::There(id) => (id, objects::by_id(read, calendar.id, id)?.ok_or_else(gone)?, None),
        Whereabouts::Trashed(id) => {
            let trashed = trash::object(read, calendar.id, id)?.ok_or_else(gone)?;
            (id, trashed.record, Some(trashed.deleted))
        }
    })
}

/// The versions of one object.
pub(crate) fn of_object(read: &dyn Read, calendar: &StoredCalendar, which: Whereabouts, limits: &Limits) -> Result<ObjectVersions> {
    let (id, object, deleted) = load(read, calendar, which)?;
    let history = present(read, id, &object)?;
    let mut entries = Vec::new();
    for (number, version) in versions(read, id)? {
        entries.push(earlier_entry(read, number, &version, limits)?);
    }
    let last = present_entry(read, &history, &object)?;
    match &deleted {
        None => entries.push(last),
        Some(stamp) => {
            let until = Kept { owner: calendar.record.owner, kind: Kind::Object, since: stamp.at, id: id.0, number: 0 }.until(limits);
            entries.push(VersionEntry { until: Some(until), ..last });
            entries.push(deleted_entry(read, &history, stamp)?);
        }
    }
    entries.reverse();
    Ok(ObjectVersions { name: object.name, id: id_text(&id.0), deleted: deleted.is_some(), versions: entries })
}

/// What happened last to each object of a calendar, deleted ones included: at most so many, the latest first.
pub(crate) fn of_calendar(read: &dyn Read, calendar: &StoredCalendar, entries_max: usize) -> Result<Vec<HistoryEntry>> {
    let there = objects::all(read, calendar.id)?.into_iter().map(|(id, record)| (id, record, None));
    let trashed = trash::objects(read, calendar.id)?.into_iter().map(|(id, object)| (id, object.record, Some(object.deleted)));
    let mut entries = Vec::new();
    for (id, object, deleted) in there.chain(trashed) {
        let history = present(read, id, &object)?;
        let last = match &deleted {
            None => present_entry(read, &history, &object)?,
            Some(stamp) => deleted_entry(read, &history, stamp)?,
        };
        let earlier = history.earlier;
        entries.push(HistoryEntry { name: object.name, id: id_text(&id.0), deleted: deleted.is_some(), earlier, last });
    }
    entries.sort_by(|a, b| (b.last.at, &a.name, &a.id).cmp(&(a.last.at, &b.name, &b.id)));
    entries.truncate(entries_max);
    Ok(entries)
}

/// The body of one version, the present one included.
pub(crate) fn text(read: &dyn Read, calendar: &StoredCalendar, which: Whereabouts, number: u64) -> Result<VersionText> {
    let (id, object, _) = load(read, calendar, which)?;
    let text = match present(read, id, &object)?.number == number {
        true => objects::body(read, calendar.id, id)?,
        false => earlier(read, id, number)?.1,
    };
    Ok(VersionText { number, text })
}

/// What is in the trash of one owner, or of all, removed ones too: the latest first.
pub(crate) fn of_trash(
    read: &dyn Read,
    owner: Option<PrincipalId>,
    calendars: &[(String, StoredCalendar)],
    limits: &Limits,
) -> Result<Vec<TrashEntry>> {
    let mut entries = Vec::new();
    for (owner_id, id, calendar) in trash::calendars(read, owner)? {
        if calendar.state == trash::TrashState::Going {
            continue;
        }
        entries.push(TrashEntry {
            owner_removed: principals::user(read, owner_id)?.is_none(),
            owner: calendar.owner_name,
            calendar: calendar.record.name,
            object: None,
            id: id_text(&id.0),
            deleted: calendar.deleted.at,
            by: AuthorEntry::of(read, &calendar.deleted.by)?,
            client: calendar.deleted.client.as_str().to_owned(),
            bytes: calendar.content_bytes,
            until: super::kept::until(Kind::Calendar, calendar.deleted.at, limits),
        });
    }
    for (owner_name, calendar) in calendars {
        for (id, object) in trash::objects(read, calendar.id)? {
            entries.push(TrashEntry {
                owner: owner_name.clone(),
                owner_removed: false,
                calendar: calendar.record.name.clone(),
                object: Some(object.record.name),
                id: id_text(&id.0),
                deleted: object.deleted.at,
                by: AuthorEntry::of(read, &object.deleted.by)?,
                client: object.deleted.client.as_str().to_owned(),
                bytes: object.record.content_bytes,
                until: super::kept::until(Kind::Object, object.deleted.at, limits),
            });
        }
    }
    entries.sort_by(|a, b| (b.deleted, &a.owner, &a.calendar, &a.object, &a.id).cmp(&(a.deleted, &b.owner, &b.calendar, &b.object, &b.id)));
    Ok(entries)
}
