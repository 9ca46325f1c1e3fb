//! When something is, in the words of a page: in the page's time zone, under the day it stands under.

use super::html::Html;
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, Utc};
use ical::{Instance, Zone};

/// When one thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Period {
    /// Whole days, the last one included.
    Days(NaiveDate, NaiveDate),
    /// From an instant, perhaps to another.
    Times(DateTime<Utc>, Option<DateTime<Utc>>),
    /// Without a date.
    Undated,
}

impl Period {
    /// Of an instance, whose floating times were taken in the page's zone.
    pub(super) fn of(instance: &Instance<'_>) -> Self {
        let value = instance.start.as_ref().or(instance.end.as_ref());
        if let Some(date) = value.filter(|value| value.is_date()).map(|value| value.naive().date()) {
            let end = instance.end.as_ref().map(|end| end.naive().date());
            let last = end.and_then(|end| end.checked_sub_days(Days::new(1))).map_or(date, |last| last.max(date));
            return Self::Days(date, last);
        }
        match (instance.start_utc, instance.end_utc) {
            (Some(start), end) => Self::Times(start, end.filter(|end| *end > start)),
            (None, Some(end)) => Self::Times(end, None),
            (None, None) => Self::Undated,
        }
    }

    /// Under which day it stands in a list that begins with `first`; `None`: under none.
    pub(super) fn day(&self, zone: &Zone, first: NaiveDate) -> Option<NaiveDate> {
        let day = match self {
            Self::Days(start, _) => *start,
            Self::Times(start, _) => zone.to_local(*start).date(),
            Self::Undated => return None,
        };
        Some(day.max(first))
    }

    /// By which a day's list is in order: whole days first.
    pub(super) fn order(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Times(start, _) => Some(*start),
            Self::Days(..) | Self::Undated => None,
        }
    }

    /// Writes it under `day`.
    pub(super) fn write(&self, html: &mut Html, zone: &Zone, day: NaiveDate) {
        match *self {
            Self::Undated => {
                html.markup("no date");
            }
            Self::Days(start, last) => {
                html.markup("all day");
                if start < day {
                    html.markup(" from ").text(&short(start));
                }
                if last > start {
                    html.markup(" to ").text(&short(last));
                }
            }
            Self::Times(start, end) => {
                let local = zone.to_local(start);
                if local.date() < day {
                    html.markup("from ").text(&short(local.date())).markup(", ");
                }
                time(html, start, local);
                if let Some(end) = end {
                    let local_end = zone.to_local(end);
                    if local_end.date() == local.date() {
                        html.markup("–");
                    } else {
                        html.markup(" to ").text(&short(local_end.date())).markup(", ");
                    }
                    time(html, end, local_end);
                }
            }
        }
    }
}

fn time(html: &mut Html, instant: DateTime<Utc>, local: NaiveDateTime) {
    html.markup("<time datetime=\"").text(&instant.format("%Y-%m-%dT%H:%M:%SZ").to_string()).markup("\">");
    html.text(&local.format("%H:%M").to_string()).markup("</time>");
}

/// A day where space is short.
fn short(day: NaiveDate) -> String {
    day.format("%a %-d %b %Y").to_string()
}

/// A day where it stands alone.
pub(super) fn long(day: NaiveDate) -> String {
    day.format("%A, %-d %B %Y").to_string()
}
