//! One calendar as its viewer sees it: rows, objects, free/busy, and writing them.

use super::{AuthorizedStore, AuthorizedWriter};
use crate::error::Result;
use acl::project::Identity;
use acl::{ObjectRights, PrivilegeSet, Visibility, VisibleObject};
use ical::free_busy::BusyPeriod;
use ical::{CalendarObject, ComponentKind, TimeRange, Zone};
use std::sync::Arc;

/// A calendar at one of the paths under which the viewer reaches it.
#[derive(Clone, Debug)]
pub struct Calendar {
    home: String,
    name: String,
    owner: String,
    own: bool,
    mounted: bool,
    components: Vec<ComponentKind>,
    privileges: PrivilegeSet,
}

impl Calendar {
    /// The user in whose home it was addressed (path segment).
    pub fn home(&self) -> &str {
        &self.home
    }
    /// The name under which it was addressed (path segment).
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Its owner's name (path segment).
    pub fn owner(&self) -> &str {
        &self.owner
    }
    /// Whether the viewer owns it.
    pub fn own(&self) -> bool {
        self.own
    }
    /// Whether it is addressed under its mount name in the viewer's own home.
    pub fn mounted(&self) -> bool {
        self.mounted
    }
    /// The kinds of component it takes.
    pub fn components(&self) -> &[ComponentKind] {
        &self.components
    }
    /// What the viewer holds on it.
    pub fn privileges(&self) -> &PrivilegeSet {
        &self.privileges
    }
}

/// One object in a listing: all that is known without its body.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// As shown.
    pub name: String,
    /// Strong, quotes included.
    pub etag: String,
    /// Bytes of the shown body.
    pub content_length: u64,
    /// `None` only for an owner's object that cannot be parsed.
    pub kind: Option<ComponentKind>,
    /// What the viewer may do with it.
    pub rights: ObjectRights,
    /// Outside of it there is no instance.
    pub span: TimeRange,
    /// Real or pseudonymous.
    pub identity: Identity,
    /// The lowest visibility among its shown components.
    pub least: Visibility,
}

/// What a PUT did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// 201 instead of 204.
    pub created: bool,
    /// The tag, if GET now serves exactly the bytes that were sent.
    pub etag: Option<String>,
}

impl AuthorizedStore<'_> {
    /// All rows in the order of the shown names.
    pub fn rows(&self, calendar: &Calendar) -> Result<Arc<Vec<Row>>> {
        let _ = calendar;
        todo!()
    }
    /// One row by shown name.
    pub fn row(&self, calendar: &Calendar, name: &str) -> Result<Row> {
        let _ = (calendar, name);
        todo!()
    }
    /// One object by shown name, projected.
    pub fn object(&self, calendar: &Calendar, name: &str) -> Result<VisibleObject> {
        let _ = (calendar, name);
        todo!()
    }
    /// What the viewer holds on one object.
    pub fn object_privileges(&self, calendar: &Calendar, row: &Row) -> PrivilegeSet {
        let _ = (calendar, row);
        todo!()
    }
    /// Busy periods in a window, coalesced: alike at every level.
    pub fn busy_periods(&self, calendar: &Calendar, window: &TimeRange, floating: &Zone) -> Result<Vec<BusyPeriod>> {
        let _ = (calendar, window, floating);
        todo!()
    }
    /// The zone for floating times where the request names none: the viewer's own for this calendar, else UTC.
    pub fn floating_zone(&self, calendar: &Calendar) -> Result<Zone> {
        let _ = calendar;
        todo!()
    }
}

impl AuthorizedWriter<'_> {
    /// Stores an object under a shown name, new or in place. A refused write leaves a touch mark.
    pub fn put_object(&mut self, calendar: &Calendar, name: &str, object: &CalendarObject) -> Result<Put> {
        let _ = (calendar, name, object);
        todo!()
    }
    /// Deletes an object by shown name. A refused delete leaves a touch mark.
    pub fn delete_object(&mut self, calendar: &Calendar, name: &str) -> Result<()> {
        let _ = (calendar, name);
        todo!()
    }
    /// Copies an object; what stands at the destination is replaced. Needs Full on every component and `bind` there.
    /// `Ok(true)`: nothing stood there.
    pub fn copy_object(&mut self, from: (&Calendar, &str), to: (&Calendar, &str)) -> Result<bool> {
        let _ = (from, to);
        todo!()
    }
    /// The same and removes the source, for which `unbind` is needed too.
    pub fn move_object(&mut self, from: (&Calendar, &str), to: (&Calendar, &str)) -> Result<bool> {
        let _ = (from, to);
        todo!()
    }
}
