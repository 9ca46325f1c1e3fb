//! When an instance overlaps a time range: the tables of RFC 4791 §9.9, and RFC 7953 §7.2.2 for VAVAILABILITY.
//!
//! The comparisons are those of the tables to the letter, `<` and `<=` included; an absent end of the range is infinite.

use super::series::{Candidate, EndGiven};
use crate::calendar_object::ComponentKind;
use crate::content_line::Component;
use crate::date_time::{TimeRange, parse_utc};
use chrono::{DateTime, Utc};

/// The four comparisons of a range with a moment.
impl TimeRange {
    /// `start < moment`
    pub(crate) fn starts_before(&self, moment: DateTime<Utc>) -> bool {
        self.start.is_none_or(|start| start < moment)
    }
    /// `start <= moment`
    pub(super) fn starts_by(&self, moment: DateTime<Utc>) -> bool {
        self.start.is_none_or(|start| start <= moment)
    }
    /// `end > moment`
    pub(crate) fn ends_after(&self, moment: DateTime<Utc>) -> bool {
        self.end.is_none_or(|end| end > moment)
    }
    /// `end >= moment`
    pub(super) fn ends_from(&self, moment: DateTime<Utc>) -> bool {
        self.end.is_none_or(|end| end >= moment)
    }
}

/// Whether one instance overlaps the range.
pub(super) fn overlaps(kind: ComponentKind, candidate: &Candidate<'_>, range: &TimeRange) -> bool {
    match kind {
        ComponentKind::Event => event(candidate, range),
        ComponentKind::ToDo => to_do(candidate, range),
        ComponentKind::Journal => journal(candidate, range),
        ComponentKind::FreeBusy => free_busy(candidate, range),
        ComponentKind::Availability => availability(candidate, range),
    }
}

fn event(candidate: &Candidate<'_>, range: &TimeRange) -> bool {
    Times::of(candidate).is_some_and(|times| times.overlap(range))
}

/// All that the table for events asks of an instance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) start: DateTime<Utc>,
    pub(super) end: DateTime<Utc>,
    /// It counts as the moment of its start.
    pub(super) is_point: bool,
}

impl Times {
    /// `None` for an instance without a start.
    pub(super) fn of(candidate: &Candidate<'_>) -> Option<Self> {
        let instance = &candidate.instance;
        let (start, end) = (instance.start_utc?, instance.end_utc?);
        let is_date = instance.start.as_ref().is_some_and(|s| s.is_date());
        let is_point = match candidate.end_given {
            EndGiven::End => false,
            EndGiven::Duration => end <= start,
            EndGiven::No => !is_date,
        };
        Some(Self { start, end, is_point })
    }

    /// Whether it overlaps the range.
    pub(super) fn overlap(&self, range: &TimeRange) -> bool {
        let starts = if self.is_point { range.starts_by(self.start) } else { range.starts_before(self.end) };
        starts && range.ends_after(self.start)
    }
}

fn to_do(candidate: &Candidate<'_>, range: &TimeRange) -> bool {
    let instance = &candidate.instance;
    match (instance.start_utc, instance.end_utc, candidate.end_given) {
        (Some(start), Some(end), EndGiven::Duration) => range.starts_by(end) && (range.ends_after(start) || range.ends_from(end)),
        (Some(start), Some(due), _) => {
            (range.starts_before(due) || range.starts_by(start)) && (range.ends_after(start) || range.ends_from(due))
        }
        (Some(start), None, _) => range.starts_by(start) && range.ends_after(start),
        (None, Some(due), _) => range.starts_before(due) && range.ends_from(due),
        (None, None, _) => match (moment(instance.component, "COMPLETED"), moment(instance.component, "CREATED")) {
            (Some(completed), Some(created)) => {
                (range.starts_by(created) || range.starts_by(completed)) && (range.ends_from(created) || range.ends_from(completed))
            }
            (Some(completed), None) => range.starts_by(completed) && range.ends_from(completed),
            (None, Some(created)) => range.ends_after(created),
            (None, None) => true,
        },
    }
}

fn journal(candidate: &Candidate<'_>, range: &TimeRange) -> bool {
    let instance = &candidate.instance;
    let Some(start) = instance.start_utc else { return false };
    let starts = match instance.end_utc {
        Some(end) if instance.start.as_ref().is_some_and(|s| s.is_date()) => range.starts_before(end),
        _ => range.starts_by(start),
    };
    starts && range.ends_after(start)
}

fn free_busy(candidate: &Candidate<'_>, range: &TimeRange) -> bool {
    let instance = &candidate.instance;
    if let (Some(start), Some(end), EndGiven::End) = (instance.start_utc, instance.end_utc, candidate.end_given) {
        return range.starts_by(end) && range.ends_after(start);
    }
    crate::free_busy::stored_periods(instance.component).any(|(start, end, _)| range.starts_before(end) && range.ends_after(start))
}

fn availability(candidate: &Candidate<'_>, range: &TimeRange) -> bool {
    let instance = &candidate.instance;
    instance.end_utc.is_none_or(|end| range.starts_before(end)) && instance.start_utc.is_none_or(|start| range.ends_after(start))
}

fn moment(component: &Component, name: &str) -> Option<DateTime<Utc>> {
    parse_utc(component.line(name)?.value.trim())
}
