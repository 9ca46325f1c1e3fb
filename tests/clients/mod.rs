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
mod stage;
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

/// Every story for every client; those that go on from each other are one test.
macro_rules! stories {
    ($($module:ident = $name:literal, $traits:expr, $make:expr;)*) => {
        $(mod $module {
            use super::*;

            #[test]
            fn sees_the_calendar_and_what_changes_in_it() {
                stage::Stage::play($name, $traits, $make, &[
                    ("the calendar is there with the buttons of its level", story::first_look),
                    ("polling costs nothing until something changes for the one who polls", story::polling),
                    ("what the owner adds, changes and deletes is seen at the next refresh", story::owner_writes),
                    ("a token the server does not know costs a listing and nothing else", story::unknown_tokens),
                ]);
            }

            #[test]
            fn writes_what_it_may_and_over_nothing() {
                stage::Stage::play($name, $traits, $make, &[
                    ("who may write writes, and who may not has no button", story::everybody_writes),
                    ("a change made on an old copy is not written over the new one", story::old_copies),
                    ("a client that knows no privacy takes none away", story::no_word_for_privacy),
                ]);
            }

            #[test]
            fn follows_privacy_refusals_and_levels() {
                stage::Stage::play($name, $traits, $make, &[
                    ("an event that becomes private, hidden or open again changes everywhere", story::privacy),
                    ("a refused write leaves the owner's bytes and goes away on the device", story::refused_writes),
                    ("a level that rises or falls is seen without a duplicate", story::levels),
                ]);
            }
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
