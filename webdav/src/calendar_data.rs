//! `CALDAV:calendar-data` of a report's request (RFC 4791 §9.6): which parts of an object to return, and cutting them out.
//!
//! What is cut is the object as its viewer is shown it, so nothing can come out here that GET would not give. A line that is
//! kept is copied from the bytes it stands in.

use crate::condition::Condition;
use crate::error::{Error, Result};
use crate::filter::read::time_range;
use crate::header::ZoneDefinitions;
use crate::xml::Element;
use ical::content_line::{ParseLimits, parse};
use ical::expand::{expand, limit_freebusy_set, limit_recurrence_set};
use ical::write::push_line;
use ical::{CalendarObject, Component, ComponentKind, ContentLine, ExpansionLimits, TimeRange, Zone};
use std::borrow::Cow;

/// The one media type of calendar objects here, and its version.
const MEDIA_TYPE: &str = "text/calendar";
const VERSION: &str = "2.0";

/// What a request wants of each object's data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CalendarData {
    /// `None`: all components and properties.
    pub selection: Option<CompSelection>,
    /// What of the recurrence set.
    pub recurrence: Recurrence,
    /// Only FREEBUSY values that overlap this range (RFC 4791 §9.6.7).
    pub free_busy: Option<TimeRange>,
    /// With which definitions of time zones (RFC 7809 §3.1.3).
    pub definitions: ZoneDefinitions,
}

/// What is returned of a recurrence set.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Recurrence {
    /// Master and overrides as they are.
    #[default]
    Whole,
    /// One component for each instance that overlaps (RFC 4791 §9.6.5).
    Expanded(TimeRange),
    /// The master, and overrides that matter to the range (RFC 4791 §9.6.6).
    Limited(TimeRange),
}

/// `CALDAV:comp` (RFC 4791 §9.6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompSelection {
    /// Component name in upper case.
    pub name: String,
    /// Its properties.
    pub properties: PropSelection,
    /// `None`: all components within it, whole.
    pub components: Option<Vec<CompSelection>>,
}

/// Which properties of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PropSelection {
    /// All.
    All,
    /// Those named, in upper case.
    Named(Vec<(String, Value)>),
}

/// Whether a property comes with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// With it.
    Kept,
    /// Name, parameters and colon alone (`novalue="yes"`).
    Omitted,
}

impl CalendarData {
    /// Reads the element from a report's `DAV:prop`. A window longer than `window_years_max` is refused.
    ///
    /// # Errors
    /// `supported-calendar-data` for another media type, 400 for what breaks the grammar,
    /// `number-of-matches-within-limits` for a window too long.
    pub fn read(element: &Element, window_years_max: i64) -> Result<Self> {
        let media_type = element.attribute("content-type").unwrap_or(MEDIA_TYPE).split(';').next().unwrap_or_default().trim();
        let version = element.attribute("version").unwrap_or(VERSION).trim();
        if !media_type.eq_ignore_ascii_case(MEDIA_TYPE) || version != VERSION {
            return Err(Error::condition(Condition::SupportedCalendarData));
        }
        let closed = |child: Option<&Element>| child.map(|child| closed_range(child, window_years_max)).transpose();
        let selection = element.caldav("comp").map(CompSelection::read).transpose()?;
        if selection.as_ref().is_some_and(|selection| selection.name != "VCALENDAR") {
            return Err(Error::BadRequest("the outermost comp element must name VCALENDAR"));
        }
        let recurrence = match (closed(element.caldav("expand"))?, closed(element.caldav("limit-recurrence-set"))?) {
            (None, None) => Recurrence::Whole,
            (Some(range), None) => Recurrence::Expanded(range),
            (None, Some(range)) => Recurrence::Limited(range),
            (Some(_), Some(_)) => return Err(Error::BadRequest("expand and limit-recurrence-set exclude each other")),
        };
        let free_busy = closed(element.caldav("limit-freebusy-set"))?;
        Ok(Self { selection, recurrence, free_busy, definitions: ZoneDefinitions::AsStored })
    }

    /// Whether no part of an object is asked for rather than the whole.
    pub fn is_whole(&self) -> bool {
        Self { definitions: ZoneDefinitions::AsStored, ..self.clone() } == Self::default()
    }

    /// Whether the object is asked for byte for byte as it is shown.
    pub fn is_as_shown(&self) -> bool {
        *self == Self::default()
    }

    /// The time ranges it names, for checking them against the calendar's bounds.
    pub fn time_ranges(&self) -> impl Iterator<Item = TimeRange> {
        let recurrence = match self.recurrence {
            Recurrence::Whole => None,
            Recurrence::Expanded(range) | Recurrence::Limited(range) => Some(range),
        };
        recurrence.into_iter().chain(self.free_busy)
    }

    /// The data of one object as asked for: first the recurrence set or free/busy, then the selection. `None` where it was to
    /// be expanded and no instance overlaps the range, or where that takes more than the limits allow: one series too long
    /// must not make the others of a report unanswerable.
    pub fn of<'a>(&self, object: &'a CalendarObject, floating: &Zone, limits: &ExpansionLimits) -> Option<Cow<'a, str>> {
        let text = match (&self.free_busy, &self.recurrence) {
            // VFREEBUSY does not recur.
            (Some(range), _) if object.kind() == ComponentKind::FreeBusy => Cow::Owned(limit_freebusy_set(object, range)),
            (_, Recurrence::Whole) => self.definitions.apply(object),
            (_, Recurrence::Limited(range)) => Cow::Owned(self.with_definitions(limit_recurrence_set(object, range, floating))),
            (_, Recurrence::Expanded(range)) => Cow::Owned(expand(object, range, floating, limits).ok().flatten()?),
        };
        match &self.selection {
            None => Some(text),
            Some(selection) => Some(Cow::Owned(select(&text, selection))),
        }
    }
}

