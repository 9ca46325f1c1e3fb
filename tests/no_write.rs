//! Who may not write changes nothing; who may, changes nothing that he does not see. What is refused is refused with a reason
//! that clients understand, and marked for him alone.

use crate::harness::cast::{self, Item, PEOPLE, Person, WORK};
use crate::harness::client::{NAMESPACES, inner};
use crate::harness::{Answer, Client, World};
use std::collections::BTreeMap;

pub const CALENDAR: &str = "/dav/calendars/alice/canary-k-work/";
pub const ALARM: &str = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT7M\r\nDESCRIPTION:WHOSE\r\nEND:VALARM\r\n";

/// All that one person is shown of the calendar: tags, bodies, properties, the state of the whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    objects: BTreeMap<String, (String, String)>,
    dead: BTreeMap<String, String>,
    token: String,
    calendar: String,
}

fn shown(world: &World, person: &Person) -> Option<Shown> {
    if !person.reaches() {
        return None;
    }
    let client = world.client(person.name);
    let note = "<O:note xmlns:O=\"urn:own\"/>";
    let calendar = client.propfind(CALENDAR, "0", &format!("<D:acl/><D:displayname/><A:calendar-color/><A:calendar-order/>{note}"));
    let dead = client.propfind(CALENDAR, "1", note).multistatus();
    let dead = dead.into_iter().filter_map(|(href, member)| member.properties.get("note").map(|note| (href, note.clone()))).collect();
    let etags = client.etags(CALENDAR);
    let bodies = if etags.is_empty() {
        BTreeMap::new()
    } else {
        client.data(&client.multiget(CALENDAR, &etags.keys().cloned().collect::<Vec<_>>()))
    };
    let objects = etags.into_iter().map(|(href, etag)| (href.clone(), (etag, bodies[&href].clone()))).collect();
    Some(Shown { objects, dead, token: client.sync_token(CALENDAR), calendar: calendar.body })
}

pub fn everyone(world: &World) -> BTreeMap<&'static str, Option<Shown>> {
    PEOPLE.iter().map(|person| (person.name, shown(world, person))).collect()
}

/// What those are shown who see less.
fn some(world: &World) -> BTreeMap<&'static str, Option<Shown>> {
    let watched = PEOPLE.iter().filter(|person| ["alice", "busy", "titles", "discreet"].contains(&person.name));
    watched.map(|person| (person.name, shown(world, person))).collect()
}

/// The tags alone, which say whether anything moved.
fn tags(world: &World) -> BTreeMap<&'static str, (String, BTreeMap<String, String>)> {
    let tags = |person: &Person| {
        let client = world.client(person.name);
        (client.sync_token(CALENDAR), client.etags(CALENDAR))
    };
    PEOPLE.iter().filter(|person| person.reaches()).map(|person| (person.name, tags(person))).collect()
}

pub fn denied(answer: &Answer) -> bool {
    answer.status == 403
        && answer.body.contains("need-privileges")
        && inner(&answer.body, "error").is_some_and(|error| !error.trim().is_empty())
}

pub fn event(uid: &str, lines: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\n{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        lines.replace('\n', "\r\n")
    )
}

pub fn set_properties(client: &Client, path: &str, inside: &str) -> Answer {
    client.send(
        "PROPPATCH",
        path,
        &[],
        &format!("<D:propertyupdate {NAMESPACES}><D:set><D:prop>{inside}</D:prop></D:set></D:propertyupdate>"),
    )
}

/// What a person holds on each object he is shown.
fn privileges(client: &Client) -> BTreeMap<String, String> {
    let members = client.propfind(CALENDAR, "1", "<D:current-user-privilege-set/>").multistatus();
    members
        .into_iter()
        .filter(|(href, _)| href != CALENDAR)
        .map(|(href, m)| (href, m.properties["current-user-privilege-set"].clone()))
        .collect()
}

/// Objects with alarms and notes of several people on them.
fn world(items: &[Item]) -> World {
    let world = cast::world_with(items);
    for person in PEOPLE.iter().filter(|person| person.edit) {
        let client = world.client(person.name);
        for (href, held) in privileges(&client) {
            set_properties(&client, &href, &format!("<O:note xmlns:O=\"urn:own\">{}</O:note>", person.name));
            if held.contains("write-content") && href.contains("0.ics") | href.contains("5.ics") {
                let body = with_alarm(&client.get(&href).body, person.name);
                assert!([204].contains(&client.put(&href, &body).status));
            }
        }
    }
    world
}

