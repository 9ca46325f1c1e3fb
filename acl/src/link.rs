//! What a link shows to whoever holds it: a calendar as a grant of its level to everyone would, or one event in full.
//!
//! A link never gives rights. What it shows is projected like everything else; this only makes the matrix.

use crate::access::{AccessMatrix, CalendarFacts, Cell, OwnerFacts, Relation, ViewerFacts, access};
use crate::level::{Grant, Level};
use crate::policy::{CalendarPolicy, GrantsCreate, Mode, Policy};
use crate::principal::{Grantee, LinkId, PrincipalId};
use chrono::DateTime;
use std::collections::BTreeSet;

/// The levels at which a calendar can be published: none that gives rights.
pub const LINK_LEVELS: [Level; 3] = [Level::FreeBusy, Level::Titles, Level::Details];

/// Who looks through a link, as far as a viewer must have an id: nobody's, so that nothing is personal to him.
pub fn viewer_of(link: LinkId) -> PrincipalId {
    PrincipalId(link.0)
}

/// The level at which a link shows what was published at `level`: whoever holds it is nobody's fellow, so that the caps of
/// shares with everyone and with people outside of the owner's groups hold.
pub fn capped(level: Level, policy: &Policy) -> Level {
    [policy.caps.everyone, policy.caps.outside_group].into_iter().flatten().fold(level, Level::min)
}

/// What a link to a calendar shows: what a grant of its level to everyone would, and nothing that other grants or the
/// organisation give.
pub fn published(link: LinkId, level: Level, calendar: &CalendarPolicy, policy: &Policy) -> AccessMatrix {
    let grants = [Grant::of_level(Grantee::Everyone, level)];
    let groups = BTreeSet::new();
    // Nobody is the owner here: links show the same whoever she is.
    let owner = OwnerFacts { id: PrincipalId([0; 16]), groups: &groups, roles: &[] };
    let facts = CalendarFacts { owner, policy: calendar, grants: &grants, exceptions: &[], opened_until: None };
    let policy = Policy { mode: Mode::Off, grants_create: GrantsCreate::Level, ..policy.clone() };
    let matrix = access(&ViewerFacts::employee(viewer_of(link), &groups), &facts, &policy, DateTime::UNIX_EPOCH).matrix;
    let cells = matrix.cells.map(|cell| Cell { edit: false, delete: false, ..cell });
    AccessMatrix { create: false, cells, ..matrix }
}

/// What a link to one event shows of it: everything up to the caps, whatever its privacy, because its owner chose that event.
pub fn direct(policy: &Policy) -> AccessMatrix {
    let (visibility, _) = capped(Level::Details, policy).parts();
    let cell = Cell { visibility, edit: false, delete: false };
    AccessMatrix { relation: Relation::Other, cells: [cell; 4], create: false, with_places: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Visibility;
    use crate::policy::{Caps, Preset};
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
        let direct = direct(&Policy::default());
        assert!(direct.cells.iter().all(|cell| cell.visibility == Visibility::Full && !cell.edit && !cell.delete));
        assert_eq!(direct.relation, Relation::Other);
    }

    #[test]
    fn caps_bound_links_and_neither_mode_nor_preset_adds_to_them() {
        let caps = Caps { everyone: Some(Level::Titles), group: None, outside_group: Some(Level::EditDelete) };
        for preset in Preset::ALL {
            let open = Policy { mode: Mode::PublicEditDelete, caps, ..preset.policy() };
            let bounded = Policy { mode: Mode::Off, ..open.clone() };
            for level in LINK_LEVELS {
                let link = |policy: &Policy| published(LinkId([7; 16]), level, &CalendarPolicy::default(), policy);
                assert_eq!(link(&open), link(&bounded));
                assert!(link(&open).cell(EventPrivacy::Standard).visibility <= Visibility::Title);
                assert!(!link(&open).create && link(&open).cells.iter().all(|cell| !cell.edit && !cell.delete));
            }
            assert_eq!(direct(&open).cell(EventPrivacy::Standard).visibility, Visibility::Title);
        }
        assert_eq!(capped(Level::FreeBusy, &Policy { caps, ..Policy::default() }), Level::FreeBusy);
    }
}
