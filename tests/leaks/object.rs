//! What one object could tell: its properties, parameters, components and spelling, in whatever way it is read.

use super::{FULL, NOT_PRIVY, REDUCED, WORK, alike, bodies, calendar, component, event, harvest, lines, met_by, only, plain, world_of};
use crate::agreement::all_channels;
use crate::harness::cast::{self, PEOPLE, WORK as NAME};
use crate::harness::client::variants;
use acl::Level;
use storage::administration::GrantEntry;

#[test]
fn leak_01_what_nobody_thought_of_is_withheld() {
    let known = "X-ALT-DESC;FMTTYPE=text/html:secret-01\nCONFERENCE;VALUE=URI:https://meet.example/secret-01\nIMAGE;VALUE=URI:https://x.example/secret-01\n\
                 STRUCTURED-DATA;VALUE=TEXT:secret-01\nX-GOOGLE-CONFERENCE:secret-01\nX-MICROSOFT-CDO-OWNERAPPTID:secret-01\nSTYLED-DESCRIPTION;VALUE=TEXT:secret-01\n\
                 DESCRIPTION:secret-01\nX-SECRET-01:1\nNOT-YET-REGISTERED;BY=IANA:secret-01\n\
                 BEGIN:PARTICIPANT\nUID:secret-01-a\nPARTICIPANT-TYPE:ACTIVE\nEND:PARTICIPANT\nBEGIN:VLOCATION\nUID:secret-01-b\nNAME:x\nEND:VLOCATION\n\
                 BEGIN:VRESOURCE\nUID:secret-01-c\nEND:VRESOURCE\nBEGIN:X-NEW\nX-DEEP:secret-01\nEND:X-NEW";
    // One by one, so that no line hides behind another; components as they are.
    let flat: Vec<&str> = known.lines().take_while(|line| !line.starts_with("BEGIN")).collect();
    let nested = known.split_once("BEGIN").map(|(_, rest)| format!("BEGIN{rest}")).unwrap();
    let mut objects: Vec<(String, String)> =
        flat.iter().enumerate().map(|(number, line)| (format!("{number}.ics"), event(&format!("u{number}"), line))).collect();
    objects.push(("nested.ics".to_owned(), event("nested", &nested)));
    let objects: Vec<(&str, String)> = objects.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
    let world = world_of(&objects);
    for person in PEOPLE {
        let found = plain(&harvest(&world, person.name)).to_lowercase().matches("secret-01").count();
        assert_eq!(found > 0, FULL.contains(&person.name), "{}: {found}", person.name);
        assert!(person.name != "alice" || found > 13 * 4, "she has them all: {found}");
    }
}

/// What cannot be parsed is served to its owner alone: nothing is shown because reading it failed.
#[test]
fn leak_01_what_cannot_be_read_is_shown_to_nobody() {
    let privacy = acl::PrivacyRecord::default();
    let text = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:secret";
    let object = acl::StoredObject {
        id: acl::ObjectId([9; 16]),
        name: "x.ics",
        base_text: text,
        base: None,
        base_version: 1,
        privacy: &privacy,
        created_by_viewer: false,
        foreign_attendees: &acl::ForeignAttendees::All,
        overlay: None,
        touch: 0,
        own: None,
        identity_taken: false,
    };
    for level in Level::ALL {
        let show = Some(acl::level::GrantPrivateEvents::Show);
        assert!(acl::project(&object, &acl::testing::profile(acl::testing::matrix(level, show))).is_none(), "{level:?}");
    }
    assert!(acl::project(&object, &acl::testing::profile(acl::AccessMatrix::owner())).is_some());
}

