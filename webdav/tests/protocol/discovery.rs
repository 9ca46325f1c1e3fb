//! How clients find the principal, the home and the calendars, and what OPTIONS says on the way.

use crate::harness::{WORK, World, texts};
use webdav::xml::Name;

const EVERY_COLLECTION: [&str; 10] = [
    "/",
    "/principals/",
    "/dav/",
    "/dav/principals/",
    "/dav/principals/users/",
    "/dav/principals/groups/",
    "/dav/principals/users/alice/",
    "/dav/calendars/",
    "/dav/calendars/alice/",
    WORK,
];

#[test]
fn wherever_a_client_begins_it_finds_its_principal_with_and_without_a_slash() {
    let world = World::new();
    let alice = world.client("alice");
    for path in EVERY_COLLECTION {
        for path in [path, path.trim_end_matches('/')] {
            if path.is_empty() {
                continue;
            }
            let answer = alice.propfind(path, "0", "<D:current-user-principal/><D:resourcetype/><D:principal-URL/>");
            let properties = answer.only();
            let (status, principal) = &properties["current-user-principal"];
            assert_eq!((*status, principal.dav("href").unwrap().text().as_str()), (200, "/dav/principals/users/alice/"), "{path}");
            assert_eq!(properties["resourcetype"].0, 200);
            let canonical = if path.ends_with('/') { path.to_owned() } else { format!("{path}/") };
            assert!(answer.responses().contains_key(&canonical), "{path}: {}", answer.body);
        }
    }
}

#[test]
fn options_is_200_with_the_same_classes_everywhere_also_where_nothing_stands() {
    let world = World::new();
    let alice = world.client("alice");
    let absent = ["/dav/calendars/alice/none/", "/dav/calendars/alice/work/none.ics", "/dav/calendars/nobody/", "/none"];
    for path in EVERY_COLLECTION.iter().chain(&absent) {
        let answer = alice.send("OPTIONS", path, &[], "");
        assert_eq!(
            (answer.status, answer.header("dav")),
            (200, "1, 3, access-control, calendar-access, calendar-availability, calendarserver-subscribed, extended-mkcol"),
            "{path}"
        );
        assert!(answer.header("allow").contains("OPTIONS"), "{path}");
        assert_eq!(answer.header("content-length"), "0");
    }
}

#[test]
fn the_principal_names_one_home_and_the_addresses_of_its_own() {
    let world = World::new();
    let alice = world.client("alice");
    let asked = "<C:calendar-home-set/><C:calendar-user-address-set/><CS:email-address-set/><D:group-membership/><D:displayname/>\
                 <C:schedule-inbox-URL/><CS:notification-URL/>";
    let answer = alice.propfind("/dav/principals/users/alice/", "0", asked);
    let own = answer.only();
    assert_eq!(texts(&own["calendar-home-set"].1, &Name::dav("href")), ["/dav/calendars/alice/"]);
    let addresses = &own["calendar-user-address-set"].1;
    assert_eq!(
        texts(addresses, &Name::dav("href")),
        ["mailto:alice@example.org", "mailto:alice@example.net", "/dav/principals/users/alice/", "mailto:alice@example.org"]
    );
    assert_eq!(addresses.children().next().unwrap().attribute("preferred"), Some("1"));
    assert_eq!(own["displayname"].1.text(), "Name of alice");
    assert_eq!(answer.with_status(404), ["notification-URL", "schedule-inbox-URL"]);

    let erin = world.client("erin");
    let membership = erin.propfind("/dav/principals/users/erin/", "0", "<D:group-membership/>").only();
    assert_eq!(texts(&membership["group-membership"].1, &Name::dav("href")), ["/dav/principals/groups/team/"]);

    // bob sees who shares with him, but not where she can be written to or what she belongs to.
    let seen = world.client("bob").propfind("/dav/principals/users/alice/", "0", asked);
    assert_eq!(seen.with_status(200), ["displayname"]);
}

