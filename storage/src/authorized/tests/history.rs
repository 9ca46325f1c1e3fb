//! Stories of earlier versions: what is kept of each write, what comes back, what never is anybody's but the owner's.

use super::world::*;
use crate::error::{Error, Limit};
use crate::history::{ObjectVersions, What};
use crate::{ClientName, Directory, Limits};
use acl::{CalendarPolicy, Level};
use chrono::TimeDelta;

fn cast() -> World {
    World::new().users(&["alice", "bob", "carol"])
}

fn versions(world: &World, object: &str) -> ObjectVersions {
    world.at("alice", "alice/work").read(|store, calendar| store.object_history(calendar, object)).unwrap()
}

/// Number, what, who, program.
pub(super) fn told(world: &World, object: &str) -> Vec<(u64, What, String, String)> {
    let versions = versions(world, object).versions.into_iter();
    versions.map(|version| (version.number, version.what, version.by.user.unwrap_or(version.by.kind), version.client)).collect()
}

pub(super) fn text(world: &World, object: &str, number: u64) -> crate::error::Result<String> {
    let seen = world.at("alice", "alice/work").read(|store, calendar| store.version_text(calendar, object, number));
    seen.map(|version| version.text)
}

pub(super) fn restore(world: &World, object: &str, number: Option<u64>) -> crate::error::Result<String> {
    world.step(&format!("restore {object} {number:?}"));
    world.at("alice", "alice/work").write(|store, calendar| store.restore_object(calendar, object, number))
}

fn with_client(eyes: Eyes, client: &str) -> Eyes {
    Eyes { door: eyes.door.with_client(ClientName::from_user_agent(client.as_bytes())), ..eyes }
}

pub(super) fn faults(world: &World) -> Vec<String> {
    world.store.administration().check(&mut |_, _| {}).unwrap().into_iter().map(|fault| fault.0).collect()
}

pub(super) fn deleted_names(world: &World) -> Vec<Option<String>> {
    world.door("alice").read(|store| store.trash()).unwrap().into_iter().map(|entry| entry.object).collect()
}

#[test]
fn the_owner_reads_who_wrote_what_with_which_program_and_takes_back_what_she_likes() {
    let world = cast();
    world.share("alice/work", "bob", Level::Edit);
    let alice = with_client(world.at("alice", "alice/work"), "Apple Calendar");
    let bob = with_client(world.at_mount("bob"), "DAVx5/4.4");
    alice.put("a.ics", &event("a", 10, "Plan", &[ALARM])).unwrap();
    world.pass(TimeDelta::hours(1));
    bob.put("a.ics", &event("a", 10, "Other plan", &[])).unwrap();
    // Only an alarm of his own: no version of the event.
    bob.put("a.ics", &event("a", 10, "Other plan", &[ALARM])).unwrap();
    let before = bob.token();
    let (created, changed) =
        ((1, What::Created, "alice".into(), "Apple Calendar".into()), (2, What::Changed, "bob".into(), "DAVx5/4.4".into()));
    assert_eq!(told(&world, "a.ics"), [changed.clone(), created.clone()]);
    assert_eq!(versions(&world, "a.ics").versions[0].at, world.now());
    assert_eq!(text(&world, "a.ics", 1).unwrap(), event("a", 10, "Plan", &[]), "nobody's alarms are in a version");
    assert_eq!(text(&world, "a.ics", 2).unwrap(), event("a", 10, "Other plan", &[]));
    assert!(matches!(text(&world, "a.ics", 3), Err(Error::NotFound)));

    assert!(matches!(restore(&world, "a.ics", Some(2)), Err(Error::Invalid(_))), "the present one");
    assert!(matches!(restore(&world, "a.ics", None), Err(Error::Invalid(_))), "not in the trash");
    assert_eq!(restore(&world, "a.ics", Some(1)).unwrap(), "a.ics");
    assert_eq!(alice.get("a.ics").unwrap(), event("a", 10, "Plan", &[ALARM]), "with her alarm");
    assert_eq!(bob.get("a.ics").unwrap(), event("a", 10, "Plan", &[ALARM]), "with his");
    assert_eq!(bob.since(&before), (vec!["a.ics".to_owned()], vec![]), "his device fetches it");
    let restored = (3, What::Restored, "alice".into(), String::new());
    assert_eq!(told(&world, "a.ics"), [restored, changed, created]);
    assert_eq!(text(&world, "a.ics", 2).unwrap(), event("a", 10, "Other plan", &[]), "nothing is lost by restoring");
    assert_eq!(faults(&world), Vec::<String>::new());
}

