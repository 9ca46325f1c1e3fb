//! The organisation over HTTP: its administrators' alone, whole tables at a time, in force from the next request on.

use super::world;
use crate::harness::{Answer, Client, World};
use acl::Level;
use serde_json::{Value, json};
use storage::administration::{ApplyFile, ApplyOptions, ModuleEntry, PolicyEntry, PolicyValue};

/// alice and bob as before, and dan as the administrator.
pub fn with_administrator() -> World {
    let world = world();
    let module = ModuleEntry { user: Some("dan".into()), role: "admin".into(), ..ModuleEntry::default() };
    let file = ApplyFile { modules: vec![module], ..ApplyFile::default() };
    world.store.administration().apply(&file, ApplyOptions::default()).unwrap().unwrap();
    world
}

fn set(client: &Client, tables: &Value) -> Answer {
    client.api("PUT", "policy", &tables.to_string())
}

fn answers(client: &Client, path: &str) -> u16 {
    client.propfind(path, "0", "<D:displayname/>").status
}

#[test]
fn an_administrator_changes_the_organisation_and_it_holds_at_once() {
    let world = with_administrator();
    let (dan, carol) = (world.client("dan"), world.client("carol"));
    assert_eq!(dan.api("GET", "", "").json()["administrator"], true);
    let before = dan.api("GET", "policy", "");
    assert_eq!(before.json(), json!({"policy": {}, "role": [], "role_exception": [], "module": [{"user": "dan", "role": "admin"}]}));
    assert_eq!(answers(&carol, "/dav/calendars/alice/work/"), 404);
    let roles = json!([{"name": "board", "members": []}, {"name": "director", "reports_to": "board", "members": ["carol"]}]);
    let after = set(&dan, &json!({"policy": {"mode": "public-read", "widen_public": true, "language": "de"}, "role": roles}));
    assert_eq!(after.status, 200, "{}", after.body);
    assert_eq!(answers(&carol, "/dav/calendars/alice/work/"), 207);
    let shown = dan.api("GET", "policy", "");
    assert_eq!((shown.body.clone(), shown.header("etag")), (after.body.clone(), after.header("etag")));
    assert_eq!(shown.json()["policy"], json!({"mode": "public-read", "widen_public": true, "language": "de"}));
    assert_eq!(shown.json()["role"], roles);
    // It stands as in a file.
    let file = json!(world.store.administration().export_apply_file(None).unwrap());
    for table in ["policy", "role", "module"] {
        assert_eq!(file[table], shown.json()[table], "{table}");
    }
    // Whole tables, and those alone that are named.
    let less = set(&dan, &json!({"policy": {"mode": "off"}})).json();
    assert_eq!((&less["policy"], &less["role"]), (&json!({"mode": "off"}), &roles));
    assert_eq!(answers(&carol, "/dav/calendars/alice/work/"), 404);
    assert_eq!(set(&dan, &before.json()).body, before.body, "what was read can be sent back");
    assert_eq!(world.faults(), Vec::<String>::new());
}

#[test]
fn roles_exceptions_and_places_go_when_they_are_no_longer_named() {
    let world = with_administrator();
    let dan = world.client("dan");
    let exception = json!([{"owner_role": "sales", "viewer_role": "support", "permission": "read"}]);
    let all = json!({
        "role": [{"name": "sales", "members": ["alice"]}, {"name": "support", "members": ["carol"]}],
        "role_exception": exception,
        "module": [{"user": "dan", "role": "admin"}, {"group": "team", "role": "denied"}],
        "policy": {"preset": "vtecrm", "mode": "private", "admin_content": "break-glass"},
    });
    let set_all = set(&dan, &all);
    assert_eq!(set_all.status, 200, "{}", set_all.body);
    assert_eq!(answers(&world.client("carol"), "/dav/calendars/alice/work/"), 207, "by the exception");
    assert_eq!(answers(&world.client("bob"), "/dav/calendars/alice/work/"), 404, "denied, whatever is shared with him");
    assert_eq!(world.client("bob").api("GET", "available", "").json(), json!({"available": []}));
    // A role that goes takes the exceptions of it along; named ones stay.
    let less = set(&dan, &json!({"role": [{"name": "support", "members": ["carol"]}]})).json();
    assert_eq!((&less["role_exception"], less["role"].as_array().unwrap().len()), (&json!([]), 1));
    assert_eq!(answers(&world.client("carol"), "/dav/calendars/alice/work/"), 404);
    assert_eq!(
        set(&dan, &json!({"role_exception": exception})).problem(),
        (422, "invalid".to_owned(), Some("role_exception[0]".to_owned()))
    );
    let less = set(&dan, &json!({"module": [{"user": "dan", "role": "admin"}], "policy": {}})).json();
    assert_eq!((&less["module"], &less["policy"]), (&json!([{"user": "dan", "role": "admin"}]), &json!({})));
    assert_eq!(answers(&world.client("bob"), "/dav/calendars/alice/work/"), 207);
    assert_eq!(world.faults(), Vec::<String>::new());
}

