//! What holds for the projection of every object, shown on generated ones: nothing leaks, levels nest, expansion and
//! projection commute, hidden is deleted, spelling does not show. Each property takes the projector as an argument: broken
//! ones are put in its place to see that the property would notice.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "tests fail by panicking and say what they compared"
)]

use acl::access::Relation;
use acl::level::GrantPrivateEvents;
use acl::target::PrivateItems;
use acl::testing::{ObjectModel, SECRETS_MAX, Style, expected, matrix, object, profile, style};
use acl::{
    AccessMatrix, CalendarPolicy, Cell, EventPrivacy, Level, ObjectId, Policy, PrivacyRecord, StoredObject, ViewProfile, Visibility,
    project,
};
use chrono::{DateTime, NaiveDate, Utc};
use ical::{CalendarObject, ExpansionLimits, Instance, ParseLimits, TimeRange, Zone};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::cell::Cell as Counter;
use std::collections::BTreeSet;

/// What a projector gives: the text, or nothing.
type Projector = fn(&StoredObject<'_>, &ViewProfile) -> Option<String>;

fn real(object: &StoredObject<'_>, profile: &ViewProfile) -> Option<String> {
    let visible = project(object, profile)?;
    let text = std::str::from_utf8(visible.bytes()).unwrap().to_owned();
    // What is parsed is what is served.
    assert_eq!(visible.calendar().unwrap().text(), text);
    Some(text)
}

/// An object as it is stored.
struct Stored {
    text: String,
    base: CalendarObject,
    privacy: PrivacyRecord,
}

fn store(text: &str) -> Stored {
    let sent = parse(text);
    // With widening on, PUBLIC components are shown in full beside reduced ones.
    let policy = Policy { widen_public: true, ..Policy::default() };
    let privacy = acl::write::record_for_new(&sent, &policy, &CalendarPolicy::default(), None);
    let text = acl::per_user::split(&sent).base;
    Stored { base: parse(&text), text, privacy }
}

fn parse(text: &str) -> CalendarObject {
    CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn as_stored(stored: &Stored) -> StoredObject<'_> {
    StoredObject {
        id: ObjectId([9; 16]),
        name: "stored-name.ics",
        base_text: &stored.text,
        base: Some(&stored.base),
        base_version: 1,
        privacy: &stored.privacy,
        created_by_viewer: false,
        foreign_attendees: &acl::ForeignAttendees::All,
        overlay: None,
        touch: 0,
        own: None,
        identity_taken: false,
    }
}

fn view(projector: Projector, stored: &Stored, profile: &ViewProfile) -> Option<String> {
    projector(&as_stored(stored), profile)
}

/// Every kind of viewer but the owner.
fn matrices() -> Vec<AccessMatrix> {
    use GrantPrivateEvents::{Busy, Hidden, Show};
    let mut all = Vec::new();
    for level in [Level::FreeBusy, Level::Titles, Level::Details, Level::Edit] {
        for private_events in [Busy, Hidden, Show] {
            all.push(matrix(level, Some(private_events)));
        }
    }
    // Confidential events by their titles; and a right to delete without one to edit, which ACL can give.
    let mut titles_of_confidential = matrix(Level::Edit, Some(Hidden));
    titles_of_confidential.cells[2] = Cell { visibility: Visibility::Title, edit: false, delete: false };
    all.push(titles_of_confidential);
    let mut delete_only = matrix(Level::Details, Some(Hidden));
    delete_only.cells[0].delete = true;
    all.push(delete_only);
    // What their owner's calendars are synchronized with.
    for (items, private_events) in [(PrivateItems::None, Hidden), (PrivateItems::Tasks, Show), (PrivateItems::EventsAndTasks, Show)] {
        all.push(AccessMatrix { relation: Relation::Target(items), ..matrix(Level::EditDelete, Some(private_events)) });
    }
    all
}

/// Start, end, visibility and text of an instance.
type Shown = (DateTime<Utc>, Option<DateTime<Utc>>, Visibility, String);

fn window() -> TimeRange {
    let day = |year, month| NaiveDate::from_ymd_opt(year, month, 1).map(|d| d.and_hms_opt(0, 0, 0).unwrap().and_utc());
    TimeRange { start: day(2026, 10), end: day(2027, 8) }
}

fn berlin() -> Zone {
    Zone::iana("Europe/Berlin").unwrap()
}

fn busy_word(matrix: &AccessMatrix) -> &'static str {
    if matrix.cell(EventPrivacy::Standard).visibility >= Visibility::Title { "Private event" } else { "Busy" }
}

