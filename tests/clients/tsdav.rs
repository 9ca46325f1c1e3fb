//! tsdav, the library in which scheduling services and web calendars speak CalDAV. It follows no redirect by itself, takes a
//! home that is one string, knows no privileges, and calls an event only what ends with `.ics`.

use super::answer::{condition, multistatus};
use super::device::{Account, Item, May, Program};
use crate::harness::{Answer, Wire};

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
