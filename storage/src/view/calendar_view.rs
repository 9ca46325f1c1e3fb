//! One viewer's view of one calendar: what each object looks like to him, by shown name, without bodies.
//!
//! Advanced when asked: only objects that the calendar's change log names since are projected again, or all if what the
//! projection depends on changed. All names a viewer says are looked up here, so that what is hidden from him is absent.

use super::keys::Scope;
use super::ledger::{Difference, Ledger, Shown};
use super::loaded::{LoadedObject, RealIdentity};
use super::recall::{Projection, Stamps};
use crate::authorized::Row;
use crate::calendars;
use crate::error::{Error, Result};
use crate::keys::UidHash;
use crate::limits::Limits;
use crate::objects;
use crate::read::{Read, Transaction, record};
use crate::record::{StoredKind, StoredRange};
use acl::project::Identity;
use acl::{CalendarId, ObjectId, ObjectRights, PrincipalId, Relation, ViewProfile, Visibility, project, project_availability};
use ical::TimeRange;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// What a view keeps of one object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ViewRow {
    pub(crate) object: ObjectId,
    /// The UID as shown.
    pub(crate) uid: Option<UidHash>,
    identity: ShownIdentity,
    etag: String,
    content_bytes: u64,
    kind: Option<StoredKind>,
    edit: bool,
    delete: bool,
    span: StoredRange,
    least: Visibility,
}

/// Under which identity an object is shown, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum ShownIdentity {
    Real,
    /// Something of it is withheld.
    Pseudonym,
    /// All is shown, but an earlier object bears its name or UID.
    Displaced,
}

impl Shown for ViewRow {
    fn validator(&self) -> &str {
        &self.etag
    }
}

impl ViewRow {
    /// How the object is to be projected to look as it does here.
    pub(crate) fn real_identity(&self) -> RealIdentity {
        match self.identity {
            ShownIdentity::Real | ShownIdentity::Pseudonym => RealIdentity::Free,
            ShownIdentity::Displaced => RealIdentity::Taken,
        }
    }
    /// Outside of it there is no instance.
    pub(crate) fn span(&self) -> TimeRange {
        self.span.range()
    }
    /// As it leaves the store.
    pub(crate) fn to_row(&self, name: &str) -> Row {
        Row {
            name: name.to_owned(),
            etag: self.etag.clone(),
            content_length: self.content_bytes,
            kind: self.kind.map(StoredKind::kind),
            rights: ObjectRights { edit: self.edit, delete: self.delete },
            span: self.span.range(),
            identity: match self.identity {
                ShownIdentity::Real => Identity::Real,
                ShownIdentity::Pseudonym | ShownIdentity::Displaced => Identity::Pseudonym,
            },
            least: self.least,
        }
    }
}

/// Which program projected: a newer one may show something otherwise, so that its first look projects everything again. What
/// stands behind the plus is counted up for what changes between versions.
const PROGRAM: &str = concat!(env!("CARGO_PKG_VERSION"), "+2");

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
        match LoadedObject::load(read, self.calendar(), id, self.viewer(), self.limits) {
            Err(Error::Corrupted(_)) if self.profile.matrix.relation != Relation::Owner => Ok(None),
            loaded => loaded,
        }
    }
}

/// Names that go and rows that come; a name in both is the row's.
struct Turnover {
    out: Vec<String>,
    put: Vec<(String, ViewRow)>,
    /// What is unlisted from now on.
    unlisted: BTreeSet<ObjectId>,
}

