//! What stands at a path for this viewer: the fixed collections, principals, and what the door shows below homes.
//!
//! Decides no access: what the door does not show is absent.

use crate::condition::Condition;
use crate::dispatch::{Limits, ResourceKind, Site};
use crate::error::{Error, Result};
use crate::header::ZoneDefinitions;
use crate::href::{Fixed, Hrefs, Path, push_segment};
use std::cell::OnceCell;
use std::sync::Arc;
use storage::AuthorizedStore;
use storage::authorized::{self, Calendar, Plain, PlainKind, PrincipalKind, Row, VisiblePrincipal};

/// One viewer's view of one snapshot, with what is needed to answer from it.
pub struct View<'a, 's> {
    /// The door.
    pub store: &'a AuthorizedStore<'s>,
    /// Writes hrefs.
    pub hrefs: Hrefs<'a>,
    /// Bounds.
    pub limits: &'a Limits,
    /// Which definitions of time zones this request wants in calendar data.
    pub definitions: ZoneDefinitions,
    viewer: OnceCell<VisiblePrincipal>,
}

impl<'a, 's> View<'a, 's> {
    /// A view through this door.
    pub fn new(store: &'a AuthorizedStore<'s>, site: &'a Site, limits: &'a Limits, definitions: ZoneDefinitions) -> Self {
        Self { store, hrefs: Hrefs::new(site), limits, definitions, viewer: OnceCell::new() }
    }

    /// The viewer himself, looked up once.
    pub fn viewer(&self) -> Result<&VisiblePrincipal> {
        if let Some(viewer) = self.viewer.get() {
            return Ok(viewer);
        }
        let viewer = self.store.viewer()?;
        Ok(self.viewer.get_or_init(|| viewer))
    }

    /// What stands at a path. Absent and hidden are 404 alike.
    pub fn locate(&self, path: &Path) -> Result<Resource> {
        match path {
            Path::Fixed(fixed) => Ok(Resource::Fixed(*fixed)),
            Path::Principal(kind, name) => Ok(Resource::Principal(self.store.principal(*kind, name)?)),
            Path::Home { owner, below } => {
                let segments: Vec<&str> = below.iter().map(String::as_str).collect();
                Ok(Resource::Stored(self.store.resolve(owner, &segments)?))
            }
            Path::FreeBusy(user) => Ok(Resource::FreeBusy(self.store.knows_busy_time_of(user)?)),
            Path::Nothing => Err(Error::not_found()),
        }
    }

    /// The canonical href of a resource.
    pub fn href(&self, resource: &Resource) -> String {
        match resource {
            Resource::Fixed(fixed) => self.hrefs.fixed(*fixed),
            Resource::Principal(principal) => self.hrefs.principal(principal.kind, &principal.name),
            Resource::FreeBusy(user) => self.hrefs.free_busy(user),
            Resource::Stored(authorized::Resource::Home(home)) => self.hrefs.home(&home.owner),
            Resource::Stored(authorized::Resource::Calendar(calendar)) => self.hrefs.calendar(calendar),
            Resource::Stored(authorized::Resource::Object(calendar, row)) => self.hrefs.object(calendar, row.name()),
            Resource::Stored(authorized::Resource::Plain(plain)) => self.hrefs.plain(plain),
        }
    }

    /// Visits the direct members of a collection with their hrefs, in the order of [`View::members`]. A calendar's objects
    /// are visited without a copy of the calendar for each.
    pub fn each_member(&self, resource: &Resource, mut visit: impl FnMut(&str, &Resource) -> Result<()>) -> Result<()> {
        let Resource::Stored(authorized::Resource::Calendar(calendar)) = resource else {
            return self.members(resource)?.iter().try_for_each(|member| visit(&self.href(member), member));
        };
        let mut objects = self.objects(calendar);
        for row in self.store.rows(calendar)?.iter() {
            let (href, member) = objects.at(row);
            visit(href, member)?;
        }
        Ok(())
    }