#[test]
fn what_makes_no_sense_changes_nothing_and_says_where() {
    let world = with_administrator();
    let dan = world.client("dan");
    let before = dan.api("GET", "policy", "").body;
    for (tables, status, key) in [
        (json!({"policy": {"mode": "open"}}), 422, "policy"),
        (json!({"policy": {"colour": "red"}}), 422, "policy"),
        (json!({"policy": {"mode": "private"}, "role": [{"name": "Bad Name"}]}), 422, "role[0]"),
        (json!({"role": [{"name": "a", "reports_to": "b"}, {"name": "b", "reports_to": "a"}]}), 422, "role[0]"),
        (json!({"role": [{"name": "a", "members": ["dan"]}, {"name": "b", "members": ["dan"]}]}), 422, "role[1]"),
        (json!({"module": [{"user": "dan", "role": "king"}]}), 422, "module[0]"),
        (json!({"module": [{"user": "dan", "role": "admin"}, {"user": "nobody", "role": "denied"}]}), 422, "module[1]"),
        (json!({"role": [{"name": "a", "boss": "b"}]}), 400, "role[0].boss"),
        (json!({"user": []}), 400, "user"),
        (json!({"policy": {"mode": 7}}), 400, "policy.mode"),
    ] {
        let (refused, _, named) = set(&dan, &tables).problem();
        assert_eq!((refused, named.as_deref()), (status, Some(key)), "{tables}");
        assert_eq!(dan.api("GET", "policy", "").body, before, "{tables}");
    }
    let old = dan.send("PUT", "/api/v1/policy", &[("content-type", "application/json"), ("if-match", "\"x\"")], "{\"role\":[]}");
    assert_eq!(old.problem().0, 412);
}

/// That there is a policy is no secret, what it says is the administrators'. And they decide about no single calendar.
#[test]
fn only_administrators_see_the_policy_and_none_of_them_shares_what_is_not_his() {
    let world = with_administrator().share("alice/work", "dan", Level::EditDelete);
    for user in ["alice", "bob", "carol"] {
        let client = world.client(user);
        assert_eq!(client.api("GET", "", "").json()["administrator"], false);
        assert_eq!(client.api("GET", "policy", "").problem().0, 403);
        assert_eq!(set(&client, &json!({"module": [{"user": user, "role": "admin"}]})).problem().0, 403);
        assert_eq!(client.api("GET", "", "").json()["administrator"], false);
    }
    let dan = world.client("dan");
    let full = PolicyEntry([("admin_content".to_owned(), PolicyValue::Word("full".to_owned()))].into());
    world.store.administration().set_policy(&full).unwrap();
    assert_eq!(set(&dan, &json!({"policy": {"admin_content": "full"}})).status, 200, "as it is");
    for (method, end, body) in
        [("GET", "grants", ""), ("PUT", "grants", "{\"grant\":[]}"), ("PUT", "grants/user:dan", "{\"level\":\"edit\"}")]
    {
        assert_eq!(dan.api(method, &format!("calendars/alice/work/{end}"), body).problem().0, 403, "{method} {end}");
    }
    // Whoever gives up his place is shown no more of it.
    let given_up = set(&dan, &json!({"module": [{"user": "alice", "role": "admin"}]}));
    assert_eq!((given_up.status, given_up.body.as_str()), (204, ""));
    assert_eq!(dan.api("GET", "policy", "").problem().0, 403);
    assert_eq!(world.client("alice").api("GET", "policy", "").status, 200);
}

/// What a mode or an administrator's right opens is listed to whom it opens it, and stands in his home when he adds it.
#[test]
fn what_the_organisation_opens_is_available_and_not_in_the_home_by_itself() {
    let world = with_administrator();
    let (dan, carol) = (world.client("dan"), world.client("carol"));
    assert_eq!(set(&dan, &json!({"policy": {"mode": "public-edit"}})).status, 200);
    let all = carol.api("GET", "available?owner=alice", "").json();
    let work = all["available"].as_array().unwrap().iter().find(|one| one["name"] == "work").unwrap().clone();
    assert_eq!((&work["state"], &work["sees"], &work["may"]), (&json!("available"), &json!("details"), &json!(["create", "edit"])));
    let home = "/dav/calendars/carol/";
    assert_eq!(carol.members(home), ["/dav/calendars/carol/default/"]);
    let id = work["id"].as_str().unwrap();
    assert_eq!(carol.api("PUT", &format!("available/{id}"), "{\"state\":\"added\"}").status, 200);
    assert!(carol.members(home).contains(&format!("{home}{id}/")));
    assert_eq!(set(&dan, &json!({"policy": {"mode": "off"}})).status, 200);
    assert_eq!(carol.members(home), ["/dav/calendars/carol/default/"]);
    assert_eq!(carol.api("GET", &format!("available/{id}"), "").problem().0, 404);
}
