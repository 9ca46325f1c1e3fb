//! RFC 3744 access control elements and grants, each way.
//!
//! In an ACE, as in `DAV:acl`, `DAV:read` is all details, our `read-titles` busy times and titles, `CALDAV:read-free-busy`
//! busy times; `bind`, `write-content` and `unbind` are create, edit and delete, and `write` all three. What a viewer holds
//! in the end is another matter: `current-user-privilege-set` (module `privilege`). `DAV:deny` of `DAV:read` to one user is the
//! share at `none` that stands before whatever his groups have; nothing else can be denied.
//!
//! Two ACEs stand on everything and are nobody's to change: the owner's, of all privileges, and one by which everyone signed
//! in reads his own privileges of what he reaches.

use crate::level::{Grant, Level, Rights, Visibility};
use crate::principal::Grantee;
use crate::privilege::Privilege;
use std::collections::{BTreeMap, BTreeSet};

/// The principal of an ACE as the protocol layer resolved it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcePrincipal {
    /// A user, a group, or everyone (`DAV:all`, `DAV:authenticated`).
    Grantee(Grantee),
    /// The calendar's owner: her principal, or `DAV:property` with `DAV:owner`.
    Owner,
    /// A principal there is none of, or that is not visible to the owner.
    Unknown,
    /// A form that is not offered here (`DAV:self`, `DAV:property`, `DAV:unauthenticated`).
    NotAllowed,
    /// All but someone (`DAV:invert`).
    Inverted,
}

/// One ACE of an ACL request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ace {
    /// For whom.
    pub principal: AcePrincipal,
    /// `None`: a privilege unknown here.
    pub privileges: Vec<Option<Privilege>>,
    /// `DAV:deny` instead of `DAV:grant`.
    pub deny: bool,
    /// `DAV:protected` or `DAV:inherited` was sent along.
    pub protected: bool,
}

/// Why an ACL request is refused: each with its element (RFC 3744 §8.1.1), all 403.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AceError {
    /// DAV:no-ace-conflict, which §8.1.1 makes the catch-all for a server's own restrictions: edit or delete without read,
    /// privileges that only an owner can hold, an ACE marked protected or inherited that is not the owner's, denying anything
    /// but reading or anybody but one user, and granting where everything is its owner's alone.
    #[error("this combination of privileges cannot be granted")]
    NoAceConflict,
    /// DAV:no-inherited-ace-conflict: the same on what has its ACEs from the collection it is in.
    #[error("what stands on the whole calendar cannot be changed on one object")]
    NoInheritedAceConflict,
    /// DAV:no-protected-ace-conflict: the owner's access is one protected ACE that grants all.
    #[error("the owner's access cannot be changed")]
    NoProtectedAceConflict,
    /// DAV:no-invert
    #[error("everyone but someone cannot be granted anything")]
    NoInvert,
    /// DAV:not-supported-privilege
    #[error("unknown privilege")]
    NotSupportedPrivilege,
    /// DAV:allowed-principal
    #[error("a principal of this form cannot be granted anything")]
    AllowedPrincipal,
    /// DAV:recognized-principal
    #[error("unknown principal")]
    RecognizedPrincipal,
}

