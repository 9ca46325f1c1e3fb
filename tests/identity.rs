//! What names and ids stand for: nothing comes back under an old name, nothing is the same thing in two calendars, and what
//! is copied takes its privacy along and leaves behind what was somebody's own.

use crate::harness::cast;
use crate::harness::client::{NAMESPACES, inner};
use crate::harness::{Client, World};
use crate::no_write::{ALARM, event, set_properties, with_alarm};
use acl::Level;
use acl::level::GrantPrivateEvents;
use std::collections::{BTreeMap, BTreeSet};
use storage::administration::{CalendarEntry, GrantEntry, UserEntry};

const WORK: &str = "/dav/calendars/alice/work/";
const MEETING: &str = "DTSTART:20261103T090000Z\nDTEND:20261103T100000Z\nSUMMARY:Review\nDESCRIPTION:Agenda";

fn mount_of(client: &Client) -> Option<String> {
    client.members(&format!("/dav/calendars/{}/", client.user)).into_iter().find(|href| !href.ends_with("/default/"))
}

fn bodies(client: &Client, path: &str) -> BTreeMap<String, String> {
    client.members(path).into_iter().map(|href| (href.clone(), client.get(&href).body)).collect()
}

#[test]
fn a_calendar_made_again_under_its_old_name_inherits_nothing() {
    let mut world = World::new().user("alice").user("bob").user("carol").calendar("alice/work");
    world.grant(GrantEntry {
        calendar: "alice/work".into(),
        user: Some("bob".into()),
        level: Some(Level::Titles),
        ..GrantEntry::default()
    });
    world.grant(GrantEntry { calendar: "alice/work".into(), everyone: Some(true), level: Some(Level::FreeBusy), ..GrantEntry::default() });
    let (alice, bob, carol) = (world.client("alice"), world.client("bob"), world.client("carol"));
    assert_eq!(alice.put(&format!("{WORK}one.ics"), &event("one", MEETING)).status, 201);
    set_properties(&alice, WORK, "<O:note xmlns:O=\"urn:own\">hers</O:note><D:displayname>Old</D:displayname>");
    let mount = mount_of(&bob).unwrap();
    set_properties(&bob, &mount, "<D:displayname>his</D:displayname>");
    let (old_names, old_token) = (bodies(&bob, &mount), bob.sync_token(&mount));
    let (own_token, home_token) = (alice.sync_token(WORK), bob.sync_token("/dav/calendars/bob/"));
    assert_eq!(carol.propfind(WORK, "0", "<D:owner/>").status, 207);

    assert_eq!(alice.delete(WORK).status, 204);
    assert_eq!(alice.send("MKCALENDAR", WORK, &[], "").status, 201);
    assert_eq!(alice.put(&format!("{WORK}one.ics"), &event("one", MEETING)).status, 201);
    assert_eq!((bob.propfind(WORK, "0", "<D:owner/>").status, carol.propfind(WORK, "0", "<D:owner/>").status), (404, 404), "no grant");
    assert_eq!((mount_of(&bob), bob.get(&mount).status), (None, 404), "no mount");
    let note = alice.propfind(WORK, "0", "<O:note xmlns:O=\"urn:own\"/><D:displayname/>").multistatus().remove(WORK).unwrap();
    assert_eq!((note.properties.get("note"), note.properties.get("displayname").map(String::as_str) == Some("Old")), (None, false));
    let (_, removed, _) = bob.sync("/dav/calendars/bob/", &home_token).expect("his home is the same");
    assert_eq!(removed, std::slice::from_ref(&mount));

    world.grant(GrantEntry {
        calendar: "alice/work".into(),
        user: Some("bob".into()),
        level: Some(Level::Titles),
        ..GrantEntry::default()
    });
    let again = mount_of(&bob).unwrap();
    assert_ne!(again, mount, "another calendar has another name in his home");
    let shown = bob.propfind(&again, "0", "<D:displayname/>").multistatus().remove(&again).unwrap();
    assert_ne!(shown.properties["displayname"], "his");
    let new_names = bodies(&bob, &again);
    let segments =
        |bodies: &BTreeMap<String, String>| bodies.keys().map(|href| href.rsplit('/').next().unwrap().to_owned()).collect::<BTreeSet<_>>();
    assert!(segments(&new_names).is_disjoint(&segments(&old_names)));
    for (client, path, token) in [(&bob, again.as_str(), &old_token), (&bob, WORK, &old_token), (&alice, WORK, &own_token)] {
        let refused = client.sync(path, token).expect_err("a token of the calendar before");
        assert!(refused.status == 403 && refused.body.contains("valid-sync-token"), "{}", refused.body);
    }
    assert_eq!(world.faults(), Vec::<String>::new());
}

