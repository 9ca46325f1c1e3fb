//! What is a calendar object resource and what is not, and how far one reaches in time.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "a failed parse is the failure of the test")]

use super::*;
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

fn parse(text: &str) -> Result<CalendarObject, InvalidObject> {
    CalendarObject::parse(text.as_bytes(), &ParseLimits::default())
}

/// A calendar with these lines in it, CRLF line ends.
fn calendar(inner: &str) -> String {
    format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test\n{inner}END:VCALENDAR\n").replace('\n', "\r\n")
}

fn event(lines: &str) -> String {
    format!("BEGIN:VEVENT\nUID:1\nDTSTAMP:20260101T000000Z\n{lines}END:VEVENT\n")
}

fn parse_event(lines: &str) -> Result<CalendarObject, InvalidObject> {
    parse(&calendar(&event(lines)))
}

fn utc(value: &str) -> DateTime<Utc> {
    parse_utc(value).unwrap()
}

const MASTER: &str = "DTSTART;TZID=Europe/Berlin:20261102T100000\nDTEND;TZID=Europe/Berlin:20261102T110000\nRRULE:FREQ=WEEKLY\n";

#[test]
fn an_object_keeps_its_bytes_and_tells_its_kind_and_uid() {
    let text = calendar("BEGIN:VTODO\nUID:a\\,b\nSUMMARY:x\nEND:VTODO\n");
    let object = parse(&text).unwrap();
    assert_eq!(object.bytes(), text.as_bytes());
    assert_eq!((object.kind(), object.uid()), (ComponentKind::ToDo, "a,b"));
    assert_eq!(object.master().unwrap().line("SUMMARY").unwrap().value, "x");
}

#[test]
fn another_version_or_calendar_scale_is_another_media_type_and_what_is_no_calendar_is_not_valid() {
    for text in
        ["BEGIN:VCALENDAR\r\nVERSION:1.0\r\nEND:VCALENDAR\r\n", "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nCALSCALE:CHINESE\r\nEND:VCALENDAR\r\n"]
    {
        assert!(matches!(parse(text), Err(InvalidObject::NotCalendarData(_))), "{text:?}");
    }
    for text in ["", "hello", "<xml/>", "BEGIN:VCARD\r\nVERSION:3.0\r\nEND:VCARD\r\n"] {
        let refused = InvalidObject::InvalidData { line: 1, reason: "no BEGIN:VCALENDAR" };
        assert_eq!(parse(text).unwrap_err(), refused, "{text:?}");
    }
    let unnamed = parse("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
    assert_eq!(unnamed.unwrap_err(), InvalidObject::InvalidData { line: 1, reason: "no VERSION" });
    let twice = parse("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n");
    assert_eq!(twice.unwrap_err(), InvalidObject::InvalidData { line: 1, reason: "VERSION twice" });
    let cut_off = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n";
    assert_eq!(parse(cut_off).unwrap_err(), InvalidObject::InvalidData { line: 2, reason: "BEGIN without END" });
    let latin1 = CalendarObject::parse(b"BEGIN:VCALENDAR\r\nX:\xe4\r\nEND:VCALENDAR\r\n", &ParseLimits::default());
    assert_eq!(latin1.unwrap_err(), InvalidObject::InvalidData { line: 2, reason: "not UTF-8" });
    let small = ParseLimits { bytes_max: 10, ..ParseLimits::default() };
    assert_eq!(CalendarObject::parse(cut_off.as_bytes(), &small).unwrap_err(), InvalidObject::TooLarge);
}

#[test]
fn what_breaks_the_rules_of_calendar_object_resources_is_refused() {
    let start = "DTSTART:20260101T100000Z\n";
    let one = event(start);
    let refused = |inner: &str| match parse(&calendar(inner)) {
        Err(InvalidObject::InvalidResource(reason)) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&format!("METHOD:PUBLISH\n{one}")), "a METHOD");
    assert_eq!(refused(""), "no component");
    assert_eq!(refused("BEGIN:VTIMEZONE\nTZID:x\nEND:VTIMEZONE\n"), "no component");
    assert_eq!(refused(&format!("{one}BEGIN:VTODO\nUID:1\nEND:VTODO\n")), "more than one kind of component");
    assert_eq!(refused(&format!("{one}{}", one.replace("UID:1", "UID:2"))), "more than one UID");
    assert_eq!(refused(&format!("{one}{one}")), "more than one component without RECURRENCE-ID");
    let with_override = |id: &str| format!("{}{}", event(MASTER), event(&format!("RECURRENCE-ID{id}\n{start}")));
    assert_eq!(refused(&with_override(";RANGE=THISANDPRIOR:20261109T090000Z")), "a RANGE that is not THISANDFUTURE");
    assert_eq!(refused(&with_override(";VALUE=DATE:20261109")), "a RECURRENCE-ID of another value type than DTSTART");
    assert_eq!(refused(&event(&format!("{start}EXRULE:FREQ=DAILY\n"))), "EXRULE is not supported");
    assert_eq!(parse(&calendar("BEGIN:X-FOO\nEND:X-FOO\n")).unwrap_err(), InvalidObject::UnsupportedComponent);
}

