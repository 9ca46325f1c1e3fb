//! DAVx5 on Android. It finds out what changed by CTag or sync token, and then by a query for the last 90 days, or by
//! sync-collection where the user wants all days; and it fetches ten events at a time. Whether a calendar can be written to it
//! asks only when it looks for calendars. A deletion that the server refuses is done on the phone all the same, and a refused
//! change waits there and is sent again at every synchronisation: both stay wrong until the event has another tag.

use super::answer::{MultiStatus, condition, multistatus};
use super::device::{Account, Item, May, Program, last_segment};
use super::stage::{WORK, event, shared};
use crate::harness::{Answer, Front, Wire};

/// Which events are on the phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Days {
    /// As it is delivered.
    Ninety,
    All,
}

pub struct Davx5 {
    account: Account,
    days: Days,
}

const XML: &str = "<?xml version='1.0' encoding='UTF-8' ?>";
const DECLARED: &str = "xmlns=\"DAV:\" xmlns:CAL=\"urn:ietf:params:xml:ns:caldav\" xmlns:CARD=\"urn:ietf:params:xml:ns:carddav\"";
const STANDING: [(&str, &str); 2] =
    [("user-agent", "DAVx5/4.5-ose (dav4jvm; okhttp/5.1.0) Android/15"), ("accept-language", "en-US, en;q=0.7, *;q=0.5")];
/// 90 days before the day of these tests.
const SINCE: &str = "20260804T120000Z";

fn propfind(properties: &str) -> String {
    format!(
        "{XML}<propfind {DECLARED} xmlns:CS=\"http://calendarserver.org/ns/\" xmlns:ICAL=\"http://apple.com/ns/ical/\" xmlns:P=\"https://bitfire.at/webdav-push\"><prop>{properties}</prop></propfind>"
    )
}

impl Davx5 {
    pub fn new(wire: Wire, days: Days) -> Self {
        Self { account: Account::new(wire, &STANDING), days }
    }

    /// From a server's name to the principal: what was typed, then the well-known address; of either the principal counts.
    fn discover(&mut self) {
        let typed = propfind(
            "<resourcetype /><displayname /><current-user-principal /><current-user-privilege-set /><CAL:calendar-home-set />\
             <CAL:supported-calendar-component-set /><ICAL:calendar-color /><CAL:calendar-description /><CAL:calendar-timezone />",
        );
        let found = self.account.properties("/", "0", &[], &typed).first().hrefs("D:current-user-principal");
        let probe = propfind("<current-user-principal />");
        let headers = [("depth", "0"), ("content-type", "application/xml; charset=utf-8")];
        let (_, known) = self.account.follow("PROPFIND", "/.well-known/caldav", &headers, &probe);
        assert_eq!(multistatus(&probe, &known).first().hrefs("D:current-user-principal"), found);
        // It looks for address books as well.
        assert_eq!(self.account.ask("PROPFIND", "/.well-known/carddav", &headers, &probe).status, 404);
        self.account.principal = found[0].clone();
        let principal = self.account.principal.clone();
        let options = self.account.ask("OPTIONS", &principal, &[("accept-encoding", "identity")], "");
        let classes = options.header("dav").expect("a DAV header");
        assert!(options.status == 200 && classes.split(',').any(|class| class.trim() == "calendar-access"), "no CalDAV: {classes}");
    }

