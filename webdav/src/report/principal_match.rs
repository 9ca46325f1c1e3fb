//! principal-match (RFC 3744 §9.3): which principals here are the viewer, himself or through a group.

use super::Query;
use super::expand_property::parsed;
use super::principal_property_search::in_scope;
use crate::dispatch::Body;
use crate::error::{Error, Result};
use crate::header::Depth;
use crate::multistatus::MultiStatus;
use crate::property::{PropertyRequest, Requested, respond};
use crate::resource::Resource;
use crate::xml::{Element, Name};
use http::Response;
use std::collections::BTreeSet;
use storage::authorized::PrincipalKind;

/// What identifies the viewer.
enum Criterion {
    /// The principal itself (`DAV:self`).
    Itself,
    /// A property of it names him (`DAV:principal-property`).
    Property(Name),
}

pub(super) fn run(query: &Query<'_, '_, '_>) -> Result<Response<Body>> {
    if query.depth != Depth::Zero {
        return Err(Error::BadRequest("principal-match takes Depth 0"));
    }
    let property = query.body.dav("principal-property").and_then(|property| property.children().next());
    let criterion = match (query.body.dav("self"), property) {
        (Some(_), None) => Criterion::Itself,
        (None, Some(property)) => Criterion::Property(property.name.clone()),
        _ => return Err(Error::BadRequest("principal-match needs either self or principal-property")),
    };
    let request = PropertyRequest::read(query.body)?.unwrap_or(PropertyRequest::These(Vec::new()));
    let viewer = query.view.store.viewer()?;
    let groups = viewer.memberships.iter().map(|group| query.view.hrefs.principal(PrincipalKind::Group, group));
    let own: BTreeSet<String> = std::iter::once(query.view.hrefs.principal(viewer.kind, &viewer.name)).chain(groups).collect();
    let mut multistatus = MultiStatus::new(query.view.limits, query.preference.missing());
    for principal in in_scope(query)? {
        let href = query.view.href(&principal);
        let matches = match &criterion {
            Criterion::Itself => own.contains(&href),
            Criterion::Property(name) => hrefs_of(query, &principal, name)?.iter().any(|href| own.contains(href)),
        };
        if matches {
            multistatus.properties(&href, &respond(query.view, &principal, &request, &[])?)?;
        }
    }
    Ok(multistatus.finish())
}

/// The hrefs that stand in a property's value.
fn hrefs_of(query: &Query<'_, '_, '_>, principal: &Resource, name: &Name) -> Result<Vec<String>> {
    let request = PropertyRequest::These(vec![Requested::new(name.clone())]);
    let found = parsed(&respond(query.view, principal, &request, &[])?.found, query)?;
    let hrefs = found.children().flat_map(Element::children).filter(|child| child.name.is_dav("href"));
    Ok(hrefs.map(Element::trimmed_text).collect())
}
