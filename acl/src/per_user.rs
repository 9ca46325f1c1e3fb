//! What belongs to each person and not to the event: alarms and a table of properties, split off on writing and put back
//! on reading.

use ical::CalendarObject;
use serde::{Deserialize, Serialize};

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
    let _ = object;
    todo!()
}

/// Puts items into a base: each before the END of its component; items of components that are gone are left out.
pub fn merge(base: &CalendarObject, items: &[PersonalItem]) -> String {
    let _ = (base, items);
    todo!()
}

/// Whether two bases differ in nothing but DTSTAMP, LAST-MODIFIED and SEQUENCE.
pub fn same_but_stamps(old: &CalendarObject, new: &CalendarObject) -> bool {
    let _ = (old, new);
    todo!()
}
