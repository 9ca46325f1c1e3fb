//! A store of very many events: how soon it is ready after it was stopped and after it was killed, and what memory it takes: with
//! nothing to do, with very many connections, and for an answer that holds a whole calendar.

use crate::ask::{Check, Fidelity, Rows, Step, Texts};
use crate::calendar::Calendar;
use crate::compare::median;
use crate::measure::{Round, Until, run};
use crate::process::{self, Process};
use crate::say;
use crate::server::{Shoji, view};
use crate::target::{Shown, Target, WindowEnd};
use crate::window::Window;
use crate::wire::Connection;
use crate::workload::{self, Kind, SEED};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Events of one calendar.
const CALENDAR_EVENTS: u32 = 100_000;
/// The calendar that is written to.
const WRITTEN: &str = "new";
/// Times that it is started after each kind of end.
const STARTS: usize = 5;
/// Connections under which memory is looked at.
const CONNECTIONS: usize = 256;
/// Connections for what takes long.
const FEW: usize = 4;
/// How long those ask, of each workload.
const SECONDS: f64 = 3.0;
/// Writers, and how long they write before the server is killed.
const WRITERS: usize = 16;
const WRITE_SECONDS: f64 = 0.5;
/// From the start to a server that is ready.
const READY_SECONDS_MAX: u64 = 120;

/// All of it; whether every answer was right.
///
/// # Errors
/// The server does not start, stop or take the events.
pub(crate) async fn large(shoji: &Shoji, events: u32) -> Result<bool, String> {
    let calendars = fill(shoji, events)?;
    let mut is_right = true;
    for end in [End::Stopped, End::Killed] {
        let mut waits = Vec::new();
        for number in 0..STARTS {
            let (process, address) = shoji.serve()?;
            let owner = owner(address, &calendars);
            if end == End::Killed {
                is_right &= asked(&owner, &process, Kind::PutNew, number as u64, (WRITERS, WRITE_SECONDS)).await?.wrong == 0;
                // Dropped, it is killed.
                drop(process);
            } else {
                process.stop()?;
            }
            let (process, milliseconds) = ready(shoji).await?;
            waits.push(milliseconds);
            process.stop()?;
        }
        let (least, most) = waits.iter().fold((f64::MAX, 0.0_f64), |(least, most), &wait| (least.min(wait), most.max(wait)));
        say(&format!("{events} events, {end}: ready after {least:.0} to {most:.0} ms, median {:.0}, of {STARTS}", median(waits)));
    }
    let (process, address) = shoji.serve()?;
    let owner = owner(address, &calendars);
    let disk = process::disk_bytes(&shoji.directory.join("data"));
    say(&format!("nothing to do: {}, {} MB on the disk", told(process.id()), disk >> 20));
    let before = Instant::now();
    is_right &= asked(&owner, &process, Kind::Get, 0, (1, 0.0)).await?.wrong == 0;
    say(&format!("the first look at a calendar that was imported: {:.1} s", before.elapsed().as_secs_f64()));
    // A week of so many events is much to ask: of more than a few connections most would be told to come back later.
    for (kind, connections) in [(Kind::Get, CONNECTIONS), (Kind::Multiget(50), CONNECTIONS), (Kind::PutNew, CONNECTIONS), (Kind::Week, FEW)]
    {
        let round = asked(&owner, &process, kind, STARTS as u64, (connections, SECONDS)).await?;
        let (rate, p99, wrong) = (round.rate(), round.percentile(99), round.wrong);
        say(&format!("{connections} connections, {kind:?}: {rate:.0}/s, p99 {p99:.0} ms, {wrong} wrong; {}", told(process.id())));
        is_right &= wrong == 0;
    }
    is_right &= whole(&owner, &process).await?;
    process.stop()?;
    shoji.run(&["check"])?;
    Ok(is_right)
}

/// How a server came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Stopped,
    Killed,
}

impl std::fmt::Display for End {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Stopped => "stopped",
            Self::Killed => "killed while 16 wrote",
        })
    }
}

