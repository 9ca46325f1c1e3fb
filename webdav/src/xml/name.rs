//! Expanded names: namespace URI and local name. Prefixes mean nothing here.

use std::borrow::Cow;

/// `DAV:` (RFC 4918).
pub const DAV: &str = "DAV:";
/// CalDAV (RFC 4791).
pub const CALDAV: &str = "urn:ietf:params:xml:ns:caldav";
/// Apple's calendar server extensions (getctag and the like).
pub const CALENDAR_SERVER: &str = "http://calendarserver.org/ns/";
/// Apple's calendar colour and order.
pub const APPLE: &str = "http://apple.com/ns/ical/";
/// Our own privileges.
pub const SHOJI: &str = "urn:shoji:ns";
/// Bound to the prefix `xml` by definition.
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// An expanded name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    /// Namespace URI; empty for a name in no namespace.
    pub namespace: Cow<'static, str>,
    /// Local name.
    pub local: Cow<'static, str>,
}

impl Name {
    /// A name met in a request.
    pub fn new(namespace: impl Into<String>, local: impl Into<String>) -> Self {
        Self { namespace: Cow::Owned(namespace.into()), local: Cow::Owned(local.into()) }
    }
    /// A name of ours.
    pub const fn of(namespace: &'static str, local: &'static str) -> Self {
        Self { namespace: Cow::Borrowed(namespace), local: Cow::Borrowed(local) }
    }
    /// A name in `DAV:`.
    pub const fn dav(local: &'static str) -> Self {
        Self::of(DAV, local)
    }
    /// A name in the namespace of CalDAV.
    pub const fn caldav(local: &'static str) -> Self {
        Self::of(CALDAV, local)
    }
    /// A name in the namespace of Apple's calendar server.
    pub const fn calendar_server(local: &'static str) -> Self {
        Self::of(CALENDAR_SERVER, local)
    }
    /// Whether this is `local` in `DAV:`.
    pub fn is_dav(&self, local: &str) -> bool {
        self.namespace == DAV && self.local == local
    }
    /// Whether this is `local` in the namespace of CalDAV.
    pub fn is_caldav(&self, local: &str) -> bool {
        self.namespace == CALDAV && self.local == local
    }
}

/// The prefix under which a namespace is bound in every document we write.
pub fn fixed_prefix(namespace: &str) -> Option<&'static str> {
    match namespace {
        DAV => Some("D"),
        CALDAV => Some("C"),
        CALENDAR_SERVER => Some("CS"),
        APPLE => Some("A"),
        SHOJI => Some("S"),
        _ => None,
    }
}

/// Whether `name` can stand as a local name (an NCName of XML Names 1.0 §3), so that writing it cannot break a document.
pub fn is_ncname(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(is_name_start) && characters.all(|c| is_name_start(c) || is_name_rest(c))
}

fn is_name_start(c: char) -> bool {
    matches!(c,
        'A'..='Z' | 'a'..='z' | '_'
        | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}'
        | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}'
        | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

fn is_name_rest(c: char) -> bool {
    matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// Whether XML 1.0 §2.2 lets a document hold this character.
pub fn is_xml_character(c: char) -> bool {
    !matches!(c, '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}')
}
