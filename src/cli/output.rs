//! What people and programs read: tables or one JSON value on standard output, errors on standard error.

use crate::command::CommandError;
use crate::config::ConfigError;
use serde_json::{Value, json};
use std::io::Write;
use std::process::ExitCode;

/// Why a command ends with another exit code than 0.
#[derive(Clone, Debug)]
pub struct Failure {
    /// 1 refused or faults found, 2 usage or configuration, 3 no store or no server.
    pub exit: u8,
    /// A word for programs.
    pub code: String,
    /// For people: what to do.
    pub message: String,
}

impl Failure {
    /// Exit 1.
    pub fn refused(code: &str, message: impl Into<String>) -> Self {
        Self { exit: 1, code: code.to_owned(), message: message.into() }
    }
    /// Exit 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: 2, code: "usage".to_owned(), message: message.into() }
    }
    /// Exit 3.
    pub fn no_store(message: impl Into<String>) -> Self {
        Self { exit: 3, code: "no-store".to_owned(), message: message.into() }
    }
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Self {
        Self { exit: 1, code: error.code, message: error.message }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self { exit: 2, code: "configuration".to_owned(), message: error.0 }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { exit: 1, code: "failed".to_owned(), message: format!("{error:#}") }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self { exit: 1, code: "failed".to_owned(), message: error.to_string() }
    }
}

/// Prints a failure and gives its exit code.
pub fn fail(failure: &Failure, json: bool) -> ExitCode {
    let line = if json {
        json!({ "error": { "code": failure.code, "message": failure.message } }).to_string()
    } else {
        format!("error: {}", failure.message)
    };
    // Standard error being closed leaves the exit code to tell.
    drop(writeln!(std::io::stderr().lock(), "{line}"));
    ExitCode::from(failure.exit)
}

/// Prints a line on standard output.
///
/// # Errors
/// Standard output is closed.
pub fn line(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Prints a text as it is, line ends included.
///
/// # Errors
/// Standard output is closed.
pub fn text(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Prints a line for people on standard error.
pub fn remark(text: &str) {
    // Remarks are a courtesy.
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}

/// Prints a warning on standard error, as errors are printed there.
pub fn warn(message: &str, json: bool) {
    if json {
        remark(&json!({ "warning": { "message": message } }).to_string());
    } else {
        remark(&format!("warning: {message}"));
    }
}

/// Prints one JSON value.
///
/// # Errors
/// Standard output is closed.
pub fn value(value: &Value) -> std::io::Result<()> {
    line(&value.to_string())
}

/// Prints rows under headings, columns as wide as need be.
///
/// # Errors
/// Standard output is closed.
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> std::io::Result<()> {
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let print = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:width$}", width = *width)).collect();
        line(padded.join("  ").trim_end())
    };
    print(&mut headings.iter().copied())?;
    for row in rows {
        print(&mut row.iter().map(String::as_str))?;
    }
    Ok(())
}
