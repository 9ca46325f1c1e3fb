//! expand-property (RFC 3253 §3.8): properties whose hrefs are replaced by what those resources answer, to any depth asked
//! for within bounds.
//!
//! Every resource met on the way is looked up in the viewer's view, like the one asked.

use super::Query;
use crate::body::Body;
use crate::condition::Condition;
use crate::error::{Cause, Error, Result};
use crate::header::Depth;
use crate::href::Target;
use crate::multistatus::PropStats;
use crate::multistatus::{MultiStatus, write_response, write_response_status};
use crate::property::{PropertyRequest, Requested, respond};
use crate::resource::Resource;
use crate::xml::{Element, Name, Node, Writer, read};
use http::{Response, StatusCode};

/// How often an href may lead on to another.
const DEPTH_MAX: usize = 4;
/// Properties named in one element.
const PROPERTIES_MAX: usize = 256;
/// Hrefs followed for one request.
const HREFS_MAX: usize = 1_000;

/// A `DAV:property` element.
struct Property {
    name: Name,
    inner: Vec<Property>,
}

pub(super) fn run(query: &Query<'_, '_, '_>) -> Result<Response<Body>> {
    let properties = read_properties(query.body, 0)?;
    let mut expansion = Expansion { query, followed: 0 };
    let mut multistatus = MultiStatus::new(query.view.store.spool(), query.view.limits, query.preference.missing());
    multistatus.properties(query.href, &expansion.propstats(query.resource, &properties)?)?;
    // With another Depth members answer the same for themselves (RFC 3253 §3.6).
    if query.depth != Depth::Zero {
        let enter = |_: &Resource| query.depth == Depth::Infinity;
        query.view.each_descendant(query.resource, enter, |href, member| {
            multistatus.properties(href, &expansion.propstats(member, &properties)?)
        })?;
    }
    multistatus.finish()
}

fn read_properties(parent: &Element, depth: usize) -> Result<Vec<Property>> {
    if depth > DEPTH_MAX {
        return Err(Error::condition(Condition::NumberOfMatchesWithinLimits));
    }
    let mut properties: Vec<Property> = Vec::new();
    for element in parent.children().filter(|child| child.name.is_dav("property")) {
        let local = element.attribute("name").unwrap_or_default();
        if properties.len() >= PROPERTIES_MAX {
            return Err(Error::BadRequest("expand-property names too many properties"));
        }
        if !crate::xml::name::is_ncname(local) {
            return Err(Error::BadRequest("a property element lacks a name"));
        }
        let name = Name::new(element.attribute("namespace").unwrap_or("DAV:"), local);
        if !properties.iter().any(|other| other.name == name) {
            properties.push(Property { name, inner: read_properties(element, depth + 1)? });
        }
    }
    Ok(properties)
}

/// The work of one request and what is left of its bounds.
struct Expansion<'q, 'b, 'a, 's> {
    query: &'q Query<'b, 'a, 's>,
    followed: usize,
}

impl Expansion<'_, '_, '_, '_> {
    /// The properties of one resource, those expanded that name properties within.
    fn propstats(&mut self, resource: &Resource, properties: &[Property]) -> Result<PropStats> {
        let names = properties.iter().map(|property| Requested::new(property.name.clone())).collect();
        let mut propstats = respond(self.query.view, resource, &PropertyRequest::These(names))?;
        if properties.iter().any(|property| !property.inner.is_empty()) {
            propstats.found = self.expanded(&propstats.found, properties)?;
        }
        Ok(propstats)
    }

    /// The found elements again, with responses in place of hrefs.
    fn expanded(&mut self, found: &str, properties: &[Property]) -> Result<String> {
        let mut writer = Writer::fragment();
        for element in parsed(found, self.query)?.children() {
            match properties.iter().find(|property| property.name == element.name) {
                Some(property) if !property.inner.is_empty() => self.element(&mut writer, element, property)?,
                _ => writer.tree(element),
            }
        }
        Ok(writer.into_string())
    }

    fn element(&mut self, writer: &mut Writer, element: &Element, property: &Property) -> Result<()> {
        writer.start(&element.name);
        for node in &element.content {
            match node {
                Node::Element(child) if child.name.is_dav("href") => self.follow(writer, &child.trimmed_text(), property)?,
                Node::Element(child) => writer.tree(child),
                Node::Text(text) => writer.text(text),
            }
        }
        writer.end(&element.name);
        Ok(())
    }

    fn follow(&mut self, writer: &mut Writer, href: &str, property: &Property) -> Result<()> {
        self.followed += 1;
        if self.followed > HREFS_MAX {
            return Err(Error::condition(Condition::NumberOfMatchesWithinLimits));
        }
        let view = self.query.view;
        let located = match view.hrefs.read(href, self.query.authorities) {
            Ok(Target::Path(path)) => view.locate(&path),
            _ => Err(Error::not_found()),
        };
        match located {
            Ok(resource) => {
                let propstats = self.propstats(&resource, &property.inner)?;
                write_response(writer, &view.href(&resource), &propstats, self.query.preference.missing());
                Ok(())
            }
            Err(Error::Status(StatusCode::NOT_FOUND)) => {
                write_response_status(writer, href, StatusCode::NOT_FOUND);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

/// Elements that this server has just written, as a tree below one root.
pub(super) fn parsed(found: &str, query: &Query<'_, '_, '_>) -> Result<Element> {
    let root = Name::dav("prop");
    let mut writer = Writer::document(&root);
    writer.written(found);
    writer.end(&root);
    let limits = crate::Limits { xml_bytes_max: usize::MAX, ..*query.view.limits };
    read::parse(writer.as_str().as_bytes(), &limits).map_err(|_| Error::Internal(Cause("a property was not written as XML".to_owned())))
}
