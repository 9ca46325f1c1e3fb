//! Calendar homes, mounts, and what a path below a home means to the viewer.

use super::{AuthorizedStore, AuthorizedWriter, Calendar, Plain, PropertyUpdate, Row};
use crate::error::Result;
use ical::ComponentKind;

/// A calendar home that the viewer can reach: his own, or another's in which some calendar is open to him.
#[derive(Clone, Debug)]
pub struct Home {
    /// Whose (path segment).
    pub owner: String,
    /// Whether it is the viewer's own.
    pub own: bool,
}

/// What stands at a path below `/dav/calendars/`.
#[derive(Clone, Debug)]
pub enum Resource {
    /// `/dav/calendars/{user}/`
    Home(Home),
    /// A calendar at its owner's path or under its mount name.
    Calendar(Calendar),
    /// An object of a calendar.
    Object(Calendar, Row),
    /// A plain collection or file of the viewer's own.
    Plain(Plain),
}

impl AuthorizedStore<'_> {
    /// What stands at `/dav/calendars/{owner}/{segments…}`; absent and hidden are NotFound alike.
    pub fn resolve(&self, owner: &str, segments: &[&str]) -> Result<Resource> {
        let _ = (owner, segments);
        todo!()
    }
    /// Members of a home in the order of their names: own calendars, mounts and plain collections in one's own; in
    /// another's, calendars at `details` or above.
    pub fn home_members(&self, home: &Home) -> Result<Vec<Resource>> {
        let _ = home;
        todo!()
    }
}

/// A calendar to be made (MKCALENDAR, extended MKCOL).
#[derive(Clone, Debug, Default)]
pub struct NewCalendar {
    /// Empty: all kinds.
    pub components: Vec<ComponentKind>,
    /// Initial properties.
    pub properties: Vec<PropertyUpdate>,
}

impl AuthorizedWriter<'_> {
    /// Makes a calendar in the viewer's own home. `Exists` if the name is taken; in another's home: Denied bind if the
    /// home is visible, else NotFound.
    pub fn create_calendar(&mut self, owner: &str, name: &str, calendar: &NewCalendar) -> Result<()> {
        let _ = (owner, name, calendar);
        todo!()
    }
    /// Deletes one's own calendar with all its objects and grants; for a mount: leaves the share (the grant stays, the
    /// mount is hidden); at another's path: Denied.
    pub fn delete_calendar(&mut self, calendar: &Calendar) -> Result<()> {
        let _ = calendar;
        todo!()
    }
}
