//! A log of commits ahead of an engine's own file: making them durable is one write after the other and one `fdatasync`, into
//! space that the file system has given already, so that nothing but the bytes themselves has to reach the disk.
//!
//! Two files are written in turn. While the commits of one are brought into the engine's file, the next go into the other; then
//! the first is written from its beginning again. What still counts is told by the records' numbers: each is one higher than the
//! one before, and the engine's file knows the last that it holds. A record that was interrupted does not match its checksum,
//! and nothing after it counts. Each begins with the log's secret, so that no content somebody stores can be taken for one.
//!
//! Must not know what is logged, nor when it is safe to write over it: whoever writes says so.

use super::Batch;
use super::files::{io_error, private, sync_names};
use crate::error::{Error, Result};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The files, in the engine's directory.
const FILES: [&str; 2] = ["shoji.wal.0", "shoji.wal.1"];
/// Records begin at multiples of it: what a torn write may destroy never holds another record.
const ALIGNMENT: u64 = 4 << 10;
/// A file grows by as much as it has, within these bounds; what a record does not fill is zeros for those that follow.
const GROWTH_MIN: u64 = 64 << 10;
const GROWTH_MAX: u64 = 1 << 20;
/// A file that grew beyond this is made anew when it is written from its beginning again.
const KEPT_BYTES: u64 = 32 << 20;
/// Bytes of a file that are looked through at once; a multiple of [`ALIGNMENT`].
const LOOK_BYTES: usize = 256 << 10;
/// Secret, number, length, checksum.
const HEADER_BYTES: usize = SECRET_BYTES + 8 + 4 + 4;
const SECRET_BYTES: usize = 16;
/// A length in a payload that says that the key is deleted.
const DELETED: u32 = u32::MAX;

/// What the log's records begin with.
pub(super) type Secret = [u8; SECRET_BYTES];

/// One key as it was written; `None` deletes.
pub(super) type Write = (Vec<u8>, Option<Vec<u8>>);

/// See the module.
pub(super) struct Log {
    files: [LogFile; 2],
    active: usize,
    /// Of the next record.
    number: u64,
    secret: Secret,
    /// Every flush of the disk fails.
    #[cfg(test)]
    pub(super) sabotaged: bool,
}

struct LogFile {
    file: File,
    length: u64,
    /// Where the next record begins.
    end: u64,
}

/// Records that the engine's file lacks.
pub(super) struct Replayed {
    /// In the order in which they were made.
    pub(super) writes: Vec<Write>,
    /// Of the last of them, or the last that the engine's file holds.
    pub(super) number: u64,
}

impl Log {
    /// Opens the log beside an engine's file that holds the records up to `applied`, and reads those after it. An error of
    /// damage: some of them are missing.
    pub(super) fn open(directory: &Path, secret: Secret, applied: u64) -> Result<(Self, Replayed)> {
        let mut made = false;
        let mut open = |name: &str| {
            let path = directory.join(name);
            made |= !path.exists();
            let file = private().create(true).truncate(false).open(path).map_err(|error| io_error(&error))?;
            let length = file.metadata().map_err(|error| io_error(&error))?.len();
            Ok::<_, Error>(LogFile { file, length, end: 0 })
        };
        let [first, second] = FILES;
        let files = [open(first)?, open(second)?];
        if made {
            sync_names(directory)?;
        }
        let mut log = Self {
            files,
            active: 0,
            number: applied.saturating_add(1),
            secret,
            #[cfg(test)]
            sabotaged: false,
        };
        let replayed = log.replay(applied)?;
        Ok((log, replayed))
    }

