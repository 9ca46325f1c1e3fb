//! Serving: what each connection gets, in which order, in what time, and how the server ends.

use crate::harness::process::wait_until;
use crate::harness::{Connection, Shoji, basic, event};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const EVENT: &str = "/dav/calendars/alice/default/event.ics";
const HOME: &str = "/dav/calendars/alice/";

/// Times short enough to wait for, and a body that is soon too large.
const SHORT: &str = "[limits]\nhandshake_seconds = 1\nheader_seconds = 1\nbody_seconds = 1\nidle_seconds = 1\nbody_bytes_max = 100000\nunread_body_bytes_max = 400000\n";

#[test]
fn the_way_to_the_calendars_is_told_to_everyone_by_every_method() {
    let shoji = Shoji::with_people();
    let server = shoji.serve("");
    let mut connection = server.connect();
    let place = connection.request("GET", "/.well-known/", &[], "");
    assert!(place.status == 200 && place.body.starts_with("caldav: "), "{}", place.body);
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "POST", "PROPFIND", "PROPPATCH", "MKCOL", "REPORT", "COPY", "LOCK", "BREW"] {
        for path in ["/.well-known/caldav", "/.well-known/caldav/", "/.well-known/caldav?from=phone"] {
            let body = if method == "PROPFIND" { "<propfind xmlns=\"DAV:\"><allprop/></propfind>" } else { "" };
            let reply = connection.request(method, path, &[], body);
            assert_eq!((reply.status, reply.header("location")), (301, Some("/dav/")), "{method} {path}");
        }
    }
    // Where it leads, sign-in is asked for, and at the addresses that clients try besides.
    for path in ["/dav/", "/", "/principals/", "/dav/principals/", "/dav/calendars/alice/", "/nowhere"] {
        let reply = connection.request("PROPFIND", path, &[("Depth", "0")], "");
        assert_eq!(reply.status, 401, "{path}");
        assert_eq!(reply.header("www-authenticate"), Some("Basic realm=\"shoji\", charset=\"UTF-8\""));
        // caldav-server-tester takes for no CalDAV server what does not say so before it asks for a password.
        assert!(connection.request("OPTIONS", path, &[], "").header("dav").is_some_and(|dav| dav.contains("calendar-access")), "{path}");
    }
    for path in ["/dav/", "/", "/principals/", "/dav/principals/"] {
        assert_eq!(connection.request_as("alice", "PROPFIND", path, &[("Depth", "0")], "").status, 207, "{path}");
    }
    server.stop();
}

#[test]
fn health_is_told_without_sign_in() {
    let shoji = Shoji::new();
    let server = shoji.serve("");
    let reply = server.connect().request("GET", "/healthz", &[], "");
    assert_eq!((reply.status, reply.body.as_str()), (200, "ok\n"));
    assert!(server.wait_for_log("shoji user add").contains("no users yet"));
    server.stop();
}

#[test]
fn each_address_is_told_once_it_answers() {
    let shoji = Shoji::new();
    let mut server = shoji.serve_with("", &["--listen", "127.0.0.1:0", "--listen", "[::1]:0"]);
    assert!(server.line.starts_with("listening on http://127.0.0.1:"), "{}", server.line);
    assert_ne!(server.address.port(), 0);
    let second = server.next_line();
    let second = second.strip_prefix("listening on http://").unwrap().strip_suffix("/\n").unwrap();
    assert!(second.starts_with("[::1]:"), "{second}");
    for address in [server.address, second.parse().unwrap()] {
        assert_eq!(Connection::open(address).request("GET", "/healthz", &[], "").status, 200);
    }
    server.stop();
}

#[test]
fn leak_101_who_asks_is_decided_anew_for_every_request_of_a_connection() {
    let shoji = Shoji::with_people();
    let server = shoji.serve("");
    let mut connection = server.connect();
    assert_eq!(connection.request_as("alice", "PUT", EVENT, &[], &event("one", "Therapy")).status, 201);
    assert_eq!(connection.request_as("bob", "GET", EVENT, &[], "").status, 404);
    assert_eq!(connection.request("GET", EVENT, &[], "").status, 401);
    assert_eq!(connection.request("GET", EVENT, &[("Authorization", &basic("alice", "bob"))], "").status, 401);
    let reply = connection.request_as("alice", "GET", EVENT, &[], "");
    assert_eq!((reply.status, reply.body), (200, event("one", "Therapy")));
    let head = connection.request_as("alice", "HEAD", EVENT, &[], "");
    assert_eq!(head.header("content-length"), Some(event("one", "Therapy").len().to_string().as_str()));
    server.stop();
}

