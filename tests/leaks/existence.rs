//! What a refusal, a condition or a conflict could tell of what is not shown. The table of every method on every hidden thing
//! is `hidden_is_absent`; here are the ways around it.

use super::{FULL, REDUCED, WORK, bodies, event, only, person, plain, whole, world_of};
use crate::harness::cast::PEOPLE;
use crate::harness::client::NAMESPACES;
use crate::harness::{Answer, World};

fn put(world: &World, name: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    world.step(&format!("put by {name}"));
    let headers: Vec<(&str, &str)> = headers.iter().copied().chain([("content-type", "text/calendar")]).collect();
    world.client(name).send("PUT", path, &headers, body)
}

/// A pair of worlds: in one a private object stands under a name and a UID, in the other it does not.
fn with_and_without(lines: &str) -> [World; 2] {
    let talk = ("u.ics", event("u", "SUMMARY:Talk"));
    let hidden = ("taken.ics", event("taken", lines));
    [world_of(std::slice::from_ref(&talk)), world_of(&[talk, hidden])]
}

#[test]
pub fn leak_45_conditions_are_asked_after_rights_and_against_ones_own_tags() {
    let world =
        world_of(&[("u.ics", event("u", "SUMMARY:Talk")), ("p.ics", event("p", "SUMMARY:Therapy\nCLASS:PRIVATE\nTRANSP:TRANSPARENT"))]);
    let hers = world.client("alice").etags(WORK);
    let guess = event("x", "SUMMARY:Guess");
    for person in PEOPLE.iter().filter(|person| !person.create) {
        let client = world.client(person.name);
        let mut statuses = std::collections::BTreeSet::new();
        for name in ["p.ics", "absent.ics"] {
            let tag = hers.get(&format!("{WORK}{name}")).cloned().unwrap_or_else(|| "\"x\"".to_owned());
            for (header, value) in [
                ("if-none-match", "*"),
                ("if-match", "*"),
                ("if-match", tag.as_str()),
                ("if-none-match", tag.as_str()),
                ("if-schedule-tag-match", "\"1\""),
                ("if", &format!("([{tag}])")),
                ("if-unmodified-since", "Mon, 02 Nov 2020 00:00:00 GMT"),
            ] {
                let answer = client.send("PUT", &format!("{WORK}{name}"), &[(header, value), ("content-type", "text/calendar")], &guess);
                statuses.insert((answer.status, answer.body.replace(name, "x")));
            }
        }
        assert_eq!(statuses.len(), 1, "{}: {statuses:?}", person.name);
        assert_eq!(statuses.first().unwrap().0, if person.reaches() { 403 } else { 404 }, "{}", person.name);
    }
    // The owner's tag of an object is nobody else's, even where the object itself is shown in full.
    let client = world.client("edit");
    let answer = client.send("PUT", &format!("{WORK}p.ics"), &[("if-match", &hers[&format!("{WORK}p.ics")])], &guess);
    assert_eq!(answer.status, 412);
}

#[test]
fn leak_46_a_name_that_something_hidden_has_is_free() {
    for lines in ["SUMMARY:Therapy\nCLASS:PRIVATE\nTRANSP:TRANSPARENT", "SUMMARY:Therapy\nSTATUS:CANCELLED\nCLASS:CONFIDENTIAL"] {
        for headers in [vec![], vec![("if-none-match", "*")], vec![("if-match", "*")], vec![("prefer", "return=representation")]] {
            let [free, taken] = with_and_without(lines);
            for name in ["assign", "edit", "edit-delete"] {
                let path = format!("{WORK}taken.ics");
                let body = event(&format!("mine-{name}"), "SUMMARY:Mine");
                if name != "assign" {
                    // Only one of them can have it.
                    continue;
                }
                let answers = [&free, &taken].map(|world| {
                    let put = put(world, name, &path, &headers, &body);
                    (put, world.client(name).get(&path))
                });
                assert_eq!(answers[0], answers[1], "{name} {headers:?}");
                assert!(headers.contains(&("if-match", "*")) || answers[0].0.status == 201, "{}", answers[0].0.status);
            }
            let alice = taken.client("alice");
            let all: String = bodies(&alice, WORK).into_values().collect();
            assert!(all.contains("Therapy"), "it is never overwritten");
            assert_eq!(taken.faults(), Vec::<String>::new());
        }
    }
}

