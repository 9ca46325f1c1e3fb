//! Writing XML: fixed prefixes, everything escaped, no way to write half an element's name.
//!
//! A carriage return is written as a reference, because readers turn a literal one into a line feed (XML 1.0 §2.11) and
//! calendar data must arrive as it is. Characters that XML cannot hold become U+FFFD.

use super::name::{APPLE, CALDAV, CALENDAR_SERVER, DAV, Name, SHOJI, XML, fixed_prefix, is_xml_character};
use super::read::{Element, Node};

/// Writes a document or a part of one into a string.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    out: String,
}

/// The tags of an element without attributes, made once for an element that is written often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tags {
    start: Box<str>,
    end: Box<str>,
    empty: Box<str>,
}

impl Tags {
    /// Of an element with this name.
    pub fn of(name: &Name) -> Self {
        let written = |write: fn(&mut Writer, &Name)| {
            let mut writer = Writer::fragment();
            write(&mut writer, name);
            writer.into_string().into_boxed_str()
        };
        Self { start: written(Writer::start), end: written(Writer::end), empty: written(Writer::empty) }
    }
}

impl Writer {
    /// A part of a document whose root declares the fixed prefixes.
    pub fn fragment() -> Self {
        Self::default()
    }
    /// A document whose root is `root`; the root must be ended by [`Writer::end`].
    pub fn document(root: &Name) -> Self {
        let mut writer = Self { out: String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<") };
        writer.push_name(root);
        for namespace in [DAV, CALDAV, CALENDAR_SERVER, APPLE, SHOJI] {
            if let Some(prefix) = fixed_prefix(namespace) {
                writer.out.push_str(" xmlns:");
                writer.out.push_str(prefix);
                writer.out.push_str("=\"");
                writer.out.push_str(namespace);
                writer.out.push('"');
            }
        }
        writer.out.push('>');
        writer
    }
    /// What was written.
    pub fn into_string(self) -> String {
        self.out
    }
    /// What was written so far.
    pub fn as_str(&self) -> &str {
        &self.out
    }
    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.out.len()
    }
    /// Takes what was written so far out; what comes behind it has so much room.
    pub fn replace(&mut self, room: usize) -> String {
        std::mem::replace(&mut self.out, String::with_capacity(room))
    }
    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }
    /// Forgets what was written behind `len`, which must come from [`Writer::len`].
    pub fn truncate(&mut self, len: usize) {
        if self.out.is_char_boundary(len) {
            self.out.truncate(len);
        }
    }

    /// `<name>`
    pub fn start(&mut self, name: &Name) {
        self.start_with(name, &[]);
    }
    /// The same of tags made before.
    pub fn start_of(&mut self, tags: &Tags) {
        self.out.push_str(&tags.start);
    }
    /// `</name>` of tags made before.
    pub fn end_of(&mut self, tags: &Tags) {
        self.out.push_str(&tags.end);
    }
    /// `<name/>` of tags made before.
    pub fn empty_of(&mut self, tags: &Tags) {
        self.out.push_str(&tags.empty);
    }
    /// `<name attribute="value">`; the attributes are in no namespace.
    pub fn start_with(&mut self, name: &Name, attributes: &[(&str, &str)]) {
        self.open_tag(name, attributes);
        self.out.push('>');
    }
    /// `</name>`
    pub fn end(&mut self, name: &Name) {
        self.out.push_str("</");
        self.push_name(name);
        self.out.push('>');
    }
    /// `<name/>`
    pub fn empty(&mut self, name: &Name) {
        self.empty_with(name, &[]);
    }
    /// `<name attribute="value"/>`
    pub fn empty_with(&mut self, name: &Name, attributes: &[(&str, &str)]) {
        self.open_tag(name, attributes);
        self.out.push_str("/>");
    }
    /// `<name>text</name>`
    pub fn element(&mut self, name: &Name, text: &str) {
        self.start(name);
        self.text(text);
        self.end(name);
    }
    /// `<D:href>…</D:href>`
    pub fn href(&mut self, href: &str) {
        self.out.push_str("<D:href>");
        self.text(href);
        self.out.push_str("</D:href>");
    }
    /// Escaped text.
    pub fn text(&mut self, text: &str) {
        escape_into(&mut self.out, text, Place::Text);
    }
    /// XML that this module wrote before ([`Element::to_xml`], a fragment): taken as it is.
    pub fn written(&mut self, xml: &str) {
        self.out.push_str(xml);
    }

    /// A tree read from a request, with every namespace declared where it is needed. The tree's depth is bounded by reading.
    pub fn tree(&mut self, element: &Element) {
        self.subtree(element, "");
    }

    fn subtree(&mut self, element: &Element, default_namespace: &str) {
        self.out.push('<');
        self.out.push_str(&element.name.local);
        if element.name.namespace != default_namespace {
            self.attribute("xmlns", &element.name.namespace);
        }
        let mut prefixes = 0;
        for attribute in &element.attributes {
            match attribute.name.namespace.as_ref() {
                "" => self.attribute(&attribute.name.local, &attribute.value),
                XML => self.attribute(&format!("xml:{}", attribute.name.local), &attribute.value),
                namespace => {
                    self.attribute(&format!("xmlns:a{prefixes}"), namespace);
                    self.attribute(&format!("a{prefixes}:{}", attribute.name.local), &attribute.value);
                    prefixes += 1;
                }
            }
        }
        if element.content.is_empty() {
            self.out.push_str("/>");
            return;
        }
        self.out.push('>');
        for node in &element.content {
            match node {
                Node::Element(child) => self.subtree(child, &element.name.namespace),
                Node::Text(text) => self.text(text),
            }
        }
        self.out.push_str("</");
        self.out.push_str(&element.name.local);
        self.out.push('>');
    }

    fn open_tag(&mut self, name: &Name, attributes: &[(&str, &str)]) {
        self.out.push('<');
        self.push_name(name);
        if !name.namespace.is_empty() && fixed_prefix(&name.namespace).is_none() {
            self.attribute("xmlns:x", &name.namespace);
        }
        for (attribute, value) in attributes {
            self.attribute(attribute, value);
        }
    }

    /// Names outside of the fixed namespaces bear the prefix `x`, declared where the element starts; those in no namespace
    /// bear none, as nothing here declares a default namespace.
    fn push_name(&mut self, name: &Name) {
        if let Some(prefix) = fixed_prefix(&name.namespace) {
            self.out.push_str(prefix);
            self.out.push(':');
        } else if !name.namespace.is_empty() {
            self.out.push_str("x:");
        }
        self.out.push_str(&name.local);
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        escape_into(&mut self.out, value, Place::Attribute);
        self.out.push('"');
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Text,
    Attribute,
}

