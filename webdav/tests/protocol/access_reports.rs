//! The reports of RFC 3744 §9 on every kind of resource: whom they name to whom.

use crate::harness::{Answer, Client, WORK, World, document, event};
use std::collections::BTreeMap;

const USERS: &str = "/dav/principals/users/";
const BOX: &str = "/dav/calendars/alice/box/";

/// A world with an object in `work` and a file in a plain collection of alice's.
fn world() -> World {
    let world = World::new();
    let alice = world.client("alice");
    assert_eq!(alice.put(&format!("{WORK}1.ics"), &event("1", "SUMMARY:Plan")).status, 201);
    assert_eq!(alice.send("MKCOL", BOX, &[], "").status, 201);
    assert_eq!(alice.send("PUT", &format!("{BOX}notes.txt"), &[], "notes").status, 201);
    world
}

/// One resource of each kind, as alice addresses it.
fn each_kind() -> Vec<String> {
    let fixed = ["/", "/principals/", "/dav/", "/dav/calendars/", "/dav/principals/", USERS, "/dav/principals/groups/"];
    let own = [&format!("{USERS}alice/"), "/dav/calendars/alice/", WORK, &format!("{WORK}1.ics"), BOX, &format!("{BOX}notes.txt")];
    fixed.iter().copied().chain(own.iter().map(|path| path as &str)).map(str::to_owned).collect()
}

fn report(client: &Client, path: &str, root: &str, content: &str) -> Answer {
    client.send("REPORT", path, &[("depth", "0")], &document(root, content))
}

fn hrefs(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 207, "{}", answer.body);
    answer.responses().into_keys().collect()
}

fn listed(client: &Client, path: &str) -> Vec<String> {
    let set = client.propfind(path, "0", "<D:supported-report-set/>").only().remove("supported-report-set").unwrap().1;
    set.children().map(|s| s.dav("report").unwrap().children().next().unwrap().name.local.to_string()).collect()
}

#[test]
fn the_acl_of_each_resource_names_its_principals_to_its_owner() {
    let world = world();
    let alice = world.client("alice");
    let asked = "<D:prop><D:displayname/></D:prop>";
    let ask = |client: &Client, path: &str| report(client, path, "D:acl-principal-prop-set", asked);
    let people: Vec<String> =
        ["users/alice/", "users/bob/", "users/carol/", "users/dan/", "groups/team/"].map(|name| format!("/dav/principals/{name}")).into();
    let mut sorted = people.clone();
    sorted.sort();
    let mut answered = 0;
    for path in each_kind() {
        let answer = ask(&alice, &path);
        let expected = match path.as_str() {
            path if path.starts_with(WORK) => &sorted,
            path if path.starts_with("/dav/calendars/alice/") => &people[..1].to_vec(),
            _ => {
                assert_eq!((answer.status, answer.condition().as_str()), (403, "need-privileges"), "{path}");
                assert_eq!(alice.propfind(&path, "0", "<D:acl/>").with_status(403), ["acl"], "{path}");
                assert!(!listed(&alice, &path).contains(&"acl-principal-prop-set".to_owned()), "{path}");
                continue;
            }
        };
        assert_eq!(&hrefs(&answer), expected, "{path}");
        assert!(listed(&alice, &path).contains(&"acl-principal-prop-set".to_owned()), "{path}");
        answered += 1;
    }
    assert_eq!(answered, 5);
    let names: BTreeMap<String, String> =
        ask(&alice, WORK).responses().into_iter().map(|(href, mut found)| (href, found.remove("displayname").unwrap().1.text())).collect();
    assert_eq!(names["/dav/principals/users/bob/"], "Name of bob");

    for user in ["bob", "carol", "dan", "erin"] {
        let client = world.client(user);
        for path in [WORK.to_owned(), "/dav/calendars/alice/".to_owned(), client.members(WORK)[0].clone()] {
            let answer = ask(&client, &path);
            assert_eq!((answer.status, answer.condition().as_str()), (403, "need-privileges"), "{user} {path}");
            assert!(!listed(&client, &path).contains(&"acl-principal-prop-set".to_owned()), "{user} {path}");
        }
    }
    for depth in ["1", "infinity"] {
        let body = document("D:acl-principal-prop-set", asked);
        assert_eq!(alice.send("REPORT", WORK, &[("depth", depth)], &body).status, 400);
    }
    for body in ["<D:all/>", "", "<D:prop><D:displayname/></D:prop><D:prop><D:acl/></D:prop>"] {
        assert_eq!(report(&alice, WORK, "D:acl-principal-prop-set", body).status, 400, "{body}");
    }
}

