//! The instances of a master: which are there, which are excluded, and how a reduced view writes the set that remains so
//! that an instance that was deleted and one that is hidden leave the same bytes.
//!
//! Slots are kept as wall-clock times of the master's own zone.

use super::Unprojectable;
use super::rule::canonical;
use super::when::{Form, NamedZone, Stamp, When, instant_of, plus};
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use ical::date_time::parse_duration;
use ical::recurrence::{rule_has_slot, rule_slots};
use ical::rule_grammar::{Rule, Until, parse_rule};
use ical::{CalendarObject, Component, ContentLine, DateOrTime, ExpansionLimits, RecurrenceId, TimeRange, Zone};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

/// A series whose zone is no IANA zone is written out as dates for this many years from its own start…
const WRITTEN_OUT_YEARS: i32 = 20;
/// … and at most this many of them: a daily event of all those years.
const WRITTEN_OUT_DATES_MAX: usize = 7_500;

/// How the master's zone is named in what is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Naming {
    /// By the server's own choice: the master is reduced.
    Canonical,
    /// As the master's DTSTART names it: the master is shown in full and its zone's definition with it.
    Stored,
}

/// Wall-clock times of the master's zone.
type Slots = BTreeSet<NaiveDateTime>;

/// A master and its instances.
#[derive(Debug)]
pub(super) struct Series<'a> {
    object: &'a CalendarObject,
    /// The zone of the slots; `None` for dates, floating times and UTC.
    zone: Option<Zone>,
    /// How times are written.
    pub(super) form: Form,
    /// The zone is no IANA zone: the reduced view names dates, not the rule.
    written_out: bool,
    /// DTSTART as stored.
    start_value: DateOrTime,
    /// The same as a slot.
    start: NaiveDateTime,
    length: Option<TimeDelta>,
    end: Option<Stamp>,
    rules: Vec<Rule>,
    /// RDATE: slots, with their own length where it is another than the master's.
    dates: BTreeMap<NaiveDateTime, Option<TimeDelta>>,
    /// The slots that are shown, apart from those of rules.
    listed: Slots,
    excluded: Slots,
    /// How many slots may be asked for: one by one is dear for rules that have to be counted from their start.
    questions: usize,
    ruled: OnceCell<Ruled>,
}

/// Above this many questions about slots, all slots of the rule are listed once.
const QUESTIONS_ONE_BY_ONE_MAX: usize = 16;

/// What DTSTART and the rules produce, as far as it was listed.
#[derive(Debug)]
struct Ruled {
    /// By the normal wall-clock time, the one the rule gives.
    slots: BTreeMap<NaiveDateTime, NaiveDateTime>,
    /// There are more after the last.
    more: bool,
}

/// What a reduced master's time lines say.
#[derive(Debug)]
pub(super) struct Recurrence {
    /// DTSTART.
    pub(super) start: Stamp,
    /// DTEND or DUE.
    pub(super) end: Option<Stamp>,
    /// RRULE, sorted.
    pub(super) rules: Vec<String>,
    /// RDATE, sorted.
    pub(super) dates: Vec<Stamp>,
    /// RDATE with their own ends, sorted.
    pub(super) periods: Vec<(Stamp, Stamp)>,
    /// EXDATE, sorted.
    pub(super) excluded: Vec<Stamp>,
}

