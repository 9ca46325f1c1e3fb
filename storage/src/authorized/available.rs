//! Calendars that others opened to the viewer, whether they stand in his home or not: adding, hiding and leaving them. What
//! he decides is a record of his own and changes no grant; it tells him nothing that the calendar itself would not.

use super::mount::{Place, is_detailed};
use super::property::PropertyKey;
use super::{AuthorizedStore, AuthorizedWriter, Calendar};
use crate::error::{Error, Result};
use crate::keys;
use crate::record::MountState;
use acl::{CalendarId, PrincipalId, Privilege};
use std::collections::{BTreeMap, BTreeSet};

/// How a calendar of somebody else stands to the viewer's home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// In it.
    Added,
    /// Not in it, until he adds it.
    Available,
    /// Not listed in it; its path there goes on answering, and what he keeps about it stays.
    Hidden,
    /// He left it: its path there is gone.
    Left,
}

/// What a viewer decides about a calendar of somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// It stands in his home, whatever opened it.
    Added,
    /// It is not listed there.
    Hidden,
    /// It is gone from there.
    Left,
    /// None: what is shared with him or a group of his stands there, anything else does not.
    Default,
}

/// How much of ordinary events a viewer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sees {
    /// Nothing of them: he may only put events in, or is shown others than the ordinary.
    Nothing,
    /// Busy time.
    FreeBusy,
    /// Titles too.
    Titles,
    /// Everything.
    Details,
}

/// A calendar that somebody opened to the viewer.
#[derive(Clone, Debug)]
pub struct Available {
    /// As it stands, or would, in his home; its name there is what it is called by here.
    pub calendar: Calendar,
    /// At its owner's path, where he is told that path: from `details` up.
    pub at_owner: Option<Calendar>,
    /// As he is shown it.
    pub display_name: String,
    /// The owner, for people.
    pub owner_name: String,
    /// How it stands to his home.
    pub standing: Standing,
    /// How much he is shown.
    pub sees: Sees,
}

/// Some of what others opened to the viewer.
#[derive(Clone, Debug)]
pub struct AvailablePage {
    /// By owner, then by name.
    pub entries: Vec<Available>,
    /// The owner after whom the others come, the last of these; absent: there are no others.
    pub next: Option<String>,
}

impl Available {
    /// What he may do in it, in a word each.
    pub fn may(&self) -> Vec<&'static str> {
        let words = [(Privilege::Bind, "create"), (Privilege::WriteContent, "edit"), (Privilege::Unbind, "delete")];
        words.into_iter().filter(|(privilege, _)| self.calendar.privileges().contains(privilege)).map(|(_, word)| word).collect()
    }
}

impl AuthorizedStore<'_> {
    /// What others opened to the viewer, by owner, then by name: of one owner, if one is named; of those owners that come after
    /// one, if that is said. So many at a time, with all of each owner's.
    pub fn available(&self, owner: Option<&str>, after: Option<&str>) -> Result<AvailablePage> {
        let mut by_owner: BTreeMap<String, Vec<CalendarId>> = BTreeMap::new();
        let mut names: BTreeMap<PrincipalId, String> = BTreeMap::new();
        for id in self.open_to_him(owner)? {
            let Some(known) = self.snapshot.calendar(id)?.filter(|known| known.stored.record.owner != self.viewer) else { continue };
            let owner = known.stored.record.owner;
            let name = match names.get(&owner) {
                Some(name) => name.clone(),
                None => names.entry(owner).or_insert(self.owner_record(&known.stored)?.name.clone()).clone(),
            };
            if after.is_none_or(|after| name.as_str() > after) {
                by_owner.entry(name).or_default().push(id);
            }
        }
        let mut page = AvailablePage { entries: Vec::new(), next: None };
        for id_list in by_owner.into_values() {
            let mut of_owner = Vec::new();
            for id in id_list {
                of_owner.extend(self.available_of(id)?);
                // One that is shown is enough to know that there is more: what is not shown makes no difference.
                if !of_owner.is_empty() && page.entries.len() >= self.limits().available_max {
                    page.next = page.entries.last().map(|last| last.calendar.owner().to_owned());
                    return Ok(page);
                }
            }
            of_owner.sort_by(|a, b| (&a.display_name, a.calendar.name()).cmp(&(&b.display_name, b.calendar.name())));
            page.entries.extend(of_owner);
        }
        Ok(page)
    }

    /// The one of this name. Absent and hidden are NotFound alike.
    pub fn available_named(&self, name: &str) -> Result<Available> {
        let key = self.snapshot.key();
        let id = self.open_to_him(None)?.into_iter().find(|id| key.mount_name(self.viewer, *id) == name).ok_or(Error::NotFound)?;
        self.available_of(id)?.ok_or(Error::NotFound)
    }

    /// Calendars among which those opened to him are.
    fn open_to_him(&self, owner: Option<&str>) -> Result<BTreeSet<CalendarId>> {
        if let Some(owner) = owner {
            let Some((id, _)) = self.snapshot.user_named(owner)? else { return Ok(BTreeSet::new()) };
            return Ok(self.snapshot.home_names(id)?.values().copied().collect());
        }
        self.calendars_of_others()
    }

    fn available_of(&self, id: CalendarId) -> Result<Option<Available>> {
        let Some(known) = self.snapshot.calendar(id)?.filter(|known| known.stored.record.owner != self.viewer) else {
            return Ok(None);
        };
        let decided = self.decided(&known)?;
        let standing = match self.decided_mount(id)? {
            Some(MountState::Added) => Standing::Added,
            Some(MountState::Hidden) => Standing::Hidden,
            Some(MountState::Left) => Standing::Left,
            None if decided.personal => Standing::Added,
            None => Standing::Available,
        };
        let Some(calendar) = self.handle(&known, &decided, Place::Mount)? else { return Ok(None) };
        let detailed = is_detailed(&calendar);
        let at_owner = if detailed { self.reach(&known, Place::Owner)? } else { None };
        let display_name = self.calendar_properties(&calendar)?.remove(&PropertyKey::DisplayName).unwrap_or_default();
        let owner = self.owner_record(&known.stored)?;
        let sees = if detailed {
            Sees::Details
        } else if calendar.privileges().contains(&Privilege::ReadTitles) {
            Sees::Titles
        } else if calendar.privileges().contains(&Privilege::ReadFreeBusy) {
            Sees::FreeBusy
        } else {
            Sees::Nothing
        };
        let owner_name = owner.display_name.as_ref().unwrap_or(&owner.name).clone();
        Ok(Some(Available { calendar, at_owner, display_name, owner_name, standing, sees }))
    }
}

impl AuthorizedWriter<'_> {
    /// Decides about one of them.
    pub fn decide(&mut self, available: &Available, decision: Decision) -> Result<()> {
        let key = keys::mount(self.viewer, available.calendar.id());
        let mut transaction = self.snapshot.begin();
        match decision {
            Decision::Added => transaction.put_record(key, &MountState::Added)?,
            Decision::Hidden => transaction.put_record(key, &MountState::Hidden)?,
            Decision::Left => transaction.put_record(key, &MountState::Left)?,
            Decision::Default => transaction.delete(key),
        }
        self.snapshot.commit(transaction)
    }
}