/// A fresh store with so many events in as many calendars as it takes.
fn fill(shoji: &Shoji, events: u32) -> Result<Vec<(String, Calendar)>, String> {
    drop(std::fs::remove_dir_all(&shoji.directory));
    std::fs::create_dir_all(&shoji.directory).map_err(|error| error.to_string())?;
    let sizes = (0..events.div_ceil(CALENDAR_EVENTS)).map(|number| (events - number * CALENDAR_EVENTS).min(CALENDAR_EVENTS));
    let named = |(number, size): (usize, u32)| (format!("c{number}"), Calendar::new(SEED + number as u64, size));
    let mut calendars: Vec<(String, Calendar)> = sizes.enumerate().map(named).collect();
    // What is written goes where nobody reads.
    calendars.push((WRITTEN.to_owned(), Calendar::new(SEED, 0)));
    shoji.furnish(calendars.iter().map(|(name, _)| name), false)?;
    for (name, calendar) in calendars.iter().filter(|(_, calendar)| calendar.count() > 0) {
        let before = Instant::now();
        shoji.import(name, calendar)?;
        say(&format!("{} events imported into {name} in {:.1} s", calendar.count(), before.elapsed().as_secs_f64()));
    }
    Ok(calendars)
}

fn owner(address: SocketAddr, calendars: &[(String, Calendar)]) -> Target {
    let mut owner = view(address, "alice");
    for (name, calendar) in calendars {
        let path = format!("{}{name}/", owner.home);
        let shown = Shown { path, calendar: Rc::new(calendar.clone()), fidelity: Fidelity::Bytes, names: Vec::new() };
        owner.calendars.insert(name.clone(), shown);
    }
    owner
}

/// Starts it: milliseconds from the start of the process until it says that it is ready.
async fn ready(shoji: &Shoji) -> Result<(Process, f64), String> {
    let before = Instant::now();
    let (process, address) = shoji.serve()?;
    let request = view(address, "alice").plain("GET", "/readyz");
    let mut connection = Connection::new(address);
    while before.elapsed() < Duration::from_secs(READY_SECONDS_MAX) {
        if connection.ask(&request).await.is_ok_and(|answer| answer.status == 200) {
            return Ok((process, before.elapsed().as_secs_f64() * 1e3));
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Err(format!("it is not ready after {READY_SECONDS_MAX} s"))
}

/// Reads of the first calendar, writes into the one for them.
async fn asked(owner: &Target, process: &Process, kind: Kind, number: u64, (connections, seconds): (usize, f64)) -> Result<Round, String> {
    let (first, _) = owner.calendars.first_key_value().ok_or("no calendar")?;
    let name = if kind == Kind::PutNew { WRITTEN } else { first };
    let shown = owner.calendar(name)?;
    let one = workload::Workload { name: format!("{kind:?}"), kind, size: shown.calendar.count(), calendar: name.to_owned(), level: None };
    let plan = Rc::new(workload::plan(&one, owner, number).await?);
    process::reset_peak(process.id());
    let round = run(owner.address, process.id(), &plan, connections, Until::Elapsed(Duration::from_secs_f64(seconds))).await;
    if let Some(words) = round.told.first() {
        say(&format!("WRONG: {words}"));
    }
    Ok(round)
}

/// One answer that holds every event of a calendar, texts and all.
async fn whole(owner: &Target, process: &Process) -> Result<bool, String> {
    let shown = owner.calendars.values().next().ok_or("no calendar")?;
    let window = Window { start: 0, end: i64::from(u32::MAX) };
    let rows = Rows { calendar: Rc::clone(&shown.calendar), events: None, others: 0, texts: Texts::Present, fidelity: shown.fidelity };
    let request = owner.query(&shown.path, window, WindowEnd::Closed, "<D:getetag/><C:calendar-data/>");
    let step = Step::new(request, &[207], Check::Rows(Rc::new(rows)));
    let mut connection = Connection::new(owner.address);
    // The first also fills what is remembered of events, which is bounded; what the answer itself takes is seen at the others.
    for time in ["first", "once more", "a third time"] {
        let before = process::memory(process.id()).resident_bytes;
        process::reset_peak(process.id());
        let answer = connection.ask(&step.bytes).await.map_err(|error| error.to_string())?;
        let verified = step.verify(&answer);
        let added = process::memory(process.id()).peak_bytes.saturating_sub(before);
        let outcome = verified.as_ref().map_or_else(|words| format!("WRONG: {words}"), |()| "right".to_owned());
        say(&format!("an answer of {} MB, {time}, added {} MB at its peak: {outcome}", answer.body.len() >> 20, added >> 20));
        if verified.is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn told(id: u32) -> String {
    let memory = process::memory(id);
    format!("{} MB resident, {} at the peak", memory.resident_bytes >> 20, memory.peak_bytes >> 20)
}
