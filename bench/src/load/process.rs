//! What servers are as processes: started, stopped, and what they have used, their children and threads included.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// `utime` and the like count hundredths of a second on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;
/// From SIGTERM to the end.
const STOP_SECONDS_MAX: u64 = 60;

/// A process that ends with this one.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts a command at the head of a process group of its own, its words in a file.
    ///
    /// # Errors
    /// For people.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self, String> {
        let name = command.get_program().to_string_lossy().into_owned();
        let open = || -> std::io::Result<(File, File)> {
            let file = File::options().create(true).append(true).open(log)?;
            Ok((file.try_clone()?, file))
        };
        let (out, errors) = open().map_err(|error| format!("{}: {error}", log.display()))?;
        command.stdin(Stdio::null()).stdout(out).stderr(errors).process_group(0);
        Ok(Self { child: command.spawn().map_err(|error| format!("cannot run {name}: {error}"))? })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks it to end, and waits for that.
    ///
    /// # Errors
    /// It ended otherwise than well, or not in time.
    pub(crate) fn stop(mut self) -> Result<(), String> {
        signal("TERM", &self.child.id().to_string());
        let until = Instant::now() + Duration::from_secs(STOP_SECONDS_MAX);
        while Instant::now() < until {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => return Err(format!("it ended with {status}")),
                Ok(None) => std::thread::sleep(Duration::from_millis(20)),
                Err(error) => return Err(error.to_string()),
            }
        }
        Err(format!("it did not end within {STOP_SECONDS_MAX} seconds"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            signal("KILL", &format!("-{}", self.child.id()));
            drop(self.child.wait());
        }
    }
}

/// Through the shell's own `kill`: the standard library has no safe way. What is gone cannot be signalled, and need not be.
fn signal(name: &str, target: &str) {
    drop(Command::new("sh").args(["-c", "kill -s \"$1\" -- \"$2\"", "sh", name, target]).stderr(Stdio::null()).status());
}

/// Runs a command to its end.
///
/// # Errors
/// It ended otherwise than well: with its last words.
pub(crate) fn run(command: &mut Command, log: &Path) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut process = Process::start(command, log)?;
    match process.child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{name} ended with {status}:\n{}", end_of(log))),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

/// The last lines of a log.
pub(crate) fn end_of(log: &Path) -> String {
    let text = String::from_utf8_lossy(&std::fs::read(log).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n")
}

/// A process and all that descend from it.
fn family(root: u32) -> Vec<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    for id in entries.filter_map(|entry| entry.file_name().to_string_lossy().parse::<u32>().ok()) {
        if let Some(parent) = stat(id).first().and_then(|fields| fields.parse().ok()) {
            children.entry(parent).or_default().push(id);
        }
    }
    let mut family = vec![root];
    let mut next = 0;
    while let Some(id) = family.get(next).copied() {
        family.extend(children.get(&id).into_iter().flatten());
        next += 1;
    }
    family
}

/// The fields of `/proc/ID/stat` from the parent on: what stands before may hold spaces.
fn stat(id: u32) -> Vec<String> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let after = text.rsplit_once(')').map(|(_, after)| after).unwrap_or_default();
    after.split_whitespace().skip(1).map(str::to_owned).collect()
}

/// Seconds of processor time that a process and its children have used.
pub(crate) fn cpu_seconds(root: u32) -> f64 {
    let ticks = family(root).into_iter().flat_map(|id| stat(id).into_iter().skip(10).take(4));
    ticks.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}

/// Nanoseconds for which the threads of one process have run that still live: finer than [`cpu_seconds`], for one answer.
pub(crate) fn run_nanoseconds(id: u32) -> u64 {
    let threads = std::fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    let run = |path: PathBuf| std::fs::read_to_string(path.join("schedstat")).ok()?.split_whitespace().next()?.parse::<u64>().ok();
    threads.filter_map(|thread| run(thread.path())).sum()
}

/// What a process and its children take up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) resident_bytes: u64,
    /// The most that was resident since the mark was last reset.
    pub(crate) peak_bytes: u64,
    /// What is shared is counted in shares.
    pub(crate) proportional_bytes: u64,
}

pub(crate) fn memory(root: u32) -> Memory {
    let mut memory = Memory::default();
    for id in family(root) {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{id}/{file}")).unwrap_or_default();
        let kilobytes = |text: &str, name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse::<u64>().ok()).unwrap_or_default() << 10
        };
        let (status, shares) = (read("status"), read("smaps_rollup"));
        memory.resident_bytes += kilobytes(&status, "VmRSS:");
        memory.peak_bytes += kilobytes(&status, "VmHWM:");
        memory.proportional_bytes += kilobytes(&shares, "Pss:");
    }
    memory
}

/// From now on the peak is that of what follows.
pub(crate) fn reset_peak(root: u32) {
    for id in family(root) {
        // Where that is not allowed, the peak is that of the whole life.
        drop(std::fs::write(format!("/proc/{id}/clear_refs"), "5"));
    }
}

/// Bytes that files below a directory take up on the disk.
pub(crate) fn disk_bytes(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let mut waiting: Vec<PathBuf> = vec![path.to_owned()];
    let mut sum = 0;
    while let Some(path) = waiting.pop() {
        let Ok(metadata) = std::fs::symlink_metadata(&path) else { continue };
        sum += metadata.blocks() * 512;
        if metadata.is_dir() {
            waiting.extend(std::fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        }
    }
    sum
}
