//! What is hidden answers as what never was: every method, with every condition, on every kind of hidden thing, beside the
//! same request for a name that stands for nothing. The two answers are alike to the byte but for the name itself.
//!
//! The table of methods is complete or the test fails: a method that any resource offers has to have its rows here.

use crate::harness::api;
use crate::harness::cast::{self, PEOPLE, Person, WORK};
use crate::harness::client::NAMESPACES;
use crate::harness::{Answer, Client, World};
use acl::Visibility;
use std::collections::{BTreeMap, BTreeSet};

const CALENDAR: &str = "/dav/calendars/alice/canary-k-work/";
/// How the pairs are told apart in what is sent and taken out of what is answered.
const HERE: &str = "{here}";

/// One kind of request: `{here}` in path, headers and body is the hidden or the absent href.
struct Row {
    method: &'static str,
    path: &'static str,
    headers: Vec<(&'static str, String)>,
    body: String,
}

fn event(uid: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\n\
         DTSTART:20261103T090000Z\r\nDTEND:20261103T100000Z\r\nSUMMARY:Plan\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

/// The bodies each method is sent with.
fn bodies(method: &str) -> Vec<String> {
    let ns = NAMESPACES;
    let some = |bodies: &[&str]| bodies.iter().map(|body| body.replace("NS", ns)).collect();
    match method {
        "PUT" | "POST" => vec![event("real-standard"), event("new"), "BEGIN:VCALENDAR".to_owned(), "file".to_owned(), String::new()],
        "PROPFIND" => some(&[
            "",
            "<D:propfind NS><D:propname/></D:propfind>",
            "<D:propfind NS><D:prop><D:getetag/><D:acl/><D:owner/><D:current-user-privilege-set/><D:sync-token/></D:prop></D:propfind>",
            "<D:propfind",
        ]),
        "PROPPATCH" => some(&[
            "<D:propertyupdate NS><D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set></D:propertyupdate>",
            "<D:propertyupdate NS><D:set><D:prop><D:getetag>x</D:getetag></D:prop></D:set></D:propertyupdate>",
            "",
        ]),
        "MKCALENDAR" => some(&["", "<C:mkcalendar NS><D:set><D:prop><D:getetag/></D:prop></D:set></C:mkcalendar>"]),
        "MKCOL" => some(&[
            "",
            "<D:mkcol NS><D:set><D:prop><D:resourcetype><D:collection/><C:calendar/></D:resourcetype></D:prop></D:set></D:mkcol>",
            "<D:mkcol NS><D:set><D:prop><D:resourcetype><D:collection/><CS:subscribed/></D:resourcetype><CS:source><D:href>https://x.example/</D:href></CS:source></D:prop></D:set></D:mkcol>",
        ]),
        "ACL" => some(&[
            "<D:acl NS/>",
            "<D:acl NS><D:ace><D:principal><D:all/></D:principal><D:grant><D:privilege><D:all/></D:privilege></D:grant></D:ace></D:acl>",
            "",
        ]),
        "REPORT" => some(&[
            "<C:calendar-query NS><D:prop><C:calendar-data/></D:prop><C:filter><C:comp-filter name=\"VCALENDAR\"/></C:filter></C:calendar-query>",
            "<C:calendar-multiget NS><D:prop><C:calendar-data/></D:prop><D:href>{here}</D:href></C:calendar-multiget>",
            "<C:free-busy-query NS><C:time-range start=\"20261101T000000Z\" end=\"20261201T000000Z\"/></C:free-busy-query>",
            "<D:sync-collection NS><D:sync-token/><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>",
            "<D:sync-collection NS><D:sync-token>data:,x</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>",
            "<D:expand-property NS><D:property name=\"owner\"/></D:expand-property>",
            "<D:principal-property-search NS><D:property-search><D:prop><D:displayname/></D:prop><D:match>Name</D:match></D:property-search></D:principal-property-search>",
            "<D:principal-search-property-set NS/>",
            "<D:acl-principal-prop-set NS><D:prop><D:displayname/></D:prop></D:acl-principal-prop-set>",
            "<D:principal-match NS><D:self/></D:principal-match>",
            "<D:principal-match NS><D:principal-property><D:owner/></D:principal-property></D:principal-match>",
            "<D:frobnicate NS/>",
        ]),
        _ => vec![String::new()],
    }
}

/// Methods that are to be told alike, whether offered or not.
const METHODS: [&str; 23] = [
    "OPTIONS",
    "GET",
    "HEAD",
    "PUT",
    "DELETE",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "MKCALENDAR",
    "COPY",
    "MOVE",
    "ACL",
    "REPORT",
    "POST",
    "PATCH",
    "TRACE",
    "LOCK",
    "UNLOCK",
    "SEARCH",
    "BIND",
    "CHECKIN",
    "MERGE",
    "FROBNICATE",
];

/// Of these, the ones nothing offers.
const REFUSED: &[&str] = &["PATCH", "TRACE", "LOCK", "UNLOCK", "SEARCH", "BIND", "CHECKIN", "MERGE", "FROBNICATE"];

/// Headers that ask whether something is there, or who may. `etag` is a tag that someone is shown.
fn conditions(etag: &str) -> Vec<Vec<(&'static str, String)>> {
    let one = |name, value: &str| vec![(name, value.to_owned())];
    vec![
        Vec::new(),
        one("if-match", "*"),
        one("if-match", etag),
        one("if-none-match", "*"),
        one("if-none-match", etag),
        one("if", &format!("([{etag}])")),
        one("if", "(Not <DAV:no-lock>)"),
        one("if", &format!("<{HERE}> (Not [{etag}])")),
        one("if-schedule-tag-match", "\"x\""),
        one("if-modified-since", "Mon, 02 Nov 2026 00:00:00 GMT"),
        one("if-unmodified-since", "Mon, 02 Nov 2020 00:00:00 GMT"),
        one("prefer", "return=representation"),
        one("depth", "1"),
        one("depth", "infinity"),
    ]
}

fn rows(viewer: &str, etag: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for method in METHODS {
        for (number, condition) in conditions(etag).into_iter().enumerate() {
            if number > 3 && REFUSED.contains(&method) {
                continue;
            }
            // Every body once, every condition with one of them.
            let bodies = bodies(method);
            let bodies = if number == 0 { bodies } else { vec![bodies[number % bodies.len()].clone()] };
            for body in bodies {
                let mut headers = condition.clone();
                match method {
                    "COPY" | "MOVE" => headers.push(("destination", format!("/dav/calendars/{viewer}/default/new.ics"))),
                    "REPORT" if headers.is_empty() => headers.push(("depth", "0".to_owned())),
                    _ => {}
                }
                if method == "POST" {
                    rows.push(Row { method, path: "{here}/;add-member", headers: headers.clone(), body: body.clone() });
                }
                rows.push(Row { method, path: HERE, headers, body });
            }
        }
    }
    // Named by another resource: as a destination, among the hrefs of a multiget, as a condition, as a principal.
    let ns = NAMESPACES;
    let own = "/dav/calendars/{viewer}/default/own.ics";
    for overwrite in ["T", "F"] {
        for method in ["COPY", "MOVE"] {
            for path in [own, "/dav/calendars/{viewer}/default/absent.ics", "/dav/calendars/{viewer}/default/"] {
                let headers = vec![("destination", HERE.to_owned()), ("overwrite", overwrite.to_owned())];
                rows.push(Row { method, path, headers, body: String::new() });
            }
        }
    }
    for method in ["PROPFIND", "GET", "PUT", "DELETE"] {
        let headers = vec![("if", format!("<{HERE}> ([{etag}])")), ("depth", "0".to_owned())];
        rows.push(Row { method, path: "/dav/calendars/{viewer}/default/absent.ics", headers, body: String::new() });
    }
    let multiget =
        format!("<C:calendar-multiget {ns}><D:prop><D:getetag/><C:calendar-data/></D:prop><D:href>{HERE}</D:href></C:calendar-multiget>");
    for path in [CALENDAR, "/dav/calendars/{viewer}/", "/dav/calendars/{viewer}/default/"] {
        rows.push(Row { method: "REPORT", path, headers: vec![("depth", "1".to_owned())], body: multiget.clone() });
    }
    let acl = format!(
        "<D:acl {ns}><D:ace><D:principal><D:href>{HERE}</D:href></D:principal><D:grant><D:privilege><D:read/></D:privilege></D:grant></D:ace></D:acl>"
    );
    rows.push(Row { method: "ACL", path: "/dav/calendars/{viewer}/default/", headers: Vec::new(), body: acl });
    rows
}

fn ask(client: &Client, row: &Row, href: &str) -> Answer {
    let fill = |text: &str| text.replace(HERE, href).replace("{viewer}", &client.user);
    let headers: Vec<(&str, String)> = row.headers.iter().map(|(name, value)| (*name, fill(value))).collect();
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut answer = client.send(row.method, &fill(row.path), &headers, &fill(&row.body));
    answer.body = answer.body.replace(href, HERE);
    for (_, value) in &mut answer.headers {
        *value = value.replace(href, HERE);
    }
    answer
}

/// Something that is there and hidden, and something like it that is not there; as long as the other, so that answers are.
struct Pair {
    what: String,
    hidden: String,
    absent: String,
}

/// Other letters at the end of a name.
fn another(name: &str) -> String {
    let (stem, end) = name.strip_suffix(".ics").map_or((name, ""), |stem| (stem, ".ics"));
    let (stem, slash) = stem.strip_suffix('/').map_or((stem, ""), |stem| (stem, "/"));
    let start = stem.len() - 4;
    let turned: String = stem[start..].chars().map(|c| if c == 'q' { 'r' } else { 'q' }).collect();
    format!("{}{turned}{slash}{end}", &stem[..start])
}

fn world() -> World {
    let world = cast::world().user("other").group("others", &["other"]).calendar("other/private");
    let alice = world.client("alice");
    let put = |client: &Client, path: &str, body: &str| assert_eq!(client.put(path, body).status, 201);
    put(&alice, &format!("{CALENDAR}real-standard.ics"), &event("real-standard"));
    put(&alice, &format!("{CALENDAR}real-private.ics"), &event("real-private").replace("SUMMARY", "CLASS:PRIVATE\r\nSUMMARY"));
    put(&alice, "/dav/calendars/alice/default/real-alone.ics", &event("real-alone"));
    assert_eq!(alice.send("MKCOL", "/dav/calendars/alice/real-box/", &[], "").status, 201);
    put(&alice, "/dav/calendars/alice/real-box/real-file.txt", "text");
    assert_eq!(alice.subscribe("/dav/calendars/alice/real-feed/", "https://elsewhere.example/feed.ics?secret", "").status, 201);
    put(&world.client("other"), "/dav/calendars/other/private/real-other.ics", &event("real-other"));
    for person in PEOPLE {
        put(&world.client(person.name), &format!("/dav/calendars/{}/default/own.ics", person.name), &event("own"));
    }
    world
}

/// All that is hidden from one viewer.
fn pairs(world: &World, person: &Person) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let mut pair = |what: &str, hidden: &str| {
        for hidden in [hidden.to_owned(), format!("{}/", hidden.trim_end_matches('/'))] {
            pairs.push(Pair { what: what.to_owned(), absent: another(&hidden), hidden });
        }
    };
    if !person.is_owner() {
        pair("a calendar that is not shared", "/dav/calendars/alice/default");
        pair("a plain collection", "/dav/calendars/alice/real-box");
        pair("a subscription", "/dav/calendars/alice/real-feed");
        if !person.reaches() {
            pair("a calendar shared with others", "/dav/calendars/alice/canary-k-work");
            pair("someone's home", "/dav/calendars/alice");
            pair("a user", "/dav/principals/users/alice");
            pair("a user's free/busy", "/dav/freebusy/alice");
        }
    }
    pair("a stranger's home", "/dav/calendars/other");
    pair("a stranger", "/dav/principals/users/other");
    pair("a stranger's free/busy", "/dav/freebusy/other");
    pair("a stranger's group", "/dav/principals/groups/others");
    pair("a stranger's calendar", "/dav/calendars/other/private");
    let other = PEOPLE.iter().find(|other| other.reaches() && other.name != person.name && !other.is_owner()).unwrap();
    let mount = cast::mount(world, other).unwrap();
    let theirs = mount.trim_end_matches('/').rsplit('/').next().unwrap();
    pair("another's mount in one's own home", &format!("/dav/calendars/{}/{theirs}", person.name));
    pair("another's mount in his home", &format!("/dav/calendars/{}/{theirs}", other.name));
    let mut pairs_of_objects = Vec::new();
    let pseudonyms = |user: &str| -> Vec<String> { world.client(user).members(CALENDAR) };
    let shown: BTreeSet<String> = if person.reaches() { pseudonyms(person.name).into_iter().collect() } else { BTreeSet::new() };
    let mut candidates =
        vec![("its real name", format!("{CALENDAR}real-standard.ics")), ("its real name", format!("{CALENDAR}real-private.ics"))];
    candidates.extend(pseudonyms("titles").into_iter().map(|href| ("another's pseudonym", href)));
    for (what, hidden) in candidates {
        if !shown.contains(&hidden) {
            pairs_of_objects.push((what, hidden));
        }
    }
    for (what, hidden) in pairs_of_objects {
        // The absent one stands in the same calendar.
        pairs.push(Pair { what: format!("an object by {what}"), absent: another(&hidden), hidden });
    }
    let nested = [
        ("an object of a calendar that is not shared", "/dav/calendars/alice/default/real-alone.ics"),
        ("a file", "/dav/calendars/alice/real-box/real-file.txt"),
        ("an object of a stranger's", "/dav/calendars/other/private/real-other.ics"),
    ];
    for (what, hidden) in nested.into_iter().filter(|(_, hidden)| !person.is_owner() || hidden.contains("other")) {
        // The absent one stands in what is absent itself.
        let (parent, name) = hidden.rsplit_once('/').unwrap();
        pairs.push(Pair { what: what.to_owned(), hidden: hidden.to_owned(), absent: format!("{}/{name}", another(parent)) });
    }
    pairs
}

#[test]
pub fn leak_44_every_method_tells_hidden_and_absent_alike() {
    let offered: BTreeSet<&str> = webdav::resource::Kind::ALL.iter().flat_map(|kind| webdav::method::allow(*kind).split(", ")).collect();
    let table: BTreeSet<&str> = METHODS.into();
    assert!(offered.is_subset(&table), "methods without rows: {:?}", offered.difference(&table));
    let world = world();
    let etag = world.client("alice").etags(CALENDAR).into_values().next().unwrap();
    let (mut compared, mut kinds) = (0, BTreeMap::<String, usize>::new());
    let mut statuses = BTreeMap::<u16, usize>::new();
    let before: Vec<String> = [("alice", CALENDAR), ("details", CALENDAR)].map(|(user, path)| world.client(user).sync_token(path)).into();
    for name in ["alice", "busy", "titles", "details", "discreet", "edit", "edit-delete", "paused", "stranger"] {
        let person = PEOPLE.iter().find(|person| person.name == name).unwrap();
        let client = world.client(person.name);
        let rows = rows(person.name, &etag);
        for pair in pairs(&world, person) {
            for row in &rows {
                if would_create(person, row, &pair) {
                    continue;
                }
                let (hidden, absent) = (ask(&client, row, &pair.hidden), ask(&client, row, &pair.absent));
                assert_eq!(
                    hidden, absent,
                    "{name}: {} {} {:?} {} for {}, {} and {}",
                    row.method, row.path, row.headers, row.body, pair.what, pair.hidden, pair.absent
                );
                assert!(hidden.status != 403 || !hidden.body.contains("<D:error xmlns:D=\"DAV:\"/>"), "an empty error");
                compared += 1;
                *statuses.entry(hidden.status).or_default() += 1;
            }
            *kinds.entry(pair.what).or_default() += 1;
        }
    }
    println!("{compared} pairs of answers by 9 viewers for {kinds:?}: {statuses:?}");
    assert!(compared > 15_000 && kinds.len() >= 13, "{compared} {kinds:?}");
    let after: Vec<String> = [("alice", CALENDAR), ("details", CALENDAR)].map(|(user, path)| world.client(user).sync_token(path)).into();
    assert_eq!(before, after, "what is asked of hidden things touches nothing");
    assert_eq!(world.faults(), Vec::<String>::new());
}

/// The interface for programs, route by route: a row that its table gains is asked for here.
#[test]
fn every_route_tells_hidden_and_absent_alike() {
    let world = world();
    let (mut compared, mut statuses) = (0, BTreeMap::<u16, usize>::new());
    for person in PEOPLE {
        let client = world.client(person.name);
        for pair in pairs(&world, &person) {
            let (Some(hidden), Some(absent)) = (api::calendar_of(&pair.hidden), api::calendar_of(&pair.absent)) else { continue };
            for (there, nowhere) in api::asks(hidden.0, hidden.1).into_iter().zip(api::asks(absent.0, absent.1)) {
                let answers =
                    [client.api(there.method, &there.path, &there.body), client.api(nowhere.method, &nowhere.path, &nowhere.body)];
                assert_eq!(answers[0], answers[1], "{}: {there:?} for {}", person.name, pair.what);
                compared += 1;
                *statuses.entry(answers[0].status).or_default() += 1;
            }
        }
    }
    println!("{compared} pairs of answers to programs: {statuses:?}");
    assert!(compared > 3_000 && statuses[&404] > 2_000, "{compared} {statuses:?}");
    assert_eq!(world.faults(), Vec::<String>::new());
}

/// Writes that are his right are compared below, each in a place of its own.
fn would_create(person: &Person, row: &Row, pair: &Pair) -> bool {
    let writes = matches!(row.method, "PUT" | "MKCOL" | "MKCALENDAR") && row.path == HERE;
    let arrives = matches!(row.method, "COPY" | "MOVE") && row.headers.iter().any(|(name, value)| *name == "destination" && value == HERE);
    let own_home = pair.hidden.starts_with(&format!("/dav/calendars/{}/", person.name));
    (writes || arrives) && ((person.create && pair.hidden.starts_with(CALENDAR)) || own_home)
}

#[test]
pub fn who_may_create_can_take_any_name_and_uid_he_is_not_shown() {
    let mut compared = 0;
    for name in ["assign", "edit", "edit-delete"] {
        let person = PEOPLE.iter().find(|person| person.name == name).unwrap();
        let world = world();
        let (alice, client) = (world.client("alice"), world.client(name));
        let before: BTreeMap<String, String> =
            alice.members(CALENDAR).into_iter().map(|href| (href.clone(), alice.get(&href).body)).collect();
        let mut step = 0;
        for header in [None, Some(("if-none-match", "*")), Some(("prefer", "return=representation")), Some(("if-match", "*"))] {
            for kind in ["real-standard", "real-private"] {
                if person.standard == Visibility::Full && kind == "real-standard" {
                    continue;
                }
                step += 1;
                let headers: Vec<(&str, &str)> = header.into_iter().collect();
                let absent = another(kind);
                // What was made by the step before goes first.
                for (href, _) in client.etags(CALENDAR) {
                    if client.get(&href).body.contains("taken") {
                        let name = href.rsplit('/').next().unwrap();
                        let shown = alice.members(CALENDAR).into_iter().find(|href| alice.get(href).body.contains("taken")).unwrap();
                        assert_eq!(alice.delete(&shown).status, 204, "{name}");
                    }
                }
                let put = |name: &str, uid: &str| {
                    let body = event(uid).replace("Plan", "taken");
                    let mut answer = client.send("PUT", &format!("{CALENDAR}{name}.ics"), &headers, &body);
                    let shown = client.get(&format!("{CALENDAR}{name}.ics"));
                    answer.body = format!("{}{}{}", answer.body, shown.status, shown.body).replace(name, "x").replace(uid, "x");
                    let refused =
                        [client.delete(&format!("{CALENDAR}{name}.ics")).status, client.get(&format!("{CALENDAR}{name}.ics")).status];
                    for (_, value) in &mut answer.headers {
                        *value = value.replace(name, "x");
                    }
                    answer.headers.retain(|(header, _)| header != "etag");
                    if let Some(mine) = alice.members(CALENDAR).into_iter().find(|href| alice.get(href).body.contains("taken")) {
                        assert!(!before.contains_key(&mine), "it replaced what was there");
                        assert_eq!(alice.delete(&mine).status, 204);
                    }
                    (answer, refused)
                };
                assert_eq!(put(kind, &format!("uid-{step}")), put(&absent, &format!("uid-{step}")), "{name}: the name {kind}, {header:?}");
                assert_eq!(put("some-name", kind), put("some-name", &absent), "{name}: the UID {kind}, {header:?}");
                let post = |uid: &str| {
                    let mut answer = client.send("POST", &format!("{CALENDAR};add-member"), &headers, &event(uid).replace("Plan", "taken"));
                    let made = answer.header("location").map(|location| location.rsplit('/').next().unwrap().to_owned());
                    answer.body = answer.body.replace(uid, "x");
                    for (_, value) in &mut answer.headers {
                        *value = made.iter().fold(value.replace(uid, "x"), |value, made| value.replace(made, "x"));
                    }
                    answer.headers.retain(|(header, _)| header != "etag");
                    if let Some(mine) = alice.members(CALENDAR).into_iter().find(|href| alice.get(href).body.contains("taken")) {
                        assert!(!before.contains_key(&mine), "it replaced what was there");
                        assert_eq!(alice.delete(&mine).status, 204);
                    }
                    answer
                };
                assert_eq!(post(kind), post(&absent), "{name}: the UID {kind}, posted, {header:?}");
                compared += 3;
            }
        }
        let after: BTreeMap<String, String> =
            alice.members(CALENDAR).into_iter().map(|href| (href.clone(), alice.get(&href).body)).collect();
        assert_eq!(before, after, "{name}");
        assert_eq!(world.faults(), Vec::<String>::new());
    }
    println!("{compared} pairs of names and UIDs by three who may create in {WORK}");
    assert!(compared >= 30, "{compared}");
}
