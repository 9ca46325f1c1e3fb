//! Devices: what each has, how it finds out what changed, and what it has after that.

use super::scene::{Content, Place, Scene, USERS, get_all, name_of};
use crate::harness::Client;
use crate::harness::client::{NAMESPACES, inner};
use std::collections::BTreeMap;

/// How a device finds out what changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Way {
    /// sync-collection on the calendar.
    Tokens,
    /// CTag, then all ETags.
    CTag,
    /// calendar-query for each kind of component, then multiget.
    Queries,
    /// sync-collection on the home, then on the calendar if the home says it changed.
    Home,
}

pub const WAYS: [(Way, Place); 5] = [
    (Way::Tokens, Place::Mount),
    (Way::Home, Place::Mount),
    (Way::CTag, Place::Mount),
    (Way::Queries, Place::Owner),
    (Way::Tokens, Place::Owner),
];
pub const DEVICES: usize = WAYS.len() * USERS.len();

/// One device of one user, with what it has.
#[derive(Clone, Debug)]
pub struct Device {
    pub user: usize,
    pub way: Way,
    pub place: Place,
    pub content: Content,
    pub token: String,
    pub home_token: String,
    /// Earlier states: a device restored from a backup begins at one of them.
    pub earlier: Vec<(String, String, Content)>,
    /// How many of its tokens were not known any more.
    pub refused: usize,
}

impl Device {
    pub fn new(number: usize) -> Self {
        let (way, place) = WAYS[number % WAYS.len()];
        Self {
            user: number / WAYS.len(),
            way,
            place,
            content: Content::new(),
            token: String::new(),
            home_token: String::new(),
            earlier: Vec::new(),
            refused: 0,
        }
    }

    /// One synchronisation; `None`: the calendar is gone.
    pub fn sync(&mut self, scene: &Scene, limit: Option<usize>) {
        self.earlier.push((self.token.clone(), self.home_token.clone(), self.content.clone()));
        let (client, path) = (scene.client(self.user), scene.path(self.user, self.place));
        match self.way {
            Way::Tokens => self.by_tokens(&client, &path, limit),
            Way::Home => self.by_home(&client, &path, limit),
            Way::CTag => {
                let answer = client.propfind(&path, "0", "<CS:getctag/>");
                if answer.status == 404 {
                    return self.forget();
                }
                let tag = answer.multistatus()[&path].properties["getctag"].clone();
                if tag != self.token {
                    self.take(&client, &path, &client.etags(&path));
                    self.token = tag;
                }
            }
            Way::Queries => {
                let mut etags = BTreeMap::new();
                for kind in ["VEVENT", "VTODO", "VJOURNAL"] {
                    let filter =
                        format!("<C:filter><C:comp-filter name=\"VCALENDAR\"><C:comp-filter name=\"{kind}\"/></C:comp-filter></C:filter>");
                    let query = format!("<C:calendar-query {NAMESPACES}><D:prop><D:getetag/></D:prop>{filter}</C:calendar-query>");
                    let answer = client.send("REPORT", &path, &[("depth", "1")], &query);
                    if answer.status == 404 {
                        return self.forget();
                    }
                    etags.extend(answer.multistatus().into_iter().map(|(href, member)| (href, member.properties["getetag"].clone())));
                }
                self.take(&client, &path, &etags);
            }
        }
    }

    pub fn forget(&mut self) {
        self.content.clear();
        self.token.clear();
    }

    /// Takes a whole list of tags: fetches what differs, drops what is not in it.
    pub fn take(&mut self, client: &Client, path: &str, etags: &BTreeMap<String, String>) {
        let known = |href: &str| self.content.get(&name_of(href)).map(|(etag, _)| etag.clone());
        let new: BTreeMap<String, String> =
            etags.iter().filter(|(href, etag)| known(href).as_ref() != Some(*etag)).map(|(h, e)| (h.clone(), e.clone())).collect();
        let names: Vec<String> = etags.keys().map(|href| name_of(href)).collect();
        self.content.retain(|name, _| names.contains(name));
        get_all(client, path, &new, &mut self.content);
    }

    pub fn by_tokens(&mut self, client: &Client, path: &str, limit: Option<usize>) {
        let limit = limit.map(|limit| format!("<D:limit><D:nresults>{limit}</D:nresults></D:limit>")).unwrap_or_default();
        for _ in 0..100 {
            let answer = client.send(
                "REPORT",
                path,
                &[("depth", "0")],
                &format!(
                    "<D:sync-collection {NAMESPACES}><D:sync-token>{}</D:sync-token><D:sync-level>1</D:sync-level>{limit}<D:prop><D:getetag/></D:prop></D:sync-collection>",
                    self.token
                ),
            );
            match answer.status {
                404 => return self.forget(),
                403 => {
                    assert!(answer.body.contains("valid-sync-token") && !self.token.is_empty(), "{}", answer.body);
                    self.refused += 1;
                    self.forget();
                    continue;
                }
                status => assert_eq!(status, 207, "{}", answer.body),
            }
            let mut cut = false;
            let mut changed = BTreeMap::new();
            for (href, member) in answer.multistatus() {
                match member.status {
                    Some(404) => {
                        self.content.remove(&name_of(&href));
                    }
                    Some(507) if href == path => cut = true,
                    Some(status) => panic!("{href} {status}"),
                    None => {
                        changed.insert(href, member.properties["getetag"].clone());
                    }
                }
            }
            get_all(client, path, &changed, &mut self.content);
            self.token = inner(&answer.body, "sync-token").expect("a token");
            if !cut {
                return;
            }
        }
        panic!("synchronising does not end");
    }

    pub fn by_home(&mut self, client: &Client, path: &str, limit: Option<usize>) {
        let home = format!("/dav/calendars/{}/", USERS[self.user]);
        for _ in 0..3 {
            let answer = client.send(
                "REPORT",
                &home,
                &[("depth", "0")],
                &format!(
                    "<D:sync-collection {NAMESPACES}><D:sync-token>{}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:resourcetype/></D:prop></D:sync-collection>",
                    self.home_token
                ),
            );
            if answer.status == 403 {
                assert!(answer.body.contains("valid-sync-token"), "{}", answer.body);
                self.home_token.clear();
                self.forget();
                continue;
            }
            let members = answer.multistatus();
            match members.get(path) {
                Some(member) if member.status == Some(404) => self.forget(),
                Some(_) => self.by_tokens(client, path, limit),
                // Not there at all for a device that begins.
                None if self.home_token.is_empty() => self.forget(),
                None => {}
            }
            // Its owner may have renamed it: what it was before is said to be gone.
            self.home_token = inner(&answer.body, "sync-token").expect("a token");
            return;
        }
        panic!("the home takes no token");
    }
}
