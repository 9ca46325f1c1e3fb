//! The journal of a calendar: what its owner learns of what others did, and that nobody learns anything of the journal.

use crate::harness::client::Client;
use crate::harness::{World, event};
use acl::Level;
use serde_json::{Value, json};

const WORK: &str = "/dav/calendars/alice/work/";

fn world() -> World {
    World::new().user("alice").user("bob").user("carol").calendar("alice/work")
}

/// A client of this user that calls itself so.
fn client(world: &World, user: &str, name: &str) -> Client {
    world.client(user).called(name)
}

/// The rows without moments, as programs read them.
fn journal(world: &World) -> Vec<Value> {
    let entries = world.store.administration().journal("alice", "work", None).unwrap();
    let without_moments = |entry| {
        let mut value = serde_json::to_value(entry).unwrap();
        let object = value.as_object_mut().unwrap();
        for key in ["day", "first", "last"] {
            object.remove(key).unwrap();
        }
        value
    };
    let mut rows: Vec<Value> = entries.into_iter().map(without_moments).collect();
    rows.sort_by_key(Value::to_string);
    rows
}

fn rows(world: &World, what: &str) -> Vec<Value> {
    journal(world).into_iter().filter(|row| row["what"] == what).collect()
}

/// Bob moves an event that he may not change. His program says nothing, drops his change and shows the event where it was; he
/// asks Alice, and her journal knows.
#[test]
fn a_refused_write_stands_in_the_journal_under_the_owner_s_name_of_the_event() {
    let world = world().share("alice/work", "bob", Level::Titles);
    world.client("alice").put(&format!("{WORK}standup.ics"), &event("standup", "Stand-up"));
    let bob = client(&world, "bob", "DAVx5/4.4");
    let shown = bob.members(WORK).pop().unwrap();
    assert!(!shown.contains("standup"), "to him it has another name");
    for _ in 0..2 {
        assert_eq!(bob.put(&shown, &event("standup", "Moved")).status, 403);
    }
    assert_eq!(bob.delete(&shown).status, 403);
    assert_eq!(bob.put(&format!("{WORK}new-words-of-bob.ics"), &event("new", "New")).status, 403);
    assert_eq!(bob.send("ACL", WORK, &[], "<D:acl xmlns:D=\"DAV:\"/>").status, 403);
    let row = |count: u64, attempt: &str, lacked: &str, object: Option<&str>| {
        let mut row =
            json!({ "what": "refused", "user": "bob", "client": "DAVx5/4.4", "count": count, "attempt": attempt, "lacked": lacked });
        if let Some(object) = object {
            row["object"] = json!(object);
        }
        row
    };
    let mut expected = vec![
        row(2, "change", "edit", Some("standup.ics")),
        row(1, "delete", "delete", Some("standup.ics")),
        row(1, "create", "create", None),
        row(1, "share", "share", None),
    ];
    expected.sort_by_key(Value::to_string);
    assert_eq!(rows(&world, "refused"), expected);
    // What the owner herself is refused is no news to her.
    assert_eq!(world.client("alice").put(&format!("{WORK}standup.ics"), &event("other", "Other UID")).status, 403);
    assert_eq!(rows(&world, "refused").len(), 4);
    assert_eq!(world.faults(), Vec::<String>::new());
}

/// Alice made an event private. Another program of hers does not know CLASS and writes PUBLIC on all it stores.
#[test]
fn privacy_that_was_kept_against_a_program_is_told() {
    let world = world();
    let path = format!("{WORK}therapy.ics");
    let classed = |class: &str, title: &str| event("therapy", title).replace("BEGIN:VEVENT", &format!("BEGIN:VEVENT\r\nCLASS:{class}"));
    let alice = client(&world, "alice", "Careless/1.0");
    assert_eq!(alice.put(&path, &classed("PRIVATE", "Therapy")).status, 201);
    assert_eq!(rows(&world, "privacy-kept"), Vec::<Value>::new());
    let answer = alice.put(&path, &classed("PUBLIC", "Therapy, moved"));
    assert_eq!((answer.status, answer.header("etag")), (204, None), "what was stored is not what was sent");
    assert!(alice.get(&path).body.contains("CLASS:PRIVATE"));
    let kept = json!({ "what": "privacy-kept", "user": "alice", "client": "Careless/1.0", "count": 1, "object": "therapy.ics" });
    assert_eq!(rows(&world, "privacy-kept"), [kept]);
}

