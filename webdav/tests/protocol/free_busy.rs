//! When people are busy: availability (RFC 7953) in calendars and on homes, and a person's free/busy by URL.

use crate::harness::{Answer, Client, WORK, World, document, event};

const GRANTEES: [&str; 4] = ["bob", "carol", "dan", "erin"];
/// 10 November 2026 is a Tuesday; `event` stands at nine on it.
const TUESDAY: &str = "start=\"20261110T000000Z\" end=\"20261111T000000Z\"";

fn availability(uid: &str, lines: &str) -> String {
    let lines: String = lines.lines().map(|line| format!("{}\r\n", line.trim())).collect();
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//canary//EN\r\nBEGIN:VAVAILABILITY\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\n\
         SUMMARY:canary leave\r\nLOCATION:canary island\r\n{lines}END:VAVAILABILITY\r\nEND:VCALENDAR\r\n"
    )
}

/// From eight to sixteen, every day.
fn office_hours(uid: &str, more: &str) -> String {
    let hours = "BEGIN:AVAILABLE\nUID:h\nDTSTAMP:20261101T000000Z\nDTSTART:20261101T080000Z\nDTEND:20261101T160000Z\nRRULE:FREQ=DAILY\n\
                 COMMENT:canary hours\nEND:AVAILABLE\n";
    availability(uid, &format!("DTSTART:20261101T000000Z\n{more}{hours}"))
}

fn query(client: &Client, path: &str, range: &str) -> Answer {
    client.send("REPORT", path, &[("depth", "1")], &document("C:free-busy-query", &format!("<C:time-range {range}/>")))
}

/// The FREEBUSY lines.
fn lines(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(!answer.body.contains("canary"), "{}", answer.body);
    let text = answer.body.replace("\r\n ", "");
    text.lines().filter_map(|line| line.strip_prefix("FREEBUSY;FBTYPE=")).map(str::to_owned).collect()
}

const BUSY_AT_NINE: &str = "BUSY:20261110T090000Z/20261110T100000Z";
const CLOSED: [&str; 2] = ["BUSY-UNAVAILABLE:20261110T000000Z/20261110T080000Z", "BUSY-UNAVAILABLE:20261110T160000Z/20261111T000000Z"];

/// Stored availability: the times are told alike to everyone who may know the owner's busy time, and nothing else of it to
/// whoever is not shown all details.
#[test]
fn availability_in_a_calendar_is_busy_time_to_all_and_an_object_to_few() {
    let world = World::new();
    let alice = world.client("alice");
    assert_eq!(alice.put(&format!("{WORK}meeting.ics"), &event("meeting", "")).status, 201);
    let tokens: Vec<_> = ["bob", "carol"].map(|name| world.client(name).property(WORK, "D:sync-token")).into();
    let sent = office_hours("hours", "");
    let put = alice.put(&format!("{WORK}canary-hours.ics"), &sent);
    assert_eq!(put.status, 201, "{}", put.body);
    assert_eq!(alice.get(&format!("{WORK}canary-hours.ics")).body, sent);
    let expected = [CLOSED[0], BUSY_AT_NINE, CLOSED[1]];
    assert_eq!(lines(&query(&alice, WORK, TUESDAY)), expected);
    for (index, name) in GRANTEES.into_iter().enumerate() {
        let client = world.client(name);
        assert_eq!(lines(&query(&client, WORK, TUESDAY)), expected, "{name}");
        let members = client.members(WORK);
        let shown = members.iter().any(|href| client.get(href).body.contains("VAVAILABILITY"));
        assert_eq!(shown, index >= 2, "{name}");
        if index < 2 {
            assert_eq!(members.len(), 1, "{name}");
            assert_eq!(client.get(&format!("{WORK}canary-hours.ics")).status, 404);
            assert_eq!(client.property(WORK, "D:sync-token"), tokens[index], "what is no row moves no token");
        }
    }
    // A change of it is told at once, in place and when it goes.
    let closed = availability("hours", "DTSTART:20261110T120000Z\nDTEND:20261110T130000Z\nBUSYTYPE:BUSY-TENTATIVE");
    assert_eq!(alice.put(&format!("{WORK}canary-hours.ics"), &closed).status, 204);
    let expected = [BUSY_AT_NINE, "BUSY-TENTATIVE:20261110T120000Z/20261110T130000Z"];
    for name in GRANTEES {
        assert_eq!(lines(&query(&world.client(name), WORK, TUESDAY)), expected, "{name}");
    }
    assert_eq!(alice.delete(&format!("{WORK}canary-hours.ics")).status, 204);
    for name in GRANTEES {
        assert_eq!(lines(&query(&world.client(name), WORK, TUESDAY)), [BUSY_AT_NINE], "{name}");
    }
}

