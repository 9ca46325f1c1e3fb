//! What is open to somebody under each mode of the organisation, found the short way and by asking for each.

use super::world::*;
use crate::administration::entry::{PolicyEntry, PolicyValue};
use crate::administration::{ModuleEntry, RoleExceptionEntry};
use crate::authorized::PrincipalKind;
use crate::{Directory, Limits};
use acl::{Grantee, Level};
use std::collections::BTreeSet;

const PEOPLE: [&str; 7] = ["alice", "bob", "carol", "dan", "erin", "frank", "grace"];

fn organisation() -> World {
    let limits = Limits { available_max: 2, ..Limits::default() };
    let world = World::with(limits, Directory::Related).users(&PEOPLE);
    world.calendar("alice/home");
    let administration = world.store.administration();
    for (role, above, user) in [("board", None, "bob"), ("sales", Some("board"), "alice"), ("support", None, "carol")] {
        administration.add_role(role, above).unwrap();
        administration.give_role(role, &[user.to_owned()]).unwrap();
    }
    let (owner_role, viewer_role, permission) = ("sales".into(), "support".into(), "read".into());
    administration.set_role_exception(&RoleExceptionEntry { owner_role, viewer_role, permission }).unwrap();
    for (user, role) in [("dan", "admin"), ("erin", "denied")] {
        administration.set_module(&ModuleEntry { user: Some(user.into()), group: None, role: role.into() }).unwrap();
    }
    world.share("erin/work", "frank", Level::Titles);
    world.grant("frank/work", Grantee::Everyone, Level::FreeBusy, |_| ());
    world.grant("grace/work", world.grantee("frank"), Level::None, |_| ());
    world
}

fn set(world: &World, key: &str, word: &str) {
    let policy = PolicyEntry([(key.to_owned(), PolicyValue::Word(word.to_owned()))].into_iter().collect());
    world.store.administration().set_policy(&policy).unwrap();
}

/// What opens the organisation is decided once for all, and looked for only where it can be: nobody misses a calendar by that,
/// or meets one more, and the list of people is that of their owners.
#[test]
fn whatever_the_mode_the_short_way_finds_what_asking_for_each_does() {
    let world = organisation();
    let mut found = BTreeSet::new();
    for mode in ["off", "private", "public-read", "public-edit", "public-edit-delete"] {
        for content in ["none", "break-glass", "full"] {
            set(&world, "mode", mode);
            set(&world, "admin_content", content);
            for viewer in PEOPLE {
                let door = world.door(viewer);
                let homes = PEOPLE.iter().filter(|owner| **owner != viewer);
                let paths = homes.flat_map(|owner| ["work", "home"].map(|name| (*owner, name)));
                let reached: BTreeSet<_> = paths.filter(|(owner, name)| door.read(|store| store.resolve(owner, &[name])).is_ok()).collect();
                let owners: BTreeSet<&str> = reached.iter().map(|(owner, _)| *owner).collect();
                let mut listed = Vec::new();
                let mut after: Option<String> = None;
                loop {
                    let page = door.read(|store| store.available(None, after.as_deref())).unwrap();
                    assert!(page.entries.len() <= 3, "two, and all of the last owner's");
                    listed.extend(page.entries.into_iter().map(|one| one.calendar.owner().to_owned()));
                    match page.next {
                        Some(next) => assert!(after.replace(next) < after, "it goes on"),
                        None => break,
                    }
                }
                assert_eq!(listed.len(), reached.len(), "{mode} {content} {viewer}: {listed:?} {reached:?}");
                assert!(listed.is_sorted() && listed.iter().all(|owner| owners.contains(owner.as_str())));
                let people = door.read(|store| store.principals()).unwrap();
                let people: BTreeSet<String> =
                    people.into_iter().filter(|one| one.kind == PrincipalKind::User && !one.is_viewer).map(|one| one.name).collect();
                // And whom he shares with.
                let mut expected: BTreeSet<String> = owners.iter().map(|owner| (*owner).to_owned()).collect();
                expected.extend(match viewer {
                    "grace" => Some("frank".to_owned()),
                    _ => None,
                });
                assert_eq!(people, expected, "{mode} {content} {viewer}");
                found.insert((mode, viewer, reached.len()));
            }
        }
    }
    for some in
        [("off", "frank", 1), ("private", "bob", 3), ("private", "carol", 3), ("public-read", "grace", 7), ("public-read", "erin", 0)]
    {
        assert!(found.contains(&some), "{some:?} {found:?}");
    }
}
