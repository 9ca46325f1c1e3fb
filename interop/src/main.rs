//! Runs real clients against the built server and judges what they found: `interop/run [SUITE…] [--json]`.
//!
//! A suite is a folder of `interop/` with a script `run.py`, `run.mjs` or `run.sh`, the exact versions of what it needs
//! (`requirements.txt`, `package.json`), and `expected.toml`, which also names the packages of Debian that it needs. Each suite
//! gets a fresh store, filled through the public command line, and a server of its own. Nothing is ever skipped: what cannot be
//! installed or run has failed.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod debian;
mod install;
mod judge;
mod process;
mod report;
mod script;
mod server;
mod suite;

use judge::Judged;
use suite::Suite;

const USAGE: &str = "usage: interop/run [SUITE…] [--json]";

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Arguments {
    suites: Vec<String>,
    json: bool,
    help: bool,
}

impl Arguments {
    fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self::default();
        for word in words {
            match word.as_str() {
                "--json" => arguments.json = true,
                "--help" | "-h" => arguments.help = true,
                option if option.starts_with('-') => return Err(format!("unknown option {option}\n{USAGE}")),
                _ => arguments.suites.push(word),
            }
        }
        Ok(arguments)
    }
}

/// Where things are.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The folder of suites.
    pub(crate) interop: PathBuf,
    /// The repository.
    pub(crate) root: PathBuf,
    /// What is installed, stores and logs: may be deleted at any time.
    pub(crate) work: PathBuf,
    /// The server's binary.
    pub(crate) shoji: PathBuf,
}

fn main() -> ExitCode {
    match Arguments::parse(std::env::args().skip(1)).and_then(|arguments| run(&arguments)) {
        Ok(code) => code,
        Err(message) => {
            say(&message);
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode, String> {
    if arguments.help {
        print(&format!("{USAGE}\n"));
        return Ok(ExitCode::SUCCESS);
    }
    let interop = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let root = interop.parent().map(Path::to_owned).ok_or("interop/ has no parent folder")?;
    let suites = suite::choose(suite::find(&interop)?, &arguments.suites)?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |directory| root.join(directory));
    let shoji = server::binary(&root, &target)?;
    let places = Places { interop, root, work: target.join("interop"), shoji };
    debian::install(&places, &suites);
    let mut judged = Vec::new();
    for suite in suites {
        say(&format!("{}…", suite.name));
        let outcome = one(&places, &suite);
        judged.push(judge::judge(&suite, outcome));
    }
    print(&if arguments.json { report::json(&judged) } else { report::table(&judged) });
    Ok(if judged.iter().all(Judged::as_expected) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Installs, serves, runs and stops one suite.
fn one(places: &Places, suite: &Suite) -> script::Outcome {
    let started = std::time::Instant::now();
    let mut outcome = match debian::present(suite)
        .and_then(|()| install::install(places, suite))
        .and_then(|tools| Ok((tools, server::Running::start(places, suite)?)))
    {
        Err(words) => script::Outcome::broken("starts", words),
        Ok((tools, server)) => {
            let mut outcome = script::run(places, suite, &tools, &server);
            outcome.tests.extend(server.stop(places));
            outcome
        }
    };
    outcome.seconds = started.elapsed().as_secs_f64();
    outcome
}

/// A line for people while they wait. Standard error being closed is no reason to stop.
pub(crate) fn say(text: &str) {
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}

/// The results. Standard output being closed leaves the exit code to tell.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Arguments, String> {
        Arguments::parse(words.iter().map(|word| (*word).to_owned()))
    }

    #[test]
    fn suites_and_options_come_in_any_order() {
        let expected = Arguments { suites: vec!["curl".to_owned(), "khal".to_owned()], json: true, help: false };
        assert_eq!(parse(&["curl", "--json", "khal"]), Ok(expected));
        assert!(parse(&["--jsno"]).is_err());
    }
}
