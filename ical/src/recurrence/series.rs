//! A calendar object as a series: its master with rules, additions and exclusions, and its overrides (RFC 5545 §3.8.5,
//! §3.8.4.4). Gives each instance near a range once, in no particular order, to whoever asks.
//!
//! Slots are compared as resolved instants (dates and floating times as they stand), so that an EXDATE or RECURRENCE-ID
//! written in UTC meets a slot written with a TZID. A DATE beside a timed series means each slot of that day.

use super::rule::RecurrenceRule;
use super::slots::Slots;
use super::{Budget, ExpansionLimits, Instance, TooManyInstances};
use crate::calendar_object::{CalendarObject, ComponentKind, RawTime, RecurrenceId, raw_time};
use crate::content_line::{Component, ContentLine};
use crate::date_time::{DateOrTime, Duration, TimeRange, midnight, parse_duration};
use crate::time_zone::Zone;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use std::collections::HashSet;
use std::ops::ControlFlow;

/// Wall clocks and UTC, or two wall clocks, differ by less than this.
const ZONE_MARGIN_DAYS: i64 = 3;

/// No clock was ever put forward or back by more (a day, where the date line was moved).
const CLOCK_CHANGE_HOURS_MAX: i64 = 25;

/// How an instance's end is given, which RFC 4791 §9.9 asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EndGiven {
    /// Not at all.
    No,
    /// By DTEND or DUE, or by the end of a PERIOD.
    End,
    /// By DURATION.
    Duration,
}

/// How long the instances of a component are.
#[derive(Clone, Debug)]
pub(super) enum Extent {
    Implied,
    /// DTEND or DUE as days after a DATE.
    Days(i64),
    /// DTEND or DUE as exact seconds after a time.
    Seconds(i64),
    Duration(Duration),
    /// An end without a start (VTODO with DUE alone), or the end of a PERIOD.
    Fixed(DateOrTime),
}

/// An instance and what else the range rules need of it.
pub(super) struct Candidate<'a> {
    pub(super) instance: Instance<'a>,
    pub(super) end_given: EndGiven,
    /// The only rule of its series gave it, after all of that rule's earlier ones.
    pub(super) by_only_rule: bool,
}

/// A slot as it is compared with others of its series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Date(NaiveDate),
    Local(NaiveDateTime),
    Utc(DateTime<Utc>),
}

/// A component with its own start and extent.
pub(super) struct Timed<'a> {
    pub(super) component: &'a Component,
    pub(super) start: Option<DateOrTime>,
    pub(super) extent: Extent,
}

pub(super) struct Override<'a> {
    pub(super) timed: Timed<'a>,
    pub(super) slot: DateOrTime,
}

/// A parsed series; made per question, since it borrows the object.
pub(super) struct Series<'a, 'z> {
    object: &'a CalendarObject,
    kind: ComponentKind,
    pub(super) floating: &'z Zone,
    master: Option<Timed<'a>>,
    rules: Vec<RecurrenceRule>,
    pub(super) overrides: Vec<Override<'a>>,
    /// Those of them that hold for later instances, in order of slot.
    pub(super) later: Vec<(DateTime<Utc>, usize)>,
    recurring: bool,
}

impl<'a, 'z> Series<'a, 'z> {
    pub(super) fn new(object: &'a CalendarObject, floating: &'z Zone) -> Self {
        let kind = object.kind();
        let mut series =
            Self { object, kind, floating, master: None, rules: Vec::new(), overrides: Vec::new(), later: Vec::new(), recurring: false };
        for component in object.components() {
            let timed = series.timed(component);
            match object.replaced(component) {
                Some(slot) => series.overrides.push(Override { timed, slot }),
                None => series.master = series.master.or(Some(timed)),
            }
        }
        if let Some(master) = series.master.as_ref().filter(|m| m.start.is_some()) {
            series.rules = master.component.lines_named("RRULE").filter_map(|line| RecurrenceRule::parse(&line.value)).collect();
            series.recurring = !series.rules.is_empty() || !series.overrides.is_empty() || master.component.line("RDATE").is_some();
        } else {
            series.recurring = !series.overrides.is_empty();
        }
        for index in 0..series.overrides.len() {
            let slot = series.overrides.get(index).map(|o| series.slot_of_master(&o.slot));
            if let (Some(entry), Some(slot)) = (series.overrides.get_mut(index), slot) {
                entry.slot = slot;
            }
        }
        series.later = series.order_later();
        series
    }

    /// DTSTART of the master.
    pub(super) fn master_start(&self) -> Option<&DateOrTime> {
        self.master.as_ref().and_then(|m| m.start.as_ref())
    }

