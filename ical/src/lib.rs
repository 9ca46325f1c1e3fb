//! Reading iCalendar (RFC 5545): content lines with their original bytes, calendar objects as RFC 4791 §4.1 allows them,
//! recurrence, time zones and free/busy.
//!
//! Pure: no I/O, no clock, no async, and no policy. A line that is kept is never re-printed: what a client sent is copied
//! from its own bytes.

pub mod availability;
pub mod calendar_object;
pub mod content_line;
pub mod date_time;
pub mod expand;
pub mod free_busy;
#[cfg(feature = "testing")]
pub mod fuzz;
pub mod merge;
mod object_check;
pub mod recurrence;
pub mod rule_grammar;
pub mod shift;
mod span;
pub mod split;
pub mod time_zone;
pub mod write;
pub mod zone_definitions;

pub use calendar_object::{CalendarObject, ComponentKind, InvalidObject, RecurrenceId};
pub use content_line::{Component, ContentLine, Parameter, ParseLimits};
pub use date_time::{DateOrTime, TimeRange};
pub use recurrence::{ExpansionLimits, Instance};
pub use time_zone::Zone;
