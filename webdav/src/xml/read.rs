//! Reading a request body into a small owned tree, bounded in bytes, depth and number of elements.
//!
//! No document type, no entities but the five predefined ones and character references: nothing can expand. A prefix that is
//! not declared makes the body malformed. Comments and processing instructions are dropped.

use super::name::{Name, XML, is_ncname, is_xml_character};
use super::write::Writer;
use crate::dispatch::Limits;
use crate::error::{Error, Result};
use http::StatusCode;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{NamespaceResolver, PrefixDeclaration, QName, ResolveResult};
use quick_xml::reader::NsReader;

/// Namespace declarations that may be in scope at once.
const NAMESPACES_MAX: usize = 32;
/// Attributes of one element.
const ATTRIBUTES_MAX: usize = 32;
/// No configuration makes trees deeper than this: printing and dropping them recurses.
const DEPTH_MAX: usize = 256;

/// An attribute that is no namespace declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// Its namespace is empty where it bears no prefix.
    pub name: Name,
    /// Normalised (XML 1.0 §3.3.3).
    pub value: String,
}

/// A child of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// An element.
    Element(Element),
    /// Text; neighbouring pieces (text, CDATA, references) are one.
    Text(String),
}

/// An element with everything below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// Its expanded name.
    pub name: Name,
    /// In order.
    pub attributes: Vec<Attribute>,
    /// In order.
    pub content: Vec<Node>,
}

impl Element {
    /// Child elements in order.
    pub fn children(&self) -> impl Iterator<Item = &Self> {
        self.content.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }
    /// The first child with this name.
    pub fn child(&self, name: &Name) -> Option<&Self> {
        self.children().find(|child| child.name == *name)
    }
    /// The first child named `local` in `DAV:`.
    pub fn dav(&self, local: &str) -> Option<&Self> {
        self.children().find(|child| child.name.is_dav(local))
    }
    /// The first child named `local` in the namespace of CalDAV.
    pub fn caldav(&self, local: &str) -> Option<&Self> {
        self.children().find(|child| child.name.is_caldav(local))
    }
    /// All text that stands directly in this element.
    pub fn text(&self) -> String {
        self.content
            .iter()
            .filter_map(|node| match node {
                Node::Text(text) => Some(text.as_str()),
                Node::Element(_) => None,
            })
            .collect()
    }
    /// The same without white space at its ends.
    pub fn trimmed_text(&self) -> String {
        self.text().trim().to_owned()
    }
    /// The value of an attribute without a namespace.
    pub fn attribute(&self, local: &str) -> Option<&str> {
        self.attributes.iter().find(|a| a.name.namespace.is_empty() && a.name.local == local).map(|a| a.value.as_str())
    }
    /// Its own `xml:lang`.
    pub fn language(&self) -> Option<&str> {
        self.attributes.iter().find(|a| a.name.namespace == XML && a.name.local == "lang").map(|a| a.value.as_str())
    }
    /// The element as XML that declares all it needs, for storing and for writing into any document of ours.
    pub fn to_xml(&self) -> String {
        let mut writer = Writer::fragment();
        writer.tree(self);
        writer.into_string()
    }
}

/// Parses a whole body. Use with: 400 for what is malformed, 413 for what is too large.
pub fn parse(body: &[u8], limits: &Limits) -> Result<Element> {
    if body.len() > limits.xml_bytes_max {
        return Err(Error::Status(StatusCode::PAYLOAD_TOO_LARGE));
    }
    let text = std::str::from_utf8(body).map_err(|_| malformed("the body is not UTF-8"))?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mut reader = NsReader::from_str(text);
    reader.resolver_mut().set_max_namespace_bindings(NAMESPACES_MAX);
    let mut builder = Builder { stack: Vec::new(), root: None, elements: 0, limits };
    loop {
        let event = reader.read_event().map_err(|_| malformed("the body is not well-formed XML"))?;
        match event {
            Event::Start(start) => {
                let element = element(reader.resolver(), &start)?;
                builder.open(element)?;
            }
            Event::Empty(start) => {
                let element = element(reader.resolver(), &start)?;
                builder.open(element)?;
                builder.close()?;
            }
            Event::End(_) => builder.close()?,
            Event::Text(text) => builder.text(&text.xml10_content())?,
            Event::CData(text) => builder.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => {
                let mut buffer = [0; 4];
                builder.text(reference_character(&reference)?.encode_utf8(&mut buffer))?;
            }
            Event::DocType(_) => return Err(malformed("a document type is not accepted")),
            Event::Decl(declaration) => {
                if let Some(encoding) = declaration.encoding() {
                    let encoding = encoding.map_err(|_| malformed("the XML declaration is malformed"))?;
                    if !encoding.eq_ignore_ascii_case("utf-8") && !encoding.eq_ignore_ascii_case("us-ascii") {
                        return Err(malformed("the body is not UTF-8"));
                    }
                }
            }
            Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => return builder.finish(),
        }
    }
}

