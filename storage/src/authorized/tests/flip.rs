//! Sync: whatever changes, content, privacy or access, an old client with its old token comes to what a fresh one gets.

use super::world::{Eyes, World, event};
use crate::error::Error;
use crate::{Directory, Limits};
use acl::level::GrantPrivateEvents;
use acl::{Grantee, Level};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A client that keeps what sync-collection tells it.
#[derive(Default)]
struct SyncClient {
    token: Option<String>,
    held: BTreeMap<String, String>,
}

impl SyncClient {
    /// Syncs to the end, page by page; begins anew if its token is refused.
    fn sync(&mut self, eyes: &Eyes, limit: Option<usize>) {
        for _ in 0..1_000 {
            let changes = match eyes.changes(self.token.as_deref(), limit) {
                Ok(changes) => changes,
                Err(Error::InvalidSyncToken) => {
                    *self = Self::default();
                    continue;
                }
                // The share ended: a client drops the calendar.
                Err(Error::NotFound) => {
                    *self = Self::default();
                    return;
                }
                Err(error) => panic!("{error:?}"),
            };
            assert!(changes.changed.iter().is_sorted_by(|a, b| a.name() < b.name()));
            assert!(changes.removed.is_sorted());
            assert!(limit.is_none_or(|limit| changes.changed.len() + changes.removed.len() <= limit));
            for name in &changes.removed {
                self.held.remove(name);
            }
            for row in changes.changed.iter() {
                self.held.insert(row.name().to_owned(), row.etag().to_owned());
            }
            self.token = Some(changes.token);
            if !changes.truncated {
                return;
            }
        }
        panic!("sync does not end");
    }
}

fn listing(eyes: &Eyes) -> BTreeMap<String, String> {
    eyes.rows().map(|rows| rows.into_iter().map(|row| (row.name().to_owned(), row.etag().to_owned())).collect()).unwrap_or_default()
}

#[derive(Clone, Debug)]
enum Step {
    Put { slot: usize, hour: u32, class: usize },
    Delete { slot: usize },
    Level { level: usize, private_events: usize },
    Revoke,
    Move { slot: usize, to: usize },
    Refused,
    Alarm { slot: usize },
    Sync { limit: Option<usize> },
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..6usize, 8..18u32, 0..4usize).prop_map(|(slot, hour, class)| Step::Put { slot, hour, class }),
        2 => (0..6usize).prop_map(|slot| Step::Delete { slot }),
        3 => (0..6usize, 0..4usize).prop_map(|(level, private_events)| Step::Level { level, private_events }),
        1 => Just(Step::Revoke),
        1 => (0..6usize, 0..6usize).prop_map(|(slot, to)| Step::Move { slot, to }),
        1 => Just(Step::Refused),
        1 => (0..6usize).prop_map(|slot| Step::Alarm { slot }),
        4 => prop_oneof![Just(None), Just(Some(1)), Just(Some(2))].prop_map(|limit| Step::Sync { limit }),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..25)
}

const CLASSES: [&[&str]; 4] = [&[], &["CLASS:PRIVATE"], &["CLASS:CONFIDENTIAL"], &["TRANSP:TRANSPARENT"]];
const PRIVATE_EVENTS: [Option<GrantPrivateEvents>; 4] =
    [None, Some(GrantPrivateEvents::Busy), Some(GrantPrivateEvents::Hidden), Some(GrantPrivateEvents::Show)];

