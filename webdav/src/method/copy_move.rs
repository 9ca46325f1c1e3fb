//! COPY and MOVE (RFC 4918 §9.8, §9.9): objects between calendars, plain resources within one's own home, and one's own
//! calendar to another name. Copying whole calendars is not offered.
//!
//! Source and destination are looked up in the viewer's namespace; rights are the door's to decide.

use super::put::{conflict_href, is_calendar_type, parent, parse_object, represent, store_object};
use super::{empty, not_allowed};
use crate::body::Body;
use crate::condition::Condition;
use crate::dispatch::Exchange;
use crate::error::{Detail, Error, Result};
use crate::header::{Depth, Overwrite, depth, destination, overwrite};
use crate::href::{Hrefs, Path};
use crate::precondition::Purpose;
use crate::resource::{Resource, View};
use acl::{Privilege, Visibility, VisibleObject};
use http::{Response, StatusCode};
use storage::AuthorizedWriter;
use storage::authorized::plain::CopyDepth;
use storage::authorized::{self, Calendar, Home, Plain, PlainKind, Row};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transfer {
    /// The source stays.
    Copy,
    /// The source goes.
    Move,
}

/// The destination as the viewer sees it.
struct Landing {
    path: Path,
    standing: Option<Resource>,
    parent: Resource,
}

/// What the conditional headers and `Overwrite` say. They are asked last, of what would otherwise be done (RFC 9110 §13.2.1):
/// who lacks a right is told that, and the refusal is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Conditions {
    Hold,
    /// A conditional header does not hold for the source.
    Unmet,
    /// Something stands at the destination, and is not to be replaced (RFC 4918 §10.6).
    Taken,
}

impl Conditions {
    /// Use with: 412.
    fn check(self) -> Result<()> {
        match self {
            Self::Hold => Ok(()),
            Self::Unmet => Err(Error::Unmet),
            Self::Taken => Err(Error::Status(StatusCode::PRECONDITION_FAILED)),
        }
    }
}

pub(crate) fn run(exchange: &Exchange<'_>, transfer: Transfer) -> Result<Response<Body>> {
    let headers = exchange.request.headers;
    let path = destination(headers, exchange.site)?;
    let overwrite = overwrite(headers)?;
    let depth = depth(headers)?;
    let done = exchange.door.write(|writer| {
        let view = exchange.view(writer);
        let source = exchange.locate(&view)?;
        if let Resource::Fixed(_) | Resource::Principal(_) | Resource::Stored(authorized::Resource::Home(_)) = source {
            // The server's own: neither goes elsewhere (RFC 4918 §9.8.5, §9.9.4).
            return Err(Error::Status(StatusCode::FORBIDDEN));
        }
        let landing = landing(&view, path.clone())?;
        if landing.path == exchange.path || view.href(&source) == landing.standing.as_ref().map(|r| view.href(r)).unwrap_or_default() {
            return Err(Error::Status(StatusCode::FORBIDDEN));
        }
        let verdict = exchange.verdict(&view, Some(&source), Purpose::Write)?;
        let conditions = match verdict.error() {
            None if landing.standing.is_some() && overwrite == Overwrite::Refuse => Conditions::Taken,
            None => Conditions::Hold,
            Some(_) => Conditions::Unmet,
        };
        let hrefs = Hrefs::new(exchange.site);
        let created = match &source {
            Resource::Stored(authorized::Resource::Object(calendar, row)) => {
                object(writer, &hrefs, transfer, (calendar, row), &landing, conditions)?
            }
            Resource::Stored(authorized::Resource::Plain(plain)) => {
                plain_resource(writer, &hrefs, transfer, plain, depth, &landing, conditions)?
            }
            Resource::Stored(authorized::Resource::Calendar(calendar)) => whole_calendar(writer, transfer, calendar, &landing, conditions)?,
            other => return Err(not_allowed(other)),
        };
        Ok::<_, Error>(empty(if created { StatusCode::CREATED } else { StatusCode::NO_CONTENT }))
    })?;
    represent(exchange, &path, done)
}

