//! KDE's DAV resource (Merkuro, KOrganizer). It lists the home at every refresh, with privileges, and goes by CTags alone:
//! where one moved it asks for the tags of events, tasks and journals, and fetches a hundred at a time. It remembers the tags
//! of what it has seen, also of what the user deleted: what comes back under the same tag it does not fetch.

use super::answer::{Member, multistatus};
use super::device::{Account, Item, May, Program};
use super::stage::{PEOPLE, WORK, event, shared};
use crate::harness::{Front, Wire};
use std::collections::BTreeMap;

pub struct Kde {
    account: Account,
    /// href to tag, of everything ever fetched that is still listed.
    seen: BTreeMap<String, String>,
}

const STANDING: [(&str, &str); 1] = [("user-agent", "Mozilla/5.0 (X11; Linux x86_64) KHTML/6.13.0 (like Gecko) Konqueror/6 KIO/6.13")];
const XML_TYPE: (&str, &str) = ("content-type", "text/xml");

fn propfind(properties: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<propfind xmlns=\"DAV:\"><prop xmlns:C=\"urn:ietf:params:xml:ns:caldav\" xmlns:CS=\"http://calendarserver.org/ns/\" \
         xmlns:A=\"http://apple.com/ns/ical/\" xmlns:P=\"https://bitfire.at/webdav-push\">{properties}</prop></propfind>\n"
    )
}

fn buttons(member: &Member) -> May {
    let Some(held) = member.privileges() else { return May::ALL };
    let all = held.contains("all") || held.contains("write");
    May { create: all || held.contains("bind"), edit: all || held.contains("write-content"), delete: all || held.contains("unbind") }
}

impl Kde {
    pub fn new(wire: Wire) -> Self {
        Self { account: Account::new(wire, &STANDING), seen: BTreeMap::new() }
    }

    fn list(&mut self) {
        let home = self.account.home.clone();
        let asked = propfind(
            "<displayname/><resourcetype/><A:calendar-color/><C:supported-calendar-component-set/><current-user-privilege-set/><CS:getctag/>\
             <P:transports/><P:topic/>",
        );
        let listing = self.account.properties(&home, "1", &[], &asked);
        self.account.take_calendars(&listing, buttons);
        // What goes with its calendar is forgotten with it.
        let shelves = &self.account.shelves;
        self.seen.retain(|href, _| shelves.keys().any(|calendar| href.starts_with(calendar.as_str())));
        for calendar in self.account.shelves.keys().cloned().collect::<Vec<_>>() {
            let tag = listing.member(&calendar).text("CS:getctag").expect("a CTag");
            if tag != self.account.shelf(&calendar).state {
                self.take(&calendar);
                self.account.shelf_mut(&calendar).state = tag;
            }
        }
    }

    fn take(&mut self, calendar: &str) {
        let mut listed = BTreeMap::new();
        for kind in ["VEVENT", "VTODO", "VJOURNAL"] {
            let asked = format!(
                "<?xml version=\"1.0\"?>\n<calendar-query xmlns=\"urn:ietf:params:xml:ns:caldav\"><prop xmlns=\"DAV:\"><getetag/><resourcetype/></prop>\
                 <filter xmlns=\"urn:ietf:params:xml:ns:caldav\"><comp-filter name=\"VCALENDAR\"><comp-filter name=\"{kind}\"/></comp-filter></filter></calendar-query>\n"
            );
            let answer = self.account.ask("REPORT", calendar, &[("depth", "1"), XML_TYPE], &asked);
            listed.extend(Account::tags(&multistatus(&asked, &answer), calendar));
        }
        self.account.compare(calendar, &listed);
        let fetch: Vec<String> =
            listed.iter().filter(|(href, etag)| self.seen.get(*href) != Some(etag)).map(|(href, _)| href.clone()).collect();
        self.seen.retain(|href, _| !href.starts_with(calendar) || listed.contains_key(href));
        let asked = "<?xml version=\"1.0\"?>\n<calendar-multiget xmlns=\"urn:ietf:params:xml:ns:caldav\"><prop xmlns=\"DAV:\"><getetag/>\
                     <calendar-data xmlns=\"urn:ietf:params:xml:ns:caldav\"/></prop>{hrefs}</calendar-multiget>\n";
        self.account.multiget(calendar, &fetch, 100, &[("depth", "1"), XML_TYPE], asked, "<href xmlns=\"DAV:\">{}</href>");
        self.seen.extend(listed);
    }

