//! PUT, GET, HEAD and DELETE of objects and files, with every precondition of RFC 4791 §5.3.2.1.

use crate::harness::{WORK, World, document, event};

#[test]
fn what_was_put_comes_back_byte_for_byte_under_the_tag_that_put_gave() {
    let world = World::new();
    let alice = world.client("alice");
    let body = event("1", "SUMMARY:Grüße\\, Welt\nX-UNKNOWN;X-P=\"a:b\":kept");
    let path = format!("{WORK}1.ics");
    let created = alice.put(&path, &body);
    assert_eq!(created.status, 201);
    let got = alice.get(&path);
    assert_eq!((got.status, got.body.as_str()), (200, body.as_str()));
    assert_eq!(got.header("etag"), created.header("etag"));
    assert_eq!(created.header("etag").len(), 24);
    assert_eq!(got.header("content-type"), "text/calendar; charset=utf-8; component=vevent");
    assert_eq!(got.header("cache-control"), "private, no-cache");
    assert_eq!(got.header("vary"), "Authorization, Cookie, Accept, Prefer, Brief, Depth, CalDAV-Timezones");
    assert_eq!(got.header("last-modified"), "Mon, 02 Nov 2026 12:00:00 GMT");
    let head = alice.send("HEAD", &path, &[], "");
    assert_eq!((head.body.as_str(), &head.headers), ("", &got.headers));
    let changed = alice.put(&path, &event("1", "SUMMARY:Other"));
    assert_eq!(changed.status, 204);
    assert_ne!(changed.header("etag"), created.header("etag"));
    assert_eq!(alice.delete(&path).status, 204);
    assert_eq!(alice.get(&path).status, 404);
}

#[test]
fn names_with_every_kind_of_character_keep_their_identity() {
    let world = World::new();
    let alice = world.client("alice");
    let canonical = format!("{WORK}a%20b%2Bc%2540d%40%C3%A9.ics");
    assert_eq!(alice.put(&format!("{WORK}a%20b+c%2540d@%c3%a9.ics"), &event("1", "")).status, 201);
    assert_eq!(alice.members(WORK), std::slice::from_ref(&canonical));
    assert_eq!(alice.get(&canonical).status, 200);
    assert_eq!(alice.put(&canonical, &event("1", "SUMMARY:x")).status, 204);
    assert_eq!(alice.get(&format!("{WORK}a%20b%2Bc%40d%40%C3%A9.ics")).status, 404);
    assert_eq!(alice.delete(&format!("{WORK}a%20b+c%2540d@é.ics")).status, 204);
}

fn refusal(world: &World, body: &str) -> (u16, String) {
    let answer = world.client("alice").put(&format!("{WORK}new.ics"), body);
    assert_eq!(world.client("alice").get(&format!("{WORK}new.ics")).status, 404);
    (answer.status, answer.condition())
}

#[test]
fn each_precondition_is_refused_with_its_element() {
    let world = World::with_limits(storage::Limits { object_bytes_max: 4_000, attendees_max: 2, instances_max: 20, ..Default::default() });
    let refused = |name: &str| (403, name.to_owned());
    let todo = event("1", "").replace("VEVENT", "VTODO").replace("DTEND", "DUE");
    let mixed = event("1", "").replace("END:VCALENDAR", todo.split("PRODID:-//test//EN\r\n").nth(1).unwrap().trim_end());
    let attendees: String = (0..3).map(|n| format!("ATTENDEE:mailto:a{n}@example.org\n")).collect();
    let table = [
        ("not a calendar", "hello".to_owned(), "valid-calendar-data"),
        ("cut short", event("1", "").replace("END:VEVENT\r\n", ""), "valid-calendar-data"),
        ("a date nobody can read", event("1", "").replace("20261110T090000Z", "tomorrow"), "valid-calendar-data"),
        ("METHOD", event("1", "").replace("VERSION:2.0\r\n", "VERSION:2.0\r\nMETHOD:REQUEST\r\n"), "valid-calendar-object-resource"),
        ("two kinds", mixed, "valid-calendar-object-resource"),
        ("too large", event("1", &format!("DESCRIPTION:{}", "x".repeat(4_000))), "max-resource-size"),
        ("too many people", event("1", &attendees), "max-attendees-per-instance"),
        ("too many instances", event("1", "RRULE:FREQ=DAILY;COUNT=500"), "max-instances"),
        ("every second", event("1", "RRULE:FREQ=SECONDLY"), "max-instances"),
        ("long ago", event("1", "").replace("20261110T", "14920803T"), "min-date-time"),
        ("far ahead", event("1", "EXDATE:30000101T000000Z"), "max-date-time"),
    ];
    for (story, body, element) in table {
        assert_eq!(refusal(&world, &body), refused(element), "{story}");
    }
}

