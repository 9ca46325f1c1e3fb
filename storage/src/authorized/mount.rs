//! How calendars are reached: at their owner's path, and as mounts in the viewer's own home.

use super::home::Home;
use super::{AuthorizedStore, Calendar};
use crate::error::Result;
use crate::facts::{Candidates, Decided, Known};
use crate::record::MountState;
use crate::{break_glass, calendars, roles};
use acl::access::reaches_all;
use acl::policy::{AdminContent, Mode, ModuleRole};
use acl::{CalendarId, EventPrivacy, Grantee, PrincipalId, Reason, ViewerFacts, Visibility};
use std::collections::BTreeSet;
use std::sync::Arc;

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

/// So many calendars of one owner are soon looked through.
const CALENDARS_AT_HAND_MAX: usize = 64;

impl AuthorizedStore<'_> {
    /// The handle of a calendar, if it exists for the viewer.
    pub(super) fn reach(&self, known: &Known, place: Place) -> Result<Option<Calendar>> {
        self.handle(known, &*self.decided(known)?, place)
    }

    /// The handle of a calendar at its owner's path, if it exists for the viewer.
    pub(crate) fn at_owners_path(&self, calendar: CalendarId) -> Result<Option<Calendar>> {
        match self.snapshot.calendar(calendar)? {
            Some(known) => self.reach(&known, Place::Owner),
            None => Ok(None),
        }
    }

    pub(super) fn handle(&self, known: &Known, decided: &Decided, place: Place) -> Result<Option<Calendar>> {
        let (Some(profile), stored) = (&decided.profile, &known.stored) else { return Ok(None) };
        let owner = self.owner_record(stored)?.name.clone();
        let (home, name) = match place {
            Place::Owner => (owner.clone(), stored.record.name.clone()),
            Place::Mount => (self.viewer_record()?.name.clone(), self.snapshot.key().mount_name(self.viewer, stored.id)),
        };
        Ok(Some(Calendar::new(stored, home, name, owner, place, profile.clone())))
    }

    /// Calendars that may be mounted in the viewer's own home.
    fn mount_candidates(&self) -> Result<Arc<Candidates>> {
        self.snapshot.candidates(self.viewer, self.groups()?)
    }

    /// What the viewer decided about a calendar.
    pub(super) fn decided_mount(&self, id: CalendarId) -> Result<Option<MountState>> {
        Ok(self.snapshot.mounts_of(self.viewer)?.get(&id).copied())
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
        self.snapshot.not_at_hand()?;
        if self.reaches_all()? {
            return Ok(calendars::ids(self.snapshot)?.into_iter().collect());
        }
        let policy = self.policy()?;
        let position = self.position()?;
        let mut found = self.mount_candidates()?.ids.clone();
        found.extend(self.snapshot.granted_to(Grantee::Everyone)?.iter());
        if let Some(role) = position.role {
            found.extend(self.snapshot.granted_to(Grantee::Role(role))?.iter());
            // Superiors and exceptions are between people who have roles.
            let holders = if policy.mode == Mode::Off { Vec::new() } else { roles::holders(self.snapshot)? };
            for (owner, _) in holders {
                found.extend(self.snapshot.home_names(owner)?.values());
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
        let state = self.decided_mount(id)?;
        let Some(known) = self.snapshot.calendar(id)? else { return Ok(None) };
        if state == Some(MountState::Left) || known.stored.record.owner == self.viewer {
            return Ok(None);
        }
        let decided = self.decided(&known)?;
        if state.is_some() || decided.personal {
            return self.handle(&known, &decided, Place::Mount);
        }
        Ok(None)
    }

    /// All mounts that the viewer's own home lists.
    pub(super) fn mounts(&self) -> Result<Vec<Calendar>> {
        let mut mounts = Vec::new();
        for id in &self.mount_candidates()?.ids {
            if self.decided_mount(*id)? != Some(MountState::Hidden) {
                mounts.extend(self.mount(*id)?);
            }
        }
        Ok(mounts)
    }

    /// The mount of this name in the viewer's own home, listed or not.
    pub(super) fn mount_named(&self, name: &str) -> Result<Option<Calendar>> {
        if !is_mount_name(name) {
            return Ok(None);
        }
        match self.mount_candidates()?.by_name.get(name) {
            Some(id) => self.mount(*id),
            None => Ok(None),
        }
    }

    /// All calendars of one owner that exist for the viewer, at the owner's path, by name.
    pub(super) fn reachable_of(&self, owner: PrincipalId) -> Result<Vec<Calendar>> {
        if self.snapshot.home_names(owner)?.len() > CALENDARS_AT_HAND_MAX {
            self.snapshot.not_at_hand()?;
        }
        let known = self.snapshot.calendars_of(owner)?;
        known.iter().filter_map(|known| self.reach(known, Place::Owner).transpose()).collect()
    }

    /// A home by its owner's name, if it exists for the viewer.
    pub(super) fn home_of(&self, owner: &str) -> Result<Option<(Home, PrincipalId)>> {
        let Some((id, record)) = self.snapshot.user_named(owner)? else { return Ok(None) };
        let own = id == self.viewer;
        if !own && self.reachable_of(id)?.is_empty() {
            return Ok(None);
        }
        Ok(Some((Home { owner: record.name.clone(), own }, id)))
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
