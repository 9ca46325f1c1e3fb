//! Calendars that others opened: found, added, hidden, left, and brought back; and nothing told of them that they do not tell.

use super::world;
use crate::harness::{Answer, Client, World};
use acl::Level;
use serde_json::{Value, json};
use storage::administration::GrantEntry;

fn everyone(world: &mut World, calendar: &str, level: Level) {
    world.grant(GrantEntry { calendar: calendar.into(), everyone: Some(true), level: Some(level), ..GrantEntry::default() });
}

fn list(client: &Client) -> Vec<Value> {
    let answer = client.api("GET", "available", "");
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["available"].as_array().unwrap().clone()
}

fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

fn set(client: &Client, id: &str, state: &str) -> Answer {
    client.api("PUT", &format!("available/{id}"), &json!({ "state": state }).to_string())
}

/// Calendars listed in one's own home, his own left out.
fn mounted(client: &Client) -> Vec<String> {
    let home = format!("/dav/calendars/{}/", client.user);
    client.members(&home).into_iter().filter(|href| !href.ends_with("/default/")).collect()
}

fn answers(client: &Client, path: &str) -> u16 {
    client.propfind(path, "0", "<D:displayname/>").status
}

#[test]
fn what_is_shared_with_everyone_is_listed_and_stands_in_the_home_when_it_is_added() {
    let mut world = world();
    everyone(&mut world, "alice/default", Level::Details);
    let carol = world.client("carol");
    assert_eq!(mounted(&carol), Vec::<String>::new());
    let all = list(&carol);
    let [one] = &all[..] else { panic!("{all:?}") };
    let id = word(one, "id").to_owned();
    assert_eq!(
        *one,
        json!({"id": id, "name": "default", "owner": "alice", "owner_name": "Name of alice", "state": "available", "sees": "details",
               "may": [], "owner_path": "/dav/calendars/alice/default/"})
    );
    let token = carol.sync_token("/dav/calendars/carol/");
    let added = set(&carol, &id, "added");
    let path = format!("/dav/calendars/carol/{id}/");
    assert_eq!((added.status, word(&added.json(), "state"), word(&added.json(), "path")), (200, "added", path.as_str()));
    assert_eq!(mounted(&carol), std::slice::from_ref(&path));
    assert!(carol.sync("/dav/calendars/carol/", &token).unwrap().0.contains_key(&path), "her client finds it by itself");
    assert_eq!(set(&carol, &id, "default").json()["state"], "available");
    assert_eq!(mounted(&carol), Vec::<String>::new());
    assert_eq!(world.faults(), Vec::<String>::new());
}

#[test]
fn a_hidden_calendar_leaves_the_home_keeps_what_is_ones_own_and_comes_back() {
    let world = world();
    let bob = world.client("bob");
    let [path] = &mounted(&bob)[..] else { panic!("{:?}", mounted(&bob)) };
    let id = path.trim_end_matches('/').rsplit('/').next().unwrap();
    let name = "<D:propertyupdate xmlns:D=\"DAV:\"><D:set><D:prop><D:displayname>Boss</D:displayname></D:prop></D:set></D:propertyupdate>";
    assert_eq!(bob.send("PROPPATCH", path, &[], name).status, 207);
    let grants = world.store.administration().grants(None).unwrap();
    let token = bob.sync_token("/dav/calendars/bob/");
    let hidden = set(&bob, id, "hidden").json();
    assert_eq!((word(&hidden, "state"), word(&hidden, "path"), word(&hidden, "name")), ("hidden", path.as_str(), "Boss"));
    assert_eq!(mounted(&bob), Vec::<String>::new());
    assert_eq!(bob.sync("/dav/calendars/bob/", &token).unwrap().1, std::slice::from_ref(path), "his client takes it away");
    assert_eq!((answers(&bob, path), answers(&bob, "/dav/calendars/alice/work/")), (207, 207));
    let back = set(&bob, id, "added").json();
    assert_eq!((word(&back, "state"), word(&back, "name")), ("added", "Boss"));
    assert_eq!(mounted(&bob), std::slice::from_ref(path));
    assert_eq!(world.store.administration().grants(None).unwrap(), grants, "nobody's share has changed");
    assert_eq!(world.faults(), Vec::<String>::new());
}

#[test]
fn a_calendar_left_by_a_client_s_delete_comes_back_here() {
    let world = world();
    let bob = world.client("bob");
    let [path] = &mounted(&bob)[..] else { panic!("{:?}", mounted(&bob)) };
    assert_eq!(bob.delete(path).status, 204);
    assert_eq!(answers(&bob, path), 404);
    let left = list(&bob);
    let id = word(&left[0], "id");
    assert_eq!((word(&left[0], "state"), word(&left[0], "path")), ("left", ""));
    assert_eq!(set(&bob, id, "default").json()["state"], "added");
    assert_eq!((mounted(&bob), answers(&bob, path)), (vec![path.clone()], 207));
    assert_eq!(set(&bob, id, "left").json()["state"], "left");
    assert_eq!((mounted(&bob), answers(&bob, path)), (vec![], 404));
    // A hidden one is left as a listed one is.
    set(&bob, id, "hidden");
    assert_eq!(bob.delete(path).status, 204);
    assert_eq!(word(&list(&bob)[0], "state"), "left");
}

