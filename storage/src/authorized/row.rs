//! One object in a listing: all that is known of it without its body, in one piece of memory that views, indexes and answers
//! share.
//!
//! What is stored of it is here too. What the viewer is not told (which object it is, and why it is shown as it is) must not
//! leave the crate.

use super::basis::{Basis, if_written};
use crate::keys::UidHash;
use crate::record::{StoredKind, StoredRange};
use crate::view::RealIdentity;
use acl::project::{Identity, Told};
use acl::{ObjectId, ObjectRights, Visibility, VisibleObject};
use ical::{ComponentKind, TimeRange};
use serde::{Deserialize, Serialize};
use std::fmt;

/// One object in a listing: all that is known without its body.
#[derive(Clone)]
pub struct Row {
    /// The name, and behind it the tag.
    text: Box<str>,
    name_bytes: u32,
    content_length: u64,
    span: StoredRange,
    object: ObjectId,
    uid: Option<UidHash>,
    kind: Option<StoredKind>,
    rights: ObjectRights,
    shown: ShownIdentity,
    least: Visibility,
    basis: Basis,
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

/// A row as it is stored under its name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StoredRow {
    object: ObjectId,
    uid: Option<UidHash>,
    identity: ShownIdentity,
    etag: String,
    content_bytes: u64,
    kind: Option<StoredKind>,
    edit: bool,
    delete: bool,
    span: StoredRange,
    least: Visibility,
    #[serde(default, deserialize_with = "if_written")]
    basis: Basis,
}

impl Row {
    /// As shown.
    pub fn name(&self) -> &str {
        self.text.get(..self.name_bytes as usize).unwrap_or_default()
    }
    /// Strong, quotes included.
    pub fn etag(&self) -> &str {
        self.text.get(self.name_bytes as usize..).unwrap_or_default()
    }
    /// Bytes of the shown body.
    pub fn content_length(&self) -> u64 {
        self.content_length
    }
    /// `None` only for an owner's object that cannot be parsed.
    pub fn kind(&self) -> Option<ComponentKind> {
        self.kind.map(StoredKind::kind)
    }
    /// What the viewer may do with it.
    pub fn rights(&self) -> ObjectRights {
        self.rights
    }
    /// Outside of it there is no instance.
    pub fn span(&self) -> TimeRange {
        self.span.range()
    }
    /// Real or pseudonymous.
    pub fn identity(&self) -> Identity {
        match self.shown {
            ShownIdentity::Real => Identity::Real,
            ShownIdentity::Pseudonym | ShownIdentity::Displaced => Identity::Pseudonym,
        }
    }
    /// The lowest visibility among its shown components.
    pub fn least(&self) -> Visibility {
        self.least
    }

    /// Of a projection, made for this identity.
    pub(crate) fn of(object: ObjectId, visible: &VisibleObject, identity: RealIdentity, basis: Basis) -> Self {
        let (text, name_bytes) = joined(visible.name(), visible.etag());
        Self {
            text,
            name_bytes,
            content_length: visible.bytes().len() as u64,
            span: visible.span().into(),
            object,
            uid: visible.calendar().map(|calendar| UidHash::of(calendar.uid())),
            kind: visible.kind().map(StoredKind::from),
            rights: visible.rights(),
            shown: match (visible.identity(), identity) {
                (Identity::Real, _) => ShownIdentity::Real,
                (Identity::Pseudonym, RealIdentity::Free) => ShownIdentity::Pseudonym,
                (Identity::Pseudonym, RealIdentity::Taken) => ShownIdentity::Displaced,
            },
            least: visible.least_visibility(),
            basis,
        }
    }
    /// What of it need not be worked out again.
    pub(crate) fn basis(&self) -> Basis {
        self.basis
    }
    /// What is told of it beside its text; `None` for what cannot be parsed.
    pub(crate) fn told(&self) -> Option<Told<'_>> {
        Some(Told {
            name: self.name(),
            etag: self.etag(),
            identity: self.identity(),
            least: self.least,
            rights: self.rights,
            verbatim: self.basis.verbatim,
            kind: self.kind()?,
            span: self.span(),
        })
    }
    /// Which object it is.
    pub(crate) fn object(&self) -> ObjectId {
        self.object
    }
    /// The UID as shown.
    pub(crate) fn uid(&self) -> Option<UidHash> {
        self.uid
    }
    /// The same for indexes, which borrow their keys.
    pub(crate) fn object_ref(&self) -> &ObjectId {
        &self.object
    }
    /// The UID as shown, for indexes.
    pub(crate) fn uid_ref(&self) -> &Option<UidHash> {
        &self.uid
    }
    /// Whether it bears its real name and UID.
    pub(crate) fn is_real(&self) -> bool {
        self.shown == ShownIdentity::Real
    }
    /// How the object is to be projected to look as it does here.
    pub(crate) fn real_identity(&self) -> RealIdentity {
        match self.shown {
            ShownIdentity::Real | ShownIdentity::Pseudonym => RealIdentity::Free,
            ShownIdentity::Displaced => RealIdentity::Taken,
        }
    }
    /// Whether nothing differs, what the viewer is not told included.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let hidden = |row: &Self| (row.object, row.uid, row.shown, row.basis);
        self == other && hidden(self) == hidden(other)
    }
    /// As it is stored.
    pub(crate) fn to_stored(&self) -> StoredRow {
        StoredRow {
            object: self.object,
            uid: self.uid,
            identity: self.shown,
            etag: self.etag().to_owned(),
            content_bytes: self.content_length,
            kind: self.kind,
            edit: self.rights.edit,
            delete: self.rights.delete,
            span: self.span,
            least: self.least,
            basis: self.basis,
        }
    }
    /// From what is stored under a name.
    pub(crate) fn of_stored(name: &str, stored: &StoredRow) -> Self {
        let (text, name_bytes) = joined(name, &stored.etag);
        Self {
            text,
            name_bytes,
            content_length: stored.content_bytes,
            span: stored.span,
            object: stored.object,
            uid: stored.uid,
            kind: stored.kind,
            rights: ObjectRights { edit: stored.edit, delete: stored.delete },
            shown: stored.identity,
            least: stored.least,
            basis: stored.basis,
        }
    }
}

fn joined(name: &str, etag: &str) -> (Box<str>, u32) {
    let mut text = String::with_capacity(name.len() + etag.len());
    text.push_str(name);
    text.push_str(etag);
    (text.into_boxed_str(), u32::try_from(name.len()).unwrap_or(u32::MAX))
}

/// What the viewer is told.
impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        let rest = |row: &Self| (row.content_length, row.kind(), row.rights, row.span(), row.identity(), row.least);
        self.name() == other.name() && self.etag() == other.etag() && rest(self) == rest(other)
    }
}

/// What the viewer is told.
impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("name", &self.name())
            .field("etag", &self.etag())
            .field("content_length", &self.content_length)
            .field("kind", &self.kind())
            .field("rights", &self.rights)
            .field("span", &self.span())
            .field("identity", &self.identity())
            .field("least", &self.least)
            .finish()
    }
}
