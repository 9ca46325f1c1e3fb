//! A server of a suite's own: a fresh store, filled through the public command line, served on a free port of this machine,
//! stopped by SIGTERM and checked. Or another server, which runs already and is left as it is.

use crate::layout::Layout;
use crate::script::Test;
use crate::suite::{Needs, Suite};
use crate::{Places, process, say, script};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// From the start to the line `listening on …`.
const START_SECONDS_MAX: u64 = 30;
/// From SIGTERM to the end.
const STOP_SECONDS_MAX: u64 = 30;
/// One command of the command line.
const COMMAND_SECONDS_MAX: u64 = 60;

/// The binary: the one `SHOJI_BIN` names, else this repository's, built now.
///
/// # Errors
/// It does not build.
pub(crate) fn binary(root: &Path, target: &Path) -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os("SHOJI_BIN") {
        return std::fs::canonicalize(&path).map_err(|error| format!("SHOJI_BIN: {error}"));
    }
    say("building shoji…");
    let built = Command::new("cargo").args(["build", "-q", "--locked", "-p", "shoji", "--bin", "shoji"]).current_dir(root).status();
    match built {
        Ok(status) if status.success() => Ok(target.join("debug/shoji")),
        Ok(status) => Err(format!("cargo build ended with {status}")),
        Err(error) => Err(format!("cannot run cargo: {error}")),
    }
}

/// A server that is not ours, and that somebody else started: `interop/run --server URL --layout FILE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Other {
    /// Its address, with a final slash.
    pub(crate) url: String,
    /// Where it keeps things.
    pub(crate) layout: Layout,
}

/// The server that a script is pointed at, and what the script may know of it.
#[derive(Debug)]
pub(crate) enum Target<'run> {
    /// Shoji, with its store, log and command line; the layout of its accounts if the suite needs no more.
    Own(&'run Places, &'run Running, Option<&'run Layout>),
    /// Nothing but a protocol.
    Other(&'run Other),
}

impl Target<'_> {
    /// What the script finds in its environment.
    pub(crate) fn variables(&self) -> Vec<(&'static str, OsString)> {
        match self {
            Self::Own(places, running, layout) => {
                let mut variables = vec![
                    ("SHOJI_URL", OsString::from(&running.url)),
                    ("SHOJI_DATA", running.data.clone().into_os_string()),
                    ("SHOJI_BIN", places.shoji.clone().into_os_string()),
                    ("INTEROP_LOG", running.log.clone().into_os_string()),
                ];
                variables.extend(layout.map(|layout| ("INTEROP_LAYOUT", layout.for_scripts(&running.url).into())));
                variables
            }
            Self::Other(other) => vec![("INTEROP_LAYOUT", other.layout.for_scripts(&other.url).into())],
        }
    }
}

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    /// `http://127.0.0.1:PORT/`
    pub(crate) url: String,
    /// The store.
    pub(crate) data: PathBuf,
    /// What the server logs.
    pub(crate) log: PathBuf,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Whatever happens to the runner, the server ends with it.
        if matches!(self.child.try_wait(), Ok(None)) {
            process::kill_group(&mut self.child);
        }
    }
}

impl Running {
    /// Makes and fills the store, starts the server, waits until it accepts requests.
    ///
    /// # Errors
    /// With the last words of what failed.
    pub(crate) fn start(places: &Places, suite: &Suite) -> Result<Self, String> {
        let home = script::fresh(places, suite)?;
        let (data, log, out) = (home.join("data"), home.join("server.log"), home.join("server.out"));
        match suite.expected.needs {
            Needs::Sharing => {
                let world = places.interop.join("world");
                command(places, &data, &home, &["apply".as_ref(), world.join("people.toml").as_os_str()])?;
                command(places, &data, &home, &["import".as_ref(), "alice/work".as_ref(), world.join("work.ics").as_os_str()])?;
            }
            Needs::Accounts => {
                let people = home.join("people.toml");
                std::fs::write(&people, places.layout.people()?).map_err(|error| error.to_string())?;
                command(places, &data, &home, &["apply".as_ref(), people.as_os_str()])?;
            }
        }
        let mut serve = shoji(places, &data);
        // The most talkative log: it too must keep every word of a calendar to itself.
        serve.args(["serve", "--listen", "127.0.0.1:0"]).env("SHOJI_LOG_LEVEL", "trace");
        let errors = std::fs::File::create(&log).map_err(|error| error.to_string())?;
        let output = std::fs::File::create(&out).map_err(|error| error.to_string())?;
        let child = serve.stdin(std::process::Stdio::null()).stdout(output).stderr(errors).spawn();
        let child = child.map_err(|error| format!("cannot run {}: {error}", places.shoji.display()))?;
        let mut running = Self { child, url: String::new(), data, log };
        running.url = running.listening(&out)?;
        Ok(running)
    }

    fn listening(&mut self, out: &Path) -> Result<String, String> {
        let until = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
        while Instant::now() < until {
            let text = std::fs::read_to_string(out).unwrap_or_default();
            let complete = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            if let Some(url) = complete.filter_map(|line| line.trim_end().strip_prefix("listening on ")).next() {
                return Ok(url.to_owned());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("the server ended with {status}:\n{}", process::end_of(&self.log)));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(format!("the server did not listen within {START_SECONDS_MAX} seconds:\n{}", process::end_of(&self.log)))
    }

    /// Stops the server and looks at what it leaves behind.
    pub(crate) fn stop(mut self, places: &Places) -> Vec<Test> {
        let alive = matches!(self.child.try_wait(), Ok(None));
        process::signal(&self.child, "TERM");
        let status = process::wait(&mut self.child, Duration::from_secs(STOP_SECONDS_MAX));
        let ended = match status {
            _ if !alive => Err(format!("the server had ended before it was told to:\n{}", process::end_of(&self.log))),
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(format!("the server ended with {status}:\n{}", process::end_of(&self.log))),
            None => Err(format!("the server did not end within {STOP_SECONDS_MAX} seconds")),
        };
        let home = self.data.parent().unwrap_or(&self.data).to_owned();
        let checked = command(places, &self.data, &home, &["check".as_ref()]);
        vec![
            Test::of("server: SIGTERM ends it with exit code 0", ended),
            Test::of("store: `shoji check` finds no fault afterwards", checked),
            Test::of("log: holds no word of a calendar, no address, no password", silent(&self.log, &places.interop)),
        ]
    }
}

/// Looks in a log, written at its most talkative, for the words of `world/secrets.txt`.
fn silent(log: &Path, interop: &Path) -> Result<(), String> {
    let read =
        |path: &Path| std::fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).map_err(|error| error.to_string());
    let text = read(log)?.to_lowercase();
    if text.is_empty() {
        return Err("the log is empty".to_owned());
    }
    let secrets = read(&interop.join("world/secrets.txt"))?;
    let found: Vec<&str> = secrets.lines().filter(|word| !word.is_empty() && text.contains(&word.to_lowercase())).collect();
    if found.is_empty() { Ok(()) } else { Err(format!("the log holds {}", found.join(", "))) }
}

fn shoji(places: &Places, data: &Path) -> Command {
    let mut command = Command::new(&places.shoji);
    command.arg("--data").arg(data);
    command
}

fn command(places: &Places, data: &Path, home: &Path, arguments: &[&std::ffi::OsStr]) -> Result<(), String> {
    process::run(shoji(places, data).args(arguments), &home.join("commands.log"), COMMAND_SECONDS_MAX)
}
