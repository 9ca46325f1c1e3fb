//! What an administrator on the machine does: users, groups, calendars, shares, whole files of them, import, export, check.
//!
//! He has no view of calendars here: import and export go by the owner's rules, and nothing says what an event is about.

pub(crate) mod apply;
mod available;
mod check;
mod content;
pub(crate) mod edit;
pub mod entry;
mod history;
pub mod import_text;
mod links;
mod names;
pub(crate) mod organisation;
mod people;
pub(crate) mod shares;
mod subscriptions;

#[cfg(test)]
mod tests;

pub use available::{AvailableListed, AvailableTo};
pub use entry::{
    ApplyFile, CalendarEntry, GrantEntry, GroupEntry, ModuleEntry, OrganisationEntry, PolicyEntry, PolicyKeyValue, PolicyValue, QuotaEntry,
    RoleEntry, RoleExceptionEntry, SubscriptionEntry, SynchronizationEntry, UsageEntry, UserEntry, ValueFrom,
};
pub use history::{Purged, RestoreCalendar, Versions};
pub use import_text::{ExportedText, ImportReport};

use crate::break_glass;
use crate::client::ClientName;
use crate::error::Result;
use crate::explain::{Audience, Explained, explain};
use crate::journal::{self, Actor, Author, JournalEntry};
use crate::preview::{Eyes, Preview, view_as};
use crate::synchronization;
use acl::target::Synchronization;
use acl::{Policy, PrincipalId};
use apply::Failure;
use chrono::{DateTime, NaiveDate, Utc};
use edit::Edit;
use ical::{CalendarObject, TimeRange};
use std::sync::Arc;

/// The administrator's side of the store. Every call is one commit, durable when it returns. What he is to mend comes as
/// [`crate::Error::Invalid`] with words for him.
#[derive(Clone, Debug)]
pub struct Administration {
    store: Arc<crate::Store>,
    /// Who changes something, for the journals of calendars.
    by: (Actor, ClientName),
}

/// What `apply` does with what it finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApplyOptions {
    /// Say what would change, change nothing.
    pub dry_run: bool,
    /// Also remove grants of named calendars that the file lacks.
    pub prune: bool,
}

/// An entry of an `apply` file that cannot be applied: nothing was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{table}[{index}]: {message}")]
pub struct ApplyError {
    /// `user`, `group`, `calendar` or `grant`.
    pub table: &'static str,
    /// Which of them, from 0.
    pub index: usize,
    /// What to mend.
    pub message: String,
}

/// One thing that was, or would be, changed: e.g. `grant alice/work user bob: level free-busy -> titles`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change(pub String);

/// What import did with one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    /// A new object.
    Created,
    /// An object with this UID was there and differed.
    Replaced,
    /// It was there alike.
    Unchanged,
}

/// A fault that `check` found. Names ids and kinds, never content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(pub String);

