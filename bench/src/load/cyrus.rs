//! Cyrus, as Debian packages it, with a store and a configuration of its own below the directory of a run. It has a process for each
//! connection, gives way to a user of its own, and makes somebody's home when he first reads his mail.

use crate::process::{self, Process};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Where Debian puts its programs.
const PROGRAMS: &str = "/usr/lib/cyrus/bin";
const MASTER: &str = "/usr/lib/cyrus/bin/master";
/// Keeps names and passwords; of the package `sasl2-bin`.
const SET_PASSWORD: &str = "/usr/sbin/saslpasswd2";
/// Whom it gives way to.
const USER: &str = "cyrus:mail";
/// For one line of mail's protocol.
const LINE_SECONDS_MAX: u64 = 10;

/// Whether it could be started here: only root gives way to others.
pub(crate) fn is_installed() -> bool {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    is_root && Path::new(MASTER).is_file() && Path::new(SET_PASSWORD).is_file()
}

/// A server of nothing yet, with alice's account.
///
/// # Errors
/// For people.
pub(crate) fn start(directory: &Path, calendars: SocketAddr, mail: SocketAddr) -> Result<(Process, PathBuf), String> {
    let at = std::path::absolute(directory).map_err(|error| error.to_string())?;
    for folder in ["data", "state", "run"] {
        std::fs::create_dir_all(at.join(folder)).map_err(|error| error.to_string())?;
    }
    let (settings, services, log) = (at.join("imapd.conf"), at.join("cyrus.conf"), at.join("server.log"));
    let write = |path: &Path, text: String| std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()));
    let root = at.display();
    write(
        &settings,
        format!(
            "configdirectory: {root}/state\nproc_path: {root}/run/proc\nmboxname_lockpath: {root}/run/lock\ndefaultpartition: default\n\
             partition-default: {root}/data\nhttpmodules: caldav\nhttpkeepalive: 30\nallowplaintext: yes\nsasl_pwcheck_method: auxprop\n\
             sasl_auxprop_plugin: sasldb\nsasl_mech_list: PLAIN\nsasl_sasldb_path: {root}/passwords\nautocreate_quota: 0\n\
             autocreate_users: anyone\n"
        ),
    )?;
    write(
        &services,
        format!(
            "START {{\n recover cmd=\"{PROGRAMS}/ctl_cyrusdb -C {root}/imapd.conf -r\"\n}}\nSERVICES {{\n\
             \x20imap cmd=\"{PROGRAMS}/imapd -C {root}/imapd.conf\" listen=\"{mail}\" prefork=0\n\
             \x20http cmd=\"{PROGRAMS}/httpd -C {root}/imapd.conf\" listen=\"{calendars}\" prefork=0\n}}\nEVENTS {{\n}}\n"
        ),
    )?;
    let account = "printf alice | \"$1\" -p -f \"$2/passwords\" -u \"$(hostname)\" -c alice && chown -R \"$3\" \"$2\"";
    process::run(Command::new("sh").args(["-c", account, "sh", SET_PASSWORD]).arg(&at).arg(USER), &log)?;
    let mut master = Command::new(MASTER);
    master.arg("-C").arg(&settings).arg("-M").arg(&services).arg("-p").arg(at.join("master.pid"));
    Ok((Process::start(&mut master, &log)?, at.join("data")))
}

/// Signs in as alice where mail is read, once: her home is there from then on.
///
/// # Errors
/// For people.
pub(crate) fn make_home(mail: SocketAddr) -> Result<(), String> {
    let told = |error: std::io::Error| format!("cyrus, where mail is read: {error}");
    let mut stream = TcpStream::connect(mail).map_err(told)?;
    stream.set_read_timeout(Some(Duration::from_secs(LINE_SECONDS_MAX))).map_err(told)?;
    stream.write_all(b"a LOGIN alice alice\r\n").map_err(told)?;
    for line in BufReader::new(&stream).lines() {
        let line = line.map_err(told)?;
        if line.starts_with("a ") {
            return if line.starts_with("a OK") { Ok(()) } else { Err(format!("cyrus said: {line}")) };
        }
    }
    Err("cyrus hung up on who reads mail".to_owned())
}
