//! Refusals (RFC 9457): one closed table of kinds, each with its word, its status and what to do. A status is written here and
//! nowhere else. What a refusal says besides is about the request alone, never about what is stored.

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use serde_json::{Value, json};
use storage::Error;
use storage::error::Limit;
use webdav::Body;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A body, key or query parameter that cannot be read.
    BadRequest,
    /// No credentials, or wrong ones.
    Unauthorized,
    /// Visible, and not his to do.
    Forbidden,
    /// Absent or not visible: nobody can tell.
    NotFound,
    /// Not this method.
    MethodNotAllowed,
    /// The request did not arrive in time.
    Timeout,
    /// Something stands in the way.
    Conflict,
    /// Changed by somebody else meanwhile.
    PreconditionFailed,
    /// A body that is too large.
    TooLarge,
    /// A change whose body is not JSON.
    UnsupportedMediaType,
    /// Readable, and makes no sense.
    Invalid,
    /// No user or group of that name, as far as he can know.
    UnknownGrantee,
    /// Too many failed sign-ins.
    TooManyRequests,
    /// A limit of the server.
    Limit,
    /// A defect or a damaged store.
    Internal,
    /// Too much to do.
    Busy,
    /// The store is out of order and is being brought back.
    Unavailable,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::BadRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Timeout,
        Self::Conflict,
        Self::PreconditionFailed,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::Invalid,
        Self::UnknownGrantee,
        Self::TooManyRequests,
        Self::Limit,
        Self::Internal,
        Self::Busy,
        Self::Unavailable,
    ];

    /// Its word, status, title, and what to do.
    fn row(self) -> (&'static str, StatusCode, &'static str, &'static str) {
        match self {
            Self::BadRequest => {
                ("bad-request", StatusCode::BAD_REQUEST, "The request cannot be read", "Mend the key that is named, and send it again.")
            }
            Self::Unauthorized => (
                "unauthorized",
                StatusCode::UNAUTHORIZED,
                "Sign in",
                "Send user name and password with HTTP Basic; those that were sent, if any, are wrong.",
            ),
            Self::Forbidden => (
                "forbidden",
                StatusCode::FORBIDDEN,
                "Not yours to do",
                "Only the owner of the calendar may do this, and of the policy only an administrator.",
            ),
            Self::NotFound => (
                "not-found",
                StatusCode::NOT_FOUND,
                "Nothing is here",
                "There is nothing here that you may see. Look at the path and at who you are.",
            ),
            Self::MethodNotAllowed => (
                "method-not-allowed",
                StatusCode::METHOD_NOT_ALLOWED,
                "Not this method",
                "Use one of the methods that the header Allow names.",
            ),
            Self::Timeout => ("timeout", StatusCode::REQUEST_TIMEOUT, "The request did not arrive in time", "Send it again."),
            Self::Conflict => ("conflict", StatusCode::CONFLICT, "Something stands in the way", "Look at what is there, and decide anew."),
            Self::PreconditionFailed => (
                "precondition-failed",
                StatusCode::PRECONDITION_FAILED,
                "It has changed meanwhile",
                "GET it again, and send the change with the new ETag in If-Match.",
            ),
            Self::TooLarge => ("too-large", StatusCode::PAYLOAD_TOO_LARGE, "The body is too large", "Send less at a time."),
            Self::UnsupportedMediaType => (
                "unsupported-media-type",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "A change is sent as JSON",
                "Send it with the header Content-Type: application/json.",
            ),
            Self::Invalid => ("invalid", StatusCode::UNPROCESSABLE_ENTITY, "It makes no sense", "Mend what is named, and send it again."),
            Self::UnknownGrantee => (
                "unknown-grantee",
                StatusCode::UNPROCESSABLE_ENTITY,
                "No such user or group",
                "There is no user or group of that name whom you can know of. An administrator can share with anyone.",
            ),
            Self::TooManyRequests => (
                "too-many-requests",
                StatusCode::TOO_MANY_REQUESTS,
                "Too many failed sign-ins",
                "Wait as long as the header Retry-After says.",
            ),
            Self::Limit => (
                "limit",
                StatusCode::INSUFFICIENT_STORAGE,
                "More than this server keeps",
                "Remove something, or ask the administrator for more.",
            ),
            Self::Internal => {
                ("internal", StatusCode::INTERNAL_SERVER_ERROR, "The server failed", "Its log says why; nothing was changed.")
            }
            Self::Unavailable => (
                "unavailable",
                StatusCode::SERVICE_UNAVAILABLE,
                "The store is out of order",
                "It is being brought back: try again as the header Retry-After says.",
            ),
            Self::Busy => ("busy", StatusCode::SERVICE_UNAVAILABLE, "Too much to do", "Try again as the header Retry-After says."),
        }
    }
    /// The word for programs, in `code` and at the end of `type`.
    pub fn word(self) -> &'static str {
        self.row().0
    }
    /// Its status.
    pub fn status(self) -> StatusCode {
        self.row().1
    }
    /// The kind named by a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
    /// The kind for a status that was decided before the request came here.
    pub(super) fn of_status(status: StatusCode) -> Self {
        Self::ALL.into_iter().find(|kind| kind.status() == status).unwrap_or(Self::Internal)
    }
    /// What documents it.
    pub(super) fn describe(self, base_path: &str) -> Value {
        let (word, status, title, detail) = self.row();
        json!({
            "type": format!("{base_path}{}problems/{word}", super::ROOT),
            "code": word,
            "title": title,
            "status": status.as_u16(),
            "detail": detail,
        })
    }
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    kind: Kind,
    /// Instead of the kind's own.
    detail: Option<String>,
    /// The key of the body, or the parameter of the query, that is wrong.
    key: Option<String>,
    headers: Vec<(HeaderName, String)>,
    /// For the log.
    cause: Option<String>,
}

