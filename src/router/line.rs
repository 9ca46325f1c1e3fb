//! Short writes of one object, in a line: the store takes one of them at a time, so one thread answers them one after the other,
//! and nobody's thread waits for the gate or for the disk. An answer leaves when what it tells of is durable.

use super::{Chunks, Router, Told, as_request, delivered, kind_word, panicked};
use crate::api;
use crate::turns::{Delivery, Turn};
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use storage::Door;
use tokio::sync::oneshot;
use webdav::{Request, ResourceKind};

/// Bytes of a body that is soon read. Who sends more waits for the gate in a thread of his own, and nobody for his parser.
const BODY_BYTES_MAX: usize = 64 << 10;

/// Jobs that wait for the disk together while others stand behind them: half of what sixteen clients have under way.
const TOGETHER_MAX: usize = 8;

/// And for how long: nobody waits for what is slow behind him.
const TOGETHER_TIME_MAX: Duration = Duration::from_millis(2);

/// What is left of a job: to wait for the disk.
type Finish = Box<dyn FnOnce() + Send>;
type Job = Box<dyn FnOnce() -> Finish + Send>;

/// The line.
#[derive(Default)]
pub struct Line {
    standing: Mutex<Standing>,
}

#[derive(Default)]
struct Standing {
    jobs: VecDeque<Job>,
    /// A thread is at it.
    is_worked: bool,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line").field("jobs", &self.standing().jobs.len()).finish_non_exhaustive()
    }
}

impl Line {
    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a job at the end. If it panics, whoever waits for it sees it dropped.
    fn push(self: &Arc<Self>, job: Job) {
        let mut standing = self.standing();
        standing.jobs.push_back(job);
        if !std::mem::replace(&mut standing.is_worked, true) {
            drop(standing);
            let line = self.clone();
            tokio::task::spawn_blocking(move || line.work());
        }
    }

    /// What the thread does until nobody stands there.
    fn work(&self) {
        let mut finishes: Vec<Finish> = Vec::new();
        let mut began = Instant::now();
        loop {
            if finishes.is_empty() {
                began = Instant::now();
            }
            let job = self.standing().jobs.pop_front();
            let is_last = job.is_none();
            finishes.extend(job.and_then(|job| catch_unwind(AssertUnwindSafe(job)).ok()));
            if is_last || finishes.len() >= TOGETHER_MAX || began.elapsed() > TOGETHER_TIME_MAX {
                finishes.drain(..).for_each(|finish| drop(catch_unwind(AssertUnwindSafe(finish))));
            }
            let mut standing = self.standing();
            if is_last && standing.jobs.is_empty() {
                standing.is_worked = false;
                return;
            }
        }
    }
}

/// A request with all that its answer takes.
pub(super) struct Asked {
    pub(super) parts: Parts,
    pub(super) path: String,
    pub(super) content: Bytes,
    pub(super) door: Door,
    pub(super) turn: Turn,
}

/// Whether a request writes one object that is soon read. What may write many at once keeps nobody waiting here.
pub(super) fn takes(request: &Request<'_>) -> bool {
    request.method == Method::PUT && request.body.len() <= BODY_BYTES_MAX && !api::is_api(request.path)
}

impl Router {
    /// Answers a request that writes.
    pub(super) async fn write(&self, asked: Asked, told: &mut Told) -> Response<Chunks> {
        let (sender, answered) = oneshot::channel::<(Response<webdav::Body>, Delivery)>();
        let (site, limits) = (self.site.clone(), self.limits.webdav());
        self.line.push(Box::new(move || {
            let Asked { parts, path, content, door, turn } = asked;
            let door = door.deferring();
            let response = webdav::handle(&as_request(&parts, &path, &content), &door, &site, &limits);
            let answer = move |outcome| {
                let response = match outcome {
                    Ok(()) => response,
                    Err(error) => webdav::failed(&as_request(&parts, &path, &Bytes::new()), &site, error, &response),
                };
                // Whoever asked may be gone. The turn lasts until now: what waits for the disk is bounded by the turns there are.
                drop(sender.send((response, turn.into_delivery())));
            };
            Box::new(move || door.when_durable(answer))
        }));
        let Ok((response, delivery)) = answered.await else { return panicked() };
        told.kind = response.extensions().get::<ResourceKind>().copied().map_or("nothing", kind_word);
        delivered(response, delivery)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::sync::mpsc::channel;

    #[tokio::test]
    async fn everybody_in_the_line_has_his_turn_whoever_panics_before_him() {
        let line = Arc::new(Line::default());
        let (sender, done) = channel();
        for number in 0..200 {
            let sender = sender.clone();
            line.push(Box::new(move || {
                assert!(number % 7 > 0, "a defect");
                Box::new(move || {
                    assert!(number % 5 > 0, "another");
                    sender.send(number).unwrap();
                })
            }));
        }
        drop(sender);
        let mut done: Vec<u32> = tokio::task::spawn_blocking(move || done.iter().collect()).await.unwrap();
        done.sort_unstable();
        assert_eq!(done, (0..200).filter(|number| number % 7 > 0 && number % 5 > 0).collect::<Vec<_>>());
        while line.standing().is_worked {
            tokio::task::yield_now().await;
        }
        assert!(line.standing().jobs.is_empty());
    }
}
