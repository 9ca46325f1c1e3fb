//! Quotas: what counts, what is refused, and that neither tells anybody of what he is not shown.

use super::world::{Eyes, World, event, hide_private, outcome};
use crate::usage::{self, Quota, Usage};
use crate::{Directory, Limits};
use acl::{Grant, Level};

fn usage(world: &World, user: &str) -> Usage {
    let id = world.id(user);
    world.store.read(|snapshot| usage::of(snapshot, id)).unwrap()
}

fn set_quota(world: &World, user: &str, bytes: u64) {
    let id = world.id(user);
    let set = world.store.write(|snapshot| {
        let mut transaction = snapshot.begin();
        let usage = Usage { quota: Quota::Bytes(bytes), ..usage::of(snapshot, id)? };
        usage::set(&mut transaction, id, &usage)?;
        snapshot.commit(transaction)
    });
    set.unwrap();
}

fn no_faults(world: &World) {
    // These worlds have no index of addresses.
    let faults = world.store.administration().check(&mut |_, _| {}).unwrap();
    assert!(faults.iter().all(|fault| fault.0.contains("address")), "{faults:?}");
}

fn len(text: &str) -> u64 {
    text.len() as u64
}

const ALARM: &[&str] = &["BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:x", "TRIGGER:-PT5M", "END:VALARM"];

#[test]
fn what_stands_in_a_home_is_counted_whatever_becomes_of_it() {
    let world = World::new().users(&["alice"]);
    world.calendar("alice/home");
    let (work, home) = (world.at("alice", "alice/work"), world.at("alice", "alice/home"));
    let bytes = || usage(&world, "alice").home_bytes;
    let (short, long) = (event("one", 9, "Short", &[]), event("one", 9, "A longer one", &[]));
    work.put("1.ics", &short).unwrap();
    assert_eq!(bytes(), len(&short));
    work.put("1.ics", &long).unwrap();
    assert_eq!(bytes(), len(&long));
    work.put("1.ics", &event("one", 9, "A longer one", ALARM)).unwrap();
    assert_eq!(bytes(), len(&long), "alarms are counted elsewhere");
    world.step("copy");
    work.copy("1.ics", &home, "2.ics").unwrap();
    assert_eq!(bytes(), 2 * len(&long));
    world.step("move");
    work.delete("1.ics").unwrap();
    home.move_to("2.ics", &work, "3.ics").unwrap();
    work.move_to("3.ics", &work, "4.ics").unwrap();
    assert_eq!(bytes(), len(&long));
    let alice = world.door("alice");
    let file = |path: &[&str], content: &[u8]| alice.write(|door| door.put_file("alice", path, "text/plain", content)).unwrap();
    alice.write(|door| door.create_collection("alice", &["n"], &[])).unwrap();
    world.step("files");
    file(&["n", "a"], b"12345");
    file(&["n", "a"], b"123");
    assert_eq!(bytes(), len(&long) + 3);
    let plain = |path: &[&str]| match alice.read(|door| door.resolve("alice", path)).unwrap() {
        crate::authorized::Resource::Plain(plain) => plain,
        other => panic!("{other:?}"),
    };
    world.step("copied files");
    let depth = crate::authorized::plain::CopyDepth::Infinity;
    let collection = plain(&["n"]);
    alice.write(|door| door.copy_plain(&collection, &["m"], depth)).unwrap();
    assert_eq!(bytes(), len(&long) + 6);
    let copied = plain(&["m", "a"]);
    alice.write(|door| door.move_plain(&copied, &["n", "a"])).unwrap();
    assert_eq!(bytes(), len(&long) + 3);
    alice.write(|door| door.delete_plain(&collection)).unwrap();
    assert_eq!(bytes(), len(&long));
    no_faults(&world);
    work.write(|door, calendar| door.delete_calendar(calendar)).unwrap();
    assert_eq!(bytes(), 0);
    no_faults(&world);
}

#[test]
fn the_owner_is_refused_what_is_too_much_and_never_what_makes_it_less() {
    let world = World::new().users(&["alice"]);
    let work = world.at("alice", "alice/work");
    let (short, long) = (event("one", 9, "Short", &[]), event("one", 9, "A longer one", &[]));
    set_quota(&world, "alice", len(&short) + 2);
    work.put("1.ics", &short).unwrap();
    let refused = |put: crate::error::Result<crate::authorized::Put>| assert!(outcome(&put).contains("Quota"), "{put:?}");
    refused(work.put("1.ics", &long));
    refused(work.put("2.ics", &event("two", 9, "x", &[])));
    assert_eq!(usage(&world, "alice").home_bytes, len(&short));
    work.put("1.ics", &event("one", 9, "Short", ALARM)).unwrap();
    // Less was allowed later on.
    set_quota(&world, "alice", 1);
    work.put("1.ics", &event("one", 9, "S", &[])).unwrap();
    refused(work.put("1.ics", &short));
    work.delete("1.ics").unwrap();
    refused(work.put("1.ics", &short));
    let space = world.door("alice").read(|door| door.space(&door.resolve("alice", &[])?)).unwrap().unwrap();
    assert_eq!((space.used_bytes, space.available_bytes), (0, Some(1)));
    no_faults(&world);
}

