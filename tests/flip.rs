//! Whatever changes (levels, ends of grants, groups, policies, privacy, names of calendars, events themselves), a device that
//! synchronises with any token it was ever given comes to what a fresh device gets, by every way of synchronising; and what
//! did not change for a viewer moves nothing of his.

use crate::harness::cast::{self, Item};
use crate::harness::client::{NAMESPACES, inner};
use crate::harness::{Client, World};
use acl::level::GrantPrivateEvents;
use acl::{Level, PrivateEvents};
use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::cell::Cell;
use std::collections::BTreeMap;
use storage::administration::{CalendarEntry, GrantEntry};

/// One grantee by name, one by a group, one by a group in a group who also gets grants by name, and the owner.
const USERS: [&str; 4] = ["alice", "bob", "carol", "dan"];
const SLOTS: usize = 8;

/// What happens.
#[derive(Clone, Debug)]
enum Event {
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
    RenameCalendar,
    Describe { user: usize },
    Leave { user: usize },
    Restart,
    Sync { device: usize, old: Option<usize>, limit: Option<usize> },
}

fn level() -> impl Strategy<Value = Level> {
    use Level::{Details, Edit, EditDelete, FreeBusy, None, Titles};
    prop::sample::select(vec![None, FreeBusy, FreeBusy, Titles, Titles, Details, Details, Edit, EditDelete])
}

fn event() -> impl Strategy<Value = Event> {
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
        1 => slot.prop_map(|slot| Event::Rename { slot }),
        1 => Just(Event::RenameCalendar),
        1 => user.clone().prop_map(|user| Event::Describe { user }),
        1 => user.prop_map(|user| Event::Leave { user }),
        1 => Just(Event::Restart),
        10 => (0..DEVICES, prop::option::weighted(0.3, 0..8_usize), prop::option::weighted(0.3, 1..4_usize))
            .prop_map(|(device, old, limit)| Event::Sync { device, old, limit }),
    ]
}

/// How a device finds out what changed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// sync-collection on the calendar.
    Tokens,
    /// CTag, then all ETags.
    CTag,
    /// calendar-query for each kind of component, then multiget.
    Queries,
    /// sync-collection on the home, then on the calendar if the home says it changed.
    Home,
}

/// Under which path.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Mount,
    Owner,
}

const WAYS: [(Way, Place); 5] = [
    (Way::Tokens, Place::Mount),
    (Way::Home, Place::Mount),
    (Way::CTag, Place::Mount),
    (Way::Queries, Place::Owner),
    (Way::Tokens, Place::Owner),
];
const DEVICES: usize = WAYS.len() * USERS.len();

/// Name in the calendar to ETag and body.
type Content = BTreeMap<String, (String, String)>;

/// One device of one user, with what it has.
#[derive(Clone, Debug)]
struct Device {
    user: usize,
    way: Way,
    place: Place,
    content: Content,
    token: String,
    home_token: String,
    /// Earlier states: a device restored from a backup begins at one of them.
    earlier: Vec<(String, String, Content)>,
}

/// The scene: alice's calendar, by whatever name it has now.
struct Scene {
    world: World,
    texts: Vec<String>,
    calendar: String,
    renamed: u32,
    mounts: Vec<String>,
}

