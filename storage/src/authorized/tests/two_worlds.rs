//! Two worlds that differ only in what a viewer may not see: any script of his gets the same answers in both, tags, tokens,
//! refusals and all.

use super::world::{Eyes, World, event};
use crate::authorized::Resource;
use crate::authorized::property::PropertyTarget;
use crate::error::Result;
use acl::level::GrantPrivateEvents;
use acl::{Grant, Level};
use chrono::TimeDelta;
use ical::{TimeRange, Zone};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::fmt::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// What the owner does. What is hidden differs between the worlds.
#[derive(Clone, Debug)]
enum OwnerStep {
    /// An event that shows, with a title, name and UID of each world's own below Full.
    Shown {
        slot: usize,
        hour: u32,
    },
    DeleteShown {
        slot: usize,
    },
    /// An event of which the viewer is shown nothing, in one world only, or in both with other content.
    Hidden {
        slot: usize,
        hour: u32,
        side: Option<Side>,
    },
    DeleteHidden {
        slot: usize,
    },
    /// The owner renames, annotates, shares with others, in one world only.
    Behind {
        slot: usize,
    },
}

#[derive(Clone, Debug)]
enum ViewerStep {
    List,
    Get {
        row: usize,
    },
    /// By names that mean something to the owner.
    Guess {
        name: usize,
    },
    Put {
        name: usize,
        uid: usize,
        hour: u32,
    },
    PutOver {
        row: usize,
    },
    Delete {
        row: usize,
    },
    Sync {
        from: usize,
        limit: Option<usize>,
    },
    HomeSync,
    Busy,
    Properties,
    Principals,
    CopyToOwn {
        row: usize,
    },
}

#[derive(Clone, Debug)]
enum Step {
    Owner(OwnerStep),
    Viewer(ViewerStep),
}

const HIDDEN_NAMES: usize = 3;

/// Names a viewer may try: some the owner has used for hidden things.
const GUESSES: [&str; 5] = ["hidden-0.ics", "hidden-1.ics", "hidden-2.ics", "new-0.ics", "new-1.ics"];
const UIDS: [&str; 5] = ["hidden-0", "hidden-1", "hidden-2", "new-0", "new-1"];

/// Who looks, and which lines make an event hidden from him.
#[derive(Clone, Copy, Debug)]
struct Case {
    level: Level,
    change: fn(&mut Grant),
    hidden: &'static [&'static str],
    titles_differ: bool,
}

const CASES: [Case; 5] = [
    Case { level: Level::FreeBusy, change: |_| (), hidden: &["TRANSP:TRANSPARENT"], titles_differ: true },
    Case { level: Level::FreeBusy, change: |grant| grant.create_always = true, hidden: &["STATUS:CANCELLED"], titles_differ: true },
    Case { level: Level::Titles, change: hide, hidden: &["CLASS:CONFIDENTIAL"], titles_differ: false },
    Case { level: Level::Details, change: hide, hidden: &["CLASS:PRIVATE"], titles_differ: false },
    Case { level: Level::EditDelete, change: hide, hidden: &["CLASS:PRIVATE"], titles_differ: false },
];

