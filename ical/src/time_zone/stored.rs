//! The rules of a stored VTIMEZONE (RFC 5545 §3.6.5), evaluated year by year.
//!
//! Bounded: what has more observances or onsets than the limits, or a rule of another shape than time zones have, is not
//! understood at all. Nothing here guesses by name.

use crate::content_line::{Component, unescape_text};
use crate::date_time::{midnight, parse_date, parse_local, parse_utc};
use crate::rule_grammar::{Frequency, Rule, Until, parse_rule};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Weekday};

/// STANDARD and DAYLIGHT parts.
const OBSERVANCES_MAX: usize = 1_000;
/// Onsets listed or counted out.
const ONSETS_MAX: usize = 10_000;
/// Rules without end.
const ENDLESS_RULES_MAX: usize = 6;
/// The longest a rule without end rests: one weekday on one day of the month, over a year 1900.
const YEARS_WITHOUT_ONSET_MAX: i32 = 12;
/// Weekdays and leap years repeat after so many years.
const CYCLE_YEARS: i32 = 28;
/// Onsets looked at around one wall-clock time.
const ONSETS_AROUND_MAX: usize = 64;
const DAY_SECONDS: i64 = 86_400;

/// The rules of a VTIMEZONE.
#[derive(Debug, PartialEq)]
pub(super) struct StoredZone {
    /// Sorted by instant.
    onsets: Vec<Onset>,
    endless: Vec<YearlyRule>,
    /// The offset before the first onset.
    initial_offset: i32,
    /// Names the VTIMEZONE gives itself: X-LIC-LOCATION, TZID.
    pub(super) names: Vec<String>,
}

/// From `at` on (Unix seconds) the offset is `offset` (seconds east of Greenwich); before, it was `offset_before`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Onset {
    at: i64,
    offset_before: i32,
    offset: i32,
}

/// An observance that begins every year on the days its rule names.
#[derive(Debug, PartialEq)]
struct YearlyRule {
    pattern: DayPattern,
    time: NaiveTime,
    /// Wall-clock time of the DTSTART, which is an onset of its own; the rule is good for what is later.
    first: NaiveDateTime,
    offset_before: i32,
    offset: i32,
}

/// Days of a year: those that all the parts allow.
#[derive(Debug, PartialEq)]
struct DayPattern {
    months: Vec<u32>,
    /// Days of the month, negative ones from its end; empty allows all.
    month_days: Vec<i32>,
    /// Weekdays with their number in the month, 0 for every one; empty allows all.
    weekdays: Vec<(i32, Weekday)>,
}

impl StoredZone {
    /// Reads a VTIMEZONE.
    pub(super) fn read(vtimezone: &Component) -> Option<Self> {
        let observances = || vtimezone.components.iter().filter(|part| matches!(part.name.as_str(), "STANDARD" | "DAYLIGHT"));
        if observances().count() > OBSERVANCES_MAX {
            return None;
        }
        let names = ["X-LIC-LOCATION", "TZID"].iter().filter_map(|name| vtimezone.line(name));
        let names = names.map(|line| unescape_text(&line.value)).collect();
        let mut zone = Self { onsets: Vec::new(), endless: Vec::new(), initial_offset: 0, names };
        for observance in observances() {
            zone.add(observance)?;
        }
        zone.onsets.sort_by_key(|onset| onset.at);
        // Every observance has at least the onset of its DTSTART.
        zone.initial_offset = zone.onsets.first()?.offset_before;
        Some(zone)
    }

    fn add(&mut self, observance: &Component) -> Option<()> {
        let offset_before = parse_offset(&observance.line("TZOFFSETFROM")?.value)?;
        let offset = parse_offset(&observance.line("TZOFFSETTO")?.value)?;
        let first = parse_local_or_date(&observance.line("DTSTART")?.value)?;
        self.add_onset(first, offset_before, offset)?;
        for line in observance.lines_named("RDATE") {
            for value in line.value.split(',') {
                let value = value.split_once('/').map_or(value, |(start, _)| start).trim();
                match parse_utc(value) {
                    Some(instant) => self.push(Onset { at: instant.timestamp(), offset_before, offset })?,
                    None => self.add_onset(parse_local_or_date(value)?, offset_before, offset)?,
                }
            }
        }
        for line in observance.lines_named("RRULE") {
            let rule = parse_rule(line.value.trim())?;
            let pattern = DayPattern::of(&rule, first)?;
            let yearly = YearlyRule { pattern, time: first.time(), first, offset_before, offset };
            self.add_rule(yearly, &rule)?;
        }
        Some(())
    }

