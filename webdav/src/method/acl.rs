//! ACL (RFC 3744 §8.1): the owner replaces the grants of a calendar. What the ACEs mean is decided behind the door.
//!
//! Objects are shared with their calendar and files not at all: there a request can ask for nothing but what stands, and is
//! told so by the element that fits.

use super::{empty, not_allowed};
use crate::body::Body;
use crate::dispatch::Exchange;
use crate::error::{Error, Result};
use crate::header::authorities;
use crate::href::{Path, Target};
use crate::precondition::Purpose;
use crate::property::privilege_name;
use crate::resource::{Kind, Resource, View};
use crate::xml::Element;
use ::acl::ace::{Ace, AceError, AcePrincipal, check_standing};
use ::acl::{Grantee, Privilege};
use http::{Response, StatusCode};
use storage::authorized;

/// ACEs of one request.
const ACES_MAX: usize = 1_000;

pub(crate) fn run(exchange: &Exchange<'_>) -> Result<Response<Body>> {
    let root = exchange.xml();
    exchange.door.write(|writer| {
        let view = exchange.view(writer);
        let resource = exchange.locate(&view)?;
        // Before anything is said of the body: what it names is the owner's business.
        let shared = match &resource {
            Resource::Stored(authorized::Resource::Calendar(calendar)) => writer.check_may_share(calendar).map(|()| Some(calendar))?,
            Resource::Stored(authorized::Resource::Object(calendar, _)) => writer.check_may_share(calendar).map(|()| None)?,
            Resource::Stored(authorized::Resource::Plain(_)) => None,
            _ => return Err(not_allowed(&resource)),
        };
        if let Some(error) = exchange.verdict(&view, Some(&resource), Purpose::Write)?.error() {
            return Err(error);
        }
        let root = root?;
        if !root.name.is_dav("acl") {
            return Err(Error::BadRequest("the body is no acl"));
        }
        let authorities = authorities(exchange.request.headers, exchange.site);
        let aces = root.children().filter(|child| child.name.is_dav("ace")).map(|ace| read_ace(ace, &view, &authorities));
        let aces: Vec<Ace> = aces.take(ACES_MAX + 1).collect::<Result<_>>()?;
        if aces.len() > ACES_MAX {
            return Err(Error::Status(StatusCode::PAYLOAD_TOO_LARGE));
        }
        match shared {
            Some(calendar) => writer.set_acl(calendar, &aces)?,
            None => check_standing(&aces)
                .map_err(|error| match (error, resource.kind()) {
                    // An object has all its ACEs from its calendar, the owner's own as well.
                    (AceError::NoProtectedAceConflict, Kind::Object) => AceError::NoInheritedAceConflict,
                    (error, _) => error,
                })
                .map_err(storage::Error::Ace)?,
        }
        Ok(empty(StatusCode::OK))
    })
}

fn read_ace(ace: &Element, view: &View<'_, '_>, authorities: &[&str]) -> Result<Ace> {
    // One of each: an ACE that says more is malformed (RFC 3744 §8.1.5).
    let principal = match only(ace, ["principal", "invert"]) {
        Some(principal) if principal.name.is_dav("principal") => read_principal(principal, view, authorities)?,
        Some(_) => AcePrincipal::Inverted,
        None => return Err(Error::BadRequest("an ace has one principal")),
    };
    let Some(privileges) = only(ace, ["grant", "deny"]) else { return Err(Error::BadRequest("an ace has grant or deny")) };
    let deny = privileges.name.is_dav("deny");
    let privileges: Vec<Option<Privilege>> = privileges
        .children()
        .filter(|child| child.name.is_dav("privilege"))
        .flat_map(Element::children)
        .map(|privilege| PRIVILEGES.iter().copied().find(|known| privilege_name(*known) == privilege.name))
        .collect();
    if privileges.is_empty() {
        return Err(Error::BadRequest("an ace names a privilege"));
    }
    let protected = ace.dav("protected").is_some() || ace.dav("inherited").is_some();
    Ok(Ace { principal, privileges, deny, protected })
}

/// The one child with one of these names.
fn only<'e>(ace: &'e Element, names: [&str; 2]) -> Option<&'e Element> {
    let mut found = ace.children().filter(|child| names.iter().any(|name| child.name.is_dav(name)));
    found.next().filter(|_| found.next().is_none())
}

const PRIVILEGES: [Privilege; 13] = [
    Privilege::Read,
    Privilege::ReadFreeBusy,
    Privilege::ReadTitles,
    Privilege::Write,
    Privilege::WriteProperties,
    Privilege::WriteContent,
    Privilege::Bind,
    Privilege::Unbind,
    Privilege::Unlock,
    Privilege::ReadAcl,
    Privilege::WriteAcl,
    Privilege::ReadCurrentUserPrivilegeSet,
    Privilege::All,
];

fn read_principal(principal: &Element, view: &View<'_, '_>, authorities: &[&str]) -> Result<AcePrincipal> {
    let Some(form) = principal.children().next() else { return Err(Error::BadRequest("a principal is empty")) };
    if form.name.is_dav("all") || form.name.is_dav("authenticated") {
        return Ok(AcePrincipal::Grantee(Grantee::Everyone));
    }
    if !form.name.is_dav("href") {
        return Ok(AcePrincipal::NotAllowed);
    }
    match view.hrefs.read(&form.text(), authorities) {
        Ok(Target::Path(Path::Principal(kind, name))) => match view.store.ace_principal(kind, &name) {
            Err(storage::Error::NotFound) => Ok(AcePrincipal::Unknown),
            other => Ok(other?),
        },
        _ => Ok(AcePrincipal::Unknown),
    }
}
