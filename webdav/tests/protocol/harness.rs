//! A store with a few people, and clients whose answers are read as trees.

use acl::Level;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::collections::BTreeMap;
use std::sync::Arc;
use storage::administration::{ApplyFile, ApplyOptions, CalendarEntry, GrantEntry, GroupEntry, UserEntry};
use storage::{Door, Environment, Options, Store};
use webdav::xml::{Element, Name, read};
use webdav::{Limits, Site};

/// Where alice's calendar of these tests is.
pub(crate) const WORK: &str = "/dav/calendars/alice/work/";

/// alice has a calendar `work`; bob has `free-busy` on it, carol `titles`, dan `details`, the group `team` (erin) `edit`;
/// mallory has nothing.
pub(crate) struct World {
    pub(crate) store: Arc<Store>,
    _directory: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_limits(storage::Limits::default())
    }

    pub(crate) fn with_limits(limits: storage::Limits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let counter = std::sync::Mutex::new(0u64);
        let environment = Environment {
            clock: Arc::new(|| "2026-11-02T12:00:00Z".parse().unwrap()),
            entropy: Arc::new(move |bytes: &mut [u8]| {
                let mut counter = counter.lock().unwrap();
                *counter += 1;
                for (index, byte) in bytes.iter_mut().enumerate() {
                    *byte = counter.to_le_bytes()[index % 8] ^ (index as u8).wrapping_mul(31);
                }
            }),
        };
        let store =
            Store::open(directory.path(), Options { environment, limits, directory: storage::Directory::default(), engine: test_engine() })
                .unwrap();
        let users = ["alice", "bob", "carol", "dan", "erin", "mallory"].map(|name| UserEntry {
            name: name.into(),
            display_name: Some(format!("Name of {name}")),
            emails: Some(vec![format!("{name}@example.org"), format!("{name}@example.net")]),
            ..UserEntry::default()
        });
        let grant = |level| GrantEntry { calendar: "alice/work".into(), level: Some(level), ..GrantEntry::default() };
        let user = |name: &str, level| GrantEntry { user: Some(name.into()), ..grant(level) };
        let file = ApplyFile {
            users: users.to_vec(),
            groups: vec![GroupEntry { name: "team".into(), members: vec!["erin".into()] }],
            calendars: vec![CalendarEntry {
                owner: "alice".into(),
                name: "work".into(),
                display_name: Some("Work".into()),
                ..CalendarEntry::default()
            }],
            grants: vec![
                user("bob", Level::FreeBusy),
                user("carol", Level::Titles),
                user("dan", Level::Details),
                GrantEntry { group: Some("team".into()), ..grant(Level::Edit) },
            ],
            ..ApplyFile::default()
        };
        store.administration().apply(&file, ApplyOptions::default()).unwrap().unwrap();
        Self { store, _directory: directory }
    }

    pub(crate) fn client(&self, user: &str) -> Client {
        let principal = self.store.credential(user).unwrap().expect("a user of this world").principal;
        Client { door: self.store.door(principal), user: user.to_owned(), site: Site::default(), limits: Limits::default() }
    }
}

pub(crate) struct Client {
    door: Door,
    pub(crate) user: String,
    pub(crate) site: Site,
    pub(crate) limits: Limits,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Client {
    pub(crate) fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut map = HeaderMap::new();
        map.insert(http::header::HOST, HeaderValue::from_static("localhost:8008"));
        for (name, value) in headers {
            map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
        }
        let body = Bytes::copy_from_slice(body.as_bytes());
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let request = webdav::Request { method: &method, path, query, headers: &map, body: &body };
        let (parts, chunks) = webdav::handle(&request, &self.door, &self.site, &self.limits).into_parts();
        assert!(parts.extensions.get::<webdav::ResourceKind>().is_some());
        assert!(parts.status.as_u16() != 500, "{method} {path}: {:?}", parts.extensions.get::<webdav::Cause>());
        let headers = parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.to_str().unwrap().to_owned())).collect();
        let body = chunks.read().unwrap();
        Answer { status: parts.status.as_u16(), headers, body: String::from_utf8(body).unwrap() }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "")
    }

    pub(crate) fn put(&self, path: &str, body: &str) -> Answer {
        self.send("PUT", path, &[("content-type", "text/calendar; charset=utf-8")], body)
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], "")
    }

    pub(crate) fn propfind(&self, path: &str, depth: &str, properties: &str) -> Answer {
        self.send("PROPFIND", path, &[("depth", depth)], &document("D:propfind", &format!("<D:prop>{properties}</D:prop>")))
    }

    pub(crate) fn proppatch(&self, path: &str, instructions: &str) -> Answer {
        self.send("PROPPATCH", path, &[], &document("D:propertyupdate", instructions))
    }

    /// The text of one property, if it is found.
    pub(crate) fn property(&self, path: &str, property: &str) -> Option<String> {
        let answer = self.propfind(path, "0", &format!("<{property}/>"));
        assert_eq!(answer.status, 207, "{}", answer.body);
        let root = answer.xml();
        let response = root.children().next().unwrap();
        let prop = response.dav("propstat").unwrap();
        let found = prop.dav("status").unwrap().text().contains("200");
        found.then(|| prop.dav("prop").unwrap().children().next().unwrap().text())
    }

    /// Hrefs of the members of a collection, itself left out.
    pub(crate) fn members(&self, path: &str) -> Vec<String> {
        let answer = self.propfind(path, "1", "<D:resourcetype/>");
        assert_eq!(answer.status, 207, "{}", answer.body);
        answer.responses().into_keys().filter(|href| href != path).collect()
    }
}

