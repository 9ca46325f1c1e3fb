//! How far in time an object reaches, from its dates alone: wide enough, never too narrow.
//!
//! Nothing here expands a recurrence rule instance by instance.

use crate::calendar_object::{CalendarObject, ComponentKind, raw_time};
use crate::content_line::{Component, ContentLine};
use crate::date_time::{DateOrTime, TimeRange, parse_duration, parse_utc};
use crate::recurrence::holds_for_later;
use crate::rule_grammar::{Frequency, Rule, Until, parse_rule};
use crate::time_zone::Zone;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

/// No UTC-OFFSET reaches a day (RFC 5545 §3.3.14), so no zone moves a floating value further than this.
const FLOATING_SLACK: TimeDelta = TimeDelta::days(1);
/// Zones, UNTIL in another form than DTSTART, and days that are not 24 hours long move the end of a series less than this.
const SERIES_SLACK: TimeDelta = TimeDelta::days(3);
/// RFC 4791 §9.9 lets some components match a range that only touches them.
const TOUCH_SLACK: TimeDelta = TimeDelta::seconds(1);

/// The span of an object, see [`CalendarObject::span`].
pub(crate) fn of(object: &CalendarObject) -> TimeRange {
    let mut reach = Reach::default();
    for component in object.components() {
        match object.kind() {
            ComponentKind::Event | ComponentKind::Journal => reach.add_component(object, component),
            // A to-do without dates matches by COMPLETED and CREATED, or always (RFC 4791 §9.9).
            ComponentKind::ToDo if has(component, "DTSTART") || has(component, "DUE") => reach.add_component(object, component),
            // Busy time that recurs is against RFC 5545 §3.6.4, so nothing is known of it.
            ComponentKind::FreeBusy if has(component, "RRULE") || has(component, "RDATE") => reach.is_unbounded = true,
            ComponentKind::FreeBusy => reach.add_free_busy(object, component),
            // Without an end availability has none (RFC 7953 §3.1), and its AVAILABLE parts may recur.
            ComponentKind::Availability | ComponentKind::ToDo => reach.is_unbounded = true,
        }
        // It moves all that follows, and the series' own end with it.
        reach.is_unbounded |= holds_for_later(component);
    }
    reach.range()
}

fn has(component: &Component, name: &str) -> bool {
    component.line(name).is_some()
}

/// The range gathered so far.
#[derive(Default)]
struct Reach {
    start: Option<DateTime<Utc>>,
    end: Option<DateTime<Utc>>,
    has_no_end: bool,
    is_unbounded: bool,
}

impl Reach {
    fn range(&self) -> TimeRange {
        if self.is_unbounded {
            return TimeRange::default();
        }
        TimeRange {
            start: self.start.and_then(|start| start.checked_sub_signed(TOUCH_SLACK)),
            end: self.end.filter(|_| !self.has_no_end).and_then(|end| end.checked_add_signed(TOUCH_SLACK)),
        }
    }

    fn add(&mut self, start: DateTime<Utc>, end: DateTime<Utc>) {
        let least = start.min(end);
        let most = end.max(start);
        self.start = Some(self.start.map_or(least, |known| known.min(least)));
        self.end = Some(self.end.map_or(most, |known| known.max(most)));
    }

    /// Adds an instant that is known up to `slack`.
    fn add_with_slack(&mut self, start: DateTime<Utc>, end: DateTime<Utc>, slack: TimeDelta) {
        match (start.checked_sub_signed(slack), end.checked_add_signed(slack)) {
            (Some(start), Some(end)) => self.add(start, end),
            _ => self.is_unbounded = true,
        }
    }

    fn add_component(&mut self, object: &CalendarObject, component: &Component) {
        let start_line = component.line("DTSTART");
        let end_line = component.line("DTEND").or_else(|| component.line("DUE"));
        let Some(start) = start_line.or(end_line).and_then(|line| object.date_or_time(line)) else {
            // A journal entry without a date matches no range (RFC 4791 §9.9).
            return;
        };
        let slack = slack(&start);
        let start_utc = start.to_utc(&Zone::utc());
        let end = end_line.and_then(|line| object.date_or_time(line)).map(|end| end.to_utc(&Zone::utc()));
        let length = match (end, component.line("DURATION").and_then(|line| length_of(&line.value))) {
            (Some(end), _) => end.signed_duration_since(start_utc).max(TimeDelta::zero()),
            (None, Some(length)) => length,
            (None, None) => TimeDelta::zero(),
        };
        // A nominal day may have 25 hours or more, and a DATE lasts one.
        let length = length + TimeDelta::days(1);
        match start_utc.checked_add_signed(length) {
            Some(end) => self.add_with_slack(start_utc, end, slack),
            None => self.is_unbounded = true,
        }
        if !has(component, "RECURRENCE-ID") {
            self.add_series(object, component, &start, length);
        }
    }

