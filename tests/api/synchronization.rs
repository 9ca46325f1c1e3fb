//! What of alice's own calendar goes to a calendar elsewhere and comes back: what an administrator enabled and she switched on,
//! and nothing that only one of them said.

use super::world;
use crate::harness::{World, event};
use serde_json::{Value, json};
use storage::administration::{ApplyFile, GrantEntry, ModuleEntry, SynchronizationEntry, UserEntry};

const LOOK: &str = "calendars/alice/work/synchronization";

/// Her ordinary and private appointment, and her ordinary and private task.
fn filled() -> World {
    let world = world();
    let alice = world.client("alice");
    for name in ["talk", "therapy"] {
        let class = if name == "therapy" { "CLASS:PRIVATE\r\n" } else { "" };
        let text = event(name, name).replace("END:VEVENT", &format!("{class}END:VEVENT"));
        assert_eq!(alice.put(&format!("/dav/calendars/alice/work/{name}.ics"), &text).status, 201);
        let task = text.replace("VEVENT", "VTODO").replace("DTEND", "DUE").replace(&format!("UID:{name}"), &format!("UID:task-{name}"));
        assert_eq!(alice.put(&format!("/dav/calendars/alice/work/task-{name}.ics"), &task).status, 201, "{task}");
    }
    world
}

fn enable(world: &World, is_enabled: bool) {
    let entry = SynchronizationEntry { confidential_activities: Some(is_enabled), ..SynchronizationEntry::default() };
    world.store.administration().set_synchronization("alice", entry).unwrap();
}

