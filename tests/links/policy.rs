//! What the organisation's policy says of links: caps, people to whom the module is denied, and editors who make links.

use super::{RANDOM, entries, get, link, world};
use crate::harness::{Front, World};
use acl::{Level, Visibility};
use storage::administration::entry::{ModuleEntry, PolicyEntry, PolicyValue};
use storage::administration::{ApplyFile, ApplyOptions, GrantEntry};

fn policy(world: &World, key: &str, value: PolicyValue) {
    let policy = PolicyEntry([(key.to_owned(), value)].into_iter().collect());
    world.store.administration().set_policy(&policy).unwrap();
}

fn place(world: &World, user: &str, role: &str) {
    let module = ModuleEntry { user: Some(user.to_owned()), group: None, role: role.to_owned() };
    let file = ApplyFile { modules: vec![module], ..ApplyFile::default() };
    world.store.administration().apply(&file, ApplyOptions::default()).unwrap().unwrap();
}

#[test]
fn leak_90_to_whom_the_module_is_denied_no_link_shows_anything_while_he_is_signed_in() {
    let world = world();
    let front = Front::new(&world);
    let (bob, stranger) = (front.wire("bob"), front.wire("nobody"));
    let (calendar, _) = link(&world, "alice/work", Some(Level::Details));
    let (visit, _) = link(&world, "alice/work/visit.ics", None);
    let never = bob.ask("GET", RANDOM, &[], "");
    for path in [&calendar, &visit] {
        assert_eq!(bob.ask("GET", path, &[], "").body, get(&stranger, path).body, "signed in or not, a link shows the same");
    }
    place(&world, "bob", "denied");
    let mut compared = 0;
    for path in [&calendar, &visit] {
        for end in ["", ".ics", "?from=nonsense"] {
            for method in ["GET", "HEAD", "OPTIONS", "PROPFIND", "PUT"] {
                let denied = bob.ask(method, &format!("{path}{end}"), &[], "");
                assert_eq!(denied, bob.ask(method, &format!("{RANDOM}{end}"), &[], ""), "{method} {end}");
                compared += 1;
            }
        }
        assert_eq!(bob.ask("GET", path, &[], ""), never);
        assert_eq!(get(&stranger, path).status, 200);
    }
    assert_eq!(compared, 30);
    // Her own calendars stay shared, by link as otherwise; she herself makes no new ones, and sees and ends those she made.
    place(&world, "alice", "denied");
    assert_eq!(get(&stranger, &calendar).status, 200);
    let alice = world.client("alice");
    let listed = alice.api("GET", "links", "").json();
    let listed = listed["link"].as_array().unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|link| link["object"].is_null()), "of her events she is told nothing: {listed:?}");
    assert_eq!(alice.api("POST", "links", "{\"calendar\":\"alice/work\",\"level\":\"titles\"}").problem().0, 404);
    let to_visit = listed.iter().find(|link| link["level"].is_null()).unwrap()["id"].as_str().unwrap();
    assert_eq!(alice.api("DELETE", &format!("links/{to_visit}"), "").status, 204);
    assert_eq!(get(&stranger, &visit), get(&stranger, RANDOM));
    assert_eq!(entries(&world).len(), 1, "who administers the machine sees them all the same");
    place(&world, "bob", "employee");
    assert_eq!(bob.ask("GET", &calendar, &[], "").status, 200);
}

#[test]
fn a_cap_holds_for_links_from_the_next_request_on() {
    let world = world();
    let front = Front::new(&world);
    let stranger = front.wire("nobody");
    let (details, _) = link(&world, "alice/work", Some(Level::Details));
    let (titles, _) = link(&world, "alice/work", Some(Level::Titles));
    let (visit, _) = link(&world, "alice/work/visit.ics", None);
    let sees = |path: &str| {
        let (page, feed) = (get(&stranger, path), get(&stranger, &format!("{path}.ics")));
        let all = page.body + &feed.body;
        match (feed.status, all.contains("figures") || all.contains("secret-words"), all.contains("Budget") || all.contains("Therapy")) {
            (404, ..) => Hidden,
            (_, true, _) => Full,
            (_, false, true) => Title,
            (_, false, false) => FreeBusy,
        }
    };
    use Visibility::{FreeBusy, Full, Hidden, Title};
    assert_eq!([sees(&details), sees(&titles), sees(&visit)], [Full, Title, Full]);
    for (cap, expected) in [
        ("details", [Full, Title, Full]),
        ("titles", [Title, Title, Title]),
        ("free-busy", [FreeBusy, FreeBusy, FreeBusy]),
        ("none", [Hidden, Hidden, Hidden]),
        ("edit-delete", [Full, Title, Full]),
    ] {
        policy(&world, "cap_everyone", PolicyValue::Word(cap.to_owned()));
        assert_eq!([sees(&details), sees(&titles), sees(&visit)], expected, "{cap}");
        if cap == "free-busy" {
            // A calendar at this level is blocks and no events, whatever it was published at.
            let feed = get(&stranger, &format!("{details}.ics")).body;
            assert!(feed.contains("BEGIN:VFREEBUSY") && feed.contains("DTSTART:20261103T090000Z\r\nDTEND:20261103T113000Z"), "{feed}");
        }
    }
}

