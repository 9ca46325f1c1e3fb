//! A store in memory, or on the engine of `SHOJI_TEST_ENGINE`, with people and calendars in it, on clock and randomness of its
//! own. Two worlds made by the same steps are alike; a step that only one of them takes does not shift the ids of the others,
//! since randomness is drawn anew from the name of each step.

use crate::authorized::{Calendar, Changes, Put, Resource, Row, Rows};
use crate::engine::Engine;
use crate::engine::memory::engine_of_tests;
use crate::error::{Error, Result};
use crate::journal::{Actor, Author};
use crate::record::{GroupRecord, PrincipalRef, UserRecord};
use crate::{Caches, ClientName, Directory, Door, Environment, Limits, Options, Store, calendars, grants, keys, principals};
use acl::level::GrantPrivateEvents;
use acl::{CalendarPolicy, Grant, Grantee, Level, PrincipalId};
use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use ical::{CalendarObject, ParseLimits};
use std::sync::{Arc, Mutex};

pub(super) struct World {
    pub(super) store: Arc<Store>,
    engine: Arc<dyn Engine>,
    /// Of the engine's files, if it has any.
    _directory: Option<tempfile::TempDir>,
    options: Options,
    now: Arc<Mutex<DateTime<Utc>>>,
    entropy: Arc<Mutex<(String, u64)>>,
}

