//! XML into a small tree, paths into that tree, and a form in which equal values are equal text.
//!
//! Scripts and answers are read alike. Names are written as the scripts write them, `{namespace}local`.

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

/// Deeper documents are refused: what walks a tree recurses.
const DEPTH_MAX: usize = 200;

/// An element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    /// `{namespace}local`, or `local` in no namespace.
    pub(crate) name: String,
    /// Names and values, declarations of namespaces left out.
    pub(crate) attributes: Vec<(String, String)>,
    /// The text before the first child.
    pub(crate) text: String,
    /// Each child with the text that follows it.
    pub(crate) children: Vec<(Element, String)>,
}

impl Element {
    /// The child elements.
    pub(crate) fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().map(|(child, _)| child)
    }
    /// The child elements of this name.
    pub(crate) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.elements().filter(move |child| child.name == name)
    }
    /// The first child of this name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.elements().find(|child| child.name == name)
    }
    /// The text of the first child of this name, trimmed.
    pub(crate) fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.trim())
    }
    /// An attribute in no namespace.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
    /// This element and all below it, in document order.
    pub(crate) fn descendants(&self) -> Vec<&Self> {
        let mut found = vec![self];
        for child in self.elements() {
            found.extend(child.descendants());
        }
        found
    }
    /// Whether there is neither text nor child.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty() && self.children.is_empty()
    }

    /// The element as text in which prefixes, the order of attributes and white space between elements no longer differ.
    pub(crate) fn canonical(&self) -> String {
        let mut attributes: Vec<String> = self.attributes.iter().map(|(name, value)| format!(" {name}={value:?}")).collect();
        attributes.sort();
        format!("<{}{}>{}</>", self.name, attributes.concat(), self.content())
    }
    /// What stands in the element, likewise.
    pub(crate) fn content(&self) -> String {
        if self.children.is_empty() {
            return self.text.clone();
        }
        let mut content = self.text.trim().to_owned();
        for (child, after) in &self.children {
            content.push_str(&child.canonical());
            content.push_str(after.trim());
        }
        content
    }
    /// The element as XML that declares each namespace where it is used, for matching against a regular expression.
    pub(crate) fn markup(&self) -> String {
        let (namespace, local) = split_name(&self.name);
        let mut markup = format!("<{local}");
        if !namespace.is_empty() {
            markup.push_str(&format!(" xmlns=\"{namespace}\""));
        }
        for (name, value) in &self.attributes {
            markup.push_str(&format!(" {}=\"{value}\"", split_name(name).1));
        }
        let content = self.inner_markup();
        if content.is_empty() {
            return markup + "/>";
        }
        format!("{markup}>{content}</{local}>")
    }
    /// What stands in the element as such XML.
    pub(crate) fn inner_markup(&self) -> String {
        if self.children.is_empty() {
            return self.text.clone();
        }
        let mut content = self.text.trim().to_owned();
        for (child, after) in &self.children {
            content.push_str(&child.markup());
            content.push_str(after.trim());
        }
        content
    }

    /// The elements that a relative path (`{DAV:}a/*//{DAV:}b`) leads to from here, each once.
    pub(crate) fn find<'a>(&'a self, path: &str) -> Vec<&'a Self> {
        let mut here: Vec<&Self> = vec![self];
        let mut deep = false;
        for step in split_path(path) {
            match step {
                "" => deep = true,
                "." => {}
                _ => {
                    let mut found: Vec<&Self> = Vec::new();
                    for element in here {
                        let below: Vec<&Self> =
                            if deep { element.descendants().into_iter().skip(1).collect() } else { element.elements().collect() };
                        found.extend(below.into_iter().filter(|child| step == "*" || child.name == step));
                    }
                    // Descendants of an element and of its descendant overlap.
                    let mut once: Vec<&Self> = Vec::new();
                    for element in found {
                        if !once.iter().any(|other| std::ptr::eq(*other, element)) {
                            once.push(element);
                        }
                    }
                    here = once;
                    deep = false;
                }
            }
        }
        here
    }
}

/// A name's namespace and local part.
fn split_name(name: &str) -> (&str, &str) {
    name.strip_prefix('{').and_then(|rest| rest.split_once('}')).unwrap_or(("", name))
}

/// The steps of a path: split at each `/` that is not inside of `{…}`. `a//b` has an empty step.
pub(crate) fn split_path(path: &str) -> Vec<&str> {
    let mut inside = false;
    path.split(|c| {
        match c {
            '{' => inside = true,
            '}' => inside = false,
            _ => {}
        }
        c == '/' && !inside
    })
    .collect()
}

