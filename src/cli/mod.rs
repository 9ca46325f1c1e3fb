//! The command line: a contract. Exit 0 done, 1 refused or faults found, 2 usage or configuration, 3 no store or no server.

pub mod arguments;
pub mod demo;
pub mod doctor;
pub mod files;
pub mod migrate;
pub mod output;
pub mod place;
pub mod run;
pub mod serve;

use arguments::Arguments;
use clap::Parser;
use output::Failure;
use std::process::ExitCode;

/// Parses the arguments and does what they say.
pub fn main() -> ExitCode {
    let asked_for_json = std::env::args_os().any(|argument| argument == "--json");
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() && asked_for_json => {
            let first = error.to_string();
            let message = first.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            return output::fail(&Failure::usage(message), true);
        }
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            // Nothing is left to say if even that cannot be printed.
            drop(error.print());
            return ExitCode::from(code);
        }
    };
    let json = arguments.json;
    match run::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => output::fail(&failure, json),
    }
}
