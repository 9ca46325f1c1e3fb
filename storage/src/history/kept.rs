//! What is kept for an owner although it was changed or deleted: earlier versions, deleted objects, deleted calendars. How
//! long, and how much of it.
//!
//! It does not count against anyone's quota. Against the owner's it would refuse her for what others wrote and deleted in her
//! calendars; against a writer's it would tell him when it goes. It has bounds of its own instead, by age, by number and by
//! bytes, so that a user costs about twice his quota at most. Nobody is ever refused for it.
//!
//! Beyond the bytes the oldest goes, and whose it is depends on whose content it is and who writes. **What others wrote makes
//! nothing go of what the owner wrote.** What is of others has a bound of its own: what the owner's leaves of hers, and a
//! quarter of it in any case; beyond it the oldest of theirs goes. What is the owner's goes beyond her bytes only to make
//! room for what she herself writes or deletes then: [`Balance::due_bytes`]. Others can put it aside, each content of hers
//! once, and so take it beyond her bytes by what stands in her calendars at most; there it stays until its time comes.
//!
//! What is past its time goes with the owner's next kept version or deletion, a little at a time, and by sweeps.

use super::{HistoryRecord, Stamp, VersionRecord, Writer, purge_version};
use crate::error::{Error, Result};
use crate::keys;
use crate::limits::Limits;
use crate::read::{Read, Transaction, record, records};
use crate::{trash, usage};
use acl::{CalendarId, ObjectId, PrincipalId};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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

/// Whose content is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Whose {
    Owner,
    Others,
}

impl Whose {
    /// By who wrote it. The administrator on the machine acts in the owner's place, and of what is older than histories
    /// nobody knows better.
    pub(crate) fn of(by: &Writer, owner: PrincipalId) -> Self {
        match by {
            Writer::User { id, .. } if *id != owner => Self::Others,
            Writer::User { .. } | Writer::Machine | Writer::Unknown => Self::Owner,
        }
    }
}

/// The lines in which kept things stand, the oldest first. A calendar is deleted by its owner.
const LINES: [(Kind, Whose); 5] = [
    (Kind::Version, Whose::Owner),
    (Kind::Object, Whose::Owner),
    (Kind::Calendar, Whose::Owner),
    (Kind::Version, Whose::Others),
    (Kind::Object, Whose::Others),
];

