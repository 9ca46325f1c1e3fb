//! Who asks: HTTP Basic (RFC 7617) against argon2id, once per request and never per connection.
//!
//! A verified sign-in is remembered for a short time under a keyed hash of user, password, stored hash and network, so that
//! polling costs no argon2 and a changed password ends it at once. An unknown user and a wrong password take the same way.

use crate::limits::Limits;
use acl::PrincipalId;
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use base64::Engine;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use moka::sync::Cache;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use storage::Store;
use tokio::sync::Semaphore;

/// What sign-in found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// These are his credentials.
    Viewer {
        /// Who.
        principal: PrincipalId,
        /// His name, for the log.
        name: String,
    },
    /// None or wrong ones. Use with: 401.
    Unauthorized,
    /// Too many failures of this address or name. Use with: 429.
    TooManyFailures {
        /// When to try again.
        retry_after_seconds: u64,
    },
    /// Too many passwords are being verified. Use with: 503.
    Busy,
    /// The store failed; the cause for the log.
    Failed(String),
}

/// Whose failures are counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Source {
    Address(IpAddr),
    User(String),
}

/// Sign-in with its memory: bounded in size and time.
pub struct Authenticator {
    key: [u8; 32],
    dummy: String,
    remembered: Cache<[u8; 32], PrincipalId>,
    known_places: Cache<(String, IpAddr), ()>,
    failures_by_address: DefaultKeyedRateLimiter<Source>,
    failures_by_user: DefaultKeyedRateLimiter<Source>,
    blocked: Cache<Source, Instant>,
    verifying: Arc<Semaphore>,
    waiting: AtomicUsize,
    waiting_max: usize,
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authenticator(…)")
    }
}

/// A password that cannot be hashed, or randomness that is not to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the password cannot be hashed")]
pub struct HashError;

/// The PHC string of a password: argon2id, 19 MiB, two passes.
///
/// # Errors
/// No randomness for the salt.
pub fn hash_password(password: &str) -> Result<String, HashError> {
    let hash: PasswordHash = Argon2::default().hash_password(password.as_bytes()).map_err(|_| HashError)?;
    Ok(hash.to_string())
}

/// Whether the PHC string is of this password.
pub fn verify_password(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// Whether a string is an argon2 hash that can be verified here.
pub fn is_password_hash(hash: &str) -> bool {
    hash.starts_with("$argon2") && PasswordHash::new(hash).is_ok_and(|hash| hash.hash.is_some() && hash.salt.is_some())
}

fn quota(burst: u32, seconds: u64) -> Quota {
    let period = Duration::from_secs(seconds.max(1));
    Quota::with_period(period)
        .unwrap_or_else(|| Quota::per_minute(NonZeroU32::MIN))
        .allow_burst(NonZeroU32::new(burst).unwrap_or(NonZeroU32::MIN))
}

/// Counted addresses: of IPv6 the /64 that one host commonly has for itself.
pub fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & (!0u128 << 64)).into()),
        v4 => v4,
    }
}

