//! Answers read: a multistatus (RFC 4918 §13) as a list of what each href has and lacks.

use super::name;
use crate::dispatch::Limits;
use crate::xml::{Element, Name, read};

/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// Elements of an answer.
const ANSWER_ELEMENTS_MAX: usize = 400_000;

/// An answer that is no multistatus: not XML, or XML of another kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer is no multistatus")]
pub struct Unreadable;

/// One response of a multistatus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// As the server wrote it.
    pub href: String,
    /// Its status as a whole, if it has one.
    pub status: Option<u16>,
    found: Vec<Element>,
}

impl Answered {
    /// The value of a property that was found, by its short name (`D:getetag`).
    fn property(&self, short: &str) -> Option<&Element> {
        let name = name(short)?;
        self.found.iter().find(|element| element.name == name)
    }
    /// Whether a property was found.
    pub fn has(&self, short: &str) -> bool {
        self.property(short).is_some()
    }
    /// The text of a property.
    pub fn text(&self, short: &str) -> Option<String> {
        self.property(short).map(Element::trimmed_text)
    }
    /// The hrefs that stand in a property.
    pub fn hrefs(&self, short: &str) -> Vec<String> {
        let hrefs = self.property(short).into_iter().flat_map(Element::children).filter(|child| child.name.is_dav("href"));
        hrefs.map(Element::trimmed_text).collect()
    }
    /// Whether its resource type says that it is a calendar (RFC 4791 §4.2).
    pub fn is_calendar(&self) -> bool {
        self.property("D:resourcetype").is_some_and(|kind| kind.caldav("calendar").is_some())
    }
    /// Local names of the reports it supports (RFC 3253 §3.1.5).
    pub fn reports(&self) -> Vec<String> {
        let set = self.property("D:supported-report-set").into_iter().flat_map(Element::children);
        let reports = set.filter_map(|supported| supported.dav("report")).flat_map(Element::children);
        reports.map(|report| report.name.local.to_string()).collect()
    }
    /// Local names of the viewer's privileges (RFC 3744 §5.4).
    pub fn privileges(&self) -> Vec<String> {
        let set = self.property("D:current-user-privilege-set").into_iter().flat_map(Element::children);
        set.flat_map(Element::children).map(|privilege| privilege.name.local.to_string()).collect()
    }
}

fn root(body: &[u8]) -> Option<Element> {
    let limits = Limits { xml_bytes_max: ANSWER_BYTES_MAX, xml_elements_max: ANSWER_ELEMENTS_MAX, ..Limits::default() };
    read::parse(body, &limits).ok()
}

/// Reads the body of a 207.
///
/// # Errors
/// It is something else.
pub fn multistatus(body: &[u8]) -> Result<Vec<Answered>, Unreadable> {
    let root = root(body).filter(|root| root.name.is_dav("multistatus")).ok_or(Unreadable)?;
    root.children().filter(|child| child.name.is_dav("response")).map(answered).collect()
}

fn answered(response: &Element) -> Result<Answered, Unreadable> {
    let href = response.dav("href").ok_or(Unreadable)?.trimmed_text();
    let mut found = Vec::new();
    for propstat in response.children().filter(|child| child.name.is_dav("propstat")) {
        if propstat.dav("status").and_then(code).is_some_and(|code| (200..300).contains(&code)) {
            found.extend(propstat.dav("prop").into_iter().flat_map(Element::children).cloned());
        }
    }
    Ok(Answered { href, status: response.dav("status").and_then(code), found })
}

/// `HTTP/1.1 404 Not Found`
fn code(status: &Element) -> Option<u16> {
    status.text().split_whitespace().nth(1)?.parse().ok()
}

/// Whether a body is a `DAV:error` (RFC 4918 §16): the words of a WebDAV server, not of something before it.
pub fn is_error(body: &[u8]) -> bool {
    root(body).is_some_and(|root| root.name == Name::dav("error"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::{Unreadable, is_error, multistatus};

    #[test]
    fn each_href_has_what_was_found_and_nothing_else() {
        let body = br#"<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:cal="urn:ietf:params:xml:ns:caldav">
            <d:response><d:href> /dav/work/ </d:href>
              <d:propstat><d:prop><d:resourcetype><d:collection/><cal:calendar/></d:resourcetype>
                <d:owner><d:href>/p/a/</d:href></d:owner>
                <d:supported-report-set><d:supported-report><d:report><d:sync-collection/></d:report></d:supported-report></d:supported-report-set>
                <d:current-user-privilege-set><d:privilege><d:read/></d:privilege><d:privilege><d:bind/></d:privilege></d:current-user-privilege-set>
              </d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>
              <d:propstat><d:prop><d:getetag/></d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat></d:response>
            <d:response><d:href>/gone</d:href><d:status>HTTP/1.1 404 Not Found</d:status></d:response></d:multistatus>"#;
        let answered = multistatus(body).unwrap();
        assert_eq!(answered.len(), 2);
        let (work, gone) = (answered.first().unwrap(), answered.last().unwrap());
        assert_eq!((work.href.as_str(), work.status), ("/dav/work/", None));
        assert!(work.is_calendar() && !work.has("D:getetag") && !gone.is_calendar());
        assert_eq!(work.hrefs("D:owner"), ["/p/a/"]);
        assert_eq!(work.reports(), ["sync-collection"]);
        assert_eq!(work.privileges(), ["read", "bind"]);
        assert_eq!(gone.status, Some(404));
    }

    #[test]
    fn what_is_no_multistatus_is_told_so() {
        for body in
            ["", "<html><body>Sign in</body></html>", "<multistatus/>", "<D:multistatus xmlns:D=\"DAV:\"><D:response/></D:multistatus>"]
        {
            assert_eq!(multistatus(body.as_bytes()), Err(Unreadable), "{body}");
        }
        assert!(is_error(b"<error xmlns=\"DAV:\"/>") && !is_error(b"<html/>"));
    }
}
