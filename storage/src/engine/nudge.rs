//! Waking whoever waits for an engine that forgot to: a turn at the disk that takes long is nudged, now and then, by a thread
//! that does nothing else.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between two looks at whether the same turn is still going on.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Default)]
struct State {
    /// Odd while one goes on.
    turn: u64,
    ended: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, nudge: impl Fn()) {
        let (mut seen, mut looks) = (0, 0u64);
        let mut state = self.state();
        loop {
            let waited = self.changed.wait_timeout_while(state, LOOK, |state| !state.ended);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if state.ended {
                return;
            }
            if state.turn.is_multiple_of(2) || state.turn != seen {
                (seen, looks) = (state.turn, 0);
                continue;
            }
            looks += 1;
            // The longer it takes the more likely it is that the disk is slow, and nobody asleep.
            if looks.is_power_of_two() {
                drop(state);
                nudge();
                state = self.state();
            }
        }
    }
}

/// The thread that nudges; it ends with this.
pub(super) struct Nudge {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Nudge {
    /// Calls `nudge` in the course of long turns. It must not wait for anything itself.
    pub(super) fn start(nudge: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let looking = shared.clone();
        let thread = std::thread::Builder::new().name("nudge".into()).spawn(move || looking.look(nudge))?;
        Ok(Self { shared, thread: Some(thread) })
    }
    /// Runs one turn. There is one at a time.
    pub(super) fn turn<T>(&self, work: impl FnOnce() -> T) -> T {
        let step = |of: fn(u64) -> u64| {
            let mut state = self.shared.state();
            state.turn = of(state.turn);
        };
        // One that ended in a panic was never said to be over.
        step(|turn| turn.wrapping_add(if turn.is_multiple_of(2) { 1 } else { 2 }));
        let done = work();
        step(|turn| turn.wrapping_add(1));
        done
    }
}

impl Drop for Nudge {
    fn drop(&mut self) {
        self.shared.state().ended = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // How it ended matters to nobody any more.
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_turn_that_takes_long_is_nudged_until_it_ends() {
        let (nudged, nudges) = channel();
        let nudge = Nudge::start(move || nudged.send(()).unwrap_or_default()).unwrap();
        assert_eq!(nudge.turn(|| 7), 7);
        nudge.turn(|| (0..2).for_each(|_| nudges.recv().unwrap()));
        drop(nudge);
        assert!(nudges.recv().is_err(), "the thread has ended");
    }
}