    /// The objects of a calendar as resources.
    pub fn objects(&self, calendar: &Calendar) -> Objects {
        let href = self.hrefs.calendar(calendar);
        Objects { collection_bytes: href.len(), href, resource: Resource::Stored(authorized::Resource::Calendar(calendar.clone())) }
    }

    /// Visits all that stands below a collection, at any depth, each after the collection it is in. `enter` says of a member
    /// whether what is below it is looked at too. At most as many as an answer has responses are visited.
    pub fn each_descendant(
        &self,
        resource: &Resource,
        enter: impl Fn(&Resource) -> bool,
        mut visit: impl FnMut(&str, &Resource) -> Result<()>,
    ) -> Result<()> {
        let mut seen = 0;
        let mut counted = |href: &str, member: &Resource| {
            seen += 1;
            if seen > self.limits.responses_max {
                return Err(Error::condition(Condition::NumberOfMatchesWithinLimits));
            }
            visit(href, member)
        };
        if resource.kind() == Kind::Calendar {
            return self.each_member(resource, counted);
        }
        let mut open = self.members(resource)?;
        open.reverse();
        while let Some(member) = open.pop() {
            counted(&self.href(&member), &member)?;
            if !enter(&member) {
                continue;
            }
            if member.kind() == Kind::Calendar {
                // Objects have nothing below them, and there are too many of them for a list.
                self.each_member(&member, &mut counted)?;
            } else {
                open.extend(self.members(&member)?.into_iter().rev());
            }
        }
        Ok(())
    }

    /// The direct members of a collection, in a fixed order; none for what is no collection.
    pub fn members(&self, resource: &Resource) -> Result<Vec<Resource>> {
        let fixed = |all: &[Fixed]| all.iter().copied().map(Resource::Fixed).collect();
        match resource {
            Resource::Fixed(Fixed::Root) => Ok(fixed(&[Fixed::RootPrincipals, Fixed::Dav])),
            Resource::Fixed(Fixed::Dav) => Ok(fixed(&[Fixed::Principals, Fixed::Calendars])),
            // What is known there is no collection's member but a redirection, and stands outside of the tree.
            Resource::Fixed(Fixed::RootPrincipals | Fixed::WellKnown) => Ok(Vec::new()),
            Resource::Fixed(Fixed::Principals) => Ok(fixed(&[Fixed::Users, Fixed::Groups, Fixed::Roles])),
            Resource::Fixed(Fixed::Users) => self.principals(PrincipalKind::User),
            Resource::Fixed(Fixed::Groups) => self.principals(PrincipalKind::Group),
            Resource::Fixed(Fixed::Roles) => self.principals(PrincipalKind::Role),
            Resource::Fixed(Fixed::Calendars) => {
                let viewer = self.viewer()?;
                Ok(vec![Resource::Stored(self.store.resolve(&viewer.name, &[])?)])
            }
            Resource::Principal(_) | Resource::FreeBusy(_) => Ok(Vec::new()),
            Resource::Stored(authorized::Resource::Home(home)) => {
                Ok(self.store.home_members(home)?.into_iter().map(Resource::Stored).collect())
            }
            Resource::Stored(authorized::Resource::Calendar(calendar)) => {
                let rows = self.store.rows(calendar)?;
                Ok(rows.iter().map(|row| Resource::Stored(authorized::Resource::Object(calendar.clone(), row.clone()))).collect())
            }
            Resource::Stored(authorized::Resource::Object(..)) => Ok(Vec::new()),
            Resource::Stored(authorized::Resource::Plain(plain)) => match plain.kind {
                PlainKind::Collection => Ok(self.store.plain_members(plain)?.into_iter().map(Resource::of_plain).collect()),
                PlainKind::File { .. } | PlainKind::Subscription => Ok(Vec::new()),
            },
        }
    }

