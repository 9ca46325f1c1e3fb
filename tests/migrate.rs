//! `shoji migrate`: to the other engine and back, with what people kept, and nothing else, in the store.

use crate::harness::process::{Shoji, TWO_PEOPLE, finish};
use crate::harness::{Done, event};
use serde_json::{Value, json};

/// Runs with no engine asked for in the configuration but `engine`.
fn run(shoji: &Shoji, engine: Option<&str>, arguments: &[&str], input: &str) -> Done {
    let mut command = shoji.bare();
    command.env_remove("SHOJI_STORAGE_ENGINE").envs(engine.map(|engine| ("SHOJI_STORAGE_ENGINE", engine)));
    finish(command.arg("--data").arg(shoji.data()).args(arguments), input)
}

fn exported(shoji: &Shoji, name: &str) -> Vec<String> {
    let out = shoji.path(name);
    assert_eq!(run(shoji, None, &["export", "--out", out.to_str().unwrap()], "").exit, Some(0));
    ["alice/work.ics", "shoji.toml"].map(|file| std::fs::read_to_string(out.join(file)).unwrap()).into()
}

#[test]
fn a_store_moves_to_redb_and_back_and_says_so() {
    let shoji = Shoji::new();
    assert_eq!(run(&shoji, None, &["migrate", "--engine", "redb"], "").exit, Some(3), "there is nothing to move");
    assert_eq!(run(&shoji, Some("sled"), &["apply", "-"], TWO_PEOPLE).exit, Some(0));
    assert_eq!(run(&shoji, None, &["calendar", "create", "alice/work"], "").exit, Some(0));
    assert_eq!(run(&shoji, None, &["import", "alice/work", "-"], &event("one", "First")).exit, Some(0));
    let before = exported(&shoji, "before");

    let moved = run(&shoji, None, &["migrate", "--engine", "redb"], "");
    assert_eq!(moved.exit, Some(0), "{moved:?}");
    assert!(moved.out.contains("from sled to redb; each was compared"), "{moved:?}");
    let stages: Vec<&str> = moved.err.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(stages, ["copying", "comparing", "putting"], "no terminal: a line for each stage");
    assert!(shoji.data().join("store/shoji.redb").is_file() && !shoji.data().join("store/db").exists());
    assert_eq!(exported(&shoji, "on-redb"), before);
    assert_eq!(run(&shoji, None, &["check"], "").out, "the store is sound\n");

    let again = run(&shoji, None, &["migrate", "--engine", "redb"], "");
    assert_eq!((again.exit, again.out.contains("stands on redb already")), (Some(0), true), "{again:?}");
    let asked_for_sled = run(&shoji, Some("sled"), &["user", "list"], "");
    assert_eq!(asked_for_sled.exit, Some(1));
    assert!(asked_for_sled.err.contains("shoji migrate --engine sled"), "{asked_for_sled:?}");

    let back = run(&shoji, Some("redb"), &["--json", "migrate", "--engine", "sled"], "");
    let told: Value = serde_json::from_str(&back.out).unwrap();
    assert_eq!((&told["from"], &told["to"]), (&json!("redb"), &json!("sled")), "{back:?}");
    assert!(told["records"].as_u64().unwrap() > 10 && back.err.contains("storage.engine"), "{back:?}");
    assert_eq!(exported(&shoji, "back"), before);
}

#[test]
fn a_store_that_is_served_is_not_moved() {
    let shoji = Shoji::new();
    let server = shoji.serve("");
    let refused = run(&shoji, None, &["migrate", "--engine", "redb"], "");
    assert_eq!(refused.exit, Some(1), "{refused:?}");
    assert!(refused.err.contains("stop the server"), "{refused:?}");
    drop(server);
}
