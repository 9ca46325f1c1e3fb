//! Signing in: who fails cannot tell why, who guesses has to wait, who is in stays in until his password changes.

use crate::harness::{Connection, Reply, Server, Shoji, basic};
use std::time::Duration;

fn attempt(connection: &mut Connection, user: &str, password: &str, from: &str) -> Reply {
    let headers = [("Authorization", basic(user, password)), ("X-Forwarded-For", from.to_owned()), ("Depth", "0".to_owned())];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    connection.request("PROPFIND", "/dav/", &headers, "")
}

/// Believes the tests' own address where requests come from.
fn behind_proxy(shoji: &Shoji, limits: &str) -> Server {
    shoji.serve(&format!("trusted_proxies = [\"127.0.0.0/8\"]\n[limits]\n{limits}"))
}

#[test]
fn leak_86_an_unknown_user_and_a_wrong_password_are_answered_alike() {
    let shoji = Shoji::with_people();
    let server = shoji.serve("");
    let mut connection = server.connect();
    let wrong = connection.request("GET", "/dav/", &[("Authorization", &basic("alice", "wrong"))], "");
    assert_eq!(wrong.status, 401);
    let attempts = [
        basic("nobody", "wrong"),
        basic("Alice", "alice"),
        basic("alice ", "alice"),
        basic("", ""),
        basic("alice", ""),
        basic("a/../b", "x"),
        basic(&"a".repeat(300), "x"),
        "Basic".to_owned(),
        "Basic !!!".to_owned(),
        "Basic YWxpY2U=".to_owned(),
        "Bearer alice".to_owned(),
        "Digest username=\"alice\"".to_owned(),
    ];
    for credentials in attempts {
        assert_eq!(connection.request("GET", "/dav/", &[("Authorization", &credentials)], ""), wrong, "{credentials}");
    }
    // Whoever sent none is told that none arrived, which is news only behind a proxy that takes them away.
    let none = connection.request("GET", "/dav/", &[], "");
    assert_eq!((none.status, none.header("www-authenticate")), (401, wrong.header("www-authenticate")));
    assert_ne!(none.body, wrong.body);
    // Of a name that is a group's nothing is told either.
    assert_eq!(shoji.run(&["group", "add", "team"]).exit, Some(0));
    assert_eq!(connection.request("GET", "/dav/", &[("Authorization", &basic("team", "team"))], ""), wrong);
    server.stop();
}

