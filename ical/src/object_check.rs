//! What makes a body a calendar object resource (RFC 4791 §4.1), as a column of checks in the order in which they speak.
//!
//! Refusals quote nothing of the body.

use crate::calendar_object::{CalendarObject, ComponentKind, InvalidObject, RawTime, RecurrenceId, raw_time};
use crate::content_line::{self, Component, ContentLine, ParseError, ParseLimits, unescape_text};
use crate::date_time::{Duration, parse_duration, parse_utc};
use crate::rule_grammar::{Frequency, parse_rule};
use crate::time_zone::Zone;
use std::collections::{BTreeSet, HashSet};

/// Properties with one DATE or DATE-TIME.
const SINGLE_TIMES: [&str; 4] = ["DTSTART", "DTEND", "DUE", "RECURRENCE-ID"];
/// Properties with a list of them, or of periods.
const TIME_LISTS: [&str; 2] = ["RDATE", "EXDATE"];
/// Properties whose meaning would be in doubt if they stood twice.
const ONCE: [&str; 7] = ["UID", "DTSTART", "DTEND", "DUE", "DURATION", "RECURRENCE-ID", "RRULE"];
/// Parameters whose meaning would be in doubt if they stood twice.
const ONCE_PARAMETERS: [&str; 3] = ["VALUE", "TZID", "RANGE"];
/// Components that stand inside of others only.
const INNER: [&str; 4] = ["VALARM", "AVAILABLE", "STANDARD", "DAYLIGHT"];

/// What is known once the structure is checked.
pub(crate) struct Read {
    pub(crate) text: String,
    pub(crate) calendar: Component,
    pub(crate) kind: ComponentKind,
    pub(crate) uid: String,
}

/// Reads the text and checks all that needs no time zone.
pub(crate) fn read(bytes: &[u8], limits: &ParseLimits) -> Result<Read, InvalidObject> {
    if bytes.len() > limits.bytes_max {
        return Err(InvalidObject::TooLarge);
    }
    let text = utf8(bytes)?;
    let calendar = content_line::parse(text, limits).map_err(|error| malformed(text, &error))?;
    check_calendar(&calendar)?;
    let kind = one_kind(&calendar)?;
    check_nesting(text, &calendar)?;
    let components = || calendar.components.iter().filter(|component| component.name == kind.name());
    for component in components() {
        check_multiplicity(text, component)?;
    }
    let uid = one_uid(text, components())?;
    if components().filter(|component| component.line("RECURRENCE-ID").is_none()).count() > 1 {
        return Err(InvalidObject::InvalidResource("more than one component without RECURRENCE-ID"));
    }
    Ok(Read { text: text.to_owned(), kind, uid, calendar })
}

/// iCalendar streams are UTF-8 (RFC 5545 §3.1.4).
pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, InvalidObject> {
    std::str::from_utf8(bytes).map_err(|error| {
        let line = 1 + bytes.iter().take(error.valid_up_to()).filter(|byte| **byte == b'\n').count();
        InvalidObject::InvalidData { line, reason: "not UTF-8" }
    })
}

/// A text that does not even begin as a calendar. Whoever sent it has said that it is one, so that it is not valid rather than
/// of another media type (RFC 4791 §5.3.2.1).
const NO_CALENDAR: InvalidObject = InvalidObject::InvalidData { line: 1, reason: "no BEGIN:VCALENDAR" };

/// The error of a text that cannot be parsed.
pub(crate) fn malformed(text: &str, error: &ParseError) -> InvalidObject {
    let start = text.trim_start_matches(['\u{feff}', '\r', '\n']);
    match start.get(.."BEGIN:VCALENDAR".len()) {
        Some(begin) if begin.eq_ignore_ascii_case("BEGIN:VCALENDAR") => {
            InvalidObject::InvalidData { line: error.line, reason: error.reason }
        }
        _ => NO_CALENDAR,
    }
}

