//! The table of reports: name, on which kinds of resource, and what runs. `supported-report-set` derives from it.
//!
//! Every report reads its body, asks the view, and writes through [`crate::property::respond`]; none decides access.

mod acl_principal_prop_set;
mod calendar_multiget;
mod calendar_query;
mod expand_property;
pub(crate) mod free_busy_query;
mod objects;
mod principal_match;
mod principal_property_search;
mod principal_search_property_set;
mod sync_collection;

use crate::body::Body;
use crate::error::Result;
use crate::filter::Collation;
use crate::header::{Depth, Return};
use crate::resource::{Kind, Resource, View};
use crate::xml::{Element, Name};
use http::Response;
use storage::authorized;

/// Collations of text-match (RFC 4790), as `CALDAV:supported-collation-set` lists them.
pub const COLLATIONS: &[&str] =
    &[Collation::AsciiCasemap.identifier(), Collation::Octet.identifier(), Collation::UnicodeCasemap.identifier()];

/// One REPORT request.
pub struct Query<'q, 'a, 's> {
    /// The viewer's view.
    pub view: &'q View<'a, 's>,
    /// What stands at the request's path.
    pub resource: &'q Resource,
    /// The canonical href of the request's resource.
    pub href: &'q str,
    /// The report's root element.
    pub body: &'q Element,
    /// `Depth`, or what is assumed where it is absent.
    pub depth: Depth,
    /// Minimal or not.
    pub preference: Return,
    /// Authorities that hrefs in the body may name.
    pub authorities: &'q [&'q str],
}

/// A report.
#[derive(Debug)]
pub struct Report {
    /// Its root element.
    pub name: Name,
    /// On which kinds of resource it is offered.
    pub kinds: &'static [Kind],
    /// Answers it.
    pub run: fn(&Query<'_, '_, '_>) -> Result<Response<Body>>,
}

impl Report {
    /// `Depth` where a request has none: zero (RFC 3253 §3.6). A query of a calendar without it means the objects, as its
    /// writers take for granted; about the collection alone it could say nothing.
    pub(crate) fn depth_assumed(&self, resource: &Resource) -> Depth {
        let queries = self.name.is_caldav("calendar-query") && resource.kind() == Kind::Calendar;
        if queries { Depth::One } else { Depth::Zero }
    }
    /// Whether it is answered on this resource: another's home has no changes of its own.
    pub fn is_offered_on(&self, resource: &Resource) -> bool {
        let has_changes = !matches!(resource, Resource::Stored(authorized::Resource::Home(home)) if !home.own);
        self.kinds.contains(&resource.kind()) && (has_changes || !self.name.is_dav("sync-collection"))
    }
    /// Whether `supported-report-set` lists it: not where the viewer lacks the privilege it needs in any case.
    pub fn is_listed_on(&self, resource: &Resource) -> bool {
        let reads_acl = match resource {
            Resource::Fixed(_) | Resource::Principal(_) | Resource::FreeBusy(_) => false,
            Resource::Stored(authorized::Resource::Home(home)) => home.own,
            Resource::Stored(authorized::Resource::Calendar(calendar) | authorized::Resource::Object(calendar, _)) => calendar.own(),
            Resource::Stored(authorized::Resource::Plain(_)) => true,
        };
        self.is_offered_on(resource) && (reads_acl || !self.name.is_dav("acl-principal-prop-set"))
    }
}

const PRINCIPALS: &[Kind] = &[Kind::PrincipalCollection];
const COLLECTIONS: &[Kind] =
    &[Kind::Fixed, Kind::PrincipalCollection, Kind::Principal, Kind::Home, Kind::Calendar, Kind::PlainCollection, Kind::Subscription];

/// Every report.
pub static REPORTS: &[Report] = &[
    Report { name: Name::caldav("calendar-query"), kinds: &[Kind::Calendar, Kind::Home, Kind::Object], run: calendar_query::run },
    Report { name: Name::caldav("calendar-multiget"), kinds: &[Kind::Calendar, Kind::Home, Kind::Object], run: calendar_multiget::run },
    Report { name: Name::caldav("free-busy-query"), kinds: &[Kind::Calendar, Kind::Home], run: free_busy_query::run },
    Report { name: Name::dav("sync-collection"), kinds: &[Kind::Calendar, Kind::Home], run: sync_collection::run },
    Report { name: Name::dav("expand-property"), kinds: Kind::ALL, run: expand_property::run },
    Report { name: Name::dav("acl-principal-prop-set"), kinds: Kind::ALL, run: acl_principal_prop_set::run },
    Report { name: Name::dav("principal-match"), kinds: COLLECTIONS, run: principal_match::run },
    Report { name: Name::dav("principal-property-search"), kinds: Kind::ALL, run: principal_property_search::run },
    Report { name: Name::dav("principal-search-property-set"), kinds: PRINCIPALS, run: principal_search_property_set::run },
];
