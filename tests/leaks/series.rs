//! What a series could tell: of instances that are hidden, of the rule behind what is shown, of how it was expanded.

use super::{WINDOW, WORK, alike, alike_in, bodies, event, harvest, lines, only, plain, query_body, series, shared, world_of};
use crate::harness::World;
use crate::harness::cast::PEOPLE;
use crate::harness::client::NAMESPACES;
use acl::Level;
use acl::level::GrantPrivateEvents::Hidden;
use ical::{CalendarObject, ExpansionLimits, ParseLimits, TimeRange, Zone};
use std::collections::BTreeSet;

const SECOND: &str = "RECURRENCE-ID:20261110T090000Z\n";

fn moved(lines: &str) -> String {
    format!("{SECOND}DTSTART:20261111T140000Z\nDTEND:20261111T150000Z\n{lines}")
}

/// Start and title of each instance of a body in the window.
fn instances(text: &str) -> BTreeSet<(String, String)> {
    let object = CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap();
    let time = |text: &str| Some(chrono::NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ").unwrap().and_utc());
    let window = TimeRange { start: time("20261101T000000Z"), end: time("20270201T000000Z") };
    let all = ical::recurrence::instances(&object, &window, &Zone::utc(), &ExpansionLimits::default()).unwrap();
    let instance = |instance: &ical::Instance<'_>| {
        let title = instance.component.line("SUMMARY").map(|line| line.value.clone()).unwrap_or_default();
        (instance.start_utc.unwrap().format("%m%dT%H").to_string(), title)
    };
    all.iter().map(instance).collect()
}

/// Whose share hides what is private.
fn discreet_at(level: Level) -> World {
    shared("titles", level, Hidden)
}

#[test]
fn leak_05_a_hidden_instance_leaves_no_ghost_at_its_old_time_nor_its_new() {
    let text = series("u", "SUMMARY:Talk", &[&moved("SUMMARY:Interview\nCLASS:PRIVATE")]);
    for level in [Level::FreeBusy, Level::Titles, Level::Details] {
        let world = discreet_at(level);
        super::store(&world, &[("u.ics", text.clone())]);
        let (_, body) = only(&world.client("titles"));
        let starts: Vec<String> = instances(&body).into_iter().map(|(start, _)| start).collect();
        assert_eq!(starts, ["1103T09", "1117T09", "1124T09", "1201T09"], "{level:?}\n{body}");
        assert!(!plain(&harvest(&world, "titles")).contains("20261111"), "{level:?}: where it went");
    }
    // To whom it is a block, it is one where it is now, and nothing stands where it was.
    let world = world_of(&[("u.ics", text)]);
    for name in ["busy", "titles", "details", "edit"] {
        let starts: Vec<String> = instances(&only(&world.client(name)).1).into_iter().map(|(start, _)| start).collect();
        assert_eq!(starts, ["1103T09", "1111T14", "1117T09", "1124T09", "1201T09"], "{name}");
    }
}

#[test]
fn leak_06_an_instance_shown_alone_tells_nothing_of_its_series() {
    let with = |rule: &str| {
        let text = series("known-06", "SUMMARY:secret-06\nCLASS:PRIVATE", &[&moved("SUMMARY:Open day\nCLASS:PUBLIC")]);
        vec![("u.ics", text.replace("RRULE:FREQ=WEEKLY;COUNT=5", rule))]
    };
    for level in [Level::FreeBusy, Level::Titles, Level::Details] {
        let world = discreet_at(level);
        super::store(&world, &with("RRULE:FREQ=WEEKLY;COUNT=5"));
        let (_, body) = only(&world.client("titles"));
        assert_eq!(instances(&body).len(), 1, "{body}");
        for gone in ["RRULE", "EXDATE", "secret-06"] {
            assert!(!plain(&harvest(&world, "titles")).contains(gone), "{level:?} {gone}");
        }
        if level < Level::Details {
            assert_eq!(lines(&body, "RECURRENCE-ID"), ["RECURRENCE-ID:20261111T140000Z"], "its own start, not where it was");
        }
        for rule in ["RRULE:FREQ=DAILY;COUNT=30", "RRULE:FREQ=WEEKLY", "RRULE:FREQ=WEEKLY;UNTIL=20270105T090000Z"] {
            alike_in(&|| discreet_at(level), &with("RRULE:FREQ=WEEKLY;COUNT=5"), &with(rule), &["titles", "discreet"]);
        }
    }
    // Below details not even that it was moved, nor from where.
    let from = |day: &str| {
        let text = series("u", "SUMMARY:secret\nCLASS:PRIVATE", &[&moved("SUMMARY:Open day\nCLASS:PUBLIC").replace("20261110", day)]);
        vec![("u.ics", text)]
    };
    alike_in(&|| discreet_at(Level::Titles), &from("20261110"), &from("20261124"), &["titles"]);
}

