//! Roles as principals: to whom each exists, what a share with one gives, and that both end with the role.

use crate::harness::client::{elements, inner};
use crate::harness::{Client, World};
use acl::Level;
use storage::Administration;
use storage::administration::GrantEntry;

const WORK: &str = "/dav/calendars/alice/work/";
const ROLES: &str = "/dav/principals/roles/";
const SALES: &str = "/dav/principals/roles/sales/";

/// alice and bob are in sales, which reports to dan's board; erin has no role.
fn company() -> World {
    let world = World::new().user("alice").user("bob").user("dan").user("erin").calendar("alice/work");
    let administration = world.store.administration();
    administration.add_role("board", None).unwrap();
    administration.add_role("sales", Some("board")).unwrap();
    administration.give_role("board", &["dan".into()]).unwrap();
    administration.give_role("sales", &["alice".into(), "bob".into()]).unwrap();
    world
}

fn administration(world: &World) -> Administration {
    world.store.administration()
}

fn share_with_sales(client: &Client, principal: &str) -> u16 {
    let ace = format!(
        "<D:ace><D:principal><D:href>{principal}</D:href></D:principal><D:grant><D:privilege><D:read/></D:privilege></D:grant></D:ace>"
    );
    client.send("ACL", WORK, &[("content-type", "application/xml")], &format!("<D:acl xmlns:D=\"DAV:\">{ace}</D:acl>")).status
}

fn property(client: &Client, path: &str, name: &str) -> Option<String> {
    let answer = client.propfind(path, "0", &format!("<D:{name}/>"));
    assert_eq!(answer.status, 207, "{}", answer.body);
    answer.multistatus().remove(path).unwrap().properties.get(name).cloned()
}

#[test]
fn a_role_exists_for_those_who_have_it_and_those_who_share_with_it() {
    let world = company();
    let (alice, bob, dan, erin) = (world.client("alice"), world.client("bob"), world.client("dan"), world.client("erin"));
    assert_eq!(alice.members(ROLES), [SALES]);
    assert_eq!(bob.members(ROLES), [SALES]);
    assert_eq!(dan.members(ROLES), ["/dav/principals/roles/board/"]);
    assert_eq!(erin.members(ROLES), Vec::<String>::new());
    let never = erin.propfind("/dav/principals/roles/never/", "0", "<D:displayname/>");
    for hidden in [SALES, "/dav/principals/roles/board/"] {
        let answer = erin.propfind(hidden, "0", "<D:displayname/>");
        assert_eq!((answer.status, answer.body.replace(hidden, "/dav/principals/roles/never/")), (404, never.body.clone()));
    }
    // Who else has it is told to nobody.
    assert_eq!(property(&bob, SALES, "group-member-set"), None);
    assert_eq!(property(&bob, SALES, "displayname").as_deref(), Some("sales"));
    let own = property(&bob, "/dav/principals/users/bob/", "group-membership").unwrap();
    assert_eq!(elements(&own, "href").len(), 1, "{own}");
    assert!(own.contains(SALES));
    // alice and bob share nothing yet: one role makes nobody known to the other.
    assert_eq!(bob.propfind("/dav/principals/users/alice/", "0", "<D:displayname/>").status, 404);
    // She can name what exists for her; anything else is as if it never was.
    assert_eq!(share_with_sales(&alice, "/dav/principals/roles/board/"), share_with_sales(&alice, "/dav/principals/roles/never/"));
    assert_eq!(share_with_sales(&alice, "/dav/principals/roles/board/"), 403);
    assert_eq!(share_with_sales(&alice, SALES), 200);
    assert_eq!((bob.propfind(WORK, "0", "<D:owner/>").status, dan.propfind(WORK, "0", "<D:owner/>").status), (207, 404));
    assert_eq!(bob.propfind("/dav/principals/users/alice/", "0", "<D:displayname/>").status, 207);
    let acl = property(&alice, WORK, "acl").unwrap();
    assert!(inner(&acl, "ace").is_some() && acl.contains(SALES), "{acl}");
    assert!(!property(&bob, WORK, "acl").is_some_and(|acl| acl.contains(SALES)), "the list is the owner's");
    // Not by itself in his home: that is for shares with himself or a group of his.
    assert_eq!(bob.members("/dav/calendars/bob/"), ["/dav/calendars/bob/default/"]);
}

