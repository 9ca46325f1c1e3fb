//! Properties: everyone's own, over what the owner lets be seen.

use super::world::{Eyes, World, event};
use crate::authorized::property::PropertyTarget;
use crate::authorized::{PropertyKey, Resource};
use crate::error::{Error, Result};
use acl::Level;
use std::collections::BTreeMap;

fn shown(eyes: &Eyes) -> BTreeMap<PropertyKey, String> {
    eyes.read(|store, calendar| store.properties(&PropertyTarget::Resource(&Resource::Calendar(calendar.clone())))).unwrap()
}

fn set(eyes: &Eyes, key: PropertyKey, value: Option<&str>) {
    let updates = [(key, value.map(str::to_owned))];
    eyes.write(|store, calendar| store.update_properties(&PropertyTarget::Resource(&Resource::Calendar(calendar.clone())), &updates))
        .unwrap();
}

fn set_on_object(eyes: &Eyes, name: &str, value: &str) -> Result<()> {
    let key = PropertyKey::Dead { namespace: "urn:x".to_owned(), name: "note".to_owned() };
    eyes.write(|store, calendar| {
        let row = store.row(calendar, name)?;
        let resource = Resource::Object(calendar.clone(), row);
        store.update_properties(&PropertyTarget::Resource(&resource), &[(key, Some(value.to_owned()))])
    })
}

fn object_properties(eyes: &Eyes, name: &str) -> usize {
    eyes.read(|store, calendar| {
        let row = store.row(calendar, name)?;
        Ok(store.properties(&PropertyTarget::Resource(&Resource::Object(calendar.clone(), row)))?.len())
    })
    .unwrap()
}

/// GNOME's accounts listed nothing: evolution-data-server 3.46 leaves out a calendar without a display name, and `default`,
/// which everyone has, was given none.
#[test]
fn a_calendar_that_nobody_named_bears_the_name_in_its_path() {
    let world = World::new().users(&["alice", "bob"]);
    let alice = world.at("alice", "alice/work");
    assert_eq!(shown(&alice)[&PropertyKey::DisplayName], "work");
    set(&alice, PropertyKey::DisplayName, Some("hers"));
    assert_eq!(shown(&alice)[&PropertyKey::DisplayName], "hers");
    set(&alice, PropertyKey::DisplayName, None);
    assert_eq!(shown(&alice)[&PropertyKey::DisplayName], "work");
    world.share("alice/work", "bob", Level::Details);
    assert_eq!(shown(&world.at("bob", "alice/work"))[&PropertyKey::DisplayName], "work");
}

#[test]
fn a_grantee_sees_the_owner_s_name_and_colour_from_details_up_and_never_her_zone_or_order() {
    let world = World::new().users(&["alice", "bob"]);
    let alice = world.at("alice", "alice/work");
    let dead = PropertyKey::Dead { namespace: "urn:x".to_owned(), name: "note".to_owned() };
    for key in [PropertyKey::DisplayName, PropertyKey::Description, PropertyKey::Color, PropertyKey::Order, PropertyKey::TimeZone, dead] {
        set(&alice, key, Some("hers"));
    }
    world.share("alice/work", "bob", Level::Details);
    let bob = world.at("bob", "alice/work");
    let keys: Vec<PropertyKey> = shown(&bob).into_keys().collect();
    assert_eq!(keys, [PropertyKey::DisplayName, PropertyKey::Description, PropertyKey::Color]);
    world.share("alice/work", "bob", Level::Titles);
    let reduced = shown(&bob);
    assert_eq!(reduced[&PropertyKey::DisplayName], "Name of alice");
    assert!(reduced.values().all(|value| value != "hers") && reduced.len() == 2);
    set(&bob, PropertyKey::DisplayName, Some("his"));
    assert_eq!(shown(&bob)[&PropertyKey::DisplayName], "his");
    assert_eq!(shown(&alice)[&PropertyKey::DisplayName], "hers");
    assert_eq!(shown(&world.at_mount("bob")), shown(&bob));
    set(&bob, PropertyKey::DisplayName, None);
    assert_eq!(shown(&bob)[&PropertyKey::DisplayName], "Name of alice");
}

