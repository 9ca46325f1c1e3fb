//! One suite for every engine: what it must keep, compared with a sorted map; and that it remembers across reopening.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking")]

use super::logged::LoggedEngine;
use super::memory::MemoryEngine;
use super::{Batch, Engine, EngineKind, KeyRange, Ticket};
use crate::error::Error;
use crate::read::{Read, Transaction};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn open(kind: EngineKind, directory: &Path) -> Arc<dyn Engine> {
    kind.open(directory, 8 << 20).unwrap()
}

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

fn everything() -> KeyRange {
    KeyRange { start: vec![0], end: None }
}

fn contents(scan: impl FnOnce(&mut super::Visit<'_>) -> crate::error::Result<()>) -> Model {
    let mut found = Vec::new();
    scan(&mut |key, value| {
        found.push((key.to_vec(), value.to_vec()));
        Ok(ControlFlow::Continue(()))
    })
    .unwrap();
    let count = found.len();
    assert!(found.is_sorted(), "a scan goes in the order of the keys");
    let model: Model = found.into_iter().collect();
    assert_eq!(model.len(), count, "a scan shows no key twice");
    model
}

#[derive(Clone, Debug)]
enum Step {
    Commit(Vec<(Vec<u8>, Option<usize>)>),
    /// Waits for the disk.
    Wait,
    Verify,
    Reopen,
    /// Without closing before: what was waited for is there.
    Drop,
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    // Few keys, so that they are overwritten; some long, some prefixes of others.
    (0u8..4, 0u8..12, 0usize..3).prop_map(|(table, name, length)| {
        let mut key = vec![table];
        key.extend(std::iter::repeat_n(name, 1 + length * 40));
        key
    })
}

fn step() -> impl Strategy<Value = Step> {
    // Sizes around the borders at which a value is divided, and far above.
    let size = prop_oneof![4 => 0usize..40, 2 => 6_100usize..6_200, 1 => 12_280usize..12_300, 1 => 100_000usize..400_000];
    let write = (key(), prop_oneof![3 => size.prop_map(Some), 1 => Just(None)]);
    prop_oneof![8 => prop::collection::vec(write, 0..10).prop_map(Step::Commit), 4 => Just(Step::Wait), 2 => Just(Step::Verify), 1 => Just(Step::Reopen), 1 => Just(Step::Drop)]
}

fn value(key: &[u8], size: usize, step: usize) -> Vec<u8> {
    let seed = key.iter().fold(step, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    (0..size).map(|index| (index.wrapping_mul(7) ^ seed) as u8).collect()
}

/// Goes through the steps, with the same in a sorted map; how many values were compared.
fn compare_with_model(open: impl Fn() -> Arc<dyn Engine>, steps: Vec<Step>) -> Result<usize, TestCaseError> {
    let (mut compared, mut engine, mut model, mut last) = (0, open(), Model::new(), Ticket(0));
    for (number, step) in steps.into_iter().enumerate() {
        match step {
            Step::Wait => engine.wait(last).unwrap(),
            Step::Verify => prop_assert_eq!(engine.verify().unwrap(), Vec::<String>::new()),
            Step::Reopen | Step::Drop => {
                match step {
                    Step::Drop => engine.wait(last).unwrap(),
                    _ => engine.close().unwrap(),
                }
                drop(engine);
                engine = open();
                last = Ticket(0);
            }
            Step::Commit(writes) => {
                let mut batch = Batch::default();
                for (key, size) in writes {
                    let value = size.map(|size| value(&key, size, number));
                    match &value {
                        Some(value) => model.insert(key.clone(), value.clone()),
                        None => model.remove(&key),
                    };
                    batch.writes.push((key, value));
                }
                last = engine.commit(batch).unwrap();
            }
        }
        let all = contents(|visit| engine.scan(&everything(), visit));
        prop_assert!(all == model, "contents differ");
        let table = KeyRange::prefix(&[1]);
        let some = contents(|visit| engine.scan(&table, visit));
        prop_assert!(some.iter().eq(model.range(vec![1]..vec![2])));
        for (key, value) in &model {
            prop_assert!(engine.get(key).unwrap().as_ref() == Some(value));
            compared += 1;
        }
    }
    prop_assert_eq!(engine.verify().unwrap(), Vec::<String>::new());
    prop_assert!(contents(|visit| engine.scan(&everything(), visit)) == model, "looking at it changed it");
    Ok(compared)
}

fn keeps_what_a_sorted_map_would_keep(compare: impl Fn(Vec<Step>) -> Result<usize, TestCaseError>) {
    let compared = AtomicUsize::new(0);
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(steps in prop::collection::vec(step(), 1..24))| {
        compared.fetch_add(compare(steps)?, Ordering::Relaxed);
    });
    let compared = compared.into_inner();
    println!("compared {compared} values");
    assert!(compared > 2_000, "only {compared} values compared");
}

#[test]
fn an_engine_on_disk_keeps_what_a_sorted_map_would_keep_across_reopening() {
    for kind in EngineKind::ALL {
        keeps_what_a_sorted_map_would_keep(|steps| {
            let directory = tempfile::tempdir().unwrap();
            compare_with_model(|| open(kind, directory.path()), steps)
        });
    }
}

#[test]
fn the_engine_in_memory_keeps_what_a_sorted_map_would_keep() {
    keeps_what_a_sorted_map_would_keep(|steps| {
        let engine: Arc<dyn Engine> = Arc::new(MemoryEngine::default());
        compare_with_model(|| engine.clone(), steps)
    });
}

#[test]
fn a_transaction_reads_its_own_writes_over_the_engines_as_if_they_were_there() {
    let mut compared = 0usize;
    for kind in EngineKind::ALL {
        let directory = tempfile::tempdir().unwrap();
        let engine = open(kind, directory.path());
        let mut random = proptest::test_runner::TestRunner::deterministic();
        let writes = prop::collection::vec((key(), prop_oneof![2 => (0usize..50).prop_map(Some), 1 => Just(None)]), 0..40);
        for round in 0..40 {
            let tree = writes.new_tree(&mut random).unwrap();
            let mut transaction = Transaction::new(engine.as_ref());
            let mut model = contents(|visit| engine.scan(&everything(), visit));
            for (key, size) in proptest::strategy::ValueTree::current(&tree) {
                match size {
                    Some(size) => {
                        transaction.put(key.clone(), value(&key, size, round));
                        model.insert(key.clone(), value(&key, size, round));
                    }
                    None => {
                        transaction.delete(key.clone());
                        model.remove(&key);
                    }
                }
            }
            assert_eq!(contents(|visit| transaction.scan(&everything(), visit)), model);
            let range = KeyRange { start: vec![1, 3], end: Some(vec![3]) };
            let part = contents(|visit| transaction.scan(&range, visit));
            assert!(part.iter().eq(model.range(vec![1, 3]..vec![3])));
            let mut first = None;
            transaction
                .scan(&everything(), &mut |key, _| {
                    assert!(first.is_none(), "a scan goes on after Break");
                    first = Some(key.to_vec());
                    Ok(ControlFlow::Break(()))
                })
                .unwrap();
            assert_eq!(first.as_ref(), model.keys().next());
            compared += model.len();
            engine.commit(transaction.into_batch()).unwrap();
            assert_eq!(contents(|visit| engine.scan(&everything(), visit)), model);
        }
    }
    println!("compared {compared} values");
    assert!(compared > 500, "only {compared} values compared");
}

#[test]
fn readers_of_a_large_value_never_see_halves_of_two_versions() {
    for kind in EngineKind::ALL {
        let directory = tempfile::tempdir().unwrap();
        let engine = open(kind, directory.path());
        let put = |byte: u8| engine.commit(Batch { writes: vec![(b"a".to_vec(), Some(vec![byte; 50_000]))] }).unwrap();
        put(0);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                for _ in 0..300 {
                    let value = engine.get(b"a").unwrap().unwrap();
                    assert_eq!(value.len(), 50_000);
                    assert!(value.iter().all(|byte| Some(byte) == value.first()));
                }
            });
            for byte in 1..=100 {
                put(byte);
            }
            reader.join().unwrap();
        });
    }
}

