//! acl-principal-prop-set (RFC 3744 §9.2): properties of the principals that a resource's ACL names, each once. For its owner,
//! who alone reads the ACL.

use super::Query;
use crate::body::Body;
use crate::error::{Error, Result};
use crate::header::Depth;
use crate::multistatus::MultiStatus;
use crate::property::{AccessList, PropertyRequest};
use crate::resource::Resource;
use acl::Privilege;
use http::{Response, StatusCode};
use std::collections::BTreeSet;

pub(super) fn run(query: &Query<'_, '_, '_>) -> Result<Response<Body>> {
    if query.depth != Depth::Zero {
        return Err(Error::BadRequest("acl-principal-prop-set takes Depth 0"));
    }
    let Some(list) = AccessList::of(query.view, query.resource)? else { return Err(Error::need(Privilege::ReadAcl)) };
    // All this report is for are properties: without their names there is nothing to answer.
    let request = PropertyRequest::read(query.body)?.ok_or(Error::BadRequest("acl-principal-prop-set names no properties"))?;
    let principals: BTreeSet<_> = list.principals().collect();
    let mut multistatus = MultiStatus::new(query.view.store.spool(), query.view.limits, query.preference.missing());
    for (kind, name) in principals {
        let href = query.view.hrefs.principal(kind, name);
        match query.view.store.principal(kind, name) {
            Ok(principal) => {
                multistatus.answer(query.view, &href, &Resource::Principal(principal), &request)?;
            }
            Err(storage::Error::NotFound) => multistatus.status(&href, StatusCode::NOT_FOUND)?,
            Err(error) => return Err(error.into()),
        }
    }
    multistatus.finish()
}