    /// What stands there now, asked for after every PUT.
    fn get(&mut self, calendar: &str, href: &str) {
        let answer = self.account.ask("GET", href, &[], "");
        assert_eq!(answer.status, 200);
        let etag = answer.header("etag").expect("GET has a tag").to_owned();
        self.seen.insert(href.to_owned(), etag.clone());
        self.account.shelf_mut(calendar).items.insert(href.to_owned(), Item { etag, text: answer.body, waiting: false });
    }
}

impl Program for Kde {
    fn account(&self) -> &Account {
        &self.account
    }
    fn account_mut(&mut self) -> &mut Account {
        &mut self.account
    }

    fn set_up(&mut self) {
        let asked = propfind("<C:calendar-home-set/><current-user-principal/><principal-URL/>");
        let start = self.account.properties("/", "0", &[], &asked);
        assert!(start.first().hrefs("C:calendar-home-set").is_empty());
        self.account.principal = start.first().hrefs("D:current-user-principal").remove(0);
        let principal = self.account.principal.clone();
        let found = self.account.properties(&principal, "0", &[], &asked);
        self.account.home = found.first().hrefs("C:calendar-home-set").remove(0);
        self.list();
    }

    fn refresh(&mut self) {
        self.list();
    }

    fn reopen(&mut self) {
        self.list();
    }

    fn save(&mut self, calendar: &str, href: &str, text: &str) {
        let known = self.account.shelf(calendar).items.get(href).map(|item| item.etag.clone());
        let condition = known.as_ref().map_or(("if-none-match", "*"), |etag| ("if-match", etag.as_str()));
        let answer = self.account.ask("PUT", href, &[("content-type", "text/calendar"), condition], text);
        match answer.status {
            201 | 204 => self.get(calendar, href),
            status => {
                // The change stays on the screen, under the tag that is known.
                let etag = known.unwrap_or_default();
                self.account.shelf_mut(calendar).items.insert(href.to_owned(), Item { etag, text: text.to_owned(), waiting: false });
                self.account.dialogs.push(format!("cannot store: {status}"));
            }
        }
    }

    fn remove(&mut self, calendar: &str, href: &str) {
        let item = self.account.shelf_mut(calendar).items.remove(href).expect("what the user deletes");
        let answer = self.account.ask("DELETE", href, &[("if-match", &item.etag)], "");
        match answer.status {
            200 | 204 | 404 | 410 => drop(self.seen.remove(href)),
            status => self.account.dialogs.push(format!("cannot delete: {status}")),
        }
    }
}

#[test]
fn what_a_calendar_does_not_take_it_has_none_of() {
    let mut world = shared();
    let only_events = Some(vec!["VEVENT".to_owned()]);
    world.set_calendar(storage::administration::CalendarEntry {
        owner: "alice".into(),
        name: "work".into(),
        components: only_events,
        ..storage::administration::CalendarEntry::default()
    });
    assert_eq!(world.client("alice").put(&format!("{WORK}review.ics"), &event("review", "Design review", 9, "")).status, 201);
    let front = Front::new(&world);
    for (user, level) in PEOPLE {
        let mut device = Kde::new(front.wire(user));
        // Three queries, two of them for what is not taken: an error would stop it.
        device.set_up();
        let device: &mut dyn Program = &mut device;
        let title = if level == Some(acl::Level::FreeBusy) { "Busy" } else { "Design review" };
        assert_eq!(device.screen(), [title], "{user}");
    }
}

#[test]
fn a_calendar_is_renamed_and_coloured_by_whoever_sees_it() {
    let world = shared();
    let front = Front::new(&world);
    for (user, _) in PEOPLE {
        let mut device = Kde::new(front.wire(user));
        device.set_up();
        let device: &mut dyn Program = &mut device;
        let work = device.work().unwrap();
        let body = "<?xml version=\"1.0\"?>\n<propertyupdate xmlns=\"DAV:\"><set><prop><displayname>Renamed</displayname><calendar-color \
                    xmlns=\"http://apple.com/ns/ical/\">#aa00ff80</calendar-color></prop></set></propertyupdate>\n";
        let answer = device.account_mut().ask("PROPPATCH", &work, &[XML_TYPE], body);
        assert!(answer.status == 207 && answer.body.contains("200 OK"), "{user}: {}", answer.body);
        device.refresh();
        assert_eq!(device.account().shelf(&work).name, "Renamed");
    }
}
