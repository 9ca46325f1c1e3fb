//! What a device has of an account, and what its user sees: calendars with what may be done in each, events, error dialogs.
//! A client's own file says how it comes to have that; this one knows no client.

use super::answer::{Member, Missing, MultiStatus, condition, read_multistatus};
use crate::harness::{Answer, Wire};
use std::collections::BTreeMap;

/// Which buttons a calendar has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct May {
    pub create: bool,
    pub edit: bool,
    pub delete: bool,
}

impl May {
    pub const LOOK: Self = Self { create: false, edit: false, delete: false };
    pub const ALL: Self = Self { create: true, edit: true, delete: true };
    pub const NOT_DELETE: Self = Self { create: true, edit: true, delete: false };
}

/// The local copy of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// As the server told it; empty while a client waits to hear it.
    pub etag: String,
    pub text: String,
    /// A change of the user's that the server has not taken yet.
    pub waiting: bool,
}

/// The local copy of a calendar.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    pub name: String,
    pub owner: String,
    pub may: May,
    /// By href.
    pub items: BTreeMap<String, Item>,
    /// The state of the last synchronisation: a sync token, or a CTag where the client goes by that.
    pub state: String,
    /// Off where the client has given it up until the user, or it, tries again.
    pub off: bool,
}

/// One account on one device.
pub struct Account {
    wire: Wire,
    standing: Vec<(&'static str, &'static str)>,
    pub principal: String,
    pub home: String,
    /// By href.
    pub shelves: BTreeMap<String, Shelf>,
    /// Errors the user was shown.
    pub dialogs: Vec<String>,
    /// Everything asked: method, path, status, and whether bodies of events came back.
    pub asked: Vec<(String, String, u16, bool)>,
}

impl Account {
    /// An account of the wire's user; these headers go with every request.
    pub fn new(wire: Wire, standing: &[(&'static str, &'static str)]) -> Self {
        let (principal, home) = (String::new(), String::new());
        Self { wire, standing: standing.to_vec(), principal, home, shelves: BTreeMap::new(), dialogs: Vec::new(), asked: Vec::new() }
    }

    pub fn user(&self) -> &str {
        &self.wire.user
    }

