//! WebDAV (RFC 4918), access control (RFC 3744) and CalDAV (RFC 4791): request bytes to the door and back.
//!
//! Uses the `http` types and no sockets. Decides no access: it sees only what the door hands out, already projected.
//!
//! - [`dispatch`]: one match in; [`error`]: every refusal out. [`href`] paths, [`resource`] what stands there,
//!   [`header`] what a request asks besides.
//! - Tables: methods ([`method`]), live properties ([`property`]), reports ([`report`]), conditions ([`condition`]).
//! - [`filter`] which objects a query matches, [`calendar_data`] which parts of them it wants.
//! - `free_busy_url` tells when a person is busy, by GET. [`link`] answers who holds a link and signs in nowhere.
//! - [`xml`] reads and writes documents, [`multistatus`] the answers made of them. [`client`] is the other side: it writes
//!   requests and reads answers, for whoever examines a server.

pub mod body;
pub mod calendar_data;
pub mod client;
pub mod condition;
pub mod dispatch;
pub mod error;
pub mod filter;
mod free_busy_url;
#[cfg(feature = "testing")]
pub mod fuzz;
pub mod header;
pub mod href;
pub mod link;
pub mod method;
pub mod multistatus;
pub mod precondition;
pub mod property;
pub mod report;
pub mod resource;
mod whole;
pub mod xml;

pub use body::Body;
pub use dispatch::{Limits, Request, ResourceKind, Site, Unmeasured, failed, handle};
pub use error::Cause;
pub use method::options::DAV_CLASSES;
