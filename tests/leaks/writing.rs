//! What a write could destroy, widen or carry out of a calendar. The tables of every refused write are in `no_write`.

use super::{FULL, REDUCED, WORK, alike, bodies, event, lines, only, person, plain, series, world_of};
use crate::harness::cast::{self, PEOPLE};
use crate::harness::client::NAMESPACES;
use crate::harness::{Client, World};

const ALARM: &str = "BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT15M\nDESCRIPTION:hers\nEND:VALARM";

/// All that the owner has, by name.
fn hers(world: &World) -> std::collections::BTreeMap<String, String> {
    bodies(&world.client("alice"), WORK)
}

#[test]
pub fn leak_53_a_reduced_copy_cannot_be_written_back() {
    let secret = "SUMMARY:Redundancies\nLOCATION:Oslo\nDESCRIPTION:Notes\nATTENDEE:mailto:dan@example.org";
    let world = world_of(&[("u.ics", event("u", secret)), ("p.ics", event("p", &format!("CLASS:PRIVATE\n{secret}")))]);
    let before = hers(&world);
    let mut refused = 0;
    for person in PEOPLE.iter().filter(|person| person.reaches() && !person.is_owner()) {
        let client = world.client(person.name);
        for (href, body) in bodies(&client, WORK) {
            let whole = body.contains("Redundancies") && body.contains("ATTENDEE");
            if whole && person.edit {
                continue;
            }
            for changed in [body.clone(), body.replace("T090000Z", "T093000Z"), body.replace("SUMMARY:", "SUMMARY:My ")] {
                let answer = client.put(&href, &changed);
                assert!(answer.status == 403 && answer.body.contains("need-privileges"), "{} {href}: {}", person.name, answer.status);
                refused += 1;
            }
            let privileges = client.propfind(&href, "0", "<D:current-user-privilege-set/>").body;
            assert!(!privileges.contains("write-content") && !privileges.contains("<D:write/>"), "{}: {privileges}", person.name);
        }
    }
    assert!(refused >= 45, "{refused}");
    assert_eq!(before, hers(&world));
}

#[test]
fn leak_54_an_exclusion_that_stands_for_something_hidden_cannot_be_stored() {
    let hidden = "RECURRENCE-ID:20261110T090000Z\nDTSTART:20261111T140000Z\nDTEND:20261111T150000Z\nSUMMARY:Interview\nCLASS:PRIVATE";
    let mut world = cast::world();
    for name in ["edit", "edit-delete"] {
        // Even of an editor whose share hides what is private.
        super::share(
            &mut world,
            name,
            if name == "edit" { acl::Level::Edit } else { acl::Level::EditDelete },
            acl::level::GrantPrivateEvents::Hidden,
        );
    }
    super::store(&world, &[("s.ics", series("s", "SUMMARY:Talk", &[hidden]))]);
    let before = hers(&world);
    for name in ["edit", "edit-delete"] {
        let client = world.client(name);
        let (href, body) = only(&client);
        for changed in [body.clone(), body.replace("SUMMARY:Talk", "SUMMARY:Other"), body.replace("COUNT=5", "COUNT=6")] {
            assert_eq!(client.put(&href, &changed).status, 403, "{name}");
        }
    }
    assert_eq!(before, hers(&world));
    assert!(before.values().all(|text| text.contains("Interview")));
}

