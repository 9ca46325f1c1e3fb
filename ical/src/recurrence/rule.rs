//! A recurrence rule as the generator wants it: the parts of RFC 5545 §3.3.10 as sorted lists of numbers.
//!
//! The grammar is `rule_grammar`'s; what the rule yields stands in `slots`.

use crate::rule_grammar::{self, Until, parse_rule};
use chrono::Weekday;
use std::collections::BTreeSet;

/// The largest INTERVAL that is counted with: a larger one names no second instance within the years iCalendar can write.
const INTERVAL_MAX: u32 = 100_000_000;

/// FREQ, as far as it is expanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frequency {
    Yearly,
    Monthly,
    Weekly,
    Daily,
    Hourly,
}

impl Frequency {
    fn of(read: rule_grammar::Frequency) -> Option<Self> {
        Some(match read {
            rule_grammar::Frequency::Yearly => Self::Yearly,
            rule_grammar::Frequency::Monthly => Self::Monthly,
            rule_grammar::Frequency::Weekly => Self::Weekly,
            rule_grammar::Frequency::Daily => Self::Daily,
            rule_grammar::Frequency::Hourly => Self::Hourly,
            rule_grammar::Frequency::Minutely | rule_grammar::Frequency::Secondly => return None,
        })
    }
}

/// One element of BYDAY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WeekdayNumber {
    /// Which one of the month or year, counted from its end if negative; `None` is every one.
    pub(super) ordinal: Option<i32>,
    pub(super) weekday: Weekday,
}

/// A recurrence rule. Lists are sorted and free of repetitions; an absent part is an empty list.
#[derive(Clone, Debug)]
pub(super) struct RecurrenceRule {
    pub(super) frequency: Frequency,
    /// At least 1.
    pub(super) interval: i64,
    /// At least 1.
    pub(super) count: Option<u64>,
    pub(super) until: Option<Until>,
    pub(super) week_start: Weekday,
    pub(super) by_month: Vec<i32>,
    pub(super) by_week_number: Vec<i32>,
    pub(super) by_year_day: Vec<i32>,
    pub(super) by_month_day: Vec<i32>,
    pub(super) by_day: Vec<WeekdayNumber>,
    pub(super) by_hour: Vec<i32>,
    pub(super) by_minute: Vec<i32>,
    /// Up to 59: a leap second counts as the one before it.
    pub(super) by_second: Vec<i32>,
    pub(super) by_set_position: Vec<i32>,
}

impl RecurrenceRule {
    /// Reads the value of an RRULE; `None` if it is malformed or finer than hourly. A part that RFC 5545 forbids beside the
    /// given FREQ is read and narrows the set, as most clients take it.
    pub(super) fn parse(value: &str) -> Option<Self> {
        let read = parse_rule(value.trim())?;
        let mut rule = Self {
            frequency: Frequency::of(read.frequency)?,
            interval: i64::from(read.interval.clamp(1, INTERVAL_MAX)),
            count: read.count.map(|count| u64::from(count.max(1))),
            until: read.until,
            week_start: Weekday::Mon,
            by_month: Vec::new(),
            by_week_number: Vec::new(),
            by_year_day: Vec::new(),
            by_month_day: Vec::new(),
            by_day: Vec::new(),
            by_hour: Vec::new(),
            by_minute: Vec::new(),
            by_second: Vec::new(),
            by_set_position: Vec::new(),
        };
        for (name, value) in &read.parts {
            match name.as_str() {
                "WKST" => rule.week_start = weekday(value)?,
                "BYDAY" => rule.by_day = weekday_numbers(value)?,
                "BYMONTH" => rule.by_month = numbers(value)?,
                "BYWEEKNO" => rule.by_week_number = numbers(value)?,
                "BYYEARDAY" => rule.by_year_day = numbers(value)?,
                "BYMONTHDAY" => rule.by_month_day = numbers(value)?,
                "BYHOUR" => rule.by_hour = numbers(value)?,
                "BYMINUTE" => rule.by_minute = numbers(value)?,
                "BYSECOND" => {
                    let seconds: BTreeSet<i32> = numbers(value)?.into_iter().map(|second| second.min(59)).collect();
                    rule.by_second = seconds.into_iter().collect();
                }
                "BYSETPOS" => rule.by_set_position = numbers(value)?,
                _ => return None,
            }
        }
        Some(rule)
    }

    /// Whether no BY part is given: each period has at most the one slot that lies as DTSTART does.
    pub(super) fn is_plain(&self) -> bool {
        let lists = [
            &self.by_month,
            &self.by_week_number,
            &self.by_year_day,
            &self.by_month_day,
            &self.by_hour,
            &self.by_minute,
            &self.by_second,
            &self.by_set_position,
        ];
        self.by_day.is_empty() && lists.iter().all(|list| list.is_empty())
    }
}

fn numbers(value: &str) -> Option<Vec<i32>> {
    let set: Option<BTreeSet<i32>> = value.split(',').map(|item| item.parse().ok()).collect();
    Some(set?.into_iter().collect())
}

fn weekday(value: &str) -> Option<Weekday> {
    Some(match value {
        "MO" => Weekday::Mon,
        "TU" => Weekday::Tue,
        "WE" => Weekday::Wed,
        "TH" => Weekday::Thu,
        "FR" => Weekday::Fri,
        "SA" => Weekday::Sat,
        "SU" => Weekday::Sun,
        _ => return None,
    })
}

fn weekday_numbers(value: &str) -> Option<Vec<WeekdayNumber>> {
    let mut list: Vec<WeekdayNumber> = Vec::new();
    for item in value.split(',') {
        let (ordinal, name) = item.split_at_checked(item.len().checked_sub(2)?)?;
        let ordinal = if ordinal.is_empty() { None } else { Some(ordinal.parse().ok()?) };
        let entry = WeekdayNumber { ordinal, weekday: weekday(name)? };
        // The grammar bounds the rule to a few thousand bytes, so the search stays short.
        if !list.contains(&entry) {
            list.push(entry);
        }
    }
    Some(list)
}
