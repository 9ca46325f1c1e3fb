//! Disks that fill up, fail and recover under a serving process: what is refused and how, that reading goes on, that nothing
//! acknowledged is lost, and that writing goes on by itself.
//!
//! No rights are needed: a disk of one's own is mounted in a namespace of one's own (`unshare -rm`), and a disk that takes
//! nothing is a limit on the size of files (`ulimit -f`, lifted by `prlimit`).

use crate::harness::process::{Server, wait_until};
use crate::harness::{Connection, Shoji, event};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

const WRITERS: usize = 4;

/// A program behind a line of shell, which ends with `exec "$0" "$@"`.
fn behind(script: &str, inner: &Command) -> Command {
    let mut command = Command::new("dash");
    command.env_clear().arg("-c").arg(script).arg(inner.get_program()).args(inner.get_args());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

fn path(writer: usize, number: usize) -> String {
    format!("/dav/calendars/alice/default/{writer}-{number}.ics")
}

fn body(writer: usize, number: usize) -> String {
    event(&format!("{writer}-{number}"), &"long ".repeat(300))
}

/// Who writes, what was acknowledged, and what was refused how.
#[derive(Default)]
struct Writer {
    number: usize,
    acknowledged: BTreeSet<usize>,
    refused: Vec<(u16, Option<String>, String)>,
}

impl Writer {
    /// Writes new objects until one is refused or so many are written.
    fn write(&mut self, address: SocketAddr, writer: usize, times: usize) {
        let mut connection = Connection::open(address);
        for _ in 0..times {
            self.number += 1;
            let reply = connection.request_as("alice", "PUT", &path(writer, self.number), &[], &body(writer, self.number));
            if reply.status == 201 {
                self.acknowledged.insert(self.number);
            } else {
                self.refused.push((reply.status, reply.header("retry-after").map(str::to_owned), reply.body));
                return;
            }
        }
    }
}

/// All at once, each until it is refused.
fn write_all(address: SocketAddr, writers: &mut [Writer], times: usize) {
    std::thread::scope(|scope| {
        for (number, writer) in writers.iter_mut().enumerate() {
            scope.spawn(move || writer.write(address, number, times));
        }
    });
}

/// Each acknowledged object is there, byte for byte. How many reads were put off by 503.
fn read_all(address: SocketAddr, writers: &[Writer]) -> usize {
    let mut connection = Connection::open(address);
    let mut put_off = 0;
    for (writer, number) in writers.iter().enumerate().flat_map(|(writer, of)| of.acknowledged.iter().map(move |number| (writer, *number)))
    {
        let reply = connection.request_as("alice", "GET", &path(writer, number), &[], "");
        match reply.status {
            503 => put_off += 1,
            status => assert_eq!((status, reply.body), (200, body(writer, number)), "{writer}-{number}"),
        }
    }
    put_off
}

fn ready(address: SocketAddr) -> u16 {
    Connection::open(address).request("GET", "/readyz", &[], "").status
}

fn assert_refused_for_want_of_room(writers: &[Writer]) {
    let refused: Vec<_> = writers.iter().flat_map(|writer| &writer.refused).collect();
    assert_eq!(refused.len(), WRITERS);
    for (status, retry_after, body) in &refused {
        match status {
            507 => assert!(body.contains("sufficient-disk-space"), "{body}"),
            // What had to be read first could not be.
            _ => assert_eq!((*status, retry_after.as_deref()), (503, Some("30"))),
        }
    }
    assert!(refused.iter().any(|(status, _, _)| *status == 507));
}

/// A server on a disk of its own.
struct Disk {
    server: Server,
    /// The data directory, as those outside of its namespace reach it.
    data: PathBuf,
}

fn on_a_disk(shoji: &Shoji, engine: &str, mebibytes: u32, reserve_bytes: u64) -> Disk {
    let place = shoji.path("disk");
    std::fs::create_dir(&place).unwrap();
    let file = shoji.file("shoji.toml", &format!("[storage]\nengine = \"{engine}\"\nreserve_bytes = {reserve_bytes}\n"));
    let mut inner = shoji.bare();
    inner.arg("--data").arg(place.join("data")).arg("--config").arg(file).args(["serve", "--listen", "127.0.0.1:0"]);
    let mount = format!("mount -t tmpfs -o size={mebibytes}m tmpfs {}; exec \"$0\" \"$@\"", place.display());
    let mut outer = Command::new("unshare");
    outer.args(["-rm", "dash", "-c", &format!("set -e; {mount}")]).arg(inner.get_program()).args(inner.get_args());
    outer.env_clear().envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let server = Server::start(outer, &shoji.path("log"));
    let mut data = OsString::from(format!("/proc/{}/root", server.id()));
    data.push(place.join("data"));
    Disk { server, data: PathBuf::from(data) }
}

impl Disk {
    /// Other people's files, until so many bytes are free.
    fn fill(&self, free_bytes: u64) {
        use std::io::Write;
        let mut file = std::fs::File::create(self.data.join("filler")).unwrap();
        let mut block = 1 << 20;
        while block > 0 {
            if self.free_bytes() < free_bytes + block || file.write_all(&vec![1; block as usize]).is_err() {
                block /= 2;
            }
        }
    }
    fn free_bytes(&self) -> u64 {
        let output = Command::new("stat").args(["-f", "-c", "%a %S"]).arg(&self.data).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_whitespace().map(|number| number.parse::<u64>().unwrap()).product()
    }
    fn make_room(&self) {
        std::fs::remove_file(self.data.join("filler")).unwrap();
    }
}

fn add_alice(shoji: &Shoji, data: &Path) {
    let mut command = shoji.bare();
    let people = "[[user]]\nname = \"alice\"\npassword = \"alice\"\n";
    let done = crate::harness::process::finish(command.arg("--data").arg(data).args(["apply", "-"]), people);
    assert_eq!(done.exit, Some(0), "{done:?}");
}

fn assert_sound(shoji: &Shoji, data: &Path) {
    let done = crate::harness::process::finish(shoji.bare().arg("--data").arg(data).arg("check"), "");
    assert_eq!(done.exit, Some(0), "{done:?}");
}

/// The disk fills up to the reserve, to its last byte by other people's files, and is emptied again.
fn fills_up(engine: &str, reserve_bytes: u64) {
    let shoji = Shoji::new();
    let disk = on_a_disk(&shoji, engine, 24, reserve_bytes);
    let address = disk.server.address;
    add_alice(&shoji, &disk.data);
    let mut writers: Vec<Writer> = (0..WRITERS).map(|_| Writer::default()).collect();
    write_all(address, &mut writers, 20);
    assert!(writers.iter().all(|writer| writer.acknowledged.len() == 20), "{}", disk.server.log());
    disk.fill(reserve_bytes + (3 << 20));
    write_all(address, &mut writers, 2_000);
    assert_refused_for_want_of_room(&writers);
    assert_eq!(ready(address), 503);
    assert_eq!(Connection::open(address).request("GET", "/healthz", &[], "").status, 200);
    let written: usize = writers.iter().map(|writer| writer.acknowledged.len()).sum();
    println!("{written} acknowledged before the disk was full, {} bytes free", disk.free_bytes());
    let put_off = read_all(address, &writers);
    // sled may refuse to read once it was refused to write.
    assert!(put_off == 0 || (engine, reserve_bytes) == ("sled", 0), "{}", disk.server.log());
    if reserve_bytes > 0 {
        // Somebody else takes what was left.
        disk.fill(0);
        for _ in 0..3 {
            std::thread::sleep(std::time::Duration::from_millis(600));
            assert_eq!(read_all(address, &writers), 0, "{}", disk.server.log());
        }
    }
    println!("{put_off} reads put off");
    disk.make_room();
    wait_until("the store to take writes again", || (ready(address) == 200).then_some(()));
    disk.server.wait_for_log("the store takes writes again");
    for writer in &mut writers {
        writer.refused.clear();
    }
    write_all(address, &mut writers, 5);
    assert!(writers.iter().all(|writer| writer.refused.is_empty()), "{}", disk.server.log());
    assert_eq!(read_all(address, &writers), 0);
    assert_sound(&shoji, &disk.data);
    disk.server.stop();
}

#[test]
fn a_disk_that_fills_up_is_left_its_reserve_and_writing_goes_on_when_there_is_room() {
    fills_up("sled", 4 << 20);
}

#[test]
fn redb_leaves_a_disk_that_fills_up_its_reserve_and_goes_on_writing_when_there_is_room() {
    fills_up("redb", 4 << 20);
}

#[test]
fn sled_meets_a_full_disk_loses_nothing_and_is_opened_anew_when_there_is_room() {
    fills_up("sled", 0);
}

#[test]
fn redb_meets_a_full_disk_loses_nothing_and_is_opened_anew_when_there_is_room() {
    fills_up("redb", 0);
}

#[test]
fn a_disk_that_takes_nothing_more_is_noticed_and_forgiven_by_sled() {
    takes_nothing("sled");
}

#[test]
fn a_disk_that_takes_nothing_more_is_noticed_and_forgiven_by_redb() {
    takes_nothing("redb");
}

fn takes_nothing(engine: &str) {
    let shoji = Shoji::new();
    let file = shoji.file("shoji.toml", &format!("[storage]\nengine = \"{engine}\"\nreserve_bytes = 0\n"));
    let mut inner = shoji.bare();
    inner.arg("--data").arg(shoji.data()).arg("--config").arg(file).args(["serve", "--listen", "127.0.0.1:0"]);
    // Ignoring the signal of that limit turns it into an error; what is ignored stays so in the program that follows.
    let server = Server::start(behind("trap '' XFSZ; exec \"$0\" \"$@\"", &inner), &shoji.path("log"));
    let address = server.address;
    add_alice(&shoji, shoji.data());
    let limit = |limit: &str| {
        let done = Command::new("prlimit").arg(format!("--pid={}", server.id())).arg(format!("--fsize={limit}")).status().unwrap();
        assert!(done.success());
    };
    let mut writers: Vec<Writer> = (0..WRITERS).map(|_| Writer::default()).collect();
    for round in 0..3 {
        write_all(address, &mut writers, 10);
        assert!(writers.iter().all(|writer| writer.refused.is_empty()), "round {round}: {}", server.log());
        limit("0:unlimited");
        write_all(address, &mut writers, 1_000);
        assert_refused_for_want_of_room(&writers);
        assert_eq!(ready(address), 503);
        println!("{} reads put off", read_all(address, &writers));
        limit("unlimited:unlimited");
        wait_until("the store to take writes again", || (ready(address) == 200).then_some(()));
        for writer in &mut writers {
            writer.refused.clear();
        }
        assert_eq!(read_all(address, &writers), 0);
    }
    assert_sound(&shoji, shoji.data());
    server.stop();
}

#[test]
fn a_write_that_could_not_be_made_durable_is_unavailable_until_the_store_was_opened_anew() {
    let shoji = Shoji::new();
    let server = shoji.serve("[storage]\nengine = \"sled\"\n");
    add_alice(&shoji, shoji.data());
    let mut writers = [Writer::default()];
    writers[0].write(server.address, 0, 3);
    // Listing this directory is part of making a commit durable.
    let blobs = shoji.data().join("store/blobs");
    std::fs::rename(&blobs, shoji.path("elsewhere")).unwrap();
    writers[0].write(server.address, 0, 10);
    let (status, retry_after, body) = &writers[0].refused[0];
    assert_eq!((*status, retry_after.as_deref(), body.as_str()), (503, Some("30"), ""));
    wait_until("the store to take writes again", || (ready(server.address) == 200).then_some(()));
    assert!(server.wait_for_log("the store takes writes again").contains("the disk failed"));
    writers[0].write(server.address, 0, 3);
    assert_eq!(writers[0].acknowledged.len(), 6);
    assert_eq!(read_all(server.address, &writers), 0);
    assert_sound(&shoji, shoji.data());
    server.stop();
}

#[test]
fn what_programs_are_told_of_a_full_disk() {
    let shoji = Shoji::with_people();
    let server = shoji.serve("[storage]\nreserve_bytes = 9000000000000000000\n");
    let mut connection = server.connect();
    let grants = "/api/v1/calendars/alice/default/grants";
    assert_eq!(connection.request_as("alice", "GET", grants, &[], "").status, 200);
    let change = "{\"grant\": [{\"everyone\": true, \"level\": \"titles\"}]}";
    let reply = connection.request_as("alice", "PUT", grants, &[("Content-Type", "application/json")], change);
    assert_eq!(reply.status, 507);
    assert!(reply.body.contains("\"limit\"") && reply.body.contains("disk"), "{}", reply.body);
    assert_eq!(connection.request_as("alice", "PROPFIND", "/dav/calendars/alice/default/", &[("Depth", "1")], "").status, 207);
    let (exit, code, _) = shoji.refusal(&["group", "add", "sales"]);
    assert_eq!((exit, code.as_str()), (Some(1), "disk-full"));
    let reply = connection.request("GET", "/readyz", &[], "");
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("30")));
}
