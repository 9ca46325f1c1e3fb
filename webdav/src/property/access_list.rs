//! `DAV:acl` of any resource (RFC 3744 §5.5): what the door shows of a calendar's grants, and what follows from it elsewhere;
//! beside it what an ACL can be made of (§5.3, §5.6).
//!
//! Decides no access: for whom the door denies a calendar's, nothing of it is read here either.

use super::value::write_privilege;
use super::{Presence, Subject};
use crate::error::{Error, Result};
use crate::resource::{Resource, View};
use crate::xml::{Name, Writer};
use acl::Privilege;
use storage::authorized::{self, AceSubject, Calendar, PrincipalKind, ShownAce};

/// The access control list of a resource.
pub(crate) struct AccessList {
    /// Who owns the resource (path segment).
    pub(crate) owner: String,
    aces: Vec<ShownAce>,
    /// The href of the calendar from which an object has them (RFC 3744 §5.5.4).
    inherited: Option<String>,
}

impl AccessList {
    /// Of a resource; `None` where the viewer may not read it (`DAV:read-acl`), as on all that is not his own.
    pub(crate) fn of(view: &View<'_, '_>, resource: &Resource) -> Result<Option<Self>> {
        let of_calendar = |calendar: &Calendar, inherited| match view.store.acl(calendar) {
            Ok(aces) => Ok(Some(Self { owner: calendar.owner().to_owned(), aces, inherited })),
            Err(storage::Error::Denied { .. }) => Ok(None),
            Err(error) => Err(Error::from(error)),
        };
        match resource {
            Resource::Fixed(_) | Resource::Principal(_) | Resource::FreeBusy(_) => Ok(None),
            Resource::Stored(authorized::Resource::Calendar(calendar)) => of_calendar(calendar, None),
            Resource::Stored(authorized::Resource::Object(calendar, _)) => of_calendar(calendar, Some(view.hrefs.calendar(calendar))),
            Resource::Stored(authorized::Resource::Home(home)) if home.own => {
                Ok(Some(Self { owner: home.owner.clone(), aces: ShownAce::standing(), inherited: None }))
            }
            Resource::Stored(authorized::Resource::Home(_)) => Ok(None),
            Resource::Stored(authorized::Resource::Plain(plain)) => {
                Ok(Some(Self { owner: plain.owner.clone(), aces: ShownAce::standing(), inherited: None }))
            }
        }
    }

    /// The principals that it names by href or as the owner. No principal has an href that stands for everyone.
    pub(crate) fn principals(&self) -> impl Iterator<Item = (PrincipalKind, &str)> {
        self.aces.iter().filter_map(|ace| match &ace.subject {
            AceSubject::Owner => Some((PrincipalKind::User, self.owner.as_str())),
            AceSubject::Principal(kind, name) => Some((*kind, name.as_str())),
            AceSubject::Everyone => None,
        })
    }

    /// The content of `DAV:acl`.
    pub(super) fn write(&self, view: &View<'_, '_>, writer: &mut Writer) {
        for ace in &self.aces {
            writer.start(&Name::dav("ace"));
            writer.start(&Name::dav("principal"));
            match &ace.subject {
                AceSubject::Owner => {
                    writer.start(&Name::dav("property"));
                    writer.empty(&Name::dav("owner"));
                    writer.end(&Name::dav("property"));
                }
                AceSubject::Principal(kind, name) => writer.href(&view.hrefs.principal(*kind, name)),
                AceSubject::Everyone => writer.empty(&Name::dav("authenticated")),
            }
            writer.end(&Name::dav("principal"));
            let kind = Name::dav(if ace.deny { "deny" } else { "grant" });
            writer.start(&kind);
            for privilege in &ace.privileges {
                write_privilege(writer, *privilege);
            }
            writer.end(&kind);
            if ace.is_protected() {
                writer.empty(&Name::dav("protected"));
            }
            if let Some(href) = &self.inherited {
                writer.start(&Name::dav("inherited"));
                writer.href(href);
                writer.end(&Name::dav("inherited"));
            }
            writer.end(&Name::dav("ace"));
        }
    }
}

/// For its owner alone (RFC 3744 §5.5).
pub(super) fn acl(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Result<Presence> {
    let Some(list) = AccessList::of(subject.view, subject.resource)? else { return Ok(Presence::Forbidden) };
    list.write(subject.view, writer);
    Ok(Presence::Present)
}

pub(super) fn acl_restrictions(_: &Subject<'_, '_, '_>, writer: &mut Writer) -> Result<Presence> {
    writer.empty(&Name::dav("no-invert"));
    Ok(Presence::Present)
}

/// What may be granted on a calendar, as a tree of aggregates (RFC 3744 §5.3).
pub(super) fn supported_privilege_set(_: &Subject<'_, '_, '_>, writer: &mut Writer) -> Result<Presence> {
    let leaf = |writer: &mut Writer, privilege: Privilege, description: &str| {
        open_supported(writer, privilege, description);
        writer.end(&Name::dav("supported-privilege"));
    };
    open_supported(writer, Privilege::All, "Everything");
    open_supported(writer, Privilege::Read, "See all details");
    open_supported(writer, Privilege::ReadTitles, "See free/busy and titles");
    leaf(writer, Privilege::ReadFreeBusy, "See free/busy");
    writer.end(&Name::dav("supported-privilege"));
    leaf(writer, Privilege::ReadCurrentUserPrivilegeSet, "See one's own privileges");
    writer.end(&Name::dav("supported-privilege"));
    open_supported(writer, Privilege::Write, "Edit and delete");
    leaf(writer, Privilege::WriteProperties, "Set one's own name, colour and order");
    leaf(writer, Privilege::WriteContent, "Edit");
    leaf(writer, Privilege::Bind, "Create");
    leaf(writer, Privilege::Unbind, "Delete");
    writer.end(&Name::dav("supported-privilege"));
    leaf(writer, Privilege::ReadAcl, "See who it is shared with");
    leaf(writer, Privilege::WriteAcl, "Share");
    writer.end(&Name::dav("supported-privilege"));
    Ok(Presence::Present)
}

fn open_supported(writer: &mut Writer, privilege: Privilege, description: &str) {
    writer.start(&Name::dav("supported-privilege"));
    write_privilege(writer, privilege);
    writer.start_with(&Name::dav("description"), &[("xml:lang", "en")]);
    writer.text(description);
    writer.end(&Name::dav("description"));
}
