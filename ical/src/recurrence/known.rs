//! When the instances of an event are, kept apart from the event so that questions about time need not read it again.
//!
//! A series is kept in pages of time, each looked through when it is first asked for. What is not known, or would take more
//! work than a question to the event itself may cause, is answered by `None`: then the event is to be asked. An answer is the
//! event's own. Only times and how they count are kept here, never a word of the event.

use super::overlap::Times;
use super::series::Series;
use super::{Budget, Candidate, ExpansionLimits, TooManyInstances};
use crate::calendar_object::{CalendarObject, ComponentKind};
use crate::date_time::TimeRange;
use crate::free_busy::{BusyPeriod, BusyType, busy_type, clip};
use crate::time_zone::Zone;
use chrono::{DateTime, TimeDelta, Utc};
use std::ops::ControlFlow;

/// What one page covers: about a month, so that the window of a calendar program falls into one, two or three.
const PAGE_SECONDS: i64 = 32 * 86_400;
/// Pages one question may need.
const PAGES_MAX: i64 = 16;
/// Pages kept; beyond that all but those of the present question go.
const PAGES_KEPT_MAX: usize = 24;
/// For a question without end, pages are looked through for a first hit up to so many: more than a year.
const PAGES_PROBED: i64 = 13;
/// Instances of an event without a rule, beyond which it is kept in pages too.
const UNRULED_MAX: usize = 64;

/// One instance in eight bytes, for a calendar may have a hundred thousand of them: its time, and how it counts as busy time.
#[derive(Clone, Copy, Debug)]
struct Moment {
    /// Seconds from the beginning of its page to its start.
    starts: i32,
    /// Its length in seconds, and below [`FLAG_BITS`] how it counts.
    lasts: u32,
}

const FLAG_BITS: u32 = 3;
const IS_POINT: u32 = 1;
const BUSY_SHIFT: u32 = 1;

impl Moment {
    /// `None` for what is further away or longer than can be said.
    fn of(times: &Times, busy_type: Option<BusyType>, page_begins: i64) -> Option<Self> {
        let start = times.start.timestamp();
        let seconds = u32::try_from(times.end.timestamp().checked_sub(start)?).ok()?;
        let busy = match busy_type {
            None => 0,
            Some(BusyType::Tentative) => 1,
            Some(BusyType::Unavailable) => 2,
            Some(BusyType::Busy) => 3,
        };
        let flags = (u32::from(times.is_point) * IS_POINT) | (busy << BUSY_SHIFT);
        let lasts = seconds.checked_mul(1 << FLAG_BITS)? | flags;
        Some(Self { starts: i32::try_from(start.checked_sub(page_begins)?).ok()?, lasts })
    }
    fn start(self, page_begins: i64) -> i64 {
        page_begins.saturating_add(i64::from(self.starts))
    }
    fn times(self, page_begins: i64) -> Option<Times> {
        let start = self.start(page_begins);
        let end = start.saturating_add(i64::from(self.lasts >> FLAG_BITS));
        let (start, end) = DateTime::from_timestamp(start, 0).zip(DateTime::from_timestamp(end, 0))?;
        Some(Times { start, end, is_point: self.lasts & IS_POINT != 0 })
    }
    fn busy_type(self) -> Option<BusyType> {
        match (self.lasts >> BUSY_SHIFT) & 3 {
            0 => None,
            1 => Some(BusyType::Tentative),
            2 => Some(BusyType::Unavailable),
            _ => Some(BusyType::Busy),
        }
    }
}

/// The instances that overlap, or are within a second of, a stretch of time.
#[derive(Clone, Debug)]
struct Page {
    number: i32,
    /// What finding them cost.
    steps: u32,
    moments: Box<[Moment]>,
}

impl Page {
    fn begins(&self) -> i64 {
        i64::from(self.number).saturating_mul(PAGE_SECONDS)
    }
    /// Whether an instance begins before its end.
    fn ends_after_start_of(&self, moment: Moment) -> bool {
        moment.start(self.begins()) < self.begins().saturating_add(PAGE_SECONDS)
    }
    /// Whether an instance begins in it.
    fn has_start_of(&self, moment: Moment) -> bool {
        moment.start(self.begins()) >= self.begins() && self.ends_after_start_of(moment)
    }
    /// Those of its instances that overlap a range.
    fn overlapping(&self, range: &TimeRange) -> impl Iterator<Item = (Moment, Times)> {
        let timed = self.moments.iter().filter_map(|moment| Some((*moment, moment.times(self.begins())?)));
        timed.filter(|(_, times)| times.overlap(range))
    }
}

