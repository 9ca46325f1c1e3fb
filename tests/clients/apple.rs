//! Apple's Calendar, on the Mac and on the phone. It asks several addresses at once for the principal, first without signing
//! in, and wants the classes in the answer to OPTIONS on the principal. It lists a home with some forty properties, later by
//! sync-collection on the home, and goes into those calendars whose token moved. On the Mac a refused change is a dialog, and
//! its user takes the server's version back; the phone says nothing and keeps what it has until the server's changes.

use super::answer::{Member, MultiStatus, condition};
use super::device::{Account, Item, May, Program, last_segment};
use crate::harness::Wire;
use std::collections::BTreeMap;

/// Where it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Machine {
    Mac,
    Phone,
}

pub struct Apple {
    account: Account,
    machine: Machine,
    /// The home's token, once it was listed.
    pub home_state: String,
    /// What the home said of each calendar's state.
    told: BTreeMap<String, String>,
}

const MAC: &[(&str, &str)] = &[("user-agent", "macOS/15.6 (24G84) dataaccessd/1.0"), ("accept", "*/*")];
/// Two words for one wish: to be told less.
const PHONE: &[(&str, &str)] =
    &[("user-agent", "iOS/18.6 (22G86) dataaccessd/1.0"), ("accept", "*/*"), ("brief", "t"), ("prefer", "return=minimal")];
const XML_TYPE: (&str, &str) = ("content-type", "text/xml");
const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// What it wants to know of a home and all in it.
const LISTED: &str = "D:add-member CS:allowed-sharing-modes A:autoprovisioned M:bulk-requests A:calendar-color C:calendar-description \
    C:calendar-free-busy-set A:calendar-order C:calendar-timezone D:current-user-privilege-set C:default-alarm-vevent-date \
    C:default-alarm-vevent-datetime D:displayname CS:getctag CS:invite A:language-code A:location-code D:owner CS:pre-publish-url \
    CS:publish-url CS:push-transports CS:pushkey D:quota-available-bytes D:quota-used-bytes A:refreshrate D:resource-id D:resourcetype \
    C:schedule-calendar-transp C:schedule-default-calendar-URL CS:source CS:subscribed-strip-alarms CS:subscribed-strip-attachments \
    CS:subscribed-strip-todos C:supported-calendar-component-set C:supported-calendar-component-sets D:supported-report-set D:sync-token \
    CS:xmpp-server CS:xmpp-uri";

/// Names as it writes them: the DAV: namespace as `A`, every other declared where it stands.
fn written(names: &str) -> String {
    let element = |name: &str| {
        let (prefix, local) = name.split_once(':').unwrap();
        let namespace = match prefix {
            "D" => return format!("    <A:{local}/>\n"),
            "C" => "urn:ietf:params:xml:ns:caldav",
            "CS" => "http://calendarserver.org/ns/",
            "A" => "http://apple.com/ns/ical/",
            _ => "http://me.com/_namespace/",
        };
        format!("    <B:{local} xmlns:B=\"{namespace}\"/>\n")
    };
    names.split_whitespace().map(element).collect()
}

fn propfind(names: &str) -> String {
    format!("{XML}<A:propfind xmlns:A=\"DAV:\">\n  <A:prop>\n{}  </A:prop>\n</A:propfind>\n", written(names))
}

fn buttons(member: &Member) -> May {
    let held = member.privileges().expect("the privileges");
    let writes = ["all", "write", "write-content", "bind"].iter().any(|privilege| held.contains(*privilege));
    if writes { May::ALL } else { May::LOOK }
}

impl Apple {
    pub fn new(wire: Wire, machine: Machine) -> Self {
        let standing = if machine == Machine::Mac { MAC } else { PHONE };
        Self { account: Account::new(wire, standing), machine, home_state: String::new(), told: BTreeMap::new() }
    }

