//! Whole scripts against a made-up server: what counts as passed, failed and ignored, and that nothing passes unseen.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use super::*;
use crate::layout::Layout;
use crate::script;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

/// Answers every request by what its path says: `/status/404` with that status, `/list/2` with a multistatus of so many members,
/// `/echo` with the body it got. Keeps what it was asked.
struct MadeUp {
    address: Address,
    asked: Arc<Mutex<Vec<String>>>,
}

impl MadeUp {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Address { host: "127.0.0.1".to_owned(), port: listener.local_addr().unwrap().port() };
        let asked = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&asked);
        // Ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), &keep);
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(mut stream: std::net::TcpStream, asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut first, mut length, mut user) = (String::new(), 0, String::new());
    reader.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        let line = line.to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.starts_with("authorization:") {
            user = " signed in".to_owned();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let target = first.split(' ').nth(1).unwrap().to_owned();
    asked.lock().unwrap().push(format!("{} {target}{user}", first.split(' ').next().unwrap()));
    let mut parts = target.trim_start_matches('/').split('/');
    let (status, body) = match (parts.next().unwrap(), parts.next()) {
        ("status", Some(status)) => (status.to_owned(), String::new()),
        ("list", Some(number)) => {
            let members: String = (0..number.parse::<u32>().unwrap())
                .map(|number| format!("<D:response><D:href>{target}{number}.ics</D:href></D:response>"))
                .collect();
            (
                "207".to_owned(),
                format!("<D:multistatus xmlns:D='DAV:'><D:response><D:href>{target}</D:href></D:response>{members}</D:multistatus>"),
            )
        }
        _ => ("200".to_owned(), String::from_utf8(body).unwrap()),
    };
    write!(stream, "HTTP/1.1 {status} X\r\nETag: \"1\"\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).unwrap();
}

fn world(server: &MadeUp, data: &std::path::Path) -> World {
    const INFO: &str = "<serverinfo><features><feature>there</feature></features><waitcount>2</waitcount><waitdelay>0.01</waitdelay><waitsuccess>1</waitsuccess>
        <substitutions><substitution><key>$userid1:</key><value>u</value></substitution></substitutions></serverinfo>";
    World {
        server: ServerInfo::parse(INFO, &Layout::default()).unwrap(),
        address: server.address.clone(),
        authentication: Authentication::Basic,
        data: data.to_owned(),
        client: Client::new().unwrap(),
        today: chrono::NaiveDate::default(),
        after_set_up: AfterSetUp::AllFail,
    }
}

/// Runs a script of one suite with these tests, behind this set-up.
fn run_script(server: &MadeUp, start: &str, tests: &str) -> Vec<(String, Verdict)> {
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("body.txt"), "one $uid1: $key two").unwrap();
    let text = format!(
        "<caldavtest><start>{start}</start><test-suite name='s'>{tests}</test-suite><end><request><method>GET</method><ruri>/end</ruri></request></end></caldavtest>"
    );
    let script = script::parse("f.xml", &text).unwrap();
    run(&world(server, data.path()), &script, &Choice::default()).into_iter().map(|outcome| (outcome.name, outcome.verdict)).collect()
}

fn get(path: &str, more: &str) -> String {
    format!("<request><method>GET</method><ruri>{path}</ruri>{more}</request>")
}

fn test(name: &str, inner: &str) -> String {
    format!("<test name='{name}'>{inner}</test>")
}

const OK: &str = "<verify><callback>statusCode</callback></verify>";

fn words(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Failed(words) => words,
        other => panic!("{other:?}"),
    }
}

