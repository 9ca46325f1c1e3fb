//! Rules and objects made to be dear: each question about them stays within its budget.

use super::{event, matches, range, starts, zone};
use crate::recurrence::{ExpansionLimits, TooManyInstances, instance_count, instances, rule_has_slot, rule_slots};

#[test]
fn a_rule_that_never_happens_is_asked_cheaply() {
    for rule in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6;BYDAY=MO",
        "FREQ=YEARLY;BYDAY=MO;BYSETPOS=200",
        "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
    ] {
        let object = event(&[&format!("DTSTART:20261122T100000Z\nRRULE:{rule}")]);
        assert_eq!(starts(&object, "20261101T000000Z/20261201T000000Z"), ["20261122T100000Z"], "{rule}");
        assert!(!matches(&object, "20301101T000000Z/20301201T000000Z"), "{rule}");
        // Without an end of the range the answer may be that it is too dear, but it comes.
        let limits = ExpansionLimits { instances_max: 100, steps_max: 20_000 };
        let answer = instances(&object, &range("20301101T000000Z/"), &zone("UTC"), &limits).map(|found| found.len());
        assert!(matches!(answer, Ok(0) | Err(TooManyInstances)), "{rule}");
        assert!(!rule_slots(&object, &limits).0.is_empty(), "{rule}");
    }
}

#[test]
fn a_yearly_rule_that_never_happens_ends_with_the_cycle_of_the_calendar() {
    let object = event(&["DTSTART:20261122T100000Z\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"]);
    assert_eq!(rule_slots(&object, &ExpansionLimits { instances_max: 10, steps_max: 1_000 }), (vec![parse("20261122T100000")], false));
    let leap_day = event(&["DTSTART:20240229T100000Z\nRRULE:FREQ=YEARLY;INTERVAL=4"]);
    assert_eq!(starts(&leap_day, "20960101T000000Z/21050101T000000Z"), ["20960229T100000Z", "21040229T100000Z"]);
}

fn parse(text: &str) -> chrono::NaiveDateTime {
    crate::date_time::parse_local(text).unwrap()
}

#[test]
fn a_huge_count_costs_nothing_where_each_period_has_one_slot() {
    for rule in ["FREQ=DAILY;COUNT=2000000000", "FREQ=HOURLY;COUNT=2000000000", "FREQ=WEEKLY;COUNT=2000000000"] {
        let object = event(&[&format!("DTSTART:19000101T100000Z\nDURATION:PT1M\nRRULE:{rule}")]);
        let limits = ExpansionLimits { instances_max: 1000, steps_max: 1000 };
        let found = instances(&object, &range("20261102T000000Z/20261109T000000Z"), &zone("UTC"), &limits).unwrap();
        assert!((1..=24 * 7).contains(&found.len()), "{rule}");
        assert_eq!(rule_has_slot(&object, parse("20261102T100000"), &limits), Ok(true));
        assert_eq!(instance_count(&object, &limits), 1000);
    }
    let last = event(&["DTSTART:20261101T100000Z\nRRULE:FREQ=DAILY;INTERVAL=3;COUNT=4"]);
    assert_eq!(starts(&last, "20261105T000000Z/"), ["20261107T100000Z", "20261110T100000Z"]);
}

#[test]
fn a_count_that_has_to_be_counted_is_counted_within_the_budget() {
    let object = event(&["DTSTART:19000101T100000Z\nRRULE:FREQ=DAILY;BYDAY=MO;COUNT=2000000000"]);
    let limits = ExpansionLimits { instances_max: 1000, steps_max: 10_000 };
    let answer = instances(&object, &range("20261102T000000Z/20261109T000000Z"), &zone("UTC"), &limits);
    assert!(answer.is_err_and(|error| error == TooManyInstances));
    assert_eq!(rule_has_slot(&object, parse("20261102T100000"), &limits), Err(TooManyInstances));
}

