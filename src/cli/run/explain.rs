//! `explain`: reasons as sentences.

use super::{Failure, IfAbsent, Session, cell};
use crate::cli::arguments::look::Explain;
use crate::cli::output;
use crate::command::Command;
use serde_json::Value;

impl Session {
    pub(super) fn explain(&mut self, asked: Explain) -> Result<(), Failure> {
        let eyes = asked.eyes();
        let Explain { calendar, viewer, object, .. } = asked;
        let value = self.command(Command::Explain { calendar, viewer, object, eyes }, IfAbsent::Refuse)?;
        if self.json {
            return output::value(&value).map_err(Failure::from);
        }
        for line in sentences(&value) {
            output::line(&line)?;
        }
        Ok(())
    }
}

/// Privacies in the order in which they are told, by their keys.
const PRIVACIES: [&str; 4] = ["standard", "public", "confidential", "private"];

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn is(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or_default()
}

fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// An explanation as people read it.
fn sentences(value: &Value) -> Vec<String> {
    let (calendar, viewer) = (text(value, "calendar"), text(value, "viewer"));
    let viewer = if is(value, "target") { &format!("what {viewer} synchronizes with") } else { viewer };
    let mut lines = vec![match (is(value, "owner"), is(value, "reaches")) {
        (true, _) => format!("{calendar} is {viewer}'s own: they see everything and may do everything."),
        (_, false) => format!("{calendar} does not exist for {viewer}."),
        _ => format!("{viewer} sees of {calendar}:"),
    }];
    if is(value, "reaches") && !is(value, "owner") {
        lines.extend(rights(value, widens(value)).into_iter().map(|line| format!("  {line}")));
    }
    lines.push("Why:".to_owned());
    lines.extend(value.get("synchronization").map(|said| format!("  {}", synchronization(said))));
    lines.extend(
        list(value, "sources")
            .filter(|one| text(one, "source") != "synchronized")
            .flat_map(|one| source(one, widens(value)))
            .map(|line| format!("  {line}")),
    );
    if is(value, "reaches") && !is(value, "owner") && !is(value, "target") {
        lines.extend(rules(value));
    }
    for later in list(value, "later") {
        let at = text(later, "at");
        if is(later, "reaches") {
            lines.push(format!("From {at} on, by itself:"));
            lines.extend(rights(later, widens(value)).into_iter().map(|line| format!("  {line}")));
        } else {
            lines.push(format!("From {at} on, by itself, {calendar} does not exist for {viewer}."));
        }
    }
    lines.extend(value.get("object").into_iter().flat_map(|told| object(told, viewer)));
    lines
}

/// Why as many private items are synchronized as are.
fn synchronization(said: &Value) -> String {
    let on: Vec<&str> = [("private_events", "appointments"), ("private_tasks", "tasks")]
        .into_iter()
        .filter_map(|(key, word)| is(said, key).then_some(word))
        .collect();
    let they = if on.is_empty() {
        "they switched on nothing private".to_owned()
    } else {
        format!("they switched on private {}", on.join(" and "))
    };
    let enabled = if is(said, "confidential_activities") { "has" } else { "has not" };
    format!("It is their own calendar; an administrator {enabled} enabled them for confidential activities, and {they}.")
}

/// Whether there are public events here at all.
fn widens(value: &Value) -> bool {
    value.get("class_public").is_some_and(|chosen| text(chosen, "word") == "public")
}

/// What is seen and may be done, privacies that are alike together.
fn rights(value: &Value, widens: bool) -> Vec<String> {
    let mut alike: Vec<(Vec<&str>, String)> = Vec::new();
    for privacy in PRIVACIES.into_iter().filter(|privacy| widens || *privacy != "public") {
        let told = value.get(privacy).map(of_privacy).unwrap_or_default();
        match alike.iter_mut().find(|(_, known)| *known == told) {
            Some((privacies, _)) => privacies.push(privacy),
            None => alike.push((vec![privacy], told)),
        }
    }
    let mut lines: Vec<String> = alike.into_iter().map(|(privacies, told)| format!("{} events: {told}", privacies.join(" and "))).collect();
    if is(value, "with_places") {
        lines.push("places with the titles".to_owned());
    }
    if let Some(kinds) = value.get("private_kinds").and_then(Value::as_array).filter(|kinds| !kinds.is_empty()) {
        let kinds: Vec<&str> = kinds.iter().map(|kind| if kind == "VTODO" { "tasks" } else { "appointments" }).collect();
        lines.push(format!("of confidential and private ones, {} alone", kinds.join(" and ")));
    }
    lines.push(if is(value, "create") { "may put events in" } else { "may put no events in" }.to_owned());
    lines
}

