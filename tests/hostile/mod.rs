//! What arrives from those who mean harm, over real sockets: each is answered or cut within the server's own limits, in bounded
//! memory, while others are served. How one connection is kept waiting in plain ways stands with the other tests of serving.

mod answers;
mod bodies;
mod http2;
mod names;
mod smuggling;

use crate::harness::{Server, Shoji, event};

/// Bytes of memory a server may have had at its busiest here: what it starts with, caches, and some bodies of 5 MiB read and
/// parsed at a time.
const MEMORY_MAX: u64 = 600 << 20;

const EVENT: &str = "/dav/calendars/alice/default/event.ics";

/// A server whose limits are short enough to wait for.
fn server(shoji: &Shoji, limits: &str) -> Server {
    let server = shoji.serve(&format!("[limits]\n{limits}"));
    assert_eq!(server.connect().request_as("alice", "PUT", EVENT, &[], &event("one", "Quiet")).status, 201);
    server
}

/// Somebody who means no harm asks, on a connection of his own, and is answered.
fn others_are_served(server: &Server) {
    let mut connection = server.connect();
    assert_eq!(connection.request_as("bob", "PROPFIND", "/dav/calendars/bob/", &[("Depth", "1")], "").status, 207);
    assert_eq!(connection.request_as("alice", "GET", EVENT, &[], "").body, event("one", "Quiet"));
}

/// Ends the server: it is as well as before, and has taken no more memory than it may.
fn ends_well(server: Server) {
    others_are_served(&server);
    let peak = server.memory_peak_bytes();
    assert!(peak < MEMORY_MAX, "{} MiB", peak >> 20);
    assert!(!server.log().contains("this is a defect"), "{}", server.log());
    server.stop();
}
