//! tsdav, the library in which scheduling services and web calendars speak CalDAV. It follows no redirect by itself, takes a
//! home that is one string, knows no privileges, and calls an event only what ends with `.ics`.

use super::answer::{condition, multistatus};
use super::device::{Account, Item, May, Program};
use super::stage::{PEOPLE, WORK, event, shared};
use crate::harness::{Answer, Front, Wire, World};
use acl::Level;

pub struct Tsdav {
    account: Account,
}

const STANDING: [(&str, &str); 2] = [("user-agent", "node"), ("accept", "*/*")];
const XML_TYPE: (&str, &str) = ("content-type", "text/xml;charset=UTF-8");
const DECLARED: &str = "xmlns:c=\"urn:ietf:params:xml:ns:caldav\" xmlns:cs=\"http://calendarserver.org/ns/\" xmlns:card=\"urn:ietf:params:xml:ns:carddav\" xmlns:d=\"DAV:\"";

fn propfind(properties: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><d:propfind {DECLARED} xmlns:ca=\"http://apple.com/ns/ical/\"><d:prop>{properties}</d:prop></d:propfind>"
    )
}

impl Tsdav {
    pub fn new(wire: Wire) -> Self {
        Self { account: Account::new(wire, &STANDING) }
    }

    /// What `createAccount` does.
    fn discover(&mut self) {
        let asked = propfind("<d:resourcetype/>");
        let mut roots = Vec::new();
        // With and without credentials, by two methods: each must lead on, or the typed address is taken for the root.
        for method in ["PROPFIND", "GET"] {
            let body = if method == "GET" { "" } else { asked.as_str() };
            for answer in [
                self.account.ask(method, "/.well-known/caldav", &[XML_TYPE], body),
                self.account.ask_unknown(method, "/.well-known/caldav", &[XML_TYPE], body),
            ] {
                assert!((300..400).contains(&answer.status));
                roots.push(answer.header("location").expect("a way on").to_owned());
            }
        }
        roots.dedup();
        assert_eq!(roots.len(), 1);
        let root = self.account.properties(&roots[0], "0", &[], &propfind("<d:current-user-principal/>"));
        self.account.principal = root.first().hrefs("D:current-user-principal").remove(0);
        let principal = self.account.principal.clone();
        let found = self.account.properties(&principal, "0", &[], &propfind("<c:calendar-home-set/>"));
        let homes = found.first().hrefs("C:calendar-home-set");
        assert_eq!((homes.len(), found.first().href.as_str()), (1, principal.as_str()), "the home is one string, and of whom was asked");
        self.account.home = homes[0].clone();
    }

    /// `fetchCalendars`: with the reports of each, one by one.
    fn list(&mut self) {
        let home = self.account.home.clone();
        let asked = propfind(
            "<c:calendar-description/><c:calendar-timezone/><d:displayname/><ca:calendar-color/><cs:getctag/><d:resourcetype/>\
             <c:supported-calendar-component-set/><d:sync-token/>",
        );
        let listing = self.account.properties(&home, "1", &[], &asked);
        self.account.take_calendars(&listing, |_| May::ALL);
        for calendar in self.account.shelves.keys().cloned().collect::<Vec<_>>() {
            let reports = self.account.properties(&calendar, "0", &[], &propfind("<d:supported-report-set/>"));
            assert!(reports.first().element("D:supported-report-set").expect("reports").to_xml().contains("sync-collection"));
        }
    }

    /// `smartCollectionSync`, begun anew by the application when its token is refused.
    fn by_tokens(&mut self, calendar: &str) {
        for _ in 0..2 {
            let state = self.account.shelf(calendar).state.clone();
            let asked = format!(
                "<?xml version=\"1.0\" encoding=\"utf-8\"?><d:sync-collection {DECLARED}><d:sync-level>1</d:sync-level><d:sync-token>{state}</d:sync-token>\
                 <d:prop><d:getetag/><c:calendar-data/><d:displayname/></d:prop></d:sync-collection>"
            );
            let answer = self.account.ask("REPORT", calendar, &[XML_TYPE], &asked);
            if answer.status == 403 {
                assert_eq!(condition(&answer).as_deref(), Some("valid-sync-token"));
                self.account.shelf_mut(calendar).state.clear();
                continue;
            }
            let told = multistatus(&asked, &answer);
            assert!(told.members.iter().all(|member| member.href.ends_with(".ics")), "what does not end so is no event");
            let fetch = match state.is_empty() {
                true => self.account.compare(calendar, &Account::tags(&told, calendar)),
                false => self.account.take_changes(calendar, &told),
            };
            self.fetch(calendar, &fetch);
            self.account.shelf_mut(calendar).state = told.sync_token.expect("a token");
            return;
        }
        panic!("the empty token is refused");
    }

    fn fetch(&mut self, calendar: &str, hrefs: &[String]) {
        let asked = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><c:calendar-multiget {DECLARED}><d:prop><d:getetag/><c:calendar-data/></d:prop>{{hrefs}}</c:calendar-multiget>"
        );
        self.account.multiget(calendar, hrefs, usize::MAX, &[("depth", "1"), XML_TYPE], &asked, "<d:href>{}</d:href>");
    }

    fn told(&mut self, answer: &Answer) {
        self.account.dialogs.push(format!("{} from the server", answer.status));
    }
}

