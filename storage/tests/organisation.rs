//! Organisations of any size. A change that concerns everybody holds for the next thing that anybody asks, and nobody's data is
//! touched for it, so that it costs the same in any; and so does deciding what somebody may see. `STORAGE_USERS` sets how many
//! people there are (default 120 and 60); the times are printed, not judged.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test fails by panicking, and says what it measured")]

use acl::Level;
use chrono::Utc;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use storage::administration::entry::{PolicyEntry, PolicyValue};
use storage::administration::{
    Administration, ApplyFile, ApplyOptions, CalendarEntry, GrantEntry, GroupEntry, ModuleEntry, RoleEntry, UserEntry,
};
use storage::authorized::property::PropertyTarget;
use storage::authorized::{PropertyKey, Put, Resource};
use storage::{Directory, Environment, Error, Limits, Options, Store};

/// Of each ten, the first leads the nine others; all are in the one group.
const TEAM: usize = 10;

struct Office {
    store: Arc<Store>,
    people: usize,
    options: Options,
    directory: tempfile::TempDir,
}

fn name(number: usize) -> String {
    format!("user{number:05}")
}

impl Office {
    fn new(people: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let drawn = AtomicU64::new(0);
        let entropy = Arc::new(move |bytes: &mut [u8]| {
            let hash = blake3::hash(&drawn.fetch_add(1, Ordering::Relaxed).to_be_bytes());
            bytes.iter_mut().zip(hash.as_bytes()).for_each(|(byte, random)| *byte = *random);
        });
        let environment = Environment { clock: Arc::new(Utc::now), entropy };
        let options = Options { environment, limits: Limits::default(), directory: Directory::Related, engine: None };
        let store = Store::open(directory.path(), options.clone()).unwrap();
        let all: Vec<String> = (0..people).map(name).collect();
        let user = |name: &String| UserEntry { name: name.clone(), ..UserEntry::default() };
        let (heads, others): (Vec<usize>, Vec<usize>) = (0..people).partition(|number| number.is_multiple_of(TEAM));
        let of = |numbers: Vec<usize>| numbers.into_iter().map(name).collect();
        let file = ApplyFile {
            users: all.iter().map(user).collect(),
            groups: vec![GroupEntry { name: "everybody".into(), members: all }],
            roles: vec![
                RoleEntry { name: "staff".into(), reports_to: Some("head".into()), members: of(others) },
                RoleEntry { name: "head".into(), reports_to: None, members: of(heads) },
            ],
            ..ApplyFile::default()
        };
        store.administration().apply(&file, ApplyOptions::default()).unwrap().unwrap();
        Self { store, people, options, directory }
    }

    /// What a sample of people get of one person's calendar.
    fn reached_by(&self, viewer: usize, owner: usize) -> Result<usize, Error> {
        let principal = self.store.credential(&name(viewer)).unwrap().unwrap().principal;
        self.store.door(principal).read(|store| match store.resolve(&name(owner), &["default"])? {
            Resource::Calendar(calendar) => Ok(store.rows(&calendar)?.len()),
            _ => Err(Error::NotFound),
        })
    }

    /// Makes a change, and looks at once whether it holds for people from everywhere.
    fn changes(&self, what: &str, change: impl FnOnce(&Administration), holds: impl Fn(usize, Result<usize, Error>) -> bool) {
        let begin = Instant::now();
        change(&self.store.administration());
        let changed = begin.elapsed();
        let sample: Vec<usize> = (0..self.people).step_by((self.people / 37).max(1)).filter(|viewer| *viewer != 1).collect();
        let begin = Instant::now();
        let first = self.reached_by(2, 1);
        let answered = begin.elapsed();
        assert!(holds(2, first), "{what}: user 2");
        for viewer in &sample {
            assert!(holds(*viewer, self.reached_by(*viewer, 1)), "{what}: user {viewer}");
        }
        println!("{what}, {} people: changed in {changed:?}, first answer in {answered:?}, held for {}", self.people, sample.len() + 1);
    }
}

fn policy(pairs: &[(&str, &str)]) -> PolicyEntry {
    let pairs: BTreeMap<_, _> = pairs.iter().map(|(key, word)| ((*key).to_owned(), PolicyValue::Word((*word).to_owned()))).collect();
    PolicyEntry(pairs)
}

