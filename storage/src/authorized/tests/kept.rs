//! Stories of what is kept when there is too much of it: what others write makes nothing go of what the owner wrote.

use super::history::{deleted_names, faults, restore, text, told};
use super::world::*;
use crate::history::kept::{Balance, Whose, whose_line};
use crate::read::{Transaction, records};
use crate::{Directory, Limits, keys};
use acl::Level;
use chrono::TimeDelta;

fn cast() -> World {
    let limits = Limits { quota_bytes: 40_000, kept_bytes: 40_000, ..Limits::default() };
    let world = World::with(limits, Directory::Related).users(&["alice", "bob", "carol"]);
    world.share("alice/work", "bob", Level::EditDelete);
    world.share("alice/work", "carol", Level::EditDelete);
    world
}

/// Of about 9,700 bytes, its records included.
fn long(uid: &str, summary: &str) -> String {
    event(uid, 10, summary, &[&format!("DESCRIPTION:{}", "x".repeat(9_000))])
}

fn balance(world: &World) -> Balance {
    world.store.read(|snapshot| Balance::of(snapshot, world.id("alice"))).unwrap()
}

fn sweep(world: &World) {
    let mut from = None;
    while let Some(next) = world.store.sweep(from).unwrap() {
        from = Some(next);
    }
}

fn numbers(world: &World, object: &str) -> Vec<u64> {
    told(world, object).into_iter().map(|(number, ..)| number).collect()
}

#[test]
fn whoever_may_edit_pushes_out_what_others_wrote_and_never_what_the_owner_did() {
    let world = cast();
    let (alice, bob, carol) = (world.at("alice", "alice/work"), world.at_mount("bob"), world.at_mount("carol"));
    for number in 0..4 {
        alice.put("a.ics", &long("a", &format!("Alice {number}"))).unwrap();
    }
    alice.put("gone.ics", &event("gone", 10, "Gone", &[])).unwrap();
    alice.delete("gone.ics").unwrap();
    carol.put("c.ics", &long("c", "Carol")).unwrap();
    carol.put("c.ics", &event("c", 10, "Carol", &[])).unwrap();
    assert_eq!(numbers(&world, "c.ics"), [2, 1]);
    for number in 0..30 {
        bob.put("b.ics", &long("b", &format!("Bob {number}"))).unwrap();
    }
    bob.delete("b.ics").unwrap();
    sweep(&world);
    assert_eq!(numbers(&world, "a.ics"), [4, 3, 2, 1], "hers are all there");
    assert!(deleted_names(&world).contains(&Some("gone.ics".to_owned())));
    assert_eq!(numbers(&world, "c.ics"), [2], "an older one of another editor made room for his");
    assert_eq!(deleted_names(&world).len(), 2, "so did his earlier ones: what he deleted last is there");
    let kept = balance(&world);
    assert!(kept.owner_bytes + kept.others_bytes <= 40_000, "{kept:?}");
    restore(&world, "b.ics", None).unwrap();
    assert!(alice.get("b.ics").unwrap().contains("Bob 29"));
    assert_eq!(faults(&world), Vec::<String>::new());
}

