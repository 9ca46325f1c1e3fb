//! The examples of RFC 7953 §5.1, and how several VAVAILABILITY weigh against each other.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::*;
use crate::date_time::{format_utc, parse_utc};
use proptest::prelude::*;

fn availability(lines: &str) -> Availability {
    let lines: String = lines.lines().map(|line| format!("{}\r\n", line.trim())).collect();
    let text = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\nBEGIN:VAVAILABILITY\r\nUID:a\r\nDTSTAMP:20111005T133225Z\r\n\
         {lines}END:VAVAILABILITY\r\nEND:VCALENDAR\r\n"
    );
    let object = CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap();
    Availability::of(&object).pop().unwrap()
}

/// An AVAILABLE part.
fn part(uid: &str, lines: &str) -> String {
    format!("BEGIN:AVAILABLE\nUID:{uid}\nDTSTAMP:20111005T133225Z\nSUMMARY:x\nLOCATION:y\n{lines}\nEND:AVAILABLE\n")
}

/// When they make unavailable, as `type start/end` in UTC.
fn told(all: &[Availability], start: &str, end: &str) -> Vec<String> {
    let window = TimeRange { start: parse_utc(start), end: parse_utc(end) };
    let within = all.iter().filter_map(|one| one.within(&window, &Zone::utc(), &ExpansionLimits::default()));
    combine(within).iter().map(|p| format!("{:?} {}/{}", p.busy_type, format_utc(p.start), format_utc(p.end))).collect()
}

fn office_hours(more: &str) -> Availability {
    let hours = "DTSTART;TZID=America/Montreal:20111002T080000\nDTEND;TZID=America/Montreal:20111002T180000\n\
                 RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR";
    availability(&format!("DTSTART;TZID=America/Montreal:20111002T000000\n{more}{}", part("h", hours)))
}

/// RFC 7953 §5.1.1: Monday is the seventh of November, and Montreal is five hours behind.
#[test]
fn whoever_says_when_he_is_available_is_unavailable_otherwise() {
    assert_eq!(
        told(&[office_hours("")], "20111107T050000Z", "20111108T050000Z"),
        ["Unavailable 20111107T050000Z/20111107T130000Z", "Unavailable 20111107T230000Z/20111108T050000Z"]
    );
    assert_eq!(told(&[office_hours("")], "20110101T000000Z", "20110201T000000Z"), Vec::<String>::new(), "before it begins");
    assert_eq!(told(&[], "20110101T000000Z", "20110201T000000Z"), Vec::<String>::new());
}

/// RFC 7953 §5.1.2: a week in Denver outweighs the hours of the office in Montreal.
#[test]
fn a_higher_priority_has_the_last_word_where_it_holds() {
    let denver = "DTSTART;TZID=America/Denver:20111023T080000\nDTEND;TZID=America/Denver:20111023T180000\n\
                  RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR";
    let denver = availability(&format!(
        "DTSTART;TZID=America/Denver:20111023T000000\nDTEND;TZID=America/Denver:20111030T000000\nPRIORITY:1\n{}",
        part("d", denver)
    ));
    for all in [vec![office_hours(""), denver.clone()], vec![denver.clone(), office_hours("")]] {
        assert_eq!(
            told(&all, "20111024T040000Z", "20111025T040000Z"),
            ["Unavailable 20111024T040000Z/20111024T140000Z", "Unavailable 20111025T000000Z/20111025T040000Z"]
        );
        // The week after, the office again.
        assert_eq!(told(&all, "20111101T130000Z", "20111101T210000Z"), Vec::<String>::new());
    }
    // A holiday within the week, although the office and Denver are open.
    let holiday = availability("DTSTART:20111025T000000Z\nDTEND:20111026T000000Z\nPRIORITY:1\nBUSYTYPE:BUSY");
    assert_eq!(told(&[office_hours(""), holiday], "20111025T120000Z", "20111025T180000Z"), ["Busy 20111025T120000Z/20111025T180000Z"]);
}

