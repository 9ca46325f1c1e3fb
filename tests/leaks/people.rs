//! What could be told of people, groups and shares to whom they are no business of.

use super::{WORK, event, person, plain, share, whole, world_of};
use crate::harness::cast::{self, PEOPLE};
use crate::harness::client::NAMESPACES;
use crate::harness::{Answer, Client, World};
use acl::Level;
use acl::level::GrantPrivateEvents::Busy;
use std::collections::BTreeSet;

fn report(client: &Client, path: &str, name: &str, inside: &str) -> Answer {
    client.send("REPORT", path, &[("depth", "0")], &format!("<D:{name} {NAMESPACES}>{inside}</D:{name}>"))
}

/// Names of people and groups in an answer.
fn named(text: &str) -> BTreeSet<&'static str> {
    let words: BTreeSet<&str> = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').collect();
    let all = PEOPLE.iter().map(|person| person.name).chain(["team", "staff", "board"]);
    all.filter(|name| words.contains(name)).collect()
}

const PERSON: &str = "<D:displayname/><D:group-membership/><D:group-member-set/><C:calendar-home-set/><C:calendar-user-address-set/><CS:email-address-set/><D:principal-URL/>";

#[test]
fn leak_82_a_search_finds_those_one_may_know_and_says_nothing_of_others() {
    let world = world_of(&[]).group("board", &["stranger"]);
    for person in PEOPLE {
        let client = world.client(person.name);
        let mut told = BTreeSet::new();
        for property in ["<D:displayname/>", "<C:calendar-user-address-set/>", "<CS:email-address-set/>"] {
            for word in ["Name", "example.org", "a", "stranger", "alice", "titles@example.org", "", "board"] {
                for how in ["", " match-type=\"equals\"", " match-type=\"starts-with\""] {
                    let inside = format!(
                        "<D:property-search><D:prop>{property}</D:prop><D:match{how}>{word}</D:match></D:property-search><D:prop>{PERSON}</D:prop><D:apply-to-principal-collection-set/>"
                    );
                    let answer = report(&client, "/dav/principals/", "principal-property-search", &inside);
                    told.extend(named(&answer.body));
                    if ["stranger", "strangex"].contains(&word) && person.name != "stranger" {
                        let other =
                            report(&client, "/dav/principals/", "principal-property-search", &inside.replace("stranger", "strangex"));
                        assert_eq!(answer, other, "{}", person.name);
                    }
                }
            }
        }
        for path in ["/dav/principals/", "/dav/principals/users/", "/dav/principals/groups/"] {
            told.extend(named(&client.propfind(path, "1", PERSON).body));
        }
        told.remove(person.name);
        told.remove("member");
        match person.name {
            "alice" => assert!(told.contains("busy") && !told.contains("stranger") && !told.contains("board"), "{told:?}"),
            "stranger" => assert!(told.is_subset(&BTreeSet::from(["board"])), "{told:?}"),
            "paused" => assert_eq!(told, BTreeSet::new(), "{}", person.name),
            "member" => assert!(told.contains("alice") && !told.contains("busy"), "{told:?}"),
            _ => assert_eq!(told, BTreeSet::from(["alice"]), "{}: those who share with her do not know of each other", person.name),
        }
    }
}

#[test]
fn leak_83_one_is_told_of_ones_own_groups_and_of_nobody_elses() {
    let world = world_of(&[]).group("board", &["stranger", "alice"]);
    let expand = |names: &[&str]| -> String {
        let inner: String = names.iter().map(|name| format!("<D:property name=\"{name}\"/>")).collect();
        names.iter().map(|name| format!("<D:property name=\"{name}\">{inner}</D:property>")).collect()
    };
    for person in PEOPLE {
        let client = world.client(person.name);
        let mut told = BTreeSet::new();
        for path in [
            "/dav/principals/users/alice/",
            "/dav/principals/users/busy/",
            "/dav/principals/users/member/",
            "/dav/principals/groups/team/",
            "/dav/principals/groups/staff/",
            "/dav/principals/groups/board/",
            &format!("/dav/principals/users/{}/", person.name),
            WORK,
        ] {
            let mut hear = |answer: Answer| told.extend(named(&plain(&answer.body).replace(path, "")));
            hear(client.propfind(path, "0", "<D:group-membership/><D:group-member-set/>"));
            hear(report(&client, path, "expand-property", &expand(&["group-membership", "group-member-set"])));
            for name in ["calendar-proxy-read", "calendar-proxy-write"] {
                let answer = client.propfind(&format!("{path}{name}/"), "0", "<D:group-member-set/>");
                assert_eq!(answer.status, 404, "{path}{name}");
            }
        }
        told.extend(named(&report(&client, "/dav/principals/", "principal-match", &format!("<D:self/><D:prop>{PERSON}</D:prop>")).body));
        told.remove(person.name);
        let own: BTreeSet<&str> = match person.name {
            "member" => ["staff", "team"].into(),
            "stranger" | "alice" => ["board"].into(),
            _ => BTreeSet::new(),
        };
        // The owner named the group in her share; who is in it she is not told.
        let known: BTreeSet<&str> = if person.is_owner() { own.iter().copied().chain(["team"]).collect() } else { own };
        assert!(told.is_subset(&known), "{}: {told:?}", person.name);
    }
}