#[derive(Clone, Debug)]
enum Known {
    /// All instances there are, as if of one page.
    All(Page),
    /// Those of some pages, in the order of their numbers.
    Pages(Vec<Page>),
}

/// See the module.
#[derive(Clone, Debug)]
pub struct KnownInstances {
    floating: Zone,
    span: TimeRange,
    known: Known,
}

/// Consecutive pages.
#[derive(Clone, Copy)]
struct Pages {
    first: i64,
    last: i64,
    /// Whether they cover all that was asked about.
    complete: bool,
}

impl KnownInstances {
    /// Of what has no instances.
    pub fn none() -> Self {
        Self { floating: Zone::utc(), span: TimeRange::default(), known: Known::All(Page { number: 0, steps: 0, moments: Box::default() }) }
    }

    /// Of an event of which nothing is known yet, floating values and dates taken in `floating`; with all instances if it has no
    /// rule. `None` for the other kinds, and for additions that are periods: their ends may lie before their starts.
    pub fn of(object: &CalendarObject, floating: &Zone, limits: &ExpansionLimits) -> Option<Self> {
        let has = |name: &str| object.components().any(|component| component.line(name).is_some());
        let additions = object.components().flat_map(|component| component.lines_named("RDATE"));
        if object.kind() != ComponentKind::Event || additions.into_iter().any(|line| line.value.contains('/')) {
            return None;
        }
        let mut known = Known::Pages(Vec::new());
        if !has("RRULE")
            && let Ok(page) = find(object, &TimeRange::default(), (page_of_start(object), floating), limits)
            && page.moments.len() <= UNRULED_MAX
        {
            known = Known::All(page);
        }
        Some(Self { floating: floating.clone(), span: object.span(), known })
    }

    /// Whether floating values and dates were taken in this zone.
    pub fn is_in(&self, floating: &Zone) -> bool {
        matches!(&self.known, Known::All(page) if page.moments.is_empty()) || self.floating == *floating
    }

    /// Bytes of memory behind it.
    pub fn heap_bytes(&self) -> usize {
        match &self.known {
            Known::All(page) => size_of_val::<[Moment]>(&page.moments),
            Known::Pages(pages) => {
                pages.capacity() * size_of::<Page>() + pages.iter().map(|page| size_of_val::<[Moment]>(&page.moments)).sum::<usize>()
            }
        }
    }

