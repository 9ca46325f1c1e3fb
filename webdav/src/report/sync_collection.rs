//! sync-collection (RFC 6578): what changed since a token, on a calendar and on one's own home.
//!
//! Rows, names and tokens are those of the viewer's view: a change he cannot see is none.

use super::Query;
use super::objects::Wanted;
use crate::body::Body;
use crate::condition::Condition;
use crate::error::{Error, Result};
use crate::header::Depth;
use crate::multistatus::MultiStatus;
use crate::resource::Resource;
use http::{Response, StatusCode};
use ical::Zone;
use storage::authorized::{self, Calendar, Home};

pub(super) fn run(query: &Query<'_, '_, '_>) -> Result<Response<Body>> {
    // RFC 6578 §3.2 wants zero; Thunderbird sends one.
    if query.depth == Depth::Infinity {
        return Err(Error::BadRequest("sync-collection takes Depth 0"));
    }
    match query.body.dav("sync-level").map(|level| level.trimmed_text()).as_deref() {
        // Drafts of RFC 6578 had the level in Depth.
        None | Some("1") => {}
        Some("infinite" | "infinity") => return Err(Error::condition(Condition::SyncTraversalSupported)),
        Some(_) => return Err(Error::BadRequest("sync-level is 1 or infinite")),
    }
    let token = query.body.dav("sync-token").map(|token| token.trimmed_text()).filter(|token| !token.is_empty());
    let limit = limit(query)?;
    let wanted = Wanted::read(query)?;
    match query.resource {
        Resource::Stored(authorized::Resource::Calendar(calendar)) => objects(query, calendar, token.as_deref(), limit, &wanted),
        Resource::Stored(authorized::Resource::Home(home)) if home.own => members(query, home, token.as_deref(), limit, &wanted),
        _ => Err(Error::condition(Condition::SupportedReport)),
    }
}

/// `DAV:limit` (RFC 6578 §3.7), and never more than one answer holds beside the response that says it was cut.
fn limit(query: &Query<'_, '_, '_>) -> Result<usize> {
    let most = query.view.limits.responses_max.saturating_sub(1).max(1);
    let Some(limit) = query.body.dav("limit") else { return Ok(most) };
    let number = limit.dav("nresults").and_then(|number| number.trimmed_text().parse::<usize>().ok()).filter(|number| *number > 0);
    number.map(|number| number.min(most)).ok_or(Error::BadRequest("nresults is a number above zero"))
}

fn objects(query: &Query<'_, '_, '_>, calendar: &Calendar, token: Option<&str>, limit: usize, wanted: &Wanted) -> Result<Response<Body>> {
    let changes = query.view.store.changes(calendar, token, Some(limit))?;
    let mut multistatus = MultiStatus::new(query.view.store.spool(), query.view.limits, query.preference.missing());
    let floating: Zone = query.view.store.floating_zone(calendar)?;
    let mut members = query.view.objects(calendar);
    for (count, row) in changes.changed.iter().enumerate() {
        if multistatus.is_full() && count > 0 {
            // Too many bytes for one answer: the same question with the number that fits, so that the token fits too.
            return objects(query, calendar, token, count, wanted);
        }
        wanted.respond(query.view, &mut multistatus, (&mut members, calendar, row), &floating)?;
    }
    for name in &changes.removed {
        multistatus.status(&query.view.hrefs.object(calendar, name), StatusCode::NOT_FOUND)?;
    }
    finish(query, multistatus, &changes.token, changes.truncated)
}

fn members(query: &Query<'_, '_, '_>, home: &Home, token: Option<&str>, limit: usize, wanted: &Wanted) -> Result<Response<Body>> {
    let changes = query.view.store.home_changes(home, token, Some(limit))?;
    let mut multistatus = MultiStatus::new(query.view.store.spool(), query.view.limits, query.preference.missing());
    for name in &changes.changed {
        let resource = Resource::Stored(query.view.store.resolve(&home.owner, &[name])?);
        multistatus.answer(query.view, &query.view.href(&resource), &resource, wanted.request())?;
    }
    for name in &changes.removed {
        multistatus.status(&query.view.hrefs.member(&home.owner, name), StatusCode::NOT_FOUND)?;
    }
    finish(query, multistatus, &changes.token, changes.truncated)
}

fn finish(query: &Query<'_, '_, '_>, mut multistatus: MultiStatus, token: &str, truncated: bool) -> Result<Response<Body>> {
    if truncated {
        multistatus.truncated(query.href);
    }
    multistatus.sync_token(token);
    multistatus.finish()
}