#[test]
fn a_refused_body_s_reason_is_told_with_its_line_and_none_of_its_words() {
    let world = World::new();
    let alice = world.client("alice");
    let answer = alice.put(&format!("{WORK}1.ics"), &event("1", "").replace("20261110T090000Z", "SECRET"));
    assert_eq!((answer.status, answer.condition().as_str()), (403, "valid-calendar-data"));
    assert!(answer.body.contains("<S:reason>invalid iCalendar, line 7: an unreadable date or time</S:reason>"), "{}", answer.body);
    assert!(!answer.body.contains("SECRET"), "{}", answer.body);
}

#[test]
fn another_media_type_is_no_calendar_data_and_none_is_tolerated() {
    let world = World::new();
    let alice = world.client("alice");
    let put = |content_type: &str| alice.send("PUT", &format!("{WORK}1.ics"), &[("content-type", content_type)], &event("1", ""));
    for content_type in ["text/plain", "application/xml", "text/calendar; charset=iso-8859-1"] {
        assert_eq!(put(content_type).condition(), "supported-calendar-data", "{content_type}");
    }
    assert_eq!(alice.send("PUT", &format!("{WORK}1.ics"), &[], &event("1", "")).status, 201);
    assert_eq!(put("Text/Calendar; charset=\"UTF-8\"; component=VEVENT").status, 204);
}

#[test]
fn a_uid_in_use_is_told_with_the_href_of_what_the_viewer_sees() {
    let world = World::new();
    let alice = world.client("alice");
    assert_eq!(alice.put(&format!("{WORK}1.ics"), &event("same", "")).status, 201);
    let conflict = alice.put(&format!("{WORK}2.ics"), &event("same", ""));
    assert_eq!((conflict.status, conflict.condition().as_str()), (403, "no-uid-conflict"));
    assert!(conflict.body.contains("<D:href>/dav/calendars/alice/work/1.ics</D:href>"), "{}", conflict.body);
    let changed = alice.put(&format!("{WORK}1.ics"), &event("other", ""));
    assert_eq!((changed.status, changed.condition().as_str()), (403, "no-uid-conflict"));
}

#[test]
fn a_component_the_calendar_does_not_take_is_refused() {
    let world = World::new();
    let alice = world.client("alice");
    let body = document(
        "C:mkcalendar",
        "<D:set><D:prop><C:supported-calendar-component-set><C:comp name='VTODO'/></C:supported-calendar-component-set></D:prop></D:set>",
    );
    assert_eq!(alice.send("MKCALENDAR", "/dav/calendars/alice/tasks/", &[], &body).status, 201);
    assert_eq!(alice.put("/dav/calendars/alice/tasks/1.ics", &event("1", "")).condition(), "supported-calendar-component");
}

#[test]
fn puts_that_lead_nowhere() {
    let world = World::new();
    let alice = world.client("alice");
    let put = |path: &str| alice.put(path, &event("1", "")).status;
    assert_eq!(put(WORK), 403);
    assert_eq!(put("/dav/calendars/alice/"), 403);
    assert_eq!(put("/dav/principals/users/alice/"), 403);
    assert_eq!(put("/"), 403);
    assert_eq!(put("/dav/calendars/alice/none/1.ics"), 409);
    assert_eq!(put("/dav/calendars/alice/work/sub/1.ics"), 409);
    assert_eq!(world.client("dan").put("/dav/calendars/alice/1.ics", &event("1", "")).condition(), "need-privileges");
    assert_eq!(put("/elsewhere"), 404);
    let part = [("content-range", "bytes 0-3/10")];
    assert_eq!(alice.send("PUT", &format!("{WORK}1.ics"), &part, &event("1", "")).status, 400);
    assert_eq!(alice.send("PUT", &format!("{WORK}1.ics"), &[("content-encoding", "gzip")], "x").status, 415);
}

