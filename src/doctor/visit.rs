//! Asking: one request sent as a client sends it, redirects followed as clients follow them, and what came back judged as
//! far as it can be without knowing what was asked for.

use super::place::{Place, Scheme, plain, same_path};
use super::problem::{Kind, Trouble};
use super::trust::TlsFault;
use super::wire::{Answer, Framing, Sent, Unreached, Wire, set};
use crate::router::{NO_CREDENTIALS, WRONG_CREDENTIALS};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use webdav::client::{Answered, Spelling, is_error, multistatus};

/// Redirects followed one after the other.
const REDIRECTS_MAX: usize = 5;
/// `User-Agent` of what no client sends.
pub const OWN_AGENT: &str = concat!("shoji-doctor/", env!("CARGO_PKG_VERSION"));

/// Who sends a request, and how.
#[derive(Clone, Debug)]
pub struct Sender {
    /// `User-Agent`
    pub agent: &'static str,
    /// `Accept-Encoding`; empty: the header is left out.
    pub encodings: &'static str,
    /// How bodies are written.
    pub spelling: Spelling,
    /// `Authorization`; never sent to another server than that of the examined address.
    pub credentials: Option<HeaderValue>,
}

/// The doctor's own requests, of no client in particular.
pub fn own(credentials: Option<HeaderValue>) -> Sender {
    let spelling = Spelling { dav: "D", caldav: "C", calendar_server: "CS", apple: "A" };
    Sender { agent: OWN_AGENT, encodings: "identity", spelling, credentials }
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// Method.
    pub method: &'static str,
    /// Where.
    pub place: Place,
    /// `Depth`; empty: left out.
    pub depth: &'static str,
    /// Body; XML unless `headers` say otherwise.
    pub body: Bytes,
    /// Headers of this request alone.
    pub headers: Vec<(&'static str, String)>,
    /// Form of the body.
    pub framing: Framing,
}

impl Request {
    /// A request without a body.
    pub fn new(method: &'static str, place: &Place) -> Self {
        Self { method, place: place.clone(), depth: "", body: Bytes::new(), headers: Vec::new(), framing: Framing::Sized }
    }
    /// PROPFIND.
    pub fn propfind(place: &Place, depth: &'static str, body: String) -> Self {
        Self { depth, ..Self::new("PROPFIND", place) }.with_body(body)
    }
    /// REPORT.
    pub fn report(place: &Place, depth: &'static str, body: String) -> Self {
        Self { depth, ..Self::new("REPORT", place) }.with_body(body)
    }
    /// The same with a body.
    pub fn with_body(self, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self }
    }
    /// The same with a header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// As it goes over the wire.
    pub fn sent_by(&self, sender: &Sender) -> Sent {
        let mut headers = HeaderMap::new();
        set(&mut headers, "user-agent", sender.agent);
        set(&mut headers, "accept", "*/*");
        for (name, value) in [("accept-encoding", sender.encodings), ("depth", self.depth)] {
            if !value.is_empty() {
                set(&mut headers, name, value);
            }
        }
        if !self.body.is_empty() {
            set(&mut headers, "content-type", "application/xml; charset=utf-8");
        }
        for (name, value) in &self.headers {
            set(&mut headers, name, value);
        }
        if let Some(credentials) = &sender.credentials {
            headers.insert(header::AUTHORIZATION, credentials.clone());
        }
        // Every method in the table is a token; GET stands for what could not be.
        let method = Method::from_bytes(self.method.as_bytes()).unwrap_or(Method::GET);
        Sent { method, place: self.place.clone(), headers, body: self.body.clone(), framing: self.framing }
    }
}

/// What was asked and what came back, for people.
pub fn seen(method: &str, answer: &Answer) -> String {
    format!("{method} {} answers {}{}", answer.place, answer.status.as_u16(), signature(answer))
}

/// Who says that he answered.
pub fn signature(answer: &Answer) -> String {
    match answer.header("server") {
        "" => String::new(),
        server => format!(" (Server: {})", server.chars().take(40).collect::<String>()),
    }
}

/// Sends one request, redirects not followed.
///
/// # Errors
/// Nothing came back.
pub async fn send(wire: &mut Wire, sender: &Sender, request: &Request) -> Result<Answer, Trouble> {
    let sent = request.sent_by(sender);
    wire.send(&sent).await.map_err(|unreached| trouble(&unreached, request.method, &request.place))
}