/// How many passwords the server has verified so far, as its metrics tell.
fn verifications(server: &Server) -> impl Fn() -> u64 + use<> {
    let told = server.wait_for_log("metrics on http://");
    let metrics = told.split("metrics on http://").nth(1).unwrap().split('/').next().unwrap().parse().unwrap();
    move || {
        let page = Connection::open(metrics).request("GET", "/metrics", &[], "").body;
        let line = page.lines().find(|line| line.starts_with("shoji_password_verifications_total")).map(str::to_owned);
        line.map_or(0, |line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
    }
}

/// A program opens many connections at once, and its password was verified for each of them.
#[test]
fn connections_that_come_at_once_with_one_password_have_it_verified_once() {
    let shoji = Shoji::with_people();
    let server = shoji.serve("[limits]\nverifications_max = 1\n[metrics]\nlisten = \"127.0.0.1:0\"\n");
    let verifications = verifications(&server);
    let mut connections: Vec<Connection> = (0..12).map(|_| server.connect()).collect();
    std::thread::scope(|scope| {
        for connection in &mut connections {
            scope.spawn(|| assert_eq!(attempt(connection, "alice", "alice", "192.0.2.1").status, 207));
        }
    });
    assert_eq!(verifications(), 1);
    server.stop();
}

/// What takes the time is the one verification: an unknown user costs it as a wrong password does.
#[test]
fn leak_86_an_unknown_user_costs_the_same_work_as_a_wrong_password() {
    let shoji = Shoji::with_people();
    let server = shoji.serve("[metrics]\nlisten = \"127.0.0.1:0\"\n");
    let verifications = verifications(&server);
    let mut connection = server.connect();
    for (done, (user, password)) in [("nobody", "x"), ("alice", "x"), ("No Name", "x"), ("alice", "y")].into_iter().enumerate() {
        assert_eq!(attempt(&mut connection, user, password, "192.0.2.1").status, 401);
        assert_eq!(verifications(), done as u64 + 1, "{user}");
    }
    server.stop();
}

#[test]
fn guessing_at_a_name_has_to_wait_while_its_owner_goes_on() {
    let shoji = Shoji::with_people();
    let server = behind_proxy(&shoji, "failed_sign_ins_per_user = 3\nfailed_sign_in_seconds = 300\nsign_in_remembered_seconds = 2\n");
    let mut connection = server.connect();
    assert_eq!(attempt(&mut connection, "alice", "alice", "192.0.2.1").status, 207);
    for guess in 0..4 {
        // From another address each: it is the name that is guarded.
        let reply = attempt(&mut connection, "alice", &format!("guess {guess}"), &format!("198.51.100.{guess}"));
        assert_eq!(reply.status, 401);
    }
    let held_up = attempt(&mut connection, "alice", "guess", "198.51.100.77");
    assert_eq!(held_up.status, 429);
    assert!((1..=301).contains(&held_up.header("retry-after").unwrap().parse::<u64>().unwrap()), "{held_up:?}");
    // Even with the right password: else the answer would tell.
    assert_eq!(attempt(&mut connection, "alice", "alice", "198.51.100.78").status, 429);
    // Where she is known she goes on, whether her sign-in is still remembered or not; and nobody else is held up.
    assert_eq!(attempt(&mut connection, "alice", "alice", "192.0.2.1").status, 207);
    std::thread::sleep(Duration::from_millis(2_300));
    assert_eq!(attempt(&mut connection, "alice", "alice", "192.0.2.1").status, 207);
    assert_eq!(attempt(&mut connection, "bob", "bob", "198.51.100.77").status, 207);
    // A name that does not exist is guarded alike.
    for guess in 0..4 {
        assert_eq!(attempt(&mut connection, "nobody", "x", &format!("203.0.113.{guess}")).status, 401);
    }
    let mut like = attempt(&mut connection, "nobody", "x", "203.0.113.77");
    let seconds = like.headers.iter_mut().find(|(name, _)| name == "retry-after").unwrap();
    seconds.1 = held_up.header("retry-after").unwrap().to_owned();
    assert_eq!(like, held_up);
    server.stop();
}

#[test]
fn an_address_that_tries_many_names_has_to_wait() {
    let shoji = Shoji::with_people();
    let server = behind_proxy(&shoji, "failed_sign_ins_per_address = 3\nfailed_sign_in_seconds = 300\n");
    let mut connection = server.connect();
    let ours = "2001:db8::1";
    assert_eq!(attempt(&mut connection, "alice", "alice", ours).status, 207);
    for name in ["anna", "adam", "abel", "axel"] {
        // One host has a whole network of IPv6 for itself.
        assert_eq!(attempt(&mut connection, name, "x", &format!("2001:db8::{}", name.len() + 7)).status, 401);
    }
    assert_eq!(attempt(&mut connection, "bob", "bob", ours).status, 429);
    assert_eq!(attempt(&mut connection, "alice", "alice", ours).status, 207, "a remembered sign-in goes on");
    assert_eq!(attempt(&mut connection, "bob", "bob", "2001:db8:0:1::1").status, 207, "another network is not held up");
    server.stop();
}

#[test]
fn leak_116_a_changed_password_ends_the_old_one_at_once() {
    let shoji = Shoji::with_people();
    let server = shoji.serve("");
    let mut connection = server.connect();
    assert_eq!(attempt(&mut connection, "alice", "alice", "").status, 207);
    assert_eq!(shoji.run_with_input(&["user", "passwd", "alice", "--password-stdin"], "pass:word ü\n").exit, Some(0));
    assert_eq!(attempt(&mut connection, "alice", "alice", "").status, 401);
    assert_eq!(attempt(&mut connection, "alice", "pass:word ü", "").status, 207);
    // The same by `apply`; and a user who is removed is nobody from then on.
    assert_eq!(shoji.run_with_input(&["apply", "-"], "[[user]]\nname = \"alice\"\npassword = \"third\"\n").exit, Some(0));
    assert_eq!(attempt(&mut connection, "alice", "pass:word ü", "").status, 401);
    assert_eq!(attempt(&mut connection, "alice", "third", "").status, 207);
    assert_eq!(shoji.run(&["user", "remove", "alice", "--yes"]).exit, Some(0));
    assert_eq!(attempt(&mut connection, "alice", "third", "").status, 401);
    // Who comes after her under her name has nothing of hers.
    assert_eq!(shoji.run_with_input(&["user", "add", "alice", "--password-stdin"], "third").exit, Some(0));
    assert_eq!(attempt(&mut connection, "alice", "third", "").status, 207);
    server.stop();
}

#[test]
fn where_a_request_comes_from_is_believed_only_of_proxies() {
    let shoji = Shoji::with_people();
    let failed = |server: &Server, header: (&str, &str)| {
        let reply = server.connect().request("GET", "/dav/", &[("Authorization", &basic("alice", "x")), header], "");
        assert_eq!(reply.status, 401);
    };
    let server = shoji.serve("");
    failed(&server, ("X-Forwarded-For", "192.0.2.7"));
    failed(&server, ("Forwarded", "for=192.0.2.7"));
    let log = server.wait_for_log("sign-in failed user=alice");
    assert!(log.contains("ip=127.0.0.1") && !log.contains("192.0.2.7"), "{log}");
    server.stop();
    let server = shoji.serve("trusted_proxies = [\"127.0.0.1/32\", \"10.0.0.0/8\"]\n");
    // What the client wrote itself stands first and is not believed; proxies of ours are passed over.
    for (header, believed) in [
        (("X-Forwarded-For", "6.6.6.6, 192.0.2.1"), "192.0.2.1"),
        (("X-Forwarded-For", "6.6.6.6, 192.0.2.2, 10.1.2.3"), "192.0.2.2"),
        (("Forwarded", "for=6.6.6.6, for=\"[2001:db8::3]:4711\";proto=https"), "2001:db8::3"),
        (("X-Forwarded-For", "nonsense"), "127.0.0.1"),
    ] {
        failed(&server, header);
        let log = server.wait_for_log(&format!("sign-in failed user=alice ip={believed}\n"));
        assert!(!log.contains("6.6.6.6"), "{log}");
    }
    server.stop();
}