#[test]
fn tests_pass_fail_and_are_ignored_one_by_one() {
    let server = MadeUp::start();
    let feature = "<require-feature><feature>absent</feature></require-feature>";
    let without = "<exclude-feature><feature>there</feature></exclude-feature>";
    let tests = [
        test("good", &get("/status/200", OK)),
        test("bad", &get("/status/500", OK)),
        test("absent", &format!("{feature}{}", get("/status/500", OK))),
        test("without", &format!("{without}{}", get("/status/500", OK))),
        "<test name='ignored' ignore='yes'/>".to_owned(),
        test("good", &get("/status/500", &OK.replace("<callback>", &format!("{feature}<callback>")))),
        test("two", &(get("/status/404", OK) + &get("/never", ""))),
    ];
    let outcomes = run_script(&server, "", &tests.concat());
    let kinds: Vec<(&str, u8)> = outcomes
        .iter()
        .map(|(name, verdict)| {
            (
                name.as_str(),
                match verdict {
                    Verdict::Passed => 1,
                    Verdict::Failed(_) => 2,
                    Verdict::Ignored(_) => 3,
                },
            )
        })
        .collect();
    let expected = [
        ("f.xml:s:good", 1),
        ("f.xml:s:bad", 2),
        ("f.xml:s:absent", 3),
        ("f.xml:s:without", 3),
        ("f.xml:s:ignored", 3),
        ("f.xml:s:good#2", 1),
        ("f.xml:s:two", 2),
    ];
    assert_eq!(kinds, expected);
    assert!(!server.asked().iter().any(|line| line.contains("/never")), "what follows a failed request is not sent");
    assert!(server.asked().last().unwrap().contains("/end"));
}

#[test]
fn a_failed_set_up_fails_every_test_of_the_file_but_ignored_ones() {
    let server = MadeUp::start();
    let tests = test("one", &get("/status/200", OK)) + "<test name='ignored' ignore='yes'/>";
    let outcomes = run_script(&server, &(get("/status/200", "") + &get("/status/403", "")), &tests);
    let (_, verdict) = outcomes.first().unwrap();
    assert!(words(verdict).starts_with(SET_UP_FAILED) && words(verdict).contains("request 2"), "{verdict:?}");
    assert!(matches!(outcomes.last().unwrap().1, Verdict::Ignored(_)));
    assert!(!server.asked().iter().any(|line| line.starts_with("GET /status/200") && line == server.asked().last().unwrap()));
}

#[test]
fn what_this_runner_does_not_know_fails() {
    let server = MadeUp::start();
    let unknown = [
        "<request><method>FROBNICATE</method><ruri>/status/200</ruri></request>".to_owned(),
        "<request><method>GET</method><ruri>/status/200</ruri><grabmoon/></request>".to_owned(),
        get("/status/200", "<verify><callback>moonMatch</callback></verify>"),
        get("/status/200", "<data><content-type>text/plain</content-type><generator><callback>moon</callback></generator></data>"),
        "<request host2='yes'><method>GET</method><ruri>/status/200</ruri></request>".to_owned(),
        get("/$novalue:/", ""),
        get("$", ""),
        get("/status/200", "<data><content-type>text/plain</content-type><filepath>absent.txt</filepath></data>"),
        get("/status/200", "<grabheader><name>X</name><variable>$x:</variable></grabheader>"),
    ];
    for request in unknown {
        let outcomes = run_script(&server, "", &test("1", &request));
        assert!(matches!(outcomes.first().unwrap().1, Verdict::Failed(_)), "{request}");
    }
}

#[test]
fn no_server_is_a_failure() {
    let server = MadeUp { address: Address { host: "127.0.0.1".to_owned(), port: 1 }, asked: Arc::default() };
    let outcomes = run_script(&server, "", &test("1", &get("/status/200", "")));
    assert!(words(&outcomes.first().unwrap().1).contains("no answer"));
}

