//! Real loss of power: a virtual machine serves, sixteen clients write, the power is cut, and the disk loses what was not
//! flushed. The machine starts again on what is left, and everything that was acknowledged has to be there: `bench/long power`.
//!
//! - `disk`: the disk with its cache. `nbd`: how qemu reaches it.
//! - `initramfs`, `machine`: what starts, and starting it. `campaign`: rounds.
//! - `guest`, `client`: what runs inside the machine. `plan`: what is written. `judge`: what must be there.

use clap::{Parser, Subcommand};
use std::collections::VecDeque;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

mod campaign;
mod client;
mod disk;
mod guest;
mod initramfs;
mod judge;
mod machine;
mod nbd;
mod plan;

use campaign::{Campaign, Sabotage, Tally};
use machine::Setup;

/// Bytes of the machine's disk.
const DISK_BYTES: u64 = 192 << 20;
/// Within so many rounds a server that does not sync has to be caught.
const SABOTEUR_ROUNDS: u64 = 3;
/// Machines that run at a time.
const MACHINES: usize = 2;
/// So many writes a round, or the machine was too slow for the test to prove anything.
const WRITES_MIN: u64 = 5;

#[derive(Debug, Parser)]
#[command(about = "Cuts the power of a machine that serves")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs rounds, and then a server that does not sync, which has to be caught
    Run(Run),
    /// What runs inside the machine
    Guest,
}

#[derive(Debug, clap::Args)]
struct Run {
    /// Cuts that are followed by a look
    #[arg(long, default_value_t = 5)]
    rounds: u64,
    /// Everything random follows from it
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The server's storage.engine; may be given several times
    #[arg(long, required = true)]
    engine: Vec<String>,
    /// The server
    #[arg(long)]
    shoji: PathBuf,
    /// An unpacked kernel package of Debian's
    #[arg(long)]
    kernel: PathBuf,
    /// For sockets, logs, and the disks of which something was lost
    #[arg(long)]
    work: PathBuf,
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Guest => {
            guest::run();
            ExitCode::SUCCESS
        }
        Command::Run(arguments) => match run(&arguments) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(words) => {
                say(&words);
                ExitCode::FAILURE
            }
        },
    }
}

fn say(line: &str) {
    // There is nobody to tell that nobody listens.
    drop(writeln!(std::io::stdout().lock(), "{line}"));
}

/// Whether nothing was lost by the server, and something by the one that does not sync.
fn run(arguments: &Run) -> Result<bool, String> {
    std::fs::create_dir_all(&arguments.work).map_err(|error| format!("{}: {error}", arguments.work.display()))?;
    let me = std::env::current_exe().map_err(|error| error.to_string())?;
    let programs = [("shoji", arguments.shoji.as_path()), ("power", &me), ("busybox", "/bin/busybox".as_ref())];
    let archive = initramfs::make(&programs, &arguments.kernel, &arguments.work)?;
    let initramfs = arguments.work.join("initramfs");
    std::fs::write(&initramfs, archive).map_err(|error| format!("{}: {error}", initramfs.display()))?;
    let base = Setup { kernel: machine::kernel_image(&arguments.kernel)?, initramfs, work: arguments.work.clone() };
    let empty = machine::empty_disk(&arguments.work, DISK_BYTES)?;
    let campaign = |engine: &String, rounds, sabotage| Campaign { rounds, seed: arguments.seed, engine: engine.clone(), sabotage };
    let honest = arguments.engine.iter().map(|engine| campaign(engine, arguments.rounds, Sabotage::None));
    let sabotaged = arguments.engine.iter().map(|engine| campaign(engine, SABOTEUR_ROUNDS, Sabotage::NoSync));
    let waiting: Mutex<VecDeque<Campaign>> = Mutex::new(honest.chain(sabotaged).collect());
    let outcomes = std::thread::scope(|scope| {
        let machines: Vec<_> = (0..MACHINES)
            .map(|number| {
                scope.spawn({
                    let (base, empty, waiting) = (&base, &empty, &waiting);
                    move || take_turns(&base.beside(number)?, empty, waiting)
                })
            })
            .collect();
        machines.into_iter().map(|machine| machine.join().unwrap_or_else(|_| Err("a thread panicked".to_owned()))).collect::<Vec<_>>()
    });
    let holds = outcomes.into_iter().collect::<Result<Vec<bool>, String>>()?;
    Ok(holds.into_iter().all(|holds| holds))
}

/// Runs campaigns on one machine until none is waiting; whether all of them came out as they should.
fn take_turns(setup: &Setup, empty: &[u8], waiting: &Mutex<VecDeque<Campaign>>) -> Result<bool, String> {
    let mut holds = true;
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(campaign) = next else { return Ok(holds) };
        let tally = campaign.run(setup, empty, &mut say)?;
        holds &= report(&campaign, &tally);
    }
}

/// Says what came of it; whether it is what should.
fn report(campaign: &Campaign, tally: &Tally) -> bool {
    if campaign.sabotage != Sabotage::None {
        let caught = tally.findings.first();
        say(&match caught {
            Some(finding) => format!("{}: caught after {} cuts: {}", campaign.name(), tally.cuts, shortened(finding)),
            None => format!("{}: NOT caught in {} cuts, so that nothing is proved", campaign.name(), tally.cuts),
        });
        return caught.is_some();
    }
    for finding in &tally.findings {
        say(&format!("FOUND: {finding}"));
    }
    let Tally { rounds, cuts, early, acknowledged, compared, lost, .. } = tally;
    say(&format!(
        "{}: {rounds} rounds, {cuts} cuts ({early} during recovery), {acknowledged} acknowledged writes, {compared} views and tokens compared, \
         unflushed bytes: {} dropped, {} kept; seed {}; {} losses",
        campaign.name(),
        lost.dropped,
        lost.kept,
        campaign.seed,
        tally.findings.len()
    ));
    let is_enough = *acknowledged >= rounds * WRITES_MIN;
    if !is_enough {
        say("too few writes to prove anything");
    }
    is_enough && tally.findings.is_empty()
}

/// The first line, not too long: what a saboteur loses is much.
fn shortened(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(240).collect()
}