impl<'a> Series<'a> {
    /// Reads the master of `object`, of which the instances that `hidden_overrides` replace are not shown: their slots are
    /// the second of what is returned. Nothing of how the rest is written may hang on them.
    pub(super) fn read(
        object: &'a CalendarObject,
        master: &Component,
        when: &When,
        naming: Naming,
        hidden_overrides: &[RecurrenceId],
    ) -> Result<(Self, BTreeSet<NaiveDateTime>), Unprojectable> {
        let start = when.start.as_ref().ok_or(Unprojectable)?;
        let zone = match start {
            DateOrTime::Zoned(_, zone) if !is_utc(zone) => Some(zone.clone()),
            _ => None,
        };
        let rules =
            master.lines_named("RRULE").map(|line| parse_rule(line.value.trim()).ok_or(Unprojectable)).collect::<Result<Vec<_>, _>>()?;
        let mut series = Self {
            object,
            form: Form::Utc,
            written_out: false,
            start_value: start.clone(),
            start: start.naive(),
            length: when.length(),
            end: None,
            rules,
            dates: BTreeMap::new(),
            listed: Slots::new(),
            excluded: Slots::new(),
            questions: 0,
            ruled: OnceCell::new(),
            zone,
        };
        for (value, own_length) in values(object, master, "RDATE")? {
            let slot = series.slot_of_value(&value)?;
            let own_length = own_length.filter(|own| Some(*own) != series.length);
            series.dates.entry(slot).or_insert(own_length);
        }
        let mut excluded_days = BTreeSet::new();
        for (value, _) in values(object, master, "EXDATE")? {
            match value {
                DateOrTime::Date(day) if !start.is_date() => drop(excluded_days.insert(day)),
                value => drop(series.excluded.insert(series.slot_of_value(&value)?)),
            }
        }
        series.exclude_days(&excluded_days)?;
        series.questions = series.dates.len() + series.excluded.len() + object.components().count();
        let hidden = hidden_overrides.iter().map(|id| series.slot_of(id)).collect::<Result<Slots, _>>()?;
        series.listed = series.shown_slots(&hidden);
        series.form = series.choose_form(start, master, naming);
        series.end = when.end.as_ref().map(|end| series.stamp_of_end(end));
        Ok((series, hidden))
    }

    /// The slots that are shown, apart from those of rules.
    fn shown_slots(&self, hidden: &Slots) -> Slots {
        let start = std::iter::once(self.normal(self.start)).filter(|_| self.rules.is_empty());
        let shown = |slot: &NaiveDateTime| !self.excluded.contains(slot) && !hidden.contains(slot);
        self.dates.keys().copied().chain(start).filter(shown).collect()
    }

    /// Whether more than one instance is shown, or rules.
    fn is_recurring(&self) -> bool {
        !self.rules.is_empty() || self.listed.len() > 1
    }

    fn choose_form(&mut self, start: &DateOrTime, master: &Component, naming: Naming) -> Form {
        let zone = match (start, &self.zone) {
            (DateOrTime::Date(_), _) => return Form::Date,
            (DateOrTime::Floating(_), _) => return Form::Floating,
            (_, None) => return Form::Utc,
            (_, Some(zone)) => zone,
        };
        if matches!(naming, Naming::Stored) {
            let tzid = master.line("DTSTART").and_then(|line| line.parameter("TZID")).unwrap_or_default();
            return Form::Zoned(NamedZone { tzid: tzid.to_owned(), zone: zone.clone() });
        }
        if !self.is_recurring() {
            return Form::Utc;
        }
        let named = if zone.iana_id().is_some() { Some(zone.clone()) } else { zone.equal_iana(&self.range()) };
        match named.as_ref().and_then(Zone::iana_id) {
            Some(id) => Form::Zoned(NamedZone { tzid: id.to_owned(), zone: named.as_ref().unwrap_or(zone).clone() }),
            None => {
                self.written_out = true;
                Form::Utc
            }
        }
    }

    fn stamp_of_end(&self, end: &DateOrTime) -> Stamp {
        match (end, &self.zone, &self.form) {
            // The wall-clock time as it stands, where it is already one of the series' zone.
            (DateOrTime::Zoned(local, zone), Some(own), Form::Zoned(_)) if zone == own => Stamp::Local(*local),
            _ => self.form.stamp(end),
        }
    }

