//! What stands before the protocol: fixed answers, sign-in, turns, the bounded body; then what is at hand, else the blocking pool.
//! Links, which need no sign-in, go a way of their own.

pub mod at_hand;
mod body;
mod line;
mod link;

pub use body::{Answers, Chunks};
pub use line::Line;

use crate::api;
use crate::authenticate::{Authenticator, SignIn};
use crate::limits::Limits;
use crate::telemetry;
use crate::turns::{Delivery, Turns};
use acl::PrincipalId;
use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use ipnet::IpNet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use storage::{ClientName, Health, Store};
use webdav::{ResourceKind, Site};

/// What a 401 says to a request without credentials. Whoever sent some knows by this that they did not arrive.
pub const NO_CREDENTIALS: &str = "sign in with user name and password\n";
/// What a 401 says to a request with credentials, wrong in whatever way.
pub const WRONG_CREDENTIALS: &str = "user name or password is wrong\n";

/// When to ask again while the store is brought back.
const UNAVAILABLE_SECONDS: u64 = 30;

/// The type of the answers that are made here.
const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

/// All that requests share.
#[derive(Debug)]
pub struct Router {
    /// The store behind the doors.
    pub store: Arc<Store>,
    /// Sign-in.
    pub authenticator: Authenticator,
    /// How the site is reached.
    pub site: Site,
    /// Bounds.
    pub limits: Limits,
    /// Whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Turns of signed-in requests.
    pub turns: Turns<PrincipalId>,
    /// Turns of what reads on the blocking pool: beside whom more work than there are processors, each only takes longer, and so
    /// does whoever is answered at once.
    pub reading: Turns<PrincipalId>,
    /// Turns of requests to links, by address.
    pub link_turns: Turns<IpAddr>,
    /// Where short writes of one object are answered.
    pub line: Arc<Line>,
}

/// What the log says of a request besides its status.
struct Told {
    kind: &'static str,
    user: Arc<str>,
}

/// Why a body was not read to its end.
enum Unread {
    TooLarge,
    Broken,
    Late,
}

/// Reads what nobody wants while its answer is on its way: most clients write a whole body before they read the answer.
/// Closing on them would destroy it, and the next request would meet a closed connection. Bounded; a body that goes on is
/// closed on.
async fn discard(mut body: Incoming, limits: Limits) {
    let mut left = limits.unread_body_bytes_max;
    let read = async {
        while let Some(Ok(frame)) = body.frame().await {
            match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
                Some(less) => left = less,
                None => return,
            }
        }
    };
    // Late or read: it is over either way.
    drop(tokio::time::timeout(Duration::from_secs(limits.body_seconds), read).await);
}

impl Router {
    /// Answers one request of a connection from `peer`.
    pub async fn answer(self: Arc<Self>, request: Request<Incoming>, peer: IpAddr) -> Response<Chunks> {
        let started = Instant::now();
        let method = known_method(request.method());
        let head = request.method() == Method::HEAD;
        let mut told = Told { kind: "nothing", user: Arc::from("-") };
        let (parts, body) = request.into_parts();
        let (version, waits) = (parts.version, parts.headers.contains_key(header::EXPECT));
        let mut body = Some(body);
        let is_api = api::is_api(self.below_base(parts.uri.path()));
        let mut response = self.route(parts, &mut body, peer, &mut told).await;
        if is_api && response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == PLAIN_TEXT) {
            response = api::refusal(&response, &self.site.base_path).map(Chunks::new);
        }
        if let Some(unread) = body.filter(|body| !body.is_end_stream()) {
            let too_large = unread.size_hint().lower() > self.limits.unread_body_bytes_max as u64;
            if version < Version::HTTP_2 && (waits || too_large) {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            // Whoever waits to be told to go on sends nothing more when he is told otherwise.
            if !waits {
                tokio::spawn(discard(unread, self.limits));
            }
        }
        if head {
            let length = response.body().size_hint().exact().unwrap_or_default();
            if length > 0 && !response.headers().contains_key(header::CONTENT_LENGTH) {
                response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
            }
            *response.body_mut() = Chunks::default();
        }
        telemetry::answered(&telemetry::Answered {
            method,
            kind: told.kind,
            status: response.status().as_u16(),
            elapsed: started.elapsed(),
            user: &told.user,
        });
        response
    }

