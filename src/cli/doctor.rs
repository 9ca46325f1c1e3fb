//! `shoji doctor`: arguments in, report out. Touches no store and needs no configuration.

use super::files;
use super::output::{self, Failure};
use crate::doctor::place::Place;
use crate::doctor::trust::Trust;
use crate::doctor::wire::ANSWER_MAX;
use crate::doctor::{Patient, Writing, examine};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// What the command line asks for.
#[derive(Debug)]
pub struct Asked {
    /// The address as typed.
    pub url: String,
    /// Whose account.
    pub user: Option<String>,
    /// Where his password is; asked for if absent.
    pub password_file: Option<PathBuf>,
    /// Further authorities.
    pub ca: Option<PathBuf>,
    /// Whether to write.
    pub writing: Writing,
    /// Whether programs read the outcome.
    pub json: bool,
}

/// Examines and tells.
///
/// # Errors
/// Exit 1 with problems found, 2 for arguments, 3 if nothing answers.
pub fn run(asked: Asked) -> Result<(), Failure> {
    let typed = Place::typed(&asked.url).map_err(|error| Failure::usage(error.to_string()))?;
    let trust = Trust::new(asked.ca.as_deref()).map_err(Failure::usage)?;
    let account = match asked.user {
        None => None,
        Some(user) => {
            let password = password(&user, asked.password_file.as_deref())?;
            Some((user, password))
        }
    };
    let patient = Patient { typed, account, trust, writing: asked.writing, answer_max: ANSWER_MAX };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(examine(&patient)).map_err(|absent| Failure {
        exit: 3,
        code: "unreachable".to_owned(),
        message: absent.to_string(),
    })?;
    if asked.json {
        output::value(&report.json())?;
    } else {
        for line in report.lines() {
            output::line(&line)?;
        }
    }
    match report.problems() {
        0 => Ok(()),
        1 => Err(Failure::refused("problems", "1 problem found")),
        number => Err(Failure::refused("problems", format!("{number} problems found"))),
    }
}

fn password(user: &str, file: Option<&Path>) -> Result<String, Failure> {
    match file {
        Some(path) => {
            let text = files::read(path)?;
            let line = text.lines().next().unwrap_or_default();
            if line.is_empty() { Err(Failure::usage("the password file is empty")) } else { Ok(line.to_owned()) }
        }
        None if std::io::stdin().is_terminal() => Ok(rpassword::prompt_password(format!("Password for {user}: "))?),
        None => Err(Failure::usage("no terminal to ask for a password: use --password-file FILE")),
    }
}
