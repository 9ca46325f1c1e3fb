//! Rights and events change while long reports are read. One writer goes through a circle of states, one request after the
//! other: titles, times, CLASS, levels, moves. What each state shows is first asked in quiet; then every answer given while
//! the circle turns has to be, whole, that of one state between the request and the answer, and no earlier one than the
//! answer before showed.

use super::history::Ticks;
use super::{number, text};
use crate::harness::{Client, World};
use acl::Level;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use storage::administration::GrantEntry;

const OBJECTS: u64 = 6;

/// What the writer does from one state to the next.
#[derive(Clone, Copy, Debug)]
enum Step {
    Put { object: u64, version: u64, class: &'static str },
    Level(Level),
    Revoke,
    MoveAway(u64),
    MoveBack(u64),
}

/// From the first state to the first state.
fn circle() -> Vec<Step> {
    let generation = |version: u64| (0..OBJECTS).map(move |object| Step::Put { object, version, class: "CLASS:PUBLIC\r\n" });
    let class = |object: u64, class: &'static str| Step::Put { object, version: 2, class };
    let mut steps = vec![Step::Level(Level::Details)];
    steps.extend(generation(1));
    steps.push(Step::Level(Level::FreeBusy));
    steps.extend(generation(2));
    steps.push(Step::Level(Level::Titles));
    steps.extend([class(0, "CLASS:PRIVATE\r\n"), class(1, "CLASS:CONFIDENTIAL\r\n"), Step::Revoke, Step::Level(Level::Details)]);
    steps.extend([class(0, "CLASS:PUBLIC\r\n"), class(1, "CLASS:PUBLIC\r\n"), Step::MoveAway(2), Step::Level(Level::FreeBusy)]);
    steps.extend([Step::MoveBack(2), Step::Level(Level::Details)]);
    steps.extend(generation(3));
    steps
}

struct Writer<'a> {
    world: &'a World,
    alice: Client,
}

impl Writer<'_> {
    fn grant(level: Option<Level>) -> GrantEntry {
        GrantEntry { calendar: "alice/work".into(), user: Some("bob".into()), level, ..GrantEntry::default() }
    }

    fn take(&self, step: Step) {
        let administration = self.world.store.administration();
        let path = |calendar: &str, object: u64| format!("/dav/calendars/alice/{calendar}/{object}.ics");
        let moved = |from: String, to: String| self.alice.send("MOVE", &from, &[("destination", &to)], "").status;
        let status = match step {
            Step::Put { object, version, class } => {
                self.alice.put(&path("work", object), &text(&format!("race-{object}"), version, class)).status
            }
            Step::Level(level) => administration.set_grant(&Self::grant(Some(level))).map_or(500, |_| 204),
            Step::Revoke => administration.remove_grant(&Self::grant(None)).map_or(500, |()| 204),
            Step::MoveAway(object) => moved(path("work", object), path("other", object)),
            Step::MoveBack(object) => moved(path("other", object), path("work", object)),
        };
        assert!(matches!(status, 201 | 204), "{step:?}: {status}");
    }
}

/// Requests whose answer speaks of all events at once.
const QUESTIONS: [&str; 4] = ["query", "synchronization", "export", "free-busy"];

/// What the answer shows: without tags, tokens and dates, which are of more than the state.
fn ask(bob: &Client, question: &str) -> String {
    let path = Client::path("alice/work");
    let data = "<D:prop><C:calendar-data/></D:prop>";
    let namespaces = crate::harness::client::NAMESPACES;
    let answer = match question {
        "query" => {
            let filter = "<C:filter><C:comp-filter name=\"VCALENDAR\"/></C:filter>";
            let body = format!("<C:calendar-query {namespaces}>{data}{filter}</C:calendar-query>");
            bob.send("REPORT", &path, &[("depth", "1")], &body)
        }
        "synchronization" => {
            let level = "<D:sync-token/><D:sync-level>1</D:sync-level>";
            let body = format!("<D:sync-collection {namespaces}>{level}{data}</D:sync-collection>");
            bob.send("REPORT", &path, &[("depth", "0")], &body)
        }
        "export" => bob.get(&path),
        _ => bob.free_busy(&path, "20261201T000000Z", "20261231T000000Z"),
    };
    match answer.status {
        207 => format!("{:?}", bob.data(&answer)),
        status => format!("{status} {}", answer.body),
    }
}

/// An answer, and between which looks at the clock it was given.
struct Seen {
    question: usize,
    called: u64,
    returned: u64,
    shown: String,
}

/// When each step was begun and done, in their order.
type Log = Vec<(u64, u64)>;

/// The first state not before `earliest` that the answer may be of; `None`: of none.
fn state_of(seen: &Seen, log: &Log, expected: &[Vec<String>], earliest: usize) -> Option<usize> {
    let done = log.iter().filter(|(_, done)| *done < seen.called).count();
    let begun = log.iter().filter(|(begun, _)| *begun < seen.returned).count();
    (done.max(earliest)..=begun).find(|state| expected[state % expected.len()][seen.question] == seen.shown)
}