    /// The instants the series' own rules reach, with a day to spare on each side.
    fn range(&self) -> TimeRange {
        // A DTSTART that is taken out of a series without rules is not where what is shown of it begins.
        let first = self.listed.first().filter(|_| self.rules.is_empty()).unwrap_or(&self.start);
        let first = self.instant(*first);
        let window_end = first.checked_add_days(Days::new(u64::from(WRITTEN_OUT_YEARS.unsigned_abs()) * 366));
        let last_of_rules = if self.rules.is_empty() {
            Some(first)
        } else if self.rules.iter().all(|rule| rule.until.is_some()) {
            self.rules.iter().filter_map(|rule| rule.until.map(until_instant)).max()
        } else if self.rules.iter().all(|rule| rule.count.is_some() || rule.until.is_some()) {
            let (slots, more) = rule_slots(self.object, &ExpansionLimits::default());
            if more { window_end } else { slots.last().map(|slot| self.instant(*slot)) }
        } else {
            window_end
        };
        let last_of_dates = self.listed.last().map(|slot| self.instant(*slot));
        let last = last_of_rules.max(last_of_dates);
        let day = TimeDelta::days(1);
        TimeRange { start: first.checked_sub_signed(day), end: last.and_then(|last| last.checked_add_signed(day)) }
    }

    /// The range whose years the zone's definition must cover: open at the end unless UNTIL closes it.
    pub(super) fn definition_range(&self) -> TimeRange {
        let bounded = self.rules.iter().all(|rule| rule.until.is_some());
        let range = self.range();
        TimeRange { start: range.start, end: range.end.filter(|_| bounded) }
    }

    /// A slot as an instant; dates and floating times as if in UTC.
    fn instant(&self, slot: NaiveDateTime) -> DateTime<Utc> {
        self.zone.as_ref().map_or_else(|| slot.and_utc(), |zone| zone.to_utc(slot))
    }

    /// The one wall-clock time that stands for an instant, so that two spellings of it (in a gap of the zone) are equal.
    fn normal(&self, slot: NaiveDateTime) -> NaiveDateTime {
        self.zone.as_ref().map_or(slot, |zone| zone.to_local(zone.to_utc(slot)))
    }

    /// An EXDATE with a date beside a timed series takes out every slot of that day.
    fn exclude_days(&mut self, days: &BTreeSet<NaiveDate>) -> Result<(), Unprojectable> {
        let Some(last_day) = days.last() else { return Ok(()) };
        let (slots, more) = rule_slots(self.object, &ExpansionLimits::default());
        if more && slots.last().is_none_or(|slot| slot.date() <= *last_day) {
            return Err(Unprojectable);
        }
        let ruled = slots.iter().map(|slot| self.normal(*slot));
        let on_those_days: Vec<_> = ruled.chain(self.dates.keys().copied()).filter(|slot| days.contains(&slot.date())).collect();
        self.excluded.extend(on_those_days);
        Ok(())
    }

    /// The slot a value of RDATE, EXDATE or RECURRENCE-ID names. A floating time beside a series with a zone is taken in that
    /// zone; the reverse hangs on the reader's zone and cannot be told.
    fn slot_of_value(&self, value: &DateOrTime) -> Result<NaiveDateTime, Unprojectable> {
        match (&self.start_value, value) {
            (DateOrTime::Date(_), value) => Ok(value.naive().date().and_time(NaiveTime::MIN)),
            (_, DateOrTime::Date(day)) => Ok(day.and_time(self.start.time())),
            (DateOrTime::Floating(_), DateOrTime::Floating(local)) => Ok(*local),
            (DateOrTime::Floating(_), _) => Err(Unprojectable),
            (_, DateOrTime::Floating(local)) => Ok(self.normal(*local)),
            (_, value) => Ok(self.slot_of_instant(instant_of(value))),
        }
    }

    fn slot_of_instant(&self, instant: DateTime<Utc>) -> NaiveDateTime {
        self.zone.as_ref().map_or_else(|| instant.naive_utc(), |zone| zone.to_local(instant))
    }

