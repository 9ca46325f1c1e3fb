//! The real clock and the operating system's randomness.

use std::sync::Arc;

/// What a serving store runs on.
pub fn system() -> storage::Environment {
    storage::Environment {
        clock: Arc::new(chrono::Utc::now),
        entropy: Arc::new(|bytes: &mut [u8]| {
            // Ids and keys made without randomness would betray everything kept under them: there is no way on.
            if getrandom::fill(bytes).is_err() {
                std::process::abort();
            }
        }),
    }
}
