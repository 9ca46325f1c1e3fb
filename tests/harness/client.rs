//! A client: sends whole requests through the protocol to one user's door, and reads answers as far as tests need.

use super::saboteur::{self, Asked};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::collections::BTreeMap;
use std::sync::Arc;
use storage::{Door, Store};

/// As the server's limit is where nothing else is said.
const JSON_BYTES_MAX: usize = 1 << 20;

/// One user's client.
pub struct Client {
    store: Arc<Store>,
    door: Door,
    pub user: String,
    site: webdav::Site,
    limits: webdav::Limits,
    /// The owner's client, for a saboteur to use.
    spy: Option<Box<Client>>,
}

/// All of an answer that leaves the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// Sorted by name; `Date` is the server's and not among them.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// One response of a multistatus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// Where it has a status of its own, e.g. 404.
    pub status: Option<u16>,
    /// Property (local name) to its inner XML, of the 200 propstat.
    pub properties: BTreeMap<String, String>,
    /// Local names of the 404 propstat.
    pub missing: Vec<String>,
}

impl Client {
    pub fn new(store: &Arc<Store>, principal: acl::PrincipalId, user: &str) -> Self {
        let (store, door) = (store.clone(), store.door(principal));
        Self { store, door, user: user.to_owned(), site: webdav::Site::default(), limits: webdav::Limits::default(), spy: None }
    }

    /// The same, calling itself so.
    pub fn called(self, name: &str) -> Self {
        Self { door: self.door.with_client(storage::ClientName::from_user_agent(name.as_bytes())), ..self }
    }

