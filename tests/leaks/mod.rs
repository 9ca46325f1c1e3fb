//! The ways in which servers of this kind have leaked, each tried: a test `leak_NN_…` for every channel that exists here, a
//! reason for every other, and a table of both (`table`). Most attacks stand here, over HTTP; some stand with what they attack.
//!
//! What a channel could tell is planted, then everything each person of the cast can get is gathered ([`harvest`]): either
//! a word of it met nobody but who may meet it ([`met_by`]), or two worlds that differ in it are one to him ([`alike`]).

pub mod existence;
pub mod free_busy;
pub mod metadata;
pub mod object;
mod organisation;
mod parsing;
mod people;
pub mod queries;
mod series;
pub mod synchronizing;
mod table;
mod transport;
pub mod validators;
mod ways_out;
pub mod writing;

use crate::harness::cast::{self, PEOPLE, Person};
use crate::harness::client::{NAMESPACES, unescape};
use crate::harness::{Answer, Client, World};
use acl::Level;
use std::collections::BTreeMap;
use storage::administration::GrantEntry;

/// The calendar of the cast, at its owner's path.
const WORK: &str = "/dav/calendars/alice/canary-k-work/";
const WINDOW: &str = "start=\"20261101T000000Z\" end=\"20270201T000000Z\"";

/// Who sees a Standard event in full; the owner first.
const FULL: [&str; 7] = ["alice", "details", "discreet", "edit", "edit-delete", "delegate", "member"];
/// Who is shown less of it, or nothing.
const REDUCED: [&str; 6] = ["busy", "titles", "places", "assign", "paused", "stranger"];
/// To whom a private event is less than what it is: everybody but the owner and her delegate.
const NOT_PRIVY: [&str; 11] =
    ["busy", "titles", "places", "details", "discreet", "edit", "edit-delete", "assign", "member", "paused", "stranger"];

fn calendar(lines: &str) -> String {
    format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\n{lines}\nEND:VCALENDAR\n").replace("\n\n", "\n").replace('\n', "\r\n")
}

/// One component of a kind with these lines.
fn component(kind: &str, lines: &str) -> String {
    format!("BEGIN:{kind}\nDTSTAMP:20261101T000000Z\n{}\nEND:{kind}\n", lines.trim_end())
}

/// One event of 3 November, 9 to 10, with these lines.
fn event(uid: &str, lines: &str) -> String {
    calendar(&component("VEVENT", &format!("UID:{uid}\nDTSTART:20261103T090000Z\nDTEND:20261103T100000Z\n{lines}")))
}

/// A weekly series of five from 3 November on with these lines, and other components.
fn series(uid: &str, lines: &str, others: &[&str]) -> String {
    let head = format!("UID:{uid}\nDTSTART:20261103T090000Z\nDTEND:20261103T100000Z\nRRULE:FREQ=WEEKLY;COUNT=5\n");
    let others: String = others.iter().map(|other| component("VEVENT", &format!("UID:{uid}\n{other}"))).collect();
    calendar(&(component("VEVENT", &format!("{head}{lines}")) + &others))
}

/// A world of the cast in which the owner stored these: names and texts, in this order.
fn world_of(objects: &[(&str, String)]) -> World {
    let world = cast::world();
    store(&world, objects);
    world
}

fn store(world: &World, objects: &[(&str, String)]) {
    for (name, text) in objects {
        world.step(&format!("object {name}"));
        let answer = world.client("alice").put(&format!("{WORK}{name}"), text);
        assert!([201, 204].contains(&answer.status), "{name}: {} {}\n{text}", answer.status, answer.body);
    }
}

fn person(name: &str) -> Person {
    *PEOPLE.iter().find(|person| person.name == name).unwrap()
}

/// Every live property.
fn every_property() -> String {
    let element = |property: &webdav::property::Property| format!("<P:{} xmlns:P=\"{}\"/>", property.name.local, property.name.namespace);
    webdav::property::PROPERTIES.iter().map(element).collect()
}

fn whole(answer: &Answer) -> String {
    let headers: String = answer.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    format!("{}\n{headers}\n{}\n", answer.status, answer.body)
}

/// A text as it is read: unfolded, references resolved.
fn plain(text: &str) -> String {
    unescape(text).replace('\r', "").replace("\n ", "").replace("\n\t", "")
}

fn query_body(data: &str, filter: &str) -> String {
    format!(
        "<C:calendar-query {NAMESPACES}><D:prop><D:getetag/><C:calendar-data>{data}</C:calendar-data></D:prop>\
         <C:filter><C:comp-filter name=\"VCALENDAR\">{filter}</C:comp-filter></C:filter></C:calendar-query>"
    )
}

fn sync_body(token: &str, limit: Option<usize>) -> String {
    let limit = limit.map(|limit| format!("<D:limit><D:nresults>{limit}</D:nresults></D:limit>")).unwrap_or_default();
    format!(
        "<D:sync-collection {NAMESPACES}><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level>{limit}\
         <D:prop><D:getetag/><C:calendar-data/></D:prop></D:sync-collection>"
    )
}