#[test]
fn a_change_that_concerns_everybody_holds_at_once() {
    let people = std::env::var("STORAGE_USERS").map_or(120, |users| users.parse().unwrap());
    let office = Office::new(people);
    let text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTAMP:20261101T000000Z\r\n\
                DTSTART:20261122T100000Z\r\nDTEND:20261122T110000Z\r\nSUMMARY:Meeting\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let object = ical::CalendarObject::parse(text.as_bytes(), &ical::ParseLimits::default()).unwrap();
    let owner = office.store.credential(&name(1)).unwrap().unwrap().principal;
    let put = office.store.door(owner).write(|store| match store.resolve(&name(1), &["default"])? {
        Resource::Calendar(calendar) => store.put_object(&calendar, "a.ics", &object),
        _ => Err(Error::NotFound),
    });
    assert!(matches!(put, Ok(Put { .. })));

    let sees = |number: usize| move |_: usize, reached: Result<usize, Error>| reached.is_ok_and(|rows| rows == number);
    let nothing = |_: usize, reached: Result<usize, Error>| matches!(reached, Err(Error::NotFound));
    let is_head = |viewer: usize| viewer.is_multiple_of(TEAM);
    let set =
        |pairs: &'static [(&str, &str)]| move |administration: &Administration| drop(administration.set_policy(&policy(pairs)).unwrap());

    office.changes("nothing yet", |_| (), nothing);
    office.changes("mode public-read", set(&[("mode", "public-read")]), sees(1));
    office.changes("mode private", set(&[("mode", "private")]), |viewer, reached| reached.is_ok() == is_head(viewer));
    office.changes("staff reports to nobody", |administration| administration.set_reports_to("staff", None).unwrap(), nothing);
    let share = GrantEntry {
        calendar: format!("{}/default", name(1)),
        group: Some("everybody".into()),
        level: Some(Level::Details),
        ..GrantEntry::default()
    };
    office.changes("a share with the group of all", |administration| drop(administration.set_grant(&share).unwrap()), sees(1));
    office.changes("cap_group none", set(&[("cap_group", "none")]), nothing);
    office.changes("cap_group titles", set(&[("cap_group", "titles")]), sees(1));
    let module = |role: &str| ModuleEntry { user: None, group: Some("everybody".into()), role: role.into() };
    office.changes(
        "the module denied to the group of all",
        |administration| administration.set_module(&module("denied")).unwrap(),
        nothing,
    );
    office.changes("and open again", |administration| administration.set_module(&module("inherit")).unwrap(), sees(1));
    office.changes("preset vtecrm", set(&[("preset", "vtecrm"), ("cap_group", "as-preset")]), sees(0));
    office.changes("the group of all removed", |administration| administration.remove_group("everybody").unwrap(), nothing);
    office.changes("preset none, mode public-edit", set(&[("preset", "none"), ("mode", "public-edit")]), sees(1));
    office.changes("the role of most removed", |administration| administration.remove_role("staff").unwrap(), sees(1));

    let begin = Instant::now();
    let principal = office.store.credential(&name(2)).unwrap().unwrap().principal;
    let known = office.store.door(principal).read(|store| store.principals()).unwrap().len();
    println!("everybody whom user 2 can find, {known} of {people}: listed in {:?}", begin.elapsed());
    assert_eq!(known, people, "in a mode that opens all calendars their owners are known");
    assert!(office.store.administration().check(&mut |_, _| {}).unwrap().is_empty());
}

/// Groups stand in chains of so many, each in the next.
const NESTED: usize = 5;
/// Grants of each calendar: one to a group at the end of a chain, the others to people.
const GRANTS: usize = 10;

/// An organisation in which a tenth as many groups as people are nested, and everybody shares with some.
fn sharing(people: usize) -> Office {
    let office = Office::new(people);
    let chains = (people / 10 / NESTED).max(1);
    let group = |chain: usize, depth: usize| format!("group{chain}-{depth}");
    let mut file = ApplyFile::default();
    for chain in 0..chains {
        for depth in 0..NESTED {
            let members = match depth {
                0 => (chain..people).step_by(chains).map(name).collect(),
                _ => vec![group(chain, depth - 1)],
            };
            file.groups.push(GroupEntry { name: group(chain, depth), members });
        }
    }
    for owner in 0..people {
        let grant = || GrantEntry { calendar: format!("{}/default", name(owner)), level: Some(Level::Details), ..GrantEntry::default() };
        file.grants.push(GrantEntry { group: Some(group((owner + 1) % chains, NESTED - 1)), ..grant() });
        for fellow in (1..GRANTS).map(|number| (owner + number * 7) % people).filter(|fellow| *fellow != owner) {
            file.grants.push(GrantEntry { user: Some(name(fellow)), ..grant() });
        }
    }
    office.store.administration().apply(&file, ApplyOptions::default()).unwrap().unwrap();
    office
}

