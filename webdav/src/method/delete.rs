//! DELETE (RFC 4918 §9.6): objects, files, collections with all below. Deleting a mounted share means leaving it; that is the
//! door's to know.

use super::empty;
use crate::body::Body;
use crate::dispatch::Exchange;
use crate::error::{Error, Result};
use crate::header::{Depth, depth};
use crate::precondition::Purpose;
use crate::resource::Resource;
use http::{Response, StatusCode};
use storage::authorized;

pub(crate) fn run(exchange: &Exchange<'_>) -> Result<Response<Body>> {
    let depth = depth(exchange.request.headers)?;
    exchange.door.write(|writer| {
        let view = exchange.view(writer);
        let resource = exchange.locate(&view)?;
        let verdict = exchange.verdict(&view, Some(&resource), Purpose::Write)?;
        match &resource {
            Resource::Stored(authorized::Resource::Object(calendar, row)) => {
                // Rights come before conditions; without them the door refuses, and marks the refusal.
                if let (true, Some(error)) = (row.rights().delete, verdict.error()) {
                    return Err(error);
                }
                writer.delete_object(calendar, row.name())?;
            }
            Resource::Stored(authorized::Resource::Calendar(calendar)) => {
                // A calendar at another's path is not his to leave: rights come before conditions here too.
                if calendar.own() || calendar.mounted() {
                    stops(verdict.error(), whole(depth))?;
                }
                writer.delete_calendar(calendar)?;
            }
            Resource::Stored(authorized::Resource::Plain(plain)) => {
                stops(verdict.error(), if plain.kind == authorized::PlainKind::Collection { whole(depth) } else { Ok(()) })?;
                writer.delete_plain(plain)?;
            }
            // What the server itself keeps: nobody holds `unbind` on what it stands in (RFC 3744 Appendix B).
            _ => return Err(Error::Status(StatusCode::FORBIDDEN)),
        }
        Ok(empty(StatusCode::NO_CONTENT))
    })
}

/// A collection goes with all below, or not at all (RFC 4918 §9.6.1).
fn whole(depth: Option<Depth>) -> Result<()> {
    match depth {
        None | Some(Depth::Infinity) => Ok(()),
        Some(_) => Err(Error::BadRequest("a collection is deleted with Depth infinity")),
    }
}

fn stops(condition: Option<Error>, depth: Result<()>) -> Result<()> {
    depth?;
    condition.map_or(Ok(()), Err)
}