/// The body with an alarm in its last component that is no alarm.
pub fn with_alarm(body: &str, whose: &str) -> String {
    let lower = body.to_ascii_lowercase();
    let at = ["end:vevent", "end:vtodo", "end:vjournal"].iter().filter_map(|end| lower.rfind(end)).max().expect("a component");
    format!("{}{}{}", &body[..at], ALARM.replace("WHOSE", whose), &body[at..])
}

/// Every way to change what stands at `href`, and how it is refused.
fn attacks(client: &Client, href: &str, body: &str, own: &str) -> Vec<(&'static str, Answer)> {
    let other = body.replace("SUMMARY:Busy", "SUMMARY:Changed").replace("SUMMARY:", "SUMMARY:x");
    let over = [("destination", href), ("overwrite", "T")];
    vec![
        ("PUT of what he gets", client.put(href, body)),
        ("PUT of something else", client.put(href, &other)),
        ("PUT of rubbish", client.put(href, "rubbish")),
        ("PUT with an alarm", client.put(href, &with_alarm(body, "x"))),
        ("PUT if it stands", client.send("PUT", href, &[("if-match", "*")], &other)),
        ("PUT for the result", client.send("PUT", href, &[("prefer", "return=representation")], &other)),
        ("DELETE", client.delete(href)),
        ("MOVE away", client.send("MOVE", href, &[("destination", &format!("{own}away.ics"))], "")),
        ("MOVE within", client.send("MOVE", href, &[("destination", &format!("{CALENDAR}elsewhere.ics"))], "")),
        ("COPY over it", client.send("COPY", &format!("{own}own.ics"), &over, "")),
        ("MOVE over it", client.send("MOVE", &format!("{own}own.ics"), &over, "")),
    ]
}

#[test]
pub fn a_request_without_the_right_leaves_everything_as_it_was() {
    let items = cast::items(7, 1, 12);
    let world = world(&items);
    for person in PEOPLE {
        let own = format!("/dav/calendars/{}/default/own.ics", person.name);
        assert_eq!(world.client(person.name).put(&own, &event("own", "DTSTART:20261103T090000Z\nSUMMARY:Own")).status, 201);
    }
    let (mut requests, mut objects, mut touched) = (0, 0, 0);
    for person in PEOPLE.iter().filter(|person| !person.delete) {
        let before = everyone(&world);
        let client = world.client(person.name);
        let own = format!("/dav/calendars/{}/default/", person.name);
        let mut attacked = Vec::new();
        if person.reaches() {
            for (href, held) in privileges(&client) {
                let body = client.get(&href).body;
                let may_edit = held.contains("write-content");
                assert!(!held.contains("unbind"), "{}: {href}", person.name);
                for (attack, answer) in attacks(&client, &href, &body, &own) {
                    if may_edit && attack.starts_with("PUT") {
                        continue;
                    }
                    assert!(denied(&answer), "{} {attack} {href}: {} {}", person.name, answer.status, answer.body);
                    requests += 1;
                }
                objects += 1;
                attacked.push(href);
            }
        }
        // By names that are nothing to him, and on the calendar itself.
        for item in &items {
            let status = client.delete(&item.path()).status;
            assert!([403, 404].contains(&status), "{status}");
        }
        for (method, path, body) in [
            ("DELETE", CALENDAR, ""),
            ("MKCALENDAR", "/dav/calendars/alice/new/", ""),
            ("MKCOL", "/dav/calendars/alice/new/", ""),
            ("ACL", CALENDAR, "<D:acl xmlns:D=\"DAV:\"/>"),
            ("PUT", "/dav/calendars/alice/default/new.ics", ""),
        ] {
            let answer = client.send(method, path, &[], body);
            assert!(answer.status == 404 || denied(&answer), "{} {method} {path}: {}", person.name, answer.status);
            requests += 1;
        }
        if !person.create {
            let answer = client.put(&format!("{CALENDAR}new.ics"), &event("new", "DTSTART:20261103T090000Z"));
            let posted = client.send("POST", &format!("{CALENDAR};add-member"), &[], &event("new", "DTSTART:20261103T090000Z"));
            for answer in [answer, posted] {
                assert!(if person.reaches() { denied(&answer) } else { answer.status == 404 }, "{}", answer.status);
            }
        }
        let mut after = everyone(&world);
        // For him the objects are marked, by new tags of the same bytes; for nobody else.
        let (mut old, mut new) = (before.clone(), after.remove(person.name).unwrap());
        if let (Some(old), Some(new)) = (old.get_mut(person.name).unwrap(), &mut new) {
            assert_eq!(old.token == new.token, attacked.is_empty(), "{}", person.name);
            for href in &attacked {
                if person.edit {
                    continue;
                }
                let (old, new) = (&old.objects[href], &new.objects[href]);
                assert!(old.0 != new.0 && old.1 == new.1, "{}: {href} is not marked", person.name);
                touched += 1;
            }
        }
        old.remove(person.name);
        if person.edit {
            // What he may, he did.
            continue;
        }
        assert_eq!(old, after, "{}", person.name);
        assert_eq!(world.faults(), Vec::<String>::new());
    }
    println!("{requests} refused requests on {objects} objects of {} people; {touched} marks", PEOPLE.len());
    assert!(requests > 400 && objects > 40 && touched > 30, "{requests} {objects} {touched}");
}

