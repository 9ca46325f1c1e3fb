//! Waiting for the disk in the place of those who have better to do: a thread of the store's waits for all at once, and calls
//! each back. Must not decide what an outcome means, and nobody who is called may wait for anything.

use crate::engine::{Engine, Ticket};
use crate::error::{Error, Result};
use crate::health::Failure;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

/// What is called when a write is durable, or never will be.
pub(crate) type Then = Box<dyn FnOnce(Result<()>) + Send>;

/// Somebody whose write is committed.
struct Waiting {
    commit: Commit,
    then: Then,
}

/// A commit that is not waited for yet. Whoever stands somewhere with it does not keep a failed engine from being closed.
pub(super) struct Commit {
    engine: Weak<dyn Engine>,
    ticket: Ticket,
}

impl Commit {
    pub(super) fn new(engine: &Arc<dyn Engine>, ticket: Ticket) -> Self {
        Self { engine: Arc::downgrade(engine), ticket }
    }
    /// Returns when it is durable, and not at all well once any was not.
    pub(super) fn wait(&self, failure: &Failure) -> Result<()> {
        let engine = self.engine.upgrade().ok_or_else(|| Error::Engine("the store was opened anew before a write was durable".into()))?;
        // Of an engine that is being closed nothing may be flushed into files that are written again.
        failure.refuse()?;
        engine.wait(self.ticket)?;
        failure.refuse()
    }
}

/// The thread, once somebody needs it; it ends with the store.
#[derive(Default)]
pub(super) struct Durability {
    /// `None`: there was none to be had, and everybody waits himself.
    thread: OnceLock<Option<Sender<Waiting>>>,
}

impl Durability {
    /// Calls `then` when the ticket is durable.
    pub(super) fn when_durable(&self, commit: Commit, failure: &Arc<Failure>, then: Then) {
        let thread = self.thread.get_or_init(|| {
            let ((sender, receiver), failure) = (channel(), failure.clone());
            let started = std::thread::Builder::new().name("durable".into()).spawn(move || run(&receiver, &failure));
            started.ok().map(|_| sender)
        });
        let mut waiting = Waiting { commit, then };
        if let Some(thread) = thread {
            match thread.send(waiting) {
                Ok(()) => return,
                Err(unsent) => waiting = unsent.0,
            }
        }
        (waiting.then)(waiting.commit.wait(failure));
    }
}

/// What the thread does: everybody who came while it waited for others is waited for at once.
fn run(receiver: &Receiver<Waiting>, failure: &Failure) {
    while let Ok(first) = receiver.recv() {
        let mut round = vec![first];
        round.extend(receiver.try_iter());
        // The last first: its flush serves those before it.
        round.sort_by_key(|waiting| std::cmp::Reverse(waiting.commit.ticket));
        for Waiting { commit, then } in round {
            // A defect in what one does is not the others'.
            let waited = catch_unwind(AssertUnwindSafe(|| commit.wait(failure)));
            let outcome = waited.unwrap_or_else(|_| Err(Error::Engine("waiting for the disk ended in a panic".into())));
            drop(catch_unwind(AssertUnwindSafe(|| then(outcome))));
        }
    }
}

/// The last commit of somebody who waits for all of his at the end.
#[derive(Default)]
pub(super) struct Deferred {
    last: Mutex<Option<Commit>>,
}

impl std::fmt::Debug for Deferred {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Deferred")
    }
}

impl Deferred {
    /// Notes a commit. One of an engine that was opened anew meanwhile is for the caller to wait for.
    pub(super) fn note(&self, commit: Commit) -> Option<Commit> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match last.replace(commit) {
            Some(before) if last.as_ref().is_some_and(|commit| !commit.engine.ptr_eq(&before.engine)) => Some(before),
            _ => None,
        }
    }
    /// The last one, to be waited for.
    pub(super) fn take(&self) -> Option<Commit> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
