//! Generated queries by every viewer: what a query finds is what the viewer could find himself among the bodies GET gives him,
//! and the data it returns is what he could cut from them himself. So no filter, no expansion and no selection of parts can
//! tell more than the projection.

use crate::harness::client::NAMESPACES;
use crate::harness::{Client, World};
use acl::Level;
use ical::{CalendarObject, ExpansionLimits, ParseLimits, Zone};
use proptest::prelude::*;
use std::cell::Cell;
use std::collections::BTreeMap;

const WORK: &str = "/dav/calendars/alice/work/";
/// Viewers in the order of what they see.
const VIEWERS: [&str; 5] = ["alice", "bob", "carol", "dan", "erin"];

fn calendar(component: &str, bodies: &[&str]) -> String {
    let components: String = bodies
        .iter()
        .map(|body| format!("BEGIN:{component}\r\nDTSTAMP:20261101T000000Z\r\n{}\r\nEND:{component}\r\n", body.replace('\n', "\r\n")))
        .collect();
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{components}END:VCALENDAR\r\n")
}

fn world() -> World {
    let world = VIEWERS.iter().fold(World::new(), |world, user| world.user(user)).calendar("alice/work");
    let world = world
        .share("alice/work", "bob", Level::FreeBusy)
        .share("alice/work", "carol", Level::Titles)
        .share("alice/work", "dan", Level::Details)
        .share("alice/work", "erin", Level::EditDelete);
    let alarm = "BEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:Wake\nTRIGGER:-PT1H\nEND:VALARM";
    let rule = "RRULE:FREQ=DAILY;COUNT=9";
    let objects = [
        calendar(
            "VEVENT",
            &[&format!(
                "UID:1\nDTSTART:20261103T090000Z\nDTEND:20261103T100000Z\nSUMMARY:Plan\nLOCATION:Oslo\nCATEGORIES:WORK,PLAN\n{alarm}"
            )],
        ),
        calendar(
            "VEVENT",
            &["UID:2\nDTSTART:20261104T090000Z\nDTEND:20261104T100000Z\nSUMMARY:Plan of escape\nCLASS:PRIVATE\nLOCATION:Oslo"],
        ),
        calendar(
            "VEVENT",
            &["UID:3\nDTSTART:20261105T090000Z\nDTEND:20261105T100000Z\nSUMMARY:Busy talk\nCLASS:CONFIDENTIAL\nSTATUS:TENTATIVE"],
        ),
        calendar("VEVENT", &["UID:4\nDTSTART;VALUE=DATE:20261106\nSUMMARY:Oslo\nTRANSP:TRANSPARENT"]),
        calendar(
            "VEVENT",
            &[
                &format!(
                    "UID:5\nDTSTART:20261103T120000Z\nDTEND:20261103T130000Z\n{rule}\nSUMMARY:Lunch\nATTENDEE;PARTSTAT=ACCEPTED:mailto:dan@example.org"
                ),
                "UID:5\nRECURRENCE-ID:20261105T120000Z\nDTSTART:20261105T150000Z\nDTEND:20261105T160000Z\nSUMMARY:Lunch late\nCLASS:PRIVATE",
                "UID:5\nRECURRENCE-ID:20261106T120000Z\nDTSTART:20261106T110000Z\nDTEND:20261106T120000Z\nSUMMARY:Lunch early",
            ],
        ),
        calendar("VEVENT", &[&format!("UID:6\nDTSTART;VALUE=DATE:20261102\n{rule}\nSUMMARY:Fast\nCLASS:PRIVATE")]),
        calendar("VTODO", &[&format!("UID:7\nDUE:20261104T120000Z\nSUMMARY:Plan trip\nSTATUS:NEEDS-ACTION\n{alarm}")]),
        calendar("VTODO", &["UID:8\nDTSTART:20261103T000000Z\nDUE:20261107T000000Z\nSUMMARY:Tax\nCLASS:PRIVATE\nPERCENT-COMPLETE:40"]),
        calendar("VJOURNAL", &["UID:9\nDTSTART;VALUE=DATE:20261104\nSUMMARY:Diary\nDESCRIPTION:Oslo again"]),
    ];
    let alice = world.client("alice");
    for (number, body) in objects.iter().enumerate() {
        let answer = alice.put(&format!("{WORK}{number}.ics"), body);
        assert_eq!(answer.status, 201, "{number}: {}", answer.body);
    }
    world
}

