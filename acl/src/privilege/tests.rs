//! What `current-user-privilege-set` holds at every level.

use super::*;
use crate::access::{CalendarFacts, OwnerFacts, ViewerFacts, access};
use crate::level::{Grant, Level};
use crate::policy::{CalendarPolicy, ModuleRole, Policy};
use crate::principal::{Grantee, PrincipalId};
use Privilege::{Bind, Read, ReadCurrentUserPrivilegeSet, ReadFreeBusy, ReadTitles, Unbind, Write, WriteContent, WriteProperties};
use std::collections::BTreeSet;

fn matrix_of(grant: &Grant) -> AccessMatrix {
    let (groups, policy) = (BTreeSet::new(), CalendarPolicy::default());
    let owner = OwnerFacts { id: PrincipalId([1; 16]), groups: &groups, roles: &[] };
    let facts = CalendarFacts { owner, policy: &policy, grants: std::slice::from_ref(grant), exceptions: &[], opened_until: None };
    let viewer = ViewerFacts { id: PrincipalId([2; 16]), groups: &groups, role: None, module: ModuleRole::Employee, target: None };
    access(&viewer, &facts, &Policy::default(), chrono::DateTime::UNIX_EPOCH).matrix
}

fn at(level: Level) -> AccessMatrix {
    matrix_of(&Grant::of_level(Grantee::Everyone, level))
}

#[test]
fn each_level_announces_what_clients_look_for() {
    let table: [(Level, &[Privilege]); 6] = [
        (Level::None, &[]),
        (Level::FreeBusy, &[Read, ReadFreeBusy, WriteProperties, ReadCurrentUserPrivilegeSet]),
        (Level::Titles, &[Read, ReadFreeBusy, ReadTitles, WriteProperties, ReadCurrentUserPrivilegeSet]),
        (Level::Details, &[Read, ReadFreeBusy, ReadTitles, WriteProperties, ReadCurrentUserPrivilegeSet]),
        (Level::Edit, &[Read, ReadFreeBusy, ReadTitles, WriteProperties, WriteContent, Bind, ReadCurrentUserPrivilegeSet]),
        (
            Level::EditDelete,
            &[Read, ReadFreeBusy, ReadTitles, Write, WriteProperties, WriteContent, Bind, Unbind, ReadCurrentUserPrivilegeSet],
        ),
    ];
    for (level, privileges) in table {
        assert_eq!(calendar_privileges(&at(level)), privileges, "{}", level.word());
    }
    assert_eq!(calendar_privileges(&AccessMatrix::owner()), Privilege::ALL);
}

#[test]
fn who_may_only_put_events_in_can_bind_and_not_write() {
    let assigning = matrix_of(&Grant { create_always: true, ..Grant::of_level(Grantee::Everyone, Level::FreeBusy) });
    let privileges = calendar_privileges(&assigning);
    assert!(privileges.contains(&Bind));
    assert!(!privileges.contains(&WriteContent) && !privileges.contains(&Write) && !privileges.contains(&Unbind));
}

#[test]
fn an_object_that_is_shown_reduced_is_read_only_even_to_an_editor() {
    let none = ObjectRights::default();
    let edit = ObjectRights { edit: true, delete: false };
    let both = ObjectRights { edit: true, delete: true };
    let writing = |level, rights| {
        let held = object_privileges(&at(level), rights);
        [Write, WriteContent, Bind, Unbind].into_iter().filter(|privilege| held.contains(privilege)).collect::<Vec<_>>()
    };
    assert_eq!(writing(Level::EditDelete, none), []);
    assert_eq!(writing(Level::Edit, edit), [WriteContent, Bind]);
    assert_eq!(writing(Level::EditDelete, both), [Write, WriteContent, Bind, Unbind]);
    assert_eq!(writing(Level::EditDelete, ObjectRights { edit: false, delete: true }), [Unbind]);
    assert_eq!(object_privileges(&AccessMatrix::owner(), both), Privilege::ALL);
}