#[test]
fn a_file_may_stand_in_the_home_itself_and_is_no_calendar() {
    let world = World::new();
    let alice = world.client("alice");
    let path = "/dav/calendars/alice/1.ics";
    assert_eq!(alice.put(path, &event("1", "")).status, 201);
    assert_eq!(alice.put(path, &event("1", "")).status, 204);
    let listed = alice.propfind("/dav/calendars/alice/", "1", "<D:resourcetype/><D:getetag/>").responses();
    assert_eq!((listed[path]["resourcetype"].1.children().count(), listed[path]["getetag"].0), (0, 200));
    assert_eq!(world.client("dan").get(path).status, 404);
    // From there it goes into a calendar, where it must be an object.
    let moved = alice.send("MOVE", path, &[("destination", &format!("{WORK}1.ics"))], "");
    assert_eq!((moved.status, alice.get(path).status, alice.get(&format!("{WORK}1.ics")).status), (201, 404, 200));
}

#[test]
fn leak_93_a_file_comes_back_but_never_as_a_page_of_the_site() {
    let world = World::new();
    let alice = world.client("alice");
    assert_eq!(alice.send("MKCOL", "/dav/calendars/alice/files/", &[], "").status, 201);
    let path = "/dav/calendars/alice/files/page.html";
    let created = alice.send("PUT", path, &[("content-type", "text/html")], "<script>x</script>");
    assert_eq!(created.status, 201);
    let got = alice.get(path);
    assert_eq!((got.body.as_str(), got.header("content-type")), ("<script>x</script>", "text/html"));
    assert_eq!(got.header("x-content-type-options"), "nosniff");
    assert_eq!(got.header("content-disposition"), "attachment");
    assert_eq!(got.header("content-security-policy"), "sandbox");
    assert_eq!(got.header("etag"), created.header("etag"));
    assert_eq!(alice.property(path, "D:getcontentlength").as_deref(), Some("18"));
    assert_eq!(alice.property(path, "D:getlastmodified").as_deref(), Some("Mon, 02 Nov 2026 12:00:00 GMT"));
    assert_eq!(alice.property(path, "D:creationdate").as_deref(), Some("2026-11-02T12:00:00Z"));
    assert_eq!(alice.send("GET", path, &[("if-modified-since", "Mon, 02 Nov 2026 12:00:00 GMT")], "").status, 304);
    assert_eq!(alice.send("PUT", path, &[("if-unmodified-since", "Mon, 02 Nov 2026 11:59:59 GMT")], "x").status, 412);
    for user in ["bob", "mallory"] {
        assert_eq!(world.client(user).get(path), world.client(user).get("/dav/calendars/alice/files/none"));
    }
    assert_eq!(alice.send("DELETE", "/dav/calendars/alice/files/", &[("depth", "0")], "").status, 400);
    assert_eq!(alice.delete("/dav/calendars/alice/files/").status, 204);
    assert_eq!(alice.get(path).status, 404);
}

#[test]
fn a_representation_on_request_is_what_get_serves() {
    let world = World::new();
    let alice = world.client("alice");
    let path = format!("{WORK}1.ics");
    let prefer = [("prefer", "return=representation"), ("content-type", "text/calendar")];
    let created = alice.send("PUT", &path, &prefer, &event("1", "SUMMARY:a"));
    assert_eq!((created.status, created.header("preference-applied")), (201, "return=representation"));
    let got = alice.get(&path);
    assert_eq!((&created.body, created.header("etag")), (&got.body, got.header("etag")));
    assert_eq!(created.header("content-location"), path);
    assert_eq!(alice.send("PUT", &path, &prefer, &event("1", "SUMMARY:b")).status, 200);
    let mut stale = prefer.to_vec();
    stale.push(("if-match", "\"stale\""));
    let failed = alice.send("PUT", &path, &stale, &event("1", "SUMMARY:c"));
    assert_eq!((failed.status, failed.body), (412, alice.get(&path).body));
}

