//! Conversations of real clients, one file a client: what each sends, in the words in which it sends it, and what its user
//! then sees. Each client is a small machine with a local copy of its own, which goes by what it goes by: CTags, tags of
//! events or sync tokens; privileges as it reads them. Written from what the clients' code and users tell; the programs
//! themselves are run elsewhere, as far as they can be.

mod answer;
mod apple;
mod apple_at_home;
mod davx5;
mod device;
mod evolution;
mod kde;
mod outlook;
mod privileges;
mod story;
mod thunderbird;
mod tsdav;

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
    /// Whether it knows no state of a calendar and compares tags each time.
    compares_tags: bool,
    /// Whether it leaves out how private an event is when it writes it.
    drops_class: bool,
}

/// What most do.
const USUAL: Traits =
    Traits { look: May::LOOK, edit: May::ALL, says_refusals: true, stays_read_only: false, compares_tags: false, drops_class: false };

type Make = fn(Wire) -> Box<dyn Program>;

/// Every story for every client, as a test each.
macro_rules! stories {
    ($($module:ident = $name:literal, $traits:expr, $make:expr;)*) => {
        $(mod $module {
            use super::*;
            stories!(@ $name, $traits, $make;
                the_calendar_is_there_with_the_buttons_of_its_level,
                polling_costs_nothing_until_something_changes_for_the_one_who_polls,
                what_the_owner_adds_changes_and_deletes_is_seen_at_the_next_refresh,
                who_may_write_writes_and_who_may_not_has_no_button,
                a_refused_write_leaves_the_owner_s_bytes_and_goes_away_on_the_device,
                a_token_the_server_does_not_know_costs_a_listing_and_nothing_else,
                a_level_that_rises_or_falls_is_seen_without_a_duplicate,
                an_event_that_becomes_private_hidden_or_open_again_changes_on_every_device,
                a_change_made_on_an_old_copy_is_not_written_over_the_new_one,
                a_client_that_knows_no_privacy_takes_none_away,
            );
        })*
    };
    (@ $name:literal, $traits:expr, $make:expr; $($story:ident,)*) => {
        $(#[test]
        fn $story() {
            story::Stage::play($name, $traits, $make, story::$story);
        })*
    };
}

stories! {
    on_a_mac = "Calendar on a Mac", Traits { drops_class: true, ..USUAL }, |wire| Box::new(apple::Apple::new(wire, apple::Machine::Mac));
    on_an_iphone = "Calendar on an iPhone", Traits { says_refusals: false, drops_class: true, ..USUAL }, |wire| Box::new(apple::Apple::new(wire, apple::Machine::Phone));
    in_davx5 = "DAVx5", Traits { says_refusals: false, ..USUAL }, |wire| Box::new(davx5::Davx5::new(wire, davx5::Days::Ninety));
    in_davx5_with_all_days = "DAVx5 with all days", Traits { says_refusals: false, ..USUAL }, |wire| Box::new(davx5::Davx5::new(wire, davx5::Days::All));
    in_thunderbird = "Thunderbird", Traits { stays_read_only: true, ..USUAL }, |wire| Box::new(thunderbird::Thunderbird::new(wire));
    in_evolution = "Evolution", USUAL, |wire| Box::new(evolution::Evolution::new(wire));
    in_kde = "KDE", Traits { edit: May::NOT_DELETE, ..USUAL }, |wire| Box::new(kde::Kde::new(wire));
    through_tsdav = "tsdav", Traits { look: May::ALL, ..USUAL }, |wire| Box::new(tsdav::Tsdav::new(wire));
    in_outlook = "Outlook CalDav Synchronizer", Traits { edit: May::NOT_DELETE, compares_tags: true, ..USUAL }, |wire| Box::new(outlook::Outlook::new(wire));
}
