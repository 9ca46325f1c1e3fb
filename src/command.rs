//! What an administrator's commands do: the same code whether it runs in the serving process, reached through the control
//! socket, or in the command line's own, when none serves.

mod available;
mod history;
pub mod look;
mod organisation;

pub use available::{AvailableCommand, available_value};
pub use organisation::OrganisationCommand;

use crate::authenticate::{hash_password, is_password_hash, verify_password};
use chrono::{DateTime, NaiveDate, Utc};
use look::{Eyes, Form, Range};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use storage::administration::{
    ApplyError, ApplyFile, ApplyOptions, CalendarEntry, GrantEntry, QuotaEntry, SynchronizationEntry, UserEntry, Versions,
};
use storage::authorized::{MadeLink, NewLink};
use storage::{Error, Store};

/// A command with its arguments.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// `user add`
    UserAdd {
        /// With `password_hash`, never with `password`.
        user: UserEntry,
    },
    /// `user list`
    UserList,
    /// `user passwd`
    UserPasswd {
        /// Who.
        name: String,
        /// PHC string.
        password_hash: String,
    },
    /// `user quota`
    UserQuota {
        /// Whose.
        name: String,
        /// To set; absent: only say what it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quota_bytes: Option<QuotaEntry>,
    },
    /// `user synchronization`
    UserSynchronization {
        /// Whose.
        name: String,
        /// What to say; what is absent stays.
        #[serde(flatten)]
        change: SynchronizationEntry,
    },
    /// `user remove`
    UserRemove {
        /// Who.
        name: String,
    },
    /// `group add`
    GroupAdd {
        /// Which.
        name: String,
    },
    /// `group remove`
    GroupRemove {
        /// Which.
        name: String,
    },
    /// `group list`
    GroupList,
    /// `group member add`
    MemberAdd {
        /// Where.
        group: String,
        /// Users or groups.
        members: Vec<String>,
    },
    /// `group member remove`
    MemberRemove {
        /// Where.
        group: String,
        /// Users or groups.
        members: Vec<String>,
    },
    /// `calendar create`
    CalendarCreate {
        /// The calendar.
        calendar: CalendarEntry,
    },
    /// `calendar list`
    CalendarList {
        /// Of one owner.
        owner: Option<String>,
    },
    /// `calendar delete`
    CalendarDelete {
        /// `OWNER/NAME`
        calendar: String,
    },
    /// `share set`
    ShareSet {
        /// The grant, whole.
        grant: GrantEntry,
    },
    /// `share list`
    ShareList {
        /// `OWNER/NAME`
        calendar: Option<String>,
    },
    /// `share remove`
    ShareRemove {
        /// Calendar and grantee.
        grant: GrantEntry,
    },
    /// `link add`
    LinkAdd {
        /// `OWNER/NAME` or `OWNER/NAME/EVENT`
        target: String,
        /// What a calendar is published at.
        level: Option<acl::Level>,
        /// End of the link.
        until: Option<DateTime<Utc>>,
        /// What it is for.
        note: Option<String>,
    },
    /// `link list`
    LinkList {
        /// `OWNER/NAME`
        calendar: Option<String>,
    },
    /// `link remove`
    LinkRemove {
        /// As listed.
        id: String,
    },
    /// `available …`
    Available {
        /// What of it.
        action: AvailableCommand,
    },
    /// `policy …`, `role …`, `module …`, `break-glass`
    Organisation {
        /// Which of them.
        action: Box<OrganisationCommand>,
    },
    /// `import`: one file's text
    Import {
        /// `OWNER/NAME`
        calendar: String,
        /// iCalendar.
        text: String,
    },
    /// `export`: users, groups, calendars and grants
    ExportApplyFile {
        /// Of one user.
        user: Option<String>,
    },
    /// `export`: one calendar's objects
    ExportCalendar {
        /// `OWNER/NAME`
        calendar: String,
    },
    /// `explain`
    Explain {
        /// `OWNER/NAME`
        calendar: String,
        /// About whom.
        viewer: String,
        /// One of its objects, by the owner's name of it or its UID.
        object: Option<String>,
        /// Whether it is about him.
        #[serde(default)]
        eyes: Eyes,
    },
    /// `view-as`
    ViewAs {
        /// Whose eyes.
        viewer: String,
        /// Whether they are his own.
        #[serde(default)]
        eyes: Eyes,
        /// `OWNER/NAME`
        calendar: String,
        /// The time that is looked at.
        range: Range,
        /// How it is shown.
        form: Form,
    },
    /// `journal`
    Journal {
        /// `OWNER/NAME`
        calendar: String,
        /// From this day on, in UTC.
        since: Option<NaiveDate>,
    },
    /// `history`
    History {
        /// `OWNER/CALENDAR` or `OWNER/CALENDAR/OBJECT`
        place: String,
        /// The body of this version.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        show: Option<u64>,
        /// Entries of a calendar's history, at most.
        limit: usize,
    },
    /// `restore`
    Restore {
        /// `OWNER/CALENDAR` of a deleted calendar, `OWNER/CALENDAR/OBJECT` of an object
        place: String,
        /// This version of the object; absent: out of the trash.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        version: Option<u64>,
        /// Another name for the calendar.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Who gets the calendar of a user who was removed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// `trash list`
    TrashList {
        /// Of one owner.
        owner: Option<String>,
    },
    /// `trash purge`
    TrashPurge {
        /// `OWNER`, `OWNER/CALENDAR` or `OWNER/CALENDAR/OBJECT`
        place: String,
        /// Whether earlier versions go too.
        #[serde(default)]
        versions: Versions,
    },
    /// `check`
    Check,
    /// `apply`
    Apply {
        /// What the file says.
        file: Box<ApplyFile>,
        /// Change nothing.
        dry_run: bool,
        /// Remove grants of named calendars that the file lacks.
        prune: bool,
    },
}

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct CommandError {
    /// A word for programs.
    pub code: String,
    /// For people: what to do.
    pub message: String,
    /// For `apply`: the table and its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<(String, usize)>,
}

