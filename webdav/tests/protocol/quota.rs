//! Quotas (RFC 4331): who is told of which space, and what happens where it ends.

use crate::harness::{Client, WORK, World, event};
use storage::administration::QuotaEntry;
use storage::administration::entry::QuotaWord;

const USED: &str = "D:quota-used-bytes";
const AVAILABLE: &str = "D:quota-available-bytes";

fn set(world: &World, user: &str, bytes: u64) {
    world.store.administration().set_quota(user, QuotaEntry::Bytes(bytes)).unwrap();
}

fn mount(client: &Client) -> String {
    let home = format!("/dav/calendars/{}/", client.user);
    client.members(&home).into_iter().find(|href| !href.ends_with("/default/")).unwrap()
}

fn number(client: &Client, path: &str, property: &str) -> Option<u64> {
    client.property(path, property).map(|text| text.parse().unwrap())
}

#[test]
fn the_owner_is_told_of_her_space_on_each_of_her_collections() {
    let world = World::new();
    let alice = world.client("alice");
    set(&world, "alice", 10_000);
    let body = event("1", "SUMMARY:x");
    alice.put(&format!("{WORK}1.ics"), &body);
    alice.send("MKCOL", "/dav/calendars/alice/files/", &[], "");
    alice.send("PUT", "/dav/calendars/alice/files/f.txt", &[], "12345");
    let used = body.len() as u64 + 5;
    for path in ["/dav/calendars/alice/", WORK, "/dav/calendars/alice/default/", "/dav/calendars/alice/files/"] {
        assert_eq!((number(&alice, path, USED), number(&alice, path, AVAILABLE)), (Some(used), Some(10_000 - used)), "{path}");
    }
    for path in ["/dav/calendars/alice/work/1.ics", "/dav/calendars/alice/files/f.txt", "/dav/principals/users/alice/", "/dav/"] {
        assert_eq!((number(&alice, path, USED), number(&alice, path, AVAILABLE)), (None, None), "{path}");
    }
    // Neither is part of allprop, nor can it be set (RFC 4331 §3, §4).
    assert!(!alice.send("PROPFIND", WORK, &[("depth", "0")], "").body.contains("quota"));
    let answer = alice.proppatch(WORK, "<D:set><D:prop><D:quota-available-bytes>1</D:quota-available-bytes></D:prop></D:set>");
    assert_eq!(answer.with_status(403), ["quota-available-bytes"]);
    world.store.administration().set_quota("alice", QuotaEntry::Word(QuotaWord::Unlimited)).unwrap();
    assert_eq!((number(&alice, WORK, USED), number(&alice, WORK, AVAILABLE)), (Some(used), None));
}

#[test]
fn nobody_is_told_of_another_s_space() {
    let world = World::new();
    world.client("alice").put(&format!("{WORK}1.ics"), &event("1", "SUMMARY:x"));
    for user in ["bob", "carol", "dan", "erin"] {
        let client = world.client(user);
        for path in [mount(&client), WORK.to_owned(), "/dav/calendars/alice/".to_owned()] {
            assert_eq!((number(&client, &path, USED), number(&client, &path, AVAILABLE)), (None, None), "{user} {path}");
        }
        assert_eq!(number(&client, &format!("/dav/calendars/{user}/"), USED), Some(0));
    }
}

#[test]
fn what_is_too_much_is_507_with_its_element_and_changes_nothing() {
    let world = World::new();
    let alice = world.client("alice");
    alice.send("MKCOL", "/dav/calendars/alice/files/", &[], "");
    alice.put(&format!("{WORK}1.ics"), &event("1", ""));
    set(&world, "alice", 300);
    let long = event("2", &format!("SUMMARY:{}", "x".repeat(300)));
    let object = format!("{WORK}1.ics");
    for (method, path, headers, body) in [
        ("PUT", "/dav/calendars/alice/work/2.ics", vec![], long.as_str()),
        ("PUT", "/dav/calendars/alice/work/1.ics", vec![], &long.replace("UID:2", "UID:1")),
        ("POST", "/dav/calendars/alice/work/;add-member", vec![], &long),
        ("COPY", object.as_str(), vec![("destination", "/dav/calendars/alice/default/1.ics")], ""),
        ("PUT", "/dav/calendars/alice/files/f.txt", vec![], &long),
        ("POST", "/dav/calendars/alice/files/;add-member", vec![], &long),
    ] {
        let answer = alice.send(method, path, &headers, body);
        assert_eq!((answer.status, answer.condition().as_str()), (507, "quota-not-exceeded"), "{method} {path}");
    }
    assert_eq!((alice.members(WORK).len(), alice.members("/dav/calendars/alice/files/").len()), (1, 0));
    assert_eq!(alice.get(&object).body, event("1", ""));
    // What takes no more goes on.
    assert_eq!(alice.send("MOVE", &object, &[("destination", "/dav/calendars/alice/default/1.ics")], "").status, 201);
    assert_eq!(alice.delete("/dav/calendars/alice/default/1.ics").status, 204);
}

#[test]
fn who_may_write_in_a_full_calendar_writes_on_until_his_own_space_ends() {
    let world = World::new();
    let (alice, erin) = (world.client("alice"), world.client("erin"));
    alice.put(&format!("{WORK}1.ics"), &event("1", ""));
    set(&world, "alice", 0);
    set(&world, "erin", 500);
    let path = mount(&erin);
    assert_eq!(erin.put(&format!("{path}2.ics"), &event("2", "")).status, 201);
    let used = number(&erin, "/dav/calendars/erin/", USED).unwrap();
    assert_eq!(used, event("2", "").len() as u64, "it is hers that counts");
    assert_eq!(alice.put(&format!("{WORK}3.ics"), &event("3", "")).condition(), "quota-not-exceeded");
    let refused = erin.put(&format!("{path}4.ics"), &event("4", &format!("SUMMARY:{}", "x".repeat(300))));
    assert_eq!((refused.status, refused.condition().as_str()), (507, "quota-not-exceeded"));
    assert_eq!(alice.delete(&format!("{WORK}2.ics")).status, 204);
    assert_eq!(number(&erin, "/dav/calendars/erin/", USED), Some(used), "what alice deletes is not told by a number");
}
