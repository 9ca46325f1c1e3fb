//! What is said of the private items of users' synchronized calendars: by administrators, and by themselves. Decides nothing.

use crate::error::Result;
use crate::keys;
use crate::read::{Read, Transaction, record};
use acl::PrincipalId;
use acl::target::Synchronization;
use serde::{Deserialize, Serialize};

/// Of one user.
pub(crate) fn of(read: &dyn Read, user: PrincipalId) -> Result<Synchronization> {
    Ok(record(read, &keys::synchronization(user))?.unwrap_or_default())
}

/// Says it. What nothing is said of takes no room.
pub(crate) fn set(transaction: &mut Transaction<'_>, user: PrincipalId, said: Synchronization) -> Result<()> {
    if said == Synchronization::default() {
        transaction.delete(keys::synchronization(user));
        return Ok(());
    }
    transaction.put_record(keys::synchronization(user), &said)
}

/// What is said of the private items of a user's synchronized calendars. Absent keys leave what is stored as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SynchronizationEntry {
    /// An administrator enabled him.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidential_activities: Option<bool>,
    /// He switched on his private appointments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_events: Option<bool>,
    /// He switched on his private tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_tasks: Option<bool>,
}

impl SynchronizationEntry {
    /// What is said after this of what was said before.
    pub(crate) fn over(self, before: Synchronization) -> Synchronization {
        Synchronization {
            confidential_activities: self.confidential_activities.unwrap_or(before.confidential_activities),
            private_events: self.private_events.unwrap_or(before.private_events),
            private_tasks: self.private_tasks.unwrap_or(before.private_tasks),
        }
    }
}

impl From<Synchronization> for SynchronizationEntry {
    fn from(said: Synchronization) -> Self {
        let Synchronization { confidential_activities, private_events, private_tasks } = said;
        Self {
            confidential_activities: Some(confidential_activities),
            private_events: Some(private_events),
            private_tasks: Some(private_tasks),
        }
    }
}