#[test]
fn history_and_trash_do_not_exist_for_anybody_else_at_any_level() {
    for level in Level::ALL {
        let world = cast();
        let alice = world.at("alice", "alice/work");
        alice.put("a.ics", &event("a", 10, "Plan", &[])).unwrap();
        alice.put("a.ics", &event("a", 10, "Plan B", &[])).unwrap();
        alice.put("b.ics", &event("b", 12, "Gone", &[])).unwrap();
        alice.delete("b.ics").unwrap();
        world.share("alice/work", "bob", level);
        let absent = |outcome: String| assert_eq!(outcome, "NotFound", "{level:?}");
        let bob = world.at("bob", "alice/work");
        absent(outcome(&bob.read(|store, calendar| store.history(calendar))));
        for object in ["a.ics", "b.ics", "never.ics"] {
            absent(outcome(&bob.read(|store, calendar| store.object_history(calendar, object))));
            absent(outcome(&bob.read(|store, calendar| store.version_text(calendar, object, 1))));
            absent(outcome(&bob.write(|store, calendar| store.restore_object(calendar, object, Some(1)))));
            absent(outcome(&bob.write(|store, calendar| store.restore_object(calendar, object, None))));
            absent(outcome(&bob.write(|store, calendar| store.purge_object(calendar, object))));
        }
        assert!(bob.door.read(|store| store.trash()).unwrap().is_empty(), "his own trash is empty");
        absent(outcome(&bob.door.write(|store| store.restore_calendar("work", Some("stolen")))));
    }
}

#[test]
fn a_deleted_event_comes_back_as_it_was_and_every_device_learns_of_it() {
    let world = cast();
    world.share("alice/work", "bob", Level::EditDelete);
    world.share("alice/work", "carol", Level::Titles);
    let (alice, bob, carol) = (world.at("alice", "alice/work"), with_client(world.at_mount("bob"), "phone"), world.at_mount("carol"));
    alice.put("a.ics", &event("a", 10, "Plan", &[ALARM])).unwrap();
    let seen_by_carol = carol.rows().unwrap();
    // A refused write of hers: her view of it is marked, and stays so.
    carol.put(seen_by_carol[0].name(), &event("a", 10, "Mine", &[])).unwrap_err();
    let marked = carol.rows().unwrap();
    assert_ne!(marked, seen_by_carol);
    let tokens = [alice.token(), bob.token(), carol.token()];
    bob.delete("a.ics").unwrap();
    assert!(alice.names().is_empty() && bob.names().is_empty() && carol.names().is_empty());
    let after = [alice.token(), bob.token(), carol.token()];
    assert_eq!(deleted_names(&world), [Some("a.ics".to_owned())]);
    assert_eq!(told(&world, "a.ics")[0], (2, What::Deleted, "bob".into(), "phone".into()));
    assert!(versions(&world, "a.ics").deleted);

    assert_eq!(restore(&world, "a.ics", None).unwrap(), "a.ics");
    assert_eq!(alice.get("a.ics").unwrap(), event("a", 10, "Plan", &[ALARM]), "byte for byte, her alarm too");
    assert_eq!(carol.rows().unwrap(), marked, "the same name, the same mark");
    for (eyes, token) in [&alice, &bob, &carol].into_iter().zip(&after) {
        assert_eq!(eyes.since(token).0.len(), 1);
    }
    // Who deleted it and never asked since has it still: his old token leads to the present all the same.
    assert_eq!(bob.since(&tokens[1]).0, ["a.ics"]);
    assert!(deleted_names(&world).is_empty());
    let what: Vec<What> = told(&world, "a.ics").into_iter().map(|(_, what, ..)| what).collect();
    assert_eq!(what, [What::Restored, What::Deleted, What::Created]);
    assert_eq!(text(&world, "a.ics", 1).unwrap(), event("a", 10, "Plan", &[]));
    assert!(matches!(text(&world, "a.ics", 2), Err(Error::NotFound)), "that it was deleted has no body");
    assert_eq!(faults(&world), Vec::<String>::new());
}