    /// The slot an override replaces.
    pub(super) fn slot_of(&self, id: &RecurrenceId) -> Result<NaiveDateTime, Unprojectable> {
        self.slot_of_value(&Stamp::of_recurrence_id(id).ok_or(Unprojectable)?.as_value())
    }

    /// How the RECURRENCE-ID of a slot is written.
    pub(super) fn stamp_of_slot(&self, slot: NaiveDateTime) -> Stamp {
        if self.written_out || (self.zone.is_some() && matches!(self.form, Form::Utc)) {
            Stamp::Utc(self.instant(slot).naive_utc())
        } else {
            self.form.stamp_local(slot)
        }
    }

    /// The wall-clock time with which DTSTART or the rules produce this slot, if they do. When it cannot be told within the
    /// limits the answer is yes: an exclusion too many shows nothing.
    fn ruled(&self, slot: NaiveDateTime) -> Option<NaiveDateTime> {
        if self.questions > QUESTIONS_ONE_BY_ONE_MAX {
            let ruled = self.ruled.get_or_init(|| {
                let (slots, more) = rule_slots(self.object, &ExpansionLimits::default());
                Ruled { slots: slots.into_iter().map(|slot| (self.normal(slot), slot)).collect(), more }
            });
            let is_beyond = ruled.more && ruled.slots.last_key_value().is_none_or(|(last, _)| slot > *last);
            return if is_beyond { Some(slot) } else { ruled.slots.get(&slot).copied() };
        }
        let produces = |local| rule_has_slot(self.object, local, &ExpansionLimits::default()).unwrap_or(true);
        if produces(slot) {
            return Some(slot);
        }
        // A wall-clock time in a gap is the same instant as one after it.
        self.zone.as_ref()?;
        [30, 60, 120]
            .iter()
            .filter_map(|minutes| slot.checked_sub_signed(TimeDelta::minutes(*minutes)))
            .find(|local| self.instant(*local) == self.instant(slot) && produces(*local))
    }

    /// Whether the master itself would show an instance at this slot.
    pub(super) fn is_live(&self, slot: NaiveDateTime) -> bool {
        !self.excluded.contains(&slot) && (self.dates.contains_key(&slot) || self.ruled(slot).is_some())
    }

    /// The length of the master's instance at a slot.
    pub(super) fn length_at(&self, slot: NaiveDateTime) -> Option<TimeDelta> {
        self.dates.get(&slot).copied().flatten().or(self.length)
    }

    /// Whether an override that replaces this slot starts where the slot does.
    pub(super) fn is_at(&self, slot: NaiveDateTime, start: &DateOrTime) -> bool {
        match (&self.start_value, start) {
            (DateOrTime::Date(_), DateOrTime::Date(_)) | (DateOrTime::Floating(_), DateOrTime::Floating(_)) => start.naive() == slot,
            (DateOrTime::Utc(_) | DateOrTime::Zoned(..), DateOrTime::Utc(_) | DateOrTime::Zoned(..)) => {
                instant_of(start) == self.instant(slot)
            }
            _ => false,
        }
    }

    /// Whether an instance of the master remains besides those excluded and `hidden`.
    pub(super) fn survives(&self, hidden: &Slots) -> bool {
        let gone = |slot: &NaiveDateTime| self.excluded.contains(slot) || hidden.contains(slot);
        let excluded = self.excluded.len() + hidden.len();
        if excluded == 0 || self.dates.keys().any(|slot| !gone(slot)) {
            return true;
        }
        let limits = ExpansionLimits { instances_max: excluded + 1, ..ExpansionLimits::default() };
        let (slots, _) = rule_slots(self.object, &limits);
        slots.iter().any(|slot| !gone(&self.normal(*slot)))
    }