impl CommandError {
    /// An error without an entry.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), entry: None }
    }
}

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::NotFound => "not-found",
            Error::Exists => "exists",
            Error::Invalid(_) => "invalid",
            Error::LimitExceeded(_) => "limit",
            Error::DiskFull => "disk-full",
            Error::Corrupted(_) | Error::Engine(_) => "store",
            _ => "refused",
        };
        Self::new(code, error.to_string())
    }
}

impl From<ApplyError> for CommandError {
    fn from(error: ApplyError) -> Self {
        Self { code: "invalid".to_owned(), message: error.message, entry: Some((error.table.to_owned(), error.index)) }
    }
}

/// `OWNER/NAME`.
///
/// # Errors
/// No slash, or an empty part.
pub fn owner_and_name(calendar: &str) -> Result<(&str, &str), CommandError> {
    match calendar.split_once('/') {
        Some((owner, name)) if !owner.is_empty() && !name.is_empty() && !name.contains('/') => Ok((owner, name)),
        _ => Err(CommandError::new("invalid", format!("`{calendar}` is not OWNER/NAME, like alice/work"))),
    }
}

/// `OWNER/NAME` with what may follow it: the name of an event.
///
/// # Errors
/// As [`owner_and_name`].
pub fn calendar_and_event(target: &str) -> Result<((&str, &str), Option<&str>), CommandError> {
    let end = target.match_indices('/').nth(1).map(|(end, _)| end);
    let (calendar, event) = end.and_then(|end| target.split_at_checked(end)).unwrap_or((target, ""));
    Ok((owner_and_name(calendar)?, event.strip_prefix('/').filter(|event| !event.is_empty())))
}