#[test]
fn one_instance_in_two_spellings_is_still_one() {
    let two = |first: &str, second: &str| {
        let override_at = |id: &str| event(&format!("RECURRENCE-ID{id}\nDTSTART:20260101T100000Z\n"));
        parse(&calendar(&format!("{}{}{}", event(MASTER), override_at(first), override_at(second))))
    };
    let twice = InvalidObject::InvalidResource("the same RECURRENCE-ID twice");
    assert_eq!(two(":20261109T090000Z", ";TZID=Europe/Berlin:20261109T100000").unwrap_err(), twice);
    assert_eq!(two(";TZID=Asia/Tokyo:20261109T180000", ";TZID=Europe/Berlin:20261109T100000").unwrap_err(), twice);
    let object = two(":20261109T090000Z", ";TZID=Europe/Berlin:20261116T100000").unwrap();
    let ids: Vec<_> = object.components().filter_map(|component| object.recurrence_id(component)).map(|id| id.0).collect();
    assert_eq!(ids, ["20261109T090000Z", "20261116T090000Z"]);
    let dates = parse(&calendar(&format!(
        "{}{}",
        event("DTSTART;VALUE=DATE:20261102\nRRULE:FREQ=DAILY\n"),
        event("RECURRENCE-ID;VALUE=DATE:20261103\nDTSTART:20261103T120000\n")
    )));
    let dates = dates.unwrap();
    assert_eq!(dates.recurrence_id(dates.components().nth(1).unwrap()).unwrap().0, "20261103");
}

/// Scripts of Apple's hold what its clients once wrote: times that end on a date, dates that end at a time, and ends long
/// before their starts. Refusing them left the event on the device and an error on every synchronisation.
#[test]
fn an_end_that_cannot_be_one_is_kept_and_means_nothing() {
    for lines in [
        "DTSTART:20260101T100000Z\nDTEND:20260101T095959Z\n",
        "DTSTART;TZID=Asia/Tokyo:20260101T100000\nDTEND;TZID=Europe/Berlin:20260101T010000\n",
        "DTSTART;VALUE=DATE:20260101\nDTEND:20260101T100000Z\n",
        "DTSTART:20260101T100000Z\nDTEND;VALUE=DATE:20260102\n",
    ] {
        let object = parse_event(lines).unwrap();
        let event = object.master().unwrap();
        assert!(object.end_line(event).is_none(), "{lines}");
        assert!(object.text().contains("DTEND"), "{lines}");
        let without: String = lines.lines().filter(|line| !line.starts_with("DTEND")).map(|line| format!("{line}\n")).collect();
        let plain = parse_event(&without).unwrap();
        let window = TimeRange { start: parse_utc("20251231T000000Z"), end: parse_utc("20260103T000000Z") };
        let busy = |object: &CalendarObject| {
            crate::free_busy::busy_periods(object, &window, &Zone::utc(), &crate::ExpansionLimits::default()).unwrap()
        };
        assert_eq!(format!("{:?}", busy(&object)), format!("{:?}", busy(&plain)), "{lines}");
    }
    let good = parse_event("DTSTART:20260101T100000Z\nDTEND:20260101T110000Z\n").unwrap();
    assert!(good.end_line(good.master().unwrap()).is_some());
}

