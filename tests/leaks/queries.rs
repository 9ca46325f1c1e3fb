//! What a query could be made to answer about text that is withheld: each is put as an oracle, and answers nobody but who
//! may read what it asks for.

use super::{FULL, NOT_PRIVY, REDUCED, WORK, alike, calendar, component, event, in_events, person, query_body, store, world_of};
use crate::harness::{Client, World};
use std::collections::BTreeSet;

/// How many objects a filter finds for one person.
fn found(client: &Client, filter: &str) -> usize {
    let answer = client.send("REPORT", WORK, &[("depth", "1")], &query_body("", filter));
    assert_eq!(answer.status, 207, "{}: {}", client.user, answer.body);
    answer.multistatus().len()
}

fn prop(name: &str, inside: &str) -> String {
    in_events(&format!("<C:prop-filter name=\"{name}\">{inside}</C:prop-filter>"))
}

fn text(word: &str) -> String {
    format!("<C:text-match>{word}</C:text-match>")
}

/// The people of the cast who can tell two filters apart, in a world of one event.
fn can_tell(world: &World, one: &str, other: &str) -> BTreeSet<&'static str> {
    let people = crate::harness::cast::PEOPLE.iter().filter(|person| person.reaches());
    let tells = people.filter(|person| {
        let client = world.client(person.name);
        found(&client, one) != found(&client, other)
    });
    tells.map(|person| person.name).collect()
}

fn full() -> BTreeSet<&'static str> {
    FULL.into()
}

#[test]
pub fn leak_36_a_hidden_word_cannot_be_spelled_out_by_asking_for_its_beginnings() {
    let world =
        world_of(&[("u.ics", event("u", "CLASS:CONFIDENTIAL\nSUMMARY:cancer\nDESCRIPTION:cancer\nLOCATION:cancer\nCATEGORIES:cancer"))]);
    let spell = |client: &Client, property: &str| {
        let mut word = String::new();
        while word.len() < 6 {
            let next = ('a'..='z').find(|letter| found(client, &prop(property, &text(&format!("{word}{letter}")))) == 1);
            match next {
                Some(letter) => word.push(letter),
                None => break,
            }
        }
        word
    };
    for property in ["SUMMARY", "DESCRIPTION", "LOCATION", "CATEGORIES"] {
        assert_eq!(spell(&world.client("delegate"), property), "ancer", "to whom it is shown it can be spelled out");
        for name in ["busy", "titles", "details", "edit"] {
            let word = spell(&world.client(name), property);
            // A block has a title of its own, and no more than that is found.
            let own = if name == "busy" { "busy" } else { "private event" };
            let found = if property == "SUMMARY" { own.contains(&word) && !word.is_empty() } else { word.is_empty() };
            assert!(found, "{name} {property}: {word}");
        }
    }
}

#[test]
pub fn leak_37_whether_something_is_defined_is_not_told() {
    let world = world_of(&[(
        "u.ics",
        event(
            "u",
            "SUMMARY:Talk\nLOCATION:Oslo\nATTENDEE;PARTSTAT=DECLINED:mailto:bob@example.org\nX-OURS:1\nDESCRIPTION:x\nRELATED-TO:v\nPRIORITY:1",
        ),
    )]);
    for name in ["LOCATION", "ATTENDEE", "X-OURS", "DESCRIPTION", "RELATED-TO", "PRIORITY"] {
        let mut expected = full();
        if name == "LOCATION" {
            expected.insert("places");
        }
        assert_eq!(can_tell(&world, &prop(name, ""), &prop("X-NEVER", "")), expected, "{name}");
        assert_eq!(can_tell(&world, &prop(name, "<C:is-not-defined/>"), &prop("X-NEVER", "<C:is-not-defined/>")), expected, "{name}");
    }
    let declined = "<C:param-filter name=\"PARTSTAT\"><C:text-match>DECLINED</C:text-match></C:param-filter>";
    assert_eq!(can_tell(&world, &prop("ATTENDEE", declined), &prop("ATTENDEE", &text("nobody"))), full());
    let absent = "<C:param-filter name=\"PARTSTAT\"><C:is-not-defined/></C:param-filter>";
    assert!(can_tell(&world, &prop("ATTENDEE", absent), &prop("X-NEVER", "")).is_empty());
}

