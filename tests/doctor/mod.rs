//! The doctor: a healthy server is well, behind a proxy or not; each problem it knows is made once, and it names just that.

mod cases;
mod proxy;

use crate::harness::process::Server;
use crate::harness::{Shoji, event};
use bytes::Bytes;
use cases::{connections, discovery, traffic};
use http::Response;
use http::request::Parts;
use proxy::{After, Before, Certificate, Proxy, page};
use shoji::doctor::place::Place;
use shoji::doctor::problem::Kind;
use shoji::doctor::report::Report;
use shoji::doctor::trust::Trust;
use shoji::doctor::{Patient, Writing, examine};
use std::collections::BTreeSet;
use std::time::Duration;

/// alice with an event whose name needs encoding.
fn server() -> (Shoji, Server) {
    let shoji = Shoji::with_people();
    let server = shoji.serve("");
    let put = server.connect().request_as(
        "alice",
        "PUT",
        "/dav/calendars/alice/default/a%40b.ics",
        &[("Content-Type", "text/calendar")],
        &event("one", "One"),
    );
    assert_eq!(put.status, 201);
    (shoji, server)
}

struct Case {
    before: Before,
    after: After,
    certificate: Certificate,
    typed: fn(&Proxy) -> String,
    password: Option<&'static str>,
    trusted: bool,
    writing: Writing,
    patience: Duration,
}

fn pass(_: &mut Parts) -> Option<Response<Bytes>> {
    None
}

fn keep(_: &Parts, _: &mut Response<Bytes>) {}

fn https(proxy: &Proxy) -> String {
    format!("https://{}/", proxy.address)
}

const HEALTHY: Case = Case {
    before: pass,
    after: keep,
    certificate: Certificate::Good,
    typed: https,
    password: Some("alice"),
    trusted: true,
    writing: Writing::Never,
    patience: Duration::from_secs(30),
};

fn report(shoji: &Shoji, server: &Server, case: &Case) -> Report {
    let proxy = Proxy::start(shoji, server.address, case.certificate, case.before, case.after);
    let patient = Patient {
        typed: Place::typed(&(case.typed)(&proxy)).unwrap(),
        account: case.password.map(|password| ("alice".to_owned(), password.to_owned())),
        trust: Trust::new(case.trusted.then_some(proxy.ca.as_path())).unwrap(),
        writing: case.writing,
        answer_max: case.patience,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(examine(&patient)).unwrap()
}

fn codes(report: &Report) -> Vec<&'static str> {
    report.findings.problems.keys().map(|kind| kind.code()).collect()
}

#[test]
fn a_healthy_server_is_well_for_every_client_and_nothing_is_left_behind() {
    let (shoji, server) = server();
    for writing in [Writing::Never, Writing::OwnCalendar] {
        let report = report(&shoji, &server, &Case { writing, ..HEALTHY });
        assert_eq!(report.problems(), 0, "{}", report.lines().join("\n"));
        assert!(report.lines().iter().filter(|line| line.ends_with(" works")).count() >= 12);
    }
    let names = shoji.run(&["calendar", "list", "alice"]).out;
    assert!(!names.contains("doctor"), "{names}");
    let nobody = report(&shoji, &server, &Case { password: None, ..HEALTHY });
    assert_eq!(nobody.problems(), 0, "{}", nobody.lines().join("\n"));
    server.stop();
}

#[test]
fn what_is_no_problem_yet_is_remarked() {
    let (shoji, server) = server();
    let wrong_path: fn(&Proxy) -> String = |proxy| format!("{}nothing/here", https(proxy));
    let old: After =
        |_, response| drop(response.headers_mut().insert("date", http::HeaderValue::from_static("Thu, 01 Jan 2026 00:00:00 GMT")));
    for (case, words) in [
        (Case { certificate: Certificate::EndsSoon, ..HEALTHY }, "The certificate ends within two weeks."),
        (Case { after: old, ..HEALTHY }, "The clocks of the server and of this machine differ"),
        (Case { typed: wrong_path, ..HEALTHY }, "programs that ask the well-known address find https://"),
    ] {
        let report = report(&shoji, &server, &case);
        assert_eq!(report.problems(), 0, "{}", report.lines().join("\n"));
        assert!(report.findings.remarks.iter().any(|remark| remark.contains(words)), "{:?}", report.findings.remarks);
    }
    let remarks = report(&shoji, &server, &HEALTHY).findings.remarks;
    assert_eq!(remarks, Vec::<String>::new());
    server.stop();
}

