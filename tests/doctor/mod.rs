//! The doctor: a healthy server is well, behind a proxy or not; each problem it knows is made once, and it names just that.

mod proxy;

use crate::harness::process::Server;
use crate::harness::{Shoji, event};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response};
use proxy::{After, Before, Certificate, Cut, Proxy, Silence, page};
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

fn connections() -> Vec<(&'static str, Case)> {
    let certificate = |certificate| Case { certificate, ..HEALTHY };
    vec![
        ("certificate-expired", certificate(Certificate::Expired)),
        ("certificate-not-yet-valid", certificate(Certificate::NotYetValid)),
        ("certificate-name", certificate(Certificate::OtherName)),
        ("certificate-untrusted", Case { trusted: false, ..HEALTHY }),
        ("tls-broken", certificate(Certificate::Absent)),
        (
            "type-https",
            Case {
                certificate: Certificate::Absent,
                typed: |proxy| format!("http://{}/", proxy.address),
                before: |_| page(301, &[("location", "https://127.0.0.1/dav/")], ""),
                ..HEALTHY
            },
        ),
        ("server-silent", Case { before: |_| page(502, &[("server", "nginx")], "Bad Gateway"), ..HEALTHY }),
        (
            "no-answer",
            Case {
                patience: Duration::from_secs(2),
                after: |asked, response| {
                    if is(asked, "OPTIONS", "") && asked.headers["user-agent"] == "Evolution/3.52.3" {
                        response.extensions_mut().insert(Silence);
                    }
                },
                ..HEALTHY
            },
        ),
        (
            "answer-cut",
            Case {
                after: |asked, response| {
                    if is(asked, "REPORT", "") {
                        response.extensions_mut().insert(Cut);
                    }
                },
                ..HEALTHY
            },
        ),
        ("too-many-requests", Case { before: |asked| if is(asked, "OPTIONS", "") { page(429, &[], "") } else { None }, ..HEALTHY }),
        (
            "http2-broken",
            Case { before: |asked| if asked.version == http::Version::HTTP_2 { page(421, &[], "") } else { None }, ..HEALTHY },
        ),
    ]
}

fn is(asked: &Parts, method: &str, path: &str) -> bool {
    asked.method.as_str() == method && asked.uri.path().contains(path)
}

fn well_known(asked: &Parts) -> bool {
    asked.uri.path() == "/.well-known/caldav"
}

fn before(before: Before) -> Case {
    Case { before, ..HEALTHY }
}

fn after(after: After) -> Case {
    Case { after, ..HEALTHY }
}

fn discovery() -> Vec<(&'static str, Case)> {
    vec![
        ("not-caldav", before(|_| page(200, &[("content-type", "text/html")], "<p>It works!</p>"))),
        ("not-caldav", before(|asked| if asked.method == "GET" { page(200, &[], "It works!") } else { page(405, &[], "") })),
        ("login-page", before(|_| page(200, &[("content-type", "text/html")], "<input type=\"password\">"))),
        ("login-page", before(|_| page(302, &[("location", "https://auth.example.org/?rd=x")], ""))),
        (
            "no-password-asked",
            before(|asked| {
                asked.headers.insert("authorization", HeaderValue::from_static("Basic YWxpY2U6YWxpY2U="));
                None
            }),
        ),
        ("challenge-missing", after(|_, response| drop(response.headers_mut().remove("www-authenticate")))),
        (
            "authorization-stripped",
            before(|asked| {
                asked.headers.remove("authorization");
                None
            }),
        ),
        ("sign-in-refused", Case { password: Some("wrong"), ..HEALTHY }),
        ("well-known-missing", before(|asked| if well_known(asked) { page(404, &[], "") } else { None })),
        (
            "well-known-asks-password",
            before(|asked| if well_known(asked) { page(401, &[("www-authenticate", "Basic realm=x")], "") } else { None }),
        ),
        ("well-known-one-method", before(|asked| if well_known(asked) && asked.method != "GET" { page(405, &[], "") } else { None })),
        ("well-known-target", before(|asked| if well_known(asked) { page(301, &[("location", "/elsewhere/")], "") } else { None })),
        (
            "redirect-to-http",
            before(|asked| {
                let location = format!("http://{}/dav/", asked.headers["host"].to_str().unwrap());
                if well_known(asked) { page(301, &[("location", &location)], "") } else { None }
            }),
        ),
        (
            "redirect-loses-port",
            before(|asked| if well_known(asked) { page(301, &[("location", "https://127.0.0.1/dav/")], "") } else { None }),
        ),
        (
            "redirect-elsewhere",
            before(|asked| if well_known(asked) { page(308, &[("location", "https://127.0.0.2:8008/dav/")], "") } else { None }),
        ),
        ("redirect-broken", before(|_| page(301, &[("location", "/again/")], ""))),
        ("redirect-broken", before(|asked| if well_known(asked) { page(301, &[], "") } else { None })),
        (
            "slash-redirect",
            before(|asked| {
                let path = format!("{}/", asked.uri.path());
                let bare = is(asked, "PROPFIND", "/default") && !asked.uri.path().ends_with('/');
                if bare { page(301, &[("location", &path)], "") } else { None }
            }),
        ),
        (
            "base-path",
            Case {
                typed: |proxy| format!("{}cal/", https(proxy)),
                before: |asked| match asked.uri.path().strip_prefix("/cal") {
                    Some(rest) => {
                        asked.uri = rest.parse().unwrap();
                        None
                    }
                    None => page(404, &[], ""),
                },
                ..HEALTHY
            },
        ),
        ("link-elsewhere", after(|_, response| replace(response, "<D:href>/", "<D:href>http://127.0.0.1:8008/"))),
        (
            "options-status",
            after(|asked, response| {
                if is(asked, "OPTIONS", "") {
                    *response.status_mut() = http::StatusCode::NO_CONTENT
                }
            }),
        ),
        ("dav-header-missing", after(|_, response| drop(response.headers_mut().remove("dav")))),
        (
            "dav-header-missing",
            before(|asked| if is(asked, "OPTIONS", "") { page(204, &[("access-control-allow-origin", "*")], "") } else { None }),
        ),
        (
            "server-lacks",
            after(|asked, response| {
                if asked.uri.path().ends_with("/alice/") {
                    replace(response, "<D:sync-collection/>", "")
                }
            }),
        ),
        ("server-lacks", after(|_, response| replace(response, "calendar-home-set", "home"))),
    ]
}