fn hide(grant: &mut Grant) {
    grant.private_events = Some(GrantPrivateEvents::Hidden);
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let side = prop_oneof![Just(None), Just(Some(Side::Left)), Just(Some(Side::Right))];
    let owner = prop_oneof![
        3 => (0..3usize, 8..18u32).prop_map(|(slot, hour)| OwnerStep::Shown { slot, hour }),
        1 => (0..3usize).prop_map(|slot| OwnerStep::DeleteShown { slot }),
        4 => (0..HIDDEN_NAMES, 8..18u32, side).prop_map(|(slot, hour, side)| OwnerStep::Hidden { slot, hour, side }),
        1 => (0..HIDDEN_NAMES).prop_map(|slot| OwnerStep::DeleteHidden { slot }),
        1 => (0..3usize).prop_map(|slot| OwnerStep::Behind { slot }),
    ];
    let limit = prop_oneof![Just(None), Just(Some(1)), Just(Some(2))];
    let viewer = prop_oneof![
        2 => Just(ViewerStep::List),
        2 => (0..6usize).prop_map(|row| ViewerStep::Get { row }),
        2 => (0..GUESSES.len()).prop_map(|name| ViewerStep::Guess { name }),
        4 => (0..GUESSES.len(), 0..UIDS.len(), 8..18u32).prop_map(|(name, uid, hour)| ViewerStep::Put { name, uid, hour }),
        2 => (0..6usize).prop_map(|row| ViewerStep::PutOver { row }),
        1 => (0..6usize).prop_map(|row| ViewerStep::Delete { row }),
        4 => (0..8usize, limit).prop_map(|(from, limit)| ViewerStep::Sync { from, limit }),
        1 => Just(ViewerStep::HomeSync),
        1 => Just(ViewerStep::Busy),
        1 => Just(ViewerStep::Properties),
        1 => Just(ViewerStep::Principals),
        1 => (0..6usize).prop_map(|row| ViewerStep::CopyToOwn { row }),
    ];
    let step = prop_oneof![2 => owner.prop_map(Step::Owner), 3 => viewer.prop_map(Step::Viewer)];
    prop::collection::vec(step, 1..30)
}

/// One world with the viewer's side of the conversation.
struct Told {
    side: Side,
    world: World,
    tokens: Vec<String>,
    transcript: String,
    answers: usize,
}

impl Told {
    fn new(side: Side, case: &Case) -> Self {
        let world = World::new().users(&["alice", "bob", "carol"]);
        world.grant("alice/work", world.grantee("bob"), case.level, case.change);
        Self { side, world, tokens: Vec::new(), transcript: String::new(), answers: 0 }
    }

    fn owner(&self, step: &OwnerStep, case: &Case, number: usize) {
        self.world.step(&format!("owner {number}"));
        let alice = self.world.at("alice", "alice/work");
        let secret = format!("{:?} {number}", self.side);
        match step {
            OwnerStep::Shown { slot, hour } => {
                let title = if case.titles_differ { secret.clone() } else { format!("Title {slot}") };
                let more = if case.level < Level::Details { vec![format!("DESCRIPTION:{secret}")] } else { vec![] };
                let more: Vec<&str> = more.iter().map(String::as_str).collect();
                let _ = alice.put(&format!("shown-{slot}.ics"), &event(&format!("shown-{slot}"), *hour, &title, &more));
            }
            OwnerStep::DeleteShown { slot } => {
                let _ = alice.delete(&format!("shown-{slot}.ics"));
            }
            OwnerStep::Hidden { slot, hour, side } => {
                let name = format!("hidden-{slot}.ics");
                let is_viewers = alice.get(&name).is_ok_and(|text| !is_hidden(&text, case));
                if !is_viewers && side.is_none_or(|side| side == self.side) {
                    let text = event(&format!("hidden-{slot}"), *hour, &secret, case.hidden);
                    let _ = alice.put(&name, &text);
                }
            }
            OwnerStep::DeleteHidden { slot } => {
                let name = format!("hidden-{slot}.ics");
                if alice.get(&name).is_ok_and(|text| is_hidden(&text, case)) {
                    alice.delete(&name).unwrap();
                }
            }
            OwnerStep::Behind { slot } if self.side == Side::Left => {
                self.world.share("alice/work", "carol", Level::ALL[*slot]);
                let alarm = alice.get(&format!("shown-{slot}.ics"));
                if let Ok(text) = alarm {
                    let _ = alice
                        .put(&format!("shown-{slot}.ics"), &text.replace("END:VEVENT", &format!("{}\r\nEND:VEVENT", super::world::ALARM)));
                }
            }
            OwnerStep::Behind { .. } => {}
        }
    }

    fn tell<T: std::fmt::Debug>(&mut self, what: &str, answer: &Result<T>) {
        self.answers += 1;
        writeln!(self.transcript, "{what}: {answer:?}").unwrap();
    }

