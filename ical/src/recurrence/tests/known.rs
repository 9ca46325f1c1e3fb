//! What is kept of an event's times answers as the event does.

use super::{event, zone};
use crate::calendar_object::CalendarObject;
use crate::date_time::{TimeRange, parse_utc};
use crate::free_busy::{busy_periods, coalesce};
use crate::recurrence::{ExpansionLimits, KnownInstances, overlapping};
use crate::time_zone::Zone;
use chrono::TimeDelta;
use proptest::prelude::*;

/// Starts in all forms, some near the edges of pages, with what gives their end.
fn times() -> impl Strategy<Value = String> {
    let starts = vec![
        "DTSTART:20250107T090000Z",
        "DTSTART;TZID=Europe/Berlin:20250330T013000",
        "DTSTART;TZID=America/New_York:20241103T003000",
        "DTSTART:20250131T230000",
        "DTSTART;VALUE=DATE:20250228",
        // The first and the last second of a page.
        "DTSTART:20250121T000000Z",
        "DTSTART:20250120T235959Z",
    ];
    let ends = vec!["", "DURATION:PT0S", "DURATION:PT1H", "DURATION:P40D"];
    (prop::sample::select(starts), prop::sample::select(ends), prop::bool::ANY).prop_map(|(start, end, own_end)| {
        let end = match (own_end, start.contains("VALUE=DATE")) {
            (true, _) => start.replace("DTSTART", "DTEND"),
            (false, true) if end.contains("PT") => String::new(),
            (false, _) => end.to_owned(),
        };
        format!("{start}\n{end}")
    })
}

fn extras() -> impl Strategy<Value = String> {
    let rules = vec![
        "",
        "RRULE:FREQ=DAILY",
        "RRULE:FREQ=DAILY;INTERVAL=16",
        "RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=30",
        "RRULE:FREQ=MONTHLY;BYDAY=-1FR",
        "RRULE:FREQ=MONTHLY;BYMONTHDAY=31;COUNT=9",
        "RRULE:FREQ=YEARLY",
        "RRULE:FREQ=WEEKLY;UNTIL=20250701T000000Z",
        "RRULE:FREQ=HOURLY;INTERVAL=7;COUNT=400",
        "RDATE:20250301T100000Z,20260301T100000Z",
    ];
    let marks = vec!["", "TRANSP:TRANSPARENT", "STATUS:TENTATIVE", "EXDATE;TZID=Europe/Berlin:20250402T013000"];
    (prop::sample::select(rules), prop::sample::select(marks)).prop_map(|(rule, mark)| format!("{rule}\n{mark}"))
}

fn moved() -> impl Strategy<Value = Option<String>> {
    let overrides = vec![
        "RECURRENCE-ID:20250108T090000Z\nDTSTART:20250601T090000Z\nDURATION:PT2H",
        "RECURRENCE-ID;TZID=Europe/Berlin:20250402T013000\nDTSTART:20250402T120000Z\nDURATION:PT2H\nSTATUS:CANCELLED",
        "RECURRENCE-ID;RANGE=THISANDFUTURE:20250108T090000Z\nDTSTART:20250108T230000Z\nDURATION:PT2H",
    ];
    prop::option::weighted(0.3, prop::sample::select(overrides).prop_map(str::to_owned))
}

fn ranges() -> impl Strategy<Value = TimeRange> {
    let base = parse_utc("20241215T000000Z").unwrap();
    // Many beginnings and ends fall right on those of pages and of instances.
    let instant = move |hours: i64| base + TimeDelta::hours(hours);
    let hours = prop_oneof![0_i64..20_000, (0_i64..26).prop_map(|page| page * 768 + 888), Just(561), Just(562)];
    let length = prop_oneof![Just(0_i64), 1_i64..48, 100_i64..800, 800_i64..14_000];
    (hours, length, 0_u8..20, -1_i64..=1).prop_map(move |(hours, length, open, seconds)| {
        let start = instant(hours) + TimeDelta::seconds(seconds);
        TimeRange {
            start: Some(start).filter(|_| open != 1 && open != 3),
            end: Some(start + TimeDelta::hours(length) + TimeDelta::seconds(1)).filter(|_| open != 2 && open != 3),
        }
    })
}

