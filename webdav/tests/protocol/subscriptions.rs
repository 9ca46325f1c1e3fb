//! Subscriptions to calendars elsewhere: kept for the owner's clients, given back to her alone, fetched by nobody here.

use crate::harness::{Answer, Client, WORK, World, document, event, texts};
use webdav::xml::Name;

const NEWS: &str = "/dav/calendars/alice/news/";
const FEED: &str = "https://feeds.example/news.ics?token=s3cret&x=1";

fn subscription(source: &str, properties: &str) -> String {
    let kind = "<D:resourcetype><D:collection/><CS:subscribed/></D:resourcetype>";
    let source = source.replace('&', "&amp;");
    document("D:mkcol", &format!("<D:set><D:prop>{kind}<CS:source><D:href>{source}</D:href></CS:source>{properties}</D:prop></D:set>"))
}

fn subscribe(client: &Client, path: &str, source: &str, properties: &str) -> Answer {
    client.send("MKCOL", path, &[("content-type", "text/xml")], &subscription(source, properties))
}

fn with_news() -> World {
    let world = World::new();
    let more = "<D:displayname>News</D:displayname><A:calendar-color>#FF0000FF</A:calendar-color><A:calendar-order>3</A:calendar-order>\
                <A:refreshrate>P1D</A:refreshrate><CS:subscribed-strip-alarms/><CS:subscribed-strip-todos/>";
    assert_eq!(subscribe(&world.client("alice"), NEWS, FEED, more).status, 201);
    world
}

/// What Apple Calendar, DAVx5 and Evolution ask of each member of a home.
const ASKED: &str = "<D:resourcetype/><D:displayname/><CS:source/><A:calendar-color/><A:calendar-order/><A:refreshrate/>\
     <CS:subscribed-strip-alarms/><CS:subscribed-strip-attachments/><CS:subscribed-strip-todos/><D:current-user-privilege-set/>\
     <C:supported-calendar-component-set/><D:sync-token/><D:owner/>";

#[test]
fn it_is_listed_in_the_owners_home_with_all_that_was_said_of_it() {
    let world = with_news();
    let alice = world.client("alice");
    let listed = alice.propfind("/dav/calendars/alice/", "1", ASKED);
    let news = &listed.responses()[NEWS];
    let kinds: Vec<String> = news["resourcetype"].1.children().map(|kind| kind.name.local.to_string()).collect();
    assert_eq!(kinds, ["collection", "subscribed"], "no calendar: clients would look for objects in it");
    assert_eq!(texts(&news["source"].1, &Name::dav("href")), [FEED]);
    let text = |name: &str| (news[name].0, news[name].1.text());
    for (name, value) in [("displayname", "News"), ("calendar-color", "#FF0000FF"), ("calendar-order", "3"), ("refreshrate", "P1D")] {
        assert_eq!(text(name), (200, value.to_owned()));
    }
    assert_eq!((text("subscribed-strip-alarms").0, text("subscribed-strip-todos").0), (200, 200));
    for absent in ["subscribed-strip-attachments", "supported-calendar-component-set", "sync-token"] {
        assert_eq!(news[absent].0, 404, "{absent}");
    }
    let held: Vec<String> =
        news["current-user-privilege-set"].1.children().map(|p| p.children().next().unwrap().name.local.to_string()).collect();
    assert_eq!(held, ["read", "write-properties", "read-current-user-privilege-set"], "nothing that lets a client try to write");
    // A page of text: nobody is sent where it leads.
    let answer = alice.get(NEWS);
    assert_eq!((answer.status, answer.header("location")), (200, ""));
    assert!(!answer.body.contains("feeds.example"));
}

#[test]
fn leak_98_nobody_else_meets_it_under_any_name() {
    let world = with_news();
    for user in ["bob", "carol", "dan", "erin", "mallory"] {
        let client = world.client(user);
        let listing = client.propfind("/dav/calendars/alice/", "1", ASKED);
        assert!(!listing.body.contains("news") && !listing.body.contains("s3cret"), "{user}");
        for (hidden, absent) in [(NEWS, "/dav/calendars/alice/nine/"), ("/dav/calendars/alice/news", "/dav/calendars/alice/nine")] {
            for method in ["GET", "PROPFIND", "DELETE", "OPTIONS", "MKCOL", "PROPPATCH", "REPORT", "ACL"] {
                let mut found = client.send(method, hidden, &[("depth", "0")], "");
                found.body = found.body.replace("news", "nine");
                assert_eq!(found, client.send(method, absent, &[("depth", "0")], ""), "{user} {method}");
            }
        }
    }
    assert_eq!(world.client("alice").propfind(NEWS, "0", "<CS:source/>").with_status(200), ["source"]);
}

