//! PROPPATCH (RFC 4918 §9.2): all or nothing. What is set is the viewer's own; the door keeps it apart from others'.
//!
//! Also reads the `DAV:set` of MKCALENDAR and extended MKCOL, which follow the same rules.

use super::{empty, not_allowed};
use crate::body::Body;
use crate::condition::Condition;
use crate::dispatch::Exchange;
use crate::error::{Error, Result};
use crate::header::Return;
use crate::multistatus::MultiStatus;
use crate::precondition::Purpose;
use crate::property::{PROPERTIES_MAX, Property, Setting, dead_key, default_alarm, is_source, live};
use crate::resource::{Kind, Resource};
use crate::xml::name::XML;
use crate::xml::{Attribute, Element, Name};
use acl::Privilege;
use http::{Response, StatusCode};
use ical::{CalendarObject, ComponentKind, ParseLimits, Zone};
use storage::authorized::property::PropertyTarget;
use storage::authorized::{PropertyKey, PropertyUpdate};

/// One instruction and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Instruction {
    /// The property.
    pub(crate) name: Name,
    /// What to do, or why not.
    pub(crate) update: Result<PropertyUpdate, Refusal>,
}

/// Why one property is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The server's to set.
    Protected,
    /// The value breaks this condition.
    Breaks(Condition),
    /// The value means nothing for this property. Use with: 409.
    Senseless,
}

impl Refusal {
    fn status(self) -> (StatusCode, Option<Condition>) {
        match self {
            Self::Protected => {
                let condition = Condition::CannotModifyProtectedProperty;
                (condition.status(), Some(condition))
            }
            Self::Breaks(condition) => (condition.status(), Some(condition)),
            Self::Senseless => (StatusCode::CONFLICT, None),
        }
    }
}

/// Names under a status, with the condition behind it.
pub(crate) type Outcome = (StatusCode, Option<Condition>, Vec<Name>);

pub(crate) fn run(exchange: &Exchange<'_>) -> Result<Response<Body>> {
    let root = exchange.xml();
    exchange.door.write(|writer| {
        let view = exchange.view(writer);
        let resource = exchange.locate(&view)?;
        let target = match &resource {
            Resource::Stored(stored) => PropertyTarget::Resource(stored),
            Resource::Principal(principal) if principal.is_viewer => PropertyTarget::OwnPrincipal,
            Resource::Principal(_) => return Err(Error::need(Privilege::WriteProperties)),
            Resource::Fixed(_) | Resource::FreeBusy(_) => return Err(not_allowed(&resource)),
        };
        if let Some(error) = exchange.verdict(&view, Some(&resource), Purpose::Write)?.error() {
            return Err(error);
        }
        let root = root?;
        if !root.name.is_dav("propertyupdate") {
            return Err(Error::BadRequest("the body is no propertyupdate"));
        }
        let instructions = instructions(&root, resource.kind())?;
        if instructions.is_empty() {
            return Err(Error::BadRequest("the propertyupdate names no property"));
        }
        let outcomes = match accepted(&instructions) {
            Ok(updates) => {
                writer.update_properties(&target, &updates)?;
                if exchange.preference == Return::Minimal {
                    return Ok(empty(StatusCode::OK));
                }
                vec![(StatusCode::OK, None, each_once(&instructions))]
            }
            Err(outcomes) => outcomes,
        };
        let mut multistatus = MultiStatus::new(writer.spool(), exchange.limits, exchange.preference.missing());
        multistatus.outcomes(&exchange.view(writer).href(&resource), &outcomes)?;
        multistatus.finish()
    })
}

/// The instructions in document order (RFC 4918 §9.2): those of `DAV:set` and `DAV:remove` children.
pub(crate) fn instructions(root: &Element, kind: Kind) -> Result<Vec<Instruction>> {
    let mut all = Vec::new();
    for change in root.children() {
        let removes = change.name.is_dav("remove");
        if !removes && !change.name.is_dav("set") {
            continue;
        }
        for prop in change.children().filter(|child| child.name.is_dav("prop")) {
            let language = [prop, change, root].into_iter().find_map(Element::language);
            for element in prop.children() {
                if all.len() >= PROPERTIES_MAX {
                    return Err(Error::Status(StatusCode::PAYLOAD_TOO_LARGE));
                }
                let update = if removes { removal(&element.name, kind) } else { setting(element, kind, language) };
                all.push(Instruction { name: element.name.clone(), update });
            }
        }
    }
    Ok(all)
}