impl Problem {
    /// As the table says it.
    pub fn new(kind: Kind) -> Self {
        Self { kind, detail: None, key: None, headers: Vec::new(), cause: None }
    }
    /// Absent or not visible.
    pub fn not_found() -> Self {
        Self::new(Kind::NotFound)
    }
    /// In other words: fixed ones, or such as quote nothing that is stored.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..self }
    }
    /// Names what is wrong.
    #[must_use]
    pub fn with_key(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }
    /// With a header.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
    /// Which kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// As it is sent.
    pub(super) fn into_response(self, base_path: &str) -> Response<Body> {
        let mut body = self.kind.describe(base_path);
        if let Some(members) = body.as_object_mut() {
            members.extend(self.detail.map(|detail| ("detail".to_owned(), Value::from(detail))));
            members.extend(self.key.map(|key| ("key".to_owned(), Value::from(key))));
        }
        let mut response = Response::new(Bytes::from(body.to_string()).into());
        *response.status_mut() = self.kind.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        for (name, value) in self.headers {
            headers.extend(HeaderValue::from_str(&value).map(|value| (name, value)));
        }
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(webdav::Cause(cause));
        }
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound | Error::NoParent => Self::not_found(),
            Error::Denied { .. } => Self::new(Kind::Forbidden),
            Error::Exists | Error::UidConflict { .. } => Self::new(Kind::Conflict),
            Error::Ace(acl::ace::AceError::RecognizedPrincipal) => Self::new(Kind::UnknownGrantee),
            Error::Invalid(words) => Self::new(Kind::Invalid).with_detail(words),
            Error::LimitExceeded(Limit::Space | Limit::Quota) => Self::new(Kind::Limit),
            Error::LimitExceeded(limit) => Self::new(Kind::Invalid).with_detail(format!("More than this server takes: {limit}.")),
            Error::TooManyInstances => Self::new(Kind::Invalid).with_detail("Too many instances in that time: ask for less of it."),
            Error::ComponentNotSupported | Error::InvalidSyncToken | Error::Ace(_) => Self::new(Kind::Invalid),
            Error::DiskFull => Self::new(Kind::Limit).with_detail("The disk of the server is full; what was there stays readable."),
            error @ (Error::InUse | Error::Engine(_)) => {
                let problem = Self { cause: Some(error.to_string()), ..Self::new(Kind::Unavailable) };
                problem.with_header(header::RETRY_AFTER, "30")
            }
            error @ (Error::OtherEngine { .. } | Error::NewerFormat { .. } | Error::Corrupted(_) | Error::NotAtHand) => {
                Self { cause: Some(error.to_string()), ..Self::new(Kind::Internal) }
            }
        }
    }
}