#[test]
fn what_took_a_deleted_events_name_or_uid_stays_where_it_is() {
    let world = cast();
    let alice = world.at("alice", "alice/work");
    alice.put("a.ics", &event("a", 10, "First", &[])).unwrap();
    alice.delete("a.ics").unwrap();
    world.pass(TimeDelta::hours(1));
    alice.put("a.ics", &event("b", 11, "Second", &[])).unwrap();
    let name = restore(&world, "a.ics", None).unwrap();
    assert_ne!(name, "a.ics");
    assert_eq!(alice.get(&name).unwrap(), event("a", 10, "First", &[]));
    assert_eq!(alice.get("a.ics").unwrap(), event("b", 11, "Second", &[]));

    alice.delete(&name).unwrap();
    alice.put("c.ics", &event("a", 12, "Third", &[])).unwrap();
    assert!(matches!(restore(&world, &name, None), Err(Error::UidConflict { name }) if name == "c.ics"));
    alice.delete("c.ics").unwrap();
    // Two are in the trash with this UID: each is reached by its name or id, and only one of them can come back.
    let id = versions(&world, &name).id;
    assert_eq!(restore(&world, &id, None).unwrap(), name);
    assert!(matches!(restore(&world, "c.ics", None), Err(Error::UidConflict { .. })));
    assert_eq!(faults(&world), Vec::<String>::new());
}

/// Copying over something deletes it, as DELETE would.
#[test]
fn what_a_copy_or_move_replaced_is_in_the_trash_and_history_moves_with_an_event() {
    let world = cast();
    world.calendar("alice/home");
    world.share("alice/work", "bob", Level::EditDelete);
    let (work, home) = (world.at("alice", "alice/work"), world.at("alice", "alice/home"));
    work.put("a.ics", &event("a", 10, "A", &[])).unwrap();
    work.put("a.ics", &event("a", 10, "A2", &[])).unwrap();
    work.put("b.ics", &event("b", 11, "B", &[])).unwrap();
    home.put("x.ics", &event("x", 12, "X", &[])).unwrap();
    home.copy("x.ics", &work, "b.ics").unwrap();
    assert_eq!(deleted_names(&world), [Some("b.ics".to_owned())]);
    let name = restore(&world, "b.ics", None).unwrap();
    assert_eq!(work.get(&name).unwrap(), event("b", 11, "B", &[]));

    work.move_to("a.ics", &home, "a.ics").unwrap();
    let moved = home.read(|store, calendar| store.object_history(calendar, "a.ics")).unwrap();
    let what: Vec<(u64, What)> = moved.versions.iter().map(|version| (version.number, version.what)).collect();
    assert_eq!(what, [(3, What::Moved), (2, What::Changed), (1, What::Created)]);
    assert!(deleted_names(&world).is_empty(), "it is not deleted, it is elsewhere");
    home.write(|store, calendar| store.restore_object(calendar, "a.ics", Some(1))).unwrap();
    assert_eq!(home.get("a.ics").unwrap(), event("a", 10, "A", &[]));

    // Somebody takes it away into his own calendar: from hers it is deleted.
    home.move_to("a.ics", &work, "a.ics").unwrap();
    world.at("bob", "alice/work").move_to("a.ics", &world.at("bob", "bob/work"), "mine.ics").unwrap();
    assert_eq!(deleted_names(&world), [Some("a.ics".to_owned())]);
    assert_eq!(told(&world, "a.ics")[0].2, "bob");
    let his = world.at("bob", "bob/work").read(|store, calendar| store.object_history(calendar, "mine.ics")).unwrap();
    assert_eq!(his.versions.len(), 1, "her history is not his");
    assert_eq!(restore(&world, "a.ics", None).unwrap(), "a.ics");
    assert_eq!(faults(&world), Vec::<String>::new());
}

