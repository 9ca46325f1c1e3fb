//! Arguments of `history`, `restore`, `trash …`, and their help.

use clap::{Args, Subcommand};

/// `history`
#[derive(Clone, Debug, Args)]
pub struct History {
    /// Like alice/work or alice/work/meeting.ics
    #[arg(value_name = "OWNER/NAME[/OBJECT]")]
    pub place: String,
    /// Print this version of the object, without anyone's alarms
    #[arg(long, value_name = "VERSION")]
    pub show: Option<u64>,
    /// So many objects of a calendar, the latest first
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    pub limit: usize,
}

/// `restore`
#[derive(Clone, Debug, Args)]
pub struct Restore {
    /// Like alice/work or alice/work/meeting.ics; `shoji trash list` has ids for where several bear one name
    #[arg(value_name = "OWNER/NAME[/OBJECT]")]
    pub place: String,
    /// This version of the object; without, it is taken out of the trash
    #[arg(long, value_name = "VERSION")]
    pub version: Option<u64>,
    /// Another name for the calendar
    #[arg(long = "as", value_name = "NAME")]
    pub name: Option<String>,
    /// Give the calendar of a removed user to this one: the events alone, no shares, no earlier versions
    #[arg(long, value_name = "USER")]
    pub to: Option<String>,
}

/// `trash …`
#[derive(Debug, Subcommand)]
pub enum TrashAction {
    /// List deleted calendars and objects, those of removed users too
    List {
        /// Of this user
        owner: Option<String>,
    },
    /// Remove for good what is in the trash of a user, or of one calendar, or one object
    Purge {
        /// Like alice, alice/work or alice/work/meeting.ics
        #[arg(value_name = "OWNER[/NAME[/OBJECT]]")]
        place: String,
        /// Also all earlier versions of objects that are there
        #[arg(long)]
        versions: bool,
        /// Yes, for good
        #[arg(long)]
        yes: bool,
    },
}
