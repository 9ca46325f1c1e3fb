//! The whole story of who may write, as clients read it: the privileges that each level shows on the calendar, on an event it
//! shows in full, and on one it shows reduced. Clients go by names alone, each by others, so leaves stand beside their
//! aggregate. What each client makes of them is asserted where its stories begin.

use super::answer::{MultiStatus, multistatus};
use super::device::titles;
use super::stage::{PEOPLE, WORK, event, shared};
use crate::harness::client::NAMESPACES;
use crate::harness::{Front, Wire};
use std::collections::BTreeSet;

const LOOK: &str = "read read-current-user-privilege-set read-free-busy read-titles write-properties";

/// What each level's set is on the calendar and on an event in full.
const LEVELS: [(&str, &str); 6] = [
    (
        "alice",
        "all bind read read-acl read-current-user-privilege-set read-free-busy read-titles unbind unlock write write-acl write-content write-properties",
    ),
    ("busy", "read read-current-user-privilege-set read-free-busy write-properties"),
    ("titles", LOOK),
    ("details", LOOK),
    ("edit", "bind read read-current-user-privilege-set read-free-busy read-titles write-content write-properties"),
    ("edit-delete", "bind read read-current-user-privilege-set read-free-busy read-titles unbind write write-content write-properties"),
];

fn set(words: &str) -> BTreeSet<String> {
    words.split(' ').map(str::to_owned).collect()
}

fn listing(wire: &Wire) -> MultiStatus {
    let asked = format!("<D:propfind {NAMESPACES}><D:prop><D:current-user-privilege-set/></D:prop></D:propfind>");
    multistatus(&asked, &wire.ask("PROPFIND", WORK, &[("depth", "1")], &asked))
}

#[test]
fn each_level_shows_its_privileges_and_none_where_an_event_is_reduced() {
    let world = shared();
    let alice = world.client("alice");
    assert_eq!(alice.put(&format!("{WORK}review.ics"), &event("review", "Design review", 9, "")).status, 201);
    assert_eq!(alice.put(&format!("{WORK}therapy.ics"), &event("therapy", "Therapy", 10, "CLASS:PRIVATE\r\n")).status, 201);
    let front = Front::new(&world);
    for ((user, _), (name, expected)) in PEOPLE.iter().zip(LEVELS) {
        assert_eq!(*user, name);
        let wire = front.wire(user);
        let told = listing(&wire);
        assert_eq!(told.members.len(), 3, "{user}");
        for member in &told.members {
            let reduced = member.href != WORK
                && ["Busy", "Private event"].contains(&titles(&wire.ask("GET", &member.href, &[], "").body)[0].as_str());
            let expected = if reduced && *user != "busy" { LOOK } else { expected };
            assert_eq!(member.privileges(), Some(set(expected)), "{user} {}", member.href);
            // What is told is what happens.
            if member.href != WORK {
                let held = set(expected);
                let body = wire.ask("GET", &member.href, &[], "").body;
                let put = wire.ask("PUT", &member.href, &[("content-type", "text/calendar")], &body).status;
                assert_eq!(put, if held.contains("write-content") { 204 } else { 403 }, "{user} {}", member.href);
            }
        }
    }
    // Deletions last, by whoever may not first.
    for ((user, _), (_, privileges)) in PEOPLE.iter().zip(LEVELS).rev() {
        let wire = front.wire(user);
        if !set(privileges).contains("unbind") {
            for member in listing(&wire).members.iter().filter(|member| member.href != WORK) {
                assert_eq!(wire.ask("DELETE", &member.href, &[], "").status, 403, "{user} {}", member.href);
            }
        }
    }
    for user in ["edit-delete", "alice"] {
        let wire = front.wire(user);
        let told = listing(&wire);
        let last =
            told.members.iter().find(|member| member.href != WORK && member.privileges().is_some_and(|held| held.contains("unbind")));
        assert_eq!(wire.ask("DELETE", &last.expect("one that may go").href, &[], "").status, 204, "{user}");
    }
}

/// Mailspring, GLPI and others know one word. `edit` is read-only to them, which is safe; `edit-delete` is not.
#[test]
fn who_knows_write_alone_writes_where_everything_may_be_written() {
    let world = shared();
    let front = Front::new(&world);
    let writers: Vec<&str> = PEOPLE
        .iter()
        .map(|(user, _)| *user)
        .filter(|user| listing(&front.wire(user)).first().privileges().is_some_and(|held| held.contains("write")))
        .collect();
    assert_eq!(writers, ["alice", "edit-delete"]);
}
