//! Commands about the organisation: its policy, roles, the calendar module, and administrators' entry for a reason.

use super::{CommandError, named, owner_and_name};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use storage::administration::{Administration, ModuleEntry, PolicyEntry, PolicyValue, RoleExceptionEntry};

/// A command about the organisation with its arguments.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrganisationCommand {
    /// `policy show`
    PolicyShow,
    /// `policy set`, `policy unset`
    PolicySet {
        /// `preset` or a key.
        key: String,
        /// `as-preset` takes back what was set.
        value: String,
    },
    /// `role list`
    RoleList,
    /// `role add`
    RoleAdd {
        /// Which.
        name: String,
        /// The role above.
        reports_to: Option<String>,
    },
    /// `role reports-to`
    RoleReportsTo {
        /// Which.
        name: String,
        /// The role above; absent: none.
        above: Option<String>,
    },
    /// `role remove`
    RoleRemove {
        /// Which.
        name: String,
    },
    /// `role give`
    RoleGive {
        /// Which.
        name: String,
        /// To whom.
        users: Vec<String>,
    },
    /// `role take`
    RoleTake {
        /// From whom.
        users: Vec<String>,
    },
    /// `role exception list`
    ExceptionList,
    /// `role exception set`, `role exception remove`
    ExceptionSet {
        /// Between which roles, and what.
        exception: RoleExceptionEntry,
    },
    /// `module list`
    ModuleList,
    /// `module set`
    ModuleSet {
        /// Whose place, and which.
        entry: ModuleEntry,
    },
    /// `break-glass`
    BreakGlass {
        /// `OWNER/NAME`
        calendar: String,
        /// The administrator.
        admin: String,
        /// What he says to the owner.
        reason: String,
    },
}

/// Executes one command. The value is what `--json` prints.
///
/// # Errors
/// What the store refuses, with words for people.
pub(super) fn execute(administration: &Administration, command: OrganisationCommand) -> Result<Value, CommandError> {
    match command {
        OrganisationCommand::PolicyShow => Ok(json!(administration.policy_values()?)),
        OrganisationCommand::PolicySet { key, value } => {
            let entry = PolicyEntry(BTreeMap::from([(key.clone(), PolicyValue::Word(value))]));
            administration.set_policy(&entry)?;
            let values = administration.policy_values()?;
            Ok(json!(values.into_iter().find(|shown| shown.key == key)))
        }
        OrganisationCommand::RoleList => Ok(json!(administration.roles()?)),
        OrganisationCommand::RoleAdd { name, reports_to } => {
            administration.add_role(&name, reports_to.as_deref())?;
            role(administration, &name)
        }
        OrganisationCommand::RoleReportsTo { name, above } => {
            administration.set_reports_to(&name, above.as_deref())?;
            role(administration, &name)
        }
        OrganisationCommand::RoleRemove { name } => {
            administration.remove_role(&name)?;
            Ok(json!({ "name": name }))
        }
        OrganisationCommand::RoleGive { name, users } => {
            administration.give_role(&name, &users)?;
            role(administration, &name)
        }
        OrganisationCommand::RoleTake { users } => {
            administration.take_role(&users)?;
            Ok(json!({ "users": users }))
        }
        OrganisationCommand::ExceptionList => Ok(json!(administration.role_exceptions()?)),
        OrganisationCommand::ExceptionSet { exception } => {
            administration.set_role_exception(&exception)?;
            Ok(json!(exception))
        }
        OrganisationCommand::ModuleList => Ok(json!(administration.module()?)),
        OrganisationCommand::ModuleSet { entry } => {
            administration.set_module(&entry)?;
            Ok(json!(entry))
        }
        OrganisationCommand::BreakGlass { calendar, admin, reason } => {
            let (owner, name) = owner_and_name(&calendar)?;
            let until = administration.break_glass(owner, name, &admin, &reason);
            Ok(json!({ "calendar": calendar, "admin": admin, "until": until.map_err(|error| named(error, "calendar", &calendar))? }))
        }
    }
}

fn role(administration: &Administration, name: &str) -> Result<Value, CommandError> {
    Ok(json!(administration.roles()?.into_iter().find(|role| role.name == name)))
}
