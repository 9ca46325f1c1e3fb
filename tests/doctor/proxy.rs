//! A reverse proxy before the real server, over TLS, that does what proxies do wrong.

use crate::harness::Shoji;
use bytes::Bytes;
use chrono::Datelike;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, pem::PemObject};

/// What it does to a request: nothing (`None`), or answers in the server's place.
pub type Before = fn(&mut Parts) -> Option<Response<Bytes>>;
/// What it does to an answer; of the request, the head is there.
pub type After = fn(&Parts, &mut Response<Bytes>);

/// An answer of the proxy's own.
pub fn page(status: u16, headers: &[(&'static str, &str)], body: &'static str) -> Option<Response<Bytes>> {
    let mut response = Response::new(Bytes::from_static(body.as_bytes()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        response.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
    }
    Some(response)
}

/// Marks an answer that never comes.
#[derive(Clone, Copy)]
pub struct Silence;
/// Marks an answer that breaks off.
#[derive(Clone, Copy)]
pub struct Cut;

/// A body that ends before its length does, if it is cut.
pub struct Content {
    bytes: Option<Bytes>,
    cut: bool,
}

impl Body for Content {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        match self.bytes.take() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None if self.cut => Poll::Ready(Some(Err(std::io::ErrorKind::BrokenPipe.into()))),
            None => Poll::Ready(None),
        }
    }
}

/// The certificate it shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    Good,
    Expired,
    NotYetValid,
    EndsSoon,
    OtherName,
    /// None: it speaks in clear.
    Absent,
}

/// One that runs until it is dropped.
pub struct Proxy {
    pub address: SocketAddr,
    /// PEM file of the authority to trust.
    pub ca: PathBuf,
    _runtime: tokio::runtime::Runtime,
}

impl Proxy {
    pub fn start(shoji: &Shoji, server: SocketAddr, certificate: Certificate, before: Before, after: After) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let name = format!("proxy-{}", address.port());
        let (ca, tls) = identity(shoji, &name, certificate);
        runtime.spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                tokio::spawn(connection(stream, tls.clone(), server, before, after));
            }
        });
        Self { address, ca, _runtime: runtime }
    }
}

fn identity(shoji: &Shoji, name: &str, certificate: Certificate) -> (PathBuf, Option<TlsAcceptor>) {
    let host = if certificate == Certificate::OtherName { "elsewhere.test" } else { "127.0.0.1" };
    let mut parameters = rcgen::CertificateParams::new(vec![host.to_owned()]).unwrap();
    match certificate {
        Certificate::Expired => {
            (parameters.not_before, parameters.not_after) = (rcgen::date_time_ymd(2020, 1, 1), rcgen::date_time_ymd(2021, 1, 1))
        }
        Certificate::EndsSoon => {
            let end = chrono::Utc::now() + chrono::TimeDelta::days(5);
            let part = |part: u32| u8::try_from(part).unwrap();
            parameters.not_after = rcgen::date_time_ymd(end.year(), part(end.month()), part(end.day()));
        }
        Certificate::NotYetValid => parameters.not_before = rcgen::date_time_ymd(3000, 1, 1),
        _ => {}
    }
    let key = rcgen::KeyPair::generate().unwrap();
    let made = parameters.self_signed(&key).unwrap();
    let ca = shoji.file(&format!("{name}.pem"), &made.pem());
    if certificate == Certificate::Absent {
        return (ca, None);
    }
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![made.der().clone()], key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    (ca, Some(TlsAcceptor::from(Arc::new(config))))
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, server: SocketAddr, before: Before, after: After) {
    let service = service_fn(move |request| async move { Ok::<_, std::convert::Infallible>(answer(request, server, before, after).await) });
    // A connection that ends early is the doctor's to notice.
    match tls {
        None => drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await),
        Some(tls) => {
            let Ok(stream) = tls.accept(stream).await else { return };
            if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                drop(hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await);
            } else {
                drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
            }
        }
    }
}

async fn answer(request: Request<Incoming>, server: SocketAddr, before: Before, after: After) -> Response<Content> {
    let (mut parts, body) = request.into_parts();
    // Over HTTP/2 the host stands in the request's own line.
    if let Some(authority) = parts.uri.authority() {
        let value = HeaderValue::from_str(authority.as_str()).unwrap();
        parts.headers.entry("host").or_insert(value);
    }
    parts.uri = parts.uri.path_and_query().unwrap().as_str().parse().unwrap();
    let mut response = match before(&mut parts) {
        Some(response) => response,
        None => forward(&parts, body, server).await,
    };
    after(&parts, &mut response);
    if response.extensions().get::<Silence>().is_some() {
        std::future::pending::<()>().await;
    }
    let cut = response.extensions().get::<Cut>().is_some();
    if cut {
        response.headers_mut().insert("content-length", HeaderValue::from(1_000_000));
    }
    response.map(|bytes| Content { bytes: Some(bytes), cut })
}

async fn forward(parts: &Parts, body: Incoming, server: SocketAddr) -> Response<Bytes> {
    let body = body.collect().await.unwrap().to_bytes();
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = parts.uri.clone();
    let hop = ["transfer-encoding", "content-length", "expect", "connection"];
    let headers: HeaderMap =
        parts.headers.iter().filter(|(name, _)| !hop.contains(&name.as_str())).map(|(n, v)| (n.clone(), v.clone())).collect();
    *request.headers_mut() = headers;
    let stream = TcpStream::connect(server).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let (mut parts, body) = sender.send_request(request).await.unwrap().into_parts();
    parts.version = Version::default();
    let body = body.collect().await.unwrap().to_bytes();
    // The length is told anew: what comes after may change the body.
    if parts.headers.get("content-length").is_some_and(|length| length != "0") && !body.is_empty() {
        parts.headers.remove("content-length");
    }
    Response::from_parts(parts, body)
}