fn of_privacy(cell: &Value) -> String {
    let seen = seen(text(cell, "visibility"));
    match (is(cell, "edit"), is(cell, "delete")) {
        (true, true) => format!("{seen}; may change and delete them"),
        (true, false) => format!("{seen}; may change them, not delete them"),
        (false, true) => format!("{seen}; may delete them, not change them"),
        (false, false) => seen.to_owned(),
    }
}

fn seen(visibility: &str) -> &'static str {
    match visibility {
        "free-busy" => "busy time only",
        "title" => "times and titles",
        "full" => "everything",
        _ => "nothing",
    }
}

/// One source: what it is, what it says, whether it counts, what was taken from it.
fn source(value: &Value, widens: bool) -> Vec<String> {
    let decides: Vec<&str> = list(value, "decides").filter_map(Value::as_str).filter(|privacy| widens || *privacy != "public").collect();
    let decides = match decides.as_slice() {
        [] => String::new(),
        privacies => format!(" It decides for {} events.", privacies.join(" and ")),
    };
    let until = match value.get("until") {
        Some(until) => format!(" Until {}.", cell(Some(until))),
        None => String::new(),
    };
    let told = match text(value, "source") {
        "owner" => "They own the calendar.".to_owned(),
        "grant" => return grant(value, &decides, widens),
        "mode" => format!("The organisation's mode is {}.{decides}", text(value, "word")),
        "superior" => format!("Their role stands above the owner's.{decides}"),
        "role-exception" => format!("Their role has an exception in calendars of the owner's role: {}.{decides}", text(value, "word")),
        "administrator" => format!("Administrators see everything.{decides}"),
        "opened" => format!("As an administrator they opened this calendar, with a reason that its owner can read.{until}{decides}"),
        "module-denied" => "The calendar module does not exist for them: nothing else counts.".to_owned(),
        "organisation" => format!("The organisation's rules.{until}{decides}"),
        _ => "Nothing is shared with them.".to_owned(),
    };
    vec![told]
}

fn grant(value: &Value, decides: &str, widens: bool) -> Vec<String> {
    let whom = match (value.get("user"), value.get("group"), value.get("role"), value.get("everyone")) {
        (Some(user), ..) => cell(Some(user)),
        (_, Some(group), ..) => format!("group {}", cell(Some(group))),
        (_, _, Some(role), _) => format!("role {}", cell(Some(role))),
        _ => "everyone".to_owned(),
    };
    let terms = value.get("grant");
    let mut says = vec![terms.map(|terms| text(terms, "level")).unwrap_or_default().to_owned()];
    if let Some(terms) = terms {
        says.extend(terms.get("private_events").map(|word| format!("private events {}", cell(Some(word)))));
        says.extend(terms.get("create").map(|_| "may put events in".to_owned()));
        says.extend(terms.get("with_places").map(|_| "with places".to_owned()));
        says.extend(terms.get("until").map(|until| format!("until {}", cell(Some(until)))));
    }
    let state = match text(value, "state") {
        "capped" => format!("It counts, brought down to {} by the organisation's limit for such shares.", text(value, "cap")),
        "paused" => "It is paused: it counts, and gives nothing.".to_owned(),
        "expired" => "It is past its end: it counts as none until the owner removes or renews it.".to_owned(),
        "less-specific" => "It is passed over: a share with somebody more specific decides.".to_owned(),
        _ => "It counts.".to_owned(),
    };
    let mut lines = vec![format!("The share with {whom}: {}. {state}{decides}", says.join(", "))];
    if let Some(otherwise) = value.get("would_give") {
        let standard = otherwise.get("standard").map(of_privacy).unwrap_or_default();
        let private = otherwise.get("private").map(of_privacy).unwrap_or_default();
        let public = if widens { otherwise.get("public").map(|cell| format!(", of public ones {}", of_privacy(cell))) } else { None };
        lines.push(format!(
            "  Without that it would give of standard events {standard}{}, of private ones {private}.",
            public.unwrap_or_default()
        ));
    }
    lines
}

/// What private marks and CLASS:PUBLIC do here.
fn rules(value: &Value) -> Vec<String> {
    let by = |chosen: &Value| {
        if text(chosen, "by") == "calendar" { "as its owner chose for this calendar" } else { "as the organisation chose" }
    };
    let mut lines = Vec::new();
    if let Some(chosen) = value.get("private_events") {
        let how = match text(chosen, "word") {
            "hidden" => "not shown at all",
            "editors" => "shown whole to people who may edit, and not at all to others",
            _ => "busy time and nothing more",
        };
        lines.push(format!("Under shares that say nothing else, private events are {how}, {}.", by(chosen)));
    }
    if let Some(chosen) = value.get("class_public") {
        let how =
            if text(chosen, "word") == "public" { "makes an event visible to everyone who sees anything" } else { "makes no difference" };
        lines.push(format!("An event marked CLASS:PUBLIC: the mark {how}, {}.", by(chosen)));
    }
    lines
}