    /// Looks through the pages that an answer about `range` needs and that are not known; without an end, up to the first hit.
    /// `object` is the one this was made of.
    ///
    /// # Errors
    /// When that takes more than the limits of one question allow.
    pub fn learn(&mut self, object: &CalendarObject, range: &TimeRange, limits: &ExpansionLimits) -> Result<(), TooManyInstances> {
        let Some(wanted) = self.pages_of(range) else { return Ok(()) };
        let Known::Pages(pages) = &mut self.known else { return Ok(()) };
        if pages.len() >= PAGES_KEPT_MAX {
            pages.retain(|page| (wanted.first..=wanted.last).contains(&i64::from(page.number)));
        }
        let slack = TimeDelta::seconds(1);
        for number in wanted.first..=wanted.last {
            let is_hit = |page: &Page| !wanted.complete && page.overlapping(range).next().is_some();
            let at = match pages.binary_search_by_key(&number, |page| i64::from(page.number)) {
                Ok(at) if pages.get(at).is_some_and(is_hit) => return Ok(()),
                Ok(_) => continue,
                Err(at) => at,
            };
            let begins = DateTime::from_timestamp(number.saturating_mul(PAGE_SECONDS), 0);
            let ends = DateTime::from_timestamp(number.saturating_add(1).saturating_mul(PAGE_SECONDS), 0);
            let window = TimeRange {
                start: begins.and_then(|begins| begins.checked_sub_signed(slack)),
                end: ends.and_then(|ends| ends.checked_add_signed(slack)),
            };
            let page = find(object, &window, (number, &self.floating), limits)?;
            let is_enough = is_hit(&page);
            // As a rule one is added at a time, and none after the present ones.
            pages.reserve_exact(1);
            pages.insert(at, page);
            if is_enough {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether an instance overlaps `range` (RFC 4791 §9.9).
    pub fn overlaps(&self, range: &TimeRange, limits: &ExpansionLimits) -> Option<bool> {
        let mut found = false;
        let complete = self.visit(range, limits, |_, _| found = true)?;
        (found || complete).then_some(found)
    }

    /// The busy periods it contributes to `window`, clipped to it: see [`crate::free_busy::busy_periods`].
    pub fn busy_periods(&self, window: &TimeRange, limits: &ExpansionLimits) -> Option<Vec<BusyPeriod>> {
        let mut periods = Vec::new();
        let mut count = 0_usize;
        let complete = self.visit(window, limits, |moment, Times { start, end, .. }| {
            count += 1;
            periods.extend(moment.busy_type().and_then(|busy_type| clip(BusyPeriod { start, end, busy_type }, window)));
        })?;
        (complete && count <= limits.instances_max).then_some(periods)
    }

    /// Shows each known instance that overlaps `range` once; tells whether these are all. `None`: too little is known of a
    /// question with an end.
    fn visit(&self, range: &TimeRange, limits: &ExpansionLimits, mut visit: impl FnMut(Moment, Times)) -> Option<bool> {
        let pages = match &self.known {
            Known::All(page) => {
                page.overlapping(range).for_each(|(moment, times)| visit(moment, times));
                return Some(true);
            }
            Known::Pages(pages) => pages,
        };
        let wanted = self.pages_of(range)?;
        let number = |page: &Page| i64::from(page.number);
        let from = pages.binary_search_by_key(&wanted.first, number).ok()?;
        let (mut steps, mut expected) = (0_usize, wanted.first);
        for page in pages.iter().skip(from).take_while(|page| number(page) <= wanted.last) {
            if number(page) != expected {
                break;
            }
            (steps, expected) = (steps.saturating_add(page.steps as usize), expected.saturating_add(1));
            // Asked at once, the event would refuse.
            if steps > limits.steps_max {
                return None;
            }
            // What reaches into several pages is counted in the first.
            let is_first = number(page) == wanted.first;
            let counts = |moment: Moment| page.has_start_of(moment) || is_first && page.ends_after_start_of(moment);
            let counted = page.overlapping(range).filter(|(moment, _)| counts(*moment));
            counted.for_each(|(moment, times)| visit(moment, times));
        }
        match wanted.complete {
            true => (expected > wanted.last).then_some(true),
            false => Some(false),
        }
    }

    /// The pages an answer needs; `None` where the question is too wide.
    fn pages_of(&self, range: &TimeRange) -> Option<Pages> {
        // No instance lies outside of the span.
        let later = |a: Option<DateTime<Utc>>, b: Option<DateTime<Utc>>| a.max(b);
        let start = later(range.start, self.span.start)?;
        let end = match (range.end, self.span.end) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let page = |instant: DateTime<Utc>| instant.timestamp().div_euclid(PAGE_SECONDS);
        let first = page(start);
        let last_probed = first.saturating_add(PAGES_PROBED - 1);
        match end.map(page) {
            Some(last) if last < first => None,
            Some(last) if last - first < PAGES_MAX => Some(Pages { first, last, complete: true }),
            _ => Some(Pages { first, last: last_probed, complete: false }),
        }
    }
}

/// The page into which an event's first line about its start falls, or any.
fn page_of_start(object: &CalendarObject) -> i64 {
    object.span().start.map_or(0, |start| start.timestamp().div_euclid(PAGE_SECONDS))
}

/// The instances that overlap a window, as a page of this number. Instances that a page cannot hold are as many as it could
/// not hold: the event is asked.
fn find(
    object: &CalendarObject,
    window: &TimeRange,
    (number, floating): (i64, &Zone),
    limits: &ExpansionLimits,
) -> Result<Page, TooManyInstances> {
    let number = i32::try_from(number).map_err(|_| TooManyInstances)?;
    let begins = i64::from(number).saturating_mul(PAGE_SECONDS);
    let (mut moments, mut is_held) = (Vec::new(), true);
    let mut budget = Budget::new(limits);
    let mut visit = |candidate: Candidate<'_>| {
        if let Some(times) = Times::of(&candidate).filter(|times| times.overlap(window)) {
            let moment = Moment::of(&times, busy_type(candidate.instance.component), begins);
            is_held &= moment.is_some();
            moments.extend(moment);
        }
        if !is_held || moments.len() > limits.instances_max { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    Series::new(object, floating).each_instance(window, &mut budget, &mut visit)?;
    if !is_held || moments.len() > limits.instances_max {
        return Err(TooManyInstances);
    }
    let steps = u32::try_from(limits.steps_max.saturating_sub(budget.steps)).unwrap_or(u32::MAX);
    Ok(Page { number, steps, moments: moments.into_boxed_slice() })
}
