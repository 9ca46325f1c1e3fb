//! POST of new members (RFC 5995) and the identifiers of resources (RFC 5842 §3.1).

use crate::harness::{Answer, Client, WORK, World, event, texts};
use std::collections::BTreeSet;
use webdav::xml::Name;

const CALENDAR: [(&str, &str); 1] = [("content-type", "text/calendar; charset=utf-8")];

fn mount(client: &Client) -> String {
    let home = format!("/dav/calendars/{}/", client.user);
    client.members(&home).into_iter().find(|href| !href.ends_with("/default/")).unwrap()
}

/// The href in a property, if it is found.
fn href(client: &Client, path: &str, property: &str) -> Option<String> {
    let mut found = client.propfind(path, "0", &format!("<D:{property}/>")).only();
    let (status, element) = found.remove(property).unwrap();
    (status == 200).then(|| texts(&element, &Name::dav("href")).remove(0))
}

fn add_member(client: &Client, path: &str) -> Option<String> {
    href(client, path, "add-member")
}

fn post(client: &Client, collection: &str, body: &str) -> Answer {
    client.send("POST", &format!("{collection};add-member"), &CALENDAR, body)
}

#[test]
fn what_is_posted_to_the_uri_a_calendar_tells_is_a_new_member_of_it() {
    let world = World::new();
    let alice = world.client("alice");
    let uri = add_member(&alice, WORK).unwrap();
    assert_eq!(uri, format!("{WORK};add-member"));
    let body = event("1", "SUMMARY:Posted");
    let posted = alice.send("POST", &uri, &CALENDAR, &body);
    assert_eq!((posted.status, posted.body.as_str(), posted.header("content-location")), (201, "", ""));
    let made = posted.header("location").to_owned();
    assert_eq!(alice.members(WORK), std::slice::from_ref(&made));
    let got = alice.get(&made);
    assert_eq!((got.status, got.body.as_str(), got.header("etag")), (200, body.as_str(), posted.header("etag")));
    let second = post(&alice, WORK, &event("2", ""));
    assert_ne!(second.header("location"), made);
    // The same URI, written otherwise.
    assert_eq!(alice.send("POST", &format!("{WORK}%3Badd-member/"), &CALENDAR, &event("3", "")).status, 201);
    assert_eq!(alice.members(WORK).len(), 3);
}

#[test]
fn what_put_refuses_is_refused_alike() {
    let world = World::with_limits(storage::Limits { object_bytes_max: 600, ..Default::default() });
    let alice = world.client("alice");
    let first = post(&alice, WORK, &event("taken", ""));
    let again = post(&alice, WORK, &event("taken", "SUMMARY:again"));
    assert_eq!((again.status, again.condition().as_str()), (403, "no-uid-conflict"));
    assert!(again.body.contains(first.header("location")), "{}", again.body);
    for (body, condition) in [
        ("hello".to_owned(), "valid-calendar-data"),
        (event("1", "").replace("END:VEVENT\r\n", ""), "valid-calendar-data"),
        (event("1", "").replace("VERSION:2.0\r\n", "VERSION:2.0\r\nMETHOD:REQUEST\r\n"), "valid-calendar-object-resource"),
        (event("1", &format!("DESCRIPTION:{}", "x".repeat(600))), "max-resource-size"),
    ] {
        let answer = post(&alice, WORK, &body);
        assert_eq!((answer.status, answer.condition().as_str()), (403, condition));
    }
    let wrong_type = alice.send("POST", &format!("{WORK};add-member"), &[("content-type", "text/plain")], &event("1", ""));
    assert_eq!((wrong_type.status, wrong_type.condition().as_str()), (403, "supported-calendar-data"));
    let headers = [("content-type", "text/calendar"), ("if-match", "*")];
    assert_eq!(alice.send("POST", &format!("{WORK};add-member"), &headers, &event("1", "")).status, 412);
    let headers = [("content-type", "text/calendar"), ("content-encoding", "gzip")];
    assert_eq!(alice.send("POST", &format!("{WORK};add-member"), &headers, &event("1", "")).status, 415);
    assert_eq!(alice.members(WORK).len(), 1);
}