    /// One request. What no client bears, from any request, fails the test here.
    pub fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let standing = self.standing.clone();
        let all: Vec<(&str, &str)> = standing.iter().copied().chain(headers.iter().copied()).collect();
        let answer = self.wire.ask(method, path, &all, body);
        self.note(method, path, &answer);
        answer
    }

    /// The same without signing in.
    pub fn ask_unknown(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let answer = self.wire.ask_unknown(method, path, headers, body);
        self.note(method, path, &answer);
        answer
    }

    fn note(&mut self, method: &str, path: &str, answer: &Answer) {
        assert!(answer.status < 500, "{method} {path}: a permission problem or worse, queued and sent again for ever");
        let moved = (300..400).contains(&answer.status);
        assert!(!moved || path.starts_with("/.well-known/"), "{method} {path}: redirects pop dialogs up");
        assert!(method != "PROPFIND" || answer.status != 403, "{path}: taken for a wrong password");
        if answer.status == 401 {
            assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"shoji\", charset=\"UTF-8\""));
        }
        if answer.status == 403 {
            assert!(condition(answer).is_some(), "{method} {path}: 403 without a reason");
        }
        self.asked.push((method.to_owned(), path.to_owned(), answer.status, answer.body.contains("calendar-data>BEGIN")));
    }

    /// One request, redirects followed as far as clients do.
    pub fn follow(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (String, Answer) {
        let mut path = path.to_owned();
        for _ in 0..5 {
            let answer = self.ask(method, &path, headers, body);
            match answer.header("location").filter(|_| (300..400).contains(&answer.status)) {
                Some(location) => path = location.to_owned(),
                None => return (path, answer),
            }
        }
        panic!("{path}: redirects without end");
    }

    /// An answer, as the standing headers want it.
    pub fn read(&self, asked: &str, answer: &Answer) -> MultiStatus {
        let minimal = self.standing.contains(&("prefer", "return=minimal"));
        read_multistatus(asked, answer, if minimal { Missing::LeftOut } else { Missing::Listed })
    }

    /// A PROPFIND that has to be answered.
    pub fn properties(&mut self, path: &str, depth: &str, headers: &[(&str, &str)], body: &str) -> MultiStatus {
        let mut all = vec![("depth", depth), ("content-type", "application/xml; charset=utf-8")];
        all.extend_from_slice(headers);
        let answer = self.ask("PROPFIND", path, &all, body);
        self.read(body, &answer)
    }

    /// Takes the calendars for events in a listing of the home; `buttons` reads their privileges. What is not listed goes.
    pub fn take_calendars(&mut self, listing: &MultiStatus, buttons: impl Fn(&Member) -> May) {
        let for_events = |member: &Member| {
            member.element("C:supported-calendar-component-set").is_none()
                || member.components().iter().any(|component| component == "VEVENT")
        };
        let is_calendar = |member: &&Member| member.has("D:resourcetype", "C:calendar") && for_events(member);
        let calendars: Vec<&Member> = listing.members.iter().filter(is_calendar).collect();
        self.shelves.retain(|href, _| calendars.iter().any(|member| member.href == *href));
        for member in calendars {
            let shelf = self.shelves.entry(member.href.clone()).or_default();
            shelf.name = member.text("D:displayname").unwrap_or_else(|| last_segment(&member.href));
            shelf.may = buttons(member);
        }
    }

    /// Replaces what is known by what a sync-collection tells: what is gone goes; gives what is to be fetched.
    pub fn take_changes(&mut self, calendar: &str, told: &MultiStatus) -> Vec<String> {
        let shelf = self.shelf_mut(calendar);
        for gone in told.members.iter().filter(|member| member.status == Some(404)) {
            shelf.items.remove(&gone.href);
        }
        let tags = Self::tags(told, calendar);
        let differs = |href: &String| shelf.items.get(href).is_none_or(|item| item.etag != tags[href]);
        tags.keys().filter(|href| differs(href)).cloned().collect()
    }

    pub fn shelf(&self, calendar: &str) -> &Shelf {
        &self.shelves[calendar]
    }

    pub fn shelf_mut(&mut self, calendar: &str) -> &mut Shelf {
        self.shelves.get_mut(calendar).expect("a calendar of this account")
    }

    /// Takes a whole list of tags. What is not in it goes, unless it waits to be sent; gives what is to be fetched.
    pub fn compare(&mut self, calendar: &str, listed: &BTreeMap<String, String>) -> Vec<String> {
        let shelf = self.shelf_mut(calendar);
        shelf.items.retain(|href, item| listed.contains_key(href) || item.waiting);
        let differs = |(href, etag): &(&String, &String)| shelf.items.get(*href).is_none_or(|item| item.etag != **etag);
        listed.iter().filter(differs).map(|(href, _)| href.clone()).collect()
    }

    /// Fetches these, so many at a time; `body` has `{hrefs}` where an `element` for each goes. What comes replaces what
    /// waited; what is answered 404 goes.
    pub fn multiget(&mut self, calendar: &str, hrefs: &[String], batch: usize, headers: &[(&str, &str)], body: &str, element: &str) {
        for hrefs in hrefs.chunks(batch) {
            let list: String = hrefs.iter().map(|href| element.replace("{}", href)).collect();
            let body = body.replace("{hrefs}", &list);
            let answer = self.ask("REPORT", calendar, headers, &body);
            let mut missing: Vec<&String> = hrefs.iter().collect();
            for member in self.read(&body, &answer).members {
                missing.retain(|href| **href != member.href);
                let shelf = self.shelf_mut(calendar);
                if member.status == Some(404) {
                    shelf.items.remove(&member.href);
                    continue;
                }
                let etag = member.text("D:getetag").expect("every member has its tag");
                let text = member.element("C:calendar-data").expect("every member has its data").text();
                shelf.items.insert(member.href, Item { etag, text, waiting: false });
            }
            assert!(missing.is_empty(), "asked for {missing:?}, told nothing");
        }
    }

    /// hrefs and tags of a listing, the collection itself left out.
    pub fn tags(listing: &MultiStatus, calendar: &str) -> BTreeMap<String, String> {
        let members = listing.members.iter().filter(|member| member.href != calendar && member.status.is_none());
        members.map(|member| (member.href.clone(), member.text("D:getetag").expect("every member has its tag"))).collect()
    }
}

