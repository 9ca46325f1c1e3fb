//! principal-property-search (RFC 3744 §9.4): principals whose properties contain a text.
//!
//! Only principals that the viewer may know of are looked at, and of each only the values he is shown: no search can tell
//! more than reading them all.

use super::Query;
use super::expand_property::parsed;
use crate::body::Body;
use crate::error::{Error, Result};
use crate::filter::Collation;
use crate::header::Depth;
use crate::href::Fixed;
use crate::multistatus::MultiStatus;
use crate::property::{PropertyRequest, Requested, respond};
use crate::resource::Resource;
use crate::xml::name::CALENDAR_SERVER;
use crate::xml::{Element, Name, Node};
use http::{Response, StatusCode};
use std::collections::BTreeSet;
use storage::authorized::PrincipalKind;

/// The properties that can be searched, with words for people.
pub(super) const SEARCHABLE: &[(Name, &str)] = &[
    (Name::dav("displayname"), "Display Name"),
    (Name::of(CALENDAR_SERVER, "email-address-set"), "Email Addresses"),
    (Name::caldav("calendar-user-address-set"), "Calendar User Address Set"),
    (Name::caldav("calendar-user-type"), "Calendar User Type"),
];

/// Shorter texts find nothing: nobody lists a directory by its letters.
const MATCH_CHARACTERS_MIN: usize = 2;
/// Searches of one request.
const SEARCHES_MAX: usize = 32;

/// A `DAV:property-search`: every property named has a text that matches.
struct Search {
    properties: BTreeSet<Name>,
    text: String,
    comparison: Comparison,
    collation: Collation,
}

/// How a text is compared (`match-type`, an attribute of Apple's calendar server; RFC 3744 §9.4 prefers the default).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Contains,
    StartsWith,
    EndsWith,
    Equals,
}

/// How several searches combine (`test`, an attribute of Apple's calendar server; RFC 3744 has `allof` alone).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Combination {
    All,
    Any,
}

/// What a request looks for.
struct Wanted {
    searches: Vec<Search>,
    combination: Combination,
    /// Kinds of principal that can be found.
    kinds: Vec<PrincipalKind>,
    /// Responses asked for at most.
    limit: usize,
}

pub(super) fn run(query: &Query<'_, '_, '_>) -> Result<Response<Body>> {
    if query.depth != Depth::Zero {
        return Err(Error::BadRequest("principal-property-search takes Depth 0"));
    }
    let wanted = read(query.body)?;
    let request = PropertyRequest::read(query.body)?;
    let mut multistatus = MultiStatus::new(query.view.store.spool(), query.view.limits, query.preference.missing());
    for principal in in_scope(query)? {
        let of_kind = matches!(&principal, Resource::Principal(principal) if wanted.kinds.contains(&principal.kind));
        if !of_kind || !is_found(query, &principal, &wanted)? {
            continue;
        }
        if multistatus.is_full() || multistatus.responses() >= wanted.limit {
            multistatus.truncated(query.href);
            break;
        }
        respond_as_asked(&mut multistatus, query, (&query.view.href(&principal), &principal), request.as_ref())?;
    }
    multistatus.finish()
}

/// A response with the properties asked for, or with a status alone where none are asked for (RFC 3744 §9.3.1).
pub(super) fn respond_as_asked(
    multistatus: &mut MultiStatus,
    query: &Query<'_, '_, '_>,
    (href, resource): (&str, &Resource),
    request: Option<&PropertyRequest>,
) -> Result<()> {
    match request {
        Some(request) => multistatus.answer(query.view, href, resource, request),
        None => multistatus.status(href, StatusCode::OK),
    }
}

fn read(body: &Element) -> Result<Wanted> {
    use PrincipalKind::{Group, Role, User};
    let combination = match body.attribute("test") {
        None | Some("allof") => Combination::All,
        Some("anyof") => Combination::Any,
        Some(_) => return Err(Error::BadRequest("test is anyof or allof")),
    };
    // Calendar user types (RFC 5545 §3.2.3); there are no rooms and resources here.
    let kinds = match body.attribute("type") {
        None => vec![User, Group, Role],
        Some("INDIVIDUAL") => vec![User],
        Some("GROUP") => vec![Group, Role],
        Some("RESOURCE" | "ROOM" | "UNKNOWN") => Vec::new(),
        Some(_) => return Err(Error::BadRequest("type is a calendar user type")),
    };
    let limit = match body.child(&Name::of(CALENDAR_SERVER, "limit")) {
        None => usize::MAX,
        Some(limit) => limit
            .child(&Name::of(CALENDAR_SERVER, "nresults"))
            .and_then(|number| number.trimmed_text().parse::<usize>().ok())
            .filter(|number| *number > 0)
            .ok_or(Error::BadRequest("nresults is a number above zero"))?,
    };
    Ok(Wanted { searches: searches(body)?, combination, kinds, limit })
}

