//! Free/busy: objects to busy periods to a VFREEBUSY (RFC 5545 §3.6.4, RFC 4791 §7.10).
//!
//! Times and types only: nothing of an event's text passes through here.

use crate::calendar_object::{CalendarObject, ComponentKind};
use crate::content_line::{Component, ContentLine};
use crate::date_time::{DateOrTime, TimeRange, format_utc, parse_duration, parse_utc};
use crate::recurrence::{self, ExpansionLimits, Instance, TooManyInstances};
use crate::time_zone::Zone;
use chrono::{DateTime, Utc};
use icalendar::Property;

/// FBTYPE (RFC 5545 §3.2.9), weaker first: where periods overlap the stronger stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BusyType {
    /// BUSY-TENTATIVE
    Tentative,
    /// BUSY-UNAVAILABLE
    Unavailable,
    /// BUSY
    Busy,
}

impl BusyType {
    const ALL: [Self; 3] = [Self::Tentative, Self::Unavailable, Self::Busy];

    /// The value of FBTYPE (RFC 5545 §3.2.9).
    pub fn name(self) -> &'static str {
        match self {
            Self::Tentative => "BUSY-TENTATIVE",
            Self::Unavailable => "BUSY-UNAVAILABLE",
            Self::Busy => "BUSY",
        }
    }
}

/// A busy period, half open, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusyPeriod {
    /// Inclusive.
    pub start: DateTime<Utc>,
    /// Exclusive.
    pub end: DateTime<Utc>,
    /// How busy.
    pub busy_type: BusyType,
}

/// The busy periods one object contributes to the window, clipped to it: VEVENT (opaque, not cancelled, longer than zero;
/// tentative as such), stored VFREEBUSY. The other kinds contribute none.
pub fn busy_periods(
    object: &CalendarObject,
    window: &TimeRange,
    floating: &Zone,
    limits: &ExpansionLimits,
) -> Result<Vec<BusyPeriod>, TooManyInstances> {
    let periods: Vec<BusyPeriod> = match object.kind() {
        ComponentKind::Event => recurrence::instances(object, window, floating, limits)?.iter().filter_map(event_period).collect(),
        ComponentKind::FreeBusy => {
            let stored = object.components().flat_map(stored_periods);
            let busy = stored.filter_map(|(start, end, busy_type)| Some(BusyPeriod { start, end, busy_type: busy_type? }));
            busy.take(limits.steps_max.saturating_add(1)).collect()
        }
        ComponentKind::ToDo | ComponentKind::Journal | ComponentKind::Availability => Vec::new(),
    };
    if periods.len() > limits.steps_max {
        return Err(TooManyInstances);
    }
    Ok(periods.into_iter().filter_map(|period| clip(period, window)).collect())
}

/// The window as far as the object reaches into it: what an object counts for whose instances are too many to be listed, so
/// that nobody books over it, and one such object does not keep the other busy times from being seen. What makes
/// nobody busy gives `None`.
pub fn busy_throughout(object: &CalendarObject, window: &TimeRange) -> Option<BusyPeriod> {
    let is_busy = match object.kind() {
        ComponentKind::Event => object.components().any(|component| busy_type(component).is_some()),
        ComponentKind::FreeBusy => true,
        ComponentKind::ToDo | ComponentKind::Journal | ComponentKind::Availability => false,
    };
    if !is_busy {
        return None;
    }
    let span = object.span();
    let whole = BusyPeriod {
        start: span.start.unwrap_or(DateTime::<Utc>::MIN_UTC),
        end: span.end.unwrap_or(DateTime::<Utc>::MAX_UTC),
        busy_type: BusyType::Busy,
    };
    clip(whole, window)
}

fn event_period(instance: &Instance<'_>) -> Option<BusyPeriod> {
    Some(BusyPeriod { start: instance.start_utc?, end: instance.end_utc?, busy_type: busy_type(instance.component)? })
}

/// How busy a VEVENT makes (RFC 4791 §7.10): TRANSP and STATUS decide.
pub(crate) fn busy_type(component: &Component) -> Option<BusyType> {
    let is = |name: &str, value: &str| component.line(name).is_some_and(|l| l.value.trim().eq_ignore_ascii_case(value));
    if is("TRANSP", "TRANSPARENT") || is("STATUS", "CANCELLED") {
        return None;
    }
    Some(if is("STATUS", "TENTATIVE") { BusyType::Tentative } else { BusyType::Busy })
}

