//! The table of methods: which kind of resource allows which. `Allow` and `DAV:supported-method-set` derive from it.
//! Beside it, one file a method.

pub(crate) mod acl;
pub(crate) mod copy_move;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod mkcalendar;
pub(crate) mod mkcol;
pub(crate) mod options;
pub(crate) mod post;
pub(crate) mod propfind;
pub(crate) mod proppatch;
pub(crate) mod put;
pub(crate) mod report;

use crate::body::Body;
use crate::error::Error;
use crate::href::Path;
use crate::resource::{Kind, Resource};
use http::{HeaderName, HeaderValue, Response, StatusCode};

/// The methods a kind of resource allows, as `Allow` lists them. A function of the kind alone, never of rights or state.
pub fn allow(kind: Kind) -> &'static str {
    match kind {
        Kind::Fixed => "OPTIONS, GET, HEAD, PROPFIND, REPORT",
        Kind::PrincipalCollection => "OPTIONS, GET, HEAD, PROPFIND, REPORT",
        Kind::Principal => "OPTIONS, GET, HEAD, PROPFIND, PROPPATCH, REPORT",
        Kind::FreeBusy => "OPTIONS, GET, HEAD, PROPFIND, REPORT",
        Kind::Home => "OPTIONS, GET, HEAD, PROPFIND, PROPPATCH, REPORT",
        Kind::Calendar => "OPTIONS, GET, HEAD, DELETE, PROPFIND, PROPPATCH, COPY, MOVE, REPORT, ACL",
        Kind::Object => "OPTIONS, GET, HEAD, PUT, DELETE, PROPFIND, PROPPATCH, COPY, MOVE, REPORT, ACL",
        Kind::PlainCollection => "OPTIONS, GET, HEAD, DELETE, PROPFIND, PROPPATCH, COPY, MOVE, REPORT, ACL",
        Kind::PlainFile => "OPTIONS, GET, HEAD, PUT, DELETE, PROPFIND, PROPPATCH, COPY, MOVE, REPORT, ACL",
        Kind::Subscription => "OPTIONS, GET, HEAD, DELETE, PROPFIND, PROPPATCH, COPY, MOVE, REPORT, ACL",
    }
}

/// The same where nothing stands for the viewer: by the form of the path alone, so that hidden and absent are alike.
pub fn allow_where_nothing_stands(path: &Path) -> &'static str {
    match path {
        Path::Fixed(_) => allow(Kind::Fixed),
        Path::Principal(..) => allow(Kind::Principal),
        Path::Home { below, .. } => match below.len() {
            0 => allow(Kind::Home),
            _ if path.takes_members_for().is_some() => "OPTIONS, POST",
            1 => "OPTIONS, PUT, MKCOL, MKCALENDAR",
            _ => "OPTIONS, PUT, MKCOL",
        },
        Path::FreeBusy(_) => allow(Kind::FreeBusy),
        Path::Nothing => "OPTIONS",
    }
}

/// 405 for a resource of this kind.
pub(crate) fn not_allowed(resource: &Resource) -> Error {
    Error::NotAllowed(allow(resource.kind()))
}

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::default());
    *response.status_mut() = status;
    response
}

/// Sets a header whose value is ours; a value that cannot stand in a header is left out.
pub(crate) fn set(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// `Preference-Applied` (RFC 7240 §3).
pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

#[cfg(test)]
mod tests {
    use super::{allow, allow_where_nothing_stands, options::DAV_CLASSES};
    use crate::href::Path;
    use crate::property::{PROPERTIES, Setting};
    use crate::report::REPORTS;
    use crate::resource::Kind;

    /// The golden table: what OPTIONS says of every kind, and what the tables of reports and settable properties add to it.
    #[test]
    fn what_each_kind_of_resource_offers() {
        let mut table = format!("DAV: {DAV_CLASSES}\n");
        for kind in Kind::ALL {
            let reports: Vec<&str> = REPORTS.iter().filter(|r| r.kinds.contains(kind)).map(|r| r.name.local.as_ref()).collect();
            let settable: Vec<&str> = PROPERTIES
                .iter()
                .filter(|p| p.kinds.contains(kind) && !matches!(p.setting_on(*kind), Setting::Protected))
                .map(|p| p.name.local.as_ref())
                .collect();
            table.push_str(&format!("{kind:?}\n  allow {}\n  reports {}\n", allow(*kind), reports.join(" ")));
            table.push_str(format!("  settable {}", settable.join(" ")).trim_end());
            table.push('\n');
        }
        for path in [
            "/dav/calendars/x/",
            "/dav/calendars/x/y/",
            "/dav/calendars/x/y/z.ics",
            "/dav/calendars/x/y/;add-member",
            "/dav/principals/users/x/",
            "/dav/freebusy/x",
            "/x/",
        ] {
            let allowed = Path::parse(path).map(|path| allow_where_nothing_stands(&path)).unwrap_or_default();
            table.push_str(&format!("nothing at {path}\n  allow {allowed}\n"));
        }
        assert_eq!(table, include_str!("../../tests/golden/offered.txt"));
    }

    #[test]
    fn no_method_is_allowed_that_dispatch_refuses() {
        for kind in Kind::ALL {
            for method in allow(*kind).split(", ") {
                assert!(!["LOCK", "UNLOCK", "PATCH"].contains(&method), "{kind:?} {method}");
            }
        }
    }
}
