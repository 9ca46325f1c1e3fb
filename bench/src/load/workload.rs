//! The workloads: what each is called, what it asks, and what has to come back.

use crate::ask::{Ask, Check, Fidelity, Rows, Step, Texts, sync_token};
use crate::calendar::{Calendar, Span};
use crate::target::{Shown, Target, WindowEnd};
use crate::window::Window;
use crate::wire::Connection;
use bench::chance::Chance;
use chrono::NaiveDate;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Everything random follows from it.
pub(crate) const SEED: u64 = 1;
/// Different requests of one workload.
const ASKS_MAX: u32 = 400;
/// Colleagues whose week is looked at.
pub(crate) const PEOPLE: u32 = 50;
/// Events of each of them.
pub(crate) const PERSON_EVENTS: u32 = 200;
/// Rows that the weeks of a calendar may have together, and weeks that are asked for in any case: all answers are kept, by the bare
/// server.
const WEEK_ROWS_MAX: usize = 100_000;
const WEEKS_MIN: usize = 3;
/// Changes of which a client learns at once.
const CHANGES: u64 = 10;

const MULTISTATUS: &[u16] = &[207];
const OK: &[u16] = &[200];

/// What a workload asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Get,
    PutNew,
    PutUpdate,
    Propfind,
    Multiget(u32),
    /// One of forty weeks.
    Week,
    /// The same week in a small calendar and in a large one, with the same answer.
    SameWeek,
    /// DAVx5's first look: whatever ends after 90 days ago, tags alone.
    Days90,
    SyncInitial,
    SyncChanges,
    FreeBusyMonth,
    FreeBusyPeople,
    Discovery,
    Morning,
}

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Workload {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Events of the calendar that it is about.
    pub(crate) size: u32,
    /// The calendar's name.
    pub(crate) calendar: String,
    /// Whose view: the owner's where nothing stands, else that of a grantee of this level.
    pub(crate) level: Option<&'static str>,
}

/// The kinds, and which sizes they are measured at.
const TABLE: [(&str, Kind, Sizes); 15] = [
    ("get", Kind::Get, Sizes::Both),
    ("propfind", Kind::Propfind, Sizes::Both),
    ("multiget-50", Kind::Multiget(50), Sizes::Both),
    ("multiget-10", Kind::Multiget(10), Sizes::Large),
    ("query-week", Kind::Week, Sizes::Both),
    ("query-same-week", Kind::SameWeek, Sizes::Both),
    ("query-90-days", Kind::Days90, Sizes::Large),
    ("sync-initial", Kind::SyncInitial, Sizes::Both),
    ("sync-changes", Kind::SyncChanges, Sizes::SmallToo),
    ("free-busy-month", Kind::FreeBusyMonth, Sizes::Both),
    ("free-busy-people", Kind::FreeBusyPeople, Sizes::People),
    ("discovery", Kind::Discovery, Sizes::Large),
    ("morning", Kind::Morning, Sizes::Large),
    ("put-new", Kind::PutNew, Sizes::Both),
    ("put-update", Kind::PutUpdate, Sizes::Both),
];

/// Levels of grantees. `details` sees all but what is private.
pub(crate) const LEVELS: [(&str, &str); 5] =
    [("bob", "free-busy"), ("carol", "titles"), ("dan", "details"), ("erin", "edit"), ("frank", "edit-delete")];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sizes {
    Large,
    Both,
    /// A hundred too, to compare with.
    SmallToo,
    People,
}

