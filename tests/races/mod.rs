//! Several at once: what they are told is what one after the other might have been told, and each answer shows one moment of
//! events and rights.
//!
//! `SHOJI_STEPS` sets how long each goes on, `SHOJI_SEED` what is done; how it meets is the machine's.

mod answers;
mod history;
mod objects;
mod tokens;

/// Numbers by a seed.
pub struct Random(blake3::OutputReader);

impl Random {
    pub fn of(seed: &[u64]) -> Self {
        let mut hasher = blake3::Hasher::new();
        seed.iter().for_each(|part| {
            hasher.update(&part.to_le_bytes());
        });
        Self(hasher.finalize_xof())
    }

    pub fn below(&mut self, end: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes) % end
    }
}

pub fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |number| number.parse().unwrap())
}

/// One version of one event; where it stands in time tells the version, too.
fn text(uid: &str, version: u64, class: &str) -> String {
    let (day, hour) = (1 + version % 28, version % 23);
    format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\n\
         DTSTART:202612{day:02}T{hour:02}0000Z\r\nDTEND:202612{day:02}T{hour:02}3000Z\r\n{class}SUMMARY:version {version}\r\n\
         END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
}

/// The version that a body is of.
fn generation(body: &str) -> u64 {
    body.lines().find_map(|line| line.strip_prefix("SUMMARY:version ")).unwrap().trim().parse().unwrap()
}
