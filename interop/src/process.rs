//! Child processes that end: bounded in time, with their whole group, their words kept.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Runs a command to its end, its output in a file.
///
/// # Errors
/// It could not be started, took too long, or ended with another code than 0: with the end of its output.
pub(crate) fn run(command: &mut Command, log: &Path, seconds_max: u64) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = start(command, log)?;
    match wait(&mut child, Duration::from_secs(seconds_max)) {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("{name} ended with {status}:\n{}", end_of(log))),
        None => {
            kill_group(&mut child);
            Err(format!("{name} was stopped after {seconds_max} seconds:\n{}", end_of(log)))
        }
    }
}

/// Starts a command without standard input, at the head of a process group of its own.
///
/// # Errors
/// It could not be started: a missing program, an unwritable log.
pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Child, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let open = || -> std::io::Result<(File, File)> {
        let file = File::options().create(true).append(true).open(log)?;
        Ok((file.try_clone()?, file))
    };
    let (out, errors) = open().map_err(|error| format!("cannot write {}: {error}", log.display()))?;
    command.stdin(Stdio::null()).stdout(out).stderr(errors).process_group(0);
    command.spawn().map_err(|error| format!("cannot run {name}: {error}"))
}

/// Waits for the end, at most this long.
pub(crate) fn wait(child: &mut Child, at_most: Duration) -> Option<ExitStatus> {
    let until = Instant::now() + at_most;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Err(_) => return None,
            Ok(None) if Instant::now() >= until => return None,
            Ok(None) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Sends a signal to a child, through the shell's own `kill`: the standard library has no safe way.
pub(crate) fn signal(child: &Child, signal: &str) {
    shell_kill(signal, &child.id().to_string());
}

/// Ends a child and what it started.
pub(crate) fn kill_group(child: &mut Child) {
    shell_kill("KILL", &format!("-{}", child.id()));
    // Gone already is as good.
    drop(child.wait());
}

fn shell_kill(signal: &str, target: &str) {
    let done = Command::new("sh").args(["-c", "kill -s \"$1\" -- \"$2\"", "sh", signal, target]).stderr(Stdio::null()).status();
    // A process that is gone cannot be signalled, and need not be.
    drop(done);
}

/// The last lines of a log, for people.
pub(crate) fn end_of(log: &Path) -> String {
    let bytes = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(40)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn what_takes_too_long_is_ended_with_what_it_started() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let started = Instant::now();
        let refused = run(Command::new("sh").args(["-c", "echo begun; sleep 60 & sleep 60"]), &log, 1).unwrap_err();
        assert!(refused.contains("stopped after 1 seconds") && refused.contains("begun"), "{refused}");
        assert!(started.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_failing_command_says_its_last_words() {
        let directory = tempfile::tempdir().unwrap();
        let refused =
            run(Command::new("sh").args(["-c", "echo no such thing >&2; exit 3"]), &directory.path().join("log"), 20).unwrap_err();
        assert!(refused.contains("no such thing"), "{refused}");
    }
}