/// Reads a document.
///
/// # Errors
/// It is not well-formed; in words.
pub(crate) fn parse(text: &str) -> Result<Element, String> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mut reader = NsReader::from_str(text);
    let mut stack: Vec<Element> = Vec::new();
    let mut root: Option<Element> = None;
    loop {
        match reader.read_event().map_err(|error| format!("not well-formed: {error}"))? {
            Event::Start(start) => {
                if stack.len() >= DEPTH_MAX || root.is_some() {
                    return Err("nested too deeply, or more than one root element".to_owned());
                }
                stack.push(element(&reader, &start)?);
            }
            Event::Empty(start) => {
                let element = element(&reader, &start)?;
                close(&mut stack, &mut root, element)?;
            }
            Event::End(_) => {
                let element = stack.pop().ok_or("an element ends that was not opened")?;
                close(&mut stack, &mut root, element)?;
            }
            Event::Text(text) => push_text(&mut stack, &text.xml10_content())?,
            Event::CData(text) => push_text(&mut stack, &text.xml10_content())?,
            Event::GeneralRef(reference) => push_text(&mut stack, &character(&reference)?.to_string())?,
            Event::Comment(_) | Event::PI(_) | Event::DocType(_) | Event::Decl(_) => {}
            Event::Eof => break,
        }
    }
    match root {
        Some(root) if stack.is_empty() => Ok(root),
        _ => Err("there is no complete root element".to_owned()),
    }
}

/// Reads what may stand in an element: several elements, text between them.
///
/// # Errors
/// As [`parse`].
pub(crate) fn parse_fragment(text: &str) -> Result<Element, String> {
    parse(&format!("<fragment>{text}</fragment>"))
}

fn close(stack: &mut [Element], root: &mut Option<Element>, element: Element) -> Result<(), String> {
    match stack.last_mut() {
        Some(parent) => parent.children.push((element, String::new())),
        None if root.is_none() => *root = Some(element),
        None => return Err("there is more than one root element".to_owned()),
    }
    Ok(())
}

fn push_text(stack: &mut [Element], text: &str) -> Result<(), String> {
    match stack.last_mut() {
        Some(element) => match element.children.last_mut() {
            Some((_, after)) => after.push_str(text),
            None => element.text.push_str(text),
        },
        None if text.trim().is_empty() => {}
        None => return Err("there is text outside of the root element".to_owned()),
    }
    Ok(())
}

fn element(reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Result<Element, String> {
    let resolver = reader.resolver();
    let named = |namespace: ResolveResult<'_>, local: &str| match namespace {
        ResolveResult::Unbound => Ok(local.to_owned()),
        ResolveResult::Bound(namespace) => {
            let namespace = quick_xml::escape::unescape(namespace.0).map_err(|error| error.to_string())?;
            Ok(if namespace.is_empty() { local.to_owned() } else { format!("{{{namespace}}}{local}") })
        }
        ResolveResult::Unknown(_) => Err(format!("the prefix of {local} is not declared")),
    };
    let (namespace, local) = resolver.resolve_element(start.name());
    let mut element = Element { name: named(namespace, local.as_ref())?, ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
        let (namespace, local) = resolver.resolve_attribute(attribute.key);
        element.attributes.push((named(namespace, local.as_ref())?, value.into_owned()));
    }
    Ok(element)
}

fn character(reference: &BytesRef<'_>) -> Result<char, String> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
        return Ok(character);
    }
    match reference.xml10_content().as_ref() {
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "quot" => Ok('"'),
        name => Err(format!("the entity {name} is not known")),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    const DOCUMENT: &str = "<?xml version='1.0'?><!DOCTYPE a SYSTEM 'a.dtd'><a xmlns='urn:x/y' xmlns:p='urn:p'>
        <b p:n='1' m='2'>one &lt;<![CDATA[ & two]]></b><p:b><b>deep</b></p:b></a>";

    #[test]
    fn names_carry_their_namespace_and_paths_lead_through_them() {
        let root = parse(DOCUMENT).unwrap();
        assert_eq!(root.name, "{urn:x/y}a");
        let found: Vec<&str> = root.find("{urn:x/y}b").iter().map(|found| found.text.as_str()).collect();
        assert_eq!(found, ["one < & two"]);
        assert_eq!(root.find("{urn:p}b/{urn:x/y}b").len(), 1);
        assert_eq!(root.find(".//{urn:x/y}b").len(), 2);
        assert_eq!(root.find("*").len(), 2);
        assert!(root.find("{urn:x}b").is_empty());
    }

    #[test]
    fn what_differs_only_in_prefix_or_order_of_attributes_is_equal() {
        let one = parse("<a xmlns='DAV:'><b x='1' y='2'/>\n</a>").unwrap();
        let other = parse("<D:a xmlns:D='DAV:'> <D:b y='2' x='1'></D:b></D:a>").unwrap();
        assert_eq!(one.canonical(), other.canonical());
        assert_ne!(one.canonical(), parse("<a xmlns='DAV:'><b x='1' y='3'/></a>").unwrap().canonical());
        assert_eq!(one.inner_markup(), "<b xmlns=\"DAV:\" x=\"1\" y=\"2\"/>");
    }

    #[test]
    fn what_is_not_xml_is_refused() {
        for text in ["", "plain", "<a>", "<a/><b/>", "<a>&nbsp;</a>", "<x:a/>"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