#[test]
pub fn leak_47_a_uid_that_something_hidden_has_is_no_conflict() {
    for lines in ["SUMMARY:Therapy\nCLASS:PRIVATE\nTRANSP:TRANSPARENT", "SUMMARY:Therapy\nCLASS:PRIVATE"] {
        let [free, taken] = with_and_without(lines);
        // In another calendar of hers it is no conflict either, and is not named.
        for world in [&free, &taken] {
            world.step("elsewhere");
            let answer =
                world.client("alice").put("/dav/calendars/alice/default/elsewhere.ics", &event("other-place", "SUMMARY:secret-47"));
            assert_eq!(answer.status, 201);
        }
        for uid in ["taken", "other-place", "fresh"] {
            let path = format!("{WORK}new-{uid}.ics");
            let body = event(uid, "SUMMARY:Mine");
            let answers = [&free, &taken].map(|world| put(world, "assign", &path, &[], &body));
            assert_eq!(answers[0], answers[1], "{uid}");
            assert_eq!(answers[0].status, 201, "{uid}: {}", answers[0].body);
            assert_eq!(answers[0].header("location"), None);
            let own = [&free, &taken].map(|world| world.client("assign").get(&path));
            assert_eq!(own[0], own[1], "{uid}");
            assert!(own[0].body.contains(&format!("UID:{uid}")), "{}", own[0].body);
        }
        // One that he is shown is a conflict, and is named by what he is shown.
        let shown = put(&taken, "edit", &format!("{WORK}again.ics"), &[], &event("u", "SUMMARY:Mine"));
        assert!(shown.status == 403 && shown.body.contains(&format!("{WORK}u.ics")), "{} {}", shown.status, shown.body);
    }
}

#[test]
fn leak_49_no_answer_says_that_a_guess_was_right() {
    let stored = event("u", "SUMMARY:Redundancies\nDESCRIPTION:Ten people");
    for name in ["busy", "titles", "places", "assign"] {
        let mut worlds = [world_of(&[("u.ics", stored.clone())]), world_of(&[("u.ics", stored.clone())])];
        let (href, body) = only(&worlds[0].client(name));
        let right = stored.replace("UID:u", &super::lines(&body, "UID:")[0]);
        let [one, other] = [right, body.replace("SUMMARY:", "SUMMARY:x")];
        let [first, second] = &mut worlds;
        for path in [href.clone(), format!("{WORK}u.ics")] {
            if path != href && name == "assign" {
                continue;
            }
            for headers in [vec![], vec![("prefer", "return=representation")], vec![("if-match", "*")]] {
                let answers = [put(first, name, &path, &headers, &one), put(second, name, &path, &headers, &other)];
                assert_eq!(answers[0], answers[1], "{name} {path} {headers:?}");
                assert!([403, 404, 412].contains(&answers[0].status), "{name} {}", answers[0].status);
            }
        }
        assert_eq!(plain(&first.client("alice").get(&format!("{WORK}u.ics")).body), plain(&stored));
    }
}

#[test]
fn leak_50_whatever_is_preferred_no_answer_has_more_than_get() {
    let world = world_of(&[
        ("u.ics", event("u", "SUMMARY:Talk\nDESCRIPTION:secret-50")),
        ("p.ics", event("p", "SUMMARY:secret-50\nCLASS:PRIVATE")),
    ]);
    let mut answers = 0;
    for person in PEOPLE.iter().filter(|person| !FULL.contains(&person.name)) {
        let client = world.client(person.name);
        let mut paths = vec![format!("{WORK}u.ics"), format!("{WORK}p.ics"), WORK.to_owned()];
        if person.reaches() {
            paths.extend(client.members(WORK));
        }
        for path in &paths {
            for prefer in
                ["return=representation", "return=minimal", "depth-noroot", "return=representation, return=minimal", "handling=lenient"]
            {
                for method in ["GET", "PUT", "DELETE", "PROPFIND", "PROPPATCH", "COPY", "MOVE", "POST", "REPORT", "MKCALENDAR"] {
                    for (header, value) in [("if-match", "\"x\""), ("if-none-match", "*")] {
                        if person.create && ["PUT", "POST"].contains(&method) && !path.ends_with('/') {
                            continue;
                        }
                        let to = format!("/dav/calendars/{}/default/x.ics", person.name);
                        let headers = [("prefer", prefer), (header, value), ("destination", to.as_str()), ("depth", "0")];
                        let body = if method == "PUT" { event("x", "SUMMARY:Guess") } else { String::new() };
                        let answer = client.send(method, path, &headers, &body);
                        assert!(!plain(&whole(&answer)).contains("secret-50"), "{} {method} {path} {prefer}", person.name);
                        answers += 1;
                    }
                }
            }
        }
    }
    assert!(answers > 2_000, "{answers}");
}