/// What sign-in reads, a decision and the list of one's home cost on average, warm; and the first decision of each viewer.
#[derive(Debug)]
struct Costs {
    first_decision: std::time::Duration,
    decision: std::time::Duration,
    sign_in: std::time::Duration,
    home: std::time::Duration,
    /// How many calendars a home lists.
    members: usize,
}

impl Office {
    fn costs(&self, viewers: usize, times: u32) -> Costs {
        let zero = std::time::Duration::ZERO;
        let mut costs = Costs { first_decision: zero, decision: zero, sign_in: zero, home: zero, members: 0 };
        for number in (0..viewers).map(|number| number * (self.people / viewers)) {
            let (viewer, owner) = (name((number + 7) % self.people), name(number));
            let principal = self.store.credential(&viewer).unwrap().unwrap().principal;
            let door = self.store.door(principal);
            let begin = Instant::now();
            door.read(|store| store.resolve(&owner, &["default"]).map(drop)).unwrap();
            costs.first_decision += begin.elapsed();
            let own = match door.read(|store| store.resolve(&viewer, &[])).unwrap() {
                Resource::Home(home) => home,
                other => panic!("{other:?}"),
            };
            costs.members += door.read(|store| store.home_members(&own)).unwrap().len();

            let begin = Instant::now();
            for _ in 0..times {
                door.read(|store| store.resolve(&owner, &["default"]).map(drop)).unwrap();
            }
            costs.decision += begin.elapsed() / times;
            let begin = Instant::now();
            for _ in 0..times {
                assert!(self.store.credential(&viewer).unwrap().is_some());
            }
            costs.sign_in += begin.elapsed() / times;
            let begin = Instant::now();
            for _ in 0..times.min(50) {
                door.read(|store| store.home_members(&own).map(drop)).unwrap();
            }
            costs.home += begin.elapsed() / times.min(50);
        }
        let viewers = u32::try_from(viewers).unwrap();
        for cost in [&mut costs.first_decision, &mut costs.decision, &mut costs.sign_in, &mut costs.home] {
            *cost /= viewers;
        }
        costs.members /= viewers as usize;
        costs
    }
}

#[test]
fn whom_people_share_with_is_decided_among_many_as_among_few() {
    let people = std::env::var("STORAGE_USERS").map_or(60, |users| users.parse().unwrap());
    let (viewers, times) = if people > 1_000 { (100, 1_000) } else { (5, 10) };
    for people in [10, people] {
        let office = sharing(people);
        let costs = office.costs(viewers.min(people), times);
        println!("{people} people: {costs:?}, {} bytes known", office.store.facts_bytes());
        assert!(costs.members > NESTED, "what others share is listed");
    }
}

/// The people of one household share with one of them what he lists: so many calendars of each of the others.
const HOUSEHOLD: usize = 10;
const CALENDARS: usize = 6;
/// Whose home is listed.
const VIEWER: usize = 1;
/// Of a home that is listed for the first time since the start, and of one that was before.
const COLD: usize = 15;
const WARM: usize = 200;