fn malformed(reason: &'static str) -> Error {
    Error::BadRequest(reason)
}

/// Builds the tree with a stack of its own, so that depth costs no call stack.
struct Builder<'a> {
    stack: Vec<Element>,
    root: Option<Element>,
    elements: usize,
    limits: &'a Limits,
}

impl Builder<'_> {
    fn open(&mut self, element: Element) -> Result<()> {
        self.elements += 1;
        if self.elements > self.limits.xml_elements_max {
            return Err(Error::Status(StatusCode::PAYLOAD_TOO_LARGE));
        }
        if self.stack.len() >= self.limits.xml_depth_max.min(DEPTH_MAX) {
            return Err(malformed("the XML is nested too deeply"));
        }
        if self.root.is_some() {
            return Err(malformed("there is more than one root element"));
        }
        self.stack.push(element);
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let element = self.stack.pop().ok_or(malformed("an element ends that was not opened"))?;
        match self.stack.last_mut() {
            Some(parent) => parent.content.push(Node::Element(element)),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<()> {
        if !text.chars().all(is_xml_character) {
            return Err(malformed("the XML has a character that XML does not allow"));
        }
        match self.stack.last_mut() {
            Some(element) => match element.content.last_mut() {
                Some(Node::Text(before)) => before.push_str(text),
                // An empty CDATA section says nothing, and what says nothing is no content.
                _ if text.is_empty() => {}
                _ => element.content.push(Node::Text(text.to_owned())),
            },
            None if text.trim().is_empty() => {}
            None => return Err(malformed("there is text outside of the root element")),
        }
        Ok(())
    }

    fn finish(self) -> Result<Element> {
        match self.root {
            Some(root) if self.stack.is_empty() => Ok(root),
            _ => Err(malformed("the XML has no complete root element")),
        }
    }
}

fn element(resolver: &NamespaceResolver, start: &BytesStart<'_>) -> Result<Element> {
    let name = expanded(resolver, start.name(), Unprefixed::TakesDefault)?;
    let mut attributes: Vec<Attribute> = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| malformed("an attribute is malformed or stands twice"))?;
        let value =
            attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).map_err(|_| malformed("an attribute's value is malformed"))?;
        if attribute.value.contains('<') || !value.chars().all(is_xml_character) {
            return Err(malformed("an attribute's value is malformed"));
        }
        if let Some(declaration) = attribute.key.as_namespace_binding() {
            if matches!(declaration, PrefixDeclaration::Named(_)) && value.is_empty() {
                return Err(malformed("a prefix is bound to no namespace"));
            }
            continue;
        }
        let name = expanded(resolver, attribute.key, Unprefixed::HasNone)?;
        if attributes.iter().any(|other| other.name == name) || attributes.len() >= ATTRIBUTES_MAX {
            return Err(malformed("an attribute stands twice, or there are too many"));
        }
        attributes.push(Attribute { name, value: value.into_owned() });
    }
    Ok(Element { name, attributes, content: Vec::new() })
}

/// What a name without a prefix belongs to.
#[derive(Clone, Copy)]
enum Unprefixed {
    /// The default namespace: elements.
    TakesDefault,
    /// None: attributes.
    HasNone,
}

fn expanded(resolver: &NamespaceResolver, name: QName<'_>, unprefixed: Unprefixed) -> Result<Name> {
    let (namespace, local) = match unprefixed {
        Unprefixed::TakesDefault => resolver.resolve_element(name),
        Unprefixed::HasNone => resolver.resolve_attribute(name),
    };
    let namespace = match namespace {
        ResolveResult::Unbound => String::new(),
        ResolveResult::Bound(namespace) => {
            quick_xml::escape::unescape(namespace.0).map_err(|_| malformed("a namespace is malformed"))?.into_owned()
        }
        ResolveResult::Unknown(_) => return Err(malformed("a prefix is not declared")),
    };
    if !is_ncname(local.as_ref()) || !namespace.chars().all(is_xml_character) {
        return Err(malformed("a name is malformed"));
    }
    Ok(Name::new(namespace, local.as_ref()))
}

fn reference_character(reference: &BytesRef<'_>) -> Result<char> {
    let character = reference.resolve_char_ref().map_err(|_| malformed("a character reference is malformed"))?;
    if let Some(character) = character {
        return Ok(character);
    }
    match reference.xml10_content().as_ref() {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        _ => Err(malformed("only predefined entities are accepted")),
    }
}
