//! What is full or broken behind a view does not show in front of it.

use super::world::{Eyes, World, event, hide_private, outcome};
use crate::keys;
use crate::{Directory, Limits};
use acl::{Grant, Level};

const PRIVATE: &[&str] = &["CLASS:PRIVATE"];

/// Alice's calendar with so many events that Bob, who may put events there, sees nothing of.
fn world(limits: Limits, hidden: u32) -> World {
    let world = World::with(limits, Directory::Related).users(&["alice", "bob"]);
    let may_create = |grant: &mut Grant| {
        hide_private(grant);
        grant.create_always = true;
    };
    world.grant("alice/work", world.grantee("bob"), Level::EditDelete, may_create);
    for number in 0..hidden {
        world.step(&format!("hidden {number}"));
        world.at("alice", "alice/work").put(&format!("{number}.ics"), &event(&format!("hidden-{number}"), 9, "Doctor", PRIVATE)).unwrap();
    }
    world
}

/// A grantee could count what he does not see by filling the calendar: the limit answered him earlier the more was hidden.
#[test]
fn leak_29_how_much_is_hidden_does_not_tell_when_a_calendar_is_full() {
    let limits = || Limits { calendar_objects_max: 3, ..Limits::default() };
    let outcomes = |hidden: u32| {
        let world = world(limits(), hidden);
        let (bob, own) = (world.at("bob", "alice/work"), world.at("bob", "bob/work"));
        let mut outcomes = Vec::new();
        let mut step = |name: &str, outcome: String| {
            outcomes.push(format!("{name}: {outcome}"));
            world.step(name);
        };
        let put = |eyes: &Eyes, name: &str| outcome(&eyes.put(name, &event(name, 10, "Bob's", &[])));
        step("own", put(&own, "own.ics"));
        step("other", put(&own, "other.ics"));
        step("first", put(&bob, "first.ics"));
        step("copied", outcome(&own.copy("own.ics", &bob, "copied.ics")));
        step("third", put(&bob, "third.ics"));
        step("fourth", put(&bob, "fourth.ics"));
        step("over the third", put(&bob, "third.ics"));
        step("copied over", outcome(&own.copy("own.ics", &bob, "copied.ics")));
        step("moved", outcome(&own.move_to("other.ics", &bob, "moved.ics")));
        step("gone", outcome(&bob.delete("first.ics")));
        step("fifth", put(&bob, "fifth.ics"));
        // The owner counts all there is.
        world.step("owner");
        let of_owner = outcome(&world.at("alice", "alice/work").put("hers.ics", &event("hers", 11, "Hers", &[])));
        assert!(of_owner.contains("Space"), "{of_owner}");
        outcomes
    };
    let none = outcomes(0);
    assert_eq!(none.iter().filter(|outcome| outcome.contains("Space")).count(), 2, "{none:?}");
    for hidden in 1..=3 {
        assert_eq!(outcomes(hidden), none);
    }
}

/// The store remembers the UIDs of private events up to a limit: reaching it told others how many their owner has.
#[test]
fn how_much_the_owner_keeps_private_does_not_keep_others_from_writing() {
    let limits = || Limits { private_uids_max: 2, ..Limits::default() };
    for hidden in 0..=2 {
        let world = world(limits(), hidden);
        let bob = world.at("bob", "alice/work");
        world.step("bob");
        for number in 0..3 {
            bob.put(&format!("bob-{number}.ics"), &event(&format!("bob-{number}"), 10, "Bob's", PRIVATE)).unwrap();
        }
        world.step("owner");
        let of_owner = outcome(&world.at("alice", "alice/work").put("hers.ics", &event("hers", 11, "Hers", PRIVATE)));
        assert!(of_owner.contains("Space"), "{of_owner}");
    }
}

/// A damaged body made every listing of its calendar fail, also for those from whom the event was hidden.
#[test]
fn a_damaged_event_is_hidden_from_everyone_but_its_owner() {
    let world = world(Limits::default(), 1);
    let (alice, bob) = (world.at("alice", "alice/work"), world.at("bob", "alice/work"));
    world.step("bob");
    bob.put("bobs.ics", &event("bobs", 10, "Bob's", &[])).unwrap();
    world
        .store
        .write(|snapshot| {
            let body = crate::read::keys(snapshot, &keys::table(keys::BODIES))?.into_iter().find(|key| {
                let text = crate::read::Read::get(snapshot, key).unwrap().unwrap_or_default();
                String::from_utf8_lossy(&text).contains("Doctor")
            });
            let mut transaction = snapshot.begin();
            transaction.put(body.unwrap(), vec![0xff, 0xfe]);
            snapshot.commit(transaction)
        })
        .unwrap();
    let mut world = world;
    world.reopen();
    // Another level: everything is looked at anew.
    world.grant("alice/work", world.grantee("bob"), Level::Edit, hide_private);
    let bob = Eyes { door: world.door("bob"), ..bob };
    assert_eq!(bob.names(), ["bobs.ics"]);
    let token = bob.token();
    world.step("again");
    bob.put("more.ics", &event("more", 12, "Bob's", &[])).unwrap();
    assert_eq!(bob.since(&token), (vec!["more.ics".to_owned()], Vec::new()));
    let alice = Eyes { door: world.door("alice"), ..alice };
    assert!(outcome(&alice.get("0.ics")).contains("Corrupted"));
}