/// Why nothing came back, as a problem.
pub fn trouble(unreached: &Unreached, method: &str, place: &Place) -> Trouble {
    let (kind, words) = match unreached {
        Unreached::NoAddress(words) | Unreached::NoConnection(words) => (Kind::NoAnswer, words.as_str()),
        Unreached::Late => (Kind::NoAnswer, "no answer in time"),
        Unreached::Cut(words) => (Kind::AnswerCut, words.as_str()),
        Unreached::Unspeakable => (Kind::ServerLacks, "the link has characters that no path may have"),
        Unreached::Tls(fault) => match fault {
            TlsFault::Expired => (Kind::CertificateExpired, "its time is over"),
            TlsFault::NotYetValid => (Kind::CertificateNotYetValid, "its time has not come"),
            TlsFault::WrongName => (Kind::CertificateName, "it does not name this host"),
            TlsFault::Untrusted => (Kind::CertificateUntrusted, "no known authority stands behind it"),
            TlsFault::Broken(words) => (Kind::TlsBroken, words.as_str()),
        },
    };
    match kind {
        Kind::NoAnswer | Kind::AnswerCut | Kind::ServerLacks => Trouble::new(kind, format!("{method} {place}: {words}")),
        _ => Trouble::new(kind, format!("{}: {words}", place.authority())),
    }
}

/// Where a redirect leads, if a client would go there.
///
/// # Errors
/// It would not, or should not have to.
pub fn target(method: &str, answer: &Answer) -> Result<Place, Trouble> {
    let location = answer.header("location");
    let words = format!("{method} {} answers {} with `Location: {location}`", answer.place, answer.status.as_u16());
    let from = &answer.place;
    let to = match from.resolve(location) {
        Ok(to) if !location.is_empty() => to,
        _ => return Err(Trouble::new(Kind::RedirectBroken, words)),
    };
    let kind = match (from.scheme, to.scheme) {
        (Scheme::Https, Scheme::Http) => Kind::RedirectToHttp,
        (Scheme::Http, Scheme::Https) if from.host == to.host => Kind::TypeHttps,
        _ if from.host != to.host => Kind::RedirectElsewhere,
        _ if from.port != to.port => Kind::RedirectLosesPort,
        _ => return Ok(to),
    };
    Err(Trouble::new(kind, words))
}

