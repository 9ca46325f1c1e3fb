//! Availability (RFC 7953): the times of a VAVAILABILITY, and when several of them together make their person unavailable.
//!
//! Times, priority and type only: nothing of a component's text passes through here.

use crate::calendar_object::{CalendarObject, ComponentKind};
use crate::content_line::{Component, ParseLimits};
use crate::date_time::{DateOrTime, TimeRange, parse_duration};
use crate::free_busy::{BusyPeriod, BusyType, coalesce};
use crate::recurrence::{self, ExpansionLimits};
use crate::time_zone::Zone;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// What an AVAILABLE part says of its times; all else of it is left behind.
const TIMES: [&str; 7] = ["DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"];
/// The priority that outweighs none.
const PRIORITY_LEAST: u8 = 9;

/// The times of one VAVAILABILITY.
#[derive(Clone, Debug)]
pub struct Availability {
    /// Where it begins and ends; without one of them it does not.
    start: Option<DateOrTime>,
    end: Option<DateOrTime>,
    /// 0 is the least, then as RFC 5545 §3.8.1.9 has it turned round: who has the greatest has the last word.
    weight: u8,
    busy_type: BusyType,
    /// The AVAILABLE parts, each series as the times of an event.
    available: Vec<CalendarObject>,
}

/// What one VAVAILABILITY says of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable {
    weight: u8,
    whole: BusyPeriod,
    free: Vec<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Availability {
    /// Of every VAVAILABILITY of an object; none of an object of another kind.
    pub fn of(object: &CalendarObject) -> Vec<Self> {
        match object.kind() {
            ComponentKind::Availability => object.components().map(|component| Self::of_component(object, component)).collect(),
            _ => Vec::new(),
        }
    }

    /// Of one VAVAILABILITY of the object.
    pub fn of_component(object: &CalendarObject, component: &Component) -> Self {
        let time = |name: &str| component.line(name).and_then(|line| object.date_or_time(line));
        let start = time("DTSTART");
        let duration = component.line("DURATION").and_then(|line| parse_duration(line.value.trim()));
        let end = time("DTEND").or_else(|| Some(recurrence::add(start.as_ref()?, duration?, &Zone::utc())));
        Self { start, end, weight: weight(component), busy_type: busy_type(component), available: available(object, component) }
    }

    /// What it says of the window: when it holds, and when within that its person is free. `None`: it says nothing of it.
    /// The limits hold for all its AVAILABLE parts together; those for which that is too little free nobody.
    pub fn within(&self, window: &TimeRange, floating: &Zone, limits: &ExpansionLimits) -> Option<Unavailable> {
        let instant = |time: &Option<DateOrTime>| time.as_ref().map(|time| time.to_utc(floating));
        let start = instant(&self.start).max(window.start).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let end = [instant(&self.end), window.end].into_iter().flatten().min().unwrap_or(DateTime::<Utc>::MAX_UTC);
        if start >= end {
            return None;
        }
        let range = TimeRange { start: Some(start), end: Some(end) };
        let mut free = Vec::new();
        let steps_max = limits.steps_max / self.available.len().max(1);
        for series in &self.available {
            let limits = ExpansionLimits { instances_max: limits.instances_max.saturating_sub(free.len()), steps_max };
            let Ok(instances) = recurrence::instances(series, &range, floating, &limits) else { continue };
            let spans = instances.iter().filter_map(|instance| Some((instance.start_utc?.max(start), instance.end_utc?.min(end))));
            free.extend(spans.filter(|(start, end)| start < end));
        }
        Some(Unavailable { weight: self.weight, whole: BusyPeriod { start, end, busy_type: self.busy_type }, free })
    }
}