#[test]
fn bodies_are_filled_and_kept_values_travel() {
    let server = MadeUp::start();
    let data = "<data><content-type>text/plain</content-type><filepath>body.txt</filepath><substitute><name>$key</name><value>$userid1:</value></substitute></data>";
    let holds =
        |text: &str| format!("<verify><callback>dataString</callback><arg><name>contains</name><value>{text}</value></arg></verify>");
    let keep = "<grabheader><name>ETag</name><variable>$tag:</variable></grabheader>";
    let same = "<verify><callback>header</callback><arg><name>header</name><value>ETag$$tag:</value></arg></verify>";
    let tests =
        test("1", &get("/echo", &format!("{data}{}{}{keep}", holds("one $uid1: u two"), holds("one ")))) + &test("2", &get("/echo", same));
    assert!(run_script(&server, "", &tests).iter().all(|(_, verdict)| *verdict == Verdict::Passed));
    assert!(server.asked().iter().all(|line| line.ends_with("signed in")));
    let anonymous = "<request auth='no'><method>GET</method><ruri>/echo</ruri></request>";
    run_script(&server, "", &test("1", anonymous));
    assert!(server.asked().iter().any(|line| line == "GET /echo"));
}

#[test]
fn pseudo_methods_do_what_they_stand_for() {
    let server = MadeUp::start();
    let of = |method: &str, path: &str| format!("<request><method>{method}</method><ruri>{path}</ruri></request>");
    let verdict = |inner: &str| run_script(&server, "", &test("1", inner)).remove(0).1;
    assert_eq!(verdict(&of("WAITCOUNT 2", "/list/2/")), Verdict::Passed);
    assert!(words(&verdict(&of("WAITCOUNT 3", "/list/2/"))).contains("2 resources, expected 3"));
    assert!(words(&verdict(&of("WAITDELETEALL 1", "/list/2/"))).contains("expected 1"));
    assert_eq!(verdict(&of("DELETEALL", "/list/2/")), Verdict::Passed);
    assert!(server.asked().contains(&"DELETE /list/2/1.ics signed in".to_owned()));
    assert_eq!(verdict(&of("DELAY", "0")), Verdict::Passed);
    assert!(words(&verdict(&of("DELAY", "soon"))).contains("seconds"));
    assert_eq!(verdict(&of("GETNEW", "/list/1/")), Verdict::Passed);
    assert!(server.asked().contains(&"GET /list/1/0.ics signed in".to_owned()));
    assert!(matches!(verdict(&of("GETNEW", "/list/2/")), Verdict::Failed(_)), "either could be the new one");
    assert_eq!(verdict(&of("GETOTHER", "/list/2/0.ics")), Verdict::Passed);
    assert!(words(&verdict(&(get("/echo", "") + &of("GETCHANGED", "/echo")))).contains("has not changed"));
    assert!(words(&verdict(&of("GETCHANGED", "/echo"))).contains("no GET has shown"));
    assert!(words(&verdict(&of("GETCONTAINS moon", "/list/1/"))).contains("moon"));
}

#[test]
fn what_waits_for_success_is_repeated() {
    let server = MadeUp::start();
    let waiting = get("/status/404", OK).replace("<request>", "<request wait-for-success='yes'>");
    assert!(matches!(run_script(&server, "", &test("1", &waiting)).remove(0).1, Verdict::Failed(_)));
    assert!(server.asked().iter().filter(|line| line.contains("/status/404")).count() > 2);
}

#[test]
fn repeated_tests_count_and_make_names() {
    let server = MadeUp::start();
    let repeated = |path: &str| format!("<test name='1' count='2'>{}</test>", get(path, ""));
    run_script(&server, "", &repeated("/echo/**/x?**"));
    run_script(&server, "", &repeated("/echo/##/y"));
    let asked = server.asked();
    let unique: BTreeSet<&String> = asked.iter().filter(|line| line.ends_with("/x?** signed in") && !line.contains("/**/")).collect();
    assert_eq!(unique.len(), 2, "{asked:?}");
    assert!(asked.contains(&"GET /echo/1/y signed in".to_owned()) && asked.contains(&"GET /echo/2/y signed in".to_owned()), "{asked:?}");
}
