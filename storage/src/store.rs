//! Opening and closing the store, and the doors to it.
//!
//! One gate orders everything: readers hold it together, a writer alone, so that each call sees policy and data of one
//! state, and a write's preconditions still hold when it is committed. Waiting for the disk happens after the gate is let
//! go, so that the writers of one moment share it. The gate is fair: whoever waits has his turn, however many writers follow
//! each other without pause. A call inside of another on the same thread would wait for itself.

pub(crate) mod at_hand;
mod credential;
mod door;
mod durable;
#[cfg(test)]
mod tests;

pub use credential::Credential;
pub use door::Door;

use crate::administration::Administration;
use crate::authorized::LinkDoor;
use crate::backup::Copying;
use crate::calendars;
use crate::change_engine::Place;
use crate::engine::{self, Batch, Engine, EngineKind, KeyRange, Ticket, Visit};
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::facts::{Change, Facts};
use crate::health::{Failure, Files, Source};
use crate::journal::{self, Day, Pending, Room};
use crate::keys;
use crate::limits::Limits;
use crate::links::{LinkSecret, UseCounts};
use crate::migrate;
use crate::objects::Parsed;
use crate::read::{Read, Transaction, present, record};
use crate::record::FORMAT_VERSION;
use crate::spool::Spool;
use crate::view::{Recall, Views};
use acl::pseudonym::DatabaseKey;
use acl::{Policy, PrincipalId};
use at_hand::AtHand;
use chrono::{DateTime, Utc};
use durable::{Commit, Durability};
use parking_lot::{Mutex, RwLock};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How to open a store.
#[derive(Clone)]
pub struct Options {
    /// Clock and randomness.
    pub environment: Environment,
    /// Bounds.
    pub limits: Limits,
    /// Whom a user can find.
    pub directory: Directory,
    /// What it has to stand on; `None`: what it stands on, or [`EngineKind::DEFAULT`] if it is new.
    pub engine: Option<EngineKind>,
}

/// Which principals exist for a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Directory {
    /// Himself, his groups and their members, whom he shares something with, and who shares something with him.
    #[default]
    Related,
    /// Every user and group.
    Everyone,
}

