//! Principals as a viewer may see them: himself, his groups, and people he shares something with. Others do not exist.

use super::AuthorizedStore;
use crate::error::{Error, Result};
use crate::facts::Memberships;
use crate::record::UserRecord;
use crate::store::Directory;
use crate::{calendars, keys, principals, read, roles};
use acl::{Grantee, PrincipalId};
use std::collections::BTreeSet;

/// Memberships that are told where a request was read.
const MEMBERSHIPS_AT_HAND_MAX: usize = 64;

/// What kind of principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PrincipalKind {
    /// `/dav/principals/users/`
    User,
    /// `/dav/principals/groups/`
    Group,
    /// `/dav/principals/roles/`
    Role,
}

/// What the viewer may know of a principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisiblePrincipal {
    /// User, group or role.
    pub kind: PrincipalKind,
    /// Path segment.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// Verified e-mail addresses without `mailto:`, the first preferred; empty unless it is the viewer himself.
    pub addresses: Vec<String>,
    /// Groups the viewer himself is directly in and the role he has, by name; empty for others.
    pub memberships: Vec<(PrincipalKind, String)>,
    /// Whether it is the viewer.
    pub is_viewer: bool,
    /// Whether it is the viewer or a group that he is in, through other groups too (RFC 3744 §5.5.1).
    pub matches_viewer: bool,
    pub(super) id: PrincipalId,
}

