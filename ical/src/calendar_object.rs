//! A calendar object resource (RFC 4791 §4.1): the client's bytes and the parsed view of them.
//!
//! What makes a body one is checked in `object_check`; nothing here changes a byte.

use crate::content_line::{Component, ContentLine, ParseLimits, unescape_text};
use crate::date_time::{DateOrTime, TimeRange, format_utc, parse_date, parse_local, parse_utc};
use crate::time_zone::Zone;
use crate::{object_check, span};
use std::sync::{Arc, OnceLock};

/// The component types a calendar object resource may consist of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ComponentKind {
    /// VEVENT
    Event,
    /// VTODO
    ToDo,
    /// VJOURNAL
    Journal,
    /// VFREEBUSY
    FreeBusy,
    /// VAVAILABILITY (RFC 7953)
    Availability,
}

impl ComponentKind {
    /// The component's name in iCalendar, e.g. `VEVENT`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Event => "VEVENT",
            Self::ToDo => "VTODO",
            Self::Journal => "VJOURNAL",
            Self::FreeBusy => "VFREEBUSY",
            Self::Availability => "VAVAILABILITY",
        }
    }
    /// The kind named `name`, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Event, Self::ToDo, Self::Journal, Self::FreeBusy, Self::Availability]
            .into_iter()
            .find(|k| k.name().eq_ignore_ascii_case(name))
    }
}

/// Which instance an override replaces: RECURRENCE-ID resolved to UTC (`20261122T100000Z`), a date (`20261122`) or a
/// floating time (`20261122T100000`), so that two spellings of one instant are equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecurrenceId(pub String);

/// Why a body is refused as a calendar object resource. The words are fixed and quote nothing of the body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidObject {
    /// Not iCalendar 2.0 at all. Use with: 403 `CALDAV:supported-calendar-data`.
    #[error("not iCalendar 2.0: {0}")]
    NotCalendarData(&'static str),
    /// Malformed. Use with: 403 `CALDAV:valid-calendar-data`.
    #[error("invalid iCalendar, line {line}: {reason}")]
    InvalidData {
        /// 1-based line.
        line: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// A TZID that the object does not define and that is no IANA zone. Use with: 403 `CALDAV:valid-timezone`.
    #[error("invalid iCalendar, line {line}: a time zone that is neither defined nor known")]
    UnknownTimeZone {
        /// 1-based line.
        line: usize,
    },
    /// Breaks RFC 4791 §4.1. Use with: 403 `CALDAV:valid-calendar-object-resource`.
    #[error("not a calendar object resource: {0}")]
    InvalidResource(&'static str),
    /// A component type no calendar here may hold. Use with: 403 `CALDAV:supported-calendar-component`.
    #[error("component type not supported")]
    UnsupportedComponent,
    /// A recurrence rule finer than hourly: more instances than any server can list. Use with: 403 `CALDAV:max-instances`.
    #[error("recurrence finer than hourly")]
    TooManyInstances,
    /// Over a size limit. Use with: 403 `CALDAV:max-resource-size`.
    #[error("larger than the limit")]
    TooLarge,
}

impl RecurrenceId {
    /// The canonical form of a RECURRENCE-ID value.
    pub fn of(value: &DateOrTime) -> Self {
        Self(match value {
            DateOrTime::Date(date) => date.format("%Y%m%d").to_string(),
            DateOrTime::Floating(local) => local.format("%Y%m%dT%H%M%S").to_string(),
            DateOrTime::Utc(instant) => format_utc(*instant),
            DateOrTime::Zoned(local, zone) => format_utc(zone.to_utc(*local)),
        })
    }
}

/// A valid calendar object resource.
#[derive(Clone, Debug)]
pub struct CalendarObject {
    text: Arc<str>,
    /// Shared: a projection that shows everything hands the stored object on.
    calendar: Arc<Component>,
    kind: ComponentKind,
    uid: String,
    /// The zones its TZIDs stand for, each looked up when first asked for.
    zones: Arc<[ZoneSlot]>,
}

/// A TZID in use and what it was found to mean.
#[derive(Debug)]
struct ZoneSlot {
    tzid: String,
    zone: OnceLock<Option<Zone>>,
}

/// A DATE or DATE-TIME as it stands on a line, before its zone is looked up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum RawTime<'a> {
    Date(chrono::NaiveDate),
    Floating(chrono::NaiveDateTime),
    Utc(chrono::DateTime<chrono::Utc>),
    Zoned(chrono::NaiveDateTime, &'a str),
}

impl RawTime<'_> {
    pub(crate) fn naive(&self) -> chrono::NaiveDateTime {
        match self {
            Self::Date(date) => crate::date_time::midnight(*date),
            Self::Utc(instant) => instant.naive_utc(),
            Self::Floating(local) | Self::Zoned(local, _) => *local,
        }
    }
}

/// Reads one DATE or DATE-TIME value with the VALUE and TZID parameters of the line it stands on. Eight digits without
/// VALUE are a DATE, as many clients write them; a `Z` prevails over a TZID.
pub(crate) fn raw_time<'a>(line: &'a ContentLine, value: &str) -> Option<RawTime<'a>> {
    let value = value.trim();
    let value_type = line.parameter("VALUE");
    let is = |name: &str| value_type.is_some_and(|value_type| value_type.eq_ignore_ascii_case(name));
    if is("DATE") {
        return parse_date(value).map(RawTime::Date);
    }
    if value_type.is_none() && value.len() == 8 {
        return parse_date(value).map(RawTime::Date);
    }
    if value_type.is_some() && !is("DATE-TIME") && !is("PERIOD") {
        return None;
    }
    if let Some(instant) = parse_utc(value) {
        return Some(RawTime::Utc(instant));
    }
    let local = parse_local(value)?;
    Some(match line.parameter("TZID") {
        Some(tzid) => RawTime::Zoned(local, tzid),
        None => RawTime::Floating(local),
    })
}

