//! What lies between server and client: caches, proxies, compression, cookies, and access that changes while requests run.

use super::{PEOPLE, WORK, event, only, share, whole, world_of};
use crate::harness::{Connection, Shoji, basic};
use acl::Level;
use acl::level::GrantPrivateEvents::Busy;
use std::sync::atomic::{AtomicBool, Ordering};

#[test]
fn leak_100_no_cache_gives_one_person_what_another_was_given() {
    let world = world_of(&[("u.ics", event("u", "SUMMARY:Talk\nDESCRIPTION:secret-100"))]);
    let paths = [WORK, &format!("{WORK}u.ics"), "/dav/calendars/alice/", "/dav/freebusy/alice", "/dav/", "/dav/principals/users/alice/"];
    let mut tags = std::collections::BTreeMap::new();
    for person in PEOPLE {
        let client = world.client(person.name);
        for path in paths {
            for method in ["GET", "HEAD", "PROPFIND", "OPTIONS", "REPORT", "PUT", "DELETE"] {
                if person.create && ["PUT", "DELETE"].contains(&method) {
                    continue;
                }
                let answer = client.send(method, path, &[("depth", "0")], "");
                assert_eq!(answer.header("cache-control"), Some("private, no-cache"), "{} {method} {path}", person.name);
                let vary = answer.header("vary").unwrap_or_default().to_lowercase();
                assert!(vary.contains("authorization") && vary.contains("prefer"), "{vary}");
                if let (Some(tag), "GET") = (answer.header("etag"), method) {
                    // One path, one tag: one body, whoever asks.
                    let known = tags.entry((path, tag.to_owned())).or_insert_with(|| answer.body.clone());
                    assert_eq!(*known, answer.body, "{} {path}", person.name);
                }
            }
        }
    }
    // A tag of somebody else's does not tell that nothing changed.
    let hers = only(&world.client("details"));
    let tag = world.client("details").get(&hers.0).header("etag").unwrap().to_owned();
    let titles = world.client("titles");
    let (href, body) = only(&titles);
    let answer = titles.send("GET", &href, &[("if-none-match", &tag)], "");
    assert_eq!((answer.status, answer.body), (200, body));
}

#[test]
fn leak_103_nothing_is_compressed_whatever_is_accepted() {
    let shoji = Shoji::with_people();
    let server = shoji.serve("");
    let mut connection = server.connect();
    let path = "/dav/calendars/alice/default/a.ics";
    let text = crate::harness::event("one", &"guess ".repeat(300));
    assert_eq!(connection.request_as("alice", "PUT", path, &[], &text).status, 201);
    let bare = connection.request_as("alice", "GET", path, &[], "");
    for encoding in ["gzip", "br", "deflate, gzip;q=1.0, *;q=0.5", "zstd", "identity;q=0, gzip"] {
        for (method, path) in [("GET", path), ("PROPFIND", "/dav/calendars/alice/default/"), ("HEAD", path)] {
            let plain = connection.request_as("alice", method, path, &[("Depth", "1")], "");
            let answer =
                connection.request_as("alice", method, path, &[("Accept-Encoding", encoding), ("TE", encoding), ("Depth", "1")], "");
            assert_eq!(answer, plain, "{encoding} {method}");
            assert_eq!((answer.header("content-encoding"), answer.header("x-content-encoding")), (None, None));
        }
    }
    assert_eq!(bare.body, text);
    server.stop();
}

