//! What each level is shown through the door, and that what is hidden is absent.

use super::world::{ALARM, World, event, hide_private, outcome};
use crate::error::Error;
use crate::limits::Limits;
use acl::project::Identity;
use acl::{CalendarPolicy, Level, PrivateEvents, Visibility};
use chrono::TimeDelta;
use ical::{TimeRange, Zone};

fn world() -> World {
    let world = World::new().users(&["alice", "bob", "carol", "dan", "erin", "frank"]);
    for (name, level) in [("bob", Level::FreeBusy), ("carol", Level::Titles), ("dan", Level::Details), ("erin", Level::EditDelete)] {
        world.share("alice/work", name, level);
    }
    let alice = world.at("alice", "alice/work");
    world.step("public");
    alice.put("lunch.ics", &event("lunch", 12, "Lunch", &["DESCRIPTION:with a friend", ALARM])).unwrap();
    world.step("private");
    alice.put("doctor.ics", &event("doctor", 9, "Doctor", &["CLASS:PRIVATE"])).unwrap();
    world.step("free");
    alice.put("maybe.ics", &event("maybe", 15, "Perhaps", &["TRANSP:TRANSPARENT"])).unwrap();
    world
}

#[test]
fn each_level_sees_its_own_projection_at_both_paths() {
    let world = world();
    let seen = |who: &str| {
        let at_path = world.at(who, "alice/work");
        let at_mount = world.at_mount(who);
        assert_eq!(at_path.rows().unwrap(), at_mount.rows().unwrap());
        let texts: Vec<String> = at_mount.names().iter().map(|name| at_mount.get(name).unwrap()).collect();
        for (name, row) in at_mount.names().iter().zip(at_mount.rows().unwrap()) {
            assert_eq!(row.content_length(), at_mount.get(name).unwrap().len() as u64);
            assert_eq!(at_mount.read(|store, calendar| Ok(store.object(calendar, name)?.etag().to_owned())).unwrap(), row.etag());
        }
        texts.concat()
    };
    let bob = seen("bob");
    assert_eq!(bob.matches("SUMMARY:Busy").count(), 2);
    assert!(!bob.contains("Lunch") && !bob.contains("lunch") && !bob.contains("doctor") && !bob.contains("VALARM"));
    let carol = seen("carol");
    assert!(carol.contains("SUMMARY:Lunch") && carol.contains("SUMMARY:Perhaps") && carol.contains("SUMMARY:Private event"));
    assert!(!carol.contains("friend") && !carol.contains("UID:lunch"));
    let dan = seen("dan");
    assert!(dan.contains("DESCRIPTION:with a friend") && dan.contains("UID:lunch") && !dan.contains("Doctor") && !dan.contains("VALARM"));
    let alice = world.at("alice", "alice/work");
    assert_eq!(alice.names(), ["doctor.ics", "lunch.ics", "maybe.ics"]);
    assert!(alice.get("lunch.ics").unwrap().contains("VALARM"));
}

#[test]
fn a_hidden_object_answers_every_call_as_a_name_that_never_was() {
    let world = world();
    world.grant("alice/work", world.grantee("dan"), Level::Details, hide_private);
    world.grant("alice/work", world.grantee("erin"), Level::EditDelete, hide_private);
    for who in ["bob", "dan", "erin"] {
        let eyes = world.at(who, "alice/work");
        let own = world.at(who, &format!("{who}/work"));
        // Bob is shown the doctor's time, but not under this name.
        for name in ["doctor.ics", "maybe.ics"] {
            if who != "bob" && name == "maybe.ics" {
                continue;
            }
            let answers = |name: &str| {
                [
                    outcome(&eyes.get(name)),
                    outcome(&eyes.read(|store, calendar| store.row(calendar, name))),
                    outcome(&eyes.door.read(|store| store.resolve("alice", &["work", name]))),
                    outcome(&eyes.delete(name)),
                    outcome(&eyes.copy(name, &own, "copy.ics")),
                    outcome(&eyes.move_to(name, &own, "copy.ics")),
                ]
            };
            let hidden = answers(name);
            assert_eq!(hidden, answers("never.ics"), "{who} {name}");
            assert!(hidden.iter().all(|answer| answer == "NotFound"));
        }
    }
}

