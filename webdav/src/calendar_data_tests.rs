//! Calendar data cut as the examples of RFC 4791 show it, and the rule that cutting adds nothing.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]

use super::*;
use crate::Limits;
use crate::xml;
use proptest::prelude::*;
use std::cell::Cell;
use std::path::Path;

fn object(text: &str) -> CalendarObject {
    CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap()
}

fn read(xml: &str) -> Result<CalendarData> {
    let body = xml::read::parse(xml.as_bytes(), &Limits::default()).unwrap();
    CalendarData::read(&body, 20)
}

fn element(inside: &str) -> String {
    format!(r#"<C:calendar-data xmlns:C="urn:ietf:params:xml:ns:caldav">{inside}</C:calendar-data>"#)
}

fn cut(inside: &str, object: &CalendarObject) -> Option<String> {
    let data = read(&element(inside)).unwrap();
    data.of(object, &Zone::utc(), &ExpansionLimits::default()).map(Cow::into_owned)
}

#[test]
fn the_examples_of_the_rfc_are_cut_as_it_shows() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rfc4791");
    let mut compared = 0;
    for entry in std::fs::read_dir(directory.join("expected")).unwrap() {
        let path = entry.unwrap().path();
        let (query, name) = path.file_stem().unwrap().to_str().unwrap().rsplit_once('.').unwrap();
        let body = std::fs::read_to_string(directory.join(format!("{query}.xml"))).unwrap();
        let body = xml::read::parse(body.as_bytes(), &Limits::default()).unwrap();
        let data = CalendarData::read(body.dav("prop").unwrap().caldav("calendar-data").unwrap(), 20).unwrap();
        let object = object(&std::fs::read_to_string(directory.join(format!("{name}.ics"))).unwrap());
        let found = data.of(&object, &Zone::utc(), &ExpansionLimits::default()).unwrap();
        assert_eq!(found, std::fs::read_to_string(&path).unwrap(), "{query} {name}");
        compared += 1;
    }
    assert_eq!(compared, 7);
}

const MEETING: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t//EN\r\nBEGIN:VEVENT\r\nUID:u\r\nDTSTAMP:20200101T000000Z\r\n\
    DTSTART:20200106T090000Z\r\nSUMMARY;LANGUAGE=en;X-NOTE=\"a:b\":A title that is long en\r\n ough to be folded by the client that wrote it\r\n\
    ATTENDEE;CN=\"Dan; D\":mailto:dan@example.com\r\nATTENDEE:mailto:erin@example.com\r\nX-OTHER:1\r\n\
    BEGIN:VALARM\r\nACTION:AUDIO\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