#[test]
fn an_editor_links_events_that_are_not_private_if_policy_lets_him_and_no_longer_than_he_may_edit() {
    let mut world = world();
    let share = |world: &mut World, level| {
        world.grant(GrantEntry { calendar: "alice/work".into(), user: Some("bob".into()), level: Some(level), ..GrantEntry::default() });
    };
    share(&mut world, Level::Edit);
    let front = Front::new(&world);
    let stranger = front.wire("nobody");
    let bob = world.client("bob");
    let meeting = "{\"calendar\":\"alice/work\",\"object\":\"meeting.ics\"}";
    assert_eq!(bob.api("POST", "links", meeting).problem().0, 403, "policy does not let editors make links");
    policy(&world, "editors_make_links", PolicyValue::Truth(true));
    let made = bob.api("POST", "links", meeting);
    assert_eq!(made.status, 201, "{}", made.body);
    let path = made.json()["url"].as_str().unwrap().to_owned();
    let sees = || get(&stranger, &path).status;
    assert!(get(&stranger, &path).body.contains("Bring the figures"));
    // Not the calendar, and not what is private, under whatever name he is shown it.
    assert_eq!(bob.api("POST", "links", "{\"calendar\":\"alice/work\",\"level\":\"free-busy\"}").problem().0, 403);
    for shown in bob.members("/dav/calendars/alice/work/") {
        let name = shown.rsplit('/').next().unwrap().to_owned();
        if !["meeting.ics", "series.ics"].contains(&name.as_str()) {
            let answer = bob.api("POST", "links", &format!("{{\"calendar\":\"alice/work\",\"object\":\"{name}\"}}"));
            assert_eq!(answer.problem().0, 403, "{name}");
        }
    }
    assert_eq!(bob.api("POST", "links", "{\"calendar\":\"alice/work\",\"object\":\"visit.ics\"}").problem().0, 404);
    // Both see it in their lists, and she sees who made it.
    let alice = world.client("alice");
    for client in [&alice, &bob] {
        let listed = client.api("GET", "links", "").json();
        assert_eq!((listed["link"][0]["made_by"].as_str(), listed["link"][0]["object"].as_str()), (Some("bob"), Some("meeting.ics")));
    }
    // It lasts as long as he could make it.
    share(&mut world, Level::Details);
    assert_eq!(sees(), 404);
    assert_eq!(get(&stranger, &path), get(&stranger, RANDOM));
    share(&mut world, Level::EditDelete);
    assert_eq!(sees(), 200);
    policy(&world, "editors_make_links", PolicyValue::Truth(false));
    assert_eq!(sees(), 404);
    policy(&world, "editors_make_links", PolicyValue::Truth(true));
    place(&world, "bob", "denied");
    assert_eq!(sees(), 404);
    place(&world, "bob", "employee");
    assert_eq!(sees(), 200);
    let text = alice.get("/dav/calendars/alice/work/meeting.ics").body;
    assert_eq!(alice.put("/dav/calendars/alice/work/meeting.ics", &text.replace("SUMMARY", "CLASS:PRIVATE\r\nSUMMARY")).status, 204);
    assert_eq!(sees(), 404, "what became private is hers alone to link");
    // She ends what he made; what he made ends with him.
    let id = entries(&world)[0].id.clone();
    assert_eq!(alice.api("DELETE", &format!("links/{id}"), "").status, 204);
    let series = bob.api("POST", "links", "{\"calendar\":\"alice/work\",\"object\":\"series.ics\"}").json();
    let path = series["url"].as_str().unwrap().to_owned();
    assert_eq!(get(&stranger, &path).status, 200);
    let again = bob.api("POST", "links", "{\"calendar\":\"alice/work\",\"object\":\"series.ics\"}").json();
    assert_eq!(bob.api("DELETE", &format!("links/{}", again["id"].as_str().unwrap()), "").status, 204);
    world.store.administration().remove_user("bob").unwrap();
    assert_eq!((get(&stranger, &path).status, entries(&world).len()), (404, 0));
    assert_eq!(world.faults(), Vec::<String>::new());
}