impl Authenticator {
    /// An empty memory.
    ///
    /// # Errors
    /// No randomness.
    pub fn new(limits: &Limits) -> Result<Self, HashError> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|_| HashError)?;
        let remembered = Duration::from_secs(limits.sign_in_remembered_seconds.max(1));
        Ok(Self {
            key,
            dummy: hash_password("a password nobody has")?,
            remembered: Cache::builder().max_capacity(100_000).time_to_live(remembered).build(),
            known_places: Cache::builder().max_capacity(100_000).time_to_idle(Duration::from_secs(30 * 86_400)).build(),
            failures_by_address: RateLimiter::keyed(quota(limits.failed_sign_ins_per_address, limits.failed_sign_in_seconds)),
            failures_by_user: RateLimiter::keyed(quota(limits.failed_sign_ins_per_user, limits.failed_sign_in_seconds)),
            blocked: Cache::builder().max_capacity(100_000).time_to_live(Duration::from_secs(limits.failed_sign_in_seconds.max(1))).build(),
            verifying: Arc::new(Semaphore::new(limits.verifications_max.max(1))),
            waiting: AtomicUsize::new(0),
            waiting_max: limits.verifications_waiting_max,
        })
    }

    /// Forgets counters that have run full again; call now and then.
    pub fn tidy(&self) {
        self.failures_by_address.retain_recent();
        self.failures_by_user.retain_recent();
    }

    /// Decides who sent this `Authorization` header from this address.
    pub async fn sign_in(&self, store: &Arc<Store>, authorization: Option<&http::HeaderValue>, address: IpAddr) -> SignIn {
        let Some((user, password)) = authorization.and_then(|value| basic(value.as_bytes())) else {
            return SignIn::Unauthorized;
        };
        let well_formed = is_well_formed(&user);
        let credential = match if well_formed { store.credential(&user) } else { Ok(None) } {
            Ok(credential) => credential,
            Err(error) => return SignIn::Failed(error.to_string()),
        };
        let stored = credential.as_ref().and_then(|c| c.password_hash.as_deref());
        let place = counted(address);
        let memory = self.memory_key(&user, &password, stored.unwrap_or(&self.dummy), place);
        if let Some(credential) = &credential
            && self.remembered.get(&memory) == Some(credential.principal)
        {
            return SignIn::Viewer { principal: credential.principal, name: user };
        }
        if let Some(retry_after_seconds) = self.must_wait(&user, place) {
            return SignIn::TooManyFailures { retry_after_seconds };
        }
        let hash = stored.unwrap_or(&self.dummy).to_owned();
        let verified = match self.verify(password, hash).await {
            Some(verified) => verified,
            None => return SignIn::Busy,
        };
        match credential {
            Some(credential) if verified && credential.password_hash.is_some() => {
                self.remembered.insert(memory, credential.principal);
                self.known_places.insert((user.clone(), place), ());
                SignIn::Viewer { principal: credential.principal, name: user }
            }
            _ => {
                self.failed(&user, address);
                SignIn::Unauthorized
            }
        }
    }

    async fn verify(&self, password: String, hash: String) -> Option<bool> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.waiting_max {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let permit = self.verifying.clone().acquire_owned().await;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        let permit = permit.ok()?;
        metrics::counter!("shoji_password_verifications_total").increment(1);
        tokio::task::spawn_blocking(move || {
            let verified = verify_password(&password, &hash);
            drop(permit);
            verified
        })
        .await
        .ok()
    }

    /// The place is part of it: else guessing, unlimited elsewhere, would find what is remembered here.
    fn memory_key(&self, user: &str, password: &str, hash: &str, place: IpAddr) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for part in [user, password, hash, &place.to_string()] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }

    /// Seconds to wait, if this address or name has failed too often. A name is not held up where its owner has signed in
    /// before: else anybody could lock her out by guessing.
    fn must_wait(&self, user: &str, address: IpAddr) -> Option<u64> {
        let known = self.known_places.contains_key(&(user.to_owned(), address));
        let by_address = self.blocked.get(&Source::Address(address));
        let by_user = if known { None } else { self.blocked.get(&Source::User(user.to_owned())) };
        let until = by_address.into_iter().chain(by_user).max()?;
        let left = until.checked_duration_since(Instant::now())?;
        Some(left.as_secs() + 1)
    }

    fn failed(&self, user: &str, address: IpAddr) {
        // Names that cannot exist are counted as one, so that made-up names do not fill the table.
        let name = if is_well_formed(user) { user } else { "-" };
        let sources =
            [(&self.failures_by_address, Source::Address(counted(address))), (&self.failures_by_user, Source::User(name.to_owned()))];
        for (limiter, source) in sources {
            if let Err(not_until) = limiter.check_key(&source) {
                use governor::clock::{Clock, DefaultClock};
                let wait = not_until.wait_time_from(DefaultClock::default().now());
                self.blocked.insert(source, Instant::now() + wait);
            }
        }
        // A line of its own form: intrusion detection reads it. Only here does an address stand in the log.
        metrics::counter!("shoji_sign_ins_total", "result" => "failed").increment(1);
        tracing::warn!(target: "sign-in", "sign-in failed user={name} ip={}", address.to_canonical());
    }
}

/// User names are path segments: `[a-z0-9._-]`, 1 to 64 characters.
pub fn is_well_formed(user: &str) -> bool {
    (1..=64).contains(&user.len()) && user.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
}

/// User and password of `Basic` credentials (RFC 7617 §2), UTF-8.
pub(crate) fn basic(header: &[u8]) -> Option<(String, String)> {
    let text = std::str::from_utf8(header).ok()?;
    let (scheme, encoded) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") || encoded.len() > 2_048 {
        return None;
    }
    let decoded = String::from_utf8(base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn credentials_are_read_as_rfc_7617_writes_them() {
        assert_eq!(basic(b"Basic YWxpY2U6cGE6c3M="), Some(("alice".into(), "pa:ss".into())));
        assert_eq!(basic(b"bAsIc YWxpY2U6"), Some(("alice".into(), String::new())));
        for wrong in [&b"Bearer x"[..], b"Basic", b"Basic !!", b"Basic YWxpY2U=", b"Basic /w=="] {
            assert_eq!(basic(wrong), None);
        }
    }

    #[test]
    fn a_hash_verifies_its_password_only() {
        let hash = hash_password("correct").unwrap();
        assert!(is_password_hash(&hash));
        assert!(verify_password("correct", &hash));
        assert!(!verify_password("wrong", &hash));
        assert!(!is_password_hash("$argon2id$nothing"));
    }

    #[test]
    fn an_ipv6_host_is_counted_by_its_network() {
        assert_eq!(counted("2001:db8::1".parse().unwrap()), counted("2001:db8::ffff".parse().unwrap()));
        assert_ne!(counted("2001:db8:0:1::1".parse().unwrap()), counted("2001:db8::1".parse().unwrap()));
        assert_eq!(counted("::ffff:192.0.2.1".parse().unwrap()), "192.0.2.1".parse::<IpAddr>().unwrap());
    }
}