/// Expand, then project each instance.
fn projected_instances(stored: &Stored, instances: &[Instance<'_>], shown: &[Visibility], matrix: &AccessMatrix) -> BTreeSet<Shown> {
    let components: Vec<_> = stored.base.components().collect();
    let mut all = BTreeSet::new();
    for instance in instances {
        let index = components.iter().position(|c| std::ptr::eq(*c, instance.component)).unwrap();
        let title = instance.component.line("SUMMARY").map(|line| line.value.clone());
        let text = match shown[index] {
            Visibility::Hidden => continue,
            Visibility::FreeBusy => busy_word(matrix).to_owned(),
            Visibility::Title => title.unwrap_or_else(|| "Busy".to_owned()),
            Visibility::Full => title.unwrap_or_default(),
        };
        all.insert((instance.start_utc.unwrap(), instance.end_utc, shown[index], text));
    }
    all
}

/// The instances of what is served.
fn instances_of(text: Option<&String>) -> BTreeSet<Shown> {
    let Some(text) = text else { return BTreeSet::new() };
    let object = parse(text);
    let instances = ical::recurrence::instances(&object, &window(), &berlin(), &ExpansionLimits::default()).unwrap();
    let shown = instances.iter().map(|instance| {
        let value = |name: &str| instance.component.line(name).map(|line| line.value.clone()).unwrap_or_default();
        let visibility = match (value("DTSTAMP").as_str(), value("CLASS").as_str()) {
            ("20000101T000000Z", "PRIVATE") => Visibility::FreeBusy,
            ("20000101T000000Z", _) => Visibility::Title,
            _ => Visibility::Full,
        };
        (instance.start_utc.unwrap(), instance.end_utc, visibility, value("SUMMARY"))
    });
    shown.collect()
}

fn times(instances: &BTreeSet<Shown>) -> BTreeSet<(DateTime<Utc>, Option<DateTime<Utc>>)> {
    instances.iter().map(|(start, end, ..)| (*start, *end)).collect()
}

/// The words in a view that may not be there.
fn leaks(text: &str, model: &ObjectModel, shown: &[Visibility]) -> Vec<String> {
    // A master none of whose instances is left is not listed, whatever its visibility.
    let listed_full = shown.contains(&Visibility::Full) && !text.contains("DTSTAMP:20000101T000000Z");
    let any_full = shown.contains(&Visibility::Full);
    let unfolded = text.replace("\r\n ", "").replace("\n ", "").to_lowercase();
    let numbers = model.numbers();
    let words = unfolded.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let is_leak = |word: &str| {
        let number = |rest: &str| rest.split('-').next().and_then(|n| n.parse::<i64>().ok());
        if word.starts_with("canary-c-uid") || word.contains("canary-v") {
            return !listed_full;
        }
        if word.contains("canary-z") || word.contains("canary-t") {
            return !any_full;
        }
        if let Some((_, rest)) = word.split_once("canary-c") {
            let index = numbers.iter().position(|n| number(rest) == Some(*n));
            return index.is_none_or(|index| shown[index] != Visibility::Full);
        }
        word.split_once("title-c").is_some_and(|(_, rest)| {
            let is_of = |index: usize| match number(rest) {
                Some(0) => index == 0 || model.overrides[index - 1].as_master,
                number => number == Some(numbers[index]),
            };
            !shown.iter().enumerate().any(|(index, visibility)| is_of(index) && *visibility >= Visibility::Title)
        })
    };
    words.filter(|word| is_leak(word)).map(str::to_owned).collect()
}

/// Runs a property over generated cases, the same ones in every run; says how many comparisons it made. `SHOJI_CASES=20`
/// makes it twenty times as many.
fn run<T: std::fmt::Debug>(
    cases: u32,
    strategy: impl Strategy<Value = T>,
    property: impl Fn(T, &dyn Fn(usize)) -> Result<(), TestCaseError>,
) -> Result<usize, String> {
    let factor = std::env::var("SHOJI_CASES").ok().and_then(|factor| factor.parse().ok()).unwrap_or(1);
    let config = Config { cases: cases * factor, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let compared = Counter::new(0);
    let result = runner.run(&strategy, |case| property(case, &|more| compared.set(compared.get() + more)));
    result.map(|()| compared.get()).map_err(|error| error.to_string())
}

fn no_view_has_words_it_may_not(projector: Projector) -> Result<usize, String> {
    run(120, (object(), style()), |(model, style), compared| {
        let stored = store(&model.render(&style));
        for matrix in matrices() {
            let shown = expected(&model, &matrix);
            if let Some(text) = view(projector, &stored, &profile(matrix)) {
                let leaks = leaks(&text, &model, &shown);
                prop_assert!(leaks.is_empty(), "{leaks:?} in {text}");
                compared(1);
            }
        }
        Ok(())
    })
}

fn expansion_and_projection_commute(projector: Projector) -> Result<usize, String> {
    run(120, object(), |model, compared| {
        let stored = store(&model.render(&Style::default()));
        let instances = ical::recurrence::instances(&stored.base, &window(), &berlin(), &ExpansionLimits::default()).unwrap();
        for matrix in matrices() {
            let expected = projected_instances(&stored, &instances, &expected(&model, &matrix), &matrix);
            let served = view(projector, &stored, &profile(matrix));
            let got = instances_of(served.as_ref());
            prop_assert_eq!(&got, &expected, "{}\nserved as\n{}", stored.text, served.unwrap_or_default());
            compared(got.len());
        }
        Ok(())
    })
}

fn levels_nest(projector: Projector) -> Result<usize, String> {
    run(80, object(), |model, compared| {
        let stored = store(&model.render(&Style::default()));
        for private_events in [GrantPrivateEvents::Busy, GrantPrivateEvents::Hidden, GrantPrivateEvents::Show] {
            let sets = [Level::FreeBusy, Level::Titles, Level::Details].map(|level| {
                let text = view(projector, &stored, &profile(matrix(level, Some(private_events))));
                times(&instances_of(text.as_ref()))
            });
            for pair in sets.windows(2) {
                prop_assert!(pair[0].is_subset(&pair[1]), "{:?} not within {:?} of {}", pair[0], pair[1], stored.text);
                compared(pair[1].len());
            }
        }
        Ok(())
    })
}

/// Another order, folding, case and line end; other secrets; where no title is shown, other titles: the same bytes.
fn spelling_and_secrets_do_not_show(projector: Projector) -> Result<usize, String> {
    run(120, (object(), style(), vec_of_secrets()), |(model, style, secrets), compared| {
        let plain = store(&model.render(&Style::default()));
        let mut other_model = model.clone();
        other_model.master.secrets.clone_from(&secrets);
        other_model.overrides.iter_mut().for_each(|o| o.component.secrets.clone_from(&secrets));
        for matrix in matrices() {
            let shown = expected(&model, &matrix);
            if shown.contains(&Visibility::Full) {
                continue;
            }
            let title_salt = if shown.contains(&Visibility::Title) { 0 } else { style.title_salt };
            let other = store(&other_model.render(&Style { title_salt, ..style.clone() }));
            let profile = profile(matrix);
            prop_assert_eq!(view(projector, &plain, &profile), view(projector, &other, &profile));
            compared(1);
        }
        Ok(())
    })
}

fn vec_of_secrets() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(0..SECRETS_MAX, 0..6)
}

/// An override that is hidden, that same override elsewhere and with another text, and an instance that was deleted: the
/// same bytes where everything shown is reduced, the same instances where not.
fn hidden_is_deleted(projector: Projector) -> Result<usize, String> {
    run(250, object(), |model, compared| {
        for matrix in matrices() {
            let shown = expected(&model, &matrix);
            let hidden_at = |slot| model.overrides.iter().zip(&shown[1..]).any(|(o, v)| o.slot == slot && *v == Visibility::Hidden);
            let hidden: Vec<_> = model.overrides.iter().filter(|o| hidden_at(o.slot)).collect();
            if hidden.is_empty() {
                continue;
            }
            let mut elsewhere = model.clone();
            let ones = elsewhere.overrides.iter_mut().filter(|o| hidden_at(o.slot));
            ones.for_each(|o| (o.moved, o.component.secrets) = (o.moved + 17, vec![0, 3]));
            let profile = profile(matrix);
            let seen = |model: &ObjectModel| view(projector, &store(&model.render(&Style::default())), &profile);
            let served = seen(&model);
            prop_assert_eq!(&served, &seen(&elsewhere));
            if hidden.iter().any(|o| o.for_later) {
                continue; // Which slots it takes away is not told from the model.
            }
            let mut deleted = model.clone();
            deleted.overrides.retain(|o| !hidden_at(o.slot));
            deleted.excluded.extend(hidden.iter().map(|o| o.slot * 2));
            let without = seen(&deleted);
            match shown.contains(&Visibility::Full) {
                true => prop_assert_eq!(times(&instances_of(served.as_ref())), times(&instances_of(without.as_ref()))),
                false => prop_assert_eq!(&served, &without),
            }
            compared(2);
        }
        Ok(())
    })
}

/// One change to the lines of a text, as a broken client might make it.
fn mutilated(text: &str, changes: &[(u8, usize, usize)]) -> String {
    let mut lines: Vec<String> = text.split_inclusive("\r\n").map(str::to_owned).collect();
    for (change, one, other) in changes {
        let (one, other) = (one % lines.len(), other % lines.len());
        match change % 5 {
            0 => drop(lines.remove(one)),
            1 => lines.insert(one, lines[other].clone()),
            2 => lines.swap(one, other),
            // The name of one line with the value of another.
            3 => {
                let name = lines[one].split([':', ';']).next().unwrap().to_owned();
                let value = lines[other].split_once(':').map(|(_, value)| value.to_owned());
                lines[one] = format!("{name}:{}", value.unwrap_or_default());
            }
            _ => lines[one] = lines[one].replacen(':', ";X-CANARY=canary-c0:", 1),
        }
    }
    lines.concat()
}

fn mutilated_objects_leak_nothing(projector: Projector) -> Result<usize, String> {
    let changes = proptest::collection::vec((any::<u8>(), 0..500_usize, 0..500_usize), 1..4);
    run(1_500, (object(), changes), |(model, changes), compared| {
        let text = mutilated(&model.render(&Style { fold: 1000, ..Style::default() }), &changes);
        let Ok(sent) = CalendarObject::parse(text.as_bytes(), &ParseLimits::default()) else { return Ok(()) };
        let stored = store(sent.text());
        for level in [Level::FreeBusy, Level::Titles] {
            let mut matrix = matrix(level, None);
            matrix.cells[1] = matrix.cells[0];
            let Some(text) = view(projector, &stored, &profile(matrix)) else { continue };
            // A word may have come to stand in the title.
            let titles = text.lines().filter(|line| line.starts_with("SUMMARY") && level == Level::Titles).collect::<String>();
            let leaks = |word: &str| text.replace("\r\n ", "").contains(word) && !titles.contains(word);
            prop_assert!(!leaks("canary") && !leaks("title-c") && !leaks("example.org"), "{text}\nof\n{}", stored.text);
            parse(&text);
            compared(1);
        }
        Ok(())
    })
}

/// Runs a property on the real projector, with a minimum of comparisons.
fn holds(property: fn(Projector) -> Result<usize, String>, least: usize) {
    let compared = property(real).unwrap_or_else(|error| panic!("{error}"));
    println!("{compared} comparisons");
    assert!(compared >= least, "only {compared} comparisons");
}

#[test]
fn leak_01_no_reduced_view_of_any_object_has_a_word_it_may_not_have() {
    holds(no_view_has_words_it_may_not, 1_000);
}

#[test]
fn leak_05_expanding_a_projection_gives_the_projections_of_the_instances() {
    holds(expansion_and_projection_commute, 8_000);
}

#[test]
fn free_busy_lies_within_titles_within_details() {
    holds(levels_nest, 2_000);
}

#[test]
fn leak_20_how_a_client_spells_and_what_it_keeps_secret_does_not_show() {
    holds(spelling_and_secrets_do_not_show, 500);
}

#[test]
fn leak_07_a_hidden_instance_cannot_be_told_from_a_deleted_one() {
    holds(hidden_is_deleted, 500);
}

#[test]
fn the_same_object_is_projected_alike_each_time_and_its_tag_follows_the_bytes() {
    let compared = run(25, object(), |model, compared| {
        let stored = store(&model.render(&Style::default()));
        let object = |touch| StoredObject { touch, ..as_stored(&stored) };
        let mut by_tag: Vec<(String, Vec<u8>)> = Vec::new();
        for matrix in matrices() {
            let profile = profile(matrix);
            let [Some(first), Some(again), Some(touched)] = [0, 0, 1].map(|touch| project(&object(touch), &profile)) else { continue };
            prop_assert_eq!(first.bytes(), again.bytes());
            prop_assert_eq!(first.etag(), again.etag());
            prop_assert_eq!(first.bytes(), touched.bytes());
            prop_assert_ne!(first.etag(), touched.etag());
            for (tag, bytes) in &by_tag {
                prop_assert_eq!(tag == first.etag(), bytes == first.bytes());
                compared(1);
            }
            by_tag.push((first.etag().to_owned(), first.bytes().to_vec()));
        }
        Ok(())
    });
    let compared = compared.unwrap();
    println!("{compared} comparisons");
    assert!(compared >= 500, "only {compared} comparisons");
}

#[test]
fn leak_110_what_a_broken_client_mixed_up_leaks_nothing_either() {
    holds(mutilated_objects_leak_nothing, 500);
}

/// Projectors that break one rule each, and the property that has to notice.
mod saboteurs {
    use super::*;

    /// Puts lines before the first END of a reduced component.
    fn with_lines(text: &str, lines: &str) -> String {
        match text.split_once("DTSTAMP:20000101T000000Z\r\n") {
            Some((before, after)) => format!("{before}DTSTAMP:20000101T000000Z\r\n{lines}{after}"),
            None => text.to_owned(),
        }
    }

    fn stored_line(object: &StoredObject<'_>, name: &str) -> String {
        let base = object.base.unwrap();
        let line = base.components().find_map(|component| component.line(name));
        line.map(|line| base.text()[line.span.clone()].to_owned()).unwrap_or_default()
    }

    fn keeps_the_description(object: &StoredObject<'_>, profile: &ViewProfile) -> Option<String> {
        Some(with_lines(&real(object, profile)?, &stored_line(object, "DESCRIPTION")))
    }

    fn keeps_the_stored_zone(object: &StoredObject<'_>, profile: &ViewProfile) -> Option<String> {
        let text = real(object, profile)?;
        let base = object.base.unwrap();
        let zone = base.calendar().components.iter().find(|c| c.name == "VTIMEZONE").map(|c| &base.text()[c.span.clone()]);
        Some(text.replacen("BEGIN:VEVENT", &format!("{}BEGIN:VEVENT", zone.unwrap_or_default()), 1))
    }

    fn keeps_the_stamp(object: &StoredObject<'_>, profile: &ViewProfile) -> Option<String> {
        Some(real(object, profile)?.replace("DTSTAMP:20000101T000000Z\r\n", &stored_line(object, "DTSTAMP")))
    }

    fn drops_hidden_overrides_only(object: &StoredObject<'_>, profile: &ViewProfile) -> Option<String> {
        let text = real(object, profile)?;
        let lines = text.replace("\r\n ", "");
        Some(lines.split_inclusive("\r\n").filter(|line| !line.starts_with("EXDATE")).collect())
    }

    fn shows_titles_to_everyone(object: &StoredObject<'_>, profile: &ViewProfile) -> Option<String> {
        let text = real(object, profile)?;
        let title = stored_line(object, "SUMMARY");
        Some(text.replace("SUMMARY:Busy\r\n", &title).replace("SUMMARY:Private event\r\n", &title))
    }

    fn shows_free_time_at_free_busy(object: &StoredObject<'_>, profile: &ViewProfile) -> Option<String> {
        let wider = ViewProfile { matrix: matrix(Level::Titles, Some(GrantPrivateEvents::Busy)), ..profile.clone() };
        real(object, if profile.matrix == matrix(Level::FreeBusy, Some(GrantPrivateEvents::Busy)) { &wider } else { profile })
    }

    fn is_noticed(property: fn(Projector) -> Result<usize, String>, saboteur: Projector) {
        assert!(property(saboteur).is_err(), "a broken projector went unnoticed");
    }

    #[test]
    fn a_description_is_noticed_by_its_words() {
        is_noticed(no_view_has_words_it_may_not, keeps_the_description);
    }

    #[test]
    fn a_stored_zone_is_noticed_by_its_words() {
        is_noticed(no_view_has_words_it_may_not, keeps_the_stored_zone);
    }

    #[test]
    fn a_title_at_free_busy_is_noticed_by_its_words() {
        is_noticed(no_view_has_words_it_may_not, shows_titles_to_everyone);
    }

    #[test]
    fn a_ghost_at_a_hidden_instance_is_noticed_by_expanding() {
        is_noticed(expansion_and_projection_commute, drops_hidden_overrides_only);
    }

    #[test]
    fn a_stamp_is_noticed_by_other_secrets() {
        is_noticed(spelling_and_secrets_do_not_show, keeps_the_stamp);
    }

    #[test]
    fn free_time_at_free_busy_is_noticed_by_expanding() {
        is_noticed(expansion_and_projection_commute, shows_free_time_at_free_busy);
    }
}
