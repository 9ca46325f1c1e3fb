//! HTTP/2 frames as no honest client sends them (RFC 9113 §10.5).

use super::{EVENT, ends_well, others_are_served, server};
use crate::harness::process::PATIENCE;
use crate::harness::{Connection, Shoji, basic, event};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A frame (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// The head of a GET of this path by alice (RFC 7541 §6.2.2: literals that nobody indexes).
fn head(path: &str) -> Vec<u8> {
    let mut block = vec![0x82, 0x86];
    for (index, value) in [(4_u8, path), (1, "shoji.test"), (0, "")] {
        if index == 0 {
            block.extend_from_slice(&[0x0f, 0x08]);
            literal(&mut block, &basic("alice", "alice"));
        } else {
            block.push(index);
            literal(&mut block, value);
        }
    }
    block
}

fn literal(block: &mut Vec<u8>, value: &str) {
    block.push(u8::try_from(value.len()).unwrap());
    block.extend_from_slice(value.as_bytes());
}

/// A connection that has said hello.
fn opened(server: &crate::harness::Server) -> Connection {
    let mut connection = server.connect();
    connection.send([PREFACE, &frame(SETTINGS, 0, 0, &[])].concat());
    connection
}

/// A client that opened a window of nothing held answers of megabytes in memory for as long as it answered pings.
#[test]
fn an_answer_for_which_no_window_is_opened_is_cut() {
    let shoji = Shoji::with_people();
    let server = server(&shoji, "write_seconds = 1\n");
    let large = event("large", &"x".repeat(400_000));
    assert_eq!(server.connect().request_as("alice", "PUT", "/dav/calendars/alice/default/large.ics", &[], &large).status, 201);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for window in [0_u32, 1, 1_000] {
            let stream = TcpStream::connect(server.address).await.unwrap();
            let (mut sender, connection) =
                http2::Builder::new(TokioExecutor::new()).initial_stream_window_size(window).handshake(TokioIo::new(stream)).await.unwrap();
            let served = tokio::spawn(connection);
            let asked = Request::builder()
                .method(Method::GET)
                .uri("http://shoji.test/dav/calendars/alice/default/large.ics")
                .header("authorization", basic("alice", "alice"))
                .body(Full::new(Bytes::new()))
                .unwrap();
            let answer = sender.send_request(asked).await.unwrap();
            assert_eq!(answer.status(), 200);
            // Held, not read: pings are answered meanwhile, for the connection's task goes on.
            tokio::time::timeout(PATIENCE, served).await.expect("the connection to be cut").unwrap().ok();
            assert!(answer.into_body().collect().await.is_err(), "{window}");
        }
    });
    ends_well(server);
}

/// CVE-2023-44487: streams that are opened and reset at once never count as open.
#[test]
fn rapid_resets_end_the_connection_and_nothing_else() {
    let shoji = Shoji::with_people();
    let server = server(&shoji, "");
    let mut connection = opened(&server);
    let head = head(EVENT);
    for stream in 0..20_000_u32 {
        let stream = 2 * stream + 1;
        let both = [frame(HEADERS, END_STREAM | END_HEADERS, stream, &head), frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())];
        connection.try_send(both.concat());
    }
    others_are_served(&server);
    connection.closed();
    ends_well(server);
}

/// CVE-2024-24549 and its kin: a head that goes on for ever is never a request.
#[test]
fn a_head_without_end_is_cut() {
    let shoji = Shoji::with_people();
    let server = server(&shoji, "header_bytes_max = 16384\n");
    let mut connection = opened(&server);
    connection.send(frame(HEADERS, END_STREAM, 1, &head(EVENT)));
    let mut line = vec![0_u8];
    literal(&mut line, "x-more");
    literal(&mut line, &"x".repeat(100));
    for _ in 0..20_000 {
        connection.try_send(frame(CONTINUATION, 0, 1, &line));
    }
    others_are_served(&server);
    connection.closed();
    ends_well(server);
}

/// Each of these frames has to be answered, and nobody takes the answers.
#[test]
fn settings_and_pings_whose_answers_nobody_reads_are_bounded() {
    let shoji = Shoji::with_people();
    let server = server(&shoji, "write_seconds = 1\n");
    for (kind, payload) in [(SETTINGS, &[][..]), (PING, &[7; 8][..])] {
        let mut connection = opened(&server);
        let many = frame(kind, 0, 0, payload).repeat(1_000);
        for _ in 0..1_000 {
            connection.try_send(&many);
        }
        others_are_served(&server);
        connection.closed();
    }
    ends_well(server);
}

/// Some hundred connections that did nothing but answer pings would have kept every place there is.
#[test]
fn whoever_asks_for_nothing_loses_the_place() {
    let shoji = Shoji::with_people();
    let server = server(&shoji, "idle_seconds = 1\nconnections_max = 4\n");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut idle = Vec::new();
        for _ in 0..4 {
            let stream = TcpStream::connect(server.address).await.unwrap();
            let (sender, connection) = http2::handshake::<_, _, Full<Bytes>>(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
            idle.push((sender, tokio::spawn(connection)));
        }
        for (sender, served) in idle {
            tokio::time::timeout(PATIENCE, served).await.expect("the connection to end").unwrap().unwrap();
            drop(sender);
        }
    });
    ends_well(server);
}

/// What is no HTTP/2 ends the connection.
#[test]
fn broken_frames_end_the_connection() {
    let shoji = Shoji::with_people();
    let server = server(&shoji, "handshake_seconds = 1\nheader_seconds = 1\nidle_seconds = 1\n");
    for broken in [
        frame(HEADERS, END_STREAM | END_HEADERS, 2, &head(EVENT)),
        frame(HEADERS, END_STREAM | END_HEADERS, 1, &[0xff; 40]),
        frame(CONTINUATION, END_HEADERS, 1, &head(EVENT)),
        frame(SETTINGS, 0, 0, &[0, 4, 0xff, 0xff, 0xff, 0xff]),
        frame(SETTINGS, 0, 3, &[]),
        frame(PING, 0, 0, &[1]),
        frame(RST_STREAM, 0, 0, &[0; 4]),
        vec![0xff; 9],
        frame(0, 0, 1, &[0; 16_384]),
    ] {
        let mut connection = opened(&server);
        connection.send(&broken);
        connection.closed();
    }
    ends_well(server);
}
