//! Grants through RFC 3744: what `DAV:acl` shows the owner, and the ACL method.

use super::{AuthorizedStore, AuthorizedWriter, Calendar, PrincipalKind, denied};
use crate::error::{Error, Result};
use crate::journal::Attempt;
use crate::{grants, principals, roles};
use acl::ace::{self, AcePrincipal};
use acl::{Grantee, Privilege};

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
    /// What is granted, or denied.
    pub privileges: Vec<Privilege>,
    /// `DAV:deny` instead of `DAV:grant`.
    pub deny: bool,
}

impl ShownAce {
    /// The two that stand on everything: the owner's, and by which everyone who reaches something reads his privileges of it.
    pub fn standing() -> Vec<Self> {
        let ace = |subject, privilege| Self { subject, privileges: vec![privilege], deny: false };
        vec![ace(AceSubject::Owner, Privilege::All), ace(AceSubject::Everyone, Privilege::ReadCurrentUserPrivilegeSet)]
    }
    /// Whether it can't be changed (RFC 3744 §5.5.3).
    pub fn is_protected(&self) -> bool {
        self.subject == AceSubject::Owner || self.privileges == [Privilege::ReadCurrentUserPrivilegeSet]
    }
}

impl AuthorizedStore<'_> {
    /// The stored grants, the protected ACEs first. Denied `read-acl` to all but the owner.
    pub fn acl(&self, calendar: &Calendar) -> Result<Vec<ShownAce>> {
        if !calendar.own() {
            return denied(Privilege::ReadAcl);
        }
        let mut shown = ShownAce::standing();
        for grant in grants::of_calendar(self.snapshot, calendar.id())? {
            let privileges = ace::privileges_of_grant(&grant);
            if !privileges.is_empty() {
                shown.push(ShownAce { subject: self.subject(grant.grantee)?, privileges, deny: ace::is_denial(&grant) });
            }
        }
        Ok(shown)
    }

    fn subject(&self, grantee: Grantee) -> Result<AceSubject> {
        let missing = || Error::Corrupted("a grant to somebody who is not there");
        Ok(match grantee {
            Grantee::User(id) => AceSubject::Principal(PrincipalKind::User, principals::user(self.snapshot, id)?.ok_or_else(missing)?.name),
            Grantee::Group(id) => {
                AceSubject::Principal(PrincipalKind::Group, principals::group(self.snapshot, id)?.ok_or_else(missing)?.name)
            }
            Grantee::Role(id) => AceSubject::Principal(PrincipalKind::Role, roles::role(self.snapshot, id)?.ok_or_else(missing)?.name),
            Grantee::Everyone => AceSubject::Everyone,
        })
    }

    /// A principal of an ACL request, by name. Who does not exist for the viewer is unknown, like one that does not exist.
    pub fn ace_principal(&self, kind: PrincipalKind, name: &str) -> Result<AcePrincipal> {
        Ok(match self.visible_id(kind, name)? {
            Some((id, _)) if id == self.viewer => AcePrincipal::Owner,
            Some((_, grantee)) => AcePrincipal::Grantee(grantee),
            None => AcePrincipal::Unknown,
        })
    }
}

impl AuthorizedWriter<'_> {
    /// Refuses to share a calendar to whoever does not own it, before anything is said of what he asks for.
    pub fn check_may_share(&self, calendar: &Calendar) -> Result<()> {
        if calendar.own() {
            return Ok(());
        }
        self.note_refusal(calendar, Attempt::Share, Privilege::WriteAcl);
        denied(Privilege::WriteAcl)
    }

    /// Replaces the calendar's grants. Denied `write-acl` to all but the owner.
    pub fn set_acl(&mut self, calendar: &Calendar, aces: &[ace::Ace]) -> Result<()> {
        self.check_may_share(calendar)?;
        let current = grants::of_calendar(self.snapshot, calendar.id())?;
        let wanted = ace::grants_from_aces(aces, &current).map_err(Error::Ace)?;
        let (author, limits) = (self.author(), self.limits());
        let mut transaction = self.snapshot.begin();
        let kept = |grantee| wanted.iter().any(|grant| grant.grantee == grantee);
        for grant in current.iter().filter(|grant| !kept(grant.grantee)) {
            grants::remove(&mut transaction, calendar.id(), grant.grantee, &author, limits)?;
        }
        for grant in &wanted {
            grants::set(&mut transaction, calendar.id(), grant, &author, limits)?;
        }
        self.snapshot.commit(transaction)
    }
}
