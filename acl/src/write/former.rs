//! Which stored component a sent one continues: the one of the same RECURRENCE-ID, or of the same slot before the series was
//! moved in time.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use ical::date_time::{parse_date, parse_local, parse_utc};
use ical::recurrence::holds_for_later;
use ical::{CalendarObject, Component, DateOrTime, RecurrenceId};
use std::collections::HashMap;

/// What a sent component was before.
#[derive(Clone, Debug)]
pub(crate) enum Former<'a> {
    /// This stored component, which bears (or bore, before the series was moved) this RECURRENCE-ID.
    Same(&'a Component, Option<RecurrenceId>),
    /// A new override: so far an instance of the stored master, or of the override for this and future instances (RFC 5545
    /// §3.2.13) that holds at its slot, which bears this RECURRENCE-ID.
    OfSeries(&'a Component, Option<RecurrenceId>),
    /// Nothing that is stored.
    New,
}

/// Looks formers up.
pub(crate) struct Formers<'a> {
    stored: HashMap<Option<RecurrenceId>, &'a Component>,
    moved: HashMap<RecurrenceId, RecurrenceId>,
    master: Option<&'a Component>,
    later: Later<'a>,
    shift: Option<Shift>,
}

/// The overrides of an object that hold for later instances, by the instant of the slot from which they do.
pub(super) struct Later<'a>(Vec<(DateTime<Utc>, RecurrenceId, &'a Component)>);

impl<'a> Later<'a> {
    /// Those of `object`, their slots where `moved` says.
    pub(super) fn of(object: &'a CalendarObject, moved: impl Fn(&RecurrenceId) -> Option<RecurrenceId>) -> Self {
        let later = object.components().filter(|component| holds_for_later(component));
        let placed = later.filter_map(|component| {
            let id = object.recurrence_id(component)?;
            Some((instant(&moved(&id)?)?, id, component))
        });
        let mut all: Vec<_> = placed.collect();
        all.sort_unstable_by(|a, b| (a.0, &a.1.0).cmp(&(b.0, &b.1.0)));
        Self(all)
    }
    /// The one that holds at a slot.
    pub(super) fn at(&self, slot: DateTime<Utc>) -> Option<(&RecurrenceId, &'a Component)> {
        let before = self.0.partition_point(|(from, ..)| *from <= slot);
        self.0.get(before.checked_sub(1)?).map(|(_, id, component)| (id, *component))
    }
    /// From when each of them holds.
    pub(super) fn starts(&self) -> impl Iterator<Item = DateTime<Utc>> {
        self.0.iter().map(|(from, ..)| *from)
    }
}

impl<'a> Formers<'a> {
    /// Of `new` in `old`, the stored object if it could be read.
    pub(super) fn new(old: Option<&'a CalendarObject>, new: &CalendarObject) -> Self {
        let stored: HashMap<_, _> =
            old.into_iter().flat_map(|old| old.components().map(|component| (old.recurrence_id(component), component))).collect();
        let shift = old.and_then(|old| Shift::between(old, new));
        let keys = stored.keys().flatten();
        let moved = keys.filter_map(|key| Some((shift.as_ref()?.moved(key)?, key.clone()))).collect();
        let to_where = |id: &RecurrenceId| shift.as_ref().map_or_else(|| Some(id.clone()), |shift| shift.moved(id));
        let later = old.map_or_else(|| Later(Vec::new()), |old| Later::of(old, to_where));
        Self { stored, moved, master: old.and_then(CalendarObject::master), later, shift }
    }
    /// The stored overrides that hold for later instances, where the series is now.
    pub(super) fn later(&self) -> &Later<'a> {
        &self.later
    }
    /// What describes the instance of a slot that has no override of its own: one for this and future instances, or the master.
    pub(super) fn governing(&self, slot: DateTime<Utc>) -> Option<(&'a Component, Option<RecurrenceId>)> {
        let later = self.later.at(slot).map(|(id, component)| (component, Some(id.clone())));
        later.or(self.master.map(|master| (master, None)))
    }
    /// Where the slot of a stored RECURRENCE-ID is now that the series may have been moved.
    pub(super) fn moved(&self, recurrence_id: &RecurrenceId) -> Option<RecurrenceId> {
        match &self.shift {
            Some(shift) => shift.moved(recurrence_id),
            None => Some(recurrence_id.clone()),
        }
    }
    /// The former of the sent component with this RECURRENCE-ID.
    pub(crate) fn of(&self, recurrence_id: Option<&RecurrenceId>) -> Former<'a> {
        let key = recurrence_id.cloned();
        if let Some(component) = self.stored.get(&key) {
            return Former::Same(component, key);
        }
        let Some(recurrence_id) = recurrence_id else { return Former::New };
        let before = self.moved.get(recurrence_id).map(|key| Some(key.clone()));
        if let Some((before, component)) = before.and_then(|key| Some((key.clone(), self.stored.get(&key)?))) {
            return Former::Same(component, before);
        }
        let governing = instant(recurrence_id).and_then(|slot| self.governing(slot)).filter(|_| self.master.is_some());
        governing.map_or(Former::New, |(component, id)| Former::OfSeries(component, id))
    }
    /// The stored overrides, each with its RECURRENCE-ID as stored and as it became with the series.
    pub(super) fn overrides(&self) -> impl Iterator<Item = (&RecurrenceId, Option<&RecurrenceId>)> {
        let became: HashMap<&RecurrenceId, &RecurrenceId> = self.moved.iter().map(|(now, before)| (before, now)).collect();
        self.stored.keys().flatten().map(move |key| (key, became.get(key).copied()))
    }
}