    /// The addresses it tries, all at once and in no order, first without signing in.
    fn discover(&mut self) {
        let asked = propfind("D:current-user-principal D:principal-URL D:resourcetype");
        let headers = [("depth", "0"), XML_TYPE];
        let typed = format!("/calendar/dav/{}/user/", self.account.user());
        let mut principals = Vec::new();
        for path in ["/.well-known/caldav", "/", "/principals/", &typed] {
            let unknown = self.account.ask_unknown("PROPFIND", path, &headers, &asked);
            let redirected = path.starts_with("/.well-known");
            assert_eq!(unknown.status, if redirected { 301 } else { 401 }, "{path}");
            if redirected {
                // Relative, or else it would leave TLS behind a proxy; and where it leads, signing in is asked for.
                let location = unknown.header("location").expect("a way on").to_owned();
                assert!(location.starts_with('/'));
                assert_eq!(self.account.ask_unknown("PROPFIND", &location, &headers, &asked).status, 401);
            }
            let (_, known) = self.account.follow("PROPFIND", path, &headers, &asked);
            if path == typed {
                assert_eq!(known.status, 404);
                continue;
            }
            principals.extend(self.account.read(&asked, &known).first().hrefs("D:current-user-principal"));
        }
        principals.dedup();
        assert_eq!(principals.len(), 1, "whichever is answered first, it is the same principal");
        self.account.principal = principals.remove(0);
        self.look_at_principal();
    }

    fn look_at_principal(&mut self) {
        let principal = self.account.principal.clone();
        let options = self.account.ask("OPTIONS", &principal, &[], "");
        let classes = options.header("dav").expect("a DAV header");
        assert!(
            options.status == 200 && ["1", "access-control", "calendar-access"].iter().all(|c| classes.split(", ").any(|one| one == *c))
        );
        let more = if self.machine == Machine::Phone { " CS:allowed-calendar-component-set" } else { "" };
        let asked = propfind(&format!(
            "C:calendar-home-set C:calendar-user-address-set D:current-user-principal D:displayname CS:dropbox-home-URL CS:email-address-set \
             CS:notification-URL D:principal-collection-set D:principal-URL D:resource-id C:schedule-inbox-URL C:schedule-outbox-URL \
             D:supported-report-set{more}"
        ));
        let found = self.account.properties(&principal, "0", &[], &asked);
        let found = found.first();
        let homes = found.hrefs("C:calendar-home-set");
        assert_eq!(homes.len(), 1, "of several it takes any");
        // The preferred address stands first and last, and is marked.
        let addresses = found.element("C:calendar-user-address-set").expect("addresses");
        let addresses: Vec<(&str, String)> =
            addresses.children().map(|href| (href.attribute("preferred").unwrap_or_default(), href.text())).collect();
        let preferred = ("1", format!("mailto:{}@example.org", self.account.user()));
        assert_eq!((addresses.first(), addresses.last()), (Some(&preferred), Some(&preferred)));
        // What is not there must not be told as if it were.
        for absent in ["C:schedule-inbox-URL", "C:schedule-outbox-URL", "CS:dropbox-home-URL", "CS:notification-URL"] {
            assert!(found.element(absent).is_none(), "{absent}");
        }
        let reports = found.element("D:supported-report-set").expect("reports").to_xml();
        self.account.home = homes[0].clone();
        let collections = found.hrefs("D:principal-collection-set");
        let search = format!("{XML}<A:principal-search-property-set xmlns:A=\"DAV:\"/>\n");
        let answer = self.account.ask("REPORT", &collections[0], &[("depth", "0"), XML_TYPE], &search);
        assert_eq!(answer.status, 200);
        if reports.contains("expand-property") {
            let set = "<A:property name=\"calendar-user-address-set\" namespace=\"urn:ietf:params:xml:ns:caldav\"/>\n    <A:property \
                       name=\"email-address-set\" namespace=\"http://calendarserver.org/ns/\"/>\n    <A:property name=\"displayname\" namespace=\"DAV:\"/>\n";
            let body = format!(
                "{XML}<A:expand-property xmlns:A=\"DAV:\">\n  <A:property name=\"calendar-proxy-read-for\" namespace=\"http://calendarserver.org/ns/\">\n    \
                 {set}  </A:property>\n  <A:property name=\"calendar-proxy-write-for\" namespace=\"http://calendarserver.org/ns/\">\n    {set}  </A:property>\n\
                 </A:expand-property>\n"
            );
            let answer = self.account.ask("REPORT", &principal, &[("depth", "0"), XML_TYPE], &body);
            assert!(answer.status == 207 && !answer.body.contains("<C:calendar-home-set"), "{}", answer.body);
        }
    }

    /// The home and all in it.
    pub fn listing(&mut self) -> MultiStatus {
        let home = self.account.home.clone();
        self.account.properties(&home, "1", &[], &propfind(LISTED))
    }

