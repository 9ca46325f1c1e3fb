//! Overrides that hold for later instances too (RFC 5545 §3.2.13).
//!
//! The Python library caldav completes a to-do that recurs with RANGE=THISANDFUTURE, and Apple's test suite sets its reports up
//! with one: both were refused, and the second with it every report.

use super::{event, in_range, matches, object, range, starts, zone};
use crate::calendar_object::CalendarObject;
use crate::content_line::ParseLimits;
use crate::date_time::format_utc;
use crate::expand;
use crate::recurrence::{ExpansionLimits, instance_count, overlapping, spelled_out};
use proptest::prelude::*;

const MASTER: &str =
    "DTSTART;TZID=Europe/Berlin:20261019T100000\nDTEND;TZID=Europe/Berlin:20261019T110000\nRRULE:FREQ=WEEKLY;COUNT=6\nSUMMARY:old";
const FROM_THIRD: &str = "RECURRENCE-ID;TZID=Europe/Berlin;RANGE=THISANDFUTURE:20261102T100000\n\
    DTSTART;TZID=Europe/Berlin:20261103T140000\nDURATION:PT30M\nSUMMARY:new";

/// START-END SUMMARY of each instance in a range.
fn shown(object: &CalendarObject, text: &str) -> Vec<String> {
    let line =
        |name: &str, instance: &crate::Instance<'_>| instance.component.line(name).map(|line| line.value.clone()).unwrap_or_default();
    in_range(object, text)
        .iter()
        .map(|i| format!("{}-{} {}", format_utc(i.start_utc.unwrap()), format_utc(i.end_utc.unwrap()), line("SUMMARY", i)))
        .collect()
}

#[test]
fn this_and_future_moves_all_that_follows_by_the_same_step() {
    let object = event(&[MASTER, FROM_THIRD]);
    let all = [
        "20261019T080000Z-20261019T090000Z old",
        "20261026T090000Z-20261026T100000Z old",
        "20261103T130000Z-20261103T133000Z new",
        "20261110T130000Z-20261110T133000Z new",
        "20261117T130000Z-20261117T133000Z new",
        "20261124T130000Z-20261124T133000Z new",
    ];
    assert_eq!(shown(&object, "/"), all);
    // Found where it went, not where it would have been.
    assert_eq!(shown(&object, "20261110T000000Z/20261111T000000Z"), [all[3]]);
    assert_eq!(shown(&object, "20261109T000000Z/20261110T000000Z"), Vec::<String>::new());
    assert_eq!(instance_count(&object, &ExpansionLimits::default()), 6);
}

#[test]
fn an_instance_with_an_override_of_its_own_and_one_taken_out_stay_so() {
    let own = "RECURRENCE-ID;TZID=Europe/Berlin:20261109T100000\nDTSTART;TZID=Europe/Berlin:20261109T080000\nSUMMARY:own";
    let master = format!("{MASTER}\nEXDATE;TZID=Europe/Berlin:20261116T100000");
    let again =
        "RECURRENCE-ID;TZID=Europe/Berlin;RANGE=THISANDFUTURE:20261123T100000\nDTSTART;TZID=Europe/Berlin:20261123T100000\nSUMMARY:last";
    let object = event(&[&master, FROM_THIRD, own, again]);
    let found = ["20261103T130000Z", "20261109T070000Z", "20261123T090000Z"];
    assert_eq!(starts(&object, "20261102T000000Z/"), found);
}

#[test]
fn a_to_do_that_is_done_for_now_is_due_again_later() {
    let done = "RECURRENCE-ID;RANGE=THISANDFUTURE:19930415T133000Z\nDTSTART:19940415T133000Z\nDUE:19940516T045959Z\nSTATUS:NEEDS-ACTION";
    let todo = object("VTODO", &["DTSTART:19920415T133000Z\nDUE:19920516T045959Z\nRRULE:FREQ=YEARLY", done]);
    assert_eq!(starts(&todo, "19920101T000000Z/19960101T000000Z"), ["19920415T133000Z", "19940415T133000Z", "19950415T133000Z"]);
}

#[test]
fn an_endless_series_is_asked_about_without_end() {
    let object = event(&[
        "DTSTART:20260101T100000Z\nDTEND:20260101T110000Z\nRRULE:FREQ=DAILY",
        "RECURRENCE-ID;RANGE=THISANDFUTURE:20260201T100000Z\nDTSTART:20260201T120000Z\nDTEND:20260201T130000Z",
    ]);
    assert!(matches(&object, "20300101T120000Z/20300101T123000Z"));
    assert!(!matches(&object, "20300101T100000Z/20300101T110000Z"));
    let components = |text: &str| overlapping(&object, &range(text), &zone("UTC"), &ExpansionLimits::default()).unwrap().len();
    assert_eq!((components("/"), components("20300101T000000Z/"), components("/20260115T000000Z")), (2, 1, 1));
}

