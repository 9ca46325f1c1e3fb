//! The ACL method and the properties around it.

use crate::harness::{WORK, World, document, texts};
use webdav::xml::Name;

fn ace(principal: &str, privileges: &str) -> String {
    let privileges: String = privileges.split(' ').map(|p| format!("<D:privilege><{p}/></D:privilege>")).collect();
    format!("<D:ace><D:principal>{principal}</D:principal><D:grant>{privileges}</D:grant></D:ace>")
}

const BOB: &str = "<D:href>/dav/principals/users/bob/</D:href>";
const TEAM: &str = "<D:href>/dav/principals/groups/team/</D:href>";

#[test]
fn the_owner_replaces_the_grants_and_reads_them_back() {
    let world = World::new();
    let (alice, bob, dan) = (world.client("alice"), world.client("bob"), world.client("dan"));
    let body = document("D:acl", &(ace(BOB, "D:read") + &ace(TEAM, "C:read-free-busy")));
    assert_eq!(alice.send("ACL", WORK, &[], &body).status, 200);
    let acl = alice.propfind(WORK, "0", "<D:acl/>").only().remove("acl").unwrap().1;
    assert_eq!(texts(&acl, &Name::dav("href")), ["/dav/principals/users/bob/", "/dav/principals/groups/team/"]);
    let first = acl.children().next().unwrap();
    assert!(first.dav("protected").is_some() && first.dav("principal").unwrap().dav("property").is_some());
    let held = bob.propfind(WORK, "0", "<D:current-user-privilege-set/>").body;
    assert!(held.contains("<D:read/>"), "{held}");
    assert_eq!(dan.propfind(WORK, "0", "<D:displayname/>").status, 404);
}

#[test]
fn each_refusal_has_its_element() {
    let world = World::new();
    let alice = world.client("alice");
    let refusal = |content: &str| {
        let answer = alice.send("ACL", WORK, &[], &document("D:acl", content));
        (answer.status, answer.condition())
    };
    let refused = |name: &str| (403, name.to_owned());
    assert_eq!(refusal(&ace(BOB, "D:write").replace("D:grant>", "D:deny>")), refused("no-ace-conflict"));
    assert_eq!(refusal(&ace(TEAM, "D:read").replace("D:grant>", "D:deny>")), refused("no-ace-conflict"));
    assert_eq!(refusal(&ace(BOB, "D:frobnicate")), refused("not-supported-privilege"));
    assert_eq!(refusal(&ace("<D:href>/dav/principals/users/nobody/</D:href>", "D:read")), refused("recognized-principal"));
    assert_eq!(refusal(&ace("<D:href>http://elsewhere.example/x</D:href>", "D:read")), refused("recognized-principal"));
    assert_eq!(refusal(&ace("<D:self/>", "D:read")), refused("allowed-principal"));
    assert_eq!(refusal(&ace("<D:unauthenticated/>", "D:read")), refused("allowed-principal"));
    assert_eq!(refusal(&ace(BOB, "D:write-content")), refused("no-ace-conflict"));
    let alone = ace("<D:href>/dav/principals/users/alice/</D:href>", "D:write").replace("D:grant>", "D:deny>");
    assert_eq!(refusal(&alone), refused("no-protected-ace-conflict"), "RFC 3744 §8.1.3");
    assert_eq!(refusal(&ace(BOB, "D:read").replace("</D:ace>", "<D:protected/></D:ace>")), refused("no-ace-conflict"));
    let inverted =
        ace(BOB, "D:read").replace("<D:principal>", "<D:invert><D:principal>").replace("</D:principal>", "</D:principal></D:invert>");
    assert_eq!(refusal(&inverted), refused("no-invert"));
    // RFC 3744 §8.1.5: an ACE that says two things says nothing.
    let (one, other) = (ace(BOB, "D:read"), ace(TEAM, "D:read"));
    let inner = other.trim_start_matches("<D:ace>").trim_end_matches("</D:ace>");
    for both in [inner, &inner.replace("D:grant>", "D:deny>"), "<D:principal><D:all/></D:principal>", "<D:grant/>"] {
        let body = document("D:acl", &one.replace("</D:ace>", &format!("{both}</D:ace>")));
        assert_eq!(alice.send("ACL", WORK, &[], &body).status, 400, "{both}");
    }
    for body in ["<D:ace/>", "<D:ace><D:principal><D:all/></D:principal></D:ace>", &ace("", "D:read")] {
        assert_eq!(alice.send("ACL", WORK, &[], &document("D:acl", body)).status, 400, "{body}");
    }
    assert_eq!(alice.send("ACL", WORK, &[], &document("D:other", "")).status, 400);
    assert_eq!(alice.send("ACL", "/dav/calendars/alice/", &[], "").status, 405);
    assert_eq!(alice.send("ACL", "/dav/calendars/alice/none/", &[], "").status, 404);
}

