//! `DAV:resource-id` (RFC 5842 §3.1): one lasting identifier for each resource and viewer.
//!
//! Nobody is shown the identifier that another is shown, and what is withheld never shows through: a calendar has one for a
//! viewer, under her path and his mount and at every level; an object of another's calendar has one made of the UID he is
//! shown, so that it goes with its name and UID where something of it is withheld, and an object that was stored anew alike
//! does not tell. The owner's objects keep theirs when they are moved.

use super::{AuthorizedStore, Calendar, Resource, VisiblePrincipal};
use crate::error::{Error, Result};

/// Of what a resource-id is asked.
#[derive(Clone, Copy, Debug)]
pub enum Identified<'a> {
    /// A collection that always stands, by its path.
    Fixed(&'static str),
    /// A principal.
    Principal(&'a VisiblePrincipal),
    /// A home or something in it.
    Resource(&'a Resource),
}

impl AuthorizedStore<'_> {
    /// The identifier: a `urn:uuid:`.
    pub fn resource_id(&self, of: Identified<'_>) -> Result<String> {
        let id = |parts: &[&[u8]]| Ok(self.snapshot.key().resource_id(self.viewer, parts));
        match of {
            Identified::Fixed(path) => id(&[b"fixed", path.as_bytes()]),
            Identified::Principal(principal) => id(&[b"principal", &principal.id.0]),
            Identified::Resource(Resource::Home(home)) => {
                // By her id: who comes later under her name inherits nothing.
                let (owner, _) = self.snapshot.user_named(&home.owner)?.ok_or(Error::NotFound)?;
                id(&[b"home", &owner.0])
            }
            Identified::Resource(Resource::Calendar(calendar)) => id(&[b"calendar", &calendar.id().0]),
            Identified::Resource(Resource::Object(calendar, row)) => id(&[b"object", &self.lasting(calendar, row.name())?]),
            Identified::Resource(Resource::Plain(plain)) => id(&[b"plain", &plain.id.0]),
        }
    }

    /// What lasts of an object for this viewer.
    fn lasting(&self, calendar: &Calendar, name: &str) -> Result<Vec<u8>> {
        self.with_view(calendar, |view| {
            let row = view.row(name).ok_or(Error::NotFound)?;
            if calendar.own() {
                return Ok(row.object().0.to_vec());
            }
            let shown = row.uid().map_or_else(|| name.as_bytes().to_vec(), |uid| uid.0.to_vec());
            Ok([calendar.id().0.as_slice(), &shown].concat())
        })
    }
}