/// What a client is, for its user.
pub trait Program {
    fn account(&self) -> &Account;
    fn account_mut(&mut self) -> &mut Account;
    /// The account is added: all is found from the server's name alone, and fetched.
    fn set_up(&mut self);
    /// What it does by itself from time to time.
    fn refresh(&mut self);
    /// It is closed and opened again, or told to look for calendars anew.
    fn reopen(&mut self);
    /// The user saves an event, a new one where nothing stands at the href.
    fn save(&mut self, calendar: &str, href: &str, text: &str);
    /// The user deletes an event.
    fn remove(&mut self, calendar: &str, href: &str);
}

/// What a calendar without a name is called.
pub fn last_segment(href: &str) -> String {
    href.trim_end_matches('/').rsplit('/').next().unwrap().to_owned()
}

/// The titles in a calendar object, one for each component.
pub fn titles(text: &str) -> Vec<String> {
    let lines = text.replace("\r\n ", "").replace('\r', "");
    lines.lines().filter_map(|line| line.strip_prefix("SUMMARY:")).map(str::to_owned).collect()
}

impl dyn Program + '_ {
    /// The one calendar that is not the user's own default.
    pub fn work(&self) -> Option<String> {
        let mut others = self.account().shelves.iter().filter(|(href, shelf)| !href.ends_with("/default/") && !shelf.off);
        let work = others.next().map(|(href, _)| href.clone());
        assert!(others.next().is_none(), "a calendar is there twice: {:?}", self.account().shelves.keys());
        work
    }

    /// The titles the user sees in it, sorted; one of each component.
    pub fn screen(&self) -> Vec<String> {
        let Some(work) = self.work() else { return Vec::new() };
        let mut all: Vec<String> = self.account().shelf(&work).items.values().flat_map(|item| titles(&item.text)).collect();
        all.sort();
        all
    }

    pub fn may(&self) -> May {
        self.work().map_or(May::LOOK, |work| self.account().shelf(&work).may)
    }

    /// The href of the event whose first title is this.
    pub fn find(&self, title: &str) -> Option<String> {
        let work = self.work()?;
        let shelf = self.account().shelf(&work);
        shelf.items.iter().find(|(_, item)| titles(&item.text).first().is_some_and(|first| first == title)).map(|(href, _)| href.clone())
    }

    /// The user gives an event another title, if there is one of that name and the buttons for it.
    pub fn retitle(&mut self, from: &str, to: &str) -> bool {
        let (Some(work), Some(href)) = (self.work(), self.find(from)) else { return false };
        if !self.may().edit {
            return false;
        }
        let text = self.account().shelf(&work).items[&href].text.replacen(&format!("SUMMARY:{from}"), &format!("SUMMARY:{to}"), 1);
        self.save(&work, &href, &text);
        true
    }

    /// The user deletes an event, likewise.
    pub fn discard(&mut self, title: &str) -> bool {
        let (Some(work), Some(href)) = (self.work(), self.find(title)) else { return false };
        if !self.may().delete {
            return false;
        }
        self.remove(&work, &href);
        true
    }

    /// What was asked since the last look.
    pub fn take_asked(&mut self) -> Vec<(String, String, u16, bool)> {
        std::mem::take(&mut self.account_mut().asked)
    }

    pub fn take_dialogs(&mut self) -> Vec<String> {
        std::mem::take(&mut self.account_mut().dialogs)
    }
}