fn run(world: &mut World, step: &Step, number: usize, clients: &mut [(&str, SyncClient)]) -> usize {
    world.step(&format!("step {number}"));
    let alice = world.at("alice", "alice/work");
    match step {
        Step::Put { slot, hour, class } => {
            let text = event(&format!("uid-{slot}"), *hour, &format!("Title {number}"), CLASSES[*class]);
            let _ = alice.put(&format!("{slot}.ics"), &text);
        }
        Step::Delete { slot } => {
            let _ = alice.delete(&format!("{slot}.ics"));
        }
        Step::Move { slot, to } => {
            let _ = alice.move_to(&format!("{slot}.ics"), &alice, &format!("{to}.ics"));
        }
        Step::Level { level, private_events } => {
            let level = Level::ALL[*level];
            world.grant("alice/work", world.grantee("bob"), level, |grant| grant.private_events = PRIVATE_EVENTS[*private_events]);
        }
        Step::Revoke => world.unshare("alice/work", "bob"),
        Step::Refused => {
            let bob = world.at("bob", "alice/work");
            if let Some(name) = bob.rows().ok().and_then(|rows| rows.into_iter().next()).map(|row| row.name().to_owned()) {
                let _ = bob.delete(&name);
            }
        }
        Step::Alarm { slot } => {
            let bob = world.at("bob", "alice/work");
            if let Ok(text) = bob.get(&format!("{slot}.ics")) {
                let _ = bob.put(&format!("{slot}.ics"), &text.replace("END:VEVENT", &format!("{}\r\nEND:VEVENT", super::world::ALARM)));
            }
        }
        Step::Restart => world.reopen(),
        Step::Sync { limit } => {
            let mut compared = 0;
            for (who, client) in clients {
                let eyes = world.at(who, "alice/work");
                client.sync(&eyes, *limit);
                let fresh = listing(&eyes);
                assert_eq!(client.held, fresh, "{who} after step {number}");
                compared += fresh.len();
            }
            return compared;
        }
    }
    0
}

#[test]
fn an_old_client_comes_to_what_a_fresh_one_gets() {
    let compared = AtomicUsize::new(0);
    let mut runner = TestRunner::new(Config { cases: 48, ..Config::default() });
    runner
        .run(&(steps(), 3..40usize, 0..4usize), |(steps, sync_states_max, removed_names_max)| {
            let limits = Limits { sync_states_max, removed_names_max: removed_names_max * 3, ..Limits::default() };
            let mut world = World::with(limits, Directory::Related).users(&["alice", "bob"]);
            world.share("alice/work", "bob", Level::Details);
            let mut clients = [("alice", SyncClient::default()), ("bob", SyncClient::default())];
            for (number, step) in steps.iter().chain([&Step::Sync { limit: Some(1) }, &Step::Sync { limit: None }]).enumerate() {
                compared.fetch_add(run(&mut world, step, number, &mut clients), Ordering::Relaxed);
            }
            Ok(())
        })
        .unwrap();
    let compared = compared.into_inner();
    println!("flip: {compared} rows of converged clients compared");
    assert!(compared > 300, "{compared}");
}

#[test]
fn raising_and_lowering_a_level_takes_old_names_away_and_brings_new_ones() {
    let world = World::new().users(&["alice", "bob"]);
    world.share("alice/work", "bob", Level::Details);
    let bob = world.at("bob", "alice/work");
    world.at("alice", "alice/work").put("lunch.ics", &event("lunch", 12, "Lunch", &[])).unwrap();
    let full = bob.token();
    world.share("alice/work", "bob", Level::FreeBusy);
    let (changed, removed) = bob.since(&full);
    assert_eq!(removed, ["lunch.ics"]);
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0].len(), 30);
    let reduced = bob.token();
    assert_ne!(full, reduced);
    world.share("alice/work", "bob", Level::Details);
    assert_eq!(bob.since(&reduced), (vec!["lunch.ics".to_owned()], changed));
    // What looks as before has the token it had before.
    assert_eq!(bob.token(), full);
    assert_eq!(bob.since(&full), (vec![], vec![]));
}

