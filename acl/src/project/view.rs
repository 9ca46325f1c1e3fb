//! Puts together the object a viewer is shown when he is not shown all of it: which instances go, which overrides say
//! nothing new, what identifies what is left.
//!
//! Decides nothing about who may see what: that is `listing`.

use super::full::{defined_zone, exclude, referenced_zones, replace_uid};
use super::listing::{Placement, may_change};
use super::reduced::{Face, Times, push_component};
use super::series::{Naming, Series};
use super::when::{Form, When, instant_of};
use super::{Identity, ObjectRights, StoredObject, Unprojectable, ViewProfile, free_busy};
use crate::level::Visibility;
use crate::text_edit::{TextEdit, apply};
use chrono::NaiveDateTime;
use ical::write::push_line;
use ical::{CalendarObject, Component, ComponentKind, TimeRange};
use std::collections::BTreeSet;

/// What a viewer is shown of an object he is not shown all of.
pub(super) struct Partial<'a> {
    /// The iCalendar text, without personal items.
    pub(super) text: String,
    /// Real iff every component shown is Full.
    pub(super) identity: Identity,
    /// The lowest visibility shown.
    pub(super) least: Visibility,
    /// What he may do.
    pub(super) rights: ObjectRights,
    /// The components shown in full.
    pub(super) full: Vec<Placement<'a>>,
}

/// `None`: nothing is shown.
pub(super) fn partial<'a>(
    base: &'a CalendarObject,
    mut placements: Vec<Placement<'a>>,
    object: &StoredObject<'_>,
    profile: &ViewProfile,
) -> Result<Option<Partial<'a>>, Unprojectable> {
    if placements.iter().all(|placement| placement.shown == Visibility::Hidden) {
        return Ok(None);
    }
    let (series, hidden) = read_series(base, &mut placements)?;
    placements.retain(|placement| placement.shown > Visibility::Hidden);
    if let Some(series) = &series {
        drop_what_the_master_says(base, &mut placements, series, profile)?;
    }
    let Some(least) = placements.iter().map(|placement| placement.shown).min() else { return Ok(None) };
    let all_full = least == Visibility::Full;
    let identity = if all_full && !object.identity_taken { Identity::Real } else { Identity::Pseudonym };
    let uid = profile.key.object_uid(profile.calendar, object.id);
    let rights = if all_full { rights_over(&placements) } else { ObjectRights::default() };
    let view = View { base, placements: &placements, series: series.as_ref(), hidden: &hidden, uid: &uid, profile };
    let text = if all_full { view.stored_text(identity)? } else { view.mixed_text()? };
    placements.retain(|placement| placement.shown == Visibility::Full);
    Ok(Some(Partial { text, identity, least, rights, full: placements }))
}

/// What the viewer may do with an object whose components are all shown to him in full.
pub(super) fn rights_over(placements: &[Placement<'_>]) -> ObjectRights {
    ObjectRights {
        edit: placements.iter().all(|placement| placement.cell.edit),
        delete: placements.iter().all(|placement| placement.cell.delete),
    }
}

/// The series of the master, if it is shown, and the slots of overrides that are not. A master none of whose instances is
/// left is not shown; it stays for someone who may change a part of the object.
fn read_series<'a>(
    base: &'a CalendarObject,
    placements: &mut [Placement<'a>],
) -> Result<(Option<Series<'a>>, BTreeSet<NaiveDateTime>), Unprojectable> {
    let is_single = placements.len() == 1;
    let keep = placements.iter().any(|placement| may_change(&placement.cell));
    let hidden_overrides: Vec<_> =
        placements.iter().filter(|p| p.shown == Visibility::Hidden).filter_map(|p| p.recurrence_id.clone()).collect();
    let Some(master) = placements.iter_mut().find(|p| p.recurrence_id.is_none() && p.shown > Visibility::Hidden) else {
        return Ok((None, BTreeSet::new()));
    };
    if is_timeless(base.kind()) || (is_single && !recurs(master.component)) {
        return Ok((None, BTreeSet::new()));
    }
    let naming = if master.shown == Visibility::Full { Naming::Stored } else { Naming::Canonical };
    let (series, hidden) = Series::read(base, master.component, &When::read(base, master.component)?, naming, &hidden_overrides)?;
    if !keep && !series.survives(&hidden) {
        master.shown = Visibility::Hidden;
        return Ok((None, hidden));
    }
    Ok((Some(series), hidden))
}

/// Whether a kind has no DTSTART from which anything would recur, only periods of its own.
fn is_timeless(kind: ComponentKind) -> bool {
    matches!(kind, ComponentKind::FreeBusy | ComponentKind::Availability)
}

fn recurs(component: &Component) -> bool {
    ["RRULE", "RDATE", "EXDATE"].iter().any(|name| component.line(name).is_some())
}

/// Takes out reduced overrides that show what the reduced master would show in their place.
fn drop_what_the_master_says(
    base: &CalendarObject,
    placements: &mut Vec<Placement<'_>>,
    series: &Series<'_>,
    profile: &ViewProfile,
) -> Result<(), Unprojectable> {
    let Some(master) = placements.iter().find(|p| p.recurrence_id.is_none() && p.shown < Visibility::Full) else { return Ok(()) };
    let master_face = Face::of(master, base.kind(), profile);
    let mut error = Ok(());
    placements.retain(|placement| {
        let Some(id) = placement.recurrence_id.as_ref().filter(|_| placement.shown < Visibility::Full) else { return true };
        if Face::of(placement, base.kind(), profile) != master_face {
            return true;
        }
        match (series.slot_of(id), When::read(base, placement.component)) {
            (Ok(slot), Ok(when)) => {
                let same = when.start.as_ref().is_some_and(|start| series.is_at(slot, start))
                    && when.length() == series.length_at(slot)
                    && series.is_live(slot);
                !same
            }
            _ => {
                error = Err(Unprojectable);
                true
            }
        }
    });
    error
}

/// What is written from.
struct View<'a, 'p> {
    base: &'a CalendarObject,
    placements: &'p [Placement<'a>],
    series: Option<&'p Series<'a>>,
    hidden: &'p BTreeSet<NaiveDateTime>,
    uid: &'p str,
    profile: &'p ViewProfile,
}

