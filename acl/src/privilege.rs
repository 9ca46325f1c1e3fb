//! Privileges (RFC 3744 §3, RFC 4791 §6.1) and what `current-user-privilege-set` shows.

use crate::access::AccessMatrix;
use crate::project::ObjectRights;

/// A privilege; `ReadTitles` is our own (namespace `urn:shoji:ns`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Privilege {
    /// DAV:read
    Read,
    /// CALDAV:read-free-busy
    ReadFreeBusy,
    /// SHOJI:read-titles
    ReadTitles,
    /// DAV:write
    Write,
    /// DAV:write-properties
    WriteProperties,
    /// DAV:write-content
    WriteContent,
    /// DAV:bind
    Bind,
    /// DAV:unbind
    Unbind,
    /// DAV:unlock
    Unlock,
    /// DAV:read-acl
    ReadAcl,
    /// DAV:write-acl
    WriteAcl,
    /// DAV:read-current-user-privilege-set
    ReadCurrentUserPrivilegeSet,
    /// DAV:all
    All,
}

/// Privileges in a fixed order.
pub type PrivilegeSet = Vec<Privilege>;

/// What a viewer holds on a calendar: leaf privileges and the aggregates clients look for.
pub fn calendar_privileges(matrix: &AccessMatrix) -> PrivilegeSet {
    let _ = matrix;
    todo!()
}

/// What a viewer holds on one object, from what he is shown of it.
pub fn object_privileges(matrix: &AccessMatrix, rights: ObjectRights) -> PrivilegeSet {
    let _ = (matrix, rights);
    todo!()
}
