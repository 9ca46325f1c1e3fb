//! When calendars and people are busy, as far as the viewer may know: alike at every level of access.
//!
//! Only projections and the times of availability are counted here; what is hidden from the viewer counts nowhere.

use super::property::PropertyKey;
use super::shown::learned;
use super::{AuthorizedStore, Calendar};
use crate::error::{Error, Result};
use crate::journal::Seen;
use crate::keys::PropertyHolder;
use crate::properties;
use crate::view::{LoadedObject, Projection, RealIdentity};
use acl::{Class, EventPrivacy, ObjectId, PrincipalId, Visibility, VisibleObject, project_availability, project_free_busy};
use ical::availability::{Availability, Unavailable, combine};
use ical::free_busy::{self, BusyPeriod};
use ical::recurrence::KnownInstances;
use ical::{CalendarObject, ComponentKind, ParseLimits, TimeRange, Zone};
use std::sync::Arc;

/// What is gathered before it is coalesced.
#[derive(Default)]
struct Gathered {
    busy: Vec<BusyPeriod>,
    unavailable: Vec<Unavailable>,
}

impl Gathered {
    /// Events lie over what availability leaves (RFC 7953 §5).
    fn coalesced(self) -> Vec<BusyPeriod> {
        let mut periods = combine(self.unavailable);
        periods.extend(self.busy);
        free_busy::coalesce(periods)
    }
}