    /// The first listing of the home, and whenever its token is refused.
    fn list(&mut self) {
        let home = self.account.home.clone();
        let listing = self.listing();
        let own = listing.member(&home);
        assert!(!own.has("D:resourcetype", "C:calendar"));
        // If the home does not name it here, it is used nowhere.
        assert!(own.element("D:supported-report-set").expect("reports").to_xml().contains("sync-collection"));
        self.home_state = own.text("D:sync-token").expect("the home's token");
        self.account.take_calendars(&listing, buttons);
        self.told.clear();
        self.hear(&listing.members);
    }

    fn hear(&mut self, members: &[Member]) {
        for member in members.iter().filter(|member| member.has("D:resourcetype", "C:calendar")) {
            assert!(!member.components().iter().any(|component| component == "VPOLL"));
            // Half of sharing is worse than none: "Shared with Unknown".
            assert!(member.element("CS:invite").is_none() && !member.has("D:resourcetype", "CS:shared-owner"));
            self.told.insert(member.href.clone(), member.text("D:sync-token").expect("a token"));
        }
    }

    fn poll_home(&mut self) {
        if self.home_state.is_empty() {
            return self.list();
        }
        let home = self.account.home.clone();
        let asked = format!(
            "{XML}<A:sync-collection xmlns:A=\"DAV:\">\n  <A:sync-token>{}</A:sync-token>\n  <A:sync-level>1</A:sync-level>\n  <A:prop>\n{}  </A:prop>\n\
             </A:sync-collection>\n",
            self.home_state,
            written(&format!("{LISTED} C:managed-attachments-server-URL"))
        );
        let answer = self.account.ask("REPORT", &home, &[("depth", "1"), XML_TYPE], &asked);
        if answer.status != 207 {
            assert_eq!(condition(&answer).as_deref(), Some("valid-sync-token"));
            self.home_state.clear();
            return self.list();
        }
        let told = self.account.read(&asked, &answer);
        for member in &told.members {
            if member.status == Some(404) {
                self.account.shelves.remove(&member.href);
                self.told.remove(&member.href);
            } else if member.has("D:resourcetype", "C:calendar") {
                let shelf = self.account.shelves.entry(member.href.clone()).or_default();
                shelf.name = member.text("D:displayname").unwrap_or_else(|| last_segment(&member.href));
                shelf.may = buttons(member);
            }
        }
        self.hear(&told.members);
        self.home_state = told.sync_token.expect("a token");
    }

    fn take(&mut self, calendar: &str) {
        let state = self.account.shelf(calendar).state.clone();
        let headers = [("depth", "1"), XML_TYPE];
        if !state.is_empty() {
            let asked = format!(
                "{XML}<A:sync-collection xmlns:A=\"DAV:\">\n  <A:sync-token>{state}</A:sync-token>\n  <A:sync-level>1</A:sync-level>\n  <A:prop>\n    \
                 <A:getcontenttype/>\n    <A:getetag/>\n  </A:prop>\n</A:sync-collection>\n"
            );
            let answer = self.account.ask("REPORT", calendar, &headers, &asked);
            if answer.status == 207 {
                let told = self.account.read(&asked, &answer);
                let fetch = self.account.take_changes(calendar, &told);
                self.fetch(calendar, &fetch);
                self.account.shelf_mut(calendar).state = told.sync_token.expect("a token");
                return;
            }
            assert_eq!(condition(&answer).as_deref(), Some("valid-sync-token"));
        }
        // What is near first, then the rest.
        let near = format!(
            "{XML}<B:calendar-query xmlns:B=\"urn:ietf:params:xml:ns:caldav\" xmlns:A=\"DAV:\">\n  <A:prop>\n    <A:getetag/>\n    <A:getcontenttype/>\n  </A:prop>\n  \
             <B:filter>\n    <B:comp-filter name=\"VCALENDAR\">\n      <B:comp-filter name=\"VEVENT\">\n        <B:time-range start=\"20261101T000000Z\" \
             end=\"20261109T000000Z\"/>\n      </B:comp-filter>\n    </B:comp-filter>\n  </B:filter>\n</B:calendar-query>\n"
        );
        let answer = self.account.ask("REPORT", calendar, &headers, &near);
        let near = Account::tags(&self.account.read(&near, &answer), calendar);
        let wanted: Vec<String> = near
            .into_iter()
            .filter(|(href, etag)| self.account.shelf(calendar).items.get(href).is_none_or(|i| i.etag != *etag))
            .map(|(h, _)| h)
            .collect();
        self.fetch(calendar, &wanted);
        let state = self
            .account
            .properties(calendar, "0", &[], &propfind("CS:getctag D:sync-token"))
            .first()
            .text("D:sync-token")
            .expect("a token");
        let listing = self.account.properties(calendar, "1", &[], &propfind("D:getcontenttype D:getetag"));
        let fetch = self.account.compare(calendar, &Account::tags(&listing, calendar));
        self.fetch(calendar, &fetch);
        self.account.shelf_mut(calendar).state = state;
    }

