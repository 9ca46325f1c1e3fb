//! Earlier versions and trash, from both sides: the owner takes back what others did, and whoever else looks finds nothing.

use crate::harness::cast::{self, PEOPLE, WORK};
use crate::harness::client::variants;
use crate::harness::{Answer, Client, World, event};
use acl::Level;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use storage::administration::entry::{ModuleEntry, PolicyEntry, PolicyValue};
use storage::administration::{ApplyFile, ApplyOptions};

/// What a device of somebody's has, kept up to date by tokens.
struct Device {
    client: Client,
    path: String,
    token: String,
    bodies: BTreeMap<String, String>,
}

impl Device {
    fn new(client: Client, path: &str) -> Self {
        let mut device = Self { client, path: path.to_owned(), token: String::new(), bodies: BTreeMap::new() };
        device.sync().unwrap();
        device
    }

    fn sync(&mut self) -> Result<(), Answer> {
        let (changed, removed, token) = self.client.sync(&self.path, &self.token)?;
        removed.iter().for_each(|href| drop(self.bodies.remove(href)));
        let changed: Vec<String> = changed.into_keys().filter(|href| *href != self.path).collect();
        if !changed.is_empty() {
            self.bodies.extend(self.client.data(&self.client.multiget(&self.path, &changed)));
        }
        self.token = token;
        Ok(())
    }

    fn titles(&self) -> Vec<&str> {
        self.bodies.values().filter_map(|body| body.lines().find_map(|line| line.strip_prefix("SUMMARY:"))).map(str::trim_end).collect()
    }
}

fn mount_of(client: &Client) -> String {
    let home = format!("/dav/calendars/{}/", client.user);
    client.members(&home).into_iter().find(|href| !href.ends_with("/default/")).unwrap()
}

/// Number, what, who and program of each version.
fn told(answer: &Answer) -> Vec<(u64, String, String, String)> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let versions = answer.json()["versions"].as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    versions.iter().map(|v| (v["number"].as_u64().unwrap(), text(&v["what"]), text(&v["by"]["user"]), text(&v["client"]))).collect()
}

/// One afternoon of alice and bob, who may edit and delete: whatever he does she sees and undoes, and his telephone follows.
#[test]
fn the_owner_takes_back_what_another_did_and_his_device_follows() {
    let mut world = World::new().user("alice").user("bob").calendar("alice/work").share("alice/work", "bob", Level::EditDelete);
    let (alice, bob) = (world.client("alice").called("Thunderbird/128"), world.client("bob").called("DAVx5/4.4"));
    let work = "/dav/calendars/alice/work/";
    assert_eq!(alice.put(&format!("{work}plan.ics"), &event("plan", "Plan of alice")).status, 201);
    let mount = mount_of(&bob);
    let mut telephone = Device::new(world.client("bob"), &mount);
    assert_eq!(telephone.titles(), ["Plan of alice"]);

    world.pass(chrono::TimeDelta::hours(1));
    assert_eq!(bob.put(&format!("{mount}plan.ics"), &event("plan", "Plan of bob")).status, 204);
    let history = "calendars/alice/work/history";
    let [changed, created] = told(&alice.api("GET", &format!("{history}/plan.ics"), "")).try_into().unwrap();
    assert_eq!(changed, (2, "changed".into(), "bob".into(), "DAVx5/4.4".into()));
    assert_eq!(created, (1, "created".into(), "alice".into(), "Thunderbird/128".into()));
    let first = alice.api("GET", &format!("{history}/plan.ics/1"), "").json();
    assert_eq!(first["text"], event("plan", "Plan of alice"));
    let list = alice.api("GET", history, "").json();
    assert_eq!((list["history"][0]["name"].as_str(), list["history"][0]["earlier"].as_u64()), (Some("plan.ics"), Some(1)));
    assert!(!list.to_string().contains("Plan"), "a list says nothing of what events are about");
    let restored = alice.api("POST", &format!("{history}/plan.ics"), "{\"version\":1}");
    assert_eq!((restored.status, restored.json()), (200, json!({"object": "plan.ics"})));
    telephone.sync().unwrap();
    assert_eq!(telephone.titles(), ["Plan of alice"]);

    assert_eq!(bob.delete(&format!("{mount}plan.ics")).status, 204);
    telephone.sync().unwrap();
    assert!(telephone.titles().is_empty());
    let trash = alice.api("GET", "trash", "").json();
    let entry = &trash["trash"][0];
    assert_eq!((entry["object"].as_str(), entry["by"]["user"].as_str()), (Some("plan.ics"), Some("bob")));
    assert_eq!(alice.api("POST", &format!("{history}/plan.ics"), "{}").status, 200);
    telephone.sync().unwrap();
    assert_eq!(telephone.titles(), ["Plan of alice"]);
    assert_eq!(alice.get(&format!("{work}plan.ics")).body, event("plan", "Plan of alice"));

    assert_eq!(alice.delete(work).status, 204);
    assert_eq!(telephone.sync().unwrap_err().status, 404);
    assert_eq!(alice.api("POST", "trash/work", "{\"name\":\"default\"}").problem(), (409, "conflict".into(), Some("name".into())));
    assert_eq!(alice.api("POST", "trash/work", "{}").json(), json!({"calendar": "work"}));
    assert_eq!(mount_of(&bob), mount, "the same place in his home");
    let refused = telephone.sync().unwrap_err();
    assert!(refused.status == 403 && refused.body.contains("valid-sync-token"), "{refused:?}");
    telephone.token.clear();
    telephone.sync().unwrap();
    assert_eq!(telephone.titles(), ["Plan of alice"]);
    assert_eq!(world.faults(), Vec::<String>::new());
}

