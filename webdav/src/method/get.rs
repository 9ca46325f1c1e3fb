//! GET and HEAD (RFC 4791 §5.3.4, RFC 4918 §9.4): objects, a calendar as one file, plain files, a person's free/busy, a line of
//! text for collections.
//!
//! Objects bear a date for the owner of their calendar alone, and take no `Range`: both would tell others of the stored bytes
//! rather than of what is shown.

use super::{empty, set};
use crate::body::Body;
use crate::dispatch::{Exchange, Unmeasured};
use crate::error::{Error, Result};
use crate::free_busy_url;
use crate::header::ZoneDefinitions;
use crate::precondition::{Current, Purpose, Verdict, calendar_tag};
use crate::property::{http_date, object_content_type};
use crate::resource::{Resource, View};
use crate::whole;
use acl::VisibleObject;
use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, LAST_MODIFIED, X_CONTENT_TYPE_OPTIONS};
use http::{Response, StatusCode};
use ical::{CalendarObject, ParseLimits};
use std::borrow::Cow;
use storage::authorized::{self, Calendar, Plain, PlainKind};

/// What a person sees who opens a collection in a browser.
pub(crate) const COLLECTION_TEXT: &str = "This is a collection of a CalDAV server. Enter its address in a calendar program.\n";
/// Its tag, on what is the same to everyone and for ever.
pub(crate) const COLLECTION_TAG: &str = "\"collection\"";
/// Its type.
pub(crate) const COLLECTION_TEXT_TYPE: &str = "text/plain; charset=utf-8";

pub(crate) fn run(exchange: &Exchange<'_>) -> Result<Response<Body>> {
    exchange.door.read(|store| {
        let view = exchange.view(store);
        let resource = exchange.locate(&view)?;
        let current = current(&view, &resource)?;
        match exchange.verdict_on(&view, &current, Purpose::Read)? {
            Verdict::Proceed => {}
            Verdict::NotModified => return Ok(not_modified(&current)),
            Verdict::Failed => return Err(Error::Status(StatusCode::PRECONDITION_FAILED)),
        }
        if let Some(response) = member(&view, &resource)? {
            return Ok(response);
        }
        match &resource {
            Resource::Stored(authorized::Resource::Calendar(calendar)) => whole_calendar(&view, calendar),
            Resource::FreeBusy(user) => free_busy_url::get(exchange, &view, user),
            _ => Ok(collection(&current)),
        }
    })
}

/// An object or a file, as this viewer is shown it; `None` for a collection.
pub(crate) fn member(view: &View<'_, '_>, resource: &Resource) -> Result<Option<Response<Body>>> {
    Ok(match resource {
        Resource::Stored(authorized::Resource::Object(calendar, row)) => {
            let (shown, times) = view.store.object_with_times(calendar, row)?;
            let mut response = object(&shown, view.definitions);
            if let Some(times) = times {
                set(&mut response, LAST_MODIFIED, &http_date(times.modified));
            }
            Some(response)
        }
        Resource::Stored(authorized::Resource::Plain(plain)) => match &plain.kind {
            PlainKind::File { etag, content_type, .. } => Some(file(plain, etag, content_type, view.store.file_content(plain)?)),
            PlainKind::Collection | PlainKind::Subscription => None,
        },
        _ => None,
    })
}

/// What conditions are compared with. The whole of a calendar is a function of what its sync token names, and so has a tag.
fn current(view: &View<'_, '_>, resource: &Resource) -> Result<Current> {
    let mut current = Current::of(view, Some(resource))?;
    match resource {
        Resource::Stored(authorized::Resource::Calendar(_)) => current.etag = current.etag.map(|tag| view.definitions.tag(&tag)),
        // What is asked for may be other bytes than the stored ones, and then has a tag of its own.
        Resource::Stored(authorized::Resource::Object(calendar, row)) if view.definitions != ZoneDefinitions::AsStored => {
            current.etag = Some(representation(&view.store.object(calendar, row.name())?, view.definitions).1.into_owned());
        }
        _ => {}
    }
    Ok(current)
}

