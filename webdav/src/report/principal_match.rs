//! principal-match (RFC 3744 §9.3): the members of a collection, at any depth, that are the viewer or a group of his, or of
//! which a property names him or one of these.
//!
//! Members, and the values of their properties, are those he is shown.

use super::Query;
use super::expand_property::parsed;
use super::principal_property_search::respond_as_asked;
use crate::body::Body;
use crate::error::{Error, Result};
use crate::header::Depth;
use crate::href::{Fixed, Path, Target};
use crate::multistatus::MultiStatus;
use crate::property::{PropertyRequest, Requested, respond};
use crate::resource::Resource;
use crate::xml::{Element, Name};
use http::{Response, StatusCode};
use std::collections::HashMap;

/// What identifies the viewer.
enum Criterion {
    /// The principal itself (`DAV:self`).
    Itself,
    /// A property names him (`DAV:principal-property`).
    Property(PropertyRequest),
}

pub(super) fn run(query: &Query<'_, '_, '_>) -> Result<Response<Body>> {
    if query.depth != Depth::Zero {
        return Err(Error::BadRequest("principal-match takes Depth 0"));
    }
    let criterion = criterion(query.body)?;
    let request = PropertyRequest::read(query.body)?;
    let mut matching = Matching { query, known: HashMap::new() };
    let mut multistatus = MultiStatus::new(query.view.store.spool(), query.view.limits, query.preference.missing());
    // Principals stand in collections that always stand: nobody need look through calendars for them.
    let enter = |member: &Resource| matches!(member, Resource::Fixed(_)) || matches!(criterion, Criterion::Property(_));
    query.view.each_descendant(&scope(query.resource), enter, |href, member| {
        if !matching.matches(member, &criterion)? {
            return Ok(());
        }
        respond_as_asked(&mut multistatus, query, (href, member), request.as_ref())
    })?;
    multistatus.finish()
}

fn criterion(body: &Element) -> Result<Criterion> {
    let malformed = || Error::BadRequest("principal-match needs either self or principal-property");
    match (body.dav("self"), body.dav("principal-property")) {
        (Some(_), None) => Ok(Criterion::Itself),
        (None, Some(property)) => {
            let mut names = property.children().map(|child| child.name.clone());
            let (Some(name), None) = (names.next(), names.next()) else { return Err(malformed()) };
            Ok(Criterion::Property(PropertyRequest::These(vec![Requested::new(name)])))
        }
        _ => Err(malformed()),
    }
}

/// Clients look for principals at `/principals/`, where none stand: it means the collection of all of them.
pub(super) fn scope(resource: &Resource) -> Resource {
    match resource {
        Resource::Fixed(Fixed::RootPrincipals) => Resource::Fixed(Fixed::Principals),
        other => other.clone(),
    }
}

/// The comparisons of one request.
struct Matching<'q, 'b, 'a, 's> {
    query: &'q Query<'b, 'a, 's>,
    /// Whether the principals met so far match: most members of a collection have the same owner.
    known: HashMap<String, bool>,
}

impl Matching<'_, '_, '_, '_> {
    fn matches(&mut self, member: &Resource, criterion: &Criterion) -> Result<bool> {
        match criterion {
            Criterion::Itself => Ok(matches!(member, Resource::Principal(principal) if principal.matches_viewer)),
            Criterion::Property(request) => {
                let found = respond(self.query.view, member, request)?.found;
                if found.is_empty() {
                    return Ok(false);
                }
                for href in hrefs(&parsed(&found, self.query)?) {
                    if self.is_viewer(href)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }

    /// Whether an href is that of the viewer or of a group of his.
    fn is_viewer(&mut self, href: String) -> Result<bool> {
        if let Some(known) = self.known.get(&href) {
            return Ok(*known);
        }
        let matches = match self.query.view.hrefs.read(&href, self.query.authorities) {
            Ok(Target::Path(path @ Path::Principal(..))) => match self.query.view.locate(&path) {
                Ok(resource) => matches!(resource, Resource::Principal(principal) if principal.matches_viewer),
                Err(Error::Status(StatusCode::NOT_FOUND)) => false,
                Err(error) => return Err(error),
            },
            _ => false,
        };
        self.known.insert(href, matches);
        Ok(matches)
    }
}

/// The hrefs in a property's value, at any depth within bounds: those of `DAV:acl` stand inside of its ACEs.
fn hrefs(found: &Element) -> Vec<String> {
    let href = Name::dav("href");
    let mut open: Vec<&Element> = found.children().collect();
    let mut hrefs = Vec::new();
    while let Some(element) = open.pop() {
        if element.name == href {
            hrefs.push(element.trimmed_text());
        } else {
            open.extend(element.children());
        }
    }
    hrefs
}
