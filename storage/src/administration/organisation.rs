//! The organisation: policy, roles, places in the calendar module, exceptions between roles.

use super::edit::Edit;
use super::entry::{ModuleEntry, PolicyEntry, PolicyKeyValue, PolicyValue, RoleEntry, RoleExceptionEntry, ValueFrom};
use super::names::{check_principal_name, invalid};
use super::people::name_of;
use crate::error::{Error, Result};
use crate::keys;
use crate::read::{Read, records};
use crate::record::RoleRecord;
use crate::{grants, principals, roles};
use acl::policy::{Language, ModuleRole, Preset, RolePermission};
use acl::{Grantee, PolicyKey, PrincipalId, RoleException};
use std::collections::{BTreeMap, BTreeSet};

/// The key under which the preset stands beside the others.
pub(crate) const PRESET: &str = "preset";
/// The word that leaves a key to the preset.
pub(crate) const AS_PRESET: &str = "as-preset";
/// The word for no preset.
pub(crate) const NO_PRESET: &str = "none";
/// The word that takes an entry of the module away.
pub(crate) const INHERIT: &str = "inherit";
/// The word that takes an exception between roles away.
pub(crate) const NO_EXCEPTION: &str = "none";
/// Exceptions between roles: all of them are looked at by every decision under a mode.
const ROLE_EXCEPTIONS_MAX: usize = 1_000;
/// Roles above one another.
const ROLE_DEPTH_MAX: usize = 32;

/// What was chosen of the policy, as `apply` takes it.
pub(crate) fn policy_entry(read: &dyn Read) -> Result<PolicyEntry> {
    let settings = roles::settings(read)?;
    let mut entry = BTreeMap::new();
    if settings.preset() != Preset::None {
        entry.insert(PRESET.to_owned(), PolicyValue::Word(settings.preset().word().to_owned()));
    }
    for key in PolicyKey::ALL {
        if let Some(chosen) = settings.chosen(key) {
            entry.insert(key.word().to_owned(), PolicyValue::of(key, chosen));
        }
    }
    Ok(PolicyEntry(entry))
}

/// What holds for every key and where it comes from; the preset first.
pub(crate) fn policy_values(read: &dyn Read) -> Result<Vec<PolicyKeyValue>> {
    let settings = roles::settings(read)?;
    let holds = roles::policy(read)?;
    let preset = settings.preset().policy();
    let default = acl::Policy::default();
    let from_preset = settings.preset() != Preset::None;
    let mut values = vec![PolicyKeyValue {
        key: PRESET.to_owned(),
        value: PolicyValue::Word(settings.preset().word().to_owned()),
        from: if from_preset { ValueFrom::Set } else { ValueFrom::Default },
        values: Preset::ALL.map(|preset| preset.word().to_owned()).to_vec(),
    }];
    for key in PolicyKey::ALL {
        let chosen = settings.chosen(key);
        let from = match chosen {
            Some(_) => ValueFrom::Set,
            None if key.get(&preset) != key.get(&default) => ValueFrom::Preset,
            None => ValueFrom::Default,
        };
        // Of a language only its texts are left, which say it by themselves.
        let value = key.get(&holds).or_else(|| chosen.map(str::to_owned)).unwrap_or_else(|| Language::default().word().to_owned());
        let words = key.words().into_iter().map(str::to_owned).collect();
        values.push(PolicyKeyValue { key: key.word().to_owned(), value: PolicyValue::of(key, &value), from, values: words });
    }
    Ok(values)
}

