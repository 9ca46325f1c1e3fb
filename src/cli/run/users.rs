//! `user …`: what each command says to the store, and what of the answer is printed.

use super::{Failure, IfAbsent, Session, cell, hash, password, sure};
use crate::cli::arguments::UserAction;
use crate::command::Command;
use serde_json::Value;
use storage::administration::{SynchronizationEntry, UserEntry};

impl Session {
    pub(super) fn user(&mut self, action: UserAction) -> Result<(), Failure> {
        match action {
            UserAction::Add { name, display_name, email, no_calendar, password_stdin } => {
                let password = password(&name, password_stdin)?;
                let user = UserEntry {
                    name: name.clone(),
                    password_hash: Some(hash(&password)?),
                    display_name,
                    emails: (!email.is_empty()).then_some(email),
                    calendars: no_calendar.then_some(false),
                    ..UserEntry::default()
                };
                let value = self.command(Command::UserAdd { user }, IfAbsent::Create)?;
                self.done(&value, &format!("added user {name}"))
            }
            UserAction::List => {
                let value = self.command(Command::UserList, IfAbsent::Refuse)?;
                self.list(&value, &["NAME", "DISPLAY NAME", "EMAILS"], &["name", "display_name", "emails"])
            }
            UserAction::Passwd { name, password_stdin } => {
                let password_hash = hash(&password(&name, password_stdin)?)?;
                let value = self.command(Command::UserPasswd { name: name.clone(), password_hash }, IfAbsent::Refuse)?;
                self.done(&value, &format!("changed the password of {name}"))
            }
            UserAction::Quota { name, quota } => {
                let value = self.command(Command::UserQuota { name, quota_bytes: quota }, IfAbsent::Refuse)?;
                let of = value.get("allowed_bytes").map_or_else(|| "without a limit".to_owned(), |allowed| format!("of {allowed}"));
                let [home, given] = ["home_bytes", "given_bytes"].map(|key| cell(value.get(key)));
                self.done(&value, &format!("{home} bytes in his own calendars and files, {given} in other people's, {of}"))
            }
            UserAction::Synchronization { name, confidential_activities, private_events, private_tasks } => {
                let change = SynchronizationEntry { confidential_activities, private_events, private_tasks };
                let value = self.command(Command::UserSynchronization { name, change }, IfAbsent::Refuse)?;
                let word = |key: &str| if value.get(key).and_then(Value::as_bool) == Some(true) { "on" } else { "off" };
                let [enabled, events, tasks] = ["confidential_activities", "private_events", "private_tasks"].map(word);
                self.done(&value, &format!("confidential activities {enabled}; private appointments {events}, private tasks {tasks}"))
            }
            UserAction::Remove { name, yes } => {
                sure(yes, &format!("this removes {name} with all shares and puts all calendars into the trash"))?;
                let value = self.command(Command::UserRemove { name: name.clone() }, IfAbsent::Refuse)?;
                self.done(&value, &format!("removed user {name}; `shoji trash list {name}` lists the calendars"))
            }
        }
    }
}
