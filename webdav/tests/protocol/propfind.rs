//! PROPFIND: the three forms, depth, what is missing, and what stands nowhere twice.

use crate::harness::{WORK, World, document, event, key_of};

fn world_with_event() -> World {
    let world = World::new();
    assert_eq!(world.client("alice").put(&format!("{WORK}1.ics"), &event("1", "SUMMARY:One")).status, 201);
    world
}

#[test]
fn what_is_asked_for_is_found_or_missing_but_never_both() {
    let world = world_with_event();
    let asked = "<D:getetag/><D:resourcetype/><D:quota-used-bytes/><X:what xmlns:X='urn:x'/><D:getetag/><bare/>";
    let answer = world.client("alice").propfind(&format!("{WORK}1.ics"), "0", asked);
    assert_eq!(answer.with_status(200), ["getetag", "resourcetype"]);
    assert_eq!(answer.header("content-type"), "application/xml; charset=utf-8");
    let missing: Vec<_> = answer.only().into_values().filter(|(status, _)| *status == 404).map(|(_, e)| e.name.namespace).collect();
    assert_eq!(missing, ["", "DAV:", "urn:x"]);
}

#[test]
fn every_property_of_the_table_can_be_asked_for_alone_and_with_all_others() {
    let world = world_with_event();
    let mut compared = 0;
    for user in ["alice", "bob", "dan", "erin"] {
        let client = world.client(user);
        let mount = client.members(&format!("/dav/calendars/{user}/"));
        let mut paths = vec!["/".to_owned(), format!("/dav/principals/users/{user}/"), format!("/dav/calendars/{user}/"), WORK.to_owned()];
        paths.extend(mount.iter().cloned());
        paths.extend(mount.iter().flat_map(|calendar| client.members(calendar)));
        for path in paths {
            let all: String = webdav::property::PROPERTIES.iter().map(|p| element(&p.name)).collect();
            let together = client.propfind(&path, "0", &all).only();
            for property in webdav::property::PROPERTIES {
                let alone = client.propfind(&path, "0", &element(&property.name)).only();
                let key = &key_of(&property.name);
                assert_eq!(alone[key], together[key], "{user} {path} {key}");
                compared += 1;
            }
        }
    }
    assert!(compared > 500, "{compared} compared");
}

fn element(name: &webdav::xml::Name) -> String {
    format!("<{} xmlns=\"{}\"/>", name.local, name.namespace)
}

#[test]
fn no_body_means_allprop_and_include_adds_to_it() {
    let world = world_with_event();
    let alice = world.client("alice");
    let path = format!("{WORK}1.ics");
    assert_eq!(alice.proppatch(&path, "<D:set><D:prop><n xmlns='urn:n'>x</n></D:prop></D:set>").status, 207);
    let all = ["creationdate", "getcontentlength", "getcontenttype", "getetag", "getlastmodified", "n", "resourcetype"];
    let bare = alice.send("PROPFIND", &path, &[("depth", "0")], "");
    assert_eq!(bare.with_status(200), all);
    assert_eq!(bare, alice.send("PROPFIND", &path, &[("depth", "0")], &document("D:propfind", "<D:allprop/>")));
    let include = document("D:propfind", "<D:allprop/><D:include><D:owner/><D:getetag/><D:none/></D:include>");
    let included = alice.send("PROPFIND", &path, &[("depth", "0")], &include);
    assert_eq!(included.with_status(404), ["none"]);
    let included = included.with_status(200);
    assert_eq!(
        included,
        ["creationdate", "getcontentlength", "getcontenttype", "getetag", "getlastmodified", "n", "owner", "resourcetype"]
    );
}

#[test]
fn propname_names_just_what_can_be_found() {
    let world = world_with_event();
    for user in ["alice", "bob", "erin"] {
        let client = world.client(user);
        let objects = client.members(WORK);
        for path in ["/", "/dav/calendars/alice/", WORK, objects[0].as_str()] {
            let names = client.send("PROPFIND", path, &[("depth", "0")], &document("D:propfind", "<D:propname/>")).only();
            let asked: String = names.values().map(|(_, property)| element(&property.name)).collect();
            let found = client.propfind(path, "0", &asked);
            let unreadable: Vec<String> = found.only().into_iter().filter(|(_, (s, _))| *s != 200).map(|(n, _)| n).collect();
            assert!(unreadable.is_empty() || unreadable == ["acl"], "{user} {path} {unreadable:?}");
            assert!(names.values().all(|(_, property)| property.content.is_empty()));
        }
    }
}

#[test]
fn minimal_leaves_out_what_is_missing_but_never_the_response() {
    let world = world_with_event();
    let alice = world.client("alice");
    let body = document("D:propfind", "<D:prop><D:none/><D:getcontentlength/></D:prop>");
    for (header, applied) in [(("prefer", "return=minimal"), "return=minimal"), (("brief", "t"), "")] {
        let answer = alice.send("PROPFIND", WORK, &[("depth", "1"), header], &body);
        let responses = answer.responses();
        assert_eq!(responses.len(), 2);
        assert!(!responses[WORK].contains_key("none"));
        assert_eq!(responses[&format!("{WORK}1.ics")].len(), 1);
        assert_eq!(answer.header("preference-applied"), applied);
        assert!(!answer.body.contains("404"));
    }
}

