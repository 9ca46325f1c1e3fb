//! How calendars are reached: at their owner's path, and as mounts in the viewer's own home.

use super::home::Home;
use super::{AuthorizedStore, Calendar};
use crate::error::Result;
use crate::keys;
use crate::read::{keys as keys_of, record};
use crate::record::{MountState, StoredCalendar};
use crate::{break_glass, calendars, grants, principals, roles};
use acl::access::reaches_all;
use acl::policy::{AdminContent, Mode, ModuleRole};
use acl::{Access, CalendarId, EventPrivacy, Grantee, PrincipalId, Reason, ViewerFacts, Visibility};
use std::collections::BTreeSet;

/// Under which path a calendar is addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// `{owner}/{its own name}`
    Owner,
    /// `{viewer}/{mount name}`
    Mount,
}

/// Letters of a mount's name.
const MOUNT_NAME_BYTES: usize = 26;

/// Whether a name has the form of a mount's. Such names in homes are the server's: nobody can make one that a calendar shared
/// later would bear.
pub(crate) fn is_mount_name(name: &str) -> bool {
    name.len() == MOUNT_NAME_BYTES && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
}

impl AuthorizedStore<'_> {
    /// The handle of a calendar, if it exists for the viewer.
    pub(super) fn reach(&self, stored: &StoredCalendar, place: Place) -> Result<Option<Calendar>> {
        let access = self.access(stored)?;
        self.handle(stored, access, place)
    }

    /// The handle of a calendar at its owner's path, if it exists for the viewer.
    pub(crate) fn at_owners_path(&self, stored: &StoredCalendar) -> Result<Option<Calendar>> {
        self.reach(stored, Place::Owner)
    }

    pub(super) fn handle(&self, stored: &StoredCalendar, access: Access, place: Place) -> Result<Option<Calendar>> {
        if !access.matrix.reaches() {
            return Ok(None);
        }
        let owner = self.owner_record(stored)?;
        let (home, name) = match place {
            Place::Owner => (owner.name.clone(), stored.record.name.clone()),
            Place::Mount => (self.viewer_record()?.name, self.snapshot.key().mount_name(self.viewer, stored.id)),
        };
        let profile = self.profile(stored, &owner, access.matrix)?;
        Ok(Some(Calendar::new(stored, home, name, owner.name, place, profile)))
    }

    /// Calendars that may be mounted in the viewer's own home.
    fn mount_candidates(&self) -> Result<BTreeSet<CalendarId>> {
        let mut candidates = BTreeSet::new();
        candidates.extend(grants::calendars_granted_to(self.snapshot, Grantee::User(self.viewer))?);
        for group in self.groups()? {
            candidates.extend(grants::calendars_granted_to(self.snapshot, Grantee::Group(*group))?);
        }
        for key in keys_of(self.snapshot, &keys::table_of(keys::MOUNTS, &self.viewer.0))? {
            candidates.extend(keys::last_id(&key).map(CalendarId));
        }
        Ok(candidates)
    }

    /// What the viewer decided about a calendar.
    fn decided(&self, id: CalendarId) -> Result<Option<MountState>> {
        record(self.snapshot, &keys::mount(self.viewer, id))
    }

    /// Whether every calendar exists for the viewer, by the organisation's rules alone.
    pub(super) fn reaches_all(&self) -> Result<bool> {
        if self.target_of.is_some() {
            return Ok(false);
        }
        let position = self.position()?;
        let viewer = ViewerFacts { id: self.viewer, groups: self.groups()?, role: position.role, module: position.module, target: None };
        Ok(reaches_all(&viewer, self.policy()?))
    }

    /// Calendars of others among which all are that exist for the viewer.
    pub(super) fn calendars_of_others(&self) -> Result<BTreeSet<CalendarId>> {
        if self.reaches_all()? {
            return Ok(calendars::ids(self.snapshot)?.into_iter().collect());
        }
        let policy = self.policy()?;
        let position = self.position()?;
        let mut found = self.mount_candidates()?;
        found.extend(grants::calendars_granted_to(self.snapshot, Grantee::Everyone)?);
        if let Some(role) = position.role {
            found.extend(grants::calendars_granted_to(self.snapshot, Grantee::Role(role))?);
            // Superiors and exceptions are between people who have roles.
            let holders = if policy.mode == Mode::Off { Vec::new() } else { roles::holders(self.snapshot)? };
            for (owner, _) in holders {
                found.extend(calendars::of_owner(self.snapshot, owner)?.into_iter().map(|calendar| calendar.id));
            }
        }
        if position.module == ModuleRole::Admin && policy.admin_content == AdminContent::BreakGlass {
            found.extend(break_glass::opened_by(self.snapshot, self.viewer)?);
        }
        Ok(found)
    }

    /// A candidate as a mount, listed or hidden: reached by a grant to the viewer or a group of his, or decided about by
    /// himself, and not left.
    fn mount(&self, id: CalendarId) -> Result<Option<Calendar>> {
        let state = self.decided(id)?;
        let Some(stored) = calendars::by_id(self.snapshot, id)? else { return Ok(None) };
        if state == Some(MountState::Left) || stored.record.owner == self.viewer {
            return Ok(None);
        }
        let access = self.access(&stored)?;
        if state.is_some() || access.reasons().any(is_personal) {
            return self.handle(&stored, access, Place::Mount);
        }
        Ok(None)
    }

    /// All mounts that the viewer's own home lists.
    pub(super) fn mounts(&self) -> Result<Vec<Calendar>> {
        let mut mounts = Vec::new();
        for id in self.mount_candidates()? {
            if self.decided(id)? != Some(MountState::Hidden) {
                mounts.extend(self.mount(id)?);
            }
        }
        Ok(mounts)
    }

    /// The mount of this name in the viewer's own home, listed or not.
    pub(super) fn mount_named(&self, name: &str) -> Result<Option<Calendar>> {
        if !is_mount_name(name) {
            return Ok(None);
        }
        let key = self.snapshot.key();
        match self.mount_candidates()?.into_iter().find(|id| key.mount_name(self.viewer, *id) == name) {
            Some(id) => self.mount(id),
            None => Ok(None),
        }
    }

    /// All calendars of one owner that exist for the viewer, at the owner's path, by name.
    pub(super) fn reachable_of(&self, owner: PrincipalId) -> Result<Vec<Calendar>> {
        let stored = calendars::of_owner(self.snapshot, owner)?;
        stored.iter().filter_map(|stored| self.reach(stored, Place::Owner).transpose()).collect()
    }

    /// A home by its owner's name, if it exists for the viewer.
    pub(super) fn home_of(&self, owner: &str) -> Result<Option<(Home, PrincipalId)>> {
        let Some((id, record)) = principals::user_named(self.snapshot, owner)? else { return Ok(None) };
        let own = id == self.viewer;
        if !own && self.reachable_of(id)?.is_empty() {
            return Ok(None);
        }
        Ok(Some((Home { owner: record.name, own }, id)))
    }
}

/// Whether a source of access mounts a calendar by itself.
pub(super) fn is_personal(reason: Reason) -> bool {
    matches!(reason, Reason::Granted(Grantee::User(_) | Grantee::Group(_)) | Reason::Capped(Grantee::User(_) | Grantee::Group(_), _))
}

/// Whether a viewer sees Standard events whole: from here up, a calendar shows its owner's name, description and colour for
/// it, and is listed in her home.
pub(super) fn is_detailed(calendar: &Calendar) -> bool {
    calendar.profile().matrix.cell(EventPrivacy::Standard).visibility == Visibility::Full
}
