//! The whole store is killed while sixteen writers and a reader of each level go through its door, or while it opens after
//! the kill before. Reopened, `check` is clean, everything that was acknowledged is there, whatever was under way is there
//! whole or not at all, everybody is shown what he was shown, and his sync token still leads to what a fresh listing shows.
//!
//! `STORAGE_KILL_ROUNDS` sets the number of kills on each engine (default 5), `STORAGE_KILL_SEED` their moments (default 1).
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, and its child speaks by printing"
)]

use acl::Level;
use chrono::Utc;
use ical::{CalendarObject, ParseLimits};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use storage::administration::{ApplyFile, ApplyOptions, CalendarEntry, GrantEntry, UserEntry};
use storage::authorized::{Calendar, Resource};
use storage::{AuthorizedStore, Directory, Door, EngineKind, Environment, Error, Limits, Options, Store};

const DIRECTORY: &str = "STORAGE_KILL_DIRECTORY";
const ROUND: &str = "STORAGE_KILL_ROUND";
const ENGINE: &str = "STORAGE_KILL_ENGINE";
const WRITERS: usize = 16;
/// So many of them are the owner; the others edit and delete by a share.
const OWNING: usize = 12;
/// Objects each writer writes, one after the other.
const SLOTS: usize = 3;
/// One grantee of each level that shows anything. The last one writes, too.
const GRANTEES: [(&str, Level); 5] =
    [("bob", Level::FreeBusy), ("carol", Level::Titles), ("dan", Level::Details), ("erin", Level::Edit), ("frank", Level::EditDelete)];
/// Where the versions of a round begin.
const ROUND_VERSIONS: u64 = 100_000;

fn open(directory: &Path, engine: EngineKind) -> Arc<Store> {
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
    let options = Options { environment, limits: Limits::default(), directory: Directory::default(), engine: Some(engine) };
    Store::open(directory, options).unwrap()
}

fn people() -> ApplyFile {
    let user = |name: &str| UserEntry { name: name.into(), calendars: Some(false), ..UserEntry::default() };
    let calendar = CalendarEntry { owner: "alice".into(), name: "work".into(), ..CalendarEntry::default() };
    let grant = |(name, level): (&str, Level)| GrantEntry {
        calendar: "alice/work".into(),
        user: Some(name.into()),
        level: Some(level),
        ..GrantEntry::default()
    };
    ApplyFile {
        users: std::iter::once("alice").chain(GRANTEES.map(|(name, _)| name)).map(user).collect(),
        calendars: vec![calendar],
        grants: GRANTEES.map(grant).into(),
        ..ApplyFile::default()
    }
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
    let owned = writer < OWNING;
    let class = if owned && slot.is_multiple_of(2) { "CLASS:PRIVATE\r\n" } else { "" };
    let alarm = if owned && version.is_multiple_of(4) { "BEGIN:VALARM\r\nACTION:AUDIO\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n" } else { "" };
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
    let engine = EngineKind::by_name(&std::env::var(ENGINE).unwrap()).unwrap();
    let store = open(Path::new(&directory), engine);
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let door = door(&store, if writer < OWNING { "alice" } else { "frank" });
            scope.spawn(move || write_for_ever(&door, writer, round * ROUND_VERSIONS));
        }
        for (name, _) in GRANTEES {
            let door = door(&store, name);
            scope.spawn(move || read_for_ever(&door, name));
        }
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

