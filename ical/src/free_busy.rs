//! Free/busy: objects to busy periods to a VFREEBUSY (RFC 5545 §3.6.4, RFC 4791 §7.10).
//!
//! Times and types only: nothing of an event's text passes through here.

use crate::calendar_object::{CalendarObject, ComponentKind};
use crate::content_line::{Component, ContentLine};
use crate::date_time::{DateOrTime, TimeRange, format_utc, parse_duration, parse_utc};
use crate::recurrence::{self, ExpansionLimits, Instance, TooManyInstances};
use crate::time_zone::Zone;
use crate::write::push_line;
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

impl BusyType {
    const ALL: [Self; 3] = [Self::Tentative, Self::Unavailable, Self::Busy];

    /// The FREEBUSY property of this type, with its parameter; BUSY is the default and goes without.
    fn property(self) -> &'static str {
        match self {
            Self::Tentative => "FREEBUSY;FBTYPE=BUSY-TENTATIVE",
            Self::Unavailable => "FREEBUSY;FBTYPE=BUSY-UNAVAILABLE",
            Self::Busy => "FREEBUSY;FBTYPE=BUSY",
        }
    }
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
/// tentative as such), stored VFREEBUSY. The other kinds contribute none.
pub fn busy_periods(
    object: &CalendarObject,
    window: &TimeRange,
    floating: &Zone,
    limits: &ExpansionLimits,
) -> Result<Vec<BusyPeriod>, TooManyInstances> {
    let periods: Vec<BusyPeriod> = match object.kind() {
        ComponentKind::Event => recurrence::instances(object, window, floating, limits)?.iter().filter_map(event_period).collect(),
        ComponentKind::FreeBusy => {
            let stored = object.components().flat_map(stored_periods);
            let busy = stored.filter_map(|(start, end, busy_type)| Some(BusyPeriod { start, end, busy_type: busy_type? }));
            busy.take(limits.steps_max.saturating_add(1)).collect()
        }
        ComponentKind::ToDo | ComponentKind::Journal | ComponentKind::Availability => Vec::new(),
    };
    if periods.len() > limits.steps_max {
        return Err(TooManyInstances);
    }
    Ok(periods.into_iter().filter_map(|period| clip(period, window)).collect())
}

/// How busy an instance makes (RFC 4791 §7.10): TRANSP and STATUS decide.
fn event_period(instance: &Instance<'_>) -> Option<BusyPeriod> {
    let is = |name: &str, value: &str| instance.component.line(name).is_some_and(|l| l.value.trim().eq_ignore_ascii_case(value));
    if is("TRANSP", "TRANSPARENT") || is("STATUS", "CANCELLED") {
        return None;
    }
    let busy_type = if is("STATUS", "TENTATIVE") { BusyType::Tentative } else { BusyType::Busy };
    Some(BusyPeriod { start: instance.start_utc?, end: instance.end_utc?, busy_type })
}

fn clip(period: BusyPeriod, window: &TimeRange) -> Option<BusyPeriod> {
    let start = window.start.map_or(period.start, |start| start.max(period.start));
    let end = window.end.map_or(period.end, |end| end.min(period.end));
    (start < end).then_some(BusyPeriod { start, end, ..period })
}

/// The periods on the FREEBUSY lines of a component; no type is a free one. An unknown type counts as BUSY
/// (RFC 5545 §3.2.9). What cannot be read is passed over.
pub(crate) fn stored_periods(component: &Component) -> impl Iterator<Item = (DateTime<Utc>, DateTime<Utc>, Option<BusyType>)> + use<'_> {
    component.lines_named("FREEBUSY").flat_map(|line| {
        let busy_type = stored_type(line);
        line.value.split(',').filter_map(move |period| parse_period(period).map(|(start, end)| (start, end, busy_type)))
    })
}

fn stored_type(line: &ContentLine) -> Option<BusyType> {
    match line.parameter("FBTYPE").map(str::to_ascii_uppercase).as_deref() {
        Some("FREE") => None,
        Some("BUSY-TENTATIVE") => Some(BusyType::Tentative),
        Some("BUSY-UNAVAILABLE") => Some(BusyType::Unavailable),
        _ => Some(BusyType::Busy),
    }
}

