//! An engine's file, with what the engine is not told: the first error that the disk answered with.

use super::files::io_error;
use super::group::locked;
use crate::error::Result;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Mutex;

/// The file as an engine sees it that refuses even reads once it was told of an error, although what was read before can be
/// read after. So it is not told: from the first failure on nothing reaches the disk any more, what it still writes to the end
/// of its commit and at closing is kept in memory, and whoever asked for that commit asks here whether it failed.
#[derive(Debug)]
pub(super) struct Disk {
    file: File,
    trouble: Mutex<Trouble>,
}

#[derive(Debug, Default)]
struct Trouble {
    failure: Option<io::Error>,
    /// Length of the file as the engine knows it, since the failure.
    length: u64,
    /// What it wrote since, in its order.
    writes: Vec<(u64, Vec<u8>)>,
    /// Every flush of the disk fails.
    #[cfg(test)]
    sabotaged: bool,
}

impl Disk {
    pub(super) fn new(file: File) -> Self {
        Self { file, trouble: Mutex::default() }
    }
    /// Lets every flush of the disk fail, or not.
    #[cfg(test)]
    pub(super) fn sabotage(&self, on: bool) {
        locked(&self.trouble).sabotaged = on;
    }
    /// The first failure, told anew.
    pub(super) fn refuse_if_failed(&self) -> Result<()> {
        locked(&self.trouble).failure.as_ref().map_or(Ok(()), |error| Err(io_error(error)))
    }
    /// Bytes of the file.
    pub(super) fn length(&self) -> io::Result<u64> {
        let trouble = locked(&self.trouble);
        if trouble.failure.is_some() { Ok(trouble.length) } else { Ok(self.file.metadata()?.len()) }
    }
    pub(super) fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let trouble = locked(&self.trouble);
        if trouble.failure.is_none() {
            drop(trouble);
            return self.file.read_exact_at(out, offset);
        }
        trouble.read(&self.file, offset, out)
    }
    pub(super) fn set_length(&self, length: u64) -> io::Result<()> {
        self.attempt(|file| file.set_len(length), |trouble| trouble.length = length)
    }
    pub(super) fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.attempt(|file| file.write_all_at(data, offset), |trouble| trouble.writes.push((offset, data.to_vec())))
    }
    /// Waits for the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.attempt(|_| self.flush(), |_| ())
    }
    /// Waits for the disk, with all that the file system says of the file.
    pub(super) fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all()
    }
    /// Runs `work` on the file, or `instead` where something failed or fails now.
    fn attempt(&self, work: impl FnOnce(&File) -> io::Result<()>, instead: impl FnOnce(&mut Trouble)) -> io::Result<()> {
        let mut trouble = locked(&self.trouble);
        if trouble.failure.is_none() {
            // Without the lock: a flush of the disk takes its time.
            drop(trouble);
            let outcome = work(&self.file);
            trouble = locked(&self.trouble);
            match outcome {
                Ok(()) => return Ok(()),
                Err(error) => {
                    trouble.length = self.file.metadata()?.len();
                    trouble.failure = Some(error);
                }
            }
        }
        instead(&mut trouble);
        Ok(())
    }
    fn flush(&self) -> io::Result<()> {
        #[cfg(test)]
        if locked(&self.trouble).sabotaged {
            return Err(io::Error::other("sabotaged"));
        }
        self.file.sync_data()
    }
}

impl Trouble {
    /// The file with what was written since over it.
    fn read(&self, file: &File, offset: u64, out: &mut [u8]) -> io::Result<()> {
        out.fill(0);
        let mut read = 0;
        while let Some(rest) = out.get_mut(read..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, offset + read as u64)? {
                0 => break,
                bytes => read += bytes,
            }
        }
        for (start, data) in &self.writes {
            let end = start + data.len() as u64;
            let (from, to) = (offset.max(*start), (offset + out.len() as u64).min(end));
            if from < to
                && let Some(target) = out.get_mut((from - offset) as usize..(to - offset) as usize)
                && let Some(source) = data.get((from - start) as usize..(to - start) as usize)
            {
                target.copy_from_slice(source);
            }
        }
        Ok(())
    }
}