#[test]
fn putting_back_what_one_gets_changes_nothing_for_anybody() {
    let items = cast::items(8, 1, 14);
    let world = world(&items);
    let (mut puts, mut refused) = (0, 0);
    for person in PEOPLE.iter().filter(|person| person.edit) {
        let client = world.client(person.name);
        let (before, mut tagged) = (everyone(&world), tags(&world));
        for (href, held) in privileges(&client) {
            let got = client.get(&href);
            let etag = got.header("etag").unwrap().to_owned();
            let answer = client.send("PUT", &href, &[("if-match", &etag), ("content-type", "text/calendar")], &got.body);
            if !held.contains("write-content") {
                assert!(denied(&answer), "{} {}", answer.status, answer.body);
                assert!(!person.is_owner());
                refused += 1;
                let now = tags(&world);
                let moved: Vec<&str> = now.iter().filter(|(name, tags)| tagged[*name] != **tags).map(|(name, _)| *name).collect();
                assert_eq!(moved, [person.name], "the mark is for him alone");
                tagged = now;
                continue;
            }
            assert_eq!(answer.status, 204, "{}: {href} {}\n{}", person.name, answer.body, got.body);
            assert!([None, Some(etag.as_str())].contains(&answer.header("etag")), "{}: {href}", person.name);
            assert_eq!(tagged, tags(&world), "{}: {href}", person.name);
            puts += 1;
        }
        let bodies = |views: BTreeMap<&'static str, Option<Shown>>| -> Vec<_> {
            views
                .into_values()
                .flatten()
                .map(|shown| (shown.objects.into_iter().map(|(href, (_, body))| (href, body)).collect::<Vec<_>>(), shown.dead))
                .collect()
        };
        assert_eq!(bodies(before), bodies(everyone(&world)), "after {}", person.name);
    }
    println!("{puts} objects put back by all who may, {refused} by who may not, in {} views", PEOPLE.len());
    assert!(puts > 25 && refused > 4, "{puts} {refused}");
    assert_eq!(world.faults(), Vec::<String>::new());
}

/// Whether all that other people see of an object is as private as it was.
fn marks(shown: &BTreeMap<&'static str, Option<Shown>>) -> Vec<(String, usize, usize)> {
    let count = |text: &str, word: &str| text.matches(word).count();
    let mut marks = Vec::new();
    for (name, shown) in shown {
        if ["busy", "titles", "discreet"].contains(name) {
            let bodies: Vec<&str> = shown.iter().flat_map(|shown| shown.objects.values().map(|(_, body)| body.as_str())).collect();
            let all = bodies.concat();
            marks.push((format!("{name} {}", bodies.len()), count(&all, "CLASS:PRIVATE"), count(&all, "BEGIN:V")));
        }
    }
    marks
}

