//! What `edit` without `delete` refuses: every way of making a stored event, or an instance of it, go away by writing over
//! it. Shifting in time is editing.

use super::Refusal;
use super::former::{Former, Formers, Later, instant, slot_id};
use crate::privilege::Privilege;
use chrono::{DateTime, TimeDelta, Utc};
use ical::recurrence::{instance_count, instances, rule_slots};
use ical::{CalendarObject, Component, ExpansionLimits, Parameter, RecurrenceId, TimeRange, Zone};
use std::collections::{HashMap, HashSet};

const REFUSED: Refusal = Refusal::Denied(Privilege::Unbind);

/// How far from DTSTART the instances of a series without end are counted: fifty years.
const HORIZON_DAYS: i64 = 50 * 366;

/// Whether `new` keeps all there is of `old`: its component type, its overrides or at least their instances, the number of
/// instances, and nothing becomes cancelled.
pub(super) fn check_keeps(
    old: &CalendarObject,
    new: &CalendarObject,
    formers: &Formers<'_>,
    limits: &ExpansionLimits,
) -> Result<(), Refusal> {
    if new.kind() != old.kind() {
        return Err(REFUSED);
    }
    check_not_cancelled(new, formers)?;
    check_later_not_cancelled(new, formers)?;
    check_overrides(new, formers, limits)?;
    check_number(old, new, formers, limits)
}

/// The number of instances does not become lower. A series longer than the limits (or without end) always seems to have as
/// many as before: of it, the instances up to the last one within limits and horizon are counted, wherever that was moved.
fn check_number(old: &CalendarObject, new: &CalendarObject, formers: &Formers<'_>, limits: &ExpansionLimits) -> Result<(), Refusal> {
    if times(old).eq(times(new)) {
        return Ok(());
    }
    let number = instance_count(old, limits);
    if instance_count(new, limits) < number {
        return Err(REFUSED);
    }
    if number < limits.instances_max && ends(old) {
        return Ok(());
    }
    let (slots, _) = rule_slots(old, limits);
    let horizon = slots.first().and_then(|first| first.checked_add_signed(TimeDelta::days(HORIZON_DAYS)));
    let last = slots.iter().rev().find(|slot| horizon.is_none_or(|horizon| **slot <= horizon));
    let Some(last) = last.and_then(|last| slot_id(old, *last)) else { return Ok(()) };
    let moved = formers.moved(&last).ok_or(REFUSED)?;
    if number_until(new, &moved, limits)? < number_until(old, &last, limits)? {
        return Err(REFUSED);
    }
    check_beyond(old, new, formers, (&last, &moved))
}

/// What comes after the instances that are counted is compared by what could take of it: a series does not come to an end, and
/// no instance beyond `last` is excluded, or an added one left out, that was there. `moved` is where `last` is now.
fn check_beyond(
    old: &CalendarObject,
    new: &CalendarObject,
    formers: &Formers<'_>,
    (last, moved): (&RecurrenceId, &RecurrenceId),
) -> Result<(), Refusal> {
    let (old_end, new_end) = (instant(last).ok_or(REFUSED)?, instant(moved).ok_or(REFUSED)?);
    let known = |name| -> HashSet<RecurrenceId> { listed(old, name).filter_map(|id| formers.moved(&id)).collect() };
    let excluded_before = known("EXDATE");
    let excludes = listed(new, "EXDATE").any(|id| instant(&id).is_none_or(|at| at > new_end) && !excluded_before.contains(&id));
    let added_now: HashSet<RecurrenceId> = listed(new, "RDATE").collect();
    let leaves_out = listed(old, "RDATE")
        .filter(|id| instant(id).is_none_or(|at| at > old_end))
        .any(|id| formers.moved(&id).is_none_or(|id| !added_now.contains(&id)));
    match (ends(new) && !ends(old)) || excludes || leaves_out {
        true => Err(REFUSED),
        false => Ok(()),
    }
}

/// The times that the master's lines of this name list; of a period, its start.
fn listed<'a>(object: &'a CalendarObject, name: &'a str) -> impl Iterator<Item = RecurrenceId> + 'a {
    let lines = object.master().into_iter().flat_map(move |master| master.lines_named(name));
    lines.flat_map(|line| line.value.split(',').map(move |value| (line, value))).filter_map(|(line, value)| {
        let start = value.split('/').next().unwrap_or(value);
        object.date_or_time_of(line, start).or_else(|| object.date_or_time_of(line, value)).map(|time| RecurrenceId::of(&time))
    })
}

/// Whether a master has no rule, or one with an end.
fn ends(object: &CalendarObject) -> bool {
    let mut rules = object.master().into_iter().flat_map(|master| master.lines_named("RRULE")).peekable();
    let has_end = |rule: &str| {
        rule.to_ascii_uppercase().split(';').any(|part| part.trim().starts_with("COUNT=") || part.trim().starts_with("UNTIL="))
    };
    rules.peek().is_none() || rules.any(|line| has_end(&line.value))
}

