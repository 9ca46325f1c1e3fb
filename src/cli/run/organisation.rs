//! `policy …`, `role …`, `module …`, `break-glass`: what each command says to the store, and what of the answer is printed.

use super::{Failure, IfAbsent, Session, cell};
use crate::cli::arguments::organisation::{BreakGlass, ExceptionAction, ModuleAction, Permission, PolicyAction, RoleAction};
use crate::command::{Command, OrganisationCommand};
use serde_json::Value;
use storage::administration::{ModuleEntry, RoleExceptionEntry};

/// The value that leaves a key to the preset.
const AS_PRESET: &str = "as-preset";

/// Truths of a key as `policy set` takes them and a file has them, `true` and `false`.
fn as_written(entry: &mut Value) {
    for value in entry.as_object_mut().into_iter().flat_map(|entry| entry.values_mut()) {
        if let Value::Bool(truth) = value {
            *value = Value::String(truth.to_string());
        }
    }
}

impl Session {
    fn organisation(&mut self, action: OrganisationCommand) -> Result<Value, Failure> {
        self.command(Command::Organisation { action: Box::new(action) }, IfAbsent::Refuse)
    }

    pub(super) fn policy(&mut self, action: PolicyAction) -> Result<(), Failure> {
        match action {
            PolicyAction::Show { key } => {
                let mut value = self.organisation(OrganisationCommand::PolicyShow)?;
                if let (Some(key), Some(all)) = (&key, value.as_array_mut()) {
                    all.retain(|entry| entry.get("key").and_then(Value::as_str) == Some(key));
                    if all.is_empty() {
                        return Err(Failure::refused(
                            "invalid",
                            format!("{key:?} is no key of the policy; `shoji policy show` lists them"),
                        ));
                    }
                }
                if !self.json {
                    value.as_array_mut().into_iter().flatten().for_each(as_written);
                }
                self.list(&value, &["KEY", "VALUE", "FROM", "VALUES"], &["key", "value", "from", "values"])
            }
            PolicyAction::Set { key, value } => self.set_policy(&key, value),
            PolicyAction::Unset { key } => self.set_policy(&key, AS_PRESET.to_owned()),
        }
    }

    fn set_policy(&mut self, key: &str, value: String) -> Result<(), Failure> {
        let mut value = self.organisation(OrganisationCommand::PolicySet { key: key.to_owned(), value })?;
        if !self.json {
            as_written(&mut value);
        }
        self.done(&value, &format!("{key} is {} ({})", cell(value.get("value")), cell(value.get("from"))))
    }

    pub(super) fn role(&mut self, action: RoleAction) -> Result<(), Failure> {
        let (command, line) = match action {
            RoleAction::List => {
                let value = self.organisation(OrganisationCommand::RoleList)?;
                return self.list(&value, &["NAME", "REPORTS TO", "MEMBERS"], &["name", "reports_to", "members"]);
            }
            RoleAction::Exception(action) => return self.role_exception(action),
            RoleAction::Add { name, reports_to } => {
                let line = format!("added role {name}");
                (OrganisationCommand::RoleAdd { name, reports_to }, line)
            }
            RoleAction::ReportsTo { name, above } => {
                let line = format!("{name} reports to {}", above.as_deref().unwrap_or("nobody"));
                (OrganisationCommand::RoleReportsTo { name, above }, line)
            }
            RoleAction::Give { name, users } => {
                let line = format!("{name}: {}", users.join(", "));
                (OrganisationCommand::RoleGive { name, users }, line)
            }
            RoleAction::Take { users } => {
                let line = format!("without a role: {}", users.join(", "));
                (OrganisationCommand::RoleTake { users }, line)
            }
            RoleAction::Remove { name } => {
                let line = format!("removed role {name}");
                (OrganisationCommand::RoleRemove { name }, line)
            }
        };
        let value = self.organisation(command)?;
        self.done(&value, &line)
    }

    fn role_exception(&mut self, action: ExceptionAction) -> Result<(), Failure> {
        let exception = match action {
            ExceptionAction::List => {
                let value = self.organisation(OrganisationCommand::ExceptionList)?;
                let keys = ["owner_role", "viewer_role", "permission"];
                return self.list(&value, &["IN CALENDARS OF", "FOR", "PERMISSION"], &keys);
            }
            ExceptionAction::Set { owner_role, viewer_role, permission } => {
                let permission = match permission {
                    Permission::Read => "read",
                    Permission::ReadWrite => "read-write",
                };
                RoleExceptionEntry { owner_role, viewer_role, permission: permission.to_owned() }
            }
            ExceptionAction::Remove { owner_role, viewer_role } => {
                RoleExceptionEntry { owner_role, viewer_role, permission: "none".to_owned() }
            }
        };
        let line = format!("{} in calendars of {}: {}", exception.viewer_role, exception.owner_role, exception.permission);
        let value = self.organisation(OrganisationCommand::ExceptionSet { exception })?;
        self.done(&value, &line)
    }

    pub(super) fn module(&mut self, action: ModuleAction) -> Result<(), Failure> {
        match action {
            ModuleAction::List => {
                let value = self.organisation(OrganisationCommand::ModuleList)?;
                self.list(&value, &["USER", "GROUP", "ROLE"], &["user", "group", "role"])
            }
            ModuleAction::Set { of, role } => {
                let whom = of.user.clone().or_else(|| of.group.as_ref().map(|group| format!("group {group}"))).unwrap_or_default();
                let entry = ModuleEntry { user: of.user, group: of.group, role: role.word().to_owned() };
                let value = self.organisation(OrganisationCommand::ModuleSet { entry })?;
                self.done(&value, &format!("{whom}: {}", role.word()))
            }
        }
    }

    pub(super) fn break_glass(&mut self, BreakGlass { calendar, admin, reason }: BreakGlass) -> Result<(), Failure> {
        let command = OrganisationCommand::BreakGlass { calendar: calendar.clone(), admin: admin.clone(), reason };
        let value = self.organisation(command)?;
        let line = format!("{calendar} is open to {admin} until {}; its owner reads the reason in the journal", cell(value.get("until")));
        self.done(&value, &line)
    }
}
