//! Stories of a failing disk, told by an engine whose disk fails where the test says: at each commit and each fsync of a script
//! in turn, full from some byte on, or unreadable.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails by panicking")]

use super::{Files, Health, Source};
use crate::administration::{ApplyFile, ApplyOptions, CalendarEntry, GrantEntry, UserEntry};
use crate::authorized::{Calendar, Resource};
use crate::engine::faulty::{Fate, Fault, FaultyDisk};
use crate::engine::memory::MemoryEngine;
use crate::journal::Told;
use crate::{AuthorizedStore, ClientName, Directory, Door, Environment, Error, Limits, Options, Store};
use acl::{Level, PrincipalId};
use chrono::{TimeDelta, TimeZone, Utc};
use ical::{CalendarObject, ParseLimits};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Writes of one script.
const STEPS: u64 = 8;

struct Place {
    store: Arc<Store>,
    disk: FaultyDisk,
    free_bytes: Arc<AtomicU64>,
    people: BTreeMap<&'static str, PrincipalId>,
    _directory: tempfile::TempDir,
}

impl Place {
    /// alice's calendar `work`, which bob sees at `titles`, on a disk that is still sound.
    fn new() -> Self {
        let counter = AtomicU64::new(1);
        let entropy = Arc::new(move |bytes: &mut [u8]| {
            let hash = blake3::hash(&counter.fetch_add(1, Ordering::Relaxed).to_be_bytes());
            bytes.iter_mut().zip(hash.as_bytes()).for_each(|(byte, random)| *byte = *random);
        });
        // Time passes, so that what waits for a minute is written down.
        let now = Mutex::new(Utc.with_ymd_and_hms(2026, 11, 2, 12, 0, 0).unwrap());
        let clock = Arc::new(move || {
            let mut now = now.lock().unwrap();
            *now += TimeDelta::milliseconds(100);
            *now
        });
        let limits = Limits { reserve_bytes: 1_000, ..Limits::default() };
        let options = Options { environment: Environment { clock, entropy }, limits, directory: Directory::default(), engine: None };
        let disk = FaultyDisk::new(Arc::new(MemoryEngine::default()));
        let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let free_bytes = Arc::new(AtomicU64::new(1 << 30));
        let (told, opened) = (free_bytes.clone(), disk.clone());
        let engine_files = directory.path().join("store");
        std::fs::create_dir(&engine_files).unwrap();
        std::fs::write(engine_files.join("db"), [7; 3_000]).unwrap();
        let files = Files { directory: engine_files, free_bytes: Box::new(move |_| Some(told.load(Ordering::Relaxed))) };
        let source = Source { open: Box::new(move || opened.open()), files: Some(files) };
        let store = Store::from_source(source, None, options).unwrap();
        let user = |name: &str| UserEntry { name: name.into(), calendars: Some(false), ..UserEntry::default() };
        let calendar = CalendarEntry { owner: "alice".into(), name: "work".into(), ..CalendarEntry::default() };
        let grant =
            GrantEntry { calendar: "alice/work".into(), user: Some("bob".into()), level: Some(Level::Titles), ..Default::default() };
        let file =
            ApplyFile { users: vec![user("alice"), user("bob")], calendars: vec![calendar], grants: vec![grant], ..Default::default() };
        store.administration().apply(&file, ApplyOptions::default()).unwrap().unwrap();
        let people = ["alice", "bob"].map(|name| (name, store.credential(name).unwrap().unwrap().principal)).into();
        Self { store, disk, free_bytes, people, _directory: directory }
    }

    fn door(&self, name: &str) -> Door {
        self.store.door(*self.people.get(name).unwrap()).with_client(ClientName::from_user_agent(b"khal"))
    }

    fn put(&self, step: u64) -> Result<(), Error> {
        let text = text(step);
        let object = CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap();
        self.door("alice").write(|store| {
            let calendar = calendar(store)?;
            store.put_object(&calendar, &format!("{}.ics", step % 5), &object).map(drop)
        })
    }

    /// What bob is shown: a token, and tags by name.
    fn look(&self) -> Result<(String, BTreeMap<String, String>), Error> {
        self.door("bob").read(|store| {
            let calendar = calendar(store)?;
            let token = store.sync_token(&calendar)?;
            Ok((token, store.rows(&calendar)?.iter().map(|row| (row.name().to_owned(), row.etag().to_owned())).collect()))
        })
    }