    /// Takes the body when it reads it; what it leaves is for the caller to do away with.
    async fn route(&self, mut parts: Parts, body: &mut Option<Incoming>, peer: IpAddr, told: &mut Told) -> Response<Chunks> {
        let path = match parts.uri.path() {
            "*" | "" => "/".to_owned(),
            path => self.below_base(path).to_owned(),
        };
        match path.as_str() {
            "/.well-known/caldav" | "/.well-known/caldav/" => {
                told.kind = "well-known";
                return self.to_root();
            }
            // For people who look whether anything is there; programs know the names below it (RFC 8615).
            "/.well-known" | "/.well-known/" if matches!(parts.method, Method::GET | Method::HEAD) => {
                told.kind = "well-known";
                return text(StatusCode::OK, "caldav: this is a CalDAV server (RFC 6764)\n");
            }
            "/healthz" => {
                told.kind = "health";
                return text(StatusCode::OK, "ok\n");
            }
            "/readyz" => {
                told.kind = "health";
                return match self.store.health() {
                    Health::Well => text(StatusCode::OK, "ok\n"),
                    _ => retry_later(StatusCode::SERVICE_UNAVAILABLE, "no writes are taken at present\n", UNAVAILABLE_SECONDS),
                };
            }
            _ => {}
        }
        let address = self.client_address(peer, &parts.headers);
        if path.starts_with(webdav::link::PREFIX) {
            return self.answer_link(parts, path, address, told).await;
        }
        let principal = match self.viewer(&parts.headers, address, told).await {
            Ok(principal) => principal,
            Err(response) => return *response,
        };
        let Some(turn) = self.turns.take(principal).await else {
            return retry_later(StatusCode::SERVICE_UNAVAILABLE, "busy\n", 5);
        };
        let content = match self.read_body(body).await {
            Ok(content) => content,
            Err(response) => return *response,
        };
        // HTTP/2 has the host in the request line's place: the protocol looks for it in one place.
        if let (false, Some(authority)) = (parts.headers.contains_key(header::HOST), parts.uri.authority())
            && let Ok(value) = HeaderValue::from_str(authority.as_str())
        {
            parts.headers.insert(header::HOST, value);
        }
        parts.headers.remove(header::AUTHORIZATION);
        let door = self.store.door(principal).with_client(client_of(&parts.headers));
        let limits = self.limits.webdav();
        match at_hand::answer(&as_request(&parts, &path, &content), &door, &self.site, &limits) {
            Ok(Some(response)) => {
                told.kind = response.extensions().get::<ResourceKind>().copied().map_or("nothing", kind_word);
                return delivered(response, turn.into_delivery());
            }
            Ok(None) => {}
            Err(at_hand::Panicked) => return panicked(),
        }
        if line::takes(&as_request(&parts, &path, &content)) {
            return self.write(line::Asked { parts, path, content, door, turn, who: principal }, told).await;
        }
        let reading = match is_reading(&parts.method) {
            true => match self.reading.take(principal).await {
                Some(reading) => Some(reading),
                None => return retry_later(StatusCode::SERVICE_UNAVAILABLE, "busy\n", 5),
            },
            false => None,
        };
        let (site, json_bytes_max) = (self.site.clone(), self.limits.json_bytes_max);
        let store = self.store.clone();
        told.kind = if api::is_api(&path) { "api" } else { "nothing" };
        let answered = tokio::task::spawn_blocking(move || {
            let request = as_request(&parts, &path, &content);
            let response = if api::is_api(&path) {
                api::handle(&request, &door, &api::Context { site: &site, store: &store, json_bytes_max })
            } else {
                webdav::handle(&request, &door, &site, &limits)
            };
            drop(reading);
            (response, turn.into_delivery())
        })
        .await;
        match answered {
            Ok((response, delivery)) => {
                told.kind = response.extensions().get::<ResourceKind>().copied().map_or(told.kind, kind_word);
                delivered(response, delivery)
            }
            Err(_) => panicked(),
        }
    }

    /// Who asks.
    async fn viewer(&self, headers: &HeaderMap, address: IpAddr, told: &mut Told) -> Result<PrincipalId, Box<Response<Chunks>>> {
        let mut all = headers.get_all(header::AUTHORIZATION).iter();
        // Of two a proxy before us may have looked at the other: they are nobody's.
        let authorization = all.next().filter(|_| all.next().is_none());
        Err(Box::new(match self.authenticator.sign_in(&self.store, authorization, address).await {
            SignIn::Viewer { principal, name } => {
                told.user = name;
                return Ok(principal);
            }
            SignIn::Unauthorized if headers.contains_key(header::AUTHORIZATION) => unauthorized(WRONG_CREDENTIALS),
            SignIn::Unauthorized => unauthorized(NO_CREDENTIALS),
            SignIn::TooManyFailures { retry_after_seconds } => {
                retry_later(StatusCode::TOO_MANY_REQUESTS, "too many failed sign-ins\n", retry_after_seconds)
            }
            SignIn::Busy => retry_later(StatusCode::SERVICE_UNAVAILABLE, "busy\n", 5),
            SignIn::Failed(cause) => {
                tracing::error!(target: "shoji", cause, "sign-in could not read the store");
                retry_later(StatusCode::SERVICE_UNAVAILABLE, "the store is out of order\n", UNAVAILABLE_SECONDS)
            }
        }))
    }