#[test]
fn properties_and_components_are_chosen_by_name() {
    let meeting = object(MEETING);
    let event =
        |inside: &str| cut(&format!(r#"<C:comp name="VCALENDAR"><C:comp name="VEVENT">{inside}</C:comp></C:comp>"#), &meeting).unwrap();
    let wrapped = |inside: &str| format!("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n{inside}END:VEVENT\r\nEND:VCALENDAR\r\n");
    assert_eq!(cut("", &meeting).unwrap(), MEETING);
    assert_eq!(cut(r#"<C:comp name="VCALENDAR"/>"#, &meeting).unwrap(), MEETING);
    assert_eq!(cut(r#"<C:comp name="vcalendar"><C:allprop/><C:allcomp/></C:comp>"#, &meeting).unwrap(), MEETING);
    // A property that repeats comes as often, and a folded line keeps its folds.
    assert_eq!(
        event(r#"<C:prop name="attendee"/>"#),
        wrapped("ATTENDEE;CN=\"Dan; D\":mailto:dan@example.com\r\nATTENDEE:mailto:erin@example.com\r\n")
    );
    assert!(event(r#"<C:prop name="SUMMARY"/>"#).contains("long en\r\n ough to be"));
    assert_eq!(event(r#"<C:prop name="LOCATION"/>"#), wrapped(""));
    // Without its value a property keeps name and parameters, whatever stands in them.
    assert_eq!(event(r#"<C:prop name="SUMMARY" novalue="yes"/>"#), wrapped("SUMMARY;LANGUAGE=en;X-NOTE=\"a:b\":\r\n"));
    assert_eq!(
        event(r#"<C:prop name="X-OTHER"/><C:comp name="VALARM"><C:prop name="ACTION"/></C:comp>"#),
        wrapped("X-OTHER:1\r\nBEGIN:VALARM\r\nACTION:AUDIO\r\nEND:VALARM\r\n")
    );
    assert!(!event("<C:allprop/>").contains("VALARM") && event("<C:allprop/><C:allcomp/>").contains("VALARM"));
    assert_eq!(
        cut(r#"<C:comp name="VCALENDAR"><C:prop name="VERSION"/></C:comp>"#, &meeting).unwrap(),
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"
    );
}

#[test]
fn expansion_comes_before_selection_and_may_leave_nothing() {
    let series = object(&MEETING.replace("SUMMARY;", "RRULE:FREQ=DAILY;COUNT=3\r\nSUMMARY;"));
    let range = |day: u8| format!(r#"start="202001{day:02}T000000Z" end="202001{:02}T000000Z""#, day + 1);
    let selection = r#"<C:comp name="VCALENDAR"><C:comp name="VEVENT"><C:prop name="DTSTART"/><C:prop name="RRULE"/></C:comp></C:comp>"#;
    let text = cut(&format!("{selection}<C:expand {}/>", range(7)), &series).unwrap();
    assert_eq!(text, "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART:20200107T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
    assert_eq!(cut(&format!("<C:expand {}/>", range(20)), &series), None);
}

#[test]
fn requests_for_other_data_or_without_sense_are_refused() {
    let condition = |xml: &str| match read(xml) {
        Err(Error::Condition(condition, _)) => Some(condition),
        Err(Error::BadRequest(_)) => None,
        other => panic!("{xml}: {other:?}"),
    };
    let with = |attributes: &str| format!(r#"<C:calendar-data xmlns:C="urn:ietf:params:xml:ns:caldav" {attributes}/>"#);
    assert_eq!(condition(&with(r#"content-type="application/calendar+json""#)), Some(Condition::SupportedCalendarData));
    assert_eq!(condition(&with(r#"content-type="text/calendar" version="1.0""#)), Some(Condition::SupportedCalendarData));
    assert!(read(&with(r#"content-type="Text/Calendar; charset=utf-8" version="2.0""#)).is_ok());
    let day = r#"start="20200101T000000Z" end="20200102T000000Z""#;
    for inside in [
        r#"<C:expand start="20200101T000000Z"/>"#.to_owned(),
        r#"<C:expand start="20200102T000000Z" end="20200101T000000Z"/>"#.to_owned(),
        format!("<C:expand {day}/><C:limit-recurrence-set {day}/>"),
        r#"<C:comp name="VEVENT"/>"#.to_owned(),
        r#"<C:comp name="VCALENDAR"><C:prop/></C:comp>"#.to_owned(),
        r#"<C:comp name="VCALENDAR"><C:prop name="X" novalue="perhaps"/></C:comp>"#.to_owned(),
    ] {
        assert_eq!(condition(&element(&inside)), None, "{inside}");
    }
    let century = r#"<C:expand start="20000101T000000Z" end="21000101T000000Z"/>"#;
    assert_eq!(condition(&element(century)), Some(Condition::NumberOfMatchesWithinLimits));
}

const NAMES: &[&str] =
    &["VERSION", "PRODID", "UID", "DTSTAMP", "DTSTART", "SUMMARY", "ATTENDEE", "X-OTHER", "ACTION", "TRIGGER", "DESCRIPTION"];

fn selection(name: &'static str, inner: Option<BoxedStrategy<CompSelection>>) -> BoxedStrategy<CompSelection> {
    let value = prop_oneof![Just(Value::Kept), Just(Value::Omitted)];
    let named = proptest::collection::vec((proptest::sample::select(NAMES).prop_map(str::to_owned), value), 0..5);
    let properties = prop_oneof![Just(PropSelection::All), named.prop_map(PropSelection::Named)];
    let components = match inner {
        Some(inner) => proptest::option::of(proptest::collection::vec(inner, 0..2)).boxed(),
        None => proptest::option::of(Just(Vec::new())).boxed(),
    };
    (properties, components)
        .prop_map(move |(properties, components)| CompSelection { name: name.to_owned(), properties, components })
        .boxed()
}

/// Whatever is asked for, every line that comes out stands in the whole object, in the same order, or is the beginning of
/// one, up to its colon.
#[test]
fn nothing_is_cut_out_that_was_not_there() {
    let meeting = object(MEETING);
    let unfold = |text: &str| text.replace("\r\n ", "");
    let whole = unfold(MEETING);
    let compared = Cell::new(0);
    let strategy = selection("VCALENDAR", Some(selection("VEVENT", Some(selection("VALARM", None)))));
    proptest!(ProptestConfig::with_cases(300), |(selection in strategy)| {
        let data = CalendarData { selection: Some(selection), ..CalendarData::default() };
        let text = data.of(&meeting, &Zone::utc(), &ExpansionLimits::default()).unwrap();
        let mut rest = whole.lines();
        for line in unfold(&text).lines() {
            prop_assert!(rest.any(|original| original == line || line.ends_with(':') && original.starts_with(line)), "{line}");
            compared.set(compared.get() + 1);
        }
    });
    assert!(compared.get() > 1_000, "only {} lines were compared", compared.get());
}

/// An expansion may be longer than anything a client may send; read again under the bounds of what comes in, it was cut to
/// nothing.
#[test]
fn a_selection_of_a_long_expansion_is_not_empty() {
    let alarms = "BEGIN:VALARM\r\nACTION:AUDIO\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n".repeat(3);
    let daily = MEETING.replace("SUMMARY", "RRULE:FREQ=DAILY\r\nSUMMARY").replace("END:VEVENT", &format!("{alarms}END:VEVENT"));
    let cut = cut(
        r#"<C:comp name="VCALENDAR"><C:comp name="VEVENT"><C:prop name="DTSTART"/></C:comp></C:comp><C:expand start="20200101T000000Z" end="20370101T000000Z"/>"#,
        &object(&daily),
    );
    assert_eq!(cut.unwrap().matches("DTSTART:").count(), 6_205);
}