    /// The rules of the master.
    pub(super) fn rules(&self) -> &[RecurrenceRule] {
        &self.rules
    }

    /// Whether a rule without end gives more than DTSTART: then what EXDATE takes out makes no difference.
    pub(super) fn goes_on_for_ever(&self, limits: &ExpansionLimits) -> bool {
        let Some(start) = self.master_start() else { return false };
        let endless = self.rules.iter().filter(|rule| rule.count.is_none() && rule.until.is_none());
        let after_start = plus(start.naive(), TimeDelta::try_seconds(1).unwrap_or_default());
        endless.map(|rule| Slots::new(rule, start, after_start, NaiveDateTime::MAX)).any(|mut slots| {
            // Where that cannot be told within the budget the series counts as too long all the same.
            !matches!(slots.next(&mut Budget::new(limits)), Ok(None))
        })
    }

    /// Each override as it stands, and as the instance it replaces would have been without it (RFC 4791 §9.6.6).
    pub(super) fn overrides(&self) -> impl Iterator<Item = (Candidate<'a>, Option<Candidate<'a>>)> {
        self.overrides.iter().map(|entry| {
            let current = self.candidate(&entry.timed, entry.timed.start.clone(), &entry.timed.extent, Some(&entry.slot));
            let master = self.master.as_ref().filter(|master| master.start.is_some());
            let original = master.map(|m| self.candidate(m, Some(entry.slot.clone()), &m.extent, Some(&entry.slot)));
            (current, original)
        })
    }