#[test]
fn a_representation_comes_back_with_both_its_places() {
    let world = World::new();
    let alice = world.client("alice");
    let headers = [("content-type", "text/calendar"), ("prefer", "return=representation")];
    let body = event("1", "SUMMARY:Posted");
    let answer = alice.send("POST", &format!("{WORK};add-member"), &headers, &body);
    assert_eq!((answer.status, answer.body.as_str(), answer.header("preference-applied")), (201, body.as_str(), "return=representation"));
    assert_eq!(answer.header("location"), answer.header("content-location"));
    assert_eq!(answer.header("etag"), alice.get(answer.header("location")).header("etag"));
}

#[test]
fn a_plain_collection_takes_any_file() {
    let world = World::new();
    let alice = world.client("alice");
    let files = "/dav/calendars/alice/files/";
    assert_eq!(alice.send("MKCOL", files, &[], "").status, 201);
    let uri = add_member(&alice, files).unwrap();
    let posted = alice.send("POST", &uri, &[("content-type", "text/x-note")], "note");
    assert_eq!(posted.status, 201);
    let got = alice.get(posted.header("location"));
    assert_eq!((got.body.as_str(), got.header("content-type"), got.header("etag")), ("note", "text/x-note", posted.header("etag")));
    assert_eq!(alice.members(files), [posted.header("location")]);
}

#[test]
fn a_grantee_is_told_where_to_add_if_he_may_and_finds_what_he_added() {
    let world = World::new();
    let (alice, erin) = (world.client("alice"), world.client("erin"));
    for path in [mount(&erin), WORK.to_owned()] {
        assert_eq!(add_member(&erin, &path).unwrap(), format!("{path};add-member"));
        let uid = format!("of-{}", path.len());
        let posted = post(&erin, &path, &event(&uid, "SUMMARY:Of erin's"));
        assert_eq!(posted.status, 201, "{}", posted.body);
        assert!(posted.header("location").starts_with(&path));
        assert!(erin.get(posted.header("location")).body.contains("Of erin's"));
    }
    assert_eq!(alice.members(WORK).len(), 2);
    for user in ["bob", "carol", "dan"] {
        let client = world.client(user);
        assert_eq!(add_member(&client, &mount(&client)), None, "{user}");
        let refused = post(&client, &mount(&client), &event("new", ""));
        assert_eq!((refused.status, refused.condition().as_str()), (403, "need-privileges"), "{user}");
        assert_eq!(post(&client, &mount(&client), "rubbish").body, refused.body, "{user}");
    }
    assert_eq!(post(&world.client("mallory"), WORK, &event("new", "")).status, 404);
    assert_eq!(alice.members(WORK).len(), 2);
}

#[test]
fn no_other_resource_takes_post_and_nothing_can_be_named_like_the_place_for_it() {
    let world = World::new();
    let alice = world.client("alice");
    alice.put(&format!("{WORK}1.ics"), &event("1", ""));
    for path in ["/", "/dav/", "/dav/principals/users/alice/", "/dav/calendars/alice/", WORK, "/dav/calendars/alice/work/1.ics"] {
        let answer = alice.send("POST", path, &CALENDAR, &event("2", ""));
        assert_eq!((answer.status, answer.header("allow").contains("POST")), (405, false), "{path}");
    }
    for path in ["/dav/calendars/alice/none/", "/dav/calendars/alice/work/1.ics/"] {
        assert_eq!(post(&alice, path, &event("2", "")).status, 404, "{path}");
    }
    let uri = format!("{WORK};add-member");
    assert_eq!(alice.send("OPTIONS", &uri, &[], "").header("allow"), "OPTIONS, POST");
    assert_eq!(alice.get(&uri).status, 404);
    assert_eq!(alice.put(&uri, &event("2", "")).status, 403);
    let to_it = [("destination", uri.as_str())];
    for method in ["COPY", "MOVE"] {
        assert_eq!(alice.send(method, &format!("{WORK}1.ics"), &to_it, "").status, 403, "{method}");
    }
    assert_eq!(alice.members(WORK), [format!("{WORK}1.ics")]);
    assert_eq!(add_member(&alice, "/dav/calendars/alice/"), None, "homes hold collections only");
}

