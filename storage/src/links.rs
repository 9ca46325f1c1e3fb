//! Links as records, findable by calendar and by the hash of their secret, and the count of their uses. Decides nothing. None
//! is made or ended without its calendar's journal saying by whom.
//!
//! A secret is told once, to who makes the link; only its keyed hash is kept. Uses are collected in memory and written at
//! most once a minute, so that what strangers read costs the disk next to nothing.

use crate::error::{Error, Result};
use crate::journal::{self, Author, LinkChange, LinkFacts, What};
use crate::keys;
use crate::limits::Limits;
use crate::objects;
use crate::read::{Read, Transaction, keys as keys_of, record, records};
use crate::store::{Noted, Snapshot};
use acl::link::viewer_of;
use acl::{CalendarId, DatabaseKey, Level, LinkId, ObjectId, PrincipalId};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes of a secret: 192 bits, so that nobody finds one by trying.
const SECRET_BYTES: usize = 24;
/// Links whose uses wait in memory; a further one has them written.
const UNWRITTEN_MAX: usize = 1_000;

/// What makes a link: who has it may look through it. Never logged, never stored.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkSecret([u8; SECRET_BYTES]);

impl std::fmt::Debug for LinkSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkSecret(…)")
    }
}

impl LinkSecret {
    /// A new one of these bytes, which nobody can foresee.
    pub(crate) fn new(bytes: [u8; SECRET_BYTES]) -> Self {
        Self(bytes)
    }
    /// As it stands in an address: 32 characters of base64url. `None`: no secret looks like this.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }
    /// As it stands in an address, for its maker to see once.
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
    pub(crate) fn hash(&self, key: &DatabaseKey) -> [u8; 32] {
        key.derive("link-secret", &[&self.0])
    }
}

/// A link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LinkRecord {
    pub(crate) secret_hash: [u8; 32],
    pub(crate) target: LinkTarget,
    pub(crate) maker: PrincipalId,
    pub(crate) created: DateTime<Utc>,
    /// Exclusive.
    pub(crate) until: Option<DateTime<Utc>>,
    /// For people who look at the list.
    pub(crate) note: String,
    pub(crate) uses: u64,
    /// No finer than a day.
    pub(crate) last_used: Option<NaiveDate>,
}

impl LinkRecord {
    pub(crate) fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// What a link shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LinkTarget {
    /// The calendar, at one of [`acl::link::LINK_LEVELS`].
    Calendar(Level),
    /// One object of it.
    Object(ObjectId),
}

/// A link with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredLink {
    pub(crate) calendar: CalendarId,
    pub(crate) id: LinkId,
    pub(crate) record: LinkRecord,
}

/// An id as lists show it: 32 hexadecimal digits.
pub(crate) fn id_text(id: LinkId) -> String {
    id.0.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads it.
pub(crate) fn parse_id(text: &str) -> Option<LinkId> {
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let number = u128::from_str_radix(text, 16).ok().filter(|_| text.len() == 32)?;
    Some(LinkId(number.to_be_bytes()))
}

/// All links of a calendar, by id.
pub(crate) fn of_calendar(read: &dyn Read, calendar: CalendarId) -> Result<Vec<StoredLink>> {
    records(read, &keys::table_of(keys::LINKS, &calendar.0))?.into_iter().map(|(key, record)| stored(&key, record)).collect()
}

/// All links there are.
pub(crate) fn all(read: &dyn Read) -> Result<Vec<StoredLink>> {
    records(read, &keys::table(keys::LINKS))?.into_iter().map(|(key, record)| stored(&key, record)).collect()
}

fn stored(key: &[u8], record: LinkRecord) -> Result<StoredLink> {
    match keys::id_at(key, 0).zip(keys::id_at(key, 1)) {
        Some((calendar, id)) => Ok(StoredLink { calendar: CalendarId(calendar), id: LinkId(id), record }),
        None => Err(Error::Corrupted("a link's key")),
    }
}

/// The link that has this secret.
pub(crate) fn with_secret(read: &dyn Read, secret: &LinkSecret, key: &DatabaseKey) -> Result<Option<StoredLink>> {
    let Some((calendar, id)) = record::<(CalendarId, LinkId)>(read, &keys::link_secret(&secret.hash(key)))? else { return Ok(None) };
    Ok(record(read, &keys::link(calendar, id))?.map(|record| StoredLink { calendar, id, record }))
}

/// The link of this id.
pub(crate) fn by_id(read: &dyn Read, id: LinkId) -> Result<Option<StoredLink>> {
    let place = keys_of(read, &keys::table(keys::LINKS))?.into_iter().find(|key| keys::id_at(key, 1) == Some(id.0));
    let Some(key) = place else { return Ok(None) };
    record(read, &key)?.map(|record| stored(&key, record)).transpose()
}

/// Stores a new link, and says so in its calendar's journal.
pub(crate) fn add(transaction: &mut Transaction<'_>, link: &StoredLink, author: &Author, limits: &Limits) -> Result<()> {
    tell(transaction, link, LinkChange::Made, author, limits)?;
    transaction.put_record(keys::link_secret(&link.record.secret_hash), &(link.calendar, link.id))?;
    transaction.put_record(keys::link(link.calendar, link.id), &link.record)
}

fn tell(transaction: &mut Transaction<'_>, link: &StoredLink, change: LinkChange, author: &Author, limits: &Limits) -> Result<()> {
    let (level, object) = match link.record.target {
        LinkTarget::Calendar(level) => (Some(level), None),
        LinkTarget::Object(id) => (None, objects::by_id(transaction, link.calendar, id)?.map(|object| object.name)),
    };
    let facts = LinkFacts { id: link.id, maker: link.record.maker, level, object, until: link.record.until };
    journal::record_now(transaction, link.calendar, author, What::Link { change, link: Some(facts) }, limits)
}

/// Ends a link, and says so in its calendar's journal; one that was past its end goes without a word.
pub(crate) fn end(transaction: &mut Transaction<'_>, link: &StoredLink, author: &Author, limits: &Limits) -> Result<()> {
    if !link.record.is_expired(author.at) {
        tell(transaction, link, LinkChange::Ended, author, limits)?;
    }
    remove(transaction, link)
}

/// Removes a link with its view of the calendar.
fn remove(transaction: &mut Transaction<'_>, link: &StoredLink) -> Result<()> {
    transaction.delete_range(&crate::engine::KeyRange::prefix(&keys::view_prefix(link.calendar, viewer_of(link.id))))?;
    transaction.delete(keys::link_secret(&link.record.secret_hash));
    transaction.delete(keys::link(link.calendar, link.id));
    Ok(())
}

/// Ends those links of a calendar that `ended` says have.
pub(crate) fn end_of_calendar(
    transaction: &mut Transaction<'_>,
    calendar: CalendarId,
    ended: impl Fn(&LinkRecord) -> bool,
    author: &Author,
    limits: &Limits,
) -> Result<()> {
    for link in of_calendar(transaction, calendar)?.into_iter().filter(|link| ended(&link.record)) {
        end(transaction, &link, author, limits)?;
    }
    Ok(())
}

/// Ends the links that somebody made.
pub(crate) fn end_made_by(transaction: &mut Transaction<'_>, maker: PrincipalId, author: &Author, limits: &Limits) -> Result<()> {
    for link in all(transaction)?.into_iter().filter(|link| link.record.maker == maker) {
        end(transaction, &link, author, limits)?;
    }
    Ok(())
}

/// What one link was used for since it was last written down.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Uses {
    pub(crate) count: u64,
    pub(crate) last: Option<NaiveDate>,
}

