//! Ways by which calendars leave the server or come in: exports, copies, subscriptions, files, and what is embedded in them.

use super::{FULL, REDUCED, WORK, bodies, event, lines, met_by, only, person, plain, series, world_of};
use crate::harness::cast::{self, PEOPLE};
use crate::harness::client::NAMESPACES;
use acl::Level;
use std::collections::BTreeMap;

#[test]
fn leak_60_what_is_moved_into_another_calendar_is_shown_by_that_ones_shares_and_stays_private() {
    let world =
        cast::world().calendar("alice/team").share("alice/team", "titles", Level::Details).share("alice/team", "busy", Level::Titles);
    let team = "/dav/calendars/alice/team/";
    let alice = world.client("alice");
    for (name, class) in [("u", ""), ("p", "CLASS:PRIVATE\n")] {
        assert_eq!(alice.put(&format!("{WORK}{name}.ics"), &event(name, &format!("{class}SUMMARY:secret-60\nLOCATION:Oslo"))).status, 201);
    }
    let token = world.client("titles").sync_token(WORK);
    let names = world.client("titles").members(WORK);
    for name in ["u", "p"] {
        let to = format!("{team}{name}.ics");
        assert_eq!(alice.send("MOVE", &format!("{WORK}{name}.ics"), &[("destination", &to)], "").status, 201);
    }
    let seen: Vec<String> = bodies(&world.client("titles"), team).into_values().collect();
    assert_eq!(seen.iter().filter(|text| text.contains("secret-60")).count(), 1, "the private one is a block there too: {seen:#?}");
    let seen: String = bodies(&world.client("busy"), team).into_values().collect();
    assert!(seen.matches("secret-60").count() == 1 && !seen.contains("Oslo"), "{seen}");
    let (changed, mut removed, _) = world.client("titles").sync(WORK, &token).unwrap();
    removed.sort();
    assert_eq!((changed.len(), removed), (0, names), "where it was it is gone");
    for name in ["details", "edit", "delegate"] {
        assert_eq!(world.client(name).get(&format!("{team}u.ics")).status, 404, "{name}");
    }
}

/// A copy that somebody makes of what he is shown is marked as what it is: a share of his own does not spread it.
#[test]
fn leak_80_a_copy_of_what_was_withheld_stays_protected() {
    let world = world_of(&[
        ("u.ics", event("u", "SUMMARY:Talk")),
        ("p.ics", event("p", "SUMMARY:Therapy\nCLASS:PRIVATE").replace("20261103", "20261104")),
    ])
    .share("titles/default", "stranger", Level::Details)
    .share("details/default", "stranger", Level::Details);
    for name in ["titles", "details"] {
        let client = world.client(name);
        for (number, (_, body)) in bodies(&client, WORK).into_iter().enumerate() {
            let reduced = body.contains("DTSTAMP:20000101T000000Z");
            assert_eq!(client.put(&format!("/dav/calendars/{name}/default/{number}.ics"), &body).status, 201);
            let seen = bodies(&world.client("stranger"), &format!("/dav/calendars/{name}/default/"));
            let talk = seen.values().filter(|text| text.contains("SUMMARY:Talk")).count();
            let blocks = seen.values().filter(|text| text.contains("CLASS:PRIVATE")).count();
            assert_eq!(talk + blocks, number + 1, "{seen:#?}");
            assert!(!reduced || blocks > 0, "{name}: {seen:#?}");
            assert!(name != "titles" || talk == 0, "a title that was shown to him alone: {seen:#?}");
        }
    }
}

#[test]
fn leak_89_an_attachment_is_a_detail_in_whatever_form() {
    let forms = "ATTACH;FMTTYPE=text/plain;ENCODING=BASE64;VALUE=BINARY:c2VjcmV0LTg5\nATTACH:CID:secret-89@x.example\n\
                 ATTACH;FILENAME=secret-89.pdf:https://files.example/s/secret-89?token=secret-89\nX-ATTACH;X-NAME=secret-89:x\n\
                 IMAGE;VALUE=BINARY;ENCODING=BASE64;FMTTYPE=image/png:c2VjcmV0LTg5";
    met_by(&[("u.ics", event("u", &format!("SUMMARY:Talk\n{forms}")))], &["secret-89", "c2VjcmV0LTg5", "files.example"], &FULL);
}

