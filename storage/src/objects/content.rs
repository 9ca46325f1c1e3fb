//! What a calendar refuses to hold, whoever writes it: too large, too many, too far away.

use crate::error::{Error, Limit, Result};
use crate::limits::{Limits, MAX_DATE_TIME, MIN_DATE_TIME};
use chrono::{NaiveDateTime, NaiveTime};
use ical::date_time::{parse_date, parse_local, parse_utc};
use ical::{CalendarObject, ComponentKind, ExpansionLimits, recurrence};

/// What a calendar refuses to hold, whoever writes it.
pub(crate) fn check_content(object: &CalendarObject, kinds: &[ComponentKind], limits: &Limits) -> Result<()> {
    let exceeded = |limit| Err(Error::LimitExceeded(limit));
    if !kinds.contains(&object.kind()) {
        return Err(Error::ComponentNotSupported);
    }
    if object.bytes().len() > limits.object_bytes_max {
        return exceeded(Limit::ObjectBytes);
    }
    if object.components().any(|component| component.lines_named("ATTENDEE").count() > limits.attendees_max) {
        return exceeded(Limit::Attendees);
    }
    // The parts of an availability recur each by themselves (RFC 7953 §8).
    let parts = |component: &ical::Component| component.components.iter().filter(|part| part.name == "AVAILABLE").count();
    if object.components().map(|component| 1 + parts(component)).sum::<usize>() > limits.components_max
        || has_too_many_instances(object, limits.instances_max)
    {
        return exceeded(Limit::Instances);
    }
    check_dates(object)
}

/// Every date the object names lies within the bounds, in wall-clock time.
fn check_dates(object: &CalendarObject) -> Result<()> {
    let (min, max) = (parse_utc(MIN_DATE_TIME).map(|min| min.naive_utc()), parse_utc(MAX_DATE_TIME).map(|max| max.naive_utc()));
    let named = ["DTSTART", "DTEND", "DUE", "RDATE", "EXDATE", "RECURRENCE-ID"];
    let lines = object.components().flat_map(|component| &component.lines).filter(|line| named.contains(&line.name.as_str()));
    for date in lines.flat_map(|line| line.value.split([',', '/'])).filter_map(wall_clock) {
        if min.is_some_and(|min| date < min) {
            return Err(Error::LimitExceeded(Limit::Earliest));
        }
        if max.is_some_and(|max| date > max) {
            return Err(Error::LimitExceeded(Limit::Latest));
        }
    }
    Ok(())
}

/// The wall-clock value of a DATE or DATE-TIME.
fn wall_clock(value: &str) -> Option<NaiveDateTime> {
    let value = value.trim();
    let midnight = || parse_date(value).map(|date| date.and_time(NaiveTime::MIN));
    parse_local(value.strip_suffix(['Z', 'z']).unwrap_or(value)).or_else(midnight)
}

/// Whether a series that ends has more instances than the limit. An endless one has no number; what is made of it is bounded
/// wherever it is expanded.
fn has_too_many_instances(object: &CalendarObject, instances_max: usize) -> bool {
    let Some(master) = object.master() else { return false };
    let ends = |rule: &str| rule.split(';').any(|part| matches!(part.get(..6), Some(name) if is_end(name)));
    if master.lines_named("RRULE").any(|line| !ends(&line.value)) {
        return false;
    }
    if master.line("RRULE").is_none() && master.line("RDATE").is_none() {
        return false;
    }
    let instances_max = instances_max.saturating_add(1);
    let limits = ExpansionLimits { instances_max, steps_max: instances_max.saturating_mul(10) };
    recurrence::instance_count(object, &limits) >= instances_max
}

fn is_end(name: &str) -> bool {
    name.eq_ignore_ascii_case("COUNT=") || name.eq_ignore_ascii_case("UNTIL=")
}
