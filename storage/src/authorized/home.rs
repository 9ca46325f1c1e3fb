//! Calendar homes, mounts, and what a path below a home means to the viewer.

use super::mount::{Place, is_detailed, is_mount_name};
use super::plain_tree::{self, Node};
use super::property::{PropertyUpdate, stage_updates};
use super::{AuthorizedStore, AuthorizedWriter, Calendar, Plain, Row, denied};
use crate::calendars;
use crate::error::{Error, Limit, Result};
use crate::journal::Attempt;
use crate::keys::{self, PlainId, PropertyHolder};
use crate::record::MountState;
use crate::trash;
use acl::{CalendarId, CalendarPolicy, PrincipalId, Privilege};
use ical::ComponentKind;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A calendar home that the viewer can reach: his own, or another's in which some calendar is open to him.
#[derive(Clone, Debug)]
pub struct Home {
    /// Whose (path segment).
    pub owner: String,
    /// Whether it is the viewer's own.
    pub own: bool,
}

/// What stands at a path below `/dav/calendars/`.
#[derive(Clone, Debug)]
pub enum Resource {
    /// `/dav/calendars/{user}/`
    Home(Home),
    /// A calendar at its owner's path or under its mount name.
    Calendar(Calendar),
    /// An object of a calendar.
    Object(Calendar, Arc<Row>),
    /// A plain collection or file of the viewer's own.
    Plain(Plain),
}

impl Resource {
    /// The last segment of its path, where it is a member of a home.
    fn member_name(&self) -> &str {
        match self {
            Self::Home(home) => &home.owner,
            Self::Calendar(calendar) | Self::Object(calendar, _) => calendar.name(),
            Self::Plain(plain) => plain.path.last().map_or("", String::as_str),
        }
    }
}

impl AuthorizedStore<'_> {
    /// What stands at `/dav/calendars/{owner}/{segments…}`; absent and hidden are NotFound alike.
    pub fn resolve(&self, owner: &str, segments: &[&str]) -> Result<Resource> {
        if let Some((name, below)) = segments.split_first()
            && let Some((owner, _)) = self.snapshot.user_named(owner)?
            && let Some(calendar) = self.calendar_in(owner, name)?
        {
            return match below {
                [] => Ok(Resource::Calendar(calendar)),
                [object] => {
                    let row = self.row(&calendar, object)?;
                    Ok(Resource::Object(calendar, row))
                }
                _ => Err(Error::NotFound),
            };
        }
        // Who reaches something in a home reaches the home; of all others everything there is looked at, whatever is missing.
        let (home, _) = self.home_of(owner)?.ok_or(Error::NotFound)?;
        if segments.is_empty() {
            return Ok(Resource::Home(home));
        }
        if !home.own || self.is_denied()? || segments.len() > self.limits().path_segments_max {
            return Err(Error::NotFound);
        }
        let node = plain_tree::find(self.snapshot, self.viewer, segments)?.ok_or(Error::NotFound)?;
        Ok(Resource::Plain(self.plain(&home.owner, segments, node)))
    }

    /// The calendar of this name in a home.
    pub(super) fn calendar_in(&self, owner: PrincipalId, name: &str) -> Result<Option<Calendar>> {
        if let Some(known) = self.snapshot.calendar_named(owner, name)? {
            return self.reach(&known, Place::Owner);
        }
        if owner == self.viewer { self.mount_named(name) } else { Ok(None) }
    }

    /// Members of a home in the order of their names: own calendars, mounts and plain collections in one's own; in
    /// another's, calendars at `details` or above.
    pub fn home_members(&self, home: &Home) -> Result<Vec<Resource>> {
        self.snapshot.not_at_hand()?;
        let (home, owner) = self.home_of(&home.owner)?.ok_or(Error::NotFound)?;
        let reachable = self.reachable_of(owner)?;
        if !home.own {
            return Ok(reachable.into_iter().filter(is_detailed).map(Resource::Calendar).collect());
        }
        let own: BTreeSet<String> = reachable.iter().map(|calendar| calendar.name().to_owned()).collect();
        // To whom the module is denied, his home is empty; what he kept in it waits.
        if self.is_denied()? {
            return Ok(Vec::new());
        }
        // A calendar of one's own stands before a mount of its name, as in `resolve`.
        let mounts = self.mounts()?.into_iter().filter(|mount| !own.contains(mount.name()));
        let mut members: Vec<Resource> = reachable.into_iter().chain(mounts).map(Resource::Calendar).collect();
        for (name, record) in plain_tree::members(self.snapshot, owner, PlainId::ROOT)? {
            let path = [name.as_str()];
            members.push(Resource::Plain(self.plain(&home.owner, &path, Node::of(PlainId::ROOT, &name, record))));
        }
        members.sort_by(|a, b| a.member_name().cmp(b.member_name()));
        Ok(members)
    }
}

