//! Overrides that hold for later instances too: RECURRENCE-ID with RANGE=THISANDFUTURE (RFC 5545 §3.2.13, §3.8.4.4).
//!
//! From its instance on such an override describes every one that has no override of its own, up to the next of its kind: with
//! its properties, its length, and as far from the slot as it is itself from its own. THISANDPRIOR, which the RFC forbids to
//! write, is refused when an object is read.

use super::series::{Candidate, Extent, Override, Series, SlotWindow};
use super::{Budget, ExpansionLimits};
use crate::calendar_object::{CalendarObject, RecurrenceId};
use crate::content_line::{Component, ContentLine};
use crate::date_time::{DateOrTime, TimeRange, format_utc};
use crate::expand::{EXPANDED_BYTES_MAX, head, push_original};
use crate::time_zone::Zone;
use crate::write::push_line;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use std::ops::ControlFlow;

/// Clocks, and forms of start and slot that differ, move an instance less than this against the shift of its override.
const SHIFT_SLACK: TimeDelta = TimeDelta::days(3);

/// Whether a component is an override for later instances too.
pub fn holds_for_later(component: &Component) -> bool {
    let range = component.line("RECURRENCE-ID").and_then(|line| line.parameter("RANGE"));
    range.is_some_and(|range| range.eq_ignore_ascii_case("THISANDFUTURE"))
}

impl<'a> Series<'a, '_> {
    /// The overrides that hold for later instances, by the instant of their slot.
    pub(super) fn order_later(&self) -> Vec<(DateTime<Utc>, usize)> {
        let later = self.overrides.iter().enumerate().filter(|(_, entry)| holds_for_later(entry.timed.component));
        let mut order: Vec<_> = later.map(|(index, entry)| (entry.slot.to_utc(self.floating), index)).collect();
        order.sort_unstable();
        order
    }

    /// The override that describes the instance of a slot which has none of its own.
    fn governing(&self, slot: &DateOrTime) -> Option<&Override<'a>> {
        let at = slot.to_utc(self.floating);
        let before = self.later.partition_point(|(from, _)| *from <= at);
        self.overrides.get(self.later.get(before.checked_sub(1)?)?.1)
    }

    /// Whether a component describes all instances from some slot on.
    pub(super) fn is_last_word(&self, component: &Component) -> bool {
        let last = self.later.last().and_then(|(_, index)| self.overrides.get(*index));
        last.is_some_and(|entry| std::ptr::eq(entry.timed.component, component))
    }

    /// The instance of a slot that no override replaces: as the master has it, or the override that governs it.
    pub(super) fn of_slot(&self, slot: &DateOrTime, as_the_master_has_it: impl FnOnce() -> Candidate<'a>) -> Candidate<'a> {
        let Some(entry) = self.governing(slot) else { return as_the_master_has_it() };
        let moved = |value: &DateOrTime| moved(value, &entry.slot, slot, self.floating);
        let start = entry.timed.start.as_ref().map(moved);
        let extent = match &entry.timed.extent {
            Extent::Fixed(end) => Extent::Fixed(moved(end)),
            extent => extent.clone(),
        };
        self.candidate(&entry.timed, start, &extent, Some(slot))
    }

    /// A window of slots, so wide that it holds those whose instances were moved into `near` as well.
    pub(super) fn with_moved(&self, mut window: SlotWindow, start: &DateOrTime, near: &TimeRange) -> SlotWindow {
        for entry in self.later.iter().filter_map(|(_, index)| self.overrides.get(*index)) {
            let anchor = match (&entry.timed.start, &entry.timed.extent) {
                (Some(start), _) | (None, Extent::Fixed(start)) => start,
                (None, _) => continue,
            };
            let shift = anchor.naive().signed_duration_since(entry.slot.naive());
            let own = self.slot_window(start, near, &entry.timed.extent);
            let first = own.first.checked_sub_signed(shift).and_then(|first| first.checked_sub_signed(SHIFT_SLACK));
            let last = own.last.checked_sub_signed(shift).and_then(|last| last.checked_add_signed(SHIFT_SLACK));
            window.first = window.first.min(first.unwrap_or(NaiveDateTime::MIN));
            window.last = window.last.max(last.unwrap_or(NaiveDateTime::MAX));
        }
        window
    }
}

/// A time of an override as far from `to` as it is from `from`: by the wall clock, or by the instant where it stands in UTC.
fn moved(value: &DateOrTime, from: &DateOrTime, to: &DateOrTime, floating: &Zone) -> DateOrTime {
    let by_clock = to.naive().signed_duration_since(from.naive());
    let moved = match value {
        DateOrTime::Date(date) => date.checked_add_signed(by_clock).map(DateOrTime::Date),
        DateOrTime::Floating(local) => local.checked_add_signed(by_clock).map(DateOrTime::Floating),
        DateOrTime::Zoned(local, zone) => local.checked_add_signed(by_clock).map(|local| DateOrTime::Zoned(local, zone.clone())),
        DateOrTime::Utc(instant) => {
            let by = to.to_utc(floating).signed_duration_since(from.to_utc(floating));
            instant.checked_add_signed(by).map(DateOrTime::Utc)
        }
    };
    moved.unwrap_or_else(|| value.clone())
}