pub(crate) fn clip(period: BusyPeriod, window: &TimeRange) -> Option<BusyPeriod> {
    let start = window.start.map_or(period.start, |start| start.max(period.start));
    let end = window.end.map_or(period.end, |end| end.min(period.end));
    (start < end).then_some(BusyPeriod { start, end, ..period })
}

/// The periods on the FREEBUSY lines of a component; no type is a free one. An unknown type counts as BUSY
/// (RFC 5545 §3.2.9). What cannot be read is passed over.
pub(crate) fn stored_periods(component: &Component) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>, Option<BusyType>)> + use<'_> {
    component.lines_named("FREEBUSY").flat_map(|line| {
        let busy_type = stored_type(line);
        line.value.split(',').filter_map(move |period| parse_period(period).map(|(start, end)| (start, end, busy_type)))
    })
}

fn stored_type(line: &ContentLine) -> Option<BusyType> {
    match line.parameter("FBTYPE").map(str::to_ascii_uppercase).as_deref() {
        Some("FREE") => None,
        Some("BUSY-TENTATIVE") => Some(BusyType::Tentative),
        Some("BUSY-UNAVAILABLE") => Some(BusyType::Unavailable),
        _ => Some(BusyType::Busy),
    }
}

/// A PERIOD in UTC: start and end, or start and duration (RFC 5545 §3.3.9).
pub(crate) fn parse_period(period: &str) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let (start, end) = period.trim().split_once('/')?;
    let start = parse_utc(start)?;
    let end = match parse_utc(end) {
        Some(end) => end,
        None => recurrence::add(&DateOrTime::Utc(start), parse_duration(end)?, &Zone::utc()).to_utc(&Zone::utc()),
    };
    Some((start, end))
}

/// Merges overlapping and adjacent periods of one type; where types overlap the stronger one stands. Sorted, free of
/// overlaps, and as few as can be. Empty periods vanish.
pub fn coalesce(periods: Vec<BusyPeriod>) -> Vec<BusyPeriod> {
    // Each period opens and closes once; between two such moments the strongest open type holds.
    let mut moments: Vec<(DateTime<Utc>, BusyType, i64)> = Vec::with_capacity(periods.len().saturating_mul(2));
    for period in periods.into_iter().filter(|period| period.start < period.end) {
        moments.push((period.start, period.busy_type, 1));
        moments.push((period.end, period.busy_type, -1));
    }
    moments.sort_unstable_by_key(|(at, _, _)| *at);
    let mut open = [0_i64; BusyType::ALL.len()];
    let mut merged: Vec<BusyPeriod> = Vec::new();
    let mut since: Option<DateTime<Utc>> = None;
    for (at, busy_type, change) in moments {
        let strongest = BusyType::ALL.into_iter().zip(open).rev().find(|(_, count)| *count > 0).map(|(strongest, _)| strongest);
        if let (Some(start), Some(strongest)) = (since.filter(|since| *since < at), strongest) {
            match merged.last_mut().filter(|last| last.end == start && last.busy_type == strongest) {
                Some(last) => last.end = at,
                None => merged.push(BusyPeriod { start, end: at, busy_type: strongest }),
            }
        }
        since = Some(at);
        if let Some((_, count)) = BusyType::ALL.into_iter().zip(&mut open).find(|(listed, _)| *listed == busy_type) {
            *count += change;
        }
    }
    merged
}

/// The VCALENDAR with one VFREEBUSY that answers a free-busy-query: UTC periods, DTSTAMP as given, no UID of anyone.
///
/// RFC 5545 §3.6.4 demands a UID; this one is a function of the window alone. `prod_id` is TEXT, escaped already.
pub fn to_vfreebusy(window: &TimeRange, periods: &[BusyPeriod], prod_id: &str, stamp: DateTime<Utc>) -> String {
    let bound = |end: Option<DateTime<Utc>>| end.map_or_else(|| "open".to_owned(), format_utc);
    let mut out = String::with_capacity(256 + periods.len() * 64);
    push(&mut out, Property::new("BEGIN", "VCALENDAR"));
    push(&mut out, Property::new("VERSION", "2.0"));
    push(&mut out, Property::new("PRODID", prod_id));
    push(&mut out, Property::new("BEGIN", "VFREEBUSY"));
    push(&mut out, Property::new("UID", format!("free-busy-{}-{}", bound(window.start), bound(window.end))));
    push(&mut out, Property::new("DTSTAMP", format_utc(stamp)));
    if let Some(start) = window.start {
        push(&mut out, Property::new("DTSTART", format_utc(start)));
    }
    if let Some(end) = window.end {
        push(&mut out, Property::new("DTEND", format_utc(end)));
    }
    let mut sorted: Vec<&BusyPeriod> = periods.iter().collect();
    sorted.sort_by_key(|period| (period.start, period.end, period.busy_type));
    for period in sorted {
        let value = format!("{}/{}", format_utc(period.start), format_utc(period.end));
        push(&mut out, Property::new("FREEBUSY", value).add_parameter("FBTYPE", period.busy_type.name()).done());
    }
    push(&mut out, Property::new("END", "VFREEBUSY"));
    push(&mut out, Property::new("END", "VCALENDAR"));
    out
}