/// Signing in goes by one header of the request alone, so that no page elsewhere can use what a browser remembers.
#[test]
fn leak_115_no_cookie_signs_in_and_no_other_site_may_read() {
    let shoji = Shoji::with_people();
    let server = shoji.serve("");
    let mut connection = server.connect();
    let evil = [("Origin", "https://evil.example"), ("Referer", "https://evil.example/"), ("Sec-Fetch-Site", "cross-site")];
    let path = "/dav/calendars/alice/default/";
    let credentials = basic("alice", "alice");
    for method in ["GET", "PROPFIND", "OPTIONS", "PUT", "DELETE", "POST", "REPORT"] {
        for signed_in in [true, false] {
            let mut headers = evil.to_vec();
            headers.extend([("Cookie", "session=alice; auth=alice"), ("Access-Control-Request-Method", "PUT"), ("Depth", "0")]);
            if signed_in {
                headers.push(("Authorization", credentials.as_str()));
            }
            let target = if method == "PUT" {
                format!("{path}a.ics")
            } else {
                format!("{path}{}", if method == "DELETE" { "none.ics" } else { "" })
            };
            let answer = connection.request(method, &target, &headers, "");
            for (name, _) in &answer.headers {
                assert!(!name.starts_with("access-control-") && name != "set-cookie", "{method} {name}");
            }
            assert!(signed_in || answer.status == 401, "{method}: {}", answer.status);
        }
    }
    server.stop();
}

#[test]
fn leak_102_nothing_that_a_request_says_of_its_sender_is_believed() {
    let shoji = Shoji::with_people();
    for trusted in ["", "trusted_proxies = [\"127.0.0.0/8\"]\n"] {
        let server = shoji.serve(trusted);
        let mut connection = server.connect();
        let plain = connection.request("PROPFIND", "/dav/calendars/alice/", &[("Depth", "0")], "");
        assert_eq!(plain.status, 401);
        let bob = connection.request_as("bob", "PROPFIND", "/dav/calendars/alice/", &[("Depth", "0")], "");
        assert_eq!(bob.status, 404);
        for header in [
            "X-Forwarded-User",
            "X-Remote-User",
            "REMOTE_USER",
            "X-Forwarded-Email",
            "X-Auth-Request-User",
            "Remote-User",
            "X-WEBAUTH-USER",
            "From",
        ] {
            let answer = connection.request("PROPFIND", "/dav/calendars/alice/", &[(header, "alice"), ("Depth", "0")], "");
            assert_eq!(answer, plain, "{header}");
            let answer = connection.request_as("bob", "PROPFIND", "/dav/calendars/alice/", &[(header, "alice"), ("Depth", "0")], "");
            assert_eq!(answer, bob, "{header}");
        }
        // Nor is where it says to have been sent: no answer leads there.
        let headers = [
            ("X-Forwarded-Host", "evil.example"),
            ("Forwarded", "host=evil.example"),
            ("X-Original-URL", "/dav/"),
            ("X-Rewrite-URL", "/dav/"),
            ("Depth", "0"),
        ];
        let mut other = server.connect();
        other.send("GET /.well-known/caldav HTTP/1.1\r\nHost: evil.example\r\n\r\n");
        let redirect = other.reply();
        assert!(!redirect.header("location").unwrap().contains("evil.example"), "{redirect:?}");
        let answer = connection.request_as("alice", "PROPFIND", "/dav/calendars/alice/", &headers, "");
        assert!(answer.status == 207 && !format!("{answer:?}").contains("evil.example"), "{answer:?}");
        server.stop();
    }
}

