//! What an explanation says, story by story, and that it says of every generated object what the projection shows.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking; a property says how much it compared")]

use super::*;
use crate::access::OwnerFacts;
use crate::level::{GrantPrivateEvents, Level};
use crate::policy::{CalendarPolicy, Caps, Mode};
use crate::principal::{ObjectId, PrincipalId};
use crate::privacy::PrivacyRecord;
use crate::testing::{matrix, object, profile, style};
use crate::write::record_for_new;
use chrono::TimeDelta;
use ical::{CalendarObject, ParseLimits};
use proptest::prelude::*;
use std::cell::Cell as Counter;
use std::collections::BTreeSet;

const ALICE: PrincipalId = PrincipalId([1; 16]);
const BOB: PrincipalId = PrincipalId([2; 16]);
const TEAM: PrincipalId = PrincipalId([3; 16]);

/// Twelve further groups of his.
fn team(number: u8) -> PrincipalId {
    PrincipalId([number.saturating_add(10); 16])
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap_or_default()
}

fn why(grants: &[Grant], policy: &Policy, own: &CalendarPolicy) -> Explanation {
    let groups: BTreeSet<PrincipalId> = (0..12).map(team).chain([TEAM]).collect();
    let none = BTreeSet::new();
    let owner = OwnerFacts { id: ALICE, groups: &none, roles: &[] };
    let calendar = CalendarFacts { owner, policy: own, grants, exceptions: &[], opened_until: None };
    explain(&ViewerFacts::employee(BOB, &groups), &calendar, policy, now())
}

#[test]
fn the_source_that_decides_is_told_from_those_that_do_not() {
    let (user, group) = (Grantee::User(BOB), Grantee::Group(TEAM));
    let grants = [Grant::of_level(user, Level::FreeBusy), Grant::of_level(group, Level::Details)];
    let policy = Policy { mode: Mode::PublicRead, ..Policy::default() };
    let told = why(&grants, &policy, &CalendarPolicy::default());
    let reasons: Vec<(Reason, usize)> = told.sources.iter().map(|told| (told.source.reason, told.decides.len())).collect();
    // The mode shows standard events in full and hides private ones, which his own share shows as busy time.
    assert_eq!(reasons, [(Reason::Granted(user), 2), (Reason::LessSpecific(group), 0), (Reason::Mode(Mode::PublicRead), 2)]);
    assert_eq!(told.sources.first().unwrap().decides, [EventPrivacy::Confidential, EventPrivacy::Private]);
    assert_eq!(told.sources.first().unwrap().grant.as_ref(), grants.first());
    assert_eq!(told.private_events, (PrivateEvents::Busy, Chooser::Organisation));
    let own = CalendarPolicy { private_events: Some(PrivateEvents::Hidden), widen_public: Some(true), ..CalendarPolicy::default() };
    let told = why(&grants, &policy, &own);
    assert_eq!(told.private_events, (PrivateEvents::Hidden, Chooser::Calendar));
    assert_eq!(told.public_means, (EventPrivacy::Public, Chooser::Calendar));
}

#[test]
fn what_a_cap_takes_is_told_beside_what_is_left() {
    let grants = [Grant::of_level(Grantee::Group(TEAM), Level::Edit)];
    let policy = Policy { caps: Caps { group: Some(Level::Titles), ..Caps::default() }, ..Policy::default() };
    let told = why(&grants, &policy, &CalendarPolicy::default());
    let source = told.sources.first().unwrap();
    assert_eq!(told.sources.len(), 1);
    assert_eq!(source.source.reason, Reason::Capped(Grantee::Group(TEAM), Level::Titles));
    let seen = |matrix: &AccessMatrix| matrix.cell(EventPrivacy::Standard).visibility;
    assert_eq!((seen(&source.source.matrix), seen(&source.source.otherwise)), (Visibility::Title, Visibility::Full));
}

/// Bob's own share ends before that of his team, and still decides for its kind until the owner takes it away: nothing is left.
#[test]
fn the_changes_to_come_are_told_in_order_and_ends_that_change_nothing_are_not() {
    let at = |hours| now() + TimeDelta::hours(hours);
    let ending = |grantee, level, hours| Grant { until: Some(at(hours)), ..Grant::of_level(grantee, level) };
    let grants = [ending(Grantee::User(BOB), Level::Titles, 2), ending(Grantee::Group(TEAM), Level::Details, 5)];
    let later = |grants: &[Grant]| {
        let told = why(grants, &Policy::default(), &CalendarPolicy::default());
        told.later.into_iter().map(|later| (later.at, later.matrix.cell(EventPrivacy::Standard).visibility)).collect::<Vec<_>>()
    };
    assert_eq!(later(&grants), [(at(2), Visibility::Hidden)]);
    assert_eq!(later(grants.get(1..).unwrap()), [(at(5), Visibility::Hidden)]);
    let teams =
        |level: fn(u8) -> Level| (0..12_u8).map(|n| ending(Grantee::Group(team(n)), level(n), i64::from(n) + 1)).collect::<Vec<_>>();
    assert_eq!(later(&teams(|_| Level::Titles)), [(at(12), Visibility::Hidden)]);
    let stairs = teams(|n| if n < 6 { Level::Details } else { Level::FreeBusy });
    assert_eq!(later(&stairs), [(at(6), Visibility::FreeBusy), (at(12), Visibility::Hidden)]);
}

