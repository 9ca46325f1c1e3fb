//! What is kept of access is what is stored, at every moment and after every commit.

use super::world::{Eyes, World, event};
use crate::authorized::PrincipalKind;
use crate::facts::Decided;
use crate::{Error, Limits, calendars, keys};
use acl::{CalendarId, CalendarPolicy, Grantee, Level, PolicySettings};
use chrono::TimeDelta;
use std::sync::Arc;

impl World {
    fn calendar_id(&self, owner: &str, name: &str) -> CalendarId {
        self.store.read(|snapshot| calendars::named(snapshot, self.id(owner), name)).unwrap().unwrap().id
    }
    fn kept(&self, viewer: &str, calendar: CalendarId) -> Option<Arc<Decided>> {
        self.store.facts.decided.lock().get(&(self.id(viewer), calendar))
    }
    fn sees(&self, viewer: &str, owner: &str) -> bool {
        let at_work = self.door(viewer).read(|door| door.resolve(owner, &["work"]).map(|_| ()));
        assert!(matches!(at_work, Ok(()) | Err(Error::NotFound)));
        at_work.is_ok()
    }
    /// What is not where it could be kept tells nothing.
    fn keeps(&self) -> bool {
        self.store.limits().facts_bytes_max >= Limits::default().facts_bytes_max
    }
}

#[test]
fn a_grant_ends_at_its_moment_and_is_back_when_the_clock_is() {
    let world = World::new().users(&["alice", "bob"]);
    let until = world.now() + TimeDelta::seconds(10);
    world.grant("alice/work", world.grantee("bob"), Level::Details, |grant| grant.until = Some(until));
    for (step, sees) in [(0, true), (9, true), (1, false), (1, false), (-2, true), (1, false), (-5, true)] {
        world.pass(TimeDelta::seconds(step));
        assert_eq!(world.sees("bob", "alice"), sees, "{step}");
    }
}

#[test]
fn a_write_of_others_leaves_what_was_decided_and_one_of_access_ends_it() {
    let world = World::new().users(&["alice", "bob", "carol"]);
    world.share("alice/work", "bob", Level::Details);
    world.share("carol/work", "bob", Level::Details);
    let (work, of_carol) = (world.calendar_id("alice", "work"), world.calendar_id("carol", "work"));
    let looks = || (world.sees("bob", "alice"), world.sees("bob", "carol"));
    assert_eq!(looks(), (true, true));
    let (of_alice, generation) = (world.kept("bob", work), world.store.generation());

    world.at("alice", "alice/work").put("a.ics", &event("a", 9, "Lunch", &["CLASS:PRIVATE"])).unwrap();
    world.share("carol/work", "alice", Level::Edit);
    world.at("bob", "alice/work").rows().unwrap();
    assert_eq!(world.store.generation(), generation, "people, groups, roles and policy are what they were");
    if world.keeps() {
        assert!(Arc::ptr_eq(&world.kept("bob", work).unwrap(), &of_alice.clone().unwrap()));
    }
    world.unshare("alice/work", "bob");
    assert_eq!(looks(), (false, true));
    world.share("alice/work", "bob", Level::Details);
    world.set_policy("alice/work", CalendarPolicy { widen_public: Some(true), ..CalendarPolicy::default() });
    assert_eq!(looks(), (true, true));
    world.group("team", &["carol"]);
    assert_ne!(world.store.generation(), generation);
    assert!(world.kept("bob", of_carol).is_none(), "who is in which group may be anything now");
}