#[test]
fn what_does_not_show_moves_nothing() {
    let world = World::new().users(&["alice", "bob", "carol"]);
    world.share("alice/work", "bob", Level::FreeBusy);
    let (alice, bob) = (world.at("alice", "alice/work"), world.at("bob", "alice/work"));
    alice.put("lunch.ics", &event("lunch", 12, "Lunch", &[])).unwrap();
    let (before, alice_before) = (bob.token(), alice.token());
    let rows = bob.rows().unwrap();
    alice.put("lunch.ics", &event("lunch", 12, "Secret lunch", &["LOCATION:Rome"])).unwrap();
    alice.put("free.ics", &event("free", 14, "Nothing", &["TRANSP:TRANSPARENT"])).unwrap();
    world.share("alice/work", "carol", Level::EditDelete);
    assert_eq!((bob.token(), bob.rows().unwrap()), (before.clone(), rows));
    assert_ne!(alice.token(), alice_before);
    alice.put("lunch.ics", &event("lunch", 13, "Secret lunch", &[])).unwrap();
    assert_ne!(bob.token(), before);
}

/// A device that wrote and had not yet synchronised kept its copy for ever when somebody else undid what it wrote: what was
/// shown, and with it the token, was that of before (RFC 6578 §3.5.2).
#[test]
fn whoever_wrote_learns_that_it_was_undone() {
    let world = World::new().users(&["alice", "bob"]);
    world.share("alice/work", "bob", Level::EditDelete);
    let (alice, bob) = (world.at("alice", "alice/work"), world.at("bob", "alice/work"));
    alice.put("lunch.ics", &event("lunch", 12, "Lunch", &[])).unwrap();
    let (before, alice_before) = (bob.token(), alice.token());
    bob.put("tea.ics", &event("tea", 16, "Tea", &[])).unwrap();
    alice.delete("tea.ics").unwrap();
    assert_ne!(bob.token(), before);
    assert_eq!(bob.since(&before), (vec![], vec!["tea.ics".to_owned()]));
    assert_eq!(alice.since(&alice_before), (vec![], vec!["tea.ics".to_owned()]));

    let before = bob.token();
    bob.put("lunch.ics", &event("lunch", 13, "Lunch", &[])).unwrap();
    alice.put("lunch.ics", &event("lunch", 12, "Lunch", &[])).unwrap();
    assert_eq!(bob.since(&before), (vec!["lunch.ics".to_owned()], vec![]));

    let before = bob.token();
    bob.delete("lunch.ics").unwrap();
    alice.put("lunch.ics", &event("lunch", 12, "Lunch", &[])).unwrap();
    assert_eq!(bob.since(&before), (vec!["lunch.ics".to_owned()], vec![]));
    assert_eq!(bob.since(&bob.token()), (vec![], vec![]));
}

#[test]
fn tokens_survive_a_restart_and_are_bound_to_viewer_and_calendar() {
    let mut world = World::new().users(&["alice", "bob", "carol"]);
    world.calendar("alice/home");
    for who in ["bob", "carol"] {
        world.share("alice/work", who, Level::Details);
        world.share("alice/home", who, Level::Details);
    }
    world.at("alice", "alice/work").put("lunch.ics", &event("lunch", 12, "Lunch", &[])).unwrap();
    let token = world.at("bob", "alice/work").token();
    assert!(token.starts_with("data:,") && token.len() == 28);
    world.reopen();
    world.at("alice", "alice/work").put("tea.ics", &event("tea", 16, "Tea", &[])).unwrap();
    assert_eq!(world.at("bob", "alice/work").since(&token), (vec!["tea.ics".to_owned()], vec![]));
    let others = [world.at("carol", "alice/work"), world.at("bob", "alice/home"), world.at("alice", "alice/work")];
    for eyes in others {
        assert!(matches!(eyes.changes(Some(&token), None), Err(Error::InvalidSyncToken)));
    }
    let bob = world.at("bob", "alice/work");
    for garbage in ["", "data:,", "data:,x", "http://example.org/", token.trim_start_matches("data:,"), &format!("{token}A")] {
        assert!(matches!(bob.changes(Some(garbage), None), Err(Error::InvalidSyncToken)), "{garbage}");
    }
}

