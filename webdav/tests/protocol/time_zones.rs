//! Time zones by reference (RFC 7809): definitions as asked for, tags of what is served, zones by id in properties and queries.

use crate::harness::{Client, WORK, World, document};

const BERLIN: &str = "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\n\
                      TZOFFSETTO:+0100\r\nX-OWN:of alice\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n";
const OFFICE: &str = "BEGIN:VTIMEZONE\r\nTZID:Office\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0117\r\n\
                      TZOFFSETTO:+0117\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n";

fn weekly(uid: &str, zones: &str, tzid: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{zones}BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\n\
         DTSTART;TZID={tzid}:20261110T090000\r\nDTEND;TZID={tzid}:20261110T100000\r\nRRULE:FREQ=WEEKLY;COUNT=3\r\nSUMMARY:Plan\r\n\
         END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

fn zones(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("TZID:")).map(|id| id.trim_end_matches("&#13;")).collect()
}

const T: (&str, &str) = ("caldav-timezones", "T");
const F: (&str, &str) = ("caldav-timezones", "F");

/// alice's objects: one with the definition of its zone, one without, one in a zone nobody else knows.
fn world() -> (World, Client) {
    let world = World::new();
    let alice = world.client("alice");
    for (name, zones, tzid) in
        [("with.ics", BERLIN, "Europe/Berlin"), ("without.ics", "", "Europe/Berlin"), ("office.ics", OFFICE, "Office")]
    {
        let answer = alice.put(&format!("{WORK}{name}"), &weekly(name, zones, tzid));
        assert_eq!(answer.status, 201, "{}", answer.body);
        assert_eq!(answer.header("etag"), alice.get(&format!("{WORK}{name}")).header("etag"), "stored as it was sent");
    }
    (world, alice)
}

#[test]
fn definitions_come_as_asked_for_and_by_default_as_they_are_stored() {
    let (_world, alice) = world();
    for (name, stored, with, without) in [
        ("with.ics", vec!["Europe/Berlin"], vec!["Europe/Berlin"], vec![]),
        ("without.ics", vec![], vec!["Europe/Berlin"], vec![]),
        ("office.ics", vec!["Office"], vec!["Office"], vec!["Office"]),
    ] {
        let path = format!("{WORK}{name}");
        let get = |headers: &[(&str, &str)]| alice.send("GET", &path, headers, "");
        let as_stored = get(&[]);
        assert_eq!(zones(&as_stored.body), stored, "{name}");
        for (header, expected) in [(T, &with), (F, &without)] {
            let answer = get(&[header]);
            assert_eq!(zones(&answer.body), *expected, "{name} {header:?}");
            assert_eq!(answer.header("vary").split(", ").last(), Some("CalDAV-Timezones"));
            assert_eq!(answer.header("content-length"), answer.body.len().to_string());
            let same_bytes = answer.body == as_stored.body;
            assert_eq!(same_bytes, answer.header("etag") == as_stored.header("etag"), "{name}: one strong tag for the same bytes alone");
            let tag = answer.header("etag");
            assert_eq!(get(&[header, ("if-none-match", tag)]).status, 304, "{name}");
            let other = get(&[header, ("if-none-match", as_stored.header("etag"))]);
            assert_eq!(other.status, if same_bytes { 304 } else { 200 }, "{name}: another form is no copy of this one");
            assert_eq!(get(&[("if-none-match", tag)]).status, if same_bytes { 304 } else { 200 }, "{name}");
        }
    }
}

