//! Runs the XML scripts of Apple's CalDAVTester against a CalDAV server: `caldavtester --help`.
//!
//! The scripts and their data are read from a directory as they are; a layout file says where the server under test keeps things.
//! This program shares no code with the server it may judge.

use clap::Parser;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

mod calendar;
mod expected;
mod grab;
mod http;
mod layout;
mod normal;
#[path = "../process.rs"]
mod process;
mod pseudo;
mod report;
mod run;
mod script;
mod send;
mod server;
mod serverinfo;
mod variables;
mod verify;
mod xml;

use expected::Expected;
use layout::Layout;
use report::File;
use run::{AfterSetUp, Choice, World};
use server::Source;
use serverinfo::ServerInfo;

/// Runs the XML scripts of Apple's CalDAVTester against a CalDAV server.
///
/// The scripts and their data are read unchanged from a directory: a checkout of Apple's repository, or a part of it. Each script runs
/// against a fresh store, if the layout says how to get one. Ignored are tests of features that the server does not offer, and those
/// that scripts themselves ignore. A verifier, method or element that this program does not know fails its test; where a script's set-up
/// fails, all its tests have failed.
///
/// Exit code: 0 all as expected, 1 something differs, 2 it could not run.
#[derive(Debug, Parser)]
#[command(name = "caldavtester", version)]
struct Arguments {
    /// The directory that holds scripts/server/serverinfo.xml, scripts/tests/CalDAV and Resource
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The server's layout: paths, accounts, features, waits, how it is started (TOML)
    #[arg(long, value_name = "FILE")]
    layout: PathBuf,
    /// A running server, http://HOST:PORT; without it the layout's `serve` starts one for each script
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// One script, or a part of it; may be given several times. Tests of a suite build on each other: those before are run unseen
    #[arg(long, value_name = "FILE[:SUITE[:TEST]]")]
    only: Vec<String>,
    /// Writes all verdicts as one JSON value
    #[arg(long, value_name = "OUT")]
    json: Option<PathBuf>,
    /// Writes the failures into the layout's file of expected ones: known reasons are kept, new ones left empty, which is an error
    /// until someone fills them
    #[arg(long)]
    update: bool,
    /// Runs a script's tests although its set-up failed: for looking, since nothing is judged then
    #[arg(long, conflicts_with = "update")]
    keep_going: bool,
    /// Shows request and answer of each failure
    #[arg(long, short)]
    verbose: bool,
    /// Keeps the server's store and log, those of the last script, in a folder `caldavtester` of this one
    #[arg(long, value_name = "DIR")]
    work: Option<PathBuf>,
}

/// `FILE[:SUITE[:TEST]]`
#[derive(Clone, Debug, Default)]
struct Only {
    file: String,
    /// What follows the file's name.
    part: Option<String>,
}

