//! THE ONE DOOR: what a viewer can get and do. Reads leave projected; each write is decided by `acl` and is one commit.
//!
//! Names given and taken here are names as this viewer sees them.

pub mod acl_method;
pub mod calendar;
pub mod home;
pub mod plain;
pub mod principal;
pub mod property;
pub mod sync;

pub use acl_method::{AceSubject, ShownAce};
pub use calendar::{Calendar, Put, Row};
pub use home::{Home, Resource};
pub use plain::{Plain, PlainKind};
pub use principal::{PrincipalKind, VisiblePrincipal};
pub use property::{PropertyKey, PropertyUpdate};
pub use sync::Changes;

use crate::store::Snapshot;
use acl::PrincipalId;
use chrono::{DateTime, Utc};

/// One viewer's view of one snapshot.
pub struct AuthorizedStore<'a> {
    snapshot: &'a Snapshot<'a>,
    viewer: PrincipalId,
}

impl<'a> AuthorizedStore<'a> {
    /// Of one viewer.
    pub(crate) fn new(snapshot: &'a Snapshot<'a>, viewer: PrincipalId) -> Self {
        Self { snapshot, viewer }
    }
    /// The moment of the snapshot.
    pub fn now(&self) -> DateTime<Utc> {
        self.snapshot.now()
    }
    /// The store's bounds.
    pub fn limits(&self) -> &crate::Limits {
        self.snapshot.limits()
    }
}

/// The same with writing.
pub struct AuthorizedWriter<'a> {
    store: AuthorizedStore<'a>,
}

impl<'a> AuthorizedWriter<'a> {
    /// Over a view of a snapshot nobody else writes to.
    pub(crate) fn new(store: AuthorizedStore<'a>) -> Self {
        Self { store }
    }
}

impl<'a> std::ops::Deref for AuthorizedWriter<'a> {
    type Target = AuthorizedStore<'a>;
    fn deref(&self) -> &Self::Target {
        &self.store
    }
}