/// All workloads for calendars of these sizes, the largest last.
pub(crate) fn table(sizes: &[u32]) -> Vec<Workload> {
    let large = sizes.last().copied().unwrap_or(1_000);
    let mut table = Vec::new();
    for (name, kind, which) in TABLE {
        let sizes = match which {
            Sizes::Large => vec![large],
            Sizes::Both => sizes.to_vec(),
            Sizes::SmallToo => [100].into_iter().chain(sizes.iter().copied().filter(|&size| size != 100)).collect(),
            Sizes::People => vec![PERSON_EVENTS],
        };
        for &size in &sizes {
            let calendar = match kind {
                Kind::SameWeek if size < large => format!("week-{size}"),
                _ => format!("c{size}"),
            };
            let name = if sizes.len() > 1 { format!("{name}-{size}") } else { name.to_owned() };
            table.push(Workload { name, kind, size, calendar, level: None });
        }
    }
    let grantees: Vec<Workload> = table
        .iter()
        .filter(|workload| !workload.kind.is_write() && !matches!(workload.kind, Kind::FreeBusyPeople | Kind::SyncChanges | Kind::SameWeek))
        .flat_map(|workload| {
            LEVELS.iter().map(|&(_, level)| Workload { name: format!("{}@{level}", workload.name), level: Some(level), ..workload.clone() })
        })
        .collect();
    table.extend(grantees);
    table
}

/// The calendars that some workloads need, by name; the owner's first.
pub(crate) fn calendars(workloads: &[Workload], largest: u32) -> BTreeMap<String, Calendar> {
    let mut calendars = BTreeMap::new();
    let mut insert = |name: &str, calendar: Calendar| drop(calendars.insert(name.to_owned(), calendar.placed(name)));
    for workload in workloads {
        match workload.kind {
            Kind::FreeBusyPeople => {
                for person in 0..PEOPLE {
                    insert(&person_name(person), Calendar::new(1_000 + u64::from(person), PERSON_EVENTS));
                }
            }
            Kind::SameWeek if workload.calendar.starts_with("week-") => {
                insert(&workload.calendar, Calendar::new(SEED, largest).around(same_week(), workload.size));
            }
            _ => insert(&workload.calendar, Calendar::new(SEED, workload.size)),
        }
    }
    calendars
}

/// The week whose answer is the same in a small calendar.
fn same_week() -> Window {
    Window::weeks().get(20).copied().unwrap_or(Window { start: 0, end: 0 })
}

/// `p00`
pub(crate) fn person_name(number: u32) -> String {
    format!("p{number:02}")
}

/// What is asked, ready to be sent.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) work: Work,
    /// Things in each answer, by which its cost is divided: rows, mostly.
    pub(crate) items: f64,
}

/// Requests in any order, or writes one after the other.
#[derive(Debug)]
pub(crate) enum Work {
    Asks(Vec<Rc<Ask>>),
    Writes(Writes),
}

/// Writes: events in turn, each under a number of its own or with a changed title.
#[derive(Debug)]
pub(crate) struct Writes {
    /// The bytes, and where the number of the write stands in them.
    templates: Vec<(Vec<u8>, Vec<usize>)>,
    next: std::cell::Cell<u64>,
}

/// Stands in a template where the number of the write goes; as long as one.
const MARK: &str = "@write@number@@@";

impl Kind {
    /// Whether it changes what the others look at, for good.
    pub(crate) fn is_write(self) -> bool {
        matches!(self, Self::PutNew | Self::PutUpdate)
    }
}

impl Writes {
    fn new(requests: Vec<Vec<u8>>) -> Self {
        let templates = requests.into_iter().map(|bytes| {
            let marks = bytes.windows(MARK.len()).enumerate().filter(|(_, window)| *window == MARK.as_bytes()).map(|(at, _)| at).collect();
            (bytes, marks)
        });
        Self { templates: templates.collect(), next: std::cell::Cell::new(0) }
    }

    /// The next write; what is written does not repeat.
    pub(crate) fn request(&self) -> Vec<u8> {
        let number = self.next.replace(self.next.get() + 1);
        let at = usize::try_from(number).unwrap_or(0) % self.templates.len().max(1);
        self.filled(at, number)
    }

    fn filled(&self, at: usize, number: u64) -> Vec<u8> {
        let Some((template, marks)) = self.templates.get(at) else { return Vec::new() };
        let (mut bytes, number) = (template.clone(), format!("{number:016x}"));
        for &mark in marks {
            if let Some(place) = bytes.get_mut(mark..mark + MARK.len()) {
                place.copy_from_slice(number.as_bytes());
            }
        }
        bytes
    }
}