fn landing(view: &View<'_, '_>, path: Path) -> Result<Landing> {
    let standing = match view.locate(&path) {
        Ok(resource) => Some(resource),
        Err(Error::Status(StatusCode::NOT_FOUND)) => None,
        Err(error) => return Err(error),
    };
    match &path {
        Path::Home { below, .. } if !below.is_empty() => {}
        // A fixed collection, a principal or a home cannot be replaced; nothing can be made beside them.
        _ => return Err(Error::Status(StatusCode::FORBIDDEN)),
    }
    // In one's own home a missing parent is a conflict (RFC 4918 §9.8.5). In another's nobody can make it: what is missing for
    // the viewer, like a calendar he only reads, is a place where he may bind nothing.
    let parent = parent(&path, view).map_err(|error| match error {
        Error::Status(StatusCode::NOT_FOUND) => Error::need(Privilege::Bind),
        other => other,
    })?;
    match &parent {
        Resource::Stored(authorized::Resource::Plain(plain)) if plain.kind == PlainKind::Subscription => Err(Error::need(Privilege::Bind)),
        _ => Ok(Landing { path, standing, parent }),
    }
}

impl Landing {
    fn name(&self) -> Result<&str> {
        match &self.path {
            Path::Home { below, .. } => below.last().map(String::as_str).ok_or_else(Error::not_found),
            _ => Err(Error::not_found()),
        }
    }

    fn below(&self) -> Vec<&str> {
        match &self.path {
            Path::Home { below, .. } => below.iter().map(String::as_str).collect(),
            _ => Vec::new(),
        }
    }
}

fn object(
    writer: &mut AuthorizedWriter<'_>,
    hrefs: &Hrefs<'_>,
    transfer: Transfer,
    (calendar, row): (&Calendar, &Row),
    landing: &Landing,
    conditions: Conditions,
) -> Result<bool> {
    let Resource::Stored(authorized::Resource::Calendar(target)) = &landing.parent else {
        return Err(Error::condition(Condition::CalendarCollectionLocationOk));
    };
    let (from, to) = ((calendar, row.name()), (target, landing.name()?));
    let mut may = row.least() == Visibility::Full && target.privileges().contains(&Privilege::Bind);
    may &= transfer == Transfer::Copy || row.rights().delete;
    let replaced = match &landing.standing {
        Some(Resource::Stored(authorized::Resource::Object(calendar, replaced))) => Some((calendar, replaced.as_ref())),
        _ => None,
    };
    may &= replaced.is_none_or(|(_, replaced)| replaced.rights().delete);
    if may {
        conditions.check()?;
    }
    if let Some(replaced) = replaced {
        keeps_uid(writer, hrefs, from, row, replaced)?;
    }
    let done = match transfer {
        Transfer::Copy => writer.copy_object(from, to),
        Transfer::Move => writer.move_object(from, to),
    };
    done.map_err(|error| conflict_href(error, hrefs, target))
}

/// An object is not replaced by one with another UID (`CALDAV:no-uid-conflict`, RFC 4791 §5.3.2.1). Looked at only where the
/// viewer may do what he asks for; the door refuses the rest.
fn keeps_uid(
    writer: &AuthorizedWriter<'_>,
    hrefs: &Hrefs<'_>,
    from: (&Calendar, &str),
    source: &Row,
    (calendar, replaced): (&Calendar, &Row),
) -> Result<()> {
    if source.least() < Visibility::Full || replaced.least() < Visibility::Full || !replaced.rights().delete {
        return Ok(());
    }
    let (moving, standing) = (writer.object(from.0, from.1)?, writer.object(calendar, replaced.name())?);
    let uid = |object: &VisibleObject| object.calendar().map(|calendar| calendar.uid().to_owned());
    if uid(&moving) == uid(&standing) {
        return Ok(());
    }
    Err(Error::Condition(Condition::NoUidConflict, Detail::Href(hrefs.object(calendar, replaced.name()))))
}

