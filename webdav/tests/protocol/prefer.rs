//! `Prefer` (RFC 7240) as RFC 8144 gives it meaning, clause by clause, and `Brief`.

use crate::harness::{Answer, WORK, World, document, event};

const MINIMAL: (&str, &str) = ("prefer", "return=minimal");
const REPRESENTATION: (&str, &str) = ("prefer", "return=representation");

fn applied(answer: &Answer) -> &str {
    answer.header("preference-applied")
}

fn world_with_event() -> World {
    let world = World::new();
    assert_eq!(world.client("alice").put(&format!("{WORK}1.ics"), &event("1", "SUMMARY:First")).status, 201);
    world
}

/// RFC 8144 §2.1.
#[test]
fn a_minimal_report_lists_nothing_that_is_missing() {
    let world = world_with_event();
    let alice = world.client("alice");
    let prop = "<D:prop><D:none/><D:getetag/></D:prop>";
    let only_missing = "<D:prop><D:none/></D:prop>";
    let object = format!("{WORK}1.ics");
    let filter = "<C:filter><C:comp-filter name='VCALENDAR'/></C:filter>";
    let reports = |prop: &str| {
        [
            (WORK, document("C:calendar-query", &format!("{prop}{filter}"))),
            (WORK, document("C:calendar-multiget", &format!("{prop}<D:href>{object}</D:href>"))),
            (WORK, document("D:sync-collection", &format!("<D:sync-token/><D:sync-level>1</D:sync-level>{prop}"))),
            ("/dav/principals/users/", document("D:principal-match", &format!("<D:self/>{prop}"))),
            (WORK, document("D:acl-principal-prop-set", prop)),
        ]
    };
    for wanted in [prop, only_missing] {
        for (path, body) in reports(wanted) {
            let depth = if body.contains("calendar-query") { "1" } else { "0" };
            let usual = alice.send("REPORT", path, &[("depth", depth)], &body);
            let minimal = alice.send("REPORT", path, &[("depth", depth), MINIMAL], &body);
            assert_eq!((usual.status, minimal.status), (207, 207), "{body}");
            assert!(usual.body.contains("404 Not Found") && !minimal.body.contains("404 Not Found"), "{}", minimal.body);
            assert_eq!((applied(&usual), applied(&minimal)), ("", "return=minimal"));
            // No response goes with its properties: one without any says 200 of none.
            let (usual, minimal) = (usual.responses(), minimal.responses());
            assert!(!minimal.is_empty() && usual.keys().eq(minimal.keys()), "{body}");
        }
    }
    let expand = document("D:expand-property", "<D:property name='none'/><D:property name='owner'><D:property name='none'/></D:property>");
    let minimal = alice.send("REPORT", WORK, &[("depth", "0"), MINIMAL], &expand);
    assert!(!minimal.body.contains("404") && minimal.body.matches("<D:response>").count() == 2, "{}", minimal.body);
    // An href that leads nowhere is no property that is missing.
    let lost = document("C:calendar-multiget", &format!("{prop}<D:href>{WORK}none.ics</D:href>"));
    assert!(alice.send("REPORT", WORK, &[MINIMAL], &lost).body.contains("404 Not Found"));
    // What is no multistatus has nothing to leave out.
    let busy = document("C:free-busy-query", "<C:time-range start='20261101T000000Z' end='20261201T000000Z'/>");
    let answer = alice.send("REPORT", WORK, &[("depth", "1"), MINIMAL], &busy);
    assert_eq!((answer.status, applied(&answer)), (200, ""));
}

