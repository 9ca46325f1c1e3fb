//! End to end, over HTTP messages, in process: one binary, one topic a file.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]
#![expect(clippy::print_stdout, reason = "properties say how much they compared")]
#![expect(unreachable_pub, reason = "nothing here is reached from outside")]

mod agreement;
mod api;
mod backup;
mod canary;
mod clients;
mod command_line;
mod configuration;
mod doctor;
mod explain;
mod export;
mod eyes;
mod faults;
mod flip;
mod fuzz;
mod harness;
mod hidden_is_absent;
mod history;
mod hostile;
mod identity;
mod journal;
mod killed;
mod leaks;
mod links;
mod logs;
mod migrate;
mod no_write;
mod personal;
mod presets;
mod queries;
mod races;
mod reports;
mod roles;
mod saboteurs;
mod server;
mod sign_in;
mod sign_in_flood;
mod tidy;
mod transport;
mod two_worlds;
mod view_as;
