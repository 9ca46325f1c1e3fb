//! Requests over sockets, with every header in the caller's hand: no pool, no redirects, no decompression, nothing added but
//! `Host` and the length. One connection is kept while it goes to the same server.
//!
//! hyper's connections and rustls are what the server is made of already; a ready-made client would follow redirects, mend
//! answers and hide the very things that are looked for.

use super::place::{Place, Scheme};
use super::trust::{TlsFault, Trust, fault};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Version, header};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

/// Connecting to one address, TLS included.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// From a request to the end of its answer, as a rule.
pub const ANSWER_MAX: Duration = Duration::from_secs(30);
/// What is always waited.
const ANSWER_MIN: Duration = Duration::from_secs(1);
/// Bytes of an answer's body; more is cut off, which no answer to these requests needs.
const BODY_BYTES_MAX: usize = 16 << 20;

/// How a body's length is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// By `Content-Length`.
    Sized,
    /// By chunks (RFC 9112 §7.1).
    Chunked,
}

/// A request to send as it is.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Method.
    pub method: Method,
    /// Where to.
    pub place: Place,
    /// All but `Host` and what tells the length.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
    /// Form of the body.
    pub framing: Framing,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status code.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, as it was sent.
    pub body: Bytes,
    /// Where it came from.
    pub place: Place,
    /// Protocol.
    pub version: Version,
}

impl Answer {
    /// A header's text; empty where it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Why nothing came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreached {
    /// The host has no address.
    NoAddress(String),
    /// Nothing accepts connections there.
    NoConnection(String),
    /// TLS failed.
    Tls(TlsFault),
    /// No answer in time.
    Late,
    /// The connection ended within the answer, or the answer was no HTTP.
    Cut(String),
    /// The path has characters that no request can bear.
    Unspeakable,
}

/// A body that is sent in pieces.
#[derive(Debug)]
struct Pieces {
    pieces: VecDeque<Bytes>,
    left: u64,
    framing: Framing,
}

impl Pieces {
    fn new(body: &Bytes, framing: Framing) -> Self {
        let half = body.len() / 2;
        let pieces = match framing {
            Framing::Chunked if half > 0 => [body.slice(..half), body.slice(half..)].into(),
            _ if body.is_empty() => VecDeque::new(),
            _ => [body.clone()].into(),
        };
        Self { pieces, left: body.len() as u64, framing }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.pieces.pop_front();
        self.left = self.left.saturating_sub(piece.as_ref().map_or(0, Bytes::len) as u64);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }
    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }
    fn size_hint(&self) -> SizeHint {
        match self.framing {
            Framing::Sized => SizeHint::with_exact(self.left),
            Framing::Chunked => SizeHint::default(),
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A way to servers.
#[derive(Debug)]
pub struct Wire {
    trust: Trust,
    answer_max: Duration,
    kept: Option<(Place, http1::SendRequest<Pieces>)>,
}

/// Addresses of a host.
///
/// # Errors
/// It has none.
pub async fn addresses(place: &Place) -> Result<Vec<SocketAddr>, Unreached> {
    let found = tokio::time::timeout(CONNECT_MAX, tokio::net::lookup_host((place.host.as_str(), place.port))).await;
    let found: Vec<SocketAddr> = found
        .map_err(|_| Unreached::NoAddress("the name server does not answer".to_owned()))?
        .map_err(|_| Unreached::NoAddress(format!("there is no host named {}", place.host)))?
        .collect();
    if found.is_empty() { Err(Unreached::NoAddress(format!("{} has no address", place.host))) } else { Ok(found) }
}

/// Opens a connection to one address.
///
/// # Errors
/// Nothing listens, or nothing answers in time.
pub async fn dial(address: SocketAddr) -> std::io::Result<TcpStream> {
    let late = |_| std::io::Error::from(std::io::ErrorKind::TimedOut);
    tokio::time::timeout(CONNECT_MAX, TcpStream::connect(address)).await.map_err(late)?
}

impl Wire {
    /// One that trusts these authorities, and waits so long from a request to the end of its answer.
    pub fn new(trust: Trust, answer_max: Duration) -> Self {
        Self { trust, answer_max, kept: None }
    }

    async fn connect(&self, place: &Place) -> Result<TcpStream, Unreached> {
        let mut why = String::new();
        for address in addresses(place).await? {
            match dial(address).await {
                Ok(stream) => {
                    // Small requests leave at once; the option failing only costs time.
                    drop(stream.set_nodelay(true));
                    return Ok(stream);
                }
                Err(error) => why = format!("{address}: {}", words(&error)),
            }
        }
        Err(Unreached::NoConnection(why))
    }

    async fn secure(&self, place: &Place, protocols: &[&str]) -> Result<TlsStream<TcpStream>, Unreached> {
        let name = server_name(place)?;
        let stream = self.connect(place).await?;
        let handshake = TlsConnector::from(self.trust.client(protocols)).connect(name, stream);
        let done = tokio::time::timeout(CONNECT_MAX, handshake).await.map_err(|_| Unreached::Late)?;
        done.map_err(|error| Unreached::Tls(fault(&error)))
    }

    /// Whether the certificate ends within two weeks.
    ///
    /// # Errors
    /// No connection, or one that is not trusted.
    pub async fn certificate_ends_soon(&self, place: &Place) -> Result<bool, Unreached> {
        let stream = self.secure(place, &["http/1.1"]).await?;
        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
        Ok(self.trust.ends_soon(chain, &server_name(place)?))
    }

    /// Sends over HTTP/1.1. Each answer that did not come in time halves the time the next ones get: a server that answers
    /// nothing does not hold up the examination for hours.
    ///
    /// # Errors
    /// With what came instead of an answer.
    pub async fn send(&mut self, sent: &Sent) -> Result<Answer, Unreached> {
        let answered = self.send_once(sent).await;
        if matches!(answered, Err(Unreached::Late)) {
            self.answer_max = (self.answer_max / 2).max(ANSWER_MIN);
            self.kept = None;
        }
        answered
    }

    async fn send_once(&mut self, sent: &Sent) -> Result<Answer, Unreached> {
        let kept = self.kept.take().filter(|(place, sender)| place.same_origin(&sent.place) && sender.is_ready());
        if let Some((_, mut sender)) = kept {
            match over(&mut sender, sent, self.answer_max).await {
                // The server may have closed what was kept open: that is no answer to this request.
                Err(Unreached::Cut(_)) => {}
                answered => {
                    self.kept = Some((sent.place.clone(), sender));
                    return answered;
                }
            }
        }
        let stream: Box<dyn Stream> = match sent.place.scheme {
            Scheme::Http => Box::new(self.connect(&sent.place).await?),
            Scheme::Https => Box::new(self.secure(&sent.place, &["http/1.1"]).await?),
        };
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| Unreached::Cut(cause(&error)))?;
        // It ends when the sender is dropped; its error is told with the answer that is missing.
        tokio::spawn(connection);
        let answered = over(&mut sender, sent, self.answer_max).await;
        self.kept = Some((sent.place.clone(), sender));
        answered
    }

    /// Sends over HTTP/2; `None` where the server does not offer it.
    ///
    /// # Errors
    /// As [`Wire::send`].
    pub async fn send_over_http2(&self, sent: &Sent) -> Result<Option<Answer>, Unreached> {
        let stream = self.secure(&sent.place, &["h2", "http/1.1"]).await?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Ok(None);
        }
        let opened = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
        let (mut sender, connection) = opened.map_err(|error| Unreached::Cut(cause(&error)))?;
        tokio::spawn(connection);
        let uri = sent.place.to_string();
        let exchange = async {
            let request = request(sent, &uri)?;
            let response = sender.send_request(request).await.map_err(|error| Unreached::Cut(cause(&error)))?;
            read(response, &sent.place).await
        };
        tokio::time::timeout(self.answer_max, exchange).await.unwrap_or(Err(Unreached::Late)).map(Some)
    }
}

