//! What the store takes from outside: the clock and randomness.

use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Clock and randomness. Tests hand two stores the same ones.
#[derive(Clone)]
pub struct Environment {
    /// The present moment.
    pub clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    /// Fills the slice with unpredictable bytes: ids and the database's key.
    pub entropy: Arc<dyn Fn(&mut [u8]) + Send + Sync>,
}