#[test]
fn a_person_or_group_of_the_same_name_is_another() {
    let mut world = World::new().user("alice").user("bob").user("carol").group("team", &["carol"]).calendar("alice/work");
    let alice = world.client("alice");
    assert_eq!(alice.put(&format!("{WORK}one.ics"), &with_alarm(&event("one", MEETING), "alice")).status, 201);
    for (user, group) in [(Some("bob"), None), (None, Some("team"))] {
        world.grant(GrantEntry {
            calendar: "alice/work".into(),
            user: user.map(str::to_owned),
            group: group.map(str::to_owned),
            level: Some(Level::Edit),
            ..GrantEntry::default()
        });
    }
    let bob = world.client("bob");
    let mount = mount_of(&bob).unwrap();
    assert_eq!(bob.put(&format!("{mount}one.ics"), &with_alarm(&event("one", MEETING), "bob")).status, 204);
    assert_eq!(bob.put("/dav/calendars/bob/default/own.ics", &event("own", MEETING)).status, 201);
    set_properties(&bob, &mount, "<D:displayname>his</D:displayname>");
    let token = bob.sync_token(&mount);

    let administration = world.store.administration();
    administration.remove_user("bob").unwrap();
    administration.remove_group("team").unwrap();
    administration.add_user(&UserEntry { name: "bob".into(), ..UserEntry::default() }).unwrap();
    administration.add_group("team").unwrap();
    administration.add_members("team", &["carol".to_owned()]).unwrap();
    assert_eq!(bob.propfind("/dav/calendars/bob/", "1", "<D:owner/>").status, 404, "who was removed is nobody");
    for name in ["bob", "carol"] {
        let client = world.client(name);
        assert_eq!((client.get(WORK).status, client.get(&mount).status, mount_of(&client)), (404, 404, None), "{name}");
        assert_eq!(client.propfind("/dav/principals/users/alice/", "0", "").status, 404, "{name}");
    }
    let bob = world.client("bob");
    assert_eq!(bob.members("/dav/calendars/bob/default/"), Vec::<String>::new());
    world.grant(GrantEntry { calendar: "alice/work".into(), user: Some("bob".into()), level: Some(Level::Edit), ..GrantEntry::default() });
    let again = mount_of(&bob).unwrap();
    assert_ne!(again, mount);
    let shown = bob.propfind(&again, "0", "<D:displayname/>").multistatus().remove(&again).unwrap();
    assert_ne!(shown.properties["displayname"], "his");
    assert!(!bob.get(&format!("{again}one.ics")).body.contains("VALARM"), "not his alarm");
    assert_eq!(bob.sync(&again, &token).expect_err("another's token").status, 403);
    assert!(alice.get(&format!("{WORK}one.ics")).body.contains(&ALARM.replace("WHOSE", "alice")));
    assert_eq!(world.faults(), Vec::<String>::new());
}

/// Two calendars that hold the same meetings share nothing but the time: not a name, not a UID, not a tag.
#[test]
fn the_same_meeting_in_two_calendars_cannot_be_told_by_anything_but_its_time() {
    // What alice declined counts for carol.
    let declined = |item: &cast::Item| item.model.components().iter().any(|component| component.declined);
    let items: Vec<cast::Item> = cast::items(21, 1, 40).into_iter().filter(|item| !declined(item)).collect();
    let mut world = World::new().user("alice").user("carol").user("bob").calendar("alice/work").calendar("carol/work");
    for level in [Level::FreeBusy, Level::Titles] {
        for owner in ["alice", "carol"] {
            let calendar = format!("{owner}/work");
            world.grant(GrantEntry { calendar, user: Some("bob".into()), level: Some(level), ..GrantEntry::default() });
            let client = world.client(owner);
            for item in &items {
                let path = format!("/dav/calendars/{owner}/work/{}", item.name);
                assert!([201, 204].contains(&client.put(&path, &item.text).status));
            }
        }
        let bob = world.client("bob");
        let shown = |owner: &str| {
            let path = format!("/dav/calendars/{owner}/work/");
            let tags = bob.etags(&path);
            let mut words = BTreeSet::new();
            let mut times = Vec::new();
            for (href, tag) in &tags {
                let body = bob.get(href).body.replace("\r\n ", "");
                let uid = |line: &&str| line.starts_with("UID:");
                words.extend(body.lines().filter(uid).map(str::to_owned));
                words.extend([href.rsplit('/').next().unwrap().to_owned(), tag.clone()]);
                times.push(body.lines().filter(|line| !uid(line)).map(str::to_owned).collect::<Vec<_>>());
            }
            words.insert(bob.sync_token(&path));
            let ids = bob.propfind(&path, "1", "<D:resource-id/>").multistatus();
            words
                .extend(ids.into_values().map(|member| inner(&member.properties["resource-id"], "href").unwrap().replace("urn:uuid:", "")));
            times.sort();
            (words, times)
        };
        let ((alice, hers), (carol, theirs)) = (shown("alice"), shown("carol"));
        assert!(hers.len() > 10 && hers == theirs, "the same times");
        assert!(alice.is_disjoint(&carol), "{:?}", alice.intersection(&carol).collect::<Vec<_>>());
        let short = |words: &BTreeSet<String>| {
            let letters = words.iter().flat_map(|word| word.as_bytes().windows(10).map(<[u8]>::to_vec).collect::<Vec<_>>());
            letters.filter(|part| !part.starts_with(b"UID:") && part.iter().any(u8::is_ascii_digit)).collect::<BTreeSet<_>>()
        };
        assert!(short(&alice).is_disjoint(&short(&carol)), "no part of a word either");
        println!("{level:?}: {} objects in two calendars, {} words of each", hers.len(), alice.len());
    }
}

