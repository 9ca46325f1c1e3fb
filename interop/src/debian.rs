//! Debian's packages that suites name in `expected.toml` (`debian = ["cadaver"]`): looked for, and installed together, once,
//! before the first suite runs. Must not take a package for installed that `dpkg` does not call installed.
//!
//! Debian's own versions are what is wanted, so nothing is pinned; each script prints the version it met.

use crate::suite::Suite;
use crate::{Places, install, process, say};
use std::process::Command;

/// Packages come over a network.
const SECONDS_MAX: u64 = 900;

/// Installs what the suites name and the machine lacks. That it could not is told by [`present`], suite by suite.
pub(crate) fn install(places: &Places, suites: &[Suite]) {
    let mut wanted: Vec<String> = suites.iter().flat_map(|suite| suite.expected.debian.iter().cloned()).collect();
    wanted.sort();
    wanted.dedup();
    let missing = missing(&wanted);
    if missing.is_empty() {
        return;
    }
    say(&format!("installing {}…", missing.join(" ")));
    let log = places.work.join("debian.install.log");
    let get = |words: &[&str], packages: &[String]| {
        let mut command = Command::new("apt-get");
        // Only their programs are wanted: at run level 1 no service is started.
        command.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
        // Another apt-get at work is waited for.
        command.args(["-qq", "-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=120"]).args(words).args(packages);
        process::run(&mut command, &log, SECONDS_MAX)
    };
    let installed = install::make(&places.work)
        .and_then(|()| install::remove(&log))
        .and_then(|()| get(&["update"], &[]))
        .and_then(|()| get(&["install", "-y", "--no-install-recommends"], &missing));
    if let Err(words) = installed {
        say(&words);
    }
}

/// Whether all that a suite names is installed.
///
/// # Errors
/// With the command that would install what is not.
pub(crate) fn present(suite: &Suite) -> Result<(), String> {
    match missing(&suite.expected.debian) {
        missing if missing.is_empty() => Ok(()),
        missing => Err(format!("not installed; as root: apt-get install --no-install-recommends {}", missing.join(" "))),
    }
}

/// Those of these packages that `dpkg` does not call installed; all of them where there is no `dpkg`.
fn missing(packages: &[String]) -> Vec<String> {
    packages.iter().filter(|package| !installed(package)).cloned().collect()
}

fn installed(package: &str) -> bool {
    let asked = Command::new("dpkg-query").args(["--show", "--showformat", "${db:Status-Status}\\n", package]).output();
    // A name can stand for several architectures, one a line.
    asked.is_ok_and(|answer| answer.status.success() && answer.stdout.split(|byte| *byte == b'\n').any(|line| line == b"installed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_that_does_not_exist_is_missing() {
        let wanted = ["no-such-package-0".to_owned()];
        assert_eq!(missing(&wanted), wanted);
    }
}
