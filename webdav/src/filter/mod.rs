//! The filter of a calendar-query (RFC 4791 §9.7) as a pure type: what it is, what it can rule out by a row alone.
//!
//! [`read`] makes it from XML, [`matching`] holds it against a calendar object. It sees only what it is handed, which is
//! always a projection.

pub mod collation;
pub mod matching;
pub mod read;
#[cfg(test)]
mod tests;

pub use collation::Collation;
pub use matching::Evaluation;

use ical::{ComponentKind, TimeRange};

/// `CALDAV:filter`: a comp-filter for the VCALENDAR itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// Its name is `VCALENDAR`.
    pub calendar: CompFilter,
}

/// `CALDAV:comp-filter` (RFC 4791 §9.7.1).
#[derive(Clone, Debug, PartialEq)]
pub struct CompFilter {
    /// Component name in upper case.
    pub name: String,
    /// What is asked of it.
    pub condition: CompCondition,
}

/// What a comp-filter asks.
#[derive(Clone, Debug, PartialEq)]
pub enum CompCondition {
    /// No such component stands in the scope.
    NotDefined,
    /// One such component meets all of these.
    Defined {
        /// An instance overlaps it (RFC 4791 §9.9).
        time_range: Option<TimeRange>,
        /// Each is met by a property of the component.
        properties: Vec<PropFilter>,
        /// Each is met within the component.
        components: Vec<CompFilter>,
    },
}

/// `CALDAV:prop-filter` (RFC 4791 §9.7.2).
#[derive(Clone, Debug, PartialEq)]
pub struct PropFilter {
    /// Property name in upper case.
    pub name: String,
    /// What is asked of it.
    pub condition: PropCondition,
}

/// What a prop-filter asks.
#[derive(Clone, Debug, PartialEq)]
pub enum PropCondition {
    /// The component has no such property.
    NotDefined,
    /// One such property meets all of these.
    Defined {
        /// Of its value.
        value: Option<ValueTest>,
        /// Of its parameters.
        parameters: Vec<ParamFilter>,
    },
}

/// A test of a property's value.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueTest {
    /// The date or time lies in the range (RFC 4791 §9.9).
    TimeRange(TimeRange),
    /// The text contains another.
    Text(TextMatch),
}

/// `CALDAV:param-filter` (RFC 4791 §9.7.3).
#[derive(Clone, Debug, PartialEq)]
pub struct ParamFilter {
    /// Parameter name in upper case.
    pub name: String,
    /// What is asked of it.
    pub condition: ParamCondition,
}

/// What a param-filter asks.
#[derive(Clone, Debug, PartialEq)]
pub enum ParamCondition {
    /// The property has no such parameter.
    NotDefined,
    /// It has one, and its value matches.
    Defined(Option<TextMatch>),
}

/// `CALDAV:text-match` (RFC 4791 §9.7.5).
#[derive(Clone, Debug, PartialEq)]
pub struct TextMatch {
    /// What to look for, in the collation's form; white space counts.
    text: String,
    collation: Collation,
    sense: Sense,
}

/// `negate-condition`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sense {
    /// Matches where the text is found.
    Contains,
    /// Matches where it is not (`negate-condition="yes"`).
    Lacks,
}

impl TextMatch {
    /// A match of `text`.
    pub fn new(text: &str, collation: Collation, sense: Sense) -> Self {
        Self { text: collation.canonical(text).into_owned(), collation, sense }
    }
    /// Whether a property or parameter with these values matches.
    pub fn matches<'a>(&self, values: impl IntoIterator<Item = &'a str>) -> bool {
        let found = values.into_iter().any(|value| self.collation.canonical(value).contains(&self.text));
        match self.sense {
            Sense::Contains => found,
            Sense::Lacks => !found,
        }
    }
}

impl Filter {
    /// Whether an object of this kind and span may match; `false` is certain. For listing without loading bodies.
    pub fn may_match(&self, kind: Option<ComponentKind>, span: &TimeRange) -> bool {
        let Some(kind) = kind else { return false };
        let CompCondition::Defined { components, .. } = &self.calendar.condition else { return false };
        components.iter().all(|filter| match &filter.condition {
            CompCondition::NotDefined => filter.name != kind.name(),
            CompCondition::Defined { time_range, .. } => {
                let other_kind = ComponentKind::from_name(&filter.name).is_some_and(|named| named != kind);
                !other_kind && (filter.name != kind.name() || time_range.is_none_or(|range| touches(&range, span)))
            }
        })
    }
}

impl Filter {
    /// A range that the span of every object that may match overlaps or meets.
    pub fn within(&self) -> Option<TimeRange> {
        let CompCondition::Defined { components, .. } = &self.calendar.condition else { return None };
        components.iter().find_map(|filter| match &filter.condition {
            // Of another kind no object has such a component, and of this one it must be in time.
            CompCondition::Defined { time_range, .. } => time_range.filter(|_| ComponentKind::from_name(&filter.name).is_some()),
            CompCondition::NotDefined => None,
        })
    }

    /// Whether every object of this kind matches, whatever stands in it.
    pub fn matches_all_of(&self, kind: ComponentKind) -> bool {
        let CompCondition::Defined { time_range: None, properties, components } = &self.calendar.condition else { return false };
        properties.is_empty()
            && components.iter().all(|filter| match &filter.condition {
                CompCondition::NotDefined => ComponentKind::from_name(&filter.name).is_some_and(|named| named != kind),
                CompCondition::Defined { time_range, properties, components } => {
                    filter.name == kind.name() && time_range.is_none() && properties.is_empty() && components.is_empty()
                }
            })
    }
}

impl Filter {
    /// The range, if an event matches whenever an instance of it overlaps one, and else not.
    pub fn only_events_in(&self) -> Option<TimeRange> {
        let CompCondition::Defined { time_range: None, properties, components } = &self.calendar.condition else { return None };
        let ([], [filter]) = (properties.as_slice(), components.as_slice()) else { return None };
        let CompCondition::Defined { time_range, properties, components } = &filter.condition else { return None };
        let is_plain = filter.name == ComponentKind::Event.name() && properties.is_empty() && components.is_empty();
        time_range.filter(|_| is_plain)
    }
}

impl CompFilter {
    /// Every time range in it and below, for checking them against the calendar's bounds. Recursion is bounded by the depth
    /// of the XML it was read from.
    pub fn time_ranges(&self) -> Vec<TimeRange> {
        let CompCondition::Defined { time_range, properties, components } = &self.condition else { return Vec::new() };
        let of_properties = properties.iter().filter_map(|filter| match &filter.condition {
            PropCondition::Defined { value: Some(ValueTest::TimeRange(range)), .. } => Some(*range),
            _ => None,
        });
        let below = components.iter().flat_map(Self::time_ranges);
        time_range.iter().copied().chain(of_properties).chain(below).collect()
    }
}

/// Whether two ranges overlap or meet: the tables of RFC 4791 §9.9 count some meetings as overlaps.
fn touches(range: &TimeRange, span: &TimeRange) -> bool {
    let begins_in_time = match (range.end, span.start) {
        (Some(end), Some(start)) => start <= end,
        _ => true,
    };
    let ends_in_time = match (range.start, span.end) {
        (Some(start), Some(end)) => start <= end,
        _ => true,
    };
    begins_in_time && ends_in_time
}