/// What was marked private since is not opened by an old version, and what was private then comes back private.
#[test]
fn restoring_makes_nothing_more_open() {
    let world = cast();
    world.share("alice/work", "bob", Level::Details);
    let (alice, bob) = (world.at("alice", "alice/work"), world.at_mount("bob"));
    let shown = |eyes: &Eyes| eyes.get(&eyes.names()[0]).unwrap();
    alice.put("a.ics", &event("a", 10, "Therapy", &[])).unwrap();
    alice.put("a.ics", &event("a", 10, "Therapy at noon", &["CLASS:PRIVATE"])).unwrap();
    assert!(!shown(&bob).contains("Therapy"));
    restore(&world, "a.ics", Some(1)).unwrap();
    assert!(!shown(&bob).contains("Therapy"), "still private");
    assert!(alice.get("a.ics").unwrap().contains("SUMMARY:Therapy\r\n"));

    // Private by the calendar's default, without a word in the event itself; opened later.
    world.set_policy("alice/work", CalendarPolicy { default_privacy: acl::EventPrivacy::Private, ..CalendarPolicy::default() });
    alice.put("b.ics", &event("b", 12, "Doctor", &[])).unwrap();
    world.set_policy("alice/work", CalendarPolicy::default());
    alice.put("b.ics", &event("b", 12, "Doctor", &["CLASS:PUBLIC"])).unwrap();
    assert!(bob.names().contains(&"b.ics".to_owned()), "open now");
    alice.put("b.ics", &event("b", 12, "Doctor Who", &["CLASS:PUBLIC"])).unwrap();
    restore(&world, "b.ics", Some(1)).unwrap();
    assert!(!bob.names().contains(&"b.ics".to_owned()), "private as it was");
    assert_eq!(faults(&world), Vec::<String>::new());
}

/// Marked private in a second event of the same UID, or in a version between: what is older comes back private too.
#[test]
fn nothing_comes_back_open_that_was_marked_private_meanwhile() {
    let world = cast();
    world.share("alice/work", "bob", Level::Details);
    let (alice, bob) = (world.at("alice", "alice/work"), world.at_mount("bob"));
    let shown = |eyes: &Eyes| eyes.get(&eyes.names()[0]).unwrap();
    alice.put("first.ics", &event("a", 10, "Therapy", &[])).unwrap();
    assert!(shown(&bob).contains("Therapy"));
    alice.delete("first.ics").unwrap();
    alice.put("second.ics", &event("a", 10, "Therapy", &["CLASS:PRIVATE"])).unwrap();
    alice.delete("second.ics").unwrap();
    restore(&world, "first.ics", None).unwrap();
    assert!(!shown(&bob).contains("Therapy"), "{}", shown(&bob));

    alice.put("first.ics", &event("a", 10, "Therapy", &["CLASS:PRIVATE"])).unwrap();
    alice.put("first.ics", &event("a", 10, "Therapy again", &["CLASS:PUBLIC"])).unwrap();
    alice.put("first.ics", &event("a", 10, "Therapy", &["CLASS:PUBLIC"])).unwrap();
    let number = versions(&world, "first.ics").versions[1].number;
    restore(&world, "first.ics", Some(number)).unwrap();
    assert!(!shown(&bob).contains("Therapy"), "{}", shown(&bob));
    assert_eq!(faults(&world), Vec::<String>::new());
}

/// The same for an event that comes back with its calendar; and a share that had ended keeps out whom everyone's would let in.
#[test]
fn a_calendar_that_comes_back_is_open_to_nobody_to_whom_it_was_closed() {
    let world = cast();
    world.grant("alice/work", acl::Grantee::Everyone, Level::Details, |_| ());
    world.grant("alice/work", world.grantee("carol"), Level::Details, |grant| grant.until = Some(world.now() + TimeDelta::days(1)));
    world.calendar("alice/other");
    let alice = world.at("alice", "alice/work");
    alice.put("a.ics", &event("a", 10, "Therapy", &[])).unwrap();
    let names = |viewer: &str| world.at(viewer, "alice/work").rows();
    world.pass(TimeDelta::days(2));
    assert!(names("bob").is_ok() && names("carol").is_err());
    alice.write(|store, calendar| store.delete_calendar(calendar)).unwrap();
    world.at("alice", "alice/other").put("b.ics", &event("a", 10, "Therapy", &["CLASS:PRIVATE"])).unwrap();
    world.door("alice").write(|store| store.restore_calendar("work", None)).unwrap();
    assert!(names("carol").is_err(), "her share had ended");
    let bob = world.at("bob", "alice/work");
    assert!(!bob.get(&bob.names()[0]).unwrap().contains("Therapy"));
    assert_eq!(faults(&world), Vec::<String>::new());
}

