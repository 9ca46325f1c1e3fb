//! principal-search-property-set (RFC 3744 §9.5): what principal-property-search can search.

use super::Query;
use super::principal_property_search::SEARCHABLE;
use crate::body::Body;
use crate::error::{Error, Result};
use crate::header::Depth;
use crate::multistatus::xml_response;
use crate::xml::{Name, Writer};
use bytes::Bytes;
use http::{Response, StatusCode};

const SET: Name = Name::dav("principal-search-property-set");
const PROPERTY: Name = Name::dav("principal-search-property");

pub(super) fn run(query: &Query<'_, '_, '_>) -> Result<Response<Body>> {
    if query.depth != Depth::Zero {
        return Err(Error::BadRequest("principal-search-property-set takes Depth 0"));
    }
    let mut writer = Writer::document(&SET);
    for (name, description) in SEARCHABLE {
        writer.start(&PROPERTY);
        writer.start(&Name::dav("prop"));
        writer.empty(name);
        writer.end(&Name::dav("prop"));
        writer.start_with(&Name::dav("description"), &[("xml:lang", "en")]);
        writer.text(description);
        writer.end(&Name::dav("description"));
        writer.end(&PROPERTY);
    }
    writer.end(&SET);
    Ok(xml_response(StatusCode::OK, Bytes::from(writer.into_string()).into()))
}
