//! Facts counted in memory until they are written down together.

use super::{Actor, Attempt, Day, Fact, Lacked, Seen, Tally, What};
use crate::client::ClientName;
use crate::read::{decode, encode};
use acl::CalendarId;
use chrono::{DateTime, Utc};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Different facts kept in memory; whoever brings one more writes them down first.
const FACTS_MAX: usize = 8_192;

/// What one request reads and is refused, each calendar once.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    noted: RefCell<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    reads: Vec<(CalendarId, Seen)>,
    refusals: Vec<(CalendarId, What)>,
}

/// How a request ended, as far as its notes are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Its reader was given what he asked for.
    Answered,
    /// He was not, or what he read was for a write's sake.
    NothingRead,
}

impl Notes {
    /// The viewer is about to be given something of a calendar. The most he was given of it counts.
    pub(crate) fn read(&self, calendar: CalendarId, seen: Seen) {
        let reads = &mut self.noted.borrow_mut().reads;
        match reads.iter_mut().find(|(of, _)| *of == calendar) {
            Some((_, most)) => *most = seen.max(*most),
            None => reads.push((calendar, seen)),
        }
    }

    /// He is refused something, and nothing else will tell.
    pub(crate) fn refused(&self, calendar: CalendarId, attempt: Attempt, lacked: Lacked, object: Option<String>) {
        self.noted.borrow_mut().refusals.push((calendar, What::Refused { attempt, lacked, object }));
    }
}

/// Facts that are not written down yet.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    facts: Mutex<Facts>,
    /// Facts on which the disk failed, with the number under which they may be written down all the same.
    doubtful: Mutex<Option<(u64, Facts)>>,
    /// When old rows were last looked for.
    swept: Mutex<Option<Day>>,
}

/// By calendar and day. A day's facts stay that day's, whenever they are written down.
pub(crate) type Facts = HashMap<(CalendarId, Day, Fact), Tally>;

/// Whether there is room for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    Left,
    Full,
}

impl Pending {
    /// Counts what a request noted.
    pub(crate) fn count(&self, actor: Actor, client: &ClientName, notes: Notes, ending: Ending, at: DateTime<Utc>) -> Room {
        let Noted { reads, refusals } = notes.noted.into_inner();
        let reads = reads.into_iter().filter(|_| ending == Ending::Answered).map(|(calendar, seen)| (calendar, What::Read { seen }));
        let mut noted = reads.chain(refusals).peekable();
        if noted.peek().is_none() {
            return Room::Left;
        }
        let mut facts = self.facts();
        for (calendar, what) in noted {
            let fact = Fact { actor, client: client.clone(), what };
            add(&mut facts, (calendar, Day::of(at), fact), Tally::once(at));
        }
        if facts.len() >= FACTS_MAX { Room::Full } else { Room::Left }
    }

    /// Whether they are so many that they are to be written down.
    pub(crate) fn is_full(&self) -> bool {
        self.facts().len() >= FACTS_MAX
    }

    /// All of them, to be written down.
    pub(crate) fn take(&self) -> Facts {
        std::mem::take(&mut *self.facts())
    }

    /// Those of one calendar from a day on.
    pub(crate) fn of_calendar(&self, calendar: CalendarId, first: Day) -> Vec<(Fact, Tally)> {
        let facts = self.facts();
        let wanted = facts.iter().filter(|((of, day, _), _)| *of == calendar && *day >= first);
        let mut wanted: Vec<(Fact, Tally)> = wanted.map(|((_, _, fact), tally)| (fact.clone(), *tally)).collect();
        // As they would be written down, whatever the order in memory.
        wanted.sort_by_cached_key(|(fact, tally)| (tally.first, tally.last, encode(fact).unwrap_or_default()));
        wanted
    }

    /// Drops those of a calendar that begins anew.
    pub(crate) fn forget(&self, calendar: CalendarId) {
        self.facts().retain(|(of, _, _), _| *of != calendar);
    }

    /// Back, since they could not be written down; without what there is no room for.
    pub(crate) fn put_back(&self, taken: Facts) {
        let mut facts = self.facts();
        for (key, tally) in taken {
            if facts.len() < FACTS_MAX || facts.contains_key(&key) {
                add(&mut facts, key, tally);
            }
        }
    }

    /// Keeps facts of which it is not known whether they are written down.
    pub(crate) fn doubt(&self, number: u64, taken: Facts) {
        *self.doubtful.lock().unwrap_or_else(PoisonError::into_inner) = Some((number, taken));
    }

    /// The store was opened anew, and `written` stands under [`crate::keys::JOURNAL_WRITTEN`]: what is not in comes back.
    pub(crate) fn settle(&self, written: Option<&[u8]>) {
        let doubtful = self.doubtful.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((number, facts)) = doubtful else { return };
        let written = written.and_then(|written| decode::<u64>(written).ok()).unwrap_or_default();
        if written < number {
            self.put_back(facts);
        }
    }

    /// Whether old rows were not looked for on this day yet; they are, from now on.
    pub(crate) fn sweep_is_due(&self, today: Day) -> bool {
        let mut swept = self.swept.lock().unwrap_or_else(PoisonError::into_inner);
        swept.replace(today) != Some(today)
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add(facts: &mut Facts, key: (CalendarId, Day, Fact), tally: Tally) {
    facts.entry(key).and_modify(|known| *known = known.plus(tally)).or_insert(tally);
}

#[cfg(test)]
mod tests {
    use super::*;
    use acl::PrincipalId;

    /// A device may call itself by another name in each request, and the disk may be full.
    #[test]
    fn two_hundred_thousand_names_of_programs_never_wait_in_memory() {
        let pending = Pending::default();
        let (calendar, actor) = (CalendarId([1; 16]), Actor::User(PrincipalId([2; 16])));
        let mut written = 0;
        for number in 0..200_000 {
            let notes = Notes::default();
            notes.refused(calendar, Attempt::Change, Lacked::Edit, Some(format!("{number}.ics")));
            let client = ClientName::from_user_agent(format!("program {number}").as_bytes());
            if pending.count(actor, &client, notes, Ending::NothingRead, DateTime::UNIX_EPOCH) == Room::Full {
                let taken = pending.take();
                // Of those that cannot be written down, what there is room for stays.
                match number % 3 {
                    0 => pending.put_back(taken),
                    _ => written += taken.len(),
                }
            }
            assert!(pending.facts().len() <= FACTS_MAX + 1);
        }
        assert!(written > 100_000);
    }
}
