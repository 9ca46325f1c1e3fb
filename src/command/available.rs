//! Calendars that others opened to a user: what the commands about them do, and how one is shown to programs.

use super::CommandError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use storage::Store;
use storage::administration::AvailableTo;
use storage::authorized::{Available, Decision};

/// `available …`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum AvailableCommand {
    /// `list`: some of them
    List {
        /// To whom.
        user: String,
        /// Of one owner.
        owner: Option<String>,
        /// Only those of owners who come after this one.
        after: Option<String>,
    },
    /// `add`, `hide`, `leave`, `reset`
    Decide {
        /// For whom.
        user: String,
        /// `OWNER/NAME`, or the id that is listed.
        calendar: String,
        /// What.
        state: Decision,
    },
}

pub(super) fn execute(store: &Arc<Store>, command: AvailableCommand) -> Result<Value, CommandError> {
    let administration = store.administration();
    match command {
        AvailableCommand::List { user, owner, after } => {
            let listed = administration.available(&user, owner.as_deref(), after.as_deref())?;
            Ok(json!({ "available": listed.entries.iter().map(entry).collect::<Vec<_>>(), "next": listed.next }))
        }
        AvailableCommand::Decide { user, calendar, state } => Ok(entry(&administration.decide(&user, &calendar, state)?)),
    }
}

fn entry(one: &AvailableTo) -> Value {
    let mut value = available_value(&one.available);
    if let Some(members) = value.as_object_mut() {
        members.insert("calendar".to_owned(), json!(one.path));
    }
    value
}

/// One of them as its user may know it.
pub fn available_value(available: &Available) -> Value {
    json!({
        "id": available.calendar.name(),
        "name": available.display_name,
        "owner": available.calendar.owner(),
        "owner_name": available.owner_name,
        "state": available.standing,
        "sees": available.sees,
        "may": available.may(),
    })
}
