//! HTTP for programs: JSON under `/api/v1/`, for one signed-in user, through his door and with his rights.
//!
//! What is asked and answered bears the keys of an `apply` file, and goes to the code that the command line reaches through
//! the control socket. Everything a request can be about is a row of [`ROUTES`]; every refusal is a [`Problem`] (RFC 9457).
//! What a user may not know of is absent: 404, in the same bytes as what never was.
//!
//! There are no cookies, no cross-origin headers, and a change needs `Content-Type: application/json` or a method that no
//! form can send: another site's page cannot make a browser change anything here. This module decides no access.

mod available;
mod call;
mod grants;
mod history;
mod index;
mod links;
mod look;
mod path;
mod policy;
mod problem;
mod route;
mod synchronization;

pub use call::{Answer, Call};
pub use problem::{Kind, Problem};
pub use route::{ROUTES, Route};

use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};
use route::Found;
use std::sync::Arc;
use storage::{Door, Store};
use webdav::{Body, Request, Site};

/// Where it stands, below `base_path`.
pub const ROOT: &str = "/api/v1/";

/// Whether a path is one of this interface: every version's, so that a program of another one gets an answer it can read.
pub fn is_api(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

/// All that requests to this interface share.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// What stands before the paths.
    pub site: &'a Site,
    /// For administrators, whose rights the route looks at before it goes here.
    pub store: &'a Arc<Store>,
    /// Bytes of a body.
    pub json_bytes_max: usize,
}

/// Answers one request of the user before the door. Never panics, never quotes stored data in a refusal.
pub fn handle(request: &Request<'_>, door: &Door, context: &Context<'_>) -> Response<Body> {
    let answer = dispatch(request, door, context);
    let mut response = match answer {
        Ok(answer) => answer.into_response(request),
        Err(problem) => problem.into_response(&context.site.base_path),
    };
    let length = response.body().len();
    let bodiless = matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    seal(response.headers_mut());
    if !bodiless {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    if *request.method == Method::HEAD {
        *response.body_mut() = Body::default();
    }
    response
}

/// What every answer bears: it is for this user alone, is kept nowhere, and is nothing but what it says it is.
fn seal(headers: &mut http::HeaderMap) {
    const SEAL: [(HeaderName, &str); 5] = [
        (header::CACHE_CONTROL, "private, no-store"),
        (header::VARY, "Authorization"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in SEAL {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// A refusal that was made before the request got here, in this interface's form.
pub fn refusal<B>(refused: &Response<B>, base_path: &str) -> Response<Body> {
    let problem = Problem::new(Kind::of_status(refused.status()));
    let mut response = problem.into_response(base_path);
    for (name, value) in refused.headers() {
        if *name != header::CONTENT_TYPE && *name != header::CONTENT_LENGTH && name.as_str() != "dav" {
            response.headers_mut().insert(name.clone(), value.clone());
        }
    }
    seal(response.headers_mut());
    response
}

fn dispatch(request: &Request<'_>, door: &Door, context: &Context<'_>) -> Result<Answer, Problem> {
    let segments = path::segments(request.path).ok_or(Problem::not_found())?;
    let method = if *request.method == Method::HEAD { "GET" } else { request.method.as_str() };
    let (route, parameters) = match route::find(method, &segments) {
        Found::Route(route, parameters) => (route, parameters),
        Found::OtherMethods(allow) if *request.method == Method::OPTIONS => return Ok(Answer::options(&allow)),
        Found::OtherMethods(allow) => return Err(Problem::new(Kind::MethodNotAllowed).with_header(header::ALLOW, &allow)),
        Found::Nothing => return Err(Problem::not_found()),
    };
    if route.takes_body() && !call::is_json(request.headers) {
        return Err(Problem::new(Kind::UnsupportedMediaType));
    }
    if request.body.len() > context.json_bytes_max {
        return Err(Problem::new(Kind::TooLarge));
    }
    let call = Call::new(request, door, context, route, parameters)?;
    (route.run)(&call)
}

#[cfg(test)]
mod tests;
