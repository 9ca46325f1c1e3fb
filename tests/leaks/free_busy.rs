//! What free/busy could tell beyond the list of what the same viewer is shown.

use super::{WINDOW, WORK, bodies, calendar, component, event, lines, person, plain, world_of};
use crate::harness::cast::PEOPLE;
use crate::harness::client::NAMESPACES;
use crate::harness::{Answer, Client, World};
use acl::Level;
use acl::level::GrantPrivateEvents::Hidden;

fn report(client: &Client, path: &str, depth: &str) -> Answer {
    let body = format!("<C:free-busy-query {NAMESPACES}><C:time-range {WINDOW}/></C:free-busy-query>");
    client.send("REPORT", path, &[("depth", depth)], &body)
}

fn url(client: &Client, user: &str, query: &str) -> Answer {
    client.get(&format!("/dav/freebusy/{user}?{query}"))
}

const ALL: &str = "start=20261101T000000Z&end=20270201T000000Z";

/// The periods told, without their type.
fn periods(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    lines(&answer.body, "FREEBUSY")
        .iter()
        .flat_map(|line| line.split(':').nth(1).unwrap().split(',').map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

#[test]
pub fn leak_69_nothing_is_busy_that_does_not_stand_in_the_list() {
    let at = |uid: &str, day: &str, lines: &str| event(uid, &format!("SUMMARY:Talk\n{lines}")).replace("20261103", day);
    let mut world = world_of(&[
        ("a.ics", at("a", "20261103", "")),
        ("b.ics", at("b", "20261104", "CLASS:PRIVATE")),
        ("c.ics", at("c", "20261105", "CLASS:CONFIDENTIAL")),
        ("d.ics", at("d", "20261106", "TRANSP:TRANSPARENT")),
        ("e.ics", at("e", "20261107", "STATUS:CANCELLED")),
    ]);
    super::share(&mut world, "titles", Level::FreeBusy, Hidden);
    for person in PEOPLE.iter().filter(|person| person.reaches()) {
        let client = world.client(person.name);
        let mut listed: Vec<String> = bodies(&client, WORK)
            .values()
            .filter(|text| !text.contains("TRANSPARENT") && !text.contains("CANCELLED"))
            .map(|text| {
                let time = |name: &str| lines(text, name)[0].rsplit(':').next().unwrap().to_owned();
                format!("{}/{}", time("DTSTART"), time("DTEND"))
            })
            .collect();
        listed.sort();
        let hides = ["titles", "discreet"].contains(&person.name);
        assert_eq!(listed.len(), if hides { 1 } else { 3 }, "{}", person.name);
        assert_eq!(periods(&report(&client, WORK, "1")), listed, "{}", person.name);
        if !person.is_owner() {
            assert_eq!(periods(&url(&client, "alice", ALL)), listed, "{}", person.name);
        }
    }
}

#[test]
fn leak_70_no_calendar_and_no_home_answers_for_time_that_is_not_shared() {
    let world = world_of(&[("u.ics", event("u", "SUMMARY:Talk"))]);
    let alice = world.client("alice");
    assert_eq!(alice.put("/dav/calendars/alice/default/d.ics", &event("d", "SUMMARY:Own").replace("20261103", "20261120")).status, 201);
    for person in PEOPLE.iter().filter(|person| !person.is_owner()) {
        let client = world.client(person.name);
        for depth in ["0", "1", "infinity"] {
            for path in ["/dav/calendars/alice/default/", "/dav/calendars/alice/", "/dav/calendars/", "/dav/", "/"] {
                let answer = report(&client, path, depth);
                assert!(!plain(&answer.body).contains("20261120"), "{} {path} {depth}", person.name);
                if path.ends_with("default/") || !person.reaches() && path.ends_with("alice/") {
                    assert_eq!(answer.status, 404, "{} {path}", person.name);
                }
            }
        }
        if !person.reaches() {
            assert_eq!(report(&client, WORK, "1").status, 404);
        }
    }
    assert!(report(&alice, "/dav/calendars/alice/", "infinity").body.contains("20261120"));
}

#[test]
fn leak_71_who_shared_nothing_has_no_free_busy() {
    let world = world_of(&[("u.ics", event("u", "SUMMARY:Talk"))]);
    for person in PEOPLE.iter().filter(|person| !person.is_owner()) {
        let answer = url(&world.client(person.name), "alice", ALL);
        if person.reaches() {
            assert_eq!(periods(&answer), ["20261103T090000Z/20261103T100000Z"], "{}", person.name);
        } else {
            assert_eq!(answer.status, 404, "{}", person.name);
        }
        // There is no outbox to ask by.
        let ask = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VFREEBUSY\r\nATTENDEE:mailto:alice@example.org\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n";
        for path in ["/dav/calendars/alice/outbox/", "/dav/principals/users/alice/", "/dav/calendars/alice/"] {
            let answer = world.client(person.name).send("POST", path, &[("content-type", "text/calendar")], ask);
            assert!([403, 404, 405].contains(&answer.status), "{} {path}: {}", person.name, answer.status);
        }
    }
}

#[test]
fn leak_72_nobody_and_somebody_who_shares_nothing_answer_alike() {
    let world = world_of(&[("u.ics", event("u", "SUMMARY:Talk"))]).calendar("stranger/much");
    for asked in [ALL, "", "start=nonsense", "period=P99999D", "start=20260101T000000Z&end=20280101T000000Z"] {
        for person in PEOPLE.iter().filter(|person| person.name != "stranger") {
            let client = world.client(person.name);
            let told = |user: &str| {
                let mut answer = url(&client, user, asked);
                answer.body = answer.body.replace(user, "x");
                answer
            };
            assert_eq!(told("stranger"), told("strangex"), "{} {asked}", person.name);
            if !person.reaches() {
                assert_eq!(told("alice"), told("alicf"), "{} {asked}", person.name);
            }
        }
    }
}

#[test]
fn leak_73_free_busy_is_times_and_types_alone() {
    let lines_of = "SUMMARY:secret-73\nLOCATION:secret-73\nCATEGORIES:secret-73\nORGANIZER;CN=secret-73:mailto:secret-73@example.org\nX-MICROSOFT-CDO-BUSYSTATUS:OOF";
    let stored = calendar(
        "BEGIN:VFREEBUSY\nUID:secret-73\nDTSTAMP:20261101T000000Z\nORGANIZER:mailto:secret-73@example.org\nURL:https://x.example/secret-73\nCOMMENT:secret-73\n\
         FREEBUSY;FBTYPE=BUSY;X-WHY=secret-73:20261105T100000Z/PT1H\nFREEBUSY;FBTYPE=X-SECRET-73:20261106T100000Z/PT1H\nEND:VFREEBUSY",
    );
    let world = world_of(&[("u.ics", event("uid-73", lines_of)), ("f.ics", stored)]);
    let allowed = [
        "BEGIN",
        "END",
        "VERSION",
        "PRODID",
        "METHOD",
        "CALSCALE",
        "UID",
        "DTSTAMP",
        "DTSTART",
        "DTEND",
        "FREEBUSY",
        "ORGANIZER",
        "ATTENDEE",
    ];
    for person in PEOPLE.iter().filter(|person| person.reaches()) {
        let client = world.client(person.name);
        for answer in [report(&client, WORK, "1"), url(&client, "alice", ALL)] {
            let text = plain(&answer.body);
            assert!(
                answer.status == 200 && !text.to_lowercase().contains("secret-73") && !text.contains("uid-73"),
                "{}: {text}",
                person.name
            );
            for line in text.lines().filter(|line| !line.is_empty()) {
                let name = line.split([':', ';']).next().unwrap();
                assert!(allowed.contains(&name), "{line}");
                if name == "FREEBUSY" {
                    let head = line.split(':').next().unwrap();
                    assert!(
                        ["FREEBUSY", "FREEBUSY;FBTYPE=BUSY", "FREEBUSY;FBTYPE=BUSY-TENTATIVE", "FREEBUSY;FBTYPE=BUSY-UNAVAILABLE"]
                            .contains(&head),
                        "{line}"
                    );
                }
                assert!(!["ORGANIZER", "ATTENDEE"].contains(&name), "{line}: nobody is named");
            }
            let told = periods(&answer);
            let mut sorted = told.clone();
            sorted.sort();
            assert_eq!(told, sorted);
        }
    }
}

#[test]
fn leak_75_small_windows_tell_what_one_large_one_does_and_the_largest_is_bounded() {
    let world = world_of(&[
        ("u.ics", event("u", "SUMMARY:Talk").replace("T090000Z", "T090730Z")),
        ("p.ics", event("p", "SUMMARY:Therapy\nCLASS:PRIVATE").replace("T090000Z", "T094500Z").replace("T100000Z", "T101500Z")),
    ]);
    for name in ["busy", "titles", "discreet", "details"] {
        let client = world.client(name);
        let hour = |start: i64, end: i64| {
            let at = |minute: i64| {
                let time = chrono::NaiveDate::from_ymd_opt(2026, 11, 3).unwrap().and_hms_opt(9, 0, 0).unwrap()
                    + chrono::TimeDelta::minutes(minute);
                time.format("%Y%m%dT%H%M%SZ").to_string()
            };
            let told = client.free_busy(WORK, &at(start), &at(end));
            periods(&told)
                .iter()
                .map(|period| {
                    let (start, end) = period.split_once('/').unwrap();
                    let time = |text: &str| chrono::NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ").unwrap();
                    (time(end) - time(start)).num_seconds()
                })
                .sum::<i64>()
        };
        let by_minutes: i64 = (0..90).map(|minute| hour(minute, minute + 1)).sum();
        assert_eq!(by_minutes, hour(0, 90), "{name}");
        // From the beginning of the calendar to its end is more than anybody is told.
        let endless = client.free_busy(WORK, "19000101T000000Z", "99990101T000000Z");
        let by_url = url(&client, "alice", "start=19000101T000000Z&end=99990101T000000Z");
        assert!([400, 403].contains(&endless.status) && [400, 403].contains(&by_url.status), "{} {}", endless.status, by_url.status);
        assert!(person(name).reaches());
    }
}

#[test]
fn leak_76_what_is_to_be_done_or_was_noted_takes_no_time_and_leave_has_no_reason() {
    let day = "DTSTART:20261103T090000Z\n";
    let todo = calendar(&component("VTODO", &format!("UID:t\n{day}DUE:20261103T180000Z\nSUMMARY:Tax")));
    let journal = calendar(&component("VJOURNAL", &format!("UID:j\n{day}SUMMARY:Diary")));
    let leave = calendar(
        "BEGIN:VAVAILABILITY\nUID:secret-76\nDTSTAMP:20261101T000000Z\nSUMMARY:secret-76\nDESCRIPTION:secret-76\nDTSTART:20261201T000000Z\nDTEND:20261202T000000Z\nEND:VAVAILABILITY",
    );
    let world = world_of(&[("t.ics", todo), ("j.ics", journal), ("l.ics", leave)]);
    let told = |world: &World, name: &str| [report(&world.client(name), WORK, "1"), url(&world.client(name), "alice", ALL)];
    for name in ["busy", "titles", "places", "assign", "details", "edit", "discreet"] {
        for answer in told(&world, name) {
            assert!(!answer.body.contains("20261103") && !answer.body.contains("secret-76"), "{name}: {}", answer.body);
            assert_eq!(lines(&answer.body, "FREEBUSY"), ["FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20261201T000000Z/20261202T000000Z"], "{name}");
        }
        let seen: String = bodies(&world.client(name), WORK).into_values().collect();
        assert_eq!(seen.contains("secret-76"), super::FULL.contains(&name), "{name}");
    }
}
