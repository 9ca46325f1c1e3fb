//! Paths that mean something else to another reader, and names that would begin a header, an element or a key of their own.

use super::{ends_well, server};
use crate::harness::Shoji;
use serde_json::Value;

#[test]
fn a_path_is_decoded_once_and_never_climbs() {
    let shoji = Shoji::with_people();
    let server = server(&shoji, "");
    let mut connection = server.connect();
    let long = format!("/dav/calendars/alice/default/{}.ics", "a".repeat(60_000));
    for path in [
        "/dav/calendars/bob/../alice/default/event.ics",
        "/dav/calendars/bob/%2e%2e/alice/default/event.ics",
        "/dav/calendars/bob/%2E%2e%2falice%2fdefault%2fevent.ics",
        "/dav/calendars/alice%2fdefault%2fevent.ics",
        "/dav/calendars/alice/default%2fevent.ics",
        "/dav/calendars/alice/default/%252e%252e/event.ics",
        "/dav/calendars/alice/default/event.ics%00",
        "/dav/calendars/alice/default/event.ics%00.txt",
        "/dav/calendars/alice/default/%c0%ae%c0%ae/event.ics",
        "/dav/calendars/alice/default/%e0%80%afevent.ics",
        "/dav/calendars/alice/default/%ed%a0%80.ics",
        "/dav/calendars/alice/default/..%5cevent.ics",
        "/dav/calendars/alice;x=y/default/event.ics",
        "/dav/calendars/alice/default;v=1/event.ics",
        "/dav/calendars/alice/default/event.ics;v=1",
        "/dav/calendars/ALICE/default/event.ics",
        "/dav/calendars/alice/DEFAULT/event.ics",
        "/dav//calendars/alice/default/event.ics",
        "/dav/./calendars/alice/default/event.ics",
        "//dav/calendars/alice/default/event.ics",
        "/dav/calendars/alice/default/event.ics/.",
        "/dav/calendars/al%C4%B1ce/default/event.ics",
        "/dav/calendars/\u{ff41}lice/default/event.ics",
        "/dav/calendars/alice/default/e%CC%81vent.ics",
        &long,
    ] {
        // What is not alice's calendar by its one name is nothing, even to her.
        let hers = connection.request_as("alice", "GET", path, &[], "");
        assert!([400, 404, 414, 431].contains(&hers.status), "{path:.80}: {}", hers.status);
        let his = connection.request_as("bob", "GET", path, &[], "");
        assert_eq!((his.status, &his.body), (hers.status, &hers.body), "{path:.80}");
    }
    assert_eq!(connection.request_as("alice", "GET", "/dav/calendars/%61lice/default/%65vent.ics", &[], "").status, 200);
    ends_well(server);
}

/// Two names that look alike are two names, and each is listed under its own.
#[test]
fn names_that_look_alike_are_kept_apart() {
    let shoji = Shoji::with_people();
    let server = server(&shoji, "");
    let mut connection = server.connect();
    for (number, name) in ["%C3%A9", "e%CC%81", "%E2%80%AEe", "e%E2%80%8B"].into_iter().enumerate() {
        let body = crate::harness::event(&format!("uid-{number}"), &format!("Number {number}"));
        let path = format!("/dav/calendars/alice/default/{name}.ics");
        assert_eq!(connection.request_as("alice", "PUT", &path, &[], &body).status, 201, "{name}");
        assert_eq!(connection.request_as("alice", "GET", &path, &[], "").body, body);
    }
    let listed = connection.request_as("alice", "PROPFIND", "/dav/calendars/alice/default/", &[("Depth", "1")], "").body;
    for name in ["%C3%A9.ics", "e%CC%81.ics", "%E2%80%AEe.ics", "e%E2%80%8B.ics"] {
        assert_eq!(listed.matches(&format!("/{name}<")).count(), 1, "{name}: {listed}");
    }
    ends_well(server);
}

/// What a display name would be if it were copied as it is.
const WORDS: &str = "Team\r\nSet-Cookie: owned=1\r\n\r\n<script>\"owned\"</script>]]>&amp;";

#[test]
fn a_display_name_begins_nothing_of_its_own() {
    let shoji = Shoji::with_people();
    let server = server(&shoji, "");
    let mut connection = server.connect();
    let escaped = WORDS.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#13;").replace('\n', "&#10;");
    let set = format!(
        "<propertyupdate xmlns=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><set><prop><displayname>{escaped}</displayname><C:calendar-description>{escaped}</C:calendar-description></prop></set></propertyupdate>"
    );
    let path = "/dav/calendars/alice/default/";
    let set = connection.request_as("alice", "PROPPATCH", path, &[("Content-Type", "application/xml")], &set);
    assert_eq!(set.status, 207, "{}", set.body);
    let link = shoji.json(&["link", "add", "alice/default", "--level", "details"]);
    let address = find_path(&link).expect("an address");
    for (user, path) in [
        ("alice", path.to_owned()),
        ("alice", address.clone()),
        ("alice", format!("{address}.ics")),
        ("alice", "/api/v1/links".to_owned()),
        ("alice", "/api/v1/trash".to_owned()),
    ] {
        for method in ["GET", "HEAD", "OPTIONS"] {
            let reply = connection.request_as(user, method, &path, &[], "");
            assert!(reply.status < 500, "{method} {path}: {}", reply.status);
            assert!(reply.headers.iter().all(|(name, _)| name != "set-cookie"), "{method} {path}: {:?}", reply.headers);
            assert!(!reply.body.contains("<script>"), "{method} {path}: {}", reply.body);
            assert!(!reply.body.lines().any(|line| line.starts_with("Set-Cookie:") && path.ends_with(".ics")), "{}", reply.body);
        }
    }
    for depth in ["0", "1"] {
        let found = connection.request_as("alice", "PROPFIND", path, &[("Depth", depth)], "");
        assert_eq!(found.status, 207);
        let name = webdav::client::multistatus(found.body.as_bytes()).unwrap()[0].text("D:displayname");
        assert!(name.is_none_or(|name| name == WORDS || name == WORDS.replace(['\r', '\n'], "")), "the name or nothing of it");
    }
    ends_well(server);
}

/// The path of the link's address, wherever it stands in what is printed.
fn find_path(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => text.find("/l/").map(|at| text[at..].trim_end_matches(".ics").to_owned()),
        Value::Array(all) => all.iter().find_map(find_path),
        Value::Object(all) => all.values().find_map(find_path),
        _ => None,
    }
}