impl View<'_, '_> {
    /// Every component shown is Full, some are not shown: the stored text without these and without what serves them only.
    fn stored_text(&self, identity: Identity) -> Result<String, Unprojectable> {
        let zones = self.full_zones();
        let shown: BTreeSet<usize> = self.placements.iter().map(|placement| placement.component.span.start).collect();
        let mut edits = Vec::new();
        for component in &self.base.calendar().components {
            let is_shown = shown.contains(&component.span.start);
            let serves_shown = component.name == "VTIMEZONE" && defined_zone(component).is_some_and(|zone| zones.contains(zone.as_str()));
            if !is_shown && !serves_shown {
                edits.push(TextEdit::remove(component.span.clone()));
            }
        }
        for placement in self.placements {
            edits.extend(self.edits_of(placement, identity)?);
        }
        Ok(apply(self.base.text(), edits))
    }

    /// What is changed in the bytes of a component that is shown in full.
    fn edits_of(&self, placement: &Placement<'_>, identity: Identity) -> Result<Vec<TextEdit>, Unprojectable> {
        let mut edits = Vec::new();
        if identity == Identity::Pseudonym {
            edits.extend(replace_uid(placement.component, self.uid));
        }
        if let (None, Some(series), false) = (&placement.recurrence_id, self.series, self.hidden.is_empty()) {
            edits.extend(exclude(self.base.text(), placement.component, series, self.hidden)?);
        }
        Ok(edits)
    }

    /// The TZIDs that components shown in full refer to.
    fn full_zones(&self) -> BTreeSet<&str> {
        let full = self.placements.iter().filter(|placement| placement.shown == Visibility::Full);
        full.flat_map(|placement| referenced_zones(placement.component)).collect()
    }

    /// Some components are reduced: a calendar of the server's own, full components in it as they are stored but for the UID.
    fn mixed_text(&self) -> Result<String, Unprojectable> {
        let mut out = String::with_capacity(512);
        push_line(&mut out, "BEGIN", "VCALENDAR");
        push_line(&mut out, "VERSION", "2.0");
        push_line(&mut out, "PRODID", super::PROD_ID);
        push_line(&mut out, "CALSCALE", "GREGORIAN");
        self.push_zones(&mut out)?;
        let mut written = self.written_components()?;
        written.sort();
        for component in written {
            out.push_str(&component.text);
        }
        push_line(&mut out, "END", "VCALENDAR");
        Ok(out)
    }

    /// The definitions of the zones in use: stored ones for components shown in full, which bear them as much as their own
    /// lines; the server's own for a reduced series, unless its name is defined already.
    fn push_zones(&self, out: &mut String) -> Result<(), Unprojectable> {
        let zones = self.full_zones();
        let mut defined = BTreeSet::new();
        for vtimezone in self.base.calendar().components.iter().filter(|component| component.name == "VTIMEZONE") {
            let Some(zone) = defined_zone(vtimezone).filter(|zone| zones.contains(zone.as_str())) else { continue };
            if defined.insert(zone) {
                out.push_str(self.base.text().get(vtimezone.span.clone()).ok_or(Unprojectable)?);
            }
        }
        if let (Some(series), Some(Form::Zoned(named))) = (self.series, self.series.map(|series| &series.form))
            && self.placements.iter().any(|placement| placement.recurrence_id.is_none() && placement.shown < Visibility::Full)
            && !defined.contains(&named.tzid)
        {
            out.push_str(&named.zone.vtimezone(&self.definition_range(series)?).ok_or(Unprojectable)?);
        }
        Ok(())
    }

    /// The range that the definition of a reduced series' zone must cover: the series, and wherever its overrides went.
    fn definition_range(&self, series: &Series<'_>) -> Result<TimeRange, Unprojectable> {
        let mut range = series.definition_range();
        for placement in self.placements.iter().filter(|p| p.recurrence_id.is_some() && p.shown < Visibility::Full) {
            let when = When::read(self.base, placement.component)?;
            for time in [when.start, when.end].iter().flatten().map(instant_of) {
                range.start = range.start.map(|start| start.min(time));
                range.end = range.end.map(|end| end.max(time));
            }
        }
        Ok(range)
    }

