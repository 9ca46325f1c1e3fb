//! Thunderbird. It synchronises by sync-collection with `Depth: 1`, fetches a hundred events at a time and each event anew
//! after writing it. What it may do it asks at its start, and marks a calendar read-only without ever taking that back; a
//! calendar that answers anything but success is switched off until the next start. A refused change is a dialog, and nothing
//! changes on the screen.

use super::answer::{condition, multistatus};
use super::device::{Account, May, Program};
use super::stage::{WORK, event, shared};
use crate::harness::{Front, Wire};
use acl::Level;

pub struct Thunderbird {
    account: Account,
}

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const DECLARED: &str = "xmlns:D='DAV:' xmlns:CS='http://calendarserver.org/ns/' xmlns:C='urn:ietf:params:xml:ns:caldav'";
const STANDING: [(&str, &str); 3] = [
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.1.0"),
    ("accept", "text/xml"),
    ("accept-charset", "utf-8,*;q=0.1"),
];
const XML_TYPE: (&str, &str) = ("content-type", "text/xml; charset=utf-8");

fn propfind(properties: &str) -> String {
    format!("{XML}<D:propfind {DECLARED}><D:prop>{properties}</D:prop></D:propfind>")
}

impl Thunderbird {
    pub fn new(wire: Wire) -> Self {
        Self { account: Account::new(wire, &STANDING) }
    }

    fn discover(&mut self) {
        let asked = format!(
            "{XML}<D:propfind {DECLARED} xmlns:A='http://apple.com/ns/ical/'><D:prop><D:resourcetype/><D:owner/><D:displayname/><D:current-user-principal/>\
             <D:current-user-privilege-set/><A:calendar-color/><C:calendar-home-set/></D:prop></D:propfind>"
        );
        let headers = [("depth", "0"), XML_TYPE];
        let (_, start) = self.account.follow("PROPFIND", "/.well-known/caldav", &headers, &asked);
        let start = multistatus(&asked, &start);
        assert!(start.first().element("C:calendar-home-set").is_none(), "the root is nobody's principal");
        self.account.principal = start.first().hrefs("D:current-user-principal").remove(0);
        let principal = self.account.principal.clone();
        let found = self.account.properties(&principal, "0", &[], &asked);
        self.account.home = found.first().hrefs("C:calendar-home-set").remove(0);
        let (home, listed) = (self.account.home.clone(), asked.replace("<D:owner/>", "").replace("<C:calendar-home-set/>", ""));
        let listing = self.account.properties(&home, "1", &[], &listed);
        // Its code asks each response for the type without looking whether there is one.
        assert!(listing.members.iter().all(|member| member.element("D:resourcetype").is_some()));
        self.account.take_calendars(&listing, |_| May::ALL);
    }

    /// The start of one calendar.
    fn start(&mut self, calendar: &str) {
        let asked = propfind(
            "<D:resourcetype/><D:owner/><D:current-user-principal/><D:current-user-privilege-set/><D:supported-report-set/>\
             <C:supported-calendar-component-set/><CS:getctag/>",
        );
        let answer = self.account.ask("PROPFIND", calendar, &[("depth", "0"), XML_TYPE], &asked);
        self.account.shelf_mut(calendar).off = answer.status != 207;
        if answer.status != 207 {
            return;
        }
        let found = multistatus(&asked, &answer);
        assert!(found.first().has("D:resourcetype", "C:calendar"));
        assert!(found.first().element("D:supported-report-set").expect("reports").to_xml().contains("sync-collection"));
        let writes = ["write", "write-content", "bind", "all"];
        if found.first().privileges().is_some_and(|held| !writes.iter().any(|privilege| held.contains(*privilege))) {
            self.account.shelf_mut(calendar).may = May::LOOK;
        }
        let home = self.account.home.clone();
        let options = self.account.ask("OPTIONS", &home, &[], "");
        let classes = options.header("dav").expect("a DAV header");
        assert!(options.status == 200 && classes.contains("calendar-access"));
        // Without these it sends invitations itself.
        assert!(!classes.contains("calendar-schedule") && !classes.contains("calendar-auto-schedule"));
    }

    fn by_tokens(&mut self, calendar: &str) {
        for _ in 0..2 {
            let state = self.account.shelf(calendar).state.clone();
            let asked = format!(
                "{XML}<sync-collection xmlns=\"DAV:\"><sync-token>{state}</sync-token><sync-level>1</sync-level><prop><getcontenttype/><getetag/></prop></sync-collection>"
            );
            let answer = self.account.ask("REPORT", calendar, &[("depth", "1"), XML_TYPE], &asked);
            if answer.status == 404 {
                self.account.shelf_mut(calendar).off = true;
                return;
            }
            if answer.status != 207 {
                // Whatever it is, it begins anew.
                assert_eq!(condition(&answer).as_deref(), Some("valid-sync-token"));
                self.account.shelf_mut(calendar).state.clear();
                continue;
            }
            let told = multistatus(&asked, &answer);
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
        let asked =
            format!("{XML}<C:calendar-multiget {DECLARED}><D:prop><D:getetag/><C:calendar-data/></D:prop>{{hrefs}}</C:calendar-multiget>");
        self.account.multiget(calendar, hrefs, 100, &[("depth", "1"), XML_TYPE], &asked, "<D:href>{}</D:href>");
    }
}

impl Program for Thunderbird {
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