impl Scene {
    fn new(items: &[Item]) -> Self {
        let world = USERS.iter().fold(World::new(), |world, user| world.user(user)).calendar("alice/work");
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

    fn path(&self, user: usize, place: Place) -> String {
        match (user, place) {
            (0, _) | (_, Place::Owner) => format!("/dav/calendars/alice/{}/", self.calendar),
            (_, Place::Mount) => self.mounts[user].clone(),
        }
    }

    fn client(&self, user: usize) -> Client {
        self.world.client(USERS[user])
    }

    /// What a device without any past gets; `None`: the calendar is not there.
    fn fresh(&self, user: usize, place: Place) -> Option<(Content, String)> {
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
    fn text(&self, slot: usize, text: usize) -> String {
        let text = &self.texts[text % self.texts.len()];
        let uid = text.find("canary-u-").unwrap();
        let end = uid + text[uid..].find('@').unwrap();
        format!("{}slot-{slot}{}", &text[..uid], &text[end..])
    }

    fn slot_path(&self, user: usize, slot: usize) -> String {
        let path = self.path(user, Place::Mount);
        let members = self.client(user).propfind(&path, "1", "<D:getetag/>");
        let hrefs: Vec<String> =
            if members.status == 207 { members.multistatus().into_keys().filter(|href| *href != path).collect() } else { Vec::new() };
        // Mostly by its own name, sometimes whatever stands at this number.
        let own = format!("{path}slot-{slot}.ics");
        if hrefs.contains(&own) || hrefs.is_empty() { own } else { hrefs[slot % hrefs.len()].clone() }
    }

    fn happen(&mut self, event: &Event) {
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

    fn write(&self, event: &Event) {
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
            Event::Leave { user } if *user > 0 => self.client(*user).delete(&self.path(*user, Place::Mount)),
            _ => return,
        };
        assert!(answer.status < 500 && answer.status != 400, "{event:?}: {} {}", answer.status, answer.body);
    }
}

fn is_component(line: &str) -> bool {
    let line = line.to_ascii_uppercase();
    ["BEGIN:VEVENT", "BEGIN:VTODO", "BEGIN:VJOURNAL"].contains(&line.trim())
}

fn grant(calendar: &str, level: Level) -> GrantEntry {
    GrantEntry { calendar: calendar.into(), level: Some(level), ..GrantEntry::default() }
}

fn name_of(href: &str) -> String {
    href.rsplit('/').next().unwrap().to_owned()
}

/// Fetches the bodies of these and checks that each bears the tag it was announced with.
fn get_all(client: &Client, path: &str, etags: &BTreeMap<String, String>, content: &mut Content) {
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

impl Device {
    fn new(number: usize) -> Self {
        let (way, place) = WAYS[number % WAYS.len()];
        Self {
            user: number / WAYS.len(),
            way,
            place,
            content: Content::new(),
            token: String::new(),
            home_token: String::new(),
            earlier: Vec::new(),
        }
    }

    /// One synchronisation; `None`: the calendar is gone.
    fn sync(&mut self, scene: &Scene, limit: Option<usize>) {
        self.earlier.push((self.token.clone(), self.home_token.clone(), self.content.clone()));
        let (client, path) = (scene.client(self.user), scene.path(self.user, self.place));
        match self.way {
            Way::Tokens => self.by_tokens(&client, &path, limit),
            Way::Home => self.by_home(&client, &path, limit),
            Way::CTag => {
                let answer = client.propfind(&path, "0", "<CS:getctag/>");
                if answer.status == 404 {
                    return self.forget();
                }
                let tag = answer.multistatus()[&path].properties["getctag"].clone();
                if tag != self.token {
                    self.take(&client, &path, &client.etags(&path));
                    self.token = tag;
                }
            }
            Way::Queries => {
                let mut etags = BTreeMap::new();
                for kind in ["VEVENT", "VTODO", "VJOURNAL"] {
                    let filter =
                        format!("<C:filter><C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"{kind}\"/></C:comp-filter></C:filter>");
                    let query = format!("<C:calendar-query {NAMESPACES}><D:prop><D:getetag/></D:prop>{filter}</C:calendar-query>");
                    let answer = client.send("REPORT", &path, &[("depth", "1")], &query);
                    if answer.status == 404 {
                        return self.forget();
                    }
                    etags.extend(answer.multistatus().into_iter().map(|(href, member)| (href, member.properties["getetag"].clone())));
                }
                self.take(&client, &path, &etags);
            }
        }
    }

    fn forget(&mut self) {
        self.content.clear();
        self.token.clear();
    }

    /// Takes a whole list of tags: fetches what differs, drops what is not in it.
    fn take(&mut self, client: &Client, path: &str, etags: &BTreeMap<String, String>) {
        let known = |href: &str| self.content.get(&name_of(href)).map(|(etag, _)| etag.clone());
        let new: BTreeMap<String, String> =
            etags.iter().filter(|(href, etag)| known(href).as_ref() != Some(*etag)).map(|(h, e)| (h.clone(), e.clone())).collect();
        let names: Vec<String> = etags.keys().map(|href| name_of(href)).collect();
        self.content.retain(|name, _| names.contains(name));
        get_all(client, path, &new, &mut self.content);
    }

    fn by_tokens(&mut self, client: &Client, path: &str, limit: Option<usize>) {
        let limit = limit.map(|limit| format!("<D:limit><D:nresults>{limit}</D:nresults></D:limit>")).unwrap_or_default();
        for _ in 0..100 {
            let answer = client.send(
                "REPORT",
                path,
                &[("depth", "0")],
                &format!(
                    "<D:sync-collection {NAMESPACES}><D:sync-token>{}</D:sync-token><D:sync-level>1</D:sync-level>{limit}<D:prop><D:getetag/></D:prop></D:sync-collection>",
                    self.token
                ),
            );
            match answer.status {
                404 => return self.forget(),
                403 => {
                    assert!(answer.body.contains("valid-sync-token") && !self.token.is_empty(), "{}", answer.body);
                    self.forget();
                    continue;
                }
                status => assert_eq!(status, 207, "{}", answer.body),
            }
            let mut cut = false;
            let mut changed = BTreeMap::new();
            for (href, member) in answer.multistatus() {
                match member.status {
                    Some(404) => {
                        self.content.remove(&name_of(&href));
                    }
                    Some(507) if href == path => cut = true,
                    Some(status) => panic!("{href} {status}"),
                    None => {
                        changed.insert(href, member.properties["getetag"].clone());
                    }
                }
            }
            get_all(client, path, &changed, &mut self.content);
            self.token = inner(&answer.body, "sync-token").expect("a token");
            if !cut {
                return;
            }
        }
        panic!("synchronising does not end");
    }

    fn by_home(&mut self, client: &Client, path: &str, limit: Option<usize>) {
        let home = format!("/dav/calendars/{}/", USERS[self.user]);
        for _ in 0..3 {
            let answer = client.send(
                "REPORT",
                &home,
                &[("depth", "0")],
                &format!(
                    "<D:sync-collection {NAMESPACES}><D:sync-token>{}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:resourcetype/></D:prop></D:sync-collection>",
                    self.home_token
                ),
            );
            if answer.status == 403 {
                assert!(answer.body.contains("valid-sync-token"), "{}", answer.body);
                self.home_token.clear();
                self.forget();
                continue;
            }
            let members = answer.multistatus();
            match members.get(path) {
                Some(member) if member.status == Some(404) => self.forget(),
                Some(_) => self.by_tokens(client, path, limit),
                // Not there at all for a device that begins.
                None if self.home_token.is_empty() => self.forget(),
                None => {}
            }
            // Its owner may have renamed it: what it was before is said to be gone.
            self.home_token = inner(&answer.body, "sync-token").expect("a token");
            return;
        }
        panic!("the home takes no token");
    }
}

#[derive(Default)]
struct Counts {
    syncs: Cell<usize>,
    objects: Cell<usize>,
    earlier: Cell<usize>,
    unmoved: Cell<usize>,
    gone: Cell<usize>,
}

fn add(cell: &Cell<usize>, number: usize) {
    cell.set(cell.get() + number);
}

fn check(scene: &Scene, device: &Device, what: &str, counts: &Counts) -> Result<(), TestCaseError> {
    let fresh = scene.fresh(device.user, device.place);
    if fresh.is_none() {
        add(&counts.gone, 1);
    }
    let fresh = fresh.unwrap_or_default().0;
    add(&counts.syncs, 1);
    add(&counts.objects, fresh.len());
    prop_assert_eq!(&device.content, &fresh, "{} by {:?} at {:?}, {}", USERS[device.user], device.way, device.place, what);
    Ok(())
}

/// What moved for a viewer is what changed for him, and nothing else.
fn check_motion(
    before: &[Option<(Content, String)>],
    after: &[Option<(Content, String)>],
    event: &Event,
    counts: &Counts,
) -> Result<(), TestCaseError> {
    for (user, (before, after)) in before.iter().zip(after).enumerate() {
        let (Some((old, old_tag)), Some((new, new_tag))) = (before, after) else { continue };
        // A refused write marks the object for whoever tried.
        let wrote =
            matches!(event, Event::Put { user: by, .. } | Event::Delete { user: by, .. } | Event::Alarm { user: by, .. } if *by == user);
        for (name, (etag, body)) in new {
            if let Some((old_etag, old_body)) = old.get(name) {
                prop_assert!(wrote || (etag == old_etag) == (body == old_body), "{}: {name} {etag} {old_etag}\n{body}", USERS[user]);
                prop_assert!(body == old_body || etag != old_etag, "{}: {name} changed under one tag", USERS[user]);
            }
        }
        prop_assert_eq!(old == new, old_tag == new_tag, "{}: the tag of the calendar, {:?}", USERS[user], event);
        add(&counts.unmoved, usize::from(old == new));
    }
    Ok(())
}

fn run(items: &[Item], events: &[Event], counts: &Counts) -> Result<(), TestCaseError> {
    let mut scene = Scene::new(items);
    let mut devices: Vec<Device> = (0..DEVICES).map(Device::new).collect();
    for slot in 0..SLOTS {
        scene.write(&Event::Put { user: 0, slot, text: slot * 4 + 1 });
    }
    let all = |scene: &Scene| (0..USERS.len()).map(|user| scene.fresh(user, Place::Owner)).collect::<Vec<_>>();
    // Views move on when they are looked at: half of the histories are left alone between a device's own looks.
    let watched = events.len().is_multiple_of(2);
    let mut before = if watched { all(&scene) } else { Vec::new() };
    for event in events {
        if let Event::Sync { device, old, limit } = event {
            let device = &mut devices[*device];
            device.sync(&scene, *limit);
            check(&scene, device, "now", counts)?;
            if let Some(old) = old.filter(|_| !device.earlier.is_empty()) {
                let mut restored = device.clone();
                (restored.token, restored.home_token, restored.content) = device.earlier[old % device.earlier.len()].clone();
                restored.sync(&scene, *limit);
                check(&scene, &restored, "from an earlier state", counts)?;
                add(&counts.earlier, 1);
            }
            continue;
        }
        let renamed = scene.renamed;
        scene.happen(event);
        if scene.renamed != renamed {
            // At the owner's path it is another collection now.
            for device in devices.iter_mut().filter(|device| device.place == Place::Owner || device.user == 0) {
                *device = Device {
                    content: Content::new(),
                    token: String::new(),
                    home_token: String::new(),
                    earlier: Vec::new(),
                    ..device.clone()
                };
            }
        }
        if watched {
            let after = all(&scene);
            check_motion(&before, &after, event, counts)?;
            before = after;
        }
    }
    for device in &mut devices {
        device.sync(&scene, None);
        check(&scene, device, "at last", counts)?;
    }
    // A token names nothing to another person, and nothing in another calendar.
    for device in devices.iter().filter(|device| device.way == Way::Tokens && !device.token.is_empty()) {
        for user in (0..USERS.len()).filter(|user| *user != device.user) {
            let foreign = scene.client(user).sync(&format!("/dav/calendars/{}/default/", USERS[user]), &device.token);
            prop_assert_eq!(foreign.map_err(|refused| refused.status).err(), Some(403));
            if let Some((fresh, _)) = scene.fresh(user, Place::Owner) {
                let mut borrowed = Device { user, place: Place::Owner, ..device.clone() };
                borrowed.by_tokens(&scene.client(user), &scene.path(user, Place::Owner), None);
                prop_assert_eq!(&borrowed.content, &fresh, "with another's token");
            }
        }
    }
    prop_assert_eq!(scene.world.faults(), Vec::<String>::new());
    Ok(())
}

#[test]
fn every_device_comes_to_what_a_fresh_one_gets_after_any_history() {
    let items = cast::items(3, 1, 40);
    let counts = Counts::default();
    let config = Config { cases: 14, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[5; 32]));
    let outcome = runner.run(&prop::collection::vec(event(), 40..80), |events| run(&items, &events, &counts));
    println!(
        "{} synchronisations by {DEVICES} devices compared {} objects; {} began at an earlier state, {} found nothing left; {} views did not move",
        counts.syncs.get(),
        counts.objects.get(),
        counts.earlier.get(),
        counts.gone.get(),
        counts.unmoved.get(),
    );
    outcome.unwrap();
    assert!(
        counts.syncs.get() > 300
            && counts.objects.get() > 700
            && counts.earlier.get() > 20
            && counts.unmoved.get() > 200
            && counts.gone.get() > 10
    );
}