#[test]
fn a_slot_every_second_by_lists_is_stopped() {
    let all = |n: u32| (0..n).map(|i| i.to_string()).collect::<Vec<_>>().join(",");
    let rule = format!("FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR={};BYMINUTE={};BYSECOND={}", all(24), all(60), all(60));
    let object = event(&[&format!("DTSTART:20200101T000000Z\nRRULE:{rule}")]);
    let limits = ExpansionLimits::default();
    assert!(instances(&object, &range("20261102T000000Z/20261109T000000Z"), &zone("UTC"), &limits).is_err());
    // Asking whether there is any is not stopped: the first is enough.
    assert!(matches(&object, "20261102T000000Z/20261102T000001Z"));
    let picked = event(&[&format!("DTSTART:20200101T000000Z\nRRULE:{rule};BYSETPOS=-1")]);
    assert_eq!(starts(&picked, "20261201T000000Z/20270101T000000Z"), ["20261231T235959Z"]);
}

#[test]
fn a_hundred_thousand_additions_and_ten_thousand_overrides_are_read_once() {
    let first = parse("20200101T100000");
    let at = |n: i64| first.checked_add_signed(chrono::TimeDelta::hours(n)).unwrap().format("%Y%m%dT%H%M%S").to_string();
    let dates: Vec<String> = (1..100_000).map(at).collect();
    let additions = event(&[&format!("DTSTART;TZID=Europe/Berlin:20200101T100000\nRDATE;TZID=Europe/Berlin:{}", dates.join(","))]);
    assert_eq!(starts(&additions, "20261102T000000Z/20261103T000000Z").len(), 24);
    let overrides: Vec<String> = (0..10_000).map(|n| format!("RECURRENCE-ID:{0}Z\nDTSTART:{0}Z\nDURATION:PT30M", at(n))).collect();
    let mut components = vec!["DTSTART;TZID=Europe/Berlin:20200101T100000\nRRULE:FREQ=HOURLY"];
    components.extend(overrides.iter().map(String::as_str));
    let series = event(&components);
    assert_eq!(starts(&series, "20200601T000000Z/20200602T000000Z").len(), 24);
    assert_eq!(starts(&series, "20261102T000000Z/20261103T000000Z").len(), 24);
}

#[test]
fn the_last_years_that_can_be_written_do_no_harm() {
    for rule in ["FREQ=YEARLY", "FREQ=MONTHLY", "FREQ=WEEKLY;INTERVAL=4000000000", "FREQ=DAILY;INTERVAL=999999999", "FREQ=HOURLY"] {
        let object = event(&[&format!("DTSTART;TZID=Europe/Berlin:99991231T230000\nDURATION:P3660000D\nRRULE:{rule}")]);
        assert_eq!(starts(&object, "/").len(), 1, "{rule}");
        assert_eq!(instance_count(&object, &ExpansionLimits::default()), 1, "{rule}");
        let early = event(&[&format!("DTSTART;TZID=Europe/Berlin:00010101T000000\nRRULE:{rule}")]);
        assert!(instances(&early, &range("/00020101T000000Z"), &zone("UTC"), &ExpansionLimits::default()).is_ok(), "{rule}");
    }
}

#[test]
fn a_series_without_end_counts_as_the_limit_whatever_is_taken_out_of_it() {
    let count = |lines: &str| instance_count(&event(&[lines]), &ExpansionLimits { instances_max: 50, steps_max: 1_000 });
    assert_eq!(count("DTSTART:20261122T100000Z\nRRULE:FREQ=YEARLY\nEXDATE:20261122T100000Z"), 50);
    assert_eq!(count("DTSTART:20261122T100000Z\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), 1);
    assert_eq!(count("DTSTART:20261122T100000Z\nRRULE:FREQ=YEARLY;COUNT=3\nEXDATE:20261122T100000Z"), 2);
    assert_eq!(count("DTSTART:20261122T100000Z\nRRULE:FREQ=DAILY;COUNT=51"), 50);
    assert_eq!(count("DTSTART:20261122T100000Z"), 1);
}
