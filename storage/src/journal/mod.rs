//! The journal of a calendar: who read it and how much he was shown, which grants and links were changed by whom, which writes
//! were refused, where an event stayed private against a program's CLASS. It is the owner's alone: no view, tag, token or answer
//! of anybody depends on it, and it holds nothing of an event but the name of its object.
//!
//! Alike facts of one day are one row with a count. Changes of grants and links, refusals that leave a touch mark, and privacy kept are
//! written with what they tell of, in the same commit. Reads, and refusals that leave no trace elsewhere, are counted in
//! memory ([`Pending`]) and written in batches, so that reading costs no write: a crash loses those of the time since the
//! last [`crate::Store::flush_journal`]. Rows are bounded per calendar, in days, and for one person and day, so that nobody can
//! push the others out by changing his name every time.

mod pending;
mod told;

pub(crate) use pending::{Ending, Notes, Pending, Room};
pub(crate) use told::entries;
pub use told::{Change, GranteeTold, JournalEntry, LinkTold, Terms, Told};

use crate::client::ClientName;
use crate::error::{Error, Result};
use crate::history::{Stamp, Writer};
use crate::keys;
use crate::limits::Limits;
use crate::read::{Read, Transaction, decode, encode, keys as keys_of, record};
use acl::write::Refusal;
use acl::{CalendarId, Grant, Grantee, Level, LinkId, PrincipalId, Privilege, Visibility};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// Who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Actor {
    /// A signed-in user.
    User(PrincipalId),
    /// Whoever administers the machine, by a command.
    Command,
    /// The same, by a file that was applied.
    File,
    /// Whoever holds a link.
    Link(LinkId),
}

/// Who changes grants or links, when, with which program.
#[derive(Clone, Debug)]
pub(crate) struct Author {
    pub(crate) actor: Actor,
    pub(crate) client: ClientName,
    pub(crate) at: DateTime<Utc>,
}

impl From<&Stamp> for Author {
    fn from(stamp: &Stamp) -> Self {
        let actor = match &stamp.by {
            Writer::User { id, .. } => Actor::User(*id),
            Writer::Machine | Writer::Unknown => Actor::Command,
        };
        Self { actor, client: stamp.client.clone(), at: stamp.at }
    }
}

/// How much a reader was shown: the most his access shows of any event, or busy time if that was all he asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Seen {
    /// Nothing but what he put there himself.
    OwnEntries,
    FreeBusy,
    Titles,
    Details,
}

impl From<Visibility> for Seen {
    fn from(visibility: Visibility) -> Self {
        match visibility {
            Visibility::Hidden => Self::OwnEntries,
            Visibility::FreeBusy => Self::FreeBusy,
            Visibility::Title => Self::Titles,
            Visibility::Full => Self::Details,
        }
    }
}

/// What somebody tried who was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Attempt {
    Create,
    Change,
    Delete,
    CopyOut,
    MoveAway,
    Replace,
    Share,
    SetProperties,
}

/// Why he was refused: what he lacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Lacked {
    Read,
    Create,
    Edit,
    Delete,
    Share,
    Properties,
    /// Nobody may give a stored object another UID.
    SameUid,
}

impl From<Refusal> for Lacked {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::UidChanged => Self::SameUid,
            Refusal::Denied(privilege) => privilege.into(),
        }
    }
}

