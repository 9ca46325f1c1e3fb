//! Histories and trash as the administrator on the machine handles them in an owner's place: as import and export, by her
//! rules.

use super::content::OwnerSide;
use super::edit::Edit;
use super::names::{check_calendar_name, check_new_calendar_name, invalid};
use super::{Administration, shares};
use crate::error::{Error, Result};
use crate::history::{self, HistoryEntry, ObjectVersions, TrashEntry, VersionText, listing};
use crate::read::Read;
use crate::record::StoredCalendar;
use crate::restore::{self, Side};
use crate::store::Snapshot;
use crate::trash::{self, Return, TrashState, TrashedCalendar};
use crate::usage::{self, Given};
use crate::{calendars, objects, principals};
use acl::{CalendarId, ObjectId, PrincipalId};
use serde::{Deserialize, Serialize};

/// Objects removed for good in one commit.
const PURGED_IN_STEP: usize = 500;

/// A deleted calendar that is to come back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreCalendar {
    /// Whose it was.
    pub owner: String,
    /// Its name, or its id in the trash.
    pub calendar: String,
    /// Another name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Who gets it, if its owner was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// What was removed for good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purged {
    /// Deleted calendars.
    pub calendars: u64,
    /// Deleted objects, without those of these calendars.
    pub objects: u64,
    /// Earlier versions of objects that are there.
    pub versions: u64,
}

impl Administration {
    /// What happened last to each object of a calendar: at most so many, the latest first.
    pub fn history(&self, owner: &str, calendar: &str, entries_max: usize) -> Result<Vec<HistoryEntry>> {
        self.store.read(|snapshot| {
            let calendar = Edit::new(snapshot, &self.by).calendar_named(owner, calendar)?;
            listing::of_calendar(snapshot, &calendar, entries_max)
        })
    }
    /// The versions of one object, there or in the trash, by name or id.
    pub fn object_history(&self, owner: &str, calendar: &str, object: &str) -> Result<ObjectVersions> {
        self.store.read(|snapshot| {
            let calendar = Edit::new(snapshot, &self.by).calendar_named(owner, calendar)?;
            listing::of_object(snapshot, &calendar, restore::find(snapshot, &calendar, object)?, snapshot.limits())
        })
    }
    /// The body of one version, without anyone's alarms.
    pub fn version_text(&self, owner: &str, calendar: &str, object: &str, number: u64) -> Result<VersionText> {
        self.store.read(|snapshot| {
            let calendar = Edit::new(snapshot, &self.by).calendar_named(owner, calendar)?;
            listing::text(snapshot, &calendar, restore::find(snapshot, &calendar, object)?, number)
        })
    }
    /// What is in the trash of one owner, or of all, removed ones too.
    pub fn trash(&self, owner: Option<&str>) -> Result<Vec<TrashEntry>> {
        self.store.read(|snapshot| {
            let calendars = match owner {
                Some(owner) if principals::user_named(snapshot, owner)?.is_some() => shares::calendars_of(snapshot, owner)?,
                Some(_) => Vec::new(),
                None => shares::all_calendars(snapshot)?,
            };
            let mut entries = listing::of_trash(snapshot, None, &calendars, snapshot.limits())?;
            entries.retain(|entry| owner.is_none_or(|owner| entry.owner == owner));
            Ok(entries)
        })
    }
    /// Restores an object, or a version of it, as its owner would: see [`crate::AuthorizedWriter::restore_object`].
    pub fn restore_object(&self, owner: &str, calendar: &str, object: &str, number: Option<u64>) -> Result<String> {
        self.edit(|edit| {
            let mut calendar = edit.calendar_named(owner, calendar)?;
            let owner_side = OwnerSide::of(edit.snapshot, &edit.transaction, &calendar)?;
            let stamp = edit.stamp()?;
            let side = Side { snapshot: edit.snapshot, profile: &owner_side.profile, policy: &owner_side.policy, stamp: &stamp };
            let name = restore::by_name(&mut edit.transaction, &mut calendar, object, number, &side)?;
            charge(edit, calendar.record.owner)?;
            Ok(name)
        })
    }
    /// Restores a deleted calendar, to its owner; to somebody else if she was removed. The name it then has.
    pub fn restore_calendar(&self, restore: &RestoreCalendar) -> Result<String> {
        self.edit(|edit| {
            let (from, id, trashed) = deleted_calendar(edit.snapshot, restore)?;
            let to = match &restore.to {
                None => from,
                Some(to) => edit.user_named(to)?.0,
            };
            let name = restore.name.as_ref().unwrap_or(&trashed.record.name).clone();
            match &restore.name {
                Some(new) => check_new_calendar_name(new, edit.snapshot.limits().name_bytes_max)?,
                None => check_calendar_name(&name, edit.snapshot.limits().name_bytes_max)?,
            }
            let back = Return { from, id, to, name: &name };
            match trash::revive_calendar(edit.snapshot, &mut edit.transaction, &back, trashed) {
                Err(Error::Exists) => return invalid(format!("there is something called {name:?} already: give another name")),
                outcome => outcome?,
            };
            charge(edit, to)?;
            Ok(name)
        })
    }
    /// Removes for good what is in the trash: of an owner; of one of her calendars, deleted or not; or one object. With
    /// `versions`, earlier versions of what is there go too. Bounded work a commit.
    pub fn purge_trash(&self, owner: &str, calendar: Option<&str>, object: Option<&str>, versions: Versions) -> Result<Purged> {
        let mut purged = Purged::default();
        if object.is_none() {
            purged.calendars = self.purge_calendars(owner, calendar)?;
        }
        let stored = self.store.read(|snapshot| match principals::user_named(snapshot, owner)? {
            Some((id, _)) => calendars::of_owner(snapshot, id),
            None => Ok(Vec::new()),
        })?;
        for calendar in stored.into_iter().filter(|stored| calendar.is_none_or(|name| stored.record.name == name)) {
            self.purge_objects(&calendar, object, versions, &mut purged)?;
        }
        Ok(purged)
    }

