//! What holds of every projection, whatever was stored: the body of a fuzz target, which `cargo test` runs on kept inputs and
//! on mutations of them. Not for production: behind the feature `testing`.
//!
//! Which words may show is not told by a list of secrets, for any bytes can stand anywhere: the object is projected a second
//! time with every word `canary` changed where this viewer may not look, and both views must be one to the byte.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a property that does not hold is told by panicking")]

use crate::access::{AccessMatrix, Cell};
use crate::level::{GrantPrivateEvents, Level, Visibility};
use crate::policy::{CalendarPolicy, Policy};
use crate::privacy::{EventPrivacy, PrivacyRecord};
use crate::project::{StoredObject, ViewProfile, VisibleObject, busy_of_once, project, project_availability, project_free_busy};
use crate::testing::{matrix, profile};
use crate::{ForeignAttendees, ObjectId, per_user, write};
use ical::fuzz::LIMITS;
use ical::recurrence::Once;
use ical::{CalendarObject, Component, ContentLine, ExpansionLimits, ParseLimits, TimeRange, Zone};
use std::ops::Range;

/// The word that is changed, and what it is changed to: of one length, so that lines fold alike.
const WORD: (&str, &str) = ("canary", "sparow");

/// Instances that a view spells out at most, and bytes beside those of the stored object.
const VIEW_BYTES_FREE: usize = 4 << 20;

/// An object as the door finds it.
struct Stored {
    text: String,
    base: CalendarObject,
    privacy: PrivacyRecord,
}

impl Stored {
    fn of(sent: &CalendarObject) -> Option<Self> {
        // With widening on, public components are shown in full beside reduced ones.
        let policy = Policy { widen_public: true, ..Policy::default() };
        let privacy = write::record_for_new(sent, &policy, &CalendarPolicy::default(), None);
        let text = per_user::split(sent).base;
        let base = CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).ok()?;
        Some(Self { text, base, privacy })
    }

    fn object(&self) -> StoredObject<'_> {
        StoredObject {
            id: ObjectId([9; 16]),
            name: "canary.ics",
            base_text: &self.text,
            base: Some(&self.base),
            base_version: 1,
            privacy: &self.privacy,
            created_by_viewer: false,
            foreign_attendees: &ForeignAttendees::All,
            overlay: None,
            touch: 0,
            own: None,
            identity_taken: false,
        }
    }

    fn visibility(&self, component: &Component, matrix: &AccessMatrix) -> Visibility {
        matrix.cell(self.privacy.of(self.base.recurrence_id(component).as_ref())).visibility
    }
}

/// Viewers of every kind but the owner.
fn matrices() -> Vec<AccessMatrix> {
    use GrantPrivateEvents::{Busy, Hidden, Show};
    let mut all: Vec<AccessMatrix> = [
        (Level::FreeBusy, Busy),
        (Level::FreeBusy, Hidden),
        (Level::Titles, Busy),
        (Level::Titles, Hidden),
        (Level::Details, Busy),
        (Level::Edit, Hidden),
        (Level::EditDelete, Show),
    ]
    .into_iter()
    .map(|(level, private_events)| matrix(level, Some(private_events)))
    .collect();
    let cell = |visibility| Cell { visibility, edit: false, delete: false };
    let mut titles_with_places = matrix(Level::Titles, Some(Busy));
    titles_with_places.with_places = true;
    // Public events widened beside free/busy; confidential ones by their titles.
    let mut widened = matrix(Level::FreeBusy, Some(Busy));
    widened.cells[EventPrivacy::ALL.iter().position(|privacy| *privacy == EventPrivacy::Public).unwrap()] = cell(Visibility::Full);
    let mut titled = matrix(Level::Edit, Some(Hidden));
    titled.cells[EventPrivacy::ALL.iter().position(|privacy| *privacy == EventPrivacy::Confidential).unwrap()] = cell(Visibility::Title);
    all.extend([titles_with_places, widened, titled]);
    all
}

