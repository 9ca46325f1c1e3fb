//! Servers of a run: shoji, and a bare hyper server that knows its answers beforehand.

use crate::ask::Fidelity;
use crate::calendar::Calendar;
use crate::measure::Round;
use crate::process::{self, Process};
use crate::say;
use crate::target::{People, Shown, Target, basic};
use crate::wire::Connection;
use crate::workload::{LEVELS, PEOPLE, learn_names, person_name, put};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// From the start to the line `listening on …`.
const START_SECONDS_MAX: u64 = 120;
/// Writers while a server is filled.
const FILLERS: usize = 16;
/// Events of a calendar that are put one by one.
const PUT_MAX: u32 = 50_000;
/// Events of one import: some text is all in memory.
const IMPORTED_TOGETHER: usize = 50_000;

/// A server that runs, and everybody's view of it: the owner's first.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) process: Option<Process>,
    /// What it keeps.
    pub(crate) disk: Option<PathBuf>,
    pub(crate) owner: Target,
    /// By level.
    pub(crate) grantees: BTreeMap<&'static str, Target>,
    /// How fast the largest calendar was put into it.
    pub(crate) filled: Option<Round>,
}

impl Server {
    pub(crate) fn id(&self) -> u32 {
        self.process.as_ref().map_or(0, Process::id)
    }

    pub(crate) fn view(&self, level: Option<&str>) -> Option<&Target> {
        level.map_or(Some(&self.owner), |level| self.grantees.get(level))
    }
}

/// How to start shoji.
#[derive(Clone, Debug)]
pub(crate) struct Shoji {
    pub(crate) program: PathBuf,
    pub(crate) directory: PathBuf,
    /// `storage.engine`, or the server's own choice.
    pub(crate) engine: Option<String>,
    /// For more requests than it can answer, or the server's own choice.
    pub(crate) crowd: Option<Crowd>,
}

/// What a server does with very many requests at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crowd {
    /// For which they wait for their turn.
    pub(crate) wait_seconds: u64,
    pub(crate) connections_max: usize,
}

impl Shoji {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--data").arg(self.directory.join("data")).args(arguments);
        // What is counted per user and per calendar is let go: here one user does what a thousand do.
        command.env("SHOJI_LIMITS_CALENDAR_OBJECTS_MAX", "4000000").env("SHOJI_LIMITS_QUOTA_BYTES", "100000000000");
        command.env("SHOJI_LIMITS_RESPONSES_MAX", "4000000").env("SHOJI_LIMITS_MULTISTATUS_BYTES_MAX", "2000000000");
        // People may share with whom they have never met.
        command.env("SHOJI_LOG_LEVEL", "warn").env("SHOJI_DIRECTORY", "everyone");
        if let Some(crowd) = self.crowd {
            command.env("SHOJI_LIMITS_REQUEST_WAIT_SECONDS", crowd.wait_seconds.to_string());
            command.env("SHOJI_LIMITS_CONNECTIONS_MAX", crowd.connections_max.to_string());
        }
        if let Some(engine) = &self.engine {
            command.env("SHOJI_STORAGE_ENGINE", engine);
        }
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Result<(), String> {
        process::run(&mut self.command(arguments), &self.directory.join("commands.log"))
    }

    /// Starts it on what its directory holds.
    ///
    /// # Errors
    /// With its last words.
    pub(crate) fn serve(&self) -> Result<(Process, SocketAddr), String> {
        let log = self.directory.join("server.log");
        drop(std::fs::remove_file(&log));
        let mut process = Process::start(&mut self.command(&["serve", "--listen", "127.0.0.1:0"]), &log)?;
        let address = listening(&mut process, &log)?;
        Ok((process, address))
    }

