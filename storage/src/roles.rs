//! The organisation as records: policy, roles and who has them, places in the calendar module, exceptions between roles.
//! Decides nothing: `acl::access` is told what stands here.

use crate::error::{Error, Result};
use crate::keys;
use crate::read::{Read, Transaction, record, records};
use crate::record::RoleRecord;
use acl::policy::ModuleRole;
use acl::{Policy, PolicySettings, PrincipalId, RoleException};
use std::collections::{BTreeMap, BTreeSet};

/// What was chosen of the policy.
pub(crate) fn settings(read: &dyn Read) -> Result<PolicySettings> {
    Ok(record(read, keys::SETTINGS)?.unwrap_or_default())
}

/// Chooses.
pub(crate) fn set_settings(transaction: &mut Transaction<'_>, settings: &PolicySettings) -> Result<()> {
    transaction.put_record(keys::SETTINGS.to_vec(), settings)
}

/// The policy that holds. A setting that this program cannot read is damage: nothing may be decided without it.
pub(crate) fn policy(read: &dyn Read) -> Result<Policy> {
    settings(read)?.effective().map_err(|_| Error::Corrupted("the policy"))
}

/// A role by id.
pub(crate) fn role(read: &dyn Read, id: PrincipalId) -> Result<Option<RoleRecord>> {
    record(read, &keys::role(id))
}

/// A role by name. Roles have names of their own: a group may bear the same.
pub(crate) fn role_named(read: &dyn Read, name: &str) -> Result<Option<(PrincipalId, RoleRecord)>> {
    let Some(id) = record(read, &keys::role_name(name))? else { return Ok(None) };
    Ok(Some((id, role(read, id)?.ok_or(Error::Corrupted("a name without its role"))?)))
}

/// All roles.
pub(crate) fn roles(read: &dyn Read) -> Result<BTreeMap<PrincipalId, RoleRecord>> {
    let records = records::<RoleRecord>(read, &keys::table(keys::ROLES))?;
    records
        .into_iter()
        .map(|(key, role)| Ok((keys::last_id(&key).map(PrincipalId).ok_or(Error::Corrupted("a role's key"))?, role)))
        .collect()
}

/// The one role a user may have.
pub(crate) fn role_of(read: &dyn Read, user: PrincipalId) -> Result<Option<PrincipalId>> {
    record(read, &keys::role_of(user))
}

/// Who has roles.
pub(crate) fn holders(read: &dyn Read) -> Result<Vec<(PrincipalId, PrincipalId)>> {
    let records = records::<PrincipalId>(read, &keys::table(keys::ROLE_OF))?;
    let pair =
        |(key, role): (Vec<u8>, PrincipalId)| Ok((keys::last_id(&key).map(PrincipalId).ok_or(Error::Corrupted("a role's key"))?, role));
    records.into_iter().map(pair).collect()
}

/// A user's role and, from it upwards, those it reports to. Each is visited once, so it ends even in a damaged store.
pub(crate) fn chain_of(read: &dyn Read, user: PrincipalId) -> Result<Vec<PrincipalId>> {
    let mut chain = Vec::new();
    let mut next = role_of(read, user)?;
    while let Some(id) = next.filter(|id| !chain.contains(id)) {
        chain.push(id);
        next = role(read, id)?.and_then(|role| role.reports_to);
    }
    Ok(chain)
}

/// The place of a user in the calendar module: his own entry, else the highest of his groups'.
pub(crate) fn module_role(read: &dyn Read, user: PrincipalId, groups: &BTreeSet<PrincipalId>) -> Result<ModuleRole> {
    let own = module_entry(read, user)?;
    if own.is_some() {
        return Ok(ModuleRole::of(own, []));
    }
    let mut of_groups = Vec::new();
    for group in groups {
        of_groups.extend(module_entry(read, *group)?);
    }
    Ok(ModuleRole::of(None, of_groups))
}

/// What stands for one user or group.
pub(crate) fn module_entry(read: &dyn Read, principal: PrincipalId) -> Result<Option<ModuleRole>> {
    record(read, &keys::module_role(principal))
}

/// Exceptions between roles, of the whole organisation.
pub(crate) fn exceptions(read: &dyn Read) -> Result<Vec<RoleException>> {
    Ok(record(read, keys::ROLE_EXCEPTIONS)?.unwrap_or_default())
}
