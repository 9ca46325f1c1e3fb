//! The viewer and what he may be given: every level, each way of meeting private events, by grants to himself, to a group, to
//! everyone, or none; and generated ones, in any organisation. The first state holds at the beginning; the script moves between a viewer's states.

use super::organisation::{self, Organisation, id};
use crate::harness::dice::Dice;
use acl::level::GrantPrivateEvents::{self, Busy, Hidden, Show};
use acl::policy::{ModuleRole, PrivateEvents};
use acl::{AccessMatrix, CalendarFacts, CalendarPolicy, Grant, Grantee, Level, LinkId, OwnerFacts, Rights, ViewerFacts, access};
use chrono::DateTime;
use storage::administration::GrantEntry;
use storage::administration::entry::CreateWord;

/// To whom the viewer's grant is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    Viewer,
    Group,
    Role,
    Everyone,
    Nobody,
    /// He has no grant, and a link.
    Link,
}

/// One grant that the viewer may have.
#[derive(Clone, Copy, Debug)]
pub struct State {
    pub level: Level,
    pub private_events: Option<GrantPrivateEvents>,
    pub create: bool,
    pub places: bool,
    /// Sees nothing whatever the level: a combination that has no level, and that ACL can make.
    pub blind: bool,
    /// Hours after the beginning.
    pub until: Option<i64>,
    /// The calendar's policy of private events.
    pub policy: PrivateEvents,
    /// Whether he is in the group.
    pub member: bool,
    pub organisation: Organisation,
}

/// One kind of viewer.
#[derive(Clone, Copy, Debug)]
pub struct Viewer {
    pub name: &'static str,
    pub to: To,
    pub states: &'static [State],
    pub widen_public: bool,
    /// He has the address of a guest whom the owner invites.
    pub guest: bool,
    /// He holds a link to the calendar too.
    pub link: Option<Level>,
}

const fn state(level: Level) -> State {
    State {
        level,
        private_events: None,
        create: false,
        places: false,
        blind: false,
        until: None,
        policy: PrivateEvents::Busy,
        member: true,
        organisation: Organisation::NOTHING,
    }
}

const fn with(level: Level, private_events: GrantPrivateEvents) -> State {
    State { private_events: Some(private_events), ..state(level) }
}

const fn under(policy: PrivateEvents, level: Level) -> State {
    State { policy, ..state(level) }
}

/// In a group through others, of which one leaves its own where he is no member.
const fn nested(depth: usize, cut: usize, state: State) -> State {
    State { organisation: Organisation { depth, cut, ..Organisation::NOTHING }, ..state }
}

const fn viewer(name: &'static str, to: To, states: &'static [State]) -> Viewer {
    Viewer { name, to, states, widen_public: false, guest: false, link: None }
}

const FREE_BUSY: State = state(Level::FreeBusy);
const NONE: State = state(Level::None);

