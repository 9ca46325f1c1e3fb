//! DATE and DATE-TIME values (RFC 5545 §3.3.4, §3.3.5), durations and UTC ranges.

use crate::time_zone::Zone;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

/// A DATE or one of the three forms of DATE-TIME.
#[derive(Clone, Debug, PartialEq)]
pub enum DateOrTime {
    /// VALUE=DATE
    Date(NaiveDate),
    /// Local time without a zone.
    Floating(NaiveDateTime),
    /// With a `Z`.
    Utc(DateTime<Utc>),
    /// With a TZID.
    Zoned(NaiveDateTime, Zone),
}

impl DateOrTime {
    /// The instant, floating values and dates (their midnight) taken in `floating`.
    pub fn to_utc(&self, floating: &Zone) -> DateTime<Utc> {
        match self {
            Self::Date(date) => floating.to_utc(midnight(*date)),
            Self::Floating(local) => floating.to_utc(*local),
            Self::Utc(instant) => *instant,
            Self::Zoned(local, zone) => zone.to_utc(*local),
        }
    }
    /// The wall-clock value, a date being its midnight.
    pub fn naive(&self) -> NaiveDateTime {
        match self {
            Self::Date(date) => midnight(*date),
            Self::Utc(instant) => instant.naive_utc(),
            Self::Floating(local) | Self::Zoned(local, _) => *local,
        }
    }
    /// Whether the value is a DATE.
    pub fn is_date(&self) -> bool {
        matches!(self, Self::Date(_))
    }
}

/// A half-open range in UTC; an absent end is unbounded (RFC 4791 §9.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct TimeRange {
    /// Inclusive.
    pub start: Option<DateTime<Utc>>,
    /// Exclusive.
    pub end: Option<DateTime<Utc>>,
}

impl TimeRange {
    /// Whether the two share an instant.
    pub fn overlaps(&self, other: &Self) -> bool {
        let before =
            |end: Option<DateTime<Utc>>, start: Option<DateTime<Utc>>| matches!((end, start), (Some(end), Some(start)) if end <= start);
        !before(self.end, other.start) && !before(other.end, self.start)
    }
}

/// The beginning of a day, as a wall-clock time.
pub(crate) fn midnight(date: NaiveDate) -> NaiveDateTime {
    date.and_time(chrono::NaiveTime::MIN)
}

/// A DURATION (RFC 5545 §3.3.6): days are nominal (same wall time), the rest is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Duration {
    /// Nominal days, weeks included.
    pub days: i64,
    /// Exact seconds beside the days.
    pub seconds: i64,
}

/// Longest DURATION read, in days: ten thousand years. Sums with any date stay within chrono's range.
const DURATION_DAYS_MAX: i64 = 3_660_000;
const DAY_SECONDS: i64 = 86_400;

/// Reads `-P1DT2H` and the like: weeks, days, hours, minutes, seconds, each at most once and in this order.
pub fn parse_duration(value: &str) -> Option<Duration> {
    let (sign, rest) = match value.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, value.strip_prefix('+').unwrap_or(value)),
    };
    let rest = rest.strip_prefix(['P', 'p'])?;
    let (date, time) = match rest.split_once(['T', 't']) {
        Some((date, time)) => (date, Some(time)),
        None => (rest, None),
    };
    let days = sum_of_parts(date, &[('W', 7), ('D', 1)])?;
    let seconds = match time {
        Some("") if date.is_empty() => return None,
        // PyVObject writes a whole day as P1DT.
        Some("") => 0,
        Some(time) => sum_of_parts(time, &[('H', 3600), ('M', 60), ('S', 1)])?,
        None if date.is_empty() => return None,
        None => 0,
    };
    if days > DURATION_DAYS_MAX || seconds > DURATION_DAYS_MAX * DAY_SECONDS {
        return None;
    }
    Some(Duration { days: sign * days, seconds: sign * seconds })
}

/// Adds up `4H30M`, the units in the order given.
fn sum_of_parts(mut rest: &str, units: &[(char, i64)]) -> Option<i64> {
    let mut units = units.iter();
    let mut sum: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at_checked(digits)?;
        let unit = after.chars().next()?;
        let (_, factor) = units.find(|(name, _)| name.eq_ignore_ascii_case(&unit))?;
        sum = sum.checked_add(number.parse::<i64>().ok()?.checked_mul(*factor)?)?;
        rest = after.get(unit.len_utf8()..)?;
    }
    Some(sum)
}

/// Reads `20261122`. The year 0000 is refused: it is in no calendar that people use.
pub fn parse_date(value: &str) -> Option<NaiveDate> {
    let [a, b, c, d, e, f, g, h] = digits::<8>(value)?;
    let year = i32::from(a) * 1000 + i32::from(b) * 100 + i32::from(c) * 10 + i32::from(d);
    NaiveDate::from_ymd_opt(year, u32::from(e) * 10 + u32::from(f), u32::from(g) * 10 + u32::from(h)).filter(|_| year > 0)
}

/// Reads `20261122T100000` (without its `Z`). Second 60 is read as 59 (RFC 5545 §3.3.12).
pub fn parse_local(value: &str) -> Option<NaiveDateTime> {
    let (date, time) = value.split_once(['T', 't'])?;
    let [a, b, c, d, e, f] = digits::<6>(time)?;
    let second = u32::from(e) * 10 + u32::from(f);
    let second = if second == 60 { 59 } else { second };
    parse_date(date)?.and_hms_opt(u32::from(a) * 10 + u32::from(b), u32::from(c) * 10 + u32::from(d), second)
}

/// Reads `20261122T100000Z`.
pub fn parse_utc(value: &str) -> Option<DateTime<Utc>> {
    Some(parse_local(value.strip_suffix(['Z', 'z'])?)?.and_utc())
}

/// The values of exactly `N` ASCII digits.
fn digits<const N: usize>(value: &str) -> Option<[u8; N]> {
    let bytes: [u8; N] = value.as_bytes().try_into().ok()?;
    bytes.iter().all(u8::is_ascii_digit).then(|| bytes.map(|byte| byte - b'0'))
}

/// Writes `20261122T100000Z`.
pub fn format_utc(instant: DateTime<Utc>) -> String {
    instant.format("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests;