/// A delegate copies a private event into his own calendar, which he shares: it stays private there.
#[test]
fn leak_60_a_copy_takes_its_privacy_along_and_leaves_what_is_personal() {
    let mut world = World::new().user("alice").user("bob").user("carol").calendar("alice/work").calendar("alice/home").calendar("bob/own");
    let show = Some(GrantPrivateEvents::Show);
    let to = |calendar: &str, user: &str, level| GrantEntry {
        calendar: calendar.into(),
        user: Some(user.into()),
        level: Some(level),
        ..GrantEntry::default()
    };
    world.grant(GrantEntry { private_events: show, ..to("alice/work", "bob", Level::EditDelete) });
    for calendar in ["bob/own", "alice/home"] {
        world.grant(to(calendar, "carol", Level::Details));
    }
    // Privacy by the server's record alone: the line is gone from what is stored.
    let entry = CalendarEntry {
        owner: "alice".into(),
        name: "work".into(),
        default_privacy: Some(acl::EventPrivacy::Private),
        ..CalendarEntry::default()
    };
    world.set_calendar(entry);
    let (alice, bob, carol) = (world.client("alice"), world.client("bob"), world.client("carol"));
    let body = event("gift", MEETING);
    for number in 0..4 {
        let path = format!("{WORK}gift-{number}.ics");
        assert_eq!(alice.put(&path, &with_alarm(&body.replace("gift", &format!("gift-{number}")), "alice")).status, 201);
        set_properties(&alice, &path, "<O:note xmlns:O=\"urn:own\">hers</O:note>");
    }
    let send = |client: &Client, method: &str, from: &str, to: &str| {
        let answer = client.send(method, &format!("{WORK}{from}.ics"), &[("destination", to)], "");
        assert_eq!(answer.status, 201, "{method} {from}: {}", answer.body);
    };
    send(&bob, "COPY", "gift-0", "/dav/calendars/bob/own/copied.ics");
    send(&bob, "MOVE", "gift-1", "/dav/calendars/bob/own/moved.ics");
    send(&alice, "COPY", "gift-2", "/dav/calendars/alice/home/copied.ics");
    send(&alice, "MOVE", "gift-3", "/dav/calendars/alice/home/moved.ics");
    for path in ["/dav/calendars/bob/own/", "/dav/calendars/alice/home/"] {
        let shown = bodies(&carol, path);
        assert_eq!(shown.len(), 2);
        for (href, body) in shown {
            assert!(body.contains("SUMMARY:Private event") && !body.contains("Review") && !href.contains("ed.ics"), "{href}\n{body}");
        }
    }
    for (href, body) in bodies(&bob, "/dav/calendars/bob/own/") {
        assert!(body.contains("SUMMARY:Review") && !body.contains("VALARM"), "{body}");
        let note = bob.propfind(&href, "0", "<O:note xmlns:O=\"urn:own\"/>").multistatus().remove(&href).unwrap();
        assert_eq!(note.properties.get("note"), None);
    }
    assert!(!alice.get("/dav/calendars/alice/home/copied.ics").body.contains("VALARM"));
    assert!(alice.get("/dav/calendars/alice/home/moved.ics").body.contains("DESCRIPTION:alice"), "her own alarm goes where her event goes");
    assert_eq!(world.faults(), Vec::<String>::new());
}

