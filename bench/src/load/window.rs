//! Stretches of time that workloads ask about, and what takes place in them.

use crate::calendar::Span;
use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Utc};

/// A stretch of time, its end not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

impl Window {
    /// From the start of a day on, for so many days.
    pub(crate) fn days(start: NaiveDate, days: i64) -> Self {
        let start = start.and_time(NaiveTime::MIN).and_utc().timestamp();
        Self { start, end: start + days * 86_400 }
    }

    /// Weeks of 2026, from Monday to Monday.
    pub(crate) fn weeks() -> Vec<Self> {
        let monday = NaiveDate::from_ymd_opt(2026, 1, 5).unwrap_or_default();
        (0..40).map(|week| Self::days(monday + Duration::weeks(week), 7)).collect()
    }

    /// Months of 2026.
    pub(crate) fn months() -> Vec<Self> {
        let first = |month| NaiveDate::from_ymd_opt(2026, month, 1).unwrap_or_default();
        (1..12).map(|month| Self::days(first(month), (first(month + 1) - first(month)).num_days())).collect()
    }

    /// As XML and URLs have it.
    pub(crate) fn written(self) -> (String, String) {
        let utc = |second| DateTime::<Utc>::from_timestamp(second, 0).unwrap_or_default().format("%Y%m%dT%H%M%SZ").to_string();
        (utc(self.start), utc(self.end))
    }

    pub(crate) fn meets(self, span: &Span) -> bool {
        span.start < self.end && span.end > self.start
    }

    /// The events that take place in it.
    pub(crate) fn events(self, spans: &[Span]) -> Vec<u32> {
        let mut events: Vec<u32> = spans.iter().filter(|span| self.meets(span)).map(|span| span.event).collect();
        events.sort_unstable();
        events.dedup();
        events
    }

    /// How many of its seconds somebody with these events is busy.
    pub(crate) fn busy_seconds(self, spans: &[Span]) -> i64 {
        let within = spans.iter().filter(|span| span.is_busy && self.meets(span));
        covered(within.map(|span| (span.start.max(self.start), span.end.min(self.end))).collect())
    }
}

/// Seconds that any of the periods covers.
pub(crate) fn covered(mut periods: Vec<(i64, i64)>) -> i64 {
    periods.sort_unstable();
    let (mut sum, mut until) = (0, i64::MIN);
    for (start, end) in periods {
        sum += (end - start.max(until)).max(0);
        until = until.max(end);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_overlaps_is_counted_once() {
        assert_eq!(covered(vec![(0, 10), (5, 20), (30, 40), (31, 32)]), 30);
    }
}
