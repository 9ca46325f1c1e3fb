//! What Apple's Calendar does to a home: it names and colours what it finds, makes calendars, throws them away, and follows
//! the home's own changes. One refusal of a property right after set-up, and it downloads nothing.

use super::answer::multistatus;
use super::apple::{Apple, Machine};
use super::device::{May, Program};
use super::stage::{PEOPLE, WORK, event, shared};
use crate::harness::Front;
use crate::harness::client::NAMESPACES;

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const ZONE: &str = "BEGIN:VCALENDAR&#13;\nVERSION:2.0&#13;\nPRODID:-//Apple Inc.//macOS 15.6//EN&#13;\nCALSCALE:GREGORIAN&#13;\nBEGIN:VTIMEZONE&#13;\nTZID:Europe/Rome&#13;\n\
BEGIN:DAYLIGHT&#13;\nTZOFFSETFROM:+0100&#13;\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU&#13;\nDTSTART:19810329T020000&#13;\nTZNAME:CEST&#13;\nTZOFFSETTO:+0200&#13;\nEND:DAYLIGHT&#13;\n\
BEGIN:STANDARD&#13;\nTZOFFSETFROM:+0200&#13;\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU&#13;\nDTSTART:19961027T030000&#13;\nTZNAME:CET&#13;\nTZOFFSETTO:+0100&#13;\nEND:STANDARD&#13;\n\
END:VTIMEZONE&#13;\nEND:VCALENDAR&#13;\n";

/// A PROPPATCH of one property, as it sends each by itself.
fn set(device: &mut dyn Program, path: &str, property: &str) {
    let body = format!(
        "{XML}<A:propertyupdate xmlns:A=\"DAV:\">\n  <A:set>\n    <A:prop>\n      {property}\n    </A:prop>\n  </A:set>\n</A:propertyupdate>\n"
    );
    let answer = device.account_mut().ask("PROPPATCH", path, &[("content-type", "text/xml")], &body);
    if answer.status == 200 {
        // It wanted to hear of no more than what went wrong.
        assert!(answer.body.is_empty() && answer.header("preference-applied") == Some("return=minimal"));
        return;
    }
    let told = multistatus("", &answer);
    assert_eq!((told.members.len(), told.first().found.len(), told.first().missing.len()), (1, 1, 0), "{}", answer.body);
}

#[test]
fn everybody_names_and_colours_the_calendar_and_only_for_himself() {
    let world = shared();
    let front = Front::new(&world);
    let machines = [Machine::Mac, Machine::Phone].into_iter().cycle();
    let mut devices: Vec<Apple> = PEOPLE.iter().zip(machines).map(|((user, _), machine)| Apple::new(front.wire(user), machine)).collect();
    for device in &mut devices {
        device.set_up();
        let user = device.account().user().to_owned();
        let device: &mut dyn Program = device;
        let (home, work) = (device.account().home.clone(), device.work().unwrap());
        for alarm in ["default-alarm-vevent-datetime", "default-alarm-vevent-date"] {
            let text = "BEGIN:VALARM&#13;\nX-WR-ALARMUID:1&#13;\nUID:1&#13;\nTRIGGER:-PT15H&#13;\nATTACH;VALUE=URI:Basso&#13;\nACTION:AUDIO&#13;\nEND:VALARM&#13;\n";
            set(device, &home, &format!("<B:{alarm} xmlns:B=\"urn:ietf:params:xml:ns:caldav\">{text}</B:{alarm}>"));
        }
        for property in [
            "<B:calendar-color xmlns:B=\"http://apple.com/ns/ical/\" symbolic-color=\"purple\">#CC73E1FF</B:calendar-color>".to_owned(),
            "<B:calendar-order xmlns:B=\"http://apple.com/ns/ical/\">3</B:calendar-order>".to_owned(),
            format!("<A:displayname>Work as {user} calls it</A:displayname>"),
            format!("<B:calendar-timezone xmlns:B=\"urn:ietf:params:xml:ns:caldav\">{ZONE}</B:calendar-timezone>"),
            "<B:schedule-calendar-transp xmlns:B=\"urn:ietf:params:xml:ns:caldav\"><B:opaque/></B:schedule-calendar-transp>".to_owned(),
        ] {
            set(device, &work, &property);
        }
    }
    // On everybody's next device it is called as he calls it: nobody's word is another's.
    for (user, _) in PEOPLE {
        let mut device = Apple::new(front.wire(user), Machine::Mac);
        device.set_up();
        let device: &mut dyn Program = &mut device;
        let work = device.work().unwrap();
        assert_eq!(device.account().shelf(&work).name, format!("Work as {user} calls it"));
        let asked =
            format!("<D:propfind {NAMESPACES}><D:prop><A:calendar-color/><A:calendar-order/><C:calendar-timezone/></D:prop></D:propfind>");
        let found = device.account_mut().properties(&work, "0", &[], &asked);
        assert_eq!(
            (found.first().text("A:calendar-color"), found.first().text("A:calendar-order")),
            (Some("#CC73E1FF".into()), Some("3".into()))
        );
        assert!(found.first().text("C:calendar-timezone").unwrap().contains("TZID:Europe/Rome\r\n"));
    }
    // And it follows its own change of a name by the home's changes.
    for device in &mut devices {
        device.refresh();
        let device: &dyn Program = device;
        let name = &device.account().shelf(&device.work().unwrap()).name;
        assert_eq!(*name, format!("Work as {} calls it", device.account().user()));
    }
}