    /// The same with other bounds of requests and answers.
    pub fn with_limits(self, limits: webdav::Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same with the owner's client, for a saboteur to use.
    pub fn betrayed(self, owner: Self) -> Self {
        Self { spy: Some(Box::new(owner)), ..self }
    }

    /// The path of a calendar, e.g. `alice/work`.
    pub fn path(calendar: &str) -> String {
        format!("/dav/calendars/{calendar}/")
    }

    /// Makes a subscription to a calendar elsewhere, with these properties besides.
    pub fn subscribe(&self, path: &str, source: &str, properties: &str) -> Answer {
        let kind = "<D:resourcetype><D:collection/><CS:subscribed/></D:resourcetype>";
        let set = format!("<D:set><D:prop>{kind}<CS:source><D:href>{source}</D:href></CS:source>{properties}</D:prop></D:set>");
        self.send("MKCOL", path, &[("content-type", "application/xml")], &format!("<D:mkcol {NAMESPACES}>{set}</D:mkcol>"))
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.send_bytes(method, path, headers, body.as_bytes())
    }

    pub fn send_bytes(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let answer = self.honest(method, path, headers, body);
        match &self.spy {
            Some(owner) => saboteur::spoil(&Asked { method, path, body: &String::from_utf8_lossy(body) }, self, owner, answer),
            None => answer,
        }
    }

    fn honest(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut map = HeaderMap::new();
        map.insert(http::header::HOST, HeaderValue::from_static("shoji.test"));
        for (name, value) in headers {
            map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let body = Bytes::copy_from_slice(body);
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let request = webdav::Request { method: &method, path, query, headers: &map, body: &body };
        let response = if path.starts_with(webdav::link::PREFIX) {
            let door = webdav::link::secret(path).map(|secret| self.store.link_door(secret));
            webdav::link::handle(&request, door.as_ref(), &self.limits)
        } else if shoji::api::is_api(path) {
            let context = shoji::api::Context { site: &self.site, store: &self.store, json_bytes_max: JSON_BYTES_MAX };
            shoji::api::handle(&request, &self.door, &context)
        } else {
            // As the server does: what is at hand is not asked for twice.
            let at_hand = shoji::router::at_hand::answer(&request, &self.door, &self.site, &self.limits).unwrap();
            at_hand.unwrap_or_else(|| webdav::handle(&request, &self.door, &self.site, &self.limits))
        };
        let (parts, chunks) = response.into_parts();
        let mut headers: Vec<(String, String)> = parts
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        headers.sort();
        let body = chunks.read().unwrap();
        Answer { status: parts.status.as_u16(), headers, body: String::from_utf8_lossy(&body).into_owned() }
    }

    /// One request to the interface for programs, below its root; a change says that it is JSON.
    pub fn api(&self, method: &str, path: &str, body: &str) -> Answer {
        let json = [("content-type", "application/json")];
        let headers: &[(&str, &str)] = if matches!(method, "PUT" | "POST") { &json } else { &[] };
        self.send(method, &format!("{}{path}", shoji::api::ROOT), headers, body)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    pub fn put(&self, path: &str, body: &str) -> Answer {
        self.send("PUT", path, &[("content-type", "text/calendar; charset=utf-8")], body)
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], "")
    }

    pub fn propfind(&self, path: &str, depth: &str, properties: &str) -> Answer {
        let body = format!("<D:propfind {NAMESPACES}><D:prop>{properties}</D:prop></D:propfind>");
        self.send("PROPFIND", path, &[("depth", depth)], &body)
    }

    /// The hrefs of all members of a collection but itself, sorted.
    pub fn members(&self, path: &str) -> Vec<String> {
        let answer = self.propfind(path, "1", "<D:getetag/>");
        assert_eq!(answer.status, 207, "{}", answer.body);
        let mut hrefs: Vec<String> = answer.multistatus().into_keys().filter(|href| href != path).collect();
        hrefs.sort();
        hrefs
    }

    /// Shown names and tags of a calendar's objects.
    pub fn etags(&self, path: &str) -> BTreeMap<String, String> {
        let answer = self.propfind(path, "1", "<D:getetag/>");
        answer.multistatus().into_iter().filter(|(href, _)| href != path).map(|(href, m)| (href, m.properties["getetag"].clone())).collect()
    }

    pub fn sync_token(&self, path: &str) -> String {
        let answer = self.propfind(path, "0", "<D:sync-token/>");
        answer.multistatus().remove(path).expect("the collection itself").properties["sync-token"].clone()
    }

    /// A sync-collection report: what changed, what is gone, and the new token; `Err` is a refusal.
    pub fn sync(&self, path: &str, token: &str) -> Result<Synced, Answer> {
        let body = format!(
            "<D:sync-collection {NAMESPACES}><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>"
        );
        let answer = self.send("REPORT", path, &[("depth", "0")], &body);
        if answer.status != 207 {
            return Err(answer);
        }
        let token = inner(&answer.body, "sync-token").expect("a token");
        let (mut changed, mut removed) = (BTreeMap::new(), Vec::new());
        for (href, member) in answer.multistatus() {
            match member.status {
                Some(404) => removed.push(href),
                _ => {
                    changed.insert(href, member.properties["getetag"].clone());
                }
            }
        }
        Ok((changed, removed, token))
    }

    /// calendar-data of the objects that a calendar-query finds, by href.
    pub fn query(&self, path: &str, filter: &str) -> BTreeMap<String, String> {
        let body = format!(
            "<C:calendar-query {NAMESPACES}><D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter><C:comp-filter name=\"VCALENDAR\">{filter}</C:comp-filter></C:filter></C:calendar-query>"
        );
        self.data(&self.send("REPORT", path, &[("depth", "1")], &body))
    }

    pub fn multiget(&self, path: &str, hrefs: &[String]) -> Answer {
        let hrefs: String = hrefs.iter().map(|href| format!("<D:href>{href}</D:href>")).collect();
        let body =
            format!("<C:calendar-multiget {NAMESPACES}><D:prop><D:getetag/><C:calendar-data/></D:prop>{hrefs}</C:calendar-multiget>");
        self.send("REPORT", path, &[("depth", "1")], &body)
    }

    /// calendar-data by href, unescaped.
    pub fn data(&self, answer: &Answer) -> BTreeMap<String, String> {
        assert_eq!(answer.status, 207, "{}", answer.body);
        answer
            .multistatus()
            .into_iter()
            .filter_map(|(href, member)| member.properties.get("calendar-data").map(|data| (href, unescape(data))))
            .collect()
    }

    pub fn free_busy(&self, path: &str, start: &str, end: &str) -> Answer {
        let body = format!("<C:free-busy-query {NAMESPACES}><C:time-range start=\"{start}\" end=\"{end}\"/></C:free-busy-query>");
        self.send("REPORT", path, &[("depth", "1")], &body)
    }
}

/// What a sync-collection report tells: changed names with their tags, names that are gone, the new token.
pub type Synced = (BTreeMap<String, String>, Vec<String>, String);

/// For bodies of requests.
pub const NAMESPACES: &str = "xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\" xmlns:CS=\"http://calendarserver.org/ns/\" xmlns:A=\"http://apple.com/ns/ical/\"";

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body of the interface for programs.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.body))
    }

    /// The word of a refusal, and the key it names.
    pub fn problem(&self) -> (u16, String, Option<String>) {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let json = self.json();
        assert_eq!(json["status"], self.status, "{json}");
        (self.status, json["code"].as_str().unwrap().to_owned(), json["key"].as_str().map(str::to_owned))
    }

    /// The responses of a multistatus by href. Our own writer's form is known, so plain searching does.
    pub fn multistatus(&self) -> BTreeMap<String, Member> {
        let mut members = BTreeMap::new();
        for response in elements(&self.body, "response") {
            let href = inner(&response, "href").expect("every response has an href");
            let mut member = Member::default();
            let propstats = elements(&response, "propstat");
            if propstats.is_empty() {
                member.status = inner(&response, "status").and_then(|line| line.split(' ').nth(1)?.parse().ok());
            }
            for propstat in propstats {
                let status = inner(&propstat, "status").expect("every propstat has a status");
                let prop = inner(&propstat, "prop").unwrap_or_default();
                for (name, content) in children(&prop) {
                    if status.contains(" 200 ") {
                        member.properties.insert(name, content);
                    } else {
                        member.missing.push(name);
                    }
                }
            }
            members.insert(href, member);
        }
        members
    }
}