/// Of what was there before a scan and is there after it, the scan shows every key once, in order, however much is brought
/// from memory into the file meanwhile.
#[test]
fn a_scan_misses_nothing_while_what_it_shows_moves() {
    for kind in EngineKind::ALL {
        let directory = tempfile::tempdir().unwrap();
        let engine = open(kind, directory.path());
        let key = |number: u16| [&[1][..], &number.to_be_bytes()].concat();
        let put = |numbers: std::ops::Range<u16>, value: u8| {
            let writes = numbers.map(|number| (key(number), Some(vec![value; 40]))).collect();
            engine.wait(engine.commit(Batch { writes }).unwrap()).unwrap();
        };
        put(0..3_000, 0);
        std::thread::scope(|scope| {
            let scans = scope.spawn(|| {
                for _ in 0..40 {
                    let found = contents(|visit| engine.scan(&KeyRange::prefix(&[1]), visit));
                    assert!((0..3_000).all(|number| found.contains_key(&key(number))), "{kind}: a key is missing");
                    assert!(found.values().all(|value| value.iter().all(|byte| Some(byte) == value.first())));
                }
            });
            for round in 1u8..60 {
                put(u16::from(round) * 10..u16::from(round) * 40, round);
            }
            scans.join().unwrap();
        });
    }
}

