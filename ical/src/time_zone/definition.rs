//! The server's own VTIMEZONE of an IANA zone (RFC 5545 §3.6.5): rules where the zone has them, listed onsets elsewhere.
//!
//! A function of the zone's data and the years asked for; nothing of any stored VTIMEZONE enters.

use super::stored::days_in_month;
use crate::date_time::format_utc;
use crate::write::push_line;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc, Weekday};
use jiff::tz::{Dst, TimeZone};
use std::collections::BTreeMap;

/// IANA data lists onsets up to 2037, for Morocco up to 2087; from then on rules repeat.
const LISTED_YEAR_MAX: i32 = 2087;
/// Weekdays and leap years repeat after 28 years; some rules that cross the end of a month rest up to 12.
const CYCLE_YEARS: i32 = 40;
/// Onsets read from the database for one definition.
const ONSETS_MAX: usize = 10_000;
/// Fewer onsets than this are listed rather than put into a rule.
const RULE_ONSETS_MIN: usize = 3;

/// Writes the definition of `zone`, good from the beginning of `first_year` to the end of `last_year` or for ever.
pub(super) fn write(zone: &TimeZone, id: &str, first_year: i32, last_year: Option<i32>) -> String {
    let horizon = last_year.unwrap_or(first_year).clamp(LISTED_YEAR_MAX, 9000) + CYCLE_YEARS;
    let onsets = onsets(zone, first_year, horizon);
    let mut observances: Vec<Observance> = Vec::new();
    if onsets.is_empty() {
        observances.push(constant(zone, first_year));
    }
    let mut groups: BTreeMap<(Change, Slot), Vec<NaiveDate>> = BTreeMap::new();
    for (change, local) in onsets {
        groups.entry((change, Slot::of(local))).or_default().push(local.date());
    }
    let mut listed: BTreeMap<Change, Vec<NaiveDateTime>> = BTreeMap::new();
    for ((change, slot), dates) in groups {
        let singles = slot.into_rules(&change, dates, horizon, &mut observances);
        listed.entry(change).or_default().extend(singles.into_iter().map(|date| date.and_time(slot.time)));
    }
    for (change, mut onsets) in listed {
        onsets.sort_unstable();
        onsets.retain(|onset| last_year.is_none_or(|last_year| onset.year() <= last_year.saturating_add(1)));
        if let Some((first, rest)) = onsets.split_first() {
            observances.push(Observance { first: *first, change, rule: None, listed: rest.to_vec() });
        }
    }
    observances.retain(|observance| last_year.is_none_or(|last_year| observance.first.year() <= last_year.saturating_add(1)));
    observances.sort_unstable();
    let mut out = String::new();
    push_line(&mut out, "BEGIN", "VTIMEZONE");
    push_line(&mut out, "TZID", id);
    for observance in &observances {
        observance.write(&mut out);
    }
    push_line(&mut out, "END", "VTIMEZONE");
    out
}

/// What an onset does: kind, offsets in seconds east of Greenwich, name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Change {
    component: &'static str,
    offset_before: i32,
    offset: i32,
    name: String,
}

/// Where in its year an onset lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Slot {
    month: u32,
    weekday_from_monday: u32,
    time: NaiveTime,
}

/// One STANDARD or DAYLIGHT part.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Observance {
    first: NaiveDateTime,
    change: Change,
    rule: Option<String>,
    listed: Vec<NaiveDateTime>,
}

