//! Words that tell where they stood: everything is crawled as everyone, through every method and report, under every form of
//! every href that is found or could be guessed, and nobody meets a word that is not for him.

mod requests;

use crate::harness::api;
use crate::harness::cast::{self, Item, PEOPLE, Person, WORK, forbidden, words};
use crate::harness::client::{NAMESPACES, variants};
use crate::harness::{Answer, Client, World};
use acl::Visibility;
use requests::{every_property, propfind, query, reports};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write;
use storage::administration::GrantEntry;

const OBJECTS: u32 = 26;

/// Headers an answer may have: each is a function of what is shown.
const HEADERS: [&str; 16] = [
    "allow",
    "cache-control",
    "content-disposition",
    "content-length",
    "content-location",
    "content-security-policy",
    "content-type",
    "cross-origin-resource-policy",
    "dav",
    "etag",
    "last-modified",
    "location",
    "preference-applied",
    "referrer-policy",
    "vary",
    "x-content-type-options",
];

/// One person looking everywhere.
struct Crawl<'a> {
    client: Client,
    person: Person,
    items: &'a [Item],
    found: BTreeSet<String>,
    queue: VecDeque<String>,
    requests: usize,
    met: BTreeSet<String>,
    /// What he wrote himself in what is stored.
    said: BTreeSet<String>,
    leaks: BTreeMap<String, String>,
}

impl<'a> Crawl<'a> {
    fn new(world: &World, person: Person, items: &'a [Item]) -> Self {
        Self {
            client: world.client(person.name),
            person,
            items,
            found: BTreeSet::new(),
            queue: VecDeque::new(),
            requests: 0,
            met: BTreeSet::new(),
            said: BTreeSet::new(),
            leaks: BTreeMap::new(),
        }
    }

    fn leak(&mut self, why: String, request: &str) {
        self.leaks.entry(why).or_insert_with(|| request.to_owned());
    }

    /// Sends one request, reads every byte of the answer, and follows the hrefs in it.
    fn look(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let answer = self.client.send(method, path, headers, body);
        self.requests += 1;
        let mut said = format!("{path}\n{body}\n");
        let mut text = String::new();
        for (name, value) in headers {
            let _ = writeln!(said, "{name}: {value}");
        }
        for (name, value) in &answer.headers {
            let _ = writeln!(text, "{name}: {value}");
        }
        text.push_str(&answer.body);
        let request = format!("{method} {path} {headers:?} {body:.300} -> {}", answer.status);
        // What the request itself said may come back.
        let told = words(&percent_encoding::percent_decode_str(&said).decode_utf8_lossy());
        for word in words(&text) {
            if !told.contains(&word) && !self.said.contains(&word) {
                if let Some(why) = forbidden(&self.person, &word, self.items) {
                    self.leak(why, &request);
                }
                self.met.insert(word);
            }
        }
        for (name, value) in &answer.headers {
            if !HEADERS.contains(&name.as_str()) {
                self.leak(format!("a header that nobody thought of: {name}: {value}"), &request);
            }
        }
        if !matches!(answer.header("cache-control"), Some("private, no-cache" | "private, no-store")) || answer.header("vary").is_none() {
            self.leak("an answer that others could be given from a cache".to_owned(), &request);
        }
        if !self.person.reaches() {
            for name in ["alice", "team", "staff", "titles@", "Name of t"] {
                if text.contains(name) && !said.contains(name) {
                    self.leak(format!("{} met {name:?}", self.person.name), &request);
                }
            }
        }
        let location = answer.header("location").or(answer.header("content-location")).map(str::to_owned);
        let hrefs: Vec<String> = answer
            .body
            .split("href>")
            .skip(1)
            .step_by(2)
            .filter_map(|text| text.split('<').next())
            .map(str::to_owned)
            .chain(location)
            .filter(|href| href.starts_with('/'))
            .collect();
        for href in hrefs {
            self.follow(&href);
        }
        answer
    }

    fn follow(&mut self, href: &str) {
        if self.found.len() < 3_000 && self.found.insert(href.to_owned()) {
            self.queue.push_back(href.to_owned());
        }
    }

    fn crawl(&mut self) {
        while let Some(href) = self.queue.pop_front() {
            self.visit(&href);
        }
    }

    /// Less of the same, for hrefs that are likely to be nothing.
    fn glance(&mut self, href: &str) {
        self.look("OPTIONS", href, &[], "");
        self.look("GET", href, &[], "");
        self.look("PROPFIND", href, &[("depth", "1")], "");
        self.look("PROPFIND", href, &[("depth", "0")], &propfind(&format!("<D:prop>{}</D:prop>", every_property())));
        self.look("REPORT", href, &[("depth", "1")], &query("", ""));
    }