/// A new object of the owner's whose UID was private in one of her calendars stays private, where no CLASS says otherwise.
#[test]
fn a_private_event_put_again_without_its_class_is_still_private() {
    let world = World::new().user("alice").user("bob").calendar("alice/work").calendar("alice/other");
    let world = world.share("alice/work", "bob", Level::Details).share("alice/other", "bob", Level::Details);
    let (alice, bob) = (world.client("alice"), world.client("bob"));
    let other = "/dav/calendars/alice/other/";
    let private = event("gift", &format!("CLASS:PRIVATE\n{MEETING}"));
    assert_eq!(alice.put(&format!("{WORK}gift.ics"), &private).status, 201);
    // A client that moves by PUT and DELETE, and knows nothing of CLASS.
    assert_eq!(alice.put(&format!("{other}gift.ics"), &event("gift", MEETING)).status, 201);
    assert_eq!(alice.delete(&format!("{WORK}gift.ics")).status, 204);
    // And back, when the event is nowhere else any more.
    assert_eq!(alice.delete(&format!("{other}gift.ics")).status, 204);
    assert_eq!(alice.put(&format!("{WORK}again.ics"), &event("gift", MEETING)).status, 201);
    assert_eq!(alice.put(&format!("{WORK}plain.ics"), &event("plain", MEETING)).status, 201);
    let shown: Vec<String> = bodies(&bob, WORK).into_values().collect();
    assert_eq!(shown.iter().filter(|body| body.contains("Review")).count(), 1, "the plain one alone: {shown:?}");
    // Without CLASS in a PUT over it the record stays, and no tag is returned where a line was put back.
    let over = alice.put(&format!("{WORK}again.ics"), &event("gift", &MEETING.replace("Review", "Surprise")));
    assert_eq!(over.status, 204);
    assert!(!bodies(&bob, WORK).into_values().any(|body| body.contains("Surprise")));
    // By name: CLASS:PUBLIC in a PUT that changes nothing else lowers it.
    let body = alice.get(&format!("{WORK}again.ics")).body;
    let open = body.replace("CLASS:PRIVATE\r\n", "").replace("SUMMARY", "CLASS:PUBLIC\r\nSUMMARY");
    let changed = open.replace("Surprise", "Party");
    assert_eq!(alice.put(&format!("{WORK}again.ics"), &changed).status, 204);
    assert!(!bodies(&bob, WORK).into_values().any(|body| body.contains("Party")), "not in a PUT that changes more");
    let body = alice.get(&format!("{WORK}again.ics")).body;
    let open = body.replace("CLASS:PRIVATE\r\n", "").replace("SUMMARY", "CLASS:PUBLIC\r\nSUMMARY");
    assert_eq!(alice.put(&format!("{WORK}again.ics"), &open).status, 204);
    assert!(bodies(&bob, WORK).into_values().any(|body| body.contains("Party")), "alone, it does: {body}\n{open}");
    assert_eq!(world.faults(), Vec::<String>::new());
}

/// The owner may say it in so many words: ACL replaces the grants, and nobody else is asked or told.
#[test]
fn who_is_taken_off_by_acl_is_off_at_once_and_who_stays_keeps_his_end() {
    let mut world = World::new().user("alice").user("bob").user("carol").calendar("alice/work");
    let until = Some(world.now() + chrono::TimeDelta::hours(5));
    let grant = |user: &str| GrantEntry {
        calendar: "alice/work".into(),
        user: Some(user.into()),
        level: Some(Level::Titles),
        ..GrantEntry::default()
    };
    world.grant(GrantEntry { until, ..grant("bob") });
    world.grant(grant("carol"));
    let (alice, bob, carol) = (world.client("alice"), world.client("bob"), world.client("carol"));
    assert_eq!(alice.put(&format!("{WORK}one.ics"), &event("one", MEETING)).status, 201);
    let shown = alice.propfind(WORK, "0", "<D:acl/>");
    assert!(shown.body.contains("/users/bob/") && shown.body.contains("/users/carol/"));
    assert!(!bob.propfind(WORK, "0", "<D:acl/>").body.contains("carol"), "who else it is shared with is the owner's to know");
    let acl = format!(
        "<D:acl {NAMESPACES} xmlns:S=\"{}\"><D:ace><D:principal><D:href>/dav/principals/users/bob/</D:href></D:principal><D:grant><D:privilege><S:read-titles/></D:privilege></D:grant></D:ace></D:acl>",
        webdav::xml::name::SHOJI
    );
    let answer = alice.send("ACL", WORK, &[], &acl);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!((bob.members(WORK).len(), carol.get(WORK).status), (1, 404));
    world.pass(chrono::TimeDelta::hours(6));
    assert_eq!(world.client("bob").get(WORK).status, 404, "his end was kept");
}
