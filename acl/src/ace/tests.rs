//! ACL requests: what each becomes, and the element each refusal has.

use super::*;
use crate::level::{GrantPrivateEvents, Level};
use crate::principal::PrincipalId;
use chrono::DateTime;

const BOB: Grantee = Grantee::User(PrincipalId([2; 16]));
const TEAM: Grantee = Grantee::Group(PrincipalId([3; 16]));

fn ace(principal: AcePrincipal, privileges: &[Privilege]) -> Ace {
    Ace { principal, privileges: privileges.iter().copied().map(Some).collect(), deny: false, protected: false }
}

fn for_bob(privileges: &[Privilege]) -> Ace {
    ace(AcePrincipal::Grantee(BOB), privileges)
}

fn level_of(privileges: &[Privilege]) -> Result<Option<Level>, AceError> {
    grants_from_aces(&[for_bob(privileges)], &[]).map(|grants| grants.first().and_then(Grant::level))
}

#[test]
fn the_usual_combinations_are_levels() {
    use Privilege::{Bind, Read, ReadFreeBusy, ReadTitles, Unbind, Write, WriteContent};
    let table: [(&[Privilege], Level); 7] = [
        (&[ReadFreeBusy], Level::FreeBusy),
        (&[ReadTitles], Level::Titles),
        (&[Read], Level::Details),
        (&[ReadFreeBusy, ReadTitles, Read], Level::Details),
        (&[Read, Bind, WriteContent], Level::Edit),
        (&[Read, Bind, WriteContent, Unbind], Level::EditDelete),
        (&[Read, Write], Level::EditDelete),
    ];
    for (privileges, level) in table {
        assert_eq!(level_of(privileges), Ok(Some(level)), "{privileges:?}");
    }
    assert_eq!(level_of(&[ReadFreeBusy, Bind]), Ok(None), "a combination of its own");
    assert_eq!(level_of(&[Bind]), Ok(None), "a drop box");
}

#[test]
fn each_refusal_has_the_element_that_fits() {
    use Privilege::{All, Read, ReadAcl, ReadCurrentUserPrivilegeSet, ReadTitles, Unbind, Unlock, Write, WriteAcl, WriteContent};
    let unknown = Ace { privileges: vec![Some(Read), None], ..for_bob(&[]) };
    let deny = |privileges: &[Privilege]| Ace { deny: true, ..for_bob(privileges) };
    let deny_team = Ace { deny: true, ..ace(AcePrincipal::Grantee(TEAM), &[Read]) };
    let deny_all = Ace { deny: true, ..ace(AcePrincipal::Grantee(Grantee::Everyone), &[Read]) };
    let protected = Ace { protected: true, ..for_bob(&[Read]) };
    let table = [
        (deny(&[Write]), AceError::NoAceConflict),
        (deny(&[ReadTitles]), AceError::NoAceConflict),
        (deny_team, AceError::NoAceConflict),
        (deny_all, AceError::NoAceConflict),
        (unknown, AceError::NotSupportedPrivilege),
        (ace(AcePrincipal::Unknown, &[Read]), AceError::RecognizedPrincipal),
        (ace(AcePrincipal::NotAllowed, &[Read]), AceError::AllowedPrincipal),
        (for_bob(&[WriteContent]), AceError::NoAceConflict),
        (for_bob(&[ReadTitles, WriteContent]), AceError::NoAceConflict),
        (for_bob(&[ReadTitles, Unbind]), AceError::NoAceConflict),
        (for_bob(&[Write]), AceError::NoAceConflict),
        (for_bob(&[Read, All]), AceError::NoAceConflict),
        (for_bob(&[Read, ReadAcl]), AceError::NoAceConflict),
        (for_bob(&[Read, WriteAcl]), AceError::NoAceConflict),
        (for_bob(&[Read, Unlock]), AceError::NoAceConflict),
        (for_bob(&[]), AceError::NoAceConflict),
        (for_bob(&[ReadCurrentUserPrivilegeSet]), AceError::NoAceConflict),
        (protected, AceError::NoAceConflict),
        (ace(AcePrincipal::Inverted, &[Read]), AceError::NoInvert),
        (ace(AcePrincipal::Owner, &[Read]), AceError::NoProtectedAceConflict),
        (Ace { deny: true, ..ace(AcePrincipal::Owner, &[All]) }, AceError::NoProtectedAceConflict),
    ];
    for (refused, error) in table {
        // Nothing of a refused request holds, whatever else stands in it.
        let aces = [ace(AcePrincipal::Grantee(TEAM), &[Read]), refused.clone()];
        assert_eq!(grants_from_aces(&aces, &[]), Err(error), "{refused:?}");
    }
}

#[test]
fn the_owners_own_ace_comes_back_and_changes_nothing() {
    let own = Ace { protected: true, ..ace(AcePrincipal::Owner, &[Privilege::All]) };
    assert_eq!(grants_from_aces(&[own], &[]), Ok(Vec::new()));
    assert_eq!(grants_from_aces(&[ace(AcePrincipal::Owner, &[Privilege::All])], &[]), Ok(Vec::new()));
}

#[test]
fn several_aces_for_one_principal_add_up() {
    let aces = [for_bob(&[Privilege::WriteContent]), for_bob(&[Privilege::Bind, Privilege::WriteProperties]), for_bob(&[Privilege::Read])];
    assert_eq!(grants_from_aces(&aces, &[]), Ok(vec![Grant::of_level(BOB, Level::Edit)]));
}

