//! Reading a multistatus as clients do, and what all of them need of every one: whatever is asked comes back, found or
//! missing, once; hrefs are absolute paths, each once; tags are strong and quoted; nothing but 200 and 404.

use crate::harness::Answer;
use std::collections::BTreeSet;
use webdav::Limits;
use webdav::xml::name::{APPLE, CALDAV, CALENDAR_SERVER, DAV};
use webdav::xml::{Element, Name, read};

/// A name as tests write it: `D:`, `C:`, `CS:` or `A:` before the local one.
pub fn name(short: &str) -> Name {
    let (prefix, local) = short.split_once(':').unwrap();
    let namespace = match prefix {
        "D" => DAV,
        "C" => CALDAV,
        "CS" => CALENDAR_SERVER,
        "A" => APPLE,
        other => panic!("no such prefix: {other}"),
    };
    Name::new(namespace, local)
}

/// One response.
#[derive(Clone, Debug)]
pub struct Member {
    pub href: String,
    /// Where it has a status of its own: 404, or 507 for the request's own href.
    pub status: Option<u16>,
    pub found: Vec<Element>,
    pub missing: Vec<Name>,
}

impl Member {
    pub fn element(&self, short: &str) -> Option<&Element> {
        let name = name(short);
        self.found.iter().find(|element| element.name == name)
    }

    /// The text of a property; without the blanks around it.
    pub fn text(&self, short: &str) -> Option<String> {
        self.element(short).map(Element::trimmed_text)
    }

    /// The hrefs in a property.
    pub fn hrefs(&self, short: &str) -> Vec<String> {
        let hrefs = self.element(short).into_iter().flat_map(Element::children).filter(|child| child.name.is_dav("href"));
        hrefs.map(Element::trimmed_text).collect()
    }

    /// Whether a property holds an empty element of this name, e.g. a kind in a `resourcetype`.
    pub fn has(&self, property: &str, kind: &str) -> bool {
        let kind = name(kind);
        self.element(property).is_some_and(|element| element.children().any(|child| child.name == kind))
    }

    /// Local names of the privileges; `None` where the property is missing.
    pub fn privileges(&self) -> Option<BTreeSet<String>> {
        let set = self.element("D:current-user-privilege-set")?;
        Some(set.children().flat_map(Element::children).map(|privilege| privilege.name.local.to_string()).collect())
    }

    /// Names of the components in `supported-calendar-component-set`.
    pub fn components(&self) -> Vec<String> {
        let set = self.element("C:supported-calendar-component-set");
        set.into_iter().flat_map(Element::children).filter_map(|comp| comp.attribute("name")).map(str::to_owned).collect()
    }
}

/// A multistatus in the order of its responses.
#[derive(Clone, Debug)]
pub struct MultiStatus {
    pub members: Vec<Member>,
    pub sync_token: Option<String>,
}

impl MultiStatus {
    /// The first response, the only one that some clients look at.
    pub fn first(&self) -> &Member {
        self.members.first().expect("a response")
    }

    pub fn member(&self, href: &str) -> &Member {
        self.members.iter().find(|member| member.href == href).unwrap_or_else(|| panic!("no response for {href}"))
    }
}

fn tree(body: &str) -> Element {
    read::parse(body.as_bytes(), &Limits::default()).unwrap_or_else(|_| panic!("no XML: {body}"))
}

/// The condition in a refusal's `DAV:error`, which must say something: an empty one is another server's way to say
/// "slower", and stops a client for good.
pub fn condition(answer: &Answer) -> Option<String> {
    if answer.status < 400 || answer.body.is_empty() || !answer.header("content-type").is_some_and(|kind| kind.contains("xml")) {
        return None;
    }
    let root = tree(&answer.body);
    assert!(root.name.is_dav("error"), "{}", answer.body);
    let condition = root.children().next().unwrap_or_else(|| panic!("an empty error: {}", answer.body));
    Some(condition.name.local.to_string())
}

