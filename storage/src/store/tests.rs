//! The gate has everybody's turn, and a store stands on the engine it was made with.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails by panicking")]

use super::{Directory, Options, Place, Store};
use crate::engine::EngineKind;
use crate::engine::memory::MemoryEngine;
use crate::error::Error;
use crate::keys;
use crate::read::Read;
use crate::{Environment, Limits};
use chrono::Utc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

fn options(engine: Option<EngineKind>) -> Options {
    let drawn = AtomicU64::new(0);
    let entropy = Arc::new(move |bytes: &mut [u8]| {
        blake3::Hasher::new().update(&drawn.fetch_add(1, Ordering::Relaxed).to_be_bytes()).finalize_xof().fill(bytes);
    });
    let environment = Environment { clock: Arc::new(|| chrono::DateTime::<Utc>::UNIX_EPOCH), entropy };
    Options { environment, limits: Limits::default(), directory: Directory::default(), engine }
}

/// Sixteen writers follow each other without pause until every reader had his turns: behind a gate that lets in whoever comes
/// by, readers wait for seconds each.
#[test]
fn readers_have_their_turns_while_writers_never_pause() {
    const WRITERS: u8 = 16;
    const READERS: usize = 4;
    const TURNS: usize = 10;
    let store = Store::with_engine(Arc::new(MemoryEngine::default()), options(None)).unwrap();
    let (reading, written) = (AtomicUsize::new(READERS), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (store, reading, written) = (&store, &reading, &written);
            scope.spawn(move || {
                while reading.load(Ordering::Acquire) > 0 {
                    store
                        .write::<(), Error>(|snapshot| {
                            // As long as a large write takes: the others all queue meanwhile.
                            std::thread::sleep(std::time::Duration::from_millis(1));
                            let mut transaction = snapshot.begin();
                            transaction.put([keys::FORMAT, &[writer]].concat(), vec![writer; 100]);
                            snapshot.commit(transaction)
                        })
                        .unwrap();
                    written.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for _ in 0..READERS {
            scope.spawn(|| {
                for _ in 0..TURNS {
                    assert!(store.read::<_, Error>(|snapshot| snapshot.get(keys::FORMAT)).unwrap().is_some());
                }
                reading.fetch_sub(1, Ordering::Release);
            });
        }
    });
    let (turns, written) = (READERS * TURNS, written.into_inner());
    println!("{turns} turns among {written} writes");
    // Each turn waits for each writer about once; behind a gate that is not fair it was for 170 writes and more.
    assert!(written < turns * usize::from(WRITERS) * 2, "{turns} turns waited for {written} writes");
}

#[test]
fn a_store_stands_on_the_engine_it_was_made_with() {
    for (made, other) in [(EngineKind::Sled, EngineKind::Redb), (EngineKind::Redb, EngineKind::Sled)] {
        let directory = tempfile::tempdir().unwrap();
        assert!(!Store::exists(directory.path()));
        let store = Store::open(directory.path(), options(Some(made))).unwrap();
        store.close().unwrap();
        drop(store);
        assert!(Store::exists(directory.path()));
        let refused = Store::open(directory.path(), options(Some(other))).map(drop).unwrap_err();
        assert!(matches!(refused, Error::OtherEngine { found, asked } if (found, asked) == (made, other)));
        assert!(refused.to_string().contains(&format!("`shoji migrate --engine {other}`")), "{refused}");
        // Where nothing is asked for, what is there decides, and not what a new store would be made with.
        Store::open(directory.path(), options(None)).unwrap().close().unwrap();
        assert_eq!(EngineKind::of_files(&Place::new(directory.path()).store()).unwrap(), Some(made));
    }
}

#[test]
fn a_new_store_stands_on_the_default() {
    let directory = tempfile::tempdir().unwrap();
    Store::open(directory.path(), options(None)).unwrap().close().unwrap();
    assert_eq!(EngineKind::of_files(&Place::new(directory.path()).store()).unwrap(), Some(EngineKind::DEFAULT));
}

#[test]
fn of_the_files_of_two_engines_none_is_guessed_to_be_the_store() {
    let directory = tempfile::tempdir().unwrap();
    for kind in EngineKind::ALL {
        kind.open(&Place::new(directory.path()).store(), 1 << 20).unwrap().close().unwrap();
    }
    assert!(Store::exists(directory.path()), "it is not begun anew");
    let refused = Store::open(directory.path(), options(None)).map(drop).unwrap_err();
    assert!(refused.to_string().contains("the files of two engines"), "{refused}");
}

/// What a disk or a hand may do to the files of a closed store: it is told, and nobody panics.
#[test]
fn damaged_files_are_told_and_not_begun_anew() {
    let directory = tempfile::tempdir().unwrap();
    let open = || Store::open(directory.path(), options(Some(EngineKind::Redb))).map(drop);
    open().unwrap();
    let path = Place::new(directory.path()).store().join("shoji.redb");
    let whole = std::fs::read(&path).unwrap();
    for damaged in [Vec::new(), b"not a database".to_vec(), whole.get(..300).unwrap().to_vec(), vec![0; whole.len()]] {
        std::fs::write(&path, &damaged).unwrap();
        assert!(matches!(open(), Err(Error::Corrupted(_))), "{} bytes", damaged.len());
    }
    // Any one page, overwritten: told at once, or by the check, or not in use.
    let (mut told, mut unused) = (0, 0);
    for page in 1..whole.len() / 4_096 {
        let mut damaged = whole.clone();
        damaged.get_mut(page * 4_096..(page + 1) * 4_096).unwrap().fill(0xa5);
        std::fs::write(&path, &damaged).unwrap();
        let opened = Store::open(directory.path(), options(Some(EngineKind::Redb)));
        match opened.and_then(|store| store.administration().check(&mut |_, _| {})) {
            Ok(faults) if faults.is_empty() => unused += 1,
            Ok(_) | Err(Error::Corrupted(_)) => told += 1,
            Err(other) => panic!("{other}"),
        }
    }
    println!("{told} damaged pages told of, {unused} not in use");
    assert!(told > 2, "only {told}");
}
