//! VALARM in a time range (RFC 4791 §9.9).

use super::{object, range, zone};
use crate::recurrence::{ExpansionLimits, alarms};

fn alarm(lines: &str) -> String {
    format!("BEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:x\n{lines}\nEND:VALARM")
}

/// How many of the object's alarms go off in the range.
fn count(kind: &str, components: &[&str], text: &str) -> usize {
    let object = object(kind, components);
    alarms(&object, &range(text), &zone("Europe/Berlin"), &ExpansionLimits::default()).unwrap().len()
}

fn event(lines: &str, text: &str) -> usize {
    count("VEVENT", &[lines], text)
}

#[test]
fn a_trigger_counts_from_start_or_end() {
    let before_start = format!("DTSTART:20261122T100000Z\nDURATION:PT1H\n{}", alarm("TRIGGER:-PT15M"));
    assert_eq!(event(&before_start, "20261122T094500Z/20261122T094501Z"), 1);
    assert_eq!(event(&before_start, "20261122T094501Z/20261122T120000Z"), 0);
    assert_eq!(event(&before_start, "20261122T090000Z/20261122T094500Z"), 0);
    let after_end = format!("DTSTART:20261122T100000Z\nDURATION:PT1H\n{}", alarm("TRIGGER;RELATED=END:PT5M"));
    assert_eq!(event(&after_end, "20261122T110500Z/20261122T110501Z"), 1);
}

#[test]
fn a_day_before_is_the_same_wall_clock_time_of_the_day_before() {
    let lines = format!("DTSTART;TZID=Europe/Berlin:20261025T120000\nDURATION:PT1H\n{}", alarm("TRIGGER:-P1D"));
    assert_eq!(event(&lines, "20261024T100000Z/20261024T100001Z"), 1);
}

#[test]
fn an_absolute_trigger_goes_off_once() {
    let lines = format!("DTSTART:20261122T100000Z\nRRULE:FREQ=DAILY\n{}", alarm("TRIGGER;VALUE=DATE-TIME:20261120T080000Z"));
    assert_eq!(event(&lines, "20261120T080000Z/20261120T090000Z"), 1);
    assert_eq!(event(&lines, "20261121T000000Z/20271121T000000Z"), 0);
}

#[test]
fn repetitions_count() {
    let lines = format!("DTSTART:20261122T100000Z\n{}", alarm("TRIGGER:-PT1H\nREPEAT:3\nDURATION:PT10M"));
    assert_eq!(event(&lines, "20261122T092500Z/20261122T093500Z"), 1);
    assert_eq!(event(&lines, "20261122T092100Z/20261122T092900Z"), 0);
    assert_eq!(event(&lines, "20261122T093100Z/"), 0);
    assert_eq!(event(&lines, "/20261122T090000Z"), 0);
    let endless = format!("DTSTART:20261122T100000Z\n{}", alarm("TRIGGER:PT0S\nREPEAT:4000000000\nDURATION:PT1S"));
    assert_eq!(event(&endless, "20300101T000000Z/20300101T000001Z"), 1);
}

#[test]
fn each_instance_of_a_series_has_its_alarm_and_an_override_its_own() {
    let master = format!("DTSTART:20200101T100000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY\n{}", alarm("TRIGGER:-P7D"));
    assert_eq!(event(&master, "20261122T100000Z/20261122T100001Z"), 1);
    assert_eq!(event(&master, "20261122T100001Z/20261123T100000Z"), 0);
    let silent = "RECURRENCE-ID:20261129T100000Z\nDTSTART:20261129T100000Z\nDURATION:PT1H";
    assert_eq!(count("VEVENT", &[&master, silent], "20261122T100000Z/20261122T100001Z"), 0);
    let loud = format!("{silent}\n{}\n{}", alarm("TRIGGER:-PT1M"), alarm("TRIGGER:-PT2M"));
    assert_eq!(count("VEVENT", &[&master, &loud], "20261129T095700Z/20261129T100000Z"), 2);
}

#[test]
fn a_to_do_without_start_counts_from_due() {
    let lines = format!("DUE:20261122T100000Z\n{}", alarm("TRIGGER:-PT15M"));
    assert_eq!(count("VTODO", &[&lines], "20261122T094500Z/20261122T095000Z"), 1);
    let undated = format!("SUMMARY:Some day\n{}", alarm("TRIGGER:-PT15M"));
    assert_eq!(count("VTODO", &[&undated], "/"), 0);
}
