//! Runs a suite's script and reads what it reports: lines of JSON in the file that `INTEROP_RESULTS` names, first
//! `{"version": "curl 7.88.1"}` with the version of the client really run, then one `{"name": …, "ok": …, "words": …}` a test.

use crate::install::{self, Tools};
use crate::server::Target;
use crate::suite::Suite;
use crate::{Places, process};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::process::Command;

/// One test's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Test {
    /// What was looked at, unique in its suite.
    pub(crate) name: String,
    /// Whether it held.
    pub(crate) ok: bool,
    /// What was found instead, or worth saying.
    #[serde(default)]
    pub(crate) words: String,
    /// Its suite knows it and did not run it: `ok` is false, `words` say why.
    #[serde(default)]
    pub(crate) skipped: bool,
    /// Of this program's own making, not of the suite's: it can fail a run, and is not counted where it passes.
    #[serde(skip)]
    pub(crate) is_check: bool,
}

impl Test {
    /// A check of the runner's own.
    pub(crate) fn of(name: &str, result: Result<(), String>) -> Self {
        Self { name: name.to_owned(), ok: result.is_ok(), words: result.err().unwrap_or_default(), skipped: false, is_check: true }
    }
}

/// What a suite came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Of the client really run.
    pub(crate) version: String,
    pub(crate) tests: Vec<Test>,
    pub(crate) seconds: f64,
}

impl Outcome {
    /// A suite that could not run has failed.
    pub(crate) fn broken(test: &str, words: String) -> Self {
        Self { tests: vec![Test::of(test, Err(words))], ..Self::default() }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Version { version: String },
    Test(Test),
}

/// Makes the suite's folder anew, empty.
///
/// # Errors
/// For people.
pub(crate) fn fresh(places: &Places, suite: &Suite) -> Result<PathBuf, String> {
    let home = places.work.join("run").join(&suite.name);
    install::remove(&home)?;
    install::make(&home)?;
    Ok(home)
}

/// Runs a script against a server.
pub(crate) fn run(places: &Places, suite: &Suite, tools: &Tools, target: &Target) -> Outcome {
    let home = places.work.join("run").join(&suite.name);
    let (results, log, scratch) = (home.join("results.jsonl"), home.join("script.log"), home.join("scratch"));
    if let Err(words) = install::make(&scratch) {
        return Outcome::broken("starts", words);
    }
    let world = places.interop.join("world");
    let mut command = Command::new(&tools.program);
    command
        .arg(&suite.script)
        .current_dir(&scratch)
        .envs(target.variables())
        .env("INTEROP_ROOT", &places.root)
        .env("INTEROP_WORLD", &world)
        .env("INTEROP_RESULTS", &results)
        .env("PYTHONPATH", &world)
        .env("PYTHONUNBUFFERED", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        // Clients keep what they keep in the scratch folder, and show times in one zone.
        .env("HOME", &scratch)
        .env("XDG_CONFIG_HOME", scratch.join("config"))
        .env("XDG_DATA_HOME", scratch.join("share"))
        .env("XDG_CACHE_HOME", scratch.join("cache"))
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC");
    for proxy in ["no_proxy", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    if let Some(modules) = &tools.modules {
        command.env("INTEROP_MODULES", modules);
    }
    if let Some(sdist) = &tools.sdist {
        command.env("INTEROP_SDIST", sdist);
    }
    if let Some(first) = &tools.path {
        let mut path = first.clone().into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        command.env("PATH", path);
    }
    let ended = process::run(&mut command, &log, suite.expected.seconds_max);
    let mut outcome = read(&std::fs::read_to_string(&results).unwrap_or_default());
    let enough = match outcome.tests.len() {
        number if number >= suite.expected.tests_min => Ok(()),
        number => Err(format!("{number} tests were reported, at least {} are expected", suite.expected.tests_min)),
    };
    outcome.tests.push(Test::of("script: runs to its end", ended));
    outcome.tests.push(Test::of("script: reports as many tests as it should", enough));
    outcome
}

/// Reads a script's report; what is not understood is a failure, never passed over.
fn read(text: &str) -> Outcome {
    let mut outcome = Outcome::default();
    for (number, line) in text.lines().enumerate() {
        match serde_json::from_str(line) {
            Ok(Line::Version { version }) => outcome.version = version,
            Ok(Line::Test(test)) if outcome.tests.iter().any(|other| other.name == test.name) => {
                outcome.tests.push(Test::of(&format!("script: line {}", number + 1), Err(format!("a second result for `{}`", test.name))));
            }
            Ok(Line::Test(test)) => outcome.tests.push(test),
            Err(error) => outcome.tests.push(Test::of(&format!("script: line {}", number + 1), Err(error.to_string()))),
        }
    }
    if outcome.version.is_empty() {
        outcome.tests.push(Test::of("script: tells its client's version", Err("it does not".to_owned())));
    }
    outcome
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_report_is_read_and_nothing_in_it_is_passed_over() {
        let outcome =
            read("{\"version\":\"curl 1\"}\n{\"name\":\"a\",\"ok\":true}\nnonsense\n{\"name\":\"a\",\"ok\":true,\"words\":\"\"}\n");
        assert_eq!(outcome.version, "curl 1");
        assert_eq!(outcome.tests.iter().map(|test| test.ok).collect::<Vec<_>>(), [true, false, false]);
        assert!(outcome.tests.last().unwrap().words.contains("a second result"));
    }

    #[test]
    fn an_empty_report_is_a_failure() {
        assert!(read("").tests.iter().all(|test| !test.ok));
        assert!(!read("").tests.is_empty());
    }
}
