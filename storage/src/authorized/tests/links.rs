//! Stories of links: the room they take, and who can end those of somebody who is shut out.

use super::world::*;
use crate::Limits;
use crate::administration::ModuleEntry;
use crate::administration::entry::{PolicyEntry, PolicyValue};
use crate::authorized::NewLink;
use crate::error::{Error, Limit};
use acl::Level;
use chrono::{DateTime, TimeDelta, Utc};

fn add(world: &World, until: Option<DateTime<Utc>>) -> crate::error::Result<String> {
    world.step(&format!("link until {until:?}"));
    let new = NewLink { level: Some(Level::Titles), until, note: None };
    world.store.administration().add_link("alice", "work", None, &new).map(|made| made.entry.id)
}

fn listed(world: &World) -> Vec<String> {
    world.door("alice").read(|store| store.links()).unwrap().into_iter().map(|entry| entry.id).collect()
}

#[test]
fn links_past_their_end_make_room_for_new_ones() {
    let limits = Limits { links_per_calendar_max: 2, ..Limits::default() };
    let world = World::with(limits, crate::Directory::Related).users(&["alice"]);
    let soon = world.now() + TimeDelta::hours(1);
    add(&world, Some(soon)).unwrap();
    add(&world, Some(soon + TimeDelta::seconds(1))).unwrap();
    assert!(matches!(add(&world, None), Err(Error::LimitExceeded(Limit::Space))), "both can be used");
    world.pass(TimeDelta::days(1));
    assert_eq!(listed(&world).len(), 2, "ended ones are listed as long as there is room");
    let open = [add(&world, None).unwrap(), add(&world, Some(world.now() + TimeDelta::days(1))).unwrap()];
    let mut left = listed(&world);
    left.sort();
    let mut wanted = open.to_vec();
    wanted.sort();
    assert_eq!(left, wanted);
    assert!(add(&world, Some(world.now() + TimeDelta::days(2))).is_err());
    assert_eq!(world.store.administration().check(&mut |_, _| {}).unwrap().len(), 0);
}

#[test]
fn no_link_ends_in_a_year_that_cannot_be_written() {
    let world = World::new().users(&["alice"]);
    let refused = add(&world, Some(DateTime::<Utc>::MAX_UTC)).unwrap_err().to_string();
    assert!(refused.contains("1970 to 9999"), "{refused}");
}

#[test]
fn an_administrator_lists_and_ends_the_links_of_somebody_who_is_denied_the_module() {
    let world = World::new().users(&["alice"]);
    let id = add(&world, None).unwrap();
    let administration = world.store.administration();
    let denied = ModuleEntry { user: Some("alice".into()), group: None, role: "denied".into() };
    administration.set_module(&denied).unwrap();
    assert_eq!(listed(&world), std::slice::from_ref(&id));
    for calendar in [None, Some(("alice", "work"))] {
        let entries = administration.links(calendar).unwrap();
        assert_eq!(entries.iter().map(|entry| entry.id.as_str()).collect::<Vec<_>>(), [id.as_str()]);
        assert_eq!((entries[0].calendar.as_str(), entries[0].made_by.as_str()), ("alice/work", "alice"));
    }
    administration.remove_link(&id).unwrap();
    assert_eq!(administration.links(None).unwrap(), []);
}

/// To whom the module is denied, what he published stays so: he sees that and ends it, and nothing that others did opens to him.
#[test]
fn whoever_is_denied_the_module_lists_and_ends_the_links_he_made_to_his_own() {
    let world = World::new().users(&["alice", "bob"]);
    let words = [("editors_make_links".to_owned(), PolicyValue::Truth(true))];
    world.store.administration().set_policy(&PolicyEntry(words.into_iter().collect())).unwrap();
    for (calendar, editor) in [("alice/work", "bob"), ("bob/work", "alice")] {
        world.share(calendar, editor, Level::Edit);
        world.at(calendar.split('/').next().unwrap(), calendar).put("a.ics", &event("a", 10, "Plan", &[])).unwrap();
    }
    let hers = add(&world, None).unwrap();
    let to_event = |who: &str, calendar: &str| {
        world.step(&format!("{who} links {calendar}"));
        let (owner, name) = calendar.split_once('/').unwrap();
        let made = world.door(who).write(|store| {
            let resource = store.resolve(owner, &[name, "a.ics"])?;
            store.add_link(&resource, &NewLink::default())
        });
        made.unwrap().entry.id
    };
    let (by_bob, to_bobs) = (to_event("bob", "alice/work"), to_event("alice", "bob/work"));
    assert_eq!(listed(&world).len(), 3);
    world.store.administration().set_module(&ModuleEntry { user: Some("alice".into()), group: None, role: "denied".into() }).unwrap();
    assert_eq!(listed(&world), std::slice::from_ref(&hers));
    let end = |id: &str| world.door("alice").write(|store| store.remove_link(id));
    for id in [&by_bob, &to_bobs, &"0".repeat(32)] {
        assert!(matches!(end(id), Err(Error::NotFound)), "{id}");
    }
    end(&hers).unwrap();
    assert_eq!(listed(&world), Vec::<String>::new());
    assert_eq!(world.store.administration().links(None).unwrap().len(), 2);
}
