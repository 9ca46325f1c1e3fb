//! A disk with a cache that forgets. What was written and not flushed stands in the cache alone; when the power is cut, each of
//! those writes is lost, kept, or torn between two sectors. Must never lose what a flush was answered for.

use bench::chance::Chance;
use std::collections::{BTreeMap, BTreeSet};

/// What a disk writes whole or not at all, in bytes.
pub(crate) const SECTOR: usize = 512;
/// Beyond so many sectors the cache writes everything down, as a drive's has to.
const CACHED_SECTORS_MAX: usize = (64 << 20) / SECTOR;

/// A request beyond the disk's end, or one that comes after the cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Not sectors of this disk.
    OutOfRange,
    /// There is no power.
    Off,
}

/// One state of one sector in the cache.
#[derive(Debug)]
struct Cached {
    /// Which write it came with.
    write: u64,
    bytes: Vec<u8>,
}

/// How the cache fares when the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Nothing of it reaches the disk.
    All,
    /// Of each write, in so many of a hundred cases, something does.
    KeepPercent(u64),
}

/// What a cut did to the cache, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Lost.
    pub(crate) dropped: u64,
    /// Reached the disk after all.
    pub(crate) kept: u64,
}

/// The disk.
#[derive(Debug)]
pub(crate) struct Disk {
    /// What a cut leaves alone.
    durable: Vec<u8>,
    /// By sector, oldest state first.
    cache: BTreeMap<usize, Vec<Cached>>,
    cached_sectors: usize,
    writes: u64,
    /// Writes until the power goes by itself.
    writes_left: Option<u64>,
    on: bool,
}

impl Disk {
    /// A disk with this content and an empty cache. Its length is cut to whole sectors.
    pub(crate) fn new(mut content: Vec<u8>) -> Self {
        content.truncate(content.len() / SECTOR * SECTOR);
        Self { durable: content, cache: BTreeMap::new(), cached_sectors: 0, writes: 0, writes_left: None, on: true }
    }

    /// Its size in bytes.
    pub(crate) fn size(&self) -> u64 {
        self.durable.len() as u64
    }

    /// The sectors that so many bytes at this offset are.
    fn sectors(&self, offset: u64, length: usize) -> Result<std::ops::Range<usize>, Refusal> {
        if !self.on {
            return Err(Refusal::Off);
        }
        let offset = usize::try_from(offset).map_err(|_| Refusal::OutOfRange)?;
        let end = offset.checked_add(length).filter(|end| *end <= self.durable.len()).ok_or(Refusal::OutOfRange)?;
        if !offset.is_multiple_of(SECTOR) || !length.is_multiple_of(SECTOR) {
            return Err(Refusal::OutOfRange);
        }
        Ok(offset / SECTOR..end / SECTOR)
    }

    /// Lets the power go with the write after so many: at a moment when the cache is not empty.
    pub(crate) fn cut_after(&mut self, writes: u64) {
        self.writes_left = Some(writes);
    }

    /// What was written last, flushed or not.
    pub(crate) fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>, Refusal> {
        let sectors = self.sectors(offset, length)?;
        let mut bytes = self.durable.get(sectors.start * SECTOR..sectors.end * SECTOR).ok_or(Refusal::OutOfRange)?.to_vec();
        for (sector, states) in self.cache.range(sectors.clone()) {
            let at = (sector - sectors.start) * SECTOR;
            if let (Some(place), Some(last)) = (bytes.get_mut(at..at + SECTOR), states.last()) {
                place.copy_from_slice(&last.bytes);
            }
        }
        Ok(bytes)
    }

