//! A resource's lasting identifier (RFC 5842), where a collection takes new members (RFC 5995), and its owner's space (RFC 4331).

use super::Presence::{Absent, Present};
use super::{Presence, Subject};
use crate::error::Result;
use crate::href::Hrefs;
use crate::resource::Resource;
use crate::xml::Writer;
use acl::Privilege;
use storage::authorized::{Identified, Space};

type Value = Result<Presence>;

impl Subject<'_, '_, '_> {
    fn space(&self) -> Result<Option<Space>> {
        self.stored_resource().map_or(Ok(None), |resource| Ok(self.view.store.space(resource)?))
    }
}

pub(super) fn resource_id(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    let of = match subject.resource {
        Resource::Fixed(fixed) => Identified::Fixed(fixed.path()),
        Resource::Principal(principal) => Identified::Principal(principal),
        Resource::Stored(resource) => Identified::Resource(resource),
        // What is told there is made of what other resources hold.
        Resource::FreeBusy(_) => return Ok(Absent),
    };
    writer.href(&subject.view.store.resource_id(of)?);
    Ok(Present)
}

/// For whoever may add: where to.
pub(super) fn add_member(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    if subject.calendar().is_some_and(|calendar| !calendar.privileges().contains(&Privilege::Bind)) {
        return Ok(Absent);
    }
    writer.href(&Hrefs::add_member(&subject.view.href(subject.resource)));
    Ok(Present)
}

/// Absent where there is no limit: the space that is really left would tell of what others keep.
pub(super) fn quota_available(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    number(writer, subject.space()?.and_then(|space| space.available_bytes))
}

pub(super) fn quota_used(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    number(writer, subject.space()?.map(|space| space.used_bytes))
}

fn number(writer: &mut Writer, number: Option<u64>) -> Value {
    let Some(number) = number else { return Ok(Absent) };
    writer.text(&number.to_string());
    Ok(Present)
}
