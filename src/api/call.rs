//! One request to a route, and its answer: parameters, query, body, preconditions.

use super::problem::{Kind, Problem};
use super::route::Route;
use super::{Context, path};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::Value;
use storage::Door;
use webdav::{Body, Request};

/// Bytes of a key that a refusal names.
const KEY_BYTES_MAX: usize = 64;
/// Parameters of one query.
const PARAMETERS_MAX: usize = 16;

/// A request that has found its route.
#[derive(Debug)]
pub struct Call<'a> {
    /// The user's own door: the way to everything that is not an administrator's.
    pub door: &'a Door,
    /// What requests share.
    pub context: &'a Context<'a>,
    request: &'a Request<'a>,
    parameters: Vec<(&'static str, String)>,
    query: Vec<(String, String)>,
}

impl<'a> Call<'a> {
    /// Reads the query: only parameters that the route knows, each once.
    pub(super) fn new(
        request: &'a Request<'a>,
        door: &'a Door,
        context: &'a Context<'a>,
        route: &Route,
        parameters: Vec<(&'static str, String)>,
    ) -> Result<Self, Problem> {
        let mut query: Vec<(String, String)> = Vec::new();
        for pair in request.query.split('&').filter(|pair| !pair.is_empty()).take(PARAMETERS_MAX + 1) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let read = |raw: &str| percent_decode_str(raw).decode_utf8().map(std::borrow::Cow::into_owned).ok();
            let refused = |words: &str| Err(Problem::new(Kind::BadRequest).with_detail(words).with_key(printable(name)));
            let (Some(name), Some(value)) = (read(name), read(value)) else { return refused("A query is percent-encoded UTF-8.") };
            if !route.query.contains(&name.as_str()) {
                return refused(&match route.query {
                    [] => "No query parameters are known here.".to_owned(),
                    known => format!("The query parameters known here are {}.", known.join(", ")),
                });
            }
            if query.iter().any(|(other, _)| *other == name) {
                return refused("A query parameter stands once.");
            }
            query.push((name, value));
        }
        Ok(Self { door, context, request, parameters, query })
    }

    /// A segment of the path, decoded, by its name in the route's pattern; empty for a name that is not there.
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// A parameter of the query, decoded.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A parameter of the query that has to be there.
    ///
    /// # Errors
    /// It is not.
    pub fn required(&self, name: &'static str) -> Result<&str, Problem> {
        self.query(name).ok_or_else(|| Problem::new(Kind::BadRequest).with_detail("This query parameter is missing.").with_key(name))
    }

    /// The body. Routes ask for it before they go through the door, so that a body that cannot be read is answered alike
    /// whatever stands there.
    ///
    /// # Errors
    /// Not JSON, an unknown key, a value of another kind: the key is named, the value is not quoted.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let mut json = serde_json::Deserializer::from_slice(self.request.body);
        let read = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let key = printable(&error.path().to_string());
            unreadable(&error.inner().to_string(), key)
        })?;
        json.end().map_err(|_| Problem::new(Kind::BadRequest).with_detail("Something follows the JSON value."))?;
        Ok(read)
    }

    /// Whether the change may be made of what stands there now (`If-Match`, `If-None-Match`; RFC 9110 §13.1); `None`: nothing
    /// does. Looked at within the same state of the store as the change.
    ///
    /// # Errors
    /// It may not.
    pub fn precondition(&self, current: Option<&Value>) -> Result<(), Problem> {
        let current = current.map(|value| etag(&value.to_string()));
        let met = |name: header::HeaderName| {
            let mut values = self.request.headers.get_all(name).iter().peekable();
            values.peek()?;
            Some(values.any(|value| is_among(value, current.as_deref())))
        };
        match (met(header::IF_MATCH), met(header::IF_NONE_MATCH)) {
            (Some(false), _) | (_, Some(true)) => Err(Problem::new(Kind::PreconditionFailed)),
            _ => Ok(()),
        }
    }

    /// The path of something of this interface, from its segments.
    pub fn href(&self, segments: &[&str]) -> String {
        let encoded: Vec<String> = segments.iter().map(|segment| path::encoded(segment)).collect();
        format!("{}{}{}", self.context.site.base_path, super::ROOT, encoded.join("/"))
    }
}