    fn add_rule(&mut self, yearly: YearlyRule, rule: &Rule) -> Option<()> {
        if rule.until.is_none() && rule.count.is_none() {
            if yearly.pattern.months.len() != 1 || !yearly.recurs_often() {
                return None;
            }
            self.endless.push(yearly);
            return (self.endless.len() <= ENDLESS_RULES_MAX).then_some(());
        }
        // COUNT counts the DTSTART too, which is there already.
        let mut left = rule.count.map_or(u32::MAX, |count| count - 1);
        let is_over = |local: NaiveDateTime| match rule.until {
            Some(Until::Utc(until)) => local.and_utc() - TimeDelta::seconds(i64::from(yearly.offset_before)) > until,
            Some(Until::Local(until)) => local > until,
            Some(Until::Date(until)) => local.date() > until,
            None => false,
        };
        for year in yearly.first.year()..=9999 {
            for date in yearly.pattern.dates(year) {
                let local = date.and_time(yearly.time);
                if local <= yearly.first {
                    continue;
                }
                if left == 0 || is_over(local) {
                    return Some(());
                }
                left -= 1;
                self.add_onset(local, yearly.offset_before, yearly.offset)?;
            }
            let next_year = NaiveDate::from_ymd_opt(year + 1, 1, 1).map(midnight)?;
            if left == 0 || is_over(next_year) {
                return Some(());
            }
        }
        Some(())
    }

    fn add_onset(&mut self, local: NaiveDateTime, offset_before: i32, offset: i32) -> Option<()> {
        self.push(Onset { at: local.and_utc().timestamp() - i64::from(offset_before), offset_before, offset })
    }

    fn push(&mut self, onset: Onset) -> Option<()> {
        self.onsets.push(onset);
        (self.onsets.len() <= ONSETS_MAX).then_some(())
    }

    /// The offset in force at an instant (Unix seconds): that of the latest onset, of whatever observance.
    pub(super) fn offset_at(&self, at: i64) -> i32 {
        let passed = self.onsets.partition_point(|onset| onset.at <= at);
        let listed = passed.checked_sub(1).and_then(|last| self.onsets.get(last)).copied();
        let latest = self.endless.iter().filter_map(|rule| rule.last_onset(at)).chain(listed).max_by_key(|onset| onset.at);
        latest.map_or(self.initial_offset, |onset| onset.offset)
    }

    /// The first onset after an instant.
    pub(super) fn next_onset(&self, after: i64) -> Option<i64> {
        let passed = self.onsets.partition_point(|onset| onset.at <= after);
        let listed = self.onsets.get(passed).map(|onset| onset.at);
        self.endless.iter().filter_map(|rule| rule.next_onset(after)).chain(listed).min()
    }

    /// The offset to read a wall-clock time with: in a gap the one before it, in an overlap the first.
    pub(super) fn offset_of_local(&self, local: NaiveDateTime) -> i32 {
        let local = local.and_utc().timestamp();
        // No offset reaches a day, so the instant is within a day of the wall-clock time read as UTC.
        let mut from = local - DAY_SECONDS;
        let mut offset = self.offset_at(from);
        for _ in 0..ONSETS_AROUND_MAX {
            let Some(next) = self.next_onset(from).filter(|next| *next <= local + DAY_SECONDS) else { return offset };
            if local - i64::from(offset) < next {
                return offset;
            }
            let following = self.offset_at(next);
            if local - i64::from(following) < next {
                return offset;
            }
            (from, offset) = (next, following);
        }
        offset
    }
}

impl YearlyRule {
    fn onset(&self, local: NaiveDateTime) -> Onset {
        let at = local.and_utc().timestamp() - i64::from(self.offset_before);
        Onset { at, offset_before: self.offset_before, offset: self.offset }
    }

    /// Whether the rule never rests longer than looked for.
    fn recurs_often(&self) -> bool {
        let first = self.first.year();
        let mut last = first;
        for year in first..first.saturating_add(CYCLE_YEARS + YEARS_WITHOUT_ONSET_MAX) {
            if !self.pattern.dates(year).is_empty() {
                last = year;
            }
            if year - last >= YEARS_WITHOUT_ONSET_MAX {
                return false;
            }
        }
        true
    }

    fn year_at(&self, at: i64) -> Option<i32> {
        Some(DateTime::from_timestamp(at + i64::from(self.offset_before), 0)?.year())
    }

    fn last_onset(&self, at: i64) -> Option<Onset> {
        let year = self.year_at(at)?;
        let years = (year.saturating_sub(YEARS_WITHOUT_ONSET_MAX).max(self.first.year())..=year).rev();
        years
            .flat_map(|year| self.pattern.dates(year).into_iter().rev())
            .map(|date| date.and_time(self.time))
            .filter(|local| *local > self.first)
            .map(|local| self.onset(local))
            .find(|onset| onset.at <= at)
    }

    fn next_onset(&self, after: i64) -> Option<i64> {
        let year = self.year_at(after)?.max(self.first.year());
        (year..=year.saturating_add(YEARS_WITHOUT_ONSET_MAX))
            .flat_map(|year| self.pattern.dates(year))
            .map(|date| date.and_time(self.time))
            .filter(|local| *local > self.first)
            .map(|local| self.onset(local).at)
            .find(|at| *at > after)
    }
}

