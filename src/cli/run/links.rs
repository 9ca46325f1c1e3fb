//! `link …`: its address is printed once, and stands nowhere else.

use super::{IfAbsent, Session};
use crate::cli::arguments::share::LinkAction;
use crate::cli::output::{self, Failure};
use crate::command::Command;
use serde_json::{Value, json};

impl Session {
    pub(super) fn link(&mut self, action: LinkAction) -> Result<(), Failure> {
        match action {
            LinkAction::Add { target, level, until, note } => {
                let level = level.map(|level| level.level());
                let shown = level.map_or_else(|| format!("{target} in full"), |level| format!("{target} at {}", level.word()));
                let command = Command::LinkAdd { target, level, until, note };
                let mut value = self.command(command, IfAbsent::Refuse)?;
                let address = self.address(&value);
                if let Some(fields) = value.as_object_mut() {
                    fields.insert("url".to_owned(), json!(address));
                }
                if self.json {
                    output::value(&value)?;
                    return Ok(());
                }
                output::line(&format!("{address}      a page for people"))?;
                output::line(&format!("{address}.ics  for calendar programs"))?;
                output::remark(&format!("whoever has this address sees {shown}; it is not shown again"));
                Ok(())
            }
            LinkAction::List { calendar } => {
                let value = self.command(Command::LinkList { calendar }, IfAbsent::Refuse)?;
                let keys = ["id", "calendar", "object", "level", "until", "note", "made_by", "created", "last_used", "uses"];
                let headings = ["ID", "CALENDAR", "EVENT", "LEVEL", "UNTIL", "NOTE", "MADE BY", "CREATED", "LAST USED", "USES"];
                self.list(&value, &headings, &keys)
            }
            LinkAction::Remove { id } => {
                let value = self.command(Command::LinkRemove { id: id.clone() }, IfAbsent::Refuse)?;
                self.done(&value, &format!("ended link {id}"))
            }
        }
    }

    /// The address under which people reach a link, as far as the configuration tells; else its path.
    fn address(&self, value: &Value) -> String {
        let path = value.get("url").and_then(Value::as_str).unwrap_or_default();
        let site = self.config.external_url.as_deref().unwrap_or_default().trim_end_matches('/');
        format!("{site}{}{path}", self.config.base_path)
    }
}