/// Bounds with as much kept in memory as `SHOJI_TEST_CACHES` says, `off` or `tiny`: whatever passes with all of it has to pass so.
fn of_tests(limits: Limits) -> Limits {
    match std::env::var("SHOJI_TEST_CACHES") {
        Ok(name) => limits.with_caches(Caches::named(&name).unwrap()),
        Err(_) => limits,
    }
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(Limits::default(), Directory::Related)
    }

    pub(super) fn with(limits: Limits, directory: Directory) -> Self {
        let now = Arc::new(Mutex::new(Utc.with_ymd_and_hms(2026, 11, 2, 12, 0, 0).unwrap()));
        let entropy = Arc::new(Mutex::new((String::new(), 0u64)));
        let (clock, source) = (now.clone(), entropy.clone());
        let environment = Environment {
            clock: Arc::new(move || *clock.lock().unwrap()),
            entropy: Arc::new(move |bytes: &mut [u8]| {
                let mut drawn = source.lock().unwrap();
                drawn.1 += 1;
                let mut hasher = blake3::Hasher::new();
                hasher.update(drawn.0.as_bytes());
                hasher.update(&drawn.1.to_le_bytes());
                hasher.finalize_xof().fill(bytes);
            }),
        };
        let options = Options { environment, limits: of_tests(limits), directory, engine: None };
        let (engine, directory) = engine_of_tests();
        let store = Store::with_engine(engine.clone(), options.clone()).unwrap();
        Self { store, engine, _directory: directory, options, now, entropy }
    }

    /// The same data, opened again: nothing kept in memory is left.
    pub(super) fn reopen(&mut self) {
        self.store = Store::with_engine(self.engine.clone(), self.options.clone()).unwrap();
    }

    /// The same under other bounds.
    pub(super) fn reopen_with(&mut self, limits: Limits) {
        self.options.limits = of_tests(limits);
        self.reopen();
    }

    pub(super) fn step(&self, name: &str) {
        *self.entropy.lock().unwrap() = (name.to_owned(), 0);
    }

    pub(super) fn pass(&self, time: TimeDelta) {
        *self.now.lock().unwrap() += time;
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap()
    }

    /// Users with addresses `NAME@example.org`, and a calendar `work` each.
    pub(super) fn users(self, names: &[&str]) -> Self {
        for name in names {
            self.step(&format!("user {name}"));
            self.store
                .write(|snapshot| {
                    let id = PrincipalId(snapshot.random_id());
                    let user = UserRecord {
                        name: (*name).to_owned(),
                        display_name: Some(format!("Name of {name}")),
                        addresses: vec![format!("{name}@example.org")],
                        password_hash: None,
                        created: snapshot.now(),
                        private_uids: 0,
                    };
                    let mut transaction = snapshot.begin();
                    transaction.put_record(keys::user(id), &user)?;
                    transaction.put_record(keys::principal_name(name), &PrincipalRef::User(id))?;
                    transaction.put_record(keys::address(&format!("{name}@example.org")), &id)?;
                    snapshot.commit(transaction)
                })
                .unwrap();
            self.calendar(&format!("{name}/work"));
        }
        self
    }

    pub(super) fn calendar(&self, path: &str) {
        let (owner, name) = path.split_once('/').unwrap();
        self.step(&format!("calendar {path}"));
        let new = crate::authorized::home::NewCalendar::default();
        self.door(owner).write(|door| door.create_calendar(owner, name, &new)).unwrap();
    }

    pub(super) fn group(&self, name: &str, members: &[&str]) {
        self.step(&format!("group {name}"));
        self.store
            .write(|snapshot| {
                let id = PrincipalId(snapshot.random_id());
                let mut transaction = snapshot.begin();
                transaction.put_record(keys::group(id), &GroupRecord { name: name.to_owned(), created: snapshot.now() })?;
                transaction.put_record(keys::principal_name(name), &PrincipalRef::Group(id))?;
                for member in members {
                    let member = principals::named(snapshot, member)?.unwrap().id();
                    principals::join(&mut transaction, id, member);
                }
                snapshot.commit(transaction)
            })
            .unwrap();
    }

    /// Whether a text stands anywhere in the store.
    pub(super) fn holds(&self, text: &str) -> bool {
        let mut found = false;
        let everything = crate::engine::KeyRange { start: Vec::new(), end: None };
        let visit = &mut |_: &[u8], value: &[u8]| {
            found |= value.windows(text.len()).any(|window| window == text.as_bytes());
            Ok(std::ops::ControlFlow::Continue(()))
        };
        self.engine.scan(&everything, visit).unwrap();
        found
    }

    pub(super) fn id(&self, name: &str) -> PrincipalId {
        self.store.read(|snapshot| principals::named(snapshot, name)).unwrap().unwrap().id()
    }

    pub(super) fn grantee(&self, name: &str) -> Grantee {
        match self.store.read(|snapshot| principals::named(snapshot, name)).unwrap().unwrap() {
            PrincipalRef::User(id) => Grantee::User(id),
            PrincipalRef::Group(id) => Grantee::Group(id),
        }
    }

    /// Sets a grant at a level, changed by `change`.
    pub(super) fn grant(&self, path: &str, grantee: Grantee, level: Level, change: impl FnOnce(&mut Grant)) {
        let (visibility, rights) = level.parts();
        let mut grant = Grant { grantee, visibility, rights, private_events: None, create_always: false, with_places: false, until: None };
        change(&mut grant);
        self.on_calendar(path, |transaction, calendar| grants::set(transaction, calendar.id, &grant, &self.author(), &self.options.limits));
    }

    fn author(&self) -> Author {
        Author { actor: Actor::Command, client: ClientName::command_line(), at: self.now() }
    }

    pub(super) fn share(&self, path: &str, grantee: &str, level: Level) {
        self.grant(path, self.grantee(grantee), level, |_| ());
    }

    pub(super) fn unshare(&self, path: &str, grantee: &str) {
        let grantee = self.grantee(grantee);
        self.on_calendar(path, |transaction, calendar| {
            grants::remove(transaction, calendar.id, grantee, &self.author(), &self.options.limits)
        });
    }

    pub(super) fn set_policy(&self, path: &str, policy: CalendarPolicy) {
        self.on_calendar(path, |transaction, calendar| {
            calendar.record.policy = policy;
            calendars::save(transaction, calendar)
        });
    }

    fn on_calendar(
        &self,
        path: &str,
        work: impl FnOnce(&mut crate::read::Transaction<'_>, &mut crate::record::StoredCalendar) -> Result<()>,
    ) {
        let (owner, name) = path.split_once('/').unwrap();
        let owner = self.id(owner);
        self.store
            .write(|snapshot| {
                let mut calendar = calendars::named(snapshot, owner, name)?.unwrap();
                let mut transaction = snapshot.begin();
                work(&mut transaction, &mut calendar)?;
                snapshot.commit(transaction)
            })
            .unwrap();
    }

    pub(super) fn door(&self, name: &str) -> Door {
        self.store.door(self.id(name))
    }

    /// A viewer in front of a calendar at its owner's path.
    pub(super) fn at(&self, viewer: &str, path: &str) -> Eyes {
        let (home, calendar) = path.split_once('/').unwrap();
        Eyes { door: self.door(viewer), home: home.to_owned(), calendar: calendar.to_owned() }
    }

    /// A viewer in front of the only mount in his home.
    pub(super) fn at_mount(&self, viewer: &str) -> Eyes {
        let door = self.door(viewer);
        let mounts = mounts(&door, viewer);
        assert_eq!(mounts.len(), 1, "mounts of {viewer}");
        Eyes { door, home: viewer.to_owned(), calendar: mounts[0].clone() }
    }
}

/// Names of mounts in one's own home.
pub(super) fn mounts(door: &Door, viewer: &str) -> Vec<String> {
    members(door, viewer, viewer).into_iter().filter(|name| name.len() == 26).collect()
}