fn check_calendar(calendar: &Component) -> Result<(), InvalidObject> {
    if calendar.name != "VCALENDAR" {
        return Err(NO_CALENDAR);
    }
    let mut versions = calendar.lines_named("VERSION");
    match (versions.next(), versions.next()) {
        (Some(version), None) if version.value.trim() == "2.0" => {}
        (Some(_), None) => return Err(InvalidObject::NotCalendarData("VERSION is not 2.0")),
        // Of this media type, but not valid (RFC 5545 §3.6).
        (None, _) => return Err(InvalidObject::InvalidData { line: 1, reason: "no VERSION" }),
        (Some(_), Some(_)) => return Err(InvalidObject::InvalidData { line: 1, reason: "VERSION twice" }),
    }
    if calendar.lines_named("CALSCALE").any(|line| !line.value.trim().eq_ignore_ascii_case("GREGORIAN")) {
        return Err(InvalidObject::NotCalendarData("CALSCALE is not GREGORIAN"));
    }
    if calendar.line("METHOD").is_some() {
        return Err(InvalidObject::InvalidResource("a METHOD"));
    }
    Ok(())
}

/// The kind of the components; those of unknown names may stand beside, never alone.
fn one_kind(calendar: &Component) -> Result<ComponentKind, InvalidObject> {
    let mut kind = None;
    let mut unknown = false;
    for component in calendar.components.iter().filter(|component| component.name != "VTIMEZONE") {
        match ComponentKind::from_name(&component.name) {
            Some(found) if kind.is_none_or(|kind| kind == found) => kind = Some(found),
            Some(_) => return Err(InvalidObject::InvalidResource("more than one kind of component")),
            None => unknown = true,
        }
    }
    match kind {
        Some(kind) => Ok(kind),
        None if unknown => Err(InvalidObject::UnsupportedComponent),
        None => Err(InvalidObject::InvalidResource("no component")),
    }
}

/// Events inside of events, alarms outside of them and the like: readers disagree on what they would be.
fn check_nesting(text: &str, calendar: &Component) -> Result<(), InvalidObject> {
    let is_outer = |name: &str| matches!(name, "VCALENDAR" | "VTIMEZONE") || ComponentKind::from_name(name).is_some();
    let mut inside: Vec<&Component> = Vec::new();
    for component in &calendar.components {
        if component.name == "VCALENDAR" || INNER.contains(&component.name.as_str()) {
            return Err(invalid_at(text, component.span.start, "a component in the wrong place"));
        }
        inside.extend(&component.components);
    }
    while let Some(component) = inside.pop() {
        if is_outer(&component.name) {
            return Err(invalid_at(text, component.span.start, "a component in the wrong place"));
        }
        inside.extend(&component.components);
    }
    Ok(())
}

fn check_multiplicity(text: &str, component: &Component) -> Result<(), InvalidObject> {
    let mut seen = [false; ONCE.len()];
    for line in &component.lines {
        let seen = ONCE.iter().zip(&mut seen).find_map(|(name, seen)| (*name == line.name).then_some(seen));
        if seen.is_some_and(|seen| std::mem::replace(seen, true)) {
            return Err(invalid(text, line, "a property that may stand once stands twice"));
        }
        let repeated = |name: &&str| line.parameters.iter().filter(|parameter| parameter.name == **name).count() > 1;
        if line.parameters.len() > 1 && ONCE_PARAMETERS.iter().any(repeated) {
            return Err(invalid(text, line, "a parameter that may stand once stands twice"));
        }
    }
    if component.line("EXRULE").is_some() {
        return Err(InvalidObject::InvalidResource("EXRULE is not supported"));
    }
    Ok(())
}

fn one_uid<'a>(text: &str, components: impl Iterator<Item = &'a Component>) -> Result<String, InvalidObject> {
    let mut uid: Option<String> = None;
    for component in components {
        let line = component.line("UID").ok_or_else(|| invalid_at(text, component.span.start, "a component without UID"))?;
        let found = unescape_text(&line.value);
        if found.trim().is_empty() {
            return Err(invalid(text, line, "an empty UID"));
        }
        if uid.as_ref().is_some_and(|uid| *uid != found) {
            return Err(InvalidObject::InvalidResource("more than one UID"));
        }
        uid = Some(found);
    }
    uid.ok_or(InvalidObject::InvalidResource("no component"))
}

/// The TZIDs of all DATE-TIME values, each once.
pub(crate) fn tzids(calendar: &Component) -> BTreeSet<&str> {
    let inner = calendar.components.iter().flat_map(|component| &component.components);
    let of_interest = calendar.components.iter().chain(inner).filter(|component| component.name != "VTIMEZONE");
    let times = of_interest.flat_map(|component| &component.lines).filter(|line| bears_time(line));
    times.filter_map(|line| line.parameter("TZID")).collect()
}

