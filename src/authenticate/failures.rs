//! Who failed to sign in too often: counted by address and by name, in tables that have an end.
//!
//! Whoever attacks from more addresses, or with more names, than the tables hold is counted together with all others for whom
//! there is no room. They wait, and with them whoever is new here: the attack closes the door, it does not widen it.

use super::counted;
use crate::limits::Limits;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use moka::sync::Cache;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Whose failures are counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Source {
    Address(IpAddr),
    User(String),
    /// All addresses for which the table has no room.
    OtherAddresses,
    /// All names for which the table has no room.
    OtherUsers,
}

/// Where a sign-in comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Where this user signed in before.
    Known,
    /// Anywhere else, and anybody who is not a user.
    Strange,
}

/// One table and its end.
struct Table {
    limiter: DefaultKeyedRateLimiter<Source>,
    others: Source,
    max: usize,
    /// When it was full and what is forgiven was looked for.
    full: Mutex<Option<Instant>>,
}

/// A full table is not gone through more often.
const BREATH: Duration = Duration::from_secs(1);

impl Table {
    fn new(burst: u32, others: Source, limits: &Limits) -> Self {
        let period = Duration::from_secs(limits.failed_sign_in_seconds.max(1));
        let quota = Quota::with_period(period)
            .unwrap_or_else(|| Quota::per_minute(NonZeroU32::MIN))
            .allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN));
        Self { limiter: RateLimiter::keyed(quota), others, max: limits.failed_sources_max.max(1), full: Mutex::default() }
    }

    /// Counts one failure. If it was one too many: who has to wait, and for how long.
    fn count(&self, source: Source) -> Option<(Source, Duration)> {
        let source = if self.has_room() { source } else { self.others.clone() };
        let not_until = self.limiter.check_key(&source).err()?;
        Some((source, not_until.wait_time_from(DefaultClock::default().now())))
    }

    fn has_room(&self) -> bool {
        if self.limiter.len() < self.max {
            return true;
        }
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        if full.is_none_or(|at| at.elapsed() >= BREATH) {
            self.limiter.retain_recent();
            *full = Some(Instant::now());
        }
        self.limiter.len() < self.max
    }
}

/// The tables and who has to wait.
pub(super) struct Failures {
    by_address: Table,
    by_user: Table,
    waiting: Cache<Source, Instant>,
}

impl Failures {
    pub(super) fn new(limits: &Limits) -> Self {
        let forgiven = Duration::from_secs(limits.failed_sign_in_seconds.max(1));
        // Whoever waits stands in one of the tables: this one always has room for all of them.
        let waiting_max = (limits.failed_sources_max as u64).saturating_add(1).saturating_mul(2);
        Self {
            by_address: Table::new(limits.failed_sign_ins_per_address, Source::OtherAddresses, limits),
            by_user: Table::new(limits.failed_sign_ins_per_user, Source::OtherUsers, limits),
            waiting: Cache::builder().max_capacity(waiting_max).time_to_live(forgiven).build(),
        }
    }

    /// Forgets what is forgiven.
    pub(super) fn tidy(&self) {
        self.by_address.limiter.retain_recent();
        self.by_user.limiter.retain_recent();
    }

    /// Counts a failure of this address with this name.
    pub(super) fn count(&self, address: IpAddr, name: &str) {
        let counted = [self.by_address.count(Source::Address(counted(address))), self.by_user.count(Source::User(name.to_owned()))];
        for (source, wait) in counted.into_iter().flatten() {
            self.waiting.insert(source, Instant::now() + wait);
        }
    }

    /// Seconds to wait, if this address or name has failed too often, or there are too many to tell. A name is not held up
    /// where its owner has signed in before: else anybody could lock her out by guessing.
    pub(super) fn must_wait(&self, address: IpAddr, name: &str, place: Place) -> Option<u64> {
        let of_strangers = || [Source::User(name.to_owned()), Source::OtherAddresses, Source::OtherUsers];
        let sources =
            std::iter::once(Source::Address(counted(address))).chain((place == Place::Strange).then(of_strangers).into_iter().flatten());
        let until = sources.filter_map(|source| self.waiting.get(&source)).max()?;
        let left = until.checked_duration_since(Instant::now())?;
        Some(left.as_secs() + 1)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn network(number: u32) -> IpAddr {
        IpAddr::V6(((0x2001_0db8_u128 << 96) | (u128::from(number) << 64)).into())
    }

    /// The tables were cleared once a minute, and until then grew with every /64 an attacker had: a /40 has sixteen million.
    #[test]
    fn two_hundred_thousand_networks_and_names_fill_the_tables_to_their_end_and_then_strangers_wait() {
        let limits = Limits { failed_sources_max: 1_000, failed_sign_in_seconds: 3_600, ..Limits::default() };
        let failures = Failures::new(&limits);
        let home = "192.0.2.1".parse().unwrap();
        failures.count(home, "alice");
        for number in 0..200_000 {
            failures.count(network(number), &format!("name-{number}"));
            if number == 900 {
                assert_eq!(failures.must_wait(network(7_000_000), "carol", Place::Strange), None, "there is room yet");
            }
        }
        failures.waiting.run_pending_tasks();
        // One more: those for whom there is no room.
        let sizes = [failures.by_address.limiter.len(), failures.by_user.limiter.len()];
        assert_eq!(sizes, [1_001, 1_001]);
        assert!(failures.waiting.entry_count() <= 2_002);
        let wait = failures.must_wait(network(7_000_000), "carol", Place::Strange).unwrap();
        assert!((1..=3_601).contains(&wait));
        assert_eq!(failures.must_wait(network(7_000_000), "alice", Place::Known), None, "who is known goes on");
        assert_eq!(failures.must_wait(home, "alice", Place::Known), None);
    }

    #[test]
    fn what_is_forgiven_makes_room() {
        let limits = Limits { failed_sources_max: 10, failed_sign_ins_per_address: 1, failed_sign_in_seconds: 1, ..Limits::default() };
        let failures = Failures::new(&limits);
        for number in 0..10 {
            failures.count(network(number), "a");
        }
        assert_eq!(failures.by_address.limiter.len(), 10);
        std::thread::sleep(Duration::from_millis(2_200));
        failures.count(network(10), "a");
        assert!(failures.by_address.limiter.len() < 10, "the eleventh has a place of his own");
        assert_eq!(failures.must_wait(network(11), "b", Place::Strange), None);
    }

    #[test]
    fn one_address_waits_for_itself_alone_and_one_name_everywhere_but_at_home() {
        let limits =
            Limits { failed_sign_ins_per_address: 3, failed_sign_ins_per_user: 5, failed_sign_in_seconds: 3_600, ..Limits::default() };
        let failures = Failures::new(&limits);
        for _ in 0..4 {
            failures.count(network(1), "alice");
        }
        assert!(failures.must_wait(network(1), "bob", Place::Known).is_some());
        assert_eq!(failures.must_wait(network(2), "alice", Place::Strange), None);
        for number in 2..4 {
            failures.count(network(number), "alice");
        }
        assert!(failures.must_wait(network(5), "alice", Place::Strange).is_some());
        assert_eq!(failures.must_wait(network(5), "alice", Place::Known), None);
        assert_eq!(failures.must_wait(network(5), "bob", Place::Strange), None);
    }
}
