//! Doing what the arguments say: in the serving process if there is one, else here, by the same code.

mod available;
mod backup;
mod explain;
mod export;
mod history;
mod links;
mod look;
mod organisation;
mod users;

use super::arguments::share::{LevelWord, ShareAction, SharePrivateEvents, With};
use super::arguments::{Action, Arguments, CalendarAction, DefaultPrivacy, GroupAction, MemberAction, PrivateEventsPolicy};
use super::output::{self, Failure};
use super::place::{default_data, open_store};
use super::{demo, doctor, files, migrate, serve};
use crate::authenticate::hash_password;
use crate::command::{Command, CommandError, execute, owner_and_name};
use crate::config::{Config, load};
use crate::control;
use crate::doctor::Writing;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use storage::Store;
use storage::administration::entry::CreateWord;
use storage::administration::{CalendarEntry, GrantEntry};

/// Runs one invocation.
///
/// # Errors
/// With the exit code and what to do.
pub fn run(arguments: Arguments) -> Result<(), Failure> {
    if let Action::Doctor { url, user, password_file, ca, write } = arguments.action {
        let writing = if write { Writing::OwnCalendar } else { Writing::Never };
        return doctor::run(doctor::Asked { url, user, password_file, ca, writing, json: arguments.json });
    }
    let loaded = load(arguments.config.as_deref(), std::env::vars_os())?;
    for warning in &loaded.warnings {
        output::warn(warning, arguments.json);
    }
    let mut config = loaded.config;
    let data = arguments.data.or_else(|| config.data.clone()).map_or_else(default_data, Ok)?;
    match arguments.action {
        Action::Serve { listen } => {
            if !listen.is_empty() {
                config.listen = listen;
            }
            serve::run(&config, &data)
        }
        Action::Demo { listen } => demo::run(config, listen),
        Action::Migrate { engine } => migrate::run(&data, &config, engine.into(), arguments.json),
        action => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let mut session = Session { runtime, data, config, store: None, json: arguments.json };
            let done = session.act(action);
            session.close()?;
            done
        }
    }
}

/// One invocation's way to the store.
struct Session {
    runtime: tokio::runtime::Runtime,
    data: PathBuf,
    config: Config,
    store: Option<Arc<Store>>,
    json: bool,
}

/// Whether a command may begin a store where there is none.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IfAbsent {
    Refuse,
    Create,
    /// Do it to an empty one that is thrown away.
    Pretend,
}

impl Session {
    fn command(&mut self, command: Command, if_absent: IfAbsent) -> Result<Value, Failure> {
        Ok(self.ask(command, if_absent)??)
    }

    /// The outer error: the store could not be asked; the inner: it refused.
    fn ask(&mut self, command: Command, if_absent: IfAbsent) -> Result<Result<Value, CommandError>, Failure> {
        if let Some(store) = &self.store {
            return Ok(execute(store, command));
        }
        if let Some(result) = self.ask_server(&command)? {
            return Ok(result);
        }
        if !Store::exists(&self.data) {
            match if_absent {
                IfAbsent::Refuse => {
                    return Err(Failure::no_store(format!(
                        "there is no store in {}: begin one with `shoji serve`, or say where it is with --data DIR",
                        self.data.display()
                    )));
                }
                IfAbsent::Pretend => return self.ask_empty_store(command),
                IfAbsent::Create if self.json => {}
                IfAbsent::Create => output::remark(&format!("beginning a new store in {}", self.data.display())),
            }
        }
        let store = match open_store(&self.data, &self.config) {
            Ok(store) => store,
            // A server that was just starting can be reached by now.
            Err(failure) => return self.ask_server(&command)?.ok_or(failure),
        };
        let result = execute(&store, command);
        self.store = Some(store);
        Ok(result)
    }

    /// The store, where no server runs.
    fn opened(&mut self) -> Result<Arc<Store>, Failure> {
        let store = match self.store.take() {
            Some(store) => store,
            None => open_store(&self.data, &self.config)?,
        };
        self.store = Some(store.clone());
        Ok(store)
    }

    /// `None`: no server runs.
    fn ask_server(&self, command: &Command) -> Result<Option<Result<Value, CommandError>>, Failure> {
        self.runtime.block_on(async {
            let stream = control::connect(&self.data).await.map_err(|error| Failure::no_store(format!("{error:#}")))?;
            match stream {
                Some(stream) => Ok(Some(control::send(stream, command).await?)),
                None => Ok(None),
            }
        })
    }