/// Gets a workload ready: what it asks of this target, and what has to come back.
///
/// # Errors
/// The server does not do what has to be done before.
pub(crate) async fn plan(workload: &Workload, target: &Target, run: u64) -> Result<Plan, String> {
    let shown = target.calendar(&workload.calendar);
    let mut chance = Chance::new(SEED, &workload.name);
    let asks = |asks: Vec<Ask>, items: f64| Ok(Plan { work: Work::Asks(asks.into_iter().map(Rc::new).collect()), items });
    match workload.kind {
        Kind::Get => {
            let shown = shown?;
            let numbers = (0..ASKS_MAX).map(|_| shown.calendar.number_at(chance.number()));
            asks(numbers.map(|number| vec![get(target, shown, number)]).collect(), 1.0)
        }
        Kind::PutNew | Kind::PutUpdate => Ok(Plan { work: Work::Writes(writes(workload.kind, target, shown?, run)), items: 1.0 }),
        Kind::Propfind => {
            let shown = shown?;
            let check = rows(shown, None, 1, Texts::Absent);
            let request = target.propfind(&shown.path, 1, "<D:getetag/>");
            asks(vec![vec![Step::new(request, MULTISTATUS, check)]], f64::from(shown.calendar.count()))
        }
        Kind::Multiget(count) => {
            let shown = shown?;
            asks((0..ASKS_MAX / 4).map(|_| vec![multiget(target, shown, count, &mut chance)]).collect(), f64::from(count))
        }
        Kind::Week | Kind::SameWeek => {
            let shown = shown?;
            let spans = shown.calendar.spans();
            let weeks = if workload.kind == Kind::Week { Window::weeks() } else { vec![same_week()] };
            let (mut all, mut rows) = (Vec::new(), 0);
            for week in weeks {
                if rows > WEEK_ROWS_MAX && all.len() >= WEEKS_MIN {
                    break;
                }
                let (step, items) = query(target, shown, week, &spans);
                rows += items;
                all.push((step, items));
            }
            let items = all.iter().map(|(_, items)| *items as f64).sum::<f64>() / all.len().max(1) as f64;
            asks(all.into_iter().map(|(step, _)| vec![step]).collect(), items)
        }
        Kind::Days90 => {
            let shown = shown?;
            // As if today were a Tuesday of September 2026.
            let from = NaiveDate::from_ymd_opt(2026, 6, 15).unwrap_or_default();
            let window = Window { end: i64::MAX, ..Window::days(from, 1) };
            let events = window.events(&shown.calendar.spans());
            let items = events.len() as f64;
            let check = rows(shown, Some(events), 0, Texts::Absent);
            let request = target.query(&shown.path, window, WindowEnd::Open, "<D:getetag/>");
            asks(vec![vec![Step::new(request, MULTISTATUS, check)]], items)
        }
        Kind::SyncInitial => {
            let shown = shown?;
            let check = rows(shown, None, 0, Texts::Absent);
            asks(vec![vec![Step::new(target.sync(&shown.path, ""), MULTISTATUS, check)]], f64::from(shown.calendar.count()))
        }
        Kind::SyncChanges => {
            let shown = shown?;
            let (token, events) = changes(target, shown, run).await?;
            let check = rows(shown, Some(events), 0, Texts::Absent);
            asks(vec![vec![Step::new(target.sync(&shown.path, &token), MULTISTATUS, check)]], CHANGES as f64)
        }
        Kind::FreeBusyMonth => {
            let shown = shown?;
            let spans = shown.calendar.spans();
            let month = |month: Window| {
                let check = Check::Busy(month, month.busy_seconds(&spans));
                vec![Step::new(target.free_busy(&shown.path, month), OK, check)]
            };
            asks(Window::months().into_iter().map(month).collect(), 1.0)
        }
        Kind::FreeBusyPeople => {
            let spans: Vec<(String, Vec<Span>)> =
                (0..PEOPLE).map(|person| (person_name(person), Calendar::new(1_000 + u64::from(person), PERSON_EVENTS).spans())).collect();
            let week = |week: Window| {
                let each = spans.iter().map(|(person, spans)| {
                    let check = Check::Busy(week, week.busy_seconds(spans));
                    Ok(Step::new(target.person_busy(person, week)?, OK, check))
                });
                each.collect::<Result<Ask, String>>()
            };
            asks(Window::weeks().into_iter().map(week).collect::<Result<_, String>>()?, f64::from(PEOPLE))
        }
        Kind::Discovery => asks(vec![discovery(target)], 1.0),
        Kind::Morning => asks(vec![morning(target, shown?, &mut chance).await?], 1.0),
    }
}