    /// Shows `visit` every instance that an override describes, and every one of the master that may overlap `near`
    /// (some that do not as well), until it breaks.
    pub(super) fn each_instance(
        &self,
        near: &TimeRange,
        budget: &mut Budget,
        visit: &mut dyn FnMut(Candidate<'a>) -> ControlFlow<()>,
    ) -> Result<(), TooManyInstances> {
        for entry in &self.overrides {
            budget.charge()?;
            if visit(self.candidate(&entry.timed, entry.timed.start.clone(), &entry.timed.extent, Some(&entry.slot))).is_break() {
                return Ok(());
            }
        }
        self.each_master_instance(near, budget, visit)
    }

    /// The instances that the master describes, as [`Self::each_instance`].
    pub(super) fn each_master_instance(
        &self,
        near: &TimeRange,
        budget: &mut Budget,
        visit: &mut dyn FnMut(Candidate<'a>) -> ControlFlow<()>,
    ) -> Result<(), TooManyInstances> {
        let Some(master) = &self.master else { return Ok(()) };
        let Some(start) = &master.start else {
            let _ = visit(self.candidate(master, None, &master.extent, None));
            return Ok(());
        };
        let window = self.with_moved(self.slot_window(start, near, &master.extent), start, near);
        let mut taken = self.excluded(master.component, start, &window);
        for (slot, period_end) in self.additions(master.component, start, &window, near) {
            let key = self.key(start, &slot);
            if taken.insert(key, slot.naive()) {
                budget.charge()?;
                let extent = period_end.unwrap_or_else(|| master.extent.clone());
                let as_the_master_has_it = || self.candidate(master, Some(slot.clone()), &extent, Some(&slot));
                if visit(self.of_slot(&slot, as_the_master_has_it)).is_break() {
                    return Ok(());
                }
            }
        }
        if self.rules.is_empty() {
            if taken.insert(self.key(start, start), start.naive()) {
                let _ = visit(self.of_slot(start, || self.candidate(master, Some(start.clone()), &master.extent, Some(start))));
            }
            return Ok(());
        }
        for rule in &self.rules {
            let mut slots = Slots::new(rule, start, window.first, window.last);
            while let Some(slot) = slots.next(budget)? {
                let slot = in_form_of(start, slot);
                if !taken.insert(self.key(start, &slot), slot.naive()) {
                    continue;
                }
                let as_the_master_has_it = || self.candidate(master, Some(slot.clone()), &master.extent, Some(&slot));
                let candidate = Candidate { by_only_rule: self.rules.len() == 1, ..self.of_slot(&slot, as_the_master_has_it) };
                if visit(candidate).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The wall-clock starts in the master's zone that instances overlapping `near` can have.
    pub(super) fn slot_window(&self, start: &DateOrTime, near: &TimeRange, extent: &Extent) -> SlotWindow {
        let (zone, margin) = match start {
            DateOrTime::Utc(_) => (None, TimeDelta::try_seconds(1)),
            DateOrTime::Zoned(_, zone) => (Some(zone), TimeDelta::try_hours(CLOCK_CHANGE_HOURS_MAX)),
            DateOrTime::Date(_) | DateOrTime::Floating(_) => (Some(self.floating), TimeDelta::try_hours(CLOCK_CHANGE_HOURS_MAX)),
        };
        let margin = margin.unwrap_or_default();
        let local = |instant: DateTime<Utc>| zone.map_or(instant.naive_utc(), |zone| zone.to_local(instant));
        let length = match extent {
            Extent::Implied | Extent::Fixed(_) => TimeDelta::try_days(i64::from(start.is_date())),
            Extent::Days(days) => TimeDelta::try_days(*days),
            Extent::Seconds(seconds) => TimeDelta::try_seconds(*seconds),
            Extent::Duration(d) => d.days.checked_mul(86_400).and_then(|s| s.checked_add(d.seconds)).and_then(TimeDelta::try_seconds),
        };
        // A length past counting leaves the window open.
        let back = length.and_then(|l| l.max(TimeDelta::zero()).checked_add(&margin));
        let first = near.start.zip(back).and_then(|(s, b)| local(s).checked_sub_signed(b)).unwrap_or(NaiveDateTime::MIN);
        let last = near.end.and_then(|e| local(e).checked_add_signed(margin)).unwrap_or(NaiveDateTime::MAX);
        SlotWindow { first, last }
    }

    /// What EXDATE and the overrides take out of the series, near the window.
    fn excluded(&self, master: &Component, start: &DateOrTime, window: &SlotWindow) -> Taken {
        let mut taken = Taken::default();
        let timed = !start.is_date();
        for line in master.lines_named("EXDATE") {
            let zone = zone_of(self.object, line);
            let values = line.value.split(',').filter_map(|value| read_value(line, value, zone.as_ref()));
            for value in values.filter(|value| window.is_near(value.naive())) {
                match value {
                    DateOrTime::Date(day) if timed => drop(taken.days.insert(day)),
                    value => drop(taken.keys.insert(self.key(start, &value))),
                }
            }
        }
        for entry in self.overrides.iter().filter(|o| window.is_near(o.slot.naive())) {
            match &entry.slot {
                DateOrTime::Date(day) if timed => drop(taken.days.insert(*day)),
                slot => drop(taken.keys.insert(self.key(start, slot))),
            }
        }
        taken
    }

    /// The RDATEs near the window, in the form of DTSTART, with the end of those that are a PERIOD.
    fn additions(
        &self,
        master: &Component,
        start: &DateOrTime,
        window: &SlotWindow,
        near: &TimeRange,
    ) -> Vec<(DateOrTime, Option<Extent>)> {
        let mut additions = Vec::new();
        for line in master.lines_named("RDATE") {
            let zone = zone_of(self.object, line);
            for item in line.value.split(',') {
                let (value, end) = item.split_once('/').map_or((item, None), |(v, e)| (v, Some(e)));
                let Some(value) = read_value(line, value, zone.as_ref()) else { continue };
                let extent = end.and_then(|end| period_extent(line, &value, end, zone.as_ref(), self.floating));
                let is_near = match &extent {
                    Some(Extent::Fixed(end)) if self.later.is_empty() => self.may_overlap(&value, end, near),
                    _ => window.is_near(value.naive()),
                };
                if !is_near {
                    continue;
                }
                let value = match (value, start) {
                    // A date beside a timed series: that day at the series' time of day.
                    (DateOrTime::Date(day), start) if !start.is_date() => in_form_of(start, day.and_time(start.naive().time())),
                    (value, _) => self.slot_of_master(&value),
                };
                additions.push((value, extent));
            }
        }
        additions
    }

    /// Whether what lasts from `start` to `end` can overlap the range, or touch it.
    fn may_overlap(&self, start: &DateOrTime, end: &DateOrTime, near: &TimeRange) -> bool {
        near.start.is_none_or(|first| first <= end.to_utc(self.floating)) && near.end.is_none_or(|last| start.to_utc(self.floating) <= last)
    }

    /// A value in the form the master's DTSTART has; a DATE beside a timed series stays one.
    fn slot_of_master(&self, value: &DateOrTime) -> DateOrTime {
        let Some(start) = self.master_start() else { return value.clone() };
        match (start, value) {
            (DateOrTime::Date(_), value) => DateOrTime::Date(value.naive().date()),
            (_, DateOrTime::Date(_)) => value.clone(),
            (DateOrTime::Floating(_), DateOrTime::Floating(_)) => value.clone(),
            (DateOrTime::Floating(_), value) => DateOrTime::Floating(self.floating.to_local(value.to_utc(self.floating))),
            (DateOrTime::Utc(_), DateOrTime::Floating(local)) => DateOrTime::Utc(local.and_utc()),
            (DateOrTime::Utc(_), value) => DateOrTime::Utc(value.to_utc(self.floating)),
            (DateOrTime::Zoned(_, zone), DateOrTime::Floating(local)) => DateOrTime::Zoned(*local, zone.clone()),
            (DateOrTime::Zoned(_, zone), DateOrTime::Zoned(local, other)) if zone == other => DateOrTime::Zoned(*local, zone.clone()),
            (DateOrTime::Zoned(_, zone), value) => in_zone(value.to_utc(self.floating), zone),
        }
    }

    fn key(&self, start: &DateOrTime, value: &DateOrTime) -> Key {
        match (start, self.slot_of_master(value)) {
            (DateOrTime::Date(_), value) => Key::Date(value.naive().date()),
            (DateOrTime::Floating(_), value) => Key::Local(value.naive()),
            (_, value) => Key::Utc(value.to_utc(self.floating)),
        }
    }

    fn timed(&self, component: &'a Component) -> Timed<'a> {
        let read = |name: &str| component.line(name).and_then(|line| self.object.date_or_time(line));
        let start = read("DTSTART");
        let end = self.object.end_line(component).and_then(|line| self.object.date_or_time(line));
        let duration = component.line("DURATION").and_then(|line| parse_duration(line.value.trim()));
        let extent = match (&start, end, duration) {
            (None, Some(end), _) => Extent::Fixed(end),
            (Some(start), Some(end), _) => self.extent_between(start, &end),
            (_, None, Some(duration)) => Extent::Duration(duration),
            (_, None, None) => Extent::Implied,
        };
        Timed { component, start, extent }
    }

    fn extent_between(&self, start: &DateOrTime, end: &DateOrTime) -> Extent {
        match (start, end) {
            (DateOrTime::Date(start), DateOrTime::Date(end)) => {
                // An all-day event that "ends" on its first day is one day long to every client.
                let least = i64::from(self.kind != ComponentKind::ToDo);
                Extent::Days(end.signed_duration_since(*start).num_days().max(least))
            }
            (DateOrTime::Floating(start), DateOrTime::Floating(end)) => {
                Extent::Seconds(end.signed_duration_since(*start).num_seconds().max(0))
            }
            (start, end) => {
                let seconds = end.to_utc(self.floating).signed_duration_since(start.to_utc(self.floating)).num_seconds();
                Extent::Seconds(seconds.max(0))
            }
        }
    }

    pub(super) fn candidate(
        &self,
        timed: &Timed<'a>,
        start: Option<DateOrTime>,
        extent: &Extent,
        slot: Option<&DateOrTime>,
    ) -> Candidate<'a> {
        let slot = slot.filter(|_| self.recurring).cloned();
        let end = match (&start, extent) {
            (_, Extent::Fixed(end)) => Some(end.clone()),
            (None, _) => None,
            (Some(start), Extent::Implied) => match (self.kind, start) {
                (ComponentKind::Event | ComponentKind::Journal, DateOrTime::Date(_)) => Some(add(start, days(1), self.floating)),
                (ComponentKind::Event | ComponentKind::Journal, start) => Some(start.clone()),
                _ => None,
            },
            (Some(start), Extent::Days(n)) => Some(add(start, days(*n), self.floating)),
            (Some(start), Extent::Seconds(seconds)) => Some(add(start, Duration { days: 0, seconds: *seconds }, self.floating)),
            (Some(start), Extent::Duration(duration)) => Some(add(start, *duration, self.floating)),
        };
        let end_given = match extent {
            Extent::Implied => EndGiven::No,
            Extent::Days(_) | Extent::Seconds(_) | Extent::Fixed(_) => EndGiven::End,
            Extent::Duration(_) => EndGiven::Duration,
        };
        let instance = Instance {
            component: timed.component,
            recurrence_id: slot.as_ref().map(RecurrenceId::of),
            slot,
            start_utc: start.as_ref().map(|s| s.to_utc(self.floating)),
            end_utc: end.as_ref().map(|e| e.to_utc(self.floating)),
            start,
            end,
        };
        Candidate { instance, end_given, by_only_rule: false }
    }
}

/// Slots from `first` through `last`.
#[derive(Clone, Copy)]
pub(super) struct SlotWindow {
    pub(super) first: NaiveDateTime,
    pub(super) last: NaiveDateTime,
}

impl SlotWindow {
    /// Whether a wall-clock time of any zone may fall into the window.
    fn is_near(&self, local: NaiveDateTime) -> bool {
        let margin = TimeDelta::try_days(ZONE_MARGIN_DAYS).unwrap_or_default();
        local >= self.first.checked_sub_signed(margin).unwrap_or(NaiveDateTime::MIN)
            && local <= self.last.checked_add_signed(margin).unwrap_or(NaiveDateTime::MAX)
    }
}

/// Slots that are excluded or given already.
#[derive(Default)]
struct Taken {
    keys: HashSet<Key>,
    days: HashSet<NaiveDate>,
}

impl Taken {
    /// Takes a slot; `false` if it was taken.
    fn insert(&mut self, key: Key, local: NaiveDateTime) -> bool {
        !self.days.contains(&local.date()) && self.keys.insert(key)
    }
}

/// The zone of a line's TZID; looked up once per line, since a list may have many thousand values.
fn zone_of(object: &CalendarObject, line: &ContentLine) -> Option<Zone> {
    object.zone(line.parameter("TZID")?)
}

/// One value of a line whose zone is known.
fn read_value(line: &ContentLine, value: &str, zone: Option<&Zone>) -> Option<DateOrTime> {
    Some(match raw_time(line, value)? {
        RawTime::Date(date) => DateOrTime::Date(date),
        RawTime::Floating(local) => DateOrTime::Floating(local),
        RawTime::Utc(instant) => DateOrTime::Utc(instant),
        RawTime::Zoned(local, _) => DateOrTime::Zoned(local, zone?.clone()),
    })
}

/// The extent of a PERIOD that starts at `start` and whose second half is `end`: a time or a duration.
fn period_extent(line: &ContentLine, start: &DateOrTime, end: &str, zone: Option<&Zone>, floating: &Zone) -> Option<Extent> {
    if let Some(duration) = parse_duration(end.trim()) {
        return Some(Extent::Fixed(add(start, duration, floating)));
    }
    read_value(line, end, zone).map(Extent::Fixed)
}

/// A wall-clock slot in the form of `start`.
pub(super) fn in_form_of(start: &DateOrTime, slot: NaiveDateTime) -> DateOrTime {
    match start {
        DateOrTime::Date(_) => DateOrTime::Date(slot.date()),
        DateOrTime::Floating(_) => DateOrTime::Floating(slot),
        DateOrTime::Utc(_) => DateOrTime::Utc(slot.and_utc()),
        DateOrTime::Zoned(_, zone) => DateOrTime::Zoned(slot, zone.clone()),
    }
}

/// An instant as wall-clock time of `zone`, or as itself if that wall-clock time means another instant (in the second
/// pass of an hour that a clock change repeats).
fn in_zone(instant: DateTime<Utc>, zone: &Zone) -> DateOrTime {
    let local = zone.to_local(instant);
    if zone.to_utc(local) == instant { DateOrTime::Zoned(local, zone.clone()) } else { DateOrTime::Utc(instant) }
}

fn days(days: i64) -> Duration {
    Duration { days, seconds: 0 }
}

/// A value and a duration: days by the wall clock, seconds exactly (RFC 5545 §3.3.6). A part whose sum iCalendar could
/// not write is left out.
pub(crate) fn add(value: &DateOrTime, duration: Duration, floating: &Zone) -> DateOrTime {
    let whole_days = TimeDelta::try_days(duration.days).unwrap_or_default();
    let seconds = TimeDelta::try_seconds(duration.seconds).unwrap_or_default();
    match value {
        DateOrTime::Date(date) if duration.seconds == 0 => DateOrTime::Date(plus(midnight(*date), whole_days).date()),
        DateOrTime::Date(_) => {
            let day = add(value, days(duration.days), floating).to_utc(floating);
            DateOrTime::Utc(plus(day.naive_utc(), seconds).and_utc())
        }
        DateOrTime::Floating(local) => DateOrTime::Floating(plus(plus(*local, whole_days), seconds)),
        DateOrTime::Utc(instant) => DateOrTime::Utc(plus(plus(instant.naive_utc(), whole_days), seconds).and_utc()),
        DateOrTime::Zoned(local, zone) => {
            let day = plus(*local, whole_days);
            if duration.seconds == 0 {
                return DateOrTime::Zoned(day, zone.clone());
            }
            in_zone(plus(zone.to_utc(day).naive_utc(), seconds).and_utc(), zone)
        }
    }
}

fn plus(time: NaiveDateTime, delta: TimeDelta) -> NaiveDateTime {
    time.checked_add_signed(delta).filter(|sum| (0..=9999).contains(&sum.year())).unwrap_or(time)
}
