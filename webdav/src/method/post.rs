//! POST (RFC 5995): a new member of a calendar or plain collection, under a name that the server chooses. It is sent to the
//! URI that the collection's `DAV:add-member` tells; no other resource takes POST.
//!
//! What is asked of the body is what PUT asks of it, and what is refused is refused alike.

use super::put::{Content, parse_object, represent, stored};
use super::{options, set};
use crate::body::Body;
use crate::dispatch::Exchange;
use crate::error::{Error, Result};
use crate::href::{Hrefs, Path};
use crate::precondition::Purpose;
use crate::resource::Resource;
use acl::Privilege;
use http::Response;
use http::header::LOCATION;
use storage::authorized::{self, PlainKind};

pub(crate) fn run(exchange: &Exchange<'_>) -> Result<Response<Body>> {
    let Some(collection) = exchange.path.takes_members_for() else { return options::refuse(exchange) };
    let content = Content::read(exchange)?;
    // Before the store is held for writing: nobody waits for the parser. A file is read in vain.
    let object = content.media_type().and_then(|()| parse_object(content.bytes(), exchange.door.limits()));
    let (path, response) = exchange.door.write(|writer| {
        let view = exchange.view(writer);
        let resource = exchange.locate_at(&view, &collection)?;
        let verdict = exchange.verdict(&view, None, Purpose::Write)?;
        let hrefs = Hrefs::new(exchange.site);
        let (name, mut response) = match &resource {
            Resource::Stored(authorized::Resource::Calendar(calendar)) => {
                if !calendar.privileges().contains(&Privilege::Bind) {
                    return Ok(writer.refuse_new(calendar)?);
                }
                if let Some(error) = verdict.error() {
                    return Err(error);
                }
                let (name, put) =
                    writer.add_object(calendar, &object?).map_err(|error| super::put::conflict_href(error, &hrefs, calendar))?;
                (name, stored(put.created, put.etag.as_deref()))
            }
            Resource::Stored(authorized::Resource::Plain(plain)) if plain.kind == PlainKind::Collection => {
                if let Some(error) = verdict.error() {
                    return Err(error);
                }
                let (name, etag) = writer.add_file(plain, content.content_type(), content.bytes())?;
                (name, stored(true, Some(&etag)))
            }
            // Nothing can be made in it, nothing stands there.
            _ => return Err(Error::not_found()),
        };
        let path = below(&collection, name);
        let location = exchange.view(writer).locate(&path).map(|made| exchange.view(writer).href(&made))?;
        set(&mut response, LOCATION, &location);
        Ok::<_, Error>((path, response))
    })?;
    represent(exchange, &path, response)
}

fn below(collection: &Path, name: String) -> Path {
    match collection.clone() {
        Path::Home { owner, mut below } => {
            below.push(name);
            Path::Home { owner, below }
        }
        other => other,
    }
}
