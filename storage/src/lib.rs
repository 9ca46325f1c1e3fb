//! What is kept, and the one door to it: every read leaves projected, every write is decided and is one commit.
//!
//! Synchronous. Knows no HTTP and no XML. The engines behind it are named in one directory. Time, randomness and keys come from
//! outside ([`Environment`]), so that two stores can be made that differ only in what a viewer may not see.
//!
//! - `store`: opening and closing; one gate for readers and the writer.
//! - `authorized`: the one door, per viewer: resolving paths, reading, writing, sync, properties, principals, ACL.
//! - `view`: what each viewer is shown of each collection, by shown name, with its sync states; the door looks there only.
//! - `administration`: users, groups, calendars, shares, whole files, import, export, check.
//! - `objects`, `calendars`, `grants`, `links`, `principals`: records and indexes that move together; they decide nothing.
//! - `history`: earlier versions, for how long and how much; `trash`: what was deleted; `restore`: bringing either back.
//! - `facts`: what access depends on, and what was decided, kept decoded in memory.
//! - `usage`: what each user takes up of the store, and may.
//! - `journal`: who read what, which grants changed, which writes were refused, for the calendar's owner alone.
//! - `explain`: why a viewer is shown what he is, by names.
//! - `preview`: what a viewer is shown, for the owner to look at.
//! - `client`: which program a request says it comes from, for history and journal.
//! - `change_engine`: moving a store to another engine, and where its files stand.
//! - `health`: whether writes are taken, and opening the engine anew after a failure.
//! - `backup`: a copy of all of it, taken while it is in use, and a store made of one.
//! - `pace`: long work gives way to short: by the machine's own clock, on which no answer depends.
//! - `keys`, `record`, `read`: where and how records stand. `engine`: get, scan, commit, wait.

pub mod administration;
pub mod authorized;
pub mod backup;
mod break_glass;
mod calendars;
pub mod change_engine;
mod client;
mod engine;
pub mod environment;
pub mod error;
pub mod explain;
mod facts;
mod grants;
pub mod health;
pub mod history;
pub mod journal;
mod keys;
pub mod limits;
mod links;
mod migrate;
mod objects;
mod pace;
pub mod preview;
mod principals;
mod properties;
mod read;
mod recent;
mod record;
mod restore;
mod roles;
pub mod spool;
pub mod store;
mod synchronization;
mod trash;
mod usage;
mod view;

pub use administration::Administration;
pub use authorized::{AuthorizedStore, AuthorizedWriter, LinkDoor, Linked, LinkedStore};
pub use client::ClientName;
pub use engine::EngineKind;
pub use environment::Environment;
pub use error::Error;
pub use health::Health;
pub use journal::JournalEntry;
pub use limits::{Caches, Limits};
pub use links::LinkSecret;
pub use pace::Pace;
pub use store::{Credential, Directory, Door, Options, Store};
pub use usage::Quota;
