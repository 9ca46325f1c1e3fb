//! free-busy-query (RFC 4791 §7.10): when the calendars in scope are busy, coalesced, alike at every level of access.

use super::Query;
use super::objects::{check_bounds, requested_zone};
use crate::body::Body;
use crate::condition::Condition;
use crate::error::{Error, Result};
use crate::filter::read::time_range;
use crate::header::Depth;
use crate::resource::Resource;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use ical::TimeRange;
use ical::free_busy::{BusyPeriod, to_vfreebusy};
use storage::authorized::{self, Calendar};

pub(super) fn run(query: &Query<'_, '_, '_>) -> Result<Response<Body>> {
    let window = window(query)?;
    // A malformed time zone is refused whatever the scope holds.
    let zone = requested_zone(query)?;
    let periods = query.view.store.busy_periods(&scope(query)?, &window, zone.as_ref())?;
    Ok(answer(&window, &periods, query.view.store.now()))
}

/// The VFREEBUSY of a window.
pub(crate) fn answer(window: &TimeRange, periods: &[BusyPeriod], now: DateTime<Utc>) -> Response<Body> {
    let text = to_vfreebusy(window, periods, acl::project::PROD_ID, now);
    let mut response = Response::new(Bytes::from(text).into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/calendar; charset=utf-8"));
    response
}

/// The one `CALDAV:time-range`, closed at both ends: the answer is about exactly this window.
fn window(query: &Query<'_, '_, '_>) -> Result<TimeRange> {
    let mut ranges = query.body.children().filter(|child| child.name.is_caldav("time-range"));
    let (Some(element), None) = (ranges.next(), ranges.next()) else {
        return Err(Error::BadRequest("free-busy-query needs exactly one time-range"));
    };
    let range = time_range(element).ok_or(Error::BadRequest("the time-range is malformed"))?;
    let (Some(start), Some(end)) = (range.start, range.end) else {
        return Err(Error::BadRequest("free-busy-query needs a start and an end"));
    };
    check_window(&range, (start, end), query.view.limits.window_years_max)?;
    Ok(range)
}

/// Bounds of a window that free/busy is told for.
pub(crate) fn check_window(range: &TimeRange, (start, end): (DateTime<Utc>, DateTime<Utc>), years_max: i64) -> Result<()> {
    check_bounds(range)?;
    if years_longer(start, end, years_max) {
        return Err(Error::condition(Condition::NumberOfMatchesWithinLimits));
    }
    Ok(())
}

fn years_longer(start: DateTime<Utc>, end: DateTime<Utc>, years: i64) -> bool {
    end.signed_duration_since(start).num_days() > years.saturating_mul(366)
}

/// The calendars whose objects the request reaches. On a calendar `Depth: 0` is taken as 1, because clients that send no
/// Depth (tsdav) mean its objects, and an empty answer would tell them that all the time is free.
fn scope(query: &Query<'_, '_, '_>) -> Result<Vec<Calendar>> {
    match (query.resource, query.depth) {
        (Resource::Stored(authorized::Resource::Calendar(calendar)), _) => Ok(vec![calendar.clone()]),
        (Resource::Stored(authorized::Resource::Home(home)), Depth::Infinity) => {
            let members = query.view.store.home_members(home)?;
            let calendars = members.into_iter().filter_map(|member| match member {
                authorized::Resource::Calendar(calendar) => Some(calendar),
                _ => None,
            });
            Ok(calendars.collect())
        }
        _ => Ok(Vec::new()),
    }
}
