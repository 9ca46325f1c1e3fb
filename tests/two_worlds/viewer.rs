//! The viewer and what he may be given: every level, each way of meeting private events, by grants to himself, to a group, to
//! everyone, or none. The first state holds at the beginning; the script moves between a viewer's states.

use acl::level::GrantPrivateEvents::{self, Busy, Hidden, Show};
use acl::policy::PrivateEvents;
use acl::{
    AccessMatrix, CalendarFacts, CalendarPolicy, Grant, Grantee, Level, OwnerFacts, Policy, PrincipalId, Rights, ViewerFacts, access,
};
use chrono::DateTime;
use std::collections::BTreeSet;
use storage::administration::GrantEntry;
use storage::administration::entry::CreateWord;

/// To whom the viewer's grant is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    Viewer,
    Group,
    Everyone,
    Nobody,
    /// He has no grant, and a link of the first state's level.
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
}

/// One kind of viewer.
#[derive(Clone, Copy, Debug)]
pub struct Viewer {
    pub name: &'static str,
    pub to: To,
    pub states: &'static [State],
    pub widen_public: bool,
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
    }
}

const fn with(level: Level, private_events: GrantPrivateEvents) -> State {
    State { private_events: Some(private_events), ..state(level) }
}

const fn under(policy: PrivateEvents, level: Level) -> State {
    State { policy, ..state(level) }
}

const fn viewer(name: &'static str, to: To, states: &'static [State]) -> Viewer {
    Viewer { name, to, states, widen_public: false }
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
    viewer("link at free-busy", To::Link, &[FREE_BUSY, under(PrivateEvents::Hidden, Level::FreeBusy)]),
    viewer("link at free-busy, private hidden", To::Link, &[under(PrivateEvents::Hidden, Level::FreeBusy)]),
    viewer("link at titles", To::Link, &[state(Level::Titles), under(PrivateEvents::Hidden, Level::Titles)]),
    viewer("link at titles, public widened", To::Link, &[state(Level::Titles)]).widened(),
    viewer("link at details", To::Link, &[state(Level::Details)]),
    viewer("link at details, policy editors", To::Link, &[under(PrivateEvents::Editors, Level::Details)]),
];

impl Viewer {
    const fn widened(self) -> Self {
        Self { widen_public: true, ..self }
    }

    /// What each state gives, as the rules have it. A grant past its end gives nothing, which adds nothing here.
    pub fn matrices(&self) -> Vec<AccessMatrix> {
        let viewer = PrincipalId([2; 16]);
        let team = PrincipalId([3; 16]);
        let groups = BTreeSet::from([team]);
        let matrices = self.states.iter().map(|state| {
            let policy =
                CalendarPolicy { private_events: Some(state.policy), widen_public: Some(self.widen_public), ..CalendarPolicy::default() };
            let grantee = match self.to {
                To::Viewer => Grantee::User(viewer),
                To::Group if state.member => Grantee::Group(team),
                To::Everyone | To::Link => Grantee::Everyone,
                To::Nobody => return AccessMatrix::default(),
                To::Group => return AccessMatrix::default(),
            };
            let rights = if state.blind { Rights { create: true, ..Rights::default() } } else { state.level.parts().1 };
            let grant = Grant {
                rights,
                private_events: state.private_events,
                create_always: state.create,
                with_places: state.places,
                ..Grant::of_level(grantee, state.level)
            };
            let facts = CalendarFacts {
                owner: OwnerFacts { id: PrincipalId([1; 16]), groups: &groups, roles: &[] },
                policy: &policy,
                grants: &[grant],
                exceptions: &[],
                opened_until: None,
            };
            let viewer = ViewerFacts::employee(viewer, &groups);
            let mut matrix = access(&viewer, &facts, &Policy::default(), DateTime::UNIX_EPOCH).matrix;
            if !self.widen_public {
                // CLASS:PUBLIC is recorded as Standard.
                matrix.cells[1] = matrix.cells[0];
            }
            matrix
        });
        matrices.collect()
    }

    /// Whether he may change events that others made, in some state.
    pub fn ever_edits(&self) -> bool {
        self.states.iter().any(|state| state.level >= Level::Edit)
    }

    /// Whether he may put events into the calendar, in some state.
    pub fn ever_creates(&self) -> bool {
        self.ever_edits() || self.states.iter().any(|state| state.create || state.blind)
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
            To::Everyone => Some(GrantEntry { everyone: Some(true), ..entry }),
            To::Nobody | To::Link => None,
        }
    }

    /// Whether a grant to everyone makes no difference to the viewer: a more specific one always decides.
    pub fn is_deaf_to_everyone(&self) -> bool {
        self.to == To::Viewer || (self.to == To::Group && self.states.iter().all(|state| state.member))
    }
}
