//! Import and export of a calendar as one iCalendar text: several objects, several UIDs.

use super::{Administration, Imported};
use crate::error::{Error, Limit, Result};
use crate::objects;
use acl::project::PROD_ID;
use ical::merge::{Merge, Place};
use ical::split::CalendarStream;
use ical::{InvalidObject, ParseLimits};
use serde::{Deserialize, Serialize};

/// A calendar of many years as one file fits.
const STREAM_BYTES_MAX: usize = 256 << 20;

/// What came of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// New objects.
    pub created: usize,
    /// Objects whose UID was there and that differed.
    pub replaced: usize,
    /// Objects that were there alike.
    pub unchanged: usize,
    /// Objects that were left out.
    pub refused: Vec<RefusedObject>,
}

/// One object that was left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefusedObject {
    /// The CalDAV precondition it breaks, e.g. `valid-calendar-data`.
    pub condition: &'static str,
    /// What is wrong; quotes nothing of the text.
    pub reason: String,
}

impl RefusedObject {
    /// From why a body cannot be a calendar object resource.
    pub fn invalid(error: &InvalidObject) -> Self {
        Self { condition: condition(error), reason: error.to_string() }
    }
    fn from_store(error: &Error) -> Self {
        let condition = match error {
            Error::ComponentNotSupported => "supported-calendar-component",
            Error::LimitExceeded(Limit::ObjectBytes) => "max-resource-size",
            Error::LimitExceeded(Limit::Instances) | Error::TooManyInstances => "max-instances",
            Error::LimitExceeded(Limit::Attendees) => "max-attendees-per-instance",
            Error::LimitExceeded(Limit::Earliest) => "min-date-time",
            Error::LimitExceeded(Limit::Latest) => "max-date-time",
            _ => "refused",
        };
        Self { condition, reason: error.to_string() }
    }
}

/// The precondition of RFC 4791 §5.3.2.1 that an invalid object breaks.
pub fn condition(error: &InvalidObject) -> &'static str {
    match error {
        InvalidObject::NotCalendarData(_) => "supported-calendar-data",
        InvalidObject::InvalidData { .. } => "valid-calendar-data",
        InvalidObject::UnknownTimeZone { .. } => "valid-timezone",
        InvalidObject::InvalidResource(_) => "valid-calendar-object-resource",
        InvalidObject::UnsupportedComponent => "supported-calendar-component",
        InvalidObject::TooLarge => "max-resource-size",
        InvalidObject::TooManyInstances => "max-instances",
    }
}

/// A calendar as one text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedText {
    /// iCalendar.
    pub text: String,
    /// How many objects are in it.
    pub objects: usize,
    /// How many are not, because they cannot be read any more; `check` names them.
    pub unreadable: usize,
}

impl Administration {
    /// A calendar as its owner gets it, one text; CLASS says the recorded privacy.
    pub fn export_text(&self, owner: &str, calendar: &str) -> Result<ExportedText> {
        let (mut text, mut apart) = (String::new(), String::new());
        let mut merge = Merge::begin(PROD_ID, &mut text);
        let (mut objects, mut unreadable) = (0, 0);
        for (_, bytes) in self.export(owner, calendar)? {
            match objects::parse_stored(&bytes, self.store.limits()) {
                Ok(object) => {
                    if merge.push(&object, &mut text) == Place::Apart {
                        Merge::write_apart(&object, &mut apart);
                    }
                    objects += 1;
                }
                Err(_) => unreadable += 1,
            }
        }
        merge.end(&mut text);
        text.push_str(&apart);
        Ok(ExportedText { text, objects, unreadable })
    }

    /// Imports every object of a text into a calendar, as its owner would; one commit.
    pub fn import_text(&self, owner: &str, calendar: &str, text: &str) -> Result<ImportReport> {
        let mut report = ImportReport::default();
        let stream_limits =
            ParseLimits { bytes_max: STREAM_BYTES_MAX, lines_max: usize::MAX, components_max: usize::MAX, ..ParseLimits::default() };
        let stream = match CalendarStream::parse(text.as_bytes(), &stream_limits) {
            Ok(stream) => stream,
            Err(error) => {
                report.refused.push(RefusedObject::invalid(&error));
                return Ok(report);
            }
        };
        let mut objects = Vec::new();
        for part in stream.parts(&ParseLimits::default()) {
            match part.object {
                Ok(object) => objects.push(object),
                Err(error) => report.refused.push(RefusedObject::invalid(&error)),
            }
        }
        for result in self.import(owner, calendar, &objects)? {
            match result {
                Ok(Imported::Created) => report.created += 1,
                Ok(Imported::Replaced) => report.replaced += 1,
                Ok(Imported::Unchanged) => report.unchanged += 1,
                Err(error) => report.refused.push(RefusedObject::from_store(&error)),
            }
        }
        Ok(report)
    }
}
