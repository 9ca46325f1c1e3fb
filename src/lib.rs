//! The server: sockets, time, configuration and the command line. The only asynchronous code; knows no XML and no iCalendar.

pub mod api;
pub mod authenticate;
pub mod cli;
pub mod command;
pub mod config;
pub mod control;
pub mod doctor;
pub mod environment;
#[cfg(feature = "testing")]
pub mod fuzz;
pub mod limits;
pub mod mend;
pub mod router;
pub mod server;
pub mod sweep;
pub mod telemetry;
pub mod turns;
