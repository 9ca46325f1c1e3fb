//! Stored VFREEBUSY components below Full: busy time and nothing else, alike at FreeBusy and Title.

use ical::free_busy::{BusyType, busy_periods, coalesce};
use ical::write::push_line;
use ical::{CalendarObject, ExpansionLimits, TimeRange, Zone};

/// DTSTAMP, as everywhere below Full.
const STAMP: &str = "20000101T000000Z";

/// The VFREEBUSY with its coalesced busy periods, from the first of them to the last; `None` if there is none.
pub(super) fn reduced(object: &CalendarObject, uid: &str) -> Option<String> {
    let periods = busy_periods(object, &TimeRange::default(), &Zone::utc(), &ExpansionLimits::default()).ok()?;
    let periods = coalesce(periods);
    let start = periods.iter().map(|period| period.start).min()?;
    let end = periods.iter().map(|period| period.end).max()?;
    let mut out = String::with_capacity(256);
    let utc = ical::date_time::format_utc;
    push_line(&mut out, "BEGIN", "VFREEBUSY");
    push_line(&mut out, "UID", uid);
    push_line(&mut out, "DTSTAMP", STAMP);
    push_line(&mut out, "DTSTART", &utc(start));
    push_line(&mut out, "DTEND", &utc(end));
    for (busy_type, name) in
        [(BusyType::Busy, "BUSY"), (BusyType::Unavailable, "BUSY-UNAVAILABLE"), (BusyType::Tentative, "BUSY-TENTATIVE")]
    {
        let of_type = periods.iter().filter(|period| period.busy_type == busy_type);
        let values = of_type.map(|period| format!("{}/{}", utc(period.start), utc(period.end))).collect::<Vec<_>>().join(",");
        if !values.is_empty() {
            push_line(&mut out, &format!("FREEBUSY;FBTYPE={name}"), &values);
        }
    }
    push_line(&mut out, "END", "VFREEBUSY");
    Some(out)
}
