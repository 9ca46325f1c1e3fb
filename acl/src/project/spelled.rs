//! Objects with overrides for this and future instances (RFC 5545 §3.2.13), on their way to a viewer who is not shown all of
//! them: each instance gets an override of its own, and with it the privacy of the one it repeats, so that nothing after this
//! need know of such overrides.
//!
//! Decides nothing about who may see what: that is `listing`.

use super::{StoredObject, Unprojectable};
use crate::privacy::PrivacyRecord;
use ical::recurrence::{holds_for_later, spelled_out};
use ical::{CalendarObject, ExpansionLimits, ParseLimits, RecurrenceId};

/// Instances that get an override of their own: some years of weeks, and of days. Later ones are shown as the master has them.
const INSTANCES_MAX: usize = 1_000;

/// An object spelled out, with the record of its components' privacy.
pub(super) struct Spelled {
    pub(super) base: CalendarObject,
    pub(super) privacy: PrivacyRecord,
    /// There are later instances.
    pub(super) is_cut: bool,
}

impl Spelled {
    /// `None`: the object has no such overrides.
    pub(super) fn of(base: &CalendarObject, object: &StoredObject<'_>) -> Result<Option<Self>, Unprojectable> {
        if !base.components().any(holds_for_later) {
            return Ok(None);
        }
        let limits = ExpansionLimits { instances_max: INSTANCES_MAX, ..ExpansionLimits::default() };
        let spelled = spelled_out(base, &limits).ok_or(Unprojectable)?;
        let stored = object.privacy.components.iter().map(|(id, privacy)| (id.clone().map(RecurrenceId), *privacy));
        let added = spelled.added.into_iter().map(|(id, repeated)| (Some(id), object.privacy.of(Some(&repeated))));
        let privacy = PrivacyRecord::new(stored.chain(added));
        let base = CalendarObject::parse(spelled.text.as_bytes(), &ParseLimits::default()).map_err(|_| Unprojectable)?;
        Ok(Some(Self { base, privacy, is_cut: spelled.is_cut }))
    }

    /// The object in this form.
    pub(super) fn as_object<'s>(&'s self, object: &StoredObject<'s>) -> StoredObject<'s> {
        StoredObject { base_text: self.base.text(), base: Some(&self.base), privacy: &self.privacy, ..object.clone() }
    }
}
