//! The rules of the house that no compiler checks, as a test: what names what, which way the crates' arrows point, and how
//! files begin and end. Each rule is shown to bite.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Lines of one file.
const LINES_MAX: usize = 500;

/// What each crate may depend on, of ours; an arrow the other way would be a circle, one past a neighbour a short cut.
const ARROWS: [(&str, &[&str]); 7] = [
    ("ical", &[]),
    ("acl", &["ical"]),
    ("storage", &["ical", "acl"]),
    ("webdav", &["ical", "acl", "storage"]),
    ("interop", &[]),
    ("bench", &[]),
    (".", &["ical", "acl", "storage", "webdav"]),
];

/// Whatever a crate must not know, by the word that would give it away in its code (not in its tests).
const UNKNOWN: [(&str, &[&str], &str); 5] = [
    (
        "ical/src/",
        &["std::fs", "std::net", "std::env", "SystemTime", "Instant::now", "Utc::now", "Local::now", "async fn", "tokio"],
        "is pure",
    ),
    (
        "acl/src/",
        &["std::fs", "std::net", "std::env", "SystemTime", "Instant::now", "Utc::now", "Local::now", "async fn", "tokio"],
        "is pure",
    ),
    (
        "storage/src/",
        &["http::", "quick_xml", "async fn", "tokio", "Utc::now", "SystemTime", "getrandom"],
        "knows no protocol, clock or randomness",
    ),
    (
        "webdav/src/",
        &[
            "StoredObject",
            "storage::store",
            "storage::Store",
            "Store::open",
            "storage::Administration",
            "administration",
            "AccessMatrix",
            "Grant",
            "std::fs",
            "std::net",
            "tokio",
            "hyper",
            "async fn",
            "Utc::now",
        ],
        "sees only what the door hands out, and decides no access",
    ),
    (
        "src/",
        &["quick_xml", "icalendar::", "content_line", "CalendarObject", "acl::project", "Visibility", "AccessMatrix"],
        "knows no XML and no iCalendar",
    ),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Files of the repository by path, what is built or hidden left out.
fn files(extensions: &[&str]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![root()];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with('.') || ["target", "node_modules", "proptest-regressions"].contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extensions.contains(&extension.to_string_lossy().as_ref())) {
                let relative = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                found.insert(relative, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

/// A file's own code: without comments, and without what stands in its test module.
fn code(text: &str) -> String {
    let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    own.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn is_test(path: &str) -> bool {
    path.contains("tests/") || path.ends_with("tests.rs") || path.ends_with("testing.rs")
}

/// Whether a word stands in a text with no letter before or after it.
fn names(text: &str, word: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let bounds = |at: usize| {
        let begins = word.starts_with(|c: char| c.is_alphanumeric());
        let ends = word.ends_with(|c: char| c.is_alphanumeric());
        let inside = begins && part(text[..at].chars().next_back()) || ends && part(text[at + word.len()..].chars().next());
        !inside
    };
    text.match_indices(word).any(|(at, _)| bounds(at))
}

/// What is wrong with one file of Rust.
fn faults(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let mut fault = |what: String| faults.push(format!("{path} {what}"));
    if !text.starts_with("//! ") {
        fault("does not open with what it is for".to_owned());
    }
    if text.lines().count() > LINES_MAX {
        fault(format!("has {} lines", text.lines().count()));
    }
    for unfinished in [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["todo", "!"].concat(), ["unimplemented", "!"].concat()] {
        if names(text, &unfinished) {
            fault(format!("says {unfinished}"));
        }
    }
    if text.contains(&["#[al", "low("].concat()) || text.contains(&["#![al", "low("].concat()) {
        fault("allows where it should expect, with a reason".to_owned());
    }
    let code = code(text);
    for engine in ["sled", "redb"] {
        let modules_apart = code.replace(&format!("engine::{engine}::"), "").replace(&format!("super::{engine}::"), "");
        if path != format!("storage/src/engine/{engine}.rs")
            && !is_test(path)
            && [format!("{engine}::"), format!("use {engine}"), format!("extern crate {engine}")]
                .iter()
                .any(|word| names(&modules_apart, word))
        {
            fault("names the engine's crate".to_owned());
        }
    }
    for (start, words, why) in UNKNOWN {
        if path.starts_with(start) && !is_test(path) && path != "storage/src/engine/sled.rs" {
            for word in words.iter().filter(|word| names(&code, word)) {
                fault(format!("names {word}: {start} {why}"));
            }
        }
    }
    faults
}

/// The crates of ours that a manifest names outside of its development dependencies.
fn ours(manifest: &str) -> Vec<String> {
    let table: toml::Table = manifest.parse().unwrap();
    let dependencies = table.get("dependencies").and_then(|value| value.as_table()).cloned().unwrap_or_default();
    let known: Vec<&str> = ARROWS.iter().map(|(name, _)| *name).chain(["shoji"]).collect();
    dependencies.keys().filter(|name| known.contains(&name.as_str())).cloned().collect()
}

#[test]
fn every_file_keeps_the_rules() {
    let files = files(&["rs"]);
    let found: Vec<String> = files.iter().flat_map(|(path, text)| faults(path, text)).collect();
    println!("{} files of Rust looked at", files.len());
    assert!(files.len() > 150, "{}", files.len());
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn the_crates_point_one_way() {
    let mut arrows = 0;
    for (name, allowed) in ARROWS {
        let manifest = std::fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap();
        let named = ours(&manifest);
        assert!(named.iter().all(|dependency| allowed.contains(&dependency.as_str())), "{name} depends on {named:?}");
        assert!(manifest.contains("[lints]\nworkspace = true"), "{name} has lints of its own");
        assert!(manifest.contains("rust-version"), "{name}");
        arrows += named.len();
    }
    assert!(arrows >= 10, "{arrows}");
    let members = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let members: toml::Table = members.parse().unwrap();
    let members = members["workspace"]["members"].as_array().unwrap().len();
    assert_eq!(members + 1, ARROWS.len(), "every crate has its row");
    for (path, engine) in [("storage", true), ("ical", false), ("acl", false), ("webdav", false), (".", false)] {
        let manifest: toml::Table = std::fs::read_to_string(root().join(path).join("Cargo.toml")).unwrap().parse().unwrap();
        let depends = |name: &str| manifest["dependencies"].as_table().unwrap().contains_key(name);
        assert_eq!(depends("sled"), engine, "{path}");
        assert_eq!(depends("redb"), engine, "{path}");
        assert_eq!(depends("quick-xml"), path == "webdav", "{path}");
        assert_eq!(depends("icalendar"), path == "ical", "{path}");
        assert_eq!(depends("tokio"), path == ".", "{path}");
        assert!(!depends("anyhow") || path == ".", "{path}");
    }
}

/// The dependencies that a manifest chooses (and does not take from the workspace's) with no comment right above them.
fn unreasoned(manifest: &str) -> Vec<String> {
    let mut section = "";
    let mut above = "";
    let mut found = Vec::new();
    for line in manifest.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
        } else if section.ends_with("dependencies") && !line.is_empty() && !line.starts_with('#') {
            let chosen = !["workspace = true", "path = "].iter().any(|elsewhere| line.contains(elsewhere));
            if chosen && !above.starts_with('#') {
                found.push(line.split([' ', '.', '=']).next().unwrap_or_default().to_owned());
            }
        }
        above = line;
    }
    found
}

#[test]
fn every_dependency_says_why_it_is_there() {
    let mut looked_at = 0;
    for (name, _) in ARROWS {
        let manifest = std::fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap();
        assert_eq!(unreasoned(&manifest), Vec::<String>::new(), "{name}");
        looked_at += 1;
    }
    assert!(looked_at >= 6, "{looked_at}");
    assert_eq!(unreasoned("[dependencies]\n# Why.\na = \"1\"\nb = { version = \"1\" }\nc.workspace = true\n"), ["b"]);
}

#[test]
fn what_the_repository_says_is_finished() {
    let mut looked_at = 0;
    for (path, text) in files(&["md", "toml", "yml", "sh", "py", "js"]) {
        for unfinished in [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["X", "XX"].concat()] {
            assert!(!names(&text, &unfinished), "{path} says {unfinished}");
        }
        looked_at += 1;
    }
    assert!(looked_at >= 8, "{looked_at}");
    for file in ["README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE-MIT", "LICENSE-APACHE", "Cargo.lock"] {
        assert!(Path::new(&root()).join(file).is_file(), "{file} is missing");
    }
}

/// The saboteurs: each rule catches the file that breaks it, and no other.
#[test]
fn each_rule_bites() {
    let good = "//! What it is for.\n\nuse crate::engine::sled::SledEngine;\n// sled:: in a comment\nfn stored() {}\n";
    for path in ["storage/src/store.rs", "webdav/src/href.rs", "ical/src/lib.rs", "src/main.rs"] {
        assert_eq!(faults(path, good), Vec::<String>::new(), "{path}");
    }
    let long = format!("//! Long.\n{}", "\n".repeat(LINES_MAX));
    let after = |line: &str| format!("//! What.\n{line}\n");
    for (path, text) in [
        ("acl/src/x.rs", "use std::fmt;\n".to_owned()),
        ("acl/src/x.rs", long),
        ("acl/src/x.rs", after(&["// TO", "DO: later"].concat())),
        ("acl/src/x.rs", after(&["    todo", "!()"].concat())),
        ("acl/src/x.rs", after(&["#[al", "low(dead_code)]"].concat())),
        ("acl/src/x.rs", after("let now = Utc::now();")),
        ("ical/src/x.rs", after("use std::fs::File;")),
        ("storage/src/x.rs", after("let tree: sled::Tree;")),
        ("storage/src/x.rs", after("let database: redb::Database;")),
        ("storage/src/x.rs", after("use http::StatusCode;")),
        ("webdav/src/x.rs", after("fn f(object: &StoredObject) {}")),
        ("webdav/src/x.rs", after("use storage::Store;")),
        ("webdav/src/x.rs", after("if matrix == AccessMatrix::owner() {}")),
        ("src/x.rs", after("use ical::CalendarObject;")),
    ] {
        assert_eq!(faults(path, &text).len(), 1, "{path}: {text:.40} {:?}", faults(path, &text));
    }
    assert_eq!(ours("[dependencies]\nacl.workspace = true\nchrono = \"1\"\n[dev-dependencies]\nstorage = \"1\"\n"), ["acl"]);
}
