//! PROPPATCH: all or nothing, each person's own, dead properties kept as they were set.

use crate::harness::{WORK, World, document, event};

#[test]
fn a_sharee_sets_name_colour_and_order_for_himself_alone() {
    let world = World::new();
    let alice = world.client("alice");
    let set = "<D:set><D:prop><D:displayname>Mine &amp; yours</D:displayname><A:calendar-color symbolic-color='red'>#FF0000FF</A:calendar-color>\
               <A:calendar-order>7</A:calendar-order><C:calendar-description>D</C:calendar-description>\
               <C:schedule-calendar-transp><C:transparent/></C:schedule-calendar-transp></D:prop></D:set>";
    let properties = ["D:displayname", "A:calendar-color", "A:calendar-order", "C:calendar-description"];
    let before: Vec<_> = properties.iter().map(|p| alice.property(WORK, p)).collect();
    for user in ["bob", "erin"] {
        let client = world.client(user);
        let home = format!("/dav/calendars/{user}/");
        let mount = client.members(&home).into_iter().find(|href| !href.ends_with("/default/")).unwrap();
        let answer = client.proppatch(&mount, set);
        assert_eq!(answer.with_status(200).len(), 5, "{}", answer.body);
        assert!(answer.responses().contains_key(&mount));
        assert_eq!(client.property(&mount, "D:displayname").as_deref(), Some("Mine & yours"));
        assert_eq!(client.property(&mount, "A:calendar-color").as_deref(), Some("#FF0000FF"));
        assert!(client.propfind(&mount, "0", "<C:schedule-calendar-transp/>").body.contains("<C:transparent/>"));
    }
    assert_eq!(properties.iter().map(|p| alice.property(WORK, p)).collect::<Vec<_>>(), before);
}

#[test]
fn one_refused_property_stops_all() {
    let world = World::new();
    let alice = world.client("alice");
    let answer = alice.proppatch(
        WORK,
        "<D:set><D:prop><D:displayname>New</D:displayname><D:getetag>x</D:getetag></D:prop></D:set>\
         <D:remove><D:prop><D:owner/><x xmlns='urn:x'/></D:prop></D:remove>",
    );
    assert_eq!(answer.with_status(403), ["getetag", "owner"]);
    assert_eq!(answer.with_status(424), ["displayname", "x"]);
    assert!(answer.body.contains("<D:error><D:cannot-modify-protected-property/></D:error>"));
    assert_eq!(alice.property(WORK, "D:displayname").as_deref(), Some("Work"));
    let zone = alice.proppatch(WORK, "<D:set><D:prop><C:calendar-timezone>nonsense</C:calendar-timezone></D:prop></D:set>");
    assert!(zone.body.contains("<C:valid-calendar-data/>"), "{}", zone.body);
    let transp = "<D:set><D:prop><C:schedule-calendar-transp>x</C:schedule-calendar-transp></D:prop></D:set>";
    assert_eq!(alice.proppatch(WORK, transp).with_status(409), ["schedule-calendar-transp"]);
}

#[test]
fn instructions_are_followed_in_their_order() {
    let world = World::new();
    let alice = world.client("alice");
    let answer = alice.proppatch(
        WORK,
        "<D:set><D:prop><D:displayname>A</D:displayname><a xmlns='urn:x'>1</a></D:prop></D:set><D:remove><D:prop><a xmlns='urn:x'/></D:prop></D:remove>\
         <D:set><D:prop><D:displayname>B</D:displayname></D:prop></D:set>",
    );
    assert_eq!(answer.with_status(200), ["a", "displayname"]);
    assert_eq!(alice.property(WORK, "D:displayname").as_deref(), Some("B"));
    assert_eq!(alice.propfind(WORK, "0", "<a xmlns='urn:x'/>").with_status(404), ["a"]);
    // Removing what is not there is no failure (RFC 4918 §14.23).
    assert_eq!(alice.proppatch(WORK, "<D:remove><D:prop><a xmlns='urn:x'/></D:prop></D:remove>").with_status(200), ["a"]);
}

