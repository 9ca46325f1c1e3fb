//! Objects as their viewer is shown them, many at once, and when they are: as it was worked out before, where nothing that this
//! depends on changed since. Everything comes out of `acl::project`, now or then.

use super::basis::TextPlace;
use super::{AuthorizedStore, Calendar, ObjectTimes, Personal, Row};
use crate::error::{Error, Result};
use crate::objects;
use crate::view::{CalendarView, Projection, Recall};
use acl::project::Recalled;
use acl::{VisibleObject, per_user};
use ical::recurrence::KnownInstances;
use ical::{CalendarObject, ExpansionLimits, TimeRange, Zone};
use std::sync::Arc;

/// An object that a shown name stands for, not loaded.
struct ShownObject {
    /// As it is shown now.
    row: Arc<Row>,
    projection: Projection,
}

impl ShownObject {
    fn of(row: &Arc<Row>, view: &CalendarView) -> Self {
        Self { row: row.clone(), projection: view.projection_of(row.object()) }
    }
}

/// What is known of an object's instances, with what a question about `range` needs. `None` where nothing is kept of such an object,
/// or it would take more than one question may.
pub(super) fn learned(
    known: Option<Arc<KnownInstances>>,
    object: &CalendarObject,
    (range, floating): (&TimeRange, &Zone),
    limits: &ExpansionLimits,
) -> Option<Arc<KnownInstances>> {
    let mut known = known.or_else(|| KnownInstances::of(object, floating, limits).map(Arc::new))?;
    Arc::make_mut(&mut known).learn(object, range, limits).ok()?;
    Some(known)
}