impl From<Privilege> for Lacked {
    fn from(privilege: Privilege) -> Self {
        match privilege {
            Privilege::Read | Privilege::ReadFreeBusy | Privilege::ReadTitles | Privilege::ReadCurrentUserPrivilegeSet => Self::Read,
            Privilege::Bind => Self::Create,
            Privilege::Write | Privilege::WriteContent => Self::Edit,
            Privilege::Unbind => Self::Delete,
            Privilege::WriteProperties => Self::Properties,
            Privilege::ReadAcl | Privilege::WriteAcl | Privilege::Unlock | Privilege::All => Self::Share,
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum What {
    Read {
        seen: Seen,
    },
    /// `object`: under the owner's name for it; `None` where nothing of hers was asked for, or too many things.
    Refused {
        attempt: Attempt,
        lacked: Lacked,
        object: Option<String>,
    },
    PrivacyKept {
        object: Option<String>,
    },
    /// `before`: `None` if it was new. `now`: `None` if it was removed.
    Grant {
        grantee: Grantee,
        before: Option<Grant>,
        now: Option<Grant>,
    },
    /// An administrator opened the calendar to himself.
    BreakGlass {
        reason: String,
        /// Exclusive.
        until: DateTime<Utc>,
    },
    // Stored by number: what is new stands last.
    /// `link`: `None` where there were too many to tell apart.
    Link {
        change: LinkChange,
        link: Option<LinkFacts>,
    },
}

/// What was done with a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum LinkChange {
    Made,
    /// By somebody, or with what it showed; not by its own end, which was told when it was made.
    Ended,
}

/// Which link it was. Nothing by which it could be used.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct LinkFacts {
    pub(crate) id: LinkId,
    pub(crate) maker: PrincipalId,
    /// Of a link to the calendar.
    pub(crate) level: Option<Level>,
    /// Of a link to one object: the owner's name for it.
    pub(crate) object: Option<String>,
    /// Exclusive.
    pub(crate) until: Option<DateTime<Utc>>,
}

impl What {
    /// Distinguishes kinds in keys.
    fn kind(&self) -> u8 {
        match self {
            Self::Read { .. } => b'r',
            Self::Refused { .. } => b'w',
            Self::PrivacyKept { .. } => b'p',
            Self::Grant { .. } => b'g',
            Self::BreakGlass { .. } => b'b',
            Self::Link { .. } => b'l',
        }
    }
}

/// One thing that happened, apart from when and how often.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Fact {
    pub(crate) actor: Actor,
    pub(crate) client: ClientName,
    pub(crate) what: What,
}

impl Fact {
    /// What stands for all further facts of this kind, actor and day, when there were too many different ones. `None`: this
    /// kind has no such form, because only the owner and administrators bring it about.
    fn coarse(&self) -> Option<Self> {
        let what = match &self.what {
            What::Grant { .. } | What::BreakGlass { .. } => return None,
            What::Refused { attempt, lacked, .. } => What::Refused { attempt: *attempt, lacked: *lacked, object: None },
            What::PrivacyKept { .. } => What::PrivacyKept { object: None },
            What::Link { change, .. } => What::Link { change: *change, link: None },
            read @ What::Read { .. } => read.clone(),
        };
        Some(Self { actor: self.actor, client: ClientName::others(), what })
    }

    /// The end of its key. A change of a grant and an administrator's entry are told by themselves, with their moments; all else
    /// is counted.
    fn key_part(&self, first: DateTime<Utc>) -> Result<[u8; 16]> {
        let mut bytes = encode(self)?;
        if matches!(self.what, What::Grant { .. } | What::BreakGlass { .. }) {
            bytes.extend_from_slice(&first.timestamp_micros().to_be_bytes());
        }
        Ok(blake3::hash(&bytes).as_bytes().first_chunk::<16>().copied().unwrap_or_default())
    }
}

/// How often and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) count: u64,
    pub(crate) first: DateTime<Utc>,
    pub(crate) last: DateTime<Utc>,
}

impl Tally {
    pub(crate) fn once(at: DateTime<Utc>) -> Self {
        Self { count: 1, first: at, last: at }
    }
    fn plus(self, other: Self) -> Self {
        Self { count: self.count.saturating_add(other.count), first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}

/// A row as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) fact: Fact,
    pub(crate) tally: Tally,
}

/// Stands before the rows of a calendar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    rows: u64,
}

/// Days since 1970 in UTC: rows of one day stand together, the oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Day(pub(crate) u32);

impl Day {
    pub(crate) fn of(at: DateTime<Utc>) -> Self {
        Self(u32::try_from(at.timestamp().div_euclid(86_400)).unwrap_or(0))
    }
    /// The first day that is still kept.
    fn oldest(now: DateTime<Utc>, limits: &Limits) -> Self {
        Self(Self::of(now).0.saturating_sub(limits.journal_days_max))
    }
}