/// A removed user: his shares and memberships are over, his calendars in the trash; whoever gets his name gets nothing else.
#[test]
fn a_removed_user_leaves_calendars_in_the_trash_and_nothing_to_his_namesake() {
    let mut world = World::new().user("alice").user("bob").user("carol").calendar("bob/plans").calendar("alice/work");
    world = world.group("team", &["bob"]).share("bob/plans", "alice", Level::Details).share("alice/work", "bob", Level::Edit);
    let bob = world.client("bob");
    assert_eq!(
        bob.put("/dav/calendars/bob/plans/p.ics", &event("p", "Plans of bob").replace("SUMMARY", "CLASS:PRIVATE\r\nSUMMARY")).status,
        201
    );
    assert_eq!(bob.put(&format!("{}b.ics", mount_of(&bob)), &event("b", "By bob")).status, 201);
    let administration = world.store.administration();
    administration.remove_user("bob").unwrap();
    assert_eq!(bob.get("/dav/calendars/bob/plans/p.ics").status, 404, "who is signed in is so no more");
    let history = told(&world.client("alice").api("GET", "calendars/alice/work/history/b.ics", ""));
    assert_eq!(history[0].2, "bob", "what he did in others' calendars is told under his name");

    world = world.user("bob");
    let namesake = world.client("bob");
    assert_eq!(namesake.members("/dav/calendars/bob/"), ["/dav/calendars/bob/default/"]);
    assert_eq!(namesake.api("GET", "trash", "").json(), json!({"trash": []}));
    assert_eq!(namesake.api("POST", "trash/plans", "{}").problem().0, 404);
    let author = &world.client("alice").api("GET", "calendars/alice/work/history/b.ics", "").json()["versions"][0]["by"];
    assert_eq!(author["kind"], "removed-user", "he is somebody else");

    let administration = world.store.administration();
    let trash = administration.trash(Some("bob")).unwrap();
    let calendars: Vec<(&str, bool)> = trash.iter().map(|entry| (entry.calendar.as_str(), entry.owner_removed)).collect();
    assert_eq!(calendars, [("default", true), ("plans", true)]);
    let restore = |to: Option<&str>, calendar: &str| {
        let (owner, calendar, to) = ("bob".to_owned(), calendar.to_owned(), to.map(str::to_owned));
        administration.restore_calendar(&storage::administration::RestoreCalendar { owner, calendar, name: None, to })
    };
    assert!(restore(None, "plans").is_err(), "not to his namesake by itself");
    assert_eq!(restore(Some("carol"), "plans").unwrap(), "plans");
    let carol = world.client("carol");
    assert!(carol.get("/dav/calendars/carol/plans/p.ics").body.contains("Plans of bob"));
    assert_eq!(told(&carol.api("GET", "calendars/carol/plans/history/p.ics", "")).len(), 1, "his history is not hers");
    assert_eq!(world.client("alice").members("/dav/calendars/alice/").len(), 2, "nor are his shares");
    // What was private stays so for its new owner.
    assert_eq!(carol.delete("/dav/calendars/carol/plans/p.ics").status, 204);
    assert_eq!(carol.put("/dav/calendars/carol/default/again.ics", &event("p", "Plans of bob")).status, 201);
    world.grant(storage::administration::GrantEntry {
        calendar: "carol/default".into(),
        user: Some("alice".into()),
        level: Some(Level::Details),
        ..Default::default()
    });
    let alice = world.client("alice");
    let shown = alice.query(&mount_of_owner(&alice, "carol"), "");
    assert!(shown.values().all(|body| !body.contains("Plans of bob")) && shown.len() == 1, "{shown:?}");
    // A calendar of somebody who is there is nobody else's to get.
    let owned =
        storage::administration::RestoreCalendar { owner: "carol".into(), calendar: "plans".into(), name: None, to: Some("alice".into()) };
    world.store.administration().delete_calendar("carol", "plans").unwrap();
    assert!(world.store.administration().restore_calendar(&owned).is_err());
    let purged = world.store.administration().purge_trash("bob", None, None, Default::default()).unwrap();
    assert_eq!(purged.calendars, 1);
    assert_eq!(world.faults(), Vec::<String>::new());
}

