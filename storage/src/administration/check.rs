//! `check`: whether every record, index, counter and log agrees with the others. Reads only, and holds the store for one
//! part at a time (the principals, each calendar, the files), so that it works beside everything else.

mod calendar;
mod history;
mod links;
mod organisation;
mod people;

use super::Fault;
use crate::error::{Error, Result};
use crate::keys;
use crate::read::{Read, decode, keys as keys_of};
use crate::store::{Snapshot, Store};
use acl::{CalendarId, PrincipalId};
use calendar::Standing;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Faults listed; more are counted only.
const FAULTS_MAX: usize = 1_000;

/// Verifies the store.
pub(super) fn check(store: &Store, progress: &mut dyn FnMut(u64, u64)) -> Result<Vec<Fault>> {
    let mut report = Report::default();
    for fault in store.read(|snapshot| snapshot.verify_engine())? {
        report.fault(format_args!("engine: {fault}"));
    }
    let calendars = store.read(|snapshot| {
        let parts: [Part; 8] = [
            links::check,
            check_header,
            people::check,
            organisation::check,
            people::check_usage,
            people::check_files,
            history::check,
            check_strays,
        ];
        for part in parts {
            let outcome = part(snapshot, &mut report);
            report.go_on(outcome)?;
        }
        calendar_ids(snapshot)
    })?;
    let mut all = 0;
    for (id, standing) in &calendars {
        let record = store.read(|snapshot| calendar::record(snapshot, *id, *standing, &mut report))?;
        all += record.map_or(0, |record| record.objects);
    }
    let mut done = 0;
    progress(done, all);
    for (id, standing) in calendars {
        store.read(|snapshot| {
            let outcome = calendar::check(snapshot, (id, standing), &mut report, &mut || {
                done += 1;
                if done % 100 == 0 {
                    progress(done, all.max(done));
                }
            });
            report.go_on(outcome)
        })?;
    }
    progress(done, all.max(done));
    Ok(report.into_faults())
}

