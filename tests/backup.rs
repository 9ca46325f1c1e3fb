//! Backups by command: taken of a serving store under write load and of a stopped one, restored, and compared.

use crate::harness::process::wait_until;
use crate::harness::{Connection, Shoji, event};
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

fn path(writer: usize, number: usize) -> String {
    format!("/dav/calendars/alice/default/{writer}-{number}.ics")
}

fn text(path: &std::path::Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_serving_store_is_copied_while_people_write_and_the_copy_serves() {
    let shoji = Shoji::with_people();
    assert_eq!(shoji.run(&["share", "set", "alice/default", "--user", "bob", "--level", "titles"]).exit, Some(0));
    let server = shoji.serve("");
    let (address, ended, writes) = (server.address, AtomicBool::new(false), AtomicUsize::new(0));
    let write = |writer: usize| {
        let mut connection = Connection::open(address);
        let mut written = 0;
        while !ended.load(Ordering::Acquire) {
            let reply = connection.request_as("alice", "PUT", &path(writer, written), &[], &event(&format!("{writer}-{written}"), "Busy"));
            assert_eq!(reply.status, 201);
            written += 1;
            writes.fetch_add(1, Ordering::Relaxed);
        }
        written
    };
    let file = text(&shoji.path("monday.backup"));
    let write = &write;
    let written: Vec<usize> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..3).map(|writer| scope.spawn(move || write(writer))).collect();
        // The second takes the place of the first.
        for some in [20, 80] {
            wait_until("some writes", || (writes.load(Ordering::Relaxed) >= some).then_some(()));
            shoji.json(&["backup", &file]);
        }
        ended.store(true, Ordering::Release);
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    assert!(written.iter().all(|written| *written > 0));
    server.stop();
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!shoji.path("monday.backup.part").exists());
    let copy = text(&shoji.path("copy"));
    let copied = Shoji::new();
    let command = |arguments: &[&str]| {
        let mut command = copied.bare();
        crate::harness::process::finish(command.arg("--data").arg(&copy).args(arguments), "")
    };
    let restored = command(&["--json", "restore-backup", &file]);
    let restored: serde_json::Value = serde_json::from_str(&restored.out).unwrap_or_else(|_| panic!("{restored:?}"));
    assert!(restored["records"].as_u64().unwrap() > 50 && restored["faults"] == serde_json::json!([]), "{restored}");
    assert_eq!(command(&["check"]).out, "the store is sound\n");
    assert!(command(&["share", "list"]).out.contains("titles"));
    let mut serve = copied.bare();
    serve.arg("--data").arg(&copy).args(["serve", "--listen", "127.0.0.1:0"]);
    let server = crate::harness::process::Server::start(serve, &shoji.path("log of the copy"));
    let mut connection = server.connect();
    for (writer, written) in written.iter().enumerate() {
        // Of each writer's objects the first ones, without a gap.
        let there: Vec<bool> =
            (0..*written).map(|number| connection.request_as("alice", "GET", &path(writer, number), &[], "").status == 200).collect();
        assert!(there.is_sorted_by(|first, second| first >= second), "writer {writer}: {there:?}");
        assert!(there.first() == Some(&true));
    }
    server.stop();
}

#[test]
fn a_stopped_store_is_copied_and_what_is_damaged_or_in_the_way_is_refused() {
    let shoji = Shoji::with_people();
    let file = text(&shoji.path("b"));
    assert!(shoji.run(&["backup", &file]).out.contains(" records, "));
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(shoji.path("damaged"), &bytes[..bytes.len() - 1]).unwrap();
    let other = |arguments: &[&str]| {
        let mut command = shoji.bare();
        crate::harness::process::finish(command.arg("--data").arg(shoji.path("other")).args(arguments), "")
    };
    let refused = other(&["restore-backup", &text(&shoji.path("damaged"))]);
    assert!(refused.exit == Some(1) && refused.err.contains("cut off"), "{refused:?}");
    assert!(!shoji.path("other/store").exists());
    let refused = shoji.run(&["restore-backup", &file]);
    assert!(refused.exit == Some(1) && refused.err.contains("holds a store already"), "{refused:?}");
    let refused = shoji.run(&["backup", "/nowhere/b"]);
    assert!(refused.exit == Some(1) && refused.err.contains("/nowhere/b.part"), "{refused:?}");
    assert_eq!(other(&["backup", &file]).exit, Some(3));
    let done = other(&["restore-backup", &file]);
    assert!(done.exit == Some(0) && done.out.contains("each compared"), "{done:?}");
}
