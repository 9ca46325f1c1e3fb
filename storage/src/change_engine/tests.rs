//! A store that is moved is the same afterwards; and a move that is killed, wherever it is, leaves the one store or the other,
//! whole.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking, and its child speaks by printing")]

use super::{Moved, Place, Stage, change_engine, everything, leftovers};
use crate::engine::{Batch, Engine, EngineKind};
use crate::error::Error;
use crate::{Directory, Environment, Limits, Options, Store, keys};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const DIRECTORY: &str = "STORAGE_MOVE_DIRECTORY";
const TO: &str = "STORAGE_MOVE_TO";
/// At which call of its progress the child dies; none: it goes on until it is killed, or done.
const DEATH: &str = "STORAGE_MOVE_DEATH";
const CACHE: u64 = 8 << 20;

type Records = BTreeMap<Vec<u8>, Vec<u8>>;

fn options(engine: Option<EngineKind>) -> Options {
    let environment = Environment { clock: Arc::new(|| DateTime::<Utc>::UNIX_EPOCH), entropy: Arc::new(|bytes| bytes.fill(7)) };
    Options { environment, limits: Limits::default(), directory: Directory::default(), engine }
}

/// A store with records of all sizes; what it holds.
fn filled(data: &Path, kind: EngineKind) -> Records {
    Store::open(data, options(Some(kind))).unwrap().close().unwrap();
    let engine = kind.open(&Place::new(data).store(), CACHE).unwrap();
    for number in 0..2_500u32 {
        let hash = blake3::hash(&number.to_be_bytes());
        let size = if number % 500 == 0 { 200_000 } else { usize::try_from(number % 300).unwrap() };
        let key = [&[0x7f], hash.as_bytes().first_chunk::<20>().unwrap().as_slice()].concat();
        let value = hash.as_bytes().iter().copied().cycle().take(size).collect();
        engine.commit(Batch { writes: vec![(key, Some(value))] }).unwrap();
    }
    engine.close().unwrap();
    records(engine.as_ref())
}

fn records(engine: &dyn Engine) -> Records {
    let mut records = Records::new();
    engine
        .scan(&everything(), &mut |key, value| {
            records.insert(key.to_vec(), value.to_vec());
            Ok(ControlFlow::Continue(()))
        })
        .unwrap();
    records
}

/// Which engine the store stands on now, if it is whole.
fn standing(data: &Path, expected: &Records) -> EngineKind {
    // Opening it is what ends an interrupted move.
    assert!(Store::exists(data));
    Store::open(data, options(None)).unwrap().close().unwrap();
    assert_eq!(leftovers(data), Vec::<PathBuf>::new(), "what the move left takes up space");
    let kind = EngineKind::of_files(&Place::new(data).store()).unwrap().unwrap();
    let engine = kind.open(&Place::new(data).store(), CACHE).unwrap();
    assert_eq!(engine.verify().unwrap(), Vec::<String>::new());
    assert!(records(engine.as_ref()) == *expected, "the store on {kind} is another one");
    kind
}

fn other(kind: EngineKind) -> EngineKind {
    if kind == EngineKind::Sled { EngineKind::Redb } else { EngineKind::Sled }
}

#[test]
fn a_moved_store_is_the_same_on_the_other_engine_and_back() {
    let directory = tempfile::tempdir().unwrap();
    let expected = filled(directory.path(), EngineKind::Sled);
    for to in [EngineKind::Redb, EngineKind::Redb, EngineKind::Sled] {
        let from = standing(directory.path(), &expected);
        let mut stages = Vec::new();
        let moved = change_engine(directory.path(), to, CACHE, &mut |stage, done, all| {
            assert!(done <= all);
            stages.push(stage);
        })
        .unwrap();
        let records = if from == to { 0 } else { expected.len() as u64 };
        assert_eq!(moved, Moved { from, to, records });
        assert!(stages.is_sorted_by_key(|stage| *stage as u8), "{stages:?}");
        assert_eq!(standing(directory.path(), &expected), to);
        let names: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "nothing but the store and its lock is left: {names:?}");
    }
}

#[test]
fn a_store_in_use_is_not_moved_and_none_is_not_begun() {
    let directory = tempfile::tempdir().unwrap();
    let moved = |to| change_engine(directory.path(), to, CACHE, &mut |_, _, _| {});
    assert!(matches!(moved(EngineKind::Redb), Err(Error::NotFound)));
    let store = Store::open(directory.path(), options(Some(EngineKind::Sled))).unwrap();
    assert!(matches!(moved(EngineKind::Redb), Err(Error::InUse)));
    store
        .write(|snapshot| {
            let mut transaction = snapshot.begin();
            transaction.put(keys::FORMAT.to_vec(), 99u32.to_be_bytes().to_vec());
            snapshot.commit(transaction)
        })
        .unwrap();
    store.close().unwrap();
    assert!(matches!(moved(EngineKind::Redb), Err(Error::NewerFormat { found: 99, .. })));
    assert_eq!(EngineKind::of_files(&Place::new(directory.path()).store()).unwrap(), Some(EngineKind::Sled));
}

