//! One viewer's view of one calendar: what each object looks like to him, by shown name, without bodies.
//!
//! Advanced when asked: only objects that the calendar's change log names since are projected again, or all if what the
//! projection depends on changed. All names a viewer says are looked up here, so that what is hidden from him is absent.

use super::keys::Scope;
use super::ledger::{Difference, Ledger, Shown};
use super::loaded::{LoadedObject, RealIdentity};
use super::order::Named;
use super::recall::{Projection, Stamps};
use super::rows::Rows;
use super::spans::Spans;
use crate::authorized::{Basis, Row, StoredRow};
use crate::calendars;
use crate::error::{Error, Result};
use crate::keys::UidHash;
use crate::limits::Limits;
use crate::objects::{self, Parsed};
use crate::read::{Read, Transaction, record};
use acl::{CalendarId, ObjectId, PrincipalId, Relation, ViewProfile, project, project_availability};
use ical::TimeRange;
use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

impl Named for Row {
    fn name(&self) -> &str {
        Self::name(self)
    }
}

impl Shown for Row {
    type Stored = StoredRow;
    fn validator(&self) -> &str {
        self.etag()
    }
    fn is_same(&self, other: &Self) -> bool {
        Self::is_same(self, other)
    }
    fn to_stored(&self) -> StoredRow {
        Self::to_stored(self)
    }
    fn of_stored(name: &str, stored: StoredRow) -> Self {
        Self::of_stored(name, &stored)
    }
}

/// A row in the set of those by object.
#[derive(Debug)]
struct ByObject(Arc<Row>);

impl Borrow<ObjectId> for ByObject {
    fn borrow(&self) -> &ObjectId {
        self.0.object_ref()
    }
}

/// A row in the set of those by the UID shown.
#[derive(Debug)]
struct ByUid(Arc<Row>);

impl Borrow<Option<UidHash>> for ByUid {
    fn borrow(&self) -> &Option<UidHash> {
        self.0.uid_ref()
    }
}

/// Both sets hold a row under what they borrow of it.
macro_rules! held_as {
    ($set:ty, $key:ty) => {
        impl Hash for $set {
            fn hash<H: Hasher>(&self, state: &mut H) {
                Borrow::<$key>::borrow(self).hash(state);
            }
        }
        impl PartialEq for $set {
            fn eq(&self, other: &Self) -> bool {
                Borrow::<$key>::borrow(self) == Borrow::<$key>::borrow(other)
            }
        }
        impl Eq for $set {}
    };
}
held_as!(ByObject, ObjectId);
held_as!(ByUid, Option<UidHash>);

/// Which program projected: a newer one may show something otherwise, so that its first look projects everything again. What
/// stands behind the plus is counted up for what changes between versions.
const PROGRAM: &str = concat!(env!("CARGO_PKG_VERSION"), "+4");

/// How far the view has followed the calendar, and for which profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Progress {
    sequence: u64,
    program: String,
    fingerprint: Vec<u8>,
}

impl Progress {
    fn is_of_same_projection(&self, other: &Self) -> bool {
        self.program == other.program && self.fingerprint == other.fingerprint
    }
}

/// What a view is advanced by.
struct Source<'a> {
    profile: &'a ViewProfile,
    limits: &'a Limits,
    parsed: &'a Parsed,
}

impl Source<'_> {
    fn calendar(&self) -> CalendarId {
        self.profile.calendar
    }
    fn viewer(&self) -> PrincipalId {
        self.profile.viewer
    }
    /// What is damaged is hidden from everyone but the owner, like all that cannot be projected: an error would tell others
    /// that something is there.
    fn load(&self, read: &dyn Read, id: ObjectId) -> Result<Option<LoadedObject>> {
        match LoadedObject::load_known(read, (self.calendar(), id), self.viewer(), self.parsed, self.limits) {
            Err(Error::Corrupted(_)) if self.profile.matrix.relation != Relation::Owner => Ok(None),
            loaded => loaded,
        }
    }
}

