//! The sources that no owner gives: the organisation's mode, the hierarchy of roles, exceptions between roles, administration.

use super::{AccessMatrix, CalendarFacts, Cell, Reason, Relation, Source, ViewerFacts};
use crate::level::Visibility;
use crate::policy::{AdminContent, Mode, ModuleRole, Policy, PrivateEvents, RolePermission};
use crate::privacy::EventPrivacy;
use chrono::{DateTime, Utc};

/// All that apply to this viewer, who is not the owner and not denied.
pub(super) fn sources(viewer: &ViewerFacts<'_>, calendar: &CalendarFacts<'_>, policy: &Policy, now: DateTime<Utc>) -> Vec<Source> {
    let rules = Rules {
        public: calendar.policy.public_means(policy),
        // The owner's word on this very calendar; the organisation's own default is what its modes say.
        private_hidden: calendar.policy.private_events == Some(PrivateEvents::Hidden),
    };
    let mut sources = Vec::new();
    let mut push = |matrix: AccessMatrix, reason, until| {
        if matrix.reaches() {
            sources.push(Source::whole(reason, matrix, until));
        }
    };
    if policy.mode != Mode::Off {
        push(rules.mode(policy.mode), Reason::Mode(policy.mode), None);
        let mut above = calendar.owner.roles.iter().skip(1);
        if viewer.role.is_some_and(|role| above.any(|superior| *superior == role)) {
            push(rules.matrix(EDIT_DELETE, EDIT_DELETE, Visibility::FreeBusy, true), Reason::Superior, None);
        }
        let owner_role = calendar.owner.roles.first();
        for exception in calendar.exceptions {
            if owner_role == Some(&exception.owner_role) && viewer.role == Some(exception.viewer_role) {
                let mode = match exception.permission {
                    RolePermission::Read => Mode::PublicRead,
                    RolePermission::ReadWrite => Mode::PublicEdit,
                };
                push(rules.mode(mode), Reason::RoleException(exception.permission), None);
            }
        }
    }
    if viewer.module == ModuleRole::Admin {
        match policy.admin_content {
            AdminContent::None => (),
            AdminContent::Full => push(everything(), Reason::Administrator, None),
            AdminContent::BreakGlass => {
                if let Some(until) = calendar.opened_until.filter(|until| *until > now) {
                    push(everything(), Reason::Opened, Some(until));
                }
            }
        }
    }
    sources
}

const READ: Cell = Cell { visibility: Visibility::Full, edit: false, delete: false };
const EDIT: Cell = Cell { visibility: Visibility::Full, edit: true, delete: false };
const EDIT_DELETE: Cell = Cell { visibility: Visibility::Full, edit: true, delete: true };

/// Everything but sharing.
fn everything() -> AccessMatrix {
    AccessMatrix { relation: Relation::Other, cells: [EDIT_DELETE; 4], create: true, with_places: false }
}

/// What holds of this calendar for every source of the organisation alike.
struct Rules {
    /// What `CLASS:PUBLIC` means in it.
    public: EventPrivacy,
    /// The owner hides her private events in it.
    private_hidden: bool,
}

impl Rules {
    /// What a mode gives users who are not superiors.
    fn mode(&self, mode: Mode) -> AccessMatrix {
        match mode {
            Mode::Off | Mode::Private => AccessMatrix::default(),
            Mode::PublicRead => self.matrix(READ, EDIT_DELETE, Visibility::Hidden, false),
            Mode::PublicEdit => self.matrix(EDIT, EDIT, Visibility::FreeBusy, true),
            Mode::PublicEditDelete => self.matrix(EDIT_DELETE, EDIT_DELETE, Visibility::FreeBusy, true),
        }
    }

    fn matrix(&self, standard: Cell, public: Cell, private: Visibility, create: bool) -> AccessMatrix {
        let public = if self.public == EventPrivacy::Public { public } else { standard };
        let visibility = if self.private_hidden { Visibility::Hidden } else { private };
        let private = Cell { visibility, edit: false, delete: false };
        AccessMatrix { relation: Relation::Other, cells: [standard, public, private, private], create, with_places: false }
    }
}