fn instant() -> impl Strategy<Value = String> {
    (2_u32..8, 0_u32..24).prop_map(|(day, hour)| format!("202611{day:02}T{hour:02}0000Z"))
}

fn range() -> impl Strategy<Value = String> {
    let closed = (2_u32..8, 0_u32..24, 1_u32..40).prop_map(|(day, hour, hours)| {
        let end = day * 24 + hour + hours;
        format!(r#"start="202611{day:02}T{hour:02}0000Z" end="202611{:02}T{:02}0000Z""#, end / 24, end % 24)
    });
    prop_oneof![closed, instant().prop_map(|start| format!(r#"start="{start}""#)), instant().prop_map(|end| format!(r#"end="{end}""#))]
}

fn text_match() -> impl Strategy<Value = String> {
    let words =
        prop::sample::select(vec!["plan", "Busy", "oslo", "Private event", "PRIVATE", "1", "2", "lunch", "dan", "", "CONFIDENTIAL", "z"]);
    let collations = prop::sample::select(vec!["i;ascii-casemap", "i;octet", "i;unicode-casemap"]);
    (words, collations, prop::sample::select(vec!["yes", "no"])).prop_map(|(text, collation, negate)| {
        format!(r#"<C:text-match collation="{collation}" negate-condition="{negate}">{text}</C:text-match>"#)
    })
}

fn prop_filter() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec![
        "SUMMARY",
        "LOCATION",
        "CLASS",
        "STATUS",
        "UID",
        "CATEGORIES",
        "ATTENDEE",
        "RRULE",
        "EXDATE",
        "RECURRENCE-ID",
        "DESCRIPTION",
        "TRANSP",
        "DTSTART",
        "X-NONE",
        "PERCENT-COMPLETE",
    ]);
    let timed = prop::sample::select(vec!["DTSTART", "DTEND", "DUE", "DTSTAMP", "CREATED"]);
    let param = prop::sample::select(vec![
        "",
        r#"<C:param-filter name="PARTSTAT"/>"#,
        r#"<C:param-filter name="VALUE"><C:is-not-defined/></C:param-filter>"#,
    ]);
    let wrap = |name: &str, inside: &str| format!(r#"<C:prop-filter name="{name}">{inside}</C:prop-filter>"#);
    prop_oneof![
        (names.clone(), param, prop::option::of(text_match()))
            .prop_map(move |(name, param, text)| wrap(name, &format!("{}{param}", text.unwrap_or_default()))),
        names.prop_map(move |name| wrap(name, "<C:is-not-defined/>")),
        (timed, range()).prop_map(move |(name, range)| wrap(name, &format!("<C:time-range {range}/>"))),
    ]
}

/// The inside of the comp-filter for VCALENDAR.
fn filter() -> impl Strategy<Value = String> {
    let alarm = prop_oneof![
        Just(String::new()),
        Just(r#"<C:comp-filter name="VALARM"/>"#.to_owned()),
        Just(r#"<C:comp-filter name="VALARM"><C:is-not-defined/></C:comp-filter>"#.to_owned()),
        range().prop_map(|range| format!(r#"<C:comp-filter name="VALARM"><C:time-range {range}/></C:comp-filter>"#)),
    ];
    let kinds = prop_oneof![
        4 => (Just("VEVENT"), prop::option::of(range()), prop::collection::vec(prop_filter(), 0..3), alarm),
        1 => (Just("VTODO"), prop::option::of(range()), prop::collection::vec(prop_filter(), 0..2), Just(String::new())),
        1 => (Just("VJOURNAL"), prop::option::of(range()), prop::collection::vec(prop_filter(), 0..2), Just(String::new())),
    ];
    let one = kinds.prop_map(|(kind, range, properties, alarm)| {
        let range = range.map(|range| format!("<C:time-range {range}/>")).unwrap_or_default();
        format!(r#"<C:comp-filter name="{kind}">{range}{}{alarm}</C:comp-filter>"#, properties.concat())
    });
    prop_oneof![8 => one, 1 => Just(r#"<C:comp-filter name="VTODO"><C:is-not-defined/></C:comp-filter>"#.to_owned()), 1 => prop_filter()]
}

/// The inside of `calendar-data`.
fn data() -> impl Strategy<Value = String> {
    let window = Just(r#"start="20261103T000000Z" end="20261106T120000Z""#);
    let recurrence = prop_oneof![
        Just(String::new()),
        window.prop_map(|window| format!("<C:expand {window}/>")),
        window.prop_map(|window| format!("<C:limit-recurrence-set {window}/>")),
    ];
    let selection = prop::sample::select(vec![
        "",
        r#"<C:comp name="VCALENDAR"><C:comp name="VEVENT"><C:prop name="SUMMARY" novalue="yes"/><C:prop name="LOCATION"/><C:prop name="EXDATE"/></C:comp></C:comp>"#,
        r#"<C:comp name="VCALENDAR"><C:allprop/><C:comp name="VEVENT"><C:prop name="DTSTART"/><C:allcomp/></C:comp></C:comp>"#,
    ]);
    (selection, recurrence).prop_map(|(selection, recurrence)| format!("{selection}{recurrence}"))
}

fn element(xml: &str) -> webdav::xml::Element {
    webdav::xml::read::parse(xml.as_bytes(), &webdav::Limits::default()).unwrap()
}

#[test]
fn leak_36_a_query_finds_what_its_viewer_could_find_among_what_he_gets() {
    let world = world();
    let viewers: Vec<(&str, Client, BTreeMap<String, String>)> = VIEWERS
        .iter()
        .map(|user| {
            let client = world.client(user);
            let bodies = client.members(WORK).into_iter().map(|href| (href.clone(), client.get(&href).body)).collect();
            (*user, client, bodies)
        })
        .collect();
    let sizes: Vec<usize> = viewers.iter().map(|(_, _, bodies)| bodies.len()).collect();
    assert_eq!(sizes.first(), Some(&9), "the owner has all");
    assert!(sizes[1] < sizes[2] && sizes[1] >= 5, "bob has the opaque events alone: {sizes:?}");
    let (queries, found, limits) = (Cell::new(0), Cell::new(0), ExpansionLimits::default());
    proptest!(ProptestConfig::with_cases(250), |(inside in filter(), data in data())| {
        let filter = format!(r#"<C:filter {NAMESPACES}><C:comp-filter name="VCALENDAR">{inside}</C:comp-filter></C:filter>"#);
        let data = format!("<C:calendar-data {NAMESPACES}>{data}</C:calendar-data>");
        let body = format!("<C:calendar-query {NAMESPACES}><D:prop><D:getetag/>{data}</D:prop>{filter}</C:calendar-query>");
        let filter = webdav::filter::read::filter(&element(&filter)).unwrap();
        let wanted = webdav::calendar_data::CalendarData::read(&element(&data), 20).unwrap();
        for (user, client, bodies) in &viewers {
            let answer = client.send("REPORT", WORK, &[("depth", "1")], &body);
            let mut expected: BTreeMap<String, Option<String>> = BTreeMap::new();
            for (href, text) in bodies {
                let object = CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap();
                if webdav::filter::Evaluation::new(&object, &Zone::utc(), &limits).matches(&filter).unwrap() {
                    let cut = wanted.of(&object, &Zone::utc(), &limits);
                    expected.insert(href.clone(), cut.map(|text| text.into_owned()));
                }
            }
            let data = client.data(&answer);
            let actual: BTreeMap<String, Option<String>> =
                answer.multistatus().into_keys().map(|href| (href.clone(), data.get(&href).cloned())).collect();
            queries.set(queries.get() + 1);
            found.set(found.get() + actual.len());
            prop_assert_eq!(actual, expected, "{}", user);
        }
    });
    println!("{} queries by {} viewers found {} objects", queries.get(), viewers.len(), found.get());
    assert!(queries.get() >= 1_000 && found.get() >= 500, "{} queries found {} objects", queries.get(), found.get());
}
