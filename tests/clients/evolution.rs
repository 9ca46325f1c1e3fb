//! Evolution and GNOME Calendar, which are one library. It opens a calendar by OPTIONS and its privileges, synchronises by
//! sync-collection with tokens that look like URIs, fetches a hundred events at a time, and writes at once or not at all. A
//! strong tag in the answer to a PUT means to it that its own text is what stands there.

use super::answer::{Member, condition, multistatus};
use super::device::{Account, Item, May, Program};
use super::stage::{PEOPLE, WORK, event, shared};
use crate::harness::{Front, Wire};

pub struct Evolution {
    account: Account,
}

const XML: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";
const STANDING: [(&str, &str); 2] = [("user-agent", "Evolution/3.56.2"), ("cache-control", "no-cache")];
const XML_TYPE: (&str, &str) = ("content-type", "application/xml; charset=\"utf-8\"");

fn propfind(properties: &str) -> String {
    format!(
        "{XML}<propfind xmlns=\"DAV:\" xmlns:CS=\"http://calendarserver.org/ns/\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\" \
         xmlns:IC=\"http://apple.com/ns/ical/\"><prop>{properties}</prop></propfind>"
    )
}

fn buttons(member: &Member) -> May {
    match member.privileges() {
        Some(held) if ["write", "write-content", "all"].iter().any(|privilege| held.contains(*privilege)) => May::ALL,
        Some(_) => May::LOOK,
        None => panic!("it would go by Allow"),
    }
}

impl Evolution {
    pub fn new(wire: Wire) -> Self {
        Self { account: Account::new(wire, &STANDING) }
    }

    fn discover(&mut self) {
        let asked =
            propfind("<resourcetype/><current-user-principal/><principal-URL/><C:calendar-home-set/><C:calendar-user-address-set/>");
        let (_, start) = self.account.follow("PROPFIND", "/.well-known/caldav", &[("depth", "0"), XML_TYPE], &asked);
        self.account.principal = multistatus(&asked, &start).first().hrefs("D:current-user-principal").remove(0);
        let principal = self.account.principal.clone();
        let found = self.account.properties(&principal, "0", &[], &asked);
        assert_eq!(found.first().hrefs("D:principal-URL"), [principal]);
        assert!(found.first().hrefs("C:calendar-user-address-set")[0].starts_with("mailto:"));
        self.account.home = found.first().hrefs("C:calendar-home-set").remove(0);
    }

    fn list(&mut self) {
        let home = self.account.home.clone();
        let asked = propfind(
            "<resourcetype/><CS:source/><C:supported-calendar-component-set/><displayname/><getetag/><CS:getctag/><getcontenttype/>\
             <getcontentlength/><creationdate/><getlastmodified/><C:calendar-description/><IC:calendar-color/><IC:calendar-order/>",
        );
        let listing = self.account.properties(&home, "1", &[], &asked);
        self.account.take_calendars(&listing, |_| May::LOOK);
    }

    /// Opens one calendar.
    fn open(&mut self, calendar: &str) {
        let options = self.account.ask("OPTIONS", calendar, &[], "");
        let has = |header: &str, word: &str| options.header(header).is_some_and(|value| value.split(", ").any(|one| one == word));
        assert!(options.status == 200 && has("dav", "calendar-access"), "the calendar does not open: {options:?}");
        // Where there are no privileges it goes by these.
        assert!(has("allow", "REPORT"));
        let found = self.account.properties(calendar, "0", &[], &propfind("<current-user-privilege-set/>"));
        self.account.shelf_mut(calendar).may = buttons(found.first());
    }

    fn by_tokens(&mut self, calendar: &str) {
        for _ in 0..2 {
            let state = self.account.shelf(calendar).state.clone();
            let asked = format!(
                "{XML}<sync-collection xmlns=\"DAV:\"><sync-token>{state}</sync-token><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>"
            );
            let answer = self.account.ask("REPORT", calendar, &[("depth", "0"), XML_TYPE], &asked);
            match (answer.status, condition(&answer).as_deref()) {
                (207, _) => {}
                (403 | 412, Some("valid-sync-token")) => {
                    self.account.shelf_mut(calendar).state.clear();
                    continue;
                }
                (status, _) => {
                    self.account.dialogs.push(format!("cannot refresh: {status}"));
                    return;
                }
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
        let asked = format!(
            "{XML}<C:calendar-multiget xmlns=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><prop><getetag/><C:calendar-data/></prop>{{hrefs}}</C:calendar-multiget>"
        );
        self.account.multiget(calendar, hrefs, 100, &[("depth", "1"), XML_TYPE], &asked, "<href>{}</href>");
    }

    /// One event by itself.
    fn get(&mut self, calendar: &str, href: &str) {
        let answer = self.account.ask("GET", href, &[], "");
        let items = &mut self.account.shelf_mut(calendar).items;
        match answer.status {
            200 => {
                let etag = answer.header("etag").expect("GET has a tag").to_owned();
                items.insert(href.to_owned(), Item { etag, text: answer.body, waiting: false });
            }
            404 => drop(items.remove(href)),
            status => panic!("GET {href}: {status}"),
        }
    }

    fn refused(&mut self, answer: &crate::harness::Answer) {
        // Any other word, or none, would make it a general error.
        let words = if condition(answer).as_deref() == Some("need-privileges") { "permission denied" } else { "failed to save" };
        self.account.dialogs.push(format!("{words} ({})", answer.status));
    }
}

impl Program for Evolution {
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
            self.by_tokens(&calendar);
        }
    }

