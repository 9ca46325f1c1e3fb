//! What `edit` without `delete` refuses: every way of making a stored event, or an instance of it, go away by writing over
//! it. Shifting in time is editing.

use super::Refusal;
use super::former::{Former, Formers, instant};
use crate::privilege::Privilege;
use chrono::TimeDelta;
use ical::recurrence::{instance_count, instances};
use ical::{CalendarObject, Component, ExpansionLimits, RecurrenceId, TimeRange, Zone};
use std::collections::HashSet;

const REFUSED: Refusal = Refusal::Denied(Privilege::Unbind);

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
    check_overrides(new, formers, limits)?;
    match instance_count(new, limits) < instance_count(old, limits) {
        true => Err(REFUSED),
        false => Ok(()),
    }
}

/// STATUS:CANCELLED is deleting by another name, but where it was so before.
fn check_not_cancelled(new: &CalendarObject, formers: &Formers<'_>) -> Result<(), Refusal> {
    for component in new.components().filter(|component| is_cancelled(component)) {
        let before = match formers.of(new.recurrence_id(component).as_ref()) {
            Former::Same(stored, _) | Former::OfSeries(stored) => is_cancelled(stored),
            Former::New => false,
        };
        if !before {
            return Err(REFUSED);
        }
    }
    Ok(())
}

fn is_cancelled(component: &Component) -> bool {
    component.lines_named("STATUS").any(|line| line.value.trim().eq_ignore_ascii_case("CANCELLED"))
}

/// A stored override may go if its instance stays: as an override or from the rule, at its slot or where the series took it.
fn check_overrides(new: &CalendarObject, formers: &Formers<'_>, limits: &ExpansionLimits) -> Result<(), Refusal> {
    let sent: HashSet<RecurrenceId> = new.components().filter_map(|component| new.recurrence_id(component)).collect();
    let is_sent = |id: &RecurrenceId| sent.contains(id);
    let dropped: Vec<_> = formers.overrides().filter(|(stored, became)| !is_sent(stored) && !became.is_some_and(is_sent)).collect();
    if dropped.is_empty() {
        return Ok(());
    }
    let slots = slots_around(new, dropped.iter().flat_map(|(stored, became)| [Some(*stored), *became]).flatten(), limits)?;
    let is_kept = |(stored, became): &(&RecurrenceId, Option<&RecurrenceId>)| {
        slots.contains(*stored) || became.is_some_and(|became| slots.contains(became))
    };
    match dropped.iter().all(is_kept) {
        true => Ok(()),
        false => Err(REFUSED),
    }
}

/// The slots an object has in a window that holds all of `ids`. What cannot be expanded within the limits is refused.
fn slots_around<'a>(
    object: &CalendarObject,
    ids: impl Iterator<Item = &'a RecurrenceId>,
    limits: &ExpansionLimits,
) -> Result<HashSet<RecurrenceId>, Refusal> {
    let instants: Vec<_> = ids.filter_map(instant).collect();
    // A day on each side: dates and floating times are compared in UTC, whatever the zone.
    let around = |instant: Option<&chrono::DateTime<chrono::Utc>>, by| instant.and_then(|instant| instant.checked_add_signed(by));
    let range =
        TimeRange { start: around(instants.iter().min(), TimeDelta::days(-1)), end: around(instants.iter().max(), TimeDelta::days(2)) };
    let found = instances(object, &range, &Zone::utc(), limits).map_err(|_| REFUSED)?;
    Ok(found.into_iter().filter_map(|instance| instance.recurrence_id).collect())
}

#[cfg(test)]
mod tests;
