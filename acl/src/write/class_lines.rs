//! CLASS in a PUT over a stored object: what of it the privacy record takes over, and which CLASS lines the stored text
//! keeps against the client's.

use super::former::{Former, Formers};
use crate::access::Relation;
use crate::per_user;
use crate::policy::ClassPublicLowers;
use crate::privacy::{Class, EventPrivacy, PrivacyRecord};
use crate::text_edit::TextEdit;
use ical::{CalendarObject, Component, Parameter, RecurrenceId};
use std::cell::LazyCell;

/// A PUT over a stored object, as far as CLASS goes.
pub(super) struct ClassChange<'a> {
    pub(super) new: &'a CalendarObject,
    /// The stored base, if it could be read.
    pub(super) old: Option<&'a CalendarObject>,
    pub(super) formers: &'a Formers<'a>,
    pub(super) record: &'a PrivacyRecord,
    pub(super) writer: Relation,
    /// What `CLASS:PUBLIC` is recorded as here.
    pub(super) public: EventPrivacy,
    pub(super) lowers: ClassPublicLowers,
}

/// What is decided of it.
pub(super) struct ClassDecision {
    pub(super) record: PrivacyRecord,
    /// Changes of the sent text.
    pub(super) edits: Vec<TextEdit>,
    /// Whether every component then has the CLASS lines it is stored with.
    pub(super) as_stored: bool,
    /// Whether the client's CLASS asked for less privacy than stays recorded.
    pub(super) kept: bool,
}

/// What is decided of one sent component.
struct Decided {
    privacy: EventPrivacy,
    /// The CLASS lines it gets instead of those sent; `None`: these stay.
    lines: Option<String>,
    kept: bool,
}

/// What happens to the privacy of the master.
#[derive(Clone, Copy)]
struct Step {
    from: EventPrivacy,
    to: EventPrivacy,
}

impl Decided {
    fn as_sent(privacy: EventPrivacy) -> Self {
        Self { privacy, lines: None, kept: false }
    }
}

/// Decides. The owner raises privacy always and lowers it by the policy; what her calendars are synchronized with raises it on
/// her behalf, and nobody else changes it.
pub(super) fn decide(change: &ClassChange<'_>) -> ClassDecision {
    let may_lower = LazyCell::new(|| match change.lowers {
        ClassPublicLowers::Any => true,
        ClassPublicLowers::Alone => change.old.is_some_and(|old| per_user::same_content(old, change.new)),
    });
    let mut decision = ClassDecision { record: PrivacyRecord::default(), edits: Vec::new(), as_stored: true, kept: false };
    let mut components: Vec<_> = change.new.components().map(|component| (change.new.recurrence_id(component), component)).collect();
    // The master first: overrides look at what it became.
    components.sort_by_key(|(recurrence_id, _)| recurrence_id.is_some());
    let mut master = None;
    let mut record = Vec::with_capacity(components.len());
    for (recurrence_id, component) in components {
        let former = change.formers.of(recurrence_id.as_ref());
        let decided = match change.writer {
            Relation::Owner => by_owner(change, component, recurrence_id.as_ref(), &former, master, || *may_lower),
            Relation::Target(_) => by_owner(change, component, recurrence_id.as_ref(), &former, master, || false),
            Relation::Other => by_other(change, component, recurrence_id.as_ref(), &former),
        };
        if recurrence_id.is_none() {
            master = Some(Step { from: recorded(change, None, &former), to: decided.privacy });
        }
        decision.kept |= decided.kept;
        decision.as_stored &= is_as_stored(change, component, &former, decided.lines.as_deref());
        if let Some(lines) = decided.lines {
            replace_lines(component, lines, &mut decision.edits);
        }
        record.push((recurrence_id, decided.privacy));
    }
    decision.record = PrivacyRecord::new(record);
    decision
}

/// The privacy recorded so far of what a sent component continues; of an object whose component is unknown, the strictest.
fn recorded(change: &ClassChange<'_>, recurrence_id: Option<&RecurrenceId>, former: &Former<'_>) -> EventPrivacy {
    match former {
        Former::Same(_, key) => change.record.of(key.as_ref()),
        Former::OfSeries(_, key) => change.record.of(key.as_ref()),
        Former::New => {
            let known = change.record.get(recurrence_id).or_else(|| change.record.strictest());
            known.unwrap_or(EventPrivacy::Private)
        }
    }
}

