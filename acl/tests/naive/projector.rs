//! The rules of what is shown, once more: as plainly as they are said, from the text of an object, without a thought of how
//! long it takes. Knows nothing of how the real projector works; shares with it reading lines and expanding series alone.
//!
//! What it says of a view: the instances in a window with all that is shown of each, the identity of the resource, what may
//! be done with it, and how its series is written.

use acl::access::Relation;
use acl::target::PrivateItems;
use acl::{AccessMatrix, Cell, EventPrivacy, Visibility};
use chrono::{DateTime, NaiveDateTime, Utc};
use ical::{CalendarObject, Component, ComponentKind, ExpansionLimits, ParseLimits, TimeRange, Zone};
use std::collections::BTreeSet;

/// Who looks, as far as the rules ask.
pub(crate) struct Viewer {
    pub(crate) matrix: AccessMatrix,
    /// He made the object and nobody wrote it since.
    pub(crate) created: bool,
    /// Whether public events are shown wider than standard ones.
    pub(crate) widening: bool,
    pub(crate) owner_address: &'static str,
    /// His own address, where the owner's invitations count.
    pub(crate) address: Option<&'static str>,
}

/// One instance and all that is shown of it but its times: lines, sub-components after them.
pub(crate) type Shown = (Option<DateTime<Utc>>, Option<DateTime<Utc>>, Vec<String>);

/// What a viewer is shown of an object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) instances: BTreeSet<Shown>,
    /// Name and UID are the stored ones.
    pub(crate) real: bool,
    pub(crate) edit: bool,
    pub(crate) delete: bool,
    /// The lines of the times of one single event that is reduced.
    pub(crate) times: Option<BTreeSet<String>>,
    /// Slots of a reduced series that its rule gives and that are not there: its EXDATE.
    pub(crate) excluded: Option<BTreeSet<DateTime<Utc>>>,
}

/// What is decided for one component.
struct Part<'a> {
    component: &'a Component,
    cell: Cell,
    shown: Visibility,
}

pub(crate) const BUSY: &str = "Busy";
pub(crate) const PRIVATE: &str = "Private event";

/// Properties that say when.
const TIMES: [&str; 8] = ["DTSTART", "DTEND", "DUE", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"];

/// `None`: hidden.
pub(crate) fn project(object: &CalendarObject, viewer: &Viewer, window: &TimeRange) -> Option<View> {
    let parts = parts(object, viewer);
    let listed: Vec<&Part<'_>> = parts.iter().filter(|part| part.shown > Visibility::Hidden).collect();
    let whole = parts.iter().all(|part| part.shown == Visibility::Full);
    let instances = instances(object, window).into_iter().filter_map(|(start, end, at)| {
        let part = &parts[at];
        (part.shown > Visibility::Hidden).then(|| (start, end, face(object, part, viewer)))
    });
    let instances: BTreeSet<Shown> = instances.collect();
    // What has no instance is nothing, unless every line of it is shown as it is stored.
    if listed.is_empty() || (instances.is_empty() && !whole) {
        return None;
    }
    // A master of whose slots none is left is not listed, except to an editor, from whom no component is kept.
    let keeps = parts.iter().any(writes);
    let is_left = |at: usize| whole || keeps || at > 0 || parts.len() == 1 || survives(object, &parts);
    let standing: Vec<&Part<'_>> =
        parts.iter().enumerate().filter(|(at, part)| part.shown > Visibility::Hidden && is_left(*at)).map(|(_, part)| part).collect();
    let real = standing.iter().all(|part| part.shown == Visibility::Full);
    let may = |right: fn(&Cell) -> bool| real && standing.iter().all(|part| right(&part.cell));
    let (edit, delete) = (may(|cell| cell.edit), may(|cell| cell.delete));
    let reduced = standing.iter().all(|part| part.shown < Visibility::Full);
    let times = (reduced && parts.len() == 1 && !is_series(parts[0].component)).then(|| single_times(object, parts[0].component));
    let excluded = (reduced && parts[0].shown > Visibility::Hidden && is_left(0)).then(|| excluded(object, &parts, window)).flatten();
    Some(View { instances, real, edit, delete, times, excluded })
}

/// Whether anything is shown of an object that is busy time itself: below full no more than that time, and none of a statement
/// of availability, which is told in free/busy alone.
pub(crate) fn is_shown(object: &CalendarObject, viewer: &Viewer) -> bool {
    let least = if object.kind() == ComponentKind::FreeBusy { Visibility::FreeBusy } else { Visibility::Full };
    parts(object, viewer).iter().any(|part| part.cell.visibility >= least)
}

/// Each component's privacy, then what the viewer's matrix says of it, then whether it is listed at all, then the rule that
/// nothing is kept from an editor.
fn parts<'a>(object: &'a CalendarObject, viewer: &Viewer) -> Vec<Part<'a>> {
    let components: Vec<&Component> = object.components().collect();
    let master = components.iter().find(|component| component.line("RECURRENCE-ID").is_none());
    let mut parts: Vec<Part<'_>> = components
        .iter()
        .map(|component| {
            let privacy = privacy(component).or_else(|| master.and_then(|master| privacy(master))).unwrap_or(EventPrivacy::Standard);
            let privacy = if privacy == EventPrivacy::Public && !viewer.widening { EventPrivacy::Standard } else { privacy };
            let cell = cell(viewer, privacy, component);
            let shown = if is_listed(object, component, cell.visibility, viewer) { cell.visibility } else { Visibility::Hidden };
            Part { component, cell, shown }
        })
        .collect();
    if parts.iter().any(writes) {
        parts.iter_mut().filter(|part| part.shown == Visibility::Hidden).for_each(|part| part.shown = Visibility::FreeBusy);
    }
    // The master first, wherever it stands.
    parts.sort_by_key(|part| part.component.line("RECURRENCE-ID").is_some());
    parts
}

