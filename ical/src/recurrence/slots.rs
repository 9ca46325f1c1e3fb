//! The slots of one rule: wall-clock starts, in order, generated lazily from any point on (RFC 5545 §3.3.10).
//!
//! A rule divides time into periods of its FREQ, of which every INTERVAL-th counts, numbered from the one that holds
//! DTSTART. Period `n` is found by arithmetic, so a rule without COUNT starts right at the window asked for, however far
//! DTSTART lies back. Within a period the days that satisfy the BY parts are crossed with the times of day, and BYSETPOS
//! picks from the result by position without building it. Every day looked at and every slot made is charged to a budget.

use super::rule::{Frequency, RecurrenceRule, WeekdayNumber};
use super::{Budget, TooManyInstances};
use crate::date_time::{DateOrTime, midnight};
use crate::rule_grammar::Until;
use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Timelike, Utc, Weekday};
use std::collections::{BTreeSet, VecDeque};

/// The last year that iCalendar can write.
const YEAR_MAX: i32 = 9999;

/// After this many years (times INTERVAL) the Gregorian calendar repeats, days of the week included.
const GREGORIAN_CYCLE_YEARS: i64 = 400;

/// An iterator with a budget over the slots of one rule, DTSTART first.
pub(super) struct Slots {
    rule: RecurrenceRule,
    start: NaiveDateTime,
    /// DTSTART is a DATE: slots are midnights, BYHOUR and its kin are ignored.
    dates_only: bool,
    /// Slots before this are not returned, though COUNT counts them.
    from: NaiveDateTime,
    /// Nothing after this is returned, DTSTART neither.
    window_end: NaiveDateTime,
    /// The earlier of `window_end` and UNTIL.
    to: NaiveDateTime,
    /// UNTIL as an instant, with DTSTART to tell the zone: for slots near it the wall clock alone cannot decide.
    until: Option<(DateTime<Utc>, DateOrTime)>,
    period: i64,
    period_last: i64,
    /// Slots COUNT still allows.
    remaining: Option<u64>,
    /// A period of this year or later without any slot since shows that no slot will follow.
    barren_from: i64,
    hours: Vec<i32>,
    minutes: Vec<i32>,
    seconds: Vec<i32>,
    buffer: VecDeque<NaiveDateTime>,
    finished: bool,
}

impl Slots {
    /// The slots of `rule` from `from` through `to`, both inclusive, for a series that starts at `start`.
    pub(super) fn new(rule: &RecurrenceRule, start: &DateOrTime, from: NaiveDateTime, to: NaiveDateTime) -> Self {
        let (start_form, start) = (start, start.naive());
        let mut rule = rule.clone();
        let dates_only = start_form.is_date();
        if dates_only {
            (rule.by_hour, rule.by_minute, rule.by_second) = (Vec::new(), Vec::new(), Vec::new());
        }
        let plain = rule.is_plain();
        complete_day_parts(&mut rule, start);
        let or = |list: &[i32], value: u32| if list.is_empty() { vec![i32::try_from(value).unwrap_or(0)] } else { list.to_vec() };
        let (hours, minutes, seconds) =
            (or(&rule.by_hour, start.hour()), or(&rule.by_minute, start.minute()), or(&rule.by_second, start.second()));
        let (until_local, until) = resolve_until(rule.until, start_form);
        let mut slots = Self {
            start,
            dates_only,
            from,
            window_end: to,
            to: until_local.map_or(to, |u| u.min(to)),
            until,
            period: 0,
            period_last: i64::MAX,
            remaining: rule.count,
            barren_from: i64::MAX,
            hours,
            minutes,
            seconds,
            buffer: VecDeque::new(),
            finished: false,
            rule,
        };
        slots.buffer.push_back(start);
        slots.fast_forward(plain);
        slots
    }

    /// The next slot, `None` at the end, an error when the budget is used up.
    pub(super) fn next(&mut self, budget: &mut Budget) -> Result<Option<NaiveDateTime>, TooManyInstances> {
        loop {
            while let Some(slot) = self.buffer.pop_front() {
                if let Some(remaining) = &mut self.remaining {
                    match remaining.checked_sub(1) {
                        Some(less) => *remaining = less,
                        None => return Ok(self.finish()),
                    }
                }
                // DTSTART is the first of the series even where UNTIL lies before it.
                if slot > self.window_end || (slot > self.start && self.is_after_end(slot)) {
                    return Ok(self.finish());
                }
                if slot >= self.from {
                    return Ok(Some(slot));
                }
            }
            if self.finished || self.remaining == Some(0) {
                return Ok(self.finish());
            }
            self.fill(budget)?;
        }
    }

