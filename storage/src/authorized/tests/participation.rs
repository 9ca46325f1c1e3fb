//! Who takes part in an event sees it in full where he has the calendar by another source: by the owner's hand alone.

use super::world::{World, event, outcome};
use acl::Level;

const BOB: &str = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:Bob@Example.org";
const CAROL: &str = "ATTENDEE:MAILTO:carol@example.org";
const BY_ALICE: &str = "ORGANIZER:mailto:alice@example.org";
const BY_DAN: &str = "ORGANIZER:mailto:dan@example.org";

fn world() -> World {
    World::new().users(&["alice", "bob", "carol", "dan"])
}

/// What a viewer reads of the only object of alice's calendar.
fn read(world: &World, viewer: &str) -> String {
    let eyes = world.at(viewer, "alice/work");
    match eyes.names().as_slice() {
        [name] => eyes.get(name).unwrap(),
        names => panic!("{viewer} is shown {names:?}"),
    }
}

fn sees(world: &World, viewer: &str) -> bool {
    read(world, viewer).contains("Budget")
}

#[test]
fn who_is_invited_sees_the_event_at_every_level_and_may_not_change_it() {
    for (level, class) in [(Level::FreeBusy, "CLASS:PUBLIC"), (Level::FreeBusy, "CLASS:PRIVATE"), (Level::Titles, "CLASS:CONFIDENTIAL")] {
        let world = world();
        let meeting = event("meeting", 10, "Budget", &[BY_ALICE, BOB, class, "DESCRIPTION:figures"]);
        world.at("alice", "alice/work").put("meeting.ics", &meeting).unwrap();
        world.share("alice/work", "bob", level);
        world.share("alice/work", "carol", level);
        let bob = world.at("bob", "alice/work");
        assert_eq!(bob.names(), ["meeting.ics"], "under its own name");
        assert_eq!(bob.get("meeting.ics").unwrap(), meeting);
        assert!(!read(&world, "carol").contains("figures"), "who is not invited");
        assert!(outcome(&bob.put("meeting.ics", &event("meeting", 11, "Budget", &[BY_ALICE, BOB]))).contains("Denied"));
        assert!(outcome(&bob.delete("meeting.ics")).contains("Denied"));
    }
}

#[test]
fn an_invitation_opens_no_calendar() {
    let world = world();
    world.at("alice", "alice/work").put("meeting.ics", &event("meeting", 10, "Budget", &[BOB])).unwrap();
    assert!(world.at("bob", "alice/work").rows().is_err(), "nothing is shared with him");
    world.share("alice/work", "bob", Level::None);
    assert!(world.at("bob", "alice/work").rows().is_err(), "paused");
    world.share("alice/work", "bob", Level::FreeBusy);
    assert!(sees(&world, "bob"));
}

#[test]
fn a_copy_of_somebody_else_s_invitation_shows_its_guests_nothing() {
    let world = world();
    world.share("alice/work", "bob", Level::FreeBusy);
    let alice = world.at("alice", "alice/work");
    alice.put("meeting.ics", &event("meeting", 10, "Budget", &[BY_DAN, BOB])).unwrap();
    assert!(!sees(&world, "bob"));
    // An editor who takes the organizer off, or says it were alice, opens it to nobody either.
    world.share("alice/work", "carol", Level::Edit);
    let carol = world.at("carol", "alice/work");
    for organizer in [&[][..], &[BY_ALICE][..]] {
        carol.put("meeting.ics", &event("meeting", 10, "Budget", &[organizer, &[BOB]].concat())).unwrap();
        assert!(!sees(&world, "bob"), "{organizer:?}");
    }
}

#[test]
fn whom_an_editor_adds_is_shown_nothing_until_the_owner_invites_him_herself() {
    let world = world();
    world.share("alice/work", "bob", Level::Edit);
    world.share("alice/work", "carol", Level::FreeBusy);
    let (alice, bob) = (world.at("alice", "alice/work"), world.at("bob", "alice/work"));
    alice.put("meeting.ics", &event("meeting", 10, "Budget", &[])).unwrap();
    bob.put("meeting.ics", &event("meeting", 10, "Budget", &[CAROL])).unwrap();
    assert!(!sees(&world, "carol"), "an editor's guest");
    alice.put("meeting.ics", &event("meeting", 10, "Budget 2027", &[CAROL, BOB])).unwrap();
    assert!(!sees(&world, "carol"), "a program writes back what it found");
    let copies = "alice/copies";
    world.calendar(copies);
    alice.copy("meeting.ics", &world.at("alice", copies), "copy.ics").unwrap();
    world.share(copies, "carol", Level::FreeBusy);
    let carols = world.at("carol", copies);
    assert!(!carols.get(&carols.names()[0]).unwrap().contains("Budget"), "a copy is no invitation");
    alice.put("meeting.ics", &event("meeting", 10, "Budget", &[BOB])).unwrap();
    alice.put("meeting.ics", &event("meeting", 10, "Budget", &[BOB, CAROL])).unwrap();
    assert!(sees(&world, "carol"), "taken off and invited");
    bob.put("meeting.ics", &event("meeting", 11, "Budget", &[BOB, CAROL])).unwrap();
    assert!(sees(&world, "carol"), "an editor moves a meeting to which she invited");
}

