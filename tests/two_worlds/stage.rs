//! A stage: one of a scene's two worlds while the scene is played, and what everybody but the viewer does in it.

use super::scene::{Deed, Scene};
use super::thing::{Side, with_alarm};
use super::viewer::State;
use crate::harness::client::NAMESPACES;
use crate::harness::dice::Dice;
use crate::harness::{Client, World};
use acl::Level;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;
use storage::administration::{ApplyFile, ApplyOptions, CalendarEntry, GrantEntry, GroupEntry, QuotaEntry, SubscriptionEntry, UserEntry};
use storage::authorized::NewLink;

/// See the module.
pub struct Stage<'s> {
    scene: &'s Scene,
    side: Side,
    pub world: World,
    pub viewer: Client,
    owner: Client,
    /// Under which names the owner knows the things that stand.
    names: BTreeMap<usize, String>,
    beginning: DateTime<Utc>,
    renamed: usize,
    /// Bytes that the owner may take up while the viewer asks.
    allowed_bytes: u64,
    /// Where the viewer's link leads, if he has one.
    pub link: Option<String>,
}

/// Room for all that the owner ever does.
const ROOM: u64 = 1 << 30;

fn user(name: &str) -> UserEntry {
    let display_name = Some(format!("Name of {name}"));
    UserEntry { name: name.into(), display_name, emails: Some(vec![format!("{name}@example.org")]), ..UserEntry::default() }
}

fn calendar(owner: &str, name: &str) -> CalendarEntry {
    CalendarEntry { owner: owner.into(), name: name.into(), ..CalendarEntry::default() }
}

fn grant(calendar: &str, to: &str, level: Level) -> GrantEntry {
    GrantEntry { calendar: calendar.into(), user: Some(to.into()), level: Some(level), ..GrantEntry::default() }
}

impl<'s> Stage<'s> {
    /// Sets the scene up in one world.
    pub fn new(scene: &'s Scene, side: Side) -> Self {
        let mut world = World::with_limits(scene.storage_limits());
        let beginning = world.now();
        // Everything was stored at another time and in another order.
        if side == Side::B {
            world.pass(-TimeDelta::hours(5));
        }
        world.step("people");
        apply(&world, &common_cast(scene, side));
        world.step("bob's grant");
        let limits = scene.limits();
        let (viewer, owner) = (world.client("bob").with_limits(limits), world.client("alice"));
        let link = None;
        let mut stage =
            Self { scene, side, world, viewer, owner, names: BTreeMap::new(), beginning, renamed: 0, allowed_bytes: ROOM, link };
        stage.grant(0);
        stage.world.step("link");
        stage.publish();
        stage.world.step("others");
        apply(&stage.world, &own_cast(scene, side, beginning));
        let mut standing: Vec<usize> = scene.things.iter().filter(|thing| !thing.later).map(|thing| thing.number).collect();
        if side == Side::B {
            standing.reverse();
            stage.act("unseen at the beginning", &Deed::Elsewhere { seed: scene.seed });
            stage.act("unseen at the beginning too", &Deed::Properties { seed: scene.seed });
        }
        for thing in standing {
            stage.act(&format!("thing {thing}"), &Deed::Store { thing, version: 0 });
        }
        stage.world.step("availability");
        stage.availability(scene.seed);
        let now = stage.world.now();
        stage.world.pass(beginning - now);
        stage
    }

    /// Puts the viewer into a state.
    fn grant(&self, state: usize) {
        let work = self.scene.calendar[self.side.index()];
        let State { policy, member, organisation, .. } = self.scene.viewer.states[state];
        let whole = organisation.file();
        let file = ApplyFile {
            groups: [organisation.nested("team", "dan", member), whole.groups.clone()].concat(),
            calendars: vec![CalendarEntry { private_events: Some(policy), ..calendar("alice", work) }],
            grants: self.scene.viewer.grant(&format!("alice/{work}"), state, self.beginning).into_iter().collect(),
            ..whole
        };
        apply(&self.world, &file);
        if organisation.opened {
            // Refused unless he is an administrator whom policy asks for a reason: in both worlds or in neither.
            drop(self.world.store.administration().break_glass("alice", work, "bob", "To see it"));
        }
    }