fn local(tag: &str) -> &str {
    let name = tag.split([' ', '/', '>']).next().unwrap_or_default();
    name.rsplit(':').next().unwrap_or_default()
}

/// Direct child elements of a fragment: local name and inner XML.
fn children(fragment: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = fragment;
    while let Some(open) = rest.find('<') {
        let tag_end = open + rest[open..].find('>').expect("a tag ends");
        let tag = &rest[open + 1..tag_end];
        if tag.starts_with(['?', '!']) {
            rest = &rest[tag_end + 1..];
            continue;
        }
        let full = tag.split([' ', '/']).next().unwrap_or_default().to_owned();
        if tag.ends_with('/') {
            found.push((local(tag).to_owned(), String::new()));
            rest = &rest[tag_end + 1..];
            continue;
        }
        let (open_tag, close_tag) = (format!("<{full}"), format!("</{full}>"));
        let (mut depth, mut at) = (1, tag_end + 1);
        let content_end = loop {
            let close = at + rest[at..].find(&close_tag).expect("an element ends");
            let nested = rest[at..close].match_indices(&open_tag).filter(|(index, _)| {
                let after = &rest[at + index + open_tag.len()..];
                let closed = after[..after.find('>').unwrap_or(0)].ends_with('/');
                after.starts_with(['>', ' ', '/']) && !closed
            });
            depth += nested.count();
            depth -= 1;
            at = close + close_tag.len();
            if depth == 0 {
                break close;
            }
        };
        found.push((local(tag).to_owned(), rest[tag_end + 1..content_end].to_owned()));
        rest = &rest[at..];
    }
    found
}

/// Inner XML of all elements with this local name, at any depth, outermost first.
pub fn elements(fragment: &str, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (child, content) in children(fragment) {
        if child == name {
            found.push(content);
        } else {
            found.extend(elements(&content, name));
        }
    }
    found
}

/// Ways to write an href.
pub fn variants(path: &str) -> Vec<String> {
    let every_byte: String = path.bytes().map(|b| if b == b'/' { "/".to_owned() } else { format!("%{b:02X}") }).collect();
    let lower: String = path.bytes().map(|b| if b == b'/' { "/".to_owned() } else { format!("%{b:02x}") }).collect();
    let (parent, name) = path.trim_end_matches('/').rsplit_once('/').unwrap();
    vec![
        path.to_owned(),
        format!("{path}/"),
        path.trim_end_matches('/').to_owned(),
        every_byte.clone(),
        lower,
        every_byte.replace('%', "%25"),
        format!("{parent}//{name}"),
        format!("{parent}%2F{name}"),
        format!("{parent}/./{name}"),
        format!("{parent}/x/../{name}"),
        format!("{parent}/{name};x=1"),
        format!("{parent}/{}", name.to_uppercase()),
        format!("{parent}/{name}%00"),
        format!("{parent}/{name}%0d%0a"),
        format!("/{path}"),
    ]
}

/// Inner XML of the first direct or nested element with this local name.
pub fn inner(fragment: &str, name: &str) -> Option<String> {
    let direct = children(fragment);
    direct
        .iter()
        .find(|(child, _)| child == name)
        .map(|(_, content)| content.clone())
        .or_else(|| direct.iter().find_map(|(_, content)| inner(content, name)))
}

/// Text of XML content.
pub fn unescape(text: &str) -> String {
    text.replace("&#13;", "\r")
        .replace("&#10;", "\n")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}