/// Every kind.
pub const VIEWERS: &[Viewer] = &[
    viewer("free-busy", To::Viewer, &[FREE_BUSY]),
    viewer("free-busy, sometimes none", To::Viewer, &[FREE_BUSY, NONE]),
    viewer("free-busy, private hidden", To::Viewer, &[with(Level::FreeBusy, Hidden)]),
    viewer("free-busy, may assign", To::Viewer, &[State { create: true, ..with(Level::FreeBusy, Hidden) }]),
    viewer("free-busy, for a while", To::Viewer, &[State { until: Some(2), ..FREE_BUSY }, FREE_BUSY]),
    viewer("free-busy, policy hidden", To::Viewer, &[under(PrivateEvents::Hidden, Level::FreeBusy)]),
    viewer("free-busy, policy editors", To::Viewer, &[under(PrivateEvents::Editors, Level::FreeBusy)]),
    viewer("free-busy, public widened", To::Viewer, &[FREE_BUSY]).widened(),
    viewer("titles", To::Viewer, &[state(Level::Titles), FREE_BUSY]),
    viewer("titles, places, hidden", To::Viewer, &[State { places: true, ..with(Level::Titles, Hidden) }]),
    viewer("titles, may assign", To::Viewer, &[State { create: true, ..state(Level::Titles) }]),
    viewer("titles, private shown", To::Viewer, &[with(Level::Titles, Show)]),
    viewer("details", To::Viewer, &[state(Level::Details), NONE]),
    viewer("details, private hidden", To::Viewer, &[with(Level::Details, Hidden), FREE_BUSY]),
    viewer("details, private shown", To::Viewer, &[with(Level::Details, Show)]),
    viewer("edit", To::Viewer, &[state(Level::Edit)]),
    viewer("edit, private hidden", To::Viewer, &[with(Level::Edit, Hidden), with(Level::FreeBusy, Hidden)]),
    viewer("edit, policy editors", To::Viewer, &[under(PrivateEvents::Editors, Level::Edit)]),
    viewer("edit-delete", To::Viewer, &[with(Level::EditDelete, Busy), state(Level::Titles)]),
    viewer("edit-delete, private hidden", To::Viewer, &[with(Level::EditDelete, Hidden)]),
    viewer("only assigns", To::Viewer, &[State { create: true, blind: true, ..NONE }, NONE]),
    viewer("member at free-busy", To::Group, &[FREE_BUSY, NONE]),
    viewer("member at titles", To::Group, &[with(Level::Titles, Hidden)]),
    viewer("member who edits", To::Group, &[with(Level::EditDelete, Hidden), FREE_BUSY]),
    viewer("member by three groups", To::Group, &[nested(3, 0, FREE_BUSY), nested(3, 2, State { member: false, ..FREE_BUSY })]),
    viewer("member by five groups", To::Group, &[nested(5, 0, with(Level::Edit, Hidden)), nested(5, 3, State { member: false, ..NONE })]),
    viewer("member ever deeper", To::Group, &[nested(4, 0, state(Level::Titles)), nested(5, 0, FREE_BUSY), nested(0, 0, FREE_BUSY)]),
    viewer("everyone at free-busy", To::Everyone, &[FREE_BUSY]),
    viewer("everyone at details", To::Everyone, &[with(Level::Details, Hidden), NONE]),
    viewer("member who comes and goes", To::Group, &[FREE_BUSY, State { member: false, ..FREE_BUSY }, state(Level::Titles)]),
    viewer("edit-delete, private sometimes shown", To::Viewer, &[with(Level::EditDelete, Hidden), with(Level::EditDelete, Show)]),
    viewer("edit, private sometimes shown", To::Viewer, &[with(Level::Edit, Show), with(Level::Edit, Hidden), with(Level::Edit, Busy)]),
    viewer("details, may assign", To::Viewer, &[State { create: true, ..with(Level::Details, Hidden) }, with(Level::Details, Show)]),
    viewer(
        "details under changing policy",
        To::Viewer,
        &[under(PrivateEvents::Busy, Level::Details), under(PrivateEvents::Hidden, Level::Details)],
    ),
    viewer("free-busy under changing policy", To::Viewer, &[FREE_BUSY, under(PrivateEvents::Hidden, Level::FreeBusy)]),
    viewer("edit, public widened", To::Viewer, &[with(Level::EditDelete, Hidden)]).widened(),
    viewer("titles, public widened", To::Viewer, &[with(Level::Titles, Hidden), FREE_BUSY]).widened(),
    viewer("assigns for a while", To::Viewer, &[State { create: true, until: Some(3), ..with(Level::FreeBusy, Hidden) }]),
    viewer("stranger", To::Nobody, &[NONE]),
    viewer("link at free-busy", To::Link, &[FREE_BUSY, under(PrivateEvents::Hidden, Level::FreeBusy)]).linked(Level::FreeBusy),
    viewer("link at free-busy, private hidden", To::Link, &[under(PrivateEvents::Hidden, Level::FreeBusy)]).linked(Level::FreeBusy),
    viewer("link at titles", To::Link, &[state(Level::Titles), under(PrivateEvents::Hidden, Level::Titles)]).linked(Level::Titles),
    viewer("link at titles, public widened", To::Link, &[state(Level::Titles)]).widened().linked(Level::Titles),
    viewer("link at details", To::Link, &[state(Level::Details)]).linked(Level::Details),
    viewer("link at details, policy editors", To::Link, &[under(PrivateEvents::Editors, Level::Details)]).linked(Level::Details),
];

impl Viewer {
    const fn widened(self) -> Self {
        Self { widen_public: true, ..self }
    }

    const fn linked(self, level: Level) -> Self {
        Self { link: Some(level), ..self }
    }

    /// Any viewer: what he is granted and what the organisation gives him, in one state after the other.
    pub fn generated(dice: &mut Dice) -> Self {
        let to = *dice.pick(&[To::Viewer, To::Viewer, To::Group, To::Role, To::Everyone, To::Nobody]);
        let mut states = Vec::new();
        for _ in 0..dice.below(3) + 1 {
            let base = state(*dice.pick(&Level::ALL));
            states.push(State {
                private_events: *dice.pick(&[None, Some(Busy), Some(Hidden), Some(Hidden), Some(Show)]),
                create: dice.chance(15),
                places: dice.chance(20),
                until: dice.chance(15).then(|| dice.within(1, 4)),
                policy: *dice.pick(&PrivateEvents::ALL),
                member: dice.chance(85),
                organisation: Organisation::generated(dice),
                ..base
            });
        }
        let link = dice.chance(35).then(|| *dice.pick(&acl::link::LINK_LEVELS));
        // As many as there are scenes, for as long as the tests run.
        let states = Box::leak(states.into_boxed_slice());
        Self { widen_public: dice.chance(50), guest: dice.chance(40), link, ..viewer("generated", to, states) }
    }

