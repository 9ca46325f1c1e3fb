//! A mixed load of many people for a long time: they put, change, delete and fetch events, follow each other's calendars, and shares
//! come and go. Each knows what is in his own calendar, so that listings, reports of changes and texts can be told right or wrong
//! all along; at the end everything is compared once more and the store is checked.

use crate::ask::{names, sync_token};
use crate::calendar::Calendar;
use crate::process::{self, Process};
use crate::say;
use crate::server::Shoji;
use crate::target::{People, Target, WindowEnd, basic};
use crate::wire::Connection;
use bench::chance::Chance;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Events of each person, before.
const EVENTS: u32 = 20;
/// And at most: calendars come to a size and stay there, so that memory which goes on growing is told from a store that does.
const EVENTS_MAX: usize = 60;
/// What is told of memory, over the whole run.
const TOLD: u32 = 10;
/// Things that each person does a second, about.
const PAUSE_MILLISECONDS_MAX: u64 = 400;
/// Times that a request may be told to come later.
const TOLD_MAX: u32 = 20;

/// What everybody shares.
struct Run {
    address: SocketAddr,
    people: u32,
    over: Cell<bool>,
    done: Cell<u64>,
    /// Requests that were told to come later.
    later: Cell<u64>,
    wrong: RefCell<Vec<String>>,
}

impl Run {
    fn wrong(&self, who: &str, words: &str) {
        self.wrong.borrow_mut().push(format!("{who}: {words}"));
    }
}

/// So many people for so many seconds; whether everything was right.
///
/// # Errors
/// The server does not start.
pub(crate) async fn soak(shoji: &Shoji, people: u32, seconds: f64) -> Result<bool, String> {
    drop(std::fs::remove_dir_all(&shoji.directory));
    std::fs::create_dir_all(&shoji.directory).map_err(|error| error.to_string())?;
    let accounts: String = (0..people)
        .map(|number| {
            let name = name(number);
            format!("[[user]]\nname = \"{name}\"\npassword = \"{name}\"\n[[calendar]]\nowner = \"{name}\"\nname = \"work\"\n")
        })
        .collect();
    let file = shoji.directory.join("people.toml");
    std::fs::write(&file, accounts).map_err(|error| error.to_string())?;
    shoji.run(&["apply", &file.to_string_lossy()])?;
    let (process, address) = shoji.serve()?;
    let run = Rc::new(Run { address, people, over: Cell::new(false), done: Cell::new(0), later: Cell::new(0), wrong: RefCell::default() });
    let local = tokio::task::LocalSet::new();
    let all: Vec<_> = (0..people).map(|number| local.spawn_local(live(Rc::clone(&run), number))).collect();
    local.run_until(watch(&run, &process, Duration::from_secs_f64(seconds))).await;
    for one in all {
        local.run_until(one).await.map_err(|error| error.to_string())?;
    }
    tell(&run, &process, "after");
    process.stop()?;
    shoji.run(&["check"])?;
    say("`shoji check` finds no fault");
    let wrong = run.wrong.borrow();
    for words in wrong.iter().take(10) {
        say(&format!("WRONG: {words}"));
    }
    let (done, later) = (run.done.get(), run.later.get());
    say(&format!("{people} people, {done} requests in {seconds:.0} s, {later} told to come later, {} wrong", wrong.len()));
    Ok(wrong.is_empty() && done > u64::from(people))
}

fn name(number: u32) -> String {
    format!("u{number:03}")
}

/// Tells of memory now and then, until the time is over.
async fn watch(run: &Run, process: &Process, time: Duration) {
    let started = Instant::now();
    for part in 1..=TOLD {
        let until = time * part / TOLD;
        tokio::time::sleep(until.saturating_sub(started.elapsed())).await;
        tell(run, process, &format!("{:.0} s", started.elapsed().as_secs_f64()));
    }
    run.over.set(true);
}

fn tell(run: &Run, process: &Process, when: &str) {
    let memory = process::memory(process.id());
    let megabytes = |bytes: u64| bytes >> 20;
    say(&format!(
        "{when:>8}: {:>8} requests, resident {:>5} MB, PSS {:>5} MB, {} told to come later, {} wrong",
        run.done.get(),
        megabytes(memory.resident_bytes),
        megabytes(memory.proportional_bytes),
        run.later.get(),
        run.wrong.borrow().len()
    ));
}

