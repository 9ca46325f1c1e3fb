//! Users, groups and memberships: adding, changing, removing.

use super::edit::{Changed, Edit, listed, quoted};
use super::entry::{GroupEntry, QuotaEntry, SynchronizationEntry, UsageEntry, UserEntry};
use super::names::{addresses, check_display_name, check_password_hash, check_principal_name, invalid};
use crate::calendars::{self, NewCalendar};
use crate::error::{Error, Result};
use crate::keys;
use crate::limits::Limits;
use crate::read::{Read, keys as keys_of, record, records};
use crate::record::{GroupRecord, PrincipalRef, UserRecord};
use crate::usage::{self, Quota, Usage};
use crate::{grants, links, principals, synchronization, trash};
use acl::{CalendarId, CalendarPolicy, Grantee, PrincipalId};
use std::collections::BTreeSet;

/// The calendar that new users get.
const DEFAULT_CALENDAR: &str = "default";

/// All users by name.
pub(super) fn users(read: &dyn Read) -> Result<Vec<UserEntry>> {
    let mut entries = Vec::new();
    for (key, user) in records::<UserRecord>(read, &keys::table(keys::USERS))? {
        let id = keys::last_id(&key).map(PrincipalId).ok_or(Error::Corrupted("a user's key"))?;
        let quota = usage::of(read, id)?.quota;
        let said = synchronization::of(read, id)?;
        entries.push(UserEntry {
            name: user.name,
            password: None,
            password_hash: user.password_hash,
            display_name: user.display_name,
            emails: Some(user.addresses),
            calendars: None,
            quota_bytes: (quota != Quota::Default).then_some(quota.into()),
            confidential_activities: said.confidential_activities.then_some(true),
            synchronize_private_events: said.private_events.then_some(true),
            synchronize_private_tasks: said.private_tasks.then_some(true),
        });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// What a user takes up.
pub(super) fn usage_of(read: &dyn Read, name: &str, limits: &Limits) -> Result<UsageEntry> {
    let Some((id, user)) = principals::user_named(read, name)? else {
        return invalid(format!("there is no user {name:?}"));
    };
    let Usage { quota, home_bytes, given_bytes } = usage::of(read, id)?;
    Ok(UsageEntry { name: user.name, quota_bytes: quota.into(), allowed_bytes: quota.bytes(limits), home_bytes, given_bytes })
}

/// All groups by name.
pub(super) fn groups(read: &dyn Read) -> Result<Vec<GroupEntry>> {
    let mut entries = Vec::new();
    for (key, group) in records::<GroupRecord>(read, &keys::table(keys::GROUPS))? {
        let id = keys::last_id(&key).map(PrincipalId).ok_or(Error::Corrupted("a group's key"))?;
        let mut members = Vec::new();
        for member in principals::direct_members(read, id)? {
            members.push(name_of(read, member)?);
        }
        members.sort();
        entries.push(GroupEntry { name: group.name, members });
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// The name of a user or group.
pub(super) fn name_of(read: &dyn Read, id: PrincipalId) -> Result<String> {
    if let Some(user) = principals::user(read, id)? {
        return Ok(user.name);
    }
    principals::group(read, id)?.map(|group| group.name).ok_or(Error::Corrupted("a member or grantee that is not there"))
}

impl Edit<'_> {
    /// Makes a user or changes him to what the entry says.
    pub(super) fn set_user(&mut self, entry: &UserEntry) -> Result<()> {
        match principals::named(&self.transaction, &entry.name)? {
            Some(PrincipalRef::Group(_)) => invalid(format!("{:?} is the name of a group", entry.name)),
            Some(PrincipalRef::User(id)) => {
                let user = principals::user(&self.transaction, id)?.ok_or(Error::Corrupted("a name without its user"))?;
                self.change_user(id, user, entry)
            }
            None => self.add_user(entry),
        }
    }

    /// Makes a user; refuses a taken name.
    pub(super) fn add_user(&mut self, entry: &UserEntry) -> Result<()> {
        check_principal_name(&entry.name)?;
        self.refuse_taken(&entry.name)?;
        let id = PrincipalId(self.snapshot.random_id());
        let user = UserRecord {
            name: entry.name.clone(),
            display_name: None,
            addresses: Vec::new(),
            password_hash: None,
            created: self.snapshot.now(),
            private_uids: 0,
        };
        self.transaction.put_record(keys::principal_name(&entry.name), &PrincipalRef::User(id))?;
        self.transaction.put_record(keys::user(id), &user)?;
        self.say(&format!("user {}", entry.name), "added");
        let told = self.changes.len();
        self.change_user(id, user, entry)?;
        // "Added" says it all.
        self.changes.truncate(told);
        if entry.calendars.unwrap_or(true) {
            self.add_default_calendar(id, &entry.name)?;
        }
        Ok(())
    }

    fn add_default_calendar(&mut self, owner: PrincipalId, owner_name: &str) -> Result<()> {
        let new = NewCalendar {
            id: CalendarId(self.snapshot.random_id()),
            owner,
            name: DEFAULT_CALENDAR,
            components: &[],
            policy: CalendarPolicy::default(),
        };
        calendars::create(&mut self.transaction, new, self.snapshot.now(), self.snapshot.limits())?;
        self.say(&format!("calendar {owner_name}/{DEFAULT_CALENDAR}"), "added");
        Ok(())
    }

    fn change_user(&mut self, id: PrincipalId, mut user: UserRecord, entry: &UserEntry) -> Result<()> {
        let subject = format!("user {}", user.name);
        let mut changed = Changed::No;
        if let Some(name) = &entry.display_name {
            check_display_name(name)?;
            let name = Some(name.clone()).filter(|name| !name.is_empty());
            changed |= self.say_value(&subject, "display name", &user.display_name, &name, quoted);
            user.display_name = name;
        }
        if let Some(emails) = &entry.emails {
            let new = addresses(emails)?;
            self.set_addresses(id, &user.addresses, &new)?;
            changed |= self.say_value(&subject, "emails", &user.addresses, &new, |list| listed(list));
            user.addresses = new;
        }
        if let Some(quota) = entry.quota_bytes {
            self.set_quota(id, &subject, quota.into())?;
        }
        let synchronization = SynchronizationEntry {
            confidential_activities: entry.confidential_activities,
            private_events: entry.synchronize_private_events,
            private_tasks: entry.synchronize_private_tasks,
        };
        self.set_synchronization(id, &subject, synchronization)?;
        match (&entry.password_hash, &entry.password) {
            (Some(hash), _) => changed |= self.set_hash(&subject, &mut user, hash)?,
            (None, Some(_)) => return invalid("a password has to be hashed before it gets here"),
            (None, None) => {}
        }
        if changed == Changed::Yes {
            self.transaction.put_record(keys::user(id), &user)?;
        }
        Ok(())
    }

    fn set_quota(&mut self, id: PrincipalId, subject: &str, quota: Quota) -> Result<()> {
        let mut usage = usage::of(&self.transaction, id)?;
        let entry = |quota: &Quota| QuotaEntry::from(*quota).to_string();
        if self.say_value(subject, "quota", &usage.quota, &quota, entry) == Changed::Yes {
            usage.quota = quota;
            usage::set(&mut self.transaction, id, &usage)?;
        }
        Ok(())
    }

    /// Says what is synchronized of a user's private items.
    fn set_synchronization(&mut self, id: PrincipalId, subject: &str, entry: SynchronizationEntry) -> Result<()> {
        let before = synchronization::of(&self.transaction, id)?;
        let after = entry.over(before);
        let parts = [
            ("confidential activities", before.confidential_activities, after.confidential_activities),
            ("synchronize private events", before.private_events, after.private_events),
            ("synchronize private tasks", before.private_tasks, after.private_tasks),
        ];
        for (what, before, after) in parts {
            self.say_value(subject, what, &before, &after, |is_on| if *is_on { "on".to_owned() } else { "off".to_owned() });
        }
        synchronization::set(&mut self.transaction, id, after)
    }

    fn set_hash(&mut self, subject: &str, user: &mut UserRecord, hash: &str) -> Result<Changed> {
        check_password_hash(hash)?;
        if user.password_hash.as_deref() == Some(hash) {
            return Ok(Changed::No);
        }
        user.password_hash = Some(hash.to_owned());
        self.say(subject, "password set");
        Ok(Changed::Yes)
    }

    /// Sets a password.
    pub(super) fn set_password(&mut self, name: &str, hash: &str) -> Result<()> {
        let (id, mut user) = self.user_named(name)?;
        if self.set_hash(&format!("user {name}"), &mut user, hash)? == Changed::Yes {
            self.transaction.put_record(keys::user(id), &user)?;
        }
        Ok(())
    }

    /// Addresses are each one user's: participation hangs on them.
    fn set_addresses(&mut self, id: PrincipalId, old: &[String], new: &[String]) -> Result<()> {
        for address in new {
            let holder: Option<PrincipalId> = record(&self.transaction, &keys::address(address))?;
            if let Some(holder) = holder.filter(|holder| *holder != id) {
                return invalid(format!("{address} is the address of {}", name_of(&self.transaction, holder)?));
            }
        }
        for address in old.iter().filter(|address| !new.contains(address)) {
            // Another user of the same file may have taken it over already.
            if record(&self.transaction, &keys::address(address))? == Some(id) {
                self.transaction.delete(keys::address(address));
            }
        }
        for address in new {
            self.transaction.put_record(keys::address(address), &id)?;
        }
        Ok(())
    }

    /// Frees the addresses of a user whose addresses are about to be set, so that users can exchange theirs in one commit.
    pub(super) fn release_addresses(&mut self, name: &str) -> Result<()> {
        if let Some((_, user)) = principals::user_named(&self.transaction, name)? {
            for address in &user.addresses {
                self.transaction.delete(keys::address(address));
            }
        }
        Ok(())
    }

    fn refuse_taken(&self, name: &str) -> Result<()> {
        match principals::named(&self.transaction, name)? {
            None => Ok(()),
            Some(PrincipalRef::User(_)) => invalid(format!("there is a user {name:?} already")),
            Some(PrincipalRef::Group(_)) => invalid(format!("there is a group {name:?} already")),
        }
    }

    /// Removes a user with files, grants to him, memberships, and what is his own about others' calendars. His calendars go to
    /// the trash, where nobody's name leads to them: whoever is called like him later is somebody else.
    pub(super) fn remove_user(&mut self, name: &str) -> Result<()> {
        let (id, user) = self.user_named(name)?;
        let stamp = self.stamp()?;
        for calendar in calendars::of_owner(&self.transaction, id)? {
            trash::put_calendar(&mut self.transaction, &calendar, name, &stamp, self.snapshot.limits())?;
        }
        links::end_made_by(&mut self.transaction, id, &self.author, self.snapshot.limits())?;
        grants::remove_all_to(&mut self.transaction, Grantee::User(id), &self.author, self.snapshot.limits())?;
        for group in principals::direct_groups(&self.transaction, id)? {
            principals::leave(&mut self.transaction, group, id);
        }
        for table in [keys::MOUNTS, keys::PRIVATE_UIDS, keys::PLAIN, keys::PLAIN_CONTENTS, keys::HOME_VIEWS] {
            self.transaction.delete_range(&keys::table_of(table, &id.0))?;
        }
        self.remove_ending_with(&[keys::OVERLAYS, keys::TOUCHES, keys::PROPERTIES, keys::OPENED], id)?;
        for key in keys_of(&self.transaction, &keys::table(keys::VIEWS))? {
            if keys::id_at(&key, 1) == Some(id.0) {
                self.transaction.delete(key);
            }
        }
        for address in &user.addresses {
            self.transaction.delete(keys::address(address));
        }
        self.transaction.delete(keys::usage(id));
        self.transaction.delete(keys::role_of(id));
        self.transaction.delete(keys::synchronization(id));
        self.transaction.delete(keys::module_role(id));
        self.transaction.delete(keys::principal_name(name));
        self.transaction.delete(keys::user(id));
        self.say(&format!("user {name}"), "removed");
        Ok(())
    }

    /// Removes what hangs on a viewer in tables that are ordered by something else.
    fn remove_ending_with(&mut self, tables: &[u8], viewer: PrincipalId) -> Result<()> {
        for table in tables {
            for key in keys_of(&self.transaction, &keys::table(*table))? {
                if keys::last_id(&key) == Some(viewer.0) {
                    self.transaction.delete(key);
                }
            }
        }
        Ok(())
    }

    /// Makes an empty group; refuses a taken name.
    pub(super) fn add_group(&mut self, name: &str) -> Result<()> {
        check_principal_name(name)?;
        self.refuse_taken(name)?;
        let id = PrincipalId(self.snapshot.random_id());
        self.transaction.put_record(keys::principal_name(name), &PrincipalRef::Group(id))?;
        self.transaction.put_record(keys::group(id), &GroupRecord { name: name.to_owned(), created: self.snapshot.now() })?;
        self.say(&format!("group {name}"), "added");
        Ok(())
    }

    /// Makes a group if it is not there.
    pub(super) fn ensure_group(&mut self, name: &str) -> Result<()> {
        match principals::named(&self.transaction, name)? {
            Some(PrincipalRef::Group(_)) => Ok(()),
            Some(PrincipalRef::User(_)) => invalid(format!("{name:?} is the name of a user")),
            None => self.add_group(name),
        }
    }

    /// Removes a group with grants to it and memberships on both sides.
    pub(super) fn remove_group(&mut self, name: &str) -> Result<()> {
        let (id, _) = self.group_named(name)?;
        grants::remove_all_to(&mut self.transaction, Grantee::Group(id), &self.author, self.snapshot.limits())?;
        for group in principals::direct_groups(&self.transaction, id)? {
            principals::leave(&mut self.transaction, group, id);
        }
        for member in principals::direct_members(&self.transaction, id)? {
            principals::leave(&mut self.transaction, id, member);
        }
        self.transaction.delete(keys::module_role(id));
        self.transaction.delete(keys::principal_name(name));
        self.transaction.delete(keys::group(id));
        self.say(&format!("group {name}"), "removed");
        Ok(())
    }

    /// Removes the members of a group that are none of `kept`.
    pub(super) fn drop_members(&mut self, group: &str, kept: &[String]) -> Result<()> {
        let (id, _) = self.group_named(group)?;
        let kept: BTreeSet<PrincipalId> = kept.iter().map(|name| self.member_named(name)).collect::<Result<_>>()?;
        let mut leaving = Vec::new();
        for member in principals::direct_members(&self.transaction, id)? {
            if !kept.contains(&member) {
                leaving.push(name_of(&self.transaction, member)?);
            }
        }
        leaving.sort();
        self.remove_members(group, &leaving)
    }

    fn member_named(&self, name: &str) -> Result<PrincipalId> {
        match principals::named(&self.transaction, name)? {
            Some(member) => Ok(member.id()),
            None => invalid(format!("there is no user or group {name:?}")),
        }
    }

    /// Adds members; refuses a cycle.
    pub(super) fn add_members(&mut self, group: &str, members: &[String]) -> Result<()> {
        let (id, _) = self.group_named(group)?;
        for name in members {
            let member = self.member_named(name)?;
            if principals::direct_members(&self.transaction, id)?.contains(&member) {
                continue;
            }
            if member == id || principals::groups(&self.transaction, id)?.contains(&member) {
                return invalid(format!("{name} cannot be a member of {group}: {group} is in {name}"));
            }
            principals::join(&mut self.transaction, id, member);
            self.say(&format!("group {group}"), format_args!("member {name} added"));
        }
        Ok(())
    }

    /// Removes members; whoever is none stays none.
    pub(super) fn remove_members(&mut self, group: &str, members: &[String]) -> Result<()> {
        let (id, _) = self.group_named(group)?;
        for name in members {
            let member = self.member_named(name)?;
            if principals::direct_members(&self.transaction, id)?.contains(&member) {
                principals::leave(&mut self.transaction, id, member);
                self.say(&format!("group {group}"), format_args!("member {name} removed"));
            }
        }
        Ok(())
    }
}
