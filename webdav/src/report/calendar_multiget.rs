//! calendar-multiget (RFC 4791 §7.9): the objects with these hrefs, in the order in which they were asked for.
//!
//! Hidden, absent, malformed and out of reach are one answer: 404 for the href.

use super::Query;
use super::objects::{Wanted, floating_zone};
use crate::condition::Condition;
use crate::dispatch::Body;
use crate::error::{Error, Result};
use crate::href::{Path, Target};
use crate::multistatus::MultiStatus;
use crate::resource::Resource;
use http::{Response, StatusCode};
use ical::Zone;
use std::collections::{BTreeMap, BTreeSet};
use storage::authorized::{self, Calendar, Row};

pub(super) fn run(query: &Query<'_, '_, '_>) -> Result<Response<Body>> {
    let wanted = Wanted::read(query)?;
    let hrefs: Vec<String> = query.body.children().filter(|child| child.name.is_dav("href")).map(|href| href.trimmed_text()).collect();
    if hrefs.len() > query.view.limits.multiget_hrefs_max {
        return Err(Error::condition(Condition::NumberOfMatchesWithinLimits));
    }
    let mut multistatus = MultiStatus::new(query.view.limits, query.preference.missing());
    let mut answered = BTreeSet::new();
    let mut zones: BTreeMap<(String, String), Zone> = BTreeMap::new();
    for href in hrefs {
        let found = find(query, &href)?;
        // Two spellings of one href are one object, which is answered once.
        let canonical = match &found {
            Some((calendar, row)) => query.view.hrefs.object(calendar, &row.name),
            None => href.clone(),
        };
        if !answered.insert(canonical) {
            continue;
        }
        if multistatus.is_full() {
            multistatus.truncated(query.href);
            break;
        }
        let Some((calendar, row)) = found else {
            multistatus.status(&href, StatusCode::NOT_FOUND)?;
            continue;
        };
        let key = (calendar.home().to_owned(), calendar.name().to_owned());
        let zone = match zones.entry(key) {
            std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::btree_map::Entry::Vacant(entry) => entry.insert(floating_zone(query, &calendar)?),
        };
        wanted.respond(query.view, &mut multistatus, (&calendar, &row), zone)?;
    }
    Ok(multistatus.finish())
}

/// The object an href leads to, if the viewer sees it and it stands below the request's path (RFC 4791 §7.9).
fn find(query: &Query<'_, '_, '_>, href: &str) -> Result<Option<(Calendar, Row)>> {
    let Ok(Target::Path(Path::Home { owner, below })) = query.view.hrefs.read(href, query.authorities) else { return Ok(None) };
    let [collection, name] = below.as_slice() else { return Ok(None) };
    let Resource::Stored(resource) = query.resource else { return Ok(None) };
    let found = match resource {
        authorized::Resource::Calendar(calendar) if calendar.home() == owner && calendar.name() == collection => {
            query.view.store.row(calendar, name).map(|row| Some((calendar.clone(), row)))
        }
        authorized::Resource::Object(calendar, row) if calendar.home() == owner && calendar.name() == collection && row.name == *name => {
            Ok(Some((calendar.clone(), row.clone())))
        }
        authorized::Resource::Home(home) if home.owner == owner => {
            query.view.store.resolve(&owner, &[collection, name]).map(|resource| match resource {
                authorized::Resource::Object(calendar, row) => Some((calendar, row)),
                _ => None,
            })
        }
        _ => Ok(None),
    };
    match found {
        Ok(found) => Ok(found),
        Err(storage::Error::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