#[test]
fn an_object_has_the_aces_of_its_calendar_and_says_so() {
    let world = world();
    let alice = world.client("alice");
    let aces = |path: &str| {
        let acl = alice.propfind(path, "0", "<D:acl/>").only().remove("acl").unwrap().1;
        acl.children()
            .map(|ace| (ace.dav("principal").unwrap().to_xml(), ace.dav("inherited").map(|i| i.dav("href").unwrap().text())))
            .collect::<Vec<_>>()
    };
    let (calendar, object) = (aces(WORK), aces(&format!("{WORK}1.ics")));
    assert_eq!(calendar.len(), 6);
    assert!(calendar.iter().all(|(_, inherited)| inherited.is_none()));
    assert!(object.iter().all(|(_, inherited)| inherited.as_deref() == Some(WORK)));
    assert_eq!(calendar.iter().map(|(who, _)| who).collect::<Vec<_>>(), object.iter().map(|(who, _)| who).collect::<Vec<_>>());
    for path in ["/dav/calendars/alice/", BOX, &format!("{BOX}notes.txt")] {
        assert_eq!(aces(path).len(), 2, "{path}: what stands on everything");
    }
}

#[test]
fn the_members_that_are_the_viewer_or_a_group_of_his_are_found_at_any_depth() {
    let world = world();
    let erin = world.client("erin");
    let itself = |path: &str| hrefs(&report(&erin, path, "D:principal-match", "<D:self/>"));
    let both = ["/dav/principals/groups/team/".to_owned(), format!("{USERS}erin/")];
    for path in ["/", "/dav/", "/principals/", "/dav/principals/"] {
        assert_eq!(itself(path), both, "{path}");
    }
    assert_eq!(itself(USERS), both[1..]);
    assert_eq!(itself("/dav/principals/groups/"), both[..1]);
    for path in ["/dav/calendars/", "/dav/calendars/erin/", &format!("{USERS}erin/")] {
        assert_eq!(itself(path), Vec::<String>::new(), "{path}");
    }
    // Without a prop the response is a status (RFC 3744 §9.3.1), with one the properties.
    let bare = report(&erin, USERS, "D:principal-match", "<D:self/>");
    assert!(bare.body.contains("</D:href><D:status>HTTP/1.1 200 OK</D:status></D:response>"), "{}", bare.body);
    let named = report(&erin, USERS, "D:principal-match", "<D:self/><D:prop><D:displayname/><D:x/></D:prop>").only();
    assert_eq!((named["displayname"].1.text().as_str(), named["x"].0), ("Name of erin", 404));
}

#[test]
fn the_members_of_which_a_property_names_the_viewer_are_found_at_any_depth() {
    let world = world();
    let alice = world.client("alice");
    let by = |client: &Client, path: &str, property: &str| {
        hrefs(&report(client, path, "D:principal-match", &format!("<D:principal-property>{property}</D:principal-property>")))
    };
    let below_home = ["box/", "box/notes.txt", "default/", "work/", "work/1.ics"].map(|name| format!("/dav/calendars/alice/{name}"));
    assert_eq!(by(&alice, "/dav/calendars/alice/", "<D:owner/>"), below_home);
    assert_eq!(by(&alice, WORK, "<D:owner/>"), below_home[4..]);
    assert_eq!(by(&alice, BOX, "<D:owner/>"), below_home[1..2]);
    assert_eq!(by(&alice, "/dav/calendars/", "<D:owner/>").len(), 6, "the home too");
    assert_eq!(by(&alice, "/dav/principals/", "<D:principal-URL/>"), [format!("{USERS}alice/")]);

    // A mount is owned by her who shares it, and so are its objects.
    let dan = world.client("dan");
    assert_eq!(by(&dan, "/dav/calendars/dan/", "<D:owner/>"), ["/dav/calendars/dan/default/"]);
    assert_eq!(by(&dan, "/dav/calendars/alice/", "<D:owner/>"), Vec::<String>::new());
    // Whom an ACL names is for its owner to read.
    assert_eq!(by(&dan, "/dav/calendars/alice/", "<D:acl/>"), Vec::<String>::new());

    // A property that a client keeps counts as well, and so does a group.
    let erin = world.client("erin");
    let set = |href: &str| {
        let value = format!("<D:set><D:prop><S:for><D:href>{href}</D:href></S:for></D:prop></D:set>");
        assert_eq!(erin.proppatch("/dav/calendars/erin/default/", &value).status, 207);
        by(&erin, "/dav/calendars/erin/", "<S:for/>")
    };
    assert_eq!(set("/dav/principals/groups/team/"), ["/dav/calendars/erin/default/"]);
    assert_eq!(set("http://localhost:8008/dav/principals/users/erin/"), ["/dav/calendars/erin/default/"]);
    for other in ["/dav/principals/users/alice/", "/dav/principals/users/mallory/", "http://elsewhere.example/dav/principals/users/erin/"] {
        assert_eq!(set(other), Vec::<String>::new(), "{other}");
    }
}