/// Objects as they are shown together.
#[derive(Default)]
struct Projected {
    rows: Vec<(String, ViewRow)>,
    unlisted: BTreeSet<ObjectId>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct CalendarView {
    scope: Scope,
    ledger: Ledger<ViewRow>,
    progress: Progress,
    names: HashMap<ObjectId, String>,
    uids: HashMap<UidHash, String>,
    rows: Option<Arc<Vec<Row>>>,
    /// Objects that are no rows and take time in free/busy: availability, below Full.
    unlisted: BTreeSet<ObjectId>,
    stamps: Stamps,
}

impl CalendarView {
    /// As stored, or one that has seen nothing yet.
    pub(crate) fn load(read: &dyn Read, profile: &ViewProfile) -> Result<Self> {
        let scope = Scope::Calendar(profile.viewer, profile.calendar);
        let ledger: Ledger<ViewRow> = Ledger::load(read, scope, &profile.key)?;
        let progress = record(read, &scope.progress())?.unwrap_or_default();
        let unlisted: Vec<ObjectId> = record(read, &scope.unlisted())?.unwrap_or_default();
        let unlisted = unlisted.into_iter().collect();
        let mut view =
            Self { scope, ledger, progress, names: HashMap::new(), uids: HashMap::new(), rows: None, unlisted, stamps: Stamps::default() };
        let entries: Vec<_> = view.ledger.shown().iter().map(|(name, entry)| (name.clone(), entry.row.object, entry.row.uid)).collect();
        for (name, object, uid) in entries {
            view.index(&name, object, uid);
        }
        Ok(view)
    }

    /// One shown object.
    pub(crate) fn row(&self, name: &str) -> Option<&ViewRow> {
        self.ledger.shown().get(name).map(|entry| &entry.row)
    }
    /// The name under which an object with this UID is shown.
    pub(crate) fn name_of_uid(&self, uid: UidHash) -> Option<&str> {
        self.uids.get(&uid).map(String::as_str)
    }
    /// The name under which an object is shown.
    pub(crate) fn name_of(&self, object: ObjectId) -> Option<&str> {
        self.names.get(&object).map(String::as_str)
    }
    /// All rows with the objects behind them, in the order of the shown names.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &ViewRow)> {
        self.ledger.shown().iter().map(|(name, entry)| (name.as_str(), &entry.row))
    }
    /// Objects that are no rows and take time in free/busy.
    pub(crate) fn unlisted(&self) -> impl Iterator<Item = ObjectId> {
        self.unlisted.iter().copied()
    }
    /// What is worked out of an object as it is shown now is kept under this.
    pub(crate) fn projection_of(&self, object: ObjectId) -> Projection {
        self.stamps.of(object)
    }
    /// All rows in the order of the shown names.
    pub(crate) fn rows(&mut self) -> Arc<Vec<Row>> {
        let ledger = &self.ledger;
        let rows = self.rows.get_or_insert_with(|| Arc::new(ledger.shown().iter().map(|(name, e)| e.row.to_row(name)).collect()));
        rows.clone()
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
    ) -> Result<Difference<ViewRow>> {
        self.ledger.changes(transaction, token, limit, limits)
    }
    /// Names it holds in memory: what it costs.
    pub(crate) fn len(&self) -> usize {
        self.ledger.len()
    }

    /// Follows the calendar up to now, for this profile. What it learned is staged.
    pub(crate) fn is_current(&self, head: u64, profile: &ViewProfile) -> bool {
        let Progress { sequence, program, fingerprint } = &self.progress;
        *sequence == head && program == PROGRAM && *fingerprint == profile.fingerprint()
    }

    pub(crate) fn advance(&mut self, transaction: &mut Transaction<'_>, profile: &ViewProfile, limits: &Limits) -> Result<()> {
        let source = Source { profile, limits };
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
        transaction.put_record(self.scope.progress(), &self.progress)
    }

    fn replace(&mut self, transaction: &mut Transaction<'_>, turnover: Turnover, limits: &Limits) -> Result<()> {
        let Turnover { out, put, unlisted } = turnover;
        if unlisted != self.unlisted {
            transaction.put_record(self.scope.unlisted(), &unlisted.iter().collect::<Vec<_>>())?;
            self.unlisted = unlisted;
        }
        for name in out.iter().chain(put.iter().map(|(name, _)| name)) {
            if let Some(row) = self.ledger.shown().get(name).map(|entry| &entry.row) {
                self.names.remove(&row.object);
                if let Some(uid) = row.uid {
                    self.uids.remove(&uid);
                }
            }
        }
        self.stamps.renew(put.iter().map(|(_, row)| row.object));
        for (name, row) in &put {
            self.index(name, row.object, row.uid);
        }
        self.rows = None;
        self.ledger.replace(transaction, out, put, limits)
    }

