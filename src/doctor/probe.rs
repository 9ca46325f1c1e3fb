//! Requests that change nothing, each made to meet one thing a proxy may do: refuse a method, a large or chunked body, a
//! condition or a Destination; encode a path anew; compress; cache; break HTTP/2.
//!
//! What would write names a resource that is not there, under a condition that cannot hold.

use super::client::{Ask, Client, Http2, everyone, those};
use super::findings::Findings;
use super::look::Map;
use super::place::Place;
use super::problem::{Harm, Kind, Trouble};
use super::visit::{self, Request, Sender};
use super::wire::{Answer, Framing, Unreached, Wire};
use webdav::client::is_error;

/// A tag no resource has.
const NO_TAG: &str = "\"shoji-doctor\"";
/// Bytes of the largest body that is sent.
const BODY_BYTES_MAX: usize = 8 << 20;

/// All probes of one signed-in person.
pub struct Probe<'a> {
    /// The way to the server.
    pub wire: &'a mut Wire,
    /// Who asks.
    pub sender: &'a Sender,
    /// Where things stand.
    pub map: &'a Map,
    /// A name nothing has.
    pub name: &'a str,
    /// What is found.
    pub findings: &'a mut Findings,
}

fn writers(method: &str) -> Vec<usize> {
    those(|client| client.writes.contains(&method))
}