/// What projects: [`project`], or one that does it wrong, to see that this is noticed.
pub type Projector<'p> = &'p dyn Fn(&StoredObject<'_>, &ViewProfile) -> Option<VisibleObject>;

/// Whatever object and viewer: no panic, what is shown is valid, bounded, the same again, and a function of what may be shown.
/// The owner has her bytes.
pub fn projection(bytes: &[u8]) {
    projection_by(bytes, &project);
}

/// The same of any projector.
pub fn projection_by(bytes: &[u8], project: Projector<'_>) {
    let Ok(sent) = CalendarObject::parse(bytes, &LIMITS) else { return };
    let Some(stored) = Stored::of(&sent) else { panic_for(&sent) };
    let owner = project(&stored.object(), &profile(AccessMatrix::owner())).unwrap();
    assert_eq!(owner.bytes(), stored.text.as_bytes());
    for matrix in matrices() {
        let profile = profile(matrix.clone());
        let visible = project(&stored.object(), &profile);
        assert_eq!(seen(visible.as_ref()), seen(project(&stored.object(), &profile).as_ref()));
        if let Some(visible) = &visible {
            is_well_shown(visible, &stored, &matrix);
            counts_alike(visible, &stored, &profile);
        }
        let changed = hidden_words_changed(&stored, &matrix);
        if let Some(other) = CalendarObject::parse(changed.as_bytes(), &ParseLimits::default()).ok().as_ref().and_then(Stored::of) {
            assert_eq!(other.privacy, stored.privacy);
            assert_eq!(seen(visible.as_ref()), seen(project(&other.object(), &profile).as_ref()), "{matrix:?}");
            let busy = |stored: &Stored| format!("{:?}", project_free_busy(&stored.object(), &profile));
            let available = |stored: &Stored| format!("{:?}", project_availability(&stored.object(), &profile));
            assert_eq!(busy(&stored), busy(&other));
            assert_eq!(available(&stored), available(&other));
        }
    }
}

/// How an event that takes place once is said to count is what its free/busy projection says.
fn counts_alike(visible: &VisibleObject, stored: &Stored, profile: &ViewProfile) {
    let Some((once, said)) = busy_of_once(&stored.object(), profile) else { return };
    assert!(visible.calendar().and_then(Once::of).is_none_or(|shown| shown == once));
    let always = TimeRange::default();
    let said = said.and_then(|busy_type| once.busy_period(busy_type, &always));
    let busy = project_free_busy(&stored.object(), profile);
    let periods = busy.as_ref().and_then(VisibleObject::calendar).map_or_else(Vec::new, |busy| {
        ical::free_busy::busy_periods(busy, &always, &Zone::utc(), &ExpansionLimits::default()).unwrap_or_default()
    });
    assert_eq!(Vec::from_iter(said), periods);
}

/// What a store keeps of a valid object is a valid object.
fn panic_for(sent: &CalendarObject) -> ! {
    let base = per_user::split(sent).base;
    let error = CalendarObject::parse(base.as_bytes(), &ParseLimits::default()).err();
    assert_eq!(error, None, "the base of an object does not parse");
    std::process::abort()
}

/// Everything a viewer learns of an object.
fn seen(visible: Option<&VisibleObject>) -> Option<(String, String, String)> {
    visible.map(|visible| {
        (
            visible.name().to_owned(),
            String::from_utf8_lossy(visible.bytes()).into_owned(),
            format!("{} {:?}", visible.etag(), visible.rights()),
        )
    })
}

fn is_well_shown(visible: &VisibleObject, stored: &Stored, matrix: &AccessMatrix) {
    let text = std::str::from_utf8(visible.bytes()).unwrap();
    let shown = CalendarObject::parse(visible.bytes(), &ParseLimits::default()).unwrap();
    assert_eq!(visible.calendar().unwrap().text(), text);
    assert_eq!(shown.kind(), stored.base.kind());
    assert!(text.len() <= stored.text.len() * 64 + VIEW_BYTES_FREE, "{} of {}", text.len(), stored.text.len());
    let most = stored.base.components().map(|component| stored.visibility(component, matrix)).max().unwrap();
    assert!(most > Visibility::Hidden || visible.least_visibility() == Visibility::FreeBusy);
    if most <= Visibility::Title {
        assert!(!visible.name().contains(WORD.0));
        assert!(!visible.rights().edit, "what is not seen in full is not written");
        assert!(text.split("\r\n").all(|line| line.len() <= 75));
        for component in shown.components() {
            assert!(component.components.is_empty(), "no alarm, no participant");
            for line in &component.lines {
                is_allowed(line, most, matrix);
            }
        }
    }
}

/// The allow-list of what is below Full, once more, by names and forms.
fn is_allowed(line: &ContentLine, most: Visibility, matrix: &AccessMatrix) {
    const TIMES: [&str; 9] = ["DTSTART", "DTEND", "DUE", "RECURRENCE-ID", "RDATE", "EXDATE", "DTSTAMP", "RRULE", "DURATION"];
    let titled = most == Visibility::Title;
    let value = line.value.as_str();
    let fine = match line.name.as_str() {
        "UID" => true,
        "RRULE" => value.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"=;,-+".contains(&b)),
        name if TIMES.contains(&name) => value.bytes().all(|b| b.is_ascii_digit() || b"TZPDHMSW,-/".contains(&b)),
        "SUMMARY" => titled || value == "Busy" || value == "Private event",
        "STATUS" => ["TENTATIVE", "CONFIRMED"].contains(&value) || (titled && value.bytes().all(|b| b.is_ascii_uppercase() || b == b'-')),
        "TRANSP" => ["OPAQUE", "TRANSPARENT"].contains(&value),
        "CLASS" => ["PRIVATE", "CONFIDENTIAL"].contains(&value),
        "LOCATION" => titled && matrix.with_places,
        // Availability and busy time are shown as times alone.
        "FREEBUSY" => true,
        _ => false,
    };
    assert!(fine, "{} {}", line.name, line.value);
    let parameters = line.parameters.iter().map(|parameter| parameter.name.as_str());
    let allowed = ["VALUE", "TZID", "FBTYPE", "RANGE", "LANGUAGE"];
    assert!(parameters.into_iter().all(|name| allowed.contains(&name)), "{:?}", line.parameters);
}

