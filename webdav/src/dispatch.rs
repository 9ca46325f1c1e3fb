//! From a request to the method that answers it: one match in, one place where errors become answers out.

use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use storage::Door;

/// A signed-in request with its whole body, already bounded by the server.
#[derive(Debug)]
pub struct Request<'a> {
    /// Any method.
    pub method: &'a Method,
    /// The path as it was sent (percent-encoded, without the query), `base_path` removed.
    pub path: &'a str,
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
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            xml_bytes_max: 1 << 20,
            xml_depth_max: 64,
            xml_elements_max: 50_000,
            multiget_hrefs_max: 10_000,
            responses_max: 100_000,
            multistatus_bytes_max: 256 << 20,
            instances_max: 10_000,
            window_years_max: 20,
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
    /// A calendar.
    Calendar,
    /// A calendar object.
    Object,
    /// A plain collection or file.
    Plain,
    /// Nothing visible to this viewer.
    Nothing,
}

/// The answer's body: chunks to send one after the other.
pub type Body = Vec<Bytes>;

/// Answers one request. Never panics, never quotes stored data in an error.
pub fn handle(request: &Request<'_>, door: &Door, site: &Site, limits: &Limits) -> Response<Body> {
    let _ = (request, door, site, limits);
    todo!()
}