/// Whether a list of entity tags names this one, `*` naming whatever is there. Strong: the tags of this interface all are.
fn is_among(list: &HeaderValue, current: Option<&str>) -> bool {
    let Some(current) = current else { return false };
    list.to_str().is_ok_and(|list| list.split(',').map(str::trim).any(|tag| tag == "*" || tag == current))
}

/// Whether a body says that it is JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (types.next(), types.next()) else { return false };
    value.to_str().is_ok_and(|value| value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json"))
}

/// A key as a refusal names it.
fn printable(key: &str) -> String {
    key.chars().filter(|c| c.is_ascii_graphic()).take(KEY_BYTES_MAX).collect()
}

/// What the reader says, without the value it stumbled over: that may be a secret, and refusals are kept in logs.
fn unreadable(message: &str, key: String) -> Problem {
    // These two are said of what they stand in.
    let inner = ["missing field `", "duplicate field `"].iter().find_map(|start| message.strip_prefix(start)?.split_once('`'));
    let key = match (key.as_str(), inner) {
        ("" | ".", inner) => inner.map(|(name, _)| name.to_owned()),
        (outer, Some((name, _))) => Some(format!("{outer}.{name}")),
        (_, None) => Some(key),
    };
    let problem = Problem::new(Kind::BadRequest);
    let problem = key.into_iter().fold(problem, Problem::with_key);
    // "… at line 1 column 17" says where, and stands last.
    let (what, place) = message.rsplit_once(" at line ").map_or((message, ""), |(what, place)| (what, place));
    let what = match (what.split_once("expected "), what.split_once(':')) {
        _ if what.starts_with("missing field") || what.starts_with("duplicate field") => what.to_owned(),
        (Some((before, expected)), _) => {
            let unknown = if before.starts_with("unknown field") { "unknown key: " } else { "" };
            format!("{unknown}expected {expected}")
        }
        (None, Some((before, _))) if before.starts_with("invalid ") || before.starts_with("unknown ") => before.to_owned(),
        _ => what.to_owned(),
    };
    let place = if place.is_empty() { String::new() } else { format!(" (line {})", place.replace(" column", ", column")) };
    problem.with_detail(format!("The body cannot be read: {what}{place}."))
}

/// The entity tag of a representation: of nothing but what its reader gets.
fn etag(body: &str) -> String {
    let hash = blake3::hash(body.as_bytes()).to_hex();
    format!("\"{}\"", hash.get(..32).unwrap_or_default())
}

/// What a route answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    status: StatusCode,
    value: Option<Value>,
    headers: Vec<(header::HeaderName, String)>,
}

impl Answer {
    /// 200 with what there is.
    pub fn ok(value: Value) -> Self {
        Self { status: StatusCode::OK, value: Some(value), headers: Vec::new() }
    }
    /// 201 with what was made, and where it is.
    pub fn created(value: Value, location: String) -> Self {
        Self { status: StatusCode::CREATED, value: Some(value), headers: vec![(header::LOCATION, location)] }
    }
    /// 204: done, and nothing to say.
    pub fn done() -> Self {
        Self { status: StatusCode::NO_CONTENT, value: None, headers: Vec::new() }
    }
    pub(super) fn options(allow: &str) -> Self {
        Self { status: StatusCode::NO_CONTENT, value: None, headers: vec![(header::ALLOW, allow.to_owned())] }
    }

    pub(super) fn into_response(self, request: &Request<'_>) -> Response<Body> {
        let body = self.value.map(|value| value.to_string());
        let mut response = Response::new(Body::default());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        for (name, value) in self.headers {
            headers.extend(HeaderValue::from_str(&value).map(|value| (name, value)));
        }
        let Some(body) = body else { return response };
        let tag = etag(&body);
        headers.extend(HeaderValue::from_str(&tag).map(|value| (header::ETAG, value)));
        let asks = matches!(*request.method, Method::GET | Method::HEAD);
        let unchanged = request.headers.get_all(header::IF_NONE_MATCH).iter().any(|list| is_among(list, Some(&tag)));
        if asks && unchanged {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *response.body_mut() = Bytes::from(body).into();
        response
    }
}