    fn finish(&mut self) -> Option<NaiveDateTime> {
        self.finished = true;
        self.buffer.clear();
        None
    }

    fn is_after_end(&self, slot: NaiveDateTime) -> bool {
        if slot > self.to {
            return true;
        }
        let Some((until, start)) = &self.until else { return false };
        // The wall clock is never further from UTC than two days, so most slots need no zone.
        until.naive_utc().checked_sub_days(Days::new(2)).is_some_and(|near| slot > near)
            && super::series::in_form_of(start, slot).to_utc(&crate::time_zone::Zone::utc()) > *until
    }

    /// Moves to the period of `from`, if COUNT does not need the earlier ones, and turns COUNT into a last period where
    /// each period surely has one slot.
    fn fast_forward(&mut self, plain: bool) {
        let one_slot_each = plain
            && match self.rule.frequency {
                Frequency::Yearly | Frequency::Monthly => self.start.day() <= 28,
                Frequency::Weekly | Frequency::Daily => true,
                Frequency::Hourly => !self.dates_only,
            };
        if one_slot_each && let Some(count) = self.remaining.take() {
            self.period_last = i64::try_from(count).unwrap_or(i64::MAX).saturating_sub(1);
        }
        if self.remaining.is_none() {
            self.period = self.period_at(self.from.max(self.start));
        }
    }

    /// The number of the period that begins last at or before `time`; not negative.
    fn period_at(&self, time: NaiveDateTime) -> i64 {
        let n = self.rule.interval.max(1);
        let periods = match self.rule.frequency {
            Frequency::Yearly => i64::from(time.year()) - i64::from(self.start.year()),
            Frequency::Monthly => month_index(time.date()) - month_index(self.start.date()),
            Frequency::Weekly => {
                let first = start_of_week(self.start.date(), self.rule.week_start);
                time.date().signed_duration_since(first).num_days().div_euclid(7)
            }
            Frequency::Daily => time.date().signed_duration_since(self.start.date()).num_days(),
            Frequency::Hourly => time.signed_duration_since(start_of_hour(self.start)).num_seconds().div_euclid(3600),
        };
        periods.div_euclid(n).max(0)
    }

