//! COPY and MOVE of objects, files and calendars.

use crate::harness::{Client, WORK, World, event};

fn transfer(client: &Client, method: &str, from: &str, to: &str, headers: &[(&str, &str)]) -> crate::harness::Answer {
    let mut all = vec![("destination", to)];
    all.extend_from_slice(headers);
    client.send(method, from, &all, "")
}

#[test]
fn an_object_moves_and_is_copied_between_ones_calendars() {
    let world = World::new();
    let alice = world.client("alice");
    let (from, there) = (format!("{WORK}1.ics"), "/dav/calendars/alice/default/1.ics");
    let body = event("1", "SUMMARY:x");
    alice.put(&from, &body);
    assert_eq!(transfer(&alice, "COPY", &from, there, &[]).status, 201);
    assert_eq!((alice.get(&from).body, alice.get(there).body), (body.clone(), body.clone()));
    assert_eq!(transfer(&alice, "COPY", &from, there, &[("overwrite", "F")]).status, 412);
    assert_eq!(transfer(&alice, "COPY", &from, there, &[("overwrite", "T")]).status, 204);
    assert_eq!(transfer(&alice, "MOVE", &from, there, &[]).status, 204);
    assert_eq!((alice.get(&from).status, alice.get(there).body), (404, body));
    let back = format!("http://localhost:8008{WORK}2.ics");
    assert_eq!(transfer(&alice, "MOVE", there, &back, &[("overwrite", "F")]).status, 201);
    assert_eq!(alice.members(WORK), [format!("{WORK}2.ics")]);
}

#[test]
fn an_object_is_not_replaced_by_one_with_another_uid() {
    let world = World::new();
    let alice = world.client("alice");
    let (from, there) = (format!("{WORK}1.ics"), "/dav/calendars/alice/default/1.ics");
    alice.put(&from, &event("one", ""));
    alice.put(there, &event("two", ""));
    for method in ["COPY", "MOVE"] {
        let answer = transfer(&alice, method, &from, there, &[]);
        assert_eq!((answer.status, answer.condition().as_str()), (403, "no-uid-conflict"), "{method}");
        assert!(answer.body.contains(there));
    }
    assert_eq!((alice.get(&from).body, alice.get(there).body), (event("one", ""), event("two", "")));
}

#[test]
fn the_representation_of_a_copy_is_what_stands_at_the_destination() {
    let world = World::new();
    let alice = world.client("alice");
    let (from, there) = (format!("{WORK}1.ics"), "/dav/calendars/alice/default/1.ics");
    alice.put(&from, &event("1", "SUMMARY:x"));
    let copied = transfer(&alice, "COPY", &from, there, &[("prefer", "return=representation")]);
    assert_eq!((copied.status, copied.header("content-location")), (201, there));
    assert_eq!((copied.header("etag"), &copied.body), (alice.get(there).header("etag"), &alice.get(there).body));
}

#[test]
fn destinations_that_cannot_be() {
    let world = World::new();
    let alice = world.client("alice");
    let from = format!("{WORK}1.ics");
    alice.put(&from, &event("1", ""));
    for method in ["COPY", "MOVE"] {
        let to = |to: &str| transfer(&alice, method, &from, to, &[]);
        assert_eq!(to("http://elsewhere.example/dav/calendars/alice/work/2.ics").status, 502);
        assert_eq!(to("//elsewhere.example/x").status, 400);
        assert_eq!(alice.send(method, &from, &[], "").status, 400);
        assert_eq!(to(&from).status, 403);
        assert_eq!(to("/dav/calendars/alice/none/1.ics").status, 409);
        assert_eq!(to("/dav/calendars/mallory/default/1.ics").condition(), "need-privileges");
        assert_eq!(to("/dav/calendars/nobody/default/1.ics").condition(), "need-privileges");
        assert_eq!(to("/").status, 403);
        assert_eq!(to("/dav/calendars/alice/1.ics").status, 403);
        assert_eq!(to("/dav/calendars/alice/default/").status, 403);
        let conflict = to(&format!("{WORK}2.ics"));
        match method {
            "COPY" => assert!(conflict.condition() == "no-uid-conflict" && conflict.body.contains(&from), "{}", conflict.body),
            _ => assert_eq!(conflict.status, 201),
        }
    }
    assert_eq!(transfer(&alice, "MOVE", "/dav/calendars/alice/", "/dav/calendars/alice/x/", &[]).status, 403);
}

