//! Sharing over HTTP: for the owner alone, with the words of `apply` files, and with the very results of `share set` and ACL.

use super::{mount_of, world};
use crate::harness::World;
use serde_json::json;
use storage::administration::GrantEntry;

const GRANTS: &str = "calendars/alice/work/grants";

fn stored(world: &World) -> Vec<GrantEntry> {
    world.store.administration().grants(Some(("alice", "work"))).unwrap()
}

#[test]
fn the_owner_sets_changes_and_ends_a_share() {
    let world = world();
    let (alice, bob) = (world.client("alice"), world.client("bob"));
    let list = alice.api("GET", GRANTS, "");
    assert_eq!(list.json(), json!({"grant": [{"calendar": "alice/work", "user": "bob", "level": "titles"}]}));
    assert_eq!(list.json()["grant"], json!(stored(&world)), "the keys of an apply file");
    let entry = json!({"level": "edit", "private_events": "show", "until": "2027-01-01T00:00:00Z", "create": "yes", "with_places": true});
    let set = alice.api("PUT", &format!("{GRANTS}/user:bob"), &entry.to_string());
    assert_eq!(set.status, 200, "{}", set.body);
    assert_eq!(set.json()["level"], "edit");
    assert_eq!(alice.api("GET", &format!("{GRANTS}/user:bob"), "").json(), set.json());
    assert_eq!(json!(stored(&world)[0]), set.json());
    let made = alice.api("PUT", &format!("{GRANTS}/everyone"), "{\"level\":\"free-busy\"}");
    assert_eq!((made.status, made.header("location")), (201, Some("/api/v1/calendars/alice/work/grants/everyone")));
    assert_eq!(alice.api("DELETE", &format!("{GRANTS}/user:bob"), "").status, 204);
    assert_eq!(alice.api("DELETE", &format!("{GRANTS}/user:bob"), "").problem().0, 404);
    assert_eq!(stored(&world).len(), 1);
    // At once, for him too.
    assert_eq!(bob.propfind("/dav/calendars/alice/work/", "0", "<D:displayname/>").status, 207, "by the share with everyone");
    assert_eq!(alice.api("PUT", GRANTS, "{\"grant\":[]}").json(), json!({"grant": []}));
    assert_eq!(bob.propfind("/dav/calendars/alice/work/", "0", "<D:displayname/>").status, 404);
    assert_eq!(world.faults(), Vec::<String>::new());
}

/// One way to say a thing, three ways to get it done.
#[test]
fn a_share_is_the_same_however_it_was_made() {
    for level in acl::Level::ALL {
        let by_http = world();
        let body = format!("{{\"grant\":[{{\"user\":\"bob\",\"level\":\"{}\"}}]}}", level.word());
        assert_eq!(by_http.client("alice").api("PUT", GRANTS, &body).status, 200);
        let mut by_command = world();
        by_command.grant(GrantEntry {
            calendar: "alice/work".into(),
            user: Some("bob".into()),
            level: Some(level),
            ..GrantEntry::default()
        });
        assert_eq!(stored(&by_http), stored(&by_command));
        let shown = |world: &World| {
            let acl = world.client("alice").propfind("/dav/calendars/alice/work/", "0", "<D:acl/>").body;
            let his = world.client("bob").propfind("/dav/calendars/alice/work/", "0", "<D:current-user-privilege-set/>").body;
            (acl, his)
        };
        assert_eq!(shown(&by_http), shown(&by_command), "{level:?}");
    }
}

#[test]
fn replacing_all_keeps_nothing_that_is_not_named_and_changes_nothing_when_refused() {
    let world = world();
    let alice = world.client("alice");
    let all = json!({"grant": [
        {"calendar": "alice/work", "everyone": true, "level": "free-busy"},
        {"user": "bob", "level": "details", "private_events": "hidden"},
    ]});
    assert_eq!(alice.api("PUT", GRANTS, &all.to_string()).status, 200);
    let before = stored(&world);
    assert_eq!(before.len(), 2);
    for (refused, status, code, key) in [
        (json!({"grant": [{"user": "bob", "level": "edit"}, {"user": "bob", "level": "none"}]}), 422, "invalid", None),
        (json!({"grant": [{"user": "bob", "level": "edit"}, {"user": "nobody", "level": "edit"}]}), 422, "unknown-grantee", None),
        (json!({"grant": [{"role": "nobody", "level": "edit"}]}), 422, "unknown-grantee", None),
        (json!({"grant": [{"role": "nobody", "user": "bob", "level": "edit"}]}), 422, "unknown-grantee", None),
        (json!({"grant": [{"level": "edit"}]}), 422, "invalid", None),
        (json!({"grant": [{"user": "bob", "everyone": true, "level": "edit"}]}), 422, "invalid", None),
        (json!({"grant": [{"user": "alice", "level": "edit"}]}), 422, "invalid", None),
        (json!({"grant": [{"user": "bob", "custom": "title,edit"}]}), 422, "invalid", None),
        (json!({"grant": [{"calendar": "alice/default", "user": "bob", "level": "edit"}]}), 422, "invalid", Some("grant[0].calendar")),
    ] {
        let answer = alice.api("PUT", GRANTS, &refused.to_string());
        assert_eq!(answer.problem(), (status, code.to_owned(), key.map(str::to_owned)), "{refused} {}", answer.body);
        assert_eq!(stored(&world), before, "{refused}");
    }
    let answer = alice.api("PUT", &format!("{GRANTS}/user:bob"), "{\"user\":\"dan\",\"level\":\"edit\"}");
    assert_eq!(answer.problem().1, "invalid");
    assert_eq!(alice.api("PUT", &format!("{GRANTS}/role:x"), "{\"level\":\"edit\"}").problem().1, "unknown-grantee");
    for nobody in ["bob", "user", "roles:x", "everyone:", "users:bob"] {
        assert_eq!(alice.api("PUT", &format!("{GRANTS}/{nobody}"), "{\"level\":\"edit\"}").problem().0, 404, "{nobody}");
    }
    assert_eq!(stored(&world), before);
}