impl AuthorizedStore<'_> {
    /// Busy periods of some calendars together in a window, coalesced. Floating times are those of `floating`, else of the
    /// viewer's own zone for each calendar.
    pub fn busy_periods(&self, calendars: &[Calendar], window: &TimeRange, floating: Option<&Zone>) -> Result<Vec<BusyPeriod>> {
        self.snapshot.not_at_hand()?;
        let mut gathered = Gathered::default();
        for calendar in calendars {
            self.gather(calendar, window, floating, &mut gathered)?;
        }
        Ok(gathered.coalesced())
    }

    /// Busy periods of a user: of all calendars of hers that are open to the viewer, and by the availability she has set for
    /// herself. NotFound where he may know nothing of her time, as where there is no such user.
    pub fn busy_periods_of(&self, user: &str, window: &TimeRange) -> Result<Vec<BusyPeriod>> {
        self.snapshot.not_at_hand()?;
        let (calendars, owner) = self.open_calendars_of(user)?;
        let mut gathered = Gathered::default();
        for calendar in &calendars {
            self.gather(calendar, window, None, &mut gathered)?;
        }
        let limits = self.expansion_limits();
        for (availability, privacy) in self.availability_of(owner)? {
            // What she says of herself counts for whoever is shown at least when she is busy by events of such privacy.
            let sees = |calendar: &Calendar| {
                calendar.profile().matrix.cell_of(privacy, ComponentKind::Availability).visibility >= Visibility::FreeBusy
            };
            if owner == self.viewer || calendars.iter().any(sees) {
                gathered.unavailable.extend(availability.within(window, &Zone::utc(), &limits));
            }
        }
        Ok(gathered.coalesced())
    }

    /// Whether the viewer may know when a user is busy; NotFound if not, or if there is no such user. Gives her name.
    pub fn knows_busy_time_of(&self, user: &str) -> Result<String> {
        let (_, owner) = self.open_calendars_of(user)?;
        Ok(self.snapshot.user(owner)?.ok_or(Error::NotFound)?.name.clone())
    }

    /// The calendars of a user in which the viewer is shown busy time.
    fn open_calendars_of(&self, user: &str) -> Result<(Vec<Calendar>, PrincipalId)> {
        let (id, _) = self.snapshot.user_named(user)?.ok_or(Error::NotFound)?;
        let mut calendars = self.reachable_of(id)?;
        calendars.retain(|calendar| calendar.privileges().contains(&acl::Privilege::ReadFreeBusy));
        if id != self.viewer && calendars.is_empty() {
            return Err(Error::NotFound);
        }
        Ok((calendars, id))
    }

    /// The availability a user has set on her home, with its privacy. It never leaves but as times.
    fn availability_of(&self, owner: PrincipalId) -> Result<Vec<(Availability, EventPrivacy)>> {
        let properties = properties::of(self.snapshot, PropertyHolder::Home(owner), owner)?;
        let Some(text) = properties.get(&PropertyKey::Availability) else { return Ok(Vec::new()) };
        let Ok(object) = CalendarObject::parse(text.as_bytes(), &ParseLimits::default()) else { return Ok(Vec::new()) };
        let privacy = |component| Class::of(component).privacy(EventPrivacy::Standard).unwrap_or(EventPrivacy::Standard);
        Ok(object.components().map(|component| (Availability::of_component(&object, component), privacy(component))).collect())
    }

    fn gather(&self, calendar: &Calendar, window: &TimeRange, floating: Option<&Zone>, gathered: &mut Gathered) -> Result<()> {
        let floating = match floating {
            Some(zone) => zone.clone(),
            None => self.floating_zone(calendar)?,
        };
        self.note_read(calendar, Seen::FreeBusy);
        // Only what he is shown can be busy for him, so that his own rows, and what they leave out for being nothing but busy
        // time, are enough to look through.
        let is_told_by_rows = self.recall().is_some();
        let candidates: Vec<(ObjectId, Projection)> = self.with_view(calendar, |view| {
            let mut objects: Vec<ObjectId> = view.unlisted().collect();
            view.each_row_in(window, |row| match row.basis().busy_period(window).filter(|_| is_told_by_rows) {
                Some(period) => gathered.busy.extend(period),
                None => objects.push(row.object()),
            });
            Ok(objects.into_iter().map(|object| (object, view.projection_of(object))).collect())
        })?;
        if gathered.busy.len() > self.limits().busy_periods_max {
            return Err(Error::TooManyInstances);
        }
        let limits = self.expansion_limits();
        for (id, projection) in candidates {
            self.pace.step();
            let known = self.recall().and_then(|recall| recall.known(projection).busy).filter(|known| known.is_in(&floating));
            match known.as_ref().and_then(|known| known.busy_periods(window, &limits)) {
                Some(found) => gathered.busy.extend(found),
                None => self.gather_of(calendar, (id, projection), known, (window, &floating), gathered)?,
            }
            if gathered.busy.len() > self.limits().busy_periods_max || gathered.unavailable.len() > self.limits().busy_periods_max {
                return Err(Error::TooManyInstances);
            }
        }
        Ok(())
    }

    /// The same of one object that is looked at, and what is kept of it for the next time.
    fn gather_of(
        &self,
        calendar: &Calendar,
        (id, projection): (ObjectId, Projection),
        known: Option<Arc<KnownInstances>>,
        (window, floating): (&TimeRange, &Zone),
        gathered: &mut Gathered,
    ) -> Result<()> {
        let limits = self.expansion_limits();
        let Some(object) = LoadedObject::load(self.snapshot, calendar.id(), id, self.viewer, self.limits())? else { return Ok(()) };
        let stored = object.stored(RealIdentity::Free);
        let availability = project_availability(&stored, calendar.profile());
        gathered.unavailable.extend(availability.iter().filter_map(|one| one.within(window, floating, &limits)));
        let visible = project_free_busy(&stored, calendar.profile());
        let busy = visible.as_ref().and_then(VisibleObject::calendar);
        if let Some(busy) = busy {
            match free_busy::busy_periods(busy, window, floating, &limits) {
                Ok(found) => gathered.busy.extend(found),
                Err(_) => gathered.busy.extend(free_busy::busy_throughout(busy, window)),
            }
        }
        let known = match busy {
            Some(busy) => learned(known, busy, (window, floating), &limits),
            // What takes no time is looked at once; availability takes it in another way.
            None => stored.base.filter(|base| base.kind() != ComponentKind::Availability).map(|_| Arc::new(KnownInstances::none())),
        };
        if let (Some(recall), Some(known)) = (self.recall(), known) {
            recall.keep(projection, |all| all.busy = Some(known));
        }
        Ok(())
    }
}
