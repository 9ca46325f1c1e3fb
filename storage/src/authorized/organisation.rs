//! The organisation, for its administrators: policy, roles, exceptions between them, places in the module, in the words of
//! `apply` files and by the code that takes those. Whoever is none is denied: that there is a policy is no secret, what it
//! says he sees by what he may.

use super::{AuthorizedStore, AuthorizedWriter, denied};
use crate::administration::edit::Edit;
use crate::administration::entry::{ApplyFile, OrganisationEntry, PolicyEntry, PolicyValue};
use crate::administration::{ApplyError, apply, organisation};
use crate::error::{Error, Result};
use crate::journal::Actor;
use crate::{break_glass, calendars, principals, roles};
use acl::Privilege;
use acl::policy::{AdminContent, ModuleRole};
use chrono::{DateTime, Utc};

impl AuthorizedStore<'_> {
    /// Whether the viewer is an administrator of the calendar module.
    pub fn is_administrator(&self) -> Result<bool> {
        Ok(self.position()?.module == ModuleRole::Admin)
    }

    /// All that was chosen. Denied to all but administrators.
    pub fn organisation(&self) -> Result<OrganisationEntry> {
        if !self.is_administrator()? {
            return denied(Privilege::All);
        }
        Ok(OrganisationEntry {
            policy: Some(organisation::policy_entry(self.snapshot)?),
            role: Some(organisation::role_entries(self.snapshot)?),
            role_exception: Some(organisation::exception_entries(self.snapshot)?),
            module: Some(organisation::module_entries(self.snapshot)?),
        })
    }
}

impl AuthorizedWriter<'_> {
    /// Makes each table that is given what it says, whole; one that is absent stays as it is. All or nothing. Denied to all but
    /// administrators, who cannot raise what they themselves see. What then stands, unless the viewer is no administrator any more.
    pub fn set_organisation(&mut self, wanted: &OrganisationEntry) -> Result<std::result::Result<Option<OrganisationEntry>, ApplyError>> {
        let present = self.organisation()?;
        let mut edit = Edit::new(self.snapshot, &(Actor::User(self.viewer), self.client.clone()));
        // Those above are gone before anybody reports to another.
        for role in present.role.iter().flatten() {
            if wanted.role.as_ref().is_some_and(|roles| roles.iter().all(|other| other.name != role.name)) {
                edit.remove_role(&role.name)?;
            }
        }
        match apply::organisation(&mut edit, &as_file(wanted, &present)) {
            Ok(()) => {}
            Err(apply::Failure::Entry(error)) => return Ok(Err(error)),
            Err(apply::Failure::Store(error)) => return Err(error),
        }
        if more_content(self.policy()?.admin_content, roles::policy(&edit.transaction)?.admin_content) {
            let message = "administrators cannot open calendars to themselves: `shoji policy set` on the machine raises admin_content";
            return Ok(Err(ApplyError { table: "policy", index: 0, message: message.to_owned() }));
        }
        edit.commit()?;
        // What this view has looked up of the viewer's place may be of before.
        let anew = AuthorizedStore::new(self.snapshot, self.viewer, self.client);
        Ok(Ok(if anew.is_administrator()? { Some(anew.organisation()?) } else { None }))
    }

    /// Opens a calendar to the viewer, an administrator, for 60 minutes; the reason stands in its journal. Gives the exclusive
    /// end. Denied to all others, alike wherever they point; NotFound where there is none; `Invalid` says what has to be so
    /// first.
    pub fn break_glass(&mut self, owner: &str, name: &str, reason: &str) -> Result<DateTime<Utc>> {
        if !self.is_administrator()? {
            return denied(Privilege::All);
        }
        let (owner, _) = principals::user_named(self.snapshot, owner)?.ok_or(Error::NotFound)?;
        let calendar = calendars::named(self.snapshot, owner, name)?.ok_or(Error::NotFound)?;
        let mut transaction = self.snapshot.begin();
        let until = break_glass::open(&mut transaction, &calendar, self.viewer, reason, &self.author(), self.limits())?;
        self.snapshot.commit(transaction)?;
        Ok(until)
    }
}

/// Whether administrators would see more than before. Who runs the machine decides that: an owner reads of each entry, and
/// would not of this.
fn more_content(before: AdminContent, after: AdminContent) -> bool {
    let order = |content: AdminContent| AdminContent::ALL.iter().position(|known| *known == content);
    order(after) > order(before)
}

/// What has to be said in a file so that the tables become what is wanted: what stands and is not wanted is taken away.
fn as_file(wanted: &OrganisationEntry, present: &OrganisationEntry) -> ApplyFile {
    let mut file = ApplyFile::default();
    if let Some(policy) = &wanted.policy {
        let word = |key: &String| if key == organisation::PRESET { organisation::NO_PRESET } else { organisation::AS_PRESET };
        let stands = present.policy.iter().flat_map(|policy| policy.0.keys());
        let left = stands.filter(|key| !policy.0.contains_key(*key)).map(|key| (key.clone(), PolicyValue::Word(word(key).to_owned())));
        file.policy = PolicyEntry(left.chain(policy.0.clone()).collect());
    }
    file.roles = wanted.role.clone().unwrap_or_default();
    if let Some(exceptions) = &wanted.role_exception {
        file.role_exceptions.clone_from(exceptions);
        let roles = wanted.role.as_ref().or(present.role.as_ref());
        let is_role = |name: &String| roles.is_some_and(|roles| roles.iter().any(|role| role.name == *name));
        for old in present.role_exception.iter().flatten() {
            let named = exceptions.iter().any(|new| new.owner_role == old.owner_role && new.viewer_role == old.viewer_role);
            if !named && is_role(&old.owner_role) && is_role(&old.viewer_role) {
                let mut gone = old.clone();
                organisation::NO_EXCEPTION.clone_into(&mut gone.permission);
                file.role_exceptions.push(gone);
            }
        }
    }
    if let Some(modules) = &wanted.module {
        file.modules.clone_from(modules);
        for old in present.module.iter().flatten() {
            if !modules.iter().any(|new| new.user == old.user && new.group == old.group) {
                let mut gone = old.clone();
                organisation::INHERIT.clone_into(&mut gone.role);
                file.modules.push(gone);
            }
        }
    }
    file
}
