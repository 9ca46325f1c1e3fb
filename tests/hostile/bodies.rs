//! Bodies that grow when they are read: nested, referring to themselves, repeating without end.

use super::{ends_well, others_are_served, server};
use crate::harness::{Connection, Shoji};

const CALENDAR: &str = "/dav/calendars/alice/default/";
const XML: (&str, &str) = ("Content-Type", "application/xml");

/// Asks as alice while somebody else is served on another connection.
fn ask(connection: &mut Connection, method: &str, path: &str, body: &str) -> (u16, usize) {
    let reply = connection.request_as("alice", method, path, &[XML, ("Depth", "1")], body);
    (reply.status, reply.body.len())
}

/// An event with these lines.
fn with_lines(uid: &str, lines: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:20261104T160000Z\r\nDTEND:20261104T170000Z\r\n{lines}SUMMARY:x\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

#[test]
fn xml_that_grows_is_refused() {
    let shoji = Shoji::with_people();
    let server = server(&shoji, "");
    let mut connection = server.connect();
    let bomb: String = (1..12).map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10))).collect();
    let bomb = format!("<!DOCTYPE a [<!ENTITY l0 \"lol\">{bomb}]><propfind xmlns=\"DAV:\"><prop><a>&l11;</a></prop></propfind>");
    let nested = |element: &str, times: usize| format!("<propfind xmlns=\"DAV:\">{}", format!("<{element}>").repeat(times));
    let attributes: String = (0..20_000).map(|n| format!(" a{n}=\"x\"")).collect();
    for (what, body, expected) in [
        ("entities of entities", bomb, 400),
        (
            "an entity elsewhere",
            "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><propfind xmlns=\"DAV:\">&x;</propfind>".to_owned(),
            400,
        ),
        ("nested without end", nested("a", 300_000), 400),
        ("nested and closed", format!("{}{}", nested("a", 100), "</a>".repeat(100) + "</propfind>"), 400),
        ("too many elements", format!("<propfind xmlns=\"DAV:\"><prop>{}</prop></propfind>", "<a/>".repeat(200_000)), 413),
        ("too many attributes", format!("<propfind xmlns=\"DAV:\"><prop{attributes}/></propfind>"), 400),
        ("too large", format!("<propfind xmlns=\"DAV:\"><!--{}--></propfind>", "x".repeat(3 << 20)), 413),
        ("UTF-7", "<?xml version=\"1.0\" encoding=\"utf-7\"?>+ADw-propfind+AD4-".to_owned(), 400),
    ] {
        for method in ["PROPFIND", "REPORT", "PROPPATCH"] {
            let (status, length) = ask(&mut connection, method, CALENDAR, &body);
            assert!((400..=422).contains(&status) && length < 2_000, "{what} by {method}: {status}, {length} bytes");
            assert!(method != "PROPFIND" || status == expected, "{what}: {status}");
        }
        others_are_served(&server);
    }
    // A filter as deep as bodies may be is read, and costs no more than its bytes.
    let deep = |n: usize| format!("{}{}", "<C:comp-filter name=\"VCALENDAR\">".repeat(n), "</C:comp-filter>".repeat(n));
    let query = format!(
        "<C:calendar-query xmlns=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><prop/><C:filter>{}</C:filter></C:calendar-query>",
        deep(50)
    );
    assert!([207, 403].contains(&ask(&mut connection, "REPORT", CALENDAR, &query).0));
    ends_well(server);
}

