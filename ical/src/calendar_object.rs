//! A calendar object resource (RFC 4791 §4.1): the client's bytes and the parsed view of them.

use crate::content_line::{Component, ContentLine, ParseLimits};
use crate::date_time::{DateOrTime, TimeRange};
use crate::time_zone::Zone;

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
    /// Breaks RFC 4791 §4.1. Use with: 403 `CALDAV:valid-calendar-object-resource`.
    #[error("not a calendar object resource: {0}")]
    InvalidResource(&'static str),
    /// A component type no calendar here may hold. Use with: 403 `CALDAV:supported-calendar-component`.
    #[error("component type not supported")]
    UnsupportedComponent,
    /// Over a size limit. Use with: 403 `CALDAV:max-resource-size`.
    #[error("larger than the limit")]
    TooLarge,
}

/// A valid calendar object resource.
#[derive(Clone, Debug)]
pub struct CalendarObject {
    text: std::sync::Arc<str>,
    calendar: Component,
    kind: ComponentKind,
    uid: String,
}

impl CalendarObject {
    /// Parses and checks against RFC 4791 §4.1: one VCALENDAR (VERSION 2.0), no METHOD, one kind of component besides
    /// VTIMEZONE, one UID, at most one component without RECURRENCE-ID, no RECURRENCE-ID twice, no RANGE, every TZID
    /// defined or known, every date readable, every recurrence rule supported (nothing finer than hourly).
    pub fn parse(bytes: &[u8], limits: &ParseLimits) -> Result<Self, InvalidObject> {
        let _ = (bytes, limits);
        todo!()
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
    /// All components but VTIMEZONE, in original order.
    pub fn components(&self) -> impl Iterator<Item = &Component> {
        self.calendar.components.iter().filter(|c| c.name != "VTIMEZONE")
    }
    /// The component without RECURRENCE-ID, if there is one.
    pub fn master(&self) -> Option<&Component> {
        self.components().find(|c| c.line("RECURRENCE-ID").is_none())
    }
    /// The RECURRENCE-ID of a component of this object.
    pub fn recurrence_id(&self, component: &Component) -> Option<RecurrenceId> {
        let _ = component;
        todo!()
    }
    /// A date or time value of one of this object's lines, TZID looked up in this object.
    pub fn date_or_time(&self, line: &ContentLine) -> Option<DateOrTime> {
        let _ = line;
        todo!()
    }
    /// The zone a TZID stands for in this object.
    pub fn zone(&self, tzid: &str) -> Option<Zone> {
        let _ = tzid;
        todo!()
    }
    /// A range in UTC outside of which the object surely has no instance under any time zone for floating values
    /// (`None` ends mean unbounded); for time-range queries before bodies are looked at.
    pub fn span(&self) -> TimeRange {
        todo!()
    }
}