/// Executes one command. The value is what `--json` prints.
///
/// # Errors
/// What the store refuses, with words for people.
pub fn execute(store: &Arc<Store>, command: Command) -> Result<Value, CommandError> {
    let administration = store.administration();
    match command {
        Command::UserAdd { user } => {
            administration.add_user(&user)?;
            Ok(json!({ "name": user.name }))
        }
        Command::UserList => {
            let users = administration.users()?;
            // Hashes are for `export`: a list is looked at.
            Ok(json!(users.into_iter().map(|user| UserEntry { password_hash: None, ..user }).collect::<Vec<_>>()))
        }
        Command::UserPasswd { name, password_hash } => {
            administration.set_password(&name, &password_hash).map_err(|error| named(error, "user", &name))?;
            Ok(json!({ "name": name }))
        }
        Command::UserQuota { name, quota_bytes } => {
            if let Some(quota) = quota_bytes {
                administration.set_quota(&name, quota).map_err(|error| named(error, "user", &name))?;
            }
            Ok(json!(administration.usage(&name).map_err(|error| named(error, "user", &name))?))
        }
        Command::UserSynchronization { name, change } => {
            if change != SynchronizationEntry::default() {
                administration.set_synchronization(&name, change).map_err(|error| named(error, "user", &name))?;
            }
            Ok(json!(administration.synchronization(&name).map_err(|error| named(error, "user", &name))?))
        }
        Command::UserRemove { name } => {
            administration.remove_user(&name).map_err(|error| named(error, "user", &name))?;
            Ok(json!({ "name": name }))
        }
        Command::GroupAdd { name } => {
            administration.add_group(&name)?;
            Ok(json!({ "name": name }))
        }
        Command::GroupRemove { name } => {
            administration.remove_group(&name).map_err(|error| named(error, "group", &name))?;
            Ok(json!({ "name": name }))
        }
        Command::GroupList => Ok(json!(administration.groups()?)),
        Command::MemberAdd { group, members } => {
            administration.add_members(&group, &members).map_err(|error| named(error, "group", &group))?;
            group_entry(store, &group)
        }
        Command::MemberRemove { group, members } => {
            administration.remove_members(&group, &members).map_err(|error| named(error, "group", &group))?;
            group_entry(store, &group)
        }
        Command::CalendarCreate { calendar } => {
            administration.create_calendar(&calendar).map_err(|error| named(error, "user", &calendar.owner))?;
            Ok(json!({ "owner": calendar.owner, "name": calendar.name }))
        }
        Command::CalendarList { owner } => Ok(json!(administration.calendars(owner.as_deref()).map_err(|error| named(
            error,
            "user",
            owner.as_deref().unwrap_or_default()
        ))?)),
        Command::CalendarDelete { calendar } => {
            let (owner, name) = owner_and_name(&calendar)?;
            administration.delete_calendar(owner, name).map_err(|error| named(error, "calendar", &calendar))?;
            Ok(json!({ "owner": owner, "name": name, "trash_days": store.limits().trash_days }))
        }
        Command::ShareSet { grant } => {
            let grant = administration.set_grant(&grant).map_err(|error| named(error, "calendar or grantee", &grant.calendar))?;
            Ok(json!(grant))
        }
        Command::ShareList { calendar } => {
            let pair = calendar.as_deref().map(owner_and_name).transpose()?;
            Ok(json!(administration.grants(pair).map_err(|error| named(error, "calendar", calendar.as_deref().unwrap_or_default()))?))
        }
        Command::ShareRemove { grant } => {
            administration.remove_grant(&grant).map_err(|error| named(error, "grant on", &grant.calendar))?;
            Ok(json!(grant))
        }
        Command::LinkAdd { target, level, until, note } => add_link(store, &target, &NewLink { level, until, note }),
        Command::LinkList { calendar } => {
            let pair = calendar.as_deref().map(owner_and_name).transpose()?;
            Ok(json!(administration.links(pair)?))
        }
        Command::LinkRemove { id } => {
            administration.remove_link(&id).map_err(|error| named(error, "link", &id))?;
            Ok(json!({ "id": id }))
        }
        Command::Organisation { action } => organisation::execute(&administration, *action),
        Command::Import { calendar, text } => import(store, &calendar, &text),
        Command::ExportApplyFile { user } => Ok(json!(administration.export_apply_file(user.as_deref()).map_err(|error| named(
            error,
            "user",
            user.as_deref().unwrap_or_default()
        ))?)),
        Command::ExportCalendar { calendar } => {
            let (owner, name) = owner_and_name(&calendar)?;
            let export = administration.export_text(owner, name).map_err(|error| named(error, "calendar", &calendar))?;
            Ok(json!(export))
        }
        Command::Explain { calendar, viewer, object, eyes } => look::explain(store, &calendar, (&viewer, eyes), object.as_deref()),
        Command::ViewAs { viewer, eyes, calendar, range, form } => look::view_as(store, (&viewer, eyes), &calendar, range, form),
        Command::Journal { calendar, since } => look::journal(store, &calendar, since),
        Command::History { place, show, limit } => history::history(store, &place, show, limit),
        Command::Restore { place, version, name, to } => history::restore(store, history::Restore { place: &place, version, name, to }),
        Command::TrashList { owner } => history::trash(store, owner.as_deref()),
        Command::TrashPurge { place, versions } => history::purge(store, &place, versions),
        Command::Available { action } => available::execute(store, action),
        Command::Check => {
            let faults = administration.check(&mut |_, _| {})?;
            Ok(json!({ "faults": faults.into_iter().map(|fault| fault.0).collect::<Vec<_>>() }))
        }
        Command::Apply { file, dry_run, prune } => apply(store, *file, ApplyOptions { dry_run, prune }),
    }
}