#[test]
fn a_dead_property_keeps_its_structure_and_language_on_every_kind_of_resource() {
    let world = World::new();
    let alice = world.client("alice");
    alice.put(&format!("{WORK}1.ics"), &event("1", ""));
    alice.send("MKCOL", "/dav/calendars/alice/files/", &[], "");
    alice.send("PUT", "/dav/calendars/alice/files/1.txt", &[], "x");
    let object = format!("{WORK}1.ics");
    for path in [
        "/dav/principals/users/alice/",
        "/dav/calendars/alice/",
        WORK,
        object.as_str(),
        "/dav/calendars/alice/files/",
        "/dav/calendars/alice/files/1.txt",
    ] {
        let set = "<D:set xml:lang='de'><D:prop><v:a xmlns:v='urn:v' k='1'>t<v:b/><c xmlns=''>&lt;&#13;</c></v:a></D:prop></D:set>";
        assert_eq!(alice.proppatch(path, set).with_status(200), ["a"], "{path}");
        let (status, property) = alice.propfind(path, "0", "<a xmlns='urn:v'/>").only().remove("a").unwrap();
        assert_eq!((status, property.language(), property.attribute("k")), (200, Some("de"), Some("1")), "{path}");
        assert_eq!(property.to_xml(), "<a xmlns=\"urn:v\" k=\"1\" xml:lang=\"de\">t<b/><c xmlns=\"\">&lt;&#13;</c></a>");
    }
    // A calendar's property on a home is a dead one there.
    let home = "/dav/calendars/alice/";
    assert_eq!(alice.proppatch(home, "<D:set><D:prop><A:calendar-color>#1</A:calendar-color></D:prop></D:set>").status, 207);
    assert_eq!(alice.property(home, "A:calendar-color").as_deref(), Some("#1"));
}

#[test]
fn a_persons_name_and_other_peoples_principals_are_not_his_to_set() {
    let world = World::new();
    let bob = world.client("bob");
    let set = "<D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set>";
    assert_eq!(bob.proppatch("/dav/principals/users/bob/", set).with_status(403), ["displayname"]);
    let other = bob.proppatch("/dav/principals/users/alice/", set);
    assert_eq!((other.status, other.condition().as_str()), (403, "need-privileges"));
    assert_eq!(bob.proppatch("/", set).status, 405);
}

#[test]
fn a_reduced_object_takes_no_properties() {
    let world = World::new();
    world.client("alice").put(&format!("{WORK}1.ics"), &event("1", ""));
    let bob = world.client("bob");
    let object = bob.members(WORK).remove(0);
    let answer = bob.proppatch(&object, "<D:set><D:prop><a xmlns='urn:x'>1</a></D:prop></D:set>");
    assert_eq!((answer.status, answer.condition().as_str()), (403, "need-privileges"));
}

#[test]
fn minimal_says_nothing_of_success_and_all_of_failure() {
    let world = World::new();
    let alice = world.client("alice");
    let body = |content: &str| document("D:propertyupdate", content);
    let set = "<D:set><D:prop><D:displayname>x</D:displayname></D:prop></D:set>";
    let fine = alice.send("PROPPATCH", WORK, &[("prefer", "return=minimal")], &body(set));
    assert_eq!((fine.status, fine.body.as_str(), fine.header("preference-applied")), (200, "", "return=minimal"));
    let wrong = "<D:set><D:prop><D:getetag>x</D:getetag></D:prop></D:set>";
    assert_eq!(alice.send("PROPPATCH", WORK, &[("prefer", "return=minimal")], &body(wrong)).with_status(403), ["getetag"]);
    for nothing in ["", "<D:propertyupdate xmlns:D='DAV:'/>", "<D:propfind xmlns:D='DAV:'/>"] {
        assert_eq!(alice.send("PROPPATCH", WORK, &[], nothing).status, 400, "{nothing}");
    }
}