#[test]
fn calendars_that_grow_are_refused_or_bounded() {
    let shoji = Shoji::with_people();
    let server = server(&shoji, "");
    let mut connection = server.connect();
    let head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n";
    let dates: Vec<String> =
        (0..200_000).map(|n| format!("2027{:02}{:02}T{:02}{:02}00Z", n / 28 % 12 + 1, n % 28 + 1, n / 336 % 24, n / 8_064)).collect();
    let overrides: String = (1..=3_000)
        .map(|n| format!("BEGIN:VEVENT\r\nUID:o\r\nDTSTAMP:20261101T000000Z\r\nRECURRENCE-ID:20261104T16{:02}{:02}Z\r\nDTSTART:20261104T160000Z\r\nEND:VEVENT\r\n", n / 60, n % 60))
        .collect();
    for (what, body) in [
        ("nested", format!("{head}{}", "BEGIN:X-A\r\n".repeat(100_000))),
        ("a line without end", with_lines("line", &format!("DESCRIPTION:{}\r\n", "x".repeat(4 << 20)))),
        ("folds without end", with_lines("folds", &format!("DESCRIPTION:x\r\n{}", " x\r\n".repeat(500_000)))),
        ("parameters without end", with_lines("parameters", &format!("X-A{}:b\r\n", ";P=v".repeat(100_000)))),
        ("more components than may be", format!("{head}{overrides}END:VCALENDAR\r\n")),
        ("every second for ever", with_lines("second", "RRULE:FREQ=SECONDLY\r\n")),
        ("every minute for ever", with_lines("minute", "RRULE:FREQ=MINUTELY;INTERVAL=1\r\n")),
        ("additional dates", with_lines("dates", &format!("RDATE:{}\r\n", dates.join(",")))),
    ] {
        let reply = connection.request_as("alice", "PUT", &format!("{CALENDAR}hostile.ics"), &[], &body);
        assert!([201, 204, 400, 403, 413].contains(&reply.status), "{what}: {} {}", reply.status, reply.body);
        others_are_served(&server);
        if reply.status < 300 {
            assert_eq!(connection.request_as("alice", "DELETE", &format!("{CALENDAR}hostile.ics"), &[], "").status, 204, "{what}");
        }
    }
    ends_well(server);
}

/// Rules that may be stored and never end, or never begin, cost every report no more than its own limit.
#[test]
fn rules_that_yield_nothing_or_too_much_do_not_hold_up_reports() {
    let shoji = Shoji::with_people();
    let server = server(&shoji, "");
    let mut connection = server.connect();
    for (name, lines) in [
        ("february", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\r\n"),
        ("week", "RRULE:FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6\r\n"),
        ("hour", "RRULE:FREQ=HOURLY\r\n"),
        ("interval", "RRULE:FREQ=DAILY;INTERVAL=4294967295\r\n"),
        ("set", "RRULE:FREQ=MONTHLY;BYDAY=MO;BYSETPOS=366\r\n"),
        ("second", "RRULE:FREQ=HOURLY;BYSECOND=0,1,2,3,4,5,6,7,8,9;BYMINUTE=0,1,2,3,4,5,6,7,8,9\r\n"),
    ] {
        let reply = connection.request_as("alice", "PUT", &format!("{CALENDAR}{name}.ics"), &[], &with_lines(name, lines));
        assert!([201, 403].contains(&reply.status), "{name}: {}", reply.status);
    }
    let report = |inner: &str| {
        format!(
            "<C:calendar-query xmlns=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><prop><C:calendar-data>{inner}</C:calendar-data></prop><C:filter><C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"VEVENT\"><C:time-range start=\"20261101T000000Z\" end=\"20391101T000000Z\"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
        )
    };
    for inner in [
        "",
        "<C:expand start=\"20261101T000000Z\" end=\"20391101T000000Z\"/>",
        "<C:limit-recurrence-set start=\"20261101T000000Z\" end=\"20391101T000000Z\"/>",
    ] {
        let (status, length) = ask(&mut connection, "REPORT", CALENDAR, &report(inner));
        assert!([207, 403, 507].contains(&status) && length < 64 << 20, "{status}, {length} bytes");
        others_are_served(&server);
    }
    let busy = "<C:free-busy-query xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><C:time-range start=\"20261101T000000Z\" end=\"20391101T000000Z\"/></C:free-busy-query>";
    let (status, length) = ask(&mut connection, "REPORT", CALENDAR, busy);
    assert!([200, 403, 507].contains(&status) && length < 16 << 20, "{status}, {length} bytes");
    ends_well(server);
}
