//! Non-interference: two worlds that differ only in what a viewer may not see answer every request of that viewer alike, byte
//! for byte. Worlds, requests and what happens between them are generated.
//!
//! More of it: `SHOJI_WORLDS` (pairs of worlds), `SHOJI_STEPS` (of one script), `SHOJI_SEED` (of the first pair).

mod ask;
mod knowledge;
mod organisation;
mod scene;
mod stage;
mod thing;
mod viewer;
mod wording;

use crate::harness::{Answer, Client};
use ask::{Request, crawl, request};
use knowledge::Knowledge;
use scene::{Scene, Step};
use stage::Stage;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use thing::Side;
use viewer::VIEWERS;

/// What was compared.
#[derive(Clone, Debug, Default)]
struct Tally {
    requests: usize,
    objects: usize,
    /// How often each status was answered to each method.
    answers: BTreeMap<(String, u16), usize>,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.objects += other.objects;
        for (kind, number) in &other.answers {
            *self.answers.entry(kind.clone()).or_default() += number;
        }
    }
}

/// Where the worlds came apart.
#[derive(Clone, Debug)]
struct Parting {
    step: usize,
    request: Request,
    answers: [Answer; 2],
    /// All that the viewer is served of the calendar in each world.
    served: [String; 2],
}

/// Plays a scene in both worlds.
fn play(scene: &Scene) -> Result<Tally, Box<Parting>> {
    let mut stages = Side::BOTH.map(|side| Stage::new(scene, side));
    let mut known = guesses(scene);
    assert_eq!(stages[0].link, stages[1].link, "both worlds have the same link");
    known.administers = scene.viewer.administers();
    known.links.extend(stages[0].link.clone());
    let objects = scene.things.iter().flat_map(|thing| &thing.looks).flatten().count();
    let mut tally = Tally { objects, ..Tally::default() };
    let mut number = 0;
    for request in crawl(&known).into_iter().chain(crawl(&known)) {
        number += 1;
        ask(&mut stages, (usize::MAX, number), &request, &mut known, &mut tally)?;
    }
    for (step, what) in &scene.script {
        let name = format!("step {step}");
        match what {
            Step::Ask(seed) => {
                let request = request(*seed, &known);
                ask(&mut stages, (*step, 0), &request, &mut known, &mut tally)?;
            }
            Step::Common(deed) => stages.iter_mut().for_each(|stage| stage.act(&name, deed)),
            Step::Hidden(side, deed) => stages[side.index()].act(&name, deed),
        }
    }
    for request in crawl(&known) {
        number += 1;
        ask(&mut stages, (usize::MAX, number), &request, &mut known, &mut tally)?;
    }
    let faults: Vec<String> = stages.iter().flat_map(|stage| stage.world.faults()).collect();
    assert!(faults.is_empty(), "{faults:?}");
    Ok(tally)
}

