//! The order in which a view's names changed, by state and name, so that what lies behind a position is found without looking at
//! the rest.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::sync::Arc;

/// What bears a name in a view.
pub(crate) trait Named {
    /// The name as shown.
    fn name(&self) -> &str;
}

impl Named for str {
    fn name(&self) -> &str {
        self
    }
}

/// A point in the order of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment<'a> {
    pub(crate) state: u64,
    pub(crate) name: &'a str,
}

impl Moment<'_> {
    /// Before all names of a state.
    pub(crate) fn first_of(state: u64) -> Self {
        Self { state, name: "" }
    }
}

/// What has a moment: places are looked up by one without making another.
pub(crate) trait Placed {
    fn moment(&self) -> Moment<'_>;
}

impl Placed for Moment<'_> {
    fn moment(&self) -> Moment<'_> {
        *self
    }
}

impl PartialEq for dyn Placed + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.moment() == other.moment()
    }
}
impl Eq for dyn Placed + '_ {}
impl PartialOrd for dyn Placed + '_ {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for dyn Placed + '_ {
    fn cmp(&self, other: &Self) -> Ordering {
        self.moment().cmp(&other.moment())
    }
}

/// The place of a name: in which state it last changed.
#[derive(Debug)]
pub(crate) struct Place<N: ?Sized> {
    pub(crate) state: u64,
    pub(crate) of: Arc<N>,
}

impl<N: Named + ?Sized> Placed for Place<N> {
    fn moment(&self) -> Moment<'_> {
        Moment { state: self.state, name: self.of.name() }
    }
}

impl<'a, N: Named + ?Sized + 'a> Borrow<dyn Placed + 'a> for Place<N> {
    fn borrow(&self) -> &(dyn Placed + 'a) {
        self
    }
}

impl<N: Named + ?Sized> PartialEq for Place<N> {
    fn eq(&self, other: &Self) -> bool {
        self.moment() == other.moment()
    }
}
impl<N: Named + ?Sized> Eq for Place<N> {}
impl<N: Named + ?Sized> PartialOrd for Place<N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<N: Named + ?Sized> Ord for Place<N> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.moment().cmp(&other.moment())
    }
}