/// What is checked in one go.
type Part = fn(&Snapshot<'_>, &mut Report) -> Result<()>;

/// Faults as they are found.
#[derive(Default)]
pub(super) struct Report {
    faults: Vec<Fault>,
    more: u64,
}

impl Report {
    /// One fault. Ids and kinds only.
    pub(super) fn fault(&mut self, words: std::fmt::Arguments<'_>) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(Fault(words.to_string()));
        } else {
            self.more += 1;
        }
    }
    /// Reads a record; one that cannot be read is a fault and `None`.
    pub(super) fn read<T: DeserializeOwned>(&mut self, read: &dyn Read, key: &[u8], what: &str) -> Result<Option<T>> {
        match read.get(key) {
            Ok(Some(bytes)) => Ok(self.decode(&bytes, key, what)),
            Ok(None) => Ok(None),
            Err(Error::Corrupted(why)) => {
                self.fault(format_args!("{what} {}: {why}", hex(key.get(1..).unwrap_or_default())));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
    /// A record out of its bytes; one that cannot be read is a fault.
    pub(super) fn decode<T: DeserializeOwned>(&mut self, bytes: &[u8], key: &[u8], what: &str) -> Option<T> {
        match decode(bytes) {
            Ok(record) => Some(record),
            Err(_) => {
                self.fault(format_args!("{what} {}: the record cannot be read", hex(key.get(1..).unwrap_or_default())));
                None
            }
        }
    }
    /// Damage that ended one part is a fault; the next part goes on.
    fn go_on(&mut self, outcome: Result<()>) -> Result<()> {
        match outcome {
            Err(Error::Corrupted(why)) => {
                self.fault(format_args!("{why}"));
                Ok(())
            }
            outcome => outcome,
        }
    }
    fn into_faults(mut self) -> Vec<Fault> {
        if self.more > 0 {
            self.faults.push(Fault(format!("and {} more", self.more)));
        }
        self.faults
    }
}

/// An id, or the ids a key is made of. Cut, because names may follow.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(32).fold(String::new(), |mut out, byte| {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn check_header(snapshot: &Snapshot<'_>, report: &mut Report) -> Result<()> {
    if crate::roles::policy(snapshot).is_err() {
        report.fault(format_args!("the organisation's policy cannot be read"));
    }
    for (key, what) in [(keys::FORMAT, "format version"), (keys::SECRET, "secret")] {
        if snapshot.get(key)?.is_none() {
            report.fault(format_args!("the {what} is missing"));
        }
    }
    Ok(())
}

/// Those that are there, and those in the trash with their owners.
fn calendar_ids(read: &dyn Read) -> Result<Vec<(CalendarId, Standing)>> {
    let there = keys_of(read, &keys::table(keys::CALENDARS))?;
    let there = there.iter().filter_map(|key| keys::last_id(key)).map(|id| (CalendarId(id), Standing::There));
    let trashed = keys_of(read, &keys::table(keys::TRASHED_CALENDARS))?;
    let trashed = trashed.iter().filter_map(|key| keys::id_at(key, 0).zip(keys::last_id(key)));
    Ok(there.chain(trashed.map(|(owner, id)| (CalendarId(id), Standing::Trashed(PrincipalId(owner))))).collect())
}

/// What hangs on calendars that are not there.
fn check_strays(read: &Snapshot<'_>, report: &mut Report) -> Result<()> {
    let present: BTreeSet<[u8; 16]> = calendar_ids(read)?.into_iter().map(|(id, _)| id.0).collect();
    let tables =
        crate::objects::TABLES.into_iter().chain([keys::GRANTS, keys::VIEWS, keys::JOURNAL, keys::LINKS, keys::TRASH, keys::OPENED]);
    for table in tables {
        let mut strays = BTreeSet::new();
        for key in keys_of(read, &keys::table(table))? {
            strays.extend(keys::id_at(&key, 0).filter(|id| !present.contains(id)));
        }
        for id in strays {
            report.fault(format_args!("table {}: entries of a calendar that is not there: {}", char::from(table), hex(&id)));
        }
    }
    for key in keys_of(read, &keys::table(keys::MOUNTS))? {
        if keys::last_id(&key).is_none_or(|id| !present.contains(&id)) {
            report.fault(format_args!("a mount of a calendar that is not there: {}", hex(key.get(17..).unwrap_or_default())));
        }
    }
    check_viewers(read, report)
}

/// Finds an id in a key.
type IdOf = fn(&[u8]) -> Option<[u8; 16]>;

/// What is somebody's own belongs to a user who is there: what a removed one leaves behind would stay for ever.
fn check_viewers(read: &Snapshot<'_>, report: &mut Report) -> Result<()> {
    let present: BTreeSet<[u8; 16]> = keys_of(read, &keys::table(keys::USERS))?.iter().filter_map(|key| keys::last_id(key)).collect();
    let mut or_links = present.clone();
    or_links.extend(links::ids(read)?);
    let tables: [(u8, IdOf); 7] = [
        (keys::OPENED, keys::last_id),
        (keys::MOUNTS, |key| keys::id_at(key, 0)),
        (keys::PRIVATE_UIDS, |key| keys::id_at(key, 0)),
        (keys::HOME_VIEWS, |key| keys::id_at(key, 0)),
        (keys::OVERLAYS, keys::last_id),
        (keys::TOUCHES, keys::last_id),
        (keys::PROPERTIES, keys::last_id),
    ];
    let views: (u8, IdOf) = (keys::VIEWS, |key| keys::id_at(key, 1));
    for ((table, viewer_of), present) in tables.into_iter().map(|table| (table, &present)).chain([(views, &or_links)]) {
        let strays =
            keys_of(read, &keys::table(table))?.iter().filter(|key| viewer_of(key).is_none_or(|id| !present.contains(&id))).count();
        if strays > 0 {
            report.fault(format_args!("table {}: {strays} entries of users who are not there", char::from(table)));
        }
    }
    Ok(())
}