#[test]
fn what_one_process_has_open_another_is_refused() {
    for kind in EngineKind::ALL {
        let directory = tempfile::tempdir().unwrap();
        let engine = open(kind, directory.path());
        let second = kind.open(directory.path(), 8 << 20);
        assert!(matches!(second.map(|_| ()), Err(Error::InUse)));
        drop(engine);
        open(kind, directory.path());
    }
}

#[test]
fn one_disk_flush_serves_all_commits_before_it() {
    for kind in EngineKind::ALL {
        let directory = tempfile::tempdir().unwrap();
        let engine = open(kind, directory.path());
        let tickets: Vec<Ticket> = (0u8..20).map(|n| engine.commit(Batch { writes: vec![(vec![1, n], Some(vec![n]))] }).unwrap()).collect();
        assert!(tickets.is_sorted());
        std::thread::scope(|scope| {
            for ticket in &tickets {
                scope.spawn(|| engine.wait(*ticket).unwrap());
            }
        });
    }
}

/// What was acknowledged can be read, and nothing more is acknowledged: not what waited, not what comes, and not at the end.
fn after_a_failed_flush(engine: &dyn Engine, mend: impl FnOnce()) {
    let put = |byte: u8| engine.commit(Batch { writes: vec![(vec![byte], Some(vec![byte]))] });
    let unsynced = put(2).unwrap();
    assert!(engine.wait(unsynced).is_err());
    mend();
    assert!(engine.wait(unsynced).is_err(), "the disk works again, but what it holds is not known");
    assert!(put(3).is_err());
    assert!(engine.close().is_err());
    assert_eq!(engine.get(&[1]).unwrap(), Some(vec![1]), "reading goes on");
    let all = contents(|visit| engine.scan(&everything(), visit));
    assert_eq!(all.keys().cloned().collect::<Vec<_>>(), [[1], [2]], "nor is anything taken back that somebody may have seen");
}

fn put_durably(engine: &dyn Engine, byte: u8) {
    engine.wait(engine.commit(Batch { writes: vec![(vec![byte], Some(vec![byte]))] }).unwrap()).unwrap();
}

#[test]
fn after_the_disk_failed_once_sled_acknowledges_nothing_any_more() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open(EngineKind::Sled, directory.path());
    put_durably(engine.as_ref(), 1);
    // Listing this directory is part of making a commit durable.
    let (blobs, elsewhere) = (directory.path().join("blobs"), directory.path().join("elsewhere"));
    std::fs::rename(&blobs, &elsewhere).unwrap();
    after_a_failed_flush(engine.as_ref(), || std::fs::rename(&elsewhere, &blobs).unwrap());
    drop(engine);
    let engine = open(EngineKind::Sled, directory.path());
    assert_eq!(engine.get(&[1]).unwrap(), Some(vec![1]));
    put_durably(engine.as_ref(), 3);
}

