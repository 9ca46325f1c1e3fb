//! The pace of work that goes from one object to the next for long: it gives way again and again, so that whoever can be answered
//! at once waits for a processor no longer than a moment. Schedulers take a processor from who is at work only after
//! milliseconds. Must change nothing but when things are done.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Steps between one look at the clock and the next: a look costs a tenth of the shortest step.
const STEPS: u32 = 16;
/// Work for so long before others come: long beside what a change of threads costs, short beside an answer's way over a network.
const MOMENT: Duration = Duration::from_micros(200);

/// See the module. Of one piece of work in one thread.
#[derive(Debug, Default)]
pub struct Pace {
    steps: Cell<u32>,
    /// When it gave way last, or the clock was looked at first.
    since: Cell<Option<Instant>>,
}

impl Pace {
    /// One object is done. Nothing that others need may be locked.
    pub fn step(&self) {
        if self.is_due(Instant::now) {
            std::thread::yield_now();
        }
    }

    /// Whether it is time to give way. Few steps never are: what takes no more is soon done.
    fn is_due(&self, now: impl Fn() -> Instant) -> bool {
        let steps = self.steps.get().wrapping_add(1);
        self.steps.set(steps);
        if !steps.is_multiple_of(STEPS) {
            return false;
        }
        let now = now();
        let Some(since) = self.since.get() else {
            self.since.set(Some(now));
            return false;
        };
        let is_due = now.saturating_duration_since(since) >= MOMENT;
        if is_due {
            self.since.set(Some(now));
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How often work of so many steps, each of which takes so long, gives way.
    fn given_way(steps: u32, each: Duration) -> u32 {
        let (pace, clock) = (Pace::default(), Cell::new(Instant::now()));
        let mut times = 0;
        for _ in 0..steps {
            clock.set(clock.get() + each);
            times += u32::from(pace.is_due(|| clock.get()));
        }
        times
    }

    #[test]
    fn long_work_gives_way_every_moment_and_short_work_never() {
        assert_eq!(given_way(STEPS, Duration::from_secs(1)), 0, "one look at one object, however long it took");
        assert_eq!(given_way(STEPS * 100, MOMENT), 99, "each look finds that it is time");
        assert_eq!(given_way(STEPS * 1_000, MOMENT / 160), 99, "every tenth look");
        assert_eq!(given_way(STEPS * 10, MOMENT / 1_000), 0);
    }
}