    fn replay(&mut self, applied: u64) -> Result<Replayed> {
        let mut chains = Vec::with_capacity(2);
        let mut ends = [0; 2];
        for ((index, file), end) in self.files.iter_mut().enumerate().zip(&mut ends) {
            let records = file.records(&self.secret)?;
            *end = file.end;
            if let Some(first) = records.first().map(|(number, _)| *number).filter(|_| records.last().is_some_and(|last| last.0 > applied))
            {
                chains.push((first, index, records));
            } else {
                // Nothing in it counts any more.
                file.end = 0;
            }
        }
        chains.sort_unstable_by_key(|(first, ..)| *first);
        let mut replayed = Replayed { writes: Vec::new(), number: applied };
        for (_, index, records) in &chains {
            for (number, payload) in records.iter().filter(|(number, _)| *number > applied) {
                if *number != replayed.number.saturating_add(1) {
                    return Err(Error::Corrupted("the engine's log"));
                }
                decode(payload, &mut replayed.writes)?;
                replayed.number = *number;
            }
            self.active = *index;
        }
        // Each record was durable before the next was written: behind one that was only interrupted there is no later one.
        for (file, end) in self.files.iter().zip(ends) {
            if file.has_record_after(&self.secret, end, replayed.number)? {
                return Err(Error::Corrupted("the engine's log"));
            }
        }
        // They may be there by the system's memory alone, which after a failed flush takes them for written. What is built on
        // them must not outlive them.
        for (_, index, records) in chains {
            if let Some(file) = self.files.get(index) {
                file.write_again(&self.secret, &records)?;
            }
        }
        self.number = replayed.number.saturating_add(1);
        Ok(replayed)
    }

    /// Makes a record of encoded writes durable; its number. After an error nothing may be written any more before the log
    /// was opened anew.
    pub(super) fn append(&mut self, payload: &[u8]) -> Result<u64> {
        let number = self.number;
        let record = record(&self.secret, number, payload)?;
        #[cfg(test)]
        let sabotaged = self.sabotaged;
        let Some(file) = self.files.get_mut(self.active) else { return Err(Error::Engine("the log has no file".into())) };
        file.make_room(record.len() as u64).map_err(|error| io_error(&error))?;
        file.file.write_all_at(&record, file.end).map_err(|error| io_error(&error))?;
        #[cfg(test)]
        if sabotaged {
            return Err(Error::Engine("sabotaged".into()));
        }
        file.file.sync_data().map_err(|error| io_error(&error))?;
        file.end = aligned(file.end.saturating_add(record.len() as u64));
        self.number = number.saturating_add(1);
        Ok(number)
    }

    /// Bytes of the records that stand in the file that is written to.
    pub(super) fn bytes(&self) -> u64 {
        self.files.get(self.active).map_or(0, |file| file.end)
    }

    /// Number of the last record.
    pub(super) fn last(&self) -> u64 {
        self.number.saturating_sub(1)
    }

    /// Goes on in the other file, from its beginning. The engine's file holds all records of that one.
    pub(super) fn turn(&mut self) {
        self.active = 1 - self.active.min(1);
        if let Some(file) = self.files.get_mut(self.active) {
            file.end = 0;
            // What one large commit took is given back; if it cannot be, it stays.
            if file.length > KEPT_BYTES && file.file.set_len(0).is_ok() {
                file.length = 0;
            }
        }
    }
}

impl LogFile {
    /// The records from its beginning on, as far as they are whole and follow each other; where the next would begin is noted.
    fn records(&mut self, secret: &Secret) -> Result<Vec<(u64, Vec<u8>)>> {
        let mut records: Vec<(u64, Vec<u8>)> = Vec::new();
        self.end = 0;
        let mut header = [0; HEADER_BYTES];
        while self.end.saturating_add(HEADER_BYTES as u64) <= self.length {
            self.file.read_exact_at(&mut header, self.end).map_err(|error| io_error(&error))?;
            let Some((number, length, sum)) = read_header(&header, secret) else { break };
            let after = self.end.saturating_add(HEADER_BYTES as u64).saturating_add(u64::from(length));
            let follows = records.last().is_none_or(|(last, _)| number == last.saturating_add(1));
            if !follows || after > self.length {
                break;
            }
            let mut payload = vec![0; length as usize];
            self.file.read_exact_at(&mut payload, self.end.saturating_add(HEADER_BYTES as u64)).map_err(|error| io_error(&error))?;
            if checksum(number, &payload) != sum {
                break;
            }
            records.push((number, payload));
            self.end = aligned(after);
        }
        Ok(records)
    }