#[test]
fn a_calendar_that_is_not_shared_is_absent_and_so_is_its_owner_s_home() {
    let world = world();
    let frank = world.door("frank");
    for path in [&["work"][..], &["never"], &["work", "lunch.ics"], &[]] {
        let hidden = frank.read(|store| store.resolve("alice", path));
        let absent = frank.read(|store| store.resolve("nobody", path));
        assert_eq!(outcome(&hidden), outcome(&absent));
        assert_eq!(outcome(&hidden), "NotFound");
    }
    let made = frank.write(|store| store.create_calendar("alice", "new", &Default::default()));
    assert!(matches!(made, Err(Error::NotFound)));
    let made = world.door("bob").write(|store| store.create_calendar("alice", "new", &Default::default()));
    assert!(matches!(made, Err(Error::Denied { .. })));
}

#[test]
fn an_expired_share_is_gone_at_its_moment_and_nothing_has_to_be_recalculated() {
    let world = world();
    let end = world.now() + TimeDelta::hours(1);
    world.grant("alice/work", world.grantee("dan"), Level::Details, |grant| grant.until = Some(end));
    let dan = world.at("dan", "alice/work");
    assert_eq!(dan.names().len(), 3);
    world.pass(TimeDelta::hours(1));
    assert!(matches!(dan.rows(), Err(Error::NotFound)));
    assert!(super::world::mounts(&dan.door, "dan").is_empty());
}

#[test]
fn an_event_stored_under_wider_bounds_is_shown_as_before_when_they_are_narrowed() {
    let mut world = world();
    let long = format!("DESCRIPTION:{}", "x".repeat(10_000));
    world.at("alice", "alice/work").put("long.ics", &event("long", 15, "Long", &[&long])).unwrap();
    let look = |world: &World, who: &str| {
        let eyes = world.at(who, "alice/work");
        eyes.names().iter().map(|name| eyes.get(name).unwrap()).collect::<Vec<_>>()
    };
    let before = ["alice", "bob", "dan"].map(|who| look(&world, who));
    world.reopen_with(Limits { object_bytes_max: 1_000, ..Limits::default() });
    assert_eq!(["alice", "bob", "dan"].map(|who| look(&world, who)), before);
}

#[test]
fn busy_periods_are_alike_at_every_level() {
    let world = world();
    let window = TimeRange { start: Some(world.now()), end: Some(world.now() + TimeDelta::days(30)) };
    let busy = |who: &str| {
        world
            .at(who, "alice/work")
            .read(|store, calendar| store.busy_periods(std::slice::from_ref(calendar), &window, Some(&Zone::utc())))
            .unwrap()
    };
    let alice = busy("alice");
    assert_eq!(alice.len(), 2);
    for who in ["bob", "carol", "dan", "erin"] {
        assert_eq!(busy(who), alice, "{who}");
    }
    let early = TimeRange { start: Some(world.now()), end: Some(world.now() + TimeDelta::days(1)) };
    let none = world
        .at("bob", "alice/work")
        .read(|store, calendar| store.busy_periods(std::slice::from_ref(calendar), &early, Some(&Zone::utc())))
        .unwrap();
    assert!(none.is_empty());
}