fn add_link(store: &Arc<Store>, target: &str, new: &NewLink) -> Result<Value, CommandError> {
    let ((owner, name), event) = calendar_and_event(target)?;
    Ok(link_value(&store.administration().add_link(owner, name, event, new)?, ""))
}

/// A link as it is listed, and the address that nobody is told again: below `site`, as far as that is known.
pub fn link_value(made: &MadeLink, site: &str) -> Value {
    let mut value = json!(made.entry);
    if let Some(fields) = value.as_object_mut() {
        fields.insert("url".to_owned(), json!(format!("{site}{}{}", webdav::link::PREFIX, made.secret.text())));
    }
    value
}

fn group_entry(store: &Arc<Store>, name: &str) -> Result<Value, CommandError> {
    Ok(json!(store.administration().groups()?.into_iter().find(|group| group.name == name)))
}

fn named(error: Error, what: &str, name: &str) -> CommandError {
    match error {
        Error::NotFound => CommandError::new("not-found", format!("there is no {what} `{name}`")),
        error => error.into(),
    }
}

fn apply(store: &Arc<Store>, mut file: ApplyFile, options: ApplyOptions) -> Result<Value, CommandError> {
    for (index, user) in file.users.iter_mut().enumerate() {
        let refused = |message: &str| CommandError {
            code: "invalid".to_owned(),
            message: message.to_owned(),
            entry: Some(("user".to_owned(), index)),
        };
        if user.password_hash.as_deref().is_some_and(|hash| !is_password_hash(hash)) {
            return Err(refused("password_hash is not an argon2 hash in PHC form ($argon2id$…)"));
        }
        if let Some(password) = user.password.take() {
            if user.password_hash.is_some() {
                return Err(refused("give password or password_hash, not both"));
            }
            let stored = store.credential(&user.name)?.and_then(|credential| credential.password_hash().map(str::to_owned));
            // A hash that verifies stays: applying a file twice changes nothing and ends nobody's session.
            if !stored.is_some_and(|hash| verify_password(&password, &hash)) {
                user.password_hash = Some(hash_password(&password).map_err(|error| CommandError::new("refused", error.to_string()))?);
            }
        }
    }
    let changes = store.administration().apply(&file, options)??;
    Ok(json!({ "changes": changes.into_iter().map(|change| change.0).collect::<Vec<_>>(), "dry_run": options.dry_run }))
}

fn import(store: &Arc<Store>, calendar: &str, text: &str) -> Result<Value, CommandError> {
    let (owner, name) = owner_and_name(calendar)?;
    let report = store.administration().import_text(owner, name, text).map_err(|error| named(error, "calendar", calendar))?;
    Ok(json!(report))
}
