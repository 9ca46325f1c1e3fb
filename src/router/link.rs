//! Requests to links: nobody has to sign in, and what is asked without signing in has turns of its own, so that a flood of it
//! keeps no user waiting.
//!
//! Whoever sends credentials is somebody all the same: wrong ones are refused as everywhere, and to whom the calendar module
//! is denied no link shows anything. The log learns that a link was asked for
//! and never which.

use super::{Chunks, Router, Told, client_of, delivered, panicked, retry_later};
use crate::authenticate::counted;
use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode, header};
use std::net::IpAddr;
use storage::LinkDoor;

impl Router {
    /// Answers a request below [`webdav::link::PREFIX`].
    pub(super) async fn answer_link(&self, parts: Parts, path: String, address: IpAddr, told: &mut Told) -> Response<Chunks> {
        told.kind = "link";
        let mut response = self.look_through(parts, path, address, told).await;
        webdav::link::protect(response.headers_mut());
        response
    }

    async fn look_through(&self, parts: Parts, path: String, address: IpAddr, told: &mut Told) -> Response<Chunks> {
        let mut asker = None;
        if parts.headers.contains_key(header::AUTHORIZATION) {
            match self.viewer(&parts.headers, address, told).await {
                Ok(principal) => asker = Some(principal),
                Err(response) => return *response,
            }
        }
        let Some(turn) = self.link_turns.take(counted(address)).await else {
            return retry_later(StatusCode::SERVICE_UNAVAILABLE, "busy\n", 5);
        };
        let door = webdav::link::secret(&path).map(|secret| self.store.link_door(secret));
        let door = door.map(|door| asker.into_iter().fold(door.with_client(client_of(&parts.headers)), LinkDoor::asked_by));
        let limits = self.limits.webdav();
        let answered = tokio::task::spawn_blocking(move || {
            let request = webdav::Request {
                method: &parts.method,
                path: &path,
                query: parts.uri.query().unwrap_or_default(),
                headers: &parts.headers,
                body: &Bytes::new(),
            };
            (webdav::link::handle(&request, door.as_ref(), &limits), turn.into_delivery())
        });
        match answered.await {
            Ok((response, delivery)) => delivered(response, delivery),
            Err(_) => panicked(),
        }
    }
}
