//! The source `grant`: the most specific kind of grantee that has a grant decides, by the maximum of its grants, none of which
//! gives more than a cap lets it.

use super::{AccessMatrix, CalendarFacts, Cell, Reason, Relation, Source, ViewerFacts};
use crate::level::{Grant, GrantPrivateEvents, Level, Rights, Visibility};
use crate::policy::{Caps, Confidential, GrantsCover, GrantsCreate, GrantsShow, Policy, PrivateEvents};
use crate::principal::{Grantee, PrincipalId};
use crate::privacy::EventPrivacy;
use crate::target::{PrivateItems, Target};
use chrono::{DateTime, Utc};

/// All grants for this viewer. An expired or paused one counts as `none` and still decides for its kind.
pub(super) fn sources(viewer: &ViewerFacts<'_>, calendar: &CalendarFacts<'_>, policy: &Policy, now: DateTime<Utc>) -> Vec<Source> {
    let rules = Rules::of(calendar, policy);
    let decisive = calendar.grants.iter().filter_map(|grant| specificity(grant.grantee, viewer)).max();
    let mut sources = Vec::new();
    for grant in calendar.grants {
        let Some(kind) = specificity(grant.grantee, viewer) else { continue };
        let grantee = grant.grantee;
        let cap = cap(grantee, viewer, calendar, &policy.caps).filter(|cap| exceeds(grant, *cap));
        let given = || cap.map_or_else(|| grant.clone(), |cap| capped(grant, cap));
        sources.push(if Some(kind) != decisive {
            Source::nothing(Reason::LessSpecific(grantee), rules.matrix(&given()), grant.until)
        } else if grant.is_expired(now) {
            Source::nothing(Reason::Expired(grantee), rules.matrix(&given()), grant.until)
        } else if grant.is_paused() {
            Source::nothing(Reason::Paused(grantee), AccessMatrix::default(), grant.until)
        } else if let Some(cap) = cap {
            let matrix = rules.matrix(&given());
            Source { reason: Reason::Capped(grantee, cap), matrix, otherwise: rules.matrix(grant), until: grant.until }
        } else {
            Source::whole(Reason::Granted(grantee), rules.matrix(grant), grant.until)
        });
    }
    sources
}

/// What a synchronization target gets of its own user's calendars: what a share would give at `edit-delete` that shows private
/// events, or hides them. It is not a share, though: what the organisation says of those does not bound it.
pub(super) fn of_target(viewer: PrincipalId, target: Target, calendar: &CalendarFacts<'_>, policy: &Policy) -> AccessMatrix {
    let private_events = match target.private_items {
        PrivateItems::None => GrantPrivateEvents::Hidden,
        PrivateItems::Events | PrivateItems::Tasks | PrivateItems::EventsAndTasks => GrantPrivateEvents::Show,
    };
    let grant = Grant { private_events: Some(private_events), ..Grant::of_level(Grantee::User(viewer), Level::EditDelete) };
    let unbounded = Policy { grants_cover: GrantsCover::All, grants_show: GrantsShow::Allowed, ..policy.clone() };
    // Where confidential events have a key of their own, it speaks of what others see.
    let unbounded = Policy { confidential: Confidential::AsPrivate, ..unbounded };
    AccessMatrix { relation: Relation::Target(target.private_items), ..Rules::of(calendar, &unbounded).matrix(&grant) }
}

/// How specific a kind of grantee is; the highest that has a grant decides. `None`: the grant is not for this viewer.
fn specificity(grantee: Grantee, viewer: &ViewerFacts<'_>) -> Option<u8> {
    match grantee {
        Grantee::User(id) => (id == viewer.id).then_some(3),
        Grantee::Group(id) => viewer.groups.contains(&id).then_some(2),
        Grantee::Role(id) => (viewer.role == Some(id)).then_some(1),
        Grantee::Everyone => Some(0),
    }
}

/// The lowest cap that bounds a grant for this viewer.
fn cap(grantee: Grantee, viewer: &ViewerFacts<'_>, calendar: &CalendarFacts<'_>, caps: &Caps) -> Option<Level> {
    let of_kind = match grantee {
        Grantee::User(_) => None,
        Grantee::Group(_) | Grantee::Role(_) => caps.group,
        Grantee::Everyone => caps.everyone,
    };
    let is_outside = viewer.groups.is_disjoint(calendar.owner.groups);
    of_kind.into_iter().chain(caps.outside_group.filter(|_| is_outside)).min()
}

/// Whether a grant gives anything that `cap` does not.
fn exceeds(grant: &Grant, cap: Level) -> bool {
    let bounded = capped(grant, cap);
    (bounded.visibility, bounded.rights, bounded.create_always) != (grant.visibility, grant.rights, grant.create_always)
}