/// A series moved as a whole: its DTSTART before and now.
struct Shift {
    from: DateOrTime,
    to: DateOrTime,
    by: TimeDelta,
}

impl Shift {
    /// `None`: the master's DTSTART stayed, or there is none on either side.
    fn between(old: &CalendarObject, new: &CalendarObject) -> Option<Self> {
        let start = |object: &CalendarObject| object.date_or_time(object.master()?.line("DTSTART")?);
        let (from, to) = (start(old)?, start(new)?);
        let by = to.naive().signed_duration_since(from.naive());
        (from != to).then_some(Self { from, to, by })
    }
    /// Where the slot of a RECURRENCE-ID went: by the same step of wall-clock time.
    fn moved(&self, recurrence_id: &RecurrenceId) -> Option<RecurrenceId> {
        let local = match &self.from {
            DateOrTime::Zoned(_, zone) => parse_utc(&recurrence_id.0).map(|instant| zone.to_local(instant)),
            _ => None,
        };
        let local = local.or_else(|| naive(recurrence_id))?.checked_add_signed(self.by)?;
        Some(RecurrenceId::of(&in_form_of(&self.to, local)))
    }
}

/// The RECURRENCE-ID of an object's slot at this wall-clock time of its master.
pub(super) fn slot_id(object: &CalendarObject, local: NaiveDateTime) -> Option<RecurrenceId> {
    let start = object.date_or_time(object.master()?.line("DTSTART")?)?;
    Some(RecurrenceId::of(&in_form_of(&start, local)))
}

/// A wall-clock time as a value of the form that `form` has.
fn in_form_of(form: &DateOrTime, local: NaiveDateTime) -> DateOrTime {
    match form {
        DateOrTime::Date(_) => DateOrTime::Date(local.date()),
        DateOrTime::Floating(_) => DateOrTime::Floating(local),
        DateOrTime::Utc(_) => DateOrTime::Utc(local.and_utc()),
        DateOrTime::Zoned(_, zone) => DateOrTime::Zoned(local, zone.clone()),
    }
}

/// The time a RECURRENCE-ID names, in its own form.
fn naive(recurrence_id: &RecurrenceId) -> Option<NaiveDateTime> {
    let text = recurrence_id.0.as_str();
    parse_utc(text)
        .map(|instant| instant.naive_utc())
        .or_else(|| parse_local(text))
        .or_else(|| parse_date(text).map(|date| date.and_time(chrono::NaiveTime::MIN)))
}

/// The same as an instant, floating values and dates taken in UTC.
pub(super) fn instant(recurrence_id: &RecurrenceId) -> Option<DateTime<Utc>> {
    naive(recurrence_id).map(|local| local.and_utc())
}
