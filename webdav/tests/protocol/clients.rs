//! What clients send to set themselves up, as far as answers have broken it: each test is one client's conversation.

use crate::harness::{Client, WORK, World, document, event, texts};
use webdav::xml::Name;

fn mount(client: &Client) -> String {
    let home = format!("/dav/calendars/{}/", client.user);
    client.members(&home).into_iter().find(|href| !href.ends_with("/default/")).unwrap()
}

/// Calendar on macOS 14 and iOS 17 ask a home for all of these at once.
const APPLE_HOME: &str = "D:add-member CS:allowed-sharing-modes A:calendar-color A:calendar-order C:calendar-description \
    C:calendar-free-busy-set C:calendar-timezone D:current-user-privilege-set D:displayname CS:getctag CS:invite D:owner \
    CS:pre-publish-url CS:publish-url CS:push-transports CS:pushkey D:quota-available-bytes D:quota-used-bytes A:refreshrate \
    D:resource-id D:resourcetype C:schedule-calendar-transp C:schedule-default-calendar-URL CS:source CS:subscribed-strip-alarms \
    CS:subscribed-strip-attachments CS:subscribed-strip-todos C:supported-calendar-component-set \
    C:supported-calendar-component-sets D:supported-report-set D:sync-token C:managed-attachments-server-URL";

#[test]
fn apple_calendar_lists_a_home_with_a_share() {
    let world = World::new();
    let erin = world.client("erin");
    let asked: String = APPLE_HOME.split_whitespace().map(|name| format!("<{name}/>")).collect();
    let answer = erin.propfind("/dav/calendars/erin/", "1", &asked);
    let responses = answer.responses();
    assert_eq!(responses.len(), 3);
    for (href, properties) in &responses {
        assert_eq!(properties.len(), APPLE_HOME.split_whitespace().count(), "{href}");
        for absent in ["invite", "allowed-sharing-modes", "push-transports", "source"] {
            assert_eq!(properties[absent].0, 404, "{href} {absent}");
        }
        for present in ["resourcetype", "current-user-privilege-set", "supported-report-set", "sync-token", "owner", "resource-id"] {
            assert_eq!(properties[present].0, 200, "{href} {present}");
        }
        assert_eq!(properties["add-member"].0 == 200, *href != "/dav/calendars/erin/", "{href}");
    }
    let share = &responses[&mount(&erin)];
    let components: Vec<_> = share["supported-calendar-component-set"].1.children().filter_map(|c| c.attribute("name")).collect();
    assert!(components.contains(&"VEVENT") && !components.contains(&"VPOLL"), "{components:?}");

    // Right after set-up it stores colour, order, name and zone; one refusal and it downloads nothing.
    let zone = "BEGIN:VCALENDAR&#13;\nVERSION:2.0&#13;\nPRODID:-//x//EN&#13;\nBEGIN:VTIMEZONE&#13;\nTZID:Europe/Rome&#13;\nBEGIN:STANDARD&#13;\n\
                DTSTART:19961027T030000&#13;\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU&#13;\nTZOFFSETFROM:+0200&#13;\nTZOFFSETTO:+0100&#13;\n\
                END:STANDARD&#13;\nBEGIN:DAYLIGHT&#13;\nDTSTART:19810329T020000&#13;\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU&#13;\n\
                TZOFFSETFROM:+0100&#13;\nTZOFFSETTO:+0200&#13;\nEND:DAYLIGHT&#13;\nEND:VTIMEZONE&#13;\nEND:VCALENDAR&#13;\n";
    for user in ["bob", "erin"] {
        let client = world.client(user);
        for set in [
            "<A:calendar-color symbolic-color='purple'>#CC73E1FF</A:calendar-color>".to_owned(),
            "<A:calendar-order>3</A:calendar-order>".to_owned(),
            "<D:displayname>Team</D:displayname>".to_owned(),
            format!("<C:calendar-timezone>{zone}</C:calendar-timezone>"),
            "<C:schedule-calendar-transp><C:opaque/></C:schedule-calendar-transp>".to_owned(),
        ] {
            let answer = client.proppatch(&mount(&client), &format!("<D:set><D:prop>{set}</D:prop></D:set>"));
            assert_eq!(answer.with_status(200).len(), 1, "{user}: {}", answer.body);
        }
        assert!(client.property(&mount(&client), "C:calendar-timezone").unwrap().contains("TZID:Europe/Rome\r\n"));
    }
}

