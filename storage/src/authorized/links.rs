//! Making, listing and ending links: the owner of a calendar, to it at a level or to one of its events; where policy lets them,
//! those who may edit, to events that are neither private nor confidential.

use super::{AuthorizedStore, AuthorizedWriter, Calendar, Resource, denied};
use crate::error::{Error, Limit, Result};
use crate::grants::is_end;
use crate::journal::Author;
use crate::links::{self, LinkRecord, LinkSecret, LinkTarget, StoredLink};
use crate::record::StoredCalendar;
use crate::{calendars, objects};
use acl::link::LINK_LEVELS;
use acl::{EventPrivacy, Level, LinkId, ObjectId, Privilege};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// Bytes of a note.
const NOTE_BYTES_MAX: usize = 200;

/// A link to be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewLink {
    /// For a calendar one of [`LINK_LEVELS`]; none for an event, which is shown in full.
    pub level: Option<Level>,
    /// From then on it shows nothing; exclusive.
    pub until: Option<DateTime<Utc>>,
    /// What it is for: one line.
    pub note: Option<String>,
}

/// A link as its maker and the calendar's owner see it: a contract of command line and HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkEntry {
    /// By which it is ended. No secret.
    pub id: String,
    /// `OWNER/NAME`
    pub calendar: String,
    /// The event's name in it, where the link is to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// What is shown of a calendar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// From then on it shows nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// User name.
    pub made_by: String,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// The day of the last use, in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used: Option<NaiveDate>,
    /// How often it was used.
    pub uses: u64,
}

/// A link just made.
#[derive(Clone, Debug)]
pub struct MadeLink {
    /// As it is listed.
    pub entry: LinkEntry,
    /// Told this once.
    pub secret: LinkSecret,
}

impl AuthorizedStore<'_> {
    /// The links to the viewer's own calendars, by calendar, then those he made to events of others that he reaches. To whom the
    /// module is denied, his calendars stay published by what he made himself: of that he is told, so that he can end it, and
    /// of nothing that others did.
    pub fn links(&self) -> Result<Vec<LinkEntry>> {
        let mut entries = Vec::new();
        let denied = self.is_denied()?;
        let maker = self.viewer_record()?.name.clone();
        for stored in calendars::of_owner(self.snapshot, self.viewer)? {
            entries.extend(self.links_of(&stored)?.into_iter().filter(|entry| !denied || entry.made_by == maker));
        }
        if denied {
            return Ok(entries);
        }
        for link in links::all(self.snapshot)?.iter().filter(|link| link.record.maker == self.viewer) {
            let stored = calendars::by_id(self.snapshot, link.calendar)?.filter(|stored| stored.record.owner != self.viewer);
            let reached = stored.map(|stored| Ok::<_, Error>((self.at_owners_path(stored.id)?, stored))).transpose()?;
            if let Some((Some(calendar), stored)) = reached {
                entries.push(self.link_entry(&stored, Some(&calendar), link)?);
            }
        }
        Ok(entries)
    }

    /// The links to one of the viewer's own calendars, whoever made them, the oldest first.
    pub(crate) fn links_of(&self, stored: &StoredCalendar) -> Result<Vec<LinkEntry>> {
        let found = links::of_calendar(self.snapshot, stored.id)?;
        if found.is_empty() {
            return Ok(Vec::new());
        }
        // None where the calendar module is denied to her: what others see of her calendars goes on.
        let calendar = self.at_owners_path(stored.id)?;
        let mut entries = found.iter().map(|link| self.link_entry(stored, calendar.as_ref(), link)).collect::<Result<Vec<_>>>()?;
        entries.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        Ok(entries)
    }

    /// Whether somebody who does not own the calendar may have a link to this object: policy lets editors make links, he may
    /// edit it, and it is neither private nor confidential. Asked again at each use of the link.
    pub(super) fn may_link_as_editor(&self, calendar: &Calendar, object: ObjectId) -> Result<bool> {
        if !self.policy()?.editors_make_links {
            return Ok(false);
        }
        let edits = self.with_view(calendar, |view| Ok(view.row_of(object).is_some_and(|row| row.rights().edit)))?;
        let record = objects::by_id(self.snapshot, calendar.id(), object)?;
        let open = |privacy: EventPrivacy| privacy.strictness() <= EventPrivacy::Standard.strictness();
        Ok(edits && record.and_then(|record| record.privacy.strictest()).is_some_and(open))
    }

    fn link_entry(&self, stored: &StoredCalendar, calendar: Option<&Calendar>, link: &StoredLink) -> Result<LinkEntry> {
        let record = &link.record;
        let unwritten = self.snapshot.use_counts().of(link);
        let (object, level) = match record.target {
            LinkTarget::Calendar(level) => (None, Some(level)),
            LinkTarget::Object(id) => {
                let shown = |calendar| self.with_view(calendar, |view| Ok(view.name_of(id).map(str::to_owned)));
                (calendar.map(shown).transpose()?.flatten(), None)
            }
        };
        let maker = self.snapshot.user(record.maker)?.ok_or(Error::Corrupted("a link without its maker"))?;
        Ok(LinkEntry {
            id: links::id_text(link.id),
            calendar: format!("{}/{}", self.owner_record(stored)?.name, stored.record.name),
            object,
            level,
            until: record.until,
            note: Some(record.note.clone()).filter(|note| !note.is_empty()),
            made_by: maker.name.clone(),
            created: record.created,
            last_used: record.last_used.max(unwritten.last),
            uses: record.uses.saturating_add(unwritten.count),
        })
    }
}