fn rows(shown: &Shown, events: Option<Vec<u32>>, others: usize, texts: Texts) -> Check {
    Check::Rows(Rc::new(Rows { calendar: Rc::clone(&shown.calendar), events, others, texts, fidelity: shown.fidelity }))
}

fn get(target: &Target, shown: &Shown, number: u32) -> Step {
    let check = Check::Event(Rc::clone(&shown.calendar), number, shown.fidelity);
    Step::new(target.plain("GET", &shown.event_path(number)), OK, check)
}

fn multiget(target: &Target, shown: &Shown, count: u32, chance: &mut Chance) -> Step {
    // Events of all the calendar, and no two alike.
    let (first, apart) = (chance.number() >> 1, u64::from(shown.calendar.count() / count.max(1)).max(1));
    let chosen = (0..u64::from(count)).map(|nth| shown.calendar.number_at(first + nth * apart));
    let chosen: BTreeMap<String, u32> = chosen.map(|event| (shown.event_path(event), event)).collect();
    let mut events: Vec<u32> = chosen.values().copied().collect();
    events.sort_unstable();
    Step::new(target.multiget(&shown.path, chosen.keys()), MULTISTATUS, rows(shown, Some(events), 0, Texts::Present))
}

/// What takes place in a week, texts and all, and how much that is.
fn query(target: &Target, shown: &Shown, week: Window, spans: &[Span]) -> (Step, usize) {
    let events = week.events(spans);
    let items = events.len();
    let request = target.query(&shown.path, week, WindowEnd::Closed, "<D:getetag/><C:calendar-data/>");
    (Step::new(request, MULTISTATUS, rows(shown, Some(events), 0, Texts::Present)), items)
}

/// Changes ten events and changes them back: the token from before, and which they are.
async fn changes(target: &Target, shown: &Shown, run: u64) -> Result<(String, Vec<u32>), String> {
    let mut connection = Connection::new(target.address);
    let mut events: Vec<u32> = (0..CHANGES).map(|nth| shown.calendar.number_at(nth * 977)).collect();
    for &event in &events {
        let text = shown.calendar.event(event).text.replacen("SUMMARY:", &format!("SUMMARY:{run} "), 1);
        put(&mut connection, target, &shown.event_path(event), &text).await?;
    }
    let answer = connection.ask(&target.sync(&shown.path, "")).await.map_err(|error| error.to_string())?;
    let token = sync_token(&answer.text()).ok_or_else(|| format!("no sync token, status {}", answer.status))?;
    for &event in &events {
        put(&mut connection, target, &shown.event_path(event), &shown.calendar.event(event).text).await?;
    }
    events.sort_unstable();
    events.dedup();
    Ok((token, events))
}

pub(crate) async fn put(connection: &mut Connection, target: &Target, path: &str, text: &str) -> Result<(), String> {
    let answer = connection.ask(&target.put(path, text)).await.map_err(|error| format!("PUT {path}: {error}"))?;
    match answer.status {
        200 | 201 | 204 => Ok(()),
        status => Err(format!("PUT {path}: {status}")),
    }
}

fn writes(kind: Kind, target: &Target, shown: &Shown, run: u64) -> Writes {
    let mut chance = Chance::new(SEED, "writes");
    let request = |nth| {
        let number = if kind == Kind::PutNew { nth } else { shown.calendar.number_at(chance.number()) };
        let event = shown.calendar.event(number);
        if kind == Kind::PutUpdate {
            let text = event.text.replacen("SUMMARY:", &format!("SUMMARY:{MARK} "), 1);
            return target.put(&shown.event_path(number), &text);
        }
        let uid = format!("{run}-{MARK}");
        target.put(&format!("{}{uid}.ics", shown.path), &event.text.replace(&event.uid, &uid))
    };
    Writes::new((0..ASKS_MAX).map(request).collect())
}

