//! How each live property is written, from what the door shows and nothing else.

pub(super) use super::access_list::{acl, acl_restrictions, supported_privilege_set};
pub(super) use super::place::{add_member, quota_available, quota_used, resource_id};
pub(super) use super::subscription::{refresh_rate, source, strip_alarms, strip_attachments, strip_to_dos};
use super::{Presence, Subject};
use crate::error::Result;
use crate::href::Fixed;
use crate::method;
use crate::method::get::{COLLECTION_TAG, COLLECTION_TEXT, COLLECTION_TEXT_TYPE};
use crate::precondition::calendar_tag;
use crate::report;
use crate::resource::{Kind, Resource};
use crate::xml::name::{CALENDAR_SERVER, SHOJI};
use crate::xml::{Name, Writer};
use acl::Privilege;
use chrono::{DateTime, Datelike, Timelike, Utc};
use ical::{CalendarObject, ComponentKind, ParseLimits, Zone};
use storage::authorized::{self, Calendar, Plain, PlainKind, PrincipalKind, PropertyKey, Row, VisiblePrincipal};
use storage::limits::{MAX_DATE_TIME, MIN_DATE_TIME};

use Presence::{Absent, Present};

type Value = Result<Presence>;

/// The element that names a privilege.
pub fn privilege_name(privilege: Privilege) -> Name {
    match privilege {
        Privilege::Read => Name::dav("read"),
        Privilege::ReadFreeBusy => Name::caldav("read-free-busy"),
        Privilege::ReadTitles => Name::of(SHOJI, "read-titles"),
        Privilege::Write => Name::dav("write"),
        Privilege::WriteProperties => Name::dav("write-properties"),
        Privilege::WriteContent => Name::dav("write-content"),
        Privilege::Bind => Name::dav("bind"),
        Privilege::Unbind => Name::dav("unbind"),
        Privilege::Unlock => Name::dav("unlock"),
        Privilege::ReadAcl => Name::dav("read-acl"),
        Privilege::WriteAcl => Name::dav("write-acl"),
        Privilege::ReadCurrentUserPrivilegeSet => Name::dav("read-current-user-privilege-set"),
        Privilege::All => Name::dav("all"),
    }
}

impl Subject<'_, '_, '_> {
    pub(super) fn stored_resource(&self) -> Option<&authorized::Resource> {
        match self.resource {
            Resource::Stored(resource) => Some(resource),
            Resource::Fixed(_) | Resource::Principal(_) | Resource::FreeBusy(_) => None,
        }
    }
    pub(super) fn calendar(&self) -> Option<&Calendar> {
        match self.stored_resource()? {
            authorized::Resource::Calendar(calendar) => Some(calendar),
            _ => None,
        }
    }
    fn object(&self) -> Option<(&Calendar, &Row)> {
        match self.stored_resource()? {
            authorized::Resource::Object(calendar, row) => Some((calendar, row)),
            _ => None,
        }
    }
    fn plain(&self) -> Option<&Plain> {
        match self.stored_resource()? {
            authorized::Resource::Plain(plain) => Some(plain),
            _ => None,
        }
    }
    /// When it was made and when it last changed, as far as the viewer may know.
    fn times(&self) -> Result<Option<(DateTime<Utc>, DateTime<Utc>)>> {
        if let Some((calendar, row)) = self.object() {
            return Ok(self.view.store.object_times(calendar, row)?.map(|times| (times.created, times.modified)));
        }
        Ok(self.plain().map(|plain| (plain.created, plain.modified)))
    }
    fn principal(&self) -> Option<&VisiblePrincipal> {
        match self.resource {
            Resource::Principal(principal) => Some(principal),
            Resource::Fixed(_) | Resource::FreeBusy(_) | Resource::Stored(_) => None,
        }
    }
    fn own_principal(&self) -> Option<&VisiblePrincipal> {
        self.principal().filter(|principal| principal.is_viewer)
    }
    pub(super) fn stored_text(&self, key: &PropertyKey, writer: &mut Writer) -> Value {
        match self.stored()?.get(key) {
            Some(text) => {
                writer.text(text);
                Ok(Present)
            }
            None => Ok(Absent),
        }
    }
}

pub(super) fn resourcetype(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    match subject.resource.kind() {
        Kind::Object | Kind::PlainFile | Kind::FreeBusy => {}
        kind => {
            writer.empty(&Name::dav("collection"));
            match kind {
                Kind::Principal => writer.empty(&Name::dav("principal")),
                Kind::Calendar => writer.empty(&Name::caldav("calendar")),
                Kind::Subscription => writer.empty(&Name::of(CALENDAR_SERVER, "subscribed")),
                _ => {}
            }
        }
    }
    Ok(Present)
}

