//! Taking a backup, through the serving process if there is one, and making a store of one.

use super::{Failure, Session, progress};
use crate::cli::place::options;
use crate::command::CommandError;
use crate::control;
use indicatif::{HumanBytes, ProgressBar};
use serde_json::json;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use storage::backup::{Size, restore, verify};
use storage::{Error, Store};

impl Session {
    /// Writes the file beside its place, reads it to its end, and only then gives it its name.
    pub(super) fn backup(&mut self, file: &Path) -> Result<(), Failure> {
        let mut part = OsString::from(file);
        part.push(".part");
        let part = PathBuf::from(part);
        let spinner = progress(0);
        let taken = self.take(&part, &spinner).and_then(|()| checked(&part, &spinner)).and_then(|size| {
            std::fs::rename(&part, file)?;
            let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            File::open(directory)?.sync_all()?;
            Ok(size)
        });
        spinner.finish_and_clear();
        let size = taken.inspect_err(|_| drop(std::fs::remove_file(&part)))?;
        let value = json!({ "file": file.display().to_string(), "records": size.records, "bytes": size.bytes });
        self.done(&value, &format!("{}: {} records, {}", file.display(), size.records, HumanBytes(size.bytes)))
    }

    fn take(&mut self, part: &Path, spinner: &ProgressBar) -> Result<(), Failure> {
        // Password hashes and calendars: it is its owner's alone.
        let mut out =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(part).map_err(|error| at(part, &error))?;
        let told = |size: Size| spinner.set_message(format!("{} written", HumanBytes(size.bytes)));
        let stream = self.runtime.block_on(control::connect(&self.data)).map_err(|error| Failure::no_store(format!("{error:#}")))?;
        match stream {
            Some(stream) => self.runtime.block_on(control::backup(stream, &mut out, &told))??,
            None if Store::exists(&self.data) => {
                let store = self.opened()?;
                store.backup(&mut out, &mut |size| told(size)).map_err(CommandError::from)?;
            }
            None => return Err(Failure::no_store(format!("there is no store in {}", self.data.display()))),
        }
        out.flush().and_then(|()| out.sync_all()).map_err(|error| at(part, &error))
    }

    /// Makes a store of a backup in the data directory, which has none.
    pub(super) fn restore_backup(&mut self, file: &Path) -> Result<(), Failure> {
        let spinner = progress(0);
        let mut source = BufReader::new(File::open(file).map_err(|error| at(file, &error))?);
        std::fs::create_dir_all(&self.data)?;
        let told = &mut |size: Size| spinner.set_message(format!("{} records", size.records));
        let restored = restore(&mut source, &self.data, options(&self.config), told);
        spinner.finish_and_clear();
        let restored = restored.map_err(|error| match error {
            error @ (Error::Invalid(_) | Error::NewerFormat { .. }) => Failure::refused("invalid", error.to_string()),
            error => Failure::from(CommandError::from(error)),
        })?;
        let faults: Vec<&str> = restored.faults.iter().map(|fault| fault.0.as_str()).collect();
        let records = restored.contents.size.records;
        let value = json!({ "records": records, "format": restored.contents.format, "faults": faults });
        self.done(&value, &format!("restored {records} records to {}, each compared with the backup", self.data.display()))?;
        match faults.len() {
            0 => Ok(()),
            number => Err(Failure::refused(
                "faults",
                format!("the store had {number} faults already when the backup was taken: see `shoji check`"),
            )),
        }
    }
}

fn checked(part: &Path, spinner: &ProgressBar) -> Result<Size, Failure> {
    let mut file = BufReader::new(File::open(part).map_err(|error| at(part, &error))?);
    let contents = verify(&mut file, &mut |size| spinner.set_message(format!("{} records read again", size.records)));
    Ok(contents.map_err(CommandError::from)?.size)
}

fn at(path: &Path, error: &std::io::Error) -> Failure {
    Failure::refused("failed", format!("{}: {error}", path.display()))
}