#[test]
fn a_change_made_from_an_old_state_is_refused() {
    let world = world();
    let alice = world.client("alice");
    let path = format!("/api/v1/{GRANTS}");
    let old = alice.get(&path).header("etag").unwrap().to_owned();
    let send = |condition: (&str, &str), body: &str| alice.send("PUT", &path, &[("content-type", "application/json"), condition], body);
    let other = send(("if-match", &old), r#"{"grant":[{"everyone":true,"level":"titles"}]}"#);
    assert_eq!(other.status, 200);
    assert_eq!(send(("if-match", &old), "{\"grant\":[]}").problem().0, 412);
    assert_eq!(stored(&world).len(), 1);
    let new = other.header("etag").unwrap();
    assert_eq!(alice.send("GET", &path, &[("if-none-match", new)], "").status, 304);
    assert_eq!(alice.get(&path).header("etag"), Some(new));
    let one = format!("{path}/everyone");
    let json = ("content-type", "application/json");
    assert_eq!(alice.send("PUT", &one, &[json, ("if-none-match", "*")], "{\"level\":\"edit\"}").problem().0, 412);
    let tag = alice.get(&one).header("etag").unwrap().to_owned();
    assert_eq!(alice.send("DELETE", &one, &[("if-match", "\"other\"")], "").problem().0, 412);
    assert_eq!(alice.send("DELETE", &one, &[("if-match", &format!("\"x\", {tag}"))], "").status, 204);
    assert_eq!(alice.send("PUT", &one, &[json, ("if-match", "*")], "{\"level\":\"edit\"}").problem().0, 412);
    assert_eq!(alice.send("PUT", &one, &[json, ("if-none-match", "*")], "{\"level\":\"edit\"}").status, 201);
}

/// Whoever may edit everything still may not say who sees it; nor does the mount in his own home make it his.
#[test]
fn nobody_but_the_owner_reads_or_sets_shares() {
    let mut world = world();
    world.grant(GrantEntry {
        calendar: "alice/work".into(),
        user: Some("bob".into()),
        level: Some(acl::Level::EditDelete),
        private_events: Some(acl::level::GrantPrivateEvents::Show),
        ..GrantEntry::default()
    });
    let bob = world.client("bob");
    let before = stored(&world);
    for calendar in ["alice/work".to_owned(), format!("bob/{}", mount_of(&bob))] {
        for (method, end, body) in [
            ("GET", "grants", ""),
            ("PUT", "grants", "{\"grant\":[]}"),
            ("GET", "grants/user:bob", ""),
            ("PUT", "grants/everyone", "{\"level\":\"edit-delete\"}"),
            ("DELETE", "grants/user:bob", ""),
        ] {
            assert_eq!(bob.api(method, &format!("calendars/{calendar}/{end}"), body).problem().0, 403, "{method} {calendar}/{end}");
        }
    }
    assert_eq!(stored(&world), before);
}

/// The owner learns no name that she could not have found: a stranger and nobody are one to her, here as by the ACL method.
#[test]
fn a_grant_to_a_stranger_tells_nothing_of_him() {
    let world = world();
    let alice = world.client("alice");
    let put = |grantee: &str| alice.api("PUT", &format!("{GRANTS}/{grantee}"), "{\"level\":\"titles\"}");
    let (stranger, nobody) = (put("user:carol"), put("user:nobody"));
    assert_eq!(stranger.problem().1, "unknown-grantee");
    assert_eq!(stranger, nobody);
    assert_eq!(put("group:team"), nobody, "a group she is not in");
    assert_eq!(put("user:bob").status, 200);
}
