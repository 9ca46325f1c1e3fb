//! The door for whoever holds a link: one calendar at the link's level or one event, projected, to read and nothing else.
//!
//! He is nobody: nothing is personal to him, and names, UIDs and tags are derived for the link alone. A link that is unknown,
//! over, revoked, or of something that is gone is NotFound, each like the others.

use super::mount::{Place, is_detailed};
use super::property::PropertyKey;
use super::{AuthorizedStore, Calendar, Rows};
use crate::client::ClientName;
use crate::error::{Error, Result};
use crate::journal::{Actor, Ending, Room, Seen};
use crate::links::{LinkSecret, LinkTarget, StoredLink, UseCounts, with_secret};
use crate::record::StoredCalendar;
use crate::spool::Spool;
use crate::store::{Snapshot, Store};
use crate::view::{LoadedObject, RealIdentity};
use crate::{calendars, principals};
use acl::link::{capped, direct, published, viewer_of};
use acl::{AccessMatrix, Level, ObjectId, Policy, PrincipalId, Words, project};
use acl::{ViewProfile, VisibleObject};
use chrono::{DateTime, Utc};
use ical::free_busy::BusyPeriod;
use ical::{ExpansionLimits, TimeRange, Zone};
use std::sync::Arc;

/// The door of one link. Each call of `read` sees one snapshot of policy and data.
#[derive(Clone, Debug)]
pub struct LinkDoor {
    store: Arc<Store>,
    secret: LinkSecret,
    client: ClientName,
    /// Who asks, if he signed in.
    asker: Option<PrincipalId>,
}

impl LinkDoor {
    /// For whoever knows this secret.
    pub(crate) fn new(store: Arc<Store>, secret: LinkSecret) -> Self {
        Self { store, secret, client: ClientName::default(), asker: None }
    }
    /// The same for a user who signed in: he is shown what anybody is, or nothing if the calendar module is denied to him.
    #[must_use]
    pub fn asked_by(self, user: PrincipalId) -> Self {
        Self { asker: Some(user), ..self }
    }
    /// The same door, told which program stands before it.
    #[must_use]
    pub fn with_client(self, client: ClientName) -> Self {
        Self { client, ..self }
    }
    /// Reads. NotFound if the link shows nothing.
    pub fn read<T, E: From<Error>>(&self, work: impl FnOnce(&LinkedStore<'_>) -> Result<T, E>) -> Result<T, E> {
        let mut room = Room::Left;
        let outcome = self.store.read(|snapshot| {
            if let Some(asker) = self.asker
                && AuthorizedStore::new(snapshot, asker, &self.client).is_denied()?
            {
                return Err(Error::NotFound.into());
            }
            let linked = LinkedStore::open(snapshot, &self.secret, &self.client)?;
            let outcome = work(&linked);
            let ending = if outcome.is_ok() { Ending::Answered } else { Ending::NothingRead };
            let actor = Actor::Link(linked.link.id);
            room = snapshot.journal().count(actor, &self.client, linked.store.into_notes(), ending, snapshot.now());
            outcome
        });
        self.store.make_room_in_journal(room);
        outcome
    }
}

/// What a link shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linked {
    /// When the calendar's owner is busy in it: coalesced, and no objects.
    BusyTime,
    /// The objects of a calendar.
    Calendar,
    /// One object.
    Event,
}

/// What a link shows of one snapshot.
pub struct LinkedStore<'a> {
    store: AuthorizedStore<'a>,
    link: StoredLink,
    calendar: Calendar,
    shown: Shown,
    words: Words,
}

#[derive(Clone, Copy)]
enum Shown {
    BusyTime,
    Calendar,
    Event(ObjectId),
}

impl<'a> LinkedStore<'a> {
    fn open(snapshot: &'a Snapshot<'a>, secret: &LinkSecret, client: &'a ClientName) -> Result<Self> {
        let link = with_secret(snapshot, secret, snapshot.key())?.ok_or(Error::NotFound)?;
        if link.record.is_expired(snapshot.now()) {
            return Err(Error::NotFound);
        }
        let stored = calendars::by_id(snapshot, link.calendar)?.ok_or(Error::NotFound)?;
        let owner = principals::user(snapshot, stored.record.owner)?.ok_or(Error::NotFound)?;
        if !maker_still_may(snapshot, &link, &stored, client)? {
            return Err(Error::NotFound);
        }
        let policy = snapshot.policy()?;
        let (shown, matrix) = shown_by(&link, &stored.record.policy, &policy);
        if !matrix.reaches() {
            return Err(Error::NotFound);
        }
        let profile = ViewProfile {
            viewer: viewer_of(link.id),
            calendar: stored.id,
            matrix,
            words: policy.words.clone(),
            owner_addresses: owner.addresses.clone(),
            participant_addresses: Vec::new(),
            key: snapshot.key().of_link(link.id),
        };
        // Paths and names of the calendar are no part of what a link shows.
        let calendar = Calendar::new(&stored, String::new(), String::new(), String::new(), Place::Owner, Arc::new(profile));
        let store = AuthorizedStore::new(snapshot, viewer_of(link.id), client);
        Ok(Self { store, link, calendar, shown, words: policy.words })
    }