#[test]
fn apple_calendar_makes_a_calendar_for_one_kind() {
    let world = World::new();
    let alice = world.client("alice");
    let path = "/dav/calendars/alice/5A5A5A5A-0000-4000-8000-000000000000/";
    let body = document(
        "C:mkcalendar",
        "<D:set><D:prop><A:calendar-order>1</A:calendar-order><C:supported-calendar-component-set><C:comp name='VTODO'/>\
         </C:supported-calendar-component-set><A:calendar-color symbolic-color='custom'>#AABBCC</A:calendar-color>\
         <D:displayname>Tasks</D:displayname><C:calendar-free-busy-set><YES/></C:calendar-free-busy-set></D:prop></D:set>",
    );
    assert_eq!(alice.send("MKCALENDAR", path, &[("content-type", "text/xml")], &body).status, 201);
    let answer = alice.propfind(path, "0", "<C:supported-calendar-component-set/>");
    assert!(answer.body.contains("<C:comp name=\"VTODO\"/></C:"), "{}", answer.body);
}

#[test]
fn davx5_finds_principal_home_and_calendars() {
    let world = World::new();
    let bob = world.client("bob");
    let start = bob.propfind(
        "/dav/",
        "0",
        "<D:resourcetype/><D:displayname/><D:current-user-principal/><D:current-user-privilege-set/><C:calendar-home-set/>\
         <C:supported-calendar-component-set/><A:calendar-color/><C:calendar-description/><C:calendar-timezone/>",
    );
    let principal = texts(&start.only()["current-user-principal"].1, &Name::dav("href")).remove(0);
    let options = bob.send("OPTIONS", &principal, &[("accept-encoding", "identity")], "");
    assert!(options.status == 200 && options.header("dav").split(", ").any(|token| token == "calendar-access"));
    let properties = bob
        .propfind(
            &principal,
            "0",
            "<D:displayname/><D:group-membership/><D:resourcetype/><C:calendar-home-set/><CS:calendar-proxy-read-for/><CS:calendar-proxy-write-for/>",
        )
        .only();
    assert_eq!(properties["calendar-proxy-read-for"].0, 404);
    let home = texts(&properties["calendar-home-set"].1, &Name::dav("href"));
    assert_eq!(home, ["/dav/calendars/bob/"]);
    let listing = bob.propfind(&home[0], "1", "<D:resourcetype/><D:owner/><D:current-user-privilege-set/><D:displayname/>");
    // Without bind on the home there is no button to make calendars.
    assert!(listing.responses()[&home[0]]["current-user-privilege-set"].1.to_xml().contains("bind"));
    // The owner is asked for her name; a sharee must be able to read it.
    let owner = texts(&listing.responses()[&mount(&bob)]["owner"].1, &Name::dav("href")).remove(0);
    assert_eq!(bob.property(&owner, "D:displayname").as_deref(), Some("Name of alice"));
    assert_eq!(bob.propfind("/.well-known/carddav", "0", "<D:resourcetype/>").status, 404);
}

#[test]
fn thunderbird_needs_a_resourcetype_in_every_response_and_options_of_the_home() {
    let world = World::new();
    let dan = world.client("dan");
    let asked = "<D:resourcetype/><D:displayname/><D:current-user-privilege-set/><A:calendar-color/>";
    for path in ["/", "/dav/", "/dav/calendars/", "/dav/calendars/dan/", WORK] {
        for (href, properties) in dan.propfind(path, "1", asked).responses() {
            assert_eq!(properties["resourcetype"].0, 200, "{href}");
        }
    }
    assert_eq!(dan.send("OPTIONS", "/dav/calendars/dan/", &[], "").status, 200);
}

#[test]
fn evolution_writes_with_a_preference_and_trusts_a_strong_tag() {
    let world = World::new();
    let alice = world.client("alice");
    let path = format!("{WORK}20261102T120000Z-1.ics");
    let put = |headers: &[(&str, &str)], lines: &str| {
        let mut all = vec![("prefer", "return=minimal"), ("content-type", "text/calendar; charset=\"utf-8\"")];
        all.extend_from_slice(headers);
        alice.send("PUT", &path, &all, &event("1", lines))
    };
    let created = put(&[("if-none-match", "*")], "SUMMARY:a");
    assert_eq!((created.status, created.body.as_str()), (201, ""));
    let escaped = created.header("etag").replace('"', "\\\"");
    assert_eq!(put(&[("if-match", &escaped)], "SUMMARY:b").status, 204);
    let options = alice.send("OPTIONS", WORK, &[], "");
    assert!(options.header("dav").contains("calendar-access"));
}

#[test]
fn pimsync_leaves_out_final_slashes() {
    let world = World::new();
    let alice = world.client("alice");
    alice.put(&format!("{WORK}1.ics"), &event("1", ""));
    let bare = alice.propfind(WORK.trim_end_matches('/'), "1", "<D:getetag/>");
    assert_eq!(bare, alice.propfind(WORK, "1", "<D:getetag/>"));
}
