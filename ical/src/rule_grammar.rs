//! The grammar of a recurrence rule (RFC 5545 §3.3.10), checked before any other reader sees the text.
//!
//! Nothing here expands a rule.

use crate::date_time::{parse_date, parse_local, parse_utc};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

/// Bytes of one rule.
const RULE_BYTES_MAX: usize = 4096;

/// FREQ, coarser first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Frequency {
    /// YEARLY
    Yearly,
    /// MONTHLY
    Monthly,
    /// WEEKLY
    Weekly,
    /// DAILY
    Daily,
    /// HOURLY
    Hourly,
    /// MINUTELY
    Minutely,
    /// SECONDLY
    Secondly,
}

/// UNTIL, in whichever form it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// A DATE: the day is included.
    Date(NaiveDate),
    /// Local time.
    Local(NaiveDateTime),
    /// UTC.
    Utc(DateTime<Utc>),
}

/// A rule whose grammar and number ranges are right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// FREQ
    pub frequency: Frequency,
    /// INTERVAL, at least 1.
    pub interval: u32,
    /// COUNT, at least 1.
    pub count: Option<u32>,
    /// UNTIL
    pub until: Option<Until>,
    /// Names (upper case) and values of the BY… parts and WKST, in their order.
    pub parts: Vec<(String, String)>,
}

/// Reads a rule: every part known, none twice, every number in its range.
pub fn parse_rule(value: &str) -> Option<Rule> {
    if value.len() > RULE_BYTES_MAX || !value.is_ascii() {
        return None;
    }
    let upper = value.to_ascii_uppercase();
    let mut seen: Vec<&str> = Vec::new();
    let (mut frequency, mut interval, mut count, mut until) = (None, 1, None, None);
    let mut parts = Vec::new();
    for part in upper.trim_end_matches(';').split(';') {
        let (name, value) = part.split_once('=')?;
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
        match name {
            "FREQ" => frequency = Some(parse_frequency(value)?),
            "INTERVAL" => interval = parse_positive(value)?,
            "COUNT" => count = Some(parse_positive(value)?),
            "UNTIL" => until = Some(parse_until(value)?),
            // What goes without saying (RFC 7529 §4); any other scale or skipping is not computed here.
            "RSCALE" if value == "GREGORIAN" => {}
            "SKIP" if value == "OMIT" => {}
            _ if part_is_valid(name, value) => parts.push((name.to_owned(), value.to_owned())),
            _ => return None,
        }
    }
    if count.is_some() && until.is_some() {
        return None;
    }
    Some(Rule { frequency: frequency?, interval, count, until, parts })
}

fn parse_frequency(value: &str) -> Option<Frequency> {
    Some(match value {
        "YEARLY" => Frequency::Yearly,
        "MONTHLY" => Frequency::Monthly,
        "WEEKLY" => Frequency::Weekly,
        "DAILY" => Frequency::Daily,
        "HOURLY" => Frequency::Hourly,
        "MINUTELY" => Frequency::Minutely,
        "SECONDLY" => Frequency::Secondly,
        _ => return None,
    })
}

fn parse_until(value: &str) -> Option<Until> {
    parse_utc(value).map(Until::Utc).or_else(|| parse_local(value).map(Until::Local)).or_else(|| parse_date(value).map(Until::Date))
}

/// A number from 1; what does not fit is taken as the largest.
fn parse_positive(value: &str) -> Option<u32> {
    if value.is_empty() || value.len() > 18 || !value.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = value.parse().ok()?;
    (number > 0).then(|| u32::try_from(number).unwrap_or(u32::MAX))
}

fn part_is_valid(name: &str, value: &str) -> bool {
    let list = |valid: fn(&str) -> bool| value.split(',').all(valid);
    match name {
        "BYSECOND" => list(|item| unsigned_within(item, 0, 60)),
        "BYMINUTE" => list(|item| unsigned_within(item, 0, 59)),
        "BYHOUR" => list(|item| unsigned_within(item, 0, 23)),
        "BYMONTH" => list(|item| unsigned_within(item, 1, 12)),
        "BYMONTHDAY" => list(|item| signed_within(item, 31)),
        "BYYEARDAY" | "BYSETPOS" => list(|item| signed_within(item, 366)),
        "BYWEEKNO" => list(|item| signed_within(item, 53)),
        "BYDAY" => list(is_weekday_with_number),
        "WKST" => is_weekday(value),
        _ => false,
    }
}

fn unsigned_within(item: &str, least: u32, most: u32) -> bool {
    item.len() <= 2
        && item.bytes().all(|byte| byte.is_ascii_digit())
        && item.parse().is_ok_and(|number: u32| (least..=most).contains(&number))
}

fn signed_within(item: &str, most: u32) -> bool {
    let digits = item.strip_prefix(['+', '-']).unwrap_or(item);
    digits.len() <= 3
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && digits.parse().is_ok_and(|number: u32| (1..=most).contains(&number))
}

fn is_weekday(item: &str) -> bool {
    matches!(item, "MO" | "TU" | "WE" | "TH" | "FR" | "SA" | "SU")
}

fn is_weekday_with_number(item: &str) -> bool {
    let Some((number, weekday)) = item.len().checked_sub(2).and_then(|length| item.split_at_checked(length)) else { return false };
    is_weekday(weekday) && (number.is_empty() || signed_within(number, 53))
}

#[cfg(test)]
mod tests;
