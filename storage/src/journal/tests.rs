//! Stories of rows: what is counted together, what is dropped first, what a crash takes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::engine::memory::MemoryEngine;
use crate::record::CalendarRecord;
use crate::{Directory, Environment, Options, Store};
use chrono::{TimeDelta, TimeZone};
use std::sync::{Arc, Mutex};

const BOB: PrincipalId = PrincipalId([7; 16]);
const WORK: CalendarId = CalendarId([1; 16]);

struct Place {
    store: Arc<Store>,
    now: Arc<Mutex<DateTime<Utc>>>,
}

impl Place {
    fn new(limits: Limits) -> Self {
        let now = Arc::new(Mutex::new(Utc.with_ymd_and_hms(2026, 11, 2, 12, 0, 0).unwrap()));
        let clock = now.clone();
        let environment = Environment { clock: Arc::new(move || *clock.lock().unwrap()), entropy: Arc::new(|bytes| bytes.fill(9)) };
        let options = Options { environment, limits, directory: Directory::default(), engine: None };
        let store = Store::with_engine(Arc::new(MemoryEngine::default()), options).unwrap();
        let record = CalendarRecord {
            owner: PrincipalId([2; 16]),
            name: "work".into(),
            components: Vec::new(),
            policy: acl::CalendarPolicy::default(),
            created: store.now(),
            head: 0,
            floor: 0,
            objects: 0,
            removals: 0,
        };
        store
            .write(|snapshot| {
                let mut transaction = snapshot.begin();
                transaction.put_record(keys::calendar(WORK), &record)?;
                snapshot.commit(transaction)
            })
            .unwrap();
        Self { store, now }
    }
    fn pass(&self, time: TimeDelta) {
        *self.now.lock().unwrap() += time;
    }
    fn fact(client: &str, what: What) -> Fact {
        Fact { actor: Actor::User(BOB), client: ClientName::from_user_agent(client.as_bytes()), what }
    }
    fn add(&self, fact: &Fact) {
        self.store
            .write(|snapshot| {
                let mut transaction = snapshot.begin();
                add(&mut transaction, WORK, fact, Tally::once(snapshot.now()), snapshot.limits())?;
                snapshot.commit(transaction)
            })
            .unwrap();
    }
    fn rows(&self) -> Vec<Row> {
        let (rows, counted) =
            self.store.read(|snapshot| Ok::<_, Error>((rows(snapshot, WORK, Day(0))?, counted(snapshot, WORK)?))).unwrap();
        assert_eq!((counted.0, counted.1), (rows.len() as u64, rows.len() as u64), "the head counts what is there");
        rows
    }
}

fn read(seen: Seen) -> What {
    What::Read { seen }
}

#[test]
fn what_happens_often_on_a_day_is_one_row() {
    let place = Place::new(Limits::default());
    let khal = Place::fact("khal", read(Seen::Titles));
    for _ in 0..3 {
        place.add(&khal);
        place.pass(TimeDelta::hours(1));
    }
    place.add(&Place::fact("DAVx5", read(Seen::Titles)));
    place.pass(TimeDelta::days(1));
    place.add(&khal);
    let rows = place.rows();
    let counts: Vec<u64> = rows.iter().map(|row| row.tally.count).collect();
    assert_eq!(counts.iter().sum::<u64>(), 5);
    assert_eq!(rows.len(), 3, "a day and a program have a row of their own");
    let often = rows.iter().find(|row| row.tally.count == 3).unwrap();
    assert_eq!(often.tally.last - often.tally.first, TimeDelta::hours(2));
}

/// What is put up for a moment and belongs to a calendar that goes and comes back to somebody else is not his to read.
#[test]
fn what_was_only_counted_of_a_calendar_that_begins_anew_is_forgotten_and_of_no_other() {
    const HOME: CalendarId = CalendarId([2; 16]);
    let place = Place::new(Limits::default());
    let left = place.store.read(|snapshot| {
        let (journal, now) = (snapshot.journal(), snapshot.now());
        for day in 0..3 {
            let notes = Notes::default();
            notes.read(WORK, Seen::Titles);
            notes.read(HOME, Seen::Details);
            notes.refused(WORK, Attempt::Create, Lacked::Create, None);
            journal.count(Actor::User(BOB), &ClientName::command_line(), notes, Ending::Answered, now + TimeDelta::days(day));
        }
        assert_eq!((journal.of_calendar(WORK, Day(0)).len(), journal.of_calendar(HOME, Day(0)).len()), (6, 3));
        journal.forget(WORK);
        Ok::<_, Error>((journal.of_calendar(WORK, Day(0)), journal.of_calendar(HOME, Day(0)).len()))
    });
    assert_eq!(left.unwrap(), (Vec::new(), 3));
    place.store.flush_journal().unwrap();
    assert_eq!(place.rows(), []);
}

