//! What holds of reading iCalendar whatever the bytes are: bodies of fuzz targets, which `cargo test` runs on kept inputs and
//! on mutations of them. Each takes any bytes and panics where something does not hold. Not for production: behind the
//! feature `testing`.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a property that does not hold is told by panicking")]

use crate::content_line::{self, Component, ContentLine, escape_text, parse_stream, unescape_text};
use crate::recurrence::{alarms, instance_count, instances, overlapping, rule_has_slot, rule_slots, spelled_out};
use crate::zone_definitions::{with_every_zone, without_standard_zones};
use crate::{CalendarObject, ComponentKind, ExpansionLimits, Instance, ParseLimits, TimeRange, Zone};
use crate::{availability, date_time, expand, free_busy, merge::Merge, rule_grammar, shift, split::CalendarStream, write};
use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use std::collections::BTreeSet;

/// Bounds that inputs of some kilobytes can meet.
pub const LIMITS: ParseLimits = ParseLimits {
    bytes_max: 128 << 10,
    lines_max: 2_000,
    line_bytes_max: 16 << 10,
    depth_max: 6,
    components_max: 200,
    parameters_max: 16,
    zones_max: 8,
};

/// The same for recurrence.
pub const EXPANSION: ExpansionLimits = ExpansionLimits { instances_max: 300, steps_max: 5_000 };

/// What is read of a text is all of it, each byte once, within the limits; texts and lines survive writing and reading.
pub fn content_lines(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    texts_round(text);
    let Ok(stream) = parse_stream(text, &LIMITS) else { return };
    let whole: String = stream.iter().map(|component| text.get(component.span.clone()).unwrap()).collect();
    assert_eq!(whole, text.strip_prefix('\u{feff}').unwrap_or(text).trim_start_matches(['\r', '\n']));
    let mut counted = Counted::default();
    for component in &stream {
        component_is_whole(component, text, 1, &mut counted);
        // A component stands by itself.
        let again = parse_stream(text.get(component.span.clone()).unwrap(), &LIMITS).unwrap();
        assert_eq!(again.len(), 1);
        assert!(alike(&again[0], component));
    }
    assert!(counted.lines <= LIMITS.lines_max && counted.components <= LIMITS.components_max);
}

/// TEXT is escaped so that it reads back, but for control characters; a line written of it is one line.
fn texts_round(text: &str) {
    let readable: String = text.chars().filter(|c| matches!(c, '\n' | '\t') || !c.is_control()).collect();
    let escaped = escape_text(text);
    assert_eq!(unescape_text(&escaped), readable);
    assert!(!escaped.chars().any(|c| c.is_control() && c != '\t'));
    let mut written = String::from("BEGIN:VEVENT\r\n");
    write::push_line(&mut written, "SUMMARY", &escaped);
    written.push_str("END:VEVENT\r\n");
    assert!(written.split("\r\n").all(|line| line.len() <= 75));
    if escaped.len() < LIMITS.line_bytes_max {
        let event = content_line::parse(&written, &LIMITS).unwrap();
        assert_eq!(event.lines.len(), 1);
        assert_eq!(event.lines[0].value, escaped);
    }
}

#[derive(Default)]
struct Counted {
    lines: usize,
    components: usize,
}

fn component_is_whole(component: &Component, text: &str, depth: usize, counted: &mut Counted) {
    assert!(depth <= LIMITS.depth_max);
    counted.components += 1;
    counted.lines += component.lines.len() + 2;
    assert_eq!(component.name, component.name.to_ascii_uppercase());
    assert_eq!(component.end_span.end, component.span.end);
    // Lines and components follow each other without holes; a line may stand between components.
    let mut spans: Vec<_> = component.lines.iter().map(|line| line.span.clone()).collect();
    spans.extend(component.components.iter().map(|part| part.span.clone()));
    spans.push(component.end_span.clone());
    spans.sort_by_key(|span| span.start);
    assert!(spans.windows(2).all(|pair| pair[0].end == pair[1].start));
    assert!(spans[0].start > component.span.start);
    for line in &component.lines {
        line_is_bounded(line, text);
    }
    for part in &component.components {
        component_is_whole(part, text, depth + 1, counted);
    }
}