#[test]
fn calendar_data_of_a_range_keeps_what_holds_in_it() {
    let object = event(&[MASTER, FROM_THIRD]);
    let utc = zone("UTC");
    let expanded =
        expand::expand(&object, &range("20261117T000000Z/20261118T000000Z"), &utc, &ExpansionLimits::default()).unwrap().unwrap();
    assert!(expanded.contains("\r\nDTSTART:20261117T130000Z\r\nRECURRENCE-ID:20261116T090000Z\r\n"), "{expanded}");
    assert!(expanded.contains("SUMMARY:new") && !expanded.contains("RANGE"), "{expanded}");
    assert!(expand::limit_recurrence_set(&object, &range("20261117T000000Z/20261118T000000Z"), &utc).contains("SUMMARY:new"));
    assert!(!expand::limit_recurrence_set(&object, &range("20261019T000000Z/20261020T000000Z"), &utc).contains("SUMMARY:new"));
}

#[test]
fn spelled_out_each_instance_has_an_override_of_its_own() {
    let object = event(&[MASTER, FROM_THIRD]);
    let spelled = spelled_out(&object, &ExpansionLimits::default()).unwrap();
    assert!(!spelled.is_cut && !spelled.text.contains("RANGE"));
    let ids: Vec<_> = spelled.added.iter().map(|(id, of)| (id.0.as_str(), of.0.as_str())).collect();
    let third = "20261102T090000Z";
    assert_eq!(ids, [("20261109T090000Z", third), ("20261116T090000Z", third), ("20261123T090000Z", third)]);
    assert!(spelled.text.contains("RECURRENCE-ID;TZID=Europe/Berlin:20261109T100000\r\nDTSTART;TZID=Europe/Berlin:20261110T140000\r\n"));
    let cut = spelled_out(&object, &ExpansionLimits { instances_max: 2, ..ExpansionLimits::default() }).unwrap();
    assert!(cut.is_cut && cut.added.len() == 2);
    assert!(spelled_out(&event(&[MASTER]), &ExpansionLimits::default()).is_none());
    // Half a megabyte a thousand times over is not even begun with.
    let daily = "DTSTART:20261019T090000Z\nRRULE:FREQ=DAILY";
    let long = format!("RECURRENCE-ID;RANGE=THISANDFUTURE:20261102T090000Z\nDTSTART:20261102T140000Z\nDESCRIPTION:{}", "x".repeat(500_000));
    assert!(spelled_out(&event(&[daily, &long]), &ExpansionLimits::default()).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Two ways to the same instances.
    #[test]
    fn an_object_spelled_out_has_the_instances_that_it_had(
        rule in prop::sample::select(vec!["FREQ=DAILY;COUNT=40", "FREQ=WEEKLY;BYDAY=MO,TH;COUNT=20", "FREQ=HOURLY;INTERVAL=7;COUNT=60"]),
        form in prop::sample::select(vec![(";TZID=Europe/Berlin", ""), ("", "Z"), ("", ""), (";TZID=America/New_York", "")]),
        ranges in prop::collection::vec((0_i64..20, -3_i64..90, prop::bool::ANY, prop::sample::select(vec!["DTEND", "DURATION", ""])), 1..4),
        excluded in prop::option::of(0_i64..20),
    ) {
        let (zone_parameter, suffix) = form;
        let first = chrono::NaiveDate::from_ymd_opt(2026, 10, 19).unwrap().and_hms_opt(1, 30, 0).unwrap();
        let at = |hours: i64| format!("{zone_parameter}:{}{suffix}", (first + chrono::TimeDelta::hours(hours)).format("%Y%m%dT%H%M%S"));
        let step = if rule.contains("HOURLY") { 7 } else { 24 };
        let mut components = vec![format!("DTSTART{}\nDURATION:PT1H\nRRULE:{rule}", at(0))];
        if let Some(hours) = excluded {
            components.first_mut().unwrap().push_str(&format!("\nEXDATE{}", at(hours * step)));
        }
        for (slot, shift, later, end) in ranges {
            let parameter = if later { ";RANGE=THISANDFUTURE" } else { "" };
            let start = slot * step + shift;
            let end = match end { "DTEND" => format!("\nDTEND{}", at(start + 2)), "DURATION" => "\nDURATION:PT3H".into(), _ => String::new() };
            let id = at(slot * step);
            if !components.iter().any(|known| known.contains(&format!("{id}\n"))) {
                components.push(format!("RECURRENCE-ID{parameter}{id}\nDTSTART{}{end}", at(start)));
            }
        }
        let refs: Vec<&str> = components.iter().map(String::as_str).collect();
        let original = event(&refs);
        if let Some(spelled) = spelled_out(&original, &ExpansionLimits::default()) {
            let again = CalendarObject::parse(spelled.text.as_bytes(), &ParseLimits::default()).unwrap();
            prop_assert_eq!(shown(&again, "/"), shown(&original, "/"));
            // A part of it is found as the whole is.
            prop_assert_eq!(shown(&again, "20261025T000000Z/20261028T000000Z"), shown(&original, "20261025T000000Z/20261028T000000Z"));
        }
    }
}
