//! Calendars compared by what they say.

use super::{Arguments, Context, codes, difference};
use crate::calendar;
use crate::normal::{self, Filter};

/// How a calendar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    Json,
}

/// `calendarDataMatch`, `jcalDataMatch`: the body says what a file (`filepath`) or text (`data`) says, but for what `filter` names.
/// Before a filter, `!` takes away one of the server's description. Time zones count with `doTimezones`, and where the server
/// does not offer them by reference.
pub(super) fn matches(context: &Context<'_>, mut arguments: Arguments, format: Format) -> Result<(), String> {
    let (files, texts) = (arguments.list("filepath"), arguments.list("data"));
    let mut filters = arguments.list("filter");
    let statuses = arguments.take("status").map_or_else(|| Ok(vec![200, 201, 207]), |given| codes(&given))?;
    let time_zones = match arguments.take("doTimezones") {
        Some(values) => values.iter().any(|value| value.trim() == "true"),
        None => !context.server.features.contains("timezones-by-reference"),
    };
    arguments.end()?;
    context.expect_status(&statuses)?;
    if context.answer.body.is_empty() {
        return Err("there is no body".to_owned());
    }
    let expected = match texts.as_slice() {
        [text] if files.is_empty() => text.clone(),
        _ => context.file(&files)?,
    };
    if !context.server.features.contains("EMAIL parameter") {
        filters.extend(["ATTENDEE:EMAIL", "ORGANIZER:EMAIL"].map(str::to_owned));
    }
    filters.extend(context.server.calendar_filters.iter().cloned());
    let kept: Vec<String> = filters.iter().filter_map(|filter| filter.strip_prefix('!')).map(str::to_owned).collect();
    filters.retain(|filter| !filter.starts_with('!') && !kept.contains(filter));
    let filter = Filter { leave_out: filters, time_zones };
    let read = |text: &str| match format {
        Format::Text => calendar::parse(text),
        Format::Json => calendar::parse_json(text),
    };
    let expected = read(&expected).map_err(|words| format!("the file is no calendar: {words}"))?;
    let found = read(&context.answer.body).map_err(|words| format!("the body is no calendar: {words}"))?;
    let (expected, found) = (normal::lines(&expected, &filter), normal::lines(&found, &filter));
    if expected == found {
        return Ok(());
    }
    Err(format!("the calendar differs from the file\n{}", difference(&expected, &found)))
}