/// The stored text with the word changed wherever this viewer may not look.
fn hidden_words_changed(stored: &Stored, matrix: &AccessMatrix) -> String {
    let calendar = stored.base.calendar();
    let of_kind = stored.base.kind().name();
    let is_full = |component: &Component| component.name == of_kind && stored.visibility(component, matrix) == Visibility::Full;
    let any_full = calendar.components.iter().any(is_full);
    let mut kept: Vec<Range<usize>> = Vec::new();
    for component in &calendar.components {
        if component.name != of_kind {
            // The definition of a zone is shown with what is shown in full.
            kept.extend(any_full.then(|| component.span.clone()));
            continue;
        }
        match stored.visibility(component, matrix) {
            Visibility::Full => kept.push(component.span.clone()),
            visibility => {
                let titles = component.lines.iter().filter(|line| visibility == Visibility::Title && is_title(line, matrix));
                kept.extend(titles.map(|line| line.span.clone()));
                // All components of an object have one UID, and what is shown in full bears it; zones and slots relate them.
                let common = component.lines.iter().filter(|line| any_full && is_common(line));
                kept.extend(common.map(|line| line.span.clone()));
            }
        }
    }
    if any_full {
        kept.extend(calendar.lines.iter().map(|line| line.span.clone()));
    }
    kept.sort_by_key(|span| span.start);
    let mut changed = String::new();
    let mut at = 0;
    for span in kept {
        changed.push_str(&stored.text.get(at..span.start).unwrap_or_default().replace(WORD.0, WORD.1));
        changed.push_str(stored.text.get(span.start.max(at)..span.end).unwrap_or_default());
        at = at.max(span.end);
    }
    changed.push_str(&stored.text.get(at..).unwrap_or_default().replace(WORD.0, WORD.1));
    changed
}

fn is_title(line: &ContentLine, matrix: &AccessMatrix) -> bool {
    line.name == "SUMMARY" || (line.name == "LOCATION" && matrix.with_places)
}

fn is_common(line: &ContentLine) -> bool {
    ["UID", "RECURRENCE-ID"].contains(&line.name.as_str()) || line.parameter("TZID").is_some()
}
