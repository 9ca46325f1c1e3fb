//! The control socket: HTTP and JSON on a unix socket in the data directory that only its owner can open.

use crate::command::{self, Command, CommandError};
use anyhow::Context as _;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use std::convert::Infallible;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use storage::Store;
use storage::backup::Size;
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

/// Pieces of a backup on their way, at most.
const PIECES_MAX: usize = 4;

/// What a broken off answer ends with.
#[derive(Debug, thiserror::Error)]
#[error("the backup broke off: {0}")]
struct BrokenOff(storage::Error);

/// An answer's body: there as a whole, or as it comes.
enum Answer {
    Whole(Option<Bytes>),
    Pieces(Option<Bytes>, mpsc::Receiver<Result<Bytes, BrokenOff>>),
}

impl Body for Answer {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Pieces(first, rest) => match first.take() {
                Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
                None => rest.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data))),
            },
        }
    }
}

/// Writes into a body.
struct Sending {
    pieces: mpsc::Sender<Result<Bytes, BrokenOff>>,
}

impl std::io::Write for Sending {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let sent = self.pieces.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map(|()| bytes.len()).map_err(|_| std::io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Sends a backup as it is taken.
async fn send_backup(store: Arc<Store>) -> Result<Response<Answer>, CommandError> {
    let (sender, mut pieces) = mpsc::channel(PIECES_MAX);
    tokio::task::spawn_blocking(move || {
        let mut out = Sending { pieces: sender.clone() };
        match store.backup(&mut out, &mut |_| {}) {
            Ok(size) => tracing::info!(target: "shoji", records = size.records, bytes = size.bytes, "a backup was taken"),
            Err(error) => {
                tracing::error!(target: "shoji", %error, "a backup broke off");
                // Whoever asked may be gone.
                drop(sender.blocking_send(Err(BrokenOff(error))));
            }
        }
    });
    match pieces.recv().await {
        Some(Ok(first)) => Ok(Response::new(Answer::Pieces(Some(first), pieces))),
        Some(Err(BrokenOff(error))) => Err(error.into()),
        None => Err(CommandError::new("internal", "the backup ended in a panic: this is a defect")),
    }
}

async fn answer(request: Request<Incoming>, store: Arc<Store>) -> Result<Response<Answer>, Infallible> {
    let is_backup = request.method() == Method::POST && request.uri().path() == "/v1/backup";
    if is_backup {
        return Ok(send_backup(store).await.unwrap_or_else(|error| whole(Err(error))));
    }
    let result = if request.method() == Method::POST && request.uri().path() == "/v1/command" {
        run(request, store).await
    } else {
        Err(CommandError::new("not-found", "POST /v1/command is all there is"))
    };
    Ok(whole(result))
}

fn whole(result: Result<Value, CommandError>) -> Response<Answer> {
    let (status, value) = match result {
        Ok(value) => (StatusCode::OK, value),
        Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, serde_json::json!({ "error": error })),
    };
    let mut response = Response::new(Answer::Whole(Some(Bytes::from(value.to_string()))));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
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
    let value: Value = serde_json::from_slice(&body)?;
    Ok(if refused { Err(refusal(value)) } else { Ok(value) })
}

fn refusal(mut value: Value) -> CommandError {
    let error = value.get_mut("error").map(Value::take).unwrap_or_default();
    serde_json::from_value(error).unwrap_or_else(|_| CommandError::new("internal", "the server did not say why"))
}

/// Takes a backup through a connection. Whether it came whole is for its reader to see.
///
/// # Errors
/// The connection breaks, `out` takes no more, or the server refuses.
pub async fn backup(stream: UnixStream, out: &mut impl std::io::Write, told: &impl Fn(Size)) -> anyhow::Result<Result<(), CommandError>> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driving = tokio::spawn(connection);
    let request = Request::builder().method(Method::POST).uri("/v1/backup").header(header::HOST, "localhost");
    let response = sender.send_request(request.body(Full::<Bytes>::default())?).await.context("the server closed the connection")?;
    if !response.status().is_success() {
        let body = response.into_body().collect().await?.to_bytes();
        return Ok(Err(refusal(serde_json::from_slice(&body)?)));
    }
    let mut body = response.into_body();
    let mut size = Size::default();
    while let Some(frame) = body.frame().await {
        let frame = frame.context("the backup broke off: the server's log says why")?;
        if let Some(bytes) = frame.data_ref() {
            out.write_all(bytes)?;
            size.bytes += bytes.len() as u64;
            told(size);
        }
    }
    drop(sender);
    drop(driving.await);
    Ok(Ok(()))
}
