//! The page of a link, for people: days with what is on them, readable without a style and without a script.
//!
//! It shows eight weeks from today, or from the day that `from` names, in UTC or in the time zone that `zone` names. It is
//! made of projections alone, and tells no more than the feed.

use super::details::Details;
use super::html::Html;
use super::period::{Period, long};
use crate::body::Body;
use crate::dispatch::Limits;
use crate::error::{Error, Result};
use crate::method::set;
use bytes::Bytes;
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, Utc};
use http::Response;
use http::header::CONTENT_TYPE;
use ical::free_busy::BusyType;
use ical::{ComponentKind, TimeRange, Zone, recurrence};
use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;
use std::rc::Rc;
use storage::{Linked, LinkedStore};

/// Days of one page.
const DAYS: u64 = 56;
/// Things on one page.
const ENTRIES_MAX: usize = 2_000;
/// Bytes of its list.
const LIST_BYTES_MAX: usize = 1 << 20;
/// Parameters one request may have.
const PARAMETERS_MAX: usize = 32;

/// The only style there is; the policy of the page names its hash.
pub(super) const STYLE: &str = ":root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}\
body{max-width:44rem;margin:0 auto;padding:1rem}h1{font-size:1.5rem}h2{font-size:1.1rem;margin:1.5rem 0 .25rem}\
ul{margin:0;padding:0;list-style:none}li{padding:.25rem 0}.when{display:inline-block;min-width:8rem;font-variant-numeric:tabular-nums}\
.prose{white-space:pre-line;overflow-wrap:anywhere}.people{padding-left:1rem}form label{margin-right:1rem}";

/// One thing on the page.
struct Entry {
    period: Period,
    details: Rc<Details>,
}

/// What the page has: everything under its day, and whether something was left out.
#[derive(Default)]
struct List {
    entries: Vec<Entry>,
    left_out: bool,
}

impl List {
    fn push(&mut self, period: Period, details: &Rc<Details>) {
        if self.entries.len() < ENTRIES_MAX {
            self.entries.push(Entry { period, details: details.clone() });
        } else {
            self.left_out = true;
        }
    }
}

/// Answers GET.
pub(super) fn answer(link: &LinkedStore<'_>, query: &str, limits: &Limits) -> Result<Response<Body>> {
    let asked = Asked::read(query, link.now())?;
    let text = match link.shows() {
        Linked::BusyTime => asked.page(&Title::Ours("Busy times"), &busy_time(link, &asked)?, None),
        Linked::Calendar => {
            let name = link.calendar_name()?;
            let title = name.as_deref().map_or(Title::Ours("Calendar"), Title::Theirs);
            asked.page(&title, &calendar(link, &asked, limits)?, None)
        }
        Linked::Event => {
            let (list, details) = event(link, &asked)?;
            asked.page(&Title::Theirs(details.title()), &list, Some(&details))
        }
    };
    let mut response = Response::new(Bytes::from(text).into());
    set(&mut response, CONTENT_TYPE, "text/html; charset=utf-8");
    Ok(response)
}