fn writes(part: &Part<'_>) -> bool {
    part.cell.visibility == Visibility::Full && (part.cell.edit || part.cell.delete)
}

/// What is on a component itself; `None` if it says nothing.
fn privacy(component: &Component) -> Option<EventPrivacy> {
    let said: Vec<String> = component.lines_named("CLASS").map(|line| line.value.to_uppercase()).collect();
    match said.as_slice() {
        [] => None,
        [one] if one == "PUBLIC" => Some(EventPrivacy::Public),
        [one] if one == "CONFIDENTIAL" => Some(EventPrivacy::Confidential),
        _ => Some(EventPrivacy::Private),
    }
}

fn cell(viewer: &Viewer, privacy: EventPrivacy, component: &Component) -> Cell {
    // A calendar elsewhere gets what is not private, and of the rest what is switched on for it.
    if let Relation::Target(items) = viewer.matrix.relation {
        let goes = match component.name.as_str() {
            "VEVENT" => matches!(items, PrivateItems::Events | PrivateItems::EventsAndTasks),
            "VTODO" => matches!(items, PrivateItems::Tasks | PrivateItems::EventsAndTasks),
            _ => false,
        };
        let is_open = matches!(privacy, EventPrivacy::Standard | EventPrivacy::Public);
        let all = Cell { visibility: Visibility::Full, edit: true, delete: true };
        return if is_open || goes { all } else { Cell { visibility: Visibility::Hidden, edit: false, delete: false } };
    }
    let (cell, standard) = (viewer.matrix.cell(privacy), viewer.matrix.cell(EventPrivacy::Standard));
    let reaches = viewer.matrix.create || viewer.matrix.cells.iter().any(|cell| cell.visibility > Visibility::Hidden);
    if viewer.created && reaches {
        return Cell { visibility: Visibility::Full, edit: true, delete: cell.delete || standard.delete };
    }
    if reaches && cell.visibility < Visibility::Full && takes_part(component, viewer) {
        return Cell { visibility: Visibility::Full, edit: false, delete: false };
    }
    cell
}

/// In the organizer's own copy, whom the owner put there.
fn takes_part(component: &Component, viewer: &Viewer) -> bool {
    let is = |line: &ical::ContentLine, address: &str| line.value.eq_ignore_ascii_case(&format!("mailto:{address}"));
    let hers = component.lines_named("ORGANIZER").all(|line| is(line, viewer.owner_address));
    hers && viewer.address.is_some_and(|address| component.lines_named("ATTENDEE").any(|line| is(line, address)))
}

