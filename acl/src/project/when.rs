//! When a component takes place, and how a reduced view writes it: a single one in UTC, a recurring one in one named zone;
//! dates stay dates and floating times stay floating (RFC 5545 §3.3.4, §3.3.5).
//!
//! Must not let a TZID through that is not the server's own choice: the only zone a reduced line can name is the series'.

use super::Unprojectable;
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use ical::date_time::{Duration, parse_date, parse_duration, parse_local, parse_utc};
use ical::{CalendarObject, Component, ComponentKind, ContentLine, DateOrTime, RecurrenceId, Zone};

/// A time as it is written. `Local` stands in the zone of the series it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Stamp {
    /// VALUE=DATE
    Date(NaiveDate),
    /// Without a zone.
    Floating(NaiveDateTime),
    /// With a `Z`.
    Utc(NaiveDateTime),
    /// With the TZID of the series.
    Local(NaiveDateTime),
}

impl Stamp {
    /// The value part of the line.
    pub(super) fn value(self) -> String {
        match self {
            Self::Date(date) => date.format("%Y%m%d").to_string(),
            Self::Floating(time) | Self::Local(time) => time.format("%Y%m%dT%H%M%S").to_string(),
            Self::Utc(time) => time.format("%Y%m%dT%H%M%SZ").to_string(),
        }
    }
    /// The next value of the same form: a day or a second later.
    pub(super) fn next(self) -> Option<Self> {
        let second = |time: NaiveDateTime| time.checked_add_signed(TimeDelta::seconds(1));
        Some(match self {
            Self::Date(date) => Self::Date(date.checked_add_days(Days::new(1))?),
            Self::Floating(time) => Self::Floating(second(time)?),
            Self::Utc(time) => Self::Utc(second(time)?),
            Self::Local(time) => Self::Local(second(time)?),
        })
    }
    /// The value this stands for; `Local` is not one without its zone and counts as floating.
    pub(super) fn as_value(self) -> DateOrTime {
        match self {
            Self::Date(date) => DateOrTime::Date(date),
            Self::Floating(time) | Self::Local(time) => DateOrTime::Floating(time),
            Self::Utc(time) => DateOrTime::Utc(time.and_utc()),
        }
    }
    /// The stamp a RECURRENCE-ID of the object stands for.
    pub(super) fn of_recurrence_id(id: &RecurrenceId) -> Option<Self> {
        parse_date(&id.0)
            .map(Self::Date)
            .or_else(|| parse_local(&id.0).map(Self::Floating))
            .or_else(|| parse_utc(&id.0).map(|instant| Self::Utc(instant.naive_utc())))
    }
}

/// A zone and the TZID that names it in the written object.
#[derive(Clone, Debug)]
pub(super) struct NamedZone {
    /// As it stands in TZID.
    pub(super) tzid: String,
    /// What it means.
    pub(super) zone: Zone,
}

/// The form in which the times of one series, or of a single component, are written.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// Dates.
    Date,
    /// Floating times.
    Floating,
    /// UTC: every single component that is neither.
    Utc,
    /// Local times of a zone.
    Zoned(NamedZone),
}

impl Form {
    /// How `value` is written in a series of this form. Dates and floating times have no other form; an instant that the
    /// zone cannot express (the second pass of an overlap) is written in UTC.
    pub(super) fn stamp(&self, value: &DateOrTime) -> Stamp {
        match value {
            DateOrTime::Date(date) => Stamp::Date(*date),
            DateOrTime::Floating(time) => Stamp::Floating(*time),
            DateOrTime::Utc(instant) => self.stamp_instant(*instant),
            DateOrTime::Zoned(..) => self.stamp_instant(instant_of(value)),
        }
    }
    /// See [`Form::stamp`].
    pub(super) fn stamp_instant(&self, instant: DateTime<Utc>) -> Stamp {
        if let Self::Zoned(named) = self {
            let local = named.zone.to_local(instant);
            if named.zone.to_utc(local) == instant {
                return Stamp::Local(local);
            }
        }
        Stamp::Utc(instant.naive_utc())
    }
    /// The stamp of a slot given by its wall-clock time in this form.
    pub(super) fn stamp_local(&self, local: NaiveDateTime) -> Stamp {
        match self {
            Self::Date => Stamp::Date(local.date()),
            Self::Floating => Stamp::Floating(local),
            Self::Utc => Stamp::Utc(local),
            Self::Zoned(_) => Stamp::Local(local),
        }
    }
    /// The TZID of local times; empty where there are none.
    pub(super) fn tzid(&self) -> &str {
        match self {
            Self::Zoned(named) => &named.tzid,
            _ => "",
        }
    }
}

