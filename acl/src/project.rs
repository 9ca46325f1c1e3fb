//! `project`: the one function that decides what of an object leaves the store, and the type of what left.
//!
//! Pure and total: an allow-list. What is not named in `project/` is dropped; what cannot be projected is hidden from
//! everyone but the owner, who always gets her bytes. The steps: `listing` decides which components are shown and how much
//! of each, `spelled` gives instances that share an override one each, `view` puts the object together, `reduced` names what
//! FreeBusy and Title show, `series`, `rule` and `when` write the times of it, `full` copies stored bytes; `recalled` is
//! what was projected before.

mod free_busy;
mod full;
mod listing;
mod recalled;
mod reduced;
mod rule;
mod series;
mod spelled;
mod view;
mod when;

use crate::access::{AccessMatrix, Relation};
use crate::level::Visibility;
use crate::participation::ForeignAttendees;
use crate::per_user::{self, Overlay};
use crate::policy::Words;
use crate::principal::{CalendarId, ObjectId, PrincipalId};
use crate::privacy::{EventPrivacy, PrivacyRecord};
use crate::pseudonym::DatabaseKey;
use ical::availability::Availability;
use ical::free_busy::BusyType;
use ical::recurrence::Once;
use ical::{CalendarObject, ComponentKind, ParseLimits, RecurrenceId, TimeRange};
use listing::Placement;
pub use recalled::{Recalled, Told};
use spelled::Spelled;

/// PRODID of every calendar the server itself writes.
pub const PROD_ID: &str = "-//shoji//EN";

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
    /// Verified addresses of the calendar's owner in lower case without `mailto:`, to tell that she declined, and what she
    /// organizes.
    pub owner_addresses: Vec<String>,
    /// The viewer's own verified addresses, by which he takes part in events; empty where taking part shows nothing.
    pub participant_addresses: Vec<String>,
    /// For names, UIDs and tags.
    pub key: DatabaseKey,
}

impl ViewProfile {
    /// A canonical encoding (without the key): equal iff the projections of all objects are. The viewer is part of it, since
    /// what he created, what is personal to him and which writes of his were refused show in his view alone.
    pub fn fingerprint(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        out.extend_from_slice(&self.viewer.0);
        out.extend_from_slice(&self.calendar.0);
        out.push(match self.matrix.relation {
            Relation::Other => 0,
            Relation::Owner => 1,
            Relation::Target(items) => 2 + items as u8,
        });
        // What he created is shown to whoever reaches the calendar, even if by the right to create alone.
        out.push(u8::from(self.matrix.reaches()));
        for privacy in EventPrivacy::ALL {
            let cell = self.matrix.cell(privacy);
            // Rights below Full are none (see `listing`), except that the right to delete holds for what he created.
            let edit = cell.visibility == Visibility::Full && cell.edit;
            out.push(cell.visibility as u8 * 4 + u8::from(edit) * 2 + u8::from(cell.delete));
        }
        let has_titles = self.matrix.cells.iter().any(|cell| cell.visibility == Visibility::Title);
        out.push(u8::from(self.matrix.with_places && has_titles));
        let words = vec![self.words.busy.as_str(), self.words.private.as_str()];
        for texts in [words, sorted(&self.owner_addresses), sorted(&self.participant_addresses)] {
            out.extend_from_slice(&(texts.len() as u64).to_le_bytes());
            for text in texts {
                out.extend_from_slice(&(text.len() as u64).to_le_bytes());
                out.extend_from_slice(text.as_bytes());
            }
        }
        out
    }

    /// The tag under which these bytes are shown, and no others, to a viewer whose writes on the object were refused so often.
    pub fn etag_of(&self, bytes: &[u8], touch: u64) -> String {
        self.key.etag(&[&self.calendar.0, bytes, &touch.to_le_bytes()])
    }
}

