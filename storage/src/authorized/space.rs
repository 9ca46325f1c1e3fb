//! What a user is told of his space (RFC 4331): he alone, and on what is his own.

use super::{AuthorizedStore, PlainKind, Resource};
use crate::error::Result;
use crate::usage;

/// What counts against the viewer's quota, and what is left of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes taken up.
    pub used_bytes: u64,
    /// Bytes left; `None`: there is no limit.
    pub available_bytes: Option<u64>,
}

impl AuthorizedStore<'_> {
    /// The viewer's space, on a collection of his own; `None` on others' and on what is no collection. Every collection of one
    /// home draws on the same space.
    pub fn space(&self, resource: &Resource) -> Result<Option<Space>> {
        let own = match resource {
            Resource::Home(home) => home.own,
            Resource::Calendar(calendar) => calendar.own(),
            Resource::Object(..) => false,
            Resource::Plain(plain) => plain.kind == PlainKind::Collection,
        };
        if !own {
            return Ok(None);
        }
        let usage = usage::of(self.snapshot, self.viewer)?;
        let used_bytes = usage.used_bytes();
        let available_bytes = usage.quota.bytes(self.limits()).map(|quota| quota.saturating_sub(used_bytes));
        Ok(Some(Space { used_bytes, available_bytes }))
    }
}
