//! Sockets: accepting, TLS, telling HTTP/1.1 from HTTP/2, timeouts, and an orderly end.

mod connections;

use crate::config::{Config, ConfigError, Tls};
use crate::limits::Limits;
use crate::router::{Answers, Router};
use crate::turns::Turns;
use anyhow::Context as _;
use connections::Connections;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What an HTTP/2 connection begins with (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A TLS identity that can be read anew while connections go on.
#[derive(Debug)]
pub struct Identity {
    files: Tls,
    current: RwLock<Arc<ServerConfig>>,
}

impl Identity {
    /// Reads certificate and key.
    ///
    /// # Errors
    /// Files that cannot be read or do not fit together.
    pub fn load(files: &Tls) -> Result<Option<Arc<Self>>, ConfigError> {
        match read_identity(files)? {
            None => Ok(None),
            Some(config) => Ok(Some(Arc::new(Self { files: files.clone(), current: RwLock::new(Arc::new(config)) }))),
        }
    }

    /// Reads the files again; new connections use what was read. On error the old identity stays.
    ///
    /// # Errors
    /// As [`Identity::load`].
    pub fn reload(&self) -> Result<(), ConfigError> {
        if let Some(config) = read_identity(&self.files)? {
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        }
        Ok(())
    }

    fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn read_identity(files: &Tls) -> Result<Option<ServerConfig>, ConfigError> {
    let (Some(cert), Some(key)) = (&files.cert, &files.key) else { return Ok(None) };
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| ConfigError(format!("tls.cert: cannot read {}: {error}", cert.display())))?;
    let key_der =
        PrivateKeyDer::from_pem_file(key).map_err(|error| ConfigError(format!("tls.key: cannot read {}: {error}", key.display())))?;
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key_der)
        .map_err(|error| ConfigError(format!("tls.cert and tls.key do not fit together: {error}")))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(config))
}

/// Opens the configured addresses.
///
/// # Errors
/// An address that cannot be bound, named.
pub async fn listen(addresses: &[SocketAddr]) -> anyhow::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    for address in addresses {
        listeners.push(TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?);
    }
    Ok(listeners)
}

/// Serves until `stop` turns true, then finishes what was accepted, within the limit.
pub async fn serve(listeners: Vec<TcpListener>, router: Arc<Router>, identity: Option<Arc<Identity>>, stop: watch::Receiver<bool>) {
    // Every connection holds a sender; when the last one is gone the receiver tells.
    let (alive, mut all_gone) = mpsc::channel::<()>(1);
    let shared = Arc::new(Shared {
        identity,
        connections: Arc::new(Connections::default()),
        places: Arc::new(Semaphore::new(router.limits.connections_max)),
        router,
    });
    let accepting: Vec<_> =
        listeners.into_iter().map(|listener| tokio::spawn(accept(listener, shared.clone(), alive.clone(), stop.clone()))).collect();
    drop(alive);
    let tidying = tokio::spawn(tidy(shared.router.clone(), stop));
    for task in accepting {
        if task.await.is_err() {
            tracing::error!(target: "shoji", "an accepting task ended in a panic: this is a defect");
        }
    }
    tidying.abort();
    let patience = Duration::from_secs(shared.router.limits.shutdown_seconds);
    if tokio::time::timeout(patience, all_gone.recv()).await.is_err() {
        tracing::warn!(target: "shoji", "some connections did not finish in time and were cut");
    }
}

/// What all connections share.
struct Shared {
    router: Arc<Router>,
    identity: Option<Arc<Identity>>,
    connections: Arc<Connections>,
    places: Arc<Semaphore>,
}

async fn tidy(router: Arc<Router>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(60)) => {
                router.authenticator.tidy();
                router.turns.tidy();
                router.reading.tidy();
                router.link_turns.tidy();
                crate::telemetry::memory(router.store.facts_bytes());
                write_journal(router.store.clone()).await;
            }
            _ = stop.changed() => return,
        }
    }
}

