//! A world: one store on clock and randomness of its own. Two worlds made by the same steps are alike to the last byte, and
//! a step that only one of them takes does not shift the other's ids: randomness is drawn anew from the name of each step.

use super::{Client, saboteur};
use acl::Level;
use argon2::PasswordHasher;
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use storage::administration::{ApplyFile, ApplyOptions, CalendarEntry, GrantEntry, GroupEntry, UserEntry};
use storage::{Environment, Options, Store};

/// Randomness as a function of the step's name and how much was drawn in it.
#[derive(Debug, Default)]
struct Entropy {
    step: String,
    /// How often each step was taken.
    taken: BTreeMap<String, u64>,
    drawn: u64,
}

/// One store and what surrounds it.
pub struct World {
    pub store: Arc<Store>,
    now: Arc<Mutex<DateTime<Utc>>>,
    entropy: Arc<Mutex<Entropy>>,
    steps: u64,
    options: Options,
    directory: tempfile::TempDir,
}

impl World {
    /// An empty world at noon of Monday, 2 November 2026.
    pub fn new() -> Self {
        Self::with_limits(storage::Limits::default())
    }

    pub fn with_limits(limits: storage::Limits) -> Self {
        Self::begun(limits, "")
    }

    /// An empty world whose keys are none that another has.
    pub fn with_keys(name: &str) -> Self {
        Self::begun(storage::Limits::default(), name)
    }

    fn begun(limits: storage::Limits, step: &str) -> Self {
        // A world lives for one test: in memory, where the system has a place for it, it is not waited for.
        let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let now = Arc::new(Mutex::new(Utc.with_ymd_and_hms(2026, 11, 2, 12, 0, 0).unwrap()));
        let entropy = Arc::new(Mutex::new(Entropy { step: step.to_owned(), ..Entropy::default() }));
        let (clock_now, source) = (now.clone(), entropy.clone());
        let environment = Environment {
            clock: Arc::new(move || *clock_now.lock().unwrap()),
            entropy: Arc::new(move |bytes: &mut [u8]| {
                let mut entropy = source.lock().unwrap();
                entropy.drawn += 1;
                let mut hasher = blake3::Hasher::new();
                hasher.update(entropy.step.as_bytes());
                hasher.update(&entropy.drawn.to_le_bytes());
                hasher.finalize_xof().fill(bytes);
            }),
        };
        let limits = match test_caches() {
            Some(caches) => limits.with_caches(caches),
            None => limits,
        };
        let options = Options { environment, limits, directory: storage::Directory::default(), engine: test_engine() };
        let store = Store::open(directory.path(), options.clone()).unwrap();
        Self { store, now, entropy, steps: 0, options, directory }
    }

    /// Closes the store and opens it again, as a restart of the server does. Clients of before are of the closed one.
    pub fn reopen(&mut self) {
        self.store.close().unwrap();
        self.store = Store::open(self.directory.path(), self.options.clone()).unwrap();
    }

    /// Names the next step: randomness drawn from here on depends alone on this name and how often it was given.
    pub fn step(&self, name: &str) {
        let mut entropy = self.entropy.lock().unwrap();
        let times = entropy.taken.entry(name.to_owned()).or_default();
        *times += 1;
        entropy.step = format!("{name} {times}");
        entropy.drawn = 0;
    }

    fn next_step(&mut self) {
        self.steps += 1;
        let name = format!("setup {}", self.steps);
        self.step(&name);
    }

    /// Lets time pass.
    pub fn pass(&mut self, time: TimeDelta) {
        *self.now.lock().unwrap() += time;
    }

    pub fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap()
    }

    fn apply(&mut self, file: &ApplyFile) {
        self.next_step();
        self.store.administration().apply(file, ApplyOptions::default()).unwrap().unwrap();
    }

    /// Applies a file of an administrator's.
    pub fn organise(&mut self, file: &ApplyFile) {
        self.apply(file);
    }

    /// Adds a user with a calendar `default`, whose address is `NAME@example.org`.
    pub fn user(mut self, name: &str) -> Self {
        let display_name = Some(format!("{} of {name}", "Name"));
        let user = UserEntry { name: name.into(), display_name, emails: Some(vec![format!("{name}@example.org")]), ..UserEntry::default() };
        self.apply(&ApplyFile { users: vec![user], ..ApplyFile::default() });
        self
    }

    /// Lets a user sign in with his name as password, whose hash costs next to nothing.
    pub fn sign_in(mut self, name: &str) -> Self {
        let cheap = argon2::Params::new(8, 1, 1, None).unwrap();
        let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, cheap);
        let hash: argon2::password_hash::phc::PasswordHash = argon2.hash_password_with_salt(name.as_bytes(), b"salt of a test").unwrap();
        let user = UserEntry { name: name.into(), password_hash: Some(hash.to_string()), ..UserEntry::default() };
        self.apply(&ApplyFile { users: vec![user], ..ApplyFile::default() });
        self
    }

    /// Sets a group's members, whole.
    pub fn group(mut self, name: &str, members: &[&str]) -> Self {
        let group = GroupEntry { name: name.into(), members: members.iter().map(|m| (*m).to_owned()).collect() };
        self.apply(&ApplyFile { groups: vec![group], ..ApplyFile::default() });
        self
    }

    /// Adds a calendar `OWNER/NAME`.
    pub fn calendar(mut self, calendar: &str) -> Self {
        let (owner, name) = calendar.split_once('/').unwrap();
        let entry = CalendarEntry { owner: owner.into(), name: name.into(), ..CalendarEntry::default() };
        self.apply(&ApplyFile { calendars: vec![entry], ..ApplyFile::default() });
        self
    }

    /// Shares `OWNER/NAME` with a user.
    pub fn share(mut self, calendar: &str, user: &str, level: Level) -> Self {
        self.grant(GrantEntry { calendar: calendar.into(), user: Some(user.into()), level: Some(level), ..GrantEntry::default() });
        self
    }

    /// Sets a grant, whole.
    pub fn grant(&mut self, grant: GrantEntry) {
        self.apply(&ApplyFile { grants: vec![grant], ..ApplyFile::default() });
    }

    /// Sets calendar policy.
    pub fn set_calendar(&mut self, calendar: CalendarEntry) {
        self.apply(&ApplyFile { calendars: vec![calendar], ..ApplyFile::default() });
    }

    /// A client of this user.
    pub fn client(&self, user: &str) -> Client {
        let principal = |name: &str| self.store.credential(name).unwrap().map(|credential| credential.principal);
        let client = Client::new(&self.store, principal(user).expect("a user of this world"), user);
        match principal("alice").filter(|_| saboteur::is_present() && user != "alice") {
            Some(owner) => client.betrayed(Client::new(&self.store, owner, "alice")),
            None => client,
        }
    }

    /// All faults the store finds in itself.
    pub fn faults(&self) -> Vec<String> {
        self.store.administration().check(&mut |_, _| {}).unwrap().into_iter().map(|fault| fault.0).collect()
    }
}

/// The engine of stores on disk, from `SHOJI_TEST_ENGINE`: what passes on one has to pass on the other.
fn test_engine() -> Option<storage::EngineKind> {
    let name = std::env::var("SHOJI_TEST_ENGINE").ok()?;
    Some(storage::EngineKind::by_name(&name).unwrap())
}

/// How much is kept in memory, from `SHOJI_TEST_CACHES`, `off` or `tiny`: whatever passes with all of it has to pass so.
fn test_caches() -> Option<storage::Caches> {
    let name = std::env::var("SHOJI_TEST_CACHES").ok()?;
    Some(storage::Caches::named(&name).unwrap())
}
