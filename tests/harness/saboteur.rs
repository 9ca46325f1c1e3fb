//! A place for saboteurs between the server and a viewer's client: one that is let in knows all that the owner knows and
//! spoils the answers. Properties are run with one of them let in to see that they would notice; nothing else lets any in.

use super::{Answer, Client};
use std::cell::Cell;

/// What was asked.
pub struct Asked<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub body: &'a str,
}

/// Given the viewer's and the owner's client and the honest answer, what the viewer gets.
pub type Saboteur = fn(&Asked<'_>, &Client, &Client, Answer) -> Answer;

thread_local! {
    static PRESENT: Cell<Option<Saboteur>> = const { Cell::new(None) };
}

/// Does some work with a saboteur let in, on this thread.
pub fn with<T>(saboteur: Saboteur, work: impl FnOnce() -> T) -> T {
    struct Leaving;
    impl Drop for Leaving {
        fn drop(&mut self) {
            PRESENT.set(None);
        }
    }
    let _leaving = Leaving;
    PRESENT.set(Some(saboteur));
    work()
}

pub fn is_present() -> bool {
    PRESENT.get().is_some()
}

/// The answer after the saboteur had it. What he asks himself is answered honestly.
pub fn spoil(asked: &Asked<'_>, viewer: &Client, owner: &Client, answer: Answer) -> Answer {
    let Some(saboteur) = PRESENT.take() else { return answer };
    let spoilt = saboteur(asked, viewer, owner, answer);
    PRESENT.set(Some(saboteur));
    spoilt
}
