//! Conversations of real clients, one file a client: what each sends, in the words in which it sends it, and what its user
//! then sees. Each client is a small machine with a local copy of its own, which goes by what it goes by: CTags, tags of
//! events or sync tokens; privileges as it reads them. Written from what the clients' code and users tell; the programs
//! themselves are run elsewhere, as far as they can be.

mod answer;
mod davx5;
mod device;
mod story;

use crate::harness::Wire;
use device::{May, Program};

/// What differs between clients for their users.
#[derive(Clone, Copy, Debug)]
pub struct Traits {
    /// The buttons it shows where one may only look.
    look: May,
    /// The buttons it shows where one may edit and not delete.
    edit: May,
    /// Whether it tells its user that the server refused a change.
    says_refusals: bool,
    /// Whether a calendar that could once not be written stays so until the user does something about it.
    stays_read_only: bool,
}

type Make = fn(Wire) -> Box<dyn Program>;

/// Every client.
const PROGRAMS: &[(&str, Traits, Make)] = &[
    ("DAVx5", Traits { look: May::LOOK, edit: May::ALL, says_refusals: false, stays_read_only: false }, |wire| Box::new(davx5::Davx5::new(wire, davx5::Days::Ninety))),
    ("DAVx5 with all days", Traits { look: May::LOOK, edit: May::ALL, says_refusals: false, stays_read_only: false }, |wire| Box::new(davx5::Davx5::new(wire, davx5::Days::All))),
];
