//! A server with a fresh store for each script: started by the layout's commands, or reset by them, or taken as it is.

use crate::http::Address;
use crate::layout::{Commands, Layout};
use crate::process;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Filling the store once.
const PREPARE_SECONDS_MAX: u64 = 180;
/// From the start until the port accepts a connection.
const START_SECONDS_MAX: u64 = 30;
/// From SIGTERM to the end.
const STOP_SECONDS_MAX: u64 = 10;

/// Where scripts are sent.
#[derive(Debug)]
pub(crate) enum Source {
    /// A server that runs already, with the command that resets it.
    Running(Address, Option<(String, PathBuf)>),
    /// One started for each script.
    Started(Starter),
}

/// Starts servers on copies of one prepared store.
#[derive(Debug)]
pub(crate) struct Starter {
    serve: String,
    folder: PathBuf,
    /// Holds the prepared store, its copy and the logs.
    work: PathBuf,
}

/// A server to send requests to; one that was started ends with this value.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) address: Address,
    child: Option<Child>,
}

impl Source {
    /// The server that `--server` names, else one that the layout starts.
    ///
    /// # Errors
    /// There is neither, or the store cannot be prepared.
    pub(crate) fn of(layout: &Layout, url: Option<&str>, work: &Path) -> Result<Self, String> {
        let commands = layout.server.clone().unwrap_or_default();
        if let Some(url) = url {
            return Ok(Self::Running(Address::of(url)?, commands.reset.map(|reset| (reset, layout.folder.clone()))));
        }
        let Commands { prepare, serve: Some(serve), .. } = commands else {
            return Err("the layout has no command `serve`: give the URL of a running server by --server".to_owned());
        };
        let starter = Starter { serve, folder: layout.folder.clone(), work: work.to_owned() };
        std::fs::create_dir_all(starter.prepared()).map_err(|error| error.to_string())?;
        if let Some(prepare) = prepare {
            let mut command = shell(&prepare, &starter.folder);
            command.env("STORE", starter.prepared());
            process::run(&mut command, &work.join("prepare.log"), PREPARE_SECONDS_MAX)?;
        }
        Ok(Self::Started(starter))
    }

    /// Whether each script finds a fresh store.
    pub(crate) fn is_fresh(&self) -> bool {
        !matches!(self, Self::Running(_, None))
    }

    /// A server for one script.
    ///
    /// # Errors
    /// It does not start, or cannot be reset.
    pub(crate) fn serve(&self) -> Result<Served, String> {
        match self {
            Self::Running(address, reset) => {
                if let Some((reset, folder)) = reset {
                    let mut command = shell(reset, folder);
                    command.env("SERVER", address.url());
                    process::run(
                        &mut command,
                        &std::env::temp_dir().join(format!("caldavtester-{}.log", std::process::id())),
                        PREPARE_SECONDS_MAX,
                    )?;
                }
                Ok(Served { address: address.clone(), child: None })
            }
            Self::Started(starter) => starter.start(),
        }
    }
}

impl Starter {
    fn prepared(&self) -> PathBuf {
        self.work.join("prepared")
    }

    fn start(&self) -> Result<Served, String> {
        let (store, log) = (self.work.join("store"), self.work.join("server.log"));
        if store.exists() {
            std::fs::remove_dir_all(&store).map_err(|error| format!("cannot remove {}: {error}", store.display()))?;
        }
        copy(&self.prepared(), &store).map_err(|error| format!("cannot copy the prepared store: {error}"))?;
        let address = Address { host: "127.0.0.1".to_owned(), port: free_port()? };
        let mut command = shell(&self.serve, &self.folder);
        command.env("STORE", &store).env("PORT", address.port.to_string());
        let mut served = Served { address, child: Some(spawn(&mut command, &log)?) };
        served.wait_until_it_listens(&log)?;
        Ok(served)
    }
}

impl Served {
    fn wait_until_it_listens(&mut self, log: &Path) -> Result<(), String> {
        let until = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
        while Instant::now() < until {
            if let Some(Ok(Some(status))) = self.child.as_mut().map(Child::try_wait) {
                return Err(format!("the server ended with {status}:\n{}", process::end_of(log)));
            }
            if std::net::TcpStream::connect((self.address.host.as_str(), self.address.port)).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(format!("the server did not listen within {START_SECONDS_MAX} seconds:\n{}", process::end_of(log)))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let Some(child) = self.child.as_mut() else { return };
        process::signal(child, "TERM");
        if process::wait(child, Duration::from_secs(STOP_SECONDS_MAX)).is_none() {
            // Gone already is as good.
            drop(child.kill().and_then(|()| child.wait()));
        }
    }
}

/// Starts a server in this program's own process group: what ends the one from a terminal ends the other.
fn spawn(command: &mut Command, log: &Path) -> Result<Child, String> {
    let open = || -> std::io::Result<(File, File)> {
        let file = File::create(log)?;
        Ok((file.try_clone()?, file))
    };
    let (out, errors) = open().map_err(|error| format!("cannot write {}: {error}", log.display()))?;
    command.stdin(Stdio::null()).stdout(out).stderr(errors).spawn().map_err(|error| format!("cannot start the server: {error}"))
}

fn shell(words: &str, folder: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", words]).current_dir(folder);
    command
}

fn free_port() -> Result<u16, String> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(|error| error.to_string())?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn layout(server: &str) -> Layout {
        let mut layout: Layout = toml::from_str(server).unwrap();
        layout.folder = std::env::temp_dir();
        layout
    }

    #[test]
    fn each_script_gets_a_copy_of_the_prepared_store() {
        let work = tempfile::tempdir().unwrap();
        let layout = layout("[server]\nprepare = \"mkdir $STORE/a; echo one > $STORE/a/b\"\nserve = \"echo two >> $STORE/a/b; exit 3\"\n");
        let source = Source::of(&layout, None, work.path()).unwrap();
        assert!(source.is_fresh());
        for _ in 0..2 {
            assert!(source.serve().unwrap_err().contains("ended"));
            assert_eq!(std::fs::read_to_string(work.path().join("store/a/b")).unwrap(), "one\ntwo\n");
        }
    }

    #[test]
    fn a_running_server_is_reset_or_not_fresh() {
        let work = tempfile::tempdir().unwrap();
        let url = Some("http://127.0.0.1:1/");
        assert!(!Source::of(&layout(""), url, work.path()).unwrap().is_fresh());
        let source = Source::of(&layout("[server]\nreset = \"test $SERVER = http://127.0.0.1:1\"\n"), url, work.path()).unwrap();
        assert!(source.is_fresh());
        assert_eq!(source.serve().unwrap().address.port, 1);
        assert!(Source::of(&layout("[server]\nreset = \"exit 1\"\n"), url, work.path()).unwrap().serve().is_err());
        assert!(Source::of(&layout(""), None, work.path()).is_err());
        assert!(Source::of(&layout(""), Some("https://127.0.0.1/"), work.path()).is_err());
    }
}
