//! Turns: how many signed-in requests are worked on at a time, in all and of one user. Whoever sends slowly or asks for much
//! holds turns for long; those of one user never are all there are.

use acl::PrincipalId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The turns there are and who has them.
#[derive(Debug)]
pub struct Turns {
    all: Arc<Semaphore>,
    of_users: Mutex<HashMap<PrincipalId, Arc<Semaphore>>>,
    per_user: usize,
    wait: Duration,
}

/// A turn, over when dropped.
#[derive(Debug)]
pub struct Turn {
    of_all: OwnedSemaphorePermit,
    of_user: OwnedSemaphorePermit,
}

/// What is kept of a turn whose work is done while its answer is under way: answers not read yet take memory, and those of
/// one user have an end. Over when dropped.
#[derive(Debug)]
pub struct Delivery {
    _of_user: OwnedSemaphorePermit,
}

impl Turn {
    /// The work is done: others may begin theirs.
    pub fn into_delivery(self) -> Delivery {
        drop(self.of_all);
        Delivery { _of_user: self.of_user }
    }
}

impl Turns {
    /// So many turns in all, so many of one user, waited for so long.
    pub fn new(all: usize, per_user: usize, wait: Duration) -> Self {
        Self { all: Arc::new(Semaphore::new(all.max(1))), of_users: Mutex::default(), per_user: per_user.max(1), wait }
    }

    /// Waits for a turn. `None`: none came in time.
    pub async fn take(&self, user: PrincipalId) -> Option<Turn> {
        let own = self.of_user(user);
        let turn = async {
            // His own first: while he waits for that he keeps none from others.
            let of_user = own.acquire_owned().await.ok()?;
            let of_all = self.all.clone().acquire_owned().await.ok()?;
            Some(Turn { of_all, of_user })
        };
        tokio::time::timeout(self.wait, turn).await.ok().flatten()
    }

    fn of_user(&self, user: PrincipalId) -> Arc<Semaphore> {
        let mut of_users = self.of_users.lock().unwrap_or_else(PoisonError::into_inner);
        of_users.entry(user).or_insert_with(|| Arc::new(Semaphore::new(self.per_user))).clone()
    }

    /// Forgets users who have none and wait for none; call now and then.
    pub fn tidy(&self) {
        let mut of_users = self.of_users.lock().unwrap_or_else(PoisonError::into_inner);
        of_users.retain(|_, own| Arc::strong_count(own) > 1);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

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
        assert_eq!(turns.of_users.lock().unwrap().len(), 1);
        drop(of_bob);
    }
}
