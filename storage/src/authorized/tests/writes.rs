//! Writing through the door: what each level may do, touch marks, personal parts, and what travels with COPY and MOVE.

use super::world::{ALARM, World, event, outcome};
use crate::error::Error;
use acl::{CalendarPolicy, Level, Privilege};

fn denied<T: std::fmt::Debug>(result: Result<T, Error>) -> Privilege {
    match result {
        Err(Error::Denied { privilege }) => privilege,
        other => panic!("{other:?}"),
    }
}

fn world() -> World {
    let world = World::new().users(&["alice", "bob", "carol", "dan", "erin"]);
    world.at("alice", "alice/work").put("lunch.ics", &event("lunch", 12, "Lunch", &[ALARM])).unwrap();
    world
}

#[test]
fn a_put_comes_back_byte_for_byte_with_its_tag() {
    let world = world();
    let alice = world.at("alice", "alice/work");
    let text = event("tea", 16, "Tea", &[ALARM, "X-STRANGE;P=\"a:b\":kept"]);
    let put = alice.put("tea.ics", &text).unwrap();
    assert!(put.created);
    assert_eq!(alice.get("tea.ics").unwrap(), text);
    let row = alice.rows().unwrap().into_iter().find(|row| row.name() == "tea.ics").unwrap();
    assert_eq!(put.etag.as_deref(), Some(row.etag()));
    let again = alice.put("tea.ics", &event("tea", 17, "Tea", &[])).unwrap();
    assert!(!again.created && again.etag.is_some() && again.etag != put.etag);
}

#[test]
fn what_is_shown_reduced_is_not_writable_and_a_refused_write_moves_that_viewer_s_view_alone() {
    let world = world();
    world.share("alice/work", "bob", Level::FreeBusy);
    world.share("alice/work", "carol", Level::FreeBusy);
    let (bob, carol) = (world.at("bob", "alice/work"), world.at("carol", "alice/work"));
    let name = bob.names()[0].clone();
    let before = (bob.rows().unwrap(), bob.token(), carol.token(), world.at("alice", "alice/work").token());
    let shown = bob.get(&name).unwrap();
    assert_eq!(denied(bob.put(&name, &shown)), Privilege::WriteContent);
    assert_ne!(bob.rows().unwrap()[0].etag(), before.0[0].etag());
    assert_eq!(bob.since(&before.1), (vec![name.clone()], vec![]));
    let touched = bob.token();
    assert_eq!(denied(bob.delete(&name)), Privilege::Unbind);
    assert_ne!(bob.token(), touched);
    assert_eq!((carol.token(), world.at("alice", "alice/work").token()), (before.2, before.3));
    assert_eq!(bob.get(&name).unwrap(), shown);
    assert_eq!(denied(bob.put("new.ics", &event("new", 10, "New", &[]))), Privilege::Bind);
}

#[test]
fn edit_may_change_and_create_but_not_delete() {
    let world = world();
    world.share("alice/work", "bob", Level::Edit);
    let (alice, bob) = (world.at("alice", "alice/work"), world.at("bob", "alice/work"));
    let own = world.at("bob", "bob/work");
    assert!(bob.put("lunch.ics", &event("lunch", 13, "Late lunch", &[])).unwrap().etag.is_some());
    assert!(alice.get("lunch.ics").unwrap().contains("Late lunch"));
    // Her alarm is still there, and he does not see it.
    assert!(alice.get("lunch.ics").unwrap().contains("VALARM") && !bob.get("lunch.ics").unwrap().contains("VALARM"));
    assert!(bob.put("new.ics", &event("new", 10, "New", &[])).unwrap().created);
    assert_eq!(denied(bob.delete("lunch.ics")), Privilege::Unbind);
    assert_eq!(denied(bob.move_to("lunch.ics", &own, "mine.ics")), Privilege::Unbind);
    assert_eq!(denied(bob.move_to("lunch.ics", &bob, "other.ics")), Privilege::Unbind);
    own.put("mine.ics", &event("mine", 8, "Mine", &[])).unwrap();
    assert_eq!(denied(own.copy("mine.ics", &bob, "lunch.ics")), Privilege::Unbind);
    assert!(alice.get("lunch.ics").unwrap().contains("Late lunch"));
}

