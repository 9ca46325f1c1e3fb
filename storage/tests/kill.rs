//! The whole store is killed while several people write through its door. Reopened, `check` is clean, everything that was
//! acknowledged is there, whatever was under way is there whole or not at all, and a sync token that somebody was given
//! still leads to what a fresh listing shows.
//!
//! `STORAGE_KILL_ROUNDS` sets the number of kills (default 10).
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails by panicking, and its child speaks by printing")]

use acl::Level;
use chrono::Utc;
use ical::{CalendarObject, ParseLimits};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use storage::administration::{ApplyFile, ApplyOptions, CalendarEntry, GrantEntry, UserEntry};
use storage::authorized::{Calendar, Resource};
use storage::{AuthorizedStore, Directory, Door, Environment, Error, Limits, Options, Store};

const DIRECTORY: &str = "STORAGE_KILL_DIRECTORY";
const ROUND: &str = "STORAGE_KILL_ROUND";
const ROUNDS: &str = "STORAGE_KILL_ROUNDS";
const WRITERS: usize = 4;
/// Objects each writer writes, one after the other.
const SLOTS: usize = 5;
/// Where the versions of a round begin.
const ROUND_VERSIONS: u64 = 100_000;

fn open(directory: &Path) -> Arc<Store> {
    // Ids have to differ between the processes of one test, and within each.
    let counter = AtomicU64::new(0);
    let start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let process = std::process::id();
    let entropy = Arc::new(move |bytes: &mut [u8]| {
        let count = counter.fetch_add(1, Ordering::Relaxed);
        let hash = blake3::hash(format!("{start} {process} {count}").as_bytes());
        bytes.iter_mut().zip(hash.as_bytes()).for_each(|(byte, random)| *byte = *random);
    });
    let environment = Environment { clock: Arc::new(Utc::now), entropy };
    Store::open(directory, Options { environment, limits: Limits::default(), directory: Directory::default(), engine: None }).unwrap()
}

fn people() -> ApplyFile {
    let user = |name: &str| UserEntry { name: name.into(), calendars: Some(false), ..UserEntry::default() };
    let calendar = CalendarEntry { owner: "alice".into(), name: "work".into(), ..CalendarEntry::default() };
    let calendar_path = "alice/work".into();
    let grant = GrantEntry { calendar: calendar_path, user: Some("bob".into()), level: Some(Level::Titles), ..GrantEntry::default() };
    ApplyFile { users: vec![user("alice"), user("bob")], calendars: vec![calendar], grants: vec![grant], ..ApplyFile::default() }
}

fn door(store: &Arc<Store>, name: &str) -> Door {
    store.door(store.credential(name).unwrap().unwrap().principal)
}

fn calendar(store: &AuthorizedStore<'_>) -> Result<Calendar, Error> {
    match store.resolve("alice", &["work"])? {
        Resource::Calendar(calendar) => Ok(calendar),
        _ => Err(Error::NotFound),
    }
}

fn object_name(writer: usize, slot: usize) -> String {
    format!("{writer}-{slot}.ics")
}

/// One version of one object. Some are large, some have alarms, some are private.
fn text(writer: usize, slot: usize, version: u64) -> String {
    let filler = if version.is_multiple_of(5) { "large ".repeat(3_000) } else { String::new() };
    // One CLASS for all of an object's versions: a PUT that changes more would not lower it.
    let class = if slot.is_multiple_of(2) { "CLASS:PRIVATE\r\n" } else { "" };
    let alarm = if version.is_multiple_of(4) { "BEGIN:VALARM\r\nACTION:AUDIO\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n" } else { "" };
    // A PUT may not change the UID; whoever deleted begins with another.
    let uid = format!("{writer}-{slot}-{}", version / 10);
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\n\
         DTSTART:20261122T100000Z\r\nDTEND:20261122T110000Z\r\n{class}SUMMARY:version {version}\r\nDESCRIPTION:{filler}\r\n\
         {alarm}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

/// Every tenth write of an object deletes it.
fn is_delete(version: u64) -> bool {
    version % 10 == 9
}

/// The version a body is of.
fn version_of(body: &str) -> u64 {
    body.lines().find_map(|line| line.strip_prefix("SUMMARY:version ")).unwrap().trim().parse().unwrap()
}

fn say(line: &str) {
    // One call a line, below the size a pipe takes whole: no line is torn by the kill.
    assert!(line.len() < 4_000);
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n@{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Not a test of its own: what the killed process runs.
#[test]
fn killed_child() {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let round: u64 = std::env::var(ROUND).unwrap().parse().unwrap();
    let store = open(Path::new(&directory));
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let door = door(&store, "alice");
            scope.spawn(move || write_for_ever(&door, writer, round * ROUND_VERSIONS));
        }
        let door = door(&store, "bob");
        scope.spawn(move || read_for_ever(&door));
    });
}

