//! Filters against the collection of RFC 4791 appendix B and against small objects, one condition each.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]

use super::read::{Refusal, Unsupported};
use super::{Evaluation, Filter, read};
use crate::Limits;
use crate::xml;
use ical::{CalendarObject, ComponentKind, ExpansionLimits, ParseLimits, TimeRange, Zone};
use std::path::Path;

fn object(text: &str) -> CalendarObject {
    CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap()
}

/// An object of one component whose lines are given.
fn of(component: &str, lines: &str) -> CalendarObject {
    let lines = lines.replace('\n', "\r\n");
    object(&format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t//EN\r\nBEGIN:{component}\r\nUID:u@example.com\r\nDTSTAMP:20200101T000000Z\r\n{lines}\r\nEND:{component}\r\nEND:VCALENDAR\r\n"
    ))
}

fn read_filter(inside: &str) -> Result<Filter, Refusal> {
    let xml =
        format!(r#"<C:filter xmlns:C="urn:ietf:params:xml:ns:caldav"><C:comp-filter name="VCALENDAR">{inside}</C:comp-filter></C:filter>"#);
    read::filter(&xml::read::parse(xml.as_bytes(), &Limits::default()).unwrap())
}

fn matches(inside: &str, object: &CalendarObject) -> bool {
    let filter = read_filter(inside).unwrap();
    let limits = ExpansionLimits::default();
    let found = Evaluation::new(object, &Zone::utc(), &limits).matches(&filter).unwrap();
    assert!(!found || filter.may_match(Some(object.kind()), &object.span()), "a match was ruled out by its row: {inside}");
    assert!(found || !filter.matches_all_of(object.kind()), "what does not match was taken by its kind: {inside}");
    found
}

#[test]
fn every_query_of_the_rfc_finds_its_objects() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rfc4791");
    let mut objects = Vec::new();
    let mut queries = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        match path.extension().unwrap().to_str().unwrap() {
            "ics" => objects.push((name, object(&text))),
            _ => queries.push((name, text)),
        }
    }
    objects.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!((objects.len(), queries.len()), (8, 12));
    let limits = ExpansionLimits::default();
    for (query, text) in queries {
        let expected = text.split("matches:").nth(1).and_then(|rest| rest.split("-->").next()).unwrap().split_whitespace();
        let body = xml::read::parse(text.as_bytes(), &Limits::default()).unwrap();
        let filter = read::filter(body.caldav("filter").unwrap()).unwrap();
        let found = objects.iter().filter(|(name, object)| {
            let found = Evaluation::new(object, &Zone::utc(), &limits).matches(&filter).unwrap();
            assert!(!found || filter.may_match(Some(object.kind()), &object.span()), "{query} rules out {name}");
            found
        });
        assert_eq!(found.map(|(name, _)| name.as_str()).collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{query}");
    }
}

