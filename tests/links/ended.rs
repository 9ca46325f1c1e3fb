//! Links that are over, in whatever way: each answers as one that never was, to the last byte.

use super::{RANDOM, entries, event, get, link, world};
use crate::harness::{Front, World, basic};
use acl::Level;
use chrono::TimeDelta;
use storage::authorized::NewLink;

/// What ends a link, and the target it is of.
type End = (&'static str, &'static str, fn(&mut World, &str));

const ENDS: [End; 6] = [
    ("revoked", "alice/work", |world, id| world.store.administration().remove_link(id).unwrap()),
    ("past its end", "alice/work", |world, _| world.pass(TimeDelta::days(3))),
    ("of a calendar that was deleted", "alice/work", |world, _| world.store.administration().delete_calendar("alice", "work").unwrap()),
    ("of a user who was removed", "alice/work", |world, _| world.store.administration().remove_user("alice").unwrap()),
    ("of an event that was deleted", "alice/work/meeting.ics", |world, _| {
        assert_eq!(world.client("alice").delete("/dav/calendars/alice/work/meeting.ics").status, 204);
    }),
    ("of an event that came back under its name", "alice/work/meeting.ics", |world, _| {
        let alice = world.client("alice");
        let text = alice.get("/dav/calendars/alice/work/meeting.ics").body;
        assert_eq!(alice.delete("/dav/calendars/alice/work/meeting.ics").status, 204);
        assert_eq!(alice.put("/dav/calendars/alice/work/meeting.ics", &text).status, 201);
    }),
];

#[test]
fn leak_90_however_a_link_ends_it_answers_as_one_that_never_was() {
    let mut compared = 0;
    for (how, target, end) in ENDS {
        let mut world = world();
        let (owner, rest) = target.split_once('/').unwrap();
        let (calendar, object) = rest.split_once('/').map_or((rest, None), |(calendar, object)| (calendar, Some(object)));
        let level = object.is_none().then_some(Level::Details);
        let until = (how == "past its end").then(|| world.now() + TimeDelta::days(2));
        let new = NewLink { level, until, note: None };
        let made = world.store.administration().add_link(owner, calendar, object, &new).unwrap();
        let path = format!("/l/{}", made.secret.text());
        let front = Front::new(&world);
        let stranger = front.wire("nobody");
        assert_eq!(get(&stranger, &path).status, 200, "{how}");
        end(&mut world, &made.entry.id);
        let bob = basic("bob", "bob");
        for method in ["GET", "HEAD", "OPTIONS", "PUT", "PROPFIND", "POST", "DELETE", "REPORT", "BREW"] {
            for end in ["", ".ics", "?from=2026-11-02", "?from=nonsense", ".ics?zone=nowhere", "/", ".ics/", "/x"] {
                for headers in [vec![], vec![("if-none-match", "*")], vec![("authorization", bob.as_str())], vec![("accept", "text/html")]]
                {
                    let ended = stranger.ask_unknown(method, &format!("{path}{end}"), &headers, "");
                    let never = stranger.ask_unknown(method, &format!("{RANDOM}{end}"), &headers, "");
                    assert_eq!(ended, never, "{how}: {method} {end} {headers:?}");
                    assert!(method != "GET" || ended.status == 404, "{how}: {}", ended.status);
                    compared += 1;
                }
            }
        }
        assert_eq!(world.faults(), Vec::<String>::new(), "{how}");
        assert!(how == "past its end" || entries(&world).is_empty(), "{how}");
    }
    println!("{compared} pairs of answers by links that ended in {} ways", ENDS.len());
}

#[test]
fn what_is_no_secret_at_all_is_answered_as_a_secret_that_never_was() {
    let world = world();
    let front = Front::new(&world);
    let stranger = front.wire("nobody");
    let never = get(&stranger, RANDOM);
    assert_eq!(never.status, 404);
    let long = format!("/l/{}", "A".repeat(4_000));
    for path in ["/l/", "/l/x", "/l/.ics", "/l/../dav/", "/l/%41%41", "/l/AAAA.ics.ics", &long] {
        assert_eq!(get(&stranger, path), never, "{path}");
    }
}

/// A calendar made anew under its old name inherits nothing, and other links of a calendar outlive one that ends.
#[test]
fn one_end_is_no_other_s() {
    let world = world();
    let (first, made) = link(&world, "alice/work", Some(Level::Titles));
    let (second, _) = link(&world, "alice/work/visit.ics", None);
    let front = Front::new(&world);
    let stranger = front.wire("nobody");
    world.store.administration().remove_link(&made.id).unwrap();
    assert_eq!((get(&stranger, &first).status, get(&stranger, &second).status), (404, 200));
    world.store.administration().delete_calendar("alice", "work").unwrap();
    let alice = world.client("alice");
    assert_eq!(alice.send("MKCALENDAR", "/dav/calendars/alice/work/", &[], "").status, 201);
    assert_eq!(alice.put("/dav/calendars/alice/work/visit.ics", &event("uid-visit", "DTSTART:20261103T093000Z")).status, 201);
    assert_eq!(get(&stranger, &second).status, 404);
    assert_eq!(entries(&world), []);
}

/// What was shown may be shown no longer: a private mark, set now, holds from the next request on.
#[test]
fn a_link_follows_what_its_calendar_says_of_private_events() {
    let world = world();
    let (path, _) = link(&world, "alice/work", Some(Level::Details));
    let front = Front::new(&world);
    let stranger = front.wire("nobody");
    assert!(get(&stranger, &format!("{path}.ics")).body.contains("SUMMARY:Budget"));
    let alice = world.client("alice");
    let text = alice.get("/dav/calendars/alice/work/meeting.ics").body.replace("SUMMARY:Budget", "CLASS:PRIVATE\r\nSUMMARY:Budget");
    assert_eq!(alice.put("/dav/calendars/alice/work/meeting.ics", &text).status, 204);
    let feed = get(&stranger, &format!("{path}.ics"));
    assert!(!feed.body.contains("Budget") && feed.body.contains("SUMMARY:Private event"), "{}", feed.body);
    assert!(!get(&stranger, &path).body.contains("Budget"));
}
