//! Making a store of a backup, in a directory that has none. The backup is read to its end before anything is written, what
//! was written is compared with it record by record, and only then gets its place.

use super::file::{Contents, Size, read};
use crate::administration::Fault;
use crate::change_engine::Place;
use crate::engine::{self, Batch, Engine, KEYS_END, KeyRange, io_error};
use crate::error::{Error, Result};
use crate::record::FORMAT_VERSION;
use crate::store::{Options, Store};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;

/// Where the store is made.
const UNFINISHED: &str = ".restoring";
/// Bytes committed at a time.
const BATCH_BYTES: usize = 4 << 20;

/// What was made of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What the backup says of itself.
    pub contents: Contents,
    /// Faults that the store had already when the backup was taken.
    pub faults: Vec<Fault>,
}

/// A backup, to be read several times.
pub trait Source: Read + Seek {}
impl<T: Read + Seek> Source for T {}

/// Reads a backup to its end. `Invalid` says what is wrong with it.
pub fn verify(file: &mut dyn Read, progress: &mut dyn FnMut(Size)) -> Result<Contents> {
    let mut size = Size::default();
    read(file, &mut |key, value| {
        count(&mut size, key, value, progress);
        Ok(())
    })
}

fn count(size: &mut Size, key: &[u8], value: &[u8], progress: &mut dyn FnMut(Size)) {
    size.records += 1;
    size.bytes += (key.len() + value.len()) as u64;
    if size.records.is_multiple_of(1_000) {
        progress(*size);
    }
}

/// Makes a store of the backup in `directory`, which holds none. A store of an older format is brought to the present one.
/// `progress` is called now and then, in each of three passes: reading, writing, comparing.
pub fn restore(file: &mut dyn Source, directory: &Path, options: Options, progress: &mut dyn FnMut(Size)) -> Result<Restored> {
    if Store::exists(directory) {
        return Err(Error::Invalid(format!("{} holds a store already: restore into another directory", directory.display())));
    }
    let contents = verify(file, progress)?;
    if contents.format > FORMAT_VERSION {
        return Err(Error::NewerFormat { found: contents.format, known: FORMAT_VERSION });
    }
    let _lock = Place::new(directory).lock()?;
    let unfinished = directory.join(UNFINISHED);
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished).map_err(|error| io_error(&error))?;
    }
    let store = unfinished.join("store");
    {
        let engine = engine::open(&store, options.engine, options.limits.cache_bytes)?;
        rewind(file)?;
        fill(engine.as_ref(), file, progress)?;
        rewind(file)?;
        compare(engine.as_ref(), file, contents, progress)?;
        engine.close()?;
    }
    let opened = Store::open(&unfinished, options)?;
    let faults = opened.administration().check(&mut |_, _| {})?;
    // Not as a store is closed that was in use: nothing is written to it but by those who use it.
    let engine = opened.gate.write().take();
    engine.map_or(Ok(()), |engine| engine.close())?;
    drop(opened);
    let placed = std::fs::rename(&store, directory.join("store"))
        .and_then(|()| File::open(directory)?.sync_all())
        .and_then(|()| std::fs::remove_dir_all(&unfinished));
    placed.map_err(|error| io_error(&error))?;
    Ok(Restored { contents, faults })
}

fn rewind(file: &mut dyn Source) -> Result<()> {
    file.seek(SeekFrom::Start(0)).map(drop).map_err(|error| io_error(&error))
}

fn fill(engine: &dyn Engine, file: &mut dyn Source, progress: &mut dyn FnMut(Size)) -> Result<()> {
    let (mut batch, mut bytes, mut size) = (Batch::default(), 0usize, Size::default());
    let mut source = Reading(file);
    read(&mut source, &mut |key, value| {
        count(&mut size, key, value, progress);
        bytes += key.len() + value.len();
        batch.writes.push((key.to_vec(), Some(value.to_vec())));
        if bytes >= BATCH_BYTES {
            bytes = 0;
            engine.wait(engine.commit(std::mem::take(&mut batch))?)?;
        }
        Ok(())
    })?;
    engine.wait(engine.commit(batch)?)
}

fn compare(engine: &dyn Engine, file: &mut dyn Source, contents: Contents, progress: &mut dyn FnMut(Size)) -> Result<()> {
    let mut size = Size::default();
    read(&mut Reading(file), &mut |key, value| {
        count(&mut size, key, value, progress);
        match engine.get(key)? {
            Some(found) if found == value => Ok(()),
            _ => Err(Error::Corrupted("what was restored is not what is in the backup")),
        }
    })?;
    let mut found = 0u64;
    engine.scan(&KeyRange { start: vec![0], end: Some(vec![KEYS_END]) }, &mut |_, _| {
        found += 1;
        Ok(ControlFlow::Continue(()))
    })?;
    if found != contents.size.records {
        return Err(Error::Corrupted("what was restored is not what is in the backup"));
    }
    Ok(())
}

/// Only the reading side.
struct Reading<'f>(&'f mut dyn Source);

impl Read for Reading<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}