impl CalendarData {
    /// The definitions asked for, in what was cut out of an object.
    fn with_definitions(&self, text: String) -> String {
        if self.definitions == ZoneDefinitions::AsStored {
            return text;
        }
        match CalendarObject::parse(text.as_bytes(), &ParseLimits::default()) {
            Ok(object) => self.definitions.apply(&object).into_owned(),
            Err(_) => text,
        }
    }
}

/// `start` and `end` are both required where data is cut (RFC 4791 §9.6.5–9.6.7).
fn closed_range(element: &Element, window_years_max: i64) -> Result<TimeRange> {
    const MALFORMED: Error = Error::BadRequest("a time range needs a start and a later end in UTC");
    let range = time_range(element).ok_or(MALFORMED)?;
    let (Some(start), Some(end)) = (range.start, range.end) else { return Err(MALFORMED) };
    // A leap day every four years, and one day to spare.
    if end.signed_duration_since(start).num_days() > window_years_max.saturating_mul(366) {
        return Err(Error::condition(Condition::NumberOfMatchesWithinLimits));
    }
    Ok(range)
}

impl CompSelection {
    /// Recursion is bounded by the depth of the XML. An element with neither properties nor components takes the whole
    /// component, as in the example of RFC 4791 §7.8.1.
    fn read(element: &Element) -> Result<Self> {
        let name = name_of(element)?;
        let mut properties = Vec::new();
        let mut components = Vec::new();
        let (mut all_properties, mut all_components, mut empty) = (false, false, true);
        for child in element.children().filter(|child| child.name.namespace == crate::xml::name::CALDAV) {
            match child.name.local.as_ref() {
                "allprop" => all_properties = true,
                "allcomp" => all_components = true,
                "prop" => properties.push((name_of(child)?, value_of(child)?)),
                "comp" => components.push(Self::read(child)?),
                _ => continue,
            }
            empty = false;
        }
        Ok(Self {
            name,
            properties: if all_properties || empty { PropSelection::All } else { PropSelection::Named(properties) },
            components: (!all_components && !empty).then_some(components),
        })
    }
}

fn name_of(element: &Element) -> Result<String> {
    match element.attribute("name").map(str::trim) {
        Some(name) if !name.is_empty() => Ok(name.to_ascii_uppercase()),
        _ => Err(Error::BadRequest("an element of calendar-data lacks its name attribute")),
    }
}

fn value_of(element: &Element) -> Result<Value> {
    match element.attribute("novalue").map(str::trim) {
        None | Some("no") => Ok(Value::Kept),
        Some("yes") => Ok(Value::Omitted),
        Some(_) => Err(Error::BadRequest("novalue is yes or no")),
    }
}

/// Bounds of reading again what was bounded when it was made: an expansion has more components than any object that came in.
const READ_AGAIN: ParseLimits = ParseLimits {
    bytes_max: usize::MAX,
    lines_max: usize::MAX,
    line_bytes_max: usize::MAX,
    depth_max: 64,
    components_max: usize::MAX,
    parameters_max: usize::MAX,
    zones_max: usize::MAX,
};

/// Cuts the selection out of a text that is a VCALENDAR. What cannot be read again is cut to nothing.
fn select(text: &str, selection: &CompSelection) -> String {
    let mut out = String::new();
    if let Ok(calendar) = parse(text, &READ_AGAIN) {
        push_component(&mut out, text, &calendar, selection);
    }
    out
}

/// Recursion is bounded by the depth of components, which parsing limits.
fn push_component(out: &mut String, text: &str, component: &Component, selection: &CompSelection) {
    push_line(out, "BEGIN", &component.name);
    for line in &component.lines {
        let value = match &selection.properties {
            PropSelection::All => Some(Value::Kept),
            PropSelection::Named(named) => named.iter().find(|(name, _)| *name == line.name).map(|(_, value)| *value),
        };
        match value {
            Some(Value::Kept) => out.push_str(text.get(line.span.clone()).unwrap_or_default()),
            Some(Value::Omitted) => push_without_value(out, text, line),
            None => {}
        }
    }
    for child in &component.components {
        match &selection.components {
            None => out.push_str(text.get(child.span.clone()).unwrap_or_default()),
            Some(selected) => {
                if let Some(selection) = selected.iter().find(|selection| selection.name == child.name) {
                    push_component(out, text, child, selection);
                }
            }
        }
    }
    push_line(out, "END", &component.name);
}

/// The line's own name and parameters, unfolded from its bytes: the value is what stands behind them.
fn push_without_value(out: &mut String, text: &str, line: &ContentLine) {
    let raw = text.get(line.span.clone()).unwrap_or_default();
    let unfolded = raw.replace("\r\n ", "").replace("\r\n\t", "").replace("\n ", "").replace("\n\t", "");
    let head = unfolded.trim_end_matches(['\r', '\n']).strip_suffix(line.value.as_str()).and_then(|head| head.strip_suffix(':'));
    push_line(out, head.unwrap_or(&line.name), "");
}

#[cfg(test)]
#[path = "calendar_data_tests.rs"]
mod tests;
