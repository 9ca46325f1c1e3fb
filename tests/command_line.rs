//! Administration: each command while the server runs and while it does not, what it prints, how it ends.

mod story;

use crate::harness::process::{Server, TWO_PEOPLE, finish};
use crate::harness::{Done, Shoji, event};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;
use story::STORY;

const MORE: &str = r#"
[[user]]
name = "erin"
password = "erin"
emails = ["erin@example.org"]

[[group]]
name = "team"
members = ["bob", "erin"]

[[calendar]]
owner = "alice"
name = "work"
display_name = "Work and more"

[[grant]]
calendar = "alice/work"
user = "erin"
level = "edit-delete"
until = 2127-01-01T00:00:00Z
"#;

fn files(shoji: &Shoji) {
    shoji.file("one.ics", &event("one", "First"));
    let body = |uid: &str| {
        event(uid, uid).replace("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n", "").replace("END:VCALENDAR\r\n", "")
    };
    shoji.file("several/two.ICS", &event("two", "Second"));
    let mixed = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nMETHOD:PUBLISH\r\n{}{}END:VCALENDAR\r\n",
        body("three"),
        body("four")
    );
    shoji.file("several/mixed.ics", &mixed);
    shoji.file("several/deeper/five.ics", &event("five", "Fifth"));
    shoji.file("several/readme.txt", "no calendar");
    std::fs::create_dir(shoji.path("empty")).unwrap();
    shoji.file("more.toml", MORE);
    shoji.file("wrong-grant.toml", "# A person who is not there\n[[user]]\nname = \"frank\"\npassword = \"x\"\n\n[[grant]]\ncalendar = \"alice/work\"\nuser = \"nobody\"\nlevel = \"titles\"\n");
    shoji.file("wrong-key.toml", "[[user]]\nname = \"frank\"\n\n[[user]]\nnome = \"dan\"\n");
    shoji.file("wrong-table.toml", "[[users]]\nname = \"frank\"\n");
    shoji.file("wrong-text.toml", "[[user]]\nname =\n");
}

fn tell(shoji: &Shoji) -> Vec<(String, Done)> {
    let home = shoji.path("").to_str().unwrap().trim_end_matches('/').to_owned();
    let mut told = Vec::new();
    for (line, input, exit) in STORY {
        let arguments: Vec<String> = line.split(' ').map(|word| word.replace("HOME", &home)).collect();
        let input = input.replace("FROM-STDIN", &event("six", "Sixth"));
        let mut done = shoji.run_with_input(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), &input);
        assert_eq!(done.exit, Some(*exit), "{line}: {done:?}");
        done.out = done.out.replace(&home, "HOME");
        done.err = done.err.replace(&home, "HOME").replace("beginning a new store in HOME/data\n", "");
        if line.starts_with("--json") {
            let said = if *exit == 0 || line.contains(" import ") { &done.out } else { &done.err };
            assert!(serde_json::from_str::<Value>(said).is_ok(), "{line}: one JSON value: {done:?}");
        }
        if *exit != 0 {
            assert!(!done.err.is_empty(), "{line}: says why");
        }
        told.push(((*line).to_owned(), done));
    }
    told
}

