//! Tests of recurrence: the examples of RFC 5545, series with exceptions, time ranges, alarms, and a comparison of many
//! generated rules with another implementation.

#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "tests fail by panicking, and properties print how much they compared"
)]

mod alarms;
mod bounds;
mod differential;
mod examples;
mod known;
mod later;
mod once;
mod series;
mod time_range;

use super::{ExpansionLimits, Instance, TooManyInstances};
use crate::calendar_object::{CalendarObject, InvalidObject};
use crate::content_line::ParseLimits;
use crate::date_time::{TimeRange, format_utc, parse_utc};
use crate::time_zone::Zone;

/// An object of one or more components given by their inner lines.
fn object(kind: &str, components: &[&str]) -> CalendarObject {
    read(kind, components).unwrap()
}

/// The same of lines that may not go together.
fn read(kind: &str, components: &[&str]) -> Result<CalendarObject, InvalidObject> {
    let mut text = String::from("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\n");
    for lines in components {
        text.push_str(&format!("BEGIN:{kind}\r\nUID:series\r\nDTSTAMP:20260101T000000Z\r\n"));
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            text.push_str(line);
            text.push_str("\r\n");
        }
        text.push_str(&format!("END:{kind}\r\n"));
    }
    text.push_str("END:VCALENDAR\r\n");
    CalendarObject::parse(text.as_bytes(), &ParseLimits::default())
}

fn event(components: &[&str]) -> CalendarObject {
    object("VEVENT", components)
}

/// `20261101T000000Z/20261201T000000Z`; either half may be empty.
fn range(text: &str) -> TimeRange {
    let (start, end) = text.split_once('/').unwrap();
    let read = |half: &str| if half.is_empty() { None } else { Some(parse_utc(half).unwrap()) };
    TimeRange { start: read(start), end: read(end) }
}

fn zone(id: &str) -> Zone {
    Zone::iana(id).unwrap()
}

fn in_range<'a>(object: &'a CalendarObject, text: &str) -> Vec<Instance<'a>> {
    super::instances(object, &range(text), &zone("Europe/Berlin"), &ExpansionLimits::default()).unwrap()
}

/// The starts of the instances in a range.
fn starts(object: &CalendarObject, text: &str) -> Vec<String> {
    in_range(object, text).iter().map(|instance| format_utc(instance.start_utc.unwrap())).collect()
}

fn matches(object: &CalendarObject, text: &str) -> bool {
    let (floating, limits) = (zone("Europe/Berlin"), ExpansionLimits::default());
    let any = !super::overlapping(object, &range(text), &floating, &limits).unwrap().is_empty();
    // An endless series in an endless range can be asked about, though not listed.
    match super::instances(object, &range(text), &floating, &limits) {
        Ok(listed) => assert_eq!(listed.is_empty(), !any),
        Err(TooManyInstances) => assert!(any),
    }
    any
}
