//! Free/busy: objects to busy periods to a VFREEBUSY (RFC 5545 §3.6.4, RFC 4791 §7.10).

use crate::calendar_object::CalendarObject;
use crate::date_time::TimeRange;
use crate::recurrence::{ExpansionLimits, TooManyInstances};
use crate::time_zone::Zone;
use chrono::{DateTime, Utc};

/// FBTYPE (RFC 5545 §3.2.9), weaker first: where periods overlap the stronger stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BusyType {
    /// BUSY-TENTATIVE
    Tentative,
    /// BUSY-UNAVAILABLE
    Unavailable,
    /// BUSY
    Busy,
}

/// A busy period, half open, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusyPeriod {
    /// Inclusive.
    pub start: DateTime<Utc>,
    /// Exclusive.
    pub end: DateTime<Utc>,
    /// How busy.
    pub busy_type: BusyType,
}

/// The busy periods one object contributes to the window, clipped to it: VEVENT (opaque, not cancelled, longer than zero;
/// tentative as such), stored VFREEBUSY.
pub fn busy_periods(
    object: &CalendarObject,
    window: &TimeRange,
    floating: &Zone,
    limits: &ExpansionLimits,
) -> Result<Vec<BusyPeriod>, TooManyInstances> {
    let _ = (object, window, floating, limits);
    todo!()
}

/// Merges overlapping and adjacent periods of one type; where types overlap the stronger one stands. Sorted.
pub fn coalesce(periods: Vec<BusyPeriod>) -> Vec<BusyPeriod> {
    let _ = periods;
    todo!()
}

/// The VCALENDAR with one VFREEBUSY that answers a free-busy-query: UTC periods, DTSTAMP as given, no UID of anyone.
pub fn to_vfreebusy(window: &TimeRange, periods: &[BusyPeriod], prod_id: &str, stamp: DateTime<Utc>) -> String {
    let _ = (window, periods, prod_id, stamp);
    todo!()
}
