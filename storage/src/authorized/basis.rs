//! What a row keeps so that its object need not be projected, nor mostly read, to be answered with: where the text that it shows
//! stands, and when it is. A function of the projection that made the row, kept with it and renewed with it.
//!
//! None of it is told as it stands here.

use acl::per_user::{self, Overlay};
use acl::{StoredObject, ViewProfile, VisibleObject, busy_of_once};
use ical::TimeRange;
use ical::free_busy::{BusyPeriod, BusyType};
use ical::recurrence::Once;
use serde::{Deserialize, Deserializer, Serialize};

/// Where the text that is shown stands, byte for byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TextPlace {
    /// It is the stored body.
    Body,
    /// It is what the viewer wrote, which his own part holds.
    Own,
    /// It is the stored body with the viewer's own items put in.
    Merged,
}

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Basis {
    /// `None`: nowhere, it is put together; or it cannot be parsed.
    pub(crate) text: Option<TextPlace>,
    pub(crate) verbatim: bool,
    once: Option<OnceAs>,
}

/// The only time of an event, and how it counts for its viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct OnceAs {
    start: i64,
    seconds: u32,
    counts: Counts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Counts {
    Free,
    Tentative,
    Busy,
}

impl Basis {
    /// Of an object and what its viewer is shown of it.
    pub(crate) fn of(stored: &StoredObject<'_>, visible: &VisibleObject, profile: &ViewProfile) -> Self {
        let own = |overlay: &Overlay| overlay.verbatim.as_deref() == visible.text();
        let text = match visible.text() {
            Some(text) if text == stored.base_text => Some(TextPlace::Body),
            Some(_) if stored.overlay.is_some_and(own) => Some(TextPlace::Own),
            Some(text) if merged(stored).is_some_and(|merged| merged == text) => Some(TextPlace::Merged),
            _ => None,
        };
        // Of several stored components one may be all that is shown: then what is stored is looked at.
        let shown = visible.calendar().and_then(Once::of);
        let told = busy_of_once(stored, profile).filter(|(once, _)| Some(*once) == shown);
        let once = told.and_then(|(once, busy_type)| {
            let counts = match busy_type {
                None => Counts::Free,
                Some(BusyType::Tentative) => Counts::Tentative,
                Some(BusyType::Busy) => Counts::Busy,
                Some(BusyType::Unavailable) => return None,
            };
            let seconds = u32::try_from(once.end.checked_sub(once.start)?).ok()?;
            Some(OnceAs { start: once.start, seconds, counts })
        });
        Self { text, verbatim: visible.is_verbatim(), once }
    }

    /// Whether what is shown takes place in a range, by the rules for events (RFC 4791 §9.9); `None` where only the object tells.
    pub(crate) fn overlaps(&self, range: &TimeRange) -> Option<bool> {
        Some(self.once?.once().overlaps(range))
    }

    /// The busy time of it in a window; `None` where only the object tells.
    pub(crate) fn busy_period(&self, window: &TimeRange) -> Option<Option<BusyPeriod>> {
        let once = self.once?;
        let busy_type = match once.counts {
            Counts::Free => return Some(None),
            Counts::Tentative => BusyType::Tentative,
            Counts::Busy => BusyType::Busy,
        };
        Some(once.once().busy_period(busy_type, window))
    }
}

/// The stored body with the viewer's own items, if he has any.
fn merged(stored: &StoredObject<'_>) -> Option<String> {
    let items = stored.overlay.map(|overlay| overlay.items.as_slice()).filter(|items| !items.is_empty())?;
    Some(per_user::merge(stored.base?, items))
}

impl OnceAs {
    fn once(self) -> Once {
        Once { start: self.start, end: self.start.saturating_add(i64::from(self.seconds)) }
    }
}

/// What stands at the end of a row, where older programs wrote nothing.
pub(super) fn if_written<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Basis, D::Error> {
    Ok(Basis::deserialize(deserializer).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::read::{decode, encode};

    #[derive(Serialize)]
    struct Before {
        name: String,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Now {
        name: String,
        #[serde(default, deserialize_with = "if_written")]
        basis: Basis,
    }

    #[test]
    fn a_row_of_an_older_program_is_read_and_says_nothing_more() {
        let name = "a.ics".to_owned();
        let before: Now = decode(&encode(&Before { name: name.clone() }).unwrap()).unwrap();
        assert_eq!(before, Now { name: name.clone(), basis: Basis::default() });
        let once = Some(OnceAs { start: -5, seconds: 3_600, counts: Counts::Tentative });
        let now = Now { name, basis: Basis { text: Some(TextPlace::Own), verbatim: true, once } };
        assert_eq!(decode::<Now>(&encode(&now).unwrap()).unwrap(), now);
    }
}
