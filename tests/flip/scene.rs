//! The scene of a history: what can happen to one calendar and the people around it, and what somebody without a past is
//! shown of it.

use crate::harness::cast::Item;
use crate::harness::client::NAMESPACES;
use crate::harness::{Answer, Client, World};
use acl::level::GrantPrivateEvents;
use acl::{Level, PrivateEvents};
use chrono::TimeDelta;
use proptest::prelude::*;
use std::collections::BTreeMap;
use storage::administration::{CalendarEntry, GrantEntry};

/// One grantee by name, one by a group, one by a group in a group who also gets grants by name, and the owner.
pub const USERS: [&str; 4] = ["alice", "bob", "carol", "dan"];
pub const SLOTS: usize = 8;

/// What happens.
#[derive(Clone, Debug)]
pub enum Event {
    Grant { user: usize, level: Level, private_events: Option<GrantPrivateEvents>, hours: Option<i64> },
    Revoke { user: usize },
    GrantGroup { level: Level },
    GrantEveryone { level: Level },
    Members { carol: bool, dan: bool },
    Policy { private_events: PrivateEvents },
    Pass { hours: i64 },
    Put { user: usize, slot: usize, text: usize },
    Class { slot: usize, class: usize },
    Alarm { user: usize, slot: usize },
    Delete { user: usize, slot: usize },
    Rename { slot: usize },
    TakeBack { slot: usize },
    Undelete,
    DeleteCalendarAndRestore,
    RenameCalendar,
    Describe { user: usize },
    Leave { user: usize },
    Restart,
    Sync { device: usize, old: Option<usize>, limit: Option<usize> },
}

pub fn level() -> impl Strategy<Value = Level> {
    use Level::{Details, Edit, EditDelete, FreeBusy, None, Titles};
    prop::sample::select(vec![None, FreeBusy, FreeBusy, Titles, Titles, Details, Details, Edit, EditDelete])
}

pub fn event() -> impl Strategy<Value = Event> {
    let private = prop::option::weighted(0.3, prop::sample::select(GrantPrivateEvents::ALL.to_vec()));
    let (user, slot) = (0..USERS.len(), 0..SLOTS);
    prop_oneof![
        5 => (1..USERS.len(), level(), private, prop::option::weighted(0.2, 1..30_i64))
            .prop_map(|(user, level, private_events, hours)| Event::Grant { user, level, private_events, hours }),
        2 => (1..USERS.len()).prop_map(|user| Event::Revoke { user }),
        2 => level().prop_map(|level| Event::GrantGroup { level }),
        1 => level().prop_map(|level| Event::GrantEveryone { level }),
        2 => any::<(bool, bool)>().prop_map(|(carol, dan)| Event::Members { carol, dan }),
        1 => prop::sample::select(vec![PrivateEvents::Busy, PrivateEvents::Hidden, PrivateEvents::Editors])
            .prop_map(|private_events| Event::Policy { private_events }),
        2 => (1..40_i64).prop_map(|hours| Event::Pass { hours }),
        6 => (user.clone(), slot.clone(), 0..40_usize).prop_map(|(user, slot, text)| Event::Put { user, slot, text }),
        4 => (slot.clone(), 0..4_usize).prop_map(|(slot, class)| Event::Class { slot, class }),
        2 => (user.clone(), slot.clone()).prop_map(|(user, slot)| Event::Alarm { user, slot }),
        3 => (user.clone(), slot.clone()).prop_map(|(user, slot)| Event::Delete { user, slot }),
        1 => slot.clone().prop_map(|slot| Event::Rename { slot }),
        2 => slot.prop_map(|slot| Event::TakeBack { slot }),
        2 => Just(Event::Undelete),
        1 => Just(Event::DeleteCalendarAndRestore),
        1 => Just(Event::RenameCalendar),
        1 => user.clone().prop_map(|user| Event::Describe { user }),
        1 => user.prop_map(|user| Event::Leave { user }),
        1 => Just(Event::Restart),
        10 => (0..super::device::DEVICES, prop::option::weighted(0.3, 0..8_usize), prop::option::weighted(0.3, 1..4_usize))
            .prop_map(|(device, old, limit)| Event::Sync { device, old, limit }),
    ]
}

/// Under which path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    Mount,
    Owner,
}

/// Name in the calendar to ETag and body.
pub type Content = BTreeMap<String, (String, String)>;

/// The scene: alice's calendar, by whatever name it has now.
pub struct Scene {
    pub world: World,
    pub texts: Vec<String>,
    pub calendar: String,
    pub renamed: u32,
    pub mounts: Vec<String>,
}

