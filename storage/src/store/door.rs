//! The door of one viewer. Must not decide anything: what is behind it does.

use super::at_hand::AtHand;
use super::durable::Deferred;
use super::{Snapshot, Store};
use crate::authorized::{AuthorizedStore, AuthorizedWriter};
use crate::client::ClientName;
use crate::error::{Error, Result};
use crate::journal::{Actor, Ending, Room};
use crate::limits::Limits;
use crate::spool::Spool;
use acl::PrincipalId;
use std::sync::Arc;

/// One viewer's door. Each call of `read` or `write` sees one snapshot of policy and data. It is shut (`NotFound`) from the
/// moment the viewer is removed.
#[derive(Clone, Debug)]
pub struct Door {
    store: Arc<Store>,
    viewer: PrincipalId,
    client: ClientName,
    /// Where nothing may be waited for.
    at_hand: Option<Arc<AtHand>>,
    /// Where the disk is waited for at the end.
    deferred: Option<Arc<Deferred>>,
}

impl Door {
    pub(super) fn new(store: Arc<Store>, viewer: PrincipalId) -> Self {
        Self { store, viewer, client: ClientName::default(), at_hand: None, deferred: None }
    }
    /// The same door, told which program stands before it.
    #[must_use]
    pub fn with_client(self, client: ClientName) -> Self {
        Self { client, ..self }
    }
    /// The same door for one request whose answer is wanted only if it is at hand: without waiting for anybody or for the disk,
    /// and without much work. Nothing is written through it. If [`Door::has_declined`] afterwards, what was answered means
    /// nothing, nothing has come of it, and the door itself is to be asked.
    #[must_use]
    pub fn at_hand(&self) -> Self {
        Self { at_hand: Some(Arc::default()), ..self.clone() }
    }
    /// Whether something was asked of this door that is not at hand.
    pub fn has_declined(&self) -> bool {
        self.at_hand.as_ref().is_some_and(|at_hand| at_hand.has_declined())
    }
    /// The same door for one request whose writes return before they are durable. Nobody may be told what came of the request
    /// before [`Door::when_durable`] says that all of it is.
    #[must_use]
    pub fn deferring(&self) -> Self {
        Self { deferred: Some(Arc::default()), ..self.clone() }
    }
    /// Calls `then` when all that was written through this door is durable, or with an error, never to be told that it is done:
    /// at once if there is nothing to wait for, else in a thread that others wait for, so it must not wait for anything.
    pub fn when_durable(&self, then: impl FnOnce(Result<()>) + Send + 'static) {
        match self.deferred.as_ref().and_then(|deferred| deferred.take()) {
            Some(commit) => self.store.durability.when_durable(commit, &self.store.failure, Box::new(then)),
            None => then(Ok(())),
        }
    }
    /// Where what is answered waits to be sent.
    pub fn spool(&self) -> &Arc<Spool> {
        &self.store.spool
    }
    /// The store's bounds.
    pub fn limits(&self) -> &Limits {
        self.store.limits()
    }
    /// Reads. Readers do not wait for each other.
    pub fn read<T, E: From<Error>>(&self, work: impl FnOnce(&AuthorizedStore<'_>) -> Result<T, E>) -> Result<T, E> {
        if let Some(at_hand) = &self.at_hand {
            return self.read_at_hand(at_hand, work);
        }
        let mut room = Room::Left;
        let outcome = self.store.read(|snapshot| {
            let store = self.open(snapshot)?;
            let outcome = work(&store);
            let ending = if outcome.is_ok() { Ending::Answered } else { Ending::NothingRead };
            room = self.store.journal.count(Actor::User(self.viewer), &self.client, store.into_notes(), ending, snapshot.now());
            outcome
        });
        self.store.make_room_in_journal(room);
        outcome
    }
    /// Reads and writes, alone. Returns when everything committed inside is durable, except from a door that is
    /// [`Door::deferring`].
    pub fn write<T, E: From<Error>>(&self, work: impl FnOnce(&mut AuthorizedWriter<'_>) -> Result<T, E>) -> Result<T, E> {
        if let Some(at_hand) = &self.at_hand {
            return Ok(at_hand.decline()?);
        }
        let mut room = Room::Left;
        let work = |snapshot: &Snapshot<'_>| {
            let mut writer = AuthorizedWriter::new(self.open(snapshot)?);
            let outcome = work(&mut writer);
            // What he reads here, he reads for the sake of writing.
            room =
                self.store.journal.count(Actor::User(self.viewer), &self.client, writer.into_notes(), Ending::NothingRead, snapshot.now());
            outcome
        };
        let outcome = match &self.deferred {
            Some(deferred) => self.write_deferred(deferred, work),
            None => self.store.write(work),
        };
        self.store.make_room_in_journal(room);
        outcome
    }

    fn write_deferred<T, E: From<Error>>(&self, deferred: &Deferred, work: impl FnOnce(&Snapshot<'_>) -> Result<T, E>) -> Result<T, E> {
        let (outcome, commit) = self.store.write_undurable(work)?;
        if let Some(before) = commit.and_then(|commit| deferred.note(commit)) {
            before.wait(&self.store.failure)?;
        }
        outcome
    }

    /// Only what succeeds is answered so: whatever is refused, hidden or absent goes the long way alike.
    fn read_at_hand<T, E: From<Error>>(&self, at_hand: &AtHand, work: impl FnOnce(&AuthorizedStore<'_>) -> Result<T, E>) -> Result<T, E> {
        self.store.read_at_hand(at_hand, |snapshot| {
            // Whoever finds it full writes it down.
            if self.store.journal.is_full() {
                snapshot.not_at_hand()?;
            }
            let store = self.open(snapshot)?;
            let outcome = work(&store);
            if outcome.is_err() || at_hand.has_declined() {
                return at_hand.decline().map_err(E::from);
            }
            self.store.journal.count(Actor::User(self.viewer), &self.client, store.into_notes(), Ending::Answered, snapshot.now());
            outcome
        })
    }

    fn open<'a>(&'a self, snapshot: &'a Snapshot<'a>) -> Result<AuthorizedStore<'a>> {
        match snapshot.user(self.viewer)? {
            Some(_) => Ok(AuthorizedStore::new(snapshot, self.viewer, &self.client)),
            None => Err(Error::NotFound),
        }
    }
}
