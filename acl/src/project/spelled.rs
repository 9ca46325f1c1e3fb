//! Objects with overrides for this and future instances (RFC 5545 §3.2.13), on their way to a viewer who is not shown all of
//! them: each instance gets an override of its own, and with it what was decided for the one it repeats, so that nothing after
//! this need know of such overrides.
//!
//! Decides nothing about who may see what: that is `listing`. Before anything is repeated, components that are not shown in
//! full are cut down to what is shown of them: how long a description that is withheld is, and how often it would be repeated,
//! must not decide whether the rest fits within the limits.

use super::listing::{Occupancy, Placement, has_value};
use super::reduced::{language_tag, quoted};
use super::{Unprojectable, ViewProfile};
use crate::level::Visibility;
use crate::text_edit::{TextEdit, apply};
use ical::recurrence::{holds_for_later, spelled_out};
use ical::write::push_line;
use ical::{CalendarObject, Component, ComponentKind, ContentLine, ExpansionLimits, ParseLimits, RecurrenceId};
use std::collections::HashMap;

/// Instances that get an override of their own: some years of weeks, and of days. Later ones are shown as the master has them.
const INSTANCES_MAX: usize = 1_000;

/// An object spelled out.
pub(super) struct Spelled {
    pub(super) base: CalendarObject,
    /// The overrides that were added, each with the one that it repeats.
    repeats: HashMap<RecurrenceId, RecurrenceId>,
}

impl Spelled {
    /// `None`: the object has no such overrides.
    pub(super) fn of(base: &CalendarObject, placements: &[Placement<'_>], profile: &ViewProfile) -> Result<Option<Self>, Unprojectable> {
        let recurs = matches!(base.kind(), ComponentKind::Event | ComponentKind::ToDo | ComponentKind::Journal);
        if !recurs || !base.components().any(holds_for_later) {
            return Ok(None);
        }
        let limits = ExpansionLimits { instances_max: INSTANCES_MAX, ..ExpansionLimits::default() };
        let reduced = placements.iter().filter(|placement| placement.shown < Visibility::Full);
        let edits = reduced.map(|placement| TextEdit { range: placement.component.span.clone(), text: cut_down(placement, profile) });
        let base = parse(&apply(base.text(), edits.collect()))?;
        let spelled = spelled_out(&base, &limits).ok_or(Unprojectable)?;
        // Of a series that goes on, later instances would be shown that are withheld before.
        let withheld = |placement: &Placement<'_>| placement.shown == Visibility::Hidden && holds_for_later(placement.component);
        if spelled.is_cut && placements.iter().any(withheld) {
            return Err(Unprojectable);
        }
        Ok(Some(Self { base: parse(&spelled.text)?, repeats: spelled.added.into_iter().collect() }))
    }

    /// What was decided, for each of the components there are now.
    pub(super) fn placements<'s>(&'s self, decided: &[Placement<'_>]) -> Result<Vec<Placement<'s>>, Unprojectable> {
        let by_id: HashMap<_, _> = decided.iter().map(|placement| (placement.recurrence_id.as_ref(), placement)).collect();
        let place = |component| {
            let recurrence_id = self.base.recurrence_id(component);
            let origin = recurrence_id.as_ref().map(|id| self.repeats.get(id).unwrap_or(id));
            let Placement { cell, shown, occupancy, .. } = **by_id.get(&origin).ok_or(Unprojectable)?;
            Ok(Placement { component, recurrence_id, cell, shown, occupancy })
        };
        self.base.components().map(place).collect()
    }
}

fn parse(text: &str) -> Result<CalendarObject, Unprojectable> {
    CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).map_err(|_| Unprojectable)
}

/// A component that is not shown in full, with nothing but what its projection asks for: of one that is not shown at all its
/// slot, or the slots of its series.
fn cut_down(placement: &Placement<'_>, profile: &ViewProfile) -> String {
    let component = placement.component;
    let mut out = String::with_capacity(256);
    push_line(&mut out, "BEGIN", &component.name);
    push_lines(&mut out, component, &["UID"]);
    match (&placement.recurrence_id, placement.shown) {
        (Some(id), Visibility::Hidden) => push_slot(&mut out, id, holds_for_later(component)),
        (Some(_), _) => push_lines(&mut out, component, &["RECURRENCE-ID", "DTSTART", "DTEND", "DUE", "DURATION"]),
        (None, Visibility::Hidden) => push_lines(&mut out, component, &["DTSTART", "RRULE", "RDATE", "EXDATE"]),
        (None, _) => push_lines(&mut out, component, &["DTSTART", "DTEND", "DUE", "DURATION", "RRULE", "RDATE", "EXDATE"]),
    }
    push_face(&mut out, placement, profile);
    push_line(&mut out, "END", &component.name);
    out
}

/// What identifies an override, and a start for it, which every event has.
fn push_slot(out: &mut String, id: &RecurrenceId, for_later: bool) {
    let form = if id.0.contains('T') { "" } else { ";VALUE=DATE" };
    let range = if for_later { ";RANGE=THISANDFUTURE" } else { "" };
    push_line(out, &format!("RECURRENCE-ID{form}{range}"), &id.0);
    push_line(out, &format!("DTSTART{form}"), &id.0);
}

/// The properties that are not times, as far as they make a difference to what is shown.
fn push_face(out: &mut String, placement: &Placement<'_>, profile: &ViewProfile) {
    let component = placement.component;
    let is_title = placement.shown == Visibility::Title;
    if placement.shown == Visibility::Hidden {
        return;
    }
    for status in ["TENTATIVE", "CONFIRMED", "NEEDS-ACTION", "IN-PROCESS", "COMPLETED"] {
        if has_value(component, "STATUS", status) && (is_title || status == "TENTATIVE") {
            push_line(out, "STATUS", status);
        }
    }
    let is_free = if is_title { has_value(component, "TRANSP", "TRANSPARENT") } else { placement.occupancy == Occupancy::Free };
    if is_free {
        push_line(out, "TRANSP", "TRANSPARENT");
    }
    if is_title && let Some(summary) = component.line("SUMMARY") {
        let language = summary.parameter("LANGUAGE").and_then(language_tag);
        push_line(out, &language.map_or_else(|| "SUMMARY".to_owned(), |tag| format!("SUMMARY;LANGUAGE={tag}")), &summary.value);
    }
    if is_title
        && profile.matrix.with_places
        && let Some(place) = component.line("LOCATION")
    {
        push_line(out, "LOCATION", &place.value);
    }
}

fn push_lines(out: &mut String, component: &Component, names: &[&str]) {
    for line in names.iter().flat_map(|name| component.lines_named(name)) {
        push_line(out, &head(line), line.value.trim());
    }
}

/// A name with the parameters that mean something for a time.
fn head(line: &ContentLine) -> String {
    let mut head = line.name.clone();
    for name in ["VALUE", "TZID", "RANGE"] {
        if let Some(value) = line.parameter(name) {
            head.push_str(&format!(";{name}={}", quoted(value)));
        }
    }
    head
}