fn sorted(addresses: &[String]) -> Vec<&str> {
    let mut sorted: Vec<&str> = addresses.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    sorted.dedup();
    sorted
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
    /// Whose names on it are no invitations of the owner's.
    pub foreign_attendees: &'a ForeignAttendees,
    /// The viewer's personal part.
    pub overlay: Option<&'a Overlay>,
    /// What perhaps are the viewer's own bytes, if it is parsed already; it counts only if it is the same text.
    pub own: Option<&'a CalendarObject>,
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
    content: Content,
    least: Visibility,
    rights: ObjectRights,
    etag: String,
    verbatim: bool,
}

/// The bytes of a visible object.
#[derive(Clone, Debug)]
enum Content {
    /// Parsed, as everything is but what follows.
    Parsed(CalendarObject),
    /// An owner's object that cannot be parsed.
    Unparsed(String),
    /// Projected before.
    Known(recalled::Known),
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
        match &self.content {
            Content::Parsed(calendar) => calendar.bytes(),
            Content::Unparsed(text) => text.as_bytes(),
            Content::Known(known) => known.text.as_bytes(),
        }
    }
    /// The same parsed: filters, expansion and pruning work on this. `None` only for an owner's object that cannot be parsed.
    pub fn calendar(&self) -> Option<&CalendarObject> {
        match &self.content {
            Content::Parsed(calendar) => Some(calendar),
            Content::Unparsed(_) => None,
            Content::Known(known) => known.calendar(),
        }
    }
    /// The bytes of what can be parsed, without parsing it.
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Parsed(calendar) => Some(calendar.text()),
            Content::Unparsed(_) => None,
            Content::Known(known) => Some(&known.text),
        }
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
        match &self.content {
            Content::Known(known) => Some(known.kind),
            _ => self.calendar().map(CalendarObject::kind),
        }
    }
    /// See [`CalendarObject::span`].
    pub fn span(&self) -> TimeRange {
        match &self.content {
            Content::Known(known) => known.span,
            _ => self.calendar().map(CalendarObject::span).unwrap_or_default(),
        }
    }
}

/// Why a view is not made: its content cannot be expressed by what the allow-lists name. The viewer is told nothing.
#[derive(Clone, Copy, Debug)]
struct Unprojectable;

/// Projects one object for one viewer; `None` is Hidden.
pub fn project(object: &StoredObject<'_>, profile: &ViewProfile) -> Option<VisibleObject> {
    let is_owner = profile.matrix.relation == Relation::Owner;
    let all = ObjectRights { edit: true, delete: true };
    let Some(base) = object.base else {
        return is_owner.then(|| unparsed(object, profile));
    };
    if is_owner {
        return Some(whole(object, base, profile, all));
    }
    let placements = listing::place(base, object, profile).ok()?;
    if placements.iter().all(|placement| placement.shown == Visibility::Full) {
        let rights = view::rights_over(&placements);
        let visible = whole(object, base, profile, rights);
        return visible.calendar().is_some().then_some(visible);
    }
    not_whole(object, base, profile, placements)
}

/// What is decided for one component before anything is written.
pub(crate) struct Placed {
    pub(crate) recurrence_id: Option<RecurrenceId>,
    pub(crate) privacy: EventPrivacy,
    /// What access shows of it.
    pub(crate) allowed: Visibility,
    /// What is shown of it, if the object can be projected at all; `None`: it cannot.
    pub(crate) shown: Option<Visibility>,
}

/// The decisions behind [`project`], for whoever is to be told why. None for an object that cannot be read.
pub(crate) fn placed(object: &StoredObject<'_>, profile: &ViewProfile) -> Vec<Placed> {
    let Some(base) = object.base else { return Vec::new() };
    let privacy_of = |id: Option<&RecurrenceId>| object.privacy.of(id);
    let unplaced = |shown: Option<Visibility>| {
        let ids = base.components().map(|component| base.recurrence_id(component));
        let all = ids.map(|id| (privacy_of(id.as_ref()), id));
        all.map(|(privacy, recurrence_id)| Placed {
            recurrence_id,
            privacy,
            allowed: profile.matrix.cell_of(privacy, base.kind()).visibility,
            shown,
        })
        .collect()
    };
    if profile.matrix.relation == Relation::Owner {
        return unplaced(Some(Visibility::Full));
    }
    let Ok(placements) = listing::place(base, object, profile) else { return unplaced(None) };
    let placed = placements.into_iter().map(|placement| Placed {
        privacy: privacy_of(placement.recurrence_id.as_ref()),
        allowed: placement.cell.visibility,
        shown: Some(placement.shown),
        recurrence_id: placement.recurrence_id,
    });
    placed.collect()
}