fn line_is_bounded(line: &ContentLine, text: &str) {
    assert!(!line.name.is_empty() && line.name == line.name.to_ascii_uppercase());
    assert!(line.parameters.len() <= LIMITS.parameters_max);
    assert!(line.parameters.iter().all(|parameter| !parameter.values.is_empty() && parameter.name == parameter.name.to_ascii_uppercase()));
    // RFC 6868 makes two characters one, never one two.
    let read: usize = line.parameters.iter().flat_map(|parameter| &parameter.values).map(String::len).sum::<usize>() + line.value.len();
    assert!(read <= text.get(line.span.clone()).unwrap().len());
}

/// Whether two components say the same, wherever they stand.
fn alike(one: &Component, other: &Component) -> bool {
    let lines = |component: &Component| -> Vec<_> {
        component.lines.iter().map(|line| (line.name.clone(), line.parameters.clone(), line.value.clone())).collect()
    };
    one.name == other.name
        && lines(one) == lines(other)
        && one.components.len() == other.components.len()
        && one.components.iter().zip(&other.components).all(|(one, other)| alike(one, other))
}

/// An object is what was sent, of one kind and UID; what is made of it (without zones, with all of them, merged, taken apart,
/// moved in time) are objects again.
pub fn calendar_objects(bytes: &[u8]) {
    stream_falls_into_objects(bytes);
    let Ok(object) = CalendarObject::parse(bytes, &LIMITS) else { return };
    assert_eq!(object.bytes(), bytes);
    assert_eq!(object.calendar().name, "VCALENDAR");
    assert!(!object.uid().is_empty());
    assert!(object.components().count() > 0);
    assert!(object.components().all(|component| ComponentKind::from_name(&component.name) == Some(object.kind())));
    assert!(object.components().filter(|component| component.line("RECURRENCE-ID").is_none()).count() <= 1);
    let ids: Vec<_> = object.components().map(|component| object.recurrence_id(component)).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    zones_come_and_go(&object);
    let merged = Merge::of("-//test//EN", [&object, &object].into_iter());
    let limits = ParseLimits { bytes_max: usize::MAX, lines_max: usize::MAX, components_max: usize::MAX, ..LIMITS };
    assert!(!CalendarStream::parse(merged.as_bytes(), &limits).unwrap().is_empty());
    let moved = shift::shift_days(object.text(), 400);
    assert_eq!(content_line::parse(&moved, &ParseLimits::default()).unwrap().components.len(), object.calendar().components.len());
}

fn stream_falls_into_objects(bytes: &[u8]) {
    let Ok(stream) = CalendarStream::parse(bytes, &LIMITS) else { return };
    let parts: Vec<_> = stream.parts(&LIMITS).collect();
    assert_eq!(parts.len(), stream.len());
    let mut written = 0;
    for object in parts.iter().filter_map(|part| part.object.as_ref().ok()) {
        CalendarObject::parse(object.bytes(), &LIMITS).unwrap();
        written += object.bytes().len();
    }
    assert!(written <= bytes.len() * 64 + (16 << 20), "{written}");
}

fn zones_come_and_go(object: &CalendarObject) {
    let generous = ParseLimits::default();
    let without = without_standard_zones(object);
    let bare = CalendarObject::parse(without.as_bytes(), &generous).unwrap();
    assert_eq!(without_standard_zones(&bare), without);
    let with = with_every_zone(object);
    let dressed = CalendarObject::parse(with.as_bytes(), &generous).unwrap();
    assert_eq!(with_every_zone(&dressed), with);
    for other in [&bare, &dressed] {
        assert_eq!((other.uid(), other.kind()), (object.uid(), object.kind()));
        assert_eq!(other.components().count(), object.components().count());
        for (one, other_component) in object.components().zip(other.components()) {
            assert!(alike(one, other_component));
        }
    }
}

/// Windows in which recurrence is looked at: a year, a day, and all of time.
fn windows() -> [TimeRange; 4] {
    let day = |year, month, day| Utc.with_ymd_and_hms(year, month, day, 0, 0, 0).single();
    [
        TimeRange { start: day(2026, 1, 1), end: day(2027, 1, 1) },
        TimeRange { start: day(2026, 11, 4), end: day(2026, 11, 5) },
        TimeRange { start: day(2031, 1, 1), end: None },
        TimeRange::default(),
    ]
}