    /// What each state gives, as the rules have it, and what his link shows. A grant past its end gives nothing, which adds
    /// nothing here.
    pub fn matrices(&self) -> Vec<AccessMatrix> {
        let mut matrices: Vec<AccessMatrix> = self.states.iter().map(|state| self.matrix(state)).collect();
        for state in self.states {
            let policy = state.organisation.policy();
            let shown = |level| acl::link::published(LinkId([9; 16]), acl::link::capped(level, &policy), &self.calendar(state), &policy);
            matrices.extend(self.link.map(shown));
        }
        if !self.widen_public {
            // CLASS:PUBLIC is recorded as Standard.
            matrices.iter_mut().for_each(|matrix| matrix.cells[1] = matrix.cells[0]);
        }
        matrices
    }

    fn calendar(&self, state: &State) -> CalendarPolicy {
        CalendarPolicy { private_events: Some(state.policy), widen_public: Some(self.widen_public), ..CalendarPolicy::default() }
    }

    fn matrix(&self, state: &State) -> AccessMatrix {
        let (viewer, team) = (id("bob"), id("team"));
        let organisation = state.organisation;
        let mut groups = organisation.fellowship();
        groups.extend(state.member.then_some(team));
        let grantee = match self.to {
            To::Viewer => Some(Grantee::User(viewer)),
            To::Group => Some(Grantee::Group(team)),
            To::Role => Some(Grantee::Role(id(organisation::GRANTED))),
            To::Everyone => Some(Grantee::Everyone),
            To::Nobody | To::Link => None,
        };
        let rights = if state.blind { Rights { create: true, ..Rights::default() } } else { state.level.parts().1 };
        let grants: Vec<Grant> = grantee
            .map(|grantee| Grant {
                rights,
                private_events: state.private_events,
                create_always: state.create,
                with_places: state.places,
                ..Grant::of_level(grantee, state.level)
            })
            .into_iter()
            .collect();
        let (owner_groups, calendar) = (organisation.fellowship(), self.calendar(state));
        let facts = CalendarFacts {
            owner: OwnerFacts { id: id("alice"), groups: &owner_groups, roles: &Organisation::owner_roles() },
            policy: &calendar,
            grants: &grants,
            exceptions: &organisation.exceptions(),
            opened_until: organisation.opened.then(|| DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(1)),
        };
        let module = organisation.module_role(state.member);
        let viewer = ViewerFacts { id: viewer, groups: &groups, role: organisation.role_id(), module, target: None };
        access(&viewer, &facts, &organisation.policy(), DateTime::UNIX_EPOCH).matrix
    }

    /// Whether whom the owner invites sees more in some state, and this viewer is such a guest.
    pub fn takes_part(&self) -> bool {
        self.guest && self.states.iter().any(|state| state.organisation.policy().participants_see_full)
    }

    /// Whether what he has hangs on a group that he is in by at least three others, in some state.
    pub fn is_nested(&self) -> bool {
        let counts = |state: &State| state.organisation.depth >= 3 && (self.to == To::Group || state.organisation.by_group);
        self.states.iter().any(|state| state.member && counts(state))
    }

    /// Whether he may change the policy in some state: what he opened himself would be no leak.
    pub fn administers(&self) -> bool {
        self.states.iter().any(|state| state.organisation.module == ModuleRole::Admin)
    }

    /// Whether calendars that nobody shared with him are open to him in some state.
    pub fn is_open(&self) -> bool {
        self.states.iter().any(|state| state.organisation.is_open())
    }

    /// Whether he may change events that others made, in some state.
    pub fn ever_edits(&self) -> bool {
        self.matrices().iter().any(|matrix| matrix.cells.iter().any(|cell| cell.edit))
    }

    /// Whether he may put events into the calendar, in some state.
    pub fn ever_creates(&self) -> bool {
        self.matrices().iter().any(|matrix| matrix.create)
    }

    /// The entry that grants a state on `calendar`.
    pub fn grant(&self, calendar: &str, state: usize, beginning: DateTime<chrono::Utc>) -> Option<GrantEntry> {
        let state = self.states[state];
        let entry = GrantEntry {
            calendar: calendar.to_owned(),
            level: (!state.blind).then_some(state.level),
            custom: state.blind.then(|| "hidden,create".to_owned()),
            private_events: state.private_events,
            create: state.create.then_some(CreateWord::Yes),
            with_places: state.places.then_some(true),
            until: state.until.map(|hours| beginning + chrono::TimeDelta::hours(hours)),
            ..GrantEntry::default()
        };
        match self.to {
            To::Viewer => Some(GrantEntry { user: Some("bob".to_owned()), ..entry }),
            To::Group => Some(GrantEntry { group: Some("team".to_owned()), ..entry }),
            To::Role => Some(GrantEntry { role: Some(organisation::GRANTED.to_owned()), ..entry }),
            To::Everyone => Some(GrantEntry { everyone: Some(true), ..entry }),
            To::Nobody | To::Link => None,
        }
    }

    /// Whether a grant to everyone makes no difference to the viewer: a more specific one always decides.
    pub fn is_deaf_to_everyone(&self) -> bool {
        self.to == To::Viewer || (self.to == To::Group && self.states.iter().all(|state| state.member))
    }
}
