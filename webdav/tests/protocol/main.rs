//! The methods over a real store, in process: each test is a short conversation.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests fail by panicking")]

mod access_reports;
mod acl;
mod conditions;
mod copy_move;
mod discovery;
mod free_busy;
mod harness;
mod hidden;
mod hostile;
mod make;
mod post;
mod prefer;
mod propfind;
mod proppatch;
mod put;
mod quota;
mod rfc;
mod subscriptions;
mod time_zones;