#[test]
pub fn leak_02_every_way_to_read_gives_the_same_bytes() {
    let kinds = ["", "CLASS:PRIVATE\n", "CLASS:CONFIDENTIAL\n", "CLASS:X-SECRET\n"];
    let objects: Vec<(String, String)> = kinds
        .iter()
        .enumerate()
        .map(|(number, class)| {
            (format!("{number}.ics"), event(&format!("u{number}"), &format!("{class}SUMMARY:Talk\nLOCATION:Oslo\nDESCRIPTION:Agenda")))
        })
        .collect();
    let objects: Vec<(&str, String)> = objects.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
    let world = world_of(&objects);
    for person in PEOPLE.iter().filter(|person| person.reaches()) {
        let shown = all_channels(&world, person, WORK);
        let hides = person.private == acl::Visibility::Hidden;
        assert_eq!(shown.len(), if hides { 1 } else { 4 }, "{}", person.name);
        let places = shown.values().filter(|text| text.contains("Oslo")).count();
        let expected = match person.name {
            "alice" | "delegate" => 4,
            "details" | "discreet" | "edit" | "edit-delete" | "member" | "places" => 1,
            _ => 0,
        };
        assert_eq!(places, expected, "{}", person.name);
    }
}

#[test]
pub fn leak_03_no_other_spelling_or_path_of_an_object_gives_more() {
    let world = world_of(&[("talk.ics", event("talk", "SUMMARY:Talk\nDESCRIPTION:secret-03"))]);
    for person in PEOPLE.iter().filter(|person| !FULL.contains(&person.name)) {
        let client = world.client(person.name);
        let mut paths = vec![format!("{WORK}talk.ics")];
        let mount = cast::mount(&world, person);
        paths.extend(mount.iter().map(|mount| format!("{mount}talk.ics")));
        paths.extend(mount.iter().flat_map(|mount| client.members(mount)));
        paths.push("/dav/calendars/ALICE/canary-k-work/talk.ics".to_owned());
        paths.push("/.well-known/caldav/../../dav/calendars/alice/canary-k-work/talk.ics".to_owned());
        paths.push(format!("/dav/calendars/{}/../alice/canary-k-work/talk.ics", person.name));
        for path in paths.iter().flat_map(|path| variants(path)) {
            for method in ["GET", "PROPFIND", "COPY"] {
                let to = format!("/dav/calendars/{}/default/copy.ics", person.name);
                let answer = client.send(method, &path, &[("depth", "0"), ("destination", &to)], "");
                assert!(!plain(&super::whole(&answer)).contains("secret-03"), "{} {method} {path}", person.name);
                assert!(answer.status >= 400 || method != "COPY", "{} {path}: {}", person.name, answer.status);
            }
        }
    }
    // The same spellings that name it do so for who may see it.
    let seen =
        variants(&format!("{WORK}talk.ics")).iter().filter(|path| world.client("details").get(path).body.contains("secret-03")).count();
    assert!(seen >= 2, "{seen}");
}

/// Master and override of each class, in either order; an absent class is the master's, one that nobody knows is private.
#[test]
fn leak_04_each_component_has_its_own_privacy_wherever_it_stands() {
    let classes = [None, Some("PUBLIC"), Some("PRIVATE"), Some("CONFIDENTIAL"), Some("private"), Some("X-MINE")];
    let is_private = |class: Option<&str>| class.is_some_and(|class| class != "PUBLIC");
    let line = |class: Option<&str>| class.map(|class| format!("CLASS:{class}\n")).unwrap_or_default();
    let mut compared = 0;
    for master in classes {
        for other in classes {
            for first in [true, false] {
                let mut parts = [
                    component(
                        "VEVENT",
                        &format!(
                            "UID:u\n{}DTSTART:20261103T090000Z\nDTEND:20261103T100000Z\nRRULE:FREQ=WEEKLY;COUNT=3\nSUMMARY:master-04",
                            line(master)
                        ),
                    ),
                    component(
                        "VEVENT",
                        &format!(
                            "UID:u\n{}RECURRENCE-ID:20261110T090000Z\nDTSTART:20261110T110000Z\nDTEND:20261110T120000Z\nSUMMARY:other-04",
                            line(other)
                        ),
                    ),
                ];
                if !first {
                    parts.reverse();
                }
                let world = world_of(&[("u.ics", calendar(&parts.concat()))]);
                let private = [is_private(master), is_private(other.or(master))];
                for name in ["details", "edit", "discreet", "titles", "busy"] {
                    let client = world.client(name);
                    let all: String = bodies(&client, WORK).into_values().collect();
                    for (word, private) in [("master-04", private[0]), ("other-04", private[1])] {
                        assert_eq!(all.contains(word), !private && name != "busy", "{name}: {word} of {master:?} {other:?} {first}\n{all}");
                        compared += 1;
                    }
                }
            }
        }
    }
    assert_eq!(compared, 6 * 6 * 2 * 5 * 2);
}

