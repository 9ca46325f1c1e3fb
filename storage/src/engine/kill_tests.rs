//! The process is killed while it writes. What was acknowledged is there, every batch whole or not at all. And the same
//! test notices an engine that acknowledges without making anything durable: it can fail.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking, and its child speaks by printing")]

use super::{Batch, Engine, EngineKind, KeyRange};
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const DIRECTORY: &str = "STORAGE_KILL_ENGINE_DIRECTORY";
const KIND: &str = "STORAGE_KILL_ENGINE_KIND";
const SABOTEUR: &str = "STORAGE_KILL_ENGINE_SABOTEUR";
const THREADS: u8 = 16;
/// A child lives until it has acknowledged so many batches.
const ACKNOWLEDGEMENTS_MIN: usize = 40;
/// Keys of one batch.
const WIDTH: u8 = 5;

/// Not a test of its own: what the killed process runs.
#[test]
fn killed_child() {
    let Some(directory) = std::env::var_os(DIRECTORY) else {
        return;
    };
    let waits = std::env::var_os(SABOTEUR).is_none();
    let kind = EngineKind::by_name(&std::env::var(KIND).unwrap()).unwrap();
    let engine = kind.open(Path::new(&directory), 8 << 20).unwrap();
    let engine = engine.as_ref();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                let start = last_number(engine, thread).map_or(0, |number| number + 1);
                for number in start.. {
                    // Some values are divided, some are not.
                    let size = if number % 7 == 0 { 20_000 } else { 200 };
                    let writes = (0..WIDTH).map(|part| (vec![1, thread, part], Some(vec_of(number, size)))).collect();
                    let ticket = engine.commit(Batch { writes }).unwrap();
                    if waits {
                        engine.wait(ticket).unwrap();
                    }
                    // One write call a line, so that a line is never torn by the kill.
                    std::io::stdout().write_all(format!("ack {thread} {number}\n").as_bytes()).unwrap();
                    std::io::stdout().flush().unwrap();
                }
            });
        }
    });
}

fn vec_of(number: u64, size: usize) -> Vec<u8> {
    number.to_be_bytes().iter().copied().cycle().take(size).collect()
}

fn last_number(engine: &dyn Engine, thread: u8) -> Option<u64> {
    engine.get(&[1, thread, 0]).unwrap().map(|value| u64::from_be_bytes(*value.first_chunk::<8>().unwrap()))
}

/// Runs the child for `life` and kills it; the highest acknowledged number of each thread.
fn run_and_kill(kind: EngineKind, directory: &Path, saboteur: bool, life: Duration) -> Vec<Option<u64>> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "engine::kill_tests::killed_child", "--nocapture"]).env(DIRECTORY, directory).env(KIND, kind.name());
    if saboteur {
        command.env(SABOTEUR, "1");
    }
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = vec![None; usize::from(THREADS)];
    let mut read = |line: &str| {
        let mut words = line.split(' ').skip_while(|word| *word != "ack").skip(1);
        let thread = words.next().and_then(|word| word.parse::<usize>().ok());
        let number = words.next().and_then(|word| word.parse::<u64>().ok());
        if let Some((slot, number)) = thread.and_then(|thread| acknowledged.get_mut(thread)).zip(number) {
            *slot = (*slot).max(Some(number));
        }
    };
    // The clock runs from the first acknowledgement.
    for line in lines.by_ref() {
        let line = line.unwrap();
        read(&line);
        if line.contains("ack ") {
            break;
        }
    }
    let (deadline, mut heard) = (Instant::now() + life, 0);
    for line in lines.by_ref() {
        read(&line.unwrap());
        heard += 1;
        // On a busy machine little happens in so short a life.
        if Instant::now() >= deadline && heard >= ACKNOWLEDGEMENTS_MIN {
            break;
        }
    }
    child.kill().unwrap();
    // What it still managed to say was said before it died.
    for line in lines.map_while(Result::ok) {
        read(&line);
    }
    child.wait().unwrap();
    acknowledged
}

/// How many threads lost an acknowledged batch; a half-written batch or a fault of the engine fails at once.
fn losses(kind: EngineKind, directory: &Path, acknowledged: &[Option<u64>]) -> usize {
    let engine = kind.open(directory, 8 << 20).unwrap();
    assert_eq!(engine.verify().unwrap(), Vec::<String>::new());
    let mut lost = 0;
    for (thread, acknowledged) in (0..THREADS).zip(acknowledged) {
        let mut numbers = Vec::new();
        engine
            .scan(&KeyRange::prefix(&[1, thread]), &mut |_, value| {
                let number = u64::from_be_bytes(*value.first_chunk::<8>().unwrap());
                assert_eq!(value, vec_of(number, value.len()), "a torn value");
                numbers.push(number);
                Ok(ControlFlow::Continue(()))
            })
            .unwrap();
        assert!(numbers.is_empty() || numbers.len() == usize::from(WIDTH), "half a batch");
        assert!(numbers.iter().all(|number| Some(number) == numbers.first()), "half a batch");
        if numbers.first().copied() < *acknowledged {
            lost += 1;
        }
    }
    engine.close().unwrap();
    lost
}

fn keeps_what_it_acknowledged(kind: EngineKind) {
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged_all = 0;
    for round in 0u64..5 {
        let life = Duration::from_millis(50 + (round * 137) % 300);
        let acknowledged = run_and_kill(kind, directory.path(), false, life);
        acknowledged_all = acknowledged.iter().flatten().sum::<u64>();
        assert_eq!(losses(kind, directory.path(), &acknowledged), 0);
    }
    println!("{kind}: {acknowledged_all} acknowledged batches");
    assert!(acknowledged_all > 0);
}

#[test]
fn sled_killed_keeps_what_it_acknowledged_and_no_half_batch() {
    keeps_what_it_acknowledged(EngineKind::Sled);
}

#[test]
fn redb_killed_keeps_what_it_acknowledged_and_no_half_batch() {
    keeps_what_it_acknowledged(EngineKind::Redb);
}

#[test]
fn an_engine_that_acknowledges_too_early_is_caught() {
    for kind in EngineKind::ALL {
        let directory = tempfile::tempdir().unwrap();
        let mut kills = (0..10).map(|_| {
            let acknowledged = run_and_kill(kind, directory.path(), true, Duration::from_millis(60));
            losses(kind, directory.path(), &acknowledged)
        });
        assert!(kills.any(|lost| lost > 0), "{kind}: ten kills without any wait for the disk lost nothing: the test cannot see a loss");
    }
}
