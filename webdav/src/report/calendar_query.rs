//! calendar-query (RFC 4791 §7.8): the objects that match a filter.
//!
//! Rows rule out what cannot match before any body is looked at; what is looked at is what the viewer is shown.

use super::Query;
use super::objects::{Wanted, check_bounds, expansion_limits, floating_zone, in_parts};
use crate::body::Body;
use crate::condition::Condition;
use crate::error::{Detail, Error, Result};
use crate::filter::read::{Refusal, Unsupported};
use crate::filter::{Evaluation, Filter, read};
use crate::header::Depth;
use crate::multistatus::MultiStatus;
use crate::resource::Resource;
use crate::xml::Name;
use acl::VisibleObject;
use http::Response;
use ical::{ExpansionLimits, Zone};
use std::sync::Arc;
use storage::authorized::{self, Calendar, Row};

pub(super) fn run(query: &Query<'_, '_, '_>) -> Result<Response<Body>> {
    let wanted = Wanted::read(query)?;
    let filter = filter(query)?;
    let limits = expansion_limits(query.view);
    let mut multistatus = MultiStatus::new(query.view.store.spool(), query.view.limits, query.preference.missing());
    for (calendar, only) in scope(query)? {
        let floating = floating_zone(query, &calendar)?;
        let mut objects = query.view.objects(&calendar);
        let mut candidates: Vec<Arc<Row>> = match (only, filter.within()) {
            (Some(row), _) => vec![row],
            (None, Some(range)) => query.view.store.rows_in(&calendar, &range)?,
            (None, None) => query.view.store.rows(&calendar)?.iter().cloned().collect(),
        };
        candidates.retain(|row| filter.may_match(row.kind(), &row.span()));
        for some in in_parts(&candidates, |row| row.content_length()) {
            for (row, object) in matching(query, &wanted, (&calendar, some), &filter, (&floating, &limits))? {
                if multistatus.is_full() {
                    multistatus.truncated(query.href);
                    return multistatus.finish();
                }
                wanted.respond_with(query.view, &mut multistatus, objects.at(row), object.as_ref(), &floating)?;
            }
        }
    }
    multistatus.finish()
}

/// Those of some rows that match, with their objects where these had to be looked at or are to be shown.
fn matching<'r>(
    query: &Query<'_, '_, '_>,
    wanted: &Wanted,
    (calendar, rows): (&Calendar, &'r [Arc<Row>]),
    filter: &Filter,
    (floating, limits): (&Zone, &ExpansionLimits),
) -> Result<Vec<(&'r Arc<Row>, Option<VisibleObject>)>> {
    let store = query.view.store;
    // Many clients ask for the names of one kind, or for the events of a stretch of time: no body is needed for that.
    let mut answers: Vec<Option<bool>> =
        rows.iter().map(|row| row.kind().filter(|kind| filter.matches_all_of(*kind)).map(|_| true)).collect();
    if let Some(range) = filter.only_events_in() {
        answers = store.overlap(calendar, &Vec::from_iter(rows), &range, floating)?;
    }
    let undecided = || rows.iter().zip(answers.iter().copied()).filter(|(_, answer)| *answer != Some(false));
    let looked_at: Vec<&Arc<Row>> =
        undecided().filter(|(_, answer)| answer.is_none() || wanted.needs_bodies()).map(|(row, _)| row).collect();
    let mut objects = store.objects_of(calendar, &looked_at)?.into_iter();
    let mut found = Vec::with_capacity(rows.len());
    for (row, answer) in undecided() {
        let object = match answer.is_none() || wanted.needs_bodies() {
            true => Some(objects.next().ok_or(storage::Error::NotFound)?),
            false => None,
        };
        if answer == Some(true) || object.as_ref().is_some_and(|object| matches(object, filter, floating, limits)) {
            found.push((row, object));
        }
    }
    Ok(found)
}

/// The calendars, each whole or one object of it, that the request's path and depth reach. A collection at depth zero
/// reaches itself alone, and is no object.
fn scope(query: &Query<'_, '_, '_>) -> Result<Vec<(Calendar, Option<Arc<Row>>)>> {
    // A malformed time zone is refused whatever the scope holds.
    super::objects::requested_zone(query)?;
    Ok(match (query.resource, query.depth) {
        (Resource::Stored(authorized::Resource::Object(calendar, row)), _) => vec![(calendar.clone(), Some(row.clone()))],
        (Resource::Stored(authorized::Resource::Calendar(calendar)), Depth::One | Depth::Infinity) => vec![(calendar.clone(), None)],
        (Resource::Stored(authorized::Resource::Home(home)), Depth::Infinity) => {
            let members = query.view.store.home_members(home)?;
            let calendars = members.into_iter().filter_map(|member| match member {
                authorized::Resource::Calendar(calendar) => Some((calendar, None)),
                _ => None,
            });
            calendars.collect()
        }
        _ => Vec::new(),
    })
}

fn filter(query: &Query<'_, '_, '_>) -> Result<Filter> {
    let mut filters = query.body.children().filter(|child| child.name.is_caldav("filter"));
    let (Some(element), None) = (filters.next(), filters.next()) else { return Err(Error::condition(Condition::ValidFilter)) };
    let filter = read::filter(element).map_err(refused)?;
    for range in filter.calendar.time_ranges() {
        check_bounds(&range)?;
    }
    Ok(filter)
}

fn refused(refusal: Refusal) -> Error {
    let unsupported = |part: &'static str, name| Error::Condition(Condition::SupportedFilter, Detail::Named(Name::caldav(part), name));
    match refusal {
        Refusal::Invalid => Error::condition(Condition::ValidFilter),
        Refusal::Collation => Error::condition(Condition::SupportedCollation),
        Refusal::Unsupported(Unsupported::Component(name)) => unsupported("comp-filter", name),
        Refusal::Unsupported(Unsupported::Property(name)) => unsupported("prop-filter", name),
    }
}

fn matches(object: &VisibleObject, filter: &Filter, floating: &Zone, limits: &ExpansionLimits) -> bool {
    let Some(parsed) = object.calendar() else { return false };
    // One series too long to be decided within the limits must not make the whole calendar unanswerable: it is returned,
    // as what cannot be ruled out.
    Evaluation::new(parsed, floating, limits).matches(filter).unwrap_or(true)
}
