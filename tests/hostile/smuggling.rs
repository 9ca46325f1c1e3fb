//! Requests whose end two readers see in different places (RFC 9112 §11.2): none is read as two, and after what is ambiguous
//! the connection ends.

use super::{EVENT, ends_well, server};
use crate::harness::{Server, Shoji, basic};

/// What stands after the ambiguous request. Answered, it would have been smuggled past a proxy.
const SMUGGLED: &str = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

/// The statuses of all that is answered until the server ends the connection.
fn statuses(server: &Server, bytes: &[u8]) -> Vec<u16> {
    let mut connection = server.connect();
    connection.try_send(bytes);
    let answer = String::from_utf8_lossy(&connection.closed()).into_owned();
    let begins = answer.match_indices("HTTP/1.1 ");
    begins.filter_map(|(at, _)| answer.get(at + 9..at + 12)?.parse().ok()).collect()
}

/// A PUT of alice's with these headers and this rest.
fn put(headers: &str, rest: &str) -> Vec<u8> {
    let credentials = basic("alice", "alice");
    format!("PUT {EVENT} HTTP/1.1\r\nHost: shoji.test\r\nAuthorization: {credentials}\r\n{headers}\r\n{rest}").into_bytes()
}

#[test]
fn nothing_is_read_as_two_requests() {
    let shoji = Shoji::with_people();
    let server = server(&shoji, "header_seconds = 1\nbody_seconds = 1\n");
    let chunked = format!("0\r\n\r\n{SMUGGLED}");
    let plain = format!("x{SMUGGLED}");
    for (what, headers, rest) in [
        ("a length and chunks", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", &chunked),
        ("chunks and a length", "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", &chunked),
        ("two lengths", "Content-Length: 1\r\nContent-Length: 40\r\n", &plain),
        ("a list of lengths", "Content-Length: 1, 40\r\n", &plain),
        ("a length with a sign", "Content-Length: +1\r\n", &plain),
        ("a length below nothing", "Content-Length: -1\r\n", &plain),
        ("a length in base 16", "Content-Length: 0x1\r\n", &plain),
        ("a length past all bounds", "Content-Length: 99999999999999999999999999\r\n", &plain),
        ("an unknown coding last", "Transfer-Encoding: chunked, identity\r\n", &chunked),
        ("an unknown coding", "Transfer-Encoding: xchunked\r\n", &chunked),
        ("a coding behind a control character", "Transfer-Encoding: \u{b}chunked\r\n", &chunked),
        ("a name before white space", "Transfer-Encoding : chunked\r\n", &chunked),
        ("a folded line", "X-Folded: a\r\n Transfer-Encoding: chunked\r\n", &chunked),
        ("a folded length", "Content-Length:\r\n 1\r\n", &plain),
        ("a line that ends in CR", "X-A: b\rTransfer-Encoding: chunked\r\n", &chunked),
        ("a null", "X-A: b\0c\r\n", &plain),
        ("a chunk of no number", "Transfer-Encoding: chunked\r\n", &format!("z\r\nx\r\n0\r\n\r\n{SMUGGLED}")),
        ("a chunk with a sign", "Transfer-Encoding: chunked\r\n", &format!("+1\r\nx\r\n0\r\n\r\n{SMUGGLED}")),
        ("a chunk past all bounds", "Transfer-Encoding: chunked\r\n", &format!("fffffffffffffffff\r\nx\r\n0\r\n\r\n{SMUGGLED}")),
        ("a chunk longer than it says", "Transfer-Encoding: chunked\r\n", &format!("1\r\nxyz\r\n0\r\n\r\n{SMUGGLED}")),
        ("an extension without end", "Transfer-Encoding: chunked\r\n", &format!("1;{}\r\nx\r\n0\r\n\r\n{SMUGGLED}", "a".repeat(40_000))),
        ("a line feed in an extension", "Transfer-Encoding: chunked\r\n", &format!("1;a\nb\r\nx\r\n0\r\n\r\n{SMUGGLED}")),
        ("trailers without end", "Transfer-Encoding: chunked\r\n", &format!("0\r\n{}\r\n{SMUGGLED}", "X-T: a\r\n".repeat(4_000))),
    ] {
        let statuses = statuses(&server, &put(headers, rest));
        assert!(statuses.len() <= 1 && statuses.iter().all(|status| (400..500).contains(status)), "{what}: {statuses:?}");
    }
    ends_well(server);
}

/// Chunks and trailers that are as they should be are one request, and what follows is the next.
#[test]
fn what_is_not_ambiguous_goes_on() {
    let shoji = Shoji::with_people();
    let server = server(&shoji, "header_seconds = 1\n");
    for headers in ["Transfer-Encoding: chunked\r\n", "Transfer-Encoding: Chunked\r\n"] {
        let rest = format!("1;note=\"x\"\r\nx\r\n0\r\nX-Trailer: a\r\n\r\n{SMUGGLED}");
        assert_eq!(statuses(&server, &put(headers, &rest)), [403, 200], "{headers}");
    }
    assert_eq!(statuses(&server, &put("Content-Length: 1\r\nContent-Length: 1\r\n", &format!("x{SMUGGLED}"))), [403, 200]);
    ends_well(server);
}

/// Of two hosts, two credentials or a line that is none, nobody can tell what another reader made of them.
#[test]
fn heads_that_are_no_heads_are_refused() {
    let shoji = Shoji::with_people();
    let server = server(&shoji, "header_seconds = 1\n");
    for (what, bytes, expected) in [
        ("no version", &b"GET /healthz\r\n\r\n"[..], &[400][..]),
        ("a version to come", b"GET /healthz HTTP/3.0\r\nHost: a\r\n\r\n", &[400]),
        ("a space in the path", b"GET /heal thz HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
        ("a null in the path", b"GET /heal\0thz HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
        ("a line feed in the path", b"GET /heal\nthz HTTP/1.1\r\nHost: a\r\n\r\n", &[400]),
        ("bytes in a name", b"GET /healthz HTTP/1.1\r\nHost: a\r\nX\xff: b\r\n\r\n", &[400]),
        ("a name without a colon", b"GET /healthz HTTP/1.1\r\nHost: a\r\nnothing\r\n\r\n", &[400]),
        ("chunks for HTTP/1.0", b"PUT /dav/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", &[400]),
    ] {
        assert_eq!(statuses(&server, bytes), expected, "{what}");
    }
    let mut connection = server.connect();
    let (alice, bob) = (basic("alice", "alice"), basic("bob", "bob"));
    assert_eq!(connection.request("GET", EVENT, &[("Authorization", &alice), ("Authorization", &bob)], "").status, 401);
    ends_well(server);
}