    fn index(&mut self, name: &str, object: ObjectId, uid: Option<UidHash>) {
        self.names.insert(object, name.to_owned());
        if let Some(uid) = uid {
            self.uids.insert(uid, name.to_owned());
        }
    }

    fn project_all(&self, read: &dyn Read, source: &Source<'_>) -> Result<Turnover> {
        let objects = objects::all(read, source.calendar())?;
        let Projected { rows: put, unlisted } = project_together(read, source, objects.into_iter().map(|(id, _)| id))?;
        let kept: HashSet<&str> = put.iter().map(|(name, _)| name.as_str()).collect();
        let out = self.ledger.shown().keys().filter(|name| !kept.contains(name.as_str())).cloned().collect();
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
            if let Some((name, row)) = self.name_of(id).and_then(|name| Some((name, self.row(name)?))) {
                names.insert(name.to_owned());
                uids.extend(row.uid);
            }
            if let Some(object) = objects::by_id(read, source.calendar(), id)? {
                names.insert(source.profile.key.object_name(source.calendar(), id));
                waiting.extend(self.row(&object.name).map(|row| row.object));
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
        let out = group.iter().filter_map(|id| self.names.get(id)).cloned().collect();
        let mut unlisted: BTreeSet<ObjectId> = self.unlisted.difference(&group).copied().collect();
        let projected = project_together(read, source, group)?;
        unlisted.extend(projected.unlisted);
        Ok(Turnover { out, put: projected.rows, unlisted })
    }
}

/// Projects objects among which are all that share a name or UID. In the order of their creation, the first that bears its
/// real name and UID has them; later ones are shown under pseudonyms.
fn project_together(read: &dyn Read, source: &Source<'_>, objects: impl IntoIterator<Item = ObjectId>) -> Result<Projected> {
    let mut shown: BTreeMap<String, ViewRow> = BTreeMap::new();
    let mut unlisted = BTreeSet::new();
    let mut real = Vec::new();
    for id in objects {
        let Some(object) = source.load(read, id)? else { continue };
        match view_row(&object, source, RealIdentity::Free) {
            Some((name, row)) if row.identity == ShownIdentity::Real => real.push((object.record.order, id, name, row)),
            Some((name, row)) => {
                shown.insert(name, row);
            }
            None if !project_availability(&object.stored(RealIdentity::Free), source.profile).is_empty() => {
                unlisted.insert(id);
            }
            None => {}
        }
    }
    real.sort_by_key(|(order, id, ..)| (*order, *id));
    let mut uids = HashSet::new();
    for (_, id, name, row) in real {
        if !shown.contains_key(&name) && row.uid.is_none_or(|uid| !uids.contains(&uid)) {
            uids.extend(row.uid);
            shown.insert(name, row);
            continue;
        }
        let Some(object) = source.load(read, id)? else { continue };
        if let Some((name, row)) = view_row(&object, source, RealIdentity::Taken) {
            // A pseudonym is somebody's stored name only if he made it so; then what came first stands.
            shown.entry(name).or_insert(row);
        }
    }
    Ok(Projected { rows: shown.into_iter().collect(), unlisted })
}

fn view_row(object: &LoadedObject, source: &Source<'_>, identity: RealIdentity) -> Option<(String, ViewRow)> {
    let visible = project(&object.stored(identity), source.profile)?;
    let rights = visible.rights();
    let row = ViewRow {
        object: object.id,
        uid: visible.calendar().map(|calendar| UidHash::of(calendar.uid())),
        identity: match (visible.identity(), identity) {
            (Identity::Real, _) => ShownIdentity::Real,
            (Identity::Pseudonym, RealIdentity::Free) => ShownIdentity::Pseudonym,
            (Identity::Pseudonym, RealIdentity::Taken) => ShownIdentity::Displaced,
        },
        etag: visible.etag().to_owned(),
        content_bytes: visible.bytes().len() as u64,
        kind: visible.kind().map(StoredKind::from),
        edit: rights.edit,
        delete: rights.delete,
        span: visible.span().into(),
        least: visible.least_visibility(),
    };
    Some((visible.name().to_owned(), row))
}
