//! MKCOL (RFC 4918 §9.3) makes a plain collection; extended MKCOL (RFC 5689) also a calendar or a subscription.

use super::mkcalendar::{create, holds_collections, place, read_calendar};
use super::proppatch::{Outcome, accepted, instructions};
use super::put::parent;
use super::{allow, empty};
use crate::body::Body;
use crate::condition::Condition;
use crate::dispatch::Exchange;
use crate::error::{Error, Result};
use crate::href::Path;
use crate::multistatus::{write_outcomes, xml_response};
use crate::precondition::Purpose;
use crate::resource::Kind;
use crate::xml::name::CALENDAR_SERVER;
use crate::xml::{Element, Name, Writer};
use bytes::Bytes;
use http::{Response, StatusCode};
use storage::authorized::{PropertyKey, PropertyUpdate};

/// The resource type of a subscription, as Apple's calendar server has it.
const SUBSCRIBED: Name = Name::of(CALENDAR_SERVER, "subscribed");

/// What is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Making {
    Collection,
    Calendar,
    Subscription,
}

pub(crate) fn run(exchange: &Exchange<'_>) -> Result<Response<Body>> {
    let root = body(exchange);
    exchange.door.write(|writer| {
        let view = exchange.view(writer);
        if let Some(standing) = exchange.locate_if_any(&view)? {
            return Err(Error::NotAllowed(allow(standing.kind())));
        }
        let Path::Home { owner, below } = &exchange.path else {
            return Err(Error::Status(StatusCode::FORBIDDEN));
        };
        // In a home the door decides; deeper, what is missing or cannot hold a collection is told here.
        if below.len() > 1 && !holds_collections(&parent(&exchange.path, &view)?) {
            return Err(Error::condition(Condition::CalendarCollectionLocationOk));
        }
        if let Some(error) = exchange.verdict(&view, None, Purpose::Write)?.error() {
            return Err(error);
        }
        let root = root?;
        let making = match &root {
            Some(root) => making(root)?,
            None => Making::Collection,
        };
        match making {
            Making::Calendar => {
                let (owner, name) = place(&exchange.path, &view)?;
                let calendar = match root.as_ref().map(read_calendar).transpose()? {
                    Some(Err(outcomes)) => return Ok(refused(&outcomes)),
                    Some(Ok(calendar)) => calendar,
                    None => Default::default(),
                };
                create(writer, &owner, &name, &calendar)?;
            }
            Making::Subscription => {
                let (owner, name) = place(&exchange.path, &view)?;
                let properties = match root.as_ref().map(subscription).transpose()? {
                    Some(Ok(properties)) => properties,
                    Some(Err(outcomes)) => return Ok(refused(&outcomes)),
                    None => Vec::new(),
                };
                writer.create_subscription(&owner, &name, &properties).map_err(exists)?;
            }
            Making::Collection => {
                let mut instructions = root.as_ref().map(|root| instructions(root, Kind::PlainCollection)).transpose()?.unwrap_or_default();
                instructions.retain(|instruction| !instruction.name.is_dav("resourcetype"));
                let properties = match accepted(&instructions) {
                    Ok(properties) => properties,
                    Err(outcomes) => return Ok(refused(&outcomes)),
                };
                let path: Vec<&str> = below.iter().map(String::as_str).collect();
                writer.create_collection(owner, &path, &properties).map_err(exists)?;
            }
        }
        Ok(empty(StatusCode::CREATED))
    })
}

/// The root of an extended request. Use with: 415 for any other body (RFC 4918 §9.3.1).
fn body(exchange: &Exchange<'_>) -> Result<Option<Element>> {
    if exchange.request.body.is_empty() {
        return Ok(None);
    }
    let unsupported = || Error::Status(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let content_type = exchange.request.headers.get(http::header::CONTENT_TYPE);
    let is_xml = content_type.is_none_or(|value| {
        let value = value.to_str().unwrap_or_default().to_ascii_lowercase();
        let essence = value.split(';').next().unwrap_or_default().trim();
        essence == "text/xml" || essence == "application/xml" || essence.ends_with("+xml")
    });
    if !is_xml {
        return Err(unsupported());
    }
    let root = exchange.xml()?;
    if root.name.is_dav("mkcol") { Ok(Some(root)) } else { Err(unsupported()) }
}

/// Something stands there that the viewer is not shown under this name, or came there in the meantime.
fn exists(error: storage::Error) -> Error {
    match error {
        storage::Error::Exists => Error::NotAllowed(allow(Kind::PlainCollection)),
        other => other.into(),
    }
}

/// The properties of a subscription, which has to say where its calendar is.
fn subscription(root: &Element) -> Result<Result<Vec<PropertyUpdate>, Vec<Outcome>>> {
    let mut instructions = instructions(root, Kind::Subscription)?;
    instructions.retain(|instruction| !instruction.name.is_dav("resourcetype"));
    Ok(accepted(&instructions).and_then(|properties| match properties.iter().any(|(key, _)| *key == PropertyKey::Source) {
        true => Ok(properties),
        false => Err(vec![(StatusCode::CONFLICT, None, vec![Name::of(CALENDAR_SERVER, "source")])]),
    }))
}

/// What `DAV:resourcetype` asks for (RFC 5689 §3): a collection, alone, with a calendar or with a subscription.
fn making(root: &Element) -> Result<Making> {
    let resource_type = root
        .children()
        .filter(|child| child.name.is_dav("set"))
        .flat_map(Element::children)
        .filter(|child| child.name.is_dav("prop"))
        .find_map(|prop| prop.dav("resourcetype"));
    let Some(resource_type) = resource_type else { return Ok(Making::Collection) };
    let mut making = None;
    for child in resource_type.children() {
        match making {
            None | Some(Making::Collection) if child.name.is_caldav("calendar") => making = Some(Making::Calendar),
            None | Some(Making::Collection) if child.name == SUBSCRIBED => making = Some(Making::Subscription),
            _ if !child.name.is_dav("collection") => return Err(Error::condition(Condition::ValidResourcetype)),
            None => making = Some(Making::Collection),
            Some(_) => {}
        }
    }
    match making {
        Some(making) if resource_type.dav("collection").is_some() => Ok(making),
        _ => Err(Error::condition(Condition::ValidResourcetype)),
    }
}

/// 424 with `DAV:mkcol-response`: not made because of these properties (RFC 5689 §3).
fn refused(outcomes: &[Outcome]) -> Response<Body> {
    let root = Name::dav("mkcol-response");
    let mut writer = Writer::document(&root);
    write_outcomes(&mut writer, outcomes);
    writer.end(&root);
    xml_response(StatusCode::FAILED_DEPENDENCY, Bytes::from(writer.into_string()).into())
}
