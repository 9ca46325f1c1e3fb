//! Decisions beside the policy table (`tests/policy_table.rs`): reasons, ends, combinations, monotony.

#![expect(clippy::print_stdout, reason = "a property says how much it compared")]

use super::*;
use crate::level::{GrantPrivateEvents, Level};
use crate::policy::{AdminContent, PrivateEvents};
use crate::principal::Grantee;
use chrono::TimeDelta;
use proptest::prelude::*;
use std::cell::Cell as Counter;

const ALICE: PrincipalId = PrincipalId([1; 16]);
const BOB: PrincipalId = PrincipalId([2; 16]);
const TEAM: PrincipalId = PrincipalId([3; 16]);
const CHOIR: PrincipalId = PrincipalId([4; 16]);

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default()
}

fn in_hours(hours: i64) -> Option<DateTime<Utc>> {
    Some(now() + TimeDelta::hours(hours))
}

fn decide(grants: &[Grant]) -> Access {
    let groups = BTreeSet::from([TEAM, CHOIR]);
    let policy = CalendarPolicy::default();
    let viewer = ViewerFacts { id: BOB, groups: &groups, role: None, module: ModuleRole::Employee, target: None };
    let owner = OwnerFacts { id: ALICE, groups: &BTreeSet::new(), roles: &[] };
    access(&viewer, &CalendarFacts { owner, policy: &policy, grants, exceptions: &[], opened_until: None }, &Policy::default(), now())
}

fn reasons(access: &Access) -> Vec<Reason> {
    access.reasons().collect()
}

/// In each mode, at each place in the module: where all are said to be reached, each is, however closed its owner made it.
#[test]
fn who_reaches_all_calendars_reaches_each() {
    let groups = BTreeSet::from([TEAM]);
    let closed = Grant::of_level(Grantee::User(BOB), Level::None);
    let mut all = 0;
    for mode in [Mode::Off, Mode::Private, Mode::PublicRead, Mode::PublicEdit, Mode::PublicEditDelete] {
        for admin_content in [AdminContent::None, AdminContent::BreakGlass, AdminContent::Full] {
            for module in [ModuleRole::Denied, ModuleRole::Employee, ModuleRole::Admin] {
                let policy = Policy { mode, admin_content, ..Policy::default() };
                let viewer = ViewerFacts { id: BOB, groups: &groups, role: None, module, target: None };
                let opened =
                    !matches!(mode, Mode::Off | Mode::Private) || (module == ModuleRole::Admin && admin_content == AdminContent::Full);
                let reaches_all = reaches_all(&viewer, &policy);
                assert_eq!(reaches_all, opened && module != ModuleRole::Denied, "{mode:?} {admin_content:?} {module:?}");
                for private_events in [None, Some(PrivateEvents::Hidden)] {
                    let of_calendar = CalendarPolicy { private_events, ..CalendarPolicy::default() };
                    let owner = OwnerFacts { id: ALICE, groups: &groups, roles: &[] };
                    for grants in [&[][..], std::slice::from_ref(&closed)] {
                        let calendar = CalendarFacts { owner, policy: &of_calendar, grants, exceptions: &[], opened_until: None };
                        assert_eq!(access(&viewer, &calendar, &policy, now()).matrix.reaches(), reaches_all, "{mode:?} {module:?}");
                        all += 1;
                    }
                }
            }
        }
    }
    assert_eq!(all, 5 * 3 * 3 * 4);
}

#[test]
fn without_a_grant_there_is_no_calendar() {
    let carol = Grant::of_level(Grantee::User(PrincipalId([9; 16])), Level::EditDelete);
    for grants in [Vec::new(), vec![carol]] {
        let access = decide(&grants);
        assert_eq!(access.matrix, AccessMatrix::default());
        assert!(!access.matrix.reaches());
        assert_eq!(reasons(&access), [Reason::NoSource]);
        assert_eq!(access.valid_until, None);
    }
}

#[test]
fn the_reasons_tell_what_was_looked_at() {
    let user = Grantee::User(BOB);
    let grants =
        [Grant::of_level(Grantee::Everyone, Level::Details), Grant { until: Some(now()), ..Grant::of_level(user, Level::EditDelete) }];
    assert_eq!(reasons(&decide(&grants)), [Reason::LessSpecific(Grantee::Everyone), Reason::Expired(user)]);
    let paused = [Grant::of_level(user, Level::None)];
    assert_eq!(reasons(&decide(&paused)), [Reason::Paused(user)]);
}

#[test]
fn places_are_shown_with_the_titles_of_the_grant_that_says_so() {
    let places = |level| Grant { with_places: true, ..Grant::of_level(Grantee::Group(TEAM), level) };
    let titles = Grant { private_events: Some(GrantPrivateEvents::Show), ..Grant::of_level(Grantee::Group(CHOIR), Level::Titles) };
    assert!(decide(&[places(Level::Titles)]).matrix.with_places);
    assert!(!decide(&[places(Level::FreeBusy), titles.clone()]).matrix.with_places);
    // Details come with places; the titles of private events, which the other grant alone shows, do not.
    let both = decide(&[places(Level::Details), titles]).matrix;
    assert_eq!(both.cell(EventPrivacy::Private).visibility, Visibility::Title);
    assert!(!both.with_places);
}

