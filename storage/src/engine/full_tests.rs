//! The engine meets a disk that takes no more: a process may not let its files grow, as if the disk were full, and goes on until
//! it is refused. Needs no rights: the limit is `ulimit -f`.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails by panicking, and its child speaks by printing")]

use super::{Batch, Engine, EngineKind, KeyRange};
use crate::error::Error;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

const DIRECTORY: &str = "STORAGE_FULL_ENGINE_DIRECTORY";
const ENGINE: &str = "STORAGE_FULL_ENGINE";
/// Keys of one batch.
const WIDTH: u64 = 7;

fn batch(number: u64) -> Batch {
    // Every third replaces earlier ones; some values are divided.
    let place = number % 50;
    let size = |part: u64| if (number + part).is_multiple_of(4) { 30_000 } else { 900 };
    let writes = (0..WIDTH).map(|part| {
        let value: Vec<u8> = number.to_be_bytes().into_iter().cycle().take(size(part)).collect();
        ([&[1][..], &place.to_be_bytes(), &part.to_be_bytes()].concat(), (number % 7 != 6 || part > 2).then_some(value))
    });
    Batch { writes: writes.collect() }
}

type Contents = BTreeMap<Vec<u8>, Vec<u8>>;

/// `None`: sled, which writes its pages anew now and then when they are read, refuses to read.
fn contents(engine: &dyn Engine) -> Option<Contents> {
    let mut found = Contents::new();
    let range = KeyRange::prefix(&[1]);
    let mut visit = |key: &[u8], value: &[u8]| {
        found.insert(key.to_vec(), value.to_vec());
        Ok(ControlFlow::Continue(()))
    };
    match engine.scan(&range, &mut visit) {
        Ok(()) => Some(found),
        Err(Error::DiskFull) => None,
        Err(error) => panic!("{error}"),
    }
}

/// After this many batches.
fn model(batches: u64) -> Contents {
    let mut model = Contents::new();
    for (key, value) in (0..batches).flat_map(|number| batch(number).writes) {
        match value {
            Some(value) => model.insert(key, value),
            None => model.remove(&key),
        };
    }
    model
}

/// Not a test of its own: what runs under the limit.
#[test]
fn limited_child() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let kind = EngineKind::by_name(&std::env::var(ENGINE).unwrap()).unwrap();
    let engine = kind.open(Path::new(&directory), 8 << 20).unwrap();
    let mut acknowledged = 0;
    let (error, committed) = loop {
        match engine.commit(batch(acknowledged)) {
            Err(error) => break (error, acknowledged),
            Ok(ticket) => {
                if let Err(error) = engine.wait(ticket) {
                    break (error, acknowledged + 1);
                }
            }
        }
        acknowledged += 1;
        assert!(acknowledged < 100_000, "the disk is never full");
    };
    assert!(matches!(error, Error::DiskFull), "{error}");
    let shown = contents(engine.as_ref());
    assert!(shown.as_ref().is_none_or(|shown| *shown == model(committed)), "readers see a half of what failed");
    assert!(engine.commit(batch(0)).is_err() && engine.close().is_err());
    println!("\n@{acknowledged} {committed} {}", u8::from(shown.is_some()));
}

#[test]
fn an_engine_that_meets_a_full_disk_keeps_what_it_acknowledged_and_shows_no_half_of_the_rest() {
    let mut halves = 0;
    for (kind, kib) in EngineKind::ALL.into_iter().flat_map(|kind| [1_600, 2_500, 4_000, 5_300].map(|kib| (kind, kib))) {
        let directory = tempfile::tempdir().unwrap();
        // Ignoring the signal of that limit turns it into an error; what is ignored stays so in the program that follows.
        let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", kib * 2);
        let output = Command::new("dash")
            .args(["-c", &script])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "engine::full_tests::limited_child", "--nocapture"])
            .env(DIRECTORY, directory.path())
            .env(ENGINE, kind.name())
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let numbers = said.lines().find_map(|line| line.strip_prefix('@'));
        let numbers = numbers.unwrap_or_else(|| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)));
        let numbers: Vec<u64> = numbers.split(' ').map(|number| number.parse().unwrap()).collect();
        let &[acknowledged, committed, shown] = numbers.as_slice() else { panic!("{numbers:?}") };
        let engine = kind.open(directory.path(), 8 << 20).unwrap();
        assert_eq!(engine.verify().unwrap(), Vec::<String>::new());
        let found = contents(engine.as_ref()).unwrap();
        let there = (acknowledged..=committed.max(acknowledged + 1)).find(|batches| found == model(*batches));
        assert!(there.is_some(), "{acknowledged} batches were acknowledged, and what is there is of no number of them");
        halves += u64::from(committed == acknowledged);
        println!("{kind}, {kib} KiB: {acknowledged} acknowledged, {committed} committed, {there:?} there, {shown} shown");
        engine.wait(engine.commit(batch(acknowledged)).unwrap()).unwrap();
    }
    println!("{halves} commits failed");
}
