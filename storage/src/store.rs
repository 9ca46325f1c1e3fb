//! Opening and closing the store, and the doors to it.

use crate::administration::Administration;
use crate::authorized::{AuthorizedStore, AuthorizedWriter};
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::limits::Limits;
use acl::PrincipalId;
use std::path::Path;
use std::sync::Arc;

/// How to open a store.
#[derive(Clone)]
pub struct Options {
    /// Clock and randomness.
    pub environment: Environment,
    /// Bounds.
    pub limits: Limits,
}

/// An open store. One process at a time.
#[derive(Debug)]
pub struct Store {}

/// A user as sign-in needs him.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Who.
    pub principal: PrincipalId,
    /// His name.
    pub name: String,
    /// PHC string; `None`: he cannot sign in.
    pub password_hash: Option<String>,
}

impl Store {
    /// Opens the store in `directory`, creating it if there is none. Fails if another process has it open, or if its
    /// format is newer than this program knows.
    pub fn open(directory: &Path, options: Options) -> Result<Arc<Self>> {
        let _ = (directory, options);
        todo!()
    }
    /// Whether `directory` holds a store.
    pub fn exists(directory: &Path) -> bool {
        let _ = directory;
        todo!()
    }
    /// Makes everything durable and lets go of the files; later calls fail.
    pub fn close(&self) -> Result<()> {
        todo!()
    }
    /// What sign-in verifies for this user name.
    pub fn credential(&self, user_name: &str) -> Result<Option<Credential>> {
        let _ = user_name;
        todo!()
    }
    /// The one door to calendars, for one viewer.
    pub fn door(self: &Arc<Self>, viewer: PrincipalId) -> Door {
        Door { store: self.clone(), viewer }
    }
    /// Users, groups, shares, whole files: what an administrator on this machine does.
    pub fn administration(self: &Arc<Self>) -> Administration {
        todo!()
    }
    /// The bounds it was opened with.
    pub fn limits(&self) -> &Limits {
        todo!()
    }
    /// The present moment by the store's clock.
    pub fn now(&self) -> chrono::DateTime<chrono::Utc> {
        todo!()
    }
}

/// One viewer's door. Each call of `read` or `write` sees one snapshot of policy and data.
#[derive(Clone, Debug)]
pub struct Door {
    store: Arc<Store>,
    viewer: PrincipalId,
}

impl Door {
    /// Reads. Readers do not wait for each other.
    pub fn read<T, E: From<Error>>(&self, work: impl FnOnce(&AuthorizedStore<'_>) -> Result<T, E>) -> Result<T, E> {
        let _ = (&self.store, self.viewer, work);
        todo!()
    }
    /// Reads and writes, alone. Returns when everything committed inside is durable.
    pub fn write<T, E: From<Error>>(&self, work: impl FnOnce(&mut AuthorizedWriter<'_>) -> Result<T, E>) -> Result<T, E> {
        let _ = work;
        todo!()
    }
}
