//! What the owner of a calendar can learn of others' view of it and of what they did in it. For her alone.

use super::call::{Answer, Call};
use super::problem::{Kind, Problem};
use crate::command::look::{Range, moment, objects};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;
use storage::AuthorizedStore;
use storage::authorized::Calendar;

pub(super) fn own_calendar(call: &Call<'_>, store: &AuthorizedStore<'_>) -> Result<Calendar, Problem> {
    Ok(store.own_calendar(call.parameter("owner"), call.parameter("name"))?)
}

/// The range of the query.
pub(super) fn range(call: &Call<'_>) -> Result<Range, Problem> {
    let range = Range { start: when(call, "start")?, end: when(call, "end")? };
    range.check().map_err(|_| refused("end", "The end is not after the start."))
}

/// A moment of the query, if it is there.
fn when(call: &Call<'_>, name: &'static str) -> Result<Option<DateTime<Utc>>, Problem> {
    let read = call.query(name).map(moment).transpose();
    read.map_err(|_| refused(name, "Expected a day like 2026-11-02, or a moment with its zone like 2026-11-02T09:00:00Z."))
}

fn refused(name: &'static str, words: &str) -> Problem {
    Problem::new(Kind::BadRequest).with_detail(words).with_key(name)
}

/// `GET …/explain`
pub(super) fn explain(call: &Call<'_>) -> Result<Answer, Problem> {
    let viewer = call.required("viewer")?;
    call.door.read(|store| {
        let calendar = own_calendar(call, store)?;
        Ok(Answer::ok(json!(store.explain(&calendar, viewer, call.query("object"))?)))
    })
}

/// `GET …/view-as`
pub(super) fn view_as(call: &Call<'_>) -> Result<Answer, Problem> {
    let viewer = call.required("viewer")?;
    let range = range(call)?;
    call.door.read(|store| {
        let calendar = own_calendar(call, store)?;
        Ok(Answer::ok(objects(&store.view_as(&calendar, viewer, &range.into())?)))
    })
}

/// `GET …/journal`
pub(super) fn journal(call: &Call<'_>) -> Result<Answer, Problem> {
    let since = call.query("since").map(str::parse::<NaiveDate>).transpose();
    let since = since.map_err(|_| refused("since", "Expected a day like 2026-11-02."))?;
    call.door.read(|store| {
        let calendar = own_calendar(call, store)?;
        Ok(Answer::ok(json!({ "journal": store.journal(&calendar, since)? })))
    })
}
