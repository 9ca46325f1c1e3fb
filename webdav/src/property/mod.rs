//! The table of live properties, and the one way in which any answer gets property values.
//!
//! Every property asked for starts as missing (404); only a row of the table that applies, or what the viewer stored himself,
//! makes it found. allprop, propname and what can be set derive from the same table.

mod access_list;
pub(crate) mod default_alarm;
mod place;
mod subscription;
mod table;
mod value;

pub(crate) use access_list::AccessList;
pub(crate) use subscription::is_source;
pub use table::{PROPERTIES, live};
pub use value::privilege_name;
pub(crate) use value::{http_date, object_content_type};

use crate::error::{Error, Result};
use crate::multistatus::PropStats;
use crate::resource::{Kind, Resource, View};
use crate::xml::{Element, Name, Tags, Writer};
use http::StatusCode;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use storage::authorized::PropertyKey;
use storage::authorized::property::PropertyTarget;

/// Properties that one request may name for each resource it is about.
pub(crate) const PROPERTIES_MAX: usize = 1_000;

/// Whether allprop includes a property (RFC 4918 §9.1; later specifications keep theirs out).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllProp {
    /// It does.
    Included,
    /// Only on request.
    OnRequest,
}

/// How a property changes.
#[derive(Clone, Copy, Debug)]
pub enum Setting {
    /// By the server alone.
    Protected,
    /// By PROPPATCH, kept as text per viewer under this key.
    Text(fn() -> PropertyKey),
    /// By PROPPATCH, with a check of its own in that method.
    Checked(fn() -> PropertyKey),
}

/// Whether a resource has a property, for this viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It has: the value was written.
    Present,
    /// It has not, as far as the viewer can tell.
    Absent,
    /// It has, but reading it takes a privilege the viewer lacks.
    Forbidden,
}

/// One row of the table.
#[derive(Clone, Debug)]
pub struct Property {
    /// Its name.
    pub name: Name,
    /// On which kinds of resource it can be.
    pub kinds: &'static [Kind],
    /// In allprop or not.
    pub all_prop: AllProp,
    /// Who sets it.
    pub setting: Setting,
    /// Writes the content of its element.
    value: fn(&Subject<'_, '_, '_>, &mut Writer) -> Result<Presence>,
}

impl Property {
    /// Who sets it on this kind of resource: the names of people are an administrator's to set.
    pub fn setting_on(&self, kind: Kind) -> Setting {
        if matches!(kind, Kind::Principal | Kind::Fixed | Kind::PrincipalCollection) { Setting::Protected } else { self.setting }
    }
}

/// A property asked for, looked up in the table once.
#[derive(Clone, Debug)]
pub struct Requested {
    /// Its name.
    pub name: Name,
    /// Its row, if it is a live one.
    pub live: Option<&'static Property>,
    tags: Tags,
}

impl Requested {
    /// Looks it up.
    pub fn new(name: Name) -> Self {
        let live = live(&name);
        Self::of(name, live)
    }
    fn of(name: Name, live: Option<&'static Property>) -> Self {
        let tags = Tags::of(&name);
        Self { name, live, tags }
    }
    /// Its element without content.
    pub(crate) fn write_empty(&self, writer: &mut Writer) {
        writer.empty_of(&self.tags);
    }
}

/// What a PROPFIND or report asks for.
#[derive(Clone, Debug)]
pub enum PropertyRequest {
    /// `DAV:allprop` with `DAV:include`.
    All {
        /// Those of the table that it includes.
        included: Vec<Requested>,
        /// Besides.
        include: Vec<Requested>,
    },
    /// `DAV:propname`
    Names,
    /// `DAV:prop`
    These(Vec<Requested>),
}

impl PropertyRequest {
    /// `DAV:allprop`, and these besides.
    pub fn all(include: Vec<Requested>) -> Self {
        let included = PROPERTIES.iter().filter(|property| property.all_prop == AllProp::Included);
        Self::All { included: included.map(|property| Requested::of(property.name.clone(), Some(property))).collect(), include }
    }
    /// The names in a `DAV:prop` or `DAV:include`, each once.
    pub fn names(element: &Element) -> Vec<Requested> {
        let mut seen = std::collections::HashSet::new();
        element.children().filter(|child| seen.insert(&child.name)).map(|child| Requested::new(child.name.clone())).collect()
    }
    /// Reads `prop`, `allprop` (with `include`) or `propname` among the children of a PROPFIND's or report's root; `None` if
    /// none of them is there. More than one is malformed.
    pub fn read(root: &Element) -> Result<Option<Self>> {
        let mut found = None;
        for child in root.children() {
            let request = match child.name.local.as_ref() {
                _ if child.name.namespace != crate::xml::name::DAV => continue,
                "prop" => Self::These(Self::names(child)),
                "allprop" => Self::all(root.dav("include").map(Self::names).unwrap_or_default()),
                "propname" => Self::Names,
                _ => continue,
            };
            if found.replace(request).is_some() {
                return Err(Error::BadRequest("more than one of prop, allprop and propname"));
            }
        }
        Ok(found)
    }
    /// Whether a `DAV:prop` names this property.
    pub fn asks_for(&self, name: &Name) -> bool {
        matches!(self, Self::These(names) if names.iter().any(|r| r.name == *name))
    }
}

/// A resource whose properties are being written; what the viewer stored on it is loaded only if something asks for it.
pub struct Subject<'v, 'a, 's> {
    view: &'v View<'a, 's>,
    resource: &'v Resource,
    stored: OnceCell<BTreeMap<PropertyKey, String>>,
}