fn mount_of_owner(client: &Client, owner: &str) -> String {
    let home = format!("/dav/calendars/{}/", client.user);
    let members = client.propfind(&home, "1", "<D:owner/>").multistatus();
    let owned = |owner_property: &String| owner_property.contains(&format!("/{owner}/"));
    members.into_iter().find(|(_, member)| member.properties.get("owner").is_some_and(owned)).unwrap().0
}

/// Everything about a history that somebody might ask for, given what the owner could have told him.
fn asks(calendar: &str, object: &str, ids: &[String]) -> Vec<(&'static str, String, &'static str)> {
    let mut asks = vec![("GET", format!("calendars/{calendar}/history"), "")];
    for object in [&[object.to_owned()], ids].concat() {
        let path = format!("calendars/{calendar}/history/{object}");
        asks.push(("GET", path.clone(), ""));
        asks.extend(["1", "2", "3"].map(|version| ("GET", format!("{path}/{version}"), "")));
        asks.extend(["{}", "{\"version\":1}", "{\"version\":2}"].map(|body| ("POST", path.clone(), body)));
        asks.push(("DELETE", path, ""));
    }
    asks
}

/// History and trash are the owner's alone: whoever else asks for them, whatever he may see and do, is told the same of what
/// has a past, of what is deleted and of what never was; and nothing of it happens.
#[test]
pub fn leak_94_former_versions_and_deleted_events_are_told_to_nobody_but_the_owner() {
    let world = cast::world();
    let alice = world.client("alice");
    let work = format!("/dav/calendars/{WORK}/");
    for summary in ["secret-94 one", "secret-94 two", "Now"] {
        alice.put(&format!("{work}a.ics"), &event("a", summary));
        alice.put(&format!("{work}p.ics"), &event("p", summary).replace("SUMMARY", "CLASS:PRIVATE\r\nSUMMARY"));
    }
    alice.put(&format!("{work}gone.ics"), &event("gone", "secret-94 gone"));
    alice.delete(&format!("{work}gone.ics"));
    alice.send("MKCALENDAR", "/dav/calendars/alice/secret-94/", &[], "");
    alice.delete("/dav/calendars/alice/secret-94/");
    let trash = alice.api("GET", "trash", "").json();
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    let deleted: Vec<String> = trash["trash"].as_array().unwrap().iter().map(id).collect();
    assert_eq!(deleted.len(), 2);
    let there: Vec<String> =
        alice.api("GET", &format!("calendars/{WORK}/history"), "").json()["history"].as_array().unwrap().iter().map(id).collect();
    assert_eq!(there.len(), 3);
    let hers = || (alice.api("GET", &format!("calendars/{WORK}/history"), ""), alice.api("GET", "trash", ""), alice.etags(&work));
    let before = hers();
    let mut asked = 0;
    for person in PEOPLE.iter().filter(|person| !person.is_owner()) {
        let client = world.client(person.name);
        let mut calendars = vec![WORK.to_owned(), "alice/secret-94".to_owned(), "alice/never".to_owned()];
        calendars
            .extend(cast::mount(&world, person).map(|href| href.trim_start_matches("/dav/calendars/").trim_end_matches('/').to_owned()));
        for (number, calendar) in calendars.iter().enumerate() {
            let status = if person.reaches() && (number == 0 || number == 3) { 403 } else { 404 };
            let never = asks(calendar, "never.ics", &[]);
            for object in ["a.ics", "p.ics", "gone.ics"] {
                for (real, absent) in asks(calendar, object, &[]).iter().zip(&never) {
                    let answer = client.api(real.0, &real.1, real.2);
                    assert_eq!(answer.problem().0, status, "{} {real:?}", person.name);
                    assert_eq!(answer, client.api(absent.0, &absent.1, absent.2), "{} {real:?}", person.name);
                    asked += 1;
                }
            }
            for (method, path, body) in asks(calendar, "a.ics", &[there.clone(), deleted.clone()].concat()) {
                let answer = client.api(method, &path, body);
                assert!(answer.problem().0 == status && !answer.body.contains("secret-94"), "{} {path} {answer:?}", person.name);
                asked += 1;
            }
        }
        assert_eq!(client.api("GET", "trash", "").json(), json!({"trash": []}));
        for calendar in deleted.iter().map(String::as_str).chain(["secret-94", "never"]) {
            for (method, body) in [("POST", "{}"), ("POST", "{\"name\":\"mine\"}"), ("DELETE", "")] {
                assert_eq!(client.api(method, &format!("trash/{calendar}"), body).problem().0, 404);
            }
        }
        // Nor does any protocol know them under any path.
        for path in [format!("{work}gone.ics"), "/dav/calendars/alice/secret-94/".to_owned()] {
            for path in variants(&path) {
                assert!([404, 400].contains(&client.get(&path).status), "{path}");
            }
        }
    }
    assert_eq!(hers(), before, "nothing of it happened");
    println!("{asked} requests for histories");
    assert!(asked > 1_000);
}

