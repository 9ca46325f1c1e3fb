//! Series with additions, exclusions and overrides, across clock changes.

use super::{event, in_range, object, starts, zone};
use crate::date_time::{DateOrTime, format_utc};
use crate::recurrence::{ExpansionLimits, instance_count, instances};

#[test]
fn a_weekly_meeting_keeps_its_wall_clock_time_when_summer_time_ends() {
    let object = event(&["DTSTART;TZID=Europe/Berlin:20261019T100000\nDTEND;TZID=Europe/Berlin:20261019T110000\nRRULE:FREQ=WEEKLY"]);
    assert_eq!(starts(&object, "20261018T000000Z/20261102T000000Z"), ["20261019T080000Z", "20261026T090000Z"]);
}

#[test]
fn a_time_that_the_clock_skips_takes_the_offset_before_the_gap() {
    let berlin = event(&["DTSTART;TZID=Europe/Berlin:20260328T023000\nRRULE:FREQ=DAILY;COUNT=3"]);
    assert_eq!(starts(&berlin, "/"), ["20260328T013000Z", "20260329T013000Z", "20260330T003000Z"]);
    let new_york = event(&["DTSTART;TZID=America/New_York:20260307T023000\nRRULE:FREQ=DAILY;COUNT=3"]);
    assert_eq!(starts(&new_york, "/"), ["20260307T073000Z", "20260308T073000Z", "20260309T063000Z"]);
}

#[test]
fn a_time_that_the_clock_repeats_means_its_first_pass() {
    let berlin = event(&["DTSTART;TZID=Europe/Berlin:20261024T023000\nRRULE:FREQ=DAILY;COUNT=3"]);
    assert_eq!(starts(&berlin, "/"), ["20261024T003000Z", "20261025T003000Z", "20261026T013000Z"]);
    let new_york = event(&["DTSTART;TZID=America/New_York:20261031T013000\nRRULE:FREQ=DAILY;COUNT=3"]);
    assert_eq!(starts(&new_york, "/"), ["20261031T053000Z", "20261101T053000Z", "20261102T063000Z"]);
}

#[test]
fn hours_that_fall_together_in_a_gap_are_one_instance() {
    let object = event(&["DTSTART;TZID=Europe/Berlin:20260329T003000\nRRULE:FREQ=HOURLY;COUNT=5"]);
    assert_eq!(starts(&object, "/"), ["20260328T233000Z", "20260329T003000Z", "20260329T013000Z", "20260329T023000Z"]);
}

#[test]
fn an_all_day_series_lasts_whole_days_across_a_clock_change() {
    let object = event(&["DTSTART;VALUE=DATE:20260327\nDTEND;VALUE=DATE:20260329\nRRULE:FREQ=DAILY;INTERVAL=2;COUNT=2"]);
    let found = in_range(&object, "/");
    let spans: Vec<String> =
        found.iter().map(|i| format!("{} {}", format_utc(i.start_utc.unwrap()), format_utc(i.end_utc.unwrap()))).collect();
    // The second one ends after the night that has 23 hours.
    assert_eq!(spans, ["20260326T230000Z 20260328T230000Z", "20260328T230000Z 20260330T220000Z"]);
    assert!(found.iter().all(|i| matches!((&i.start, &i.end, &i.slot), (Some(DateOrTime::Date(_)), Some(DateOrTime::Date(_)), Some(_)))));
}

#[test]
fn a_day_of_duration_is_nominal_and_hours_are_exact() {
    let ends = |duration: &str| {
        let object = event(&[&format!("DTSTART;TZID=Europe/Berlin:20261024T120000\nDURATION:{duration}")]);
        format_utc(in_range(&object, "/").first().unwrap().end_utc.unwrap())
    };
    assert_eq!(ends("P1D"), "20261025T110000Z");
    assert_eq!(ends("PT24H"), "20261025T100000Z");
    assert_eq!(ends("P1DT1H"), "20261025T120000Z");
}

#[test]
fn an_exact_length_given_by_dtend_stays_exact() {
    let object =
        event(&["DTSTART;TZID=Europe/Berlin:20261017T230000\nDTEND;TZID=Europe/Berlin:20261018T070000\nRRULE:FREQ=WEEKLY;COUNT=2"]);
    let ends: Vec<String> = in_range(&object, "/").iter().map(|i| format_utc(i.end_utc.unwrap())).collect();
    // The night of the change is nine hours long from 23:00 to 07:00; the meeting is not.
    assert_eq!(ends, ["20261018T050000Z", "20261025T050000Z"]);
}

