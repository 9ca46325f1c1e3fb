//! Users, groups, memberships, addresses and files: each index against what it is of.

use super::{Report, hex};
use crate::authorized::PropertyKey;
use crate::error::Result;
use crate::keys::{self, PlainId, PropertyHolder};
use crate::read::{Read, keys as keys_of, present, record, records};
use crate::record::{GroupRecord, PlainContent, PlainRecord, PrincipalRef, UserRecord};
use crate::store::Snapshot;
use crate::usage::{self, Usage};
use crate::{calendars, principals, properties};
use acl::{CalendarId, EventPrivacy, PrincipalId};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// Principals with their names, addresses, homes and memberships.
pub(super) fn check(read: &Snapshot<'_>, report: &mut Report) -> Result<()> {
    let users: BTreeMap<PrincipalId, UserRecord> = table(read, keys::USERS, "user", report)?;
    let groups: BTreeMap<PrincipalId, GroupRecord> = table(read, keys::GROUPS, "group", report)?;
    for (id, user) in &users {
        expect_name(read, &user.name, PrincipalRef::User(*id), report)?;
        for address in &user.addresses {
            if record::<PrincipalId>(read, &keys::address(address))? != Some(*id) {
                report.fault(format_args!("user {}: an address is not in its index", hex(&id.0)));
            }
        }
        check_private_uids(read, *id, user, report)?;
    }
    for (id, group) in &groups {
        expect_name(read, &group.name, PrincipalRef::Group(*id), report)?;
    }
    for (key, named) in records::<PrincipalRef>(read, &keys::table(keys::PRINCIPAL_NAMES))? {
        let name = keys::name_after(&key, 0);
        let found = match named {
            PrincipalRef::User(id) => users.get(&id).map(|user| user.name.as_str()),
            PrincipalRef::Group(id) => groups.get(&id).map(|group| group.name.as_str()),
        };
        if name.is_none() || name != found {
            report.fault(format_args!("a name is not that of the principal it stands for: {}", hex(&named.id().0)));
        }
    }
    for (key, id) in records::<PrincipalId>(read, &keys::table(keys::ADDRESSES))? {
        let address = keys::name_after(&key, 0);
        let holds = users.get(&id).zip(address).is_some_and(|(user, address)| user.addresses.iter().any(|a| a == address));
        if !holds {
            report.fault(format_args!("an address is not that of the user it stands for: {}", hex(&id.0)));
        }
    }
    check_homes(read, &users, report)?;
    check_granted(read, report)?;
    check_memberships(read, &users, &groups, report)
}