    /// Whether a whole record with a number above `last` begins anywhere from `from` on.
    fn has_record_after(&self, secret: &Secret, from: u64, last: u64) -> Result<bool> {
        let mut block = vec![0; LOOK_BYTES];
        let mut position = aligned(from);
        while position < self.length {
            let bytes = usize::try_from(self.length.saturating_sub(position)).unwrap_or(usize::MAX).min(LOOK_BYTES);
            let block = block.get_mut(..bytes).unwrap_or_default();
            self.file.read_exact_at(block, position).map_err(|error| io_error(&error))?;
            for (page, at) in block.chunks(ALIGNMENT as usize).zip((position..).step_by(ALIGNMENT as usize)) {
                let header = page.first_chunk().and_then(|header| read_header(header, secret));
                let Some((number, length, sum)) = header.filter(|(number, ..)| *number > last) else { continue };
                let begin = at.saturating_add(HEADER_BYTES as u64);
                if begin.saturating_add(u64::from(length)) > self.length {
                    continue;
                }
                let mut payload = vec![0; length as usize];
                self.file.read_exact_at(&mut payload, begin).map_err(|error| io_error(&error))?;
                if checksum(number, &payload) == sum {
                    return Ok(true);
                }
            }
            position = position.saturating_add(bytes as u64);
        }
        Ok(false)
    }

    /// Writes the records with which the file begins once more, durably.
    fn write_again(&self, secret: &Secret, records: &[(u64, Vec<u8>)]) -> Result<()> {
        let mut position = 0;
        for (number, payload) in records {
            let record = record(secret, *number, payload)?;
            self.file.write_all_at(&record, position).map_err(|error| io_error(&error))?;
            position = aligned(position.saturating_add(record.len() as u64));
        }
        self.file.sync_data().map_err(|error| io_error(&error))
    }

    /// Grows until so many bytes more have a place.
    fn make_room(&mut self, bytes: u64) -> std::io::Result<()> {
        let wanted = self.end.saturating_add(bytes);
        if wanted <= self.length {
            return Ok(());
        }
        let length = aligned(wanted.max(self.length.saturating_add(self.length.clamp(GROWTH_MIN, GROWTH_MAX))));
        // Written and not only reserved, or the first writes there would have the file system's own to wait for.
        let zeros = vec![0; usize::try_from(length.saturating_sub(self.length)).unwrap_or(usize::MAX)];
        self.file.write_all_at(&zeros, self.length)?;
        self.length = length;
        Ok(())
    }
}

fn aligned(position: u64) -> u64 {
    position.next_multiple_of(ALIGNMENT)
}

fn checksum(number: u64, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&number.to_be_bytes());
    hasher.update(&(payload.len() as u64).to_be_bytes());
    hasher.update(payload);
    hasher.finalize()
}

fn record(secret: &Secret, number: u64, payload: &[u8]) -> Result<Vec<u8>> {
    let length = u32::try_from(payload.len()).map_err(|_| Error::Engine("too much to log at once".into()))?;
    let mut record = Vec::with_capacity(HEADER_BYTES.saturating_add(payload.len()));
    record.extend_from_slice(secret);
    record.extend_from_slice(&number.to_be_bytes());
    record.extend_from_slice(&length.to_be_bytes());
    record.extend_from_slice(&checksum(number, payload).to_be_bytes());
    record.extend_from_slice(payload);
    Ok(record)
}

/// Number, length of the payload and checksum.
fn read_header(header: &[u8; HEADER_BYTES], secret: &Secret) -> Option<(u64, u32, u32)> {
    let rest = header.strip_prefix(secret.as_slice())?;
    let (number, rest) = rest.split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let sum = rest.first_chunk::<4>()?;
    Some((u64::from_be_bytes(*number), u32::from_be_bytes(*length), u32::from_be_bytes(*sum)))
}

/// A batch as it stands in a record's payload; those of several commits stand one after the other.
pub(super) fn encode(batch: &Batch) -> Result<Vec<u8>> {
    let bytes = batch.writes.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len) + 8).sum();
    let mut encoded = Vec::with_capacity(bytes);
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).ok().filter(|length| *length < DELETED);
    let too_large = || Error::Engine("value too large".into());
    for (key, value) in &batch.writes {
        encoded.extend_from_slice(&length(key).ok_or_else(too_large)?.to_be_bytes());
        encoded.extend_from_slice(key);
        match value {
            Some(value) => {
                encoded.extend_from_slice(&length(value).ok_or_else(too_large)?.to_be_bytes());
                encoded.extend_from_slice(value);
            }
            None => encoded.extend_from_slice(&DELETED.to_be_bytes()),
        }
    }
    Ok(encoded)
}

