//! `shoji migrate`: the store moves to another engine while nobody has it open.

use super::output::{self, Failure};
use crate::config::Config;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::io::IsTerminal;
use std::path::Path;
use storage::change_engine::{Moved, Stage, change_engine};
use storage::{EngineKind, Error};

/// Moves, compares, tells.
///
/// # Errors
/// Exit 3 without a store; exit 1 while it is in use, or when an engine fails: the store is where it was.
pub fn run(data: &Path, config: &Config, to: EngineKind, json: bool) -> Result<(), Failure> {
    let mut shown = Shown { bar: None, stage: None, silent: json };
    let cache_bytes = config.limits.storage().cache_bytes;
    let moved = change_engine(data, to, cache_bytes, &mut |stage, done, all| shown.step(stage, done, all));
    shown.end();
    let Moved { from, to, records } = moved.map_err(|error| failure(data, &error))?;
    if json {
        output::value(&json!({ "from": from.name(), "to": to.name(), "records": records }))?;
    } else if from == to {
        output::line(&format!("the store in {} stands on {to} already", data.display()))?;
    } else {
        output::line(&format!("moved {records} records from {from} to {to}; each was compared, and the files of {from} are removed"))?;
    }
    match config.storage.engine.map(EngineKind::from) {
        Some(configured) if configured != to => {
            output::warn(&format!("storage.engine still asks for {configured}: set it to \"{to}\" before the next start"), json);
        }
        _ => {}
    }
    Ok(())
}

fn failure(data: &Path, error: &Error) -> Failure {
    match error {
        Error::NotFound => Failure::no_store(format!("there is no store in {}: say where it is with --data DIR", data.display())),
        Error::InUse => Failure::refused("in-use", "the store is in use: stop the server, migrate, and start it again"),
        error => Failure::refused("store", format!("the store in {} was not moved: {error}", data.display())),
    }
}

/// A bar when a person watches, a line for each stage otherwise, nothing beside JSON.
struct Shown {
    bar: Option<ProgressBar>,
    stage: Option<Stage>,
    silent: bool,
}

impl Shown {
    fn step(&mut self, stage: Stage, done: u64, all: u64) {
        if self.stage != Some(stage) {
            self.stage = Some(stage);
            self.begin(stage, all);
        }
        if let Some(bar) = &self.bar {
            bar.set_length(all);
            bar.set_position(done);
        }
    }
    fn begin(&mut self, stage: Stage, all: u64) {
        let words = match stage {
            Stage::Copying => format!("copying {all} records"),
            Stage::Comparing => "comparing both stores, record by record".to_owned(),
            Stage::Swapping => "putting the new files into the place of the old ones".to_owned(),
        };
        self.end();
        if self.silent {
            return;
        }
        if std::io::stderr().is_terminal() {
            let style = ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} {eta}").unwrap_or_else(|_| ProgressStyle::default_bar());
            self.bar = Some(ProgressBar::new(all).with_style(style).with_message(words));
        } else {
            output::remark(&words);
        }
    }
    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
