//! The main story: one calendar, five pairs of eyes.

use crate::harness::{Client, World};
use acl::Level;

const PRIVATE: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:therapy@example.org\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:20261104T160000Z\r\nDTEND:20261104T170000Z\r\nCLASS:PRIVATE\r\nSUMMARY:Therapy\r\nLOCATION:Park Street 7\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
const MEETING: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:review@example.org\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:20261103T090000Z\r\nDTEND:20261103T100000Z\r\nSUMMARY:Design review\r\nDESCRIPTION:Agenda\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

fn world() -> World {
    let world = World::new()
        .user("alice")
        .user("bob")
        .user("carol")
        .user("dan")
        .user("erin")
        .user("zoe")
        .calendar("alice/work")
        .share("alice/work", "bob", Level::FreeBusy)
        .share("alice/work", "carol", Level::Titles)
        .share("alice/work", "dan", Level::Details)
        .share("alice/work", "erin", Level::Edit);
    let alice = world.client("alice");
    assert_eq!(alice.put("/dav/calendars/alice/work/therapy.ics", PRIVATE).status, 201);
    assert_eq!(alice.put("/dav/calendars/alice/work/review.ics", MEETING).status, 201);
    world
}

fn summaries(client: &Client) -> Vec<String> {
    let mut lines: Vec<String> = client
        .query(&Client::path("alice/work"), "<C:comp-filter name=\"VEVENT\"/>")
        .values()
        .flat_map(|text| text.lines().filter(|line| line.starts_with("SUMMARY")).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    lines.sort();
    lines
}

#[test]
fn each_person_sees_just_what_the_owner_lets_them_see() {
    let world = world();
    assert_eq!(summaries(&world.client("alice")), ["SUMMARY:Design review", "SUMMARY:Therapy"]);
    assert_eq!(summaries(&world.client("bob")), ["SUMMARY:Busy", "SUMMARY:Busy"]);
    assert_eq!(summaries(&world.client("carol")), ["SUMMARY:Design review", "SUMMARY:Private event"]);
    assert_eq!(summaries(&world.client("dan")), ["SUMMARY:Design review", "SUMMARY:Private event"]);
    assert_eq!(summaries(&world.client("erin")), ["SUMMARY:Design review", "SUMMARY:Private event"]);
    assert_eq!(world.client("zoe").propfind(&Client::path("alice/work"), "0", "<D:resourcetype/>").status, 404);
    assert_eq!(world.faults(), Vec::<String>::new());
}