#[test]
fn the_tag_of_any_form_names_the_state_that_a_write_overwrites() {
    let (_world, alice) = world();
    let path = format!("{WORK}with.ics");
    let listed = alice.property(&path, "D:getetag").unwrap();
    let shown = alice.send("GET", &path, &[F], "");
    assert_eq!(alice.get(&path).header("etag"), listed, "the property is that of the plain GET (RFC 4918 §15.6)");
    assert_ne!(shown.header("etag"), listed);
    let changed = shown.body.replace("SUMMARY:Plan", "SUMMARY:Other plan");
    let put = |tag: &str, headers: &[(&str, &str)]| {
        let headers: Vec<_> = headers.iter().copied().chain([("if-match", tag), ("content-type", "text/calendar")]).collect();
        alice.send("PUT", &path, &headers, &changed)
    };
    let answer = put(shown.header("etag"), &[F]);
    assert_eq!(answer.status, 204, "{}", answer.body);
    // What was sent has no definitions, so that GET serves just those bytes, with and without the header.
    for headers in [vec![], vec![F]] {
        let now = alice.send("GET", &path, &headers, "");
        assert_eq!((now.header("etag"), now.body.as_str()), (answer.header("etag"), changed.as_str()));
    }
    assert_eq!(put(shown.header("etag"), &[F]).status, 412, "of a state that is gone");
    assert_eq!(put(shown.header("etag"), &[]).status, 412);
}

#[test]
fn reports_and_exports_and_what_a_write_gives_back_do_as_they_are_told() {
    let (_world, alice) = world();
    let hrefs: String = ["with.ics", "without.ics", "office.ics"].map(|name| format!("<D:href>{WORK}{name}</D:href>")).concat();
    let multiget = document("C:calendar-multiget", &format!("<D:prop><D:getetag/><C:calendar-data/></D:prop>{hrefs}"));
    let limit = "<C:limit-recurrence-set start=\"20261101T000000Z\" end=\"20261201T000000Z\"/>";
    let query = document(
        "C:calendar-query",
        &format!("<D:prop><C:calendar-data>{limit}</C:calendar-data></D:prop><C:filter><C:comp-filter name=\"VCALENDAR\"/></C:filter>"),
    );
    let part = "<C:comp name=\"VCALENDAR\"><C:comp name=\"VTIMEZONE\"/></C:comp>";
    let part = document("C:calendar-multiget", &format!("<D:prop><C:calendar-data>{part}</C:calendar-data></D:prop>{hrefs}"));
    for body in [&multiget, &query, &part] {
        for (headers, expected) in [
            (vec![], vec!["Europe/Berlin", "Office"]),
            (vec![T], vec!["Europe/Berlin", "Europe/Berlin", "Office"]),
            (vec![F], vec!["Office"]),
        ] {
            let headers: Vec<_> = headers.into_iter().chain([("depth", "1")]).collect();
            let answer = alice.send("REPORT", WORK, &headers, body);
            let mut found = zones(&answer.body);
            found.sort_unstable();
            assert_eq!(found, expected, "{headers:?} {body}");
        }
    }
    let (plain, with, without) = (alice.get(WORK), alice.send("GET", WORK, &[T], ""), alice.send("GET", WORK, &[F], ""));
    assert_eq!(zones(&without.body), ["Office"]);
    assert!(zones(&with.body).iter().all(|zone| ["Europe/Berlin", "Office"].contains(zone)));
    let tags: std::collections::BTreeSet<&str> = [&plain, &with, &without].iter().map(|answer| answer.header("etag")).collect();
    assert_eq!(tags.len(), 3);
    assert_eq!(alice.send("GET", WORK, &[F, ("if-none-match", without.header("etag"))], "").status, 304);
    let headers = [F, ("content-type", "text/calendar"), ("prefer", "return=representation")];
    let put = alice.send("PUT", &format!("{WORK}with.ics"), &headers, &weekly("with.ics", BERLIN, "Europe/Berlin"));
    assert_eq!((put.status, zones(&put.body)), (200, vec![]));
}

/// What is withheld comes in no form: below `details` there are only the server's own definitions, and they can be left out.
#[test]
fn grantees_get_no_stored_definition_in_any_form() {
    let (world, _alice) = world();
    for name in ["bob", "carol"] {
        let client = world.client(name);
        for href in client.members(WORK) {
            for headers in [vec![], vec![T], vec![F]] {
                let answer = client.send("GET", &href, &headers, "");
                assert_eq!(answer.status, 200);
                assert!(!answer.body.contains("X-OWN") && !answer.body.contains("Office"), "{}", answer.body);
                let defined = !zones(&answer.body).is_empty();
                assert_eq!(defined, headers != [F] && answer.body.contains(";TZID="), "{headers:?} {}", answer.body);
            }
        }
    }
}