#[test]
fn nobody_else_reads_or_sets_them() {
    let world = World::new();
    let body = document("D:acl", &ace(BOB, "D:all"));
    for user in ["bob", "dan", "erin"] {
        let client = world.client(user);
        let mount = client.members(&format!("/dav/calendars/{user}/")).into_iter().find(|href| !href.ends_with("/default/")).unwrap();
        for path in [WORK, &mount] {
            let answer = client.send("ACL", path, &[], &body);
            assert_eq!((answer.status, answer.condition().as_str()), (403, "need-privileges"), "{user} {path}");
            assert_eq!(client.propfind(path, "0", "<D:acl/>").with_status(403), ["acl"]);
        }
    }
}

#[test]
fn everyone_is_one_grantee_and_an_empty_acl_ends_all_shares() {
    let world = World::new();
    let (alice, mallory) = (world.client("alice"), world.client("mallory"));
    assert_eq!(alice.send("ACL", WORK, &[], &document("D:acl", &ace("<D:authenticated/>", "S:read-titles"))).status, 200);
    assert_eq!(mallory.propfind(WORK, "0", "<D:resourcetype/>").status, 207);
    assert_eq!(alice.send("ACL", WORK, &[], &document("D:acl", "")).status, 200);
    assert_eq!(mallory.propfind(WORK, "0", "<D:resourcetype/>").status, 404);
    let restrictions = alice.propfind(WORK, "0", "<D:acl-restrictions/><D:supported-privilege-set/>").body;
    assert!(restrictions.contains("<D:no-invert/>") && restrictions.contains("<S:read-titles/>"));
}

/// A script for servers with deny refused one user what everyone else was given, and set the rest up on that.
#[test]
fn one_user_is_denied_what_his_groups_are_granted() {
    let world = World::new();
    let (alice, bob, mallory) = (world.client("alice"), world.client("bob"), world.client("mallory"));
    let denied = ace(BOB, "D:read").replace("D:grant>", "D:deny>");
    let body = document("D:acl", &(ace("<D:authenticated/>", "D:read") + &ace(TEAM, "D:read") + &denied));
    assert_eq!(alice.send("ACL", WORK, &[], &body).status, 200);
    assert_eq!(mallory.propfind(WORK, "0", "<D:resourcetype/>").status, 207);
    assert_eq!(bob.propfind(WORK, "0", "<D:resourcetype/>").status, 404);
    let acl = alice.propfind(WORK, "0", "<D:acl/>").only().remove("acl").unwrap().1;
    let shown: Vec<_> = acl.children().filter(|ace| ace.dav("deny").is_some()).collect();
    assert_eq!(shown.len(), 1);
    assert_eq!(texts(shown[0], &Name::dav("href")), ["/dav/principals/users/bob/"]);
}

#[test]
fn what_is_not_shared_by_itself_takes_back_what_stands_on_it() {
    let world = World::new();
    let alice = world.client("alice");
    assert_eq!(alice.send("MKCOL", "/dav/calendars/alice/files/", &[], "").status, 201);
    let standing = ace("<D:authenticated/>", "D:read-current-user-privilege-set");
    let acl = |path: &str, content: &str| {
        let answer = alice.send("ACL", path, &[], &document("D:acl", content));
        (answer.status, if answer.status == 200 { String::new() } else { answer.condition() })
    };
    for path in [WORK, "/dav/calendars/alice/files/"] {
        assert_eq!(acl(path, &standing), (200, String::new()), "{path}");
        assert!(alice.propfind(path, "0", "<D:acl/>").body.contains("read-current-user-privilege-set"));
    }
    assert_eq!(acl("/dav/calendars/alice/files/", &ace("<D:authenticated/>", "D:read")), (403, "no-ace-conflict".to_owned()));
    assert_eq!(acl("/dav/calendars/alice/files/", &ace("<D:authenticated/>", "D:frobnicate")), (403, "not-supported-privilege".to_owned()));
}
