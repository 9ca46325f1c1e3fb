//! Answers made where the request was read, of what is at hand: no thread is waited for, nor anybody else. By the function that
//! answers everything, so that only the time differs; what it says may not be at hand is asked again on the blocking pool.

use crate::api;
use http::Response;
use std::panic::{AssertUnwindSafe, catch_unwind};
use storage::Door;
use webdav::{Limits, Request, Site};

/// Bytes of a body that asks for the properties of one thing.
const BODY_BYTES_MAX: usize = 8 << 10;

/// The request ended in a panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Panicked;

/// The answer, if all that it takes is at hand.
///
/// # Errors
/// A defect.
pub fn answer(request: &Request<'_>, door: &Door, site: &Site, limits: &Limits) -> Result<Option<Response<webdav::Body>>, Panicked> {
    if !is_short(request) {
        return Ok(None);
    }
    let door = door.at_hand();
    let answered = catch_unwind(AssertUnwindSafe(|| webdav::handle(request, &door, site, limits)));
    Ok(Some(answered.map_err(|_| Panicked)?).filter(|_| !door.has_declined()))
}

/// Whether a request reads one thing, and is itself soon read.
fn is_short(request: &Request<'_>) -> bool {
    let is_small = match request.method.as_str() {
        "GET" | "HEAD" | "OPTIONS" => request.body.is_empty(),
        "PROPFIND" => request.body.len() <= BODY_BYTES_MAX && request.headers.get("depth").is_some_and(|depth| depth == "0"),
        _ => false,
    };
    is_small && !api::is_api(request.path)
}