#[test]
fn requests_written_without_waiting_are_answered_in_order() {
    let shoji = Shoji::with_people();
    let server = shoji.serve("");
    let mut connection = server.connect();
    connection.send(
        "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /.well-known/caldav HTTP/1.1\r\nHost: a\r\n\r\nGET /dav/ HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert_eq!([connection.reply().status, connection.reply().status, connection.reply().status], [200, 301, 401]);
    server.stop();
}

#[test]
fn a_body_may_come_in_chunks_and_after_asking() {
    let shoji = Shoji::with_people();
    let server = shoji.serve("");
    let mut connection = server.connect();
    let text = event("one", "In chunks");
    let (first, second) = text.split_at(50);
    let head =
        |extra: &str| format!("PUT {EVENT} HTTP/1.1\r\nHost: shoji.test\r\nAuthorization: {}\r\n{extra}\r\n", basic("alice", "alice"));
    connection.send(head("Transfer-Encoding: chunked\r\n"));
    connection.send(format!("{:x}\r\n{first}\r\n{:x};note=x\r\n{second}\r\n0\r\n\r\n", first.len(), second.len()));
    assert_eq!(connection.reply().status, 201);
    let changed = event("one", "After asking");
    connection.send(head(&format!("Expect: 100-continue\r\nContent-Length: {}\r\n", changed.len())));
    assert_eq!(connection.reply().status, 100);
    connection.send(&changed);
    assert_eq!(connection.reply().status, 204);
    assert_eq!(connection.request_as("alice", "GET", EVENT, &[], "").body, changed);
    server.stop();
}

#[test]
fn a_body_over_the_limit_is_refused_and_the_connection_goes_on() {
    let shoji = Shoji::with_people();
    let server = shoji.serve(SHORT);
    let large = "x".repeat(300_000);
    let mut connection = server.connect();
    assert_eq!(connection.request_as("alice", "PUT", EVENT, &[], &large).status, 413);
    assert_eq!(connection.request_as("alice", "PUT", EVENT, &[], &event("one", "Small")).status, 201);
    connection.send(format!(
        "PUT {EVENT} HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\nTransfer-Encoding: chunked\r\n\r\n",
        basic("alice", "alice")
    ));
    connection.send(format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len()));
    assert_eq!(connection.reply().status, 413);
    // Without sign-in a large body is not read into memory either, and what comes after it is answered.
    assert_eq!(connection.request("PUT", EVENT, &[], &large).status, 401);
    assert_eq!(connection.request("GET", "/healthz", &[], "").status, 200);
    // Who asks first need not send it at all.
    let mut asking = server.connect();
    asking.send(format!(
        "PUT {EVENT} HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\nExpect: 100-continue\r\nContent-Length: 300000\r\n\r\n",
        basic("alice", "alice")
    ));
    assert_eq!(asking.reply().status, 413);
    // A body without end is not read to its end.
    let mut endless = server.connect();
    endless.send(format!(
        "PUT {EVENT} HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\nContent-Length: 1000000000000\r\n\r\n",
        basic("alice", "alice")
    ));
    endless.try_send(&large);
    assert_eq!(endless.reply().status, 413);
    endless.closed();
    server.stop();
}

#[test]
fn too_long_a_head_is_told_so() {
    let shoji = Shoji::new();
    let server = shoji.serve("[limits]\nheader_bytes_max = 10000\n");
    let mut connection = server.connect();
    connection.try_send(format!("GET /healthz HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n", "x".repeat(20_000)));
    assert_eq!(connection.reply().status, 431);
    let mut connection = server.connect();
    connection.try_send(format!("GET /healthz HTTP/1.1\r\nHost: a\r\n{}\r\n", "X-Many: x\r\n".repeat(200)));
    assert_eq!(connection.reply().status, 431);
    let mut connection = server.connect();
    connection.try_send("this is no HTTP\r\n\r\n");
    assert_eq!(connection.reply().status, 400);
    server.stop();
}