/// Two who write in turn leave no two versions of one author in a row: the oldest went, and that was the owner's.
#[test]
fn of_one_event_several_who_take_turns_push_out_nothing_of_the_owners() {
    let limits = Limits { versions_max: 4, ..Limits::default() };
    let world = World::with(limits, Directory::Related).users(&["alice", "bob", "carol"]);
    for editor in ["bob", "carol"] {
        world.share("alice/work", editor, Level::Edit);
    }
    let alice = world.at("alice", "alice/work");
    for round in 0..8 {
        alice.put("a.ics", &event("a", 10, &format!("Alice {round}"), &[])).unwrap();
        for editor in ["bob", "carol", "bob", "carol"] {
            world.at_mount(editor).put("a.ics", &event("a", 10, &format!("{editor} {round}"), &[])).unwrap();
        }
        let hers = told(&world, "a.ics").into_iter().filter(|(.., who, _)| who == "alice").count();
        assert!(hers >= (round + 1).min(4), "{round}: {hers} of hers");
    }
    for turn in 0..20 {
        let editor = if turn % 2 == 0 { "bob" } else { "carol" };
        world.at_mount(editor).put("a.ics", &event("a", 10, &format!("{editor} again {turn}"), &[])).unwrap();
    }
    let kept = told(&world, "a.ics");
    let hers: Vec<u64> = kept.iter().filter(|(.., who, _)| who == "alice").map(|(number, ..)| *number).collect();
    assert_eq!(text(&world, "a.ics", hers[0]).unwrap(), event("a", 10, "Alice 7", &[]));
    assert!(hers.len() >= 4 && kept.len() <= 7, "{kept:?}");
    assert_eq!(faults(&world), Vec::<String>::new());
}

/// The last version was an editor's when he deleted the event: with it went its history, and so what the owner had written.
#[test]
fn what_the_owner_wrote_of_an_event_stays_when_what_others_made_of_it_goes() {
    let world = cast();
    let (alice, bob) = (world.at("alice", "alice/work"), world.at_mount("bob"));
    alice.put("a.ics", &event("a", 10, "Plan", &["CLASS:CONFIDENTIAL"])).unwrap();
    alice.put("a.ics", &event("a", 11, "Plan of alice", &[])).unwrap();
    world.grant("alice/work", world.grantee("bob"), Level::EditDelete, |grant| {
        grant.private_events = Some(acl::level::GrantPrivateEvents::Show);
    });
    bob.put("a.ics", &long("a", "Scribble")).unwrap();
    bob.put("a.ics", &long("a", "Scribble again")).unwrap();
    bob.delete("a.ics").unwrap();
    for number in 0..12 {
        bob.put("b.ics", &long(&format!("b{number}"), "Fill")).unwrap();
        bob.delete("b.ics").unwrap();
    }
    assert_eq!(faults(&world), Vec::<String>::new());
    assert!(!world.holds("Scribble"), "his made room for his");
    let kept: Vec<(u64, String)> = told(&world, "a.ics").into_iter().map(|(number, _, who, _)| (number, who)).collect();
    assert_eq!(kept, [(6, "bob".to_owned()), (5, "alice".to_owned()), (1, "alice".to_owned())], "deleted by him, written by her");
    restore(&world, "a.ics", None).unwrap();
    assert!(alice.get("a.ics").unwrap().contains("Plan of alice"));
    world.share("alice/work", "carol", Level::Details);
    let carol = world.at_mount("carol");
    assert!(carol.names().iter().all(|name| !carol.get(name).unwrap().contains("Plan")), "as confidential as it was");
    restore(&world, "a.ics", Some(1)).unwrap();
    assert!(alice.get("a.ics").unwrap().contains("SUMMARY:Plan\r\n"));
    assert_eq!(faults(&world), Vec::<String>::new());
}

