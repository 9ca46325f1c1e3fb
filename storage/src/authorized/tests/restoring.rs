//! Stories of what comes back of a series whose exceptions differ in privacy.

use super::history::{faults, restore, told};
use super::world::*;
use crate::{Directory, Limits};
use acl::Level;

/// A series on three days: its first exception as given, its second private.
fn series(first: Option<&str>) -> String {
    let component = |day: u32, lines: &[&str]| {
        event("s", 10, "Series", lines).replace("202611100", "20261110").replace("20261110T", &format!("202611{day}T"))
    };
    let part = |text: String| {
        text.split("BEGIN:VEVENT").nth(1).unwrap().split("END:VCALENDAR").next().map(|part| format!("BEGIN:VEVENT{part}")).unwrap()
    };
    let mut text = event("s", 10, "Series", &["RRULE:FREQ=DAILY;COUNT=3"]).replace("END:VCALENDAR\r\n", "");
    if let Some(class) = first {
        text += &part(component(11, &["RECURRENCE-ID:20261111T100000Z", "DESCRIPTION:Therapy", class]));
    }
    text += &part(component(12, &["RECURRENCE-ID:20261112T100000Z", "CLASS:PRIVATE"]));
    text + "END:VCALENDAR\r\n"
}

/// One exception was marked private in a version between and is gone in the present one; another was private all along, so that
/// the object as a whole was as strict as ever.
#[test]
fn an_exception_that_was_marked_private_meanwhile_does_not_come_back_open() {
    let limits = Limits { versions_max: 4, ..Limits::default() };
    for gap in [false, true] {
        let world = World::with(limits.clone(), Directory::Related).users(&["alice", "bob", "carol"]);
        world.share("alice/work", "bob", Level::Details);
        world.grant("alice/work", world.grantee("carol"), Level::Edit, |grant| {
            grant.private_events = Some(acl::level::GrantPrivateEvents::Show);
        });
        let (alice, bob, carol) = (world.at("alice", "alice/work"), world.at_mount("bob"), world.at_mount("carol"));
        let shown = || bob.names().into_iter().map(|name| bob.get(&name).unwrap()).collect::<String>();
        alice.put("s.ics", &series(Some("X-OPEN:yes"))).unwrap();
        assert!(shown().contains("Therapy"));
        if gap {
            carol.put("s.ics", &series(Some("X-OPEN:yes")).replace("SUMMARY:Series", "SUMMARY:By Carol")).unwrap();
        }
        alice.put("s.ics", &series(Some("CLASS:PRIVATE"))).unwrap();
        assert!(!shown().contains("Therapy"));
        alice.put("s.ics", &series(None)).unwrap();
        for round in 0..if gap { 4 } else { 0 } {
            alice.put("s.ics", &series(None).replace("SUMMARY:Series", &format!("SUMMARY:Round {round}"))).unwrap();
        }
        let kept: Vec<u64> = told(&world, "s.ics").into_iter().map(|(number, ..)| number).collect();
        assert_eq!((kept.contains(&1), kept.contains(&3)), (true, !gap), "{kept:?}");
        restore(&world, "s.ics", Some(1)).unwrap();
        assert!(alice.get("s.ics").unwrap().contains("Therapy"));
        assert!(!shown().contains("Therapy"), "{gap} {}", shown());
        assert!(!shown().is_empty(), "the series itself is as open as it was");
        assert_eq!(faults(&world), Vec::<String>::new());
    }
}
