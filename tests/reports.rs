//! Reports over a real store: the examples of RFC 4791, sync, free/busy, searches; and that what a report says of an object
//! is what GET says of it.

use crate::harness::client::{NAMESPACES, elements, inner, unescape};
use crate::harness::{Answer, Client, World};
use acl::Level;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("webdav/tests/rfc4791")
}

/// Hrefs of a multistatus in the order in which they stand.
fn hrefs(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 207, "{}", answer.body);
    elements(&answer.body, "response").iter().map(|response| inner(response, "href").unwrap()).collect()
}

fn report(client: &Client, path: &str, depth: &str, body: &str) -> Answer {
    client.send("REPORT", path, &[("depth", depth)], &body.replace("NS", NAMESPACES))
}

/// The condition that a refusal names.
fn condition(answer: &Answer) -> String {
    assert_eq!(answer.status, 403, "{}", answer.body);
    let error = inner(&answer.body, "error").unwrap();
    error.trim_start_matches('<').split(['/', '>', ' ']).next().unwrap().to_owned()
}

fn event(uid: &str, lines: &str) -> String {
    let lines = lines.replace('\n', "\r\n");
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

fn put(client: &Client, path: &str, body: &str) {
    let answer = client.put(path, body);
    assert!([201, 204].contains(&answer.status), "{path}: {} {}", answer.status, answer.body);
}

const WORK: &str = "/dav/calendars/alice/work/";

/// The collection of RFC 4791 appendix B as alice's calendar.
fn example_world() -> World {
    let world = World::new().user("alice").user("bob").calendar("alice/work").share("alice/work", "bob", Level::FreeBusy);
    let alice = world.client("alice");
    for number in 1..=8 {
        let name = format!("abcd{number}.ics");
        put(&alice, &format!("{WORK}{name}"), &std::fs::read_to_string(examples().join(&name)).unwrap());
    }
    world
}

#[test]
fn the_examples_of_rfc_4791_answer_as_it_shows() {
    let world = example_world();
    let alice = world.client("alice");
    let (mut queries, mut data) = (0, 0);
    for entry in std::fs::read_dir(examples()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "xml") {
            continue;
        }
        let query = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let body = std::fs::read_to_string(&path).unwrap();
        let expected = body.split("matches:").nth(1).unwrap().split("-->").next().unwrap();
        let expected: Vec<String> = expected.split_whitespace().map(|name| format!("{WORK}{name}.ics")).collect();
        let answer = alice.send("REPORT", WORK, &[("depth", "1")], &body);
        assert_eq!(hrefs(&answer), expected, "{query}");
        assert!(hrefs(&alice.send("REPORT", WORK, &[("depth", "0")], &body)).is_empty(), "a calendar is no object");
        for (href, text) in alice.data(&answer) {
            let name = href.rsplit('/').next().unwrap();
            let golden = examples().join("expected").join(format!("{query}.{name}"));
            if golden.exists() {
                assert_eq!(text, std::fs::read_to_string(golden).unwrap(), "{query} {name}");
                data += 1;
            } else {
                assert_eq!(text, alice.get(&href).body, "{query} {name}");
            }
        }
        queries += 1;
    }
    assert_eq!((queries, data), (12, 7));
}

