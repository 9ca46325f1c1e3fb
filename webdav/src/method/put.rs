//! PUT (RFC 4791 §5.3.2, RFC 9110 §9.3.4): objects into calendars, files into plain collections.
//!
//! Rights come before conditions (RFC 9110 §13.2.1): where the viewer lacks them the door refuses, and marks the refusal.

use super::{PREFERENCE_APPLIED, empty, get, set};
use crate::body::Body;
use crate::condition::Condition;
use crate::dispatch::Exchange;
use crate::error::{Detail, Error, Result};
use crate::header::Return;
use crate::href::{Hrefs, Path};
use crate::precondition::Purpose;
use crate::resource::{Resource, View};
use acl::Privilege;
use http::header::{CONTENT_ENCODING, CONTENT_LOCATION, CONTENT_RANGE, CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderMap, Response, StatusCode};
use ical::{CalendarObject, ParseLimits};
use storage::AuthorizedWriter;
use storage::authorized::{self, Calendar, PlainKind, Put};

/// Where a PUT goes.
enum Destination {
    Object {
        calendar: Calendar,
        name: String,
    },
    /// An object's place that the viewer may not write to: whatever else is wrong, he is told that.
    Denied {
        calendar: Calendar,
        name: String,
    },
    File {
        owner: String,
        path: Vec<String>,
    },
}

pub(crate) fn run(exchange: &Exchange<'_>) -> Result<Response<Body>> {
    let content = Content::read(exchange)?;
    let object = object(exchange, &content);
    let response = exchange.door.write(|writer| {
        let view = exchange.view(writer);
        let standing = exchange.locate_if_any(&view)?;
        let destination = destination(exchange, &view, standing.as_ref())?;
        let verdict = exchange.verdict(&view, standing.as_ref(), Purpose::Write)?;
        match destination {
            Destination::Denied { calendar, name } => Ok(writer.refuse_put(&calendar, &name)?),
            Destination::Object { calendar, name } => {
                if let Some(error) = verdict.error() {
                    return Err(error);
                }
                let put = store_object(writer, &Hrefs::new(exchange.site), &calendar, &name, &object?)?;
                Ok(stored(put.created, put.etag.as_deref()))
            }
            Destination::File { owner, path } => {
                if let Some(error) = verdict.error() {
                    return Err(error);
                }
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                let (created, etag) = writer.put_file(&owner, &path, content.content_type(), content.bytes())?;
                Ok(stored(created, Some(&etag)))
            }
        }
    })?;
    represent(exchange, &exchange.path, response)
}

/// The content of a request that stores a whole resource.
pub(crate) struct Content<'a> {
    headers: &'a HeaderMap,
    bytes: &'a [u8],
}