pub(super) fn displayname(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    match subject.principal() {
        Some(principal) => {
            writer.text(if principal.display_name.is_empty() { &principal.name } else { &principal.display_name });
            Ok(Present)
        }
        None => match subject.resource {
            Resource::Fixed(fixed) => {
                writer.text(fixed.title());
                Ok(Present)
            }
            _ => subject.stored_text(&PropertyKey::DisplayName, writer),
        },
    }
}

pub(super) fn getetag(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    if let Some((_, row)) = subject.object() {
        writer.text(row.etag());
        return Ok(Present);
    }
    if let Some(calendar) = subject.calendar() {
        writer.text(&calendar_tag(subject.view, calendar)?);
        return Ok(Present);
    }
    match subject.plain().map(|plain| &plain.kind) {
        Some(PlainKind::File { etag, .. }) => {
            writer.text(etag);
            Ok(Present)
        }
        _ if matches!(subject.resource, Resource::Fixed(_)) => {
            writer.text(COLLECTION_TAG);
            Ok(Present)
        }
        _ => Ok(Absent),
    }
}

/// The media type of an object, with its component where that is known.
pub(crate) fn object_content_type(kind: Option<ComponentKind>) -> &'static str {
    match kind {
        Some(ComponentKind::Event) => "text/calendar; charset=utf-8; component=vevent",
        Some(ComponentKind::ToDo) => "text/calendar; charset=utf-8; component=vtodo",
        Some(ComponentKind::Journal) => "text/calendar; charset=utf-8; component=vjournal",
        Some(ComponentKind::FreeBusy) => "text/calendar; charset=utf-8; component=vfreebusy",
        Some(ComponentKind::Availability) => "text/calendar; charset=utf-8; component=vavailability",
        None => "text/calendar; charset=utf-8",
    }
}

pub(super) fn getcontenttype(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    if let Some((_, row)) = subject.object() {
        writer.text(object_content_type(row.kind()));
        return Ok(Present);
    }
    match subject.plain().map(|plain| &plain.kind) {
        Some(PlainKind::File { content_type, .. }) => writer.text(content_type),
        _ => writer.text(COLLECTION_TEXT_TYPE),
    }
    Ok(Present)
}

pub(super) fn getcontentlength(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    let length = match (subject.object(), subject.plain().map(|plain| &plain.kind)) {
        (Some((_, row)), _) => row.content_length(),
        (None, Some(PlainKind::File { content_length, .. })) => *content_length,
        _ => COLLECTION_TEXT.len() as u64,
    };
    writer.text(&length.to_string());
    Ok(Present)
}

