//! The server is killed while people write: whatever it has acknowledged over the network is there when it is started again.

use crate::harness::connection::basic;
use crate::harness::process::wait_until;
use crate::harness::{Shoji, event};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

const WRITERS: usize = 8;
/// Events of each writer, written over and over.
const EVENTS: usize = 6;
const KILLS: usize = 4;
/// Acknowledgements between a start and the kill.
const WRITES: u64 = 60;

/// Versions of one event: the last that was begun, and the last that was acknowledged.
#[derive(Clone, Copy, Default)]
struct Versions {
    begun: u64,
    acknowledged: u64,
}

fn path(writer: usize, number: usize) -> String {
    format!("/dav/calendars/alice/default/{writer}-{number}.ics")
}

/// Writes until the server is gone; an answer counts when its head is there to its end.
fn write(address: SocketAddr, writer: usize, versions: &Mutex<[Versions; EVENTS]>, acknowledged: &AtomicU64) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    let mut answers = BufReader::new(stream.try_clone()?);
    for number in (0..EVENTS).cycle() {
        let version = {
            let mut versions = versions.lock().unwrap();
            versions[number].begun += 1;
            versions[number].begun
        };
        let (body, authorization) = (event(&format!("{writer}-{number}"), &format!("v{version}.")), basic("alice", "alice"));
        let (path, length) = (path(writer, number), body.len());
        let head = format!("PUT {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {authorization}\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(&[head.as_bytes(), body.as_bytes()].concat())?;
        let mut status = String::new();
        let mut line = String::new();
        loop {
            line.clear();
            if answers.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if status.is_empty() {
                status = line.clone();
            } else if line == "\r\n" {
                break;
            }
        }
        assert!(status.starts_with("HTTP/1.1 201") || status.starts_with("HTTP/1.1 204"), "{status}");
        versions.lock().unwrap()[number].acknowledged = version;
        acknowledged.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

#[test]
fn what_a_killed_server_has_acknowledged_is_there_when_it_is_started_again() {
    let shoji = Shoji::with_people();
    let written: [Mutex<[Versions; EVENTS]>; WRITERS] = Default::default();
    for kill in 0..=KILLS {
        let server = shoji.serve("");
        let mut connection = server.connect();
        for (writer, versions) in written.iter().enumerate() {
            for (number, versions) in versions.lock().unwrap().iter().enumerate().filter(|(_, versions)| versions.acknowledged > 0) {
                let reply = connection.request_as("alice", "GET", &path(writer, number), &[], "");
                let shown = reply.body.split_once("SUMMARY:v").and_then(|(_, rest)| rest.split_once('.')?.0.parse::<u64>().ok());
                let may_be = versions.acknowledged..=versions.begun;
                assert!(shown.is_some_and(|shown| may_be.contains(&shown)), "after kill {kill}: {shown:?}, not of {may_be:?}: {reply:?}");
            }
        }
        if kill == KILLS {
            server.stop();
            break;
        }
        let (address, acknowledged) = (server.address, AtomicU64::new(0));
        let acknowledged = &acknowledged;
        std::thread::scope(|scope| {
            for (writer, versions) in written.iter().enumerate() {
                // Cut off in the middle of anything, which is what this is about.
                scope.spawn(move || drop(write(address, writer, versions, acknowledged)));
            }
            wait_until("some writes", || (acknowledged.load(Ordering::Relaxed) >= WRITES).then_some(()));
            server.signal("KILL");
        });
    }
    assert_eq!(shoji.run(&["check"]).out, "the store is sound\n");
}
