//! Outlook CalDav Synchronizer. It has a list of tags and compares it with what it had, in a window of time; it reads the
//! privileges one by one and honours them so; and it writes with the tag it knows, which in some versions is not the event's
//! but none. What the server refuses stands in its report, and the server's version is taken where both changed.

use super::answer::{Member, multistatus};
use super::device::{Account, Item, May, Program};
use super::stage::{WORK, event, shared};
use crate::harness::{Front, Wire};
use std::collections::BTreeMap;

pub struct Outlook {
    account: Account,
    /// Deletions the server refused, with the tag each was sent with: while that tag stands they are sent again.
    deletions: BTreeMap<String, String>,
}

const STANDING: [(&str, &str); 1] = [("user-agent", "CalDavSynchronizer/4.6")];
const XML_TYPE: (&str, &str) = ("content-type", "application/xml; charset=utf-8");

fn propfind(properties: &str) -> String {
    format!(
        "<?xml version='1.0'?>\r\n<D:propfind xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\" xmlns:E=\"http://apple.com/ns/ical/\" \
         xmlns:CS=\"http://calendarserver.org/ns/\">\r\n  <D:prop>{properties}</D:prop>\r\n</D:propfind>"
    )
}

fn buttons(member: &Member) -> May {
    let held = member.privileges().unwrap_or_default();
    let all = held.contains("write") || held.contains("all");
    May { create: all || held.contains("bind"), edit: all || held.contains("write-content"), delete: all || held.contains("unbind") }
}

impl Outlook {
    pub fn new(wire: Wire) -> Self {
        Self { account: Account::new(wire, &STANDING), deletions: BTreeMap::new() }
    }

    fn discover(&mut self) {
        let asked = propfind("<D:current-user-principal/><D:principal-URL/><D:resourcetype/>");
        let (_, start) = self.account.follow("PROPFIND", "/.well-known/caldav", &[("depth", "0"), XML_TYPE], &asked);
        self.account.principal = multistatus(&asked, &start).first().hrefs("D:current-user-principal").remove(0);
        let principal = self.account.principal.clone();
        let asked = propfind("<C:calendar-home-set/><CS:calendar-proxy-read-for/><CS:calendar-proxy-write-for/>");
        let found = self.account.properties(&principal, "0", &[], &asked);
        self.account.home = found.first().hrefs("C:calendar-home-set").remove(0);
    }

    fn list(&mut self) {
        let home = self.account.home.clone();
        let asked = propfind("<D:resourcetype/><D:displayname/><E:calendar-color/><C:supported-calendar-component-set/>");
        let listing = self.account.properties(&home, "1", &[], &asked);
        self.account.take_calendars(&listing, |_| May::LOOK);
        for calendar in self.account.shelves.keys().cloned().collect::<Vec<_>>() {
            let found = self.account.properties(&calendar, "0", &[], &propfind("<D:current-user-privilege-set/><D:owner/>"));
            self.account.shelf_mut(&calendar).may = buttons(found.first());
            let options = self.account.ask("OPTIONS", &calendar, &[], "");
            assert!(options.header("dav").is_some_and(|classes| classes.contains("calendar-access")));
        }
    }

    /// What waits is sent, unless the server's version has changed too.
    fn upload(&mut self, calendar: &str) {
        let waiting: Vec<(String, Item)> =
            self.account.shelf(calendar).items.iter().filter(|(_, item)| item.waiting).map(|(h, i)| (h.clone(), i.clone())).collect();
        for (href, item) in waiting {
            let condition = if item.etag.is_empty() { ("if-none-match", "*") } else { ("if-match", item.etag.as_str()) };
            let answer = self.account.ask("PUT", &href, &[("content-type", "text/calendar"), condition], &item.text);
            match answer.status {
                201 | 204 => {
                    let etag = answer.header("etag").unwrap_or_default().to_owned();
                    self.account.shelf_mut(calendar).items.insert(href, Item { etag, waiting: false, ..item });
                }
                status => self.account.dialogs.push(format!("report: {status}")),
            }
        }
    }

    fn delete(&mut self, href: &str, etag: String) {
        let answer = self.account.ask("DELETE", href, &[("if-match", &etag)], "");
        if !matches!(answer.status, 200 | 204 | 404) {
            self.account.dialogs.push(format!("report: {}", answer.status));
            self.deletions.insert(href.to_owned(), etag);
        }
    }

