//! More than a server can do: requests arrive at four times the rate that it can answer, and nobody waits for the one before.
//! What is answered in time counts; the rest has to be told 503 and when to come back. And neighbours who mean no good.

use crate::ask::Step;
use crate::measure::{Until, run};
use crate::process;
use crate::say;
use crate::server::{Crowd, Server, Shoji};
use crate::wire::Connection;
use crate::workload::{self, Plan, Work, Workload};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::{Duration, Instant};

mod neighbours;

/// Requests under way at most, each on a connection of its own: as many as come in three times as long as anybody waits.
const UNDER_WAY_MAX: usize = 9_000;
/// Files that are open besides connections.
const FILES_BESIDES: u64 = 1_000;
/// Whoever waits longer for a turn is told so; and so many connections are taken.
const CROWD: Crowd = Crowd { wait_seconds: 1, connections_max: 10_000 };
/// Events of the calendar that is asked about.
const EVENTS: u32 = 10_000;
/// Connections at which the server answers as much as it can.
const PEAK_CONNECTIONS: usize = 16;

/// What became of requests.
#[derive(Debug, Default)]
struct Fate {
    right: Cell<u64>,
    refused: Cell<u64>,
    /// 503 that does not say when to come back.
    silent: Cell<u64>,
    unsent: Cell<u64>,
    broken: Cell<u64>,
    wrong: RefCell<Vec<String>>,
}

fn one_more(count: &Cell<u64>) {
    count.set(count.get() + 1);
}

/// Both runs; whether every answer was right or a proper refusal.
///
/// # Errors
/// The server does not start or stop.
pub(crate) async fn overload(shoji: &Shoji, seconds: f64) -> Result<bool, String> {
    raise_limit_of_files()?;
    let table = workload::table(&[EVENTS]);
    let named = |name: &str| table.iter().find(|one| one.name == name).cloned().ok_or_else(|| format!("no workload {name}"));
    // A month's free-busy costs the server much and whoever asks little.
    let (costly, get) = (named("free-busy-month")?, named("get")?);
    let calendars = workload::calendars(&[costly.clone(), get.clone()], EVENTS);
    let shoji = Shoji { crowd: Some(CROWD), ..shoji.clone() };
    let mut server = shoji.start("shoji", &calendars, &BTreeSet::from([neighbours::LEVEL])).await?;
    let time = Duration::from_secs_f64(seconds);
    let flooded = flood(&server, &plan(&costly, &server).await?, time).await;
    let beside = neighbours::neighbours(&server, &get, &shoji.directory, time).await?;
    if let Some(process) = server.process.take() {
        process.stop()?;
    }
    shoji.run(&["check"])?;
    Ok(flooded && beside)
}

/// Connections are open files, here and in the server, which is started with the limit of this program.
fn raise_limit_of_files() -> Result<(), String> {
    let wanted = UNDER_WAY_MAX as u64 + FILES_BESIDES;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let current = Some(limit.maximum.map_or(wanted, |maximum| maximum.min(wanted)));
    setrlimit(Resource::Nofile, Rlimit { current, ..limit }).map_err(|error| error.to_string())
}

async fn plan(workload: &Workload, server: &Server) -> Result<Rc<Plan>, String> {
    debug_assert!(!workload.kind.is_write());
    Ok(Rc::new(workload::plan(workload, &server.owner, 0).await?))
}

fn steps(plan: &Plan) -> Vec<&Step> {
    match &plan.work {
        Work::Asks(asks) => asks.iter().flat_map(|ask| ask.iter()).collect(),
        Work::Writes(_) => Vec::new(),
    }
}

/// Four times as much as the server can do.
async fn flood(server: &Server, plan: &Rc<Plan>, time: Duration) -> bool {
    let address = server.owner.address;
    // Views are made at the first look: that is no peak.
    let _warm = run(address, server.id(), plan, PEAK_CONNECTIONS, Until::Elapsed(time)).await;
    let peak = run(address, server.id(), plan, PEAK_CONNECTIONS, Until::Elapsed(time)).await;
    let rate = peak.rate() * 4.0;
    say(&format!("peak: {:.0}/s right answers at {PEAK_CONNECTIONS} connections, p99 {:.0} ms", peak.rate(), peak.percentile(99)));
    let fate = Rc::new(Fate::default());
    let cpu_before = process::cpu_seconds(server.id());
    let idle: Rc<RefCell<Vec<Connection>>> = Rc::default();
    let (under_way, started) = (Rc::new(Cell::new(0)), Instant::now());
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            let mut sent = 0_u64;
            while started.elapsed() < time {
                while (sent as f64) < started.elapsed().as_secs_f64() * rate {
                    sent += 1;
                    if under_way.get() >= UNDER_WAY_MAX {
                        one_more(&fate.unsent);
                        continue;
                    }
                    under_way.set(under_way.get() + 1);
                    let (fate, idle, under_way, plan) = (Rc::clone(&fate), Rc::clone(&idle), Rc::clone(&under_way), Rc::clone(plan));
                    tokio::task::spawn_local(async move {
                        let kept = idle.borrow_mut().pop();
                        let mut connection = kept.unwrap_or_else(|| Connection::new(address));
                        once(&mut connection, &plan, sent, &fate).await;
                        idle.borrow_mut().push(connection);
                        under_way.set(under_way.get() - 1);
                    });
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
    let goodput = fate.right.get() as f64 / started.elapsed().as_secs_f64();
    // Elsewhere those who ask have processors of their own; here they take them from the server.
    let (peak_worth, worth) =
        (peak.answers as f64 / peak.cpu_seconds, fate.right.get() as f64 / (process::cpu_seconds(server.id()) - cpu_before));
    // Whoever still waits gets an answer too.
    local.await;
    say(&format!(
        "4 times that, {rate:.0}/s: {goodput:.0}/s right answers, {:.0} % of the peak; {} told 503 with Retry-After, {} without, {} not sent \
         as {UNDER_WAY_MAX} were under way, {} broken off, {} wrong",
        100.0 * goodput / peak.rate().max(f64::EPSILON),
        fate.refused.get(),
        fate.silent.get(),
        fate.unsent.get(),
        fate.broken.get(),
        fate.wrong.borrow().len(),
    ));
    say(&format!(
        "of a second of the server's processor time: {peak_worth:.0} right answers at the peak, {worth:.0} in the flood, {:.0} %",
        100.0 * worth / peak_worth
    ));
    for words in fate.wrong.borrow().iter().take(3) {
        say(&format!("WRONG: {words}"));
    }
    peak.wrong == 0 && fate.wrong.borrow().is_empty() && fate.silent.get() == 0
}

async fn once(connection: &mut Connection, plan: &Plan, number: u64, fate: &Fate) {
    let steps = steps(plan);
    let Some(step) = steps.get(usize::try_from(number).unwrap_or(0) % steps.len().max(1)) else { return };
    match connection.ask(&step.bytes).await {
        Ok(answer) if answer.status == 503 => one_more(if answer.field("retry-after").is_some() { &fate.refused } else { &fate.silent }),
        Ok(answer) => match step.verify(&answer) {
            Ok(()) => one_more(&fate.right),
            Err(words) => fate.wrong.borrow_mut().push(words),
        },
        Err(_) => one_more(&fate.broken),
    }
}
