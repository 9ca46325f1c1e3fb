//! Stories of copies: taken while people write, compared to the last key, cut off and damaged.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout, reason = "a test fails by panicking")]

use super::{restore, verify};
use crate::administration::{ApplyFile, ApplyOptions, CalendarEntry, GrantEntry, UserEntry};
use crate::authorized::{Calendar, NewLink, Resource};
use crate::engine::{EngineKind, KEYS_END, KeyRange};
use crate::error::{Error, Result};
use crate::read::Read as _;
use crate::{AuthorizedStore, Environment, Limits, Options, Store};
use acl::Level;
use chrono::Utc;
use ical::{CalendarObject, ParseLimits};
use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const WRITERS: u64 = 4;

fn options(engine: EngineKind) -> Options {
    let counter = AtomicU64::new(1);
    let entropy = Arc::new(move |bytes: &mut [u8]| {
        let hash = blake3::hash(&counter.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        bytes.iter_mut().zip(hash.as_bytes()).for_each(|(byte, random)| *byte = *random);
    });
    let environment = Environment { clock: Arc::new(Utc::now), entropy };
    Options { environment, limits: Limits::default(), directory: Default::default(), engine: Some(engine) }
}

fn place() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A store with people, a share, links, versions, deleted objects and a journal.
fn store(directory: &Path, engine: EngineKind) -> Arc<Store> {
    let store = Store::open(directory, options(engine)).unwrap();
    let user = |name: &str| UserEntry { name: name.into(), ..UserEntry::default() };
    let calendar = CalendarEntry { owner: "alice".into(), name: "work".into(), ..CalendarEntry::default() };
    let grant = GrantEntry { calendar: "alice/work".into(), user: Some("bob".into()), level: Some(Level::Titles), ..Default::default() };
    let file = ApplyFile { users: vec![user("alice"), user("bob")], calendars: vec![calendar], grants: vec![grant], ..Default::default() };
    let administration = store.administration();
    administration.apply(&file, ApplyOptions::default()).unwrap().unwrap();
    for number in 0..40 {
        put(&store, &format!("old-{number}"), number).unwrap();
    }
    put(&store, "old-1", 100).unwrap();
    let deleted: Result<()> = door(&store, "alice").write(|store| store.delete_object(&work(store)?, "old-2.ics"));
    deleted.unwrap();
    administration.delete_calendar("bob", "default").unwrap();
    administration.add_link("alice", "work", None, &NewLink { level: Some(Level::Titles), until: None, note: None }).unwrap();
    look(&store);
    store
}

fn door(store: &Arc<Store>, name: &str) -> crate::Door {
    store.door(store.credential(name).unwrap().unwrap().principal)
}

fn work(store: &AuthorizedStore<'_>) -> Result<Calendar> {
    match store.resolve("alice", &["work"])? {
        Resource::Calendar(calendar) => Ok(calendar),
        _ => Err(Error::NotFound),
    }
}

fn put(store: &Arc<Store>, name: &str, number: u64) -> Result<()> {
    let filler = if number.is_multiple_of(5) { "large ".repeat(4_000) } else { String::new() };
    let text = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:{name}\r\nDTSTAMP:20261101T000000Z\r\n\
         DTSTART:20261122T100000Z\r\nDTEND:20261122T110000Z\r\nSUMMARY:number {number}\r\nDESCRIPTION:{filler}\r\n\
         BEGIN:VALARM\r\nACTION:AUDIO\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    let object = CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap();
    door(store, "alice").write(|store| store.put_object(&work(store)?, &format!("{name}.ics"), &object).map(drop))
}

/// What bob is shown, which is noted for him.
fn look(store: &Arc<Store>) -> (String, usize) {
    let seen: Result<_> = door(store, "bob").read(|store| {
        let calendar = work(store)?;
        Ok((store.sync_token(&calendar)?, store.rows(&calendar)?.len()))
    });
    seen.unwrap()
}

fn everything(store: &Store) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut found = BTreeMap::new();
    let range = KeyRange { start: vec![0], end: Some(vec![KEYS_END]) };
    let mut visit = |key: &[u8], value: &[u8]| {
        found.insert(key.to_vec(), value.to_vec());
        Ok(ControlFlow::Continue(()))
    };
    store.read(|snapshot| snapshot.scan(&range, &mut visit)).unwrap();
    found
}