/// An open store. One process at a time.
pub struct Store {
    /// `None` after closing.
    pub(crate) gate: RwLock<Option<Arc<dyn Engine>>>,
    /// Keeps everybody else away until dropped, also while the engine is opened anew.
    lock: Mutex<Option<File>>,
    key: DatabaseKey,
    options: Options,
    pub(crate) source: Source,
    pub(crate) failure: Arc<Failure>,
    pub(crate) copying: Copying,
    pub(crate) views: Views,
    spool: Arc<Spool>,
    pub(crate) facts: Facts,
    recall: Recall,
    pub(crate) journal: Pending,
    use_counts: UseCounts,
    durability: Durability,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("limits", &self.options.limits).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store in `directory`, creating it if there is none. Fails if another process has it open
    /// ([`Error::InUse`]), if its format is newer than this program knows ([`Error::NewerFormat`]), or if it stands on another
    /// engine than the one asked for ([`Error::OtherEngine`]). What an interrupted move to another engine left is removed.
    pub fn open(directory: &Path, options: Options) -> Result<Arc<Self>> {
        let place = Place::new(directory);
        let lock = place.lock()?;
        place.finish_swap()?;
        let was_there = place.is_taken();
        let (directory, asked, cache_bytes) = (place.store(), options.engine, options.limits.cache_bytes);
        let files = Some(Files::new(directory.clone()));
        let source = Source { open: Box::new(move || engine::open(&directory, asked, cache_bytes)), files };
        let store = Self::from_source(source, Some(lock), options)?;
        // Beside a store that was only now made, they may be all that somebody has.
        if was_there {
            place.tidy();
        }
        Ok(store)
    }
    /// Opens a store on an engine that is there whenever it is asked for.
    #[cfg(test)]
    pub(crate) fn with_engine(engine: Arc<dyn Engine>, options: Options) -> Result<Arc<Self>> {
        Self::from_source(Source { open: Box::new(move || Ok(engine.clone())), files: None }, None, options)
    }
    /// Opens a store on the engine of a source.
    pub(crate) fn from_source(source: Source, lock: Option<File>, options: Options) -> Result<Arc<Self>> {
        let failure = Arc::new(Failure::default());
        let engine = source.open(&failure)?;
        let key = match (engine.get(keys::FORMAT)?, engine.get(keys::SECRET)?) {
            (Some(found), secret) => {
                let (format, key) = read_header(&found, secret)?;
                migrate::to_present(engine.as_ref(), format)?;
                key
            }
            (None, None) => create_header(engine.as_ref(), &options.environment)?,
            // Begun anew, with another secret, every name and tag that was ever shown would change.
            (None, Some(_)) => return Err(Error::Corrupted("the format version")),
        };
        let spool = Spool::new(source.files.as_ref().and_then(|files| files.directory.parent()), &options.limits);
        Ok(Arc::new(Self {
            gate: RwLock::new(Some(engine)),
            lock: Mutex::new(lock),
            key,
            recall: Recall::new(options.limits.recall_bytes_max),
            facts: Facts::new(&options.limits),
            options,
            source,
            failure,
            copying: Copying::default(),
            views: Views::default(),
            spool,
            journal: Pending::default(),
            use_counts: UseCounts::default(),
            durability: Durability::default(),
        }))
    }
    /// Whether an engine that was opened anew holds this store.
    pub(crate) fn verify_header(&self, engine: &dyn Engine) -> Result<()> {
        let found = engine.get(keys::FORMAT)?.ok_or(Error::Corrupted("the format version"))?;
        match read_header(&found, engine.get(keys::SECRET)?)? {
            (FORMAT_VERSION, key) if key.derive("store", &[]) == self.key.derive("store", &[]) => Ok(()),
            _ => Err(Error::Corrupted("another store than before")),
        }
    }
    /// Whether `directory` holds a store.
    pub fn exists(directory: &Path) -> bool {
        Place::new(directory).is_taken()
    }
    /// Makes everything durable and lets go of the files; later calls fail.
    pub fn close(&self) -> Result<()> {
        let journal = self.flush_journal();
        let counted = self.read(|snapshot| self.use_counts.write_down(snapshot));
        self.failure.close();
        let engine = {
            let mut gate = self.gate.write();
            self.facts.clear();
            gate.take()
        };
        let closed = engine.map_or(Ok(()), |engine| engine.close().and(counted));
        drop(self.lock.lock().take());
        closed?;
        journal
    }
    /// Bytes of memory that hold what is known of people, policy and grants, and what was decided.
    pub fn facts_bytes(&self) -> usize {
        self.facts.bytes()
    }
    /// The one door to calendars, for one viewer.
    pub fn door(self: &Arc<Self>, viewer: PrincipalId) -> Door {
        Door::new(self.clone(), viewer)
    }
    /// The door for whoever knows the secret of a link.
    pub fn link_door(self: &Arc<Self>, secret: LinkSecret) -> LinkDoor {
        LinkDoor::new(self.clone(), secret)
    }
    /// Users, groups, shares, whole files: what an administrator on this machine does.
    pub fn administration(self: &Arc<Self>) -> Administration {
        Administration::new(self.clone())
    }
    /// Writes down what the journals of calendars only counted so far: to be called every so often, since a crash loses what
    /// was not. Old rows are deleted on the first call of a day.
    pub fn flush_journal(&self) -> Result<()> {
        self.failure.refuse()?;
        let facts = self.journal.take();
        let sweep = self.journal.sweep_is_due(Day::of(self.now()));
        if facts.is_empty() && !sweep {
            return Ok(());
        }
        let mut number = None;
        let written = self.write(|snapshot| {
            let mut transaction = snapshot.begin();
            for ((calendar, _, fact), tally) in &facts {
                // Of a calendar that was deleted meanwhile nothing is left to tell.
                if present(snapshot, &keys::calendar(*calendar))? {
                    journal::add(&mut transaction, *calendar, fact, *tally, snapshot.limits())?;
                }
            }
            if sweep {
                for id in calendars::ids(snapshot)? {
                    journal::forget_old(&mut transaction, id, snapshot.now(), snapshot.limits())?;
                }
            }
            // Whether these are in, if the disk fails on them, is told by their number.
            if !facts.is_empty() {
                let next = record::<u64>(snapshot, keys::JOURNAL_WRITTEN)?.unwrap_or_default().saturating_add(1);
                transaction.put_record(keys::JOURNAL_WRITTEN.to_vec(), &next)?;
                number = Some(next);
            }
            snapshot.commit(transaction)
        });
        match (&written, number) {
            (Ok(()), _) => {}
            (Err(_), Some(number)) if self.failure.is_noted() => self.journal.doubt(number, facts),
            (Err(_), _) => self.journal.put_back(facts),
        }
        written
    }
    /// A journal that cannot be written hinders nobody who came for something else: what was counted stays counted.
    pub(crate) fn make_room_in_journal(&self, room: Room) {
        if room == Room::Full {
            drop(self.flush_journal());
        }
    }
    /// The bounds it was opened with.
    pub fn limits(&self) -> &Limits {
        &self.options.limits
    }
    /// The present moment by the store's clock.
    pub fn now(&self) -> DateTime<Utc> {
        (self.options.environment.clock)()
    }
    /// Runs `work` on one state, beside other readers.
    pub(crate) fn read<T, E: From<Error>>(&self, work: impl FnOnce(&Snapshot<'_>) -> Result<T, E>) -> Result<T, E> {
        let (outcome, commit) = {
            let gate = self.gate.read();
            let engine = gate.as_ref().ok_or_else(closed)?;
            let mut snapshot = Snapshot::new(self, engine.as_ref(), Company::Readers);
            if self.failure.is_noted() {
                snapshot = snapshot.aside();
            }
            let outcome = work(&snapshot);
            (outcome, snapshot.ticket().map(|ticket| Commit::new(engine, ticket)))
        };
        // What looking left behind may be lost: whoever looked is answered all the same.
        if let Some(commit) = commit {
            drop(commit.wait(&self.failure));
        }
        outcome
    }
    /// Runs `work` on one state, alone. Returns when all that was committed is durable.
    pub(crate) fn write<T, E: From<Error>>(&self, work: impl FnOnce(&Snapshot<'_>) -> Result<T, E>) -> Result<T, E> {
        let (outcome, commit) = self.write_undurable(work)?;
        // Nothing that was committed is told to anybody before it is durable, be the outcome success or refusal.
        if let Some(commit) = commit {
            commit.wait(&self.failure)?;
        }
        outcome
    }
    /// The same without waiting for the disk: that is for the caller to see to, before anybody is told anything.
    fn write_undurable<T, E: From<Error>>(&self, work: impl FnOnce(&Snapshot<'_>) -> Result<T, E>) -> Result<Written<T, E>, E> {
        let gate = self.gate.write();
        let engine = gate.as_ref().ok_or_else(closed)?;
        let snapshot = Snapshot::new(self, engine.as_ref(), Company::Nobody);
        let outcome = work(&snapshot);
        Ok((outcome, snapshot.ticket().map(|ticket| Commit::new(engine, ticket))))
    }
}

/// What came of a write, and what of it is not durable yet.
type Written<T, E> = (Result<T, E>, Option<Commit>);

fn closed() -> Error {
    Error::Engine("the store is not open".into())
}

fn read_header(found: &[u8], secret: Option<Vec<u8>>) -> Result<(u32, DatabaseKey)> {
    // Four bytes, not a record: every version of the program can read them.
    let found = found.first_chunk::<4>().map(|bytes| u32::from_be_bytes(*bytes)).ok_or(Error::Corrupted("the format version"))?;
    if found > FORMAT_VERSION {
        return Err(Error::NewerFormat { found, known: FORMAT_VERSION });
    }
    let secret = secret.and_then(|secret| <[u8; 32]>::try_from(secret).ok()).ok_or(Error::Corrupted("the database's secret"))?;
    Ok((found, DatabaseKey::new(secret)))
}

fn create_header(engine: &dyn Engine, environment: &Environment) -> Result<DatabaseKey> {
    let mut secret = [0; 32];
    (environment.entropy)(&mut secret);
    engine.commit(Batch {
        writes: vec![(keys::FORMAT.to_vec(), Some(FORMAT_VERSION.to_be_bytes().to_vec())), (keys::SECRET.to_vec(), Some(secret.to_vec()))],
    })?;
    // Into the engine's own file: see `migrate`.
    engine.close()?;
    Ok(DatabaseKey::new(secret))
}

/// Where writes went that looking brings along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noted {
    /// Into the state.
    Kept,
    /// Nowhere: nothing of an aside look is kept.
    Aside,
    /// Nowhere: the disk takes nothing at present.
    Refused,
}

/// Who is in the store beside a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Company {
    /// Readers, who must see nothing move but what they move themselves.
    Readers,
    Nobody,
}

/// One state of policy and data. Under [`Store::write`] nobody else writes while it lives.
pub(crate) struct Snapshot<'a> {
    store: &'a Store,
    engine: &'a dyn Engine,
    now: DateTime<Utc>,
    /// Of the last commit made through it; 0: none.
    last_commit: AtomicU64,
    /// Views of its own, where nothing that is done with it is kept.
    aside: Option<Views>,
    company: Company,
    /// Where nothing may be waited for.
    at_hand: Option<&'a AtHand>,
    parsed: Parsed,
}