impl<'v> Subject<'v, '_, '_> {
    fn stored(&self) -> Result<&BTreeMap<PropertyKey, String>> {
        if let Some(stored) = self.stored.get() {
            return Ok(stored);
        }
        let stored = match self.resource {
            Resource::Stored(resource) => self.view.store.properties(&PropertyTarget::Resource(resource))?,
            Resource::Principal(principal) if principal.is_viewer => self.view.store.properties(&PropertyTarget::OwnPrincipal)?,
            Resource::Principal(_) | Resource::Fixed(_) | Resource::FreeBusy(_) => BTreeMap::new(),
        };
        Ok(self.stored.get_or_init(|| stored))
    }

    /// Writes one live property, tags and all, or nothing.
    fn write(&self, property: &Property, tags: &Tags, writer: &mut Writer) -> Result<Presence> {
        if !property.kinds.contains(&self.resource.kind()) {
            return Ok(Presence::Absent);
        }
        let before = writer.len();
        writer.start_of(tags);
        let presence = (property.value)(self, writer)?;
        if presence == Presence::Present {
            writer.end_of(tags);
        } else {
            writer.truncate(before);
        }
        Ok(presence)
    }
}

/// An element that a report writes itself (`calendar-data` and the like), used where a `DAV:prop` names it.
pub type Extra<'e> = dyn FnMut(&Name, &mut Writer) -> Result<Presence> + 'e;

/// What was asked for and not written.
#[derive(Debug, Default)]
pub struct Lacking<'r> {
    /// Not there, or not for this viewer.
    pub missing: Vec<&'r Requested>,
    /// There, but not for this viewer to read.
    pub forbidden: Vec<&'r Requested>,
}

/// What a resource answers to a request for properties, apart from the document it goes into.
pub fn respond(view: &View<'_, '_>, resource: &Resource, request: &PropertyRequest) -> Result<PropStats> {
    let mut writer = Writer::fragment();
    let lacking = write(view, resource, request, &mut |_, _| Ok(Presence::Absent), &mut writer)?;
    let names = |all: Vec<&Requested>| all.into_iter().map(|requested| requested.name.clone()).collect();
    Ok(PropStats { found: writer.into_string(), missing: names(lacking.missing), forbidden: names(lacking.forbidden) })
}

/// Writes what a resource answers to a request for properties. This is the only way from properties to the wire.
pub fn write<'r>(
    view: &View<'_, '_>,
    resource: &Resource,
    request: &'r PropertyRequest,
    extra: &mut Extra<'_>,
    writer: &mut Writer,
) -> Result<Lacking<'r>> {
    let subject = Subject { view, resource, stored: OnceCell::new() };
    let mut lacking = Lacking::default();
    match request {
        PropertyRequest::These(names) => these(&subject, names.iter(), extra, writer, &mut lacking)?,
        PropertyRequest::All { included, include } => {
            for (requested, property) in included.iter().filter_map(|requested| Some((requested, requested.live?))) {
                subject.write(property, &requested.tags, writer)?;
            }
            for (key, xml) in subject.stored()? {
                if is_dead_of_all(key) {
                    writer.written(xml);
                }
            }
            let listed = |r: &Requested| match applicable(r, resource.kind()) {
                Some(property) => property.all_prop == AllProp::Included,
                None => {
                    let key = dead_key(&r.name);
                    is_dead_of_all(&key) && subject.stored().is_ok_and(|stored| stored.contains_key(&key))
                }
            };
            let more = include.iter().filter(|requested| !listed(requested));
            these(&subject, more, &mut |_, _| Ok(Presence::Absent), writer, &mut lacking)?;
        }
        PropertyRequest::Names => {
            for property in PROPERTIES {
                let (mut value, tags) = (Writer::fragment(), Tags::of(&property.name));
                if subject.write(property, &tags, &mut value)? != Presence::Absent {
                    writer.empty_of(&tags);
                }
            }
            for key in subject.stored()?.keys() {
                if let PropertyKey::Dead { namespace, name } = key {
                    writer.empty(&Name::new(namespace.as_str(), name.as_str()));
                }
            }
        }
    }
    Ok(lacking)
}

fn these<'r>(
    subject: &Subject<'_, '_, '_>,
    names: impl Iterator<Item = &'r Requested>,
    extra: &mut Extra<'_>,
    writer: &mut Writer,
    lacking: &mut Lacking<'r>,
) -> Result<()> {
    for (number, requested) in names.enumerate() {
        if number >= PROPERTIES_MAX {
            return Err(Error::Status(StatusCode::PAYLOAD_TOO_LARGE));
        }
        let presence = if let Some(property) = applicable(requested, subject.resource.kind()) {
            subject.write(property, &requested.tags, writer)?
        } else {
            match extra(&requested.name, writer)? {
                Presence::Absent => match subject.stored()?.get(&dead_key(&requested.name)) {
                    Some(xml) => {
                        writer.written(xml);
                        Presence::Present
                    }
                    None => Presence::Absent,
                },
                written => written,
            }
        };
        match presence {
            Presence::Present => {}
            Presence::Absent => lacking.missing.push(requested),
            Presence::Forbidden => lacking.forbidden.push(requested),
        }
    }
    Ok(())
}

/// The row that answers for a property on this kind of resource. A settable one is a dead property where its row does not
/// apply: clients keep calendar properties on homes.
fn applicable(requested: &Requested, kind: Kind) -> Option<&'static Property> {
    requested.live.filter(|property| matches!(property.setting, Setting::Protected) || property.kinds.contains(&kind))
}

/// Whether a stored property is a dead one that allprop has.
fn is_dead_of_all(key: &PropertyKey) -> bool {
    matches!(key, PropertyKey::Dead { namespace, name } if !default_alarm::is_default_alarm(namespace, name))
}

/// The key of a dead property.
pub fn dead_key(name: &Name) -> PropertyKey {
    PropertyKey::Dead { namespace: name.namespace.to_string(), name: name.local.to_string() }
}
