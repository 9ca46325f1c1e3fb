//! Arguments of the commands for users and groups.

use super::quota;
use clap::Subcommand;
use storage::administration::QuotaEntry;

/// `user …`
#[derive(Debug, Subcommand)]
pub enum UserAction {
    /// Add a user; asks for a password
    Add {
        /// Letters a-z, digits, `.`, `_`, `-`
        name: String,
        /// Name for people
        #[arg(long, value_name = "T")]
        display_name: Option<String>,
        /// Calendar user address, repeatable, the first preferred
        #[arg(long, value_name = "A")]
        email: Vec<String>,
        /// Do not make a calendar `default`
        #[arg(long)]
        no_calendar: bool,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// List users
    List,
    /// Set a password; what was signed in with the old one ends at once
    Passwd {
        /// Whose
        name: String,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Show what a user takes up of the store, or say what he may
    Quota {
        /// Whose
        name: String,
        /// Bytes that his events and files may take up, also like 500M or 2G; `default`, `unlimited`
        #[arg(value_name = "BYTES", value_parser = quota::quota)]
        quota: Option<QuotaEntry>,
    },
    /// Show whether a user's private appointments and tasks may be synchronized with calendars elsewhere, or say so
    Synchronization {
        /// Whose
        name: String,
        /// Whether an administrator enables it at all
        #[arg(long, value_name = "ON|OFF", value_parser = switch)]
        confidential_activities: Option<bool>,
        /// Whether the user wants his private appointments synchronized
        #[arg(long, value_name = "ON|OFF", value_parser = switch)]
        private_events: Option<bool>,
        /// Whether the user wants his private tasks synchronized
        #[arg(long, value_name = "ON|OFF", value_parser = switch)]
        private_tasks: Option<bool>,
    },
    /// Remove a user with all shares; his calendars go to the trash
    Remove {
        /// Whom
        name: String,
        /// Yes, with everything
        #[arg(long)]
        yes: bool,
    },
}

/// `on` or `off`.
fn switch(argument: &str) -> Result<bool, String> {
    match argument {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("`on` or `off`".to_owned()),
    }
}

/// `group …`
#[derive(Debug, Subcommand)]
pub enum GroupAction {
    /// Add an empty group
    Add {
        /// Letters a-z, digits, `.`, `_`, `-`
        name: String,
    },
    /// Remove a group with its shares
    Remove {
        /// Which
        name: String,
    },
    /// List groups
    List,
    /// Add and remove members
    #[command(subcommand)]
    Member(MemberAction),
}

/// `group member …`
#[derive(Debug, Subcommand)]
pub enum MemberAction {
    /// Add users or groups to a group
    Add {
        /// The group
        group: String,
        /// Users or groups
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Remove users or groups from a group
    Remove {
        /// The group
        group: String,
        /// Users or groups
        #[arg(required = true)]
        names: Vec<String>,
    },
}
