//! Reading `CALDAV:filter` from XML and checking it (RFC 4791 §7.8, §9.7): what cannot mean anything is refused by
//! `valid-filter`, what we do not evaluate by `supported-filter`, an unknown collation by `supported-collation`.

use super::{
    Collation, CompCondition, CompFilter, Filter, ParamCondition, ParamFilter, PropCondition, PropFilter, Sense, TextMatch, ValueTest,
};
use crate::xml::Element;
use chrono::{DateTime, Utc};
use ical::TimeRange;
use ical::date_time::parse_utc;

/// Why a filter is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It means nothing. Use with: 403 `CALDAV:valid-filter`.
    Invalid,
    /// It asks for something this server does not evaluate. Use with: 403 `CALDAV:supported-filter`, which holds the element.
    Unsupported(Unsupported),
    /// Use with: 403 `CALDAV:supported-collation`.
    Collation,
}

/// The filter element that is not supported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsupported {
    /// A comp-filter with this name.
    Component(String),
    /// A prop-filter with this name.
    Property(String),
}

/// Components whose place is known: inside which others they may stand (RFC 5545 §3.6, RFC 7953 §3.1, RFC 9073 §7).
const PLACES: &[(&str, &[&str])] = &[
    ("VEVENT", &["VCALENDAR"]),
    ("VTODO", &["VCALENDAR"]),
    ("VJOURNAL", &["VCALENDAR"]),
    ("VFREEBUSY", &["VCALENDAR"]),
    ("VTIMEZONE", &["VCALENDAR"]),
    ("VAVAILABILITY", &["VCALENDAR"]),
    ("VALARM", &["VEVENT", "VTODO"]),
    ("AVAILABLE", &["VAVAILABILITY"]),
    ("STANDARD", &["VTIMEZONE"]),
    ("DAYLIGHT", &["VTIMEZONE"]),
    ("PARTICIPANT", &["VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY"]),
    ("VLOCATION", &["VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "PARTICIPANT"]),
    ("VRESOURCE", &["VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "PARTICIPANT"]),
];

/// Components for which RFC 4791 §9.9 and RFC 7953 define what a time-range means.
const TIMED_COMPONENTS: &[&str] = &["VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VALARM", "VAVAILABILITY"];
/// Properties for which RFC 4791 §9.9 does.
const TIMED_PROPERTIES: &[&str] = &["COMPLETED", "CREATED", "DTEND", "DTSTAMP", "DTSTART", "DUE", "LAST-MODIFIED"];

/// Conditions of one filter: clients ask for a dozen, and each costs work for every object.
const CONDITIONS_MAX: usize = 200;

/// Reads the `CALDAV:filter` element.
///
/// # Errors
/// With the precondition that fails.
pub fn filter(element: &Element) -> Result<Filter, Refusal> {
    let mut children = element.children().filter(|child| child.name.is_caldav("comp-filter"));
    let (Some(only), None) = (children.next(), children.next()) else { return Err(Refusal::Invalid) };
    if descendants(only) > CONDITIONS_MAX {
        return Err(Refusal::Invalid);
    }
    let calendar = comp_filter(only, None)?;
    if calendar.name != "VCALENDAR" {
        return Err(Refusal::Invalid);
    }
    Ok(Filter { calendar })
}

/// Elements below this one. Recursion is bounded by the depth of the XML.
fn descendants(element: &Element) -> usize {
    element.children().map(|child| 1 + descendants(child)).sum()
}

/// Reads a `CALDAV:time-range` (RFC 4791 §9.9), or another element with the same attributes: UTC, at least one end given, the
/// end after the start. `None` where it is none.
pub fn time_range(element: &Element) -> Option<TimeRange> {
    let end_of = |name: &str| -> Option<Option<DateTime<Utc>>> {
        match element.attribute(name) {
            Some(value) => parse_utc(value.trim()).map(Some),
            None => Some(None),
        }
    };
    let range = TimeRange { start: end_of("start")?, end: end_of("end")? };
    match (range.start, range.end) {
        (None, None) => None,
        (Some(start), Some(end)) if end <= start => None,
        _ => Some(range),
    }
}

/// The children a filter element may have, by name; others are ignored (RFC 4918 §17).
#[derive(Default)]
struct Parts<'a> {
    not_defined: bool,
    time_range: Option<TimeRange>,
    text_match: Option<TextMatch>,
    components: Vec<&'a Element>,
    properties: Vec<&'a Element>,
    parameters: Vec<&'a Element>,
}

impl<'a> Parts<'a> {
    fn of(element: &'a Element) -> Result<Self, Refusal> {
        let mut parts = Self::default();
        let mut conditions = 0_usize;
        for child in element.children().filter(|child| child.name.namespace == crate::xml::name::CALDAV) {
            conditions += 1;
            match child.name.local.as_ref() {
                "is-not-defined" => parts.not_defined = true,
                "time-range" if parts.time_range.is_none() => parts.time_range = Some(time_range(child).ok_or(Refusal::Invalid)?),
                "text-match" if parts.text_match.is_none() => parts.text_match = Some(text_match(child)?),
                "time-range" | "text-match" => return Err(Refusal::Invalid),
                "comp-filter" => parts.components.push(child),
                "prop-filter" => parts.properties.push(child),
                "param-filter" => parts.parameters.push(child),
                _ => conditions -= 1,
            }
        }
        if parts.not_defined && conditions > 1 { Err(Refusal::Invalid) } else { Ok(parts) }
    }
}

fn name_of(element: &Element) -> Result<String, Refusal> {
    let name = element.attribute("name").map(str::trim).unwrap_or_default();
    if name.is_empty() { Err(Refusal::Invalid) } else { Ok(name.to_ascii_uppercase()) }
}

/// Recursion is bounded by the depth of the XML.
fn comp_filter(element: &Element, parent: Option<&str>) -> Result<CompFilter, Refusal> {
    let name = name_of(element)?;
    let known = PLACES.iter().find(|(known, _)| *known == name);
    let parent_is_known = parent.is_some_and(|parent| parent == "VCALENDAR" || PLACES.iter().any(|(known, _)| *known == parent));
    let misplaced = match (known, parent) {
        (Some((_, places)), Some(parent)) => parent_is_known && !places.contains(&parent),
        // Neither of these holds anything (RFC 5545 §3.6.5, §3.6.6), but what is known to be an exception.
        (None, Some("VALARM" | "STANDARD" | "DAYLIGHT")) => true,
        _ => name == "VCALENDAR" && parent.is_some(),
    };
    if misplaced {
        return Err(Refusal::Invalid);
    }
    let parts = Parts::of(element)?;
    if parts.text_match.is_some() || !parts.parameters.is_empty() {
        return Err(Refusal::Invalid);
    }
    if parts.time_range.is_some() && !TIMED_COMPONENTS.contains(&name.as_str()) {
        let defined_elsewhere = known.is_some() || name == "VCALENDAR";
        return Err(if defined_elsewhere { Refusal::Invalid } else { Refusal::Unsupported(Unsupported::Component(name)) });
    }
    let condition = if parts.not_defined {
        CompCondition::NotDefined
    } else {
        CompCondition::Defined {
            time_range: parts.time_range,
            properties: parts.properties.into_iter().map(prop_filter).collect::<Result<_, _>>()?,
            components: parts.components.into_iter().map(|child| comp_filter(child, Some(&name))).collect::<Result<_, _>>()?,
        }
    };
    Ok(CompFilter { name, condition })
}

fn prop_filter(element: &Element) -> Result<PropFilter, Refusal> {
    let name = name_of(element)?;
    let parts = Parts::of(element)?;
    if !parts.components.is_empty() || !parts.properties.is_empty() {
        return Err(Refusal::Invalid);
    }
    let value = match (parts.time_range, parts.text_match) {
        (Some(_), Some(_)) => return Err(Refusal::Invalid),
        (Some(range), None) if TIMED_PROPERTIES.contains(&name.as_str()) => Some(ValueTest::TimeRange(range)),
        (Some(_), None) if name.starts_with("X-") => return Err(Refusal::Unsupported(Unsupported::Property(name))),
        (Some(_), None) => return Err(Refusal::Invalid),
        (None, text) => text.map(ValueTest::Text),
    };
    let condition = if parts.not_defined {
        PropCondition::NotDefined
    } else {
        PropCondition::Defined { value, parameters: parts.parameters.into_iter().map(param_filter).collect::<Result<_, _>>()? }
    };
    Ok(PropFilter { name, condition })
}

fn param_filter(element: &Element) -> Result<ParamFilter, Refusal> {
    let name = name_of(element)?;
    let parts = Parts::of(element)?;
    let misplaced = !parts.components.is_empty() || !parts.properties.is_empty() || !parts.parameters.is_empty();
    if misplaced || parts.time_range.is_some() {
        return Err(Refusal::Invalid);
    }
    let condition = if parts.not_defined { ParamCondition::NotDefined } else { ParamCondition::Defined(parts.text_match) };
    Ok(ParamFilter { name, condition })
}

fn text_match(element: &Element) -> Result<TextMatch, Refusal> {
    let collation = match element.attribute("collation") {
        Some(identifier) => Collation::from_identifier(identifier.trim()).ok_or(Refusal::Collation)?,
        None => Collation::default(),
    };
    let sense = match element.attribute("negate-condition").map(str::trim) {
        None | Some("no") => Sense::Contains,
        Some("yes") => Sense::Lacks,
        Some(_) => return Err(Refusal::Invalid),
    };
    Ok(TextMatch::new(&element.text(), collation, sense))
}