#[test]
fn after_the_disk_failed_once_redb_acknowledges_nothing_any_more() {
    let directory = tempfile::tempdir().unwrap();
    let engine = LoggedEngine::open(directory.path(), 0).unwrap();
    put_durably(&engine, 1);
    engine.sabotage(true);
    after_a_failed_flush(&engine, || engine.sabotage(false));
    assert!(engine.verify().is_err(), "what it holds is not known");
    drop(engine);
    let engine = open(EngineKind::Redb, directory.path());
    assert_eq!(engine.get(&[1]).unwrap(), Some(vec![1]));
    assert_eq!(engine.verify().unwrap(), Vec::<String>::new());
    put_durably(engine.as_ref(), 3);
}

/// redb hands out what it finds in a page as it is: a title with one bit turned over went into a moved store, and there it
/// was sound.
#[test]
fn a_value_that_the_disk_changed_is_damage_and_nobody_s_value() {
    let directory = tempfile::tempdir().unwrap();
    let put = |engine: &dyn Engine, key: u8, value: &[u8]| {
        engine.wait(engine.commit(Batch { writes: vec![(vec![key], Some(value.to_vec()))] }).unwrap()).unwrap();
    };
    let engine = open(EngineKind::Redb, directory.path());
    put(engine.as_ref(), 1, b"SUMMARY:before");
    put(engine.as_ref(), 2, b"SUMMARY:to be changed");
    engine.close().unwrap();
    drop(engine);
    let file = directory.path().join("shoji.redb");
    let mut bytes = std::fs::read(&file).unwrap();
    let mut changed = 0;
    while let Some(at) = bytes.windows(21).position(|window| window == b"SUMMARY:to be changed") {
        bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1);
        changed += 1;
    }
    assert!(changed > 0);
    std::fs::write(&file, bytes).unwrap();
    let engine = open(EngineKind::Redb, directory.path());
    assert_eq!(engine.get(&[1]).unwrap(), Some(b"SUMMARY:before".to_vec()));
    assert!(matches!(engine.get(&[2]), Err(Error::Corrupted(_))));
    assert!(matches!(engine.scan(&everything(), &mut |_, _| Ok(ControlFlow::Continue(()))), Err(Error::Corrupted(_))));
    assert_eq!(engine.verify().unwrap().len(), 1);
    // Who looked at it hinders nobody who writes, nor the next opening.
    put(engine.as_ref(), 3, b"SUMMARY:after");
    drop(engine);
    let engine = open(EngineKind::Redb, directory.path());
    assert_eq!(engine.get(&[3]).unwrap(), Some(b"SUMMARY:after".to_vec()));
    put(engine.as_ref(), 2, b"SUMMARY:mended");
    assert_eq!(engine.verify().unwrap(), Vec::<String>::new());
}

/// Not a test but a measurement: 16 writers, each waiting for the disk after three puts.
#[test]
#[ignore = "measures: cargo test --release -p storage group_commit -- --ignored --nocapture"]
fn group_commit_of_sixteen_writers() {
    const WRITERS: u8 = 16;
    const COMMITS: u32 = 500;
    for kind in EngineKind::ALL {
        let directory = tempfile::tempdir_in(".").unwrap();
        let engine = open(kind, directory.path());
        let begun = std::time::Instant::now();
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let engine = &engine;
                scope.spawn(move || {
                    for number in 0..COMMITS {
                        let key = |part: u8| [&[part, writer], number.to_be_bytes().as_slice()].concat();
                        let writes = (0..3).map(|part| (key(part), Some(vec![writer; 200]))).collect();
                        engine.wait(engine.commit(Batch { writes }).unwrap()).unwrap();
                    }
                });
            }
        });
        let commits = u32::from(WRITERS) * COMMITS;
        println!("{kind}: {:.0} durable commits a second", f64::from(commits) / begun.elapsed().as_secs_f64());
    }
}