    /// The path without `base_path`, which a reverse proxy may have taken off already.
    fn below_base<'p>(&self, path: &'p str) -> &'p str {
        match path.strip_prefix(self.site.base_path.as_str()) {
            Some("") => "/",
            Some(rest) if rest.starts_with('/') => rest,
            _ => path,
        }
    }

    fn to_root(&self) -> Response<Chunks> {
        let mut response = text(StatusCode::MOVED_PERMANENTLY, "CalDAV is at /dav/\n");
        if let Ok(location) = HeaderValue::from_str(&format!("{}/dav/", self.site.base_path)) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }

    /// Reads the body to its end. One that is too large is left to be thrown away; one that cannot be read is dropped.
    async fn read_body(&self, body: &mut Option<Incoming>) -> Result<Bytes, Box<Response<Chunks>>> {
        let limit = self.limits.body_bytes_max;
        let Some(incoming) = body.as_mut().filter(|incoming| !incoming.is_end_stream()) else { return Ok(Bytes::new()) };
        let read = async {
            if incoming.size_hint().lower() > limit as u64 {
                return Err(Unread::TooLarge);
            }
            let mut all = BytesMut::new();
            while let Some(frame) = incoming.frame().await {
                if let Ok(data) = frame.map_err(|_| Unread::Broken)?.into_data() {
                    if all.len() + data.len() > limit {
                        return Err(Unread::TooLarge);
                    }
                    all.extend_from_slice(&data);
                }
            }
            Ok(all.freeze())
        };
        let read = tokio::time::timeout(Duration::from_secs(self.limits.body_seconds), read).await;
        let (status, words) = match read.unwrap_or(Err(Unread::Late)) {
            Ok(content) => return Ok(content),
            Err(Unread::TooLarge) => (StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than this server takes\n"),
            Err(Unread::Broken) => (StatusCode::BAD_REQUEST, "the body could not be read\n"),
            Err(Unread::Late) => (StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time\n"),
        };
        if status != StatusCode::PAYLOAD_TOO_LARGE {
            *body = None;
        }
        Err(Box::new(text(status, words)))
    }

    /// The client's address: the peer's, or, behind trusted proxies, the last one in the chain that is not such a proxy.
    fn client_address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let trusted = |address: &IpAddr| self.trusted_proxies.iter().any(|network| network.contains(&address.to_canonical()));
        if !trusted(&peer) {
            return peer;
        }
        let forwarded = forwarded_chain(headers);
        forwarded.iter().rev().find(|address| !trusted(address)).copied().unwrap_or(peer)
    }
}

fn as_request<'r>(parts: &'r Parts, path: &'r str, content: &'r Bytes) -> webdav::Request<'r> {
    let query = parts.uri.query().unwrap_or_default();
    webdav::Request { method: &parts.method, path, query, headers: &parts.headers, body: content }
}

/// Addresses of `X-Forwarded-For`, or else of `Forwarded` (RFC 7239), from the client on. An unreadable element ends the
/// chain: what stands before it cannot be trusted.
///
/// Where both are, one is the proxy's and the other what the client made up and the proxy passed on: nginx, Apache, Caddy,
/// Traefik and HAProxy write the former unless told otherwise.
pub(crate) fn forwarded_chain(headers: &HeaderMap) -> Vec<IpAddr> {
    let mut values: Vec<Option<IpAddr>> = Vec::new();
    for value in headers.get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok()) {
        values.extend(value.split(',').map(|element| address_of(element.trim())));
    }
    if !headers.contains_key("x-forwarded-for") {
        let forwarded = headers.get_all("forwarded").iter().filter_map(|v| v.to_str().ok());
        for element in forwarded.flat_map(|value| value.split(',')) {
            let node = element.split(';').find_map(|pair| {
                let (name, value) = pair.split_once('=')?;
                name.trim().eq_ignore_ascii_case("for").then(|| value.trim().trim_matches('"'))
            });
            values.push(node.and_then(address_of));
        }
    }
    let mut chain: Vec<IpAddr> = values.into_iter().rev().map_while(|address| address).collect();
    chain.reverse();
    chain
}

fn address_of(node: &str) -> Option<IpAddr> {
    let node = node.trim_matches('"');
    if let Some(rest) = node.strip_prefix('[') {
        return rest.split(']').next()?.parse().ok();
    }
    node.parse().ok().or_else(|| node.split_once(':').and_then(|(address, _)| address.parse().ok()))
}