    /// What a command would do to a new store, which is gone again afterwards.
    fn ask_empty_store(&self, command: Command) -> Result<Result<Value, CommandError>, Failure> {
        let directory = tempfile::tempdir()?;
        let store = open_store(directory.path(), &self.config)?;
        let result = execute(&store, command);
        store.close().map_err(|error| Failure::refused("store", error.to_string()))?;
        directory.close()?;
        Ok(result)
    }

    fn close(self) -> Result<(), Failure> {
        match self.store {
            Some(store) => store.close().map_err(|error| Failure::refused("store", error.to_string())),
            None => Ok(()),
        }
    }

    fn act(&mut self, action: Action) -> Result<(), Failure> {
        match action {
            Action::User(action) => self.user(action),
            Action::Group(action) => self.group(action),
            Action::Calendar(action) => self.calendar(action),
            Action::Share(action) => self.share(action),
            Action::Policy(action) => self.policy(action),
            Action::Role(action) => self.role(action),
            Action::Module(action) => self.module(action),
            Action::BreakGlass(asked) => self.break_glass(asked),
            Action::Link(action) => self.link(action),
            Action::Available(action) => self.available(action),
            Action::Import { calendar, source } => self.import(&calendar, &source),
            Action::Export { user, out } => self.export(user, &out),
            Action::Explain(asked) => self.explain(asked),
            Action::ViewAs(asked) => self.view_as(asked),
            Action::Journal(asked) => self.journal(asked),
            Action::History(asked) => self.history(asked),
            Action::Restore(asked) => self.restore(asked),
            Action::Trash(action) => self.trash(action),
            Action::Backup { file } => self.backup(&file),
            Action::RestoreBackup { file } => self.restore_backup(&file),
            Action::Check => self.check(),
            Action::Apply { dry_run, prune, file } => self.apply(&file, dry_run, prune),
            Action::Serve { .. } | Action::Demo { .. } | Action::Doctor { .. } | Action::Migrate { .. } => {
                Err(Failure::usage("this command does not work on a store"))
            }
        }
    }

    /// Prints the value, or a line for people.
    fn done(&self, value: &Value, line: &str) -> Result<(), Failure> {
        if self.json {
            output::value(value)?
        } else {
            output::line(line)?
        }
        Ok(())
    }

    fn list(&self, value: &Value, headings: &[&str], keys: &[&str]) -> Result<(), Failure> {
        if self.json {
            output::value(value)?;
            return Ok(());
        }
        let rows: Vec<Vec<String>> =
            value.as_array().into_iter().flatten().map(|entry| keys.iter().map(|key| cell(entry.get(key))).collect()).collect();
        output::table(headings, &rows)?;
        Ok(())
    }

    fn group(&mut self, action: GroupAction) -> Result<(), Failure> {
        let (command, line) = match action {
            GroupAction::List => {
                let value = self.command(Command::GroupList, IfAbsent::Refuse)?;
                return self.list(&value, &["NAME", "MEMBERS"], &["name", "members"]);
            }
            GroupAction::Add { name } => (Command::GroupAdd { name: name.clone() }, format!("added group {name}")),
            GroupAction::Remove { name } => (Command::GroupRemove { name: name.clone() }, format!("removed group {name}")),
            GroupAction::Member(MemberAction::Add { group, names }) => {
                (Command::MemberAdd { group: group.clone(), members: names.clone() }, format!("added to {group}: {}", names.join(", ")))
            }
            GroupAction::Member(MemberAction::Remove { group, names }) => (
                Command::MemberRemove { group: group.clone(), members: names.clone() },
                format!("removed from {group}: {}", names.join(", ")),
            ),
        };
        let value = self.command(command, IfAbsent::Refuse)?;
        self.done(&value, &line)
    }

