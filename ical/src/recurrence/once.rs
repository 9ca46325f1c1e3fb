//! An event that takes place once, at a time that no zone of whoever asks could move: its start and its end are all that a
//! question about time needs. Nothing else of the event is kept here.

use crate::calendar_object::{CalendarObject, ComponentKind};
use crate::date_time::{DateOrTime, TimeRange};
use crate::free_busy::{BusyPeriod, BusyType, clip};
use crate::time_zone::Zone;
use chrono::{DateTime, Utc};

/// What could give an event another instance than its DTSTART and DTEND say, or another end.
const MORE: [&str; 6] = ["RRULE", "RDATE", "EXRULE", "EXDATE", "RECURRENCE-ID", "DURATION"];

/// Start and end, in seconds of UTC since 1970; the end is later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Once {
    /// Inclusive.
    pub start: i64,
    /// Exclusive.
    pub end: i64,
}

impl Once {
    /// Of an event of one component that has both as times in UTC or in a zone of its own. `None` for everything else, which is
    /// to be looked at each time.
    pub fn of(object: &CalendarObject) -> Option<Self> {
        let mut components = object.components();
        let (Some(component), None) = (components.next(), components.next()) else { return None };
        if object.kind() != ComponentKind::Event || MORE.iter().any(|name| component.line(name).is_some()) {
            return None;
        }
        let only = |name: &'static str| {
            let mut lines = component.lines_named(name);
            let first = lines.next();
            first.filter(|_| lines.next().is_none())
        };
        let (start, end) = (only("DTSTART")?, only("DTEND")?);
        object.end_line(component)?;
        let instant = |line| match object.date_or_time(line)? {
            DateOrTime::Date(_) | DateOrTime::Floating(_) => None,
            value @ (DateOrTime::Utc(_) | DateOrTime::Zoned(..)) => Some(value.to_utc(&Zone::utc()).timestamp()),
        };
        let once = Self { start: instant(start)?, end: instant(end)? };
        (once.start < once.end).then_some(once)
    }

    /// Whether it overlaps `range`, as an event with a DTEND does (RFC 4791 §9.9).
    pub fn overlaps(&self, range: &TimeRange) -> bool {
        let Some((start, end)) = self.instants() else { return false };
        range.starts_before(end) && range.ends_after(start)
    }

    /// The busy period it contributes to `window`, clipped to it, if it counts like this.
    pub fn busy_period(&self, busy_type: BusyType, window: &TimeRange) -> Option<BusyPeriod> {
        let (start, end) = self.instants()?;
        clip(BusyPeriod { start, end, busy_type }, window)
    }

    fn instants(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        DateTime::from_timestamp(self.start, 0).zip(DateTime::from_timestamp(self.end, 0))
    }
}