#[test]
fn a_group_a_role_or_a_policy_that_changes_changes_what_is_seen_at_once() {
    let world = World::new().users(&["alice", "bob"]);
    assert!(!world.sees("bob", "alice"));
    world.group("team", &["bob"]);
    world.grant("alice/work", world.grantee("team"), Level::Details, |_| ());
    assert!(world.sees("bob", "alice"));
    let (team, bob) = (world.id("team"), world.id("bob"));
    let leave = |snapshot: &crate::store::Snapshot<'_>| {
        let mut transaction = snapshot.begin();
        crate::principals::leave(&mut transaction, team, bob);
        snapshot.commit(transaction)
    };
    world.store.write(leave).unwrap();
    assert!(!world.sees("bob", "alice"));
    world.grant("alice/work", Grantee::Everyone, Level::Details, |_| ());
    assert!(world.sees("bob", "alice"));
    let deny = |snapshot: &crate::store::Snapshot<'_>| {
        let mut transaction = snapshot.begin();
        transaction.put_record(keys::module_role(bob), &acl::policy::ModuleRole::Denied)?;
        snapshot.commit(transaction)
    };
    world.store.write(deny).unwrap();
    assert!(!world.sees("bob", "alice"));
}

#[test]
fn a_reader_cannot_commit_what_access_depends_on() {
    let world = World::new().users(&["alice"]);
    let refused = world.store.read(|snapshot| {
        let mut transaction = snapshot.begin();
        crate::roles::set_settings(&mut transaction, &PolicySettings::default())?;
        snapshot.commit(transaction)
    });
    assert!(matches!(refused, Err(Error::Engine(_))));
}