#[test]
fn leak_55_a_write_without_the_owners_alarm_leaves_it() {
    let world = world_of(&[("u.ics", event("u", &format!("SUMMARY:Talk\nX-MOZ-LASTACK:20261102T000000Z\n{ALARM}")))]);
    for (number, name) in ["edit", "edit-delete", "delegate"].into_iter().enumerate() {
        let client = world.client(name);
        let (href, body) = only(&client);
        assert!(!body.contains("VALARM") && !body.contains("LASTACK"), "{body}");
        let mine = ALARM.replace("hers", name).replace('\n', "\r\n");
        let changed = body.replace("SUMMARY:", &format!("SUMMARY:{number}")).replace("END:VEVENT", &format!("{mine}\r\nEND:VEVENT"));
        assert_eq!(client.put(&href, &changed).status, 204, "{name}");
        let after = hers(&world).into_values().next().unwrap();
        assert!(
            after.contains("DESCRIPTION:hers") && after.contains("X-MOZ-LASTACK") && after.matches("BEGIN:VALARM").count() == 1,
            "{after}"
        );
        assert_eq!(lines(&client.get(&href).body, "DESCRIPTION"), [format!("DESCRIPTION:{name}")]);
        for other in ["details", "delegate", "edit"].into_iter().filter(|other| *other != name) {
            assert!(!only(&world.client(other)).1.contains(&format!("DESCRIPTION:{name}")), "{other}");
        }
    }
}

#[test]
fn leak_56_nobody_but_the_owner_sets_how_private_an_event_is() {
    for stored in ["", "CLASS:PRIVATE\n", "CLASS:CONFIDENTIAL\n"] {
        for sent in ["", "CLASS:PUBLIC\n", "CLASS:PRIVATE\n", "CLASS:CONFIDENTIAL\n", "CLASS:X-OURS\n", "class:public\nCLASS:PUBLIC\n"] {
            let world = world_of(&[("u.ics", event("u", &format!("{stored}SUMMARY:Talk")))]);
            let seen = |world: &World| {
                ["busy", "titles", "details", "discreet", "member"]
                    .map(|name| bodies(&world.client(name), WORK).into_values().collect::<Vec<_>>())
            };
            let (before, class) = (seen(&world), lines(&hers(&world).into_values().collect::<String>(), "CLASS"));
            for name in ["delegate", "edit"] {
                let client = world.client(name);
                let (href, body) = only(&client);
                let bare: String =
                    plain(&body).lines().filter(|line| !line.starts_with("CLASS")).map(|line| format!("{line}\r\n")).collect();
                let changed = bare.replace("SUMMARY", &format!("{}SUMMARY", sent.replace('\n', "\r\n")));
                let answer = client.put(&href, &changed);
                assert!([204, 403].contains(&answer.status), "{name} {stored:?} {sent:?}: {}", answer.status);
                assert_eq!(before, seen(&world), "{name} {stored:?} {sent:?}");
                assert_eq!(class, lines(&hers(&world).into_values().collect::<String>(), "CLASS"), "{name} {stored:?} {sent:?}");
            }
        }
    }
}

#[test]
pub fn leak_58_nothing_that_is_not_seen_is_deleted() {
    let world =
        world_of(&[("u.ics", event("u", "SUMMARY:Talk")), ("p.ics", event("p", "SUMMARY:Therapy\nCLASS:PRIVATE\nTRANSP:TRANSPARENT"))]);
    let alice = world.client("alice");
    assert_eq!(alice.put("/dav/calendars/alice/default/d.ics", &event("d", "SUMMARY:Own")).status, 201);
    let before = hers(&world);
    for person in PEOPLE.iter().filter(|person| !person.is_owner()) {
        let client = world.client(person.name);
        let mut paths = vec![
            WORK.to_owned(),
            "/dav/calendars/alice/".to_owned(),
            "/dav/calendars/alice/default/".to_owned(),
            "/dav/calendars/".to_owned(),
            "/dav/principals/users/alice/".to_owned(),
            format!("{WORK}p.ics"),
        ];
        // Who may delete what he sees is not asked to.
        let shown = if person.reaches() && !person.delete { client.members(WORK) } else { Vec::new() };
        paths.extend(shown);
        for path in paths {
            if person.name == "delegate" && path.ends_with("p.ics") {
                continue;
            }
            for depth in ["infinity", "0"] {
                let status = client.send("DELETE", &path, &[("depth", depth)], "").status;
                assert!([400, 403, 404, 405].contains(&status), "{} {path}: {status}", person.name);
            }
        }
        // Throwing the calendar away is leaving it.
        if let Some(mount) = cast::mount(&world, person) {
            assert_eq!(client.delete(&mount).status, 204, "{}", person.name);
            assert_eq!(cast::mount(&world, person), None);
        }
        assert_eq!(before, hers(&world), "{}", person.name);
    }
    assert_eq!(alice.get("/dav/calendars/alice/default/d.ics").status, 200);
}

