//! One stored object with what belongs to one viewer, ready to be handed to the projection and to nothing else.

use crate::error::Result;
use crate::limits::Limits;
use crate::objects::{self, Parsed};
use crate::read::Read;
use crate::record::{ObjectRecord, WrittenBy};
use acl::per_user::Overlay;
use acl::{CalendarId, ForeignAttendees, ObjectId, PrincipalId, StoredObject};
use ical::CalendarObject;

/// Whether another object already bears the name or UID in the viewer's view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RealIdentity {
    Free,
    Taken,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct LoadedObject {
    pub(crate) id: ObjectId,
    pub(crate) record: ObjectRecord,
    pub(crate) overlay: Option<Overlay>,
    pub(crate) foreign_attendees: ForeignAttendees,
    viewer: PrincipalId,
    text: String,
    parsed: Option<CalendarObject>,
    /// What perhaps are the viewer's own bytes, if somebody parsed them before.
    own: Option<CalendarObject>,
    touch: u64,
}

impl LoadedObject {
    /// `None`: there is no such object.
    pub(crate) fn load(read: &dyn Read, calendar: CalendarId, id: ObjectId, viewer: PrincipalId, limits: &Limits) -> Result<Option<Self>> {
        Self::load_known(read, (calendar, id), viewer, &Parsed::default(), limits)
    }

    /// The same where some of it may have been parsed already.
    pub(crate) fn load_known(
        read: &dyn Read,
        (calendar, id): (CalendarId, ObjectId),
        viewer: PrincipalId,
        known: &Parsed,
        limits: &Limits,
    ) -> Result<Option<Self>> {
        let Some(object) = objects::by_id(read, calendar, id)? else {
            return Ok(None);
        };
        let text = objects::body(read, calendar, id)?;
        let parsed = known.stored(&text, limits).ok();
        let overlay = objects::overlay(read, calendar, id, viewer)?;
        let own = overlay.as_ref().and_then(|overlay| match overlay.verbatim.as_deref() {
            Some(own) => known.known(own),
            None => known.other(parsed.as_ref()?),
        });
        let touch = objects::touches(read, calendar, id, viewer)?;
        let names_people = parsed.iter().flat_map(CalendarObject::components).any(|component| component.line("ATTENDEE").is_some());
        let foreign_attendees = match names_people {
            true => objects::foreign_attendees(read, calendar, id)?,
            false => ForeignAttendees::none(),
        };
        Ok(Some(Self { id, record: object, overlay, foreign_attendees, viewer, text, parsed, own, touch }))
    }

    /// The stored body.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// As the projection takes it.
    pub(crate) fn stored(&self, identity: RealIdentity) -> StoredObject<'_> {
        StoredObject {
            id: self.id,
            name: &self.record.name,
            base_text: &self.text,
            base: self.parsed.as_ref(),
            base_version: self.record.base_version,
            privacy: &self.record.privacy,
            created_by_viewer: self.record.creator == self.viewer && self.record.written_by == WrittenBy::CreatorAlone,
            foreign_attendees: &self.foreign_attendees,
            overlay: self.overlay.as_ref(),
            own: self.own.as_ref(),
            touch: self.touch,
            identity_taken: identity == RealIdentity::Taken,
        }
    }
}