    /// Every route of the interface for programs, about every calendar that was met or can be guessed. The owner, whose words
    /// all are, changes nothing; nobody else changes anything but which calendars stand in his home.
    fn programs(&mut self) {
        let found: BTreeSet<String> = self.found.iter().filter(|href| href.ends_with('/')).cloned().collect();
        let mut calendars: BTreeSet<(&str, &str)> = found.iter().filter_map(|href| api::calendar_of(href)).collect();
        calendars.extend([("alice", "canary-k-work"), ("alice", "canary-only-diary"), ("alice", "canary-only-box"), ("alice", "nothing")]);
        for ask in calendars.into_iter().flat_map(|(owner, name)| api::asks(owner, name)) {
            let own = ask.path.starts_with(&format!("calendars/{}/", self.person.name));
            if ask.method == "GET" || !own {
                self.look(ask.method, &format!("{}{}", shoji::api::ROOT, ask.path), &[("content-type", "application/json")], &ask.body);
            }
        }
    }

    fn visit(&mut self, href: &str) {
        self.look("OPTIONS", href, &[], "");
        self.look("GET", href, &[], "");
        self.look("HEAD", href, &[], "");
        self.look("GET", href, &[("caldav-timezones", "T")], "");
        self.look("GET", href, &[("caldav-timezones", "F")], "");
        let named = propfind(&format!("<D:prop>{}</D:prop>", every_property()));
        for body in ["", &propfind("<D:propname/>"), &named] {
            self.look("PROPFIND", href, &[("depth", "0")], body);
        }
        let segments = href.trim_matches('/').split('/').count();
        if href.ends_with('/') || segments < 5 {
            self.look("GET", href, &[("accept", "text/html"), ("range", "bytes=0-99")], "");
            self.look("PROPFIND", href, &[("depth", "1")], &named);
            self.look("PROPFIND", href, &[("depth", "1"), ("prefer", "return=minimal")], &propfind("<D:allprop/>"));
            self.look("PROPFIND", href, &[("depth", "infinity")], &named);
            for (number, report) in reports(self.items).iter().enumerate() {
                let depth = if number % 4 == 3 { "0" } else { "1" };
                self.look("REPORT", href, &[("depth", depth)], report);
            }
        } else {
            self.look("GET", href, &[("range", "bytes=0-10"), ("if-none-match", "\"x\"")], "");
            self.look("REPORT", href, &[("depth", "0")], &query("", "<C:comp-filter name=\"VEVENT\"/>"));
        }
    }
}

fn proppatch(path: &str, client: &Client, inside: &str) {
    let body = format!("<D:propertyupdate {NAMESPACES}><D:set><D:prop>{inside}</D:prop></D:set></D:propertyupdate>");
    let answer = client.send("PROPPATCH", path, &[], &body);
    assert!(answer.status == 207 && !answer.body.contains(" 40"), "{} {}", answer.status, answer.body);
}

fn simple(uid: &str, text: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//{text}//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\n\
         DTSTART:20261103T090000Z\r\nDTEND:20261103T100000Z\r\nSUMMARY:{text}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

/// When somebody is available, and what is said of it.
fn hours(text: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//{text}//EN\r\nBEGIN:VAVAILABILITY\r\nUID:{text}\r\nDTSTAMP:20261101T000000Z\r\n\
         DTSTART:20261101T000000Z\r\nSUMMARY:{text}\r\nBEGIN:AVAILABLE\r\nUID:{text}\r\nDTSTAMP:20261101T000000Z\r\nLOCATION:{text}\r\n\
         DTSTART:20261103T080000Z\r\nDTEND:20261103T170000Z\r\nRRULE:FREQ=DAILY\r\nEND:AVAILABLE\r\nEND:VAVAILABILITY\r\nEND:VCALENDAR\r\n"
    )
}