impl<'a> Snapshot<'a> {
    fn new(store: &'a Store, engine: &'a dyn Engine, company: Company) -> Self {
        Self {
            store,
            engine,
            now: store.now(),
            last_commit: AtomicU64::new(0),
            aside: None,
            company,
            at_hand: None,
            parsed: Parsed::default(),
        }
    }
    /// The same state for somebody to look at of whose looking nothing is kept: what is committed to it is gone with it, and
    /// no view in memory is touched.
    pub(crate) fn aside(&self) -> Self {
        Self { now: self.now, last_commit: AtomicU64::new(0), aside: Some(Views::default()), parsed: Parsed::default(), ..*self }
    }
    /// The moment of the snapshot: one for the whole call.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.now
    }
    /// The store's bounds.
    pub(crate) fn limits(&self) -> &'a Limits {
        &self.store.options.limits
    }
    /// The database's secret.
    pub(crate) fn key(&self) -> &'a DatabaseKey {
        &self.store.key
    }
    /// The organisation's policy.
    pub(crate) fn policy(&self) -> Result<Policy> {
        Ok(self.organisation()?.policy.clone())
    }
    /// What is known of this state.
    pub(crate) fn facts(&self) -> &'a Facts {
        &self.store.facts
    }
    /// Whom a user can find.
    pub(crate) fn directory(&self) -> Directory {
        self.store.options.directory
    }
    /// What was worked out of objects as they are shown in views in memory; `None` where nothing is kept.
    pub(crate) fn recall(&self) -> Option<&'a Recall> {
        self.aside.is_none().then_some(&self.store.recall)
    }
    /// What was parsed in the course of the call.
    pub(crate) fn parsed(&self) -> &Parsed {
        &self.parsed
    }
    /// Where answers wait.
    pub(crate) fn spool(&self) -> &Arc<Spool> {
        &self.store.spool
    }
    /// Views in memory.
    pub(crate) fn views(&self) -> &Views {
        self.aside.as_ref().unwrap_or(&self.store.views)
    }
    /// What is only counted for journals so far.
    pub(crate) fn journal(&self) -> &'a Pending {
        &self.store.journal
    }
    /// Uses of links that are not written down yet.
    pub(crate) fn use_counts(&self) -> &'a UseCounts {
        &self.store.use_counts
    }
    /// A fresh random id.
    pub(crate) fn random_id(&self) -> [u8; 16] {
        self.random()
    }
    /// Bytes that nobody can foresee.
    pub(crate) fn random<const BYTES: usize>(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        (self.store.options.environment.entropy)(&mut bytes);
        bytes
    }
    /// Writes to be made of this state, together.
    pub(crate) fn begin(&self) -> Transaction<'a> {
        Transaction::new(self.engine)
    }
    /// Makes a transaction's writes part of the state, all or none. Durable before the [`Store::read`] or [`Store::write`]
    /// it happens in returns. Readers of that moment may see it before: what they hand out must not mean something else if a
    /// crash takes it back, so identifiers that leave the store are random or hashes, never counters.
    pub(crate) fn commit(&self, transaction: Transaction<'_>) -> Result<()> {
        if !transaction.is_empty() && self.aside.is_none() {
            self.not_at_hand()?;
            let ticket = self.commit_to_engine(transaction.into_batch())?;
            self.last_commit.fetch_max(ticket.0, Ordering::AcqRel);
        }
        Ok(())
    }
    /// The same for what looking brings along: where the disk takes nothing, whoever looks goes on without.
    pub(crate) fn note(&self, transaction: Transaction<'_>) -> Result<Noted> {
        match self.commit(transaction) {
            Ok(()) if self.aside.is_some() => Ok(Noted::Aside),
            Ok(()) => Ok(Noted::Kept),
            Err(Error::DiskFull | Error::Engine(_)) => Ok(Noted::Refused),
            Err(error) => Err(error),
        }
    }
    fn commit_to_engine(&self, batch: Batch) -> Result<Ticket> {
        self.store.failure.refuse()?;
        self.store.refuse_below_reserve(&batch)?;
        let changes = Change::of(self, &batch);
        if !changes.is_empty() && self.company == Company::Readers {
            return Err(Error::Engine("a reader cannot write what access depends on".into()));
        }
        let committed = self.store.copying.around(batch, |batch| self.engine.commit(batch));
        if !changes.is_empty() {
            // What a failed one left is not known.
            self.store.facts.follow(if committed.is_ok() { changes } else { vec![Change::Everything] });
        }
        committed
    }
    /// The engine's own faults.
    pub(crate) fn verify_engine(&self) -> Result<Vec<String>> {
        self.engine.verify()
    }
    fn ticket(&self) -> Option<Ticket> {
        match self.last_commit.load(Ordering::Acquire) {
            0 => None,
            number => Some(Ticket(number)),
        }
    }
}

impl Read for Snapshot<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.at_hand.map_or(Ok(()), AtHand::get)?;
        self.engine.get(key)
    }
    fn scan(&self, range: &KeyRange, visit: &mut Visit<'_>) -> Result<()> {
        self.not_at_hand()?;
        self.engine.scan(range, visit)
    }
}