    /// The step that each object was last written in.
    fn steps(&self) -> BTreeMap<u64, u64> {
        let read: Result<_, Error> = self.door("alice").read(|store| {
            let calendar = calendar(store)?;
            let names: Vec<String> = store.rows(&calendar)?.iter().map(|row| row.name().to_owned()).collect();
            names.iter().map(|name| Ok(String::from_utf8(store.object(&calendar, name)?.bytes().to_vec()).unwrap())).collect()
        });
        let texts: Vec<String> = read.unwrap();
        texts.iter().map(|body| step_of(body)).map(|step| (step % 5, step)).collect()
    }

    fn faults(&self) -> Vec<String> {
        self.store.administration().check(&mut |_, _| {}).unwrap().into_iter().map(|fault| fault.0).collect()
    }

    /// How often bob read, as alice is told.
    fn reads_told(&self) -> u64 {
        let rows = self.store.administration().journal("alice", "work", None).unwrap();
        rows.iter().filter(|row| row.user.as_deref() == Some("bob") && matches!(row.what, Told::Read { .. })).map(|row| row.count).sum()
    }

    /// Who held this token and these rows ends with what is shown now, or begins anew.
    fn follow(&self, token: &str, mut rows: BTreeMap<String, String>) -> bool {
        let (_, fresh) = self.look().unwrap();
        let changes: Result<_, Error> = self.door("bob").read(|store| store.changes(&calendar(store)?, Some(token), None));
        let changes = match changes {
            Ok(changes) => changes,
            Err(Error::InvalidSyncToken) => return false,
            Err(error) => panic!("{error}"),
        };
        changes.removed.iter().for_each(|name| drop(rows.remove(name)));
        rows.extend(changes.changed.iter().map(|row| (row.name().to_owned(), row.etag().to_owned())));
        assert_eq!(rows, fresh, "an old token leads elsewhere");
        true
    }
}

fn calendar(store: &AuthorizedStore<'_>) -> Result<Calendar, Error> {
    match store.resolve("alice", &["work"])? {
        Resource::Calendar(calendar) => Ok(calendar),
        _ => Err(Error::NotFound),
    }
}

fn text(step: u64) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:{}\r\nDTSTAMP:20261101T000000Z\r\n\
         DTSTART:20261122T100000Z\r\nDTEND:20261122T110000Z\r\nSUMMARY:step {step}\r\nDESCRIPTION:{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        step % 5,
        "x".repeat(step as usize * 700)
    )
}

fn step_of(body: &str) -> u64 {
    body.lines().find_map(|line| line.strip_prefix("SUMMARY:step ")).unwrap().trim().parse().unwrap()
}

/// A script with one fault in it; whether the fault was met.
fn story(fault: Fault, fate: Fate) -> bool {
    let place = Place::new();
    place.disk.fail(fault);
    let (mut acknowledged, mut tried) = (BTreeMap::new(), None);
    let (mut tokens, mut looks) = (Vec::new(), 0);
    for step in 0..STEPS {
        // Bob looks before every write: what he is shown goes on, whatever the disk does.
        tokens.push(place.look().unwrap_or_else(|error| panic!("{fault:?}: reading at step {step}: {error}")));
        looks += 1;
        match place.put(step) {
            Ok(()) => {
                assert_eq!(place.store.health(), Health::Well, "{fault:?}: acknowledged at step {step}");
                acknowledged.insert(step % 5, step);
            }
            Err(Error::DiskFull | Error::Engine(_)) => {
                assert_ne!(place.store.health(), Health::Well, "{fault:?}");
                tried.get_or_insert(step);
            }
            Err(error) => panic!("{fault:?}: {error}"),
        }
        if step % 3 == 2 {
            drop(place.store.flush_journal());
        }
    }
    if place.disk.faults() == 0 {
        assert_eq!(tried, None);
        return false;
    }
    assert!(matches!(fault, Fault::FullFrom(_)) || place.disk.faults() == 1, "{fault:?}: the engine was asked again");
    if place.store.health() != Health::Well {
        assert!(place.put(100).is_err(), "{fault:?}: acknowledged after the disk failed");
        let asked = place.disk.asked();
        assert!(place.put(100).is_err() && place.store.flush_journal().is_err());
        assert_eq!(place.disk.asked(), asked, "{fault:?}: a failed engine is not asked to write");
    }
    let opened = place.disk.opened();
    place.disk.mend(fate);
    place.store.heal().unwrap();
    assert_eq!((place.store.health(), place.disk.opened()), (Health::Well, opened + 1), "{fault:?}");
    assert_eq!(place.faults(), Vec::<String>::new(), "{fault:?}");
    // All that was acknowledged is there; what was not may be, where it was the first that failed.
    let found = place.steps();
    let with_tried = |step: u64| acknowledged.clone().into_iter().chain([(step % 5, step)]).collect::<BTreeMap<_, _>>();
    assert!(
        found == acknowledged || tried.is_some_and(|step| found == with_tried(step)),
        "{fault:?} {fate:?}: {found:?}, {acknowledged:?}"
    );
    // Everything that bob held leads to the present state or is refused; and nothing is counted twice.
    let followed = tokens.into_iter().filter(|(token, rows)| {
        looks += 2;
        place.follow(token, rows.clone())
    });
    assert!(followed.count() > 0 || matches!(fault, Fault::Commit(_) | Fault::Wait(_) | Fault::FullFrom(_)));
    place.store.flush_journal().unwrap();
    let told = place.reads_told();
    assert!(told <= looks, "{fault:?} {fate:?}: {told} reads are told of {looks}");
    place.put(100).unwrap();
    assert_eq!(place.steps().get(&0), Some(&100));
    assert_eq!(place.faults(), Vec::<String>::new(), "{fault:?}");
    true
}