/// What was worked out of the event was told on of what it had become.
#[test]
fn an_event_that_becomes_availability_takes_the_time_of_that() {
    let world = world();
    let window = TimeRange { start: Some(world.now()), end: Some(world.now() + TimeDelta::days(30)) };
    let hours = |who: &str| -> Vec<String> {
        let eyes = world.at(who, "alice/work");
        let busy = eyes.read(|store, calendar| store.busy_periods(std::slice::from_ref(calendar), &window, Some(&Zone::utc()))).unwrap();
        busy.iter().map(|period| period.start.format("%H").to_string()).collect()
    };
    let all = ["alice", "bob", "carol", "dan"];
    all.iter().for_each(|who| assert_eq!(hours(who), ["09", "12"], "{who}"));
    let alice = world.at("alice", "alice/work");
    alice.delete("lunch.ics").unwrap();
    let leave = |hour: u32| {
        let event = event("leave", hour, "Away", &[]);
        event.replace("VEVENT", "VAVAILABILITY")
    };
    alice.put("leave.ics", &event("leave", 18, "Event", &[])).unwrap();
    all.iter().for_each(|who| assert_eq!(hours(who), ["09", "18"], "{who}"));
    for hour in [20, 21] {
        alice.put("leave.ics", &leave(hour)).unwrap();
        all.iter().for_each(|who| assert_eq!(hours(who), ["09".to_owned(), hour.to_string()], "{who}"));
    }
    alice.put("leave.ics", &event("leave", 18, "Event", &[])).unwrap();
    all.iter().for_each(|who| assert_eq!(hours(who), ["09", "18"], "{who}"));
}

#[test]
fn free_busy_counts_what_the_viewer_is_shown_and_nothing_else() {
    let world = world();
    let window = TimeRange { start: Some(world.now()), end: Some(world.now() + TimeDelta::days(30)) };
    let busy = |who: &str| {
        world
            .at(who, "alice/work")
            .read(|store, calendar| store.busy_periods(std::slice::from_ref(calendar), &window, Some(&Zone::utc())))
            .unwrap()
    };
    // What he put in himself he is shown, although private events are hidden from him.
    world.grant("alice/work", world.grantee("bob"), Level::FreeBusy, |grant| {
        hide_private(grant);
        grant.create_always = true;
    });
    assert_eq!(busy("bob").len(), 1);
    world.at("bob", "alice/work").put("visit.ics", &event("visit", 16, "Visit", &["CLASS:PRIVATE"])).unwrap();
    assert_eq!(busy("bob").len(), 2);
    world.grant("alice/work", world.grantee("dan"), Level::Details, hide_private);
    assert_eq!(busy("dan").len(), 1);
    // Who may change a series is shown that a private occurrence of it is busy.
    let series = event("series", 18, "Series", &["RRULE:FREQ=DAILY;COUNT=3"]);
    let occurrence = "BEGIN:VEVENT\r\nUID:series\r\nDTSTAMP:20261101T000000Z\r\nRECURRENCE-ID:20261111T180000Z\r\n\
                      DTSTART:20261111T200000Z\r\nDTEND:20261111T210000Z\r\nCLASS:PRIVATE\r\nEND:VEVENT\r\nEND:VCALENDAR";
    world.at("alice", "alice/work").put("series.ics", &series.replace("END:VCALENDAR", occurrence)).unwrap();
    world.grant("alice/work", world.grantee("erin"), Level::Edit, hide_private);
    assert_eq!((busy("alice").len(), busy("erin").len(), busy("dan").len()), (6, 4, 3));
}

#[test]
fn rows_tell_what_listing_needs() {
    let world = world();
    let rows = world.at("erin", "alice/work").rows().unwrap();
    let lunch = rows.iter().find(|row| row.name() == "lunch.ics").unwrap();
    assert_eq!((lunch.identity(), lunch.least()), (Identity::Real, Visibility::Full));
    assert!(lunch.rights().edit && lunch.rights().delete);
    let doctor = rows.iter().find(|row| row.least() == Visibility::FreeBusy).unwrap();
    assert_eq!(doctor.identity(), Identity::Pseudonym);
    assert!(!doctor.rights().edit && !doctor.rights().delete);
    assert!(rows.is_sorted_by(|a, b| a.name() < b.name()));
}

#[test]
fn a_calendar_s_policy_holds_from_the_next_request_on() {
    let world = world();
    let dan = world.at("dan", "alice/work");
    let token = dan.token();
    assert_eq!(dan.names().len(), 3);
    let hidden = CalendarPolicy { private_events: Some(PrivateEvents::Hidden), ..CalendarPolicy::default() };
    world.set_policy("alice/work", hidden);
    assert_eq!(dan.names(), ["lunch.ics", "maybe.ics"]);
    let (changed, removed) = dan.since(&token);
    assert_eq!((changed.len(), removed.len()), (0, 1));
}
