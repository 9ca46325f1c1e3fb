//! `shoji export`: what was written comes back whatever it is called, and what could not be written is told.

use crate::harness::event;
use crate::harness::process::{Shoji, TWO_PEOPLE};
use serde_json::Value;

/// Calendars and their files, as the head of `shoji.toml` has them.
fn files_of(toml: &str) -> Vec<(String, String)> {
    let pair = |line: &str| {
        let (calendar, file) = line.strip_prefix("# ")?.split_once(" = ")?;
        Some((serde_json::from_str(calendar).ok()?, serde_json::from_str(file).ok()?))
    };
    toml.lines().filter_map(pair).collect()
}

/// A user whose directory was to be where `shoji.toml` belongs ended the export; of two calendars, one called as the hash of
/// the other's long name, one was lost without a word.
#[test]
fn calendars_of_odd_names_come_back_by_what_shoji_toml_says_of_their_files() {
    let (old, new) = (Shoji::new(), Shoji::new());
    let long = "x".repeat(210);
    let hash = blake3::hash(long.as_bytes()).to_hex().to_string();
    let people = format!("{TWO_PEOPLE}\n[[user]]\nname = \"shoji.toml\"\n");
    assert_eq!(old.run_with_input(&["apply", "-"], &people).exit, Some(0));
    let names = [" lead", "%20lead", ".hidden", "[[calendar]]", "quoted \"name\" \\", "日", &hash, &long];
    let mut calendars: Vec<String> = names.iter().map(|name| format!("alice/{name}")).collect();
    calendars.push("shoji.toml/work".to_owned());
    for (number, calendar) in calendars.iter().enumerate() {
        assert_eq!(old.run(&["calendar", "create", calendar]).exit, Some(0), "{calendar}");
        let done = old.run_with_input(&["import", calendar, "-"], &event(&format!("event-{number}"), "Of its own"));
        assert_eq!(done.exit, Some(0), "{calendar}: {done:?}");
    }
    let out = old.path("export");
    let told = old.json(&["export", "--out", out.to_str().unwrap()]);
    assert_eq!((&told["objects"], &told["left_out"]), (&Value::from(calendars.len()), &Value::from(0)));
    let toml = out.join("shoji.toml");
    assert_eq!(new.run(&["apply", toml.to_str().unwrap()]).exit, Some(0));
    let files = files_of(&std::fs::read_to_string(&toml).unwrap());
    assert!(calendars.iter().all(|calendar| files.iter().any(|(named, _)| named == calendar)), "{files:?}");
    for (calendar, file) in &files {
        let done = new.run(&["import", calendar, out.join(file).to_str().unwrap()]);
        assert_eq!(done.exit, Some(0), "{calendar}: {done:?}");
    }
    for (number, calendar) in calendars.iter().enumerate() {
        let (owner, name) = calendar.split_once('/').unwrap();
        let again = new.path("again");
        assert_eq!(new.run(&["export", "--user", owner, "--out", again.to_str().unwrap()]).exit, Some(0));
        let (_, file) = files.iter().find(|(named, _)| named == calendar).unwrap();
        let text = std::fs::read_to_string(again.join(file)).unwrap();
        assert!(text.contains(&format!("UID:event-{number}\r\n")) && text.matches("BEGIN:VEVENT").count() == 1, "{name}: {text}");
    }
}

/// An export that left objects out ended with 0, and a program that took it for a copy was not told.
#[test]
fn an_export_without_what_cannot_be_read_ends_with_1_and_counts_it() {
    let shoji = Shoji::new().variable("SHOJI_STORAGE_ENGINE", "redb");
    assert_eq!(shoji.run_with_input(&["apply", "-"], TWO_PEOPLE).exit, Some(0));
    assert_eq!(shoji.run(&["calendar", "create", "alice/work"]).exit, Some(0));
    for uid in ["whole", "damaged"] {
        assert_eq!(shoji.run_with_input(&["import", "alice/work", "-"], &event(uid, "Of its own")).exit, Some(0));
    }
    let file = shoji.data().join("store/shoji.redb");
    let mut bytes = std::fs::read(&file).unwrap();
    let word = b"UID:damaged";
    let places: Vec<usize> = bytes.windows(word.len()).enumerate().filter(|(_, at)| at == word).map(|(place, _)| place).collect();
    assert!(!places.is_empty());
    for place in places {
        bytes[place..place + 4].copy_from_slice(b"UIX:");
    }
    std::fs::write(&file, bytes).unwrap();
    let out = shoji.path("export");
    let done = shoji.run(&["--json", "export", "--out", out.to_str().unwrap()]);
    assert_eq!(done.exit, Some(1), "{done:?}");
    let told: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!((&told["objects"], &told["left_out"]), (&Value::from(1), &Value::from(1)));
    let failure: Value = serde_json::from_str(&done.err).unwrap();
    assert_eq!(failure["error"]["code"], "left-out");
    assert!(std::fs::read_to_string(out.join("alice/work.ics")).unwrap().contains("UID:whole"));
    let done = shoji.run(&["export", "--out", out.to_str().unwrap()]);
    assert!(done.err.contains("alice/work") && done.err.contains("shoji check"), "{done:?}");
}