    /// Makes accounts, shares and empty calendars.
    ///
    /// # Errors
    /// For people.
    pub(crate) fn furnish<'a>(&self, calendars: impl Iterator<Item = &'a String>, with_people: bool) -> Result<(), String> {
        let mut text = String::from("[[user]]\nname = \"alice\"\npassword = \"alice\"\nemails = [\"alice@example.org\"]\n");
        for (name, _) in LEVELS {
            text.push_str(&format!("[[user]]\nname = \"{name}\"\npassword = \"{name}\"\n"));
        }
        if with_people {
            for name in (0..PEOPLE).map(person_name) {
                text.push_str(&format!("[[user]]\nname = \"{name}\"\npassword = \"{name}\"\n[[calendar]]\nowner = \"{name}\"\n"));
                text.push_str("name = \"work\"\n");
                text.push_str(&format!("[[grant]]\ncalendar = \"{name}/work\"\nuser = \"alice\"\nlevel = \"free-busy\"\n"));
            }
        }
        for name in calendars.filter(|name| !is_person(name)) {
            text.push_str(&format!("[[calendar]]\nowner = \"alice\"\nname = \"{name}\"\n"));
            // Only what grantees are asked about: they know it by its size alone.
            for (user, level) in LEVELS.into_iter().filter(|_| is_shared(name)) {
                text.push_str(&format!("[[grant]]\ncalendar = \"alice/{name}\"\nuser = \"{user}\"\nlevel = \"{level}\"\n"));
            }
        }
        let file = self.directory.join("people.toml");
        std::fs::write(&file, text).map_err(|error| error.to_string())?;
        self.run(&["apply", &file.to_string_lossy()])
    }

    /// Puts all events of a calendar into the one of this name, so many at a time as one file may hold.
    ///
    /// # Errors
    /// For people.
    pub(crate) fn import(&self, name: &str, calendar: &Calendar) -> Result<(), String> {
        let path = self.directory.join("events.ics");
        let numbers: Vec<u32> = calendar.numbers().collect();
        for some in numbers.chunks(IMPORTED_TOGETHER) {
            let written = File::create(&path).map(BufWriter::new).and_then(|mut file| {
                some.iter().try_for_each(|&number| file.write_all(calendar.event(number).text.as_bytes()))?;
                file.flush()
            });
            written.map_err(|error| format!("{}: {error}", path.display()))?;
            self.run(&["import", &format!("alice/{name}"), &path.to_string_lossy()])?;
        }
        std::fs::remove_file(&path).map_err(|error| error.to_string())
    }

    /// A fresh store with these calendars, served: large ones are imported, the others put. Grantees are those of the levels.
    ///
    /// # Errors
    /// For people.
    pub(crate) async fn start(
        &self,
        name: &str,
        calendars: &BTreeMap<String, Calendar>,
        levels: &BTreeSet<&'static str>,
    ) -> Result<Server, String> {
        drop(std::fs::remove_dir_all(&self.directory));
        std::fs::create_dir_all(&self.directory).map_err(|error| error.to_string())?;
        self.furnish(calendars.keys(), calendars.keys().any(|name| is_person(name)))?;
        for (calendar_name, calendar) in calendars.iter().filter(|(_, calendar)| is_imported(calendar)) {
            let before = Instant::now();
            self.import(calendar_name, calendar)?;
            let seconds = before.elapsed().as_secs_f64();
            say(&format!("{} events imported into {name}'s {calendar_name} in {seconds:.1} s", calendar.count()));
        }
        let (process, address) = self.serve()?;
        let mut owner = view(address, "alice");
        let mut filled: Option<Round> = None;
        let mut largest = 0;
        for (calendar_name, calendar) in calendars {
            let as_whom = if is_person(calendar_name) { view(address, calendar_name) } else { owner.clone() };
            let own_name = if is_person(calendar_name) { "work" } else { calendar_name };
            let path = format!("{}{own_name}/", as_whom.home);
            let shown = Shown { path, calendar: Rc::new(calendar.clone()), fidelity: Fidelity::Bytes, names: Vec::new() };
            if !is_imported(calendar) {
                let round = fill(&as_whom, &shown, process.id()).await?;
                if calendar.count() > largest {
                    largest = calendar.count();
                    filled = Some(round);
                }
            }
            if !is_person(calendar_name) {
                owner.calendars.insert(calendar_name.clone(), shown);
            }
        }
        let mut grantees = BTreeMap::new();
        for (user, level) in LEVELS.into_iter().filter(|(_, level)| levels.contains(level)) {
            grantees.insert(level, grantee(&owner, user, level).await?);
        }
        let disk = Some(self.directory.join("data"));
        Ok(Server { name: name.to_owned(), process: Some(process), disk, owner, grantees, filled })
    }
}

/// Whether a calendar is so large that it is imported rather than put, event by event.
fn is_imported(calendar: &Calendar) -> bool {
    calendar.count() > PUT_MAX
}

fn is_person(calendar: &str) -> bool {
    calendar.starts_with('p')
}

fn is_shared(calendar: &str) -> bool {
    calendar.starts_with('c')
}

/// How a user of shoji's sees it.
pub(crate) fn view(address: SocketAddr, user: &str) -> Target {
    Target {
        address,
        authorization: basic(user, user),
        principal: format!("/dav/principals/users/{user}/"),
        home: format!("/dav/calendars/{user}/"),
        calendars: BTreeMap::new(),
        people: People::Address("/dav/freebusy/".to_owned(), String::new()),
    }
}

