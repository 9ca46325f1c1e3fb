//! Histories and trash: for the owner alone, whoever else reaches the calendar.

use super::call::{Answer, Call};
use super::problem::{Kind, Problem};
use serde::Deserialize;
use serde_json::{Value, json};
use storage::AuthorizedStore;
use storage::authorized::Calendar;

/// What to bring back of an object.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Restore {
    /// Absent: the object out of the trash.
    version: Option<u64>,
}

/// How a calendar is to come back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RestoreCalendar {
    /// Absent: under the name it had.
    name: Option<String>,
}

fn own_calendar(call: &Call<'_>, store: &AuthorizedStore<'_>) -> Result<Calendar, Problem> {
    Ok(store.own_calendar(call.parameter("owner"), call.parameter("name"))?)
}

/// Answers as reading the answer's owner would: a condition is on what GET of the same path shows.
fn versions(call: &Call<'_>, store: &AuthorizedStore<'_>, calendar: &Calendar) -> Result<Value, Problem> {
    Ok(json!(store.object_history(calendar, call.parameter("object"))?))
}

/// `GET …/history`
pub(super) fn calendar(call: &Call<'_>) -> Result<Answer, Problem> {
    call.door.read(|store| {
        let calendar = own_calendar(call, store)?;
        Ok(Answer::ok(json!({ "history": store.history(&calendar)? })))
    })
}

/// `GET …/history/{object}`
pub(super) fn object(call: &Call<'_>) -> Result<Answer, Problem> {
    call.door.read(|store| {
        let calendar = own_calendar(call, store)?;
        Ok(Answer::ok(versions(call, store, &calendar)?))
    })
}

/// `GET …/history/{object}/{version}`
pub(super) fn version(call: &Call<'_>) -> Result<Answer, Problem> {
    call.door.read(|store| {
        let calendar = own_calendar(call, store)?;
        let number = call.parameter("version").parse().map_err(|_| Problem::not_found())?;
        Ok(Answer::ok(json!(store.version_text(&calendar, call.parameter("object"), number)?)))
    })
}

/// `POST …/history/{object}`
pub(super) fn restore(call: &Call<'_>) -> Result<Answer, Problem> {
    let Restore { version } = call.body()?;
    call.door.write(|store| {
        let calendar = own_calendar(call, store)?;
        call.precondition(Some(&versions(call, store, &calendar)?))?;
        let name = store.restore_object(&calendar, call.parameter("object"), version)?;
        Ok(Answer::ok(json!({ "object": name })))
    })
}

/// `DELETE …/history/{object}`
pub(super) fn purge(call: &Call<'_>) -> Result<Answer, Problem> {
    call.door.write(|store| {
        let calendar = own_calendar(call, store)?;
        call.precondition(Some(&versions(call, store, &calendar)?))?;
        store.purge_object(&calendar, call.parameter("object"))?;
        Ok(Answer::done())
    })
}

/// `GET /trash`
pub(super) fn trash(call: &Call<'_>) -> Result<Answer, Problem> {
    call.door.read(|store| Ok(Answer::ok(json!({ "trash": store.trash()? }))))
}

/// `POST /trash/{calendar}`
pub(super) fn restore_calendar(call: &Call<'_>) -> Result<Answer, Problem> {
    let RestoreCalendar { name } = call.body()?;
    call.door.write(|store| {
        let restored = store.restore_calendar(call.parameter("calendar"), name.as_deref());
        let name = restored.map_err(|error| match error {
            storage::Error::Exists => Problem::new(Kind::Conflict).with_detail("The name is taken: give another.").with_key("name"),
            error => error.into(),
        })?;
        Ok(Answer::ok(json!({ "calendar": name })))
    })
}

/// `DELETE /trash/{calendar}`
pub(super) fn purge_calendar(call: &Call<'_>) -> Result<Answer, Problem> {
    call.door.write(|store| {
        store.purge_calendar(call.parameter("calendar"))?;
        Ok(Answer::done())
    })
}