fn tree(directory: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(next) = directories.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else {
                let name = path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
                files.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
}

#[test]
fn commands_do_and_say_the_same_with_and_without_a_server() {
    let (alone, served) = (Shoji::new(), Shoji::new());
    files(&alone);
    files(&served);
    let server = served.serve("");
    let (without, with) = (tell(&alone), tell(&served));
    for ((line, without), (_, with)) in without.iter().zip(&with) {
        assert_eq!(with, without, "{line}");
    }
    let said = |line: &str| without.iter().filter(|(told, _)| told == line).map(|(_, done)| done.clone()).collect::<Vec<_>>();
    let value = |line: &str| -> Value { serde_json::from_str(&said(line)[0].out).unwrap() };
    assert_eq!(said("apply HOME/more.toml")[1].out, "0 things changed\n", "what is so already is not changed again");
    assert_eq!(said("apply --dry-run HOME/more.toml")[0].out.replace("would change", "changed"), said("apply HOME/more.toml")[0].out);
    assert_eq!(value("--json import alice/work HOME/one.ics"), json!({"created": 0, "replaced": 0, "unchanged": 1, "refused": []}));
    assert_eq!(said("import alice/work HOME/several")[0].out, "4 created, 0 replaced, 0 unchanged, 0 refused\n");
    assert_eq!(value("--json check"), json!({"faults": []}));
    assert_eq!(value("--json calendar create alice/plans"), json!({"owner": "alice", "name": "plans"}));
    assert_eq!(value("--json group member add team bob carol"), json!({"name": "team", "members": ["bob", "carol"]}));
    let users = value("--json user list");
    assert_eq!(users[0]["display_name"], "Alice");
    assert_eq!(users[0]["emails"], json!(["alice@example.org", "a@example.org"]));
    assert_eq!(users.as_array().unwrap().len(), 3);
    assert!(!users.to_string().contains("argon2"), "a list is looked at: {users}");
    let listed = |line: &str| {
        let rows = said(line)[0].out.lines().skip(1).map(|row| row.split_whitespace().take(3).collect::<Vec<_>>().join(" ")).collect();
        let rows: Vec<String> = rows;
        rows
    };
    assert_eq!(listed("available list bob"), ["alice/plans available free-busy", "alice/work added titles"]);
    assert_eq!(listed("available list bob --owner alice"), ["alice/plans available free-busy", "alice/work left titles"]);
    assert_eq!(said("available hide bob alice/plans")[0].out, "alice/plans is not listed in the home of bob\n");
    assert!(said("available add carol alice/plans")[0].err.contains("is not open to carol"));
    assert_eq!(said("user quota bob")[0].out, "0 bytes in his own calendars and files, 0 in other people's, of 1073741824\n");
    assert_eq!(said("user quota carol unlimited")[0].out, "0 bytes in his own calendars and files, 0 in other people's, without a limit\n");
    let usage = |quota: Value, allowed: u64| json!({"quota_bytes": quota, "allowed_bytes": allowed, "home_bytes": 0, "given_bytes": 0});
    let named = |mut value: Value, name: &str| {
        value["name"] = json!(name);
        value
    };
    assert_eq!(value("--json user quota bob"), named(usage(json!("default"), 1 << 30), "bob"));
    assert_eq!(value("--json user quota alice 2M"), named(usage(json!(2 << 20), 2 << 20), "alice"));
    for (line, words) in [
        ("apply HOME/wrong-grant.toml", &["line 6", "[[grant]] number 1", "nobody", "nothing was changed"][..]),
        ("apply HOME/wrong-key.toml", &["line 4", "[[user]] number 2", "nome"]),
        ("apply HOME/wrong-table.toml", &["`users`"]),
        ("apply HOME/wrong-text.toml", &["line 2"]),
    ] {
        let done = &said(line)[0];
        assert!(words.iter().all(|word| done.err.contains(word)), "{line}: {done:?}");
    }
    // What was refused changed nothing: frank is not among the people at the end.
    let last = &without.iter().rfind(|(line, _)| line == "--json user list").unwrap().1.out;
    let names: Vec<Value> =
        serde_json::from_str::<Value>(last).unwrap().as_array().unwrap().iter().map(|user| user["name"].clone()).collect();
    assert_eq!(names, ["bob", "carol", "erin"]);
    // Alice is gone with her calendars and shares; of the groups, the one is left with whom it had.
    let last = &without.iter().rfind(|(line, _)| line == "--json share list").unwrap().1.out;
    assert_eq!(serde_json::from_str::<Value>(last).unwrap(), json!([]));
    // Hashes are salted anew each time; all else of what was exported is alike.
    let unsalted = |shoji: &Shoji| {
        let mut files = tree(&shoji.path("export"));
        let text = files.get_mut("shoji.toml").unwrap();
        *text = text.lines().filter(|line| !line.starts_with("password_hash")).collect::<Vec<_>>().join("\n");
        files
    };
    assert_eq!(unsalted(&served), unsalted(&alone));
    server.stop();
}

#[test]
fn what_is_exported_comes_back() {
    let (old, new) = (Shoji::new(), Shoji::new());
    files(&old);
    for line in STORY.iter().take_while(|(line, ..)| !line.contains("calendar delete")) {
        let home = old.path("").to_str().unwrap().trim_end_matches('/').to_owned();
        let arguments: Vec<String> = line.0.split(' ').map(|word| word.replace("HOME", &home)).collect();
        old.run_with_input(
            &arguments.iter().map(String::as_str).collect::<Vec<_>>(),
            &line.1.replace("FROM-STDIN", &event("six", "Sixth")),
        );
    }
    let first = old.path("export");
    let at = |place: &Path, name: &str| place.join(name).to_str().unwrap().to_owned();
    assert_eq!(new.run(&["apply", &at(&first, "shoji.toml")]).exit, Some(0));
    let calendars: Vec<String> = tree(&first).into_keys().filter(|name| name.ends_with(".ics")).collect();
    assert!(calendars.contains(&"alice/work.ics".to_owned()), "{calendars:?}");
    for calendar in &calendars {
        let done = new.run(&["import", calendar.strip_suffix(".ics").unwrap(), &at(&first, calendar)]);
        assert_eq!(done.exit, Some(0), "{calendar}: {done:?}");
    }
    let second = new.path("again");
    assert_eq!(new.run(&["export", "--out", second.to_str().unwrap()]).exit, Some(0));
    assert_eq!(tree(&second), tree(&first));
    assert_eq!(new.run(&["check"]).out, "the store is sound\n");
    // Hashes came along: passwords are as they were. And nobody else reads them.
    let mode = std::fs::metadata(first.join("shoji.toml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let server = new.serve("");
    assert_eq!(server.connect().request_as("alice", "PROPFIND", "/dav/calendars/alice/work/", &[("Depth", "0")], "").status, 207);
    server.stop();
}

/// `policy show` printed `no`, which `policy set` refused.
#[test]
fn a_truth_of_the_policy_is_set_as_it_is_shown() {
    let shoji = Shoji::with_people();
    for value in ["true", "false"] {
        let set = shoji.run(&["policy", "set", "widen_public", value]);
        assert!(set.exit == Some(0) && set.out.contains(&format!("widen_public is {value}")), "{set:?}");
        let shown = shoji.run(&["policy", "show", "widen_public"]).out;
        let row: Vec<&str> = shown.lines().last().unwrap().split_whitespace().collect();
        assert_eq!(row[..2], ["widen_public", value], "{shown}");
        assert_eq!(shoji.json(&["policy", "show", "widen_public"])[0]["value"], Value::Bool(value == "true"));
    }
}

/// With `trash_days = 0` a deletion promised that `restore` brings the calendar back.
#[test]
fn a_deletion_says_for_how_long_it_can_be_taken_back() {
    let shoji = Shoji::with_people();
    assert_eq!(shoji.run(&["calendar", "create", "alice/one"]).exit, Some(0));
    assert_eq!(shoji.run(&["calendar", "create", "alice/two"]).exit, Some(0));
    let kept = shoji.run(&["calendar", "delete", "alice/one", "--yes"]);
    assert!(kept.out.contains("for 30 days `shoji restore alice/one`"), "{kept:?}");
    let shoji = shoji.variable("SHOJI_LIMITS_TRASH_DAYS", "0");
    let gone = shoji.run(&["calendar", "delete", "alice/two", "--yes"]);
    assert!(gone.exit == Some(0) && gone.out.contains("for good") && !gone.out.contains("restore"), "{gone:?}");
}

#[test]
fn where_there_is_no_store_none_is_made_up() {
    let shoji = Shoji::new();
    let file = shoji.file("people.toml", TWO_PEOPLE);
    for arguments in [&["user", "list"][..], &["check"], &["group", "add", "team"], &["export", "--out", "/tmp"], &["share", "list"]] {
        let (exit, code, message) = shoji.refusal(arguments);
        assert_eq!((exit, code.as_str()), (Some(3), "no-store"), "{arguments:?}");
        assert!(message.contains("--data"), "{message}");
    }
    let done = shoji.run(&["apply", "--dry-run", file.to_str().unwrap()]);
    assert!(done.exit == Some(0) && done.out.contains("user alice: added"), "{done:?}");
    assert!(!shoji.data().exists(), "a trial leaves nothing");
    let done = shoji.run_with_input(&["apply", "-"], TWO_PEOPLE);
    assert!(done.exit == Some(0) && done.err.contains("beginning a new store"), "{done:?}");
}

#[test]
fn what_is_no_command_is_told_with_its_usage() {
    let shoji = Shoji::new();
    for arguments in [&[][..], &["brew"], &["user"], &["user", "list", "--brew"], &["serve", "--listen", "here"], &["--data"]] {
        let done = finish(shoji.bare().args(arguments), "");
        assert!(done.exit == Some(2) && !done.err.is_empty() && done.out.is_empty(), "{arguments:?} {done:?}");
    }
    let (exit, code, message) = shoji.refusal(&["brew"]);
    assert_eq!((exit, code.as_str()), (Some(2), "usage"));
    assert!(message.contains("brew"), "{message}");
    for arguments in [&["--help"][..], &["--version"], &["share", "set", "--help"], &["help", "serve"]] {
        let done = finish(shoji.bare().args(arguments), "");
        assert!(done.exit == Some(0) && !done.out.is_empty() && done.err.is_empty(), "{arguments:?} {done:?}");
    }
}

#[test]
fn one_store_has_one_server() {
    let shoji = Shoji::with_people();
    let server = shoji.serve("");
    let (exit, code, message) = shoji.refusal(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!((exit, code.as_str()), (Some(1), "store"));
    assert!(message.contains("in use"), "{message}");
    // The first goes on, and its commands too.
    assert_eq!(shoji.json(&["user", "list"]).as_array().unwrap().len(), 2);
    // A taken address is told.
    let other = Shoji::new();
    let (exit, _, message) = other.refusal(&["serve", "--listen", &server.address.to_string()]);
    assert!(exit == Some(1) && message.contains(&format!("cannot listen on {}", server.address)), "{message}");
    server.stop();
}

#[test]
fn leak_105_only_its_owner_reaches_the_store() {
    // The directory was there before, open to all.
    let shoji = Shoji::new();
    std::fs::create_dir(shoji.data()).unwrap();
    std::fs::set_permissions(shoji.data(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let server = shoji.serve("");
    let socket = shoji.data().join("control.sock");
    assert!(std::fs::metadata(&socket).unwrap().file_type().is_socket());
    assert_eq!((mode(&socket), mode(&shoji.data().join("store"))), (0o600, 0o700));
    server.stop();
    assert!(!socket.exists());
    // Whoever begins it, by whatever command, makes it for himself alone.
    let new = Shoji::with_people();
    assert_eq!((mode(new.data()), mode(&new.data().join("store"))), (0o700, 0o700));
    let new = Shoji::new().at("deeper/data");
    let server = new.serve("");
    assert_eq!(mode(new.data()), 0o700);
    server.stop();
}

#[test]
fn a_data_directory_may_have_a_long_name() {
    let shoji = Shoji::new().at(&format!("{}/{}/data", "d".repeat(100), "e".repeat(100)));
    let mut server = shoji.serve("");
    assert_eq!(shoji.run_with_input(&["user", "add", "alice", "--password-stdin"], "alice").exit, Some(0));
    assert_eq!(server.connect().request_as("alice", "PROPFIND", "/dav/", &[("Depth", "0")], "").status, 207);
    // A socket that a killed server left behind hinders neither commands nor the next server.
    server.signal("KILL");
    assert_eq!(server.wait(), None);
    assert!(shoji.data().join("control.sock").exists());
    assert_eq!(shoji.json(&["user", "list"])[0]["name"], "alice");
    let server = shoji.serve("");
    assert_eq!(shoji.json(&["user", "list"])[0]["name"], "alice");
    server.stop();
    assert!(!shoji.data().join("control.sock").exists());
}

#[test]
fn shares_hold_from_the_command_s_end_on() {
    let shoji = Shoji::with_people();
    let server = shoji.serve("");
    let path = "/dav/calendars/alice/default/one.ics";
    let mut connection = server.connect();
    assert_eq!(connection.request_as("alice", "PUT", path, &[], &event("one", "Therapy")).status, 201);
    let mut summary = || {
        let members = connection.request_as("bob", "REPORT", "/dav/calendars/alice/default/", &[("Depth", "1")],
            "<C:calendar-query xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:prop><C:calendar-data/></D:prop><C:filter><C:comp-filter name=\"VCALENDAR\"/></C:filter></C:calendar-query>");
        members.body.lines().find_map(|line| line.strip_prefix("SUMMARY:")).map(|words| words.trim_end_matches("&#13;").to_owned())
    };
    for (level, shown) in [("free-busy", Some("Busy")), ("titles", Some("Therapy")), ("none", None), ("details", Some("Therapy"))] {
        assert_eq!(shoji.run(&["share", "set", "alice/default", "--user", "bob", "--level", level]).exit, Some(0));
        assert_eq!(summary().as_deref(), shown, "{level}");
    }
    assert_eq!(
        shoji.run(&["share", "set", "alice/default", "--user", "bob", "--level", "details", "--until", "2020-01-01T00:00:00Z"]).exit,
        Some(0)
    );
    assert_eq!(summary(), None, "an end that is past");
    assert_eq!(shoji.run(&["share", "remove", "alice/default", "--user", "bob"]).exit, Some(0));
    assert_eq!(summary(), None);
    server.stop();
}

#[test]
fn the_demonstration_answers_and_leaves_nothing_behind() {
    for signal in ["TERM", "INT"] {
        let shoji = Shoji::new();
        let temporary = shoji.path("temporary");
        std::fs::create_dir(&temporary).unwrap();
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let wanted = taken.local_addr().unwrap();
        let mut command = shoji.bare();
        command.env("TMPDIR", &temporary).args(["demo", "--listen", &wanted.to_string()]);
        let mut demo = Server::start(command, &shoji.path("log"));
        assert_ne!(demo.address, wanted, "a busy port is replaced");
        let mut tour = String::new();
        while !tour.contains("Ctrl-C") {
            tour.push_str(&demo.next_line());
        }
        for name in ["alice", "bob", "carol", "dan", "erin"] {
            assert!(tour.contains(&format!("-u {name}:{name} ")), "{tour}");
            let reply = demo.connect().request_as(name, "PROPFIND", "/dav/calendars/alice/work/", &[("Depth", "1")], "");
            assert_eq!(reply.status, 207, "{name}");
        }
        assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 1);
        demo.signal(signal);
        assert_eq!(demo.wait(), Some(0), "{}", demo.log());
        assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0);
    }
    let (exit, ..) = Shoji::new().refusal(&["demo", "--listen", "192.0.2.1:1"]);
    assert_eq!(exit, Some(2), "its passwords are known: loopback only");
}