/// Rows that go and rows that come; a name in both is that of what comes.
struct Turnover {
    out: Vec<Arc<Row>>,
    put: Vec<Arc<Row>>,
    /// What is unlisted from now on.
    unlisted: BTreeSet<ObjectId>,
}

/// Objects as they are shown together.
#[derive(Default)]
struct Projected {
    rows: Vec<Arc<Row>>,
    unlisted: BTreeSet<ObjectId>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct CalendarView {
    scope: Scope,
    ledger: Ledger<Row>,
    progress: Progress,
    objects: HashSet<ByObject>,
    uids: HashSet<ByUid>,
    /// Objects that are no rows and take time in free/busy: availability, below Full.
    unlisted: BTreeSet<ObjectId>,
    stamps: Stamps,
    /// A profile of the fingerprint that its progress has.
    compared: Option<Arc<ViewProfile>>,
    /// The rows by when they are, from the first time on that somebody asks so: many only synchronise.
    spans: OnceLock<Spans>,
}

impl CalendarView {
    /// As stored, or one that has seen nothing yet.
    pub(crate) fn load(read: &dyn Read, profile: &ViewProfile) -> Result<Self> {
        let scope = Scope::Calendar(profile.viewer, profile.calendar);
        let ledger: Ledger<Row> = Ledger::load(read, scope, &profile.key)?;
        let progress = record(read, &scope.progress())?.unwrap_or_default();
        let unlisted: Vec<ObjectId> = record(read, &scope.unlisted())?.unwrap_or_default();
        let unlisted = unlisted.into_iter().collect();
        let objects = HashSet::with_capacity(ledger.shown().len());
        let (uids, stamps) = (HashSet::new(), Stamps::default());
        let mut view = Self { scope, ledger, progress, objects, uids, unlisted, stamps, compared: None, spans: OnceLock::new() };
        let rows = view.rows();
        rows.iter().for_each(|row| view.index(row));
        Ok(view)
    }

    /// One shown object.
    pub(crate) fn row(&self, name: &str) -> Option<&Arc<Row>> {
        self.ledger.shown().get(name)
    }
    /// The name under which an object with this UID is shown.
    pub(crate) fn name_of_uid(&self, uid: UidHash) -> Option<&str> {
        self.uids.get(&Some(uid)).map(|row| row.0.name())
    }
    /// How an object is shown.
    pub(crate) fn row_of(&self, object: ObjectId) -> Option<&Arc<Row>> {
        self.objects.get(&object).map(|row| &row.0)
    }
    /// The name under which an object is shown.
    pub(crate) fn name_of(&self, object: ObjectId) -> Option<&str> {
        self.row_of(object).map(|row| row.name())
    }
    /// Objects that are no rows and take time in free/busy.
    pub(crate) fn unlisted(&self) -> impl Iterator<Item = ObjectId> {
        self.unlisted.iter().copied()
    }
    /// What is worked out of an object as it is shown now is kept under this.
    pub(crate) fn projection_of(&self, object: ObjectId) -> Projection {
        self.stamps.of(object)
    }
    /// All rows in the order of the shown names, as they are now.
    pub(crate) fn rows(&self) -> Rows {
        self.ledger.shown().clone()
    }
    /// The rows whose span overlaps or meets a range, in the order of the shown names.
    pub(crate) fn rows_in(&self, range: &TimeRange) -> Vec<Arc<Row>> {
        self.spans().meeting(range)
    }
    /// Shows those rows in no order.
    pub(crate) fn each_row_in(&self, range: &TimeRange, visit: impl FnMut(&Arc<Row>)) {
        self.spans().each_meeting(range).for_each(visit);
    }
    fn spans(&self) -> &Spans {
        self.spans.get_or_init(|| Spans::of(self.ledger.shown().iter()))
    }
    /// See [`Ledger::state`].
    pub(crate) fn state(&self) -> u64 {
        self.ledger.state()
    }
    /// See [`Ledger::note_own_write`].
    pub(crate) fn note_own_write(&mut self, transaction: &mut Transaction<'_>, before: u64) -> Result<()> {
        self.ledger.note_own_write(transaction, before)
    }
    /// See [`Ledger::token`].
    pub(crate) fn token(&mut self, transaction: &mut Transaction<'_>, limits: &Limits) -> Result<String> {
        self.ledger.token(transaction, limits)
    }
    /// See [`Ledger::changes`].
    pub(crate) fn changes(
        &mut self,
        transaction: &mut Transaction<'_>,
        token: Option<&str>,
        limit: Option<usize>,
        limits: &Limits,
    ) -> Result<Difference<Row>> {
        self.ledger.changes(transaction, token, limit, limits)
    }
    /// Names it holds in memory: what it costs.
    pub(crate) fn len(&self) -> usize {
        self.ledger.len()
    }

