//! Rows by when they are, so that a week of ten years costs what the week holds. Knows what its view shows and nothing else.

use crate::authorized::Row;
use acl::ObjectId;
use ical::TimeRange;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows in groups of like duration: those of group `n` last at most 2ⁿ days, so that among them only such can meet a range as
/// start at most so long before it. What has no start or no end meets most ranges, and is looked at for each.
#[derive(Debug, Default)]
pub(super) struct Spans {
    rows: BTreeMap<(Place, ObjectId), Arc<Row>>,
}

/// The group of a row and its start in seconds of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    group: u8,
    start: i64,
}

const DAY_SECONDS: u64 = 86_400;
/// The group of what has no start or no end.
const OPEN: u8 = u8::MAX;
/// The first group into which no duration falls: 2³² days are more than a calendar has.
const GROUPS: u8 = 32;

impl Place {
    fn of(span: &TimeRange) -> Self {
        let open = Self { group: OPEN, start: 0 };
        let (Some(start), Some(end)) = (span.start, span.end) else { return open };
        let Ok(seconds) = u64::try_from(end.timestamp().saturating_sub(start.timestamp())) else { return open };
        // A fraction of a second may make it last a little longer.
        let days = seconds.saturating_add(1).div_ceil(DAY_SECONDS).next_power_of_two();
        let group = u8::try_from(days.trailing_zeros()).unwrap_or(OPEN);
        if group < GROUPS { Self { group, start: start.timestamp() } } else { open }
    }
}

/// The least and the greatest object there could be.
const FIRST: ObjectId = ObjectId([0; 16]);
const LAST: ObjectId = ObjectId([u8::MAX; 16]);

impl Spans {
    pub(super) fn of<'r>(rows: impl Iterator<Item = &'r Arc<Row>>) -> Self {
        Self { rows: rows.map(|row| (key(row), row.clone())).collect() }
    }

    pub(super) fn insert(&mut self, row: &Arc<Row>) {
        self.rows.insert(key(row), row.clone());
    }

    pub(super) fn remove(&mut self, row: &Row) {
        self.rows.remove(&key(row));
    }

    /// The rows whose span overlaps or meets a range, in the order of their names.
    pub(super) fn meeting(&self, range: &TimeRange) -> Vec<Arc<Row>> {
        let mut met: Vec<Arc<Row>> = self.each_meeting(range).cloned().collect();
        met.sort_unstable_by(|one, other| one.name().cmp(other.name()));
        met
    }

    /// The same in no order: the tables of RFC 4791 §9.9 count some meetings as overlaps.
    pub(super) fn each_meeting(&self, range: &TimeRange) -> impl Iterator<Item = &Arc<Row>> {
        let (start, end) = (range.start.map(|start| start.timestamp()), range.end.map(|end| end.timestamp()));
        let before = |group: u8| i64::try_from(DAY_SECONDS << group).unwrap_or(i64::MAX);
        let closed = (0..GROUPS).flat_map(move |group| {
            let from = Place { group, start: start.map_or(i64::MIN, |start| start.saturating_sub(before(group))) };
            let to = Place { group, start: end.unwrap_or(i64::MAX) };
            // A range that ends before it starts meets nothing of some groups.
            (from <= to).then(|| self.rows.range((from, FIRST)..=(to, LAST))).into_iter().flatten()
        });
        let open = self.rows.range((Place { group: OPEN, start: i64::MIN }, FIRST)..);
        closed.chain(open).map(|(_, row)| row).filter(move |row| meets(&row.span(), range))
    }
}

fn key(row: &Row) -> (Place, ObjectId) {
    (Place::of(&row.span()), row.object())
}

/// Whether a span overlaps or meets a range.
fn meets(span: &TimeRange, range: &TimeRange) -> bool {
    let before = |end: Option<_>, start: Option<_>| matches!((end, start), (Some(end), Some(start)) if end < start);
    !before(span.end, range.start) && !before(range.end, span.start)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
    use super::*;
    use crate::authorized::StoredRow;
    use chrono::{DateTime, Utc};

    fn row(number: u64, (start, end): (Option<i64>, Option<i64>)) -> Arc<Row> {
        let at = |second: Option<i64>| second.map(|second| DateTime::<Utc>::from_timestamp(second, 0).unwrap());
        let mut object = [0; 16];
        object[..8].copy_from_slice(&number.to_be_bytes());
        let stored: StoredRow = serde_json::from_value(serde_json::json!({
            "object": object, "uid": null, "identity": "Real", "etag": "\"1\"", "content_bytes": 1, "kind": null, "edit": false,
            "delete": false, "span": { "start": at(start), "end": at(end) }, "least": "Full",
        }))
        .unwrap();
        Arc::new(Row::of_stored(&format!("{number:05}"), &stored))
    }

    /// Against looking at every row, while rows come and go.
    #[test]
    fn whoever_asks_for_a_stretch_of_time_is_given_what_looking_at_each_would_find() {
        let mut chance = 11_u64;
        let mut next = |below: u64| {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (chance >> 33) % below
        };
        let mut stretch = |longest: u64| {
            let start = i64::try_from(next(3_000_000_000)).unwrap() - 500_000_000;
            let length = [0, 1, 3_600, 86_400, 86_401, 7 * 86_400, next(longest)][usize::try_from(next(7)).unwrap()];
            match next(12) {
                0 => (None, Some(start)),
                1 => (Some(start), None),
                2 => (None, None),
                3 => (Some(start), Some(start - i64::try_from(next(9_000)).unwrap())),
                _ => (Some(start), Some(start + i64::try_from(length).unwrap())),
            }
        };
        let mut all: Vec<Arc<Row>> = (0..3_000).map(|number| row(number, stretch(900_000_000))).collect();
        let mut spans = Spans::of(all.iter());
        let mut found = 0;
        for round in 0..400_usize {
            let gone = all.remove(round * 7 % all.len());
            spans.remove(&gone);
            let new = row(3_000 + round as u64, stretch(900_000_000));
            spans.insert(&new);
            all.push(new);
            let (start, end) = stretch(40_000_000);
            let at = |second: Option<i64>| second.map(|second| DateTime::<Utc>::from_timestamp(second, 0).unwrap());
            let range = TimeRange { start: at(start), end: at(end) };
            let names = |rows: Vec<&Arc<Row>>| rows.into_iter().map(|row| row.name().to_owned()).collect::<Vec<_>>();
            let mut looked_at: Vec<&Arc<Row>> = all.iter().filter(|row| meets(&row.span(), &range)).collect();
            looked_at.sort_by(|one, other| one.name().cmp(other.name()));
            let met = spans.meeting(&range);
            found += met.len();
            assert_eq!(names(met.iter().collect()), names(looked_at), "{range:?}");
        }
        assert!(found > 10_000);
        assert_eq!(spans.rows.len(), all.len());
    }
}
