//! Real loss of power: a virtual machine serves, sixteen clients write, the power is cut, and the disk loses what was not
//! flushed. The machine starts again on what is left, and everything that was acknowledged has to be there: `bench/long power`.
//!
//! - `chance`: numbers from a seed. `disk`: the disk with its cache. `nbd`: how qemu reaches it.
//! - `initramfs`, `machine`: what starts, and starting it. `campaign`: rounds.
//! - `guest`, `client`: what runs inside the machine. `plan`: what is written. `judge`: what must be there.

use clap::{Parser, Subcommand};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

mod campaign;
mod chance;
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
/// So many writes a cut, or the machine was too slow for the test to prove anything.
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
    /// The server's storage.engine; several one after the other
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
    let setup = Setup { kernel: machine::kernel_image(&arguments.kernel)?, initramfs, work: arguments.work.clone() };
    let empty = machine::empty_disk(&arguments.work, DISK_BYTES)?;
    let mut holds = true;
    for engine in &arguments.engine {
        let campaign = Campaign { rounds: arguments.rounds, seed: arguments.seed, engine: engine.clone(), sabotage: Sabotage::None };
        let tally = campaign.run(&setup, &empty, &mut say)?;
        report(&campaign, &tally);
        holds &= tally.findings.is_empty();
        if tally.acknowledged < tally.rounds * WRITES_MIN {
            say("too few writes to prove anything");
            holds = false;
        }
        let saboteur = Campaign { rounds: SABOTEUR_ROUNDS, sabotage: Sabotage::NoSync, ..campaign };
        let tally = saboteur.run(&setup, &empty, &mut say)?;
        match tally.findings.first() {
            Some(finding) => say(&format!("{engine} without fdatasync: caught after {} cuts: {}", tally.cuts, shortened(finding))),
            None => {
                say(&format!("{engine} without fdatasync: NOT caught in {} cuts: this proves nothing", tally.cuts));
                holds = false;
            }
        }
    }
    Ok(holds)
}

fn report(campaign: &Campaign, tally: &Tally) {
    for finding in &tally.findings {
        say(&format!("LOST: {finding}"));
    }
    say(&format!(
        "{}: {} rounds, {} cuts ({} before service), {} acknowledged writes, {} views and tokens compared, unflushed bytes: {} dropped, {} kept; \
         seed {}; {} losses",
        campaign.engine,
        tally.rounds,
        tally.cuts,
        tally.early,
        tally.acknowledged,
        tally.compared,
        tally.lost.dropped,
        tally.lost.kept,
        campaign.seed,
        tally.findings.len()
    ));
}

/// The first line, not too long: what a saboteur loses is much.
fn shortened(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(240).collect()
}
