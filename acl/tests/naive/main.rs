//! Two projectors, written apart, agree on every generated object: the real one, and one as simple as the rules.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "tests fail by panicking and say what they compared"
)]

mod projector;

use acl::access::Relation;
use acl::target::{PrivateItems, Target};
use acl::testing::{OWNER_ADDRESS, ObjectModel, Style, matrix, object, profile, style};
use acl::{
    AccessMatrix, CalendarFacts, CalendarPolicy, Cell, EventPrivacy, Level, ObjectId, OwnerFacts, Policy, PrincipalId, PrivacyRecord,
    StoredObject, ViewProfile, ViewerFacts, Visibility, access,
};
use acl::{ForeignAttendees, VisibleObject, busy_of_once, project, project_free_busy};
use chrono::{DateTime, NaiveDate, Utc};
use ical::free_busy::{BusyPeriod, busy_periods};
use ical::recurrence::Once;
use ical::{CalendarObject, ExpansionLimits, ParseLimits, TimeRange, Zone};
use projector::{Shown, View, Viewer, stored_lines};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::cell::Cell as Counter;
use std::collections::BTreeSet;

/// The address of a guest among the attendees of generated objects.
const GUEST: &str = "guest@example.org";

fn parse(text: &str) -> CalendarObject {
    CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn window() -> TimeRange {
    let day = |year, month| NaiveDate::from_ymd_opt(year, month, 1).map(|day| day.and_time(chrono::NaiveTime::MIN).and_utc());
    TimeRange { start: day(2026, 10), end: day(2027, 10) }
}

/// An object as it is stored.
struct Stored {
    text: String,
    base: CalendarObject,
    privacy: PrivacyRecord,
}

impl Stored {
    fn of(text: &str, widening: bool) -> Self {
        let sent = parse(text);
        let policy = Policy { widen_public: widening, ..Policy::default() };
        let privacy = acl::write::record_for_new(&sent, &policy, &CalendarPolicy::default(), None);
        let text = acl::per_user::split(&sent).base;
        Self { base: parse(&text), text, privacy }
    }

    fn object<'a>(&'a self, created: bool, foreign_attendees: &'a ForeignAttendees) -> StoredObject<'a> {
        StoredObject {
            id: ObjectId([9; 16]),
            name: "stored-name.ics",
            base_text: &self.text,
            base: Some(&self.base),
            base_version: 1,
            privacy: &self.privacy,
            created_by_viewer: created,
            foreign_attendees,
            overlay: None,
            touch: 0,
            own: None,
            identity_taken: false,
        }
    }
}

/// What the real projector gives, in the terms of the other.
fn told(visible: &VisibleObject, expected: Option<&View>) -> View {
    let calendar = visible.calendar().unwrap();
    let all = ical::recurrence::instances(calendar, &window(), &Zone::iana("Europe/Berlin").unwrap(), &ExpansionLimits::default()).unwrap();
    let instances = all.iter().map(|instance| (instance.start_utc, instance.end_utc, stored_lines(instance.component))).collect();
    let rights = visible.rights();
    let component = calendar.components().next().unwrap();
    let times = expected.and_then(|view| view.times.as_ref()).map(|_| {
        let names = ["DTSTART", "DTEND", "DUE", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"];
        let lines = component.lines.iter().filter(|line| names.contains(&line.name.as_str()));
        lines
            .map(|line| {
                let parameters: String = line.parameters.iter().map(|p| format!(";{}={}", p.name, p.values.join(","))).collect();
                format!("{}{parameters}:{}", line.name, line.value)
            })
            .collect()
    });
    let excluded = expected.and_then(|view| view.excluded.as_ref()).map(|_| excluded_in(calendar));
    View { instances, real: is_real(visible), edit: rights.edit, delete: rights.delete, times, excluded }
}

/// The name and every UID are the stored ones, or none of them is.
fn is_real(visible: &VisibleObject) -> bool {
    let calendar = visible.calendar().unwrap();
    let uids: BTreeSet<&str> =
        calendar.components().flat_map(|component| component.lines_named("UID")).map(|line| line.value.as_str()).collect();
    assert_eq!(uids.len(), 1, "{uids:?}");
    let real = visible.name() == "stored-name.ics";
    assert_eq!(uids.first() == Some(&"canary-c-uid@example.org"), real, "name and UID together");
    real
}

/// EXDATE of a served series in the window.
fn excluded_in(calendar: &CalendarObject) -> BTreeSet<DateTime<Utc>> {
    let berlin = Zone::iana("Europe/Berlin").unwrap();
    let mut found = BTreeSet::new();
    for component in calendar.components() {
        for line in component.lines_named("EXDATE") {
            let stamps: Vec<&str> = line.value.split(',').collect();
            assert!(stamps.is_sorted(), "{stamps:?}");
            for stamp in stamps {
                let day = NaiveDate::parse_from_str(stamp, "%Y%m%d").map(|day| day.and_time(chrono::NaiveTime::MIN));
                let local = day.or_else(|_| chrono::NaiveDateTime::parse_from_str(stamp.trim_end_matches('Z'), "%Y%m%dT%H%M%S")).unwrap();
                found.insert(if stamp.ends_with('Z') { local.and_utc() } else { berlin.to_utc(local) });
            }
        }
    }
    let inside = window();
    found.retain(|time| inside.start <= Some(*time) && Some(*time) < inside.end);
    found
}

/// Everything that stands in a view below full beside its components: the server's.
fn is_canonical(visible: &VisibleObject) -> bool {
    let lines = &visible.calendar().unwrap().calendar().lines;
    let told: Vec<(&str, &str)> = lines.iter().map(|line| (line.name.as_str(), line.value.as_str())).collect();
    told == [("VERSION", "2.0"), ("PRODID", project::PROD_ID), ("CALSCALE", "GREGORIAN")]
}

/// Any matrix there could be: every visibility of every privacy, with rights where it is full.
fn any_matrix() -> impl Strategy<Value = AccessMatrix> {
    let visibility = prop::sample::select(vec![Visibility::Hidden, Visibility::FreeBusy, Visibility::Title, Visibility::Full]);
    let cell = (visibility, any::<bool>(), any::<bool>()).prop_map(|(visibility, edit, delete)| {
        let full = visibility == Visibility::Full;
        Cell { visibility, edit: full && edit, delete: full && delete }
    });
    (prop::array::uniform4(cell), any::<bool>(), any::<bool>()).prop_map(|(cells, create, with_places)| AccessMatrix {
        cells,
        create,
        with_places,
        ..matrix(Level::None, None)
    })
}

/// The projector as this test calls it, so that a broken one can stand in its place.
type Projector = fn(&StoredObject<'_>, &ViewProfile) -> Option<VisibleObject>;

fn compare(projector: Projector, text: &str, viewer: &Viewer) -> Result<usize, TestCaseError> {
    let stored = Stored::of(text, viewer.widening);
    // Half of those whose address stands there are the owner's guests; the others somebody else put there.
    let foreign = if viewer.address.is_some() { ForeignAttendees::none() } else { ForeignAttendees::All };
    let profile = ViewProfile { participant_addresses: vec![GUEST.to_owned()], ..profile(viewer.matrix.clone()) };
    let visible = projector(&stored.object(viewer.created, &foreign), &profile);
    let expected = projector::project(&stored.base, viewer, &window());
    let told = visible.as_ref().map(|visible| told(visible, expected.as_ref()));
    prop_assert_eq!(&told, &expected, "{}\nserved as\n{}", stored.text, visible.as_ref().map(text_of).unwrap_or_default());
    // What stands around a component that is reduced is the server's.
    if let Some(visible) = visible.as_ref().filter(|visible| visible.least_visibility() < Visibility::Full) {
        prop_assert!(is_canonical(visible), "{}", text_of(visible));
    }
    let busy = project_free_busy(&stored.object(viewer.created, &foreign), &profile);
    let told: BTreeSet<_> = busy.as_ref().map(times).unwrap_or_default();
    // What is said of an event without writing it: the only time, and whether it counts.
    if let Some((once, said)) = busy_of_once(&stored.object(viewer.created, &foreign), &profile) {
        let shown = visible.as_ref().and_then(VisibleObject::calendar).and_then(Once::of);
        prop_assert!(shown.is_none_or(|shown| shown == once), "{}", stored.text);
        let period = said.and_then(|busy_type| once.busy_period(busy_type, &window()));
        prop_assert_eq!(Vec::from_iter(period), periods(busy.as_ref()), "{}", stored.text);
    }
    // To-dos and journals take no time.
    let shown = expected.as_ref().filter(|_| stored.base.kind() == ical::ComponentKind::Event);
    let listed = shown.map(|view| view.instances.iter().filter(|shown| is_busy(shown)).map(|(start, end, _)| (*start, *end)).collect());
    prop_assert_eq!(told, listed.unwrap_or_default(), "free/busy of\n{}", stored.text);
    Ok(expected.map_or(1, |view| view.instances.len() + 1))
}

fn periods(busy: Option<&VisibleObject>) -> Vec<BusyPeriod> {
    let busy = busy.and_then(VisibleObject::calendar);
    busy.map_or_else(Vec::new, |busy| busy_periods(busy, &window(), &Zone::utc(), &ExpansionLimits::default()).unwrap())
}

/// Start and end.
type Times = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

fn times(visible: &VisibleObject) -> BTreeSet<Times> {
    let zone = Zone::iana("Europe/Berlin").unwrap();
    let all = ical::recurrence::instances(visible.calendar().unwrap(), &window(), &zone, &ExpansionLimits::default()).unwrap();
    all.iter().map(|instance| (instance.start_utc, instance.end_utc)).collect()
}

/// Whether what is shown of an instance says that time is taken.
fn is_busy((start, end, lines): &Shown) -> bool {
    let says = |line: &str| lines.iter().any(|known| known.eq_ignore_ascii_case(line));
    let declined = lines.iter().any(|line| line.contains("PARTSTAT=DECLINED") && line.ends_with(&format!("mailto:{OWNER_ADDRESS}")));
    start < end && !declined && !says("TRANSP:TRANSPARENT") && !says("STATUS:CANCELLED")
}

fn text_of(visible: &VisibleObject) -> String {
    std::str::from_utf8(visible.bytes()).unwrap().to_owned()
}

/// Runs over generated cases, the same ones in every run; `SHOJI_CASES=20` makes it twenty times as many.
fn run<T: std::fmt::Debug>(
    cases: u32,
    strategy: impl Strategy<Value = T>,
    check: impl Fn(T) -> Result<usize, TestCaseError>,
) -> Result<(u32, usize), String> {
    let factor = std::env::var("SHOJI_CASES").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1);
    let config = Config {
        cases: cases * factor,
        failure_persistence: None,
        max_shrink_iters: if cases < 500 { 0 } else { 400 },
        ..Config::default()
    };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let compared = Counter::new(0);
    let result = runner.run(&strategy, |case| check(case).map(|more| compared.set(compared.get() + more)));
    result.map(|()| (cases * factor, compared.get())).map_err(|error| error.to_string())
}

fn cases() -> impl Strategy<Value = (ObjectModel, Style, AccessMatrix, bool, bool, bool)> {
    (object(), style(), any_matrix(), prop::bool::weighted(0.1), any::<bool>(), any::<bool>())
}

fn agrees(projector: Projector, cases_of: u32) -> Result<(u32, usize), String> {
    run(cases_of, cases(), |(model, style, matrix, created, widening, invited)| {
        let viewer = Viewer { matrix, created, widening, owner_address: OWNER_ADDRESS, address: invited.then_some(GUEST) };
        compare(projector, &model.render(&style), &viewer)
    })
}

#[test]
fn two_projectors_agree_on_every_object_for_every_viewer() {
    let (cases, compared) = agrees(project, 2_000).unwrap_or_else(|error| panic!("{error}"));
    println!("{cases} objects, each for one viewer of its own, {compared} instances and views compared");
    assert!(compared as u64 > 2 * u64::from(cases), "{compared}");
}

#[test]
fn they_agree_on_every_level() {
    use acl::level::GrantPrivateEvents::{Busy, Hidden, Show};
    let levels = [Level::FreeBusy, Level::Titles, Level::Details, Level::Edit, Level::EditDelete, Level::None];
    let of_level = (prop::sample::select(levels.to_vec()), prop::sample::select(vec![Busy, Hidden, Show]));
    let (cases, compared) = run(600, (object(), style(), of_level, any::<bool>()), |(model, style, (level, private), widening)| {
        let viewer = Viewer { matrix: matrix(level, Some(private)), created: false, widening, owner_address: OWNER_ADDRESS, address: None };
        compare(project, &model.render(&style), &viewer)
    })
    .unwrap_or_else(|error| panic!("{error}"));
    println!("{cases} objects at levels, {compared} instances and views compared");
    assert!(compared > 1_500, "{compared}");
}

#[test]
fn they_agree_on_what_is_synchronized() {
    let items = prop::sample::select(PrivateItems::ALL.to_vec());
    let cases = (object(), style(), items, any::<bool>(), any::<bool>(), any::<bool>());
    let (cases, compared) = run(600, cases, |(model, style, items, created, widening, invited)| {
        let matrix = target(items);
        let viewer = Viewer { matrix, created, widening, owner_address: OWNER_ADDRESS, address: invited.then_some(GUEST) };
        compare(project, &model.render(&style), &viewer)
    })
    .unwrap_or_else(|error| panic!("{error}"));
    println!("{cases} objects for what their owner synchronizes with, {compared} instances and views compared");
    assert!(compared > 1_500, "{compared}");
}

/// What a synchronization target has, by the function that decides it.
fn target(private_items: PrivateItems) -> AccessMatrix {
    let (owner, groups) = (PrincipalId([1; 16]), BTreeSet::new());
    let target = Some(Target { user: owner, private_items });
    let viewer = ViewerFacts { target, ..ViewerFacts::employee(PrincipalId([2; 16]), &groups) };
    let calendar = CalendarFacts {
        owner: OwnerFacts { id: owner, groups: &groups, roles: &[] },
        policy: &CalendarPolicy { widen_public: Some(true), ..CalendarPolicy::default() },
        grants: &[],
        exceptions: &[],
        opened_until: None,
    };
    access(&viewer, &calendar, &Policy::default(), DateTime::UNIX_EPOCH).matrix
}

/// Busy time and availability are objects only where they are shown in full.
#[test]
fn they_agree_on_busy_time_and_availability() {
    let texts = [
        "BEGIN:VFREEBUSY\r\nUID:canary-c-uid@example.org\r\nDTSTAMP:20261101T080000Z\r\nDTSTART:20261103T000000Z\r\nDTEND:20261104T000000Z\r\n\
         FREEBUSY:20261103T090000Z/PT1H\r\nEND:VFREEBUSY\r\n",
        "BEGIN:VAVAILABILITY\r\nUID:canary-c-uid@example.org\r\nDTSTAMP:20261101T080000Z\r\nSUMMARY:Leave\r\nEND:VAVAILABILITY\r\n",
    ];
    for text in texts {
        for class in ["", "CLASS:PRIVATE\r\n", "CLASS:PUBLIC\r\n", "CLASS:X-A\r\n"] {
            let text = text.replacen("DTSTAMP", &format!("{class}DTSTAMP"), 1);
            let text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\n{text}END:VCALENDAR\r\n");
            let stored = Stored::of(&text, true);
            for level in Level::ALL {
                let matrix = matrix(level, None);
                let viewer = Viewer { matrix: matrix.clone(), created: false, widening: true, owner_address: OWNER_ADDRESS, address: None };
                let visible = project(&stored.object(false, &ForeignAttendees::All), &profile(matrix));
                assert_eq!(visible.is_some(), projector::is_shown(&stored.base, &viewer), "{level:?}\n{text}");
                let words = visible.as_ref().map(text_of).unwrap_or_default();
                let is_full = visible.as_ref().is_some_and(|visible| visible.least_visibility() == Visibility::Full);
                assert_eq!(words.contains("Leave") || words.contains("canary"), is_full, "{level:?}\n{words}");
            }
        }
    }
}

/// Projectors that break one rule each are noticed.
mod saboteurs {
    use super::*;

    fn wider(profile: &ViewProfile, change: impl Fn(&mut AccessMatrix)) -> ViewProfile {
        let mut matrix = profile.matrix.clone();
        change(&mut matrix);
        ViewProfile { matrix, ..profile.clone() }
    }

    fn takes_confidential_for_private(object: &StoredObject<'_>, profile: &ViewProfile) -> Option<VisibleObject> {
        project(object, &wider(profile, |matrix| matrix.cells[2] = matrix.cells[3]))
    }

    fn shows_places(object: &StoredObject<'_>, profile: &ViewProfile) -> Option<VisibleObject> {
        project(object, &wider(profile, |matrix| matrix.with_places = true))
    }

    fn lets_readers_edit(object: &StoredObject<'_>, profile: &ViewProfile) -> Option<VisibleObject> {
        let full = |cell: &&mut Cell| cell.visibility == Visibility::Full;
        project(object, &wider(profile, |matrix| matrix.cells.iter_mut().filter(full).for_each(|cell| cell.edit = true)))
    }

    fn forgets_who_declined(object: &StoredObject<'_>, profile: &ViewProfile) -> Option<VisibleObject> {
        project(object, &ViewProfile { owner_addresses: Vec::new(), ..profile.clone() })
    }

    fn never_widens(object: &StoredObject<'_>, profile: &ViewProfile) -> Option<VisibleObject> {
        project(object, &wider(profile, |matrix| matrix.cells[1] = matrix.cells[0]))
    }

    fn forgets_creators(object: &StoredObject<'_>, profile: &ViewProfile) -> Option<VisibleObject> {
        project(&StoredObject { created_by_viewer: false, ..object.clone() }, profile)
    }

    fn believes_every_attendee(object: &StoredObject<'_>, profile: &ViewProfile) -> Option<VisibleObject> {
        project(&StoredObject { foreign_attendees: &ForeignAttendees::none(), ..object.clone() }, profile)
    }

    fn forgets_guests(object: &StoredObject<'_>, profile: &ViewProfile) -> Option<VisibleObject> {
        project(object, &ViewProfile { participant_addresses: Vec::new(), ..profile.clone() })
    }

    fn keeps_names(object: &StoredObject<'_>, profile: &ViewProfile) -> Option<VisibleObject> {
        project(&StoredObject { identity_taken: true, ..object.clone() }, profile)
    }

    fn carries_every_kind(object: &StoredObject<'_>, profile: &ViewProfile) -> Option<VisibleObject> {
        let relation = match profile.matrix.relation {
            Relation::Target(PrivateItems::Events | PrivateItems::Tasks) => Relation::Target(PrivateItems::EventsAndTasks),
            relation => relation,
        };
        project(object, &wider(profile, |matrix| matrix.relation = relation))
    }

    #[test]
    fn a_target_that_gets_more_than_was_switched_on_is_noticed() {
        let cases = (object(), style(), prop::sample::select(PrivateItems::ALL.to_vec()));
        let outcome = run(400, cases, |(model, style, items)| {
            let viewer = Viewer { matrix: target(items), created: false, widening: true, owner_address: OWNER_ADDRESS, address: None };
            compare(carries_every_kind, &model.render(&style), &viewer)
        });
        assert!(outcome.is_err());
    }

    #[test]
    fn each_is_noticed() {
        let all: [(&str, Projector); 9] = [
            ("confidential", takes_confidential_for_private),
            ("places", shows_places),
            ("rights", lets_readers_edit),
            ("declined", forgets_who_declined),
            ("widening", never_widens),
            ("creators", forgets_creators),
            ("names", keeps_names),
            ("attendees", believes_every_attendee),
            ("guests", forgets_guests),
        ];
        for (name, projector) in all {
            assert!(agrees(projector, 400).is_err(), "{name}: a broken projector went unnoticed");
        }
    }
}

#[test]
fn the_words_are_the_organisations() {
    let words = acl::Words::default();
    assert_eq!((words.busy.as_str(), words.private.as_str()), (projector::BUSY, projector::PRIVATE));
    assert_eq!(EventPrivacy::ALL.len(), 4);
}