/// RFC 8144 §2.2 and §2.3, RFC 7240 §4.2.
#[test]
fn what_was_all_done_is_told_without_a_body() {
    let world = world_with_event();
    let alice = world.client("alice");
    let set = document("D:propertyupdate", "<D:set><D:prop><D:displayname>Name</D:displayname></D:prop></D:set>");
    let wrong = document("D:propertyupdate", "<D:set><D:prop><D:getetag>x</D:getetag></D:prop></D:set>");
    let calendar = document("C:mkcalendar", "<D:set><D:prop><D:displayname>Name</D:displayname></D:prop></D:set>");
    let collection = document("D:mkcol", "<D:set><D:prop><D:resourcetype><D:collection/></D:resourcetype></D:prop></D:set>");
    let done = [
        ("PROPPATCH", WORK, set.as_str(), 200),
        ("MKCALENDAR", "/dav/calendars/alice/made/", &calendar, 201),
        ("MKCOL", "/dav/calendars/alice/files/", &collection, 201),
        ("PUT", "/dav/calendars/alice/work/2.ics", &event("2", ""), 201),
        ("PUT", "/dav/calendars/alice/work/2.ics", &event("2", "SUMMARY:x"), 204),
        ("POST", "/dav/calendars/alice/work/;add-member", &event("3", ""), 201),
        ("DELETE", "/dav/calendars/alice/work/2.ics", "", 204),
    ];
    for (method, path, body, status) in done {
        let answer = alice.send(method, path, &[MINIMAL], body);
        assert_eq!((answer.status, answer.body.as_str(), applied(&answer)), (status, "", "return=minimal"), "{method} {path}");
    }
    let refused = alice.send("PROPPATCH", WORK, &[MINIMAL], &wrong);
    assert_eq!((refused.with_status(403), applied(&refused)), (vec!["getetag".to_owned()], ""));
    let got = alice.send("GET", WORK, &[MINIMAL], "");
    assert_eq!((got.status, applied(&got)), (200, ""));
}

/// RFC 8144 §3.1: not PUT alone, and files as well as objects.
#[test]
fn whatever_was_made_or_changed_comes_back_if_that_is_preferred() {
    let world = world_with_event();
    let alice = world.client("alice");
    alice.send("MKCOL", "/dav/calendars/alice/files/", &[], "");
    let (object, file) = (format!("{WORK}1.ics"), "/dav/calendars/alice/files/f.txt");
    let shown = |answer: &Answer, path: &str, status: u16| {
        let got = alice.get(path);
        assert_eq!((answer.status, applied(answer)), (status, "return=representation"), "{path}");
        assert_eq!((&answer.body, answer.header("content-location")), (&got.body, path));
        assert_eq!((answer.header("etag"), answer.header("content-type")), (got.header("etag"), got.header("content-type")));
    };
    let text = [REPRESENTATION, ("content-type", "text/plain")];
    shown(&alice.send("PUT", file, &text, "one"), file, 201);
    shown(&alice.send("PUT", file, &text, "two"), file, 200);
    for (method, from, to, status) in [
        ("COPY", object.as_str(), "/dav/calendars/alice/default/1.ics", 201),
        ("COPY", &object, "/dav/calendars/alice/default/1.ics", 200),
        ("MOVE", &object, "/dav/calendars/alice/work/moved.ics", 201),
        ("COPY", file, "/dav/calendars/alice/files/g.txt", 201),
        ("MOVE", file, "/dav/calendars/alice/files/g.txt", 200),
    ] {
        shown(&alice.send(method, from, &[REPRESENTATION, ("destination", to)], ""), to, status);
    }
    // A collection has no representation to return.
    let moved = alice.send("MOVE", "/dav/calendars/alice/files/", &[REPRESENTATION, ("destination", "/dav/calendars/alice/box/")], "");
    assert_eq!((moved.status, moved.body.as_str(), applied(&moved)), (201, "", ""));
}

