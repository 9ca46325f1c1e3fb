//! A visible object put aside: how it looked, so that it can be had again without being projected again.
//!
//! Whoever keeps one keeps it for the viewer, object and state it was made of, and says which text is stored now. Nothing is
//! shown here that `project` did not show.

use super::{Content, Identity, ObjectRights, VisibleObject};
use crate::level::Visibility;
use ical::{CalendarObject, ComponentKind, ParseLimits, TimeRange};
use std::sync::{Arc, OnceLock};

/// See the module.
#[derive(Clone, Debug)]
pub struct Recalled {
    name: Box<str>,
    etag: Box<str>,
    identity: Identity,
    least: Visibility,
    rights: ObjectRights,
    verbatim: bool,
    kind: ComponentKind,
    span: TimeRange,
    text: Text,
}

#[derive(Clone, Debug)]
enum Text {
    /// The stored text, byte for byte, which has so many.
    AsStored(usize),
    Own(Arc<str>),
}

/// A text that is known to parse, parsed when asked for.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) text: Arc<str>,
    pub(super) kind: ComponentKind,
    pub(super) span: TimeRange,
    parsed: OnceLock<Option<CalendarObject>>,
}

impl Known {
    pub(super) fn calendar(&self) -> Option<&CalendarObject> {
        let usual = ParseLimits::default();
        // What was stored while objects might be larger was read all the same.
        let limits = ParseLimits { bytes_max: usual.bytes_max.max(self.text.len()), ..usual };
        self.parsed.get_or_init(|| CalendarObject::parse(self.text.as_bytes(), &limits).ok()).as_ref()
    }
}

impl Recalled {
    /// Of what was just projected of an object whose stored text is this. `None` for what could not be parsed.
    pub fn of(visible: &VisibleObject, stored: &str) -> Option<Self> {
        let calendar = visible.calendar()?;
        let text = match calendar.text() == stored {
            true => Text::AsStored(stored.len()),
            false => Text::Own(calendar.text().into()),
        };
        Some(Self {
            name: visible.name.as_str().into(),
            etag: visible.etag.as_str().into(),
            identity: visible.identity,
            least: visible.least,
            rights: visible.rights,
            verbatim: visible.verbatim,
            kind: calendar.kind(),
            span: calendar.span(),
            text,
        })
    }

    /// Whether the stored text is needed to have the object again.
    pub fn is_as_stored(&self) -> bool {
        matches!(self.text, Text::AsStored(_))
    }

    /// Bytes of memory behind it.
    pub fn heap_bytes(&self) -> usize {
        let own = match &self.text {
            Text::AsStored(_) => 0,
            Text::Own(text) => text.len(),
        };
        self.name.len() + self.etag.len() + own
    }

    /// The object again; `stored` is read only if that is what it shows. `None` if that is not the text it was.
    ///
    /// # Errors
    /// What reading the text gives.
    pub fn visible<E>(&self, stored: impl FnOnce() -> Result<String, E>) -> Result<Option<VisibleObject>, E> {
        let text = match &self.text {
            Text::Own(text) => text.clone(),
            Text::AsStored(bytes) => {
                let text = stored()?;
                if text.len() != *bytes {
                    return Ok(None);
                }
                text.into()
            }
        };
        let known = Known { text, kind: self.kind, span: self.span, parsed: OnceLock::new() };
        Ok(Some(VisibleObject {
            name: self.name.as_ref().to_owned(),
            identity: self.identity,
            content: Content::Known(known),
            least: self.least,
            rights: self.rights,
            etag: self.etag.as_ref().to_owned(),
            verbatim: self.verbatim,
        }))
    }
}