#[test]
fn several_weigh_by_priority_over_all_calendars_that_are_asked() {
    let world = World::new();
    let alice = world.client("alice");
    assert_eq!(alice.send("MKCALENDAR", "/dav/calendars/alice/home/", &[], "").status, 201);
    assert_eq!(alice.put(&format!("{WORK}hours.ics"), &office_hours("hours", "")).status, 201);
    let holiday = availability("holiday", "DTSTART:20261110T120000Z\nDTEND:20261111T120000Z\nPRIORITY:2\nBUSYTYPE:BUSY");
    assert_eq!(alice.put("/dav/calendars/alice/home/holiday.ics", &holiday).status, 201);
    assert_eq!(lines(&query(&alice, WORK, TUESDAY)), CLOSED);
    let home = document("C:free-busy-query", &format!("<C:time-range {TUESDAY}/>"));
    let home = alice.send("REPORT", "/dav/calendars/alice/", &[("depth", "infinity")], &home);
    assert_eq!(lines(&home), [CLOSED[0], "BUSY:20261110T120000Z/20261111T000000Z"]);
    // Only `work` is shared.
    for name in GRANTEES {
        assert_eq!(lines(&query(&world.client(name), WORK, TUESDAY)), CLOSED, "{name}");
        assert_eq!(lines(&world.client(name).get("/dav/freebusy/alice?start=20261110T000000Z&period=P1D")), CLOSED, "{name}");
    }
    // A calendar that does not take it says so.
    let body = document(
        "C:mkcalendar",
        "<D:set><D:prop><C:supported-calendar-component-set><C:comp name=\"VEVENT\"/></C:supported-calendar-component-set></D:prop></D:set>",
    );
    assert_eq!(alice.send("MKCALENDAR", "/dav/calendars/alice/events/", &[], &body).status, 201);
    assert_eq!(alice.put("/dav/calendars/alice/events/a.ics", &holiday).condition(), "supported-calendar-component");
}

#[test]
fn what_is_no_availability_is_not_stored() {
    let world = World::new();
    let alice = world.client("alice");
    for wrong in [
        availability("a", "BEGIN:AVAILABLE\nUID:1\nEND:AVAILABLE"),
        availability("a", "BEGIN:AVAILABLE\nDTSTART:20261101T080000Z\nEND:AVAILABLE"),
        availability("a", "BEGIN:AVAILABLE\nUID:1\nDTSTART:20261101T080000Z\nRRULE:FREQ=NEVER\nEND:AVAILABLE"),
        availability("a", "DTSTART:20261101T080000Z\nDTEND:20261101T070000Z"),
    ] {
        assert_eq!(alice.put(&format!("{WORK}a.ics"), &wrong).condition(), "valid-calendar-data", "{wrong}");
    }
    let parts: String = (0..1000).map(|n| format!("BEGIN:AVAILABLE\nUID:{n}\nDTSTART:20261101T080000Z\nEND:AVAILABLE\n")).collect();
    assert_eq!(alice.put(&format!("{WORK}a.ics"), &availability("a", &parts)).condition(), "max-instances");
}