/// A grantee's view of the owner's calendars, under the names that they have in his home.
async fn grantee(owner: &Target, user: &str, level: &str) -> Result<Target, String> {
    let mut target = view(owner.address, user);
    let fidelity = if matches!(level, "free-busy" | "titles") { Fidelity::Withheld } else { Fidelity::Renamed };
    let visible = |calendar: &Rc<Calendar>| Rc::new(if level == "free-busy" { calendar.busy() } else { calendar.opened() });
    let shared = owner.calendars.iter().filter(|(name, _)| is_shared(name));
    let shared: Vec<_> = shared.map(|(name, shown)| (name, Shown { calendar: visible(&shown.calendar), ..shown.clone() })).collect();
    let mut connection = Connection::new(owner.address);
    let answer = connection.ask(&target.plain("GET", "/api/v1/available")).await.map_err(|error| error.to_string())?;
    let answer: serde_json::Value = serde_json::from_slice(answer.body).map_err(|error| error.to_string())?;
    let rows = answer.get("available").and_then(|rows| rows.as_array()).cloned().unwrap_or_default();
    let paths: Vec<&str> = rows.iter().filter_map(|row| row.get("path")?.as_str()).collect();
    for path in paths {
        // Below `details` the calendar's own name is not told, so its size says which it is.
        let answer = connection.ask(&target.propfind(path, 1, "<D:getetag/>")).await.map_err(|error| error.to_string())?;
        let count = crate::ask::names(&answer.text()).count();
        let own = shared.iter().find(|(_, shown)| shown.calendar.count() as usize == count);
        if let Some((name, own)) = own {
            let mut shown = Shown { path: path.to_owned(), fidelity, ..own.clone() };
            learn_names(&target, &mut shown).await?;
            target.calendars.insert((*name).clone(), shown);
        }
    }
    Ok(target)
}

/// Puts all events of a calendar where they belong.
///
/// # Errors
/// One was refused.
pub(crate) async fn fill(target: &Target, shown: &Shown, process: u32) -> Result<Round, String> {
    let (cpu_before, started) = (process::cpu_seconds(process), Instant::now());
    let numbers: Rc<Vec<u32>> = Rc::new(shown.calendar.numbers().collect());
    let (next, failed) = (Rc::new(Cell::new(0)), Rc::new(RefCell::new(None)));
    let local = tokio::task::LocalSet::new();
    let latencies = Rc::new(RefCell::new(Vec::new()));
    for _ in 0..FILLERS {
        let (numbers, next, failed, latencies) = (Rc::clone(&numbers), Rc::clone(&next), Rc::clone(&failed), Rc::clone(&latencies));
        let (target, shown) = (target.clone(), shown.clone());
        local.spawn_local(async move {
            let mut connection = Connection::new(target.address);
            while let Some(&number) = numbers.get(next.replace(next.get() + 1)) {
                let text = shown.calendar.event(number).text;
                let before = Instant::now();
                if let Err(words) = put(&mut connection, &target, &shown.event_path(number), &text).await {
                    failed.borrow_mut().get_or_insert(words);
                    return;
                }
                latencies.borrow_mut().push(before.elapsed());
            }
        });
    }
    local.await;
    if let Some(words) = failed.take() {
        return Err(words);
    }
    let mut latencies = latencies.take();
    latencies.sort_unstable();
    let cpu_seconds = process::cpu_seconds(process) - cpu_before;
    let answers = u64::from(shown.calendar.count());
    Ok(Round { answers, seconds: started.elapsed().as_secs_f64(), cpu_seconds, latencies, ..Round::default() })
}

/// The address that a server says it listens on.
fn listening(process: &mut Process, log: &Path) -> Result<SocketAddr, String> {
    let until = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
    while Instant::now() < until {
        let text = std::fs::read_to_string(log).unwrap_or_default();
        let line = text.split_inclusive('\n').filter(|line| line.ends_with('\n')).find_map(|line| line.strip_prefix("listening on "));
        if let Some(address) = line.map(|line| line.trim_end().trim_start_matches("http://").trim_end_matches('/')) {
            return address.parse().map_err(|_| format!("no address: {address}"));
        }
        if process.has_ended() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Err(format!("the server does not listen:\n{}", process::end_of(log)))
}

/// Starts the bare server, this program under another command.
///
/// # Errors
/// For people.
pub(crate) fn bare(directory: &Path) -> Result<Server, String> {
    std::fs::create_dir_all(directory).map_err(|error| error.to_string())?;
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let log = directory.join("server.log");
    drop(std::fs::remove_file(&log));
    let mut process = Process::start(Command::new(program).arg("bare"), &log)?;
    let address = listening(&mut process, &log)?;
    Ok(Server {
        name: "bare hyper".to_owned(),
        process: Some(process),
        disk: None,
        owner: Target { principal: String::new(), home: String::new(), ..view(address, "alice") },
        grantees: BTreeMap::new(),
        filled: None,
    })
}
