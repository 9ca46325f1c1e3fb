//! Looking at a calendar with a viewer's eyes leaves nothing behind, and a viewer's own look leaves what it always does.

use super::world::{World, event};
use crate::engine::KeyRange;
use crate::read::Read;
use acl::Level;
use ical::TimeRange;
use std::ops::ControlFlow;

/// Everything that is stored.
fn all(world: &World) -> Vec<(Vec<u8>, Vec<u8>)> {
    let everything = KeyRange { start: Vec::new(), end: None };
    let mut found = Vec::new();
    let scan = world.store.read(|snapshot| {
        snapshot.scan(&everything, &mut |key, value| {
            found.push((key.to_vec(), value.to_vec()));
            Ok(ControlFlow::Continue(()))
        })
    });
    scan.unwrap();
    found
}

#[test]
fn a_look_with_somebody_elses_eyes_stores_nothing() {
    let world = World::new().users(&["alice", "bob"]);
    world.share("alice/work", "bob", Level::Titles);
    let alice = world.at("alice", "alice/work");
    for number in 0..3 {
        world.step(&format!("put {number}"));
        alice.put(&format!("{number}.ics"), &event(&format!("uid-{number}"), 9, "Title", &[])).unwrap();
        let before = all(&world);
        let administration = world.store.administration();
        let preview = administration.view_as("bob", "alice", "work", &TimeRange::default()).unwrap();
        assert_eq!(preview.objects.len(), number + 1);
        administration.explain("bob", "alice", "work", Some("0.ics")).unwrap();
        assert_eq!(all(&world), before);
    }
    // What the viewer himself looks at is remembered: the comparison can tell.
    let before = all(&world);
    world.at("bob", "alice/work").rows().unwrap();
    assert_ne!(all(&world), before);
}