/// What stands at the head of a page.
enum Title<'a> {
    /// Words of the page.
    Ours(&'static str),
    /// What somebody wrote.
    Theirs(&'a str),
}

fn busy_time(link: &LinkedStore<'_>, asked: &Asked) -> Result<List> {
    let mut list = List::default();
    let busy = Rc::new(Details::busy(&link.words().busy, None));
    let tentative = Rc::new(Details::busy(&link.words().busy, Some("tentative")));
    for period in link.busy_periods(&asked.window, &asked.zone)? {
        let details = if period.busy_type == BusyType::Tentative { &tentative } else { &busy };
        list.push(Period::Times(period.start, Some(period.end)), details);
    }
    Ok(list)
}

fn calendar(link: &LinkedStore<'_>, asked: &Asked, limits: &Limits) -> Result<List> {
    let mut list = List::default();
    let mut bytes = 0_usize;
    for row in link.rows()?.iter().filter(|row| row.kind().is_some_and(is_told) && row.span().overlaps(&asked.wide_window())) {
        let object = link.object(row.name())?;
        let Some(calendar) = object.calendar() else { continue };
        bytes = bytes.saturating_add(calendar.bytes().len());
        if bytes > limits.link_bytes_max || list.left_out {
            list.left_out = true;
            break;
        }
        gather(link, asked, calendar, &asked.window, &mut list);
    }
    Ok(list)
}

/// The one event with its dates: all of it if it is once, else those of the page.
fn event(link: &LinkedStore<'_>, asked: &Asked) -> Result<(List, Rc<Details>)> {
    let object = link.event()?;
    let calendar = object.calendar().ok_or(Error::not_found())?;
    let first = calendar.master().or_else(|| calendar.components().next()).ok_or(Error::not_found())?;
    let recurs = ["RRULE", "RDATE", "RECURRENCE-ID"].iter().any(|name| calendar.components().any(|c| c.line(name).is_some()));
    let window = if recurs { asked.window } else { TimeRange::default() };
    let mut list = List::default();
    gather(link, asked, calendar, &window, &mut list);
    Ok((list, Rc::new(Details::of(first, calendar.kind()))))
}

/// The instances of a projected object in a window. One that has too many is left out, and the page says that something is.
fn gather(link: &LinkedStore<'_>, asked: &Asked, object: &ical::CalendarObject, window: &TimeRange, list: &mut List) {
    let Ok(instances) = recurrence::instances(object, window, &asked.zone, &link.expansion_limits()) else {
        list.left_out = true;
        return;
    };
    let mut known: BTreeMap<usize, Rc<Details>> = BTreeMap::new();
    for instance in &instances {
        let component = instance.component;
        let details = known.entry(component.span.start).or_insert_with(|| Rc::new(Details::of(component, object.kind())));
        list.push(Period::of(instance), details);
    }
}

/// Kinds that have a title and a day.
fn is_told(kind: ComponentKind) -> bool {
    match kind {
        ComponentKind::Event | ComponentKind::ToDo | ComponentKind::Journal => true,
        ComponentKind::FreeBusy | ComponentKind::Availability => false,
    }
}

/// What the request asks for.
struct Asked {
    from: NaiveDate,
    zone: Zone,
    zone_name: String,
    window: TimeRange,
}

impl Asked {
    fn read(query: &str, now: DateTime<Utc>) -> Result<Self> {
        let mut from = None;
        let mut zone = (Zone::utc(), "UTC".to_owned());
        for (number, pair) in query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
            if number >= PARAMETERS_MAX {
                return Err(Error::BadRequest("there are too many parameters\n"));
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(value).decode_utf8().map_err(|_| Error::BadRequest("a parameter is not UTF-8\n"))?;
            // An empty field of a form says nothing.
            match (name, value.trim()) {
                (_, "") => {}
                ("from", value) => from = Some(day(value).ok_or(Error::BadRequest("from is a day, like 2026-11-02\n"))?),
                ("zone", value) => {
                    let named = Zone::iana(value).ok_or(Error::BadRequest("zone is a time zone, like Europe/Berlin\n"))?;
                    let name = named.iana_id().unwrap_or("UTC").to_owned();
                    zone = (named, name);
                }
                _ => {}
            }
        }
        let (zone, zone_name) = zone;
        let from = from.unwrap_or_else(|| zone.to_local(now).date());
        let end = from.checked_add_days(Days::new(DAYS)).ok_or(Error::BadRequest("from is out of bounds\n"))?;
        let midnight = |day: NaiveDate| Some(zone.to_utc(day.and_time(NaiveTime::MIN)));
        let window = TimeRange { start: midnight(from), end: midnight(end) };
        Ok(Self { from, zone, zone_name, window })
    }

    /// The window with a day on either side: floating times and dates may fall into it in the page's zone.
    fn wide_window(&self) -> TimeRange {
        let day = chrono::TimeDelta::days(1);
        TimeRange {
            start: self.window.start.and_then(|start| start.checked_sub_signed(day)),
            end: self.window.end.and_then(|end| end.checked_add_signed(day)),
        }
    }

    fn page(&self, title: &Title<'_>, list: &List, details: Option<&Details>) -> String {
        let mut html = Html::default();
        html.markup("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
        html.markup(
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"robots\" content=\"noindex\">\n",
        );
        let (Title::Ours(words) | Title::Theirs(words)) = *title;
        html.markup("<title>").text(words).markup("</title>\n<style>").markup(STYLE).markup("</style>\n</head>\n<body>\n<main>\n");
        html.markup("<h1>");
        match *title {
            Title::Ours(words) => html.text(words),
            Title::Theirs(words) => html.foreign(words),
        };
        html.markup("</h1>\n");
        if let Some(details) = details {
            html.markup("<p>");
            details.write_line(&mut html);
            html.markup("</p>\n");
            details.write_more(&mut html);
        }
        let last = self.from.checked_add_days(Days::new(DAYS - 1)).unwrap_or(self.from);
        html.markup("<p>From ").text(&long(self.from)).markup(" to ").text(&long(last));
        html.markup(". Times are in ").text(&self.zone_name).markup(".</p>\n");
        self.form(&mut html);
        self.list(&mut html, list, details);
        self.neighbours(&mut html);
        html.markup("</main>\n</body>\n</html>\n");
        html.into_string()
    }

    fn form(&self, html: &mut Html) {
        html.markup("<form method=\"get\">\n<label>From <input type=\"date\" name=\"from\" value=\"").text(&self.from.to_string());
        html.markup("\"></label>\n<label>Time zone <input name=\"zone\" autocomplete=\"off\" value=\"").text(&self.zone_name);
        html.markup("\"></label>\n<button>Show</button>\n</form>\n");
    }

    fn list(&self, html: &mut Html, list: &List, shown: Option<&Details>) {
        let mut days: BTreeMap<(bool, Option<NaiveDate>), Vec<&Entry>> = BTreeMap::new();
        for entry in &list.entries {
            let first = if shown.is_some() { NaiveDate::MIN } else { self.from };
            let day = entry.period.day(&self.zone, first);
            days.entry((day.is_none(), day)).or_default().push(entry);
        }
        if days.is_empty() {
            html.markup("<p>Nothing in this time.</p>\n");
        }
        let mut left_out = list.left_out;
        let began = html.len();
        for ((_, day), mut entries) in days {
            entries.sort_by(|a, b| (a.period.order(), a.details.title()).cmp(&(b.period.order(), b.details.title())));
            html.markup("<section>\n<h2>");
            match day {
                Some(day) => html.markup("<time datetime=\"").text(&day.to_string()).markup("\">").text(&long(day)).markup("</time>"),
                None => html.markup("Without a date"),
            };
            html.markup("</h2>\n<ul>\n");
            for entry in entries {
                if html.len().saturating_sub(began) > LIST_BYTES_MAX {
                    left_out = true;
                    break;
                }
                self.entry(html, entry, day, shown);
            }
            html.markup("</ul>\n</section>\n");
        }
        if left_out {
            html.markup("<p>There is more in this time than this page shows.</p>\n");
        }
    }

    fn entry(&self, html: &mut Html, entry: &Entry, day: Option<NaiveDate>, shown: Option<&Details>) {
        html.markup("<li><span class=\"when\">");
        entry.period.write(html, &self.zone, day.unwrap_or(self.from));
        html.markup("</span> ");
        // What stands at the head of the page is not said again with each of its dates.
        if shown != Some(entry.details.as_ref()) {
            entry.details.write_line(html);
            if entry.details.has_more() {
                html.markup("<details><summary>More</summary>");
                entry.details.write_more(html);
                html.markup("</details>");
            }
        }
        html.markup("</li>\n");
    }

    fn neighbours(&self, html: &mut Html) {
        let earlier = self.from.checked_sub_days(Days::new(DAYS)).filter(|day| is_in_bounds(*day));
        let later = self.from.checked_add_days(Days::new(DAYS)).filter(|day| is_in_bounds(*day));
        html.markup("<nav aria-label=\"Other weeks\">\n");
        if let Some(day) = earlier {
            self.anchor(html, day);
            html.markup("\" rel=\"prev\">Earlier</a>\n");
        }
        if let Some(day) = later {
            self.anchor(html, day);
            html.markup("\" rel=\"next\">Later</a>\n");
        }
        html.markup("</nav>\n");
    }

    fn anchor(&self, html: &mut Html, day: NaiveDate) {
        html.markup("<a href=\"?from=").text(&day.to_string()).markup("&amp;zone=").text(&self.zone_name);
    }
}

/// A day that a page can begin with.
fn day(value: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(value, "%Y-%m-%d").ok().filter(|day| is_in_bounds(*day))
}

fn is_in_bounds(day: NaiveDate) -> bool {
    (1900..=2200).contains(&day.year())
}