#[test]
fn additions_and_exclusions_meet_slots_whatever_zone_they_are_written_in() {
    let object = event(&["DTSTART;TZID=America/New_York:20261102T090000
        DURATION:PT1H
        RRULE:FREQ=DAILY;COUNT=4
        RDATE:20261103T140000Z,20261110T140000Z
        RDATE;TZID=Europe/Berlin:20261111T150000
        EXDATE:20261104T140000Z
        EXDATE;TZID=Europe/Berlin:20261105T150000"]);
    assert_eq!(starts(&object, "/"), ["20261102T140000Z", "20261103T140000Z", "20261110T140000Z", "20261111T140000Z"]);
    assert_eq!(instance_count(&object, &ExpansionLimits::default()), 4);
}

#[test]
fn a_date_excludes_the_timed_slots_of_that_day() {
    let object = event(&["DTSTART;TZID=Europe/Berlin:20261120T100000\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE;VALUE=DATE:20261121"]);
    assert_eq!(starts(&object, "/"), ["20261120T090000Z", "20261122T090000Z"]);
}

#[test]
fn a_time_excludes_the_day_of_an_all_day_series() {
    let object = event(&["DTSTART;VALUE=DATE:20261120\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:20261121T000000"]);
    assert_eq!(starts(&object, "/"), ["20261119T230000Z", "20261121T230000Z"]);
}

#[test]
fn a_period_brings_its_own_end() {
    let object = event(&["DTSTART:20261120T100000Z
        DTEND:20261120T110000Z
        RDATE;VALUE=PERIOD:20261121T100000Z/PT3H,20261122T100000Z/20261122T101500Z"]);
    let ends: Vec<String> = in_range(&object, "/").iter().map(|i| format_utc(i.end_utc.unwrap())).collect();
    assert_eq!(ends, ["20261120T110000Z", "20261121T130000Z", "20261122T101500Z"]);
    let long = event(&["DTSTART:20261101T100000Z\nDURATION:PT1H\nRDATE;VALUE=PERIOD:20261102T100000Z/P100D"]);
    assert_eq!(starts(&long, "20270201T000000Z/20270202T000000Z"), ["20261102T100000Z"]);
}

#[test]
fn an_override_stands_for_its_slot_wherever_it_was_moved_to() {
    let object = event(&[
        "DTSTART;TZID=Europe/Berlin:20261102T100000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=4\nSUMMARY:Master",
        "RECURRENCE-ID:20261109T090000Z\nDTSTART:20261224T180000Z\nDURATION:PT1H\nSUMMARY:Moved",
    ]);
    assert_eq!(starts(&object, "20261101T000000Z/20261201T000000Z"), ["20261102T090000Z", "20261116T090000Z", "20261123T090000Z"]);
    let moved = in_range(&object, "20261201T000000Z/20270101T000000Z");
    assert_eq!(moved.len(), 1);
    let moved = moved.first().unwrap();
    assert_eq!(moved.recurrence_id.as_ref().unwrap().0, "20261109T090000Z");
    assert_eq!(moved.component.line("SUMMARY").unwrap().value, "Moved");
    assert!(matches!(moved.slot, Some(DateOrTime::Zoned(local, _)) if local.format("%Y%m%dT%H%M").to_string() == "20261109T1000"));
    assert_eq!(instance_count(&object, &ExpansionLimits::default()), 4);
}

#[test]
fn an_override_beside_the_slots_of_the_rule_is_an_instance_all_the_same() {
    let object =
        event(&["DTSTART:20261102T100000Z\nRRULE:FREQ=WEEKLY;COUNT=2", "RECURRENCE-ID:20261104T100000Z\nDTSTART:20261104T120000Z"]);
    assert_eq!(starts(&object, "/"), ["20261102T100000Z", "20261104T120000Z", "20261109T100000Z"]);
}

#[test]
fn an_override_without_its_master_is_an_instance_by_itself() {
    let object = event(&["RECURRENCE-ID:20261104T100000Z\nDTSTART:20261104T120000Z\nDURATION:PT1H"]);
    let found = in_range(&object, "20261104T000000Z/20261105T000000Z");
    assert_eq!(found.first().unwrap().recurrence_id.as_ref().unwrap().0, "20261104T100000Z");
}

#[test]
fn a_single_event_has_no_recurrence_id() {
    let object = event(&["DTSTART:20261104T100000Z\nDURATION:PT1H"]);
    let found = in_range(&object, "/");
    assert!(found.first().unwrap().recurrence_id.is_none() && found.first().unwrap().slot.is_none());
}

#[test]
fn floating_times_are_taken_in_the_zone_of_the_question() {
    let object = event(&["DTSTART:20261104T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=2"]);
    let found = instances(&object, &super::range("/"), &zone("Asia/Tokyo"), &ExpansionLimits::default()).unwrap();
    assert_eq!(format_utc(found.first().unwrap().start_utc.unwrap()), "20261104T010000Z");
    assert_eq!(found.first().unwrap().recurrence_id.as_ref().unwrap().0, "20261104T100000");
}

#[test]
fn instances_come_in_order_of_start_then_slot() {
    let object = event(&[
        "DTSTART:20261102T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=4",
        "RECURRENCE-ID:20261105T100000Z\nDTSTART:20261103T100000Z\nDURATION:PT1H",
        "RECURRENCE-ID:20261102T100000Z\nDTSTART:20261110T100000Z\nDURATION:PT1H",
    ]);
    let slots: Vec<String> = in_range(&object, "/").iter().map(|i| i.recurrence_id.clone().unwrap().0).collect();
    assert_eq!(slots, ["20261103T100000Z", "20261105T100000Z", "20261104T100000Z", "20261102T100000Z"]);
}

#[test]
fn a_recurring_to_do_is_due_as_long_after_each_start_as_after_the_first() {
    let object = object("VTODO", &["DTSTART:20261102T100000Z\nDUE:20261103T100000Z\nRRULE:FREQ=WEEKLY;COUNT=2"]);
    let due: Vec<String> = in_range(&object, "/").iter().map(|i| format_utc(i.end_utc.unwrap())).collect();
    assert_eq!(due, ["20261103T100000Z", "20261110T100000Z"]);
}
