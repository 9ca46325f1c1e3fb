//! One suite for every engine: what it must keep, compared with a sorted map; and that it remembers across reopening.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking")]

use super::sled::SledEngine;
use super::{Batch, Engine, KeyRange, Ticket};
use crate::error::Error;
use crate::read::{Read, Transaction};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

type Open = fn(&Path) -> Arc<dyn Engine>;

fn open_sled(directory: &Path) -> Arc<dyn Engine> {
    Arc::new(SledEngine::open(directory, 8 << 20).unwrap())
}

/// Every engine joins here.
const ENGINES: [(&str, Open); 1] = [("sled", open_sled)];

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
    Reopen,
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
    prop_oneof![8 => prop::collection::vec(write, 0..10).prop_map(Step::Commit), 1 => Just(Step::Reopen)]
}

fn value(key: &[u8], size: usize, step: usize) -> Vec<u8> {
    let seed = key.iter().fold(step, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    (0..size).map(|index| (index.wrapping_mul(7) ^ seed) as u8).collect()
}

#[test]
fn an_engine_keeps_what_a_sorted_map_would_keep_across_reopening() {
    let compared = AtomicUsize::new(0);
    for (name, open) in ENGINES {
        proptest!(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() }, |(steps in prop::collection::vec(step(), 1..24))| {
            let directory = tempfile::tempdir().unwrap();
            let mut engine = open(directory.path());
            let mut model = Model::new();
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Reopen => {
                        engine.close().unwrap();
                        drop(engine);
                        engine = open(directory.path());
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
                        let ticket = engine.commit(batch).unwrap();
                        if number % 3 == 0 {
                            engine.wait(ticket).unwrap();
                        }
                    }
                }
                let all = contents(|visit| engine.scan(&everything(), visit));
                prop_assert!(all == model, "{name}: contents differ");
                let table = KeyRange::prefix(&[1]);
                let some = contents(|visit| engine.scan(&table, visit));
                prop_assert!(some.iter().eq(model.range(vec![1]..vec![2])));
                for (key, value) in &model {
                    prop_assert!(engine.get(key).unwrap().as_ref() == Some(value));
                    compared.fetch_add(1, Ordering::Relaxed);
                }
                prop_assert_eq!(engine.verify().unwrap(), Vec::<String>::new());
            }
        });
    }
    let compared = compared.into_inner();
    println!("compared {compared} values");
    assert!(compared > 2_000, "only {compared} values compared");
}

#[test]
fn a_transaction_reads_its_own_writes_over_the_engines_as_if_they_were_there() {
    let mut compared = 0usize;
    for (_, open) in ENGINES {
        let directory = tempfile::tempdir().unwrap();
        let engine = open(directory.path());
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
    for (_, open) in ENGINES {
        let directory = tempfile::tempdir().unwrap();
        let engine = open(directory.path());
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

#[test]
fn what_one_process_has_open_another_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open_sled(directory.path());
    let second = SledEngine::open(directory.path(), 8 << 20);
    assert!(matches!(second.map(|_| ()), Err(Error::InUse)));
    drop(engine);
    open_sled(directory.path());
}

#[test]
fn one_disk_flush_serves_all_commits_before_it() {
    for (_, open) in ENGINES {
        let directory = tempfile::tempdir().unwrap();
        let engine = open(directory.path());
        let tickets: Vec<Ticket> = (0u8..20).map(|n| engine.commit(Batch { writes: vec![(vec![1, n], Some(vec![n]))] }).unwrap()).collect();
        assert!(tickets.is_sorted());
        std::thread::scope(|scope| {
            for ticket in &tickets {
                scope.spawn(|| engine.wait(*ticket).unwrap());
            }
        });
    }
}

#[test]
fn after_the_disk_failed_once_nothing_is_acknowledged_any_more() {
    let directory = tempfile::tempdir().unwrap();
    let engine = open_sled(directory.path());
    let put = |byte: u8| engine.commit(Batch { writes: vec![(vec![byte], Some(vec![byte]))] });
    engine.wait(put(1).unwrap()).unwrap();
    let unsynced = put(2).unwrap();
    // Listing this directory is part of making a commit durable.
    let blobs = directory.path().join("blobs");
    std::fs::rename(&blobs, directory.path().join("elsewhere")).unwrap();
    assert!(engine.wait(unsynced).is_err());
    std::fs::rename(directory.path().join("elsewhere"), &blobs).unwrap();
    assert!(engine.wait(unsynced).is_err(), "the disk works again, but what it holds is not known");
    assert!(put(3).is_err());
    assert!(engine.close().is_err());
    assert_eq!(engine.get(&[1]).unwrap(), Some(vec![1]), "reading goes on");
    drop(engine);
    let engine = open_sled(directory.path());
    assert_eq!(engine.get(&[1]).unwrap(), Some(vec![1]));
    engine.wait(engine.commit(Batch { writes: vec![(vec![3], Some(vec![3]))] }).unwrap()).unwrap();
}