fn place(world: &World, user: &str, role: &str) {
    let module = ModuleEntry { user: Some(user.to_owned()), group: None, role: role.to_owned() };
    let file = ApplyFile { modules: vec![module], ..ApplyFile::default() };
    world.store.administration().apply(&file, ApplyOptions::default()).unwrap().unwrap();
}

/// An administrator whom the policy lets see everything sees what is there, and nothing of what was.
#[test]
fn leak_94_no_policy_opens_a_history_to_an_administrator() {
    let world = World::new().user("alice").user("dan").calendar("alice/work");
    place(&world, "dan", "admin");
    let (alice, dan) = (world.client("alice"), world.client("dan"));
    let path = "/dav/calendars/alice/work/a.ics";
    for summary in ["secret-94", "Now"] {
        alice.put(path, &event("a", summary));
    }
    alice.put("/dav/calendars/alice/work/gone.ics", &event("gone", "secret-94 too"));
    alice.delete("/dav/calendars/alice/work/gone.ics");
    for (content, seen) in [("none", 404), ("break-glass", 404), ("full", 200)] {
        let policy = PolicyEntry([("admin_content".to_owned(), PolicyValue::Word(content.to_owned()))].into_iter().collect());
        world.store.administration().set_policy(&policy).unwrap();
        assert_eq!(dan.get(path).status, seen, "{content}");
        let status = if seen == 200 { 403 } else { 404 };
        for (method, path, body) in asks("alice/work", "a.ics", &[]).into_iter().chain(asks("alice/work", "gone.ics", &[])) {
            assert_eq!(dan.api(method, &path, body).problem().0, status, "{content} {method} {path}");
        }
        assert_eq!(dan.api("GET", "trash", "").json(), json!({"trash": []}));
    }
    assert_eq!(told(&alice.api("GET", "calendars/alice/work/history/a.ics", "")).len(), 2);
}

/// To whom the module is denied his home is empty; so is his trash, until he is let in again.
#[test]
fn whoever_the_module_is_denied_to_has_no_trash_either() {
    let world = World::new().user("alice").calendar("alice/work");
    let alice = world.client("alice");
    alice.put("/dav/calendars/alice/default/a.ics", &event("a", "One"));
    alice.delete("/dav/calendars/alice/default/a.ics");
    alice.delete("/dav/calendars/alice/work/");
    place(&world, "alice", "denied");
    assert_eq!(alice.api("GET", "trash", "").json(), json!({"trash": []}));
    assert_eq!(alice.api("GET", "calendars/alice/default/history", "").problem().0, 404);
    for (method, body) in [("POST", "{}"), ("DELETE", "")] {
        assert_eq!(alice.api(method, "trash/work", body).problem().0, 404);
    }
    place(&world, "alice", "employee");
    assert_eq!(alice.api("GET", "trash", "").json()["trash"].as_array().unwrap().len(), 2);
}

#[test]
fn restoring_is_bound_to_the_state_the_owner_looked_at() {
    let world = World::new().user("alice").calendar("alice/work");
    let alice = world.client("alice");
    let path = "/dav/calendars/alice/work/a.ics";
    for summary in ["One", "Two"] {
        alice.put(path, &event("a", summary));
    }
    let history = "/api/v1/calendars/alice/work/history/a.ics";
    let old = alice.get(history).header("etag").unwrap().to_owned();
    alice.put(path, &event("a", "Three"));
    let restore = |tag: &str| alice.send("POST", history, &[("content-type", "application/json"), ("if-match", tag)], "{\"version\":1}");
    assert_eq!(restore(&old).problem().0, 412);
    assert!(alice.get(path).body.contains("Three"));
    let new = alice.get(history).header("etag").unwrap().to_owned();
    assert_eq!(restore(&new).status, 200);
    assert!(alice.get(path).body.contains("One"));
    // Erasing: first what was before, then the event itself and all that was kept of it.
    assert_eq!(alice.api("DELETE", "calendars/alice/work/history/a.ics", "").status, 204);
    assert_eq!(told(&alice.get(history)).len(), 1);
    assert_eq!(alice.api("GET", "calendars/alice/work/history/a.ics/2", "").problem().0, 404);
    alice.delete(path);
    assert_eq!(alice.api("DELETE", "calendars/alice/work/history/a.ics", "").status, 204);
    assert_eq!(alice.get(history).problem().0, 404);
    assert_eq!(world.faults(), Vec::<String>::new());
}
