//! More than a server can do: requests arrive at four times the rate that it can answer, and nobody waits for the one before.
//! What is answered in time counts; the rest has to be told 503 and when to come back. And neighbours who mean no good.

use crate::ask::Step;
use crate::calendar::Calendar;
use crate::measure::{Round, Until, run};
use crate::say;
use crate::server::{Server, Shoji};
use crate::target::{Target, basic};
use crate::wire::Connection;
use crate::workload::{self, Plan, Work, Workload};
use bench::chance::Chance;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Requests under way at most: beyond, the machine has no connections to open.
const UNDER_WAY_MAX: usize = 900;
/// Whoever waits longer for a turn is told so.
const WAIT_SECONDS: &str = "2";
/// Connections at which the server answers as much as it can.
const PEAK_CONNECTIONS: usize = 16;
/// Connections of those who mean no good, and of those who live beside them.
const HOSTILE: usize = 48;
const NEIGHBOURS: usize = 8;

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
    let size = 1_000;
    let table = workload::table(&[size]);
    let named = |name: &str| table.iter().find(|one| one.name == name).cloned().ok_or_else(|| format!("no workload {name}"));
    let (query, get) = (named("query-week")?, named("get")?);
    let calendars = BTreeMap::from([(format!("c{size}"), Calendar::new(workload::SEED, size))]);
    let shoji = Shoji { wait_seconds: Some(WAIT_SECONDS), ..shoji.clone() };
    let mut server = shoji.start("shoji", &calendars, &BTreeSet::new()).await?;
    let time = Duration::from_secs_f64(seconds);
    let flooded = flood(&server, &plan(&query, &server).await?, time).await;
    let beside = neighbours(&server, &plan(&get, &server).await?, &plan(&query, &server).await?, time).await;
    if let Some(process) = server.process.take() {
        process.stop()?;
    }
    shoji.run(&["check"])?;
    Ok(flooded && beside)
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
    let peak = run(address, server.id(), plan, PEAK_CONNECTIONS, Until::Elapsed(time)).await;
    let rate = peak.rate() * 4.0;
    say(&format!("peak: {:.0}/s right answers at {PEAK_CONNECTIONS} connections, p99 {:.0} ms", peak.rate(), peak.percentile(99)));
    let fate = Rc::new(Fate::default());
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

/// How long people wait, alone and beside others who ask for as much as they can.
async fn neighbours(server: &Server, gets: &Rc<Plan>, queries: &Rc<Plan>, time: Duration) -> bool {
    let alone = calm(server, gets, time).await;
    let over = Rc::new(Cell::new(false));
    let local = tokio::task::LocalSet::new();
    let beside = local
        .run_until(async {
            let mut all = Vec::new();
            for number in 0..HOSTILE {
                let (target, queries, over) = (server.owner.clone(), Rc::clone(queries), Rc::clone(&over));
                let mallory = server.view(Some("free-busy")).cloned().unwrap_or_else(|| target.clone());
                all.push(tokio::task::spawn_local(hostile(target, mallory, queries, number, over)));
            }
            let beside = calm(server, gets, time).await;
            over.set(true);
            for one in all {
                // They count for nothing.
                let _ended = one.await;
            }
            beside
        })
        .await;
    let (before, after) = (alone.percentile(99), beside.percentile(99));
    say(&format!(
        "neighbours: GET by {NEIGHBOURS} calm connections, p50 {:.1} ms and p99 {before:.1} ms alone; beside {HOSTILE} hostile ones p50 {:.1} ms, p99 \
         {after:.1} ms, {:.1} times; {} wrong",
        alone.percentile(50),
        beside.percentile(50),
        after / before.max(f64::EPSILON),
        alone.wrong + beside.wrong,
    ));
    alone.wrong + beside.wrong == 0
}

/// People who ask now and then.
async fn calm(server: &Server, gets: &Rc<Plan>, time: Duration) -> Round {
    let round = Rc::new(RefCell::new(Round::default()));
    let (started, local) = (Instant::now(), tokio::task::LocalSet::new());
    for number in 0..NEIGHBOURS {
        let (round, gets, address) = (Rc::clone(&round), Rc::clone(gets), server.owner.address);
        local.spawn_local(async move {
            let (mut connection, mut chance) = (Connection::new(address), Chance::new(number as u64, "calm"));
            let steps = steps(&gets);
            while started.elapsed() < time {
                let Some(step) = steps.get(usize::try_from(chance.below(steps.len() as u64)).unwrap_or(0)) else { return };
                let before = Instant::now();
                let right = connection.ask(&step.bytes).await.is_ok_and(|answer| step.verify(&answer).is_ok());
                {
                    let mut round = round.borrow_mut();
                    round.latencies.push(before.elapsed());
                    *(if right { &mut round.answers } else { &mut round.wrong }) += 1;
                }
                tokio::time::sleep(Duration::from_millis(5 + chance.below(20))).await;
            }
        });
    }
    local.await;
    let mut round = round.take();
    round.latencies.sort_unstable();
    round
}

/// Asks as a grantee for what costs much, with wrong passwords, and for what does not exist, without a pause.
async fn hostile(owner: Target, mallory: Target, queries: Rc<Plan>, number: usize, over: Rc<Cell<bool>>) {
    let mut connection = Connection::new(owner.address);
    let home = mallory.calendars.values().next().map_or_else(|| mallory.home.clone(), |shown| shown.path.clone());
    let stranger = Target { authorization: basic(&format!("nobody{number}"), "wrong"), ..owner.clone() };
    let window = crate::window::Window { start: 0, end: 4_000_000_000 };
    let all = mallory.query(&home, window, crate::target::WindowEnd::Closed, "<D:getetag/><C:calendar-data/>");
    let requests = [all, mallory.sync(&home, ""), stranger.plain("GET", &owner.home), mallory.free_busy(&home, window)];
    let mut turn = number;
    while !over.get() {
        if let Some(request) = requests.get(turn % requests.len()) {
            // Whatever they get, they go on.
            let _answered = connection.ask(request).await.map(|answer| answer.status);
        }
        turn += usize::from(!steps(&queries).is_empty());
        tokio::task::yield_now().await;
    }
}
