//! A person's free/busy by URL: `GET /dav/freebusy/{user}` with the parameters of CalConnect's Freebusy Read URL (CC/S 0903).
//!
//! Each viewer is told what a free-busy-query over those of her calendars that are open to him would tell, and her own
//! availability. Where he may know nothing of her time, nothing stands here.

use crate::body::Body;
use crate::dispatch::Exchange;
use crate::error::{Error, Result};
use crate::report::free_busy_query::{answer, check_window};
use crate::resource::View;
use chrono::{DateTime, NaiveTime, Timelike, Utc};
use http::header::ACCEPT;
use http::{HeaderMap, Response, StatusCode};
use ical::TimeRange;
use ical::date_time::{Duration, parse_duration, parse_utc};
use percent_encoding::percent_decode_str;

/// The one format there is.
const FORMAT: &str = "text/calendar";
/// The window where the request names no end: six weeks.
const DAYS_DEFAULT: i64 = 42;
/// Parameters one request may have.
const PARAMETERS_MAX: usize = 32;

/// Answers GET for one user.
pub(crate) fn get(exchange: &Exchange<'_>, view: &View<'_, '_>, user: &str) -> Result<Response<Body>> {
    let parameters = Parameters::read(exchange.request.query)?;
    if !parameters.accepts(exchange.request.headers) {
        return Err(Error::Status(StatusCode::NOT_ACCEPTABLE));
    }
    let now = view.store.now();
    let (start, end) = parameters.window(now)?;
    let window = TimeRange { start: Some(start), end: Some(end) };
    check_window(&window, (start, end), view.limits.window_years_max)?;
    let periods = view.store.busy_periods_of(user, &window)?;
    Ok(answer(&window, &periods, now))
}

/// What the query part asks. Parameters of other specifications are passed over.
#[derive(Debug, Default, PartialEq)]
struct Parameters {
    start: Option<DateTime<Utc>>,
    end: Option<DateTime<Utc>>,
    period: Option<Duration>,
    format: Option<String>,
}

impl Parameters {
    fn read(query: &str) -> Result<Self> {
        let mut parameters = Self::default();
        for (number, pair) in query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
            if number >= PARAMETERS_MAX {
                return Err(Error::BadRequest("too many parameters"));
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(value).decode_utf8().map_err(|_| Error::BadRequest("a parameter is not UTF-8"))?;
            let twice = match name {
                "start" => parameters.start.replace(instant(&value)?).is_some(),
                "end" => parameters.end.replace(instant(&value)?).is_some(),
                "period" => parameters.period.replace(period(&value)?).is_some(),
                "format" => parameters.format.replace(value.trim().to_ascii_lowercase()).is_some(),
                _ => false,
            };
            if twice {
                return Err(Error::BadRequest("a parameter stands twice"));
            }
        }
        if parameters.end.is_some() && parameters.period.is_some() {
            return Err(Error::BadRequest("end and period exclude each other"));
        }
        Ok(parameters)
    }

    /// From the beginning of this day in UTC, for six weeks, where nothing else is said.
    fn window(&self, now: DateTime<Utc>) -> Result<(DateTime<Utc>, DateTime<Utc>)> {
        const NONE: Error = Error::BadRequest("the end is not after the start");
        let start = self.start.unwrap_or_else(|| now.date_naive().and_time(NaiveTime::MIN).and_utc());
        let period = self.period.unwrap_or(Duration { days: DAYS_DEFAULT, seconds: 0 });
        let length =
            chrono::TimeDelta::try_days(period.days).and_then(|days| days.checked_add(&chrono::TimeDelta::try_seconds(period.seconds)?));
        let end = self.end.or_else(|| start.checked_add_signed(length?)).ok_or(NONE)?;
        if start < end { Ok((start, end)) } else { Err(NONE) }
    }

    /// Whether the one format there is will do. A `format` prevails over `Accept`.
    fn accepts(&self, headers: &HeaderMap) -> bool {
        if let Some(format) = &self.format {
            return is_ours(format);
        }
        let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        !headers.contains_key(ACCEPT)
            || accepted.any(|range| {
                let refused = range.split(';').skip(1).any(|parameter| {
                    let parameter: String = parameter.split_whitespace().collect();
                    parameter.strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok()) == Some(0.0)
                });
                let range = range.to_ascii_lowercase();
                !refused && (is_ours(&range) || matches!(media_type(&range), "*/*" | "text/*"))
            })
    }
}