#[test]
fn leak_04_a_class_given_twice_is_private() {
    for classes in ["CLASS:PUBLIC\nCLASS:PRIVATE", "CLASS:PRIVATE\nCLASS:PUBLIC", "CLASS:PUBLIC\nCLASS:PUBLIC"] {
        let world = cast::world();
        let answer = world.client("alice").put(&format!("{WORK}u.ics"), &event("u", &format!("{classes}\nSUMMARY:secret-04")));
        if answer.status == 201 {
            assert!(!bodies(&world.client("details"), WORK).values().any(|text| text.contains("secret-04")), "{classes}");
        } else {
            assert_eq!(answer.status, 403, "{classes}");
        }
    }
}

#[test]
fn leak_09_a_selection_of_properties_tells_of_none_that_is_withheld() {
    let world =
        world_of(&[("u.ics", event("u", "SUMMARY:Talk\nLOCATION:secret-09\nDESCRIPTION:secret-09\nATTENDEE:mailto:bob@example.org"))]);
    let names = ["LOCATION", "DESCRIPTION", "ATTENDEE", "SUMMARY", "X-NONE"];
    for value in ["yes", "no"] {
        let props: String = names.iter().map(|name| format!("<C:prop name=\"{name}\" novalue=\"{value}\"/>")).collect();
        let data = format!("<C:comp name=\"VCALENDAR\"><C:allprop/><C:comp name=\"VEVENT\">{props}<C:allcomp/></C:comp></C:comp>");
        for name in ["busy", "titles", "assign", "details", "alice"] {
            let client = world.client(name);
            let answer = client.send("REPORT", WORK, &[("depth", "1")], &super::query_body(&data, ""));
            let text = plain(client.data(&answer).values().next().unwrap());
            for property in ["LOCATION", "DESCRIPTION", "ATTENDEE"] {
                assert_eq!(text.contains(property), FULL.contains(&name), "{name} {property} {value}: {text}");
            }
            assert!(text.contains("SUMMARY"), "{text}");
        }
    }
}

#[test]
fn leak_10_parameters_carry_nothing() {
    let text = event(
        "u",
        "SUMMARY;ALTREP=\"cid:secret-10\";X-AUTHOR=secret-10;LANGUAGE=en:Talk\nSTATUS;X-WHY=secret-10:TENTATIVE\nCLASS;X-WHY=secret-10:PUBLIC\n\
         TRANSP;X-WHY=secret-10:OPAQUE",
    );
    let series =
        super::series("s", "SUMMARY:Series\nEXDATE;X-REASON=secret-10:20261110T090000Z\nRDATE;X-REASON=secret-10:20261211T090000Z", &[])
            .replace("RRULE:", "RRULE;X-WHY=secret-10:")
            .replace("DTSTART:", "DTSTART;X-WHERE=secret-10:");
    met_by(&[("u.ics", text), ("s.ics", series)], &["secret-10"], &FULL);
    let spoken = event("u", "SUMMARY;LANGUAGE=x-secret-10:Talk");
    let world = world_of(&[("u.ics", spoken)]);
    assert!(!only(&world.client("titles")).1.contains("secret-10"), "a language is no place for a message");
}

fn zoned(tzid: &str, definition: &str, start: &str, more: &str) -> String {
    let zone = format!("BEGIN:VTIMEZONE\nTZID:{tzid}\n{definition}END:VTIMEZONE\n");
    calendar(&format!("{zone}{}", component("VEVENT", &format!("UID:u\nDTSTART;TZID={tzid}:{start}\nDURATION:PT1H\nSUMMARY:Talk\n{more}"))))
}

