//! Writing a multistatus (RFC 4918 §13): one response per href, in chunks, within bounds.

use crate::body::Body;
use crate::condition::Condition;
use crate::dispatch::Limits;
use crate::error::{Cause, Detail, Error, Result, write_condition};
use crate::property::{self, Extra, Presence, PropertyRequest, Requested};
use crate::resource::{Resource, View};
use crate::xml::{Name, Writer};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use std::sync::{Arc, LazyLock};
use storage::Pace;
use storage::spool::{Pending, Spool};

/// Bytes of one chunk, about.
const CHUNK_BYTES: usize = 64 << 10;
/// Bytes of a response, at most times.
const RESPONSE_BYTES: usize = 4 << 10;
const MULTISTATUS: Name = Name::dav("multistatus");
const RESPONSE: Name = Name::dav("response");
const HREF: Name = Name::dav("href");
const PROPSTAT: Name = Name::dav("propstat");
const PROP: Name = Name::dav("prop");
const STATUS: Name = Name::dav("status");

/// What stands around the values in every response.
struct Frame {
    response: String,
    href_end: String,
    found: String,
    found_end: String,
}

static FRAME: LazyLock<Frame> = LazyLock::new(|| {
    let written = |write: fn(&mut Writer)| {
        let mut writer = Writer::fragment();
        write(&mut writer);
        writer.into_string()
    };
    Frame {
        response: written(|writer| {
            writer.start(&RESPONSE);
            writer.start(&HREF);
        }),
        href_end: written(|writer| writer.end(&HREF)),
        found: written(|writer| {
            writer.start(&PROPSTAT);
            writer.start(&PROP);
        }),
        found_end: written(|writer| close_propstat(writer, StatusCode::OK)),
    }
});

/// Whether properties that are not there are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// In a propstat with 404.
    #[default]
    Listed,
    /// Left out: `Prefer: return=minimal` (RFC 8144 §2.1).
    LeftOut,
}

/// What one resource answers to a request for properties. A property stands in one of these only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PropStats {
    /// The elements found, as written.
    pub found: String,
    /// Not there, or not for this viewer.
    pub missing: Vec<Name>,
    /// There, but not for this viewer to read.
    pub forbidden: Vec<Name>,
}

/// A multistatus being written.
#[derive(Debug)]
pub struct MultiStatus {
    pending: Pending,
    writer: Writer,
    responses: usize,
    bytes: usize,
    limits: Limits,
    missing: Missing,
    /// From response to response.
    pace: Pace,
}

impl MultiStatus {
    /// An empty one, which waits with others to be sent.
    pub fn new(spool: &Arc<Spool>, limits: &Limits, missing: Missing) -> Self {
        let (pending, writer) = (spool.begin(), Writer::document(&MULTISTATUS));
        Self { pending, writer, responses: 0, bytes: 0, limits: *limits, missing, pace: Pace::default() }
    }

    /// How many responses it has.
    pub fn responses(&self) -> usize {
        self.responses
    }

    /// Whether the bounds leave room for no more than the response that says so.
    pub fn is_full(&self) -> bool {
        self.responses + 1 >= self.limits.responses_max || self.bytes + self.writer.len() > self.limits.multistatus_bytes_max
    }

    /// The last response of an answer cut short: 507 for the request's own href, with
    /// `DAV:number-of-matches-within-limits` (RFC 6578 §3.6). Bounds do not keep it out.
    pub fn truncated(&mut self, request_href: &str) {
        self.responses += 1;
        self.writer.start(&RESPONSE);
        self.writer.href(request_href);
        write_status(&mut self.writer, StatusCode::INSUFFICIENT_STORAGE);
        self.writer.start(&Name::dav("error"));
        write_condition(&mut self.writer, Condition::NumberOfMatchesWithinLimits, &Detail::None, request_href);
        self.writer.end(&Name::dav("error"));
        self.writer.end(&RESPONSE);
    }

    /// A response with the properties of a resource that a request asks for, written where they go.
    pub fn answer(&mut self, view: &View<'_, '_>, href: &str, resource: &Resource, request: &PropertyRequest) -> Result<()> {
        self.answer_besides(view, (href, resource), request, &mut |_, _| Ok(Presence::Absent))
    }

    /// The same with an element that a report writes itself.
    pub fn answer_besides(
        &mut self,
        view: &View<'_, '_>,
        (href, resource): (&str, &Resource),
        request: &PropertyRequest,
        extra: &mut Extra<'_>,
    ) -> Result<()> {
        self.open(href)?;
        let writer = &mut self.writer;
        let before = writer.len();
        writer.written(&FRAME.found);
        let content = writer.len();
        let lacking = property::write(view, resource, request, extra, writer)?;
        let list_missing = self.missing == Missing::Listed && !lacking.missing.is_empty();
        if writer.len() == content && (list_missing || !lacking.forbidden.is_empty()) {
            writer.truncate(before);
        } else {
            writer.written(&FRAME.found_end);
        }
        if !lacking.forbidden.is_empty() {
            write_requested(writer, &lacking.forbidden, StatusCode::FORBIDDEN);
        }
        if list_missing {
            write_requested(writer, &lacking.missing, StatusCode::NOT_FOUND);
        }
        self.close()
    }

    /// A response with properties.
    pub fn properties(&mut self, href: &str, propstats: &PropStats) -> Result<()> {
        self.open(href)?;
        write_propstats(&mut self.writer, propstats, self.missing);
        self.close()
    }