impl Scene {
    pub fn new(items: &[Item], limits: storage::Limits) -> Self {
        let world = USERS.iter().fold(World::with_limits(limits), |world, user| world.user(user)).calendar("alice/work");
        let world = world.group("inner", &[]).group("team", &["inner"]);
        // A mount's name is the same at every level and for ever: found once.
        let mut world = world;
        let mut mounts = vec![String::new()];
        for user in &USERS[1..] {
            world.grant(GrantEntry { user: Some((*user).to_owned()), ..grant("alice/work", Level::Details) });
            let home = format!("/dav/calendars/{user}/");
            let mount = world.client(user).members(&home).into_iter().find(|href| !href.ends_with("/default/")).unwrap();
            mounts.push(mount);
            if *user != "bob" {
                world
                    .store
                    .administration()
                    .remove_grant(&GrantEntry { user: Some((*user).to_owned()), ..grant("alice/work", Level::Details) })
                    .unwrap();
            }
        }
        let texts = items.iter().map(|item| item.text.clone()).collect();
        Self { world, texts, calendar: "work".to_owned(), renamed: 0, mounts }
    }

    pub fn path(&self, user: usize, place: Place) -> String {
        match (user, place) {
            (0, _) | (_, Place::Owner) => format!("/dav/calendars/alice/{}/", self.calendar),
            (_, Place::Mount) => self.mounts[user].clone(),
        }
    }

    pub fn client(&self, user: usize) -> Client {
        self.world.client(USERS[user])
    }

    /// What a device without any past gets; `None`: the calendar is not there.
    pub fn fresh(&self, user: usize, place: Place) -> Option<(Content, String)> {
        let (client, path) = (self.client(user), self.path(user, place));
        let answer = client.propfind(&path, "1", "<D:getetag/><CS:getctag/><D:sync-token/>");
        if answer.status == 404 {
            return None;
        }
        let mut members = answer.multistatus();
        let calendar = members.remove(&path).expect("the calendar itself");
        assert_eq!(calendar.properties["getctag"], calendar.properties["sync-token"]);
        let etags: BTreeMap<String, String> =
            members.into_iter().map(|(href, member)| (href, member.properties["getetag"].clone())).collect();
        let mut content = Content::new();
        get_all(&client, &path, &etags, &mut content);
        Some((content, calendar.properties["getctag"].clone()))
    }

    /// The texts of slots: the UID is that of the slot.
    pub fn text(&self, slot: usize, text: usize) -> String {
        let text = &self.texts[text % self.texts.len()];
        let uid = text.find("canary-u-").unwrap();
        let end = uid + text[uid..].find('@').unwrap();
        format!("{}slot-{slot}{}", &text[..uid], &text[end..])
    }

    pub fn slot_path(&self, user: usize, slot: usize) -> String {
        let path = self.path(user, Place::Mount);
        let members = self.client(user).propfind(&path, "1", "<D:getetag/>");
        let hrefs: Vec<String> =
            if members.status == 207 { members.multistatus().into_keys().filter(|href| *href != path).collect() } else { Vec::new() };
        // Mostly by its own name, sometimes whatever stands at this number.
        let own = format!("{path}slot-{slot}.ics");
        if hrefs.contains(&own) || hrefs.is_empty() { own } else { hrefs[slot % hrefs.len()].clone() }
    }

    pub fn happen(&mut self, event: &Event) {
        let calendar = format!("alice/{}", self.calendar);
        match event {
            Event::Grant { user, level, private_events, hours } => {
                let until = hours.map(|hours| self.world.now() + TimeDelta::hours(hours));
                self.world.grant(GrantEntry {
                    user: Some(USERS[*user].into()),
                    private_events: *private_events,
                    until,
                    ..grant(&calendar, *level)
                });
            }
            Event::Revoke { user } => {
                let entry = GrantEntry { user: Some(USERS[*user].into()), ..grant(&calendar, Level::None) };
                // It may be that there is none.
                let _ = self.world.store.administration().remove_grant(&entry);
            }
            Event::GrantGroup { level } => self.world.grant(GrantEntry { group: Some("team".into()), ..grant(&calendar, *level) }),
            Event::GrantEveryone { level } => self.world.grant(GrantEntry { everyone: Some(true), ..grant(&calendar, *level) }),
            Event::Members { carol, dan } => {
                let administration = self.world.store.administration();
                for (group, user, member) in [("team", "carol", *carol), ("inner", "dan", *dan)] {
                    let user = [user.to_owned()];
                    let done = if member { administration.add_members(group, &user) } else { administration.remove_members(group, &user) };
                    // He may be one already, or none.
                    let _ = done;
                }
            }
            Event::Policy { private_events } => {
                let entry = CalendarEntry {
                    owner: "alice".into(),
                    name: self.calendar.clone(),
                    private_events: Some(*private_events),
                    ..CalendarEntry::default()
                };
                self.world.set_calendar(entry);
            }
            Event::Pass { hours } => self.world.pass(TimeDelta::hours(*hours)),
            Event::Restart => self.world.reopen(),
            Event::RenameCalendar => {
                self.renamed += 1;
                let from = self.path(0, Place::Owner);
                self.calendar = format!("work-{}", self.renamed);
                let answer = self.client(0).send("MOVE", &from, &[("destination", &self.path(0, Place::Owner))], "");
                assert_eq!(answer.status, 201, "{}", answer.body);
            }
            _ => self.write(event),
        }
    }