#[test]
fn leak_07_a_deleted_instance_and_a_hidden_one_are_the_same() {
    let hidden = |lines: &str| vec![("u.ics", series("u", "SUMMARY:Talk", &[&moved(&format!("CLASS:PRIVATE\n{lines}"))]))];
    let deleted = vec![("u.ics", series("u", "SUMMARY:Talk\nEXDATE:20261110T090000Z", &[]))];
    let more = vec![("u.ics", series("u", "SUMMARY:Talk\nEXDATE:20261110T090000Z\nEXDATE:20261112T090000Z,20281110T090000Z", &[]))];
    for level in [Level::FreeBusy, Level::Titles] {
        let make = || discreet_at(level);
        alike_in(&make, &hidden("SUMMARY:Interview"), &deleted, &["titles"]);
        alike_in(&make, &hidden("SUMMARY:Interview"), &hidden("SUMMARY:Other\nLOCATION:Oslo"), &["titles"]);
        alike_in(&make, &deleted, &more, &["titles"]);
    }
    // How the exclusions are written, and in which order, is the client's.
    let two = |lines: &str| vec![("u.ics", series("u", &format!("SUMMARY:Talk\n{lines}"), &[]))];
    let ordered = two("EXDATE:20261110T090000Z,20261124T090000Z");
    alike(&ordered, &two("EXDATE:20261124T090000Z\nEXDATE;VALUE=DATE-TIME:20261110T090000Z"), &["busy", "titles", "places", "assign"]);
    // A moved instance shows where it is; where it was is a gap like any other.
    let shown = world_of(&[("u.ics", series("u", "SUMMARY:Talk", &[&moved("SUMMARY:Talk\nCLASS:PRIVATE")]))]);
    let (_, body) = only(&shown.client("busy"));
    assert_eq!(instances(&body).len(), 5);
}

#[test]
fn leak_08_what_is_expanded_is_what_is_shown() {
    let text = series(
        "u",
        "SUMMARY:Talk\nEXDATE:20261117T090000Z",
        &[
            &moved("SUMMARY:Interview\nCLASS:PRIVATE"),
            "RECURRENCE-ID:20261124T090000Z\nDTSTART:20261124T100000Z\nDURATION:PT1H\nSUMMARY:Talk late",
        ],
    );
    let world = world_of(&[("u.ics", text)]);
    let (mut compared, mut own) = (0, 0);
    for person in PEOPLE.iter().filter(|person| person.reaches()) {
        let client = world.client(person.name);
        let expected = instances(&only(&client).1);
        for data in ["expand", "limit-recurrence-set"] {
            let answer = client.send("REPORT", WORK, &[("depth", "1")], &query_body(&format!("<C:{data} {WINDOW}/>"), ""));
            let served: String = client.data(&answer).into_values().next().unwrap();
            assert_eq!(instances(&served), expected, "{} {data}", person.name);
            assert_eq!(served.contains("Interview"), ["alice", "delegate"].contains(&person.name), "{}", person.name);
            compared += 1;
        }
        own += usize::from(expected.iter().any(|(_, title)| title == "Interview"));
    }
    assert_eq!((compared, own), (22, 2));
}

#[test]
fn leak_21_free_busy_tells_busy_time_and_not_how_many_events_it_is_made_of() {
    let at = |uid: &str, start: &str, end: &str| {
        event(uid, "SUMMARY:Talk")
            .replace("DTSTART:20261103T090000Z", &format!("DTSTART:20261103{start}"))
            .replace("DTEND:20261103T100000Z", &format!("DTEND:20261103{end}"))
    };
    let one = world_of(&[("a.ics", at("a", "T090000Z", "T120000Z"))]);
    let many = world_of(&[
        ("a.ics", at("a", "T090000Z", "T103000Z")),
        ("b.ics", at("b", "T100000Z", "T110000Z")),
        ("c.ics", at("c", "T110000Z", "T120000Z")),
        ("d.ics", at("d", "T093000Z", "T094500Z")),
    ]);
    for name in ["busy", "titles", "details", "assign", "alice"] {
        let told = |world: &World| {
            let body = format!("<C:free-busy-query {NAMESPACES}><C:time-range {WINDOW}/></C:free-busy-query>");
            let report = world.client(name).send("REPORT", WORK, &[("depth", "1")], &body);
            let url = world.client(name).get("/dav/freebusy/alice?start=20261101T000000Z&end=20270201T000000Z");
            (report, url)
        };
        assert_eq!(told(&one), told(&many), "{name}");
        assert!(told(&one).0.body.contains("20261103T090000Z/20261103T120000Z"), "{}", told(&one).0.body);
    }
    assert_eq!(bodies(&many.client("busy"), WORK).len(), 4, "events are listed one by one, which is documented");
}
