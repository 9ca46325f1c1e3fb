//! The control socket: HTTP and JSON on a unix socket in the data directory that only its owner can open.

use crate::command::{self, Command, CommandError};
use anyhow::Context as _;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use std::convert::Infallible;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use storage::Store;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};

/// A whole import file fits.
const BODY_BYTES_MAX: usize = 256 << 20;

/// The socket's place. Socket addresses are at most 107 bytes, paths longer: a longer one is reached through the open
/// directory, which the caller keeps open meanwhile.
fn socket_path(data: &Path) -> anyhow::Result<(PathBuf, Option<File>)> {
    let path = data.join("control.sock");
    if path.as_os_str().len() <= 107 {
        return Ok((path, None));
    }
    let directory = File::open(data)?;
    Ok((PathBuf::from(format!("/proc/self/fd/{}/control.sock", directory.as_raw_fd())), Some(directory)))
}

/// The bound socket, removed when dropped.
#[derive(Debug)]
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // Gone already is as good.
        drop(std::fs::remove_file(&self.path));
    }
}

/// Binds the socket; the store's own lock says that no other server holds it. It appears under its name when its
/// permissions are set, in the place of one that a killed server left.
///
/// # Errors
/// The directory cannot be written.
pub fn bind(data: &Path) -> anyhow::Result<ControlSocket> {
    let (path, directory) = socket_path(data)?;
    let nursery = path.with_file_name(".control");
    if nursery.exists() {
        std::fs::remove_dir_all(&nursery).context("cannot remove a stale directory of the control socket")?;
    }
    std::fs::DirBuilder::new().mode(0o700).create(&nursery).context("cannot write the data directory")?;
    let first = nursery.join("s");
    let listener = UnixListener::bind(&first).with_context(|| format!("cannot bind the control socket in {}", data.display()))?;
    std::fs::set_permissions(&first, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&first, &path)?;
    std::fs::remove_dir(&nursery)?;
    drop(directory);
    Ok(ControlSocket { listener, path: data.join("control.sock") })
}

/// Answers commands until `stop`, then finishes those it has begun, with so much patience.
pub async fn serve(socket: ControlSocket, store: Arc<Store>, mut stop: watch::Receiver<bool>, patience: Duration) {
    // Every connection holds a sender; when the last one is gone the receiver tells.
    let (alive, mut all_gone) = mpsc::channel::<()>(1);
    loop {
        let accepted = tokio::select! {
            accepted = socket.listener.accept() => accepted,
            _ = stop.changed() => break,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        tokio::spawn(connection(stream, store.clone(), stop.clone(), alive.clone()));
    }
    drop((socket, alive));
    if tokio::time::timeout(patience, all_gone.recv()).await.is_err() {
        tracing::warn!(target: "shoji", "a command did not finish in time and was cut");
    }
}

async fn connection(stream: UnixStream, store: Arc<Store>, mut stop: watch::Receiver<bool>, alive: mpsc::Sender<()>) {
    let service = service_fn(move |request| answer(request, store.clone()));
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(30));
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let result = tokio::select! {
        result = connection.as_mut() => result,
        _ = stop.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if result.is_err() {
        tracing::debug!(target: "shoji", "a control connection ended early");
    }
    drop(alive);
}

async fn answer(request: Request<Incoming>, store: Arc<Store>) -> Result<Response<Full<Bytes>>, Infallible> {
    let result = if request.method() == Method::POST && request.uri().path() == "/v1/command" {
        run(request, store).await
    } else {
        Err(CommandError::new("not-found", "POST /v1/command is all there is"))
    };
    let (status, value) = match result {
        Ok(value) => (StatusCode::OK, value),
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, serde_json::json!({ "error": error })),
    };
    let mut response = Response::new(Full::new(Bytes::from(value.to_string())));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    Ok(response)
}

async fn run(request: Request<Incoming>, store: Arc<Store>) -> Result<Value, CommandError> {
    let body = Limited::new(request.into_body(), BODY_BYTES_MAX).collect().await;
    let body = body.map_err(|_| CommandError::new("invalid", "the command could not be read"))?.to_bytes();
    let command: Command = serde_json::from_slice(&body).map_err(|_| CommandError::new("invalid", "the command is of another version"))?;
    let done = tokio::task::spawn_blocking(move || command::execute(&store, command)).await;
    done.unwrap_or_else(|_| Err(CommandError::new("internal", "the command ended in a panic: this is a defect")))
}

/// A connection to the serving process, if there is one.
///
/// # Errors
/// A socket that exists but belongs to somebody else.
pub async fn connect(data: &Path) -> anyhow::Result<Option<UnixStream>> {
    let (path, _directory) = socket_path(data)?;
    match UnixStream::connect(&path).await {
        Ok(stream) => Ok(Some(stream)),
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot reach the server of {}", data.display())),
    }
}

/// Sends one command through a connection.
///
/// # Errors
/// The connection breaks, or the command is refused ([`CommandError`]).
pub async fn send(stream: UnixStream, command: &Command) -> anyhow::Result<Result<Value, CommandError>> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driving = tokio::spawn(connection);
    let request = Request::builder()
        .method(Method::POST)
        .uri("/v1/command")
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(serde_json::to_vec(command)?)))?;
    let response = sender.send_request(request).await.context("the server closed the connection")?;
    let refused = !response.status().is_success();
    let body = response.into_body().collect().await?.to_bytes();
    drop(sender);
    // The connection ends with its last answer; how does not matter any more.
    drop(driving.await);
    let mut value: Value = serde_json::from_slice(&body)?;
    if refused {
        let error = value.get_mut("error").map(Value::take).unwrap_or_default();
        return Ok(Err(serde_json::from_value(error).unwrap_or_else(|_| CommandError::new("internal", "the server did not say why"))));
    }
    Ok(Ok(value))
}