/// An organisation in which the first ten are that household and all others share among themselves.
fn household(people: usize) -> Office {
    let others = HOUSEHOLD..people;
    let office = Office::new(people);
    let chains = (others.len() / 10 / NESTED).max(1);
    let group = |chain: usize, depth: usize| format!("group{chain}-{depth}");
    let mut file = ApplyFile::default();
    // The last chain is the household's, with the viewer at its beginning.
    for (chain, depth) in (0..=chains).flat_map(|chain| (0..NESTED).map(move |depth| (chain, depth))) {
        let members = match depth {
            0 if chain == chains => vec![name(VIEWER)],
            0 => others.clone().skip(chain).step_by(chains).map(name).collect(),
            _ => vec![group(chain, depth - 1)],
        };
        file.groups.push(GroupEntry { name: group(chain, depth), members });
    }
    for owner in (0..HOUSEHOLD).filter(|owner| *owner != VIEWER) {
        for number in 0..CALENDARS {
            let own = format!("shared{number}");
            let level = Some(if number % 2 == 0 { Level::Titles } else { Level::Details });
            let grant = GrantEntry { calendar: format!("{}/{own}", name(owner)), level, ..GrantEntry::default() };
            file.calendars.push(CalendarEntry { owner: name(owner), name: own, ..CalendarEntry::default() });
            file.grants.push(match (owner + number) % 3 {
                0 => GrantEntry { group: Some(group(chains, NESTED - 1)), ..grant },
                _ => GrantEntry { user: Some(name(VIEWER)), ..grant },
            });
        }
    }
    for owner in others.clone() {
        let grant = || GrantEntry { calendar: format!("{}/default", name(owner)), level: Some(Level::Details), ..GrantEntry::default() };
        file.grants.push(GrantEntry { group: Some(group((owner + 1) % chains, NESTED - 1)), ..grant() });
        let fellows = (1..GRANTS).map(|number| HOUSEHOLD + (owner - HOUSEHOLD + number * 7) % others.len());
        for fellow in fellows.filter(|fellow| *fellow != owner) {
            file.grants.push(GrantEntry { user: Some(name(fellow)), ..grant() });
        }
    }
    office.store.administration().apply(&file, ApplyOptions::default()).unwrap().unwrap();
    office
}

impl Office {
    /// Names that the viewer's home shows, what listing it took, and what that and its names took.
    fn listed(&self) -> (Vec<String>, [std::time::Duration; 2]) {
        let principal = self.store.credential(&name(VIEWER)).unwrap().unwrap().principal;
        let door = self.store.door(principal);
        let begin = Instant::now();
        let names = door.read(|store| {
            let Resource::Home(home) = store.resolve(&name(VIEWER), &[])? else { return Err(Error::NotFound) };
            let shown = |member| store.properties(&PropertyTarget::Resource(member)).map(|mut all| all.remove(&PropertyKey::DisplayName));
            let members = store.home_members(&home)?;
            let listed = begin.elapsed();
            let names = members.iter().map(|member| Ok(shown(member)?.unwrap_or_default())).collect::<Result<Vec<_>, Error>>()?;
            Ok((names, [listed, begin.elapsed()]))
        });
        let (mut names, took) = names.unwrap();
        names.sort_unstable();
        (names, took)
    }

    /// The store as it is after a start.
    fn start_again(&mut self) {
        self.store.close().unwrap();
        self.store = Store::open(self.directory.path(), self.options.clone()).unwrap();
    }
}

/// What listing a home costs is its own matter: the same home was compared with none before, only a small one with a large one.
#[test]
fn the_same_home_is_listed_among_many_as_among_few() {
    let people = std::env::var("STORAGE_USERS").map_or(60, |users| users.parse().unwrap());
    let (cold_times, warm_times) = if people > 1_000 { (COLD, WARM) } else { (2, 3) };
    let mut offices = [household(HOUSEHOLD), household(people)];
    // In turn, so that what else the machine does falls on both.
    let (mut cold, mut warm) = ([const { Vec::new() }; 2], [const { Vec::new() }; 2]);
    for _ in 0..cold_times {
        for (office, cold) in offices.iter_mut().zip(&mut cold) {
            office.start_again();
            cold.push(office.listed().1);
        }
    }
    for _ in 0..warm_times {
        for (office, warm) in offices.iter().zip(&mut warm) {
            warm.push(office.listed().1);
        }
    }
    let [few, many] = offices.each_ref().map(|office| office.listed().0);
    assert_eq!(few, many, "the same home is shown");
    assert!(few.len() > (HOUSEHOLD - 1) * CALENDARS);
    let members = (HOUSEHOLD - 1) * CALENDARS + 1;
    for (state, times) in [("warm", &warm), ("cold", &cold)] {
        for (what, which) in [("listed", 0), ("listed with its names", 1)] {
            let [few, many] = times.each_ref().map(|times| {
                let mut times: Vec<_> = times.iter().map(|both| both.get(which).unwrap().as_secs_f64() * 1e6).collect();
                times.sort_unstable_by(f64::total_cmp);
                times.get(times.len() / 2).copied().unwrap()
            });
            let ratio = many / few;
            println!(
                "a home of {members} {what}, {state}: {few:.1} µs among {HOUSEHOLD} people, {many:.1} among {people}: {ratio:.2} times"
            );
        }
    }
}