/// Pipelined, unfinished and ambiguous requests: each is one person's or none's.
#[test]
fn leak_101_no_request_is_read_with_the_rights_of_the_one_before() {
    let shoji = Shoji::with_people();
    let server = shoji.serve("");
    let path = "/dav/calendars/alice/default/a.ics";
    let alice = basic("alice", "alice");
    assert_eq!(server.connect().request_as("alice", "PUT", path, &[], &crate::harness::event("one", "secret-101")).status, 201);
    let mut connection = server.connect();
    connection.send(format!(
        "GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: {alice}\r\n\r\nGET {path} HTTP/1.1\r\nHost: a\r\n\r\nGET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\n\r\n",
        basic("bob", "bob")
    ));
    assert_eq!([connection.reply().status, connection.reply().status, connection.reply().status], [200, 401, 404]);
    // Two lengths, two hosts, a body hidden behind another: refused, and nothing of it is another request.
    for odd in [
        format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: {alice}\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET {path} HTTP/1.1\r\nHost: a\r\n\r\n"
        ),
        format!("GET {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef"),
        format!("GET {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\nGET {path} HTTP/1.1\r\nHost: a\r\n\r\n"),
        format!("GET {path} HTTP/1.1\nHost: a\n\tAuthorization: {alice}\n\n"),
        format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: {alice}\r\nAuthorization: {}\r\n\r\n", basic("bob", "bob")),
    ] {
        let mut connection: Connection = server.connect();
        connection.try_send(format!("{odd}GET /end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
        let all = String::from_utf8_lossy(&connection.closed()).into_owned();
        assert!(!all.contains("secret-101"), "{odd}\n{all}");
    }
    server.stop();
}

/// While the owner opens her calendar with nothing secret in it, and writes secrets while it is closed, no request in between
/// meets a mixture: policy and data are of one moment.
#[test]
fn leak_108_a_request_sees_policy_and_data_of_one_moment() {
    let mut world = world_of(&[("u.ics", event("u", "SUMMARY:Talk"))]);
    let (reader, alice) = (world.client("details"), world.client("alice"));
    let over = AtomicBool::new(false);
    let (mut full, mut reduced, mut reads) = (0, 0, 0);
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut answers = Vec::new();
            let mut number = 0;
            while !over.load(Ordering::Relaxed) || number < 40 {
                let answer = match number % 3 {
                    0 => reader.send("REPORT", WORK, &[("depth", "1")], &super::query_body("", "")),
                    1 => reader.send("REPORT", WORK, &[("depth", "0")], &super::sync_body("", None)),
                    _ => reader.get(WORK),
                };
                answers.push(answer);
                number += 1;
            }
            answers
        });
        for round in 0..60 {
            share(&mut world, "details", Level::Titles, Busy);
            assert_eq!(
                alice.put(&format!("{WORK}u.ics"), &event("u", &format!("SUMMARY:Talk\nDESCRIPTION:secret-108 {round}"))).status,
                204
            );
            assert_eq!(alice.put(&format!("{WORK}u.ics"), &event("u", &format!("SUMMARY:Talk\nDESCRIPTION:open {round}"))).status, 204);
            share(&mut world, "details", Level::Details, Busy);
        }
        over.store(true, Ordering::Relaxed);
        for answer in looking.join().unwrap() {
            let text = whole(&answer);
            assert!(!text.contains("secret-108"), "{text}");
            reads += 1;
            full += usize::from(text.contains("DESCRIPTION:open"));
            reduced += usize::from(text.contains("20000101T000000Z"));
        }
    });
    assert!(reads >= 40 && full > 0 && reduced > 0, "{reads} {full} {reduced}");
}

/// What is granted, taken or ended holds for the next request, without a pause between them.
#[test]
fn leak_107_no_request_is_answered_by_access_of_before() {
    let mut world = world_of(&[("u.ics", event("u", "SUMMARY:Talk\nDESCRIPTION:secret-107"))]);
    let client = world.client("details");
    let sees = || {
        let all = client.propfind("/dav/calendars/details/", "1", "<D:resourcetype/>").body
            + &client.get(WORK).body
            + &client.get(&format!("{WORK}u.ics")).body;
        all.contains("secret-107")
    };
    for _ in 0..10 {
        assert!(sees());
        share(&mut world, "details", Level::Titles, Busy);
        assert!(!sees());
        share(&mut world, "details", Level::Details, Busy);
        assert!(sees());
        share(&mut world, "details", Level::None, Busy);
        assert!(!sees() && client.get(WORK).status == 404);
        share(&mut world, "details", Level::Edit, Busy);
    }
    let member = world.client("member");
    for members in [vec![], vec!["member"], vec![]] {
        world = world.group("staff", &members);
        assert_eq!(member.get(&format!("{WORK}u.ics")).status, if members.is_empty() { 404 } else { 200 });
    }
    // An end that comes while nobody does anything.
    let until = Some(world.now() + chrono::TimeDelta::minutes(5));
    world.grant(storage::administration::GrantEntry {
        calendar: crate::harness::cast::WORK.into(),
        user: Some("details".into()),
        level: Some(Level::Details),
        until,
        ..Default::default()
    });
    assert!(sees());
    world.pass(chrono::TimeDelta::minutes(5));
    assert!(!sees());
}
