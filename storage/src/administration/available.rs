//! Calendars that others opened to a user, as he could list and decide about them himself: the door decides here too.

use super::Administration;
use super::edit::Edit;
use crate::authorized::{AuthorizedStore, AuthorizedWriter, Available, Decision};
use crate::calendars;
use crate::client::ClientName;
use crate::error::{Error, Result};

/// One of them, with the calendar that it is.
#[derive(Clone, Debug)]
pub struct AvailableTo {
    /// `OWNER/NAME`
    pub path: String,
    /// As it is shown to him.
    pub available: Available,
}

/// Some of them.
#[derive(Clone, Debug)]
pub struct AvailableListed {
    /// By owner, then by name.
    pub entries: Vec<AvailableTo>,
    /// The owner after whom the others come; absent: these are all.
    pub next: Option<String>,
}

impl Administration {
    /// What others opened to a user: of one owner, if one is named; of those owners that come after one, if that is said.
    pub fn available(&self, user: &str, owner: Option<&str>, after: Option<&str>) -> Result<AvailableListed> {
        self.store.read(|snapshot| {
            let (id, _) = Edit::new(snapshot, &self.by).user_named(user)?;
            let client = ClientName::command_line();
            let page = AuthorizedStore::new(snapshot, id, &client).available(owner, after)?;
            let mut entries = Vec::new();
            for available in page.entries {
                let stored = calendars::by_id(snapshot, available.calendar.id())?.ok_or(Error::NotFound)?;
                let path = format!("{}/{}", available.calendar.owner(), stored.record.name);
                entries.push(AvailableTo { path, available });
            }
            Ok(AvailableListed { entries, next: page.next })
        })
    }

    /// Decides for a user about a calendar that somebody opened to him: `OWNER/NAME`, or its id as listed.
    pub fn decide(&self, user: &str, calendar: &str, decision: Decision) -> Result<AvailableTo> {
        self.store.write(|snapshot| {
            let edit = Edit::new(snapshot, &self.by);
            let (user_id, _) = edit.user_named(user)?;
            let name = match calendar.split_once('/') {
                Some((owner, name)) => snapshot.key().mount_name(user_id, edit.calendar_named(owner, name)?.id),
                None => calendar.to_owned(),
            };
            let client = ClientName::command_line();
            let mut door = AuthorizedWriter::new(AuthorizedStore::new(snapshot, user_id, &client));
            let not_open = || Error::Invalid(format!("{calendar} is not open to {user}: `shoji available list {user}` says what is"));
            let available =
                door.available_named(&name).map_err(|error| if matches!(error, Error::NotFound) { not_open() } else { error })?;
            door.decide(&available, decision)?;
            let available = AuthorizedStore::new(snapshot, user_id, &client).available_named(&name)?;
            let stored = calendars::by_id(snapshot, available.calendar.id())?.ok_or(Error::NotFound)?;
            Ok(AvailableTo { path: format!("{}/{}", available.calendar.owner(), stored.record.name), available })
        })
    }
}
