//! What is each person's own on a calendar of somebody else: alarms, and how the calendar is called and coloured.

use crate::harness::cast::{self, PEOPLE, Person};
use crate::harness::client::{Client, NAMESPACES, unescape};
use crate::harness::world::World;
use crate::no_write::{ALARM, CALENDAR, alarms, denied, event, everyone, set_properties, with_alarm};
use acl::Level;
use chrono::TimeDelta;
use std::collections::BTreeMap;

#[test]
fn alarms_are_each_persons_own() {
    let world = cast::world();
    let path = format!("{CALENDAR}one.ics");
    let body = event("one", "DTSTART:20261103T090000Z\nDTEND:20261103T100000Z\nSUMMARY:Plan");
    let alice = world.client("alice");
    assert_eq!(alice.put(&path, &with_alarm(&body, "alice")).status, 201);
    let people = ["edit", "edit-delete", "delegate"];
    for person in people {
        let client = world.client(person);
        assert_eq!(client.get(&path).body, body, "no alarm of another's");
        let before = everyone(&world);
        let mine = with_alarm(&body, person).replace("DTSTAMP:20261101", "DTSTAMP:20261102");
        let answer = client.put(&path, &mine);
        assert_eq!((answer.status, answer.header("etag").map(str::to_owned)), (204, client.etags(CALENDAR).remove(&path)));
        assert_eq!(client.get(&path).body, mine, "{person}: byte for byte");
        let after = everyone(&world);
        for other in PEOPLE.iter().filter(|other| other.name != person) {
            assert_eq!(before[other.name], after[other.name], "{} after {person}", other.name);
        }
    }
    // Somebody changes the event itself: everyone keeps his alarm and gets the change.
    let changed = alice.get(&path).body.replace("SUMMARY:Plan", "SUMMARY:Other plan");
    assert_eq!(alice.put(&path, &changed).status, 204);
    for person in people {
        let got = world.client(person).get(&path).body;
        assert!(
            got.contains("Other plan") && got.contains(&format!("DESCRIPTION:{person}")) && got.matches("BEGIN:VALARM").count() == 1,
            "{got}"
        );
    }
    assert!(world.client("details").get(&path).body.matches("VALARM").count() == 0);
    let refused = world.client("details").put(&path, &with_alarm(&changed, "details"));
    assert!(denied(&refused), "who may only look keeps no alarm here");
    // And takes it away again.
    let client = world.client("edit");
    let without = client.get(&path).body.replace(&ALARM.replace("WHOSE", "edit"), "");
    assert_eq!(client.put(&path, &without).status, 204);
    assert_eq!(alarms(&client.get(&path).body), "");
    assert!(alarms(&alice.get(&path).body).contains("alice") && alarms(&world.client("delegate").get(&path).body).contains("delegate"));
}