fn zones() -> [Zone; 2] {
    [Zone::utc(), Zone::iana("Pacific/Apia").unwrap()]
}

/// Instances lie in their window and in the object's span, are as many whichever way they are asked for, and never more than
/// the limits; what is written of them reads back.
pub fn recurrence(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        rules_and_dates_round(text);
    }
    let Ok(object) = CalendarObject::parse(bytes, &LIMITS) else { return };
    slots_are_the_rules(&object);
    assert!(instance_count(&object, &EXPANSION) <= EXPANSION.instances_max);
    if let Some(spelled) = spelled_out(&object, &EXPANSION) {
        assert!(spelled.added.len() <= EXPANSION.instances_max);
        CalendarObject::parse(spelled.text.as_bytes(), &ParseLimits::default()).unwrap();
    }
    for floating in zones() {
        for window in windows() {
            window_agrees_with_itself(&object, &window, &floating);
        }
        let [year, ..] = windows();
        halves_make_the_whole(&object, &year, &floating);
    }
}

fn rules_and_dates_round(text: &str) {
    for word in text.split([':', ';', ',', '/', '\n', '\r', ' ']).take(100) {
        if let Some(instant) = date_time::parse_utc(word) {
            assert_eq!(date_time::parse_utc(&date_time::format_utc(instant)), Some(instant));
        }
        if let (Some(date), Some(local)) = (date_time::parse_date(word), date_time::parse_local(word)) {
            assert_eq!(date, local.date());
        }
    }
    for line in text.lines().take(50) {
        let value = line.split_once(':').map_or(line, |(_, value)| value);
        if let Some(duration) = date_time::parse_duration(value) {
            assert!(duration.seconds.checked_abs().is_some());
        }
        if let Some(rule) = rule_grammar::parse_rule(value) {
            assert!(rule.interval > 0);
        }
    }
}

fn slots_are_the_rules(object: &CalendarObject) {
    let (slots, _) = rule_slots(object, &EXPANSION);
    assert!(slots.len() <= EXPANSION.instances_max);
    assert!(slots.windows(2).all(|pair| pair[0] < pair[1]));
    for slot in slots.iter().step_by(29) {
        assert_ne!(rule_has_slot(object, *slot, &EXPANSION), Ok(false), "{slot}");
    }
}

/// What tells instances apart.
fn key(instance: &Instance<'_>) -> (Option<NaiveDateTime>, usize, Option<DateTime<Utc>>) {
    (instance.slot.as_ref().map(date_time::DateOrTime::naive), instance.component.span.start, instance.start_utc)
}

fn window_agrees_with_itself(object: &CalendarObject, window: &TimeRange, floating: &Zone) {
    let touched = overlapping(object, window, floating, &EXPANSION);
    let found = instances(object, window, floating, &EXPANSION);
    if let (Ok(touched), Ok(found)) = (&touched, &found) {
        let by_instances: BTreeSet<usize> = found.iter().map(|instance| instance.component.span.start).collect();
        assert_eq!(by_instances, touched.iter().map(|component| component.span.start).collect());
    }
    if let Ok(found) = &found {
        assert!(found.len() <= EXPANSION.instances_max);
        // A to-do may be due within the window and begin after it, and busy time is where its periods are.
        for instance in found.iter().filter(|_| matches!(object.kind(), ComponentKind::Event | ComponentKind::Journal)) {
            assert!(instance.start_utc.is_none_or(|start| window.end.is_none_or(|end| start < end)), "starts after the window");
        }
        if !found.is_empty() && object.kind() == ComponentKind::Event {
            assert!(object.span().overlaps(window), "{:?} {window:?}", object.span());
        }
    }
    if let Ok(all) = alarms(object, window, floating, &EXPANSION) {
        assert!(all.iter().all(|alarm| alarm.name == "VALARM"));
    }
    if let Ok(Some(text)) = expand::expand(object, window, floating, &EXPANSION) {
        let expanded = content_line::parse(&text, &ParseLimits::default()).unwrap();
        if object.kind() != ComponentKind::Availability {
            assert_eq!(Ok(expanded.components.len()), found.as_ref().map(Vec::len));
            assert!(expanded.components.iter().all(|component| component.line("RRULE").is_none()));
        }
    }
    for text in [expand::limit_recurrence_set(object, window, floating), expand::limit_freebusy_set(object, window)] {
        content_line::parse(&text, &ParseLimits::default()).unwrap();
    }
    busy_time_is_tidy(object, window, floating);
}

