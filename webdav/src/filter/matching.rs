//! Holding a filter against one calendar object (RFC 4791 §9.7, §9.9).
//!
//! What is looked at is the object as its viewer is shown it; nothing else is at hand here. Work is bounded: an endless
//! series is looked through in growing windows until something matches.

use super::{CompCondition, CompFilter, Filter, ParamCondition, ParamFilter, PropCondition, PropFilter, ValueTest};
use chrono::{DateTime, TimeDelta, Utc};
use ical::content_line::unescape_text;
use ical::date_time::parse_duration;
use ical::recurrence::{TooManyInstances, alarms, instances, overlapping};
use ical::{CalendarObject, Component, ContentLine, ExpansionLimits, Instance, TimeRange, Zone};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;

/// The first window in which an endless series is looked through; each further one is twice as long.
const WINDOW_DAYS_FIRST: i64 = 7;
/// With this many windows the last ends more than 300 years after the first began.
const WINDOWS_MAX: u32 = 14;

/// Work of one evaluation: a unit is one component looked at, or this many bytes of properties.
const WORK_MAX: usize = 500_000;
const BYTES_OF_A_UNIT: usize = 64;

/// One evaluation of filters on one object.
#[derive(Debug)]
pub struct Evaluation<'a> {
    object: &'a CalendarObject,
    floating: &'a Zone,
    limits: &'a ExpansionLimits,
    /// Components with those within them.
    components: usize,
    /// What is left of [`WORK_MAX`].
    left: Cell<usize>,
    /// Where the components stand that overlap a range, for each range asked about.
    overlapping: RefCell<Vec<(Overlapping, TimeRange, HashSet<usize>)>>,
}

/// Which components are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overlapping {
    Alarms,
    Instances,
}

impl<'a> Evaluation<'a> {
    /// For `object`, floating times and dates taken in `floating`.
    pub fn new(object: &'a CalendarObject, floating: &'a Zone, limits: &'a ExpansionLimits) -> Self {
        let components = object.components().map(|component| 1 + component.components.len()).sum();
        let (left, overlapping) = (Cell::new(WORK_MAX), RefCell::new(Vec::new()));
        Self { object, floating, limits, components, left, overlapping }
    }

    /// Whether the object matches.
    ///
    /// # Errors
    /// When deciding it takes more instances than the limits allow.
    pub fn matches(&self, filter: &Filter) -> Result<bool, TooManyInstances> {
        self.comp_filter(&filter.calendar, std::slice::from_ref(self.object.calendar()))
    }