#[test]
fn what_is_kept_stays_under_its_bound() {
    let names: Vec<String> = (0..60).map(|number| format!("user-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let bytes_max = 40_000;
    let world = World::with(Limits { facts_bytes_max: bytes_max, ..Limits::default() }, crate::Directory::Everyone).users(&names);
    for owner in &names {
        world.grant(&format!("{owner}/work"), Grantee::Everyone, Level::Details, |_| ());
    }
    for (viewer, owner) in names.iter().zip(names.iter().skip(1)).chain(names.iter().zip(names.iter().skip(7))) {
        assert!(world.sees(viewer, owner));
        assert!(world.store.facts_bytes() <= bytes_max);
    }
}

#[test]
fn what_is_at_hand_is_what_is_there_and_all_else_is_declined() {
    let world = World::new().users(&["alice", "bob"]);
    world.share("alice/work", "bob", Level::Details);
    let (alice, bob) = (world.at("alice", "alice/work"), world.at("bob", "alice/work"));
    alice.put("a.ics", &event("a", 9, "Lunch", &[])).unwrap();
    let row = |viewer: &str, name: &str| {
        let door = world.door(viewer).at_hand();
        let found = door.read(|door| match door.resolve("alice", &["work", name])? {
            crate::authorized::Resource::Object(_, row) => Ok(row.etag().to_owned()),
            _ => Err(Error::NotFound),
        });
        assert!(!door.has_declined() || found.is_err());
        found.ok()
    };
    assert_eq!(row("bob", "a.ics"), None, "his view is not in memory");
    let shown = bob.rows().unwrap();
    let is_kept = |found: Option<String>, etag: &str| found.map_or(!world.keeps(), |found| found == etag);
    assert!(is_kept(row("bob", shown[0].name()), shown[0].etag()));
    assert_eq!(row("bob", "nothing.ics"), None, "what is absent, like what is hidden, goes the long way");
    alice.put("a.ics", &event("a", 10, "Lunch", &[])).unwrap();
    assert_eq!(row("bob", shown[0].name()), None, "his view is behind");
    let now = bob.rows().unwrap();
    assert_ne!(now[0].etag(), shown[0].etag());
    assert!(is_kept(row("bob", now[0].name()), now[0].etag()));
    world.unshare("alice/work", "bob");
    assert_eq!(row("bob", now[0].name()), None);
    assert!(world.sees("alice", "alice"));
    let door = world.door("alice").at_hand();
    let found = door.read(|door| door.resolve("alice", &["work"]).map(|_| ()));
    assert!(found.is_ok() || !world.keeps());
    let written = door.write(|_| Ok::<_, Error>(()));
    assert!(matches!(written, Err(Error::NotAtHand)) && door.has_declined());
}

/// Beside somebody who asked for whole calendars a third of all others' GETs waited for a thread: the dates of their events were
/// no longer kept, and to look them up was one look too many.
#[test]
fn an_object_is_at_hand_where_nothing_of_it_is_kept_besides_the_view() {
    let keeps_nothing_of_it = Limits { recall_bytes_max: 8, ..Limits::default() };
    let world = World::with(keeps_nothing_of_it, crate::Directory::Everyone).users(&["alice"]);
    let alice = world.at("alice", "alice/work");
    alice.put("a.ics", &event("a", 9, "Lunch", &[])).unwrap();
    let etag = alice.rows().unwrap()[0].etag().to_owned();
    for _ in 0..2 {
        let door = world.door("alice").at_hand();
        let found = door.read(|door| match door.resolve("alice", &["work", "a.ics"])? {
            crate::authorized::Resource::Object(calendar, row) => door.object_with_times(&calendar, &row),
            _ => Err(Error::NotFound),
        });
        assert!(found.map_or(!world.keeps(), |(visible, times)| visible.etag() == etag && times.is_some()));
    }
}

/// One GET in eighteen waited for a thread, because another looked at the same calendar, or had been interrupted while it did.
#[test]
fn who_looks_at_a_calendar_keeps_nobody_else_from_it() {
    let world = World::new().users(&["alice"]);
    let alice = world.at("alice", "alice/work");
    alice.put("a.ics", &event("a", 9, "Lunch", &[])).unwrap();
    assert_eq!(alice.rows().unwrap().len(), 1);
    let door = world.door("alice").at_hand();
    let meanwhile = || door.read(|door| door.resolve("alice", &["work", "a.ics"]).map(|_| ()));
    let found = alice.read(|store, calendar| store.with_view(calendar, |_| Ok(meanwhile()))).unwrap();
    assert!(found.is_ok() || !world.keeps());
}

#[test]
fn nobody_who_is_at_hand_waits_for_a_writer() {
    let world = World::new().users(&["alice"]);
    let door = world.door("alice").at_hand();
    let refused = world.store.write(|_| Ok::<_, Error>(door.read(|door| Ok::<_, Error>(door.now()))));
    assert!(matches!(refused, Ok(Err(Error::NotAtHand))) && door.has_declined());
}

#[test]
fn who_has_joined_a_group_is_its_member_at_once() {
    let world = World::new().users(&["alice", "bob"]);
    let groups = |name: &str| world.door(name).read(|door| door.viewer()).unwrap().memberships;
    assert!(groups("bob").is_empty());
    world.group("team", &["bob"]);
    assert_eq!(groups("bob"), [(PrincipalKind::Group, "team".to_owned())]);
    assert!(groups("alice").is_empty());
    world.store.administration().remove_group("team").unwrap();
    assert!(groups("bob").is_empty());
}

#[test]
fn the_dates_of_an_object_are_those_of_its_last_write_whoever_made_it() {
    let world = World::new().users(&["alice", "bob"]);
    world.share("alice/work", "bob", Level::Edit);
    let (alice, bob) = (world.at("alice", "alice/work"), world.at("bob", "alice/work"));
    let dates = |eyes: &Eyes| eyes.read(|store, calendar| store.object_times(calendar, &*store.row(calendar, "a.ics")?)).unwrap();
    let begin = world.now();
    alice.put("a.ics", &event("a", 9, "Lunch", &[])).unwrap();
    for (writer, hour) in [(&alice, 10), (&bob, 11), (&alice, 12)] {
        assert_eq!(dates(&alice), dates(&alice), "looked up and remembered");
        world.pass(TimeDelta::seconds(10));
        writer.put("a.ics", &event("a", hour, "Lunch", &[])).unwrap();
        let now = dates(&alice).unwrap();
        assert_eq!((now.created, now.modified), (begin, world.now()));
        assert_eq!(dates(&bob), None, "they are the owner's alone");
    }
}