/// What only the owner may meet, and what the calendar says of itself.
fn furnish(world: &World) {
    let alice = world.client("alice");
    let work = format!("/dav/calendars/{WORK}/");
    let zone = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//canary-only//EN\r\nBEGIN:VTIMEZONE\r\nTZID:canary-only-zone\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nEND:VCALENDAR\r\n";
    let dead = "<O:canary-only-dead xmlns:O=\"urn:canary-only\">canary-only-value</O:canary-only-dead>";
    proppatch(
        &work,
        &alice,
        &format!(
            "<D:displayname>canary-p-name</D:displayname><C:calendar-description>canary-p-about</C:calendar-description>\
             <A:calendar-color>canary-p-colour</A:calendar-color><A:calendar-order>canary-only-order</A:calendar-order>\
             <C:calendar-timezone>{zone}</C:calendar-timezone>{dead}"
        ),
    );
    let alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nDESCRIPTION:canary-only-alarm\r\nEND:VALARM\r\n";
    let alarms = ["vevent-datetime", "vevent-date", "vtodo-datetime", "vtodo-date"]
        .map(|name| format!("<C:default-alarm-{name}>{alarm}</C:default-alarm-{name}>"));
    for place in ["/dav/calendars/alice/", &work] {
        proppatch(place, &alice, &format!("{dead}{}", alarms.concat()));
    }
    for href in alice.members(&work).iter().step_by(3) {
        proppatch(href, &alice, dead);
    }
    let made = |answer: Answer| assert_eq!(answer.status, 201, "{}", answer.body);
    proppatch(
        "/dav/calendars/alice/",
        &alice,
        &format!("<C:calendar-availability>{}</C:calendar-availability>", hours("canary-only-leave")),
    );
    made(alice.put(&format!("{work}canary-p-hours.ics"), &hours("canary-p-leave")));
    made(alice.send("MKCALENDAR", "/dav/calendars/alice/canary-only-diary/", &[], ""));
    made(alice.put("/dav/calendars/alice/canary-only-diary/canary-only-entry.ics", &simple("canary-only-uid", "canary-only-text")));
    made(alice.send("MKCOL", "/dav/calendars/alice/canary-only-box/", &[], ""));
    let feed = "https://elsewhere.example/canary-only-feed.ics?token=canary-only-token";
    made(alice.subscribe("/dav/calendars/alice/canary-only-subscription/", feed, "<D:displayname>canary-only-news</D:displayname>"));
    let file = "/dav/calendars/alice/canary-only-box/canary-only-file.txt";
    made(alice.send("PUT", file, &[("content-type", "text/x-canary-only-type")], "canary-only-content"));
    proppatch(file, &alice, dead);
}

/// What each viewer keeps for himself: a name of the calendar, dead properties, alarms.
fn settle_in(world: &World, items: &[Item]) -> usize {
    let mut alarms = 0;
    for person in PEOPLE.iter().skip(1) {
        let client = world.client(person.name);
        let own = format!("canary-own-{}", person.name);
        let alarm = format!("BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nDESCRIPTION:{own}\r\nEND:VALARM\r\n");
        let note =
            format!("<O:note xmlns:O=\"urn:own\">{own}</O:note><C:default-alarm-vevent-datetime>{alarm}</C:default-alarm-vevent-datetime>");
        proppatch(&format!("/dav/calendars/{}/", person.name), &client, &note);
        if !person.reaches() {
            continue;
        }
        let mount = cast::mount(world, person).expect("a mount");
        // As they are made first, the calendar's own name is not hidden by these.
        if person.name != "details" {
            proppatch(&mount, &client, &format!("<D:displayname>{own}</D:displayname><A:calendar-order>{own}</A:calendar-order>{note}"));
        }
        let whole: Vec<&Item> = items.iter().filter(|item| item.is_full(person)).collect();
        for item in whole.iter().step_by(2) {
            proppatch(&format!("{mount}{}", item.name), &client, &note);
        }
        for item in whole.iter().filter(|_| person.edit).step_by(2) {
            let path = format!("{mount}{}", item.name);
            let body = client.get(&path).body;
            let Some(at) = body.to_ascii_lowercase().rfind("end:vevent") else { continue };
            let answer = client.put(&path, &format!("{}{alarm}{}", &body[..at], &body[at..]));
            assert_eq!(answer.status, 204, "{} {}", person.name, answer.body);
            assert!(client.get(&path).body.contains(&own), "{own}");
            alarms += 1;
        }
    }
    alarms
}

