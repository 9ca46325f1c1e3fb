//! What every request asks of the policy: the decision, and each object's projection. `cargo bench -p acl`.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark fails by panicking")]

use acl::access::OwnerFacts;
use acl::testing::{matrix, profile};
use acl::{
    AccessMatrix, CalendarFacts, CalendarPolicy, Grant, Grantee, Level, ObjectId, Policy, PrincipalId, StoredObject, ViewerFacts, access,
    project,
};
use chrono::{TimeZone, Utc};
use criterion::Criterion;
use ical::{CalendarObject, ParseLimits};
use std::collections::BTreeSet;
use std::hint::black_box;

const MEETING: &str = include_str!("../tests/projection/private-override.ics");

fn id(number: u32) -> PrincipalId {
    let mut bytes = [0; 16];
    for (place, byte) in bytes.iter_mut().zip(number.to_be_bytes()) {
        *place = byte;
    }
    PrincipalId(bytes)
}

/// A viewer in many groups, and a calendar with many grants, of which the last is his.
fn decisions(criterion: &mut Criterion) {
    let (policy, calendar) = (Policy::default(), CalendarPolicy::default());
    let now = Utc.with_ymd_and_hms(2026, 11, 22, 12, 0, 0).single().expect("a time");
    let none = BTreeSet::new();
    for (grants, groups) in [(1, 1), (10, 10), (1_000, 100)] {
        let mine: BTreeSet<PrincipalId> = (0..groups).map(|group| id(1_000_000 + group)).collect();
        let all: Vec<Grant> = (0..grants).map(|grant| Grant::of_level(Grantee::User(id(2_000_000 - grant)), Level::Titles)).collect();
        let all: Vec<Grant> = all.into_iter().chain([Grant::of_level(Grantee::Group(id(1_000_000)), Level::Details)]).collect();
        let owner = OwnerFacts { id: id(1), groups: &none, roles: &[] };
        let facts = CalendarFacts { owner, policy: &calendar, grants: &all, exceptions: &[], opened_until: None };
        let viewer = ViewerFacts::employee(id(2), &mine);
        criterion.bench_function(&format!("access/{grants} grants, {groups} groups"), |bencher| {
            bencher.iter(|| access(black_box(&viewer), &facts, &policy, now));
        });
    }
}

fn projections(criterion: &mut Criterion) {
    let base = CalendarObject::parse(MEETING.as_bytes(), &ParseLimits::default()).unwrap();
    let privacy = acl::write::record_for_new(&base, &Policy::default(), &CalendarPolicy::default(), None);
    let object = StoredObject {
        id: ObjectId([9; 16]),
        name: "meeting.ics",
        base_text: MEETING,
        base: Some(&base),
        base_version: 3,
        privacy: &privacy,
        created_by_viewer: false,
        foreign_attendees: &acl::ForeignAttendees::All,
        overlay: None,
        touch: 0,
        own: None,
        identity_taken: false,
    };
    let views = [
        ("owner", AccessMatrix::owner()),
        ("free-busy", matrix(Level::FreeBusy, None)),
        ("titles", matrix(Level::Titles, None)),
        ("details", matrix(Level::Details, None)),
        ("edit", matrix(Level::Edit, None)),
    ];
    for (name, matrix) in views {
        let profile = profile(matrix);
        criterion.bench_function(&format!("project/{name}"), |bencher| {
            bencher.iter(|| project(black_box(&object), &profile).unwrap());
        });
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    decisions(&mut criterion);
    projections(&mut criterion);
    criterion.final_summary();
}