/// The instant of a value that is neither a date nor floating.
pub(super) fn instant_of(value: &DateOrTime) -> DateTime<Utc> {
    value.to_utc(&Zone::utc())
}

/// Start and end of one component.
#[derive(Clone, Debug)]
pub(super) struct When {
    /// DTSTART.
    pub(super) start: Option<DateOrTime>,
    /// DTEND, DUE, or what DURATION and the defaults of RFC 5545 §3.6.1 give. Of the same kind as `start`.
    pub(super) end: Option<DateOrTime>,
}

impl When {
    /// Reads a component of `object`.
    pub(super) fn read(object: &CalendarObject, component: &Component) -> Result<Self, Unprojectable> {
        let read = |line: Option<&ContentLine>| match line {
            Some(line) => object.date_or_time(line).map(Some).ok_or(Unprojectable),
            None => Ok(None),
        };
        let start = read(component.line("DTSTART"))?;
        let stated = match object.kind() {
            ComponentKind::Event | ComponentKind::ToDo => read(object.end_line(component))?,
            ComponentKind::Journal | ComponentKind::FreeBusy | ComponentKind::Availability => return Ok(Self { start, end: None }),
        };
        let end = match (&start, stated, component.line("DURATION")) {
            (_, Some(end), _) => Some(end),
            (Some(start), None, Some(line)) => {
                let duration = parse_duration(line.value.trim()).ok_or(Unprojectable)?;
                Some(plus(start, duration).ok_or(Unprojectable)?)
            }
            (Some(DateOrTime::Date(date)), None, None) if object.kind() == ComponentKind::Event => {
                Some(DateOrTime::Date(date.checked_add_days(Days::new(1)).ok_or(Unprojectable)?))
            }
            _ => None,
        };
        let end = match (&start, end) {
            // An all-day event that ends on its first day is one day long to every client.
            (Some(DateOrTime::Date(first)), Some(DateOrTime::Date(last))) if object.kind() == ComponentKind::Event && last <= *first => {
                Some(DateOrTime::Date(first.checked_add_days(Days::new(1)).ok_or(Unprojectable)?))
            }
            (_, end) => end,
        };
        let when = Self { start, end };
        if let (Some(start), Some(end)) = (&when.start, &when.end)
            && class(start) != class(end)
        {
            return Err(Unprojectable);
        }
        Ok(when)
    }
    /// From start to end; `None` without one of them.
    pub(super) fn length(&self) -> Option<TimeDelta> {
        let (start, end) = (self.start.as_ref()?, self.end.as_ref()?);
        Some(match class(start) {
            Class::Instant => instant_of(end).signed_duration_since(instant_of(start)),
            Class::Date | Class::Floating => end.naive().signed_duration_since(start.naive()),
        })
    }
}

/// What can be compared with what.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Date,
    Floating,
    Instant,
}

fn class(value: &DateOrTime) -> Class {
    match value {
        DateOrTime::Date(_) => Class::Date,
        DateOrTime::Floating(_) => Class::Floating,
        DateOrTime::Utc(_) | DateOrTime::Zoned(..) => Class::Instant,
    }
}

/// `start` and a duration: days keep the wall-clock time, the rest is exact (RFC 5545 §3.3.6).
pub(super) fn plus(start: &DateOrTime, duration: Duration) -> Option<DateOrTime> {
    let days = TimeDelta::try_days(duration.days)?;
    let rest = TimeDelta::try_seconds(duration.seconds)?;
    Some(match start {
        DateOrTime::Date(date) => {
            let end = date.and_time(NaiveTime::MIN).checked_add_signed(days)?.checked_add_signed(rest)?;
            if end.time() != NaiveTime::MIN {
                return None;
            }
            DateOrTime::Date(end.date())
        }
        DateOrTime::Floating(time) => DateOrTime::Floating(time.checked_add_signed(days)?.checked_add_signed(rest)?),
        DateOrTime::Utc(instant) => DateOrTime::Utc(instant.checked_add_signed(days)?.checked_add_signed(rest)?),
        DateOrTime::Zoned(local, zone) => {
            let day = local.checked_add_signed(days)?;
            if duration.seconds == 0 {
                DateOrTime::Zoned(day, zone.clone())
            } else {
                DateOrTime::Utc(zone.to_utc(day).checked_add_signed(rest)?)
            }
        }
    })
}
