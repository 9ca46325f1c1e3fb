//! Arguments of `available`.

use clap::Subcommand;

/// `available …`
#[derive(Debug, Subcommand)]
pub enum AvailableAction {
    /// List calendars that others opened to a user, whether they stand in his home or not
    ///
    /// `added` ones stand in his home, where his programs find them. `available` ones he reaches at their owners' addresses;
    /// what is open to everyone or by the organisation's rules does not come into his home by itself.
    List {
        /// To whom
        user: String,
        /// Only what this user owns
        #[arg(long, value_name = "NAME")]
        owner: Option<String>,
    },
    /// Put one into his home
    Add {
        /// For whom
        user: String,
        /// Like alice/work, or the id that --json lists
        #[arg(value_name = "OWNER/NAME|ID")]
        calendar: String,
    },
    /// Take one off the list of his home; its address there goes on answering
    Hide {
        /// For whom
        user: String,
        /// Like alice/work, or the id that --json lists
        #[arg(value_name = "OWNER/NAME|ID")]
        calendar: String,
    },
    /// Take one out of his home, as when his program deletes it; nobody's share changes
    Leave {
        /// For whom
        user: String,
        /// Like alice/work, or the id that --json lists
        #[arg(value_name = "OWNER/NAME|ID")]
        calendar: String,
    },
    /// Take back what was decided: shares with him or a group of his stand in his home, all else does not
    Reset {
        /// For whom
        user: String,
        /// Like alice/work, or the id that --json lists
        #[arg(value_name = "OWNER/NAME|ID")]
        calendar: String,
    },
}
