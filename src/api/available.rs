//! Calendars that others opened to the user: which there are, so many at a time, and whether they stand in his home.

use super::call::{Answer, Call};
use super::path::encoded;
use super::problem::Problem;
use crate::command::available_value;
use serde::Deserialize;
use serde_json::{Value, json};
use storage::authorized::{Available, Decision, Standing};
use webdav::href::Hrefs;

/// What he decides about one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Decided {
    state: Decision,
}

fn shown(call: &Call<'_>, available: &Available) -> Value {
    let hrefs = Hrefs::new(call.context.site);
    let mounted = matches!(available.standing, Standing::Added | Standing::Hidden);
    let mut value = available_value(available);
    if let Some(members) = value.as_object_mut() {
        if mounted {
            members.insert("path".to_owned(), hrefs.calendar(&available.calendar).into());
        }
        if let Some(at_owner) = &available.at_owner {
            members.insert("owner_path".to_owned(), hrefs.calendar(at_owner).into());
        }
    }
    value
}

/// `GET /available`
pub(super) fn list(call: &Call<'_>) -> Result<Answer, Problem> {
    let page = call.door.read(|store| store.available(call.query("owner"), call.query("after")))?;
    let mut answer = json!({ "available": page.entries.iter().map(|one| shown(call, one)).collect::<Vec<_>>() });
    if let (Some(owner), Some(members)) = (page.next, answer.as_object_mut()) {
        members.insert("next".to_owned(), format!("{}?after={}", call.href(&["available"]), encoded(&owner)).into());
    }
    Ok(Answer::ok(answer))
}

/// `GET /available/{id}`
pub(super) fn get(call: &Call<'_>) -> Result<Answer, Problem> {
    let one = call.door.read(|store| store.available_named(call.parameter("id")))?;
    Ok(Answer::ok(shown(call, &one)))
}

/// `PUT /available/{id}`
pub(super) fn decide(call: &Call<'_>) -> Result<Answer, Problem> {
    let Decided { state } = call.body()?;
    call.door.write(|store| {
        let one = store.available_named(call.parameter("id"))?;
        call.precondition(Some(&shown(call, &one)))?;
        store.decide(&one, state)?;
        Ok(Answer::ok(shown(call, &store.available_named(call.parameter("id"))?)))
    })
}
