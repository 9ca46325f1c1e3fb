//! Removing for good, now and then, what is past its time: earlier versions and what was deleted. Each step is short and lets
//! everyone else go first.

use std::sync::Arc;
use std::time::Duration;
use storage::Store;
use tokio::sync::watch;

/// Between two sweeps, and before the first.
const PAUSE: Duration = Duration::from_secs(3_600);
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// Between two steps of one.
const BREATH: Duration = Duration::from_millis(200);

/// Sweeps until `stop`.
pub async fn sweep(store: Arc<Store>, mut stop: watch::Receiver<bool>) {
    let mut pause = FIRST_PAUSE;
    let mut from = None;
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.changed() => return,
        }
        let store = store.clone();
        from = match tokio::task::spawn_blocking(move || store.sweep(from)).await {
            Ok(Ok(next)) => next,
            Ok(Err(error)) => {
                tracing::error!(target: "shoji", %error, "what is past its time could not be removed");
                None
            }
            Err(_) => {
                tracing::error!(target: "shoji", "removing what is past its time ended in a panic: this is a defect");
                None
            }
        };
        pause = if from.is_some() { BREATH } else { PAUSE };
    }
}
