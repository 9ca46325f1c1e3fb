//! Names and UIDs that are taken by what the writer cannot see are no conflict to him: both are stored, and whoever sees both
//! in full sees the later one under its pseudonyms.

use super::world::{World, event, hide_private};
use crate::error::Error;
use acl::Level;
use acl::project::Identity;
use std::collections::BTreeSet;

/// Alice has a private event that Bob, an editor, is not shown, and Bob puts one of the same name and UID.
fn world() -> World {
    let world = World::new().users(&["alice", "bob", "carol"]);
    world.grant("alice/work", world.grantee("bob"), Level::EditDelete, hide_private);
    world.step("hers");
    world.at("alice", "alice/work").put("same.ics", &event("same", 9, "Hers", &["CLASS:PRIVATE"])).unwrap();
    world.step("his");
    let put = world.at("bob", "alice/work").put("same.ics", &event("same", 10, "His", &[])).unwrap();
    assert!(put.created && put.etag.is_some());
    world
}

#[test]
fn he_gets_his_own_back_and_hers_is_untouched() {
    let world = world();
    let (alice, bob) = (world.at("alice", "alice/work"), world.at("bob", "alice/work"));
    assert_eq!(bob.names(), ["same.ics"]);
    assert!(bob.get("same.ics").unwrap().contains("His"));
    assert!(alice.get("same.ics").unwrap().contains("Hers"));
    let rows = alice.rows().unwrap();
    assert_eq!(rows.len(), 2);
    let displaced = rows.iter().find(|row| row.name() != "same.ics").unwrap();
    assert_eq!(displaced.identity(), Identity::Pseudonym);
    assert!(displaced.rights().edit && displaced.rights().delete);
    let text = alice.get(displaced.name()).unwrap();
    assert!(text.contains("His") && !text.contains("UID:same"));
}

#[test]
fn the_owner_writes_the_later_one_under_its_pseudonyms_and_he_sees_it_under_its_name() {
    let world = world();
    let (alice, bob) = (world.at("alice", "alice/work"), world.at("bob", "alice/work"));
    let name = alice.names().into_iter().find(|name| name != "same.ics").unwrap();
    let text = alice.get(&name).unwrap();
    let put = alice.put(&name, &text.replace("SUMMARY:His", "SUMMARY:Ours")).unwrap();
    assert_eq!((put.created, put.etag), (false, None));
    let his = bob.get("same.ics").unwrap();
    assert!(his.contains("SUMMARY:Ours") && his.contains("UID:same"));
    assert!(alice.get(&name).unwrap().contains("SUMMARY:Ours"));
}

#[test]
fn when_the_first_goes_the_later_one_gets_the_name_and_who_syncs_is_told() {
    let world = world();
    let (alice, bob) = (world.at("alice", "alice/work"), world.at("bob", "alice/work"));
    let pseudonym = alice.names().into_iter().find(|name| name != "same.ics").unwrap();
    let (token, his) = (alice.token(), bob.token());
    alice.delete("same.ics").unwrap();
    assert_eq!(alice.names(), ["same.ics"]);
    assert_eq!(alice.since(&token), (vec!["same.ics".to_owned()], vec![pseudonym]));
    assert!(alice.get("same.ics").unwrap().contains("His"));
    assert_eq!(bob.token(), his);
}

#[test]
fn a_share_that_opens_both_shows_the_later_one_under_its_pseudonyms() {
    let world = world();
    let bob = world.at("bob", "alice/work");
    let token = bob.token();
    world.grant("alice/work", world.grantee("bob"), Level::EditDelete, |grant| {
        grant.private_events = Some(acl::level::GrantPrivateEvents::Show);
    });
    assert!(bob.get("same.ics").unwrap().contains("Hers"));
    let (changed, removed) = bob.since(&token);
    assert_eq!((changed.len(), removed.len()), (2, 0));
    world.grant("alice/work", world.grantee("bob"), Level::EditDelete, hide_private);
    assert!(bob.get("same.ics").unwrap().contains("His"));
    assert_eq!(bob.token(), token);
}