/// A grantee who calls himself otherwise in every request would fill the journal, and the oldest rows, about others, would go.
#[test]
fn nobody_pushes_the_others_out_by_a_new_name_in_every_request() {
    let limits = Limits { journal_rows_per_person_max: 5, journal_rows_max: 20, ..Limits::default() };
    let place = Place::new(limits);
    let carol = Fact { actor: Actor::User(PrincipalId([8; 16])), ..Place::fact("khal", read(Seen::Details)) };
    place.add(&carol);
    for number in 0..200 {
        let object = Some(format!("{number}.ics"));
        place.add(&Place::fact(&format!("client {number}"), read(Seen::FreeBusy)));
        place.add(&Place::fact("x", What::Refused { attempt: Attempt::Change, lacked: Lacked::Edit, object }));
    }
    let rows = place.rows();
    assert_eq!(rows.len(), 1 + 6 + 6);
    assert!(rows.iter().any(|row| row.fact == carol));
    let rest = rows.iter().find(|row| row.fact.client == ClientName::others() && row.fact.what == read(Seen::FreeBusy)).unwrap();
    assert_eq!(rest.tally.count, 195, "what is not told apart is counted");
    let refused = What::Refused { attempt: Attempt::Change, lacked: Lacked::Edit, object: None };
    assert_eq!(rows.iter().find(|row| row.fact.what == refused).unwrap().tally.count, 195);
}

/// Whoever may make links could make and end them all day, and the rows about others would go.
#[test]
fn nobody_pushes_the_others_out_by_making_links() {
    let limits = Limits { journal_rows_per_person_max: 5, journal_rows_max: 20, ..Limits::default() };
    let place = Place::new(limits);
    let carol = Fact { actor: Actor::User(PrincipalId([8; 16])), ..Place::fact("khal", read(Seen::Details)) };
    place.add(&carol);
    for number in 0..100u8 {
        for change in [LinkChange::Made, LinkChange::Ended] {
            let link = LinkFacts { id: LinkId([number; 16]), maker: BOB, level: Some(Level::Titles), object: None, until: None };
            place.add(&Place::fact("khal", What::Link { change, link: Some(link) }));
        }
    }
    let rows = place.rows();
    assert_eq!(rows.len(), 1 + 5 + 2);
    assert!(rows.iter().any(|row| row.fact == carol));
    let further = |change| rows.iter().find(|row| row.fact.what == What::Link { change, link: None }).unwrap().tally.count;
    assert_eq!(further(LinkChange::Made) + further(LinkChange::Ended), 195);
}

#[test]
fn the_oldest_rows_go_first_when_there_are_too_many() {
    let place = Place::new(Limits { journal_rows_max: 32, ..Limits::default() });
    for _ in 0..100 {
        place.add(&Place::fact("khal", read(Seen::Titles)));
        place.pass(TimeDelta::days(1));
    }
    let rows = place.rows();
    assert!((29..=32).contains(&rows.len()), "{}", rows.len());
    let newest = rows.last().unwrap().tally.first;
    assert_eq!(newest, place.store.now() - TimeDelta::days(1));
}

#[test]
fn days_that_are_long_past_are_forgotten() {
    let place = Place::new(Limits { journal_days_max: 30, ..Limits::default() });
    place.add(&Place::fact("khal", read(Seen::Titles)));
    place.pass(TimeDelta::days(20));
    place.add(&Place::fact("khal", read(Seen::Titles)));
    place.store.flush_journal().unwrap();
    assert_eq!(place.rows().len(), 2);
    place.pass(TimeDelta::days(20));
    place.store.flush_journal().unwrap();
    assert_eq!(place.rows().len(), 1);
}

#[test]
fn what_cannot_be_written_down_stays_counted() {
    let place = Place::new(Limits::default());
    let notes = Notes::default();
    notes.read(WORK, Seen::FreeBusy);
    notes.read(WORK, Seen::Titles);
    let client = ClientName::command_line();
    let taken = place.store.read(|snapshot| {
        let (journal, now) = (snapshot.journal(), snapshot.now());
        assert_eq!(journal.count(Actor::User(BOB), &client, notes, Ending::Answered, now), Room::Left);
        let notes = Notes::default();
        notes.read(WORK, Seen::Details);
        journal.count(Actor::User(BOB), &client, notes, Ending::NothingRead, now);
        Ok::<_, Error>(journal.take())
    });
    let taken = taken.unwrap();
    assert_eq!(taken.len(), 1, "one request is one read, at the most it was given; one that failed is none");
    let back = place.store.read(|snapshot| {
        snapshot.journal().put_back(taken);
        Ok::<_, Error>(())
    });
    back.unwrap();
    place.store.flush_journal().unwrap();
    assert_eq!(place.rows().iter().map(|row| row.fact.what.clone()).collect::<Vec<_>>(), [read(Seen::Titles)]);
}
