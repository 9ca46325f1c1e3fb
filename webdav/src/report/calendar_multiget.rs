//! calendar-multiget (RFC 4791 §7.9): the objects with these hrefs, in the order in which they were asked for.
//!
//! Hidden, absent, malformed and out of reach are one answer: 404 for the href.

use super::Query;
use super::objects::{Wanted, floating_zone, in_parts};
use crate::body::Body;
use crate::condition::Condition;
use crate::error::{Error, Result};
use crate::href::{Path, Target};
use crate::multistatus::MultiStatus;
use crate::resource::{Objects, Resource};
use acl::VisibleObject;
use http::{Response, StatusCode};
use ical::Zone;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use storage::authorized::{self, Calendar, Row};

/// One href, and what it leads to.
type Asked = (String, Option<(Arc<Calendar>, Arc<Row>)>);

pub(super) fn run(query: &Query<'_, '_, '_>) -> Result<Response<Body>> {
    let wanted = Wanted::read(query)?;
    let hrefs: Vec<String> = query.body.children().filter(|child| child.name.is_dav("href")).map(|href| href.trimmed_text()).collect();
    if hrefs.len() > query.view.limits.multiget_hrefs_max {
        return Err(Error::condition(Condition::NumberOfMatchesWithinLimits));
    }
    let mut multistatus = MultiStatus::new(query.view.store.spool(), query.view.limits, query.preference.missing());
    let mut answered = HashSet::new();
    let mut calendars: BTreeMap<(String, String), (Zone, Objects)> = BTreeMap::new();
    let mut asked = find(query, hrefs)?;
    asked.retain(|(href, found)| {
        // Two spellings of one href are one object, which is answered once.
        answered.insert(match found {
            Some((calendar, row)) => query.view.hrefs.object(calendar, row.name()),
            None => href.clone(),
        })
    });
    for some in in_parts(&asked, |(_, found)| found.as_ref().map_or(0, |(_, row)| row.content_length())) {
        let mut objects = objects(query, &wanted, some)?.into_iter();
        for (href, found) in some {
            let object = objects.next().flatten();
            if multistatus.is_full() {
                multistatus.truncated(query.href);
                return multistatus.finish();
            }
            let Some((calendar, row)) = found else {
                multistatus.status(href, StatusCode::NOT_FOUND)?;
                continue;
            };
            let key = (calendar.home().to_owned(), calendar.name().to_owned());
            let (zone, members) = match calendars.entry(key) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => entry.insert((floating_zone(query, calendar)?, query.view.objects(calendar))),
            };
            wanted.respond_with(query.view, &mut multistatus, members.at(row), object.as_ref(), zone)?;
        }
    }
    multistatus.finish()
}

/// The objects that stand at some hrefs, if bodies are asked for: those of one calendar together.
fn objects(query: &Query<'_, '_, '_>, wanted: &Wanted, asked: &[Asked]) -> Result<Vec<Option<VisibleObject>>> {
    if !wanted.needs_bodies() {
        return Ok(vec![None; asked.len()]);
    }
    let mut objects = Vec::with_capacity(asked.len());
    for together in asked.chunk_by(|one, next| calendar_of(one) == calendar_of(next)) {
        let names: Vec<&str> = together.iter().filter_map(|(_, found)| found.as_ref()).map(|(_, row)| row.name()).collect();
        match together.first().and_then(|(_, found)| found.as_ref()) {
            None => objects.extend(together.iter().map(|_| None)),
            Some((calendar, _)) => {
                for object in query.view.store.objects(calendar, &names)? {
                    objects.push(Some(object.ok_or(storage::Error::NotFound)?));
                }
            }
        }
    }
    Ok(objects)
}

/// The home and the name of the calendar that an href leads into.
fn calendar_of(asked: &Asked) -> Option<(&str, &str)> {
    asked.1.as_ref().map(|(calendar, _)| (calendar.home(), calendar.name()))
}

/// What hrefs lead to, where the viewer sees it and it stands below the request's path (RFC 4791 §7.9).
fn find(query: &Query<'_, '_, '_>, hrefs: Vec<String>) -> Result<Vec<Asked>> {
    let targets = hrefs.into_iter().map(|href| {
        let target = query.view.hrefs.read(&href, query.authorities);
        (href, target)
    });
    let Resource::Stored(authorized::Resource::Calendar(calendar)) = query.resource else {
        return targets
            .map(|(href, target)| Ok((href, target.ok().map(|target| find_below(query, &target)).transpose()?.flatten())))
            .collect();
    };
    // The usual request: a calendar and names of its own objects, which are looked up together.
    let named: Vec<(String, Option<String>)> = targets
        .map(|(href, target)| match target {
            Ok(Target::Path(Path::Home { owner, mut below }))
                if owner == calendar.home()
                    && below.len() == 2
                    && below.first().is_some_and(|collection| collection == calendar.name()) =>
            {
                (href, below.pop())
            }
            _ => (href, None),
        })
        .collect();
    let names: Vec<&str> = named.iter().filter_map(|(_, name)| name.as_deref()).collect();
    let mut rows = query.view.store.rows_named(calendar, &names)?.into_iter();
    let calendar = Arc::new(calendar.clone());
    let found = named.into_iter().map(|(href, name)| {
        let row = name.and_then(|_| rows.next().flatten());
        (href, row.map(|row| (calendar.clone(), row)))
    });
    Ok(found.collect())
}

/// The object an href leads to below an object or a home.
fn find_below(query: &Query<'_, '_, '_>, target: &Target) -> Result<Option<(Arc<Calendar>, Arc<Row>)>> {
    let Target::Path(Path::Home { owner, below }) = target else { return Ok(None) };
    let [collection, name] = below.as_slice() else { return Ok(None) };
    let Resource::Stored(resource) = query.resource else { return Ok(None) };
    let found = match resource {
        authorized::Resource::Object(calendar, row) if calendar.home() == owner && calendar.name() == collection && row.name() == name => {
            Ok(Some((Arc::new(calendar.clone()), row.clone())))
        }
        authorized::Resource::Home(home) if home.owner == *owner => {
            query.view.store.resolve(owner, &[collection, name]).map(|resource| match resource {
                authorized::Resource::Object(calendar, row) => Some((Arc::new(calendar), row)),
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