/// Every byte one person can get of the calendar without guessing a name.
fn harvest(world: &World, name: &str) -> String {
    let client = world.client(name);
    let named = format!("<D:propfind {NAMESPACES}><D:prop>{}</D:prop></D:propfind>", every_property());
    let free_busy = format!("<C:free-busy-query {NAMESPACES}><C:time-range {WINDOW}/></C:free-busy-query>");
    let mut all = String::new();
    let mut ask = |method: &str, path: &str, depth: &str, body: &str| {
        world.step(&format!("{method} {path} {depth}"));
        let answer = client.send(method, path, &[("depth", depth)], body);
        all.push_str(&format!("{method} {path} {depth}\n{}", whole(&answer)));
        answer
    };
    let home = format!("/dav/calendars/{name}/");
    let listed = ask("PROPFIND", &home, "1", &named);
    let mounts = if name == "alice" { Vec::new() } else { members_of(&listed, &home) };
    for path in mounts.iter().map(String::as_str).chain([WORK]).filter(|path| !path.ends_with("/default/")) {
        ask("PROPFIND", path, "0", "");
        ask("PROPFIND", path, "1", &format!("<D:propfind {NAMESPACES}><D:propname/></D:propfind>"));
        let listed = ask("PROPFIND", path, "1", &named);
        for href in members_of(&listed, path) {
            ask("GET", &href, "0", "");
            ask("PROPFIND", &href, "0", &named);
        }
        ask("GET", path, "0", "");
        for (data, filter) in [("", "".to_owned()), (&format!("<C:expand {WINDOW}/>"), in_events(&format!("<C:time-range {WINDOW}/>")))] {
            ask("REPORT", path, "1", &query_body(data, &filter));
        }
        ask("REPORT", path, "0", &sync_body("", None));
        ask("REPORT", path, "1", &free_busy);
    }
    all
}

fn in_events(inside: &str) -> String {
    format!("<C:comp-filter name=\"VEVENT\">{inside}</C:comp-filter>")
}

/// The hrefs in an answer that stand below a path.
fn members_of(answer: &Answer, path: &str) -> Vec<String> {
    let all = if answer.status == 207 { answer.multistatus() } else { BTreeMap::new() };
    all.into_keys().filter(|href| href != path && href.starts_with(path)).collect()
}

/// Of the words in what the owner stores, each meets those named here and nobody else.
fn met_by(objects: &[(&str, String)], words: &[&str], people: &[&str]) {
    let world = world_of(objects);
    met_in(&world, words, people);
}

fn met_in(world: &World, words: &[&str], people: &[&str]) {
    for person in PEOPLE {
        let all = plain(&harvest(world, person.name));
        for word in words {
            assert_eq!(all.contains(word), people.contains(&person.name), "{} and {word:?}", person.name);
        }
    }
}

/// Two worlds, of these objects each, are one to these people and two to the owner.
fn alike(a: &[(&str, String)], b: &[(&str, String)], people: &[&str]) {
    alike_in(&cast::world, a, b, people);
}

/// The same where the calendar is shared otherwise.
fn alike_in(make: &dyn Fn() -> World, a: &[(&str, String)], b: &[(&str, String)], people: &[&str]) {
    let worlds = [a, b].map(|objects| {
        let world = make();
        store(&world, objects);
        world
    });
    same_to(&worlds, people);
}

fn same_to(worlds: &[World; 2], people: &[&str]) {
    let [one, other] = worlds;
    assert_ne!(harvest(one, "alice"), harvest(other, "alice"), "the worlds do not differ");
    for name in people {
        let (one, other) = (harvest(one, name), harvest(other, name));
        if one != other {
            let apart = one.lines().zip(other.lines()).find(|(one, other)| one != other);
            panic!("{name} can tell: {apart:#?}");
        }
    }
}

/// The cast's world in which one person has another grant.
fn shared(name: &str, level: Level, private_events: acl::level::GrantPrivateEvents) -> World {
    let mut world = cast::world();
    share(&mut world, name, level, private_events);
    world
}

fn share(world: &mut World, name: &str, level: Level, private_events: acl::level::GrantPrivateEvents) {
    let calendar = cast::WORK.to_owned();
    let (user, level, private_events) = (Some(name.to_owned()), Some(level), Some(private_events));
    world.grant(GrantEntry { calendar, user, level, private_events, ..GrantEntry::default() });
}

/// What a person's GET gives of each object, by href.
fn bodies(client: &Client, path: &str) -> BTreeMap<String, String> {
    client.members(path).into_iter().map(|href| (href.clone(), client.get(&href).body)).collect()
}

/// The one object that a person has in the calendar.
fn only(client: &Client) -> (String, String) {
    let mut all = bodies(client, WORK);
    assert_eq!(all.len(), 1, "{all:#?}");
    all.pop_first().unwrap()
}

/// The lines of a text that begin so.
fn lines(text: &str, start: &str) -> Vec<String> {
    plain(text).lines().filter(|line| line.starts_with(start)).map(str::to_owned).collect()
}
