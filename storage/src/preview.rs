//! What a viewer is shown of a calendar, for its owner to look at: through the viewer's own door, in a state of the store of
//! which nothing is kept. No view of his is advanced, no token made, no read counted.
//!
//! What is his alone stays his: an owner who looks is not shown the alarms and snoozes that he added to her events, and which
//! time she asks for is meant in her zone, so that what she gets says nothing of his.

use crate::authorized::{AuthorizedStore, Personal};
use crate::client::ClientName;
use crate::error::{Error, Limit, Result};
use crate::explain::Audience;
use crate::record::StoredCalendar;
use crate::store::Snapshot;
use acl::PrincipalId;
use acl::Relation;
pub use acl::VisibleObject;
use acl::project::PROD_ID;
use acl::target::PrivateItems;
use ical::ExpansionLimits;
use ical::merge::Merge;
use ical::recurrence::overlapping;
pub use ical::{ComponentKind, TimeRange};

/// Bytes of all that one look shows.
const BYTES_MAX: usize = 64 << 20;

/// Whose eyes something is looked at with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Eyes {
    /// A user's.
    User(PrincipalId),
    /// Those of what a user's calendars are synchronized with.
    TargetOf(PrincipalId),
}

impl Eyes {
    /// The user.
    pub(crate) fn user(self) -> PrincipalId {
        match self {
            Self::User(id) | Self::TargetOf(id) => id,
        }
    }
    /// His door, or the one through which his calendars are synchronized.
    pub(crate) fn store<'a>(self, snapshot: &'a Snapshot<'a>, client: &'a ClientName) -> AuthorizedStore<'a> {
        match self {
            Self::User(id) => AuthorizedStore::new(snapshot, id, client),
            Self::TargetOf(id) => AuthorizedStore::of_target(snapshot, id, client),
        }
    }
}

/// What a viewer is shown of a calendar in a range of time.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Whether the calendar exists for him at all.
    pub reaches: bool,
    /// The objects of which an instance overlaps the range (RFC 4791 §9.9), in the order of their names as he sees them.
    pub objects: Vec<VisibleObject>,
    /// Of a synchronization: the kinds of private items that come in from there.
    pub private_items: Option<PrivateItems>,
}

impl Preview {
    /// The objects as one stream, as GET of the calendar puts all of them together. What cannot be parsed, which only the
    /// owner herself is ever shown, is left out.
    pub fn stream(&self) -> String {
        Merge::of(PROD_ID, self.objects.iter().filter_map(VisibleObject::calendar))
    }
}

/// Looks at a calendar with a viewer's eyes. Floating times are those of the owner's zone for it.
pub(crate) fn view_as(
    snapshot: &Snapshot<'_>,
    stored: &StoredCalendar,
    eyes: Eyes,
    range: &TimeRange,
    audience: Audience,
) -> Result<Preview> {
    let aside = snapshot.aside();
    let client = ClientName::default();
    let own = audience == Audience::Administrator || eyes.user() == stored.record.owner;
    let store = eyes.store(&aside, &client).showing(if own { Personal::Shown } else { Personal::Withheld });
    let Some(calendar) = store.at_owners_path(stored.id)? else {
        return Ok(Preview { reaches: false, objects: Vec::new(), private_items: None });
    };
    let floating = AuthorizedStore::new(&aside, stored.record.owner, &client).floating_zone(&calendar)?;
    let limits = ExpansionLimits { instances_max: store.limits().instances_max, ..ExpansionLimits::default() };
    let (mut objects, mut bytes) = (Vec::new(), 0_usize);
    for row in store.rows_in(&calendar, range)? {
        let object = store.object(&calendar, row.name())?;
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
    let private_items = match calendar.relation() {
        Relation::Target(items) => Some(items),
        Relation::Owner | Relation::Other => None,
    };
    Ok(Preview { reaches: true, objects, private_items })
}
