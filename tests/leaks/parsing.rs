//! Bodies made to be understood in two ways, or to exhaust whoever reads them: none opens what is closed.

use super::{REDUCED, WORK, bodies, calendar, component, event, only, person, plain, series, world_of};
use crate::harness::cast;
use crate::harness::client::NAMESPACES;

#[test]
fn leak_109_no_entity_opens_a_file_or_grows() {
    let world = world_of(&[("u.ics", event("u", "SUMMARY:Talk"))]);
    let secret = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("LICENSE-MIT");
    let word = "Permission is hereby granted";
    assert!(std::fs::read_to_string(&secret).unwrap().contains(word));
    let file = secret.to_str().unwrap();
    let laughs: String = (1..9).map(|n| format!("<!ENTITY l{n} \"&l{};&l{};&l{};&l{};\">", n - 1, n - 1, n - 1, n - 1)).collect();
    let bodies = [
        format!("<!DOCTYPE x [<!ENTITY f SYSTEM \"file://{file}\">]><D:propfind {NAMESPACES}><D:prop><D:x>&f;</D:x></D:prop></D:propfind>"),
        format!("<!DOCTYPE x SYSTEM \"http://127.0.0.1:9/x.dtd\"><D:propfind {NAMESPACES}><D:allprop/></D:propfind>"),
        format!("<!DOCTYPE x [<!ENTITY l0 \"lol\">{laughs}]><D:propfind {NAMESPACES}><D:prop><D:x>&l8;</D:x></D:prop></D:propfind>"),
        format!(
            "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY % p SYSTEM \"file://{file}\">%p;]><D:propfind {NAMESPACES}><D:allprop/></D:propfind>"
        ),
        format!("<D:propfind {NAMESPACES}>{}{}</D:propfind>", "<D:prop>".repeat(5_000), "</D:prop>".repeat(5_000)),
        format!("<D:propfind {NAMESPACES} a=\"{}\"><D:allprop/></D:propfind>", "x".repeat(2_000_000)),
        format!("<D:propfind {NAMESPACES}><D:prop>{}</D:prop></D:propfind>", "<D:getetag/>".repeat(200_000)),
        format!(
            "<x:propfind xmlns:x=\"DAV:\"><x:prop><x:displayname/></x:prop><x:prop><C:calendar-data {NAMESPACES}/></x:prop></x:propfind>"
        ),
        format!(
            "<D:propfind {NAMESPACES}><D:prop><xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"file://{file}\"/></D:prop></D:propfind>"
        ),
    ];
    for name in ["busy", "titles", "alice"] {
        let client = world.client(name);
        for body in &bodies {
            for (method, path) in [("PROPFIND", WORK), ("REPORT", WORK), ("PROPPATCH", WORK), ("MKCOL", "/dav/calendars/busy/x/")] {
                let answer = client.send(method, path, &[("depth", "0")], body);
                let text = plain(&answer.body);
                assert!(!text.contains(word) && !text.contains("lollol"), "{name} {method} {body:.100}");
                assert!([207, 400, 403, 404, 409, 413, 415].contains(&answer.status), "{name} {method} {body:.100}: {}", answer.status);
                assert!(name == "alice" || !text.contains("SUMMARY:Talk") || name == "titles");
            }
        }
    }
}

