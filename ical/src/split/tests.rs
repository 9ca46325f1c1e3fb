//! Import files: what belongs together stays together, byte for byte, and what is refused is named.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, reason = "a failed parse is the failure of the test")]

use super::*;

const STREAM: &str = "BEGIN:VCALENDAR\r\nPRODID:-//x\r\nMETHOD:PUBLISH\r\nVERSION:2.0\r\nX-WR-CALNAME:Wo\r\n rk\r\n\
    BEGIN:VTIMEZONE\r\nTZID:HQ\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n\
    BEGIN:VEVENT\r\nUID:series\r\nDTSTART;TZID=HQ:20260105T100000\r\nRRULE:FREQ=WEEKLY\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\nUID:single\nDTSTART:20260105T100000Z\nSUMMARY:a\n  b\nEND:VEVENT\n\
    BEGIN:VEVENT\r\nUID:series\r\nRECURRENCE-ID;TZID=HQ:20260112T100000\r\nDTSTART;TZID=HQ:20260112T120000\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nUID:broken\r\nEND:VEVENT\r\n\
    BEGIN:VEVENT\r\nDTSTART:20260105T100000Z\r\nEND:VEVENT\r\n\
    BEGIN:VTODO\r\nUID:single\r\nEND:VTODO\r\nEND:VCALENDAR\r\n\
    BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VJOURNAL\r\nUID:other\r\nEND:VJOURNAL\r\nEND:VCALENDAR";

fn parts(text: &str) -> Vec<Part> {
    let limits = ParseLimits::default();
    CalendarStream::parse(text.as_bytes(), &limits).unwrap().parts(&limits).collect()
}

#[test]
fn a_stream_is_split_by_kind_and_uid_and_every_refusal_is_named() {
    let parts = parts(STREAM);
    let seen: Vec<(Option<&str>, usize, Result<ComponentKind, String>)> = parts
        .iter()
        .map(|part| (part.uid.as_deref(), part.line, part.object.as_ref().map(CalendarObject::kind).map_err(ToString::to_string)))
        .collect();
    assert_eq!(
        seen,
        [
            (Some("series"), 15, Ok(ComponentKind::Event)),
            (Some("single"), 20, Ok(ComponentKind::Event)),
            (Some("broken"), 31, Err("invalid iCalendar, line 6: a VEVENT without DTSTART".to_owned())),
            (None, 34, Err("invalid iCalendar, line 6: a component without UID".to_owned())),
            (Some("single"), 37, Ok(ComponentKind::ToDo)),
            (Some("other"), 43, Ok(ComponentKind::Journal)),
        ]
    );
}

#[test]
fn a_part_is_made_of_original_bytes_with_the_zones_it_needs_and_without_method() {
    let parts = parts(STREAM);
    let text = |index: usize| parts[index].object.as_ref().unwrap().text().to_owned();
    assert_eq!(
        text(1),
        "BEGIN:VCALENDAR\r\nPRODID:-//x\r\nVERSION:2.0\r\nX-WR-CALNAME:Wo\r\n rk\r\n\
         BEGIN:VEVENT\nUID:single\nDTSTART:20260105T100000Z\nSUMMARY:a\n  b\nEND:VEVENT\nEND:VCALENDAR\r\n"
    );
    let series = text(0);
    let zone = &STREAM[STREAM.find("BEGIN:VTIMEZONE").unwrap()..STREAM.find("BEGIN:VEVENT").unwrap()];
    assert!(series.contains(zone));
    assert_eq!(series.matches("BEGIN:VEVENT").count(), 2);
    assert_eq!(parts[0].object.as_ref().unwrap().components().count(), 2);
    assert_eq!(text(5), &STREAM[STREAM.rfind("BEGIN:VCALENDAR").unwrap()..]);
}

#[test]
fn overrides_in_a_second_calendar_of_the_stream_join_their_master() {
    let zone = |offset: &str| {
        format!(
            "BEGIN:VTIMEZONE\nTZID:HQ\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:{offset}\nTZOFFSETTO:{offset}\nEND:STANDARD\nEND:VTIMEZONE\n"
        )
    };
    let stream = |first: &str, second: &str| {
        format!(
            "BEGIN:VCALENDAR\nVERSION:2.0\n{}BEGIN:VEVENT\nUID:1\nDTSTART;TZID=HQ:20260105T100000\nRRULE:FREQ=DAILY\nEND:VEVENT\nEND:VCALENDAR\n\
             BEGIN:VCALENDAR\nVERSION:2.0\n{}BEGIN:VEVENT\nUID:1\nRECURRENCE-ID;TZID=HQ:20260106T100000\nDTSTART;TZID=HQ:20260106T120000\nEND:VEVENT\nEND:VCALENDAR\n",
            zone(first),
            zone(second)
        )
    };
    let same = parts(&stream("+0100", "+0100"));
    assert_eq!(same.len(), 1);
    assert_eq!(same[0].object.as_ref().unwrap().text().matches("VTIMEZONE").count(), 2);
    let other = parts(&stream("+0100", "+0200"));
    assert_eq!(other[0].object.as_ref().unwrap_err(), &InvalidObject::InvalidResource("two definitions of one time zone"));
}

#[test]
fn a_last_line_without_its_end_does_not_run_into_the_next() {
    let text = "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:1\nDTSTART:20260105\nEND:VEVENT\nBEGIN:VEVENT\nUID:2\nDTSTART:20260105\nEND:VEVENT\nEND:VCALENDAR";
    let parts = parts(text);
    assert_eq!(parts.len(), 2);
    assert!(parts.iter().all(|part| part.object.is_ok()));
    assert!(parts.iter().all(|part| part.object.as_ref().unwrap().text().ends_with("END:VEVENT\nEND:VCALENDAR")));
}

#[test]
fn a_stream_that_is_none_or_too_large_is_refused_whole() {
    let refused = |text: &str, limits: &ParseLimits| CalendarStream::parse(text.as_bytes(), limits).unwrap_err();
    let limits = ParseLimits::default();
    assert!(matches!(refused("", &limits), InvalidObject::NotCalendarData(_)));
    assert!(matches!(refused("BEGIN:VCARD\nEND:VCARD\n", &limits), InvalidObject::NotCalendarData(_)));
    assert_eq!(refused(STREAM, &ParseLimits { bytes_max: 100, ..limits }), InvalidObject::TooLarge);
    let stream = CalendarStream::parse(STREAM.as_bytes(), &limits).unwrap();
    let small = ParseLimits { bytes_max: 200, ..limits };
    let refused = stream.parts(&small).filter(|part| matches!(part.object, Err(InvalidObject::TooLarge))).count();
    assert_eq!((stream.len(), refused), (6, 1));
}

/// Twenty thousand small events that each need one huge zone would fill the memory many times over.
#[test]
fn parts_that_repeat_a_huge_zone_end_at_a_limit() {
    let comment = "x".repeat(1 << 20);
    let events: String = (0..200).map(|n| format!("BEGIN:VEVENT\nUID:{n}\nDTSTART;TZID=UTC:20260105T100000\nEND:VEVENT\n")).collect();
    let text =
        format!("BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VTIMEZONE\nTZID:UTC\nCOMMENT:{comment}\nEND:VTIMEZONE\n{events}END:VCALENDAR\n");
    let parts = parts(&text);
    let refused = parts.iter().filter(|part| matches!(part.object, Err(InvalidObject::TooLarge))).count();
    assert!(refused > 100 && refused < 200, "{refused}");
}