/// Whether a status sends the client elsewhere.
pub fn redirects(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Sends a request, follows redirects, and judges what every client would stumble over.
///
/// # Errors
/// With the problem met.
pub async fn ask(wire: &mut Wire, sender: &Sender, request: &Request) -> Result<Answer, Trouble> {
    let mut request = request.clone();
    for _ in 0..=REDIRECTS_MAX {
        let answer = send(wire, sender, &request).await?;
        if !redirects(answer.status) {
            return judged(wire, sender, &request, answer).await;
        }
        request.place = target(request.method, &answer)?;
    }
    Err(Trouble::new(Kind::RedirectBroken, format!("{} {} is redirected again and again", request.method, request.place)))
}

async fn judged(wire: &mut Wire, sender: &Sender, request: &Request, answer: Answer) -> Result<Answer, Trouble> {
    let from_dav = is_error(&answer.body);
    let method = request.method;
    let kind = match answer.status.as_u16() {
        401 if sender.credentials.is_some() => return Err(refusal(method, &answer)),
        403 | 406 if !from_dav && refused_by_name(wire, sender, request, answer.status).await => {
            let words = format!("as `{}`, {}", sender.agent, seen(method, &answer));
            return Err(Trouble::new(Kind::AgentRefused, words));
        }
        // Without a path: one method refused everywhere is one thing to tell.
        400 | 403 | 405 | 501 if !from_dav => {
            let words = format!("{method} answers {}{}", answer.status.as_u16(), signature(&answer));
            return Err(Trouble::new(Kind::MethodRefused, words));
        }
        429 => Kind::TooManyRequests,
        502..=504 => Kind::ServerSilent,
        _ => return Ok(answer),
    };
    Err(Trouble::new(kind, seen(method, &answer)))
}

/// 401 although a password was sent.
fn refusal(method: &str, answer: &Answer) -> Trouble {
    let body = answer.body.as_ref();
    let (kind, words) = if body == NO_CREDENTIALS.as_bytes() {
        (Kind::AuthorizationStripped, "the server says that it got none")
    } else if body == WRONG_CREDENTIALS.as_bytes() {
        (Kind::SignInRefused, "the server says that they are wrong")
    } else {
        (Kind::SignInRefused, "with name and password")
    };
    Trouble::new(kind, format!("{}: {words}", seen(method, answer)))
}

/// Whether a request that is refused passes when no client's name stands in it. Only for methods that change nothing.
async fn refused_by_name(wire: &mut Wire, sender: &Sender, request: &Request, status: StatusCode) -> bool {
    if sender.agent == OWN_AGENT || !matches!(request.method, "PROPFIND" | "REPORT" | "OPTIONS" | "GET" | "HEAD") {
        return false;
    }
    let nameless = Sender { agent: OWN_AGENT, ..sender.clone() };
    send(wire, &nameless, request).await.is_ok_and(|answer| answer.status != status)
}

/// A multistatus and where it came from.
#[derive(Clone, Debug)]
pub struct Listed {
    /// After redirects.
    pub place: Place,
    /// Its responses.
    pub responses: Vec<Answered>,
}

/// Asks for a multistatus.
///
/// # Errors
/// With the problem met; what is not there at all is [`Kind::NotCalDav`].
pub async fn list(wire: &mut Wire, sender: &Sender, request: &Request) -> Result<Listed, Trouble> {
    let mut answer = ask(wire, sender, request).await?;
    if encoded(&answer) {
        // A client unpacks it; here the same is asked for unpacked.
        let identity = Sender { encodings: "identity", ..sender.clone() };
        answer = ask(wire, &identity, &Request { place: answer.place.clone(), ..request.clone() }).await?;
        if encoded(&answer) {
            let words = format!("{} though identity is asked for", seen(request.method, &answer));
            return Err(Trouble::new(Kind::EncodingForced, words));
        }
    }
    let words = || seen(request.method, &answer);
    match answer.status.as_u16() {
        207 => {}
        404 | 410 => return Err(Trouble::new(Kind::NotCalDav, words())),
        200 if answer.header("content-type").contains("html") => return Err(Trouble::new(page(&answer), words())),
        401 => return Err(Trouble::new(Kind::SignInRefused, words())),
        200..=299 => return Err(Trouble::new(Kind::AnswerUnreadable, words())),
        _ => return Err(Trouble::new(Kind::Unexpected, words())),
    }
    let responses = multistatus(&answer.body)
        .map_err(|_| Trouble::new(Kind::AnswerUnreadable, format!("{} with a body that is no multistatus", words())))?;
    own_href(request, &answer, &responses)?;
    Ok(Listed { place: answer.place, responses })
}

/// Whether a body is packed.
pub fn encoded(answer: &Answer) -> bool {
    !matches!(answer.header("content-encoding"), "" | "identity")
}

/// What a page for browsers is.
pub fn page(answer: &Answer) -> Kind {
    let text = String::from_utf8_lossy(&answer.body).to_ascii_lowercase();
    if text.contains("type=\"password\"") || text.contains("type='password'") { Kind::LoginPage } else { Kind::NotCalDav }
}

/// The name under which the server answers must be the one it was asked by.
fn own_href(request: &Request, answer: &Answer, responses: &[Answered]) -> Result<(), Trouble> {
    let Some(first) = responses.first().filter(|_| request.method == "PROPFIND" && request.depth == "0") else { return Ok(()) };
    let asked = &answer.place;
    let named = asked.resolve(&first.href).map_err(|_| Trouble::new(Kind::ServerLacks, format!("a link `{}`", first.href)))?;
    if !named.same_origin(asked) {
        return Err(Trouble::new(Kind::LinkElsewhere, format!("PROPFIND {asked} is answered for {named}")));
    }
    let (ours, theirs) = (plain(&asked.path), plain(&named.path));
    if !same_path(&asked.path, &named.path) && (ours.ends_with(&theirs) || theirs.ends_with(&ours)) {
        return Err(Trouble::new(Kind::BasePath, format!("PROPFIND {} is answered for {}", asked.path, named.path)));
    }
    Ok(())
}

/// Where a link in an answer leads.
///
/// # Errors
/// To another server, or nowhere.
pub fn link(from: &Place, href: &str) -> Result<Place, Trouble> {
    let to = from.resolve(href).map_err(|_| Trouble::new(Kind::ServerLacks, format!("a link `{href}`")))?;
    if to.same_origin(from) { Ok(to) } else { Err(Trouble::new(Kind::LinkElsewhere, format!("an answer of {from} links to {to}"))) }
}
