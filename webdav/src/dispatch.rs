//! From a request to the method that answers it: one match in, one place where errors become answers out.

use crate::body::Body;
use crate::error::{Error, Result};
use crate::header::{self, Return, ZoneDefinitions};
use crate::href::Path;
use crate::method::{self, copy_move::Transfer};
use crate::precondition::{self, Current, Purpose, Verdict};
use crate::resource::{Kind, Resource, View};
use crate::xml::{Element, read};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, VARY};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use std::cell::Cell;
use storage::{AuthorizedStore, Door};

/// A signed-in request with its whole body, already bounded by the server.
#[derive(Debug)]
pub struct Request<'a> {
    /// Any method.
    pub method: &'a Method,
    /// The path as it was sent (percent-encoded, without the query), `base_path` removed.
    pub path: &'a str,
    /// The query part as it was sent, without its question mark; empty if there is none.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body.
    pub body: &'a Bytes,
}

/// How the site is reached from outside.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Stands before `/dav/` in every href: empty, or `/…` without a final slash.
    pub base_path: String,
    /// Scheme and authority under which clients know the server, if configured: `Destination` may name it.
    pub external_authority: Option<String>,
}

/// Bounds of one request and its answer.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of an XML body.
    pub xml_bytes_max: usize,
    /// Depth of its elements.
    pub xml_depth_max: usize,
    /// Number of its elements.
    pub xml_elements_max: usize,
    /// Hrefs of one multiget.
    pub multiget_hrefs_max: usize,
    /// Responses of one multistatus.
    pub responses_max: usize,
    /// Bytes of one multistatus.
    pub multistatus_bytes_max: usize,
    /// Instances of one expansion.
    pub instances_max: usize,
    /// Years a free-busy window or an expansion may span.
    pub window_years_max: i64,
    /// Bytes of what a link shows at a time.
    pub link_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            xml_bytes_max: 1 << 20,
            xml_depth_max: 64,
            xml_elements_max: 50_000,
            multiget_hrefs_max: 10_000,
            responses_max: 100_000,
            multistatus_bytes_max: 64 << 20,
            instances_max: 10_000,
            window_years_max: 20,
            link_bytes_max: 16 << 20,
        }
    }
}

/// What a request was about, for the log; put into the answer's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceKind {
    /// `/`, `/dav/` and other fixed collections.
    Root,
    /// A principal or the collections of them.
    Principal,
    /// A calendar home.
    Home,
    /// When a person is busy.
    FreeBusy,
    /// A calendar.
    Calendar,
    /// A calendar object.
    Object,
    /// A plain collection or file.
    Plain,
    /// Nothing visible to this viewer.
    Nothing,
}

/// Marks an answer, in its extensions, that is sent as it comes: without `Content-Length`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unmeasured;

/// Methods that exist elsewhere and are refused here with 405; all others are unknown: 501.
const REFUSED: &[&str] = &[
    "PATCH",
    "TRACE",
    "CONNECT",
    "LOCK",
    "UNLOCK",
    "SEARCH",
    "BIND",
    "UNBIND",
    "REBIND",
    "ORDERPATCH",
    "VERSION-CONTROL",
    "CHECKIN",
    "CHECKOUT",
    "UNCHECKOUT",
    "UPDATE",
    "LABEL",
    "MERGE",
    "MKWORKSPACE",
    "MKACTIVITY",
    "BASELINE-CONTROL",
    "MKREDIRECTREF",
    "UPDATEREDIRECTREF",
    "LINK",
    "UNLINK",
];

/// One request being answered.
pub(crate) struct Exchange<'a> {
    pub(crate) request: &'a Request<'a>,
    pub(crate) door: &'a Door,
    pub(crate) site: &'a Site,
    pub(crate) limits: &'a Limits,
    pub(crate) path: Path,
    pub(crate) preference: Return,
    kind: Cell<ResourceKind>,
}

