//! acl-principal-prop-set (RFC 3744 §9.2): properties of the principals that a calendar's ACL names. For the owner, who alone
//! reads the ACL.

use super::Query;
use crate::dispatch::Body;
use crate::error::{Error, Result};
use crate::header::Depth;
use crate::multistatus::MultiStatus;
use crate::property::{PropertyRequest, respond};
use crate::resource::Resource;
use http::{Response, StatusCode};
use std::collections::BTreeSet;
use storage::authorized::{self, AceSubject, PrincipalKind};

pub(super) fn run(query: &Query<'_, '_, '_>) -> Result<Response<Body>> {
    if query.depth != Depth::Zero {
        return Err(Error::BadRequest("acl-principal-prop-set takes Depth 0"));
    }
    let Resource::Stored(authorized::Resource::Calendar(calendar)) = query.resource else { return Err(Error::not_found()) };
    let request = PropertyRequest::read(query.body)?.unwrap_or(PropertyRequest::These(Vec::new()));
    let mut principals = BTreeSet::new();
    for ace in query.view.store.acl(calendar)? {
        match ace.subject {
            AceSubject::Owner => principals.insert((PrincipalKind::User, calendar.owner().to_owned())),
            AceSubject::Principal(kind, name) => principals.insert((kind, name)),
            // No principal has an href that stands for everyone.
            AceSubject::Everyone => false,
        };
    }
    let mut multistatus = MultiStatus::new(query.view.limits, query.preference.missing());
    for (kind, name) in principals {
        let href = query.view.hrefs.principal(kind, &name);
        match query.view.store.principal(kind, &name) {
            Ok(principal) => {
                let propstats = respond(query.view, &Resource::Principal(principal), &request, &[])?;
                multistatus.properties(&href, &propstats)?;
            }
            Err(storage::Error::NotFound) => multistatus.status(&href, StatusCode::NOT_FOUND)?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(multistatus.finish())
}
