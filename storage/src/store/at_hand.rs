//! Reading what is at hand: without waiting for anybody, with next to nothing asked of the engine, so that whoever serves many
//! connections on one thread may do it there. What is not at hand is declined, and asked for again where it may take its time:
//! the same work then runs from its beginning. Must not answer differently, only less often.

use super::{Company, Snapshot, Store};
use crate::error::{Error, Result};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Values of the engine's that one look may need, each of which may have to come from the disk: an object's text, and its dates
/// where they are no longer kept. Else whoever asks for whole calendars makes everybody wait for a thread.
const GETS_MAX: u32 = 2;
/// Bytes of an object as shown that are few enough to be copied at once.
pub(crate) const BYTES_MAX: u64 = 64 << 10;

/// How much of what it may one look has needed.
#[derive(Debug, Default)]
pub(super) struct AtHand {
    gets: AtomicU32,
    declined: AtomicBool,
}

impl AtHand {
    /// Notes that something was not at hand, whatever becomes of the error.
    pub(super) fn decline<T>(&self) -> Result<T> {
        self.declined.store(true, Ordering::Relaxed);
        Err(Error::NotAtHand)
    }
    pub(super) fn has_declined(&self) -> bool {
        self.declined.load(Ordering::Relaxed)
    }
    /// One value.
    pub(super) fn get(&self) -> Result<()> {
        if self.gets.fetch_add(1, Ordering::Relaxed) < GETS_MAX { Ok(()) } else { self.decline() }
    }
}

impl Snapshot<'_> {
    /// Whether nothing may be waited for.
    pub(crate) fn is_at_hand(&self) -> bool {
        self.at_hand.is_some()
    }
    /// What follows may take its time: declined where it may not.
    pub(crate) fn not_at_hand(&self) -> Result<()> {
        self.at_hand.map_or(Ok(()), AtHand::decline)
    }
}

impl Store {
    /// Runs `work` on one state if nobody writes, with what is at hand.
    pub(super) fn read_at_hand<T, E: From<Error>>(
        &self,
        at_hand: &AtHand,
        work: impl FnOnce(&Snapshot<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let Some(gate) = self.gate.try_read() else { return Ok(at_hand.decline()?) };
        let Some(engine) = gate.as_ref().filter(|_| !self.failure.is_noted()) else { return Ok(at_hand.decline()?) };
        let snapshot = Snapshot { at_hand: Some(at_hand), ..Snapshot::new(self, engine.as_ref(), Company::Readers) };
        work(&snapshot)
    }
}
