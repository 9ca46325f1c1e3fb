//! What an administrator on the machine does: users, groups, calendars, shares, whole files of them, import, export, check.

pub mod entry;
pub mod import_text;

pub use entry::{ApplyFile, CalendarEntry, GrantEntry, GroupEntry, UserEntry};
pub use import_text::ImportReport;

use crate::error::Result;
use ical::CalendarObject;
use std::sync::Arc;

/// The administrator's side of the store. Every call is one commit, durable when it returns.
#[derive(Clone, Debug)]
pub struct Administration {
    store: Arc<crate::Store>,
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
        Self { store }
    }
    /// All users by name; `password_hash` is filled in.
    pub fn users(&self) -> Result<Vec<UserEntry>> {
        let _ = &self.store;
        todo!()
    }
    /// All groups by name.
    pub fn groups(&self) -> Result<Vec<GroupEntry>> {
        todo!()
    }
    /// Calendars of one owner or of all, by owner and name.
    pub fn calendars(&self, owner: Option<&str>) -> Result<Vec<CalendarEntry>> {
        let _ = owner;
        todo!()
    }
    /// Grants of one calendar (owner, name) or of all.
    pub fn grants(&self, calendar: Option<(&str, &str)>) -> Result<Vec<GrantEntry>> {
        let _ = calendar;
        todo!()
    }
    /// Applies a file: creates and changes what it names, what it does not name stays. Passwords were hashed before.
    pub fn apply(&self, file: &ApplyFile, options: ApplyOptions) -> std::result::Result<Result<Vec<Change>>, ApplyError> {
        let _ = (file, options);
        todo!()
    }
    /// Adds a user; refuses a taken or malformed name.
    pub fn add_user(&self, user: &UserEntry) -> Result<()> {
        let _ = user;
        todo!()
    }
    /// Sets a password (PHC string); ends remembered sign-ins, because the hash is part of their key.
    pub fn set_password(&self, user: &str, password_hash: &str) -> Result<()> {
        let _ = (user, password_hash);
        todo!()
    }
    /// Removes a user with calendars, grants and memberships.
    pub fn remove_user(&self, user: &str) -> Result<()> {
        let _ = user;
        todo!()
    }
    /// Adds an empty group.
    pub fn add_group(&self, name: &str) -> Result<()> {
        let _ = name;
        todo!()
    }
    /// Removes a group with its grants and memberships.
    pub fn remove_group(&self, name: &str) -> Result<()> {
        let _ = name;
        todo!()
    }
    /// Adds members (users or groups, by name); refuses a cycle.
    pub fn add_members(&self, group: &str, members: &[String]) -> Result<()> {
        let _ = (group, members);
        todo!()
    }
    /// Removes members.
    pub fn remove_members(&self, group: &str, members: &[String]) -> Result<()> {
        let _ = (group, members);
        todo!()
    }
    /// Creates a calendar.
    pub fn create_calendar(&self, calendar: &CalendarEntry) -> Result<()> {
        let _ = calendar;
        todo!()
    }
    /// Deletes a calendar.
    pub fn delete_calendar(&self, owner: &str, name: &str) -> Result<()> {
        let _ = (owner, name);
        todo!()
    }
    /// Sets a grant whole.
    pub fn set_grant(&self, grant: &GrantEntry) -> Result<()> {
        let _ = grant;
        todo!()
    }
    /// Removes a grant; the grantee is taken from the entry.
    pub fn remove_grant(&self, grant: &GrantEntry) -> Result<()> {
        let _ = grant;
        todo!()
    }
    /// Imports objects into a calendar as its owner would, by UID; one commit for all of them, results in order.
    pub fn import(&self, owner: &str, calendar: &str, objects: &[CalendarObject]) -> Result<Vec<Result<Imported>>> {
        let _ = (owner, calendar, objects);
        todo!()
    }
    /// A calendar's objects as its owner gets them, in the order of names; CLASS says the recorded privacy.
    pub fn export(&self, owner: &str, calendar: &str) -> Result<Vec<(String, Vec<u8>)>> {
        let _ = (owner, calendar);
        todo!()
    }
    /// Everything but objects, as a file that `apply` takes; for one user or all.
    pub fn export_apply_file(&self, user: Option<&str>) -> Result<ApplyFile> {
        let _ = user;
        todo!()
    }
    /// Verifies the store; `progress(done, all)` is called now and then.
    pub fn check(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Vec<Fault>> {
        let _ = progress;
        todo!()
    }
}
