//! Configuration: file, variables, what is refused, and where the site stands for its clients.

use crate::harness::process::{Server, finish};
use crate::harness::{Shoji, event};
use std::os::unix::ffi::OsStrExt;

fn refused(shoji: &Shoji, configuration: &str) -> String {
    let file = shoji.file("refused.toml", configuration);
    let (exit, code, message) = shoji.refusal(&["--config", file.to_str().unwrap(), "serve", "--listen", "127.0.0.1:0"]);
    assert_eq!((exit, code.as_str()), (Some(2), "configuration"), "{configuration}: {message}");
    message
}

#[test]
fn what_cannot_be_meant_is_refused_with_what_to_mend() {
    let shoji = Shoji::new();
    for (configuration, word) in [
        ("trusted_proxys = []", "did you mean `trusted_proxies`?"),
        ("[limits]\nbody_byte_max = 1", "did you mean `limits.body_bytes_max`?"),
        ("[limit]\nbody_bytes_max = 1", "did you mean `limits.body_bytes_max`?"),
        ("[tls]\ncertificate = \"x\"", "did you mean `tls.cert`?"),
        ("[logs]", "did you mean `log."),
        ("xyzzy = 1", "did you mean `"),
        ("tls = \"cert.pem\"", "unknown key `tls`"),
        ("listen = 8008", "listen"),
        ("allow_cleartext = \"maybe\"", "allow_cleartext"),
        ("[log]\nformat = \"xml\"", "format"),
        ("trusted_proxies = [\"all\"]", "trusted_proxies"),
        ("[limits]\nbody_bytes_max = -1", "body_bytes_max"),
        ("[limits]\nconnections_max = 0", "limits.connections_max: 0 would serve nobody"),
        ("[limits]\nbody_seconds = 0", "limits.body_seconds: 0 would cut everybody"),
        ("[limits]\nwrite_seconds = 0", "limits.write_seconds: 0 would cut everybody"),
        ("[limits]\nconnections_max = 9223372036854775807", "limits.connections_max: that is more"),
        ("listen = []", "ADDR:PORT"),
        ("base_path = \"cal/\"", "base_path"),
        ("external_url = \"https://cal.example.org/cal\"", "base_path"),
        ("[tls]\ncert = \"only.pem\"", "tls.key"),
        ("[tls]\ncert = \"/absent.pem\"\nkey = \"/absent.key\"", "/absent.pem"),
        ("= nonsense", "TOML"),
    ] {
        let message = refused(&shoji, configuration);
        assert!(message.contains(word), "{configuration}: {message}");
    }
    let (exit, _, message) = shoji.refusal(&["--config", "/absent/shoji.toml", "user", "list"]);
    assert!(exit == Some(2) && message.contains("/absent/shoji.toml"), "{message}");
    assert!(!shoji.data().exists(), "nothing was begun");
}

