//! Whatever way a viewer asks, he is told the same: GET, multiget, query, sync, PROPFIND and export agree on every generated
//! object; what the server filters and expands is what he could filter and expand himself; who sees less sees a part of what
//! others see; and free/busy is what his own list says.

use crate::harness::cast::{self, Item, PEOPLE, Person};
use crate::harness::client::{NAMESPACES, elements, inner};
use crate::harness::{Client, World};
use acl::level::GrantPrivateEvents;
use acl::testing::OWNER_ADDRESS;
use acl::{Level, Visibility};
use chrono::{DateTime, Utc};
use ical::free_busy::{BusyPeriod, BusyType, coalesce};
use ical::{CalendarObject, Component, ExpansionLimits, Instance, ParseLimits, TimeRange, Zone, recurrence};
use std::collections::{BTreeMap, BTreeSet};
use storage::administration::GrantEntry;

const CALENDAR: &str = "/dav/calendars/alice/canary-k-work/";
const WINDOWS: [(&str, &str); 6] = [
    ("20261101T000000Z", "20270601T000000Z"),
    ("20261110T120000Z", "20261111T000000Z"),
    ("20261225T000000Z", "20270101T000000Z"),
    ("20270214T070000Z", "20270214T070100Z"),
    ("20270325T000000Z", "20270402T000000Z"),
    ("20280101T000000Z", "20280201T000000Z"),
];

type Bodies = BTreeMap<String, String>;