/// Objects in which a reader could see something else than the server: they are refused, or nothing of them is shown below
/// full that is not meant to be.
#[test]
fn leak_110_no_object_is_so_written_that_its_privacy_is_misread() {
    let twice = component("VEVENT", "UID:u\nDTSTART:20261103T090000Z\nDTEND:20261103T100000Z\nRRULE:FREQ=WEEKLY;COUNT=5\nSUMMARY:Week");
    let hidden = |id: &str| {
        component("VEVENT", &format!("UID:u\n{id}\nDTSTART:20261110T120000Z\nDTEND:20261110T130000Z\nCLASS:PRIVATE\nSUMMARY:secret-110"))
    };
    let bodies_of = [
        // The same instance twice, once in the open; by another type; by its date alone; with a range.
        calendar(
            &(twice.clone()
                + &hidden("RECURRENCE-ID:20261110T090000Z")
                + &hidden("RECURRENCE-ID:20261110T090000Z").replace("CLASS:PRIVATE\n", "")),
        ),
        calendar(&(twice.clone() + &hidden("RECURRENCE-ID;VALUE=DATE:20261110"))),
        calendar(&(twice.clone() + &hidden("RECURRENCE-ID;TZID=Europe/Berlin:20261110T100000"))),
        calendar(&(twice.clone() + &hidden("RECURRENCE-ID;RANGE=THISANDFUTURE:20261110T090000Z"))),
        calendar(&(twice.clone() + &hidden("RECURRENCE-ID;RANGE=THISANDPRIOR:20261110T090000Z"))),
        calendar(&(twice + &hidden("RECURRENCE-ID:20261110T090000"))),
        // A value that would end its line, a class that is folded, cut, quoted, or of no letters.
        event("u", "CLASS:PRIVATE\nSUMMARY:secret-110\u{0}\\r\\nCLASS:PUBLIC"),
        event("u", "SUMMARY:secret-110").replace("SUMMARY", "CL\r\n ASS:PRI\r\n VATE\r\nSUMMARY"),
        event("u", "CLASS;X=\"a:PUBLIC\":PRIVATE\nSUMMARY:secret-110"),
        event("u", "CLASS;X=\":PUBLIC\nCLASS:PRIVATE\nSUMMARY:secret-110"),
        event("u", "CLASS:\u{FEFF}PUBLIC\nSUMMARY:secret-110"),
        event("u", "CLASS:PRIVATE PUBLIC\nSUMMARY:secret-110"),
        event("u", "CLASS:PRIVATE\rCLASS:PUBLIC\nSUMMARY:secret-110"),
        event("u", "CLASS:\nSUMMARY:secret-110"),
        event(
            "u",
            "BEGIN:VALARM\nCLASS:PUBLIC\nACTION:DISPLAY\nTRIGGER:-PT5M\nDESCRIPTION:x\nEND:VALARM\nCLASS:PRIVATE\nSUMMARY:secret-110",
        ),
        format!("\u{FEFF}{}", event("u", "CLASS:PRIVATE\nSUMMARY:secret-110")),
        event("u", "CLASS:PRIVATE\nSUMMARY:secret-110")
            .replace("BEGIN:VEVENT", "BEGIN:VEVENT\r\nBEGIN:VEVENT")
            .replace("END:VEVENT", "END:VEVENT\r\nEND:VEVENT"),
    ];
    let mut kept = 0;
    for body in bodies_of {
        let world = cast::world();
        let answer = world.client("alice").put(&format!("{WORK}u.ics"), &body);
        if answer.status != 201 {
            assert!([400, 403, 415].contains(&answer.status), "{}: {body}", answer.status);
            continue;
        }
        kept += 1;
        for name in ["busy", "titles", "places", "details", "discreet", "edit", "member"] {
            let all = super::harvest(&world, name);
            assert!(!plain(&all).contains("secret-110"), "{name}: {body}");
        }
        assert_eq!(world.faults(), Vec::<String>::new());
    }
    assert!(kept >= 6, "{kept}");
}

