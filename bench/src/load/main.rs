//! Load on servers of calendars: what each answer costs, side by side, every answer looked at. `bench/compare` starts it.
//!
//! - `calendar`, `window`: what is in the calendars, and what takes place when. `workload`: what is asked. `ask`: what has to come back.
//! - `wire`: one connection. `measure`: many, over some time. `process`: what a server uses up meanwhile.
//! - `target`: a server as clients know it. `server`, `peers`, `cyrus`: starting one. `bare`, `disk`: the limits of machine and disk.
//! - `compare`: all servers in turn. `report`, `plot`: what is told of it.
//! - `soak`: many people for a long time. `overload`: more than a server can do. `large`: a store of very many events.
//! - `cold`: what the first read costs.

use clap::{Args, Parser, Subcommand};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

mod ask;
mod bare;
mod calendar;
mod cold;
mod compare;
mod cyrus;
mod disk;
mod large;
mod measure;
mod overload;
mod peers;
mod plot;
mod process;
mod report;
mod server;
mod soak;
mod target;
mod window;
mod wire;
mod workload;

#[derive(Debug, Parser)]
#[command(name = "bench/compare", about = "Asks servers of calendars the same and says what each answer cost them")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs servers beside each other and compares them
    Compare(Box<Compare>),
    /// Many people for a long time, with changing shares
    Soak(Long),
    /// Four times as much as the server can do, and hostile neighbours
    Overload(Long),
    /// A store of very many events: how soon it is ready, and what memory it takes
    Large(Large),
    /// What the first read costs, after a start and after a change, and a grantee's beside the owner's
    Cold(Cold),
    /// Lists the workloads
    List,
    /// Serves answers that it is told, as a limit
    Bare,
}

#[derive(Debug, Args)]
struct Compare {
    /// A second for each, small calendars: to see that everything works
    #[arg(long)]
    quick: bool,
    /// Times that each server has its turn
    #[arg(long)]
    rounds: Option<usize>,
    /// Of one turn
    #[arg(long)]
    seconds: Option<f64>,
    /// Connections; several, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "16")]
    connections: Vec<usize>,
    /// Events of the calendars; several, the largest last
    #[arg(long, value_delimiter = ',')]
    sizes: Option<Vec<u32>>,
    /// The servers, separated by commas: shoji, bare, and what is installed of radicale, xandikos and cyrus
    #[arg(long, value_delimiter = ',')]
    servers: Option<Vec<String>>,
    /// A server that runs already: NAME=http://USER:PASSWORD@HOST:PORT/
    #[arg(long)]
    url: Vec<String>,
    /// The engine that shoji's store stands on
    #[arg(long)]
    engine: Option<String>,
    /// The program
    #[arg(long)]
    shoji: PathBuf,
    /// Another build of it, measured beside it: `--servers shoji,other`
    #[arg(long)]
    other: Option<PathBuf>,
    /// For stores, logs and results
    #[arg(long)]
    work: PathBuf,
    /// Names of workloads, or beginnings of them; without any, those of the owner
    workloads: Vec<String>,
}

#[derive(Debug, Args)]
struct Long {
    /// How long
    #[arg(long)]
    seconds: f64,
    /// How many people
    #[arg(long, default_value_t = 200)]
    people: u32,
    #[command(flatten)]
    program: Program,
}

#[derive(Debug, Args)]
struct Large {
    /// How many events
    #[arg(long)]
    events: u32,
    #[command(flatten)]
    program: Program,
}

#[derive(Debug, Args)]
struct Cold {
    /// How many events
    #[arg(long, default_value_t = 1_000)]
    events: u32,
    /// Times that each is read
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    #[command(flatten)]
    program: Program,
}

/// What is run for long, and where.
#[derive(Debug, Args)]
struct Program {
    /// The engine that the store stands on
    #[arg(long)]
    engine: Option<String>,
    /// The program
    #[arg(long)]
    shoji: PathBuf,
    /// For the store and its log
    #[arg(long)]
    work: PathBuf,
}

impl Program {
    fn server(&self, name: &str) -> server::Shoji {
        let directory = self.work.join(name);
        server::Shoji { program: self.shoji.clone(), directory, engine: self.engine.clone(), crowd: None }
    }
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Bare => bare::run().map(|()| true),
        Command::List => {
            for workload in workload::table(&[1_000, 10_000]) {
                say(&workload.name);
            }
            Ok(true)
        }
        Command::Compare(arguments) => block_on(compare(&arguments)),
        Command::Soak(long) => block_on(soak::soak(&long.program.server("soak"), long.people, long.seconds)),
        Command::Large(long) => block_on(large::large(&long.program.server("large"), long.events)),
        Command::Cold(cold) => block_on(cold::cold(&cold.program.server("cold"), cold.events, cold.rounds)),
        Command::Overload(long) => block_on(overload::overload(&long.program.server("overload"), long.seconds)),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(words) => {
            say(&words);
            ExitCode::FAILURE
        }
    }
}

