//! A client of the server inside the machine: one connection that is kept, PUT, DELETE, and the reports of which it reads
//! addresses, tags, bodies and the token. Retries nothing: what was not answered was not acknowledged.

use base64::Engine;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use quick_xml::events::Event;
use quick_xml::reader::Reader;
use std::collections::BTreeMap;
use std::time::Duration;

/// Where the server listens.
pub(crate) const ADDRESS: &str = "127.0.0.1:8008";
/// One answer: an emulated machine is slow, a hanging one slower.
const SECONDS_MAX: u64 = 60;

/// One user's connection.
#[derive(Debug)]
pub(crate) struct Client {
    authorization: String,
    sender: SendRequest<Full<Bytes>>,
}

/// One resource in a multistatus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    /// The last segment of its address.
    pub(crate) name: String,
    /// `getetag`, empty if it was not told.
    pub(crate) tag: String,
    /// `calendar-data`, empty if it was not told.
    pub(crate) text: String,
    /// Whether it is told to be gone.
    pub(crate) is_gone: bool,
}

/// A multistatus (RFC 4918 §13).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Multistatus {
    pub(crate) rows: Vec<Row>,
    /// The sync token of all (RFC 6578 §6.4).
    pub(crate) token: String,
}

impl Client {
    /// Connects as a user.
    ///
    /// # Errors
    /// In words.
    pub(crate) async fn connect(user: &str, password: &str) -> Result<Self, String> {
        let stream = tokio::net::TcpStream::connect(ADDRESS).await.map_err(|error| error.to_string())?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        // Ends with the connection; what it has to say, requests say.
        drop(tokio::spawn(connection));
        let credentials = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        Ok(Self { authorization: format!("Basic {credentials}"), sender })
    }

    async fn send(&mut self, method: &str, path: &str, kind: &str, body: String) -> Result<(u16, String), String> {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("Host", ADDRESS)
            .header("Authorization", &self.authorization)
            .header("Content-Type", kind)
            .header("Depth", "1")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| error.to_string())?;
        let exchange = async {
            self.sender.ready().await.map_err(|error| error.to_string())?;
            let answer = self.sender.send_request(request).await.map_err(|error| error.to_string())?;
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
            Ok((status, String::from_utf8_lossy(&body).into_owned()))
        };
        let answer = tokio::time::timeout(Duration::from_secs(SECONDS_MAX), exchange).await;
        answer.unwrap_or_else(|_| Err(format!("{method} {path}: no answer within {SECONDS_MAX} seconds")))
    }

    /// Stores an object; the status of the answer.
    pub(crate) async fn put(&mut self, path: &str, text: String) -> Result<u16, String> {
        Ok(self.send("PUT", path, "text/calendar; charset=utf-8", text).await?.0)
    }

    /// Deletes an object; the status of the answer.
    pub(crate) async fn delete(&mut self, path: &str) -> Result<u16, String> {
        Ok(self.send("DELETE", path, "text/calendar", String::new()).await?.0)
    }

    /// Every object of a calendar with its body (RFC 4791 §7.8).
    pub(crate) async fn query(&mut self, path: &str) -> Result<Multistatus, String> {
        let body = "<C:calendar-query xmlns=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><prop><getetag/><C:calendar-data/></prop>\
                    <C:filter><C:comp-filter name=\"VCALENDAR\"/></C:filter></C:calendar-query>";
        self.report(path, body.to_owned()).await
    }

    /// What changed since the token, or all there is (RFC 6578).
    pub(crate) async fn changes(&mut self, path: &str, token: &str) -> Result<Multistatus, String> {
        let body = format!(
            "<sync-collection xmlns=\"DAV:\"><sync-token>{token}</sync-token><sync-level>1</sync-level><prop><getetag/></prop></sync-collection>"
        );
        self.report(path, body).await
    }

    async fn report(&mut self, path: &str, body: String) -> Result<Multistatus, String> {
        let (status, text) = self.send("REPORT", path, "application/xml; charset=utf-8", body).await?;
        if status != 207 {
            return Err(format!("REPORT {path} is answered by {status}"));
        }
        read_multistatus(&text)
    }
}

/// Reads a multistatus by its local names: it is this repository's own server that wrote it.
pub(crate) fn read_multistatus(text: &str) -> Result<Multistatus, String> {
    let mut reader = Reader::from_str(text);
    let mut found = Multistatus::default();
    let (mut row, mut texts) = (Row::default(), String::new());
    // Which of the row's elements are open: a status stands in a propstat too.
    let mut in_propstat = false;
    loop {
        match reader.read_event().map_err(|error| format!("a multistatus that cannot be read: {error}"))? {
            Event::Start(start) => {
                texts.clear();
                match start.local_name().as_ref() {
                    "response" => row = Row::default(),
                    "propstat" => in_propstat = true,
                    _ => {}
                }
            }
            Event::Text(text) => texts.push_str(&text.xml10_content()),
            Event::CData(text) => texts.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                Ok(Some(character)) => texts.push(character),
                _ => texts.push(match reference.xml10_content().as_ref() {
                    "lt" => '<',
                    "gt" => '>',
                    "amp" => '&',
                    "quot" => '"',
                    _ => '\'',
                }),
            },
            Event::End(end) => match end.local_name().as_ref() {
                "href" => row.name = texts.trim().rsplit('/').next().unwrap_or_default().to_owned(),
                "getetag" => row.tag = texts.trim().to_owned(),
                "calendar-data" => row.text = std::mem::take(&mut texts),
                "status" if !in_propstat => row.is_gone = texts.contains(" 404 "),
                "propstat" => in_propstat = false,
                "response" => found.rows.push(std::mem::take(&mut row)),
                "sync-token" => found.token = texts.trim().to_owned(),
                _ => {}
            },
            Event::Eof => return Ok(found),
            _ => {}
        }
    }
}

/// The rows by name, without the collection itself.
pub(crate) fn tags(rows: &[Row]) -> BTreeMap<String, String> {
    rows.iter().filter(|row| !row.is_gone && !row.name.is_empty()).map(|row| (row.name.clone(), row.tag.clone())).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn rows_tokens_and_what_is_gone_are_read() {
        let text = "<?xml version=\"1.0\"?><D:multistatus xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\">\
            <D:response><D:href>/dav/calendars/alice/work/1-1.ics</D:href><D:propstat><D:prop><D:getetag>&quot;a&quot;</D:getetag>\
            <C:calendar-data>A &lt;B&#13;\nC</C:calendar-data></D:prop><D:status>HTTP/1.1 404 x</D:status></D:propstat></D:response>\
            <D:response><D:href>/dav/calendars/alice/work/1-2.ics</D:href><D:status>HTTP/1.1 404 Not Found</D:status></D:response>\
            <D:sync-token>urn:token</D:sync-token></D:multistatus>";
        let found = read_multistatus(text).unwrap();
        let first = Row { name: "1-1.ics".into(), tag: "\"a\"".into(), text: "A <B\r\nC".into(), is_gone: false };
        assert_eq!(found.rows, [first, Row { name: "1-2.ics".into(), is_gone: true, ..Row::default() }]);
        assert_eq!(found.token, "urn:token");
        assert_eq!(tags(&found.rows), BTreeMap::from([("1-1.ics".to_owned(), "\"a\"".to_owned())]));
        assert!(read_multistatus("<a><b></a>").is_err());
    }
}