    fn calendar(&mut self, action: CalendarAction) -> Result<(), Failure> {
        match action {
            CalendarAction::Create { calendar, display_name, component, default_privacy, private_events } => {
                let (owner, name) = owner_and_name(&calendar)?;
                let entry = CalendarEntry {
                    owner: owner.to_owned(),
                    name: name.to_owned(),
                    display_name,
                    components: (!component.is_empty()).then_some(component),
                    default_privacy: default_privacy.map(|privacy| match privacy {
                        DefaultPrivacy::Standard => acl::EventPrivacy::Standard,
                        DefaultPrivacy::Private => acl::EventPrivacy::Private,
                        DefaultPrivacy::Confidential => acl::EventPrivacy::Confidential,
                    }),
                    private_events: private_events.map(|policy| match policy {
                        PrivateEventsPolicy::Busy => acl::PrivateEvents::Busy,
                        PrivateEventsPolicy::Hidden => acl::PrivateEvents::Hidden,
                        PrivateEventsPolicy::Editors => acl::PrivateEvents::Editors,
                    }),
                    widen_public: None,
                };
                let value = self.command(Command::CalendarCreate { calendar: entry }, IfAbsent::Refuse)?;
                self.done(&value, &format!("created calendar {calendar}"))
            }
            CalendarAction::List { owner } => {
                let value = self.command(Command::CalendarList { owner }, IfAbsent::Refuse)?;
                let keys = ["owner", "name", "display_name", "components", "default_privacy", "private_events"];
                self.list(&value, &["OWNER", "NAME", "DISPLAY NAME", "COMPONENTS", "DEFAULT PRIVACY", "PRIVATE EVENTS"], &keys)
            }
            CalendarAction::Delete { calendar, yes } => {
                sure(yes, &format!("this deletes {calendar} with all events"))?;
                let value = self.command(Command::CalendarDelete { calendar: calendar.clone() }, IfAbsent::Refuse)?;
                let after = match value.get("trash_days").and_then(Value::as_u64) {
                    Some(0) => "for good: limits.trash_days is 0".to_owned(),
                    Some(days) => format!("into the trash: for {days} days `shoji restore {calendar}` brings it back"),
                    // A server of another version does not say.
                    None => "; `shoji trash list` says what is kept".to_owned(),
                };
                self.done(&value, &format!("deleted calendar {calendar} {after}"))
            }
        }
    }

    fn share(&mut self, action: ShareAction) -> Result<(), Failure> {
        match action {
            ShareAction::Set { calendar, with, level, private_events, create, with_places, until } => {
                let grant = GrantEntry {
                    level: level.map(LevelWord::level),
                    private_events: private_events.and_then(|policy| match policy {
                        SharePrivateEvents::AsPolicy => None,
                        SharePrivateEvents::Busy => Some(acl::level::GrantPrivateEvents::Busy),
                        SharePrivateEvents::Hidden => Some(acl::level::GrantPrivateEvents::Hidden),
                        SharePrivateEvents::Show => Some(acl::level::GrantPrivateEvents::Show),
                    }),
                    create: create.then_some(CreateWord::Yes),
                    with_places: with_places.then_some(true),
                    until,
                    ..grantee(&calendar, &with)
                };
                let value = self.command(Command::ShareSet { grant }, IfAbsent::Refuse)?;
                self.done(&value, &format!("{} sees {calendar} at {}", name_of(&with), cell(value.get("level"))))
            }
            ShareAction::List { calendar } => {
                let value = self.command(Command::ShareList { calendar }, IfAbsent::Refuse)?;
                let keys = ["calendar", "user", "group", "role", "everyone", "level", "private_events", "create", "with_places", "until"];
                let headings = ["CALENDAR", "USER", "GROUP", "ROLE", "EVERYONE", "LEVEL", "PRIVATE EVENTS", "CREATE", "PLACES", "UNTIL"];
                self.list(&value, &headings, &keys)
            }
            ShareAction::Remove { calendar, with } => {
                let value = self.command(Command::ShareRemove { grant: grantee(&calendar, &with) }, IfAbsent::Refuse)?;
                self.done(&value, &format!("{} no longer sees {calendar} by this share", name_of(&with)))
            }
        }
    }

