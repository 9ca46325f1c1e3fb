//! Links: what whoever holds one gets without signing in. `/l/{secret}` is a page for people, `/l/{secret}.ics` a feed for
//! programs; both are made of what the link's door hands out, and of nothing else.
//!
//! A link that is unknown, over or revoked gets one answer, the same to the last byte. No answer may be kept by a cache, found
//! by a search engine, or name its own address to the sites it leads to; none runs a script.

mod details;
mod feed;
mod html;
mod page;
mod period;

use crate::body::Body;
use crate::dispatch::{Limits, Request};
use crate::error::{Cause, Error};
use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use storage::{LinkDoor, LinkSecret};

/// What stands before the secret of a link.
pub const PREFIX: &str = "/l/";
/// What stands after it where a program asks.
const FEED: &str = ".ics";
/// All that links take, whatever stands there.
const METHODS: &str = "OPTIONS, GET, HEAD";
/// What is told where no link shows anything.
const NOTHING: &str = "There is nothing at this address, or no longer.\n";
/// Nothing is loaded but the page's own style, nothing runs, and nobody frames it.
const POLICY: &str = "default-src 'none'; style-src 'sha256-S2jwJJNripWVpoSjsdmWkChPKjBfB9OXyoaPM7vviQU='; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The secret in a path below [`PREFIX`]; `None` where none can stand.
pub fn secret(path: &str) -> Option<LinkSecret> {
    let name = path.strip_prefix(PREFIX)?;
    LinkSecret::parse(name.strip_suffix(FEED).unwrap_or(name))
}

/// Answers a request below [`PREFIX`]. `door` is that of the secret in its path; `None` where nothing is to be shown to whoever
/// asks.
pub fn handle(request: &Request<'_>, door: Option<&LinkDoor>, limits: &Limits) -> Response<Body> {
    let mut response = match *request.method {
        Method::GET | Method::HEAD => door.map_or_else(nothing, |door| answer(request, door, limits)),
        Method::OPTIONS => allowing(StatusCode::NO_CONTENT),
        _ => allowing(StatusCode::METHOD_NOT_ALLOWED),
    };
    let length = response.body().len();
    if !matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    if *request.method == Method::HEAD {
        *response.body_mut() = Body::default();
    }
    protect(response.headers_mut());
    response
}

/// What every answer below [`PREFIX`] bears, whoever made it.
pub fn protect(headers: &mut HeaderMap) {
    let fixed: [(HeaderName, &'static str); 5] = [
        (CACHE_CONTROL, "private, no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
        (CONTENT_SECURITY_POLICY, POLICY),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

fn answer(request: &Request<'_>, door: &LinkDoor, limits: &Limits) -> Response<Body> {
    let answered: Result<Response<Body>, Error> = door.read(|link| {
        let response = match request.path.ends_with(FEED) {
            true => feed::answer(link, request.headers, limits)?,
            false => page::answer(link, request.query, limits)?,
        };
        if *request.method == Method::GET {
            link.count_use()?;
        }
        Ok(response)
    });
    match answered {
        Ok(response) => response,
        Err(Error::Status(StatusCode::NOT_FOUND)) => nothing(),
        Err(Error::BadRequest(words)) => plain(StatusCode::BAD_REQUEST, words),
        Err(Error::Internal(cause)) => failed(cause),
        Err(error @ Error::Unavailable(_)) => error.into_response(""),
        // Whatever else is refused is too much of something.
        Err(_) => plain(StatusCode::INSUFFICIENT_STORAGE, "There is more at this address than can be shown at a time.\n"),
    }
}

/// What stands where no link shows anything.
fn nothing() -> Response<Body> {
    plain(StatusCode::NOT_FOUND, NOTHING)
}

fn failed(cause: Cause) -> Response<Body> {
    let mut response = plain(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n");
    response.extensions_mut().insert(cause);
    response
}

fn allowing(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = status;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(METHODS));
    response
}

fn plain(status: StatusCode, words: &'static str) -> Response<Body> {
    let mut response = Response::new(Bytes::from_static(words.as_bytes()).into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