    /// Homes, then calendars, with their owners' names. A calendar that is not listed any more is asked for once by itself.
    fn look_for_calendars(&mut self) {
        let principal = self.account.principal.clone();
        let body = propfind(
            "<displayname /><group-membership /><resourcetype /><CAL:calendar-home-set /><CS:calendar-proxy-read-for /><CS:calendar-proxy-write-for />",
        );
        let found = self.account.properties(&principal, "0", &[], &body);
        let homes = found.first().hrefs("C:calendar-home-set");
        assert_eq!(homes.len(), 1, "each home is listed: a calendar in two of them is there twice");
        for group in found.first().hrefs("D:group-membership") {
            // Whatever it finds there it takes for more homes.
            let of_group = self.account.properties(&group, "0", &[], &body);
            assert!(of_group.first().element("C:calendar-home-set").is_none());
        }
        self.account.home = homes[0].clone();
        let home = self.account.home.clone();
        let body = propfind(
            "<current-user-privilege-set /><displayname /><owner /><resourcetype /><P:transports /><P:topic /><ICAL:calendar-color />\
             <CAL:calendar-description /><CAL:calendar-timezone /><CAL:calendar-timezone-id /><CAL:supported-calendar-component-set /><CS:source />",
        );
        let listing = self.account.properties(&home, "1", &[], &body);
        assert!(listing.member(&home).privileges().is_some_and(|held| held.contains("bind")), "no button to make a calendar");
        self.take_calendars(&listing);
        let listed: Vec<&String> = listing.members.iter().map(|member| &member.href).collect();
        let unlisted: Vec<String> = self.account.shelves.keys().filter(|href| !listed.contains(href)).cloned().collect();
        for href in unlisted {
            let answer = self.account.ask("PROPFIND", &href, &[("depth", "0"), ("content-type", "application/xml; charset=utf-8")], &body);
            assert!(matches!(answer.status, 207 | 403 | 404 | 410));
            if answer.status != 207 {
                self.account.shelves.remove(&href);
            }
        }
    }

    fn take_calendars(&mut self, listing: &MultiStatus) {
        for member in listing.members.iter().filter(|member| member.has("D:resourcetype", "C:calendar")) {
            if !member.components().iter().any(|component| component == "VEVENT") {
                continue;
            }
            let owner = member.hrefs("D:owner").remove(0);
            let asked = propfind("<displayname />");
            let owner = self.account.properties(&owner, "0", &[], &asked).first().text("D:displayname").expect("the owner has a name");
            // With bind alone it is read-only; the button to delete follows the others.
            let writable = member.privileges().is_none_or(|held| ["all", "write", "write-content"].iter().any(|p| held.contains(*p)));
            let shelf = self.account.shelves.entry(member.href.clone()).or_default();
            shelf.name = member.text("D:displayname").unwrap_or_else(|| last_segment(&member.href));
            shelf.owner = owner;
            shelf.may = if writable { May::ALL } else { May::LOOK };
        }
    }

    /// The state of a calendar on the server, if it is still there.
    fn state(&mut self, calendar: &str) -> Option<String> {
        let body = propfind("<CAL:max-resource-size /><supported-report-set /><CS:getctag /><sync-token />");
        let answer = self.account.ask("PROPFIND", calendar, &[("depth", "0"), ("content-type", "application/xml; charset=utf-8")], &body);
        if answer.status == 404 {
            self.account.dialogs.push("calendar not found".into());
            return None;
        }
        let found = multistatus(&body, &answer);
        let reports = found.first().element("D:supported-report-set").expect("reports").to_xml();
        assert!(reports.contains("sync-collection"));
        found.first().text("D:sync-token")
    }

    /// Sends what waits; whether anything got through.
    fn upload(&mut self, calendar: &str) -> bool {
        let waiting: Vec<(String, Item)> =
            self.account.shelf(calendar).items.iter().filter(|(_, item)| item.waiting).map(|(h, i)| (h.clone(), i.clone())).collect();
        let mut sent = false;
        for (href, item) in waiting {
            if self.account.shelf(calendar).may == May::LOOK {
                // In a calendar that is read-only by now what was changed is forgotten, and fetched again.
                self.account.shelf_mut(calendar).items.insert(href, Item { etag: String::new(), waiting: false, ..item });
                sent = true;
                continue;
            }
            let condition_header = if item.etag.is_empty() { ("if-none-match", "*") } else { ("if-match", item.etag.as_str()) };
            let headers = [("content-type", "text/calendar; charset=utf-8"), condition_header];
            let answer = self.account.ask("PUT", &href, &headers, &item.text);
            sent |= self.uploaded(calendar, &href, &answer);
        }
        sent
    }

    fn uploaded(&mut self, calendar: &str, href: &str, answer: &Answer) -> bool {
        let reason = condition(answer);
        let account = &mut self.account;
        let item = account.shelf_mut(calendar).items.get_mut(href).expect("what was sent");
        match (answer.status, reason.as_deref()) {
            (201 | 204, _) => {
                item.etag = answer.header("etag").unwrap_or_default().to_owned();
                item.waiting = false;
                return true;
            }
            // It cannot ask the user: the server's is taken.
            (409 | 412, _) => {
                item.etag.clear();
                item.waiting = false;
                return true;
            }
            (403, Some("need-privileges")) => {}
            (404 | 410, _) => item.etag.clear(),
            (status, _) => account.dialogs.push(format!("HTTP {status}")),
        }
        false
    }