pub(crate) fn say(line: &str) {
    // There is nobody to tell that nobody listens.
    drop(writeln!(std::io::stdout().lock(), "{line}"));
}

fn block_on(work: impl Future<Output = Result<bool, String>>) -> Result<bool, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(work)
}

/// What there is to compare.
fn installed(environment: &std::path::Path) -> Vec<String> {
    let peers = peers::Peer::ALL.into_iter().filter(|peer| peer.is_installed(environment)).map(peers::Peer::name);
    ["shoji", "bare"].into_iter().chain(peers).map(str::to_owned).collect()
}

/// Compares; whether all answers of the first server were right.
async fn compare(arguments: &Compare) -> Result<bool, String> {
    let default_sizes = if arguments.quick { vec![300, 1_000] } else { vec![1_000, 10_000] };
    let mut sizes = arguments.sizes.clone().unwrap_or(default_sizes);
    sizes.sort_unstable();
    let chosen = |workload: &workload::Workload| match arguments.workloads.as_slice() {
        [] => workload.level.is_none(),
        wanted => wanted.iter().any(|wanted| {
            // A name without a level means the owner's.
            workload.name.starts_with(wanted.as_str()) && (workload.level.is_none() || wanted.contains('@'))
        }),
    };
    let workloads: Vec<_> = workload::table(&sizes).into_iter().filter(chosen).collect();
    if workloads.is_empty() {
        return Err("no such workload: `load list` names them".to_owned());
    }
    let (rounds, seconds) = if arguments.quick { (1, 0.5) } else { (3, 3.0) };
    let settings = compare::Settings {
        rounds: arguments.rounds.unwrap_or(rounds),
        time: Duration::from_secs_f64(arguments.seconds.unwrap_or(seconds)),
        connections: arguments.connections.clone(),
        workloads,
    };
    let calendars = compare::calendars(&settings.workloads, &sizes);
    let levels = settings.workloads.iter().filter_map(|workload| workload.level).collect();
    let mut servers = Vec::new();
    let environment = arguments.work.join("peers");
    let names = arguments.servers.clone().unwrap_or_else(|| installed(&environment));
    for name in &names {
        let directory = arguments.work.join(name);
        let shoji = |program: &PathBuf| server::Shoji {
            program: program.clone(),
            directory: directory.clone(),
            engine: arguments.engine.clone(),
            crowd: None,
        };
        servers.push(match (name.as_str(), &arguments.other) {
            ("shoji", _) => shoji(&arguments.shoji).start("shoji", &calendars, &levels).await?,
            ("other", Some(other)) => shoji(other).start("other", &calendars, &levels).await?,
            ("bare", _) => server::bare(&directory)?,
            _ => {
                let peer = peers::Peer::named(name).ok_or_else(|| format!("no such server: {name}"))?;
                peer.start(&environment, &directory, &calendars).await?
            }
        });
    }
    for url in &arguments.url {
        servers.push(peers::elsewhere(url, &calendars).await?);
    }
    for server in &servers {
        if let Some(filled) = &server.filled {
            say(&report::filled(&server.name, filled));
        }
    }
    if settings.workloads.iter().any(|workload| workload.name.starts_with("put")) {
        let appends = disk::appends_per_second(&arguments.work.join("appends"), 2_048, 16, settings.time)?;
        say(&format!("the disk: {appends:.0} durable appends of 2 kB a second, by 16 writers who share each fdatasync"));
    }
    let run_number = u64::from(std::process::id());
    let rows = compare::compare(&settings, &servers, run_number, |row| say(&report::row(row))).await;
    if let Some(picture) = plot::draw(&rows) {
        std::fs::write(arguments.work.join("cost.svg"), picture).map_err(|error| error.to_string())?;
    }
    let results = arguments.work.join("results.json");
    std::fs::write(&results, report::json(&rows).to_string()).map_err(|error| error.to_string())?;
    say(&format!("written to {}", results.display()));
    let mut is_right = true;
    for cell in rows.iter().filter_map(|row| row.cells.first()) {
        is_right &= cell.refused.is_none() && cell.wrong() == 0;
    }
    for server in servers {
        if let Some(process) = server.process {
            let outcome = process.stop();
            // The bare one has no way to end well.
            if server.disk.is_some() {
                outcome.map_err(|words| format!("{}: {words}", server.name))?;
            }
        }
    }
    Ok(is_right)
}