/// An editor had put somebody on the event, the owner took him off: an old version in which he stands invites him to nothing.
#[test]
fn restoring_invites_nobody_whom_the_owner_did_not_invite() {
    let world = cast();
    world.share("alice/work", "bob", Level::Edit);
    world.share("alice/work", "carol", Level::FreeBusy);
    let (alice, bob, carol) = (world.at("alice", "alice/work"), world.at_mount("bob"), world.at_mount("carol"));
    let with_carol = event("a", 10, "Plan", &["ATTENDEE:mailto:carol@example.org"]);
    alice.put("a.ics", &event("a", 10, "Plan", &[])).unwrap();
    bob.put("a.ics", &with_carol).unwrap();
    alice.put("a.ics", &event("a", 10, "Plan", &[])).unwrap();
    restore(&world, "a.ics", Some(2)).unwrap();
    assert_eq!(alice.get("a.ics").unwrap(), with_carol);
    let shown = |carol: &Eyes| carol.get(&carol.names()[0]).unwrap();
    assert!(!shown(&carol).contains("Plan"), "{}", shown(&carol));
    // Her own hand does: and what she wrote comes back as hers.
    alice.put("a.ics", &event("a", 10, "Plan", &[])).unwrap();
    alice.put("a.ics", &with_carol).unwrap();
    assert!(shown(&carol).contains("Plan"));
    let number = versions(&world, "a.ics").versions[0].number;
    alice.put("a.ics", &event("a", 11, "Plan", &[])).unwrap();
    restore(&world, "a.ics", Some(number)).unwrap();
    assert!(shown(&carol).contains("Plan"));
    alice.delete("a.ics").unwrap();
    restore(&world, "a.ics", None).unwrap();
    assert!(shown(&carol).contains("Plan"), "out of the trash with all that belongs to it");
    assert_eq!(faults(&world), Vec::<String>::new());
}

/// A copy that somebody keeps of a deleted private event stays private when she takes it in again.
#[test]
fn the_privacy_of_what_is_in_the_trash_is_remembered() {
    let world = cast();
    world.share("alice/work", "bob", Level::Details);
    let alice = world.at("alice", "alice/work");
    alice.put("a.ics", &event("a", 10, "Therapy", &["CLASS:PRIVATE"])).unwrap();
    alice.delete("a.ics").unwrap();
    alice.put("b.ics", &event("a", 10, "Therapy", &[])).unwrap();
    let bob = world.at_mount("bob");
    assert!(!bob.get(&bob.names()[0]).unwrap().contains("Therapy"));
}

#[test]
fn a_deleted_calendar_comes_back_under_the_same_names_and_no_old_token_holds() {
    let world = cast();
    world.share("alice/work", "bob", Level::Titles);
    world.grant("alice/work", world.grantee("carol"), Level::Details, |grant| grant.until = Some(world.now() + TimeDelta::days(1)));
    let alice = world.at("alice", "alice/work");
    alice.put("a.ics", &event("a", 10, "Plan", &[ALARM])).unwrap();
    let (bob, carol) = (world.at_mount("bob"), world.at_mount("carol"));
    let (rows, tokens) = (bob.rows().unwrap(), [alice.token(), bob.token(), carol.token()]);
    let mount = bob.calendar.clone();
    alice.write(|store, calendar| store.delete_calendar(calendar)).unwrap();
    assert!(matches!(bob.rows(), Err(Error::NotFound)) && mounts(&world.door("bob"), "bob").is_empty());
    let trash = world.door("alice").read(|store| store.trash()).unwrap();
    assert_eq!((trash.len(), trash[0].calendar.as_str(), trash[0].object.as_deref()), (1, "work", None));
    assert_eq!(faults(&world), Vec::<String>::new());

    world.pass(TimeDelta::days(2));
    // The name was taken meanwhile.
    world.step("another calendar of that name");
    world.door("alice").write(|store| store.create_calendar("alice", "work", &Default::default())).unwrap();
    let refused = world.door("alice").write(|store| store.restore_calendar("work", None));
    assert!(matches!(refused, Err(Error::Exists)));
    let restored = world.door("alice").write(|store| store.restore_calendar("work", Some("work-2")));
    assert_eq!(restored.unwrap(), "work-2");
    assert_eq!(mounts(&world.door("bob"), "bob"), [mount], "the same mount");
    assert!(mounts(&world.door("carol"), "carol").is_empty(), "her share ended meanwhile");
    assert_eq!(bob.rows().unwrap(), rows);
    assert!(matches!(bob.changes(Some(&tokens[1]), None), Err(Error::InvalidSyncToken)), "even for the state it is in");
    assert_ne!(bob.token(), tokens[1]);
    let alice = world.at("alice", "alice/work-2");
    assert!(matches!(alice.changes(Some(&tokens[0]), None), Err(Error::InvalidSyncToken)));
    assert_eq!(alice.get("a.ics").unwrap(), event("a", 10, "Plan", &[ALARM]));
    assert_eq!(faults(&world), Vec::<String>::new());
}

