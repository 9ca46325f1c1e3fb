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

pub(crate) use cache::Views;
pub(crate) use calendar_view::CalendarView;
pub(crate) use home_view::{HomeView, Member};
pub(crate) use loaded::{LoadedObject, RealIdentity};

use crate::error::Result;
use crate::read::Transaction;
use crate::store::Snapshot;
use acl::{PrincipalId, ViewProfile};
use cache::Slot;
use keys::Scope;
use std::sync::PoisonError;

/// Runs `work` on a calendar's view as it is now.
pub(crate) fn with_calendar<T>(
    snapshot: &Snapshot<'_>,
    profile: &ViewProfile,
    work: impl FnOnce(&mut CalendarView, &mut Transaction<'_>) -> Result<T>,
) -> Result<T> {
    let scope = Scope::Calendar(profile.viewer, profile.calendar);
    let slot = snapshot.views().calendar(scope);
    let (outcome, cost) = in_slot(
        snapshot,
        &slot,
        || CalendarView::load(snapshot, profile),
        |view, transaction| {
            view.advance(transaction, profile, snapshot.limits())?;
            Ok((work(view, transaction), view.len()))
        },
    )?;
    drop(slot);
    snapshot.views().settle(scope, cost, snapshot.limits());
    outcome
}

/// Runs `work` on the view of the viewer's own home, whose members are these.
pub(crate) fn with_home<T>(
    snapshot: &Snapshot<'_>,
    viewer: PrincipalId,
    members: Vec<(String, Member)>,
    work: impl FnOnce(&mut HomeView, &mut Transaction<'_>) -> Result<T>,
) -> Result<T> {
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

/// Takes a view out of its slot, loading it if there is none, and puts it back once what it learned is committed: whatever
/// fails between leaves the slot empty, and the next reader begins with what is stored.
fn in_slot<V, T>(
    snapshot: &Snapshot<'_>,
    slot: &Slot<V>,
    load: impl FnOnce() -> Result<V>,
    work: impl FnOnce(&mut V, &mut Transaction<'_>) -> Result<T>,
) -> Result<T> {
    let mut guard = slot.lock().unwrap_or_else(PoisonError::into_inner);
    let mut view = match guard.take() {
        Some(view) => view,
        None => load()?,
    };
    let mut transaction = snapshot.begin();
    let outcome = work(&mut view, &mut transaction)?;
    snapshot.commit(transaction)?;
    *guard = Some(view);
    Ok(outcome)
}
