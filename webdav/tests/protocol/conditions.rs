//! Conditional requests: against what the viewer is shown, and after his rights.

use crate::harness::{WORK, World, event};

/// A calendar had an ETag with GET and none as a property (RFC 4918 §15.6), and the tag that GET had given was no match for DELETE.
#[test]
fn the_tag_of_a_whole_calendar_is_one_everywhere() {
    let world = World::new();
    let alice = world.client("alice");
    let tag = || {
        let property = alice.property(WORK, "D:getetag").unwrap();
        assert_eq!(alice.get(WORK).header("etag"), property);
        property
    };
    let before = tag();
    alice.put(&format!("{WORK}1.ics"), &event("1", ""));
    let now = tag();
    assert_ne!(now, before);
    assert_eq!(alice.send("GET", WORK, &[("if-none-match", &now)], "").status, 304);
    for wrong in [("if-match", before.as_str()), ("if-none-match", now.as_str()), ("if-none-match", "*")] {
        assert_eq!(alice.send("DELETE", WORK, &[wrong], "").status, 412, "{wrong:?}");
    }
    assert_eq!(alice.send("PROPFIND", WORK, &[("depth", "0"), ("if", &format!("([{now}])"))], "").status, 207);
    assert_eq!(alice.send("DELETE", WORK, &[("if-match", &now)], "").status, 204);
}

#[test]
fn if_match_and_if_none_match_guard_an_object() {
    let world = World::new();
    let alice = world.client("alice");
    let path = format!("{WORK}1.ics");
    let put = |headers: &[(&str, &str)]| alice.send("PUT", &path, headers, &event("1", "SUMMARY:x")).status;
    assert_eq!(put(&[("if-match", "*")]), 412);
    assert_eq!(put(&[("if-match", "\"none\"")]), 412);
    assert_eq!(put(&[("if-none-match", "*")]), 201);
    assert_eq!(put(&[("if-none-match", "*")]), 412);
    let etag = alice.get(&path).header("etag").to_owned();
    let bare = etag.trim_matches('"');
    for sent in [etag.clone(), format!("W/{etag}"), format!("\"{bare}-gzip\""), format!("\\\"{bare}\\\""), format!("\"x\", {etag}")] {
        assert_eq!(put(&[("if-match", &sent)]), 204, "{sent}");
    }
    assert_eq!(put(&[("if-match", "\"stale\"")]), 412);
    assert_eq!(alice.send("GET", &path, &[("if-none-match", &etag)], "").status, 304);
    assert_eq!(alice.send("GET", &path, &[("if-none-match", "\"stale\"")], "").status, 200);
    assert_eq!(alice.send("DELETE", &path, &[("if-match", "\"stale\"")], "").status, 412);
    assert_eq!(alice.send("DELETE", &path, &[("if-match", &etag)], "").status, 204);
}

#[test]
fn the_if_header_knows_tags_sync_tokens_and_no_locks() {
    let world = World::new();
    let alice = world.client("alice");
    let path = format!("{WORK}1.ics");
    alice.put(&path, &event("1", ""));
    let etag = alice.get(&path).header("etag").to_owned();
    let token = alice.property(WORK, "D:sync-token").unwrap();
    let get = |condition: &str| alice.send("GET", &path, &[("if", condition)], "").status;
    assert_eq!(get(&format!("([{etag}])")), 200);
    assert_eq!(get("([\"stale\"])"), 412);
    assert_eq!(get(&format!("([\"stale\"]) ([{etag}])")), 200);
    assert_eq!(get("(Not [\"stale\"])"), 200);
    assert_eq!(get("(<urn:uuid:181d4fae-7d8c-11d0-a765-00a0c91e6bf2>)"), 412);
    assert_eq!(get("(<DAV:no-lock>)"), 412);
    assert_eq!(get("(Not <DAV:no-lock>)"), 200);
    assert_eq!(get(&format!("</dav/calendars/alice/work/> (<{token}>)")), 200);
    assert_eq!(get(&format!("<http://localhost:8008{WORK}1.ics> ([{etag}])")), 200);
    assert_eq!(get(&format!("<http://elsewhere.example{WORK}1.ics> ([{etag}])")), 412);
    assert_eq!(get("not an if header"), 400);
    alice.put(&path, &event("1", "SUMMARY:y"));
    assert_eq!(get(&format!("</dav/calendars/alice/work/> (<{token}>)")), 412);
    assert_eq!(alice.send("PROPPATCH", WORK, &[("if", "(<DAV:no-lock>)")], "").status, 412);
}

#[test]
fn an_empty_schedule_tag_matches_what_has_none() {
    let world = World::new();
    let alice = world.client("alice");
    let path = format!("{WORK}1.ics");
    alice.put(&path, &event("1", ""));
    let put = |tag: &str| alice.send("PUT", &path, &[("if-schedule-tag-match", tag)], &event("1", "SUMMARY:x")).status;
    assert_eq!(put(""), 204);
    assert_eq!(put("\"other\""), 412);
}

#[test]
fn rights_come_before_conditions_and_a_refusal_marks_the_object() {
    let world = World::new();
    let alice = world.client("alice");
    alice.put(&format!("{WORK}1.ics"), &event("1", "SUMMARY:x"));
    for (user, method) in [("bob", "PUT"), ("dan", "PUT"), ("bob", "DELETE"), ("erin", "DELETE")] {
        let client = world.client(user);
        let path = client.members(WORK).remove(0);
        for condition in [("if-match", "\"stale\""), ("if-match", "*"), ("if-none-match", "*")] {
            let before = client.get(&path).header("etag").to_owned();
            let token = client.property(WORK, "D:sync-token");
            let answer = client.send(method, &path, &[condition], &event("1", "SUMMARY:y"));
            assert_eq!((answer.status, answer.condition().as_str()), (403, "need-privileges"), "{user} {method} {condition:?}");
            let needed = if method == "PUT" { "write-content" } else { "unbind" };
            assert!(answer.body.contains(&format!("<D:href>{path}</D:href><D:privilege><D:{needed}/>")), "{}", answer.body);
            // Clients that dropped or kept their change fetch the object again.
            assert_ne!(client.get(&path).header("etag"), before, "{user} {method}");
            assert_ne!(client.property(WORK, "D:sync-token"), token, "{user} {method}");
        }
        assert_eq!(alice.get(&format!("{WORK}1.ics")).body, event("1", "SUMMARY:x"));
    }
}

#[test]
fn whoever_cannot_create_is_told_so_whatever_he_sends() {
    let world = World::new();
    for user in ["bob", "carol", "dan"] {
        for body in [event("9", ""), "garbage".to_owned()] {
            for condition in [("if-none-match", "*"), ("if-match", "\"x\"")] {
                let answer = world.client(user).send("PUT", &format!("{WORK}9.ics"), &[condition], &body);
                assert_eq!((answer.status, answer.condition().as_str()), (403, "need-privileges"), "{user}");
                assert!(answer.body.contains("<D:bind/>"));
            }
        }
    }
    assert_eq!(world.client("erin").put(&format!("{WORK}9.ics"), &event("9", "")).status, 201);
}
