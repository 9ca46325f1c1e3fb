//! Links, as their calendars' owners could make, see and end them themselves: the door decides here too.

use super::Administration;
use super::edit::Edit;
use super::names::invalid;
use super::shares::all_calendars;
use crate::authorized::{AuthorizedStore, AuthorizedWriter, LinkEntry, MadeLink, NewLink};
use crate::client::ClientName;
use crate::error::{Error, Result};
use crate::links;
use std::collections::BTreeSet;

impl Administration {
    /// Makes a link to a calendar (owner, name) or to an event of it, by the name under which its owner finds it.
    pub fn add_link(&self, owner: &str, calendar: &str, object: Option<&str>, new: &NewLink) -> Result<MadeLink> {
        self.store.write(|snapshot| {
            let stored = Edit::new(snapshot, &self.by).calendar_named(owner, calendar)?;
            let client = ClientName::command_line();
            let mut door = AuthorizedWriter::new(AuthorizedStore::new(snapshot, stored.record.owner, &client));
            let segments: Vec<&str> = std::iter::once(calendar).chain(object).collect();
            match door.resolve(owner, &segments) {
                Ok(resource) => door.add_link_by(&resource, new, &Edit::new(snapshot, &self.by).author),
                Err(Error::NotFound) if object.is_none() => invalid(format!("the calendar module is denied to {owner}")),
                Err(Error::NotFound) => invalid(format!("{owner}/{calendar} has no event {:?}", object.unwrap_or_default())),
                Err(error) => Err(error),
            }
        })
    }

    /// The links of one calendar (owner, name) or of all, by calendar.
    pub fn links(&self, calendar: Option<(&str, &str)>) -> Result<Vec<LinkEntry>> {
        self.store.read(|snapshot| {
            let calendars = match calendar {
                Some((owner, name)) => vec![(owner.to_owned(), Edit::new(snapshot, &self.by).calendar_named(owner, name)?)],
                None => all_calendars(snapshot)?,
            };
            let linked: BTreeSet<_> = links::all(snapshot)?.into_iter().map(|link| link.calendar).collect();
            let client = ClientName::command_line();
            let mut entries = Vec::new();
            for (_, stored) in calendars.iter().filter(|(_, stored)| linked.contains(&stored.id)) {
                entries.extend(AuthorizedStore::new(snapshot, stored.record.owner, &client).links_of(stored)?);
            }
            Ok(entries)
        })
    }

    /// Ends a link by its id.
    pub fn remove_link(&self, id: &str) -> Result<()> {
        self.store.write(|snapshot| {
            let link = links::parse_id(id).map(|id| links::by_id(snapshot, id)).transpose()?.flatten().ok_or(Error::NotFound)?;
            let mut edit = Edit::new(snapshot, &self.by);
            links::end(&mut edit.transaction, &link, &edit.author, snapshot.limits())?;
            edit.commit().map(drop)
        })
    }
}
