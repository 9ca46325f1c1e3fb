//! Short writes of one object, in a line: the store takes one of them at a time, so one thread answers them one after the other,
//! one of each user's in turn, and nobody's thread waits for the gate or for the disk. An answer leaves when what it tells of is
//! durable.

use super::{Chunks, Router, Told, as_request, delivered, kind_word, panicked};
use crate::api;
use crate::turns::{Delivery, Turn};
use acl::PrincipalId;
use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response};
use std::collections::{HashMap, VecDeque};
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
    /// Nobody is there who has none.
    jobs: HashMap<PrincipalId, VecDeque<Job>>,
    /// Everybody who has some, once, in the order in which they are served.
    users: VecDeque<PrincipalId>,
    /// A thread is at it.
    is_worked: bool,
}

impl Standing {
    fn push(&mut self, who: PrincipalId, job: Job) {
        let own = self.jobs.entry(who).or_default();
        if own.is_empty() {
            self.users.push_back(who);
        }
        own.push_back(job);
    }
    /// The first job of whose turn it is; behind it he waits for everybody else's.
    fn pop(&mut self) -> Option<Job> {
        let who = self.users.pop_front()?;
        let own = self.jobs.get_mut(&who)?;
        let job = own.pop_front();
        if own.is_empty() {
            self.jobs.remove(&who);
        } else {
            self.users.push_back(who);
        }
        job
    }
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line").field("users", &self.standing().users.len()).finish_non_exhaustive()
    }
}

impl Line {
    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a job behind those of the same user. If it panics, whoever waits for it sees it dropped.
    fn push(self: &Arc<Self>, who: PrincipalId, job: Job) {
        let mut standing = self.standing();
        standing.push(who, job);
        if !std::mem::replace(&mut standing.is_worked, true) {
            drop(standing);
            let line = self.clone();
            let begun = catch_unwind(AssertUnwindSafe(|| tokio::task::spawn_blocking(move || line.work())));
            if begun.is_err() {
                // There is not one thread to be had; whoever stands here would wait for ever.
                self.work();
            }
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
            let job = self.standing().pop();
            let is_last = job.is_none();
            finishes.extend(job.and_then(|job| catch_unwind(AssertUnwindSafe(job)).ok()));
            if is_last || finishes.len() >= TOGETHER_MAX || began.elapsed() > TOGETHER_TIME_MAX {
                finishes.drain(..).for_each(|finish| drop(catch_unwind(AssertUnwindSafe(finish))));
            }
            let mut standing = self.standing();
            if is_last && standing.users.is_empty() {
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
    pub(super) who: PrincipalId,
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
        let Asked { parts, path, content, door, turn, who } = asked;
        let job = move || -> Finish {
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
        };
        self.line.push(who, Box::new(job));
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
            line.push(
                PrincipalId([(number % 3) as u8; 16]),
                Box::new(move || {
                    assert!(number % 7 > 0, "a defect");
                    Box::new(move || {
                        assert!(number % 5 > 0, "another");
                        sender.send(number).unwrap();
                    })
                }),
            );
        }
        drop(sender);
        let mut done: Vec<u32> = tokio::task::spawn_blocking(move || done.iter().collect()).await.unwrap();
        done.sort_unstable();
        assert_eq!(done, (0..200).filter(|number| number % 7 > 0 && number % 5 > 0).collect::<Vec<_>>());
        while line.standing().is_worked {
            tokio::task::yield_now().await;
        }
        assert!(line.standing().jobs.is_empty() && line.standing().users.is_empty());
    }

    /// Whoever had a hundred writes under way let a neighbour's one wait for all of them.
    #[tokio::test]
    async fn who_has_much_to_write_lets_others_in_between() {
        let line = Arc::new(Line::default());
        let ((go, begin), (sender, done)) = (channel::<()>(), channel());
        line.push(
            PrincipalId([9; 16]),
            Box::new(move || {
                // Nothing is sent: it begins when the other end is dropped.
                assert!(begin.recv().is_err());
                Box::new(|| ())
            }),
        );
        for who in [1, 1, 1, 1, 2, 2, 3] {
            let sender = sender.clone();
            let job = move || -> Finish {
                sender.send(who).unwrap();
                Box::new(|| ())
            };
            line.push(PrincipalId([who; 16]), Box::new(job));
        }
        drop((go, sender));
        let done: Vec<u8> = tokio::task::spawn_blocking(move || done.iter().collect()).await.unwrap();
        assert_eq!(done, [1, 2, 3, 1, 2, 1, 1]);
    }
}