    /// RFC 4791 §9.7.1: one component of the scope meets everything asked.
    fn comp_filter(&self, filter: &CompFilter, scope: &[Component]) -> Result<bool, TooManyInstances> {
        let mut named = scope.iter().filter(|component| component.name == filter.name);
        let CompCondition::Defined { time_range, properties, components } = &filter.condition else {
            return Ok(named.next().is_none());
        };
        for component in named {
            // Cheap conditions first: none of them needs the recurrence set.
            let mut holds = true;
            for prop_filter in properties {
                holds = holds && self.prop_filter(prop_filter, component)?;
            }
            if let (true, Some(range)) = (holds, time_range) {
                holds = self.overlaps(component, range)?;
            }
            for comp_filter in components {
                holds = holds && self.comp_filter(comp_filter, &component.components)?;
            }
            if holds {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// RFC 4791 §9.7.2: one property of that name meets everything asked.
    fn prop_filter(&self, filter: &PropFilter, component: &Component) -> Result<bool, TooManyInstances> {
        self.charge(1 + component.span.len() / BYTES_OF_A_UNIT)?;
        let PropCondition::Defined { value, parameters } = &filter.condition else {
            return Ok(component.line(&filter.name).is_none());
        };
        if let Some(ValueTest::TimeRange(range)) = value
            && let Some(edge) = Edge::of(&filter.name, component)
        {
            return Ok(edge.lines_match(component, parameters) && self.edge_in(edge, component, range)?);
        }
        Ok(component.lines_named(&filter.name).any(|line| {
            let value_matches = match value {
                None => true,
                Some(ValueTest::Text(text)) => text.matches([text_of(line).as_ref()]),
                Some(ValueTest::TimeRange(range)) => {
                    self.object.date_or_time(line).is_some_and(|value| holds_instant(range, value.to_utc(self.floating)))
                }
            };
            value_matches && parameters_match(parameters, line)
        }))
    }

    /// Whether a component overlaps a range by the rule for its kind (RFC 4791 §9.9, RFC 7953).
    fn overlaps(&self, component: &Component, range: &TimeRange) -> Result<bool, TooManyInstances> {
        let what = if component.name == "VALARM" { Overlapping::Alarms } else { Overlapping::Instances };
        let known = |found: &HashSet<usize>| found.contains(&component.span.start);
        let answered =
            self.overlapping.borrow().iter().find(|(kind, of, _)| (*kind, of) == (what, range)).map(|(_, _, found)| known(found));
        if let Some(answer) = answered {
            return Ok(answer);
        }
        self.charge(self.components)?;
        let found = match what {
            Overlapping::Alarms => alarms(self.object, range, self.floating, self.limits)?,
            Overlapping::Instances => overlapping(self.object, range, self.floating, self.limits)?,
        };
        let found: HashSet<usize> = found.into_iter().map(|component| component.span.start).collect();
        let answer = known(&found);
        self.overlapping.borrow_mut().push((what, *range, found));
        Ok(answer)
    }

    /// Takes from what is left: a question about times goes through the whole object, and there may be one for each
    /// condition and component.
    fn charge(&self, units: usize) -> Result<(), TooManyInstances> {
        self.left.set(self.left.get().checked_sub(units).ok_or(TooManyInstances)?);
        Ok(())
    }

    /// Whether some instance starts (or ends) in the range.
    fn edge_in(&self, edge: Edge, component: &Component, range: &TimeRange) -> Result<bool, TooManyInstances> {
        // An instance that ends right at the start does not overlap the range, so it is looked for a second earlier.
        let wider = TimeRange { start: range.start.and_then(|start| start.checked_sub_signed(TimeDelta::seconds(1))), end: range.end };
        self.any_instance(component, &wider, |instance| {
            let instant = match edge {
                Edge::Start => instance.start_utc,
                Edge::End => instance.end_utc,
            };
            instant.is_some_and(|instant| holds_instant(range, instant))
        })
    }

    /// Whether an instance described by `component` that overlaps `range` satisfies `test`.
    fn any_instance(
        &self,
        component: &Component,
        range: &TimeRange,
        test: impl Fn(&Instance<'_>) -> bool,
    ) -> Result<bool, TooManyInstances> {
        let found = |window: &TimeRange| -> Result<bool, TooManyInstances> {
            self.charge(self.components)?;
            let overlapping = instances(self.object, window, self.floating, self.limits)?;
            Ok(overlapping.iter().any(|instance| std::ptr::eq(instance.component, component) && test(instance)))
        };
        let recurs = self.object.master().is_some_and(|master| ["RRULE", "RDATE"].iter().any(|name| master.line(name).is_some()));
        if !recurs {
            return found(range);
        }
        if component.line("RECURRENCE-ID").is_some() {
            return self.around_override(component, range).map_or(Ok(false), |window| found(&window));
        }
        let span = self.object.span();
        let Some(mut start) = later(range.start, span.start) else { return found(range) };
        let end = earlier(range.end, span.end.and_then(|end| end.checked_add_signed(TimeDelta::days(1))));
        let mut days = WINDOW_DAYS_FIRST;
        for _ in 0..WINDOWS_MAX {
            let stop = earlier(end, start.checked_add_signed(TimeDelta::days(days)));
            let Some(stop) = stop.filter(|stop| start < *stop) else { return Ok(false) };
            if found(&TimeRange { start: Some(start), end: Some(stop) })? {
                return Ok(true);
            }
            (start, days) = (stop, days * 2);
        }
        Ok(false)
    }

    /// The part of `range` that an override's own times can touch, so that asking for it costs no other instances.
    fn around_override(&self, component: &Component, range: &TimeRange) -> Option<TimeRange> {
        let instant = |name: &str| component.line(name).and_then(|line| self.object.date_or_time(line)).map(|v| v.to_utc(self.floating));
        let Some(start) = instant("DTSTART").or_else(|| instant("DUE")) else { return Some(*range) };
        let duration = component.line("DURATION").and_then(|line| parse_duration(&line.value)).unwrap_or_default();
        let end = instant("DTEND").or_else(|| instant("DUE")).or_else(|| {
            let days = TimeDelta::try_days(duration.days)?;
            start.checked_add_signed(days)?.checked_add_signed(TimeDelta::try_seconds(duration.seconds)?)
        });
        // Two days allow for dates in any zone and for the day an all-day event lasts by default.
        let margin = TimeDelta::days(2);
        let window = TimeRange {
            start: later(range.start, start.checked_sub_signed(margin)),
            end: earlier(range.end, end.unwrap_or(start).max(start).checked_add_signed(margin)),
        };
        window.start.zip(window.end).is_none_or(|(start, end)| start < end).then_some(window)
    }
}

/// The ends of an instance that properties describe, for kinds that recur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    Start,
    End,
}

impl Edge {
    /// Which edge a property stands for; DURATION may stand in for DTEND or DUE (RFC 4791 §9.9).
    fn of(name: &str, component: &Component) -> Option<Self> {
        let has = |name: &str| component.line(name).is_some();
        match (component.name.as_str(), name) {
            ("VEVENT" | "VTODO" | "VJOURNAL", "DTSTART") if has("DTSTART") => Some(Self::Start),
            ("VEVENT", "DTEND") if has("DTEND") || has("DURATION") => Some(Self::End),
            ("VTODO", "DUE") if has("DUE") || has("DTSTART") && has("DURATION") => Some(Self::End),
            _ => None,
        }
    }

    /// Whether the line that gives this edge has the parameters asked for; where DURATION gives it, there are none.
    fn lines_match(self, component: &Component, parameters: &[ParamFilter]) -> bool {
        let name = match (self, component.name.as_str()) {
            (Self::Start, _) => "DTSTART",
            (Self::End, "VTODO") => "DUE",
            (Self::End, _) => "DTEND",
        };
        match component.line(name) {
            Some(line) => parameters_match(parameters, line),
            None => parameters.iter().all(|filter| filter.condition == ParamCondition::NotDefined),
        }
    }
}

/// `start <= instant AND end > instant`
fn holds_instant(range: &TimeRange, instant: DateTime<Utc>) -> bool {
    range.start.is_none_or(|start| start <= instant) && range.end.is_none_or(|end| instant < end)
}

fn later(a: Option<DateTime<Utc>>, b: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    a.max(b)
}

fn earlier(a: Option<DateTime<Utc>>, b: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, None) | (None, one) => one,
    }
}

/// All filters hold for this property.
fn parameters_match(filters: &[ParamFilter], line: &ContentLine) -> bool {
    filters.iter().all(|filter| {
        let mut parameters = line.parameters.iter().filter(|parameter| parameter.name == filter.name).peekable();
        match &filter.condition {
            ParamCondition::NotDefined => parameters.peek().is_none(),
            ParamCondition::Defined(text) => {
                parameters.peek().is_some()
                    && text.as_ref().is_none_or(|text| text.matches(parameters.flat_map(|p| p.values.iter().map(String::as_str))))
            }
        }
    })
}

/// Properties whose value type is not TEXT (RFC 5545 §3.8, RFC 7953, RFC 7986): what looks like an escape in them is none.
const NOT_TEXT: &[&str] = &[
    "ACKNOWLEDGED",
    "ATTACH",
    "ATTENDEE",
    "COMPLETED",
    "CONFERENCE",
    "CREATED",
    "DTEND",
    "DTSTAMP",
    "DTSTART",
    "DUE",
    "DURATION",
    "EXDATE",
    "EXRULE",
    "FREEBUSY",
    "GEO",
    "IMAGE",
    "LAST-MODIFIED",
    "ORGANIZER",
    "PERCENT-COMPLETE",
    "PRIORITY",
    "RDATE",
    "RECURRENCE-ID",
    "REFRESH-INTERVAL",
    "REPEAT",
    "RRULE",
    "SEQUENCE",
    "SOURCE",
    "TRIGGER",
    "TZOFFSETFROM",
    "TZOFFSETTO",
    "TZURL",
    "URL",
];

/// A property's value as people read it: TEXT without its escapes, a list of texts as one.
fn text_of(line: &ContentLine) -> Cow<'_, str> {
    let is_text = match line.parameter("VALUE") {
        Some(value) => value.eq_ignore_ascii_case("TEXT"),
        None => !NOT_TEXT.contains(&line.name.as_str()),
    };
    if is_text { Cow::Owned(unescape_text(&line.value)) } else { Cow::Borrowed(&line.value) }
}
