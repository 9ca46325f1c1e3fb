//! What is kept for an owner although it was changed or deleted: earlier versions, deleted objects, deleted calendars. How
//! long, and how much of it.
//!
//! It does not count against anyone's quota. Against the owner's it would refuse her for what others wrote and deleted in her
//! calendars; against a writer's it would tell him when it goes. It has bounds of its own instead, by age, by number and by
//! bytes, so that a user costs about twice his quota at most; beyond the bytes the oldest goes. Nobody is ever refused for it.
//!
//! What is past its time goes with the owner's next kept version or deletion, a little at a time, and by sweeps.

use super::purge_version;
use crate::error::{Error, Result};
use crate::keys;
use crate::limits::Limits;
use crate::read::{Read, Transaction, record};
use crate::{trash, usage};
use acl::{CalendarId, ObjectId, PrincipalId};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// What the records of a kept thing take, beside its content: so that what is empty does not cost nothing.
pub(crate) const RECORD_BYTES: u64 = 512;
/// Things purged in the commit of a write.
const PURGED_AT_WRITE: usize = 8;
/// Things purged in one step of a sweep.
const PURGED_IN_STEP: usize = 500;
/// Owners looked at in one step of a sweep.
const OWNERS_IN_STEP: usize = 1_000;

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Version,
    Object,
    Calendar,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Version, Self::Object, Self::Calendar];
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Version => b'v',
            Self::Object => b'o',
            Self::Calendar => b'c',
        }
    }
    fn days(self, limits: &Limits) -> i64 {
        i64::from(match self {
            Self::Version => limits.version_days,
            Self::Object | Self::Calendar => limits.trash_days,
        })
    }
}

/// One kept thing.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) owner: PrincipalId,
    pub(crate) kind: Kind,
    /// When it was written over or deleted.
    pub(crate) since: DateTime<Utc>,
    /// Of the object or calendar.
    pub(crate) id: [u8; 16],
    /// Of the version; 0 for others.
    pub(crate) number: u64,
}

impl Kept {
    pub(crate) fn key(&self) -> Vec<u8> {
        keys::kept(self.owner, self.kind.byte(), u64::try_from(self.since.timestamp_millis()).unwrap_or(0), &self.id, self.number)
    }
    /// When it goes, if nothing takes it before.
    pub(crate) fn until(&self, limits: &Limits) -> DateTime<Utc> {
        until(self.kind, self.since, limits)
    }
}

pub(crate) fn until(kind: Kind, since: DateTime<Utc>, limits: &Limits) -> DateTime<Utc> {
    since.checked_add_signed(TimeDelta::days(kind.days(limits))).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// What is said of a kept thing where it stands in line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptRecord {
    /// Content and records.
    pub(crate) bytes: u64,
    /// Where a deleted object was.
    pub(crate) calendar: Option<CalendarId>,
}

/// What is kept for an owner, in bytes.
pub(crate) fn bytes(read: &dyn Read, owner: PrincipalId) -> Result<u64> {
    Ok(record(read, &keys::kept_bytes(owner))?.unwrap_or_default())
}

fn set_bytes(transaction: &mut Transaction<'_>, owner: PrincipalId, bytes: u64) -> Result<()> {
    match bytes {
        0 => transaction.delete(keys::kept_bytes(owner)),
        _ => transaction.put_record(keys::kept_bytes(owner), &bytes)?,
    }
    Ok(())
}

/// Puts a thing in line, with the bytes of its content and the number of records it stands for.
pub(crate) fn add(transaction: &mut Transaction<'_>, kept: &Kept, content_bytes: u64, calendar: Option<CalendarId>) -> Result<()> {
    let bytes = content_bytes.saturating_add(RECORD_BYTES);
    let all = self::bytes(transaction, kept.owner)?.saturating_add(bytes);
    set_bytes(transaction, kept.owner, all)?;
    transaction.put_record(kept.key(), &KeptRecord { bytes, calendar })
}

/// Takes a thing out of the line: it is gone, or back.
pub(crate) fn remove(transaction: &mut Transaction<'_>, kept: &Kept) -> Result<()> {
    let key = kept.key();
    let entry: KeptRecord = record(transaction, &key)?.ok_or(Error::Corrupted("a kept thing that stands in no line"))?;
    let all = bytes(transaction, kept.owner)?.saturating_sub(entry.bytes);
    set_bytes(transaction, kept.owner, all)?;
    transaction.delete(key);
    Ok(())
}