/// A PERIOD in UTC: start and end, or start and duration (RFC 5545 §3.3.9).
pub(crate) fn parse_period(period: &str) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let (start, end) = period.trim().split_once('/')?;
    let start = parse_utc(start)?;
    let end = match parse_utc(end) {
        Some(end) => end,
        None => recurrence::add(&DateOrTime::Utc(start), parse_duration(end)?, &Zone::utc()).to_utc(&Zone::utc()),
    };
    Some((start, end))
}

/// Merges overlapping and adjacent periods of one type; where types overlap the stronger one stands. Sorted, free of
/// overlaps, and as few as can be. Empty periods vanish.
pub fn coalesce(periods: Vec<BusyPeriod>) -> Vec<BusyPeriod> {
    // Each period opens and closes once; between two such moments the strongest open type holds.
    let mut moments: Vec<(DateTime<Utc>, BusyType, i64)> = Vec::with_capacity(periods.len().saturating_mul(2));
    for period in periods.into_iter().filter(|period| period.start < period.end) {
        moments.push((period.start, period.busy_type, 1));
        moments.push((period.end, period.busy_type, -1));
    }
    moments.sort_unstable_by_key(|(at, _, _)| *at);
    let mut open = [0_i64; BusyType::ALL.len()];
    let mut merged: Vec<BusyPeriod> = Vec::new();
    let mut since: Option<DateTime<Utc>> = None;
    for (at, busy_type, change) in moments {
        let strongest = BusyType::ALL.into_iter().zip(open).rev().find(|(_, count)| *count > 0).map(|(strongest, _)| strongest);
        if let (Some(start), Some(strongest)) = (since.filter(|since| *since < at), strongest) {
            match merged.last_mut().filter(|last| last.end == start && last.busy_type == strongest) {
                Some(last) => last.end = at,
                None => merged.push(BusyPeriod { start, end: at, busy_type: strongest }),
            }
        }
        since = Some(at);
        if let Some((_, count)) = BusyType::ALL.into_iter().zip(&mut open).find(|(listed, _)| *listed == busy_type) {
            *count += change;
        }
    }
    merged
}

/// The VCALENDAR with one VFREEBUSY that answers a free-busy-query: UTC periods, DTSTAMP as given, no UID of anyone.
///
/// RFC 5545 §3.6.4 demands a UID; this one is a function of the window alone. `prod_id` is TEXT, escaped already.
pub fn to_vfreebusy(window: &TimeRange, periods: &[BusyPeriod], prod_id: &str, stamp: DateTime<Utc>) -> String {
    let end_name = |end: Option<DateTime<Utc>>| end.map_or_else(|| "open".to_owned(), format_utc);
    let mut out = String::with_capacity(256 + periods.len() * 64);
    push_line(&mut out, "BEGIN", "VCALENDAR");
    push_line(&mut out, "VERSION", "2.0");
    push_line(&mut out, "PRODID", prod_id);
    push_line(&mut out, "BEGIN", "VFREEBUSY");
    push_line(&mut out, "UID", &format!("free-busy-{}-{}", end_name(window.start), end_name(window.end)));
    push_line(&mut out, "DTSTAMP", &format_utc(stamp));
    if let Some(start) = window.start {
        push_line(&mut out, "DTSTART", &format_utc(start));
    }
    if let Some(end) = window.end {
        push_line(&mut out, "DTEND", &format_utc(end));
    }
    let mut sorted: Vec<&BusyPeriod> = periods.iter().collect();
    sorted.sort_by_key(|period| (period.start, period.end, period.busy_type));
    for period in sorted {
        push_line(&mut out, period.busy_type.property(), &format!("{}/{}", format_utc(period.start), format_utc(period.end)));
    }
    push_line(&mut out, "END", "VFREEBUSY");
    push_line(&mut out, "END", "VCALENDAR");
    out
}
