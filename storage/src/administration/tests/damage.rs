//! A check that cannot fail is none: every kind of record is damaged, and each damage is found.

use super::*;
use crate::engine::KeyRange;
use crate::keys;
use crate::read::{Read, keys as keys_of};

/// A store with something in every table that `check` looks at.
fn full() -> Fixture {
    let fixture = fixture();
    fixture.apply(&company());
    let alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n";
    let large = format!("DESCRIPTION:{}\r\n", "long ".repeat(4_000));
    imported(&fixture, &[event("one", "CLASS:PRIVATE\r\n"), event("two", alarm), event("three", &large)]);
    assert_eq!(fixture.faults(), Vec::<String>::new());
    fixture
}

fn damage(fixture: &Fixture, write: impl FnOnce(&mut crate::read::Transaction<'_>)) {
    fixture
        .store
        .write(|snapshot| {
            let mut transaction = snapshot.begin();
            write(&mut transaction);
            snapshot.commit(transaction)
        })
        .unwrap();
}

#[test]
fn check_finds_every_record_that_is_lost_or_overwritten() {
    let fixture = full();
    let tables = [
        keys::USERS,
        keys::GROUPS,
        keys::PRINCIPAL_NAMES,
        keys::ADDRESSES,
        keys::MEMBERS,
        keys::MEMBERSHIPS,
        keys::CALENDARS,
        keys::HOME_CALENDARS,
        keys::GRANTS,
        keys::GRANTED,
        keys::OBJECTS,
        keys::BODIES,
        keys::OBJECT_NAMES,
        keys::OBJECT_UIDS,
        keys::CHANGES,
        keys::PRIVATE_UIDS,
        keys::USAGE,
    ];
    let mut damaged = 0;
    for table in tables {
        let keys = fixture.store.read(|snapshot| keys_of(snapshot, &keys::table(table))).unwrap();
        assert!(!keys.is_empty(), "nothing in table {}", char::from(table));
        for key in keys {
            let value = fixture.store.read(|snapshot| snapshot.get(&key)).unwrap().unwrap();
            damage(&fixture, |transaction| transaction.delete(key.clone()));
            assert!(!fixture.faults().is_empty(), "a lost entry of table {} is not noticed", char::from(table));
            if !value.is_empty() {
                damage(&fixture, |transaction| transaction.put(key.clone(), vec![0xee; value.len()]));
                assert!(!fixture.faults().is_empty(), "an overwritten entry of table {} is not noticed", char::from(table));
            }
            damage(&fixture, |transaction| transaction.put(key.clone(), value));
            damaged += 1;
        }
    }
    assert_eq!(fixture.faults(), Vec::<String>::new(), "mended");
    println!("{damaged} records damaged");
    assert!(damaged > 40, "only {damaged}");
}

/// The same with what is kept of the past: versions, a deleted object, a deleted calendar.
#[test]
fn check_finds_lost_and_overwritten_records_of_histories_and_trash() {
    let fixture = full();
    imported(&fixture, &[event("one", "CLASS:PRIVATE\r\nLOCATION:x\r\n"), event("two", "LOCATION:x\r\n")]);
    let alice = fixture.store.door(fixture.store.credential("alice").unwrap().unwrap().principal);
    let deleted: crate::error::Result<()> = alice.write(|store| {
        let crate::authorized::Resource::Calendar(calendar) = store.resolve("alice", &["work"])? else { return Err(Error::NotFound) };
        store.delete_object(&calendar, "three.ics")
    });
    deleted.unwrap();
    fixture.administration.create_calendar(&CalendarEntry { owner: "alice".into(), name: "gone".into(), ..Default::default() }).unwrap();
    fixture.administration.import("alice", "gone", &[event("four", "")]).unwrap();
    fixture.administration.delete_calendar("alice", "gone").unwrap();
    assert_eq!(fixture.faults(), Vec::<String>::new());
    let tables = [
        keys::VERSIONS,
        keys::VERSION_BODIES,
        keys::HISTORIES,
        keys::TRASH,
        keys::TRASHED_CALENDARS,
        keys::KEPT,
        keys::KEPT_BYTES,
        keys::BODIES,
        keys::OBJECTS,
    ];
    for table in tables {
        let keys = fixture.store.read(|snapshot| keys_of(snapshot, &keys::table(table))).unwrap();
        assert!(!keys.is_empty(), "nothing in table {}", char::from(table));
        for key in keys {
            let value = fixture.store.read(|snapshot| snapshot.get(&key)).unwrap().unwrap();
            let name = char::from(table);
            // An object may be older than its history: one without earlier versions needs none.
            if table != keys::HISTORIES {
                damage(&fixture, |transaction| transaction.delete(key.clone()));
                assert!(!fixture.faults().is_empty(), "a lost entry of table {name} is not noticed");
            }
            let other = if table == keys::VERSION_BODIES { value.len() + 1 } else { value.len() };
            damage(&fixture, |transaction| transaction.put(key.clone(), vec![0xee; other]));
            assert!(!fixture.faults().is_empty(), "an overwritten entry of table {name} is not noticed");
            damage(&fixture, |transaction| transaction.put(key.clone(), value));
        }
    }
    assert_eq!(fixture.faults(), Vec::<String>::new(), "mended");
}

/// Objects of before histories were kept have an unknown past, and a known one from the next write on.
#[test]
fn a_store_of_before_histories_opens_and_begins_them() {
    let fixture = full();
    damage(&fixture, |transaction| {
        transaction.delete_range(&keys::table(keys::HISTORIES)).unwrap();
        transaction.put(keys::FORMAT.to_vec(), 3u32.to_be_bytes().to_vec());
    });
    fixture.store.close().unwrap();
    let Fixture { directory, .. } = fixture;
    let store = Store::open(directory.path(), options()).unwrap();
    let fixture = Fixture { administration: store.administration(), store, directory };
    assert_eq!(fixture.faults(), Vec::<String>::new());
    let history = || fixture.administration.object_history("alice", "work", "two.ics").unwrap().versions;
    assert_eq!((history().len(), history()[0].by.kind.as_str()), (1, "unknown"));
    imported(&fixture, &[event("two", "LOCATION:x\r\n")]);
    let kinds: Vec<(u64, String)> = history().into_iter().map(|version| (version.number, version.by.kind)).collect();
    assert_eq!(kinds, [(2, "machine".to_owned()), (1, "unknown".to_owned())]);
    fixture.administration.restore_object("alice", "work", "two.ics", Some(1)).unwrap();
    assert_eq!(fixture.faults(), Vec::<String>::new());
}

#[test]
fn check_finds_entries_that_belong_to_nothing() {
    let fixture = full();
    let objects = fixture.store.read(|snapshot| keys_of(snapshot, &keys::table(keys::OVERLAYS))).unwrap();
    assert!(!objects.is_empty(), "the event with an alarm has a personal part");
    let tables = [
        keys::MEMBERS,
        keys::MEMBERSHIPS,
        keys::GRANTED,
        keys::BODIES,
        keys::OBJECT_NAMES,
        keys::OBJECT_UIDS,
        keys::OVERLAYS,
        keys::TOUCHES,
        keys::VIEWS,
        keys::MOUNTS,
        keys::OPENED,
        keys::PLAIN_CONTENTS,
        keys::PRIVATE_UIDS,
        keys::HOME_VIEWS,
        keys::PROPERTIES,
        keys::USAGE,
    ];
    for table in tables {
        let mut key = vec![table];
        key.extend_from_slice(&[7; 48]);
        damage(&fixture, |transaction| transaction.put(key.clone(), Vec::new()));
        assert!(!fixture.faults().is_empty(), "a stray entry of table {} is not noticed", char::from(table));
        damage(&fixture, |transaction| transaction.delete(key));
    }
    assert_eq!(fixture.faults(), Vec::<String>::new());
}

#[test]
fn check_finds_what_a_removed_user_left_behind() {
    let fixture = full();
    let calendar = fixture.store.read(|snapshot| keys_of(snapshot, &keys::table(keys::CALENDARS))).unwrap()[0][1..].to_vec();
    let object = fixture.store.read(|snapshot| keys_of(snapshot, &keys::table(keys::OBJECTS))).unwrap()[0][1..].to_vec();
    let nobody = [7; 16];
    let left: [Vec<u8>; 4] = [
        [&[keys::VIEWS][..], &calendar, &nobody, b"h"].concat(),
        [&[keys::MOUNTS][..], &nobody, &calendar].concat(),
        [&[keys::PROPERTIES][..], b"c", &calendar, b"v", &nobody].concat(),
        [&[keys::TOUCHES][..], &object, &nobody].concat(),
    ];
    for key in left {
        damage(&fixture, |transaction| transaction.put(key.clone(), vec![0]));
        assert!(fixture.faults().iter().any(|fault| fault.contains("users who are not there")), "{}", char::from(key[0]));
        damage(&fixture, |transaction| transaction.delete(key));
    }
    assert_eq!(fixture.faults(), Vec::<String>::new());
}

#[test]
fn faults_tell_ids_and_kinds_and_nothing_of_the_content() {
    let fixture = full();
    for table in [keys::BODIES, keys::OBJECT_NAMES, keys::PRINCIPAL_NAMES, keys::ADDRESSES] {
        damage(&fixture, |transaction| transaction.delete_range(&KeyRange::prefix(&[table])).unwrap());
    }
    let faults = fixture.faults().join("\n");
    for word in ["alice", "bob", "one.ics", "example.org", "long"] {
        assert!(!faults.contains(word), "{faults}");
    }
}

#[test]
fn progress_counts_up_to_all_objects() {
    let fixture = full();
    let mut last = (0, 0);
    fixture
        .administration
        .check(&mut |done, all| {
            assert!(done >= last.0 && done <= all);
            last = (done, all);
        })
        .unwrap();
    assert_eq!(last, (3, 3));
}

#[test]
fn a_store_that_lost_its_format_version_is_not_begun_anew() {
    // Opened, it would get another secret: every pseudonym, tag and token that was ever shown would change.
    let fixture = full();
    damage(&fixture, |transaction| transaction.delete(keys::FORMAT.to_vec()));
    fixture.store.close().unwrap();
    assert!(matches!(Store::open(fixture.directory.path(), options()), Err(Error::Corrupted(_))));
}
