//! A synchronization target: a calendar elsewhere with which somebody's calendars are synchronized, as a viewer of them. Says
//! whose items go there and which; what follows for one calendar is decided in `access`, what may come back in `write`.

use crate::principal::PrincipalId;
use crate::pseudonym::DatabaseKey;
use ical::ComponentKind;
use serde::{Deserialize, Serialize};

/// Which confidential and private items are synchronized. Those of other kinds than appointments and tasks never are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PrivateItems {
    /// None.
    #[default]
    None,
    /// Appointments.
    Events,
    /// Tasks.
    Tasks,
    /// Both.
    EventsAndTasks,
}

impl PrivateItems {
    /// All.
    pub const ALL: [Self; 4] = [Self::None, Self::Events, Self::Tasks, Self::EventsAndTasks];
    /// Whether those of this kind are.
    pub fn include(self, kind: ComponentKind) -> bool {
        match kind {
            ComponentKind::Event => matches!(self, Self::Events | Self::EventsAndTasks),
            ComponentKind::ToDo => matches!(self, Self::Tasks | Self::EventsAndTasks),
            ComponentKind::Journal | ComponentKind::FreeBusy | ComponentKind::Availability => false,
        }
    }
    /// Those that both include.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let both = |kind| self.include(kind) && other.include(kind);
        match (both(ComponentKind::Event), both(ComponentKind::ToDo)) {
            (true, true) => Self::EventsAndTasks,
            (true, false) => Self::Events,
            (false, true) => Self::Tasks,
            (false, false) => Self::None,
        }
    }
}

/// What is said of one user's private items, by an administrator and by himself. Nothing is synchronized of them unless both
/// say so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Synchronization {
    /// An administrator enabled the user for confidential activities.
    pub confidential_activities: bool,
    /// The user switched on his private appointments.
    pub private_events: bool,
    /// The user switched on his private tasks.
    pub private_tasks: bool,
}

impl Synchronization {
    /// Which private items are synchronized.
    pub fn private_items(self) -> PrivateItems {
        match (self.confidential_activities, self.private_events, self.private_tasks) {
            (false, ..) | (true, false, false) => PrivateItems::None,
            (true, true, false) => PrivateItems::Events,
            (true, false, true) => PrivateItems::Tasks,
            (true, true, true) => PrivateItems::EventsAndTasks,
        }
    }
}

/// Whose calendars a viewer is the target of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The user.
    pub user: PrincipalId,
    /// Which of his private items go there.
    pub private_items: PrivateItems,
}

/// Who looks from there, as far as a viewer must have an id: nobody's, so that nothing is personal to him.
pub fn viewer_of(key: &DatabaseKey, user: PrincipalId) -> PrincipalId {
    let derived = key.derive("synchronization target", &[&user.0]);
    PrincipalId(*derived.first_chunk::<16>().unwrap_or(&[0; 16]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_items_are_synchronized_if_an_administrator_and_the_user_say_so() {
        let said = |confidential_activities, private_events, private_tasks| {
            Synchronization { confidential_activities, private_events, private_tasks }.private_items()
        };
        assert_eq!(said(false, true, true), PrivateItems::None);
        assert_eq!(said(true, false, false), PrivateItems::None);
        assert_eq!(said(true, true, false), PrivateItems::Events);
        assert_eq!(said(true, false, true), PrivateItems::Tasks);
        assert_eq!(said(true, true, true), PrivateItems::EventsAndTasks);
    }

    #[test]
    fn of_two_choices_the_narrower_holds_for_each_kind() {
        for one in PrivateItems::ALL {
            for other in PrivateItems::ALL {
                for kind in [ComponentKind::Event, ComponentKind::ToDo, ComponentKind::Journal] {
                    assert_eq!(one.and(other).include(kind), one.include(kind) && other.include(kind));
                }
            }
        }
    }
}