fn media_type(range: &str) -> &str {
    range.split(';').next().unwrap_or_default().trim()
}

fn is_ours(range: &str) -> bool {
    media_type(range) == FORMAT
}

/// A date and time of RFC 3339 with its offset, whose colon may be missing, or one of iCalendar in UTC. A date alone has no
/// beginning that everyone agrees on.
fn instant(value: &str) -> Result<DateTime<Utc>> {
    let value = value.trim();
    // A leap second is the one before it, as in iCalendar's own form.
    let offset = |form: &str| DateTime::parse_from_str(value, form).ok()?.to_utc().with_nanosecond(0);
    let instant = offset("%Y-%m-%dT%H:%M:%S%#z").or_else(|| parse_utc(value));
    instant.ok_or(Error::BadRequest("start and end are dates with times and offsets"))
}

/// A positive DURATION (RFC 5545 §3.3.6).
fn period(value: &str) -> Result<Duration> {
    let period = parse_duration(value.trim()).filter(|period| period.days >= 0 && period.seconds >= 0 && *period != Duration::default());
    period.ok_or(Error::BadRequest("period is a positive duration"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn window(query: &str) -> Option<(String, String)> {
        let now = parse_utc("20261122T103000Z").unwrap();
        let (start, end) = Parameters::read(query).ok()?.window(now).ok()?;
        let text = ical::date_time::format_utc;
        Some((text(start), text(end)))
    }

    fn told(query: &str) -> String {
        window(query).map_or_else(|| "refused".to_owned(), |(start, end)| format!("{start}/{end}"))
    }

    #[test]
    fn the_window_is_what_is_asked_for_or_six_weeks_from_today() {
        assert_eq!(told(""), "20261122T000000Z/20270103T000000Z");
        assert_eq!(told("start=2026-12-01T08:00:00Z"), "20261201T080000Z/20270112T080000Z");
        assert_eq!(told("start=2007-02-03T15:30:00-0800&period=P1D"), "20070203T233000Z/20070204T233000Z");
        assert_eq!(told("start=2007-01-02T13%3A00%3A00-08:00&end=2007-01-03T00:00:00+01:00"), "20070102T210000Z/20070102T230000Z");
        assert_eq!(told("start=2016-12-31T23:59:60Z&period=P1D"), "20161231T235959Z/20170101T235959Z", "no answer bears a leap second");
        assert_eq!(told("end=20261123T000000Z&user=x&token=abc&format=text/calendar"), "20261122T000000Z/20261123T000000Z");
        for query in [
            "start=2026-12-01",
            "start=20261201",
            "start=2026-12-01T08:00:00",
            "start=2026-12-01T08:00:00.5Z",
            "start=",
            "start",
            "end=2020-01-01T00:00:00Z",
            "start=2026-12-01T08:00:00Z&end=2026-12-01T08:00:00Z",
            "period=-P1D",
            "period=PT0S",
            "period=1D",
            "end=20261123T000000Z&period=P1D",
            "period=P1D&period=P2D",
            "start=%ff",
        ] {
            assert_eq!(told(query), "refused", "{query}");
        }
        assert!(Parameters::read(&"x=1&".repeat(33)).is_err());
    }

    #[test]
    fn the_format_is_text_calendar() {
        let accepts = |query: &str, accept: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.extend(accept.map(|accept| (ACCEPT, HeaderValue::from_str(accept).unwrap())));
            Parameters::read(query).unwrap().accepts(&headers)
        };
        for accept in [None, Some("*/*"), Some("text/html, text/*;q=0.1"), Some("Text/Calendar; charset=utf-8")] {
            assert!(accepts("", accept), "{accept:?}");
        }
        assert!(!accepts("", Some("text/html")) && !accepts("", Some("text/html, text/calendar; q=0")));
        assert!(accepts("format=text%2Fcalendar", Some("text/html")) && !accepts("format=text/html", Some("*/*")));
    }

    proptest! {
        #[test]
        fn any_query_is_read_without_a_panic(query in "[a-z=&%0-9TZP:+-]{0,80}") {
            let _ = window(&query);
        }
    }
}