    fn add_series(&mut self, object: &CalendarObject, master: &Component, start: &DateOrTime, length: TimeDelta) {
        // Of the hours of a day a series of days has one, so that COUNT reaches further than it seems.
        let is_hours_of_days = |rule: &Rule| start.is_date() && rule.frequency == Frequency::Hourly;
        for rule in master.lines_named("RRULE") {
            let rule = parse_rule(rule.value.trim()).filter(|rule| !is_hours_of_days(rule));
            let last = rule.and_then(|rule| last_slot_bound(&rule, start.naive()));
            match last.and_then(|last| last.checked_add_signed(length)).and_then(|end| end.checked_add_signed(SERIES_SLACK)) {
                Some(end) => self.add(end.and_utc(), end.and_utc()),
                None => self.has_no_end = true,
            }
        }
        for line in master.lines_named("RDATE") {
            for value in line.value.split(',') {
                self.add_listed(object, line, value, length);
            }
        }
    }

    /// One value of a list of times or periods.
    fn add_listed(&mut self, object: &CalendarObject, line: &ContentLine, value: &str, length: TimeDelta) {
        let (start, end) = match value.split_once('/') {
            Some((start, end)) => (start, Some(end)),
            None => (value, None),
        };
        let Some(start) = object.date_or_time_of(line, start) else {
            self.is_unbounded = true;
            return;
        };
        let slack = slack(&start) + TimeDelta::days(1);
        let start = start.to_utc(&Zone::utc());
        let explicit = end.and_then(|end| object.date_or_time_of(line, end)).map(|end| end.to_utc(&Zone::utc()));
        let length = end.and_then(length_of).unwrap_or(length);
        match explicit.or_else(|| start.checked_add_signed(length)) {
            Some(end) => self.add_with_slack(start, end, slack),
            None => self.is_unbounded = true,
        }
    }

    fn add_free_busy(&mut self, object: &CalendarObject, component: &Component) {
        let time = |name: &str| component.line(name).and_then(|line| object.date_or_time(line));
        match (time("DTSTART"), time("DTEND")) {
            (Some(start), Some(end)) => {
                self.add_with_slack(start.to_utc(&Zone::utc()), end.to_utc(&Zone::utc()), slack(&start).max(slack(&end)))
            }
            (None, None) if has(component, "FREEBUSY") => {}
            _ => self.is_unbounded = true,
        }
        for value in component.lines_named("FREEBUSY").flat_map(|line| line.value.split(',')) {
            let period = value.trim().split_once('/').and_then(|(start, end)| {
                let start = parse_utc(start)?;
                Some((start, parse_utc(end).or_else(|| start.checked_add_signed(length_of(end)?))?))
            });
            match period {
                Some((start, end)) => self.add(start, end),
                None => self.is_unbounded = true,
            }
        }
    }
}

/// The length of a DURATION value, its days taken as 24 hours.
fn length_of(value: &str) -> Option<TimeDelta> {
    parse_duration(value.trim()).map(|duration| TimeDelta::days(duration.days) + TimeDelta::seconds(duration.seconds))
}

fn slack(value: &DateOrTime) -> TimeDelta {
    match value {
        DateOrTime::Date(_) | DateOrTime::Floating(_) => FLOATING_SLACK,
        DateOrTime::Utc(_) | DateOrTime::Zoned(..) => TimeDelta::zero(),
    }
}

/// A wall-clock time after which the rule surely has no slot; `None` if it has no end, or none that is cheap to know.
fn last_slot_bound(rule: &Rule, start: NaiveDateTime) -> Option<NaiveDateTime> {
    match rule.until {
        Some(Until::Date(date)) => return Some(date.and_time(chrono::NaiveTime::MIN).max(start)),
        Some(Until::Local(local)) => return Some(local.max(start)),
        Some(Until::Utc(instant)) => return Some(instant.naive_utc().max(start)),
        None => {}
    }
    if !every_period_has_a_slot(rule, start) {
        return None;
    }
    let period_hours = match rule.frequency {
        Frequency::Yearly => 366 * 24,
        Frequency::Monthly => 31 * 24,
        Frequency::Weekly => 7 * 24,
        Frequency::Daily => 24,
        Frequency::Hourly => 1,
        Frequency::Minutely | Frequency::Secondly => return None,
    };
    // The first period may be over but for DTSTART.
    let periods = i64::from(rule.count?).checked_add(1)?.checked_mul(i64::from(rule.interval))?;
    start.checked_add_signed(TimeDelta::try_hours(periods.checked_mul(period_hours)?)?)
}