#[test]
fn reads_are_counted_by_day_program_and_level() {
    let mut world = world().share("alice/work", "bob", Level::FreeBusy).share("alice/work", "carol", Level::Edit);
    world.client("alice").put(&format!("{WORK}standup.ics"), &event("standup", "Stand-up"));
    let (bob, carol) = (client(&world, "bob", "khal"), client(&world, "carol", "Thunderbird"));
    let read = |user: &str, client: &str, level: &str, count: u64| {
        let mut row = json!({ "what": "read", "user": user, "level": level, "count": count });
        if !client.is_empty() {
            row["client"] = json!(client);
        }
        row
    };
    bob.get(WORK);
    bob.members(WORK);
    // Whether anything changed is not what is in it, and what is not there cannot be read.
    let token = bob.sync_token(WORK);
    bob.sync(WORK, &token).unwrap();
    assert_eq!(bob.get(&format!("{WORK}absent.ics")).status, 404);
    carol.free_busy(WORK, "20261101T000000Z", "20261201T000000Z");
    carol.get(&format!("{WORK}standup.ics"));
    carol.put(&format!("{WORK}standup.ics"), &event("standup", "Changed"));
    world.client("alice").get(WORK);
    let (details, busy) = (read("carol", "Thunderbird", "details", 1), read("carol", "Thunderbird", "free-busy", 1));
    let all = [details, busy, read("bob", "khal", "free-busy", 2)];
    assert_eq!(rows(&world, "read"), all);
    // The count goes on with the level, a restart in between or not.
    world = world.share("alice/work", "bob", Level::Titles);
    world.reopen();
    let bob = client(&world, "bob", "khal");
    bob.sync(WORK, &token).unwrap();
    bob.get(WORK);
    let counts: Vec<(Value, Value)> = rows(&world, "read").into_iter().map(|row| (row["level"].clone(), row["count"].clone())).collect();
    assert!(counts.contains(&(json!("titles"), json!(2))) && counts.contains(&(json!("free-busy"), json!(2))), "{counts:?}");
    assert_eq!(world.faults(), Vec::<String>::new());
}

#[test]
fn changes_of_grants_are_told_with_who_made_them() {
    let world = world().share("alice/work", "bob", Level::Titles).share("alice/work", "bob", Level::Titles);
    let principal = |name: &str| format!("<D:principal><D:href>/dav/principals/users/{name}/</D:href></D:principal>");
    let body = format!(
        "<D:acl xmlns:D=\"DAV:\"><D:ace>{}<D:grant><D:privilege><D:read/></D:privilege></D:grant></D:ace></D:acl>",
        principal("bob")
    );
    assert_eq!(client(&world, "alice", "Evolution").send("ACL", WORK, &[], &body).status, 200);
    let terms = |level: &str| json!({ "level": level });
    let made = json!({ "what": "grant", "count": 1, "administrator": "apply", "client": "shoji", "for_user": "bob", "before": null, "now": terms("titles") });
    let changed = json!({ "what": "grant", "count": 1, "user": "alice", "client": "Evolution", "for_user": "bob", "before": terms("titles"), "now": terms("details") });
    let found = rows(&world, "grant");
    assert_eq!(found.len(), 2, "what is set to what it is does not change: {found:?}");
    assert!(found.contains(&made) && found.contains(&changed), "{found:?}");
    // With the person his name goes, and what he did stays.
    world.store.administration().remove_user("bob").unwrap();
    let found = rows(&world, "grant");
    assert!(found.iter().any(|row| row["administrator"] == "command" && row["now"].is_null()), "{found:?}");
    assert!(!found.iter().any(|row| row.to_string().contains("bob")), "{found:?}");
    // With the calendar its journal goes, whatever was only counted.
    world.store.administration().delete_calendar("alice", "work").unwrap();
    assert_eq!(world.faults(), Vec::<String>::new());
    assert!(world.store.administration().journal("alice", "work", None).is_err());
}

