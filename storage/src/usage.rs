//! How much of the store each user takes up, and how much he may (RFC 4331): one record a user, written in the commit that
//! changes what it counts, so that nothing is added up when somebody asks.
//!
//! Two numbers are kept, and only their user is shown them. What **stands in his home**: the bodies of the objects in his
//! calendars, whoever wrote them, and his files. And what he **gave to others**: the bytes he sent into other people's
//! calendars less the bytes he was shown of what he wrote over, moved away or deleted there. Both together may not grow
//! beyond his quota.
//!
//! Whoever writes into another's calendar is refused for want of his own space only, never of its owner's. Could hers refuse
//! him, he would measure what she keeps from him by filling it up. For the same reason what he gave is not lowered when
//! somebody else deletes it: the number would tell him of it after he had lost sight of the calendar. So both his refusals
//! and his numbers follow from what he sent and what he was shown. She is protected all the same: nobody can put more into
//! her calendars than his own quota, nor more objects than a calendar may show him, and what stands there counts as hers, so
//! that she sees it and can delete it.
//!
//! Not counted, because other limits hold them and nobody shares a sight of them: alarms and other personal parts, properties,
//! names, views.

use crate::error::{Error, Limit, Result};
use crate::keys;
use crate::limits::Limits;
use crate::read::{Read, Transaction, record, records};
use crate::record::{CalendarRecord, ObjectRecord, PlainContent, PlainRecord};
use acl::{CalendarId, PrincipalId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How much a user may take up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quota {
    /// As the configuration says for all ([`Limits::quota_bytes`]).
    #[default]
    Default,
    /// Whatever he likes.
    Unlimited,
    /// So many bytes.
    Bytes(u64),
}

impl Quota {
    /// In bytes; `None`: no limit.
    pub(crate) fn bytes(self, limits: &Limits) -> Option<u64> {
        match self {
            Self::Default => Some(limits.quota_bytes),
            Self::Unlimited => None,
            Self::Bytes(bytes) => Some(bytes),
        }
    }
}

/// What one user takes up and may take up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Usage {
    pub(crate) quota: Quota,
    /// Bytes that stand in his home.
    pub(crate) home_bytes: u64,
    /// Bytes that he gave to others.
    pub(crate) given_bytes: u64,
}

impl Usage {
    /// All that counts against his quota.
    pub(crate) fn used_bytes(&self) -> u64 {
        self.home_bytes.saturating_add(self.given_bytes)
    }
}

/// A user's record; nothing used where there is none.
pub(crate) fn of(read: &dyn Read, user: PrincipalId) -> Result<Usage> {
    Ok(record(read, &keys::usage(user))?.unwrap_or_default())
}

/// Stages a user's record; nothing to say leaves nothing behind.
pub(crate) fn set(transaction: &mut Transaction<'_>, user: PrincipalId, usage: &Usage) -> Result<()> {
    if *usage == Usage::default() {
        transaction.delete(keys::usage(user));
        return Ok(());
    }
    transaction.put_record(keys::usage(user), usage)
}

/// Stages that something in a home which took `before` bytes now takes `after`.
pub(crate) fn in_home(transaction: &mut Transaction<'_>, owner: PrincipalId, before: u64, after: u64) -> Result<()> {
    if before == after {
        return Ok(());
    }
    let mut usage = of(transaction, owner)?;
    usage.home_bytes = usage.home_bytes.saturating_sub(before).saturating_add(after);
    set(transaction, owner, &usage)
}

/// Bytes that a writer sent into other people's calendars, and what he had been shown in their places.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) sent_bytes: u64,
    pub(crate) shown_bytes: u64,
}

/// Stages what a writer gives, and refuses him if that or what is staged already takes him beyond his quota: `before` is the
/// state without it. Whoever is beyond it already may still write what takes no more than before.
pub(crate) fn charge(before: &dyn Read, staged: &mut Transaction<'_>, writer: PrincipalId, given: Given, limits: &Limits) -> Result<()> {
    let mut after = of(staged, writer)?;
    after.given_bytes = after.given_bytes.saturating_add(given.sent_bytes).saturating_sub(given.shown_bytes);
    let beyond = after.quota.bytes(limits).is_some_and(|quota| after.used_bytes() > quota);
    if beyond && after.used_bytes() > of(before, writer)?.used_bytes() {
        return Err(Error::LimitExceeded(Limit::Quota));
    }
    set(staged, writer, &after)
}

/// What really stands in each home, counted out of the records.
pub(crate) fn count(read: &dyn Read) -> Result<BTreeMap<PrincipalId, u64>> {
    let calendars = records::<CalendarRecord>(read, &keys::table(keys::CALENDARS))?;
    let owner = |(key, calendar): &(Vec<u8>, CalendarRecord)| keys::last_id(key).map(|id| (CalendarId(id), calendar.owner));
    let owners: BTreeMap<CalendarId, PrincipalId> = calendars.iter().filter_map(owner).collect();
    let mut homes: BTreeMap<PrincipalId, u64> = BTreeMap::new();
    let mut add = |owner: PrincipalId, bytes: u64| {
        let home = homes.entry(owner).or_default();
        *home = home.saturating_add(bytes);
    };
    read.scan(&keys::table(keys::OBJECTS), &mut |key, value| {
        let object: ObjectRecord = crate::read::decode(value)?;
        if let Some(owner) = keys::id_at(key, 0).and_then(|calendar| owners.get(&CalendarId(calendar))) {
            add(*owner, object.content_bytes);
        }
        Ok(std::ops::ControlFlow::Continue(()))
    })?;
    for (key, plain) in records::<PlainRecord>(read, &keys::table(keys::PLAIN))? {
        if let (Some(owner), PlainContent::File { content_bytes, .. }) = (keys::id_at(&key, 0), plain.content) {
            add(PrincipalId(owner), content_bytes);
        }
    }
    Ok(homes)
}