#[test]
fn a_calendar_is_made_for_one_kind_of_thing_each() {
    let world = shared();
    let front = Front::new(&world);
    let mut mac = Apple::new(front.wire("alice"), Machine::Mac);
    mac.set_up();
    let properties = |name: &str, kind: &str| {
        format!(
            "<A:prop>\n      <B:calendar-order xmlns:B=\"http://apple.com/ns/ical/\">1</B:calendar-order>\n      <C:supported-calendar-component-set \
             xmlns:C=\"urn:ietf:params:xml:ns:caldav\">\n        <C:comp name=\"{kind}\"/>\n      </C:supported-calendar-component-set>\n      <B:calendar-color \
             xmlns:B=\"http://apple.com/ns/ical/\" symbolic-color=\"custom\">#AABBCC</B:calendar-color>\n      <A:displayname>{name}</A:displayname>\n      \
             <C:calendar-free-busy-set xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><C:YES/></C:calendar-free-busy-set>\n      <C:calendar-timezone \
             xmlns:C=\"urn:ietf:params:xml:ns:caldav\">{ZONE}</C:calendar-timezone>\n      <C:schedule-calendar-transp \
             xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><C:opaque/></C:schedule-calendar-transp>\n"
        )
    };
    let home = "/dav/calendars/alice/";
    for (method, name, kind) in [
        ("MKCALENDAR", "Sport", "VEVENT"),
        ("MKCALENDAR", "Shopping", "VTODO"),
        ("MKCOL", "Holidays", "VEVENT"),
        ("MKCOL", "Chores", "VTODO"),
    ] {
        let inside = properties(name, kind);
        let body = match method {
            "MKCALENDAR" => format!(
                "{XML}<B:mkcalendar xmlns:B=\"urn:ietf:params:xml:ns:caldav\">\n  <A:set xmlns:A=\"DAV:\">\n    {inside}    </A:prop>\n  </A:set>\n</B:mkcalendar>\n"
            ),
            _ => format!(
                "{XML}<A:mkcol xmlns:A=\"DAV:\">\n  <A:set>\n    {inside}      <A:resourcetype><A:collection/><B:calendar \
                 xmlns:B=\"urn:ietf:params:xml:ns:caldav\"/></A:resourcetype>\n    </A:prop>\n  </A:set>\n</A:mkcol>\n"
            ),
        };
        let answer = mac.account_mut().ask(
            method,
            &format!("{home}{name}-5A5A5A5A-0000-4000-8000-000000000000/"),
            &[("content-type", "text/xml")],
            &body,
        );
        assert_eq!(answer.status, 201, "{method} {name}: {}", answer.body);
    }
    mac.refresh();
    let asked = format!("<D:propfind {NAMESPACES}><D:prop><C:supported-calendar-component-set/><D:displayname/></D:prop></D:propfind>");
    let made = |shelf: &str| {
        mac.account().shelves.iter().find(|(_, calendar)| calendar.name == shelf).map(|(href, shelf)| (href.clone(), shelf.may))
    };
    let found: Vec<_> = ["Sport", "Shopping", "Holidays", "Chores"].map(made).into_iter().flatten().collect();
    assert_eq!(found.len(), 4, "its home told of each");
    for (href, may) in found {
        assert_eq!(may, May::ALL);
        let answer = front.wire("alice").ask("PROPFIND", &href, &[("depth", "0")], &asked);
        assert_eq!(multistatus(&asked, &answer).first().components().len(), 1, "{href}");
    }
}

