//! Whoever synchronises while others write ends with what a fresh listing shows, from whatever token he held.

use super::history::Ticks;
use super::{Random, number, text};
use crate::harness::{Client, World};
use acl::Level;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

const WRITERS: usize = 3;
const NAMES: u64 = 5;

/// What a device holds: tags by href, and the token they are of.
#[derive(Clone, Default)]
struct Held {
    token: String,
    etags: BTreeMap<String, String>,
}

/// Goes from one token to the next.
fn follow(client: &Client, path: &str, held: &Held) -> Held {
    let (changed, removed, token) = client.sync(path, &held.token).unwrap();
    let mut etags = held.etags.clone();
    removed.iter().for_each(|href| {
        etags.remove(href);
    });
    etags.extend(changed);
    Held { token, etags }
}

fn write(client: &Client, path: &str, random: &mut Random, steps: u64, writer: usize) -> u64 {
    let mut written = 0;
    for step in 0..steps {
        let name = format!("{path}{writer}-{}.ics", random.below(NAMES));
        let uid = name.replace('/', "-");
        let answer = match random.below(4) {
            0 => client.delete(&name),
            1 => client.send("MOVE", &name, &[("destination", &format!("{path}{writer}-{}.ics", random.below(NAMES)))], ""),
            _ => client.put(&name, &text(&uid, step, "")),
        };
        // The UID may stand under another name, where it was moved to; and nothing may be there to move.
        assert!(matches!(answer.status, 201 | 204 | 403 | 404 | 409), "{answer:?}");
        written += u64::from(answer.status < 300);
    }
    written
}

#[test]
fn tokens_given_while_others_write_lead_to_what_a_fresh_listing_shows() {
    let (steps, seed) = (number("SHOJI_STEPS", 40), number("SHOJI_SEED", 1));
    let world = World::new().user("alice").calendar("alice/work").user("bob").user("carol").user("erin");
    let world = world.share("alice/work", "bob", Level::FreeBusy).share("alice/work", "carol", Level::Titles);
    let world = world.share("alice/work", "erin", Level::EditDelete);
    let path = Client::path("alice/work");
    let writing = AtomicUsize::new(WRITERS);
    let writers: Vec<Client> = (0..WRITERS).map(|writer| world.client(if writer == 2 { "erin" } else { "alice" })).collect();
    let readers: Vec<Client> = ["alice", "bob", "carol"].iter().map(|name| world.client(name)).collect();
    let ticks = Ticks::default();
    let (written, states) = std::thread::scope(|scope| {
        let (writing, path, ticks) = (&writing, path.as_str(), &ticks);
        let writers: Vec<_> = writers
            .iter()
            .enumerate()
            .map(|(writer, client)| {
                scope.spawn(move || {
                    let written = write(client, path, &mut Random::of(&[seed, writer as u64]), steps, writer);
                    writing.fetch_sub(1, Ordering::SeqCst);
                    written
                })
            })
            .collect();
        let readers: Vec<_> = readers
            .iter()
            .map(|client| {
                scope.spawn(move || {
                    let mut states = vec![follow(client, path, &Held::default())];
                    while writing.load(Ordering::SeqCst) > 0 {
                        states.push(follow(client, path, states.last().unwrap()));
                        ticks.next();
                        std::thread::yield_now();
                    }
                    states
                })
            })
            .collect();
        let written: u64 = writers.into_iter().map(|writer| writer.join().unwrap()).sum();
        (written, readers.into_iter().map(|reader| reader.join().unwrap()).collect::<Vec<_>>())
    });
    let mut tokens = 0;
    for (client, mut states) in readers.iter().zip(states) {
        // Old ones may be forgotten; the later they are, the less.
        states.drain(..states.len().saturating_sub(200));
        states.dedup_by(|later, earlier| later.token == earlier.token);
        let fresh = client.etags(&path);
        for held in &states {
            assert_eq!(follow(client, &path, held).etags, fresh, "{}, seed {seed}", client.user);
        }
        // A device that missed one answer is told apart from one that has it.
        let skipped = states.windows(2).any(|pair| {
            let [earlier, later] = pair else { return false };
            earlier.etags != later.etags && follow(client, &path, &Held { token: later.token.clone(), ..earlier.clone() }).etags != fresh
        });
        assert!(skipped || states.len() < 3, "{}: the comparison cannot fail", client.user);
        tokens += states.len();
    }
    assert_eq!(world.faults(), Vec::<String>::new());
    println!("races of synchronisation, seed {seed}: {written} writes, {} looks, {tokens} tokens of different states", ticks.next());
    assert!(written > steps && tokens > 6, "too little met");
}