    fn viewer(&mut self, step: &ViewerStep, number: usize) {
        self.world.step(&format!("viewer {number}"));
        let bob = self.world.at("bob", "alice/work");
        let own = self.world.at("bob", "bob/work");
        let name_of = |row: usize| nth_name(&bob, row);
        match step {
            ViewerStep::List => self.tell("list", &bob.rows()),
            ViewerStep::Get { row } => self.tell("get", &bob.get(&name_of(*row))),
            ViewerStep::Guess { name } => self.tell("guess", &bob.get(GUESSES[*name])),
            ViewerStep::Put { name, uid, hour } => {
                let text = event(UIDS[*uid], *hour, "His", &[]);
                self.tell("put", &bob.put(GUESSES[*name], &text));
            }
            ViewerStep::PutOver { row } => {
                let name = name_of(*row);
                if let Ok(text) = bob.get(&name) {
                    let edited = text.replace("SUMMARY:", "SUMMARY:edited ");
                    self.tell("put over", &bob.put(&name, &edited));
                }
            }
            ViewerStep::Delete { row } => self.tell("delete", &bob.delete(&name_of(*row))),
            ViewerStep::Sync { from, limit } => {
                let token = from.checked_sub(1).and_then(|from| self.tokens.get(from)).cloned();
                let changes = bob.changes(token.as_deref(), *limit);
                if let Ok(changes) = &changes {
                    self.tokens.push(changes.token.clone());
                }
                self.tell("sync", &changes);
            }
            ViewerStep::HomeSync => {
                let changes = bob.door.read(|store| match store.resolve("bob", &[])? {
                    Resource::Home(home) => store.home_changes(&home, None, None),
                    _ => Err(crate::Error::NotFound),
                });
                self.tell("home", &changes);
            }
            ViewerStep::Busy => {
                let window = TimeRange { start: Some(self.world.now()), end: Some(self.world.now() + TimeDelta::days(30)) };
                self.tell(
                    "busy",
                    &bob.read(|store, calendar| store.busy_periods(std::slice::from_ref(calendar), &window, Some(&Zone::utc()))),
                );
            }
            ViewerStep::Properties => {
                let shown = bob.read(|store, calendar| {
                    let resource = Resource::Calendar(calendar.clone());
                    Ok((store.properties(&PropertyTarget::Resource(&resource))?, calendar.privileges().clone()))
                });
                self.tell("properties", &shown);
            }
            ViewerStep::Principals => self.tell("principals", &bob.door.read(|store| store.principals())),
            ViewerStep::CopyToOwn { row } => {
                self.tell("copy", &bob.copy(&name_of(*row), &own, "copy.ics"));
                self.tell("own", &own.rows());
            }
        }
    }
}

/// Where the viewer was first to use a name, it is his event that the owner sees under it.
fn is_hidden(text: &str, case: &Case) -> bool {
    case.hidden.iter().all(|line| text.contains(line))
}

fn nth_name(eyes: &Eyes, row: usize) -> String {
    let names = eyes.names();
    names.get(row.min(names.len().saturating_sub(1))).cloned().unwrap_or_else(|| "nothing.ics".to_owned())
}

#[test]
fn a_viewer_cannot_tell_two_worlds_apart_that_differ_in_what_he_may_not_see() {
    let answers = AtomicUsize::new(0);
    let mut runner = TestRunner::new(Config { cases: 96, ..Config::default() });
    runner
        .run(&(0..CASES.len(), steps()), |(case, steps)| {
            let case = &CASES[case];
            let (mut left, mut right) = (Told::new(Side::Left, case), Told::new(Side::Right, case));
            let last = [Step::Viewer(ViewerStep::List), Step::Viewer(ViewerStep::Sync { from: 1, limit: None })];
            for (number, step) in steps.iter().chain(&last).enumerate() {
                for told in [&mut left, &mut right] {
                    match step {
                        Step::Owner(step) => told.owner(step, case, number),
                        Step::Viewer(step) => told.viewer(step, number),
                    }
                }
                prop_assert_eq!(&left.transcript, &right.transcript);
            }
            answers.fetch_add(left.answers, Ordering::Relaxed);
            Ok(())
        })
        .unwrap();
    let answers = answers.into_inner();
    println!("two worlds: {answers} answers compared");
    assert!(answers > 500, "{answers}");
}
