//! What the store takes from outside: the clock and randomness.

use chrono::{DateTime, Utc};
use std::sync::Arc;

/// The present moment.
pub type Clock = dyn Fn() -> DateTime<Utc> + Send + Sync;
/// Fills the slice with unpredictable bytes.
pub type Entropy = dyn Fn(&mut [u8]) + Send + Sync;

/// Clock and randomness. Tests hand two stores the same ones.
#[derive(Clone)]
pub struct Environment {
    /// The present moment.
    pub clock: Arc<Clock>,
    /// Fills the slice with unpredictable bytes: ids and the database's key.
    pub entropy: Arc<Entropy>,
}
