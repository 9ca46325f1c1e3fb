//! Grants through RFC 3744: what `DAV:acl` shows the owner, and the ACL method.

use super::{AuthorizedStore, AuthorizedWriter, Calendar, PrincipalKind};
use crate::error::Result;
use acl::Privilege;
use acl::ace::AcePrincipal;

/// The principal of a shown ACE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AceSubject {
    /// The owner (protected).
    Owner,
    /// A user or group, by name.
    Principal(PrincipalKind, String),
    /// Everyone signed in.
    Everyone,
}

/// One ACE as shown to the owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownAce {
    /// Whose.
    pub subject: AceSubject,
    /// What is granted.
    pub privileges: Vec<Privilege>,
}

impl AuthorizedStore<'_> {
    /// The stored grants, the owner's own protected ACE first. Denied `read-acl` to all but the owner.
    pub fn acl(&self, calendar: &Calendar) -> Result<Vec<ShownAce>> {
        let _ = calendar;
        todo!()
    }
    /// A principal of an ACL request, by name.
    pub fn ace_principal(&self, kind: PrincipalKind, name: &str) -> Result<AcePrincipal> {
        let _ = (kind, name);
        todo!()
    }
}

impl AuthorizedWriter<'_> {
    /// Replaces the calendar's grants. Denied `write-acl` to all but the owner.
    pub fn set_acl(&mut self, calendar: &Calendar, aces: &[acl::ace::Ace]) -> Result<()> {
        let _ = (calendar, aces);
        todo!()
    }
}
