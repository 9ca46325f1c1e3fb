//! The door, tried from both sides: what viewers get, and what they must not be able to tell.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "a property says how much it compared")]

mod facts;
mod flip;
mod history;
mod homes;
mod identities;
mod kept;
mod links;
mod look;
mod open;
mod participation;
mod plain_files;
mod properties;
mod restoring;
mod room;
mod space;
mod two_worlds;
mod views;
mod world;
mod writes;