/// What an owner may have kept for her.
fn allowed_bytes(read: &dyn Read, owner: PrincipalId, limits: &Limits) -> Result<u64> {
    let quota = usage::of(read, owner)?.quota.bytes(limits).unwrap_or(u64::MAX);
    Ok(quota.max(limits.kept_bytes))
}

/// The longest kept of one kind.
fn oldest(read: &dyn Read, owner: PrincipalId, kind: Kind) -> Result<Option<(Kept, KeptRecord)>> {
    let mut first = None;
    read.scan(&keys::kept_of(owner, kind.byte()), &mut |key, value| {
        let (moment, id, number) = keys::kept_parts(key).ok_or(Error::Corrupted("the key of a kept thing"))?;
        let since = i64::try_from(moment).ok().and_then(DateTime::from_timestamp_millis).unwrap_or_default();
        first = Some((Kept { owner, kind, since, id, number }, crate::read::decode(value)?));
        Ok(ControlFlow::Break(()))
    })?;
    Ok(first)
}

/// Purges what is past its time or beyond the bytes, the oldest first; how much of `budget` was left over.
pub(crate) fn purge(
    transaction: &mut Transaction<'_>,
    owner: PrincipalId,
    now: DateTime<Utc>,
    limits: &Limits,
    mut budget: usize,
) -> Result<usize> {
    while budget > 0 {
        let mut found = Vec::new();
        for kind in Kind::ALL {
            found.extend(oldest(transaction, owner, kind)?);
        }
        found.sort_by_key(|(kept, _)| kept.since);
        let beyond = bytes(transaction, owner)? > allowed_bytes(transaction, owner, limits)?;
        let Some((kept, entry)) = found.into_iter().find(|(kept, _)| beyond || kept.until(limits) <= now) else { break };
        let spent = match kept.kind {
            Kind::Version => purge_version(transaction, ObjectId(kept.id), kept.number).map(|()| 1)?,
            Kind::Object => {
                let calendar = entry.calendar.ok_or(Error::Corrupted("a deleted object of no calendar"))?;
                trash::purge_object(transaction, owner, calendar, ObjectId(kept.id)).map(|()| 1)?
            }
            Kind::Calendar => trash::purge_some(transaction, owner, CalendarId(kept.id), budget)?,
        };
        budget = budget.saturating_sub(spent);
    }
    Ok(budget)
}

/// A little, with a write that keeps something.
pub(crate) fn purge_at_write(transaction: &mut Transaction<'_>, owner: PrincipalId, now: DateTime<Utc>, limits: &Limits) -> Result<()> {
    purge(transaction, owner, now, limits, PURGED_AT_WRITE).map(drop)
}

/// How far a sweep has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweep(PrincipalId);

impl crate::Store {
    /// One step of purging what is past its time, one commit of bounded work: where to go on, or `None` when all owners were
    /// looked at.
    ///
    /// # Errors
    /// The engine's.
    pub fn sweep(&self, from: Option<Sweep>) -> Result<Option<Sweep>> {
        self.write(|snapshot| {
            let mut transaction = snapshot.begin();
            let mut budget = PURGED_IN_STEP;
            let mut owner = from.map(|sweep| sweep.0);
            for _ in 0..OWNERS_IN_STEP {
                let before = owner;
                owner = next_owner(&transaction, owner)?;
                let Some(id) = owner else { break };
                budget = purge(&mut transaction, id, snapshot.now(), snapshot.limits(), budget)?;
                if budget == 0 {
                    // There may be more of this one's.
                    snapshot.commit(transaction)?;
                    return Ok(Some(before.map_or(Sweep(PrincipalId([0; 16])), Sweep)));
                }
            }
            snapshot.commit(transaction)?;
            Ok(owner.map(Sweep))
        })
    }
}

fn next_owner(read: &dyn Read, after: Option<PrincipalId>) -> Result<Option<PrincipalId>> {
    let mut next = None;
    read.scan(&keys::kept_after(after), &mut |key, _| {
        next = keys::id_at(key, 0).map(PrincipalId);
        Ok(ControlFlow::Break(()))
    })?;
    Ok(next)
}
