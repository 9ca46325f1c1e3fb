//! Explanations: they say what is shown, name every source, and tell an owner nothing of a person that she cannot know.

use crate::harness::World;
use crate::harness::cast::{self, Item, PEOPLE, WORK};
use acl::{Level, Visibility};
use serde_json::Value;
use std::collections::BTreeSet;
use storage::administration::{ApplyFile, ApplyOptions, GrantEntry};

fn word(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Hidden => "hidden",
        Visibility::FreeBusy => "free-busy",
        Visibility::Title => "title",
        Visibility::Full => "full",
    }
}

fn explained(world: &World, calendar: &str, viewer: &str, object: Option<&str>) -> Value {
    let (owner, name) = calendar.split_once('/').unwrap();
    serde_json::to_value(world.store.administration().explain(viewer, owner, name, object).unwrap()).unwrap()
}

#[test]
fn what_is_explained_is_what_is_shown() {
    let items: Vec<Item> = cast::items(34, 1, 12);
    let world = cast::world_with(&items);
    let alice = world.client("alice");
    let mut compared = 0;
    for person in &PEOPLE {
        let told = explained(&world, WORK, person.name, None);
        assert_eq!(told["reaches"], person.reaches(), "{}", person.name);
        assert_eq!(
            (told["standard"]["visibility"].as_str(), told["private"]["visibility"].as_str()),
            (Some(word(person.standard)), Some(word(person.private)))
        );
        let rights = |cell: &Value| (told["create"] == true, cell["edit"] == true, cell["delete"] == true);
        assert_eq!(rights(&told["standard"]), (person.create, person.edit, person.delete), "{}", person.name);
        let listed: BTreeSet<String> = match cast::mount(&world, person) {
            Some(path) => world.client(person.name).members(&path).iter().map(|href| href.rsplit('/').next().unwrap().to_owned()).collect(),
            None => BTreeSet::new(),
        };
        let mut shown = BTreeSet::new();
        for item in &items {
            let told = explained(&world, WORK, person.name, Some(&item.name));
            let object = &told["object"];
            assert_eq!(object["name"], item.name.as_str());
            shown.extend(object["shown_as"].as_str().map(str::to_owned));
            let seen = object["components"].as_array().unwrap().iter().any(|component| component["shown"] != "hidden");
            assert_eq!(seen, !object["shown_as"].is_null(), "{object}");
            if person.name != "member" && person.name != "stranger" {
                let over_http =
                    alice.api("GET", &format!("calendars/{WORK}/explain?viewer={}&object={}", person.name, item.name), "").json();
                assert_eq!(over_http["object"], *object, "{}", person.name);
            }
            compared += 1;
        }
        assert_eq!(shown, listed, "{}", person.name);
    }
    println!("{compared} explanations");
    assert!(compared > 100);
    // By UID too, and not at all for what is not there.
    let told = explained(&world, WORK, "busy", Some(&format!("canary-u-{}@example.org", items[0].number)));
    assert!(told["object"]["name"] == items[0].name.as_str() || told["object"].is_null());
    let (owner, name) = WORK.split_once('/').unwrap();
    assert!(world.store.administration().explain("busy", owner, name, Some("none.ics")).is_err());
}

/// Dan's role stands above Alice's, and Bob has a share by a group of hers. The administrator is told all of it; Alice, who asks
/// about each, is told of the group she chose herself, and of the rest that there are rules.
#[test]
fn an_owner_is_told_no_more_of_a_person_than_she_can_know() {
    let mut world = World::new().user("alice").user("bob").user("dan").calendar("alice/work").group("secret-society", &["bob", "dan"]);
    world = world.group("team", &["alice", "bob", "dan"]);
    let organisation: ApplyFile = toml::from_str(
        "[policy]\nmode = \"public-read\"\n[[role]]\nname = \"secret-board\"\nmembers = [\"dan\"]\n\
         [[role]]\nname = \"secret-staff\"\nreports_to = \"secret-board\"\nmembers = [\"alice\"]\n",
    )
    .unwrap();
    world.store.administration().apply(&organisation, ApplyOptions::default()).unwrap().unwrap();
    world.grant(GrantEntry {
        calendar: "alice/work".into(),
        group: Some("team".into()),
        level: Some(Level::FreeBusy),
        ..GrantEntry::default()
    });
    let kinds = |told: &Value| -> Vec<String> {
        told["sources"].as_array().unwrap().iter().map(|source| source["source"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds(&explained(&world, "alice/work", "dan", None)), ["grant", "mode", "superior"]);
    assert_eq!(kinds(&explained(&world, "alice/work", "bob", None)), ["grant", "mode"]);
    let ask = |user: &str, viewer: &str| world.client(user).api("GET", &format!("calendars/alice/work/explain?viewer={viewer}"), "");
    for viewer in ["bob", "dan"] {
        let answer = ask("alice", viewer);
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(kinds(&answer.json()), ["grant", "organisation"]);
        assert_eq!(answer.json()["sources"][0]["group"], "team");
        for kept in ["secret", "superior", "mode", "public-read", "role"] {
            assert!(!answer.body.contains(kept), "{kept}: {}", answer.body);
        }
        // What holds is hers to know all the same.
        assert_eq!(answer.json()["standard"]["visibility"], "full");
    }
    assert_eq!(ask("alice", "dan").json()["standard"]["delete"], true);
    for viewer in ["alice", "bob", "dan", "nobody"] {
        assert_eq!(ask("bob", viewer).problem().0, 403);
        assert_eq!(ask("bob", viewer), ask("bob", "nobody"));
    }
    let stranger = World::new().user("alice").user("carol").calendar("alice/work");
    let ask = |user: &str, path: &str| stranger.client(user).api("GET", path, "");
    assert_eq!(ask("carol", "calendars/alice/work/explain?viewer=carol"), ask("carol", "calendars/alice/none/explain?viewer=carol"));
    assert_eq!(ask("alice", "calendars/alice/work/explain?viewer=carol"), ask("alice", "calendars/alice/work/explain?viewer=nobody"));
}

/// A share ends by itself: the explanation says when, and what will hold then holds then.
#[test]
fn what_will_change_by_itself_changes_so() {
    let mut world = World::new().user("alice").user("bob").calendar("alice/work");
    let until = world.now() + chrono::TimeDelta::hours(3);
    let grant =
        GrantEntry { calendar: "alice/work".into(), user: Some("bob".into()), level: Some(Level::Details), ..GrantEntry::default() };
    world.grant(GrantEntry { until: Some(until), ..grant });
    let before = explained(&world, "alice/work", "bob", None);
    let later = &before["later"][0];
    assert_eq!((before["reaches"] == true, later["reaches"] == false, before["later"].as_array().unwrap().len()), (true, true, 1));
    assert_eq!(later["at"].as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap(), until);
    world.pass(chrono::TimeDelta::hours(3));
    let after = explained(&world, "alice/work", "bob", None);
    assert_eq!((&after["reaches"], &after["standard"], &after["later"]), (&later["reaches"], &later["standard"], &serde_json::json!([])));
    assert_eq!(after["sources"][0]["state"], "expired");
    assert_eq!(world.client("bob").propfind("/dav/calendars/alice/work/", "0", "<D:displayname/>").status, 404);
}