#[test]
fn leak_59_copying_and_moving_bring_out_no_more_than_reading() {
    let world = world_of(&[
        ("u.ics", event("u", "SUMMARY:Talk\nDESCRIPTION:secret-59")),
        ("p.ics", event("p", "SUMMARY:secret-59\nCLASS:PRIVATE")),
    ]);
    let before = hers(&world);
    for name in REDUCED.into_iter().chain(["details", "edit", "edit-delete", "discreet", "member"]) {
        let client = world.client(name);
        let person = person(name);
        let mut sources: Vec<String> = if person.reaches() { client.members(WORK) } else { Vec::new() };
        sources.extend(["u.ics", "p.ics"].map(|object| format!("{WORK}{object}")));
        sources.push(WORK.to_owned());
        sources.sort();
        sources.dedup();
        for (number, source) in sources.iter().enumerate() {
            let whole = *source == format!("{WORK}u.ics") && FULL.contains(&name);
            for method in if whole { ["COPY", "COPY"] } else { ["COPY", "MOVE"] } {
                let to = format!("/dav/calendars/{name}/default/{number}.ics");
                let to = if source == WORK { format!("/dav/calendars/{name}/taken/") } else { to };
                let status = client.send(method, source, &[("destination", &to), ("overwrite", "T")], "").status;
                assert_eq!(status < 300, whole, "{name} {method} {source}: {status}");
            }
        }
        let own: String = bodies(&client, &format!("/dav/calendars/{name}/default/")).into_values().collect();
        assert_eq!(own.contains("secret-59"), FULL.contains(&name), "{name}");
    }
    assert_eq!(before, hers(&world));
}

#[test]
fn leak_61_a_destination_elsewhere_is_refused_and_never_visited() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    let world = world_of(&[("u.ics", event("u", "SUMMARY:Talk"))]);
    for name in ["alice", "edit-delete", "details"] {
        let client = world.client(name);
        for destination in [
            format!("http://127.0.0.1:{port}/dav/calendars/{name}/default/x.ics"),
            format!("//127.0.0.1:{port}/x.ics"),
            format!("http://shoji.test@127.0.0.1:{port}/x.ics"),
            format!("http://shoji.test:{port}/dav/calendars/{name}/default/x.ics"),
            "ftp://shoji.test/dav/calendars/alice/default/x.ics".to_owned(),
            "file:///etc/passwd".to_owned(),
            "/dav/calendars/stranger/default/x.ics".to_owned(),
            format!("/dav/calendars/{name}/%2e%2e/stranger/default/x.ics"),
            format!("/dav/calendars/{name}/default/%2e%2e/x.ics"),
            "/dav/calendars/busy/default/../../titles/default/x.ics".to_owned(),
            "x.ics".to_owned(),
            String::new(),
        ] {
            for method in ["COPY", "MOVE"] {
                let status = client.send(method, &format!("{WORK}u.ics"), &[("destination", &destination)], "").status;
                assert!((400..600).contains(&status) && status != 500, "{name} {method} {destination}: {status}");
            }
        }
    }
    assert!(listener.accept().is_err(), "somebody called");
    assert_eq!(bodies(&world.client("stranger"), "/dav/calendars/stranger/default/").len(), 0);
    assert_eq!(hers(&world).len(), 1);
}

