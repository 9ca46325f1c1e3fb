//! MKCALENDAR (RFC 4791 §5.3.1). Calendars stand directly in homes.
//!
//! The making itself, shared with extended MKCOL, is here too.

use super::empty;
use super::proppatch::{Instruction, Outcome, Refusal, accepted, instructions};
use super::put::parent;
use crate::body::Body;
use crate::condition::Condition;
use crate::dispatch::Exchange;
use crate::error::{Error, Result};
use crate::href::Path;
use crate::multistatus::MultiStatus;
use crate::precondition::Purpose;
use crate::resource::{Kind, Resource, View};
use crate::xml::Element;
use http::{Response, StatusCode};
use ical::ComponentKind;
use storage::AuthorizedWriter;
use storage::authorized::home::NewCalendar;

pub(crate) fn run(exchange: &Exchange<'_>) -> Result<Response<Body>> {
    let root = body(exchange);
    exchange.door.write(|writer| {
        let view = exchange.view(writer);
        let standing = exchange.locate_if_any(&view)?;
        if standing.is_some() {
            return Err(Error::condition(Condition::ResourceMustBeNull));
        }
        let (owner, name) = place(&exchange.path, &view)?;
        if let Some(error) = exchange.verdict(&view, None, Purpose::Write)?.error() {
            return Err(error);
        }
        let calendar = match root? {
            Some(root) => match read_calendar(&root)? {
                Ok(calendar) => calendar,
                Err(outcomes) => return refused(exchange, &outcomes),
            },
            None => NewCalendar::default(),
        };
        create(writer, &owner, &name, &calendar)?;
        Ok(empty(StatusCode::CREATED))
    })
}

/// Owner and name of a calendar to be made at a path where nothing stands.
pub(crate) fn place(path: &Path, view: &View<'_, '_>) -> Result<(String, String)> {
    let Path::Home { owner, below } = path else {
        return Err(Error::condition(Condition::CalendarCollectionLocationOk));
    };
    match below.as_slice() {
        [name] => Ok((owner.clone(), name.clone())),
        _ => {
            parent(path, view)?;
            Err(Error::condition(Condition::CalendarCollectionLocationOk))
        }
    }
}

/// Makes it. In another's home the door refuses.
pub(crate) fn create(writer: &mut AuthorizedWriter<'_>, owner: &str, name: &str, calendar: &NewCalendar) -> Result<()> {
    writer.create_calendar(owner, name, calendar).map_err(|error| match error {
        storage::Error::Exists => Error::condition(Condition::ResourceMustBeNull),
        other => other.into(),
    })
}

/// The root of a body, if there is one. Use with: 415 for a body that is not understood.
fn body(exchange: &Exchange<'_>) -> Result<Option<Element>> {
    if exchange.request.body.is_empty() {
        return Ok(None);
    }
    let root = exchange.xml()?;
    if root.name.is_caldav("mkcalendar") { Ok(Some(root)) } else { Err(Error::Status(StatusCode::UNSUPPORTED_MEDIA_TYPE)) }
}

/// Initial properties of a calendar. `supported-calendar-component-set` can be set here and never again (RFC 4791 §5.2.3);
/// a `resourcetype` is read by extended MKCOL before and says nothing new here.
pub(crate) fn read_calendar(root: &Element) -> Result<Result<NewCalendar, Vec<Outcome>>> {
    let mut components = Vec::new();
    let mut rest: Vec<Instruction> = Vec::new();
    for mut instruction in instructions(root, Kind::Calendar)? {
        if instruction.name.is_dav("resourcetype") {
            continue;
        }
        if instruction.name.is_caldav("supported-calendar-component-set") {
            let set = element_of(root, &instruction);
            components = set.map(component_kinds).unwrap_or_default();
            if !components.is_empty() {
                continue;
            }
            instruction.update = Err(Refusal::Breaks(Condition::SupportedCalendarComponent));
        }
        rest.push(instruction);
    }
    Ok(accepted(&rest).map(|properties| NewCalendar { components, properties }))
}

fn element_of<'a>(root: &'a Element, instruction: &Instruction) -> Option<&'a Element> {
    root.children()
        .filter(|child| child.name.is_dav("set"))
        .flat_map(Element::children)
        .filter(|child| child.name.is_dav("prop"))
        .find_map(|prop| prop.child(&instruction.name))
}

/// The kinds named; those unknown here are left out, as a calendar that takes the known ones serves the client too.
fn component_kinds(set: &Element) -> Vec<ComponentKind> {
    let mut kinds: Vec<ComponentKind> = Vec::new();
    for component in set.children().filter(|child| child.name.is_caldav("comp")) {
        match component.attribute("name").and_then(ComponentKind::from_name) {
            Some(kind) if !kinds.contains(&kind) => kinds.push(kind),
            _ => {}
        }
    }
    kinds
}

/// 207: the calendar was not made because of these properties (RFC 4791 §5.3.1.1).
fn refused(exchange: &Exchange<'_>, outcomes: &[Outcome]) -> Result<Response<Body>> {
    let mut multistatus = MultiStatus::new(exchange.door.spool(), exchange.limits, exchange.preference.missing());
    multistatus.outcomes(&exchange.href(), outcomes)?;
    multistatus.finish()
}

/// What may hold a plain collection: a home or a plain collection.
pub(crate) fn holds_collections(resource: &Resource) -> bool {
    matches!(resource.kind(), Kind::Home | Kind::PlainCollection | Kind::PlainFile)
}