/// What is left of a grant under a cap: the grant that an owner could make if nothing above the level existed. Its word on
/// private events stays: it says which events, not how much.
fn capped(grant: &Grant, cap: Level) -> Grant {
    let (visibility, rights) = cap.parts();
    let rights = Rights {
        create: grant.rights.create && rights.create,
        edit: grant.rights.edit && rights.edit,
        delete: grant.rights.delete && rights.delete,
    };
    Grant {
        visibility: grant.visibility.min(visibility),
        rights,
        create_always: grant.create_always && rights_let_create(cap),
        ..grant.clone()
    }
}

fn rights_let_create(cap: Level) -> bool {
    cap.parts().1.create
}

/// Who chose a key's value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Organisation,
    Calendar,
}

/// What policy and calendar say of every grant alike.
struct Rules {
    private_events: PrivateEvents,
    /// Whether that is the calendar's own word, not the organisation's.
    private_events_by: Scope,
    confidential: Confidential,
    /// What `CLASS:PUBLIC` means in this calendar.
    public: EventPrivacy,
    cover: GrantsCover,
    create: GrantsCreate,
    show: GrantsShow,
}

impl Rules {
    fn of(calendar: &CalendarFacts<'_>, policy: &Policy) -> Self {
        Self {
            private_events: calendar.policy.private_events_under(policy),
            private_events_by: if calendar.policy.private_events.is_some() { Scope::Calendar } else { Scope::Organisation },
            confidential: policy.confidential,
            public: calendar.policy.public_means(policy),
            cover: policy.grants_cover,
            create: policy.grants_create,
            show: policy.grants_show,
        }
    }

    /// The matrix of one grant before its end.
    fn matrix(&self, grant: &Grant) -> AccessMatrix {
        if grant.is_paused() {
            return AccessMatrix::default();
        }
        let full = grant.visibility == Visibility::Full;
        // What the level gives on an event that nothing else is said about.
        let plain = Cell { visibility: grant.visibility, edit: full && grant.rights.edit, delete: full && grant.rights.delete };
        let standard = match self.cover {
            GrantsCover::All => plain,
            GrantsCover::Public => Cell::default(),
        };
        let public = match grant.visibility {
            // Recorded while widening was on, and it no longer is: it ends with the policy, at once.
            _ if self.public != EventPrivacy::Public => standard,
            // A grant to put events in and see nothing makes no event visible, public ones neither.
            Visibility::Hidden => Cell::default(),
            Visibility::FreeBusy | Visibility::Title | Visibility::Full => Cell { visibility: Visibility::Full, ..plain },
        };
        let grant_says = grant.private_events.filter(|says| !(*says == GrantPrivateEvents::Show && self.show == GrantsShow::Refused));
        let private = self.private_cell(grant_says, plain);
        AccessMatrix {
            relation: Relation::Other,
            cells: [standard, public, self.confidential_cell(grant_says, plain, private), private],
            create: grant.rights.create || grant.create_always || self.create == GrantsCreate::Any,
            // A modifier of what this grant shows at Title, not of what another one does.
            with_places: grant.with_places && grant.visibility == Visibility::Title,
        }
    }

    /// The cell of private events: the grant's own word, else the policy.
    fn private_cell(&self, grant_says: Option<GrantPrivateEvents>, plain: Cell) -> Cell {
        let policy = match grant_says {
            Some(GrantPrivateEvents::Show) => return plain,
            Some(GrantPrivateEvents::Busy) => PrivateEvents::Busy,
            Some(GrantPrivateEvents::Hidden) => PrivateEvents::Hidden,
            None => self.private_events,
        };
        match policy {
            PrivateEvents::Busy => Cell { visibility: plain.visibility.min(Visibility::FreeBusy), edit: false, delete: false },
            PrivateEvents::Hidden => Cell::default(),
            PrivateEvents::Editors if plain.edit => plain,
            PrivateEvents::Editors => Cell::default(),
        }
    }

    /// The cell of confidential events: as private ones unless the organisation has a key of their own. Where calendar or
    /// grant speak of private events beside it, the stricter of both holds; `show` shows both.
    fn confidential_cell(&self, grant_says: Option<GrantPrivateEvents>, plain: Cell, private: Cell) -> Cell {
        let seen_as = |most: Visibility| Cell { visibility: plain.visibility.min(most), edit: false, delete: false };
        let own = match self.confidential {
            Confidential::AsPrivate => return private,
            Confidential::Busy => seen_as(Visibility::FreeBusy),
            Confidential::Title => seen_as(Visibility::Title),
            Confidential::Hidden => Cell::default(),
        };
        let says_more_narrowly = grant_says.is_some() || self.private_events_by == Scope::Calendar;
        match grant_says {
            Some(GrantPrivateEvents::Show) => plain,
            _ if says_more_narrowly && private.visibility < own.visibility => private,
            _ => own,
        }
    }
}
