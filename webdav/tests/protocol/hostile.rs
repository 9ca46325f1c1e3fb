//! Requests nobody's client sends: they are answered, quickly, and never with a fault of the server.

use crate::harness::{WORK, World, document, event};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::time::{Duration, Instant};

#[test]
fn any_request_is_answered_without_a_fault() {
    let world = World::new();
    world.client("alice").put(&format!("{WORK}1.ics"), &event("1", "SUMMARY:Canary"));
    let methods = vec![
        "OPTIONS",
        "GET",
        "HEAD",
        "PUT",
        "DELETE",
        "PROPFIND",
        "PROPPATCH",
        "MKCOL",
        "MKCALENDAR",
        "COPY",
        "MOVE",
        "ACL",
        "REPORT",
        "LOCK",
        "X",
    ];
    let paths = vec![
        "/",
        "/dav/",
        "/dav/principals/users/bob/",
        "/dav/principals/users/alice/",
        "/dav/calendars/bob/",
        "/dav/calendars/bob/default/",
        "/dav/calendars/bob/default/1.ics",
        "/dav/calendars/bob/files/",
        "/dav/calendars/bob/files/1",
        "/dav/calendars/bob/files/sub/",
        "/dav/calendars/alice/",
        WORK,
        "/dav/calendars/alice/work/1.ics",
        "/dav/calendars/alice/x/",
        "/%2e%2e/",
        "//",
        "/dav/calendars/%00/",
    ];
    let bodies = vec![
        String::new(),
        "<".to_owned(),
        event("1", "SUMMARY:x"),
        event("2", "RRULE:FREQ=DAILY"),
        document("D:propfind", "<D:allprop/>"),
        document("D:propfind", "<D:propname/>"),
        document("D:propertyupdate", "<D:set><D:prop><a/><D:displayname>x</D:displayname></D:prop></D:set>"),
        document("D:mkcol", "<D:set><D:prop><D:resourcetype><D:collection/></D:resourcetype></D:prop></D:set>"),
        document("C:mkcalendar", ""),
        document("D:acl", ""),
        document("C:calendar-query", "<D:prop><C:calendar-data/></D:prop><C:filter><C:comp-filter name='VCALENDAR'/></C:filter>"),
        document("D:expand-property", "<D:property name='owner'><D:property name='displayname'/></D:property>"),
    ];
    let headers = vec![
        ("depth", "0"),
        ("depth", "1"),
        ("depth", "infinity"),
        ("depth", "x"),
        ("if-match", "*"),
        ("if-match", "\"x\""),
        ("if-none-match", "*"),
        ("if", "(<a>) ([\"b\"])"),
        ("if", "(("),
        ("overwrite", "F"),
        ("destination", "/dav/calendars/bob/files/2"),
        ("destination", "/dav/calendars/bob/default/2.ics"),
        ("destination", "http://elsewhere/"),
        ("prefer", "return=minimal"),
        ("prefer", "return=representation"),
        ("content-type", "text/calendar"),
        ("if-modified-since", "never"),
    ];
    let request = (
        prop::sample::select(methods),
        prop::sample::select(paths),
        prop::sample::subsequence(headers, 0..4),
        prop::sample::select(bodies),
    );
    let mut answered = std::collections::BTreeMap::new();
    let answered_cell = std::cell::RefCell::new(&mut answered);
    let bob = world.client("bob");
    let mut runner = TestRunner::new(Config { cases: 1_500, failure_persistence: None, ..Config::default() });
    runner
        .run(&request, |(method, path, headers, body)| {
            let answer = bob.send(method, path, &headers, &body);
            prop_assert!(answer.status < 500 || matches!(answer.status, 501 | 502), "{} {}", answer.status, answer.body);
            prop_assert!(!answer.body.contains("Canary"));
            if answer.status == 207 {
                answer.responses();
            }
            *answered_cell.borrow_mut().entry(answer.status).or_insert(0) += 1;
            Ok(())
        })
        .unwrap();
    assert!(answered.len() >= 10, "too few kinds of answer: {answered:?}");
    assert_eq!(world.client("alice").get(&format!("{WORK}1.ics")).body, event("1", "SUMMARY:Canary"));
}

#[test]
fn naming_too_many_properties_is_refused_before_work_begins() {
    let world = World::new();
    let alice = world.client("alice");
    let many: String = (0..40_000).map(|n| format!("<p{n}/>")).collect();
    let started = Instant::now();
    assert_eq!(alice.propfind(WORK, "1", &many).status, 413);
    assert_eq!(alice.proppatch(WORK, &format!("<D:set><D:prop>{many}</D:prop></D:set>")).status, 413);
    let making = document("C:mkcalendar", &format!("<D:set><D:prop>{many}</D:prop></D:set>"));
    assert_eq!(alice.send("MKCALENDAR", "/dav/calendars/alice/new/", &[], &making).status, 413);
    assert!(started.elapsed() < Duration::from_secs(60));
}
