//! WebDAV (RFC 4918), access control (RFC 3744) and CalDAV (RFC 4791): request bytes to the door and back.
//!
//! Uses the `http` types and no sockets. Decides no access: it sees only what the door hands out, already projected.

pub mod dispatch;

pub use dispatch::{Limits, Request, ResourceKind, Site, handle};
