//! Asks over and over on some connections, and counts what came of it.

use crate::ask::Ask;
use crate::process;
use crate::wire::Connection;
use crate::workload::{Plan, Work, Writes};
use bench::chance::Chance;
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Wrong answers that are told word by word.
const TOLD_MAX: usize = 3;
/// A server that answers wrongly so often is not asked any more.
const WRONG_MAX: u64 = 100;

/// When to stop.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Until {
    /// After a time, with what is under way then, and not before each connection had an answer.
    Elapsed(Duration),
    /// After so many pieces of work.
    Done(u64),
}

/// What came of some seconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Round {
    /// Right answers: pieces of work, each of one request or several.
    pub(crate) answers: u64,
    pub(crate) wrong: u64,
    pub(crate) seconds: f64,
    /// Of the server, its children and threads.
    pub(crate) cpu_seconds: f64,
    /// Of bodies.
    pub(crate) bytes: u64,
    /// In order.
    pub(crate) latencies: Vec<Duration>,
    /// What some wrong answers were.
    pub(crate) told: Vec<String>,
}

impl Round {
    pub(crate) fn rate(&self) -> f64 {
        self.answers as f64 / self.seconds.max(f64::EPSILON)
    }

    /// Server CPU of one answer, in microseconds.
    pub(crate) fn cpu_micros(&self) -> f64 {
        self.cpu_seconds * 1e6 / self.answers.max(1) as f64
    }

    /// The latency that so many of a hundred answers had at most, in milliseconds.
    pub(crate) fn percentile(&self, hundredths: usize) -> f64 {
        let at = (self.latencies.len() * hundredths / 100).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(at).map_or(0.0, |latency| latency.as_secs_f64() * 1e3)
    }
}

/// What all connections share.
struct Shared {
    plan: Rc<Plan>,
    round: RefCell<Round>,
    begun: Cell<u64>,
    started: Instant,
    until: Until,
}

/// Asks what is planned on so many connections.
pub(crate) async fn run(address: SocketAddr, process: u32, plan: &Rc<Plan>, connections: usize, until: Until) -> Round {
    let cpu_before = process::cpu_seconds(process);
    let shared = Rc::new(Shared { plan: Rc::clone(plan), round: RefCell::default(), begun: Cell::new(0), started: Instant::now(), until });
    let local = tokio::task::LocalSet::new();
    for number in 0..connections {
        local.spawn_local(work(Rc::clone(&shared), Connection::new(address), number));
    }
    local.await;
    let mut round = shared.round.take();
    round.seconds = shared.started.elapsed().as_secs_f64();
    round.cpu_seconds = process::cpu_seconds(process) - cpu_before;
    round.latencies.sort_unstable();
    round
}

/// What one connection does.
async fn work(shared: Rc<Shared>, mut connection: Connection, number: usize) {
    let mut chance = Chance::new(number as u64, "connection");
    let mut answers = 0;
    loop {
        let is_over = match shared.until {
            Until::Elapsed(time) => answers > 0 && shared.started.elapsed() >= time,
            Until::Done(count) => shared.begun.get() >= count,
        };
        if is_over || shared.round.borrow().wrong > WRONG_MAX {
            return;
        }
        shared.begun.set(shared.begun.get() + 1);
        let before = Instant::now();
        let outcome = match &shared.plan.work {
            Work::Asks(asks) => match asks.get(usize::try_from(chance.below(asks.len() as u64)).unwrap_or(0)) {
                Some(ask) => all(&mut connection, ask).await,
                None => Err("nothing to ask".to_owned()),
            },
            Work::Writes(writes) => write(&mut connection, writes).await,
        };
        let latency = before.elapsed();
        let mut round = shared.round.borrow_mut();
        answers += 1;
        match outcome {
            Ok(bytes) => {
                round.answers += 1;
                round.bytes += bytes;
                round.latencies.push(latency);
            }
            Err(words) => {
                round.wrong += 1;
                if round.told.len() < TOLD_MAX {
                    round.told.push(words);
                }
            }
        }
    }
}

/// Asks everything of one piece of work.
async fn all(connection: &mut Connection, ask: &Ask) -> Result<u64, String> {
    let mut bytes = 0;
    for step in ask {
        let answer = connection.ask(&step.bytes).await.map_err(|error| error.to_string())?;
        step.verify(&answer)?;
        bytes += answer.body.len() as u64;
    }
    Ok(bytes)
}

async fn write(connection: &mut Connection, writes: &Writes) -> Result<u64, String> {
    let request = writes.request();
    let answer = connection.ask(&request).await.map_err(|error| error.to_string())?;
    match answer.status {
        200 | 201 | 204 => Ok(0),
        status => Err(format!("status {status}: {}", answer.text().chars().take(200).collect::<String>())),
    }
}
