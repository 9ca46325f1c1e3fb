//! The bare server: hyper, and nothing between it and the answer. What is put is what each later request for that address gets,
//! with the status that its field `answer-status` says: so it gives any server's answers at the cost of HTTP alone.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};

/// What is given to whoever asks for an address.
type Answers = Arc<RwLock<HashMap<String, (StatusCode, Bytes)>>>;

/// Serves until it is told to end.
///
/// # Errors
/// No port is free.
pub(crate) fn run() -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.and_then(|runtime| runtime.block_on(serve())).map_err(|error| error.to_string())
}

async fn serve() -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    crate::say(&format!("listening on http://{}/", listener.local_addr()?));
    let answers = Answers::default();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let answers = Arc::clone(&answers);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&answers)));
            // A client that goes away is none of our business.
            drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

async fn answer(request: Request<Incoming>, answers: Answers) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let wanted = head.headers.get("answer-status").and_then(|status| StatusCode::from_bytes(status.as_bytes()).ok());
    let (status, body) = match (head.method, wanted) {
        (Method::PUT, Some(status)) => {
            answers.write().unwrap_or_else(PoisonError::into_inner).insert(head.uri.path().to_owned(), (status, body));
            (StatusCode::CREATED, Bytes::new())
        }
        (Method::PUT, None) => (StatusCode::CREATED, Bytes::new()),
        _ => {
            let answers = answers.read().unwrap_or_else(PoisonError::into_inner);
            answers.get(head.uri.path()).cloned().unwrap_or((StatusCode::NOT_FOUND, Bytes::new()))
        }
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    Ok(response)
}
