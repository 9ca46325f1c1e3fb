//! The tables of RFC 4791 §9.9 and RFC 7953, at their edges.

use super::{event, matches, object};

/// A day: 22 November 2026 in UTC.
const DAY: &str = "20261122T000000Z/20261123T000000Z";

fn check(kind: &str, cases: &[(&str, &str, bool)]) {
    for (lines, range, expected) in cases {
        assert_eq!(matches(&object(kind, &[lines]), range), *expected, "{kind} {lines} in {range}");
    }
}

#[test]
fn events() {
    check(
        "VEVENT",
        &[
            ("DTSTART:20261121T230000Z\nDTEND:20261122T000000Z", DAY, false),
            ("DTSTART:20261121T230000Z\nDTEND:20261122T000001Z", DAY, true),
            ("DTSTART:20261122T235959Z\nDTEND:20261123T010000Z", DAY, true),
            ("DTSTART:20261123T000000Z\nDTEND:20261123T010000Z", DAY, false),
            // With DTEND the start of the range must lie before it, even if the event has no length.
            ("DTSTART:20261122T000000Z\nDTEND:20261122T000000Z", DAY, false),
            ("DTSTART:20261122T000000Z\nDURATION:PT0S", DAY, true),
            ("DTSTART:20261123T000000Z\nDURATION:PT0S", DAY, false),
            ("DTSTART:20261121T230000Z\nDURATION:PT1H", DAY, false),
            ("DTSTART:20261121T230000Z\nDURATION:PT1H1S", DAY, true),
            ("DTSTART:20261122T000000Z", DAY, true),
            ("DTSTART:20261121T235959Z", DAY, false),
            ("DTSTART:20261123T000000Z", DAY, false),
            // A date is a day of the zone for floating values, here Berlin.
            ("DTSTART;VALUE=DATE:20261122", "20261121T220000Z/20261121T230000Z", false),
            ("DTSTART;VALUE=DATE:20261122", "20261121T220000Z/20261121T230001Z", true),
            ("DTSTART;VALUE=DATE:20261122", "20261122T225959Z/20261123T000000Z", true),
            ("DTSTART;VALUE=DATE:20261122", "20261122T230000Z/20261123T000000Z", false),
            ("DTSTART;VALUE=DATE:20261122\nDTEND;VALUE=DATE:20261124", "20261123T220000Z/20261123T223000Z", true),
            ("DTSTART;VALUE=DATE:20261122\nDTEND;VALUE=DATE:20261122", "20261122T120000Z/20261122T130000Z", true),
            ("DTSTART:20261122T120000Z", "/20261122T120000Z", false),
            ("DTSTART:20261122T120000Z", "/20261122T120001Z", true),
            ("DTSTART:20261122T120000Z", "20261122T120000Z/", true),
            ("DTSTART:20261122T120000Z", "20261122T120001Z/", false),
        ],
    );
}

#[test]
fn a_long_instance_is_found_long_after_its_start() {
    let object = event(&["DTSTART:20260101T000000Z\nDURATION:P60D\nRRULE:FREQ=YEARLY"]);
    assert!(matches(&object, "20270301T000000Z/20270301T010000Z"));
    assert!(!matches(&object, "20270303T000000Z/20270303T010000Z"));
}

#[test]
fn an_endless_series_is_in_every_range_after_its_start() {
    let object = event(&["DTSTART:20260101T000000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY"]);
    assert!(matches(&object, "20300101T000000Z/"));
    assert!(matches(&object, "/"));
    assert!(!matches(&object, "/20251231T000000Z"));
}