impl Probe<'_> {
    /// Everything.
    pub async fn all(&mut self) {
        self.methods().await;
        self.bodies().await;
        self.paths().await;
        self.event().await;
        if self.map.root.scheme == super::place::Scheme::Https {
            self.http2().await;
        }
    }

    fn note(&mut self, trouble: &Trouble, clients: Vec<usize>, harm: Harm) {
        self.findings.add(trouble, clients, harm);
    }

    /// A collection of his.
    fn container(&self) -> Place {
        self.map.calendar.clone().unwrap_or_else(|| self.map.home.clone())
    }

    /// Something that is not there.
    fn absent(&self) -> Place {
        let container = self.container();
        container.at(&format!("{}/{}.ics", container.path.trim_end_matches('/'), self.name))
    }

    async fn methods(&mut self) {
        let (absent, spelling) = (self.absent(), self.sender.spelling);
        let nowhere = self.map.home.at(&format!("{}/{}/x/", self.map.home.path.trim_end_matches('/'), self.name));
        let destination = format!("{absent}-copy");
        let impossible = |request: Request| request.with("if-match", NO_TAG);
        let requests = [
            impossible(Request::new("PUT", &absent).with_body("shoji doctor").with("content-type", "text/plain")),
            impossible(Request::new("DELETE", &absent)),
            impossible(Request::new("PROPPATCH", &absent).with_body(spelling.proppatch("shoji doctor"))),
            impossible(Request::new("COPY", &absent).with("destination", destination.clone()).with("overwrite", "F")),
            impossible(Request::new("MOVE", &absent).with("destination", destination).with("overwrite", "F")),
            Request::new("MKCALENDAR", &nowhere).with_body(spelling.mkcalendar("shoji doctor")),
            Request::new("MKCOL", &nowhere),
            impossible(Request::new("ACL", &absent).with_body(spelling.empty_acl())),
        ];
        for request in requests {
            if let Err(trouble) = self.passes(&request).await {
                let mut concerned = writers(request.method);
                if trouble.kind == Kind::DestinationRefused && concerned.is_empty() {
                    concerned = writers("MOVE");
                }
                self.note(&trouble, concerned, Harm::Hampers);
            }
        }
    }

    /// A request that the server refuses, for it and nothing before it to do so.
    async fn passes(&mut self, request: &Request) -> Result<(), Trouble> {
        let answer = match visit::ask(self.wire, self.sender, request).await {
            // What a server says that cannot reach another one (RFC 4918 §9.8.5): for it the Destination is elsewhere.
            Err(trouble) if trouble.kind == Kind::ServerSilent && trouble.seen.contains(" 502") && has_destination(request) => {
                let destination = request.headers.iter().find(|(name, _)| *name == "destination").map_or("", |(_, value)| value);
                let words = format!("{} answers 502 to `Destination: {destination}`", request.method);
                return Err(Trouble::new(Kind::DestinationRefused, words));
            }
            // A server that looks at the body first calls it bad; nothing refuses a method in these words.
            Err(trouble) if trouble.kind == Kind::MethodRefused && trouble.seen.contains(" 400") => return Ok(()),
            answer => answer?,
        };
        let kind = match answer.status.as_u16() {
            411 => Kind::ChunkedRefused,
            413 => Kind::BodyLimit,
            417 => Kind::ExpectRefused,
            404 | 409 | 410 | 412 | 415 | 422 | 424 => return Ok(()),
            200..=299 => return self.undo(request, &answer).await,
            _ if is_error(&answer.body) => return Ok(()),
            _ => Kind::Unexpected,
        };
        Err(Trouble::new(kind, visit::seen(request.method, &answer)))
    }

    /// Something was done that an impossible condition should have kept from being done.
    async fn undo(&mut self, request: &Request, answer: &Answer) -> Result<(), Trouble> {
        let seen = format!("{} although `If-Match` names no tag of anything", visit::seen(request.method, answer));
        let undone = visit::send(self.wire, self.sender, &Request::new("DELETE", &request.place)).await;
        if !undone.is_ok_and(|answer| answer.status.is_success()) {
            self.findings.remark(format!("{} may be left behind: delete it.", request.place));
        }
        Err(Trouble::new(Kind::ConditionsStripped, seen))
    }

    async fn bodies(&mut self) {
        let put = Request::new("PUT", &self.absent()).with("if-match", NO_TAG).with("content-type", "text/calendar");
        let large = vec![b'x'; self.map.max_resource_size.min(BODY_BYTES_MAX)];
        let size = large.len();
        let requests = [
            (put.clone().with_body(large), Kind::BodyLimit, format!("a body of {size} bytes")),
            (Request { framing: Framing::Chunked, ..put.clone().with_body("shoji doctor") }, Kind::ChunkedRefused, "a chunked body".into()),
            (put.with("expect", "100-continue").with_body("shoji doctor"), Kind::ExpectRefused, "`Expect: 100-continue`".into()),
        ];
        for (request, kind, what) in requests {
            // Refused as a whole is told already.
            match self.passes(&request).await {
                Err(trouble)
                    if matches!(trouble.kind, Kind::MethodRefused) && self.findings.problems.contains_key(&Kind::MethodRefused) => {}
                Err(trouble) => {
                    let kind = if trouble.kind == Kind::ConditionsStripped { trouble.kind } else { kind };
                    let trouble = Trouble::new(kind, format!("{}, with {what}", trouble.seen));
                    self.note(&trouble, writers("PUT"), Harm::Hampers);
                }
                Ok(()) => {}
            }
        }
    }

    /// The home's name with one letter encoded is the same name; a calendar without its slash is the same calendar.
    async fn paths(&mut self) {
        let body = self.sender.spelling.propfind("D:resourcetype");
        if let Some(encoded) = one_letter_encoded(&self.map.home.path) {
            let request = Request::propfind(&self.map.home.at(&encoded), "0", body.clone());
            let answer = visit::ask(self.wire, self.sender, &request).await;
            if let Ok(answer) = answer
                && answer.status.as_u16() == 404
            {
                let trouble = Trouble::new(Kind::PathMangled, visit::seen("PROPFIND", &answer));
                self.note(&trouble, everyone(), Harm::Hampers);
            }
        }
        let container = self.container();
        let bare = container.at(container.path.trim_end_matches('/'));
        let sent = visit::send(self.wire, self.sender, &Request::propfind(&bare, "0", body)).await;
        if let Ok(answer) = sent
            && visit::redirects(answer.status)
        {
            let words = format!("{} with `Location: {}`", visit::seen("PROPFIND", &answer), answer.header("location"));
            let concerned = those(|client| matches!(client.code, "pimsync" | "thunderbird" | "tsdav"));
            self.note(&Trouble::new(Kind::SlashRedirect, words), concerned, Harm::Hampers);
        }
    }

    /// An event: the same bytes under the same tag, however they are asked for.
    async fn event(&mut self) {
        let Some((place, listed_tag)) = self.map.event.clone() else { return };
        if let Err(trouble) = same_bytes(self.wire, self.sender, &place, &listed_tag).await {
            let concerned = match trouble.kind {
                Kind::Compression => those(|client| !client.encodings.is_empty() && reads(client)),
                Kind::Cached | Kind::ConditionsStripped | Kind::PathMangled => everyone(),
                _ => those(reads),
            };
            self.note(&trouble, concerned, Harm::Hampers);
        }
    }

    async fn http2(&mut self) {
        let body = self.sender.spelling.propfind("D:current-user-principal");
        let request = Request::propfind(&self.map.root, "0", body);
        let sent = request.sent_by(self.sender);
        let seen = match self.wire.send_over_http2(&sent).await {
            Ok(None) => return self.findings.remark("HTTP/2 is not offered; HTTP/1.1 is enough."),
            Ok(Some(answer)) if answer.status.as_u16() == 207 => return,
            Ok(Some(answer)) => visit::seen("PROPFIND", &answer),
            Err(Unreached::Late) => "PROPFIND: no answer in time".to_owned(),
            Err(other) => visit::trouble(&other, "PROPFIND", &self.map.root).seen,
        };
        self.note(&Trouble::new(Kind::Http2Broken, seen), those(|client| client.http2 == Http2::Spoken), Harm::Fails);
    }
}

