//! `view-as` and `journal`: what others are shown and did, for people to read.

use super::{Failure, IfAbsent, Session, cell};
use crate::cli::arguments::look::{Journal, ViewAs};
use crate::cli::output;
use crate::command::Command;
use crate::command::look::{Eyes, Form};
use serde_json::Value;

impl Session {
    pub(super) fn view_as(&mut self, asked: ViewAs) -> Result<(), Failure> {
        let (range, eyes) = (asked.range(), asked.eyes());
        let ViewAs { viewer, calendar, .. } = asked;
        let form = if self.json { Form::Objects } else { Form::Stream };
        let none = match eyes {
            Eyes::User => format!("{calendar} does not exist for {viewer}"),
            Eyes::Target => format!("nothing of {calendar} is synchronized for {viewer}"),
        };
        let value = self.command(Command::ViewAs { viewer, eyes, calendar, range, form }, IfAbsent::Refuse)?;
        if self.json {
            return output::value(&value).map_err(Failure::from);
        }
        if value.get("reaches").and_then(Value::as_bool) != Some(true) {
            output::remark(&none);
            return Ok(());
        }
        output::text(value.get("stream").and_then(Value::as_str).unwrap_or_default())?;
        if eyes == Eyes::Target {
            output::remark(&taken_back(&value));
        }
        Ok(())
    }

    pub(super) fn journal(&mut self, Journal { calendar, since }: Journal) -> Result<(), Failure> {
        let value = self.command(Command::Journal { calendar, since }, IfAbsent::Refuse)?;
        if self.json {
            return output::value(&value).map_err(Failure::from);
        }
        let rows: Vec<Vec<String>> = value.as_array().into_iter().flatten().map(row).collect();
        output::table(&["DAY", "LAST", "TIMES", "WHO", "WHAT", "PROGRAM"], &rows)?;
        Ok(())
    }
}

/// What a synchronization takes back.
fn taken_back(value: &Value) -> String {
    let accepts = |key: &str| value.get("accepts").and_then(|accepts| accepts.get(key)).and_then(Value::as_bool) == Some(true);
    let except = match value.get("unchangeable").and_then(Value::as_u64).unwrap_or_default() {
        0 => String::new(),
        1 => ", except of one of which something private is kept back".to_owned(),
        many => format!(", except of {many} of which something private is kept back"),
    };
    let private = match (accepts("private_events"), accepts("private_tasks")) {
        (true, true) => "private appointments and tasks too",
        (true, false) => "private appointments too, private tasks not",
        (false, true) => "private tasks too, private appointments not",
        (false, false) => "nothing that is private",
    };
    format!("taken back: changes and deletions of these{except}; new appointments and tasks, {private}")
}

fn row(entry: &Value) -> Vec<String> {
    // 2026-11-02T12:00:00Z: the time to the minute.
    let last = cell(entry.get("last")).get(11..16).unwrap_or("-").to_owned();
    vec![cell(entry.get("day")), last, cell(entry.get("count")), who(entry), what(entry), cell(entry.get("client"))]
}

fn who(entry: &Value) -> String {
    if let Some(link) = entry.get("link") {
        return format!("whoever has link {}", cell(Some(link)));
    }
    match (entry.get("user"), entry.get("administrator").and_then(Value::as_str)) {
        (Some(user), _) => cell(Some(user)),
        (None, Some("apply")) => "an administrator's file".to_owned(),
        (None, Some(_)) => "an administrator".to_owned(),
        (None, None) => "someone removed since".to_owned(),
    }
}

fn what(entry: &Value) -> String {
    let word = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
    match word("what") {
        "read" => match word("level") {
            "own-entries" => "read what they put in themselves".to_owned(),
            level => format!("read at {level}"),
        },
        "refused" => refused(word("attempt"), word("lacked"), entry.get("object").and_then(Value::as_str)),
        "privacy-kept" => match entry.get("object").and_then(Value::as_str) {
            Some(object) => format!("{object} stayed private, although their program called it otherwise"),
            None => "further events stayed private, although their program called them otherwise".to_owned(),
        },
        "grant" => grant(entry),
        "link-made" | "link-ended" => link(entry, word("what")),
        "break-glass" => format!("opened the calendar until {}, with this reason: {}", word("until"), word("reason")),
        other => other.to_owned(),
    }
}

fn link(entry: &Value, what: &str) -> String {
    let word = |key: &str| entry.get(key).and_then(Value::as_str);
    let (done, Some(id)) = (if what == "link-made" { "made" } else { "ended" }, word("id")) else {
        return format!("{} further links", if what == "link-made" { "made" } else { "ended" });
    };
    let shows = word("object").or(word("level")).unwrap_or("an event");
    let end = word("until").map_or_else(String::new, |until| format!(", until {until}"));
    match word("made_by").filter(|maker| Some(*maker) != word("user")) {
        Some(maker) if done == "ended" => format!("{done} {maker}'s link {id} ({shows}{end})"),
        _ => format!("{done} link {id} ({shows}{end})"),
    }
}

fn refused(attempt: &str, lacked: &str, object: Option<&str>) -> String {
    let tried = match (attempt, object) {
        ("create", _) => "put in an event".to_owned(),
        ("share", _) => "share the calendar".to_owned(),
        ("delete", None) => "delete the calendar or further events".to_owned(),
        ("properties", object) => format!("set properties of {}", object.unwrap_or("an event")),
        (attempt, Some(object)) => format!("{attempt} {object}"),
        (attempt, None) => format!("{attempt} further events"),
    };
    let why = match lacked {
        "same-uid" => "a stored event keeps its UID".to_owned(),
        "share" => "only the owner shares".to_owned(),
        "read" => "they do not see all of it".to_owned(),
        "properties" => "they do not see all of it".to_owned(),
        right => format!("they may not {right}"),
    };
    format!("was refused to {tried}: {why}")
}

fn grant(entry: &Value) -> String {
    let whom = match (entry.get("for_user"), entry.get("for_group"), entry.get("for_role"), entry.get("for_everyone")) {
        (Some(user), ..) => cell(Some(user)),
        (_, Some(group), ..) => format!("group {}", cell(Some(group))),
        (_, _, Some(role), _) => format!("role {}", cell(Some(role))),
        (_, _, _, Some(_)) => "everyone".to_owned(),
        _ => "someone removed since".to_owned(),
    };
    match (terms(entry.get("before")), terms(entry.get("now"))) {
        (None, Some(now)) => format!("shared with {whom}: {now}"),
        (Some(before), Some(now)) => format!("changed the share of {whom}: {before} -> {now}"),
        (Some(before), None) => format!("ended the share of {whom}: {before}"),
        (None, None) => format!("changed the share of {whom}"),
    }
}

fn terms(value: Option<&Value>) -> Option<String> {
    let value = value.filter(|value| !value.is_null())?;
    let mut words = vec![cell(value.get("level"))];
    words.extend(value.get("private_events").map(|word| format!("private events {}", cell(Some(word)))));
    words.extend(value.get("create").map(|_| "may put events in".to_owned()));
    words.extend(value.get("with_places").map(|_| "with places".to_owned()));
    words.extend(value.get("until").map(|until| format!("until {}", cell(Some(until)))));
    Some(words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::who;
    use serde_json::json;

    #[test]
    fn whoever_it_was_the_owner_is_told_in_words() {
        assert_eq!(who(&json!({"user": "bob"})), "bob");
        assert_eq!(who(&json!({"administrator": "apply"})), "an administrator's file");
        assert_eq!(who(&json!({"link": "kx3"})), "whoever has link kx3");
        assert_eq!(who(&json!({})), "someone removed since");
    }
}