fn decode(mut payload: &[u8], writes: &mut Vec<Write>) -> Result<()> {
    while !payload.is_empty() {
        let (write, rest) = decode_one(payload).ok_or(Error::Corrupted("the engine's log"))?;
        writes.push(write);
        payload = rest;
    }
    Ok(())
}

fn decode_one(payload: &[u8]) -> Option<(Write, &[u8])> {
    let (length, rest) = payload.split_first_chunk::<4>()?;
    let (key, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    match u32::from_be_bytes(*length) {
        DELETED => Some(((key.to_vec(), None), rest)),
        length => {
            let (value, rest) = rest.split_at_checked(length as usize)?;
            Some(((key.to_vec(), Some(value.to_vec())), rest))
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    const SECRET: Secret = [7; SECRET_BYTES];

    fn write(key: u8, size: usize) -> Vec<u8> {
        encode(&Batch { writes: vec![(vec![key], (size > 0).then(|| vec![key; size]))] }).unwrap()
    }

    fn keys(replayed: &Replayed) -> Vec<u8> {
        replayed.writes.iter().map(|(key, _)| *key.first().unwrap()).collect()
    }

    fn reopen(directory: &Path, applied: u64) -> (Log, Replayed) {
        Log::open(directory, SECRET, applied).unwrap()
    }

    #[test]
    fn what_was_logged_and_is_not_in_the_file_yet_comes_back_in_its_order_out_of_both_files() {
        let directory = tempfile::tempdir().unwrap();
        let (mut log, replayed) = reopen(directory.path(), 0);
        assert!(replayed.writes.is_empty());
        for lap in 0u8..6 {
            for record in 0..5 {
                assert_eq!(log.append(&write(lap * 5 + record, usize::from(record) * 3_000)).unwrap(), u64::from(lap * 5 + record + 1));
            }
            // All but the last file's is in the engine's file.
            let applied = u64::from(lap.saturating_sub(1)) * 5;
            let (_, replayed) = reopen(directory.path(), applied);
            assert_eq!(keys(&replayed), (applied as u8..(lap + 1) * 5).collect::<Vec<_>>());
            assert!(replayed.writes.iter().all(|(key, value)| (key.first().unwrap() % 5 == 0) == value.is_none()));
            // Some of a file's are.
            let (_, replayed) = reopen(directory.path(), applied + 2);
            assert_eq!(keys(&replayed), (applied as u8 + 2..(lap + 1) * 5).collect::<Vec<_>>());
            log.turn();
        }
        let (mut log, replayed) = reopen(directory.path(), 30);
        assert!(replayed.writes.is_empty() && replayed.number == 30);
        assert_eq!(log.append(&write(99, 10)).unwrap(), 31);
        let (mut log, replayed) = reopen(directory.path(), 30);
        assert_eq!(keys(&replayed), [99]);
        // The file that has records goes on behind them.
        log.append(&write(100, 10)).unwrap();
        assert_eq!(keys(&reopen(directory.path(), 30).1), [99, 100]);
    }

    #[test]
    fn a_record_that_was_interrupted_does_not_count_and_is_written_over() {
        let directory = tempfile::tempdir().unwrap();
        let (mut log, _) = reopen(directory.path(), 0);
        let sizes = [9_000, 100, 5_000];
        sizes.iter().zip(1u8..).for_each(|(size, key)| assert_eq!(log.append(&write(key, *size)).unwrap(), u64::from(key)));
        let path = directory.path().join("shoji.wal.0");
        let whole = std::fs::read(&path).unwrap();
        // The third begins in the fifth page: 12 KiB and 4 KiB stand before it.
        for torn in [16_384, 16_390, 16_384 + 40, 16_384 + 5_000] {
            let mut bytes = whole.clone();
            bytes.iter_mut().skip(torn).take(1).for_each(|byte| *byte ^= 1);
            std::fs::write(&path, &bytes).unwrap();
            let (mut log, replayed) = reopen(directory.path(), 0);
            assert_eq!(keys(&replayed), [1, 2]);
            assert_eq!(log.append(&write(4, 10)).unwrap(), 3);
            assert_eq!(keys(&reopen(directory.path(), 0).1), [1, 2, 4]);
        }
        // One that was acknowledged long ago is missing: that is damage, and not an end.
        std::fs::write(&path, &whole).unwrap();
        let (mut log, _) = reopen(directory.path(), 0);
        log.turn();
        log.append(&write(4, 10)).unwrap();
        let mut bytes = whole;
        bytes.iter_mut().skip(16_390).take(1).for_each(|byte| *byte ^= 1);
        std::fs::write(&path, &bytes).unwrap();
        assert!(matches!(Log::open(directory.path(), SECRET, 0), Err(Error::Corrupted(_))));
    }

    /// A flipped bit in a record that had been acknowledged took all after it away without a word; and when the records written
    /// in its place had come up to one of those, they stood there again.
    #[test]
    fn a_damaged_record_with_later_ones_behind_it_is_no_end() {
        let directory = tempfile::tempdir().unwrap();
        let (mut log, _) = reopen(directory.path(), 0);
        (1..=6).for_each(|key| assert_eq!(log.append(&write(key, 3_000)).unwrap(), u64::from(key)));
        let path = directory.path().join("shoji.wal.0");
        let whole = std::fs::read(&path).unwrap();
        let damaged = |record: usize| {
            let mut bytes = whole.clone();
            bytes.iter_mut().skip(record * 4_096 + 100).take(1).for_each(|byte| *byte ^= 1);
            std::fs::write(&path, &bytes).unwrap();
        };
        // Of the first two the engine's file holds what they say; the damage hides those that it does not hold.
        for (record, applied) in [(0, 0), (2, 0), (4, 0), (0, 2), (1, 2), (4, 2)] {
            damaged(record);
            assert!(matches!(Log::open(directory.path(), SECRET, applied), Err(Error::Corrupted(_))), "{record} {applied}");
        }
        damaged(5);
        assert_eq!(keys(&reopen(directory.path(), 2).1), [3, 4, 5]);
        damaged(2);
        assert_eq!(reopen(directory.path(), 6).1.number, 6, "nothing of it counts");
    }

    #[test]
    fn a_file_that_one_large_record_made_large_does_not_stay_so() {
        let directory = tempfile::tempdir().unwrap();
        let (mut log, _) = reopen(directory.path(), 0);
        log.append(&write(1, KEPT_BYTES as usize + 1)).unwrap();
        let length = || std::fs::metadata(directory.path().join("shoji.wal.0")).unwrap().len();
        assert!(length() > KEPT_BYTES);
        log.turn();
        log.append(&write(2, 10)).unwrap();
        log.turn();
        log.append(&write(3, 10)).unwrap();
        assert!(length() < KEPT_BYTES);
        assert_eq!(keys(&reopen(directory.path(), 1).1), [2, 3]);
    }

    #[test]
    fn what_somebody_stores_is_never_taken_for_a_record() {
        let directory = tempfile::tempdir().unwrap();
        let (mut log, _) = reopen(directory.path(), 0);
        let forged = record(&[8; SECRET_BYTES], 2, &write(66, 10)).unwrap();
        // Where the next record would begin stands what a longer one of an earlier lap held there.
        let mut content = vec![0; ALIGNMENT as usize - HEADER_BYTES - 9];
        content.extend_from_slice(&forged);
        content.resize(3 * ALIGNMENT as usize, 0);
        log.append(&encode(&Batch { writes: vec![(vec![1], Some(content))] }).unwrap()).unwrap();
        log.turn();
        log.turn();
        log.number = 1;
        log.append(&write(1, 10)).unwrap();
        assert_eq!(std::fs::read(directory.path().join("shoji.wal.0")).unwrap().get(4_096..4_096 + forged.len()), Some(forged.as_slice()));
        assert_eq!(keys(&reopen(directory.path(), 0).1), [1]);
        // Whoever knew the secret could do no more than damage.
        assert!(matches!(Log::open(directory.path(), [8; SECRET_BYTES], 1), Err(Error::Corrupted(_))));
    }
}
