//! The whole server in process, without a socket: sign-in, redirects and the protocol, over HTTP/1.1 through a pipe, on the
//! store of a world. Requests arrive as they were written, headers and all.

use super::{Answer, World, basic};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use shoji::router::Router;
use std::cell::RefCell;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::sync::Arc;
use tokio::runtime::Runtime;

/// The server of one world, in which every password is its user's name.
pub struct Front {
    runtime: Rc<Runtime>,
    router: Arc<Router>,
}

/// One user's connection.
pub struct Wire {
    pub user: String,
    runtime: Rc<Runtime>,
    sender: RefCell<SendRequest<Full<Bytes>>>,
}

impl Front {
    pub fn new(world: &World) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let router = shoji::server::router(&shoji::config::Config::default(), world.store.clone()).unwrap();
        Self { runtime: Rc::new(runtime), router }
    }

    pub fn wire(&self, user: &str) -> Wire {
        let router = self.router.clone();
        let sender = self.runtime.block_on(async move {
            let (ours, theirs) = tokio::io::duplex(1 << 16);
            tokio::spawn(async move {
                let service = service_fn(move |request| {
                    let router = router.clone();
                    async move { Ok::<_, Infallible>(router.answer(request, IpAddr::V4(Ipv4Addr::LOCALHOST)).await) }
                });
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(theirs), service).await.unwrap();
            });
            let (sender, connection) = handshake(TokioIo::new(ours)).await.unwrap();
            tokio::spawn(connection);
            sender
        });
        Wire { user: user.to_owned(), runtime: self.runtime.clone(), sender: RefCell::new(sender) }
    }
}

impl Wire {
    /// A request with the user's credentials.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let credentials = basic(&self.user, &self.user);
        let mut all = vec![("authorization", credentials.as_str())];
        all.extend_from_slice(headers);
        self.ask_unknown(method, path, &all, body)
    }

    /// A request with these headers and no others but `Host`.
    pub fn ask_unknown(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", "shoji.test");
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request = request.header(name, HeaderValue::from_str(value).unwrap());
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap();
        let mut sender = self.sender.borrow_mut();
        self.runtime.block_on(async move {
            let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let text = |value: &HeaderValue| String::from_utf8(value.as_bytes().to_vec()).unwrap();
            let mut headers: Vec<(String, String)> = parts
                .headers
                .iter()
                .map(|(name, value)| (name.as_str().to_owned(), text(value)))
                .filter(|(name, _)| name != "date")
                .collect();
            headers.sort();
            Answer { status: parts.status.as_u16(), headers, body: String::from_utf8(body.to_vec()).unwrap() }
        })
    }
}
