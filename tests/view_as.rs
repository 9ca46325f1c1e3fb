//! Looking with somebody's eyes: the owner is shown exactly what his client is given, and for him it makes no difference whether
//! anybody looked.

use crate::harness::cast::{self, Item, PEOPLE, WORK};
use crate::harness::client::{Answer, Client, NAMESPACES};
use crate::harness::{World, event};
use acl::Level;
use serde_json::Value;
use std::collections::BTreeMap;

const RANGES: [(Option<&str>, Option<&str>); 5] = [
    (None, None),
    (Some("2026-11-02"), Some("2026-11-09")),
    (Some("2026-11-10T12:00:00Z"), Some("2026-11-11T01:00:00+01:00")),
    (Some("2026-12-25T00:00:00Z"), None),
    (None, Some("2027-02-14")),
];

fn ask(owner: &Client, viewer: &str, (start, end): (Option<&str>, Option<&str>)) -> Answer {
    let encoded = |word: &str| word.replace(':', "%3A").replace('+', "%2B");
    let start = start.map_or(String::new(), |start| format!("&start={}", encoded(start)));
    let end = end.map_or(String::new(), |end| format!("&end={}", encoded(end)));
    owner.api("GET", &format!("calendars/{WORK}/view-as?viewer={viewer}{start}{end}"), "")
}

/// Name to tag and bytes.
type Shown = BTreeMap<String, (String, String)>;

fn shown(value: &Value) -> Shown {
    let text = |object: &Value, key: &str| object[key].as_str().unwrap().to_owned();
    let objects = value["objects"].as_array().unwrap().iter();
    objects.map(|object| (text(object, "name"), (text(object, "etag"), text(object, "data")))).collect()
}

/// What a viewer's client gets of a range: the members that a query finds, each by a GET of its own.
fn got(client: &Client, path: &str, (start, end): (Option<&str>, Option<&str>)) -> Shown {
    let basic = |word: &str| shoji::command::look::moment(word).unwrap().format("%Y%m%dT%H%M%SZ").to_string();
    let attribute = |name: &str, word: Option<&str>| word.map_or(String::new(), |word| format!(" {name}=\"{}\"", basic(word)));
    let range = match (start, end) {
        (None, None) => String::new(),
        _ => format!("<C:time-range{}{}/>", attribute("start", start), attribute("end", end)),
    };
    let mut found = Shown::new();
    for kind in ["VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY"] {
        let body = format!(
            "<C:calendar-query {NAMESPACES}><D:prop><D:getetag/></D:prop><C:filter><C:comp-filter name=\"VCALENDAR\">\
             <C:comp-filter name=\"{kind}\">{range}</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
        );
        for href in client.send("REPORT", path, &[("depth", "1")], &body).multistatus().into_keys() {
            let answer = client.get(&href);
            let name = href.rsplit('/').next().unwrap().to_owned();
            found.insert(name, (answer.header("etag").unwrap().to_owned(), answer.body));
        }
    }
    found
}

#[test]
fn the_owner_is_shown_the_very_bytes_that_the_viewers_client_gets() {
    let items: Vec<Item> = cast::items(33, 1, 30);
    let world = cast::world_with(&items);
    let alice = world.client("alice");
    let (owner, name) = WORK.split_once('/').unwrap();
    let (mut compared, mut through_door) = (0, 0);
    for person in &PEOPLE {
        let path = cast::mount(&world, person);
        for range in RANGES {
            let moment = |word: Option<&str>| word.map(|word| shoji::command::look::moment(word).unwrap());
            let window = storage::preview::TimeRange { start: moment(range.0), end: moment(range.1) };
            let preview = world.store.administration().view_as(person.name, owner, name, &window).unwrap();
            let client = world.client(person.name);
            let expected = path.as_ref().map_or_else(Shown::new, |path| got(&client, path, range));
            assert_eq!(preview.reaches, person.reaches(), "{}", person.name);
            let seen: Shown = preview
                .objects
                .iter()
                .map(|o| (o.name().to_owned(), (o.etag().to_owned(), String::from_utf8(o.bytes().to_vec()).unwrap())))
                .collect();
            assert_eq!(seen, expected, "{} {range:?}", person.name);
            if let (Some(path), (None, None)) = (&path, range) {
                assert_eq!(preview.stream(), client.get(path).body, "{} as a stream", person.name);
            }
            // Over HTTP she asks about whom she knows: not about members of a group, nor about people who are nobody to her.
            let answer = ask(&alice, person.name, range);
            match person.name {
                "member" | "stranger" => assert_eq!(answer.status, 404, "{}", person.name),
                _ => {
                    assert_eq!(shown(&answer.json()), expected, "{} over HTTP", person.name);
                    through_door += 1;
                }
            }
            compared += expected.len();
        }
    }
    println!("{compared} objects were the same, {through_door} times over HTTP too");
    assert!(compared > 300 && through_door > 40);
    assert_eq!(world.faults(), Vec::<String>::new());
}