fn backup(store: &Store) -> Vec<u8> {
    let mut file = Vec::new();
    let size = store.backup(&mut file, &mut |_| {}).unwrap();
    assert_eq!(size.bytes, file.len() as u64);
    file
}

#[test]
fn a_restored_store_is_the_one_that_was_copied_to_the_last_key_on_either_engine() {
    for (from, to) in [(EngineKind::Sled, EngineKind::Redb), (EngineKind::Redb, EngineKind::Sled), (EngineKind::Sled, EngineKind::Sled)] {
        let (first, second) = (place(), place());
        let original = store(first.path(), from);
        let file = backup(&original);
        let before = everything(&original);
        let restored = restore(&mut Cursor::new(&file), second.path(), options(to), &mut |_| {}).unwrap();
        assert_eq!((restored.faults, restored.contents.size.records), (Vec::new(), before.len() as u64));
        let copy = Store::open(second.path(), options(to)).unwrap();
        assert!(everything(&copy) == before, "{from} to {to}");
        let (old, new) = (original.administration(), copy.administration());
        assert_eq!(old.export_apply_file(None).unwrap(), new.export_apply_file(None).unwrap());
        assert_eq!(old.links(None).unwrap(), new.links(None).unwrap());
        assert_eq!(old.trash(None).unwrap().len(), 2);
        assert_eq!(old.trash(None).unwrap(), new.trash(None).unwrap());
        assert_eq!(old.journal("alice", "work", None).unwrap(), new.journal("alice", "work", None).unwrap());
        let versions = |of: &crate::Administration| of.object_history("alice", "work", "old-1.ics").unwrap().versions;
        assert_eq!((versions(&old).len(), versions(&old)), (2, versions(&new)));
        assert_eq!(look(&original), look(&copy), "a token goes on");
        assert!(!second.path().join(".restoring").exists());
        // A second one has no room there.
        assert!(matches!(restore(&mut Cursor::new(&file), second.path(), options(to), &mut |_| {}), Err(Error::Invalid(_))));
    }
}

/// Lets writers on with every block, as a slow disk would.
struct Slow<'a> {
    file: Vec<u8>,
    blocks: u64,
    started: &'a AtomicBool,
}

impl Write for Slow<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.blocks += 1;
        self.started.store(true, Ordering::Release);
        std::thread::sleep(Duration::from_millis(40));
        self.file.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What one writer was told: each number goes into his object `a`, then into `b`.
#[derive(Default)]
struct Told {
    before: u64,
    tried: u64,
    slowest: Duration,
}

fn write_until(store: &Arc<Store>, writer: u64, started: &AtomicBool, ended: &AtomicBool) -> Told {
    let mut told = Told::default();
    for number in 1.. {
        if !started.load(Ordering::Acquire) {
            told.before = number - 1;
        }
        told.tried = number;
        for half in ["a", "b"] {
            let begun = Instant::now();
            put(store, &format!("w{writer}-{half}"), number).unwrap();
            told.slowest = told.slowest.max(begun.elapsed());
        }
        if ended.load(Ordering::Acquire) {
            return told;
        }
    }
    told
}

fn numbers(store: &Arc<Store>) -> BTreeMap<String, u64> {
    let read: Result<_> = door(store, "alice").read(|store| {
        let calendar = work(store)?;
        let names: Vec<String> =
            store.rows(&calendar)?.iter().map(|row| row.name().to_owned()).filter(|name| name.starts_with('w')).collect();
        names
            .into_iter()
            .map(|name| Ok((name.clone(), String::from_utf8(store.object(&calendar, &name)?.bytes().to_vec()).unwrap())))
            .collect()
    });
    let bodies: BTreeMap<String, String> = read.unwrap();
    let number = |body: &str| body.lines().find_map(|line| line.strip_prefix("SUMMARY:number ")).unwrap().trim().parse().unwrap();
    bodies.into_iter().map(|(name, body)| (name, number(&body))).collect()
}

