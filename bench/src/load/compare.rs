//! The comparison: every server is asked the same, in turn, round after round, and what each answer cost is set side by side.

use crate::ask::{Ask, Check, Step};
use crate::calendar::Calendar;
use crate::measure::{Round, Until, run};
use crate::process::{self, Memory};
use crate::server::Server;
use crate::wire::Connection;
use crate::workload::{self, Kind, Plan, Work, Workload};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// A server that takes so long for one answer is asked by one connection.
const SLOW_SECONDS: f64 = 0.7;

/// What is measured, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) rounds: usize,
    pub(crate) time: Duration,
    pub(crate) connections: Vec<usize>,
    pub(crate) workloads: Vec<Workload>,
}

/// One server under one workload.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) server: String,
    /// As many as were wished for, or one where a single answer takes long.
    pub(crate) connections: usize,
    pub(crate) rounds: Vec<Round>,
    pub(crate) memory: Memory,
    pub(crate) disk_bytes: u64,
    /// Why it was not measured.
    pub(crate) refused: Option<String>,
}

/// One row of the table: all servers under one workload.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) workload: Workload,
    pub(crate) connections: usize,
    pub(crate) items: f64,
    pub(crate) cells: Vec<Cell>,
}

impl Cell {
    /// The middle of what the rounds say.
    pub(crate) fn median(&self, of: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(of).collect())
    }

    /// How far the rounds are apart, as a part of their median.
    pub(crate) fn spread(&self, of: impl Fn(&Round) -> f64) -> f64 {
        let all: Vec<f64> = self.rounds.iter().map(&of).collect();
        let (least, most) = all.iter().fold((f64::MAX, 0.0_f64), |(least, most), &one| (least.min(one), most.max(one)));
        if all.is_empty() { 0.0 } else { (most - least) / median(all).max(f64::EPSILON) }
    }

    pub(crate) fn wrong(&self) -> u64 {
        self.rounds.iter().map(|round| round.wrong).sum()
    }

    /// How many times another server's figure is this one's, round by round.
    pub(crate) fn ratio(&self, other: &Self, of: impl Fn(&Round) -> f64) -> Option<f64> {
        if self.refused.is_some() || other.refused.is_some() {
            return None;
        }
        let ratios = self.rounds.iter().zip(&other.rounds).map(|(ours, theirs)| of(theirs) / of(ours).max(f64::EPSILON));
        Some(median(ratios.collect()))
    }
}

pub(crate) fn median(mut all: Vec<f64>) -> f64 {
    all.sort_unstable_by(f64::total_cmp);
    let (low, high) = (all.get(all.len().saturating_sub(1) / 2), all.get(all.len() / 2));
    low.zip(high).map_or(0.0, |(low, high)| f64::midpoint(*low, *high))
}

/// Asks all servers all workloads; the first server is the one that is compared, and whose answers the bare one gives.
pub(crate) async fn compare(settings: &Settings, servers: &[Server], run_number: u64, mut tell: impl FnMut(&Row)) -> Vec<Row> {
    // What changes a calendar and changes it back is prepared before what looks at it.
    let mut order: Vec<&Workload> = settings.workloads.iter().collect();
    order.sort_by_key(|workload| !matches!(workload.kind, Kind::SyncChanges));
    let mut plans: BTreeMap<(String, usize), Result<Rc<Plan>, String>> = BTreeMap::new();
    for workload in &order {
        for (number, server) in servers.iter().enumerate() {
            let plan = match (server.view(workload.level), plans.get(&(workload.name.clone(), 0)), servers.first()) {
                (_, Some(Ok(first)), Some(ours)) if server.disk.is_none() && server.process.is_some() => {
                    bare_plan(workload, first, ours, server).await.map(Rc::new)
                }
                (Some(target), ..) => workload::plan(workload, target, run_number).await.map(Rc::new),
                (None, ..) => Err("has no such view".to_owned()),
            };
            plans.insert((workload.name.clone(), number), plan);
        }
    }
    let mut rows = Vec::new();
    // Writes come last, when nobody looks any more.
    for is_write in [false, true] {
        for &connections in &settings.connections {
            for workload in settings.workloads.iter().filter(|workload| workload.kind.is_write() == is_write) {
                let row = measure(settings, workload, connections, servers, &plans).await;
                tell(&row);
                rows.push(row);
            }
        }
    }
    rows
}