#[test]
fn to_dos() {
    check(
        "VTODO",
        &[
            // DTSTART and DURATION
            ("DTSTART:20261121T230000Z\nDURATION:PT1H", DAY, true),
            ("DTSTART:20261121T225959Z\nDURATION:PT1H", DAY, false),
            ("DTSTART:20261123T000000Z\nDURATION:PT0S", DAY, true),
            ("DTSTART:20261123T000000Z\nDURATION:PT1S", DAY, false),
            // DTSTART and DUE
            ("DTSTART:20261121T230000Z\nDUE:20261122T000000Z", DAY, false),
            ("DTSTART:20261122T000000Z\nDUE:20261122T000000Z", DAY, true),
            ("DTSTART:20261121T230000Z\nDUE:20261122T000001Z", DAY, true),
            ("DTSTART:20261123T000000Z\nDUE:20261123T010000Z", DAY, false),
            ("DTSTART:20261123T000000Z\nDUE:20261123T000000Z", DAY, true),
            // DTSTART alone
            ("DTSTART:20261122T000000Z", DAY, true),
            ("DTSTART:20261121T235959Z", DAY, false),
            ("DTSTART:20261123T000000Z", DAY, false),
            // DUE alone
            ("DUE:20261122T000000Z", DAY, false),
            ("DUE:20261122T000001Z", DAY, true),
            ("DUE:20261123T000000Z", DAY, true),
            ("DUE:20261123T000001Z", DAY, false),
            ("DUE;VALUE=DATE:20261122", "20261121T220000Z/20261121T230000Z", true),
            // COMPLETED and CREATED
            ("COMPLETED:20261125T000000Z\nCREATED:20261101T000000Z", DAY, true),
            ("COMPLETED:20261121T000000Z\nCREATED:20261101T000000Z", DAY, false),
            ("COMPLETED:20261125T000000Z\nCREATED:20261124T000000Z", DAY, false),
            ("COMPLETED:20261122T000000Z", DAY, true),
            ("COMPLETED:20261123T000000Z", DAY, true),
            ("COMPLETED:20261123T000001Z", DAY, false),
            ("CREATED:20261122T235959Z", DAY, true),
            ("CREATED:20261123T000000Z", DAY, false),
            ("CREATED:20200101T000000Z", DAY, true),
            // None of them
            ("SUMMARY:Some day", DAY, true),
        ],
    );
}

#[test]
fn journals() {
    check(
        "VJOURNAL",
        &[
            ("DTSTART:20261122T000000Z", DAY, true),
            ("DTSTART:20261121T235959Z", DAY, false),
            ("DTSTART:20261123T000000Z", DAY, false),
            ("DTSTART;VALUE=DATE:20261121", DAY, false),
            ("DTSTART;VALUE=DATE:20261121", "20261121T225959Z/20261122T000000Z", true),
            ("SUMMARY:Undated", DAY, false),
        ],
    );
}

#[test]
fn stored_free_busy() {
    check(
        "VFREEBUSY",
        &[
            ("DTSTART:20261121T000000Z\nDTEND:20261122T000000Z", DAY, true),
            ("DTSTART:20261121T000000Z\nDTEND:20261121T235959Z", DAY, false),
            ("DTSTART:20261123T000000Z\nDTEND:20261124T000000Z", DAY, false),
            ("FREEBUSY:20261120T100000Z/PT1H,20261122T100000Z/20261122T110000Z", DAY, true),
            ("FREEBUSY:20261121T230000Z/PT1H", DAY, false),
            ("SUMMARY:Nothing", DAY, false),
        ],
    );
}

#[test]
fn availability() {
    check(
        "VAVAILABILITY",
        &[
            ("DTSTART:20261121T000000Z\nDTEND:20261122T000000Z", DAY, false),
            ("DTSTART:20261121T000000Z\nDURATION:P1DT1S", DAY, true),
            ("DTSTART:20200101T000000Z", DAY, true),
            ("DTSTART:20261123T000000Z", DAY, false),
            ("DTEND:20261122T000000Z", DAY, false),
            ("DTEND:20300101T000000Z", DAY, true),
            ("SUMMARY:Always", DAY, true),
        ],
    );
}