fn ask(
    stages: &mut [Stage<'_>; 2],
    step: (usize, usize),
    request: &Request,
    known: &mut Knowledge,
    tally: &mut Tally,
) -> Result<(), Box<Parting>> {
    let answers = stages.each_mut().map(|stage| {
        stage.world.step(&format!("request {} {}", step.0, step.1));
        let headers: Vec<(&str, &str)> = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        stage.viewer.send(&request.method, &request.path, &headers, &request.body)
    });
    let [a, b] = &answers;
    if a != b || a.status == 500 {
        let served = stages.each_ref().map(|stage| {
            let mut known = known.clone();
            known.hear("", &stage.viewer.propfind("/dav/calendars/bob/", "1", "<D:resourcetype/>"));
            let all = known.calendars.iter().flat_map(|calendar| known_bodies(&stage.viewer, calendar)).collect::<Vec<_>>();
            let all = all.into_iter();
            all.map(|(href, text)| format!("{href}\n{text}")).collect::<String>()
        });
        return Err(Box::new(Parting { step: step.0, request: request.clone(), answers, served }));
    }
    known.hear(&request.path, a);
    tally.requests += 1;
    *tally.answers.entry((request.method.clone(), a.status)).or_default() += 1;
    Ok(())
}

/// What a calendar has for the viewer, by href, as far as it answers.
fn known_bodies(viewer: &Client, calendar: &str) -> Vec<(String, String)> {
    let answer = viewer.propfind(calendar, "1", "<D:getetag/>");
    if answer.status != 207 {
        return Vec::new();
    }
    let hrefs = answer.multistatus().into_keys().filter(|href| href != calendar);
    hrefs.map(|href| (href.clone(), viewer.get(&href).body)).collect()
}

/// What the viewer may guess: names, UIDs and words of both worlds, whether they are there or not.
fn guesses(scene: &Scene) -> Knowledge {
    let looks = || scene.things.iter().filter(|thing| !thing.later).flat_map(|thing| &thing.looks).flatten();
    let mut known = Knowledge::default();
    known.names = looks().map(|look| look.name.clone()).chain(["nothing.ics".to_owned()]).collect();
    known.guessed_uids = looks().map(|look| look.uid.clone()).chain(["nothing@example.org".to_owned()]).collect();
    for look in looks() {
        let text = look.text(0).replace("\r\n ", "").replace("\n ", "");
        let words =
            text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').filter(|word| word.contains("canary") || word.contains("title"));
        known.words.extend(words.take(12).map(str::to_owned));
    }
    known.words.push("nothing".to_owned());
    known.people = ["alice", "bob", "carol", "dan", "zoe", "xena", "yuri", "team", "team-2", "house-1", "board", "Name of", "example.org"]
        .map(str::to_owned)
        .into();
    if scene.calendar[0] == scene.calendar[1] {
        known.calendars.push(format!("/dav/calendars/alice/{}/", scene.calendar[0]));
    }
    let elsewhere = [
        "/",
        "/dav/",
        "/dav/calendars/",
        "/dav/calendars/alice/",
        "/dav/calendars/bob/",
        "/dav/calendars/bob/default/",
        "/dav/calendars/carol/",
        "/dav/calendars/xena/",
        "/dav/calendars/yuri/default/",
        "/dav/calendars/nobody/",
        "/dav/calendars/alice/affair/",
        "/dav/calendars/alice/feed/",
        "/dav/calendars/alice/news/",
        "/dav/calendars/alice/therapy/",
        "/dav/calendars/alice/default/",
        "/dav/calendars/alice/default/thing-0.ics",
        "/dav/calendars/alice/files-0/",
        "/dav/calendars/alice/lawyer/nothing.ics",
        "/dav/calendars/dan/plans/",
        "/dav/principals/",
        "/dav/principals/users/",
        "/dav/principals/groups/",
        "/dav/principals/users/alice/",
        "/dav/principals/users/bob/",
        "/dav/principals/users/xena/",
        "/dav/principals/users/yuri/",
        "/dav/principals/users/carol/",
        "/dav/principals/groups/board/",
        "/dav/freebusy/alice",
        "/dav/freebusy/xena",
        "/dav/freebusy/nobody/",
        "/dav/principals/groups/team/",
        "/dav/principals/groups/team-1/",
        "/dav/principals/groups/team-4/",
        "/dav/calendars/bob/aaaaaaaaaaaaaaaaaaaaaaaaaa/",
        "/l/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "/l/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.ics",
    ];
    known.guessed_paths = elsewhere.map(str::to_owned).into();
    known
}

/// Plays, a panic in the play (a fault of the store, say) being told as one.
fn outcome(scene: &Scene) -> Result<Tally, Option<Box<Parting>>> {
    match catch_unwind(AssertUnwindSafe(|| play(scene))) {
        Ok(played) => played.map_err(Some),
        Err(_) => Err(None),
    }
}

/// Leaves out steps and things as long as the worlds still come apart.
fn smallest(mut scene: Scene, mut parting: Option<Box<Parting>>) -> (Scene, Option<Box<Parting>>) {
    let mut tries = 80;
    let mut size = scene.script.len().div_ceil(2).max(1);
    loop {
        let mut start = 0;
        let mut shrunk = false;
        while start < scene.script.len() && tries > 0 {
            tries -= 1;
            let mut smaller = scene.clone();
            smaller.script.drain(start..(start + size).min(scene.script.len()));
            match outcome(&smaller) {
                Err(found) => {
                    (scene, parting, shrunk) = (smaller, found, true);
                }
                Ok(_) => start += size,
            }
        }
        if tries == 0 || (size == 1 && !shrunk) {
            break;
        }
        size = size.div_ceil(2).max(1);
    }
    for number in 0..scene.things.len() {
        let mut smaller = scene.clone();
        smaller.things[number].looks = [None, None];
        if let Err(found) = outcome(&smaller) {
            (scene, parting) = (smaller, found);
        }
    }
    (scene, parting)
}

/// Plays the scene of a seed. The error tells the smallest scene in which the worlds come apart.
fn check(seed: u64, steps: usize) -> Result<Tally, String> {
    let scene = Scene::new(seed, steps);
    let parting = match outcome(&scene) {
        Ok(tally) => return Ok(tally),
        Err(parting) => parting,
    };
    let (scene, parting) = smallest(scene, parting);
    Err(tell(&scene, parting.as_deref()))
}

fn tell(scene: &Scene, parting: Option<&Parting>) -> String {
    use std::fmt::Write;
    let mut out = format!("seed {}, viewer {:?}\n", scene.seed, scene.viewer.name);
    for thing in scene.things.iter().filter(|thing| thing.looks.iter().any(Option::is_some)) {
        let _ = writeln!(out, "thing {} (hidden: {}, full: {}, later: {})", thing.number, thing.hidden, thing.full, thing.later);
        for (side, look) in Side::BOTH.iter().zip(&thing.looks) {
            match look {
                None => out.push_str("  not in this world\n"),
                Some(look) => {
                    let _ = writeln!(out, "  in {side:?}: {} {}", look.name, look.uid);
                }
            }
        }
        match &thing.looks {
            [Some(a), Some(b)] => apart(&mut out, &a.text(0), &b.text(0), usize::MAX),
            looks => looks.iter().flatten().for_each(|look| out.push_str(&look.text(0))),
        }
    }
    for (number, step) in &scene.script {
        let _ = writeln!(out, "{number}: {step:?}");
    }
    match parting {
        None => out.push_str("the play itself failed: see the panic above"),
        Some(Parting { step, request, answers: [a, b], served }) => {
            let _ = writeln!(out, "at step {step}:\n{request}\n");
            let _ = writeln!(out, "in A: {} {:?}\nin B: {} {:?}", a.status, a.headers, b.status, b.headers);
            out.push_str("all that is served:\n");
            apart(&mut out, &served[0], &served[1], 40);
            out.push_str("the answers:\n");
            apart(&mut out, &a.body.replace('<', "\n<"), &b.body.replace('<', "\n<"), 12);
        }
    }
    out
}

/// Both texts by lines, those that stand in one only being marked; all of it if both are short.
fn apart(out: &mut String, a: &str, b: &str, context: usize) {
    use std::fmt::Write;
    let (a, b): (Vec<&str>, Vec<&str>) = (a.lines().collect(), b.lines().collect());
    let same = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    for line in a.iter().take(same).skip(same.saturating_sub(context)) {
        let _ = writeln!(out, "      {line}");
    }
    for (mark, lines) in [("A", &a), ("B", &b)] {
        for line in lines.iter().skip(same).take(context) {
            let _ = writeln!(out, "    {mark} {line}");
        }
    }
}

/// Some pairs of worlds, as far as they hold, without looking for the smallest scene in which they come apart: enough to see whether this
/// property notices that something is wrong.
pub fn some_hold() -> Result<(), String> {
    // From the first kind of viewer on.
    let first = 50 * VIEWERS.len() as u64;
    for seed in first..first + 8 * VIEWERS.len() as u64 {
        match outcome(&Scene::new(seed, 60)) {
            Ok(_) => {}
            Err(None) => return Err("the play itself failed".to_owned()),
            Err(Some(parting)) => {
                let Parting { request, answers: [a, b], .. } = *parting;
                return Err(format!("{} {}: {} {}", request.method, request.path, a.status, b.status));
            }
        }
    }
    Ok(())
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

#[test]
fn two_worlds_that_differ_in_what_a_viewer_may_not_see_answer_him_alike() {
    let pairs = setting("SHOJI_WORLDS", 2 * VIEWERS.len() as u64);
    let (first, steps) = (setting("SHOJI_SEED", 1000), setting("SHOJI_STEPS", 40));
    let steps = usize::try_from(steps).unwrap();
    let mut tally = Tally::default();
    let mut viewers = BTreeSet::new();
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in first..first + pairs {
        tally.add(&check(seed, steps).unwrap_or_else(|parting| panic!("{parting}")));
        let viewer = Scene::new(seed, 0).viewer;
        viewers.insert(viewer.name);
        for (kind, is_one) in [
            ("in an open organisation", viewer.is_open()),
            ("invited", viewer.takes_part()),
            ("with a link", viewer.link.is_some()),
            ("administrators", viewer.administers()),
            ("in groups of groups", viewer.is_nested()),
        ] {
            *kinds.entry(kind).or_insert(0) += u64::from(is_one);
        }
    }
    let (objects, requests) = (tally.objects, tally.requests);
    println!("{pairs} pairs of worlds, {} kinds of viewer, {objects} objects, {requests} requests compared", viewers.len());
    println!("viewers: {kinds:?}");
    assert!(pairs < 60 || kinds.values().all(|number| *number > 3), "{kinds:?}");
    let mut methods: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for ((method, status), number) in &tally.answers {
        methods.entry(method).or_default().push(format!("{status}: {number}"));
    }
    methods.iter().for_each(|(method, answers)| println!("{method:>10} {}", answers.join(", ")));
    assert!(tally.requests as u64 >= pairs * (steps as u64 / 2 + 20), "too few requests: {tally:?}");
}
