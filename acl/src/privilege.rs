//! Privileges (RFC 3744 §3, RFC 4791 §6.1) and what `current-user-privilege-set` (RFC 3744 §5.4) shows.
//!
//! That property is what clients go by: each looks for the names it knows and none works out aggregates, so that aggregates
//! and their parts are both listed, and `DAV:read` is listed for everyone who sees anything. `DAV:acl` (module `ace`) is
//! another matter: it shows the owner what is stored, where `DAV:read` means all details.

use crate::access::{AccessMatrix, Relation};
use crate::level::Visibility;
use crate::privacy::EventPrivacy;
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

impl Privilege {
    /// All, in the order in which sets list them.
    pub const ALL: [Self; 13] = [
        Self::Read,
        Self::ReadFreeBusy,
        Self::ReadTitles,
        Self::Write,
        Self::WriteProperties,
        Self::WriteContent,
        Self::Bind,
        Self::Unbind,
        Self::Unlock,
        Self::ReadAcl,
        Self::WriteAcl,
        Self::ReadCurrentUserPrivilegeSet,
        Self::All,
    ];
}

/// What a viewer holds on a calendar: leaf privileges and the aggregates clients look for. Nothing, if it does not exist for
/// him.
pub fn calendar_privileges(matrix: &AccessMatrix) -> PrivilegeSet {
    let edit = matrix.cells.iter().any(|cell| cell.edit);
    let delete = matrix.cells.iter().any(|cell| cell.delete);
    privileges(matrix, |privilege| match privilege {
        Privilege::WriteContent => edit,
        Privilege::Bind => matrix.create,
        Privilege::Unbind => delete,
        Privilege::Write => edit && matrix.create && delete,
        _ => false,
    })
}

/// What a viewer holds on one object, from what he is shown of it. `bind` and `unbind` stand for creating in and deleting
/// from its calendar as far as this object goes: some clients ask for them on every resource.
pub fn object_privileges(matrix: &AccessMatrix, rights: ObjectRights) -> PrivilegeSet {
    privileges(matrix, |privilege| match privilege {
        Privilege::WriteContent | Privilege::Bind => rights.edit,
        Privilege::Unbind => rights.delete,
        Privilege::Write => rights.edit && rights.delete,
        _ => false,
    })
}

/// The owner's are all; others' are those everyone with access holds and those of writing for which `writes` says yes.
fn privileges(matrix: &AccessMatrix, writes: impl Fn(Privilege) -> bool) -> PrivilegeSet {
    if matrix.relation == Relation::Owner {
        return Privilege::ALL.to_vec();
    }
    if !matrix.reaches() {
        return PrivilegeSet::new();
    }
    let sees = |least| matrix.cell(EventPrivacy::Standard).visibility >= least;
    let holds = |privilege: &Privilege| match privilege {
        // Setting properties is always allowed: it changes the viewer's own display name, colour and order.
        Privilege::Read | Privilege::WriteProperties | Privilege::ReadCurrentUserPrivilegeSet => true,
        Privilege::ReadFreeBusy => matrix.cells.iter().any(|cell| cell.visibility > Visibility::Hidden),
        Privilege::ReadTitles => sees(Visibility::Title),
        Privilege::Write | Privilege::WriteContent | Privilege::Bind | Privilege::Unbind => writes(*privilege),
        Privilege::Unlock | Privilege::ReadAcl | Privilege::WriteAcl | Privilege::All => false,
    };
    Privilege::ALL.into_iter().filter(holds).collect()
}

#[cfg(test)]
mod tests;
