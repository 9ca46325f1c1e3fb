//! Generated rules: a window equals the whole expansion filtered, and both equal what the `rrule` crate yields when fed
//! naive times.

use super::{event, zone};
use crate::date_time::{DateOrTime, TimeRange, parse_local};
use crate::recurrence::rule::RecurrenceRule;
use crate::recurrence::slots::Slots;
use crate::recurrence::{Budget, ExpansionLimits, Instance, instances, rule_slots};
use chrono::{NaiveDateTime, TimeDelta};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::cell::Cell;

/// Fewer comparisons than this show nothing.
const COMPARED_MIN: usize = 200;

fn list(values: &[i32]) -> String {
    values.iter().map(i32::to_string).collect::<Vec<_>>().join(",")
}

fn numbers(range: std::ops::RangeInclusive<i32>, most: usize) -> impl Strategy<Value = Vec<i32>> {
    prop::collection::btree_set(range.prop_filter("not zero", |n| *n != 0), 1..=most).prop_map(|set| set.into_iter().collect())
}

fn part(name: &'static str, values: impl Strategy<Value = Vec<i32>> + 'static, share: f64) -> BoxedStrategy<String> {
    prop::option::weighted(share, values).prop_map(move |v| v.map_or(String::new(), |v| format!(";{name}={}", list(&v)))).boxed()
}

/// BYDAY with numbers on all its days or on none: what a mixture means is read differently.
fn weekdays(numbered: bool, share: f64) -> BoxedStrategy<String> {
    let day = prop::sample::select(vec!["MO", "TU", "WE", "TH", "FR", "SA", "SU"]);
    let number = if numbered { prop::sample::select(vec!["", "1", "2", "-1", "3", "-2"]) } else { prop::sample::select(vec![""]) };
    let days = (number, prop::collection::btree_set(day, 1..4));
    prop::option::weighted(share, days)
        .prop_map(|days| match days {
            Some((number, days)) => {
                format!(";BYDAY={}", days.iter().map(|day| format!("{number}{day}")).collect::<Vec<_>>().join(","))
            }
            None => String::new(),
        })
        .boxed()
}

/// Rules within what RFC 5545 allows beside each FREQ.
fn rule() -> impl Strategy<Value = String> {
    let yearly = (part("BYMONTH", numbers(1..=12, 3), 0.4), part("BYMONTHDAY", numbers(-31..=31, 3), 0.3), weekdays(true, 0.4))
        .prop_map(|(a, b, c)| format!("YEARLY{a}{b}{c}"));
    let yearly_by_day = part("BYYEARDAY", numbers(-366..=366, 4), 0.95).prop_map(|a| format!("YEARLY{a}"));
    // Without BYDAY the other implementation takes all seven days of the week, ours that of DTSTART (RFC 5545 §3.3.10); and
    // it forgets the days of a last week that lie in January: those stand in the examples.
    let yearly_by_week = (part("BYWEEKNO", numbers(1..=51, 3), 0.95), weekdays(false, 0.99))
        .prop_filter_map("a day of the week", |(a, b)| (!b.is_empty()).then(|| format!("YEARLY{a}{b}")));
    let monthly = (part("BYMONTH", numbers(1..=12, 4), 0.2), part("BYMONTHDAY", numbers(-31..=31, 4), 0.4), weekdays(true, 0.5))
        .prop_map(|(a, b, c)| format!("MONTHLY{a}{b}{c}"));
    let weekly = (part("BYMONTH", numbers(1..=12, 4), 0.2), weekdays(false, 0.7)).prop_map(|(a, b)| format!("WEEKLY{a}{b}"));
    let daily = (part("BYMONTH", numbers(1..=12, 4), 0.2), part("BYMONTHDAY", numbers(-31..=31, 6), 0.2), weekdays(false, 0.3))
        .prop_map(|(a, b, c)| format!("DAILY{a}{b}{c}"));
    let with_hours = (
        prop_oneof![yearly, yearly_by_day, yearly_by_week, monthly, weekly, daily],
        part("BYHOUR", numbers(1..=23, 3), 0.2),
        part("BYMINUTE", numbers(1..=59, 2), 0.1),
        part("BYSETPOS", prop::sample::select(vec![1, 2, -1, 3]).prop_map(|n| vec![n]), 0.2),
    )
        .prop_map(|(rule, hours, minutes, position)| {
            let position = if rule.contains("BY") || !hours.is_empty() { position } else { String::new() };
            format!("{rule}{hours}{minutes}{position}")
        });
    let hourly = (part("BYHOUR", numbers(1..=23, 6), 0.3), part("BYMONTH", numbers(1..=12, 4), 0.2), weekdays(false, 0.3))
        .prop_map(|(a, b, c)| format!("HOURLY{a}{b}{c}"));
    let interval = prop_oneof![4 => Just(1), 4 => 2..6_i32, 1 => 6..40_i32];
    let end = prop_oneof![3 => Just(String::new()), 2 => (1..60_u32).prop_map(|n| format!(";COUNT={n}")),
        1 => (2020..2032_u32).prop_map(|y| format!(";UNTIL={y}0615T120000Z"))];
    let week_start = prop::sample::select(vec!["", ";WKST=SU", ";WKST=WE"]);
    (prop_oneof![5 => with_hours, 1 => hourly], interval, end, week_start)
        .prop_map(|(rule, interval, end, week_start)| format!("FREQ={rule};INTERVAL={interval}{end}{week_start}"))
}

