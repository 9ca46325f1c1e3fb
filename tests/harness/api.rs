//! Requests to the interface for programs, made from its own table of routes: every row is asked for, with whatever stands for
//! its parameters, or there is none to be made and the test that asks fails.

use shoji::api::{ROUTES, Route};

/// One request, its path below the root of the interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    pub method: &'static str,
    pub path: String,
    pub body: String,
}

/// What a parameter of a pattern may stand for, apart from `owner` and `name`.
fn fillings(parameter: &str) -> &'static [&'static str] {
    match parameter {
        "grantee" => &["user:titles", "user:carol", "group:team", "everyone", "user:nobody", "nobody"],
        "id" => &["aaaaaaaaaaaaaaaaaaaaaaaaaa", "default", "work", "00000000000000000000000000000000"],
        "object" => &["titles.ics", "nothing.ics", "00000000000000000000000000000000"],
        "version" => &["1", "2", "18446744073709551616", "latest"],
        "calendar" => &["work", "nothing", "00000000000000000000000000000000"],
        "word" => &["not-found", "nothing"],
        _ => panic!("nothing is known to stand for {{{parameter}}}: give it a row here"),
    }
}

/// Bodies of a change: some that can be read, and some that cannot. `OWNER` and `NAME` stand for the calendar's.
fn bodies(route: &Route) -> &'static [&'static str] {
    match (route.method, route.pattern) {
        ("GET" | "DELETE", _) => &[""],
        (_, "links") => &[
            "{\"calendar\":\"OWNER/NAME\",\"level\":\"titles\"}",
            "{\"calendar\":\"OWNER/NAME\",\"level\":\"edit\"}",
            "{\"calendar\":\"OWNER/NAME\",\"object\":\"nothing.ics\"}",
            "{\"calendar\":\"nobody\",\"level\":\"titles\"}",
            "{\"level\":\"titles\"}",
        ],
        (_, "calendars/{owner}/{name}/break-glass") => &["{\"reason\":\"To see it\"}", "{\"reason\":\"\"}", "{}"],
        (_, "available/{id}") => &["{\"state\":\"hidden\"}", "{\"state\":\"default\"}", "{\"state\":\"mine\"}", "{}"],
        (_, "synchronization") => &["{\"private_events\":true,\"private_tasks\":false}", "{\"confidential_activities\":true}", "{}"],
        (_, "policy") => &["{\"policy\":{\"mode\":\"public-edit\"}}", "{\"role\":[]}", "{\"policy\":{\"mode\":\"open\"}}", "[]"],
        (_, "calendars/{owner}/{name}/history/{object}") => &["{}", "{\"version\":1}", "{\"version\":\"one\"}", ""],
        (_, "trash/{calendar}") => &["{}", "{\"name\":\"again\"}", "{\"name\":7}"],
        (_, "calendars/{owner}/{name}/grants") => &[
            "{\"grant\":[]}",
            "{\"grant\":[{\"everyone\":true,\"level\":\"free-busy\"}]}",
            "{\"grant\":[{\"user\":\"nobody\",\"level\":\"edit\"}]}",
            "{",
        ],
        (_, "calendars/{owner}/{name}/grants/{grantee}") => {
            &["{\"level\":\"titles\"}", "{\"level\":\"none\",\"until\":\"2027-01-01T00:00:00Z\"}", "{\"level\":\"everything\"}", "{}"]
        }
        (method, pattern) => panic!("{method} {pattern} has no bodies: give it a row here"),
    }
}

/// Queries, the question mark included.
fn queries(route: &Route) -> &'static [&'static str] {
    match (route.query, route.pattern) {
        ([], _) => &[""],
        (_, "available") => &["", "?owner=alice", "?owner=nobody", "?after=alice", "?after=a", "?after=zz&owner=alice"],
        (_, "calendars/{owner}/{name}/explain") => &[
            "",
            "?viewer=carol",
            "?viewer=nobody",
            "?viewer=titles",
            "?viewer=bob",
            "?viewer=bob&object=canary-f-1.ics",
            "?viewer=bob&object=none",
        ],
        (_, "calendars/{owner}/{name}/view-as") => &[
            "",
            "?viewer=carol",
            "?viewer=nobody",
            "?viewer=titles&start=2026-11-02&end=2026-11-09",
            "?viewer=bob&start=2026-11-02T09:00:00Z",
            "?viewer=bob&start=tomorrow",
            "?viewer=bob&start=2026-11-02&end=2026-11-02",
        ],
        (_, "calendars/{owner}/{name}/synchronization") => &["", "?start=2026-11-02&end=2026-11-09", "?viewer=bob"],
        (_, "calendars/{owner}/{name}/journal") => &["", "?since=2026-11-02", "?since=2126-11-02", "?since=yesterday"],
        (_, pattern) => panic!("{pattern} has no queries: give it a row here"),
    }
}

/// The path of one's own, or another's, calendar, as the interface writes it: owner and name, percent-encoded as in an href.
pub fn calendar_of(href: &str) -> Option<(&str, &str)> {
    let (owner, name) = href.strip_prefix("/dav/calendars/")?.trim_end_matches('/').split_once('/')?;
    (!name.contains('/')).then_some((owner, name))
}

/// Every request there is about the calendar `owner/name` (as path segments), for every row of the table. The name stands for
/// other things' too: a guess at what it may be called elsewhere.
pub fn asks(owner: &str, name: &str) -> Vec<Ask> {
    ROUTES.iter().flat_map(|route| asks_of(route, owner, name)).collect()
}

/// Those of one row.
fn asks_of(route: &'static Route, owner: &str, name: &str) -> Vec<Ask> {
    let mut paths = vec![String::new()];
    for (number, part) in route.pattern.split('/').enumerate() {
        let given;
        let candidates: &[&str] = match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some("owner") => {
                given = vec![owner];
                &given
            }
            Some("name") => {
                given = vec![name];
                &given
            }
            Some(parameter) => {
                given = [&[name], fillings(parameter)].concat();
                &given
            }
            None => {
                given = vec![part];
                &given
            }
        };
        let slash = if number == 0 { "" } else { "/" };
        paths = paths.iter().flat_map(|path| candidates.iter().map(move |part| format!("{path}{slash}{part}"))).collect();
    }
    let mut asks = Vec::new();
    for path in paths {
        for query in queries(route) {
            let decoded = |segment: &str| percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned();
            let filled = |body: &str| body.replace("OWNER", &decoded(owner)).replace("NAME", &decoded(name));
            asks.extend(bodies(route).iter().map(|body| Ask { method: route.method, path: format!("{path}{query}"), body: filled(body) }));
        }
    }
    asks
}