    /// The first day (and for hourly rules the hour) of the current period, `None` after the last year.
    fn period_start(&self) -> Option<NaiveDateTime> {
        let offset = self.period.checked_mul(self.rule.interval)?;
        let date = match self.rule.frequency {
            Frequency::Yearly => {
                let year = i64::from(self.start.year()).checked_add(offset)?;
                NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, 1, 1)?
            }
            Frequency::Monthly => {
                let index = month_index(self.start.date()).checked_add(offset)?;
                let month = u32::try_from(index.rem_euclid(12)).ok()?.checked_add(1)?;
                NaiveDate::from_ymd_opt(i32::try_from(index.div_euclid(12)).ok()?, month, 1)?
            }
            Frequency::Weekly => {
                let first = start_of_week(self.start.date(), self.rule.week_start);
                first.checked_add_signed(TimeDelta::try_days(offset.checked_mul(7)?)?)?
            }
            Frequency::Daily => self.start.date().checked_add_signed(TimeDelta::try_days(offset)?)?,
            Frequency::Hourly => {
                let time = start_of_hour(self.start).checked_add_signed(TimeDelta::try_hours(offset)?)?;
                return (time.year() <= YEAR_MAX).then_some(time);
            }
        };
        (date.year() <= YEAR_MAX).then(|| midnight(date))
    }

    /// Looks at one period, buffers its slots after DTSTART, and moves on.
    fn fill(&mut self, budget: &mut Budget) -> Result<(), TooManyInstances> {
        budget.charge()?;
        let Some(period_start) = self.period_start().filter(|p| self.period <= self.period_last && *p <= self.to) else {
            self.finished = true;
            return Ok(());
        };
        let days = self.days(period_start, budget)?;
        self.buffer_slots(&days, period_start, budget)?;
        self.advance(period_start, days.is_empty());
        Ok(())
    }

    fn advance(&mut self, period_start: NaiveDateTime, no_days: bool) {
        let year = i64::from(period_start.year());
        if !self.buffer.is_empty() || self.barren_from == i64::MAX {
            self.barren_from = year.saturating_add(GREGORIAN_CYCLE_YEARS.saturating_mul(self.rule.interval)).saturating_add(1);
        } else if year > self.barren_from {
            self.finished = true;
        }
        let next = self.period.saturating_add(1);
        let skipped_to = if no_days { self.day_after_barren_days(period_start).map(|day| self.period_at(day)) } else { None };
        self.period = skipped_to.map_or(next, |p| p.max(next));
    }

    /// Where to go on after a period of at most a week none of whose days satisfied the rule.
    fn day_after_barren_days(&self, period_start: NaiveDateTime) -> Option<NaiveDateTime> {
        let last = match self.rule.frequency {
            Frequency::Hourly | Frequency::Daily => period_start.date(),
            Frequency::Weekly => period_start.date().checked_add_days(Days::new(6))?,
            Frequency::Monthly | Frequency::Yearly => return None,
        };
        if !self.rule.by_month.is_empty() && !self.has_month(last.month()) {
            let (year, month) = (last.year(), last.month());
            let later = (month + 1..=12).find(|m| self.has_month(*m)).map(|m| (year, m));
            let (year, month) = later.or_else(|| (1..=12).find(|m| self.has_month(*m)).map(|m| (year + 1, m)))?;
            return NaiveDate::from_ymd_opt(year, month, 1).map(midnight);
        }
        // An hour whose day is not wanted: none of that day's hours is.
        let whole_day = self.rule.frequency == Frequency::Hourly && !self.has_day(last);
        if whole_day { last.succ_opt().map(midnight) } else { None }
    }

    /// The days of a period that satisfy the rule, in order.
    fn days(&self, period_start: NaiveDateTime, budget: &mut Budget) -> Result<Vec<NaiveDate>, TooManyInstances> {
        let first = period_start.date();
        let mut days = Vec::new();
        match self.rule.frequency {
            Frequency::Yearly if !self.rule.by_year_day.is_empty() => {
                let length = if first.leap_year() { 366 } else { 365 };
                let ordinals: BTreeSet<i32> = self.rule.by_year_day.iter().map(|d| if *d < 0 { length + 1 + d } else { *d }).collect();
                let dates = ordinals.into_iter().filter_map(|o| NaiveDate::from_yo_opt(first.year(), u32::try_from(o).ok()?));
                self.keep_days(dates, &mut days, budget)?;
            }
            Frequency::Yearly => {
                for month in (1..=12).filter(|m| self.has_month(*m)) {
                    if let Some(first) = first.with_month(month) {
                        self.keep_days(self.days_of_month(first), &mut days, budget)?;
                    }
                }
            }
            Frequency::Monthly if !self.has_month(first.month()) => {}
            Frequency::Monthly => self.keep_days(self.days_of_month(first), &mut days, budget)?,
            Frequency::Weekly => {
                self.keep_days((0..7).filter_map(|n| first.checked_add_days(Days::new(n))), &mut days, budget)?;
            }
            Frequency::Daily => self.keep_days(std::iter::once(first), &mut days, budget)?,
            Frequency::Hourly => {
                let hour = i32::try_from(period_start.hour()).unwrap_or(0);
                let wanted = (self.rule.by_hour.is_empty() || self.rule.by_hour.contains(&hour)) && (!self.dates_only || hour == 0);
                if wanted {
                    self.keep_days(std::iter::once(first), &mut days, budget)?;
                }
            }
        }
        Ok(days)
    }

    fn keep_days(
        &self,
        dates: impl Iterator<Item = NaiveDate>,
        days: &mut Vec<NaiveDate>,
        budget: &mut Budget,
    ) -> Result<(), TooManyInstances> {
        for date in dates {
            budget.charge()?;
            if self.has_day(date) {
                days.push(date);
            }
        }
        Ok(())
    }

    /// The days of a month that BYMONTHDAY names, or all.
    fn days_of_month(&self, first: NaiveDate) -> impl Iterator<Item = NaiveDate> + use<> {
        let length = i32::from(first.num_days_in_month());
        let days: BTreeSet<i32> = if self.rule.by_month_day.is_empty() {
            (1..=length).collect()
        } else {
            self.rule.by_month_day.iter().map(|d| if *d < 0 { length + 1 + d } else { *d }).collect()
        };
        days.into_iter().filter_map(move |day| first.with_day(u32::try_from(day).ok()?))
    }

    fn has_month(&self, month: u32) -> bool {
        self.rule.by_month.is_empty() || i32::try_from(month).is_ok_and(|m| self.rule.by_month.contains(&m))
    }

    fn has_day(&self, date: NaiveDate) -> bool {
        let rule = &self.rule;
        let by_number = |list: &[i32], position: i32, length: i32| {
            list.is_empty() || list.contains(&position) || list.contains(&(position - length - 1))
        };
        let (day, month_length) = (date.day().cast_signed(), i32::from(date.num_days_in_month()));
        let (year_day, year_length) = (date.ordinal().cast_signed(), if date.leap_year() { 366 } else { 365 });
        self.has_month(date.month())
            && by_number(&rule.by_month_day, day, month_length)
            && by_number(&rule.by_year_day, year_day, year_length)
            && (rule.by_week_number.is_empty() || {
                let (week, weeks) = week_number(date, rule.week_start);
                by_number(&rule.by_week_number, week, weeks)
            })
            && (rule.by_day.is_empty() || rule.by_day.iter().any(|d| d.weekday == date.weekday() && self.has_ordinal(date, d.ordinal)))
    }

    /// Whether `date` is the n-th of its weekday in its month (monthly rules, or yearly with BYMONTH) or year. Beside any
    /// other FREQ, and beside BYWEEKNO, the number has no meaning (RFC 5545 §3.3.10) and is ignored.
    fn has_ordinal(&self, date: NaiveDate, ordinal: Option<i32>) -> bool {
        let Some(ordinal) = ordinal else { return true };
        let rule = &self.rule;
        let (position, length) = match rule.frequency {
            Frequency::Monthly => (date.day().cast_signed(), i32::from(date.num_days_in_month())),
            Frequency::Yearly if !rule.by_week_number.is_empty() => return true,
            Frequency::Yearly if !rule.by_month.is_empty() => (date.day().cast_signed(), i32::from(date.num_days_in_month())),
            Frequency::Yearly => (date.ordinal().cast_signed(), if date.leap_year() { 366 } else { 365 }),
            Frequency::Weekly | Frequency::Daily | Frequency::Hourly => return true,
        };
        ordinal == (position - 1) / 7 + 1 || ordinal == -((length - position) / 7 + 1)
    }

    /// Crosses days and times of day, picks by BYSETPOS, and buffers what lies after DTSTART (and, where nothing is
    /// counted, not before `from`).
    fn buffer_slots(&mut self, days: &[NaiveDate], period_start: NaiveDateTime, budget: &mut Budget) -> Result<(), TooManyInstances> {
        let hour_of_period = [period_start.hour().cast_signed()];
        let hours: &[i32] = if self.rule.frequency == Frequency::Hourly { &hour_of_period } else { &self.hours };
        let times = hours.len() * self.minutes.len() * self.seconds.len();
        let earliest = if self.remaining.is_none() { self.from.max(self.start) } else { self.start };
        let positions: Box<dyn Iterator<Item = usize>> = if self.rule.by_set_position.is_empty() {
            // Whole days before the window are passed over at once.
            let first = days.iter().take_while(|d| **d < earliest.date()).count();
            Box::new(first * times..days.len() * times)
        } else {
            Box::new(picked_positions(&self.rule.by_set_position, days.len() * times).into_iter())
        };
        for position in positions {
            budget.charge()?;
            let slot = days.get(position / times).and_then(|day| {
                let time = self.time_of_day(hours, position % times)?;
                Some(day.and_time(time))
            });
            match slot {
                Some(slot) if slot > self.to => {
                    self.finished = true;
                    break;
                }
                Some(slot) if slot > self.start && slot >= earliest => self.buffer.push_back(slot),
                _ => {}
            }
        }
        Ok(())
    }

    /// The `index`-th time of day in order.
    fn time_of_day(&self, hours: &[i32], index: usize) -> Option<NaiveTime> {
        let (minute_seconds, seconds) = (self.minutes.len() * self.seconds.len(), self.seconds.len());
        let unit = |list: &[i32], at: usize| list.get(at).and_then(|v| u32::try_from(*v).ok());
        let hour = unit(hours, index.checked_div(minute_seconds)?)?;
        let minute = unit(&self.minutes, index.checked_rem(minute_seconds)?.checked_div(seconds)?)?;
        let second = unit(&self.seconds, index.checked_rem(seconds)?)?;
        NaiveTime::from_hms_opt(hour, minute, second)
    }
}

