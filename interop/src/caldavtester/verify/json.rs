//! JSON bodies, by pointers (RFC 6901) in which a segment `.` stands for every member.

use super::{Arguments, Context, codes};
use serde_json::Value;

/// `jsonPointerMatch`: pointers that lead somewhere (`exists`; behind `~$` a value one of them has, behind `~~` null) and that do not
/// (`notexists`).
pub(super) fn matches(context: &Context<'_>, mut arguments: Arguments) -> Result<(), String> {
    let statuses = arguments.take("status").map_or_else(|| Ok(vec![200]), |given| codes(&given))?;
    let (exists, absent) = (arguments.list("exists"), arguments.list("notexists"));
    arguments.end()?;
    context.expect_status(&statuses)?;
    let kind = context.answer.header("Content-Type").first().map(|value| value.split(';').next().unwrap_or_default().trim().to_owned());
    match kind.as_deref() {
        Some(kind) if kind == "application/json" || kind.ends_with("+json") => {}
        other => return Err(format!("the media type is {other:?}, expected JSON")),
    }
    let json: Value = serde_json::from_str(&context.answer.body).map_err(|error| format!("the body is not JSON: {error}"))?;
    let mut wrong = Vec::new();
    for rule in &exists {
        let (pointer, value) = match (rule.split_once("~$"), rule.split_once("~~")) {
            (Some((pointer, value)), _) => (pointer, Some(value)),
            (_, Some((pointer, _))) => (pointer, Some("null")),
            _ => (rule.as_str(), None),
        };
        let found = find(&json, pointer)?;
        if found.is_empty() {
            wrong.push(format!("{pointer} leads nowhere"));
        } else if value.is_some_and(|value| !found.iter().any(|other| text(other) == value)) {
            wrong.push(format!(
                "{pointer} is {}, expected {}",
                found.iter().map(|value| text(value)).collect::<Vec<_>>().join(", "),
                value.unwrap_or_default()
            ));
        }
    }
    for rule in &absent {
        let pointer = rule.split_once("~$").map_or(rule.as_str(), |(pointer, _)| pointer);
        if !find(&json, pointer)?.is_empty() {
            wrong.push(format!("{pointer} leads somewhere"));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The values that a pointer leads to.
///
/// # Errors
/// It is no pointer.
pub(crate) fn find<'a>(json: &'a Value, pointer: &str) -> Result<Vec<&'a Value>, String> {
    let rest = pointer.strip_prefix('/').ok_or_else(|| format!("`{pointer}` is no JSON pointer"))?;
    let mut here = vec![json];
    for segment in rest.split('/').filter(|_| !rest.is_empty()) {
        let key = segment.replace("~1", "/").replace("~0", "~");
        here = here
            .into_iter()
            .flat_map(|value| -> Vec<&Value> {
                match value {
                    Value::Object(members) if key == "." => members.values().collect(),
                    Value::Object(members) => members.get(&key).into_iter().collect(),
                    Value::Array(members) if key == "." => members.iter().collect(),
                    Value::Array(members) if key == "-" => members.last().into_iter().collect(),
                    Value::Array(members) => key.parse().ok().and_then(|index: usize| members.get(index)).into_iter().collect(),
                    _ => Vec::new(),
                }
            })
            .collect();
    }
    Ok(here)
}