fn switch(world: &World, events: bool, tasks: bool) -> Value {
    let body = json!({"private_events": events, "private_tasks": tasks}).to_string();
    let answer = world.client("alice").api("PUT", "synchronization", &body);
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

fn carried(world: &World) -> Vec<String> {
    let value = world.client("alice").api("GET", LOOK, "").json();
    let objects = value["objects"].as_array().unwrap().iter();
    objects
        .map(|object| {
            assert_eq!((&object["edit"], &object["delete"]), (&json!(true), &json!(true)), "{object}");
            let kept = world.client("alice").get(&format!("/dav/calendars/alice/work/{}", object["name"].as_str().unwrap())).body;
            assert_eq!(object["data"].as_str(), Some(kept.as_str()), "as it is stored, CLASS included");
            object["name"].as_str().unwrap().trim_end_matches(".ics").to_owned()
        })
        .collect()
}

#[test]
fn private_items_go_out_if_an_administrator_and_their_user_both_say_so() {
    let world = filled();
    let open = ["talk", "task-talk"];
    assert_eq!(carried(&world), open);
    switch(&world, true, true);
    assert_eq!(carried(&world), open, "she alone");
    let accepts = |world: &World| world.client("alice").api("GET", LOOK, "").json()["accepts"].clone();
    assert_eq!(accepts(&world), json!({"private_events": false, "private_tasks": false}));
    enable(&world, true);
    assert_eq!(carried(&world), ["talk", "task-talk", "task-therapy", "therapy"]);
    assert_eq!(accepts(&world), json!({"private_events": true, "private_tasks": true}));
    switch(&world, true, false);
    assert_eq!(carried(&world), ["talk", "task-talk", "therapy"]);
    switch(&world, false, true);
    assert_eq!(carried(&world), ["talk", "task-talk", "task-therapy"]);
    switch(&world, false, false);
    assert_eq!(carried(&world), open, "an administrator alone");
    switch(&world, true, true);
    enable(&world, false);
    assert_eq!(carried(&world), open);
    assert_eq!(world.faults(), Vec::<String>::new());
}

#[test]
fn nobody_enables_himself_and_nobody_looks_at_anothers() {
    let world = filled();
    let (alice, bob) = (world.client("alice"), world.client("bob"));
    let off = json!({"confidential_activities": false, "private_events": false, "private_tasks": false});
    assert_eq!(alice.api("GET", "synchronization", "").json(), off);
    for body in ["{\"confidential_activities\":true}", "{\"private_events\":true,\"private_tasks\":true,\"confidential_activities\":true}"]
    {
        assert_eq!(alice.api("PUT", "synchronization", body).status, 400, "{body}");
    }
    assert_eq!(switch(&world, true, false), json!({"confidential_activities": false, "private_events": true, "private_tasks": false}));
    assert_eq!(bob.api("GET", "synchronization", "").json(), off, "his own");
    assert_eq!(bob.api("GET", LOOK, "").problem().0, 403, "he has titles of it");
    assert_eq!(world.client("carol").api("GET", LOOK, "").problem().0, 404);
    // A stale change is refused like any other.
    let tag = alice.api("GET", "synchronization", "").header("etag").unwrap().to_owned();
    switch(&world, false, false);
    let body = "{\"private_events\":true,\"private_tasks\":true}";
    let stale = alice.send("PUT", "/api/v1/synchronization", &[("content-type", "application/json"), ("if-match", &tag)], body);
    assert_eq!(stale.status, 412);
}

#[test]
fn shares_and_modes_neither_add_to_what_goes_out_nor_take_from_it() {
    let mut world = filled();
    let before = carried(&world);
    for (preset, mode) in [("superoffice", "off"), ("vtecrm", "public-read"), ("aspro", "public-edit-delete"), ("none", "off")] {
        let policy = serde_json::from_value(json!({"preset": preset, "mode": mode})).unwrap();
        world.organise(&ApplyFile { policy, ..ApplyFile::default() });
        assert_eq!(carried(&world), before, "{preset} {mode}");
    }
    // Of a calendar that somebody else shares with her nothing is hers to synchronize, whatever the share.
    let mut world = world.calendar("bob/plans");
    let level = Some(acl::Level::EditDelete);
    world.grant(GrantEntry { calendar: "bob/plans".into(), user: Some("alice".into()), level, ..GrantEntry::default() });
    let seen = world.store.administration().view_synchronized("alice", "bob", "plans", &storage::preview::TimeRange::default()).unwrap();
    assert!(!seen.reaches);
}

#[test]
fn whom_the_module_is_denied_has_nothing_synchronized() {
    let world = filled();
    enable(&world, true);
    switch(&world, true, true);
    let denied = ModuleEntry { user: Some("alice".into()), ..serde_json::from_value(json!({"role": "denied"})).unwrap() };
    world.store.administration().set_module(&denied).unwrap();
    let alice = world.client("alice");
    assert_eq!(alice.api("GET", "synchronization", "").problem().0, 404);
    assert_eq!(alice.api("PUT", "synchronization", "{\"private_events\":true,\"private_tasks\":true}").problem().0, 404);
    assert_eq!(alice.api("GET", LOOK, "").problem().0, 404);
    let look = world.store.administration().view_synchronized("alice", "alice", "work", &storage::preview::TimeRange::default());
    assert!(!look.unwrap().reaches);
}

/// An instance marked private in a series that is not: the series would be carried without knowing of it, and one who writes the
/// series back would take the instance away. So it goes as busy time, and what comes back of that series is refused.
#[test]
fn a_private_instance_of_an_open_series_goes_out_as_busy_time() {
    let world = world();
    let alice = world.client("alice");
    let text = event("course", "Course").replace("END:VEVENT", "RRULE:FREQ=WEEKLY;COUNT=3\r\nEND:VEVENT").replace(
        "END:VCALENDAR",
        "BEGIN:VEVENT\r\nUID:course\r\nDTSTAMP:20261101T000000Z\r\nRECURRENCE-ID:20261111T160000Z\r\nDTSTART:20261111T180000Z\r\n\
         DTEND:20261111T190000Z\r\nSUMMARY:Doctor\r\nCLASS:PRIVATE\r\nEND:VEVENT\r\nEND:VCALENDAR",
    );
    assert_eq!(alice.put("/dav/calendars/alice/work/course.ics", &text).status, 201);
    let value = alice.api("GET", LOOK, "").json();
    let object = &value["objects"][0];
    let data = object["data"].as_str().unwrap();
    assert!(data.contains("Course") && data.contains("DTSTART:20261111T180000Z") && !data.contains("Doctor"), "{data}");
    assert_eq!((&object["edit"], &object["delete"]), (&json!(false), &json!(false)));
    enable(&world, true);
    switch(&world, true, false);
    let value = alice.api("GET", LOOK, "").json();
    assert!(value["objects"][0]["data"].as_str().unwrap().contains("Doctor"));
    assert_eq!(value["objects"][0]["edit"], json!(true));
}

#[test]
fn what_is_said_of_synchronization_goes_through_a_file_and_ends_with_its_user() {
    let world = world();
    let administration = world.store.administration();
    let entry = SynchronizationEntry { confidential_activities: Some(true), private_events: None, private_tasks: Some(true) };
    let file = ApplyFile { users: vec![UserEntry::synchronizing("bob", entry)], ..ApplyFile::default() };
    let options = storage::administration::ApplyOptions::default();
    let changes: Vec<String> = administration.apply(&file, options).unwrap().unwrap().into_iter().map(|change| change.0).collect();
    assert_eq!(changes, ["user bob: confidential activities off -> on", "user bob: synchronize private tasks off -> on"]);
    assert_eq!(administration.apply(&file, options).unwrap().unwrap(), []);
    let exported = administration.export_apply_file(Some("bob")).unwrap().users.remove(0);
    assert_eq!((exported.confidential_activities, exported.synchronize_private_events), (Some(true), None));
    assert_eq!(exported.synchronize_private_tasks, Some(true));
    administration.remove_user("bob").unwrap();
    administration.add_user(&UserEntry { name: "bob".into(), ..UserEntry::default() }).unwrap();
    assert_eq!(administration.synchronization("bob").unwrap(), Default::default(), "whoever is called bob next is another");
    assert_eq!(world.faults(), Vec::<String>::new());
}