/// RFC 8144 §3.2.
#[test]
fn a_condition_that_fails_is_answered_with_what_stands_there_instead() {
    let world = world_with_event();
    let alice = world.client("alice");
    let object = format!("{WORK}1.ics");
    let got = alice.get(&object);
    let elsewhere = format!("{WORK}2.ics");
    for (method, headers, body) in [
        ("PUT", vec![("if-match", "\"stale\"")], event("1", "SUMMARY:Second")),
        ("PUT", vec![("if-none-match", "*")], event("1", "SUMMARY:Second")),
        ("PUT", vec![("if-schedule-tag-match", "\"stale\"")], event("1", "SUMMARY:Second")),
        ("DELETE", vec![("if-match", "\"stale\"")], String::new()),
        ("MOVE", vec![("if-match", "\"stale\""), ("destination", elsewhere.as_str())], String::new()),
        ("COPY", vec![("if-match", "\"stale\""), ("destination", elsewhere.as_str())], String::new()),
        ("PROPPATCH", vec![("if-match", "\"stale\"")], document("D:propertyupdate", "<D:remove><D:prop><D:x/></D:prop></D:remove>")),
    ] {
        let plain = alice.send(method, &object, &headers, &body);
        assert_eq!((plain.status, plain.body.as_str()), (412, ""), "{method}");
        let answer = alice.send(method, &object, &[headers.as_slice(), &[REPRESENTATION]].concat(), &body);
        assert_eq!((answer.status, &answer.body, applied(&answer)), (412, &got.body, "return=representation"), "{method} {headers:?}");
        assert_eq!((answer.header("etag"), answer.header("content-location")), (got.header("etag"), object.as_str()), "{method}");
    }
    // There is nothing to show where nothing stands, nor is what stands at a destination what the condition was about.
    let absent = alice.send("PUT", &elsewhere, &[REPRESENTATION, ("if-match", "\"stale\"")], &event("2", ""));
    assert_eq!((absent.status, absent.body.as_str(), applied(&absent)), (412, "", ""));
    alice.put(&elsewhere, &event("2", ""));
    let taken = alice.send("COPY", &object, &[REPRESENTATION, ("destination", &elsewhere), ("overwrite", "F")], "");
    assert_eq!((taken.status, taken.body.as_str(), applied(&taken)), (412, "", ""));
    assert_eq!(alice.get(&object).body, got.body);
}

/// What comes back is what the viewer is shown, under the name he is shown.
#[test]
fn leak_50_a_grantee_is_shown_no_more_by_a_failed_condition_than_by_get() {
    let world = world_with_event();
    for user in ["bob", "carol", "dan", "erin"] {
        let client = world.client(user);
        let path = client.members(WORK).remove(0);
        for (method, body) in [("PUT", event("1", "SUMMARY:x")), ("DELETE", String::new())] {
            let answer = client.send(method, &path, &[REPRESENTATION, ("if-match", "\"stale\"")], &body);
            if user == "erin" && method == "PUT" {
                assert_eq!((answer.status, &answer.body), (412, &client.get(&path).body));
            } else {
                assert_eq!((answer.status, answer.condition().as_str()), (403, "need-privileges"), "{user} {method}");
            }
        }
        // Whoever lacks the right to change it sets properties of his own.
        let update = document("D:propertyupdate", "<D:set><D:prop><x xmlns='urn:x'/></D:prop></D:set>");
        let answer = client.send("PROPPATCH", &path, &[REPRESENTATION, ("if-match", "\"stale\"")], &update);
        assert_eq!((answer.status, &answer.body), (412, &client.get(&path).body), "{user}");
    }
}

/// `Brief` is not `Prefer`: it is followed, and nothing is said of it.
#[test]
fn brief_is_an_older_word_for_minimal() {
    let world = world_with_event();
    let alice = world.client("alice");
    let body = document("D:propfind", "<D:prop><D:none/><D:getetag/></D:prop>");
    let answer = alice.send("PROPFIND", WORK, &[("depth", "1"), ("brief", "t")], &body);
    assert_eq!((answer.status, answer.body.contains("404"), applied(&answer)), (207, false, ""));
    let set = document("D:propertyupdate", "<D:set><D:prop><D:displayname>Name</D:displayname></D:prop></D:set>");
    let answer = alice.send("PROPPATCH", WORK, &[("brief", "T")], &set);
    assert_eq!((answer.status, answer.body.as_str(), applied(&answer)), (200, "", ""));
    assert_eq!(alice.send("PROPPATCH", WORK, &[("brief", "f")], &set).status, 207);
    for word in ["Prefer", "Brief"] {
        assert!(answer.header("vary").contains(word), "{word}");
    }
}