impl AuthorizedWriter<'_> {
    /// Makes a link to a calendar or an event. Denied to all but the owner, and to editors beyond what policy lets them;
    /// `Invalid` for what no link can be.
    pub fn add_link(&mut self, resource: &Resource, new: &NewLink) -> Result<MadeLink> {
        self.add_link_by(resource, new, &self.author())
    }

    /// The same as the calendar's journal tells it of `author`.
    pub(crate) fn add_link_by(&mut self, resource: &Resource, new: &NewLink, author: &Author) -> Result<MadeLink> {
        let (calendar, target) = match (resource, new.level) {
            (Resource::Calendar(calendar), Some(level)) if LINK_LEVELS.contains(&level) => (calendar, LinkTarget::Calendar(level)),
            (Resource::Calendar(_), _) => return invalid("a link to a calendar needs a level: free-busy, titles or details"),
            (Resource::Object(calendar, row), None) => {
                let id = self.with_view(calendar, |view| Ok(view.row(row.name()).map(|row| row.object())))?;
                (calendar, LinkTarget::Object(id.ok_or(Error::NotFound)?))
            }
            (Resource::Object(..), Some(_)) => return invalid("a link to one event shows it in full: it has no level"),
            (Resource::Home(_) | Resource::Plain(_), _) => return invalid("links are to calendars and their events"),
        };
        let as_editor = |object| self.may_link_as_editor(calendar, object);
        let allowed = match target {
            _ if calendar.own() => true,
            LinkTarget::Calendar(_) => false,
            LinkTarget::Object(object) => as_editor(object)?,
        };
        if !allowed {
            return denied(Privilege::WriteAcl);
        }
        let note = new.note.clone().unwrap_or_default();
        if note.len() > NOTE_BYTES_MAX || note.chars().any(char::is_control) {
            return invalid(format!("a note is one line of up to {NOTE_BYTES_MAX} bytes"));
        }
        if new.until.is_some_and(|until| until <= self.now()) {
            return invalid("the end of the link has passed already");
        }
        if new.until.is_some_and(|until| !is_end(until)) {
            return invalid("until is a moment of the years 1970 to 9999 in UTC");
        }
        // Each person's own number, so that a refusal tells nobody of the links of others.
        let of_calendar = links::of_calendar(self.snapshot, calendar.id())?;
        let own = of_calendar.iter().filter(|link| link.record.maker == self.viewer);
        let (ended, open): (Vec<&StoredLink>, Vec<&StoredLink>) = own.partition(|link| link.record.is_expired(self.now()));
        if open.len() >= self.limits().links_per_calendar_max {
            return Err(Error::LimitExceeded(Limit::Space));
        }
        let full = ended.len() + open.len() >= self.limits().links_per_calendar_max;
        let secret = LinkSecret::new(self.snapshot.random());
        let record = LinkRecord {
            secret_hash: secret.hash(self.snapshot.key()),
            target,
            maker: self.viewer,
            created: self.now(),
            until: new.until,
            note,
            uses: 0,
            last_used: None,
        };
        let stored = calendars::by_id(self.snapshot, calendar.id())?.ok_or(Error::NotFound)?;
        let link = StoredLink { calendar: stored.id, id: LinkId(self.snapshot.random_id()), record };
        let mut transaction = self.snapshot.begin();
        // Ended ones are listed for as long as they take nobody's room.
        for ended in ended.into_iter().filter(|_| full) {
            links::end(&mut transaction, ended, author, self.limits())?;
        }
        links::add(&mut transaction, &link, author, self.limits())?;
        self.snapshot.commit(transaction)?;
        Ok(MadeLink { entry: self.link_entry(&stored, Some(calendar), &link)?, secret })
    }

    /// Ends a link to one of the viewer's own calendars, or one that he made; where the module is denied to him, one that is both.
    /// NotFound for others', as for one that never was.
    pub fn remove_link(&mut self, id: &str) -> Result<()> {
        let id = links::parse_id(id).ok_or(Error::NotFound)?;
        let link = links::by_id(self.snapshot, id)?.ok_or(Error::NotFound)?;
        let calendar = calendars::by_id(self.snapshot, link.calendar)?.ok_or(Error::NotFound)?;
        let (owns, made) = (calendar.record.owner == self.viewer, link.record.maker == self.viewer);
        if !(if self.is_denied()? { owns && made } else { owns || made }) {
            return Err(Error::NotFound);
        }
        let mut transaction = self.snapshot.begin();
        links::end(&mut transaction, &link, &self.author(), self.limits())?;
        self.snapshot.commit(transaction)
    }
}

fn invalid<T>(words: impl Into<String>) -> Result<T> {
    Err(Error::Invalid(words.into()))
}