#[test]
fn whoever_keeps_the_server_waiting_is_cut() {
    let shoji = Shoji::with_people();
    let server = shoji.serve(SHORT);
    let started = Instant::now();
    let credentials = basic("alice", "alice");
    let beginnings = [
        ("silence", String::new()),
        ("half a preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\n".to_owned()),
        ("a preface and then silence", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        ("half a request line", "GET /hea".to_owned()),
        ("half a head", "GET /healthz HTTP/1.1\r\nHost: a\r\n".to_owned()),
    ];
    let connections: Vec<_> = beginnings
        .into_iter()
        .map(|(what, bytes)| {
            let mut connection = server.connect();
            connection.send(bytes);
            (what, connection)
        })
        .collect();
    let mut slow = server.connect();
    slow.send(format!("PUT {EVENT} HTTP/1.1\r\nHost: a\r\nAuthorization: {credentials}\r\nContent-Length: 1000\r\n\r\nBEGIN:VC"));
    let mut idle = server.connect();
    assert_eq!(idle.request("GET", "/healthz", &[], "").status, 200);
    for (what, connection) in connections {
        connection.closed();
        assert!(started.elapsed() < Duration::from_secs(30), "{what} took {:?}", started.elapsed());
    }
    assert_eq!(slow.reply().status, 408);
    slow.closed();
    idle.closed();
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    server.stop();
}

#[test]
fn whoever_does_not_read_his_answer_is_cut() {
    let shoji = Shoji::with_people();
    let server = shoji.serve("[limits]\nwrite_seconds = 1\n[metrics]\nlisten = \"127.0.0.1:0\"\n");
    let told = server.wait_for_log("metrics on http://");
    let metrics = told.split("metrics on http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
    let open = || -> u64 {
        let page = Connection::open(metrics).request("GET", "/metrics", &[], "").body;
        page.lines().find_map(|line| line.strip_prefix("shoji_connections ")).map_or(0, |count| count.parse().unwrap())
    };
    let mut deaf = server.connect();
    let text = event("one", &"x".repeat(400_000));
    assert_eq!(deaf.request_as("alice", "PUT", EVENT, &[], &text).status, 201);
    assert_eq!(open(), 1);
    // More answers than the sockets hold between them.
    let request = format!("GET {EVENT} HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\n\r\n", basic("alice", "alice"));
    deaf.send(request.repeat(40));
    wait_until("the connection to be cut", || (open() == 0).then_some(()));
    // One byte now and then is not reading either; others do not wait for it.
    let mut dripping = TcpStream::connect(server.address).unwrap();
    dripping.write_all(request.repeat(40).as_bytes()).unwrap();
    let cut = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let drips = scope.spawn(|| {
            let mut drips = 0;
            while !cut.load(Ordering::Relaxed) && dripping.read(&mut [0]).is_ok_and(|bytes| bytes == 1) {
                drips += 1;
                std::thread::sleep(Duration::from_millis(100));
            }
            drips
        });
        assert_eq!(server.connect().request_as("alice", "GET", EVENT, &[], "").body, text);
        wait_until("the dripping connection to be cut", || (open() == 0).then_some(()));
        cut.store(true, Ordering::Relaxed);
        assert!(drips.join().unwrap() > 3, "it did read");
    });
    server.stop();
}

#[test]
fn a_full_house_is_told_to_wait() {
    let shoji = Shoji::with_people();
    let server = shoji.serve("[limits]\nrequests_max = 1\nrequest_wait_seconds = 1\n");
    let mut slow = server.connect();
    let text = event("one", "Slow");
    let (first, rest) = text.split_at(20);
    slow.send(format!(
        "PUT {EVENT} HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        basic("alice", "alice"),
        text.len()
    ));
    // It has its turn: its body is being read.
    assert_eq!(slow.reply().status, 100);
    slow.send(first);
    let reply = server.connect().request_as("bob", "PROPFIND", "/dav/", &[("Depth", "0")], "");
    assert_eq!(reply.status, 503);
    assert!(reply.header("retry-after").unwrap().parse::<u64>().unwrap() > 0);
    assert_eq!(server.connect().request("GET", "/healthz", &[], "").status, 200);
    slow.send(rest);
    assert_eq!(slow.reply().status, 201);
    assert_eq!(server.connect().request_as("bob", "PROPFIND", "/dav/", &[("Depth", "0")], "").status, 207);
    server.stop();
}

#[test]
fn asked_to_stop_it_finishes_what_it_has_begun() {
    let shoji = Shoji::with_people();
    let mut server = shoji.serve("");
    let text = event("one", "At the last moment");
    let (first, rest) = text.split_at(100);
    let mut writing = server.connect();
    writing.send(format!(
        "PUT {EVENT} HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        basic("alice", "alice"),
        text.len()
    ));
    assert_eq!(writing.reply().status, 100);
    writing.send(first);
    let idle = server.connect();
    server.signal("TERM");
    idle.closed();
    wait_until("new connections to be refused", || TcpStream::connect(server.address).is_err().then_some(()));
    writing.send(rest);
    let reply = writing.reply();
    assert_eq!((reply.status, reply.header("connection")), (201, Some("close")));
    assert_eq!(server.wait(), Some(0));
    assert!(!shoji.data().join("control.sock").exists());
    let server = shoji.serve("");
    assert_eq!(server.connect().request_as("alice", "GET", EVENT, &[], "").body, text);
    server.stop();
}