fn read_for_ever(door: &Door, name: &str) {
    loop {
        say(&format!("look {name}"));
        let seen: Result<_, Error> = door.read(|store| {
            let calendar = calendar(store)?;
            Ok((store.sync_token(&calendar)?, store.rows(&calendar)?))
        });
        let (token, rows) = seen.unwrap();
        let rows: Vec<String> = rows.iter().map(|row| format!("{}={}", row.name(), row.etag())).collect();
        say(&format!("view {name} {token} {}", rows.join(" ")));
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

/// By shown name, the validators.
type Rows = BTreeMap<String, String>;

/// What one grantee was shown last.
#[derive(Default)]
struct Shown {
    token: String,
    rows: Rows,
    /// The objects that were written since he began to look, or may have been.
    touched: BTreeSet<(usize, usize)>,
}

#[derive(Default)]
struct Said {
    slots: BTreeMap<(usize, usize), Slot>,
    shown: BTreeMap<String, Shown>,
    /// Who is looking now, and what was written since he began.
    looking: BTreeMap<String, BTreeSet<(usize, usize)>>,
    acknowledged: u64,
}

impl Said {
    fn hear(&mut self, line: &str) {
        let mut words = line.split(' ');
        let Some(what) = words.next().and_then(|word| word.strip_prefix('@')) else {
            return;
        };
        match what {
            "look" => {
                let under_way = self.slots.iter().filter(|(_, slot)| slot.under_way.is_some()).map(|(name, _)| *name);
                self.looking.insert(words.next().unwrap().to_owned(), under_way.collect());
            }
            "view" => {
                let name = words.next().unwrap().to_owned();
                let token = words.next().unwrap().to_owned();
                let rows = words.filter_map(|row| row.split_once('=')).map(|(name, etag)| (name.to_owned(), etag.to_owned()));
                let touched = self.looking.remove(&name).unwrap();
                self.shown.insert(name, Shown { token, rows: rows.collect(), touched });
            }
            _ => {
                let numbers: Vec<u64> = words.map(|word| word.parse().unwrap()).collect();
                let &[writer, slot, version] = numbers.as_slice() else {
                    panic!("a torn line");
                };
                self.hear_of_write(what, (writer as usize, slot as usize), version);
            }
        }
    }

    fn hear_of_write(&mut self, what: &str, name: (usize, usize), version: u64) {
        let shown = self.shown.values_mut().map(|shown| &mut shown.touched);
        for touched in shown.chain(self.looking.values_mut()) {
            touched.insert(name);
        }
        let slot = self.slots.entry(name).or_default();
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

/// When a child dies.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// So long after it was started: while it opens the store, or soon after.
    Opening(Duration),
    /// So long after its first acknowledged write, or a little longer, until everybody was shown something.
    Writing(Duration),
}

/// A long run says so often how far it has come.
const PROGRESS_ROUNDS: u64 = 200;

/// Rounds of which it is asked that they saw much.
const MANY_ROUNDS: u64 = 50;

/// How much longer than its life a round waits until everybody was shown something.
const PATIENCE: Duration = Duration::from_secs(3);

fn run_and_kill(directory: &Path, engine: EngineKind, round: u64, moment: Moment) -> Said {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed_child", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(ENGINE, engine.name())
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Said::default();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    match moment {
        Moment::Opening(life) => std::thread::sleep(life),
        Moment::Writing(life) => {
            let mut deadline = None;
            for line in lines.by_ref() {
                said.hear(&line.unwrap());
                if said.acknowledged == 0 {
                    continue;
                }
                let overdue = Instant::now().checked_duration_since(*deadline.get_or_insert_with(|| Instant::now() + life));
                if overdue.is_some_and(|overdue| said.shown.len() == GRANTEES.len() || overdue > PATIENCE) {
                    break;
                }
            }
        }
    }
    child.kill().unwrap();
    // What it still managed to say was said before it died.
    lines.map_while(Result::ok).for_each(|line| said.hear(&line));
    assert!(!child.wait().unwrap().success());
    said
}

/// Compares the reopened store with what was said.
fn verify(directory: &Path, engine: EngineKind, said: &Said) {
    let store = open(directory, engine);
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
    for (name, shown) in &said.shown {
        verify_shown(&store, name, shown);
    }
    store.close().unwrap();
}

fn read_all(store: &AuthorizedStore<'_>) -> Result<BTreeMap<String, String>, Error> {
    let calendar = calendar(store)?;
    let rows = store.rows(&calendar)?;
    let body = |name: &str| Ok(String::from_utf8(store.object(&calendar, name)?.bytes().to_vec()).unwrap());
    rows.iter().map(|row| Ok((row.name().to_owned(), body(row.name())?))).collect()
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

/// What was not written since is shown as it was, though nothing of the view is in memory any more; and a client that holds
/// the token and these rows ends with what a fresh one is shown.
fn verify_shown(store: &Arc<Store>, name: &str, shown: &Shown) {
    let seen: Result<_, Error> = door(store, name).read(|store| {
        let calendar = calendar(store)?;
        let rows = store.rows(&calendar)?;
        for row in rows.iter() {
            // A tag is of the bytes: what is served is what the row says, and so what was served before.
            assert_eq!(store.object(&calendar, row.name())?.etag(), row.etag(), "{name} is served another body than listed");
        }
        Ok((store.changes(&calendar, Some(&shown.token), None)?, rows))
    });
    let (changes, fresh) = seen.unwrap();
    let fresh: Rows = fresh.iter().map(|row| (row.name().to_owned(), row.etag().to_owned())).collect();
    let differ = |some: &Rows, others: &Rows| some.iter().filter(|(name, etag)| others.get(*name) != Some(*etag)).count();
    let (lost, new) = (differ(&shown.rows, &fresh), differ(&fresh, &shown.rows));
    assert!(lost.max(new) <= shown.touched.len(), "{name} is shown something else: {:?}, {fresh:?}", shown.rows);
    let mut rows = shown.rows.clone();
    for name in &changes.removed {
        rows.remove(name);
    }
    rows.extend(changes.changed.iter().map(|row| (row.name().to_owned(), row.etag().to_owned())));
    assert_eq!(rows, fresh, "an old token of {name}'s leads elsewhere");
    if shown.touched.is_empty() {
        assert_eq!(changes.token, shown.token, "{name} has another token, and nothing was written");
    }
}

/// The moment of one round, by the seed.
fn moment(seed: u64, round: u64) -> Moment {
    let random = blake3::hash(&[seed.to_be_bytes(), round.to_be_bytes()].concat());
    let draw = |at: usize, below: u64| u64::from(u16::from_be_bytes([random.as_bytes()[at], random.as_bytes()[at + 1]])) % below;
    match draw(0, 5) {
        0 => Moment::Opening(Duration::from_millis(draw(2, 120))),
        _ => Moment::Writing(Duration::from_millis(20 + draw(2, 130))),
    }
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |number| number.parse().unwrap())
}

fn keeps_every_acknowledged_write(engine: EngineKind) {
    if std::env::var_os(DIRECTORY).is_some() {
        return;
    }
    let (rounds, seed) = (number("STORAGE_KILL_ROUNDS", 5), number("STORAGE_KILL_SEED", 1));
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), engine);
    store.administration().apply(&people(), ApplyOptions::default()).unwrap().unwrap();
    store.close().unwrap();
    drop(store);
    let (mut acknowledged, mut views, mut unchanged, mut opening) = (0, 0, 0, 0);
    for round in 1..=rounds {
        let moment = moment(seed, round);
        let said = run_and_kill(directory.path(), engine, round, moment);
        verify(directory.path(), engine, &said);
        acknowledged += said.acknowledged;
        views += said.shown.len();
        unchanged += said.shown.values().map(|shown| shown.rows.len().saturating_sub(shown.touched.len())).sum::<usize>();
        opening += u64::from(matches!(moment, Moment::Opening(_)));
        if round % PROGRESS_ROUNDS == 0 {
            println!("{engine}, seed {seed}: {round} of {rounds} rounds, {acknowledged} acknowledged writes, {views} views, none lost");
        }
    }
    println!(
        "{engine}, seed {seed}: {rounds} rounds and kills, {opening} of them while opening; {acknowledged} acknowledged writes, {views} views \
         with {unchanged} rows not written since"
    );
    // A few rounds on a machine with other work see little, and by chance no row that nobody has written since.
    let wanted = if rounds < MANY_ROUNDS { (1, 0) } else { (10, 1) };
    assert!(acknowledged >= (rounds - opening) * wanted.0 && views > 0 && unchanged >= wanted.1, "too little was seen");
}

#[test]
fn sled_killed_under_sixteen_writers_keeps_every_acknowledged_write_and_nothing_half_written() {
    keeps_every_acknowledged_write(EngineKind::Sled);
}

#[test]
fn redb_killed_under_sixteen_writers_keeps_every_acknowledged_write_and_nothing_half_written() {
    keeps_every_acknowledged_write(EngineKind::Redb);
}