/// A body with the usual prefixes declared.
pub(crate) fn document(root: &str, content: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<{root} xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\" \
         xmlns:CS=\"http://calendarserver.org/ns/\" xmlns:A=\"http://apple.com/ns/ical/\" xmlns:S=\"urn:shoji:ns\">{content}</{root}>"
    )
}

/// One response of a multistatus: property (local name, with a prefix where two share it) to status and element.
pub(crate) type Properties = BTreeMap<String, (u16, Element)>;

/// See [`Properties`].
pub(crate) fn key_of(name: &Name) -> String {
    match (name.namespace.as_ref(), name.local.as_ref()) {
        ("http://calendarserver.org/ns/", "calendar-availability") => "CS:calendar-availability".to_owned(),
        (_, local) => local.to_owned(),
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn xml(&self) -> Element {
        read::parse(self.body.as_bytes(), &Limits::default()).unwrap_or_else(|_| panic!("not XML: {}", self.body))
    }

    /// The local name of the condition in `DAV:error`, which must not be empty.
    pub(crate) fn condition(&self) -> String {
        let root = self.xml();
        assert!(root.name.is_dav("error"), "{}", self.body);
        // Words for people may stand beside it.
        let conditions: Vec<&Element> = root.children().filter(|child| child.name.namespace != "urn:shoji:ns").collect();
        assert_eq!(conditions.len(), 1, "{}", self.body);
        conditions[0].name.local.to_string()
    }

    /// The responses by href. No property may stand in two propstats.
    pub(crate) fn responses(&self) -> BTreeMap<String, Properties> {
        let root = self.xml();
        assert!(root.name.is_dav("multistatus"), "{}", self.body);
        let mut responses = BTreeMap::new();
        for response in root.children().filter(|child| child.name.is_dav("response")) {
            let href = response.dav("href").unwrap().text();
            let mut properties = Properties::new();
            for propstat in response.children().filter(|child| child.name.is_dav("propstat")) {
                let status = propstat.dav("status").unwrap().text().split(' ').nth(1).unwrap().parse().unwrap();
                for property in propstat.dav("prop").unwrap().children() {
                    let earlier = properties.insert(key_of(&property.name), (status, property.clone()));
                    assert!(earlier.is_none(), "{} stands twice", property.name.local);
                }
            }
            assert!(responses.insert(href, properties).is_none(), "an href stands twice");
        }
        responses
    }

    /// The one response of a multistatus.
    pub(crate) fn only(&self) -> Properties {
        assert_eq!(self.status, 207, "{}", self.body);
        let responses = self.responses();
        assert_eq!(responses.len(), 1, "{}", self.body);
        responses.into_values().next().unwrap()
    }

    /// Local names with this status in the one response.
    pub(crate) fn with_status(&self, status: u16) -> Vec<String> {
        self.only().into_iter().filter(|(_, (s, _))| *s == status).map(|(name, _)| name).collect()
    }
}

/// All elements below with this name, as text.
pub(crate) fn texts(element: &Element, name: &Name) -> Vec<String> {
    let mut found = Vec::new();
    for child in element.children() {
        if child.name == *name {
            found.push(child.text());
        }
        found.extend(texts(child, name));
    }
    found
}

/// An event with these lines besides UID, DTSTAMP and start.
pub(crate) fn event(uid: &str, lines: &str) -> String {
    let lines: String = lines.lines().map(|line| format!("{line}\r\n")).collect();
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\n\
         DTSTART:20261110T090000Z\r\nDTEND:20261110T100000Z\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

/// The engine of stores on disk, from `SHOJI_TEST_ENGINE`: what passes on one has to pass on the other.
fn test_engine() -> Option<storage::EngineKind> {
    let name = std::env::var("SHOJI_TEST_ENGINE").ok()?;
    Some(storage::EngineKind::by_name(&name).unwrap())
}