/// The grants an ACL request asks for. They replace `current`, but for two kinds: a grantee whose ACE comes back unchanged
/// keeps modifiers and end, and a paused grant to others than a user, for which `DAV:acl` shows no ACE, stays unless its
/// grantee is named (RFC 3744 §8.1: a request changes the ACEs its author can see).
///
/// Several ACEs for one principal add up; their order makes no difference. An ACE that says again what a standing one says is
/// accepted and changes nothing: for the owner one that is marked protected or grants all.
pub fn grants_from_aces(aces: &[Ace], current: &[Grant]) -> Result<Vec<Grant>, AceError> {
    let mut asked: BTreeMap<Grantee, Parts> = BTreeMap::new();
    let mut denied: BTreeSet<Grantee> = BTreeSet::new();
    for ace in aces {
        match read_ace(ace)? {
            Asked::Standing => {}
            Asked::Grant(grantee, parts) => asked.entry(grantee).or_default().add(parts),
            Asked::Deny(grantee) => drop(denied.insert(grantee)),
        }
    }
    if denied.iter().any(|grantee| asked.contains_key(grantee)) {
        return Err(AceError::NoAceConflict);
    }
    let stays = |grant: &&Grant| grant.is_paused() && !is_denial(grant);
    let mut grants: BTreeMap<Grantee, Grant> = current.iter().filter(stays).map(|grant| (grant.grantee, grant.clone())).collect();
    let current: BTreeMap<Grantee, &Grant> = current.iter().map(|grant| (grant.grantee, grant)).collect();
    for (grantee, parts) in asked {
        parts.check()?;
        let unchanged = current.get(&grantee).filter(|grant| Parts::of(grant) == parts && !grant.is_paused());
        grants.insert(grantee, unchanged.map_or_else(|| parts.grant(grantee), |grant| (*grant).clone()));
    }
    for grantee in denied {
        let unchanged = current.get(&grantee).filter(|grant| grant.is_paused());
        grants.insert(grantee, unchanged.map_or_else(|| Grant::of_level(grantee, Level::None), |grant| (*grant).clone()));
    }
    Ok(grants.into_values().collect())
}

/// Whether an ACL request for something that cannot be shared by itself asks for nothing but what stands (RFC 3744 §8.1).
/// What is wrong with an ACE by itself is said before that it asks for more.
pub fn check_standing(aces: &[Ace]) -> Result<(), AceError> {
    let asked = aces.iter().map(read_ace).collect::<Result<Vec<_>, _>>()?;
    match asked.iter().all(|asked| matches!(asked, Asked::Standing)) {
        true => Ok(()),
        false => Err(AceError::NoAceConflict),
    }
}

/// Whether `DAV:acl` shows a grant as `DAV:deny` of `DAV:read`: a paused one to a user, who sees nothing by his groups either.
pub fn is_denial(grant: &Grant) -> bool {
    grant.is_paused() && matches!(grant.grantee, Grantee::User(_))
}

/// The privileges of one stored grant as `DAV:acl` shows them to the owner, granted or denied ([`is_denial`]); none for a
/// paused grant that has no ACE.
pub fn privileges_of_grant(grant: &Grant) -> Vec<Privilege> {
    if is_denial(grant) {
        return vec![Privilege::Read];
    }
    if grant.is_paused() {
        return Vec::new();
    }
    let Parts { visibility, rights } = Parts::of(grant);
    let mut privileges = match visibility {
        Visibility::Hidden => Vec::new(),
        Visibility::FreeBusy => vec![Privilege::ReadFreeBusy],
        Visibility::Title => vec![Privilege::ReadTitles],
        Visibility::Full => vec![Privilege::Read],
    };
    if rights == ALL_RIGHTS {
        privileges.push(Privilege::Write);
        return privileges;
    }
    let each = [(rights.edit, Privilege::WriteContent), (rights.create, Privilege::Bind), (rights.delete, Privilege::Unbind)];
    privileges.extend(each.into_iter().filter(|(held, _)| *held).map(|(_, privilege)| privilege));
    privileges
}

const ALL_RIGHTS: Rights = Rights { create: true, edit: true, delete: true };

/// What privileges add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Parts {
    visibility: Visibility,
    rights: Rights,
}

