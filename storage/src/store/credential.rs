//! What sign-in reads. Must not verify anything: whoever asks does.

use super::{Snapshot, Store};
use crate::error::{Error, Result};
use crate::keys;
use crate::read::Read;
use crate::record::{PrincipalRef, UserRecord};
use acl::PrincipalId;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A user as sign-in needs him.
#[derive(Clone)]
pub struct Credential {
    /// Who.
    pub principal: PrincipalId,
    /// Of [`Store::generation`]: as long as that is the same, so is this.
    pub generation: u64,
    user: Arc<UserRecord>,
}

impl Credential {
    /// His name.
    pub fn name(&self) -> &str {
        &self.user.name
    }
    /// PHC string; `None`: he cannot sign in.
    pub fn password_hash(&self) -> Option<&str> {
        self.user.password_hash.as_deref()
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential").field("principal", &self.principal).finish_non_exhaustive()
    }
}

impl Store {
    /// What sign-in verifies for this user name.
    pub fn credential(&self, user_name: &str) -> Result<Option<Credential>> {
        self.read(|snapshot| {
            let generation = self.facts.generation();
            let Some(PrincipalRef::User(principal)) = snapshot.named(user_name)? else {
                // Somebody's record is read all the same: how long the answer takes is not to tell who is known.
                return read_any_user(snapshot).map(|()| None);
            };
            let user = snapshot.user(principal)?.ok_or(Error::Corrupted("a name without its user"))?;
            Ok(Some(Credential { principal, user, generation }))
        })
    }
    /// Which people, groups, roles and policy there are, counted: another number after any of them changed, before whoever changed
    /// it is told so. Takes no lock.
    pub fn generation(&self) -> u64 {
        self.facts.generation()
    }
}

/// Reads the record of some user, for the time it takes.
fn read_any_user(snapshot: &Snapshot<'_>) -> Result<()> {
    snapshot.scan(&keys::table(keys::USERS), &mut |_, value| {
        // Whatever it says: whether it can be read is asked where it is needed.
        let user: Option<UserRecord> = postcard::from_bytes(value).ok();
        std::hint::black_box(user);
        Ok(ControlFlow::Break(()))
    })
}
