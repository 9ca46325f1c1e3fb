//! Writing a multistatus (RFC 4918 §13): one response per href, in chunks, within bounds.

use crate::condition::Condition;
use crate::dispatch::{Body, Limits};
use crate::error::{Detail, Error, Result, write_condition};
use crate::xml::{Name, Writer};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};

/// Bytes of one chunk, about.
const CHUNK_BYTES: usize = 64 << 10;
const MULTISTATUS: Name = Name::dav("multistatus");
const RESPONSE: Name = Name::dav("response");
const PROPSTAT: Name = Name::dav("propstat");
const PROP: Name = Name::dav("prop");

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
    chunks: Body,
    writer: Writer,
    responses: usize,
    bytes: usize,
    limits: Limits,
    missing: Missing,
}

impl MultiStatus {
    /// An empty one.
    pub fn new(limits: &Limits, missing: Missing) -> Self {
        Self { chunks: Vec::new(), writer: Writer::document(&MULTISTATUS), responses: 0, bytes: 0, limits: *limits, missing }
    }

    /// How many responses it has.
    pub fn responses(&self) -> usize {
        self.responses
    }

    /// A response with properties.
    pub fn properties(&mut self, href: &str, propstats: &PropStats) -> Result<()> {
        let list_missing = self.missing == Missing::Listed && !propstats.missing.is_empty();
        self.open(href)?;
        if !propstats.found.is_empty() || (!list_missing && propstats.forbidden.is_empty()) {
            self.writer.start(&PROPSTAT);
            self.writer.start(&PROP);
            self.writer.written(&propstats.found);
            self.close_propstat(StatusCode::OK);
        }
        if !propstats.forbidden.is_empty() {
            self.names(&propstats.forbidden, StatusCode::FORBIDDEN);
        }
        if list_missing {
            self.names(&propstats.missing, StatusCode::NOT_FOUND);
        }
        self.close();
        Ok(())
    }

    /// A response with propstats that list names under statuses (PROPPATCH), each with a condition where there is one.
    pub fn outcomes(&mut self, href: &str, outcomes: &[(StatusCode, Option<Condition>, Vec<Name>)]) -> Result<()> {
        self.open(href)?;
        write_outcomes(&mut self.writer, outcomes);
        self.close();
        Ok(())
    }

    /// A response that is a status alone.
    pub fn status(&mut self, href: &str, status: StatusCode) -> Result<()> {
        self.open(href)?;
        write_status(&mut self.writer, status);
        self.close();
        Ok(())
    }

    /// A response that is a status with its condition, e.g. 507 for a truncated answer.
    pub fn failure(&mut self, href: &str, status: StatusCode, condition: Condition) -> Result<()> {
        self.open(href)?;
        write_status(&mut self.writer, status);
        self.writer.start(&Name::dav("error"));
        write_condition(&mut self.writer, condition, &Detail::None, href);
        self.writer.end(&Name::dav("error"));
        self.close();
        Ok(())
    }

    /// `DAV:sync-token` behind the responses (RFC 6578 §6.2).
    pub fn sync_token(&mut self, token: &str) {
        self.writer.element(&Name::dav("sync-token"), token);
    }

    /// 207 with all of it.
    pub fn finish(mut self) -> Response<Body> {
        self.writer.end(&MULTISTATUS);
        self.chunks.push(Bytes::from(self.writer.into_string()));
        xml_response(StatusCode::MULTI_STATUS, self.chunks)
    }

    fn open(&mut self, href: &str) -> Result<()> {
        if self.responses >= self.limits.responses_max || self.bytes + self.writer.len() > self.limits.multistatus_bytes_max {
            return Err(Error::condition(Condition::NumberOfMatchesWithinLimits));
        }
        self.responses += 1;
        self.writer.start(&RESPONSE);
        self.writer.href(href);
        Ok(())
    }

    fn close(&mut self) {
        self.writer.end(&RESPONSE);
        if self.writer.len() >= CHUNK_BYTES {
            let chunk = self.writer.take();
            self.bytes += chunk.len();
            self.chunks.push(Bytes::from(chunk));
        }
    }

    fn names(&mut self, names: &[Name], status: StatusCode) {
        self.writer.start(&PROPSTAT);
        self.writer.start(&PROP);
        for name in names {
            self.writer.empty(name);
        }
        self.close_propstat(status);
    }

    fn close_propstat(&mut self, status: StatusCode) {
        self.writer.end(&PROP);
        write_status(&mut self.writer, status);
        self.writer.end(&PROPSTAT);
    }
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
    let line = format!("HTTP/1.1 {} {}", status.as_str(), status.canonical_reason().unwrap_or("Status"));
    writer.element(&Name::dav("status"), &line);
}

/// An answer that is an XML document.
pub fn xml_response(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8"));
    response
}