/// The property stands on one's own home, under the name of the RFC and the older one of Apple's programs.
#[test]
fn ones_own_availability_is_ones_own_to_read_and_counts_in_ones_free_busy() {
    let world = World::new();
    let alice = world.client("alice");
    let home = "/dav/calendars/alice/";
    let day = "/dav/freebusy/alice?start=2026-11-10T00:00:00Z&end=2026-11-11T00:00:00Z";
    assert_eq!(alice.property(home, "C:calendar-availability"), None);
    assert_eq!(lines(&alice.get(day)), Vec::<String>::new());
    let set = |value: &str| {
        alice.proppatch(home, &format!("<D:set><D:prop><CS:calendar-availability>{value}</CS:calendar-availability></D:prop></D:set>"))
    };
    for wrong in ["This is not a calendar!", &event("e", ""), &availability("a", "RRULE:FREQ=NEVER")] {
        let refused = set(wrong);
        assert!(refused.body.contains("valid-calendar-data") && refused.body.contains("403"), "{}", refused.body);
    }
    assert_eq!(set(&office_hours("mine", "")).status, 207);
    for name in ["C:calendar-availability", "CS:calendar-availability"] {
        assert!(alice.property(home, name).unwrap().contains("canary leave"));
    }
    let all = alice.send("PROPFIND", home, &[("depth", "0")], &document("D:propfind", "<D:allprop/>"));
    assert!(!all.body.contains("calendar-availability"), "RFC 7953 §7.2.4");
    assert_eq!(lines(&alice.get(day)), CLOSED);
    assert_eq!(lines(&query(&alice, WORK, TUESDAY)), Vec::<String>::new(), "a calendar is asked for its own (RFC 7953 §7.2.3)");
    for name in GRANTEES {
        let client = world.client(name);
        assert_eq!(lines(&client.get(day)), CLOSED, "{name}");
        for path in [home, WORK, "/dav/principals/users/alice/", "/dav/freebusy/alice", &format!("/dav/calendars/{name}/")] {
            let answer = client.propfind(path, "1", "<C:calendar-availability/><CS:calendar-availability/>");
            assert!(!answer.body.contains("canary"), "{name} {path}");
        }
    }
    assert_eq!(world.client("mallory").get(day).status, 404);
    // Said to be private, it is busy time as private events are.
    assert_eq!(set(&office_hours("mine", "CLASS:PRIVATE\n")).status, 207);
    assert_eq!(lines(&world.client("bob").get(day)), CLOSED);
    let removed = alice.proppatch(home, "<D:remove><D:prop><C:calendar-availability/></D:prop></D:remove>");
    assert_eq!(removed.status, 207);
    assert_eq!(lines(&world.client("bob").get(day)), Vec::<String>::new());
    let options = alice.send("OPTIONS", home, &[], "");
    assert!(options.header("dav").split(", ").any(|class| class == "calendar-availability"));
}