#[test]
fn leak_84_the_list_of_those_it_is_shared_with_is_the_owners() {
    let world = world_of(&[("u.ics", event("u", "SUMMARY:Talk")), ("p.ics", event("p", "SUMMARY:Therapy\nCLASS:PRIVATE"))]);
    let asked = "<D:acl/><D:owner/><D:group/><D:inherited-acl-set/><D:acl-restrictions/><D:current-user-privilege-set/><CS:invite/><D:principal-collection-set/>\
                 <I:invite xmlns:I=\"http://owncloud.org/ns\"/><D:share-access/><D:invite/>";
    for person in PEOPLE.iter().filter(|person| person.reaches()) {
        let client = world.client(person.name);
        let mut told = BTreeSet::new();
        for path in std::iter::once(WORK.to_owned()).chain(client.members(WORK)) {
            let body = client.propfind(&path, "0", asked).body.replace(&path, "");
            told.extend(named(&body));
            if !person.is_owner() {
                assert!(!body.contains("<D:ace>"), "{}: {body}", person.name);
                let listed = report(&client, &path, "acl-principal-prop-set", &format!("<D:prop>{PERSON}</D:prop>"));
                assert!(
                    [403, 404].contains(&listed.status) || named(&listed.body).is_subset(&["alice", person.name].into()),
                    "{}: {}",
                    person.name,
                    listed.body
                );
            }
        }
        told.remove(person.name);
        match person.is_owner() {
            true => assert!(told.contains("busy") && told.contains("team"), "{told:?}"),
            false => assert!(told.is_subset(&["alice"].into()), "{}: {told:?}", person.name),
        }
    }
    // What may be done with an object tells how it is shown and no more: private and confidential ones alike.
    let privileges = |class: &str, name: &str| {
        let world = world_of(&[("u.ics", event("u", &format!("SUMMARY:x\n{class}")))]);
        let client = world.client(name);
        client.propfind(&client.members(WORK)[0], "0", "<D:current-user-privilege-set/>").body
    };
    for name in ["busy", "titles", "details", "edit", "edit-delete"] {
        assert_eq!(privileges("CLASS:PRIVATE", name), privileges("CLASS:CONFIDENTIAL", name), "{name}");
    }
    assert_eq!(privileges("CLASS:PRIVATE", "busy"), privileges("", "busy"));
}

#[test]
fn leak_85_sharing_with_nobody_and_with_a_stranger_is_refused_alike() {
    let world = world_of(&[]).group("board", &["stranger"]);
    for name in ["alice", "busy", "stranger"] {
        let client = world.client(name);
        let path = format!("/dav/calendars/{name}/default/");
        let told = |principal: &str| {
            let body = format!(
                "<D:acl {NAMESPACES}><D:ace><D:principal><D:href>/dav/principals/{principal}/</D:href></D:principal><D:grant><D:privilege><D:read/></D:privilege></D:grant></D:ace></D:acl>"
            );
            let mut answer = client.send("ACL", &path, &[], &body);
            answer.body = answer.body.replace(principal, "x");
            answer
        };
        let nobody = told("users/nobody");
        assert_eq!(nobody.status, 403);
        for stranger in ["users/stranger", "groups/board", "groups/nobody"] {
            if name == "stranger" || (name == "alice" && stranger == "groups/team") {
                continue;
            }
            assert_eq!(told(stranger), nobody, "{name} {stranger}");
        }
    }
}

#[test]
fn leak_87_no_spelling_of_a_name_is_another_person() {
    let mut world = cast::world().user("ali").user("al.ice");
    share(&mut world, "busy", Level::FreeBusy, Busy);
    super::store(&world, &[("u.ics", event("u", "SUMMARY:secret-87"))]);
    for name in [
        "Alice",
        "ALICE",
        "alice%00",
        "alice%20",
        "alice.",
        "alice%2F",
        "alice%2f..%2fbusy",
        "al%C3%ADce",
        "\u{FF41}lice",
        "alice%E2%80%8B",
        "%61lice",
        "alic\u{435}",
    ] {
        let encoded: String =
            name.bytes().map(|byte| if byte.is_ascii() { (byte as char).to_string() } else { format!("%{byte:02X}") }).collect();
        for user in ["busy", "stranger", "ali"] {
            let client = world.client(user);
            for path in [
                format!("/dav/calendars/{encoded}/canary-k-work/u.ics"),
                format!("/dav/principals/users/{encoded}/"),
                format!("/dav/freebusy/{encoded}"),
                format!("/dav/calendars/{encoded}/"),
            ] {
                for method in ["GET", "PROPFIND", "DELETE", "MKCALENDAR"] {
                    let answer = client.send(method, &path, &[("depth", "0")], "");
                    let text = plain(&whole(&answer));
                    assert!(!text.contains("secret-87"), "{user} {method} {path}");
                    // A percent-encoded letter is that letter; anything else is somebody else, whom there is not.
                    let is_alice = name == "%61lice";
                    assert!(is_alice && person("busy").name == user || answer.status >= 400, "{user} {method} {path}: {}", answer.status);
                }
            }
        }
    }
    for name in ["Alice", "ALICE", "alice ", "alice\0", "a\u{301}lice", "alice/", ""] {
        assert!(world.store.credential(name).is_ok_and(|credential| credential.is_none()), "{name:?} signs in");
    }
}

/// A group among the attendees stays one line: its members are nobody's business.
#[test]
fn leak_117_a_group_that_is_invited_is_not_spelled_out() {
    let text = event(
        "u",
        "SUMMARY:Talk\nORGANIZER:mailto:busy@example.org\nATTENDEE;CUTYPE=GROUP:mailto:team@example.org\nATTENDEE:/dav/principals/groups/team/",
    );
    let answers: Vec<Answer> = [vec!["member"], vec!["member", "stranger"], vec![]]
        .into_iter()
        .map(|members| {
            let world: World = cast::world().group("team", &members);
            world.step("put");
            let client = world.client("busy");
            let path = "/dav/calendars/busy/default/u.ics";
            assert_eq!(client.put(path, &text).status, 201);
            client.get(path)
        })
        .collect();
    assert_eq!(answers[0].body, text);
    assert!(answers.iter().all(|answer| answer.body == text && answer.status == 200));
}