#[test]
fn leak_62_naming_an_attendee_shows_him_nothing() {
    let busy = "ATTENDEE;CN=Busy;PARTSTAT=ACCEPTED:mailto:busy@example.org";
    let world = world_of(&[("u.ics", event("u", "SUMMARY:secret-62\nORGANIZER:mailto:alice@example.org"))]);
    let people = ["busy", "titles", "stranger", "paused"];
    let before = people.map(|name| super::harvest(&world, name));
    for name in ["edit", "edit-delete", "delegate"] {
        let client = world.client(name);
        let (href, body) = only(&client);
        let changed = body.replace(
            "END:VEVENT",
            &format!("{busy}\r\nATTENDEE:mailto:stranger@example.org\r\nATTENDEE:mailto:{name}@example.org\r\nX-BY:{name}\r\nEND:VEVENT"),
        );
        assert_eq!(client.put(&href, &changed).status, 204);
        assert_eq!(before, people.map(|name| super::harvest(&world, name)), "added by {name}");
    }
    // And one who adds himself to gain a right gains none.
    let client = world.client("assign");
    let guess = event("u", &format!("SUMMARY:Mine\n{}", busy.replace("busy", "assign")));
    assert!([201, 403].contains(&client.put(&format!("{WORK}u.ics"), &guess).status));
    assert!(!bodies(&client, WORK).values().any(|text| text.contains("secret-62")));
}

#[test]
fn leak_63_an_address_is_not_a_persons_own_to_set() {
    let world = world_of(&[("u.ics", event("u", "SUMMARY:Talk\nDESCRIPTION:secret-63\nATTENDEE:mailto:Victim@example.org"))]);
    for name in ["busy", "titles", "stranger"] {
        let client = world.client(name);
        for property in [
            "<C:calendar-user-address-set><D:href>mailto:victim@example.org</D:href></C:calendar-user-address-set>",
            "<CS:email-address-set><CS:email-address>victim@example.org</CS:email-address></CS:email-address-set>",
            "<D:alternate-URI-set><D:href>mailto:victim@example.org</D:href></D:alternate-URI-set>",
            "<D:displayname>victim@example.org</D:displayname>",
            "<D:group-membership><D:href>/dav/principals/groups/team/</D:href></D:group-membership>",
        ] {
            let path = format!("/dav/principals/users/{name}/");
            let body = format!("<D:propertyupdate {NAMESPACES}><D:set><D:prop>{property}</D:prop></D:set></D:propertyupdate>");
            let answer = client.send("PROPPATCH", &path, &[], &body);
            assert!(answer.status == 403 || answer.body.contains(" 403 "), "{name} {property}: {} {}", answer.status, answer.body);
            let told = client.propfind(&path, "0", "<C:calendar-user-address-set/><D:group-membership/>").body;
            assert!(!told.contains("victim") && !told.contains("groups/team"), "{told}");
        }
        assert!(!super::harvest(&world, name).contains("secret-63"), "{name}");
    }
    // Two people cannot be given one address, in whatever letters.
    let mut file = storage::administration::ApplyFile::default();
    let emails = Some(vec!["BUSY@Example.org".to_owned()]);
    file.users.push(storage::administration::UserEntry { name: "titles".into(), emails, ..Default::default() });
    let refused = world.store.administration().apply(&file, storage::administration::ApplyOptions::default()).unwrap_err();
    assert!(refused.message.contains("busy@example.org"), "{refused:?}");
}