/// Views in memory or not: a restart between makes no difference.
#[test]
fn tokens_of_a_restored_calendar_fail_after_a_restart_too() {
    let mut world = cast();
    world.share("alice/work", "bob", Level::Titles);
    world.at("alice", "alice/work").put("a.ics", &event("a", 10, "Plan", &[])).unwrap();
    let token = world.at_mount("bob").token();
    world.at("alice", "alice/work").write(|store, calendar| store.delete_calendar(calendar)).unwrap();
    world.reopen();
    world.door("alice").write(|store| store.restore_calendar("work", None)).unwrap();
    world.reopen();
    assert!(matches!(world.at_mount("bob").changes(Some(&token), None), Err(Error::InvalidSyncToken)));
}

/// Who left a calendar has left it when it is back.
#[test]
fn what_people_decided_about_their_mounts_outlives_the_trash() {
    let world = cast();
    world.share("alice/work", "bob", Level::Titles);
    let bob = world.at_mount("bob");
    bob.write(|store, calendar| store.delete_calendar(calendar)).unwrap();
    world.at("alice", "alice/work").write(|store, calendar| store.delete_calendar(calendar)).unwrap();
    world.door("alice").write(|store| store.restore_calendar("work", None)).unwrap();
    assert!(mounts(&world.door("bob"), "bob").is_empty());
    assert_eq!(faults(&world), Vec::<String>::new());
}

/// Somebody who may only edit cannot push out what was there before him by writing a hundred times.
#[test]
fn of_many_writes_of_one_author_those_before_him_stay() {
    let limits = Limits { versions_max: 4, ..Limits::default() };
    let world = World::with(limits, Directory::Related).users(&["alice", "bob"]);
    world.share("alice/work", "bob", Level::Edit);
    let (alice, bob) = (world.at("alice", "alice/work"), world.at_mount("bob"));
    alice.put("a.ics", &event("a", 10, "One", &[])).unwrap();
    alice.put("a.ics", &event("a", 10, "Two", &[])).unwrap();
    for number in 0..20 {
        bob.put("a.ics", &event("a", 10, &format!("Bob {number}"), &[])).unwrap();
    }
    let kept: Vec<(u64, String)> = told(&world, "a.ics").into_iter().map(|(number, _, who, _)| (number, who)).collect();
    let who = |number, who: &str| (number, who.to_owned());
    assert_eq!(kept, [who(22, "bob"), who(21, "bob"), who(20, "bob"), who(2, "alice"), who(1, "alice")]);
    assert_eq!(text(&world, "a.ics", 2).unwrap(), event("a", 10, "Two", &[]));
    assert_eq!(faults(&world), Vec::<String>::new());
}

#[test]
fn versions_and_trash_go_when_their_time_comes_with_the_next_write_or_a_sweep() {
    let limits = Limits { version_days: 10, trash_days: 3, ..Limits::default() };
    let world = World::with(limits, Directory::Related).users(&["alice", "bob"]);
    let alice = world.at("alice", "alice/work");
    let sweep = || {
        let mut from = None;
        let mut steps = 0;
        loop {
            from = world.store.sweep(from).unwrap();
            steps += 1;
            assert!(steps < 100);
            if from.is_none() {
                return;
            }
        }
    };
    alice.put("a.ics", &event("a", 10, "One", &[])).unwrap();
    // It stood for a year: its time counts from when it was written over.
    world.pass(TimeDelta::days(365));
    alice.put("a.ics", &event("a", 10, "Two", &[])).unwrap();
    alice.put("b.ics", &event("b", 11, "B", &[])).unwrap();
    alice.delete("b.ics").unwrap();
    world.calendar("alice/gone");
    world.at("alice", "alice/gone").put("c.ics", &event("c", 11, "C", &[])).unwrap();
    world.at("alice", "alice/gone").write(|store, calendar| store.delete_calendar(calendar)).unwrap();
    world.pass(TimeDelta::days(2));
    sweep();
    assert_eq!((told(&world, "a.ics").len(), deleted_names(&world).len()), (2, 2));
    world.pass(TimeDelta::days(1));
    sweep();
    assert_eq!((told(&world, "a.ics").len(), deleted_names(&world).len()), (2, 0));
    assert!(matches!(restore(&world, "b.ics", None), Err(Error::NotFound)));
    world.pass(TimeDelta::days(7));
    alice.put("d.ics", &event("d", 11, "D", &[])).unwrap();
    assert_eq!(told(&world, "a.ics").len(), 2, "a new event keeps nothing, and so looks at nothing");
    alice.put("d.ics", &event("d", 11, "D2", &[])).unwrap();
    assert_eq!(told(&world, "a.ics").len(), 1);
    assert_eq!(faults(&world), Vec::<String>::new());
}

