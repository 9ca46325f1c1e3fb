//! End to end, over HTTP messages, in process: one binary, one topic a file.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod eyes;
mod harness;
mod queries;
mod reports;