fn escape_into(out: &mut String, text: &str, place: Place) {
    // A line of calendar data grows by four bytes: to grow once is cheaper than to be copied at each doubling.
    out.reserve(text.len().saturating_add(text.len() / 8));
    let mut rest = text;
    loop {
        let (lines, from) = rest.split_at_checked(first_rare(rest.as_bytes(), place)).unwrap_or((rest, ""));
        push_lines(out, lines);
        let mut characters = from.chars();
        let Some(character) = characters.next() else { return };
        match replacement(character, place) {
            Some(replaced) => out.push_str(replaced),
            None => out.push(character),
        }
        rest = characters.as_str();
    }
}

/// Bytes that are looked at together.
const BLOCK: usize = 32;

/// Where the first character stands that may have a replacement, except for carriage returns, of which calendar data have one in each
/// line; the length if there is none.
fn first_rare(bytes: &[u8], place: Place) -> usize {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    // Without a branch, so that the bytes of a block are compared at once.
    let is_plain = |block: &&[u8; BLOCK]| !block.iter().fold(false, |any, byte| any | is_rare(*byte, place));
    let plain = blocks.iter().take_while(is_plain).count().saturating_mul(BLOCK);
    let table = match place {
        Place::Text => &RARE_IN_TEXT,
        Place::Attribute => &RARE_IN_ATTRIBUTES,
    };
    let rare = |byte: &u8| table.get(usize::from(*byte)).is_none_or(|is_rare| *is_rare);
    let behind = bytes.get(plain..).unwrap_or_default().iter().position(rare);
    behind.map_or(bytes.len(), |behind| plain.saturating_add(behind))
}

/// Whether a character that begins with this byte may have a replacement.
const fn is_rare(byte: u8, place: Place) -> bool {
    let is_attribute = matches!(place, Place::Attribute);
    let is_white = (byte == b'\n') | (byte == b'\t');
    let is_control = (byte < 0x20) & (byte != b'\r') & (is_attribute | !is_white);
    let is_markup = (byte == b'&') | (byte == b'<') | (byte == b'>') | (is_attribute & (byte == b'"'));
    // U+FFFE and U+FFFF begin with it.
    is_control | is_markup | (byte == 0xEF)
}

/// The same for one byte after the other.
static RARE_IN_TEXT: [bool; 256] = rare(Place::Text);
static RARE_IN_ATTRIBUTES: [bool; 256] = rare(Place::Attribute);