/// Reads the answer to a request with this body.
pub fn multistatus(asked: &str, answer: &Answer) -> MultiStatus {
    read_multistatus(asked, answer, Missing::Listed)
}

/// Whether the client wanted to hear of what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    Listed,
    /// `Prefer: return=minimal`, or `Brief: t`.
    LeftOut,
}

pub fn read_multistatus(asked: &str, answer: &Answer, missing: Missing) -> MultiStatus {
    assert_eq!(answer.status, 207, "{asked}: {}", answer.body);
    assert_eq!(answer.header("content-type"), Some("application/xml; charset=utf-8"));
    let root = tree(&answer.body);
    assert!(root.name.is_dav("multistatus"), "{}", answer.body);
    let asked: BTreeSet<Name> = match asked {
        "" => BTreeSet::new(),
        asked => tree(asked).dav("prop").into_iter().flat_map(Element::children).map(|property| property.name.clone()).collect(),
    };
    let members: Vec<Member> =
        root.children().filter(|child| child.name.is_dav("response")).map(|response| member(response, &asked, missing)).collect();
    let hrefs: BTreeSet<&str> = members.iter().map(|member| member.href.as_str()).collect();
    assert_eq!(hrefs.len(), members.len(), "an href stands twice: {}", answer.body);
    let sync_token = root.dav("sync-token").map(Element::trimmed_text);
    assert!(sync_token.as_ref().is_none_or(|token| token.contains(':')), "a token looks like a URI: {sync_token:?}");
    MultiStatus { members, sync_token }
}

fn status(element: &Element) -> u16 {
    let line = element.dav("status").expect("a status").text();
    assert!(line.starts_with("HTTP/1.1 "), "{line}");
    line.split(' ').nth(1).unwrap().parse().unwrap()
}

fn member(response: &Element, asked: &BTreeSet<Name>, missing: Missing) -> Member {
    let href = response.dav("href").expect("an href").text();
    assert!(href.starts_with('/') && !href.contains("//") && !href.contains(' '), "{href:?} is no absolute path");
    let mut member = Member { href, status: None, found: Vec::new(), missing: Vec::new() };
    let propstats: Vec<&Element> = response.children().filter(|child| child.name.is_dav("propstat")).collect();
    if propstats.is_empty() {
        member.status = Some(status(response));
        assert!(matches!(member.status, Some(404 | 507)), "{member:?}");
        return member;
    }
    assert!(response.dav("status").is_none(), "propstats or a status");
    let mut named = BTreeSet::new();
    for propstat in propstats {
        for property in propstat.dav("prop").expect("a prop").children() {
            assert!(named.insert(property.name.clone()), "{:?} of {} stands twice", property.name, member.href);
            match status(propstat) {
                200 => member.found.push(property.clone()),
                404 => member.missing.push(property.name.clone()),
                other => panic!("{other} for {:?} of {}", property.name, member.href),
            }
        }
    }
    let complete = match missing {
        Missing::Listed => asked.is_empty() || *asked == named,
        Missing::LeftOut => member.missing.is_empty() && (asked.is_empty() || named.is_subset(asked)),
    };
    assert!(complete, "asked for {asked:?}, told {named:?}");
    if member.has("D:resourcetype", "D:collection") {
        assert!(member.href.ends_with('/'), "{}", member.href);
        assert!(!(member.has("D:resourcetype", "C:calendar") && member.has("D:resourcetype", "C:schedule-outbox")));
    }
    if let Some(etag) = member.text("D:getetag") {
        assert!(etag.len() > 2 && etag.starts_with('"') && etag.ends_with('"'), "{etag} is not strong and quoted");
    }
    // A collection's is that of the words that a browser is shown (RFC 4918 §15.5).
    if let Some(kind) = member.text("D:getcontenttype").filter(|_| !member.has("D:resourcetype", "D:collection")) {
        assert!(kind.starts_with("text/calendar; charset=utf-8; component=v"), "{kind}");
    }
    member
}