/// Writes that must be refused, and what may be copied, by one person; he looks at the answers.
fn write_as_he_may(crawl: &mut Crawl<'_>, mount: Option<&str>) {
    let own = format!("/dav/calendars/{}/default/", crawl.person.name);
    let calendar = format!("/dav/calendars/{WORK}/");
    let mut targets: Vec<String> = crawl.items.iter().map(Item::path).collect();
    if let Some(mount) = mount {
        targets.extend(crawl.client.members(mount));
    }
    let prefer = ("prefer", "return=representation");
    for (number, target) in targets.iter().enumerate() {
        let guess = &crawl.items[number % crawl.items.len()];
        let copy = format!("{own}copy-{number}.ics");
        crawl.look("COPY", target, &[("destination", &copy)], "");
        let body = simple(&format!("canary-u-{}@example.org", guess.number), "plain");
        if number % 5 == 0 {
            // Who guesses a UID and puts it somewhere has said it himself.
            crawl.said.extend(words(&body));
            crawl.look("PUT", &format!("{own}guess-{number}.ics"), &[prefer], &body);
        }
        if crawl.person.create {
            // What he wrote would be there for others to meet.
            continue;
        }
        let body = simple(&format!("plain-{}-{number}", crawl.person.name), "plain");
        crawl.look("PUT", target, &[prefer], &body);
        crawl.look("PUT", target, &[prefer, ("if-match", "\"x\"")], &body);
        crawl.look("PUT", target, &[("if-none-match", "*")], "BEGIN:VCALENDAR\r\nbroken");
        crawl.look("MOVE", target, &[("destination", &copy), ("overwrite", "T")], "");
        crawl.look("DELETE", target, &[], "");
        crawl.look("COPY", &copy, &[("destination", target), ("overwrite", "F")], "");
        crawl.look(
            "PROPPATCH",
            target,
            &[],
            &format!("<D:propertyupdate {NAMESPACES}><D:set><D:prop><D:getetag>1</D:getetag></D:prop></D:set></D:propertyupdate>"),
        );
    }
    for target in [calendar.as_str(), "/dav/calendars/alice/", "/dav/calendars/alice/canary-only-diary/", "/dav/principals/users/alice/"] {
        let acl = format!(
            "<D:acl {NAMESPACES}><D:ace><D:principal><D:href>/dav/principals/users/{}/</D:href></D:principal><D:grant><D:privilege><D:read/></D:privilege></D:grant></D:ace></D:acl>",
            crawl.person.name
        );
        crawl.look("ACL", target, &[], &acl);
        for method in ["MKCALENDAR", "MKCOL", "LOCK", "POST"] {
            crawl.look(method, target, &[], "");
        }
        let body = if crawl.person.create { "rubbish".to_owned() } else { simple("plain-posted", "plain") };
        crawl.look("POST", &format!("{target};add-member"), &[prefer], &body);
        for method in ["COPY", "MOVE"] {
            crawl.look(method, target, &[("destination", &format!("/dav/calendars/{}/taken/", crawl.person.name))], "");
        }
    }
}

/// Lets one person look everywhere; what he met, how often he asked, and what he should not have met.
fn crawl_as(world: &World, person: Person, items: &[Item]) -> (BTreeSet<String>, usize) {
    let mut crawl = Crawl::new(world, person, items);
    if !person.is_owner() {
        let mount = cast::mount(world, &person);
        write_as_he_may(&mut crawl, mount.as_deref());
    }
    for start in [
        "/",
        "/dav/",
        "/principals/",
        "/dav/principals/users/alice/",
        "/dav/principals/groups/team/",
        "/dav/principals/groups/staff/",
        "/dav/freebusy/alice?start=20261101T000000Z&period=P90D",
    ] {
        crawl.follow(start);
    }
    crawl.crawl();
    let calendar = format!("/dav/calendars/{WORK}/");
    let mut guesses =
        vec![calendar, "/dav/calendars/alice/".to_owned(), "/dav/calendars/alice/canary-only-diary/canary-only-entry.ics".to_owned()];
    guesses.extend(
        ["/dav/calendars/alice/canary-only-diary/", "/dav/calendars/alice/canary-only-box/", "/dav/calendars/alice/default/"]
            .map(str::to_owned),
    );
    guesses.push("/dav/calendars/alice/canary-only-box/canary-only-file.txt".to_owned());
    guesses.extend(items.iter().step_by(13).map(Item::path));
    for guess in guesses {
        for variant in variants(&guess) {
            crawl.glance(&variant);
        }
    }
    crawl.crawl();
    crawl.programs();
    assert_eq!(crawl.leaks, BTreeMap::new(), "{}", person.name);
    (crawl.met, crawl.requests)
}