/// Whether no part of the rule leaves a whole period out. Only shapes that people use are told; others are not.
fn every_period_has_a_slot(rule: &Rule, start: NaiveDateTime) -> bool {
    let in_every_month = |value: &str| value.split(',').any(|item| item.parse().is_ok_and(|day: i32| (-28..=28).contains(&day)));
    let has_month_day = rule.parts.iter().any(|(name, _)| name == "BYMONTHDAY");
    let has_month = rule.parts.iter().any(|(name, _)| name == "BYMONTH");
    let weekday_in_every_month = |value: &str| {
        let number = |item: &str| item.get(..item.len().saturating_sub(2)).map(str::to_owned);
        !has_month_day && value.split(',').filter_map(number).any(|n| n.is_empty() || n.parse().is_ok_and(|n: i32| (-4..=4).contains(&n)))
    };
    let has_day_part = rule.parts.iter().any(|(name, _)| matches!(name.as_str(), "BYDAY" | "BYMONTHDAY"));
    let start_day_recurs = has_day_part || chrono::Datelike::day(&start) <= 28;
    let allows_all = |(name, value): &(String, String)| match (rule.frequency, name.as_str()) {
        (_, "WKST" | "BYMINUTE" | "BYSECOND") => true,
        (frequency, "BYHOUR") => frequency != Frequency::Hourly,
        (Frequency::Weekly, "BYDAY") => true,
        (Frequency::Yearly, "BYMONTH") => true,
        (Frequency::Monthly, "BYMONTHDAY") => in_every_month(value),
        (Frequency::Yearly, "BYMONTHDAY") => has_month && in_every_month(value),
        (Frequency::Monthly, "BYDAY") => weekday_in_every_month(value),
        (Frequency::Yearly, "BYDAY") => has_month && weekday_in_every_month(value),
        _ => false,
    };
    let needs_start_day = matches!(rule.frequency, Frequency::Monthly | Frequency::Yearly);
    (start_day_recurs || !needs_start_day) && rule.parts.iter().all(allows_all)
}

/// The range of wall-clock times that are written in the calendar or follow from its rules, a day added at both ends; for
/// comparing the zones they are in.
pub(crate) fn used_range(calendar: &Component) -> TimeRange {
    let mut first: Option<NaiveDateTime> = None;
    let mut last: Option<NaiveDateTime> = None;
    let mut has_no_end = false;
    let mut longest = TimeDelta::zero();
    let inner = calendar.components.iter().filter(|component| component.name != "VTIMEZONE").flat_map(|component| &component.components);
    let outer = calendar.components.iter().filter(|component| component.name != "VTIMEZONE");
    for component in outer.chain(inner) {
        let start = component.line("DTSTART").and_then(|line| raw_time(line, &line.value)).map(|start| start.naive());
        for line in &component.lines {
            match line.name.as_str() {
                "DTSTART" | "DTEND" | "DUE" | "RECURRENCE-ID" | "RDATE" | "EXDATE" => {
                    longest = longest.max(line.value.split(['/', ',']).filter_map(length_of).max().unwrap_or_default());
                    for time in line.value.split([',', '/']).filter_map(|value| raw_time(line, value)) {
                        let time = time.naive();
                        longest = longest.max(time.signed_duration_since(start.unwrap_or(time)));
                        first = Some(first.map_or(time, |first| first.min(time)));
                        last = Some(last.map_or(time, |last| last.max(time)));
                    }
                }
                "DURATION" => longest = longest.max(length_of(&line.value).unwrap_or_default()),
                "RRULE" => {
                    let bound = start.zip(parse_rule(line.value.trim())).and_then(|(start, rule)| last_slot_bound(&rule, start));
                    match bound {
                        Some(bound) => last = Some(last.map_or(bound, |last| last.max(bound))),
                        None => has_no_end = true,
                    }
                }
                _ => {}
            }
        }
    }
    TimeRange {
        start: first.and_then(|first| first.checked_sub_signed(TimeDelta::days(1))).map(|first| first.and_utc()),
        end: last.filter(|_| !has_no_end).and_then(|last| last.checked_add_signed(longest + TimeDelta::days(2))).map(|last| last.and_utc()),
    }
}

#[cfg(test)]
mod tests;