#[test]
fn leak_64_taking_part_in_an_event_gives_no_right_over_it() {
    let text = |more: &str| {
        let people = "ORGANIZER:mailto:alice@example.org\nATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:details@example.org\nATTENDEE:mailto:titles@example.org";
        event("u", &format!("SUMMARY:Talk\nSEQUENCE:3\n{people}{more}"))
    };
    let world = world_of(&[("u.ics", text(""))]);
    let before = hers(&world);
    for name in ["details", "titles", "member", "discreet"] {
        let client = world.client(name);
        let (href, body) = only(&client);
        for changed in [
            body.replace("NEEDS-ACTION", "ACCEPTED"),
            text("").replace("SEQUENCE:3", "SEQUENCE:99"),
            text("").replace("ORGANIZER:mailto:alice", &format!("ORGANIZER:mailto:{name}")),
            text("\nSTATUS:CANCELLED"),
        ] {
            for headers in [vec![], vec![("if-schedule-tag-match", "\"1\"")], vec![("schedule-reply", "F")]] {
                let status = client.send("PUT", &href, &headers, &changed).status;
                assert!([403, 412].contains(&status), "{name}: {status}");
            }
        }
    }
    assert_eq!(before, hers(&world));
}

#[test]
fn leak_65_whatever_a_grantee_calls_the_calendar_is_his_name_for_it() {
    let world = world_of(&[("u.ics", event("u", "SUMMARY:Talk"))]);
    let set = |word: &str| {
        let zone = "<C:calendar-timezone-id>Asia/Tokyo</C:calendar-timezone-id>";
        format!(
            "<D:propertyupdate {NAMESPACES}><D:set><D:prop><D:displayname>{word}</D:displayname><A:calendar-color>{word}</A:calendar-color><A:calendar-order>{word}</A:calendar-order>\
             <C:calendar-description>{word}</C:calendar-description>{zone}<X:x xmlns:X=\"urn:x\">{word}</X:x></D:prop></D:set></D:propertyupdate>"
        )
    };
    for name in ["busy", "titles", "edit", "delegate", "member"] {
        let others: Vec<&str> = PEOPLE.iter().map(|person| person.name).filter(|other| *other != name).collect();
        let before: Vec<String> = others.iter().map(|other| super::harvest(&world, other)).collect();
        let word = format!("word-of-{name}");
        let answer = world.client(name).send("PROPPATCH", WORK, &[], &set(&word));
        assert!(answer.status == 207 && !answer.body.contains(" 403 "), "{name}: {}", answer.body);
        assert!(super::harvest(&world, name).contains(&word), "{name}");
        let after: Vec<String> = others.iter().map(|other| super::harvest(&world, other)).collect();
        assert_eq!(before, after, "after {name}");
    }
}

#[test]
fn leak_66_there_is_no_lock_to_be_seen_or_taken() {
    let world = world_of(&[("u.ics", event("u", "SUMMARY:Talk"))]);
    let lock = "<D:lockinfo xmlns:D=\"DAV:\"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner>name-66</D:owner></D:lockinfo>";
    for person in PEOPLE {
        let client = world.client(person.name);
        for path in
            [format!("{WORK}u.ics"), format!("{WORK}new.ics"), WORK.to_owned(), format!("/dav/calendars/{}/default/new.ics", person.name)]
        {
            for method in ["LOCK", "UNLOCK"] {
                let answer = client.send(method, &path, &[("timeout", "Second-60"), ("lock-token", "<urn:x>")], lock);
                assert!([404, 405].contains(&answer.status), "{} {path}: {}", person.name, answer.status);
                assert!(!answer.body.contains("name-66"));
            }
            assert!([200, 404].contains(&client.get(&path).status));
        }
        assert_eq!(client.get(&format!("/dav/calendars/{}/default/new.ics", person.name)).status, 404, "locking made nothing");
        let options = client.send("OPTIONS", WORK, &[], "");
        assert!(!options.header("allow").unwrap_or_default().contains("LOCK"));
        assert!(!options.header("dav").unwrap_or_default().split(',').any(|class| class.trim() == "2"));
    }
}

