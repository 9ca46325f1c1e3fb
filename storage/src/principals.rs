//! Users, groups and memberships as records: finding and linking them. Decides nothing.

use crate::engine::KeyRange;
use crate::error::{Error, Result};
use crate::keys;
use crate::read::{Read, Transaction, keys as keys_of, record};
use crate::record::{GroupRecord, PrincipalRef, UserRecord};
use acl::PrincipalId;
use std::collections::BTreeSet;

/// What a name stands for.
pub(crate) fn named(read: &dyn Read, name: &str) -> Result<Option<PrincipalRef>> {
    record(read, &keys::principal_name(name))
}

/// A user by name.
pub(crate) fn user_named(read: &dyn Read, name: &str) -> Result<Option<(PrincipalId, UserRecord)>> {
    match named(read, name)? {
        Some(PrincipalRef::User(id)) => Ok(Some((id, user(read, id)?.ok_or(Error::Corrupted("a name without its user"))?))),
        _ => Ok(None),
    }
}

/// A group by name.
pub(crate) fn group_named(read: &dyn Read, name: &str) -> Result<Option<(PrincipalId, GroupRecord)>> {
    match named(read, name)? {
        Some(PrincipalRef::Group(id)) => Ok(Some((id, group(read, id)?.ok_or(Error::Corrupted("a name without its group"))?))),
        _ => Ok(None),
    }
}

/// A user by id.
pub(crate) fn user(read: &dyn Read, id: PrincipalId) -> Result<Option<UserRecord>> {
    record(read, &keys::user(id))
}

/// A group by id.
pub(crate) fn group(read: &dyn Read, id: PrincipalId) -> Result<Option<GroupRecord>> {
    record(read, &keys::group(id))
}

/// The groups a principal is directly in.
pub(crate) fn direct_groups(read: &dyn Read, member: PrincipalId) -> Result<Vec<PrincipalId>> {
    ids(read, &keys::table_of(keys::MEMBERSHIPS, &member.0))
}

/// The direct members of a group.
pub(crate) fn direct_members(read: &dyn Read, group: PrincipalId) -> Result<Vec<PrincipalId>> {
    ids(read, &keys::table_of(keys::MEMBERS, &group.0))
}

/// All groups a principal is in, nested ones included. Each group is visited once, so it ends even in a damaged store.
pub(crate) fn groups(read: &dyn Read, member: PrincipalId) -> Result<BTreeSet<PrincipalId>> {
    let mut found = BTreeSet::new();
    let mut open = direct_groups(read, member)?;
    while let Some(group) = open.pop() {
        if found.insert(group) {
            open.extend(direct_groups(read, group)?);
        }
    }
    Ok(found)
}

fn ids(read: &dyn Read, range: &KeyRange) -> Result<Vec<PrincipalId>> {
    keys_of(read, range)?.iter().map(|key| keys::last_id(key).map(PrincipalId).ok_or(Error::Corrupted("a membership's key"))).collect()
}

/// Makes a principal a member of a group.
pub(crate) fn join(transaction: &mut Transaction<'_>, group: PrincipalId, member: PrincipalId) {
    transaction.put(keys::member(group, member), Vec::new());
    transaction.put(keys::membership(member, group), Vec::new());
}

/// Ends a membership.
pub(crate) fn leave(transaction: &mut Transaction<'_>, group: PrincipalId, member: PrincipalId) {
    transaction.delete(keys::member(group, member));
    transaction.delete(keys::membership(member, group));
}