/// All roles by name.
pub(crate) fn role_entries(read: &dyn Read) -> Result<Vec<RoleEntry>> {
    let all = roles::roles(read)?;
    let mut members: BTreeMap<PrincipalId, Vec<String>> = BTreeMap::new();
    for (user, role) in roles::holders(read)? {
        members.entry(role).or_default().push(name_of(read, user)?);
    }
    let above = |role: &RoleRecord| role.reports_to.and_then(|id| all.get(&id)).map(|role| role.name.clone());
    let entry = |(id, role): (&PrincipalId, &RoleRecord)| {
        let mut members = members.remove(id).unwrap_or_default();
        members.sort_unstable();
        RoleEntry { name: role.name.clone(), reports_to: above(role), members }
    };
    let mut entries: Vec<RoleEntry> = all.iter().map(entry).collect();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// All exceptions.
pub(crate) fn exception_entries(read: &dyn Read) -> Result<Vec<RoleExceptionEntry>> {
    let all = roles::roles(read)?;
    let name =
        |id: PrincipalId| all.get(&id).map(|role| role.name.clone()).ok_or(Error::Corrupted("an exception of a role that is not there"));
    let entry = |exception: RoleException| {
        Ok(RoleExceptionEntry {
            owner_role: name(exception.owner_role)?,
            viewer_role: name(exception.viewer_role)?,
            permission: exception.permission.word().to_owned(),
        })
    };
    let mut entries = roles::exceptions(read)?.into_iter().map(entry).collect::<Result<Vec<_>>>()?;
    entries.sort_by(|a, b| (&a.owner_role, &a.viewer_role).cmp(&(&b.owner_role, &b.viewer_role)));
    Ok(entries)
}

/// All entries of the module.
pub(crate) fn module_entries(read: &dyn Read) -> Result<Vec<ModuleEntry>> {
    let mut entries = Vec::new();
    for (key, role) in records::<ModuleRole>(read, &keys::table(keys::MODULE_ROLES))? {
        let id = keys::last_id(&key).map(PrincipalId).ok_or(Error::Corrupted("a key of the module"))?;
        let name = Some(name_of(read, id)?);
        let role = role.word().to_owned();
        entries.push(match principals::user(read, id)? {
            Some(_) => ModuleEntry { user: name, group: None, role },
            None => ModuleEntry { user: None, group: name, role },
        });
    }
    entries.sort_by(|a, b| (&a.group, &a.user).cmp(&(&b.group, &b.user)));
    Ok(entries)
}

impl Edit<'_> {
    /// Chooses what the entry names; `as-preset` leaves a key to the preset.
    pub(super) fn set_policy(&mut self, entry: &PolicyEntry) -> Result<()> {
        let mut settings = roles::settings(&self.transaction)?;
        let before = settings.clone();
        for (word, value) in &entry.0 {
            if word == PRESET {
                let Some(preset) = Preset::from_word(value.word()) else {
                    return invalid(format!("preset is one of: {}", Preset::ALL.map(Preset::word).join(", ")));
                };
                self.say_value("policy", PRESET, &settings.preset(), &preset, |preset| preset.word().to_owned());
                settings.set_preset(preset);
                continue;
            }
            let Some(key) = PolicyKey::from_word(word) else {
                return invalid(format!("{word:?} is no key of the policy: preset, {}", PolicyKey::ALL.map(PolicyKey::word).join(", ")));
            };
            let old = settings.chosen(key).map(str::to_owned);
            match value.word() {
                AS_PRESET => settings.unset(key),
                value => settings.choose(key, value).map_err(|bad| Error::Invalid(bad.to_string()))?,
            }
            let new = settings.chosen(key).map(str::to_owned);
            let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| AS_PRESET.to_owned());
            self.say_value("policy", key.word(), &old, &new, shown);
        }
        if settings != before {
            roles::set_settings(&mut self.transaction, &settings)?;
        }
        Ok(())
    }

    /// Gives a role to users; another one they had is theirs no more.
    pub(super) fn give_role(&mut self, name: &str, users: &[String]) -> Result<()> {
        let (id, _) = self.role_named(name)?;
        for user in users {
            let (user_id, _) = self.user_named(user)?;
            if roles::role_of(&self.transaction, user_id)? != Some(id) {
                self.transaction.put_record(keys::role_of(user_id), &id)?;
                self.say(&format!("role {name}"), format_args!("{user} has it"));
            }
        }
        Ok(())
    }

    /// Takes the role from users who have one.
    pub(super) fn take_role(&mut self, users: &[String]) -> Result<()> {
        for user in users {
            let (id, _) = self.user_named(user)?;
            if roles::role_of(&self.transaction, id)?.is_none() {
                return invalid(format!("{user} has no role"));
            }
            self.transaction.delete(keys::role_of(id));
            self.say(&format!("user {user}"), "has no role any more");
        }
        Ok(())
    }

    /// Makes a role if it is not there. Above and holders come afterwards, when all roles are.
    pub(super) fn ensure_role(&mut self, name: &str) -> Result<()> {
        if roles::role_named(&self.transaction, name)?.is_some() {
            return Ok(());
        }
        check_principal_name(name)?;
        let id = PrincipalId(self.snapshot.random_id());
        self.transaction.put_record(keys::role_name(name), &id)?;
        self.transaction
            .put_record(keys::role(id), &RoleRecord { name: name.to_owned(), reports_to: None, created: self.snapshot.now() })?;
        self.say(&format!("role {name}"), "added");
        Ok(())
    }

    pub(super) fn role_named(&self, name: &str) -> Result<(PrincipalId, RoleRecord)> {
        roles::role_named(&self.transaction, name)?.ok_or_else(|| Error::Invalid(format!("there is no role {name:?}")))
    }

    /// Sets what a role reports to. Whether that can be is asked when all roles stand: see [`Edit::roles_in_fault`].
    pub(super) fn set_reports_to(&mut self, entry: &RoleEntry) -> Result<()> {
        let (id, mut role) = self.role_named(&entry.name)?;
        let new = entry.reports_to.as_deref().map(|name| self.role_named(name)).transpose()?.map(|(id, _)| id);
        if role.reports_to == new {
            return Ok(());
        }
        self.say(&format!("role {}", entry.name), format_args!("reports to {}", entry.reports_to.as_deref().unwrap_or("nobody")));
        role.reports_to = new;
        self.transaction.put_record(keys::role(id), &role)
    }

    /// The roles that stand in a cycle or in a chain that is too long, from whichever end it grew.
    pub(super) fn roles_in_fault(&self) -> Result<BTreeSet<PrincipalId>> {
        let above: BTreeMap<PrincipalId, Option<PrincipalId>> =
            roles::roles(&self.transaction)?.into_iter().map(|(id, role)| (id, role.reports_to)).collect();
        let mut faulty = BTreeSet::new();
        for id in above.keys() {
            let up = |id: &PrincipalId| above.get(id).copied().flatten();
            let chain: Vec<PrincipalId> = std::iter::successors(Some(*id), up).take(ROLE_DEPTH_MAX + 2).collect();
            if chain.len() > ROLE_DEPTH_MAX + 1 {
                faulty.extend(chain);
            }
        }
        Ok(faulty)
    }

    /// Refuses an entry that puts its role where it is one of those in fault.
    pub(super) fn refuse_fault(&self, entry: &RoleEntry, faulty: &BTreeSet<PrincipalId>) -> Result<()> {
        let (id, role) = self.role_named(&entry.name)?;
        let before = roles::role(self.snapshot, id)?.and_then(|role| role.reports_to);
        if before == role.reports_to || !faulty.contains(&id) {
            return Ok(());
        }
        let mut next = role.reports_to;
        for _ in 0..=ROLE_DEPTH_MAX {
            let Some(above) = next else { break };
            if above == id {
                let above = entry.reports_to.as_deref().unwrap_or_default();
                return invalid(format!("{} cannot report to {above}: that is below it", entry.name));
            }
            next = roles::role(&self.transaction, above)?.and_then(|role| role.reports_to);
        }
        invalid(format!("more than {ROLE_DEPTH_MAX} roles above one another"))
    }

    /// Makes the named users the holders of a role, and nobody else. Whoever has another role gives it up first.
    pub(super) fn set_holders(&mut self, entry: &RoleEntry) -> Result<()> {
        let (id, _) = self.role_named(&entry.name)?;
        let mut wanted = BTreeSet::new();
        for name in &entry.members {
            wanted.insert(self.user_named(name)?.0);
        }
        for (user, role) in roles::holders(&self.transaction)? {
            if role == id && !wanted.contains(&user) {
                self.transaction.delete(keys::role_of(user));
                let name = name_of(&self.transaction, user)?;
                self.say(&format!("role {}", entry.name), format_args!("{name} no longer has it"));
            }
        }
        for user in wanted {
            if roles::role_of(&self.transaction, user)? != Some(id) {
                self.transaction.put_record(keys::role_of(user), &id)?;
                let name = name_of(&self.transaction, user)?;
                self.say(&format!("role {}", entry.name), format_args!("{name} has it"));
            }
        }
        Ok(())
    }

    /// Removes a role with grants to it and exceptions of it; those that reported to it report to nobody.
    pub(crate) fn remove_role(&mut self, name: &str) -> Result<()> {
        let (id, _) = self.role_named(name)?;
        grants::remove_all_to(&mut self.transaction, Grantee::Role(id), &self.author, self.snapshot.limits())?;
        for (user, role) in roles::holders(&self.transaction)? {
            if role == id {
                self.transaction.delete(keys::role_of(user));
            }
        }
        for (below, mut role) in roles::roles(&self.transaction)? {
            if role.reports_to == Some(id) {
                role.reports_to = None;
                self.transaction.put_record(keys::role(below), &role)?;
            }
        }
        let mut exceptions = roles::exceptions(&self.transaction)?;
        exceptions.retain(|exception| exception.owner_role != id && exception.viewer_role != id);
        self.transaction.put_record(keys::ROLE_EXCEPTIONS.to_vec(), &exceptions)?;
        self.transaction.delete(keys::role_name(name));
        self.transaction.delete(keys::role(id));
        self.say(&format!("role {name}"), "removed");
        Ok(())
    }

    /// Sets what one role has in the calendars of another; `none` takes it away.
    pub(super) fn set_exception(&mut self, entry: &RoleExceptionEntry) -> Result<()> {
        let (owner_role, _) = self.role_named(&entry.owner_role)?;
        let (viewer_role, _) = self.role_named(&entry.viewer_role)?;
        let new = match entry.permission.as_str() {
            NO_EXCEPTION => None,
            word => match RolePermission::from_word(word) {
                Some(permission) => Some(permission),
                None => return invalid("permission is one of: read, read-write, none"),
            },
        };
        let mut exceptions = roles::exceptions(&self.transaction)?;
        let is_this = |exception: &RoleException| exception.owner_role == owner_role && exception.viewer_role == viewer_role;
        let old = exceptions.iter().find(|exception| is_this(exception)).map(|exception| exception.permission);
        if old == new {
            return Ok(());
        }
        exceptions.retain(|exception| !is_this(exception));
        exceptions.extend(new.map(|permission| RoleException { owner_role, viewer_role, permission }));
        if exceptions.len() > ROLE_EXCEPTIONS_MAX {
            return invalid(format!("more than {ROLE_EXCEPTIONS_MAX} role exceptions: give a group or a role a share instead"));
        }
        let subject = format!("role exception of {} in calendars of {}", entry.viewer_role, entry.owner_role);
        let shown = |permission: &Option<RolePermission>| permission.map_or(NO_EXCEPTION, RolePermission::word).to_owned();
        self.say_value(&subject, "permission", &old, &new, shown);
        self.transaction.put_record(keys::ROLE_EXCEPTIONS.to_vec(), &exceptions)
    }

    /// Sets the place of a user or group in the module; `inherit` takes the entry away.
    pub(super) fn set_module(&mut self, entry: &ModuleEntry) -> Result<()> {
        let (id, whom) = match (&entry.user, &entry.group) {
            (Some(user), None) => (self.user_named(user)?.0, format!("user {user}")),
            (None, Some(group)) => (self.group_named(group)?.0, format!("group {group}")),
            _ => return invalid("a place in the module is for exactly one of user, group"),
        };
        let new = match entry.role.as_str() {
            INHERIT => None,
            word => match ModuleRole::from_word(word) {
                Some(role) => Some(role),
                None => return invalid("role is one of: admin, employee, denied, inherit"),
            },
        };
        let old = roles::module_entry(&self.transaction, id)?;
        let shown = |role: &Option<ModuleRole>| role.map_or(INHERIT, ModuleRole::word).to_owned();
        self.say_value(&format!("module {whom}"), "role", &old, &new, shown);
        match new {
            Some(role) => self.transaction.put_record(keys::module_role(id), &role),
            None => {
                self.transaction.delete(keys::module_role(id));
                Ok(())
            }
        }
    }
}
