//! What the holder of a link can learn: nothing that a stranger with a share of that level could not, and nothing by which two
//! links, or a link and a share, can be put together.

use super::link;
use crate::harness::cast::{self, Item, PEOPLE, Person, WORK, forbidden, words};
use crate::harness::{Client, World};
use acl::Level;
use std::collections::{BTreeMap, BTreeSet};
use storage::administration::GrantEntry;

/// Days that the generated objects fall on, and some after.
const PAGES: [&str; 4] = ["", "?from=2026-10-20&zone=Europe/Berlin", "?from=2026-12-10", "?from=2027-02-01&zone=America/New_York"];

/// The same viewer without an account.
fn holder(of: &str) -> Person {
    let person = PEOPLE.iter().find(|person| person.name == of).unwrap();
    Person { name: "link", create: false, edit: false, delete: false, ..*person }
}

/// All that a link answers.
fn everything(client: &Client, path: &str) -> String {
    let mut all = String::new();
    for end in PAGES.into_iter().chain([".ics"]) {
        for method in ["GET", "HEAD", "OPTIONS", "PROPFIND"] {
            let answer = client.send(method, &format!("{path}{end}"), &[("if-none-match", "\"x\"")], "");
            assert!(answer.status < 500 && (method != "GET" || answer.status == 200), "{} {}", answer.status, answer.body);
            all.push_str(&format!("{:?}\n{}\n", answer.headers, answer.body));
        }
    }
    all
}

fn unlinked(text: &str) -> String {
    text.replace("&amp;", "&")
}

#[test]
pub fn leak_90_no_holder_of_a_link_meets_a_word_that_is_not_for_him() {
    let items = cast::items(5, 1, 40);
    let world = cast::world_with(&items);
    let alice = world.client("alice");
    let set = "<D:displayname>canary-p-name</D:displayname><C:calendar-description>canary-p-about</C:calendar-description><A:calendar-order>canary-only-order</A:calendar-order>";
    let body = format!("<D:propertyupdate {}><D:set><D:prop>{set}</D:prop></D:set></D:propertyupdate>", crate::harness::client::NAMESPACES);
    assert_eq!(alice.send("PROPPATCH", &format!("/dav/calendars/{WORK}/"), &[], &body).status, 207);
    let stranger = world.client("stranger");
    let mut met = BTreeMap::new();
    for (name, level) in [("busy", Level::FreeBusy), ("titles", Level::Titles), ("details", Level::Details)] {
        let (path, _) = link(&world, WORK, Some(level));
        let found = words(&unlinked(&everything(&stranger, &path)));
        let leaks: Vec<String> = found.iter().filter_map(|word| forbidden(&holder(name), word, &items)).collect();
        assert_eq!(leaks, Vec::<String>::new(), "{name}");
        met.insert(name, found);
    }
    let number = |name: &str, start: &str| met[name].iter().filter(|word| word.starts_with(start)).count();
    // The words are there to be met.
    assert_eq!(met["busy"].len(), 0, "{:?}", met["busy"]);
    assert!(number("titles", "title") >= 15 && number("titles", "canary") == 0, "{:?}", met["titles"]);
    assert!(number("details", "canary-c") > 60 && number("details", "canary-p-name") == 1, "{:?}", met["details"]);
    let mut events = 0;
    for item in &items {
        let (path, _) = link(&world, &format!("{WORK}/{}", item.name), None);
        let found = words(&unlinked(&everything(&stranger, &path)));
        let leaks: Vec<String> = found.iter().filter(|word| !is_of(item, word)).cloned().collect();
        assert_eq!(leaks, Vec::<String>::new(), "{}", item.text);
        events += usize::from(found.iter().any(|word| word.starts_with("title") || word.starts_with("canary-c")));
    }
    assert!(events > 30, "{events}");
    println!(
        "three links to a calendar and {} to its events; words met: {:?}",
        items.len(),
        met.iter().map(|(name, words)| (name, words.len())).collect::<Vec<_>>()
    );
    assert_eq!(world.faults(), Vec::<String>::new());
}

/// Whether a word stands in this object and is no personal item of its owner's.
fn is_of(item: &Item, word: &str) -> bool {
    let everything = Person { name: "link", ..*PEOPLE.iter().find(|person| person.name == "delegate").unwrap() };
    let stands = words(&item.text).contains(word) || (word.starts_with("canary-c") && word.ends_with("-me"));
    stands && forbidden(&everything, word, std::slice::from_ref(item)).is_none()
}

/// Components of a calendar without what is derived for one viewer.
fn components(text: &str) -> Vec<String> {
    let text = text.replace("\r\n ", "");
    let mut found = Vec::new();
    for kind in ["VEVENT", "VTODO", "VJOURNAL", "VTIMEZONE"] {
        for piece in text.split(&format!("BEGIN:{kind}\r\n")).skip(1) {
            let inside = piece.split(&format!("END:{kind}\r\n")).next().unwrap();
            let lines: Vec<&str> = inside.lines().filter(|line| !line.starts_with("UID:")).collect();
            found.push(format!("{kind}\n{}", lines.join("\n")));
        }
    }
    found.sort();
    found
}

fn everyone_at(world: &mut World, level: Level) {
    world.grant(GrantEntry { calendar: WORK.into(), everyone: Some(true), level: Some(level), ..GrantEntry::default() });
}