/// Appends a line as the `icalendar` crate prints it. Its component builders are not used: they order properties by name
/// and, where one is missing, add the time of day and a random UID.
fn push(out: &mut String, property: Property) {
    if let Ok(line) = property.try_into() {
        let line: String = line;
        out.push_str(&line);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests fail by panicking, and properties print how much they compared")]

    use super::*;
    use crate::content_line::ParseLimits;
    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};
    use std::cell::Cell;

    fn at(minutes: i64) -> DateTime<Utc> {
        parse_utc("20261122T000000Z").unwrap().checked_add_signed(chrono::TimeDelta::minutes(minutes)).unwrap()
    }

    fn object(kind: &str, lines: &str) -> CalendarObject {
        let lines: String = lines.lines().map(|line| format!("{}\r\n", line.trim())).collect();
        let text = format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nBEGIN:{kind}\r\nUID:u\r\n{lines}END:{kind}\r\nEND:VCALENDAR\r\n"
        );
        CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap()
    }

    /// The busy periods of 22 November 2026 as text.
    fn busy(kind: &str, lines: &str) -> Vec<String> {
        let window = TimeRange { start: Some(at(0)), end: Some(at(24 * 60)) };
        let zone = Zone::iana("Europe/Berlin").unwrap();
        let found = busy_periods(&object(kind, lines), &window, &zone, &ExpansionLimits::default()).unwrap();
        found.iter().map(|p| format!("{} {} {}", p.busy_type.name(), p.start.format("%H:%M"), p.end.format("%dT%H:%M"))).collect()
    }

    #[test]
    fn events_make_busy_as_transp_and_status_say() {
        let event = |more: &str| busy("VEVENT", &format!("DTSTART:20261122T100000Z\nDTEND:20261122T110000Z\n{more}"));
        assert_eq!(event(""), ["BUSY 10:00 22T11:00"]);
        assert_eq!(event("TRANSP:OPAQUE\nSTATUS:CONFIRMED"), ["BUSY 10:00 22T11:00"]);
        assert_eq!(event("STATUS:tentative"), ["BUSY-TENTATIVE 10:00 22T11:00"]);
        assert!(event("TRANSP:TRANSPARENT").is_empty());
        assert!(event("STATUS:CANCELLED").is_empty());
        assert!(busy("VEVENT", "DTSTART:20261122T100000Z").is_empty());
        assert!(busy("VTODO", "DTSTART:20261122T100000Z\nDUE:20261122T110000Z").is_empty());
        assert!(busy("VAVAILABILITY", "DTSTART:20261122T100000Z").is_empty());
    }

    #[test]
    fn a_series_too_long_to_be_listed_is_busy_throughout_unless_it_makes_nobody_busy() {
        let window = TimeRange { start: Some(at(0)), end: Some(at(24 * 60)) };
        let series = |more: &str| object("VEVENT", &format!("DTSTART:20261101T100000Z\nDURATION:PT1M\nRRULE:FREQ=HOURLY\n{more}"));
        let few = ExpansionLimits { instances_max: 5, ..ExpansionLimits::default() };
        assert_eq!(busy_periods(&series(""), &window, &Zone::utc(), &few), Err(TooManyInstances));
        let whole = BusyPeriod { start: at(0), end: at(24 * 60), busy_type: BusyType::Busy };
        assert_eq!(busy_throughout(&series(""), &window), Some(whole));
        assert_eq!(busy_throughout(&series("TRANSP:TRANSPARENT"), &window), None);
        let before = TimeRange { start: None, end: Some(at(-60 * 24 * 60)) };
        assert_eq!(busy_throughout(&series(""), &before), None);
    }

    #[test]
    fn periods_are_clipped_to_the_window_and_all_day_events_last_the_day_of_the_zone() {
        assert_eq!(busy("VEVENT", "DTSTART;VALUE=DATE:20261122"), ["BUSY 00:00 22T23:00"]);
        assert_eq!(
            busy("VEVENT", "DTSTART:20261121T230000Z\nDURATION:PT3H\nRRULE:FREQ=DAILY"),
            ["BUSY 00:00 22T02:00", "BUSY 23:00 23T00:00"]
        );
    }

    #[test]
    fn stored_free_busy_counts_with_its_types() {
        let lines = "DTSTART:20261101T000000Z\nDTEND:20261201T000000Z
            FREEBUSY:20261122T080000Z/PT1H,20261122T100000Z/20261122T103000Z,20261125T100000Z/PT1H
            FREEBUSY;FBTYPE=FREE:20261122T120000Z/PT1H
            FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20261122T130000Z/PT1H
            FREEBUSY;FBTYPE=X-SLEEP:20261122T150000Z/PT1H";
        assert_eq!(
            busy("VFREEBUSY", lines),
            ["BUSY 08:00 22T09:00", "BUSY 10:00 22T10:30", "BUSY-UNAVAILABLE 13:00 22T14:00", "BUSY 15:00 22T16:00"]
        );
    }

    #[test]
    fn a_strong_period_inside_a_weak_one_divides_it() {
        let period = |start, end, busy_type| BusyPeriod { start: at(start), end: at(end), busy_type };
        let merged = coalesce(vec![
            period(0, 100, BusyType::Tentative),
            period(40, 60, BusyType::Busy),
            period(60, 70, BusyType::Busy),
            period(100, 120, BusyType::Tentative),
            period(30, 30, BusyType::Busy),
        ]);
        assert_eq!(merged, [period(0, 40, BusyType::Tentative), period(40, 70, BusyType::Busy), period(70, 120, BusyType::Tentative)]);
    }

    #[test]
    fn coalescing_keeps_the_strongest_type_of_every_minute_in_the_fewest_periods() {
        let compared = Cell::new(0_usize);
        let periods = prop::collection::vec((0..60_i64, 0..20_i64, prop::sample::select(BusyType::ALL.to_vec())), 0..12);
        TestRunner::new(Config { cases: 400, failure_persistence: None, ..Config::default() })
            .run(&periods, |periods| {
                let strongest = |minute: i64| periods.iter().filter(|(s, l, _)| (*s..s + l).contains(&minute)).map(|p| p.2).max();
                let input = periods.iter().map(|(s, l, t)| BusyPeriod { start: at(*s), end: at(s + l), busy_type: *t }).collect();
                let merged = coalesce(input);
                for minute in 0..80 {
                    let found: Vec<_> =
                        merged.iter().filter(|p| p.start <= at(minute) && at(minute) < p.end).map(|p| p.busy_type).collect();
                    prop_assert_eq!(found, strongest(minute).into_iter().collect::<Vec<_>>());
                }
                for (a, b) in merged.iter().zip(merged.iter().skip(1)) {
                    prop_assert!(a.end < b.start || (a.end == b.start && a.busy_type != b.busy_type));
                }
                compared.set(compared.get() + merged.len());
                Ok(())
            })
            .unwrap();
        println!("merged periods compared: {}", compared.get());
        assert!(compared.get() > 500);
    }

    #[test]
    fn the_answer_names_nobody_and_is_the_same_for_the_same_periods() {
        let window = TimeRange { start: Some(at(0)), end: Some(at(600)) };
        let periods = [
            BusyPeriod { start: at(120), end: at(150), busy_type: BusyType::Tentative },
            BusyPeriod { start: at(60), end: at(90), busy_type: BusyType::Busy },
        ];
        let text = to_vfreebusy(&window, &periods, "-//Test//EN", at(700));
        assert_eq!(
            text,
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nBEGIN:VFREEBUSY\r\n\
             UID:free-busy-20261122T000000Z-20261122T100000Z\r\nDTSTAMP:20261122T114000Z\r\n\
             DTSTART:20261122T000000Z\r\nDTEND:20261122T100000Z\r\n\
             FREEBUSY;FBTYPE=BUSY:20261122T010000Z/20261122T013000Z\r\n\
             FREEBUSY;FBTYPE=BUSY-TENTATIVE:20261122T020000Z/20261122T023000Z\r\n\
             END:VFREEBUSY\r\nEND:VCALENDAR\r\n"
        );
        assert!(CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).is_ok());
        let open = to_vfreebusy(&TimeRange::default(), &[], "-//Test//EN", at(0));
        assert!(open.contains("UID:free-busy-open-open\r\nDTSTAMP:20261122T000000Z\r\nEND:VFREEBUSY"));
    }
}
