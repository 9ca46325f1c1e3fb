//! What a viewer is shown of a calendar, for its owner to look at: through the viewer's own door, in a state of the store of
//! which nothing is kept. No view of his is advanced, no token made, no read counted.
//!
//! What is his alone stays his: an owner who looks is not shown the alarms and snoozes that he added to her events, and which
//! time she asks for is meant in her zone, so that what she gets says nothing of his.

use crate::authorized::{AuthorizedStore, Personal, overlaps};
use crate::client::ClientName;
use crate::error::{Error, Limit, Result};
use crate::explain::Audience;
use crate::record::StoredCalendar;
use crate::store::Snapshot;
use acl::PrincipalId;
pub use acl::VisibleObject;
use acl::project::PROD_ID;
use ical::ExpansionLimits;
pub use ical::TimeRange;
use ical::merge::Merge;
use ical::recurrence::overlapping;

/// Bytes of all that one look shows.
const BYTES_MAX: usize = 64 << 20;

/// What a viewer is shown of a calendar in a range of time.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Whether the calendar exists for him at all.
    pub reaches: bool,
    /// The objects of which an instance overlaps the range (RFC 4791 §9.9), in the order of their names as he sees them.
    pub objects: Vec<VisibleObject>,
}

impl Preview {
    /// The objects as one stream, as GET of the calendar puts all of them together. What cannot be parsed, which only the
    /// owner herself is ever shown, is left out.
    pub fn stream(&self) -> String {
        let mut merge = Merge::default();
        for object in &self.objects {
            object.calendar().into_iter().for_each(|calendar| merge.push(calendar));
        }
        merge.finish(PROD_ID).concat()
    }
}

/// Looks at a calendar with a viewer's eyes. Floating times are those of the owner's zone for it.
pub(crate) fn view_as(
    snapshot: &Snapshot<'_>,
    stored: &StoredCalendar,
    viewer: PrincipalId,
    range: &TimeRange,
    audience: Audience,
) -> Result<Preview> {
    let aside = snapshot.aside();
    let client = ClientName::default();
    let own = audience == Audience::Administrator || viewer == stored.record.owner;
    let store = AuthorizedStore::new(&aside, viewer, &client).showing(if own { Personal::Shown } else { Personal::Withheld });
    let Some(calendar) = store.at_owners_path(stored)? else { return Ok(Preview { reaches: false, objects: Vec::new() }) };
    let floating = AuthorizedStore::new(&aside, stored.record.owner, &client).floating_zone(&calendar)?;
    let limits = ExpansionLimits { instances_max: store.limits().instances_max, ..ExpansionLimits::default() };
    let (mut objects, mut bytes) = (Vec::new(), 0_usize);
    for row in store.rows(&calendar)?.iter().filter(|row| overlaps(&row.span, range)) {
        let object = store.object(&calendar, &row.name)?;
        // One with more instances than can be looked through is shown rather than left out.
        let found = object.calendar().map(|shown| overlapping(shown, range, &floating, &limits));
        if matches!(found, Some(Ok(found)) if found.is_empty()) {
            continue;
        }
        bytes = bytes.saturating_add(object.bytes().len());
        if bytes > BYTES_MAX {
            return Err(Error::LimitExceeded(Limit::Space));
        }
        objects.push(object);
    }
    Ok(Preview { reaches: true, objects })
}