fn says(component: &Component, name: &str, value: &str) -> bool {
    component.lines_named(name).any(|line| line.value.eq_ignore_ascii_case(value))
}

fn is_declined(component: &Component, viewer: &Viewer) -> bool {
    let hers = format!("mailto:{}", viewer.owner_address);
    component.lines_named("ATTENDEE").any(|line| line.value.eq_ignore_ascii_case(&hers) && line.parameter("PARTSTAT") == Some("DECLINED"))
}

fn is_busy(object: &CalendarObject, component: &Component, viewer: &Viewer) -> bool {
    object.kind() == ComponentKind::Event
        && !says(component, "TRANSP", "TRANSPARENT")
        && !says(component, "STATUS", "CANCELLED")
        && !is_declined(component, viewer)
        && takes_time(component)
}

/// An event that ends when it begins takes none; one by days takes at least its day.
fn takes_time(component: &Component) -> bool {
    let value = |name: &str| component.line(name).map(|line| line.value.clone());
    let is_date = component.line("DTSTART").is_some_and(|line| line.parameter("VALUE") == Some("DATE"));
    match (value("DTEND"), value("DURATION")) {
        (Some(end), _) => Some(end) != value("DTSTART"),
        (None, Some(duration)) => duration.chars().any(|c| ('1'..='9').contains(&c)),
        (None, None) => is_date,
    }
}

fn is_listed(object: &CalendarObject, component: &Component, visibility: Visibility, viewer: &Viewer) -> bool {
    let gone = says(component, "STATUS", "CANCELLED") || is_declined(component, viewer);
    match visibility {
        Visibility::Hidden => false,
        Visibility::FreeBusy => is_busy(object, component, viewer),
        // A journal's titles come without its recurrence: one that recurs cannot be told so.
        Visibility::Title => match object.kind() {
            ComponentKind::Event | ComponentKind::ToDo => !gone,
            ComponentKind::Journal => !gone && !is_series(component),
            ComponentKind::FreeBusy | ComponentKind::Availability => false,
        },
        Visibility::Full => true,
    }
}

fn is_series(component: &Component) -> bool {
    component.line("RRULE").is_some() || component.line("RDATE").is_some()
}

/// All that is shown of a component but its times and its UID.
fn face(object: &CalendarObject, part: &Part<'_>, viewer: &Viewer) -> Vec<String> {
    let component = part.component;
    let is_event = object.kind() == ComponentKind::Event;
    let text = |name: &str| {
        let value = component.line(name).map(|line| ical::content_line::unescape_text(&line.value));
        value.filter(|text| !text.trim().is_empty()).map(|text| ical::content_line::escape_text(&text))
    };
    let mut lines = vec!["DTSTAMP:20000101T000000Z".to_owned()];
    match part.shown {
        Visibility::Hidden => lines.clear(),
        Visibility::FreeBusy => {
            let titles = viewer.matrix.cell(EventPrivacy::Standard).visibility >= Visibility::Title;
            lines.push(format!("SUMMARY:{}", if titles { PRIVATE } else { BUSY }));
            lines.push("CLASS:PRIVATE".to_owned());
            if is_event {
                lines.push(format!("TRANSP:{}", if is_busy(object, component, viewer) { "OPAQUE" } else { "TRANSPARENT" }));
                lines.extend(says(component, "STATUS", "TENTATIVE").then(|| "STATUS:TENTATIVE".to_owned()));
            }
        }
        Visibility::Title => {
            lines.push("CLASS:CONFIDENTIAL".to_owned());
            lines.push(match text("SUMMARY") {
                Some(title) => {
                    let language = component.line("SUMMARY").and_then(|line| line.parameter("LANGUAGE"));
                    format!("SUMMARY{}:{title}", language.map(|tag| format!(";LANGUAGE={tag}")).unwrap_or_default())
                }
                None => format!("SUMMARY:{BUSY}"),
            });
            let statuses: &[&str] = match object.kind() {
                ComponentKind::Event => &["TENTATIVE", "CONFIRMED"],
                ComponentKind::ToDo => &["NEEDS-ACTION", "IN-PROCESS", "COMPLETED"],
                _ => &[],
            };
            lines.extend(statuses.iter().filter(|status| says(component, "STATUS", status)).map(|status| format!("STATUS:{status}")));
            if is_event {
                lines.push(format!("TRANSP:{}", if says(component, "TRANSP", "TRANSPARENT") { "TRANSPARENT" } else { "OPAQUE" }));
                lines.extend(text("LOCATION").filter(|_| viewer.matrix.with_places).map(|place| format!("LOCATION:{place}")));
            }
        }
        Visibility::Full => lines = stored_lines(component),
    }
    lines.sort();
    lines
}