fn traffic() -> Vec<(&'static str, Case)> {
    vec![
        (
            "path-mangled",
            before(|asked| {
                asked.uri = asked.uri.to_string().replace('%', "%25").parse().unwrap();
                None
            }),
        ),
        ("method-refused", before(|asked| if is(asked, "REPORT", "") { page(405, &[("server", "nginx")], "") } else { None })),
        ("method-refused", before(|asked| if is(asked, "PROPFIND", "") { page(403, &[("server", "nginx")], "") } else { None })),
        (
            "method-refused",
            before(|asked| {
                let allowed = ["GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT", "PUT", "DELETE"].contains(&asked.method.as_str());
                if allowed { None } else { page(403, &[], "<h1>Forbidden</h1>") }
            }),
        ),
        (
            "agent-refused",
            before(|asked| if asked.headers["user-agent"].to_str().unwrap().contains("dataaccessd") { page(403, &[], "") } else { None }),
        ),
        (
            "answer-unreadable",
            after(|asked, response| {
                if is(asked, "REPORT", "") {
                    replace(response, "multistatus", "multi")
                }
            }),
        ),
        (
            "answer-unreadable",
            after(|asked, response| {
                if is(asked, "REPORT", "") {
                    *response.status_mut() = http::StatusCode::OK
                }
            }),
        ),
        (
            "conditions-stripped",
            before(|asked| {
                asked.headers.remove("if-match");
                asked.headers.remove("if-none-match");
                None
            }),
        ),
        (
            "compression",
            after(|asked, response| {
                if takes_gzip(asked) && asked.method == "GET" && response.headers().contains_key("etag") {
                    let weak = format!("W/{}", response.headers()["etag"].to_str().unwrap());
                    response.headers_mut().insert("etag", HeaderValue::from_str(&weak).unwrap());
                    response.headers_mut().insert("content-encoding", HeaderValue::from_static("gzip"));
                }
            }),
        ),
        (
            "compression",
            after(|asked, response| {
                if takes_gzip(asked) && !response.body().is_empty() {
                    // A proxy that compresses everything it may, and leaves tags alone.
                    response.headers_mut().insert("content-encoding", HeaderValue::from_static("gzip"));
                    *response.body_mut() = Bytes::from_static(b"\x1f\x8b");
                }
            }),
        ),
        ("encoding-forced", after(|_, response| drop(response.headers_mut().insert("content-encoding", HeaderValue::from_static("gzip"))))),
        ("tag-missing", after(|_, response| drop(response.headers_mut().remove("etag")))),
        (
            "cached",
            after(|asked, response| {
                if asked.method == "GET" {
                    drop(response.headers_mut().insert("age", HeaderValue::from_static("12")))
                }
            }),
        ),
        (
            "body-limit",
            before(|asked| {
                let length = asked.headers.get("content-length").and_then(|value| value.to_str().unwrap().parse::<usize>().ok());
                if length > Some(100_000) { page(413, &[], "Request Entity Too Large") } else { None }
            }),
        ),
        ("chunked-refused", before(|asked| if asked.headers.contains_key("transfer-encoding") { page(411, &[], "") } else { None })),
        ("expect-refused", before(|asked| if asked.headers.contains_key("expect") { page(417, &[], "") } else { None })),
        (
            "destination-refused",
            before(|asked| {
                asked.headers.insert("host", HeaderValue::from_static("127.0.0.1:8008"));
                None
            }),
        ),
        (
            "write-failed",
            Case {
                writing: Writing::OwnCalendar,
                before: |asked| {
                    if is(asked, "PROPPATCH", "") && !asked.headers.contains_key("if-match") { page(507, &[], "") } else { None }
                },
                ..HEALTHY
            },
        ),
        ("unexpected", before(|asked| if is(asked, "REPORT", "") { page(418, &[], "") } else { None })),
    ]
}

fn takes_gzip(asked: &Parts) -> bool {
    asked.headers.get("accept-encoding").is_some_and(|value| value.to_str().unwrap().contains("gzip"))
}

fn replace(response: &mut Response<Bytes>, old: &str, new: &str) {
    let text = String::from_utf8(response.body().to_vec()).unwrap_or_default();
    *response.body_mut() = Bytes::from(text.replace(old, new));
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