#[test]
pub fn leak_51_a_refusal_names_what_was_asked_for_and_quotes_nothing() {
    let world = world_of(&[("secret-51.ics", event("u", "SUMMARY:secret-51\nDESCRIPTION:secret-51"))]);
    let alice = world.client("alice");
    assert_eq!(alice.send("MKCALENDAR", "/dav/calendars/alice/secret-51/", &[], "").status, 201);
    let mut refused = 0;
    for person in PEOPLE.iter().filter(|person| !FULL.contains(&person.name)) {
        let client = world.client(person.name);
        let objects = if person.reaches() { client.members(WORK) } else { Vec::new() };
        for path in objects.iter().map(String::as_str).chain([WORK, "/dav/calendars/alice/", "/dav/calendars/alice/default/"]) {
            for (method, body) in [
                ("PUT", "BEGIN:VCALENDAR\r\nrubbish-51"),
                ("DELETE", ""),
                ("PROPPATCH", "<rubbish-51"),
                ("ACL", "<rubbish-51/>"),
                ("REPORT", "<rubbish-51/>"),
                ("MKCOL", "<rubbish-51/>"),
                ("MOVE", ""),
            ] {
                let answer = client.send(method, path, &[("destination", "/dav/calendars/alice/x/y/z.ics")], body);
                if answer.status < 400 {
                    continue;
                }
                let text = plain(&whole(&answer));
                assert!(!text.contains("secret-51") && !text.contains("rubbish-51"), "{} {method} {path}: {text}", person.name);
                for href in crate::harness::client::elements(&answer.body, "href") {
                    let known = path.starts_with(href.trim_end_matches('/')) || href.starts_with("/dav/calendars/alice/x/");
                    assert!(known, "{} {method} {path} names {href}", person.name);
                }
                refused += 1;
            }
        }
    }
    assert!(refused > 80, "{refused}");
}

#[test]
pub fn leak_52_what_is_offered_depends_on_the_kind_of_path_alone() {
    let world =
        world_of(&[("u.ics", event("u", "SUMMARY:Talk")), ("p.ics", event("p", "SUMMARY:Therapy\nCLASS:PRIVATE\nTRANSP:TRANSPARENT"))]);
    for name in REDUCED {
        let client = world.client(name);
        for method in ["OPTIONS", "TRACE", "SEARCH", "BIND", "LOCK", "ACL", "PATCH"] {
            let told = |path: &str| {
                let mut answer = client.send(method, path, &[], "");
                answer.body = answer.body.replace(path, "x");
                answer
            };
            assert_eq!(told(&format!("{WORK}u.ics")), told(&format!("{WORK}q.ics")), "{name} {method}");
            assert_eq!(told(&format!("{WORK}p.ics")), told(&format!("{WORK}q.ics")), "{name} {method}");
            assert_eq!(told("/dav/calendars/alice/default/"), told("/dav/calendars/alice/defaulu/"), "{name} {method}");
        }
        if person(name).reaches() {
            // The length that HEAD tells is that of what GET gives.
            let (href, body) = bodies(&client, WORK).pop_first().unwrap();
            let head = client.send("HEAD", &href, &[], "");
            assert_eq!(head.header("content-length"), Some(body.len().to_string().as_str()));
        }
    }
    let body = format!("<D:propfind {NAMESPACES}><D:prop><D:supported-method-set/><D:supported-report-set/></D:prop></D:propfind>");
    let sets: std::collections::BTreeSet<String> = ["busy", "titles", "details", "edit"]
        .into_iter()
        .map(|name| {
            let client = world.client(name);
            let (href, _) = bodies(&client, WORK).pop_first().unwrap();
            plain(&client.send("PROPFIND", &href, &[("depth", "0")], &body).body.replace(&href, "x"))
        })
        .collect();
    assert_eq!(sets.len(), 1, "{sets:?}");
}