impl Kind {
    fn byte(self, whose: Whose) -> u8 {
        match (self, whose) {
            (Self::Version, Whose::Owner) => b'v',
            (Self::Version, Whose::Others) => b'V',
            (Self::Object, Whose::Owner) => b'o',
            (Self::Object, Whose::Others) => b'O',
            (Self::Calendar, _) => b'c',
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
    /// Where it stands, if it stands in that line.
    pub(crate) fn key(&self, whose: Whose) -> Vec<u8> {
        let moment = u64::try_from(self.since.timestamp_millis()).unwrap_or(0);
        keys::kept(self.owner, self.kind.byte(whose), moment, &self.id, self.number)
    }
    /// When it goes, if nothing takes it before.
    pub(crate) fn until(&self, limits: &Limits) -> DateTime<Utc> {
        until(self.kind, self.since, limits)
    }
}

pub(crate) fn until(kind: Kind, since: DateTime<Utc>, limits: &Limits) -> DateTime<Utc> {
    since.checked_add_signed(TimeDelta::days(kind.days(limits))).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// Whose line a key is of; one of no line counts as the owner's.
pub(crate) fn whose_line(key: &[u8]) -> Whose {
    let others = LINES.iter().filter(|(_, whose)| *whose == Whose::Others).map(|(kind, whose)| kind.byte(*whose));
    match keys::kept_line(key).is_some_and(|byte| others.into_iter().any(|other| other == byte)) {
        true => Whose::Others,
        false => Whose::Owner,
    }
}

/// Gives each thing kept by a store of before format 5 the line of whose content it is, and counts what there is.
pub(crate) fn migrate(transaction: &mut Transaction<'_>) -> Result<()> {
    let mut balances: BTreeMap<PrincipalId, Balance> = BTreeMap::new();
    for (key, entry) in records::<KeptRecord>(transaction, &keys::table(keys::KEPT))? {
        let parts = keys::id_at(&key, 0).map(PrincipalId).zip(keys::kept_line(&key)).zip(keys::kept_parts(&key));
        let ((owner, line), (moment, id, number)) = parts.ok_or(Error::Corrupted("the key of a kept thing"))?;
        let author = match line {
            b'v' => record::<VersionRecord>(transaction, &keys::version(ObjectId(id), number))?.map(|version| version.stamp.by),
            b'o' => record::<HistoryRecord>(transaction, &keys::history(ObjectId(id)))?.map(|history| history.stamp.by),
            _ => None,
        };
        let whose = author.map_or_else(|| whose_line(&key), |by| Whose::of(&by, owner));
        if whose != whose_line(&key) {
            let kind = if line == b'v' { Kind::Version } else { Kind::Object };
            transaction.put_record(keys::kept(owner, kind.byte(whose), moment, &id, number), &entry)?;
            transaction.delete(key);
        }
        balances.entry(owner).or_default().count(whose, entry.bytes);
    }
    transaction.delete_range(&keys::table(keys::KEPT_BYTES))?;
    balances.into_iter().try_for_each(|(owner, balance)| balance.set(transaction, owner))
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Balance {
    /// Of her own content.
    pub(crate) owner_bytes: u64,
    /// Of what others wrote.
    pub(crate) others_bytes: u64,
    /// What she wrote and put aside herself while hers was beyond its bytes already: so much of hers is still to go for it.
    pub(crate) due_bytes: u64,
}

impl Balance {
    pub(crate) fn of(read: &dyn Read, owner: PrincipalId) -> Result<Self> {
        Ok(record(read, &keys::kept_bytes(owner))?.unwrap_or_default())
    }
    /// Adds to what is kept.
    pub(crate) fn count(&mut self, whose: Whose, bytes: u64) {
        let sum = self.sum(whose);
        *sum = sum.saturating_add(bytes);
    }
    fn sum(&mut self, whose: Whose) -> &mut u64 {
        match whose {
            Whose::Owner => &mut self.owner_bytes,
            Whose::Others => &mut self.others_bytes,
        }
    }
    /// Stages it; nothing kept leaves nothing behind.
    pub(crate) fn set(&self, transaction: &mut Transaction<'_>, owner: PrincipalId) -> Result<()> {
        match *self == Self::default() {
            true => transaction.delete(keys::kept_bytes(owner)),
            false => transaction.put_record(keys::kept_bytes(owner), self)?,
        }
        Ok(())
    }
}

/// Puts a thing in line, with the bytes of its content and, of an object, the calendar it was in.
pub(crate) fn add(
    transaction: &mut Transaction<'_>,
    kept: &Kept,
    whose: Whose,
    content_bytes: u64,
    calendar: Option<CalendarId>,
) -> Result<()> {
    let bytes = content_bytes.saturating_add(RECORD_BYTES);
    let mut balance = Balance::of(transaction, kept.owner)?;
    balance.count(whose, bytes);
    balance.set(transaction, kept.owner)?;
    transaction.put_record(kept.key(whose), &KeptRecord { bytes, calendar })
}

/// Takes a thing out of its line: it is gone, or back.
pub(crate) fn remove(transaction: &mut Transaction<'_>, kept: &Kept) -> Result<()> {
    for whose in [Whose::Owner, Whose::Others] {
        let key = kept.key(whose);
        if let Some(entry) = record::<KeptRecord>(transaction, &key)? {
            let mut balance = Balance::of(transaction, kept.owner)?;
            let sum = balance.sum(whose);
            *sum = sum.saturating_sub(entry.bytes);
            balance.set(transaction, kept.owner)?;
            transaction.delete(key);
            return Ok(());
        }
    }
    Err(Error::Corrupted("a kept thing that stands in no line"))
}

/// What an owner may have kept for her of her own.
fn allowed_bytes(read: &dyn Read, owner: PrincipalId, limits: &Limits) -> Result<u64> {
    let quota = usage::of(read, owner)?.quota.bytes(limits).unwrap_or(u64::MAX);
    Ok(quota.max(limits.kept_bytes))
}

/// What she writes or puts aside while hers is beyond its bytes has to find its room among what is hers; what others do, does
/// not. What is new counts too, although it is not kept yet: others can put it aside at once, and she write it again for ever.
pub(crate) fn owes(
    transaction: &mut Transaction<'_>,
    owner: PrincipalId,
    stamp: &Stamp,
    content_bytes: u64,
    limits: &Limits,
) -> Result<()> {
    let mut balance = Balance::of(transaction, owner)?;
    if Whose::of(&stamp.by, owner) == Whose::Owner && balance.owner_bytes > allowed_bytes(transaction, owner, limits)? {
        balance.due_bytes = balance.due_bytes.saturating_add(content_bytes).saturating_add(RECORD_BYTES);
        balance.set(transaction, owner)?;
    }
    Ok(())
}

/// The longest kept of one line.
fn oldest(read: &dyn Read, owner: PrincipalId, (kind, whose): (Kind, Whose)) -> Result<Option<Candidate>> {
    let mut first = None;
    read.scan(&keys::kept_of(owner, kind.byte(whose)), &mut |key, value| {
        let (moment, id, number) = keys::kept_parts(key).ok_or(Error::Corrupted("the key of a kept thing"))?;
        let since = i64::try_from(moment).ok().and_then(DateTime::from_timestamp_millis).unwrap_or_default();
        first = Some(Candidate { kept: Kept { owner, kind, since, id, number }, whose, entry: crate::read::decode(value)? });
        Ok(ControlFlow::Break(()))
    })?;
    Ok(first)
}

/// The longest kept of its line.
struct Candidate {
    kept: Kept,
    whose: Whose,
    entry: KeptRecord,
}

/// Why something goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Age,
    Room,
}

/// What goes next.
fn next(read: &dyn Read, owner: PrincipalId, now: DateTime<Utc>, limits: &Limits) -> Result<Option<(Candidate, Why)>> {
    let mut found = Vec::new();
    for line in LINES {
        found.extend(oldest(read, owner, line)?);
    }
    found.sort_by_key(|candidate| candidate.kept.since);
    let balance = Balance::of(read, owner)?;
    let allowed = allowed_bytes(read, owner, limits)?;
    let others_beyond = balance.others_bytes > allowed.saturating_sub(balance.owner_bytes).max(allowed / 4);
    let owner_beyond = balance.owner_bytes > allowed && balance.due_bytes > 0;
    let why = |candidate: &Candidate| match candidate.whose {
        _ if candidate.kept.until(limits) <= now => Some(Why::Age),
        Whose::Others if others_beyond => Some(Why::Room),
        Whose::Owner if owner_beyond => Some(Why::Room),
        _ => None,
    };
    Ok(found.into_iter().find_map(|candidate| why(&candidate).map(|why| (candidate, why))))
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
        let Some((Candidate { kept, entry, .. }, why)) = next(transaction, owner, now, limits)? else { break };
        let before = Balance::of(transaction, owner)?.owner_bytes;
        let calendar = || entry.calendar.ok_or(Error::Corrupted("a deleted object of no calendar"));
        let spent = match (kept.kind, why) {
            (Kind::Version, _) => purge_version(transaction, ObjectId(kept.id), kept.number).map(|()| 1)?,
            (Kind::Object, Why::Age) => trash::purge_object(transaction, owner, calendar()?, ObjectId(kept.id)).map(|()| 1)?,
            (Kind::Object, Why::Room) => trash::purge_content(transaction, owner, (calendar()?, ObjectId(kept.id)), limits).map(|()| 1)?,
            (Kind::Calendar, _) => trash::purge_some(transaction, owner, CalendarId(kept.id), budget)?,
        };
        let mut balance = Balance::of(transaction, owner)?;
        balance.due_bytes = match balance.owner_bytes > allowed_bytes(transaction, owner, limits)? {
            true => balance.due_bytes.saturating_sub(before.saturating_sub(balance.owner_bytes)),
            false => 0,
        };
        balance.set(transaction, owner)?;
        budget = budget.saturating_sub(spent);
    }
    Ok(budget)
}

/// Makes some room, with a write that brings or puts aside so many bytes of the owner's content.
pub(crate) fn make_room(
    transaction: &mut Transaction<'_>,
    owner: PrincipalId,
    stamp: &Stamp,
    content_bytes: u64,
    limits: &Limits,
) -> Result<()> {
    if content_bytes > 0 {
        owes(transaction, owner, stamp, content_bytes, limits)?;
    }
    purge(transaction, owner, stamp.at, limits, PURGED_AT_WRITE).map(drop)
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
