//! The table of channels: each is attacked by tests named after it, or has a reason why it cannot occur; one that has neither
//! fails, and so does one that has both. Written to `acl/leaks.md`, which is part of the documentation of `acl`, by
//! `SHOJI_WRITE_GOLDEN=1 cargo test --test end_to_end leaks::table`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What stands against a channel.
enum Proof {
    /// Tests whose names begin with `leak_NN_`.
    Tests,
    /// It does not exist here, for this reason.
    Reason(&'static str),
}

use Proof::{Reason, Tests};

type Part = (&'static str, &'static [(&'static str, Proof)]);

/// Every channel in the order of its number, in parts.
const PARTS: &[Part] = &[
    (
        "Reading an object",
        &[
            ("what is not known by name", Tests),
            ("another way to read the same object", Tests),
            ("another path or spelling of it", Tests),
            ("privacy that differs between instances", Tests),
            ("a ghost where a hidden instance was", Tests),
            ("the series behind an instance shown alone", Tests),
            ("exclusions, ends and original times of a rule", Tests),
            ("expansion on the server", Tests),
            ("selections of properties", Tests),
            ("parameters of properties that are shown", Tests),
            ("definitions of time zones", Tests),
            ("alarms", Tests),
            ("people who take part", Tests),
            ("properties of the whole stream", Tests),
            ("the class of a block and the words for it", Tests),
            ("status, transparency and having declined", Tests),
            ("identifiers that several calendars share", Tests),
            ("stamps and counters of changes", Tests),
            ("places, relations, categories, colours", Tests),
            ("order, folding and case of the stored text", Tests),
            ("how many events make up busy time", Tests),
        ],
    ),
    (
        "What is said beside the text",
        &[
            ("entity tags as a check of guesses", Tests),
            ("tags and tokens of calendars", Tests),
            ("lengths and ranges", Tests),
            ("dates of resources", Tests),
            ("names, identifiers and notes of resources", Tests),
            ("file names", Tests),
            ("properties of a calendar", Tests),
            ("space that is taken up", Tests),
        ],
    ),
    (
        "Synchronising",
        &[
            ("hidden members among changes", Tests),
            ("copies that stay after access ended", Tests),
            ("what is missing after access began", Tests),
            ("pages, limits and counts", Tests),
            ("tokens of others and of before", Tests),
            ("lists of guesses, and tokens as conditions", Tests),
        ],
    ),
    (
        "Queries",
        &[
            ("searching for text that is withheld", Tests),
            ("asking whether something is defined", Tests),
            ("alarms and components that are not shown", Tests),
            ("ranges of time over stamps", Tests),
            ("denials, collations and alternatives", Tests),
            ("filters as language of an index", Tests),
            ("order of what is found", Tests),
            ("work that hidden objects make", Tests),
        ],
    ),
    (
        "Existence and conditions",
        &[
            ("forbidden beside not found", Tests),
            ("conditions before rights", Tests),
            ("names taken by hidden objects", Tests),
            ("identifiers taken by hidden objects", Tests),
            ("destinations that stand already", Tests),
            ("being told that nothing changed", Tests),
            ("representations in refusals", Tests),
            ("words and hrefs of errors", Tests),
            ("what methods are offered", Tests),
        ],
    ),
    (
        "Writing",
        &[
            ("a reduced copy written back", Tests),
            ("exclusions of hidden instances written back", Tests),
            ("personal items of others lost by a write", Tests),
            ("privacy changed by others", Tests),
            ("deletion by other names", Tests),
            ("deleting what is not seen", Tests),
            ("copies and moves out of a reduced calendar", Tests),
            ("moves into a calendar with other shares", Tests),
            ("destinations elsewhere", Tests),
            ("attendees added to open an event", Tests),
            ("addresses claimed by their user", Tests),
            ("organizers replaced by attendees", Tests),
            ("properties set for everybody", Tests),
            ("locks", Tests),
            ("other methods that write", Tests),
            ("reading by the right to create", Tests),
        ],
    ),
    (
        "Free/busy and scheduling",
        &[
            ("busy time beside an empty list", Tests),
            ("reports on what is not shared", Tests),
            ("free/busy of people who share nothing", Tests),
            ("refusals that tell people apart", Tests),
            ("text in free/busy", Tests),
            (
                "masking one event to learn of it",
                Reason(
                    "free/busy is asked for by a time range alone, in a report or a URL; no property of the request names an event to leave out, and a scheduling outbox does not exist",
                ),
            ),
            ("windows that are small or endless", Tests),
            ("to-dos, journals and availability", Tests),
            (
                "an inbox",
                Reason("there is no scheduling: nothing is delivered to anybody, so there is no collection in which it would lie"),
            ),
            ("messages to attendees", Reason("no message is ever sent, by mail or otherwise: `ATTENDEE` and `ORGANIZER` are kept as text")),
            (
                "cancellations made of a reduced copy",
                Reason(
                    "the server compares no copy with another and tells no attendee of a change; a reduced copy bears another UID besides",
                ),
            ),
            ("an attendee's copy shared on", Tests),
            ("rooms", Reason("a calendar belongs to a person; there is no resource whose calendar is filled by invitations of others")),
        ],
    ),
    (
        "People",
        &[
            ("searches for people", Tests),
            ("memberships and members", Tests),
            ("lists of shares", Tests),
            ("sharing as a test of names", Tests),
            ("signing in as a test of names", Tests),
            ("spellings of a name", Tests),
        ],
    ),
    (
        "Ways in and out",
        &[
            (
                "managed attachments",
                Reason("the server stores no attachments apart from the event they stand in (RFC 8607 is not offered)"),
            ),
            ("attachments within an event", Tests),
            ("links", Tests),
            ("exports", Tests),
            ("imports", Tests),
            ("pages and files a browser shows", Tests),
            ("history and activity", Tests),
            ("reminders sent by the server", Reason("the server rings for nobody: alarms are kept for their owner's clients")),
            ("push notifications", Reason("nobody is notified of changes: clients ask")),
            (
                "synchronisation with other calendars",
                Reason("the server speaks to no other: what leaves it was asked for by somebody who signed in"),
            ),
            ("subscriptions", Tests),
            ("invitations to share", Tests),
        ],
    ),
    (
        "Transport and operation",
        &[
            ("shared caches", Tests),
            ("connections that several people use", Tests),
            ("headers that name a user", Tests),
            ("compression", Tests),
            ("logs and metrics", Tests),
            ("copies of the store", Tests),
            ("administrators", Tests),
            ("access decided earlier", Tests),
            ("policy of one moment and data of another", Tests),
        ],
    ),
    (
        "Reading hostile input",
        &[
            ("XML", Tests),
            ("calendar objects", Tests),
            ("requests for everything", Tests),
            ("paths", Tests),
            ("header injection", Tests),
            ("markup and lines in text", Tests),
            ("requests from other sites", Tests),
            ("credentials of another scope", Tests),
        ],
    ),
    (
        "Found later",
        &[
            ("groups among attendees", Tests),
            (
                "a right to answer alone",
                Reason(
                    "there is no right to change only one's own answer: who may write an object may write all of it, who may not, nothing",
                ),
            ),
        ],
    ),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of Rust below a directory, what is built left out.
fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && name != "target" && name != "node_modules" {
            sources(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

/// The numbers and names of the tests in a text that are named after a channel. A function that no test runner calls is none.
fn tests_in(text: &str) -> Vec<(usize, String)> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let name = line.trim_start_matches("pub ").strip_prefix("fn ").and_then(|rest| rest.split('(').next());
        let Some(name) = name.filter(|name| name.starts_with("leak_")) else { continue };
        let attributes = lines[..at].iter().rev().take_while(|line| line.starts_with('#') || line.starts_with("//"));
        let is_test = attributes.clone().any(|line| *line == "#[test]") && !attributes.clone().any(|line| line.contains("ignore"));
        if let (true, Some(number)) = (is_test, name.split('_').nth(1).and_then(|number| number.parse().ok())) {
            found.push((number, name.to_owned()));
        }
    }
    found
}

/// Tests by number: file and name.
fn tests() -> BTreeMap<usize, Vec<(String, String)>> {
    let mut files = Vec::new();
    sources(&root(), &mut files);
    let mut tests: BTreeMap<usize, Vec<(String, String)>> = BTreeMap::new();
    for path in files {
        let relative = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
        if relative == "tests/leaks/table.rs" {
            continue;
        }
        for (number, name) in tests_in(&std::fs::read_to_string(&path).unwrap()) {
            tests.entry(number).or_default().push((relative.clone(), name));
        }
    }
    tests
}

/// The table, or what is wrong with it.
fn table(parts: &[Part], tests: &BTreeMap<usize, Vec<(String, String)>>) -> Result<String, Vec<String>> {
    let mut faults = Vec::new();
    let mut out = String::from(
        "Each way in which a server of this kind has let somebody learn, change or destroy what he was not shown, and what stands\n\
         against it: tests that try it, or the reason why it does not exist here. Written by `tests/leaks/table.rs`.\n",
    );
    let mut number = 0;
    for (part, channels) in parts {
        let _ = write!(out, "\n## {part}\n\n| | Channel | |\n|---|---|---|\n");
        for (name, proof) in *channels {
            number += 1;
            let tests = tests.get(&number).map(Vec::as_slice).unwrap_or_default();
            let shown = match (proof, tests) {
                (Tests, []) => {
                    faults.push(format!("{number} ({name}) has no test"));
                    continue;
                }
                (Reason(_), [_, ..]) => {
                    faults.push(format!("{number} ({name}) cannot occur, and yet has {tests:?}"));
                    continue;
                }
                (Reason(reason), []) => format!("cannot occur: {reason}"),
                (Tests, tests) => tests.iter().map(|(path, name)| format!("`{name}` in {path}")).collect::<Vec<_>>().join(", "),
            };
            let _ = writeln!(out, "| {number:02} | {name} | {shown} |");
        }
    }
    let strangers = tests.keys().filter(|known| !(1..=number).contains(*known));
    faults.extend(strangers.map(|number| format!("there is no channel {number}")));
    if faults.is_empty() { Ok(out) } else { Err(faults) }
}

#[test]
fn every_channel_has_its_test_or_its_reason() {
    let tests = tests();
    let table = table(PARTS, &tests).unwrap_or_else(|faults| panic!("{faults:#?}"));
    let path = root().join("acl/leaks.md");
    if std::env::var_os("SHOJI_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    let different = written.lines().zip(table.lines()).find(|(written, now)| written != now);
    assert_eq!(different, None, "a row changed (written, now): SHOJI_WRITE_GOLDEN=1 writes it anew");
    assert_eq!(written.lines().count(), table.lines().count());
    let channels: usize = PARTS.iter().map(|(_, channels)| channels.len()).sum();
    assert_eq!(channels, 118);
    println!("{channels} channels, {} of them tried by {} tests", tests.len(), tests.values().map(Vec::len).sum::<usize>());
}

/// A channel without test or reason is noticed, and so is a test that is none.
#[test]
fn the_table_bites() {
    let of = |text: &str| tests_in(text);
    assert_eq!(of("#[test]\nfn leak_07_x() {"), [(7, "leak_07_x".to_owned())]);
    assert_eq!(of("    /// Words.\n    #[test]\n    // More.\n    pub fn leak_101_x() {").len(), 1);
    assert_eq!(of("fn leak_07_x() {"), []);
    assert_eq!(of("#[test]\n#[ignore = \"x\"]\nfn leak_07_x() {"), []);
    assert_eq!(of("#[test]\nfn other() {}\n\nfn leak_07_x() {"), []);
    let parts: &[Part] = &[("Part", &[("one", Tests), ("two", Reason("it cannot"))])];
    let test = |number: usize| (number, vec![("x.rs".to_owned(), "leak".to_owned())]);
    assert!(table(parts, &BTreeMap::from([test(1)])).unwrap().contains("| 02 | two | cannot occur: it cannot |"));
    assert_eq!(table(parts, &BTreeMap::new()).unwrap_err().len(), 1);
    assert_eq!(table(parts, &BTreeMap::from([test(1), test(2)])).unwrap_err().len(), 1);
    assert_eq!(table(parts, &BTreeMap::from([test(1), test(3)])).unwrap_err().len(), 1);
}
