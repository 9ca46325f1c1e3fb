//! MKCALENDAR, MKCOL and extended MKCOL; deleting calendars.

use crate::harness::{WORK, World, document};

const NEW: &str = "/dav/calendars/alice/new/";

#[test]
fn a_calendar_is_made_with_its_properties() {
    let world = World::new();
    let alice = world.client("alice");
    let body = document(
        "C:mkcalendar",
        "<D:set><D:prop><D:displayname>New</D:displayname><A:calendar-color>#00FF00FF</A:calendar-color><A:calendar-order>2</A:calendar-order>\
         <C:calendar-description xml:lang='en'>d</C:calendar-description><own xmlns='urn:own'>kept</own><C:calendar-free-busy-set/>\
         <C:supported-calendar-component-set><C:comp name='VEVENT'/><C:comp name='VPOLL'/></C:supported-calendar-component-set></D:prop></D:set>",
    );
    assert_eq!(alice.send("MKCALENDAR", NEW, &[], &body).status, 201);
    assert_eq!(alice.property(NEW, "D:displayname").as_deref(), Some("New"));
    assert_eq!(alice.property(NEW, "A:calendar-color").as_deref(), Some("#00FF00FF"));
    assert_eq!(alice.property(NEW, "own xmlns='urn:own'").as_deref(), Some("kept"));
    let components = alice.propfind(NEW, "0", "<C:supported-calendar-component-set/>");
    assert_eq!(components.body.matches("<C:comp ").count(), 1);
    assert!(components.body.contains("<C:comp name=\"VEVENT\"/>"));
    assert!(alice.members("/dav/calendars/alice/").contains(&NEW.to_owned()));
}

#[test]
fn where_a_calendar_cannot_stand() {
    let world = World::new();
    let alice = world.client("alice");
    let make = |path: &str| alice.send("MKCALENDAR", path, &[], "");
    assert_eq!(make(NEW).status, 201);
    for path in [NEW, WORK, "/dav/calendars/alice/", "/dav/"] {
        assert_eq!((make(path).status, make(path).condition().as_str()), (403, "resource-must-be-null"), "{path}");
    }
    assert_eq!(alice.send("MKCOL", "/dav/calendars/alice/files/", &[], "").status, 201);
    for path in ["/dav/calendars/alice/new/inner/", "/dav/calendars/alice/files/inner/", "/elsewhere/"] {
        assert_eq!((make(path).status, make(path).condition().as_str()), (403, "calendar-collection-location-ok"), "{path}");
    }
    assert_eq!(make("/dav/calendars/alice/none/inner/").status, 409);
    assert_eq!(alice.send("MKCOL", "/dav/calendars/alice/new/inner/", &[], "").status, 403);
}

#[test]
fn a_refused_property_stops_the_making() {
    let world = World::new();
    let alice = world.client("alice");
    let content = "<D:set><D:prop><D:displayname>x</D:displayname><D:getetag>y</D:getetag></D:prop></D:set>";
    let calendar = alice.send("MKCALENDAR", NEW, &[], &document("C:mkcalendar", content));
    assert_eq!((calendar.with_status(403), calendar.with_status(424)), (vec!["getetag".to_owned()], vec!["displayname".to_owned()]));
    let collection = alice.send("MKCOL", NEW, &[], &document("D:mkcol", content));
    assert_eq!(collection.status, 424);
    assert!(collection.xml().name.is_dav("mkcol-response"), "{}", collection.body);
    assert_eq!(alice.get(NEW).status, 404);
    assert_eq!(alice.send("MKCALENDAR", NEW, &[], "<x/>").status, 415);
    assert_eq!(alice.send("MKCALENDAR", NEW, &[], "<").status, 400);
}

#[test]
fn extended_mkcol_makes_what_resourcetype_says() {
    let world = World::new();
    let alice = world.client("alice");
    let make = |path: &str, kinds: &str| {
        let body = format!("<D:set><D:prop><D:resourcetype>{kinds}</D:resourcetype><D:displayname>N</D:displayname></D:prop></D:set>");
        alice.send("MKCOL", path, &[("content-type", "application/xml")], &document("D:mkcol", &body))
    };
    assert_eq!(make(NEW, "<D:collection/><C:calendar/>").status, 201);
    assert!(alice.propfind(NEW, "0", "<D:resourcetype/>").body.contains("<C:calendar/>"));
    assert_eq!(alice.property(NEW, "D:displayname").as_deref(), Some("N"));
    assert_eq!(make("/dav/calendars/alice/plain/", "<D:collection/>").status, 201);
    assert!(!alice.propfind("/dav/calendars/alice/plain/", "0", "<D:resourcetype/>").body.contains("calendar/>"));
    for kinds in ["", "<C:calendar/>", "<D:collection/><D:principal/>", "<D:collection/><x xmlns='urn:x'/>"] {
        let answer = make("/dav/calendars/alice/other/", kinds);
        assert_eq!((answer.status, answer.condition().as_str()), (403, "valid-resourcetype"), "{kinds}");
    }
}

#[test]
fn plain_mkcol_follows_rfc_4918() {
    let world = World::new();
    let alice = world.client("alice");
    let make = |path: &str, headers: &[(&str, &str)], body: &str| alice.send("MKCOL", path, headers, body);
    assert_eq!(make("/dav/calendars/alice/files/", &[], "").status, 201);
    assert_eq!(make("/dav/calendars/alice/files/deep/", &[], "").status, 201);
    let again = make("/dav/calendars/alice/files/", &[], "");
    assert_eq!((again.status, again.header("allow").contains("PROPFIND")), (405, true));
    assert_eq!(make("/dav/calendars/alice/none/deep/", &[], "").status, 409);
    assert_eq!(make("/dav/calendars/alice/x/", &[("content-type", "xzy-foo/bar-512")], "afafafaf").status, 415);
    assert_eq!(alice.members("/dav/calendars/alice/files/"), ["/dav/calendars/alice/files/deep/"]);
}

#[test]
fn nothing_is_made_in_anothers_home() {
    let world = World::new();
    for method in ["MKCALENDAR", "MKCOL"] {
        for user in ["bob", "erin"] {
            let answer = world.client(user).send(method, NEW, &[], "");
            assert_eq!((answer.status, answer.condition().as_str()), (403, "need-privileges"), "{method} {user}");
        }
        let mallory = world.client("mallory");
        assert_eq!(mallory.send(method, NEW, &[], "").status, 404);
        assert_eq!(mallory.send(method, NEW, &[], ""), mallory.send(method, "/dav/calendars/nobody/new/", &[], ""));
    }
}

#[test]
fn deleting_a_mount_leaves_the_share_and_deleting_at_the_owners_path_is_refused() {
    let world = World::new();
    let (alice, erin) = (world.client("alice"), world.client("erin"));
    let mount = erin.members("/dav/calendars/erin/").into_iter().find(|href| !href.ends_with("/default/")).unwrap();
    assert_eq!(erin.send("DELETE", &mount, &[("depth", "1")], "").status, 400);
    assert_eq!(erin.delete(WORK).condition(), "need-privileges");
    assert_eq!(erin.delete(&mount).status, 204);
    assert_eq!(erin.members("/dav/calendars/erin/"), ["/dav/calendars/erin/default/"]);
    assert_eq!(alice.propfind(WORK, "0", "<D:displayname/>").status, 207);
    assert_eq!(alice.delete(WORK).status, 204);
    assert_eq!(alice.get(WORK).status, 404);
}