/// What editors put aside of hers may be more than fits: it stays, and what she writes then takes no more than it needs.
#[test]
fn what_is_hers_goes_by_her_own_writes_and_by_no_more_than_these_need() {
    let world = cast();
    let (alice, bob) = (world.at("alice", "alice/work"), world.at_mount("bob"));
    for number in 0..5 {
        alice.put("a.ics", &long("a", &format!("Alice {number}"))).unwrap();
        world.pass(TimeDelta::minutes(1));
    }
    assert_eq!(numbers(&world, "a.ics").len(), 5, "four earlier ones fit");
    for name in ["b", "c"] {
        alice.put(&format!("{name}.ics"), &long(name, "Hers")).unwrap();
    }
    for name in ["a", "b", "c"] {
        bob.put(&format!("{name}.ics"), &event(name, 10, "Overwritten", &[])).unwrap();
    }
    sweep(&world);
    assert!(balance(&world).owner_bytes > 60_000, "more than fits, and all there: {:?}", balance(&world));
    assert_eq!((numbers(&world, "a.ics").len(), numbers(&world, "b.ics").len(), numbers(&world, "c.ics").len()), (6, 2, 2));
    alice.put("d.ics", &event("d", 10, "A little", &[])).unwrap();
    alice.put("d.ics", &event("d", 10, "A little more", &[])).unwrap();
    sweep(&world);
    assert_eq!(numbers(&world, "a.ics"), [6, 5, 4, 3, 2], "for some hundred bytes of hers one thing went, the oldest");
    alice.put("e.ics", &long("e", "Much")).unwrap();
    alice.put("e.ics", &long("e", "Much more")).unwrap();
    sweep(&world);
    assert!(numbers(&world, "a.ics").len() < 5 && balance(&world).owner_bytes > 40_000, "{:?}", balance(&world));
    alice.delete("e.ics").unwrap();
    for name in ["a", "b", "c"] {
        alice.put(&format!("{name}.ics"), &long(name, "Back")).unwrap();
    }
    alice.delete("a.ics").unwrap();
    sweep(&world);
    let kept = balance(&world);
    assert!(kept.owner_bytes <= 40_000 && kept.due_bytes == 0, "she wrote enough to be within her bytes again: {kept:?}");
    assert_eq!(faults(&world), Vec::<String>::new());
}

/// As format 4 had it: one line for all, and one number.
fn as_format_4(transaction: &mut Transaction<'_>) {
    let rows = records::<crate::history::kept::KeptRecord>(transaction, &keys::table(keys::KEPT)).unwrap();
    let mut all = 0u64;
    let mut owner = None;
    for (key, entry) in rows {
        all += entry.bytes;
        owner = keys::id_at(&key, 0).map(acl::PrincipalId);
        let mut old = key.clone();
        old[17] = old[17].to_ascii_lowercase();
        transaction.delete(key);
        transaction.put_record(old, &entry).unwrap();
    }
    transaction.put_record(keys::kept_bytes(owner.unwrap()), &all).unwrap();
    transaction.put(keys::FORMAT.to_vec(), 4u32.to_be_bytes().to_vec());
}

#[test]
fn a_store_of_format_4_opens_with_everyones_where_it_belongs() {
    let mut world = cast();
    let (alice, bob) = (world.at("alice", "alice/work"), world.at_mount("bob"));
    for (eyes, text) in [(&alice, "One"), (&bob, "Two"), (&alice, "Three"), (&bob, "Four")] {
        eyes.put("a.ics", &event("a", 10, text, &[])).unwrap();
    }
    alice.put("hers.ics", &event("b", 10, "Hers", &[])).unwrap();
    bob.put("his.ics", &event("c", 10, "His", &[])).unwrap();
    bob.delete("hers.ics").unwrap();
    bob.delete("his.ics").unwrap();
    world.calendar("alice/old");
    world.at("alice", "alice/old").write(|store, calendar| store.delete_calendar(calendar)).unwrap();
    let before = balance(&world);
    let lines = |world: &World| {
        let rows = world.store.read(|snapshot| records::<crate::history::kept::KeptRecord>(snapshot, &keys::table(keys::KEPT)));
        rows.unwrap().into_iter().filter(|(key, _)| whose_line(key) == Whose::Others).count()
    };
    assert_eq!(lines(&world), 2, "a version and a deleted event");
    let written = world.store.write(|snapshot| {
        let mut transaction = snapshot.begin();
        as_format_4(&mut transaction);
        snapshot.commit(transaction)
    });
    written.unwrap();
    assert_eq!(lines(&world), 0);
    world.reopen();
    assert_eq!((balance(&world), lines(&world)), (before, 2));
    assert_eq!(faults(&world), Vec::<String>::new());
    restore(&world, "his.ics", None).unwrap();
    restore(&world, "hers.ics", None).unwrap();
    restore(&world, "a.ics", Some(1)).unwrap();
    assert_eq!(faults(&world), Vec::<String>::new());
}
