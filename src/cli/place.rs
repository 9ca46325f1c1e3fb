//! Where the store is, and opening it: for every command that works in a process of its own.

use super::output::Failure;
use crate::config::Config;
use crate::environment;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use storage::{Options, Store};

/// The directory of the store where none is named.
///
/// # Errors
/// The environment names no home.
pub fn default_data() -> Result<PathBuf, Failure> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .map(|base| base.join("shoji"))
        .ok_or_else(|| Failure::usage("neither XDG_DATA_HOME nor HOME is set: say where the store is with --data DIR"))
}

/// Opens the store of a directory.
///
/// # Errors
/// In use, damaged, of a newer format.
pub fn open_store(data: &Path, config: &Config) -> Result<Arc<Store>, Failure> {
    Store::open(data, options(config))
        .map_err(|error| Failure::refused("store", format!("cannot open the store in {}: {error}", data.display())))
}

/// How the configuration wants the store.
pub fn options(config: &Config) -> Options {
    Options {
        environment: environment::system(),
        limits: storage::Limits { reserve_bytes: config.storage.reserve_bytes, ..config.limits.storage() },
        directory: config.directory.into(),
        engine: config.storage.engine.map(Into::into),
    }
}