/// The lines of a component as they are stored, without alarms, times and UID.
pub(crate) fn stored_lines(component: &Component) -> Vec<String> {
    let mut lines = Vec::new();
    for line in component.lines.iter().filter(|line| !TIMES.contains(&line.name.as_str()) && line.name != "UID") {
        lines.push(spelled(line));
    }
    for inner in component.components.iter().filter(|inner| inner.name != "VALARM") {
        lines.push(format!("{} {{{}}}", inner.name, nested(inner).join(" ")));
    }
    lines.sort();
    lines
}

fn nested(component: &Component) -> Vec<String> {
    let own = component.lines.iter().map(spelled);
    own.chain(component.components.iter().map(|inner| format!("{} {{{}}}", inner.name, nested(inner).join(" ")))).collect()
}

fn spelled(line: &ical::ContentLine) -> String {
    let parameters: String =
        line.parameters.iter().map(|parameter| format!(";{}={}", parameter.name, parameter.values.join(","))).collect();
    format!("{}{parameters}:{}", line.name, line.value)
}

fn berlin() -> Zone {
    Zone::iana("Europe/Berlin").unwrap()
}

/// Start, end and component, by its place among the parts.
type Instance = (Option<DateTime<Utc>>, Option<DateTime<Utc>>, usize);

/// Each instance.
fn instances(object: &CalendarObject, window: &TimeRange) -> Vec<Instance> {
    let mut components: Vec<&Component> = object.components().collect();
    components.sort_by_key(|component| component.line("RECURRENCE-ID").is_some());
    let all = ical::recurrence::instances(object, window, &berlin(), &ExpansionLimits::default()).unwrap();
    let at = |component: &Component| components.iter().position(|other| std::ptr::eq(*other, component)).unwrap();
    all.iter().map(|instance| (instance.start_utc, instance.end_utc, at(instance.component))).collect()
}

/// Whether a slot of the master's is left: one of its own, or one that an override that is shown stands for.
fn survives(object: &CalendarObject, parts: &[Part<'_>]) -> bool {
    let day = |year| Some(chrono::NaiveDate::from_ymd_opt(year, 1, 1).unwrap().and_time(chrono::NaiveTime::MIN).and_utc());
    let long = TimeRange { start: day(2020), end: day(2029) };
    let master = parts[0].component;
    let text = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\n{}{}END:VCALENDAR\r\n",
        zones(object),
        &object.text()[master.span.clone()]
    );
    let alone = CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap();
    let slots: BTreeSet<_> = instances(&alone, &long).into_iter().filter_map(|(start, ..)| start).collect();
    let all = ical::recurrence::instances(object, &long, &berlin(), &ExpansionLimits::default()).unwrap();
    all.iter().any(|instance| {
        let part = parts.iter().find(|part| std::ptr::eq(part.component, instance.component)).unwrap();
        let slot = instance.slot.as_ref().map(|slot| slot.to_utc(&berlin())).or(instance.start_utc);
        part.shown > Visibility::Hidden && slot.is_some_and(|slot| slots.contains(&slot))
    })
}

fn zones(object: &CalendarObject) -> String {
    let zones = object.calendar().components.iter().filter(|component| component.name == "VTIMEZONE");
    zones.map(|zone| &object.text()[zone.span.clone()]).collect()
}

