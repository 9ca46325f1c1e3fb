//! What the first read costs: after a start, when nothing is remembered, and after a change of the calendar; the owner's, and that of
//! a grantee of each level as a multiple of it. Beside them the same read once more.

use crate::ask::Ask;
use crate::calendar::Calendar;
use crate::compare::median;
use crate::process::{self, Process};
use crate::say;
use crate::server::Shoji;
use crate::target::Target;
use crate::wire::Connection;
use crate::workload::{self, Kind, LEVELS, SEED, Work, Workload, put};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What is read.
const READS: [(&str, Kind); 6] = [
    ("get", Kind::Get),
    ("propfind", Kind::Propfind),
    ("multiget-50", Kind::Multiget(50)),
    ("query-week", Kind::Week),
    ("sync-initial", Kind::SyncInitial),
    ("free-busy-month", Kind::FreeBusyMonth),
];

/// When it is read.
const WHEN: [&str; 3] = ["after a start", "after a change", "once more"];

/// Microseconds of each read, of each viewer, at each time.
type Costs = BTreeMap<(&'static str, Option<&'static str>, usize), Vec<f64>>;

/// All of it; whether every answer was right.
///
/// # Errors
/// The server does not start or stop, or gives no answer.
pub(crate) async fn cold(shoji: &Shoji, events: u32, rounds: usize) -> Result<bool, String> {
    let calendar = format!("c{events}");
    let calendars = BTreeMap::from([(calendar.clone(), Calendar::new(SEED, events))]);
    let levels = LEVELS.iter().map(|(_, level)| *level).collect();
    let mut server = shoji.start("shoji", &calendars, &levels).await?;
    let viewers: Vec<(Option<&'static str>, Target)> = std::iter::once((None, server.owner.clone()))
        .chain(server.grantees.iter().map(|(level, target)| (Some(*level), target.clone())))
        .collect();
    if let Some(process) = server.process.take() {
        process.stop()?;
    }
    let (mut costs, mut is_right) = (Costs::new(), true);
    for round in 0..rounds {
        for (name, kind) in READS {
            for (level, target) in &viewers {
                let (process, address) = shoji.serve()?;
                let target = Target { address, ..target.clone() };
                let workload = Workload { name: name.to_owned(), kind, size: events, calendar: calendar.clone(), level: *level };
                let ask = ask(&workload, &target, round).await?;
                let mut look = Look { connection: Connection::new(address), process, is_right: true };
                // Whoever asks has signed in before; of the calendar nothing is known yet.
                look.connection.ask(&target.propfind(&target.principal, 0, "<D:displayname/>")).await.map_err(|error| error.to_string())?;
                let owner = Target { address, ..server.owner.clone() };
                for (when, _) in WHEN.iter().enumerate() {
                    if when == 1 {
                        change(&mut look.connection, &owner, &calendar, round).await?;
                    }
                    costs.entry((name, *level, when)).or_default().push(look.cost(&ask).await?);
                }
                is_right &= look.is_right;
                look.process.stop()?;
            }
        }
    }
    tell(&costs, &viewers);
    Ok(is_right)
}

/// One request of a workload, another in each round.
async fn ask(workload: &Workload, target: &Target, round: usize) -> Result<Rc<Ask>, String> {
    let plan = workload::plan(workload, target, 0).await?;
    let Work::Asks(asks) = plan.work else { return Err(format!("{} writes", workload.name)) };
    asks.get(round % asks.len().max(1)).cloned().ok_or_else(|| format!("{} asks nothing", workload.name))
}

/// The owner changes an event and changes it back.
async fn change(connection: &mut Connection, owner: &Target, calendar: &str, round: usize) -> Result<(), String> {
    let shown = owner.calendar(calendar)?;
    let event = shown.calendar.number_at(round as u64 * 977);
    let text = shown.calendar.event(event).text;
    for text in [text.replacen("SUMMARY:", "SUMMARY:0 ", 1), text] {
        put(connection, owner, &shown.event_path(event), &text).await?;
    }
    Ok(())
}

/// One viewer's connection to a server of its own.
struct Look {
    connection: Connection,
    process: Process,
    is_right: bool,
}

impl Look {
    /// Microseconds of the server's processor time of one answer.
    async fn cost(&mut self, ask: &Ask) -> Result<f64, String> {
        let step = ask.first().ok_or("nothing to ask")?;
        let before = process::run_nanoseconds(self.process.id());
        let answer = self.connection.ask(&step.bytes).await.map_err(|error| error.to_string())?;
        let nanoseconds = process::run_nanoseconds(self.process.id()).saturating_sub(before);
        if let Err(words) = step.verify(&answer) {
            say(&format!("WRONG: {words}"));
            self.is_right = false;
        }
        Ok(nanoseconds as f64 / 1e3)
    }
}

fn tell(costs: &Costs, viewers: &[(Option<&'static str>, Target)]) {
    for (name, _) in READS {
        for (when, words) in WHEN.iter().enumerate() {
            let cost = |level: Option<&'static str>| costs.get(&(name, level, when)).map_or(0.0, |all| median(all.clone()));
            let own = cost(None);
            let others =
                viewers.iter().filter_map(|(level, _)| *level).map(|level| format!("{level} {:.2}", cost(Some(level)) / own.max(1e-9)));
            say(&format!("{name:>16} {words:<15} owner {own:>7.0} µs   times that: {}", others.collect::<Vec<_>>().join(", ")));
        }
    }
}
