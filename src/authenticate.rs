//! Who asks: HTTP Basic (RFC 7617) against argon2id, once per request and never per connection.
//!
//! A verified sign-in is remembered for a short time under a keyed hash of what was sent and the network, so that polling costs
//! no argon2. As long as nobody was changed since, the store is not asked; else it is, and a changed password ends it at once.
//! An unknown user and a wrong password take the same way.

mod failures;
mod verifications;

use crate::limits::Limits;
use acl::PrincipalId;
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use base64::Engine;
use failures::{Failures, Place};
use moka::sync::Cache;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use storage::{Credential, Store};
use verifications::{Verification, Verifications};

/// What sign-in found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignIn {
    /// These are his credentials.
    Viewer {
        /// Who.
        principal: PrincipalId,
        /// His name, for the log.
        name: Arc<str>,
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

/// Sign-in with its memory: bounded in size and time.
pub struct Authenticator {
    key: [u8; 32],
    dummy: String,
    remembered: Cache<[u8; 32], Arc<Remembered>>,
    known_places: Cache<(String, IpAddr), ()>,
    failures: Arc<Failures>,
    verifications: Verifications,
}

impl std::fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authenticator(…)")
    }
}

/// A sign-in that was verified.
struct Remembered {
    principal: PrincipalId,
    name: Arc<str>,
    /// What it was verified against.
    hash: String,
    /// Of [`Store::generation`]: when that was still what was stored.
    seen: AtomicU64,
}

impl Remembered {
    /// Whether nobody was changed since it was seen to be what is stored.
    fn is_fresh(&self, store: &Store) -> bool {
        self.seen.load(Ordering::Acquire) == store.generation()
    }
    /// Whether the user is still there with the same password.
    fn is_stored(&self, now: Option<&Credential>) -> bool {
        let same = now.filter(|now| now.principal == self.principal && now.password_hash() == Some(self.hash.as_str()));
        if let Some(now) = same {
            self.seen.store(now.generation, Ordering::Release);
        }
        same.is_some()
    }
}

