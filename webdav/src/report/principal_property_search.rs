//! principal-property-search (RFC 3744 §9.4): principals whose properties contain a text.
//!
//! Only principals that the viewer may know of are looked at, and of each only the values he is shown: no search can tell
//! more than reading them all.

use super::Query;
use super::expand_property::parsed;
use crate::dispatch::Body;
use crate::error::{Error, Result};
use crate::filter::Collation;
use crate::header::Depth;
use crate::href::Fixed;
use crate::multistatus::MultiStatus;
use crate::property::{PropertyRequest, Requested, respond};
use crate::resource::Resource;
use crate::xml::name::CALENDAR_SERVER;
use crate::xml::{Element, Name};
use http::Response;
use std::collections::BTreeSet;
use storage::authorized::PrincipalKind;

/// The properties that can be searched, with words for people.
pub(super) const SEARCHABLE: &[(Name, &str)] = &[
    (Name::dav("displayname"), "Display name"),
    (Name::caldav("calendar-user-address-set"), "Calendar user address"),
    (Name::of(CALENDAR_SERVER, "email-address-set"), "E-mail address"),
];

/// Shorter texts find nothing: nobody lists a directory by its letters.
const MATCH_CHARACTERS_MIN: usize = 2;
/// Searches of one request.
const SEARCHES_MAX: usize = 32;

/// A `DAV:property-search`: every property named contains the text.
struct Search {
    properties: BTreeSet<Name>,
    text: String,
}

/// How several searches combine (`test`, an attribute of Apple's calendar server; RFC 3744 has `allof` alone).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Combination {
    All,
    Any,
}

pub(super) fn run(query: &Query<'_, '_, '_>) -> Result<Response<Body>> {
    if query.depth != Depth::Zero {
        return Err(Error::BadRequest("principal-property-search takes Depth 0"));
    }
    let searches = searches(query.body)?;
    let combination = match query.body.attribute("test") {
        Some("anyof") => Combination::Any,
        _ => Combination::All,
    };
    let request = PropertyRequest::read(query.body)?.unwrap_or(PropertyRequest::These(Vec::new()));
    let mut multistatus = MultiStatus::new(query.view.limits, query.preference.missing());
    for principal in in_scope(query)? {
        if !is_found(query, &principal, &searches, combination)? {
            continue;
        }
        if multistatus.is_full() {
            multistatus.truncated(query.href);
            break;
        }
        multistatus.properties(&query.view.href(&principal), &respond(query.view, &principal, &request, &[])?)?;
    }
    Ok(multistatus.finish())
}

fn searches(body: &Element) -> Result<Vec<Search>> {
    let elements: Vec<&Element> = body.children().filter(|child| child.name.is_dav("property-search")).collect();
    if elements.is_empty() || elements.len() > SEARCHES_MAX {
        return Err(Error::BadRequest("principal-property-search needs property-search elements, not too many"));
    }
    let read = |element: &&Element| {
        let properties: BTreeSet<Name> = element.dav("prop").map(|p| p.children().map(|c| c.name.clone()).collect()).unwrap_or_default();
        let text = element.dav("match").map(Element::text);
        match text {
            Some(text) if !properties.is_empty() => Ok(Search { properties, text }),
            _ => Err(Error::BadRequest("a property-search needs a prop and a match")),
        }
    };
    elements.iter().map(read).collect()
}

/// The principals below the request's path, or all with `DAV:apply-to-principal-collection-set`.
pub(super) fn in_scope(query: &Query<'_, '_, '_>) -> Result<Vec<Resource>> {
    let kind = match query.resource {
        Resource::Fixed(Fixed::Users) => Some(PrincipalKind::User),
        Resource::Fixed(Fixed::Groups) => Some(PrincipalKind::Group),
        _ => None,
    };
    let kind = kind.filter(|_| query.body.dav("apply-to-principal-collection-set").is_none());
    let principals = query.view.store.principals()?;
    Ok(principals.into_iter().filter(|principal| kind.is_none_or(|kind| principal.kind == kind)).map(Resource::Principal).collect())
}

fn is_found(query: &Query<'_, '_, '_>, principal: &Resource, searches: &[Search], combination: Combination) -> Result<bool> {
    for search in searches {
        let found = contains(query, principal, search)?;
        match (found, combination) {
            (true, Combination::Any) => return Ok(true),
            (false, Combination::All) => return Ok(false),
            _ => {}
        }
    }
    Ok(combination == Combination::All)
}

fn contains(query: &Query<'_, '_, '_>, principal: &Resource, search: &Search) -> Result<bool> {
    let text = search.text.trim();
    let searchable = search.properties.iter().all(|name| SEARCHABLE.iter().any(|(known, _)| known == name));
    if text.chars().count() < MATCH_CHARACTERS_MIN || !searchable {
        return Ok(false);
    }
    for name in &search.properties {
        let request = PropertyRequest::These(vec![Requested::new(name.clone())]);
        let found = parsed(&respond(query.view, principal, &request, &[])?.found, query)?;
        let in_property = found.children().any(|property| {
            // A set of hrefs matches by one of them, a text by itself.
            let mut values = property.children().map(Element::text).chain(std::iter::once(property.text()));
            values.any(|value| Collation::UnicodeCasemap.contains(&value, text))
        });
        if !in_property {
            return Ok(false);
        }
    }
    Ok(true)
}