fn parse(text: &str) -> CalendarObject {
    CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn element(xml: &str) -> webdav::xml::Element {
    webdav::xml::read::parse(xml.as_bytes(), &webdav::Limits::default()).unwrap()
}

fn query(client: &Client, path: &str, data: &str, filter: &str) -> crate::harness::Answer {
    let body = format!(
        "<C:calendar-query {NAMESPACES}><D:prop><D:getetag/><C:calendar-data>{data}</C:calendar-data></D:prop>\
         <C:filter><C:comp-filter name=\"VCALENDAR\">{filter}</C:comp-filter></C:filter></C:calendar-query>"
    );
    client.send("REPORT", path, &[("depth", "1")], &body)
}

/// The texts of the components that are no time zones, in any order.
fn component_texts(text: &str) -> Vec<String> {
    let object = parse(text);
    let pieces = object.components().map(|component| object.text()[component.span.clone()].trim_end().to_owned());
    pieces.collect()
}

/// Everything that says what an object is says what GET says. Returns the bodies.
pub fn all_channels(world: &World, person: &Person, path: &str) -> Bodies {
    let client = world.client(person.name);
    let listed = client.propfind(path, "1", "<D:getetag/><D:getcontentlength/><D:getcontenttype/>").multistatus();
    let mut bodies = Bodies::new();
    let mut tags = BTreeMap::new();
    for (href, member) in listed.iter().filter(|(href, _)| *href != path) {
        let got = client.get(href);
        assert_eq!(got.status, 200, "{href}");
        let head = client.send("HEAD", href, &[], "");
        assert_eq!((head.status, &head.headers, head.body.as_str()), (200, &got.headers, ""));
        let header = |name| got.header(name).unwrap();
        assert_eq!(header("etag"), member.properties["getetag"]);
        assert_eq!(header("content-length"), member.properties["getcontentlength"]);
        assert_eq!(header("content-length"), got.body.len().to_string());
        assert_eq!(header("content-type"), member.properties["getcontenttype"]);
        let alone = client.propfind(href, "0", "<D:getetag/><D:getcontentlength/><D:getcontenttype/>").multistatus();
        assert_eq!(alone.get(href), Some(member));
        assert_eq!(client.send("GET", href, &[("if-none-match", header("etag"))], "").status, 304);
        tags.insert(href.clone(), header("etag").to_owned());
        bodies.insert(href.clone(), got.body);
    }
    let hrefs: Vec<String> = bodies.keys().cloned().collect();
    let told = |answer: &crate::harness::Answer, what: &str| {
        // In the order of the shown names, which says nothing of when or in what order things were made.
        let order: Vec<String> = elements(&answer.body, "response").iter().map(|response| inner(response, "href").unwrap()).collect();
        assert_eq!(order, hrefs, "{} {what}", person.name);
        let etags: BTreeMap<String, String> =
            answer.multistatus().into_iter().map(|(href, m)| (href, m.properties["getetag"].clone())).collect();
        assert_eq!(client.data(answer), bodies, "{} {what}", person.name);
        assert_eq!(etags, tags, "{} {what}", person.name);
    };
    if !hrefs.is_empty() {
        told(&client.multiget(path, &hrefs), "multiget");
        let home = format!("/dav/calendars/{}/", person.name);
        if path.starts_with(&home) {
            told(&client.multiget(&home, &hrefs), "multiget at home");
        }
    }
    told(&query(&client, path, "", ""), "query");
    other_forms(&client, path, &bodies);
    let sync = format!(
        "<D:sync-collection {NAMESPACES}><D:sync-token/><D:sync-level>1</D:sync-level><D:prop><D:getetag/><C:calendar-data/></D:prop></D:sync-collection>"
    );
    let sync = client.send("REPORT", path, &[("depth", "0")], &sync);
    told(&sync, "sync");
    assert_eq!(inner(&sync.body, "sync-token"), Some(client.sync_token(path)));
    let export = client.get(path);
    assert_eq!((export.status, export.header("content-type")), (200, Some("text/calendar; charset=utf-8")));
    let mut expected: Vec<String> = bodies.values().flat_map(|text| component_texts(text)).collect();
    let limits = ParseLimits { bytes_max: 1 << 24, ..ParseLimits::default() };
    let stream = ical::split::CalendarStream::parse(export.body.as_bytes(), &limits).unwrap();
    let mut exported: Vec<String> = stream.parts(&limits).flat_map(|part| component_texts(part.object.unwrap().text())).collect();
    expected.sort();
    exported.sort();
    assert_eq!(exported, expected, "{} export", person.name);
    bodies
}

/// The same objects without the definitions of known zones, and with one of every zone: as anybody could make them of the
/// bodies, by GET and by report alike.
fn other_forms(client: &Client, path: &str, bodies: &Bodies) {
    for (word, form) in [
        ("T", ical::zone_definitions::with_every_zone as fn(&CalendarObject) -> std::borrow::Cow<'_, str>),
        ("F", ical::zone_definitions::without_standard_zones),
    ] {
        let expected: Bodies = bodies.iter().map(|(href, text)| (href.clone(), form(&parse(text)).into_owned())).collect();
        let body = format!(
            "<C:calendar-query {NAMESPACES}><D:prop><C:calendar-data/></D:prop><C:filter><C:comp-filter name=\"VCALENDAR\"/></C:filter></C:calendar-query>"
        );
        let answer = client.send("REPORT", path, &[("depth", "1"), ("caldav-timezones", word)], &body);
        assert_eq!(client.data(&answer), expected, "{} {word}", client.user);
        for (href, text) in &expected {
            let got = client.send("GET", href, &[("caldav-timezones", word)], "");
            assert_eq!(got.body, *text, "{} {word} {href}", client.user);
        }
    }
}

/// What the server filters, expands and cuts is what anybody could from the bodies.
fn asked_and_done_alone(client: &Client, path: &str, bodies: &Bodies) -> usize {
    let limits = ExpansionLimits::default();
    let objects: BTreeMap<&String, CalendarObject> = bodies.iter().map(|(href, text)| (href, parse(text))).collect();
    let mut compared = 0;
    for (start, end) in WINDOWS {
        let window = format!("start=\"{start}\" end=\"{end}\"");
        for (kind, data) in
            [("VEVENT", "expand"), ("VTODO", "limit-recurrence-set"), ("VJOURNAL", "expand"), ("VEVENT", "limit-recurrence-set")]
        {
            let inside = format!("<C:comp-filter name=\"{kind}\"><C:time-range {window}/></C:comp-filter>");
            let filter = format!("<C:filter {NAMESPACES}><C:comp-filter name=\"VCALENDAR\">{inside}</C:comp-filter></C:filter>");
            let filter = webdav::filter::read::filter(&element(&filter)).unwrap();
            let data = format!("<C:{data} {window}/>");
            let cut =
                webdav::calendar_data::CalendarData::read(&element(&format!("<C:calendar-data {NAMESPACES}>{data}</C:calendar-data>")), 20)
                    .unwrap();
            let mut expected = Bodies::new();
            let mut found = BTreeSet::new();
            for (href, object) in &objects {
                if webdav::filter::Evaluation::new(object, &Zone::utc(), &limits).matches(&filter).unwrap() {
                    found.insert((*href).clone());
                    expected.extend(cut.of(object, &Zone::utc(), &limits).map(|text| ((*href).clone(), text.into_owned())));
                }
            }
            let answer = query(client, path, &data, &inside);
            assert_eq!(answer.multistatus().into_keys().collect::<BTreeSet<_>>(), found, "{} {inside}", client.user);
            assert_eq!(client.data(&answer), expected, "{} {data}", client.user);
            compared += objects.len();
        }
    }
    compared
}

fn window(index: usize) -> TimeRange {
    let time = |text: &str| Some(chrono::NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ").unwrap().and_utc());
    TimeRange { start: time(WINDOWS[index].0), end: time(WINDOWS[index].1) }
}

fn says(component: &Component, name: &str, value: &str) -> bool {
    component.lines_named(name).any(|line| line.value.trim().eq_ignore_ascii_case(value))
}

/// Every instance of events in a window: start, end, and how busy it makes by what is said of it.
fn instances(bodies: &Bodies, window: &TimeRange) -> Vec<(DateTime<Utc>, DateTime<Utc>, Option<BusyType>)> {
    let busy = |instance: &Instance<'_>| {
        let component = instance.component;
        let declined = component
            .lines_named("ATTENDEE")
            .any(|line| line.parameter("PARTSTAT") == Some("DECLINED") && line.value.to_lowercase() == format!("mailto:{OWNER_ADDRESS}"));
        let free = declined || says(component, "TRANSP", "TRANSPARENT") || says(component, "STATUS", "CANCELLED");
        let busy_type = if says(component, "STATUS", "TENTATIVE") { BusyType::Tentative } else { BusyType::Busy };
        (!free && instance.start_utc < instance.end_utc).then_some(busy_type)
    };
    let mut all = Vec::new();
    for text in bodies.values().filter(|text| text.to_ascii_uppercase().contains("BEGIN:VEVENT")) {
        let object = parse(text);
        for instance in recurrence::instances(&object, window, &Zone::utc(), &ExpansionLimits::default()).unwrap() {
            all.push((instance.start_utc.unwrap(), instance.end_utc.unwrap(), busy(&instance)));
        }
    }
    all.sort();
    all
}

/// The lines of a free/busy report that say when.
fn free_busy(client: &Client, path: &str, index: usize) -> BTreeSet<(String, String)> {
    told(&client.free_busy(path, WINDOWS[index].0, WINDOWS[index].1))
}

/// The same by a person's free/busy URL.
fn free_busy_by_url(client: &Client, user: &str, index: usize) -> BTreeSet<(String, String)> {
    told(&client.get(&format!("/dav/freebusy/{user}?start={}&end={}", WINDOWS[index].0, WINDOWS[index].1)))
}

fn told(answer: &crate::harness::Answer) -> BTreeSet<(String, String)> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let lines = answer.body.replace("\r\n ", "");
    let periods = lines.lines().filter_map(|line| line.strip_prefix("FREEBUSY")).flat_map(|line| {
        let (head, values) = line.split_once(':').unwrap();
        let kind = head.strip_prefix(";FBTYPE=").unwrap_or("BUSY").to_owned();
        values.split(',').map(move |value| (kind.clone(), value.to_owned())).collect::<Vec<_>>()
    });
    periods.collect()
}

/// The same from one's own list.
fn list_as_free_busy(bodies: &Bodies, index: usize) -> BTreeSet<(String, String)> {
    let window = window(index);
    let (first, last) = (window.start.unwrap(), window.end.unwrap());
    let clipped = instances(bodies, &window).into_iter().filter_map(|(start, end, busy_type)| {
        let period = BusyPeriod { start: start.max(first), end: end.min(last), busy_type: busy_type? };
        (period.start < period.end).then_some(period)
    });
    let utc = |time: DateTime<Utc>| time.format("%Y%m%dT%H%M%SZ").to_string();
    let periods = coalesce(clipped.collect()).into_iter().map(|period| {
        let kind = if period.busy_type == BusyType::Tentative { "BUSY-TENTATIVE" } else { "BUSY" };
        (kind.to_owned(), format!("{}/{}", utc(period.start), utc(period.end)))
    });
    periods.collect()
}

/// Whether every instance of the smaller list stands in the larger.
fn is_part(smaller: &Bodies, larger: &Bodies) -> usize {
    let times = |bodies: &Bodies| instances(bodies, &window(0)).into_iter().map(|(start, end, _)| (start, end)).collect::<Vec<_>>();
    let (small, mut large) = (times(smaller), times(larger));
    for time in &small {
        let at = large.iter().position(|other| other == time).unwrap_or_else(|| panic!("{time:?} stands in the smaller list alone"));
        large.swap_remove(at);
    }
    small.len()
}

#[test]
pub fn every_channel_says_the_same_of_every_object_to_every_viewer() {
    let items: Vec<Item> = cast::items(11, 1, 40);
    let world = cast::world_with(&items);
    let (mut objects, mut asked, mut part, mut periods) = (0, 0, 0, 0);
    let mut lists: BTreeMap<&str, Bodies> = BTreeMap::new();
    for person in PEOPLE.iter().filter(|person| person.reaches()) {
        let client = world.client(person.name);
        let bodies = all_channels(&world, person, CALENDAR);
        objects += bodies.len();
        if ["busy", "places", "discreet", "edit", "alice"].contains(&person.name) {
            asked += asked_and_done_alone(&client, CALENDAR, &bodies);
        }
        let mount = cast::mount(&world, person).unwrap();
        if mount != CALENDAR && ["titles", "edit-delete"].contains(&person.name) {
            let mounted = all_channels(&world, person, &mount);
            let named = |bodies: &Bodies| {
                bodies.iter().map(|(href, body)| (href.rsplit('/').next().unwrap().to_owned(), body.clone())).collect::<Bodies>()
            };
            assert_eq!(named(&mounted), named(&bodies), "{}", person.name);
        }
        for index in 0..WINDOWS.len() {
            let report = free_busy(&client, CALENDAR, index);
            assert_eq!(report, list_as_free_busy(&bodies, index), "{}: free/busy of window {index}", person.name);
            assert_eq!(report, free_busy(&client, &mount, index));
            if !person.is_owner() {
                // It is the one calendar of alice's that anybody else has.
                assert_eq!(report, free_busy_by_url(&client, "alice", index), "{}: by URL", person.name);
            }
            if person.private >= Visibility::FreeBusy {
                assert_eq!(report, free_busy(&world.client("busy"), CALENDAR, index), "{}: as at every level", person.name);
            }
            periods += report.len();
        }
        lists.insert(person.name, bodies);
    }
    for (smaller, larger) in [
        ("busy", "titles"),
        ("titles", "places"),
        ("places", "details"),
        ("details", "edit"),
        ("edit", "delegate"),
        ("discreet", "details"),
        ("delegate", "alice"),
    ] {
        part += is_part(&lists[smaller], &lists[larger]);
    }
    assert_eq!(lists["titles"].keys().collect::<Vec<_>>(), lists["places"].keys().collect::<Vec<_>>());
    assert_eq!(lists["assign"], lists["busy"], "the same bytes under the same names at one level");
    assert_eq!(lists["member"], lists["details"]);
    println!(
        "{objects} objects by {} viewers through nine channels; {asked} filtered and expanded; {part} instances in larger lists; {periods} busy periods",
        lists.len()
    );
    assert!(objects > 250 && asked > 2_500 && part > 800 && periods > 200, "{objects} {asked} {part} {periods}");
}

/// Availability, stored in the calendar or set on its owner's home, makes her busy alike to everyone who may know that she is;
/// to whom it is hidden by its privacy, it is nowhere.
#[test]
pub fn availability_says_the_same_at_every_level() {
    let items: Vec<Item> = cast::items(12, 1, 15);
    let world = cast::world_with(&items);
    let alice = world.client("alice");
    let hours = |uid: &str, class: &str, from: &str| {
        format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VAVAILABILITY\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\n{class}\
             DTSTART:{from}\r\nBEGIN:AVAILABLE\r\nUID:{uid}-part\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:20261101T080000Z\r\nDURATION:PT9H\r\n\
             RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR\r\nEND:AVAILABLE\r\nEND:VAVAILABILITY\r\nEND:VCALENDAR\r\n"
        )
    };
    let reaching = || PEOPLE.iter().filter(|person| person.reaches());
    let all = |hidden: bool| {
        let mut told = BTreeMap::new();
        for person in reaching().filter(|person| (person.private < Visibility::FreeBusy) == hidden) {
            let client = world.client(person.name);
            let url = if person.is_owner() { None } else { Some(()) };
            for index in 0..WINDOWS.len() {
                let report = free_busy(&client, CALENDAR, index);
                if url.is_some() {
                    assert_eq!(report, free_busy_by_url(&client, "alice", index), "{}", person.name);
                }
                assert_eq!(*told.entry(index).or_insert_with(|| report.clone()), report, "{} {index}", person.name);
            }
        }
        told
    };
    let (before, hidden_before) = (all(false), all(true));
    assert_eq!(alice.put(&format!("{CALENDAR}hours.ics"), &hours("one", "", "20261101T000000Z")).status, 201);
    let (open, hidden_open) = (all(false), all(true));
    let unavailable =
        |told: &BTreeMap<usize, BTreeSet<(String, String)>>| told.values().flatten().filter(|(kind, _)| kind == "BUSY-UNAVAILABLE").count();
    assert!(unavailable(&before) == 0 && unavailable(&open) > 100 && unavailable(&hidden_open) > 100);
    assert_eq!(alice.delete(&format!("{CALENDAR}hours.ics")).status, 204);
    assert_eq!((all(false), all(true)), (before, hidden_before.clone()));
    // Private, it is no one's whose share hides what is private.
    assert_eq!(alice.put(&format!("{CALENDAR}secret.ics"), &hours("two", "CLASS:PRIVATE\r\n", "20261101T000000Z")).status, 201);
    assert_eq!((unavailable(&all(false)), all(true)), (unavailable(&open), hidden_before));
}

