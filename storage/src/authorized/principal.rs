//! Principals as a viewer may see them: himself, his groups, and people he shares something with. Others do not exist.

use super::AuthorizedStore;
use crate::error::Result;

/// A user or a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PrincipalKind {
    /// `/dav/principals/users/`
    User,
    /// `/dav/principals/groups/`
    Group,
}

/// What the viewer may know of a principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisiblePrincipal {
    /// User or group.
    pub kind: PrincipalKind,
    /// Path segment.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// Verified e-mail addresses without `mailto:`, the first preferred; empty unless it is the viewer himself.
    pub addresses: Vec<String>,
    /// Groups the viewer himself is directly in (names); empty for others.
    pub memberships: Vec<String>,
    /// Whether it is the viewer.
    pub is_viewer: bool,
}

impl AuthorizedStore<'_> {
    /// The viewer himself.
    pub fn viewer(&self) -> Result<VisiblePrincipal> {
        todo!()
    }
    /// A principal by name. Not visible is NotFound.
    pub fn principal(&self, kind: PrincipalKind, name: &str) -> Result<VisiblePrincipal> {
        let _ = (kind, name);
        todo!()
    }
    /// All principals visible to the viewer, by kind and name.
    pub fn principals(&self) -> Result<Vec<VisiblePrincipal>> {
        todo!()
    }
}