/// One person, with a calendar that he alone writes to.
struct Person {
    run: Rc<Run>,
    name: String,
    target: Target,
    connection: Connection,
    chance: Chance,
    /// What is in the calendar: name and text.
    own: BTreeMap<String, String>,
    /// What his client knows of it from reports of changes.
    followed: BTreeSet<String>,
    token: String,
    made: u32,
    events: Calendar,
}

async fn live(run: Rc<Run>, number: u32) {
    let name = name(number);
    let target = Target {
        address: run.address,
        authorization: basic(&name, &name),
        principal: String::new(),
        home: format!("/dav/calendars/{name}/"),
        calendars: BTreeMap::new(),
        people: People::Calendars,
    };
    let mut person = Person {
        connection: Connection::new(run.address),
        chance: Chance::new(u64::from(number), "soak"),
        events: Calendar::new(5_000 + u64::from(number), u32::MAX),
        own: BTreeMap::new(),
        followed: BTreeSet::new(),
        token: String::new(),
        made: 0,
        run,
        name,
        target,
    };
    let mut outcome = Ok(());
    for _ in 0..EVENTS {
        outcome = outcome.and(person.put_new().await);
    }
    while !person.run.over.get() && outcome.is_ok() {
        outcome = person.act().await;
        let pause = person.chance.below(PAUSE_MILLISECONDS_MAX);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    let outcome = match outcome {
        Ok(()) => person.agree().await,
        Err(words) => Err(words),
    };
    if let Err(words) = outcome {
        person.run.wrong(&person.name, &words);
    }
}

impl Person {
    fn path(&self) -> String {
        format!("{}work/", self.target.home)
    }

    /// Sends a request; the text of an answer with one of these statuses.
    async fn ask(&mut self, request: &[u8], statuses: &[u16]) -> Result<(u16, String), String> {
        let mut told = 0;
        let answer = loop {
            let answer = self.connection.ask(request).await.map_err(|error| error.to_string())?;
            let later = answer.field("retry-after").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
            match later {
                // What a client does that is told so, where the machine is busy with other things too.
                Some(later) if answer.status == 503 && told < TOLD_MAX => {
                    told += 1;
                    self.run.later.set(self.run.later.get() + 1);
                    tokio::time::sleep(later).await;
                }
                _ => break answer,
            }
        };
        self.run.done.set(self.run.done.get() + 1);
        if statuses.contains(&answer.status) {
            return Ok((answer.status, answer.text()));
        }
        let request = String::from_utf8_lossy(request).lines().next().unwrap_or_default().to_owned();
        Err(format!("{request}: status {}, {}", answer.status, answer.text().chars().take(200).collect::<String>()))
    }

    async fn act(&mut self) -> Result<(), String> {
        match self.chance.below(100) {
            0..12 if self.own.len() < EVENTS_MAX => self.put_new().await,
            12..30 => self.change().await,
            0..12 | 30..38 => self.delete().await,
            38..55 => self.get().await,
            55..75 => self.follow().await,
            75..80 => self.list().await,
            80..93 => self.visit().await,
            _ => self.share().await,
        }
    }

    async fn put_new(&mut self) -> Result<(), String> {
        let event = self.events.event(self.made);
        self.made += 1;
        let name = format!("{}.ics", event.uid);
        let request = self.target.put(&format!("{}{name}", self.path()), &event.text);
        self.ask(&request, &[201]).await?;
        self.own.insert(name, event.text);
        Ok(())
    }

    /// One of the events that are there.
    fn any(&mut self) -> Option<(String, String)> {
        let at = usize::try_from(self.chance.below(self.own.len() as u64)).unwrap_or(0);
        self.own.iter().nth(at).map(|(name, text)| (name.clone(), text.clone()))
    }

    async fn change(&mut self) -> Result<(), String> {
        let Some((name, text)) = self.any() else { return Ok(()) };
        let text = text.replacen("SUMMARY:", &format!("SUMMARY:{:03} ", self.chance.below(1_000)), 1);
        if text.len() > 20_000 {
            return Ok(());
        }
        let request = self.target.put(&format!("{}{name}", self.path()), &text);
        self.ask(&request, &[204]).await?;
        self.own.insert(name, text);
        Ok(())
    }

    async fn delete(&mut self) -> Result<(), String> {
        let Some((name, _)) = self.any() else { return Ok(()) };
        let request = self.target.plain("DELETE", &format!("{}{name}", self.path()));
        self.ask(&request, &[204]).await?;
        self.own.remove(&name);
        Ok(())
    }

    async fn get(&mut self) -> Result<(), String> {
        let Some((name, text)) = self.any() else { return Ok(()) };
        let request = self.target.plain("GET", &format!("{}{name}", self.path()));
        let (_, found) = self.ask(&request, &[200]).await?;
        if found == text { Ok(()) } else { Err(format!("{name} is not what was put")) }
    }

    /// Learns what changed since the last time, as a client does, and compares with what is there.
    async fn follow(&mut self) -> Result<(), String> {
        let request = self.target.sync(&self.path(), &self.token);
        let (_, text) = self.ask(&request, &[207]).await?;
        let gone: BTreeSet<&str> = text
            .split("response>")
            .filter(|row| row.contains("HTTP/1.1 404"))
            .flat_map(|row| row.split(".ics").next().and_then(|head| head.rsplit('/').next()))
            .collect();
        for name in names(&text) {
            if gone.contains(name.trim_end_matches(".ics")) {
                self.followed.remove(name);
            } else {
                self.followed.insert(name.to_owned());
            }
        }
        self.token = sync_token(&text).ok_or("no sync token")?;
        if self.followed.iter().eq(self.own.keys()) { Ok(()) } else { Err("the report of changes leads elsewhere".to_owned()) }
    }

    async fn list(&mut self) -> Result<(), String> {
        let request = self.target.propfind(&self.path(), 1, "<D:getetag/>");
        let (_, text) = self.ask(&request, &[207]).await?;
        let listed: BTreeSet<&str> = names(&text).collect();
        if listed.iter().copied().eq(self.own.keys().map(String::as_str)) { Ok(()) } else { Err("the listing is another".to_owned()) }
    }

    /// Looks at a calendar that is in the home now; what others share may have ended since.
    async fn visit(&mut self) -> Result<(), String> {
        let request = self.target.propfind(&self.target.home.clone(), 1, "<D:resourcetype/>");
        let (_, text) = self.ask(&request, &[207]).await?;
        let home = self.target.home.clone();
        let paths = text.split("href>").filter(|part| part.starts_with(&home)).filter_map(|part| part.split('<').next());
        let paths: Vec<String> = paths.filter(|path| *path != home).map(str::to_owned).collect();
        let at = usize::try_from(self.chance.below(paths.len() as u64)).unwrap_or(0);
        let Some(path) = paths.get(at) else { return Err("there is nothing in the home".to_owned()) };
        let week = crate::window::Window::weeks().first().copied().ok_or("no week")?;
        let request = match self.chance.below(3) {
            0 => self.target.sync(path, ""),
            1 => self.target.query(path, week, WindowEnd::Closed, "<D:getetag/><C:calendar-data/>"),
            _ => self.target.free_busy(path, week),
        };
        let (_, text) = self.ask(&request, &[200, 207, 404]).await?;
        if !path.ends_with("/work/") && text.contains("DESCRIPTION:") && text.contains("SUMMARY:Busy") {
            return Err("busy time with notes".to_owned());
        }
        Ok(())
    }

    /// Shares with two others, in place of those before.
    async fn share(&mut self) -> Result<(), String> {
        let grants: Vec<String> = (0..2)
            .map(|half| {
                let half_of = u64::from(self.run.people / 2);
                let user = name(u32::try_from(half * half_of + self.chance.below(half_of)).unwrap_or(0));
                let level = ["free-busy", "titles", "details"].get(self.chance.below(3) as usize).copied().unwrap_or("titles");
                format!("{{\"user\": \"{user}\", \"level\": \"{level}\"}}")
            })
            .filter(|grant| !grant.contains(&self.name))
            .collect();
        let body = format!("{{\"grant\": [{}]}}", grants.join(", "));
        let request = format!(
            "PUT /api/v1/calendars/{}/work/grants HTTP/1.1\r\nHost: {}\r\n{}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.name,
            self.run.address,
            self.target.authorization,
            body.len()
        );
        self.ask(request.as_bytes(), &[200, 201, 204]).await.map(|_| ())
    }

    /// At the end: everything once more, by every way.
    async fn agree(&mut self) -> Result<(), String> {
        self.follow().await?;
        self.list().await?;
        let path = self.path();
        let paths: Vec<String> = self.own.keys().map(|name| format!("{path}{name}")).collect();
        let request = self.target.multiget(&path, paths.iter());
        let (_, text) = self.ask(&request, &[207]).await?;
        for (name, own) in &self.own {
            let summary = own.lines().find(|line| line.starts_with("SUMMARY:")).unwrap_or_default();
            let escaped = summary.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            if !text.contains(name.as_str()) || !text.contains(&escaped) {
                return Err(format!("{name} is not what was put, in the end"));
            }
        }
        Ok(())
    }
}