    /// Makes the viewer's link.
    fn publish(&mut self) {
        let work = self.scene.calendar[self.side.index()];
        let Some(level) = self.scene.viewer.link else { return };
        let new = NewLink { level: Some(level), ..NewLink::default() };
        let made = self.world.store.administration().add_link("alice", work, None, &new).unwrap();
        self.link = Some(format!("/l/{}", made.secret.text()));
    }

    /// The path of the calendar all is about, in its owner's home.
    fn work(&self) -> String {
        format!("/dav/calendars/alice/{}/", self.scene.calendar[self.side.index()])
    }

    /// Somebody else does something. Randomness follows from `step`.
    pub fn act(&mut self, step: &str, deed: &Deed) {
        self.world.step(step);
        if self.allowed_bytes < ROOM {
            self.allow(ROOM);
        }
        self.act_with_room(step, deed);
        if self.allowed_bytes < ROOM {
            self.allow(self.allowed_bytes);
        }
    }

    fn allow(&self, bytes: u64) {
        self.world.store.administration().set_quota("alice", QuotaEntry::Bytes(bytes)).unwrap();
    }

    fn act_with_room(&mut self, step: &str, deed: &Deed) {
        match deed {
            Deed::Allow { bytes } => self.allowed_bytes = *bytes,
            Deed::Store { thing, version } => self.store(*thing, *version),
            Deed::Restyle { thing, version, seed } => self.restyle(*thing, *version, *seed),
            Deed::Remove { thing } => {
                if let Some(path) = self.path_of(*thing) {
                    self.owner.delete(&path);
                    self.names.remove(thing);
                }
            }
            Deed::Rename { thing } => self.rename(*thing),
            Deed::Away { thing } => self.away(*thing),
            Deed::Undo { thing } => self.undo(*thing),
            Deed::TakeBack { thing } => self.take_back(*thing),
            Deed::UndoCalendar => {
                assert_eq!(self.owner.delete(&self.work()).status, 204);
                let back = self.owner.api("POST", &format!("trash/{}", self.scene.calendar[self.side.index()]), "{}");
                assert_eq!(back.status, 200, "{}", back.body);
            }
            Deed::Alarm { thing } => self.alarm(*thing, step.len()),
            Deed::Properties { seed } => self.properties(*seed),
            Deed::Grant { state } => self.grant(*state),
            Deed::Pass { minutes } => self.world.pass(TimeDelta::minutes(*minutes)),
            Deed::Elsewhere { seed } => self.elsewhere(*seed),
            Deed::Others { seed } => self.others(*seed),
            Deed::AlarmOnAny { seed } => {
                let etags = self.owner.etags(&self.work());
                let hrefs: Vec<&String> = etags.keys().collect();
                if let Some(href) = Dice::new(*seed).pick_any(&hrefs) {
                    self.owner.put(href, &with_alarm(&self.owner.get(href).body, 11));
                }
            }
            Deed::OwnerLooks { seed } => {
                let mut dice = Dice::new(*seed);
                self.owner.etags(&self.work());
                self.owner.sync_token(dice.pick::<String>(&[self.work(), "/dav/calendars/alice/".to_owned()]));
                self.owner.get(&self.work());
                self.owner.api("GET", &self.history(), "");
                self.owner.api("GET", "trash", "");
            }
        }
    }

    /// Where the owner finds a thing that she stored, if it is still there and still hers to change.
    fn path_of(&self, thing: usize) -> Option<String> {
        let path = format!("{}{}", self.work(), self.names.get(&thing)?);
        let look = self.scene.things[thing].looks[self.side.index()].as_ref()?;
        let answer = self.owner.get(&path);
        let body = answer.body.replace("\r\n ", "").replace("\n ", "");
        (answer.status == 200 && body.contains(&look.uid)).then_some(path)
    }

