//! One flush of the disk for all who wait for one, and what follows when it fails.

use super::Ticket;
use crate::error::{Error, Result};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

/// Makes commits durable in groups. After one failure nothing is acknowledged any more: what the disk holds is not known.
#[derive(Default)]
pub(super) struct Group {
    state: Mutex<State>,
    turn_ended: Condvar,
    failure: OnceLock<Failure>,
}

#[derive(Default)]
struct State {
    /// All commits up to this are durable.
    durable: u64,
    /// Someone is at it.
    flushing: bool,
}

/// What the first failure was, to be told to all who come later.
#[derive(Clone, Copy)]
enum Failure {
    DiskFull,
    /// The files are damaged, in these words.
    Damage(&'static str),
    Other,
}

impl Group {
    /// Returns when `ticket` is durable: by another's flush, or by `flush`, which says up to which commit it went.
    pub(super) fn wait(&self, ticket: Ticket, flush: impl Fn() -> Result<Ticket>) -> Result<()> {
        let mut state = locked(&self.state);
        loop {
            self.refuse_if_failed()?;
            if state.durable >= ticket.0 {
                return Ok(());
            }
            if state.flushing {
                state = self.turn_ended.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            state.flushing = true;
            drop(state);
            let mut turn = Turn { group: self, outcome: Err(Failure::Other) };
            let outcome = flush();
            turn.outcome = outcome.as_ref().map(|ticket| *ticket).map_err(Failure::of);
            drop(turn);
            outcome?;
            state = locked(&self.state);
        }
    }
    /// Notes that what was committed may not be whole, or may never become durable.
    pub(super) fn fail(&self, error: &Error) {
        // The first failure is the cause of those that follow.
        let _ = self.failure.set(Failure::of(error));
    }
    /// The damage that was the first failure.
    pub(super) fn damage(&self) -> Option<&'static str> {
        match self.failure.get() {
            Some(Failure::Damage(what)) => Some(what),
            _ => None,
        }
    }
    /// Refuses once anything has failed.
    pub(super) fn refuse_if_failed(&self) -> Result<()> {
        match self.failure.get() {
            None => Ok(()),
            Some(Failure::DiskFull) => Err(Error::DiskFull),
            Some(Failure::Damage(_) | Failure::Other) => {
                Err(Error::Engine("an earlier write could not be made durable; open the store anew".into()))
            }
        }
    }
}

impl Failure {
    fn of(error: &Error) -> Self {
        match error {
            Error::DiskFull => Self::DiskFull,
            Error::Corrupted(what) => Self::Damage(what),
            _ => Self::Other,
        }
    }
}

/// One caller's turn at making commits durable; its end is announced even if the engine panics.
struct Turn<'a> {
    group: &'a Group,
    outcome: Result<Ticket, Failure>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = locked(&self.group.state);
        state.flushing = false;
        match self.outcome {
            Ok(ticket) => state.durable = state.durable.max(ticket.0),
            Err(failure) => drop(self.group.failure.set(failure)),
        }
        self.group.turn_ended.notify_all();
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