#[test]
fn leak_91_what_is_exported_is_what_is_shown() {
    let interview = "RECURRENCE-ID:20261110T090000Z\nDTSTART:20261111T140000Z\nDTEND:20261111T150000Z\nSUMMARY:secret-91\nCLASS:PRIVATE";
    let world = world_of(&[
        ("s.ics", series("s", "SUMMARY:Week", &[interview])),
        ("p.ics", event("p", "SUMMARY:secret-91\nCLASS:CONFIDENTIAL")),
        ("u.ics", event("u", "SUMMARY:Talk\nDESCRIPTION:notes-91")),
    ]);
    for person in PEOPLE.iter().filter(|person| person.reaches()) {
        let client = world.client(person.name);
        let shown: String = bodies(&client, WORK).into_values().collect();
        let mut paths = vec![WORK.to_owned(), format!("{WORK}?export"), format!("{WORK}?accept=ics&expand=1")];
        paths.extend(cast::mount(&world, person));
        for path in paths {
            for accept in ["text/calendar", "text/html", "application/calendar+json", "text/csv", "*/*"] {
                let answer = client.send("GET", &path, &[("accept", accept)], "");
                assert_eq!(answer.status, 200, "{} {path}", person.name);
                assert!(answer.header("content-type").unwrap().starts_with("text/calendar"), "{accept}");
                let count = |text: &str, word: &str| plain(text).matches(word).count();
                for word in ["secret-91", "notes-91", "Week", "Talk", "BEGIN:VEVENT", "EXDATE"] {
                    assert_eq!(count(&answer.body, word), count(&shown, word), "{} {path} {word}", person.name);
                }
                assert_eq!(answer.body.contains("secret-91"), ["alice", "delegate"].contains(&person.name), "{}", person.name);
            }
        }
    }
    for name in ["paused", "stranger"] {
        assert_eq!(world.client(name).get(WORK).status, 404);
        assert_eq!(world.client(name).get(&format!("{}.ics", WORK.trim_end_matches('/'))).status, 404);
    }
}

/// The server goes nowhere: an address that somebody subscribed to is kept for the owner's own clients.
#[test]
fn leak_98_the_address_of_a_subscription_is_never_visited_nor_told() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let world = cast::world();
    let alice = world.client("alice");
    let feed = "/dav/calendars/alice/feed/";
    for source in [format!("http://127.0.0.1:{port}/secret-98.ics"), format!("webcal://localhost:{port}/secret-98.ics")] {
        alice.delete(feed);
        assert_eq!(alice.subscribe(feed, &source, "<A:refreshrate>PT1M</A:refreshrate>").status, 201);
        alice.get(feed);
        alice.propfind(feed, "1", "<CS:source/>");
        alice.propfind("/dav/calendars/alice/", "1", "<CS:source/>");
        alice.send("REPORT", feed, &[("depth", "1")], &super::query_body("", ""));
    }
    assert!(listener.accept().is_err(), "somebody called");
    for source in ["file:///etc/passwd", "gopher://x/", "javascript:1", "http://"] {
        assert!(alice.subscribe("/dav/calendars/alice/other/", source, "").status >= 400, "{source}");
    }
    for person in PEOPLE.iter().skip(1) {
        let client = world.client(person.name);
        for path in [feed, "/dav/calendars/alice/"] {
            for depth in ["0", "1"] {
                let answer = client.propfind(path, depth, "<CS:source/><D:displayname/>");
                assert!(!answer.body.contains("secret-98"), "{}", person.name);
            }
        }
        assert_eq!(client.get(feed).status, 404);
    }
}

#[test]
fn leak_99_of_a_calendar_that_is_shared_one_is_told_as_much_as_of_any() {
    let mut world = cast::world();
    let name =
        format!("<D:propertyupdate {NAMESPACES}><D:set><D:prop><D:displayname>name-99</D:displayname></D:prop></D:set></D:propertyupdate>");
    assert_eq!(world.client("alice").send("PROPPATCH", WORK, &[], &name).status, 207);
    for level in [Level::FreeBusy, Level::Titles, Level::Details] {
        super::share(&mut world, "stranger", level, acl::level::GrantPrivateEvents::Busy);
        let client = world.client("stranger");
        // No notification tells it sooner or fuller than the calendar itself.
        for path in ["/dav/notifications/stranger/", "/dav/calendars/stranger/notifications/", "/dav/calendars/stranger/inbox/"] {
            assert_eq!(client.propfind(path, "1", "<CS:notificationtype/>").status, 404);
        }
        let told = client.propfind("/dav/principals/users/stranger/", "0", "<CS:notification-URL/>");
        assert!(!told.body.contains("href>/dav/not"), "{}", told.body);
        let home = client.propfind("/dav/calendars/stranger/", "1", "<D:displayname/>").body;
        assert_eq!(home.contains("name-99"), level == Level::Details, "{level:?}");
    }
}