/// `master`: what happens to the master in this PUT, for an override.
fn by_owner(
    change: &ClassChange<'_>,
    component: &Component,
    recurrence_id: Option<&RecurrenceId>,
    former: &Former<'_>,
    master: Option<Step>,
    may_lower: impl Fn() -> bool,
) -> Decided {
    let recorded = recorded(change, recurrence_id, former);
    let class = Class::of(component);
    let Some(asked) = class.privacy(change.public) else {
        return without_class(change, former, recorded, master);
    };
    if asked.strictness() >= recorded.strictness() {
        return Decided::as_sent(asked);
    }
    match former {
        // The line says what it said before: it asks for nothing, whatever it means today.
        Former::Same(stored, _) if Class::of(stored) == class => Decided::as_sent(recorded),
        _ if may_lower() => Decided::as_sent(asked),
        _ => Decided { privacy: recorded, lines: Some(lines_for(change, former, recorded)), kept: true },
    }
}

/// Leaving CLASS out keeps what is recorded; an override without CLASS also follows its master when it rises, never down.
fn without_class(change: &ClassChange<'_>, former: &Former<'_>, recorded: EventPrivacy, master: Option<Step>) -> Decided {
    let risen = master.filter(|master| master.to.strictness() > master.from.strictness());
    let stored = match former {
        Former::Same(stored, _) => stored,
        // An instance of what an override for this and future instances made of the series.
        Former::OfSeries(_, Some(_)) => return Decided::as_sent(risen.map_or(recorded, |master| master.to.stricter(recorded))),
        // A new override is an instance of the master as it is now.
        Former::OfSeries(_, None) | Former::New => return Decided::as_sent(master.map_or(recorded, |master| master.to)),
    };
    let fallen = master.is_some_and(|master| master.to.strictness() < master.from.strictness());
    let privacy = risen.map_or(recorded, |master| master.to.stricter(recorded));
    // A protected component that bore a CLASS gets one again, and so does an override whose master falls below it: without
    // it the owner's own program would show it as open.
    let says_so = Class::of(stored) != Class::Absent || fallen;
    let lines = (is_protected(privacy) && says_so).then(|| lines_for(change, former, privacy));
    Decided { privacy, lines, kept: false }
}

/// Whoever is not the owner changes nothing: what is stored gets back the CLASS lines it had, none if it had none.
fn by_other(change: &ClassChange<'_>, component: &Component, recurrence_id: Option<&RecurrenceId>, former: &Former<'_>) -> Decided {
    let privacy = recorded(change, recurrence_id, former);
    let class = Class::of(component);
    let lines = match former {
        Former::Same(stored, _) if said(stored).eq(said(component)) => None,
        // A copy of the series' CLASS, as programs make them, says no more than none.
        Former::OfSeries(series, _) if class == Class::Absent || class == Class::of(series) => None,
        Former::Same(stored, _) | Former::OfSeries(stored, _) => Some(stored_lines(change, stored)),
        Former::New if class == Class::Absent => None,
        Former::New => Some(String::new()),
    };
    Decided { privacy, lines, kept: false }
}

fn is_protected(privacy: EventPrivacy) -> bool {
    privacy.strictness() > EventPrivacy::Standard.strictness()
}

/// CLASS lines that say `privacy`: the stored ones if they do, else one of our own; none for what is not protected.
fn lines_for(change: &ClassChange<'_>, former: &Former<'_>, privacy: EventPrivacy) -> String {
    match former {
        Former::Same(stored, _) if Class::of(stored).privacy(change.public) == Some(privacy) => stored_lines(change, stored),
        _ if is_protected(privacy) => format!("CLASS:{}\r\n", privacy.class_value()),
        _ => String::new(),
    }
}

/// The original CLASS lines of a stored component.
fn stored_lines(change: &ClassChange<'_>, stored: &Component) -> String {
    let text = change.old.map(CalendarObject::text).unwrap_or_default();
    stored.lines_named("CLASS").filter_map(|line| text.get(line.span.clone())).collect()
}

/// What the CLASS lines of a component say, however they are folded.
fn said(component: &Component) -> impl Iterator<Item = (&[Parameter], &str)> {
    component.lines_named("CLASS").map(|line| (line.parameters.as_slice(), line.value.as_str()))
}

/// Whether a component has, after the decision, the CLASS lines it is stored with.
fn is_as_stored(change: &ClassChange<'_>, component: &Component, former: &Former<'_>, lines: Option<&str>) -> bool {
    match (former, lines) {
        (Former::Same(stored, _), None) => said(stored).eq(said(component)),
        (Former::Same(stored, _), Some(lines)) => stored_lines(change, stored) == lines,
        (Former::OfSeries(..) | Former::New, _) => false,
    }
}

/// Puts `lines` where the component has its CLASS, or first.
fn replace_lines(component: &Component, lines: String, edits: &mut Vec<TextEdit>) {
    edits.extend(component.lines_named("CLASS").map(|line| TextEdit::remove(line.span.clone())));
    let place = component.line("CLASS").or(component.lines.first()).map_or(component.end_span.start, |line| line.span.start);
    edits.push(TextEdit::insert(place, lines));
}
