//! Roles, who has them, exceptions between them and places in the calendar module, what of users is synchronized: each names what is there.

use super::{Report, hex};
use crate::error::Result;
use crate::keys;
use crate::principals;
use crate::read::{Read, keys as keys_of};
use crate::record::RoleRecord;
use crate::store::Snapshot;
use acl::policy::ModuleRole;
use acl::target::Synchronization;
use acl::{PrincipalId, RoleException};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// All of it.
pub(super) fn check(read: &Snapshot<'_>, report: &mut Report) -> Result<()> {
    let roles: BTreeMap<PrincipalId, RoleRecord> = table(read, keys::ROLES, "role", report)?.into_iter().collect();
    for (id, role) in &roles {
        if report.read::<PrincipalId>(read, &keys::role_name(&role.name), "name of a role")? != Some(*id) {
            report.fault(format_args!("role {}: its name is not in the index of names", hex(&id.0)));
        }
        if role.reports_to.is_some_and(|above| !roles.contains_key(&above)) {
            report.fault(format_args!("role {}: reports to a role that is not there", hex(&id.0)));
        }
        if is_below_itself(*id, &roles) {
            report.fault(format_args!("role {}: reports to itself", hex(&id.0)));
        }
    }
    for key in keys_of(read, &keys::table(keys::ROLE_NAMES))? {
        let id = report.read::<PrincipalId>(read, &key, "name of a role")?;
        let named = id.and_then(|id| roles.get(&id)).map(|role| role.name.as_str());
        if id.is_some() && named != keys::name_after(&key, 0) {
            report.fault(format_args!("a name is not that of the role it stands for"));
        }
    }
    for (user, role) in table::<PrincipalId>(read, keys::ROLE_OF, "role of a user", report)? {
        if !roles.contains_key(&role) {
            report.fault(format_args!("user {}: has a role that is not there", hex(&user.0)));
        }
        if principals::user(read, user)?.is_none() {
            report.fault(format_args!("a role of a user who is not there: {}", hex(&user.0)));
        }
    }
    for (id, _) in table::<ModuleRole>(read, keys::MODULE_ROLES, "place in the module", report)? {
        if principals::user(read, id)?.is_none() && principals::group(read, id)?.is_none() {
            report.fault(format_args!("a place in the module of somebody who is not there: {}", hex(&id.0)));
        }
    }
    for (user, _) in table::<Synchronization>(read, keys::SYNCHRONIZATION, "synchronization", report)? {
        if principals::user(read, user)?.is_none() {
            report.fault(format_args!("a synchronization of a user who is not there: {}", hex(&user.0)));
        }
    }
    let exceptions: Vec<RoleException> = report.read(read, keys::ROLE_EXCEPTIONS, "role exceptions")?.unwrap_or_default();
    if exceptions.iter().any(|exception| !roles.contains_key(&exception.owner_role) || !roles.contains_key(&exception.viewer_role)) {
        report.fault(format_args!("an exception of a role that is not there"));
    }
    Ok(())
}

fn is_below_itself(id: PrincipalId, roles: &BTreeMap<PrincipalId, RoleRecord>) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = roles.get(&id).and_then(|role| role.reports_to);
    while let Some(above) = next.filter(|above| seen.insert(*above)) {
        if above == id {
            return true;
        }
        next = roles.get(&above).and_then(|role| role.reports_to);
    }
    false
}

fn table<T: serde::de::DeserializeOwned>(read: &dyn Read, table: u8, what: &str, report: &mut Report) -> Result<Vec<(PrincipalId, T)>> {
    let mut found = Vec::new();
    read.scan(&keys::table(table), &mut |key, value| {
        found.extend(keys::last_id(key).map(PrincipalId).zip(report.decode(value, key, what)));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}