#[derive(Debug, Default)]
struct Unwritten {
    by_link: HashMap<(CalendarId, LinkId), Uses>,
    written_at: Option<DateTime<Utc>>,
}

/// Uses that are not written down yet. Those of the last minute are lost when the process dies.
#[derive(Debug, Default)]
pub(crate) struct UseCounts {
    unwritten: Mutex<Unwritten>,
}

impl UseCounts {
    /// Counts one use; writes down all of them if that was not done for a minute.
    pub(crate) fn count(&self, snapshot: &Snapshot<'_>, calendar: CalendarId, id: LinkId) -> Result<()> {
        let now = snapshot.now();
        let mut unwritten = self.lock();
        let uses = unwritten.by_link.entry((calendar, id)).or_default();
        uses.count = uses.count.saturating_add(1);
        uses.last = uses.last.max(Some(now.date_naive()));
        let is_due = unwritten.written_at.is_none_or(|at| now.signed_duration_since(at).abs() >= TimeDelta::minutes(1));
        if is_due || unwritten.by_link.len() > UNWRITTEN_MAX { write(&mut unwritten, snapshot) } else { Ok(()) }
    }

    /// Writes down all that is not.
    pub(crate) fn write_down(&self, snapshot: &Snapshot<'_>) -> Result<()> {
        write(&mut self.lock(), snapshot)
    }

    /// What is to be added to a link's record.
    pub(crate) fn of(&self, link: &StoredLink) -> Uses {
        self.lock().by_link.get(&(link.calendar, link.id)).copied().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Unwritten> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nobody removes a link meanwhile: the caller is inside of a read or a write of the store; and nobody else writes uses, as the
/// lock is his.
fn write(unwritten: &mut Unwritten, snapshot: &Snapshot<'_>) -> Result<()> {
    let mut transaction = snapshot.begin();
    for ((calendar, id), uses) in &unwritten.by_link {
        let key = keys::link(*calendar, *id);
        let Some(mut link) = record::<LinkRecord>(snapshot, &key)? else { continue };
        link.uses = link.uses.saturating_add(uses.count);
        link.last_used = link.last_used.max(uses.last);
        transaction.put_record(key, &link)?;
    }
    if snapshot.note(transaction)? == Noted::Kept {
        unwritten.by_link.clear();
    }
    // Where the disk takes nothing, the next one does not try either.
    unwritten.written_at = Some(snapshot.now());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reads_back_and_shows_itself_in_no_debugging_output() {
        let secret = LinkSecret::new([0xfb; SECRET_BYTES]);
        let text = secret.text();
        assert_eq!(text.len(), 32);
        assert_eq!(LinkSecret::parse(&text), Some(secret.clone()));
        assert!(!format!("{secret:?}").contains(&text));
        for wrong in ["", "x", text.get(1..).unwrap_or_default(), &format!("{text}A"), &text.replace('-', "+"), "é"] {
            assert_eq!(LinkSecret::parse(wrong), None, "{wrong}");
        }
    }
}
