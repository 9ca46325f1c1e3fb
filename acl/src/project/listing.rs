//! Which components of an object a viewer is shown, and how much of each: the matrix, the conditions for being listed at
//! all, and the rule that nobody edits an object of which something is kept from him.
//!
//! Decides by privacy record, matrix and the component's own state; writes nothing.

use super::when::When;
use super::{StoredObject, Unprojectable, ViewProfile};
use crate::access::{Cell, Relation};
use crate::level::Visibility;
use crate::participation::{mail_address, takes_part};
use ical::{CalendarObject, Component, ComponentKind, RecurrenceId};

/// One component and what is decided for it.
#[derive(Clone, Debug)]
pub(super) struct Placement<'a> {
    /// The component.
    pub(super) component: &'a Component,
    /// `None`: the master.
    pub(super) recurrence_id: Option<RecurrenceId>,
    /// What the matrix says of its privacy.
    pub(super) cell: Cell,
    /// What is shown of it; Hidden: nothing.
    pub(super) shown: Visibility,
    /// How its time counts where it is shown at FreeBusy.
    pub(super) occupancy: Occupancy,
}

/// Whether a component takes time from its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occupancy {
    /// It does: opaque, not cancelled, not declined, longer than zero.
    Busy,
    /// It does not. Shown at FreeBusy only to someone who may edit another component of the object.
    Free,
}

/// Decides for every component of `base`, in stored order.
pub(super) fn place<'a>(
    base: &'a CalendarObject,
    object: &StoredObject<'_>,
    profile: &ViewProfile,
) -> Result<Vec<Placement<'a>>, Unprojectable> {
    let mut placements = Vec::new();
    for component in base.components() {
        let recurrence_id = base.recurrence_id(component);
        if recurrence_id.is_none() && component.line("RECURRENCE-ID").is_some() {
            return Err(Unprojectable);
        }
        let cell = cell_of(base.kind(), component, object, profile, recurrence_id.as_ref());
        let mut placement = Placement { component, recurrence_id, cell, shown: Visibility::Hidden, occupancy: Occupancy::Busy };
        if cell.visibility == Visibility::Full {
            placement.shown = Visibility::Full;
        } else {
            decide(base, profile, &mut placement)?;
        }
        placements.push(placement);
    }
    // Whoever may change or remove one component is shown that there are others, so that what he may do with the object is
    // a function of what he is shown, and what he stores or deletes never takes away what he was not told of.
    if placements.iter().any(|placement| may_change(&placement.cell)) {
        for placement in placements.iter_mut().filter(|placement| placement.shown == Visibility::Hidden) {
            placement.shown = Visibility::FreeBusy;
        }
    }
    Ok(placements)
}

/// The same for free/busy: what the viewer is shown of the object, taken at FreeBusy and without rights, so that his report
/// says neither more nor less than his calendar.
pub(super) fn place_busy<'a>(
    base: &'a CalendarObject,
    object: &StoredObject<'_>,
    profile: &ViewProfile,
) -> Result<Vec<Placement<'a>>, Unprojectable> {
    let mut placements = place(base, object, profile)?;
    for placement in &mut placements {
        placement.cell = Cell { visibility: placement.shown.min(Visibility::FreeBusy), edit: false, delete: false };
        decide(base, profile, placement)?;
    }
    Ok(placements)
}

/// Whether a cell lets its component be changed or removed. Rights without Full visibility are none.
pub(super) fn may_change(cell: &Cell) -> bool {
    cell.visibility == Visibility::Full && (cell.edit || cell.delete)
}

/// The cell that holds for one component. What a viewer created and nobody else has written since is his to see and edit
/// while he reaches the calendar at all; what the owner invited him to is his to see. A synchronization target is nobody: it
/// neither has what it brought nor is it invited.
fn cell_of(
    kind: ComponentKind,
    component: &Component,
    object: &StoredObject<'_>,
    profile: &ViewProfile,
    recurrence_id: Option<&RecurrenceId>,
) -> Cell {
    let privacy = object.privacy.of(recurrence_id);
    let matrix = &profile.matrix;
    if matches!(matrix.relation, Relation::Target(_)) {
        return matrix.cell_of(privacy, kind);
    }
    let cell = if object.created_by_viewer { matrix.for_creator().cell(privacy) } else { matrix.cell(privacy) };
    let invited = cell.visibility < Visibility::Full && takes_part(component, recurrence_id, object, profile);
    if invited { matrix.for_participant().cell(privacy) } else { cell }
}

/// What is shown of a component below Full.
fn decide(base: &CalendarObject, profile: &ViewProfile, placement: &mut Placement<'_>) -> Result<(), Unprojectable> {
    let component = placement.component;
    let gone = has_value(component, "STATUS", "CANCELLED") || is_declined(component, profile);
    placement.occupancy = match base.kind() {
        ComponentKind::Event => {
            let opaque = !has_value(component, "TRANSP", "TRANSPARENT");
            // How long something hidden takes makes no difference, unless it is shown after all; then it is read again.
            let takes_time = || match is_longer_than_zero(base, component) {
                Err(Unprojectable) if placement.cell.visibility == Visibility::Hidden => Ok(false),
                read => read,
            };
            if opaque && !gone && takes_time()? { Occupancy::Busy } else { Occupancy::Free }
        }
        ComponentKind::ToDo | ComponentKind::Journal => Occupancy::Free,
        ComponentKind::FreeBusy | ComponentKind::Availability => Occupancy::Busy,
    };
    let listed = match (placement.cell.visibility, base.kind()) {
        (Visibility::Hidden, _) => false,
        (Visibility::FreeBusy, _) => placement.occupancy == Occupancy::Busy,
        // The titles of a journal come without its recurrence, and without it a series cannot be told from one entry.
        (Visibility::Title, ComponentKind::Journal) => !gone && !is_recurring(component),
        (Visibility::Title, _) => !gone,
        (Visibility::Full, _) => true,
    };
    placement.shown = if listed { placement.cell.visibility } else { Visibility::Hidden };
    Ok(())
}

fn is_recurring(component: &Component) -> bool {
    component.line("RRULE").is_some() || component.line("RDATE").is_some()
}

fn is_longer_than_zero(base: &CalendarObject, component: &Component) -> Result<bool, Unprojectable> {
    Ok(When::read(base, component)?.length().is_some_and(|length| length > chrono::TimeDelta::zero()))
}

/// Whether a line named `name` has this value, in any case.
pub(super) fn has_value(component: &Component, name: &str, value: &str) -> bool {
    component.lines_named(name).any(|line| line.value.trim().eq_ignore_ascii_case(value))
}

/// Whether the calendar's owner is an attendee of the component and declined it.
fn is_declined(component: &Component, profile: &ViewProfile) -> bool {
    component.lines_named("ATTENDEE").any(|line| {
        line.parameter("PARTSTAT").is_some_and(|status| status.eq_ignore_ascii_case("DECLINED"))
            && mail_address(&line.value).is_some_and(|address| profile.owner_addresses.contains(&address))
    })
}