    /// Whether it has followed the calendar up to this state, for this profile. One that it was compared with before is known by
    /// its place in memory, where it stays as it is.
    pub(crate) fn is_current(&mut self, head: u64, profile: &Arc<ViewProfile>) -> bool {
        if self.is_known_current(head, profile) {
            return true;
        }
        let is_of_now = self.progress.sequence == head && self.progress.program == PROGRAM;
        let is_same = is_of_now && self.progress.fingerprint == profile.fingerprint();
        self.compared = is_same.then(|| profile.clone());
        is_same
    }

    /// The same as far as it was found out before: no longer looked for.
    pub(crate) fn is_known_current(&self, head: u64, profile: &Arc<ViewProfile>) -> bool {
        self.progress.sequence == head
            && self.progress.program == PROGRAM
            && self.compared.as_ref().is_some_and(|compared| Arc::ptr_eq(compared, profile))
    }

    /// Follows the calendar up to now, for this profile. What it learned is staged.
    pub(crate) fn advance(
        &mut self,
        transaction: &mut Transaction<'_>,
        profile: &ViewProfile,
        parsed: &Parsed,
        limits: &Limits,
    ) -> Result<()> {
        let source = Source { profile, limits, parsed };
        let calendar = calendars::by_id(transaction, profile.calendar)?.ok_or(Error::NotFound)?;
        let progress = Progress { sequence: calendar.record.head, program: PROGRAM.to_owned(), fingerprint: profile.fingerprint() };
        if progress == self.progress {
            return Ok(());
        }
        let changes = match progress.is_of_same_projection(&self.progress) {
            true => objects::changes_since(transaction, &calendar, self.progress.sequence)?,
            false => None,
        };
        let turnover = match changes {
            Some(changes) => self.project_some(transaction, &source, changes.into_iter().map(|change| change.object).collect())?,
            None => self.project_all(transaction, &source)?,
        };
        self.replace(transaction, turnover, limits)?;
        self.progress = progress;
        self.compared = None;
        transaction.put_record(self.scope.progress(), &self.progress)
    }

    fn replace(&mut self, transaction: &mut Transaction<'_>, turnover: Turnover, limits: &Limits) -> Result<()> {
        let Turnover { out, put, unlisted } = turnover;
        if unlisted != self.unlisted {
            transaction.put_record(self.scope.unlisted(), &unlisted.iter().collect::<Vec<_>>())?;
            self.unlisted = unlisted;
        }
        // What is no row any more may still take time, as what it has become.
        let renewed: Vec<ObjectId> = out.iter().chain(&put).map(|row| row.object()).chain(self.unlisted.iter().copied()).collect();
        self.stamps.renew(renewed.into_iter());
        let displaced: Vec<Arc<Row>> = out.iter().chain(&put).filter_map(|row| self.ledger.shown().get(row.name())).cloned().collect();
        for row in displaced {
            self.objects.remove(&row.object());
            self.uids.remove(&row.uid());
            if let Some(spans) = self.spans.get_mut() {
                spans.remove(&row);
            }
        }
        for row in &put {
            self.index(row);
        }
        self.ledger.replace(transaction, &out, put, limits)
    }

    fn index(&mut self, row: &Arc<Row>) {
        self.objects.replace(ByObject(row.clone()));
        if row.uid().is_some() {
            self.uids.replace(ByUid(row.clone()));
        }
        if let Some(spans) = self.spans.get_mut() {
            spans.insert(row);
        }
    }