fn resource_id(client: &Client, path: &str) -> String {
    let id = href(client, path, "resource-id").unwrap_or_else(|| panic!("{path} has no resource-id"));
    assert!(id.starts_with("urn:uuid:") && id.len() == 45, "{id}");
    id
}

#[test]
fn every_resource_has_an_identifier_of_its_own_that_lasts() {
    let world = World::new();
    let alice = world.client("alice");
    for name in ["1", "2"] {
        alice.put(&format!("{WORK}{name}.ics"), &event(name, "SUMMARY:Before"));
    }
    alice.send("MKCOL", "/dav/calendars/alice/files/", &[], "");
    alice.send("PUT", "/dav/calendars/alice/files/f.txt", &[], "x");
    let (object, file) = (format!("{WORK}1.ics"), "/dav/calendars/alice/files/f.txt");
    let paths = [
        "/",
        "/principals/",
        "/dav/",
        "/dav/calendars/",
        "/dav/principals/users/alice/",
        "/dav/principals/groups/",
        "/dav/calendars/alice/",
        WORK,
        "/dav/calendars/alice/default/",
        &object,
        &format!("{WORK}2.ics"),
        "/dav/calendars/alice/files/",
        file,
    ];
    let ids: BTreeSet<String> = paths.iter().map(|path| resource_id(&alice, path)).collect();
    assert_eq!(ids.len(), paths.len());
    // Written over, moved and renamed it is the same; a copy is another.
    let (of_object, of_calendar, of_file) = (resource_id(&alice, &object), resource_id(&alice, WORK), resource_id(&alice, file));
    alice.put(&object, &event("1", "SUMMARY:After"));
    assert_eq!(resource_id(&alice, &object), of_object);
    let moved = "/dav/calendars/alice/default/moved.ics";
    assert_eq!(alice.send("MOVE", &object, &[("destination", moved)], "").status, 201);
    assert_eq!(resource_id(&alice, moved), of_object);
    assert_eq!(alice.send("MOVE", file, &[("destination", "/dav/calendars/alice/files/g.txt")], "").status, 201);
    assert_eq!(resource_id(&alice, "/dav/calendars/alice/files/g.txt"), of_file);
    assert_eq!(alice.send("COPY", moved, &[("destination", &object)], "").status, 201);
    assert!(!ids.contains(&resource_id(&alice, &object)));
    assert_eq!(alice.send("MOVE", WORK, &[("destination", "/dav/calendars/alice/office/")], "").status, 201);
    assert_eq!(resource_id(&alice, "/dav/calendars/alice/office/"), of_calendar);
}

#[test]
fn two_viewers_cannot_put_their_views_together_by_identifiers() {
    let world = World::new();
    let alice = world.client("alice");
    alice.put(&format!("{WORK}1.ics"), &event("1", "SUMMARY:x"));
    let mut all = BTreeSet::from([resource_id(&alice, WORK), resource_id(&alice, &format!("{WORK}1.ics"))]);
    for user in ["bob", "carol", "dan", "erin"] {
        let client = world.client(user);
        let mount = mount(&client);
        // One viewer's two ways to one resource are one to him.
        assert_eq!(resource_id(&client, &mount), resource_id(&client, WORK));
        let (here, there) = (client.members(&mount).remove(0), client.members(WORK).remove(0));
        assert_eq!(resource_id(&client, &here), resource_id(&client, &there));
        all.extend([resource_id(&client, &mount), resource_id(&client, &here)]);
    }
    assert_eq!(all.len(), 10);
}