/// Who opened what by a link, and until when: whoever made it, and whatever ended it. Nothing of it leads to the link itself.
#[test]
fn links_are_told_with_who_made_and_ended_them() {
    let mut world = world().share("alice/work", "bob", Level::Edit);
    let policy = [("editors_make_links".to_owned(), storage::administration::entry::PolicyValue::Truth(true))].into_iter().collect();
    world.store.administration().set_policy(&storage::administration::entry::PolicyEntry(policy)).unwrap();
    let (alice, bob) = (client(&world, "alice", "Firefox"), client(&world, "bob", "curl"));
    alice.put(&format!("{WORK}standup.ics"), &event("standup", "Stand-up"));
    let made = |client: &Client, body: Value| {
        let made = client.api("POST", "links", &body.to_string());
        assert_eq!(made.status, 201, "{}", made.body);
        let made = made.json();
        (made["id"].as_str().unwrap().to_owned(), made["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
    };
    let until = "2027-01-01T00:00:00Z";
    let note = "for the club";
    let (hers, secret) = made(&alice, json!({ "calendar": "alice/work", "level": "titles", "until": until, "note": note }));
    let (his, his_secret) = made(&bob, json!({ "calendar": "alice/work", "object": "standup.ics" }));
    let by_command = world.store.administration().add_link(
        "alice",
        "work",
        None,
        &storage::authorized::NewLink { level: Some(Level::FreeBusy), ..Default::default() },
    );
    let by_command = by_command.unwrap().entry.id;
    let row = |what: &str, who: (&str, &str, &str), link: Value| {
        let mut row = json!({ "what": what, "count": 1, who.0: who.1, "client": who.2 });
        row.as_object_mut().unwrap().extend(link.as_object().unwrap().clone());
        row
    };
    let link_of_hers = json!({ "id": hers, "made_by": "alice", "level": "titles", "until": until });
    let link_of_his = json!({ "id": his, "made_by": "bob", "object": "standup.ics" });
    let commanded = json!({ "id": by_command, "made_by": "alice", "level": "free-busy" });
    let sorted = |mut rows: Vec<Value>| {
        rows.sort_by_key(Value::to_string);
        rows
    };
    assert_eq!(
        rows(&world, "link-made"),
        sorted(vec![
            row("link-made", ("user", "alice", "Firefox"), link_of_hers.clone()),
            row("link-made", ("user", "bob", "curl"), link_of_his.clone()),
            row("link-made", ("administrator", "command", "shoji"), commanded.clone()),
        ])
    );
    assert_eq!(alice.api("DELETE", &format!("links/{hers}"), "").status, 204);
    assert_eq!(alice.delete(&format!("{WORK}standup.ics")).status, 204);
    world.store.administration().remove_link(&by_command).unwrap();
    assert_eq!(
        rows(&world, "link-ended"),
        sorted(vec![
            row("link-ended", ("user", "alice", "Firefox"), link_of_hers),
            row("link-ended", ("user", "alice", "Firefox"), link_of_his),
            row("link-ended", ("administrator", "command", "shoji"), commanded),
        ])
    );
    let all = alice.api("GET", "calendars/alice/work/journal", "").body;
    for kept in [secret.as_str(), his_secret.as_str(), "for the club"] {
        assert!(!all.contains(kept), "{all}");
    }
    assert!(all.contains("link-ended"), "{all}");
    assert_eq!(bob.api("GET", "calendars/alice/work/journal", "").problem().0, 403);
    // One that was past its end has ended long since, and with its maker all his end.
    bob.put(&format!("{WORK}lunch.ics"), &event("lunch", "Lunch"));
    made(&bob, json!({ "calendar": "alice/work", "object": "lunch.ics", "until": "2026-11-03T00:00:00Z" }));
    let (lasting, _) = made(&bob, json!({ "calendar": "alice/work", "object": "lunch.ics" }));
    world.pass(chrono::TimeDelta::days(2));
    world.store.administration().remove_user("bob").unwrap();
    let ended = rows(&world, "link-ended");
    assert_eq!(ended.len(), 4, "{ended:?}");
    assert!(ended.iter().any(|row| row["id"] == lasting && row["made_by"].is_null()), "{ended:?}");
    assert_eq!(world.faults(), Vec::<String>::new());
}

#[test]
fn only_the_owner_reads_the_journal() {
    let world = world().share("alice/work", "bob", Level::EditDelete);
    world.client("bob").called("khal").get(WORK);
    let ask = |user: &str, query: &str| world.client(user).api("GET", &format!("calendars/alice/work/journal{query}"), "");
    let told = ask("alice", "").json();
    let read = &told["journal"][1];
    assert_eq!(
        (read["what"].as_str(), read["user"].as_str(), read["client"].as_str()),
        (Some("read"), Some("bob"), Some("khal")),
        "{told}"
    );
    assert_eq!(ask("alice", "?since=2126-01-01").json(), json!({ "journal": [] }));
    assert_eq!(ask("alice", "?since=soon").problem(), (400, "bad-request".to_owned(), Some("since".to_owned())));
    assert_eq!((ask("bob", "").problem().0, ask("carol", "").problem().0), (403, 404));
    assert_eq!(ask("carol", ""), world.client("carol").api("GET", "calendars/alice/none/journal", ""));
}

/// The journal moves with what others do; nothing that anybody is answered does.
#[test]
fn the_journal_changes_nothing_that_anybody_is_shown() {
    let build = || {
        let world = world().share("alice/work", "bob", Level::Titles).share("alice/work", "carol", Level::FreeBusy);
        world.client("alice").put(&format!("{WORK}standup.ics"), &event("standup", "Stand-up"));
        world
    };
    let (quiet, busy) = (build(), build());
    for number in 0..20 {
        let carol = client(&busy, "carol", &format!("client {number}"));
        carol.get(WORK);
        carol.put(&format!("{WORK}x.ics"), &event("x", "X"));
        busy.store.flush_journal().unwrap();
        busy.store.administration().journal("alice", "work", None).unwrap();
    }
    for user in ["alice", "bob"] {
        let crawl = |world: &World| {
            let client = world.client(user);
            let home = client.propfind(&format!("/dav/calendars/{user}/"), "1", "<D:sync-token/><D:getetag/><D:quota-used-bytes/>");
            (client.sync_token(WORK), client.get(WORK), home, client.propfind(WORK, "1", "<D:getetag/><D:sync-token/>"))
        };
        assert_eq!(crawl(&quiet), crawl(&busy), "{user}");
    }
}
