//! What calendar-query, calendar-multiget and sync-collection have in common: the properties asked for, calendar data among
//! them, and one response per object.

use super::Query;
use crate::calendar_data::CalendarData;
use crate::condition::Condition;
use crate::error::{Error, Result};
use crate::multistatus::MultiStatus;
use crate::property::{Presence, PropertyRequest};
use crate::resource::{Objects, Resource, View};
use crate::xml::Name;
use acl::VisibleObject;
use chrono::{DateTime, Utc};
use ical::date_time::parse_utc;
use ical::{ExpansionLimits, TimeRange, Zone};
use std::borrow::Cow;
use std::sync::Arc;
use storage::authorized::{Calendar, Row};
use storage::limits::{MAX_DATE_TIME, MIN_DATE_TIME};

const CALENDAR_DATA: Name = Name::caldav("calendar-data");

/// What a report wants to know of each object.
#[derive(Debug)]
pub(super) struct Wanted {
    request: PropertyRequest,
    data: Option<CalendarData>,
    limits: ExpansionLimits,
}

impl Wanted {
    /// Reads `prop`, `allprop` or `propname`; nothing at all asks for nothing (RFC 4791 §9.5).
    pub(super) fn read(query: &Query<'_, '_, '_>) -> Result<Self> {
        let request = PropertyRequest::read(query.body)?.unwrap_or(PropertyRequest::These(Vec::new()));
        let data = query.body.dav("prop").and_then(|prop| prop.child(&CALENDAR_DATA));
        let mut data = data.map(|element| CalendarData::read(element, query.view.limits.window_years_max)).transpose()?;
        if let Some(data) = &mut data {
            data.definitions = query.view.definitions;
        }
        for range in data.iter().flat_map(CalendarData::time_ranges) {
            check_bounds(&range)?;
        }
        Ok(Self { request, data, limits: expansion_limits(query.view) })
    }

    /// The properties asked for.
    pub(super) fn request(&self) -> &PropertyRequest {
        &self.request
    }

    /// Whether bodies are needed to answer.
    pub(super) fn needs_bodies(&self) -> bool {
        self.data.is_some()
    }

    /// Writes the response of one object, loading its body if that is asked for.
    pub(super) fn respond(
        &self,
        view: &View<'_, '_>,
        multistatus: &mut MultiStatus,
        (objects, calendar, row): (&mut Objects, &Calendar, &Arc<Row>),
        floating: &Zone,
    ) -> Result<()> {
        let object = if self.needs_bodies() { Some(view.store.object(calendar, row.name())?) } else { None };
        self.respond_with(view, multistatus, objects.at(row), object.as_ref(), floating)
    }

    /// The same with the body at hand.
    pub(super) fn respond_with(
        &self,
        view: &View<'_, '_>,
        multistatus: &mut MultiStatus,
        (href, resource): (&str, &Resource),
        object: Option<&VisibleObject>,
        floating: &Zone,
    ) -> Result<()> {
        multistatus.answer_besides(view, (href, resource), &self.request, &mut |name, writer| {
            let (Some(data), Some(object)) = (&self.data, object) else { return Ok(Presence::Absent) };
            if *name != CALENDAR_DATA {
                return Ok(Presence::Absent);
            }
            let text = match object.text().filter(|_| data.is_as_shown()) {
                Some(text) => Some(Cow::Borrowed(text)),
                None => match object.calendar() {
                    Some(calendar) => data.of(calendar, floating, &self.limits),
                    // An owner's object that cannot be read comes whole, or not at all where a part was asked for.
                    None => data.is_whole().then(|| String::from_utf8_lossy(object.bytes())),
                },
            };
            let Some(text) = text else { return Ok(Presence::Absent) };
            writer.element(&CALENDAR_DATA, &text);
            Ok(Presence::Present)
        })
    }
}

/// Bounds of looking at one object's instances.
pub(super) fn expansion_limits(view: &View<'_, '_>) -> ExpansionLimits {
    ExpansionLimits { instances_max: view.limits.instances_max, ..ExpansionLimits::default() }
}

/// The zone for floating times: the request's, else the viewer's own for the calendar.
pub(super) fn floating_zone(query: &Query<'_, '_, '_>, calendar: &Calendar) -> Result<Zone> {
    match requested_zone(query)? {
        Some(zone) => Ok(zone),
        None => Ok(query.view.store.floating_zone(calendar)?),
    }
}

/// `CALDAV:timezone` (RFC 4791 §9.8) or `CALDAV:timezone-id` (RFC 7809 §5.2).
pub(super) fn requested_zone(query: &Query<'_, '_, '_>) -> Result<Option<Zone>> {
    match (query.body.caldav("timezone"), query.body.caldav("timezone-id")) {
        (None, None) => Ok(None),
        (Some(text), None) => match Zone::from_calendar_timezone(text.text().trim()) {
            Some(zone) => Ok(Some(zone)),
            None => Err(Error::condition(Condition::ValidCalendarData)),
        },
        (None, Some(id)) => match Zone::iana(&id.trimmed_text()) {
            Some(zone) => Ok(Some(zone)),
            None => Err(Error::condition(Condition::ValidTimezone)),
        },
        (Some(_), Some(_)) => Err(Error::BadRequest("timezone and timezone-id exclude each other")),
    }
}

/// RFC 4791 §7.8: ranges lie within `min-date-time` and `max-date-time`.
pub(super) fn check_bounds(range: &TimeRange) -> Result<()> {
    let (min, max) = (parse_utc(MIN_DATE_TIME), parse_utc(MAX_DATE_TIME));
    let before = |instant: Option<DateTime<Utc>>| instant.zip(min).is_some_and(|(instant, min)| instant < min);
    let after = |instant: Option<DateTime<Utc>>| instant.zip(max).is_some_and(|(instant, max)| instant > max);
    if before(range.start) || before(range.end) {
        return Err(Error::condition(Condition::MinDateTime));
    }
    if after(range.start) || after(range.end) {
        return Err(Error::condition(Condition::MaxDateTime));
    }
    Ok(())
}

/// Objects that are in memory together, at most, and their bytes as they are shown; one may have more.
const TOGETHER_MAX: usize = 64;
const TOGETHER_BYTES_MAX: u64 = 1 << 20;

/// Divides what is answered in order into parts whose objects may be in memory together.
pub(super) fn in_parts<T>(mut all: &[T], bytes: impl Fn(&T) -> u64) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let mut sum = 0u64;
        let mut fits = |one: &T| {
            sum = sum.saturating_add(bytes(one));
            sum <= TOGETHER_BYTES_MAX
        };
        let count = all.iter().take(TOGETHER_MAX).take_while(|one| fits(one)).count().max(1);
        let (part, rest) = all.split_at_checked(count)?;
        all = rest;
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(bytes: &[u64]) -> Vec<usize> {
        in_parts(bytes, |bytes| *bytes).map(<[u64]>::len).collect()
    }

    #[test]
    fn large_objects_are_fewer_together_and_none_is_left_out() {
        assert_eq!(parts(&[]), Vec::<usize>::new());
        assert_eq!(parts(&[100; 150]), [64, 64, 22]);
        assert_eq!(parts(&[400 << 10; 5]), [2, 2, 1]);
        assert_eq!(parts(&[5 << 20, 5 << 20, 10, 1 << 20]), [1, 1, 1, 1]);
        assert_eq!(parts(&[10, u64::MAX, 10]), [1, 1, 1]);
    }
}
