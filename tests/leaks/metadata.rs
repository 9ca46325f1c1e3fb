//! What is said of an object or a calendar beside its text: names, lengths, dates, properties, space.

use super::{FULL, NOT_PRIVY, REDUCED, WORK, alike, bodies, event, harvest, met_by, met_in, only, plain, same_to, store, world_of};
use crate::harness::World;
use crate::harness::cast::{self, PEOPLE};
use crate::harness::client::NAMESPACES;
use storage::administration::QuotaEntry;

#[test]
pub fn leak_24_no_length_is_of_the_stored_text() {
    let long = |text: &str| vec![("u.ics", event("u", &format!("SUMMARY:Talk\nDESCRIPTION:{text}")))];
    alike(&long("x"), &long(&"much more of it ".repeat(400)), &REDUCED);
    let world = world_of(&long("twenty words"));
    for name in ["busy", "titles", "details", "alice"] {
        let client = world.client(name);
        let (href, body) = only(&client);
        // No part of an object is served, which could be a part of the stored one.
        let ranged = client.send("GET", &href, &[("range", "bytes=0-9")], "");
        assert_eq!((ranged.status, &ranged.body), (200, &body));
        assert_eq!(client.send("HEAD", &href, &[], "").header("content-length"), Some(body.len().to_string().as_str()));
        // Every property by itself and beside each other says the same.
        let all = every_alone(&world, name, &href);
        assert_eq!(all.iter().find(|(property, _)| property == "getcontentlength").unwrap().1, Some(body.len().to_string()));
        for (one, first) in &all {
            for (other, second) in &all {
                let found =
                    client.propfind(&href, "0", &format!("{}{}", element(one), element(other))).multistatus().remove(&href).unwrap();
                assert_eq!(
                    (found.properties.get(one), found.properties.get(other)),
                    (first.as_ref(), second.as_ref()),
                    "{name} {one} {other}"
                );
            }
        }
    }
}

/// The live properties of objects by which something could be told, each asked for alone.
fn every_alone(world: &World, name: &str, href: &str) -> Vec<(String, Option<String>)> {
    let asked = ["getcontentlength", "getetag", "getcontenttype", "getlastmodified", "creationdate", "displayname", "resource-id", "owner"];
    let client = world.client(name);
    let ask = |property: &str| {
        let mut found = client.propfind(href, "0", &element(property)).multistatus().remove(href).unwrap();
        (property.to_owned(), found.properties.remove(property))
    };
    asked.iter().map(|property| ask(property)).collect()
}

fn element(property: &str) -> String {
    format!("<D:{property}/>")
}

#[test]
fn leak_25_no_date_of_storing_or_changing_is_told() {
    let mut early = cast::world();
    let mut late = cast::world();
    early.pass(-chrono::TimeDelta::hours(7));
    late.pass(-chrono::TimeDelta::hours(2));
    for world in [&mut early, &mut late] {
        store(world, &[("u.ics", event("u", "SUMMARY:Talk"))]);
    }
    early.pass(chrono::TimeDelta::hours(7));
    late.pass(chrono::TimeDelta::hours(2));
    let worlds = [early, late];
    same_to(&worlds, &REDUCED);
    let [world, _] = &worlds;
    for name in REDUCED.iter().filter(|name| super::person(name).reaches()) {
        let client = world.client(name);
        let (href, body) = only(&client);
        assert_eq!(client.get(&href).header("last-modified"), None);
        // Nor by asking for it only if it is newer.
        for since in ["Mon, 02 Nov 2026 04:00:00 GMT", "Mon, 02 Nov 2026 11:00:00 GMT", "Tue, 03 Nov 2026 00:00:00 GMT"] {
            let answer = client.send("GET", &href, &[("if-modified-since", since)], "");
            assert_eq!((answer.status, &answer.body), (200, &body), "{name} {since}");
        }
    }
}

#[test]
pub fn leak_26_no_property_of_an_object_is_its_title_or_somebody_elses_note() {
    let world = world_of(&[("u.ics", event("u", "SUMMARY:secret-26")), ("p.ics", event("p", "SUMMARY:secret-26\nCLASS:PRIVATE"))]);
    let note = |word: &str| {
        format!(
            "<D:propertyupdate {NAMESPACES}><D:set><D:prop><N:note xmlns:N=\"urn:n\">{word}</N:note></D:prop></D:set></D:propertyupdate>"
        )
    };
    for href in ["u.ics", "p.ics"] {
        let answer = world.client("alice").send("PROPPATCH", &format!("{WORK}{href}"), &[], &note("note-26"));
        assert!(answer.body.contains("200 OK"), "{}", answer.body);
    }
    for person in PEOPLE.iter().filter(|person| person.reaches()) {
        let client = world.client(person.name);
        for body in
            ["", "<D:propfind xmlns:D=\"DAV:\"><D:propname/></D:propfind>", "<D:propfind xmlns:D=\"DAV:\"><D:allprop/></D:propfind>"]
        {
            let answer = client.send("PROPFIND", WORK, &[("depth", "1")], body);
            assert!(!answer.body.contains("secret-26"), "{}: {}", person.name, answer.body);
            assert_eq!(answer.body.contains("urn:n"), person.is_owner(), "{}", person.name);
        }
    }
    met_in(&world, &["note-26"], &[]);
    let read = world.client("alice").propfind(&format!("{WORK}u.ics"), "0", "<N:note xmlns:N=\"urn:n\"/>");
    assert!(read.body.contains("note-26"));
    // Two people's identifiers of one resource have nothing in common.
    let ids: Vec<_> = PEOPLE
        .iter()
        .filter(|person| person.reaches())
        .map(|person| {
            let found = world.client(person.name).propfind(WORK, "0", "<D:resource-id/>").multistatus().remove(WORK).unwrap();
            found.properties["resource-id"].clone()
        })
        .collect();
    assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), ids.len());
}