impl DayPattern {
    /// The days a yearly rule names; `None` for rules of shapes that no time zone has.
    fn of(rule: &Rule, first: NaiveDateTime) -> Option<Self> {
        if rule.frequency != Frequency::Yearly || rule.interval != 1 {
            return None;
        }
        let mut pattern = Self { months: Vec::new(), month_days: Vec::new(), weekdays: Vec::new() };
        for (name, value) in &rule.parts {
            match name.as_str() {
                "BYMONTH" => pattern.months = value.split(',').map(|month| month.parse().ok()).collect::<Option<_>>()?,
                "BYMONTHDAY" => pattern.month_days = value.split(',').map(|day| day.parse().ok()).collect::<Option<_>>()?,
                "BYDAY" => pattern.weekdays = value.split(',').map(parse_weekday).collect::<Option<_>>()?,
                "WKST" => {}
                // Lotus Notes repeats the time of day that DTSTART gives.
                "BYHOUR" if *value == first.hour().to_string() => {}
                "BYMINUTE" if *value == first.minute().to_string() => {}
                "BYSECOND" if *value == first.second().to_string() => {}
                _ => return None,
            }
        }
        if pattern.months.is_empty() {
            if !pattern.month_days.is_empty() || !pattern.weekdays.is_empty() {
                return None;
            }
            pattern.months.push(first.month());
        }
        if pattern.month_days.is_empty() && pattern.weekdays.is_empty() {
            pattern.month_days.push(i32::try_from(first.day()).ok()?);
        }
        pattern.months.sort_unstable();
        Some(pattern)
    }

    /// The days of one year, in order.
    fn dates(&self, year: i32) -> Vec<NaiveDate> {
        let mut dates = Vec::new();
        for month in &self.months {
            let Some(first) = NaiveDate::from_ymd_opt(year, *month, 1) else { continue };
            let length = days_in_month(first);
            if let ([(number, weekday)], []) = (self.weekdays.as_slice(), self.month_days.as_slice())
                && *number != 0
            {
                dates.extend(nth_weekday(first, length, *number, *weekday).and_then(|day| first.with_day(day)));
                continue;
            }
            dates.extend((1..=length).filter_map(|day| first.with_day(day)).filter(|date| self.allows(*date, length)));
        }
        dates
    }

    fn allows(&self, date: NaiveDate, length: u32) -> bool {
        let (day, length) = (date.day().cast_signed(), length.cast_signed());
        let on_month_day = |allowed: &i32| *allowed == day || *allowed == day - length - 1;
        let on_weekday = |(number, weekday): &(i32, Weekday)| {
            *weekday == date.weekday() && matches!(*number, n if n == 0 || n == (day + 6) / 7 || n == -((length - day + 7) / 7))
        };
        (self.month_days.is_empty() || self.month_days.iter().any(on_month_day))
            && (self.weekdays.is_empty() || self.weekdays.iter().any(on_weekday))
    }
}

/// The day of the month that is its nth weekday, counted from the end if negative.
fn nth_weekday(first: NaiveDate, length: u32, number: i32, weekday: Weekday) -> Option<u32> {
    let offset = (7 + weekday.num_days_from_monday() - first.weekday().num_days_from_monday()) % 7;
    let day = if number > 0 {
        1 + offset.cast_signed() + 7 * (number - 1)
    } else {
        let last = 1 + offset + 7 * ((length - 1 - offset) / 7);
        last.cast_signed() + 7 * (number + 1)
    };
    u32::try_from(day).ok().filter(|day| (1..=length).contains(day))
}

/// The length of the month that begins on `first`.
pub(super) fn days_in_month(first: NaiveDate) -> u32 {
    match first.month() {
        2 if first.leap_year() => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn parse_weekday(value: &str) -> Option<(i32, Weekday)> {
    let (number, weekday) = value.split_at_checked(value.len().checked_sub(2)?)?;
    let weekday = match weekday {
        "MO" => Weekday::Mon,
        "TU" => Weekday::Tue,
        "WE" => Weekday::Wed,
        "TH" => Weekday::Thu,
        "FR" => Weekday::Fri,
        "SA" => Weekday::Sat,
        "SU" => Weekday::Sun,
        _ => return None,
    };
    let number = if number.is_empty() { 0 } else { number.parse().ok()? };
    Some((number, weekday))
}

/// Reads a UTC-OFFSET (RFC 5545 §3.3.14) into seconds.
fn parse_offset(value: &str) -> Option<i32> {
    let value = value.trim();
    let (sign, digits) = match value.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, value.strip_prefix('+').unwrap_or(value)),
    };
    if !matches!(digits.len(), 4 | 6) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: i32 = digits.parse().ok()?;
    let number = if digits.len() == 4 { number * 100 } else { number };
    let (hours, minutes, seconds) = (number / 10_000, number / 100 % 100, number % 100);
    (hours < 24 && minutes < 60 && seconds < 60).then_some(sign * (hours * 3600 + minutes * 60 + seconds))
}

/// Onsets are local times; some writers give a `Z` or a bare date.
fn parse_local_or_date(value: &str) -> Option<NaiveDateTime> {
    let value = value.trim();
    parse_local(value.strip_suffix('Z').unwrap_or(value)).or_else(|| parse_date(value).map(midnight))
}