/// An HTTP date (RFC 9110 §5.6.7).
pub(crate) fn http_date(moment: DateTime<Utc>) -> String {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let name = |names: &[&'static str], at: u32| names.get(at as usize).copied().unwrap_or_default();
    let (weekday, month) = (name(&DAYS, moment.weekday().num_days_from_monday()), name(&MONTHS, moment.month0()));
    let (day, year) = (moment.day(), moment.year().unsigned_abs());
    // Of every object that its owner gets: without reading a format each time.
    let mut text = String::with_capacity("Sun, 06 Nov 1994 08:49:37 GMT".len());
    let mut put = |before: &str, number: u32, places: u32| {
        text.push_str(before);
        text.extend((0..places).rev().filter_map(|place| char::from_digit(number / 10_u32.pow(place) % 10, 10)));
    };
    put(weekday, 0, 0);
    put(", ", day, 2);
    put(" ", 0, 0);
    put(month, 0, 0);
    put(" ", year, 4);
    for (before, number) in [(" ", moment.hour()), (":", moment.minute()), (":", moment.second())] {
        put(before, number, 2);
    }
    text.push_str(" GMT");
    text
}

pub(super) fn getlastmodified(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    let Some((_, modified)) = subject.times()? else { return Ok(Absent) };
    writer.text(&http_date(modified));
    Ok(Present)
}

pub(super) fn creationdate(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    let Some((created, _)) = subject.times()? else { return Ok(Absent) };
    writer.text(&created.format("%Y-%m-%dT%H:%M:%SZ").to_string());
    Ok(Present)
}

pub(super) fn current_user_principal(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    let viewer = subject.view.viewer()?;
    writer.href(&subject.view.hrefs.principal(PrincipalKind::User, &viewer.name));
    Ok(Present)
}

pub(super) fn principal_url(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    let Some(principal) = subject.principal() else { return Ok(Absent) };
    writer.href(&subject.view.hrefs.principal(principal.kind, &principal.name));
    Ok(Present)
}

/// A set that is always empty: a principal has one URI here (RFC 3744 §4.1), nothing inherits an ACL (§5.7).
pub(super) fn empty_set(_: &Subject<'_, '_, '_>, _: &mut Writer) -> Value {
    Ok(Present)
}

pub(super) fn group_membership(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    let Some(principal) = subject.own_principal() else { return Ok(Absent) };
    for (kind, name) in &principal.memberships {
        writer.href(&subject.view.hrefs.principal(*kind, name));
    }
    Ok(Present)
}

/// A user has no members (RFC 3744 §4.3); those of a group or role are not shown.
pub(super) fn group_member_set(subject: &Subject<'_, '_, '_>, _: &mut Writer) -> Value {
    let is_user = subject.principal().is_some_and(|principal| principal.kind == PrincipalKind::User);
    Ok(if is_user { Present } else { Absent })
}

pub(super) fn owner(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    let owner = match subject.stored_resource() {
        Some(authorized::Resource::Home(home)) => &home.owner,
        Some(authorized::Resource::Calendar(calendar) | authorized::Resource::Object(calendar, _)) => calendar.owner(),
        Some(authorized::Resource::Plain(plain)) => &plain.owner,
        None => return Ok(Absent),
    };
    writer.href(&subject.view.hrefs.principal(PrincipalKind::User, owner));
    Ok(Present)
}

pub(super) fn write_privilege(writer: &mut Writer, privilege: Privilege) {
    writer.start(&Name::dav("privilege"));
    writer.empty(&privilege_name(privilege));
    writer.end(&Name::dav("privilege"));
}

const LOOKED_AT: &[Privilege] = &[Privilege::Read, Privilege::ReadCurrentUserPrivilegeSet];
const OWN: &[Privilege] = &[
    Privilege::Read,
    Privilege::Write,
    Privilege::WriteProperties,
    Privilege::WriteContent,
    Privilege::Bind,
    Privilege::Unbind,
    Privilege::ReadAcl,
    Privilege::ReadCurrentUserPrivilegeSet,
];
const OWN_PRINCIPAL: &[Privilege] = &[Privilege::Read, Privilege::WriteProperties, Privilege::ReadCurrentUserPrivilegeSet];

pub(super) fn current_user_privilege_set(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    let of_object;
    let privileges: &[Privilege] = match subject.resource {
        Resource::Fixed(_) | Resource::FreeBusy(_) => LOOKED_AT,
        Resource::Principal(principal) if principal.is_viewer => OWN_PRINCIPAL,
        Resource::Principal(_) => LOOKED_AT,
        Resource::Stored(authorized::Resource::Home(home)) if home.own => OWN,
        Resource::Stored(authorized::Resource::Home(_)) => LOOKED_AT,
        // A subscription holds nothing, and clients that see no `write` do not try.
        Resource::Stored(authorized::Resource::Plain(plain)) if plain.kind == PlainKind::Subscription => OWN_PRINCIPAL,
        Resource::Stored(authorized::Resource::Plain(_)) => OWN,
        Resource::Stored(authorized::Resource::Calendar(calendar)) => calendar.privileges(),
        Resource::Stored(authorized::Resource::Object(calendar, row)) => {
            of_object = subject.view.store.object_privileges(calendar, row);
            &of_object
        }
    };
    for privilege in privileges {
        write_privilege(writer, *privilege);
    }
    Ok(Present)
}

pub(super) fn principal_collection_set(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    writer.href(&subject.view.hrefs.fixed(Fixed::Principals));
    Ok(Present)
}

pub(super) fn supported_method_set(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    for name in method::allow(subject.resource.kind()).split(", ") {
        writer.empty_with(&Name::dav("supported-method"), &[("name", name)]);
    }
    Ok(Present)
}

pub(super) fn supported_report_set(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    for report in report::REPORTS.iter().filter(|report| report.is_listed_on(subject.resource)) {
        writer.start(&Name::dav("supported-report"));
        writer.start(&Name::dav("report"));
        writer.empty(&report.name);
        writer.end(&Name::dav("report"));
        writer.end(&Name::dav("supported-report"));
    }
    Ok(Present)
}

pub(super) fn sync_token(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    let token = match subject.stored_resource() {
        Some(authorized::Resource::Calendar(calendar)) => subject.view.store.sync_token(calendar)?,
        Some(authorized::Resource::Home(home)) if home.own => subject.view.store.home_sync_token(home)?,
        _ => return Ok(Absent),
    };
    writer.text(&token);
    Ok(Present)
}

/// Exactly one href: clients take one of several, or fail.
pub(super) fn calendar_home_set(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    let Some(principal) = subject.own_principal() else { return Ok(Absent) };
    writer.href(&subject.view.hrefs.home(&principal.name));
    Ok(Present)
}

/// The preferred address stands first and last and is marked: some clients take the first, some the last.
pub(super) fn calendar_user_address_set(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    let Some(principal) = subject.own_principal() else { return Ok(Absent) };
    let preferred = |writer: &mut Writer, address: &str| {
        writer.start_with(&Name::dav("href"), &[("preferred", "1")]);
        writer.text(&format!("mailto:{address}"));
        writer.end(&Name::dav("href"));
    };
    let mut addresses = principal.addresses.iter();
    let first = addresses.next();
    if let Some(first) = first {
        preferred(writer, first);
    }
    for address in addresses {
        writer.href(&format!("mailto:{address}"));
    }
    writer.href(&subject.view.hrefs.principal(principal.kind, &principal.name));
    if let Some(first) = first {
        preferred(writer, first);
    }
    Ok(Present)
}

/// There are people, groups and roles of them here, no rooms and no resources (RFC 6638 §2.4.2).
pub(super) fn calendar_user_type(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    let Some(principal) = subject.principal() else { return Ok(Absent) };
    writer.text(match principal.kind {
        PrincipalKind::User => "INDIVIDUAL",
        PrincipalKind::Group | PrincipalKind::Role => "GROUP",
    });
    Ok(Present)
}

pub(super) fn email_address_set(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    let Some(principal) = subject.own_principal() else { return Ok(Absent) };
    for address in &principal.addresses {
        writer.element(&Name::of(CALENDAR_SERVER, "email-address"), address);
    }
    Ok(Present)
}

pub(super) fn description(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    subject.stored_text(&PropertyKey::Description, writer)
}

pub(super) fn time_zone(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    subject.stored_text(&PropertyKey::TimeZone, writer)
}

/// The TZID of the zone that `calendar-timezone` defines: the two are one record (RFC 7809 §3.1.5).
pub(super) fn time_zone_id(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    let id = subject.stored()?.get(&PropertyKey::TimeZone).and_then(|text| Zone::id_of_calendar_timezone(text));
    let Some(id) = id else { return Ok(Absent) };
    writer.text(&id);
    Ok(Present)
}

/// When its owner is available: on her own home, for herself alone. Others learn of it when she is busy.
pub(super) fn availability(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    let Some(text) = subject.stored()?.get(&PropertyKey::Availability) else { return Ok(Absent) };
    match CalendarObject::parse(text.as_bytes(), &ParseLimits::default()) {
        Ok(object) => writer.text(&subject.view.definitions.apply(&object)),
        Err(_) => writer.text(text),
    }
    Ok(Present)
}

pub(super) fn color(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    subject.stored_text(&PropertyKey::Color, writer)
}

pub(super) fn order(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    subject.stored_text(&PropertyKey::Order, writer)
}

/// What the viewer stored (RFC 6638 §9.1); there is no scheduling here that would go by it.
pub(super) fn schedule_transparency(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    match subject.stored()?.get(&PropertyKey::ScheduleTransparency).map(String::as_str) {
        Some("opaque") => writer.empty(&Name::caldav("opaque")),
        Some("transparent") => writer.empty(&Name::caldav("transparent")),
        _ => return Ok(Absent),
    }
    Ok(Present)
}

pub(super) fn supported_components(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    let Some(calendar) = subject.calendar() else { return Ok(Absent) };
    for kind in calendar.components() {
        writer.empty_with(&Name::caldav("comp"), &[("name", kind.name())]);
    }
    Ok(Present)
}

pub(super) fn supported_calendar_data(_: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    writer.empty_with(&Name::caldav("calendar-data"), &[("content-type", "text/calendar"), ("version", "2.0")]);
    Ok(Present)
}

pub(super) fn supported_collation_set(_: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    for collation in report::COLLATIONS {
        writer.element(&Name::caldav("supported-collation"), collation);
    }
    Ok(Present)
}

pub(super) fn max_resource_size(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    writer.text(&subject.view.store.limits().object_bytes_max.to_string());
    Ok(Present)
}

pub(super) fn min_date_time(_: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    writer.text(MIN_DATE_TIME);
    Ok(Present)
}

pub(super) fn max_date_time(_: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    writer.text(MAX_DATE_TIME);
    Ok(Present)
}

pub(super) fn max_instances(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    writer.text(&subject.view.store.limits().instances_max.to_string());
    Ok(Present)
}

pub(super) fn max_attendees_per_instance(subject: &Subject<'_, '_, '_>, writer: &mut Writer) -> Value {
    writer.text(&subject.view.store.limits().attendees_max.to_string());
    Ok(Present)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_rfc_9110_writes_them() {
        for day in 0..800 {
            let moment = DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(day * 613);
            assert_eq!(http_date(moment), moment.format("%a, %d %b %Y %H:%M:%S GMT").to_string());
        }
    }
}
