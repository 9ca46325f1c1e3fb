//! What both engines on disk ask of the file system, and how they tell its errors and their own panics.

use crate::error::{Error, Result};
use std::fs::{DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::time::Duration;

/// How long opening waits for a process that is just letting go of the files.
const LOCK_WAIT: Duration = Duration::from_millis(1_500);

/// Makes the directory of an engine. Calendars and password hashes: what is made here is its owner's alone.
pub(super) fn make_directory(directory: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| io_error(&error))
}

/// The names of freshly made files are durable only when their directories are.
pub(super) fn sync_names(directory: &Path) -> Result<()> {
    sync_directory(directory)?;
    directory.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or(Ok(()), sync_directory)
}

/// Makes the names in one directory durable.
pub(crate) fn sync_directory(directory: &Path) -> Result<()> {
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(|error| io_error(&error))
}

/// Tries again for a while where another process has the files.
pub(super) fn patiently<T>(attempt: impl Fn() -> Result<T>) -> Result<T> {
    let mut waited = Duration::ZERO;
    loop {
        match attempt() {
            Err(Error::InUse) if waited < LOCK_WAIT => {
                let pause = Duration::from_millis(50);
                std::thread::sleep(pause);
                waited += pause;
            }
            outcome => return outcome,
        }
    }
}

/// Runs what may panic on files that were damaged from outside: both engines trust what they once wrote. A panic of theirs
/// is one more way of saying that the files are damaged, and must not take down whoever asked.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Error::Corrupted("the engine's files")))
}

pub(crate) fn io_error(error: &std::io::Error) -> Error {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::DiskFull,
        ErrorKind::InvalidData | ErrorKind::UnexpectedEof => Error::Corrupted("the engine's files"),
        _ => Error::Engine(error.to_string()),
    }
}
