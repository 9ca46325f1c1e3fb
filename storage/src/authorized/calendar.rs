//! One calendar as its viewer sees it: rows, objects, free/busy. Writing them: `put`, `copy_move`.

use super::mount::Place;
use super::property::PropertyKey;
use super::{AuthorizedStore, Personal, Row};
use crate::error::{Error, Result};
use crate::journal::Seen;
use crate::keys::PropertyHolder;
use crate::properties;
use crate::record::StoredCalendar;
use crate::spool::Spool;
use crate::store::at_hand;
use crate::view::{self, CalendarView, LoadedObject, RealIdentity, Rows};
use acl::privilege::{calendar_privileges, object_privileges};
use acl::{CalendarId, ObjectId, PrivilegeSet, Relation, ViewProfile, VisibleObject, project};
use ical::{ComponentKind, ExpansionLimits, TimeRange, Zone};
use std::sync::Arc;

/// A calendar at one of the paths under which the viewer reaches it.
#[derive(Clone, Debug)]
pub struct Calendar {
    home: String,
    name: String,
    owner: String,
    place: Place,
    components: Vec<ComponentKind>,
    privileges: PrivilegeSet,
    profile: Arc<ViewProfile>,
}

impl Calendar {
    pub(super) fn new(stored: &StoredCalendar, home: String, name: String, owner: String, place: Place, profile: Arc<ViewProfile>) -> Self {
        let privileges = calendar_privileges(&profile.matrix);
        Self { home, name, owner, place, components: stored.record.kinds(), privileges, profile }
    }
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
        self.profile.matrix.relation == Relation::Owner
    }
    /// What the viewer is to it.
    pub(crate) fn relation(&self) -> Relation {
        self.profile.matrix.relation
    }
    /// Whether it is addressed under its mount name in the viewer's own home.
    pub fn mounted(&self) -> bool {
        self.place == Place::Mount
    }
    /// The kinds of component it takes.
    pub fn components(&self) -> &[ComponentKind] {
        &self.components
    }
    /// What the viewer holds on it.
    pub fn privileges(&self) -> &PrivilegeSet {
        &self.privileges
    }
    /// The most that the viewer is shown of any event.
    pub(super) fn seen(&self) -> Seen {
        let cells = &self.profile.matrix.cells;
        cells.iter().map(|cell| cell.visibility).max().unwrap_or_default().into()
    }
    pub(crate) fn id(&self) -> CalendarId {
        self.profile.calendar
    }
    pub(super) fn profile(&self) -> &Arc<ViewProfile> {
        &self.profile
    }
}

/// What a PUT did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// 201 instead of 204.
    pub created: bool,
    /// The tag, if GET now serves exactly the bytes that were sent.
    pub etag: Option<String>,
}

/// An object that a shown name stands for, and how it is shown.
pub(super) struct Found {
    pub(super) object: LoadedObject,
    pub(super) visible: VisibleObject,
    pub(super) identity: RealIdentity,
}

impl AuthorizedStore<'_> {
    /// Runs `work` on the view of a calendar as it is now.
    pub(super) fn with_view<T>(&self, calendar: &Calendar, work: impl FnOnce(&CalendarView) -> Result<T>) -> Result<T> {
        view::look_at_calendar(self.snapshot, calendar.profile(), work)
    }

    /// The object a shown name stands for. Nothing else turns names into objects.
    pub(super) fn find(&self, calendar: &Calendar, name: &str) -> Result<Option<Found>> {
        let shown = self.with_view(calendar, |view| Ok(view.row(name).map(|row| (row.object(), row.real_identity()))))?;
        shown.map(|(id, identity)| self.load(calendar, id, identity)).transpose()
    }

    pub(super) fn load(&self, calendar: &Calendar, id: ObjectId, identity: RealIdentity) -> Result<Found> {
        let object = LoadedObject::load(self.snapshot, calendar.id(), id, self.viewer, self.limits())?;
        let mut object = object.ok_or(Error::Corrupted("a view shows an object that is not there"))?;
        if self.personal == Personal::Withheld {
            object.overlay = None;
        }
        let visible = project(&object.stored(identity), calendar.profile());
        let visible = visible.ok_or(Error::Corrupted("a view shows an object that is hidden"))?;
        Ok(Found { object, visible, identity })
    }

    /// Where what is answered waits to be sent.
    pub fn spool(&self) -> &Arc<Spool> {
        self.snapshot.spool()
    }

    /// All rows in the order of the shown names: a snapshot, which no later change touches.
    pub fn rows(&self, calendar: &Calendar) -> Result<Rows> {
        self.snapshot.not_at_hand()?;
        self.note_read(calendar, calendar.seen());
        self.with_view(calendar, |view| Ok(view.rows()))
    }

    /// Those of the rows whose span overlaps or meets a range, in the order of the shown names.
    pub fn rows_in(&self, calendar: &Calendar, range: &TimeRange) -> Result<Vec<Arc<Row>>> {
        self.snapshot.not_at_hand()?;
        self.note_read(calendar, calendar.seen());
        self.with_view(calendar, |view| Ok(view.rows_in(range)))
    }

    /// One row by shown name.
    pub fn row(&self, calendar: &Calendar, name: &str) -> Result<Arc<Row>> {
        let row = self.with_view(calendar, |view| Ok(view.row(name).cloned()))?.ok_or(Error::NotFound)?;
        if row.content_length() > at_hand::BYTES_MAX {
            self.snapshot.not_at_hand()?;
        }
        self.note_read(calendar, calendar.seen());
        Ok(row)
    }

    /// What the viewer holds on one object.
    pub fn object_privileges(&self, calendar: &Calendar, row: &Row) -> PrivilegeSet {
        object_privileges(&calendar.profile().matrix, row.rights())
    }

    /// The zone for floating times where the request names none: the viewer's own for this calendar, else UTC.
    pub fn floating_zone(&self, calendar: &Calendar) -> Result<Zone> {
        let properties = properties::of(self.snapshot, PropertyHolder::Calendar(calendar.id()), self.viewer)?;
        let zone = properties.get(&PropertyKey::TimeZone).and_then(|text| Zone::from_calendar_timezone(text));
        Ok(zone.unwrap_or_else(Zone::utc))
    }

    pub(super) fn expansion_limits(&self) -> ExpansionLimits {
        ExpansionLimits { instances_max: self.limits().instances_max, ..ExpansionLimits::default() }
    }
}