/// All updates, or the outcomes of an attempt that changes nothing: the refused ones with their reasons, the rest 424.
pub(crate) fn accepted(instructions: &[Instruction]) -> Result<Vec<PropertyUpdate>, Vec<Outcome>> {
    let mut outcomes: Vec<Outcome> = Vec::new();
    for instruction in instructions {
        if let Err(refusal) = &instruction.update {
            let (status, condition) = refusal.status();
            match outcomes.iter_mut().find(|(s, c, _)| (*s, *c) == (status, condition)) {
                Some((_, _, names)) if names.contains(&instruction.name) => {}
                Some((_, _, names)) => names.push(instruction.name.clone()),
                None => outcomes.push((status, condition, vec![instruction.name.clone()])),
            }
        }
    }
    if outcomes.is_empty() {
        return Ok(instructions.iter().filter_map(|i| i.update.clone().ok()).collect());
    }
    let refused = |name: &Name| outcomes.iter().any(|(_, _, names)| names.contains(name));
    let dependent: Vec<Name> = each_once(instructions).into_iter().filter(|name| !refused(name)).collect();
    if !dependent.is_empty() {
        outcomes.push((StatusCode::FAILED_DEPENDENCY, None, dependent));
    }
    Err(outcomes)
}

fn each_once(instructions: &[Instruction]) -> Vec<Name> {
    let mut names: Vec<Name> = Vec::new();
    for instruction in instructions {
        if !names.contains(&instruction.name) {
            names.push(instruction.name.clone());
        }
    }
    names
}

/// The row that decides how a property is set on this kind of resource; `None`: it is a dead one there.
fn row(name: &Name, kind: Kind) -> Option<&'static Property> {
    live(name).filter(|property| matches!(property.setting, Setting::Protected) || property.kinds.contains(&kind))
}

fn key(name: &Name, kind: Kind) -> Result<PropertyKey, Refusal> {
    match row(name, kind).map(|property| property.setting_on(kind)) {
        None => Ok(dead_key(name)),
        Some(Setting::Protected) => Err(Refusal::Protected),
        Some(Setting::Text(key) | Setting::Checked(key)) => Ok(key()),
    }
}

fn removal(name: &Name, kind: Kind) -> Result<PropertyUpdate, Refusal> {
    match key(name, kind)? {
        // Without it a subscription is none.
        PropertyKey::Source => Err(Refusal::Senseless),
        key => Ok((key, None)),
    }
}

fn setting(element: &Element, kind: Kind, language: Option<&str>) -> Result<PropertyUpdate, Refusal> {
    let key = key(&element.name, kind)?;
    let value = match &key {
        PropertyKey::TimeZone if element.name.is_caldav("calendar-timezone-id") => {
            let zone = Zone::iana(&element.trimmed_text());
            let text = zone.and_then(|zone| zone.to_calendar_timezone(acl::project::PROD_ID));
            text.ok_or(Refusal::Breaks(Condition::ValidTimezone))?
        }
        PropertyKey::TimeZone => {
            let text = element.text();
            Zone::from_calendar_timezone(&text).ok_or(Refusal::Breaks(Condition::ValidCalendarData))?;
            text
        }
        PropertyKey::Availability => {
            let text = element.text();
            let object = CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).ok();
            let one = object.filter(|object| object.kind() == ComponentKind::Availability && object.components().count() == 1);
            one.ok_or(Refusal::Breaks(Condition::ValidCalendarData))?;
            text
        }
        PropertyKey::Source => {
            let source = element.dav("href").map(Element::trimmed_text).filter(|source| is_source(source));
            source.ok_or(Refusal::Senseless)?
        }
        // That it is there says all.
        PropertyKey::StripAlarms | PropertyKey::StripAttachments | PropertyKey::StripToDos => String::new(),
        PropertyKey::ScheduleTransparency => {
            let word = element.children().find_map(|child| ["opaque", "transparent"].into_iter().find(|word| child.name.is_caldav(word)));
            word.ok_or(Refusal::Senseless)?.to_owned()
        }
        PropertyKey::Dead { namespace, name } if default_alarm::is_default_alarm(namespace, name) && default_alarm::is_kept_on(kind) => {
            if !default_alarm::is_valid(&element.text()) {
                return Err(Refusal::Breaks(Condition::ValidCalendarData));
            }
            with_language(element, language).to_xml()
        }
        PropertyKey::Dead { .. } => with_language(element, language).to_xml(),
        _ => element.text(),
    };
    Ok((key, Some(value)))
}

/// A dead property keeps the language it was set in (RFC 4918 §4.3), also where an element around it declared that.
fn with_language(element: &Element, language: Option<&str>) -> Element {
    let mut element = element.clone();
    if let (None, Some(language)) = (element.language(), language) {
        element.attributes.push(Attribute { name: Name::of(XML, "lang"), value: language.to_owned() });
    }
    element
}