#[test]
fn a_person_is_busy_by_url_as_her_open_calendars_say() {
    let world = World::new();
    let alice = world.client("alice");
    assert_eq!(alice.send("MKCALENDAR", "/dav/calendars/alice/home/", &[], "").status, 201);
    assert_eq!(alice.put(&format!("{WORK}meeting.ics"), &event("meeting", "SUMMARY:canary")).status, 201);
    let later = event("therapy", "SUMMARY:canary").replace("T09", "T13").replace("T10", "T14");
    assert_eq!(alice.put("/dav/calendars/alice/home/therapy.ics", &later).status, 201);
    let url = "/dav/freebusy/alice?start=2026-11-10T00:00:00Z&end=2026-11-11T00:00:00Z";
    let told = alice.get(url);
    assert_eq!(lines(&told), [BUSY_AT_NINE, "BUSY:20261110T130000Z/20261110T140000Z"]);
    assert_eq!(told.header("content-type"), "text/calendar; charset=utf-8");
    assert!(told.body.contains("DTSTART:20261110T000000Z\r\nDTEND:20261111T000000Z\r\n") && !told.body.contains("METHOD"));
    assert_eq!(told.body.matches("BEGIN:VFREEBUSY").count(), 1);
    for name in GRANTEES {
        let client = world.client(name);
        let told = client.get(url);
        assert_eq!(lines(&told), [BUSY_AT_NINE], "{name}: of the one calendar he has");
        assert_eq!(told.body, query(&client, WORK, TUESDAY).body, "{name}");
        let head = client.send("HEAD", url, &[], "");
        assert_eq!((head.status, head.header("content-length"), head.body.as_str()), (200, told.header("content-length"), ""));
    }
    // Whoever has nothing of hers learns nothing, not even whether she is there.
    let mallory = world.client("mallory");
    for method in ["GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT", "PUT", "DELETE", "MKCOL", "POST", "PROPPATCH"] {
        let ask = |user: &str| {
            let answer = mallory.send(method, &format!("/dav/freebusy/{user}"), &[], "");
            (answer.status, answer.headers, answer.body.replace(user, "USER"))
        };
        assert_eq!(ask("alice"), ask("nobody"), "{method}");
    }
    assert_eq!(mallory.get("/dav/freebusy/mallory").status, 200, "of one's own time there is always something to say");
    let mut refused = vec![("format=text/html", 406), ("start=2026-11-10", 400), ("end=20200101T000000Z", 400), ("period=PT1S&end=x", 400)];
    refused.extend([("start=14990101T000000Z", 403), ("start=20260101T000000Z&period=P9000D", 403)]);
    for (query, status) in refused {
        assert_eq!(alice.get(&format!("/dav/freebusy/alice?{query}")).status, status, "{query}");
    }
    assert_eq!(alice.send("GET", "/dav/freebusy/alice", &[("accept", "text/html")], "").status, 406);
    for method in ["PUT", "DELETE", "PROPPATCH", "MKCOL", "MKCALENDAR", "COPY", "MOVE", "ACL", "POST"] {
        let answer = alice.send(method, "/dav/freebusy/alice", &[("destination", "/dav/calendars/alice/x")], "");
        assert!([403, 405].contains(&answer.status), "{method} {}", answer.status);
    }
    let properties = alice.propfind("/dav/freebusy/alice", "1", "<D:resourcetype/><D:current-user-principal/><D:getetag/>").only();
    assert_eq!(properties.iter().filter(|(_, (status, _))| *status == 200).count(), 2);
}

/// A query of a calendar that says nothing of depth means its objects; one that says zero gets what it says (RFC 4791 §7.8).
#[test]
fn a_query_without_depth_finds_objects() {
    let world = World::new();
    let alice = world.client("alice");
    assert_eq!(alice.put(&format!("{WORK}meeting.ics"), &event("meeting", "")).status, 201);
    let body = document("C:calendar-query", "<D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name=\"VCALENDAR\"/></C:filter>");
    let found = |path: &str, headers: &[(&str, &str)]| alice.send("REPORT", path, headers, &body).responses().len();
    assert_eq!((found(WORK, &[]), found(WORK, &[("depth", "1")]), found(WORK, &[("depth", "0")])), (1, 1, 0));
    assert_eq!((found("/dav/calendars/alice/", &[]), found("/dav/calendars/alice/", &[("depth", "infinity")])), (0, 1));
}

/// Without parameters: six weeks from the beginning of today, which is 2 November 2026 here.
#[test]
fn without_parameters_six_weeks_are_told() {
    let world = World::new();
    let alice = world.client("alice");
    let told = alice.get("/dav/freebusy/alice/");
    assert!(told.body.contains("DTSTART:20261102T000000Z\r\nDTEND:20261214T000000Z\r\n"), "{}", told.body);
}