#[test]
fn long_answers_come_in_pages_of_the_asked_length() {
    let world = World::new().users(&["alice", "bob"]);
    world.grant("alice/work", Grantee::Everyone, Level::FreeBusy, |_| ());
    let alice = world.at("alice", "alice/work");
    for number in 0..7 {
        alice.put(&format!("{number}.ics"), &event(&format!("uid-{number}"), 8 + number, "Title", &[])).unwrap();
    }
    let bob = world.at("bob", "alice/work");
    let mut token = None;
    let mut sizes = Vec::new();
    loop {
        let page = bob.changes(token.as_deref(), Some(3)).unwrap();
        sizes.push(page.changed.len());
        token = Some(page.token);
        if !page.truncated {
            break;
        }
    }
    assert_eq!(sizes, [3, 3, 1]);
    assert_eq!(token, Some(bob.token()));
}

#[test]
fn states_beyond_the_limit_are_forgotten_oldest_first() {
    let limits = Limits { sync_states_max: 3, ..Limits::default() };
    let world = World::with(limits, Directory::Related).users(&["alice"]);
    let alice = world.at("alice", "alice/work");
    let tokens: Vec<String> = (0..5)
        .map(|number| {
            alice.put("a.ics", &event("a", 8, &format!("Title {number}"), &[])).unwrap();
            alice.token()
        })
        .collect();
    assert!(matches!(alice.changes(Some(&tokens[1]), None), Err(Error::InvalidSyncToken)));
    assert_eq!(alice.since(&tokens[2]), (vec!["a.ics".to_owned()], vec![]));
}

/// Tokens were not counted: two hundred people with a thousand each took thirty megabytes beyond what was allowed.
#[test]
fn tokens_and_names_that_are_gone_count_for_what_a_view_takes_in_memory() {
    let world = World::with(Limits::default(), Directory::Related).users(&["alice"]);
    let alice = world.at("alice", "alice/work");
    alice.token();
    let before = world.store.views.rows();
    for number in 0..20 {
        alice.put("a.ics", &event("a", 8, &format!("Title {number}"), &[])).unwrap();
        alice.token();
    }
    alice.delete("a.ics").unwrap();
    alice.token();
    assert_eq!(world.store.views.rows() - before, 22, "21 tokens and one name");
}

/// Several devices of two people sync while the owner writes, with room for one view in memory: every view is loaded and
/// dropped again and again.
#[test]
fn devices_that_sync_while_the_owner_writes_all_come_to_the_same() {
    let limits = Limits { views_cached_max: 1, ..Limits::default() };
    let world = World::with(limits, Directory::Related).users(&["alice", "bob", "carol"]);
    world.share("alice/work", "bob", Level::Details);
    world.share("alice/work", "carol", Level::FreeBusy);
    let world = &world;
    std::thread::scope(|scope| {
        let devices: Vec<_> = ["bob", "carol", "bob", "carol"]
            .into_iter()
            .map(|who| {
                scope.spawn(move || {
                    let eyes = world.at(who, "alice/work");
                    let mut client = SyncClient::default();
                    for round in 0..60 {
                        client.sync(&eyes, (round % 2 == 0).then_some(2));
                    }
                    (eyes, client)
                })
            })
            .collect();
        let alice = world.at("alice", "alice/work");
        for number in 0..60u32 {
            let text = event(&format!("uid-{}", number % 9), 8 + number % 10, &format!("Title {number}"), CLASSES[number as usize % 4]);
            let _ = alice.put(&format!("{}.ics", number % 9), &text);
            let _ = alice.delete(&format!("{}.ics", (number + 4) % 9));
        }
        for device in devices {
            let (eyes, mut client) = device.join().unwrap();
            client.sync(&eyes, None);
            assert_eq!(client.held, listing(&eyes));
            assert!(!client.held.is_empty());
        }
    });
}
