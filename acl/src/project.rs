//! `project`: the allow-lists. Pure and total; what is not named here is dropped; what cannot be
//! projected is hidden from everyone but the owner, who always gets her bytes.

use crate::access::AccessMatrix;
use crate::level::Visibility;
use crate::per_user::Overlay;
use crate::policy::Words;
use crate::principal::{CalendarId, ObjectId, PrincipalId};
use crate::privacy::PrivacyRecord;
use crate::pseudonym::DatabaseKey;
use ical::{CalendarObject, ComponentKind, TimeRange};

/// All a projection depends on besides the object.
#[derive(Clone, Debug)]
pub struct ViewProfile {
    /// Who looks.
    pub viewer: PrincipalId,
    /// At what.
    pub calendar: CalendarId,
    /// With what access.
    pub matrix: AccessMatrix,
    /// Constant texts.
    pub words: Words,
    /// Verified addresses of the calendar's owner in lower case without `mailto:`, to tell that she declined.
    pub owner_addresses: Vec<String>,
    /// For names, UIDs and tags.
    pub key: DatabaseKey,
}

impl ViewProfile {
    /// A canonical encoding (without the key): equal iff the projections of all objects are.
    pub fn fingerprint(&self) -> Vec<u8> {
        todo!()
    }
}

/// Under which identity a resource is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Its stored name and UID.
    Real,
    /// Its pseudonyms.
    Pseudonym,
}

/// A stored object as the door hands it to [`project`].
#[derive(Clone, Debug)]
pub struct StoredObject<'a> {
    /// Its id.
    pub id: ObjectId,
    /// The name it was stored under.
    pub name: &'a str,
    /// The stored bytes without anyone's personal items.
    pub base_text: &'a str,
    /// The same, parsed; `None` if that failed.
    pub base: Option<&'a CalendarObject>,
    /// Version of the base.
    pub base_version: u64,
    /// The server's record of privacy.
    pub privacy: &'a PrivacyRecord,
    /// The viewer created it and nobody else has written it since.
    pub created_by_viewer: bool,
    /// The viewer's personal part.
    pub overlay: Option<&'a Overlay>,
    /// Counts the viewer's refused writes on it.
    pub touch: u64,
    /// Another object already bears its name or UID in this viewer's view: show the pseudonyms even at Full.
    pub identity_taken: bool,
}

/// What the viewer may do with one object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ObjectRights {
    /// Replace its content.
    pub edit: bool,
    /// Delete it or move it away.
    pub delete: bool,
}

/// A projected object: the only form in which objects leave the store. Made only by [`project`].
#[derive(Clone, Debug)]
pub struct VisibleObject {
    name: String,
    identity: Identity,
    text: String,
    calendar: Option<CalendarObject>,
    least: Visibility,
    rights: ObjectRights,
    etag: String,
    verbatim: bool,
}

impl VisibleObject {
    /// The shown name.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Real or pseudonymous.
    pub fn identity(&self) -> Identity {
        self.identity
    }
    /// What GET serves.
    pub fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }
    /// The same parsed: filters, expansion and pruning work on this. `None` only for an owner's object that cannot be parsed.
    pub fn calendar(&self) -> Option<&CalendarObject> {
        self.calendar.as_ref()
    }
    /// The lowest visibility among its shown components: Full iff nothing shown is reduced.
    pub fn least_visibility(&self) -> Visibility {
        self.least
    }
    /// What the viewer may do with it.
    pub fn rights(&self) -> ObjectRights {
        self.rights
    }
    /// Strong entity tag, quotes included.
    pub fn etag(&self) -> &str {
        &self.etag
    }
    /// Whether the bytes are exactly what the viewer stored (a PUT may then answer with the tag, RFC 4791 §5.3.4).
    pub fn is_verbatim(&self) -> bool {
        self.verbatim
    }
    /// The kind of its components.
    pub fn kind(&self) -> Option<ComponentKind> {
        self.calendar.as_ref().map(CalendarObject::kind)
    }
    /// See [`CalendarObject::span`].
    pub fn span(&self) -> TimeRange {
        self.calendar.as_ref().map(CalendarObject::span).unwrap_or_default()
    }
}

/// Projects one object for one viewer; `None` is Hidden.
pub fn project(object: &StoredObject<'_>, profile: &ViewProfile) -> Option<VisibleObject> {
    let _ = (object, profile);
    todo!()
}