#[test]
fn malformed_properties_are_refused_with_their_line() {
    for (lines, line, reason) in [
        ("SUMMARY:no start\n", 4, "a VEVENT without DTSTART"),
        ("DTSTART:20260230T100000Z\n", 7, "an unreadable date or time"),
        ("DTSTART:tomorrow\n", 7, "an unreadable date or time"),
        ("DTSTART;VALUE=DATE:20260101T100000Z\n", 7, "an unreadable date or time"),
        ("DTSTART;VALUE=DATE-TIME:20260101\n", 7, "an unreadable date or time"),
        ("DTSTART;VALUE=TEXT:20260101\n", 7, "an unreadable date or time"),
        ("DTSTART:20260101\nDTSTART:20260102\n", 8, "a property that may stand once stands twice"),
        ("DTSTART;TZID=UTC;TZID=Asia/Tokyo:20260101T100000\n", 7, "a parameter that may stand once stands twice"),
        ("UID:1\nDTSTART:20260101\n", 7, "a property that may stand once stands twice"),
        ("DTSTART:20260101\nDTEND:20260102\nDURATION:P1D\n", 9, "a DURATION beside an end"),
        ("DTSTART:20260101\nBEGIN:VALARM\nACKNOWLEDGED:20260101T100000\nEND:VALARM\n", 9, "an ACKNOWLEDGED that is not in UTC"),
        ("DTSTART:20260101\nDURATION:-P1D\n", 8, "a negative duration"),
        ("DTSTART:20260101\nDURATION:1 day\n", 8, "an unreadable duration"),
        ("DTSTART:20260101\nRRULE:FREQ=FORTNIGHTLY\n", 8, "a malformed recurrence rule"),
        ("DTSTART:20260101\nRRULE:\n", 8, "a malformed recurrence rule"),
        ("DTSTART:20260101\nEXDATE:20260102,x\n", 8, "an unreadable date or time"),
        ("DTSTART:20260101\nRDATE;VALUE=PERIOD:20260102T100000Z\n", 8, "an unreadable period"),
        ("DTSTART:20260101\nRDATE;VALUE=PERIOD:20260102T100000Z/-PT1H\n", 8, "an unreadable period"),
        ("DTSTART:20260101\nBEGIN:VALARM\nBEGIN:VEVENT\nEND:VEVENT\nEND:VALARM\n", 9, "a component in the wrong place"),
    ] {
        assert_eq!(parse_event(lines).unwrap_err(), InvalidObject::InvalidData { line, reason }, "{lines}");
    }
    let nowhere = parse_event("DTSTART;TZID=Atlantis:20260101T100000\n");
    assert_eq!(nowhere.unwrap_err(), InvalidObject::UnknownTimeZone { line: 7 });
    let no_uid = calendar("BEGIN:VEVENT\nDTSTART:20260101\nEND:VEVENT\n");
    assert_eq!(parse(&no_uid).unwrap_err(), InvalidObject::InvalidData { line: 4, reason: "a component without UID" });
    let empty_uid = calendar("BEGIN:VEVENT\nUID: \nDTSTART:20260101\nEND:VEVENT\n");
    assert_eq!(parse(&empty_uid).unwrap_err(), InvalidObject::InvalidData { line: 5, reason: "an empty UID" });
    let stray = calendar(&format!("BEGIN:VALARM\nEND:VALARM\n{}", event("DTSTART:20260101\n")));
    assert_eq!(parse(&stray).unwrap_err(), InvalidObject::InvalidData { line: 4, reason: "a component in the wrong place" });
}