#[test]
fn a_name_alone_or_a_uid_alone_displaces_too() {
    let world = World::new().users(&["alice", "bob"]);
    world.grant("alice/work", world.grantee("bob"), Level::EditDelete, hide_private);
    let (alice, bob) = (world.at("alice", "alice/work"), world.at("bob", "alice/work"));
    alice.put("a.ics", &event("uid-a", 9, "Hers", &["CLASS:PRIVATE"])).unwrap();
    world.step("name");
    bob.put("a.ics", &event("uid-b", 10, "Same name", &[])).unwrap();
    world.step("uid");
    bob.put("c.ics", &event("uid-a", 11, "Same UID", &[])).unwrap();
    assert_eq!(bob.names(), ["a.ics", "c.ics"]);
    let rows = alice.rows().unwrap();
    assert_eq!(rows.iter().filter(|row| row.identity() == Identity::Pseudonym).count(), 2);
    match bob.put("d.ics", &event("uid-a", 12, "Again", &[])) {
        Err(Error::UidConflict { name }) => assert_eq!(name, "c.ics"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_name_that_is_another_s_pseudonym_gives_way() {
    let world = World::new().users(&["alice", "bob"]);
    world.share("alice/work", "bob", Level::Details);
    let (alice, bob) = (world.at("alice", "alice/work"), world.at("bob", "alice/work"));
    alice.put("a.ics", &event("a", 9, "Doctor", &["CLASS:PRIVATE"])).unwrap();
    let pseudonym = bob.names()[0].clone();
    world.step("imitation");
    alice.put(&pseudonym, &event("b", 10, "Imitation", &[])).unwrap();
    assert_eq!(bob.names().len(), 2);
    assert!(bob.get(&pseudonym).unwrap().contains("SUMMARY:Private event"));
    alice.delete("a.ics").unwrap();
    assert!(bob.get(&pseudonym).unwrap().contains("Imitation"));
}

#[test]
fn what_is_renamed_to_a_name_that_stands_already_is_the_later_one() {
    let world = World::new().users(&["alice", "bob"]);
    world.grant("alice/work", world.grantee("bob"), Level::EditDelete, hide_private);
    let (alice, bob) = (world.at("alice", "alice/work"), world.at("bob", "alice/work"));
    world.step("his, older");
    bob.put("draft.ics", &event("his", 10, "His", &[])).unwrap();
    world.step("hers, younger");
    alice.put("plan.ics", &event("hers", 9, "Hers", &["CLASS:PRIVATE"])).unwrap();
    let token = alice.token();
    assert!(bob.move_to("draft.ics", &bob, "plan.ics").unwrap());
    assert_eq!(bob.names(), ["plan.ics"]);
    assert!(alice.get("plan.ics").unwrap().contains("Hers"), "what he cannot see has lost its name to him");
    let (changed, removed) = alice.since(&token);
    assert_eq!((changed.len(), removed), (1, vec!["draft.ics".to_owned()]));
    assert!(alice.get(&changed[0]).unwrap().contains("SUMMARY:His"));
}

#[test]
fn what_travels_under_its_pseudonyms_arrives_with_its_own_uid() {
    let world = world();
    world.calendar("alice/home");
    let (work, home) = (world.at("alice", "alice/work"), world.at("alice", "alice/home"));
    let displaced = work.names().into_iter().find(|name| name != "same.ics").unwrap();
    assert!(work.copy(&displaced, &world.at("alice", "alice/home"), "copy.ics").unwrap());
    assert!(home.get("copy.ics").unwrap().contains("UID:same\r\n"));
    home.delete("copy.ics").unwrap();
    assert!(work.move_to(&displaced, &home, "moved.ics").unwrap());
    assert!(home.get("moved.ics").unwrap().contains("UID:same\r\n"));
    assert_eq!(work.names(), ["same.ics"]);
}

#[test]
fn an_export_keeps_apart_what_a_colleague_put_beside_a_private_event() {
    let world = World::new().users(&["alice", "bob"]);
    world.share("alice/work", "bob", Level::Edit);
    let (alice, bob) = (world.at("alice", "alice/work"), world.at("bob", "alice/work"));
    alice.put("hers.ics", &event("visit", 10, "Doctor", &["CLASS:PRIVATE", "RRULE:FREQ=DAILY;COUNT=3"])).unwrap();
    let lone = event("visit", 10, "Gone", &["RECURRENCE-ID:20261111T100000Z", "STATUS:CANCELLED"]);
    bob.put("hers.ics", &lone).unwrap();
    let files = world.store.administration().export("alice", "work").unwrap();
    let lines = |prefix: &str| -> BTreeSet<String> {
        let texts = files.iter().map(|(_, bytes)| String::from_utf8(bytes.clone()).unwrap());
        texts.flat_map(|text| text.lines().filter(|line| line.starts_with(prefix)).map(str::to_owned).collect::<Vec<_>>()).collect()
    };
    assert_eq!((files.len(), lines("SUMMARY").len(), lines("UID").len()), (2, 2, 2), "{files:?}");
    assert!(lines("UID").contains("UID:visit"));
    let names: BTreeSet<&String> = files.iter().map(|(name, _)| name).collect();
    assert_eq!(names, alice.names().iter().collect(), "as she is shown them");
}