/// Combines what several VAVAILABILITY say of one window (RFC 7953 §4): of those with one priority the strongest type
/// stands where they hold, and any of them frees time; those with a higher priority have the last word where they hold.
pub fn combine(all: impl IntoIterator<Item = Unavailable>) -> Vec<BusyPeriod> {
    let mut levels: BTreeMap<u8, (Vec<BusyPeriod>, Vec<BusyPeriod>)> = BTreeMap::new();
    for one in all {
        let (held, free) = levels.entry(one.weight).or_default();
        held.push(one.whole);
        free.extend(one.free.into_iter().map(|(start, end)| BusyPeriod { start, end, busy_type: BusyType::Busy }));
    }
    let mut unavailable = Vec::new();
    for (held, free) in levels.into_values() {
        let held = coalesce(held);
        unavailable = without(&unavailable, &held);
        unavailable.extend(held);
        unavailable = without(&coalesce(unavailable), &coalesce(free));
    }
    coalesce(unavailable)
}

/// The periods without what the cuts cover. Both are in order and free of overlaps.
fn without(periods: &[BusyPeriod], cuts: &[BusyPeriod]) -> Vec<BusyPeriod> {
    let mut left = Vec::with_capacity(periods.len());
    let mut cuts = cuts.iter().peekable();
    for period in periods {
        let mut start = period.start;
        while let Some(cut) = cuts.peek() {
            if cut.start >= period.end {
                break;
            }
            if start < cut.start {
                left.push(BusyPeriod { start, end: cut.start, ..*period });
            }
            start = start.max(cut.end);
            if cut.end > period.end {
                // It goes on into the next period.
                break;
            }
            cuts.next();
        }
        if start < period.end {
            left.push(BusyPeriod { start, ..*period });
        }
    }
    left
}

/// 1 is the highest priority and 9 the lowest, below which is 0, or none (RFC 7953 §4).
fn weight(component: &Component) -> u8 {
    let priority: Option<u8> = component.line("PRIORITY").and_then(|line| line.value.trim().parse().ok());
    match priority {
        Some(priority @ 1..=PRIORITY_LEAST) => PRIORITY_LEAST + 1 - priority,
        _ => 0,
    }
}

/// BUSYTYPE (RFC 7953 §3.2); an unknown one counts as BUSY, as an FBTYPE does (RFC 5545 §3.2.9).
fn busy_type(component: &Component) -> BusyType {
    match component.line("BUSYTYPE").map(|line| line.value.trim().to_ascii_uppercase()).as_deref() {
        None | Some("BUSY-UNAVAILABLE") => BusyType::Unavailable,
        Some("BUSY-TENTATIVE") => BusyType::Tentative,
        Some(_) => BusyType::Busy,
    }
}

/// The AVAILABLE parts by their UIDs, as events: they recur and are overridden as events are (RFC 7953 §3.1). What is no
/// event then frees nobody. Definitions of zones are not repeated in each: a thousand parts beside a long one would be
/// gigabytes.
fn available(object: &CalendarObject, component: &Component) -> Vec<CalendarObject> {
    let text = object.text();
    let mut series: BTreeMap<&str, String> = BTreeMap::new();
    for part in component.components.iter().filter(|part| part.name == "AVAILABLE") {
        let Some(uid) = part.line("UID") else { continue };
        let times = part.lines.iter().filter(|line| TIMES.contains(&line.name.as_str()));
        let lines: String = times.map(|line| ended(text.get(line.span.clone()).unwrap_or_default())).collect();
        let events = series.entry(uid.value.as_str()).or_default();
        events.push_str("BEGIN:VEVENT\r\nUID:available\r\n");
        events.push_str(&lines);
        events.push_str("END:VEVENT\r\n");
    }
    let events = series.into_values();
    let texts = events.map(|events| format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-\r\n{events}END:VCALENDAR\r\n"));
    texts.filter_map(|text| CalendarObject::parse_part_of(object, text.as_bytes(), &ParseLimits::default()).ok()).collect()
}

/// Lines that end, as the last of a file may not.
fn ended(lines: &str) -> String {
    if lines.ends_with('\n') { lines.to_owned() } else { format!("{lines}\r\n") }
}

#[cfg(test)]
mod tests;