impl Only {
    fn parse(text: &str) -> Self {
        let (file, part) = text.split_once(':').map_or((text, None), |(file, part)| (file, Some(part.to_owned())));
        let file = if file.ends_with(".xml") { file.to_owned() } else { format!("{file}.xml") };
        Self { file, part }
    }
    /// The part of this script that is meant: a suite's name may hold a colon.
    fn choice(&self, script: &script::Script) -> Choice {
        let Some(part) = &self.part else { return Choice::default() };
        match part.rsplit_once(':') {
            Some((suite, test)) if !script.suites.iter().any(|suite| suite.name == *part) => {
                Choice { suite: Some(suite.to_owned()), test: Some(test.to_owned()) }
            }
            _ => Choice { suite: Some(part.clone()), test: None },
        }
    }
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(words) => {
            say(&words);
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool, String> {
    let layout = Layout::read(&arguments.layout)?;
    let of_this_run = || std::env::temp_dir().join(format!("caldavtester-{}", std::process::id()));
    let work = arguments.work.as_ref().map_or_else(of_this_run, |folder| folder.join("caldavtester"));
    if work.exists() {
        std::fs::remove_dir_all(&work).map_err(|error| format!("cannot remove {}: {error}", work.display()))?;
    }
    std::fs::create_dir_all(&work).map_err(|error| format!("cannot make {}: {error}", work.display()))?;
    let result = run_in(arguments, &layout, &work);
    if arguments.work.is_none() {
        drop(std::fs::remove_dir_all(&work));
    }
    result
}

fn run_in(arguments: &Arguments, layout: &Layout, work: &Path) -> Result<bool, String> {
    let only: Vec<Only> = arguments.only.iter().map(|text| Only::parse(text)).collect();
    let scripts = scripts(&arguments.data, layout, &only)?;
    let source = Source::of(layout, arguments.server.as_deref(), work)?;
    if !source.is_fresh() {
        say("warning: the layout has no command `reset`, so the store is not fresh for each script");
    }
    let mut files = Vec::new();
    for path in scripts {
        let script = script::read(&path)?;
        let choices: Vec<Choice> = only.iter().filter(|only| only.file == script.name).map(|only| only.choice(&script)).collect();
        let choices = if choices.is_empty() { vec![Choice::default()] } else { choices };
        let mut file = File { apart: layout.is_apart(&script.name), name: script.name.clone(), outcomes: Vec::new() };
        for choice in choices {
            let served = source.serve()?;
            let world = World {
                server: ServerInfo::read(&arguments.data.join("scripts/server/serverinfo.xml"), layout)?,
                address: served.address.clone(),
                authentication: layout.authentication,
                data: arguments.data.clone(),
                client: http::Client::new()?,
                today: chrono::Utc::now().date_naive(),
                after_set_up: if arguments.keep_going { AfterSetUp::KeepGoing } else { AfterSetUp::AllFail },
            };
            file.outcomes.extend(run::run(&world, &script, &choice));
        }
        if !file.apart || !only.is_empty() {
            print(&report::failures(&file, arguments.verbose));
        }
        files.push(file);
    }
    conclude(arguments, layout, &only, &files)
}

/// Prints, writes and judges.
fn conclude(arguments: &Arguments, layout: &Layout, only: &[Only], files: &[File]) -> Result<bool, String> {
    print(&report::table(files));
    if let Some(out) = &arguments.json {
        let text = report::json(files, env!("CARGO_PKG_VERSION"));
        std::fs::write(out, text).map_err(|error| format!("cannot write {}: {error}", out.display()))?;
    }
    let outcomes: Vec<&run::Outcome> = files.iter().filter(|file| !file.apart).flat_map(|file| &file.outcomes).collect();
    if arguments.keep_going {
        return Ok(false);
    }
    if files.iter().all(|file| file.outcomes.is_empty()) {
        return Err("no test was run".to_owned());
    }
    // A run of some files says nothing of the others, one of some tests nothing of the rest.
    let whole = |name: &str| files.iter().any(|file| name.strip_prefix(&file.name).is_some_and(|rest| rest.starts_with(':')));
    let met = |name: &str| outcomes.iter().any(|outcome| outcome.name == name);
    let partly = only.iter().any(|only| only.part.is_some());
    let in_question = |name: &str| if partly { met(name) } else { only.is_empty() || whole(name) };
    let path = layout.expected.as_ref().map(|name| layout.folder.join(name));
    let expected = path.as_deref().map_or_else(|| Ok(Expected::default()), Expected::read)?;
    if arguments.update {
        let path = path.ok_or("the layout names no file of expected failures")?;
        let before = std::fs::read_to_string(&path).unwrap_or_default();
        let text = expected.updated(expected::head(&before), &outcomes, in_question);
        std::fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        return Ok(true);
    }
    let judgement = expected.judge(&outcomes, in_question);
    print(&report::judgement(&judgement));
    Ok(judgement.holds())
}

/// The scripts to run, by name.
fn scripts(data: &Path, layout: &Layout, only: &[Only]) -> Result<Vec<PathBuf>, String> {
    let folder = data.join("scripts/tests/CalDAV");
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let mut found: Vec<(String, PathBuf)> = entries
        .filter_map(|entry| entry.ok().map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path())))
        .filter(|(name, _)| name.ends_with(".xml"))
        .collect();
    found.sort();
    if let Some(missing) = only.iter().find(|only| !found.iter().any(|(name, _)| *name == only.file)) {
        return Err(format!("there is no {} in {}", missing.file, folder.display()));
    }
    found.retain(|(name, _)| if only.is_empty() { !layout.skips(name) } else { only.iter().any(|only| only.file == *name) });
    if found.is_empty() {
        return Err(format!("there is no script in {}", folder.display()));
    }
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// A line for people while they wait. Standard error being closed is no reason to stop.
fn say(text: &str) {
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}

/// The results. Standard output being closed leaves the exit code to tell.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_part_of_a_script_is_named_though_suites_have_colons_in_their_names() {
        let script = script::parse("a.xml", "<caldavtest><test-suite name='b: c'/><test-suite name='d'/></caldavtest>").unwrap();
        let choice = |text: &str| Only::parse(text).choice(&script);
        let part = |suite: &str, test: Option<&str>| Choice { suite: Some(suite.to_owned()), test: test.map(str::to_owned) };
        assert_eq!(Only::parse("a").file, "a.xml");
        assert_eq!(choice("a.xml"), Choice::default());
        assert_eq!(choice("a.xml:b: c"), part("b: c", None));
        assert_eq!(choice("a.xml:b: c:1"), part("b: c", Some("1")));
        assert_eq!(choice("a:d:2"), part("d", Some("2")));
    }

    #[test]
    fn the_command_line_is_well_made() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }
}