    fn project_all(&self, read: &dyn Read, source: &Source<'_>) -> Result<Turnover> {
        let objects = objects::all(read, source.calendar())?;
        let Projected { rows: put, unlisted } = project_together(read, source, objects.into_iter().map(|(id, _)| id))?;
        let kept: HashSet<&str> = put.iter().map(|row| row.name()).collect();
        let out = self.ledger.shown().iter().filter(|row| !kept.contains(row.name())).cloned().collect();
        Ok(Turnover { out, put, unlisted })
    }

    /// The objects named and all that share a name or UID with them, now or as they were shown, since who comes first among
    /// these bears it.
    fn project_some(&self, read: &dyn Read, source: &Source<'_>, objects: Vec<ObjectId>) -> Result<Turnover> {
        let mut group = BTreeSet::new();
        let mut waiting = objects;
        while let Some(id) = waiting.pop() {
            if !group.insert(id) {
                continue;
            }
            let mut names = BTreeSet::new();
            let mut uids = BTreeSet::new();
            if let Some(row) = self.row_of(id) {
                names.insert(row.name().to_owned());
                uids.extend(row.uid());
            }
            if let Some(object) = objects::by_id(read, source.calendar(), id)? {
                names.insert(source.profile.key.object_name(source.calendar(), id));
                waiting.extend(self.row(&object.name).map(|row| row.object()));
                names.insert(object.name);
                uids.insert(object.uid);
            }
            for name in names {
                waiting.extend(objects::named(read, source.calendar(), &name)?);
            }
            for uid in uids {
                waiting.extend(objects::with_uid(read, source.calendar(), uid)?);
            }
        }
        let out = group.iter().filter_map(|id| self.row_of(*id)).cloned().collect();
        let mut unlisted: BTreeSet<ObjectId> = self.unlisted.difference(&group).copied().collect();
        let projected = project_together(read, source, group)?;
        unlisted.extend(projected.unlisted);
        Ok(Turnover { out, put: projected.rows, unlisted })
    }
}

/// Projects objects among which are all that share a name or UID. In the order of their creation, the first that bears its
/// real name and UID has them; later ones are shown under pseudonyms.
fn project_together(read: &dyn Read, source: &Source<'_>, objects: impl IntoIterator<Item = ObjectId>) -> Result<Projected> {
    let mut shown: BTreeMap<String, Arc<Row>> = BTreeMap::new();
    let mut unlisted = BTreeSet::new();
    let mut real = Vec::new();
    for id in objects {
        let Some(object) = source.load(read, id)? else { continue };
        match row_of(&object, source, RealIdentity::Free) {
            Some(row) if row.is_real() => real.push((object.record.order, id, row)),
            Some(row) => {
                shown.insert(row.name().to_owned(), row);
            }
            None if !project_availability(&object.stored(RealIdentity::Free), source.profile).is_empty() => {
                unlisted.insert(id);
            }
            None => {}
        }
    }
    real.sort_by_key(|(order, id, _)| (*order, *id));
    let mut uids = HashSet::new();
    for (_, id, row) in real {
        if !shown.contains_key(row.name()) && row.uid().is_none_or(|uid| !uids.contains(&uid)) {
            uids.extend(row.uid());
            shown.insert(row.name().to_owned(), row);
            continue;
        }
        let Some(object) = source.load(read, id)? else { continue };
        if let Some(row) = row_of(&object, source, RealIdentity::Taken) {
            // A pseudonym is somebody's stored name only if he made it so; then what came first stands.
            shown.entry(row.name().to_owned()).or_insert(row);
        }
    }
    Ok(Projected { rows: shown.into_values().collect(), unlisted })
}

fn row_of(object: &LoadedObject, source: &Source<'_>, identity: RealIdentity) -> Option<Arc<Row>> {
    let stored = object.stored(identity);
    let visible = project(&stored, source.profile)?;
    let basis = Basis::of(&stored, &visible, source.profile);
    Some(Arc::new(Row::of(object.id, &visible, identity, basis)))
}