/// What was counted for the journals of calendars since the last time.
async fn write_journal(store: Arc<storage::Store>) {
    match tokio::task::spawn_blocking(move || store.flush_journal()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(target: "shoji", %error, "the journal could not be written: it is kept in memory"),
        Err(_) => tracing::error!(target: "shoji", "writing the journal ended in a panic: this is a defect"),
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, alive: mpsc::Sender<()>, mut stop: watch::Receiver<bool>) {
    let limits = shared.router.limits;
    loop {
        let place = tokio::select! {
            place = shared.places.clone().acquire_owned() => place,
            _ = stop.changed() => return,
        };
        let Ok(place) = place else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, mostly: waiting gives connections time to end.
                tracing::warn!(target: "shoji", %error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let address = peer.ip().to_canonical();
        // A proxy's connections are everybody's.
        let common = address.is_loopback() || shared.router.trusted_proxies.iter().any(|network| network.contains(&address));
        let max = if common { usize::MAX } else { limits.connections_per_address_max };
        let Some(counted) = shared.connections.count(address, max) else { continue };
        let (shared, alive, stop) = (shared.clone(), alive.clone(), stop.clone());
        tokio::spawn(async move {
            connection(stream, address, &shared, stop).await;
            drop((place, counted, alive));
        });
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Which protocol a connection speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

async fn connection(stream: TcpStream, peer: IpAddr, shared: &Shared, mut stop: watch::Receiver<bool>) {
    let limits = shared.router.limits;
    // Small answers leave at once; the option failing only costs time.
    drop(stream.set_nodelay(true));
    let detected = tokio::time::timeout(Duration::from_secs(limits.handshake_seconds), open(stream, shared));
    let detected = tokio::select! {
        detected = detected => detected,
        _ = stop.changed() => return,
    };
    // A silent connection or a broken handshake is closed without a word.
    let Ok(Some((stream, protocol))) = detected else { return };
    let router = shared.router.clone();
    let answers = Arc::new(Answers::default());
    let sent = answers.clone();
    let service = service_fn(move |request| {
        let (router, sent, asked) = (router.clone(), sent.clone(), sent.ask());
        async move {
            let answer = router.answer(request, peer).await;
            drop(asked);
            Ok::<_, Infallible>(answer.map(|body| body.sent_by(&sent)))
        }
    });
    let io = TokioIo::new(stream);
    let late = answers.late(Duration::from_secs(limits.write_seconds));
    let result = match protocol {
        Protocol::Http1 => {
            let mut connection = std::pin::pin!(http1(&limits).serve_connection(io, service));
            let served = async {
                tokio::select! {
                    result = connection.as_mut() => return result,
                    _ = stop.changed() => {}
                }
                connection.as_mut().graceful_shutdown();
                connection.await
            };
            unless(late, served).await
        }
        Protocol::Http2 => {
            let mut connection = std::pin::pin!(http2(&limits).serve_connection(io, service));
            let served = async {
                tokio::select! {
                    result = connection.as_mut() => return result,
                    _ = stop.changed() => {}
                    // Pings alone keep nobody's place.
                    () = answers.idle(Duration::from_secs(limits.idle_seconds)) => {}
                }
                connection.as_mut().graceful_shutdown();
                connection.await
            };
            unless(late, served).await
        }
    };
    match result {
        // The cause is a kind of failure, never bytes of the connection.
        Some(Err(error)) => {
            tracing::debug!(target: "shoji", timeout = error.is_timeout(), parse = error.is_parse(), "a connection ended early");
        }
        None => tracing::debug!(target: "shoji", "a connection was cut: an answer was not taken in time"),
        Some(Ok(())) => {}
    }
}

/// The outcome of serving, unless an answer is late: then the connection is cut.
async fn unless<T>(late: impl Future<Output = ()>, served: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        result = served => Some(result),
        () = late => None,
    }
}

async fn open(stream: TcpStream, shared: &Shared) -> Option<(Pin<Box<dyn Stream>>, Protocol)> {
    let write = Duration::from_secs(shared.router.limits.write_seconds);
    match &shared.identity {
        None => {
            let protocol = detect(&stream).await?;
            Some((boxed(stream, write), protocol))
        }
        Some(identity) => {
            let stream = identity.acceptor().accept(stream).await.ok()?;
            let protocol = if stream.get_ref().1.alpn_protocol() == Some(b"h2") { Protocol::Http2 } else { Protocol::Http1 };
            Some((boxed(stream, write), protocol))
        }
    }
}

fn boxed(stream: impl Stream + 'static, write: Duration) -> Pin<Box<dyn Stream>> {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(write));
    Box::pin(BoxedStream(Box::pin(stream)))
}

/// A pinned stream that can be moved.
struct BoxedStream<S>(Pin<Box<TimeoutStream<S>>>);

impl<S: Stream> AsyncRead for BoxedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        self.0.as_mut().poll_read(context, buffer)
    }
}

impl<S: Stream> AsyncWrite for BoxedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        buffer: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        self.0.as_mut().poll_write(context, buffer)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        buffers: &[std::io::IoSlice<'_>],
    ) -> std::task::Poll<std::io::Result<usize>> {
        self.0.as_mut().poll_write_vectored(context, buffers)
    }
    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<std::io::Result<()>> {
        self.0.as_mut().poll_flush(context)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<std::io::Result<()>> {
        self.0.as_mut().poll_shutdown(context)
    }
}

/// Looks at the first bytes without taking them: an HTTP/2 preface by prior knowledge, or HTTP/1.1.
async fn detect(stream: &TcpStream) -> Option<Protocol> {
    let mut first = [0; PREFACE.len()];
    loop {
        let seen = stream.peek(&mut first).await.ok()?;
        let seen = first.get(..seen)?;
        if seen.is_empty() {
            return None;
        }
        if !PREFACE.starts_with(seen) {
            return Some(Protocol::Http1);
        }
        if seen.len() == PREFACE.len() {
            return Some(Protocol::Http2);
        }
        // Half a preface: peeking returns at once until more arrives, so look again in a moment.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn http1(limits: &Limits) -> hyper::server::conn::http1::Builder {
    let mut builder = hyper::server::conn::http1::Builder::new();
    // Case means nothing in a header's name (RFC 9110 §5.1), but there are proxies and scripts that look for `Content-Type:`.
    builder.title_case_headers(true);
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.header_seconds))
        .max_buf_size((limits.header_bytes_max as usize).max(8_192));
    builder
}

