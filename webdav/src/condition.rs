//! Preconditions and postconditions: one table of element, status and the section that defines it.
//!
//! A failed condition is 403 where repeating the request cannot help and 409 where the client can first mend something
//! (RFC 4791 §1.3, RFC 3253 §1.6), and 507 where room is wanting (RFC 4331 §6); never 412, which is for conditional headers.

use crate::xml::Name;
use http::StatusCode;

macro_rules! conditions {
    ($($(#[$doc:meta])* $variant:ident = $name:expr, $status:ident, $section:literal;)*) => {
        /// A condition that a request failed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Condition {
            $($(#[$doc])* #[doc = concat!("\n\n", $section)] $variant,)*
        }
        impl Condition {
            /// Every condition.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];
            /// The element that names it inside of `DAV:error`.
            pub fn element(self) -> Name {
                match self { $(Self::$variant => $name,)* }
            }
            /// The status it is answered with.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }
            /// Where it is defined.
            pub fn section(self) -> &'static str {
                match self { $(Self::$variant => $section,)* }
            }
        }
    };
}

conditions! {
    /// An infinite PROPFIND is not offered.
    PropfindFiniteDepth = Name::dav("propfind-finite-depth"), FORBIDDEN, "RFC 4918 §9.1.1";
    /// The property is the server's to set.
    CannotModifyProtectedProperty = Name::dav("cannot-modify-protected-property"), FORBIDDEN, "RFC 4918 §16";
    /// What is visible but not allowed.
    NeedPrivileges = Name::dav("need-privileges"), FORBIDDEN, "RFC 3744 §7.1.1";
    /// Something stands where a calendar was to be made.
    ResourceMustBeNull = Name::dav("resource-must-be-null"), FORBIDDEN, "RFC 4791 §5.3.1.1";
    /// A combination of resource types that is not made here.
    ValidResourcetype = Name::dav("valid-resourcetype"), FORBIDDEN, "RFC 5689 §3.3";
    /// The report is not offered on this resource.
    SupportedReport = Name::dav("supported-report"), FORBIDDEN, "RFC 3253 §3.6";
    /// The token names no state of this view.
    ValidSyncToken = Name::dav("valid-sync-token"), FORBIDDEN, "RFC 6578 §3.2";
    /// The sync level is not offered on this collection.
    SyncTraversalSupported = Name::dav("sync-traversal-supported"), FORBIDDEN, "RFC 6578 §3.2";
    /// The answer would be too long.
    NumberOfMatchesWithinLimits = Name::dav("number-of-matches-within-limits"), FORBIDDEN, "RFC 3744 §8.2, RFC 6578 §3.2";
    /// The writer would take up more than he may.
    QuotaNotExceeded = Name::dav("quota-not-exceeded"), INSUFFICIENT_STORAGE, "RFC 4331 §6";
    /// The disk is full.
    SufficientDiskSpace = Name::dav("sufficient-disk-space"), INSUFFICIENT_STORAGE, "RFC 4331 §6";
    /// An inverted principal is not offered.
    NoInvert = Name::dav("no-invert"), FORBIDDEN, "RFC 3744 §8.1.1";
    /// ACEs that contradict each other or cannot stand together.
    NoAceConflict = Name::dav("no-ace-conflict"), FORBIDDEN, "RFC 3744 §8.1.1";
    /// An inherited ACE is changed where it stands.
    NoInheritedAceConflict = Name::dav("no-inherited-ace-conflict"), FORBIDDEN, "RFC 3744 §8.1.1";
    /// A protected ACE cannot be changed.
    NoProtectedAceConflict = Name::dav("no-protected-ace-conflict"), FORBIDDEN, "RFC 3744 §8.1.1";
    /// The privilege is unknown here.
    NotSupportedPrivilege = Name::dav("not-supported-privilege"), FORBIDDEN, "RFC 3744 §8.1.1";
    /// The form of principal is not offered here.
    AllowedPrincipal = Name::dav("allowed-principal"), FORBIDDEN, "RFC 3744 §8.1.1";
    /// There is no such principal for the requester.
    RecognizedPrincipal = Name::dav("recognized-principal"), FORBIDDEN, "RFC 3744 §8.1.1";
    /// Not iCalendar 2.0.
    SupportedCalendarData = Name::caldav("supported-calendar-data"), FORBIDDEN, "RFC 4791 §5.3.2.1";
    /// Malformed iCalendar.
    ValidCalendarData = Name::caldav("valid-calendar-data"), FORBIDDEN, "RFC 4791 §5.3.2.1";
    /// Breaks the rules for calendar object resources.
    ValidCalendarObjectResource = Name::caldav("valid-calendar-object-resource"), FORBIDDEN, "RFC 4791 §5.3.2.1";
    /// A kind of component this calendar does not take.
    SupportedCalendarComponent = Name::caldav("supported-calendar-component"), FORBIDDEN, "RFC 4791 §5.3.2.1";
    /// The UID is that of another resource, whose href is given, or may not change.
    NoUidConflict = Name::caldav("no-uid-conflict"), FORBIDDEN, "RFC 4791 §5.3.2.1";
    /// Calendars stand in homes only, and never in each other.
    CalendarCollectionLocationOk = Name::caldav("calendar-collection-location-ok"), FORBIDDEN, "RFC 4791 §5.3.1.1";
    /// Larger than the limit.
    MaxResourceSize = Name::caldav("max-resource-size"), FORBIDDEN, "RFC 4791 §5.3.2.1";
    /// A date before the first one accepted.
    MinDateTime = Name::caldav("min-date-time"), FORBIDDEN, "RFC 4791 §5.3.2.1";
    /// A date after the last one accepted.
    MaxDateTime = Name::caldav("max-date-time"), FORBIDDEN, "RFC 4791 §5.3.2.1";
    /// Too many instances.
    MaxInstances = Name::caldav("max-instances"), FORBIDDEN, "RFC 4791 §5.3.2.1";
    /// Too many attendees.
    MaxAttendeesPerInstance = Name::caldav("max-attendees-per-instance"), FORBIDDEN, "RFC 4791 §5.3.2.1";
    /// A filter that breaks the grammar.
    ValidFilter = Name::caldav("valid-filter"), FORBIDDEN, "RFC 4791 §7.8";
    /// A filter on something that cannot be filtered.
    SupportedFilter = Name::caldav("supported-filter"), FORBIDDEN, "RFC 4791 §7.8";
    /// A time zone id that the server does not know.
    ValidTimezone = Name::caldav("valid-timezone"), FORBIDDEN, "RFC 7809 §5.2";
    /// A collation that is not offered.
    SupportedCollation = Name::caldav("supported-collation"), FORBIDDEN, "RFC 4791 §7.5.1";
}

#[cfg(test)]
mod tests {
    use super::Condition;
    use http::StatusCode;

    #[test]
    fn every_condition_is_a_refusal_with_an_element_of_its_own() {
        let mut seen = std::collections::BTreeSet::new();
        for condition in Condition::ALL {
            let refusals = [StatusCode::FORBIDDEN, StatusCode::CONFLICT, StatusCode::INSUFFICIENT_STORAGE];
            assert!(refusals.contains(&condition.status()), "{condition:?}");
            assert!(seen.insert(condition.element()), "{condition:?} shares its element");
            assert!(condition.section().starts_with("RFC "));
        }
    }
}
