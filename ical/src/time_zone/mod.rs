//! Time zones: IANA, Windows names, prefixed names, stored VTIMEZONE (RFC 5545 §3.6.5).
//!
//! The IANA data is the one compiled in: nothing here reads the system's.

mod definition;
mod stored;
#[cfg(test)]
mod tests;
mod windows;

use crate::content_line::{self, Component, ParseLimits};
use crate::date_time::TimeRange;
use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Timelike, Utc};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use stored::StoredZone;

static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Definitions written, by id and years: a pure function remembered, so nobody can tell but by the clock.
static DEFINITIONS: LazyLock<Mutex<HashMap<DefinitionKey, Arc<str>>>> = LazyLock::new(Mutex::default);
type DefinitionKey = (String, i32, Option<i32>);
/// Definitions remembered; then all are forgotten.
const DEFINITIONS_MAX: usize = 256;

/// Onsets compared before two zones are held to be different.
const COMPARED_ONSETS_MAX: usize = 2_000;
/// Zones without end are compared for so many years, and at least up to the year below.
const COMPARED_YEARS: i32 = 15;
const COMPARED_YEAR_MIN: i32 = 2045;
/// A zone that bears on no event yet is compared since 2020, in Unix seconds.
const COMPARED_SINCE: i64 = 1_577_836_800;
/// Where nothing in a stored VTIMEZONE names a zone: the first of these that has its rules.
const COMMON_ZONES: [&str; 24] = [
    "Europe/Berlin",
    "Europe/London",
    "Europe/Athens",
    "Europe/Lisbon",
    "Europe/Istanbul",
    "Europe/Moscow",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Phoenix",
    "America/Anchorage",
    "America/Halifax",
    "America/Sao_Paulo",
    "America/Mexico_City",
    "Asia/Kolkata",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Asia/Dubai",
    "Asia/Singapore",
    "Asia/Jerusalem",
    "Australia/Sydney",
    "Australia/Brisbane",
    "Pacific/Auckland",
];

/// A resolved zone: an IANA one, or the rules of a stored VTIMEZONE.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone(Rules);