#[test]
fn two_groups_give_the_maximum_of_both() {
    let team = Grant { private_events: Some(GrantPrivateEvents::Hidden), ..Grant::of_level(Grantee::Group(TEAM), Level::Edit) };
    let choir = Grant::of_level(Grantee::Group(CHOIR), Level::FreeBusy);
    let matrix = decide(&[team, choir]).matrix;
    assert_eq!(matrix.cell(EventPrivacy::Standard), Cell { visibility: Visibility::Full, edit: true, delete: false });
    assert_eq!(matrix.cell(EventPrivacy::Private), Cell { visibility: Visibility::FreeBusy, edit: false, delete: false });
}

#[test]
fn an_end_is_exclusive_and_the_earliest_one_limits_the_decision() {
    let team = Grant { until: in_hours(2), ..Grant::of_level(Grantee::Group(TEAM), Level::Details) };
    let choir = Grant { until: in_hours(1), ..Grant::of_level(Grantee::Group(CHOIR), Level::Titles) };
    let access = decide(&[team.clone(), choir.clone()]);
    assert_eq!(access.valid_until, in_hours(1));
    assert_eq!(access.matrix.cell(EventPrivacy::Standard).visibility, Visibility::Full);
    let expired = Grant { until: Some(now()), ..team };
    let access = decide(&[expired, choir]);
    assert_eq!(access.valid_until, in_hours(1));
    assert_eq!(access.matrix.cell(EventPrivacy::Standard).visibility, Visibility::Title);
    // What does not decide does not end the decision either.
    let everyone = Grant { until: in_hours(1), ..Grant::of_level(Grantee::Everyone, Level::Details) };
    assert_eq!(decide(&[everyone, Grant::of_level(Grantee::User(BOB), Level::Titles)]).valid_until, None);
}

#[test]
fn places_are_shown_where_a_title_is_by_the_grant_that_says_so() {
    let with_places = |grantee, level| Grant { with_places: true, ..Grant::of_level(grantee, level) };
    let team = |level| Grant::of_level(Grantee::Group(TEAM), level);
    assert!(decide(&[with_places(Grantee::User(BOB), Level::Titles)]).matrix.with_places);
    for level in [Level::None, Level::FreeBusy, Level::Details, Level::EditDelete] {
        assert!(!decide(&[with_places(Grantee::User(BOB), level)]).matrix.with_places, "{}", level.word());
    }
    // The titles are the team's, the places would be the choir's, whose members see no titles.
    assert!(!decide(&[team(Level::Titles), with_places(Grantee::Group(CHOIR), Level::FreeBusy)]).matrix.with_places);
    assert!(decide(&[team(Level::Titles), with_places(Grantee::Group(CHOIR), Level::Titles)]).matrix.with_places);
}

#[test]
fn a_creator_without_access_has_nothing_on_what_he_created() {
    assert_eq!(decide(&[]).matrix.for_creator(), AccessMatrix::default());
    let drop_box =
        Grant { rights: crate::level::Rights { create: true, ..Default::default() }, ..Grant::of_level(Grantee::Everyone, Level::None) };
    let own = decide(&[drop_box]).matrix.for_creator();
    assert!(own.cells.iter().all(|cell| *cell == Cell { visibility: Visibility::Full, edit: true, delete: false }));
}

fn a_grant() -> impl Strategy<Value = Grant> {
    let grantee = prop_oneof![
        Just(Grantee::User(BOB)),
        Just(Grantee::Group(TEAM)),
        Just(Grantee::Group(CHOIR)),
        Just(Grantee::Everyone),
        Just(Grantee::Group(ALICE)),
    ];
    let level = proptest::sample::select(Level::ALL.to_vec());
    let private_events = proptest::option::of(proptest::sample::select(GrantPrivateEvents::ALL.to_vec()));
    let until = proptest::option::weighted(0.3, (-2i64..3).prop_map(|hours| now() + TimeDelta::hours(hours)));
    (grantee, level, private_events, any::<bool>(), any::<bool>(), until).prop_map(
        |(grantee, level, private_events, create_always, with_places, until)| Grant {
            private_events,
            create_always,
            with_places,
            until,
            ..Grant::of_level(grantee, level)
        },
    )
}

/// Whether `low` gives nothing that `high` does not.
fn is_within(low: &AccessMatrix, high: &AccessMatrix) -> bool {
    let cells = low
        .cells
        .iter()
        .zip(high.cells)
        .all(|(low, high)| low.visibility <= high.visibility && low.edit <= high.edit && low.delete <= high.delete);
    cells && low.create <= high.create
}

#[test]
fn a_higher_level_never_gives_less_and_nobody_edits_what_he_cannot_read() {
    let compared = Counter::new(0u32);
    proptest!(ProptestConfig::with_cases(512), |(grants in proptest::collection::vec(a_grant(), 1..6), which: prop::sample::Index)| {
        let index = which.index(grants.len());
        let before = decide(&grants);
        for cell in before.matrix.cells {
            prop_assert!(cell.visibility == Visibility::Full || !(cell.edit || cell.delete));
        }
        prop_assert_eq!(before.sources.len(), grants.iter().filter(|grant| grant.grantee != Grantee::Group(ALICE)).count().max(1));
        prop_assert!(before.valid_until.is_none_or(|until| until > now()));
        for level in Level::ALL {
            let Some(grant) = grants.get(index) else { continue };
            let lower = grant.level() <= Some(level);
            let changed = Grant { visibility: level.parts().0, rights: level.parts().1, ..grant.clone() };
            let mut raised = grants.clone();
            if let Some(grant) = raised.get_mut(index) {
                *grant = changed;
            }
            let after = decide(&raised);
            prop_assert!(!lower || is_within(&before.matrix, &after.matrix));
            compared.set(compared.get() + 1);
        }
    });
    println!("compared {} pairs of decisions", compared.get());
    assert!(compared.get() >= 3_000);
}