    pub fn write(&self, event: &Event) {
        let answer = match event {
            Event::Put { user, slot, text } => {
                let path =
                    if text % 4 > 0 { format!("{}slot-{slot}.ics", self.path(*user, Place::Mount)) } else { self.slot_path(*user, *slot) };
                self.client(*user).put(&path, &self.text(*slot, *text))
            }
            Event::Class { slot, class } => {
                let path = self.slot_path(0, *slot);
                let body = self.client(0).get(&path).body;
                let lines: Vec<&str> = body.split_inclusive('\n').filter(|line| !line.to_ascii_uppercase().starts_with("CLASS")).collect();
                let class = ["", "CLASS:PUBLIC\r\n", "CLASS:PRIVATE\r\n", "CLASS:CONFIDENTIAL\r\n"][*class];
                let lines: String = lines
                    .iter()
                    .map(|line| {
                        if line.to_ascii_uppercase().starts_with("BEGIN:V") && is_component(line) {
                            format!("{line}{class}")
                        } else {
                            (*line).to_owned()
                        }
                    })
                    .collect();
                self.client(0).put(&path, &lines)
            }
            Event::Alarm { user, slot } => {
                let (client, path) = (self.client(*user), self.slot_path(*user, *slot));
                let body = client.get(&path).body;
                let at = body.to_ascii_lowercase().rfind("end:vevent");
                let alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nDESCRIPTION:x\r\nEND:VALARM\r\n";
                client.put(&path, &at.map_or_else(String::new, |at| format!("{}{alarm}{}", &body[..at], &body[at..])))
            }
            Event::Delete { user, slot } => self.client(*user).delete(&self.slot_path(*user, *slot)),
            Event::Rename { slot } => {
                let path = self.slot_path(0, *slot);
                self.client(0).send("MOVE", &path, &[("destination", &path.replace(".ics", "-x.ics"))], "")
            }
            Event::Describe { user } => {
                let set = format!("<D:set><D:prop><D:displayname>name {}</D:displayname></D:prop></D:set>", self.renamed);
                let body = format!("<D:propertyupdate {NAMESPACES}>{set}</D:propertyupdate>");
                self.client(*user).send("PROPPATCH", &self.path(*user, Place::Mount), &[], &body)
            }
            Event::TakeBack { slot } => self.take_back(*slot),
            Event::Undelete => self.undelete(),
            Event::DeleteCalendarAndRestore => {
                let owner = self.client(0);
                assert_eq!(owner.delete(&self.path(0, Place::Owner)).status, 204);
                owner.api("POST", &format!("trash/{}", self.calendar), "{}")
            }
            Event::Leave { user } if *user > 0 => self.client(*user).delete(&self.path(*user, Place::Mount)),
            _ => return,
        };
        assert!(answer.status < 500 && answer.status != 400, "{event:?}: {} {}", answer.status, answer.body);
    }
}

impl Scene {
    /// The owner brings back the first version of something that has more than one.
    fn take_back(&self, slot: usize) -> Answer {
        let (owner, history) = (self.client(0), format!("calendars/alice/{}/history", self.calendar));
        let list = owner.api("GET", &history, "");
        let list = list.json()["history"].as_array().unwrap().clone();
        let changed: Vec<&serde_json::Value> = list.iter().filter(|entry| entry["earlier"].as_u64() > Some(0)).collect();
        let Some(entry) = changed.get(slot % changed.len().max(1)) else { return owner.api("GET", &history, "") };
        let path = format!("{history}/{}", entry["id"].as_str().unwrap());
        let versions = owner.api("GET", &path, "").json();
        let first = versions["versions"].as_array().unwrap().last().unwrap()["number"].clone();
        owner.api("POST", &path, &serde_json::json!({ "version": first }).to_string())
    }

    /// The owner brings back what was deleted last.
    fn undelete(&self) -> Answer {
        let owner = self.client(0);
        let trash = owner.api("GET", "trash", "");
        match trash.json()["trash"][0]["id"].as_str() {
            Some(id) => owner.api("POST", &format!("calendars/alice/{}/history/{id}", self.calendar), "{}"),
            None => trash,
        }
    }
}

pub fn is_component(line: &str) -> bool {
    let line = line.to_ascii_uppercase();
    ["BEGIN:VEVENT", "BEGIN:VTODO", "BEGIN:VJOURNAL"].contains(&line.trim())
}

pub fn grant(calendar: &str, level: Level) -> GrantEntry {
    GrantEntry { calendar: calendar.into(), level: Some(level), ..GrantEntry::default() }
}

pub fn name_of(href: &str) -> String {
    href.rsplit('/').next().unwrap().to_owned()
}

/// Fetches the bodies of these and checks that each bears the tag it was announced with.
pub fn get_all(client: &Client, path: &str, etags: &BTreeMap<String, String>, content: &mut Content) {
    if etags.is_empty() {
        return;
    }
    let hrefs: Vec<String> = etags.keys().cloned().collect();
    let answer = client.multiget(path, &hrefs);
    let bodies = client.data(&answer);
    let members = answer.multistatus();
    for (href, etag) in etags {
        assert_eq!(members[href].properties["getetag"], *etag, "{href}");
        content.insert(name_of(href), (etag.clone(), bodies[href].clone()));
    }
}
