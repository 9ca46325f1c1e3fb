//! Arguments and their help.

pub mod available;
pub mod history;
pub mod look;
pub mod organisation;
mod people;
mod quota;
pub mod share;

pub use people::{GroupAction, MemberAction, UserAction};

use clap::{Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// A CalDAV server that shows each person just what the owner lets them see.
///
/// Start with `shoji demo` for a look, or `shoji serve` for a server of your own; then, in another terminal,
/// `shoji user add alice`. Every command but `migrate` works while the server runs and when it does not.
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
    Share(share::ShareAction),
    /// Show and choose the organisation's policy: modes, presets, caps, administrators, texts
    #[command(subcommand)]
    Policy(organisation::PolicyAction),
    /// Add, list, remove roles, say who has them and what they report to
    #[command(subcommand)]
    Role(organisation::RoleAction),
    /// Say who administers the calendar module, and to whom it does not exist
    #[command(subcommand)]
    Module(organisation::ModuleAction),
    /// Open one calendar to an administrator for 60 minutes, with a reason that its owner reads
    BreakGlass(organisation::BreakGlass),
    /// Show a calendar or one event to people who have no account, by an address
    #[command(subcommand)]
    Link(share::LinkAction),
    /// List calendars that others opened to a user; put them into his home, hide them, leave them
    #[command(subcommand)]
    Available(available::AvailableAction),
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
    /// Say who read a calendar at which level, whose shares and links changed, which writes were refused
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
    /// Copy the whole store into one file, also while the server runs
    ///
    /// The file holds everything as it was at one moment: people with their password hashes, shares, events with histories and
    /// trash, journals, links. Everybody goes on writing meanwhile. It is read to its end before it gets its name, in the place
    /// of a file that has it.
    Backup {
        /// The file to write
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Make a store of a backup, in a data directory that has none
    ///
    /// A backup that is cut off or damaged is refused before anything is written; what was written is compared with it record by
    /// record before it gets its place. A backup of an older format is brought to the present one, on the engine that
    /// storage.engine says.
    RestoreBackup {
        /// The file that `shoji backup` wrote
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Verify the store: every object parses, indexes, records and change log agree
    Check,
    /// Move the store to another engine, with the server stopped
    ///
    /// Everything is copied into new files beside the old ones and compared record by record, in both directions; then the new
    /// files take the place of the old ones, which are removed. Interrupted at any moment, the store is whole where it was or
    /// where it went, and the same command begins again. If it fails, what was written of the new files is removed. Needs free
    /// space for the new files: sled may take several times what redb takes, so leave three times the store free.
    Migrate {
        /// The engine to move to
        #[arg(long, value_name = "ENGINE")]
        engine: crate::config::Engine,
    },
    /// Create and change users, groups, calendars, shares, roles and policy as a TOML file says; all or nothing
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }
}