/// One SECONDLY rule keeps a core busy for minutes in some readers.
#[test]
fn rules_finer_than_hourly_are_refused_as_too_many_instances() {
    for frequency in ["SECONDLY", "MINUTELY", "secondly"] {
        let refused = parse_event(&format!("DTSTART:20260101T100000Z\nRRULE:FREQ={frequency}\n"));
        assert_eq!(refused.unwrap_err(), InvalidObject::TooManyInstances);
    }
    parse_event("DTSTART:20260101T100000Z\nRRULE:FREQ=HOURLY;INTERVAL=6\n").unwrap();
}

#[test]
fn what_clients_write_beside_the_letter_of_the_rules_is_accepted() {
    for lines in [
        "DTSTART:20260101\nDTEND:20260101\n",
        "DTSTART:20260101T100000Z\nDTEND:20260101T100000Z\n",
        "DTSTART;TZID=Europe/Berlin:20260101T100000Z\n",
        "DTSTART;TZID=W. Europe Standard Time:20260101T100000\n",
        "DTSTART;TZID=\"/freeassociation.sourceforge.net/Europe/Berlin\":20260101T100000\n",
        "DTSTART;VALUE=DATE;TZID=Atlantis:20260101\n",
        "DTSTART:20260101T100000\nCREATED:00001231T000000Z\n",
        "DTSTART:20260101T100000Z\nRRULE:FREQ=weekly;BYDAY=mo,TU;WKST=SU;\n",
        "DTSTART:20260101T100000Z\nCLASS:PRIVATE\nCLASS:PUBLIC\n",
        "DTSTART:20260101T100000Z\nDTEND:20260101T110000Z\nDURATION:PT0S\n",
        "DTSTART:20260101T100000Z\nRDATE;VALUE=PERIOD:20260102T100000Z/PT1H,20260103T100000Z/20260103T120000Z\n",
    ] {
        parse_event(lines).unwrap_or_else(|error| panic!("{lines}{error}"));
    }
    let beside = calendar(&format!("BEGIN:X-NOTE\nUID:other\nEND:X-NOTE\n{}", event("DTSTART:20260101\n")));
    let beside = parse(&beside).unwrap();
    assert_eq!(beside.components().count(), 1);
    assert_eq!(beside.calendar().components.len(), 2);
}

#[test]
fn a_zone_s_iana_id_stands_before_the_object_s_own_definition_and_that_before_other_names() {
    let zone = |tzid: &str, offset: &str| {
        format!(
            "BEGIN:VTIMEZONE\nTZID:{tzid}\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:{offset}\nTZOFFSETTO:{offset}\nEND:STANDARD\nEND:VTIMEZONE\n"
        )
    };
    let start = |tzid: &str, zones: &str| {
        let object = parse(&calendar(&format!("{zones}{}", event(&format!("DTSTART;TZID=\"{tzid}\":20260101T120000\n"))))).unwrap();
        object.date_or_time(object.master().unwrap().line("DTSTART").unwrap()).unwrap().to_utc(&Zone::utc())
    };
    assert_eq!(start("Customized Time Zone", &zone("Customized Time Zone", "+0217")), utc("20260101T094300Z"));
    assert_eq!(start("W. Europe Standard Time", &zone("W. Europe Standard Time", "+0217")), utc("20260101T094300Z"));
    assert_eq!(start("Europe/Berlin", &zone("Europe/Berlin", "+0217")), utc("20260101T110000Z"));
    assert_eq!(start("A, B", &zone("A\\, B", "+0217")), utc("20260101T094300Z"));
    assert_eq!(start("Europe/Berlin", "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nEND:VTIMEZONE\n"), utc("20260101T110000Z"));
    assert_eq!(start("HQ", "BEGIN:VTIMEZONE\nTZID:HQ\nX-LIC-LOCATION:Europe/Berlin\nEND:VTIMEZONE\n"), utc("20260101T110000Z"));
    let own = Zone::iana("America/New_York").unwrap().vtimezone(&TimeRange::default()).unwrap().replace("\r\n", "\n");
    let object =
        parse(&calendar(&format!("{}{}", own.replace("TZID:America/New_York", "TZID:HQ"), event("DTSTART;TZID=HQ:20260101T120000\n"))));
    assert_eq!(object.unwrap().zone("HQ").unwrap().iana_id(), Some("America/New_York"));
}