fn write_for_ever(door: &Door, writer: usize, first: u64) {
    for version in first.. {
        for slot in 0..SLOTS {
            let name = object_name(writer, slot);
            say(&format!("try {writer} {slot} {version}"));
            let outcome: Result<(), Error> = door.write(|store| {
                let calendar = calendar(store)?;
                if is_delete(version) {
                    return store.delete_object(&calendar, &name);
                }
                let text = text(writer, slot, version);
                let object = CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap();
                store.put_object(&calendar, &name, &object).map(|_| ())
            });
            match outcome {
                Ok(()) => say(&format!("ack {writer} {slot} {version}")),
                // What an earlier round left has another UID: begin anew.
                Err(Error::UidConflict { .. }) => {
                    door.write(|store| store.delete_object(&calendar(store)?, &name)).unwrap();
                    say(&format!("gone {writer} {slot} {version}"));
                }
                Err(Error::NotFound) if is_delete(version) => say(&format!("gone {writer} {slot} {version}")),
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn read_for_ever(door: &Door) {
    loop {
        let seen: Result<_, Error> = door.read(|store| {
            let calendar = calendar(store)?;
            Ok((store.sync_token(&calendar)?, store.rows(&calendar)?))
        });
        let (token, rows) = seen.unwrap();
        let rows: Vec<String> = rows.iter().map(|row| format!("{}={}", row.name, row.etag)).collect();
        say(&format!("token {token} {}", rows.join(" ")));
        std::thread::sleep(Duration::from_millis(7));
    }
}

/// What is known of one object from what the child said.
#[derive(Default, Debug)]
struct Slot {
    /// The state last acknowledged: a version, or that there is none.
    acknowledged: Option<Option<u64>>,
    /// The version begun after that.
    under_way: Option<u64>,
}

#[derive(Default)]
struct Said {
    slots: BTreeMap<(usize, usize), Slot>,
    token: Option<(String, BTreeMap<String, String>)>,
    acknowledged: u64,
}

impl Said {
    fn hear(&mut self, line: &str) {
        let mut words = line.split(' ');
        let Some(what) = words.next().and_then(|word| word.strip_prefix('@')) else {
            return;
        };
        if what == "token" {
            let token = words.next().unwrap().to_owned();
            let rows = words.filter_map(|row| row.split_once('=')).map(|(name, etag)| (name.to_owned(), etag.to_owned()));
            self.token = Some((token, rows.collect()));
            return;
        }
        let numbers: Vec<u64> = words.map(|word| word.parse().unwrap()).collect();
        let &[writer, slot, version] = numbers.as_slice() else {
            panic!("a torn line");
        };
        let slot = self.slots.entry((writer as usize, slot as usize)).or_default();
        match what {
            "try" => slot.under_way = Some(version),
            "ack" => *slot = Slot { acknowledged: Some(left_by(version)), under_way: None },
            "gone" => *slot = Slot { acknowledged: Some(None), under_way: None },
            other => panic!("{other}"),
        }
        self.acknowledged += u64::from(what != "try");
    }
}

fn left_by(version: u64) -> Option<u64> {
    if is_delete(version) { None } else { Some(version) }
}

/// How much longer than its life a round waits for the first token.
const TOKEN_PATIENCE: Duration = Duration::from_secs(3);

fn run_and_kill(directory: &Path, round: u64, life: Duration) -> Said {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed_child", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Said::default();
    let mut deadline = None;
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.by_ref() {
        said.hear(&line.unwrap());
        if said.acknowledged == 0 {
            continue;
        }
        let overdue = Instant::now().checked_duration_since(*deadline.get_or_insert_with(|| Instant::now() + life));
        // Where writers leave the one reader no turn for long, a round waits a while for a token to look at.
        if overdue.is_some_and(|overdue| said.token.is_some() || overdue > TOKEN_PATIENCE) {
            break;
        }
    }
    child.kill().unwrap();
    // What it still managed to say was said before it died.
    lines.map_while(Result::ok).for_each(|line| said.hear(&line));
    assert!(!child.wait().unwrap().success());
    said
}

/// Compares the reopened store with what was said.
fn verify(directory: &Path, said: &Said) {
    let store = open(directory);
    let faults = store.administration().check(&mut |_, _| {}).unwrap();
    assert!(faults.is_empty(), "{faults:?}");
    let bodies: BTreeMap<String, String> = door(&store, "alice").read(read_all).unwrap();
    for ((writer, slot), state) in &said.slots {
        let found = bodies.get(&object_name(*writer, *slot)).map(|body| {
            let version = version_of(body);
            assert_eq!(*body, text(*writer, *slot, version), "a half-written object");
            version
        });
        let is_acknowledged = state.acknowledged == Some(found);
        let is_under_way = state.under_way.is_some_and(|version| left_by(version) == found);
        // The first write of a round may have met the UID of an earlier one, and have deleted the object first.
        let is_deleted_first = state.under_way.is_some_and(|version| version.is_multiple_of(ROUND_VERSIONS)) && found.is_none();
        let is_unknown = state.acknowledged.is_none();
        assert!(is_acknowledged || is_under_way || is_deleted_first || is_unknown, "an acknowledged write is lost: {found:?}, {state:?}");
    }
    verify_histories(&store, &bodies);
    if let Some((token, rows)) = &said.token {
        verify_token(&store, token, rows.clone());
    }
    store.close().unwrap();
}

fn read_all(store: &AuthorizedStore<'_>) -> Result<BTreeMap<String, String>, Error> {
    let calendar = calendar(store)?;
    let rows = store.rows(&calendar)?;
    let body = |name: &str| Ok(String::from_utf8(store.object(&calendar, name)?.bytes().to_vec()).unwrap());
    rows.iter().map(|row| Ok((row.name.clone(), body(&row.name)?))).collect()
}

/// The latest version of each object is the one that is there, and every earlier one can be read: what `check` cannot know.
fn verify_histories(store: &Arc<Store>, bodies: &BTreeMap<String, String>) {
    for (name, body) in bodies {
        let read: Result<Vec<String>, Error> = door(store, "alice").read(|store| {
            let calendar = calendar(store)?;
            let versions = store.object_history(&calendar, name)?.versions.into_iter();
            let numbers = versions.filter(|version| version.bytes.is_some()).map(|version| version.number);
            numbers.map(|number| Ok(store.version_text(&calendar, name, number)?.text)).collect()
        });
        let texts = read.unwrap();
        assert_eq!(texts.first().map(|text| version_of(text)), Some(version_of(body)), "another version is the present one");
        // Large ones and those with alarms are among them: each is whole, without its alarm.
        assert!(texts.iter().all(|text| text.ends_with("END:VCALENDAR\r\n") && !text.contains("VALARM")));
        let versions: Vec<u64> = texts.iter().map(|text| version_of(text)).collect();
        assert!(versions.is_sorted_by(|later, earlier| later > earlier), "{versions:?}");
    }
}

/// A client that holds the token and these rows ends with what a fresh one is shown.
fn verify_token(store: &Arc<Store>, token: &str, mut rows: BTreeMap<String, String>) {
    let seen: Result<_, Error> = door(store, "bob").read(|store| {
        let calendar = calendar(store)?;
        Ok((store.changes(&calendar, Some(token), None)?, store.rows(&calendar)?))
    });
    let (changes, fresh) = seen.unwrap();
    for name in &changes.removed {
        rows.remove(name);
    }
    rows.extend(changes.changed.iter().map(|row| (row.name.clone(), row.etag.clone())));
    let fresh: BTreeMap<String, String> = fresh.iter().map(|row| (row.name.clone(), row.etag.clone())).collect();
    assert_eq!(rows, fresh, "an old token leads elsewhere");
}

#[test]
fn a_killed_store_keeps_every_acknowledged_write_and_nothing_half_written() {
    if std::env::var_os(DIRECTORY).is_some() {
        return;
    }
    let rounds: u64 = std::env::var(ROUNDS).map_or(10, |rounds| rounds.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path());
    store.administration().apply(&people(), ApplyOptions::default()).unwrap().unwrap();
    store.close().unwrap();
    drop(store);
    let (mut acknowledged, mut tokens) = (0, 0);
    for round in 1..=rounds {
        let random = blake3::hash(&round.to_be_bytes());
        let life = Duration::from_millis(40 + random.as_bytes().iter().take(3).map(|byte| u64::from(*byte)).sum::<u64>());
        let said = run_and_kill(directory.path(), round, life);
        verify(directory.path(), &said);
        acknowledged += said.acknowledged;
        tokens += u64::from(said.token.is_some());
    }
    println!("{rounds} kills, {acknowledged} acknowledged writes, {tokens} tokens");
    assert!(acknowledged > rounds * 10 && tokens > 0, "only {acknowledged} acknowledged writes, {tokens} tokens");
}