impl Program for Tsdav {
    fn account(&self) -> &Account {
        &self.account
    }
    fn account_mut(&mut self) -> &mut Account {
        &mut self.account
    }
    fn set_up(&mut self) {
        self.discover();
        self.reopen();
    }

    /// `isCollectionDirty` by CTag, then the changes.
    fn refresh(&mut self) {
        for calendar in self.account.shelves.keys().cloned().collect::<Vec<_>>() {
            let asked = propfind("<cs:getctag/>");
            let answer = self.account.ask("PROPFIND", &calendar, &[("depth", "0"), XML_TYPE], &asked);
            if answer.status == 404 {
                self.told(&answer);
                continue;
            }
            let tag = multistatus(&asked, &answer).first().text("CS:getctag").expect("a CTag");
            if tag != self.account.shelf(&calendar).state {
                self.by_tokens(&calendar);
            }
        }
    }

    fn reopen(&mut self) {
        self.list();
        self.refresh();
    }

    fn save(&mut self, calendar: &str, href: &str, text: &str) {
        let known = self.account.shelf(calendar).items.get(href).map(|item| item.etag.clone());
        let condition = known.as_ref().map_or(("if-none-match", "*"), |etag| ("if-match", etag.as_str()));
        let answer = self.account.ask("PUT", href, &[("content-type", "text/calendar; charset=utf-8"), condition], text);
        if !matches!(answer.status, 201 | 204) {
            return self.told(&answer);
        }
        let etag = answer.header("etag").unwrap_or_default().to_owned();
        self.account.shelf_mut(calendar).items.insert(href.to_owned(), Item { etag, text: text.to_owned(), waiting: false });
    }

    fn remove(&mut self, calendar: &str, href: &str) {
        let etag = self.account.shelf(calendar).items[href].etag.clone();
        let answer = self.account.ask("DELETE", href, &[("if-match", &etag)], "");
        if answer.status != 204 {
            return self.told(&answer);
        }
        self.account.shelf_mut(calendar).items.remove(href);
    }
}

#[test]
fn however_many_share_with_somebody_he_has_one_home() {
    let people = ["alice", "bob", "carol", "dan"];
    let mut world = people.iter().fold(World::new(), |world, name| world.user(name).sign_in(name)).group("team", &["bob"]);
    for owner in ["alice", "carol", "dan"] {
        for calendar in ["work", "sport"] {
            world = world.calendar(&format!("{owner}/{calendar}")).share(&format!("{owner}/{calendar}"), "bob", Level::Titles);
        }
    }
    for grant in [
        storage::administration::GrantEntry { group: Some("team".into()), ..storage::administration::GrantEntry::default() },
        storage::administration::GrantEntry { everyone: Some(true), ..storage::administration::GrantEntry::default() },
    ] {
        world.grant(storage::administration::GrantEntry { calendar: "dan/default".into(), level: Some(Level::FreeBusy), ..grant });
    }
    let mut device = Tsdav::new(Front::new(&world).wire("bob"));
    device.set_up();
    let shelves = &device.account.shelves;
    assert_eq!(shelves.len(), 8, "his own, six by name, one by the group: {:?}", shelves.keys());
    assert!(shelves.keys().all(|href| href.starts_with("/dav/calendars/bob/")));
    let names: std::collections::BTreeSet<&String> = shelves.values().map(|shelf| &shelf.name).collect();
    assert_eq!(names.len(), 8, "each can be told from the others: {names:?}");
}

/// `fetchCalendarObjects` with a window and `expand`, as services that look for free time call it.
#[test]
fn instances_in_a_window_are_what_each_person_may_see_of_them() {
    let world = shared();
    let alice = world.client("alice");
    assert_eq!(
        alice.put(&format!("{WORK}plan.ics"), &event("plan", "Plan", 9, "RRULE:FREQ=DAILY;COUNT=3\r\nLOCATION:Attic\r\n")).status,
        201
    );
    assert_eq!(alice.put(&format!("{WORK}secret.ics"), &event("secret", "Secret", 10, "CLASS:PRIVATE\r\n")).status, 201);
    let front = Front::new(&world);
    for (user, level) in PEOPLE {
        let mut device = Tsdav::new(front.wire(user));
        device.set_up();
        let work = (&device as &dyn Program).work().unwrap();
        let window = "start=\"20261104T000000Z\" end=\"20261106T000000Z\"";
        let asked = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><c:calendar-query {DECLARED}><d:prop><d:getetag/><c:calendar-data><c:expand {window}/></c:calendar-data></d:prop>\
             <c:filter><c:comp-filter name=\"VCALENDAR\"><c:comp-filter name=\"VEVENT\"><c:time-range {window}/></c:comp-filter></c:comp-filter></c:filter></c:calendar-query>"
        );
        let answer = device.account.ask("REPORT", &work, &[("depth", "1"), XML_TYPE], &asked);
        let told = multistatus(&asked, &answer);
        let mut all: Vec<String> =
            told.members.iter().flat_map(|member| super::device::titles(&member.element("C:calendar-data").unwrap().text())).collect();
        all.sort();
        let expected = match level {
            None => ["Plan", "Plan", "Secret"],
            Some(Level::FreeBusy) => ["Busy", "Busy", "Busy"],
            Some(_) => ["Plan", "Plan", "Private event"],
        };
        assert_eq!(all, expected, "{user}");
        assert_eq!(answer.body.contains("Attic"), level.is_none_or(|level| level >= Level::Details), "{user}");
    }
}
