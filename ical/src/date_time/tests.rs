//! Dates, times and durations as they are written, and ranges against each other.

#![expect(clippy::unwrap_used, reason = "a failed parse is the failure of the test")]

use super::*;

#[test]
fn dates_and_times_are_read_to_the_letter() {
    assert_eq!(parse_date("20240229").unwrap().to_string(), "2024-02-29");
    assert_eq!(parse_local("20241231T235960").unwrap().to_string(), "2024-12-31 23:59:59");
    assert_eq!(format_utc(parse_utc("20241231t010203z").unwrap()), "20241231T010203Z");
    for wrong in ["", "2024022", "202402290", "20230229", "00000101", "2024-2-9", "٢٠٢٤٠٢٢٩", "+2024022", "20241301"] {
        assert_eq!(parse_date(wrong), None, "{wrong}");
    }
    for wrong in
        ["20240229", "20240229T", "20240229T240000", "20240229T006000", "20240229T000061", "20240229T0000", "20240229T000000Z", "T000000"]
    {
        assert_eq!(parse_local(wrong), None, "{wrong}");
    }
    assert_eq!(parse_utc("20240229T000000"), None);
}

#[test]
fn durations_keep_nominal_days_apart_from_exact_time() {
    for (text, days, seconds) in [
        ("P1D", 1, 0),
        ("-P1DT2H", -1, -7200),
        ("+P2W", 14, 0),
        ("PT1H30M5S", 0, 5405),
        ("-PT15M", 0, -900),
        ("-P0DT0H15M0S", 0, -900),
        ("PT0S", 0, 0),
        ("P15DT5H0M20S", 15, 18020),
        ("P1DT", 1, 0),
    ] {
        assert_eq!(parse_duration(text), Some(Duration { days, seconds }), "{text}");
    }
    for wrong in [
        "",
        "P",
        "PT",
        "P1",
        "1D",
        "P1H",
        "PT1D",
        "PT1M1H",
        "P1D1D",
        "P-1D",
        "--P1D",
        "P99999999999999999999D",
        "P9999999D",
        "P1é",
        "PT1HX",
    ] {
        assert_eq!(parse_duration(wrong), None, "{wrong}");
    }
}

#[test]
fn a_floating_value_takes_the_zone_it_is_looked_at_in_and_others_keep_their_own() {
    let (berlin, tokyo) = (Zone::iana("Europe/Berlin").unwrap(), Zone::iana("Asia/Tokyo").unwrap());
    let local = parse_local("20260701T120000").unwrap();
    let seen_from = |value: &DateOrTime, zone: &Zone| format_utc(value.to_utc(zone));
    assert_eq!(seen_from(&DateOrTime::Floating(local), &berlin), "20260701T100000Z");
    assert_eq!(seen_from(&DateOrTime::Floating(local), &tokyo), "20260701T030000Z");
    assert_eq!(seen_from(&DateOrTime::Date(local.date()), &tokyo), "20260630T150000Z");
    assert_eq!(seen_from(&DateOrTime::Zoned(local, berlin), &tokyo), "20260701T100000Z");
    assert_eq!(seen_from(&DateOrTime::Utc(local.and_utc()), &tokyo), "20260701T120000Z");
}

#[test]
fn half_open_ranges_that_only_touch_do_not_overlap() {
    let at = |hour: i64| Some(DateTime::from_timestamp(hour * 3600, 0).unwrap());
    let range = |start, end| TimeRange { start, end };
    assert!(range(at(1), at(3)).overlaps(&range(at(2), at(4))));
    assert!(range(None, at(3)).overlaps(&range(at(2), None)));
    assert!(range(None, None).overlaps(&range(at(2), at(3))));
    assert!(!range(at(1), at(2)).overlaps(&range(at(2), at(3))));
    assert!(!range(at(2), None).overlaps(&range(None, at(2))));
}
