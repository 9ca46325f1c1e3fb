//! The door of one viewer. Must not decide anything: what is behind it does.

use super::{Snapshot, Store};
use crate::authorized::{AuthorizedStore, AuthorizedWriter};
use crate::client::ClientName;
use crate::error::{Error, Result};
use crate::journal::{Actor, Ending, Room};
use crate::limits::Limits;
use acl::PrincipalId;
use std::sync::Arc;

/// One viewer's door. Each call of `read` or `write` sees one snapshot of policy and data. It is shut (`NotFound`) from the
/// moment the viewer is removed.
#[derive(Clone, Debug)]
pub struct Door {
    store: Arc<Store>,
    viewer: PrincipalId,
    client: ClientName,
}

impl Door {
    pub(super) fn new(store: Arc<Store>, viewer: PrincipalId) -> Self {
        Self { store, viewer, client: ClientName::default() }
    }
    /// The same door, told which program stands before it.
    #[must_use]
    pub fn with_client(self, client: ClientName) -> Self {
        Self { client, ..self }
    }
    /// The store's bounds.
    pub fn limits(&self) -> &Limits {
        self.store.limits()
    }
    /// Reads. Readers do not wait for each other.
    pub fn read<T, E: From<Error>>(&self, work: impl FnOnce(&AuthorizedStore<'_>) -> Result<T, E>) -> Result<T, E> {
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
    /// Reads and writes, alone. Returns when everything committed inside is durable.
    pub fn write<T, E: From<Error>>(&self, work: impl FnOnce(&mut AuthorizedWriter<'_>) -> Result<T, E>) -> Result<T, E> {
        let mut room = Room::Left;
        let outcome = self.store.write(|snapshot| {
            let mut writer = AuthorizedWriter::new(self.open(snapshot)?);
            let outcome = work(&mut writer);
            // What he reads here, he reads for the sake of writing.
            room =
                self.store.journal.count(Actor::User(self.viewer), &self.client, writer.into_notes(), Ending::NothingRead, snapshot.now());
            outcome
        });
        self.store.make_room_in_journal(room);
        outcome
    }

    fn open<'a>(&'a self, snapshot: &'a Snapshot<'a>) -> Result<AuthorizedStore<'a>> {
        match snapshot.user(self.viewer)? {
            Some(_) => Ok(AuthorizedStore::new(snapshot, self.viewer, &self.client)),
            None => Err(Error::NotFound),
        }
    }
}