    fn store(&mut self, thing: usize, version: usize) {
        let Some(look) = &self.scene.things[thing].looks[self.side.index()] else { return };
        let text = look.text(version);
        if self.names.contains_key(&thing) {
            if let Some(path) = self.path_of(thing) {
                self.owner.put(&path, &text);
            }
            return;
        }
        let path = format!("{}{}", self.work(), look.name);
        let answer = self.owner.send("PUT", &path, &[("content-type", "text/calendar"), ("if-none-match", "*")], &text);
        if answer.status == 201 {
            self.names.insert(thing, look.name.clone());
        }
        let expected = self.scene.things[thing].hidden || answer.status == 201;
        assert!(expected, "a thing is stored in both worlds: {} {}\n{text}", answer.status, answer.body);
    }

    fn restyle(&self, thing: usize, version: usize, seed: u64) {
        let other = self.scene.things[thing].restyled(
            self.side,
            &mut Dice::new(seed),
            &self.scene.viewer.matrices(),
            self.scene.viewer.takes_part(),
        );
        if let (Some(other), Some(path)) = (other, self.path_of(thing)) {
            let answer = self.owner.put(&path, &other.text(version));
            assert_eq!(answer.status, 204, "{}", answer.body);
        }
    }

    fn rename(&mut self, thing: usize) {
        let Some(path) = self.path_of(thing) else { return };
        self.renamed += 1;
        // What the viewer may be shown the name of gets the same one in both worlds.
        let name = match self.scene.things[thing].full {
            true => format!("renamed-{thing}.ics"),
            false => format!("renamed-{thing}-{:?}-{}.ics", self.side, self.renamed),
        };
        if self.move_to(&path, &format!("{}{name}", self.work())) == 201 {
            self.names.insert(thing, name);
        }
    }

    /// To another calendar of the owner's and back, under a name of its own: its old one may have come to mean something else.
    fn away(&mut self, thing: usize) {
        let Some(path) = self.path_of(thing) else { return };
        let elsewhere = format!("/dav/calendars/alice/default/away-{thing}.ics");
        if self.move_to(&path, &elsewhere) != 201 {
            return;
        }
        self.renamed += 1;
        let name = format!("back-{thing}-{:?}-{}.ics", self.side, self.renamed);
        assert_eq!(self.move_to(&elsewhere, &format!("{}{name}", self.work())), 201);
        self.names.insert(thing, name);
    }

    /// The calendar's history, in the interface for programs.
    fn history(&self) -> String {
        format!("calendars/alice/{}/history", self.scene.calendar[self.side.index()])
    }

    /// Into the trash and out again, under the name it had.
    fn undo(&self, thing: usize) {
        let Some(path) = self.path_of(thing) else { return };
        assert_eq!(self.owner.delete(&path).status, 204);
        let back = self.owner.api("POST", &format!("{}/{}", self.history(), self.names[&thing]), "{}");
        assert_eq!(back.json()["object"].as_str(), Some(self.names[&thing].as_str()), "{}", back.body);
    }

    /// The first version of it that is kept, if it has others: what others than the owner wrote of it in between is gone.
    fn take_back(&self, thing: usize) {
        if self.path_of(thing).is_none() {
            return;
        }
        let path = format!("{}/{}", self.history(), self.names[&thing]);
        let versions = self.owner.api("GET", &path, "").json();
        let versions = versions["versions"].as_array().unwrap();
        if let [_, .., first] = versions.as_slice() {
            let back = self.owner.api("POST", &path, &serde_json::json!({ "version": first["number"] }).to_string());
            assert!([200, 404].contains(&back.status), "{}", back.body);
        }
    }

    fn move_to(&self, path: &str, destination: &str) -> u16 {
        self.owner.send("MOVE", path, &[("destination", destination), ("overwrite", "F")], "").status
    }