/// All answers of one reader, in order: each is of a state, and time does not run backwards.
fn is_consistent(seen: &[Seen], log: &Log, expected: &[Vec<String>]) -> Result<(), usize> {
    let mut earliest = 0;
    for (index, one) in seen.iter().enumerate() {
        earliest = state_of(one, log, expected, earliest).ok_or(index)?;
    }
    Ok(())
}

#[test]
fn every_answer_given_while_events_and_rights_change_is_of_one_moment() {
    let (steps, seed) = (number("SHOJI_STEPS", 40).max(20) as usize * 3, number("SHOJI_SEED", 1));
    let world = World::new().user("alice").user("bob").calendar("alice/work").calendar("alice/other");
    let writer = Writer { world: &world, alice: world.client("alice") };
    let bob = world.client("bob");
    let circle = circle();
    // Round once to have the calendar as the circle leaves it, then once more to be told what each state shows.
    circle.iter().for_each(|step| writer.take(*step));
    let show = || QUESTIONS.map(|question| ask(&bob, question)).to_vec();
    let told = |from: &[Step]| -> Vec<Vec<String>> {
        from.iter()
            .map(|step| {
                let shown = show();
                writer.take(*step);
                shown
            })
            .collect()
    };
    let expected = told(&circle);
    assert_eq!(told(&circle), expected, "the circle closes, and a state shows the same each time");
    let different: BTreeSet<&Vec<String>> = expected.iter().collect();
    assert!(different.len() * 3 > circle.len() * 2, "{} of {} states differ", different.len(), circle.len());

    let (ticks, log, writing) = (Ticks::default(), Mutex::new(Log::new()), AtomicUsize::new(1));
    let readers: Vec<Client> = QUESTIONS.iter().map(|_| world.client("bob")).collect();
    let answers: Vec<Vec<Seen>> = std::thread::scope(|scope| {
        let (ticks, log, writing, writer, circle) = (&ticks, &log, &writing, &writer, &circle);
        let readers: Vec<_> = readers
            .iter()
            .enumerate()
            .map(|(reader, client)| scope.spawn(move || read(client, reader + seed as usize, ticks, writing)))
            .collect();
        for step in circle.iter().cycle().take(steps) {
            let begun = ticks.next();
            writer.take(*step);
            log.lock().unwrap().push((begun, ticks.next()));
        }
        writing.store(0, Ordering::SeqCst);
        readers.into_iter().map(|reader| reader.join().unwrap()).collect()
    });
    let log = log.into_inner().unwrap();
    let mut met = 0;
    for seen in &answers {
        if let Err(index) = is_consistent(seen, &log, &expected) {
            panic!("seed {seed}: the answer to {} is of no moment:\n{}", QUESTIONS[seen[index].question], seen[index].shown);
        }
        met += seen.iter().filter(|one| log.iter().any(|(begun, done)| *begun < one.returned && *done > one.called)).count();
        spoil(seen, &log, &expected);
    }
    let total: usize = answers.iter().map(Vec::len).sum();
    println!(
        "races of rights and reports, seed {seed}: {steps} steps through {} states, {total} answers, {met} while a step was under way",
        circle.len()
    );
    assert!(met * 4 > total && total > 20, "too little met");
}

fn read(client: &Client, first: usize, ticks: &Ticks, writing: &AtomicUsize) -> Vec<Seen> {
    let mut seen = Vec::new();
    for question in (first..).map(|number| number % QUESTIONS.len()) {
        let called = ticks.next();
        let shown = ask(client, QUESTIONS[question]);
        seen.push(Seen { question, called, returned: ticks.next(), shown });
        if writing.load(Ordering::SeqCst) == 0 {
            break;
        }
    }
    seen
}

/// What is wrong is caught: an answer mixed of two states, and one of a state that was over when it was asked for.
fn spoil(seen: &[Seen], log: &Log, expected: &[Vec<String>]) {
    let returned = seen.last().unwrap().returned;
    let asked = |called: u64, returned: u64, shown: &str| Seen { question: 0, called, returned, shown: shown.to_owned() };
    let after_all = |shown: &str| state_of(&asked(u64::MAX - 1, u64::MAX, shown), log, expected, 0);
    let now = &expected[log.len() % expected.len()][0];
    assert_eq!(after_all(now), Some(log.len()));
    let stale = expected.iter().map(|state| &state[0]).find(|shown| *shown != now).unwrap();
    assert_eq!(after_all(stale), None, "a state that is over");
    let titled = |shown: &&String| shown.matches("SUMMARY:version 3").count() == OBJECTS as usize;
    let mixed = expected.iter().map(|state| &state[0]).find(titled).unwrap().replacen("SUMMARY:version 3", "SUMMARY:version 1", 1);
    assert_eq!(state_of(&asked(0, returned, &mixed), log, expected, 0), None, "an event of another generation");
}