#[test]
fn leak_11_a_stored_zone_is_never_served_below_full() {
    let tokyo = "TZURL:https://intra.example/secret-11\nCOMMENT:secret-11\nX-LIC-LOCATION:secret-11\nBEGIN:STANDARD\nDTSTART:19700101T000000\n\
                 TZOFFSETFROM:+0900\nTZOFFSETTO:+0900\nTZNAME:secret-11\nEND:STANDARD\n";
    let rule = "RRULE:FREQ=DAILY;COUNT=4";
    for (tzid, more) in [("Asia/Tokyo", ""), ("Asia/Tokyo", rule), ("secret-11 HQ", ""), ("secret-11 HQ", rule)] {
        met_by(&[("u.ics", zoned(tzid, tokyo, "20261103T180000", more))], &["secret-11"], &FULL);
    }
    // Where somebody is shows in no single event: one instant, three zones.
    let standard =
        |offset: &str| format!("BEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:{offset}\nTZOFFSETTO:{offset}\nEND:STANDARD\n");
    let in_tokyo = zoned("Asia/Tokyo", &standard("+0900"), "20261103T180000", "");
    let in_kolkata = zoned("Asia/Kolkata", &standard("+0530"), "20261103T143000", "");
    let own = zoned("Headquarters", &standard("+0123"), "20261103T102300", "");
    for other in [in_kolkata, own] {
        alike(&[("u.ics", in_tokyo.clone())], &[("u.ics", other)], &REDUCED);
    }
}

#[test]
fn leak_12_nobody_meets_anothers_alarm_at_any_level() {
    let alarm = "BEGIN:VALARM\nUID:secret-12\nACTION:EMAIL\nTRIGGER:-PT15M\nSUMMARY:secret-12\nDESCRIPTION:secret-12\nATTENDEE:mailto:secret-12@example.org\n\
                 ATTACH:https://x.example/secret-12\nX-WR-ALARMUID:secret-12\nACKNOWLEDGED:20261102T010203Z\nEND:VALARM";
    let todo = calendar(&component("VTODO", &format!("UID:t\nDUE:20261104T090000Z\nSUMMARY:Tax\n{alarm}")));
    met_by(
        &[("u.ics", event("u", &format!("SUMMARY:Talk\nX-MOZ-LASTACK:20261102T040506Z\n{alarm}"))), ("t.ics", todo)],
        &["secret-12", "VALARM", "20261102T010203Z", "20261102T040506Z"],
        &["alice"],
    );
}

#[test]
fn leak_13_who_takes_part_is_a_detail() {
    let people = "ORGANIZER;CN=secret-13;DIR=\"ldap://secret-13\";SENT-BY=\"mailto:secret-13@example.org\":mailto:secret-13@example.org\n\
                  ATTENDEE;CN=secret-13;PARTSTAT=ACCEPTED;SCHEDULE-STATUS=2.0:mailto:secret-13@example.com\nCONTACT:secret-13";
    met_by(&[("u.ics", event("u", &format!("SUMMARY:Talk\n{people}")))], &["secret-13", "PARTSTAT"], &FULL);
}

#[test]
fn leak_14_what_stands_around_the_event_is_the_servers() {
    let around = "X-WR-CALNAME:secret-14\nX-WR-CALDESC:secret-14\nX-WR-RELCALID:secret-14\nNAME:secret-14\nSOURCE;VALUE=URI:https://x.example/secret-14\n\
                  URL:https://x.example/secret-14\nCOLOR:secret-14\nX-CALENDARSERVER-ACCESS:CONFIDENTIAL\n"
        .replace('\n', "\r\n");
    let text = event("u", "SUMMARY:Talk").replace("PRODID:-//test//EN\r\n", &format!("PRODID:-//secret-14//EN\r\n{around}"));
    met_by(&[("u.ics", text)], &["secret-14", "X-CALENDARSERVER-ACCESS"], &FULL);
}

