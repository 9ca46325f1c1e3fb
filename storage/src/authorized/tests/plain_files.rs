//! Plain collections and files in one's own home.

use super::world::{World, members, outcome};
use crate::authorized::plain::CopyDepth;
use crate::authorized::property::PropertyTarget;
use crate::authorized::{Plain, PlainKind, PropertyKey, Resource};
use crate::error::{Error, Limit, Result};
use crate::store::Door;
use crate::{Directory, Limits};
use acl::Level;

fn plain(door: &Door, path: &[&str]) -> Result<Plain> {
    door.read(|store| match store.resolve("alice", path)? {
        Resource::Plain(plain) => Ok(plain),
        _ => Err(Error::NotFound),
    })
}

fn content(door: &Door, path: &[&str]) -> Vec<u8> {
    let file = plain(door, path).unwrap();
    door.read(|store| store.file_content(&file)).unwrap()
}

fn world() -> World {
    let world = World::new().users(&["alice", "bob"]);
    let alice = world.door("alice");
    alice
        .write(|store| {
            store.create_collection("alice", &["notes"], &[])?;
            store.create_collection("alice", &["notes", "deep"], &[])?;
            store.put_file("alice", &["notes", "deep", "a.txt"], "text/plain", b"one")?;
            Ok::<_, Error>(())
        })
        .unwrap();
    world
}

#[test]
fn a_file_comes_back_and_its_tag_is_of_its_content() {
    let world = world();
    let alice = world.door("alice");
    assert_eq!(content(&alice, &["notes", "deep", "a.txt"]), b"one");
    let put = |bytes: &[u8]| alice.write(|store| store.put_file("alice", &["notes", "deep", "a.txt"], "text/plain", bytes)).unwrap();
    let (first, second, third) = (put(b"one"), put(b"two"), put(b"one"));
    assert!(!first.0 && first.1 != second.1 && first.1 == third.1);
    assert_eq!(members(&alice, "alice", "alice"), ["notes", "work"]);
    let deep = plain(&alice, &["notes"]).unwrap();
    let below = alice.read(|store| store.plain_members(&deep)).unwrap();
    assert_eq!(below.len(), 1);
    assert_eq!((&below[0].path, &below[0].kind), (&vec!["notes".to_owned(), "deep".to_owned()], &PlainKind::Collection));
}

#[test]
fn nobody_else_finds_them_whatever_is_shared() {
    let world = world();
    world.share("alice/work", "bob", Level::EditDelete);
    let bob = world.door("bob");
    for path in [&["notes"][..], &["notes", "deep", "a.txt"], &["never"]] {
        assert_eq!(outcome(&bob.read(|store| store.resolve("alice", path))), "NotFound");
    }
    assert_eq!(members(&bob, "bob", "alice"), ["work"]);
}

#[test]
fn branches_are_copied_moved_and_deleted_whole_with_their_properties() {
    let world = world();
    let alice = world.door("alice");
    let note = PropertyKey::Dead { namespace: String::new(), name: "n".to_owned() };
    let deep = plain(&alice, &["notes", "deep"]).unwrap();
    let target = Resource::Plain(deep);
    alice.write(|store| store.update_properties(&PropertyTarget::Resource(&target), &[(note.clone(), Some("<n/>".to_owned()))])).unwrap();
    let notes = plain(&alice, &["notes"]).unwrap();
    assert!(alice.write(|store| store.copy_plain(&notes, &["copy"], CopyDepth::Infinity)).unwrap());
    assert!(!alice.write(|store| store.copy_plain(&notes, &["copy"], CopyDepth::Infinity)).unwrap());
    assert!(alice.write(|store| store.copy_plain(&notes, &["bare"], CopyDepth::Zero)).unwrap());
    assert_eq!(content(&alice, &["copy", "deep", "a.txt"]), b"one");
    assert!(plain(&alice, &["bare", "deep"]).is_err());
    assert!(alice.write(|store| store.move_plain(&notes, &["moved"])).unwrap());
    assert!(plain(&alice, &["notes"]).is_err());
    assert_eq!(content(&alice, &["moved", "deep", "a.txt"]), b"one");
    for path in [["moved", "deep"], ["copy", "deep"]] {
        let resource = Resource::Plain(plain(&alice, &path).unwrap());
        let properties = alice.read(|store| store.properties(&PropertyTarget::Resource(&resource))).unwrap();
        assert_eq!(properties.get(&note).map(String::as_str), Some("<n/>"));
    }
    let moved = plain(&alice, &["moved"]).unwrap();
    alice.write(|store| store.delete_plain(&moved)).unwrap();
    assert!(plain(&alice, &["moved", "deep", "a.txt"]).is_err());
    assert_eq!(members(&alice, "alice", "alice"), ["bare", "copy", "work"]);
}

#[test]
fn a_collection_does_not_go_into_itself() {
    let world = world();
    let alice = world.door("alice");
    let notes = plain(&alice, &["notes"]).unwrap();
    for to in [&["notes", "deep", "x"][..], &["notes"]] {
        assert!(alice.write(|store| store.move_plain(&notes, to)).is_err());
        assert!(alice.write(|store| store.copy_plain(&notes, to, CopyDepth::Infinity)).is_err());
    }
    assert_eq!(content(&alice, &["notes", "deep", "a.txt"]), b"one");
}

#[test]
fn each_thing_has_its_refusal() {
    let world = world();
    let alice = world.door("alice");
    let make = |path: &[&str]| outcome(&alice.write(|store| store.create_collection("alice", path, &[])));
    assert_eq!(make(&["notes"]), "Exists");
    assert_eq!(make(&["work"]), "Exists");
    assert_eq!(make(&["never", "x"]), "NoParent");
    assert_eq!(make(&["notes", "deep", "a.txt", "x"]), "NoParent");
    assert!(make(&["work", "x"]).starts_with("Denied"));
    let put = |path: &[&str]| outcome(&alice.write(|store| store.put_file("alice", path, "text/plain", b"x")));
    assert_eq!(put(&["a.txt"]), "ok", "a file may stand in the home itself");
    assert_eq!(put(&["notes", "deep"]), "Exists");
    assert!(put(&["work", "a.txt"]).starts_with("Denied"));
    let bob = world.door("bob");
    assert_eq!(outcome(&bob.write(|store| store.create_collection("alice", &["x"], &[]))), "NotFound");
}

#[test]
fn space_is_limited() {
    let limits = Limits { files_per_user_max: 3, quota_bytes: 10, file_bytes_max: 8, ..Limits::default() };
    let world = World::with(limits, Directory::Related).users(&["alice"]);
    let alice = world.door("alice");
    alice.write(|store| store.create_collection("alice", &["n"], &[])).unwrap();
    let put = |name: &str, content: &[u8]| alice.write(|store| store.put_file("alice", &["n", name], "text/plain", content));
    let full = |result: Result<(bool, String)>| matches!(result, Err(Error::LimitExceeded(Limit::Space)));
    assert!(full(put("a", b"123456789")));
    assert!(put("a", b"12345678").is_ok());
    assert!(matches!(put("b", b"123"), Err(Error::LimitExceeded(Limit::Quota))));
    assert!(put("b", b"12").is_ok());
    assert!(full(put("c", b"")));
}
