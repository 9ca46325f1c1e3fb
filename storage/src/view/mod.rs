//! Views: what each collection looks like to each viewer, with its sync states. Derived data: made from what is stored and
//! from `acl::project`, kept so that listings load no bodies and old sync tokens (RFC 6578) are answered exactly.
//!
//! A view is advanced when somebody looks, readers included; a lock of its own guards it, and its records are one commit. Must
//! not decide access, and must not hand out a stored object.

mod cache;
mod calendar_view;
mod home_view;
mod keys;
mod ledger;
mod loaded;
mod order;
mod recall;
mod rows;
mod spans;

pub(crate) use cache::Views;
pub(crate) use calendar_view::CalendarView;
pub(crate) use home_view::{HomeView, Member};
pub(crate) use loaded::{LoadedObject, RealIdentity};
pub(crate) use order::Named;
pub(crate) use recall::{Projection, Recall};
pub use rows::Rows;

use crate::error::{Error, Result};
use crate::read::{Transaction, record};
use crate::store::{Noted, Snapshot};
use acl::{CalendarId, PrincipalId, ViewProfile};
use cache::Slot;
use keys::Scope;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Runs `work` on a calendar's view as it is now, beside others who look at it.
pub(crate) fn look_at_calendar<T>(
    snapshot: &Snapshot<'_>,
    profile: &Arc<ViewProfile>,
    work: impl FnOnce(&CalendarView) -> Result<T>,
) -> Result<T> {
    let scope = Scope::Calendar(profile.viewer, profile.calendar);
    let head = head(snapshot, profile)?;
    let (slot, guard);
    if snapshot.is_at_hand() {
        slot = snapshot.views().calendar_at_hand(scope);
        guard = slot.as_ref().and_then(|slot| slot.try_read());
    } else {
        slot = Some(snapshot.views().calendar(scope));
        guard = slot.as_ref().map(|slot| slot.read());
    }
    if let Some(view) = guard.as_ref().and_then(|guard| guard.as_ref()).filter(|view| view.is_known_current(head, profile)) {
        return work(view);
    }
    drop(guard);
    drop(slot);
    with_calendar(snapshot, profile, |view, _| work(view))
}

fn head(snapshot: &Snapshot<'_>, profile: &ViewProfile) -> Result<u64> {
    Ok(snapshot.calendar(profile.calendar)?.ok_or(Error::NotFound)?.stored.record.head)
}

/// Runs `work` on a calendar's view as it is now, alone.
pub(crate) fn with_calendar<T>(
    snapshot: &Snapshot<'_>,
    profile: &Arc<ViewProfile>,
    work: impl FnOnce(&mut CalendarView, &mut Transaction<'_>) -> Result<T>,
) -> Result<T> {
    let scope = Scope::Calendar(profile.viewer, profile.calendar);
    let head = head(snapshot, profile)?;
    if snapshot.is_at_hand() {
        return at_hand(snapshot, scope, |view| view.is_current(head, profile), work);
    }
    let slot = snapshot.views().calendar(scope);
    let (outcome, cost) = in_slot(
        snapshot,
        &slot,
        || CalendarView::load(snapshot, profile),
        |view, transaction| {
            if !view.is_current(head, profile) {
                view.advance(transaction, profile, snapshot.parsed(), snapshot.limits())?;
            }
            Ok((work(view, transaction), view.len()))
        },
    )?;
    drop(slot);
    snapshot.views().settle(scope, cost, snapshot.limits());
    outcome
}

/// Runs `work` on a view that is in memory, as it is now, and at nobody's hands.
fn at_hand<T>(
    snapshot: &Snapshot<'_>,
    scope: Scope,
    is_current: impl FnOnce(&mut CalendarView) -> bool,
    work: impl FnOnce(&mut CalendarView, &mut Transaction<'_>) -> Result<T>,
) -> Result<T> {
    let declined = || snapshot.not_at_hand().and(Err(Error::NotAtHand));
    let Some(slot) = snapshot.views().calendar_at_hand(scope) else { return declined() };
    let Some(mut guard) = slot.try_write() else { return declined() };
    if !guard.as_mut().is_some_and(is_current) {
        return declined();
    }
    // As in a slot: where `work` ends otherwise than well, the next reader begins with what is stored.
    let Some(mut view) = guard.take() else { return declined() };
    let mut transaction = snapshot.begin();
    let outcome = work(&mut view, &mut transaction);
    if !transaction.is_empty() {
        return declined();
    }
    *guard = Some(view);
    outcome
}

/// Runs `work` on the view of the viewer's own home, whose members are these.
pub(crate) fn with_home<T>(
    snapshot: &Snapshot<'_>,
    viewer: PrincipalId,
    members: Vec<Member>,
    work: impl FnOnce(&mut HomeView, &mut Transaction<'_>) -> Result<T>,
) -> Result<T> {
    snapshot.not_at_hand()?;
    let scope = Scope::Home(viewer);
    let slot = snapshot.views().home(scope);
    in_slot(
        snapshot,
        &slot,
        || HomeView::load(snapshot, scope, snapshot.key()),
        |view, transaction| {
            view.advance(transaction, members, snapshot.limits())?;
            Ok(work(view, transaction))
        },
    )?
}

/// Ends every sync token that was given out for a calendar, for good: what the views hold goes, and the numbers of their viewers'
/// own writes, which are in every token, go on. Views in memory are to be forgotten too.
pub(crate) fn end_tokens(transaction: &mut Transaction<'_>, calendar: CalendarId) -> Result<()> {
    let range = crate::keys::table_of(crate::keys::VIEWS, &calendar.0);
    let mut viewers = BTreeSet::new();
    for key in crate::read::keys(transaction, &range)? {
        viewers.extend(crate::keys::id_at(&key, 1).map(PrincipalId));
    }
    let own_writes = |viewer| Scope::Calendar(viewer, calendar).own_writes();
    let numbers = viewers.iter().map(|viewer| Ok(record::<u64>(transaction, &own_writes(*viewer))?.unwrap_or_default()));
    let numbers: Vec<u64> = numbers.collect::<Result<_>>()?;
    transaction.delete_range(&range)?;
    for (viewer, number) in viewers.into_iter().zip(numbers) {
        transaction.put_record(own_writes(viewer), &number.saturating_add(1))?;
    }
    Ok(())
}

/// Takes a view out of its slot, loading it if there is none, and puts it back once what it learned is committed: whatever
/// fails between leaves the slot empty, and the next reader begins with what is stored.
fn in_slot<V, T>(
    snapshot: &Snapshot<'_>,
    slot: &Slot<V>,
    load: impl FnOnce() -> Result<V>,
    work: impl FnOnce(&mut V, &mut Transaction<'_>) -> Result<T>,
) -> Result<T> {
    let mut guard = slot.write();
    let mut view = match guard.take() {
        Some(view) => view,
        None => load()?,
    };
    let mut transaction = snapshot.begin();
    let outcome = work(&mut view, &mut transaction)?;
    match snapshot.note(transaction)? {
        Noted::Kept | Noted::Aside => *guard = Some(view),
        // In memory it would be ahead of what is stored.
        Noted::Refused => {}
    }
    Ok(outcome)
}