async fn measure(
    settings: &Settings,
    workload: &Workload,
    connections: usize,
    servers: &[Server],
    plans: &BTreeMap<(String, usize), Result<Rc<Plan>, String>>,
) -> Row {
    let plan = |number: usize| match plans.get(&(workload.name.clone(), number)) {
        Some(Ok(plan)) => Ok(Rc::clone(plan)),
        Some(Err(words)) => Err(words.clone()),
        None => Err("not planned".to_owned()),
    };
    let mut cells: Vec<Cell> = servers
        .iter()
        .enumerate()
        .map(|(number, server)| Cell {
            server: server.name.clone(),
            connections,
            rounds: Vec::new(),
            memory: Memory::default(),
            disk_bytes: 0,
            refused: plan(number).err(),
        })
        .collect();
    for server in servers {
        process::reset_peak(server.id());
    }
    for round in 0..=settings.rounds {
        for (number, (server, cell)) in servers.iter().zip(&mut cells).enumerate() {
            let Ok(plan) = plan(number) else { continue };
            if cell.refused.is_some() {
                continue;
            }
            // The first is to warm up, and shows whether the server can do this at all.
            let until = if round == 0 { Until::Done(1) } else { Until::Elapsed(settings.time) };
            let at_once = if round == 0 { 1 } else { cell.connections };
            let came = run(server.owner.address, server.id(), &plan, at_once, until).await;
            if round == 0 && came.seconds > SLOW_SECONDS {
                // It would be waited for by all connections in turn, and its cost is the same.
                cell.connections = 1;
            }
            if came.answers == 0 || (round == 0 && came.wrong > 0) {
                cell.refused = Some(came.told.first().cloned().unwrap_or_default());
            } else if round > 0 {
                cell.rounds.push(came);
            }
        }
    }
    for (server, cell) in servers.iter().zip(&mut cells) {
        cell.memory = process::memory(server.id());
        cell.disk_bytes = server.disk.as_deref().map_or(0, process::disk_bytes);
    }
    Row { workload: workload.clone(), connections, items: plan(0).map_or(1.0, |plan| plan.items), cells }
}

/// The same questions to the bare server, which gets to know the answers of the first one.
pub(crate) async fn bare_plan(workload: &Workload, first: &Plan, ours: &Server, bare: &Server) -> Result<Plan, String> {
    let asks = match (&first.work, ours.view(workload.level)) {
        (Work::Asks(asks), Some(_)) => asks,
        // It says 201 to every write.
        _ => {
            let target = crate::target::Target { address: bare.owner.address, ..ours.owner.clone() };
            return workload::plan(workload, &target, 0).await;
        }
    };
    let (mut asking, mut telling) = (Connection::new(ours.owner.address), Connection::new(bare.owner.address));
    let mut all: Vec<Rc<Ask>> = Vec::new();
    for (number, ask) in asks.iter().enumerate() {
        let mut steps = Vec::new();
        for (nth, step) in ask.iter().enumerate() {
            let answer = asking.ask(&step.bytes).await.map_err(|error| error.to_string())?;
            let path = format!("/{}/{number}/{nth}", workload.name);
            let head = format!(
                "PUT {path} HTTP/1.1\r\nHost: bare\r\nAnswer-Status: {}\r\nContent-Length: {}\r\n\r\n",
                answer.status,
                answer.body.len()
            );
            let told = telling.ask(&[head.as_bytes(), answer.body].concat()).await.map_err(|error| error.to_string())?;
            if told.status != 201 {
                return Err(format!("it said {}", told.status));
            }
            steps.push(Step::new(elsewhere(&step.bytes, &path), &[200, 207], Check::Same(Rc::new(answer.body.to_vec()))));
        }
        all.push(Rc::new(steps));
    }
    Ok(Plan { work: Work::Asks(all), items: first.items })
}

/// The same request for another path.
fn elsewhere(request: &[u8], path: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(request);
    let mut words = text.splitn(3, ' ');
    let (method, _, rest) = (words.next().unwrap_or_default(), words.next(), words.next().unwrap_or_default());
    format!("{method} {path} {rest}").into_bytes()
}

/// The calendars that the workloads need.
pub(crate) fn calendars(workloads: &[Workload], sizes: &[u32]) -> BTreeMap<String, Calendar> {
    workload::calendars(workloads, sizes.last().copied().unwrap_or(1_000))
}