impl CalendarObject {
    /// Parses and checks against RFC 4791 §4.1: one VCALENDAR (VERSION 2.0), no METHOD, one kind of component besides
    /// VTIMEZONE, one UID, at most one component without RECURRENCE-ID, no RECURRENCE-ID twice, no RANGE but THISANDFUTURE, every TZID
    /// defined or known, every date readable, every recurrence rule supported (nothing finer than hourly).
    pub fn parse(bytes: &[u8], limits: &ParseLimits) -> Result<Self, InvalidObject> {
        Self::parse_with(bytes, limits, |_| OnceLock::new())
    }
    /// The same for a text taken out of another object, whose TZIDs mean what they mean there: it need not define them.
    pub(crate) fn parse_part_of(whole: &Self, bytes: &[u8], limits: &ParseLimits) -> Result<Self, InvalidObject> {
        Self::parse_with(bytes, limits, |tzid| OnceLock::from(whole.zone(tzid)))
    }
    fn parse_with(bytes: &[u8], limits: &ParseLimits, zone: impl Fn(&str) -> OnceLock<Option<Zone>>) -> Result<Self, InvalidObject> {
        let read = object_check::read(bytes, limits)?;
        let tzids = object_check::tzids(&read.calendar);
        if tzids.len() > limits.zones_max {
            return Err(InvalidObject::InvalidResource("more time zones than the limit"));
        }
        let zones = tzids.into_iter().map(|tzid| ZoneSlot { tzid: tzid.to_owned(), zone: zone(tzid) }).collect();
        let object = Self { text: read.text.into(), calendar: Arc::new(read.calendar), kind: read.kind, uid: read.uid, zones };
        object_check::check_times(&object)?;
        Ok(object)
    }
    /// The client's bytes.
    pub fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }
    /// The same as text.
    pub fn text(&self) -> &str {
        &self.text
    }
    /// The VCALENDAR.
    pub fn calendar(&self) -> &Component {
        &self.calendar
    }
    /// The one kind of its components.
    pub fn kind(&self) -> ComponentKind {
        self.kind
    }
    /// The one UID of its components, as it stands (TEXT escapes decoded).
    pub fn uid(&self) -> &str {
        &self.uid
    }
    /// All components of the object's kind, in original order. VTIMEZONE and components of unknown names, which may stand
    /// beside them, are found in [`Self::calendar`].
    pub fn components(&self) -> impl Iterator<Item = &Component> {
        let name = self.kind.name();
        self.calendar.components.iter().filter(move |c| c.name == name)
    }
    /// The component without RECURRENCE-ID, if there is one.
    pub fn master(&self) -> Option<&Component> {
        self.components().find(|c| c.line("RECURRENCE-ID").is_none())
    }
    /// The RECURRENCE-ID of a component of this object.
    pub fn recurrence_id(&self, component: &Component) -> Option<RecurrenceId> {
        Some(RecurrenceId::of(&self.replaced(component)?))
    }
    /// The instance an override replaces. Of a series of days it is a day, although Exchange writes it as midnight.
    pub(crate) fn replaced(&self, component: &Component) -> Option<DateOrTime> {
        let value = self.date_or_time(component.line("RECURRENCE-ID")?)?;
        let start = self.master().and_then(|master| master.line("DTSTART"));
        let of_days = start.and_then(|line| raw_time(line, &line.value)).is_some_and(|start| matches!(start, RawTime::Date(_)));
        let naive = value.naive();
        Some(if of_days && naive.time() == chrono::NaiveTime::MIN { DateOrTime::Date(naive.date()) } else { value })
    }
    /// The line that says when a component ends: DUE of a to-do, DTEND of anything else. `None` where it is missing, and
    /// where it cannot be an end because it has another value type than DTSTART or is before it: such a line is kept, and
    /// means nothing.
    pub fn end_line<'c>(&self, component: &'c Component) -> Option<&'c ContentLine> {
        let name = if self.kind() == ComponentKind::ToDo { "DUE" } else { "DTEND" };
        component.line(name).filter(|line| object_check::states_end(self, component, line))
    }
    /// A date or time value of one of this object's lines, TZID looked up in this object.
    pub fn date_or_time(&self, line: &ContentLine) -> Option<DateOrTime> {
        self.date_or_time_of(line, &line.value)
    }
    /// `value`, one of the values of `line` (an EXDATE has several, an RDATE also periods), read with the line's VALUE and
    /// TZID parameters.
    pub fn date_or_time_of(&self, line: &ContentLine, value: &str) -> Option<DateOrTime> {
        Some(match raw_time(line, value)? {
            RawTime::Date(date) => DateOrTime::Date(date),
            RawTime::Floating(local) => DateOrTime::Floating(local),
            RawTime::Utc(instant) => DateOrTime::Utc(instant),
            RawTime::Zoned(local, tzid) => DateOrTime::Zoned(local, self.zone(tzid)?),
        })
    }
    /// The zone a TZID stands for in this object.
    pub fn zone(&self, tzid: &str) -> Option<Zone> {
        match self.zones.iter().find(|slot| slot.tzid == tzid) {
            Some(slot) => slot.zone.get_or_init(|| self.look_up_zone(tzid)).clone(),
            None => self.look_up_zone(tzid),
        }
    }
    /// A range in UTC outside of which the object surely has no instance under any time zone for floating values
    /// (`None` ends mean unbounded); for time-range queries before bodies are looked at. Alarms may lie outside of it.
    pub fn span(&self) -> TimeRange {
        span::of(self)
    }

    /// A TZID that is an IANA id means that zone (RFC 7809 §3.1.1), as to every client in use, whatever the VTIMEZONE beside it
    /// says: eM Client defines New York by the two onsets of 2007 alone. Else the VTIMEZONE first, since that is what its
    /// writer meant; then what the TZID says otherwise.
    fn look_up_zone(&self, tzid: &str) -> Option<Zone> {
        if let Some(zone) = Zone::iana(tzid) {
            return Some(zone);
        }
        let vtimezone = self.vtimezone(tzid);
        let stored = vtimezone.and_then(Zone::from_vtimezone);
        if let Some(stored) = stored {
            return Some(stored.equal_iana(&span::used_range(&self.calendar)).unwrap_or(stored));
        }
        let location = vtimezone.and_then(|vtimezone| vtimezone.line("X-LIC-LOCATION"));
        Zone::from_tzid(tzid).or_else(|| Zone::from_tzid(&unescape_text(&location?.value)))
    }

    fn vtimezone(&self, tzid: &str) -> Option<&Component> {
        self.calendar
            .components
            .iter()
            .filter(|component| component.name == "VTIMEZONE")
            .find(|component| component.line("TZID").is_some_and(|line| names(&line.value, tzid)))
    }
}

/// Whether the TZID property of a VTIMEZONE, a TEXT, is what a TZID parameter says; some clients escape neither.
pub(crate) fn names(property: &str, tzid: &str) -> bool {
    property == tzid || (property.contains('\\') && unescape_text(property) == tzid)
}

#[cfg(test)]
mod tests;