    fn principals(&self, kind: PrincipalKind) -> Result<Vec<Resource>> {
        Ok(self.store.principals()?.into_iter().filter(|p| p.kind == kind).map(Resource::Principal).collect())
    }
}

/// Objects of one calendar as resources, one after the other: without a copy of the calendar for each.
#[derive(Debug)]
pub struct Objects {
    href: String,
    collection_bytes: usize,
    /// The calendar until the first object is looked at.
    resource: Resource,
}

impl Objects {
    /// One of them, with its canonical href.
    pub fn at(&mut self, row: &Arc<Row>) -> (&str, &Resource) {
        self.href.truncate(self.collection_bytes);
        push_segment(&mut self.href, row.name());
        match &mut self.resource {
            Resource::Stored(authorized::Resource::Object(_, before)) => before.clone_from(row),
            Resource::Stored(authorized::Resource::Calendar(calendar)) => {
                self.resource = Resource::Stored(authorized::Resource::Object(calendar.clone(), row.clone()));
            }
            // It is made of a calendar.
            _ => {}
        }
        (&self.href, &self.resource)
    }
}

/// A resource as this viewer is shown it.
#[derive(Clone, Debug)]
pub enum Resource {
    /// A collection that always stands.
    Fixed(Fixed),
    /// A principal visible to the viewer.
    Principal(VisiblePrincipal),
    /// When a user, of whose time the viewer may know something, is busy.
    FreeBusy(String),
    /// A home or something in it.
    Stored(authorized::Resource),
}

impl Resource {
    /// A plain resource.
    pub fn of_plain(plain: Plain) -> Self {
        Self::Stored(authorized::Resource::Plain(plain))
    }
    /// Its kind: what the tables of methods, properties and reports go by.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Fixed(Fixed::RootPrincipals | Fixed::Principals | Fixed::Users | Fixed::Groups | Fixed::Roles) => {
                Kind::PrincipalCollection
            }
            Self::Fixed(_) => Kind::Fixed,
            Self::Principal(_) => Kind::Principal,
            Self::FreeBusy(_) => Kind::FreeBusy,
            Self::Stored(authorized::Resource::Home(_)) => Kind::Home,
            Self::Stored(authorized::Resource::Calendar(_)) => Kind::Calendar,
            Self::Stored(authorized::Resource::Object(..)) => Kind::Object,
            Self::Stored(authorized::Resource::Plain(plain)) => match plain.kind {
                PlainKind::Collection => Kind::PlainCollection,
                PlainKind::File { .. } => Kind::PlainFile,
                PlainKind::Subscription => Kind::Subscription,
            },
        }
    }
}

/// Kinds of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `/`, `/dav/`, `/dav/calendars/`
    Fixed,
    /// The collections of principals.
    PrincipalCollection,
    /// A user or group.
    Principal,
    /// When a person is busy.
    FreeBusy,
    /// A calendar home.
    Home,
    /// A calendar.
    Calendar,
    /// A calendar object.
    Object,
    /// A plain collection.
    PlainCollection,
    /// A file.
    PlainFile,
    /// A subscription to a calendar elsewhere.
    Subscription,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Fixed,
        Self::PrincipalCollection,
        Self::Principal,
        Self::FreeBusy,
        Self::Home,
        Self::Calendar,
        Self::Object,
        Self::PlainCollection,
        Self::PlainFile,
        Self::Subscription,
    ];
    /// How the log names it.
    pub fn logged(self) -> ResourceKind {
        match self {
            Self::Fixed => ResourceKind::Root,
            Self::PrincipalCollection | Self::Principal => ResourceKind::Principal,
            Self::FreeBusy => ResourceKind::FreeBusy,
            Self::Home => ResourceKind::Home,
            Self::Calendar => ResourceKind::Calendar,
            Self::Object => ResourceKind::Object,
            Self::PlainCollection | Self::PlainFile | Self::Subscription => ResourceKind::Plain,
        }
    }
}