#[test]
fn people_one_shares_nothing_with_do_not_exist() {
    let world = World::new();
    let mallory = world.client("mallory");
    for path in ["/dav/principals/users/alice/", "/dav/principals/groups/team/"] {
        let (hidden, absent) = (mallory.propfind(path, "0", "<D:displayname/>"), "/dav/principals/users/nobody/");
        assert_eq!(hidden.status, 404);
        assert_eq!(hidden, mallory.propfind(absent, "0", "<D:displayname/>"));
    }
    assert_eq!(mallory.members("/dav/principals/users/"), ["/dav/principals/users/mallory/"]);
    assert_eq!(mallory.members("/dav/calendars/"), ["/dav/calendars/mallory/"]);
}

#[test]
fn a_share_stands_in_the_sharees_own_home_and_is_a_calendar() {
    let world = World::new();
    for user in ["bob", "carol", "dan", "erin"] {
        let client = world.client(user);
        let home = format!("/dav/calendars/{user}/");
        let answer = client.propfind(&home, "1", "<D:resourcetype/><D:owner/><D:current-user-privilege-set/><CS:getctag/><D:sync-token/>");
        let responses = answer.responses();
        assert_eq!(responses.len(), 3, "{user}: {}", answer.body);
        let (href, mount) = responses.iter().find(|(href, _)| **href != home && !href.ends_with("/default/")).unwrap();
        assert_eq!(href.trim_start_matches(&home).trim_end_matches('/').len(), 26, "{href}");
        let kinds: Vec<String> = mount["resourcetype"].1.children().map(|kind| kind.name.local.to_string()).collect();
        assert_eq!(kinds, ["collection", "calendar"]);
        assert_eq!(texts(&mount["owner"].1, &Name::dav("href")), ["/dav/principals/users/alice/"]);
        assert_eq!(mount["getctag"].1.text(), mount["sync-token"].1.text());
        assert!(mount["sync-token"].1.text().starts_with("data:,"));
        let held: Vec<String> =
            mount["current-user-privilege-set"].1.children().map(|p| p.children().next().unwrap().name.local.to_string()).collect();
        assert_eq!(held.iter().any(|p| p == "write-content" || p == "bind"), user == "erin", "{user}: {held:?}");
        assert!(held.iter().all(|p| p != "write" && p != "all" && p != "unbind"), "{user}: {held:?}");
    }
}

#[test]
fn the_home_lists_sync_collection_because_some_clients_look_only_there() {
    let world = World::new();
    let alice = world.client("alice");
    for path in ["/dav/calendars/alice/", WORK] {
        let properties = alice.propfind(path, "0", "<D:supported-report-set/><D:sync-token/>").only();
        let reports = &properties["supported-report-set"].1;
        let named =
            reports.children().any(|supported| supported.dav("report").unwrap().children().next().unwrap().name.is_dav("sync-collection"));
        assert!(named, "{path}");
        assert_eq!(properties["sync-token"].0, 200);
    }
}

#[test]
fn what_is_known_but_not_offered_is_405_and_what_is_unknown_501() {
    let world = World::new();
    let alice = world.client("alice");
    for method in ["LOCK", "UNLOCK", "POST", "PATCH"] {
        let answer = alice.send(method, WORK, &[], "");
        assert_eq!((answer.status, answer.header("allow").contains("PROPFIND")), (405, true), "{method}");
        assert_eq!(alice.send(method, "/dav/calendars/alice/none/", &[], "").status, 405);
    }
    assert_eq!(alice.send("ACL", "/dav/calendars/alice/", &[], "").status, 405);
    assert_eq!(alice.send("FROBNICATE", WORK, &[], "").status, 501);
    assert_eq!(alice.send("OPTIONS", "*", &[], "").status, 200);
    assert_eq!(alice.send("GET", "/dav/%zz", &[], "").status, 400);
}

#[test]
fn hrefs_stand_below_the_base_path() {
    let world = World::new();
    let mut alice = world.client("alice");
    alice.site.base_path = "/cal".into();
    let answer = alice.propfind("/dav/calendars/alice/", "1", "<D:owner/>");
    for (href, properties) in answer.responses() {
        assert!(href.starts_with("/cal/dav/calendars/alice/"), "{href}");
        assert_eq!(texts(&properties["owner"].1, &Name::dav("href")), ["/cal/dav/principals/users/alice/"]);
    }
}
