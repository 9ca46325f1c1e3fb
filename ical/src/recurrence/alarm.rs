//! When alarms go off: the VALARM rule of RFC 4791 §9.9 over the triggers of RFC 5545 §3.8.6.

use super::series::{Candidate, Series, add};
use super::{Budget, ExpansionLimits, TooManyInstances};
use crate::calendar_object::CalendarObject;
use crate::content_line::Component;
use crate::date_time::{Duration, TimeRange, parse_duration, parse_utc};
use crate::time_zone::Zone;
use chrono::{DateTime, TimeDelta, Utc};
use std::ops::ControlFlow;

/// When an alarm first goes off.
#[derive(Clone, Copy)]
enum Trigger {
    At(DateTime<Utc>),
    FromStart(Duration),
    FromEnd(Duration),
}

struct Alarm<'a> {
    component: &'a Component,
    trigger: Trigger,
    /// REPEAT, and the seconds between two repetitions.
    repeat: i64,
    interval: i64,
}

/// The VALARM components of the object of which at least one trigger, for any instance of the component they stand in,
/// lies in `range`: `start <= trigger < end`, repetitions included (RFC 4791 §9.9). In their order.
pub fn alarms<'a>(
    object: &'a CalendarObject,
    range: &TimeRange,
    floating: &Zone,
    limits: &ExpansionLimits,
) -> Result<Vec<&'a Component>, TooManyInstances> {
    let mut found: Vec<&'a Component> = Vec::new();
    let mut relative: Vec<(&'a Component, Alarm<'a>)> = Vec::new();
    for parent in object.components() {
        for alarm in parent.components.iter().filter_map(read_alarm) {
            match alarm.trigger {
                Trigger::At(first) if alarm.goes_off(first, range) => found.push(alarm.component),
                Trigger::At(_) => {}
                Trigger::FromStart(_) | Trigger::FromEnd(_) => relative.push((parent, alarm)),
            }
        }
    }
    if !relative.is_empty() {
        let near = range_of_anchors(relative.iter().map(|(_, alarm)| alarm), range);
        let mut visit = |candidate: Candidate<'a>| {
            relative.retain(|(parent, alarm)| {
                let hit = std::ptr::eq(*parent, candidate.instance.component) && alarm.goes_off_for(&candidate, range, floating);
                if hit {
                    found.push(alarm.component);
                }
                !hit
            });
            if relative.is_empty() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        Series::new(object, floating).each_instance(&near, &mut Budget::new(limits), &mut visit)?;
    }
    found.sort_by_key(|component| component.span.start);
    Ok(found)
}

impl Alarm<'_> {
    fn goes_off_for(&self, candidate: &Candidate<'_>, range: &TimeRange, floating: &Zone) -> bool {
        let instance = &candidate.instance;
        let (anchor, offset) = match self.trigger {
            Trigger::At(first) => return self.goes_off(first, range),
            // A to-do with DUE alone has no start; its alarms count from DUE in every client.
            Trigger::FromStart(offset) => (instance.start.as_ref().or(instance.end.as_ref()), offset),
            Trigger::FromEnd(offset) => (instance.end.as_ref().or(instance.start.as_ref()), offset),
        };
        anchor.is_some_and(|anchor| self.goes_off(add(anchor, offset, floating).to_utc(floating), range))
    }

    /// Whether the first trigger or one of its repetitions lies in the range, found by division, not by counting.
    fn goes_off(&self, first: DateTime<Utc>, range: &TimeRange) -> bool {
        if self.interval <= 0 || self.repeat <= 0 {
            return range.starts_by(first) && range.ends_after(first);
        }
        let late = range.start.map_or(0, |start| start.signed_duration_since(first).num_seconds()).max(0);
        let repetition = late / self.interval + i64::from(late % self.interval != 0);
        let elapsed = repetition.checked_mul(self.interval).and_then(TimeDelta::try_seconds);
        let trigger = elapsed.and_then(|elapsed| first.checked_add_signed(elapsed));
        repetition <= self.repeat && trigger.is_some_and(|trigger| range.ends_after(trigger))
    }

    /// Seconds from the anchor to the first trigger and to the last repetition, roughly (a day counts 24 hours).
    fn reach(&self) -> (i64, i64) {
        let offset = match self.trigger {
            Trigger::At(_) => 0,
            Trigger::FromStart(d) | Trigger::FromEnd(d) => seconds(d),
        };
        (offset, offset.saturating_add(self.repeat.saturating_mul(self.interval)))
    }
}

/// The range in which an instance must lie for one of the alarms to go off in `range`.
fn range_of_anchors<'a>(alarms: impl Iterator<Item = &'a Alarm<'a>>, range: &TimeRange) -> TimeRange {
    let (mut earliest, mut latest) = (0, 0);
    for (first, last) in alarms.map(Alarm::reach) {
        earliest = first.min(earliest);
        latest = last.max(latest);
    }
    let back = |moment: DateTime<Utc>, seconds: i64| moment.checked_sub_signed(TimeDelta::try_seconds(seconds)?);
    TimeRange { start: range.start.and_then(|s| back(s, latest)), end: range.end.and_then(|e| back(e, earliest)) }
}

fn seconds(duration: Duration) -> i64 {
    duration.days.saturating_mul(86_400).saturating_add(duration.seconds)
}

fn read_alarm(component: &Component) -> Option<Alarm<'_>> {
    if component.name != "VALARM" {
        return None;
    }
    let line = component.line("TRIGGER")?;
    let value = line.value.trim();
    let trigger = match parse_utc(value) {
        Some(instant) => Trigger::At(instant),
        None => {
            let offset = parse_duration(value)?;
            let from_end = line.parameter("RELATED").is_some_and(|related| related.eq_ignore_ascii_case("END"));
            if from_end { Trigger::FromEnd(offset) } else { Trigger::FromStart(offset) }
        }
    };
    let repeat = component.line("REPEAT").and_then(|l| l.value.trim().parse::<u32>().ok()).map_or(0, i64::from);
    let interval = component.line("DURATION").and_then(|l| parse_duration(l.value.trim())).map_or(0, seconds);
    Some(Alarm { component, trigger, repeat, interval })
}