#[test]
fn an_editor_changes_what_he_writes_and_not_what_he_does_not_see() {
    let items = cast::items(9, 1, 12);
    let mut edits = 0;
    for (class, person) in
        [("", "edit"), ("CLASS:PRIVATE\r\n", "edit"), ("CLASS:PUBLIC\r\n", "edit-delete"), ("CLASS:CONFIDENTIAL\r\n", "delegate")]
    {
        let world = world(&items);
        let (alice, client) = (world.client("alice"), world.client(person));
        for (href, _) in privileges(&client).into_iter().filter(|(_, held)| held.contains("write-content")) {
            let body = client.get(&href).body;
            let own: String = href.rsplit('/').next().unwrap().to_owned();
            let mine = format!("{CALENDAR}{own}");
            let (before, views) = (alice.get(&mine).body, some(&world));
            let others: Vec<(&str, String)> = ["edit", "edit-delete", "delegate"]
                .into_iter()
                .filter(|other| *other != person)
                .map(|other| (other, alarms(&world.client(other).get(&mine).body)))
                .collect();
            // As a client might that knows nothing of CLASS, or sets one.
            let lines: String = unfolded(&body)
                .split_inclusive("\r\n")
                .filter(|line| !line.to_ascii_uppercase().starts_with("CLASS"))
                .map(|line| {
                    let begins = ["BEGIN:VEVENT", "BEGIN:VTODO", "BEGIN:VJOURNAL"].contains(&line.trim().to_ascii_uppercase().as_str());
                    if begins { format!("{line}COMMENT:edited\r\n{class}") } else { line.to_owned() }
                })
                .collect();
            let answer = client.put(&href, &lines);
            assert_eq!(answer.status, 204, "{person}: {}\n{lines}", answer.body);
            let after = alice.get(&mine).body;
            assert_eq!(alarms(&before), alarms(&after), "the owner's alarms");
            assert_eq!(classes(&before), classes(&after), "CLASS is the owner's");
            assert!(after.contains("COMMENT:edited"));
            let left: Vec<(&str, String)> =
                others.iter().map(|(other, _)| (*other, alarms(&world.client(other).get(&mine).body))).collect();
            assert_eq!(others, left, "others' alarms");
            let now = some(&world);
            assert_eq!(marks(&views), marks(&now), "privacy as others see it");
            for name in ["busy", "titles"] {
                assert_eq!(views[name], now[name], "{name} sees nothing of a comment");
            }
            for (name, shown) in &views {
                assert_eq!(shown.as_ref().map(|s| &s.dead), now[name].as_ref().map(|s| &s.dead));
            }
            edits += 1;
        }
        assert_eq!(world.faults(), Vec::<String>::new());
    }
    println!("{edits} objects edited with and without CLASS, in 4 views of {WORK}");
    assert!(edits > 15, "{edits}");
}

fn unfolded(body: &str) -> String {
    let flat = body.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
    flat.replace('\n', "\r\n")
}

/// The alarms in a body.
pub fn alarms(body: &str) -> String {
    let flat = unfolded(body);
    let lower = flat.to_ascii_lowercase();
    let starts = lower.match_indices("begin:valarm").map(|(start, _)| {
        let end = start + lower[start..].find("end:valarm").unwrap();
        flat[start..end].to_owned()
    });
    starts.collect::<Vec<_>>().join("\n")
}

fn classes(body: &str) -> Vec<String> {
    let mut classes: Vec<String> = unfolded(body).lines().map(str::to_ascii_uppercase).filter(|line| line.starts_with("CLASS")).collect();
    classes.sort();
    classes
}

const SERIES: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:series\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:20261103T090000Z\r\nDTEND:20261103T100000Z\r\nRRULE:FREQ=DAILY;COUNT=9\r\nRDATE:20261201T090000Z\r\nSUMMARY:Standup\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:series\r\nDTSTAMP:20261101T000000Z\r\nRECURRENCE-ID:20261105T090000Z\r\nDTSTART:20261105T110000Z\r\nDTEND:20261105T120000Z\r\nSUMMARY:Standup late\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

fn second_event() -> &'static str {
    &SERIES[SERIES.rfind("BEGIN:VEVENT").unwrap()..SERIES.rfind("END:VCALENDAR").unwrap()]
}

