//! Runs real clients against the built server and judges what they found: `interop/run [SUITE…] [--json]`.
//!
//! A suite is a folder of `interop/` with a script `run.py`, `run.mjs` or `run.sh`, the exact versions of what it needs
//! (`requirements.txt`, `package.json`), and `expected.toml`, which also names the packages of Debian that it needs. Each suite
//! gets a fresh store, filled through the public command line, and a server of its own. What cannot be installed or run has
//! failed; a public suite that passes over one of its own tests must have the reason recorded.
//!
//! `--server URL --layout FILE` points those suites that need nothing but accounts at another server, where nothing is excused.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod debian;
mod install;
mod judge;
mod layout;
mod process;
mod report;
mod script;
mod server;
mod suite;

use judge::Judged;
use layout::Layout;
use server::{Other, Running, Target};
use suite::{Needs, Suite};

const USAGE: &str = "usage: interop/run [SUITE…] [--json | --table] [--server URL --layout FILE]";

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Arguments {
    suites: Vec<String>,
    form: Form,
    server: Option<String>,
    layout: Option<PathBuf>,
    help: bool,
}

/// What is printed at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Form {
    /// A table for people, with every surprise in words.
    #[default]
    Words,
    /// One value.
    Json,
    /// README's table.
    Table,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Self::default();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value\n{USAGE}"));
            match word.as_str() {
                "--json" => arguments.form = Form::Json,
                "--table" => arguments.form = Form::Table,
                "--server" => arguments.server = Some(value()?),
                "--layout" => arguments.layout = Some(value()?.into()),
                "--help" | "-h" => arguments.help = true,
                option if option.starts_with('-') => return Err(format!("unknown option {option}\n{USAGE}")),
                _ => arguments.suites.push(word),
            }
        }
        if arguments.server.is_some() != arguments.layout.is_some() {
            return Err(format!("--server and --layout belong together\n{USAGE}"));
        }
        Ok(arguments)
    }

    /// The server that these words name, if they name one.
    fn other(&self) -> Result<Option<Other>, String> {
        let (Some(server), Some(layout)) = (&self.server, &self.layout) else { return Ok(None) };
        let url = format!("{}/", server.trim_end_matches('/'));
        Ok(Some(Other { url, layout: Layout::read(layout)? }))
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
    /// The accounts of suites that need nothing else.
    pub(crate) layout: Layout,
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
    let other = arguments.other()?;
    let shoji = if other.is_some() { PathBuf::new() } else { server::binary(&root, &target)? };
    let layout = Layout::read(&interop.join("layouts/shoji.toml"))?;
    let places = Places { interop, root, work: target.join("interop"), shoji, layout };
    let suites = if other.is_some() { suites.into_iter().filter(needs_no_more_than_accounts).collect() } else { suites };
    debian::install(&places, &suites);
    let mut judged = Vec::new();
    for suite in suites {
        say(&format!("{}…", suite.name));
        let outcome = one(&places, &suite, other.as_ref());
        judged.push(if other.is_some() { judge::count(&suite, outcome) } else { judge::judge(&suite, outcome) });
    }
    print(&match arguments.form {
        Form::Words => report::table(&judged),
        Form::Json => report::json(&judged),
        Form::Table => {
            say(&report::surprises(&judged));
            report::markdown(&judged, chrono::Utc::now().date_naive())
        }
    });
    Ok(if judged.iter().all(Judged::as_expected) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whether a suite runs against any server; if it does not, says so.
fn needs_no_more_than_accounts(suite: &Suite) -> bool {
    let any = suite.expected.needs == Needs::Accounts;
    if !any {
        say(&format!("{} needs shoji's sharing: not run", suite.name));
    }
    any
}

/// Installs, serves, runs and stops one suite.
fn one(places: &Places, suite: &Suite, other: Option<&Other>) -> script::Outcome {
    let started = std::time::Instant::now();
    let installed = debian::present(suite).and_then(|()| install::install(places, suite));
    let tried = installed.and_then(|tools| match other {
        Some(other) => script::fresh(places, suite).map(|_| script::run(places, suite, &tools, &Target::Other(other))),
        None => {
            let server = Running::start(places, suite)?;
            let layout = (suite.expected.needs == Needs::Accounts).then_some(&places.layout);
            let mut outcome = script::run(places, suite, &tools, &Target::Own(places, &server, layout));
            outcome.tests.extend(server.stop(places));
            Ok(outcome)
        }
    });
    let mut outcome = tried.unwrap_or_else(|words| script::Outcome::broken("starts", words));
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
        let suites = vec!["curl".to_owned(), "khal".to_owned()];
        assert_eq!(parse(&["curl", "--json", "khal"]), Ok(Arguments { suites, form: Form::Json, ..Arguments::default() }));
        assert!(parse(&["--jsno"]).is_err());
    }

    #[test]
    fn another_server_is_known_by_address_and_layout_together() {
        assert!(parse(&["--server", "http://127.0.0.1:1", "--layout", "x.toml", "curl"]).is_ok_and(|it| it.suites == ["curl"]));
        assert!(parse(&["--server", "http://127.0.0.1:1"]).is_err());
        assert!(parse(&["--layout", "x.toml"]).is_err());
        assert!(parse(&["--server"]).is_err_and(|words| words.contains("needs a value")));
    }
}