impl AuthorizedStore<'_> {
    /// One object by shown name, projected.
    pub fn object(&self, calendar: &Calendar, name: &str) -> Result<VisibleObject> {
        self.objects(calendar, &[name])?.pop().flatten().ok_or(Error::NotFound)
    }

    /// The object of a row that was looked up here, projected, with its dates for the owner of the calendar alone: to anyone
    /// else the last change could be one of what he is not shown.
    pub fn object_with_times(&self, calendar: &Calendar, row: &Row) -> Result<(VisibleObject, Option<ObjectTimes>)> {
        let shown = self.shown_as(calendar, row)?;
        self.note_read(calendar, calendar.seen());
        let visible = self.visible(calendar, &shown)?;
        Ok((visible, if calendar.own() { Some(self.times_of(calendar, &shown)?) } else { None }))
    }

    /// The dates alone, by the same rule.
    pub fn object_times(&self, calendar: &Calendar, row: &Row) -> Result<Option<ObjectTimes>> {
        if !calendar.own() {
            return Ok(None);
        }
        self.times_of(calendar, &self.shown_as(calendar, row)?).map(Some)
    }

    fn shown_as(&self, calendar: &Calendar, row: &Row) -> Result<ShownObject> {
        self.with_view(calendar, |view| Ok(ShownObject::of(view.row_of(row.object()).ok_or(Error::NotFound)?, view)))
    }

    fn times_of(&self, calendar: &Calendar, shown: &ShownObject) -> Result<ObjectTimes> {
        let recall = self.recall();
        if let Some(times) = recall.and_then(|recall| recall.known(shown.projection).dates) {
            return Ok(times);
        }
        let record = objects::by_id(self.snapshot, calendar.id(), shown.row.object())?;
        let record = record.ok_or(Error::Corrupted("a view shows an object that is not there"))?;
        let times = ObjectTimes { created: record.created, modified: record.modified };
        if let Some(recall) = recall {
            recall.keep(shown.projection, |known| known.dates = Some(times));
        }
        Ok(times)
    }

    /// The rows of some shown names; `None` where nothing is shown under a name.
    pub fn rows_named(&self, calendar: &Calendar, names: &[&str]) -> Result<Vec<Option<Arc<Row>>>> {
        let rows = self.with_view(calendar, |view| {
            let rows: Vec<Option<Arc<Row>>> = names.iter().map(|name| view.row(name).cloned()).collect();
            Ok(rows)
        })?;
        if rows.iter().any(Option::is_some) {
            self.note_read(calendar, calendar.seen());
        }
        Ok(rows)
    }

    /// The objects of some shown names, projected; `None` where nothing is shown under a name.
    pub fn objects(&self, calendar: &Calendar, names: &[&str]) -> Result<Vec<Option<VisibleObject>>> {
        let shown = self.stand_for(calendar, names)?;
        if shown.iter().any(Option::is_some) {
            self.note_read(calendar, calendar.seen());
        }
        shown.into_iter().map(|shown| shown.map(|shown| self.visible(calendar, &shown)).transpose()).collect()
    }

    /// The objects of some rows that were looked up here, projected.
    pub fn objects_of(&self, calendar: &Calendar, rows: &[&Arc<Row>]) -> Result<Vec<VisibleObject>> {
        if !rows.is_empty() {
            self.note_read(calendar, calendar.seen());
        }
        let shown = self.as_shown(calendar, rows)?;
        shown.into_iter().map(|shown| self.visible(calendar, &shown)).collect()
    }

    fn as_shown(&self, calendar: &Calendar, rows: &[&Arc<Row>]) -> Result<Vec<ShownObject>> {
        self.with_view(calendar, |view| Ok(rows.iter().map(|row| ShownObject::of(row, view)).collect()))
    }

    /// Whether what some rows that were looked up here show has an instance that overlaps a range by the rules for events (RFC 4791 §9.9),
    /// floating times taken in `floating`. `None` where that can only be told by looking at the object.
    pub fn overlap(&self, calendar: &Calendar, rows: &[&Arc<Row>], range: &TimeRange, floating: &Zone) -> Result<Vec<Option<bool>>> {
        let Some(recall) = self.recall() else { return Ok(vec![None; rows.len()]) };
        let shown = self.as_shown(calendar, rows)?;
        shown.into_iter().map(|shown| self.shown_overlaps(recall, calendar, &shown, (range, floating))).collect()
    }

    fn shown_overlaps(
        &self,
        recall: &Recall,
        calendar: &Calendar,
        shown: &ShownObject,
        (range, floating): (&TimeRange, &Zone),
    ) -> Result<Option<bool>> {
        if let Some(answer) = shown.row.basis().overlaps(range) {
            return Ok(Some(answer));
        }
        let limits = self.expansion_limits();
        let known = recall.known(shown.projection).times.filter(|known| known.is_in(floating));
        if let Some(answer) = known.as_ref().and_then(|known| known.overlaps(range, &limits)) {
            return Ok(Some(answer));
        }
        let visible = self.visible(calendar, shown)?;
        let Some(object) = visible.calendar() else { return Ok(None) };
        let Some(known) = learned(known, object, (range, floating), &limits) else { return Ok(None) };
        let answer = known.overlaps(range, &limits);
        recall.keep(shown.projection, |all| all.times = Some(known));
        Ok(answer)
    }

    /// Which objects some shown names stand for.
    fn stand_for(&self, calendar: &Calendar, names: &[&str]) -> Result<Vec<Option<ShownObject>>> {
        self.with_view(calendar, |view| {
            let shown = names.iter().map(|name| view.row(name).map(|row| ShownObject::of(row, view)));
            Ok(shown.collect())
        })
    }

    /// One object as it is shown: as it was last time, if nothing that this depends on changed since.
    fn visible(&self, calendar: &Calendar, shown: &ShownObject) -> Result<VisibleObject> {
        self.pace.step();
        let (recall, row) = (self.recall(), &shown.row);
        let Some(recall) = recall else { return Ok(self.load(calendar, row.object(), row.real_identity())?.visible) };
        let place = row.basis().text;
        if !matches!(place, Some(TextPlace::Body | TextPlace::Own))
            && let Some(recalled) = recall.shown(shown.projection)
        {
            return Ok(recalled.visible());
        }
        let again = match place {
            Some(place) => self.read_again(calendar, row, place)?,
            None => None,
        };
        let visible = match again {
            Some(visible) if place != Some(TextPlace::Merged) => return Ok(visible),
            Some(visible) => visible,
            None => self.load(calendar, row.object(), row.real_identity())?.visible,
        };
        if let Some(recalled) = Recalled::of(&visible) {
            recall.keep_shown(shown.projection, recalled);
        }
        Ok(visible)
    }

    /// The object of a row whose text stands somewhere as it is shown, with that text.
    fn read_again(&self, calendar: &Calendar, row: &Row, place: TextPlace) -> Result<Option<VisibleObject>> {
        let Some(told) = row.told() else { return Ok(None) };
        let body = || objects::body(self.snapshot, calendar.id(), row.object());
        let overlay = || objects::overlay(self.snapshot, calendar.id(), row.object(), self.viewer);
        let text = match place {
            TextPlace::Body => Some(body()?),
            TextPlace::Own => overlay()?.and_then(|overlay| overlay.verbatim),
            TextPlace::Merged => match overlay()? {
                Some(overlay) => {
                    let base = objects::parse_stored(body()?.as_bytes(), self.limits())?;
                    Some(per_user::merge(&base, &overlay.items))
                }
                None => None,
            },
        };
        // As long as the row says, or it is looked at anew.
        Ok(text.filter(|text| text.len() as u64 == row.content_length()).map(|text| told.with_text(text)))
    }

    /// What was worked out of objects as his views show them; `None` where they are not to look like that.
    pub(super) fn recall(&self) -> Option<&'_ Recall> {
        self.snapshot.recall().filter(|_| self.personal == Personal::Shown)
    }
}
