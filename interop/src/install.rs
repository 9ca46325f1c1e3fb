//! What a suite's script needs: a virtual environment per `requirements.txt`, the unpacked source distribution that `sdist.txt`
//! names (a project's tests are in it, and nowhere else), a folder of modules per `package.json`.
//! Installed once for a given list, under `target/interop/`.

use crate::suite::{Language, Suite};
use crate::{Places, process};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Downloads come over a network.
const SECONDS_MAX: u64 = 600;

/// How to run a script.
#[derive(Clone, Debug)]
pub(crate) struct Tools {
    /// The interpreter.
    pub(crate) program: PathBuf,
    /// Put before `PATH`, so that a script finds its clients' commands.
    pub(crate) path: Option<PathBuf>,
    /// Node's modules.
    pub(crate) modules: Option<PathBuf>,
    /// The source distribution.
    pub(crate) sdist: Option<PathBuf>,
}

/// Installs what a suite needs, unless the same list is installed already.
///
/// # Errors
/// With what failed, for people.
pub(crate) fn install(places: &Places, suite: &Suite) -> Result<Tools, String> {
    let home = places.work.join("tools").join(&suite.name);
    let log = places.work.join(format!("{}.install.log", suite.name));
    make(&places.work)?;
    match suite.language {
        Language::Bash => Ok(Tools { program: PathBuf::from("bash"), path: None, modules: None, sdist: None }),
        Language::Node => {
            node(suite, &home, &log)?;
            Ok(Tools {
                program: PathBuf::from("node"),
                path: Some(home.join("node_modules/.bin")),
                modules: Some(home.join("node_modules")),
                sdist: None,
            })
        }
        // A script that needs nothing runs as the machine's own Python does.
        Language::Python if !suite.folder.join("requirements.txt").is_file() => {
            Ok(Tools { program: PathBuf::from("python3"), path: None, modules: None, sdist: None })
        }
        Language::Python => {
            python(suite, &home, &log)?;
            Ok(Tools {
                program: home.join("bin/python"),
                path: Some(home.join("bin")),
                modules: None,
                sdist: suite.folder.join("sdist.txt").is_file().then(|| home.join("sdist")),
            })
        }
    }
}

fn python(suite: &Suite, home: &Path, log: &Path) -> Result<(), String> {
    let (list, sdist) = (suite.folder.join("requirements.txt"), suite.folder.join("sdist.txt"));
    let Some(wanted) = wanted(&[&list, &sdist], home, log)? else { return Ok(()) };
    process::run(Command::new("python3").args(["-m", "venv"]).arg(home), log, SECONDS_MAX)?;
    let mut pip = Command::new(home.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--requirement"]).arg(&list);
    process::run(&mut pip, log, SECONDS_MAX)?;
    if sdist.is_file() {
        unpack(&sdist, home, log)?;
    }
    installed(home, &wanted)
}

/// Fetches the source distribution that a list names and unpacks it in `sdist/`, without the folder that holds it all.
fn unpack(list: &Path, home: &Path, log: &Path) -> Result<(), String> {
    let (python, packed, loose) = (home.join("bin/python"), home.join("packed"), home.join("loose"));
    let text = std::fs::read_to_string(list).map_err(|error| format!("cannot read {}: {error}", list.display()))?;
    // The sources of this one; what its build needs comes as it is.
    let (name, _) = text.split_once("==").ok_or_else(|| format!("{} names no version", list.display()))?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps", "--no-binary", name])
        .arg("--dest")
        .arg(&packed)
        .arg("--requirement")
        .arg(list);
    process::run(&mut pip, log, SECONDS_MAX)?;
    process::run(Command::new(&python).args(["-m", "tarfile", "-e"]).arg(only(&packed)?).arg(&loose), log, SECONDS_MAX)?;
    std::fs::rename(only(&loose)?, home.join("sdist")).map_err(|error| format!("cannot move the sources: {error}"))
}

/// The one thing in a folder.
fn only(folder: &Path) -> Result<PathBuf, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    match <[PathBuf; 1]>::try_from(paths) {
        Ok([path]) => Ok(path),
        Err(paths) => Err(format!("{} holds {} things, one was expected", folder.display(), paths.len())),
    }
}

fn node(suite: &Suite, home: &Path, log: &Path) -> Result<(), String> {
    let list = suite.folder.join("package.json");
    let Some(wanted) = wanted(&[&list], home, log)? else { return Ok(()) };
    make(home)?;
    std::fs::write(home.join("package.json"), &wanted).map_err(|error| error.to_string())?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]).current_dir(home);
    process::run(&mut npm, log, SECONDS_MAX)?;
    installed(home, &wanted)
}

/// The lists, if they are not what stands there already; a changed one begins anew.
fn wanted(lists: &[&Path], home: &Path, log: &Path) -> Result<Option<String>, String> {
    let wanted: String = lists.iter().map(|list| std::fs::read_to_string(list).unwrap_or_default()).collect();
    if std::fs::read_to_string(home.join("installed")).is_ok_and(|standing| standing == wanted) {
        return Ok(None);
    }
    for path in [home, log] {
        remove(path)?;
    }
    Ok(Some(wanted))
}

fn installed(home: &Path, wanted: &str) -> Result<(), String> {
    std::fs::write(home.join("installed"), wanted).map_err(|error| format!("cannot write in {}: {error}", home.display()))
}

/// Makes a folder and those above it.
///
/// # Errors
/// For people.
pub(crate) fn make(folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("cannot make {}: {error}", folder.display()))
}

/// Removes a file or folder, if it is there.
///
/// # Errors
/// For people.
pub(crate) fn remove(path: &Path) -> Result<(), String> {
    let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(format!("cannot remove {}: {error}", path.display())),
        _ => Ok(()),
    }
}
