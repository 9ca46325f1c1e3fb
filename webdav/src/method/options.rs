//! OPTIONS (RFC 9110 §9.3.7, RFC 4918 §10.1), and 405 for the methods that are known but not offered.
//!
//! 200 with the same `DAV` header everywhere; `Allow` by the kind of resource, or by the form of the path where nothing
//! stands for the viewer.

use super::{allow, allow_where_nothing_stands, empty, set};
use crate::body::Body;
use crate::dispatch::Exchange;
use crate::error::{Error, Result};
use http::header::ALLOW;
use http::{HeaderName, Response, StatusCode};

/// Compliance classes and features (RFC 4918 §18, RFC 3744 §7.2, RFC 4791 §5.1, RFC 5689 §3.1, RFC 7953 §7.2.1), and the one that
/// Apple's clients look for before they keep a subscription here.
pub const DAV_CLASSES: &str = "1, 3, access-control, calendar-access, calendar-availability, calendarserver-subscribed, extended-mkcol";

pub(crate) fn run(exchange: &Exchange<'_>) -> Result<Response<Body>> {
    Ok(answer(allowed(exchange)?))
}

/// 200 with these methods.
pub(crate) fn answer(allow: &'static str) -> Response<Body> {
    let mut response = empty(StatusCode::OK);
    set(&mut response, HeaderName::from_static("dav"), DAV_CLASSES);
    set(&mut response, ALLOW, allow);
    response
}

/// 405 for a method that no resource here offers.
pub(crate) fn refuse(exchange: &Exchange<'_>) -> Result<Response<Body>> {
    Err(Error::NotAllowed(allowed(exchange)?))
}

fn allowed(exchange: &Exchange<'_>) -> Result<&'static str> {
    exchange.door.read(|store| {
        Ok(match exchange.locate_if_any(&exchange.view(store))? {
            Some(resource) => allow(resource.kind()),
            None => allow_where_nothing_stands(&exchange.path),
        })
    })
}