#[test]
fn a_request_that_does_not_end_does_not_hold_up_the_end() {
    let shoji = Shoji::with_people();
    let mut server = shoji.serve("[limits]\nshutdown_seconds = 1\n");
    let mut writing = server.connect();
    writing.send(format!(
        "PUT {EVENT} HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\n",
        basic("alice", "alice")
    ));
    assert_eq!(writing.reply().status, 100);
    server.signal("INT");
    assert_eq!(server.wait(), Some(0));
    assert_eq!(shoji.run(&["check"]).exit, Some(0));
}

#[test]
fn numbers_are_told_on_an_address_of_their_own() {
    let shoji = Shoji::with_people();
    let server = shoji.serve("[metrics]\nlisten = \"127.0.0.1:0\"\n");
    let told = server.wait_for_log("metrics on http://");
    let metrics = told.split("metrics on http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
    let mut connection = server.connect();
    assert_eq!(connection.request_as("alice", "PROPFIND", HOME, &[("Depth", "0")], "").status, 207);
    assert_eq!(connection.request("SECRET", HOME, &[("Authorization", &basic("alice", "wrong"))], "").status, 401);
    let page = Connection::open(metrics).request("GET", "/metrics", &[], "");
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        "shoji_requests_total{method=\"PROPFIND\",kind=\"home\",status=\"207\"} 1",
        "shoji_requests_total{method=\"-\",kind=\"nothing\",status=\"401\"} 1",
        "shoji_sign_ins_total{result=\"failed\"} 1",
        "shoji_connections 1",
        "# TYPE shoji_request_seconds histogram",
    ] {
        assert!(page.body.lines().any(|found| found == line), "{line}\n{}", page.body);
    }
    assert!(!page.body.contains("alice") && !page.body.contains("SECRET"), "{}", page.body);
    // Neither on the public address, nor anything else on this one.
    assert_eq!(connection.request_as("alice", "GET", "/metrics", &[], "").status, 404);
    assert_eq!(Connection::open(metrics).request("GET", "/healthz", &[], "").status, 404);
    server.stop();
}

#[test]
fn the_log_has_a_line_for_each_request_and_nothing_that_is_private() {
    let shoji = Shoji::with_people();
    let server = shoji.serve("[log]\nlevel = \"trace\"\nformat = \"json\"\n");
    let mut connection = server.connect();
    let secrets = ["ZEBRA", "GIRAFFE", "OKAPI", "TAPIR"];
    let text = event("TAPIR@example.org", "ZEBRA");
    assert_eq!(connection.request_as("alice", "PUT", "/dav/calendars/alice/default/GIRAFFE.ics", &[], &text).status, 201);
    let text = text.replace("160000Z", "150000Z");
    assert_eq!(connection.request_as("alice", "PUT", "/dav/calendars/alice/default/GIRAFFE.ics", &[], &text).status, 204);
    assert_eq!(
        connection.request_as("alice", "GET", "/dav/calendars/alice/default/GIRAFFE.ics?q=OKAPI", &[("X-Note", "OKAPI")], "").status,
        200
    );
    assert_eq!(connection.request_as("alice", "PUT", "/dav/calendars/alice/default/other.ics", &[], "BEGIN:ZEBRA").status, 403);
    assert_eq!(connection.request("GET", "/dav/", &[("Authorization", &basic("bob", "OKAPI"))], "").status, 401);
    assert_eq!(connection.request("GET", "/dav/", &[("Authorization", &basic("OKAPI\n", "x"))], "").status, 401);
    let log = server.wait_for_log("sign-in failed user=- ip=127.0.0.1");
    for secret in secrets {
        assert!(!log.contains(secret), "{secret}\n{log}");
    }
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect();
    let put = lines.iter().find(|line| line["method"] == "PUT" && line["status"] == 204).unwrap();
    assert_eq!((&put["kind"], &put["user"]), (&"object".into(), &"alice".into()));
    assert!(put["ms"].is_f64(), "{put}");
    assert!(log.contains("sign-in failed user=bob ip=127.0.0.1\""), "{log}");
    server.stop();
}