#[test]
fn the_guests_of_what_an_editor_creates_are_his_and_not_hers() {
    let world = world();
    world.share("alice/work", "bob", Level::Edit);
    world.share("alice/work", "carol", Level::FreeBusy);
    world.at("bob", "alice/work").put("meeting.ics", &event("meeting", 10, "Budget", &[CAROL])).unwrap();
    assert!(!sees(&world, "carol"));
    let alice = world.at("alice", "alice/work");
    alice.put("meeting.ics", &event("meeting", 10, "Budget", &[CAROL, BOB])).unwrap();
    assert!(!sees(&world, "carol"), "she kept his guest");
    // Moved between calendars of hers it stays what it was.
    world.calendar("alice/more");
    alice.move_to("meeting.ics", &world.at("alice", "alice/more"), "moved.ics").unwrap();
    world.share("alice/more", "carol", Level::FreeBusy);
    let carol = world.at("carol", "alice/more");
    assert!(!carol.get(&carol.names()[0]).unwrap().contains("Budget"));
}

#[test]
fn a_guest_of_one_instance_sees_that_instance() {
    let world = world();
    world.share("alice/work", "bob", Level::FreeBusy);
    world.share("alice/work", "carol", Level::Edit);
    let series = |master: &[&str], instance: &[&str]| {
        let text = event("standup", 9, "Standup", &[&["RRULE:FREQ=DAILY;COUNT=5"], master].concat());
        let lines = ["RECURRENCE-ID:20261112T090000Z\r\nDTSTART:20261112T090000Z\r\nDTEND:20261112T100000Z\r\nSUMMARY:With guests"];
        let lines = lines.iter().chain(instance).fold(String::new(), |all, line| all + line + "\r\n");
        let instance = format!("BEGIN:VEVENT\r\nUID:standup\r\nDTSTAMP:20261101T000000Z\r\n{lines}END:VEVENT\r\nEND:VCALENDAR");
        text.replace("END:VCALENDAR", &instance)
    };
    world.at("alice", "alice/work").put("s.ics", &series(&[], &[BOB])).unwrap();
    let shown = read(&world, "bob");
    assert!(shown.contains("With guests") && !shown.contains("Standup") && shown.contains("RRULE"), "{shown}");
    // An editor who makes of the instance all that follow makes him no guest of these.
    let wider = series(&[], &[BOB]).replace("RECURRENCE-ID:", "RECURRENCE-ID;RANGE=THISANDFUTURE:");
    let carol = world.at("carol", "alice/work");
    carol.put("s.ics", &wider).unwrap();
    assert!(!read(&world, "bob").contains("With guests"), "nor of the one, which cannot be told apart now");
    world.at("alice", "alice/work").put("s.ics", &series(&[], &[])).unwrap();
    world.at("alice", "alice/work").put("s.ics", &series(&[], &[BOB])).unwrap();
    // Nor does one who puts him on the series.
    world.at("carol", "alice/work").put("s.ics", &series(&[BOB], &[BOB])).unwrap();
    let shown = read(&world, "bob");
    assert!(shown.contains("With guests") && !shown.contains("Standup"), "{shown}");
}

#[test]
fn a_device_keeps_nothing_of_a_meeting_its_owner_was_uninvited_from() {
    let world = world();
    world.share("alice/work", "bob", Level::Titles);
    let (alice, bob) = (world.at("alice", "alice/work"), world.at("bob", "alice/work"));
    alice.put("meeting.ics", &event("meeting", 10, "Budget", &[BOB, "DESCRIPTION:figures"])).unwrap();
    let token = bob.token();
    alice.put("meeting.ics", &event("meeting", 10, "Budget", &["DESCRIPTION:figures"])).unwrap();
    let (changed, removed) = bob.since(&token);
    assert_eq!((changed, removed), (bob.names(), vec!["meeting.ics".to_owned()]));
    assert!(!bob.get(&bob.names()[0]).unwrap().contains("figures"));
}