/// The onsets of the zone from the last one before `first_year` up to the end of the year `horizon`, as wall-clock times
/// of the offset before each.
fn onsets(zone: &TimeZone, first_year: i32, horizon: i32) -> Vec<(Change, NaiveDateTime)> {
    let Some(start) = NaiveDate::from_ymd_opt(first_year, 1, 1).map(|date| date.and_time(NaiveTime::MIN).and_utc().timestamp()) else {
        return Vec::new();
    };
    // A wall-clock time at the very beginning of the year may be an instant of the year before.
    let start = super::to_timestamp(start - 86_400);
    let offset_before = |at: jiff::Timestamp| zone.to_offset(super::to_timestamp(at.as_second() - 1)).seconds();
    let change = |transition: &jiff::tz::TimeZoneTransition<'_>| {
        let offset_before = offset_before(transition.timestamp());
        let offset = transition.offset().seconds();
        (offset != offset_before).then(|| {
            let component = if transition.dst() == Dst::Yes { "DAYLIGHT" } else { "STANDARD" };
            let local = DateTime::from_timestamp(transition.timestamp().as_second() + i64::from(offset_before), 0)?;
            Some((Change { component, offset_before, offset, name: transition.abbreviation().to_owned() }, local.naive_utc()))
        })?
    };
    let past = zone.preceding(start).take(ONSETS_MAX).find_map(|transition| change(&transition));
    // `following` leaves out a transition at exactly its argument, which `preceding` leaves out as well.
    let just_before = super::to_timestamp(start.as_second() - 1);
    let coming = zone.following(just_before).take(ONSETS_MAX).filter_map(|transition| change(&transition));
    past.into_iter().chain(coming.take_while(|(_, local)| local.year() <= horizon)).collect()
}

/// The one observance of a zone whose offset never changes in the years asked for.
fn constant(zone: &TimeZone, first_year: i32) -> Observance {
    let first = NaiveDate::from_ymd_opt(first_year.min(1970), 1, 1).unwrap_or_default().and_time(NaiveTime::MIN);
    let info = zone.to_offset_info(super::to_timestamp(first.and_utc().timestamp()));
    let offset = info.offset().seconds();
    let change = Change { component: "STANDARD", offset_before: offset, offset, name: info.abbreviation().to_owned() };
    Observance { first, change, rule: None, listed: Vec::new() }
}

impl Slot {
    fn of(local: NaiveDateTime) -> Self {
        Self { month: local.month(), weekday_from_monday: local.weekday().num_days_from_monday(), time: local.time() }
    }

    /// Puts as many of the dates (in order) as possible into rules, latest first; gives back the rest.
    fn into_rules(self, change: &Change, mut dates: Vec<NaiveDate>, horizon: i32, observances: &mut Vec<Observance>) -> Vec<NaiveDate> {
        let mut singles = Vec::new();
        let goes_on = dates.last().is_some_and(|last| last.year() > horizon - CYCLE_YEARS / 2);
        if goes_on && let Some((window, length)) = self.endless_tail(&dates, horizon) {
            let tail = dates.split_off(dates.len() - length);
            observances.extend(self.observance(change, &tail, window, None));
        }
        while !dates.is_empty() {
            let (window, length) = self.finite_tail(&dates);
            let run = dates.split_off(dates.len() - length);
            match (run.last(), length >= RULE_ONSETS_MIN) {
                (Some(last), true) => observances.extend(self.observance(change, &run, window, Some(*last))),
                _ => singles.extend(run),
            }
        }
        singles
    }

    /// The days of the month that the rule without end names, and how many of the last dates it gives.
    fn endless_tail(self, dates: &[NaiveDate], horizon: i32) -> Option<((u32, u32), usize)> {
        let recent = || dates.iter().filter(|date| date.year() > horizon - CYCLE_YEARS).map(Datelike::day);
        let window = (recent().min()?, recent().max()?);
        if window.1 - window.0 > 6 {
            return None;
        }
        let mut length = 0;
        let mut year = horizon;
        for date in dates.iter().rev() {
            while year > date.year() && self.date_within(window, year).is_none() {
                year -= 1;
            }
            if self.date_within(window, year) != Some(*date) {
                break;
            }
            length += 1;
            year -= 1;
        }
        (length > 0).then_some((window, length))
    }

    /// Seven days of the month in which all of the last dates lie, one each year, and how many dates those are.
    fn finite_tail(self, dates: &[NaiveDate]) -> ((u32, u32), usize) {
        let mut days = (u32::MAX, 0);
        let mut length = 0;
        let mut year = None;
        for date in dates.iter().rev() {
            let widened = (days.0.min(date.day()), days.1.max(date.day()));
            if year.is_some_and(|year| date.year() + 1 != year) || widened.1 - widened.0 > 6 {
                break;
            }
            (days, year) = (widened, Some(date.year()));
            length += 1;
        }
        // February's last days differ from year to year; a window that ends by the 28th is in every year.
        let length_of_month = if self.month == 2 { 28 } else { NaiveDate::from_ymd_opt(2001, self.month, 1).map_or(30, days_in_month) };
        let weeks = [(1, 7), (8, 14), (15, 21), (length_of_month - 6, length_of_month), (22, 28)];
        let sliding = (days.0.min(length_of_month - 6), (days.0 + 6).min(length_of_month));
        let window = weeks.into_iter().find(|week| week.0 <= days.0 && days.1 <= week.1).unwrap_or(sliding);
        if days.1 > length_of_month { (window, 1) } else { (window, length.max(1)) }
    }

