//! Every error becomes status and body here, and nowhere else.
//!
//! Bodies are fixed words and line numbers: nothing of what is stored, nothing of what was sent. The cause of an internal error travels in the
//! answer's extensions, for the log; it never reaches the wire.

use crate::body::Body;
use crate::condition::Condition;
use crate::property::privilege_name;
use crate::xml::name::SHOJI;
use crate::xml::{Name, Writer};
use acl::Privilege;
use acl::ace::AceError;
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use ical::InvalidObject;
use storage::error::Limit;

/// The protocol's results.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// When to ask again while the store is being brought back (RFC 9110 §10.2.3).
const RETRY_SECONDS: u64 = 30;

/// Why a request is not answered as asked.
#[derive(Debug)]
pub enum Error {
    /// A condition with an element of its own.
    Condition(Condition, Detail),
    /// A bare status.
    Status(StatusCode),
    /// 412: a conditional header does not hold for what this viewer is shown.
    Unmet,
    /// 405: the method is known, but not for this class of resource, which allows these.
    NotAllowed(&'static str),
    /// 400 with fixed words.
    BadRequest(&'static str),
    /// 500: the cause is for the log alone.
    Internal(Cause),
    /// 503: the store is out of order and is being brought back; the cause is for the log alone.
    Unavailable(Cause),
}

/// What stands inside of a condition's element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Nothing.
    None,
    /// The href of something the viewer sees.
    Href(String),
    /// The missing privilege; the href beside it is always the request's own.
    Privilege(Privilege),
    /// An empty element with this value of its `name` attribute: the part of the request that is not supported.
    Named(Name, String),
    /// Nothing; beside it stands, for people, what is wrong with the body they sent. Other than the conditions of RFC 4918 §16
    /// these words may change.
    Reason(String),
}

/// The cause of an internal error, as the server logs it: put into the answer's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause(pub String);

impl Error {
    /// A condition without detail.
    pub fn condition(condition: Condition) -> Self {
        Self::Condition(condition, Detail::None)
    }
    /// 403 `DAV:need-privileges`.
    pub fn need(privilege: Privilege) -> Self {
        Self::Condition(Condition::NeedPrivileges, Detail::Privilege(privilege))
    }
    /// 404: absent, or not for this viewer.
    pub fn not_found() -> Self {
        Self::Status(StatusCode::NOT_FOUND)
    }
    /// The status it is answered with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Condition(condition, _) => condition.status(),
            Self::Status(status) => *status,
            Self::Unmet => StatusCode::PRECONDITION_FAILED,
            Self::NotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
    /// The answer to a request for `request_href`.
    pub fn into_response(self, request_href: &str) -> Response<Body> {
        let mut response = Response::new(Body::default());
        *response.status_mut() = self.status();
        match self {
            Self::Condition(condition, detail) => {
                let mut writer = Writer::document(&Name::dav("error"));
                write_condition(&mut writer, condition, &detail, request_href);
                writer.end(&Name::dav("error"));
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8"));
                *response.body_mut() = Bytes::from(writer.into_string()).into();
            }
            Self::Status(_) | Self::Unmet => {}
            Self::NotAllowed(allow) => {
                response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
            }
            Self::BadRequest(reason) => {
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
                *response.body_mut() = Bytes::from_static(reason.as_bytes()).into();
            }
            Self::Internal(cause) => {
                response.extensions_mut().insert(cause);
            }
            Self::Unavailable(cause) => {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(RETRY_SECONDS));
                response.extensions_mut().insert(cause);
            }
        }
        response
    }
}

