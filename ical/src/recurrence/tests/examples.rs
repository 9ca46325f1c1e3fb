//! The recurrence rules shown in RFC 5545 §3.8.5.3, their dates, and a few that implementations often miss.

use super::{event, starts};
use crate::date_time::format_utc;
use crate::recurrence::{ExpansionLimits, rule_has_slot, rule_slots};

/// DTSTART (in New York), rule, the first dates it yields (`*` at the end: and more follow).
const EXAMPLES: &[(&str, &str, &str)] = &[
    ("19970902T090000", "FREQ=DAILY;COUNT=10", "1997: 9/2-11"),
    ("19970902T090000", "FREQ=DAILY;UNTIL=19971224T000000Z", "1997: 9/2-30 10/1-31 11/1-30 12/1-23"),
    ("19970902T090000", "FREQ=DAILY;INTERVAL=2", "1997: 9/2 9/4 9/6 9/8 9/10 9/12 *"),
    ("19970902T090000", "FREQ=DAILY;INTERVAL=10;COUNT=5", "1997: 9/2 9/12 9/22 10/2 10/12"),
    (
        "19980101T090000",
        "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
        "1998: 1/1-31 1999: 1/1-31 2000: 1/1-31",
    ),
    ("19980101T090000", "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1", "1998: 1/1-31 1999: 1/1-31 2000: 1/1-31"),
    ("19970902T090000", "FREQ=WEEKLY;COUNT=10", "1997: 9/2 9/9 9/16 9/23 9/30 10/7 10/14 10/21 10/28 11/4"),
    (
        "19970902T090000",
        "FREQ=WEEKLY;UNTIL=19971224T000000Z",
        "1997: 9/2 9/9 9/16 9/23 9/30 10/7 10/14 10/21 10/28 11/4 11/11 11/18 11/25 12/2 12/9 12/16 12/23",
    ),
    ("19970902T090000", "FREQ=WEEKLY;INTERVAL=2;WKST=SU", "1997: 9/2 9/16 9/30 10/14 10/28 11/11 11/25 12/9 12/23 1998: 1/6 1/20 *"),
    ("19970902T090000", "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH", "1997: 9/2 9/4 9/9 9/11 9/16 9/18 9/23 9/25 9/30 10/2"),
    ("19970902T090000", "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", "1997: 9/2 9/4 9/9 9/11 9/16 9/18 9/23 9/25 9/30 10/2"),
    (
        "19970901T090000",
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
        "1997: 9/1 9/3 9/5 9/15 9/17 9/19 9/29 10/1 10/3 10/13 10/15 10/17 10/27 10/29 10/31 11/10 11/12 11/14 11/24 11/26 11/28 12/8 12/10 12/12 12/22",
    ),
    ("19970902T090000", "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", "1997: 9/2 9/4 9/16 9/18 9/30 10/2 10/14 10/16"),
    ("19970905T090000", "FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "1997: 9/5 10/3 11/7 12/5 1998: 1/2 2/6 3/6 4/3 5/1 6/5"),
    ("19970905T090000", "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR", "1997: 9/5 10/3 11/7 12/5"),
    ("19970907T090000", "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU", "1997: 9/7 9/28 11/2 11/30 1998: 1/4 1/25 3/1 3/29 5/3 5/31"),
    ("19970922T090000", "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", "1997: 9/22 10/20 11/17 12/22 1998: 1/19 2/16"),
    ("19970928T090000", "FREQ=MONTHLY;BYMONTHDAY=-3", "1997: 9/28 10/29 11/28 12/29 1998: 1/29 2/26 *"),
    ("19970902T090000", "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15", "1997: 9/2 9/15 10/2 10/15 11/2 11/15 12/2 12/15 1998: 1/2 1/15"),
    ("19970930T090000", "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1", "1997: 9/30 10/1 10/31 11/1 11/30 12/1 12/31 1998: 1/1 1/31 2/1"),
    ("19970910T090000", "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15", "1997: 9/10-15 1999: 3/10-13"),
    ("19970902T090000", "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU", "1997: 9/2 9/9 9/16 9/23 9/30 11/4 11/11 11/18 11/25 1998: 1/6 *"),
    (
        "19970610T090000",
        "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
        "1997: 6/10 7/10 1998: 6/10 7/10 1999: 6/10 7/10 2000: 6/10 7/10 2001: 6/10 7/10",
    ),
    (
        "19970310T090000",
        "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
        "1997: 3/10 1999: 1/10 2/10 3/10 2001: 1/10 2/10 3/10 2003: 1/10 2/10 3/10",
    ),
    (
        "19970101T090000",
        "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
        "1997: 1/1 4/10 7/19 2000: 1/1 4/9 7/18 2003: 1/1 4/10 7/19 2006: 1/1",
    ),
    ("19970519T090000", "FREQ=YEARLY;BYDAY=20MO", "1997: 5/19 1998: 5/18 1999: 5/17 *"),
    ("19970512T090000", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "1997: 5/12 1998: 5/11 1999: 5/17 *"),
    ("19970313T090000", "FREQ=YEARLY;BYMONTH=3;BYDAY=TH", "1997: 3/13 3/20 3/27 1998: 3/5 3/12 3/19 3/26 1999: 3/4 3/11 3/18 3/25 *"),
    (
        "19970605T090000",
        "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
        "1997: 6/5 6/12 6/19 6/26 7/3 7/10 7/17 7/24 7/31 8/7 8/14 8/21 8/28 1998: 6/4 *",
    ),
    ("19980213T090000", "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", "1998: 2/13 3/13 11/13 1999: 8/13 2000: 10/13 *"),
    (
        "19970913T090000",
        "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
        "1997: 9/13 10/11 11/8 12/13 1998: 1/10 2/7 3/7 4/11 5/9 6/13 *",
    ),
    ("19961105T090000", "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8", "1996: 11/5 2000: 11/7 2004: 11/2 *"),
    ("19970904T090000", "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "1997: 9/4 10/7 11/6"),
    ("19970929T090000", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "1997: 9/29 10/30 11/27 12/30 1998: 1/29 2/26 3/30 *"),
    ("19970805T090000", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "1997: 8/5 8/10 8/19 8/24"),
    ("19970805T090000", "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "1997: 8/5 8/17 8/19 8/31"),
    ("20070115T090000", "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "2007: 1/15 1/30 2/15 3/15 3/30"),
    // Not of the RFC: days that not every month or year has, and weeks that straddle two years.
    ("20240229T090000", "FREQ=YEARLY", "2024: 2/29 2028: 2/29 2032: 2/29 *"),
    ("20260131T090000", "FREQ=MONTHLY;COUNT=4", "2026: 1/31 3/31 5/31 7/31"),
    ("20241230T090000", "FREQ=YEARLY;BYWEEKNO=1", "2024: 12/30 2025: 12/29 2027: 1/4 2028: 1/3 *"),
    ("20201228T090000", "FREQ=YEARLY;BYWEEKNO=53", "2020: 12/28 2026: 12/28 2032: 12/27 *"),
    ("20260105T090000", "FREQ=MONTHLY;BYDAY=1MO,SU;COUNT=6", "2026: 1/5 1/11 1/18 1/25 2/1 2/2"),
    ("20261231T090000", "FREQ=YEARLY;BYYEARDAY=-1;COUNT=3", "2026: 12/31 2027: 12/31 2028: 12/31"),
];

/// `1997: 9/2-4 9/9 *` as `19970902` and so on; the star is the second value.
fn dates(text: &str) -> (Vec<String>, bool) {
    let (mut dates, mut more, mut year) = (Vec::new(), false, String::new());
    for word in text.split_whitespace() {
        if let Some(found) = word.strip_suffix(':') {
            year = found.to_owned();
        } else if word == "*" {
            more = true;
        } else {
            let (month, days) = word.split_once('/').unwrap();
            let (first, last) = days.split_once('-').unwrap_or((days, days));
            for day in first.parse::<u32>().unwrap()..=last.parse::<u32>().unwrap() {
                dates.push(format!("{year}{:02}{day:02}", month.parse::<u32>().unwrap()));
            }
        }
    }
    (dates, more)
}

#[test]
fn the_examples_of_rfc_5545_yield_their_dates() {
    for (start, rule, text) in EXAMPLES {
        let (expected, endless) = dates(text);
        let object = event(&[&format!("DTSTART;TZID=America/New_York:{start}\nRRULE:{rule}")]);
        let limits = ExpansionLimits { instances_max: expected.len() + usize::from(!endless), ..ExpansionLimits::default() };
        let (slots, more) = rule_slots(&object, &limits);
        let found: Vec<String> = slots.iter().map(|slot| slot.format("%Y%m%d").to_string()).collect();
        assert_eq!((found, more), (expected, endless), "{rule}");
        assert!(slots.iter().all(|slot| slot.format("T%H%M%S").to_string() == start[8..]), "{rule}");
        for slot in slots.iter().rev().take(3) {
            assert_eq!(rule_has_slot(&object, *slot, &limits), Ok(true), "{rule}");
            let later = slot.checked_add_signed(chrono::TimeDelta::seconds(1)).unwrap();
            assert_eq!(rule_has_slot(&object, later, &limits), Ok(false), "{rule}");
        }
    }
}

#[test]
fn every_twenty_minutes_of_the_working_day() {
    let object = event(&["DTSTART;TZID=America/New_York:19970902T090000\nRRULE:FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40"]);
    let found = starts(&object, "19970903T000000Z/19970904T000000Z");
    assert_eq!(found.len(), 24);
    assert_eq!((found.first().unwrap().as_str(), found.last().unwrap().as_str()), ("19970903T130000Z", "19970903T204000Z"));
}

#[test]
fn until_in_utc_ends_an_hourly_series_at_that_instant() {
    let object = event(&["DTSTART;TZID=America/New_York:19970902T090000\nRRULE:FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T170000Z"]);
    assert_eq!(starts(&object, "/"), ["19970902T130000Z", "19970902T160000Z"]);
}

#[test]
fn until_as_a_date_includes_the_whole_of_that_day() {
    let object = event(&["DTSTART;TZID=Europe/Berlin:20261120T230000\nRRULE:FREQ=DAILY;UNTIL=20261122"]);
    assert_eq!(starts(&object, "/"), ["20261120T220000Z", "20261121T220000Z", "20261122T220000Z"]);
}

#[test]
fn until_without_a_zone_is_in_the_zone_of_dtstart() {
    let object = event(&["DTSTART;TZID=America/New_York:20261120T230000\nRRULE:FREQ=DAILY;UNTIL=20261121T230000"]);
    assert_eq!(starts(&object, "/"), ["20261121T040000Z", "20261122T040000Z"]);
}

#[test]
fn until_between_the_two_passes_of_a_repeated_hour_is_compared_as_an_instant() {
    // 02:40 of that night means its first pass, 00:40Z, which is before 01:30Z, the second pass of 02:30.
    let object = event(&["DTSTART;TZID=Europe/Berlin:20261024T024000\nRRULE:FREQ=DAILY;UNTIL=20261025T013000Z"]);
    assert_eq!(starts(&object, "/"), ["20261024T004000Z", "20261025T004000Z"]);
    let (slots, _) = rule_slots(&object, &ExpansionLimits::default());
    assert_eq!(slots.len(), 2);
}

#[test]
fn dtstart_is_an_instance_even_where_the_rule_does_not_give_it_and_counts_as_the_first() {
    let object = event(&["DTSTART:20261122T100000Z\nRRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=3"]);
    assert_eq!(starts(&object, "/"), ["20261122T100000Z", "20261123T100000Z", "20261130T100000Z"]);
    let before = event(&["DTSTART:20261122T100000Z\nRRULE:FREQ=DAILY;UNTIL=20200101T000000Z"]);
    assert_eq!(starts(&before, "/"), ["20261122T100000Z"]);
    assert_eq!(rule_slots(&before, &ExpansionLimits::default()).0.len(), 1);
    assert_eq!(format_utc(rule_slots(&before, &ExpansionLimits::default()).0.first().unwrap().and_utc()), "20261122T100000Z");
}

#[test]
fn hours_of_a_rule_mean_nothing_to_an_all_day_series() {
    let object = event(&["DTSTART;VALUE=DATE:20261120\nRRULE:FREQ=DAILY;BYHOUR=9,10;BYMINUTE=30;COUNT=3"]);
    assert_eq!(starts(&object, "/"), ["20261119T230000Z", "20261120T230000Z", "20261121T230000Z"]);
    let every_other_day = event(&["DTSTART;VALUE=DATE:20261120\nRRULE:FREQ=HOURLY;INTERVAL=48;COUNT=2"]);
    assert_eq!(starts(&every_other_day, "/"), ["20261119T230000Z", "20261121T230000Z"]);
}