/// The zero-based positions that BYSETPOS picks among `length` slots, in order.
fn picked_positions(by_set_position: &[i32], length: usize) -> BTreeSet<usize> {
    let pick = |position: &i32| {
        let magnitude = usize::try_from(position.unsigned_abs()).ok()?;
        if *position > 0 { magnitude.checked_sub(1) } else { length.checked_sub(magnitude) }
    };
    by_set_position.iter().filter_map(pick).filter(|p| *p < length).collect()
}

/// Adds what RFC 5545 §3.3.10 takes from DTSTART where the rule names no day.
fn complete_day_parts(rule: &mut RecurrenceRule, start: NaiveDateTime) {
    let no_day_of_month = rule.by_month_day.is_empty() && rule.by_year_day.is_empty() && rule.by_day.is_empty();
    let same_weekday = WeekdayNumber { ordinal: None, weekday: start.weekday() };
    match rule.frequency {
        Frequency::Yearly if no_day_of_month && rule.by_week_number.is_empty() => {
            if rule.by_month.is_empty() {
                rule.by_month.push(start.month().cast_signed());
            }
            rule.by_month_day.push(start.day().cast_signed());
        }
        Frequency::Yearly if no_day_of_month => rule.by_day.push(same_weekday),
        Frequency::Monthly if no_day_of_month && rule.by_week_number.is_empty() => rule.by_month_day.push(start.day().cast_signed()),
        Frequency::Weekly if no_day_of_month && rule.by_week_number.is_empty() => rule.by_day.push(same_weekday),
        _ => {}
    }
}