/// eM Client writes the onsets of the rules of 2007 without saying that they recur. By that definition New York has had
/// winter ever since; every client shows the hour its user chose.
#[test]
fn a_meeting_of_em_client_is_at_the_hour_its_user_chose() {
    let text = calendar(&format!(
        "BEGIN:VTIMEZONE\nTZID:America/New_York\nBEGIN:STANDARD\nDTSTART;TZID=America/New_York:20071104T020000\nTZOFFSETFROM:-0400\nTZOFFSETTO:-0500\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART;TZID=America/New_York:20070311T020000\nTZOFFSETFROM:-0500\nTZOFFSETTO:-0400\nEND:DAYLIGHT\nEND:VTIMEZONE\n{}",
        event("DTSTART;TZID=America/New_York:20260613T115500\n")
    ));
    let object = parse(&text).unwrap();
    let start = object.date_or_time(object.master().unwrap().line("DTSTART").unwrap()).unwrap();
    assert_eq!(start.to_utc(&Zone::utc()), utc("20260613T155500Z"));
}

/// Exchange exports an all-day series with overrides that name midnight of their day, and midnight in UTC is an earlier day.
#[test]
fn an_override_of_exchange_replaces_the_day_it_means() {
    let series = |id: &str| {
        let zone = Zone::iana("Europe/Berlin").unwrap().vtimezone(&TimeRange::default()).unwrap().replace("\r\n", "\n");
        let zone = zone.replace("TZID:Europe/Berlin", "TZID:W. Europe Standard Time");
        calendar(&format!(
            "{zone}{}{}",
            event("DTSTART;VALUE=DATE:20260219\nRRULE:FREQ=WEEKLY;COUNT=3\n"),
            event(&format!("DTSTART;VALUE=DATE:20260227\nRECURRENCE-ID{id}\n"))
        ))
    };
    for id in [";TZID=W. Europe Standard Time:20260226T000000", ":20260226T000000Z", ":20260226T000000", ";VALUE=DATE:20260226"] {
        let object = parse(&series(id)).unwrap();
        let component = object.components().nth(1).unwrap();
        assert_eq!(object.recurrence_id(component), Some(RecurrenceId("20260226".to_owned())), "{id}");
    }
    let noon = parse(&series(":20260226T120000Z")).unwrap_err();
    assert_eq!(noon, InvalidObject::InvalidResource("a RECURRENCE-ID of another value type than DTSTART"));
}