#[test]
fn leak_38_when_an_alarm_rings_is_its_owners() {
    let alarm = "BEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:x\nTRIGGER:-PT45M\nEND:VALARM\nBEGIN:X-INNER\nX-A:1\nEND:X-INNER";
    let world = world_of(&[("u.ics", event("u", &format!("SUMMARY:Talk\n{alarm}")))]);
    let of = |inside: &str| in_events(&format!("<C:comp-filter name=\"VALARM\">{inside}</C:comp-filter>"));
    let never = in_events("<C:comp-filter name=\"VNEVER\"/>");
    let rings = "<C:time-range start=\"20261103T081000Z\" end=\"20261103T082000Z\"/>";
    for filter in [of(""), of(rings), of("<C:prop-filter name=\"DESCRIPTION\"/>")] {
        assert_eq!(can_tell(&world, &filter, &never), BTreeSet::from(["alice"]), "{filter}");
    }
    let inner = in_events("<C:comp-filter name=\"X-INNER\"/>");
    assert_eq!(can_tell(&world, &inner, &never), full());
    // An instance that is hidden is found at no time.
    let series = super::series(
        "s",
        "SUMMARY:Week\nTRANSP:OPAQUE",
        &["RECURRENCE-ID:20261110T090000Z\nDTSTART:20261112T090000Z\nDURATION:PT1H\nCLASS:PRIVATE\nSUMMARY:secret"],
    );
    let world = world_of(&[("s.ics", series)]);
    let between = |start: &str, end: &str| in_events(&format!("<C:time-range start=\"{start}\" end=\"{end}\"/>"));
    let [old, new] =
        [("20261110T000000Z", "20261111T000000Z"), ("20261112T000000Z", "20261113T000000Z")].map(|(start, end)| between(start, end));
    assert_eq!((found(&world.client("discreet"), &old), found(&world.client("discreet"), &new)), (0, 0));
    assert_eq!((found(&world.client("details"), &old), found(&world.client("details"), &new)), (0, 1));
}

#[test]
pub fn leak_39_no_bisection_finds_when_something_was_written() {
    let times = "CREATED:20261015T120000Z\nLAST-MODIFIED:20261020T120000Z";
    let todo = calendar(&component(
        "VTODO",
        "UID:t\nDUE:20261104T090000Z\nSUMMARY:Tax\nSTATUS:COMPLETED\nCOMPLETED:20261102T070000Z\nCREATED:20261015T120000Z",
    ));
    let world = world_of(&[("u.ics", event("u", &format!("SUMMARY:Talk\n{times}"))), ("t.ics", todo)]);
    let window = |start: &str, end: &str| format!("<C:time-range start=\"{start}\" end=\"{end}\"/>");
    let nothing = window("19900101T000000Z", "19910101T000000Z");
    for (name, start, end) in [
        ("CREATED", "20261015T000000Z", "20261016T000000Z"),
        ("LAST-MODIFIED", "20261020T000000Z", "20261021T000000Z"),
        ("DTSTAMP", "20261101T000000Z", "20261101T000001Z"),
    ] {
        assert_eq!(can_tell(&world, &prop(name, &window(start, end)), &prop(name, &nothing)), full(), "{name}");
    }
    let of_todo =
        |inside: &str| format!("<C:comp-filter name=\"VTODO\"><C:prop-filter name=\"COMPLETED\">{inside}</C:prop-filter></C:comp-filter>");
    assert_eq!(can_tell(&world, &of_todo(&window("20261102T000000Z", "20261103T000000Z")), &of_todo(&nothing)), full());
}

#[test]
fn leak_40_denials_collations_and_alternatives_are_of_what_is_shown() {
    let world = world_of(&[("u.ics", event("u", "SUMMARY:Besprechung \u{DC}BER Geld\nDESCRIPTION:K\u{C4}SE"))]);
    let of = |property: &str, collation: &str, negate: &str, word: &str| {
        prop(property, &format!("<C:text-match collation=\"{collation}\" negate-condition=\"{negate}\">{word}</C:text-match>"))
    };
    for collation in ["i;ascii-casemap", "i;octet", "i;unicode-casemap"] {
        for negate in ["yes", "no"] {
            for word in ["K\u{C4}SE", "k\u{E4}se", "K"] {
                let (this, other) = (of("DESCRIPTION", collation, negate, word), of("DESCRIPTION", collation, negate, "zzz"));
                let tell = can_tell(&world, &this, &other);
                assert!(tell.is_empty() || tell == full(), "{collation} {negate} {word}: {tell:?}");
            }
        }
    }
    let titles = can_tell(&world, &of("SUMMARY", "i;unicode-casemap", "no", "\u{FC}ber"), &of("SUMMARY", "i;octet", "no", "zzz"));
    assert_eq!(titles, full().into_iter().chain(["titles", "places"]).collect());
    let any = |word: &str| {
        format!(
            "<C:comp-filter name=\"VEVENT\" test=\"anyof\"><C:prop-filter name=\"DESCRIPTION\">{}</C:prop-filter><C:prop-filter name=\"LOCATION\"/></C:comp-filter>",
            text(word)
        )
    };
    let tell = can_tell(&world, &any("K"), &any("zzz"));
    assert!(tell.is_empty() || tell == full(), "{tell:?}");
}