fn not_modified(current: &Current) -> Response<Body> {
    let mut response = empty(StatusCode::NOT_MODIFIED);
    if let Some(etag) = &current.etag {
        set(&mut response, ETAG, etag);
    }
    response
}

fn collection(current: &Current) -> Response<Body> {
    let mut response = Response::new(Bytes::from_static(COLLECTION_TEXT.as_bytes()).into());
    set(&mut response, CONTENT_TYPE, COLLECTION_TEXT_TYPE);
    if let Some(etag) = &current.etag {
        set(&mut response, ETAG, etag);
    }
    response
}

/// The projection with its tag.
fn object(object: &VisibleObject, definitions: ZoneDefinitions) -> Response<Body> {
    let (bytes, etag) = representation(object, definitions);
    let mut response = Response::new(Bytes::copy_from_slice(&bytes).into());
    // With those that every answer bears.
    response.headers_mut().reserve(8);
    set(&mut response, CONTENT_TYPE, object_content_type(object.kind()));
    set(&mut response, ETAG, &etag);
    response
}

/// The bytes of an object as a request wants them, and their strong tag: that of the object where they are its own. What
/// cannot be read has no definitions to add or to leave out.
fn representation(object: &VisibleObject, definitions: ZoneDefinitions) -> (Cow<'_, [u8]>, Cow<'_, str>) {
    if definitions == ZoneDefinitions::AsStored {
        return (Cow::Borrowed(object.bytes()), Cow::Borrowed(object.etag()));
    }
    let text = object.calendar().map(|calendar| definitions.apply(calendar));
    match text.filter(|text| text.as_bytes() != object.bytes()) {
        Some(text) => (Cow::Owned(text.into_owned().into_bytes()), Cow::Owned(definitions.tag(object.etag()))),
        None => (Cow::Borrowed(object.bytes()), Cow::Borrowed(object.etag())),
    }
}

/// A file is whatever its owner put there: never shown as a page of this site.
fn file(plain: &Plain, etag: &str, content_type: &str, content: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Bytes::from(content).into());
    let content_type = if content_type.is_empty() { "application/octet-stream" } else { content_type };
    set(&mut response, CONTENT_TYPE, content_type);
    set(&mut response, ETAG, etag);
    set(&mut response, LAST_MODIFIED, &http_date(plain.modified));
    set(&mut response, X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(&mut response, CONTENT_DISPOSITION, "attachment");
    set(&mut response, CONTENT_SECURITY_POLICY, "sandbox");
    response
}

/// A calendar as a stream of VCALENDARs made of the projections alone: one with everything whose time zones agree, and after
/// it one for each object that calls another zone by the same TZID (RFC 5545 §3.4 allows a stream).
fn whole_calendar(view: &View<'_, '_>, calendar: &Calendar) -> Result<Response<Body>> {
    let rows = view.store.rows(calendar)?;
    let body = whole::write(view.store.spool(), view.limits.multistatus_bytes_max, rows.iter(), |row, write| {
        let object = view.store.object(calendar, row.name())?;
        let Some(parsed) = object.calendar() else { return Ok(()) };
        match view.definitions.apply(parsed) {
            Cow::Owned(text) => match CalendarObject::parse(text.as_bytes(), &ParseLimits::default()) {
                Ok(parsed) => write(&parsed),
                Err(_) => write(parsed),
            },
            Cow::Borrowed(_) => write(parsed),
        }
        Ok(())
    })?;
    let mut response = Response::new(body);
    set(&mut response, CONTENT_TYPE, "text/calendar; charset=utf-8");
    set(&mut response, ETAG, &view.definitions.tag(&calendar_tag(view, calendar)?));
    // What is answered with a length has `DAV:getcontentlength` (RFC 4918 §15.4), and a listing shall not have to make all this.
    response.extensions_mut().insert(Unmeasured);
    Ok(response)
}