#[test]
fn a_copy_taken_while_people_write_is_one_state_that_there_was() {
    for engine in EngineKind::ALL {
        let (first, second) = (place(), place());
        let original = store(first.path(), engine);
        let (started, ended) = (AtomicBool::new(false), AtomicBool::new(false));
        let mut slow = Slow { file: Vec::new(), blocks: 0, started: &started };
        let told: Vec<Told> = std::thread::scope(|scope| {
            let (original, started, ended) = (&original, &started, &ended);
            let writers: Vec<_> = (0..WRITERS).map(|writer| scope.spawn(move || write_until(original, writer, started, ended))).collect();
            scope.spawn(move || {
                while !ended.load(Ordering::Acquire) {
                    look(original);
                }
            });
            std::thread::sleep(Duration::from_millis(300));
            original.backup(&mut slow, &mut |_| {}).unwrap();
            ended.store(true, Ordering::Release);
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        let restored = restore(&mut Cursor::new(&slow.file), second.path(), options(engine), &mut |_| {}).unwrap();
        assert_eq!(restored.faults, [], "histories, journals, views and sums agree");
        let copy = Store::open(second.path(), options(engine)).unwrap();
        let found = numbers(&copy);
        for (writer, told) in (0..).zip(&told) {
            let number = |half: &str| found.get(&format!("w{writer}-{half}.ics")).copied().unwrap_or_default();
            let (a, b) = (number("a"), number("b"));
            assert!(a == b || a == b + 1, "writer {writer} wrote {a} and then {b}");
            assert!(told.before <= b && a <= told.tried, "{} ≤ {b} ≤ {a} ≤ {}", told.before, told.tried);
        }
        let during: u64 = told.iter().map(|told| told.tried - told.before).sum();
        let slowest = told.iter().map(|told| told.slowest).max().unwrap();
        println!(
            "{engine}: {} blocks, {} bytes, {during} rounds of writes meanwhile, the slowest write took {slowest:?}",
            slow.blocks,
            slow.file.len()
        );
        assert!(during > 2 * WRITERS, "nobody wrote meanwhile");
        assert_eq!(look(&copy).1, 39 + found.len());
    }
}

#[test]
fn a_cut_off_or_damaged_backup_is_refused_before_anything_is_put_in_place() {
    let first = place();
    let file = backup(&store(first.path(), EngineKind::Redb));
    assert!(verify(&mut file.as_slice(), &mut |_| {}).is_ok());
    let refused = |file: &[u8]| match verify(&mut &*file, &mut |_| {}) {
        Err(Error::Invalid(why)) => why,
        other => panic!("{other:?}"),
    };
    let steps = file.len() / 60;
    for length in (0..file.len()).step_by(steps).chain(file.len() - 40..file.len()) {
        assert!(refused(&file[..length]).contains("cut off"), "{length}");
    }
    for at in (0..file.len()).step_by(steps).chain(0..60).chain(file.len() - 60..file.len()) {
        let mut file = file.clone();
        file[at] ^= 0x20;
        refused(&file);
    }
    refused(&[file.as_slice(), b"x"].concat());
    refused(b"");
    // Blocks in another order, and a block left out.
    let head = 16 + 37 + 4;
    refused(&[&file[..head], &file[file.len() - 45..]].concat());
    let second = place();
    let outcome = restore(&mut Cursor::new(&file[..file.len() - 1]), second.path(), options(EngineKind::Redb), &mut |_| {});
    assert!(outcome.is_err());
    assert_eq!(second.path().read_dir().unwrap().count(), 0);
}

#[test]
fn two_backups_at_a_time_are_refused_and_a_failed_one_leaves_nothing_behind() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let first = place();
    let store = store(first.path(), EngineKind::Redb);
    assert!(matches!(store.backup(&mut Full, &mut |_| {}), Err(Error::DiskFull)));
    let mut nested = Vec::new();
    let mut inner = None;
    store.backup(&mut nested, &mut |_| inner = Some(store.backup(&mut Vec::new(), &mut |_| {}))).unwrap();
    assert!(matches!(inner, Some(Err(Error::Invalid(_)))));
    verify(&mut nested.as_slice(), &mut |_| {}).unwrap();
}
