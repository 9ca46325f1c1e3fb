//! Views in memory: bounded by number and by the rows they hold, the longest unused dropped first. What is dropped is read
//! again from the store.

use super::calendar_view::CalendarView;
use super::home_view::HomeView;
use super::keys::Scope;
use crate::limits::Limits;
use acl::CalendarId;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A place for one view; empty until it is loaded. Whoever only looks does so beside others.
pub(crate) type Slot<V> = Arc<RwLock<Option<V>>>;

struct Cached {
    view: Kind,
    used: u64,
    /// Rows held.
    cost: usize,
}

enum Kind {
    Calendar(Slot<CalendarView>),
    Home(Slot<HomeView>),
}

impl Kind {
    /// Dropping a view somebody is working on would let a second one of it live beside.
    fn is_idle(&self) -> bool {
        match self {
            Self::Calendar(slot) => Arc::strong_count(slot) == 1,
            Self::Home(slot) => Arc::strong_count(slot) == 1,
        }
    }
}

#[derive(Default)]
struct Table {
    cached: HashMap<Scope, Cached>,
    uses: u64,
    /// Rows of all of them.
    rows: usize,
}

/// All views in memory.
#[derive(Default)]
pub(crate) struct Views {
    table: Mutex<Table>,
}

impl Views {
    /// The place of a calendar's view.
    pub(crate) fn calendar(&self, scope: Scope) -> Slot<CalendarView> {
        let mut table = self.table();
        let made = || Kind::Calendar(Slot::default());
        match &table.used(scope, made).view {
            Kind::Calendar(slot) => slot.clone(),
            // A scope is of one kind; a place beside the table is right too, only slower.
            Kind::Home(_) => Slot::default(),
        }
    }

    /// The same if there is one.
    pub(crate) fn calendar_at_hand(&self, scope: Scope) -> Option<Slot<CalendarView>> {
        let mut table = self.table();
        table.uses = table.uses.saturating_add(1);
        let uses = table.uses;
        let cached = table.cached.get_mut(&scope)?;
        cached.used = uses;
        match &cached.view {
            Kind::Calendar(slot) => Some(slot.clone()),
            Kind::Home(_) => None,
        }
    }

    /// The place of a home's view.
    pub(crate) fn home(&self, scope: Scope) -> Slot<HomeView> {
        let mut table = self.table();
        let made = || Kind::Home(Slot::default());
        match &table.used(scope, made).view {
            Kind::Home(slot) => slot.clone(),
            Kind::Calendar(_) => Slot::default(),
        }
    }

    /// Notes what a view now costs, and makes room.
    pub(crate) fn settle(&self, scope: Scope, cost: usize, limits: &Limits) {
        let mut table = self.table();
        if let Some(before) = table.cached.get_mut(&scope).map(|cached| std::mem::replace(&mut cached.cost, cost)) {
            table.rows = table.rows.saturating_sub(before).saturating_add(cost);
        }
        while table.cached.len() > limits.views_cached_max || table.rows > limits.view_rows_cached_max {
            let idle = table.cached.iter().filter(|(other, cached)| **other != scope && cached.view.is_idle());
            let Some(oldest) = idle.min_by_key(|(_, cached)| cached.used).map(|(oldest, _)| *oldest) else { break };
            let cost = table.cached.remove(&oldest).map_or(0, |cached| cached.cost);
            table.rows = table.rows.saturating_sub(cost);
        }
    }

    /// Drops everyone's views of a calendar. Nobody may be working on one: only where a write has the store alone.
    pub(crate) fn forget(&self, calendar: CalendarId) {
        let mut table = self.table();
        table.cached.retain(|scope, _| !matches!(scope, Scope::Calendar(_, of) if *of == calendar));
        table.rows = table.cached.values().map(|cached| cached.cost).sum();
    }

    /// Drops all. Nobody may be working on one.
    pub(crate) fn clear(&self) {
        let mut table = self.table();
        table.cached.clear();
        table.rows = 0;
    }

    /// Rows of all of them, and what else is counted as one.
    #[cfg(test)]
    pub(crate) fn rows(&self) -> usize {
        self.table().rows
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn used(&mut self, scope: Scope, made: impl FnOnce() -> Kind) -> &Cached {
        self.uses = self.uses.saturating_add(1);
        let cached = self.cached.entry(scope).or_insert_with(|| Cached { view: made(), used: 0, cost: 0 });
        cached.used = self.uses;
        cached
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use acl::PrincipalId;

    /// The view of one viewer and one calendar, of two hundred thousand.
    fn scope(number: u128) -> Scope {
        match number % 4 {
            0 => Scope::Home(PrincipalId(number.to_be_bytes())),
            _ => Scope::Calendar(PrincipalId((number / 8).to_be_bytes()), CalendarId(number.to_be_bytes())),
        }
    }

    fn look(views: &Views, number: u128, cost: usize, limits: &Limits) {
        match number % 4 {
            0 => drop(views.home(scope(number))),
            _ => drop(views.calendar(scope(number))),
        }
        views.settle(scope(number), cost, limits);
    }

    #[test]
    fn two_hundred_thousand_views_stay_under_their_bounds_and_one_at_work_is_kept() {
        let limits = Limits { views_cached_max: 50, view_rows_cached_max: 400, ..Limits::default() };
        let views = Views::default();
        let at_work = views.calendar(scope(1));
        for number in 2..200_000 {
            look(&views, number, if number % 100 < 50 { 2 } else { 20 }, &limits);
            let table = views.table();
            let rows: usize = table.cached.values().map(|cached| cached.cost).sum();
            assert!(table.cached.len() <= limits.views_cached_max && rows <= limits.view_rows_cached_max);
            assert_eq!(table.rows, rows, "the sum that is kept");
        }
        assert!(Arc::ptr_eq(&at_work, &views.calendar(scope(1))), "a second one would live beside it");
    }
}