/// What is stored of a user. The store is waited for where waiting hinders nobody.
async fn credential(store: &Arc<Store>, user: &str) -> Result<Option<Credential>, String> {
    let (store, user) = (store.clone(), user.to_owned());
    let read = tokio::task::spawn_blocking(move || store.credential(&user)).await;
    read.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
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

/// What a hash from elsewhere may ask for: KiB of memory, passes and lanes. Ours ask for 19 MiB, two and one.
const HASH_KIB_MAX: u32 = 64 << 10;
const HASH_PASSES_MAX: u32 = 16;
const HASH_LANES_MAX: u32 = 16;

/// The PHC string read, if it is an argon2 hash that can be verified here within its bounds.
fn read_hash(hash: &str) -> Option<PasswordHash> {
    let hash = PasswordHash::new(hash).ok().filter(|hash| hash.hash.is_some() && hash.salt.is_some())?;
    argon2::Algorithm::new(hash.algorithm.as_str()).ok()?;
    let params = argon2::Params::try_from(&hash).ok()?;
    let bounded = params.m_cost() <= HASH_KIB_MAX && params.t_cost() <= HASH_PASSES_MAX && params.p_cost() <= HASH_LANES_MAX;
    bounded.then_some(hash)
}

/// Whether the PHC string is of this password.
pub fn verify_password(password: &str, hash: &str) -> bool {
    read_hash(hash).is_some_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// Whether a string is an argon2 hash that can be verified here: with at most 64 MiB, 16 passes and 16 lanes.
pub fn is_password_hash(hash: &str) -> bool {
    read_hash(hash).is_some()
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
            failures: Arc::new(Failures::new(limits)),
            verifications: Verifications::new(limits.verifications_max, limits.verifications_waiting_max),
        })
    }

    /// Forgets counters that have run full again; call now and then.
    pub fn tidy(&self) {
        self.failures.tidy();
    }

    /// Decides who sent this `Authorization` header from this address.
    pub async fn sign_in(&self, store: &Arc<Store>, authorization: Option<&http::HeaderValue>, address: IpAddr) -> SignIn {
        let Some(sent) = authorization.map(http::HeaderValue::as_bytes) else { return SignIn::Unauthorized };
        let network = counted(address);
        let memory = self.memory_key(sent, network);
        let remembered = self.remembered.get(&memory);
        if let Some(remembered) = &remembered
            && remembered.is_fresh(store)
        {
            return SignIn::Viewer { principal: remembered.principal, name: remembered.name.clone() };
        }
        let Some((user, password)) = basic(sent) else { return SignIn::Unauthorized };
        let well_formed = is_well_formed(&user);
        let credential = match if well_formed { credential(store, &user).await } else { Ok(None) } {
            Ok(credential) => credential,
            Err(cause) => return SignIn::Failed(cause),
        };
        if let Some(remembered) = remembered.filter(|remembered| remembered.is_stored(credential.as_ref())) {
            return SignIn::Viewer { principal: remembered.principal, name: remembered.name.clone() };
        }
        // A hash that cannot be verified is no hash: it costs what any other does.
        let stored = credential.as_ref().and_then(|c| c.password_hash()).filter(|hash| is_password_hash(hash));
        let place = if self.known_places.contains_key(&(user.clone(), network)) { Place::Known } else { Place::Strange };
        let name = counted_name(&user);
        let verification = match self.turn(address, name, place).await {
            Ok(verification) => verification,
            Err(refused) => return refused,
        };
        // A program opens several connections at once: what one of them was verified for while this one waited, it need not be again.
        if let Some(remembered) = self.remembered.get(&memory).filter(|remembered| remembered.is_fresh(store)) {
            return SignIn::Viewer { principal: remembered.principal, name: remembered.name.clone() };
        }
        let user_exists = stored.is_some();
        let hash = stored.unwrap_or(&self.dummy).to_owned();
        let (attempt, verified_against) = (Attempt { password, address, name: name.to_owned() }, hash.clone());
        let failures = self.failures.clone();
        metrics::counter!("shoji_password_verifications_total").increment(1);
        let verifying = tokio::task::spawn_blocking(move || {
            let verified = verify_password(&attempt.password, &verified_against) && user_exists;
            if !verified {
                attempt.failed(&failures);
            }
            // The place is free when what was found is remembered: who waits for it looks there first.
            (verified, verification)
        });
        let (verified, _place) = verifying.await.map_or((false, None), |(verified, place)| (verified, Some(place)));
        match credential {
            Some(credential) if verified => {
                let (principal, name) = (credential.principal, Arc::from(user.as_str()));
                let seen = AtomicU64::new(credential.generation);
                self.remembered.insert(memory, Arc::new(Remembered { principal, name: Arc::clone(&name), hash, seen }));
                self.known_places.insert((user, network), ());
                SignIn::Viewer { principal, name }
            }
            _ => SignIn::Unauthorized,
        }
    }

    /// Waits for a verification's place, unless this address or name has to wait longer. That is looked at again when the
    /// place is there: else guesses sent all at once would all be answered.
    async fn turn(&self, address: IpAddr, name: &str, place: Place) -> Result<Verification, SignIn> {
        let may_go_on = || match self.failures.must_wait(address, name, place) {
            Some(retry_after_seconds) => Err(SignIn::TooManyFailures { retry_after_seconds }),
            None => Ok(()),
        };
        may_go_on()?;
        let verification = self.verifications.begin(place).await.ok_or(SignIn::Busy)?;
        may_go_on()?;
        Ok(verification)
    }

    /// The place is part of it: else guessing, unlimited elsewhere, would find what is remembered here.
    fn memory_key(&self, sent: &[u8], place: IpAddr) -> [u8; 32] {
        let place = match place {
            IpAddr::V4(v4) => v4.to_ipv6_mapped(),
            IpAddr::V6(v6) => v6,
        };
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&place.octets());
        hasher.update(sent);
        *hasher.finalize().as_bytes()
    }
}

/// One password that somebody sent.
struct Attempt {
    password: String,
    address: IpAddr,
    name: String,
}

impl Attempt {
    /// Whether anybody still waits for the answer or not: who hangs up is counted too.
    fn failed(&self, failures: &Failures) {
        let Self { address, name, .. } = self;
        failures.count(*address, name);
        // A line of its own form: intrusion detection reads it. Only here does an address stand in the log.
        metrics::counter!("shoji_sign_ins_total", "result" => "failed").increment(1);
        tracing::warn!(target: "sign-in", "sign-in failed user={name} ip={}", address.to_canonical());
    }
}

/// Names that cannot exist are counted as one, so that made-up names do not fill the table.
fn counted_name(user: &str) -> &str {
    if is_well_formed(user) { user } else { "-" }
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
        // One that asks for four gigabytes would take them at each sign-in.
        let greedy = hash.replace("m=19456", "m=4194304");
        assert!(greedy != hash && !is_password_hash(&greedy) && !verify_password("correct", &greedy));
        assert!(is_password_hash(&hash.replace("m=19456", "m=65536")));
    }

    #[test]
    fn an_ipv6_host_is_counted_by_its_network() {
        assert_eq!(counted("2001:db8::1".parse().unwrap()), counted("2001:db8::ffff".parse().unwrap()));
        assert_ne!(counted("2001:db8:0:1::1".parse().unwrap()), counted("2001:db8::1".parse().unwrap()));
        assert_eq!(counted("::ffff:192.0.2.1".parse().unwrap()), "192.0.2.1".parse::<IpAddr>().unwrap());
    }
}