fn server_name(place: &Place) -> Result<ServerName<'static>, Unreached> {
    ServerName::try_from(place.host.clone()).map_err(|_| Unreached::NoAddress(format!("{} is no name of a host", place.host)))
}

fn request(sent: &Sent, uri: &str) -> Result<Request<Pieces>, Unreached> {
    let mut request = Request::new(Pieces::new(&sent.body, sent.framing));
    *request.method_mut() = sent.method.clone();
    *request.uri_mut() = uri.parse().map_err(|_| Unreached::Unspeakable)?;
    *request.headers_mut() = sent.headers.clone();
    Ok(request)
}

async fn over(sender: &mut http1::SendRequest<Pieces>, sent: &Sent, answer_max: Duration) -> Result<Answer, Unreached> {
    let exchange = async {
        let mut request = request(sent, &sent.place.path)?;
        let host = HeaderValue::from_str(&sent.place.authority()).map_err(|_| Unreached::Unspeakable)?;
        request.headers_mut().insert(header::HOST, host);
        let response = sender.send_request(request).await.map_err(|error| Unreached::Cut(cause(&error)))?;
        read(response, &sent.place).await
    };
    tokio::time::timeout(answer_max, exchange).await.unwrap_or(Err(Unreached::Late))
}

async fn read(response: http::Response<Incoming>, place: &Place) -> Result<Answer, Unreached> {
    let (parts, mut body) = response.into_parts();
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Unreached::Cut(cause(&error)))?;
        if let Ok(data) = frame.into_data() {
            if bytes.len() + data.len() > BODY_BYTES_MAX {
                break;
            }
            bytes.extend_from_slice(&data);
        }
    }
    Ok(Answer { status: parts.status, headers: parts.headers, body: bytes.freeze(), place: place.clone(), version: parts.version })
}

/// A kind of failure, never bytes of the answer.
fn cause(error: &hyper::Error) -> String {
    let kind = if error.is_parse() {
        "the answer is not HTTP"
    } else if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        "the connection ended before the answer did"
    } else {
        "the answer broke off"
    };
    kind.to_owned()
}

fn words(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => "nothing listens there",
        std::io::ErrorKind::TimedOut => "no answer in time",
        std::io::ErrorKind::NetworkUnreachable | std::io::ErrorKind::HostUnreachable => "no way leads there from this machine",
        _ => "no connection",
    }
}

/// A header from text that is known to be fine; nothing is added where it is not.
pub fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(HeaderName::from_static(name), value);
    }
}