/// Stored text comes out as text: in XML, in lines, in headers, whatever it looks like.
#[test]
fn leak_114_text_cannot_become_markup_lines_or_headers() {
    let odd = "</C:calendar-data><D:href>/x/</D:href> ]]> & <script>1</script> =cmd|'/C calc'!A0 \\nCLASS:PUBLIC \\r\\nATTENDEE:mailto:x@example.org";
    let world = world_of(&[("u.ics", event("u", &format!("SUMMARY:{odd}")))]);
    for name in ["titles", "places", "details", "alice"] {
        let client = world.client(name);
        let (href, body) = only(&client);
        let parsed = ical::CalendarObject::parse(body.as_bytes(), &ical::ParseLimits::default()).unwrap();
        let names: Vec<&str> = parsed.components().next().unwrap().lines.iter().map(|line| line.name.as_str()).collect();
        assert!(!names.contains(&"ATTENDEE") && names.iter().filter(|name| **name == "CLASS").count() < 2, "{names:?}");
        let expected: BTreeMap<String, String> = BTreeMap::from([(href, body)]);
        let answer = client.send("REPORT", WORK, &[("depth", "1")], &super::query_body("", ""));
        assert_eq!(client.data(&answer), expected, "{name}");
        assert_eq!(answer.multistatus().len(), 1, "{name}: {}", answer.body);
        assert!(!answer.body.contains("<script>"));
        assert_eq!(webdav::xml::read::parse(answer.body.as_bytes(), &webdav::Limits::default()).map(|_| ()).map_err(|_| ()), Ok(()));
    }
    let alice = world.client("alice");
    let escaped = "&lt;/D:displayname&gt;&lt;D:href&gt;/x/&lt;/D:href&gt; ]]&gt; &amp;amp;";
    let set = format!(
        "<D:propertyupdate {NAMESPACES}><D:set><D:prop><D:displayname>{escaped}</D:displayname></D:prop></D:set></D:propertyupdate>"
    );
    assert_eq!(alice.send("PROPPATCH", WORK, &[], &set).status, 207);
    let read = world.client("details").propfind(WORK, "0", "<D:displayname/>");
    assert_eq!(read.multistatus().len(), 1, "{}", read.body);
    assert!(!read.body.contains("<D:href>/x/"), "{}", read.body);
    for name in REDUCED.iter().filter(|name| person(name).reaches()) {
        assert_eq!(lines(&only(&world.client(name)).1, "CLASS").len(), 1, "{name}");
    }
}

#[test]
fn leak_113_no_name_ends_a_header() {
    let world = cast::world();
    let alice = world.client("alice");
    for name in ["a%0d%0aX-Evil:%201.ics", "a%22%0aSet-Cookie:x.ics", "a%c2%85b.ics", "%e2%80%a8.ics", "a%09b%7f.ics"] {
        let path = format!("{WORK}{name}");
        let put = alice.send(
            "PUT",
            &path,
            &[("content-type", "text/calendar"), ("prefer", "return=representation")],
            &event(name, "SUMMARY:Talk"),
        );
        let add = alice.send("POST", &format!("{WORK};add-member"), &[("slug", name)], &event(&format!("{name}-posted"), "SUMMARY:Talk"));
        for answer in [put, alice.get(&path), alice.send("HEAD", &path, &[], ""), alice.get(WORK), add] {
            for (header, value) in &answer.headers {
                assert!(!header.contains("evil") && !header.contains("cookie"), "{header}");
                assert!(!value.chars().any(char::is_control), "{header}: {value:?}");
            }
        }
    }
    for word in ["x\r\nX-Evil: 1", "\u{85}x", "\"; filename=evil.html"] {
        let set = format!(
            "<D:propertyupdate {NAMESPACES}><D:set><D:prop><D:displayname>{}</D:displayname></D:prop></D:set></D:propertyupdate>",
            word.replace('\r', "&#13;").replace('\n', "&#10;").replace('"', "&quot;")
        );
        alice.send("PROPPATCH", WORK, &[], &set);
        let answer = alice.get(WORK);
        assert!(
            answer.headers.iter().all(|(name, value)| name != "x-evil" && !value.chars().any(char::is_control)),
            "{:?}",
            answer.headers
        );
        let disposition = answer.header("content-disposition").unwrap_or_default();
        assert!(disposition.matches("filename=").count() <= 1, "{disposition}");
    }
}