/// Who may put private events into a calendar that hides private events from him sees his own: they are busy time to him too.
#[test]
fn what_one_made_oneself_counts_in_ones_own_free_busy() {
    let mut world = World::new().user("alice").user("bob").calendar("alice/work");
    let hidden = Some(GrantPrivateEvents::Hidden);
    let grant = GrantEntry {
        calendar: "alice/work".into(),
        user: Some("bob".into()),
        level: Some(Level::Edit),
        private_events: hidden,
        ..GrantEntry::default()
    };
    world.grant(grant);
    let bob = world.client("bob");
    let path = "/dav/calendars/alice/work/";
    let body = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:one\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:20261110T130000Z\r\nDTEND:20261110T140000Z\r\nCLASS:PRIVATE\r\nSUMMARY:Gift\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    assert_eq!(bob.put(&format!("{path}one.ics"), body).status, 201);
    let bodies: Bodies = bob.members(path).into_iter().map(|href| (href.clone(), bob.get(&href).body)).collect();
    assert_eq!(bodies.len(), 1);
    for index in 0..WINDOWS.len() {
        assert_eq!(free_busy(&bob, path, index), list_as_free_busy(&bodies, index), "window {index}");
    }
}

/// Of two moved instances without their series one is private: to whom that is hidden the other is all there is, an event that takes
/// place once, and it counts. It was left out when times were first told without looking at the event.
#[test]
fn of_two_instances_the_one_that_is_shown_counts() {
    let mut world = World::new().user("alice").user("bob").calendar("alice/work");
    world.grant(GrantEntry {
        calendar: "alice/work".into(),
        user: Some("bob".into()),
        level: Some(Level::Details),
        private_events: Some(GrantPrivateEvents::Hidden),
        ..GrantEntry::default()
    });
    let instance = |day: u32, class: &str| {
        format!(
            "BEGIN:VEVENT\r\nUID:two\r\nDTSTAMP:20261101T000000Z\r\nRECURRENCE-ID:202611{day}T090000Z\r\nDTSTART:202611{day}T130000Z\r\n\
             DTEND:202611{day}T140000Z\r\n{class}SUMMARY:Move\r\nEND:VEVENT\r\n"
        )
    };
    let both = [instance(12, "CLASS:PRIVATE\r\n"), instance(13, "")].concat();
    let body = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n{both}END:VCALENDAR\r\n");
    let path = "/dav/calendars/alice/work/";
    assert_eq!(world.client("alice").put(&format!("{path}two.ics"), &body).status, 201);
    for (name, periods) in [("alice", 2), ("bob", 1)] {
        let client = world.client(name);
        let bodies: Bodies = client.members(path).into_iter().map(|href| (href.clone(), client.get(&href).body)).collect();
        assert_eq!(bodies.len(), 1);
        for index in 0..WINDOWS.len() {
            assert_eq!(free_busy(&client, path, index), list_as_free_busy(&bodies, index), "{name}: window {index}");
        }
        assert_eq!(free_busy(&client, path, 0).len(), periods, "{name}");
    }
}