#[test]
fn get_of_a_calendar_is_all_of_it_in_one_file_as_the_viewer_sees_it() {
    let world = World::new();
    let alice = world.client("alice");
    for uid in ["1", "2"] {
        assert_eq!(alice.put(&format!("{WORK}{uid}.ics"), &event(uid, "SUMMARY:Canary\nDESCRIPTION:Secret")).status, 201);
    }
    let whole = alice.get(WORK);
    assert_eq!((whole.status, whole.header("content-type")), (200, "text/calendar; charset=utf-8"));
    assert_eq!(whole.body.matches("BEGIN:VEVENT").count(), 2);
    assert_eq!((whole.header("content-length"), alice.property(WORK, "D:getcontentlength")), ("", None), "RFC 4918 §15.4");
    assert_eq!(whole.body.matches("BEGIN:VCALENDAR").count(), 1);
    let unchanged = alice.send("GET", WORK, &[("if-none-match", whole.header("etag"))], "");
    assert_eq!((unchanged.status, unchanged.header("etag")), (304, whole.header("etag")));
    alice.put(&format!("{WORK}3.ics"), &event("3", "CLASS:PRIVATE"));
    assert_eq!(alice.send("GET", WORK, &[("if-none-match", whole.header("etag"))], "").status, 200);
    assert_eq!(alice.delete(&format!("{WORK}3.ics")).status, 204);
    let seen = world.client("bob").get(WORK);
    assert_eq!(seen.body.matches("BEGIN:VEVENT").count(), 2);
    assert!(!seen.body.contains("Canary") && !seen.body.contains("Secret"));
    assert!(world.client("carol").get(WORK).body.contains("Canary"));
    assert_eq!(alice.get("/").status, 200);
}

#[test]
fn zones_that_are_called_alike_and_differ_are_kept_apart() {
    let world = World::new();
    let alice = world.client("alice");
    let zoned = |uid: &str, offset: &str| {
        let zone = format!(
            "BEGIN:VTIMEZONE\r\nTZID:Ours\r\nBEGIN:STANDARD\r\nDTSTART:20000101T000000\r\nTZOFFSETFROM:{offset}\r\n\
             TZOFFSETTO:{offset}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT"
        );
        event(uid, "").replacen("BEGIN:VEVENT", &zone, 1).replace("DTSTART:20261110T090000Z", "DTSTART;TZID=Ours:20261110T090000")
    };
    for (uid, offset) in [("1", "+0100"), ("2", "+0100"), ("3", "+0500")] {
        assert_eq!(alice.put(&format!("{WORK}{uid}.ics"), &zoned(uid, offset)).status, 201);
    }
    let whole = alice.get(WORK).body;
    assert_eq!(whole.matches("BEGIN:VCALENDAR").count(), 2);
    assert_eq!((whole.matches("TZOFFSETTO:+0100").count(), whole.matches("TZOFFSETTO:+0500").count()), (1, 1));
    assert_eq!(whole.matches("BEGIN:VEVENT").count(), 3);
}

/// DAVx5 sends a refused change again at every sync until the tag is another one. What it sends need not be an object: its
/// user's calendar may hold one that this server does not take.
#[test]
fn a_refused_put_marks_the_object_for_the_viewer_whatever_its_body_is() {
    let world = World::new();
    let path = format!("{WORK}1.ics");
    assert_eq!(world.client("alice").put(&path, &event("1", "SUMMARY:a")).status, 201);
    let dan = world.client("dan");
    for body in [event("1", "SUMMARY:b"), "hello".to_owned(), event("1", "RRULE:FREQ=SECONDLY")] {
        let before = dan.get(&path).header("etag").to_owned();
        let refused = dan.put(&path, &body);
        assert_eq!((refused.status, refused.condition().as_str()), (403, "need-privileges"), "{body}");
        assert_ne!(dan.get(&path).header("etag"), before, "{body}");
    }
    assert_eq!(dan.put(&format!("{WORK}new.ics"), "hello").condition(), "need-privileges");
    assert!(world.client("alice").get(&path).body.contains("SUMMARY:a"));
}
