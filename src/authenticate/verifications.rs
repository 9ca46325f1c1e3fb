//! How many passwords are verified at a time, and how many sign-ins wait for that: argon2's memory is the one times its
//! memory, whatever comes. One place is kept free of strangers: whoever signed in before from where he asks never waits
//! behind more than one of them.

use super::failures::Place;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Places for verifying and for waiting.
#[derive(Debug)]
pub(super) struct Verifications {
    all: Arc<Semaphore>,
    /// What strangers need besides, and get first: they fill neither all places nor the queue before them.
    strangers: Arc<Semaphore>,
    waiting_strangers: Arc<Semaphore>,
    waiting_known: Arc<Semaphore>,
}

/// A verification's place, free again when dropped.
#[derive(Debug)]
pub(super) struct Verification {
    _all: OwnedSemaphorePermit,
    _stranger: Option<OwnedSemaphorePermit>,
}

impl Verifications {
    /// So many at a time, and so many waiting of strangers and of others.
    pub(super) fn new(max: usize, waiting_max: usize) -> Self {
        let semaphore = |permits: usize| Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)));
        let max = max.max(1);
        Self {
            all: semaphore(max),
            strangers: semaphore(max.saturating_sub(1).max(1)),
            waiting_strangers: semaphore(waiting_max.max(1)),
            waiting_known: semaphore(waiting_max.max(1)),
        }
    }

    /// Waits for a place. `None`: too many wait already. Whoever goes away while he waits leaves nothing behind.
    pub(super) async fn begin(&self, place: Place) -> Option<Verification> {
        let (queue, strangers) = match place {
            Place::Known => (&self.waiting_known, None),
            Place::Strange => (&self.waiting_strangers, Some(&self.strangers)),
        };
        let _waiting = queue.try_acquire().ok()?;
        let stranger = match strangers {
            Some(strangers) => Some(strangers.clone().acquire_owned().await.ok()?),
            None => None,
        };
        Some(Verification { _all: self.all.clone().acquire_owned().await.ok()?, _stranger: stranger })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    /// The place that is free for him now, or that too many wait already; `None` while he waits.
    fn at_once(verifications: &Verifications, place: Place) -> Option<Option<Verification>> {
        match poll(pin!(verifications.begin(place))) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        }
    }

    #[test]
    fn strangers_never_have_the_last_place() {
        let verifications = Verifications::new(3, 2);
        let begin = |place| at_once(&verifications, place).unwrap();
        let (first, second) = (begin(Place::Strange).unwrap(), begin(Place::Strange).unwrap());
        let (mut third, mut fourth) = (pin!(verifications.begin(Place::Strange)), pin!(verifications.begin(Place::Strange)));
        assert!(poll(third.as_mut()).is_pending() && poll(fourth.as_mut()).is_pending());
        // Two may wait.
        assert!(begin(Place::Strange).is_none());
        let known = begin(Place::Known).unwrap();
        // No more than three, of whomever.
        let mut another = pin!(verifications.begin(Place::Known));
        assert!(poll(another.as_mut()).is_pending());
        drop(first);
        assert!(poll(third.as_mut()).is_pending(), "one who is known waited");
        assert!(poll(another.as_mut()).is_ready());
        drop((known, second));
        assert!(matches!(poll(third.as_mut()), Poll::Ready(Some(_))));
        assert!(matches!(poll(fourth.as_mut()), Poll::Ready(Some(_))));
    }

    #[test]
    fn where_one_is_verified_at_a_time_who_is_known_waits_for_one_stranger() {
        let verifications = Verifications::new(1, 5);
        let first = at_once(&verifications, Place::Strange).unwrap();
        assert!(first.is_some());
        let mut queue: Vec<_> = (0..5).map(|_| Box::pin(verifications.begin(Place::Strange))).collect();
        assert!(queue.iter_mut().all(|stranger| poll(stranger.as_mut()).is_pending()));
        let mut known = pin!(verifications.begin(Place::Known));
        assert!(poll(known.as_mut()).is_pending());
        drop(first);
        assert!(queue.iter_mut().all(|stranger| poll(stranger.as_mut()).is_pending()));
        assert!(matches!(poll(known.as_mut()), Poll::Ready(Some(_))));
    }

    /// Waiting was counted up, and down again by whoever got his turn. Those who hung up while they waited were counted for
    /// ever: after 256 of them nobody could sign in any more.
    #[test]
    fn who_hangs_up_while_he_waits_leaves_his_place() {
        let verifications = Verifications::new(1, 2);
        let first = at_once(&verifications, Place::Strange).unwrap();
        assert!(first.is_some());
        for _ in 0..1_000 {
            let mut gone = [Box::pin(verifications.begin(Place::Strange)), Box::pin(verifications.begin(Place::Strange))];
            assert!(gone.iter_mut().all(|waiting| poll(waiting.as_mut()).is_pending()));
        }
        drop(first);
        let free = [&verifications.all, &verifications.strangers, &verifications.waiting_strangers].map(|of| of.available_permits());
        assert_eq!(free, [1, 1, 2]);
        assert!(matches!(poll(pin!(verifications.begin(Place::Strange))), Poll::Ready(Some(_))));
    }
}