#[test]
fn leak_15_why_an_event_is_a_block_cannot_be_told() {
    let as_class = |class: &str| vec![("u.ics", event("u", &format!("SUMMARY:Talk\n{class}")))];
    for other in ["CLASS:CONFIDENTIAL", "CLASS:X-OURS", "CLASS:private"] {
        alike(&as_class("CLASS:PRIVATE"), &as_class(other), &NOT_PRIVY);
    }
    // At free-busy not even that it is private.
    alike(&as_class("CLASS:PRIVATE"), &as_class(""), &["busy", "assign", "paused", "stranger"]);
    alike(&as_class("CLASS:PUBLIC"), &as_class(""), &REDUCED);
}

#[test]
fn leak_16_free_time_is_nothing_and_busy_time_is_just_that() {
    let blocks = |line: &str| {
        let world = world_of(&[("u.ics", event("u", &format!("SUMMARY:Talk\n{line}")))]);
        let all = bodies(&world.client("busy"), WORK);
        all.into_values().next()
    };
    for free in ["TRANSP:TRANSPARENT", "STATUS:CANCELLED", "ATTENDEE;PARTSTAT=DECLINED:mailto:alice@example.org"] {
        assert_eq!(blocks(free), None, "{free}");
    }
    let busy = blocks("").unwrap();
    assert_eq!(lines(&busy, "TRANSP"), ["TRANSP:OPAQUE"]);
    assert_eq!(lines(&blocks("STATUS:TENTATIVE").unwrap(), "STATUS"), ["STATUS:TENTATIVE"]);
    let a = |line: &str| vec![("u.ics", event("u", &format!("SUMMARY:Talk\n{line}")))];
    for line in ["STATUS:CONFIRMED", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.org", "TRANSP:OPAQUE"] {
        alike(&a(line), &a(""), &["busy", "assign", "paused", "stranger"]);
    }
    // That she declined, or why else time is free, is nothing to the titles either.
    alike(&a("STATUS:CANCELLED"), &a("ATTENDEE;PARTSTAT=DECLINED:mailto:alice@example.org"), &REDUCED);
}

#[test]
fn leak_17_a_meeting_in_two_calendars_has_no_name_in_common() {
    let world = cast::world().calendar("alice/second");
    let text = event("known-17@example.org", "SUMMARY:Talk");
    let mut world = world.calendar("stranger/x");
    for calendar in ["alice/second", "stranger/x"] {
        for (user, level) in [("busy", Level::FreeBusy), ("titles", Level::Titles)] {
            world.grant(GrantEntry { calendar: calendar.into(), user: Some(user.into()), level: Some(level), ..GrantEntry::default() });
        }
    }
    for (owner, path) in [("alice", NAME), ("alice", "alice/second"), ("stranger", "stranger/x")] {
        world.step(path);
        assert_eq!(world.client(owner).put(&format!("/dav/calendars/{path}/known-17.ics"), &text).status, 201);
    }
    for name in ["busy", "titles"] {
        let client = world.client(name);
        // Names, identifiers, tags: every word of six letters and more that is not in each object of the kind.
        let tokens = |calendar: &str| -> std::collections::BTreeSet<Vec<u8>> {
            let path = format!("/dav/calendars/{calendar}/");
            let (href, body) = bodies(&client, &path).pop_first().unwrap();
            let etag = client.get(&href).header("etag").unwrap().to_owned();
            let uid = lines(&body, "UID:").pop().unwrap().replace("UID:", "");
            let id = client.propfind(&href, "0", "<D:resource-id/>").multistatus().remove(&href).unwrap();
            let id = id
                .properties
                .get("resource-id")
                .cloned()
                .unwrap_or_default()
                .replace("<D:href>", "")
                .replace("</D:href>", "")
                .replace("urn:uuid:", "");
            let name = href.rsplit('/').next().unwrap().trim_end_matches(".ics").to_owned();
            [etag.trim_matches('"'), &uid, &id, &name].iter().flat_map(|part| part.as_bytes().windows(6).map(<[u8]>::to_vec)).collect()
        };
        let all = [NAME, "alice/second", "stranger/x"].map(tokens);
        for (one, other) in [(0, 1), (0, 2), (1, 2)] {
            let shared: Vec<_> = all[one].intersection(&all[other]).collect();
            assert!(all[one].len() > 40 && shared.is_empty(), "{name}: {shared:?}");
        }
        let text = plain(&harvest(&world, name));
        assert!(!text.contains("known-17"), "{name}");
    }
}