fn bears_time(line: &ContentLine) -> bool {
    SINGLE_TIMES.contains(&line.name.as_str()) || TIME_LISTS.contains(&line.name.as_str())
}

/// Checks all dates, times, durations, rules and RECURRENCE-IDs of the object.
pub(crate) fn check_times(object: &CalendarObject) -> Result<(), InvalidObject> {
    let text = object.text();
    for component in object.components() {
        check_component_times(object, component)?;
        for inner in component.components.iter().filter(|inner| inner.name == "AVAILABLE") {
            check_component_times(object, inner)?;
            if ["UID", "DTSTART"].iter().any(|name| inner.line(name).is_none()) {
                return Err(invalid_at(text, inner.span.start, "an AVAILABLE without UID or DTSTART"));
            }
        }
        // The moment at which an alarm was seen to, which programs compare with alarms' own (RFC 9074 §6.1).
        let alarms = component.components.iter().filter(|inner| inner.name == "VALARM");
        for line in alarms.flat_map(|alarm| alarm.lines_named("ACKNOWLEDGED")) {
            parse_utc(line.value.trim()).ok_or_else(|| invalid(text, line, "an ACKNOWLEDGED that is not in UTC"))?;
        }
        if object.kind() == ComponentKind::Event && component.line("DTSTART").is_none() {
            return Err(invalid_at(text, component.span.start, "a VEVENT without DTSTART"));
        }
    }
    check_recurrence_ids(object)
}

fn check_component_times(object: &CalendarObject, component: &Component) -> Result<(), InvalidObject> {
    let text = object.text();
    for line in &component.lines {
        if SINGLE_TIMES.contains(&line.name.as_str()) {
            check_time(object, line, &line.value)?;
        } else if TIME_LISTS.contains(&line.name.as_str()) {
            for value in line.value.split(',') {
                check_listed_time(object, line, value)?;
            }
        } else if line.name == "RRULE" {
            check_rule(text, line)?;
        }
    }
    check_end(object, component)
}

/// A readable value whose TZID stands for something.
fn check_time<'a>(object: &CalendarObject, line: &'a ContentLine, value: &str) -> Result<RawTime<'a>, InvalidObject> {
    let time = raw_time(line, value).ok_or_else(|| invalid(object.text(), line, "an unreadable date or time"))?;
    match time {
        RawTime::Zoned(_, tzid) if Zone::iana(tzid).is_none() && object.zone(tzid).is_none() => {
            Err(InvalidObject::UnknownTimeZone { line: line_number(object.text(), line.span.start) })
        }
        _ => Ok(time),
    }
}

/// One value of an EXDATE or RDATE: a time or, on RDATE with VALUE=PERIOD, a period (RFC 5545 §3.3.9).
fn check_listed_time(object: &CalendarObject, line: &ContentLine, value: &str) -> Result<(), InvalidObject> {
    let unreadable = || invalid(object.text(), line, "an unreadable period");
    let is_period = line.name == "RDATE" && line.parameter("VALUE").is_some_and(|value| value.eq_ignore_ascii_case("PERIOD"));
    if !is_period {
        return check_time(object, line, value).map(|_| ());
    }
    let (start, end) = value.split_once('/').ok_or_else(unreadable)?;
    let start = check_time(object, line, start)?;
    match parse_duration(end.trim()) {
        Some(duration) if !is_negative(&duration) => Ok(()),
        Some(_) => Err(unreadable()),
        None if check_time(object, line, end)?.naive() < start.naive() => Err(unreadable()),
        None => Ok(()),
    }
}

fn check_rule(text: &str, line: &ContentLine) -> Result<(), InvalidObject> {
    let rule = parse_rule(line.value.trim()).ok_or_else(|| invalid(text, line, "a malformed recurrence rule"))?;
    if rule.frequency > Frequency::Hourly {
        return Err(InvalidObject::TooManyInstances);
    }
    Ok(())
}

