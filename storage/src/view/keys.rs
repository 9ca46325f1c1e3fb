//! Keys of what is kept about views.

use crate::engine::KeyRange;
use crate::error::{Error, Result};
use crate::keys;
use acl::{CalendarId, PrincipalId};

/// One viewer's view of one collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scope {
    /// Of a calendar's objects.
    Calendar(PrincipalId, CalendarId),
    /// Of the members of his own home.
    Home(PrincipalId),
}

impl Scope {
    /// What the view's keyed values are bound to.
    pub(crate) fn prefix(&self) -> Vec<u8> {
        match self {
            Self::Calendar(viewer, calendar) => keys::view_prefix(*calendar, *viewer),
            Self::Home(viewer) => keys::home_view_prefix(*viewer),
        }
    }

    fn key(&self, part: u8, rest: &[u8]) -> Vec<u8> {
        let mut key = self.prefix();
        key.push(part);
        key.extend_from_slice(rest);
        key
    }

    /// What a key of this view ends with, after the part.
    fn rest<'k>(&self, key: &'k [u8]) -> Option<&'k [u8]> {
        key.get(self.prefix().len().saturating_add(1)..)
    }

    pub(crate) fn head(&self) -> Vec<u8> {
        self.key(b'h', &[])
    }
    /// How many writes of the viewer's own the view has seen.
    pub(crate) fn own_writes(&self) -> Vec<u8> {
        self.key(b'o', &[])
    }
    /// How far a calendar's view has followed the calendar.
    pub(crate) fn progress(&self) -> Vec<u8> {
        self.key(b'p', &[])
    }
    /// Objects that a calendar's view lists nowhere and that take time all the same.
    pub(crate) fn unlisted(&self) -> Vec<u8> {
        self.key(b'u', &[])
    }
    pub(crate) fn rows(&self) -> KeyRange {
        KeyRange::prefix(&self.key(b'r', &[]))
    }
    pub(crate) fn row(&self, name: &str) -> Vec<u8> {
        self.key(b'r', name.as_bytes())
    }
    pub(crate) fn removals(&self) -> KeyRange {
        KeyRange::prefix(&self.key(b'g', &[]))
    }
    pub(crate) fn removal(&self, name: &str) -> Vec<u8> {
        self.key(b'g', name.as_bytes())
    }
    pub(crate) fn tokens(&self) -> KeyRange {
        KeyRange::prefix(&self.key(b't', &[]))
    }
    pub(crate) fn token(&self, id: &[u8; 16]) -> Vec<u8> {
        self.key(b't', id)
    }
    /// The name at the end of a row's or removal's key.
    pub(crate) fn name_of(&self, key: &[u8]) -> Result<String> {
        let name = self.rest(key).and_then(|name| std::str::from_utf8(name).ok());
        name.map(str::to_owned).ok_or(Error::Corrupted("a name in a view"))
    }
    /// The token at the end of its key.
    pub(crate) fn token_of(&self, key: &[u8]) -> Result<[u8; 16]> {
        self.rest(key).and_then(|id| id.try_into().ok()).ok_or(Error::Corrupted("a token's key"))
    }
}