fn searches(body: &Element) -> Result<Vec<Search>> {
    let elements: Vec<&Element> = body.children().filter(|child| child.name.is_dav("property-search")).collect();
    if elements.is_empty() || elements.len() > SEARCHES_MAX {
        return Err(Error::BadRequest("principal-property-search needs property-search elements, not too many"));
    }
    elements.into_iter().map(search).collect()
}

fn search(element: &Element) -> Result<Search> {
    let properties: BTreeSet<Name> = element.dav("prop").map(|p| p.children().map(|c| c.name.clone()).collect()).unwrap_or_default();
    let Some(text) = element.dav("match").filter(|_| !properties.is_empty()) else {
        return Err(Error::BadRequest("a property-search needs a prop and a match"));
    };
    let comparison = match text.attribute("match-type") {
        None | Some("contains") => Comparison::Contains,
        Some("starts-with") => Comparison::StartsWith,
        Some("ends-with") => Comparison::EndsWith,
        Some("equals") => Comparison::Equals,
        Some(_) => return Err(Error::BadRequest("match-type is contains, starts-with, ends-with or equals")),
    };
    let collation = match text.attribute("caseless") {
        None | Some("yes") => Collation::UnicodeCasemap,
        Some("no") => Collation::Octet,
        Some(_) => return Err(Error::BadRequest("caseless is yes or no")),
    };
    Ok(Search { properties, text: text.text(), comparison, collation })
}

/// The principals below the request's path, at any depth; all with `DAV:apply-to-principal-collection-set`, since every
/// resource has the same `DAV:principal-collection-set`.
fn in_scope(query: &Query<'_, '_, '_>) -> Result<Vec<Resource>> {
    let everywhere = query.body.dav("apply-to-principal-collection-set").is_some();
    let kind = match query.resource {
        _ if everywhere => None,
        Resource::Fixed(Fixed::Users) => Some(PrincipalKind::User),
        Resource::Fixed(Fixed::Groups) => Some(PrincipalKind::Group),
        Resource::Fixed(Fixed::Roles) => Some(PrincipalKind::Role),
        Resource::Fixed(Fixed::Root | Fixed::Dav | Fixed::Principals | Fixed::RootPrincipals) => None,
        _ => return Ok(Vec::new()),
    };
    let principals = query.view.store.principals()?;
    Ok(principals.into_iter().filter(|principal| kind.is_none_or(|kind| principal.kind == kind)).map(Resource::Principal).collect())
}

fn is_found(query: &Query<'_, '_, '_>, principal: &Resource, wanted: &Wanted) -> Result<bool> {
    for search in &wanted.searches {
        let found = holds(query, principal, search)?;
        match (found, wanted.combination) {
            (true, Combination::Any) => return Ok(true),
            (false, Combination::All) => return Ok(false),
            _ => {}
        }
    }
    Ok(wanted.combination == Combination::All)
}

fn holds(query: &Query<'_, '_, '_>, principal: &Resource, search: &Search) -> Result<bool> {
    let searchable = search.properties.iter().all(|name| SEARCHABLE.iter().any(|(known, _)| known == name));
    if search.text.trim().chars().count() < MATCH_CHARACTERS_MIN || !searchable {
        return Ok(false);
    }
    for name in &search.properties {
        let request = PropertyRequest::These(vec![Requested::new(name.clone())]);
        let found = respond(query.view, principal, &request)?.found;
        if found.is_empty() || !texts(&parsed(&found, query)?).iter().any(|text| search.matches(text)) {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Search {
    fn matches(&self, value: &str) -> bool {
        let (value, text) = (self.collation.canonical(value), self.collation.canonical(&self.text));
        match self.comparison {
            Comparison::Contains => value.contains(text.as_ref()),
            Comparison::StartsWith => value.starts_with(text.as_ref()),
            Comparison::EndsWith => value.ends_with(text.as_ref()),
            Comparison::Equals => value == text,
        }
    }
}

/// Each sequence of characters in a value by itself (RFC 3744 §9.4.1): a set of hrefs matches by one of them.
fn texts(element: &Element) -> Vec<&str> {
    let mut open = vec![element];
    let mut texts = Vec::new();
    while let Some(element) = open.pop() {
        for node in &element.content {
            match node {
                Node::Element(child) => open.push(child),
                Node::Text(text) => texts.push(text.as_str()),
            }
        }
    }
    texts
}