#[test]
fn an_unchanged_ace_keeps_modifiers_and_end_and_a_changed_one_does_not() {
    let stored = Grant {
        private_events: Some(GrantPrivateEvents::Hidden),
        create_always: true,
        with_places: true,
        until: DateTime::from_timestamp(1_900_000_000, 0),
        ..Grant::of_level(BOB, Level::Titles)
    };
    let shown = privileges_of_grant(&stored);
    assert_eq!(shown, [Privilege::ReadTitles, Privilege::Bind]);
    let current = [stored.clone(), Grant::of_level(TEAM, Level::Edit)];
    assert_eq!(grants_from_aces(&[for_bob(&shown)], &current), Ok(vec![stored.clone()]), "and the team, not named, has lost its grant");
    assert_eq!(grants_from_aces(&[for_bob(&[Privilege::ReadTitles])], &current), Ok(vec![Grant::of_level(BOB, Level::Titles)]));
}

#[test]
fn a_paused_grant_has_no_ace_and_outlives_a_request_that_does_not_name_it() {
    let paused = Grant { create_always: true, ..Grant::of_level(TEAM, Level::None) };
    assert!(!is_denial(&paused));
    assert_eq!(privileges_of_grant(&paused), []);
    let current = [paused.clone()];
    let bob = Grant::of_level(BOB, Level::Details);
    assert_eq!(grants_from_aces(&[for_bob(&[Privilege::Read])], &current), Ok(vec![bob, paused]));
    let named = ace(AcePrincipal::Grantee(TEAM), &[Privilege::Bind]);
    let grants = grants_from_aces(&[named], &current).unwrap_or_default();
    assert_eq!(grants.first().map(|grant| (grant.rights.create, grant.is_paused())), Some((true, false)));
}

#[test]
fn a_user_who_may_not_read_is_one_whose_share_is_paused() {
    let deny = |privileges: &[Privilege]| Ace { deny: true, ..for_bob(privileges) };
    let paused = Grant { with_places: true, ..Grant::of_level(BOB, Level::None) };
    assert!(is_denial(&paused));
    assert_eq!(privileges_of_grant(&paused), [Privilege::Read]);
    let team = ace(AcePrincipal::Grantee(TEAM), &[Privilege::Read]);
    let denied = [Grant::of_level(BOB, Level::None), Grant::of_level(TEAM, Level::Details)];
    for aces in [[deny(&[Privilege::Read]), team.clone()], [team.clone(), deny(&[Privilege::All])]] {
        assert_eq!(grants_from_aces(&aces, &[]), Ok(denied.to_vec()), "in any order");
    }
    // As it is shown it comes back, modifiers and all; left out it is gone, for its owner saw it.
    assert_eq!(grants_from_aces(&[deny(&[Privilege::Read])], std::slice::from_ref(&paused)), Ok(vec![paused.clone()]));
    assert_eq!(grants_from_aces(&[], &[paused]), Ok(Vec::new()));
    let both = [deny(&[Privilege::Read]), for_bob(&[Privilege::ReadFreeBusy])];
    assert_eq!(grants_from_aces(&both, &[]), Err(AceError::NoAceConflict));
}

#[test]
fn what_stands_can_be_said_again_and_nothing_else_where_nothing_is_shared() {
    use Privilege::{All, Read, ReadCurrentUserPrivilegeSet};
    let everyone = |privileges: &[Privilege]| ace(AcePrincipal::Grantee(Grantee::Everyone), privileges);
    let standing = [ace(AcePrincipal::Owner, &[All]), Ace { protected: true, ..everyone(&[ReadCurrentUserPrivilegeSet]) }];
    assert_eq!(check_standing(&standing), Ok(()));
    assert_eq!(grants_from_aces(&standing, &[]), Ok(Vec::new()));
    assert_eq!(check_standing(&[everyone(&[ReadCurrentUserPrivilegeSet, Read])]), Err(AceError::NoAceConflict));
    assert_eq!(check_standing(&[for_bob(&[Read])]), Err(AceError::NoAceConflict));
    assert_eq!(check_standing(&[Ace { deny: true, ..for_bob(&[Read]) }]), Err(AceError::NoAceConflict));
    assert_eq!(check_standing(&[for_bob(&[Read]), ace(AcePrincipal::Unknown, &[Read])]), Err(AceError::RecognizedPrincipal));
}

#[test]
fn what_acl_shows_acl_takes_back() {
    let mut round_trips = 0;
    for visibility in [Visibility::Hidden, Visibility::FreeBusy, Visibility::Title, Visibility::Full] {
        for bits in 0..8 {
            let rights = Rights { create: bits & 1 != 0, edit: bits & 2 != 0, delete: bits & 4 != 0 };
            let grant = Grant { visibility, rights, ..Grant::of_level(BOB, Level::None) };
            let allowed = visibility == Visibility::Full || !(rights.edit || rights.delete);
            if grant.is_paused() || !allowed {
                continue;
            }
            assert_eq!(grants_from_aces(&[for_bob(&privileges_of_grant(&grant))], &[]), Ok(vec![grant]));
            round_trips += 1;
        }
    }
    assert_eq!(round_trips, 13);
}
