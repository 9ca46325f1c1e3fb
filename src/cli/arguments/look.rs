//! Arguments of the commands by which one looks at what others are shown and did.

use super::owner_and_name;
use crate::command::look::{Eyes, Range, moment};
use chrono::{DateTime, NaiveDate, Utc};
use clap::Args;

/// `explain`
#[derive(Debug, Args)]
pub struct Explain {
    /// Like alice/work
    #[arg(value_name = "OWNER/NAME", value_parser = owner_and_name)]
    pub calendar: String,
    /// About whom
    pub viewer: String,
    /// One event, by its owner's name of it, like meeting.ics, or by its UID
    pub object: Option<String>,
    /// Not about them, but about what a synchronization of their own calendar would carry out
    #[arg(long)]
    pub target: bool,
}

/// `view-as`
#[derive(Debug, Args)]
pub struct ViewAs {
    /// Whose eyes
    pub viewer: String,
    /// Like alice/work
    #[arg(value_name = "OWNER/NAME", value_parser = owner_and_name)]
    pub calendar: String,
    /// Not what they see, but what a synchronization of their own calendar would carry out, and take back
    #[arg(long)]
    pub target: bool,
    /// The week, Monday to Sunday in UTC, in which this day lies
    #[arg(long, value_name = "DATE", conflicts_with_all = ["start", "end"])]
    pub week: Option<NaiveDate>,
    /// From this day or moment on, like 2026-11-02 or 2026-11-02T09:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub start: Option<DateTime<Utc>>,
    /// Until before this day or moment
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub end: Option<DateTime<Utc>>,
}

/// Whose eyes are meant.
fn eyes(target: bool) -> Eyes {
    if target { Eyes::Target } else { Eyes::User }
}

impl Explain {
    /// Whose eyes are meant.
    pub fn eyes(&self) -> Eyes {
        eyes(self.target)
    }
}

impl ViewAs {
    /// Whose eyes are meant.
    pub fn eyes(&self) -> Eyes {
        eyes(self.target)
    }

    /// The time that is looked at.
    pub fn range(&self) -> Range {
        self.week.map_or(Range { start: self.start, end: self.end }, Range::week_of)
    }
}

/// `journal`
#[derive(Debug, Args)]
pub struct Journal {
    /// Like alice/work
    #[arg(value_name = "OWNER/NAME", value_parser = owner_and_name)]
    pub calendar: String,
    /// From this day on, like 2026-11-02 [default: everything that is kept]
    #[arg(long, value_name = "DATE")]
    pub since: Option<NaiveDate>,
}