#[test]
fn a_change_of_it_is_one_of_the_home() {
    let world = with_news();
    let alice = world.client("alice");
    let token = || alice.property("/dav/calendars/alice/", "D:sync-token").unwrap();
    let set = |value: &str| alice.proppatch(NEWS, &format!("<D:set><D:prop>{value}</D:prop></D:set>"));
    let before = token();
    let moved = "<CS:source><D:href>webcal://other.example/feed</D:href></CS:source><CS:subscribed-strip-attachments/>";
    assert!(set(moved).body.contains("200 OK"));
    assert_ne!(token(), before);
    let news = alice.propfind(NEWS, "0", ASKED).only();
    assert_eq!(texts(&news["source"].1, &Name::dav("href")), ["webcal://other.example/feed"]);
    assert_eq!(news["subscribed-strip-attachments"].0, 200);
    assert_eq!(alice.proppatch(NEWS, "<D:remove><D:prop><CS:subscribed-strip-attachments/></D:prop></D:remove>").status, 207);
    assert_eq!(alice.propfind(NEWS, "0", ASKED).only()["subscribed-strip-attachments"].0, 404);
    for wrong in ["<CS:source/>", "<CS:source><D:href>file:///etc/passwd</D:href></CS:source>", "<CS:source>https://x.example/</CS:source>"]
    {
        assert_eq!(set(wrong).with_status(409), ["source"], "{wrong}");
    }
    assert_eq!(alice.proppatch(NEWS, "<D:remove><D:prop><CS:source/></D:prop></D:remove>").with_status(409), ["source"]);
    assert_eq!(set("<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>").with_status(403), ["resourcetype"]);
}

#[test]
fn it_holds_nothing_and_takes_nothing() {
    let world = with_news();
    let alice = world.client("alice");
    let object = format!("{WORK}1.ics");
    alice.put(&object, &event("1", ""));
    alice.put("/dav/calendars/alice/file.ics", &event("2", ""));
    let refused = |answer: Answer| (answer.status, answer.condition());
    let bind = || (403, "need-privileges".to_owned());
    let inside = format!("{NEWS}1.ics");
    assert_eq!(refused(alice.put(&inside, &event("1", ""))), bind());
    for source in [object.as_str(), "/dav/calendars/alice/file.ics"] {
        for method in ["COPY", "MOVE"] {
            assert_eq!(refused(alice.send(method, source, &[("destination", &inside)], "")), bind(), "{method} {source}");
        }
    }
    for method in ["MKCOL", "MKCALENDAR"] {
        let answer = alice.send(method, &format!("{NEWS}sub/"), &[], "");
        assert_eq!(refused(answer), (403, "calendar-collection-location-ok".to_owned()), "{method}");
    }
    assert_eq!(alice.put(NEWS, &event("1", "")).status, 403);
    let query = document("C:calendar-query", "<C:filter><C:comp-filter name='VCALENDAR'/></C:filter>");
    assert_eq!(refused(alice.send("REPORT", NEWS, &[("depth", "1")], &query)), (403, "supported-report".to_owned()));
    assert_eq!(alice.send("POST", &format!("{NEWS};add-member"), &[], &event("1", "")).status, 404);
    assert_eq!(alice.members(NEWS), Vec::<String>::new());
    // It is its owner's alone and stays so.
    let share = "<D:ace><D:principal><D:href>/dav/principals/users/dan/</D:href></D:principal>\
                 <D:grant><D:privilege><D:read/></D:privilege></D:grant></D:ace>";
    let before = alice.propfind(NEWS, "0", "<D:acl/>").body;
    assert_eq!(refused(alice.send("ACL", NEWS, &[], &document("D:acl", share))), (403, "no-ace-conflict".to_owned()));
    assert_eq!(alice.propfind(NEWS, "0", "<D:acl/>").body, before);
}