fn plain_resource(
    writer: &mut AuthorizedWriter<'_>,
    hrefs: &Hrefs<'_>,
    transfer: Transfer,
    plain: &Plain,
    depth: Option<Depth>,
    landing: &Landing,
    conditions: Conditions,
) -> Result<bool> {
    let depth = match (transfer, depth) {
        (_, None | Some(Depth::Infinity)) => CopyDepth::Infinity,
        (Transfer::Copy, Some(Depth::Zero)) => CopyDepth::Zero,
        (_, Some(_)) if plain.kind != PlainKind::Collection => CopyDepth::Zero,
        _ => return Err(Error::BadRequest("this Depth cannot be used here")),
    };
    match &landing.parent {
        Resource::Stored(authorized::Resource::Calendar(calendar)) => {
            return file_to_object(writer, hrefs, transfer, plain, (calendar, landing.name()?), conditions);
        }
        Resource::Stored(authorized::Resource::Home(home)) if !home.own => return Err(Error::need(Privilege::Bind)),
        Resource::Stored(authorized::Resource::Home(_) | authorized::Resource::Plain(_)) => {}
        _ => return Err(Error::Status(StatusCode::FORBIDDEN)),
    }
    if matches!(landing.standing, Some(Resource::Stored(authorized::Resource::Calendar(_)))) {
        return Err(Error::Status(StatusCode::FORBIDDEN));
    }
    let to = landing.below();
    if plain.kind == PlainKind::Subscription && to.len() > 1 {
        return Err(Error::condition(Condition::CalendarCollectionLocationOk));
    }
    // Neither into itself nor over what it stands in (RFC 4918 §9.8.5, §9.9.4).
    let from: Vec<&str> = plain.path.iter().map(String::as_str).collect();
    if to.starts_with(&from) || from.starts_with(&to) {
        return Err(Error::Status(StatusCode::FORBIDDEN));
    }
    conditions.check()?;
    Ok(match transfer {
        Transfer::Copy => writer.copy_plain(plain, &to, depth)?,
        Transfer::Move => writer.move_plain(plain, &to)?,
    })
}

/// A file that lands in a calendar must be a calendar object, as if it were put there (RFC 4791 §5.3.2.1).
fn file_to_object(
    writer: &mut AuthorizedWriter<'_>,
    hrefs: &Hrefs<'_>,
    transfer: Transfer,
    plain: &Plain,
    (calendar, name): (&Calendar, &str),
    conditions: Conditions,
) -> Result<bool> {
    if !calendar.privileges().contains(&Privilege::Bind) {
        return Ok(writer.refuse_new(calendar)?);
    }
    match &plain.kind {
        PlainKind::File { content_type, .. } if is_calendar_type(&content_type.to_ascii_lowercase()) => {}
        PlainKind::File { .. } => return Err(Error::condition(Condition::SupportedCalendarData)),
        PlainKind::Collection | PlainKind::Subscription => return Err(Error::condition(Condition::CalendarCollectionLocationOk)),
    }
    let content = writer.file_content(plain)?;
    let object = parse_object(&content, writer.limits())?;
    conditions.check()?;
    let put = store_object(writer, hrefs, calendar, name, &object)?;
    if transfer == Transfer::Move {
        writer.delete_plain(plain)?;
    }
    Ok(put.created)
}

/// A whole calendar can be renamed by its owner; a copy of it cannot be made in one step.
fn whole_calendar(
    writer: &mut AuthorizedWriter<'_>,
    transfer: Transfer,
    calendar: &Calendar,
    landing: &Landing,
    conditions: Conditions,
) -> Result<bool> {
    let location = || Error::condition(Condition::CalendarCollectionLocationOk);
    let home: &Home = match &landing.parent {
        Resource::Stored(authorized::Resource::Home(home)) => home,
        _ => return Err(location()),
    };
    if transfer == Transfer::Copy || landing.standing.is_some() {
        return Err(location());
    }
    if calendar.own() && home.own {
        conditions.check()?;
    }
    writer.rename_calendar(calendar, home, landing.name()?)?;
    Ok(true)
}
