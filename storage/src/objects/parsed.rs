//! Objects that were parsed in the course of one call, so that nothing is parsed twice: what is sent is stored, and what is
//! stored is shown to its writer. By their text, of which what was parsed is a function; never kept beyond the call.

use crate::error::Result;
use crate::limits::Limits;
use crate::objects::parse_stored;
use ical::CalendarObject;
use std::cell::RefCell;
use std::collections::VecDeque;

/// A write has what was sent, and that without its writer's personal items.
const OBJECTS_MAX: usize = 2;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    objects: RefCell<VecDeque<CalendarObject>>,
}

impl Parsed {
    /// Remembers one, in the place of an earlier one if there is no room.
    pub(crate) fn note(&self, object: &CalendarObject) {
        let mut objects = self.objects.borrow_mut();
        if objects.iter().any(|known| known.text() == object.text()) {
            return;
        }
        if objects.len() >= OBJECTS_MAX {
            objects.pop_front();
        }
        objects.push_back(object.clone());
    }
    /// The object of this text, if it was parsed.
    pub(crate) fn known(&self, text: &str) -> Option<CalendarObject> {
        self.objects.borrow().iter().find(|known| known.text() == text).cloned()
    }
    /// What was parsed of a UID and is not this text: perhaps the same with somebody's personal items. Whoever asks compares.
    pub(crate) fn other(&self, than: &CalendarObject) -> Option<CalendarObject> {
        self.objects.borrow().iter().find(|known| known.uid() == than.uid() && known.text() != than.text()).cloned()
    }
    /// A stored body, parsed now or before.
    pub(crate) fn stored(&self, text: &str, limits: &Limits) -> Result<CalendarObject> {
        self.known(text).map_or_else(|| parse_stored(text.as_bytes(), limits), Ok)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_text_is_known_by_every_byte_of_it_and_few_are() {
        let text = |uid: &str| {
            let event = format!("BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261102T120000Z\r\nDTSTART:20261102T120000Z\r\nEND:VEVENT\r\n");
            format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//\r\n{event}END:VCALENDAR\r\n")
        };
        let parsed = Parsed::default();
        for uid in ["a", "a", "b", "b", "c"] {
            parsed.note(&parse_stored(text(uid).as_bytes(), &Limits::default()).unwrap());
        }
        let is_known = |uid: &str| parsed.known(&text(uid)).map(|object| object.uid().to_owned());
        let b = parsed.known(&text("b")).unwrap();
        assert!(parsed.other(&b).is_none());
        parsed.note(&parse_stored(text("b").replace("DTSTAMP:2026", "DTSTAMP:2027").as_bytes(), &Limits::default()).unwrap());
        parsed.note(&b);
        assert!(parsed.other(&b).unwrap().text().contains("DTSTAMP:2027"));
        parsed.note(&parse_stored(text("c").as_bytes(), &Limits::default()).unwrap());
        assert_eq!(["a", "b", "c", "B"].map(is_known), [None, Some("b".into()), Some("c".into()), None]);
        assert_eq!(parsed.stored(&text("a"), &Limits::default()).unwrap().uid(), "a");
        assert!(parsed.stored("b", &Limits::default()).is_err());
    }
}
