//! The stage of the stories: the owner's calendar, everybody's device with one program, and what each must see.

use super::device::Program;
use super::{Make, Traits};
use crate::harness::{Client, Front, World};
use acl::{Level, PrivateEvents};
use std::collections::BTreeMap;
use storage::administration::{CalendarEntry, GrantEntry};

pub const WORK: &str = "/dav/calendars/alice/work/";

/// A name with whatever hrefs have been lost by: a blank, a plus, a percent sign, an at sign, a letter beyond ASCII.
pub const ODD: &str = "a%20b+c%2540d@%C3%A9";

/// Everybody with the level of his grant; the owner has none.
pub const PEOPLE: [(&str, Option<Level>); 6] = [
    ("alice", None),
    ("busy", Some(Level::FreeBusy)),
    ("titles", Some(Level::Titles)),
    ("details", Some(Level::Details)),
    ("edit", Some(Level::Edit)),
    ("edit-delete", Some(Level::EditDelete)),
];

/// One event as the owner means it.
#[derive(Clone, Debug)]
pub struct Plan {
    pub title: String,
    pub private: bool,
    /// All day and free: nobody is busy by it.
    pub free: bool,
    pub hour: u32,
}

pub fn event(uid: &str, title: &str, hour: u32, lines: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:20261104T{hour:02}0000Z\r\n\
         DTEND:20261104T{hour:02}4500Z\r\nSUMMARY:{title}\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

/// A weekly event one instance of which is later, and private.
const SERIES: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:series\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:20261102T090000Z\r\n\
DTEND:20261102T091500Z\r\nRRULE:FREQ=WEEKLY;COUNT=5\r\nSUMMARY:Stand-up\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:series\r\nDTSTAMP:20261101T000000Z\r\n\
RECURRENCE-ID:20261109T090000Z\r\nDTSTART:20261109T100000Z\r\nDTEND:20261109T101500Z\r\nCLASS:PRIVATE\r\nSUMMARY:Dentist\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

/// The owner's empty calendar, shared with everybody as [`PEOPLE`] says.
pub fn shared() -> World {
    let world = PEOPLE.iter().fold(World::new(), |world, (name, _)| world.user(name).sign_in(name)).calendar("alice/work");
    PEOPLE.iter().fold(world, |world, (name, level)| match level {
        Some(level) => world.share("alice/work", name, *level),
        None => world,
    })
}

/// One person's device.
pub struct Seat {
    pub user: &'static str,
    pub level: Option<Level>,
    pub device: Box<dyn Program>,
}

/// The owner, her calendar, and everybody's devices, all with the same program.
pub struct Stage {
    pub world: World,
    pub program: &'static str,
    pub traits: Traits,
    pub alice: Client,
    pub plans: BTreeMap<&'static str, Plan>,
    pub seats: Vec<Seat>,
}

/// What a story tells, and how it goes.
pub type Story = (&'static str, fn(&mut Stage));

/// What is shown of an event to somebody of this level.
pub fn shown(level: Option<Level>, title: &str, private: bool, free: bool) -> Option<String> {
    let Some(level) = level else { return Some(title.to_owned()) };
    match (level, private) {
        (Level::None, _) => None,
        (Level::FreeBusy, _) if free => None,
        (Level::FreeBusy, _) => Some("Busy".to_owned()),
        (_, true) if free => None,
        (_, true) => Some("Private event".to_owned()),
        (_, false) => Some(title.to_owned()),
    }
}

impl Stage {
    pub fn new(program: &'static str, traits: Traits, make: Make) -> Self {
        let world = shared();
        let alice = world.client("alice");
        let mut stage = Self { world, program, traits, alice, plans: BTreeMap::new(), seats: Vec::new() };
        assert_eq!(stage.alice.put(&format!("{WORK}series.ics"), SERIES).status, 201);
        for (name, title, private, free, hour) in [
            ("review", "Design review", false, false, 8),
            ("therapy", "Therapy", true, false, 10),
            ("holiday", "Public holiday", false, true, 12),
        ] {
            stage.plans.insert(name, Plan { title: title.into(), private, free, hour });
            stage.write(name);
        }
        let front = Front::new(&stage.world);
        stage.seats = PEOPLE.iter().map(|(user, level)| Seat { user, level: *level, device: make(front.wire(user)) }).collect();
        for seat in &mut stage.seats {
            seat.device.set_up();
        }
        stage.check("set up");
        stage
    }

    /// Stories with one program, each going on where the one before ended, on a stage of their own.
    pub fn play(program: &'static str, traits: Traits, make: Make, stories: &[Story]) {
        let mut stage = Self::new(program, traits, make);
        for (about, story) in stories {
            println!("{program}: {about}");
            story(&mut stage);
        }
        assert_eq!(stage.world.faults(), Vec::<String>::new());
    }

    pub fn text(&self, name: &str) -> String {
        let plan = &self.plans[name];
        let class = if plan.private { "CLASS:PRIVATE\r\n" } else { "" };
        let free = if plan.free { "TRANSP:TRANSPARENT\r\n" } else { "" };
        event(name, &plan.title, plan.hour, &format!("{class}{free}"))
    }

    /// The owner stores an event from elsewhere.
    pub fn write(&self, name: &str) {
        let answer = self.alice.put(&format!("{WORK}{name}.ics"), &self.text(name));
        assert!(matches!(answer.status, 201 | 204), "{name}: {}", answer.body);
    }

    pub fn refresh(&mut self) {
        for seat in &mut self.seats {
            seat.device.refresh();
        }
    }

    pub fn level(&mut self, user: &str, level: Level) {
        self.world.grant(GrantEntry {
            calendar: "alice/work".into(),
            user: Some(user.into()),
            level: Some(level),
            ..GrantEntry::default()
        });
        let seat = self.seats.iter_mut().find(|seat| seat.user == user).unwrap();
        seat.level = Some(level);
    }

    pub fn policy(&mut self, private_events: PrivateEvents) {
        self.world.set_calendar(CalendarEntry {
            owner: "alice".into(),
            name: "work".into(),
            private_events: Some(private_events),
            ..CalendarEntry::default()
        });
    }

    /// What somebody of this level has to see.
    pub fn expected(&self, level: Option<Level>) -> Vec<String> {
        let mut all: Vec<String> = self.plans.values().filter_map(|plan| shown(level, &plan.title, plan.private, plan.free)).collect();
        all.extend(shown(level, "Stand-up", false, false));
        all.extend(shown(level, "Dentist", true, false));
        all.sort();
        all
    }

    /// Everybody sees what he should, with the buttons he should have, and was shown no error.
    pub fn check(&mut self, when: &str) {
        let expected: Vec<Vec<String>> = self.seats.iter().map(|seat| self.expected(seat.level)).collect();
        for (seat, expected) in self.seats.iter_mut().zip(expected) {
            let who = format!("{} of {} {when}", self.program, seat.user);
            assert_eq!(seat.device.screen(), expected, "{who}");
            assert_eq!(seat.device.take_dialogs(), Vec::<String>::new(), "{who}");
        }
    }

    /// Everything the owner has, as it is stored.
    pub fn stored(&self) -> BTreeMap<String, String> {
        self.alice.members(WORK).into_iter().map(|href| (href.clone(), self.alice.get(&href).body)).collect()
    }
}