/// Whoever sees less than details is not told the calendar's own name or path, here as elsewhere; nor who else is.
#[test]
fn below_details_a_calendar_is_listed_by_its_owner_alone() {
    let mut world = world();
    world.grant(GrantEntry {
        calendar: "alice/work".into(),
        group: Some("team".into()),
        level: Some(Level::FreeBusy),
        ..GrantEntry::default()
    });
    everyone(&mut world, "alice/default", Level::FreeBusy);
    for (user, sees) in [("bob", "titles"), ("dan", "free-busy")] {
        let client = world.client(user);
        let answer = client.api("GET", "available", "");
        for word in ["work", "default", "team", "everyone", "owner_path"] {
            assert!(!answer.body.contains(word), "{user} met {word}: {}", answer.body);
        }
        let all = list(&client);
        let mut names: Vec<&str> = all.iter().map(|one| word(one, "name")).collect();
        names.sort_unstable();
        assert_eq!(names, ["Name of alice", "Name of alice 2"]);
        assert!(all.iter().any(|one| word(one, "sees") == sees && word(one, "state") == "added"), "{all:?}");
    }
    for (level, sees, may) in [
        (Level::Details, "details", json!([])),
        (Level::Edit, "details", json!(["create", "edit"])),
        (Level::EditDelete, "details", json!(["create", "edit", "delete"])),
    ] {
        let world = super::world().share("alice/work", "bob", level);
        let all = list(&world.client("bob"));
        assert_eq!((word(&all[0], "sees"), &all[0]["may"]), (sees, &may));
    }
}

/// An open organisation opens everything to everybody: a list of it all would have no bound.
#[test]
fn much_is_listed_a_part_at_a_time_and_what_is_not_shown_makes_no_difference() {
    let mut world = World::with_limits(storage::Limits { available_max: 3, ..storage::Limits::default() });
    for user in ["alice", "bob", "carol", "dan", "erin"] {
        world = world.user(user);
    }
    let (mut listed, mut asked) = (Vec::new(), 0);
    let bob = world.client("bob");
    for calendar in ["alice/default", "alice/a", "carol/default", "carol/c", "erin/default"] {
        if !calendar.ends_with("/default") {
            world = world.calendar(calendar);
        }
        everyone(&mut world, calendar, Level::Details);
    }
    let mut path = "available".to_owned();
    loop {
        let page = bob.api("GET", &path, "").json();
        asked += 1;
        let page_entries = page["available"].as_array().unwrap().clone();
        listed.extend(page_entries.iter().map(|one| format!("{}/{}", word(one, "owner"), word(one, "name"))));
        match page["next"].as_str() {
            Some(next) => path = next.strip_prefix("/api/v1/").unwrap().to_owned(),
            None => break,
        }
        assert_eq!(path, "available?after=carol", "alice's two and all of carol's");
    }
    assert_eq!((asked, listed.len()), (2, 5), "{listed:?}");
    assert_eq!(listed, ["alice/a", "alice/default", "carol/c", "carol/default", "erin/default"]);
    assert_eq!(bob.api("GET", "available?owner=erin&after=alice", "").json()["available"].as_array().unwrap().len(), 1);
    // Nothing of erin's is open to him: it is as if she had nothing, and there is no next.
    let grant = GrantEntry { calendar: "erin/default".into(), everyone: Some(true), ..GrantEntry::default() };
    world.store.administration().remove_grant(&grant).unwrap();
    assert!(bob.api("GET", "available", "").json().get("next").is_none());
    let id = word(&list(&bob)[0], "id").to_owned();
    assert_eq!(set(&bob, &id, "added").status, 200);
}

#[test]
fn what_is_not_open_to_him_is_not_there_to_decide_about() {
    let mut world = world();
    let (bob, carol) = (world.client("bob"), world.client("carol"));
    let id = word(&list(&bob)[0], "id").to_owned();
    // Another's name for it is nothing to her.
    for id in [id.as_str(), "aaaaaaaaaaaaaaaaaaaaaaaaaa", "default", "work"] {
        assert_eq!(carol.api("GET", &format!("available/{id}"), "").problem().0, 404);
        assert_eq!(set(&carol, id, "added").problem().0, 404);
    }
    assert_eq!(carol.api("GET", "available?owner=alice", "").body, carol.api("GET", "available?owner=nobody", "").body);
    assert_eq!(bob.api("GET", "available?owner=alice", "").body, bob.api("GET", "available", "").body);
    assert_eq!(set(&bob, &id, "mine").problem(), (400, "bad-request".to_owned(), Some("state".to_owned())));
    // One's own is no other's.
    assert_eq!(list(&world.client("alice")), Vec::<Value>::new());
    // A share that ends takes the decision with it: a new one is a new one.
    set(&bob, &id, "hidden");
    world
        .store
        .administration()
        .remove_grant(&GrantEntry { calendar: "alice/work".into(), user: Some("bob".into()), ..GrantEntry::default() })
        .unwrap();
    assert_eq!((list(&bob), set(&bob, &id, "added").problem().0), (vec![], 404));
    world.grant(GrantEntry {
        calendar: "alice/work".into(),
        user: Some("bob".into()),
        level: Some(Level::Titles),
        ..GrantEntry::default()
    });
    assert_eq!(word(&list(&bob)[0], "state"), "added");
}