    /// A response with propstats that list names under statuses (PROPPATCH), each with a condition where there is one.
    pub fn outcomes(&mut self, href: &str, outcomes: &[(StatusCode, Option<Condition>, Vec<Name>)]) -> Result<()> {
        self.open(href)?;
        write_outcomes(&mut self.writer, outcomes);
        self.close()
    }

    /// A response that is a status alone.
    pub fn status(&mut self, href: &str, status: StatusCode) -> Result<()> {
        self.open(href)?;
        write_status(&mut self.writer, status);
        self.close()
    }

    /// A response that is a status with its condition, e.g. 507 for a truncated answer.
    pub fn failure(&mut self, href: &str, status: StatusCode, condition: Condition) -> Result<()> {
        self.open(href)?;
        write_status(&mut self.writer, status);
        self.writer.start(&Name::dav("error"));
        write_condition(&mut self.writer, condition, &Detail::None, href);
        self.writer.end(&Name::dav("error"));
        self.close()
    }

    /// `DAV:sync-token` behind the responses (RFC 6578 §6.2).
    pub fn sync_token(&mut self, token: &str) {
        self.writer.element(&Name::dav("sync-token"), token);
    }

    /// 207 with all of it.
    pub fn finish(mut self) -> Result<Response<Body>> {
        self.writer.end(&MULTISTATUS);
        self.pending.push(self.writer.into_string().into_bytes()).map_err(|error| no_room(&error))?;
        Ok(xml_response(StatusCode::MULTI_STATUS, self.pending.finish().into()))
    }

    fn open(&mut self, href: &str) -> Result<()> {
        if self.responses >= self.limits.responses_max || self.bytes + self.writer.len() > self.limits.multistatus_bytes_max {
            return Err(Error::condition(Condition::NumberOfMatchesWithinLimits));
        }
        self.responses += 1;
        self.writer.written(&FRAME.response);
        self.writer.text(href);
        self.writer.written(&FRAME.href_end);
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        self.writer.end(&RESPONSE);
        self.pace.step();
        if self.writer.len() < CHUNK_BYTES {
            return Ok(());
        }
        let chunk = self.writer.replace(CHUNK_BYTES + RESPONSE_BYTES);
        self.bytes += chunk.len();
        self.pending.push(chunk.into_bytes()).map_err(|error| no_room(&error))
    }
}

/// What an answer is that has no room to wait in: it has some later.
pub(crate) fn no_room(error: &std::io::Error) -> Error {
    Error::Unavailable(Cause(format!("an answer has no room to wait in: {error}")))
}

/// A `DAV:response` with properties, for writing inside of a property (RFC 3253 §3.8).
pub fn write_response(writer: &mut Writer, href: &str, propstats: &PropStats, missing: Missing) {
    writer.start(&RESPONSE);
    writer.href(href);
    write_propstats(writer, propstats, missing);
    writer.end(&RESPONSE);
}

/// A `DAV:response` that is a status alone, for the same place.
pub fn write_response_status(writer: &mut Writer, href: &str, status: StatusCode) {
    writer.start(&RESPONSE);
    writer.href(href);
    write_status(writer, status);
    writer.end(&RESPONSE);
}

fn write_propstats(writer: &mut Writer, propstats: &PropStats, missing: Missing) {
    let list_missing = missing == Missing::Listed && !propstats.missing.is_empty();
    if !propstats.found.is_empty() || (!list_missing && propstats.forbidden.is_empty()) {
        writer.start(&PROPSTAT);
        writer.start(&PROP);
        writer.written(&propstats.found);
        close_propstat(writer, StatusCode::OK);
    }
    if !propstats.forbidden.is_empty() {
        write_names(writer, &propstats.forbidden, StatusCode::FORBIDDEN);
    }
    if list_missing {
        write_names(writer, &propstats.missing, StatusCode::NOT_FOUND);
    }
}

fn write_names(writer: &mut Writer, names: &[Name], status: StatusCode) {
    writer.start(&PROPSTAT);
    writer.start(&PROP);
    for name in names {
        writer.empty(name);
    }
    close_propstat(writer, status);
}

fn write_requested(writer: &mut Writer, all: &[&Requested], status: StatusCode) {
    writer.start(&PROPSTAT);
    writer.start(&PROP);
    for requested in all {
        requested.write_empty(writer);
    }
    close_propstat(writer, status);
}

fn close_propstat(writer: &mut Writer, status: StatusCode) {
    writer.end(&PROP);
    write_status(writer, status);
    writer.end(&PROPSTAT);
}

/// Propstats that list names under statuses (PROPPATCH, extended MKCOL).
pub fn write_outcomes(writer: &mut Writer, outcomes: &[(StatusCode, Option<Condition>, Vec<Name>)]) {
    for (status, condition, names) in outcomes {
        writer.start(&PROPSTAT);
        writer.start(&PROP);
        for name in names {
            writer.empty(name);
        }
        writer.end(&PROP);
        write_status(writer, *status);
        if let Some(condition) = condition {
            writer.start(&Name::dav("error"));
            write_condition(writer, *condition, &Detail::None, "");
            writer.end(&Name::dav("error"));
        }
        writer.end(&PROPSTAT);
    }
}

/// `DAV:status` (RFC 4918 §14.28): the only place where a status line is written.
pub fn write_status(writer: &mut Writer, status: StatusCode) {
    writer.start(&STATUS);
    for part in ["HTTP/1.1 ", status.as_str(), " ", status.canonical_reason().unwrap_or("Status")] {
        writer.text(part);
    }
    writer.end(&STATUS);
}

/// An answer that is an XML document.
pub fn xml_response(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8"));
    response
}