impl AuthorizedStore<'_> {
    /// The viewer himself.
    pub fn viewer(&self) -> Result<VisiblePrincipal> {
        self.shown_user(self.viewer, &*self.viewer_record()?)
    }

    /// A principal by name. Not visible is NotFound.
    pub fn principal(&self, kind: PrincipalKind, name: &str) -> Result<VisiblePrincipal> {
        let (id, _) = self.visible_id(kind, name)?.ok_or(Error::NotFound)?;
        self.shown(kind, id)
    }

    /// All principals visible to the viewer, by kind and name.
    pub fn principals(&self) -> Result<Vec<VisiblePrincipal>> {
        let mut shown = Vec::new();
        for (kind, id) in self.visible_ids()? {
            shown.push(self.shown(kind, id)?);
        }
        shown.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        Ok(shown)
    }

    /// The id of a principal that exists for the viewer.
    pub(super) fn visible_id(&self, kind: PrincipalKind, name: &str) -> Result<Option<(PrincipalId, Grantee)>> {
        let found = match kind {
            PrincipalKind::User => self.snapshot.user_named(name)?.map(|(id, _)| (id, Grantee::User(id))),
            PrincipalKind::Group => principals::group_named(self.snapshot, name)?.map(|(id, _)| (id, Grantee::Group(id))),
            PrincipalKind::Role => roles::role_named(self.snapshot, name)?.map(|(id, _)| (id, Grantee::Role(id))),
        };
        let Some((id, grantee)) = found else { return Ok(None) };
        let visible = id == self.viewer
            || match self.snapshot.directory() {
                _ if self.is_denied()? => false,
                Directory::Everyone => true,
                // Of an organisation of any size, only what the one who is asked for has is looked at.
                Directory::Related => {
                    self.own_circle()?.contains(&(kind, id)) || kind == PrincipalKind::User && !self.reachable_of(id)?.is_empty()
                }
            };
        Ok(visible.then_some((id, grantee)))
    }

    fn shown(&self, kind: PrincipalKind, id: PrincipalId) -> Result<VisiblePrincipal> {
        match kind {
            PrincipalKind::User => {
                let user = self.snapshot.user(id)?.ok_or(Error::Corrupted("a user who is not there"))?;
                self.shown_user(id, &user)
            }
            PrincipalKind::Group => {
                let group = principals::group(self.snapshot, id)?.ok_or(Error::Corrupted("a group that is not there"))?;
                Ok(shown_collective(PrincipalKind::Group, id, group.name, self.groups()?.contains(&id)))
            }
            PrincipalKind::Role => {
                let role = roles::role(self.snapshot, id)?.ok_or(Error::Corrupted("a role that is not there"))?;
                Ok(shown_collective(PrincipalKind::Role, id, role.name, self.position()?.role == Some(id)))
            }
        }
    }

    /// The groups that the viewer himself is in, and his role, by name.
    fn memberships(&self) -> Result<Memberships> {
        let load = || {
            let mut memberships = Vec::new();
            for group in principals::direct_groups(self.snapshot, self.viewer)? {
                memberships.extend(principals::group(self.snapshot, group)?.map(|group| (PrincipalKind::Group, group.name)));
            }
            if let Some(role) = self.position()?.role {
                memberships.extend(roles::role(self.snapshot, role)?.map(|role| (PrincipalKind::Role, role.name)));
            }
            memberships.sort_unstable();
            Ok(memberships.into())
        };
        // A target is nobody's fellow. And whoever has written something since goes by what he looked up before: for him alone.
        let is_kept = self.target_of.is_none() && self.generation == self.snapshot.facts().generation();
        let memberships = if is_kept { self.snapshot.memberships(self.viewer, load)? } else { load()? };
        if memberships.len() > MEMBERSHIPS_AT_HAND_MAX {
            self.snapshot.not_at_hand()?;
        }
        Ok(memberships)
    }

    fn shown_user(&self, id: PrincipalId, user: &UserRecord) -> Result<VisiblePrincipal> {
        let is_viewer = id == self.viewer;
        let memberships = if is_viewer { self.memberships()?.to_vec() } else { Vec::new() };
        Ok(VisiblePrincipal {
            kind: PrincipalKind::User,
            display_name: user.display_name.as_ref().unwrap_or(&user.name).clone(),
            name: user.name.clone(),
            addresses: if is_viewer { user.addresses.clone() } else { Vec::new() },
            memberships,
            is_viewer,
            matches_viewer: is_viewer,
            id,
        })
    }

    /// Who exists for the viewer.
    fn visible_ids(&self) -> Result<BTreeSet<(PrincipalKind, PrincipalId)>> {
        self.viewer_record()?;
        let mut visible = match self.snapshot.directory() {
            _ if self.is_denied()? => BTreeSet::new(),
            Directory::Everyone => self.everyone()?,
            Directory::Related => self.related()?,
        };
        visible.insert((PrincipalKind::User, self.viewer));
        Ok(visible)
    }

    fn everyone(&self) -> Result<BTreeSet<(PrincipalKind, PrincipalId)>> {
        let mut all = BTreeSet::new();
        let tables = [(keys::USERS, PrincipalKind::User), (keys::GROUPS, PrincipalKind::Group), (keys::ROLES, PrincipalKind::Role)];
        for (table, kind) in tables {
            let ids = read::keys(self.snapshot, &keys::table(table))?;
            all.extend(ids.iter().filter_map(|key| keys::last_id(key)).map(|id| (kind, PrincipalId(id))));
        }
        Ok(all)
    }

    /// His own circle, and the owners of what he reaches.
    fn related(&self) -> Result<BTreeSet<(PrincipalKind, PrincipalId)>> {
        let mut related = self.own_circle()?;
        if self.reaches_all()? {
            // Nothing has to be decided of each, so that an open organisation's list costs no more than its names.
            related.extend(calendars::owners(self.snapshot)?.into_iter().map(|id| (PrincipalKind::User, id)));
            return Ok(related);
        }
        for id in self.calendars_of_others()? {
            let Some(calendar) = self.snapshot.calendar(id)? else { continue };
            let owner = (PrincipalKind::User, calendar.stored.record.owner);
            if !related.contains(&owner) && self.decided(&calendar)?.profile.is_some() {
                related.insert(owner);
            }
        }
        Ok(related)
    }

    /// His groups and their people, his role, and those he shares with.
    fn own_circle(&self) -> Result<BTreeSet<(PrincipalKind, PrincipalId)>> {
        self.snapshot.not_at_hand()?;
        let mut circle = BTreeSet::new();
        circle.extend(self.groups()?.iter().map(|group| (PrincipalKind::Group, *group)));
        circle.extend(self.position()?.role.map(|role| (PrincipalKind::Role, role)));
        circle.extend(self.fellows()?.into_iter().map(|id| (PrincipalKind::User, id)));
        for calendar in self.snapshot.home_names(self.viewer)?.values() {
            circle.extend(self.snapshot.grants(*calendar)?.iter().filter_map(|grant| match grant.grantee {
                Grantee::User(id) => Some((PrincipalKind::User, id)),
                Grantee::Group(id) => Some((PrincipalKind::Group, id)),
                Grantee::Role(id) => Some((PrincipalKind::Role, id)),
                Grantee::Everyone => None,
            }));
        }
        Ok(circle)
    }

    /// Users who are in a group of his, nested ones included. Each group is looked into once, so it ends even if a damaged
    /// store has a cycle.
    fn fellows(&self) -> Result<BTreeSet<PrincipalId>> {
        let mut fellows = BTreeSet::new();
        let mut open: Vec<PrincipalId> = self.groups()?.iter().copied().collect();
        let mut seen: BTreeSet<PrincipalId> = open.iter().copied().collect();
        while let Some(group) = open.pop() {
            for member in principals::direct_members(self.snapshot, group)? {
                if principals::group(self.snapshot, member)?.is_none() {
                    fellows.insert(member);
                } else if seen.insert(member) {
                    open.push(member);
                }
            }
        }
        Ok(fellows)
    }
}

fn shown_collective(kind: PrincipalKind, id: PrincipalId, name: String, matches_viewer: bool) -> VisiblePrincipal {
    VisiblePrincipal {
        kind,
        display_name: name.clone(),
        name,
        addresses: Vec::new(),
        memberships: Vec::new(),
        is_viewer: false,
        matches_viewer,
        id,
    }
}
