//! The organisation's policy: for administrators of the calendar module, who can say by it who sees what in general, and of
//! no single calendar; and the entry of one of them into a calendar, which its owner reads of.

use super::call::{Answer, Call};
use super::problem::{Kind, Problem};
use serde::Deserialize;
use serde_json::json;
use storage::administration::OrganisationEntry;

/// `GET /policy`
pub(super) fn get(call: &Call<'_>) -> Result<Answer, Problem> {
    let organisation = call.door.read(|store| store.organisation())?;
    Ok(Answer::ok(json!(organisation)))
}

/// `PUT /policy`
pub(super) fn set(call: &Call<'_>) -> Result<Answer, Problem> {
    let wanted: OrganisationEntry = call.body()?;
    call.door.write(|store| {
        call.precondition(Some(&json!(store.organisation()?)))?;
        let after = store.set_organisation(&wanted)?.map_err(|error| {
            let key = if error.table == "policy" { error.table.to_owned() } else { format!("{}[{}]", error.table, error.index) };
            Problem::new(Kind::Invalid).with_detail(error.message).with_key(key)
        })?;
        // Whoever took himself out of the module's administrators is shown nothing more.
        Ok(after.map_or_else(Answer::done, |after| Answer::ok(json!(after))))
    })
}

/// Why an administrator looks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reason {
    reason: String,
}

/// `POST …/break-glass`
pub(super) fn break_glass(call: &Call<'_>) -> Result<Answer, Problem> {
    let Reason { reason } = call.body()?;
    call.door.write(|store| {
        let until = store.break_glass(call.parameter("owner"), call.parameter("name"), &reason)?;
        Ok(Answer::ok(json!({ "until": until })))
    })
}