    fn refresh(&mut self) {
        let calendars: Vec<String> = self.account.shelves.iter().filter(|(_, shelf)| !shelf.off).map(|(href, _)| href.clone()).collect();
        for calendar in calendars {
            self.by_tokens(&calendar);
        }
    }

    fn reopen(&mut self) {
        let calendars: Vec<String> = self.account.shelves.keys().cloned().collect();
        for calendar in calendars {
            self.start(&calendar);
        }
        self.refresh();
    }

    fn save(&mut self, calendar: &str, href: &str, text: &str) {
        let etag = self.account.shelf(calendar).items.get(href).map(|item| item.etag.clone());
        let condition = etag.as_ref().map_or(("if-none-match", "*"), |etag| ("if-match", etag.as_str()));
        let answer = self.account.ask("PUT", href, &[("content-type", "text/calendar; charset=utf-8"), condition], text);
        match answer.status {
            200 | 201 | 204 => self.fetch(calendar, &[href.to_owned()]),
            // It asks whether to write over the other change, having asked the server whether there is one; the user says no.
            409 | 412 => {
                assert!(matches!(self.account.ask("HEAD", href, &[], "").status, 200 | 404));
                self.account.dialogs.push("the item was changed on the server".into());
            }
            status => self.account.dialogs.push(format!("MODIFICATION_FAILED {status}")),
        }
    }

    fn remove(&mut self, calendar: &str, href: &str) {
        let etag = self.account.shelf(calendar).items[href].etag.clone();
        let answer = self.account.ask("DELETE", href, &[("if-match", &etag)], "");
        match answer.status {
            200 | 204 | 404 => drop(self.account.shelf_mut(calendar).items.remove(href)),
            status => self.account.dialogs.push(format!("MODIFICATION_FAILED {status}")),
        }
    }
}

#[test]
fn wherever_it_looks_every_response_says_what_kind_of_thing_it_is() {
    let world = shared();
    let wire = Front::new(&world).wire("details");
    assert_eq!(world.client("alice").put(&format!("{WORK}review.ics"), &event("review", "Design review", 9, "")).status, 201);
    let asked = propfind("<D:resourcetype/><D:displayname/><D:current-user-privilege-set/>");
    for path in ["/", "/dav/", "/dav/principals/", "/dav/principals/users/", "/dav/calendars/", "/dav/calendars/details/", WORK] {
        for depth in ["0", "1"] {
            let told = multistatus(&asked, &wire.ask("PROPFIND", path, &[("depth", depth), XML_TYPE], &asked));
            for member in &told.members {
                assert!(member.element("D:resourcetype").is_some() && member.privileges().is_some(), "{path} {}", member.href);
            }
        }
    }
}

#[test]
fn once_read_only_it_stays_so_until_the_calendar_is_added_again() {
    let mut world = shared();
    let front = Front::new(&world);
    let mut old = Thunderbird::new(front.wire("details"));
    old.set_up();
    let grant = |level| storage::administration::GrantEntry {
        calendar: "alice/work".into(),
        user: Some("details".into()),
        level: Some(level),
        ..storage::administration::GrantEntry::default()
    };
    world.grant(grant(Level::Edit));
    old.reopen();
    let mut new = Thunderbird::new(front.wire("details"));
    new.set_up();
    let (old, new): (&dyn Program, &dyn Program) = (&old, &new);
    assert_eq!((old.may(), new.may()), (May::LOOK, May::ALL));
    assert_eq!(old.work(), new.work());
}

/// With synchronisation switched off in its settings: CTag, then all tags.
#[test]
fn without_tokens_it_lists_what_is_an_event_by_its_type() {
    let world = shared();
    assert_eq!(world.client("alice").put(&format!("{WORK}review.ics"), &event("review", "Design review", 9, "")).status, 201);
    let front = Front::new(&world);
    for (user, _) in super::stage::PEOPLE {
        let mut device = Thunderbird::new(front.wire(user));
        device.set_up();
        let device: &mut dyn Program = &mut device;
        let work = device.work().unwrap();
        let state = device.account_mut().properties(&work, "0", &[], &propfind("<CS:getctag/>"));
        assert!(state.first().text("CS:getctag").is_some());
        let listing = device.account_mut().properties(&work, "1", &[], &propfind("<D:getcontenttype/><D:resourcetype/><D:getetag/>"));
        let is_event =
            |member: &&super::answer::Member| member.text("D:getcontenttype").is_some_and(|kind| kind.starts_with("text/calendar"));
        let events: Vec<_> = listing.members.iter().filter(is_event).collect();
        assert_eq!((events.len(), listing.members.len()), (1, 2), "{user}: the collection has no such type");
        // Before it asks whether to write over another's change it looks whether there is one.
        let head = device.account_mut().ask("HEAD", &events[0].href, &[], "");
        assert_eq!((head.status, head.header("etag").map(str::to_owned)), (200, events[0].text("D:getetag")), "{user}");
    }
}