#[test]
fn the_span_holds_every_instance_in_every_zone() {
    let span = |lines: &str| parse_event(lines).unwrap().span();
    let single = span("DTSTART:20260101T100000Z\nDTEND:20260101T110000Z\n");
    assert!(single.start.unwrap() < utc("20260101T100000Z") && single.end.unwrap() > utc("20260101T110000Z"));
    assert!(single.start.unwrap() > utc("20251230T000000Z") && single.end.unwrap() < utc("20260104T000000Z"));
    let floating = span("DTSTART:20260101T100000\nDURATION:PT1H\n");
    assert!(floating.start.unwrap() <= utc("20260101T100000Z") - TimeDelta::hours(14));
    assert!(floating.end.unwrap() >= utc("20260101T110000Z") + TimeDelta::hours(14));
    let day = span("DTSTART;VALUE=DATE:20260101\n");
    assert!(day.end.unwrap() >= utc("20260102T000000Z") + TimeDelta::hours(14));
    assert_eq!(span("DTSTART:20260101T100000Z\nRRULE:FREQ=DAILY\n").end, None);
    let until = span("DTSTART:20260101T100000Z\nDTEND:20260104T100000Z\nRRULE:FREQ=MONTHLY;UNTIL=20261231T100000Z\n").end.unwrap();
    assert!(until > utc("20270103T100000Z") && until < utc("20270201T000000Z"));
    let count = span("DTSTART:20260101T100000Z\nRRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=10;BYDAY=MO,FR\n").end.unwrap();
    assert!(count > utc("20260501T000000Z") && count < utc("20270101T000000Z"));
    assert_eq!(span("DTSTART:20260101T100000Z\nRRULE:FREQ=YEARLY;COUNT=10;BYMONTH=2;BYMONTHDAY=29\n").end, None);
    let listed = span("DTSTART:20260101T100000Z\nRDATE:20250101T100000Z\nRDATE;VALUE=PERIOD:20280101T000000Z/P30D\n");
    assert!(listed.start.unwrap() < utc("20250101T100000Z") && listed.end.unwrap() > utc("20280131T000000Z"));
    let moved = parse(&calendar(&format!(
        "{}{}",
        event("DTSTART:20260101T100000Z\nRRULE:FREQ=DAILY;COUNT=3\n"),
        event("RECURRENCE-ID:20260102T100000Z\nDTSTART:20301231T100000Z\nDTEND:20310101T100000Z\n")
    )));
    assert!(moved.unwrap().span().end.unwrap() > utc("20310101T100000Z"));
    let kind = |inner: &str| parse(&calendar(inner)).unwrap().span();
    assert_eq!(kind("BEGIN:VTODO\nUID:1\nEND:VTODO\n"), TimeRange::default());
    let due = kind("BEGIN:VTODO\nUID:1\nDUE:20260101T100000Z\nEND:VTODO\n");
    assert!(due.start.unwrap() < utc("20260101T100000Z") && due.end.unwrap() > utc("20260101T100000Z"));
    assert_eq!(kind("BEGIN:VAVAILABILITY\nUID:1\nEND:VAVAILABILITY\n"), TimeRange::default());
    let busy = kind("BEGIN:VFREEBUSY\nUID:1\nFREEBUSY:20260101T100000Z/PT3H,20260105T100000Z/20260105T110000Z\nEND:VFREEBUSY\n");
    assert!(busy.start.unwrap() < utc("20260101T100000Z") && busy.end.unwrap() > utc("20260105T110000Z"));
}

#[test]
fn the_latest_dates_that_can_be_written_do_no_harm() {
    for lines in [
        "DTSTART:99991231T235959Z\nDURATION:P3660000D\nRRULE:FREQ=DAILY;COUNT=99999999999;INTERVAL=99999999999\n",
        "DTSTART;TZID=Asia/Tokyo:00010101T000000\nDTEND;TZID=America/New_York:99991231T235959\n",
        "DTSTART;VALUE=DATE:99991231\nRRULE:FREQ=YEARLY;COUNT=4000000000\n",
    ] {
        let object = parse_event(lines).unwrap();
        assert!(object.span().start.is_some(), "{lines}");
    }
}

const WORDS: [&str; 24] = [
    "BEGIN:VCALENDAR",
    "END:VCALENDAR",
    "VERSION:2.0",
    "METHOD:X",
    "BEGIN:VEVENT",
    "END:VEVENT",
    "BEGIN:VTODO",
    "END:VTODO",
    "UID:1",
    "UID:2",
    "DTSTART:20260101T100000Z",
    "DTSTART;TZID=Europe/Berlin:20260329T023000",
    "DTEND:20260101T110000Z",
    "DTSTART;VALUE=DATE:20260101",
    "DTSTART;TZID=q:20260101T000000",
    "RRULE:FREQ=DAILY",
    "RRULE:FREQ=YEARLY;COUNT=9;BYDAY=-1SU;BYMONTH=3",
    "RECURRENCE-ID:20260102T100000Z",
    "RECURRENCE-ID;TZID=Europe/Berlin:20260102T110000",
    "EXDATE:20260103T100000Z,20260104",
    "RDATE;VALUE=PERIOD:20260101T000000Z/PT1H",
    "BEGIN:VTIMEZONE\r\nTZID:q\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nRRULE:FREQ=YEARLY\r\nEND:STANDARD\r\nEND:VTIMEZONE",
    "DURATION:P1W",
    "CLASS:PRIVATE",
];