/// The busy time in what a viewer is shown of an object, whatever his level: its FreeBusy projection. `None`: it takes none.
pub fn project_free_busy(object: &StoredObject<'_>, profile: &ViewProfile) -> Option<VisibleObject> {
    let base = object.base?;
    let placements = listing::place_busy(base, object, profile).ok()?;
    not_whole(object, base, profile, placements)
}

/// When a stored event takes place that takes place once, and how it counts in what [`project_free_busy`] gives of it, found
/// without writing that: no type, it takes no time. `None` of everything else.
pub fn busy_of_once(object: &StoredObject<'_>, profile: &ViewProfile) -> Option<(Once, Option<BusyType>)> {
    let base = object.base?;
    let once = Once::of(base)?;
    let placements = listing::place_busy(base, object, profile).unwrap_or_default();
    let busy = placements.iter().find(|placement| placement.shown >= Visibility::FreeBusy).map(|placement| {
        let is_tentative = listing::has_value(placement.component, "STATUS", "TENTATIVE");
        if is_tentative { BusyType::Tentative } else { BusyType::Busy }
    });
    Some((once, busy))
}

/// What a viewer is shown who is not shown all of it.
fn not_whole(
    object: &StoredObject<'_>,
    base: &CalendarObject,
    profile: &ViewProfile,
    placements: Vec<Placement<'_>>,
) -> Option<VisibleObject> {
    match Spelled::of(base, &placements, profile).ok()? {
        Some(spelled) => reduced(object, &spelled.base, profile, spelled.placements(&placements).ok()?),
        None => reduced(object, base, profile, placements),
    }
}

/// When a stored VAVAILABILITY says that its owner is not available, if the viewer is shown busy time of it: its times, which
/// is all that any viewer gets of it below Full, and in free/busy alone (RFC 7953 §9). Nothing of other objects.
pub fn project_availability(object: &StoredObject<'_>, profile: &ViewProfile) -> Vec<Availability> {
    let Some(base) = object.base.filter(|base| base.kind() == ComponentKind::Availability) else { return Vec::new() };
    let Ok(placements) = listing::place_busy(base, object, profile) else { return Vec::new() };
    let shown = placements.iter().filter(|placement| placement.shown >= Visibility::FreeBusy);
    shown.map(|placement| Availability::of_component(base, placement.component)).collect()
}

/// Every component in full: the stored bytes and the viewer's personal items.
fn whole(object: &StoredObject<'_>, base: &CalendarObject, profile: &ViewProfile, rights: ObjectRights) -> VisibleObject {
    let overlay = object.overlay;
    let is_current = overlay.is_none_or(|overlay| overlay.base_version == object.base_version);
    let own_bytes = overlay.and_then(|overlay| overlay.verbatim.as_ref()).filter(|_| is_current);
    let items = overlay.map(|overlay| overlay.items.as_slice()).unwrap_or_default();
    let identity = if object.identity_taken { Identity::Pseudonym } else { Identity::Real };
    let content = match (identity, own_bytes) {
        (Identity::Pseudonym, _) => with_items(renamed(object, base, profile), items),
        (Identity::Real, Some(text)) => known_or_parsed(object, text.clone()),
        (Identity::Real, None) if items.is_empty() => Content::Parsed(base.clone()),
        (Identity::Real, None) => known_or_parsed(object, per_user::merge(base, items)),
    };
    let verbatim = is_current && identity == Identity::Real;
    finish(object, profile, Shown { identity, content, least: Visibility::Full, rights, verbatim })
}