/// In one of two worlds Alice looks with Bob's eyes after each of her changes. What Bob is told of them, when he comes, is the
/// same: his tokens, his tags, the differences, and what a second visit says.
#[test]
fn for_the_viewer_it_makes_no_difference_whether_anybody_looked() {
    let path = "/dav/calendars/alice/work/";
    let story = |looks: bool| {
        let mut world = World::new().user("alice").user("bob").calendar("alice/work").share("alice/work", "bob", Level::Titles);
        let look = |world: &World| {
            if looks {
                let everything = storage::preview::TimeRange::default();
                world.store.administration().view_as("bob", "alice", "work", &everything).unwrap();
                let answer = world.client("alice").api("GET", "calendars/alice/work/view-as?viewer=bob", "");
                assert_eq!(answer.status, 200);
            }
        };
        let mut told = Vec::new();
        let mut token = String::new();
        for number in 0..12 {
            world.step(&format!("change {number}"));
            let alice = world.client("alice");
            let name = format!("{path}{}.ics", number % 5);
            match number {
                7 => assert_eq!(alice.delete(&name).status, 204),
                _ => assert!(alice.put(&name, &event(&format!("uid-{}", number % 5), &format!("Title {number}"))).status < 300),
            }
            look(&world);
            if number % 4 == 3 {
                world.step("bob comes");
                let bob = world.client("bob");
                let refused = bob.delete(&bob.members(path)[0]).status;
                look(&world);
                let changes = bob.sync(path, &token).unwrap();
                token = changes.2.clone();
                told.push((refused, changes, bob.etags(path), bob.get(path)));
            }
            if number == 9 {
                world = world.share("alice/work", "bob", Level::Details);
                look(&world);
                world.reopen();
            }
        }
        let reads = world.store.administration().journal("alice", "work", None).unwrap();
        let reads: Vec<(Option<String>, u64)> = reads.into_iter().map(|entry| (entry.user, entry.count)).collect();
        (told, reads)
    };
    assert_eq!(story(true), story(false), "nor does the journal say that he read");
}

/// Bob sets an alarm on an event of Alice's that he sees whole, and keeps his calendar in another zone. Both are his alone: she
/// sees with his eyes what anybody would be shown, and at no hour learns what his is.
#[test]
fn what_the_viewer_added_for_himself_stays_his() {
    let world = World::new().user("alice").user("bob").calendar("alice/work").share("alice/work", "bob", Level::Edit);
    let path = "/dav/calendars/alice/work/one.ics";
    let floating = event("one", "Stand-up")
        .replace("DTSTART:20261104T160000Z", "DTSTART:20261103T233000")
        .replace("DTEND:20261104T170000Z", "DTEND:20261104T003000");
    assert!(floating.contains("DTSTART:20261103T233000\r\n"), "{floating}");
    let (alice, bob) = (world.client("alice"), world.client("bob"));
    assert_eq!(alice.put(path, &floating).status, 201);
    let everything = storage::preview::TimeRange::default();
    let ask = |query: &str| world.client("alice").api("GET", &format!("calendars/alice/work/view-as?viewer=bob{query}"), "");
    let before = ask("").json();
    let alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:bobs-secret-alarm\r\nTRIGGER:-PT10M\r\nEND:VALARM\r\nEND:VEVENT";
    assert_eq!(bob.put(path, &floating.replace("END:VEVENT", alarm)).status, 204);
    let zone = "BEGIN:VCALENDAR&#13;\nVERSION:2.0&#13;\nPRODID:-//t//EN&#13;\nBEGIN:VTIMEZONE&#13;\nTZID:Asia/Tokyo&#13;\nBEGIN:STANDARD&#13;\nDTSTART:19700101T000000&#13;\n\
        TZOFFSETFROM:+0900&#13;\nTZOFFSETTO:+0900&#13;\nEND:STANDARD&#13;\nEND:VTIMEZONE&#13;\nEND:VCALENDAR&#13;\n";
    let body = format!(
        "<D:propertyupdate {NAMESPACES}><D:set><D:prop><C:calendar-timezone>{zone}</C:calendar-timezone></D:prop></D:set></D:propertyupdate>"
    );
    assert_eq!(bob.send("PROPPATCH", "/dav/calendars/alice/work/", &[], &body).status, 207);
    assert!(bob.propfind("/dav/calendars/alice/work/", "0", "<C:calendar-timezone/>").body.contains("Asia/Tokyo"));
    assert_eq!(ask("").json(), before);
    for hour in 0..24 {
        let query = format!("&start=2026-11-03T{hour:02}:00:00Z&end=2026-11-03T{hour:02}:59:00Z");
        let expected = usize::from(hour == 23);
        assert_eq!(ask(&query).json()["objects"].as_array().unwrap().len(), expected, "{hour}");
    }
    // By command, for whoever has to find out why Bob's program shows what it does, it is all there.
    let preview = world.store.administration().view_as("bob", "alice", "work", &everything).unwrap();
    assert_eq!(String::from_utf8_lossy(preview.objects[0].bytes()), bob.get(path).body);
    assert!(bob.get(path).body.contains("bobs-secret-alarm"));
}

#[test]
fn who_does_not_own_the_calendar_looks_with_nobodys_eyes() {
    let world = World::new().user("alice").user("bob").user("carol").calendar("alice/work").share("alice/work", "bob", Level::EditDelete);
    let answer = |user: &str, viewer: &str| world.client(user).api("GET", &format!("calendars/alice/work/view-as?viewer={viewer}"), "");
    for viewer in ["alice", "bob", "carol", "nobody"] {
        assert_eq!(answer("bob", viewer).problem().0, 403);
        assert_eq!(answer("bob", viewer), answer("bob", "nobody"), "whom he asks about makes no difference");
        assert_eq!(answer("carol", viewer).problem().0, 404);
    }
    assert_eq!(answer("alice", "carol"), answer("alice", "nobody"), "who is nobody to her is nobody");
    assert_eq!(answer("alice", "bob").json()["reaches"], true);
    for (query, key) in
        [("viewer=bob&start=soon", "start"), ("viewer=bob&start=2026-11-02&end=2026-11-02", "end"), ("start=2026-11-02", "viewer")]
    {
        let refused = world.client("alice").api("GET", &format!("calendars/alice/work/view-as?{query}"), "");
        assert_eq!(refused.problem(), (400, "bad-request".to_owned(), Some(key.to_owned())), "{query}");
    }
}