#[test]
fn leak_57_who_may_edit_but_not_delete_cannot_delete_by_another_name() {
    let replace = |from: &str, to: &str| {
        assert!(SERIES.contains(from), "{from}");
        SERIES.replace(from, to)
    };
    let rule = "RRULE:FREQ=DAILY;COUNT=9";
    let deletions = [
        ("cancelled", SERIES.replacen("SUMMARY", "STATUS:CANCELLED\r\nSUMMARY", 1)),
        ("an instance cancelled", replace("SUMMARY:Standup late", "STATUS:CANCELLED\r\nSUMMARY:Standup late")),
        ("an instance excluded", replace(rule, "RRULE:FREQ=DAILY;COUNT=9\r\nEXDATE:20261104T090000Z")),
        (
            "every instance excluded but one",
            replace(rule, "RRULE:FREQ=DAILY;COUNT=9\r\nEXDATE:20261104T090000Z,20261106T090000Z,20261107T090000Z"),
        ),
        ("the moved instance excluded", replace(second_event(), "").replace(rule, "RRULE:FREQ=DAILY;COUNT=9\r\nEXDATE:20261105T090000Z")),
        ("fewer", replace("COUNT=9", "COUNT=4")),
        ("an end", replace("COUNT=9", "UNTIL=20261106T090000Z")),
        ("an end before the beginning", replace("COUNT=9", "UNTIL=20261001T090000Z")),
        ("no rule", replace("RRULE:FREQ=DAILY;COUNT=9\r\n", "").replace(second_event(), "")),
        ("no further date", replace("RDATE:20261201T090000Z\r\n", "")),
        (
            "a new override that is cancelled",
            SERIES.replace(
                "END:VCALENDAR",
                &format!("{}END:VCALENDAR", second_event().replace("1105", "1106").replace("SUMMARY", "STATUS:CANCELLED\r\nSUMMARY")),
            ),
        ),
        ("a to-do", SERIES.replace("VEVENT", "VTODO").replace("DTEND", "DUE")),
    ];
    let editing = [
        ("another title", replace("Standup late", "Standup very late")),
        ("shifted", SERIES.replace("T090000Z", "T093000Z").replace("T100000Z", "T103000Z")),
        ("longer", replace("T100000Z", "T110000Z")),
        ("more", replace("COUNT=9", "COUNT=12")),
        ("one more moved", SERIES.replace("END:VCALENDAR", &format!("{}END:VCALENDAR", second_event().replace("1105", "1106")))),
        ("the moved instance back in its place", replace(second_event(), "")),
        ("an instance moved further", replace("20261105T110000Z", "20261120T110000Z").replace("20261105T120000Z", "20261120T120000Z")),
    ];
    let world = cast::world();
    let alice = world.client("alice");
    let path = format!("{CALENDAR}series.ics");
    let restore = || assert!([201, 204].contains(&alice.put(&path, SERIES).status));
    for person in ["edit", "edit-delete"] {
        let client = world.client(person);
        let own = format!("/dav/calendars/{person}/default/own.ics");
        for (what, body) in &deletions {
            restore();
            let answer = client.put(&path, body);
            if person == "edit" {
                assert!(denied(&answer) && answer.body.contains("unbind"), "{what}: {} {}", answer.status, answer.body);
                assert_eq!(alice.get(&path).body, SERIES, "{what}");
            } else {
                assert!([204, 403].contains(&answer.status), "{what}: {} {}", answer.status, answer.body);
                // Only a UID or what is no series can be refused to who may delete.
                assert_eq!(answer.status, 204, "{what}: {}", answer.body);
            }
        }
        for (what, body) in &editing {
            restore();
            let answer = client.put(&path, body);
            assert_eq!(answer.status, 204, "{person} {what}: {}", answer.body);
            assert_eq!(alice.get(&path).body, *body, "{what}");
        }
        restore();
        let uid = client.put(&path, &SERIES.replace("UID:series", "UID:another"));
        assert!(uid.status == 403 && uid.body.contains("no-uid-conflict"), "{} {}", uid.status, uid.body);
        assert_eq!(client.put(&own, &event("own", "DTSTART:20261103T090000Z\nSUMMARY:Own")).status, 201);
        let away = format!("/dav/calendars/{person}/default/away.ics");
        for (what, answer) in [
            ("COPY over it", client.send("COPY", &own, &[("destination", &path)], "")),
            ("MOVE over it", client.send("MOVE", &own, &[("destination", &path)], "")),
            ("MOVE within", client.send("MOVE", &path, &[("destination", &format!("{CALENDAR}moved.ics"))], "")),
            ("MOVE away", client.send("MOVE", &path, &[("destination", &away)], "")),
            ("DELETE", client.delete(&path)),
        ] {
            if person == "edit" {
                assert!(denied(&answer) && answer.body.contains("unbind"), "{what}: {} {}", answer.status, answer.body);
                assert_eq!(alice.get(&path).body, SERIES, "{what}");
            } else {
                assert!(answer.status < 500, "{what}: {}", answer.status);
            }
        }
        if person == "edit" {
            let answer = client.send("COPY", &path, &[("destination", &away)], "");
            assert_eq!(answer.status, 201, "what he sees in full he may copy");
            assert_eq!(alice.delete(&path).status, 204);
        } else {
            assert_eq!(alice.get(&path).status, 404, "who may delete, did");
        }
    }
    println!("{} ways to delete refused, {} ways to edit done, by who may edit", deletions.len() + 6, editing.len());
    assert_eq!(world.faults(), Vec::<String>::new());
}