#[test]
fn it_is_renamed_copied_and_deleted_within_the_home() {
    let world = with_news();
    let alice = world.client("alice");
    let transfer = |method: &str, from: &str, to: &str| alice.send(method, from, &[("destination", to)], "").status;
    let source = |path: &str| texts(&alice.propfind(path, "0", "<CS:source/>").only()["source"].1, &Name::dav("href"));
    assert_eq!(transfer("MOVE", NEWS, "/dav/calendars/alice/renamed/"), 201);
    assert_eq!((alice.get(NEWS).status, source("/dav/calendars/alice/renamed/")), (404, vec![FEED.to_owned()]));
    assert_eq!(transfer("COPY", "/dav/calendars/alice/renamed/", NEWS), 201);
    assert_eq!(source(NEWS), [FEED]);
    alice.send("MKCOL", "/dav/calendars/alice/box/", &[], "");
    for to in ["/dav/calendars/alice/box/news/", &format!("{WORK}news/"), "/dav/calendars/dan/news/"] {
        for method in ["COPY", "MOVE"] {
            assert_eq!(transfer(method, NEWS, to), 403, "{method} {to}");
        }
    }
    assert_eq!(transfer("MOVE", NEWS, WORK), 403, "no calendar is replaced by it");
    assert_eq!(alice.delete(NEWS).status, 204);
    assert_eq!(alice.get(NEWS).status, 404);
    // Nothing of it is left for what is made under its name.
    assert_eq!(alice.send("MKCOL", NEWS, &[], "").status, 201);
    assert_eq!(alice.propfind(NEWS, "0", "<CS:source/>").with_status(404), ["source"]);
}

#[test]
fn what_is_no_subscription_is_not_made() {
    let world = World::new();
    let (alice, dan) = (world.client("alice"), world.client("dan"));
    let without = subscription(FEED, "").replace("<CS:source>", "<S:x>").replace("</CS:source>", "</S:x>");
    let answer = alice.send("MKCOL", NEWS, &[("content-type", "text/xml")], &without);
    assert_eq!(answer.status, 424, "{}", answer.body);
    assert!(answer.body.contains("<CS:source/>") && answer.body.contains("HTTP/1.1 409"));
    for source in ["file:///etc/passwd", "javascript:alert(1)", "/dav/calendars/alice/work/", "", "https://x.example/a b"] {
        assert_eq!(subscribe(&alice, NEWS, source, "").status, 424, "{source}");
    }
    assert_eq!(subscribe(&alice, NEWS, FEED, "<D:getetag>x</D:getetag>").status, 424);
    for kinds in ["<CS:subscribed/>", "<D:collection/><CS:subscribed/><C:calendar/>", "<D:collection/><C:calendar/><CS:subscribed/>"] {
        let body = subscription(FEED, "").replace("<D:collection/><CS:subscribed/>", kinds);
        let answer = alice.send("MKCOL", NEWS, &[("content-type", "text/xml")], &body);
        assert_eq!((answer.status, answer.condition().as_str()), (403, "valid-resourcetype"), "{kinds}");
    }
    assert_eq!(alice.get(NEWS).status, 404, "all or nothing");
    alice.send("MKCOL", "/dav/calendars/alice/box/", &[], "");
    assert_eq!(subscribe(&alice, "/dav/calendars/alice/box/news/", FEED, "").condition(), "calendar-collection-location-ok");
    assert_eq!(subscribe(&alice, WORK, FEED, "").status, 405);
    assert_eq!(subscribe(&dan, NEWS, FEED, "").condition(), "need-privileges");
    assert_eq!(subscribe(&world.client("mallory"), NEWS, FEED, "").status, 404);
    // On a calendar, as some clients set it, it is a dead property of whoever set it.
    let set = format!("<D:set><D:prop><CS:source><D:href>{}</D:href></CS:source></D:prop></D:set>", FEED.replace('&', "&amp;"));
    assert_eq!(alice.proppatch(WORK, &set).status, 207);
    assert_eq!(dan.propfind(WORK, "0", "<CS:source/>").with_status(404), ["source"]);
}