/// DURATION, alone and beside an end (RFC 5545 §3.6.1, §3.6.2). An end that cannot be one is no reason to refuse what a client
/// has in its calendar: [`states_end`] passes it over.
fn check_end(object: &CalendarObject, component: &Component) -> Result<(), InvalidObject> {
    let text = object.text();
    let end_line = component.line("DTEND").or_else(|| component.line("DUE"));
    if let Some(line) = component.line("DURATION") {
        let duration = parse_duration(line.value.trim()).ok_or_else(|| invalid(text, line, "an unreadable duration"))?;
        if is_negative(&duration) {
            return Err(invalid(text, line, "a negative duration"));
        }
        // Thunderbird with libical wrote `DURATION:PT0S` beside the end of an edited instance: nothing is meant by it.
        if end_line.is_some() && duration != Duration::default() {
            return Err(invalid(text, line, "a DURATION beside an end"));
        }
    }
    match end_line.filter(|line| !states_end(object, component, line)) {
        // Nothing but its times is in these, so that there would be nothing to keep.
        Some(line) if matches!(object.kind(), ComponentKind::FreeBusy | ComponentKind::Availability) => {
            Err(invalid(text, line, "an end that is not after DTSTART"))
        }
        _ => Ok(()),
    }
}

/// Whether a DTEND or DUE says when its component ends: it has the value type of DTSTART and is not before it (RFC 5545
/// §3.8.2.2, §3.8.2.3). Some clients wrote others; they and most servers take such an event for one without an end.
pub(crate) fn states_end(object: &CalendarObject, component: &Component, end_line: &ContentLine) -> bool {
    let Some(start_line) = component.line("DTSTART") else { return true };
    let (Some(start), Some(end)) = (raw_time(start_line, &start_line.value), raw_time(end_line, &end_line.value)) else { return true };
    let is_date = |time: &RawTime<'_>| matches!(time, RawTime::Date(_));
    is_date(&start) == is_date(&end) && !ends_before(object, (start_line, &start), (end_line, &end))
}

/// Compares wall-clock times where both have the same form, instants where both are ones; else nothing can be said.
fn ends_before(object: &CalendarObject, start: (&ContentLine, &RawTime<'_>), end: (&ContentLine, &RawTime<'_>)) -> bool {
    let comparable = match (start.1, end.1) {
        (RawTime::Zoned(_, a), RawTime::Zoned(_, b)) => a == b,
        (RawTime::Floating(_), other) | (other, RawTime::Floating(_)) => matches!(other, RawTime::Floating(_)),
        (RawTime::Date(_), _) | (RawTime::Utc(_), RawTime::Utc(_)) => true,
        _ => false,
    };
    if comparable {
        return end.1.naive() < start.1.naive();
    }
    if matches!((start.1, end.1), (RawTime::Floating(_), _) | (_, RawTime::Floating(_))) {
        return false;
    }
    let utc = Zone::utc();
    match (object.date_or_time(start.0), object.date_or_time(end.0)) {
        (Some(start), Some(end)) => end.to_utc(&utc) < start.to_utc(&utc),
        _ => false,
    }
}

/// Every override names another instance, in the form the master's DTSTART has; with RANGE for those after it, never before.
fn check_recurrence_ids(object: &CalendarObject) -> Result<(), InvalidObject> {
    let text = object.text();
    let start = object.master().and_then(|master| master.line("DTSTART")).and_then(|line| raw_time(line, &line.value));
    let mut seen: HashSet<RecurrenceId> = HashSet::new();
    for component in object.components() {
        let Some(line) = component.line("RECURRENCE-ID") else { continue };
        if line.parameter("RANGE").is_some_and(|range| !range.eq_ignore_ascii_case("THISANDFUTURE")) {
            return Err(InvalidObject::InvalidResource("a RANGE that is not THISANDFUTURE"));
        }
        let id = object.replaced(component).ok_or_else(|| invalid(text, line, "an unreadable date or time"))?;
        if start.is_some_and(|start| matches!(start, RawTime::Date(_)) != id.is_date()) {
            return Err(InvalidObject::InvalidResource("a RECURRENCE-ID of another value type than DTSTART"));
        }
        if !seen.insert(RecurrenceId::of(&id)) {
            return Err(InvalidObject::InvalidResource("the same RECURRENCE-ID twice"));
        }
    }
    Ok(())
}

fn is_negative(duration: &Duration) -> bool {
    duration.days < 0 || duration.seconds < 0
}

fn invalid(text: &str, line: &ContentLine, reason: &'static str) -> InvalidObject {
    invalid_at(text, line.span.start, reason)
}

fn invalid_at(text: &str, position: usize, reason: &'static str) -> InvalidObject {
    InvalidObject::InvalidData { line: line_number(text, position), reason }
}

fn line_number(text: &str, position: usize) -> usize {
    1 + text.bytes().take(position).filter(|byte| *byte == b'\n').count()
}