fn object(value: &Value, viewer: &str) -> Vec<String> {
    let name = text(value, "name");
    let mut lines = vec![match value.get("shown_as").and_then(Value::as_str) {
        None => format!("{name} does not exist for {viewer}:"),
        Some(shown) if shown == name => format!("{name} is shown to {viewer} under its own name:"),
        Some(shown) => format!("{name} is shown to {viewer} as {shown}:"),
    }];
    for component in list(value, "components") {
        let which = match component.get("recurrence_id").and_then(Value::as_str) {
            None => "the event".to_owned(),
            Some(id) => format!("the exception for {id}"),
        };
        let why = match text(component, "because") {
            "access" => format!("as of {} events", text(component, "privacy")),
            "personal" => "because they put it there themselves or were invited to it".to_owned(),
            "not-listed" => "because it is cancelled, declined by the owner, or takes no time".to_owned(),
            "beside-editable" => "so that whoever edits the rest knows that there is more".to_owned(),
            _ => "because it cannot be put into what they may see".to_owned(),
        };
        lines.push(format!("  {which} is {}: {}, {why}", text(component, "privacy"), seen(text(component, "shown"))));
    }
    let may = match (is(value, "edit"), is(value, "delete")) {
        (true, true) => "they may change and delete it",
        (true, false) => "they may change it, not delete it",
        (false, true) => "they may delete it, not change it",
        (false, false) => "they may neither change nor delete it",
    };
    lines.push(format!("  {may}"));
    lines
}

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]
    use super::*;
    use serde_json::json;

    #[test]
    fn a_person_reads_what_is_seen_why_and_until_when() {
        let cell = |visibility: &str| json!({ "visibility": visibility, "edit": false, "delete": false });
        let holds = |standard: &str, private: &str| {
            json!({ "reaches": standard != "hidden", "owner": false, "create": false, "with_places": false, "standard": cell(standard),
                "public": cell(standard), "confidential": cell(private), "private": cell(private) })
        };
        let mut value = holds("title", "free-busy");
        let mut later = holds("hidden", "hidden");
        later["at"] = json!("2027-01-01T00:00:00Z");
        let more = json!({
            "calendar": "alice/work", "viewer": "bob",
            "sources": [
                { "source": "grant", "state": "capped", "group": "team", "cap": "titles", "grant": { "level": "edit", "until": "2027-01-01T00:00:00Z" },
                  "would_give": holds("full", "free-busy"), "decides": ["standard", "public", "confidential", "private"] },
                { "source": "grant", "state": "less-specific", "everyone": true, "grant": { "level": "free-busy" }, "decides": [] },
            ],
            "private_events": { "word": "busy", "by": "organisation" }, "class_public": { "word": "standard", "by": "calendar" },
            "later": [later],
            "object": { "name": "talk.ics", "shown_as": null, "edit": false, "delete": false,
                "components": [{ "recurrence_id": null, "privacy": "standard", "allowed": "title", "shown": "hidden", "because": "not-listed" }] },
        });
        value.as_object_mut().into_iter().for_each(|all| all.extend(more.as_object().cloned().into_iter().flatten()));
        let told = sentences(&value).join("\n");
        let expected = "bob sees of alice/work:\n  standard events: times and titles\n  confidential and private events: busy time only\n  may put no events in\n\
            Why:\n  The share with group team: edit, until 2027-01-01T00:00:00Z. It counts, brought down to titles by the organisation's limit for such shares. It decides for standard and confidential and private events.\n    Without that it would give of standard events everything, of private ones busy time only.\n  The share with everyone: free-busy. It is passed over: a share with somebody more specific decides.\n\
            Under shares that say nothing else, private events are busy time and nothing more, as the organisation chose.\n\
            An event marked CLASS:PUBLIC: the mark makes no difference, as its owner chose for this calendar.\n\
            From 2027-01-01T00:00:00Z on, by itself, alice/work does not exist for bob.\n\
            talk.ics does not exist for bob:\n  the event is standard: nothing, because it is cancelled, declined by the owner, or takes no time\n  they may neither change nor delete it";
        assert_eq!(told, expected);
    }
}
