//! Stores that the last programs of every format so far left behind are opened by this one: what was there is there, `check` is
//! clean, and tokens that people were given lead on. The fixtures are made by `storage/tests/fixtures/make`.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use chrono::Utc;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use storage::administration::ApplyFile;
use storage::authorized::{Calendar, Resource};
use storage::{AuthorizedStore, Directory, Door, Environment, Error, Limits, Options, Store};

/// The present format: there is a fixture of it too, which has to open as it is.
const FORMAT: u32 = 6;

fn options() -> Options {
    let counter = AtomicU64::new(0);
    let entropy = Arc::new(move |bytes: &mut [u8]| {
        let hash = blake3::hash(&counter.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        bytes.iter_mut().zip(hash.as_bytes()).for_each(|(byte, random)| *byte = *random);
    });
    Options {
        environment: Environment { clock: Arc::new(Utc::now), entropy },
        limits: Limits::default(),
        directory: Directory::default(),
        engine: None,
    }
}

/// A fixture unpacked, and what its own program said of it.
struct Fixture {
    directory: tempfile::TempDir,
    said: Value,
}

impl Fixture {
    fn unpack(format: u32) -> Self {
        let archive = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/format-{format}.tar.gz"));
        let directory = tempfile::tempdir().unwrap();
        let done = Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(directory.path()).status().unwrap();
        assert!(done.success(), "{}", archive.display());
        let said = std::fs::read_to_string(directory.path().join("expected.json")).unwrap();
        Self { said: serde_json::from_str(&said).unwrap(), directory }
    }
    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }
    fn open(&self) -> Arc<Store> {
        Store::open(&self.data(), options()).unwrap()
    }
}

fn door(store: &Arc<Store>, name: &str) -> Door {
    store.door(store.credential(name).unwrap().unwrap().principal)
}

fn work(store: &AuthorizedStore<'_>) -> Result<Calendar, Error> {
    match store.resolve("alice", &["work"])? {
        Resource::Calendar(calendar) => Ok(calendar),
        _ => Err(Error::NotFound),
    }
}

fn assert_sound(store: &Arc<Store>) {
    assert_eq!(store.administration().check(&mut |_, _| {}).unwrap(), []);
}

/// Everything that the old program said of its store.
fn compare(store: &Arc<Store>, said: &Value) {
    let administration = store.administration();
    let before: ApplyFile = serde_json::from_value(said["file"].clone()).unwrap();
    let now = administration.export_apply_file(None).unwrap();
    assert_eq!(serde_json::to_value(now).unwrap(), serde_json::to_value(before).unwrap());
    let calendars = said["calendars"].as_object().unwrap();
    assert!(calendars.len() >= 4);
    for (calendar, export) in calendars {
        let (owner, name) = calendar.split_once('/').unwrap();
        let now = serde_json::to_value(administration.export_text(owner, name).unwrap()).unwrap();
        assert_eq!(&now, export, "{calendar}");
    }
}

/// Who holds this token and these rows ends with what a fresh client is shown.
fn follow(store: &Arc<Store>, held: &Value) {
    let user = held["user"].as_str().unwrap();
    let seen: Result<_, Error> = door(store, user).read(|store| {
        let calendar = work(store)?;
        let changes = store.changes(&calendar, Some(held["token"].as_str().unwrap()), None)?;
        let rows = store.rows(&calendar)?;
        let bodies = rows.iter().map(|row| store.object(&calendar, row.name()).map(drop)).collect::<Result<Vec<_>, _>>()?;
        assert_eq!(bodies.len(), rows.len());
        Ok((changes, rows.iter().map(|row| (row.name().to_owned(), row.etag().to_owned())).collect::<BTreeMap<_, _>>()))
    });
    let (changes, fresh) = seen.unwrap_or_else(|error| panic!("{user}: {error}"));
    let mut rows: BTreeMap<String, String> = serde_json::from_value(held["rows"].clone()).unwrap();
    assert!(rows.len() >= 5, "{user}");
    changes.removed.iter().for_each(|name| drop(rows.remove(name)));
    rows.extend(changes.changed.iter().map(|row| (row.name().to_owned(), row.etag().to_owned())));
    assert_eq!(rows, fresh, "{user}");
}

#[test]
fn a_store_of_every_format_so_far_opens_with_all_that_was_in_it() {
    for format in 1..=FORMAT {
        let fixture = Fixture::unpack(format);
        // Twice: the second time there is nothing to migrate any more.
        for _ in 0..2 {
            let store = fixture.open();
            assert_sound(&store);
            compare(&store, &fixture.said);
            let held = fixture.said["tokens"].as_array().unwrap();
            assert_eq!(held.len(), 6);
            held.iter().for_each(|held| follow(&store, held));
            assert_sound(&store);
            store.close().unwrap();
        }
        // It is a store like any other from then on.
        let store = fixture.open();
        door(&store, "bob")
            .write(|writer| {
                let calendar = work(writer)?;
                let text = std::str::from_utf8(writer.object(&calendar, "bobs.ics")?.bytes()).unwrap().replace("Of bob", "Of Bob");
                let object = ical::CalendarObject::parse(text.as_bytes(), &ical::ParseLimits::default()).unwrap();
                writer.put_object(&calendar, "bobs.ics", &object).map(drop)
            })
            .unwrap_or_else(|error: Error| panic!("format {format}: {error}"));
        store.administration().delete_calendar("alice", "default").unwrap();
        store.administration().remove_user("carol").unwrap();
        assert_sound(&store);
        store.close().unwrap();
    }
}

#[test]
fn the_fixture_of_the_present_format_is_not_of_an_older_one() {
    let fixture = Fixture::unpack(FORMAT);
    let copy = |to: &Path| {
        let done = Command::new("cp").arg("-r").arg(fixture.data()).arg(to).status().unwrap();
        assert!(done.success());
    };
    // A store that is migrated is written to at once; one that is not is read.
    let other = tempfile::tempdir().unwrap();
    copy(&other.path().join("data"));
    let store = Store::open(&other.path().join("data"), options()).unwrap();
    let said = &fixture.said;
    let administration = store.administration();
    assert_eq!(serde_json::to_value(administration.links(None).unwrap()).unwrap(), said["links"]);
    assert_eq!(serde_json::to_value(administration.trash(None).unwrap()).unwrap(), said["trash"]);
    let history = administration.object_history("alice", "work", "meeting.ics").unwrap();
    assert_eq!(serde_json::to_value(history).unwrap(), said["history"]);
    let journal = serde_json::to_value(administration.journal("alice", "work", None).unwrap()).unwrap();
    assert_eq!(journal, said["journal"]);
    for kept in ["links", "trash", "journal"] {
        assert!(!said[kept].as_array().unwrap().is_empty(), "{kept}");
    }
    assert_eq!(said["history"]["versions"].as_array().unwrap().len(), 2);
}

/// The message says what to do: a person reads it after having gone back to an older program.
#[test]
fn a_newer_format_is_refused_with_what_to_do() {
    let error = Error::NewerFormat { found: FORMAT + 1, known: FORMAT }.to_string();
    assert!(error.contains("format 7") && error.contains("up to 6") && error.contains("newer program"), "{error}");
}