#[test]
fn of_one_priority_the_strongest_type_stands_and_each_frees() {
    let of = |more: &str| availability(&format!("DTSTART:20111107T000000Z\nDTEND:20111107T100000Z\n{more}"));
    let open = part("o", "DTSTART:20111107T040000Z\nDTEND:20111107T060000Z");
    let all = [of("BUSYTYPE:BUSY-TENTATIVE"), of(&format!("PRIORITY:0\n{open}"))];
    let both = ["Unavailable 20111107T000000Z/20111107T040000Z", "Unavailable 20111107T060000Z/20111107T100000Z"];
    assert_eq!(told(&all, "20111107T000000Z", "20111108T000000Z"), both);
    let tentative = of("BUSYTYPE:BUSY-TENTATIVE\nPRIORITY:9");
    assert_eq!(
        told(&[of(""), tentative], "20111107T000000Z", "20111108T000000Z"),
        ["Tentative 20111107T000000Z/20111107T100000Z"],
        "9 is more than none"
    );
    let unknown = of("BUSYTYPE:X-SLEEP");
    assert_eq!(told(&[unknown], "20111107T000000Z", "20111107T010000Z"), ["Busy 20111107T000000Z/20111107T010000Z"]);
}

#[test]
fn without_a_beginning_or_an_end_it_holds_for_ever_and_parts_are_overridden() {
    let weekly = part("w", "DTSTART:20111107T090000Z\nDURATION:PT3H\nRRULE:FREQ=WEEKLY");
    let moved = part("w", "RECURRENCE-ID:20111114T090000Z\nDTSTART:20111114T120000Z\nDTEND:20111114T170000Z");
    let whole = availability(&format!("{weekly}{moved}"));
    assert_eq!(
        told(std::slice::from_ref(&whole), "20111114T000000Z", "20111115T000000Z"),
        ["Unavailable 20111114T000000Z/20111114T120000Z", "Unavailable 20111114T170000Z/20111115T000000Z"]
    );
    assert_eq!(
        told(&[whole], "20111107T080000Z", "20111107T130000Z"),
        ["Unavailable 20111107T080000Z/20111107T090000Z", "Unavailable 20111107T120000Z/20111107T130000Z"]
    );
    let ends = availability(&format!("DTEND:20111107T100000Z\n{weekly}"));
    assert_eq!(
        told(&[ends], "20111107T080000Z", "20111107T130000Z"),
        ["Unavailable 20111107T080000Z/20111107T090000Z"],
        "what reaches beyond the end is cut off"
    );
    let for_a_day = availability("DTSTART:20111107T100000Z\nDURATION:P1D");
    assert_eq!(told(&[for_a_day], "20111101T000000Z", "20111201T000000Z"), ["Unavailable 20111107T100000Z/20111108T100000Z"]);
}

/// Nobody is free by a part that is no series, or by one with more instances than can be listed.
#[test]
fn what_cannot_be_told_frees_nobody() {
    let twice = part("p", "DTSTART:20111107T000000Z\nDURATION:PT1H").repeat(2);
    let odd = availability(&format!("DTSTART:20111107T000000Z\nDTEND:20111108T000000Z\n{twice}"));
    assert_eq!(told(&[odd], "20111107T000000Z", "20111109T000000Z"), ["Unavailable 20111107T000000Z/20111108T000000Z"]);
    let hourly = part("h", "DTSTART:20111107T000000Z\nDURATION:PT1M\nRRULE:FREQ=HOURLY");
    let hourly = availability(&format!("DTSTART:20111107T000000Z\n{hourly}"));
    let few = ExpansionLimits { instances_max: 5, ..ExpansionLimits::default() };
    let window = TimeRange { start: parse_utc("20111107T000000Z"), end: parse_utc("20111108T000000Z") };
    let told = hourly.within(&window, &Zone::utc(), &few).unwrap();
    assert_eq!((told.free.len(), combine([told]).len()), (0, 1));
    assert!(hourly.within(&window, &Zone::utc(), &ExpansionLimits::default()).is_some_and(|told| told.free.len() == 24));
}

