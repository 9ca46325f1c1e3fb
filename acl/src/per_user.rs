//! What belongs to each person and not to the event: alarms and a table of properties, split off on writing and put back
//! on reading.
//!
//! Bytes only: nothing here is printed anew, what stays is copied. Who may write what is decided in `write`.

use crate::text_edit::{TextEdit, apply};
use ical::{CalendarObject, Component, ContentLine};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ops::Range;

/// Properties that record what one person did or wants, by the client that writes them. What is not named here, and is no
/// VALARM, belongs to the event and so to everyone who may read it.
const PERSONAL_PROPERTIES: [(&str, &str); 5] = [
    ("X-MOZ-LASTACK", "Thunderbird: when he last dismissed a reminder of the event"),
    ("X-MOZ-SNOOZE-TIME", "Thunderbird: until when he snoozed a reminder"),
    ("X-MOZ-GENERATION", "Thunderbird: a counter it raises so that a dismissed reminder makes a new version"),
    ("X-APPLE-DEFAULT-ALARM", "Apple Calendar: that the alarm is his default one; usually inside the VALARM"),
    ("ACKNOWLEDGED", "RFC 9074 §6.1, meant for VALARM: when he dismissed a reminder"),
];

/// Thunderbird: a snooze of one instance of a series; the instance's time follows.
const PERSONAL_PROPERTY_PREFIX: &str = "X-MOZ-SNOOZE-TIME-";

/// Whether a property (its name in upper case) belongs to each person.
pub fn is_personal_property(name: &str) -> bool {
    PERSONAL_PROPERTIES.iter().any(|(personal, _)| *personal == name) || name.starts_with(PERSONAL_PROPERTY_PREFIX)
}

/// Whether a sub-component (its name in upper case) belongs to each person, at whatever depth it stands.
pub fn is_personal_component(name: &str) -> bool {
    name == "VALARM"
}

/// One personal item of one component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonalItem {
    /// The component it stands in: `None` is the master.
    pub recurrence_id: Option<String>,
    /// The original text, a VALARM or a property line, line end included.
    pub text: String,
}

/// One viewer's personal part of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlay {
    /// The version of the base this was written against.
    pub base_version: u64,
    /// The bytes he wrote, served back to him while the base is still of `base_version`; only kept where base and items
    /// would not give them.
    pub verbatim: Option<String>,
    /// His items.
    pub items: Vec<PersonalItem>,
}

/// An object without its personal items, and these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// All lines but the personal ones, byte for byte.
    pub base: String,
    /// In order.
    pub items: Vec<PersonalItem>,
}

/// Takes the personal items out.
pub fn split(object: &CalendarObject) -> Split {
    let ranges: Vec<Range<usize>> = object.components().flat_map(personal_ranges).collect();
    Split { base: apply(object.text(), ranges.into_iter().map(TextEdit::remove).collect()), items: items(object) }
}

/// The personal items of all components, in the order of the text.
pub(crate) fn items(object: &CalendarObject) -> Vec<PersonalItem> {
    let mut items = Vec::new();
    for component in object.components() {
        let recurrence_id = object.recurrence_id(component).map(|id| id.0);
        for range in personal_ranges(component) {
            let text = object.text().get(range).unwrap_or_default().to_owned();
            items.push(PersonalItem { recurrence_id: recurrence_id.clone(), text });
        }
    }
    items
}

/// Where a component's personal items stand, in the order of the text.
pub(crate) fn personal_ranges(component: &Component) -> Vec<Range<usize>> {
    let lines = component.lines.iter().filter(|line| is_personal_property(&line.name));
    let mut ranges: Vec<_> = lines.map(|line| line.span.clone()).collect();
    let mut inside: Vec<&Component> = component.components.iter().collect();
    while let Some(sub) = inside.pop() {
        match is_personal_component(&sub.name) {
            true => ranges.push(sub.span.clone()),
            false => inside.extend(&sub.components),
        }
    }
    ranges.sort_by_key(|range| range.start);
    ranges
}

