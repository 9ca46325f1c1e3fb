//! RFC 3744 access control elements and grants, each way.

use crate::level::Grant;
use crate::principal::Grantee;
use crate::privilege::Privilege;

/// The principal of an ACE as the protocol layer resolved it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcePrincipal {
    /// A user, a group, or everyone (`DAV:all`, `DAV:authenticated`).
    Grantee(Grantee),
    /// A principal there is none of, or that is not visible to the owner.
    Unknown,
    /// A form that is not offered here (`DAV:self`, `DAV:property`, `DAV:unauthenticated`, `DAV:invert`).
    NotAllowed,
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

/// Why an ACL request is refused: each with its element (RFC 3744 §8.1.1), all 403 but as noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AceError {
    /// DAV:grant-only
    GrantOnly,
    /// DAV:no-ace-conflict
    NoAceConflict,
    /// DAV:no-protected-ace-conflict
    NoProtectedAceConflict,
    /// DAV:not-supported-privilege
    NotSupportedPrivilege,
    /// DAV:allowed-principal
    AllowedPrincipal,
    /// DAV:recognized-principal
    RecognizedPrincipal,
}

/// The grants an ACL request asks for; a grantee whose ACE comes back unchanged keeps modifiers and end from `current`.
pub fn grants_from_aces(aces: &[Ace], current: &[Grant]) -> Result<Vec<Grant>, AceError> {
    let _ = (aces, current);
    todo!()
}

/// The privileges of one stored grant as `DAV:acl` shows them to the owner.
pub fn privileges_of_grant(grant: &Grant) -> Vec<Privilege> {
    let _ = grant;
    todo!()
}
