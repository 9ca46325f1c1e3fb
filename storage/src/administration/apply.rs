//! A whole file at once: one commit or nothing.

use super::edit::Edit;
use super::entry::ApplyFile;
use super::names::{calendar_path, invalid};
use super::{ApplyError, ApplyOptions, Change};
use crate::client::ClientName;
use crate::error::{Error, Result};
use crate::journal::Actor;
use crate::store::Store;
use acl::Grantee;
use std::collections::{BTreeMap, BTreeSet};

/// Why a file was not applied.
pub(crate) enum Failure {
    /// One of its entries.
    Entry(ApplyError),
    /// The store.
    Store(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// Applies a file. What entries refer to may stand anywhere in the file: users come first, then groups, their members,
/// calendars, subscriptions, policy, roles, the module, grants.
pub(super) fn apply(store: &Store, file: &ApplyFile, options: ApplyOptions, by: &(Actor, ClientName)) -> Result<Vec<Change>, Failure> {
    store.write(|snapshot| {
        let mut edit = Edit::new(snapshot, by);
        refuse_doubles(file)?;
        each("user", &file.users, |user| if user.emails.is_some() { edit.release_addresses(&user.name) } else { Ok(()) })?;
        each("user", &file.users, |user| edit.set_user(user))?;
        each("group", &file.groups, |group| edit.ensure_group(&group.name))?;
        // All that leave leave before anybody joins, so that only a cycle in the outcome is one.
        each("group", &file.groups, |group| edit.drop_members(&group.name, &group.members))?;
        each("group", &file.groups, |group| edit.add_members(&group.name, &group.members))?;
        each("calendar", &file.calendars, |calendar| edit.set_calendar(calendar))?;
        each("subscription", &file.subscriptions, |subscription| edit.set_subscription(subscription))?;
        set_organisation(&mut edit, file)?;
        each("grant", &file.grants, |grant| edit.set_grant(grant))?;
        if options.prune {
            prune(&mut edit, file)?;
        }
        if options.dry_run { Ok(edit.changes) } else { Ok(edit.commit()?) }
    })
}

/// The tables of a file that are about the organisation, and those alone.
pub(crate) fn organisation(edit: &mut Edit<'_>, file: &ApplyFile) -> Result<(), Failure> {
    refuse_doubles(file)?;
    set_organisation(edit, file)
}

fn set_organisation(edit: &mut Edit<'_>, file: &ApplyFile) -> Result<(), Failure> {
    each("policy", std::slice::from_ref(&file.policy), |policy| edit.set_policy(policy))?;
    each("role", &file.roles, |role| edit.ensure_role(&role.name))?;
    each("role", &file.roles, |role| edit.set_reports_to(role))?;
    // Asked of the outcome alone, so that the order of a file decides nothing.
    let faulty = edit.roles_in_fault()?;
    each("role", &file.roles, |role| edit.refuse_fault(role, &faulty))?;
    each("role", &file.roles, |role| edit.set_holders(role))?;
    each("role_exception", &file.role_exceptions, |exception| edit.set_exception(exception))?;
    each("module", &file.modules, |module| edit.set_module(module))
}

/// Runs `set` on every entry; a refusal is one of the entry's if it is the administrator's to mend.
fn each<T>(table: &'static str, entries: &[T], mut set: impl FnMut(&T) -> Result<()>) -> Result<(), Failure> {
    for (index, entry) in entries.iter().enumerate() {
        match set(entry) {
            Ok(()) => {}
            Err(Error::Invalid(message)) => return Err(Failure::Entry(ApplyError { table, index, message })),
            Err(error) => return Err(Failure::Store(error)),
        }
    }
    Ok(())
}

/// Two entries of one name would make the file's outcome hang on their order.
fn refuse_doubles(file: &ApplyFile) -> Result<(), Failure> {
    let mut principals = BTreeSet::new();
    each("user", &file.users, |user| first_time(&mut principals, user.name.clone()))?;
    each("group", &file.groups, |group| first_time(&mut principals, group.name.clone()))?;
    let mut calendars = BTreeSet::new();
    each("calendar", &file.calendars, |calendar| first_time(&mut calendars, (calendar.owner.clone(), calendar.name.clone())))?;
    each("subscription", &file.subscriptions, |entry| first_time(&mut calendars, (entry.owner.clone(), entry.name.clone())))?;
    let mut roles = BTreeSet::new();
    each("role", &file.roles, |role| first_time(&mut roles, role.name.clone()))?;
    let mut holders = BTreeMap::new();
    each("role", &file.roles, |role| role.members.iter().try_for_each(|user| one_role(&mut holders, user, &role.name)))?;
    let mut exceptions = BTreeSet::new();
    each("role_exception", &file.role_exceptions, |entry| {
        first_time(&mut exceptions, (entry.owner_role.clone(), entry.viewer_role.clone()))
    })?;
    let mut modules = BTreeSet::new();
    each("module", &file.modules, |module| first_time(&mut modules, (module.user.clone(), module.group.clone())))?;
    let mut grants = BTreeSet::new();
    each("grant", &file.grants, |grant| {
        let grantee = (grant.user.clone(), grant.group.clone(), grant.role.clone(), grant.everyone);
        first_time(&mut grants, (grant.calendar.clone(), grantee))
    })
}

fn one_role(holders: &mut BTreeMap<String, String>, user: &str, role: &str) -> Result<()> {
    match holders.insert(user.to_owned(), role.to_owned()) {
        Some(other) if other != role => invalid(format!("{user} has the role {other} already, and one is the most")),
        _ => Ok(()),
    }
}

fn first_time<T: Ord>(seen: &mut BTreeSet<T>, entry: T) -> Result<()> {
    if seen.insert(entry) { Ok(()) } else { invalid("this stands in the file before") }
}

/// Removes the grants that the file lacks, of the calendars it names as calendars or in grants.
fn prune(edit: &mut Edit<'_>, file: &ApplyFile) -> Result<(), Failure> {
    let mut kept: BTreeMap<String, Vec<Grantee>> = BTreeMap::new();
    for calendar in &file.calendars {
        kept.entry(format!("{}/{}", calendar.owner, calendar.name)).or_default();
    }
    for grant in &file.grants {
        let place = edit.grant_place(grant)?;
        kept.entry(grant.calendar.clone()).or_default().push(place.grantee);
    }
    for (path, grantees) in &kept {
        let (owner, name) = calendar_path(path)?;
        let calendar = edit.calendar_named(owner, name)?;
        edit.prune_grants(path, calendar.id, grantees)?;
    }
    Ok(())
}
