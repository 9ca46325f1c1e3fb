//! Histories, restoring, trash: what the commands about them do.

use super::{CommandError, named};
use serde_json::{Value, json};
use std::sync::Arc;
use storage::administration::{RestoreCalendar, Versions};
use storage::{Error, Store};

/// Entries of a calendar's history that one answer may hold.
const ENTRIES_MAX: usize = 10_000;

/// `OWNER[/CALENDAR[/OBJECT]]`.
pub(super) struct Place<'a> {
    owner: &'a str,
    calendar: Option<&'a str>,
    object: Option<&'a str>,
}

impl<'a> Place<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, CommandError> {
        let mut parts = text.split('/');
        let (owner, calendar, object) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        let whole = parts.next().is_none() && !owner.is_empty() && ![calendar, object].contains(&Some(""));
        match whole {
            true => Ok(Self { owner, calendar, object }),
            false => Err(CommandError::new("invalid", format!("`{text}` is not OWNER/CALENDAR or OWNER/CALENDAR/OBJECT"))),
        }
    }
    fn calendar(&self) -> Result<&'a str, CommandError> {
        self.calendar.ok_or_else(|| CommandError::new("invalid", format!("`{}` names no calendar: say OWNER/CALENDAR", self.owner)))
    }
}

/// `history`
pub(super) fn history(store: &Arc<Store>, place: &str, show: Option<u64>, limit: usize) -> Result<Value, CommandError> {
    let administration = store.administration();
    let at = Place::parse(place)?;
    let calendar = at.calendar()?;
    let missing = |error| match show {
        Some(number) => named(error, &format!("version {number} of"), place),
        None => named(error, "object", place),
    };
    match (at.object, show) {
        (None, None) => Ok(json!(administration.history(at.owner, calendar, limit.min(ENTRIES_MAX)).map_err(missing)?)),
        (None, Some(_)) => Err(CommandError::new("invalid", "a version is of one object: say OWNER/CALENDAR/OBJECT")),
        (Some(object), None) => Ok(json!(administration.object_history(at.owner, calendar, object).map_err(missing)?)),
        (Some(object), Some(number)) => Ok(json!(administration.version_text(at.owner, calendar, object, number).map_err(missing)?)),
    }
}

/// What a restored thing is to be.
pub(super) struct Restore<'a> {
    pub(super) place: &'a str,
    pub(super) version: Option<u64>,
    pub(super) name: Option<String>,
    pub(super) to: Option<String>,
}

/// `restore`
pub(super) fn restore(store: &Arc<Store>, asked: Restore<'_>) -> Result<Value, CommandError> {
    let administration = store.administration();
    let at = Place::parse(asked.place)?;
    let calendar = at.calendar()?;
    let Some(object) = at.object else {
        if asked.version.is_some() {
            return Err(CommandError::new("invalid", "a version is of one object: say OWNER/CALENDAR/OBJECT"));
        }
        let owner = asked.to.as_deref().unwrap_or(at.owner).to_owned();
        let restore = RestoreCalendar { owner: at.owner.to_owned(), calendar: calendar.to_owned(), name: asked.name, to: asked.to };
        let name = administration.restore_calendar(&restore)?;
        return Ok(json!({ "owner": owner, "calendar": name }));
    };
    if asked.name.is_some() || asked.to.is_some() {
        return Err(CommandError::new("invalid", "only a calendar takes another name or owner when it is restored"));
    }
    let restored = administration.restore_object(at.owner, calendar, object, asked.version);
    let name = restored.map_err(|error| match error {
        Error::UidConflict { name } => CommandError::new(
            "refused",
            format!("{name} in {}/{calendar} has the same UID: delete it first, or restore a version of it", at.owner),
        ),
        error => named(error, "version or deleted object", asked.place),
    })?;
    Ok(json!({ "owner": at.owner, "calendar": calendar, "object": name }))
}

/// `trash list`
pub(super) fn trash(store: &Arc<Store>, owner: Option<&str>) -> Result<Value, CommandError> {
    Ok(json!(store.administration().trash(owner)?))
}

/// `trash purge`
pub(super) fn purge(store: &Arc<Store>, place: &str, versions: Versions) -> Result<Value, CommandError> {
    let at = Place::parse(place)?;
    Ok(json!(store.administration().purge_trash(at.owner, at.calendar, at.object, versions)?))
}
