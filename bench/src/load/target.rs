//! A server as clients know it: where it is, who asks, and which calendars it has.

use crate::ask::Fidelity;
use crate::calendar::Calendar;
use crate::window::Window;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;

/// Namespaces of request bodies.
pub(crate) const NAMESPACES: &str = "xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\" xmlns:CS=\"http://calendarserver.org/ns/\"";

/// A calendar as somebody sees it.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// Ends with a slash.
    pub(crate) path: String,
    pub(crate) calendar: Rc<Calendar>,
    pub(crate) fidelity: Fidelity,
    /// What the server calls its events, where that is its own choice.
    pub(crate) names: Vec<String>,
}

impl Shown {
    /// The path of an event.
    pub(crate) fn event_path(&self, number: u32) -> String {
        let renamed = self.names.get(number as usize % self.names.len().max(1));
        renamed.map_or_else(|| format!("{}{}.ics", self.path, self.calendar.uid(number)), |name| format!("{}{name}", self.path))
    }
}

/// Somebody's view of a server.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// A line of the head, or none.
    pub(crate) authorization: String,
    /// Path of the principal and of the home, each with a final slash.
    pub(crate) principal: String,
    pub(crate) home: String,
    pub(crate) calendars: BTreeMap<String, Shown>,
    /// How to ask when a person is busy.
    pub(crate) people: People,
}

/// Where the busy times of a person can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum People {
    /// From an address of that person's: what stands before and after the name.
    Address(String, String),
    /// By a report on the person's calendar, whose name is the person's.
    Calendars,
}

/// The line of the head that says who asks (RFC 7617).
pub(crate) fn basic(name: &str, password: &str) -> String {
    format!("Authorization: Basic {}\r\n", BASE64_STANDARD.encode(format!("{name}:{password}")))
}

impl Target {
    /// A request without a body.
    pub(crate) fn plain(&self, method: &str, path: &str) -> Vec<u8> {
        format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n{}\r\n", self.address, self.authorization).into_bytes()
    }

    fn with_body(&self, method: &str, path: &str, fields: &str, body: &str) -> Vec<u8> {
        let (address, authorization, length) = (self.address, &self.authorization, body.len());
        format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n{authorization}{fields}Content-Length: {length}\r\n\r\n{body}").into_bytes()
    }

    pub(crate) fn put(&self, path: &str, text: &str) -> Vec<u8> {
        self.with_body("PUT", path, "Content-Type: text/calendar; charset=utf-8\r\n", text)
    }

    fn xml(&self, method: &str, path: &str, depth: u8, body: &str) -> Vec<u8> {
        let fields = format!("Depth: {depth}\r\nContent-Type: application/xml; charset=utf-8\r\n");
        self.with_body(method, path, &fields, &format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>{body}"))
    }

    pub(crate) fn propfind(&self, path: &str, depth: u8, properties: &str) -> Vec<u8> {
        self.xml("PROPFIND", path, depth, &format!("<D:propfind {NAMESPACES}><D:prop>{properties}</D:prop></D:propfind>"))
    }

    pub(crate) fn multiget<'a>(&self, path: &str, events: impl Iterator<Item = &'a String>) -> Vec<u8> {
        let addresses: String = events.map(|event| format!("<D:href>{event}</D:href>")).collect();
        let body =
            format!("<C:calendar-multiget {NAMESPACES}><D:prop><D:getetag/><C:calendar-data/></D:prop>{addresses}</C:calendar-multiget>");
        self.xml("REPORT", path, 1, &body)
    }

    /// What takes place in a window, or from its start on where `is_open`.
    pub(crate) fn query(&self, path: &str, window: Window, end: WindowEnd, properties: &str) -> Vec<u8> {
        let (start, until) = window.written();
        let until = if end == WindowEnd::Open { String::new() } else { format!(" end=\"{until}\"") };
        let body = format!(
            "<C:calendar-query {NAMESPACES}><D:prop>{properties}</D:prop><C:filter><C:comp-filter name=\"VCALENDAR\">\
             <C:comp-filter name=\"VEVENT\"><C:time-range start=\"{start}\"{until}/></C:comp-filter></C:comp-filter></C:filter>\
             </C:calendar-query>"
        );
        self.xml("REPORT", path, 1, &body)
    }

    pub(crate) fn sync(&self, path: &str, token: &str) -> Vec<u8> {
        let body = format!(
            "<D:sync-collection {NAMESPACES}><D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level>\
             <D:prop><D:getetag/></D:prop></D:sync-collection>"
        );
        self.xml("REPORT", path, 0, &body)
    }

    pub(crate) fn free_busy(&self, path: &str, window: Window) -> Vec<u8> {
        let (start, end) = window.written();
        let body = format!("<C:free-busy-query {NAMESPACES}><C:time-range start=\"{start}\" end=\"{end}\"/></C:free-busy-query>");
        self.xml("REPORT", path, 1, &body)
    }

    /// When a person is busy.
    pub(crate) fn person_busy(&self, person: &str, window: Window) -> Result<Vec<u8>, String> {
        let (start, end) = window.written();
        match &self.people {
            People::Address(before, after) => Ok(self.plain("GET", &format!("{before}{person}{after}?start={start}&end={end}"))),
            People::Calendars => Ok(self.free_busy(&self.calendar(person)?.path, window)),
        }
    }

    pub(crate) fn mkcalendar(&self, path: &str) -> Vec<u8> {
        self.with_body("MKCALENDAR", path, "", "")
    }

    /// A calendar by the name that workloads have for it.
    pub(crate) fn calendar(&self, name: &str) -> Result<&Shown, String> {
        self.calendars.get(name).ok_or_else(|| format!("there is no calendar {name}"))
    }
}

/// How a window of a query ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WindowEnd {
    Closed,
    Open,
}
