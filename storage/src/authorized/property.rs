//! Properties that clients set: per viewer, so that a grantee's changes touch nobody else.

use super::{AuthorizedStore, AuthorizedWriter, Resource};
use crate::error::Result;
use std::collections::BTreeMap;

/// A settable property.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum PropertyKey {
    /// DAV:displayname, as text.
    DisplayName,
    /// CALDAV:calendar-description, as text.
    Description,
    /// Apple calendar-color, as text.
    Color,
    /// Apple calendar-order, as text.
    Order,
    /// CALDAV:calendar-timezone, as text (iCalendar).
    TimeZone,
    /// CALDAV:schedule-calendar-transp: `opaque` or `transparent`.
    ScheduleTransparency,
    /// Any other: the value is the whole element as XML.
    Dead {
        /// Namespace URI, possibly empty.
        namespace: String,
        /// Local name.
        name: String,
    },
}

/// Sets (`Some`) or removes (`None`) one property.
pub type PropertyUpdate = (PropertyKey, Option<String>);

/// Where properties can hang besides resources below homes.
#[derive(Clone, Debug)]
pub enum PropertyTarget<'a> {
    /// A home, calendar, object or plain resource.
    Resource(&'a Resource),
    /// The viewer's own principal.
    OwnPrincipal,
}

impl AuthorizedStore<'_> {
    /// The properties the viewer is shown: his own records, else, from `details` up, the owner's display name, description
    /// and colour; below, a display name made of the owner's name and a fixed colour. Never others' dead properties.
    pub fn properties(&self, target: &PropertyTarget<'_>) -> Result<BTreeMap<PropertyKey, String>> {
        let _ = target;
        todo!()
    }
}

impl AuthorizedWriter<'_> {
    /// All or nothing. Denied on reduced objects, others' homes and principals.
    pub fn update_properties(&mut self, target: &PropertyTarget<'_>, updates: &[PropertyUpdate]) -> Result<()> {
        let _ = (target, updates);
        todo!()
    }
}