    fn written_components(&self) -> Result<Vec<Written>, Unprojectable> {
        let mut written = Vec::with_capacity(self.placements.len());
        let mut alone = Vec::new();
        for placement in self.placements {
            match (&placement.recurrence_id, placement.shown, self.series) {
                // What is made of times alone does not recur: an override of it is nothing that the allow-lists name.
                (Some(_), Visibility::Hidden | Visibility::FreeBusy | Visibility::Title, _) if is_timeless(self.base.kind()) => {
                    return Err(Unprojectable);
                }
                (id, Visibility::Full, _) => written.push(Written {
                    is_override: id.is_some(),
                    key: id.as_ref().map(|id| id.0.clone()).unwrap_or_default(),
                    text: self.full_text(placement)?,
                }),
                (None, ..) => written.push(Written { is_override: false, key: String::new(), text: self.reduced_master(placement)? }),
                (Some(id), _, Some(series)) => {
                    let when = When::read(self.base, placement.component)?;
                    let stamp = |value| series.form.stamp(value);
                    let times = Times::Single {
                        start: when.start.as_ref().map(stamp),
                        end: when.end.as_ref().map(stamp),
                        recurrence_id: Some(series.stamp_of_slot(series.slot_of(id)?)),
                    };
                    let text = self.reduced_text(placement, &times, series.form.tzid());
                    written.push(Written { is_override: true, key: id.0.clone(), text });
                }
                (Some(_), _, None) => alone.push(placement),
            }
        }
        self.write_alone(&alone, &mut written)?;
        Ok(written)
    }

    fn full_text(&self, placement: &Placement<'_>) -> Result<String, Unprojectable> {
        let span = &placement.component.span;
        let mut edits = self.edits_of(placement, Identity::Pseudonym)?;
        for edit in &mut edits {
            edit.range = edit.range.start.saturating_sub(span.start)..edit.range.end.saturating_sub(span.start);
        }
        let mut text = apply(self.base.text().get(span.clone()).ok_or(Unprojectable)?, edits);
        if !text.ends_with('\n') {
            text.push_str("\r\n");
        }
        Ok(text)
    }

    fn reduced_text(&self, placement: &Placement<'_>, times: &Times, tzid: &str) -> String {
        let mut text = String::with_capacity(256);
        let face = Face::of(placement, self.base.kind(), self.profile);
        push_component(&mut text, self.base.kind(), self.uid, times, &face, tzid);
        text
    }

    fn reduced_master(&self, placement: &Placement<'_>) -> Result<String, Unprojectable> {
        match self.base.kind() {
            ComponentKind::FreeBusy => return free_busy::reduced(self.base, self.uid).ok_or(Unprojectable),
            ComponentKind::Availability => return Err(Unprojectable),
            ComponentKind::Event | ComponentKind::ToDo | ComponentKind::Journal => {}
        }
        if let Some(series) = self.series {
            let times = Times::Series(series.shown(self.hidden)?);
            return Ok(self.reduced_text(placement, &times, series.form.tzid()));
        }
        let when = When::read(self.base, placement.component)?;
        let stamp = |value| Form::Utc.stamp(value);
        let times = Times::Single { start: when.start.as_ref().map(stamp), end: when.end.as_ref().map(stamp), recurrence_id: None };
        Ok(self.reduced_text(placement, &times, ""))
    }

    /// Reduced overrides of a master that is not shown: each a thing of its own, whose RECURRENCE-ID is its own start. Where
    /// two begin together, the later in order takes the next free value, since no two components may share one.
    fn write_alone(&self, alone: &[&Placement<'_>], written: &mut Vec<Written>) -> Result<(), Unprojectable> {
        let mut taken: BTreeSet<String> =
            written.iter().filter(|component| component.is_override).map(|component| component.key.clone()).collect();
        let mut all = Vec::with_capacity(alone.len());
        for placement in alone {
            let when = When::read(self.base, placement.component)?;
            let (start, end) = (when.start.as_ref().map(|s| Form::Utc.stamp(s)), when.end.as_ref().map(|e| Form::Utc.stamp(e)));
            let own = start.or(end).ok_or(Unprojectable)?;
            all.push((own, start, end, Face::of(placement, self.base.kind(), self.profile), *placement));
        }
        all.sort_by(|a, b| (a.0, a.1, a.2, &a.3).cmp(&(b.0, b.1, b.2, &b.3)));
        for (own, start, end, _, placement) in all {
            let mut id = own;
            while !taken.insert(id.value()) {
                id = id.next().ok_or(Unprojectable)?;
            }
            let times = Times::Single { start, end, recurrence_id: Some(id) };
            written.push(Written { is_override: true, key: id.value(), text: self.reduced_text(placement, &times, "") });
        }
        Ok(())
    }
}

/// A component as it is written, in the order of the calendar: the master, then overrides by the instance they replace.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Written {
    is_override: bool,
    key: String,
    text: String,
}