#[test]
fn each_person_names_and_colours_the_calendar_for_himself() {
    let world = cast::world();
    let alice = world.client("alice");
    let set = |name: &str| {
        format!(
            "<D:displayname>{name}</D:displayname><A:calendar-color>#{name}</A:calendar-color><A:calendar-order>{name}</A:calendar-order>\
             <C:calendar-description>about {name}</C:calendar-description><C:schedule-calendar-transp><C:transparent/></C:schedule-calendar-transp>"
        )
    };
    let asked = "<D:displayname/><A:calendar-color/><A:calendar-order/><C:calendar-description/><C:schedule-calendar-transp/>";
    let read = |person: &Person, path: &str| {
        let answer = world.client(person.name).propfind(path, "0", asked);
        let (_, member) = answer.multistatus().pop_first().unwrap();
        member.properties
    };
    assert_eq!(set_properties(&alice, CALENDAR, &set("alice")).status, 207);
    let people: Vec<&Person> = PEOPLE.iter().filter(|person| person.reaches() && !person.is_owner()).collect();
    let before: BTreeMap<&str, _> = people.iter().map(|person| (person.name, read(person, CALENDAR))).collect();
    for (name, properties) in &before {
        let person = PEOPLE.iter().find(|person| person.name == *name).unwrap();
        let sees_hers = person.standard == acl::Visibility::Full;
        assert_eq!(properties["displayname"] == "alice", sees_hers, "{name}");
        assert_eq!(properties["calendar-color"] == "#alice", sees_hers, "{name}");
        assert_eq!(properties.get("calendar-description").is_some_and(|about| about == "about alice"), sees_hers, "{name}");
        assert_ne!(properties.get("calendar-order").map(String::as_str), Some("alice"), "{name}");
    }
    for person in &people {
        let mount = cast::mount(&world, person).unwrap();
        let others: Vec<_> = people.iter().filter(|other| other.name != person.name).map(|other| read(other, CALENDAR)).collect();
        let answer = set_properties(&world.client(person.name), &mount, &set(person.name));
        assert!(answer.status == 207 && !answer.body.contains(" 403 "), "{}", answer.body);
        let mine = read(person, &mount);
        assert_eq!(mine["displayname"], person.name);
        assert_eq!(mine, read(person, CALENDAR), "the same at the owner's path");
        let left: Vec<_> = people.iter().filter(|other| other.name != person.name).map(|other| read(other, CALENDAR)).collect();
        assert_eq!(others, left);
        assert_eq!(read(&PEOPLE[0], CALENDAR)["displayname"], "alice");
        // And back.
        let names = "<D:displayname/><A:calendar-color/><A:calendar-order/><C:calendar-description/><C:schedule-calendar-transp/>";
        let body = format!("<D:propertyupdate {NAMESPACES}><D:remove><D:prop>{names}</D:prop></D:remove></D:propertyupdate>");
        assert_eq!(world.client(person.name).send("PROPPATCH", &mount, &[], &body).status, 207);
        assert_eq!(read(person, CALENDAR), before[person.name], "{}", person.name);
    }
    println!("{} people named one calendar", people.len());
    assert!(people.len() >= 10);
}

/// cadaver 0.24 listed each event of its owner as `Error: … 404 Not Found`: it takes a resource without a date for one that
/// cannot be read. To anyone else the date would tell of changes that he is not shown.
#[test]
fn an_object_bears_its_dates_for_the_owner_of_its_calendar_alone() {
    let mut world = cast::world();
    let path = format!("{CALENDAR}dated.ics");
    let body = event("dated", "DTSTART:20261103T090000Z\nDTEND:20261103T100000Z\nSUMMARY:Plan");
    assert_eq!(world.client("alice").put(&path, &body).status, 201);
    let dates = |world: &World| {
        let alice = world.client("alice");
        let shown = alice.propfind(&path, "0", "<D:getlastmodified/><D:creationdate/>").multistatus().remove(&path).unwrap().properties;
        assert_eq!(alice.get(&path).header("last-modified"), Some(shown["getlastmodified"].as_str()));
        (shown["creationdate"].clone(), shown["getlastmodified"].clone())
    };
    let made = dates(&world);
    for person in PEOPLE.iter().filter(|person| !person.is_owner()) {
        let client = world.client(person.name);
        let answer = client.propfind(CALENDAR, "1", "<D:getetag/><D:getlastmodified/><D:creationdate/>");
        assert!(!answer.body.contains(" GMT") && !answer.body.contains(&made.0), "{}: {}", person.name, answer.body);
        assert_eq!(client.get(&path).header("last-modified"), None, "{}", person.name);
    }
    // An alarm of somebody else's is nothing to her; her own, and a change of the event, are.
    world.pass(TimeDelta::hours(1));
    assert_eq!(world.client("edit").put(&path, &with_alarm(&body, "edit")).status, 204);
    assert_eq!(dates(&world), made);
    assert_eq!(world.client("alice").put(&path, &with_alarm(&body, "alice")).status, 204);
    let alarmed = dates(&world);
    world.pass(TimeDelta::hours(1));
    assert_eq!(world.client("edit").put(&path, &body.replace("SUMMARY:Plan", "SUMMARY:Other plan")).status, 204);
    let changed = dates(&world);
    assert!(made.1 != alarmed.1 && alarmed.1 != changed.1 && made.0 == changed.0, "{made:?} {alarmed:?} {changed:?}");
}

