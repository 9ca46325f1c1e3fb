//! What is said of an event that takes place once is what looking at the event says, in whatever zone one asks.

use super::zone;
use crate::date_time::{TimeRange, parse_utc};
use crate::free_busy::{BusyType, busy_periods};
use crate::recurrence::{ExpansionLimits, Once, overlapping};
use proptest::prelude::*;
use std::cell::Cell;

const STARTS: [&str; 6] = [
    "DTSTART:20250107T090000Z",
    "DTSTART;TZID=Europe/Berlin:20250330T013000",
    "DTSTART;TZID=America/New_York:20241103T013000",
    "DTSTART:20250131T230000",
    "DTSTART;VALUE=DATE:20250228",
    "DTSTART:20250107T090000Z\nDTSTART:20250108T090000Z",
];
const ENDS: [&str; 9] = [
    "DTEND:20250107T100000Z",
    "DTEND:20250107T090000Z",
    "DTEND:20250101T000000Z",
    "DTEND;TZID=Europe/Berlin:20250330T033000",
    "DTEND;TZID=America/New_York:20250401T020000",
    "DTEND:20250201T010000",
    "DTEND;VALUE=DATE:20250302",
    "DURATION:PT1H",
    "",
];
const MARKS: [&str; 6] =
    ["", "TRANSP:OPAQUE", "RRULE:FREQ=WEEKLY;COUNT=2", "RDATE:20250301T100000Z", "EXDATE:20250107T090000Z", "EXRULE:FREQ=DAILY"];

/// Ends of ranges, some at the very second.
fn moment() -> impl Strategy<Value = Option<&'static str>> {
    let moments = vec![
        "20240101T000000Z",
        "20241103T053000Z",
        "20250107T090000Z",
        "20250107T100000Z",
        "20250107T095959Z",
        "20250330T003000Z",
        "20250330T013000Z",
        "20250401T060000Z",
        "20260101T000000Z",
    ];
    prop::option::weighted(0.8, prop::sample::select(moments))
}

#[test]
fn an_event_that_takes_place_once_is_told_without_looking_at_it() {
    let told = Cell::new(0);
    let cases = (prop::sample::select(&STARTS[..]), prop::sample::select(&ENDS[..]), prop::sample::select(&MARKS[..]), moment(), moment());
    let mut runner =
        proptest::test_runner::TestRunner::new(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() });
    let outcome = runner.run(&cases, |(start, end, mark, from, to)| {
        let Ok(object) = super::read("VEVENT", &[&format!("{start}\n{end}\n{mark}")]) else { return Ok(()) };
        let Some(once) = Once::of(&object) else { return Ok(()) };
        let range = TimeRange { start: from.and_then(parse_utc), end: to.and_then(parse_utc) };
        for floating in [zone("Europe/Berlin"), zone("Pacific/Kiritimati")] {
            let limits = ExpansionLimits::default();
            let all = overlapping(&object, &range, &floating, &limits).unwrap();
            prop_assert_eq!(once.overlaps(&range), !all.is_empty(), "{} in {:?}", object.text(), range);
            let busy = busy_periods(&object, &range, &floating, &limits).unwrap();
            prop_assert_eq!(Vec::from_iter(once.busy_period(BusyType::Busy, &range)), busy, "{} in {:?}", object.text(), range);
            told.set(told.get() + 1);
        }
        Ok(())
    });
    outcome.unwrap();
    assert!(told.get() > 200, "{}", told.get());
    assert!(Once::of(&super::object("VTODO", &["DTSTART:20250107T090000Z\nDUE:20250107T100000Z"])).is_none());
}