    /// Writes into the cache.
    pub(crate) fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Refusal> {
        let sectors = self.sectors(offset, bytes.len())?;
        self.writes += 1;
        for (sector, chunk) in sectors.zip(bytes.chunks_exact(SECTOR)) {
            self.cache.entry(sector).or_default().push(Cached { write: self.writes, bytes: chunk.to_vec() });
            self.cached_sectors += 1;
        }
        match self.writes_left {
            Some(0) => {
                self.on = false;
                return Err(Refusal::Off);
            }
            Some(left) => self.writes_left = Some(left - 1),
            None => {}
        }
        if self.cached_sectors > CACHED_SECTORS_MAX {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes past the cache: durable at once, and nothing older comes over it later.
    pub(crate) fn write_through(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Refusal> {
        for (sector, chunk) in self.sectors(offset, bytes.len())?.zip(bytes.chunks_exact(SECTOR)) {
            let forgotten = self.cache.remove(&sector).unwrap_or_default();
            self.cached_sectors -= forgotten.len();
            settle(&mut self.durable, sector, chunk);
        }
        Ok(())
    }

    /// Makes everything written so far durable.
    pub(crate) fn flush(&mut self) -> Result<(), Refusal> {
        if !self.on {
            return Err(Refusal::Off);
        }
        for (sector, states) in std::mem::take(&mut self.cache) {
            if let Some(last) = states.last() {
                settle(&mut self.durable, sector, &last.bytes);
            }
        }
        self.cached_sectors = 0;
        Ok(())
    }

    /// Cuts the power, or finds that it is gone: every request is refused from there on. What the cache held is lost or kept.
    pub(crate) fn cut(&mut self, loss: Loss, chance: &mut Chance) -> Cut {
        self.on = false;
        let mut cut = Cut::default();
        let writes: BTreeSet<u64> = self.cache.values().flatten().map(|state| state.write).collect();
        // A write that is kept is torn in one of three cases.
        let fates: BTreeMap<u64, Fate> = writes.into_iter().map(|write| (write, fate(loss, chance))).collect();
        for (sector, states) in std::mem::take(&mut self.cache) {
            let mut kept = None;
            for state in &states {
                let stays = match fates.get(&state.write) {
                    Some(Fate::Kept) => true,
                    Some(Fate::Torn) => chance.percent(50),
                    Some(Fate::Lost) | None => false,
                };
                if stays {
                    kept = Some(state);
                    cut.kept += SECTOR as u64;
                } else {
                    cut.dropped += SECTOR as u64;
                }
            }
            if let Some(state) = kept {
                settle(&mut self.durable, sector, &state.bytes);
            }
        }
        self.cached_sectors = 0;
        cut
    }

    /// What is on the disk once there is power again.
    pub(crate) fn left(&self) -> &[u8] {
        &self.durable
    }
}

/// What becomes of one write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Kept,
    Torn,
    Lost,
}

fn fate(loss: Loss, chance: &mut Chance) -> Fate {
    match loss {
        Loss::All => Fate::Lost,
        Loss::KeepPercent(percent) if !chance.percent(percent) => Fate::Lost,
        Loss::KeepPercent(_) if chance.below(3) == 0 => Fate::Torn,
        Loss::KeepPercent(_) => Fate::Kept,
    }
}

fn settle(durable: &mut [u8], sector: usize, bytes: &[u8]) {
    if let Some(place) = durable.get_mut(sector * SECTOR..(sector + 1) * SECTOR) {
        place.copy_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
    use super::*;

    const SECTORS: usize = 64;

    fn disk() -> Disk {
        Disk::new(vec![0; SECTORS * SECTOR])
    }

    fn sectors_with(disk: &Disk, byte: u8) -> usize {
        disk.left().chunks(SECTOR).filter(|sector| sector.iter().all(|b| *b == byte)).count()
    }

    #[test]
    fn what_was_not_flushed_is_read_and_lost() {
        let mut disk = disk();
        disk.write(512, &[1; 1_024]).unwrap();
        disk.flush().unwrap();
        disk.write(1_024, &[2; 1_024]).unwrap();
        assert_eq!(disk.read(512, 1_536).unwrap(), [[1; 512], [2; 512], [2; 512]].concat());
        let cut = disk.cut(Loss::All, &mut Chance::new(1, "cut"));
        assert_eq!(cut, Cut { dropped: 1_024, kept: 0 });
        assert_eq!(disk.left()[..2_048], [[0; 512], [1; 512], [1; 512], [0; 512]].concat());
    }

    #[test]
    fn without_power_nothing_is_answered() {
        let mut disk = disk();
        disk.cut(Loss::All, &mut Chance::new(1, "cut"));
        assert_eq!(disk.read(0, 512), Err(Refusal::Off));
        assert_eq!(disk.write(0, &[1; 512]), Err(Refusal::Off));
        assert_eq!(disk.write_through(0, &[1; 512]), Err(Refusal::Off));
        assert_eq!(disk.flush(), Err(Refusal::Off));
    }

    #[test]
    fn the_power_goes_with_the_write_it_was_told() {
        let mut disk = disk();
        disk.cut_after(1);
        disk.write(0, &[1; 512]).unwrap();
        disk.flush().unwrap();
        assert_eq!(disk.write(512, &[2; 512]), Err(Refusal::Off));
        assert_eq!(disk.flush(), Err(Refusal::Off));
        assert_eq!(disk.cut(Loss::All, &mut Chance::new(1, "cut")), Cut { dropped: 512, kept: 0 });
        assert_eq!(disk.left()[..1_024], [[1; 512], [0; 512]].concat());
    }

    #[test]
    fn a_write_through_stays_and_takes_nothing_else_along() {
        let mut disk = disk();
        disk.write(0, &[1; 1_024]).unwrap();
        disk.write_through(0, &[2; 512]).unwrap();
        disk.cut(Loss::KeepPercent(100), &mut Chance::new(1, "none is torn by this seed"));
        assert_eq!(disk.left()[..512], [2; 512], "the older write came over it");
        let mut disk = self::disk();
        disk.write(0, &[1; 1_024]).unwrap();
        disk.write_through(0, &[2; 512]).unwrap();
        disk.cut(Loss::All, &mut Chance::new(1, "cut"));
        assert_eq!(disk.left()[..1_024], [[2; 512], [0; 512]].concat());
    }

    #[test]
    fn a_cut_can_keep_later_writes_without_earlier_ones_and_tear_them() {
        let (mut reordered, mut torn) = (0, 0);
        for seed in 0..100 {
            let mut disk = disk();
            disk.write(0, &[1; 8 * 512]).unwrap();
            disk.write(8 * 512, &[2; 8 * 512]).unwrap();
            let cut = disk.cut(Loss::KeepPercent(50), &mut Chance::new(seed, "cut"));
            assert_eq!(cut.dropped + cut.kept, 16 * 512);
            let (first, second) = (sectors_with(&disk, 1), sectors_with(&disk, 2));
            reordered += usize::from(first == 0 && second == 8);
            torn += usize::from((1..8).contains(&first));
        }
        assert!(reordered > 5 && torn > 5, "{reordered} reordered, {torn} torn");
    }

    #[test]
    fn nothing_is_beyond_its_end_or_between_its_sectors() {
        let mut disk = disk();
        let size = disk.size();
        assert_eq!(size, 64 * 512);
        for (offset, length) in [(size, 512), (u64::MAX, 512), (size - 512, 1_024), (1, 512), (0, 511)] {
            assert_eq!(disk.read(offset, length), Err(Refusal::OutOfRange), "{offset} {length}");
            assert_eq!(disk.write(offset, &vec![0; length]), Err(Refusal::OutOfRange), "{offset} {length}");
        }
    }
}