impl<'a> Content<'a> {
    /// Refuses what is no whole resource as it is to be stored.
    pub(crate) fn read(exchange: &Exchange<'a>) -> Result<Self> {
        let headers = exchange.request.headers;
        if headers.contains_key(CONTENT_RANGE) {
            return Err(Error::BadRequest("a part of a resource cannot be stored"));
        }
        if headers.get(CONTENT_ENCODING).is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Err(Error::Status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        Ok(Self { headers, bytes: exchange.request.body })
    }
    /// As sent.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
    /// As sent; empty where nothing is said.
    pub(crate) fn content_type(&self) -> &'a str {
        self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
    /// `text/calendar` in UTF-8, or nothing said.
    pub(crate) fn media_type(&self) -> Result<()> {
        if !self.headers.contains_key(CONTENT_TYPE) || is_calendar_type(&self.content_type().to_ascii_lowercase()) {
            return Ok(());
        }
        Err(Error::condition(Condition::SupportedCalendarData))
    }
}

/// The body as an object, read before the store is held for writing: nobody waits for the parser. Objects stand two segments
/// below a home; a file at such a place is read in vain.
fn object(exchange: &Exchange<'_>, content: &Content<'_>) -> Result<CalendarObject> {
    match &exchange.path {
        Path::Home { below, .. } if below.len() == 2 => {
            content.media_type()?;
            parse_object(content.bytes(), exchange.door.limits())
        }
        _ => Err(Error::not_found()),
    }
}

/// The answer to a write that was done. The tag only where GET serves what was sent (RFC 4791 §5.3.4).
pub(crate) fn stored(created: bool, etag: Option<&str>) -> Response<Body> {
    let mut response = empty(if created { StatusCode::CREATED } else { StatusCode::NO_CONTENT });
    if let Some(etag) = etag {
        set(&mut response, ETAG, etag);
    }
    response
}

fn destination(exchange: &Exchange<'_>, view: &View<'_, '_>, standing: Option<&Resource>) -> Result<Destination> {
    if let Some(resource) = standing {
        return match resource {
            Resource::Stored(authorized::Resource::Object(calendar, row)) => {
                let (calendar, name) = (calendar.clone(), row.name().to_owned());
                Ok(if row.rights().edit { Destination::Object { calendar, name } } else { Destination::Denied { calendar, name } })
            }
            Resource::Stored(authorized::Resource::Plain(plain)) if matches!(plain.kind, PlainKind::File { .. }) => {
                Ok(Destination::File { owner: plain.owner.clone(), path: plain.path.clone() })
            }
            // What the server keeps and what holds other things is replaced by no content (RFC 4918 §9.7.2).
            _ => Err(Error::Status(StatusCode::FORBIDDEN)),
        };
    }
    let Path::Home { owner, below } = &exchange.path else { return Err(Error::not_found()) };
    let Some(name) = below.last() else { return Err(Error::not_found()) };
    match parent(&exchange.path, view)? {
        Resource::Stored(authorized::Resource::Calendar(calendar)) => {
            let (may_create, name) = (calendar.privileges().contains(&Privilege::Bind), name.clone());
            Ok(if may_create { Destination::Object { calendar, name } } else { Destination::Denied { calendar, name } })
        }
        // What it holds is elsewhere.
        Resource::Stored(authorized::Resource::Plain(plain)) if plain.kind == PlainKind::Subscription => Err(Error::need(Privilege::Bind)),
        Resource::Stored(authorized::Resource::Plain(_) | authorized::Resource::Home(_)) => {
            Ok(Destination::File { owner: owner.clone(), path: below.clone() })
        }
        _ => Err(Error::Status(StatusCode::CONFLICT)),
    }
}

/// The collection in which something is to be made. Use with: 409 in the viewer's own home, where he may know that it is
/// missing; 404 elsewhere, where a hidden one must look the same.
pub(crate) fn parent(path: &Path, view: &View<'_, '_>) -> Result<Resource> {
    let above = path.parent().ok_or_else(Error::not_found)?;
    match view.locate(&above) {
        Err(Error::Status(StatusCode::NOT_FOUND)) => {
            let own = matches!(path, Path::Home { owner, .. } if *owner == view.viewer()?.name);
            Err(Error::Status(if own { StatusCode::CONFLICT } else { StatusCode::NOT_FOUND }))
        }
        other => other,
    }
}

/// Stores an object; a UID in use is told with the href under which the viewer sees it.
pub(crate) fn store_object(
    writer: &mut AuthorizedWriter<'_>,
    hrefs: &Hrefs<'_>,
    calendar: &Calendar,
    name: &str,
    object: &CalendarObject,
) -> Result<Put> {
    writer.put_object(calendar, name, object).map_err(|error| conflict_href(error, hrefs, calendar))
}

/// Turns the name in a UID conflict into an href of the calendar it was met in.
pub(crate) fn conflict_href(error: storage::Error, hrefs: &Hrefs<'_>, calendar: &Calendar) -> Error {
    match error {
        storage::Error::UidConflict { name } => Error::Condition(Condition::NoUidConflict, Detail::Href(hrefs.object(calendar, &name))),
        other => other.into(),
    }
}

/// Whether a media type (in lower case) is iCalendar in UTF-8.
pub(crate) fn is_calendar_type(value: &str) -> bool {
    let mut parts = value.split(';').map(str::trim);
    parts.next() == Some("text/calendar")
        && parts.filter_map(|p| p.strip_prefix("charset=")).all(|c| matches!(c.trim_matches('"'), "utf-8" | "utf8" | "us-ascii"))
}

/// A body as a calendar object resource within the bounds that are advertised.
pub(crate) fn parse_object(body: &[u8], limits: &storage::Limits) -> Result<CalendarObject> {
    if body.len() > limits.object_bytes_max {
        return Err(Error::condition(Condition::MaxResourceSize));
    }
    let parse_limits = ParseLimits { bytes_max: limits.object_bytes_max, ..ParseLimits::default() };
    Ok(CalendarObject::parse(body, &parse_limits)?)
}

/// Adds what now stands at a path, projected, to an answer whose request prefers that (RFC 7240 §4.2, RFC 8144 §3).
/// Collections have no representation.
pub(crate) fn represent(exchange: &Exchange<'_>, path: &Path, response: Response<Body>) -> Result<Response<Body>> {
    if exchange.preference != Return::Representation {
        return Ok(response);
    }
    let shown = exchange.door.read(|store| {
        let view = exchange.view(store);
        let resource = match view.locate(path) {
            Ok(resource) => resource,
            Err(Error::Status(StatusCode::NOT_FOUND)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let href = view.href(&resource);
        Ok::<_, Error>(get::member(&view, &resource)?.map(|shown| (shown, href)))
    })?;
    let Some((mut shown, href)) = shown else { return Ok(response) };
    *shown.status_mut() = match response.status() {
        StatusCode::NO_CONTENT => StatusCode::OK,
        status => status,
    };
    if let Some(location) = response.headers().get(LOCATION) {
        shown.headers_mut().insert(LOCATION, location.clone());
    }
    set(&mut shown, CONTENT_LOCATION, &href);
    set(&mut shown, PREFERENCE_APPLIED, "return=representation");
    Ok(shown)
}