#[derive(Clone, Debug, PartialEq)]
enum Rules {
    /// An IANA zone or a fixed offset.
    Known(TimeZone),
    /// What a VTIMEZONE says.
    Stored(Arc<StoredZone>),
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
        Self::iana(tzid)
            .or_else(|| Self::iana_after_prefix(tzid))
            .or_else(|| Self::iana(windows::iana_id(tzid)?))
            .or_else(|| fixed_offset(tzid))
    }

    /// `/freeassociation.sourceforge.net/Tzfile/Europe/Berlin`: the longest rest after a slash that names an IANA zone.
    fn iana_after_prefix(tzid: &str) -> Option<Self> {
        const PREFIX_PARTS_MAX: usize = 8;
        if !tzid.starts_with('/') && !tzid.contains("://") {
            return None;
        }
        tzid.match_indices('/').take(PREFIX_PARTS_MAX).find_map(|(slash, _)| Self::iana(tzid.get(slash + 1..)?))
    }
    /// The zone a stored VTIMEZONE defines, by its rules alone: its names are not looked at, see [`Self::equal_iana`].
    pub fn from_vtimezone(vtimezone: &Component) -> Option<Self> {
        Some(Self(Rules::Stored(Arc::new(StoredZone::read(vtimezone)?))))
    }
    /// The zone of a `CALDAV:calendar-timezone` or `CALDAV:timezone` body: one VCALENDAR with one VTIMEZONE.
    pub fn from_calendar_timezone(text: &str) -> Option<Self> {
        let calendar = content_line::parse(text, &ParseLimits::default()).ok()?;
        // Without a version it is no iCalendar (RFC 5545 §3.6), and nobody has said what it means.
        let is_calendar = calendar.name == "VCALENDAR" && calendar.line("VERSION").is_some_and(|line| line.value.trim() == "2.0");
        match calendar.components.as_slice() {
            [vtimezone] if is_calendar && vtimezone.name == "VTIMEZONE" => {
                let zone = Self::from_vtimezone(vtimezone)?;
                Some(zone.equal_iana(&TimeRange { start: DateTime::from_timestamp(COMPARED_SINCE, 0), end: None }).unwrap_or(zone))
            }
            _ => None,
        }
    }
    /// The IANA id, in its canonical spelling, if this is an IANA zone.
    pub fn iana_id(&self) -> Option<&str> {
        match &self.0 {
            Rules::Known(zone) => zone.iana_name(),
            Rules::Stored(_) => None,
        }
    }
    /// The IANA zone whose offsets equal this one's over `range`, if there is one: a stored VTIMEZONE is replaced by it.
    /// One that its own names suggest is preferred. A range without end is compared for some decades.
    pub fn equal_iana(&self, range: &TimeRange) -> Option<Self> {
        let (start, end) = compared_seconds(range);
        let stored = match &self.0 {
            Rules::Known(zone) if zone.iana_name().is_some() => return Some(self.clone()),
            Rules::Known(_) => return self.constant_iana(start, end),
            Rules::Stored(stored) => stored,
        };
        let named = stored.names.iter().filter_map(|name| Self::from_tzid(name)).filter(|zone| zone.iana_id().is_some());
        let common = COMMON_ZONES.iter().filter_map(|id| Self::iana(id));
        named.chain(common).find(|zone| zone.equals(self, start, end)).or_else(|| self.constant_iana(start, end))
    }

    /// UTC or the `Etc/GMT±h` zone, if the offset does not change and is of whole hours.
    fn constant_iana(&self, start: i64, end: i64) -> Option<Self> {
        let offset = self.offset_at(start);
        let hours = (offset % 3600 == 0).then_some(-offset / 3600)?;
        let zone = if hours == 0 { Self::utc() } else { Self::iana(&format!("Etc/GMT{hours:+}"))? };
        zone.equals(self, start, end).then_some(zone)
    }

    /// Whether both have the same offset at every instant of the range.
    fn equals(&self, other: &Self, start: i64, end: i64) -> bool {
        let mut at = start;
        for _ in 0..COMPARED_ONSETS_MAX {
            if self.offset_at(at) != other.offset_at(at) {
                return false;
            }
            match [self.next_onset(at), other.next_onset(at)].into_iter().flatten().min() {
                Some(next) if next < end => at = next,
                _ => return true,
            }
        }
        false
    }

    fn offset_at(&self, at: i64) -> i32 {
        match &self.0 {
            Rules::Known(zone) => zone.to_offset(to_timestamp(at)).seconds(),
            Rules::Stored(stored) => stored.offset_at(at),
        }
    }

    fn next_onset(&self, after: i64) -> Option<i64> {
        match &self.0 {
            Rules::Known(zone) => zone.following(to_timestamp(after)).next().map(|transition| transition.timestamp().as_second()),
            Rules::Stored(stored) => stored.next_onset(after),
        }
    }

    /// The instant of a wall-clock time: in a gap the offset before it, in an overlap the first (RFC 5545 §3.3.5).
    pub fn to_utc(&self, local: NaiveDateTime) -> DateTime<Utc> {
        let seconds = match &self.0 {
            Rules::Known(zone) => match zone.to_ambiguous_timestamp(to_civil(local)).offset() {
                AmbiguousOffset::Unambiguous { offset } => offset.seconds(),
                AmbiguousOffset::Gap { before, .. } | AmbiguousOffset::Fold { before, .. } => before.seconds(),
            },
            Rules::Stored(stored) => stored.offset_of_local(local),
        };
        local.checked_sub_signed(TimeDelta::seconds(i64::from(seconds))).unwrap_or(local).and_utc()
    }
    /// The wall-clock time of an instant.
    pub fn to_local(&self, instant: DateTime<Utc>) -> NaiveDateTime {
        let seconds = self.offset_at(instant.timestamp());
        let local = instant.naive_utc();
        local.checked_add_signed(TimeDelta::seconds(i64::from(seconds))).unwrap_or(local)
    }
    /// The server's own VTIMEZONE of an IANA zone, good for `range`, CRLF line ends; `None` if it is not an IANA zone.
    /// A function of the id and the range's years only.
    pub fn vtimezone(&self, range: &TimeRange) -> Option<String> {
        let id = self.iana_id()?;
        let Rules::Known(zone) = &self.0 else { return None };
        let (first_year, last_year) = definition::years(range.start, range.end);
        let key = (id.to_owned(), first_year, last_year);
        if let Some(known) = DEFINITIONS.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Some(known.to_string());
        }
        let written = definition::write(zone, id, first_year, last_year);
        let mut definitions = DEFINITIONS.lock().unwrap_or_else(PoisonError::into_inner);
        if definitions.len() >= DEFINITIONS_MAX {
            definitions.clear();
        }
        definitions.insert(key, written.as_str().into());
        Some(written)
    }

    /// The same of an IANA zone or a fixed offset under the name that someone else gave it.
    pub fn vtimezone_named(&self, tzid: &str, range: &TimeRange) -> Option<String> {
        let Rules::Known(zone) = &self.0 else { return None };
        if zone.iana_name() == Some(tzid) {
            return self.vtimezone(range);
        }
        let (first_year, last_year) = definition::years(range.start, range.end);
        Some(definition::write(zone, &content_line::escape_text(tzid), first_year, last_year))
    }

    /// A VCALENDAR with the server's own definition of an IANA zone: what `CALDAV:calendar-timezone` holds where it was set by
    /// an id (RFC 7809 §3.1.5).
    pub fn to_calendar_timezone(&self, prod_id: &str) -> Option<String> {
        let definition = self.vtimezone(&TimeRange::default())?;
        Some(format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:{prod_id}\r\n{definition}END:VCALENDAR\r\n"))
    }

    /// The TZID of the zone that a `CALDAV:calendar-timezone` defines.
    pub fn id_of_calendar_timezone(text: &str) -> Option<String> {
        let calendar = content_line::parse(text, &ParseLimits::default()).ok()?;
        let zone = calendar.components.iter().find(|component| component.name == "VTIMEZONE")?;
        Some(content_line::unescape_text(&zone.line("TZID")?.value))
    }
}

/// The range to compare zones over, in Unix seconds.
fn compared_seconds(range: &TimeRange) -> (i64, i64) {
    let start = range.start.map_or(0, |start| start.timestamp());
    let end = range.end.map(|end| end.timestamp()).or_else(|| {
        let year = DateTime::from_timestamp(start, 0)?.year().saturating_add(COMPARED_YEARS).max(COMPARED_YEAR_MIN);
        Some(chrono::NaiveDate::from_ymd_opt(year, 1, 1)?.and_time(chrono::NaiveTime::MIN).and_utc().timestamp())
    });
    (start, end.unwrap_or(start))
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