#[test]
fn leak_41_a_quote_in_a_filter_is_a_character() {
    let world =
        world_of(&[("u.ics", event("u-41", "SUMMARY:Talk\nCLASS:PRIVATE")), ("v.ics", event("v-41", "SUMMARY:It's 100% (sure) \\\\ *"))]);
    let odd = [
        "x') OR (c_uid like '",
        "' OR '1'='1",
        "%",
        "*",
        "_",
        "\\",
        "\" OR 1=1 --",
        "'; DROP TABLE x; --",
        "${jndi:x}",
        ".*",
        "[a-z]",
        "(",
        "\u{0}",
    ];
    let names: Vec<&str> = NOT_PRIVY.into_iter().filter(|name| person(name).reaches()).collect();
    for name in &names {
        let client = world.client(name);
        let shown: Vec<String> = super::bodies(&client, WORK).into_values().map(|body| super::plain(&body)).collect();
        for property in ["UID", "SUMMARY", "DESCRIPTION", "x') OR (1=1"] {
            for word in odd.iter().filter(|word| !word.contains('\u{0}')) {
                let escaped = word.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
                let answer = client.send("REPORT", WORK, &[("depth", "1")], &query_body("", &prop(property, &text(&escaped))));
                if answer.status != 207 {
                    assert!([400, 403].contains(&answer.status), "{name} {property} {word}: {}", answer.status);
                    continue;
                }
                let value = |body: &String| {
                    let line = body.lines().find_map(|line| line.strip_prefix(property)).unwrap_or_default();
                    ical::content_line::unescape_text(line.split_once(':').map_or("", |(_, value)| value))
                };
                let expected = shown.iter().filter(|body| value(body).to_lowercase().contains(&word.to_lowercase())).count();
                assert_eq!(answer.multistatus().len(), expected, "{name} {property} {word}");
            }
        }
    }
}

#[test]
fn leak_42_rows_come_in_the_order_of_their_shown_names() {
    let objects: Vec<(String, String)> = ["mmm", "aaa", "zzz", "ccc"]
        .iter()
        .map(|name| (format!("{name}.ics"), event(name, &format!("SUMMARY:{name}\nPRIORITY:1"))))
        .collect();
    let objects: Vec<(&str, String)> = objects.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
    let world = world_of(&objects);
    for name in ["busy", "titles", "details", "edit", "alice"] {
        let client = world.client(name);
        let order = |answer: &crate::harness::Answer| -> Vec<String> {
            let all = crate::harness::client::elements(&answer.body, "response");
            all.iter().map(|response| crate::harness::client::inner(response, "href").unwrap()).filter(|href| href != WORK).collect()
        };
        for answer in [
            client.send("REPORT", WORK, &[("depth", "1")], &query_body("", &in_events(""))),
            client.propfind(WORK, "1", "<D:getetag/>"),
            client.send("REPORT", WORK, &[("depth", "0")], &super::sync_body("", None)),
        ] {
            let hrefs = order(&answer);
            let mut sorted = hrefs.clone();
            sorted.sort();
            assert_eq!((hrefs.len(), &hrefs), (4, &sorted), "{name}");
        }
    }
    // Titles do not order what is served without them, nor does when it was stored.
    let titled = |title: &str| vec![("a.ics", event("a", &format!("SUMMARY:{title}"))), ("b.ics", event("b", "SUMMARY:m"))];
    alike(&titled("a"), &titled("z"), &["busy", "assign", "paused", "stranger"]);
}

/// No clock is read here: what makes work is bounded, and what is hidden takes nothing of the bound, so that it neither slows
/// nor cuts an answer.
#[test]
fn leak_43_what_is_hidden_takes_no_part_in_the_work_of_an_answer() {
    let hidden = super::series("z", "SUMMARY:Endless\nCLASS:PRIVATE", &[]).replace("RRULE:FREQ=WEEKLY;COUNT=5", "RRULE:FREQ=HOURLY");
    let talk = super::series("u", "SUMMARY:Talk", &[]);
    let tight = storage::Limits { instances_max: 40, busy_periods_max: 40, ..storage::Limits::default() };
    let few = webdav::Limits { instances_max: 40, ..webdav::Limits::default() };
    let world = |objects: &[(&str, String)]| {
        let mut world = World::with_limits(tight.clone()).user("alice").user("busy").calendar(crate::harness::cast::WORK);
        super::share(&mut world, "busy", acl::Level::Titles, acl::level::GrantPrivateEvents::Hidden);
        store(&world, objects);
        world
    };
    let worlds = [world(&[("u.ics", talk.clone())]), world(&[("u.ics", talk), ("z.ics", hidden)])];
    let [one, other] = worlds.each_ref().map(|world| {
        let client = world.client("busy").with_limits(few);
        let window = super::WINDOW;
        let query = query_body(&format!("<C:expand {window}/>"), &in_events(&format!("<C:time-range {window}/>")));
        [
            client.send("REPORT", WORK, &[("depth", "1")], &query),
            client.free_busy(WORK, "20261101T000000Z", "20270201T000000Z"),
            client.get("/dav/freebusy/alice?start=20261101T000000Z&end=20270201T000000Z"),
            client.get(WORK),
        ]
    });
    assert_eq!(one, other);
    assert!(one[0].status == 207 && one[1].status == 200, "{one:#?}");
    let owner = worlds[1].client("alice").with_limits(few).free_busy(WORK, "20261101T000000Z", "20270201T000000Z");
    assert_ne!(owner.body, one[1].body, "to her the bound makes a difference");
    assert_eq!(REDUCED.len() + FULL.len(), crate::harness::cast::PEOPLE.len());
}