#[test]
fn a_calendar_thrown_away_by_who_only_sees_it_is_left_and_the_owner_s_stays() {
    let world = shared();
    let front = Front::new(&world);
    assert_eq!(world.client("alice").put(&format!("{WORK}review.ics"), &event("review", "Design review", 9, "")).status, 201);
    for (user, _) in &PEOPLE[1..] {
        let mut mac = Apple::new(front.wire(user), Machine::Mac);
        mac.set_up();
        let mac: &mut dyn Program = &mut mac;
        let work = mac.work().unwrap();
        // A refusal would be tried again for ever.
        assert_eq!(mac.account_mut().ask("DELETE", &work, &[], "").status, 204);
        mac.refresh();
        assert_eq!(mac.work(), None, "its home told that it is gone");
    }
    let mut hers = Apple::new(front.wire("alice"), Machine::Mac);
    hers.set_up();
    let hers: &dyn Program = &hers;
    assert_eq!(hers.screen(), ["Design review"]);
}

#[test]
fn a_home_whose_token_is_not_known_is_listed_again() {
    let world = shared();
    let mut mac = Apple::new(Front::new(&world).wire("titles"), Machine::Mac);
    mac.set_up();
    for token in ["data:,AAAAAAAAAAAAAAAAAAAAAA", "http://shoji.test/ns/sync/1", "garbage"] {
        mac.home_state = token.to_owned();
        mac.refresh();
        assert!(mac.home_state != token && mac.account().shelves.len() == 2, "{token}");
    }
}

#[test]
fn a_home_is_told_with_all_it_asks_for_and_nothing_half_done() {
    let world = shared();
    let front = Front::new(&world);
    for (user, level) in PEOPLE {
        let mut mac = Apple::new(front.wire(user), Machine::Mac);
        mac.set_up();
        let home = mac.account().home.clone();
        let listing = mac.listing();
        assert_eq!(listing.members.len(), 3, "{user}: the home, his own, the shared one");
        for member in &listing.members {
            assert_eq!(member.found.len() + member.missing.len(), 39, "{user} {}", member.href);
            for present in
                ["D:resourcetype", "D:current-user-privilege-set", "D:supported-report-set", "D:sync-token", "D:owner", "D:resource-id"]
            {
                assert!(member.element(present).is_some(), "{user} {} {present}", member.href);
            }
            for absent in
                ["CS:invite", "CS:allowed-sharing-modes", "CS:push-transports", "CS:publish-url", "CS:pre-publish-url", "CS:source"]
            {
                assert!(member.element(absent).is_none(), "{user} {} {absent}", member.href);
            }
            let own = member.href.ends_with("/default/");
            let takes = member.href != home && (own || level.is_none_or(|level| level >= acl::Level::Edit));
            assert_eq!(member.element("D:add-member").is_some(), takes, "{user} {}", member.href);
        }
    }
}

/// Where a calendar tells an address for new members, new events may be posted there: they get a name from the server.
#[test]
fn an_event_that_is_posted_is_there_once() {
    let world = shared();
    let front = Front::new(&world);
    let mut mac = Apple::new(front.wire("edit"), Machine::Mac);
    mac.set_up();
    let work = (&mac as &dyn Program).work().unwrap();
    let address = mac.listing().member(&work).hrefs("D:add-member").remove(0);
    let text = event("posted", "Posted", 9, "");
    let answer = mac.account_mut().ask("POST", &address, &[("content-type", "text/calendar; charset=utf-8")], &text);
    assert_eq!(answer.status, 201, "{}", answer.body);
    let (href, etag) = (answer.header("location").expect("where it is").to_owned(), answer.header("etag").expect("its tag").to_owned());
    let item = super::device::Item { etag, text, waiting: false };
    mac.account_mut().shelf_mut(&work).items.insert(href, item);
    let mac: &mut dyn Program = &mut mac;
    mac.take_asked();
    mac.refresh();
    assert_eq!(mac.screen(), ["Posted"]);
    assert!(!mac.take_asked().iter().any(|(.., bodies)| *bodies), "it knows what it posted");
    assert_eq!(world.client("alice").members(WORK).len(), 1);
}