/// A sweep of much is many short steps; what has begun to go does not come back.
#[test]
fn a_large_calendar_goes_in_steps() {
    let world = cast();
    let alice = world.at("alice", "alice/work");
    for number in 0..620 {
        alice.put(&format!("{number}.ics"), &event(&format!("u{number}"), 10, "x", &[])).unwrap();
    }
    alice.write(|store, calendar| store.delete_calendar(calendar)).unwrap();
    world.pass(TimeDelta::days(31));
    let next = world.store.sweep(None).unwrap();
    assert!(next.is_some(), "not all in one step");
    assert!(matches!(world.door("alice").write(|store| store.restore_calendar("work", None)), Err(Error::NotFound)));
    assert!(world.door("alice").read(|store| store.trash()).unwrap().is_empty());
    assert_eq!(faults(&world), Vec::<String>::new(), "half gone is no fault");
    let mut from = next;
    while let Some(sweep) = from {
        from = world.store.sweep(Some(sweep)).unwrap();
    }
    assert!(world.door("alice").read(|store| store.trash()).unwrap().is_empty());
    assert_eq!(faults(&world), Vec::<String>::new());
}

/// What is kept refuses nobody anything: it has bounds of its own, and beyond them the oldest goes.
#[test]
fn what_is_kept_costs_no_quota_and_has_its_own_bound() {
    let limits = Limits { quota_bytes: 30_000, kept_bytes: 40_000, ..Limits::default() };
    let world = World::with(limits, Directory::Related).users(&["alice", "bob"]);
    let alice = world.at("alice", "alice/work");
    let long = |summary: &str| event("a", 10, summary, &[&format!("DESCRIPTION:{}", "x".repeat(9_000))]);
    for number in 0..10 {
        alice.put("a.ics", &long(&number.to_string())).unwrap();
    }
    let kept: Vec<u64> = told(&world, "a.ics").into_iter().map(|(number, ..)| number).collect();
    assert_eq!(kept, [10, 9, 8, 7, 6], "four of about 9,700 bytes fit");
    alice.delete("a.ics").unwrap();
    for (name, number) in [("b.ics", 1), ("c.ics", 2), ("d.ics", 3)] {
        alice.put(name, &long("new").replace("UID:a", &format!("UID:{number}"))).unwrap();
    }
    // Her quota is full: what is in the trash has to wait.
    assert!(matches!(restore(&world, "a.ics", None), Err(Error::LimitExceeded(Limit::Quota))));
    alice.delete("b.ics").unwrap();
    restore(&world, "a.ics", None).unwrap();
    assert_eq!(faults(&world), Vec::<String>::new());
}

#[test]
fn what_is_purged_is_gone_from_the_store() {
    let world = cast();
    let alice = world.at("alice", "alice/work");
    alice.put("a.ics", &event("a", 10, "Never said", &[ALARM])).unwrap();
    alice.put("a.ics", &event("a", 10, "Better said", &[ALARM])).unwrap();
    alice.put("b.ics", &event("b", 10, "Never said either", &[ALARM])).unwrap();
    alice.delete("b.ics").unwrap();
    let purge = |object: &str| alice.write(|store, calendar| store.purge_object(calendar, object));
    purge("a.ics").unwrap();
    purge("b.ics").unwrap();
    assert_eq!(told(&world, "a.ics").len(), 1);
    assert!(matches!(restore(&world, "b.ics", None), Err(Error::NotFound)));
    assert!(!world.holds("Never said"), "no byte of it");
    assert!(world.holds("Better said"));
    assert_eq!(faults(&world), Vec::<String>::new());
}