/// A megabyte with nine hundred parts beside a long definition of their zone took minutes and gigabytes: each part was read
/// with a copy of the definition.
#[test]
fn many_parts_share_one_definition_of_their_zone() {
    let padding = format!("X-PAD:{}\r\n", "x".repeat(70)).repeat(12_000);
    let zone = format!(
        "BEGIN:VTIMEZONE\r\nTZID:Office\r\n{padding}BEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0117\r\n\
         TZOFFSETTO:+0117\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    );
    let parts: String = (0..900).map(|n| part(&n.to_string(), "DTSTART;TZID=Office:20111107T091700\nDURATION:PT1H")).collect();
    let text = format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-\n{zone}BEGIN:VAVAILABILITY\nUID:a\nDTSTART:20111107T080000Z\n{parts}END:VAVAILABILITY\n\
         END:VCALENDAR\n"
    );
    let object = CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap();
    let all = Availability::of(&object);
    let bytes: usize = all.iter().flat_map(|one| &one.available).map(|part| part.text().len()).sum();
    assert!(bytes < 900 * 200, "{bytes}");
    assert_eq!(told(&all, "20111107T000000Z", "20111107T100000Z"), ["Unavailable 20111107T090000Z/20111107T100000Z"]);
}

#[test]
fn other_objects_say_nothing_of_availability() {
    let text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20111107T000000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let event = CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap();
    assert!(Availability::of(&event).is_empty());
}

proptest! {
    /// Minute by minute, as RFC 7953 §4 tells it: by rising priority, held time is set busy and then freed.
    #[test]
    fn combining_is_painting_minute_by_minute(all in prop::collection::vec(
        (0..3_u8, 0..30_i64, 1..20_i64, prop::sample::select(vec![BusyType::Tentative, BusyType::Unavailable, BusyType::Busy]),
         prop::collection::vec((0..40_i64, 1..8_i64), 0..3)), 0..6)) {
        let at = |minute: i64| parse_utc("20111107T000000Z").unwrap() + chrono::TimeDelta::minutes(minute);
        let mut painted: Vec<Option<BusyType>> = vec![None; 64];
        for weight in 0..3_u8 {
            let level: Vec<_> = all.iter().filter(|one| one.0 == weight).collect();
            for (minute, paint) in (0_i64..).zip(painted.iter_mut()) {
                let held = level.iter().filter(|(_, start, length, ..)| (*start..start + length).contains(&minute)).map(|one| one.3).max();
                if held.is_some() {
                    *paint = held;
                }
                // A part counts as far as its own VAVAILABILITY holds.
                let frees = |(_, start, length, _, free): &&&(u8, i64, i64, BusyType, Vec<(i64, i64)>)| {
                    (*start..start + length).contains(&minute) && free.iter().any(|(from, length)| (*from..from + length).contains(&minute))
                };
                if level.iter().any(|one| frees(&one)) {
                    *paint = None;
                }
            }
        }
        let unavailable = all.iter().map(|(weight, start, length, busy_type, free)| Unavailable {
            weight: *weight,
            whole: BusyPeriod { start: at(*start), end: at(start + length), busy_type: *busy_type },
            free: free.iter().map(|(from, long)| (at(*from.max(start)), at((from + long).min(start + length)))).filter(|(a, b)| a < b).collect(),
        });
        let combined = combine(unavailable.collect::<Vec<_>>());
        for (minute, paint) in (0_i64..).zip(&painted) {
            let found: Vec<_> = combined.iter().filter(|p| p.start <= at(minute) && at(minute) < p.end).map(|p| p.busy_type).collect();
            prop_assert_eq!(found, paint.iter().copied().collect::<Vec<_>>(), "minute {}", minute);
        }
    }
}
