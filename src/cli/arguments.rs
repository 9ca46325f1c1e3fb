//! Arguments and their help.

pub mod history;
pub mod look;
mod people;
mod quota;

pub use people::{GroupAction, MemberAction, UserAction};

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// A CalDAV server that shows each person just what the owner lets them see.
///
/// Start with `shoji demo` for a look, or `shoji serve` for a server of your own; then, in another terminal,
/// `shoji user add alice`. Every command works while the server runs and when it does not.
#[derive(Debug, Parser)]
#[command(name = "shoji", version, max_term_width = 100, propagate_version = true)]
pub struct Arguments {
    /// Directory of the store [default: $XDG_DATA_HOME/shoji or ~/.local/share/shoji]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Configuration file (TOML); every key is also a variable: tls.cert is SHOJI_TLS_CERT
    #[arg(long, global = true, value_name = "FILE", env = "SHOJI_CONFIG")]
    pub config: Option<PathBuf>,
    /// Print one JSON value on standard output, errors as JSON on standard error
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// Commands.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Serve calendars until SIGTERM or Ctrl-C
    Serve {
        /// Address to serve on, repeatable; port 0 takes a free one [default: 127.0.0.1:8008]
        #[arg(long, value_name = "ADDR:PORT")]
        listen: Vec<SocketAddr>,
    },
    /// Show a realistic calendar through five pairs of eyes, in a temporary store
    Demo {
        /// Address to serve on; a busy port is replaced by a free one [default: 127.0.0.1:8008]
        #[arg(long, value_name = "ADDR:PORT")]
        listen: Option<SocketAddr>,
    },
    /// Add, list, remove users, set passwords
    #[command(subcommand)]
    User(UserAction),
    /// Add, list, remove groups and their members
    #[command(subcommand)]
    Group(GroupAction),
    /// Create, list, delete calendars
    #[command(subcommand)]
    Calendar(CalendarAction),
    /// Say who sees how much of a calendar
    #[command(subcommand)]
    Share(ShareAction),
    /// Show a calendar or one event to people who have no account, by an address
    #[command(subcommand)]
    Link(LinkAction),
    /// Put .ics files into a calendar; files with several events are split
    Import {
        /// Where to
        #[arg(value_name = "OWNER/NAME", value_parser = owner_and_name)]
        calendar: String,
        /// An .ics file, a directory of them, or - for standard input
        #[arg(value_name = "FILE|DIR|-")]
        source: PathBuf,
    },
    /// Write every calendar as .ics, and users, groups, shares as a file for `apply`
    Export {
        /// Only what is this user's
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// Directory to write to; made if absent
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Say what somebody sees of a calendar and may do there, and why
    ///
    /// Every share and rule that was looked at is told, which of them decides, what a private mark or a limit of the
    /// organisation takes away, and what will change by itself. With an event: what is shown of it and of each of its
    /// exceptions.
    Explain(look::Explain),
    /// Show a calendar as somebody's client gets it
    ///
    /// Prints iCalendar: exactly what the client of that user is given of the events in that time, and nothing else. With
    /// --json each event by itself, with the name and tag that it has for him. Nothing of it is kept: for him it makes no
    /// difference whether anybody looked. Without a time everything is shown.
    ViewAs(look::ViewAs),
    /// Say who read a calendar at which level, whose shares changed, which writes were refused
    ///
    /// A line for each day, person, program and thing done, with how often. Reads of the last minute before a crash may be
    /// missing. Times are in UTC.
    Journal(look::Journal),
    /// Say who wrote what, when, with which program; a calendar's latest changes, or the versions of one object
    History(history::History),
    /// Bring back an earlier version of an object, a deleted object, or a deleted calendar with its shares
    #[command(disable_version_flag = true)]
    Restore(history::Restore),
    /// List what was deleted, or remove it for good
    #[command(subcommand)]
    Trash(history::TrashAction),
    /// Verify the store: every object parses, indexes, records and change log agree
    Check,
    /// Create and change users, groups, calendars and shares as a TOML file says; all or nothing
    Apply {
        /// Say what would change, change nothing
        #[arg(long)]
        dry_run: bool,
        /// Also remove shares of named calendars that the file lacks
        #[arg(long)]
        prune: bool,
        /// The file, or - for standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Play calendar programs against a running server, and say what would fail and how to mend it
    ///
    /// Asks what Apple Calendar, DAVx5, Thunderbird, Evolution, KDE, vdirsyncer, tsdav, Outlook and others ask when they are
    /// set up, just as they ask it: redirects, methods, headers, certificates, compression. Meant for a server behind a
    /// reverse proxy; give the address that people type. A line for each program, then each problem once, with what was
    /// seen and how to mend it. Nothing is written, unless --write is given.
    ///
    /// Exit code 0: no problem found. 1: problems. 2: wrong arguments. 3: nothing answers at the address.
    Doctor {
        /// The address that people type into their programs, like https://cal.example.org/ or cal.example.org
        #[arg(value_name = "URL")]
        url: String,
        /// Sign in as this user; asks for the password. Without, it can only be seen whether the server is found
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// Read the password from the first line of a file, or of standard input for -
        #[arg(long, value_name = "FILE", requires = "user")]
        password_file: Option<PathBuf>,
        /// Trust the authorities of this PEM file too; those of the machine are not asked, as devices have their own
        #[arg(long, value_name = "FILE")]
        ca: Option<PathBuf>,
        /// Also make a calendar, write to it, and delete it
        #[arg(long, requires = "user")]
        write: bool,
    },
}

/// An argument `OWNER/NAME`.
fn owner_and_name(argument: &str) -> Result<String, String> {
    crate::command::owner_and_name(argument).map(|_| argument.to_owned()).map_err(|error| error.message)
}

/// An argument `OWNER/NAME` or `OWNER/NAME/EVENT`.
fn calendar_and_event(argument: &str) -> Result<String, String> {
    crate::command::calendar_and_event(argument).map(|_| argument.to_owned()).map_err(|error| error.message)
}

/// `calendar …`
#[derive(Debug, Subcommand)]
pub enum CalendarAction {
    /// Create a calendar
    Create {
        /// Like alice/work
        #[arg(value_name = "OWNER/NAME", value_parser = owner_and_name)]
        calendar: String,
        /// Name for people
        #[arg(long, value_name = "T")]
        display_name: Option<String>,
        /// VEVENT, VTODO, VJOURNAL; repeatable [default: all]
        #[arg(long, value_name = "C")]
        component: Vec<String>,
        /// Privacy of events that come without CLASS
        #[arg(long, value_name = "P")]
        default_privacy: Option<DefaultPrivacy>,
        /// How private events appear to others
        #[arg(long, value_name = "V")]
        private_events: Option<PrivateEventsPolicy>,
    },
    /// List calendars
    List {
        /// Of this user
        owner: Option<String>,
    },
    /// Put a calendar with all events into the trash
    Delete {
        /// Like alice/work
        #[arg(value_name = "OWNER/NAME", value_parser = owner_and_name)]
        calendar: String,
        /// Yes, with all events
        #[arg(long)]
        yes: bool,
    },
}

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

/// Privacy of events without CLASS.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum DefaultPrivacy {
    /// By level
    Standard,
    /// Private
    Private,
    /// Confidential
    Confidential,
}

/// A calendar's policy on private events.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PrivateEventsPolicy {
    /// As busy time
    Busy,
    /// Not at all
    Hidden,
    /// In full to people who may edit, not at all to others
    Editors,
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }
}