#[test]
fn behind_a_base_path_every_client_finds_its_way_by_host_name_and_by_address() {
    let shoji = Shoji::with_people();
    let server = shoji.serve("base_path = \"/cal\"\n");
    let only_below: Before = |parts| match parts.uri.path() {
        path if path.starts_with("/cal/") || path.starts_with("/.well-known/caldav") => None,
        _ => page(404, &[("content-type", "text/html")], "<p>A web site</p>"),
    };
    let stripped: Before = |parts| {
        let path = parts.uri.path().to_owned();
        match path.strip_prefix("/cal").filter(|rest| rest.starts_with('/')) {
            Some(rest) => parts.uri = rest.parse().unwrap(),
            None if path == "/.well-known/caldav" => {}
            None => return page(405, &[], "a web site"),
        }
        None
    };
    for (before, typed) in [
        (only_below, https as fn(&Proxy) -> String),
        (only_below, |p| format!("{}cal/", https(p))),
        (stripped, |p| format!("{}cal/dav", https(p))),
    ] {
        let report = report(&shoji, &server, &Case { before, typed, ..HEALTHY });
        assert_eq!(report.problems(), 0, "{}", report.lines().join("\n"));
    }
    server.stop();
}

fn each_is_named_and_nothing_beside_it(cases: Vec<(&'static str, Case)>) {
    let (shoji, server) = server();
    let mut wrong = Vec::new();
    for (number, (code, case)) in cases.into_iter().enumerate() {
        let report = report(&shoji, &server, &case);
        if codes(&report) != [code] || report.findings.problems.values().any(|finding| finding.clients.is_empty()) {
            wrong.push(format!("case {number}, {code}:\n{}", report.lines().join("\n")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    server.stop();
}

#[test]
fn each_problem_of_connections_is_named_and_nothing_beside_it() {
    each_is_named_and_nothing_beside_it(connections());
}

#[test]
fn each_problem_of_discovery_is_named_and_nothing_beside_it() {
    each_is_named_and_nothing_beside_it(discovery());
}

#[test]
fn each_problem_of_traffic_is_named_and_nothing_beside_it() {
    each_is_named_and_nothing_beside_it(traffic());
}

/// Two of them need more than one machine, and are made beside the code that judges them.
#[test]
fn no_problem_is_known_that_is_never_made() {
    let made: BTreeSet<&str> =
        [connections(), discovery(), traffic()].iter().flatten().map(|(code, _)| *code).chain(["address-dead", "cleartext"]).collect();
    let known: BTreeSet<&str> = Kind::ALL.iter().map(|kind| kind.code()).collect();
    assert_eq!(made, known);
}

#[test]
fn the_command_says_how_it_went_by_its_exit_code_and_never_says_the_password() {
    let shoji = Shoji::new();
    shoji.run_with_input(&["apply", "-"], "[[user]]\nname = \"alice\"\npassword = \"correct horse\"\n");
    let server = shoji.serve("");
    let url = format!("http://{}", server.address);
    let (right, wrong) = (shoji.file("right", "correct horse\n"), shoji.file("wrong", "wrong donkey"));
    let doctor = |arguments: &[&str]| {
        let done = shoji.run(&[&["doctor"], arguments].concat());
        assert!(!format!("{done:?}").contains("horse") && !format!("{done:?}").contains("donkey"), "{done:?}");
        done
    };
    let well = doctor(&[&url, "--user", "alice", "--password-file", right.to_str().unwrap()]);
    assert!(well.exit == Some(0) && well.out.contains("as alice: no problem found") && well.err.is_empty(), "{well:?}");
    let value = shoji.json(&["doctor", &url, "--user", "alice", "--password-file", right.to_str().unwrap(), "--write"]);
    assert_eq!((value["well"].as_bool(), value["clients"][0]["verdict"].as_str()), (Some(true), Some("works")));
    let refused = doctor(&[&url, "--user", "alice", "--password-file", wrong.to_str().unwrap()]);
    assert!(refused.exit == Some(1) && refused.out.contains("refuses this name and password"), "{refused:?}");
    assert_eq!(refused.err, "error: 1 problem found\n");
    let empty = shoji.file("empty", "");
    for arguments in [
        &[&url, "--user", "alice"][..],
        &[&url, "--write"],
        &["ftp://x/"],
        &["https://alice:correct horse@x/"],
        &[&url, "--ca", "/nowhere"],
        &[&url, "--user", "alice", "--password-file", empty.to_str().unwrap()],
        &[],
    ] {
        let done = doctor(arguments);
        assert!(done.exit == Some(2) && !done.err.is_empty(), "{arguments:?} {done:?}");
    }
    server.stop();
    let (exit, code, message) = shoji.refusal(&["doctor", &url]);
    assert_eq!((exit, code.as_str()), (Some(3), "unreachable"));
    assert!(message.contains("connection refused"), "{message}");
}

#[test]
fn readme_shows_the_recipes_that_are_tested() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    for recipe in ["nginx.conf", "apache.conf", "Caddyfile"] {
        let text = std::fs::read_to_string(root.join("contrib/proxy").join(recipe)).unwrap();
        assert!(readme.contains(&format!("\n{text}```\n")), "{recipe} does not stand in README as it is");
    }
}
