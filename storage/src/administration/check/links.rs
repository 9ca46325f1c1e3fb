//! Links: each against its index, and of somebody's, to something that is there.

use super::{Report, hex};
use crate::error::Result;
use crate::keys;
use crate::links::{self, LinkRecord, LinkTarget};
use crate::read::{Read, present, records};
use crate::store::Snapshot;
use crate::{calendars, objects, principals};
use acl::{CalendarId, LinkId};
use std::ops::ControlFlow;

/// Checks every link and every secret.
pub(super) fn check(read: &Snapshot<'_>, report: &mut Report) -> Result<()> {
    let mut found: Vec<(CalendarId, LinkId, LinkRecord)> = Vec::new();
    read.scan(&keys::table(keys::LINKS), &mut |key, value| {
        let place = keys::id_at(key, 0).zip(keys::id_at(key, 1));
        if let Some(((calendar, id), record)) = place.zip(report.decode(value, key, "link")) {
            found.push((CalendarId(calendar), LinkId(id), record));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    for (calendar, id, link) in &found {
        let object_is_there = match link.target {
            LinkTarget::Calendar(_) => true,
            LinkTarget::Object(object) => objects::by_id(read, *calendar, object)?.is_some(),
        };
        let agreements = [
            (calendars::by_id(read, *calendar)?.is_some(), "to a calendar that is not there"),
            (object_is_there, "to an object that is not there"),
            (principals::user(read, link.maker)?.is_some(), "made by a user who is not there"),
            (present(read, &keys::link_secret(&link.secret_hash))?, "not in the index of secrets"),
        ];
        for (agrees, words) in agreements {
            if !agrees {
                report.fault(format_args!("link {}: {words}", hex(&id.0)));
            }
        }
    }
    for (key, place) in records::<(CalendarId, LinkId)>(read, &keys::table(keys::LINK_SECRETS))? {
        let link = found.iter().find(|(calendar, id, _)| (*calendar, *id) == place);
        if link.is_none_or(|(_, _, link)| keys::link_secret(&link.secret_hash) != key) {
            report.fault(format_args!("the index of secrets names a link that does not have it: {}", hex(&place.1.0)));
        }
    }
    Ok(())
}

/// The ids under which views of links are kept.
pub(super) fn ids(read: &Snapshot<'_>) -> Result<impl Iterator<Item = [u8; 16]>> {
    Ok(links::all(read)?.into_iter().map(|link| link.id.0))
}
