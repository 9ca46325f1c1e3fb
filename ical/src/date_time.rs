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
        let _ = floating;
        todo!()
    }
    /// The wall-clock value, a date being its midnight.
    pub fn naive(&self) -> NaiveDateTime {
        todo!()
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

/// A DURATION (RFC 5545 §3.3.6): days are nominal (same wall time), the rest is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Duration {
    /// Nominal days, weeks included.
    pub days: i64,
    /// Exact seconds beside the days.
    pub seconds: i64,
}

/// Reads `-P1DT2H` and the like.
pub fn parse_duration(value: &str) -> Option<Duration> {
    let _ = value;
    todo!()
}

/// Reads `20261122`.
pub fn parse_date(value: &str) -> Option<NaiveDate> {
    let _ = value;
    todo!()
}

/// Reads `20261122T100000` (without its `Z`).
pub fn parse_local(value: &str) -> Option<NaiveDateTime> {
    let _ = value;
    todo!()
}

/// Reads `20261122T100000Z`.
pub fn parse_utc(value: &str) -> Option<DateTime<Utc>> {
    let _ = value;
    todo!()
}

/// Writes `20261122T100000Z`.
pub fn format_utc(instant: DateTime<Utc>) -> String {
    instant.format("%Y%m%dT%H%M%SZ").to_string()
}