    /// The time lines of the reduced master, without the instances in `hidden`. Instances for which the viewer is shown an
    /// override are not among those.
    pub(super) fn shown(&self, hidden: &Slots) -> Result<Recurrence, Unprojectable> {
        let gone: Slots = self.excluded.union(hidden).copied().collect();
        let dates = || self.dates.iter().filter(|(slot, _)| !gone.contains(slot)).map(|(slot, own)| (*slot, *own));
        if self.written_out {
            return self.written_out(&gone, dates());
        }
        if self.rules.is_empty() {
            let start = std::iter::once((self.start, None)).filter(|(slot, _)| !gone.contains(&self.normal(*slot)));
            return self.listed(start.chain(dates()).collect());
        }
        let mut rules: Vec<String> = self.rules.iter().map(|rule| canonical(rule, &self.form)).collect();
        rules.sort();
        let excluded: Slots = gone.iter().filter_map(|slot| self.ruled(*slot)).collect();
        // An RDATE that names what the rule gives anyway adds nothing.
        let added = dates().filter(|(slot, own)| own.is_some() || self.ruled(*slot).is_none()).collect();
        let mut recurrence = Recurrence {
            start: self.form.stamp_local(self.start),
            end: self.end,
            rules,
            dates: Vec::new(),
            periods: Vec::new(),
            excluded: excluded.into_iter().map(|slot| self.stamp_of_slot(slot)).collect(),
        };
        self.write_dates(&added, &mut recurrence)?;
        Ok(recurrence)
    }

    /// All slots as dates in UTC, over a window that hangs on the series' own start and never on the clock.
    fn written_out(
        &self,
        gone: &Slots,
        dates: impl Iterator<Item = (NaiveDateTime, Option<TimeDelta>)>,
    ) -> Result<Recurrence, Unprojectable> {
        let limits = ExpansionLimits { instances_max: WRITTEN_OUT_DATES_MAX, ..ExpansionLimits::default() };
        let window_end = self.start.checked_add_days(Days::new(u64::from(WRITTEN_OUT_YEARS.unsigned_abs()) * 366));
        let (slots, _) = rule_slots(self.object, &limits);
        let ruled = slots.into_iter().take_while(|slot| window_end.is_none_or(|end| *slot < end)).map(|slot| (slot, None));
        let all: BTreeMap<_, _> =
            ruled.filter(|(slot, _)| !gone.contains(&self.normal(*slot))).chain(dates).take(WRITTEN_OUT_DATES_MAX).collect();
        self.listed(all)
    }

    /// A series given by its slots alone: the first that is left is DTSTART, so that one taken out leaves no trace.
    fn listed(&self, mut slots: BTreeMap<NaiveDateTime, Option<TimeDelta>>) -> Result<Recurrence, Unprojectable> {
        let Some((first, own)) = slots.pop_first() else { return Ok(self.without_instances()) };
        let length = own.or(self.length);
        let end = match length {
            Some(_) if first == self.start && own.is_none() && !self.written_out => self.end,
            Some(length) => Some(self.stamp_after(first, length)?),
            None => None,
        };
        // With another length than the master's for DTSTART, the rest bear their own ends; a period is never of length zero.
        if own.is_some() {
            if self.length.is_none() && slots.values().any(Option::is_none) {
                return Err(Unprojectable);
            }
            for value in slots.values_mut() {
                *value = value.or(self.length);
            }
        }
        let start = self.stamp_of_slot(first);
        let mut recurrence = Recurrence { start, end, rules: Vec::new(), dates: Vec::new(), periods: Vec::new(), excluded: Vec::new() };
        self.write_dates(&slots, &mut recurrence)?;
        Ok(recurrence)
    }

    /// A master none of whose instances is left, for a viewer who is to know that it is there.
    fn without_instances(&self) -> Recurrence {
        let start = self.stamp_of_slot(self.start);
        Recurrence { start, end: self.end, rules: Vec::new(), dates: Vec::new(), periods: Vec::new(), excluded: vec![start] }
    }