    fn list(&mut self, calendar: &str) {
        let body = format!(
            "{XML}<CAL:calendar-query xmlns=\"DAV:\" xmlns:CAL=\"urn:ietf:params:xml:ns:caldav\"><prop><getetag /></prop><CAL:filter>\
             <CAL:comp-filter name=\"VCALENDAR\"><CAL:comp-filter name=\"VEVENT\"><CAL:time-range start=\"{SINCE}\" /></CAL:comp-filter>\
             </CAL:comp-filter></CAL:filter></CAL:calendar-query>"
        );
        let answer = self.account.ask("REPORT", calendar, &[("depth", "1"), ("content-type", "application/xml; charset=utf-8")], &body);
        let tags = Account::tags(&multistatus(&body, &answer), calendar);
        let fetch = self.account.compare(calendar, &tags);
        self.fetch(calendar, &fetch);
    }

    fn by_tokens(&mut self, calendar: &str) {
        let mut begun = false;
        for _ in 0..10 {
            let state = self.account.shelf(calendar).state.clone();
            let body = format!(
                "{XML}<sync-collection xmlns=\"DAV:\"><sync-token>{state}</sync-token><sync-level>1</sync-level><prop><getetag /><resourcetype /></prop></sync-collection>"
            );
            let answer = self.account.ask("REPORT", calendar, &[("depth", "0"), ("content-type", "application/xml; charset=utf-8")], &body);
            if answer.status == 403 {
                assert_eq!(condition(&answer).as_deref(), Some("valid-sync-token"), "anything else is a hard error");
                begun = true;
                self.account.shelf_mut(calendar).state.clear();
                continue;
            }
            let told = multistatus(&body, &answer);
            let cut = told.members.iter().any(|member| member.href == calendar && member.status == Some(507));
            let fetch = if state.is_empty() {
                self.account.compare(calendar, &Account::tags(&told, calendar))
            } else {
                self.account.take_changes(calendar, &told)
            };
            self.fetch(calendar, &fetch);
            self.account.shelf_mut(calendar).state = told.sync_token.expect("without a token it stops with an exception");
            if !cut {
                return;
            }
        }
        panic!("synchronising does not end; begun anew: {begun}");
    }

    fn fetch(&mut self, calendar: &str, hrefs: &[String]) {
        let headers = [("depth", "1"), ("content-type", "application/xml; charset=utf-8")];
        let body = format!(
            "{XML}<CAL:calendar-multiget xmlns=\"DAV:\" xmlns:CAL=\"urn:ietf:params:xml:ns:caldav\"><prop><getcontenttype /><getetag /><CAL:schedule-tag />\
             <CAL:calendar-data /></prop>{{hrefs}}</CAL:calendar-multiget>"
        );
        self.account.multiget(calendar, hrefs, 10, &headers, &body, "<href>{}</href>");
    }
}

impl Program for Davx5 {
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
        let calendars: Vec<String> = self.account.shelves.keys().cloned().collect();
        for calendar in calendars {
            let Some(state) = self.state(&calendar) else { continue };
            let sent = self.upload(&calendar);
            if !sent && state == self.account.shelf(&calendar).state {
                continue;
            }
            match self.days {
                Days::All => self.by_tokens(&calendar),
                Days::Ninety => {
                    self.list(&calendar);
                    let state = if sent { self.state(&calendar).unwrap_or_default() } else { state };
                    self.account.shelf_mut(&calendar).state = state;
                }
            }
        }
    }

    fn reopen(&mut self) {
        self.look_for_calendars();
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
        self.refresh();
    }

    fn remove(&mut self, calendar: &str, href: &str) {
        let item = self.account.shelf_mut(calendar).items.remove(href).expect("what the user deletes");
        let answer = self.account.ask("DELETE", href, &[("if-match", &item.etag)], "");
        // Whatever the answer is, it is logged and no more. Only a success counts as a change that calls for a listing.
        if answer.status < 300 {
            self.refresh();
        }
    }
}

