//! Watching whether the store takes writes, saying so in the log when that changes, and bringing it back when its engine or its
//! disk failed: by itself, so that nobody has to restart a server whose disk was full for an hour. While all is well nobody
//! looks but now and then: the store says when it is not.

use std::sync::Arc;
use std::time::Duration;
use storage::{Error, Health, Store};
use tokio::sync::{Notify, watch};

/// Between two looks at a store that does not take writes.
const PAUSE: Duration = Duration::from_millis(500);
/// Between two looks at one that does: whether others fill the disk, of which only who writes would be told.
const LONG_PAUSE: Duration = Duration::from_secs(30);
/// Between two attempts, which doubles from one to the next.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Watches until `stop`.
pub async fn watch(store: Arc<Store>, mut stop: watch::Receiver<bool>) {
    let mut told = Health::Well;
    let mut attempts = Attempts::default();
    let failed = Arc::new(Notify::new());
    let woken = failed.clone();
    store.watch(move || woken.notify_one());
    loop {
        let health = store.health();
        tell(&told, &health);
        // What is to be mended may have to wait for room.
        let pause = match &health {
            Health::DiskFull | Health::Failed(_) => match attempt(store.clone()).await {
                Ok(()) => PAUSE,
                Err(error) => attempts.failed(&error),
            },
            Health::Reserve { .. } => PAUSE,
            Health::Well | Health::Closed => LONG_PAUSE,
        };
        if store.health() == Health::Well {
            attempts = Attempts::default();
        }
        told = health.clone();
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = failed.notified(), if health == Health::Well => {}
            _ = stop.changed() => return,
        }
    }
}

/// Attempts in a row that failed.
#[derive(Debug, Default)]
struct Attempts {
    pause: Option<Duration>,
    cause: String,
}

impl Attempts {
    /// How long to wait before the next. A cause is told once.
    fn failed(&mut self, error: &Error) -> Duration {
        let cause = error.to_string();
        if cause != self.cause {
            tracing::warn!(target: "shoji", %error, "the store could not be brought back yet: trying again now and then");
            self.cause = cause;
        }
        let pause = self.pause.map_or(FIRST_PAUSE, |pause| pause.saturating_mul(2)).min(LONGEST_PAUSE);
        self.pause = Some(pause);
        pause
    }
}

async fn attempt(store: Arc<Store>) -> Result<(), Error> {
    let healed = tokio::task::spawn_blocking(move || store.heal()).await;
    healed.unwrap_or_else(|_| {
        tracing::error!(target: "shoji", "bringing the store back ended in a panic: this is a defect");
        Err(Error::Engine("bringing the store back ended in a panic".to_owned()))
    })
}

fn kind(health: &Health) -> u8 {
    match health {
        Health::Well => 0,
        Health::Reserve { .. } => 1,
        Health::DiskFull => 2,
        Health::Failed(_) => 3,
        Health::Closed => 4,
    }
}

fn tell(before: &Health, now: &Health) {
    if kind(before) == kind(now) {
        return;
    }
    match now {
        Health::Well => tracing::info!(target: "shoji", "the store takes writes again"),
        Health::Reserve { free_bytes, reserve_bytes } => tracing::error!(
            target: "shoji",
            free_bytes,
            reserve_bytes,
            "the disk is nearly full: writes are refused until more than storage.reserve_bytes is free; reading goes on"
        ),
        Health::DiskFull => tracing::error!(target: "shoji", "the disk is full: writes are refused until there is room; reading goes on"),
        Health::Failed(cause) => {
            tracing::error!(target: "shoji", cause, "the disk failed: writes are refused until the store was opened anew")
        }
        Health::Closed => {}
    }
}
