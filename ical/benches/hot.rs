//! What is done to every object that a request looks into: reading it, and finding its instances.
//! `cargo bench -p ical`.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark fails by panicking")]

use chrono::{TimeZone, Utc};
use criterion::Criterion;
use ical::{CalendarObject, ExpansionLimits, ParseLimits, TimeRange, Zone, expand, recurrence};
use std::hint::black_box;

fn object(extra: &str) -> String {
    let guests: String = (0..6).map(|n| format!("ATTENDEE;CN=Person {n};PARTSTAT=ACCEPTED:mailto:person{n}@example.org\r\n")).collect();
    let notes = "please bring the updated slides\\, and check open points\\n".repeat(15);
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//shoji//bench//EN\r\nBEGIN:VEVENT\r\nUID:hot@example.org\r\nDTSTAMP:20260101T000000Z\r\n\
         DTSTART;TZID=Europe/Berlin:20100104T100000\r\nDTEND;TZID=Europe/Berlin:20100104T110000\r\n{extra}SUMMARY:Planning\r\n\
         DESCRIPTION:{notes}\r\n{guests}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let (limits, expansion, floating) = (ParseLimits::default(), ExpansionLimits::default(), Zone::utc());
    let day = |year, month, day| Utc.with_ymd_and_hms(year, month, day, 0, 0, 0).single().expect("a day");
    let week = TimeRange { start: Some(day(2026, 5, 25)), end: Some(day(2026, 6, 1)) };
    for (name, extra) in [
        ("single", ""),
        ("weekly", "RRULE:FREQ=WEEKLY;BYDAY=MO\r\n"),
        ("monthly", "RRULE:FREQ=MONTHLY;BYDAY=-1FR\r\n"),
        ("daily", "RRULE:FREQ=DAILY\r\n"),
    ] {
        let text = object(extra);
        let parsed = CalendarObject::parse(text.as_bytes(), &limits).unwrap();
        criterion.bench_function(&format!("parse/{name}"), |bencher| {
            bencher.iter(|| CalendarObject::parse(black_box(text.as_bytes()), &limits).unwrap());
        });
        criterion.bench_function(&format!("instances of a week, 16 years on/{name}"), |bencher| {
            bencher.iter(|| recurrence::instances(black_box(&parsed), &week, &floating, &expansion).unwrap());
        });
        criterion.bench_function(&format!("overlapping/{name}"), |bencher| {
            bencher.iter(|| recurrence::overlapping(black_box(&parsed), &week, &floating, &expansion).unwrap());
        });
        criterion.bench_function(&format!("expand/{name}"), |bencher| {
            bencher.iter(|| expand::expand(black_box(&parsed), &week, &floating, &expansion).unwrap());
        });
    }
    criterion.final_summary();
}
