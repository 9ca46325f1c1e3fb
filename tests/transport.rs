//! HTTP/2 and TLS.

use crate::harness::{Connection, Shoji, basic, event};
use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

const EVENT: &str = "/dav/calendars/alice/default/event.ics";

fn asynchronous<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(crate::harness::process::PATIENCE, work).await.expect("an answer in time") })
}

fn request(user: &str, method: Method, path: &str, body: &str) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(format!("http://shoji.test{path}"))
        .header("authorization", basic(user, user))
        .body(Full::new(Bytes::from(body.to_owned())))
        .unwrap()
}

async fn content(response: Response<hyper::body::Incoming>) -> (u16, String) {
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn http2_over<S>(stream: S) -> http2::SendRequest<Full<Bytes>>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

#[test]
fn http_2_is_spoken_by_prior_knowledge_and_each_stream_signs_in_by_itself() {
    let shoji = Shoji::with_people();
    let server = shoji.serve("[limits]\nbody_bytes_max = 100000\n");
    asynchronous(async {
        let mut sender = http2_over(TcpStream::connect(server.address).await.unwrap()).await;
        let put = sender.send_request(request("alice", Method::PUT, EVENT, &event("one", "Over HTTP/2"))).await.unwrap();
        assert_eq!(put.status(), 201);
        let (hers, his, nobodys) = tokio::join!(
            sender.clone().send_request(request("alice", Method::GET, EVENT, "")),
            sender.clone().send_request(request("bob", Method::GET, EVENT, "")),
            sender.clone().send_request(request("nobody", Method::GET, EVENT, "")),
        );
        assert_eq!(content(hers.unwrap()).await, (200, event("one", "Over HTTP/2")));
        assert_eq!(his.unwrap().status(), 404);
        assert_eq!(nobodys.unwrap().status(), 401);
        // Limits are told on their stream; the others go on.
        let large = sender.send_request(request("alice", Method::PUT, EVENT, &"x".repeat(300_000))).await.unwrap();
        assert_eq!(large.status(), 413);
        let mut long = request("alice", Method::GET, EVENT, "");
        long.headers_mut().insert("x-long", http::HeaderValue::from_str(&"x".repeat(100_000)).unwrap());
        assert_eq!(sender.send_request(long).await.unwrap().status(), 431);
        assert_eq!(sender.send_request(request("alice", Method::GET, EVENT, "")).await.unwrap().status(), 200);
        let told = sender.send_request(request("alice", Method::GET, "/.well-known/caldav", "")).await.unwrap();
        assert_eq!((told.status().as_u16(), told.headers()["location"].to_str().unwrap()), (301, "/dav/"));
    });
    server.stop();
}

#[test]
fn a_stop_lets_streams_finish() {
    let shoji = Shoji::with_people();
    let mut server = shoji.serve("");
    let exit = asynchronous(async {
        let mut sender = http2_over(TcpStream::connect(server.address).await.unwrap()).await;
        assert_eq!(sender.send_request(request("alice", Method::PUT, EVENT, &event("one", "First"))).await.unwrap().status(), 201);
        let sent = sender.send_request(request("alice", Method::PUT, EVENT, &event("one", "Second")));
        server.signal("TERM");
        // Begun before the signal was seen, it is done; begun after, it is refused whole.
        match sent.await {
            Ok(response) => assert_eq!(response.status(), 204),
            Err(error) => assert!(!error.is_body_write_aborted(), "{error:?}"),
        }
        drop(sender);
        tokio::task::spawn_blocking(move || server.wait()).await.unwrap()
    });
    assert_eq!(exit, Some(0));
}

/// Writes a certificate of its own and its key as `NAME.pem` and `NAME.key`.
fn identity(shoji: &Shoji, name: &str) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(vec!["shoji.test".to_owned()]).unwrap();
    shoji.file(&format!("{name}.pem"), &made.cert.pem());
    shoji.file(&format!("{name}.key"), &made.signing_key.serialize_pem());
    made.cert.der().clone()
}

fn copy(shoji: &Shoji, from: &str, to: &str) {
    for end in ["pem", "key"] {
        std::fs::copy(shoji.path(&format!("{from}.{end}")), shoji.path(&format!("{to}.{end}"))).unwrap();
    }
}

fn tls_keys(directory: &Path) -> String {
    format!("[tls]\ncert = \"{0}/current.pem\"\nkey = \"{0}/current.key\"\n", directory.display())
}

async fn tls(address: SocketAddr, trusted: &CertificateDer<'static>, protocols: &[&str]) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(address).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("shoji.test").unwrap(), stream).await
}

#[test]
fn over_tls_the_client_chooses_the_protocol() {
    let shoji = Shoji::with_people();
    let trusted = identity(&shoji, "current");
    let directory = shoji.path("");
    let server = shoji.serve(&format!("{}[limits]\nhandshake_seconds = 1\n", tls_keys(&directory)));
    assert!(server.line.starts_with("listening on https://127.0.0.1:"), "{}", server.line);
    let silent = server.connect();
    asynchronous(async {
        let stream = tls(server.address, &trusted, &["h2", "http/1.1"]).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let mut sender = http2_over(stream).await;
        assert_eq!(sender.send_request(request("alice", Method::PUT, EVENT, &event("one", "Over TLS"))).await.unwrap().status(), 201);
        for protocols in [&["http/1.1"][..], &[]] {
            let stream = tls(server.address, &trusted, protocols).await.unwrap();
            assert_eq!(stream.get_ref().1.alpn_protocol(), protocols.first().map(|protocol| protocol.as_bytes()));
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            let mut asked = request("alice", Method::GET, EVENT, "");
            asked.headers_mut().insert("host", http::HeaderValue::from_static("shoji.test"));
            assert_eq!(content(sender.send_request(asked).await.unwrap()).await, (200, event("one", "Over TLS")));
        }
        assert!(tls(server.address, &trusted, &["gopher"]).await.is_err());
    });
    // Who does not speak TLS, or nothing at all, gets no answer and no connection.
    let mut plain = server.connect();
    plain.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(!plain.closed().starts_with(b"HTTP"));
    silent.closed();
    server.stop();
}

#[test]
fn a_renewed_certificate_is_read_on_a_signal_and_a_broken_one_is_not_taken() {
    let shoji = Shoji::new();
    let (first, second) = (identity(&shoji, "first"), identity(&shoji, "second"));
    copy(&shoji, "first", "current");
    let server = shoji.serve(&tls_keys(&shoji.path("")));
    asynchronous(async {
        let mut sender = http2_over(tls(server.address, &first, &["h2"]).await.unwrap()).await;
        copy(&shoji, "second", "current");
        server.signal("HUP");
        server.wait_for_log("read the certificate again");
        assert!(tls(server.address, &first, &["h2"]).await.is_err());
        assert!(tls(server.address, &second, &["h2"]).await.is_ok());
        assert_eq!(
            sender.send_request(request("-", Method::GET, "/healthz", "")).await.unwrap().status(),
            200,
            "an old connection goes on"
        );
        std::fs::copy(shoji.path("first.pem"), shoji.path("current.pem")).unwrap();
        server.signal("HUP");
        server.wait_for_log("kept the old certificate");
        assert!(tls(server.address, &second, &["h2"]).await.is_ok());
    });
    server.stop();
}

#[test]
fn a_signal_to_read_anew_does_not_end_a_server_without_tls() {
    let shoji = Shoji::new();
    let server = shoji.serve("");
    server.signal("HUP");
    assert_eq!(Connection::open(server.address).request("GET", "/healthz", &[], "").status, 200);
    server.stop();
}