fn start() -> impl Strategy<Value = String> {
    (2016..2024_i32, 1..=12_u32, 1..=31_u32, 0..24_u32).prop_filter_map("a date", |(y, m, d, h)| {
        let text = format!("{y}{m:02}{d:02}T{h:02}3000");
        parse_local(&text).map(|_| text)
    })
}

/// The slots in a window, DTSTART left out unless the rule gives it as well.
fn slots_between(rule: &str, start: &str, from: NaiveDateTime, to: NaiveDateTime) -> Vec<NaiveDateTime> {
    let rule = RecurrenceRule::parse(rule).unwrap();
    let start = DateOrTime::Utc(parse_local(start).unwrap().and_utc());
    let mut slots = Slots::new(&rule, &start, from, to);
    let mut budget = Budget { steps: 5_000_000 };
    std::iter::from_fn(|| slots.next(&mut budget).unwrap()).collect()
}

/// Where two lists part: one of the two values is not in the other list.
fn first_difference(a: &[NaiveDateTime], b: &[NaiveDateTime]) -> Option<(Option<NaiveDateTime>, Option<NaiveDateTime>)> {
    (0..a.len().max(b.len())).map(|n| (a.get(n).copied(), b.get(n).copied())).find(|(a, b)| a != b)
}

fn day(text: &str) -> NaiveDateTime {
    parse_local(&format!("{text}T000000")).unwrap()
}

#[test]
fn a_window_of_a_generated_rule_equals_its_whole_expansion_filtered() {
    let compared = Cell::new(0_usize);
    let strategy = (rule(), start(), 0..6000_i64, 1..900_i64);
    TestRunner::new(Config { cases: 600, failure_persistence: None, ..Config::default() })
        .run(&strategy, |(rule, start, after, length)| {
            let begin = parse_local(&start).unwrap();
            let from = begin + TimeDelta::days(after - 30) + TimeDelta::hours(7);
            let to = from + TimeDelta::days(length);
            let whole = slots_between(&rule, &start, NaiveDateTime::MIN, to);
            let expected: Vec<_> = whole.into_iter().filter(|slot| *slot >= from).collect();
            let found = slots_between(&rule, &start, from, to);
            compared.set(compared.get() + usize::from(!expected.is_empty()));
            prop_assert_eq!(first_difference(&found, &expected), None, "{} from {}", rule, start);
            Ok(())
        })
        .unwrap();
    println!("windows with slots compared: {}", compared.get());
    assert!(compared.get() >= COMPARED_MIN);
}

#[test]
fn generated_rules_yield_what_another_implementation_yields() {
    let compared = Cell::new(0_usize);
    TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() })
        .run(&(rule(), start()), |(rule, start)| {
            // In the week of DTSTART the other implementation counts positions from DTSTART on, ours from the week's first
            // day, as both do for months and years.
            if rule.contains("WEEKLY") && rule.contains("BYSETPOS") {
                return Ok(());
            }
            let end = day("20270101");
            let text = format!("DTSTART:{start}Z\nRRULE:{rule}");
            // The other implementation refuses an end before the start, and counts only what the rule gives.
            let Ok(other) = text.parse::<rrule::RRuleSet>() else { return Ok(()) };
            let until = rrule::Tz::UTC;
            let other = other.before(chrono::TimeZone::from_utc_datetime(&until, &end)).all(2000);
            let horizon = if other.limited { other.dates.last().unwrap().naive_utc() } else { end };
            let mut expected: Vec<_> = other.dates.iter().map(chrono::DateTime::naive_utc).filter(|slot| *slot <= horizon).collect();
            let begin = parse_local(&start).unwrap();
            if expected.first() != Some(&begin) {
                expected.insert(0, begin);
                // DTSTART is one of those that COUNT counts.
                expected.truncate(RecurrenceRule::parse(&rule).unwrap().count.map_or(usize::MAX, |count| usize::try_from(count).unwrap()));
            }
            let found = slots_between(&rule, &start, NaiveDateTime::MIN, horizon);
            compared.set(compared.get() + 1);
            prop_assert_eq!(first_difference(&found, &expected), None, "{} from {}", rule, start);
            Ok(())
        })
        .unwrap();
    println!("rules compared with another implementation: {}", compared.get());
    assert!(compared.get() >= COMPARED_MIN);
}

