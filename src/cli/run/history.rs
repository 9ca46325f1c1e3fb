//! `history`, `restore`, `trash …`: what each command says to the store, and what of the answer is printed.

use super::{Failure, IfAbsent, Session, cell, sure};
use crate::cli::arguments::history::{History, Restore, TrashAction};
use crate::cli::output;
use crate::command::Command;
use serde_json::Value;
use storage::administration::Versions;

impl Session {
    pub(super) fn history(&mut self, asked: History) -> Result<(), Failure> {
        let History { place, show, limit } = asked;
        let value = self.command(Command::History { place, show, limit }, IfAbsent::Refuse)?;
        if self.json {
            output::value(&value)?;
        } else if let Some(text) = value.get("text").and_then(Value::as_str) {
            output::text(&format!("{}\n", text.trim_end()))?;
        } else if let Some(versions) = value.get("versions").and_then(Value::as_array) {
            let rows: Vec<Vec<String>> = versions.iter().map(|version| version_cells(version).to_vec()).collect();
            output::table(&["VERSION", "WHEN", "WHO", "PROGRAM", "WHAT", "BYTES"], &rows)?;
        } else {
            let rows = value.as_array().into_iter().flatten().map(|entry| {
                let [number, at, by, client, what, _] = version_cells(entry.get("last").unwrap_or(&Value::Null));
                let earlier = cell(entry.get("earlier"));
                vec![cell(entry.get("name")), at, by, client, what, number, earlier, cell(entry.get("id"))]
            });
            output::table(&["OBJECT", "WHEN", "WHO", "PROGRAM", "WHAT", "VERSION", "EARLIER", "ID"], &rows.collect::<Vec<_>>())?;
        }
        Ok(())
    }

    pub(super) fn restore(&mut self, asked: Restore) -> Result<(), Failure> {
        let Restore { place, version, name, to } = asked;
        let value = self.command(Command::Restore { place, version, name, to }, IfAbsent::Refuse)?;
        let path: Vec<&str> = ["owner", "calendar", "object"].iter().filter_map(|key| value.get(key).and_then(Value::as_str)).collect();
        self.done(&value, &format!("restored {}", path.join("/")))
    }

    pub(super) fn trash(&mut self, action: TrashAction) -> Result<(), Failure> {
        match action {
            TrashAction::List { owner } => {
                let value = self.command(Command::TrashList { owner }, IfAbsent::Refuse)?;
                if self.json {
                    output::value(&value)?;
                    return Ok(());
                }
                let rows = value.as_array().into_iter().flatten().map(|entry| {
                    let removed = entry.get("owner_removed").and_then(Value::as_bool).unwrap_or_default();
                    let owner = cell(entry.get("owner")) + if removed { " (removed)" } else { "" };
                    let [calendar, object, deleted, client] = ["calendar", "object", "deleted", "client"].map(|key| cell(entry.get(key)));
                    let [until, id] = ["until", "id"].map(|key| cell(entry.get(key)));
                    vec![owner, calendar, object, deleted, author(entry.get("by")), client, until, id]
                });
                output::table(&["OWNER", "CALENDAR", "OBJECT", "DELETED", "BY", "PROGRAM", "UNTIL", "ID"], &rows.collect::<Vec<_>>())?;
                Ok(())
            }
            TrashAction::Purge { place, versions, yes } => {
                sure(yes, &format!("this removes for good what is in the trash of {place}"))?;
                let versions = if versions { Versions::Purge } else { Versions::Keep };
                let value = self.command(Command::TrashPurge { place, versions }, IfAbsent::Refuse)?;
                let [calendars, objects, versions] = ["calendars", "objects", "versions"].map(|key| cell(value.get(key)));
                self.done(&value, &format!("{calendars} calendars, {objects} objects, {versions} earlier versions are gone for good"))
            }
        }
    }
}

fn version_cells(version: &Value) -> [String; 6] {
    let [number, at, client, what, bytes] = ["number", "at", "client", "what", "bytes"].map(|key| cell(version.get(key)));
    [number, at, author(version.get("by")), client, what, bytes]
}

fn author(by: Option<&Value>) -> String {
    let text = |key: &str| by.and_then(|by| by.get(key)).and_then(Value::as_str);
    match (text("user"), text("kind")) {
        (Some(user), Some("removed-user")) => format!("{user} (removed)"),
        (Some(user), _) => user.to_owned(),
        (None, Some("machine")) => "administrator".to_owned(),
        _ => "-".to_owned(),
    }
}