/// Who am I, where is my home, what is in it.
fn discovery(target: &Target) -> Ask {
    let step = |path: &str, depth, properties, holds| Step::new(target.propfind(path, depth, properties), MULTISTATUS, Check::Holds(holds));
    let principal = "<D:displayname/><D:principal-URL/><C:calendar-home-set/><C:calendar-user-address-set/><D:supported-report-set/>";
    let home = "<D:resourcetype/><D:displayname/><D:current-user-privilege-set/><C:supported-calendar-component-set/><D:owner/>";
    vec![
        step("/", 0, "<D:current-user-principal/><D:resourcetype/>", "current-user-principal"),
        step(&target.principal, 0, principal, "calendar-home-set"),
        step(&target.home, 1, home, "supported-calendar-component-set"),
    ]
}

/// What the programs of a household ask at breakfast, when nothing has changed.
async fn morning(target: &Target, shown: &Shown, chance: &mut Chance) -> Result<Ask, String> {
    let mut connection = Connection::new(target.address);
    let answer = connection.ask(&target.sync(&shown.path, "")).await.map_err(|error| error.to_string())?;
    let token = sync_token(&answer.text()).ok_or_else(|| format!("no sync token, status {}", answer.status))?;
    let unchanged = || Step::new(target.sync(&shown.path, &token), MULTISTATUS, rows(shown, Some(Vec::new()), 0, Texts::Absent));
    let find = |path: &str, depth, properties, holds| Step::new(target.propfind(path, depth, properties), MULTISTATUS, Check::Holds(holds));
    let spans = shown.calendar.spans();
    let week = Window::weeks().get(1).copied().unwrap_or(Window { start: 0, end: 0 });
    let tags = |window: Window| {
        let request = target.query(&shown.path, window, WindowEnd::Closed, "<D:getetag/>");
        Step::new(request, MULTISTATUS, rows(shown, Some(window.events(&spans)), 0, Texts::Absent))
    };
    Ok(vec![
        // Apple: the home, the calendar, then what changed.
        find(&target.home, 1, "<D:displayname/><CS:getctag/><D:sync-token/><D:current-user-privilege-set/><D:resourcetype/>", "sync-token"),
        find(&shown.path, 0, "<CS:getctag/><D:sync-token/>", "sync-token"),
        unchanged(),
        // DAVx5: looks at the tag and leaves it at that; then one that fetches ten events.
        find(&shown.path, 0, "<D:supported-report-set/><D:sync-token/><CS:getctag/>", "sync-token"),
        multiget(target, shown, 10, chance),
        // Thunderbird, and Evolution.
        unchanged(),
        find(&shown.path, 0, "<CS:getctag/>", "getctag"),
        unchanged(),
        // KDE.
        find(&target.home, 1, "<D:displayname/><D:resourcetype/><C:supported-calendar-component-set/><CS:getctag/>", "getctag"),
        // Outlook's synchronizer, in its window; vdirsyncer lists everything.
        tags(week),
        Step::new(target.propfind(&shown.path, 1, "<D:resourcetype/><D:getcontenttype/><D:getetag/>"), MULTISTATUS, {
            rows(shown, None, 1, Texts::Absent)
        }),
        // A wall display: this week in full.
        query(target, shown, week, &spans).0,
    ])
}

/// Learns what a server calls the events of a calendar where it chooses names of its own.
///
/// # Errors
/// The calendar cannot be listed, or has another number of events.
pub(crate) async fn learn_names(target: &Target, shown: &mut Shown) -> Result<(), String> {
    if !matches!(shown.fidelity, Fidelity::Renamed | Fidelity::Withheld) {
        return Ok(());
    }
    let mut connection = Connection::new(target.address);
    let answer = connection.ask(&target.propfind(&shown.path, 1, "<D:getetag/>")).await.map_err(|error| error.to_string())?;
    let text = answer.text();
    shown.names = crate::ask::names(&text).map(str::to_owned).collect();
    let count = shown.calendar.count() as usize;
    if shown.names.len() == count { Ok(()) } else { Err(format!("{} names instead of {count}", shown.names.len())) }
}