#[test]
fn whichever_commit_or_fsync_fails_nothing_acknowledged_is_lost_and_writing_resumes() {
    let mut met = 0;
    for fate in [Fate::Lost, Fate::Kept] {
        for kind in [Fault::Commit as fn(u64) -> Fault, Fault::Wait] {
            let stories = (1..).take_while(|number| story(kind(*number), fate)).count();
            assert!(stories as u64 >= STEPS, "{stories}");
            met += stories;
        }
        met += (0..10).filter(|part| story(Fault::FullFrom(part * 4_000), fate)).count();
    }
    println!("{met} faults met");
    assert!(met > 60, "only {met} faults met");
}

/// Reads were counted twice where they were written down and the disk failed to say so: the facts came back to be written again.
#[test]
fn what_was_counted_is_told_once_whether_the_disk_kept_it_or_not() {
    for (fate, fault) in [(Fate::Lost, Fault::Wait(1)), (Fate::Kept, Fault::Wait(1)), (Fate::Lost, Fault::Commit(1))] {
        let place = Place::new();
        place.put(1).unwrap();
        for _ in 0..7 {
            place.look().unwrap();
        }
        place.disk.fail(fault);
        assert!(place.store.flush_journal().is_err());
        place.look().unwrap();
        place.disk.mend(fate);
        place.store.heal().unwrap();
        assert_eq!(place.reads_told(), 8, "{fate:?} {fault:?}");
        place.store.flush_journal().unwrap();
        assert_eq!(place.reads_told(), 8, "{fate:?} {fault:?}");
    }
}

#[test]
fn a_disk_that_cannot_be_read_refuses_everybody_who_needs_it_until_it_can() {
    let place = Place::new();
    place.put(1).unwrap();
    let before = place.look().unwrap();
    place.disk.fail(Fault::Reads);
    // What memory holds is shown as it is, and nothing else.
    match place.look() {
        Ok(shown) => assert_eq!(shown, before),
        Err(error) => assert!(matches!(error, Error::Engine(_))),
    }
    assert!(matches!(place.put(2), Err(Error::Engine(_))));
    assert!(matches!(place.store.health(), Health::Failed(_)));
    // Nothing is shown anyway, so it is opened anew; and that fails too.
    place.disk.go_away();
    assert!(place.store.heal().is_err());
    assert!(matches!(place.look(), Err(Error::Engine(_))));
    place.disk.mend(Fate::Lost);
    place.store.heal().unwrap();
    assert_eq!(place.look().unwrap(), before);
    place.put(2).unwrap();
}