/// The lines that say when the master's instances are; how often and where overrides stand is checked apart from them.
fn times(object: &CalendarObject) -> impl Iterator<Item = (&str, &[Parameter], &str)> {
    let lines = object.master().into_iter().flat_map(|master| &master.lines);
    let times = lines.filter(|line| matches!(line.name.as_str(), "DTSTART" | "RRULE" | "RDATE" | "EXDATE"));
    times.map(|line| (line.name.as_str(), line.parameters.as_slice(), line.value.as_str()))
}

/// The number of instances whose slot is not after `last`.
fn number_until(object: &CalendarObject, last: &RecurrenceId, limits: &ExpansionLimits) -> Result<usize, Refusal> {
    let end = instant(last).ok_or(REFUSED)?;
    let range = TimeRange { start: None, end: end.checked_add_signed(TimeDelta::days(2)) };
    // Room for RDATEs and for a new rule that gives more: every day instead of once a week.
    let limits = ExpansionLimits { instances_max: limits.instances_max.saturating_mul(8), steps_max: limits.steps_max.saturating_mul(8) };
    let found = instances(object, &range, &Zone::utc(), &limits).map_err(|_| REFUSED)?;
    // An override counts by its slot, wherever it was moved.
    let overridden = object.components().filter_map(|component| object.recurrence_id(component));
    let slots: HashSet<RecurrenceId> = found.into_iter().filter_map(|found| found.recurrence_id).chain(overridden).collect();
    Ok(slots.iter().filter(|slot| instant(slot).is_some_and(|slot| slot <= end)).count())
}

/// STATUS:CANCELLED is deleting by another name, but where it was so before.
fn check_not_cancelled(new: &CalendarObject, formers: &Formers<'_>) -> Result<(), Refusal> {
    for component in new.components().filter(|component| is_cancelled(component)) {
        let before = match formers.of(new.recurrence_id(component).as_ref()) {
            Former::Same(stored, _) | Former::OfSeries(stored, _) => is_cancelled(stored),
            Former::New => false,
        };
        if !before {
            return Err(REFUSED);
        }
    }
    Ok(())
}

/// The same of instances without an override of their own: a cancelled override does not come to hold for later ones, or for
/// more of them than it did.
fn check_later_not_cancelled(new: &CalendarObject, formers: &Formers<'_>) -> Result<(), Refusal> {
    let now = Later::of(new, |id| Some(id.clone()));
    let governing = |slot| now.at(slot).map(|(_, component)| component).or(new.master());
    let cancels = |slot: &DateTime<Utc>| {
        governing(*slot).is_some_and(is_cancelled) && !formers.governing(*slot).is_some_and(|(stored, _)| is_cancelled(stored))
    };
    match now.starts().chain(formers.later().starts()).any(|slot| cancels(&slot)) {
        true => Err(REFUSED),
        false => Ok(()),
    }
}

fn is_cancelled(component: &Component) -> bool {
    component.lines_named("STATUS").any(|line| line.value.trim().eq_ignore_ascii_case("CANCELLED"))
}

/// A stored override may go if its instance stays: as an override or from the rule, at its slot or where the series took it,
/// and not cancelled there, unless it was.
fn check_overrides(new: &CalendarObject, formers: &Formers<'_>, limits: &ExpansionLimits) -> Result<(), Refusal> {
    let sent: HashSet<RecurrenceId> = new.components().filter_map(|component| new.recurrence_id(component)).collect();
    let is_sent = |id: &RecurrenceId| sent.contains(id);
    let dropped: Vec<_> = formers.overrides().filter(|(stored, became)| !is_sent(stored) && !became.is_some_and(is_sent)).collect();
    if dropped.is_empty() {
        return Ok(());
    }
    let slots = slots_around(new, dropped.iter().flat_map(|(stored, became)| [Some(*stored), *became]).flatten(), limits)?;
    let was_cancelled = |stored: &RecurrenceId| matches!(formers.of(Some(stored)), Former::Same(component, _) if is_cancelled(component));
    let is_kept = |(stored, became): &(&RecurrenceId, Option<&RecurrenceId>)| {
        let stays = |id| slots.get(id).is_some_and(|is_cancelled| !is_cancelled || was_cancelled(stored));
        stays(stored) || became.is_some_and(stays)
    };
    match dropped.iter().all(is_kept) {
        true => Ok(()),
        false => Err(REFUSED),
    }
}

/// The slots an object has in a window that holds all of `ids`, and whether the instance of each is cancelled. What cannot be
/// expanded within the limits is refused.
fn slots_around<'a>(
    object: &CalendarObject,
    ids: impl Iterator<Item = &'a RecurrenceId>,
    limits: &ExpansionLimits,
) -> Result<HashMap<RecurrenceId, bool>, Refusal> {
    let instants: Vec<_> = ids.filter_map(instant).collect();
    // A day on each side: dates and floating times are compared in UTC, whatever the zone.
    let around = |instant: Option<&DateTime<Utc>>, by| instant.and_then(|instant| instant.checked_add_signed(by));
    let range =
        TimeRange { start: around(instants.iter().min(), TimeDelta::days(-1)), end: around(instants.iter().max(), TimeDelta::days(2)) };
    let found = instances(object, &range, &Zone::utc(), limits).map_err(|_| REFUSED)?;
    Ok(found.into_iter().filter_map(|instance| Some((instance.recurrence_id?, is_cancelled(instance.component)))).collect())
}

#[cfg(test)]
mod tests;
