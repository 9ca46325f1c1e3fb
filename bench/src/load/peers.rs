//! Other servers: Radicale and Xandikos, whose calendars are files and are written as such, which takes seconds where they would take
//! an hour to be put; Cyrus, and any server with an address, which are filled as by a client.

use crate::ask::{Fidelity, address_in};
use crate::calendar::Calendar;
use crate::cyrus;
use crate::measure::Round;
use crate::process::{self, Process};
use crate::server::{Server, fill};
use crate::target::{People, Shown, Target, basic};
use crate::wire::Connection;
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// From the start of a server to its first connection.
const START_SECONDS_MAX: u64 = 60;
/// Every workload has fewer connections.
const CONNECTIONS_MAX: u32 = 600;

/// Servers that are known here: two written in Python, in a virtual environment, and one of the system's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Radicale,
    Xandikos,
    Cyrus,
}

impl Peer {
    pub(crate) const ALL: [Self; 3] = [Self::Radicale, Self::Xandikos, Self::Cyrus];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|peer| peer.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Radicale => "radicale",
            Self::Xandikos => "xandikos",
            Self::Cyrus => "cyrus",
        }
    }

    /// The command, in an environment that has it.
    fn program(self, environment: &Path) -> PathBuf {
        environment.join("bin").join(self.name())
    }

    pub(crate) fn is_installed(self, environment: &Path) -> bool {
        match self {
            Self::Radicale | Self::Xandikos => self.program(environment).is_file(),
            Self::Cyrus => cyrus::is_installed(),
        }
    }

    /// A fresh store with these calendars, served.
    ///
    /// # Errors
    /// For people.
    pub(crate) async fn start(
        self,
        environment: &Path,
        directory: &Path,
        calendars: &BTreeMap<String, Calendar>,
    ) -> Result<Server, String> {
        drop(std::fs::remove_dir_all(directory));
        let data = directory.join("data");
        make(&data)?;
        let log = directory.join("server.log");
        let address = free_address()?;
        let (home, process) = match self {
            Self::Radicale => {
                for (name, calendar) in calendars {
                    let folder = data.join("collection-root/alice").join(name);
                    write(&folder, calendar)?;
                    put_file(&folder.join(".Radicale.props"), "{\"tag\": \"VCALENDAR\"}")?;
                }
                let configuration = directory.join("radicale.conf");
                put_file(&directory.join("users"), "alice:alice\n")?;
                put_file(&configuration, &radicale(address, directory))?;
                ("/alice/", Process::start(Command::new(self.program(environment)).arg("--config").arg(&configuration), &log)?)
            }
            Self::Xandikos => {
                for (name, calendar) in calendars {
                    let folder = data.join("alice/calendars").join(name);
                    write(&folder, calendar)?;
                    put_file(&folder.join(".xandikos"), "[DEFAULT]\ntype = calendar\n")?;
                    commit(&folder, &directory.join("git.log"))?;
                }
                let mut serve = Command::new(self.program(environment));
                serve.args(["serve", "--autocreate", "--defaults", "--current-user-principal", "/alice/", "-l", "127.0.0.1", "-d"]);
                serve.arg(&data).args(["-p", &address.port().to_string(), "--no-detect-systemd"]);
                ("/alice/calendars/", Process::start(&mut serve, &log)?)
            }
            Self::Cyrus => {
                let mail = free_address()?;
                let (process, data) = cyrus::start(directory, address, mail)?;
                let mut server = Server {
                    name: self.name().to_owned(),
                    process: Some(process),
                    disk: Some(data),
                    owner: nobody_s(address, basic("alice", "alice"), "/dav/"),
                    grantees: BTreeMap::new(),
                    filled: None,
                };
                wait(&mut server, &log)?;
                cyrus::make_home(mail)?;
                fill_as_client(&mut server, calendars).await?;
                return Ok(server);
            }
        };
        let owner = Target {
            address,
            authorization: if self == Self::Radicale { basic("alice", "alice") } else { String::new() },
            principal: "/alice/".to_owned(),
            home: home.to_owned(),
            calendars: calendars.iter().map(|(name, calendar)| (name.clone(), shown(home, name, calendar))).collect(),
            people: People::Calendars,
        };
        let mut server = Server {
            name: self.name().to_owned(),
            process: Some(process),
            disk: Some(data),
            owner,
            grantees: BTreeMap::new(),
            filled: None,
        };
        wait(&mut server, &log)?;
        Ok(server)
    }
}

fn shown(home: &str, name: &str, calendar: &Calendar) -> Shown {
    Shown { path: format!("{home}{name}/"), calendar: Rc::new(calendar.clone()), fidelity: Fidelity::Event, names: Vec::new() }
}