impl Administration {
    /// Takes the store.
    pub(crate) fn new(store: Arc<crate::Store>) -> Self {
        Self { store, by: (Actor::Command, ClientName::command_line()) }
    }
    /// The same on behalf of a signed-in user, whom the journals of calendars name. What he may do was decided before.
    #[must_use]
    pub fn on_behalf_of(self, user: PrincipalId, client: ClientName) -> Self {
        Self { by: (Actor::User(user), client), ..self }
    }
    /// All users by name; `password_hash` is filled in.
    pub fn users(&self) -> Result<Vec<UserEntry>> {
        self.store.read(|snapshot| people::users(snapshot))
    }
    /// What a user takes up of the store, and may.
    pub fn usage(&self, user: &str) -> Result<UsageEntry> {
        self.store.read(|snapshot| people::usage_of(snapshot, user, snapshot.limits()))
    }
    /// Sets what a user may take up. What stands already stays, however much it is.
    pub fn set_quota(&self, user: &str, quota: QuotaEntry) -> Result<()> {
        self.edit(|edit| {
            edit.user_named(user)?;
            edit.set_user(&UserEntry { name: user.to_owned(), quota_bytes: Some(quota), ..UserEntry::default() })
        })
    }
    /// What is synchronized of a user's private items.
    pub fn synchronization(&self, user: &str) -> Result<Synchronization> {
        self.store.read(|snapshot| {
            let (user, _) = Edit::new(snapshot, &self.by).user_named(user)?;
            synchronization::of(snapshot, user)
        })
    }
    /// Says it; an administrator's word as well as the user's.
    pub fn set_synchronization(&self, user: &str, entry: SynchronizationEntry) -> Result<()> {
        self.edit(|edit| {
            edit.user_named(user)?;
            edit.set_user(&UserEntry::synchronizing(user, entry))
        })
    }
    /// All groups by name.
    pub fn groups(&self) -> Result<Vec<GroupEntry>> {
        self.store.read(|snapshot| people::groups(snapshot))
    }
    /// Calendars of one owner or of all, by owner and name.
    pub fn calendars(&self, owner: Option<&str>) -> Result<Vec<CalendarEntry>> {
        self.store.read(|snapshot| {
            let calendars = match owner {
                Some(owner) => shares::calendars_of(snapshot, owner)?,
                None => shares::all_calendars(snapshot)?,
            };
            calendars.iter().map(|(owner, calendar)| shares::calendar_entry(snapshot, owner, calendar)).collect()
        })
    }
    /// Grants of one calendar (owner, name) or of all.
    pub fn grants(&self, calendar: Option<(&str, &str)>) -> Result<Vec<GrantEntry>> {
        self.store.read(|snapshot| {
            let calendars = match calendar {
                Some((owner, name)) => vec![(owner.to_owned(), Edit::new(snapshot, &self.by).calendar_named(owner, name)?)],
                None => shares::all_calendars(snapshot)?,
            };
            shares::grant_entries(snapshot, &calendars)
        })
    }
    /// Applies a file: creates and changes what it names, what it does not name stays. Passwords were hashed before.
    pub fn apply(&self, file: &ApplyFile, options: ApplyOptions) -> std::result::Result<Result<Vec<Change>>, ApplyError> {
        let by = match self.by.0 {
            Actor::Command => (Actor::File, self.by.1.clone()),
            _ => self.by.clone(),
        };
        match apply::apply(&self.store, file, options, &by) {
            Ok(changes) => Ok(Ok(changes)),
            Err(Failure::Store(error)) => Ok(Err(error)),
            Err(Failure::Entry(error)) => Err(error),
        }
    }
    /// Adds a user; refuses a taken or malformed name.
    pub fn add_user(&self, user: &UserEntry) -> Result<()> {
        self.edit(|edit| edit.add_user(user))
    }
    /// Sets a password (PHC string); ends remembered sign-ins, because the hash is part of their key.
    pub fn set_password(&self, user: &str, password_hash: &str) -> Result<()> {
        self.edit(|edit| edit.set_password(user, password_hash))
    }
    /// Removes a user with his files, the grants to him, his memberships, and what is his own about others' calendars, at once
    /// and for good; his calendars go to the trash. Objects he made in others' calendars stay: they are theirs.
    pub fn remove_user(&self, user: &str) -> Result<()> {
        self.edit(|edit| edit.remove_user(user))
    }
    /// Adds an empty group.
    pub fn add_group(&self, name: &str) -> Result<()> {
        self.edit(|edit| edit.add_group(name))
    }
    /// Removes a group with its grants and memberships.
    pub fn remove_group(&self, name: &str) -> Result<()> {
        self.edit(|edit| edit.remove_group(name))
    }
    /// Adds members (users or groups, by name); refuses a cycle.
    pub fn add_members(&self, group: &str, members: &[String]) -> Result<()> {
        self.edit(|edit| edit.add_members(group, members))
    }
    /// Removes members.
    pub fn remove_members(&self, group: &str, members: &[String]) -> Result<()> {
        self.edit(|edit| edit.remove_members(group, members))
    }
    /// Creates a calendar.
    pub fn create_calendar(&self, calendar: &CalendarEntry) -> Result<()> {
        self.edit(|edit| edit.add_calendar(calendar))
    }
    /// Puts a calendar with its objects and grants into the trash.
    pub fn delete_calendar(&self, owner: &str, name: &str) -> Result<()> {
        self.edit(|edit| edit.remove_calendar(owner, name))
    }
    /// Sets a grant whole, and says what stands then. One that the policy lets have no effect is refused.
    pub fn set_grant(&self, grant: &GrantEntry) -> Result<GrantEntry> {
        self.edit(|edit| {
            edit.refuse_what_has_no_effect(grant)?;
            edit.set_grant(grant)?;
            edit.stored_grant(grant)
        })
    }
    /// Removes a grant; the grantee is taken from the entry.
    pub fn remove_grant(&self, grant: &GrantEntry) -> Result<()> {
        self.edit(|edit| edit.remove_grant(grant))
    }
    /// The organisation's policy.
    pub fn policy(&self) -> Result<Policy> {
        self.store.read(|snapshot| snapshot.policy())
    }
    /// What was chosen of it, the preset among it.
    pub fn policy_settings(&self) -> Result<PolicyEntry> {
        self.store.read(|snapshot| organisation::policy_entry(snapshot))
    }
    /// Chooses what the entry names, all or nothing; holds for every request that starts afterwards.
    pub fn set_policy(&self, policy: &PolicyEntry) -> Result<Vec<Change>> {
        self.edit(|edit| {
            edit.set_policy(policy)?;
            Ok(edit.changes.clone())
        })
    }
    /// What holds for every key and where it comes from; the preset first.
    pub fn policy_values(&self) -> Result<Vec<PolicyKeyValue>> {
        self.store.read(|snapshot| organisation::policy_values(snapshot))
    }
    /// Adds a role.
    pub fn add_role(&self, name: &str, reports_to: Option<&str>) -> Result<()> {
        self.edit(|edit| {
            if edit.role_named(name).is_ok() {
                return Err(crate::Error::Exists);
            }
            edit.ensure_role(name)?;
            set_reports_to(edit, name, reports_to)
        })
    }
    /// Puts a role below another, or on top. `Invalid` if that is below it.
    pub fn set_reports_to(&self, name: &str, above: Option<&str>) -> Result<()> {
        self.edit(|edit| set_reports_to(edit, name, above))
    }
    /// Gives a role to users; another one they had is theirs no more.
    pub fn give_role(&self, name: &str, users: &[String]) -> Result<()> {
        self.edit(|edit| edit.give_role(name, users))
    }
    /// Takes the role from users who have one.
    pub fn take_role(&self, users: &[String]) -> Result<()> {
        self.edit(|edit| edit.take_role(users))
    }
    /// All exceptions between roles.
    pub fn role_exceptions(&self) -> Result<Vec<RoleExceptionEntry>> {
        self.store.read(|snapshot| organisation::exception_entries(snapshot))
    }
    /// Sets or, by `none`, takes away an exception between roles.
    pub fn set_role_exception(&self, exception: &RoleExceptionEntry) -> Result<()> {
        self.edit(|edit| edit.set_exception(exception))
    }
    /// All entries of the calendar module.
    pub fn module(&self) -> Result<Vec<ModuleEntry>> {
        self.store.read(|snapshot| organisation::module_entries(snapshot))
    }
    /// Sets the place of a user or group in the calendar module; `inherit` takes the entry away.
    pub fn set_module(&self, entry: &ModuleEntry) -> Result<()> {
        self.edit(|edit| edit.set_module(entry))
    }
    /// Opens one calendar to an administrator of the calendar module for 60 minutes; the reason stands in its journal. Gives
    /// the exclusive end. `Invalid` says what has to be so first.
    pub fn break_glass(&self, owner: &str, name: &str, administrator: &str, reason: &str) -> Result<DateTime<Utc>> {
        self.edit(|edit| {
            let calendar = edit.calendar_named(owner, name)?;
            let (administrator, _) = edit.user_named(administrator)?;
            let author = Author { actor: Actor::User(administrator), ..edit.author.clone() };
            break_glass::open(&mut edit.transaction, &calendar, administrator, reason, &author, edit.snapshot.limits())
        })
    }
    /// All roles by name.
    pub fn roles(&self) -> Result<Vec<RoleEntry>> {
        self.store.read(|snapshot| organisation::role_entries(snapshot))
    }
    /// Removes a role with the grants to it and its exceptions.
    pub fn remove_role(&self, name: &str) -> Result<()> {
        self.edit(|edit| edit.remove_role(name))
    }
    /// Imports objects into a calendar as its owner would, by UID; one commit for all of them, results in order. An object
    /// that is refused stops no other.
    pub fn import(&self, owner: &str, calendar: &str, objects: &[CalendarObject]) -> Result<Vec<Result<Imported>>> {
        self.edit(|edit| content::import(edit, owner, calendar, objects))
    }
    /// A calendar's objects as its owner gets them, in the order of names; CLASS says the recorded privacy. Two objects may
    /// bear one name.
    pub fn export(&self, owner: &str, calendar: &str) -> Result<Vec<(String, Vec<u8>)>> {
        self.store.read(|snapshot| content::export(snapshot, owner, calendar))
    }
    /// Everything but objects, as a file that `apply` takes. For one user: himself, his calendars and subscriptions, and the
    /// grants of his calendars (to users and groups that have to be there when it is applied).
    pub fn export_apply_file(&self, user: Option<&str>) -> Result<ApplyFile> {
        self.store.read(|snapshot| {
            let calendars = match user {
                Some(owner) => shares::calendars_of(snapshot, owner)?,
                None => shares::all_calendars(snapshot)?,
            };
            let mut users = people::users(snapshot)?;
            users.retain(|entry| user.is_none_or(|user| entry.name == user));
            for entry in &mut users {
                // His calendars are listed, be there one of the name `default` or not.
                entry.calendars = Some(false);
            }
            let entries = calendars.iter().map(|(owner, calendar)| shares::calendar_entry(snapshot, owner, calendar));
            Ok(ApplyFile {
                users,
                groups: if user.is_none() { people::groups(snapshot)? } else { Vec::new() },
                calendars: entries.collect::<Result<_>>()?,
                subscriptions: subscriptions::entries(snapshot, user)?,
                grants: shares::grant_entries(snapshot, &calendars)?,
                policy: if user.is_none() { organisation::policy_entry(snapshot)? } else { PolicyEntry::default() },
                roles: if user.is_none() { organisation::role_entries(snapshot)? } else { Vec::new() },
                role_exceptions: if user.is_none() { organisation::exception_entries(snapshot)? } else { Vec::new() },
                modules: if user.is_none() { organisation::module_entries(snapshot)? } else { Vec::new() },
            })
        })
    }
    /// A calendar's journal from a day on (in UTC), what was only counted so far included. For its owner, and for whoever
    /// administers the machine.
    pub fn journal(&self, owner: &str, calendar: &str, since: Option<NaiveDate>) -> Result<Vec<JournalEntry>> {
        self.store.read(|snapshot| {
            let calendar = Edit::new(snapshot, &self.by).calendar_named(owner, calendar)?;
            journal::entries(snapshot, calendar.id, since)
        })
    }
    /// Why a user sees and may do what he does in a calendar, and what he is shown of one object of it, by the owner's name of it
    /// or its UID; nothing is kept of having asked.
    pub fn explain(&self, viewer: &str, owner: &str, calendar: &str, object: Option<&str>) -> Result<Explained> {
        self.store.read(|snapshot| {
            let edit = Edit::new(snapshot, &self.by);
            let (viewer, _) = edit.user_named(viewer)?;
            explain(snapshot, &edit.calendar_named(owner, calendar)?, Eyes::User(viewer), object, Audience::Administrator)
        })
    }
    /// Why as much of a calendar is synchronized for a user as is, and what of one object of it.
    pub fn explain_synchronized(&self, user: &str, owner: &str, calendar: &str, object: Option<&str>) -> Result<Explained> {
        self.store.read(|snapshot| {
            let edit = Edit::new(snapshot, &self.by);
            let (user, _) = edit.user_named(user)?;
            explain(snapshot, &edit.calendar_named(owner, calendar)?, Eyes::TargetOf(user), object, Audience::Administrator)
        })
    }
    /// What a synchronization would carry out of a calendar for a user, object by object, and what it would take back.
    pub fn view_synchronized(&self, user: &str, owner: &str, calendar: &str, range: &TimeRange) -> Result<Preview> {
        self.store.read(|snapshot| {
            let edit = Edit::new(snapshot, &self.by);
            let (user, _) = edit.user_named(user)?;
            view_as(snapshot, &edit.calendar_named(owner, calendar)?, Eyes::TargetOf(user), range, Audience::Administrator)
        })
    }
    /// What a user is shown of a calendar in a range of time, object by object; nothing is kept of having looked.
    pub fn view_as(&self, viewer: &str, owner: &str, calendar: &str, range: &TimeRange) -> Result<Preview> {
        self.store.read(|snapshot| {
            let edit = Edit::new(snapshot, &self.by);
            let (viewer, _) = edit.user_named(viewer)?;
            view_as(snapshot, &edit.calendar_named(owner, calendar)?, Eyes::User(viewer), range, Audience::Administrator)
        })
    }
    /// Verifies the store, also while it is in use; `progress(done, all)` is called now and then.
    pub fn check(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Vec<Fault>> {
        check::check(&self.store, progress)
    }

    /// One commit: all that `work` stages, or nothing.
    fn edit<T>(&self, work: impl FnOnce(&mut Edit<'_>) -> Result<T>) -> Result<T> {
        self.store.write(|snapshot| {
            let mut edit = Edit::new(snapshot, &self.by);
            let outcome = work(&mut edit)?;
            edit.commit()?;
            Ok(outcome)
        })
    }
}

fn set_reports_to(edit: &mut Edit<'_>, name: &str, above: Option<&str>) -> Result<()> {
    let entry = RoleEntry { name: name.to_owned(), reports_to: above.map(str::to_owned), members: Vec::new() };
    edit.set_reports_to(&entry)?;
    let faulty = edit.roles_in_fault()?;
    edit.refuse_fault(&entry, &faulty)
}
