//! Changes being collected: what they say, and the writes they become, all or none.

use super::{Change, subscriptions};
use crate::calendars;
use crate::client::ClientName;
use crate::error::{Error, Result};
use crate::history::{Stamp, Writer};
use crate::journal::{Actor, Author};
use crate::principals;
use crate::read::Transaction;
use crate::record::{GroupRecord, StoredCalendar, UserRecord};
use crate::store::Snapshot;
use acl::PrincipalId;
use std::fmt::Display;

/// One administrator's call. Reads through `transaction` see what was staged before.
pub(crate) struct Edit<'a> {
    pub(crate) snapshot: &'a Snapshot<'a>,
    pub(crate) transaction: Transaction<'a>,
    pub(crate) changes: Vec<Change>,
    /// For the journals of calendars.
    pub(crate) author: Author,
}

impl<'a> Edit<'a> {
    /// `by`: on whose behalf, and with which program.
    pub(crate) fn new(snapshot: &'a Snapshot<'a>, by: &(Actor, ClientName)) -> Self {
        let author = Author { actor: by.0, client: by.1.clone(), at: snapshot.now() };
        Self { snapshot, transaction: snapshot.begin(), changes: Vec::new(), author }
    }
    /// Makes all of it hold.
    pub(crate) fn commit(self) -> Result<Vec<Change>> {
        self.snapshot.commit(self.transaction)?;
        Ok(self.changes)
    }
    /// For the histories of what is written here.
    pub(crate) fn stamp(&self) -> Result<Stamp> {
        let by = match self.author.actor {
            Actor::User(id) => Writer::User { id, name: principals::user(self.snapshot, id)?.map(|user| user.name).unwrap_or_default() },
            Actor::Command | Actor::File => Writer::Machine,
            // Nobody writes by a link.
            Actor::Link(_) => Writer::Unknown,
        };
        Ok(Stamp { at: self.author.at, by, client: self.author.client.clone() })
    }
    /// Says what was done to what.
    pub(crate) fn say(&mut self, subject: &str, done: impl Display) {
        self.changes.push(Change(format!("{subject}: {done}")));
    }
    /// Says a changed value, if it changed.
    pub(crate) fn say_value<T: PartialEq>(&mut self, subject: &str, what: &str, old: &T, new: &T, show: impl Fn(&T) -> String) -> Changed {
        if old == new {
            return Changed::No;
        }
        self.say(subject, format_args!("{what} {} -> {}", show(old), show(new)));
        Changed::Yes
    }
    pub(crate) fn user_named(&self, name: &str) -> Result<(PrincipalId, UserRecord)> {
        principals::user_named(&self.transaction, name)?.ok_or_else(|| Error::Invalid(format!("there is no user {name:?}")))
    }
    pub(crate) fn group_named(&self, name: &str) -> Result<(PrincipalId, GroupRecord)> {
        principals::group_named(&self.transaction, name)?.ok_or_else(|| Error::Invalid(format!("there is no group {name:?}")))
    }
    pub(crate) fn calendar_named(&self, owner: &str, name: &str) -> Result<StoredCalendar> {
        let (owner_id, _) = self.user_named(owner)?;
        if let Some(calendar) = calendars::named(&self.transaction, owner_id, name)? {
            return Ok(calendar);
        }
        match subscriptions::named(&self.transaction, owner_id, name)? {
            Some(_) => Err(Error::Invalid(format!(
                "{owner}/{name} is a subscription to a calendar elsewhere: it has no objects and cannot be shared"
            ))),
            None => Err(Error::Invalid(format!("{owner} has no calendar {name:?}"))),
        }
    }
}

/// Whether something was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Changed {
    Yes,
    No,
}

impl std::ops::BitOrAssign for Changed {
    fn bitor_assign(&mut self, other: Self) {
        if other == Self::Yes {
            *self = Self::Yes;
        }
    }
}

/// An optional text for people.
pub(crate) fn quoted(text: &Option<String>) -> String {
    text.as_ref().map_or_else(|| "none".to_owned(), |text| format!("{text:?}"))
}

/// A list for people.
pub(crate) fn listed(items: &[String]) -> String {
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}