#[test]
fn the_collection_itself_is_left_out_on_request() {
    let world = world_with_event();
    let alice = world.client("alice");
    let body = document("D:propfind", "<D:prop><D:getetag/></D:prop>");
    let hrefs = |depth: &str, prefer: &str| {
        let answer = alice.send("PROPFIND", WORK, &[("depth", depth), ("prefer", prefer)], &body);
        (answer.responses().into_keys().collect::<Vec<_>>(), answer.header("preference-applied").to_owned())
    };
    let object = format!("{WORK}1.ics");
    assert_eq!(hrefs("1", "depth-noroot"), (vec![object.clone()], "depth-noroot".to_owned()));
    assert_eq!(hrefs("1", "depth-noroot, return=minimal"), (vec![object.clone()], "return=minimal, depth-noroot".to_owned()));
    assert_eq!(hrefs("0", "depth-noroot"), (vec![WORK.to_owned()], String::new()));
    assert_eq!(hrefs("1", "x-foo"), (vec![WORK.to_owned(), object], String::new()));
}

#[test]
fn an_infinite_depth_is_refused_on_collections_with_its_element() {
    let world = world_with_event();
    let alice = world.client("alice");
    for headers in [&[][..], &[("depth", "infinity")]] {
        let answer = alice.send("PROPFIND", WORK, headers, "");
        assert_eq!((answer.status, answer.condition().as_str()), (403, "propfind-finite-depth"));
        assert_eq!(alice.send("PROPFIND", &format!("{WORK}1.ics"), headers, "").status, 207);
        assert_eq!(alice.send("PROPFIND", &format!("{WORK}none.ics"), headers, "").status, 404);
    }
}

#[test]
fn bodies_that_are_no_propfind_are_400() {
    let world = world_with_event();
    let alice = world.client("alice");
    for body in [
        "<",
        "<propfind/>",
        "<D:propfind xmlns:D='DAV:'/>",
        "<D:propfind xmlns:D='DAV:'><D:unknown/></D:propfind>",
        "<D:propfind xmlns:D='DAV:'><D:prop/><D:allprop/></D:propfind>",
        "<D:propfind xmlns:D='DAV:'><D:prop><bar:foo xmlns:bar=''/></D:prop></D:propfind>",
        "<!DOCTYPE x><D:propfind xmlns:D='DAV:'><D:allprop/></D:propfind>",
    ] {
        assert_eq!(alice.send("PROPFIND", WORK, &[("depth", "0")], body).status, 400, "{body}");
    }
}

#[test]
fn the_objects_of_a_calendar_bear_what_clients_list_by() {
    let world = world_with_event();
    let alice = world.client("alice");
    let answer = alice.propfind(WORK, "1", "<D:getetag/><D:getcontenttype/><D:getcontentlength/><D:getlastmodified/><D:resourcetype/>");
    let responses = answer.responses();
    assert_eq!(responses.keys().collect::<Vec<_>>(), [WORK, "/dav/calendars/alice/work/1.ics"]);
    let object = &responses["/dav/calendars/alice/work/1.ics"];
    assert_eq!(object["getcontenttype"].1.text(), "text/calendar; charset=utf-8; component=vevent");
    let got = alice.get("/dav/calendars/alice/work/1.ics");
    assert_eq!(object["getlastmodified"].1.text(), got.header("last-modified"));
    assert_eq!(object["getetag"].1.text(), got.header("etag"));
    assert_eq!(object["getcontentlength"].1.text(), got.header("content-length"));
    assert_eq!(object["getcontentlength"].1.text(), got.body.len().to_string());
}

#[test]
fn an_answer_beyond_its_limit_is_refused_whole() {
    let world = world_with_event();
    let mut alice = world.client("alice");
    alice.limits.responses_max = 1;
    let answer = alice.propfind(WORK, "1", "<D:getetag/>");
    assert_eq!((answer.status, answer.condition().as_str()), (403, "number-of-matches-within-limits"));
}

#[test]
fn the_viewers_zone_and_bounds_are_advertised() {
    let world = World::new();
    let limits = storage::Limits::default();
    let alice = world.client("alice");
    let advertised = [
        ("C:max-resource-size", limits.object_bytes_max.to_string()),
        ("C:max-instances", limits.instances_max.to_string()),
        ("C:max-attendees-per-instance", limits.attendees_max.to_string()),
        ("C:min-date-time", "15000101T000000Z".to_owned()),
        ("C:max-date-time", "29991231T235959Z".to_owned()),
    ];
    for (property, value) in advertised {
        assert_eq!(alice.property(WORK, property), Some(value), "{property}");
    }
}

/// pimsync leaves out final slashes.
#[test]
fn a_calendar_is_listed_alike_without_its_final_slash() {
    let world = World::new();
    let alice = world.client("alice");
    alice.put(&format!("{WORK}1.ics"), &event("1", ""));
    let bare = alice.propfind(WORK.trim_end_matches('/'), "1", "<D:getetag/>");
    assert_eq!(bare, alice.propfind(WORK, "1", "<D:getetag/>"));
}
