//! What both engines on disk ask of the file system, and how they tell its errors and their own panics.

use crate::error::{Error, Result};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::time::Duration;

/// How long opening waits for a process that is just letting go of the files.
const LOCK_WAIT: Duration = Duration::from_millis(1_500);

/// Makes a directory of the store's. Calendars and password hashes: what is made here is its owner's alone.
pub(crate) fn make_directory(directory: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| io_error(&error))
}

/// The names of freshly made files are durable only when their directories are.
pub(super) fn sync_names(directory: &Path) -> Result<()> {
    sync_directory(directory)?;
    directory.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or(Ok(()), sync_directory)
}

/// Makes the names in one directory durable.
pub(super) fn sync_directory(directory: &Path) -> Result<()> {
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(|error| io_error(&error))
}

/// Gives a directory another name beside it, durably.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    std::fs::rename(from, to).map_err(|error| io_error(&error))?;
    to.parent().map_or(Ok(()), sync_directory)
}

/// Removes a directory with all that is in it, durably, if there is one.
pub(crate) fn remove_directory(directory: &Path) -> Result<()> {
    match std::fs::remove_dir_all(directory) {
        Ok(()) => directory.parent().map_or(Ok(()), sync_directory),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io_error(&error)),
    }
}

/// How the store's files are opened: for their owner alone.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

/// A file that nobody else can lock while it is kept. [`Error::InUse`] if somebody has.
pub(crate) fn lock_file(path: &Path) -> Result<File> {
    let file = private().create(true).truncate(false).open(path).map_err(|error| io_error(&error))?;
    patiently(|| match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(Error::InUse),
        Err(TryLockError::Error(error)) => Err(io_error(&error)),
    })?;
    Ok(file)
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
    match error.kind() {
        // A file that may not grow, by a limit of the file system or of the process, is as good as a full disk.
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Error::DiskFull,
        ErrorKind::InvalidData | ErrorKind::UnexpectedEof => Error::Corrupted("the engine's files"),
        _ => Error::Engine(error.to_string()),
    }
}
