//! One life of the machine: qemu without hardware help, its disk served by us, its words heard line by line. Ends by SIGKILL, and
//! never outlives its owner.

use crate::disk::{Cut, Disk, Loss};
use crate::nbd::{self, End, Shared};
use bench::chance::Chance;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// Lines of the console that a failure shows.
const LAST_LINES: usize = 30;

/// What every life starts from.
#[derive(Debug)]
pub(crate) struct Setup {
    /// The kernel's image.
    pub(crate) kernel: PathBuf,
    /// The first file system.
    pub(crate) initramfs: PathBuf,
    /// For sockets and logs.
    pub(crate) work: PathBuf,
}

impl Setup {
    /// The same, with a folder of its own for one of several machines.
    ///
    /// # Errors
    /// The folder cannot be made; in words.
    pub(crate) fn beside(&self, number: usize) -> Result<Self, String> {
        let work = self.work.join(format!("machine-{number}"));
        std::fs::create_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))?;
        Ok(Self { kernel: self.kernel.clone(), initramfs: self.initramfs.clone(), work })
    }
}

/// A running machine.
#[derive(Debug)]
pub(crate) struct Machine {
    child: Child,
    /// Held open: the port closes with it.
    _orders: ChildStdin,
    events: Receiver<Event>,
    disk: Shared,
    socket: PathBuf,
    console: PathBuf,
}

/// What comes from a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// It said a line.
    Word(String),
    /// Its disk has no power any more.
    Off,
}

/// Nothing came in time, or nothing more can come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// Not yet.
    Late,
    /// The machine is gone.
    Ended,
}

impl Machine {
    /// Starts it on a disk, with orders for the guest.
    ///
    /// # Errors
    /// qemu is missing, or the machine lacks sockets; in words.
    pub(crate) fn start(setup: &Setup, disk: Disk, orders: &str) -> Result<Self, String> {
        let socket = setup.work.join("disk.sock");
        let console = setup.work.join("console.log");
        for old in [&socket, &console] {
            // The last life's; there may be none.
            drop(std::fs::remove_file(old));
        }
        let listener = UnixListener::bind(&socket).map_err(|error| format!("{}: {error}", socket.display()))?;
        let disk: Shared = Arc::new(Mutex::new(disk));
        let served = disk.clone();
        let (sender, events) = mpsc::channel();
        let off = sender.clone();
        std::thread::spawn(move || {
            if let Ok((mut stream, _)) = listener.accept()
                && nbd::serve(&mut stream, &served).is_ok_and(|end| end == End::Off)
            {
                // Nobody may listen any more.
                drop(off.send(Event::Off));
                nbd::fall_silent(&mut stream);
            }
        });
        let mut child = command(setup, &socket, &console).spawn().map_err(|error| format!("cannot run qemu-system-x86_64: {error}"))?;
        let (stdin, stdout) = child.stdin.take().zip(child.stdout.take()).ok_or("qemu has no pipes")?;
        std::thread::spawn(move || {
            let mut lines = BufReader::new(stdout);
            let mut line = Vec::new();
            // A line that the cut tore is none.
            while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) && line.ends_with(b"\n") {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                if sender.send(Event::Word(text)).is_err() {
                    break;
                }
                line.clear();
            }
        });
        let mut machine = Self { child, _orders: stdin, events, disk, socket, console };
        machine._orders.write_all(orders.as_bytes()).map_err(|error| machine.failure(&format!("the machine takes no orders: {error}")))?;
        Ok(machine)
    }

    /// The next thing that comes from it, until then.
    pub(crate) fn hear(&self, until: Instant) -> Result<Event, Silence> {
        let left = until.saturating_duration_since(Instant::now());
        self.events.recv_timeout(left).map_err(|error| match error {
            RecvTimeoutError::Timeout => Silence::Late,
            RecvTimeoutError::Disconnected => Silence::Ended,
        })
    }

    fn disk(&self) -> std::sync::MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the power go with the write to the disk after so many.
    pub(crate) fn cut_after(&self, writes: u64) {
        self.disk().cut_after(writes);
    }

    /// Cuts the power now, if it is not gone.
    pub(crate) fn cut(&self, loss: Loss, chance: &mut Chance) -> Cut {
        self.disk().cut(loss, chance)
    }

    /// What is on the disk after a cut.
    pub(crate) fn left(&self) -> Vec<u8> {
        self.disk().left().to_vec()
    }

    /// Ends it. What it said before is still to be heard.
    pub(crate) fn kill(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
        // Should it never have come for its disk, nobody else will.
        drop(UnixStream::connect(&self.socket));
    }

    /// Words about a failure, with the end of the console.
    pub(crate) fn failure(&self, what: &str) -> String {
        let text = std::fs::read(&self.console).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let last = lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default();
        format!("{what}; the end of the console:\n{}", last.join("\n"))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.kill();
    }
}

fn command(setup: &Setup, socket: &Path, console: &Path) -> Command {
    let mut command = Command::new("qemu-system-x86_64");
    command.args([
        "-accel",
        "tcg,thread=multi",
        "-cpu",
        "max",
        "-smp",
        "2",
        "-m",
        "640",
        "-nodefaults",
        "-no-user-config",
        "-display",
        "none",
    ]);
    command.args(["-no-reboot", "-kernel"]).arg(&setup.kernel).arg("-initrd").arg(&setup.initramfs);
    // Beside a busy build the emulated timer fails the kernel's test of it.
    command.args(["-append", "console=ttyS0 quiet panic=-1 no_timer_check mitigations=off nokaslr"]);
    command.arg("-serial").arg(format!("file:{}", console.display()));
    // The writes of the machine's cache are ours to lose: qemu keeps none back, and passes flushes on.
    command.arg("-blockdev").arg(format!("driver=nbd,node-name=disk,server.type=unix,server.path={}", socket.display()));
    command.args(["-device", "virtio-blk-pci,drive=disk,write-cache=on"]);
    command.args(["-chardev", "stdio,id=words,signal=off", "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=words"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    command
}

/// The kernel's image in an unpacked package.
///
/// # Errors
/// There is none.
pub(crate) fn kernel_image(package: &Path) -> Result<PathBuf, String> {
    let boot = package.join("boot");
    let entries = std::fs::read_dir(&boot).map_err(|error| format!("{}: {error}", boot.display()))?;
    let mut images = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    images
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz")))
        .ok_or_else(|| format!("{} has no kernel", boot.display()))
}

/// An empty ext4 file system of this size.
///
/// # Errors
/// `mkfs.ext4` is missing or fails; in words.
pub(crate) fn empty_disk(work: &Path, bytes: u64) -> Result<Vec<u8>, String> {
    let path = work.join("empty.img");
    let made = std::fs::File::create(&path).and_then(|file| file.set_len(bytes));
    made.map_err(|error| format!("{}: {error}", path.display()))?;
    let output =
        Command::new("/sbin/mkfs.ext4").args(["-q", "-F"]).arg(&path).output().map_err(|error| format!("cannot run mkfs.ext4: {error}"))?;
    if !output.status.success() {
        return Err(format!("mkfs.ext4: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let content = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    std::fs::remove_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(content)
}

/// A life beyond that hangs: an emulated machine beside a busy build is slow, but not so slow.
pub(crate) const LIFE_MAX: Duration = Duration::from_secs(240);