#[test]
fn leak_27_a_file_name_is_a_detail() {
    let objects = [("secret-27.ics", event("u", "SUMMARY:Talk")), ("hidden-27.ics", event("v", "SUMMARY:Talk\nCLASS:PRIVATE"))];
    met_by(&objects, &["secret-27"], &FULL);
    met_by(&objects, &["hidden-27"], &["alice", "delegate"]);
}

#[test]
fn leak_28_of_a_calendar_each_level_is_told_its_own() {
    let world = cast::world();
    let alice = world.client("alice");
    let zone = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VTIMEZONE\r\nTZID:Asia/Tokyo\r\nX-28:only-28\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0900\r\nTZOFFSETTO:+0900\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nEND:VCALENDAR\r\n";
    let set = format!(
        "<D:propertyupdate {NAMESPACES}><D:set><D:prop><D:displayname>name-28</D:displayname><C:calendar-description>name-28</C:calendar-description>\
         <A:calendar-color>#28282828</A:calendar-color><A:calendar-order>777777</A:calendar-order><C:calendar-timezone>{zone}</C:calendar-timezone>\
         <C:schedule-calendar-transp><C:transparent/></C:schedule-calendar-transp><X:own xmlns:X=\"urn:x\">only-28</X:own></D:prop></D:set></D:propertyupdate>"
    );
    let answer = alice.send("PROPPATCH", WORK, &[], &set);
    assert!(answer.status == 207 && !answer.body.contains(" 403 "), "{}", answer.body);
    let feed = "https://feeds.example/secret.ics?token=only-28";
    assert_eq!(alice.subscribe("/dav/calendars/alice/feed/", feed, "").status, 201);
    let own = alice.propfind(WORK, "0", "<X:own xmlns:X=\"urn:x\"/>").body
        + &alice.propfind("/dav/calendars/alice/feed/", "0", "<CS:source/>").body;
    assert_eq!(own.matches("only-28").count(), 2, "{own}");
    met_in(&world, &["name-28", "#28282828"], &FULL);
    met_in(&world, &["777777", "Asia/Tokyo", "TZID"], &["alice"]);
    for person in PEOPLE.iter().skip(1) {
        let all = plain(&harvest(&world, person.name));
        for word in ["only-28", "<C:transparent", "feeds.example"] {
            assert!(!all.contains(word), "{} {word}", person.name);
        }
        let client = world.client(person.name);
        let secret = "<CS:source/><CS:publish-url/><CS:pre-publish-url/><CS:invite/><CS:shared-url/><CS:allowed-sharing-modes/><D:acl/><C:calendar-free-busy-set/>";
        for path in [WORK, "/dav/calendars/alice/feed/", "/dav/calendars/alice/"] {
            let answer = client.propfind(path, "0", secret);
            let found: Vec<String> = match answer.status {
                207 => answer.multistatus().into_values().flat_map(|member| member.properties.into_keys()).collect(),
                status => {
                    assert_eq!(status, 404, "{} {path}", person.name);
                    Vec::new()
                }
            };
            assert_eq!(found, Vec::<String>::new(), "{} {path}", person.name);
        }
    }
}

#[test]
pub fn leak_29_how_much_the_owner_stores_is_told_to_nobody_else() {
    let talk = ("u.ics", event("u", "SUMMARY:Talk"));
    let large = ("z.ics", event("z", &format!("CLASS:PRIVATE\nTRANSP:TRANSPARENT\nSUMMARY:Diary\nDESCRIPTION:{}", "x".repeat(60_000))));
    alike(std::slice::from_ref(&talk), &[talk.clone(), large.clone()], &NOT_PRIVY);
    // Nor by being refused: her space is full in one world.
    let worlds = [QuotaEntry::Bytes(1 << 30), QuotaEntry::Bytes(1)].map(|quota| {
        let world = world_of(&[talk.clone(), large.clone()]);
        world.store.administration().set_quota("alice", quota).unwrap();
        world.step("writing");
        let answers: Vec<_> = ["assign", "edit", "edit-delete", "delegate"]
            .into_iter()
            .flat_map(|name| {
                let client = world.client(name);
                let put = client.put(&format!("{WORK}{name}.ics"), &event(name, "SUMMARY:Mine"));
                let quota = client.propfind(WORK, "0", "<D:quota-used-bytes/><D:quota-available-bytes/>");
                [put, quota]
            })
            .collect();
        answers
    });
    assert!(worlds[0].iter().step_by(2).all(|answer| answer.status == 201), "{worlds:#?}");
    assert_eq!(worlds[0], worlds[1]);
    let world = world_of(&[large]);
    let told: Vec<&str> = PEOPLE
        .iter()
        .filter(|person| person.reaches())
        .filter(|person| {
            let found = world.client(person.name).propfind(WORK, "0", "<D:quota-used-bytes/><D:quota-available-bytes/>").multistatus();
            found.values().any(|member| !member.properties.is_empty())
        })
        .map(|person| person.name)
        .collect();
    assert_eq!(told, ["alice"]);
    assert_eq!(bodies(&world.client("busy"), WORK).len(), 0);
}