#[test]
fn free_busy_is_alike_at_every_level_and_over_exactly_the_window() {
    let world = example_world();
    let lines = |client: &Client, path: &str, depth: &str| {
        let body = "<C:free-busy-query NS><C:time-range start=\"20060104T140000Z\" end=\"20060105T220000Z\"/></C:free-busy-query>";
        let answer = report(client, path, depth, body);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/calendar; charset=utf-8")));
        assert!(answer.body.contains("DTSTART:20060104T140000Z\r\nDTEND:20060105T220000Z\r\n"), "{}", answer.body);
        let mut lines: Vec<String> = answer.body.lines().filter(|line| line.starts_with("FREEBUSY")).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let alice = lines(&world.client("alice"), WORK, "1");
    let text = alice.join("\n");
    for start in ["20060104T150000Z", "20060104T190000Z", "20060105T170000Z", "20060105T100000Z"] {
        assert!(text.contains(start), "{start} is missing in {text}");
    }
    assert!(!text.contains("20060104T100000Z"), "busy before the window");
    assert_eq!(lines(&world.client("bob"), WORK, "1"), alice);
    assert_eq!(lines(&world.client("alice"), "/dav/calendars/alice/", "infinity"), alice);
    assert!(lines(&world.client("alice"), "/dav/calendars/alice/", "1").is_empty(), "a home's direct members are no objects");

    let ask = |client: &Client, path: &str, range: &str| {
        report(client, path, "1", &format!("<C:free-busy-query NS><C:time-range {range}/></C:free-busy-query>"))
    };
    let alice = world.client("alice");
    assert_eq!(ask(&alice, WORK, r#"start="20060104T140000Z""#).status, 400);
    assert_eq!(ask(&alice, WORK, r#"start="20060105T000000Z" end="20060104T000000Z""#).status, 400);
    assert_eq!(condition(&ask(&alice, WORK, r#"start="19800101T000000Z" end="20800101T000000Z""#)), "D:number-of-matches-within-limits");
    assert_eq!(condition(&ask(&alice, WORK, r#"start="10000101T000000Z" end="10000102T000000Z""#)), "C:min-date-time");
    assert_eq!(
        condition(&ask(&alice, &format!("{WORK}abcd1.ics"), r#"start="20060104T000000Z" end="20060105T000000Z""#)),
        "D:supported-report"
    );
    let hidden = ask(&world.client("bob"), "/dav/calendars/alice/default/", r#"start="20060104T000000Z" end="20060105T000000Z""#);
    let absent = ask(&world.client("bob"), "/dav/calendars/alice/nothing/", r#"start="20060104T000000Z" end="20060105T000000Z""#);
    assert_eq!((hidden.status, &hidden), (404, &absent));
}

#[test]
fn multiget_answers_in_the_order_asked_and_says_404_to_all_it_does_not_find() {
    let world = example_world();
    let alice = world.client("alice");
    let object = |name: &str| format!("{WORK}{name}.ics");
    let asked = [
        object("abcd3"),
        format!("http://shoji.test{}", object("abcd1")),
        object("abcd3").replace("abcd3", "abcd%33"),
        object("nothing"),
        "http://elsewhere.test/dav/calendars/alice/work/abcd2.ics".to_owned(),
        "/dav/calendars/alice/default/abcd2.ics".to_owned(),
        format!("{WORK}%zz.ics"),
        WORK.to_owned(),
        object("abcd2"),
    ];
    let answer = alice.multiget(WORK, &asked);
    assert_eq!(
        hrefs(&answer),
        [
            object("abcd3"),
            object("abcd1"),
            object("nothing"),
            asked[4].clone(),
            asked[5].clone(),
            asked[6].clone(),
            WORK.to_owned(),
            object("abcd2")
        ]
    );
    for (href, member) in answer.multistatus() {
        match member.status {
            Some(status) => assert_eq!((status, member.properties.len()), (404, 0), "{href}"),
            None => {
                let got = alice.get(&href);
                assert_eq!(unescape(&member.properties["calendar-data"]), got.body);
                assert_eq!(member.properties["getetag"], got.header("etag").unwrap());
            }
        }
    }
    // On the home and on the object itself.
    let home = alice.multiget("/dav/calendars/alice/", &[object("abcd1"), "/dav/calendars/bob/default/x.ics".to_owned()]);
    let found: Vec<_> = home.multistatus().into_iter().map(|(href, member)| (href, member.status)).collect();
    assert_eq!(found, [(object("abcd1"), None), ("/dav/calendars/bob/default/x.ics".to_owned(), Some(404))]);
    let itself = alice.multiget(&object("abcd1"), &[object("abcd1"), object("abcd2")]);
    assert_eq!(itself.multistatus()[&object("abcd1")].status, None);
    assert_eq!(itself.multistatus()[&object("abcd2")].status, Some(404));
    // bob sees pseudonyms: a real name is for him like one that never was.
    let bob = world.client("bob");
    let member = |name: &str| bob.multiget(WORK, &[object(name)]).multistatus().remove(&object(name)).unwrap();
    assert_eq!(member("abcd1"), member("nothing"));
    assert!(alice.multiget(WORK, &[]).multistatus().is_empty());
}

#[test]
fn a_query_looks_at_what_its_viewer_is_shown() {
    let world =
        World::new().user("alice").user("bob").user("carol").calendar("alice/work").share("alice/work", "bob", Level::FreeBusy).share(
            "alice/work",
            "carol",
            Level::Titles,
        );
    let alice = world.client("alice");
    let alarm = "BEGIN:VALARM\nACTION:AUDIO\nTRIGGER:-PT15M\nEND:VALARM";
    let times = "DTSTART:20261104T160000Z\nDTEND:20261104T170000Z";
    put(&alice, &format!("{WORK}cancer.ics"), &event("c@x", &format!("{times}\nSUMMARY:Cancer board\nLOCATION:Ward 4\n{alarm}")));
    let found = |user: &str, inside: &str| {
        let filter = format!(r#"<C:comp-filter name="VEVENT">{inside}</C:comp-filter>"#);
        !world.client(user).query(WORK, &filter).is_empty()
    };
    let text = |name: &str, text: &str| format!(r#"<C:prop-filter name="{name}"><C:text-match>{text}</C:text-match></C:prop-filter>"#);
    let not_defined = |name: &str| format!(r#"<C:prop-filter name="{name}"><C:is-not-defined/></C:prop-filter>"#);
    let rows = [
        ("the title", text("SUMMARY", "cancer"), [true, false, true]),
        ("the word for busy", text("SUMMARY", "busy"), [false, true, false]),
        ("the place", text("LOCATION", "ward"), [true, false, false]),
        ("no place", not_defined("LOCATION"), [false, true, true]),
        ("the real UID", text("UID", "c@x"), [true, false, false]),
        ("an alarm", r#"<C:comp-filter name="VALARM"/>"#.to_owned(), [true, false, false]),
        (
            "the alarm's minute",
            r#"<C:comp-filter name="VALARM"><C:time-range start="20261104T154500Z" end="20261104T154600Z"/></C:comp-filter>"#.to_owned(),
            [true, false, false],
        ),
        ("the hour", r#"<C:time-range start="20261104T160000Z" end="20261104T160100Z"/>"#.to_owned(), [true, true, true]),
        (
            "the stamp",
            r#"<C:prop-filter name="DTSTAMP"><C:time-range start="20261101T000000Z" end="20261101T000001Z"/></C:prop-filter>"#.to_owned(),
            [true, false, false],
        ),
    ];
    for (what, filter, expected) in rows {
        assert_eq!(["alice", "bob", "carol"].map(|user| found(user, &filter)), expected, "{what}");
    }
}

#[test]
fn refused_queries_name_what_they_fail() {
    let world = example_world();
    let alice = world.client("alice");
    let query = |prop: &str, filter: &str, extra: &str| {
        let body = format!("<C:calendar-query NS><D:prop>{prop}</D:prop>{filter}{extra}</C:calendar-query>");
        condition(&report(&alice, WORK, "1", &body))
    };
    let filter = |inside: &str| format!(r#"<C:filter><C:comp-filter name="VCALENDAR">{inside}</C:comp-filter></C:filter>"#);
    let event = |inside: &str| filter(&format!(r#"<C:comp-filter name="VEVENT">{inside}</C:comp-filter>"#));
    let all = filter("");
    assert_eq!(query("", "", ""), "C:valid-filter");
    assert_eq!(query("", &event(r#"<C:comp-filter name="VTODO"/>"#), ""), "C:valid-filter");
    let klingon = r#"<C:prop-filter name="SUMMARY"><C:text-match collation="i;klingon">x</C:text-match></C:prop-filter>"#;
    assert_eq!(query("", &event(klingon), ""), "C:supported-collation");
    let unsupported = event(r#"<C:prop-filter name="X-WHEN"><C:time-range start="20260101T000000Z"/></C:prop-filter>"#);
    assert_eq!(query("", &unsupported, ""), "C:supported-filter");
    let body = format!("<C:calendar-query NS>{unsupported}</C:calendar-query>");
    assert!(report(&alice, WORK, "1", &body).body.contains(r#"<C:supported-filter><C:prop-filter name="X-WHEN"/></C:supported-filter>"#));
    assert_eq!(query(r#"<C:calendar-data content-type="text/vcard"/>"#, &all, ""), "C:supported-calendar-data");
    assert_eq!(query("", &all, "<C:timezone>nonsense</C:timezone>"), "C:valid-calendar-data");
    assert_eq!(query("", &all, "<C:timezone-id>Mars/Olympus</C:timezone-id>"), "C:valid-timezone");
    assert_eq!(query("", &event(r#"<C:time-range start="10000101T000000Z"/>"#), ""), "C:min-date-time");
    assert_eq!(query("", &event(r#"<C:time-range end="30000101T000000Z"/>"#), ""), "C:max-date-time");
    // A kind the calendar does not hold is no error.
    assert!(alice.query(WORK, r#"<C:comp-filter name="VJOURNAL"/>"#).is_empty());
}

#[test]
fn queries_reach_as_far_as_their_depth() {
    let world = World::new().user("alice").calendar("alice/work");
    let alice = world.client("alice");
    put(&alice, &format!("{WORK}a.ics"), &event("a@x", "DTSTART:20261104T160000Z\nSUMMARY:a"));
    put(&alice, "/dav/calendars/alice/default/b.ics", &event("b@x", "DTSTART:20261104T160000Z\nSUMMARY:b"));
    let body =
        r#"<C:calendar-query NS><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>"#;
    let reached = |path: &str, depth: &str| hrefs(&report(&alice, path, depth, body));
    assert_eq!(reached("/dav/calendars/alice/", "infinity"), ["/dav/calendars/alice/default/b.ics", "/dav/calendars/alice/work/a.ics"]);
    assert!(reached("/dav/calendars/alice/", "1").is_empty());
    assert_eq!(reached(WORK, "infinity"), ["/dav/calendars/alice/work/a.ics"]);
    assert_eq!(reached("/dav/calendars/alice/work/a.ics", "0"), ["/dav/calendars/alice/work/a.ics"]);
}

#[test]
fn floating_time_is_taken_in_the_zone_the_request_names() {
    let world = World::new().user("alice").calendar("alice/work");
    let alice = world.client("alice");
    put(&alice, &format!("{WORK}a.ics"), &event("a@x", "DTSTART:20261104T000000\nDTEND:20261104T010000\nSUMMARY:a"));
    let found = |extra: &str| {
        let body = format!(
            r#"<C:calendar-query NS><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="20261103T150000Z" end="20261103T160000Z"/></C:comp-filter></C:comp-filter></C:filter>{extra}</C:calendar-query>"#
        );
        hrefs(&report(&alice, WORK, "1", &body)).len()
    };
    let zone = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VTIMEZONE\r\nTZID:Somewhere\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0900\r\nTZOFFSETTO:+0900\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nEND:VCALENDAR\r\n";
    assert_eq!(found(""), 0);
    assert_eq!(found("<C:timezone-id>Asia/Tokyo</C:timezone-id>"), 1);
    assert_eq!(found(&format!("<C:timezone>{zone}</C:timezone>")), 1);
}

fn sync_body(token: &str, rest: &str) -> String {
    format!("<D:sync-collection NS><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level>{rest}</D:sync-collection>")
}

#[test]
fn a_client_that_syncs_in_small_steps_arrives_where_all_is() {
    let world = World::new().user("alice").calendar("alice/work");
    let alice = world.client("alice");
    for number in 0..7 {
        put(&alice, &format!("{WORK}{number}.ics"), &event(&format!("{number}@x"), "DTSTART:20261104T160000Z\nSUMMARY:a"));
    }
    let step = |token: &str| {
        let answer =
            report(&alice, WORK, "0", &sync_body(token, "<D:limit><D:nresults>2</D:nresults></D:limit><D:prop><D:getetag/></D:prop>"));
        let mut members = answer.multistatus();
        let truncated = members.remove(WORK).map(|own| own.status);
        assert!(truncated.is_none() || truncated == Some(Some(507)) && answer.body.contains("<D:number-of-matches-within-limits/>"));
        assert!(members.len() <= 2);
        (members, truncated.is_some(), inner(&answer.body, "sync-token").unwrap())
    };
    let converge = |mut token: String, known: &mut BTreeMap<String, String>| {
        for _ in 0..10 {
            let (members, more, next) = step(&token);
            for (href, member) in members {
                match member.status {
                    Some(404) => known.remove(&href),
                    _ => known.insert(href, member.properties["getetag"].clone()),
                };
            }
            token = next;
            if !more {
                return token;
            }
        }
        panic!("sync does not end");
    };
    let mut known = BTreeMap::new();
    let token = converge(String::new(), &mut known);
    assert_eq!(known, alice.etags(WORK));
    for number in [1, 3, 5] {
        assert_eq!(alice.delete(&format!("{WORK}{number}.ics")).status, 204);
    }
    put(&alice, &format!("{WORK}2.ics"), &event("2@x", "DTSTART:20261104T160000Z\nSUMMARY:changed"));
    put(&alice, &format!("{WORK}9.ics"), &event("9@x", "DTSTART:20261104T160000Z\nSUMMARY:new"));
    let token = converge(token, &mut known);
    assert_eq!(known, alice.etags(WORK));
    let (members, more, same) = step(&token);
    assert_eq!((members.len(), more, same), (0, false, token));
}

#[test]
fn sync_takes_what_clients_send_and_refuses_the_rest_by_name() {
    let world = World::new().user("alice").user("bob").calendar("alice/work").share("alice/work", "bob", Level::Details);
    let alice = world.client("alice");
    put(&alice, &format!("{WORK}a.ics"), &event("a@x", "DTSTART:20261104T160000Z\nSUMMARY:a"));
    let sync = |client: &Client, path: &str, depth: &str, body: &str| report(client, path, depth, body);
    // Thunderbird sends Depth 1.
    let answer = sync(&alice, WORK, "1", &sync_body("", "<D:prop><D:getetag/><D:getcontenttype/><C:calendar-data/></D:prop>"));
    let member = &answer.multistatus()[&format!("{WORK}a.ics")];
    assert!(member.properties["getcontenttype"].starts_with("text/calendar") && member.properties.contains_key("calendar-data"));
    assert_eq!(inner(&answer.body, "sync-token").unwrap(), alice.sync_token(WORK));
    let token = alice.sync_token(WORK);
    for (client, path, token) in [
        (&alice, WORK, "data:,nonsense"),
        (&alice, WORK, "http://example.org/1"),
        (&alice, "/dav/calendars/alice/default/", token.as_str()),
        (&world.client("bob"), WORK, token.as_str()),
    ] {
        assert_eq!(condition(&sync(client, path, "0", &sync_body(token, "<D:prop/>"))), "D:valid-sync-token", "{path}");
    }
    let infinite = sync_body("", "<D:prop/>").replace(">1<", ">infinite<");
    assert_eq!(condition(&sync(&alice, WORK, "0", &infinite)), "D:sync-traversal-supported");
    assert_eq!(sync(&alice, WORK, "infinity", &sync_body("", "<D:prop/>")).status, 400);
    assert_eq!(sync(&alice, WORK, "0", &sync_body("", "<D:limit><D:nresults>0</D:nresults></D:limit><D:prop/>")).status, 400);
    // The home syncs its members, for its owner alone.
    let home = sync(&alice, "/dav/calendars/alice/", "0", &sync_body("", "<D:prop><D:resourcetype/></D:prop>"));
    let members: Vec<String> = home.multistatus().into_keys().collect();
    assert_eq!(members, ["/dav/calendars/alice/default/", "/dav/calendars/alice/work/"]);
    assert_eq!(condition(&sync(&world.client("bob"), "/dav/calendars/alice/", "0", &sync_body("", "<D:prop/>"))), "D:supported-report");
}

#[test]
fn principals_are_found_by_those_who_may_know_of_them() {
    let world = World::new().user("alice").user("bob").user("zoe").group("team", &["bob"]).calendar("alice/work").share(
        "alice/work",
        "bob",
        Level::FreeBusy,
    );
    let search = |user: &str, property: &str, text: &str| {
        let body = format!(
            "<D:principal-property-search NS><D:property-search><D:prop><{property}/></D:prop><D:match>{text}</D:match></D:property-search><D:prop><D:displayname/></D:prop></D:principal-property-search>"
        );
        hrefs(&report(&world.client(user), "/dav/principals/", "0", &body))
    };
    let alice = "/dav/principals/users/alice/";
    assert!(search("bob", "D:displayname", "ALICE").contains(&alice.to_owned()));
    assert!(search("zoe", "D:displayname", "alice").is_empty(), "nothing connects zoe with alice");
    assert_eq!(search("zoe", "D:displayname", "alice"), search("zoe", "D:displayname", "nobody"));
    assert!(search("bob", "D:displayname", "a").is_empty() && search("bob", "D:displayname", "").is_empty());
    assert_eq!(search("alice", "C:calendar-user-address-set", "alice@EXAMPLE"), [alice]);
    assert!(search("bob", "C:calendar-user-address-set", "alice@example").is_empty(), "her addresses are not shown to him");
    assert!(search("alice", "D:resourcetype", "principal").is_empty(), "not a property that is searched");
    let set = report(&world.client("bob"), "/dav/principals/", "0", "<D:principal-search-property-set NS/>");
    assert_eq!(set.status, 200);
    assert_eq!(elements(&set.body, "principal-search-property").len(), 4);
    let matched = report(
        &world.client("bob"),
        "/dav/principals/",
        "0",
        "<D:principal-match NS><D:self/><D:prop><D:displayname/></D:prop></D:principal-match>",
    );
    assert_eq!(hrefs(&matched), ["/dav/principals/users/bob/", "/dav/principals/groups/team/"]);
}

#[test]
fn properties_that_are_hrefs_expand_into_what_stands_there() {
    let world = World::new().user("alice").user("bob").calendar("alice/work").share("alice/work", "bob", Level::Details);
    let body = r#"<D:expand-property NS><D:property name="owner"><D:property name="displayname"/><D:property name="calendar-home-set" namespace="urn:ietf:params:xml:ns:caldav"/></D:property><D:property name="displayname"/><D:property name="nothing" namespace="urn:x"/></D:expand-property>"#;
    let answer = report(&world.client("alice"), WORK, "0", body);
    assert_eq!(answer.status, 207, "{}", answer.body);
    let response = &elements(&answer.body, "response")[0];
    let owner = inner(response, "owner").unwrap();
    assert_eq!(inner(&owner, "href").unwrap(), "/dav/principals/users/alice/");
    assert_eq!(inner(&owner, "displayname").unwrap(), "Name of alice");
    assert!(inner(&owner, "calendar-home-set").unwrap().contains("/dav/calendars/alice/"));
    assert!(response.contains("nothing"), "a property that is not there is listed with 404");
    let deep = (0..10).fold(String::new(), |inside, _| format!(r#"<D:property name="owner">{inside}</D:property>"#));
    let answer = report(&world.client("alice"), WORK, "0", &format!("<D:expand-property NS>{deep}</D:expand-property>"));
    assert_eq!(condition(&answer), "D:number-of-matches-within-limits");
    let acl = r#"<D:acl-principal-prop-set NS><D:prop><D:displayname/></D:prop></D:acl-principal-prop-set>"#;
    assert_eq!(hrefs(&report(&world.client("alice"), WORK, "0", acl)), ["/dav/principals/users/alice/", "/dav/principals/users/bob/"]);
    assert_eq!(condition(&report(&world.client("bob"), WORK, "0", acl)), "D:need-privileges");
}

#[test]
fn one_series_too_long_to_be_listed_spoils_neither_the_free_time_nor_the_other_events() {
    let world = World::new().user("alice").user("bob").user("erin").calendar("alice/work");
    let world = world.share("alice/work", "bob", Level::FreeBusy).share("alice/work", "erin", Level::Edit);
    let alice = world.client("alice");
    put(&alice, &format!("{WORK}review.ics"), &event("review", "DTSTART:20261103T090000Z\nDTEND:20261103T100000Z"));
    // Within every bound of a PUT, since it never ends: each second of each day from the fifth on.
    let list = |below: u32| (0..below).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    let rule = format!("FREQ=DAILY;BYHOUR={};BYMINUTE={};BYSECOND={}", list(24), list(60), list(60));
    put(
        &world.client("erin"),
        &format!("{WORK}flood.ics"),
        &event("flood", &format!("DTSTART:20261105T000000Z\nDURATION:PT1S\nRRULE:{rule}")),
    );
    for who in ["alice", "bob"] {
        let answer = world.client(who).free_busy(WORK, "20261101T000000Z", "20261201T000000Z");
        let busy: Vec<&str> = answer.body.lines().filter_map(|line| line.strip_prefix("FREEBUSY;FBTYPE=BUSY:")).collect();
        let [review, flood] = busy.as_slice() else { panic!("{who}: {}", answer.body) };
        assert_eq!(*review, "20261103T090000Z/20261103T100000Z", "{who}");
        let (from, to) = flood.split_once('/').unwrap();
        assert!(("20261104T120000Z".."20261105T000001Z").contains(&from) && to == "20261201T000000Z", "{who}: {flood}");
    }
    let range = r#"start="20261101T000000Z" end="20261201T000000Z""#;
    let body = format!(
        "<C:calendar-query NS><D:prop><D:getetag/><C:calendar-data><C:expand {range}/></C:calendar-data></D:prop><C:filter><C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\"><C:time-range {range}/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
    );
    let members = report(&alice, WORK, "1", &body).multistatus();
    assert!(members[&format!("{WORK}review.ics")].properties.contains_key("calendar-data"));
    let flood = &members[&format!("{WORK}flood.ics")].properties;
    assert!(flood.contains_key("getetag") && !flood.contains_key("calendar-data"));
}

#[test]
fn an_answer_that_would_be_too_long_is_cut_and_says_so() {
    let world = World::new().user("alice").calendar("alice/work");
    let alice = world.client("alice");
    let long = "x".repeat(5_000);
    for number in 0..6 {
        put(&alice, &format!("{WORK}{number}.ics"), &event(&format!("{number}@x"), &format!("DTSTART:20261104T160000Z\nSUMMARY:{long}")));
    }
    let all = alice.etags(WORK);
    let query =
        "<C:calendar-query NS><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name=\"VCALENDAR\"/></C:filter></C:calendar-query>";
    let few = world.client("alice").with_limits(webdav::Limits { responses_max: 4, ..webdav::Limits::default() });
    let answer = report(&few, WORK, "1", query);
    assert_eq!(hrefs(&answer).len(), 4);
    assert_eq!(answer.multistatus()[WORK].status, Some(507));
    let asked: Vec<String> = all.keys().cloned().collect();
    assert_eq!(few.multiget(WORK, &asked).multistatus()[WORK].status, Some(507));
    let short = webdav::Limits { multiget_hrefs_max: 5, ..webdav::Limits::default() };
    assert_eq!(condition(&world.client("alice").with_limits(short).multiget(WORK, &asked)), "D:number-of-matches-within-limits");
    // A sync that is cut, by number or by bytes, goes on where it stopped.
    let bytes = world.client("alice").with_limits(webdav::Limits { multistatus_bytes_max: 12_000, ..webdav::Limits::default() });
    for client in [few, bytes] {
        let (mut known, mut token, mut rounds) = (BTreeMap::new(), String::new(), 0);
        loop {
            let answer = report(&client, WORK, "0", &sync_body(&token, "<D:prop><D:getetag/><C:calendar-data/></D:prop>"));
            let mut members = answer.multistatus();
            let more = members.remove(WORK).is_some();
            known.extend(members.into_iter().map(|(href, member)| (href, member.properties["getetag"].clone())));
            token = inner(&answer.body, "sync-token").unwrap();
            rounds += 1;
            assert!(rounds < 10, "sync does not end");
            if !more {
                break;
            }
        }
        assert_eq!((&known, rounds), (&all, 2));
    }
}