#[test]
fn shuffled_and_damaged_objects_never_panic_and_what_is_accepted_answers_every_question() {
    let mut runner = proptest::test_runner::TestRunner::new_with_rng(
        ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() },
        proptest::test_runner::TestRng::from_seed(proptest::test_runner::RngAlgorithm::ChaCha, &[3; 32]),
    );
    let inner = prop::collection::vec(prop::sample::select(&WORDS[4..]), 0..6);
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    let accepted = std::cell::Cell::new(0);
    runner
        .run(&(inner, damage, any::<bool>()), |(inner, damage, is_shuffled)| {
            let inner: Vec<&str> = if is_shuffled {
                inner
            } else {
                inner.into_iter().filter(|word| !word.starts_with("END") && !word.starts_with("BEGIN")).collect()
            };
            let start = if inner.iter().any(|word| word.starts_with("DTSTART")) { "X-NONE:" } else { "DTSTART:20260101T090000Z" };
            let inner = format!("{start}\r\n{}", inner.join("\r\n"));
            let zone = WORDS[21];
            let mut bytes =
                format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{zone}\r\nBEGIN:VEVENT\r\nUID:1\r\n{inner}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
                    .into_bytes();
            for (position, byte) in damage {
                let position = position.index(bytes.len());
                if let Some(place) = bytes.get_mut(position) {
                    *place = byte;
                }
            }
            if let Ok(object) = CalendarObject::parse(&bytes, &ParseLimits::default()) {
                accepted.set(accepted.get() + 1);
                prop_assert_eq!(object.bytes(), &bytes[..]);
                let span = object.span();
                for component in object.components() {
                    let _ = object.recurrence_id(component);
                    let start =
                        component.line("DTSTART").and_then(|line| object.date_or_time(line)).map(|start| start.to_utc(&Zone::utc()));
                    prop_assert!(span.start.zip(start).is_none_or(|(span, start)| span <= start));
                    prop_assert!(span.end.zip(start).is_none_or(|(span, start)| span > start));
                }
            }
            Ok(())
        })
        .unwrap();
    eprintln!("{} of 4000 damaged objects were still valid", accepted.get());
    assert!(accepted.get() > 200);
}

/// Each TZID costs a comparison with the zones that are known; as many as a megabyte holds took minutes.
#[test]
fn an_object_that_names_more_zones_than_people_know_is_refused_before_they_are_looked_up() {
    let zone = |n: usize| {
        format!(
            "BEGIN:VTIMEZONE\nTZID:Z{n}\nBEGIN:STANDARD\nDTSTART:15001025T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n\
             RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:15000329T020000\nTZOFFSETFROM:+0100\n\
             TZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\nEND:VTIMEZONE\n"
        )
    };
    let object = |zones: usize| {
        let definitions: String = (0..zones).map(zone).collect();
        let dates: String = (0..zones).map(|n| format!("EXDATE;TZID=Z{n}:29990101T000000\n")).collect();
        parse(&calendar(&(definitions + &event(&format!("DTSTART:15000101T000000Z\n{dates}")))))
    };
    let most = ParseLimits::default().zones_max;
    assert!(object(most).is_ok());
    assert_eq!(object(most + 1).unwrap_err(), InvalidObject::InvalidResource("more time zones than the limit"));
    let prefixed: String = (0..10_000).map(|n| format!("EXDATE;TZID=/{n}/Europe/Berlin:20260101T000000\n")).collect();
    assert!(parse_event(&format!("{MASTER}{prefixed}")).is_err());
}