    /// What stands, with alarms of the owner's: the base stays.
    fn alarm(&self, thing: usize, salt: usize) {
        let Some(path) = self.path_of(thing) else { return };
        let text = self.owner.get(&path).body;
        self.owner.put(&path, &with_alarm(&text, u32::try_from(salt).unwrap()));
    }

    fn properties(&self, seed: u64) {
        let mut dice = Dice::new(seed);
        let zone = "BEGIN:VCALENDAR&#13;\nPRODID:-//x//EN&#13;\nVERSION:2.0&#13;\nBEGIN:VTIMEZONE&#13;\nTZID:Asia/Tokyo&#13;\nBEGIN:STANDARD&#13;\nDTSTART:19700101T000000&#13;\nTZOFFSETFROM:+0900&#13;\nTZOFFSETTO:+0900&#13;\nEND:STANDARD&#13;\nEND:VTIMEZONE&#13;\nEND:VCALENDAR&#13;\n";
        let mut set = format!(
            "<A:calendar-order>{}</A:calendar-order><secret xmlns=\"urn:alice\">{}</secret><C:calendar-timezone>{zone}</C:calendar-timezone>",
            dice.below(90),
            dice.below(90)
        );
        if !self.scene.detailed {
            let salt = dice.below(90);
            set.push_str(&format!(
                "<D:displayname>canary-k-{salt}</D:displayname><C:calendar-description>canary-k-{salt}</C:calendar-description><A:calendar-color>#1122{salt:02}FF</A:calendar-color>"
            ));
        }
        let update = |inside: &str| format!("<D:propertyupdate {NAMESPACES}><D:set><D:prop>{inside}</D:prop></D:set></D:propertyupdate>");
        self.owner.send("PROPPATCH", &self.work(), &[], &update(&set));
        self.availability(seed);
        let dead = "<secret xmlns=\"urn:alice\">of hers</secret>";
        for path in ["/dav/calendars/alice/", "/dav/principals/users/alice/"] {
            self.owner.send("PROPPATCH", path, &[], &update(dead));
        }
        for name in self.names.values() {
            let displayname = "<D:displayname>canary-object</D:displayname>";
            self.owner.send("PROPPATCH", &format!("{}{name}", self.work()), &[], &update(&format!("{dead}{displayname}")));
        }
    }

    /// When the owner is available, in a calendar of which the viewer has free/busy alone, and on her home: the same times in
    /// both worlds, and other words around them.
    fn availability(&self, seed: u64) {
        let words = format!("canary-{:?}-{seed}", self.side);
        let text = |priority: u8| {
            format!(
                "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//{words}//EN\r\nBEGIN:VAVAILABILITY\r\nUID:hours-{priority}-{:?}\r\n\
                 DTSTAMP:20261101T000000Z\r\nSUMMARY:{words}\r\nPRIORITY:{priority}\r\nDTSTART:20261102T000000Z\r\n\
                 DTEND:20261{priority}20T000000Z\r\nBEGIN:AVAILABLE\r\nUID:{words}\r\nDTSTAMP:20261101T000000Z\r\nLOCATION:{words}\r\n\
                 DTSTART:20261102T080000Z\r\nDTEND:20261102T170000Z\r\nRRULE:FREQ=DAILY\r\nEND:AVAILABLE\r\nEND:VAVAILABILITY\r\nEND:VCALENDAR\r\n",
                self.side
            )
        };
        if !self.scene.viewer.is_open() {
            let stored = self.owner.put(&format!("/dav/calendars/alice/more/hours-{:?}.ics", self.side), &text(2));
            assert!(stored.status < 300, "{} {}", stored.status, stored.body);
        }
        let set = format!("<C:calendar-availability>{}</C:calendar-availability>", text(1));
        let body = format!("<D:propertyupdate {NAMESPACES}><D:set><D:prop>{set}</D:prop></D:set></D:propertyupdate>");
        let set = self.owner.send("PROPPATCH", "/dav/calendars/alice/", &[], &body);
        assert!(set.body.contains("200 OK"), "{}", set.body);
    }