fn compare(object: &CalendarObject, known: &mut KnownInstances, range: &TimeRange, floating: &Zone) -> (bool, bool) {
    let limits = ExpansionLimits::default();
    known.learn(object, range, &limits).unwrap();
    let overlaps = known.overlaps(range, &limits);
    if let Some(answer) = overlaps {
        let asked = overlapping(object, range, floating, &limits).unwrap();
        assert_eq!(answer, !asked.is_empty(), "{} in {range:?}", object.text());
    }
    let busy = known.busy_periods(range, &limits);
    if let Some(periods) = &busy {
        let asked = busy_periods(object, range, floating, &limits).unwrap();
        assert_eq!(periods.len(), asked.len(), "{} in {range:?}", object.text());
        assert_eq!(coalesce(periods.clone()), coalesce(asked), "{} in {range:?}", object.text());
    }
    (overlaps.is_some(), busy.is_some())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_kept_answers_as_the_event_does(
        (times, extras, moved) in (times(), extras(), moved()),
        asked in prop::collection::vec(ranges(), 1..12),
    ) {
        let master = format!("{times}\n{extras}");
        let components: Vec<&str> = std::iter::once(master.as_str()).chain(moved.as_deref()).collect();
        // Not every override goes with every start.
        let object = super::read("VEVENT", &components).or_else(|_| super::read("VEVENT", &[&master]));
        prop_assume!(object.is_ok());
        let object = object.unwrap();
        let floating = zone("Europe/Berlin");
        let mut known = KnownInstances::of(&object, &floating, &ExpansionLimits::default()).unwrap();
        for range in asked {
            let answered = compare(&object, &mut known, &range, &floating);
            // What calendar programs ask, a window of up to a year, is always answered.
            let is_window = range.start.zip(range.end).is_some_and(|(start, end)| end - start < TimeDelta::days(400));
            let is_near = object.span().overlaps(&range);
            prop_assert!(!is_window || !is_near || answered == (true, true), "{} in {range:?}", object.text());
        }
    }
}

#[test]
fn a_question_without_end_is_answered_by_the_first_hit_alone() {
    let object = event(&["DTSTART:20200101T000000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY"]);
    let (utc, limits) = (Zone::utc(), ExpansionLimits::default());
    let range = super::range("20260101T000000Z/");
    let mut known = KnownInstances::of(&object, &utc, &limits).unwrap();
    assert_eq!(known.overlaps(&range, &limits), None, "nothing was looked for yet");
    known.learn(&object, &range, &limits).unwrap();
    assert_eq!(known.overlaps(&range, &limits), Some(true));
    assert_eq!(known.busy_periods(&range, &limits), None, "that would be all of them");
}

#[test]
fn more_than_one_question_may_cost_is_not_answered_from_what_many_found() {
    let object = event(&["DTSTART:20200101T000000Z\nDURATION:PT1M\nRRULE:FREQ=HOURLY"]);
    let (utc, limits) = (Zone::utc(), ExpansionLimits { instances_max: 1_000, ..ExpansionLimits::default() });
    let mut known = KnownInstances::of(&object, &utc, &limits).unwrap();
    for month in ["20260101T000000Z/20260131T000000Z", "20260201T000000Z/20260228T000000Z"] {
        known.learn(&object, &super::range(month), &limits).unwrap();
        assert!(known.busy_periods(&super::range(month), &limits).is_some());
    }
    let both = super::range("20260101T000000Z/20260228T000000Z");
    known.learn(&object, &both, &limits).unwrap();
    assert!(busy_periods(&object, &both, &utc, &limits).is_err());
    assert_eq!(known.busy_periods(&both, &limits), None);
}

#[test]
fn additions_that_are_periods_and_other_kinds_are_not_kept() {
    let (utc, limits) = (Zone::utc(), ExpansionLimits::default());
    let periods = event(&["DTSTART:20260101T000000Z\nRDATE;VALUE=PERIOD:20260201T000000Z/PT1H"]);
    assert!(KnownInstances::of(&periods, &utc, &limits).is_none());
    let to_do = super::object("VTODO", &["DUE:20260101T000000Z"]);
    assert!(KnownInstances::of(&to_do, &utc, &limits).is_none());
}
