//! Properties that clients set: per viewer, so that a grantee's changes touch nobody else.

use super::home::out_of_space;
use super::mount::is_detailed;
use super::{AuthorizedStore, AuthorizedWriter, Calendar, Plain, Resource, denied};
use crate::error::{Error, Result};
use crate::journal::Attempt;
use crate::keys::PropertyHolder;
use crate::limits::Limits;
use crate::properties;
use crate::read::Transaction;
use acl::{PrincipalId, Privilege, Visibility};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The colour of calendars of which a viewer sees less than details: it tells nothing of the owner's.
const PLAIN_COLOR: &str = "#8E8E93FF";

/// A settable property.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum PropertyKey {
    /// DAV:displayname, as text.
    DisplayName,
    /// CALDAV:calendar-description, as text.
    Description,
    /// Apple calendar-color, as text.
    Color,
    /// Apple calendar-order, as text.
    Order,
    /// CALDAV:calendar-timezone, as text (iCalendar).
    TimeZone,
    /// CALDAV:schedule-calendar-transp: `opaque` or `transparent`.
    ScheduleTransparency,
    /// Any other: the value is the whole element as XML.
    Dead {
        /// Namespace URI, possibly empty.
        namespace: String,
        /// Local name.
        name: String,
    },
    // Stored by number: what is new stands last.
    /// CALDAV:calendar-availability of one's home, as text (iCalendar).
    Availability,
    /// Where a subscription's calendar is: a URI, which may hold a secret. Of subscriptions alone, which are their owner's alone.
    Source,
    /// How often a client asks for a subscription's calendar (Apple refreshrate), as text.
    RefreshRate,
    /// A client leaves the alarms of a subscription out; empty.
    StripAlarms,
    /// And attachments; empty.
    StripAttachments,
    /// And to-dos; empty.
    StripToDos,
}

/// Sets (`Some`) or removes (`None`) one property.
pub type PropertyUpdate = (PropertyKey, Option<String>);

/// Where properties can hang besides resources below homes.
#[derive(Clone, Debug)]
pub enum PropertyTarget<'a> {
    /// A home, calendar, object or plain resource.
    Resource(&'a Resource),
    /// The viewer's own principal.
    OwnPrincipal,
}

/// When an object was made, and when what its owner gets of it last changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectTimes {
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it, or the owner's personal part of it, last changed.
    pub modified: DateTime<Utc>,
}

/// One viewer's own properties of one resource.
pub(super) type PropertyMap = BTreeMap<PropertyKey, String>;

/// Stages changes of a viewer's own properties.
pub(super) fn stage_updates(
    transaction: &mut Transaction<'_>,
    holder: PropertyHolder,
    viewer: PrincipalId,
    updates: &[PropertyUpdate],
    limits: &Limits,
) -> Result<()> {
    let mut properties = properties::of(transaction, holder, viewer)?;
    for (key, value) in updates {
        match value {
            Some(value) => properties.insert(key.clone(), value.clone()),
            None => properties.remove(key),
        };
    }
    if bytes(&properties) > limits.property_bytes_max {
        return out_of_space();
    }
    properties::set(transaction, holder, viewer, &properties)
}

fn bytes(properties: &PropertyMap) -> usize {
    let key_bytes = |key: &PropertyKey| match key {
        PropertyKey::Dead { namespace, name } => namespace.len().saturating_add(name.len()),
        _ => 0,
    };
    properties.iter().map(|(key, value)| key_bytes(key).saturating_add(value.len())).sum()
}

