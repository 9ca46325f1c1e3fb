//! Splitting a calendar stream into calendar objects, for import: one for each UID, with the VTIMEZONEs it needs.
//!
//! Parts are made by copying the original bytes of whole lines; nothing is printed anew, and METHOD is left out. Each part
//! passes [`CalendarObject::parse`] or is reported with the reason why not.

use crate::calendar_object::{CalendarObject, ComponentKind, InvalidObject};
use crate::content_line::{Component, ParseLimits, parse_stream, unescape_text};
use crate::object_check::{malformed, utf8};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Bytes of all parts together, in multiples of the stream's: every part repeats its time zones.
const PARTS_BYTES_FACTOR: usize = 16;
/// Bytes of all parts together that any stream may have.
const PARTS_BYTES_FREE: usize = 64 << 20;

/// A calendar stream (RFC 5545 §3.4), read and sorted by UID.
#[derive(Debug)]
pub struct CalendarStream {
    text: String,
    calendars: Vec<Component>,
    groups: Vec<Group>,
}

/// The components of one kind and UID: indices of their calendar, then of themselves in it.
#[derive(Debug)]
struct Group {
    uid: Option<String>,
    line: usize,
    members: Vec<(usize, usize)>,
}

/// What became of the components with one UID.
#[derive(Debug)]
pub struct Part {
    /// The UID, if there is one.
    pub uid: Option<String>,
    /// Physical line of the stream on which the first of its components begins, 1-based.
    pub line: usize,
    /// The object, or why it is none; a line number in there is one of the part.
    pub object: Result<CalendarObject, InvalidObject>,
}

impl CalendarStream {
    /// Reads a stream of one or more VCALENDAR. `limits` bound the stream as a whole.
    pub fn parse(bytes: &[u8], limits: &ParseLimits) -> Result<Self, InvalidObject> {
        if bytes.len() > limits.bytes_max {
            return Err(InvalidObject::TooLarge);
        }
        let text = utf8(bytes)?;
        let calendars = parse_stream(text, limits).map_err(|error| malformed(text, &error))?;
        if calendars.is_empty() || calendars.iter().any(|calendar| calendar.name != "VCALENDAR") {
            return Err(InvalidObject::NotCalendarData("no BEGIN:VCALENDAR"));
        }
        let groups = group(text, &calendars);
        Ok(Self { text: text.to_owned(), calendars, groups })
    }

    /// How many parts there are.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Whether the stream has no component at all.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The properties of the first VCALENDAR, such as a name for the calendar.
    pub fn calendar(&self) -> Option<&Component> {
        self.calendars.first()
    }

    /// The parts in the order of the stream, each made when asked for. `limits` bound each of them.
    pub fn parts<'a>(&'a self, limits: &'a ParseLimits) -> impl Iterator<Item = Part> + 'a {
        let mut bytes_left = self.text.len().saturating_mul(PARTS_BYTES_FACTOR).saturating_add(PARTS_BYTES_FREE);
        self.groups.iter().map(move |group| {
            let object = self.part_text(group, limits.bytes_max.min(bytes_left)).and_then(|text| {
                bytes_left = bytes_left.saturating_sub(text.len());
                CalendarObject::parse(text.as_bytes(), limits)
            });
            Part { uid: group.uid.clone(), line: group.line, object }
        })
    }

    /// The VCALENDAR that holds the components of `group`, copied from the stream.
    fn part_text(&self, group: &Group, bytes_max: usize) -> Result<String, InvalidObject> {
        let members = || group.members.iter().filter_map(|(calendar, member)| self.calendars.get(*calendar)?.components.get(*member));
        let first = group.members.first().and_then(|(calendar, _)| self.calendars.get(*calendar));
        let calendar = first.ok_or(InvalidObject::InvalidResource("no component"))?;
        let begin = calendar.lines.first().map_or(calendar.end_span.start, |line| line.span.start);
        let begin = calendar.components.first().map_or(begin, |component| begin.min(component.span.start));
        let mut spans: Vec<Range<usize>> = Vec::new();
        spans.push(calendar.span.start..begin);
        spans.extend(calendar.lines.iter().filter(|line| line.name != "METHOD").map(|line| line.span.clone()));
        spans.extend(self.zone_spans(group)?);
        spans.extend(members().map(|component| component.span.clone()));
        spans.push(calendar.end_span.clone());
        if spans.iter().map(Range::len).sum::<usize>() > bytes_max {
            return Err(InvalidObject::TooLarge);
        }
        Ok(spans.into_iter().filter_map(|span| self.text.get(span)).collect())
    }

    /// Where the VTIMEZONEs stand that the components of `group` refer to.
    fn zone_spans(&self, group: &Group) -> Result<Vec<Range<usize>>, InvalidObject> {
        let mut found: Vec<(&str, Range<usize>)> = Vec::new();
        for (calendar, member) in &group.members {
            let Some(calendar) = self.calendars.get(*calendar) else { continue };
            let Some(component) = calendar.components.get(*member) else { continue };
            let tzids = tzids(component);
            let mut seen = HashSet::new();
            for zone in calendar.components.iter().filter(|component| component.name == "VTIMEZONE") {
                let Some(tzid) = zone.line("TZID").map(|line| line.value.as_str()) else { continue };
                let is_used = tzids.contains(tzid) || tzids.contains(unescape_text(tzid).as_str());
                // Of two definitions in one calendar the first stands, as in a calendar object.
                if !is_used || !seen.insert(tzid) {
                    continue;
                }
                match found.iter().find(|(known, _)| *known == tzid) {
                    None => found.push((tzid, zone.span.clone())),
                    Some((_, span)) if *span == zone.span || self.text.get(span.clone()) == self.text.get(zone.span.clone()) => {}
                    Some(_) => return Err(InvalidObject::InvalidResource("two definitions of one time zone")),
                }
            }
        }
        Ok(found.into_iter().map(|(_, span)| span).collect())
    }
}

/// The TZID parameters anywhere in a component.
fn tzids(component: &Component) -> HashSet<&str> {
    let mut tzids = HashSet::new();
    let mut components = vec![component];
    while let Some(component) = components.pop() {
        tzids.extend(component.lines.iter().filter_map(|line| line.parameter("TZID")));
        components.extend(&component.components);
    }
    tzids
}

/// Sorts the components by kind and UID, in the order in which each first appears. One without UID stands alone.
fn group(text: &str, calendars: &[Component]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut known: HashMap<(&str, String), usize> = HashMap::new();
    let (mut line, mut position) = (1, 0);
    for (calendar_index, calendar) in calendars.iter().enumerate() {
        for (index, component) in calendar.components.iter().enumerate() {
            if component.name == "VTIMEZONE" {
                continue;
            }
            let passed = text.as_bytes().get(position..component.span.start).unwrap_or_default();
            line += passed.iter().filter(|byte| **byte == b'\n').count();
            position = component.span.start;
            let uid = component.line("UID").map(|line| unescape_text(&line.value));
            let member = (calendar_index, index);
            let is_known_kind = ComponentKind::from_name(&component.name).is_some();
            let place = uid.clone().filter(|_| is_known_kind).map(|uid| (component.name.as_str(), uid));
            match place.as_ref().and_then(|place| known.get(place)).and_then(|index| groups.get_mut(*index)) {
                Some(group) => group.members.push(member),
                None => {
                    known.extend(place.map(|place| (place, groups.len())));
                    groups.push(Group { uid, line, members: vec![member] });
                }
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests;