#[test]
fn who_writes_into_anothers_calendar_draws_on_his_own_space() {
    let world = World::new().users(&["alice", "bob"]);
    world.share("alice/work", "bob", Level::EditDelete);
    let (hers, his) = (world.at("bob", "alice/work"), world.at("bob", "bob/work"));
    let text = event("one", 9, "Of Bob's", &[]);
    hers.put("1.ics", &text).unwrap();
    assert_eq!((usage(&world, "bob").given_bytes, usage(&world, "alice").home_bytes), (len(&text), len(&text)));
    let longer = event("one", 9, "Of Bob's, and more", &[]);
    hers.put("1.ics", &longer).unwrap();
    assert_eq!(usage(&world, "bob").given_bytes, len(&longer));
    // What he takes out again he gets back, and what he takes home counts there.
    world.step("move");
    hers.move_to("1.ics", &his, "1.ics").unwrap();
    let bob = usage(&world, "bob");
    assert_eq!((bob.given_bytes, bob.home_bytes, usage(&world, "alice").home_bytes), (0, len(&longer), 0));
    world.step("back");
    his.move_to("1.ics", &hers, "2.ics").unwrap();
    assert_eq!((usage(&world, "bob").given_bytes, usage(&world, "bob").home_bytes), (len(&longer), 0));
    hers.delete("2.ics").unwrap();
    assert_eq!(usage(&world, "bob").used_bytes(), 0);
    // What she made and he deletes gives him nothing.
    world.at("alice", "alice/work").put("3.ics", &text).unwrap();
    hers.delete("3.ics").unwrap();
    assert_eq!(usage(&world, "bob"), Usage::default());
    no_faults(&world);
}

/// Bob could have measured what Alice keeps from him by filling her calendar up: her space must never answer him.
#[test]
fn how_much_the_owner_has_used_makes_no_difference_to_a_grantee() {
    let outcomes = |hidden: usize, quota: u64| {
        let world = World::with(Limits { quota_bytes: 1_500, ..Limits::default() }, Directory::Related).users(&["alice", "bob"]);
        let change = |grant: &mut Grant| {
            hide_private(grant);
            grant.create_always = true;
        };
        world.grant("alice/work", world.grantee("bob"), Level::EditDelete, change);
        let alice = world.at("alice", "alice/work");
        world.step("hers");
        set_quota(&world, "alice", 1 << 20);
        alice.put("shared.ics", &event("shared", 8, "Shared", &[])).unwrap();
        if hidden > 0 {
            world.step("hidden");
            alice.put("hidden.ics", &event("hidden", 9, &"x".repeat(hidden), &["CLASS:PRIVATE"])).unwrap();
        }
        set_quota(&world, "alice", quota);
        let (bob, own) = (world.at("bob", "alice/work"), world.at("bob", "bob/work"));
        let mut outcomes = Vec::new();
        let mut told = |step: &str, outcome: String| {
            world.step(step);
            let space = world.door("bob").read(|door| door.space(&door.resolve("bob", &[])?)).unwrap();
            outcomes.push(format!("{step}: {outcome} {space:?}"));
        };
        let put = |eyes: &Eyes, name: &str, bytes: usize| outcome(&eyes.put(name, &event(name, 10, &"y".repeat(bytes), &[])));
        told("first", put(&bob, "1.ics", 400));
        told("own", put(&own, "own.ics", 300));
        told("second", put(&bob, "2.ics", 400));
        told("shared", put(&bob, "shared.ics", 10));
        told("over", put(&bob, "1.ics", 10));
        told("copied", outcome(&own.copy("own.ics", &bob, "3.ics")));
        told("again", put(&bob, "4.ics", 300));
        told("moved", outcome(&bob.move_to("1.ics", &own, "4.ics")));
        told("gone", outcome(&bob.delete("3.ics")));
        // She takes away what he put there, and he is not told by a number.
        alice.delete("2.ics").ok();
        told("looks", String::new());
        outcomes
    };
    let none = outcomes(0, 1 << 20);
    assert!(none.iter().filter(|outcome| outcome.contains("Quota")).count() >= 2, "{none:#?}");
    for (hidden, quota) in [(10, 1 << 20), (5_000, 1 << 20), (5_000, 1), (0, 0)] {
        assert_eq!(outcomes(hidden, quota), none, "{hidden} bytes hidden, {quota} allowed");
    }
}

#[test]
fn nobody_but_the_owner_is_told_of_her_space() {
    let world = World::new().users(&["alice", "bob"]);
    for level in [Level::FreeBusy, Level::EditDelete] {
        world.share("alice/work", "bob", level);
        let bob = world.door("bob");
        let space = |owner: &str, path: &[&str]| bob.read(|door| door.space(&door.resolve(owner, path)?)).unwrap();
        let mount = super::world::mounts(&bob, "bob").remove(0);
        assert_eq!((space("alice", &[]), space("alice", &["work"]), space("bob", &[&mount])), (None, None, None), "{level:?}");
        assert!(space("bob", &[]).is_some() && space("bob", &["work"]).is_some());
    }
}