/// Names of the members of a home.
pub(super) fn members(door: &Door, _viewer: &str, home: &str) -> Vec<String> {
    door.read(|store| {
        let Resource::Home(home) = store.resolve(home, &[])? else { return Err(Error::NotFound) };
        let members = store.home_members(&home)?;
        Ok(members
            .iter()
            .map(|member| match member {
                Resource::Calendar(calendar) => calendar.name().to_owned(),
                Resource::Plain(plain) => plain.path.join("/"),
                Resource::Home(_) | Resource::Object(..) => "?".to_owned(),
            })
            .collect())
    })
    .unwrap()
}

/// One viewer in front of one calendar.
#[derive(Clone)]
pub(super) struct Eyes {
    pub(super) door: Door,
    pub(super) home: String,
    pub(super) calendar: String,
}

impl Eyes {
    pub(super) fn read<T>(&self, work: impl FnOnce(&crate::AuthorizedStore<'_>, &Calendar) -> Result<T>) -> Result<T> {
        self.door.read(|store| match store.resolve(&self.home, &[&self.calendar])? {
            Resource::Calendar(calendar) => work(store, &calendar),
            _ => Err(Error::NotFound),
        })
    }
    pub(super) fn write<T>(&self, work: impl FnOnce(&mut crate::AuthorizedWriter<'_>, &Calendar) -> Result<T>) -> Result<T> {
        self.door.write(|store| match store.resolve(&self.home, &[&self.calendar])? {
            Resource::Calendar(calendar) => work(store, &calendar),
            _ => Err(Error::NotFound),
        })
    }
    pub(super) fn rows(&self) -> Result<Vec<Arc<Row>>> {
        self.read(|store, calendar| Ok(store.rows(calendar)?.iter().cloned().collect()))
    }
    pub(super) fn names(&self) -> Vec<String> {
        self.rows().unwrap().into_iter().map(|row| row.name().to_owned()).collect()
    }
    pub(super) fn get(&self, name: &str) -> Result<String> {
        self.read(|store, calendar| Ok(String::from_utf8(store.object(calendar, name)?.bytes().to_vec()).unwrap()))
    }
    pub(super) fn put(&self, name: &str, text: &str) -> Result<Put> {
        let object = CalendarObject::parse(text.as_bytes(), &ParseLimits::default()).unwrap();
        self.write(|store, calendar| store.put_object(calendar, name, &object))
    }
    pub(super) fn delete(&self, name: &str) -> Result<()> {
        self.write(|store, calendar| store.delete_object(calendar, name))
    }
    pub(super) fn token(&self) -> String {
        self.read(|store, calendar| store.sync_token(calendar)).unwrap()
    }
    pub(super) fn changes(&self, token: Option<&str>, limit: Option<usize>) -> Result<Changes<Rows>> {
        self.read(|store, calendar| store.changes(calendar, token, limit))
    }
    /// Names changed and removed since a token.
    pub(super) fn since(&self, token: &str) -> (Vec<String>, Vec<String>) {
        let changes = self.changes(Some(token), None).unwrap();
        (changes.changed.iter().map(|row| row.name().to_owned()).collect(), changes.removed)
    }
    pub(super) fn copy(&self, name: &str, to: &Eyes, to_name: &str) -> Result<bool> {
        self.transfer(to, |store, from, to| store.copy_object((from, name), (to, to_name)))
    }
    pub(super) fn move_to(&self, name: &str, to: &Eyes, to_name: &str) -> Result<bool> {
        self.transfer(to, |store, from, to| store.move_object((from, name), (to, to_name)))
    }
    fn transfer(
        &self,
        to: &Eyes,
        work: impl FnOnce(&mut crate::AuthorizedWriter<'_>, &Calendar, &Calendar) -> Result<bool>,
    ) -> Result<bool> {
        self.write(|store, from| match store.resolve(&to.home, &[&to.calendar])? {
            Resource::Calendar(to) => work(store, from, &to),
            _ => Err(Error::NotFound),
        })
    }
}

/// An event of one hour on 10 November 2026, with more lines.
pub(super) fn event(uid: &str, hour: u32, summary: &str, more: &[&str]) -> String {
    let mut text = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Client//EN\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\n\
         DTSTART:20261110T{hour:02}0000Z\r\nDTEND:20261110T{:02}0000Z\r\nSUMMARY:{summary}\r\n",
        hour + 1
    );
    for line in more {
        text.push_str(line);
        text.push_str("\r\n");
    }
    text.push_str("END:VEVENT\r\nEND:VCALENDAR\r\n");
    text
}

pub(super) const ALARM: &str = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:Now\r\nTRIGGER:-PT5M\r\nEND:VALARM";

/// What a refusal or success looks like, without its content: for comparing answers.
pub(super) fn outcome<T>(result: &Result<T>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

pub(super) fn hide_private(grant: &mut Grant) {
    grant.private_events = Some(GrantPrivateEvents::Hidden);
}