fn table<T: serde::de::DeserializeOwned>(read: &dyn Read, table: u8, what: &str, report: &mut Report) -> Result<BTreeMap<PrincipalId, T>> {
    let mut found = BTreeMap::new();
    read.scan(&keys::table(table), &mut |key, value| {
        if let Some((id, record)) = keys::last_id(key).zip(report.decode(value, key, what)) {
            found.insert(PrincipalId(id), record);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

fn expect_name(read: &dyn Read, name: &str, principal: PrincipalRef, report: &mut Report) -> Result<()> {
    if principals::named(read, name)? != Some(principal) {
        report.fault(format_args!("principal {}: its name is not in the index of names", hex(&principal.id().0)));
    }
    Ok(())
}

fn check_private_uids(read: &dyn Read, id: PrincipalId, user: &UserRecord, report: &mut Report) -> Result<()> {
    let remembered = records::<EventPrivacy>(read, &keys::table_of(keys::PRIVATE_UIDS, &id.0))?.len() as u64;
    if remembered != user.private_uids {
        report.fault(format_args!("user {}: {} private UIDs counted, {remembered} there", hex(&id.0), user.private_uids));
    }
    Ok(())
}

/// What stands in each home against what is counted there.
pub(super) fn check_usage(read: &Snapshot<'_>, report: &mut Report) -> Result<()> {
    let mut homes = usage::count(read)?;
    for (id, usage) in table::<Usage>(read, keys::USAGE, "usage", report)? {
        let there = homes.remove(&id).unwrap_or_default();
        if usage.home_bytes != there {
            report.fault(format_args!("user {}: {} bytes counted, {there} there", hex(&id.0), usage.home_bytes));
        }
        if principals::user(read, id)?.is_none() {
            report.fault(format_args!("usage of a user who is not there: {}", hex(&id.0)));
        }
    }
    for (id, bytes) in homes.into_iter().filter(|(_, bytes)| *bytes > 0) {
        report.fault(format_args!("user {}: {bytes} bytes that are not counted", hex(&id.0)));
    }
    Ok(())
}

/// Each home's names against the calendars.
fn check_homes(read: &dyn Read, users: &BTreeMap<PrincipalId, UserRecord>, report: &mut Report) -> Result<()> {
    for (key, id) in records::<CalendarId>(read, &keys::table(keys::HOME_CALENDARS))? {
        let owner = keys::id_at(&key, 0).map(PrincipalId);
        if owner.is_none_or(|owner| !users.contains_key(&owner)) {
            report.fault(format_args!("calendar {}: in the home of a user who is not there", hex(&id.0)));
        }
        let Some(calendar) = calendars::by_id(read, id)? else {
            report.fault(format_args!("a home names a calendar that is not there: {}", hex(&id.0)));
            continue;
        };
        if Some(calendar.record.owner) != owner || Some(calendar.record.name.as_str()) != keys::name_after(&key, 1) {
            report.fault(format_args!("calendar {}: its home has it under another owner or name", hex(&id.0)));
        }
    }
    Ok(())
}

/// The index of grantees against the grants.
fn check_granted(read: &dyn Read, report: &mut Report) -> Result<()> {
    for key in keys_of(read, &keys::table(keys::GRANTED))? {
        let grantee = key.get(..key.len().saturating_sub(16)).and_then(keys::grantee_of);
        let there = match grantee.zip(keys::last_id(&key)) {
            Some((grantee, calendar)) => present(read, &keys::grant(CalendarId(calendar), grantee))?,
            None => false,
        };
        if !there {
            report.fault(format_args!("the index of grantees names a grant that is not there"));
        }
    }
    Ok(())
}

fn check_memberships(
    read: &dyn Read,
    users: &BTreeMap<PrincipalId, UserRecord>,
    groups: &BTreeMap<PrincipalId, GroupRecord>,
    report: &mut Report,
) -> Result<()> {
    for (table, mirror) in [(keys::MEMBERS, keys::MEMBERSHIPS), (keys::MEMBERSHIPS, keys::MEMBERS)] {
        for key in keys_of(read, &keys::table(table))? {
            let Some((first, second)) = keys::id_at(&key, 0).zip(keys::id_at(&key, 1)) else {
                report.fault(format_args!("a membership's key cannot be read"));
                continue;
            };
            let (first, second) = (PrincipalId(first), PrincipalId(second));
            let (group, member) = if table == keys::MEMBERS { (first, second) } else { (second, first) };
            let mirrored = if mirror == keys::MEMBERS { keys::member(group, member) } else { keys::membership(member, group) };
            if !present(read, &mirrored)? {
                report.fault(format_args!("group {}: a membership stands on one side only", hex(&group.0)));
            }
            if !groups.contains_key(&group) || !(users.contains_key(&member) || groups.contains_key(&member)) {
                report.fault(format_args!("group {}: a membership of something that is not there", hex(&group.0)));
            }
        }
    }
    for group in groups.keys() {
        if principals::groups(read, *group)?.contains(group) {
            report.fault(format_args!("group {}: in itself", hex(&group.0)));
        }
    }
    Ok(())
}

/// Plain collections and files: every member has its parent, every file its content.
pub(super) fn check_files(read: &Snapshot<'_>, report: &mut Report) -> Result<()> {
    let mut collections = BTreeSet::new();
    let mut files = BTreeSet::new();
    let mut parents = Vec::new();
    for (key, record) in records::<PlainRecord>(read, &keys::table(keys::PLAIN))? {
        let Some((owner, parent)) = keys::id_at(&key, 0).map(PrincipalId).zip(keys::id_at(&key, 1).map(PlainId)) else {
            report.fault(format_args!("a file's key cannot be read"));
            continue;
        };
        parents.push((owner, parent, record.id));
        match record.content {
            PlainContent::Collection => {
                collections.insert((owner, record.id));
            }
            PlainContent::Subscription => check_subscription(read, owner, parent, record.id, report)?,
            PlainContent::File { content_bytes, hash, .. } => {
                files.insert((owner, record.id));
                let content = read.get(&keys::plain_content(owner, record.id))?;
                let agrees = content.is_some_and(|c| c.len() as u64 == content_bytes && *blake3::hash(&c).as_bytes() == hash);
                if !agrees {
                    report.fault(format_args!("file {}: its content is not what its record says", hex(&record.id.0)));
                }
            }
        }
    }
    for (owner, parent, id) in parents {
        if parent != PlainId::ROOT && !collections.contains(&(owner, parent)) {
            report.fault(format_args!("file {}: in a collection that is not there", hex(&id.0)));
        }
    }
    for key in keys_of(read, &keys::table(keys::PLAIN_CONTENTS))? {
        let place = keys::id_at(&key, 0).map(PrincipalId).zip(keys::id_at(&key, 1).map(PlainId));
        if place.is_none_or(|place| !files.contains(&place)) {
            report.fault(format_args!("a content belongs to no file"));
        }
    }
    Ok(())
}

/// It stands in the home itself and knows its source.
fn check_subscription(read: &Snapshot<'_>, owner: PrincipalId, parent: PlainId, id: PlainId, report: &mut Report) -> Result<()> {
    if parent != PlainId::ROOT {
        report.fault(format_args!("subscription {}: not in the home itself", hex(&id.0)));
    }
    if !properties::of(read, PropertyHolder::Plain(id), owner)?.contains_key(&PropertyKey::Source) {
        report.fault(format_args!("subscription {}: without its source", hex(&id.0)));
    }
    Ok(())
}
