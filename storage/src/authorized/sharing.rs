//! Grants in the words of `apply` files, for the owner of the calendar: the same code that an administrator's commands reach,
//! behind the owner's own door. Nobody else, whatever he may do in the calendar, is shown them or sets them.

use super::{AuthorizedStore, AuthorizedWriter, Calendar, PrincipalKind, Resource, denied};
use crate::administration::GrantEntry;
use crate::administration::edit::Edit;
use crate::administration::shares;
use crate::error::{Error, Result};
use crate::grants;
use crate::journal::Actor;
use acl::Privilege;
use acl::ace::AceError;
use std::collections::BTreeSet;

impl AuthorizedStore<'_> {
    /// The viewer's own calendar at this path. Denied `read-acl` where he reaches somebody else's; absent and hidden are
    /// NotFound alike.
    pub fn own_calendar(&self, owner: &str, name: &str) -> Result<Calendar> {
        match self.resolve(owner, &[name])? {
            Resource::Calendar(calendar) if calendar.own() => Ok(calendar),
            Resource::Calendar(_) => denied(Privilege::ReadAcl),
            Resource::Home(_) | Resource::Object(..) | Resource::Plain(_) => Err(Error::NotFound),
        }
    }

    /// The grants of one's own calendar, in the order of an `apply` file. Denied `read-acl` to all but the owner.
    pub fn grant_entries(&self, calendar: &Calendar) -> Result<Vec<GrantEntry>> {
        if !calendar.own() {
            return denied(Privilege::ReadAcl);
        }
        let stored = crate::calendars::by_id(self.snapshot, calendar.id())?.ok_or(Error::NotFound)?;
        shares::grant_entries(self.snapshot, &[(calendar.owner().to_owned(), stored)])
    }
}

impl AuthorizedWriter<'_> {
    /// Sets one grant, whole. Denied `write-acl` to all but the owner; `Ace(RecognizedPrincipal)` for a user, group or role that
    /// does not exist for her, like one that does not exist.
    pub fn set_grant(&mut self, calendar: &Calendar, entry: &GrantEntry) -> Result<()> {
        let set = |edit: &mut Edit<'_>, path: &str| {
            edit.refuse_what_has_no_effect(entry)?;
            edit.set_grant(&at(path, entry))
        };
        self.edit_grants(calendar, set, std::slice::from_ref(entry))
    }

    /// Ends one grant; `Invalid` if there is none.
    pub fn remove_grant(&mut self, calendar: &Calendar, entry: &GrantEntry) -> Result<()> {
        self.edit_grants(calendar, |edit, path| edit.remove_grant(&at(path, entry)), std::slice::from_ref(entry))
    }

    /// Replaces all grants. `Invalid` if two are for one grantee.
    pub fn replace_grants(&mut self, calendar: &Calendar, entries: &[GrantEntry]) -> Result<()> {
        let id = calendar.id();
        let replace = |edit: &mut Edit<'_>, path: &str| {
            let mut kept = BTreeSet::new();
            for entry in entries {
                let entry = at(path, entry);
                if !kept.insert(edit.grant_place(&entry)?.grantee) {
                    return Err(Error::Invalid("two grants are for one grantee".to_owned()));
                }
                edit.set_grant(&entry)?;
            }
            for grant in grants::of_calendar(&edit.transaction, id)? {
                if !kept.contains(&grant.grantee) {
                    grants::remove(&mut edit.transaction, id, grant.grantee, &edit.author, edit.snapshot.limits())?;
                }
            }
            Ok(())
        };
        self.edit_grants(calendar, replace, entries)
    }

    fn edit_grants(
        &mut self,
        calendar: &Calendar,
        work: impl FnOnce(&mut Edit<'_>, &str) -> Result<()>,
        entries: &[GrantEntry],
    ) -> Result<()> {
        if !calendar.own() {
            return denied(Privilege::WriteAcl);
        }
        self.recognize(entries)?;
        let path = format!("{}/{}", calendar.owner(), calendar.name());
        let mut edit = Edit::new(self.snapshot, &(Actor::User(self.viewer), self.client.clone()));
        work(&mut edit, &path)?;
        edit.commit().map(drop)
    }

    /// That all grantees exist for the owner.
    fn recognize(&self, entries: &[GrantEntry]) -> Result<()> {
        let users = entries.iter().filter_map(|entry| Some((PrincipalKind::User, entry.user.as_deref()?)));
        let groups = entries.iter().filter_map(|entry| Some((PrincipalKind::Group, entry.group.as_deref()?)));
        let roles = entries.iter().filter_map(|entry| Some((PrincipalKind::Role, entry.role.as_deref()?)));
        let wanted: BTreeSet<(PrincipalKind, &str)> = users.chain(groups).chain(roles).collect();
        for (kind, name) in wanted {
            self.visible_id(kind, name)?.ok_or(Error::Ace(AceError::RecognizedPrincipal))?;
        }
        Ok(())
    }
}

/// The entry, of the calendar that the door has found.
fn at(path: &str, entry: &GrantEntry) -> GrantEntry {
    GrantEntry { calendar: path.to_owned(), ..entry.clone() }
}