#[test]
fn everyone_has_alarms_of_his_own() {
    let world = world();
    world.share("alice/work", "bob", Level::Edit);
    world.share("alice/work", "carol", Level::Details);
    let (alice, bob, carol) = (world.at("alice", "alice/work"), world.at("bob", "alice/work"), world.at("carol", "alice/work"));
    let (alice_before, carol_before) = (alice.token(), carol.token());
    let with_alarm = bob.get("lunch.ics").unwrap().replace("END:VEVENT", &format!("{}\r\nEND:VEVENT", ALARM.replace("5M", "30M")));
    assert!(bob.put("lunch.ics", &with_alarm).unwrap().etag.is_some());
    assert_eq!(bob.get("lunch.ics").unwrap(), with_alarm);
    assert!(alice.get("lunch.ics").unwrap().contains("-PT5M"));
    assert!(!carol.get("lunch.ics").unwrap().contains("VALARM"));
    assert_eq!((alice.token(), carol.token()), (alice_before, carol_before));
}

#[test]
fn who_may_only_put_events_in_sees_and_edits_his_own_until_somebody_else_wrote_them() {
    let world = world();
    world.grant("alice/work", world.grantee("bob"), Level::FreeBusy, |grant| grant.create_always = true);
    let (alice, bob) = (world.at("alice", "alice/work"), world.at("bob", "alice/work"));
    let text = event("visit", 10, "Visit", &["LOCATION:Office"]);
    let put = bob.put("visit.ics", &text).unwrap();
    assert!(put.created && put.etag.is_some());
    assert_eq!(bob.get("visit.ics").unwrap(), text);
    let token = bob.token();
    bob.put("visit.ics", &event("visit", 11, "Visit", &[])).unwrap();
    assert_eq!(denied(bob.delete("visit.ics")), Privilege::Unbind);
    alice.put("visit.ics", &event("visit", 14, "Visit, moved", &[])).unwrap();
    let (changed, removed) = bob.since(&token);
    assert_eq!(removed, ["visit.ics"]);
    assert!(bob.get(&changed[0]).unwrap().contains("SUMMARY:Busy"));
    assert!(matches!(bob.get("visit.ics"), Err(Error::NotFound)));
}

#[test]
fn carrying_an_event_from_one_of_her_calendars_to_another_makes_nobody_its_creator() {
    let world = world();
    world.calendar("alice/home");
    for calendar in ["alice/work", "alice/home"] {
        world.share(calendar, "bob", Level::EditDelete);
    }
    let (work, home) = (world.at("bob", "alice/work"), world.at("bob", "alice/home"));
    work.put("visit.ics", &event("visit", 10, "Visit", &[])).unwrap();
    work.move_to("lunch.ics", &home, "lunch.ics").unwrap();
    work.move_to("visit.ics", &home, "visit.ics").unwrap();
    // Once he may see no more than when she is busy, her lunch is nothing but that to him; what he made himself stays his.
    world.share("alice/home", "bob", Level::FreeBusy);
    assert!(matches!(home.get("lunch.ics"), Err(Error::NotFound)));
    assert!(home.get("visit.ics").unwrap().contains("SUMMARY:Visit"));
    let lunch = home.names().into_iter().find(|name| name != "visit.ics").unwrap();
    assert!(home.get(&lunch).unwrap().contains("SUMMARY:Busy"));
    assert_eq!(denied(home.put(&lunch, &event("lunch", 13, "Taken over", &[]))), Privilege::WriteContent);
    // It is so too where the owner does the carrying.
    world.share("alice/work", "bob", Level::FreeBusy);
    world.at("alice", "alice/home").move_to("visit.ics", &world.at("alice", "alice/work"), "visit.ics").unwrap();
    assert!(matches!(work.get("visit.ics"), Err(Error::NotFound)));
}