    fn reopen(&mut self) {
        self.list();
        let calendars: Vec<String> = self.account.shelves.keys().cloned().collect();
        for calendar in calendars {
            self.open(&calendar);
        }
        self.refresh();
    }

    fn save(&mut self, calendar: &str, href: &str, text: &str) {
        let known = self.account.shelf(calendar).items.get(href).map(|item| item.etag.replace('"', "\\\""));
        let condition = known.as_ref().map_or(("if-none-match", "*"), |etag| ("if-match", etag.as_str()));
        let headers = [("content-type", "text/calendar; charset=\"utf-8\""), ("prefer", "return=minimal"), condition];
        let answer = self.account.ask("PUT", href, &headers, text);
        match (answer.status, answer.header("etag")) {
            (201 | 204, Some(etag)) if !etag.starts_with("W/") => {
                let item = Item { etag: etag.to_owned(), text: text.to_owned(), waiting: false };
                self.account.shelf_mut(calendar).items.insert(href.to_owned(), item);
            }
            (201 | 204, _) | (412, _) => self.get(calendar, href),
            _ => self.refused(&answer),
        }
    }

    fn remove(&mut self, calendar: &str, href: &str) {
        let etag = self.account.shelf(calendar).items[href].etag.clone();
        let answer = self.account.ask("DELETE", href, &[("if-match", &etag)], "");
        match answer.status {
            200 | 204 | 404 => drop(self.account.shelf_mut(calendar).items.remove(href)),
            _ => self.refused(&answer),
        }
    }
}

#[test]
fn a_strong_tag_comes_back_just_when_the_text_sent_is_what_stands_there() {
    const ALARM: &str = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT5M\r\nDESCRIPTION:Soon\r\nEND:VALARM\r\n";
    let world = shared();
    let front = Front::new(&world);
    let alice = world.client("alice");
    assert_eq!(alice.put(&format!("{WORK}both.ics"), &event("both", "Theirs", 7, "")).status, 201);
    let (mut trusted, mut read_again) = (0, 0);
    for (user, level) in PEOPLE {
        if level.is_some_and(|level| level < acl::Level::Edit) {
            continue;
        }
        let secret = format!("secret-{user}");
        assert_eq!(alice.put(&format!("{WORK}{secret}.ics"), &event(&secret, "Secret", 7, "CLASS:PRIVATE\r\n")).status, 201);
        let mut device = Evolution::new(front.wire(user));
        device.set_up();
        let work = (&device as &dyn Program).work().unwrap();
        let mut texts = vec![
            ("new", event(&format!("new-{user}"), "New", 8, "")),
            ("new", event(&format!("new-{user}"), "New, changed", 8, "")),
            ("alarm", event(&format!("alarm-{user}"), "With an alarm", 9, ALARM)),
            // Somebody else's, with an alarm that is this person's own.
            ("both", event("both", "Theirs", 7, ALARM)),
            // A UID, and a name, that belong to something he is not shown under them.
            ("uid", event(&secret, "Same UID", 10, "")),
            ("secret", event(&format!("name-{user}"), "Same name", 11, "")),
            ("quiet", event(&format!("quiet-{user}"), "Quiet", 12, "CLASS:PRIVATE\r\n")),
        ];
        if user == "alice" {
            // Hers: the name and the UID are what she sees, and a private event put without its class stays private.
            texts.retain(|(name, _)| !["uid", "secret"].contains(name));
            texts.push(("secret", event(&secret, "Secret, changed", 7, "")));
        }
        for (name, text) in texts {
            let href = format!("{work}{name}{}.ics", if name == "both" { String::new() } else { format!("-{user}") });
            (&mut device as &mut dyn Program).take_asked();
            device.save(&work, &href, &text);
            let asked: Vec<String> = (&mut device as &mut dyn Program).take_asked().into_iter().map(|(method, ..)| method).collect();
            let there = device.account.ask("GET", &href, &[], "");
            let shown = &device.account.shelf(&work).items[&href];
            assert_eq!((there.header("etag"), &there.body), (Some(shown.etag.as_str()), &shown.text), "{user} {name}");
            match there.body == text {
                true => trusted += usize::from(asked == ["PUT"]),
                false => read_again += usize::from(asked == ["PUT", "GET"]),
            }
        }
        assert_eq!(device.account.dialogs, Vec::<String>::new());
    }
    assert!(trusted >= 12 && read_again >= 1, "{trusted} {read_again}");
}