#[test]
fn principal_match_is_for_collections_and_says_one_thing() {
    let world = world();
    let alice = world.client("alice");
    for body in ["", "<D:prop/>", "<D:self/><D:principal-property><D:owner/></D:principal-property>", "<D:principal-property/>"] {
        assert_eq!(report(&alice, USERS, "D:principal-match", body).status, 400, "{body}");
    }
    for body in ["<D:principal-property><D:owner/><D:acl/></D:principal-property>", "<D:self/><D:prop/><D:prop/>"] {
        assert_eq!(report(&alice, USERS, "D:principal-match", body).status, 400, "{body}");
    }
    for depth in ["1", "infinity"] {
        assert_eq!(alice.send("REPORT", USERS, &[("depth", depth)], &document("D:principal-match", "<D:self/>")).status, 400);
    }
    for path in [format!("{WORK}1.ics"), format!("{BOX}notes.txt")] {
        let answer = report(&alice, &path, "D:principal-match", "<D:self/>");
        assert_eq!((answer.status, answer.condition().as_str()), (403, "supported-report"), "{path}");
        assert!(!listed(&alice, &path).contains(&"principal-match".to_owned()));
    }
}

#[test]
fn a_match_that_would_be_too_long_to_answer_is_refused() {
    let world = world();
    let mut alice = world.client("alice");
    alice.limits.responses_max = 3;
    let owned = "<D:principal-property><D:owner/></D:principal-property>";
    let answer = report(&alice, "/dav/calendars/alice/", "D:principal-match", owned);
    assert_eq!((answer.status, answer.condition().as_str()), (403, "number-of-matches-within-limits"));
}

fn search(attributes: &str, text: &str) -> String {
    let root = format!("D:principal-property-search {attributes}");
    let content = format!("<D:property-search><D:prop><D:displayname/></D:prop>{text}</D:property-search>");
    document(&root, &content).replace(&format!("</{root}>"), "</D:principal-property-search>")
}

fn found(client: &Client, path: &str, body: &str) -> Vec<String> {
    hrefs(&client.send("REPORT", path, &[], body))
}

#[test]
fn people_are_searched_below_the_path_or_everywhere_from_anywhere() {
    let world = world();
    let alice = world.client("alice");
    let body = search("", "<D:match>name of</D:match>");
    let apply = body.replace("<D:property-search>", "<D:apply-to-principal-collection-set/><D:property-search>");
    let users = ["alice", "bob", "carol", "dan"].map(|name| format!("{USERS}{name}/"));
    for path in each_kind() {
        let has_users = ["/", "/principals/", "/dav/", "/dav/principals/", USERS].contains(&path.as_str());
        assert_eq!(found(&alice, &path, &body), if has_users { users.to_vec() } else { Vec::new() }, "{path}");
        assert_eq!(found(&alice, &path, &apply), users, "{path}");
        assert!(listed(&alice, &path).contains(&"principal-property-search".to_owned()), "{path}");
    }
    // erin is in a group that alice shares with; mallory is nobody to her.
    let mallory = world.client("mallory");
    assert_eq!(found(&mallory, "/", &apply), [format!("{USERS}mallory/")]);
}

