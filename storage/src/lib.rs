//! What is kept, and the one door to it: every read leaves projected, every write is decided and is one commit.
//!
//! Synchronous. Knows no HTTP and no XML. The engine behind it is named in one file. Time, randomness and keys come from
//! outside ([`Environment`]), so that two stores can be made that differ only in what a viewer may not see.

pub mod administration;
pub mod authorized;
mod calendars;
mod engine;
pub mod environment;
pub mod error;
mod grants;
mod keys;
pub mod limits;
mod objects;
mod principals;
mod properties;
mod read;
mod record;
pub mod store;
mod view;

pub use administration::Administration;
pub use authorized::{AuthorizedStore, AuthorizedWriter};
pub use environment::Environment;
pub use error::Error;
pub use limits::Limits;
pub use store::{Credential, Directory, Door, Options, Store};