    fn write_dates(&self, slots: &BTreeMap<NaiveDateTime, Option<TimeDelta>>, recurrence: &mut Recurrence) -> Result<(), Unprojectable> {
        for (slot, own) in slots {
            match own {
                Some(length) => recurrence.periods.push((self.stamp_of_slot(*slot), self.stamp_after(*slot, *length)?)),
                None => recurrence.dates.push(self.stamp_of_slot(*slot)),
            }
        }
        Ok(())
    }

    /// The end of an instance of a given exact length.
    fn stamp_after(&self, slot: NaiveDateTime, length: TimeDelta) -> Result<Stamp, Unprojectable> {
        match self.form {
            Form::Date | Form::Floating => Ok(self.form.stamp_local(slot.checked_add_signed(length).ok_or(Unprojectable)?)),
            Form::Utc | Form::Zoned(_) => Ok(self.form.stamp_instant(self.instant(slot).checked_add_signed(length).ok_or(Unprojectable)?)),
        }
    }

    /// For a master shown in full: the hidden slots for which it needs an EXDATE line of its own, in order, and as they are
    /// written.
    pub(super) fn exclusions(&self, hidden: &Slots) -> Vec<(NaiveDateTime, Stamp)> {
        let missing: Slots = hidden.difference(&self.excluded).filter_map(|slot| self.ruled(*slot)).collect();
        missing.into_iter().map(|slot| (slot, self.stamp_of_slot(slot))).collect()
    }

    /// The slot that the first value of an EXDATE line names.
    pub(super) fn first_excluded(&self, line: &ContentLine) -> Result<NaiveDateTime, Unprojectable> {
        let first = line.value.split(',').next().unwrap_or_default();
        self.slot_of_value(&value_of(self.object, line, first)?.0)
    }

    /// For a master shown in full: what remains of the values of one RDATE line; `None` if nothing is taken out.
    pub(super) fn remaining_dates(&self, line: &ContentLine, hidden: &Slots) -> Result<Option<Vec<String>>, Unprojectable> {
        let mut kept = Vec::new();
        let mut taken = false;
        for part in line.value.split(',') {
            let (value, _) = value_of(self.object, line, part)?;
            if hidden.contains(&self.slot_of_value(&value)?) {
                taken = true;
            } else {
                kept.push(part.to_owned());
            }
        }
        Ok(taken.then_some(kept))
    }
}

/// Whether a zone is UTC under one of its names.
fn is_utc(zone: &Zone) -> bool {
    matches!(zone.iana_id(), Some("UTC" | "Etc/UTC" | "Etc/UCT" | "UCT" | "Zulu" | "Etc/Zulu" | "Universal" | "Etc/Universal"))
}

fn until_instant(until: Until) -> DateTime<Utc> {
    match until {
        Until::Date(date) => date.and_time(NaiveTime::MIN).and_utc(),
        Until::Local(local) => local.and_utc(),
        Until::Utc(instant) => instant,
    }
}

/// The values of all RDATE or EXDATE lines, with the length of those that are periods.
fn values(object: &CalendarObject, master: &Component, name: &str) -> Result<Vec<(DateOrTime, Option<TimeDelta>)>, Unprojectable> {
    let mut all = Vec::new();
    for line in master.lines_named(name) {
        for part in line.value.split(',') {
            all.push(value_of(object, line, part)?);
        }
    }
    Ok(all)
}

/// One value of a list; a period with its length.
fn value_of(object: &CalendarObject, line: &ContentLine, part: &str) -> Result<(DateOrTime, Option<TimeDelta>), Unprojectable> {
    let read = |value: &str| object.date_or_time_of(line, value).ok_or(Unprojectable);
    let Some((start, end)) = part.split_once('/') else {
        return Ok((read(part)?, None));
    };
    let start = read(start)?;
    let end = match parse_duration(end.trim()) {
        Some(duration) => plus(&start, duration).ok_or(Unprojectable)?,
        None => read(end)?,
    };
    let length = When { start: Some(start.clone()), end: Some(end) }.length();
    Ok((start, length))
}