/// Writes a fact down at once.
pub(crate) fn record_now(
    transaction: &mut Transaction<'_>,
    calendar: CalendarId,
    author: &Author,
    what: What,
    limits: &Limits,
) -> Result<()> {
    let fact = Fact { actor: author.actor, client: author.client.clone(), what };
    add(transaction, calendar, &fact, Tally::once(author.at), limits)
}

/// Adds to a fact's row of its day.
pub(crate) fn add(transaction: &mut Transaction<'_>, calendar: CalendarId, fact: &Fact, tally: Tally, limits: &Limits) -> Result<()> {
    let day = Day::of(tally.first);
    let key_of = |fact: &Fact| Ok::<_, Error>(keys::journal(calendar, day, fact.what.kind(), fact.actor, fact.key_part(tally.first)?));
    let mut key = key_of(fact)?;
    let mut fact = fact.clone();
    let mut known: Option<Row> = record(transaction, &key)?;
    if let (None, Some(coarse)) = (&known, fact.coarse()) {
        let siblings = keys_of(transaction, &keys::journal_of_actor(calendar, day, fact.what.kind(), fact.actor))?;
        if siblings.len() >= limits.journal_rows_per_person_max {
            key = key_of(&coarse)?;
            known = record(transaction, &key)?;
            fact = coarse;
        }
    }
    match known {
        Some(row) => transaction.put_record(key, &Row { tally: row.tally.plus(tally), ..row }),
        None => {
            let mut head: Head = record(transaction, &keys::journal_head(calendar))?.unwrap_or_default();
            transaction.put_record(key, &Row { fact, tally })?;
            head.rows = head.rows.saturating_add(1);
            if head.rows > limits.journal_rows_max {
                // A sixteenth at once, so that not every new row looks for the oldest.
                head.rows = head.rows.saturating_sub(drop_oldest(transaction, calendar, limits.journal_rows_max / 16 + 1)?);
            }
            transaction.put_record(keys::journal_head(calendar), &head)
        }
    }
}

/// Deletes the oldest rows of a calendar; gives how many.
fn drop_oldest(transaction: &mut Transaction<'_>, calendar: CalendarId, number: u64) -> Result<u64> {
    let mut oldest = Vec::new();
    transaction.scan(&keys::journal_rows(calendar), &mut |key, _| {
        oldest.push(key.to_vec());
        Ok(if oldest.len() as u64 >= number { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    let dropped = oldest.len() as u64;
    for key in oldest {
        transaction.delete(key);
    }
    Ok(dropped)
}

/// Deletes a calendar's rows of days that are not kept any more.
pub(crate) fn forget_old(transaction: &mut Transaction<'_>, calendar: CalendarId, now: DateTime<Utc>, limits: &Limits) -> Result<()> {
    let old = keys_of(transaction, &keys::journal_before(calendar, Day::oldest(now, limits)))?;
    if old.is_empty() {
        return Ok(());
    }
    let mut head: Head = record(transaction, &keys::journal_head(calendar))?.unwrap_or_default();
    head.rows = head.rows.saturating_sub(old.len() as u64);
    for key in old {
        transaction.delete(key);
    }
    transaction.put_record(keys::journal_head(calendar), &head)
}

/// A calendar's rows from a day on, the oldest day first.
pub(crate) fn rows(read: &dyn Read, calendar: CalendarId, since: Day) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    read.scan(&keys::journal_from(calendar, since), &mut |_, value| {
        rows.push(decode::<Row>(value)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(rows)
}

/// How many rows a calendar's head counts, and how many there are: for `check`.
pub(crate) fn counted(read: &dyn Read, calendar: CalendarId) -> Result<(u64, u64)> {
    let head: Option<Head> = record(read, &keys::journal_head(calendar))?;
    let there = keys_of(read, &keys::journal_rows(calendar))?.len() as u64;
    Ok((head.unwrap_or_default().rows, there))
}

#[cfg(test)]
mod tests;