#[test]
fn what_a_role_gives_ends_with_the_role_at_once() {
    let mut world = company();
    world.grant(GrantEntry {
        calendar: "alice/work".into(),
        role: Some("sales".into()),
        level: Some(Level::Edit),
        ..GrantEntry::default()
    });
    let (alice, bob, erin) = (world.client("alice"), world.client("bob"), world.client("erin"));
    let reaches = |client: &Client| client.propfind(WORK, "0", "<D:owner/>").status == 207;
    assert!(reaches(&bob) && !reaches(&erin));
    administration(&world).give_role("sales", &["erin".into()]).unwrap();
    assert!(reaches(&erin));
    administration(&world).give_role("board", &["bob".into()]).unwrap();
    assert!(!reaches(&bob), "he has the other role, and one at most");
    assert_eq!(bob.members(ROLES), ["/dav/principals/roles/board/"]);
    administration(&world).take_role(&["erin".into()]).unwrap();
    assert!(!reaches(&erin));
    administration(&world).give_role("sales", &["erin".into()]).unwrap();
    administration(&world).remove_role("sales").unwrap();
    assert!(!reaches(&erin));
    // A role made again under the old name inherits nothing.
    administration(&world).add_role("sales", None).unwrap();
    administration(&world).give_role("sales", &["erin".into()]).unwrap();
    assert!(!reaches(&erin));
    assert!(!property(&alice, WORK, "acl").unwrap().contains("roles"), "nobody is left in it");
    assert_eq!(world.faults(), Vec::<String>::new());
}

#[test]
fn searches_find_the_roles_that_exist_for_the_searcher() {
    let world = company();
    let matches = "<D:principal-match xmlns:D=\"DAV:\"><D:self/><D:prop><D:displayname/></D:prop></D:principal-match>";
    let search = "<D:principal-property-search xmlns:D=\"DAV:\"><D:property-search><D:prop><D:displayname/></D:prop><D:match>sal</D:match></D:property-search><D:prop><D:displayname/></D:prop></D:principal-property-search>";
    let found = |who: &str, body: &str| {
        let answer = world.client(who).send("REPORT", ROLES, &[("depth", "0"), ("content-type", "application/xml")], body);
        assert_eq!(answer.status, 207, "{}", answer.body);
        answer.multistatus().into_keys().collect::<Vec<_>>()
    };
    assert_eq!(found("bob", matches), [SALES]);
    assert_eq!(found("bob", search), [SALES]);
    assert_eq!(found("erin", matches), Vec::<String>::new());
    assert_eq!(found("erin", search), Vec::<String>::new());
    assert_eq!(found("dan", search), Vec::<String>::new(), "the role below his is not told to him by its name");
}

#[test]
fn to_whom_the_module_is_denied_nobody_and_nothing_exists() {
    let mut world = company().group("team", &["alice", "bob"]);
    world.grant(GrantEntry {
        calendar: "alice/work".into(),
        group: Some("team".into()),
        level: Some(Level::EditDelete),
        ..GrantEntry::default()
    });
    world.grant(GrantEntry {
        calendar: "bob/default".into(),
        user: Some("alice".into()),
        level: Some(Level::Details),
        ..GrantEntry::default()
    });
    let bob = world.client("bob");
    let home = "/dav/calendars/bob/";
    let mount = bob.members(home).into_iter().find(|href| !href.ends_with("/default/")).unwrap();
    assert_eq!(bob.put(&format!("{home}default/own.ics"), &crate::harness::event("own", "Own")).status, 201);
    let denied = storage::administration::ModuleEntry { user: None, group: Some("team".into()), role: "denied".into() };
    administration(&world).set_module(&denied).unwrap();
    assert_eq!(bob.members(home), Vec::<String>::new());
    for path in [WORK, mount.as_str(), "/dav/calendars/bob/default/", "/dav/calendars/bob/default/own.ics"] {
        for method in ["GET", "PROPFIND", "DELETE", "REPORT", "PROPPATCH", "ACL", "COPY", "MOVE"] {
            let never =
                bob.send(method, &path.replace("/default/", "/never/").replace(WORK, "/dav/calendars/alice/never/"), &[("depth", "0")], "");
            let answer = bob.send(method, path, &[("depth", "0")], "");
            assert_eq!(answer.status, never.status, "{method} {path}: {}", answer.body);
            assert_ne!(answer.status / 100, 2, "{method} {path}");
        }
    }
    assert_ne!(bob.send("MKCALENDAR", &format!("{home}new/"), &[], "").status, 201);
    assert_eq!(bob.members("/dav/principals/users/"), ["/dav/principals/users/bob/"]);
    // His own calendars stay shared, and all comes back to him.
    assert_eq!(world.client("alice").get("/dav/calendars/bob/default/own.ics").status, 404, "she is in the group too");
    let again = storage::administration::ModuleEntry { user: Some("alice".into()), group: None, role: "employee".into() };
    administration(&world).set_module(&again).unwrap();
    assert_eq!(world.client("alice").get("/dav/calendars/bob/default/own.ics").status, 200);
    administration(&world).remove_group("team").unwrap();
    assert_eq!(bob.get("/dav/calendars/bob/default/own.ics").status, 200);
}