/// What is asked about a VEVENT with these lines, and the answer.
#[test]
fn conditions_on_an_event() {
    let meeting = of(
        "VEVENT",
        "DTSTART:20201210T100000Z\nDTEND:20201210T110000Z\nSUMMARY;LANGUAGE=en:Plan\\, budget\\; rest\nCATEGORIES:WORK,Long\\, long\nCATEGORIES:HOME\n\
         ATTENDEE;PARTSTAT=ACCEPTED;MEMBER=\"mailto:a@example.com\",\"mailto:b@example.com\":mailto:carol@example.com\nATTENDEE:mailto:dan@example.com\n\
         URL:https://example.com/a\\,b\nBEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:Wake\nTRIGGER:-PT15M\nEND:VALARM",
    );
    let event = |inside: &str| matches(&format!(r#"<C:comp-filter name="vevent">{inside}</C:comp-filter>"#), &meeting);
    let property = |name: &str, inside: &str| event(&format!(r#"<C:prop-filter name="{name}">{inside}</C:prop-filter>"#));
    let text = |name: &str, needle: &str| property(name, &format!("<C:text-match>{needle}</C:text-match>"));
    let lacks = |name: &str, needle: &str| property(name, &format!(r#"<C:text-match negate-condition="yes">{needle}</C:text-match>"#));
    let absent = "<C:is-not-defined/>";

    assert!(event(""));
    assert!(property("SUMMARY", "") && property("summary", "") && !property("LOCATION", ""));
    assert!(property("LOCATION", absent) && !property("SUMMARY", absent));
    // TEXT is compared without its escapes, other types as they stand.
    assert!(text("SUMMARY", "plan, budget; rest") && !text("SUMMARY", "plan\\, budget"));
    assert!(text("URL", "a\\,b") && !text("URL", "a,b"));
    // Any property of that name will do, and a list is one text.
    assert!(text("CATEGORIES", "home") && text("CATEGORIES", "work,long, long"));
    assert!(lacks("CATEGORIES", "work"), "the second CATEGORIES lacks it");
    assert!(!lacks("SUMMARY", "budget") && lacks("SUMMARY", "absent"));
    assert!(!lacks("LOCATION", "anything"), "a property that is absent has no value that could lack something");
    // Parameters belong to the same property as the value.
    let attendee = |value: &str, inside: &str| property("ATTENDEE", &format!("<C:text-match>{value}</C:text-match>{inside}"));
    let accepted = r#"<C:param-filter name="partstat"><C:text-match>accepted</C:text-match></C:param-filter>"#;
    assert!(attendee("carol", accepted) && !attendee("dan", accepted));
    assert!(attendee("dan", r#"<C:param-filter name="PARTSTAT"><C:is-not-defined/></C:param-filter>"#));
    assert!(!attendee("carol", r#"<C:param-filter name="PARTSTAT"><C:is-not-defined/></C:param-filter>"#));
    assert!(attendee("carol", r#"<C:param-filter name="MEMBER"><C:text-match>b@example</C:text-match></C:param-filter>"#));
    assert!(!attendee(
        "carol",
        r#"<C:param-filter name="MEMBER"><C:text-match negate-condition="yes">b@example</C:text-match></C:param-filter>"#
    ));
    assert!(property("SUMMARY", r#"<C:param-filter name="LANGUAGE"/>"#));
    // Collations are those asked for.
    assert!(!property("SUMMARY", r#"<C:text-match collation="i;octet">plan</C:text-match>"#));
    assert!(property("SUMMARY", r#"<C:text-match collation="i;unicode-casemap">PLAN</C:text-match>"#));
    // Components within, and their absence.
    assert!(event(r#"<C:comp-filter name="VALARM"/>"#) && !event(r#"<C:comp-filter name="VALARM"><C:is-not-defined/></C:comp-filter>"#));
    assert!(event(
        r#"<C:comp-filter name="VALARM"><C:prop-filter name="ACTION"><C:text-match>display</C:text-match></C:prop-filter></C:comp-filter>"#
    ));
    assert!(!event(r#"<C:comp-filter name="X-OTHER"/>"#));
    assert!(matches(r#"<C:comp-filter name="VTODO"><C:is-not-defined/></C:comp-filter>"#, &meeting));
    assert!(!matches(r#"<C:comp-filter name="VTODO"/>"#, &meeting));
}

/// Time ranges as `start/end`, either end open, and whether they are met.
fn check_ranges(object: &CalendarObject, around: (&str, &str), table: &[(&str, bool)]) {
    for (range, expected) in table {
        let (start, end) = range.split_once('/').unwrap();
        let attribute = |name: &str, value: &str| if value.is_empty() { String::new() } else { format!(r#" {name}="{value}""#) };
        let element = format!("<C:time-range{}{}/>", attribute("start", start), attribute("end", end));
        assert_eq!(matches(&format!("{}{element}{}", around.0, around.1), object), *expected, "{range} {}", around.0);
    }
}

const IN_EVENT: (&str, &str) = (r#"<C:comp-filter name="VEVENT">"#, "</C:comp-filter>");
const IN_ALARM: (&str, &str) = (r#"<C:comp-filter name="VEVENT"><C:comp-filter name="VALARM">"#, "</C:comp-filter></C:comp-filter>");

#[test]
fn an_endless_series_answers_open_ranges_without_being_expanded() {
    let series = of("VEVENT", "DTSTART:20200106T090000Z\nDURATION:PT1H\nRRULE:FREQ=HOURLY;BYMINUTE=0,15,30,45\nSUMMARY:x");
    check_ranges(&series, IN_EVENT, &[("20250101T000000Z/", true), ("/20200106T090000Z", false), ("/20200106T090001Z", true)]);
    let start = (r#"<C:comp-filter name="VEVENT"><C:prop-filter name="DTSTART">"#, "</C:prop-filter></C:comp-filter>");
    check_ranges(
        &series,
        start,
        &[("20250101T000000Z/", true), ("20250101T000000Z/20250101T000001Z", true), ("20250101T000001Z/20250101T001500Z", false)],
    );
}

#[test]
fn conditions_hold_of_one_component_so_an_override_answers_for_itself() {
    let text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t//EN\r\n\
        BEGIN:VEVENT\r\nUID:u\r\nDTSTAMP:20200101T000000Z\r\nDTSTART:20200106T090000Z\r\nDTEND:20200106T100000Z\r\nRRULE:FREQ=WEEKLY\r\nSUMMARY:usual\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:u\r\nDTSTAMP:20200101T000000Z\r\nRECURRENCE-ID:20200113T090000Z\r\nDTSTART:20200114T150000Z\r\nDTEND:20200114T160000Z\r\nSUMMARY:moved\r\nEND:VEVENT\r\n\
        END:VCALENDAR\r\n";
    let series = object(text);
    let asked = |summary: &str, range: &str| {
        let (start, end) = range.split_once('/').unwrap();
        let inside = format!(
            r#"<C:comp-filter name="VEVENT"><C:time-range start="{start}" end="{end}"/><C:prop-filter name="SUMMARY"><C:text-match>{summary}</C:text-match></C:prop-filter></C:comp-filter>"#
        );
        matches(&inside, &series)
    };
    assert!(asked("moved", "20200114T000000Z/20200115T000000Z"));
    assert!(!asked("usual", "20200114T000000Z/20200115T000000Z"), "the master has no instance on that day");
    assert!(!asked("moved", "20200113T000000Z/20200114T000000Z"), "the slot it left is empty");
    assert!(!asked("usual", "20200113T000000Z/20200114T000000Z"));
    assert!(asked("usual", "20200120T000000Z/20200121T000000Z"));
    let edge = |name: &str, range: &str| {
        let (start, end) = range.split_once('/').unwrap();
        let inside = format!(
            r#"<C:comp-filter name="VEVENT"><C:prop-filter name="{name}"><C:time-range start="{start}" end="{end}"/></C:prop-filter></C:comp-filter>"#
        );
        matches(&inside, &series)
    };
    assert!(edge("DTSTART", "20200114T150000Z/20200114T150001Z") && !edge("DTSTART", "20200113T090000Z/20200113T090001Z"));
    assert!(edge("DTEND", "20200120T100000Z/20200120T100001Z") && !edge("DTEND", "20200120T100001Z/20200121T000000Z"));
}

#[test]
fn alarms_sound_for_every_instance_and_repeat() {
    let alarm = "BEGIN:VALARM\nACTION:AUDIO\nTRIGGER:-PT30M\nREPEAT:2\nDURATION:PT10M\nEND:VALARM";
    let series = of("VEVENT", &format!("DTSTART:20200106T090000Z\nDTEND:20200106T100000Z\nRRULE:FREQ=DAILY;COUNT=3\nSUMMARY:x\n{alarm}"));
    check_ranges(
        &series,
        IN_ALARM,
        &[
            ("20200106T083000Z/20200106T083001Z", true),
            ("20200106T083001Z/20200106T084000Z", false),
            ("20200106T084000Z/20200106T084001Z", true),
            ("20200106T085000Z/20200106T090000Z", true),
            ("20200106T085001Z/20200107T083000Z", false),
            ("20200108T083000Z/", true),
            ("20200108T085001Z/", false),
            ("/20200106T083000Z", false),
        ],
    );
    let until_end = of(
        "VEVENT",
        "DTSTART:20200106T090000Z\nDTEND:20200106T100000Z\nSUMMARY:x\nBEGIN:VALARM\nACTION:AUDIO\nTRIGGER;RELATED=END:PT0S\nEND:VALARM",
    );
    check_ranges(&until_end, IN_ALARM, &[("20200106T100000Z/20200106T100001Z", true), ("20200106T090000Z/20200106T100000Z", false)]);
}

#[test]
fn properties_that_do_not_recur_are_compared_by_their_own_value() {
    let task = of("VTODO", "CREATED:20200101T120000Z\nDTSTART:20200102T080000Z\nDURATION:PT2H\nCOMPLETED:20200103T000000Z");
    let property = |name: &str| {
        let open = format!(r#"<C:comp-filter name="VTODO"><C:prop-filter name="{name}">"#);
        (open, "</C:prop-filter></C:comp-filter>")
    };
    for (name, table) in [
        ("CREATED", [("20200101T120000Z/20200101T120001Z", true), ("/20200101T120000Z", false), ("20200101T120001Z/", false)]),
        ("COMPLETED", [("20200103T000000Z/", true), ("/20200103T000000Z", false), ("20200102T000000Z/20200103T000001Z", true)]),
        // DUE is what DTSTART and DURATION make it.
        ("DUE", [("20200102T100000Z/20200102T100001Z", true), ("20200102T080000Z/20200102T100000Z", false), ("20200102T100001Z/", false)]),
        ("LAST-MODIFIED", [("/20300101T000000Z", false), ("20000101T000000Z/", false), ("20000101T000000Z/20300101T000000Z", false)]),
    ] {
        let (open, close) = property(name);
        check_ranges(&task, (&open, close), &table);
    }
}

#[test]
fn floating_times_and_dates_are_taken_in_the_zone_of_the_request() {
    let day = of("VEVENT", "DTSTART;VALUE=DATE:20200106\nSUMMARY:x");
    let filter =
        read_filter(r#"<C:comp-filter name="VEVENT"><C:time-range start="20200105T150000Z" end="20200105T160000Z"/></C:comp-filter>"#)
            .unwrap();
    let limits = ExpansionLimits::default();
    let in_zone = |zone: &Zone| Evaluation::new(&day, zone, &limits).matches(&filter).unwrap();
    assert!(!in_zone(&Zone::utc()));
    assert!(in_zone(&Zone::iana("Asia/Tokyo").unwrap()), "the sixth begins in Tokyo at 15:00 UTC on the fifth");
}

#[test]
fn filters_that_mean_nothing_are_refused() {
    let range = r#"<C:time-range start="20200101T000000Z" end="20200102T000000Z"/>"#;
    let event = |inside: &str| format!(r#"<C:comp-filter name="VEVENT">{inside}</C:comp-filter>"#);
    let property = |name: &str, inside: &str| event(&format!(r#"<C:prop-filter name="{name}">{inside}</C:prop-filter>"#));
    for inside in [
        range.to_owned(),
        r#"<C:comp-filter/>"#.to_owned(),
        event(r#"<C:comp-filter name="VTODO"/>"#),
        event(r#"<C:comp-filter name="VCALENDAR"/>"#),
        r#"<C:comp-filter name="VALARM"/>"#.to_owned(),
        format!(r#"<C:comp-filter name="VTIMEZONE">{range}</C:comp-filter>"#),
        event(&format!("{range}{range}")),
        event(&format!("<C:is-not-defined/>{range}")),
        event("<C:time-range/>"),
        event(r#"<C:time-range start="20200102T000000Z" end="20200102T000000Z"/>"#),
        event(r#"<C:time-range start="20200102T000000Z" end="20200101T000000Z"/>"#),
        event(r#"<C:time-range start="20200101T000000"/>"#),
        event(r#"<C:time-range start="20200101"/>"#),
        event(r#"<C:time-range start="2020-01-01T00:00:00Z"/>"#),
        event("<C:text-match>x</C:text-match>"),
        property("SUMMARY", range),
        property("DTSTART", &format!("{range}<C:text-match>x</C:text-match>")),
        property("SUMMARY", "<C:text-match>x</C:text-match><C:text-match>y</C:text-match>"),
        property("SUMMARY", "<C:text-match negate-condition=\"maybe\">x</C:text-match>"),
        property("", ""),
        property("ATTENDEE", &format!(r#"<C:param-filter name="PARTSTAT">{range}</C:param-filter>"#)),
        property("ATTENDEE", r#"<C:param-filter/>"#),
        property("ATTENDEE", r#"<C:param-filter name="X"><C:is-not-defined/><C:text-match>x</C:text-match></C:param-filter>"#),
    ] {
        assert_eq!(read_filter(&inside), Err(Refusal::Invalid), "{inside}");
    }
    assert_eq!(read_filter(&property("SUMMARY", r#"<C:text-match collation="i;klingon">x</C:text-match>"#)), Err(Refusal::Collation));
    let unsupported = |which: Unsupported| Err(Refusal::Unsupported(which));
    assert_eq!(read_filter(&property("X-WHEN", range)), unsupported(Unsupported::Property("X-WHEN".to_owned())));
    let odd = format!(r#"<C:comp-filter name="X-ODD">{range}</C:comp-filter>"#);
    assert_eq!(read_filter(&odd), unsupported(Unsupported::Component("X-ODD".to_owned())));
    // What is unknown is ignored, as RFC 4918 §17 says; the draft's is-defined says what emptiness says.
    assert!(read_filter(&property("SUMMARY", r#"<C:is-defined/><x xmlns="urn:x"/>"#)).is_ok());
}

#[test]
fn a_filter_element_needs_exactly_one_comp_filter() {
    for xml in [
        r#"<C:filter xmlns:C="urn:ietf:params:xml:ns:caldav"/>"#,
        r#"<C:filter xmlns:C="urn:ietf:params:xml:ns:caldav"><C:comp-filter name="VEVENT"/></C:filter>"#,
        r#"<C:filter xmlns:C="urn:ietf:params:xml:ns:caldav"><C:comp-filter name="VCALENDAR"/><C:comp-filter name="VCALENDAR"/></C:filter>"#,
    ] {
        let element = xml::read::parse(xml.as_bytes(), &Limits::default()).unwrap_or_else(|_| panic!("{xml}"));
        assert_eq!(read::filter(&element), Err(Refusal::Invalid), "{xml}");
    }
}

#[test]
fn a_filter_has_no_more_conditions_than_its_limit() {
    let event = |inside: &str| format!(r#"<C:comp-filter name="VEVENT">{inside}</C:comp-filter>"#);
    let condition = r#"<C:prop-filter name="SUMMARY"/>"#;
    assert!(read_filter(&event(&condition.repeat(199))).is_ok());
    assert_eq!(read_filter(&event(&condition.repeat(200))), Err(Refusal::Invalid));
}

#[test]
fn a_filter_for_a_kind_alone_needs_no_body() {
    let answers = |inside: &str| {
        let filter = read_filter(inside).unwrap();
        [ComponentKind::Event, ComponentKind::ToDo].map(|kind| filter.matches_all_of(kind))
    };
    assert_eq!(answers(""), [true, true]);
    assert_eq!(answers(r#"<C:comp-filter name="VEVENT"/>"#), [true, false]);
    assert_eq!(answers(r#"<C:comp-filter name="VEVENT"><C:is-not-defined/></C:comp-filter>"#), [false, true]);
    assert_eq!(answers(r#"<C:comp-filter name="VTIMEZONE"/>"#), [false, false]);
    assert_eq!(answers(r#"<C:comp-filter name="VEVENT"><C:prop-filter name="SUMMARY"/></C:comp-filter>"#), [false, false]);
    assert_eq!(answers(r#"<C:prop-filter name="VERSION"/>"#), [false, false]);
}

#[test]
fn an_object_that_cannot_be_read_matches_no_filter() {
    for inside in ["", r#"<C:comp-filter name="VTODO"><C:is-not-defined/></C:comp-filter>"#] {
        assert!(!read_filter(inside).unwrap().may_match(None, &TimeRange::default()));
        assert!(read_filter(inside).unwrap().may_match(Some(ComponentKind::Event), &TimeRange::default()));
    }
}

/// A question for each component, each of which read all components: with twenty thousand alarms one query held a thread
/// for minutes, and so did two hundred conditions on a long text.
#[test]
fn many_conditions_on_many_components_end_soon() {
    let alarms = "BEGIN:VALARM\r\nTRIGGER:-P1D\r\nACTION:AUDIO\r\nEND:VALARM\r\n".repeat(15_000);
    let alarmed = of("VEVENT", &format!("DTSTART:20260101T000000Z\nDTEND:20260101T010000Z\n{}", alarms.replace("\r\n", "\n").trim_end()));
    let range = r#"<C:time-range start="20270101T000000Z" end="20270102T000000Z"/>"#;
    assert!(!matches(
        &format!(r#"<C:comp-filter name="VEVENT"><C:comp-filter name="VALARM">{range}</C:comp-filter></C:comp-filter>"#),
        &alarmed
    ));
    let wordy = of("VEVENT", &format!("DTSTART:20260101T000000Z\nDESCRIPTION:{}", "word ".repeat(80_000)));
    let word = r#"<C:prop-filter name="DESCRIPTION"><C:text-match collation="i;octet">other</C:text-match></C:prop-filter>"#;
    let lacking = word.replace("<C:text-match ", r#"<C:text-match negate-condition="yes" "#);
    let many = format!(r#"<C:comp-filter name="VEVENT">{}</C:comp-filter>"#, lacking.repeat(90));
    let filter = read_filter(&many).unwrap();
    let limits = ExpansionLimits::default();
    assert!(Evaluation::new(&wordy, &Zone::utc(), &limits).matches(&filter).is_err());
}