    fn purge_calendars(&self, owner: &str, calendar: Option<&str>) -> Result<u64> {
        let id = calendar.and_then(listing::id_from).map(CalendarId);
        let mut found = self.store.read(|snapshot| trash::calendars(snapshot, None))?;
        found.retain(|(_, of, trashed)| {
            trashed.owner_name == owner && calendar.is_none_or(|name| trashed.record.name == name || Some(*of) == id)
        });
        for (owner, id, _) in &found {
            let is_there = |read: &dyn Read| Ok(trash::calendar(read, *owner, *id)?.is_some());
            while self.edit(|edit| match is_there(&edit.transaction)? {
                true => trash::purge_some(&mut edit.transaction, *owner, *id, PURGED_IN_STEP).map(|_| true),
                false => Ok(false),
            })? {}
        }
        Ok(found.len() as u64)
    }

    fn purge_objects(&self, calendar: &StoredCalendar, object: Option<&str>, versions: Versions, purged: &mut Purged) -> Result<()> {
        let asked = object.and_then(listing::id_from).map(ObjectId);
        let is_asked = |id: ObjectId, name: &str| object.is_none_or(|object| object == name) || Some(id) == asked;
        let (trashed, there) = self.store.read(|snapshot| {
            let trashed = trash::objects(snapshot, calendar.id)?.into_iter();
            let trashed: Vec<_> = trashed.filter(|(id, object)| is_asked(*id, &object.record.name)).map(|(id, _)| id).collect();
            let there = match versions {
                Versions::Keep => Vec::new(),
                Versions::Purge => objects::all(snapshot, calendar.id)?,
            };
            let there: Vec<_> = there.into_iter().filter(|(id, object)| is_asked(*id, &object.name)).map(|(id, _)| id).collect();
            Ok::<_, Error>((trashed, there))
        })?;
        for step in trashed.chunks(PURGED_IN_STEP) {
            purged.objects += self.edit(|edit| {
                let mut number = 0;
                for id in step {
                    if trash::object(&edit.transaction, calendar.id, *id)?.is_some() {
                        trash::purge_object(&mut edit.transaction, calendar.record.owner, calendar.id, *id)?;
                        number += 1;
                    }
                }
                Ok(number)
            })?;
        }
        for step in there.chunks(PURGED_IN_STEP) {
            purged.versions += self.edit(|edit| {
                let mut number = 0;
                for id in step {
                    number += history::purge_versions(&mut edit.transaction, *id)?;
                }
                Ok(number)
            })?;
        }
        Ok(())
    }
}

/// Whether earlier versions of what is there go with the trash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Versions {
    /// They stay.
    #[default]
    Keep,
    /// They go.
    Purge,
}

fn charge(edit: &mut Edit<'_>, owner: PrincipalId) -> Result<()> {
    usage::charge(edit.snapshot, &mut edit.transaction, owner, Given::default(), edit.snapshot.limits())
}

/// The deleted calendar that is meant; of several, the one that was deleted last. Only that of an owner who was removed can be
/// given to somebody else: who sees a calendar is its owner's to say.
fn deleted_calendar(snapshot: &Snapshot<'_>, asked: &RestoreCalendar) -> Result<(PrincipalId, CalendarId, TrashedCalendar)> {
    let id = listing::id_from(&asked.calendar).map(CalendarId);
    let mut found = trash::calendars(snapshot, None)?;
    found.retain(|(_, of, trashed)| {
        let is_asked = trashed.record.name == asked.calendar || Some(*of) == id;
        is_asked && trashed.owner_name == asked.owner && trashed.state == TrashState::Whole
    });
    found.sort_by_key(|(_, _, trashed)| std::cmp::Reverse(trashed.deleted.at));
    let mut of_removed = Vec::new();
    let mut of_present = Vec::new();
    for calendar in found {
        match principals::user(snapshot, calendar.0)? {
            Some(_) => of_present.push(calendar),
            None => of_removed.push(calendar),
        }
    }
    let path = format!("{}/{}", asked.owner, asked.calendar);
    let (wanted, other) = if asked.to.is_some() { (of_removed, of_present) } else { (of_present, of_removed) };
    match (wanted.into_iter().next(), other.is_empty()) {
        (Some(found), _) => Ok(found),
        (None, true) => invalid(format!("there is no calendar {path} in the trash")),
        (None, false) if asked.to.is_some() => {
            invalid(format!("{path} is {}'s: it can be given to somebody else only after she was removed", asked.owner))
        }
        (None, false) => invalid(format!("the owner of {path} was removed: say whose it is to be")),
    }
}