/// An object in which each instance that an override for later ones describes has an override of its own, up to a number.
#[derive(Clone, Debug)]
pub struct SpelledOut {
    /// The text of a calendar object without RANGE.
    pub text: String,
    /// The overrides that were added, each with the one that it repeats.
    pub added: Vec<(RecurrenceId, RecurrenceId)>,
    /// Whether there are more: these are as the master has them.
    pub is_cut: bool,
}

/// Spells an object out whose overrides hold for later instances; `None` if there is no such override, or if it cannot be told
/// within the limits. At most `instances_max` overrides are added, and not more bytes of them than an expanded object may have.
pub fn spelled_out<'a>(object: &'a CalendarObject, limits: &ExpansionLimits) -> Option<SpelledOut> {
    let utc = Zone::utc();
    let series = Series::new(object, &utc);
    let mut added: Vec<Candidate<'a>> = Vec::new();
    let mut is_cut = false;
    let mut visit = |candidate: Candidate<'a>| {
        if candidate.instance.component.line("RECURRENCE-ID").is_none() {
            return ControlFlow::Continue(());
        }
        is_cut = added.len() >= limits.instances_max;
        if is_cut {
            return ControlFlow::Break(());
        }
        added.push(candidate);
        ControlFlow::Continue(())
    };
    if !object.components().any(holds_for_later) {
        return None;
    }
    series.each_master_instance(&TimeRange::default(), &mut Budget::new(limits), &mut visit).ok()?;
    added.sort_by_cached_key(|candidate| candidate.instance.slot.as_ref().map(DateOrTime::naive));
    let mut repeated = String::new();
    let mut ids = Vec::with_capacity(added.len());
    for candidate in &added {
        let (Some(slot), Some(id)) = (&candidate.instance.slot, object.recurrence_id(candidate.instance.component)) else { continue };
        push_repeated(&mut repeated, object, candidate, slot);
        if repeated.len() > EXPANDED_BYTES_MAX {
            return None;
        }
        ids.push((RecurrenceId::of(slot), id));
    }
    Some(SpelledOut { text: without_ranges(object, &repeated), added: ids, is_cut })
}

/// The calendar with its overrides without RANGE, and `more` behind its last component. All other bytes are copied.
fn without_ranges(object: &CalendarObject, more: &str) -> String {
    let text = object.text();
    let mut out = String::with_capacity(text.len() + more.len());
    let mut copied = 0;
    for component in &object.calendar().components {
        if let Some(line) = component.line("RECURRENCE-ID").filter(|_| holds_for_later(component)) {
            out.push_str(text.get(copied..line.span.start).unwrap_or_default());
            push_line(&mut out, &head(line, "RECURRENCE-ID", &["RANGE"]), &line.value);
            copied = line.span.end;
        }
    }
    let end = object.calendar().components.last().map_or(copied, |last| last.span.end);
    out.push_str(text.get(copied..end).unwrap_or_default());
    out.push_str(more);
    out.push_str(text.get(end..).unwrap_or_default());
    out
}

/// An override for one slot, with the properties of the one that holds for it.
fn push_repeated(out: &mut String, object: &CalendarObject, candidate: &Candidate<'_>, slot: &DateOrTime) {
    let instance = &candidate.instance;
    let component = instance.component;
    let start_line = component.line("DTSTART");
    push_line(out, "BEGIN", &component.name);
    for line in &component.lines {
        let end = instance.end.as_ref().filter(|_| matches!(line.name.as_str(), "DTEND" | "DUE"));
        match (line.name.as_str(), &instance.start, end) {
            ("RECURRENCE-ID", ..) => {
                let like = object.master().and_then(|master| master.line("DTSTART"));
                push_value(out, "RECURRENCE-ID", like.unwrap_or(line), slot);
            }
            ("DTSTART", Some(start), _) => push_value(out, "DTSTART", line, start),
            // An end is reckoned from the start, and stands in its zone.
            (name, _, Some(end)) => push_value(out, name, start_line.unwrap_or(line), end),
            _ => push_original(out, object, &line.span),
        }
    }
    for inner in &component.components {
        push_original(out, object, &inner.span);
    }
    push_line(out, "END", &component.name);
}

/// A time written in the zone of `like`.
fn push_value(out: &mut String, name: &str, like: &ContentLine, value: &DateOrTime) {
    let without: &[&str] = match value {
        DateOrTime::Utc(_) => &["RANGE", "TZID"],
        DateOrTime::Date(_) | DateOrTime::Floating(_) | DateOrTime::Zoned(..) => &["RANGE"],
    };
    let text = match value {
        DateOrTime::Date(date) => date.format("%Y%m%d").to_string(),
        DateOrTime::Floating(local) | DateOrTime::Zoned(local, _) => local.format("%Y%m%dT%H%M%S").to_string(),
        DateOrTime::Utc(instant) => format_utc(*instant),
    };
    push_line(out, &head(like, name, without), &text);
}
