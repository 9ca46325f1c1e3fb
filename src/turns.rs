//! Turns: how many requests are worked on at a time, in all and of one user, or of one address where nobody signs in. Whoever
//! sends slowly or asks for much holds turns for long; those of one never are all there are.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The turns there are and who has them.
#[derive(Debug)]
pub struct Turns<Who> {
    all: Arc<Semaphore>,
    of_each: Mutex<Owners<Who>>,
    each: usize,
    wait: Duration,
}

/// Who has turns or waits for one, and some who did.
#[derive(Debug)]
struct Owners<Who> {
    turns: HashMap<Who, Arc<Semaphore>>,
    /// So many may there be before those who are done are forgotten.
    forget_at: usize,
}

/// Those who are done are not looked for among fewer.
const FORGET_AT_MIN: usize = 1_024;

impl<Who: Eq + Hash> Owners<Who> {
    fn tidy(&mut self) {
        self.turns.retain(|_, own| Arc::strong_count(own) > 1);
        self.forget_at = FORGET_AT_MIN.max(self.turns.len().saturating_mul(2));
    }
}

/// A turn, over when dropped.
#[derive(Debug)]
pub struct Turn {
    of_all: OwnedSemaphorePermit,
    own: OwnedSemaphorePermit,
}

/// What is kept of a turn whose work is done while its answer is under way: answers not read yet take memory, and those of
/// one have an end. Over when dropped.
#[derive(Debug)]
pub struct Delivery {
    _own: OwnedSemaphorePermit,
}

impl Turn {
    /// The work is done: others may begin theirs.
    pub fn into_delivery(self) -> Delivery {
        drop(self.of_all);
        Delivery { _own: self.own }
    }
}

impl<Who: Eq + Hash> Turns<Who> {
    /// So many turns in all, so many of each, waited for so long.
    pub fn new(all: usize, each: usize, wait: Duration) -> Self {
        Self {
            all: Arc::new(Semaphore::new(all.max(1))),
            of_each: Mutex::new(Owners { turns: HashMap::new(), forget_at: FORGET_AT_MIN }),
            each: each.max(1),
            wait,
        }
    }

    /// Waits for a turn. `None`: none came in time.
    pub async fn take(&self, who: Who) -> Option<Turn> {
        let own = self.of(who);
        // Mostly both are free, and then nothing is to be timed.
        if let Ok(free) = own.clone().try_acquire_owned()
            && let Ok(of_all) = self.all.clone().try_acquire_owned()
        {
            return Some(Turn { of_all, own: free });
        }
        let turn = async {
            // His own first: while he waits for that he keeps none from others.
            let own = own.acquire_owned().await.ok()?;
            let of_all = self.all.clone().acquire_owned().await.ok()?;
            Some(Turn { of_all, own })
        };
        tokio::time::timeout(self.wait, turn).await.ok().flatten()
    }

    fn of(&self, who: Who) -> Arc<Semaphore> {
        let mut owners = self.of_each.lock().unwrap_or_else(PoisonError::into_inner);
        if owners.turns.len() >= owners.forget_at {
            owners.tidy();
        }
        owners.turns.entry(who).or_insert_with(|| Arc::new(Semaphore::new(self.each))).clone()
    }

    /// Forgets those who have none and wait for none; call now and then.
    pub fn tidy(&self) {
        self.of_each.lock().unwrap_or_else(PoisonError::into_inner).tidy();
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use acl::PrincipalId;

    /// A device that trickled a body into each of sixty-four requests held up everybody for a minute.
    #[tokio::test]
    async fn one_user_never_has_every_turn() {
        let (alice, bob) = (PrincipalId([1; 16]), PrincipalId([2; 16]));
        let turns = Turns::new(3, 2, Duration::from_millis(50));
        let held = [turns.take(alice).await.unwrap(), turns.take(alice).await.unwrap()];
        assert!(turns.take(alice).await.is_none());
        let of_bob = turns.take(bob).await.unwrap();
        assert!(turns.take(bob).await.is_none(), "there are three in all");
        let [first, second] = held.map(Turn::into_delivery);
        drop(turns.take(bob).await.unwrap());
        assert!(turns.take(alice).await.is_none(), "she has answers to read");
        drop((first, second));
        assert!(turns.take(alice).await.is_some());
        turns.tidy();
        assert_eq!(turns.of_each.lock().unwrap().turns.len(), 1);
        drop(of_bob);
    }

    /// Every address that ever asked was kept for a minute: whoever has many filled the memory.
    #[tokio::test]
    async fn two_hundred_thousand_who_come_and_go_leave_a_thousand_and_those_who_stay_keep_theirs() {
        let turns = Turns::new(10, 1, Duration::from_millis(50));
        let stays = turns.take(u32::MAX).await.unwrap();
        for who in 0..200_000 {
            drop(turns.take(who).await.unwrap());
            assert!(who % 1_000 > 0 || turns.of_each.lock().unwrap().turns.len() <= FORGET_AT_MIN);
        }
        assert!(turns.take(u32::MAX).await.is_none(), "what is held is counted on");
        drop(stays);
        assert!(turns.take(u32::MAX).await.is_some());
    }
}