#[test]
pub fn leak_18_when_it_was_made_and_changed_is_not_told() {
    let with = |stamp: &str, line: &str| vec![("u.ics", event("u", &format!("SUMMARY:Talk\n{line}")).replace("20261101T000000Z", stamp))];
    let plain = with("20261101T000000Z", "");
    for line in ["CREATED:20250101T120000Z", "LAST-MODIFIED:20261030T120000Z", "SEQUENCE:7", "X-MICROSOFT-CDO-APPT-SEQUENCE:3"] {
        alike(&plain, &with("20261031T111213Z", line), &REDUCED);
    }
    let todo = |lines: &str| vec![("t.ics", calendar(&component("VTODO", &format!("UID:t\nDUE:20261104T090000Z\nSUMMARY:Tax\n{lines}"))))];
    alike(&todo("STATUS:COMPLETED"), &todo("STATUS:COMPLETED\nCOMPLETED:20261102T080000Z\nPERCENT-COMPLETE:100"), &REDUCED);
}

#[test]
fn leak_19_places_relations_and_colours_are_details() {
    let more = "RELATED-TO:secret-19\nCATEGORIES:secret-19\nCOLOR:secret-19\nPRIORITY:1\nGEO:52.519;13.408\nURL:https://x.example/secret-19\n\
                ATTACH:https://x.example/secret-19\nCOMMENT:secret-19\nRESOURCES:secret-19\nREFID:secret-19\nLINK;VALUE=URI;LINKREL=x:https://x.example/secret-19\n\
                CONCEPT:https://x.example/secret-19\nX-APPLE-TRAVEL-DURATION;VALUE=DURATION:PT45M\nX-APPLE-STRUCTURED-LOCATION;VALUE=URI:geo:1,2";
    met_by(&[("u.ics", event("u", &format!("SUMMARY:Talk\n{more}")))], &["secret-19", "52.519", "PRIORITY", "PT45M", "geo:1,2"], &FULL);
    // A place stands beside the title where the share says so, and nowhere else below details.
    let with_places: Vec<&str> = FULL.into_iter().chain(["places"]).collect();
    met_by(&[("u.ics", event("u", "SUMMARY:Talk\nLOCATION:secret-19"))], &["secret-19"], &with_places);
    met_by(&[("u.ics", event("u", "SUMMARY:Talk\nCLASS:PRIVATE\nLOCATION:secret-19"))], &["secret-19"], &["alice", "delegate"]);
}

#[test]
fn leak_20_how_a_client_writes_does_not_show() {
    let lines = ["SUMMARY:Talk of the day that is long enough to be folded by whoever folds at all", "STATUS:CONFIRMED", "TRANSP:OPAQUE"];
    let one = event("u", &lines.join("\n"));
    let mut turned = lines;
    turned.reverse();
    let other = event("u", &turned.join("\n"));
    let folded = one.replace("long enough", "lo\r\n ng en\r\n\tough");
    let small = one.replace("SUMMARY", "Summary").replace("STATUS:CONFIRMED", "status:confirmed").replace("BEGIN:VEVENT", "begin:vevent");
    let feeds = one.replace("\r\n", "\n");
    for other in [other, folded, small, feeds] {
        alike(&[("u.ics", one.clone())], &[("u.ics", other)], &REDUCED);
    }
    let comma = |text: &str| vec![("u.ics", event("u", &format!("SUMMARY:{text}")))];
    alike(&comma("a\\;b\\, c\\nd"), &comma("a;b, c\\Nd"), &REDUCED);
}
