//! The table: each live property once, with where it is, whether allprop has it, who sets it and how it is written.

use super::value;
use super::{AllProp, Property, Setting};
use crate::resource::Kind;
use crate::xml::Name;
use crate::xml::name::{APPLE, CALENDAR_SERVER};
use storage::authorized::PropertyKey;

const EVERYWHERE: &[Kind] = Kind::ALL;
const PRINCIPAL: &[Kind] = &[Kind::Principal];
const CALENDAR: &[Kind] = &[Kind::Calendar];
const HOME: &[Kind] = &[Kind::Home];
const QUERIED: &[Kind] = &[Kind::Home, Kind::Calendar, Kind::Object];
const TAGGED: &[Kind] = &[Kind::Fixed, Kind::PrincipalCollection, Kind::Calendar, Kind::Object, Kind::PlainFile];
/// What GET answers with a length and a type of its own (RFC 4918 §15.4, §15.5). Not a calendar: clients tell objects from
/// the calendar they are in by `getcontenttype`, and its GET tells no length, which would have to be worked out from every object.
const HAS_CONTENT: &[Kind] =
    &[Kind::Fixed, Kind::PrincipalCollection, Kind::Principal, Kind::Home, Kind::Object, Kind::PlainCollection, Kind::PlainFile];
const COLLECTIONS: &[Kind] = &[Kind::Home, Kind::Calendar, Kind::PlainCollection];
const FILLED: &[Kind] = &[Kind::Calendar, Kind::PlainCollection];
const DATED: &[Kind] = &[Kind::Object, Kind::PlainCollection, Kind::PlainFile, Kind::Subscription];
const SUBSCRIPTION: &[Kind] = &[Kind::Subscription];
const SHOWN_AS_CALENDAR: &[Kind] = &[Kind::Calendar, Kind::Subscription];
const IN_HOMES: &[Kind] = &[Kind::Home, Kind::Calendar, Kind::Object, Kind::PlainCollection, Kind::PlainFile, Kind::Subscription];
const SYNCED: &[Kind] = &[Kind::Home, Kind::Calendar];
const NAMED: &[Kind] = &[
    Kind::Fixed,
    Kind::PrincipalCollection,
    Kind::Principal,
    Kind::Home,
    Kind::Calendar,
    Kind::Object,
    Kind::PlainCollection,
    Kind::PlainFile,
    Kind::Subscription,
];

use AllProp::{Included, OnRequest};
use Setting::Protected;

/// The row of a property.
pub fn live(name: &Name) -> Option<&'static Property> {
    PROPERTIES.iter().find(|property| property.name == *name)
}

macro_rules! table {
    ($($name:expr, $kinds:ident, $all_prop:ident, $setting:expr, $value:ident;)*) => {
        /// Every live property.
        pub static PROPERTIES: &[Property] = &[
            $(Property { name: $name, kinds: $kinds, all_prop: $all_prop, setting: $setting, value: value::$value },)*
        ];
    };
}

