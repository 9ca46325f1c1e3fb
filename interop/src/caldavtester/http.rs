//! The scripts' client: one connection for each request, any method, headers as given, no redirect followed, nothing retried.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use std::time::Duration;

/// One answer, from connecting to its last byte.
const SECONDS_MAX: u64 = 60;

/// Where requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Address {
    /// Host and port of `http://host:port/`.
    ///
    /// # Errors
    /// It is no such URL; in words.
    pub(crate) fn of(url: &str) -> Result<Self, String> {
        let uri: http::Uri = url.parse().map_err(|error| format!("{url} is no URL: {error}"))?;
        match (uri.scheme_str(), uri.host()) {
            (Some("http"), Some(host)) => Ok(Self { host: host.to_owned(), port: uri.port_u16().unwrap_or(80) }),
            (Some("https"), _) => Err(format!("{url}: only http is spoken, put the server's own port here")),
            _ => Err(format!("{url} is not of the form http://host:port")),
        }
    }
    /// As a URL without a path.
    pub(crate) fn url(&self) -> String {
        format!("http://{}:{}", self.host, self.port)
    }
}

/// A request as it goes out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// Whether there is a body at all.
    pub(crate) has_body: bool,
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    /// All values of a header.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect()
    }
}

/// Sends requests and waits for answers.
#[derive(Debug)]
pub(crate) struct Client {
    runtime: tokio::runtime::Runtime,
}

impl Client {
    /// # Errors
    /// The machine gives no sockets or timers.
    pub(crate) fn new() -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
        Ok(Self { runtime })
    }

    /// Sends a request.
    ///
    /// # Errors
    /// There is no answer, or it is not HTTP; in words.
    pub(crate) fn send(&self, address: &Address, sent: &Sent) -> Result<Answer, String> {
        let request = request(address, sent)?;
        self.runtime.block_on(async {
            match tokio::time::timeout(Duration::from_secs(SECONDS_MAX), exchange(address, request)).await {
                Ok(answer) => answer.map_err(|words| format!("no answer: {words}")),
                Err(_) => Err(format!("no answer within {SECONDS_MAX} seconds")),
            }
        })
    }
}

fn request(address: &Address, sent: &Sent) -> Result<http::Request<Full<Bytes>>, String> {
    let mut request = http::Request::builder()
        .method(sent.method.as_str())
        .uri(sent.target.as_str())
        .header("Host", format!("{}:{}", address.host, address.port));
    for (name, value) in &sent.headers {
        // Header text goes out as the bytes it is.
        let value = http::HeaderValue::from_bytes(value.as_bytes()).map_err(|_| format!("the header {name} cannot be sent"))?;
        request = request.header(name.as_str(), value);
    }
    let body = Full::new(Bytes::from(sent.body.clone()));
    request.body(body).map_err(|error| format!("{} {} cannot be sent: {error}", sent.method, sent.target))
}

async fn exchange(address: &Address, request: http::Request<Full<Bytes>>) -> Result<Answer, String> {
    let stream = tokio::net::TcpStream::connect((address.host.as_str(), address.port)).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let connection = tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
    let (head, body) = answer.into_parts();
    let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
    drop(sender);
    connection.abort();
    let headers =
        head.headers.iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect();
    Ok(Answer { status: head.status.as_u16(), headers, body: String::from_utf8_lossy(&body).into_owned() })
}