impl Parts {
    /// As an ACE can say it: `create = yes` is `bind`.
    fn of(grant: &Grant) -> Self {
        let create = grant.rights.create || grant.create_always;
        Self { visibility: grant.visibility, rights: Rights { create, ..grant.rights } }
    }
    fn add(&mut self, other: Self) {
        self.visibility = self.visibility.max(other.visibility);
        self.rights.create |= other.rights.create;
        self.rights.edit |= other.rights.edit;
        self.rights.delete |= other.rights.delete;
    }
    /// Who may change or delete what he cannot read would destroy what he does not know; and a grant of nothing is none.
    fn check(self) -> Result<(), AceError> {
        let blind = (self.rights.edit || self.rights.delete) && self.visibility < Visibility::Full;
        match blind || self == Self::default() {
            true => Err(AceError::NoAceConflict),
            false => Ok(()),
        }
    }
    fn grant(self, grantee: Grantee) -> Grant {
        let Self { visibility, rights } = self;
        Grant { grantee, visibility, rights, private_events: None, create_always: false, with_places: false, until: None }
    }
}

/// What one ACE asks for.
enum Asked {
    /// What stands anyway.
    Standing,
    Grant(Grantee, Parts),
    Deny(Grantee),
}

fn read_ace(ace: &Ace) -> Result<Asked, AceError> {
    let grantee = match ace.principal {
        AcePrincipal::Grantee(grantee) => Some(grantee),
        AcePrincipal::Owner => None,
        AcePrincipal::Unknown => return Err(AceError::RecognizedPrincipal),
        AcePrincipal::NotAllowed => return Err(AceError::AllowedPrincipal),
        AcePrincipal::Inverted => return Err(AceError::NoInvert),
    };
    if ace.deny && grantee.is_none() {
        return Err(AceError::NoProtectedAceConflict);
    }
    let privileges: Vec<Privilege> = ace.privileges.iter().copied().collect::<Option<_>>().ok_or(AceError::NotSupportedPrivilege)?;
    let Some(grantee) = grantee else {
        let as_stored = ace.protected || privileges.contains(&Privilege::All);
        return if as_stored { Ok(Asked::Standing) } else { Err(AceError::NoProtectedAceConflict) };
    };
    if !ace.deny && grantee == Grantee::Everyone && privileges == [Privilege::ReadCurrentUserPrivilegeSet] {
        return Ok(Asked::Standing);
    }
    if ace.protected {
        // Which ACEs are protected or inherited is not the client's to say (RFC 3744 §8.1).
        return Err(AceError::NoAceConflict);
    }
    if ace.deny {
        let of_reading = |privilege: &Privilege| matches!(privilege, Privilege::Read | Privilege::All);
        // A group that may not read would still let in who is in another that may.
        let can = matches!(grantee, Grantee::User(_)) && privileges.iter().any(of_reading);
        return if can { Ok(Asked::Deny(grantee)) } else { Err(AceError::NoAceConflict) };
    }
    let mut parts = Parts::default();
    for privilege in privileges {
        parts.add(parts_of_privilege(privilege)?);
    }
    Ok(Asked::Grant(grantee, parts))
}

/// What one privilege adds to a grant.
fn parts_of_privilege(privilege: Privilege) -> Result<Parts, AceError> {
    let sees = |visibility| Parts { visibility, rights: Rights::default() };
    let may = |rights| Parts { visibility: Visibility::Hidden, rights };
    Ok(match privilege {
        Privilege::Read => sees(Visibility::Full),
        Privilege::ReadTitles => sees(Visibility::Title),
        Privilege::ReadFreeBusy => sees(Visibility::FreeBusy),
        Privilege::Write => may(ALL_RIGHTS),
        Privilege::WriteContent => may(Rights { edit: true, ..Rights::default() }),
        Privilege::Bind => may(Rights { create: true, ..Rights::default() }),
        Privilege::Unbind => may(Rights { delete: true, ..Rights::default() }),
        // Everyone with any grant holds these, so that naming them adds nothing.
        Privilege::WriteProperties | Privilege::ReadCurrentUserPrivilegeSet => Parts::default(),
        Privilege::Unlock | Privilege::ReadAcl | Privilege::WriteAcl | Privilege::All => return Err(AceError::NoAceConflict),
    })
}

#[cfg(test)]
mod tests;