fn http2(limits: &Limits) -> hyper::server::conn::http2::Builder<TokioExecutor> {
    let idle = Duration::from_secs(limits.idle_seconds);
    let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(idle)
        .keep_alive_timeout(idle)
        .max_concurrent_streams(limits.http2_streams_max)
        .max_header_list_size(limits.header_bytes_max)
        .max_pending_accept_reset_streams(64)
        .max_local_error_reset_streams(1_024);
    builder
}

/// Answers in a row before a thread that serves connections looks for others that have something to say: while pieces of large
/// answers are sent in between, those wait as long as they take together.
const ANSWERS_BETWEEN_LOOKS: u32 = 8;

/// What connections are served on.
///
/// # Errors
/// The system gives no threads.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().event_interval(ANSWERS_BETWEEN_LOOKS).enable_all().build()
}

/// The router of a configuration.
///
/// # Errors
/// No randomness for sign-in's key.
pub fn router(config: &Config, store: Arc<storage::Store>) -> anyhow::Result<Arc<Router>> {
    let limits = config.limits;
    let wait = Duration::from_secs(limits.request_wait_seconds);
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(Arc::new(Router {
        store,
        authenticator: crate::authenticate::Authenticator::new(&limits)?,
        site: webdav::Site {
            base_path: config.base_path.clone(),
            external_authority: config.external_url.as_ref().map(|url| url.trim_end_matches('/').to_owned()),
        },
        limits,
        trusted_proxies: config.trusted_proxies.clone(),
        turns: Turns::new(limits.requests_max, limits.requests_per_user_max, wait),
        // Beside his own work one user leaves room for that of three more who do as he does.
        reading: Turns::new(8 * processors, 2 * processors, wait),
        link_turns: Turns::new(limits.link_requests_max, limits.link_requests_per_address_max, wait),
        line: Arc::default(),
    }))
}

/// Serves `/metrics` until `stop`.
pub async fn serve_metrics(listener: TcpListener, handle: metrics_exporter_prometheus::PrometheusHandle, mut stop: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => return,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let handle = handle.clone();
        let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
            let handle = handle.clone();
            async move {
                let (status, body) = match request.uri().path() {
                    "/metrics" => (http::StatusCode::OK, handle.render()),
                    _ => (http::StatusCode::NOT_FOUND, String::from("/metrics is all there is\n")),
                };
                let mut response = http::Response::new(http_body_util::Full::new(bytes::Bytes::from(body)));
                *response.status_mut() = status;
                let kind = http::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
                response.headers_mut().insert(http::header::CONTENT_TYPE, kind);
                Ok::<_, Infallible>(response)
            }
        });
        tokio::spawn(async move {
            let connection = http1(&Limits::default()).serve_connection(TokioIo::new(stream), service);
            // A scraper is done within seconds; one that is not is cut.
            drop(tokio::time::timeout(Duration::from_secs(60), connection).await);
        });
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// One head with its body, of which the length is announced.
    async fn answer(stream: &mut TcpStream) -> String {
        let mut text = Vec::new();
        while !text.ends_with(b"password\n") {
            let mut part = [0; 4_096];
            let length = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut part)).await.unwrap().unwrap();
            assert!(length > 0, "the connection was closed after {:?}", String::from_utf8_lossy(&text));
            text.extend_from_slice(part.get(..length).unwrap());
        }
        String::from_utf8(text).unwrap()
    }

    /// The Python library caldav asks without credentials first and goes on over the same connection. Its body follows the
    /// head in a packet of its own; when the challenge had left before, hyper closed the connection, and the next request
    /// met its end every so often.
    #[tokio::test]
    async fn a_challenge_before_the_body_has_arrived_leaves_the_connection_usable() {
        let directory = tempfile::tempdir().unwrap();
        let config = Config::default();
        let options = storage::Options {
            environment: crate::environment::system(),
            limits: config.limits.storage(),
            directory: storage::Directory::default(),
            engine: None,
        };
        let router = router(&config, storage::Store::open(directory.path(), options).unwrap()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let serving = tokio::spawn(serve(vec![listener], router, None, stopped));
        let mut stream = TcpStream::connect(address).await.unwrap();
        for _ in 0..3 {
            stream.write_all(b"PROPFIND / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n").await.unwrap();
            tokio::time::sleep(Duration::from_millis(30)).await;
            stream.write_all(b"<a />").await.unwrap();
            assert!(answer(&mut stream).await.starts_with("HTTP/1.1 401 "));
        }
        let large = "PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000000\r\n\r\n";
        stream.write_all(large.as_bytes()).await.unwrap();
        assert!(answer(&mut stream).await.to_lowercase().contains("connection: close"), "what is not read to its end must be announced");
        stop.send_replace(true);
        serving.await.unwrap();
    }
}
