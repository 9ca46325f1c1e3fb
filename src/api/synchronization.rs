//! What of a user's own calendars goes to calendars elsewhere and comes back from there: his switches, and a look at it.

use super::call::{Answer, Call};
use super::look::{own_calendar, range};
use super::problem::Problem;
use crate::command::look::objects;
use serde::Deserialize;
use serde_json::json;
use storage::administration::SynchronizationEntry;

/// The switches that are the user's own, whole.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Switches {
    private_events: bool,
    private_tasks: bool,
}

/// `GET /synchronization`
pub(super) fn get(call: &Call<'_>) -> Result<Answer, Problem> {
    let said = call.door.read(|store| store.synchronization())?;
    Ok(Answer::ok(json!(said)))
}

/// `PUT /synchronization`
pub(super) fn set(call: &Call<'_>) -> Result<Answer, Problem> {
    let Switches { private_events, private_tasks } = call.body()?;
    call.door.write(|store| {
        call.precondition(Some(&json!(store.synchronization()?)))?;
        let entry = SynchronizationEntry {
            confidential_activities: None,
            private_events: Some(private_events),
            private_tasks: Some(private_tasks),
        };
        Ok(Answer::ok(json!(store.set_synchronization(entry)?)))
    })
}

/// `GET …/synchronization`
pub(super) fn view(call: &Call<'_>) -> Result<Answer, Problem> {
    let range = range(call)?;
    call.door.read(|store| {
        let calendar = own_calendar(call, store)?;
        Ok(Answer::ok(objects(&store.view_synchronized(&calendar, &range.into())?)))
    })
}