fn explained(text: &str, profile: &ViewProfile, created_by_viewer: bool) -> Option<(ExplainedObject, Option<crate::VisibleObject>)> {
    let base = CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).ok()?;
    let privacy: PrivacyRecord = record_for_new(&base, &Policy::default(), &CalendarPolicy::default(), None);
    let stored = StoredObject {
        id: ObjectId([9; 16]),
        name: "x.ics",
        base_text: base.text(),
        base: Some(&base),
        base_version: 1,
        privacy: &privacy,
        created_by_viewer,
        overlay: None,
        touch: 0,
        own: None,
        identity_taken: false,
        foreign_attendees: &crate::ForeignAttendees::All,
    };
    Some((explain_object(&stored, profile), project(&stored, profile)))
}

fn event(lines: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:u\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:20261103T090000Z\r\nDTEND:20261103T100000Z\r\n{lines}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

#[test]
fn each_component_says_why_it_is_shown_so() {
    let told = |lines: &str, level, private| {
        let (told, _) = explained(&event(lines), &profile(matrix(level, private)), false).unwrap();
        let component = told.components.first().unwrap();
        (component.privacy, component.shown, component.because)
    };
    let (standard, private) = (EventPrivacy::Standard, EventPrivacy::Private);
    assert_eq!(told("", Level::Titles, None), (standard, Visibility::Title, Because::Access));
    assert_eq!(told("CLASS:PRIVATE\r\n", Level::Titles, None), (private, Visibility::FreeBusy, Because::Access));
    let hidden = Some(GrantPrivateEvents::Hidden);
    assert_eq!(told("CLASS:PRIVATE\r\n", Level::Titles, hidden), (private, Visibility::Hidden, Because::Access));
    assert_eq!(told("TRANSP:TRANSPARENT\r\n", Level::FreeBusy, None), (standard, Visibility::Hidden, Because::NotListed));
    assert_eq!(told("STATUS:CANCELLED\r\n", Level::Titles, None), (standard, Visibility::Hidden, Because::NotListed));
    let series = "RRULE:FREQ=DAILY;COUNT=3\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:u\r\nDTSTAMP:20261101T000000Z\r\n\
        RECURRENCE-ID:20261104T090000Z\r\nDTSTART:20261104T120000Z\r\nDTEND:20261104T130000Z\r\nCLASS:PRIVATE\r\n";
    let (told, _) = explained(&event(series), &profile(matrix(Level::Edit, hidden)), false).unwrap();
    let shown: Vec<(Visibility, Because)> = told.components.iter().map(|component| (component.shown, component.because)).collect();
    assert_eq!(shown, [(Visibility::Full, Because::Access), (Visibility::FreeBusy, Because::BesideEditable)]);
    assert_eq!(told.rights, ObjectRights::default(), "what is withheld cannot be written over");
    let (told, _) = explained(&event("CLASS:PRIVATE\r\n"), &profile(matrix(Level::FreeBusy, None)), true).unwrap();
    assert_eq!(told.components.first().unwrap().because, Because::Personal);
}

#[test]
fn the_explanation_of_an_object_is_what_its_projection_shows() {
    let compared = Counter::new(0_u32);
    proptest!(ProptestConfig::with_cases(256), |(model in object(), style in style(), level in 0..6_usize, own in any::<bool>())| {
        let profile = profile(matrix(*Level::ALL.get(level).unwrap(), None));
        if let Some((told, shown)) = explained(&model.render(&style), &profile, own) {
            prop_assert_eq!(told.name.as_deref(), shown.as_ref().map(|shown| shown.name()));
            let seen = told.components.iter().map(|component| component.shown).filter(|shown| *shown > Visibility::Hidden);
            prop_assert_eq!(seen.min().filter(|_| shown.is_some()), shown.as_ref().map(|shown| shown.least_visibility()));
            compared.set(compared.get() + 1);
        }
    });
    println!("{} objects explained", compared.get());
    assert!(compared.get() > 150);
}