/// What Apple's clients keep on homes and calendars (draft-daboo-valarm-extensions): an alarm for what has none.
#[test]
fn a_default_alarm_is_ones_own_wherever_it_is_kept() {
    let world = World::new().user("alice").user("bob").user("carol").calendar("alice/work");
    let world = world.share("alice/work", "bob", Level::EditDelete).share("alice/work", "carol", Level::FreeBusy);
    let alarm = |whose: &str| format!("BEGIN:VALARM\r\nACTION:AUDIO\r\nTRIGGER:-PT15H\r\nX-WHOSE:{whose}\r\nEND:VALARM\r\n");
    let names = ["vevent-datetime", "vevent-date", "vtodo-datetime", "vtodo-date"].map(|name| format!("C:default-alarm-{name}"));
    let asked: String = names.iter().map(|name| format!("<{name}/>")).collect();
    let places = |client: &Client| {
        let home = format!("/dav/calendars/{}/", client.user);
        let mount = client.members(&home).into_iter().find(|href| !href.ends_with("/default/") && client.user != "alice");
        [Some(home), mount, Some("/dav/calendars/alice/work/".to_owned())].into_iter().flatten().collect::<Vec<_>>()
    };
    for user in ["alice", "bob", "carol"] {
        let client = world.client(user);
        for place in places(&client) {
            let found = client.propfind(&place, "0", &asked).multistatus().remove(&place).unwrap();
            // By the owner's path or by his mount, a calendar is one to him.
            let known = user != "alice" && place == "/dav/calendars/alice/work/";
            assert_eq!(found.properties.len(), if known { 4 } else { 0 }, "{user} {place}: nobody else's");
            let set: String = names.iter().map(|name| format!("<{name}>{}</{name}>", alarm(user))).collect();
            let body = format!("<D:propertyupdate {NAMESPACES}><D:set><D:prop>{set}</D:prop></D:set></D:propertyupdate>");
            assert!(client.send("PROPPATCH", &place, &[], &body).body.contains("200 OK"));
        }
    }
    for user in ["alice", "bob", "carol"] {
        let client = world.client(user);
        for place in places(&client) {
            let found = client.propfind(&place, "0", &asked).multistatus().remove(&place).unwrap();
            for (name, text) in &found.properties {
                assert_eq!(unescape(text).replace('\n', "\r\n").replace("\r\r", "\r"), alarm(user), "{user} {place} {name}");
            }
            assert_eq!(found.properties.len(), 4);
            let all = format!("<D:propfind {NAMESPACES}><D:allprop/></D:propfind>");
            assert!(!client.send("PROPFIND", &place, &[("depth", "0")], &all).body.contains("default-alarm"), "{user} {place}");
            let body = format!(
                "<D:propertyupdate {NAMESPACES}><D:set><D:prop><{0}>END:VEVENT</{0}></D:prop></D:set></D:propertyupdate>",
                names[0]
            );
            let refused = client.send("PROPPATCH", &place, &[], &body).body;
            assert!(refused.contains("<C:valid-calendar-data/>") && refused.contains("403"), "{refused}");
            let body = format!("<D:propertyupdate {NAMESPACES}><D:remove><D:prop><{}/></D:prop></D:remove></D:propertyupdate>", names[0]);
            assert!(client.send("PROPPATCH", &place, &[], &body).body.contains("200 OK"));
            let left = client.propfind(&place, "0", &asked).multistatus().remove(&place).unwrap();
            assert_eq!(left.properties.len(), 3, "{user} {place}");
            let back = format!(
                "<D:propertyupdate {NAMESPACES}><D:set><D:prop><{0}>{1}</{0}></D:prop></D:set></D:propertyupdate>",
                names[0],
                alarm(user)
            );
            client.send("PROPPATCH", &place, &[], &back);
        }
    }
    // In somebody else's home nothing is his to keep.
    let body =
        format!("<D:propertyupdate {NAMESPACES}><D:set><D:prop><{0}>{1}</{0}></D:prop></D:set></D:propertyupdate>", names[0], alarm("bob"));
    let refused = world.client("bob").send("PROPPATCH", "/dav/calendars/alice/", &[], &body);
    assert!(refused.status == 403 || refused.body.contains("403"), "{refused:?}");
    assert_eq!(world.faults(), Vec::<String>::new());
}