fn busy_time_is_tidy(object: &CalendarObject, window: &TimeRange, floating: &Zone) {
    let mut periods = free_busy::busy_periods(object, window, floating, &EXPANSION).unwrap_or_default();
    periods.extend(free_busy::busy_throughout(object, window));
    let unavailable = availability::Availability::of(object).into_iter().filter_map(|a| a.within(window, floating, &EXPANSION));
    periods.extend(availability::combine(unavailable));
    assert!(periods.iter().all(|period| window.start.is_none_or(|start| start <= period.start)));
    assert!(periods.iter().all(|period| window.end.is_none_or(|end| period.end <= end)));
    let merged = free_busy::coalesce(periods);
    assert!(merged.iter().all(|period| period.start < period.end));
    assert!(merged.windows(2).all(|pair| pair[0].end <= pair[1].start));
    assert_eq!(free_busy::coalesce(merged.clone()), merged);
    let answer = free_busy::to_vfreebusy(window, &merged, "-//test//EN", DateTime::UNIX_EPOCH);
    let answer = content_line::parse(&answer, &ParseLimits::default()).unwrap();
    assert_eq!(answer.components[0].lines_named("FREEBUSY").count(), merged.len());
}

fn halves_make_the_whole(object: &CalendarObject, window: &TimeRange, floating: &Zone) {
    let middle = window.start.zip(window.end).map(|(start, end)| start + (end - start) / 2);
    let halves = [TimeRange { end: middle, ..*window }, TimeRange { start: middle, ..*window }];
    let all = |range: &TimeRange| -> Option<BTreeSet<_>> {
        instances(object, range, floating, &EXPANSION).ok().map(|found| found.iter().map(key).collect())
    };
    if let (Some(whole), [Some(first), Some(second)]) = (all(window), halves.map(|half| all(&half))) {
        assert_eq!(whole, first.union(&second).cloned().collect());
    }
}

/// A zone has an offset at every instant, and a local time that means it again; its own definition says the same.
pub fn time_zones(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut found: Vec<Zone> = text.lines().take(20).filter_map(Zone::from_tzid).collect();
    found.extend(Zone::from_calendar_timezone(text));
    if let Ok(calendar) = content_line::parse(text, &LIMITS) {
        let defined = calendar.components.iter().filter(|component| component.name == "VTIMEZONE");
        found.extend(defined.take(LIMITS.zones_max).filter_map(Zone::from_vtimezone));
    }
    found.dedup();
    let instants: Vec<DateTime<Utc>> = (0..40).filter_map(|step| Utc.with_ymd_and_hms(1955 + step * 3, 3, 26, 0, 30, 0).single()).collect();
    for zone in found.iter().take(12) {
        for instant in instants.iter().flat_map(|instant| [*instant, *instant + TimeDelta::days(217)]) {
            let local = zone.to_local(instant);
            let back = zone.to_utc(local);
            assert!((local - instant.naive_utc()).abs() < TimeDelta::hours(48), "{local} {instant}");
            // In an overlap the first of two instants is meant; no clock is put back by more than two days.
            assert!((back - instant).abs() < TimeDelta::hours(49), "{back} {instant}");
        }
        let range = TimeRange { start: instants.first().copied(), end: instants.last().copied() };
        if let Some(definition) = zone.vtimezone(&range) {
            defined_alike(zone, &definition);
        }
        if let Some(equal) = zone.equal_iana(&range) {
            assert!(equal.iana_id().is_some());
            for instant in &instants {
                assert_eq!(equal.to_local(*instant), zone.to_local(*instant));
            }
        }
    }
}

fn defined_alike(zone: &Zone, definition: &str) {
    let read = Zone::from_vtimezone(&content_line::parse(definition, &ParseLimits::default()).unwrap()).unwrap();
    for year in [1996, 2005, 2016, 2026] {
        for month in [1, 4, 7, 10] {
            let instant = Utc.with_ymd_and_hms(year, month, 15, 12, 0, 0).single().unwrap();
            assert_eq!(read.to_local(instant), zone.to_local(instant), "{instant}");
        }
    }
}