#[test]
fn below_the_reserve_writes_are_refused_before_the_engine_is_asked_and_go_on_when_there_is_room() {
    let place = Place::new();
    place.put(1).unwrap();
    place.disk.fail(Fault::Commit(u64::MAX));
    place.free_bytes.store(999, Ordering::Relaxed);
    assert!(matches!(place.put(2), Err(Error::DiskFull)));
    assert_eq!(place.store.health(), Health::Reserve { free_bytes: 999, reserve_bytes: 1_000 });
    let (token, rows) = place.look().unwrap();
    assert!(place.store.flush_journal().is_err());
    assert_eq!(place.disk.asked(), (0, 0));
    assert!(place.store.heal().is_err());
    place.free_bytes.store(1_000, Ordering::Relaxed);
    assert_eq!(place.store.health(), Health::DiskFull);
    assert!(place.put(2).is_err(), "what the engine did meanwhile is not known");
    place.store.heal().unwrap();
    assert_eq!(place.store.health(), Health::Well);
    place.put(2).unwrap();
    place.follow(&token, rows);
    place.store.flush_journal().unwrap();
    assert_eq!(place.faults(), Vec::<String>::new());
    assert_eq!(place.disk.opened(), 2);
}

#[test]
fn where_there_is_plenty_of_room_it_is_not_looked_at_for_each_write_and_soon_enough() {
    let place = Place::new();
    place.free_bytes.store(2 << 30, Ordering::Relaxed);
    place.put(1).unwrap();
    assert_eq!(place.store.health(), Health::Well);
    // The disk fills at once; what is still written is little beside what there was.
    place.free_bytes.store(999, Ordering::Relaxed);
    place.put(2).unwrap();
    assert_eq!(place.store.health(), Health::Reserve { free_bytes: 999, reserve_bytes: 1_000 });
    assert!(matches!(place.put(3), Err(Error::DiskFull)));
    // And without anybody's asking.
    let place = Place::new();
    place.free_bytes.store(2 << 30, Ordering::Relaxed);
    place.put(1).unwrap();
    place.free_bytes.store(999, Ordering::Relaxed);
    let refused = (0..).find(|step| place.put(step % 4).is_err());
    assert!(refused.is_some_and(|step| step > 10));
}

#[test]
fn while_the_disk_is_full_the_old_engine_is_kept_for_readers() {
    let place = Place::new();
    place.put(1).unwrap();
    place.disk.fail(Fault::FullFrom(0));
    assert!(matches!(place.put(2), Err(Error::DiskFull)));
    place.free_bytes.store(0, Ordering::Relaxed);
    assert!(matches!(place.store.heal(), Err(Error::DiskFull)));
    assert_eq!(place.disk.opened(), 1);
    assert_eq!(place.steps(), BTreeMap::from([(1, 1)]));
    assert!(matches!(place.store.health(), Health::Reserve { .. }));
}

#[test]
fn files_are_written_again_byte_for_byte() {
    let directory = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..3_000_001u32).map(|number| (number ^ (number >> 8)) as u8).collect();
    std::fs::create_dir(directory.path().join("blobs")).unwrap();
    for (name, length) in [("db", bytes.len()), ("blobs/1", 17), ("blobs/2", 0)] {
        std::fs::write(directory.path().join(name), bytes.get(..length).unwrap()).unwrap();
    }
    super::write_again(directory.path()).unwrap();
    for (name, length) in [("db", bytes.len()), ("blobs/1", 17), ("blobs/2", 0)] {
        assert_eq!(std::fs::read(directory.path().join(name)).unwrap(), bytes.get(..length).unwrap());
    }
    super::probe(&directory.path().join("blobs")).unwrap();
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2, "the probe is gone");
}

#[test]
fn a_closed_store_is_not_opened_again() {
    let place = Place::new();
    place.disk.fail(Fault::Commit(1));
    assert!(place.put(1).is_err());
    assert!(place.store.close().is_err(), "what was counted is not written down");
    assert_eq!(place.store.health(), Health::Closed);
    place.disk.mend(Fate::Lost);
    assert!(place.store.heal().is_err());
    assert!(place.look().is_err());
}

/// What the engine does of its own accord failed, and only the next write told: until then the server said that it takes writes.
#[test]
fn what_fails_while_nobody_writes_is_known_at_once_and_mended() {
    let place = Place::new();
    place.put(0).unwrap();
    place.disk.fail_unasked();
    assert!(matches!(place.store.health(), Health::Failed(_)));
    assert!(place.put(1).is_err());
    place.store.heal().unwrap();
    assert_eq!((place.store.health(), place.disk.opened()), (Health::Well, 2));
    place.put(1).unwrap();
}