/// A move that met a full disk left its half of a copy there, and the disk stayed full.
#[test]
fn a_move_that_fails_leaves_nothing_beside_the_store() {
    let directory = tempfile::tempdir().unwrap();
    let expected = filled(directory.path(), EngineKind::Redb);
    let next = Place::new(directory.path()).next();
    // Between copying and comparing the copy is damaged.
    let moved = change_engine(directory.path(), EngineKind::Sled, CACHE, &mut |stage, done, _| {
        if stage == Stage::Copying && done == 0 {
            assert!(next.is_dir());
            std::fs::remove_dir_all(&next).unwrap();
            std::fs::write(&next, "in the way").unwrap();
        }
    });
    // What cannot be removed is named.
    let told = moved.unwrap_err().to_string();
    assert!(told.contains("store.new could not be removed"), "{told}");
    std::fs::remove_file(&next).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let moved = change_engine(directory.path(), EngineKind::Sled, CACHE, &mut |stage, done, _| {
        if stage == Stage::Copying && done == 0 {
            std::fs::rename(&next, elsewhere.path().join("gone")).unwrap();
            std::fs::create_dir_all(next.join("shoji.redb")).unwrap();
        }
    });
    assert!(moved.is_err());
    assert_eq!(leftovers(directory.path()), Vec::<PathBuf>::new());
    assert_eq!(standing(directory.path(), &expected), EngineKind::Redb);
}

/// Files beside no store may be all that somebody has.
#[test]
fn what_stands_beside_a_store_that_is_only_being_made_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path(), EngineKind::Redb);
    let place = Place::new(directory.path());
    std::fs::rename(place.store(), place.last()).unwrap();
    Store::open(directory.path(), options(Some(EngineKind::Redb))).unwrap().close().unwrap();
    assert_eq!(leftovers(directory.path()), [place.last()]);
}

/// Not a test of its own: what is killed.
#[test]
fn killed_child() {
    let Some(data) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let to = EngineKind::by_name(&std::env::var(TO).unwrap()).unwrap();
    let death: Option<u64> = std::env::var(DEATH).ok().map(|number| number.parse().unwrap());
    let mut calls = 0;
    change_engine(Path::new(&data), to, CACHE, &mut |stage, done, _| {
        if Some(calls) == death {
            std::process::abort();
        }
        calls += 1;
        std::io::stdout().write_all(format!("\n@{} {done}\n", stage as u8).as_bytes()).unwrap();
    })
    .unwrap();
}

fn child(data: &Path, to: EngineKind) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "change_engine::tests::killed_child", "--nocapture"]).env(DIRECTORY, data).env(TO, to.name());
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

#[test]
fn a_move_that_dies_at_any_of_its_steps_leaves_one_whole_store() {
    let directory = tempfile::tempdir().unwrap();
    let expected = filled(directory.path(), EngineKind::Sled);
    let (mut kind, mut died) = (EngineKind::Sled, BTreeMap::new());
    // Each seventh step of the copying and comparing, and each of the renames at the end.
    let steps = |data: &Path, to| {
        let said = child(data, to).output().unwrap();
        assert!(said.status.success());
        String::from_utf8(said.stdout).unwrap().lines().filter(|line| line.starts_with('@')).count() as u64
    };
    let all = steps(directory.path(), other(kind));
    kind = other(kind);
    for death in (0..all).filter(|step| step % 7 == 0 || step + 4 >= all) {
        let to = other(kind);
        let said = child(directory.path(), to).env(DEATH, death.to_string()).output().unwrap();
        assert!(!said.status.success(), "step {death} is one of {all}");
        kind = standing(directory.path(), &expected);
        *died.entry(kind == to).or_insert(0) += 1;
    }
    println!("{} deaths left the old store, {} the new one", died.get(&false).unwrap(), died.get(&true).unwrap());
}

#[test]
fn a_move_that_is_killed_leaves_one_whole_store() {
    let directory = tempfile::tempdir().unwrap();
    let expected = filled(directory.path(), EngineKind::Redb);
    let begun = Instant::now();
    assert!(child(directory.path(), EngineKind::Sled).status().unwrap().success());
    let whole = begun.elapsed();
    let (mut kind, mut moved) = (EngineKind::Sled, 0);
    for round in 0..8u32 {
        let to = other(kind);
        let random = blake3::hash(&round.to_be_bytes());
        let life = whole.mul_f64(f64::from(*random.as_bytes().first().unwrap()) / 220.0);
        let mut killed = child(directory.path(), to).stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(life.min(Duration::from_secs(20)));
        killed.kill().unwrap();
        killed.wait().unwrap();
        kind = standing(directory.path(), &expected);
        moved += u32::from(kind == to);
    }
    println!("8 kills, {moved} of them after the move");
}

#[test]
fn a_copy_that_differs_is_not_taken() {
    let directory = tempfile::tempdir().unwrap();
    filled(directory.path(), EngineKind::Redb);
    let source = EngineKind::Redb.open(&Place::new(directory.path()).store(), CACHE).unwrap();
    let put = |engine: &dyn Engine, value: Option<&[u8]>| {
        let batch = Batch { writes: vec![(vec![0x7f, 0], value.map(<[u8]>::to_vec))] };
        engine.wait(engine.commit(batch).unwrap()).unwrap();
    };
    for (in_source, in_target) in [(Some(b"a"), Some(b"b")), (Some(b"a"), None), (None, Some(b"b"))] {
        let elsewhere = tempfile::tempdir().unwrap();
        let target = EngineKind::Sled.open(elsewhere.path(), CACHE).unwrap();
        put(source.as_ref(), None);
        super::copy(source.as_ref(), target.as_ref(), 0, &mut |_, _, _| {}).unwrap();
        super::compare(source.as_ref(), target.as_ref(), 0, &mut |_, _, _| {}).unwrap();
        put(source.as_ref(), in_source.map(|value| value.as_slice()));
        put(target.as_ref(), in_target.map(|value| value.as_slice()));
        assert!(super::compare(source.as_ref(), target.as_ref(), 0, &mut |_, _, _| {}).is_err());
    }
}
