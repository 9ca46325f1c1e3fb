//! The bodies of the fuzz targets, on what was kept and on mutations of it. Each target of `fuzz/` has its row.
//!
//! A file of the corpus is an input that reached something worth reaching, or one that was found to break something: those
//! bear the name of what they broke. `SHOJI_SEED` chooses the mutations, `SHOJI_CASES` makes so many times as many.

mod mutator;

use crate::harness::dice::Dice;
use acl::access::{AccessMatrix, Relation};
use acl::level::Level;
use acl::project::{StoredObject, ViewProfile};
use mutator::{mutated, words};
use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};

/// One target: its body, the folders of its inputs, and how many mutations of them it gets.
struct Target {
    name: &'static str,
    body: fn(&[u8]),
    corpora: &'static [&'static str],
    mutations: usize,
}

static TARGETS: [Target; 10] = [
    Target { name: "content_lines", body: ical::fuzz::content_lines, corpora: &["objects", "zones"], mutations: 3_000 },
    Target { name: "calendar_objects", body: ical::fuzz::calendar_objects, corpora: &["objects"], mutations: 3_000 },
    Target { name: "recurrence", body: ical::fuzz::recurrence, corpora: &["objects"], mutations: 1_500 },
    Target { name: "time_zones", body: ical::fuzz::time_zones, corpora: &["zones", "objects"], mutations: 1_500 },
    Target { name: "projection", body: acl::fuzz::projection, corpora: &["objects"], mutations: 1_500 },
    Target { name: "xml", body: webdav::fuzz::xml, corpora: &["xml"], mutations: 3_000 },
    Target { name: "headers", body: webdav::fuzz::headers, corpora: &["headers"], mutations: 2_500 },
    Target { name: "hrefs", body: webdav::fuzz::hrefs, corpora: &["hrefs"], mutations: 2_500 },
    Target { name: "requests", body: shoji::fuzz::requests, corpora: &["requests"], mutations: 1_000 },
    Target { name: "apply_files", body: shoji::fuzz::apply_files, corpora: &["apply"], mutations: 500 },
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}

/// Kept inputs with their names; those of the projection's tests are objects too.
fn kept(target: &Target) -> Vec<(String, Vec<u8>)> {
    let mut folders: Vec<PathBuf> = target.corpora.iter().map(|name| root().join("tests/fuzz/corpus").join(name)).collect();
    if target.corpora.contains(&"objects") {
        folders.push(root().join("acl/tests/projection"));
    }
    let mut all = Vec::new();
    for folder in folders {
        let before = all.len();
        for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            all.push((path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()));
        }
        assert!(all.len() > before, "{} is empty", folder.display());
    }
    all.sort();
    all
}

/// Runs the body; where it panics, says on what.
fn run(target: &Target, what: &str, bytes: &[u8]) {
    if let Err(panic) = std::panic::catch_unwind(|| (target.body)(bytes)) {
        println!("{} does not hold on {what}:\n{}", target.name, bytes.escape_ascii());
        std::panic::resume_unwind(panic);
    }
}

fn check(target: &Target) {
    let kept = kept(target);
    for (name, bytes) in &kept {
        run(target, name, bytes);
    }
    let seed = number("SHOJI_SEED", 1);
    let times = usize::try_from(number("SHOJI_CASES", 1)).unwrap();
    let inputs: Vec<Vec<u8>> = kept.into_iter().map(|(_, bytes)| bytes).collect();
    let words = words(&std::fs::read_to_string(root().join("fuzz/dictionary.txt")).unwrap());
    let mutations = target.mutations * times;
    println!("{}: {} kept, {mutations} mutations, SHOJI_SEED={seed}", target.name, inputs.len());
    for number in 0..mutations as u64 {
        // Each mutation follows from the seed and its number alone.
        let mut dice = Dice::new(seed.wrapping_mul(0x0001_0000_0000_01b3).wrapping_add(number));
        run(target, &format!("mutation {number} of SHOJI_SEED={seed}"), &mutated(&mut dice, &inputs, &words));
    }
}

fn row(name: &str) -> &'static Target {
    TARGETS.iter().find(|target| target.name == name).unwrap_or_else(|| panic!("{name} has no row"))
}

macro_rules! target {
    ($test:ident, $name:literal) => {
        #[test]
        fn $test() {
            check(row($name));
        }
    };
}

