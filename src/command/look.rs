//! Commands by which one looks at what others are shown of a calendar, and at what they did.

use super::{CommandError, named, owner_and_name};
use chrono::NaiveDate;
use serde_json::{Value, json};
use std::sync::Arc;
use storage::Store;

/// `journal`
pub(super) fn journal(store: &Arc<Store>, calendar: &str, since: Option<NaiveDate>) -> Result<Value, CommandError> {
    let (owner, name) = owner_and_name(calendar)?;
    Ok(json!(store.administration().journal(owner, name, since).map_err(|error| named(error, "calendar", calendar))?))
}