    /// People, groups, calendars and grants that have nothing to do with the viewer.
    fn elsewhere(&mut self, seed: u64) {
        let mut dice = Dice::new(seed);
        let work = format!("alice/{}", self.scene.calendar[self.side.index()]);
        let mut file = ApplyFile::default();
        match dice.below(6) {
            // Whoever is there, and whatever calendars, is open to him.
            0 | 2 if self.scene.viewer.is_open() => {}
            0 => file.users.push(user(one_of(&mut dice, &["xena", "yuri", "kim"]))),
            1 => file.groups.push(GroupEntry {
                name: "board".into(),
                members: dice.pick(&[vec![], vec!["zoe".to_owned()], vec!["alice".to_owned(), "carol".to_owned()]]).clone(),
            }),
            2 => file.calendars.push(calendar("alice", one_of(&mut dice, &["affair", "therapy", "lawyer"]))),
            3 => {
                let level = *dice.pick(&Level::ALL);
                file.grants.push(grant(&work, one_of(&mut dice, &["carol", "zoe"]), level));
            }
            4 if self.scene.viewer.is_deaf_to_everyone() => {
                let level = *dice.pick(&Level::ALL);
                file.grants.push(GrantEntry { calendar: work, everyone: Some(true), level: Some(level), ..GrantEntry::default() });
            }
            _ => {
                self.owner.send("MKCOL", &format!("/dav/calendars/alice/files-{}/", dice.below(3)), &[], "");
                // The same object in a calendar of hers alone, once it is in the other: a UID of which she keeps a private
                // copy makes what she stores later private too.
                let look = self.names.first_key_value().and_then(|(thing, _)| self.scene.things[*thing].looks[self.side.index()].as_ref());
                if let Some(look) = look.filter(|_| !self.scene.viewer.is_open()) {
                    self.owner.put(&format!("/dav/calendars/alice/default/{}", look.name), &look.text(0));
                }
            }
        }
        apply(&self.world, &file);
    }

    /// Carol and Zoe, who may see more or less, or be able to put events where the viewer does not see them.
    fn others(&self, seed: u64) {
        let mut dice = Dice::new(seed);
        let client = self.world.client(one_of(&mut dice, &["carol", "zoe"]));
        let answer = client.propfind(&self.work(), "1", "<D:getetag/><D:sync-token/>");
        if answer.status != 207 {
            return;
        }
        let objects: Vec<String> = answer.multistatus().into_keys().filter(|href| *href != self.work()).collect();
        let update = format!(
            "<D:propertyupdate {NAMESPACES}><D:set><D:prop><D:displayname>hers</D:displayname><A:calendar-color>#0000FFFF</A:calendar-color></D:prop></D:set></D:propertyupdate>"
        );
        client.send("PROPPATCH", &self.work(), &[], &update);
        if let Some(href) = dice.pick_any(&objects) {
            let body = client.get(href).body;
            // Refused to everybody, and an alarm of her own, which whoever may edit can have.
            client.put(href, &body.replace("UID:", "UID:other-"));
            client.put(href, &with_alarm(&body, 3));
            client.send("PROPPATCH", href, &[], &update);
        }
        if self.scene.hides_private {
            let name = format!("{}bobs-{}.ics", self.work(), dice.below(6));
            let text = format!(
                "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//carol//EN\r\nBEGIN:VEVENT\r\nUID:carols-{}@example.org\r\nDTSTAMP:20261102T000000Z\r\nDTSTART:20261110T100000Z\r\nDTEND:20261110T110000Z\r\nCLASS:PRIVATE\r\nSUMMARY:canary-carol\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
                dice.below(1000)
            );
            client.send("PUT", &name, &[("content-type", "text/calendar"), ("if-none-match", "*")], &text);
        }
    }
}