impl Exchange<'_> {
    /// This request's view through a door.
    pub(crate) fn view<'v, 's>(&'v self, store: &'v AuthorizedStore<'s>) -> View<'v, 's> {
        View::new(store, self.site, self.limits, ZoneDefinitions::read(self.request.headers))
    }

    /// What stands at the request's path.
    pub(crate) fn locate(&self, view: &View<'_, '_>) -> Result<Resource> {
        self.locate_at(view, &self.path)
    }

    /// What stands at the path that the request is about.
    pub(crate) fn locate_at(&self, view: &View<'_, '_>, path: &Path) -> Result<Resource> {
        let resource = view.locate(path)?;
        self.kind.set(resource.kind().logged());
        Ok(resource)
    }

    /// The same, an absent resource being no error.
    pub(crate) fn locate_if_any(&self, view: &View<'_, '_>) -> Result<Option<Resource>> {
        match self.locate(view) {
            Ok(resource) => Ok(Some(resource)),
            Err(Error::Status(StatusCode::NOT_FOUND)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The conditional headers, against what the viewer is shown at the request's path.
    pub(crate) fn verdict(&self, view: &View<'_, '_>, resource: Option<&Resource>, purpose: Purpose) -> Result<Verdict> {
        if !precondition::is_conditional(self.request.headers) {
            return Ok(Verdict::Proceed);
        }
        self.verdict_on(view, &Current::of(view, resource)?, purpose)
    }

    /// The same for a method that knows more of what stands there.
    pub(crate) fn verdict_on(&self, view: &View<'_, '_>, current: &Current, purpose: Purpose) -> Result<Verdict> {
        let authorities = header::authorities(self.request.headers, self.site);
        precondition::evaluate(self.request.headers, &authorities, view, &self.path, current, purpose)
    }

    /// The body as XML. Methods ask for it before they go through the door: nobody waits for the parser.
    pub(crate) fn xml(&self) -> Result<Element> {
        read::parse(self.request.body, self.limits)
    }

    /// The request's own href.
    pub(crate) fn href(&self) -> String {
        format!("{}{}", self.site.base_path, self.request.path)
    }
}

/// Answers one request. Never panics, never quotes stored data in an error.
pub fn handle(request: &Request<'_>, door: &Door, site: &Site, limits: &Limits) -> Response<Body> {
    let mut kind = ResourceKind::Nothing;
    let answer = match Path::parse(request.path) {
        Ok(path) => {
            let exchange = Exchange {
                request,
                door,
                site,
                limits,
                path,
                preference: Return::read(request.headers),
                kind: Cell::new(ResourceKind::Nothing),
            };
            let answer = preferred(&exchange, dispatch(&exchange));
            kind = exchange.kind.get();
            answer
        }
        // Asked of the server as a whole (RFC 9110 §9.3.7).
        Err(_) if request.path == "*" && request.method == Method::OPTIONS => Ok(method::options::answer(method::allow(Kind::Fixed))),
        Err(malformed) => Err(malformed.into()),
    };
    let mut response = answer.unwrap_or_else(|error| error.into_response(&format!("{}{}", site.base_path, request.path)));
    finish(request.method, &mut response);
    response.extensions_mut().insert(kind);
    response
}

/// What is told instead of `answer` when the store failed after it was made.
pub fn failed(request: &Request<'_>, site: &Site, error: storage::Error, answer: &Response<Body>) -> Response<Body> {
    let mut response = Error::from(error).into_response(&format!("{}{}", site.base_path, request.path));
    finish(request.method, &mut response);
    if let Some(kind) = answer.extensions().get::<ResourceKind>() {
        response.extensions_mut().insert(*kind);
    }
    response
}

fn dispatch(exchange: &Exchange<'_>) -> Result<Response<Body>> {
    match exchange.request.method.as_str() {
        "OPTIONS" => method::options::run(exchange),
        "GET" | "HEAD" => method::get::run(exchange),
        "PUT" => method::put::run(exchange),
        "POST" => method::post::run(exchange),
        "DELETE" => method::delete::run(exchange),
        "PROPFIND" => method::propfind::run(exchange),
        "PROPPATCH" => method::proppatch::run(exchange),
        "MKCOL" => method::mkcol::run(exchange),
        "MKCALENDAR" => method::mkcalendar::run(exchange),
        "COPY" => method::copy_move::run(exchange, Transfer::Copy),
        "MOVE" => method::copy_move::run(exchange, Transfer::Move),
        "ACL" => method::acl::run(exchange),
        "REPORT" => method::report::run(exchange),
        name if REFUSED.contains(&name) => method::options::refuse(exchange),
        _ => Err(Error::Status(StatusCode::NOT_IMPLEMENTED)),
    }
}

/// What the request prefers of any method's answer (RFC 7240, RFC 8144).
fn preferred(exchange: &Exchange<'_>, answer: Result<Response<Body>>) -> Result<Response<Body>> {
    match answer {
        // What stands there instead, as GET would show it to this viewer (RFC 8144 §3.2).
        Err(error @ Error::Unmet) if exchange.preference == Return::Representation => {
            method::put::represent(exchange, &exchange.path, method::empty(error.status())).or(Err(error))
        }
        Ok(mut response) if exchange.preference == Return::Minimal => {
            if header::is_preferred(exchange.request.headers, "return") && is_minimal(exchange.request.method, &response) {
                let besides = response.headers().get(method::PREFERENCE_APPLIED).and_then(|value| value.to_str().ok());
                let applied = besides.map_or_else(|| "return=minimal".to_owned(), |besides| format!("return=minimal, {besides}"));
                method::set(&mut response, method::PREFERENCE_APPLIED, &applied);
            }
            Ok(response)
        }
        answer => answer,
    }
}

/// Whether an answer leaves out what `return=minimal` asks to leave out: what is missing from a multistatus that lists
/// properties (RFC 8144 §2.1), and any body that says no more than that all was done (§2.2, §2.3, RFC 7240 §4.2).
fn is_minimal(method: &Method, response: &Response<Body>) -> bool {
    match method.as_str() {
        "PROPFIND" | "REPORT" => response.status() == StatusCode::MULTI_STATUS,
        "GET" | "HEAD" | "OPTIONS" => false,
        _ => response.status().is_success() && response.body().is_empty(),
    }
}

/// What every answer bears: it is for this viewer alone and must be asked for again.
fn finish(method: &Method, response: &mut Response<Body>) {
    let length = response.body().len();
    let bodiless = matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let unmeasured = response.extensions().get::<Unmeasured>().is_some();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(VARY, HeaderValue::from_static("Authorization, Cookie, Accept, Prefer, Brief, Depth, CalDAV-Timezones"));
    if !bodiless && !unmeasured {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    if *method == Method::HEAD {
        *response.body_mut() = Body::default();
    }
}
