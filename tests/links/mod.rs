//! Links: what whoever holds one gets without signing in, that it ends when it is to end, and that nobody can tell what it
//! was afterwards.

mod command;
mod ended;
mod page;
mod policy;
pub mod secrecy;

use crate::harness::{Answer, Front, Wire, World};
use acl::Level;
use chrono::TimeDelta;
use storage::authorized::{LinkEntry, NewLink};

/// What stands at a secret that was never given.
const RANDOM: &str = "/l/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn event(uid: &str, lines: &str) -> String {
    let lines: String = lines.lines().map(|line| format!("{}\r\n", line.trim())).collect();
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

/// A calendar with a meeting, a private visit and a series.
fn world() -> World {
    let world = World::new().user("alice").user("bob").calendar("alice/work").sign_in("alice").sign_in("bob");
    let alice = world.client("alice");
    let put = |name: &str, lines: &str| {
        let answer = alice.put(&format!("/dav/calendars/alice/work/{name}.ics"), &event(&format!("uid-{name}"), lines));
        assert_eq!(answer.status, 201, "{}", answer.body);
    };
    put(
        "meeting",
        "DTSTART:20261103T090000Z\nDTEND:20261103T100000Z\nSUMMARY:Budget\nLOCATION:Room Elm\nDESCRIPTION:Bring the figures\n\
         URL:https://example.org/plan?a=1&b=2\nORGANIZER;CN=Alice A:mailto:alice@example.org\nATTENDEE:mailto:guest@example.net\n\
         BEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:alarm-words\nTRIGGER:-PT10M\nEND:VALARM",
    );
    put("visit", "DTSTART:20261103T093000Z\nDTEND:20261103T113000Z\nSUMMARY:Therapy\nCLASS:PRIVATE\nDESCRIPTION:secret-words");
    put("series", "DTSTART:20261104T160000Z\nDTEND:20261104T170000Z\nRRULE:FREQ=WEEKLY;COUNT=4\nSUMMARY:Choir");
    world
}

/// Makes a link; its path and what is listed of it.
fn link(world: &World, target: &str, level: Option<Level>) -> (String, LinkEntry) {
    let mut parts = target.splitn(3, '/');
    let (owner, name) = (parts.next().unwrap(), parts.next().unwrap());
    let new = NewLink { level, ..NewLink::default() };
    let made = world.store.administration().add_link(owner, name, parts.next(), &new).unwrap();
    (format!("/l/{}", made.secret.text()), made.entry)
}

fn get(stranger: &Wire, path: &str) -> Answer {
    stranger.ask_unknown("GET", path, &[], "")
}

fn entries(world: &World) -> Vec<LinkEntry> {
    world.store.administration().links(None).unwrap()
}

#[test]
fn leak_90_a_link_is_made_read_by_a_stranger_counted_and_ended() {
    let mut world = world();
    let (path, made) = link(&world, "alice/work", Some(Level::Titles));
    let front = Front::new(&world);
    let stranger = front.wire("nobody");
    let page = get(&stranger, &path);
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    for shown in ["Tuesday, 3 November 2026", "Budget", "09:00", "Private event", "Choir", "Times are in UTC"] {
        assert!(page.body.contains(shown), "{shown}");
    }
    for withheld in ["Room Elm", "figures", "guest", "example", "Therapy", "secret-words", "alarm-words", "alice", "work"] {
        assert!(!page.body.contains(withheld), "{withheld}");
    }
    let feed = get(&stranger, &format!("{path}.ics"));
    assert_eq!((feed.status, feed.header("content-type")), (200, Some("text/calendar; charset=utf-8")));
    assert_eq!(feed.body.matches("BEGIN:VEVENT").count(), 3);
    world.pass(TimeDelta::days(1));
    assert_eq!(get(&stranger, &path).status, 200);
    let listed = entries(&world);
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].uses, listed[0].last_used.map(|day| day.to_string())), (3, Some("2026-11-03".to_owned())));
    assert_eq!((listed[0].calendar.as_str(), listed[0].made_by.as_str(), listed[0].level), ("alice/work", "alice", Some(Level::Titles)));
    let journal = world.store.administration().journal("alice", "work", None).unwrap();
    let by_link: Vec<(Option<&str>, u64)> =
        journal.iter().filter(|entry| entry.link.is_some()).map(|entry| (entry.link.as_deref(), entry.count)).collect();
    assert_eq!(by_link, [(Some(made.id.as_str()), 2), (Some(made.id.as_str()), 1)], "her journal tells it day by day");
    world.store.administration().remove_link(&made.id).unwrap();
    let gone = get(&stranger, &path);
    assert_eq!(gone.status, 404);
    assert_eq!(gone, get(&stranger, RANDOM));
    assert_eq!(entries(&world), []);
    assert_eq!(world.faults(), Vec::<String>::new());
}