fn one_of(dice: &mut Dice, names: &[&'static str]) -> &'static str {
    dice.pick::<&'static str>(names)
}

/// A subscription of hers, which nobody else knows of.
fn subscription(name: &str, source: &str) -> SubscriptionEntry {
    SubscriptionEntry { owner: "alice".into(), name: name.into(), source: Some(source.into()), ..SubscriptionEntry::default() }
}

fn apply(world: &World, file: &ApplyFile) {
    world.store.administration().apply(file, ApplyOptions::default()).unwrap().unwrap();
}

/// The people and calendars that are the same in both worlds.
fn common_cast(scene: &Scene, side: Side) -> ApplyFile {
    let members = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let work = CalendarEntry { widen_public: Some(scene.viewer.widen_public), ..calendar("alice", scene.calendar[side.index()]) };
    let quota = |mut user: UserEntry| {
        if user.name == "bob" && scene.viewer.guest {
            user.emails.as_mut().unwrap().push("guest@example.org".to_owned());
        }
        user
    };
    let quota =
        |user: UserEntry| UserEntry { quota_bytes: (user.name == "bob").then_some(QuotaEntry::Bytes(scene.quota_bytes)), ..quota(user) };
    ApplyFile {
        users: ["alice", "bob", "carol", "dan", "zoe"].map(|name| quota(user(name))).into(),
        groups: vec![GroupEntry { name: "team".into(), members: members(&["bob", "dan"]) }],
        calendars: vec![work, calendar("alice", "more"), calendar("dan", "plans")],
        // A second calendar of hers in sight, so that their display names bear numbers.
        grants: vec![grant("dan/plans", "bob", Level::Edit), grant("alice/more", "bob", Level::FreeBusy)],
        ..ApplyFile::default()
    }
}

/// Those that stand in one world only.
fn own_cast(scene: &Scene, side: Side, beginning: DateTime<Utc>) -> ApplyFile {
    let work = format!("alice/{}", scene.calendar[side.index()]);
    let hidden = subscription(if side == Side::A { "feed" } else { "news" }, "https://elsewhere.example/alice.ics?token=first");
    match side {
        // What is open to him may not be different; who else sees it, and how, is nothing to him.
        _ if scene.viewer.is_open() => ApplyFile {
            groups: vec![GroupEntry { name: "board".into(), members: vec!["alice".into(), "zoe".into()] }],
            subscriptions: vec![hidden],
            grants: vec![grant(&work, "carol", if side == Side::A { Level::Details } else { Level::FreeBusy })],
            ..ApplyFile::default()
        },
        Side::A => ApplyFile {
            users: vec![user("xena")],
            groups: vec![GroupEntry { name: "board".into(), members: vec!["alice".into(), "xena".into()] }],
            calendars: vec![calendar("alice", "affair")],
            subscriptions: vec![subscription("feed", "https://elsewhere.example/alice.ics?token=first")],
            grants: vec![
                grant(&work, "carol", Level::Details),
                grant("alice/affair", "xena", Level::Edit),
                grant("alice/affair", "bob", Level::None),
                grant("carol/default", "bob", Level::None),
            ],
            ..ApplyFile::default()
        },
        Side::B => ApplyFile {
            users: vec![user("yuri")],
            groups: Vec::new(),
            calendars: vec![calendar("alice", "therapy"), calendar("alice", "lawyer"), calendar("zoe", "more")],
            subscriptions: vec![
                subscription("news", "webcal://news.example/other"),
                subscription("scores", "https://scores.example/?key=second"),
            ],
            grants: vec![
                GrantEntry { create: Some(storage::administration::entry::CreateWord::Yes), ..grant(&work, "carol", Level::FreeBusy) },
                grant("alice/default", "zoe", Level::EditDelete),
                // What is over counts as never given.
                GrantEntry { until: Some(beginning - TimeDelta::hours(1)), ..grant("alice/therapy", "bob", Level::Details) },
                GrantEntry { until: Some(beginning - TimeDelta::hours(1)), ..grant("zoe/more", "bob", Level::Edit) },
            ],
            ..ApplyFile::default()
        },
    }
}