/// The element of a condition, as it stands inside of `DAV:error`.
pub fn write_condition(writer: &mut Writer, condition: Condition, detail: &Detail, request_href: &str) {
    let element = condition.element();
    match detail {
        Detail::None => writer.empty(&element),
        Detail::Reason(words) => {
            writer.empty(&element);
            writer.element(&Name::of(SHOJI, "reason"), words);
        }
        Detail::Href(href) => {
            writer.start(&element);
            writer.href(href);
            writer.end(&element);
        }
        Detail::Named(part, name) => {
            writer.start(&element);
            writer.empty_with(part, &[("name", name)]);
            writer.end(&element);
        }
        Detail::Privilege(privilege) => {
            writer.start(&element);
            writer.start(&Name::dav("resource"));
            writer.href(request_href);
            writer.start(&Name::dav("privilege"));
            writer.empty(&privilege_name(*privilege));
            writer.end(&Name::dav("privilege"));
            writer.end(&Name::dav("resource"));
            writer.end(&element);
        }
    }
}

impl From<storage::Error> for Error {
    fn from(error: storage::Error) -> Self {
        use storage::Error as Stored;
        match error {
            Stored::NotFound => Self::not_found(),
            Stored::Denied { privilege } => Self::need(privilege),
            Stored::Exists => Self::Status(StatusCode::CONFLICT),
            Stored::NoParent => Self::Status(StatusCode::CONFLICT),
            // The method that writes knows the collection and turns the name into an href before it comes here.
            Stored::UidConflict { .. } => Self::condition(Condition::NoUidConflict),
            Stored::ComponentNotSupported => Self::condition(Condition::SupportedCalendarComponent),
            Stored::LimitExceeded(Limit::ObjectBytes) => Self::condition(Condition::MaxResourceSize),
            Stored::LimitExceeded(Limit::Instances) => Self::condition(Condition::MaxInstances),
            Stored::LimitExceeded(Limit::Attendees) => Self::condition(Condition::MaxAttendeesPerInstance),
            Stored::LimitExceeded(Limit::Earliest) => Self::condition(Condition::MinDateTime),
            Stored::LimitExceeded(Limit::Latest) => Self::condition(Condition::MaxDateTime),
            Stored::LimitExceeded(Limit::Space) => Self::Status(StatusCode::INSUFFICIENT_STORAGE),
            Stored::LimitExceeded(Limit::Quota) => Self::condition(Condition::QuotaNotExceeded),
            Stored::DiskFull => Self::condition(Condition::SufficientDiskSpace),
            Stored::InvalidSyncToken => Self::condition(Condition::ValidSyncToken),
            Stored::TooManyInstances => Self::condition(Condition::NumberOfMatchesWithinLimits),
            Stored::Ace(error) => Self::condition(ace_condition(error)),
            other @ (Stored::Engine(_) | Stored::InUse) => Self::Unavailable(Cause(other.to_string())),
            // Whatever else goes wrong in the store is not the viewer's to know.
            other => Self::Internal(Cause(other.to_string())),
        }
    }
}

fn ace_condition(error: AceError) -> Condition {
    match error {
        AceError::NoAceConflict => Condition::NoAceConflict,
        AceError::NoInheritedAceConflict => Condition::NoInheritedAceConflict,
        AceError::NoProtectedAceConflict => Condition::NoProtectedAceConflict,
        AceError::NoInvert => Condition::NoInvert,
        AceError::NotSupportedPrivilege => Condition::NotSupportedPrivilege,
        AceError::AllowedPrincipal => Condition::AllowedPrincipal,
        AceError::RecognizedPrincipal => Condition::RecognizedPrincipal,
    }
}

impl From<InvalidObject> for Error {
    fn from(error: InvalidObject) -> Self {
        let reason = Detail::Reason(error.to_string());
        let condition = match error {
            InvalidObject::NotCalendarData(_) => Condition::SupportedCalendarData,
            InvalidObject::InvalidData { .. } => Condition::ValidCalendarData,
            InvalidObject::UnknownTimeZone { .. } => Condition::ValidTimezone,
            InvalidObject::InvalidResource(_) => Condition::ValidCalendarObjectResource,
            InvalidObject::UnsupportedComponent => Condition::SupportedCalendarComponent,
            InvalidObject::TooManyInstances => Condition::MaxInstances,
            InvalidObject::TooLarge => Condition::MaxResourceSize,
        };
        Self::Condition(condition, reason)
    }
}