impl AuthorizedStore<'_> {
    /// The properties the viewer is shown: his own records, else, from `details` up, the owner's display name, description
    /// and colour; below, a display name made of the owner's name and a fixed colour. Never others' dead properties.
    pub fn properties(&self, target: &PropertyTarget<'_>) -> Result<BTreeMap<PropertyKey, String>> {
        let resource = match target {
            PropertyTarget::Resource(resource) => *resource,
            PropertyTarget::OwnPrincipal => return self.own(PropertyHolder::Principal(self.viewer)),
        };
        match resource {
            Resource::Home(home) if home.own => self.own(PropertyHolder::Home(self.viewer)),
            Resource::Home(_) => Ok(PropertyMap::new()),
            Resource::Calendar(calendar) => self.calendar_properties(calendar),
            Resource::Object(calendar, row) => match self.object_holder(calendar, row.name())? {
                Some(holder) => self.own(holder),
                None => Ok(PropertyMap::new()),
            },
            Resource::Plain(plain) => self.own(plain_holder(plain)),
        }
    }

    fn own(&self, holder: PropertyHolder) -> Result<PropertyMap> {
        properties::of(self.snapshot, holder, self.viewer)
    }

    /// Where properties of an object hang for this viewer: nowhere while anything he is shown of it is reduced.
    fn object_holder(&self, calendar: &Calendar, name: &str) -> Result<Option<PropertyHolder>> {
        self.with_view(calendar, |view| {
            let row = view.row(name).ok_or(Error::NotFound)?;
            let full = row.least() == Visibility::Full;
            Ok(full.then_some(PropertyHolder::Object(calendar.id(), row.object())))
        })
    }

    /// What is shown of a calendar: from `details` up what its owner chose, below what says nothing of it, and over both
    /// what the viewer chose. The owner's time zone and order are hers alone. A calendar always has a display name, if only
    /// the one in its path: evolution-data-server 3.46 lists no calendar without one.
    pub(super) fn calendar_properties(&self, calendar: &Calendar) -> Result<PropertyMap> {
        let holder = PropertyHolder::Calendar(calendar.id());
        let own = self.own(holder)?;
        let known = self.snapshot.calendar(calendar.id())?.ok_or(Error::NotFound)?;
        let stored = &known.stored;
        let mut shown = PropertyMap::new();
        if calendar.own() {
            shown.insert(PropertyKey::DisplayName, stored.record.name.clone());
        } else if is_detailed(calendar) {
            let owners = properties::of(self.snapshot, holder, stored.record.owner)?;
            let offered = [PropertyKey::DisplayName, PropertyKey::Description, PropertyKey::Color];
            shown.insert(PropertyKey::DisplayName, stored.record.name.clone());
            shown.extend(owners.into_iter().filter(|(key, _)| offered.contains(key)));
        } else {
            shown.insert(PropertyKey::DisplayName, self.plain_display_name(calendar, stored.record.owner)?);
            shown.insert(PropertyKey::Color, PLAIN_COLOR.to_owned());
        }
        shown.extend(own);
        Ok(shown)
    }

    /// The owner's name, with a number where the viewer sees several of her calendars so: in the order of the mounts' names,
    /// which tells nothing.
    fn plain_display_name(&self, calendar: &Calendar, owner: PrincipalId) -> Result<String> {
        let user = self.snapshot.user(owner)?.ok_or(Error::Corrupted("a calendar without its owner"))?;
        let name = user.display_name.as_ref().unwrap_or(&user.name).clone();
        let mine = self.mount_name_of(calendar);
        let before = self.plain_names(owner)?.partition_point(|other| *other < mine);
        Ok(if before == 0 { name } else { format!("{name} {}", before.saturating_add(1)) })
    }

    fn mount_name_of(&self, calendar: &Calendar) -> String {
        self.snapshot.key().mount_name(self.viewer, calendar.id())
    }

    /// Names of the mounts that an owner's calendars would be which are shown so, in order. A home lists many of them: they are
    /// found once, unless something is being written.
    fn plain_names(&self, owner: PrincipalId) -> Result<Arc<Vec<String>>> {
        let found = self.plain.borrow().get(&owner).cloned();
        if let Some(found) = found.filter(|_| self.is_unwritten()) {
            return Ok(found);
        }
        let reachable = self.reachable_of(owner)?;
        let mut names: Vec<String> = reachable.iter().filter(|one| !is_detailed(one)).map(|one| self.mount_name_of(one)).collect();
        names.sort_unstable();
        let names = Arc::new(names);
        self.plain.borrow_mut().insert(owner, names.clone());
        Ok(names)
    }
}

fn plain_holder(plain: &Plain) -> PropertyHolder {
    PropertyHolder::Plain(plain.id)
}

impl AuthorizedWriter<'_> {
    /// All or nothing. Denied on reduced objects, others' homes and principals.
    pub fn update_properties(&mut self, target: &PropertyTarget<'_>, updates: &[PropertyUpdate]) -> Result<()> {
        let holder = match target {
            PropertyTarget::OwnPrincipal => PropertyHolder::Principal(self.viewer),
            PropertyTarget::Resource(Resource::Home(home)) if home.own => PropertyHolder::Home(self.viewer),
            PropertyTarget::Resource(Resource::Home(_)) => return denied(Privilege::WriteProperties),
            PropertyTarget::Resource(Resource::Calendar(calendar)) => PropertyHolder::Calendar(calendar.id()),
            PropertyTarget::Resource(Resource::Object(calendar, row)) => match self.object_holder(calendar, row.name())? {
                Some(holder) => holder,
                None => {
                    self.note_refusal(calendar, Attempt::SetProperties, Privilege::WriteProperties);
                    return denied(Privilege::WriteProperties);
                }
            },
            PropertyTarget::Resource(Resource::Plain(plain)) => plain_holder(plain),
        };
        let mut transaction = self.snapshot.begin();
        stage_updates(&mut transaction, holder, self.viewer, updates, self.limits())?;
        self.snapshot.commit(transaction)
    }
}