#[test]
fn leak_110_bombs_are_refused_or_answered_within_bounds() {
    let with = |rule: &str| series("u", "SUMMARY:secret\nCLASS:PRIVATE", &[]).replace("RRULE:FREQ=WEEKLY;COUNT=5", rule);
    let dates: String =
        (0..20_000).map(|n| format!("RDATE:2026{:02}{:02}T{:02}{:02}00Z\r\n", n % 12 + 1, n % 28 + 1, n % 24, n % 60)).collect();
    let overrides: String = (0..3_000)
        .map(|n| {
            component(
                "VEVENT",
                &format!(
                    "UID:u\nRECURRENCE-ID:2027{:02}{:02}T{:02}0000Z\nDTSTART:20270101T000000Z",
                    n / 24 / 28 % 12 + 1,
                    n / 24 % 28 + 1,
                    n % 24
                ),
            )
        })
        .collect();
    let observances =
        "BEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nRRULE:FREQ=YEARLY\r\nEND:STANDARD\r\n"
            .repeat(10_000);
    for body in [
        with("RRULE:FREQ=SECONDLY"),
        with("RRULE:FREQ=SECONDLY;COUNT=2000000000"),
        with("RRULE:FREQ=DAILY;COUNT=2000000000"),
        with("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
        with("RRULE:FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30;BYSETPOS=-1"),
        with(dates.trim_end()),
        calendar(&(component("VEVENT", "UID:u\nDTSTART:20270101T000000Z\nRRULE:FREQ=HOURLY\nCLASS:PRIVATE\nSUMMARY:secret") + &overrides)),
        event("u", &format!("CLASS:PRIVATE\nSUMMARY:{}", "x".repeat(2_000_000))),
        event("u", &format!("CLASS:PRIVATE\nSUMMARY:secret{}", "\r\n x".repeat(300_000))),
        event("u", &format!("CLASS:PRIVATE\n{}{}", "BEGIN:X-A\n".repeat(400), "END:X-A\n".repeat(400))),
        event("u", "CLASS:PRIVATE\nSUMMARY:secret")
            .replace("BEGIN:VEVENT", &format!("BEGIN:VTIMEZONE\r\nTZID:x\r\n{observances}END:VTIMEZONE\r\nBEGIN:VEVENT")),
    ] {
        let world = cast::world();
        let answer = world.client("alice").put(&format!("{WORK}u.ics"), &body);
        assert!([201, 403, 400, 413].contains(&answer.status), "{}: {body:.200}", answer.status);
        for name in ["busy", "titles", "details"] {
            let client = world.client(name);
            for answer in [
                client.send("REPORT", WORK, &[("depth", "1")], &super::query_body(&format!("<C:expand {}/>", super::WINDOW), "")),
                client.free_busy(WORK, "20261101T000000Z", "20270201T000000Z"),
                client.get(WORK),
            ] {
                assert!(
                    [200, 207, 403, 507].contains(&answer.status) && !answer.body.contains("secret"),
                    "{name} {}: {body:.200}",
                    answer.status
                );
            }
        }
    }
}

#[test]
fn leak_111_no_request_asks_for_everything() {
    let world = world_of(&[("u.ics", event("u", "SUMMARY:Talk"))]);
    for name in REDUCED.into_iter().chain(["alice", "details"]) {
        let client = world.client(name);
        for path in [WORK, "/dav/", "/dav/calendars/", &format!("/dav/calendars/{name}/")] {
            let answer = client.send("PROPFIND", path, &[("depth", "infinity")], "");
            let hidden = path == WORK && !person(name).reaches();
            assert_eq!(answer.status, if hidden { 404 } else { 403 }, "{name} {path}");
            assert!(hidden || answer.body.contains("propfind-finite-depth"), "{}", answer.body);
        }
        if person(name).reaches() {
            let many: Vec<String> = (0..60_000).map(|n| format!("{WORK}{n}.ics")).collect();
            let answer = client.multiget(WORK, &many);
            assert!([403, 413, 507].contains(&answer.status), "{name}: {}", answer.status);
        }
    }
}

#[test]
fn leak_112_no_trick_of_a_path_leads_out_of_a_calendar() {
    let world = world_of(&[("u.ics", event("u", "SUMMARY:secret-112"))]);
    let alice = world.client("alice");
    assert_eq!(alice.put("/dav/calendars/alice/default/d.ics", &event("d", "SUMMARY:secret-112")).status, 201);
    let tricks = [
        "..",
        "%2e%2e",
        "%2E%2e",
        "..%2f",
        "%2e%2e%2f",
        "%252e%252e%252f",
        "..;",
        "..;a=b",
        "..%5c",
        "..\\",
        "./..",
        "%c0%ae%c0%ae",
        "%c0%af..",
        "..%00",
        "....//",
        "%e0%80%ae.",
        "~",
        "%2f..%2f",
    ];
    for name in REDUCED {
        let client = world.client(name);
        for trick in tricks {
            for path in [
                format!("/dav/calendars/{name}/default/{trick}/{trick}/alice/canary-k-work/u.ics"),
                format!("/dav/calendars/{name}/{trick}/alice/default/d.ics"),
                format!("{WORK}{trick}/default/d.ics"),
                format!("{WORK}{trick}{trick}/etc/passwd"),
                format!("/dav/{trick}/dav/calendars/alice/canary-k-work/u.ics"),
                format!("{WORK}u.ics{trick}"),
                format!("{WORK}{trick}u.ics"),
            ] {
                for method in ["GET", "PROPFIND", "DELETE"] {
                    let answer = client.send(method, &path, &[("depth", "0")], "");
                    assert!(!plain(&answer.body).contains("secret-112") && !answer.body.contains("root:"), "{name} {method} {path}");
                    assert!(
                        answer.status >= 400 || path.contains("~") || !path.contains("alice"),
                        "{name} {method} {path}: {}",
                        answer.status
                    );
                }
            }
        }
    }
    assert_eq!(bodies(&alice, WORK).len() + bodies(&alice, "/dav/calendars/alice/default/").len(), 2);
    assert!(only(&world.client("details")).1.contains("secret-112"));
}
