//! What the log and the metrics tell: the real server at its most talkative, fed with words of which none may come back out.

use crate::harness::cast;
use crate::harness::{Connection, Shoji, basic};
use base64::Engine;

/// Passwords of the people, and what is no password of theirs.
const PASSWORD: &str = "canary-password";
const WRONG: &str = "canary-wrong";
/// Where requests say they come from.
const PEER: &str = "203.0.113.77";

const PEOPLE: &str = "[[user]]\nname = \"alice\"\npassword = \"canary-password\"\ndisplay_name = \"canary-display\"\nemails = [\"canary-mail@example.org\"]\n\
    [[user]]\nname = \"bob\"\npassword = \"canary-password\"\nemails = [\"canary-other@example.org\"]\n\
    [[calendar]]\nowner = \"alice\"\nname = \"canary-calendar\"\ndisplay_name = \"canary-shown\"\n\
    [[grant]]\ncalendar = \"alice/canary-calendar\"\nuser = \"bob\"\nlevel = \"titles\"\n";

/// Everything in a text that stands in what was sent: words of ours, however they were encoded on their way, addresses of
/// mail, credentials; and the peer's address anywhere but in the line for which it is meant.
fn told(text: &str) -> Vec<String> {
    let mut told: Vec<String> = cast::words(text).into_iter().collect();
    told.extend(cast::words(&percent_encoding::percent_decode_str(text).decode_utf8_lossy()));
    let lower = text.to_ascii_lowercase();
    for piece in ["example.org", "mailto:", "begin:v", "<d:", "<c:", "xmlns", "authorization", "basic ", "bearer"] {
        told.extend(lower.contains(piece).then(|| piece.to_owned()));
    }
    for (user, password) in [("alice", PASSWORD), ("alice", WRONG), ("bob", PASSWORD), ("canary-nobody", WRONG)] {
        let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        // From the middle, so that nothing before it shifts its letters.
        told.extend(text.contains(&encoded[8..encoded.len() - 4]).then_some(encoded));
    }
    for line in text.lines() {
        let meant = line.contains("sign-in failed user=") && line.contains(&format!(" ip={PEER}"));
        told.extend((line.contains(PEER) && !meant).then(|| line.to_owned()));
    }
    told
}