#[test]
pub fn nobody_meets_a_word_that_is_not_for_him() {
    let items = cast::items(1, 1, OBJECTS);
    let world = cast::world_with(&items);
    furnish(&world);
    let alarms = settle_in(&world, &items);
    let mut requests = 0;
    let mut met = BTreeMap::new();
    for person in PEOPLE.iter().rev() {
        let (words, asked) = crawl_as(&world, *person, &items);
        requests += asked;
        println!("{} met {} words in {asked} answers", person.name, words.len());
        met.insert(person.name, words);
    }
    println!("{} people asked for {OBJECTS} objects and more {requests} times; {alarms} alarms of their own", PEOPLE.len());
    let number = |name: &str, start: &str| met[name].iter().filter(|word| word.starts_with(start)).count();
    // The words are there to be met: whoever may, meets them.
    assert!(number("alice", "canary-c") > 150 && number("alice", "canary-only") >= 12, "{:?}", met["alice"]);
    assert!(number("details", "canary-c") > 60 && number("details", "canary-p") == 5, "{:?}", met["details"]);
    assert!(number("delegate", "canary-c") > number("edit", "canary-c"));
    assert!(number("titles", "title") >= 15 && number("titles", "canary-c") == 0 && number("busy", "title") == 0);
    assert!(number("places", "canary-c") > 0, "places stand in titles only where they may");
    for person in PEOPLE.iter().skip(1) {
        assert!(number(person.name, "canary-own") == 1, "{}: his own", person.name);
    }
    assert!(requests > 12_000 && alarms > 8, "{requests} requests, {alarms} alarms");
    assert_eq!(world.faults(), Vec::<String>::new());
}

#[test]
fn a_calendar_for_everyone_shows_a_stranger_its_titles_and_no_more() {
    let items = cast::items(2, 500, 12);
    let mut world = cast::world_with(&items);
    world.grant(GrantEntry { calendar: WORK.into(), everyone: Some(true), level: Some(acl::Level::Titles), ..GrantEntry::default() });
    furnish(&world);
    let stranger = Person { standard: Visibility::Title, private: Visibility::FreeBusy, ..PEOPLE[12] };
    let (met, requests) = crawl_as(&world, stranger, &items);
    assert!(requests > 1_000 && met.iter().any(|word| word.starts_with("title")), "{requests} {met:?}");
    let (met, _) = crawl_as(&world, PEOPLE[11], &items);
    assert_eq!(met.len(), 0, "one whose share is paused has no other: {met:?}");
}

/// The oracle itself: told of a word in the wrong hands, it says so, and of one in the right hands, it does not.
#[test]
fn a_word_in_the_wrong_hands_is_seen() {
    let mut items = cast::items(4, 1, 60);
    items.retain(|item| item.model.overrides.is_empty());
    let class = |item: &&Item, class: Option<&str>| item.model.master.class == class && item.model.master.secrets.len() > 1;
    let standard = items.iter().find(|item| class(item, None) && item.model.master.secrets[0] != cast::ALARM).unwrap().number;
    let private = items.iter().find(|item| class(item, Some("PRIVATE"))).unwrap().number;
    let alarmed = items.iter().find(|item| item.model.master.secrets.contains(&cast::ALARM)).unwrap();
    let place = alarmed.model.master.secrets.iter().position(|secret| *secret == cast::ALARM).unwrap();
    let alarm = format!("canary-c0-{place}-{}", alarmed.number);
    let may = |name: &str, word: &str| {
        let person = PEOPLE.iter().find(|person| person.name == name).unwrap();
        let found = words(&format!("<x>BEGIN:VEVENT\r\nX-Some-{}\r\n {}:1</x>", &word[..4].to_uppercase(), &word[4..]));
        assert_eq!(found, BTreeSet::from([word.to_owned()]), "folded, and in capitals");
        forbidden(person, word, &items).is_none()
    };
    for (word, those_who_may) in [
        (format!("title-c0-{standard}"), vec!["alice", "titles", "details", "discreet", "edit", "delegate"]),
        (format!("title-c0-{private}"), vec!["alice", "delegate"]),
        (format!("canary-c0-0-{standard}"), vec!["alice", "details", "discreet", "edit", "delegate"]),
        (format!("canary-c0-1-{private}"), vec!["alice", "delegate"]),
        (format!("canary-f-{private}"), vec!["alice", "delegate"]),
        (format!("canary-u-{standard}"), vec!["alice", "details", "discreet", "edit", "delegate"]),
        (alarm, vec!["alice"]),
        ("canary-own-titles".to_owned(), vec!["titles"]),
        ("canary-only-order".to_owned(), vec!["alice"]),
        ("canary-p-name".to_owned(), vec!["alice", "details", "discreet", "edit", "delegate"]),
        ("canary-never-said".to_owned(), vec![]),
    ] {
        for name in ["alice", "busy", "titles", "details", "discreet", "edit", "delegate", "stranger"] {
            assert_eq!(may(name, &word), those_who_may.contains(&name), "{name} {word}");
        }
    }
}
