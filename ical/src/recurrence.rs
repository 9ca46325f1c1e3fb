//! Instances of a calendar object in a time range (RFC 5545 §3.8.5, RFC 4791 §9.9), bounded in number and work.

use crate::calendar_object::{CalendarObject, RecurrenceId};
use crate::content_line::Component;
use crate::date_time::{DateOrTime, TimeRange};
use crate::time_zone::Zone;
use chrono::{DateTime, NaiveDateTime, Utc};

/// Bounds of one expansion.
#[derive(Clone, Copy, Debug)]
pub struct ExpansionLimits {
    /// Instances produced.
    pub instances_max: usize,
    /// Candidates looked at, produced or not.
    pub steps_max: usize,
}

impl Default for ExpansionLimits {
    fn default() -> Self {
        Self { instances_max: 10_000, steps_max: 100_000 }
    }
}

/// The expansion would exceed its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many recurrence instances")]
pub struct TooManyInstances;

/// One instance.
#[derive(Clone, Debug)]
pub struct Instance<'a> {
    /// The component that describes it: the master or an override.
    pub component: &'a Component,
    /// The original slot: set for every instance of a recurring object.
    pub recurrence_id: Option<RecurrenceId>,
    /// The slot's value in the form the master's DTSTART has.
    pub slot: Option<DateOrTime>,
    /// Start as the form of DTSTART (a DATE, floating, UTC or zoned).
    pub start: Option<DateOrTime>,
    /// Start in UTC.
    pub start_utc: Option<DateTime<Utc>>,
    /// End (DTEND, DUE, or start + DURATION, or the default of RFC 5545 §3.6.1) in UTC.
    pub end_utc: Option<DateTime<Utc>>,
}

/// All instances that overlap `range` by the rules of RFC 4791 §9.9 for the component's kind, in order of start; floating
/// values and dates are taken in `floating`. An override stands for its slot wherever it was moved to.
pub fn instances<'a>(
    object: &'a CalendarObject,
    range: &TimeRange,
    floating: &Zone,
    limits: &ExpansionLimits,
) -> Result<Vec<Instance<'a>>, TooManyInstances> {
    let _ = (object, range, floating, limits);
    todo!()
}

/// The slots (wall-clock starts) that the master's own DTSTART and RRULE (without RDATE and EXDATE) produce, from DTSTART
/// until the bounds; and whether there are more.
pub fn rule_slots(object: &CalendarObject, limits: &ExpansionLimits) -> (Vec<NaiveDateTime>, bool) {
    let _ = (object, limits);
    todo!()
}

/// Whether the master's DTSTART or RRULE produces a slot at this wall-clock time (in the master's zone).
pub fn rule_has_slot(object: &CalendarObject, local: NaiveDateTime, limits: &ExpansionLimits) -> Result<bool, TooManyInstances> {
    let _ = (object, local, limits);
    todo!()
}

/// The number of instances counted from DTSTART within the limits (an endless series counts as `instances_max`).
pub fn instance_count(object: &CalendarObject, limits: &ExpansionLimits) -> usize {
    let _ = (object, limits);
    todo!()
}