/// The viewer's own text, which perhaps was parsed when he sent it.
fn known_or_parsed(object: &StoredObject<'_>, text: String) -> Content {
    match object.own.filter(|own| own.text() == text && text.len() <= ParseLimits::default().bytes_max) {
        Some(own) => Content::Parsed(own.clone()),
        None => parse(text),
    }
}

/// The stored bytes with the pseudonym in the place of the UID.
fn renamed(object: &StoredObject<'_>, base: &CalendarObject, profile: &ViewProfile) -> Content {
    let uid = profile.key.object_uid(profile.calendar, object.id);
    let edits = base.components().flat_map(|component| full::replace_uid(component, &uid)).collect();
    parse(crate::text_edit::apply(base.text(), edits))
}

/// Puts the viewer's personal items in.
fn with_items(content: Content, items: &[per_user::PersonalItem]) -> Content {
    match content {
        Content::Parsed(calendar) if !items.is_empty() => parse(per_user::merge(&calendar, items)),
        content => content,
    }
}

fn parse(text: String) -> Content {
    match CalendarObject::parse(text.as_bytes(), &ParseLimits::default()) {
        Ok(calendar) => Content::Parsed(calendar),
        Err(_) => Content::Unparsed(text),
    }
}

/// An owner's object that cannot be parsed: her bytes.
fn unparsed(object: &StoredObject<'_>, profile: &ViewProfile) -> VisibleObject {
    let own = object.overlay.filter(|overlay| overlay.base_version == object.base_version).and_then(|overlay| overlay.verbatim.as_deref());
    let content = Content::Unparsed(own.unwrap_or(object.base_text).to_owned());
    let rights = ObjectRights { edit: true, delete: true };
    let identity = if object.identity_taken { Identity::Pseudonym } else { Identity::Real };
    let verbatim = identity == Identity::Real;
    finish(object, profile, Shown { identity, content, least: Visibility::Full, rights, verbatim })
}

/// Something is withheld: the object as `view` puts it together. What does not come out as a valid object is not shown.
fn reduced(
    object: &StoredObject<'_>,
    base: &CalendarObject,
    profile: &ViewProfile,
    placements: Vec<Placement<'_>>,
) -> Option<VisibleObject> {
    let partial = view::partial(base, placements, object, profile).ok()??;
    // A person's own alarms stand in what is shown in full; beside a reduced component they have no place.
    let is_full =
        |key: &Option<String>| partial.full.iter().any(|placement| placement.recurrence_id.as_ref().map(|id| &id.0) == key.as_ref());
    let items: Vec<_> =
        object.overlay.iter().flat_map(|overlay| &overlay.items).filter(|item| is_full(&item.recurrence_id)).cloned().collect();
    match with_items(parse(partial.text), &items) {
        Content::Unparsed(_) => None,
        content @ (Content::Parsed(_) | Content::Known(_)) => {
            let shown = Shown { identity: partial.identity, content, least: partial.least, rights: partial.rights, verbatim: false };
            Some(finish(object, profile, shown))
        }
    }
}

/// What is left to name and to seal.
struct Shown {
    identity: Identity,
    content: Content,
    least: Visibility,
    rights: ObjectRights,
    verbatim: bool,
}

fn finish(object: &StoredObject<'_>, profile: &ViewProfile, shown: Shown) -> VisibleObject {
    let name = match shown.identity {
        Identity::Real => object.name.to_owned(),
        Identity::Pseudonym => profile.key.object_name(profile.calendar, object.id),
    };
    let Shown { identity, content, least, rights, verbatim } = shown;
    let mut visible = VisibleObject { name, identity, content, least, rights, etag: String::new(), verbatim };
    visible.etag = profile.etag_of(visible.bytes(), object.touch);
    visible
}
