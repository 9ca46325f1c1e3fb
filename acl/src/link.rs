//! What a link shows to whoever holds it: a calendar as a grant of its level to everyone would, or one event in full.
//!
//! A link never gives rights. What it shows is projected like everything else; this only makes the matrix.

use crate::access::{AccessMatrix, CalendarFacts, Cell, Relation, ViewerFacts, access};
use crate::level::{Grant, Level, Visibility};
use crate::policy::{CalendarPolicy, Policy};
use crate::principal::{Grantee, LinkId, PrincipalId};
use chrono::DateTime;
use std::collections::BTreeSet;

/// The levels at which a calendar can be published: none that gives rights.
pub const LINK_LEVELS: [Level; 3] = [Level::FreeBusy, Level::Titles, Level::Details];

/// Who looks through a link, as far as a viewer must have an id: nobody's, so that nothing is personal to him.
pub fn viewer_of(link: LinkId) -> PrincipalId {
    PrincipalId(link.0)
}

/// What a link to a calendar shows: what a grant of its level to everyone would, and nothing that other grants give.
pub fn published(link: LinkId, level: Level, calendar: &CalendarPolicy, policy: &Policy) -> AccessMatrix {
    let grants = [Grant::of_level(Grantee::Everyone, level)];
    // Nobody is the owner here: links show the same whoever she is.
    let facts = CalendarFacts { owner: PrincipalId([0; 16]), policy: calendar, grants: &grants };
    let viewer = ViewerFacts { id: viewer_of(link), groups: &BTreeSet::new() };
    access(&viewer, &facts, policy, DateTime::UNIX_EPOCH).matrix
}

/// What a link to one event shows of it: everything, whatever its privacy, because its owner chose that event.
pub fn direct() -> AccessMatrix {
    let cell = Cell { visibility: Visibility::Full, edit: false, delete: false };
    AccessMatrix { relation: Relation::Other, cells: [cell; 4], create: false, with_places: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::EventPrivacy;

    #[test]
    fn no_link_gives_a_right() {
        let seen = [Visibility::FreeBusy, Visibility::Title, Visibility::Full];
        for (level, standard) in LINK_LEVELS.into_iter().zip(seen) {
            let matrix = published(LinkId([7; 16]), level, &CalendarPolicy::default(), &Policy::default());
            assert_eq!(matrix.cell(EventPrivacy::Standard).visibility, standard);
            assert_eq!(matrix.cell(EventPrivacy::Private).visibility, Visibility::FreeBusy);
            assert!(!matrix.create && matrix.cells.iter().all(|cell| !cell.edit && !cell.delete));
        }
        let direct = direct();
        assert!(direct.cells.iter().all(|cell| cell.visibility == Visibility::Full && !cell.edit && !cell.delete));
        assert_eq!(direct.relation, Relation::Other);
    }
}
