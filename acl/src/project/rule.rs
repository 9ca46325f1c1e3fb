//! The canonical spelling of a recurrence rule (RFC 5545 §3.3.10): parts in a fixed order, lists sorted, the defaults
//! INTERVAL=1 and WKST=MO left out, UNTIL in the form of DTSTART.
//!
//! Nothing else is left out: that a BYDAY repeats what DTSTART says is not sure for every rule.

use super::when::Form;
use chrono::{NaiveDate, NaiveDateTime};
use ical::rule_grammar::{Frequency, Rule, Until};
use std::fmt::{Display, Write};

/// The lists, in the order of writing.
const LISTS: [&str; 9] = ["BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYDAY", "BYHOUR", "BYMINUTE", "BYSECOND", "BYSETPOS"];
const WEEKDAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

/// The value of RRULE for a series of `form`.
pub(super) fn canonical(rule: &Rule, form: &Form) -> String {
    let mut out = String::with_capacity(64);
    push(&mut out, "FREQ", frequency(rule.frequency));
    if let Some(until) = rule.until {
        push(&mut out, "UNTIL", until_value(until, form));
    }
    if let Some(count) = rule.count {
        push(&mut out, "COUNT", count);
    }
    if rule.interval != 1 {
        push(&mut out, "INTERVAL", rule.interval);
    }
    let part = |name: &str| rule.parts.iter().find(|(part, _)| part == name).map(|(_, value)| value.as_str());
    for name in LISTS {
        if let Some(value) = part(name) {
            push(&mut out, name, sorted(value));
        }
    }
    if let Some(week_start) = part("WKST").filter(|day| *day != "MO") {
        push(&mut out, "WKST", week_start);
    }
    out
}

fn push(out: &mut String, name: &str, value: impl Display) {
    let separator = if out.is_empty() { "" } else { ";" };
    // Writing to a String cannot fail.
    let _ = write!(out, "{separator}{name}={value}");
}

/// A list without repetitions: numbers by size, days of the week by their place in it and then by number.
fn sorted(value: &str) -> String {
    let mut items: Vec<(usize, i32)> = value.split(',').map(list_item).collect();
    items.sort_unstable();
    items.dedup();
    let written = items.into_iter().map(|(day, number)| match day.checked_sub(1).and_then(|day| WEEKDAYS.get(day)) {
        Some(day) if number == 0 => (*day).to_owned(),
        Some(day) => format!("{number}{day}"),
        None => number.to_string(),
    });
    written.collect::<Vec<_>>().join(",")
}

/// An item as (place of its weekday from 1, or 0; number). The grammar was checked when the rule was read.
fn list_item(item: &str) -> (usize, i32) {
    let (number, day) = item.split_at_checked(item.len().saturating_sub(2)).unwrap_or((item, ""));
    match WEEKDAYS.iter().position(|known| *known == day) {
        Some(place) => (place + 1, number.parse().unwrap_or(0)),
        None => (0, item.parse().unwrap_or(0)),
    }
}

fn frequency(frequency: Frequency) -> &'static str {
    match frequency {
        Frequency::Yearly => "YEARLY",
        Frequency::Monthly => "MONTHLY",
        Frequency::Weekly => "WEEKLY",
        Frequency::Daily => "DAILY",
        Frequency::Hourly => "HOURLY",
        Frequency::Minutely => "MINUTELY",
        Frequency::Secondly => "SECONDLY",
    }
}

/// UNTIL as the form of DTSTART demands it: a date, a floating time, or an instant. A date beside times means the whole day,
/// a time beside dates its date.
fn until_value(until: Until, form: &Form) -> String {
    let end_of_day = |date: NaiveDate| date.and_hms_opt(23, 59, 59).unwrap_or_default();
    let naive = match until {
        Until::Date(date) => end_of_day(date),
        Until::Local(local) => local,
        Until::Utc(instant) => instant.naive_utc(),
    };
    let utc = |time: NaiveDateTime| time.format("%Y%m%dT%H%M%SZ").to_string();
    match (form, until) {
        (Form::Date, _) => naive.format("%Y%m%d").to_string(),
        (Form::Floating, _) => naive.format("%Y%m%dT%H%M%S").to_string(),
        (Form::Utc, _) | (Form::Zoned(_), Until::Utc(_)) => utc(naive),
        (Form::Zoned(named), Until::Date(_) | Until::Local(_)) => utc(named.zone.to_utc(naive).naive_utc()),
    }
}
