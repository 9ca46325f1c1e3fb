//! Personal items are taken out and put back without touching another byte.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own fixture shall fail")]
#![expect(clippy::print_stdout, reason = "a property says how much it compared")]

use super::*;
use ical::ParseLimits;
use proptest::prelude::*;
use std::cell::Cell as Counter;

const ALARM: &str = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT15M\r\nDESCRIPTION:Reminder\r\nEND:VALARM\r\n";

fn calendar(body: &str) -> String {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{body}END:VCALENDAR\r\n")
}

fn read(text: &str) -> CalendarObject {
    CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap()
}

fn event(lines: &str) -> String {
    format!("BEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20261123T090000Z\r\n{lines}END:VEVENT\r\n")
}

#[test]
fn alarms_and_named_properties_are_personal_and_nothing_else() {
    let shared = "SUMMARY:Talk\r\nX-MOZ-INVITED-ATTENDEE:mailto:bob@example.org\r\nBEGIN:X-ROOM\r\nX-A:1\r\nEND:X-ROOM\r\n";
    let personal = format!(
        "X-MOZ-LASTACK:20261101T000000Z\r\nx-moz-snooze-time:20261101T000000Z\r\nX-MOZ-SNOOZE-TIME-1700000000000000:20261101T000000Z\r\n\
         X-MOZ-GENERATION:3\r\nX-APPLE-DEFAULT-ALARM:TRUE\r\nACKNOWLEDGED:20261101T000000Z\r\n{ALARM}"
    );
    let split = split(&read(&calendar(&event(&format!("{personal}{shared}")))));
    assert_eq!(split.base, calendar(&event(shared)));
    assert_eq!(split.items.len(), 7);
    assert_eq!(split.items.iter().map(|item| item.text.as_str()).collect::<String>(), personal);
}

#[test]
fn an_alarm_inside_of_another_component_is_no_ones_to_read() {
    let nested = event(&format!("BEGIN:X-ROOM\r\n{ALARM}END:X-ROOM\r\n"));
    let object = read(&calendar(&nested));
    let split = split(&object);
    assert_eq!(split.base, calendar(&event("BEGIN:X-ROOM\r\nEND:X-ROOM\r\n")));
    assert!(!is_normal(&object), "the writer gets his own bytes back, not the alarm in another place");
}

#[test]
fn each_item_goes_back_to_its_component_and_is_dropped_with_it() {
    let series = "BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261123T090000Z\r\nRRULE:FREQ=WEEKLY\r\nEND:VEVENT\r\n";
    let moved = "BEGIN:VEVENT\r\nUID:1\r\nRECURRENCE-ID:20261130T090000Z\r\nDTSTART:20261130T100000Z\r\nEND:VEVENT\r\n";
    let with = |event: &str| event.replace("END:VEVENT", &format!("{ALARM}END:VEVENT"));
    let whole = calendar(&format!("{}{}", with(series), with(moved)));
    let split = split(&read(&whole));
    assert_eq!(split.base, calendar(&format!("{series}{moved}")));
    assert_eq!(merge(&read(&split.base), &split.items), whole);
    let without_override = read(&calendar(series));
    assert_eq!(merge(&without_override, &split.items), calendar(&with(series)));
    assert_eq!(merge(&without_override, &[]), calendar(series));
}

#[test]
fn stamps_personal_items_order_and_folding_make_no_difference() {
    let old = read(&calendar(&event("SUMMARY:A long talk\r\nLOCATION:Room 4\r\nSEQUENCE:1\r\n")));
    let alike =
        "LOCATION:Room 4\r\nSUMMARY:A lo\r\n ng talk\r\nSEQUENCE:7\r\nLAST-MODIFIED:20261101T000000Z\r\nX-MOZ-LASTACK:20261101T000000Z\r\n";
    assert!(same_but_stamps(&old, &read(&calendar(&event(&format!("{alike}{ALARM}"))))));
    for other in
        ["SUMMARY:A long walk\r\nLOCATION:Room 4\r\n", "SUMMARY:A long talk\r\n", "SUMMARY:A long talk\r\nLOCATION;X-A=1:Room 4\r\n"]
    {
        assert!(!same_but_stamps(&old, &read(&calendar(&event(other)))), "{other:?}");
    }
    let classified = read(&calendar(&event("SUMMARY:A long talk\r\nLOCATION:Room 4\r\nCLASS:PRIVATE\r\n")));
    assert!(!same_but_stamps(&old, &classified));
    assert!(same_content(&old, &classified));
}

#[derive(Clone, Debug)]
enum Piece {
    Shared(String),
    Personal(String),
}

fn a_piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        "[ -~]{0,90}".prop_map(|text| Piece::Shared(format!("COMMENT:{text}\r\n"))),
        "[a-z]{0,20}".prop_map(|text| Piece::Shared(format!("X-MOZ-OTHER;X-P={text}:v\n"))),
        "[ -~]{0,30}".prop_map(|text| Piece::Shared(format!("DESCRIPTION:{text}\r\n  folded\r\n"))),
        Just(Piece::Personal("X-MOZ-GENERATION:4\r\n".into())),
        Just(Piece::Personal("X-MOZ-LAST\r\n ACK:20261101T000000Z\r\n".into())),
        Just(Piece::Personal(ALARM.into())),
    ]
}

#[test]
fn what_is_split_off_and_put_back_is_all_there_was() {
    let compared = Counter::new(0u32);
    proptest!(ProptestConfig::with_cases(256), |(first in proptest::collection::vec(a_piece(), 0..8), second in proptest::collection::vec(a_piece(), 0..8))| {
        let text = |pieces: &[Piece], rid: &str, personal: bool, last: bool| {
            let shared: String = pieces.iter().filter_map(|piece| match piece {
                Piece::Shared(text) => Some(text.as_str()),
                Piece::Personal(text) => (personal && !last).then_some(text.as_str()),
            }).collect();
            let end: String = pieces.iter().filter_map(|piece| match piece {
                Piece::Personal(text) if last => Some(text.as_str()),
                _ => None,
            }).collect();
            format!("BEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261123T090000Z\r\n{rid}{shared}{end}END:VEVENT\r\n")
        };
        let rid = "RECURRENCE-ID:20261123T090000Z\r\n";
        let both = |personal, last| calendar(&(text(&first, "", personal, last) + &text(&second, rid, personal, last)));
        let object = read(&both(true, false));
        let split = split(&object);
        prop_assert_eq!(&split.base, &both(false, false));
        let merged = merge(&read(&split.base), &split.items);
        prop_assert_eq!(&merged, &both(true, true));
        prop_assert_eq!(is_normal(&object), merged == object.text());
        let again = super::split(&read(&merged));
        prop_assert_eq!(again, split);
        prop_assert!(same_but_stamps(&object, &read(&both(false, false))));
        compared.set(compared.get() + 1);
    });
    println!("compared {} objects", compared.get());
    assert!(compared.get() >= 256);
}