/// A single event: an instant in UTC, a DATE or a floating time as they are; a length becomes an end.
fn single_times(object: &CalendarObject, component: &Component) -> BTreeSet<String> {
    let all = ical::recurrence::instances(object, &TimeRange::default(), &berlin(), &ExpansionLimits::default()).unwrap();
    let Some(instance) = all.first() else { return BTreeSet::new() };
    let Some(start) = component.line("DTSTART") else { return BTreeSet::new() };
    let floating = start.parameter("TZID").is_none() && !start.value.ends_with('Z');
    let write = |name: &str, time: DateTime<Utc>| -> String {
        let local: NaiveDateTime = berlin().to_local(time);
        match (start.parameter("VALUE") == Some("DATE"), floating) {
            (true, _) => format!("{name};VALUE=DATE:{}", local.format("%Y%m%d")),
            (false, true) => format!("{name}:{}", local.format("%Y%m%dT%H%M%S")),
            (false, false) => format!("{name}:{}", time.format("%Y%m%dT%H%M%SZ")),
        }
    };
    let end = if object.kind() == ComponentKind::ToDo { "DUE" } else { "DTEND" };
    let has_end = ["DTEND", "DUE", "DURATION"].iter().any(|name| component.line(name).is_some());
    let ends = instance.end_utc.filter(|_| has_end && object.kind() != ComponentKind::Journal).map(|time| write(end, time));
    instance.start_utc.map(|time| write("DTSTART", time)).into_iter().chain(ends).collect()
}

/// The slots of the rule in the window that are not instances of what is shown, where that can be said plainly: no override
/// for later instances, none of a slot that is excluded besides, a zone that is known.
fn excluded(object: &CalendarObject, parts: &[Part<'_>], window: &TimeRange) -> Option<BTreeSet<DateTime<Utc>>> {
    let master = parts.first()?.component;
    let ranged = parts.iter().any(|part| part.component.line("RECURRENCE-ID").is_some_and(|line| line.parameter("RANGE").is_some()));
    let odd = master.line("DTSTART").and_then(|line| line.parameter("TZID")).is_some_and(|zone| zone.starts_with("canary"));
    let values = |line: &ical::ContentLine| line.value.split(',').map(str::to_owned).collect::<Vec<_>>();
    let given: Vec<String> = master.lines_named("EXDATE").flat_map(values).collect();
    let twice = parts.iter().filter_map(|part| part.component.line("RECURRENCE-ID")).any(|line| given.contains(&line.value));
    if twice || ranged || odd || master.line("RRULE").is_none() || object.kind() == ComponentKind::Journal {
        return None;
    }
    // The rule alone, as a series of its own.
    let keep = ["BEGIN", "END", "VERSION", "PRODID", "UID", "DTSTAMP", "DTSTART", "RRULE"];
    let mut text = String::from("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VEVENT\r\n");
    for line in master.lines.iter().filter(|line| keep.contains(&line.name.as_str())) {
        text.push_str(&spelled(line).replace("W. Europe Standard Time", "Europe/Berlin"));
        text.push_str("\r\n");
    }
    text.push_str("END:VEVENT\r\nEND:VCALENDAR\r\n");
    let rule = CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap();
    let of_rule: BTreeSet<_> = instances(&rule, window).into_iter().filter_map(|(start, ..)| start).collect();
    let all = ical::recurrence::instances(object, window, &berlin(), &ExpansionLimits::default()).unwrap();
    let time = |component: &Component| {
        let slot = component.line("RECURRENCE-ID").map(|line| line.value.clone())?;
        of_rule.iter().copied().find(|start| {
            let local: NaiveDateTime = berlin().to_local(*start);
            [local.format("%Y%m%d").to_string(), local.format("%Y%m%dT%H%M%S").to_string(), start.format("%Y%m%dT%H%M%SZ").to_string()]
                .contains(&slot)
        })
    };
    let of_master: BTreeSet<_> =
        all.iter().filter(|instance| std::ptr::eq(instance.component, master)).filter_map(|instance| instance.start_utc).collect();
    let overridden: BTreeSet<_> =
        parts.iter().skip(1).filter(|part| part.shown > Visibility::Hidden).filter_map(|part| time(part.component)).collect();
    Some(of_rule.into_iter().filter(|slot| !of_master.contains(slot) && !overridden.contains(slot)).collect())
}