#[test]
fn passwords_do_not_cross_a_network_in_clear_by_accident() {
    let shoji = Shoji::new();
    // An address of documentation that no machine has: refused before it is tried, tried when it is allowed.
    let listen = "listen = [\"127.0.0.1:0\", \"192.0.2.1:8008\"]\n";
    let file = shoji.file("open.toml", listen);
    let serve = ["--config", file.to_str().unwrap(), "serve"];
    let (exit, code, message) = shoji.refusal(&serve);
    assert_eq!((exit, code.as_str()), (Some(2), "configuration"));
    for way_out in ["192.0.2.1:8008", "tls.cert", "trusted_proxies", "allow_cleartext"] {
        assert!(message.contains(way_out), "{message}");
    }
    let (exit, _, _) = shoji.refusal(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(exit, Some(2));
    for allowed in ["allow_cleartext = true\n", "trusted_proxies = [\"192.0.2.0/24\"]\n"] {
        shoji.file("open.toml", &format!("{allowed}{listen}"));
        let (exit, _, message) = shoji.refusal(&serve);
        assert!(exit == Some(1) && message.contains("cannot listen on 192.0.2.1:8008"), "{message}");
    }
}

#[test]
fn every_key_is_a_variable_that_stands_above_the_file() {
    let shoji = Shoji::new();
    let secret = shoji.file("base", "/from-file\n");
    let shoji = shoji
        .variable("SHOJI_LISTEN", "127.0.0.1:0,[::1]:0")
        .variable("SHOJI_BASE_PATH_FILE", secret.to_str().unwrap())
        .variable("SHOJI_LOG_FORMAT", "json")
        .variable("SHOJI_PORT", "tcp://10.0.0.1:80")
        .variable("SHOJI_LISTENS", "127.0.0.1:1");
    let mut server = shoji.serve_with("base_path = \"/other\"\nlisten = [\"127.0.0.1:1\"]\n", &[]);
    assert!(server.next_line().starts_with("listening on http://[::1]:"));
    let reply = server.connect().request("GET", "/.well-known/caldav", &[], "");
    assert_eq!(reply.header("location"), Some("/from-file/dav/"));
    let log = server.log();
    assert!(log.contains("warning: unknown variable SHOJI_PORT is ignored"), "{log}");
    assert!(log.contains("warning: unknown variable SHOJI_LISTENS is ignored"), "{log}");
    server.wait_for_log("\"target\":\"shoji\"");
    server.stop();
    // The argument stands above both.
    let server = shoji.serve("");
    assert!(server.line.starts_with("listening on http://127.0.0.1:"));
    server.stop();
    for (name, value) in [
        ("SHOJI_ALLOW_CLEARTEXT", "maybe"),
        ("SHOJI_LIMITS_BODY_BYTES_MAX", "5 MB"),
        ("SHOJI_METRICS_LISTEN", "here"),
        ("SHOJI_TLS_CERT_FILE", "/absent"),
    ] {
        let shoji = Shoji::new().variable(name, value);
        let done = shoji.run(&["user", "list"]);
        let named = done.err.contains(name) || done.err.contains("listen");
        assert!(done.exit == Some(2) && named, "{name}: {done:?}");
    }
}

#[test]
fn a_variable_that_is_no_text_is_told_not_met_with_a_crash() {
    let shoji = Shoji::new();
    let no_text = std::ffi::OsStr::from_bytes(b"\xff\xfe");
    let done = finish(shoji.bare().args(["user", "list"]).env("SHOJI_BASE_PATH", no_text), "");
    assert!(done.exit == Some(2) && done.err.contains("SHOJI_BASE_PATH"), "{done:?}");
    let done = finish(shoji.bare().args(["user", "list"]).env("OTHER", no_text), "");
    assert_eq!(done.exit, Some(3), "{done:?}");
}

#[test]
fn the_store_is_where_it_is_said_to_be() {
    let shoji = Shoji::new();
    let add = ["user", "add", "alice", "--password-stdin"];
    let cases: [(&str, Vec<(&str, &str)>); 4] = [
        (".local/share/shoji", vec![]),
        ("xdg/shoji", vec![("XDG_DATA_HOME", "xdg")]),
        ("variable", vec![("XDG_DATA_HOME", "xdg"), ("SHOJI_DATA", "variable")]),
        ("by-file", vec![("SHOJI_CONFIG", "by-file.toml")]),
    ];
    shoji.file("by-file.toml", &format!("data = {:?}\n", shoji.path("by-file")));
    for (place, variables) in cases {
        let mut command = shoji.bare();
        command.args(add).envs(variables.into_iter().map(|(name, value)| (name, shoji.path(value))));
        let done = finish(&mut command, "pw");
        assert!(done.exit == Some(0) && shoji.path(place).join("store").is_dir(), "{place}: {done:?}");
    }
    let mut command = shoji.bare();
    command.arg("--data").arg(shoji.path("argument")).args(add).env("SHOJI_DATA", shoji.path("variable"));
    assert_eq!(finish(&mut command, "pw").exit, Some(0));
    assert!(shoji.path("argument/store").is_dir());
    let done = finish(shoji.bare().args(["user", "list"]).env_remove("HOME"), "");
    assert!(done.exit == Some(2) && done.err.contains("--data"), "{done:?}");
}

fn href_of_home(server: &Server, path: &str) -> String {
    let reply = server.connect().request_as("alice", "PROPFIND", path, &[("Depth", "0")], "");
    assert_eq!(reply.status, 207, "{path}: {reply:?}");
    crate::harness::client::inner(&reply.body, "href").unwrap()
}

#[test]
fn behind_a_proxy_the_site_stands_below_a_path_stripped_or_not() {
    let shoji = Shoji::with_people();
    let server = shoji.serve("base_path = \"/cal\"\nexternal_url = \"https://cal.example.org\"\n");
    let mut connection = server.connect();
    for path in ["/.well-known/caldav", "/cal/.well-known/caldav"] {
        let reply = connection.request("PROPFIND", path, &[], "");
        assert_eq!((reply.status, reply.header("location")), (301, Some("/cal/dav/")), "{path}");
    }
    assert_eq!(connection.request("GET", "/cal/healthz", &[], "").status, 200);
    // What the proxy sends as it came, and what it sends without the path, name the same things by the same names.
    for path in ["/cal/dav/calendars/alice/", "/dav/calendars/alice/"] {
        assert_eq!(href_of_home(&server, path), "/cal/dav/calendars/alice/");
    }
    for path in ["/cal", "/cal/", "/"] {
        assert_eq!(connection.request_as("alice", "PROPFIND", path, &[("Depth", "0")], "").status, 207, "{path}");
    }
    assert_eq!(connection.request_as("alice", "PROPFIND", "/calx/dav/", &[("Depth", "0")], "").status, 404);
    // Where something is to go is said by the site's outer name.
    let one = "/cal/dav/calendars/alice/default/one.ics";
    assert_eq!(connection.request_as("alice", "PUT", one, &[], &event("one", "Moves")).status, 201);
    for (from, to, status) in [
        ("one", "https://cal.example.org/cal/dav/calendars/alice/default/two.ics", 201),
        ("two", "/cal/dav/calendars/alice/default/three.ics", 201),
        ("three", "https://elsewhere.example.org/cal/dav/calendars/alice/default/four.ics", 502),
    ] {
        let from = format!("/dav/calendars/alice/default/{from}.ics");
        let reply = connection.request_as("alice", "MOVE", &from, &[("Destination", to)], "");
        assert_eq!(reply.status, status, "{to}: {reply:?}");
    }
    server.stop();
}