#[test]
fn what_is_seen_reduced_cannot_be_copied_out() {
    let world = World::new();
    world.client("alice").put(&format!("{WORK}1.ics"), &event("1", "SUMMARY:Canary"));
    for user in ["bob", "carol"] {
        let client = world.client(user);
        let object = client.members(WORK).remove(0);
        for method in ["COPY", "MOVE"] {
            let answer = transfer(&client, method, &object, &format!("/dav/calendars/{user}/default/1.ics"), &[]);
            assert_eq!((answer.status, answer.condition().as_str()), (403, "need-privileges"), "{user} {method}");
        }
        assert!(client.members(&format!("/dav/calendars/{user}/default/")).is_empty());
    }
    // dan sees all and may copy, not move; erin may edit, not move away.
    for user in ["dan", "erin"] {
        let client = world.client(user);
        let (from, to) = (format!("{WORK}1.ics"), format!("/dav/calendars/{user}/default/1.ics"));
        assert_eq!(transfer(&client, "COPY", &from, &to, &[]).status, 201, "{user}");
        assert_eq!(transfer(&client, "MOVE", &from, &to, &[]).condition(), "need-privileges", "{user}");
    }
    assert_eq!(world.client("alice").members(WORK).len(), 1);
}

#[test]
fn files_and_collections_are_copied_deep_or_flat() {
    let world = World::new();
    let alice = world.client("alice");
    let home = "/dav/calendars/alice/";
    let at = |path: &str| format!("{home}{path}");
    for path in ["a/", "a/b/"] {
        assert_eq!(alice.send("MKCOL", &at(path), &[], "").status, 201);
    }
    alice.send("PUT", &at("a/b/f.txt"), &[("content-type", "text/plain")], "text");
    alice.proppatch(&at("a/b/f.txt"), "<D:set><D:prop><p xmlns='urn:p'>kept</p></D:prop></D:set>");
    assert_eq!(transfer(&alice, "COPY", &at("a/"), &at("copy/"), &[]).status, 201);
    assert_eq!(alice.get(&at("copy/b/f.txt")).body, "text");
    assert_eq!(alice.property(&at("copy/b/f.txt"), "p xmlns='urn:p'").as_deref(), Some("kept"));
    assert_eq!(transfer(&alice, "COPY", &at("a/"), &at("flat/"), &[("depth", "0")]).status, 201);
    assert!(alice.members(&at("flat/")).is_empty());
    assert_eq!(transfer(&alice, "COPY", &at("a/"), &at("x/"), &[("depth", "1")]).status, 400);
    assert_eq!(transfer(&alice, "MOVE", &at("a/"), &at("x/"), &[("depth", "0")]).status, 400);
    assert_eq!(transfer(&alice, "COPY", &at("a/"), &at("a/b/c/"), &[]).status, 403);
    assert_eq!(transfer(&alice, "MOVE", &at("a/b/"), &at("a/"), &[]).status, 403);
    assert_eq!(transfer(&alice, "MOVE", &at("a/"), &at("copy/"), &[("overwrite", "F")]).status, 412);
    assert_eq!(transfer(&alice, "MOVE", &at("a/"), &at("copy/"), &[]).status, 204);
    assert_eq!(alice.get(&at("a/")).status, 404);
    assert_eq!(transfer(&alice, "COPY", &at("copy/"), WORK, &[]).status, 403);
    assert_eq!(transfer(&alice, "COPY", &at("copy/"), "/dav/calendars/bob/x/", &[]).condition(), "need-privileges");
}

