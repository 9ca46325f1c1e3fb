//! Links that the user made or that lead to calendars of his: what they show is `webdav::link`'s.

use super::call::{Answer, Call};
use super::problem::{Kind, Problem};
use crate::command::{calendar_and_event, link_value};
use acl::Level;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use storage::authorized::{LinkEntry, NewLink};

/// A link to be made, in the keys of a listed one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    calendar: String,
    object: Option<String>,
    level: Option<Level>,
    until: Option<DateTime<Utc>>,
    note: Option<String>,
}

/// `GET /links`
pub(super) fn list(call: &Call<'_>) -> Result<Answer, Problem> {
    let entries = call.door.read(|store| store.links())?;
    Ok(Answer::ok(json!({ "link": entries })))
}

/// `POST /links`: the one answer that holds the address.
pub(super) fn make(call: &Call<'_>) -> Result<Answer, Problem> {
    let Wanted { calendar, object, level, until, note } = call.body()?;
    let Ok(((owner, name), None)) = calendar_and_event(&calendar) else {
        return Err(Problem::new(Kind::Invalid).with_detail("A calendar is named OWNER/NAME.").with_key("calendar"));
    };
    let segments: Vec<&str> = std::iter::once(name).chain(object.as_deref()).collect();
    let made = call.door.write(|store| {
        let resource = store.resolve(owner, &segments)?;
        store.add_link(&resource, &NewLink { level, until, note })
    })?;
    let href = call.href(&["links", &made.entry.id]);
    let site = call.context.site;
    let address = format!("{}{}", site.external_authority.as_deref().unwrap_or_default(), site.base_path);
    Ok(Answer::created(link_value(&made, &address), href))
}

/// `GET /links/{id}`
pub(super) fn get(call: &Call<'_>) -> Result<Answer, Problem> {
    let entries = call.door.read(|store| store.links())?;
    Ok(Answer::ok(one(&entries, call)?))
}

/// `DELETE /links/{id}`
pub(super) fn remove(call: &Call<'_>) -> Result<Answer, Problem> {
    let id = call.parameter("id");
    call.door.write(|store| {
        call.precondition(Some(&one(&store.links()?, call)?))?;
        store.remove_link(id)?;
        Ok(Answer::done())
    })
}

fn one(entries: &[LinkEntry], call: &Call<'_>) -> Result<Value, Problem> {
    let entry = entries.iter().find(|entry| entry.id == call.parameter("id"));
    Ok(json!(entry.ok_or(Problem::not_found())?))
}
