//! Bodies of requests as a client spells them. What varies between clients is the prefix of each namespace and the
//! properties asked for; what a body means is the same for all.

use super::name;
use crate::xml::Writer;
use crate::xml::name::{APPLE, CALDAV, CALENDAR_SERVER, DAV};

/// The prefix a client binds to each namespace; an empty one is the default namespace.
///
/// Property names are given in short form: `D:displayname`, `C:calendar-home-set`, `CS:getctag`, `A:calendar-color`,
/// separated by white space. Words of another form are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spelling {
    /// `DAV:`
    pub dav: &'static str,
    /// CalDAV.
    pub caldav: &'static str,
    /// Apple's calendar server.
    pub calendar_server: &'static str,
    /// Apple's calendars.
    pub apple: &'static str,
}

impl Spelling {
    /// Tag name of a short name.
    fn tag(&self, short: &str) -> Option<String> {
        let name = name(short)?;
        let prefix = match name.namespace.as_ref() {
            CALDAV => self.caldav,
            CALENDAR_SERVER => self.calendar_server,
            APPLE => self.apple,
            _ => self.dav,
        };
        Some(if prefix.is_empty() { name.local.into_owned() } else { format!("{prefix}:{}", name.local) })
    }

    fn element(&self, short: &str, attributes: &str, content: &str) -> String {
        let Some(tag) = self.tag(short) else { return String::new() };
        if content.is_empty() { format!("<{tag}{attributes}/>") } else { format!("<{tag}{attributes}>{content}</{tag}>") }
    }

    fn document(&self, root: &str, content: &str) -> String {
        let namespaces =
            [(self.dav, DAV), (self.caldav, CALDAV), (self.calendar_server, CALENDAR_SERVER), (self.apple, APPLE)].map(|(prefix, uri)| {
                let colon = if prefix.is_empty() { "" } else { ":" };
                format!(" xmlns{colon}{prefix}=\"{uri}\"")
            });
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", self.element(root, &namespaces.concat(), content))
    }

    fn prop(&self, properties: &str) -> String {
        let names: String = properties.split_whitespace().map(|short| self.element(short, "", "")).collect();
        self.element("D:prop", "", &names)
    }

    /// PROPFIND for these properties (RFC 4918 §9.1).
    pub fn propfind(&self, properties: &str) -> String {
        self.document("D:propfind", &self.prop(properties))
    }

    /// PROPPATCH that sets a display name (RFC 4918 §9.2).
    pub fn proppatch(&self, display_name: &str) -> String {
        self.document("D:propertyupdate", &self.set(display_name))
    }

    /// MKCALENDAR with a display name (RFC 4791 §5.3.1).
    pub fn mkcalendar(&self, display_name: &str) -> String {
        self.document("C:mkcalendar", &self.set(display_name))
    }

    fn set(&self, display_name: &str) -> String {
        let name = self.element("D:displayname", "", &escaped(display_name));
        self.element("D:set", "", &self.element("D:prop", "", &name))
    }

    /// ACL without any entry (RFC 3744 §8.1): refused on a calendar that is not there.
    pub fn empty_acl(&self) -> String {
        self.document("D:acl", "")
    }

    /// REPORT calendar-query for components that touch the time from `start` on, written as `20260101T000000Z`
    /// (RFC 4791 §7.8).
    pub fn calendar_query(&self, properties: &str, component: &str, start: Option<&str>) -> String {
        let range = start.map(|start| self.element("C:time-range", &format!(" start=\"{start}\""), "")).unwrap_or_default();
        let inner = self.element("C:comp-filter", &format!(" name=\"{component}\""), &range);
        let filter = self.element("C:filter", "", &self.element("C:comp-filter", " name=\"VCALENDAR\"", &inner));
        self.document("C:calendar-query", &(self.prop(properties) + &filter))
    }

    /// REPORT calendar-multiget (RFC 4791 §7.9).
    pub fn calendar_multiget(&self, properties: &str, hrefs: &[String]) -> String {
        let hrefs: String = hrefs.iter().map(|href| self.element("D:href", "", &escaped(href))).collect();
        self.document("C:calendar-multiget", &(self.prop(properties) + &hrefs))
    }

    /// REPORT sync-collection from the beginning, of direct members (RFC 6578 §3.2).
    pub fn sync_collection(&self, properties: &str) -> String {
        let level = self.element("D:sync-level", "", "1");
        self.document("D:sync-collection", &(self.element("D:sync-token", "", "") + &level + &self.prop(properties)))
    }

    /// REPORT expand-property for the people a principal acts for (RFC 3253 §3.8), as calendar programs of Apple ask it.
    pub fn expand_proxies(&self) -> String {
        let inner = self.element("D:property", " name=\"displayname\" namespace=\"DAV:\"", "");
        let property = |local: &str| self.element("D:property", &format!(" name=\"{local}\" namespace=\"{CALENDAR_SERVER}\""), &inner);
        self.document("D:expand-property", &(property("calendar-proxy-write-for") + &property("calendar-proxy-read-for")))
    }

    /// REPORT principal-search-property-set (RFC 3744 §9.5).
    pub fn principal_search_property_set(&self) -> String {
        self.document("D:principal-search-property-set", "")
    }
}

fn escaped(text: &str) -> String {
    let mut writer = Writer::fragment();
    writer.text(text);
    writer.into_string()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::Spelling;
    use crate::dispatch::Limits;
    use crate::xml::{Element, Name, read};

    const DEFAULT: Spelling = Spelling { dav: "", caldav: "CAL", calendar_server: "CS", apple: "ICAL" };
    const PREFIXED: Spelling = Spelling { dav: "A", caldav: "B", calendar_server: "C", apple: "D" };

    fn parse(body: &str) -> Element {
        read::parse(body.as_bytes(), &Limits::default()).unwrap()
    }

    #[test]
    fn spellings_differ_and_mean_the_same() {
        let words = "D:displayname C:calendar-home-set\n CS:getctag A:calendar-color X:nothing";
        let (one, other) = (DEFAULT.propfind(words), PREFIXED.propfind(words));
        assert_ne!(one, other);
        assert!(one.contains("<displayname/><CAL:calendar-home-set/>"), "{one}");
        assert!(other.contains("<A:displayname/><B:calendar-home-set/><C:getctag/><D:calendar-color/></A:prop>"), "{other}");
        assert_eq!(parse(&one), parse(&other));
    }

    #[test]
    fn every_body_is_xml_of_its_name() {
        let s = PREFIXED;
        let table = [
            (s.proppatch("a & b"), Name::dav("propertyupdate")),
            (s.mkcalendar("x"), Name::caldav("mkcalendar")),
            (s.empty_acl(), Name::dav("acl")),
            (s.calendar_query("D:getetag", "VEVENT", Some("20260101T000000Z")), Name::caldav("calendar-query")),
            (s.calendar_multiget("D:getetag", &["/a&b".to_owned()]), Name::caldav("calendar-multiget")),
            (s.sync_collection("D:getetag"), Name::dav("sync-collection")),
            (s.expand_proxies(), Name::dav("expand-property")),
            (s.principal_search_property_set(), Name::dav("principal-search-property-set")),
        ];
        for (body, name) in table {
            assert_eq!(parse(&body).name, name, "{body}");
        }
        let href = parse(&s.calendar_multiget("", &["/a&b".to_owned()]));
        assert_eq!(href.dav("href").unwrap().text(), "/a&b");
    }
}