#[test]
fn several_reduced_calendars_of_one_owner_are_numbered() {
    let world = World::new().users(&["alice", "bob"]);
    for name in ["one", "two"] {
        world.calendar(&format!("alice/{name}"));
        world.share(&format!("alice/{name}"), "bob", Level::FreeBusy);
    }
    let mut names: Vec<String> =
        ["one", "two"].iter().map(|name| shown(&world.at("bob", &format!("alice/{name}")))[&PropertyKey::DisplayName].clone()).collect();
    names.sort();
    assert_eq!(names, ["Name of alice", "Name of alice 2"]);
}

/// Each member of a home that is shown without its name was compared with all others of its owner: the square of them.
#[test]
fn reduced_calendars_of_a_home_bear_the_same_numbers_in_one_look_as_one_by_one() {
    let world = World::new().users(&["alice", "bob", "erin"]);
    for number in 0..12 {
        for owner in ["alice", "erin"] {
            world.calendar(&format!("{owner}/c{number}"));
            let level = if number % 4 == 3 { Level::Details } else { Level::Titles };
            world.share(&format!("{owner}/c{number}"), "bob", level);
        }
    }
    let name_of = |store: &crate::authorized::AuthorizedStore<'_>, member: &Resource| {
        Ok::<_, Error>(store.properties(&PropertyTarget::Resource(member))?.remove(&PropertyKey::DisplayName).unwrap())
    };
    let members = |store: &crate::authorized::AuthorizedStore<'_>| match store.resolve("bob", &[])? {
        Resource::Home(home) => store.home_members(&home),
        _ => Err(Error::NotFound),
    };
    let bob = world.door("bob");
    let together: Vec<String> =
        bob.read(|store| members(store)?.iter().map(|member| name_of(store, member)).collect::<Result<_, Error>>()).unwrap();
    let alone: Vec<String> = (0..together.len()).map(|at| bob.read(|store| name_of(store, &members(store)?[at])).unwrap()).collect();
    assert_eq!(together, alone);
    // Mounts are listed by name, which is the order of the numbers.
    for owner in ["alice", "erin"] {
        let plain: Vec<&String> = together.iter().filter(|name| name.starts_with(&format!("Name of {owner}"))).collect();
        let expected = |number: usize| if number == 1 { format!("Name of {owner}") } else { format!("Name of {owner} {number}") };
        assert_eq!(plain, (1..=9).map(expected).collect::<Vec<_>>().iter().collect::<Vec<_>>());
    }
    // A grant that goes renumbers those that stay, and is told at the next look.
    world.share("alice/c0", "bob", Level::Details);
    let later = bob.read(|store| members(store)?.iter().map(|member| name_of(store, member)).collect::<Result<Vec<_>, Error>>()).unwrap();
    assert_eq!(later.iter().filter(|name| name.starts_with("Name of alice")).count(), 8);
    assert!(!later.contains(&"Name of alice 9".to_owned()));
}

#[test]
fn dead_properties_of_objects_are_each_viewer_s_and_only_where_all_is_shown() {
    let world = World::new().users(&["alice", "bob"]);
    let alice = world.at("alice", "alice/work");
    alice.put("a.ics", &event("a", 9, "A", &[])).unwrap();
    set_on_object(&alice, "a.ics", "hers").unwrap();
    world.share("alice/work", "bob", Level::Details);
    let bob = world.at("bob", "alice/work");
    assert_eq!((object_properties(&alice, "a.ics"), object_properties(&bob, "a.ics")), (1, 0));
    set_on_object(&bob, "a.ics", "his").unwrap();
    assert_eq!(object_properties(&bob, "a.ics"), 1);
    world.share("alice/work", "bob", Level::FreeBusy);
    let name = bob.names()[0].clone();
    assert_eq!(object_properties(&bob, &name), 0);
    assert!(matches!(set_on_object(&bob, &name, "again"), Err(Error::Denied { .. })));
}

#[test]
fn properties_have_a_limit() {
    let world = World::new().users(&["alice"]);
    let alice = world.at("alice", "alice/work");
    let long = "x".repeat(crate::Limits::default().property_bytes_max + 1);
    let updates = [(PropertyKey::Description, Some(long)), (PropertyKey::DisplayName, Some("new".to_owned()))];
    let refused =
        alice.write(|store, calendar| store.update_properties(&PropertyTarget::Resource(&Resource::Calendar(calendar.clone())), &updates));
    assert!(matches!(refused, Err(Error::LimitExceeded(_))));
    assert_eq!(shown(&alice)[&PropertyKey::DisplayName], "work");
}