/// A series of one of many shapes: zone, length, exceptions.
fn series() -> impl Strategy<Value = String> {
    let zone = prop::sample::select(vec![";TZID=Europe/Berlin", ";TZID=America/New_York", ";TZID=Pacific/Apia", "", "Z", ";VALUE=DATE"]);
    let length = prop::sample::select(vec!["", "DURATION:PT1H", "DURATION:P3D", "DURATION:P1DT5H", "DURATION:P40D"]);
    let days = || prop::collection::vec(0..900_i64, 0..4);
    (rule(), start(), zone, length, days(), days(), days()).prop_map(|(rule, start, zone, length, exdates, rdates, moved)| {
        let begin = parse_local(&start).unwrap();
        let rule = rule.replace("HOURLY", "DAILY");
        let value = |name: &str, day: i64| {
            let time = begin + TimeDelta::days(day);
            match zone {
                "Z" => format!("{name}:{}", time.format("%Y%m%dT%H%M%SZ")),
                ";VALUE=DATE" => format!("{name}{zone}:{}", time.format("%Y%m%d")),
                zone => format!("{name}{zone}:{}", time.format("%Y%m%dT%H%M%S")),
            }
        };
        let length = if zone == ";VALUE=DATE" && length.ends_with('H') { "" } else { length };
        let mut lines = vec![value("DTSTART", 0), format!("RRULE:{rule}"), length.to_owned()];
        lines.extend(exdates.iter().map(|day| value("EXDATE", *day)));
        lines.extend(rdates.iter().map(|day| value("RDATE", *day)));
        let mut components = vec![lines.join("\n")];
        for day in moved.iter().collect::<std::collections::BTreeSet<_>>() {
            components.push(format!("{}\n{}\n{length}", value("RECURRENCE-ID", *day), value("DTSTART", (day * 7) % 1000)));
        }
        components.join("\nEND:VEVENT\nBEGIN:VEVENT\nUID:series\n")
    })
}

#[test]
fn a_window_of_a_generated_series_shows_what_the_whole_series_shows_there() {
    let compared = Cell::new(0_usize);
    let limits = ExpansionLimits { instances_max: 20_000, steps_max: 200_000 };
    TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() })
        .run(&(series(), -400..1200_i64, 1..2000_i64), |(lines, after, hours)| {
            let object = event(&[&lines]);
            let zone = zone("Australia/Lord_Howe");
            let start = object.date_or_time(object.master().unwrap().line("DTSTART").unwrap()).unwrap().naive().and_utc();
            let from = start + TimeDelta::days(after) + TimeDelta::minutes(17);
            let window = TimeRange { start: Some(from), end: Some(from + TimeDelta::hours(hours)) };
            let name = |i: &Instance<'_>| (i.recurrence_id.clone(), i.start_utc, i.end_utc, i.component.span.start);
            let whole = TimeRange { start: None, end: window.end };
            // RFC 4791 §9.9, once more: at a point, or from start to end.
            let expected: Vec<_> = instances(&object, &whole, &zone, &limits)
                .unwrap()
                .iter()
                .filter(|i| i.end_utc.unwrap() > from || (i.start_utc == i.end_utc && i.start_utc.unwrap() >= from))
                .map(name)
                .collect();
            let found: Vec<_> = instances(&object, &window, &zone, &limits).unwrap().iter().map(name).collect();
            compared.set(compared.get() + found.len());
            prop_assert_eq!(found, expected, "{}", lines);
            Ok(())
        })
        .unwrap();
    println!("instances in windows compared: {}", compared.get());
    assert!(compared.get() >= COMPARED_MIN);
}

#[test]
fn rule_slots_are_the_slots_from_dtstart_on() {
    let object = event(&["DTSTART:20261122T100000Z\nRRULE:FREQ=WEEKLY"]);
    let (slots, more) = rule_slots(&object, &ExpansionLimits { instances_max: 3, steps_max: 100 });
    assert_eq!(slots, slots_between("FREQ=WEEKLY", "20261122T100000", NaiveDateTime::MIN, day("20261207")));
    assert!(more);
}