/// UNTIL as a wall-clock bound (a day too late where an instant has the last word), and that instant.
fn resolve_until(until: Option<Until>, start: &DateOrTime) -> (Option<NaiveDateTime>, Option<(DateTime<Utc>, DateOrTime)>) {
    let end_of_day = |date: NaiveDate| date.and_hms_opt(23, 59, 59);
    match (until, start) {
        (None, _) => (None, None),
        (Some(Until::Date(date)), _) => (end_of_day(date), None),
        (Some(Until::Local(local)), DateOrTime::Date(_)) => (end_of_day(local.date()), None),
        (Some(Until::Utc(utc)), DateOrTime::Date(_)) => (end_of_day(utc.date_naive()), None),
        (Some(Until::Local(local)), _) => (Some(local), None),
        (Some(Until::Utc(utc)), DateOrTime::Zoned(..)) => (utc.naive_utc().checked_add_days(Days::new(2)), Some((utc, start.clone()))),
        (Some(Until::Utc(utc)), DateOrTime::Floating(_) | DateOrTime::Utc(_)) => (Some(utc.naive_utc()), None),
    }
}

fn month_index(date: NaiveDate) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month0())
}

fn start_of_hour(time: NaiveDateTime) -> NaiveDateTime {
    time.date().and_hms_opt(time.hour(), 0, 0).unwrap_or(time)
}

fn start_of_week(date: NaiveDate, week_start: Weekday) -> NaiveDate {
    let days = date.weekday().days_since(week_start);
    date.checked_sub_days(Days::new(u64::from(days))).unwrap_or(date)
}

/// The number of the date's week and of the weeks in that week's year: a week belongs to the year that has four of its
/// days.
fn week_number(date: NaiveDate, week_start: Weekday) -> (i32, i32) {
    let fourth_day = |date: NaiveDate| start_of_week(date, week_start).checked_add_days(Days::new(3)).unwrap_or(date);
    let number = |fourth: NaiveDate| fourth.ordinal0().cast_signed() / 7 + 1;
    let fourth = fourth_day(date);
    // The 28th of December always lies in the last week of its year.
    let weeks = NaiveDate::from_ymd_opt(fourth.year(), 12, 28).map_or(52, |d| number(fourth_day(d)));
    (number(fourth), weeks)
}