    /// What it shows.
    pub fn shows(&self) -> Linked {
        match self.shown {
            Shown::BusyTime => Linked::BusyTime,
            Shown::Calendar => Linked::Calendar,
            Shown::Event(_) => Linked::Event,
        }
    }
    /// The moment of the snapshot.
    pub fn now(&self) -> DateTime<Utc> {
        self.store.now()
    }
    /// Texts of what is withheld.
    pub fn words(&self) -> &Words {
        &self.words
    }
    /// Bounds of one object's expansion.
    pub fn expansion_limits(&self) -> ExpansionLimits {
        self.store.expansion_limits()
    }

    /// What the owner calls the calendar, if the link shows her events whole; a link to one event does not tell.
    pub fn calendar_name(&self) -> Result<Option<String>> {
        match self.shown {
            Shown::Calendar if is_detailed(&self.calendar) => {
                Ok(self.store.calendar_properties(&self.calendar)?.remove(&PropertyKey::DisplayName))
            }
            _ => Ok(None),
        }
    }

    /// Where what is answered waits to be sent.
    pub fn spool(&self) -> &Arc<Spool> {
        self.store.spool()
    }

    /// All rows in the order of the shown names: of a calendar that is shown by objects; NotFound else.
    pub fn rows(&self) -> Result<Rows> {
        match self.shown {
            Shown::Calendar => self.store.rows(&self.calendar),
            Shown::BusyTime | Shown::Event(_) => Err(Error::NotFound),
        }
    }

    /// One of the objects of [`Self::rows`], by shown name.
    pub fn object(&self, name: &str) -> Result<VisibleObject> {
        match self.shown {
            Shown::Calendar => self.store.object(&self.calendar, name),
            Shown::BusyTime | Shown::Event(_) => Err(Error::NotFound),
        }
    }

    /// The one object of a link to an event; NotFound else.
    pub fn event(&self) -> Result<VisibleObject> {
        let Shown::Event(id) = self.shown else { return Err(Error::NotFound) };
        let profile = self.calendar.profile();
        let object = LoadedObject::load(self.store.snapshot, profile.calendar, id, profile.viewer, self.store.limits());
        let object = match object {
            // An error would tell that something is there.
            Ok(None) | Err(Error::Corrupted(_)) => return Err(Error::NotFound),
            other => other?.ok_or(Error::NotFound)?,
        };
        let shown = project(&object.stored(RealIdentity::Free), profile).ok_or(Error::NotFound)?;
        self.store.note_read(&self.calendar, Seen::Details);
        Ok(shown)
    }

    /// Busy time of the calendar in a window, coalesced; floating times are those of `floating`. NotFound for a link to one
    /// event.
    pub fn busy_periods(&self, window: &TimeRange, floating: &Zone) -> Result<Vec<BusyPeriod>> {
        match self.shown {
            Shown::Event(_) => Err(Error::NotFound),
            Shown::BusyTime | Shown::Calendar => self.store.busy_periods(std::slice::from_ref(&self.calendar), window, Some(floating)),
        }
    }

    /// A strong tag of what is answered, of this link alone; quotes included.
    pub fn etag(&self, parts: &[&[u8]]) -> String {
        self.calendar.profile().key.etag(parts)
    }

    /// An identifier of something answered that has none of its own, of this link alone.
    pub fn identifier(&self, parts: &[&[u8]]) -> String {
        acl::pseudonym::base32(&self.calendar.profile().key.derive("link-item", parts))
    }

    /// Counts that the link was used.
    pub fn count_use(&self) -> Result<()> {
        self.uses().count(self.store.snapshot, self.link.calendar, self.link.id)
    }

    fn uses(&self) -> &UseCounts {
        self.store.snapshot.use_counts()
    }
}

/// A link of somebody who does not own the calendar shows something as long as he could make it.
fn maker_still_may(snapshot: &Snapshot<'_>, link: &StoredLink, stored: &StoredCalendar, client: &ClientName) -> Result<bool> {
    let maker = link.record.maker;
    if maker == stored.record.owner {
        return Ok(true);
    }
    let LinkTarget::Object(object) = link.record.target else { return Ok(false) };
    let door = AuthorizedStore::new(snapshot, maker, client);
    match door.at_owners_path(stored.id)? {
        Some(calendar) => door.may_link_as_editor(&calendar, object),
        None => Ok(false),
    }
}

/// What a link shows, and with which matrix it is projected.
fn shown_by(link: &StoredLink, calendar: &acl::CalendarPolicy, policy: &Policy) -> (Shown, AccessMatrix) {
    match link.record.target {
        LinkTarget::Object(object) => (Shown::Event(object), direct(policy)),
        LinkTarget::Calendar(level) => {
            let level = capped(level, policy);
            let shown = if level <= Level::FreeBusy { Shown::BusyTime } else { Shown::Calendar };
            (shown, published(link.id, level, calendar, policy))
        }
    }
}
