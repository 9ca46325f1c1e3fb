//! `available …`: which calendars others opened to a user, and whether they stand in his home.

use super::{Failure, IfAbsent, Session, cell};
use crate::cli::arguments::available::AvailableAction;
use crate::cli::output;
use crate::command::{AvailableCommand, Command};
use serde_json::{Value, json};
use storage::authorized::Decision;

impl Session {
    pub(super) fn available(&mut self, action: AvailableAction) -> Result<(), Failure> {
        match action {
            AvailableAction::List { user, owner } => self.available_list(&user, owner.as_deref()),
            AvailableAction::Add { user, calendar } => self.decide(&user, calendar, Decision::Added),
            AvailableAction::Hide { user, calendar } => self.decide(&user, calendar, Decision::Hidden),
            AvailableAction::Leave { user, calendar } => self.decide(&user, calendar, Decision::Left),
            AvailableAction::Reset { user, calendar } => self.decide(&user, calendar, Decision::Default),
        }
    }

    fn available_list(&mut self, user: &str, owner: Option<&str>) -> Result<(), Failure> {
        let mut all: Vec<Value> = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let command = AvailableCommand::List { user: user.to_owned(), owner: owner.map(str::to_owned), after: after.clone() };
            let mut page = self.command(Command::Available { action: command }, IfAbsent::Refuse)?;
            if let Some(Value::Array(entries)) = page.get_mut("available").map(Value::take) {
                all.extend(entries);
            }
            let next = page.get("next").and_then(Value::as_str).map(str::to_owned);
            // Owners come in order, so that it ends whatever another version answers.
            if next.is_none() || next <= after {
                break;
            }
            after = next;
        }
        all.sort_by_cached_key(|one| cell(one.get("calendar")));
        self.list(&json!(all), &["CALENDAR", "STATE", "SEES", "MAY"], &["calendar", "state", "sees", "may"])
    }

    fn decide(&mut self, user: &str, calendar: String, state: Decision) -> Result<(), Failure> {
        let command = AvailableCommand::Decide { user: user.to_owned(), calendar, state };
        let value = self.command(Command::Available { action: command }, IfAbsent::Refuse)?;
        if self.json {
            return output::value(&value).map_err(Failure::from);
        }
        let calendar = cell(value.get("calendar"));
        output::line(&match value.get("state").and_then(Value::as_str) {
            Some("added") => format!("{calendar} stands in the home of {user}"),
            Some("available") => format!("{calendar} does not stand in the home of {user}, who reaches it at its owner's address"),
            Some("hidden") => format!("{calendar} is not listed in the home of {user}"),
            _ => format!("{calendar} is gone from the home of {user}"),
        })?;
        Ok(())
    }
}