/// A calendar to be made (MKCALENDAR, extended MKCOL).
#[derive(Clone, Debug, Default)]
pub struct NewCalendar {
    /// Empty: all kinds.
    pub components: Vec<ComponentKind>,
    /// Initial properties.
    pub properties: Vec<PropertyUpdate>,
}

impl AuthorizedWriter<'_> {
    /// Makes a calendar in the viewer's own home. `Exists` if the name is taken; in another's home: Denied bind if the
    /// home is visible, else NotFound.
    pub fn create_calendar(&mut self, owner: &str, name: &str, calendar: &NewCalendar) -> Result<()> {
        self.own_home_for(owner)?;
        self.check_member_name(name)?;
        let id = CalendarId(self.snapshot.random_id());
        let mut transaction = self.snapshot.begin();
        let new =
            calendars::NewCalendar { id, owner: self.viewer, name, components: &calendar.components, policy: CalendarPolicy::default() };
        calendars::create(&mut transaction, new, self.now(), self.limits())?;
        stage_updates(&mut transaction, PropertyHolder::Calendar(id), self.viewer, &calendar.properties, self.limits())?;
        self.snapshot.commit(transaction)
    }

    /// Puts one's own calendar with all its objects and grants into the trash; for a mount: leaves the share (the grant stays, the
    /// mount is hidden); at another's path: Denied.
    pub fn delete_calendar(&mut self, calendar: &Calendar) -> Result<()> {
        let stored = calendars::by_id(self.snapshot, calendar.id())?.ok_or(Error::NotFound)?;
        let mut transaction = self.snapshot.begin();
        if calendar.own() {
            trash::put_calendar(&mut transaction, &stored, calendar.owner(), &self.stamp()?, self.limits())?;
        } else if calendar.mounted() {
            transaction.put_record(keys::mount(self.viewer, stored.id), &MountState::Left)?;
        } else {
            self.note_refusal(calendar, Attempt::Delete, Privilege::Unbind);
            return denied(Privilege::Unbind);
        }
        self.snapshot.commit(transaction)
    }

    /// Only one's own home takes new members: Denied bind in another's that is visible, NotFound in others.
    pub(super) fn own_home_for(&self, owner: &str) -> Result<Home> {
        let (home, _) = self.home_of(owner)?.ok_or(Error::NotFound)?;
        if home.own && !self.is_denied()? { Ok(home) } else { denied(Privilege::Bind) }
    }

    /// Whether a new direct member of one's own home may bear this name.
    pub(super) fn check_member_name(&self, name: &str) -> Result<()> {
        plain_tree::check_name(name, self.limits())?;
        if self.mount_named(name)?.is_some() {
            return Err(Error::Exists);
        }
        if is_mount_name(name) { denied(Privilege::Bind) } else { Ok(()) }
    }
}

/// A limit that has no precondition element of its own.
pub(super) fn out_of_space<T>() -> Result<T> {
    Err(Error::LimitExceeded(Limit::Space))
}