    fn take(&mut self, calendar: &str) {
        let asked = "<?xml version=\"1.0\"?>\r\n<C:calendar-query xmlns:C=\"urn:ietf:params:xml:ns:caldav\">\r\n <D:prop xmlns:D=\"DAV:\">\r\n  <D:getetag/>\r\n \
                     </D:prop>\r\n <C:filter>\r\n  <C:comp-filter name=\"VCALENDAR\">\r\n   <C:comp-filter name=\"VEVENT\">\r\n    <C:time-range start=\"20260903T000000Z\" \
                     end=\"20271102T000000Z\"/>\r\n   </C:comp-filter>\r\n  </C:comp-filter>\r\n </C:filter>\r\n</C:calendar-query>";
        let answer = self.account.ask("REPORT", calendar, &[("depth", "1"), XML_TYPE], asked);
        if answer.status == 404 {
            return self.account.dialogs.push("report: 404".into());
        }
        let listed = Account::tags(&multistatus(asked, &answer), calendar);
        // Changed here and gone there: the server's word counts.
        let waiting_for_nothing = |href: &String, item: &Item| item.waiting && !item.etag.is_empty() && !listed.contains_key(href);
        self.account.shelf_mut(calendar).items.retain(|href, item| !waiting_for_nothing(href, item));
        let mut fetch = self.account.compare(calendar, &listed);
        for (href, etag) in std::mem::take(&mut self.deletions) {
            if listed.get(&href) == Some(&etag) {
                fetch.retain(|other| *other != href);
                self.delete(&href, etag);
            }
        }
        let asked = "<?xml version=\"1.0\"?>\r\n<C:calendar-multiget xmlns:C=\"urn:ietf:params:xml:ns:caldav\" xmlns:D=\"DAV:\">\r\n  <D:prop>\r\n    <D:getetag/>\r\n    \
                     <D:displayname/>\r\n    <C:calendar-data/>\r\n  </D:prop>\r\n  {hrefs}\r\n</C:calendar-multiget>";
        self.account.multiget(calendar, &fetch, 100, &[("depth", "1"), XML_TYPE], asked, "<D:href>{}</D:href>");
    }
}

impl Program for Outlook {
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
        for calendar in self.account.shelves.keys().cloned().collect::<Vec<_>>() {
            self.take(&calendar);
            self.upload(&calendar);
        }
    }

    fn reopen(&mut self) {
        self.list();
        self.refresh();
    }

    fn save(&mut self, calendar: &str, href: &str, text: &str) {
        let item = self.account.shelf_mut(calendar).items.entry(href.to_owned()).or_insert(Item {
            etag: String::new(),
            text: String::new(),
            waiting: true,
        });
        item.text = text.to_owned();
        item.waiting = true;
        self.upload(calendar);
    }

    fn remove(&mut self, calendar: &str, href: &str) {
        let item = self.account.shelf_mut(calendar).items.remove(href).expect("what the user deletes");
        self.delete(href, item.etag);
    }
}

#[test]
fn a_wrong_tag_changes_nothing_and_the_right_one_is_to_be_had() {
    let world = shared();
    let alice = world.client("alice");
    let before = event("review", "Design review", 9, "");
    assert_eq!(alice.put(&format!("{WORK}review.ics"), &before).status, 201);
    let mut device = Outlook::new(Front::new(&world).wire("edit"));
    device.set_up();
    let device: &mut dyn Program = &mut device;
    let href = device.find("Design review").unwrap();
    let changed = event("review", "Changed", 9, "");
    let account = device.account_mut();
    // Of another event, of the collection, unquoted, and none at all.
    for wrong in ["\"of-another\"", "\"\"", "", "0"] {
        let answer = account.ask("PUT", &href, &[("content-type", "text/calendar"), ("if-match", wrong)], &changed);
        assert_eq!(answer.status, 412, "{wrong:?}");
        assert_eq!(alice.get(&format!("{WORK}review.ics")).body, before, "{wrong:?}");
    }
    let found = account.properties(&href, "0", &[], &propfind("<D:getetag/>")).first().text("D:getetag").unwrap();
    assert_eq!(account.ask("GET", &href, &[], "").header("etag"), Some(found.as_str()));
    // Without the quotes it is still that tag.
    let answer = account.ask("PUT", &href, &[("content-type", "text/calendar"), ("if-match", found.trim_matches('"'))], &changed);
    assert_eq!(answer.status, 204);
}

#[test]
fn who_shares_with_somebody_is_found_by_name_and_nobody_else() {
    let world = shared().user("stranger");
    let mut device = Outlook::new(Front::new(&world).wire("titles"));
    device.set_up();
    let search = |words: &str| {
        format!(
            "<?xml version='1.0'?>\r\n<D:principal-property-search xmlns:D=\"DAV:\">\r\n  <D:property-search>\r\n    <D:prop><D:displayname/></D:prop>\r\n    \
             <D:match>{words}</D:match>\r\n  </D:property-search>\r\n  <D:prop>\r\n    <D:displayname/>\r\n  </D:prop>\r\n  \
             <D:apply-to-principal-collection-set/>\r\n</D:principal-property-search>"
        )
    };
    let principal = device.account.principal.clone();
    for (words, expected) in [("Name of alice", 1), ("stranger", 0), ("Name of", 2)] {
        let asked = search(words);
        let answer = device.account.ask("REPORT", "/dav/principals/", &[("depth", "0"), XML_TYPE], &asked);
        let told = multistatus(&asked, &answer);
        assert_eq!(told.members.len(), expected, "{words}: {}", answer.body);
        assert!(told.members.iter().all(|member| member.href == principal || member.href.ends_with("/alice/")));
    }
}