#[test]
fn a_feed_says_what_somebody_with_a_share_of_its_level_is_shown() {
    let items = cast::items(6, 1, 40);
    let mut compared = 0;
    for level in [Level::Titles, Level::Details] {
        let mut world = cast::world_with(&items);
        everyone_at(&mut world, level);
        let (path, _) = link(&world, WORK, Some(level));
        let stranger = world.client("stranger");
        let feed = components(&stranger.get(&format!("{path}.ics")).body);
        let shared = components(&stranger.get(&format!("/dav/calendars/{WORK}/")).body);
        assert_eq!(feed, shared, "{level:?}");
        compared += feed.len();
    }
    assert!(compared > 60, "{compared}");
    let mut world = cast::world_with(&items);
    everyone_at(&mut world, Level::FreeBusy);
    let (path, _) = link(&world, WORK, Some(Level::FreeBusy));
    let stranger = world.client("stranger");
    let feed = stranger.get(&format!("{path}.ics")).body;
    let report = stranger.free_busy(&format!("/dav/calendars/{WORK}/"), "20261002T000000Z", "20271103T000000Z").body;
    let periods =
        |text: &str| text.replace("\r\n ", "").lines().filter(|l| l.starts_with("FREEBUSY")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(periods(&feed), periods(&report));
    assert_eq!(feed.matches("BEGIN:VEVENT").count(), periods(&report).len());
    println!("{compared} components and {} periods of busy time compared", periods(&feed).len());
    assert!(periods(&feed).len() > 10);
}

#[test]
fn a_page_lists_what_a_query_for_its_weeks_finds() {
    let items = cast::items(7, 1, 60);
    let mut world = cast::world_with(&items);
    everyone_at(&mut world, Level::Titles);
    let (path, _) = link(&world, WORK, Some(Level::Titles));
    let stranger = world.client("stranger");
    let mut compared = 0;
    let mut from = chrono::NaiveDate::from_ymd_opt(2026, 9, 7).unwrap();
    for _ in 0..8 {
        let end = from + chrono::TimeDelta::days(56);
        let window = format!("start=\"{}\" end=\"{}\"", from.format("%Y%m%dT000000Z"), end.format("%Y%m%dT000000Z"));
        let mut shown = listed(&stranger.get(&format!("{path}?from={from}")).body);
        let mut found = queried(&stranger, &window);
        shown.sort();
        found.sort();
        assert_eq!(shown, found, "{from}");
        compared += found.len();
        from = end;
    }
    println!("{compared} instances on eight pages");
    assert!(compared > 30, "{compared}");
}

/// The titles of the events on a page.
fn listed(page: &str) -> Vec<String> {
    assert!(!page.contains("more in this time"), "{page}");
    let entries = page.split("<li>").skip(1).map(|piece| piece.split("</li>").next().unwrap());
    let events = entries.filter(|entry| !entry.contains("<em>to do") && !entry.contains("<em>journal"));
    events.map(|entry| entry.rsplit("<bdi lang=\"\">").next().unwrap().split("</bdi>").next().unwrap().to_owned()).collect()
}

/// The titles of the events that a query with expansion finds.
fn queried(client: &Client, window: &str) -> Vec<String> {
    let body = format!(
        "<C:calendar-query {}><D:prop><C:calendar-data><C:expand {window}/></C:calendar-data></D:prop><C:filter><C:comp-filter name=\"VCALENDAR\">\
         <C:comp-filter name=\"VEVENT\"><C:time-range {window}/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>",
        crate::harness::client::NAMESPACES
    );
    let answer = client.send("REPORT", &format!("/dav/calendars/{WORK}/"), &[("depth", "1")], &body);
    let text: String = client.data(&answer).into_values().collect();
    let text = text.replace("\r\n ", "");
    let title = |event: &str| {
        event.lines().find_map(|line| line.strip_prefix("SUMMARY").and_then(|rest| rest.split_once(':')).map(|(_, title)| title.to_owned()))
    };
    text.split("BEGIN:VEVENT").skip(1).map(|event| title(event).unwrap_or_else(|| "Without a title".to_owned())).collect()
}

/// Tokens of a text that could name something: what both texts have is what puts them together.
fn names(text: &str) -> BTreeSet<String> {
    let text = text.replace("\r\n ", "");
    let named = text.lines().filter(|line| line.starts_with("UID:")).map(str::to_owned);
    named.collect()
}

#[test]
fn leak_90_two_links_and_a_share_have_no_name_in_common() {
    let mut world = super::world();
    world.grant(GrantEntry {
        calendar: "alice/work".into(),
        user: Some("bob".into()),
        level: Some(Level::Titles),
        ..GrantEntry::default()
    });
    let bob = world.client("bob");
    let mut all: Vec<(BTreeSet<String>, String)> = Vec::new();
    for level in [Level::Titles, Level::Titles, Level::FreeBusy, Level::FreeBusy] {
        let (path, _) = link(&world, "alice/work", Some(level));
        let feed = bob.get(&format!("{path}.ics"));
        let mut found = names(&feed.body);
        // A VFREEBUSY must have an identifier; its is the window's.
        found.retain(|name| !name.starts_with("UID:free-busy-"));
        assert!(found.len() >= 3, "{found:?}");
        all.push((found, feed.header("etag").unwrap().to_owned()));
    }
    let shared = bob.get("/dav/calendars/alice/work/");
    all.push((names(&shared.body), shared.header("etag").unwrap().to_owned()));
    for (index, (found, etag)) in all.iter().enumerate() {
        for (other, other_etag) in all.iter().skip(index + 1) {
            assert!(found.is_disjoint(other), "{found:?} {other:?}");
            assert_ne!(etag, other_etag);
        }
    }
}