#[test]
fn a_file_becomes_an_object_only_if_it_could_be_put_as_one() {
    let world = World::new();
    let alice = world.client("alice");
    let file = "/dav/calendars/alice/files/1.ics";
    alice.send("MKCOL", "/dav/calendars/alice/files/", &[], "");
    let land = |method: &str| transfer(&alice, method, file, &format!("{WORK}1.ics"), &[]);
    alice.send("PUT", file, &[("content-type", "text/xml")], "<x/>");
    assert_eq!(land("COPY").condition(), "supported-calendar-data");
    alice.put(file, &event("1", "").replace("VERSION:2.0\r\n", "VERSION:2.0\r\nMETHOD:REQUEST\r\n"));
    assert_eq!(land("COPY").condition(), "valid-calendar-object-resource");
    alice.put(file, &event("1", ""));
    assert_eq!(land("MOVE").status, 201);
    assert_eq!((alice.get(file).status, alice.get(&format!("{WORK}1.ics")).body), (404, event("1", "")));
}

#[test]
fn an_owner_renames_a_calendar_and_shares_stay() {
    let world = World::new();
    let (alice, bob) = (world.client("alice"), world.client("bob"));
    alice.put(&format!("{WORK}1.ics"), &event("1", ""));
    let mounts = bob.members("/dav/calendars/bob/");
    let token = alice.property(WORK, "D:sync-token");
    let renamed = "/dav/calendars/alice/job/";
    for refused in ["COPY", "MOVE"] {
        let onto = transfer(&alice, refused, WORK, "/dav/calendars/alice/default/", &[]);
        assert_eq!((onto.status, onto.condition().as_str()), (403, "calendar-collection-location-ok"));
    }
    assert_eq!(transfer(&alice, "COPY", WORK, renamed, &[]).condition(), "calendar-collection-location-ok");
    assert_eq!(transfer(&alice, "MOVE", WORK, renamed, &[]).status, 201);
    assert_eq!((alice.get(WORK).status, alice.members(renamed).len()), (404, 1));
    assert_eq!(alice.property(renamed, "D:sync-token"), token);
    assert_eq!(bob.members("/dav/calendars/bob/"), mounts);
    let mount = mounts.iter().find(|href| !href.ends_with("/default/")).unwrap();
    assert_eq!(transfer(&bob, "MOVE", mount, "/dav/calendars/bob/mine/", &[]).status, 403);
}

/// A client that moved an event it may not delete, and sent the tag it knew, was told that the tag was wrong: it kept its
/// own change, since nothing marked the event as changed for it.
#[test]
fn who_lacks_a_right_is_told_that_before_his_conditions_are_looked_at() {
    let world = World::new();
    let (alice, erin, dan) = (world.client("alice"), world.client("erin"), world.client("dan"));
    let object = format!("{WORK}1.ics");
    alice.put(&object, &event("1", "SUMMARY:x"));
    let own = "/dav/calendars/erin/default/own.ics";
    erin.put(own, &event("own", ""));
    let conditions = [("if-match", "\"wrong\""), ("if-none-match", "*"), ("if", "([\"wrong\"])"), ("overwrite", "F")];
    for condition in conditions {
        let tag = erin.get(&object).header("etag").to_owned();
        let moved = transfer(&erin, "MOVE", &object, "/dav/calendars/erin/default/1.ics", &[condition]);
        assert_eq!((moved.status, moved.condition().as_str()), (403, "need-privileges"), "{condition:?}");
        assert_ne!(erin.get(&object).header("etag"), tag, "the refusal is marked");
        let over = transfer(&erin, "COPY", own, &object, &[condition]);
        assert_eq!(over.status, 403, "{condition:?}");
        let into = transfer(&dan, "COPY", &object, &format!("{WORK}2.ics"), &[condition]);
        assert_eq!((into.status, into.condition().as_str()), (403, "need-privileges"), "{condition:?}");
        let whole = transfer(&dan, "MOVE", WORK, "/dav/calendars/dan/taken/", &[condition]);
        assert_eq!(whole.status, 403, "{condition:?}");
        assert_eq!(dan.send("DELETE", WORK, &[condition], "").status, 403, "{condition:?}");
    }
    // With the right, a condition holds him up.
    for condition in &conditions[..3] {
        assert_eq!(transfer(&erin, "MOVE", own, "/dav/calendars/erin/default/2.ics", &[*condition]).status, 412, "{condition:?}");
    }
    assert_eq!(alice.get(&object).body, event("1", "SUMMARY:x"));
}