#[test]
fn a_zone_is_set_by_its_id_or_by_its_definition_and_the_other_follows() {
    let (_world, alice) = world();
    let (zone, id) = ("C:calendar-timezone", "C:calendar-timezone-id");
    assert_eq!((alice.property(WORK, zone), alice.property(WORK, id)), (None, None));
    let set =
        |property: &str, value: &str| alice.proppatch(WORK, &format!("<D:set><D:prop><{property}>{value}</{property}></D:prop></D:set>"));
    assert!(set(id, " america/new_york ").body.contains("200"));
    assert_eq!(alice.property(WORK, id).as_deref(), Some("America/New_York"));
    let definition = alice.property(WORK, zone).unwrap();
    assert_eq!(zones(&definition), ["America/New_York"]);
    // Floating times are now those of New York: nine o'clock is two in the afternoon.
    let event = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:f\r\nDTSTAMP:20261101T000000Z\r\n\
                 DTSTART:20261203T090000\r\nDTEND:20261203T100000\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    assert_eq!(alice.put(&format!("{WORK}floating.ics"), event).status, 201);
    let free_busy = |zone: &str| {
        let body = document("C:free-busy-query", &format!("<C:time-range start=\"20261203T000000Z\" end=\"20261204T000000Z\"/>{zone}"));
        alice.send("REPORT", WORK, &[("depth", "1")], &body)
    };
    assert!(free_busy("").body.contains("FREEBUSY;FBTYPE=BUSY:20261203T140000Z/20261203T150000Z"), "{}", free_busy("").body);
    let tokyo = free_busy("<C:timezone-id>Asia/Tokyo</C:timezone-id>");
    assert!(tokyo.body.contains("FREEBUSY;FBTYPE=BUSY:20261203T000000Z/20261203T010000Z"), "{}", tokyo.body);
    assert_eq!(free_busy("<C:timezone-id>Nowhere/Land</C:timezone-id>").condition(), "valid-timezone");

    let office = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{OFFICE}END:VCALENDAR\r\n");
    assert!(set(zone, &office).body.contains("200"));
    assert_eq!(alice.property(WORK, id).as_deref(), Some("Office"));
    let refused = set(id, "Nowhere/Land");
    assert!(refused.body.contains("valid-timezone") && refused.body.contains("403"), "{}", refused.body);
    assert_eq!(alice.property(WORK, id).as_deref(), Some("Office"), "and nothing is changed");
    assert!(alice.proppatch(WORK, &format!("<D:remove><D:prop><{id}/></D:prop></D:remove>")).body.contains("200"));
    assert_eq!((alice.property(WORK, zone), alice.property(WORK, id)), (None, None));

    let body = document("C:mkcalendar", &format!("<D:set><D:prop><{id}>Etc/GMT+2</{id}></D:prop></D:set>"));
    assert_eq!(alice.send("MKCALENDAR", "/dav/calendars/alice/zoned/", &[], &body).status, 201);
    assert_eq!(alice.property("/dav/calendars/alice/zoned/", id).as_deref(), Some("Etc/GMT+2"));
}

/// Where alice lives is hers: her zone shows in no one else's properties, and moves no one else's floating times.
#[test]
fn the_owners_zone_is_the_owners() {
    let (world, alice) = world();
    let set = "<D:set><D:prop><C:calendar-timezone-id>America/New_York</C:calendar-timezone-id></D:prop></D:set>";
    assert!(alice.proppatch(WORK, set).body.contains("200"));
    for name in ["bob", "carol", "dan", "erin"] {
        let client = world.client(name);
        assert_eq!(client.property(WORK, "C:calendar-timezone-id"), None, "{name}");
        assert_eq!(client.property(WORK, "C:calendar-timezone"), None, "{name}");
        let tokyo = "<D:set><D:prop><C:calendar-timezone-id>Asia/Tokyo</C:calendar-timezone-id></D:prop></D:set>";
        assert!(client.proppatch(WORK, tokyo).body.contains("200"));
        assert_eq!(client.property(WORK, "C:calendar-timezone-id").as_deref(), Some("Asia/Tokyo"));
    }
    assert_eq!(alice.property(WORK, "C:calendar-timezone-id").as_deref(), Some("America/New_York"));
}
