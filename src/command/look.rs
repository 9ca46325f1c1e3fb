//! Commands by which one looks at what others are shown of a calendar, and at what they did.

use super::{CommandError, named, owner_and_name};
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use storage::Store;
use storage::preview::{ComponentKind, Preview};

/// A range of time: from `start`, which is in it, to `end`, which is not; without one it is open there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Range {
    /// Inclusive.
    pub start: Option<DateTime<Utc>>,
    /// Exclusive.
    pub end: Option<DateTime<Utc>>,
}

impl Range {
    /// The week, from Monday on, in which a day lies; days are those of UTC.
    pub fn week_of(day: NaiveDate) -> Self {
        let monday = day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday()))).unwrap_or(day);
        let start = midnight(monday);
        Self { start: Some(start), end: start.checked_add_days(Days::new(7)) }
    }

    /// That it ends after it begins.
    ///
    /// # Errors
    /// It does not.
    pub fn check(self) -> Result<Self, CommandError> {
        match (self.start, self.end) {
            (Some(start), Some(end)) if end <= start => Err(CommandError::new("invalid", "the end is not after the start")),
            _ => Ok(self),
        }
    }
}

impl From<Range> for storage::preview::TimeRange {
    fn from(range: Range) -> Self {
        Self { start: range.start, end: range.end }
    }
}

/// A moment: a day, which begins at midnight UTC, or a date-time with its zone (RFC 3339).
///
/// # Errors
/// With what to write instead.
pub fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(midnight(day));
    }
    let read = DateTime::parse_from_rfc3339(text).map(|moment| moment.with_timezone(&Utc));
    read.map_err(|_| "a day like 2026-11-02, or a moment with its zone like 2026-11-02T09:00:00Z".to_owned())
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// With whose eyes one looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Eyes {
    /// The user's.
    #[default]
    User,
    /// Those of what the user's own calendars are synchronized with.
    Target,
}

/// In which form a preview is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Each object with name and tag.
    Objects,
    /// One stream of iCalendar.
    Stream,
}

/// `explain`
pub(super) fn explain(
    store: &Arc<Store>,
    calendar: &str,
    (viewer, eyes): (&str, Eyes),
    object: Option<&str>,
) -> Result<Value, CommandError> {
    let (owner, name) = owner_and_name(calendar)?;
    let explained = match eyes {
        Eyes::User => store.administration().explain(viewer, owner, name, object),
        Eyes::Target => store.administration().explain_synchronized(viewer, owner, name, object),
    };
    Ok(json!(explained.map_err(|error| named(error, "object", object.unwrap_or_default()))?))
}

/// `view-as`
pub(super) fn view_as(
    store: &Arc<Store>,
    (viewer, eyes): (&str, Eyes),
    calendar: &str,
    range: Range,
    form: Form,
) -> Result<Value, CommandError> {
    let (owner, name) = owner_and_name(calendar)?;
    let range = range.check()?.into();
    let preview = match eyes {
        Eyes::User => store.administration().view_as(viewer, owner, name, &range)?,
        Eyes::Target => store.administration().view_synchronized(viewer, owner, name, &range)?,
    };
    Ok(match form {
        Form::Objects => objects(&preview),
        Form::Stream => {
            let fixed = preview.objects.iter().filter(|object| !object.rights().edit).count();
            json!({ "reaches": preview.reaches, "stream": preview.stream(), "unchangeable": fixed, "accepts": accepts(&preview) })
        }
    })
}

/// A preview as programs read it: each object with the name, the tag and the bytes that the viewer's client gets, and what he
/// may do with it.
pub(crate) fn objects(preview: &Preview) -> Value {
    let object = |object: &storage::preview::VisibleObject| {
        let (rights, data) = (object.rights(), String::from_utf8_lossy(object.bytes()));
        json!({ "name": object.name(), "etag": object.etag(), "edit": rights.edit, "delete": rights.delete, "data": data })
    };
    let mut value = json!({ "reaches": preview.reaches, "objects": preview.objects.iter().map(object).collect::<Vec<_>>() });
    if let (Some(fields), Some(accepts)) = (value.as_object_mut(), accepts(preview)) {
        fields.insert("accepts".to_owned(), accepts);
    }
    value
}

/// Which private items a synchronization would take in; none where nothing is synchronized.
fn accepts(preview: &Preview) -> Option<Value> {
    let includes = |kind| preview.private_items.map(|items| items.include(kind));
    Some(json!({ "private_events": includes(ComponentKind::Event)?, "private_tasks": includes(ComponentKind::ToDo)? }))
}

/// `journal`
pub(super) fn journal(store: &Arc<Store>, calendar: &str, since: Option<NaiveDate>) -> Result<Value, CommandError> {
    let (owner, name) = owner_and_name(calendar)?;
    Ok(json!(store.administration().journal(owner, name, since).map_err(|error| named(error, "calendar", calendar))?))
}
