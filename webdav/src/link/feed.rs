//! What a link gives to programs: a calendar of projections, or of blocks of busy time.
//!
//! Tags are of what is answered, so that a program that asks every hour is told in a few bytes that nothing is new.

use crate::body::Body;
use crate::dispatch::Limits;
use crate::error::{Error, Result};
use crate::method::set;
use crate::precondition::has_tag;
use crate::whole;
use bytes::Bytes;
use chrono::{DateTime, Days, Utc};
use http::header::{CONTENT_TYPE, ETAG};
use http::{HeaderMap, Response, StatusCode};
use ical::content_line::escape_text;
use ical::date_time::format_utc;
use ical::free_busy::{BusyPeriod, BusyType, to_vfreebusy};
use ical::write::push_line;
use ical::{TimeRange, Zone};
use storage::{Linked, LinkedStore};

/// Days before today of which busy time is told.
const DAYS_BEFORE: u64 = 31;
/// Days from today on of which busy time is told.
const DAYS_AFTER: u64 = 366;
/// What a VCALENDAR ends with.
const END: &str = "END:VCALENDAR\r\n";

/// DTSTAMP of what bears no date of its own: the beginning of the year 2000.
fn stamp() -> DateTime<Utc> {
    DateTime::from_timestamp(946_684_800, 0).unwrap_or_default()
}

/// Answers GET.
pub(super) fn answer(link: &LinkedStore<'_>, headers: &HeaderMap, limits: &Limits) -> Result<Response<Body>> {
    let (etag, body): (String, Box<dyn FnOnce() -> Result<Body> + '_>) = match link.shows() {
        Linked::BusyTime => {
            let text = busy_time(link)?;
            (link.etag(&[text.as_bytes()]), Box::new(|| Ok(Bytes::from(text).into())))
        }
        Linked::Calendar => (calendar_tag(link)?, Box::new(|| calendar(link, limits))),
        Linked::Event => {
            let event = link.event()?;
            (event.etag().to_owned(), Box::new(move || Ok(Bytes::copy_from_slice(event.bytes()).into())))
        }
    };
    let mut response = match has_tag(headers, &etag) {
        true => Response::new(Body::default()),
        false => Response::new(body()?),
    };
    if response.body().is_empty() {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        set(&mut response, CONTENT_TYPE, "text/calendar; charset=utf-8");
    }
    set(&mut response, ETAG, &etag);
    Ok(response)
}

/// Of the names and tags of all that is shown.
fn calendar_tag(link: &LinkedStore<'_>) -> Result<String> {
    let rows = link.rows()?;
    let parts: Vec<&[u8]> = rows.iter().flat_map(|row| [row.name().as_bytes(), row.etag().as_bytes()]).collect();
    Ok(link.etag(&parts))
}

/// Every projection, in the order of the shown names.
fn calendar(link: &LinkedStore<'_>, limits: &Limits) -> Result<Body> {
    whole::write(link.spool(), limits.link_bytes_max, link.rows()?.iter(), |row, write| {
        link.object(row.name())?.calendar().into_iter().for_each(write);
        Ok(())
    })
}

/// Busy time around today, in UTC, twice: as VFREEBUSY, which is what it is, and as an event for each block, which is what
/// calendar programs show. Whoever counts both counts the same time.
fn busy_time(link: &LinkedStore<'_>) -> Result<String> {
    let window = window(link.now()).ok_or(Error::BadRequest("the time is out of bounds"))?;
    let periods = link.busy_periods(&window, &Zone::utc())?;
    let whole = to_vfreebusy(&window, &periods, acl::project::PROD_ID, stamp());
    let mut out = whole.strip_suffix(END).unwrap_or(&whole).to_owned();
    for period in &periods {
        push_block(&mut out, link, period);
    }
    out.push_str(END);
    Ok(out)
}

fn window(now: DateTime<Utc>) -> Option<TimeRange> {
    let today = now.date_naive().and_time(chrono::NaiveTime::MIN).and_utc();
    Some(TimeRange {
        start: Some(today.checked_sub_days(Days::new(DAYS_BEFORE))?),
        end: Some(today.checked_add_days(Days::new(DAYS_AFTER))?),
    })
}

/// Its identifier is a function of its time, so that a block that stays is the same to a program, and of the link.
fn push_block(out: &mut String, link: &LinkedStore<'_>, period: &BusyPeriod) {
    let (start, end) = (format_utc(period.start), format_utc(period.end));
    push_line(out, "BEGIN", "VEVENT");
    push_line(out, "UID", &link.identifier(&[start.as_bytes(), end.as_bytes(), period.busy_type.name().as_bytes()]));
    push_line(out, "DTSTAMP", &format_utc(stamp()));
    push_line(out, "DTSTART", &start);
    push_line(out, "DTEND", &end);
    push_line(out, "SUMMARY", &escape_text(&link.words().busy));
    if period.busy_type == BusyType::Tentative {
        push_line(out, "STATUS", "TENTATIVE");
    }
    push_line(out, "TRANSP", "OPAQUE");
    push_line(out, "CLASS", "PRIVATE");
    push_line(out, "END", "VEVENT");
}
