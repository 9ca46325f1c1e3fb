//! Zones against each other: names, stored definitions, and the server's own ones read back.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed look-up is the failure of the test; counts are printed"
)]

use super::*;
use chrono::{NaiveDate, TimeZone as _};

fn local(value: &str) -> NaiveDateTime {
    crate::date_time::parse_local(value).unwrap()
}

fn utc(value: &str) -> DateTime<Utc> {
    crate::date_time::parse_utc(value).unwrap()
}

fn vtimezone(text: &str) -> Zone {
    Zone::from_vtimezone(&content_line::parse(text, &ParseLimits::default()).unwrap()).unwrap()
}

fn since(year: i32) -> TimeRange {
    TimeRange { start: Some(Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).unwrap()), end: None }
}

const OUTLOOK: &str = "BEGIN:VTIMEZONE\r\nTZID:W. Europe Standard Time\r\nBEGIN:STANDARD\r\nDTSTART:16010101T030000\r\nTZOFFSETFROM:+0200\r\n\
    TZOFFSETTO:+0100\r\nRRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\nBEGIN:DAYLIGHT\r\nDTSTART:16010101T020000\r\n\
    TZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nRRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n";

#[test]
fn a_tzid_is_understood_in_any_of_the_spellings_clients_use() {
    for (tzid, id) in [
        ("europe/berlin", "Europe/Berlin"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("/freeassociation.sourceforge.net/Tzfile/Europe/Berlin", "Europe/Berlin"),
        ("/citadel.org/20210210_1/America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("tzone://Microsoft/Utc", "UTC"),
        ("utc", "UTC"),
    ] {
        assert_eq!(Zone::from_tzid(tzid).unwrap().iana_id(), Some(id), "{tzid}");
    }
    for (tzid, instant) in [("GMT+0200", "20260101T100000Z"), ("UTC-3", "20260101T150000Z"), ("UTC+05:30", "20260101T063000Z")] {
        assert_eq!(Zone::from_tzid(tzid).unwrap().to_utc(local("20260101T120000")), utc(instant), "{tzid}");
    }
    for nonsense in ["", "/", "Somewhere", "Customized Time Zone", "GMT+99", "UTC+1:2:3", "+ä1", "Etc/Unknown"] {
        assert_eq!(Zone::from_tzid(nonsense), None, "{nonsense}");
    }
}

#[test]
fn a_wall_clock_time_in_a_gap_takes_the_offset_before_it_and_in_an_overlap_the_first() {
    for zone in [Zone::iana("Europe/Berlin").unwrap(), vtimezone(OUTLOOK)] {
        for (wall_clock, instant) in [
            ("20260329T015959", "20260329T005959Z"),
            ("20260329T020000", "20260329T010000Z"),
            ("20260329T023000", "20260329T013000Z"),
            ("20260329T030000", "20260329T010000Z"),
            ("20261025T015959", "20261024T235959Z"),
            ("20261025T020000", "20261025T000000Z"),
            ("20261025T023000", "20261025T003000Z"),
            ("20261025T030000", "20261025T020000Z"),
            ("20260701T120000", "20260701T100000Z"),
            ("20260101T120000", "20260101T110000Z"),
        ] {
            assert_eq!(zone.to_utc(local(wall_clock)), utc(instant), "{wall_clock}");
        }
        assert_eq!(zone.to_local(utc("20261025T003000Z")), local("20261025T023000"));
        assert_eq!(zone.to_local(utc("20261025T013000Z")), local("20261025T023000"));
    }
}

#[test]
fn a_stored_definition_is_believed_over_its_name() {
    let odd = vtimezone(
        "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0217\nTZOFFSETTO:+0217\nEND:STANDARD\nEND:VTIMEZONE\n",
    );
    assert_eq!(odd.to_utc(local("20260101T120000")), utc("20260101T094300Z"));
    assert_eq!(odd.iana_id(), None);
    assert_eq!(odd.equal_iana(&since(2020)), None);
}

#[test]
fn a_stored_definition_that_equals_an_iana_zone_is_taken_for_it() {
    let outlook = vtimezone(OUTLOOK);
    assert_eq!(outlook.equal_iana(&since(2000)).unwrap().iana_id(), Some("Europe/Berlin"));
    // Germany had other rules in 1990, so over that range the two differ.
    assert_eq!(outlook.equal_iana(&since(1990)), None);
    let unnamed = vtimezone(&OUTLOOK.replace("W. Europe Standard Time", "Munich HQ"));
    assert_eq!(unnamed.equal_iana(&since(2000)).unwrap().iana_id(), Some("Europe/Berlin"));
    let located = vtimezone(&OUTLOOK.replace("TZID:W. Europe Standard Time", "TZID:HQ\r\nX-LIC-LOCATION:Europe/Vienna"));
    assert_eq!(located.equal_iana(&since(2000)).unwrap().iana_id(), Some("Europe/Vienna"));
    let misnamed = vtimezone(&OUTLOOK.replace("W. Europe Standard Time", "Asia/Tokyo"));
    assert_eq!(misnamed.equal_iana(&since(2000)).unwrap().iana_id(), Some("Europe/Berlin"));
    let fixed = "BEGIN:VTIMEZONE\nTZID:x\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:-0200\nTZOFFSETTO:-0200\nEND:STANDARD\nEND:VTIMEZONE\n";
    assert_eq!(vtimezone(fixed).equal_iana(&since(2000)).unwrap().iana_id(), Some("Etc/GMT+2"));
}

#[test]
fn a_calendar_timezone_body_holds_exactly_one_definition() {
    let body = |inner: &str| format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{inner}END:VCALENDAR\r\n");
    assert_eq!(Zone::from_calendar_timezone(&body(OUTLOOK)).unwrap().iana_id(), Some("Europe/Berlin"));
    assert_eq!(Zone::from_calendar_timezone(&body("")), None);
    assert_eq!(Zone::from_calendar_timezone(&body(&OUTLOOK.repeat(2))), None);
    assert_eq!(Zone::from_calendar_timezone("Europe/Berlin"), None);
    assert_eq!(Zone::from_calendar_timezone(&body(OUTLOOK).replace("VERSION:2.0\r\n", "")), None, "RFC 5545 §3.6");
    let (berlin, prod_id) = (Zone::iana("europe/berlin").unwrap(), "-//Test//EN");
    let written = berlin.to_calendar_timezone(prod_id).unwrap();
    assert_eq!(Zone::from_calendar_timezone(&written), Some(berlin));
    assert_eq!(Zone::id_of_calendar_timezone(&written).as_deref(), Some("Europe/Berlin"));
    let and_more = body(&format!("{OUTLOOK}BEGIN:VEVENT\nUID:1\nDTSTAMP:20260101T000000Z\nDTSTART:20260101T000000Z\nEND:VEVENT\n"));
    assert_eq!(Zone::from_calendar_timezone(&and_more), None, "a single component (RFC 4791 §5.2.2, §7.8)");
}

#[test]
fn an_unreadable_or_monstrous_definition_is_refused_in_bounded_time() {
    let observance = "BEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=YEARLY\nEND:STANDARD\n";
    let limits = ParseLimits { components_max: 200_000, lines_max: 1_000_000, bytes_max: 64 << 20, ..ParseLimits::default() };
    let read = |inner: &str| {
        let text = format!("BEGIN:VTIMEZONE\nTZID:x\n{inner}END:VTIMEZONE\n");
        Zone::from_vtimezone(&content_line::parse(&text, &limits).unwrap())
    };
    assert_eq!(read(&observance.repeat(100_000)), None);
    assert_eq!(read(&observance.repeat(500)), None);
    assert!(read(&observance.replace("FREQ=YEARLY", "FREQ=YEARLY;COUNT=4000000000")).is_some());
    assert_eq!(read(&observance.replace("FREQ=YEARLY", "FREQ=DAILY")), None);
    assert_eq!(read(&observance.replace("FREQ=YEARLY", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")), None);
    assert_eq!(read(&observance.replace("FREQ=YEARLY", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO")), None);
    assert_eq!(read(&observance.replace("FREQ=YEARLY", "FREQ=YEARLY;BYSETPOS=1")), None);
    assert_eq!(read(&observance.replace("+0100", "+9900")), None);
    assert_eq!(read(&observance.replace("TZOFFSETTO", "X-NO")), None);
    assert_eq!(read(""), None);
    let listed = format!("RDATE:{}20300101T000000\nRRULE", "20300101T000000,".repeat(20_000));
    assert_eq!(read(&observance.replace("RRULE", &listed)), None);
}

/// The zones of the database, links and all.
fn all_zones() -> Vec<Zone> {
    DATABASE.available().filter_map(|name| Zone::iana(name.as_str())).collect()
}

fn definition_of(zone: &Zone, range: &TimeRange) -> Zone {
    let text = zone.vtimezone(range).unwrap();
    assert!(text.split("\r\n").all(|line| line.len() <= 75 && !line.contains('\n')));
    vtimezone(&text)
}

#[test]
fn the_servers_own_definition_of_every_zone_reads_back_with_the_same_offsets() {
    let zones = all_zones();
    let mut compared = 0;
    for (number, zone) in zones.iter().enumerate() {
        let first_year = [1970, 1995, 2007, 2026][number % 4];
        let range = since(first_year);
        let stored = definition_of(zone, &range);
        let start = range.start.unwrap().timestamp();
        let end = Utc.with_ymd_and_hms(2110, 1, 1, 0, 0, 0).unwrap().timestamp();
        assert!(zone.equals(&stored, start, end), "{:?}\n{}", zone.iana_id(), zone.vtimezone(&range).unwrap());
        compared += 1;
    }
    eprintln!("compared the definitions of {compared} zones from their first year to 2110");
    assert!(compared > 500);
}

#[test]
fn a_definition_for_some_years_is_right_in_all_of_them() {
    let mut compared = 0;
    for zone in all_zones().iter().step_by(5) {
        for (first, last) in [(1980, 1980), (1996, 1999), (2005, 2009), (2024, 2024), (2026, 2031), (2040, 2041)] {
            let end = Utc.with_ymd_and_hms(last, 12, 31, 0, 0, 0).unwrap();
            let range = TimeRange { end: Some(end), ..since(first) };
            let stored = definition_of(zone, &range);
            assert!(zone.equals(&stored, range.start.unwrap().timestamp(), end.timestamp()), "{:?} {first}-{last}", zone.iana_id());
            for day in 0..400 {
                let local = NaiveDate::from_ymd_opt(first, 1, 1).unwrap().and_hms_opt(2, 30, 0).unwrap() + TimeDelta::days(day);
                if local.and_utc() < end {
                    assert_eq!(zone.to_utc(local), stored.to_utc(local), "{:?} {local}", zone.iana_id());
                    compared += 1;
                }
            }
        }
    }
    eprintln!("compared {compared} wall-clock times");
    assert!(compared > 100_000);
}

#[test]
fn the_definition_of_berlin_is_the_one_people_expect() {
    assert_eq!(
        Zone::iana("Europe/Berlin").unwrap().vtimezone(&since(2026)).unwrap(),
        "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:20251026T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nTZNAME:CET\r\n\
         RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\nEND:STANDARD\r\nBEGIN:DAYLIGHT\r\nDTSTART:20260329T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n\
         TZNAME:CEST\r\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n"
    );
    assert_eq!(Zone::from_tzid("UTC+3").unwrap().vtimezone(&since(2026)), None);
}