#[test]
fn a_uid_he_is_shown_is_a_conflict_and_names_what_he_is_shown() {
    let world = world();
    world.share("alice/work", "bob", Level::EditDelete);
    let bob = world.at("bob", "alice/work");
    match bob.put("again.ics", &event("lunch", 9, "Again", &[])) {
        Err(Error::UidConflict { name }) => assert_eq!(name, "lunch.ics"),
        other => panic!("{other:?}"),
    }
    match bob.put("lunch.ics", &event("other", 9, "Other UID", &[])) {
        Err(Error::UidConflict { name }) => assert_eq!(name, "lunch.ics"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn copies_need_everything_to_be_seen_and_leave_personal_parts_behind() {
    let world = world();
    let alice = world.at("alice", "alice/work");
    alice.put("doctor.ics", &event("doctor", 9, "Doctor", &["CLASS:PRIVATE"])).unwrap();
    world.share("alice/work", "carol", Level::Titles);
    world.share("alice/work", "dan", Level::Details);
    let (carol, dan) = (world.at("carol", "alice/work"), world.at("dan", "alice/work"));
    for name in carol.names() {
        assert_eq!(denied(carol.copy(&name, &world.at("carol", "carol/work"), "x.ics")), Privilege::Read);
    }
    let own = world.at("dan", "dan/work");
    assert!(dan.copy("lunch.ics", &own, "x.ics").unwrap());
    let copy = own.get("x.ics").unwrap();
    assert!(copy.contains("Lunch") && !copy.contains("VALARM"));
    assert!(!dan.copy("lunch.ics", &own, "x.ics").unwrap());
    match dan.copy("lunch.ics", &own, "y.ics") {
        Err(Error::UidConflict { name }) => assert_eq!(name, "x.ics"),
        other => panic!("{other:?}"),
    }
    // Her own copy of a private event is private too, although nothing in the request says so.
    world.calendar("alice/home");
    world.share("alice/home", "dan", Level::Details);
    let home = world.at("alice", "alice/home");
    alice.copy("doctor.ics", &home, "doctor.ics").unwrap();
    assert!(world.at("dan", "alice/home").get("doctor.ics").is_err());
    assert_eq!(world.at("dan", "alice/home").names().len(), 1);
}

#[test]
fn a_move_within_a_home_keeps_privacy_and_everyone_s_alarms_and_is_a_removal_to_those_who_sync() {
    let world = world();
    world.calendar("alice/home");
    world.share("alice/work", "bob", Level::Details);
    let (work, home, bob) = (world.at("alice", "alice/work"), world.at("alice", "alice/home"), world.at("bob", "alice/work"));
    let token = bob.token();
    let text = work.get("lunch.ics").unwrap();
    assert!(work.move_to("lunch.ics", &home, "meal.ics").unwrap());
    assert_eq!(home.get("meal.ics").unwrap(), text);
    assert_eq!(outcome(&work.get("lunch.ics")), "NotFound");
    assert_eq!(bob.since(&token), (vec![], vec!["lunch.ics".to_owned()]));
    assert!(home.move_to("meal.ics", &home, "lunch.ics").unwrap());
    assert_eq!(home.names(), ["lunch.ics"]);
    assert_eq!(home.get("lunch.ics").unwrap(), text);
}

/// An event that its owner moved away and back had lost the touch marks of those whose writes were refused, so that they could
/// tell; and `check` took the log's word that it was gone.
#[test]
fn an_event_that_went_elsewhere_and_came_back_is_as_it_was() {
    let world = world();
    world.share("alice/work", "bob", Level::FreeBusy);
    world.calendar("alice/trips");
    let (alice, bob, trips) = (world.at("alice", "alice/work"), world.at("bob", "alice/work"), world.at("alice", "alice/trips"));
    let name = bob.names().remove(0);
    let stored = alice.names().remove(0);
    assert_eq!(denied(bob.put(&name, &event("mine", 9, "Mine", &[]))), Privilege::WriteContent);
    let (rows, token) = (bob.rows().unwrap(), bob.token());
    alice.move_to(&stored, &trips, "away.ics").unwrap();
    trips.move_to("away.ics", &alice, &stored).unwrap();
    assert_eq!((bob.rows().unwrap(), bob.token()), (rows, token));
    let faults = world.store.administration().check(&mut |_, _| {}).unwrap();
    assert!(faults.iter().all(|fault| !fault.0.contains("change log")));
}

#[test]
fn a_public_event_is_no_longer_public_where_its_new_calendar_does_not_widen() {
    let world = World::new().users(&["alice", "bob"]);
    world.calendar("alice/home");
    world.set_policy("alice/work", CalendarPolicy { widen_public: Some(true), ..CalendarPolicy::default() });
    for path in ["alice/work", "alice/home"] {
        world.share(path, "bob", Level::FreeBusy);
    }
    let (work, home) = (world.at("alice", "alice/work"), world.at("alice", "alice/home"));
    work.put("party.ics", &event("party", 20, "Party", &["CLASS:PUBLIC"])).unwrap();
    assert!(world.at("bob", "alice/work").get("party.ics").unwrap().contains("Party"));
    let shown =
        || world.at("bob", "alice/home").names().iter().map(|name| world.at("bob", "alice/home").get(name).unwrap()).collect::<String>();
    work.copy("party.ics", &home, "copy.ics").unwrap();
    assert!(shown().contains("SUMMARY:Busy") && !shown().contains("Party"));
    home.delete("copy.ics").unwrap();
    work.move_to("party.ics", &home, "party.ics").unwrap();
    assert!(shown().contains("SUMMARY:Busy") && !shown().contains("Party"));
    // Nor does it become public when that one widens later: what it was there is recorded.
    world.set_policy("alice/home", CalendarPolicy { widen_public: Some(true), ..CalendarPolicy::default() });
    assert!(shown().contains("SUMMARY:Busy") && !shown().contains("Party"));
}

#[test]
fn a_public_event_is_no_longer_public_once_its_calendar_stops_widening() {
    let world = World::new().users(&["alice", "bob"]);
    let widening = |widen| CalendarPolicy { widen_public: Some(widen), ..CalendarPolicy::default() };
    world.set_policy("alice/work", widening(true));
    world.share("alice/work", "bob", Level::FreeBusy);
    world.at("alice", "alice/work").put("party.ics", &event("party", 20, "Party", &["CLASS:PUBLIC"])).unwrap();
    let bob = world.at("bob", "alice/work");
    let token = bob.token();
    assert!(bob.get("party.ics").unwrap().contains("Party"));
    world.set_policy("alice/work", widening(false));
    let (changed, removed) = bob.since(&token);
    assert_eq!(removed, ["party.ics"]);
    assert!(bob.get(&changed[0]).unwrap().contains("SUMMARY:Busy"));
}

#[test]
fn a_calendar_refuses_what_it_cannot_hold() {
    let world = World::new().users(&["alice"]);
    let only_tasks = super::super::home::NewCalendar { components: vec![ical::ComponentKind::ToDo], properties: vec![] };
    world.door("alice").write(|store| store.create_calendar("alice", "tasks", &only_tasks)).unwrap();
    let refused = world.at("alice", "alice/tasks").put("a.ics", &event("a", 9, "A", &[]));
    assert!(matches!(refused, Err(Error::ComponentNotSupported)));
    let work = world.at("alice", "alice/work");
    let refused = work.put("a.ics", &event("a", 9, "A", &["RRULE:FREQ=DAILY;COUNT=20000"]));
    assert!(matches!(refused, Err(Error::LimitExceeded(crate::error::Limit::Instances))));
    assert!(work.put("a.ics", &event("a", 9, "A", &["RRULE:FREQ=DAILY"])).is_ok());
}
