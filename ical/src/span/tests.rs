//! A span against the instances themselves: none may lie outside, in whatever zone floating values are taken.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a failed parse is the failure of the test; counts are printed")]

use crate::content_line::ParseLimits;
use crate::recurrence::{ExpansionLimits, instances};
use crate::{CalendarObject, TimeRange, Zone};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use std::cell::Cell;

/// DTSTART, and how a value of its form is written on other lines.
fn starts() -> impl Strategy<Value = (&'static str, String)> {
    let day = (2020..2027, 1..13_u32, 1..29_u32).prop_map(|(year, month, day)| format!("{year}{month:02}{day:02}"));
    let time = (0..24_u32, 0..60_u32).prop_map(|(hour, minute)| format!("T{hour:02}{minute:02}00"));
    (day, time, 0..4).prop_map(|(day, time, form)| match form {
        0 => (";VALUE=DATE:", day),
        1 => (":", format!("{day}{time}")),
        2 => (":", format!("{day}{time}Z")),
        _ => (";TZID=America/New_York:", format!("{day}{time}")),
    })
}

fn rules() -> impl Strategy<Value = String> {
    let frequency = prop::sample::select(vec!["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY"]);
    let part = prop::sample::select(vec![
        "",
        ";BYDAY=MO,FR",
        ";BYDAY=-1SU",
        ";BYDAY=5TU",
        ";BYMONTHDAY=31",
        ";BYMONTHDAY=-1",
        ";BYMONTHDAY=1,15",
        ";BYMONTH=2",
        ";BYMONTH=1,7",
        ";BYHOUR=3,21",
        ";BYSETPOS=-1;BYDAY=MO,TU",
        ";BYMONTH=2;BYMONTHDAY=29",
        ";BYMONTH=3;BYDAY=1MO",
        ";BYYEARDAY=366",
        ";BYWEEKNO=53",
    ]);
    let end = prop_oneof![
        Just(String::new()),
        (1..40_u32).prop_map(|count| format!(";COUNT={count}")),
        (2026..2031_u32, 1..13_u32).prop_map(|(year, month)| format!(";UNTIL={year}{month:02}15")),
        (2026..2031_u32, 1..13_u32).prop_map(|(year, month)| format!(";UNTIL={year}{month:02}15T120000Z")),
    ];
    (frequency, 1..4_u32, part, end).prop_map(|(frequency, interval, part, end)| format!("FREQ={frequency};INTERVAL={interval}{part}{end}"))
}

#[test]
fn no_instance_lies_outside_of_the_span() {
    let config = ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[5; 32]));
    let zones = ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"].map(|id| Zone::iana(id).unwrap());
    let limits = ExpansionLimits { instances_max: 2_000, steps_max: 40_000 };
    let compared = Cell::new(0_usize);
    let bounded = Cell::new(0_usize);
    let duration = prop::sample::select(vec!["", "DURATION:PT0S\n", "DURATION:PT90M\n", "DURATION:P3D\n"]);
    runner
        .run(&(starts(), rules(), duration, starts()), |((form, value), rule, duration, (moved_form, moved))| {
            let text = format!(
                "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:1\nDTSTART{form}{value}\n{duration}RRULE:{rule}\nRDATE{form}{value}\nEND:VEVENT\n\
                 BEGIN:VEVENT\nUID:1\nRECURRENCE-ID{form}{value}\nDTSTART{moved_form}{moved}\nEND:VEVENT\nEND:VCALENDAR\n"
            );
            let object = CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap();
            let span = object.span();
            bounded.set(bounded.get() + usize::from(span.end.is_some()));
            let window = TimeRange { start: None, end: crate::date_time::parse_utc("20330101T000000Z") };
            for zone in &zones {
                // An hourly rule over many years is more than the test wants to look at.
                let Ok(found) = instances(&object, &window, zone, &limits) else { continue };
                for instance in found {
                    let (start, end) = (instance.start_utc.unwrap(), instance.end_utc.unwrap_or(instance.start_utc.unwrap()));
                    prop_assert!(span.start.is_none_or(|span| span < start), "{} {}", start, text);
                    prop_assert!(span.end.is_none_or(|span| span > end), "{} {:?} {}", end, span, text);
                    compared.set(compared.get() + 1);
                }
            }
            Ok(())
        })
        .unwrap();
    eprintln!("{} instances of 500 objects lie within their spans, {} of which end", compared.get(), bounded.get());
    assert!(compared.get() > 50_000 && bounded.get() > 200);
}

/// Found by comparing times kept in pages with the event itself: of the hours that such a rule counts only midnights are instances,
/// so that forty of them take months and not forty hours, and months of it stood outside of its span.
#[test]
fn an_hourly_rule_of_days_reaches_further_than_its_hours() {
    let text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\n\
        DTSTART;VALUE=DATE:20250228\r\nRRULE:FREQ=HOURLY;INTERVAL=7;COUNT=40\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let object = CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap();
    let all = instances(&object, &TimeRange::default(), &Zone::utc(), &ExpansionLimits::default()).unwrap();
    let last = all.last().and_then(|instance| instance.start_utc).unwrap();
    assert!(object.span().end.is_none_or(|end| end > last), "the last of {} begins at {last}", all.len());
}