#[expect(clippy::indexing_slicing, reason = "a byte is an index of 256, and this is worked out while compiling")]
const fn rare(place: Place) -> [bool; 256] {
    let mut rare = [false; 256];
    let mut byte = 0;
    while byte < rare.len() {
        rare[byte] = is_rare(byte as u8, place);
        byte += 1;
    }
    rare
}

/// What needs no escape but its carriage returns.
fn push_lines(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some((line, from)) = memchr::memchr(b'\r', rest.as_bytes()).and_then(|at| rest.split_at_checked(at)) {
        out.push_str(line);
        out.push_str(CARRIAGE_RETURN);
        rest = from.get(1..).unwrap_or_default();
    }
    out.push_str(rest);
}

const CARRIAGE_RETURN: &str = "&#13;";

fn replacement(c: char, place: Place) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '\r' => Some(CARRIAGE_RETURN),
        '"' if place == Place::Attribute => Some("&quot;"),
        '\t' if place == Place::Attribute => Some("&#9;"),
        '\n' if place == Place::Attribute => Some("&#10;"),
        ' '..'\u{FFFE}' => None,
        c if is_xml_character(c) => None,
        _ => Some("\u{FFFD}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Tags, Writer, escape_into, replacement};
    use crate::xml::Name;

    #[test]
    fn text_cannot_break_out_and_a_carriage_return_survives() {
        let mut writer = Writer::fragment();
        writer.element(&Name::caldav("calendar-data"), "A<&>]]>\"'\r\n\t\u{0}é\u{FFFE}\u{FB01}");
        assert_eq!(writer.as_str(), "<C:calendar-data>A&lt;&amp;&gt;]]&gt;\"'&#13;\n\t\u{FFFD}é\u{FFFD}\u{FB01}</C:calendar-data>");
    }

    #[test]
    fn what_stands_anywhere_in_a_long_text_is_escaped() {
        for at in 0..70 {
            for (one, escaped) in [("<", "&lt;"), ("\r", "&#13;"), ("\u{FFFF}", "\u{FFFD}"), ("é", "é")] {
                let (before, behind) = ("a".repeat(at), "b".repeat(70 - at));
                let mut writer = Writer::fragment();
                writer.text(&format!("{before}{one}{behind}&"));
                assert_eq!(writer.into_string(), format!("{before}{escaped}{behind}&amp;"));
            }
        }
    }

    #[test]
    fn every_character_is_escaped_by_the_same_rule_wherever_it_stands() {
        let characters = (0..0x800).chain([0xFF5E, 0xFFFD, 0xFFFE, 0xFFFF, 0x1F600]).filter_map(char::from_u32);
        for (number, character) in characters.enumerate() {
            let text = format!("{}{character}b{character}{character}", "a".repeat(number % 70));
            for place in [Place::Text, Place::Attribute] {
                let mut escaped = String::new();
                escape_into(&mut escaped, &text, place);
                let one = |character: char| replacement(character, place).map_or_else(|| character.to_string(), str::to_owned);
                assert_eq!(escaped, text.chars().map(one).collect::<String>());
            }
        }
    }

    #[test]
    fn attributes_escape_quotes_and_white_space() {
        let mut writer = Writer::fragment();
        writer.empty_with(&Name::caldav("comp"), &[("name", "a\"b\n<")]);
        assert_eq!(writer.as_str(), "<C:comp name=\"a&quot;b&#10;&lt;\"/>");
    }

    #[test]
    fn foreign_names_declare_their_namespace_where_they_stand() {
        let mut writer = Writer::fragment();
        writer.element(&Name::new("urn:n&", "p"), "1");
        writer.empty(&Name::new("", "q"));
        assert_eq!(writer.as_str(), "<x:p xmlns:x=\"urn:n&amp;\">1</x:p><q/>");
    }

    #[test]
    fn tags_made_before_are_the_same_tags() {
        for name in [Name::dav("getetag"), Name::caldav("calendar-data"), Name::new("urn:n&", "p"), Name::new("", "q")] {
            let tags = Tags::of(&name);
            let (mut once, mut often) = (Writer::fragment(), Writer::fragment());
            once.element(&name, "<1>");
            once.empty(&name);
            often.start_of(&tags);
            often.text("<1>");
            often.end_of(&tags);
            often.empty_of(&tags);
            assert_eq!(often.as_str(), once.as_str());
        }
    }

    #[test]
    fn truncating_forgets_what_was_begun() {
        let mut writer = Writer::fragment();
        writer.text("kept");
        let before = writer.len();
        writer.start(&Name::dav("prop"));
        writer.truncate(before);
        assert_eq!(writer.into_string(), "kept");
    }
}
