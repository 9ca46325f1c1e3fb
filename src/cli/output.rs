//! What people and programs read: tables or one JSON value on standard output, errors on standard error.

use crate::command::CommandError;
use crate::config::ConfigError;
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};
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
        escaped_text(&format!("error: {}", failure.message))
    };
    // Standard error being closed leaves the exit code to tell.
    drop(writeln!(std::io::stderr().lock(), "{line}"));
    ExitCode::from(failure.exit)
}

/// Whether a terminal would act on a character instead of showing it: control characters, and those that turn the direction of
/// what follows (Unicode UAX #9, explicit formatting and marks).
fn is_acted_on(c: char) -> bool {
    c.is_control() || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escaped_but(text: &str, kept: &[char]) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_acted_on(c) && !kept.contains(&c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A text of one line for people: names are other people's choice, and none may move the cursor or end the line.
fn escaped_line(text: &str) -> String {
    escaped_but(text, &[])
}

/// A text of many lines for people.
fn escaped_text(text: &str) -> String {
    escaped_but(&text.replace("\r\n", "\n"), &['\n', '\t'])
}

/// Prints a line on standard output.
///
/// # Errors
/// Standard output is closed.
pub fn line(text: &str) -> std::io::Result<()> {
    print(&escaped_line(text), "\n")
}

/// Prints a text with its line ends: to a file or program as it is, to a terminal with what it would act on escaped.
///
/// # Errors
/// Standard output is closed.
pub fn text(text: &str) -> std::io::Result<()> {
    if std::io::stdout().is_terminal() { print(&escaped_text(text), "") } else { print(text, "") }
}

fn print(text: &str, end: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    write!(out, "{text}{end}")?;
    out.flush()
}

/// Prints a line for people on standard error.
pub fn remark(text: &str) {
    remark_raw(&escaped_text(text));
}

fn remark_raw(text: &str) {
    // Remarks are a courtesy.
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}

/// Prints a warning on standard error, as errors are printed there.
pub fn warn(message: &str, json: bool) {
    if json {
        remark_raw(&json!({ "warning": { "message": message } }).to_string());
    } else {
        remark(&format!("warning: {message}"));
    }
}

/// Prints one JSON value.
///
/// # Errors
/// Standard output is closed.
pub fn value(value: &Value) -> std::io::Result<()> {
    print(&value.to_string(), "\n")
}

/// Prints rows under headings, columns as wide as need be.
///
/// # Errors
/// Standard output is closed.
pub fn table(headings: &[&str], rows: &[Vec<String>]) -> std::io::Result<()> {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| escaped_line(cell)).collect()).collect();
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.chars().count()).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let print = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:width$}", width = *width)).collect();
        line(padded.join("  ").trim_end())
    };
    print(&mut headings.iter().copied())?;
    for row in &rows {
        print(&mut row.iter().map(String::as_str))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // Whoever may write into a calendar chooses names; a list of them printed raw would let her speak to the reader's terminal.
    #[test]
    fn what_a_terminal_would_act_on_is_shown_instead() {
        let name = "a\u{1b}]0;x\u{7}\u{9b}2J\r\nb\u{202e}c\u{2066}d\t\u{7f}";
        let shown = escaped_line(name);
        assert_eq!(shown, r"a\u{1b}]0;x\u{7}\u{9b}2J\u{d}\u{a}b\u{202e}c\u{2066}d\u{9}\u{7f}");
        assert_eq!(escaped_line("Büro 日本 🎉 – “x”"), "Büro 日本 🎉 – “x”");
        assert_eq!(escaped_text("BEGIN\r\n\tx\ry\u{1b}\n"), "BEGIN\n\tx\\u{d}y\\u{1b}\n");
    }
}
