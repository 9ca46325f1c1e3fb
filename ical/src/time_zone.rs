//! Time zones: IANA, Windows names, prefixed names, stored VTIMEZONE (RFC 5545 §3.6.5).

use crate::content_line::Component;
use crate::date_time::TimeRange;
use chrono::{DateTime, NaiveDateTime, Utc};

/// A resolved zone: an IANA one, or the rules of a stored VTIMEZONE.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone(jiff::tz::TimeZone);

impl Zone {
    /// UTC.
    pub fn utc() -> Self {
        Self(jiff::tz::TimeZone::UTC)
    }
    /// The IANA zone named `id`, in any case.
    pub fn iana(id: &str) -> Option<Self> {
        let _ = id;
        todo!()
    }
    /// What a TZID or X-LIC-LOCATION string means without any VTIMEZONE: IANA, after a `/…/` prefix, Windows names, fixed offsets.
    pub fn from_tzid(tzid: &str) -> Option<Self> {
        let _ = tzid;
        todo!()
    }
    /// The zone a stored VTIMEZONE defines.
    pub fn from_vtimezone(vtimezone: &Component) -> Option<Self> {
        let _ = vtimezone;
        todo!()
    }
    /// The zone of a `CALDAV:calendar-timezone` or `CALDAV:timezone` body: one VCALENDAR with one VTIMEZONE.
    pub fn from_calendar_timezone(text: &str) -> Option<Self> {
        let _ = text;
        todo!()
    }
    /// The IANA id, in its canonical spelling, if this is an IANA zone.
    pub fn iana_id(&self) -> Option<&str> {
        todo!()
    }
    /// The IANA zone whose offsets equal this one's over `range`, if there is one: a stored VTIMEZONE is replaced by it.
    pub fn equal_iana(&self, range: &TimeRange) -> Option<Self> {
        let _ = range;
        todo!()
    }
    /// The instant of a wall-clock time: in a gap the offset before it, in an overlap the first (RFC 5545 §3.3.5).
    pub fn to_utc(&self, local: NaiveDateTime) -> DateTime<Utc> {
        let _ = local;
        todo!()
    }
    /// The wall-clock time of an instant.
    pub fn to_local(&self, instant: DateTime<Utc>) -> NaiveDateTime {
        let _ = instant;
        todo!()
    }
    /// The server's own VTIMEZONE of an IANA zone, good for `range`, CRLF line ends; `None` if it is not an IANA zone.
    /// A function of the id and the range's years only.
    pub fn vtimezone(&self, range: &TimeRange) -> Option<String> {
        let _ = range;
        todo!()
    }
}