table! {
    // RFC 4918 §15
    Name::dav("resourcetype"), EVERYWHERE, Included, Protected, resourcetype;
    Name::dav("displayname"), NAMED, Included, Setting::Text(|| PropertyKey::DisplayName), displayname;
    Name::dav("getetag"), TAGGED, Included, Protected, getetag;
    Name::dav("getcontenttype"), HAS_CONTENT, Included, Protected, getcontenttype;
    Name::dav("getcontentlength"), HAS_CONTENT, Included, Protected, getcontentlength;
    Name::dav("getlastmodified"), DATED, Included, Protected, getlastmodified;
    Name::dav("creationdate"), DATED, Included, Protected, creationdate;
    // RFC 5397, RFC 3744 §4 and §5
    Name::dav("current-user-principal"), EVERYWHERE, OnRequest, Protected, current_user_principal;
    Name::dav("principal-URL"), PRINCIPAL, OnRequest, Protected, principal_url;
    Name::dav("alternate-URI-set"), PRINCIPAL, OnRequest, Protected, empty_set;
    Name::dav("group-member-set"), PRINCIPAL, OnRequest, Protected, group_member_set;
    Name::dav("group-membership"), PRINCIPAL, OnRequest, Protected, group_membership;
    Name::dav("owner"), IN_HOMES, OnRequest, Protected, owner;
    Name::dav("supported-privilege-set"), EVERYWHERE, OnRequest, Protected, supported_privilege_set;
    Name::dav("current-user-privilege-set"), EVERYWHERE, OnRequest, Protected, current_user_privilege_set;
    Name::dav("acl"), EVERYWHERE, OnRequest, Protected, acl;
    Name::dav("inherited-acl-set"), EVERYWHERE, OnRequest, Protected, empty_set;
    Name::dav("acl-restrictions"), EVERYWHERE, OnRequest, Protected, acl_restrictions;
    Name::dav("principal-collection-set"), EVERYWHERE, OnRequest, Protected, principal_collection_set;
    // RFC 3253 §3.1
    Name::dav("supported-method-set"), EVERYWHERE, OnRequest, Protected, supported_method_set;
    Name::dav("supported-report-set"), EVERYWHERE, OnRequest, Protected, supported_report_set;
    // RFC 5842 §3.1, RFC 5995 §3.2.1
    Name::dav("resource-id"), EVERYWHERE, OnRequest, Protected, resource_id;
    Name::dav("add-member"), FILLED, OnRequest, Protected, add_member;
    // RFC 4331 §3 and §4
    Name::dav("quota-available-bytes"), COLLECTIONS, OnRequest, Protected, quota_available;
    Name::dav("quota-used-bytes"), COLLECTIONS, OnRequest, Protected, quota_used;
    // RFC 6578 §4, and the CTag of Apple's calendar server
    Name::dav("sync-token"), SYNCED, OnRequest, Protected, sync_token;
    Name::of(CALENDAR_SERVER, "getctag"), SYNCED, OnRequest, Protected, sync_token;
    // RFC 4791 §5.2 and §6.2, RFC 6638 §2.4 and §9.1
    Name::caldav("calendar-home-set"), PRINCIPAL, OnRequest, Protected, calendar_home_set;
    Name::caldav("calendar-user-address-set"), PRINCIPAL, OnRequest, Protected, calendar_user_address_set;
    Name::caldav("calendar-user-type"), PRINCIPAL, OnRequest, Protected, calendar_user_type;
    Name::of(CALENDAR_SERVER, "email-address-set"), PRINCIPAL, OnRequest, Protected, email_address_set;
    Name::caldav("calendar-description"), SHOWN_AS_CALENDAR, OnRequest, Setting::Text(|| PropertyKey::Description), description;
    Name::caldav("calendar-timezone"), CALENDAR, OnRequest, Setting::Checked(|| PropertyKey::TimeZone), time_zone;
    // RFC 7809 §5.2, kept as the definition of the zone
    Name::caldav("calendar-timezone-id"), CALENDAR, OnRequest, Setting::Checked(|| PropertyKey::TimeZone), time_zone_id;
    Name::caldav("schedule-calendar-transp"), CALENDAR, OnRequest, Setting::Checked(|| PropertyKey::ScheduleTransparency), schedule_transparency;
    Name::caldav("supported-calendar-component-set"), CALENDAR, OnRequest, Protected, supported_components;
    Name::caldav("supported-calendar-data"), CALENDAR, OnRequest, Protected, supported_calendar_data;
    Name::caldav("supported-collation-set"), QUERIED, OnRequest, Protected, supported_collation_set;
    Name::caldav("max-resource-size"), CALENDAR, OnRequest, Protected, max_resource_size;
    Name::caldav("min-date-time"), CALENDAR, OnRequest, Protected, min_date_time;
    Name::caldav("max-date-time"), CALENDAR, OnRequest, Protected, max_date_time;
    Name::caldav("max-instances"), CALENDAR, OnRequest, Protected, max_instances;
    Name::caldav("max-attendees-per-instance"), CALENDAR, OnRequest, Protected, max_attendees_per_instance;
    // RFC 7953 §7.2.4: there is no inbox to bear it; the second name is the one Apple's programs use
    Name::caldav("calendar-availability"), HOME, OnRequest, Setting::Checked(|| PropertyKey::Availability), availability;
    Name::of(CALENDAR_SERVER, "calendar-availability"), HOME, OnRequest, Setting::Checked(|| PropertyKey::Availability), availability;
    Name::of(APPLE, "calendar-color"), SHOWN_AS_CALENDAR, Included, Setting::Text(|| PropertyKey::Color), color;
    Name::of(APPLE, "calendar-order"), SHOWN_AS_CALENDAR, Included, Setting::Text(|| PropertyKey::Order), order;
    // Subscriptions as Apple's calendar server and sabre/dav have them
    Name::of(CALENDAR_SERVER, "source"), SUBSCRIPTION, OnRequest, Setting::Checked(|| PropertyKey::Source), source;
    Name::of(APPLE, "refreshrate"), SUBSCRIPTION, OnRequest, Setting::Text(|| PropertyKey::RefreshRate), refresh_rate;
    Name::of(CALENDAR_SERVER, "subscribed-strip-alarms"), SUBSCRIPTION, OnRequest, Setting::Checked(|| PropertyKey::StripAlarms), strip_alarms;
    Name::of(CALENDAR_SERVER, "subscribed-strip-attachments"), SUBSCRIPTION, OnRequest, Setting::Checked(|| PropertyKey::StripAttachments), strip_attachments;
    Name::of(CALENDAR_SERVER, "subscribed-strip-todos"), SUBSCRIPTION, OnRequest, Setting::Checked(|| PropertyKey::StripToDos), strip_to_dos;
}