#[test]
fn a_deletion_the_server_refuses_is_undone_at_the_next_synchronisation() {
    let world = shared();
    let alice = world.client("alice");
    assert_eq!(alice.put(&format!("{WORK}review.ics"), &event("review", "Design review", 9, "")).status, 201);
    let mut phone = Davx5::new(Front::new(&world).wire("edit"), Days::Ninety);
    phone.set_up();
    let phone: &mut dyn Program = &mut phone;
    let work = phone.work().unwrap();
    let talk = |phone: &mut dyn Program| -> Vec<String> {
        let about_it = phone.take_asked().into_iter().filter(|(_, path, ..)| path.starts_with(&work));
        about_it.map(|(method, _, status, _)| format!("{method} {status}")).collect()
    };
    talk(phone);
    assert!(phone.discard("Design review"));
    // Gone from the phone, without a word, and without a synchronisation that would notice.
    assert_eq!((phone.screen(), talk(phone)), (Vec::<String>::new(), vec!["DELETE 403".to_owned()]));
    phone.refresh();
    assert_eq!(phone.screen(), ["Design review"]);
    assert_eq!(talk(phone), ["PROPFIND 207", "REPORT 207", "REPORT 207"], "its state, the tags, the one event");
    phone.refresh();
    assert_eq!(talk(phone), ["PROPFIND 207"], "and that is that");
    assert_eq!(phone.take_dialogs(), Vec::<String>::new());
}

#[test]
fn events_come_by_tens_and_only_those_of_the_last_ninety_days() {
    let world = shared();
    let alice = world.client("alice");
    for number in 0..25 {
        let answer = alice.put(&format!("{WORK}{number}.ics"), &event(&format!("{number}"), "Near", number % 24, ""));
        assert_eq!(answer.status, 201);
    }
    let long_ago = |uid: &str, lines: &str| event(uid, "Long ago", 9, lines).replace("20261104", "20260601");
    assert_eq!(alice.put(&format!("{WORK}past.ics"), &long_ago("past", "")).status, 201);
    assert_eq!(alice.put(&format!("{WORK}weekly.ics"), &long_ago("weekly", "RRULE:FREQ=WEEKLY\r\n")).status, 201);
    for (days, events, fetches) in [(Days::Ninety, 26, 3), (Days::All, 27, 3)] {
        let mut phone = Davx5::new(Front::new(&world).wire("details"), days);
        phone.set_up();
        let phone: &mut dyn Program = &mut phone;
        assert_eq!(phone.screen().len(), events);
        assert_eq!(phone.take_asked().iter().filter(|(.., bodies)| *bodies).count(), fetches);
    }
}

#[test]
fn a_calendar_made_on_the_phone_is_made() {
    let world = shared();
    let mut phone = Davx5::new(Front::new(&world).wire("alice"), Days::Ninety);
    phone.set_up();
    let body = format!(
        "{XML}<CAL:mkcalendar xmlns=\"DAV:\" xmlns:CAL=\"urn:ietf:params:xml:ns:caldav\" xmlns:ICAL=\"http://apple.com/ns/ical/\"><set><prop><resourcetype>\
         <collection /><CAL:calendar /></resourcetype><displayname>Running</displayname><ICAL:calendar-color>#FF8BC34AFF</ICAL:calendar-color>\
         <CAL:calendar-timezone-id>Europe/Vienna</CAL:calendar-timezone-id><CAL:supported-calendar-component-set><CAL:comp name=\"VEVENT\" />\
         </CAL:supported-calendar-component-set></prop></set></CAL:mkcalendar>"
    );
    let made = "/dav/calendars/alice/0e6f2c3a-5b7d-4b51-9d0e-0f1a2b3c4d5e/";
    let headers = [("content-type", "application/xml; charset=utf-8")];
    let answer = phone.account.ask("MKCALENDAR", made, &headers, &body);
    assert_eq!(answer.status, 201, "{}", answer.body);
    phone.reopen();
    let shelf = phone.account.shelf(made);
    assert_eq!((shelf.name.as_str(), shelf.owner.as_str(), shelf.may), ("Running", "Name of alice", May::ALL));
}