target!(every_byte_of_a_calendar_is_read_once, "content_lines");
target!(what_is_made_of_an_object_is_an_object, "calendar_objects");
target!(recurrence_is_bounded_and_agrees_with_itself, "recurrence");
target!(a_zone_has_an_offset_at_every_instant, "time_zones");
target!(a_projection_is_a_function_of_what_may_be_shown, "projection");
target!(a_body_of_xml_is_a_bounded_tree, "xml");
target!(headers_are_read_or_refused, "headers");
target!(a_path_has_one_form, "hrefs");
target!(a_request_gets_an_answer_without_others_secrets, "requests");
target!(an_apply_file_applies_whole_or_not_at_all, "apply_files");

fn names_below(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<String> = entries.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A target of cargo-fuzz that no test runs would rot, and a test's row that is no target would never be fuzzed.
#[test]
fn each_target_of_cargo_fuzz_has_its_row() {
    let mut rows: Vec<&Target> = TARGETS.iter().collect();
    rows.sort_by_key(|target| target.name);
    assert_eq!(names_below(&root().join("fuzz/fuzz_targets")), rows.iter().map(|target| target.name).collect::<Vec<_>>());
    let manifest: toml::Table = std::fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap().parse().unwrap();
    let mut bins: Vec<&str> = manifest["bin"].as_array().unwrap().iter().map(|bin| bin["name"].as_str().unwrap()).collect();
    bins.sort_unstable();
    assert_eq!(bins, rows.iter().map(|target| target.name).collect::<Vec<_>>());
    assert!(manifest["workspace"].as_table().unwrap().is_empty(), "a workspace of its own");
    let mut used: Vec<&str> = rows.iter().flat_map(|target| target.corpora).copied().collect();
    used.sort_unstable();
    used.dedup();
    assert_eq!(names_below(&root().join("tests/fuzz/corpus")), used);
    assert_eq!(rows.iter().map(|target| target.mutations).sum::<usize>(), 20_000);
}

/// Mutations that were all refused at the door would look at nothing else.
#[test]
fn the_dictionary_and_the_mutations_reach_what_they_are_for() {
    let objects = kept(row("calendar_objects"));
    let inputs: Vec<Vec<u8>> = objects.into_iter().map(|(_, bytes)| bytes).collect();
    let words = words(&std::fs::read_to_string(root().join("fuzz/dictionary.txt")).unwrap());
    let mut valid = 0;
    let made: Vec<Vec<u8>> = (0..400).map(|number| mutated(&mut Dice::new(number), &inputs, &words)).collect();
    for bytes in &made {
        valid += usize::from(ical::CalendarObject::parse(bytes, &ical::fuzz::LIMITS).is_ok());
    }
    assert!((40..390).contains(&valid), "{valid}");
    assert_eq!(made, (0..400).map(|number| mutated(&mut Dice::new(number), &inputs, &words)).collect::<Vec<_>>());
}

/// A projector that shows too much, tells hidden words by being silent, or does not always say the same, is caught by one event.
#[test]
fn the_body_of_the_projection_fails_where_a_projector_is_wrong() {
    let event = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nBEGIN:VEVENT\r\nUID:canary-1\r\nDTSTAMP:20260101T000000Z\r\n\
        DTSTART:20260301T090000Z\r\nDTEND:20260301T100000Z\r\nSUMMARY:canary\r\nDESCRIPTION:canary\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let seen_by = |level, object: &StoredObject<'_>, profile: &ViewProfile| {
        let relation = profile.matrix.relation;
        let matrix = AccessMatrix { relation, ..acl::testing::matrix(level, None) };
        acl::project(object, &ViewProfile { matrix, ..profile.clone() })
    };
    let is_owner = |profile: &ViewProfile| profile.matrix.relation == Relation::Owner;
    let last = Cell::new(false);
    let wrong: [(&str, acl::fuzz::Projector<'_>); 4] = [
        ("titles to everybody", &|object, profile| match is_owner(profile) {
            true => acl::project(object, profile),
            false => seen_by(Level::Titles, object, profile),
        }),
        ("details to everybody", &|object, profile| match is_owner(profile) {
            true => acl::project(object, profile),
            false => seen_by(Level::Details, object, profile),
        }),
        ("nothing where a hidden word is another", &|object, profile| match object.base_text.contains("DESCRIPTION:sparow") {
            true => None,
            false => acl::project(object, profile),
        }),
        ("nothing every other time", &|object, profile| match is_owner(profile) || last.replace(!last.get()) {
            true => acl::project(object, profile),
            false => None,
        }),
    ];
    acl::fuzz::projection(event.as_bytes());
    for (what, projector) in wrong {
        let caught = std::panic::catch_unwind(AssertUnwindSafe(|| acl::fuzz::projection_by(event.as_bytes(), projector)));
        assert!(caught.is_err(), "a projector that shows {what} is not noticed");
    }
}