#[test]
fn texts_are_compared_as_the_request_says() {
    let world = world();
    let alice = world.client("alice");
    let find = |attributes: &str, text: &str| found(&alice, USERS, &search(attributes, text));
    let bob = [format!("{USERS}bob/")];
    let nobody: [String; 0] = [];
    assert_eq!(find("", "<D:match>OF BOB</D:match>"), bob);
    assert_eq!(find("", "<D:match> bob</D:match>"), bob, "a space is a character of the text");
    assert_eq!(find("", "<D:match>ofbob</D:match>"), nobody);
    assert_eq!(find("", "<D:match caseless='no'>of bob</D:match>"), bob);
    assert_eq!(find("", "<D:match caseless='no'>OF BOB</D:match>"), nobody);
    assert_eq!(find("", "<D:match match-type='starts-with'>name of b</D:match>"), bob);
    assert_eq!(find("", "<D:match match-type='starts-with'>bob</D:match>"), nobody);
    assert_eq!(find("", "<D:match match-type='ends-with'>bob</D:match>"), bob);
    assert_eq!(find("", "<D:match match-type='equals'>name of bob</D:match>"), bob);
    assert_eq!(find("", "<D:match match-type='equals'>name of bo</D:match>"), nobody);
    for short in ["b", " b ", ""] {
        assert_eq!(find("", &format!("<D:match>{short}</D:match>")), nobody, "nobody lists people by their letters");
    }
    let both = "<D:match>bob</D:match></D:property-search><D:property-search><D:prop><D:displayname/></D:prop><D:match>dan</D:match>";
    assert_eq!(find("", both), nobody);
    assert_eq!(find("test='allof'", both), nobody);
    assert_eq!(find("test='anyof'", both), [format!("{USERS}bob/"), format!("{USERS}dan/")]);
    assert_eq!(find("type='INDIVIDUAL'", "<D:match>bob</D:match>"), bob);
    assert_eq!(find("type='ROOM'", "<D:match>bob</D:match>"), nobody);
    let team = search("type='GROUP'", "<D:match>team</D:match>");
    assert_eq!(found(&alice, "/dav/principals/", &team), ["/dav/principals/groups/team/"]);
    let status = |body: &str| alice.send("REPORT", USERS, &[], body).status;
    for (attributes, text) in [
        ("test='x'", "<D:match>bob</D:match>"),
        ("type='x'", "<D:match>bob</D:match>"),
        ("", "<D:match match-type='x'>bob</D:match>"),
        ("", "<D:match caseless='x'>bob</D:match>"),
        ("", ""),
        ("", "<D:match>bob</D:match></D:property-search><CS:limit/><D:property-search>"),
        ("", "<D:match>bob</D:match></D:property-search><CS:limit><CS:nresults>0</CS:nresults></CS:limit><D:property-search>"),
    ] {
        assert_eq!(status(&search(attributes, text)), 400, "{attributes} {text}");
    }
}

#[test]
fn a_search_gives_no_more_than_was_asked_for_and_says_that_there_is_more() {
    let world = world();
    let alice = world.client("alice");
    let body = search("", "<D:match>name of</D:match>");
    let limited = body.replace("<D:property-search>", "<CS:limit><CS:nresults>2</CS:nresults></CS:limit><D:property-search>");
    let answer = alice.send("REPORT", USERS, &[], &limited);
    assert_eq!(hrefs(&answer), [USERS.to_owned(), format!("{USERS}alice/"), format!("{USERS}bob/")]);
    assert!(answer.body.contains("HTTP/1.1 507") && answer.body.contains("<D:number-of-matches-within-limits/>"));
}

#[test]
fn expansions_are_answered_for_members_too() {
    let world = world();
    let alice = world.client("alice");
    let body = document("D:expand-property", "<D:property name='owner'><D:property name='displayname'/></D:property>");
    let at = |depth: &str, path: &str| hrefs(&alice.send("REPORT", path, &[("depth", depth)], &body));
    assert_eq!(at("0", "/dav/calendars/alice/").len(), 1);
    assert_eq!(at("1", "/dav/calendars/alice/").len(), 4, "the home, two calendars and a collection");
    assert_eq!(at("infinity", "/dav/calendars/alice/").len(), 6);
    assert_eq!(at("1", WORK), [WORK.to_owned(), format!("{WORK}1.ics")]);
    let answer = alice.send("REPORT", WORK, &[("depth", "1")], &body);
    assert_eq!(answer.body.matches("Name of alice").count(), 2, "{}", answer.body);
}
