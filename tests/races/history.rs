//! What was asked and answered, by whom at the same time as what; and whether one server that does one thing after the other
//! could have answered so (Wing and Gong's search, remembering where it has been).

use std::collections::HashSet;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};

/// A clock that orders what happened: each look at it is later than the one before.
#[derive(Debug, Default)]
pub struct Ticks(AtomicU64);

impl Ticks {
    pub fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// One request and its answer.
#[derive(Clone, Debug)]
pub struct Operation<A> {
    pub called: u64,
    pub returned: u64,
    pub act: A,
}

/// What a server that does one thing after the other would do.
pub trait Model: Clone + Eq + Hash + Debug {
    type Act: Debug;
    /// The state after it, if it can be answered so in this one.
    fn after(&self, act: &Self::Act) -> Option<Self>;
}

/// More are not searched: a set of them is one word.
pub const OPERATIONS_MAX: usize = 64;

/// Whether some order of the operations, in which none stands before one that had returned when it was called, is one that
/// the model can take.
pub fn is_linearizable<M: Model>(begin: &M, history: &[Operation<M::Act>]) -> bool {
    assert!(history.len() <= OPERATIONS_MAX);
    let all = history.iter().enumerate().fold(0u64, |set, (index, _)| set | 1 << index);
    let mut been = HashSet::new();
    let mut open = vec![(0u64, begin.clone())];
    while let Some((done, state)) = open.pop() {
        if done == all {
            return true;
        }
        let left = || history.iter().enumerate().filter(|(index, _)| done & 1 << index == 0);
        let first_return = left().map(|(_, operation)| operation.returned).min().unwrap();
        for (index, operation) in left().filter(|(_, operation)| operation.called < first_return) {
            let Some(next) = state.after(&operation.act) else { continue };
            if been.insert((done | 1 << index, next.clone())) {
                open.push((done | 1 << index, next));
            }
        }
    }
    false
}
