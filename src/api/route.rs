//! The table of routes: which method on which path goes where. Closed: what has no row does not exist, and tests fail for a
//! row that is not documented or that no script of theirs asks for.

use super::call::{Answer, Call};
use super::problem::Problem;
use super::{available, grants, history, index, links, look, policy, synchronization};

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// `GET` (which answers HEAD too), `PUT`, `POST` or `DELETE`.
    pub method: &'static str,
    /// The path below [`super::ROOT`]; `{name}` stands for one segment.
    pub pattern: &'static str,
    /// Parameters of the query it knows.
    pub query: &'static [&'static str],
    /// What it does, for people.
    pub summary: &'static str,
    /// Does it.
    pub run: fn(&Call<'_>) -> Result<Answer, Problem>,
}

impl Route {
    /// Whether a request has a body, which then must say that it is JSON. No form can send another method than GET and POST
    /// across sites, nor that type: so browsers ask first (and are told no) before they change anything for another site.
    pub fn takes_body(&self) -> bool {
        matches!(self.method, "PUT" | "POST")
    }
}

const fn route(
    method: &'static str,
    pattern: &'static str,
    query: &'static [&'static str],
    summary: &'static str,
    run: fn(&Call<'_>) -> Result<Answer, Problem>,
) -> Route {
    Route { method, pattern, query, summary, run }
}

/// All of them.
pub const ROUTES: &[Route] = &[
    route("GET", "", &[], "who you are, and this table", index::index),
    route("GET", "problems/{word}", &[], "what a refusal means", index::problem),
    route("GET", "available", &["owner", "after"], "calendars that others opened to you", available::list),
    route("GET", "available/{id}", &[], "one of them", available::get),
    route("PUT", "available/{id}", &[], "add it to your home, hide it, leave it", available::decide),
    route("GET", "policy", &[], "the organisation's policy, for administrators", policy::get),
    route("PUT", "policy", &[], "make the tables that are given what they say", policy::set),
    route("GET", "calendars/{owner}/{name}/grants", &[], "whom your calendar is shared with", grants::list),
    route("PUT", "calendars/{owner}/{name}/grants", &[], "replace all its grants", grants::replace),
    route("GET", "calendars/{owner}/{name}/grants/{grantee}", &[], "one grant", grants::get),
    route("PUT", "calendars/{owner}/{name}/grants/{grantee}", &[], "set one grant, whole", grants::set),
    route("DELETE", "calendars/{owner}/{name}/grants/{grantee}", &[], "end one grant", grants::remove),
    route("GET", "calendars/{owner}/{name}/explain", &["viewer", "object"], "what somebody sees of it, and why", look::explain),
    route("GET", "calendars/{owner}/{name}/view-as", &["viewer", "start", "end"], "what somebody's client gets of it", look::view_as),
    route(
        "GET",
        "calendars/{owner}/{name}/synchronization",
        &["start", "end"],
        "what of it would go elsewhere, and come back",
        synchronization::view,
    ),
    route("GET", "calendars/{owner}/{name}/journal", &["since"], "who read it, who opened it to whom, what was refused", look::journal),
    route("POST", "calendars/{owner}/{name}/break-glass", &[], "open it to an administrator for an hour", policy::break_glass),
    route("GET", "calendars/{owner}/{name}/history", &[], "what happened last to each of its events", history::calendar),
    route("GET", "calendars/{owner}/{name}/history/{object}", &[], "the versions of one", history::object),
    route("POST", "calendars/{owner}/{name}/history/{object}", &[], "bring back a version, or the event itself", history::restore),
    route("DELETE", "calendars/{owner}/{name}/history/{object}", &[], "forget a deleted event, or earlier versions", history::purge),
    route("GET", "calendars/{owner}/{name}/history/{object}/{version}", &[], "one version", history::version),
    route("GET", "trash", &[], "your deleted calendars and events", history::trash),
    route("POST", "trash/{calendar}", &[], "bring back a calendar", history::restore_calendar),
    route("DELETE", "trash/{calendar}", &[], "remove one for good", history::purge_calendar),
    route("GET", "synchronization", &[], "which of your private items go to calendars elsewhere", synchronization::get),
    route("PUT", "synchronization", &[], "switch them on or off", synchronization::set),
    route("GET", "links", &[], "links to your calendars and events", links::list),
    route("POST", "links", &[], "make one; its address is in this answer and nowhere else", links::make),
    route("GET", "links/{id}", &[], "one link", links::get),
    route("DELETE", "links/{id}", &[], "end it", links::remove),
];

/// What a method and a path stand for.
pub(super) enum Found {
    /// This row, with the segments its pattern names.
    Route(&'static Route, Vec<(&'static str, String)>),
    /// The path has rows, for these methods: what `Allow` says.
    OtherMethods(String),
    /// None.
    Nothing,
}

/// Finds the row.
pub(super) fn find(method: &str, segments: &[String]) -> Found {
    let mut allow = Vec::new();
    for route in ROUTES {
        let Some(parameters) = parameters(route.pattern, segments) else { continue };
        if route.method == method {
            return Found::Route(route, parameters);
        }
        allow.push(route.method);
        if route.method == "GET" {
            allow.push("HEAD");
        }
    }
    if allow.is_empty() {
        return Found::Nothing;
    }
    allow.push("OPTIONS");
    Found::OtherMethods(allow.join(", "))
}

/// The segments that a pattern names, if it fits.
fn parameters(pattern: &'static str, segments: &[String]) -> Option<Vec<(&'static str, String)>> {
    let parts: Vec<&'static str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
    if parts.len() != segments.len() {
        return None;
    }
    let mut named = Vec::new();
    for (part, segment) in parts.into_iter().zip(segments) {
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => named.push((name, segment.clone())),
            None if part == segment => {}
            None => return None,
        }
    }
    Some(named)
}