fn known_method(method: &Method) -> &'static str {
    const KNOWN: [&str; 16] = [
        "GET",
        "HEAD",
        "PUT",
        "DELETE",
        "OPTIONS",
        "POST",
        "PROPFIND",
        "PROPPATCH",
        "MKCOL",
        "MKCALENDAR",
        "COPY",
        "MOVE",
        "REPORT",
        "ACL",
        "LOCK",
        "UNLOCK",
    ];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("-")
}

/// Whether a method only reads: what writes waits for the disk, together with others.
fn is_reading(method: &Method) -> bool {
    matches!(method.as_str(), "GET" | "HEAD" | "OPTIONS" | "PROPFIND" | "REPORT")
}

fn kind_word(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::Root => "root",
        ResourceKind::Principal => "principal",
        ResourceKind::Home => "home",
        ResourceKind::FreeBusy => "free-busy",
        ResourceKind::Calendar => "calendar",
        ResourceKind::Object => "object",
        ResourceKind::Plain => "plain",
        ResourceKind::Nothing => "nothing",
    }
}

/// An answer of the protocol on its way; its cause, if it failed inside, goes to the log.
fn delivered(response: Response<webdav::Body>, delivery: Delivery) -> Response<Chunks> {
    if let Some(cause) = response.extensions().get::<webdav::Cause>() {
        tracing::error!(target: "shoji", cause = cause.0, "a request failed inside");
    }
    let unmeasured = response.extensions().get::<webdav::Unmeasured>().is_some();
    response.map(|chunks| {
        let body = Chunks::new(chunks).delivered_as(delivery);
        if unmeasured { body.without_length() } else { body }
    })
}

fn panicked() -> Response<Chunks> {
    tracing::error!(target: "shoji", "a request ended in a panic: this is a defect");
    text(StatusCode::INTERNAL_SERVER_ERROR, "internal error\n")
}

fn text(status: StatusCode, words: &'static str) -> Response<Chunks> {
    let mut response = Response::new(Chunks::new(vec![Bytes::from_static(words.as_bytes())]));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PLAIN_TEXT));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The program that sends a request, as it calls itself.
fn client_of(headers: &HeaderMap) -> ClientName {
    headers.get(header::USER_AGENT).map_or_else(ClientName::default, |value| ClientName::from_user_agent(value.as_bytes()))
}

fn unauthorized(words: &'static str) -> Response<Chunks> {
    let mut response = text(StatusCode::UNAUTHORIZED, words);
    let headers = response.headers_mut();
    headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"shoji\", charset=\"UTF-8\""));
    // Clients look for it before they ask anyone for a password; RFC 4918 §10.1 wants it in every answer to OPTIONS.
    headers.insert("dav", HeaderValue::from_static(webdav::DAV_CLASSES));
    response
}

fn retry_later(status: StatusCode, words: &'static str, seconds: u64) -> Response<Chunks> {
    let mut response = text(status, words);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn chain(name: &'static str, value: &'static str) -> Vec<String> {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        forwarded_chain(&headers).iter().map(IpAddr::to_string).collect()
    }

    #[test]
    fn forwarding_headers_are_read_from_the_client_on() {
        assert_eq!(chain("x-forwarded-for", "192.0.2.1, 198.51.100.2"), ["192.0.2.1", "198.51.100.2"]);
        assert_eq!(chain("x-forwarded-for", "192.0.2.1, nonsense, 198.51.100.2"), ["198.51.100.2"]);
        assert_eq!(chain("forwarded", "for=192.0.2.1;proto=https, for=\"[2001:db8::1]:4711\""), ["192.0.2.1", "2001:db8::1"]);
        assert_eq!(chain("forwarded", "for=_hidden, for=192.0.2.9:80"), ["192.0.2.9"]);
    }

    /// Behind nginx and Caddy a client chose the address that its failed sign-ins were counted for, by sending `Forwarded`:
    /// they pass that on and add a header of their own.
    #[test]
    fn a_header_of_the_client_s_own_does_not_stand_before_that_of_the_proxy() {
        let mut headers = HeaderMap::new();
        headers.insert("forwarded", HeaderValue::from_static("for=192.0.2.66"));
        headers.insert("x-forwarded-for", HeaderValue::from_static("198.51.100.2"));
        assert_eq!(forwarded_chain(&headers), ["198.51.100.2".parse::<IpAddr>().unwrap()]);
        headers.insert("x-forwarded-for", HeaderValue::from_static("unknown"));
        assert_eq!(forwarded_chain(&headers), Vec::<IpAddr>::new());
    }

    #[test]
    fn methods_of_the_network_never_reach_the_log() {
        assert_eq!(known_method(&Method::from_bytes(b"SECRET").unwrap()), "-");
        assert_eq!(known_method(&Method::GET), "GET");
    }
}
