//! A visible object put aside: how it looked, so that it can be had again without being projected again.
//!
//! Whoever keeps one keeps it for the viewer, object and state it was made of. Nothing is shown here that `project` did not show.

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
    text: Arc<str>,
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

/// What is told of a projected object beside its text, for having it again with the text that it showed.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// See [`VisibleObject::name`].
    pub name: &'a str,
    /// See [`VisibleObject::etag`].
    pub etag: &'a str,
    /// See [`VisibleObject::identity`].
    pub identity: Identity,
    /// See [`VisibleObject::least_visibility`].
    pub least: Visibility,
    /// See [`VisibleObject::rights`].
    pub rights: ObjectRights,
    /// See [`VisibleObject::is_verbatim`].
    pub verbatim: bool,
    /// See [`VisibleObject::kind`].
    pub kind: ComponentKind,
    /// See [`VisibleObject::span`].
    pub span: TimeRange,
}

impl Told<'_> {
    /// The object again. The text is the one it showed, which whoever asks knows by where it stands.
    pub fn with_text(&self, text: impl Into<Arc<str>>) -> VisibleObject {
        let known = Known { text: text.into(), kind: self.kind, span: self.span, parsed: OnceLock::new() };
        VisibleObject {
            name: self.name.to_owned(),
            identity: self.identity,
            content: Content::Known(known),
            least: self.least,
            rights: self.rights,
            etag: self.etag.to_owned(),
            verbatim: self.verbatim,
        }
    }
}

impl Recalled {
    /// Of what was just projected. `None` for what could not be parsed.
    pub fn of(visible: &VisibleObject) -> Option<Self> {
        Some(Self {
            name: visible.name.as_str().into(),
            etag: visible.etag.as_str().into(),
            identity: visible.identity,
            least: visible.least,
            rights: visible.rights,
            verbatim: visible.verbatim,
            kind: visible.kind()?,
            span: visible.span(),
            text: visible.text()?.into(),
        })
    }

    /// Bytes of memory behind it.
    pub fn heap_bytes(&self) -> usize {
        self.name.len() + self.etag.len() + self.text.len()
    }

    /// The object again.
    pub fn visible(&self) -> VisibleObject {
        let (name, etag, identity, least) = (self.name.as_ref(), self.etag.as_ref(), self.identity, self.least);
        let (rights, verbatim, kind, span) = (self.rights, self.verbatim, self.kind, self.span);
        Told { name, etag, identity, least, rights, verbatim, kind, span }.with_text(self.text.clone())
    }
}