    /// The date of this weekday within the days of the month, in one year.
    fn date_within(self, window: (u32, u32), year: i32) -> Option<NaiveDate> {
        (window.0..=window.1)
            .filter_map(|day| NaiveDate::from_ymd_opt(year, self.month, day))
            .find(|date| date.weekday().num_days_from_monday() == self.weekday_from_monday)
    }

    fn observance(self, change: &Change, dates: &[NaiveDate], window: (u32, u32), last: Option<NaiveDate>) -> Option<Observance> {
        let first = dates.first()?.and_time(self.time);
        let weekday = weekday_name(self.weekday_from_monday);
        let month = self.month;
        let length = NaiveDate::from_ymd_opt(2001, month, 1).map(days_in_month)?;
        let days = match window {
            (1, 7) => format!("BYDAY=1{weekday}"),
            (8, 14) => format!("BYDAY=2{weekday}"),
            (15, 21) => format!("BYDAY=3{weekday}"),
            (from, to) if month != 2 && to == length && from + 6 == length => format!("BYDAY=-1{weekday}"),
            (22, 28) => format!("BYDAY=4{weekday}"),
            (from, to) => {
                let days: Vec<String> = (from..=to).map(|day| day.to_string()).collect();
                format!("BYMONTHDAY={};BYDAY={weekday}", days.join(","))
            }
        };
        let until = last.map(|last| {
            let instant = last.and_time(self.time).and_utc() - TimeDelta::seconds(i64::from(change.offset_before));
            format!(";UNTIL={}", format_utc(instant))
        });
        let rule = format!("FREQ=YEARLY;BYMONTH={month};{days}{}", until.unwrap_or_default());
        Some(Observance { first, change: change.clone(), rule: Some(rule), listed: Vec::new() })
    }
}

fn weekday_name(from_monday: u32) -> &'static str {
    match Weekday::try_from(u8::try_from(from_monday).unwrap_or_default()).unwrap_or(Weekday::Mon) {
        Weekday::Mon => "MO",
        Weekday::Tue => "TU",
        Weekday::Wed => "WE",
        Weekday::Thu => "TH",
        Weekday::Fri => "FR",
        Weekday::Sat => "SA",
        Weekday::Sun => "SU",
    }
}

impl Observance {
    fn write(&self, out: &mut String) {
        push_line(out, "BEGIN", self.change.component);
        push_line(out, "DTSTART", &format_local(self.first));
        push_line(out, "TZOFFSETFROM", &format_offset(self.change.offset_before));
        push_line(out, "TZOFFSETTO", &format_offset(self.change.offset));
        push_line(out, "TZNAME", &self.change.name);
        if let Some(rule) = &self.rule {
            push_line(out, "RRULE", rule);
        }
        for onset in &self.listed {
            push_line(out, "RDATE", &format_local(*onset));
        }
        push_line(out, "END", self.change.component);
    }
}

fn format_local(local: NaiveDateTime) -> String {
    local.format("%Y%m%dT%H%M%S").to_string()
}

fn format_offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let absolute = seconds.unsigned_abs();
    let (hours, minutes, rest) = (absolute / 3600, absolute / 60 % 60, absolute % 60);
    if rest == 0 { format!("{sign}{hours:02}{minutes:02}") } else { format!("{sign}{hours:02}{minutes:02}{rest:02}") }
}

/// The years a definition is asked for: from 1970 where the range has no beginning.
pub(super) fn years(start: Option<DateTime<Utc>>, end: Option<DateTime<Utc>>) -> (i32, Option<i32>) {
    (start.map_or(1970, |start| start.year()), end.map(|end| end.year()))
}