    fn fetch(&mut self, calendar: &str, hrefs: &[String]) {
        let asked = format!(
            "{XML}<B:calendar-multiget xmlns:B=\"urn:ietf:params:xml:ns:caldav\" xmlns:A=\"DAV:\">\n  <A:prop>\n    <A:getetag/>\n    <B:calendar-data/>\n    \
             <B:schedule-tag/>\n  </A:prop>\n{{hrefs}}</B:calendar-multiget>\n"
        );
        self.account.multiget(calendar, hrefs, 50, &[("depth", "1"), XML_TYPE], &asked, "  <A:href>{}</A:href>\n");
    }

    /// What waits on the phone is sent again.
    fn upload(&mut self, calendar: &str) {
        let waiting: Vec<(String, Item)> =
            self.account.shelf(calendar).items.iter().filter(|(_, item)| item.waiting).map(|(h, i)| (h.clone(), i.clone())).collect();
        for (href, item) in waiting {
            self.put(calendar, &href, item);
        }
    }

    fn put(&mut self, calendar: &str, href: &str, item: Item) {
        // It has no word for how private an event is, and writes none.
        let lines = item.text.split_inclusive("\r\n").filter(|line| !line.starts_with("CLASS:"));
        let item = Item { text: lines.collect(), ..item };
        let mut headers = vec![("content-type", "text/calendar; charset=utf-8")];
        match item.etag.as_str() {
            "" => headers.push(("if-none-match", "*")),
            // There is no schedule tag, and it says so.
            etag => headers.extend([("if-match", etag), ("if-schedule-tag-match", "")]),
        }
        let answer = self.account.ask("PUT", href, &headers, &item.text);
        match (answer.status, answer.header("etag"), self.machine) {
            (201 | 204, Some(etag), _) => {
                let item = Item { etag: etag.to_owned(), waiting: false, ..item };
                self.account.shelf_mut(calendar).items.insert(href.to_owned(), item);
            }
            (201 | 204 | 412, ..) => self.fetch(calendar, &[href.to_owned()]),
            (status, _, Machine::Mac) => {
                self.account.dialogs.push(format!("Access to the event is not permitted. {status}"));
                self.fetch(calendar, &[href.to_owned()]);
            }
            (_, _, Machine::Phone) => drop(self.account.shelf_mut(calendar).items.insert(href.to_owned(), item)),
        }
    }
}

impl Program for Apple {
    fn account(&self) -> &Account {
        &self.account
    }
    fn account_mut(&mut self) -> &mut Account {
        &mut self.account
    }
    fn set_up(&mut self) {
        self.discover();
        self.refresh();
    }

    fn refresh(&mut self) {
        self.poll_home();
        for calendar in self.account.shelves.keys().cloned().collect::<Vec<_>>() {
            self.upload(&calendar);
            if self.account.shelf(&calendar).state != self.told[&calendar] {
                self.take(&calendar);
            }
        }
    }

    fn reopen(&mut self) {
        self.refresh();
    }

    fn save(&mut self, calendar: &str, href: &str, text: &str) {
        let etag = self.account.shelf(calendar).items.get(href).map(|item| item.etag.clone()).unwrap_or_default();
        self.put(calendar, href, Item { etag, text: text.to_owned(), waiting: true });
    }

    fn remove(&mut self, calendar: &str, href: &str) {
        let item = self.account.shelf_mut(calendar).items.remove(href).expect("what the user deletes");
        let answer = self.account.ask("DELETE", href, &[("if-match", &item.etag), ("if-schedule-tag-match", "")], "");
        if answer.status >= 400 && self.machine == Machine::Mac {
            self.account.dialogs.push(format!("Access to the event is not permitted. {}", answer.status));
            self.fetch(calendar, &[href.to_owned()]);
        }
    }
}