fn event(uid: &str, title: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//canary-prodid//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\n\
         DTSTART:20261103T090000Z\r\nDTEND:20261103T100000Z\r\nSUMMARY:{title}\r\nDESCRIPTION:canary-description\r\n\
         ATTENDEE;CN=canary-name:mailto:canary-attendee@example.org\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

const NS: &str = "xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"";

/// Requests that go well, requests that are refused, and rubbish: everything that could end in a log.
fn talk(connection: &mut Connection) -> usize {
    let from = ("X-Forwarded-For", PEER);
    let (alice, bob) = (basic("alice", PASSWORD), basic("bob", PASSWORD));
    let (alice, bob) = (("Authorization", alice.as_str()), ("Authorization", bob.as_str()));
    let calendar = "/dav/calendars/alice/canary-calendar/";
    let object = format!("{calendar}canary-file.ics");
    let query = format!(
        "<C:calendar-query {NS}><D:prop><C:calendar-data/></D:prop><C:filter><C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\">\
         <C:prop-filter name=\"SUMMARY\"><C:text-match>canary-search</C:text-match></C:prop-filter></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
    );
    let sync = format!(
        "<D:sync-collection {NS}><D:sync-token>data:,canary-token</D:sync-token><D:sync-level>1</D:sync-level><D:prop/></D:sync-collection>"
    );
    let patch = format!(
        "<D:propertyupdate {NS}><D:set><D:prop><O:canary-dead xmlns:O=\"canary:\">canary-value</O:canary-dead></D:prop></D:set></D:propertyupdate>"
    );
    let headers = [
        ("User-Agent", "canary-agent"),
        ("Referer", "https://example.org/canary-referer"),
        ("X-Canary-Header", "canary-header"),
        ("Cookie", "canary-cookie"),
    ];
    let requests: Vec<(&str, String, (&str, &str), String)> = vec![
        ("PUT", object.clone(), alice, event("canary-uid", "canary-title")),
        ("PUT", format!("{calendar}canary-second.ics?canary-query=canary-mail@example.org"), alice, event("canary-uid-2", "canary-title")),
        ("PUT", object.clone(), alice, event("canary-other-uid", "canary-title")),
        ("PUT", object.clone(), bob, event("canary-uid", "canary-refused")),
        ("PUT", format!("{calendar}canary-broken.ics"), alice, "BEGIN:VCALENDAR\r\nSUMMARY:canary-broken".to_owned()),
        (
            "PUT",
            format!("{calendar}canary-broken.ics"),
            alice,
            event("canary-broken", "canary-broken").replace("DTSTART:", "DTSTART;TZID=canary-zone:canary-"),
        ),
        (
            "PUT",
            format!("{calendar}canary-broken.ics"),
            alice,
            event("canary-broken", "canary-broken").replace("SUMMARY", "RRULE:FREQ=SECONDLY;X=canary-rule\r\nSUMMARY"),
        ),
        ("GET", object.clone(), alice, String::new()),
        ("GET", object.clone(), bob, String::new()),
        ("GET", format!("{calendar}?canary-export"), bob, String::new()),
        ("GET", "/dav/calendars/alice/%63%61nary-encoded/%00".to_owned(), alice, String::new()),
        ("GET", "/canary-outside/../canary".to_owned(), alice, String::new()),
        ("PROPFIND", calendar.to_owned(), bob, format!("<D:propfind {NS}><D:prop><canary-property/></D:prop>")),
        ("PROPFIND", calendar.to_owned(), bob, "<!DOCTYPE canary [<!ENTITY canary \"canary-entity\">]><a>&canary;</a>".to_owned()),
        ("PROPPATCH", calendar.to_owned(), bob, patch.clone()),
        ("PROPPATCH", object.clone(), bob, patch),
        ("REPORT", calendar.to_owned(), bob, query.clone()),
        ("REPORT", calendar.to_owned(), bob, query.replace("canary-search", "canary-search</C:text-match>")),
        ("REPORT", calendar.to_owned(), bob, format!("<C:canary-report {NS}/>")),
        ("REPORT", calendar.to_owned(), alice, sync),
        ("MKCALENDAR", "/dav/calendars/bob/canary-new/".to_owned(), bob, String::new()),
        ("MKCOL", "/dav/calendars/bob/canary-box/".to_owned(), bob, String::new()),
        ("PUT", "/dav/calendars/bob/canary-box/canary.txt".to_owned(), bob, "canary-content".to_owned()),
        (
            "ACL",
            calendar.to_owned(),
            alice,
            format!(
                "<D:acl {NS}><D:ace><D:principal><D:href>/dav/principals/users/canary-person/</D:href></D:principal><D:grant><D:privilege><D:read/></D:privilege></D:grant></D:ace></D:acl>"
            ),
        ),
        ("GET", "/api/v1/calendars/alice/canary-calendar/grants?canary=canary-query".to_owned(), alice, String::new()),
        ("PUT", "/api/v1/calendars/alice/canary-calendar/grants/user:canary-person".to_owned(), alice, "{\"level\":\"titles\"}".to_owned()),
        (
            "PUT",
            "/api/v1/calendars/alice/canary-calendar/grants".to_owned(),
            alice,
            "{\"grant\":[{\"canary-key\":\"canary-word\"}]}".to_owned(),
        ),
        ("PUT", "/api/v1/available/canary-id".to_owned(), bob, "{\"state\":\"canary-state\"}".to_owned()),
        ("GET", "/api/v1/canary-route".to_owned(), bob, String::new()),
        ("DELETE", object.clone(), bob, String::new()),
        ("CANARY-METHOD", object.clone(), alice, String::new()),
        ("LOCK", object.clone(), alice, format!("<D:lockinfo {NS}><D:owner>canary-owner</D:owner></D:lockinfo>")),
    ];
    let mut count = 0;
    for (method, path, who, body) in &requests {
        let mut all = vec![*who, from];
        all.extend(headers);
        all.extend(path.starts_with("/api/").then_some(("Content-Type", "application/json")));
        let reply = connection.request(method, path, &all, body);
        assert!(reply.status < 500 || reply.status == 501, "{method} {path}: {}", reply.status);
        count += 1;
    }
    let copy = [alice, from, ("Destination", "https://canary-host.example.org/canary-destination")];
    assert!(connection.request("COPY", &object, &copy, "").status >= 400);
    let condition = [alice, from, ("If", "<canary-if> ([\"canary-etag\"])"), ("If-Match", "\"canary-etag\""), ("Depth", "canary-depth")];
    assert!(connection.request("PUT", &object, &condition, "x").status >= 400);
    count += 2;
    // Who is not let in: wrong passwords, no such people, names that are none, schemes that are not offered.
    let rubbish = base64::engine::general_purpose::STANDARD.encode("canary-without-a-colon");
    for credentials in [
        basic("alice", WRONG),
        basic("canary-mail@example.org", PASSWORD),
        basic("Canary Nobody", WRONG),
        basic("canary\nsign-in failed user=canary", WRONG),
        format!("Basic {rubbish}"),
        "Basic canary-not-base64!".to_owned(),
        "Bearer canary-bearer".to_owned(),
        "Digest username=\"canary-digest\"".to_owned(),
    ] {
        let reply = connection.request("PROPFIND", "/dav/?canary-query", &[("Authorization", &credentials), from], "canary-body");
        assert!([401, 429].contains(&reply.status), "{credentials} {}", reply.status);
        count += 1;
    }
    count
}

/// What is no HTTP at all, one connection each.
const RUBBISH: [&str; 5] = [
    "canary-line\r\n\r\n",
    "GET /canary HTTP/9.9\r\ncanary: canary\r\n\r\n",
    "PUT /dav/canary HTTP/1.1\r\nHost: canary\r\nContent-Length: canary-length\r\n\r\ncanary",
    "POST / HTTP/1.1\r\nHost: canary\r\nTransfer-Encoding: chunked\r\n\r\ncanary-chunk\r\ncanary",
    "\x16\x03\x01canary-tls-hello",
];

#[test]
fn leak_104_the_log_at_its_most_talkative_and_the_metrics_tell_no_word_of_what_passed() {
    for format in ["human", "json"] {
        let shoji = Shoji::new().variable("RUST_LOG", "trace").variable("RUST_BACKTRACE", "1");
        assert_eq!(shoji.run_with_input(&["apply", "-"], PEOPLE).exit, Some(0));
        let server = shoji.serve(&format!(
            "trusted_proxies = [\"127.0.0.0/8\"]\n[log]\nlevel = \"trace\"\nformat = \"{format}\"\n[metrics]\nlisten = \"127.0.0.1:0\"\n"
        ));
        let log = server.wait_for_log("metrics on http://");
        let metrics = log.split("metrics on http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
        let mut connection = server.connect();
        let requests = talk(&mut connection);
        for rubbish in RUBBISH {
            let mut connection = server.connect();
            connection.try_send(rubbish);
        }
        // A body that ends too early.
        server.connect().try_send(format!(
            "PUT /dav/calendars/alice/default/canary.ics HTTP/1.1\r\nHost: canary\r\nAuthorization: {}\r\nContent-Length: 900\r\n\r\ncanary-half",
            basic("alice", PASSWORD)
        ));
        // Commands of the administrator, through the running server.
        let file = shoji.file("canary.ics", &event("canary-imported", "canary-imported"));
        assert_eq!(shoji.run(&["import", "bob/default", file.to_str().unwrap()]).exit, Some(0));
        assert_eq!(shoji.run_with_input(&["user", "passwd", "bob", "--password-stdin"], "canary-changed\n").exit, Some(0));
        assert_eq!(shoji.run(&["share", "set", "alice/canary-absent", "--user", "canary-nobody", "--level", "titles"]).exit, Some(1));
        // A link, its address asked for in every way; none of it is a word of ours, so that it is looked for by itself.
        let made = shoji.json(&["link", "add", "alice/canary-calendar", "--level", "titles", "--note", "canary-note"]);
        let address = made["url"].as_str().unwrap().to_owned();
        let secret = address.rsplit('/').next().unwrap().to_owned();
        let alice = basic("alice", PASSWORD);
        for (method, end) in [("GET", ""), ("GET", ".ics"), ("HEAD", ""), ("PUT", ""), ("GET", "?from=canary-day"), ("GET", "/canary-more")]
        {
            let referer = ("Referer", address.as_str());
            connection.request(method, &format!("{address}{end}"), &[referer], "");
            connection.request(method, &format!("{address}{end}"), &[("Authorization", alice.as_str()), referer], "");
        }
        assert_eq!(shoji.run(&["link", "remove", made["id"].as_str().unwrap()]).exit, Some(0));
        connection.request("GET", &address, &[], "");
        let page = Connection::open(metrics).request("GET", "/metrics", &[], "").body;
        assert!(page.contains("shoji_requests_total") && page.contains("shoji_sign_ins_total"), "{page}");
        let log = server.log();
        server.stop();
        let lines = log.lines().count();
        println!("{format}: {lines} lines of log and {} of metrics after {requests} requests", page.lines().count());
        assert_eq!(told(&log), Vec::<String>::new(), "{log}");
        assert_eq!(told(&page), Vec::<String>::new(), "{page}");
        assert!(!log.contains(&secret) && !page.contains(&secret), "{log}");
        assert!(log.contains("kind=\"link\"") || log.contains("kind\":\"link") || log.contains("kind=link"), "{log}");
        assert!(lines >= requests && log.contains("sign-in failed user=alice ip=203.0.113.77"), "{log}");
        assert!(log.contains("sign-in failed user=- ip=203.0.113.77"), "{log}");
    }
}

/// The saboteur: a log that does tell is caught, whatever it tells and however it is written.
#[test]
fn a_log_that_tells_is_caught() {
    let line = |what: &str| format!("2026-11-02T12:00:00Z INFO request method=PUT kind=object status=201 ms=1.2 user=alice {what}\n");
    assert_eq!(told(&line("")), Vec::<String>::new());
    assert_eq!(told("2026-11-02T12:00:00Z WARN sign-in failed user=alice ip=203.0.113.77\n"), Vec::<String>::new());
    for what in [
        "title=canary-title",
        "title=\"Canary-Title\"",
        "path=/dav/calendars/alice/%63anary-file.ics",
        "mail=someone@example.org",
        "body=BEGIN:VEVENT",
        "query=<D:propfind",
        "peer=203.0.113.77",
        "authorization=x",
        &basic("alice", PASSWORD)[6..],
        "{\"message\":\"SUMMARY:canary-title\\r\\n\"}",
    ] {
        assert_ne!(told(&line(what)), Vec::<String>::new(), "{what}");
    }
}