/// Whether [`merge`] of what [`split`] gives is the same text again: all items stand right before the END they belong to.
pub(crate) fn is_normal(object: &CalendarObject) -> bool {
    object.components().all(|component| {
        let mut end = component.end_span.start;
        personal_ranges(component).iter().rev().all(|range| std::mem::replace(&mut end, range.start) == range.end)
    })
}

/// Puts items into a base: each before the END of its component; items of components that are gone are left out.
pub fn merge(base: &CalendarObject, items: &[PersonalItem]) -> String {
    if items.is_empty() {
        return base.text().to_owned();
    }
    let mut by_component: HashMap<Option<&str>, String> = HashMap::new();
    for item in items {
        by_component.entry(item.recurrence_id.as_deref()).or_default().push_str(&item.text);
    }
    let components: Vec<_> = base.components().map(|component| (base.recurrence_id(component), component)).collect();
    let mut edits = Vec::new();
    for (recurrence_id, component) in &components {
        if let Some(text) = by_component.remove(&recurrence_id.as_ref().map(|id| id.0.as_str())) {
            edits.push(TextEdit::insert(component.end_span.start, text));
        }
    }
    apply(base.text(), edits)
}

/// Whether two bases differ in nothing but DTSTAMP, LAST-MODIFIED and SEQUENCE. Personal items, folding and the order of
/// the properties of one component make no difference: the person who wrote them so gets his own bytes back.
pub fn same_but_stamps(old: &CalendarObject, new: &CalendarObject) -> bool {
    content(old, is_stamp) == content(new, is_stamp)
}

/// The same, but CLASS and UID make no difference either: they are decided elsewhere.
pub(crate) fn same_content(old: &CalendarObject, new: &CalendarObject) -> bool {
    let passed_over = |name: &str| is_stamp(name) || matches!(name, "CLASS" | "UID");
    content(old, passed_over) == content(new, passed_over)
}

fn is_stamp(name: &str) -> bool {
    matches!(name, "DTSTAMP" | "LAST-MODIFIED" | "SEQUENCE")
}

/// A step through a component tree in a canonical order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step<'a> {
    Begin(&'a str),
    Line(&'a str, Vec<(&'a str, &'a [String])>, &'a str),
    End,
}

/// All that stands in an object but lines whose name is passed over and personal items: one list per component, the
/// VCALENDAR's own lines first, each list and the list of lists in an order that does not depend on the text's.
fn content(object: &CalendarObject, passed_over: impl Fn(&str) -> bool) -> Vec<Vec<Step<'_>>> {
    let calendar = object.calendar();
    let mut all: Vec<_> = calendar.components.iter().map(|component| steps(component, &passed_over)).collect();
    all.sort_unstable();
    all.insert(0, sorted_lines(&calendar.lines, |_| true));
    all
}

/// The steps of one component of the VCALENDAR. Not recursive: its depth is the client's choice.
fn steps<'a>(component: &'a Component, passed_over: &impl Fn(&str) -> bool) -> Vec<Step<'a>> {
    let mut steps = vec![Step::Begin(&component.name)];
    steps.extend(sorted_lines(&component.lines, |name| !passed_over(name) && !is_personal_property(name)));
    let shared = |component: &'a Component| component.components.iter().filter(|sub| !is_personal_component(&sub.name));
    let mut open = vec![shared(component)];
    while let Some(level) = open.last_mut() {
        match level.next() {
            Some(sub) => {
                steps.push(Step::Begin(&sub.name));
                steps.extend(sorted_lines(&sub.lines, |_| true));
                open.push(shared(sub));
            }
            None => {
                steps.push(Step::End);
                open.pop();
            }
        }
    }
    steps
}

fn sorted_lines<'a>(lines: &'a [ContentLine], keep: impl Fn(&str) -> bool) -> Vec<Step<'a>> {
    let mut sorted: Vec<_> = lines.iter().filter(|line| keep(&line.name)).map(step_of_line).collect();
    sorted.sort_unstable();
    sorted
}

fn step_of_line(line: &ContentLine) -> Step<'_> {
    let parameters = line.parameters.iter().map(|parameter| (parameter.name.as_str(), parameter.values.as_slice())).collect();
    Step::Line(&line.name, parameters, &line.value)
}

#[cfg(test)]
mod tests;