#[test]
fn leak_67_no_other_door_writes() {
    let world = world_of(&[("u.ics", event("u", "SUMMARY:Talk"))]);
    let before = hers(&world);
    let body = event("new", "SUMMARY:Mine");
    let multiput = format!(
        "<CS:multiput {NAMESPACES}><CS:resource><CS:set><C:calendar-data>{body}</C:calendar-data></CS:set></CS:resource></CS:multiput>"
    );
    for person in PEOPLE.iter().filter(|person| !person.create) {
        let client = world.client(person.name);
        let shown: Vec<String> = if person.reaches() { client.members(WORK) } else { vec![format!("{WORK}u.ics")] };
        let mut paths =
            vec![WORK.to_owned(), format!("{WORK};add-member"), format!("{WORK}?action=import"), "/dav/calendars/alice/".to_owned()];
        paths.extend(shown);
        for path in &paths {
            for (method, headers) in [
                ("POST", vec![]),
                ("POST", vec![("x-http-method-override", "PUT")]),
                ("POST", vec![("x-http-method-override", "DELETE")]),
                ("GET", vec![("x-http-method-override", "DELETE")]),
                ("GET", vec![("x-http-method", "DELETE"), ("x-method-override", "DELETE")]),
                ("PATCH", vec![]),
                ("MKCALENDAR", vec![]),
                ("MKCOL", vec![]),
                ("PROPPATCH", vec![]),
                ("BIND", vec![]),
            ] {
                for sent in [body.as_str(), multiput.as_str(), ""] {
                    let answer = client.send(method, path, &headers, sent);
                    assert!(answer.status >= 400 || method == "GET", "{} {method} {path}: {}", person.name, answer.status);
                }
            }
        }
    }
    assert_eq!(before, hers(&world));
}

#[test]
fn leak_68_who_may_put_events_in_reads_and_changes_his_own_alone() {
    let world =
        world_of(&[("u.ics", event("u", "SUMMARY:secret-68\nX-CREATOR:assign\nX-CREATED-BY;X-ID=assign:mailto:assign@example.org"))]);
    let (client, alice) = (world.client("assign"), world.client("alice"));
    let mine = format!("{WORK}mine.ics");
    assert_eq!(client.put(&mine, &event("mine", "SUMMARY:Mine")).status, 201);
    assert!(client.get(&mine).body.contains("SUMMARY:Mine"));
    let others: Vec<String> = client.members(WORK).into_iter().filter(|href| *href != mine).collect();
    assert_eq!(others.len(), 1);
    for href in others.iter().cloned().chain([format!("{WORK}u.ics")]) {
        assert!(!client.get(&href).body.contains("secret-68"));
        let answer = client.put(&href, &event("u", "SUMMARY:Mine now"));
        assert!(answer.status == 403 || href.ends_with("u.ics"), "{}", answer.status);
    }
    assert_eq!(client.put(&mine, &event("mine", "SUMMARY:Mine still")).status, 204, "he may change his own");
    assert_eq!(client.delete(&mine).status, 403, "and not delete it");
    // Once somebody else wrote it, it is not his any more.
    let hers = alice.members(WORK).into_iter().find(|href| alice.get(href).body.contains("Mine still")).unwrap();
    assert_eq!(alice.put(&hers, &event("mine", "SUMMARY:taken-68")).status, 204);
    assert!(!bodies(&client, WORK).values().any(|text| text.contains("taken-68")));
    assert!(bodies(&alice, WORK).values().any(|text| text.contains("secret-68")));
    alike(&[("u.ics", event("u", "SUMMARY:Talk"))], &[("u.ics", event("u", "SUMMARY:Talk\nX-CREATOR:assign"))], &["assign"]);
}

/// A client that is nobody's friend: what it says of itself gives it nothing.
#[test]
fn leak_68_nothing_that_a_text_says_of_its_maker_is_believed() {
    let world = world_of(&[("u.ics", event("u", "SUMMARY:secret\nORGANIZER:mailto:titles@example.org\nX-SHOJI-CREATOR:titles"))]);
    let client: Client = world.client("titles");
    assert_eq!(lines(&only(&client).1, "CLASS"), ["CLASS:CONFIDENTIAL"]);
    assert_eq!(client.put(&client.members(WORK)[0], &event("u", "SUMMARY:x")).status, 403);
}
