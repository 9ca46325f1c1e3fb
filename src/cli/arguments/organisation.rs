//! Arguments of the commands about an organisation: policy, roles, the module, an administrator's entry.

use super::owner_and_name;
use clap::{Args, Subcommand, ValueEnum};

/// `policy …`
#[derive(Debug, Subcommand)]
pub enum PolicyAction {
    /// Show every key: its value, whether it was set, comes with the preset or is the default, and what else it takes
    Show {
        /// Only this one
        key: Option<String>,
    },
    /// Choose the value of a key, or the preset; holds for every request from now on
    ///
    /// `shoji policy set preset aspro` takes over a product's whole way of sharing; keys set by hand stand above it.
    /// `shoji policy set mode public-read` lets everybody read; `shoji policy set cap_everyone titles` bounds what any share
    /// with everyone gives. `shoji policy show` lists the keys with all their values.
    Set {
        /// `preset`, or a key that `policy show` lists
        key: String,
        /// Its value
        value: String,
    },
    /// Leave a key to the preset again
    Unset {
        /// A key that `policy show` lists
        key: String,
    },
}

/// `role …`
#[derive(Debug, Subcommand)]
pub enum RoleAction {
    /// Add a role
    Add {
        /// Letters a-z, digits, `.`, `_`, `-`
        name: String,
        /// The role above it
        #[arg(long, value_name = "ROLE")]
        reports_to: Option<String>,
    },
    /// Put a role below another, or on top
    ReportsTo {
        /// Which
        name: String,
        /// The role above it; without, it reports to nobody
        above: Option<String>,
    },
    /// Give a role to users, who lose another one they had: nobody has two
    Give {
        /// Which
        name: String,
        /// To whom
        #[arg(required = true)]
        users: Vec<String>,
    },
    /// Take the role from users
    Take {
        /// From whom
        #[arg(required = true)]
        users: Vec<String>,
    },
    /// Remove a role with the shares to it
    Remove {
        /// Which
        name: String,
    },
    /// List roles, what they report to, and who has them
    List,
    /// Let one role into the calendars of another, beside what the policy's mode gives
    #[command(subcommand)]
    Exception(ExceptionAction),
}

/// `role exception …`
#[derive(Debug, Subcommand)]
pub enum ExceptionAction {
    /// Set what one role has in the calendars of another; takes effect in every mode but `off`
    Set {
        /// Whose calendars
        owner_role: String,
        /// For whom
        viewer_role: String,
        /// What they get
        permission: Permission,
    },
    /// Take an exception away
    Remove {
        /// Whose calendars
        owner_role: String,
        /// For whom
        viewer_role: String,
    },
    /// List exceptions
    List,
}

/// What a role exception gives.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Permission {
    /// What mode public-read gives
    Read,
    /// What mode public-edit gives
    ReadWrite,
}

/// `module …`
#[derive(Debug, Subcommand)]
pub enum ModuleAction {
    /// Say what users are in the calendar module
    ///
    /// A user's own entry counts; without one, the highest of his groups'; without any, he is an employee.
    Set {
        #[expect(missing_docs, reason = "a doc comment here would replace the command's help")]
        #[command(flatten)]
        of: Of,
        /// Their place
        role: ModuleWord,
    },
    /// List entries
    List,
}

/// Whose place in the module.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Of {
    /// One user
    #[arg(long, value_name = "N")]
    pub user: Option<String>,
    /// A group, its nested members included
    #[arg(long, value_name = "N")]
    pub group: Option<String>,
}

/// Places in the module.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ModuleWord {
    /// Sees in others' calendars what the policy's admin_content says
    Admin,
    /// Has calendars, and sees what is shared with him
    Employee,
    /// Meets an empty home; what he shares stays shared
    Denied,
    /// Take the entry away
    Inherit,
}

impl ModuleWord {
    /// The word in files.
    pub fn word(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Employee => "employee",
            Self::Denied => "denied",
            Self::Inherit => "inherit",
        }
    }
}

/// `break-glass`
#[derive(Debug, Args)]
pub struct BreakGlass {
    /// Like alice/work
    #[arg(value_name = "OWNER/NAME", value_parser = owner_and_name)]
    pub calendar: String,
    /// Who looks: a user who is admin of the module (`shoji module set --user NAME admin`)
    #[arg(long, value_name = "NAME")]
    pub admin: String,
    /// Why; the owner reads it in the journal
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
}