fn reads(client: &Client) -> bool {
    client.asks.iter().any(|ask| matches!(ask, Ask::Get | Ask::Head))
}

fn has_destination(request: &Request) -> bool {
    request.headers.iter().any(|(name, _)| *name == "destination")
}

/// A path whose last letter is written `%..`; none where it ends otherwise.
fn one_letter_encoded(path: &str) -> Option<String> {
    let bare = path.trim_end_matches('/');
    let last = bare.bytes().last().filter(u8::is_ascii_alphabetic)?;
    let before = bare
        .get(..bare.len() - 1)
        .filter(|before| !before.ends_with('%') && !before.get(..before.len().saturating_sub(1)).is_some_and(|b| b.ends_with('%')))?;
    Some(format!("{before}%{last:02X}/"))
}

/// Reads an event in every way, and looks whether bytes, tag and condition stay what they are.
///
/// # Errors
/// They do not.
pub async fn same_bytes(wire: &mut Wire, sender: &Sender, place: &Place, listed_tag: &str) -> Result<(), Trouble> {
    let get = Request::new("GET", place);
    let plain = visit::ask(wire, sender, &get).await?;
    let tag = plain.header("etag").to_owned();
    let seen = |answer: &Answer, words: &str| format!("{}{words}", visit::seen("GET", answer));
    match plain.status.as_u16() {
        200 => {}
        404 => return Err(Trouble::new(Kind::PathMangled, seen(&plain, ", a link of the server's own"))),
        _ => return Err(Trouble::new(Kind::Unexpected, seen(&plain, ""))),
    }
    if visit::encoded(&plain) {
        let words = format!(" with `Content-Encoding: {}` where identity was asked for", plain.header("content-encoding"));
        return Err(Trouble::new(Kind::EncodingForced, seen(&plain, &words)));
    }
    if tag.is_empty() {
        return Err(Trouble::new(Kind::TagMissing, seen(&plain, "")));
    }
    let packing = Sender { encodings: "gzip, deflate, br", ..sender.clone() };
    let packed = visit::ask(wire, &packing, &get).await?;
    let packed_tag = packed.header("etag");
    if visit::encoded(&packed) || packed_tag != tag {
        let encoding = packed.header("content-encoding");
        return Err(Trouble::new(
            Kind::Compression,
            seen(&packed, &format!(" with `Content-Encoding: {encoding}` and `ETag: {packed_tag}`; without, the tag is {tag}")),
        ));
    }
    if !listed_tag.is_empty() && listed_tag != tag {
        return Err(Trouble::new(Kind::Compression, seen(&plain, &format!(" with `ETag: {tag}`; the listing says {listed_tag}"))));
    }
    for answer in [&plain, &packed] {
        let hit = answer.header("x-cache").to_ascii_lowercase().contains("hit") || !matches!(answer.header("age"), "" | "0");
        if hit {
            return Err(Trouble::new(
                Kind::Cached,
                seen(answer, &format!(" with `Age: {}` `X-Cache: {}`", answer.header("age"), answer.header("x-cache"))),
            ));
        }
    }
    let conditional = visit::ask(wire, sender, &get.with("if-none-match", tag)).await?;
    if conditional.status.as_u16() != 304 {
        return Err(Trouble::new(Kind::ConditionsStripped, seen(&conditional, " where `If-None-Match` wants 304")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::one_letter_encoded;

    #[test]
    fn one_letter_is_encoded_and_none_that_is_already() {
        assert_eq!(one_letter_encoded("/dav/alice/").as_deref(), Some("/dav/alic%65/"));
        assert_eq!(one_letter_encoded("/dav/a%4d/"), None);
        assert_eq!(one_letter_encoded("/dav/7/"), None);
    }
}
