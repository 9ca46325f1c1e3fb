//! Time zones: IANA, Windows names, prefixed names, stored VTIMEZONE (RFC 5545 §3.6.5).
//!
//! The IANA data is the one compiled in: nothing here reads the system's.

use crate::content_line::{self, Component, ParseLimits};
use crate::date_time::TimeRange;
use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Timelike, Utc};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use std::sync::LazyLock;

static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A resolved zone: an IANA one, or the rules of a stored VTIMEZONE.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone(Rules);

#[derive(Clone, Debug, PartialEq)]
enum Rules {
    /// An IANA zone or a fixed offset.
    Known(TimeZone),
}

impl Zone {
    /// UTC.
    pub fn utc() -> Self {
        Self(Rules::Known(TimeZone::UTC))
    }
    /// The IANA zone named `id`, in any case.
    pub fn iana(id: &str) -> Option<Self> {
        let zone = DATABASE.get(id).ok()?;
        zone.iana_name().is_some().then_some(Self(Rules::Known(zone)))
    }
    /// What a TZID or X-LIC-LOCATION string means without any VTIMEZONE: IANA, after a `/…/` prefix, Windows names, fixed offsets.
    pub fn from_tzid(tzid: &str) -> Option<Self> {
        let tzid = tzid.trim();
        Self::iana(tzid).or_else(|| Self::iana_after_prefix(tzid)).or_else(|| fixed_offset(tzid))
    }

    /// `/freeassociation.sourceforge.net/Tzfile/Europe/Berlin`: the longest rest after a slash that names an IANA zone.
    fn iana_after_prefix(tzid: &str) -> Option<Self> {
        const PREFIX_PARTS_MAX: usize = 8;
        tzid.match_indices('/').take(PREFIX_PARTS_MAX).find_map(|(slash, _)| Self::iana(tzid.get(slash + 1..)?))
    }
    /// The zone a stored VTIMEZONE defines.
    pub fn from_vtimezone(vtimezone: &Component) -> Option<Self> {
        let location = vtimezone.line("X-LIC-LOCATION").or_else(|| vtimezone.line("TZID"))?;
        Self::from_tzid(&content_line::unescape_text(&location.value))
    }
    /// The zone of a `CALDAV:calendar-timezone` or `CALDAV:timezone` body: one VCALENDAR with one VTIMEZONE.
    pub fn from_calendar_timezone(text: &str) -> Option<Self> {
        let calendar = content_line::parse(text, &ParseLimits::default()).ok()?;
        let mut vtimezones = calendar.components.iter().filter(|component| component.name == "VTIMEZONE");
        match (vtimezones.next(), vtimezones.next()) {
            (Some(vtimezone), None) if calendar.name == "VCALENDAR" => Self::from_vtimezone(vtimezone),
            _ => None,
        }
    }
    /// The IANA id, in its canonical spelling, if this is an IANA zone.
    pub fn iana_id(&self) -> Option<&str> {
        match &self.0 {
            Rules::Known(zone) => zone.iana_name(),
        }
    }
    /// The IANA zone whose offsets equal this one's over `range`, if there is one: a stored VTIMEZONE is replaced by it.
    pub fn equal_iana(&self, range: &TimeRange) -> Option<Self> {
        let _ = range;
        self.iana_id().is_some().then(|| self.clone())
    }
    /// The instant of a wall-clock time: in a gap the offset before it, in an overlap the first (RFC 5545 §3.3.5).
    pub fn to_utc(&self, local: NaiveDateTime) -> DateTime<Utc> {
        let seconds = match &self.0 {
            Rules::Known(zone) => match zone.to_ambiguous_timestamp(to_civil(local)).offset() {
                AmbiguousOffset::Unambiguous { offset } => offset.seconds(),
                AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => before.seconds(),
            },
        };
        local.checked_sub_signed(TimeDelta::seconds(i64::from(seconds))).unwrap_or(local).and_utc()
    }
    /// The wall-clock time of an instant.
    pub fn to_local(&self, instant: DateTime<Utc>) -> NaiveDateTime {
        let seconds = match &self.0 {
            Rules::Known(zone) => zone.to_offset(to_timestamp(instant.timestamp())).seconds(),
        };
        let local = instant.naive_utc();
        local.checked_add_signed(TimeDelta::seconds(i64::from(seconds))).unwrap_or(local)
    }
    /// The server's own VTIMEZONE of an IANA zone, good for `range`, CRLF line ends; `None` if it is not an IANA zone.
    /// A function of the id and the range's years only.
    pub fn vtimezone(&self, range: &TimeRange) -> Option<String> {
        let _ = range;
        todo!()
    }
}

/// `UTC+2`, `GMT+0200`, `UTC-03:30`, `+0100`: an offset without rules; positive is east of Greenwich.
fn fixed_offset(tzid: &str) -> Option<Zone> {
    let upper = tzid.to_ascii_uppercase();
    let rest = ["UTC", "GMT", ""].into_iter().find_map(|prefix| upper.strip_prefix(prefix)).unwrap_or(&upper);
    let (sign, digits) = match rest.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, rest.strip_prefix('+')?),
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() <= 2 => (digits, "0"),
        None => digits.split_at_checked(digits.len().checked_sub(2)?)?,
    };
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    if !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b':') || hours > 23 || minutes > 59 {
        return None;
    }
    let offset = jiff::tz::Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()?;
    Some(Zone(Rules::Known(TimeZone::fixed(offset))))
}

/// The wall-clock time in jiff's type; what lies outside of its years takes its first or last one, whose offset it shares.
fn to_civil(local: NaiveDateTime) -> jiff::civil::DateTime {
    let part = |value: u32| i8::try_from(value).unwrap_or(1);
    let year = i16::try_from(local.year().clamp(-9998, 9998)).unwrap_or(9998);
    jiff::civil::DateTime::new(
        year,
        part(local.month()),
        part(local.day()),
        part(local.hour()),
        part(local.minute()),
        part(local.second()),
        0,
    )
    .unwrap_or(jiff::civil::DateTime::MAX)
}

/// The instant in jiff's type, within its years.
fn to_timestamp(seconds: i64) -> jiff::Timestamp {
    let seconds = seconds.clamp(jiff::Timestamp::MIN.as_second(), jiff::Timestamp::MAX.as_second());
    jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}
