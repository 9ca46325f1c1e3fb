//! Arguments of sharing: whom with, how much.

use super::{calendar_and_event, owner_and_name};
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};

/// `share …`
#[derive(Debug, Subcommand)]
pub enum ShareAction {
    /// Share a calendar, or change a share
    Set {
        /// Like alice/work
        #[arg(value_name = "OWNER/NAME", value_parser = owner_and_name)]
        calendar: String,
        #[expect(missing_docs, reason = "a doc comment here would replace the command's help")]
        #[command(flatten)]
        with: With,
        /// How much they see and may do [default: the policy's default_level]
        #[arg(long, value_name = "L")]
        level: Option<LevelWord>,
        /// How private events appear to them
        #[arg(long, value_name = "V")]
        private_events: Option<SharePrivateEvents>,
        /// May put events into the calendar whatever the level
        #[arg(long)]
        create: bool,
        /// Also show places at `titles`
        #[arg(long)]
        with_places: bool,
        /// End of the share, like 2027-01-01T00:00:00Z
        #[arg(long, value_name = "RFC3339")]
        until: Option<DateTime<Utc>>,
    },
    /// List shares
    List {
        /// Of this calendar, like alice/work
        #[arg(value_name = "OWNER/NAME", value_parser = owner_and_name)]
        calendar: Option<String>,
    },
    /// End a share
    Remove {
        /// Like alice/work
        #[arg(value_name = "OWNER/NAME", value_parser = owner_and_name)]
        calendar: String,
        #[expect(missing_docs, reason = "a doc comment here would replace the command's help")]
        #[command(flatten)]
        with: With,
    },
}

/// `link …`
#[derive(Debug, Subcommand)]
pub enum LinkAction {
    /// Make a link; its address is told this once
    ///
    /// Whoever has the address sees the calendar at the level, or the one event in full, without signing in: as a page, and
    /// with .ics at the end as a calendar that programs subscribe to.
    Add {
        /// Like alice/work, or alice/work/event.ics for one event
        #[arg(value_name = "OWNER/NAME[/EVENT]", value_parser = calendar_and_event)]
        target: String,
        /// How much of a calendar is shown
        #[arg(long, value_name = "L")]
        level: Option<LinkLevel>,
        /// End of the link, like 2027-01-01T00:00:00Z
        #[arg(long, value_name = "RFC3339")]
        until: Option<DateTime<Utc>>,
        /// What it is for, to tell it from others
        #[arg(long, value_name = "T")]
        note: Option<String>,
    },
    /// List links with their last use; addresses are not among what is kept
    List {
        /// Of this calendar, like alice/work
        #[arg(value_name = "OWNER/NAME", value_parser = owner_and_name)]
        calendar: Option<String>,
    },
    /// End a link at once
    Remove {
        /// As listed
        id: String,
    },
}

/// Levels of a link.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LinkLevel {
    /// Busy times, joined where they touch
    FreeBusy,
    /// Times and titles
    Titles,
    /// Everything except events marked private
    Details,
}

impl LinkLevel {
    /// The level it names.
    pub fn level(self) -> acl::Level {
        match self {
            Self::FreeBusy => acl::Level::FreeBusy,
            Self::Titles => acl::Level::Titles,
            Self::Details => acl::Level::Details,
        }
    }
}

/// Whom a share is for.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub struct With {
    /// One user
    #[arg(long, value_name = "N")]
    pub user: Option<String>,
    /// A group, its nested members included
    #[arg(long, value_name = "N")]
    pub group: Option<String>,
    /// All who have a role
    #[arg(long, value_name = "N")]
    pub role: Option<String>,
    /// Everyone who can sign in
    #[arg(long)]
    pub everyone: bool,
}

/// Levels.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LevelWord {
    /// Paused
    None,
    /// When the owner is busy: no titles, places or people
    FreeBusy,
    /// Times and titles
    Titles,
    /// Everything except events marked private
    Details,
    /// Add and change events, not delete them
    Edit,
    /// Add, change and delete events
    EditDelete,
}

impl LevelWord {
    /// The level it names.
    pub fn level(self) -> acl::Level {
        match self {
            Self::None => acl::Level::None,
            Self::FreeBusy => acl::Level::FreeBusy,
            Self::Titles => acl::Level::Titles,
            Self::Details => acl::Level::Details,
            Self::Edit => acl::Level::Edit,
            Self::EditDelete => acl::Level::EditDelete,
        }
    }
}

/// A share's policy on private events.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SharePrivateEvents {
    /// As the calendar says
    AsPolicy,
    /// As busy time
    Busy,
    /// Not at all
    Hidden,
    /// Like other events of that level
    Show,
}
