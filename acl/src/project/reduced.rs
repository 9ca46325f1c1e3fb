//! What FreeBusy and Title show of one component: the allow-lists of the projection, as code that names what it copies.
//!
//! Nothing here iterates over the lines of a component to keep some of them: each property is asked for by its name, read
//! into a value and written anew, so that what is not named cannot pass.

use super::ViewProfile;
use super::listing::{Occupancy, Placement, has_value};
use super::series::Recurrence;
use super::when::Stamp;
use crate::level::Visibility;
use ical::content_line::{escape_text, unescape_text};
use ical::write::push_line;
use ical::{Component, ComponentKind};

/// DTSTAMP of every reduced component: when it was made or changed is withheld.
const STAMP: &str = "20000101T000000Z";

/// All of a reduced component but its times.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Face {
    summary: String,
    language: Option<String>,
    location: Option<String>,
    status: Option<&'static str>,
    transparency: Option<&'static str>,
    class: &'static str,
}

impl Face {
    /// What is shown of a component besides its times.
    pub(super) fn of(placement: &Placement<'_>, kind: ComponentKind, profile: &ViewProfile) -> Self {
        if placement.shown == Visibility::Title {
            Self::title(placement.component, kind, profile)
        } else {
            Self::free_busy(placement, kind, profile)
        }
    }

    fn free_busy(placement: &Placement<'_>, kind: ComponentKind, profile: &ViewProfile) -> Self {
        let is_event = kind == ComponentKind::Event;
        let sees_titles = profile.matrix.cell(crate::privacy::EventPrivacy::Standard).visibility >= Visibility::Title;
        let transparency = match placement.occupancy {
            Occupancy::Busy => "OPAQUE",
            Occupancy::Free => "TRANSPARENT",
        };
        Self {
            summary: escape_text(if sees_titles { &profile.words.private } else { &profile.words.busy }),
            language: None,
            location: None,
            status: Some("TENTATIVE").filter(|status| is_event && has_value(placement.component, "STATUS", status)),
            transparency: is_event.then_some(transparency),
            class: "PRIVATE",
        }
    }

    fn title(component: &Component, kind: ComponentKind, profile: &ViewProfile) -> Self {
        let statuses: &[&'static str] = match kind {
            ComponentKind::Event => &["TENTATIVE", "CONFIRMED"],
            ComponentKind::ToDo => &["NEEDS-ACTION", "IN-PROCESS", "COMPLETED"],
            _ => &[],
        };
        let title = text(component, "SUMMARY");
        // Many clients leave out an event that has no SUMMARY.
        let (summary, language) = match title {
            Some(title) => (title, component.line("SUMMARY").and_then(|line| line.parameter("LANGUAGE")).and_then(language_tag)),
            None => (escape_text(&profile.words.busy), None),
        };
        let has_place = profile.matrix.with_places && kind == ComponentKind::Event;
        Self {
            summary,
            language,
            location: if has_place { text(component, "LOCATION") } else { None },
            status: statuses.iter().find(|status| has_value(component, "STATUS", status)).copied(),
            transparency: (kind == ComponentKind::Event)
                .then(|| if has_value(component, "TRANSP", "TRANSPARENT") { "TRANSPARENT" } else { "OPAQUE" }),
            class: "CONFIDENTIAL",
        }
    }
}

/// A TEXT value in canonical escapes; `None` if it is absent or blank.
fn text(component: &Component, name: &str) -> Option<String> {
    let text = unescape_text(&component.line(name)?.value);
    if text.trim().is_empty() { None } else { Some(escape_text(&text)) }
}

/// A language with its script and region (RFC 5646 §2.1), e.g. `en`, `de-AT`, `zh-Hant-TW`. The rest of what a tag may hold
/// could carry what is withheld.
pub(super) fn language_tag(tag: &str) -> Option<String> {
    let mut subtags = tag.split('-').peekable();
    let is_alphabetic = |subtag: &str| subtag.bytes().all(|byte| byte.is_ascii_alphabetic());
    let language = subtags.next()?;
    let is_language = matches!(language.len(), 2 | 3) && is_alphabetic(language);
    let _script = subtags.next_if(|subtag| subtag.len() == 4 && is_alphabetic(subtag));
    let _region = subtags
        .next_if(|subtag| subtag.len() == 2 && is_alphabetic(subtag) || subtag.len() == 3 && subtag.bytes().all(|b| b.is_ascii_digit()));
    (is_language && subtags.next().is_none()).then(|| tag.to_owned())
}

