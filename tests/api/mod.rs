//! The interface for programs: its form (this file), and one story a topic.

mod available;
mod break_glass;
mod grants;
mod links;
mod policy;
mod synchronization;
mod wire;

use crate::harness::{Client, World, api};
use shoji::api::{Kind, ROUTES};

/// alice, who shares her calendar `work` with bob and the team; carol, whom nobody knows.
fn world() -> World {
    let world = World::new().user("alice").user("bob").user("carol").user("dan").calendar("alice/work").group("team", &["dan", "bob"]);
    world.share("alice/work", "bob", acl::Level::Titles)
}

fn assert_sealed(answer: &crate::harness::Answer) {
    assert_eq!(answer.header("cache-control"), Some("private, no-store"), "{answer:?}");
    assert_eq!(answer.header("vary"), Some("Authorization"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert!(answer.headers.iter().all(|(name, _)| !name.starts_with("access-control-") && name != "set-cookie"), "{answer:?}");
}

#[test]
fn every_route_stands_in_the_readme_and_nothing_else_does() {
    let readme = include_str!("../../README.md");
    let mut documented: Vec<(String, String)> = Vec::new();
    for line in readme.lines().filter(|line| line.starts_with("| `/api/v1/")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let path = cells[1].trim_matches('`').split('?').next().unwrap();
        documented.extend(cells[2].split(", ").map(|method| (method.to_owned(), path.to_owned())));
    }
    documented.sort();
    let mut routes: Vec<(String, String)> =
        ROUTES.iter().map(|route| (route.method.to_owned(), format!("{}{}", shoji::api::ROOT, route.pattern))).collect();
    routes.sort();
    assert_eq!(documented, routes);
}

#[test]
fn every_answer_is_for_one_person_and_for_no_cache_and_no_other_site() {
    let world = world();
    let mut asked = 0;
    for user in ["alice", "bob", "carol"] {
        let client = world.client(user);
        for ask in api::asks("alice", "work") {
            let answer = client.api(ask.method, &ask.path, &ask.body);
            assert_sealed(&answer);
            assert!(answer.status < 500, "{ask:?} {answer:?}");
            if answer.status >= 400 {
                answer.problem();
            }
            asked += 1;
        }
    }
    assert!(asked > 60, "{asked}");
}

#[test]
fn the_index_says_who_is_signed_in_and_what_there_is() {
    let world = world();
    let index = world.client("bob").api("GET", "", "");
    assert_eq!(index.status, 200);
    let json = index.json();
    assert_eq!((json["user"].as_str(), json["display_name"].as_str()), (Some("bob"), Some("Name of bob")));
    assert_eq!(json["routes"].as_array().unwrap().len(), ROUTES.len());
    for kind in Kind::ALL {
        let shown = world.client("bob").api("GET", &format!("problems/{}", kind.word()), "").json();
        assert_eq!((shown["code"].as_str(), shown["status"].as_u64()), (Some(kind.word()), Some(u64::from(kind.status().as_u16()))));
    }
}

#[test]
fn a_method_a_path_does_not_take_is_told_with_those_it_takes() {
    let world = world();
    let client = world.client("alice");
    let grants = client.api("DELETE", "calendars/alice/work/grants", "");
    assert_eq!((grants.problem().0, grants.header("allow")), (405, Some("GET, HEAD, PUT, OPTIONS")));
    // Whether anything stands there makes no difference to it.
    assert_eq!(client.api("DELETE", "calendars/nobody/x/grants", "").body, grants.body);
    let options = client.api("OPTIONS", "calendars/alice/work/grants/everyone", "");
    assert_eq!((options.status, options.header("allow")), (204, Some("GET, HEAD, PUT, DELETE, OPTIONS")));
    assert_sealed(&options);
    for method in ["POST", "PATCH", "PROPFIND", "BREW"] {
        assert_eq!(client.send(method, "/api/v1/", &[], "").problem().1, "method-not-allowed", "{method}");
    }
    for path in ["/api", "/api/", "/api/v1", "/api/v2/", "/api/v1/nothing", "/api/v1/calendars/alice/work/grants/", "/api/v1//"] {
        assert_eq!(client.send("GET", path, &[], "").problem(), (404, "not-found".to_owned(), None), "{path}");
        assert_eq!(client.send("OPTIONS", path, &[], "").problem().0, 404, "{path}");
    }
}

/// A form of another site can send POST with three types of content, and nothing else: a browser that holds the password sends
/// it along.
#[test]
fn a_change_that_does_not_say_it_is_json_changes_nothing() {
    let world = world();
    let client = world.client("alice");
    let path = "/api/v1/calendars/alice/work/grants/everyone";
    let types =
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain, application/json", "json", ""];
    for kind in types {
        let answer = client.send("PUT", path, &[("content-type", kind)], "{\"level\":\"edit\"}");
        assert_eq!(answer.problem().0, 415, "{kind}");
    }
    assert_eq!(client.send("PUT", path, &[], "{\"level\":\"edit\"}").problem().0, 415);
    let twice = [("content-type", "application/json"), ("content-type", "text/plain")];
    assert_eq!(client.send("PUT", path, &twice, "{\"level\":\"edit\"}").problem().0, 415);
    assert_eq!(client.get(path).status, 404);
    let answer = client.send("PUT", path, &[("content-type", "Application/JSON; charset=utf-8")], "{\"level\":\"edit\"}");
    assert_eq!(answer.status, 201);
}

#[test]
fn a_body_that_cannot_be_read_is_refused_by_the_name_of_its_key_and_never_quoted() {
    let world = world();
    let client = world.client("alice");
    let refused = |body: &str| {
        let answer = client.api("PUT", "calendars/alice/work/grants", body);
        assert!(!answer.body.contains("secret"), "{}", answer.body);
        let (status, code, key) = answer.problem();
        assert_eq!((status, code.as_str()), (400, "bad-request"), "{body}");
        key.unwrap_or_default()
    };
    assert_eq!(refused(r#"{"grant":[{"everyone":true,"level":"secret"}]}"#), "grant[0].level");
    assert_eq!(refused(r#"{"grant":[{"everyone":true,"levle":"secret"}]}"#), "grant[0].levle");
    assert_eq!(refused(r#"{"grant":[{"everyone":"secret"}]}"#), "grant[0].everyone");
    assert_eq!(refused(r#"{"grant":[{"user":17}]}"#), "grant[0].user");
    assert_eq!(refused(r#"{"grant":[{"user":"bob","until":"secret"}]}"#), "grant[0].until");
    assert_eq!(refused(r#"{"grant":[{"user":"bob","user":"secret"}]}"#), "grant[0].user");
    assert_eq!(refused(r#"{"grant":{"secret":1}}"#), "grant");
    assert_eq!(refused(r#"{"grants":[]}"#), "grants");
    for body in ["", "{", "[]", "null", "\"secret\"", "{}", "{\"grant\":[]} secret", "\u{feff}{}"] {
        refused(body);
    }
    let deep = format!("{{\"grant\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    refused(&deep);
    let answer = client.api("PUT", "calendars/alice/work/grants", &format!("{{\"grant\":[]{}}}", " ".repeat(1 << 20)));
    assert_eq!(answer.problem().0, 413);
    let answer = client.api("GET", "calendars/alice/work/grants?levle=secret", "");
    assert_eq!(answer.problem(), (400, "bad-request".to_owned(), Some("levle".to_owned())));
    assert!(!answer.body.contains("secret"));
}

#[test]
pub fn what_is_not_the_askers_to_know_is_absent_in_the_same_bytes() {
    let world = world();
    let carol = world.client("carol");
    let mut compared = 0;
    for (ask, other) in api::asks("alice", "work").into_iter().zip(api::asks("nobody", "none")) {
        let (hidden, absent) = (carol.api(ask.method, &ask.path, &ask.body), carol.api(other.method, &other.path, &other.body));
        assert_eq!(hidden, absent, "{ask:?}");
        compared += 1;
    }
    assert!(compared > 20, "{compared}");
    // Whoever sees the calendar is told that this is not his: he knows of it anyway.
    let bob = world.client("bob");
    assert_eq!(bob.api("GET", "calendars/alice/work/grants", "").problem().0, 403);
    assert_eq!(bob.api("PUT", "calendars/alice/work/grants/everyone", "{\"level\":\"edit\"}").problem().0, 403);
    assert_eq!(bob.api("GET", "calendars/alice/default/grants", "").problem().0, 404);
}

/// A client's own call, under the name that the calendar bears for him.
fn mount_of(client: &Client) -> String {
    let home = format!("/dav/calendars/{}/", client.user);
    let mounts = client.members(&home).into_iter().filter_map(|href| Some(href.strip_prefix(&home)?.trim_end_matches('/').to_owned()));
    mounts.into_iter().find(|name| name.len() == 26).expect("a mount")
}