fn radicale(address: SocketAddr, directory: &Path) -> String {
    let directory = directory.display();
    format!(
        "[server]\nhosts = {address}\nmax_connections = {CONNECTIONS_MAX}\ntimeout = 600\n[auth]\ntype = htpasswd\n\
         htpasswd_filename = {directory}/users\nhtpasswd_encryption = plain\n[storage]\nfilesystem_folder = {directory}/data\n\
         [logging]\nlevel = error\n"
    )
}

fn make(folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn put_file(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// The events of a calendar, a file each.
fn write(folder: &Path, calendar: &Calendar) -> Result<(), String> {
    make(folder)?;
    for event in calendar.numbers().map(|number| calendar.event(number)) {
        put_file(&folder.join(format!("{}.ics", event.uid)), &event.text)?;
    }
    Ok(())
}

/// Everything in a folder as the first commit of a repository there.
fn commit(folder: &Path, log: &Path) -> Result<(), String> {
    let configured = ["-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "gc.auto=0"];
    for arguments in [&["init", "-q"][..], &["add", "-A"], &["commit", "-q", "-m", "events"]] {
        process::run(Command::new("git").current_dir(folder).args(configured).args(arguments), log)?;
    }
    Ok(())
}

/// An address of this machine that nobody listens on.
fn free_address() -> Result<SocketAddr, String> {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).map_err(|error| error.to_string())
}

fn wait(server: &mut Server, log: &Path) -> Result<(), String> {
    let until = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
    while Instant::now() < until {
        if TcpStream::connect(server.owner.address).is_ok() {
            return Ok(());
        }
        if server.process.as_mut().is_none_or(Process::has_ended) {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err(format!("{} does not listen:\n{}", server.name, process::end_of(log)))
}

/// A server that runs somewhere, filled as by a client: `NAME=http://USER:PASSWORD@HOST:PORT/`.
///
/// # Errors
/// It has no principal with a home, or takes no calendars.
pub(crate) async fn elsewhere(named: &str, calendars: &BTreeMap<String, Calendar>) -> Result<Server, String> {
    let parts = named.split_once('=').and_then(|(name, url)| Some((name, url.strip_prefix("http://")?.split_once('@')?)));
    let (name, (account, place)) = parts.ok_or_else(|| format!("{named} is not NAME=http://USER:PASSWORD@HOST:PORT/"))?;
    let (host, path) = place.split_once('/').unwrap_or((place, ""));
    let address = host.to_socket_addrs().ok().and_then(|mut all| all.next()).ok_or_else(|| format!("{host}: no such host"))?;
    let (user, password) = account.split_once(':').unwrap_or((account, ""));
    let owner = nobody_s(address, basic(user, password), &format!("/{path}"));
    let mut server = Server { name: name.to_owned(), process: None, disk: None, owner, grantees: BTreeMap::new(), filled: None };
    fill_as_client(&mut server, calendars).await?;
    Ok(server)
}

/// A server of which only its address is known, and where to ask who one is.
fn nobody_s(address: SocketAddr, authorization: String, principal: &str) -> Target {
    let principal = principal.to_owned();
    Target { address, authorization, principal, home: String::new(), calendars: BTreeMap::new(), people: People::Calendars }
}

/// Finds the home, and makes the calendars there.
async fn fill_as_client(server: &mut Server, calendars: &BTreeMap<String, Calendar>) -> Result<(), String> {
    let process = server.id();
    let owner = &mut server.owner;
    owner.principal = discovered(owner, &owner.principal, "current-user-principal").await?;
    owner.home = discovered(owner, &owner.principal, "calendar-home-set").await?;
    for (name, calendar) in calendars {
        let shown = shown(&owner.home, name, calendar);
        let mut connection = Connection::new(owner.address);
        let made = connection.ask(&owner.mkcalendar(&shown.path)).await.map_err(|error| error.to_string())?;
        if made.status != 201 {
            return Err(format!("MKCALENDAR {}: {}, it has to be new", shown.path, made.status));
        }
        let round = fill(owner, &shown, process).await?;
        if server.filled.as_ref().is_none_or(|filled: &Round| filled.answers < round.answers) {
            server.filled = Some(round);
        }
        owner.calendars.insert(name.clone(), shown);
    }
    Ok(())
}

async fn discovered(target: &Target, path: &str, property: &str) -> Result<String, String> {
    let prefix = if property.starts_with("calendar") { "C" } else { "D" };
    let mut connection = Connection::new(target.address);
    let request = target.propfind(path, 0, &format!("<{prefix}:{property}/>"));
    let answer = connection.ask(&request).await.map_err(|error| format!("{path}: {error}"))?;
    address_in(&answer.text(), property).ok_or_else(|| format!("{path}: no {property}, status {}", answer.status))
}