/// When a reduced component takes place.
#[derive(Debug)]
pub(super) enum Times {
    /// A single component or an override.
    Single {
        /// DTSTART.
        start: Option<Stamp>,
        /// DTEND or DUE.
        end: Option<Stamp>,
        /// RECURRENCE-ID.
        recurrence_id: Option<Stamp>,
    },
    /// A master.
    Series(Recurrence),
}

/// Appends a reduced component. `tzid` is that of the series, for local stamps.
pub(super) fn push_component(out: &mut String, kind: ComponentKind, uid: &str, times: &Times, face: &Face, tzid: &str) {
    push_line(out, "BEGIN", kind.name());
    push_line(out, "UID", uid);
    push_line(out, "DTSTAMP", STAMP);
    let end_name = if kind == ComponentKind::ToDo { "DUE" } else { "DTEND" };
    match times {
        Times::Single { start, end, recurrence_id } => {
            push_stamp(out, "RECURRENCE-ID", *recurrence_id, tzid);
            push_stamp(out, "DTSTART", *start, tzid);
            push_stamp(out, end_name, *end, tzid);
        }
        Times::Series(recurrence) => {
            push_stamp(out, "DTSTART", Some(recurrence.start), tzid);
            push_stamp(out, end_name, recurrence.end, tzid);
            for rule in &recurrence.rules {
                push_line(out, "RRULE", rule);
            }
            push_stamps(out, "RDATE", &recurrence.dates, tzid);
            push_periods(out, &recurrence.periods, tzid);
            push_stamps(out, "EXDATE", &recurrence.excluded, tzid);
        }
    }
    let summary_head = face.language.as_ref().map(|tag| format!("SUMMARY;LANGUAGE={tag}"));
    push_line(out, summary_head.as_deref().unwrap_or("SUMMARY"), &face.summary);
    for (name, value) in [("LOCATION", face.location.as_deref()), ("STATUS", face.status), ("TRANSP", face.transparency)] {
        if let Some(value) = value {
            push_line(out, name, value);
        }
    }
    push_line(out, "CLASS", face.class);
    push_line(out, "END", kind.name());
}

fn push_stamp(out: &mut String, name: &str, stamp: Option<Stamp>, tzid: &str) {
    push_stamps(out, name, stamp.as_slice(), tzid);
}

/// One line for each form among the stamps, in their order.
fn push_stamps(out: &mut String, name: &str, stamps: &[Stamp], tzid: &str) {
    for run in stamps.chunk_by(|a, b| std::mem::discriminant(a) == std::mem::discriminant(b)) {
        if let Some(first) = run.first() {
            let values = run.iter().map(|stamp| stamp.value()).collect::<Vec<_>>().join(",");
            push_line(out, &head(name, *first, tzid), &values);
        }
    }
}

/// RDATE with periods, in UTC or in the zone of the series as their starts are.
fn push_periods(out: &mut String, periods: &[(Stamp, Stamp)], tzid: &str) {
    for run in periods.chunk_by(|a, b| std::mem::discriminant(&a.0) == std::mem::discriminant(&b.0)) {
        if let Some((first, _)) = run.first() {
            let zone = if matches!(first, Stamp::Local(_)) { format!(";TZID={}", quoted(tzid)) } else { String::new() };
            let values = run.iter().map(|(start, end)| format!("{}/{}", start.value(), end.value())).collect::<Vec<_>>().join(",");
            push_line(out, &format!("RDATE;VALUE=PERIOD{zone}"), &values);
        }
    }
}

/// A property's name with the parameter its stamp needs.
pub(super) fn head(name: &str, stamp: Stamp, tzid: &str) -> String {
    match stamp {
        Stamp::Date(_) => format!("{name};VALUE=DATE"),
        Stamp::Floating(_) | Stamp::Utc(_) => name.to_owned(),
        Stamp::Local(_) => format!("{name};TZID={}", quoted(tzid)),
    }
}

/// A parameter value, quoted if RFC 5545 §3.2 asks for it, in the escapes of RFC 6868.
pub(super) fn quoted(value: &str) -> String {
    let escaped = value.replace('^', "^^").replace('"', "^'").replace('\n', "^n");
    if escaped.contains([':', ';', ',']) { format!("\"{escaped}\"") } else { escaped }
}