    fn import(&mut self, calendar: &str, source: &Path) -> Result<(), Failure> {
        let files = files::calendar_files(source)?;
        let bar = progress(files.len() as u64);
        let (mut counts, mut refused) = ([0u64; 3], Vec::new());
        for file in &files {
            let text = files::read(file)?;
            let value = self.command(Command::Import { calendar: calendar.to_owned(), text }, IfAbsent::Refuse)?;
            for (count, key) in counts.iter_mut().zip(["created", "replaced", "unchanged"]) {
                *count += value.get(key).and_then(Value::as_u64).unwrap_or_default();
            }
            for entry in value.get("refused").and_then(Value::as_array).into_iter().flatten() {
                refused.push(
                    json!({ "file": file.display().to_string(), "condition": entry.get("condition"), "reason": entry.get("reason") }),
                );
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        let [created, replaced, unchanged] = counts;
        let value = json!({ "created": created, "replaced": replaced, "unchanged": unchanged, "refused": refused });
        self.done(&value, &format!("{created} created, {replaced} replaced, {unchanged} unchanged, {} refused", refused.len()))?;
        for entry in refused.iter().filter(|_| !self.json) {
            output::remark(&format!(
                "refused in {}: {} ({})",
                cell(entry.get("file")),
                cell(entry.get("reason")),
                cell(entry.get("condition"))
            ));
        }
        match refused.len() {
            0 => Ok(()),
            number => Err(Failure::refused("refused", format!("{number} objects were refused; the others are in"))),
        }
    }

    fn check(&mut self) -> Result<(), Failure> {
        let spinner = progress(0);
        let value = self.command(Command::Check, IfAbsent::Refuse);
        spinner.finish_and_clear();
        let value = value?;
        let faults: Vec<&str> = value.get("faults").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        if self.json {
            output::value(&value)?;
        } else {
            for fault in &faults {
                output::line(fault)?;
            }
        }
        match faults.len() {
            0 if self.json => Ok(()),
            0 => output::line("the store is sound").map_err(Failure::from),
            number => Err(Failure::refused(
                "faults",
                format!("{number} faults found: keep a copy of the data directory, then `export` what is readable"),
            )),
        }
    }

    fn apply(&mut self, path: &Path, dry_run: bool, prune: bool) -> Result<(), Failure> {
        let name = path.display().to_string();
        let parsed = files::parse_apply_file(&files::read(path)?, &name)?;
        let command = Command::Apply { file: Box::new(parsed.file.clone()), dry_run, prune };
        let if_absent = if dry_run { IfAbsent::Pretend } else { IfAbsent::Create };
        let value = self.ask(command, if_absent)?.map_err(|error| {
            let Some((table, index)) = &error.entry else { return Failure::from(error) };
            let message = format!("{name}, {}: {}; nothing was changed", parsed.place(table, *index), error.message);
            Failure::refused(&error.code, message)
        })?;
        if self.json {
            output::value(&value)?;
            return Ok(());
        }
        let changes: Vec<&str> = value.get("changes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        for change in &changes {
            output::line(change)?;
        }
        let word = if dry_run { "would change" } else { "changed" };
        output::line(&format!("{} things {word}", changes.len()))?;
        Ok(())
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) if items.is_empty() => "-".to_owned(),
        Some(Value::Array(items)) => items.iter().map(|item| cell(Some(item))).collect::<Vec<_>>().join(", "),
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Bool(false)) => "no".to_owned(),
        Some(other) => other.to_string(),
    }
}

fn grantee(calendar: &str, with: &With) -> GrantEntry {
    GrantEntry {
        calendar: calendar.to_owned(),
        user: with.user.clone(),
        group: with.group.clone(),
        role: with.role.clone(),
        everyone: with.everyone.then_some(true),
        ..GrantEntry::default()
    }
}

fn name_of(with: &With) -> String {
    match (&with.user, &with.group, &with.role) {
        (Some(user), _, _) => user.clone(),
        (None, Some(group), _) => format!("group {group}"),
        (None, None, Some(role)) => format!("role {role}"),
        (None, None, None) => "everyone".to_owned(),
    }
}

fn sure(yes: bool, what: &str) -> Result<(), Failure> {
    if yes { Ok(()) } else { Err(Failure::usage(format!("{what}; say --yes if that is meant"))) }
}

fn hash(password: &str) -> Result<String, Failure> {
    hash_password(password).map_err(|error| Failure::refused("refused", error.to_string()))
}

fn password(name: &str, from_stdin: bool) -> Result<String, Failure> {
    let password = if from_stdin {
        let mut text = String::new();
        std::io::stdin().lock().take(4_096).read_to_string(&mut text)?;
        text.trim_end_matches(['\r', '\n']).to_owned()
    } else if std::io::stdin().is_terminal() {
        let first = rpassword::prompt_password(format!("Password for {name}: "))?;
        if rpassword::prompt_password("Once more: ")? != first {
            return Err(Failure::refused("refused", "the two passwords differ"));
        }
        first
    } else {
        return Err(Failure::usage("no terminal to ask for a password: use --password-stdin"));
    };
    if password.is_empty() {
        return Err(Failure::refused("refused", "the password is empty"));
    }
    Ok(password)
}

/// A bar when a person watches, nothing otherwise.
fn progress(steps: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    if steps == 0 {
        let spinner = ProgressBar::new_spinner();
        spinner.set_style(ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
        spinner.enable_steady_tick(std::time::Duration::from_millis(100));
        return spinner;
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {eta}").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(steps).with_style(style)
}
