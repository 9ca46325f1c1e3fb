//! The real binary, each with a directory of its own: commands with their output, and servers that are stopped at the end.

use super::Connection;
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a machine that does much else may take for anything.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// alice and bob, whose passwords are their names.
pub const TWO_PEOPLE: &str = "[[user]]\nname = \"alice\"\npassword = \"alice\"\n[[user]]\nname = \"bob\"\npassword = \"bob\"\n";

/// One installation: a directory for the store and for whatever a test writes, and variables for every process.
pub struct Shoji {
    directory: tempfile::TempDir,
    data: PathBuf,
    variables: Vec<(String, String)>,
}

/// What a command left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    pub exit: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Shoji {
    /// Nothing yet.
    pub fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("shoji-test-").tempdir().unwrap();
        let data = directory.path().join("data");
        Self { directory, data, variables: Vec::new() }
    }

    /// A store with alice and bob.
    pub fn with_people() -> Self {
        let shoji = Self::new();
        assert_eq!(shoji.run_with_input(&["apply", "-"], TWO_PEOPLE).exit, Some(0));
        shoji
    }

    /// The same with another data directory, below the one that is removed at the end.
    pub fn at(mut self, data: &str) -> Self {
        self.data = self.directory.path().join(data);
        self
    }

    /// The same with a variable for every process it starts.
    pub fn variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    /// A path beside the store.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file beside the store.
    pub fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The binary with nothing of this process's environment but where programs are; `--data` is for the caller to give.
    pub fn bare(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shoji"));
        command.env_clear().env("HOME", self.directory.path()).stdin(Stdio::null());
        for name in ["PATH", "LLVM_PROFILE_FILE"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if let Some(engine) = std::env::var_os("SHOJI_TEST_ENGINE") {
            command.env("SHOJI_STORAGE_ENGINE", engine);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    fn command(&self) -> Command {
        let mut command = self.bare();
        command.arg("--data").arg(&self.data);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Done {
        finish(self.command().args(arguments), "")
    }

    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Done {
        finish(self.command().args(arguments), input)
    }

    /// Runs with `--json`; the value on standard output. The command succeeds.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let done = finish(self.command().arg("--json").args(arguments), "");
        assert_eq!(done.exit, Some(0), "{arguments:?}: {done:?}");
        serde_json::from_str(&done.out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}", done.out))
    }

    /// Runs with `--json`; exit code, code and message of the refusal.
    pub fn refusal(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let done = finish(self.command().arg("--json").args(arguments), "");
        let value: Value = serde_json::from_str(&done.err).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {done:?}"));
        let word = |key: &str| value["error"][key].as_str().unwrap_or_default().to_owned();
        (done.exit, word("code"), word("message"))
    }

    /// A server on a free port of loopback with this configuration.
    pub fn serve(&self, configuration: &str) -> Server {
        self.serve_with(configuration, &["--listen", "127.0.0.1:0"])
    }

    /// A server; `arguments` follow `serve`.
    pub fn serve_with(&self, configuration: &str, arguments: &[&str]) -> Server {
        let file = self.file("shoji.toml", configuration);
        let mut command = self.command();
        command.arg("--config").arg(file).arg("serve").args(arguments);
        Server::start(command, &self.path("log"))
    }
}

/// Runs to the end.
pub fn finish(command: &mut Command, input: &str) -> Done {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that does not read its input is free to go.
    drop(stdin.write_all(input.as_bytes()));
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    Done { exit: output.status.code(), out: String::from_utf8(output.stdout).unwrap(), err: String::from_utf8(output.stderr).unwrap() }
}

/// A serving process. Killed when dropped, if it was not stopped.
pub struct Server {
    child: Child,
    out: BufReader<ChildStdout>,
    pub line: String,
    pub address: SocketAddr,
    log: PathBuf,
}

impl Server {
    /// Starts, and waits for the line that says where it listens.
    pub fn start(mut command: Command, log: &Path) -> Self {
        let errors = File::create(log).unwrap();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let told = || std::fs::read_to_string(log).unwrap_or_default();
        let rest = line.strip_prefix("listening on http").unwrap_or_else(|| panic!("no address: {line:?} {}", told()));
        let rest = rest.strip_prefix('s').unwrap_or(rest);
        let address = rest.strip_prefix("://").and_then(|rest| rest.strip_suffix("/\n")).unwrap_or_else(|| panic!("{line:?}"));
        Self { child, out, address: address.parse().unwrap(), line, log: log.to_owned() }
    }

    /// The next line of standard output.
    pub fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line
    }

    pub fn connect(&self) -> Connection {
        Connection::open(self.address)
    }

    /// What it has logged until now.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Waits until the log says this.
    pub fn wait_for_log(&self, words: &str) -> String {
        wait_until(&format!("the log to say {words:?}"), || Some(self.log()).filter(|log| log.contains(words)))
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, name: &str) {
        let done = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", self.child.id())).status().unwrap();
        assert!(done.success());
    }

    /// The most memory it has had at a time, in bytes, as the kernel counts it.
    pub fn memory_peak_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
    }

    /// The exit code, once it has ended by itself.
    pub fn wait(&mut self) -> Option<i32> {
        wait_until("the server to end", || self.child.try_wait().unwrap()).code()
    }

    /// Stops it in an orderly way.
    pub fn stop(mut self) {
        self.signal("TERM");
        assert_eq!(self.wait(), Some(0), "{}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// Looks again and again until there is something.
pub fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
